// What Classify() does, in this order:
//
//   1. problems of the observation are anomalies, one of each kind;
//   2. certificates are put together by slot; one that cannot be read, or is
//      not of the slot's kind, is an anomaly;
//   3. each slot that the source has is compared with its anchors;
//   4. slots that are pinned and that the source does not have are removals,
//      and an anomaly;
//   5. anomalies, and what is not confirmed, hold every change.

#include "trustd/rotation/classifier.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/certificate_facts.h"
#include "trustd/rotation/diff_text.h"
#include "trustd/rotation/gate.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorStatus;
using verify::Slot;

// Names of slots in one note; more are counted.
constexpr std::size_t kMaxNamedSlots = 5;

// What the catalog has for one certificate in its slot.
struct Match {
  const anchors::CatalogAnchor* anchor = nullptr;
  const anchors::CatalogCertificate* certificate = nullptr;
};

// A certificate of the observation, read.
struct Certificate {
  SeenCertificate seen;
  anchors::CertificateFacts facts;
  Match match;
};

// What the anchor has of the same to-be-signed bytes; null for none.
const anchors::CatalogCertificate* SameCertificate(
    const anchors::CatalogAnchor& anchor, const Certificate& certificate) {
  const SeenCertificate& seen = certificate.seen;
  for (const anchors::CatalogCertificate& known : anchor.certificates) {
    if (known.sha256 == seen.sha256) return &known;
  }
  for (const anchors::CatalogCertificate& known : anchor.certificates) {
    // The serial is in the to-be-signed bytes, and found sooner.
    if (known.serial != certificate.facts.serial) continue;
    const auto tbs = anchors::TbsSha256(seen.der);
    const auto other = anchors::TbsSha256(known.der);
    if (tbs.ok() && other.ok() && *tbs == *other) return &known;
  }
  return nullptr;
}

std::string JoinSlots(const std::vector<Slot>& slots) {
  std::string out;
  for (std::size_t i = 0; i < slots.size() && i < kMaxNamedSlots; ++i) {
    absl::StrAppend(&out, i == 0 ? "" : ", ", verify::ToString(slots[i]));
  }
  if (slots.size() > kMaxNamedSlots) {
    absl::StrAppend(&out, " and ", slots.size() - kMaxNamedSlots, " more");
  }
  return out;
}

bool IsKnownToSources(AnchorStatus status) {
  return status != AnchorStatus::kRetired && status != AnchorStatus::kRevoked;
}

class Classifier {
 public:
  Classifier(const Observation& observation, const anchors::Catalog& pinned)
      : observation_(observation), pinned_(pinned) {
    for (const anchors::CatalogAnchor& anchor : pinned.anchors) {
      anchors_[anchor.slot].push_back(&anchor);
      slots_of_key_[anchor.spki_sha256].push_back(anchor.slot);
    }
  }

  Classification Run() {
    ReportProblems();
    GroupBySlot();
    for (const auto& [slot, certificates] : observed_) {
      CompareSlot(slot, certificates);
    }
    CompareAbsence();
    found_.slots = observed_.size();
    Finish();
    return std::move(found_);
  }

 private:
  void ReportProblems() {
    std::map<ProblemKind, std::vector<const SourceProblem*>> by_kind;
    for (const SourceProblem& problem : observation_.problems) {
      if (IsAnomaly(problem)) by_kind[problem.kind].push_back(&problem);
    }
    for (const auto& [kind, problems] : by_kind) {
      Change anomaly = Anomaly(AnomalyKind::kProblem);
      anomaly.problem = kind;
      for (const SourceProblem* problem : problems) {
        anomaly.notes.push_back(
            absl::StrCat("line ", problem->line, ": ", problem->detail));
      }
      found_.anomalies.push_back(std::move(anomaly));
    }
  }

  void GroupBySlot() {
    for (const ObservedCertificate& observed : observation_.certificates) {
      if (!observation_.scope.Covers(observed.slot)) continue;
      auto facts = anchors::ReadCertificateFacts(observed.der);
      if (!facts.ok() ||
          !anchors::KeyFitsKind(facts->key, observed.slot.kind)) {
        Change anomaly = Anomaly(AnomalyKind::kProblem);
        anomaly.slot = observed.slot;
        anomaly.problem = facts.ok() ? ProblemKind::kWrongKind
                                     : ProblemKind::kCertificateUnreadable;
        found_.anomalies.push_back(std::move(anomaly));
        continue;
      }
      Certificate certificate;
      certificate.seen.der = observed.der;
      certificate.seen.sha256 = verify::Sha256Hex(observed.der);
      certificate.seen.spki_sha256 = verify::Sha256Hex(facts->spki_der);
      certificate.seen.line = observed.line;
      certificate.facts = *std::move(facts);
      certificate.match = Find(observed.slot, certificate);
      certificate.seen.pinned = certificate.match.certificate != nullptr;
      observed_[observed.slot].push_back(std::move(certificate));
    }
  }

  Match Find(const Slot& slot, const Certificate& certificate) const {
    Match match;
    const auto at = anchors_.find(slot);
    if (at == anchors_.end()) return match;
    for (const anchors::CatalogAnchor* anchor : at->second) {
      if (anchor->spki_sha256 != certificate.seen.spki_sha256) continue;
      match.anchor = anchor;
      match.certificate = SameCertificate(*anchor, certificate);
    }
    return match;
  }

  Change Anomaly(AnomalyKind kind) const {
    Change anomaly;
    anomaly.source = observation_.source;
    anomaly.location = observation_.location;
    anomaly.anomaly = kind;
    return anomaly;
  }

  Change ChangeOf(const Slot& slot, RotationClass rotation_class,
                  const std::vector<Certificate>& certificates) const {
    Change change;
    change.rotation_class = rotation_class;
    change.source = observation_.source;
    change.location = observation_.location;
    change.slot = slot;
    change.pinned = PinnedIn(pinned_, slot);
    for (const Certificate& certificate : certificates) {
      change.observed.push_back(certificate.seen);
    }
    return change;
  }

  // Whether the slot has an ACTIVE key, and the source has none such there.
  bool ActiveKeyIsGone(const Slot& slot,
                       const std::vector<Certificate>& certificates) const {
    if (!HasActiveKey(slot)) return false;
    return std::none_of(certificates.begin(), certificates.end(),
                        [&](const Certificate& certificate) {
                          const auto* anchor = certificate.match.anchor;
                          return anchor != nullptr &&
                                 anchor->status == AnchorStatus::kActive;
                        });
  }

  bool HasActiveKey(const Slot& slot) const {
    const auto at = anchors_.find(slot);
    return at != anchors_.end() &&
           std::any_of(at->second.begin(), at->second.end(),
                       [](const anchors::CatalogAnchor* anchor) {
                         return anchor->status == AnchorStatus::kActive;
                       });
  }

  // Whether this is what was pinned before what is pinned now.
  static bool IsOld(const Certificate& certificate) {
    const Match& match = certificate.match;
    if (match.anchor == nullptr) return false;
    if (match.certificate != nullptr) {
      return match.certificate->superseded && !anchors::Verifies(*match.anchor);
    }
    return std::any_of(
        match.anchor->certificates.begin(), match.anchor->certificates.end(),
        [&](const anchors::CatalogCertificate& pinned) {
          return !pinned.superseded &&
                 certificate.facts.not_before < pinned.not_before;
        });
  }

  // Whether it no longer has a certificate that is in use beside those that it
  // has of the same key. One that a person brought is theirs to replace.
  bool LeavesOut(const Slot& slot,
                 const std::vector<Certificate>& certificates) const {
    std::set<std::string_view> shown;
    std::set<std::string_view> keys;
    for (const Certificate& certificate : certificates) {
      const Match& match = certificate.match;
      // With its signature written otherwise, it is none to go by.
      if (match.certificate == nullptr ||
          match.certificate->sha256 != certificate.seen.sha256) {
        return false;
      }
      shown.insert(match.certificate->sha256);
      if (anchors::Verifies(*match.anchor)) {
        keys.insert(match.anchor->spki_sha256);
      }
    }
    const auto& anchors = anchors_.at(slot);
    return std::any_of(anchors.begin(), anchors.end(), [&](const auto* anchor) {
      return keys.count(anchor->spki_sha256) != 0 &&
             std::any_of(anchor->certificates.begin(),
                         anchor->certificates.end(), [&](const auto& one) {
                           return !one.superseded &&
                                  shown.count(one.sha256) == 0 &&
                                  !anchors::IsByOperator(one);
                         });
    });
  }

  RotationClass ClassOf(const Slot& slot, const Certificate& certificate,
                        const Match& match) const {
    const auto at = anchors_.find(slot);
    if (at == anchors_.end()) {
      const bool known =
          std::any_of(anchors_.begin(), anchors_.end(), [&](const auto& entry) {
            return entry.first.partition == slot.partition &&
                   entry.first.region == slot.region;
          });
      return known ? RotationClass::kNewKind : RotationClass::kNewRegion;
    }
    // An announced key is pinned, and its coming into use is a re-key.
    if (match.anchor != nullptr &&
        match.anchor->status != AnchorStatus::kAnnounced) {
      return RotationClass::kReissue;
    }
    const bool same_algorithm = std::any_of(
        at->second.begin(), at->second.end(),
        [&](const anchors::CatalogAnchor* anchor) {
          const auto key = anchors::ReadKeyFacts(anchor->spki_der);
          return anchor->spki_sha256 != certificate.seen.spki_sha256 &&
                 key.ok() && *key == certificate.facts.key;
        });
    return same_algorithm ? RotationClass::kReKey
                          : RotationClass::kAlgorithmChange;
  }

  void CompareSlot(const Slot& slot,
                   const std::vector<Certificate>& certificates) {
    std::optional<RotationClass> worst;
    bool current = false;
    bool old = false;
    const bool gone = ActiveKeyIsGone(slot, certificates);
    std::vector<const Certificate*> fresh;
    std::vector<const Certificate*> back;
    for (const Certificate& certificate : certificates) {
      const Match& match = certificate.match;
      const bool comes_into_use =
          (gone || !HasActiveKey(slot)) && match.anchor != nullptr &&
          match.anchor->status == AnchorStatus::kAnnounced;
      if (IsOld(certificate)) {
        old = true;
      } else if (match.certificate != nullptr &&
                 match.certificate->superseded) {
        back.push_back(&certificate);
      } else if (match.certificate != nullptr && !comes_into_use) {
        current = true;
      } else {
        const RotationClass c = ClassOf(slot, certificate, match);
        worst = worst ? std::max(*worst, c) : c;
        fresh.push_back(&certificate);
      }
    }
    // Beside what is in use, or what is new, it is a remnant.
    if (!worst && !current && !gone && !back.empty()) {
      worst = RotationClass::kReissue;
      fresh = back;
    } else if (!back.empty()) {
      old = true;
    } else if (!worst && !old && !gone && LeavesOut(slot, certificates)) {
      worst = RotationClass::kReissue;
    }
    if (certificates.size() > kMaxObservedCertificates) {
      Change anomaly = Anomaly(AnomalyKind::kTooManyCertificates);
      anomaly.slot = slot;
      anomaly.notes.push_back(
          absl::StrCat(certificates.size(), " certificates in one slot"));
      found_.anomalies.push_back(std::move(anomaly));
    } else if (worst) {
      AddChange(slot, *worst, certificates, fresh);
    } else if (gone || (old && !current)) {
      Change anomaly = Anomaly(AnomalyKind::kStale);
      const Change seen =
          ChangeOf(slot, RotationClass::kSourceAnomaly, certificates);
      anomaly.slot = slot;
      anomaly.pinned = seen.pinned;
      anomaly.observed = seen.observed;
      found_.anomalies.push_back(std::move(anomaly));
    }
  }

  void AddChange(const Slot& slot, RotationClass rotation_class,
                 const std::vector<Certificate>& certificates,
                 const std::vector<const Certificate*>& fresh) {
    Change change = ChangeOf(slot, rotation_class, certificates);
    for (const Certificate* certificate : fresh) {
      NoteDates(*certificate, change);
      NoteOtherSlots(*certificate, change);
      const auto made = anchors::MakeCertificate(certificate->seen.der);
      if (!made.ok()) continue;
      for (Objection& objection :
           ObjectionsTo(*made, slot, pinned_, pinned_, observation_.time)) {
        // What holds a change lasts as long as the look, and this does not.
        (objection.reason == GateReason::kFromTheFuture ? change.notes
                                                        : change.held_by)
            .push_back(std::move(objection.why));
      }
    }
    if (fresh.size() > 1) {
      change.held_by.push_back("more than one new certificate in the slot");
    }
    found_.changes.push_back(std::move(change));
  }

  static void NoteDates(const Certificate& certificate, Change& change) {
    const Match& match = certificate.match;
    if (match.anchor == nullptr) return;
    for (const anchors::CatalogCertificate& pinned :
         match.anchor->certificates) {
      if (pinned.superseded ||
          pinned.not_after <= certificate.facts.not_after) {
        continue;
      }
      change.notes.push_back(
          "it ends before the one that it replaces, as AWS's do at times");
      return;
    }
  }

  void NoteOtherSlots(const Certificate& certificate, Change& change) const {
    std::vector<Slot> slots;
    if (const auto at = slots_of_key_.find(certificate.seen.spki_sha256);
        at != slots_of_key_.end()) {
      slots = at->second;
    }
    for (const auto& [slot, others] : observed_) {
      for (const Certificate& other : others) {
        if (other.seen.spki_sha256 == certificate.seen.spki_sha256) {
          slots.push_back(slot);
        }
      }
    }
    std::sort(slots.begin(), slots.end());
    slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
    std::erase(slots, change.slot);
    if (slots.empty()) return;
    change.notes.push_back("the key is that of " + JoinSlots(slots) + " too");
  }

  // Whether the source was understood so badly that its silence says nothing.
  bool SilenceSaysNothing() const {
    return std::any_of(observation_.problems.begin(),
                       observation_.problems.end(),
                       [](const SourceProblem& problem) {
                         return problem.kind == ProblemKind::kNotTheDocument ||
                                problem.kind == ProblemKind::kTruncated ||
                                problem.kind == ProblemKind::kOutOfScope;
                       });
  }

  void CompareAbsence() {
    std::vector<Slot> missing;
    for (const auto& [slot, anchors] : anchors_) {
      if (HasActiveKey(slot) && observation_.scope.Covers(slot) &&
          !observed_.contains(slot)) {
        missing.push_back(slot);
      }
    }
    if (!missing.empty()) {
      Change anomaly = Anomaly(AnomalyKind::kSlotsMissing);
      anomaly.notes.push_back(absl::StrCat(
          missing.size(), " pinned slots are missing: ", JoinSlots(missing)));
      found_.anomalies.push_back(std::move(anomaly));
    }
    if (missing.size() > kMaxRemovals || SilenceSaysNothing()) return;
    for (const Slot& slot : missing) {
      found_.changes.push_back(ChangeOf(slot, RotationClass::kRemoval, {}));
    }
  }

  void Finish() {
    std::stable_sort(
        found_.changes.begin(), found_.changes.end(),
        [](const Change& a, const Change& b) { return a.slot < b.slot; });
    // Once each: a page can have an anomaly in hundreds of slots.
    std::set<std::string> anomalies;
    for (const Change& anomaly : found_.anomalies) {
      anomalies.insert(HeldByAnomaly(anomaly));
    }
    for (Change& change : found_.changes) {
      change.held_by.insert(change.held_by.end(), anomalies.begin(),
                            anomalies.end());
      for (const SourceProblem& problem : observation_.problems) {
        if (problem.kind != ProblemKind::kNotConfirmed) continue;
        change.held_by.push_back(problem.detail);
      }
      change.diff = DiffText(change, pinned_);
    }
    for (Change& anomaly : found_.anomalies) {
      anomaly.diff = DiffText(anomaly, pinned_);
    }
  }

  const Observation& observation_;
  const anchors::Catalog& pinned_;
  // Ordered, so that what is found has an order of its own.
  std::map<Slot, std::vector<const anchors::CatalogAnchor*>> anchors_;
  std::map<std::string, std::vector<Slot>> slots_of_key_;
  std::map<Slot, std::vector<Certificate>> observed_;
  Classification found_;
};

}  // namespace

std::string HeldByAnomaly(const Change& anomaly) {
  return absl::StrCat(
      "the source has an anomaly, ", std::string(NameOf(*anomaly.anomaly)),
      anomaly.problem ? " " + std::string(ToString(*anomaly.problem))
                      : std::string());
}

bool IsAnomaly(const SourceProblem& problem) {
  // A heading is no certificate. If one was pinned there, it is missing.
  return problem.kind != ProblemKind::kNoCertificate &&
         problem.kind != ProblemKind::kNotConfirmed;
}

PinnedSlot PinnedIn(const anchors::Catalog& catalog, const Slot& slot) {
  PinnedSlot pinned;
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot != slot || !IsKnownToSources(anchor.status)) continue;
    pinned.spki_sha256.push_back(anchor.spki_sha256);
    for (const anchors::CatalogCertificate& certificate : anchor.certificates) {
      if (certificate.superseded) continue;
      pinned.certificate_sha256.push_back(certificate.sha256);
    }
  }
  std::sort(pinned.spki_sha256.begin(), pinned.spki_sha256.end());
  std::sort(pinned.certificate_sha256.begin(), pinned.certificate_sha256.end());
  return pinned;
}

Classification Classify(const Observation& observation,
                        const anchors::Catalog& pinned) {
  return Classifier(observation, pinned).Run();
}

}  // namespace anchorage::trustd
