#include "trustd/rotation/publication_gate.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/self_signature.h"
#include "trustd/rotation/classifier.h"
#include "verify/anchor_set.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorStatus;
using verify::Slot;

// How far in the future a certificate may begin.
constexpr absl::Duration kMaxAhead = absl::Hours(24);

bool Verifies(AnchorStatus status) {
  return status == AnchorStatus::kActive || status == AnchorStatus::kRetiring;
}

const anchors::CatalogAnchor* FindAnchor(const anchors::Catalog& catalog,
                                         const Slot& slot,
                                         std::string_view spki_sha256) {
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot == slot && anchor.spki_sha256 == spki_sha256) {
      return &anchor;
    }
  }
  return nullptr;
}

const anchors::CatalogCertificate* FindCertificate(
    const anchors::CatalogAnchor* anchor, std::string_view sha256) {
  if (anchor == nullptr) return nullptr;
  for (const anchors::CatalogCertificate& certificate : anchor->certificates) {
    if (certificate.sha256 == sha256) return &certificate;
  }
  return nullptr;
}

// A certificate that comes into use, with the anchor that its key had before.
struct Added {
  const anchors::CatalogCertificate* certificate = nullptr;
  const anchors::CatalogAnchor* before = nullptr;
};

bool WasInUse(const anchors::CatalogAnchor* before,
              const anchors::CatalogAnchor& after,
              const anchors::CatalogCertificate& certificate) {
  if (before == nullptr) return false;
  if (Verifies(after.status) && !Verifies(before->status)) return false;
  const anchors::CatalogCertificate* known =
      FindCertificate(before, certificate.sha256);
  return known != nullptr && !known->superseded;
}

std::map<Slot, std::vector<Added>> AddedBySlot(const anchors::Catalog& before,
                                               const anchors::Catalog& after) {
  std::map<Slot, std::vector<Added>> added;
  for (const anchors::CatalogAnchor& anchor : after.anchors) {
    const anchors::CatalogAnchor* old =
        FindAnchor(before, anchor.slot, anchor.spki_sha256);
    for (const anchors::CatalogCertificate& certificate : anchor.certificates) {
      if (!certificate.superseded && !WasInUse(old, anchor, certificate)) {
        added[anchor.slot].push_back({&certificate, old});
      }
    }
  }
  return added;
}

std::vector<std::string_view> ShownIn(const Observation& look,
                                      const Slot& slot) {
  std::vector<std::string_view> shown;
  if (!look.scope.Covers(slot)) return shown;
  for (const ObservedCertificate& observed : look.certificates) {
    if (observed.slot == slot) shown.push_back(observed.der);
  }
  return shown;
}

// Whether a certificate that a source shows would be new in the slot, rather
// than one that is or was in use there, or one from before those.
bool IsNew(const anchors::Catalog& before, const Slot& slot,
           std::string_view der) {
  const auto facts = anchors::ReadCertificateFacts(der);
  if (!facts.ok()) return true;
  const anchors::CatalogAnchor* anchor =
      FindAnchor(before, slot, verify::Sha256Hex(facts->spki_der));
  if (anchor == nullptr) return true;
  return std::none_of(
      anchor->certificates.begin(), anchor->certificates.end(),
      [&](const anchors::CatalogCertificate& known) {
        return known.der == der ||
               (!known.superseded && facts->not_before < known.not_before);
      });
}

GateVerdict Refused(GateOutcome outcome, const Slot& slot, std::string why) {
  return {outcome, 0, absl::StrCat(verify::ToString(slot), ": ", why)};
}

// What the certificates themselves say.
GateVerdict JudgeCertificates(const Slot& slot, const std::vector<Added>& added,
                              absl::Time now) {
  for (const Added& one : added) {
    const auto facts = anchors::ReadCertificateFacts(one.certificate->der);
    if (!facts.ok()) {
      return Refused(GateOutcome::kForPeople, slot, "it cannot be read");
    }
    const auto why =
        WhyForPeople(one.certificate->der, *facts, one.before, now);
    if (!why.empty()) {
      return Refused(GateOutcome::kForPeople, slot, why.front());
    }
  }
  return {.outcome = GateOutcome::kPublish};
}

// What sources show of them.
GateVerdict JudgeLooks(const anchors::Catalog& before, const Slot& slot,
                       const std::vector<Added>& added,
                       const NewestLooks& looks) {
  GateVerdict verdict{.outcome = GateOutcome::kPublish};
  std::set<std::string_view> fresh;
  for (const Added& one : added) fresh.insert(one.certificate->der);
  for (const bool is_stale : {false, true}) {
    for (const Observation* look : is_stale ? looks.stale : looks.fresh) {
      const auto shown = ShownIn(*look, slot);
      for (const std::string_view der : shown) {
        if (IsNew(before, slot, der)) fresh.insert(der);
      }
      const bool is_understood =
          std::none_of(look->problems.begin(), look->problems.end(), IsAnomaly);
      if (shown.empty() || !is_understood) continue;
      const bool shows_all =
          std::all_of(added.begin(), added.end(), [&](const Added& one) {
            return std::find(shown.begin(), shown.end(),
                             one.certificate->der) != shown.end();
          });
      if (!shows_all) {
        return Refused(GateOutcome::kWait, slot,
                       look->source + " shows something else");
      }
      if (!is_stale) ++verdict.sources;
    }
  }
  if (fresh.size() > 1) {
    return Refused(GateOutcome::kWait, slot,
                   "more than one new certificate in the slot");
  }
  if (verdict.sources == 0) {
    return Refused(GateOutcome::kWait, slot, "no source shows it now");
  }
  return verdict;
}

}  // namespace

std::vector<std::string> WhyForPeople(std::string_view der,
                                      const anchors::CertificateFacts& facts,
                                      const anchors::CatalogAnchor* anchor,
                                      absl::Time now) {
  std::vector<std::string> why;
  if (!anchors::IsSelfSigned(der)) {
    why.push_back(
        anchor == nullptr
            ? "a certificate that its own key has not signed"
            : "a certificate over a pinned key that the key has not signed");
  }
  if (facts.not_before > now + kMaxAhead) {
    why.push_back("a certificate from the future");
  }
  if (anchor == nullptr) return why;
  if (anchor->status == AnchorStatus::kRetired ||
      anchor->status == AnchorStatus::kRevoked) {
    why.push_back(absl::StrCat("the key is ",
                               std::string(verify::NameOf(anchor->status))));
  }
  bool is_later = true;
  for (const anchors::CatalogCertificate& known : anchor->certificates) {
    if (known.der != der) {
      is_later = is_later && known.not_before < facts.not_before;
    } else if (known.superseded) {
      is_later = false;
    }
  }
  if (!is_later) {
    why.push_back("it begins no later than another certificate of the key");
  }
  return why;
}

GateVerdict JudgePublication(const anchors::Catalog& before,
                             const anchors::Catalog& after,
                             const NewestLooks& looks, absl::Time now) {
  const auto added_by_slot = AddedBySlot(before, after);
  if (added_by_slot.empty() && before != after) {
    return {GateOutcome::kForPeople, 0, "it brings nothing and takes away"};
  }
  GateVerdict verdict{.outcome = GateOutcome::kPublish};
  bool is_first = true;
  for (const auto& [slot, added] : added_by_slot) {
    GateVerdict of_slot = JudgeCertificates(slot, added, now);
    if (of_slot.outcome != GateOutcome::kPublish) return of_slot;
    of_slot = JudgeLooks(before, slot, added, looks);
    if (of_slot.outcome == GateOutcome::kForPeople) return of_slot;
    if (verdict.outcome != GateOutcome::kPublish) continue;
    if (of_slot.outcome != GateOutcome::kPublish) {
      verdict = std::move(of_slot);
    } else {
      verdict.sources = is_first ? of_slot.sources
                                 : std::min(verdict.sources, of_slot.sources);
    }
    is_first = false;
  }
  return verdict;
}

}  // namespace anchorage::trustd
