#include "trustd/mirror/mirror.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anchors/catalog_proto.h"
#include "anchors/files/atomic_file.h"
#include "anchors/proto_time.h"
#include "anchors/rotation/region_names.h"
#include "trustd/mirror/live_proof.h"
#include "trustd/mirror/rotation_values.h"
#include "verify/crypto/public_key.h"
#include "verify/reason.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using anchors::Change;

constexpr char kHealthPrefix[] = "source/";
// As a StaticFacts source of an anchor that a person brought.
constexpr char kOperator[] = "operator";

constexpr absl::Duration kMaxClockSlack = absl::Minutes(5);

// More open rotations than AWS has slots, several times over: whoever makes
// more is no source.
constexpr int kMaxOpenRotations = 1000;
// Alarms of unknown signers: of all, and of one submitter about slots in which
// nothing is pinned.
constexpr int kMaxUnknownSigners = 200;
constexpr int kMaxUnknownSlotsEach = 3;
// Of one submitter, for one rotation.
constexpr int kMaxProofsEach = 3;

std::string SubjectOf(const v1::Rotation& rotation) {
  if (!rotation.has_slot()) return rotation.source();
  const auto slot = anchors::SlotFromProto(rotation.slot());
  return slot.has_value() ? verify::ToString(*slot) : rotation.source();
}

Alert AlertOf(AlertKind kind, const v1::Rotation& rotation, absl::Time time,
              std::string text) {
  Alert alert;
  alert.kind = kind;
  alert.time = time;
  alert.subject = SubjectOf(rotation);
  alert.text = std::move(text);
  alert.facts = {{"rotation", absl::StrCat(rotation.id())},
                 {"class", ShortName(rotation.rotation_class())},
                 {"state", ShortName(rotation.state())},
                 {"source", rotation.source()}};
  return alert;
}

// Whether the served catalog has what a rotation is about.
bool Contains(const Catalog& catalog, const Change& change) {
  const bool is_removal =
      change.rotation_class == anchors::RotationClass::kRemoval;
  const auto in_slot = [&](const anchors::CatalogAnchor& anchor) {
    return anchor.slot == change.slot;
  };
  if (is_removal) {
    return std::none_of(catalog.anchors.begin(), catalog.anchors.end(),
                        [&](const anchors::CatalogAnchor& anchor) {
                          return in_slot(anchor) &&
                                 anchor.status == verify::AnchorStatus::kActive;
                        });
  }
  for (const anchors::SeenCertificate& seen : change.observed) {
    const bool there = std::any_of(
        catalog.anchors.begin(), catalog.anchors.end(),
        [&](const anchors::CatalogAnchor& anchor) {
          return in_slot(anchor) && anchor.spki_sha256 == seen.spki_sha256 &&
                 (anchor.status == verify::AnchorStatus::kActive ||
                  anchor.status == verify::AnchorStatus::kRetiring) &&
                 std::any_of(anchor.certificates.begin(),
                             anchor.certificates.end(), [&](const auto& c) {
                               return c.sha256 == seen.sha256 && !c.superseded;
                             });
        });
    if (!there) return false;
  }
  return !change.observed.empty();
}

// When the last anchor that a rotation replaces is over; InfinitePast() if
// there is none.
absl::Time OverlapEnd(const Catalog& catalog, const Change& change) {
  absl::Time end = absl::InfinitePast();
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot == change.slot &&
        anchor.status == verify::AnchorStatus::kRetiring &&
        anchor.valid_until.has_value()) {
      end = std::max(end, *anchor.valid_until);
    }
  }
  return end;
}

// How many slots of the catalog a source ought to have.
std::size_t PinnedSlots(const Catalog& catalog,
                        const anchors::SourceScope& scope) {
  std::set<std::string> slots;
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.status == verify::AnchorStatus::kActive &&
        scope.Covers(anchor.slot)) {
      slots.insert(verify::ToString(anchor.slot));
    }
  }
  return slots.size();
}

// What a person's change makes of a catalog.
absl::StatusOr<Catalog> ApplyPin(const Catalog& catalog,
                                 const v1::PinFact& fact, absl::Time time) {
  const auto slot = anchors::SlotFromProto(fact.slot());
  if (!slot.has_value()) {
    return absl::InvalidArgumentError("the slot's kind is not known");
  }
  switch (fact.action()) {
    case v1::PinFact::ACTION_ADD:
      return anchors::AddAnchor(catalog, *slot, fact.certificate(),
                                {kOperator, fact.by()}, {.time = time});
    case v1::PinFact::ACTION_REVOKE:
      return anchors::Revoke(catalog, *slot, fact.spki_sha256());
    case v1::PinFact::ACTION_RETIRE:
      return anchors::Retire(catalog, *slot, fact.spki_sha256(), std::nullopt);
    default:
      return absl::InvalidArgumentError("no action");
  }
}

// A catalog is never older than the one before, and clients judge clocks by
// its date: with a clock that is behind, windows would begin and end wrongly.
absl::Status CheckClock(const Catalog& before, absl::Time now) {
  if (now + kMaxClockSlack >= before.created) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the clock is behind what is published (",
      absl::FormatTime(absl::RFC3339_sec, before.created, absl::UTCTimeZone()),
      "): set it right"));
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

v1::LedgerRecord& Mirror::Draft::Add() {
  records.emplace_back();
  anchors::SetTime(time, *records.back().mutable_time());
  return records.back();
}

void Mirror::Draft::AddHold(std::uint64_t id, std::string why) {
  v1::DecisionFact& fact = *Add().mutable_decision();
  fact.set_rotation_id(id);
  fact.mutable_decision()->set_kind(v1::Decision::KIND_HOLD);
  fact.mutable_decision()->set_by(kPolicyName);
  fact.mutable_decision()->set_why(why);
  anchors::SetTime(time, *fact.mutable_decision()->mutable_time());
  AddState(id, v1::ROTATION_STATE_DETECTED, std::move(why));
}

void Mirror::Draft::AddState(std::uint64_t id, v1::RotationState state,
                             std::string reason) {
  v1::StateFact& fact = *Add().mutable_state();
  fact.set_rotation_id(id);
  fact.set_state(state);
  fact.set_reason(std::move(reason));
}

absl::StatusOr<std::unique_ptr<Mirror>> Mirror::Open(
    Options options, Store& store, Publisher& publisher, PublicationHub& hub,
    AlertSink& alerts, absl::Time now) {
  std::unique_ptr<Mirror> mirror(
      new Mirror(std::move(options), store, publisher, hub, alerts));
  {
    const absl::MutexLock lock(&mirror->mutex_);
    auto ledger = Ledger::Open(
        store, [&](std::uint64_t index, const v1::LedgerRecord& record)
                   ABSL_NO_THREAD_SAFETY_ANALYSIS {
                     mirror->book_.Read(index, record);
                   });
    if (!ledger.ok()) return ledger.status();
    mirror->ledger_ = *std::move(ledger);
    if (absl::Status s = store.Scan(
            kHealthPrefix,
            [&](std::string_view, std::string_view value)
                ABSL_NO_THREAD_SAFETY_ANALYSIS {
                  v1::SourceHealth health;
                  if (health.ParseFromArray(value.data(),
                                            static_cast<int>(value.size()))) {
                    mirror->health_[health.source()] = health;
                  }
                  return true;
                });
        !s.ok()) {
      return s;
    }
  }
  if (!mirror->ledger_->health().ok()) return mirror;
  // A full disk stops decisions, not the start.
  (void)mirror->Settle(now);
  return mirror;
}

// --- the record ------------------------------------------------------------

void Mirror::TakeUp(const std::vector<v1::LedgerRecord>& records,
                    std::uint64_t first) {
  for (const v1::LedgerRecord& record : records) {
    book_.Read(first, record);
    untold_.emplace_back(first, record);
    ++first;
  }
}

absl::Status Mirror::CommitWith(Draft draft, const Ledger::Committer& commit) {
  const std::function<void()> say = alerts_.Raise(draft.alerts, draft.also);
  const auto first =
      ledger_->AppendWith(draft.records, [&](const StoreBatch& batch) {
        StoreBatch all = batch;
        all.Add(draft.also);
        return commit(all);
      });
  if (!first.ok()) return first.status();
  TakeUp(draft.records, *first);
  say();
  return absl::OkStatus();
}

absl::Status Mirror::Commit(Draft draft) {
  if (draft.records.empty() && draft.alerts.empty() &&
      draft.also.changes().empty()) {
    return absl::OkStatus();
  }
  return CommitWith(std::move(draft), [this](const StoreBatch& batch) {
    return store_.Commit(batch);
  });
}

void Mirror::AddHealth(v1::SourceHealth health, Draft& draft) {
  draft.also.Put(absl::StrCat(kHealthPrefix, health.source()),
                 health.SerializeAsString());
  draft.health = std::move(health);
}

absl::Status Mirror::CommitHealth(Draft draft) {
  // No record without a fact: counts alone are stored beside it.
  const v1::SourceHealth health = *draft.health;
  const absl::Status status = draft.records.empty() && draft.alerts.empty()
                                  ? store_.Commit(draft.also)
                                  : Commit(std::move(draft));
  if (status.ok()) health_[health.source()] = health;
  return status;
}

// --- sources ---------------------------------------------------------------

void Mirror::AddDetections(const std::vector<Change>& changes,
                           const std::string& source, Draft& draft) {
  std::uint64_t id = book_.next_id();
  int open = 0;
  for (const auto& [number, entry] : book_.rotations()) {
    open += entry.is_open();
  }
  std::set<std::string> added;
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
    AddOtherStances(change, source, draft.time, rotation);
    draft.alerts.push_back(AlertOf(AlertKind::kRotationDetected, rotation,
                                   draft.time, change.diff));
  }
  if (dropped == 0) return;
  Alert alert;
  alert.kind = AlertKind::kSourceFailing;
  alert.time = draft.time;
  alert.subject = source;
  alert.text = absl::StrCat(dropped, " more changes than are kept: ",
                            kMaxOpenRotations, " are open");
  draft.alerts.push_back(std::move(alert));
}

// What the newest observations of the other sources say of a new rotation.
void Mirror::AddOtherStances(const Change& change, const std::string& source,
                             absl::Time now, v1::Rotation& rotation) {
  if (change.rotation_class == anchors::RotationClass::kSourceAnomaly) return;
  for (const auto& [name, observation] : newest_) {
    if (name == source) continue;
    const anchors::SourceCount count =
        anchors::CountSources(change, {observation});
    if (count.agreeing + count.disagreeing == 0) continue;
    v1::SourceStance& stance = *rotation.add_sources();
    stance.set_source(name);
    stance.set_stance(count.agreeing > 0
                          ? v1::SourceStance::STANCE_AGREES
                          : v1::SourceStance::STANCE_CONTRADICTS);
    anchors::SetTime(now, *stance.mutable_since_time());
  }
}

void Mirror::AddStances(const anchors::Observation& observation,
                        const anchors::Classification& found, Draft& draft) {
  const std::vector<Change>& changes = found.changes;
  // A page that was not understood says nothing about what it does not show.
  const bool is_understood =
      std::none_of(observation.problems.begin(), observation.problems.end(),
                   anchors::IsAnomaly);
  for (const auto& [id, entry] : book_.rotations()) {
    if (!entry.is_open() || entry.is_unknown_signer()) continue;
    if (entry.is_anomaly()) continue;
    const auto shown = std::find_if(
        changes.begin(), changes.end(), [&](const Change& change) {
          return change.id() == entry.rotation.change_id();
        });
    if (shown == changes.end() && !is_understood) continue;
    const anchors::SourceCount count =
        anchors::CountSources(entry.change, {observation});
    v1::SourceStance stance;
    stance.set_source(observation.source);
    if (shown != changes.end() || count.agreeing > 0) {
      stance.set_stance(v1::SourceStance::STANCE_AGREES);
      if (shown != changes.end()) {
        for (const std::string& why : shown->held_by) stance.add_held_by(why);
      } else {
        for (const Change& anomaly : found.anomalies) {
          stance.add_held_by(std::string(NameOf(*anomaly.anomaly)));
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

absl::Status Mirror::Observed(const anchors::Observation& observation,
                              absl::Time now) {
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

absl::Status Mirror::AddObservation(const anchors::Observation& observation,
                                    Draft& draft) {
  const auto publication = hub_.Current();
  v1::SourceHealth health = health_[observation.source];
  anchors::ClassifyOptions options;
  // Slots that nobody pinned may come and go.
  if (health.slots() > 0) {
    options.previous_slots =
        std::min<std::size_t>(health.slots(), PinnedSlots(publication->catalog,
                                                          observation.scope));
  }
  const anchors::Classification found =
      anchors::Classify(observation, publication->catalog, options);

  const v1::ObservationFact fact = ToProto(observation);
  const RotationBook::Observed* last =
      book_.LastObservation(observation.source);
  const bool is_new = last == nullptr || !ShowsTheSame(last->fact, fact);
  if (is_new) *draft.Add().mutable_observation() = fact;
  if (health.failures() > 0) AddRecovered(observation.source, draft);

  std::vector<anchors::Observation> all = {observation};
  for (const auto& [name, other] : newest_) {
    if (name != observation.source) all.push_back(other);
  }
  std::vector<Change> changes = found.changes;
  changes.insert(changes.end(), found.anomalies.begin(),
                 found.anomalies.end());
  for (Change& disagreement : anchors::Disagreements(all)) {
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
        entry.change.anomaly == anchors::AnomalyKind::kSourcesDisagree;
    if (is_between ? sources < 2 : entry.rotation.source() != source) continue;
    const bool is_there = std::any_of(
        changes.begin(), changes.end(), [&](const Change& change) {
          return change.id() == entry.rotation.change_id();
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

// --- people ----------------------------------------------------------------

absl::StatusOr<v1::Rotation> Mirror::Decide(std::uint64_t rotation_id,
                                            v1::Decision::Kind kind,
                                            const std::string& by,
                                            const std::string& why,
                                            absl::Time now) {
  absl::Status status;
  {
    const absl::MutexLock lock(&mutex_);
    const Entry* entry = book_.Find(rotation_id);
    if (entry == nullptr) {
      return absl::NotFoundError(
          absl::StrCat("there is no rotation ", rotation_id));
    }
    if (why.empty() || why.size() > kMaxWhyBytes) {
      return absl::InvalidArgumentError(
          "say why, in at most 1000 characters: it goes on the record");
    }
    // In MODE_OFFLINE what is approved is not signed yet.
    const bool is_approved =
        entry->rotation.state() == v1::ROTATION_STATE_APPROVED;
    if (!entry->is_open() ||
        (is_approved && kind == v1::Decision::KIND_APPROVE)) {
      return absl::FailedPreconditionError(
          absl::StrCat("rotation ", rotation_id, " is ",
                       ShortName(entry->rotation.state()),
                       ": nothing is left to decide"));
    }
    if (kind == v1::Decision::KIND_APPROVE && !entry->is_publishable()) {
      return absl::FailedPreconditionError(absl::StrCat(
          "rotation ", rotation_id, " is of class ",
          ShortName(entry->rotation.rotation_class()),
          " and names no key: there is nothing to approve"));
    }
    Draft draft;
    draft.time = now;
    v1::DecisionFact& fact = *draft.Add().mutable_decision();
    fact.set_rotation_id(rotation_id);
    v1::Decision& decision = *fact.mutable_decision();
    decision.set_kind(kind);
    decision.set_by(by);
    decision.set_why(why);
    anchors::SetTime(now, *decision.mutable_time());
    if (kind == v1::Decision::KIND_REJECT) {
      draft.AddState(rotation_id, v1::ROTATION_STATE_REJECTED,
                     absl::StrCat("rejected by ", by, ": ", why));
    } else if (kind == v1::Decision::KIND_HOLD && is_approved) {
      draft.AddState(rotation_id, v1::ROTATION_STATE_DETECTED,
                     absl::StrCat("held by ", by, ": ", why));
    }
    status = Commit(std::move(draft));
    // The decision is made. What follows from it may have to wait.
    if (status.ok()) (void)SettleLocked(now);
  }
  Tell();
  if (!status.ok()) return status;
  return *FindRotation(rotation_id);
}

absl::StatusOr<std::uint64_t> Mirror::Pin(const v1::PinFact& fact,
                                          absl::Time now) {
  absl::StatusOr<std::uint64_t> sequence = std::uint64_t{0};
  {
    const absl::MutexLock lock(&mutex_);
    if (!ledger_->health().ok()) return ledger_->health();
    if (fact.why().empty() || fact.why().size() > kMaxWhyBytes) {
      return absl::InvalidArgumentError(
          "say why, in at most 1000 characters: it goes on the record");
    }
    const auto publication = hub_.Current();
    const Catalog& catalog = publication->catalog;
    if (absl::Status s = CheckClock(catalog, now); !s.ok()) return s;
    auto next = ApplyPin(catalog, fact, now);
    if (!next.ok()) return next.status();
    if (*next == catalog) {
      return absl::FailedPreconditionError("the catalog has that already");
    }
    Draft draft;
    draft.time = now;
    *draft.Add().mutable_pin() = fact;
    if (options_.offline) {
      if (absl::Status s = Commit(std::move(draft)); !s.ok()) return s;
    } else {
      sequence = PublishCatalog(*std::move(next), {}, std::move(draft));
    }
    if (sequence.ok()) (void)SettleLocked(now);
  }
  Tell();
  return sequence;
}

// --- instances ---------------------------------------------------------------

absl::StatusOr<Catalog> Mirror::Applied(const Catalog& catalog,
                                        const Entry& entry,
                                        absl::Time now) const {
  return anchors::Apply(
      catalog, entry.change,
      {.time = now,
       .overlap = options_.rotations.overlap,
       .retire_removed =
           entry.change.rotation_class == anchors::RotationClass::kRemoval});
}

// Whether evidence that no pinned anchor verifies tells of another key, rather
// than of damage or of nonsense.
bool Mirror::MayBeAnotherKey(const absl::Status& refused,
                             const verify::Slot& slot) {
  const auto reason = verify::ReasonOf(refused);
  if (reason == verify::Reason::kRegionUnknown) {
    return anchors::IsRegionCode(slot.region);
  }
  return reason == verify::Reason::kSignatureMismatch ||
         reason == verify::Reason::kAnchorNotActive;
}

// More of the same from one instance proves no more, and nobody fills a
// rotation alone.
bool Mirror::TakesProof(const Entry& entry, const v1::LiveProof& proof) {
  const auto& proofs = entry.rotation.live_proofs();
  const auto of_submitter = std::count_if(
      proofs.begin(), proofs.end(), [&](const v1::LiveProof& other) {
        return other.submitter() == proof.submitter();
      });
  return of_submitter < kMaxProofsEach && proofs.size() < kMaxLiveProofs &&
         std::none_of(proofs.begin(), proofs.end(),
                      [&](const v1::LiveProof& other) {
                        return other.instance_id() == proof.instance_id();
                      });
}

bool Mirror::MayOpenUnknownSigner(const Catalog& catalog,
                                  const verify::Slot& slot,
                                  const std::string& submitter) const {
  const auto is_pinned = [&](const verify::Slot& other) {
    return std::any_of(catalog.anchors.begin(), catalog.anchors.end(),
                       [&](const anchors::CatalogAnchor& anchor) {
                         return anchor.slot == other;
                       });
  };
  int all = 0;
  int of_submitter = 0;
  for (const auto& [id, entry] : book_.rotations()) {
    if (!entry.is_open() || !entry.is_unknown_signer()) continue;
    ++all;
    of_submitter += entry.rotation.source() == submitter &&
                    !is_pinned(entry.change.slot);
  }
  return all < kMaxUnknownSigners &&
         (is_pinned(slot) || of_submitter < kMaxUnknownSlotsEach);
}

absl::StatusOr<ProofOutcome> Mirror::SubmitEvidence(
    const v1::Evidence& evidence, const std::string& submitter,
    absl::Time now) {
  if (evidence.ByteSizeLong() > kMaxEvidenceBytes) {
    return verify::Reject(verify::Reason::kInputTooLarge, "evidence");
  }
  const auto claimed = ReadEvidence(evidence);
  if (!claimed.ok()) return claimed.status();
  ProofOutcome outcome;
  outcome.slot = claimed->slot;
  outcome.signer_serial = claimed->signer_serial;

  absl::Status status;
  {
    const absl::MutexLock lock(&mutex_);
    const auto publication = hub_.Current();
    const auto pinned = SignerOf(evidence, publication->catalog, now);
    if (pinned.ok()) {
      outcome.spki_sha256 = *pinned;
      return outcome;
    }
    if (!MayBeAnotherKey(pinned.status(), claimed->slot)) {
      return pinned.status();
    }
    if (!ledger_->health().ok()) return ledger_->health();
    const Entry* found = nullptr;
    const Entry* unknown = nullptr;
    for (const auto& [id, entry] : book_.rotations()) {
      if (!entry.is_open() || entry.change.slot != claimed->slot) continue;
      if (entry.is_unknown_signer()) {
        unknown = &entry;
        continue;
      }
      if (!entry.is_publishable()) continue;
      const auto candidate = Applied(publication->catalog, entry, now);
      if (!candidate.ok()) continue;
      const auto signer = SignerOf(evidence, *candidate, now);
      if (!signer.ok()) continue;
      found = &entry;
      outcome.kind = ProofOutcome::Kind::kCandidate;
      outcome.spki_sha256 = *signer;
      break;
    }
    if (found == nullptr) outcome.kind = ProofOutcome::Kind::kUnknownSigner;

    Draft draft;
    draft.time = now;
    v1::LiveProof proof;
    proof.set_instance_id(claimed->instance_id);
    proof.set_submitter(submitter);
    anchors::SetTime(now, *proof.mutable_received_time());
    proof.set_spki_sha256(outcome.spki_sha256);
    proof.set_signer_serial(claimed->signer_serial);
    *proof.mutable_evidence() = evidence;
    const Entry* rotation = found != nullptr ? found : unknown;
    if (rotation != nullptr) {
      outcome.rotation_id = rotation->rotation.id();
      if (!TakesProof(*rotation, proof)) return outcome;
      v1::ProofFact& fact = *draft.Add().mutable_proof();
      fact.set_rotation_id(outcome.rotation_id);
      *fact.mutable_proof() = std::move(proof);
    } else if (!MayOpenUnknownSigner(publication->catalog, claimed->slot,
                                     submitter)) {
      return outcome;
    } else {
      v1::Rotation& opened = *draft.Add().mutable_detection();
      outcome.rotation_id = book_.next_id();
      opened.set_id(outcome.rotation_id);
      opened.set_change_id(verify::Sha256Hex(
          absl::StrCat("UNKNOWN_SIGNER\n", verify::ToString(claimed->slot))));
      opened.set_rotation_class(v1::ROTATION_CLASS_UNKNOWN_SIGNER);
      *opened.mutable_slot() = anchors::ToProto(claimed->slot);
      opened.set_state(v1::ROTATION_STATE_DETECTED);
      opened.set_source(submitter);
      opened.set_reason("an instance has evidence that no anchor verifies");
      opened.set_diff(absl::StrCat(
          verify::ToString(claimed->slot),
          ": evidence that no pinned anchor verifies",
          claimed->signer_serial.empty()
              ? ""
              : absl::StrCat("; its signer names serial ",
                             claimed->signer_serial)));
      anchors::SetTime(now, *opened.mutable_detected_time());
      anchors::SetTime(now, *opened.mutable_changed_time());
      *opened.add_live_proofs() = std::move(proof);
      Alert alert = AlertOf(AlertKind::kRotationDetected, opened, now,
                            opened.diff());
      alert.facts["signer_serial"] = claimed->signer_serial;
      draft.alerts.push_back(std::move(alert));
    }
    status = Commit(std::move(draft));
    if (status.ok()) status = SettleLocked(now);
  }
  Tell();
  if (!status.ok()) return status;
  return outcome;
}

// --- what follows ------------------------------------------------------------

absl::Status Mirror::Settle(absl::Time now) {
  absl::Status status;
  {
    const absl::MutexLock lock(&mutex_);
    status = SettleLocked(now);
  }
  Tell();
  return status;
}

absl::Status Mirror::SettleLocked(absl::Time now) {
  if (!ledger_->health().ok()) return ledger_->health();
  // One that fails does not stop the others.
  absl::Status first;
  for (const auto step :
       {&Mirror::Reconcile, &Mirror::CloseWhatWentAway,
        &Mirror::TryEarlierProofs, &Mirror::DecideWhatIsDue,
        &Mirror::PublishApproved, &Mirror::CompareAgain,
        &Mirror::CloseKnownSigners, &Mirror::CompleteWhatIsOver,
        &Mirror::AlertOfLongHolds}) {
    const absl::Status status = (this->*step)(now);
    if (first.ok()) first = status;
  }
  return first;
}

// Puts on the record what was published without this mirror: the first
// catalog, what people signed, what was published just before a crash.
absl::Status Mirror::Reconcile(absl::Time now) {
  const auto publication = hub_.Current();
  if (publication == nullptr ||
      publication->catalog.sequence <= book_.last_sequence()) {
    return absl::OkStatus();
  }
  Draft draft;
  draft.time = now;
  v1::PublicationFact& fact = *draft.Add().mutable_publication();
  fact.set_sequence(publication->catalog.sequence);
  fact.set_catalog_sha256(publication->catalog_sha256);
  fact.set_targets_version(publication->targets_version);
  std::vector<const Entry*> published;
  for (const auto& [id, entry] : book_.rotations()) {
    if (!entry.is_open()) continue;
    if (!entry.is_publishable() ||
        !Contains(publication->catalog, entry.change)) {
      continue;
    }
    // `fact` is the first record: Add() may have moved it.
    draft.records.front().mutable_publication()->add_rotation_ids(id);
    published.push_back(&entry);
  }
  for (const Entry* entry : published) {
    draft.AddState(entry->rotation.id(), v1::ROTATION_STATE_PUBLISHED,
                   absl::StrCat("in sequence ",
                                publication->catalog.sequence));
    v1::Rotation rotation = entry->rotation;
    rotation.set_state(v1::ROTATION_STATE_PUBLISHED);
    draft.alerts.push_back(
        AlertOf(AlertKind::kRotationPublished, rotation, now,
                absl::StrCat("published in sequence ",
                             publication->catalog.sequence)));
  }
  // What people changed by hand and others did not sign yet is not forgotten.
  for (const v1::LedgerRecord& record : book_.pins()) {
    const auto next = ApplyPin(publication->catalog, record.pin(),
                               anchors::TimeOf(record.time()));
    if (next.ok() && *next != publication->catalog) {
      draft.records.push_back(record);
    }
  }
  return Commit(std::move(draft));
}

absl::Status Mirror::CloseWhatWentAway(absl::Time now) {
  Draft draft;
  draft.time = now;
  for (const auto& [id, entry] : book_.rotations()) {
    if (!entry.is_publishable() || entry.is_shown() ||
        entry.rotation.sources().empty()) {
      continue;
    }
    if (!entry.is_open()) continue;
    // What people said of it is theirs to take back.
    const bool is_theirs = entry.is_held() || entry.approvals() > 0;
    if (!is_theirs) {
      draft.AddState(id, v1::ROTATION_STATE_WITHDRAWN,
                     "no source shows it any more");
    } else if (entry.rotation.state() == v1::ROTATION_STATE_APPROVED) {
      draft.AddHold(id, "no source shows it any more");
    }
  }
  return Commit(std::move(draft));
}

// An alarm of an unknown signer that came before a source showed the key is
// proof of that key.
absl::Status Mirror::TryEarlierProofs(absl::Time now) {
  Draft draft;
  draft.time = now;
  std::map<std::pair<std::uint64_t, std::uint64_t>, int> tried;
  const auto publication = hub_.Current();
  for (const auto& [unknown_id, unknown] : book_.rotations()) {
    if (!unknown.is_open() || !unknown.is_unknown_signer()) continue;
    for (const auto& [id, entry] : book_.rotations()) {
      if (!entry.is_open() || !entry.is_publishable() ||
          entry.change.slot != unknown.change.slot) {
        continue;
      }
      if (tried_.count({unknown_id, id}) != 0 &&
          tried_[{unknown_id, id}] == unknown.rotation.live_proofs_size()) {
        continue;
      }
      const auto candidate = Applied(publication->catalog, entry, now);
      if (!candidate.ok()) continue;
      for (v1::LiveProof proof : unknown.rotation.live_proofs()) {
        const auto signer = SignerOf(proof.evidence(), *candidate, now);
        if (!signer.ok() || !TakesProof(entry, proof)) continue;
        proof.set_spki_sha256(*signer);
        v1::ProofFact& fact = *draft.Add().mutable_proof();
        fact.set_rotation_id(id);
        *fact.mutable_proof() = std::move(proof);
      }
      tried[{unknown_id, id}] = unknown.rotation.live_proofs_size();
    }
  }
  absl::Status status = Commit(std::move(draft));
  if (status.ok()) {
    for (const auto& [pair, count] : tried) tried_[pair] = count;
  }
  return status;
}

absl::Status Mirror::DecideWhatIsDue(absl::Time now) {
  Draft draft;
  draft.time = now;
  for (const auto& [id, entry] : book_.rotations()) {
    const v1::RotationState state = entry.rotation.state();
    if (!entry.is_publishable() ||
        (state != v1::ROTATION_STATE_DETECTED &&
         state != v1::ROTATION_STATE_CORROBORATED)) {
      continue;
    }
    const anchors::EvidenceSummary evidence = entry.Evidence();
    if (state == v1::ROTATION_STATE_DETECTED &&
        (evidence.agreeing_sources > 1 || evidence.live_proofs > 0)) {
      draft.AddState(id, v1::ROTATION_STATE_CORROBORATED,
                     absl::StrCat(evidence.agreeing_sources, " sources and ",
                                  evidence.live_proofs,
                                  " instances say so"));
    }
    if (entry.is_held()) continue;
    if (entry.approvals() >= options_.rotations.approvals) {
      draft.AddState(id, v1::ROTATION_STATE_APPROVED,
                     absl::StrCat("approved by ", entry.approvals(),
                                  entry.approvals() == 1 ? " person"
                                                         : " people"));
      continue;
    }
    const anchors::Decision decision = anchors::Decide(
        entry.CurrentChange(), evidence, options_.rotations.policy, now);
    if (decision.outcome != anchors::Outcome::kPublishNow) continue;
    v1::DecisionFact& fact = *draft.Add().mutable_decision();
    fact.set_rotation_id(id);
    fact.mutable_decision()->set_kind(v1::Decision::KIND_APPROVE);
    fact.mutable_decision()->set_by(kPolicyName);
    fact.mutable_decision()->set_why(decision.reason);
    anchors::SetTime(now, *fact.mutable_decision()->mutable_time());
    draft.AddState(id, v1::ROTATION_STATE_APPROVED, decision.reason);
  }
  return Commit(std::move(draft));
}

absl::StatusOr<std::uint64_t> Mirror::PublishCatalog(
    Catalog catalog, const std::vector<std::uint64_t>& rotation_ids,
    Draft draft) {
  const auto current = hub_.Current();
  catalog.sequence = current->catalog.sequence + 1;
  catalog.created =
      std::max(current->catalog.created,
               absl::FromUnixSeconds(absl::ToUnixSeconds(draft.time)));
  v1::PublicationFact& fact = *draft.Add().mutable_publication();
  fact.set_sequence(catalog.sequence);
  fact.set_catalog_sha256(
      verify::Sha256Hex(anchors::SerializeCatalog(catalog)));
  fact.set_targets_version(current->targets_version + 1);
  for (const std::uint64_t id : rotation_ids) fact.add_rotation_ids(id);
  for (const std::uint64_t id : rotation_ids) {
    v1::Rotation rotation = book_.Find(id)->rotation;
    rotation.set_state(v1::ROTATION_STATE_PUBLISHED);
    const std::string text =
        absl::StrCat("published in sequence ", catalog.sequence);
    draft.AddState(id, v1::ROTATION_STATE_PUBLISHED,
                   absl::StrCat("in sequence ", catalog.sequence));
    draft.alerts.push_back(
        AlertOf(AlertKind::kRotationPublished, rotation, draft.time, text));
  }
  const std::uint64_t sequence = catalog.sequence;
  const absl::Time now = draft.time;
  if (absl::Status s = CommitWith(
          std::move(draft),
          [&](const StoreBatch& batch) {
            return publisher_.Publish(std::move(catalog), now, batch).status();
          });
      !s.ok()) {
    return s;
  }
  return sequence;
}

// Puts the rotations that are approved into a catalog, one after the other. What
// does not fit what is there by then is held.
Catalog Mirror::WithApproved(Catalog catalog, std::vector<std::uint64_t>& ids,
                             Draft& draft) {
  for (const auto& [id, entry] : book_.rotations()) {
    if (entry.rotation.state() != v1::ROTATION_STATE_APPROVED) continue;
    auto next = Applied(catalog, entry, entry.approved);
    if (!next.ok()) {
      draft.AddHold(id, absl::StrCat("cannot be applied: ",
                                     next.status().message()));
      continue;
    }
    catalog = *std::move(next);
    ids.push_back(id);
  }
  return catalog;
}

absl::Status Mirror::PublishApproved(absl::Time now) {
  const auto publication = hub_.Current();
  const Catalog& before = publication->catalog;
  Draft draft;
  draft.time = now;
  std::vector<std::uint64_t> ids;
  if (options_.offline) return Propose(before, std::move(draft));
  Catalog catalog = WithApproved(before, ids, draft);
  if (ids.empty()) return Commit(std::move(draft));
  if (absl::Status s = CheckClock(before, now); !s.ok()) return s;
  if (catalog == before) {
    for (const std::uint64_t id : ids) {
      draft.AddState(id, v1::ROTATION_STATE_PUBLISHED,
                     absl::StrCat("in sequence ", before.sequence,
                                  " already"));
    }
    return Commit(std::move(draft));
  }
  return PublishCatalog(std::move(catalog), ids, std::move(draft)).status();
}

// The catalog for people to sign: what is served, what was changed by hand, and
// what is approved. The same bytes as long as these are the same, so that who
// reviews it and who signs it speak of one file.
absl::Status Mirror::Propose(const Catalog& before, Draft draft) {
  Catalog catalog = before;
  absl::Time created = before.created;
  for (const v1::LedgerRecord& record : book_.pins()) {
    const absl::Time time = anchors::TimeOf(record.time());
    auto next = ApplyPin(catalog, record.pin(), time);
    if (!next.ok()) continue;  // a later one has made it void
    catalog = *std::move(next);
    created = std::max(created, time);
  }
  std::vector<std::uint64_t> ids;
  catalog = WithApproved(std::move(catalog), ids, draft);
  for (const std::uint64_t id : ids) {
    created = std::max(created, book_.Find(id)->approved);
  }
  if (absl::Status s = Commit(std::move(draft)); !s.ok()) return s;
  std::string text;
  if (catalog != before) {
    catalog.sequence = before.sequence + 1;
    catalog.created = created;
    text = anchors::SerializeCatalog(catalog);
  }
  if (last_proposal_ == text) return absl::OkStatus();
  const absl::Status status =
      text.empty() ? anchors::RemoveFile(options_.proposal_path)
                   : anchors::WriteFileAtomically(options_.proposal_path, text);
  if (status.ok()) last_proposal_ = std::move(text);
  return status;
}

// What sources said before a publication means something else after it.
absl::Status Mirror::CompareAgain(absl::Time now) {
  const auto publication = hub_.Current();
  if (compared_sequence_ == publication->catalog.sequence) {
    return absl::OkStatus();
  }
  Draft draft;
  draft.time = now;
  std::set<std::uint64_t> renewed;
  for (const auto& [name, observation] : newest_) {
    const anchors::Classification found =
        anchors::Classify(observation, publication->catalog);
    for (const Change& change : found.changes) {
      const Entry* entry = book_.FindChange(change.id());
      if (entry == nullptr || !entry->is_open() ||
          entry->change.pinned == change.pinned ||
          !renewed.insert(entry->rotation.id()).second) {
        continue;
      }
      // The same rotation, against what is pinned now.
      v1::Rotation& again = *draft.Add().mutable_detection();
      again = entry->rotation;
      const v1::Rotation fresh = ToProto(change);
      *again.mutable_observed() = fresh.observed();
      *again.mutable_pinned_spki_sha256() = fresh.pinned_spki_sha256();
      *again.mutable_pinned_certificate_sha256() =
          fresh.pinned_certificate_sha256();
      again.set_diff(fresh.diff());
    }
    std::vector<Change> unknown;
    for (const Change& change : found.changes) {
      if (book_.FindChange(change.id()) == nullptr) unknown.push_back(change);
    }
    AddDetections(unknown, name, draft);
    if (absl::Status s = Commit(std::exchange(draft, Draft{now})); !s.ok()) {
      return s;
    }
  }
  compared_sequence_ = publication->catalog.sequence;
  return absl::OkStatus();
}

// Ends the alarms whose key has been pinned since.
absl::Status Mirror::CloseKnownSigners(absl::Time now) {
  Draft draft;
  draft.time = now;
  const auto publication = hub_.Current();
  std::vector<std::uint64_t> looked_at;
  for (const auto& [id, entry] : book_.rotations()) {
    if (!entry.is_open() || !entry.is_unknown_signer()) continue;
    const auto checked = signers_checked_.find(id);
    if (checked != signers_checked_.end() &&
        checked->second == publication->catalog.sequence) {
      continue;
    }
    looked_at.push_back(id);
    const auto& proofs = entry.rotation.live_proofs();
    if (std::any_of(proofs.begin(), proofs.end(),
                    [&](const v1::LiveProof& proof) {
                      return SignerOf(proof.evidence(), publication->catalog,
                                      now)
                          .ok();
                    })) {
      draft.AddState(id, v1::ROTATION_STATE_WITHDRAWN,
                     absl::StrCat("its key is pinned since sequence ",
                                  publication->catalog.sequence));
    }
  }
  if (absl::Status s = Commit(std::move(draft)); !s.ok()) return s;
  for (const std::uint64_t id : looked_at) {
    signers_checked_[id] = publication->catalog.sequence;
  }
  return absl::OkStatus();
}

absl::Status Mirror::CompleteWhatIsOver(absl::Time now) {
  Draft draft;
  draft.time = now;
  const auto publication = hub_.Current();
  for (const auto& [id, entry] : book_.rotations()) {
    if (entry.rotation.state() == v1::ROTATION_STATE_PUBLISHED &&
        OverlapEnd(publication->catalog, entry.change) <= now) {
      draft.AddState(id, v1::ROTATION_STATE_COMPLETED,
                     "nothing that it replaces is in use");
    }
  }
  return Commit(std::move(draft));
}

absl::Status Mirror::AlertOfLongHolds(absl::Time now) {
  Draft draft;
  draft.time = now;
  std::vector<std::uint64_t> alerted;
  for (const auto& [id, entry] : book_.rotations()) {
    const absl::Time since = anchors::TimeOf(entry.rotation.detected_time());
    if (!entry.is_open() || now - since < options_.held_too_long ||
        alerted_holds_.count(id) != 0) {
      continue;
    }
    alerted.push_back(id);
    draft.alerts.push_back(
        AlertOf(AlertKind::kRotationHeldTooLong, entry.rotation, now,
                absl::StrCat("open since ",
                             absl::FormatTime(absl::RFC3339_sec, since,
                                              absl::UTCTimeZone()))));
  }
  if (absl::Status s = Commit(std::move(draft)); !s.ok()) return s;
  alerted_holds_.insert(alerted.begin(), alerted.end());
  return absl::OkStatus();
}

// --- reading -----------------------------------------------------------------

std::vector<v1::Rotation> Mirror::Rotations(
    const std::function<bool(const v1::Rotation&)>& wanted) const {
  const absl::MutexLock lock(&mutex_);
  std::vector<v1::Rotation> result;
  for (const auto& [id, entry] : book_.rotations()) {
    if (wanted(entry.rotation)) result.push_back(entry.rotation);
  }
  return result;
}

std::optional<v1::Rotation> Mirror::FindRotation(std::uint64_t id) const {
  const absl::MutexLock lock(&mutex_);
  const Entry* entry = book_.Find(id);
  if (entry == nullptr) return std::nullopt;
  return entry->rotation;
}

std::vector<v1::SourceHealth> Mirror::Sources() const {
  const absl::MutexLock lock(&mutex_);
  std::vector<v1::SourceHealth> result;
  for (const auto& [name, health] : health_) {
    if (!health.source().empty()) result.push_back(health);
  }
  return result;
}

std::uint64_t Mirror::Watch(RecordWatcher watcher) {
  const absl::MutexLock lock(&watch_mutex_);
  const std::uint64_t id = next_watcher_++;
  watchers_[id] = std::make_shared<const RecordWatcher>(std::move(watcher));
  return id;
}

void Mirror::Unwatch(std::uint64_t id) {
  const absl::MutexLock lock(&watch_mutex_);
  watchers_.erase(id);
}

void Mirror::Tell() {
  // One at a time, so that everybody hears of records in their order.
  const absl::MutexLock telling(&watch_mutex_);
  std::vector<std::pair<std::uint64_t, v1::LedgerRecord>> records;
  {
    const absl::MutexLock lock(&mutex_);
    records.swap(untold_);
  }
  for (const auto& [index, record] : records) {
    for (const auto& [id, watcher] : watchers_) (*watcher)(index, record);
  }
}

}  // namespace anchorage::trustd
