#include "trustd/mirror/draft.h"

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "anchors/catalog_proto.h"
#include "trustd/record/rotation_values.h"

namespace anchorage::trustd {
namespace {

std::string SubjectOf(const v1::Rotation& rotation) {
  if (!rotation.has_slot()) return rotation.source();
  const auto slot = anchors::SlotFromProto(rotation.slot());
  return slot.has_value() ? verify::ToString(*slot) : rotation.source();
}

}  // namespace

void Draft::Add(v1::LedgerRecord record) {
  if (!record.has_time()) anchors::SetTime(now_, *record.mutable_time());
  book_.Fold(next_++, record);
  records_.push_back(std::move(record));
}

void Draft::AddObservation(v1::ObservationFact fact) {
  v1::LedgerRecord record;
  *record.mutable_observation() = std::move(fact);
  Add(std::move(record));
}

void Draft::AddSource(v1::SourceFact fact) {
  v1::LedgerRecord record;
  *record.mutable_source() = std::move(fact);
  Add(std::move(record));
}

void Draft::AddDetection(v1::Rotation rotation) {
  anchors::SetTime(now_, *rotation.mutable_detected_time());
  AddRebase(std::move(rotation));
}

void Draft::AddRebase(v1::Rotation rotation) {
  anchors::SetTime(now_, *rotation.mutable_changed_time());
  v1::LedgerRecord record;
  *record.mutable_detection() = std::move(rotation);
  Add(std::move(record));
}

void Draft::AddStance(std::uint64_t id, v1::SourceStance stance) {
  anchors::SetTime(now_, *stance.mutable_since_time());
  v1::LedgerRecord record;
  v1::StanceFact& fact = *record.mutable_stance();
  fact.set_rotation_id(id);
  *fact.mutable_stance() = std::move(stance);
  Add(std::move(record));
}

void Draft::AddProof(std::uint64_t id, v1::LiveProof proof) {
  v1::LedgerRecord record;
  v1::ProofFact& fact = *record.mutable_proof();
  fact.set_rotation_id(id);
  *fact.mutable_proof() = std::move(proof);
  Add(std::move(record));
}

void Draft::AddDecision(std::uint64_t id, v1::Decision decision, int needed) {
  anchors::SetTime(now_, *decision.mutable_time());
  v1::LedgerRecord record;
  v1::DecisionFact& fact = *record.mutable_decision();
  fact.set_rotation_id(id);
  *fact.mutable_decision() = std::move(decision);
  fact.set_approvals_needed(static_cast<std::uint32_t>(needed));
  Add(std::move(record));
}

void Draft::AddPolicyDecision(std::uint64_t id, v1::Decision::Kind kind,
                              std::string why) {
  v1::Decision decision;
  decision.set_kind(kind);
  decision.set_by(kPolicyName);
  decision.set_why(std::move(why));
  AddDecision(id, std::move(decision));
}

void Draft::AddState(std::uint64_t id, v1::RotationState state,
                     std::string reason) {
  const RotationBook::Entry* entry = book_.Find(id);
  const bool ends = entry != nullptr && entry->is_open() &&
                    (state == v1::ROTATION_STATE_REJECTED ||
                     state == v1::ROTATION_STATE_WITHDRAWN);
  v1::LedgerRecord record;
  v1::StateFact& fact = *record.mutable_state();
  fact.set_rotation_id(id);
  fact.set_state(state);
  fact.set_reason(reason);
  Add(std::move(record));
  if (!ends) return;
  AddAlert(AlertKind::kRotationEnded, book_.Find(id)->rotation,
           std::move(reason));
}

void Draft::AddVoid(std::uint64_t id, std::string by, std::string reason) {
  v1::LedgerRecord record;
  v1::VoidFact& fact = *record.mutable_approvals_void();
  fact.set_rotation_id(id);
  fact.set_by(std::move(by));
  fact.set_reason(std::move(reason));
  Add(std::move(record));
}

void Draft::AddPublication(v1::PublicationFact fact) {
  v1::LedgerRecord record;
  *record.mutable_publication() = std::move(fact);
  Add(std::move(record));
}

void Draft::AddPin(v1::PinFact fact) {
  v1::LedgerRecord record;
  *record.mutable_pin() = std::move(fact);
  Add(std::move(record));
}

void Draft::AddPinAgain(const v1::LedgerRecord& record) { Add(record); }

void Draft::AddStore(v1::StoreFact fact) {
  v1::LedgerRecord record;
  *record.mutable_store() = std::move(fact);
  Add(std::move(record));
}

void Draft::AddAcknowledgement(v1::AlertFact fact) {
  v1::LedgerRecord record;
  *record.mutable_alert_acknowledged() = std::move(fact);
  Add(std::move(record));
}

void Draft::AddManifest(v1::ManifestFact fact) {
  v1::LedgerRecord record;
  *record.mutable_manifest() = std::move(fact);
  Add(std::move(record));
}

void Draft::AddAlert(AlertKind kind, std::string subject, std::string text) {
  Alert alert;
  alert.kind = kind;
  alert.time = now_;
  alert.subject = std::move(subject);
  alert.text = std::move(text);
  AddAlert(std::move(alert));
}

void Draft::AddAlert(AlertKind kind, const v1::Rotation& rotation,
                     std::string text) {
  Alert alert;
  alert.kind = kind;
  alert.time = now_;
  alert.subject = SubjectOf(rotation);
  alert.text = std::move(text);
  alert.facts = {{"rotation", absl::StrCat(rotation.id())},
                 {"class", ShortName(rotation.rotation_class())},
                 {"state", ShortName(rotation.state())},
                 {"source", rotation.source()}};
  AddAlert(std::move(alert));
}

}  // namespace anchorage::trustd
