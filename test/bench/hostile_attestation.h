// Attestation documents made to cost as much as they can before they are
// refused.
//
//   for (const HostileAttestation& h : HostileAttestations()) {
//     RefusedAsExpected(h, *FakeRoots(), cache);
//   }
//
// The root is that of the fake AWS, and the attacker has everything but its
// keys. What only AWS could sign is not hostile: it costs what it costs.

#ifndef ANCHORAGE_TEST_BENCH_HOSTILE_ATTESTATION_H_
#define ANCHORAGE_TEST_BENCH_HOSTILE_ATTESTATION_H_

#include <memory>
#include <string>
#include <vector>

#include "verify/anchor_set.h"
#include "verify/attestation/attestation_policy.h"
#include "verify/attestation/chain_cache.h"
#include "verify/reason.h"

namespace anchorage::bench {

struct HostileAttestation {
  std::string name;
  std::string document;
  verify::Reason reason = verify::Reason::kCborMalformed;
};

std::vector<HostileAttestation> HostileAttestations();

// The set whose one root is the fake AWS's.
std::shared_ptr<const verify::AnchorSet> FakeRoots();

// Verifies as of the fake AWS's time, with the cache of a verifier that has
// seen genuine documents of the same instance. Returns whether the document
// was refused for its reason.
bool RefusedAsExpected(const HostileAttestation& hostile,
                       const verify::AnchorSet& anchors,
                       verify::ChainCache& cache);

}  // namespace anchorage::bench

#endif  // ANCHORAGE_TEST_BENCH_HOSTILE_ATTESTATION_H_
