#include "trustd/mirror/mirror.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anchors/catalog_proto.h"
#include "anchors/files/atomic_file.h"
#include "anchors/proto_time.h"
#include "trustd/mirror/live_proof.h"
#include "trustd/mirror/rotation_values.h"
#include "verify/crypto/public_key.h"
#include "verify/reason.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using anchors::Change;

constexpr char kHealthPrefix[] = "source/";
constexpr char kPolicy[] = "policy";
// As a StaticFacts source of an anchor that a person brought.
constexpr char kOperator[] = "operator";

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
                 std::any_of(anchor.certificates.begin(),
                             anchor.certificates.end(), [&](const auto& c) {
                               return c.sha256 == seen.sha256;
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

}  // namespace

v1::LedgerRecord& Mirror::Draft::Add() {
  records.emplace_back();
  anchors::SetTime(time, *records.back().mutable_time());
  return records.back();
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
  health_[health.source()] = std::move(health);
}

// --- sources ---------------------------------------------------------------

void Mirror::AddDetections(const std::vector<Change>& changes, Draft& draft) {
  std::uint64_t id = book_.next_id();
  for (const Change& change : changes) {
    if (book_.FindChange(change.id()) != nullptr) continue;
    v1::Rotation& rotation = *draft.Add().mutable_detection();
    rotation = ToProto(change);
    rotation.set_id(id++);
    rotation.set_state(v1::ROTATION_STATE_DETECTED);
    rotation.set_reason(absl::StrCat("seen by ", change.source));
    anchors::SetTime(draft.time, *rotation.mutable_detected_time());
    anchors::SetTime(draft.time, *rotation.mutable_changed_time());
    v1::SourceStance& stance = *rotation.add_sources();
    stance.set_source(change.source);
    stance.set_stance(v1::SourceStance::STANCE_AGREES);
    anchors::SetTime(draft.time, *stance.mutable_since_time());
    for (const std::string& why : change.held_by) stance.add_held_by(why);
    draft.alerts.push_back(AlertOf(AlertKind::kRotationDetected, rotation,
                                   draft.time, change.diff));
  }
}

void Mirror::AddStances(const anchors::Observation& observation,
                        const std::vector<Change>& changes, Draft& draft) {
  for (const auto& [id, entry] : book_.rotations()) {
    if (!entry.is_open() || entry.is_unknown_signer()) continue;
    if (entry.is_anomaly()) continue;
    const auto shown = std::find_if(
        changes.begin(), changes.end(), [&](const Change& change) {
          return change.id() == entry.rotation.change_id();
        });
    const anchors::SourceCount count =
        anchors::CountSources(entry.change, {observation});
    v1::SourceStance stance;
    stance.set_source(observation.source);
    if (shown != changes.end() || count.agreeing > 0) {
      stance.set_stance(v1::SourceStance::STANCE_AGREES);
      if (shown != changes.end()) {
        for (const std::string& why : shown->held_by) stance.add_held_by(why);
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
    const auto publication = hub_.Current();
    v1::SourceHealth health = health_[observation.source];
    anchors::ClassifyOptions options;
    if (health.slots() > 0) options.previous_slots = health.slots();
    anchors::Classification found =
        anchors::Classify(observation, publication->catalog, options);

    Draft draft;
    draft.time = now;
    const v1::ObservationFact fact = ToProto(observation);
    const RotationBook::Observed* last =
        book_.LastObservation(observation.source);
    const bool is_new = last == nullptr || !ShowsTheSame(last->fact, fact);
    if (is_new) *draft.Add().mutable_observation() = fact;
    if (health.failures() > 0) {
      v1::SourceFact& working = *draft.Add().mutable_source();
      working.set_source(observation.source);
      working.set_working(true);
      Alert alert;
      alert.kind = AlertKind::kSourceRecovered;
      alert.time = now;
      alert.subject = observation.source;
      alert.text = "can be read again";
      draft.alerts.push_back(std::move(alert));
    }

    auto newest = newest_;
    newest[observation.source] = observation;
    std::vector<anchors::Observation> all;
    for (const auto& [name, other] : newest) all.push_back(other);
    std::vector<Change> changes = std::move(found.changes);
    changes.insert(changes.end(), found.anomalies.begin(),
                   found.anomalies.end());
    for (Change& disagreement : anchors::Disagreements(all)) {
      changes.push_back(std::move(disagreement));
    }
    AddStances(observation, changes, draft);
    AddDetections(changes, draft);
    // Anomalies of this source, and between sources, that are no longer there.
    for (const auto& [id, entry] : book_.rotations()) {
      if (!entry.is_open() || !entry.is_anomaly()) continue;
      const bool is_between =
          entry.change.anomaly == anchors::AnomalyKind::kSourcesDisagree;
      if (is_between ? newest.size() < 2
                     : entry.rotation.source() != observation.source) {
        continue;
      }
      const bool is_there = std::any_of(
          changes.begin(), changes.end(), [&](const Change& change) {
            return change.id() == entry.rotation.change_id();
          });
      if (!is_there) {
        draft.AddState(id, v1::ROTATION_STATE_WITHDRAWN, "it went away");
      }
    }

    health.set_source(observation.source);
    anchors::SetTime(now, *health.mutable_last_success_time());
    anchors::SetTime(now, *health.mutable_last_poll_time());
    health.set_failures(0);
    health.clear_failure();
    health.clear_detail();
    health.set_unchanged(is_new ? 0 : health.unchanged() + 1);
    if (found.anomalies.empty()) {
      health.set_slots(static_cast<std::uint32_t>(found.slots));
    }
    if (is_new) health.set_observation(ledger_->head().size + 1);
    const v1::SourceHealth before = health_[observation.source];
    AddHealth(std::move(health), draft);
    status = Commit(std::move(draft));
    if (status.ok()) {
      newest_ = std::move(newest);
      status = SettleLocked(now);
    } else {
      health_[observation.source] = before;
    }
  }
  Tell();
  return status;
}

absl::Status Mirror::Unchanged(const std::string& source, absl::Time now) {
  absl::Status status;
  {
    const absl::MutexLock lock(&mutex_);
    v1::SourceHealth health = health_[source];
    Draft draft;
    draft.time = now;
    if (health.failures() > 0) {
      v1::SourceFact& working = *draft.Add().mutable_source();
      working.set_source(source);
      working.set_working(true);
    }
    health.set_source(source);
    anchors::SetTime(now, *health.mutable_last_success_time());
    anchors::SetTime(now, *health.mutable_last_poll_time());
    health.set_failures(0);
    health.clear_failure();
    health.clear_detail();
    health.set_unchanged(health.unchanged() + 1);
    AddHealth(std::move(health), draft);
    // No record without a fact: the count alone is stored.
    status = draft.records.empty() ? store_.Commit(draft.also)
                                   : Commit(std::move(draft));
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
    status = draft.records.empty() ? store_.Commit(draft.also)
                                   : Commit(std::move(draft));
    if (status.ok()) status = SettleLocked(now);
  }
  Tell();
  return status;
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
    if (!entry->is_open() ||
        entry->rotation.state() == v1::ROTATION_STATE_APPROVED) {
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
    }
    status = Commit(std::move(draft));
    if (status.ok()) status = SettleLocked(now);
  }
  Tell();
  if (!status.ok()) return status;
  return *FindRotation(rotation_id);
}

absl::StatusOr<std::uint64_t> Mirror::Pin(const v1::PinFact& fact,
                                          absl::Time now) {
  absl::StatusOr<std::uint64_t> sequence;
  {
    const absl::MutexLock lock(&mutex_);
    if (!ledger_->health().ok()) return ledger_->health();
    const auto slot = anchors::SlotFromProto(fact.slot());
    if (!slot.has_value()) {
      return absl::InvalidArgumentError("the slot's kind is not known");
    }
    if (fact.why().empty() || fact.why().size() > kMaxWhyBytes) {
      return absl::InvalidArgumentError(
          "say why, in at most 1000 characters: it goes on the record");
    }
    const Catalog& catalog = hub_.Current()->catalog;
    absl::StatusOr<Catalog> next;
    switch (fact.action()) {
      case v1::PinFact::ACTION_ADD:
        next = anchors::AddAnchor(catalog, *slot, fact.certificate(),
                                  {kOperator, fact.by()}, {.time = now});
        break;
      case v1::PinFact::ACTION_REVOKE:
        next = anchors::Revoke(catalog, *slot, fact.spki_sha256());
        break;
      case v1::PinFact::ACTION_RETIRE:
        next = anchors::Retire(catalog, *slot, fact.spki_sha256(),
                               std::nullopt);
        break;
      default:
        return absl::InvalidArgumentError("no action");
    }
    if (!next.ok()) return next.status();
    if (*next == catalog) {
      return absl::FailedPreconditionError("the catalog has that already");
    }
    Draft draft;
    draft.time = now;
    *draft.Add().mutable_pin() = fact;
    if (options_.offline) {
      absl::Status s = Commit(std::move(draft));
      if (s.ok()) s = Propose(*std::move(next));
      sequence = s.ok() ? absl::StatusOr<std::uint64_t>(0) : s;
    } else {
      sequence = PublishCatalog(*std::move(next), {}, std::move(draft));
      if (sequence.ok()) (void)SettleLocked(now);
    }
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

absl::StatusOr<ProofOutcome> Mirror::SubmitEvidence(
    const v1::Evidence& evidence, const std::string& submitter,
    absl::Time now) {
  if (evidence.ByteSizeLong() > 2 * kMaxEvidenceBytes) {
    return verify::Reject(verify::Reason::kInputTooLarge, "evidence");
  }
  const auto claimed = ReadEvidence(evidence);
  if (!claimed.ok()) return claimed.status();
  ProofOutcome outcome;
  outcome.slot = claimed->slot;
  outcome.signer_serial = claimed->signer_serial;
  const auto publication = hub_.Current();
  const auto pinned = SignerOf(evidence, publication->catalog, now);
  if (pinned.ok()) {
    outcome.spki_sha256 = *pinned;
    return outcome;
  }
  const auto reason = verify::ReasonOf(pinned.status());
  if (!reason.has_value() ||
      verify::FamilyOf(*reason) != verify::Family::kNotFromAws) {
    return pinned.status();
  }

  absl::Status status;
  {
    const absl::MutexLock lock(&mutex_);
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
      const auto& proofs = rotation->rotation.live_proofs();
      const bool is_known = std::any_of(
          proofs.begin(), proofs.end(), [&](const v1::LiveProof& p) {
            return p.instance_id() == claimed->instance_id;
          });
      // More of the same from one instance proves no more.
      if (is_known || proofs.size() >= kMaxLiveProofs) return outcome;
      v1::ProofFact& fact = *draft.Add().mutable_proof();
      fact.set_rotation_id(outcome.rotation_id);
      *fact.mutable_proof() = std::move(proof);
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
  for (const auto step :
       {&Mirror::Reconcile, &Mirror::CloseWhatWentAway,
        &Mirror::TryEarlierProofs, &Mirror::DecideWhatIsDue,
        &Mirror::PublishApproved, &Mirror::CloseKnownSigners,
        &Mirror::CompleteWhatIsOver, &Mirror::AlertOfLongHolds}) {
    if (absl::Status s = (this->*step)(now); !s.ok()) return s;
  }
  return absl::OkStatus();
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
    if (entry.rotation.state() != v1::ROTATION_STATE_DETECTED &&
        entry.rotation.state() != v1::ROTATION_STATE_CORROBORATED) {
      continue;
    }
    draft.AddState(id, v1::ROTATION_STATE_WITHDRAWN,
                   "no source shows it any more");
  }
  return Commit(std::move(draft));
}

// An alarm of an unknown signer that came before a source showed the key is
// proof of that key.
absl::Status Mirror::TryEarlierProofs(absl::Time now) {
  Draft draft;
  draft.time = now;
  const auto publication = hub_.Current();
  for (const auto& [unknown_id, unknown] : book_.rotations()) {
    if (!unknown.is_open() || !unknown.is_unknown_signer()) continue;
    for (const auto& [id, entry] : book_.rotations()) {
      if (!entry.is_open() || !entry.is_publishable() ||
          entry.change.slot != unknown.change.slot) {
        continue;
      }
      absl::StatusOr<Catalog> candidate;
      bool applied = false;
      for (int i = 0; i < unknown.rotation.live_proofs_size(); ++i) {
        if (!tried_.emplace(unknown_id, id, i).second) continue;
        if (!applied) {
          candidate = Applied(publication->catalog, entry, now);
          applied = true;
        }
        if (!candidate.ok()) break;
        v1::LiveProof proof = unknown.rotation.live_proofs(i);
        const auto signer = SignerOf(proof.evidence(), *candidate, now);
        if (!signer.ok()) continue;
        proof.set_spki_sha256(*signer);
        v1::ProofFact& fact = *draft.Add().mutable_proof();
        fact.set_rotation_id(id);
        *fact.mutable_proof() = std::move(proof);
      }
    }
  }
  return Commit(std::move(draft));
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
    if (entry.approvals() >= options_.rotations.approvals) {
      draft.AddState(id, v1::ROTATION_STATE_APPROVED,
                     absl::StrCat("approved by ", entry.approvals(),
                                  entry.approvals() == 1 ? " person"
                                                         : " people"));
      continue;
    }
    if (entry.is_held() || entry.approvals() > 0) continue;
    const anchors::Decision decision = anchors::Decide(
        entry.CurrentChange(), evidence, options_.rotations.policy, now);
    if (decision.outcome != anchors::Outcome::kPublishNow) continue;
    v1::DecisionFact& fact = *draft.Add().mutable_decision();
    fact.set_rotation_id(id);
    fact.mutable_decision()->set_kind(v1::Decision::KIND_APPROVE);
    fact.mutable_decision()->set_by(kPolicy);
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
      absl::FromUnixSeconds(absl::ToUnixSeconds(draft.time));
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

absl::Status Mirror::Propose(Catalog catalog) {
  catalog.sequence = hub_.Current()->catalog.sequence + 1;
  std::string text = anchors::SerializeCatalog(catalog);
  if (text == last_proposal_) return absl::OkStatus();
  if (absl::Status s =
          anchors::WriteFileAtomically(options_.proposal_path, text);
      !s.ok()) {
    return s;
  }
  last_proposal_ = std::move(text);
  return absl::OkStatus();
}

absl::Status Mirror::PublishApproved(absl::Time now) {
  Catalog catalog = hub_.Current()->catalog;
  const Catalog before = catalog;
  std::vector<std::uint64_t> ids;
  Draft draft;
  draft.time = now;
  for (const auto& [id, entry] : book_.rotations()) {
    if (entry.rotation.state() != v1::ROTATION_STATE_APPROVED) continue;
    auto next = Applied(catalog, entry, now);
    if (!next.ok()) {
      // What was approved no longer fits what is pinned.
      draft.AddState(id, v1::ROTATION_STATE_WITHDRAWN,
                     absl::StrCat("cannot be applied: ",
                                  next.status().message()));
      continue;
    }
    catalog = *std::move(next);
    ids.push_back(id);
  }
  if (ids.empty()) return Commit(std::move(draft));
  if (options_.offline) {
    if (absl::Status s = Commit(std::move(draft)); !s.ok()) return s;
    catalog.created = std::max(
        before.created, anchors::TimeOf(
                            book_.Find(ids.back())->rotation.changed_time()));
    return Propose(std::move(catalog));
  }
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

// Ends the alarms whose key has been pinned since.
absl::Status Mirror::CloseKnownSigners(absl::Time now) {
  Draft draft;
  draft.time = now;
  const auto publication = hub_.Current();
  for (const auto& [id, entry] : book_.rotations()) {
    if (!entry.is_open() || !entry.is_unknown_signer()) continue;
    std::uint64_t& checked = signers_checked_[id];
    if (checked == publication->catalog.sequence) continue;
    checked = publication->catalog.sequence;
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
  return Commit(std::move(draft));
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
