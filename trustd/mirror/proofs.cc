#include "trustd/mirror/proofs.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "anchors/catalog_proto.h"
#include "trustd/mirror/live_proof.h"
#include "verify/crypto/public_key.h"
#include "verify/partition.h"
#include "verify/reason.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using Entry = RotationBook::Entry;

// Alarms of unknown signers: of all, and of one submitter about slots in which
// nothing is pinned.
constexpr int kMaxUnknownSigners = 200;
constexpr int kMaxUnknownSlotsEach = 3;
// Of one submitter, for one rotation.
constexpr int kMaxProofsEach = 3;

// Whether evidence that no pinned anchor verifies tells of another key, rather
// than of damage or of nonsense.
bool MayBeAnotherKey(const absl::Status& refused, const verify::Slot& slot) {
  const auto reason = verify::ReasonOf(refused);
  if (reason == verify::Reason::kRegionUnknown) {
    return verify::IsRegionCode(slot.region);
  }
  return reason == verify::Reason::kSignatureMismatch ||
         reason == verify::Reason::kAnchorNotActive;
}

// More of the same from one instance proves no more, and nobody fills a
// rotation alone.
bool TakesProof(const Entry& entry, const v1::LiveProof& proof) {
  const auto& proofs = entry.rotation.live_proofs();
  const auto of_submitter = std::count_if(
      proofs.begin(), proofs.end(), [&](const v1::LiveProof& other) {
        return other.submitter() == proof.submitter();
      });
  return of_submitter < kMaxProofsEach && proofs.size() < kMaxLiveProofs &&
         entry.rotation.ByteSizeLong() + proof.ByteSizeLong() <=
             kMaxRotationBytes &&
         std::none_of(proofs.begin(), proofs.end(),
                      [&](const v1::LiveProof& other) {
                        return other.instance_id() == proof.instance_id();
                      });
}

bool IsPinned(const Catalog& catalog, const verify::Slot& slot) {
  return std::any_of(catalog.anchors.begin(), catalog.anchors.end(),
                     [&](const anchors::CatalogAnchor& anchor) {
                       return anchor.slot == slot;
                     });
}

bool MayOpenUnknownSigner(const Work& work, const verify::Slot& slot,
                          const std::string& submitter) {
  int all = 0;
  int of_submitter = 0;
  for (const std::uint64_t id : work.book().Live()) {
    const Entry& entry = *work.book().Find(id);
    if (!entry.is_open() || !entry.is_unknown_signer()) continue;
    ++all;
    of_submitter += entry.rotation.source() == submitter &&
                    !IsPinned(work.catalog(), entry.change.slot);
  }
  return all < kMaxUnknownSigners && (IsPinned(work.catalog(), slot) ||
                                      of_submitter < kMaxUnknownSlotsEach);
}

// The key by which evidence verifies once a rotation is published; empty where
// it does not.
std::string SignerAfter(const Work& work, const Entry& entry,
                        const v1::Evidence& evidence) {
  const auto candidate =
      Applied(work.catalog(), entry.change, work.options, work.at.now);
  if (!candidate.ok()) return "";
  return SignerOf(evidence, *candidate, work.at.now).value_or("");
}

void OpenUnknownSigner(Work& work, v1::LiveProof proof) {
  v1::Rotation opened;
  opened.set_id(work.book().next_id());
  opened.set_change_id(verify::Sha256Hex(
      absl::StrCat("UNKNOWN_SIGNER\n", verify::ToString(work.proof.slot))));
  opened.set_rotation_class(v1::ROTATION_CLASS_UNKNOWN_SIGNER);
  *opened.mutable_slot() = anchors::ToProto(work.proof.slot);
  opened.set_state(v1::ROTATION_STATE_DETECTED);
  opened.set_source(proof.submitter());
  opened.set_reason("an instance has evidence that no anchor verifies");
  opened.set_diff(absl::StrCat(
      verify::ToString(work.proof.slot),
      ": evidence that no pinned anchor verifies",
      proof.signer_serial().empty()
          ? ""
          : absl::StrCat("; its signer names serial ", proof.signer_serial())));
  const std::string serial = proof.signer_serial();
  *opened.add_live_proofs() = std::move(proof);
  work.proof.rotation_id = opened.id();
  Alert alert;
  alert.kind = AlertKind::kRotationDetected;
  alert.time = work.at.now;
  alert.subject = verify::ToString(work.proof.slot);
  alert.text = opened.diff();
  alert.facts = {{"rotation", absl::StrCat(opened.id())},
                 {"class", "UNKNOWN_SIGNER"},
                 {"state", "DETECTED"},
                 {"source", opened.source()},
                 {"signer_serial", serial}};
  work.draft.AddAlert(std::move(alert));
  work.draft.AddDetection(std::move(opened));
}

}  // namespace

absl::Status TakeEvidence(Work& work, const InstanceShows& event) {
  if (event.evidence.ByteSizeLong() > kMaxEvidenceBytes) {
    return verify::Reject(verify::Reason::kInputTooLarge, "evidence");
  }
  const auto claimed = ReadEvidence(event.evidence);
  if (!claimed.ok()) return claimed.status();
  ProofOutcome& outcome = work.proof;
  outcome.slot = claimed->slot;
  outcome.signer_serial = claimed->signer_serial;
  const auto pinned = SignerOf(event.evidence, work.catalog(), work.at.now);
  if (pinned.ok()) {
    outcome.spki_sha256 = *pinned;
    return absl::OkStatus();
  }
  if (!MayBeAnotherKey(pinned.status(), claimed->slot)) return pinned.status();

  const Entry* found = nullptr;
  const Entry* unknown = nullptr;
  for (const std::uint64_t id : work.book().Live()) {
    const Entry& entry = *work.book().Find(id);
    if (!entry.is_open() || entry.change.slot != claimed->slot) continue;
    if (entry.is_unknown_signer()) unknown = &entry;
    if (!entry.is_publishable() || found != nullptr) continue;
    outcome.spki_sha256 = SignerAfter(work, entry, event.evidence);
    if (!outcome.spki_sha256.empty()) found = &entry;
  }
  outcome.kind = found != nullptr ? ProofOutcome::Kind::kCandidate
                                  : ProofOutcome::Kind::kUnknownSigner;
  v1::LiveProof proof;
  proof.set_instance_id(claimed->instance_id);
  proof.set_submitter(event.submitter);
  anchors::SetTime(work.at.now, *proof.mutable_received_time());
  proof.set_spki_sha256(outcome.spki_sha256);
  proof.set_signer_serial(claimed->signer_serial);
  *proof.mutable_evidence() = event.evidence;
  if (const Entry* entry = found != nullptr ? found : unknown;
      entry != nullptr) {
    outcome.rotation_id = entry->rotation.id();
    if (TakesProof(*entry, proof)) {
      work.draft.AddProof(outcome.rotation_id, std::move(proof));
    }
  } else if (MayOpenUnknownSigner(work, claimed->slot, event.submitter)) {
    OpenUnknownSigner(work, std::move(proof));
  }
  return absl::OkStatus();
}

void TryEarlierProofs(Work& work) {
  const std::vector<std::uint64_t> live = LiveOf(work);
  for (const std::uint64_t unknown_id : live) {
    const Entry& unknown = *work.book().Find(unknown_id);
    if (!unknown.is_open() || !unknown.is_unknown_signer()) continue;
    const auto proofs = unknown.rotation.live_proofs();
    for (const std::uint64_t id : live) {
      const Entry* entry = work.book().Find(id);
      if (!entry->is_open() || !entry->is_publishable() ||
          entry->change.slot != unknown.change.slot) {
        continue;
      }
      int& tried = work.moment.tried[{unknown_id, id}];
      if (tried == proofs.size()) continue;
      tried = proofs.size();
      for (v1::LiveProof proof : proofs) {
        const std::string signer = SignerAfter(work, *entry, proof.evidence());
        if (signer.empty() || !TakesProof(*entry, proof)) continue;
        proof.set_spki_sha256(signer);
        work.draft.AddProof(id, std::move(proof));
        entry = work.book().Find(id);
      }
    }
  }
}

void CloseKnownSigners(Work& work) {
  for (const std::uint64_t id : LiveOf(work)) {
    const Entry& entry = *work.book().Find(id);
    if (!entry.is_open() || !entry.is_unknown_signer()) continue;
    std::string& checked = work.moment.signers_checked[id];
    if (checked == work.served.catalog_sha256) continue;
    checked = work.served.catalog_sha256;
    const auto& proofs = entry.rotation.live_proofs();
    if (std::any_of(
            proofs.begin(), proofs.end(), [&](const v1::LiveProof& proof) {
              return SignerOf(proof.evidence(), work.catalog(), work.at.now)
                  .ok();
            })) {
      work.draft.AddState(id, v1::ROTATION_STATE_WITHDRAWN,
                          absl::StrCat("its key is pinned since sequence ",
                                       work.catalog().sequence));
    }
  }
}

}  // namespace anchorage::trustd
