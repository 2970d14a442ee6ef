// The mirror's part about people and instances: decisions, pins, evidence.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "anchors/catalog_proto.h"
#include "trustd/mirror/live_proof.h"
#include "trustd/mirror/mirror.h"
#include "trustd/mirror/mirror_parts.h"
#include "trustd/record/rotation_values.h"
#include "verify/crypto/public_key.h"
#include "verify/partition.h"
#include "verify/reason.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;

// Alarms of unknown signers: of all, and of one submitter about slots in which
// nothing is pinned.
constexpr int kMaxUnknownSigners = 200;
constexpr int kMaxUnknownSlotsEach = 3;
// Of one submitter, for one rotation.
constexpr int kMaxProofsEach = 3;

}  // namespace

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
    // In MODE_OFFLINE what is approved is not signed yet.
    const bool is_approved =
        entry->rotation.state() == v1::ROTATION_STATE_APPROVED;
    if (!entry->is_open() ||
        (is_approved && kind == v1::Decision::KIND_APPROVE)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "rotation ", rotation_id, " is ", ShortName(entry->rotation.state()),
          ": nothing is left to decide"));
    }
    if (kind == v1::Decision::KIND_APPROVE && !entry->is_publishable()) {
      return absl::FailedPreconditionError(
          absl::StrCat("rotation ", rotation_id, " is of class ",
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
    } else if (kind == v1::Decision::KIND_HOLD && is_approved) {
      draft.AddState(rotation_id, v1::ROTATION_STATE_DETECTED,
                     absl::StrCat("held by ", by, ": ", why));
    }
    status = Commit(std::move(draft));
    // The decision is made. What follows from it may have to wait.
    if (status.ok()) (void)SettleLocked(now);
  }
  Tell();
  if (!status.ok()) return status;
  return *FindRotation(rotation_id);
}

absl::StatusOr<std::uint64_t> Mirror::Pin(const v1::PinFact& fact,
                                          absl::Time now) {
  absl::StatusOr<std::uint64_t> sequence = std::uint64_t{0};
  {
    const absl::MutexLock lock(&mutex_);
    if (!ledger_->health().ok()) return ledger_->health();
    if (fact.why().empty() || fact.why().size() > kMaxWhyBytes) {
      return absl::InvalidArgumentError(
          "say why, in at most 1000 characters: it goes on the record");
    }
    const auto publication = hub_.Current();
    const Catalog& catalog = publication->catalog;
    auto next = ApplyPin(catalog, fact, now);
    if (!next.ok()) return next.status();
    if (*next == catalog) {
      return absl::FailedPreconditionError("the catalog has that already");
    }
    Draft draft;
    draft.time = now;
    *draft.Add().mutable_pin() = fact;
    if (options_.offline) {
      if (absl::Status s = Commit(std::move(draft)); !s.ok()) return s;
    } else {
      sequence = PublishCatalog(*std::move(next), {}, std::move(draft));
    }
    if (sequence.ok()) (void)SettleLocked(now);
  }
  Tell();
  return sequence;
}

std::vector<verify::Slot> Mirror::SlotsSharing(const v1::PinFact& fact) const {
  const auto slot = anchors::SlotFromProto(fact.slot());
  if (!slot.has_value()) return {};
  return trustd::SlotsSharing(hub_.Current()->catalog, *slot,
                              fact.spki_sha256());
}

// Whether evidence that no pinned anchor verifies tells of another key, rather
// than of damage or of nonsense.
bool Mirror::MayBeAnotherKey(const absl::Status& refused,
                             const verify::Slot& slot) {
  const auto reason = verify::ReasonOf(refused);
  if (reason == verify::Reason::kRegionUnknown) {
    return verify::IsRegionCode(slot.region);
  }
  return reason == verify::Reason::kSignatureMismatch ||
         reason == verify::Reason::kAnchorNotActive;
}

// More of the same from one instance proves no more, and nobody fills a
// rotation alone.
bool Mirror::TakesProof(const Entry& entry, const v1::LiveProof& proof) {
  const auto& proofs = entry.rotation.live_proofs();
  const auto of_submitter = std::count_if(
      proofs.begin(), proofs.end(), [&](const v1::LiveProof& other) {
        return other.submitter() == proof.submitter();
      });
  return of_submitter < kMaxProofsEach && proofs.size() < kMaxLiveProofs &&
         std::none_of(proofs.begin(), proofs.end(),
                      [&](const v1::LiveProof& other) {
                        return other.instance_id() == proof.instance_id();
                      });
}

bool Mirror::MayOpenUnknownSigner(const Catalog& catalog,
                                  const verify::Slot& slot,
                                  const std::string& submitter) const {
  const auto is_pinned = [&](const verify::Slot& other) {
    return std::any_of(catalog.anchors.begin(), catalog.anchors.end(),
                       [&](const anchors::CatalogAnchor& anchor) {
                         return anchor.slot == other;
                       });
  };
  int all = 0;
  int of_submitter = 0;
  for (const auto& [id, entry] : book_.rotations()) {
    if (!entry.is_open() || !entry.is_unknown_signer()) continue;
    ++all;
    of_submitter +=
        entry.rotation.source() == submitter && !is_pinned(entry.change.slot);
  }
  return all < kMaxUnknownSigners &&
         (is_pinned(slot) || of_submitter < kMaxUnknownSlotsEach);
}

absl::StatusOr<ProofOutcome> Mirror::SubmitEvidence(
    const v1::Evidence& evidence, const std::string& submitter,
    absl::Time now) {
  if (evidence.ByteSizeLong() > kMaxEvidenceBytes) {
    return verify::Reject(verify::Reason::kInputTooLarge, "evidence");
  }
  const auto claimed = ReadEvidence(evidence);
  if (!claimed.ok()) return claimed.status();
  ProofOutcome outcome;
  outcome.slot = claimed->slot;
  outcome.signer_serial = claimed->signer_serial;

  absl::Status status;
  {
    const absl::MutexLock lock(&mutex_);
    const auto publication = hub_.Current();
    const auto pinned = SignerOf(evidence, publication->catalog, now);
    if (pinned.ok()) {
      outcome.spki_sha256 = *pinned;
      return outcome;
    }
    if (!MayBeAnotherKey(pinned.status(), claimed->slot)) {
      return pinned.status();
    }
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
      if (!TakesProof(*rotation, proof)) return outcome;
      v1::ProofFact& fact = *draft.Add().mutable_proof();
      fact.set_rotation_id(outcome.rotation_id);
      *fact.mutable_proof() = std::move(proof);
    } else if (!MayOpenUnknownSigner(publication->catalog, claimed->slot,
                                     submitter)) {
      return outcome;
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
      opened.set_diff(
          absl::StrCat(verify::ToString(claimed->slot),
                       ": evidence that no pinned anchor verifies",
                       claimed->signer_serial.empty()
                           ? ""
                           : absl::StrCat("; its signer names serial ",
                                          claimed->signer_serial)));
      anchors::SetTime(now, *opened.mutable_detected_time());
      anchors::SetTime(now, *opened.mutable_changed_time());
      *opened.add_live_proofs() = std::move(proof);
      Alert alert =
          AlertOf(AlertKind::kRotationDetected, opened, now, opened.diff());
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

}  // namespace anchorage::trustd
