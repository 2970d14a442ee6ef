// The mirror's part about what follows: publications, proposals, ends.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/proto_time.h"
#include "anchors/target_checks.h"
#include "trustd/mirror/live_proof.h"
#include "trustd/mirror/mirror.h"
#include "trustd/mirror/mirror_parts.h"
#include "trustd/record/rotation_values.h"
#include "trustd/rotation/classifier.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;

constexpr std::int64_t kSecondsOfDay = 24 * 60 * 60;

bool IsAhead(absl::Time created, absl::Time now) {
  return created > now + anchors::kMaxCreatedAhead;
}

// Whether the served catalog has what a rotation is about.
bool Contains(const Catalog& catalog, const Change& change) {
  const bool is_removal = change.rotation_class == RotationClass::kRemoval;
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
  for (const SeenCertificate& seen : change.observed) {
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

}  // namespace

absl::StatusOr<Catalog> Mirror::Applied(const Catalog& catalog,
                                        const Entry& entry,
                                        absl::Time now) const {
  return Apply(catalog, entry.change,
               {.time = now,
                .overlap = options_.rotations.overlap,
                .retire_removed =
                    entry.change.rotation_class == RotationClass::kRemoval});
}

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
       {&Mirror::Reconcile, &Mirror::MendDates, &Mirror::CloseWhatWentAway,
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
  const v1::PublicationFact& last = book_.last_publication();
  if (publication == nullptr ||
      (publication->catalog.sequence == last.sequence() &&
       publication->catalog_sha256 == last.catalog_sha256())) {
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
                   absl::StrCat("in sequence ", publication->catalog.sequence));
    v1::Rotation rotation = entry->rotation;
    rotation.set_state(v1::ROTATION_STATE_PUBLISHED);
    draft.alerts.push_back(AlertOf(
        AlertKind::kRotationPublished, rotation, now,
        absl::StrCat("published in sequence ", publication->catalog.sequence)));
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

// Clients refuse what is dated after their clocks, and stay with what they have.
// After a spell in which ours was ahead, the catalog is published again with the
// date of now; people, who sign it or the list of releases, are told.
absl::Status Mirror::MendDates(absl::Time now) {
  const auto publication = hub_.Current();
  Draft draft(now);
  std::vector<std::string> told;
  const auto tell = [&](const std::string& what, std::uint64_t sequence,
                        absl::Time created, const std::string& then) {
    std::string id = absl::StrCat(what, " ", sequence);
    if (dates_told_.count(id) != 0) return;
    Alert alert;
    alert.kind = AlertKind::kDatedAhead;
    alert.time = now;
    alert.subject = what;
    alert.text = absl::StrCat(
        what, " of sequence ", sequence, " is dated ",
        absl::FormatTime(absl::RFC3339_sec, created, absl::UTCTimeZone()),
        ", after the clock here: clients whose clocks are right refuse it ",
        "(CLOCK_SUSPECT). ", then);
    draft.alerts.push_back(std::move(alert));
    told.push_back(std::move(id));
  };
  if (publication->releases.has_value() &&
      IsAhead(publication->releases->created, now)) {
    tell("releases", publication->releases->sequence,
         publication->releases->created,
         "Make a list of a higher sequence, dated right");
  }
  const Catalog& catalog = publication->catalog;
  const bool is_ahead = IsAhead(catalog.created, now);
  if (is_ahead) {
    tell("catalog", catalog.sequence, catalog.created,
         options_.offline
             ? absl::StrCat("Sign the proposal, ", options_.proposal_path)
             : "It is published again, dated now");
  }
  const absl::Status status =
      is_ahead && !options_.offline
          ? PublishCatalog(catalog, {}, std::move(draft)).status()
          : Commit(std::move(draft));
  if (status.ok()) dates_told_.insert(told.begin(), told.end());
  return status;
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

NewestLooks Mirror::Looks() const {
  NewestLooks looks;
  for (const auto& [name, observation] : newest_) {
    const auto health = health_.find(name);
    const bool fails = health != health_.end() && health->second.failures() > 0;
    (fails ? looks.stale : looks.fresh).push_back(&observation);
  }
  return looks;
}

// Asks the policy twice: about what the record says, then about what
// publishing it would bring into use, as far as sources show it now.
Decision Mirror::DecidedByPolicy(const Entry& entry, absl::Time now) const {
  EvidenceSummary evidence = entry.Evidence();
  const Change change = entry.CurrentChange();
  Decision decision =
      trustd::Decide(change, evidence, options_.rotations.policy, now);
  if (decision.outcome != Outcome::kPublishNow) return decision;
  const auto publication = hub_.Current();
  const auto next = Applied(publication->catalog, entry, now);
  // What cannot be applied is held where that is tried.
  if (!next.ok() || *next == publication->catalog) return decision;
  GateVerdict verdict =
      JudgePublication(publication->catalog, *next, Looks(), now);
  if (verdict.outcome != GateOutcome::kPublish) {
    return {.reason = std::move(verdict.why)};
  }
  evidence.agreeing_sources = verdict.sources;
  return trustd::Decide(change, evidence, options_.rotations.policy, now);
}

absl::Status Mirror::DecideWhatIsDue(absl::Time now) {
  Draft draft;
  draft.time = now;
  for (const auto& [id, entry] : book_.rotations()) {
    const v1::RotationState state = entry.rotation.state();
    if (!entry.is_publishable() || (state != v1::ROTATION_STATE_DETECTED &&
                                    state != v1::ROTATION_STATE_CORROBORATED)) {
      continue;
    }
    const EvidenceSummary evidence = entry.Evidence();
    if (state == v1::ROTATION_STATE_DETECTED &&
        (evidence.agreeing_sources > 1 || evidence.live_proofs > 0)) {
      draft.AddState(id, v1::ROTATION_STATE_CORROBORATED,
                     absl::StrCat(evidence.agreeing_sources, " sources and ",
                                  evidence.live_proofs, " instances say so"));
    }
    if (entry.is_held()) continue;
    if (entry.approvals() >= options_.rotations.approvals) {
      draft.AddState(
          id, v1::ROTATION_STATE_APPROVED,
          absl::StrCat("approved by ", entry.approvals(),
                       entry.approvals() == 1 ? " person" : " people"));
      continue;
    }
    const Decision decision = DecidedByPolicy(entry, now);
    if (decision.outcome != Outcome::kPublishNow) continue;
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
  catalog.sequence = current->next_sequence;
  // Earlier than the one before, where that clock was ahead: the order is the
  // sequence's.
  catalog.created = absl::FromUnixSeconds(absl::ToUnixSeconds(draft.time));
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
// does not fit what is there by then is held, and what no person approved is
// judged once more.
Catalog Mirror::WithApproved(Catalog catalog, std::vector<std::uint64_t>& ids,
                             Draft& draft) {
  for (const auto& [id, entry] : book_.rotations()) {
    if (entry.rotation.state() != v1::ROTATION_STATE_APPROVED) continue;
    auto next = Applied(catalog, entry, entry.approved);
    if (!next.ok()) {
      draft.AddHold(
          id, absl::StrCat("cannot be applied: ", next.status().message()));
      continue;
    }
    if (entry.approvals() < options_.rotations.approvals) {
      // The policy approved what was known then.
      const GateVerdict verdict =
          JudgePublication(catalog, *next, Looks(), draft.time);
      if (verdict.outcome == GateOutcome::kForPeople) {
        draft.AddHold(id, verdict.why);
        continue;
      }
      // A proposal is for people, and does not change with every look.
      if (verdict.outcome == GateOutcome::kWait && !options_.offline) {
        continue;
      }
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
  if (catalog == before) {
    for (const std::uint64_t id : ids) {
      draft.AddState(id, v1::ROTATION_STATE_PUBLISHED,
                     absl::StrCat("in sequence ", before.sequence, " already"));
    }
    return Commit(std::move(draft));
  }
  return PublishCatalog(std::move(catalog), ids, std::move(draft)).status();
}

// The catalog for people to sign: what is served, what was changed by hand, and
// what is approved. The same bytes as long as these are the same, so that who
// reviews it and who signs it speak of one file.
absl::Status Mirror::Propose(const Catalog& before, Draft draft) {
  const absl::Time now = draft.time;
  Catalog catalog = before;
  // The newest fact in it, but for those of a clock that was ahead: who signs
  // would refuse the proposal until then.
  const absl::Time latest = draft.time + anchors::kMaxCreatedAhead;
  absl::Time created = absl::InfinitePast();
  const auto made = [&](absl::Time time) {
    if (time <= latest) created = std::max(created, time);
  };
  made(before.created);
  for (const v1::LedgerRecord& record : book_.pins()) {
    const absl::Time time = anchors::TimeOf(record.time());
    auto next = ApplyPin(catalog, record.pin(), time);
    if (!next.ok()) continue;  // a later one has made it void
    catalog = *std::move(next);
    made(time);
  }
  std::vector<std::uint64_t> ids;
  catalog = WithApproved(std::move(catalog), ids, draft);
  for (const std::uint64_t id : ids) made(book_.Find(id)->approved);
  // The day is the same for whoever reviews and whoever signs.
  if (created == absl::InfinitePast()) {
    created = absl::FromUnixSeconds(absl::ToUnixSeconds(draft.time) /
                                    kSecondsOfDay * kSecondsOfDay);
  }
  if (absl::Status s = Commit(std::move(draft)); !s.ok()) return s;
  std::string text;
  // The same again where its date is to be mended.
  if (catalog != before || IsAhead(before.created, now)) {
    catalog.sequence = hub_.Current()->next_sequence;
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
    const Classification found = Classify(observation, publication->catalog);
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
    if (std::any_of(
            proofs.begin(), proofs.end(), [&](const v1::LiveProof& proof) {
              return SignerOf(proof.evidence(), publication->catalog, now).ok();
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
    draft.alerts.push_back(AlertOf(
        AlertKind::kRotationHeldTooLong, entry.rotation, now,
        absl::StrCat("open since ", absl::FormatTime(absl::RFC3339_sec, since,
                                                     absl::UTCTimeZone()))));
  }
  if (absl::Status s = Commit(std::move(draft)); !s.ok()) return s;
  alerted_holds_.insert(alerted.begin(), alerted.end());
  return absl::OkStatus();
}

}  // namespace anchorage::trustd
