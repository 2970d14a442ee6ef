// What Decide() looks at, in this order; the first that holds decides:
//
//   1. removals, anomalies and what people ask for wait for people;
//   2. so does what is held by something of its own;
//   3. and what a source contradicts, or none shows any more;
//   4. then the table.

#include "trustd/rotation/rotation_policy.h"

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"

namespace anchorage::trustd {
namespace {

bool IsForPeople(RotationClass rotation_class) {
  return rotation_class == RotationClass::kRemoval ||
         rotation_class == RotationClass::kSourceAnomaly ||
         rotation_class == RotationClass::kAddition ||
         rotation_class == RotationClass::kReactivation ||
         rotation_class == RotationClass::kAnnouncement ||
         rotation_class == RotationClass::kUndo;
}

Decision Hold(std::string reason) {
  Decision decision;
  decision.reason = std::move(reason);
  return decision;
}

bool IsEnough(int have, int need) { return need > 0 && have >= need; }

std::string Counted(const EvidenceSummary& evidence, const RotationRule& rule) {
  const auto part = [](int have, int need, std::string_view what) {
    return absl::StrCat(have, need > 0 ? absl::StrCat(" of ", need) : "", " ",
                        std::string(what));
  };
  return absl::StrCat(
      part(evidence.agreeing_sources, rule.sources, "sources"), " and ",
      part(evidence.live_proofs, rule.live_proofs, "live proofs"), " agree");
}

Decision DecideAfter(const EvidenceSummary& evidence, const RotationRule& rule,
                     absl::Time now) {
  const std::string counted = Counted(evidence, rule);
  if (!IsEnough(evidence.agreeing_sources, rule.sources) &&
      !IsEnough(evidence.live_proofs, rule.live_proofs)) {
    return Hold(counted);
  }
  Decision decision;
  const absl::Time until = evidence.first_seen + rule.hold;
  decision.outcome = now < until ? Outcome::kWaitUntil : Outcome::kPublishNow;
  if (now < until) decision.until = until;
  decision.reason = absl::StrCat(
      counted, ", seen for ", absl::FormatDuration(now - evidence.first_seen),
      " of ", absl::FormatDuration(rule.hold));
  return decision;
}

}  // namespace

RotationPolicy::RotationPolicy() {
  rules_[static_cast<std::size_t>(RotationClass::kReissue)].action =
      RotationAction::kPublish;
}

absl::Status RotationPolicy::Set(RotationClass rotation_class,
                                 const RotationRule& rule) {
  const std::string name(NameOf(rotation_class));
  if (IsForPeople(rotation_class) && rule.action != RotationAction::kHold) {
    return absl::InvalidArgumentError(name + " is for people to decide");
  }
  if (rule.sources < 0 || rule.sources > kMaxRotationEvidence ||
      rule.live_proofs < 0 || rule.live_proofs > kMaxRotationEvidence ||
      rule.hold < absl::ZeroDuration() || rule.hold > kMaxRotationHold) {
    return absl::InvalidArgumentError(name + ": a number out of its limits");
  }
  const bool has_terms = rule.sources > 0 || rule.live_proofs > 0;
  if (rule.action == RotationAction::kPublishAfter) {
    if (!has_terms) {
      return absl::InvalidArgumentError(name + ": published after what?");
    }
  } else if (has_terms || rule.hold != absl::ZeroDuration()) {
    return absl::InvalidArgumentError(name + ": terms that do nothing");
  }
  rules_[static_cast<std::size_t>(rotation_class)] = rule;
  return absl::OkStatus();
}

Decision Decide(const Change& change, const EvidenceSummary& evidence,
                const RotationPolicy& policy, absl::Time now) {
  const std::string name(NameOf(change.rotation_class));
  if (IsForPeople(change.rotation_class)) {
    return Hold(name + " is for people to decide");
  }
  if (!change.held_by.empty()) return Hold(change.held_by.front());
  if (evidence.disagreeing_sources > 0) {
    return Hold(
        absl::StrCat(evidence.disagreeing_sources, " sources say otherwise"));
  }
  if (evidence.agreeing_sources <= 0 && evidence.live_proofs <= 0) {
    return Hold("nothing shows it");
  }
  const RotationRule& rule = policy.rule(change.rotation_class);
  switch (rule.action) {
    case RotationAction::kHold:
      return Hold("the policy holds " + name);
    case RotationAction::kPublishAfter:
      return DecideAfter(evidence, rule, now);
    case RotationAction::kPublish:
      break;
  }
  Decision decision;
  decision.outcome = Outcome::kPublishNow;
  decision.reason = "the policy publishes " + name;
  return decision;
}

}  // namespace anchorage::trustd
