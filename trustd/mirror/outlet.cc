#include "trustd/mirror/outlet.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "anchors/target_checks.h"
#include "trustd/record/rotation_values.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using Entry = RotationBook::Entry;

constexpr std::int64_t kSecondsOfDay = 24 * 60 * 60;

bool IsAhead(absl::Time created, absl::Time now) {
  return created > now + anchors::kMaxCreatedAhead;
}

// Whether the catalog has what a rotation is about.
bool Contains(const Catalog& catalog, const Change& change) {
  if (change.rotation_class == RotationClass::kRemoval) {
    return std::none_of(catalog.anchors.begin(), catalog.anchors.end(),
                        [&](const anchors::CatalogAnchor& anchor) {
                          return anchor.slot == change.slot &&
                                 anchor.status == verify::AnchorStatus::kActive;
                        });
  }
  if (change.undo.has_value()) {
    const auto has = [&](const std::string& key, auto is_so) {
      const auto* anchor = anchors::FindAnchor(catalog, change.slot, key);
      return anchor != nullptr && is_so(*anchor);
    };
    return std::all_of(
               change.undo->reactivated.begin(), change.undo->reactivated.end(),
               [&](const std::string& key) {
                 return has(key, [](const auto& anchor) {
                   return anchor.status == verify::AnchorStatus::kActive;
                 });
               }) &&
           std::none_of(change.undo->ended.begin(), change.undo->ended.end(),
                        [&](const std::string& key) {
                          return has(key, &anchors::Verifies);
                        });
  }
  const bool is_reactivation =
      change.rotation_class == RotationClass::kReactivation;
  const bool is_announcement =
      change.rotation_class == RotationClass::kAnnouncement;
  for (const SeenCertificate& seen : change.observed) {
    const bool there = std::any_of(
        catalog.anchors.begin(), catalog.anchors.end(),
        [&](const anchors::CatalogAnchor& anchor) {
          if (anchor.slot != change.slot ||
              !(anchors::Verifies(anchor) || is_announcement) ||
              anchor.spki_sha256 != seen.spki_sha256) {
            return false;
          }
          if (is_reactivation) {
            return anchor.status == verify::AnchorStatus::kActive;
          }
          return std::any_of(anchor.certificates.begin(),
                             anchor.certificates.end(), [&](const auto& c) {
                               return c.sha256 == seen.sha256 && !c.superseded;
                             });
        });
    if (!there) return false;
  }
  return !change.observed.empty();
}

void AddPublished(Work& work, std::uint64_t id, std::uint64_t sequence) {
  work.draft.AddState(id, v1::ROTATION_STATE_PUBLISHED,
                      absl::StrCat("in sequence ", sequence));
  work.draft.AddAlert(AlertKind::kRotationPublished,
                      work.book().Find(id)->rotation,
                      absl::StrCat("published in sequence ", sequence));
}

// What was approved waits for people again.
void Hold(Work& work, std::uint64_t id, const std::string& why) {
  const Entry& entry = *work.book().Find(id);
  if (!entry.Approvers().empty()) {
    work.draft.AddAlert(AlertKind::kApprovalsVoid, entry.rotation, why);
  }
  work.draft.AddPolicyDecision(id, v1::Decision::KIND_HOLD, why);
  work.draft.AddState(id, v1::ROTATION_STATE_DETECTED, why);
}

// If no person has said anything, none has to take it back: the policy decides
// again. What people are to sign is for them.
void Refuse(Work& work, std::uint64_t id, const std::string& why) {
  if (!work.book().Find(id)->is_by_policy() || work.options.offline) {
    return Hold(work, id, why);
  }
  work.draft.AddState(id, v1::ROTATION_STATE_DETECTED, why);
}

bool IsApproved(const Entry& entry) {
  return entry.rotation.state() == v1::ROTATION_STATE_APPROVED;
}

Ground GroundOf(const Work& work, const Entry& entry) {
  Ground ground{.slot = entry.change.slot};
  const auto approvers = entry.Approvers();
  if (static_cast<int>(approvers.size()) < work.options.rotations.approvals) {
    return ground;
  }
  ground.approvers = approvers;
  ground.effect_sha256 = entry.rotation.effect_sha256();
  return ground;
}

// What is approved, put into a catalog one after the other.
struct Approved {
  Catalog catalog;
  std::vector<std::uint64_t> ids = {};
  std::vector<Ground> grounds = {};
  anchors::Reactivated reactivated = {};
};

// What does not fit what is there by now is held, and what no person approved is
// judged once more. One rotation of a slot at a time: the next one is of what
// this one leaves. Each is judged alone, against what all of them come after, so
// that none depends on those before it; what they are together is judged when it
// is published.
Approved CollectApproved(
    Work& work, const Catalog& from,
    std::size_t most = std::numeric_limits<std::size_t>::max()) {
  Approved approved{.catalog = from};
  const Situation situation = SituationOf(work);
  std::set<verify::Slot> taken;
  for (const std::uint64_t id : LiveOf(work)) {
    if (approved.ids.size() == most) break;
    const Entry& entry = *work.book().Find(id);
    if (!IsApproved(entry) || taken.count(entry.change.slot) != 0) continue;
    const auto already =
        Applied(work.catalog(), entry.change, work.options, entry.approved);
    if (already.ok() && *already == work.catalog()) {
      work.draft.AddState(
          id, v1::ROTATION_STATE_PUBLISHED,
          absl::StrCat("in sequence ", work.catalog().sequence, " already"));
      continue;
    }
    auto alone = Applied(from, entry.change, work.options, entry.approved);
    auto next =
        Applied(approved.catalog, entry.change, work.options, entry.approved);
    if (!alone.ok() || !next.ok()) {
      Refuse(work, id,
             absl::StrCat(
                 "cannot be applied: ",
                 (alone.ok() ? next.status() : alone.status()).message()));
      continue;
    }
    const Ground ground = GroundOf(work, entry);
    const anchors::Reactivated reactivated = ReactivatedBy(entry.change);
    alone->sequence = from.sequence + 1;
    alone->created = anchors::WholeSeconds(work.at.now);
    const auto admitted = Admit({.before = from,
                                 .after = *std::move(alone),
                                 .grounds = {ground},
                                 .reactivated = reactivated},
                                situation);
    if (!admitted.ok()) {
      const auto reason = GateReasonOf(admitted.status());
      const bool may_pass = reason.has_value() && MayPass(*reason);
      if (!may_pass) {
        Refuse(work, id, std::string(admitted.status().message()));
        continue;
      }
      // A proposal is for people, and does not change with every look. But what
      // nobody can sign yet would keep them from signing the rest.
      if (!work.options.offline || *reason == GateReason::kFromTheFuture) {
        continue;
      }
    }
    taken.insert(entry.change.slot);
    approved.catalog = *std::move(next);
    approved.ids.push_back(id);
    approved.grounds.push_back(ground);
    approved.reactivated.insert(approved.reactivated.end(), reactivated.begin(),
                                reactivated.end());
  }
  return approved;
}

// The catalog for people to sign: what is served, what was changed by hand, and
// what is approved. The same bytes as long as these are the same, so that who
// reviews it and who signs it speak of one file.
void Propose(Work& work) {
  const absl::Time now = work.at.now;
  const Catalog& before = work.catalog();
  Catalog catalog = before;
  // The newest fact in it, but for those of a clock that was ahead: who signs
  // would refuse the proposal until then.
  const absl::Time latest = now + anchors::kMaxCreatedAhead;
  absl::Time created = absl::InfinitePast();
  const auto made = [&](absl::Time time) {
    if (time <= latest) created = std::max(created, time);
  };
  made(before.created);
  for (const v1::LedgerRecord& record : work.book().pins()) {
    const absl::Time time = anchors::TimeOf(record.time());
    auto next = ApplyPin(catalog, record.pin(), time);
    if (!next.ok()) continue;  // a later one has made it void
    catalog = *std::move(next);
    made(time);
  }
  Approved approved = CollectApproved(work, catalog);
  for (const std::uint64_t id : approved.ids) {
    const Entry& entry = *work.book().Find(id);
    made(entry.approved);
    // Where no fact counts, late enough for what begins later than what is
    // served was made.
    for (const SeenCertificate& seen : entry.change.observed) {
      const auto facts = anchors::ReadCertificateFacts(seen.der);
      if (facts.ok()) made(facts->not_before - anchors::kMaxNotBeforeAhead);
    }
  }
  // The day is the same for whoever reviews and whoever signs.
  if (created == absl::InfinitePast()) {
    created = absl::FromUnixSeconds(absl::ToUnixSeconds(now) / kSecondsOfDay *
                                    kSecondsOfDay);
  }
  work.proposal = "";
  // The same again where its date is to be mended.
  if (approved.catalog == before && !IsAhead(before.created, now)) return;
  approved.catalog.sequence = work.served.next_sequence;
  approved.catalog.created = anchors::WholeSeconds(created);
  work.proposal = anchors::SerializeCatalog(approved.catalog);
}

// A policy that changed something waits with more of the slot.
void CountAutomatic(Work& work, const std::vector<Ground>& grounds) {
  for (const Ground& ground : grounds) {
    if (ground.is_safe || !ground.approvers.empty()) continue;
    auto& times = work.moment.automatic[ground.slot];
    times.push_back(work.at.steady);
    if (times.size() > kMaxAutomaticADay) times.erase(times.begin());
  }
}

}  // namespace

void Reconcile(Work& work) {
  const v1::PublicationFact& last = work.book().last_publication();
  const std::uint64_t sequence = work.catalog().sequence;
  if (sequence == last.sequence() &&
      work.served.catalog_sha256 == last.catalog_sha256()) {
    return;
  }
  v1::PublicationFact fact;
  fact.set_sequence(sequence);
  fact.set_catalog_sha256(work.served.catalog_sha256);
  fact.set_targets_version(work.served.targets_version);
  for (const std::uint64_t id : work.book().Live()) {
    const Entry& entry = *work.book().Find(id);
    if (entry.is_open() && entry.is_publishable() &&
        Contains(work.catalog(), entry.change)) {
      fact.add_rotation_ids(id);
    }
  }
  const std::vector<v1::LedgerRecord> pins = work.book().pins();
  work.draft.AddPublication(fact);
  for (const std::uint64_t id : fact.rotation_ids()) {
    AddPublished(work, id, sequence);
  }
  // What people changed by hand and others did not sign yet is not forgotten.
  for (const v1::LedgerRecord& record : pins) {
    const auto next =
        ApplyPin(work.catalog(), record.pin(), anchors::TimeOf(record.time()));
    if (next.ok() && *next != work.catalog()) work.draft.AddPinAgain(record);
  }
}

absl::Status Publish(Work& work, Catalog after, std::vector<Ground> grounds,
                     anchors::Reactivated reactivated,
                     const std::vector<std::uint64_t>& rotation_ids) {
  after.sequence = work.served.next_sequence;
  // Earlier than the one before, where that clock was ahead: the order is the
  // sequence's.
  after.created = anchors::WholeSeconds(work.at.now);
  auto admitted = Admit({.before = work.catalog(),
                         .after = std::move(after),
                         .grounds = grounds,
                         .reactivated = std::move(reactivated)},
                        SituationOf(work));
  if (!admitted.ok()) return admitted.status();
  CountAutomatic(work, grounds);
  const Catalog& catalog = admitted->catalog();
  work.served.catalog = std::make_shared<const Catalog>(catalog);
  work.served.catalog_sha256 =
      verify::Sha256Hex(anchors::SerializeCatalog(catalog));
  work.served.next_sequence = catalog.sequence + 1;
  ++work.served.targets_version;
  v1::PublicationFact fact;
  fact.set_sequence(catalog.sequence);
  fact.set_catalog_sha256(work.served.catalog_sha256);
  fact.set_targets_version(work.served.targets_version);
  for (const std::uint64_t id : rotation_ids) fact.add_rotation_ids(id);
  work.draft.AddPublication(fact);
  for (const std::uint64_t id : rotation_ids) {
    AddPublished(work, id, catalog.sequence);
  }
  work.publish = *std::move(admitted);
  return absl::OkStatus();
}

void PublishApproved(Work& work) {
  if (work.options.offline) {
    // People sign what is proposed: that what is in it was ever decided is for
    // the record to say.
    if (work.moment.record_checked) Propose(work);
    return;
  }
  // One publication for an event. The next one has what is left.
  if (work.publish.has_value() || !work.at.may_publish) return;
  // Most events lead to nothing, and a catalog is large.
  const auto& live = work.book().Live();
  if (std::none_of(live.begin(), live.end(), [&](std::uint64_t id) {
        return IsApproved(*work.book().Find(id));
      })) {
    return;
  }
  Approved approved = CollectApproved(work, work.catalog());
  if (approved.ids.empty()) return;
  absl::Status published =
      Publish(work, std::move(approved.catalog), std::move(approved.grounds),
              std::move(approved.reactivated), approved.ids);
  if (!published.ok() && approved.ids.size() > 1) {
    // They do not fit together. The next ones are judged against the first.
    approved = CollectApproved(work, work.catalog(), 1);
    published =
        Publish(work, std::move(approved.catalog), std::move(approved.grounds),
                std::move(approved.reactivated), approved.ids);
  }
  if (published.ok()) return;
  for (const std::uint64_t id : approved.ids) {
    Hold(work, id, std::string(published.message()));
  }
}

void MendDates(Work& work) {
  const auto tell = [&](const std::string& what, std::uint64_t sequence,
                        absl::Time created, const std::string& then) {
    const std::string file = absl::StrCat(what, " ", sequence);
    if (!work.moment.dates_told.insert(file).second) return;
    work.draft.AddAlert(
        AlertKind::kDatedAhead, what,
        absl::StrCat(
            what, " of sequence ", sequence, " is dated ",
            absl::FormatTime(absl::RFC3339_sec, created, absl::UTCTimeZone()),
            ", after the clock here: clients whose clocks are right "
            "refuse it (CLOCK_SUSPECT). ",
            then));
  };
  const Served& served = work.served;
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    const auto found = served.facts.find(kind.name);
    if (kind.is_required || found == served.facts.end() ||
        !IsAhead(found->second.created, work.at.now)) {
      continue;
    }
    tell(std::string(kind.name), found->second.sequence, found->second.created,
         absl::StrCat("Make a ", std::string(kind.title),
                      " of a higher sequence, dated right"));
  }
  if (!IsAhead(work.catalog().created, work.at.now)) return;
  tell("catalog", work.catalog().sequence, work.catalog().created,
       work.options.offline ? "Sign the proposal, data_dir/proposal.json"
                            : "It is published again, dated now");
  if (work.options.offline || work.publish.has_value() ||
      !work.at.may_publish) {
    return;
  }
  // Nothing that it says is judged: the next event tries again.
  (void)Publish(work, work.catalog(), {}, {}, {});
}

}  // namespace anchorage::trustd
