// Identity evidence made to cost as much as it can before it is refused.
//
//   for (const HostileIdentity& h : HostileIdentities()) {
//     RefusedAsExpected(h, *anchors, policy, now);
//   }
//
// Of every kind that a reader could stumble over: what is long, deep, many, or
// wrong at the very end, each as large as the limits let it be. Region and
// forms are real ones, so that with AWS's anchors nothing is refused early for
// want of an anchor; the signatures are nobody's.

#ifndef ANCHORAGE_TEST_BENCH_HOSTILE_IDENTITY_H_
#define ANCHORAGE_TEST_BENCH_HOSTILE_IDENTITY_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "verify/anchor_set.h"
#include "verify/identity/identity_evidence.h"
#include "verify/identity/identity_policy.h"
#include "verify/reason.h"

namespace anchorage::bench {

struct HostileIdentity {
  std::string name = {};
  verify::IdentityForm form = verify::IdentityForm::kRsa2048;
  std::optional<std::string> document = {};
  std::string signature = {};
  // Whether `signature` is text, to be decoded first.
  bool is_text = false;
  verify::Reason reason = verify::Reason::kSignatureMismatch;
};

std::vector<HostileIdentity> HostileIdentities();

// Decodes and verifies. Returns whether it was refused for its reason.
bool RefusedAsExpected(const HostileIdentity& hostile,
                       const verify::AnchorSet& anchors,
                       const verify::IdentityPolicy& policy, absl::Time now);

}  // namespace anchorage::bench

#endif  // ANCHORAGE_TEST_BENCH_HOSTILE_IDENTITY_H_
