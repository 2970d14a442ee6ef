#include "trustd/record/record_text.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "anchors/base/proto_time.h"
#include "anchors/catalog_proto.h"
#include "verify/anchor_kind.h"
#include "verify/crypto/public_key.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

// Decision.by where no person decided.
constexpr std::string_view kPolicy = "policy";
// A name must not push what follows it out of the line.
constexpr std::size_t kMaxNameBytes = 128;
// --why has at most 1000 bytes, of which some may be escaped.
constexpr std::size_t kMaxReasonBytes = 1200;
// More rotations of one publication, or parts of a list, are counted.
constexpr int kMaxListed = 8;
constexpr std::size_t kMaxRotationIds = 1024;

std::string Short(std::string_view name) {
  return verify::Printable(name, kMaxNameBytes);
}

// ": reason" where there is one.
std::string Because(std::string_view reason) {
  return reason.empty()
             ? ""
             : absl::StrCat(": ", verify::Printable(reason, kMaxReasonBytes));
}

// What is remembered of what others wrote.
std::string Kept(std::string_view text) {
  return std::string(text.substr(0, kMaxNameBytes));
}

bool IsSlot(const v1::Slot& slot) {
  return !slot.partition().empty() &&
         slot.partition().size() <= kMaxNameBytes &&
         slot.region().size() <= kMaxNameBytes;
}

std::string Suffix(const std::string& name, absl::string_view prefix) {
  return std::string(absl::StripPrefix(name, prefix));
}

std::string MinuteOf(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M UTC", anchors::TimeOf(time),
                          absl::UTCTimeZone());
}

template <typename List>
std::string Joined(const List& list) {
  std::string joined;
  int listed = 0;
  for (const std::string& one : list) {
    if (listed++ == kMaxListed) {
      return absl::StrCat(joined, " and ", list.size() - kMaxListed, " more");
    }
    absl::StrAppend(&joined, joined.empty() ? "" : ", ", Short(one));
  }
  return joined;
}

std::string VerbOf(v1::PinFact::Action action) {
  switch (action) {
    case v1::PinFact::ACTION_ADD:
      return "added";
    case v1::PinFact::ACTION_REVOKE:
      return "revoked";
    case v1::PinFact::ACTION_RETIRE:
      return "retired";
    case v1::PinFact::ACTION_REACTIVATE:
      return "reactivated";
    case v1::PinFact::ACTION_ANNOUNCE:
      return "announced";
    default:
      return "changed";
  }
}

bool IsRequest(v1::RotationClass rotation_class) {
  return rotation_class == v1::ROTATION_CLASS_ADDITION ||
         rotation_class == v1::ROTATION_CLASS_REACTIVATION ||
         rotation_class == v1::ROTATION_CLASS_ANNOUNCEMENT;
}

std::string SubjectOf(const v1::Rotation& rotation) {
  std::string subject = Suffix(
      v1::RotationClass_Name(rotation.rotation_class()), "ROTATION_CLASS_");
  if (subject.empty()) {
    subject = absl::StrCat("class ", int{rotation.rotation_class()});
  }
  for (const std::string& more : {rotation.anomaly(), rotation.problem()}) {
    if (!more.empty()) absl::StrAppend(&subject, " ", Short(more));
  }
  const bool is_anomaly =
      rotation.rotation_class() == v1::ROTATION_CLASS_SOURCE_ANOMALY;
  if (is_anomaly) absl::StrAppend(&subject, " of ", Short(rotation.source()));
  if (!rotation.slot().partition().empty()) {
    absl::StrAppend(&subject, is_anomaly ? " in " : " of ",
                    SlotWords(rotation.slot()));
  }
  return subject;
}

}  // namespace

std::string SlotWords(const v1::Slot& slot) {
  const auto known = anchors::SlotFromProto(slot);
  const std::string kind =
      known.has_value()
          ? Suffix(std::string(verify::NameOf(known->kind)), "iid-")
          : absl::StrCat("kind ", int{slot.kind()});
  return absl::StrCat(
      Short(slot.region().empty() ? slot.partition() : slot.region()), " ",
      kind);
}

std::string FactName(const v1::LedgerRecord& record) {
  const auto* const field =
      v1::LedgerRecord::descriptor()->FindFieldByNumber(record.fact_case());
  return field == nullptr ? "UNKNOWN" : absl::AsciiStrToUpper(field->name());
}

int RecordWords::Known::approvers() const {
  return static_cast<int>(std::count_if(
      approvals.begin(), approvals.end(),
      [&](const auto& one) { return one.second == effect_sha256; }));
}

std::string RecordWords::Name(std::uint64_t rotation_id,
                              v1::RecordText& text) const {
  text.add_rotation_ids(rotation_id);
  const auto known = rotations_.find(rotation_id);
  if (known == rotations_.end()) {
    return absl::StrCat("rotation ", rotation_id);
  }
  if (known->second.has_slot) *text.add_slots() = known->second.slot;
  return known->second.subject;
}

v1::RecordText RecordWords::Read(const v1::LedgerRecord& record) {
  v1::RecordText text;
  text.set_fact(FactName(record));
  *text.mutable_time() = record.time();
  // No default: the compiler misses a fact that has no words.
  switch (record.fact_case()) {
    case v1::LedgerRecord::kObservation:
      Say(record.observation(), text);
      break;
    case v1::LedgerRecord::kSource:
      Say(record.source(), text);
      break;
    case v1::LedgerRecord::kDetection:
      Say(record.detection(), text);
      break;
    case v1::LedgerRecord::kStance:
      Say(record.stance(), text);
      break;
    case v1::LedgerRecord::kProof:
      Say(record.proof(), text);
      break;
    case v1::LedgerRecord::kDecision:
      Say(record.decision(), text);
      break;
    case v1::LedgerRecord::kState:
      Say(record.state(), text);
      break;
    case v1::LedgerRecord::kPublication:
      Say(record.publication(), text);
      break;
    case v1::LedgerRecord::kPin:
      Say(record.pin(), text);
      break;
    case v1::LedgerRecord::kStore:
      Say(record.store(), text);
      break;
    case v1::LedgerRecord::kApprovalsVoid:
      Say(record.approvals_void(), text);
      break;
    case v1::LedgerRecord::kAlertAcknowledged:
      Say(record.alert_acknowledged(), text);
      break;
    case v1::LedgerRecord::kManifest:
      Say(record.manifest(), text);
      break;
    case v1::LedgerRecord::FACT_NOT_SET:
      text.set_words("a fact that this version does not know");
      break;
  }
  text.set_words(verify::Printable(text.words(), verify::kMaxSentenceBytes));
  return text;
}

void RecordWords::Say(const v1::ObservationFact& fact, v1::RecordText& text) {
  text.set_words(absl::StrCat(
      Short(fact.source()), " shows ", fact.entries_size(), " certificates",
      fact.location().empty() ? "" : " at ", Short(fact.location())));
  if (!fact.problems().empty()) {
    absl::StrAppend(text.mutable_words(),
                    ", and could not place: ", Joined(fact.problems()));
  }
}

void RecordWords::Say(const v1::SourceFact& fact, v1::RecordText& text) {
  text.set_words(fact.working()
                     ? absl::StrCat(Short(fact.source()), " works again")
                     : absl::StrCat(Short(fact.source()), " fails",
                                    Because(fact.failure()),
                                    Because(fact.detail())));
}

void RecordWords::Say(const v1::Rotation& detection, v1::RecordText& text) {
  const bool is_new = rotations_.count(detection.id()) == 0;
  Known& known = rotations_[detection.id()];
  known.subject = SubjectOf(detection);
  known.has_slot = IsSlot(detection.slot());
  if (known.has_slot) known.slot = detection.slot();
  known.effect_sha256 = Kept(detection.effect_sha256());
  const std::string name = Name(detection.id(), text);
  if (rotations_.size() > kMaxRotations) rotations_.erase(rotations_.begin());
  if (!is_new) {
    text.set_words(
        absl::StrCat(name, " was compared again with what is pinned"));
    return;
  }
  const bool is_of_person =
      IsRequest(detection.rotation_class()) ||
      detection.rotation_class() == v1::ROTATION_CLASS_UNKNOWN_SIGNER;
  if (is_of_person) text.set_person(detection.source());
  text.set_words(absl::StrCat(
      name, " was detected", Because(detection.reason()),
      detection.needs_person() ? ", and stays open until a person rejects it"
                               : ""));
}

void RecordWords::Say(const v1::StanceFact& fact, v1::RecordText& text) {
  const v1::SourceStance& stance = fact.stance();
  const std::string name = Name(fact.rotation_id(), text);
  const char* verb = " says something of ";
  if (stance.stance() == v1::SourceStance::STANCE_AGREES) verb = " shows ";
  if (stance.stance() == v1::SourceStance::STANCE_CONTRADICTS) {
    verb = " contradicts ";
  }
  if (stance.stance() == v1::SourceStance::STANCE_WITHDREW) {
    verb = " no longer shows ";
  }
  text.set_words(absl::StrCat(Short(stance.source()), verb, name));
  if (!stance.held_by().empty()) {
    absl::StrAppend(text.mutable_words(), ", which is held by ",
                    Joined(stance.held_by()));
  }
}

void RecordWords::Say(const v1::ProofFact& fact, v1::RecordText& text) {
  const v1::LiveProof& proof = fact.proof();
  const std::string name = Name(fact.rotation_id(), text);
  text.set_person(proof.submitter());
  text.set_words(absl::StrCat(Short(proof.submitter()),
                              " showed evidence of instance ",
                              Short(proof.instance_id()), " for ", name));
}

int RecordWords::Count(const v1::DecisionFact& fact) {
  const auto known = rotations_.find(fact.rotation_id());
  if (known == rotations_.end()) return 0;
  auto& approvals = known->second.approvals;
  const v1::Decision& decision = fact.decision();
  if (decision.kind() != v1::Decision::KIND_APPROVE) {
    approvals.clear();
  } else if (decision.by() != kPolicy && !decision.effect_sha256().empty() &&
             approvals.size() < kMaxApprovals) {
    approvals.emplace(Kept(decision.by()), Kept(decision.effect_sha256()));
  }
  return known->second.approvers();
}

void RecordWords::Say(const v1::DecisionFact& fact, v1::RecordText& text) {
  const v1::Decision& decision = fact.decision();
  const std::string name = Name(fact.rotation_id(), text);
  const int approvals = Count(fact);
  const char* verb = " decided about ";
  std::string count;
  if (decision.kind() == v1::Decision::KIND_APPROVE) {
    verb = " approved ";
    if (fact.approvals_needed() > 0) {
      count = absl::StrCat(", ", approvals, " of ", fact.approvals_needed());
    } else if (approvals > 0) {
      count = absl::StrCat(", approval ", approvals);
    }
  } else if (decision.kind() == v1::Decision::KIND_REJECT) {
    verb = " rejected ";
  } else if (decision.kind() == v1::Decision::KIND_HOLD) {
    verb = " held ";
  }
  if (decision.by() != kPolicy) text.set_person(decision.by());
  text.set_words(absl::StrCat(Short(decision.by()), verb, name, count,
                              Because(decision.why())));
}

void RecordWords::Say(const v1::StateFact& fact, v1::RecordText& text) {
  const std::string name = Name(fact.rotation_id(), text);
  std::string state =
      Suffix(v1::RotationState_Name(fact.state()), "ROTATION_STATE_");
  if (state.empty()) state = absl::StrCat("in state ", int{fact.state()});
  text.set_words(absl::StrCat(name, " is ", state, Because(fact.reason())));
}

void RecordWords::Say(const v1::PublicationFact& fact, v1::RecordText& text) {
  text.set_words(absl::StrCat("catalog ", fact.sequence(),
                              " was published, signed by targets ",
                              fact.targets_version()));
  std::vector<std::string> names;
  for (const std::uint64_t id : fact.rotation_ids()) {
    if (names.size() == kMaxRotationIds) break;
    names.push_back(Name(id, text));
  }
  if (!names.empty()) {
    absl::StrAppend(text.mutable_words(), ", with ", Joined(names));
  }
}

void RecordWords::Say(const v1::PinFact& fact, v1::RecordText& text) {
  if (IsSlot(fact.slot())) *text.add_slots() = fact.slot();
  text.set_person(fact.by());
  text.set_words(absl::StrCat(Short(fact.by()), " ", VerbOf(fact.action())));
  if (!fact.spki_sha256().empty()) {
    absl::StrAppend(text.mutable_words(), " the key ",
                    Short(fact.spki_sha256()));
  } else {
    absl::StrAppend(text.mutable_words(), " the certificate ",
                    verify::Sha256Hex(fact.certificate()));
  }
  absl::StrAppend(text.mutable_words(), " of ", SlotWords(fact.slot()));
  if (fact.has_valid_until()) {
    absl::StrAppend(text.mutable_words(), ", for evidence made until ",
                    MinuteOf(fact.valid_until()));
  }
  if (fact.has_accept_until()) {
    absl::StrAppend(text.mutable_words(), ", accepted until ",
                    MinuteOf(fact.accept_until()));
  }
  absl::StrAppend(text.mutable_words(), Because(fact.why()));
}

void RecordWords::Say(const v1::StoreFact& fact, v1::RecordText& text) {
  text.set_person(fact.by());
  text.set_words(absl::StrCat(
      Short(fact.by()), " accepted a store that went back, ",
      fact.catalog_sha256().empty()
          ? "without a bundle"
          : absl::StrCat("with the bundle of catalog ", fact.sequence()),
      Because(fact.why()), "; found", Because(fact.found())));
}

void RecordWords::Say(const v1::AlertFact& fact, v1::RecordText& text) {
  text.set_person(fact.by());
  text.set_words(absl::StrCat(
      Short(fact.by()), " acknowledged the alert ", Short(fact.kind()), " ",
      Short(fact.alert_id()), " until ",
      absl::FormatTime("%Y-%m-%d %H:%M UTC", anchors::TimeOf(fact.until_time()),
                       absl::UTCTimeZone()),
      Because(fact.why())));
}

void RecordWords::Say(const v1::ManifestFact& fact, v1::RecordText& text) {
  text.set_person(fact.by());
  text.set_words(absl::StrCat(Short(fact.by()), " submitted the manifest of ",
                              Short(fact.product()), " ", Short(fact.version()),
                              ", signed by ", Short(fact.producer()), ": ",
                              Short(fact.manifest_sha256())));
}

void RecordWords::Say(const v1::VoidFact& fact, v1::RecordText& text) {
  const std::string name = Name(fact.rotation_id(), text);
  text.set_person(fact.by());
  const auto known = rotations_.find(fact.rotation_id());
  if (known != rotations_.end()) {
    std::erase_if(known->second.approvals, [&](const auto& one) {
      return fact.by().empty() || one.first == Kept(fact.by());
    });
  }
  text.set_words(absl::StrCat(
      fact.by().empty() ? "all approvals"
                        : absl::StrCat("the approval by ", Short(fact.by())),
      " of ", name, fact.by().empty() ? " are void" : " is void",
      Because(fact.reason())));
}

std::string ToLine(const v1::RecordText& text) {
  return absl::StrCat(MinuteOf(text.time()), " ", text.words());
}

}  // namespace anchorage::trustd
