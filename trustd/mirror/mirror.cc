#include "trustd/mirror/mirror.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "anchors/catalog_proto.h"
#include "trustd/mirror/mirror_parts.h"
#include "trustd/record/rotation_values.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;

constexpr char kHealthPrefix[] = "source/";
// As the publisher of a certificate that a person brought.
constexpr char kOperator[] = "operator";

std::string SubjectOf(const v1::Rotation& rotation) {
  if (!rotation.has_slot()) return rotation.source();
  const auto slot = anchors::SlotFromProto(rotation.slot());
  return slot.has_value() ? verify::ToString(*slot) : rotation.source();
}

RetireTimes RetireTimesOf(const v1::PinFact& fact) {
  RetireTimes times;
  if (fact.has_valid_until()) times.until = anchors::TimeOf(fact.valid_until());
  if (fact.has_accept_until()) {
    times.accept_until = anchors::TimeOf(fact.accept_until());
  }
  return times;
}

}  // namespace

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

absl::StatusOr<Catalog> ApplyPin(const Catalog& catalog,
                                 const v1::PinFact& fact, absl::Time time) {
  const auto slot = anchors::SlotFromProto(fact.slot());
  if (!slot.has_value()) {
    return absl::InvalidArgumentError("the slot's kind is not known");
  }
  switch (fact.action()) {
    case v1::PinFact::ACTION_ADD:
      return AddAnchor(catalog, *slot, fact.certificate(),
                       {kOperator, fact.by()}, {.time = time});
    case v1::PinFact::ACTION_REVOKE:
      return Revoke(catalog, *slot, fact.spki_sha256());
    case v1::PinFact::ACTION_RETIRE:
      return Retire(catalog, *slot, fact.spki_sha256(), RetireTimesOf(fact));
    default:
      return absl::InvalidArgumentError("no action");
  }
}

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
