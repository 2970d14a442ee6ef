// Who decides about a change: the policy, at once or once enough agree, or
// people.
//
//   RotationPolicy policy;                     // the default
//   Decision decision = Decide(change, evidence, policy, now);
//   if (decision.outcome == Outcome::kPublishNow) ...
//
// By default a re-issue is published and everything else is held. Whatever the
// table says, nothing is removed by itself, no anomaly is published, and what
// is held by something of its own (Change::held_by), or contradicted by a
// source, waits for people.
//
// Pure: the time is an argument.

#ifndef ANCHORAGE_TRUSTD_ROTATION_ROTATION_POLICY_H_
#define ANCHORAGE_TRUSTD_ROTATION_ROTATION_POLICY_H_

#include <array>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "trustd/rotation/change.h"

namespace anchorage::trustd {

// Nobody waits longer than this for a change that was agreed on.
inline constexpr absl::Duration kMaxRotationHold = absl::Hours(90 * 24);
inline constexpr int kMaxRotationEvidence = 1000;

enum class RotationAction {
  kHold,
  // Once `sources` or `live_proofs` agree, and `hold` has passed.
  kPublishAfter,
  kPublish,
};

struct RotationRule {
  RotationAction action = RotationAction::kHold;
  // Of kPublishAfter alone. 0: that kind of evidence is not enough, however
  // much there is.
  int sources = 0;
  int live_proofs = 0;
  // Since the change was first seen.
  absl::Duration hold = absl::ZeroDuration();

  friend bool operator==(const RotationRule&, const RotationRule&) = default;
};

class RotationPolicy {
 public:
  // A re-issue is published, everything else is held.
  RotationPolicy();

  // Fails with INVALID_ARGUMENT for a rule that could not be kept: removals
  // and anomalies are held, kPublishAfter needs evidence of some kind, and
  // nothing is below zero or above its limit.
  absl::Status Set(RotationClass rotation_class, const RotationRule& rule);

  const RotationRule& rule(RotationClass rotation_class) const {
    return rules_[static_cast<std::size_t>(rotation_class)];
  }

  friend bool operator==(const RotationPolicy&,
                         const RotationPolicy&) = default;

 private:
  std::array<RotationRule,
             static_cast<std::size_t>(RotationClass::kMaxValue) + 1>
      rules_;
};

// What is known of a change, beside what it says itself.
struct EvidenceSummary {
  // Sources whose newest observation shows the change, and those whose newest
  // observation contradicts it.
  int agreeing_sources = 0;
  int disagreeing_sources = 0;
  // Instances whose evidence verifies under the new key.
  int live_proofs = 0;
  absl::Time first_seen;
};

enum class Outcome { kPublishNow, kWaitUntil, kHoldForPeople };

struct Decision {
  Outcome outcome = Outcome::kHoldForPeople;
  // Of kWaitUntil: when to decide again.
  absl::Time until = absl::InfiniteFuture();
  // For people and the record.
  std::string reason;
};

Decision Decide(const Change& change, const EvidenceSummary& evidence,
                const RotationPolicy& policy, absl::Time now);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ROTATION_ROTATION_POLICY_H_
