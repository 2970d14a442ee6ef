#include "trustd/mirror/steps.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "trustd/mirror/decisions.h"
#include "trustd/mirror/looks.h"
#include "trustd/mirror/outlet.h"
#include "trustd/mirror/proofs.h"
#include "trustd/record/rotation_values.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using Entry = RotationBook::Entry;

// What approvals are of changes with the catalog and with the overlap. Where it
// has changed, those that were given are of something else.
void RefreshEffects(Work& work) {
  if (work.moment.refreshed == work.served.catalog_sha256) return;
  work.moment.refreshed = work.served.catalog_sha256;
  for (const std::uint64_t id : LiveOf(work)) {
    const Entry& entry = *work.book().Find(id);
    if (!entry.is_open() || !entry.is_publishable()) continue;
    const std::string effect =
        EffectOf(work.catalog(), entry.change, work.options, work.at.now);
    if (effect == entry.rotation.effect_sha256()) continue;
    Rebase(work, entry.rotation, effect);
  }
}

void CloseWhatWentAway(Work& work) {
  for (const std::uint64_t id : LiveOf(work)) {
    const Entry& entry = *work.book().Find(id);
    if (!entry.is_open() || !entry.is_publishable() || entry.is_request() ||
        entry.is_shown() || entry.rotation.sources().empty()) {
      continue;
    }
    // What people said of it is theirs to take back.
    const bool is_theirs =
        (entry.is_held() && !entry.is_by_policy()) || entry.approvals() > 0;
    if (!is_theirs) {
      work.draft.AddState(id, v1::ROTATION_STATE_WITHDRAWN,
                          "no source shows it any more");
    } else if (entry.rotation.state() == v1::ROTATION_STATE_APPROVED) {
      work.draft.AddPolicyDecision(id, v1::Decision::KIND_HOLD,
                                   "no source shows it any more");
      work.draft.AddState(id, v1::ROTATION_STATE_DETECTED,
                          "no source shows it any more");
    }
  }
}

// How long a rule holds goes by a clock that nobody sets.
void NoteWhatIsSeen(Work& work) {
  const auto& live = work.book().Live();
  std::erase_if(work.moment.seen,
                [&](const auto& seen) { return live.count(seen.first) == 0; });
  for (const std::uint64_t id : live) {
    work.moment.seen.try_emplace(id, work.at.steady);
  }
}

void DecideOne(Work& work, std::uint64_t id, const Situation& situation) {
  const Entry* entry = work.book().Find(id);
  const int needed = work.options.rotations.approvals;
  if (entry->rotation.state() == v1::ROTATION_STATE_APPROVED) {
    if (entry->approvals() >= needed) return;
    if (!entry->is_by_policy()) {
      work.draft.AddState(id, v1::ROTATION_STATE_DETECTED,
                          "its approvals no longer count");
    } else if (!work.options.offline) {
      // It was not published at once, and sources and the policy may say
      // otherwise by now. A proposal does not change with every look.
      const Decision decision = AskPolicy(work, *entry, situation);
      if (decision.outcome == Outcome::kPublishNow) return;
      work.draft.AddState(id, v1::ROTATION_STATE_DETECTED, decision.reason);
    }
    return;
  }
  const EvidenceSummary evidence = entry->Evidence();
  if (entry->rotation.state() == v1::ROTATION_STATE_DETECTED &&
      (evidence.agreeing_sources > 1 || evidence.live_proofs > 0)) {
    work.draft.AddState(
        id, v1::ROTATION_STATE_CORROBORATED,
        absl::StrCat(evidence.agreeing_sources, " sources and ",
                     evidence.live_proofs, " instances say so"));
    entry = work.book().Find(id);
  }
  if (entry->is_held()) return;
  if (const int approvals = entry->approvals(); approvals >= needed) {
    work.draft.AddState(id, v1::ROTATION_STATE_APPROVED,
                        absl::StrCat("approved by ", approvals,
                                     approvals == 1 ? " person" : " people"));
    return;
  }
  if (entry->is_request()) return;
  const Decision decision = AskPolicy(work, *entry, situation);
  if (decision.outcome != Outcome::kPublishNow) return;
  work.draft.AddPolicyDecision(id, v1::Decision::KIND_APPROVE, decision.reason);
  work.draft.AddState(id, v1::ROTATION_STATE_APPROVED, decision.reason);
}

void DecideWhatIsDue(Work& work) {
  // Approvals may be on no record.
  if (!work.moment.record_checked) return;
  const Situation situation = SituationOf(work);
  for (const std::uint64_t id : LiveOf(work)) {
    const Entry& entry = *work.book().Find(id);
    if (entry.is_open() && entry.is_publishable()) {
      DecideOne(work, id, situation);
    }
  }
}

// When the last anchor that a rotation replaces is over; InfinitePast() if
// there is none.
absl::Time OverlapEnd(const Catalog& catalog, const verify::Slot& slot) {
  absl::Time end = absl::InfinitePast();
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot == slot &&
        anchor.status == verify::AnchorStatus::kRetiring &&
        anchor.valid_until.has_value()) {
      end = std::max(end, *anchor.valid_until);
    }
  }
  return end;
}

void CompleteWhatIsOver(Work& work) {
  for (const std::uint64_t id : LiveOf(work)) {
    const Entry& entry = *work.book().Find(id);
    if (entry.rotation.state() == v1::ROTATION_STATE_PUBLISHED &&
        OverlapEnd(work.catalog(), entry.change.slot) <= work.at.now) {
      work.draft.AddState(id, v1::ROTATION_STATE_COMPLETED,
                          "nothing that it replaces is in use");
    }
  }
}

// People are alerted again and again, but for the time that they asked for.
void AlertOfLongHolds(Work& work) {
  auto& alerted = work.moment.alerted_holds;
  const auto& live = work.book().Live();
  std::erase_if(alerted,
                [&](const auto& one) { return live.count(one.first) == 0; });
  for (const std::uint64_t id : LiveOf(work)) {
    const Entry& entry = *work.book().Find(id);
    const absl::Time since = anchors::TimeOf(entry.rotation.detected_time());
    if (!entry.is_open() || work.at.now - since < work.options.held_too_long) {
      continue;
    }
    if (work.book().AcknowledgedAt(absl::StrCat("rotation/", id),
                                   work.at.now) != nullptr) {
      alerted.erase(id);
      continue;
    }
    const auto last = alerted.find(id);
    if (last != alerted.end() &&
        work.at.steady - last->second < work.options.held_too_long) {
      continue;
    }
    alerted[id] = work.at.steady;
    work.draft.AddAlert(
        AlertKind::kRotationHeldTooLong, entry.rotation,
        absl::StrCat("open since ", absl::FormatTime(absl::RFC3339_sec, since,
                                                     absl::UTCTimeZone())));
  }
}

}  // namespace

Decision AskPolicy(const Work& work, const RotationBook::Entry& entry,
                   const Situation& situation) {
  EvidenceSummary evidence = entry.Evidence();
  const auto seen = work.moment.seen.find(entry.rotation.id());
  evidence.first_seen = seen == work.moment.seen.end()
                            ? work.at.now
                            : work.at.now - (work.at.steady - seen->second);
  const Change change = entry.CurrentChange();
  const RotationPolicy& policy = work.options.rotations.policy;
  Decision decision = Decide(change, evidence, policy, work.at.now);
  if (decision.outcome != Outcome::kPublishNow) return decision;
  auto next = Applied(work.catalog(), change, work.options, work.at.now);
  // It was found against other pins. The next look puts it against these.
  if (!next.ok()) return {.reason = std::string(next.status().message())};
  if (*next == work.catalog()) return decision;
  auto sources = JudgeAutomatic(work.catalog(), *next, change.slot, situation);
  if (sources.ok()) {
    // What nobody may do is not decided only to be refused.
    next->sequence = work.served.next_sequence;
    next->created = anchors::WholeSeconds(work.at.now);
    const absl::Status follows =
        anchors::CheckSuccessor(work.catalog(), *next, ReactivatedBy(change));
    if (!follows.ok()) sources = follows;
  }
  if (!sources.ok()) {
    const auto reason = GateReasonOf(sources.status());
    return {.reason = absl::StrCat(
                reason.has_value() ? std::string(NameOf(*reason)) : "", ": ",
                sources.status().message())};
  }
  evidence.agreeing_sources = *sources;
  return Decide(change, evidence, policy, work.at.now);
}

// Each stands where it does because of those before it:
void Settle(Work& work) {
  // Who no longer counts is gone before anything is counted.
  ForgetOldSources(work);
  CompareLooks(work);
  RefreshEffects(work);
  VoidFormerPeople(work);
  CloseWhatWentAway(work);
  // Proofs count for what is decided next.
  TryEarlierProofs(work);
  NoteWhatIsSeen(work);
  DecideWhatIsDue(work);
  PublishApproved(work);
  // After what is decided: it goes out with the right date, too.
  MendDates(work);
  // What was published means something else to what sources say, and to what is
  // approved.
  CompareLooks(work);
  RefreshEffects(work);
  NoteWhoIsRight(work);
  CloseKnownSigners(work);
  CompleteWhatIsOver(work);
  AlertOfLongHolds(work);
}

}  // namespace anchorage::trustd
