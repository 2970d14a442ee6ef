#include "trustd/record/rotation_values.h"

#include <google/protobuf/util/message_differencer.h>

#include <array>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "anchors/catalog_proto.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

constexpr std::array kAnomalies = {
    AnomalyKind::kProblem,         AnomalyKind::kSlotsMissing,
    AnomalyKind::kFewerSlots,      AnomalyKind::kStale,
    AnomalyKind::kSourcesDisagree, AnomalyKind::kTooManyCertificates};

constexpr std::array kProblems = {ProblemKind::kNotTheDocument,
                                  ProblemKind::kTruncated,
                                  ProblemKind::kCertificateUnreadable,
                                  ProblemKind::kNotPlaced,
                                  ProblemKind::kNoCertificate,
                                  ProblemKind::kWrongKind,
                                  ProblemKind::kSlotTwice,
                                  ProblemKind::kOutOfScope,
                                  ProblemKind::kNotConfirmed};

// The pairs of the two enums.
constexpr std::array<std::pair<RotationClass, v1::RotationClass>, 10> kClasses =
    {{{RotationClass::kReissue, v1::ROTATION_CLASS_RE_ISSUE},
      {RotationClass::kNewKind, v1::ROTATION_CLASS_NEW_KIND},
      {RotationClass::kNewRegion, v1::ROTATION_CLASS_NEW_REGION},
      {RotationClass::kReKey, v1::ROTATION_CLASS_RE_KEY},
      {RotationClass::kAlgorithmChange, v1::ROTATION_CLASS_ALGORITHM_CHANGE},
      {RotationClass::kRemoval, v1::ROTATION_CLASS_REMOVAL},
      {RotationClass::kSourceAnomaly, v1::ROTATION_CLASS_SOURCE_ANOMALY},
      {RotationClass::kAddition, v1::ROTATION_CLASS_ADDITION},
      {RotationClass::kReactivation, v1::ROTATION_CLASS_REACTIVATION},
      {RotationClass::kAnnouncement, v1::ROTATION_CLASS_ANNOUNCEMENT}}};

template <typename Kinds>
auto KindNamed(const Kinds& kinds, const std::string& name)
    -> std::optional<typename Kinds::value_type> {
  for (const auto kind : kinds) {
    std::string_view text;
    if constexpr (std::is_same_v<typename Kinds::value_type, ProblemKind>) {
      text = ToString(kind);
    } else {
      text = NameOf(kind);
    }
    if (text == name) return kind;
  }
  return std::nullopt;
}

std::string Suffix(const std::string& name, absl::string_view prefix) {
  return std::string(absl::StripPrefix(name, prefix));
}

}  // namespace

v1::RotationClass ToProto(RotationClass rotation_class) {
  for (const auto& [value, message] : kClasses) {
    if (value == rotation_class) return message;
  }
  return v1::ROTATION_CLASS_UNSPECIFIED;
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
  for (const std::string& note : change.notes) rotation.add_notes(note);
  rotation.set_diff(change.diff.substr(0, kMaxDiffBytes));
  return rotation;
}

Change ChangeOf(const v1::Rotation& rotation) {
  Change change;
  for (const auto& [value, message] : kClasses) {
    if (message == rotation.rotation_class()) change.rotation_class = value;
  }
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
  change.anomaly = KindNamed(kAnomalies, rotation.anomaly());
  change.problem = KindNamed(kProblems, rotation.problem());
  change.notes.assign(rotation.notes().begin(), rotation.notes().end());
  change.diff = rotation.diff();
  return change;
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
    const auto kind = KindNamed(kProblems, words.first);
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
