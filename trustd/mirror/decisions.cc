#include "trustd/mirror/decisions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "anchors/catalog_proto.h"
#include "trustd/mirror/outlet.h"
#include "trustd/mirror/undo.h"
#include "trustd/record/rotation_values.h"
#include "trustd/rotation/apply.h"
#include "trustd/rotation/classifier.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using Entry = RotationBook::Entry;

// More than people can look at.
constexpr int kMaxOpenRequests = 200;

int OpenRequests(const Work& work) {
  return static_cast<int>(
      std::count_if(work.book().Live().begin(), work.book().Live().end(),
                    [&](std::uint64_t id) {
                      const Entry& entry = *work.book().Find(id);
                      return entry.is_open() && entry.is_request();
                    }));
}

// Whether a key of the slot verifies what is made now.
bool HasKey(const Catalog& catalog, const verify::Slot& slot, absl::Time now) {
  return std::any_of(
      catalog.anchors.begin(), catalog.anchors.end(),
      [&](const anchors::CatalogAnchor& anchor) {
        return anchor.slot == slot && anchors::Verifies(anchor) &&
               anchor.valid_until.value_or(absl::InfiniteFuture()) > now &&
               anchor.accept_until.value_or(absl::InfiniteFuture()) > now;
      });
}

// Whether the gate could ever let it through, however many approve. Fails with
// what it would say.
absl::Status CheckCouldPass(const Work& work, const Change& change) {
  auto next = Applied(work.catalog(), change, work.options, work.at.now);
  if (!next.ok()) return next.status();
  next->sequence = work.served.next_sequence;
  next->created = anchors::WholeSeconds(work.at.now);
  return anchors::CheckSuccessor(work.catalog(), *next, ReactivatedBy(change));
}

absl::Status Refuse(absl::string_view why) {
  return absl::FailedPreconditionError(why);
}

// Whether one more decision of a person goes on the rotation's record.
absl::Status CheckDecisions(const v1::Rotation& rotation,
                            const std::string& by) {
  const auto of_person = std::count_if(
      rotation.decisions().begin(), rotation.decisions().end(),
      [&](const v1::Decision& decision) { return decision.by() == by; });
  if (of_person < kMaxDecisionsEach &&
      rotation.decisions_size() < kMaxDecisions) {
    return absl::OkStatus();
  }
  return Refuse(absl::StrCat("rotation ", rotation.id(),
                             " has been decided on too often: it can only be "
                             "rejected"));
}

v1::Decision DecisionOf(const PersonDecides& event, const Entry& entry) {
  v1::Decision decision;
  decision.set_kind(event.kind);
  decision.set_by(event.by);
  decision.set_why(event.why);
  decision.set_certificate_sha256(event.certificate_sha256);
  if (event.kind == v1::Decision::KIND_APPROVE) {
    decision.set_effect_sha256(entry.rotation.effect_sha256());
  }
  return decision;
}

// What a person asks for, as a change. Fails as ReadCertificateFacts().
absl::StatusOr<Change> RequestOf(const Catalog& catalog,
                                 const v1::PinFact& fact) {
  Change change;
  const auto slot = anchors::SlotFromProto(fact.slot());
  if (!slot.has_value()) {
    return absl::InvalidArgumentError("the slot's kind is not known");
  }
  change.slot = *slot;
  change.source = fact.by();
  change.pinned = PinnedIn(catalog, *slot);
  SeenCertificate& wanted = change.observed.emplace_back();
  if (fact.action() == v1::PinFact::ACTION_REACTIVATE) {
    change.rotation_class = RotationClass::kReactivation;
    wanted.spki_sha256 = fact.spki_sha256();
  } else {
    change.rotation_class = fact.action() == v1::PinFact::ACTION_ANNOUNCE
                                ? RotationClass::kAnnouncement
                                : RotationClass::kAddition;
    const auto facts = anchors::ReadCertificateFacts(fact.certificate());
    if (!facts.ok()) return facts.status();
    wanted.der = fact.certificate();
    wanted.sha256 = verify::Sha256Hex(wanted.der);
    wanted.spki_sha256 = verify::Sha256Hex(facts->spki_der);
  }
  change.diff = absl::StrCat(
      std::string(NameOf(change.rotation_class)), " ", verify::ToString(*slot),
      ", asked for by ", fact.by(), "\n  key ", wanted.spki_sha256,
      wanted.sha256.empty() ? "" : "\n+   certificate ", wanted.sha256);
  return change;
}

void AlertOfAnchor(Work& work, const verify::Slot& slot, const std::string& by,
                   const std::string& action, const std::string& key,
                   const std::string& why) {
  Alert alert;
  alert.kind = AlertKind::kAnchorChanged;
  alert.time = work.at.now;
  alert.subject = verify::ToString(slot);
  alert.text = absl::StrCat(by, ": ", action, " of the key ", key, ": ", why);
  alert.facts = {{"by", by}, {"action", action}, {"key", key}};
  work.draft.AddAlert(std::move(alert));
}

void AlertOfPin(Work& work, const v1::PinFact& fact) {
  const auto slot = anchors::SlotFromProto(fact.slot());
  AlertOfAnchor(work, slot.value_or(verify::Slot()), fact.by(),
                v1::PinFact::Action_Name(fact.action()), fact.spki_sha256(),
                fact.why());
}

// Opens the rotation that a person asks for, or finds the one that is open
// (Work::rotation_id), and approves it in their name. Returns whether it was
// opened.
absl::StatusOr<bool> Request(Work& work, const Change& change,
                             const std::string& why,
                             const std::string& certificate_sha256) {
  const std::string& by = change.source;
  const auto next = Applied(work.catalog(), change, work.options, work.at.now);
  if (!next.ok()) return next.status();
  if (ChangedSlots(work.catalog(), *next).empty()) {
    return Refuse("the catalog has that already");
  }
  if (absl::Status s = CheckCouldPass(work, change); !s.ok()) return s;
  const Entry* open = work.book().FindChange(change.id());
  const bool is_new = open == nullptr || !open->is_open();
  if (is_new) {
    if (OpenRequests(work) >= kMaxOpenRequests) {
      return Refuse("too many requests wait for people: reject some");
    }
    v1::Rotation rotation = ToProto(change);
    rotation.set_id(work.book().next_id());
    rotation.set_state(v1::ROTATION_STATE_DETECTED);
    rotation.set_reason(absl::StrCat("asked for by ", by));
    rotation.set_effect_sha256(
        EffectOf(work.catalog(), change, work.options, work.at.now));
    work.rotation_id = rotation.id();
    work.draft.AddDetection(std::move(rotation));
  } else {
    work.rotation_id = open->rotation.id();
    if (absl::Status s = CheckDecisions(open->rotation, by); !s.ok()) return s;
    if (open->Approvers().count(by) != 0) {
      return Refuse(absl::StrCat("rotation ", work.rotation_id,
                                 " is that, and waits for other people"));
    }
  }
  const Entry& entry = *work.book().Find(work.rotation_id);
  work.draft.AddDecision(work.rotation_id,
                         DecisionOf({.rotation_id = work.rotation_id,
                                     .kind = v1::Decision::KIND_APPROVE,
                                     .by = by,
                                     .why = why,
                                     .certificate_sha256 = certificate_sha256},
                                    entry),
                         work.options.rotations.approvals);
  return is_new;
}

// Whether this takes back what a person revoked or retired and nobody has signed:
// else it would come again in each proposal. Nothing comes into use by it, and
// those who sign decide.
bool TakesBackUnsigned(const Work& work, const v1::PinFact& fact) {
  const auto& pins = work.book().pins();
  return fact.action() == v1::PinFact::ACTION_REACTIVATE &&
         std::any_of(pins.begin(), pins.end(), [&](const auto& record) {
           return record.pin().spki_sha256() == fact.spki_sha256() &&
                  anchors::SlotFromProto(record.pin().slot()) ==
                      anchors::SlotFromProto(fact.slot());
         });
}

}  // namespace

absl::Status TakeDecision(Work& work, const PersonDecides& event) {
  const std::uint64_t id = event.rotation_id;
  work.rotation_id = id;
  const Entry* entry = work.book().Find(id);
  if (entry == nullptr) {
    return absl::NotFoundError(absl::StrCat("there is no rotation ", id));
  }
  if (absl::Status s = CheckWhy(event.why); !s.ok()) return s;
  const v1::Rotation& rotation = entry->rotation;
  const bool is_approval = event.kind == v1::Decision::KIND_APPROVE;
  if (is_approval && entry->is_open() && !entry->is_publishable()) {
    return Refuse(absl::StrCat("rotation ", id, " is of class ",
                               ShortName(rotation.rotation_class()),
                               " and names no key: there is nothing to "
                               "approve"));
  }
  if ((!event.change_id.empty() && event.change_id != rotation.change_id()) ||
      (!event.effect_sha256.empty() &&
       event.effect_sha256 != rotation.effect_sha256())) {
    return absl::AbortedError(
        absl::StrCat("rotation ", id, " is not the change that was looked at"));
  }
  // In MODE_OFFLINE what is approved is not signed yet.
  const bool is_approved = rotation.state() == v1::ROTATION_STATE_APPROVED;
  if (!entry->is_open() || (is_approved && is_approval)) {
    return Refuse(absl::StrCat("rotation ", id, " is ",
                               ShortName(rotation.state()),
                               ": nothing is left to decide"));
  }
  if (event.kind != v1::Decision::KIND_REJECT) {
    if (absl::Status s = CheckDecisions(rotation, event.by); !s.ok()) return s;
  }
  if (is_approval) {
    if (absl::Status s = CheckCouldPass(work, entry->change); !s.ok()) {
      return Refuse(s.message());
    }
    if (event.effect_sha256.empty()) {
      return absl::InvalidArgumentError(
          "an approval names what was looked at: 'effect_sha256'");
    }
  }
  work.draft.AddDecision(id, DecisionOf(event, *entry),
                         is_approval ? work.options.rotations.approvals : 0);
  if (event.kind == v1::Decision::KIND_REJECT) {
    work.draft.AddState(
        id, v1::ROTATION_STATE_REJECTED,
        absl::StrCat("rejected by ", event.by, ": ", event.why));
  } else if (event.kind == v1::Decision::KIND_HOLD && is_approved) {
    work.draft.AddState(id, v1::ROTATION_STATE_DETECTED,
                        absl::StrCat("held by ", event.by, ": ", event.why));
  }
  return absl::OkStatus();
}

absl::Status TakePin(Work& work, const PersonPins& event) {
  const v1::PinFact& fact = event.fact;
  if (absl::Status s = CheckWhy(fact.why()); !s.ok()) return s;
  if (TakesBackUnsigned(work, fact)) {
    work.draft.AddPin(fact);
    AlertOfPin(work, fact);
    return absl::OkStatus();
  }
  if (fact.action() == v1::PinFact::ACTION_ADD ||
      fact.action() == v1::PinFact::ACTION_ANNOUNCE ||
      fact.action() == v1::PinFact::ACTION_REACTIVATE) {
    const auto change = RequestOf(work.catalog(), fact);
    if (!change.ok()) return change.status();
    const auto is_new =
        Request(work, *change, fact.why(), event.certificate_sha256);
    if (is_new.ok() && *is_new) AlertOfPin(work, fact);
    return is_new.status();
  }
  auto next = ApplyPin(work.catalog(), fact, work.at.now);
  if (!next.ok()) return next.status();
  if (*next == work.catalog()) return Refuse("the catalog has that already");
  const verify::Slot slot = *anchors::SlotFromProto(fact.slot());
  if (!event.last_key && HasKey(work.catalog(), slot, work.at.now) &&
      !HasKey(*next, slot, work.at.now)) {
    return Refuse(absl::StrCat(
        "it is the last key of ", verify::ToString(slot),
        " that verifies: no evidence of that slot would be accepted any more. "
        "Say that this is meant (--last-key)"));
  }
  work.draft.AddPin(fact);
  AlertOfPin(work, fact);
  if (work.options.offline) return absl::OkStatus();
  return Publish(work, *std::move(next), {{.slot = slot, .is_safe = true}}, {},
                 {});
}

absl::Status TakeAcknowledgement(Work& work, const PersonAcknowledges& event) {
  const v1::AlertFact& fact = event.fact;
  if (absl::Status s = CheckWhy(fact.why()); !s.ok()) return s;
  const absl::Time until = anchors::TimeOf(fact.until_time());
  if (until <= work.at.now || until > work.at.now + kLongestAcknowledged) {
    return absl::InvalidArgumentError(
        "'until_time' is after now, and within 30 days");
  }
  const v1::AlertFact* known =
      work.book().AcknowledgedAt(fact.alert_id(), work.at.now);
  if (known == nullptr ||
      known->SerializeAsString() != fact.SerializeAsString()) {
    work.draft.AddAcknowledgement(fact);
  }
  return absl::OkStatus();
}

absl::Status TakeUndo(Work& work, const PersonUndoes& event) {
  if (absl::Status s = CheckWhy(event.why); !s.ok()) return s;
  const Entry* entry = work.book().Find(event.rotation_id);
  if (entry == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("there is no rotation ", event.rotation_id));
  }
  const auto change =
      UndoOf(work.catalog(), entry->rotation, event.by, event.revokes);
  if (!change.ok()) return change.status();
  const auto is_new =
      Request(work, *change, event.why, event.certificate_sha256);
  if (is_new.ok() && *is_new) {
    const auto& undo = *change->undo;
    AlertOfAnchor(
        work, change->slot, event.by, event.revokes ? "UNDO_REVOKE" : "UNDO",
        event.revokes ? undo.ended.front() : undo.reactivated.front(),
        absl::StrCat("rotation ", event.rotation_id,
                     event.revokes
                         ? " is to be taken back, and its key revoked: "
                         : " is to be taken back: ",
                     event.why));
  }
  return is_new.status();
}

void TakeAcceptance(Work& work, const StoreAccepted& event) {
  work.draft.AddStore(event.fact);
  Alert alert;
  alert.kind = AlertKind::kStoreAccepted;
  alert.time = work.at.now;
  alert.subject = "store";
  alert.text = event.text;
  alert.facts = {{"by", event.fact.by()},
                 {"sequence", absl::StrCat(event.fact.sequence())}};
  work.draft.AddAlert(std::move(alert));
}

void VoidFormerPeople(Work& work) {
  for (const std::uint64_t id : LiveOf(work)) {
    const Entry* entry = work.book().Find(id);
    if (!entry->is_open()) continue;
    for (const std::string& name : entry->Approvers()) {
      if (work.options.people.count(name) != 0) continue;
      const std::string why =
          absl::StrCat("the approval of ", name,
                       " is void: they are not among those who may decide");
      work.draft.AddAlert(AlertKind::kApprovalsVoid, entry->rotation, why);
      work.draft.AddVoid(id, name, why);
      entry = work.book().Find(id);
    }
  }
}

}  // namespace anchorage::trustd
