#include "trustd/record/rotation_values.h"

#include <google/protobuf/util/message_differencer.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "anchors/catalog_proto.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

std::string Suffix(const std::string& name, absl::string_view prefix) {
  return std::string(absl::StripPrefix(name, prefix));
}

}  // namespace

v1::RotationClass ToProto(RotationClass rotation_class) {
  v1::RotationClass message = v1::ROTATION_CLASS_UNSPECIFIED;
  v1::RotationClass_Parse(
      absl::StrCat("ROTATION_CLASS_", std::string(NameOf(rotation_class))),
      &message);
  return message;
}

v1::Rotation ToProto(const Change& change) {
  v1::Rotation rotation;
  rotation.set_change_id(change.id());
  rotation.set_rotation_class(ToProto(change.rotation_class));
  if (!change.slot.partition.empty()) {
    *rotation.mutable_slot() = anchors::ToProto(change.slot);
  }
  rotation.set_source(change.source);
  rotation.set_location(change.location);
  for (const SeenCertificate& seen : change.observed) {
    // An anomaly may show more, and is never applied.
    if (rotation.observed_size() ==
        static_cast<int>(kMaxObservedCertificates)) {
      break;
    }
    v1::SeenCertificate& message = *rotation.add_observed();
    message.set_der(seen.der);
    message.set_sha256(seen.sha256);
    message.set_spki_sha256(seen.spki_sha256);
    message.set_line(seen.line);
    message.set_pinned(seen.pinned);
  }
  for (const std::string& key : change.pinned.spki_sha256) {
    rotation.add_pinned_spki_sha256(key);
  }
  for (const std::string& certificate : change.pinned.certificate_sha256) {
    rotation.add_pinned_certificate_sha256(certificate);
  }
  if (change.anomaly.has_value()) {
    rotation.set_anomaly(std::string(NameOf(*change.anomaly)));
  }
  if (change.problem.has_value()) {
    rotation.set_problem(std::string(ToString(*change.problem)));
  }
  if (change.undo.has_value()) {
    v1::Undo& undo = *rotation.mutable_undo();
    undo.set_rotation_id(change.undo->rotation_id);
    undo.mutable_reactivated_spki_sha256()->Assign(
        change.undo->reactivated.begin(), change.undo->reactivated.end());
    undo.mutable_ended_spki_sha256()->Assign(change.undo->ended.begin(),
                                             change.undo->ended.end());
    undo.set_revokes(change.undo->revokes);
  }
  for (const std::string& note : change.notes) rotation.add_notes(note);
  rotation.set_diff(change.diff.substr(0, kMaxDiffBytes));
  return rotation;
}

Change ChangeOf(const v1::Rotation& rotation) {
  Change change;
  change.rotation_class =
      RotationClassNamed(ShortName(rotation.rotation_class()))
          .value_or(change.rotation_class);
  change.source = rotation.source();
  change.location = rotation.location();
  if (rotation.has_slot()) {
    if (const auto slot = anchors::SlotFromProto(rotation.slot())) {
      change.slot = *slot;
    }
  }
  for (const v1::SeenCertificate& seen : rotation.observed()) {
    change.observed.push_back({seen.der(), seen.sha256(), seen.spki_sha256(),
                               seen.line(), seen.pinned()});
  }
  change.pinned.spki_sha256.assign(rotation.pinned_spki_sha256().begin(),
                                   rotation.pinned_spki_sha256().end());
  change.pinned.certificate_sha256.assign(
      rotation.pinned_certificate_sha256().begin(),
      rotation.pinned_certificate_sha256().end());
  change.anomaly = AnomalyKindNamed(rotation.anomaly());
  change.problem = ProblemKindNamed(rotation.problem());
  if (rotation.has_undo()) {
    const v1::Undo& undo = rotation.undo();
    change.undo =
        TakenBack{.rotation_id = undo.rotation_id(),
                  .reactivated = {undo.reactivated_spki_sha256().begin(),
                                  undo.reactivated_spki_sha256().end()},
                  .ended = {undo.ended_spki_sha256().begin(),
                            undo.ended_spki_sha256().end()},
                  .revokes = undo.revokes()};
  }
  change.notes.assign(rotation.notes().begin(), rotation.notes().end());
  change.diff = rotation.diff();
  return change;
}

void Shorten(v1::Rotation& rotation) {
  for (v1::SeenCertificate& seen : *rotation.mutable_observed()) {
    seen.clear_der();
  }
  for (v1::LiveProof& proof : *rotation.mutable_live_proofs()) {
    proof.clear_evidence();
  }
}

v1::ObservationFact ToProto(const Observation& observation) {
  v1::ObservationFact fact;
  fact.set_source(observation.source);
  fact.set_location(observation.location);
  fact.set_content_sha256(observation.content_sha256);
  for (const ObservedCertificate& seen : observation.certificates) {
    v1::ObservationFact::Entry& entry = *fact.add_entries();
    *entry.mutable_slot() = anchors::ToProto(seen.slot);
    entry.set_sha256(verify::Sha256Hex(seen.der));
  }
  for (const SourceProblem& problem : observation.problems) {
    fact.add_problems(absl::StrCat(std::string(ToString(problem.kind)),
                                   " line ", problem.line, ": ",
                                   problem.detail));
  }
  return fact;
}

std::optional<Observation> ObservationOf(
    const v1::ObservationFact& fact,
    const std::map<std::string, std::string>& der_of) {
  Observation observation;
  observation.source = fact.source();
  observation.location = fact.location();
  observation.content_sha256 = fact.content_sha256();
  for (const v1::ObservationFact::Entry& entry : fact.entries()) {
    const auto slot = anchors::SlotFromProto(entry.slot());
    const auto der = der_of.find(entry.sha256());
    if (!slot.has_value() || der == der_of.end()) return std::nullopt;
    observation.certificates.push_back({*slot, der->second});
  }
  for (const std::string& problem : fact.problems()) {
    const std::pair<std::string, std::string> words =
        absl::StrSplit(problem, absl::MaxSplits(' ', 1));
    const auto kind = ProblemKindNamed(words.first);
    observation.problems.push_back(
        {.kind = kind.value_or(ProblemKind::kNotPlaced),
         .detail = words.second});
  }
  return observation;
}

bool ShowsTheSame(const v1::ObservationFact& a, const v1::ObservationFact& b) {
  const auto what_is_shown = [](v1::ObservationFact fact) {
    fact.clear_content_sha256();
    fact.clear_location();
    return fact;
  };
  return google::protobuf::util::MessageDifferencer::Equals(what_is_shown(a),
                                                            what_is_shown(b));
}

bool IsOpen(v1::RotationState state) {
  return state == v1::ROTATION_STATE_DETECTED ||
         state == v1::ROTATION_STATE_CORROBORATED ||
         state == v1::ROTATION_STATE_APPROVED;
}

std::string ShortName(v1::RotationClass rotation_class) {
  return Suffix(v1::RotationClass_Name(rotation_class), "ROTATION_CLASS_");
}

std::string ShortName(v1::RotationState state) {
  return Suffix(v1::RotationState_Name(state), "ROTATION_STATE_");
}

}  // namespace anchorage::trustd
