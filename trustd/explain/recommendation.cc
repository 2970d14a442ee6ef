#include "trustd/explain/recommendation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/succession.h"
#include "trustd/mirror/steps.h"
#include "verify/enum_table.h"

namespace anchorage::trustd {
namespace {

using Action = v1::Recommendation;
using Entry = RotationBook::Entry;

constexpr RecommendationRow kRows[] = {
    {Case::kOver, "OVER", Action::ACTION_NOTHING,
     "Nothing is left to decide: it is over."},
    {Case::kPublished, "PUBLISHED", Action::ACTION_NOTHING,
     "Nothing is left to decide: it is published."},
    {Case::kToBeSigned, "TO_BE_SIGNED", Action::ACTION_SIGN,
     "Sign the proposal: enough people have approved it, and only the ceremony "
     "publishes it."},
    {Case::kApproved, "APPROVED", Action::ACTION_WAIT,
     "Wait: it is approved, and is published as soon as the gate lets it "
     "through."},
    {Case::kAlreadyThere, "ALREADY_THERE", Action::ACTION_NOTHING,
     "Nothing is left to decide: what is served has it already."},

    {Case::kUnknownSigner, "UNKNOWN_SIGNER", Action::ACTION_LOOK,
     "Have the sources polled and open AWS's page: AWS signs with a key that "
     "it "
     "has not published yet, or somebody shows a forgery."},
    {Case::kProblem, "PROBLEM", Action::ACTION_LOOK,
     "Open the source's address: if it is whole there, wait for the next poll; "
     "if AWS has changed its form, trustd has to learn that, and keeps what it "
     "has until then."},
    {Case::kSlotsMissing, "SLOTS_MISSING", Action::ACTION_LOOK,
     "Open the source's address: if the slots are there, wait for the next "
     "poll; if AWS has taken them out, ask AWS. No anchor is removed by it."},
    {Case::kFewerSlots, "FEWER_SLOTS", Action::ACTION_LOOK,
     "Open the source's address: if the slots are there, wait for the next "
     "poll. No anchor is removed by it."},
    {Case::kStale, "STALE", Action::ACTION_LOOK,
     "The source is behind, or went back: ask who runs it, or wait for its "
     "next "
     "poll. If a key was retired that AWS uses after all, take that back."},
    {Case::kSourcesDisagree, "SOURCES_DISAGREE", Action::ACTION_LOOK,
     "Find out which source is wrong: compare them with AWS's page as another "
     "network shows it. One that is only behind is right again by itself."},
    {Case::kTooManyCertificates, "TOO_MANY_CERTIFICATES", Action::ACTION_LOOK,
     "Open the source's address: AWS has one certificate in a slot, so the "
     "source is broken, or somebody has changed it."},

    {Case::kNotSelfSigned, "NOT_SELF_SIGNED", Action::ACTION_REJECT,
     "Reject it: its own key has not signed this certificate, so AWS has not "
     "made it."},
    {Case::kSameCertificate, "SAME_CERTIFICATE", Action::ACTION_REJECT,
     "Reject it: it is a certificate that is pinned, with its signature "
     "written "
     "otherwise."},
    {Case::kUnreadable, "UNREADABLE", Action::ACTION_REJECT,
     "Reject it: its certificate cannot be read."},
    {Case::kRequestOutdated, "REQUEST_OUTDATED", Action::ACTION_REJECT,
     "Reject it: what is pinned has changed since it was asked for, and it can "
     "no longer be done."},
    {Case::kKeyIsOver, "KEY_IS_OVER", Action::ACTION_HOLD,
     "Do not approve it: its key is retired or revoked in this slot. If that "
     "was "
     "a mistake, a retired key can be reactivated; a revoked one never."},
    {Case::kKeyRevokedElsewhere, "KEY_REVOKED_ELSEWHERE", Action::ACTION_HOLD,
     "Hold it: its key is revoked in another slot, so it may be in other "
     "hands. "
     "Find out why it was revoked."},
    {Case::kNotLater, "NOT_LATER", Action::ACTION_HOLD,
     "Hold it: the certificate is no later than one that the key has had, so "
     "the "
     "source is probably a stale copy."},
    {Case::kInUseElsewhere, "IN_USE_ELSEWHERE", Action::ACTION_HOLD,
     "Hold it: the certificate is another region's, so the source probably "
     "shows it under the wrong name."},
    {Case::kSeveralNew, "SEVERAL_NEW", Action::ACTION_HOLD,
     "Hold it: sources show more than one new certificate in this slot, and "
     "AWS "
     "has one."},
    {Case::kSourceSaysOtherwise, "SOURCE_SAYS_OTHERWISE", Action::ACTION_HOLD,
     "Hold it: a source that speaks for this slot shows something else. Find "
     "out "
     "which of them is wrong."},
    {Case::kNotShownNow, "NOT_SHOWN_NOW", Action::ACTION_HOLD,
     "Hold it: no source that can be relied on shows it now."},
    {Case::kTakesAway, "TAKES_AWAY", Action::ACTION_HOLD,
     "Hold it: it only takes something away, and a page that shows less is "
     "more "
     "often broken than right. Ask AWS."},
    {Case::kFromTheFuture, "FROM_THE_FUTURE", Action::ACTION_WAIT,
     "Wait: the certificate begins more than a day from now."},
    {Case::kNotAllAsked, "NOT_ALL_ASKED", Action::ACTION_WAIT,
     "Wait: a source has neither answered nor failed since trustd started."},
    {Case::kTooOften, "TOO_OFTEN", Action::ACTION_WAIT,
     "Wait: the slot has changed without people lately. Look again when the "
     "hour, or the day, is over."},
    {Case::kClockSuspect, "CLOCK_SUSPECT", Action::ACTION_WAIT,
     "Set this host's clock right first: it jumped, and nothing has confirmed "
     "it since."},
    {Case::kRecordNotChecked, "RECORD_NOT_CHECKED", Action::ACTION_WAIT,
     "Wait some seconds: the record is still being read after the start."},
    {Case::kRefused, "REFUSED", Action::ACTION_HOLD,
     "Do not approve it: the gate would refuse it, for the reason that it "
     "gives."},
    {Case::kOtherPins, "OTHER_PINS", Action::ACTION_WAIT,
     "Wait for the next poll: it was found against other anchors than those "
     "that are pinned by now."},

    {Case::kSourceHeld, "SOURCE_HELD", Action::ACTION_HOLD,
     "Hold it: something speaks against every source that shows it."},
    {Case::kPersonHolds, "PERSON_HOLDS", Action::ACTION_HOLD,
     "Ask the person who holds it what they know."},

    {Case::kPolicyPublishes, "POLICY_PUBLISHES", Action::ACTION_WAIT,
     "Nothing to do: the policy publishes it with the next event."},
    {Case::kPolicyWaits, "POLICY_WAITS", Action::ACTION_WAIT,
     "Nothing to do: the policy publishes it when its time has come."},
    {Case::kRequested, "REQUESTED", Action::ACTION_CONFIRM,
     "Ask the person who wants it, and compare what they bring with AWS by a "
     "way "
     "of your own, before you approve it."},
    {Case::kUndoRequested, "UNDO_REQUESTED", Action::ACTION_CONFIRM,
     "Make sure with the person who wants it that the key which came is wrong, "
     "before you approve it: what AWS has signed with it is refused from then "
     "on."},
    {Case::kOneSource, "ONE_SOURCE", Action::ACTION_CONFIRM,
     "Confirm it before you approve it: one source alone shows it. Another "
     "source, or the evidence of an instance, would be enough."},
    {Case::kKeyUnproved, "KEY_UNPROVED", Action::ACTION_CONFIRM,
     "Confirm it before you approve it: it is another key, and no instance has "
     "proved that AWS signs with it. Submit the evidence of one, or ask AWS."},
    {Case::kKeyProved, "KEY_PROVED", Action::ACTION_APPROVE,
     "Approve it: sources show the new key, an instance has proved that AWS "
     "signs with it, and the gate has nothing against it."},
    {Case::kWitnessed, "WITNESSED", Action::ACTION_APPROVE,
     "Approve it: sources that do not feed one another, or a source and an "
     "instance, show it, and the gate has nothing against it."},
};

using Rows = verify::EnumTable<kRows>;

Case CaseOf(GateReason reason) {
  switch (reason) {
    case GateReason::kNotSelfSigned:
      return Case::kNotSelfSigned;
    case GateReason::kFromTheFuture:
      return Case::kFromTheFuture;
    case GateReason::kKeyIsOver:
      return Case::kKeyIsOver;
    case GateReason::kKeyRevokedElsewhere:
      return Case::kKeyRevokedElsewhere;
    case GateReason::kNotLater:
      return Case::kNotLater;
    case GateReason::kInUseElsewhere:
      return Case::kInUseElsewhere;
    case GateReason::kSameCertificate:
      return Case::kSameCertificate;
    case GateReason::kUnreadable:
      return Case::kUnreadable;
    case GateReason::kTakesAway:
      return Case::kTakesAway;
    case GateReason::kSourceSaysOtherwise:
      return Case::kSourceSaysOtherwise;
    case GateReason::kNotShownNow:
      return Case::kNotShownNow;
    case GateReason::kSeveralNew:
      return Case::kSeveralNew;
    case GateReason::kNotAllAsked:
      return Case::kNotAllAsked;
    case GateReason::kTooOften:
      return Case::kTooOften;
    case GateReason::kClockSuspect:
      return Case::kClockSuspect;
    case GateReason::kRecordNotChecked:
      return Case::kRecordNotChecked;
    case GateReason::kApprovalsMissing:
    case GateReason::kNotWhatWasApproved:
    case GateReason::kNotTowardsRevoked:
    case GateReason::kNotASuccessor:
      return Case::kRefused;
  }
  return Case::kRefused;
}

Case CaseOf(const absl::Status& refused) {
  const auto reason = GateReasonOf(refused);
  return reason.has_value() ? CaseOf(*reason) : Case::kRefused;
}

// The worst of what the gate has against it: the first in the order of cases.
std::optional<Case> WorstOf(const Entry& entry, const Answers& answers) {
  std::vector<Case> cases;
  for (const Objection& objection : answers.objections) {
    cases.push_back(CaseOf(objection.reason));
  }
  if (!answers.next.ok()) {
    // No poll mends what a person asked for.
    cases.push_back(entry.is_request() ? Case::kRequestOutdated
                                       : Case::kOtherPins);
  } else {
    if (!answers.with_people.ok()) {
      cases.push_back(CaseOf(answers.with_people));
    }
    // No source has to show what a person asks for.
    if (!entry.is_request() && !answers.without_people.ok()) {
      cases.push_back(CaseOf(answers.without_people.status()));
    }
  }
  if (cases.empty()) return std::nullopt;
  return *std::min_element(cases.begin(), cases.end());
}

bool ChangesKey(const Entry& entry) {
  return entry.rotation.rotation_class() == v1::ROTATION_CLASS_RE_KEY ||
         entry.rotation.rotation_class() == v1::ROTATION_CLASS_ALGORITHM_CHANGE;
}

// Of what nothing speaks against, and only people decide.
Case CaseOfWitnesses(const Entry& entry, int families) {
  const int proofs = entry.Evidence().live_proofs;
  if (ChangesKey(entry)) {
    return proofs > 0 ? Case::kKeyProved : Case::kKeyUnproved;
  }
  return families > 1 || proofs > 0 ? Case::kWitnessed : Case::kOneSource;
}

}  // namespace

const RecommendationRow& RecommendationOf(Case value) {
  return Rows::Of(value);
}

Case CaseOf(AnomalyKind anomaly) {
  switch (anomaly) {
    case AnomalyKind::kProblem:
      return Case::kProblem;
    case AnomalyKind::kSlotsMissing:
      return Case::kSlotsMissing;
    case AnomalyKind::kFewerSlots:
      return Case::kFewerSlots;
    case AnomalyKind::kStale:
      return Case::kStale;
    case AnomalyKind::kSourcesDisagree:
      return Case::kSourcesDisagree;
    case AnomalyKind::kTooManyCertificates:
      return Case::kTooManyCertificates;
  }
  return Case::kProblem;
}

Answers AskAll(const Work& view, const Entry& entry) {
  Answers answers;
  const absl::Time now = view.at.now;
  const Change& change = entry.change;
  const Situation situation = SituationOf(view);
  answers.policy = AskPolicy(view, entry, situation);
  answers.next = Applied(view.catalog(), change, view.options, now);
  const anchors::Catalog& after =
      answers.next.ok() ? *answers.next : view.catalog();
  for (const SeenCertificate& seen : change.observed) {
    if (seen.pinned || seen.der.empty()) continue;
    const auto certificate = anchors::MakeCertificate(seen.der);
    if (!certificate.ok()) {
      answers.objections.push_back(
          {GateReason::kUnreadable, "it cannot be read"});
      continue;
    }
    for (Objection& objection :
         ObjectionsTo(*certificate, change.slot, view.catalog(), after, now)) {
      answers.objections.push_back(std::move(objection));
    }
  }
  if (!answers.next.ok()) return answers;
  answers.changes_nothing = *answers.next == view.catalog();
  answers.without_people =
      JudgeAutomatic(view.catalog(), *answers.next, change.slot, situation);
  Step step{.before = view.catalog(),
            .after = *answers.next,
            .grounds = {{.slot = change.slot}},
            .reactivated = ReactivatedBy(change)};
  step.after.sequence = view.served.next_sequence;
  step.after.created = anchors::WholeSeconds(now);
  Ground& ground = step.grounds.front();
  ground.effect_sha256 = EffectSha256(view.catalog(), *answers.next,
                                      change.slot, situation.overlap);
  // The gate counts them, and asks for no names.
  for (int i = 0; i < situation.approvals; ++i) {
    ground.approvers.insert(absl::StrCat("person ", i));
  }
  answers.with_people = Admit(std::move(step), situation).status();
  return answers;
}

Case CaseOf(const Work& view, const Entry& entry, const Answers& answers) {
  if (entry.rotation.state() == v1::ROTATION_STATE_PUBLISHED) {
    return Case::kPublished;
  }
  if (!entry.is_open()) return Case::kOver;
  if (entry.is_unknown_signer()) return Case::kUnknownSigner;
  if (entry.is_anomaly()) {
    return CaseOf(entry.change.anomaly.value_or(AnomalyKind::kProblem));
  }
  if (entry.rotation.state() == v1::ROTATION_STATE_APPROVED) {
    return view.options.offline ? Case::kToBeSigned : Case::kApproved;
  }
  if (answers.changes_nothing) return Case::kAlreadyThere;
  if (const auto worst = WorstOf(entry, answers)) return *worst;
  if (entry.Evidence().disagreeing_sources > 0) {
    return Case::kSourceSaysOtherwise;
  }
  if (!entry.CurrentChange().held_by.empty()) return Case::kSourceHeld;
  if (entry.is_held() && !entry.is_by_policy()) return Case::kPersonHolds;
  if (entry.is_request()) {
    return entry.change.undo.has_value() ? Case::kUndoRequested
                                         : Case::kRequested;
  }
  if (!entry.is_held()) {
    if (answers.policy.outcome == Outcome::kPublishNow) {
      return Case::kPolicyPublishes;
    }
    if (answers.policy.outcome == Outcome::kWaitUntil) {
      return Case::kPolicyWaits;
    }
  }
  return CaseOfWitnesses(entry, *answers.without_people);
}

}  // namespace anchorage::trustd
