// Attestation documents that the fake Nitro signed: for the target that
// verifies them and for its corpus.
//
// Every call gives the same bytes in every process.

#ifndef ANCHORAGE_TEST_FUZZ_NITRO_EVIDENCE_H_
#define ANCHORAGE_TEST_FUZZ_NITRO_EVIDENCE_H_

#include <vector>

#include "test/fake_aws/fake_nitro.h"

namespace anchorage::test {

struct SignedAttestation {
  NitroType type;
  NitroSpec spec;
};

// Genuine documents of both types, fresh at FakeNow(): one with nothing asked
// for, and one with everything, a field that we do not know included.
std::vector<SignedAttestation> SignedAttestations();

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FUZZ_NITRO_EVIDENCE_H_
