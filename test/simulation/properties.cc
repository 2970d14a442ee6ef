// What must hold of each step, and at the end of the quiet days.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "anchors/catalog_proto.h"
#include "anchors/succession.h"
#include "test/simulation/run.h"

namespace anchorage::simulation {

void Simulation::NotePeople(const Event& event, const Work& work) {
  if (const auto* decides = std::get_if<trustd::PersonDecides>(&event)) {
    switch (decides->kind) {
      case v1::Decision::KIND_APPROVE:
        Count("approvals");
        people_.Approved(decides->rotation_id, decides->by,
                         SightOf(work, decides->rotation_id));
        break;
      case v1::Decision::KIND_HOLD:
        people_.Held(decides->rotation_id);
        break;
      default:
        people_.Rejected(decides->rotation_id);
    }
  } else if (const auto* undoes = std::get_if<trustd::PersonUndoes>(&event)) {
    people_.Approved(work.rotation_id, undoes->by,
                     SightOf(work, work.rotation_id));
  } else if (const auto* pins = std::get_if<trustd::PersonPins>(&event)) {
    Count("pins");
    if (work.rotation_id != 0) {
      people_.Approved(work.rotation_id, pins->fact.by(),
                       SightOf(work, work.rotation_id));
    }
  }
}

People::Sight Simulation::SightOf(const Work& work, std::uint64_t id) const {
  const Slot slot = work.book().Find(id)->change.slot;
  return {slot, TextOf(catalog(), slot), options_.rotations.overlap};
}

void Simulation::CheckCatalog(const Catalog& after) {
  for (const anchors::CatalogAnchor& anchor : after.anchors) {
    const std::string name = verify::ToString(anchor.slot);
    if (anchor.status != AnchorStatus::kRevoked &&
        revoked_.count({anchor.slot, anchor.spki_sha256}) != 0) {
      Fail("P1", absl::StrCat(anchor.spki_sha256, " of ", name,
                              " was revoked and is ",
                              std::string(verify::NameOf(anchor.status))));
    }
    for (const anchors::CatalogCertificate& one : anchor.certificates) {
      if (!one.superseded && world_.IsForged(one.der)) {
        Fail("P1", absl::StrCat(one.sha256, " is in use in ", name,
                                " and is not signed by its key"));
      }
    }
  }
}

void Simulation::CheckProposal() {
  const std::string& proposal = machine_.proposal;
  if (proposal == checked_proposal_) return;
  checked_proposal_ = proposal;
  if (proposal.empty()) return;
  const auto next = anchors::ParseCatalog(proposal);
  if (!next.ok()) return Fail("P1", "a proposal that cannot be read");
  CheckCatalog(*next);
  if (const absl::Status s = anchors::CheckSuccessor(
          catalog(), *next, anchors::FindReactivated(catalog(), *next));
      !s.ok()) {
    Fail("P1", absl::StrCat("proposed: ", std::string(s.message())));
  }
  for (const Slot& slot : trustd::ChangedSlots(catalog(), *next)) {
    const auto is_of = [&](const v1::LedgerRecord& record) {
      return anchors::SlotFromProto(record.pin().slot()) == slot;
    };
    bool is_decided =
        std::any_of(book().pins().begin(), book().pins().end(), is_of);
    const People::Sight sight{slot, TextOf(catalog(), slot),
                              options_.rotations.overlap};
    for (const std::uint64_t id : Open()) {
      const RotationBook::Entry& entry = *book().Find(id);
      if (entry.change.slot != slot ||
          entry.rotation.state() != v1::ROTATION_STATE_APPROVED) {
        continue;
      }
      is_decided |= people_.For(id, sight) >= options_.rotations.approvals ||
                    (entry.is_by_policy() && !people_.AreAgainst(id));
    }
    if (!is_decided) {
      Fail("P2", absl::StrCat(verify::ToString(slot),
                              " is proposed otherwise, and nobody decided"));
    }
  }
}

void Simulation::CheckStep(const Event& event, const Work& work) {
  const Catalog& after = *work.served.catalog;
  CheckCatalog(after);
  for (const anchors::CatalogAnchor& anchor : after.anchors) {
    if (anchor.status == AnchorStatus::kRevoked) {
      revoked_.insert({anchor.slot, anchor.spki_sha256});
    }
  }
  if (!work.publish.has_value()) {
    if (after.sequence != catalog().sequence || after != catalog()) {
      Fail("P2", "the catalog changed and nothing was published");
    }
    return;
  }
  Count("publications");
  const v1::PublicationFact* fact = nullptr;
  for (const v1::LedgerRecord& record : work.draft.records()) {
    if (record.has_publication()) fact = &record.publication();
  }
  if (fact == nullptr) return Fail("P2", "published and not on the record");
  anchors::Reactivated named;
  for (const std::uint64_t id : fact->rotation_ids()) {
    // What is over by now has its class and slot alone as values.
    const auto& entry = *work.book().Find(id);
    if (entry.change.rotation_class == trustd::RotationClass::kReactivation) {
      named.push_back(
          {entry.change.slot, entry.rotation.observed(0).spki_sha256()});
    }
    for (const std::string& key :
         entry.rotation.undo().reactivated_spki_sha256()) {
      named.push_back({entry.change.slot, key});
    }
  }
  if (const absl::Status s = anchors::CheckSuccessor(catalog(), after, named);
      !s.ok()) {
    Fail("P1", std::string(s.message()));
  }
  for (const Slot& slot : trustd::ChangedSlots(catalog(), after)) {
    CheckSlot(event, work, *fact, slot);
  }
}

void Simulation::CheckSlot(const Event& event, const Work& work,
                           const v1::PublicationFact& fact, const Slot& slot) {
  const Catalog& after = *work.served.catalog;
  const std::string name = verify::ToString(slot);
  const bool same_keys = KeysOf(catalog(), slot) == KeysOf(after, slot);
  if (const auto* pins = std::get_if<trustd::PersonPins>(&event);
      pins != nullptr && work.rotation_id == 0 &&
      anchors::SlotFromProto(pins->fact.slot()) == slot &&
      options_.people.count(pins->fact.by()) != 0) {
    CheckIsSafe(slot, pins->fact.spki_sha256(), after);
    return;
  }
  const People::Sight sight{slot, TextOf(catalog(), slot),
                            options_.rotations.overlap};
  std::string names;
  std::vector<std::uint64_t> ids;
  for (const std::uint64_t id : fact.rotation_ids()) {
    if (work.book().Find(id)->change.slot != slot) continue;
    absl::StrAppend(&names, " ", id);
    ids.push_back(id);
    if (people_.HaveRejected(id)) {
      Fail("P2", absl::StrCat(id, " was rejected, and is published"));
    }
    if (people_.For(id, sight) >= options_.rotations.approvals) return;
    if (people_.AreAgainst(id)) {
      Fail("P2", absl::StrCat(id, " is held by a person, and is published"));
    }
  }
  const auto has_rule = [&](std::uint64_t id) {
    const auto rotation_class = work.book().Find(id)->change.rotation_class;
    return rotation_class != trustd::RotationClass::kReissue &&
           options_.rotations.policy.rule(rotation_class).action !=
               trustd::RotationAction::kHold;
  };
  if (!same_keys && std::none_of(ids.begin(), ids.end(), has_rule)) {
    Fail("P2", absl::StrCat("keys of ", name, " change without ",
                            options_.rotations.approvals, " people; rotations",
                            names, "; before\n", TextOf(catalog(), slot),
                            "after\n", TextOf(after, slot)));
  }
  CheckAutomatic(work, slot, ids);
}

void Simulation::CheckIsSafe(const Slot& slot, const std::string& key,
                             const Catalog& after) {
  for (const anchors::CatalogAnchor& anchor : after.anchors) {
    if (anchor.slot != slot || anchor.spki_sha256 != key) continue;
    anchors::CatalogAnchor was;
    for (const auto& old : catalog().anchors) {
      if (old.slot == slot && old.spki_sha256 == key) was = old;
    }
    was.status = anchor.status;
    was.valid_until = anchor.valid_until;
    was.accept_until = anchor.accept_until;
    if (!(was == anchor)) {
      Fail("P2", "revoking and retiring change a status and windows alone");
    }
    if (anchor.status == AnchorStatus::kActive) {
      Fail("P2", "one person alone made a key ACTIVE");
    }
  }
  for (const std::string& one : InUse(after, slot)) {
    if (InUse(catalog(), slot).count(one) == 0) {
      Fail("P2", "one person alone brought a certificate into use");
    }
  }
}

bool Simulation::IsByRule(const RotationBook::Entry& entry,
                          int families) const {
  const trustd::RotationRule& rule =
      options_.rotations.policy.rule(entry.change.rotation_class);
  if (rule.action == trustd::RotationAction::kPublish) return true;
  if (rule.action == trustd::RotationAction::kHold) return false;
  bool is_shown = rule.sources > 0 && families >= rule.sources;
  for (const auto& seen : entry.rotation.observed()) {
    const auto proofs = proofs_.find({entry.change.slot, seen.spki_sha256()});
    is_shown |= rule.live_proofs > 0 && proofs != proofs_.end() &&
                static_cast<int>(proofs->second.size()) >= rule.live_proofs;
  }
  // One that came and went in this step is seen since then.
  const auto seen = seen_.find(entry.rotation.id());
  const absl::Time since = seen == seen_.end() ? true_time_ : seen->second;
  return is_shown && since <= true_time_ - rule.hold;
}

void Simulation::CheckAutomatic(const Work& work, const Slot& slot,
                                const std::vector<std::uint64_t>& ids) {
  Count("changes without people");
  const std::string name = verify::ToString(slot);
  const Catalog& after = *work.served.catalog;
  if (clock_is_suspect_) Fail("P2", "automatic with a clock that jumped");
  for (const Source& source : sources_) {
    if (work.moment.asked.count(source.name) == 0) {
      Fail("P2", absl::StrCat("automatic in ", name, ", and ", source.name,
                              " was not asked"));
    }
  }
  const auto before = InUse(catalog(), slot);
  const auto now_in_use = InUse(after, slot);
  std::set<std::string> comes;
  std::set<std::string> goes;
  std::set_difference(now_in_use.begin(), now_in_use.end(), before.begin(),
                      before.end(), std::inserter(comes, comes.end()));
  std::set_difference(before.begin(), before.end(), now_in_use.begin(),
                      now_in_use.end(), std::inserter(goes, goes.end()));
  // Or one goes that was shown beside another.
  if (comes.size() != 1 && !(comes.empty() && !goes.empty())) {
    Fail("P2", absl::StrCat("automatic in ", name, ": ", comes.size(),
                            " certificates come into use"));
  }
  CheckComes(slot, comes, after);
  std::set<std::string> families;
  for (const Source& source : sources_) {
    const auto look = work.moment.newest.find(source.name);
    if (look == work.moment.newest.end()) continue;
    std::set<std::string> shown;
    for (const auto& one : look->second->certificates) {
      if (one.slot == slot && look->second->scope.Covers(slot)) {
        shown.insert(verify::Sha256Hex(one.der));
      }
    }
    const bool is_understood = std::none_of(
        look->second->problems.begin(), look->second->problems.end(),
        [](const trustd::SourceProblem& problem) {
          return problem.kind != trustd::ProblemKind::kNotConfirmed;
        });
    if (shown.empty() || !is_understood) continue;
    bool shows = true;
    for (const auto& one : comes) shows = shows && shown.count(one) != 0;
    for (const auto& one : goes) shows = shows && shown.count(one) == 0;
    if (comes.empty()) {
      for (const auto& one : shown) shows = shows && now_in_use.count(one) != 0;
    }
    if (!shows) {
      Fail("P2", absl::StrCat("automatic in ", name, ", and ", source.name,
                              " shows something else"));
    }
    families.insert(source.family);
  }
  if (families.empty()) Fail("P2", absl::StrCat(name, ": nobody shows it"));
  if (std::none_of(ids.begin(), ids.end(), [&](std::uint64_t id) {
        return IsByRule(*work.book().Find(id),
                        static_cast<int>(families.size()));
      })) {
    Fail("P2", absl::StrCat(name, ": the configuration does not let it"));
  }
  // P4.
  std::vector<absl::Time>& times = automatic_[slot];
  int today = 0;
  for (const absl::Time time : times) {
    today += true_time_ - time < kDay;
    if (true_time_ - time < absl::Hours(1)) {
      Fail("P4", absl::StrCat(name, " changed twice within an hour"));
    }
  }
  if (today >= 4) {
    Fail("P4", absl::StrCat(name, " changed five times within a day"));
  }
  times.push_back(true_time_);
  skews_[slot].push_back(skew_);
}

void Simulation::CheckComes(const Slot& slot,
                            const std::set<std::string>& comes,
                            const Catalog& after) {
  for (const anchors::CatalogAnchor& anchor : after.anchors) {
    if (anchor.slot != slot) continue;
    const auto old = std::find_if(
        catalog().anchors.begin(), catalog().anchors.end(),
        [&](const anchors::CatalogAnchor& one) {
          return one.slot == slot && one.spki_sha256 == anchor.spki_sha256;
        });
    for (const auto& one : anchor.certificates) {
      if (comes.count(one.sha256) == 0 || old == catalog().anchors.end()) {
        continue;
      }
      if (one.not_before > now() + kDay) {
        Fail("P2", "automatic: begins more than a day from now");
      }
      for (const auto& known : old->certificates) {
        if (known.sha256 == one.sha256) break;
        const bool was_there = std::any_of(
            old->certificates.begin(), old->certificates.end(),
            [&](const auto& other) { return other.sha256 == one.sha256; });
        if (!was_there && known.not_before >= one.not_before) {
          Fail("P2", "automatic: not later than another of its key");
        }
      }
    }
  }
}

void Simulation::ForgetWhatAClockHides() {
  for (auto& [slot, times] : automatic_) {
    auto& skews = skews_[slot];
    for (std::size_t i = times.size(); i-- > 0;) {
      if (skew_ <= skews[i]) continue;
      times.erase(times.begin() + static_cast<std::ptrdiff_t>(i));
      skews.erase(skews.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

void Simulation::CheckDecisions(const Event& event) {
  if (std::holds_alternative<trustd::PersonDecides>(event)) return;
  for (const std::uint64_t id : book().Live()) {
    const RotationBook::Entry& entry = *book().Find(id);
    if (!entry.is_publishable()) continue;
    if (people_.HaveRejected(id) &&
        entry.rotation.state() != v1::ROTATION_STATE_REJECTED) {
      Fail("P2", absl::StrCat(id, " was rejected and is ",
                              v1::RotationState_Name(entry.rotation.state())));
    }
    if (people_.AreAgainst(id) &&
        entry.rotation.state() == v1::ROTATION_STATE_APPROVED) {
      Fail("P2", absl::StrCat(id, " is held by a person and APPROVED"));
    }
  }
}

void Simulation::CheckFold() {
  RotationBook fresh;
  std::uint64_t index = 0;
  for (const v1::LedgerRecord& record : machine_.records) {
    fresh.Fold(index++, record);
  }
  Count("folds");
  if (!(fresh == book())) {
    Fail("P3", "the record folded anew is not the running book");
  }
}

bool Simulation::IsSharedAnew(const Slot& slot) const {
  const std::set<std::string> here = InUse(catalog(), slot);
  for (const auto& [other, der] : world_.Genuine()) {
    if (other == slot || !world_.IsCurrent(slot, der)) continue;
    const std::set<std::string> there = InUse(catalog(), other);
    if (std::none_of(here.begin(), here.end(),
                     [&](const auto& one) { return there.count(one) != 0; })) {
      return true;
    }
  }
  return false;
}

void Simulation::CheckHealed() {
  // What it said last stands, or the configuration waits for more.
  if (IsAnyGone() ||
      options_.rotations.policy.rule(trustd::RotationClass::kReissue).action !=
          trustd::RotationAction::kPublish) {
    return;
  }
  for (const std::uint64_t id : book().Live()) {
    // AWS may have removed a slot, or gone back to what only people take: that
    // holds its source, also where a person has rejected the anomaly.
    if (book().Find(id)->is_anomaly()) return;
  }
  for (const std::uint64_t id : Open()) {
    const RotationBook::Entry& entry = *book().Find(id);
    const trustd::Change& change = entry.change;
    if (change.rotation_class != trustd::RotationClass::kReissue ||
        people_.HaveSpoken(id) || !BringsGenuine(entry) ||
        IsSharedAnew(change.slot)) {
      continue;
    }
    const std::string der = world_.Current(change.slot);
    const auto made = anchors::MakeCertificate(der);
    const auto status = StatusOf(change.slot, KeyOf(der));
    if (!trustd::ObjectionsTo(*made, change.slot, catalog(), catalog(), now())
             .empty() ||
        status == AnchorStatus::kRetired || status == AnchorStatus::kRevoked) {
      continue;
    }
    Fail("P5",
         absl::StrCat("rotation ", id, " of ", verify::ToString(change.slot),
                      " is a genuine re-issue and waits: ",
                      entry.rotation.ShortDebugString()));
  }
}

void Simulation::CheckInUse(const Slot& slot, const std::string& der) {
  if (IsAnyGone()) return;
  for (const std::uint64_t id : book().Live()) {
    // What people refused stays as it is.
    if (book().Find(id)->change.slot == slot && people_.AreAgainst(id)) return;
  }
  for (const anchors::CatalogAnchor& anchor : catalog().anchors) {
    if (anchor.slot != slot || anchor.spki_sha256 != KeyOf(der)) continue;
    for (const anchors::CatalogCertificate& one : anchor.certificates) {
      if (one.superseded || one.der == der || anchors::IsByOperator(one)) {
        continue;
      }
      Fail("P5", absl::StrCat(one.sha256, " of ", verify::ToString(slot),
                              " is in use and nobody shows it"));
    }
  }
}

void Simulation::CheckQuiet() {
  for (const Slot& slot : world_.Slots()) {
    const std::string der = world_.Current(slot);
    if (der.empty()) continue;
    CheckInUse(slot, der);
    const auto status = StatusOf(slot, KeyOf(der));
    if ((status != AnchorStatus::kActive &&
         status != AnchorStatus::kRetiring) ||
        !HasInUse(slot, KeyOf(der))) {
      Fail("P5", absl::StrCat("the key of ", verify::ToString(slot), " is ",
                              status ? std::string(verify::NameOf(*status))
                                     : "not there"));
    }
  }
  for (const std::uint64_t id : Open()) {
    const RotationBook::Entry& entry = *book().Find(id);
    Fail("P5",
         absl::StrCat("rotation ", id, " stays open: ",
                      std::string(NameOf(entry.change.rotation_class)), " ",
                      entry.rotation.anomaly(), " ", entry.rotation.problem(),
                      " ", verify::ToString(entry.change.slot), ": ",
                      v1::RotationState_Name(entry.rotation.state()), ", ",
                      entry.rotation.reason(), "\n", entry.rotation.diff()));
  }
}

}  // namespace anchorage::simulation
