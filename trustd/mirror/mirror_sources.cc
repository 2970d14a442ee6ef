// The mirror's part about sources: what they say, and what follows for rotations.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "trustd/mirror/mirror.h"
#include "trustd/mirror/mirror_parts.h"
#include "trustd/record/rotation_values.h"
#include "trustd/rotation/classifier.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;

// More open rotations than AWS has slots, several times over: whoever makes
// more is no source.
constexpr int kMaxOpenRotations = 1000;

// How many slots of the catalog a source ought to have.
std::size_t PinnedSlots(const Catalog& catalog, const SourceScope& scope) {
  std::set<std::string> slots;
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.status == verify::AnchorStatus::kActive &&
        scope.Covers(anchor.slot)) {
      slots.insert(verify::ToString(anchor.slot));
    }
  }
  return slots.size();
}

// Whatever speaks against what a source shows in a slot: a rotation may be
// about a part of that, and is held by all of it.
std::set<std::string> HeldInSlot(const Classification& found,
                                 const verify::Slot& slot) {
  std::set<std::string> why;
  for (const Change& change : found.changes) {
    if (change.slot == slot) {
      why.insert(change.held_by.begin(), change.held_by.end());
    }
  }
  for (const Change& anomaly : found.anomalies) {
    why.insert(HeldByAnomaly(anomaly));
  }
  return why;
}

Alert RecoveredAlert(const std::string& source, absl::Time now) {
  Alert alert;
  alert.kind = AlertKind::kSourceRecovered;
  alert.time = now;
  alert.subject = source;
  alert.text = "can be read again";
  return alert;
}

}  // namespace

void Mirror::AddDetections(const std::vector<Change>& changes,
                           const std::string& source, Draft& draft) {
  std::uint64_t id = book_.next_id();
  int open = 0;
  for (const auto& [number, entry] : book_.rotations()) {
    open += entry.is_open();
  }
  std::set<std::string> added;
  std::map<std::string, Classification> classified;
  int dropped = 0;
  for (const Change& change : changes) {
    const std::string change_id = change.id();
    if (book_.FindChange(change_id) != nullptr ||
        !added.insert(change_id).second) {
      continue;
    }
    if (++open > kMaxOpenRotations) {
      ++dropped;
      continue;
    }
    v1::Rotation& rotation = *draft.Add().mutable_detection();
    rotation = ToProto(change);
    rotation.set_id(id++);
    rotation.set_state(v1::ROTATION_STATE_DETECTED);
    rotation.set_reason(absl::StrCat("seen by ", change.source));
    anchors::SetTime(draft.time, *rotation.mutable_detected_time());
    anchors::SetTime(draft.time, *rotation.mutable_changed_time());
    v1::SourceStance& stance = *rotation.add_sources();
    stance.set_source(source);
    stance.set_stance(v1::SourceStance::STANCE_AGREES);
    anchors::SetTime(draft.time, *stance.mutable_since_time());
    for (const std::string& why : change.held_by) stance.add_held_by(why);
    AddOtherStances(change, source, draft.time, classified, rotation);
    draft.alerts.push_back(AlertOf(AlertKind::kRotationDetected, rotation,
                                   draft.time, change.diff));
  }
  if (dropped == 0) return;
  Alert alert;
  alert.kind = AlertKind::kSourceFailing;
  alert.time = draft.time;
  alert.subject = source;
  alert.text = absl::StrCat(
      dropped, " more changes than are kept: ", kMaxOpenRotations, " are open");
  draft.alerts.push_back(std::move(alert));
}

// What the newest observations of the other sources say of a new rotation.
// `classified` keeps what each was found to show.
void Mirror::AddOtherStances(const Change& change, const std::string& source,
                             absl::Time now,
                             std::map<std::string, Classification>& classified,
                             v1::Rotation& rotation) {
  if (change.rotation_class == RotationClass::kSourceAnomaly) return;
  for (const auto& [name, observation] : newest_) {
    if (name == source) continue;
    const SourceCount count = CountSources(change, {observation});
    if (count.agreeing + count.disagreeing == 0) continue;
    v1::SourceStance& stance = *rotation.add_sources();
    stance.set_source(name);
    stance.set_stance(count.agreeing > 0
                          ? v1::SourceStance::STANCE_AGREES
                          : v1::SourceStance::STANCE_CONTRADICTS);
    anchors::SetTime(now, *stance.mutable_since_time());
    if (count.agreeing == 0) continue;
    auto found = classified.find(name);
    if (found == classified.end()) {
      found = classified
                  .emplace(name, Classify(observation, hub_.Current()->catalog))
                  .first;
    }
    for (const std::string& why : HeldInSlot(found->second, change.slot)) {
      stance.add_held_by(why);
    }
  }
}

void Mirror::AddStances(const Observation& observation,
                        const Classification& found, Draft& draft) {
  const std::vector<Change>& changes = found.changes;
  // A page that was not understood says nothing about what it does not show.
  const bool is_understood = std::none_of(
      observation.problems.begin(), observation.problems.end(), IsAnomaly);
  for (const auto& [id, entry] : book_.rotations()) {
    if (!entry.is_open() || entry.is_unknown_signer()) continue;
    if (entry.is_anomaly()) continue;
    const auto shown =
        std::find_if(changes.begin(), changes.end(),
                     [&wanted = entry.rotation](const Change& change) {
                       return change.id() == wanted.change_id();
                     });
    if (shown == changes.end() && !is_understood) continue;
    const SourceCount count = CountSources(entry.change, {observation});
    v1::SourceStance stance;
    stance.set_source(observation.source);
    if (shown != changes.end() || count.agreeing > 0) {
      stance.set_stance(v1::SourceStance::STANCE_AGREES);
      if (shown != changes.end()) {
        for (const std::string& why : shown->held_by) stance.add_held_by(why);
      } else {
        for (const std::string& why : HeldInSlot(found, entry.change.slot)) {
          stance.add_held_by(why);
        }
      }
    } else if (count.disagreeing > 0) {
      stance.set_stance(v1::SourceStance::STANCE_CONTRADICTS);
    } else {
      stance.set_stance(v1::SourceStance::STANCE_WITHDREW);
    }
    const v1::SourceStance* before = entry.StanceOf(observation.source);
    if (before == nullptr &&
        stance.stance() == v1::SourceStance::STANCE_WITHDREW) {
      continue;  // it has never said anything about it
    }
    if (before != nullptr && before->stance() == stance.stance() &&
        std::equal(before->held_by().begin(), before->held_by().end(),
                   stance.held_by().begin(), stance.held_by().end())) {
      continue;
    }
    anchors::SetTime(draft.time, *stance.mutable_since_time());
    v1::StanceFact& fact = *draft.Add().mutable_stance();
    fact.set_rotation_id(id);
    *fact.mutable_stance() = std::move(stance);
  }
}

absl::Status Mirror::Observed(const Observation& observation, absl::Time now) {
  absl::Status status;
  {
    const absl::MutexLock lock(&mutex_);
    if (!ledger_->health().ok()) return ledger_->health();
    Draft draft;
    draft.time = now;
    status = AddObservation(observation, draft);
    if (status.ok()) status = CommitHealth(std::move(draft));
    if (status.ok()) {
      newest_[observation.source] = observation;
      status = SettleLocked(now);
    }
  }
  Tell();
  if (absl::IsInvalidArgument(status)) {
    // More than can be put on the record, which is a failure of the source.
    return SourceFailed(observation.source, "TOO_MUCH",
                        std::string(status.message()), now);
  }
  return status;
}

absl::Status Mirror::AddObservation(const Observation& observation,
                                    Draft& draft) {
  const auto publication = hub_.Current();
  v1::SourceHealth health = health_[observation.source];
  ClassifyOptions options;
  // Slots that nobody pinned may come and go.
  if (health.slots() > 0) {
    options.previous_slots = std::min<std::size_t>(
        health.slots(), PinnedSlots(publication->catalog, observation.scope));
  }
  const Classification found =
      Classify(observation, publication->catalog, options);

  const v1::ObservationFact fact = ToProto(observation);
  const RotationBook::Observed* last =
      book_.LastObservation(observation.source);
  const bool is_new = last == nullptr || !ShowsTheSame(last->fact, fact);
  if (is_new) *draft.Add().mutable_observation() = fact;
  if (health.failures() > 0) AddRecovered(observation.source, draft);

  std::vector<Observation> all = {observation};
  for (const auto& [name, other] : newest_) {
    if (name != observation.source) all.push_back(other);
  }
  std::vector<Change> changes = found.changes;
  changes.insert(changes.end(), found.anomalies.begin(), found.anomalies.end());
  for (Change& disagreement : Disagreements(all)) {
    changes.push_back(std::move(disagreement));
  }
  AddStances(observation, found, draft);
  AddDetections(changes, observation.source, draft);
  CloseAnomalies(observation.source, changes, all.size(), draft);

  health.set_source(observation.source);
  anchors::SetTime(draft.time, *health.mutable_last_success_time());
  anchors::SetTime(draft.time, *health.mutable_last_poll_time());
  health.set_failures(0);
  health.clear_failure();
  health.clear_detail();
  health.set_unchanged(is_new ? 0 : health.unchanged() + 1);
  if (found.anomalies.empty()) {
    health.set_slots(static_cast<std::uint32_t>(found.slots));
  }
  if (is_new) health.set_observation(ledger_->head().size + 1);
  AddHealth(std::move(health), draft);
  return absl::OkStatus();
}

// Ends anomalies of the source, and between sources, that are no longer there.
// One that was rejected is over too, so that it is said when it comes again.
void Mirror::CloseAnomalies(const std::string& source,
                            const std::vector<Change>& changes,
                            std::size_t sources, Draft& draft) {
  for (const auto& [id, entry] : book_.rotations()) {
    const bool is_rejected =
        entry.rotation.state() == v1::ROTATION_STATE_REJECTED;
    if (!entry.is_anomaly() || (!entry.is_open() && !is_rejected)) continue;
    const bool is_between =
        entry.change.anomaly == AnomalyKind::kSourcesDisagree;
    if (is_between ? sources < 2 : entry.rotation.source() != source) continue;
    const bool is_there =
        std::any_of(changes.begin(), changes.end(),
                    [&wanted = entry.rotation](const Change& change) {
                      return change.id() == wanted.change_id();
                    });
    if (!is_there) {
      draft.AddState(id, v1::ROTATION_STATE_WITHDRAWN, "it went away");
    }
  }
}

void Mirror::AddRecovered(const std::string& source, Draft& draft) {
  v1::SourceFact& working = *draft.Add().mutable_source();
  working.set_source(source);
  working.set_working(true);
  draft.alerts.push_back(RecoveredAlert(source, draft.time));
}

absl::Status Mirror::Unchanged(const std::string& source, absl::Time now) {
  absl::Status status;
  {
    const absl::MutexLock lock(&mutex_);
    if (!ledger_->health().ok()) return ledger_->health();
    v1::SourceHealth health = health_[source];
    Draft draft;
    draft.time = now;
    if (health.failures() > 0) AddRecovered(source, draft);
    health.set_source(source);
    anchors::SetTime(now, *health.mutable_last_success_time());
    anchors::SetTime(now, *health.mutable_last_poll_time());
    health.set_failures(0);
    health.clear_failure();
    health.clear_detail();
    health.set_unchanged(health.unchanged() + 1);
    AddHealth(std::move(health), draft);
    status = CommitHealth(std::move(draft));
    if (status.ok()) status = SettleLocked(now);
  }
  Tell();
  return status;
}

absl::Status Mirror::SourceFailed(const std::string& source,
                                  const std::string& failure,
                                  const std::string& detail, absl::Time now) {
  absl::Status status;
  {
    const absl::MutexLock lock(&mutex_);
    if (!ledger_->health().ok()) return ledger_->health();
    v1::SourceHealth health = health_[source];
    Draft draft;
    draft.time = now;
    if (health.failures() == 0 || health.failure() != failure) {
      v1::SourceFact& failing = *draft.Add().mutable_source();
      failing.set_source(source);
      failing.set_failure(failure);
      failing.set_detail(detail);
      Alert alert;
      alert.kind = AlertKind::kSourceFailing;
      alert.time = now;
      alert.subject = source;
      alert.text = absl::StrCat(failure, ": ", detail);
      alert.facts = {{"source", source}, {"failure", failure}};
      draft.alerts.push_back(std::move(alert));
    }
    health.set_source(source);
    anchors::SetTime(now, *health.mutable_last_poll_time());
    health.set_failures(health.failures() + 1);
    health.set_failure(failure);
    health.set_detail(detail);
    AddHealth(std::move(health), draft);
    status = CommitHealth(std::move(draft));
    if (status.ok()) status = SettleLocked(now);
  }
  Tell();
  return status;
}

void Mirror::SetSources(const std::set<std::string>& names, absl::Time now) {
  {
    const absl::MutexLock lock(&mutex_);
    if (!ledger_->health().ok()) return;
    for (auto at = newest_.begin(); at != newest_.end();) {
      at = names.count(at->first) == 0 ? newest_.erase(at) : std::next(at);
    }
    Draft draft;
    draft.time = now;
    for (const auto& [id, entry] : book_.rotations()) {
      if (!entry.is_open()) continue;
      for (const v1::SourceStance& stance : entry.rotation.sources()) {
        if (names.count(stance.source()) != 0 || entry.is_anomaly() ||
            stance.stance() == v1::SourceStance::STANCE_WITHDREW) {
          continue;
        }
        v1::StanceFact& fact = *draft.Add().mutable_stance();
        fact.set_rotation_id(id);
        *fact.mutable_stance() = stance;
        fact.mutable_stance()->set_stance(v1::SourceStance::STANCE_WITHDREW);
        anchors::SetTime(now, *fact.mutable_stance()->mutable_since_time());
      }
      if (entry.is_anomaly() && names.count(entry.rotation.source()) == 0) {
        draft.AddState(id, v1::ROTATION_STATE_WITHDRAWN,
                       "its source is no longer looked at");
      }
    }
    // A full disk: they vote on until the next start.
    (void)Commit(std::move(draft));
  }
  Tell();
}

}  // namespace anchorage::trustd
