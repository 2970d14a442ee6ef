#include "trustd/rotation/apply.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "anchors/certificate_facts.h"
#include "trustd/rotation/classifier.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorStatus;
using verify::Slot;

absl::Status NoSuchAnchor(const Slot& slot, std::string_view spki_sha256) {
  return absl::NotFoundError(absl::StrCat("no key ", std::string(spki_sha256),
                                          " in ", verify::ToString(slot)));
}

absl::Status Is(const anchors::CatalogAnchor& anchor) {
  return absl::FailedPreconditionError(absl::StrCat(
      "the key ", anchor.spki_sha256, " of ", verify::ToString(anchor.slot),
      " is ", std::string(NameOf(anchor.status)),
      anchor.status == AnchorStatus::kRetired
          ? ": 'trustctl anchors reactivate' is the way back"
          : ""));
}

bool IsOver(const anchors::CatalogAnchor& anchor) {
  return anchor.status == AnchorStatus::kRetired ||
         anchor.status == AnchorStatus::kRevoked;
}

absl::StatusOr<anchors::Catalog> Checked(anchors::Catalog catalog) {
  if (catalog.skipped != 0) {
    return absl::FailedPreconditionError(
        "the catalog has anchors that a newer program made, and they would be "
        "lost");
  }
  anchors::Sort(catalog);
  if (absl::Status s = anchors::CheckCatalog(catalog); !s.ok()) return s;
  return catalog;
}

bool Saw(const Change& change, std::string_view spki_sha256) {
  return std::any_of(change.observed.begin(), change.observed.end(),
                     [&](const SeenCertificate& seen) {
                       return seen.spki_sha256 == spki_sha256;
                     });
}

bool SawCertificate(const Change& change, std::string_view sha256) {
  return std::any_of(
      change.observed.begin(), change.observed.end(),
      [&](const SeenCertificate& seen) { return seen.sha256 == sha256; });
}

// Never moves an end to a later time.
void EndAt(absl::Time time, std::optional<absl::Time>& end) {
  end = std::min(anchors::WholeSeconds(time),
                 end.value_or(absl::InfiniteFuture()));
}

void RetireUntil(anchors::CatalogAnchor& anchor, absl::Time until) {
  anchor.status = AnchorStatus::kRetiring;
  EndAt(until, anchor.valid_until);
}

// Puts a certificate into the anchor of its key, which it makes if need be.
absl::StatusOr<anchors::CatalogAnchor*> Put(
    anchors::Catalog& catalog, const Slot& slot, std::string der,
    const anchors::Publication& publication, const ApplyOptions& options) {
  auto facts = anchors::ReadCertificateFacts(der);
  if (!facts.ok()) return facts.status();
  auto certificate = anchors::MakeCertificate(std::move(der));
  if (!certificate.ok()) return certificate.status();
  certificate->sources.push_back(publication);
  const std::string spki_sha256 = verify::Sha256Hex(facts->spki_der);
  anchors::CatalogAnchor* anchor =
      anchors::FindAnchor(catalog, slot, spki_sha256);
  if (anchor == nullptr) {
    anchor = &catalog.anchors.emplace_back();
    anchor->slot = slot;
    anchor->status =
        options.announce ? AnchorStatus::kAnnounced : AnchorStatus::kActive;
    anchor->spki_sha256 = spki_sha256;
    anchor->spki_der = std::move(facts->spki_der);
    anchor->first_seen = anchors::WholeSeconds(options.time);
  }
  if (IsOver(*anchor)) return Is(*anchor);
  const auto known =
      std::find_if(anchor->certificates.begin(), anchor->certificates.end(),
                   [&](const anchors::CatalogCertificate& c) {
                     return c.sha256 == certificate->sha256;
                   });
  if (known == anchor->certificates.end()) {
    anchor->certificates.push_back(*std::move(certificate));
  }
  return anchor;
}

// Whether the catalog has everything that the change would bring in use.
bool IsIn(const anchors::Catalog& catalog, const Change& change) {
  return !change.observed.empty() &&
         std::all_of(change.observed.begin(), change.observed.end(),
                     [&](const SeenCertificate& seen) {
                       const auto* anchor = anchors::FindAnchor(
                           catalog, change.slot, seen.spki_sha256);
                       const auto* known =
                           anchors::FindCertificate(anchor, seen.sha256);
                       return known != nullptr && !known->superseded &&
                              anchors::Verifies(*anchor);
                     });
}

// Marks what the source no longer has of the anchors whose keys it has.
void Supersede(anchors::Catalog& catalog, const Change& change) {
  for (anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot != change.slot || !Saw(change, anchor.spki_sha256)) {
      continue;
    }
    for (anchors::CatalogCertificate& certificate : anchor.certificates) {
      certificate.superseded = !SawCertificate(change, certificate.sha256);
    }
  }
}

// Makes room for certificates to come. Whoever may change a page must not be
// able to fill a list that AWS's own certificates need.
void Prune(anchors::CatalogAnchor& anchor) {
  if (anchor.slot.kind == verify::AnchorKind::kNitroRoot) return;
  auto& certificates = anchor.certificates;
  while (certificates.size() > anchors::kMaxCertificatesPerAnchor) {
    // They are in canonical order: the one that began first comes last.
    const auto oldest = std::find_if(
        certificates.rbegin(), certificates.rend(),
        [](const anchors::CatalogCertificate& certificate) {
          return certificate.superseded && !anchors::IsByOperator(certificate);
        });
    if (oldest == certificates.rend()) return;
    certificates.erase(std::next(oldest).base());
  }
}

// Retires the ACTIVE anchors whose keys the source no longer has.
void RetireUnseen(anchors::Catalog& catalog, const Change& change,
                  const ApplyOptions& options) {
  const absl::Time until = options.time + options.overlap;
  for (anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot == change.slot && anchor.status == AnchorStatus::kActive &&
        !Saw(change, anchor.spki_sha256)) {
      RetireUntil(anchor, until);
    }
  }
}

// The key that a new one takes over from.
std::string ReplacedKey(const anchors::Catalog& catalog, const Change& change) {
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot == change.slot && anchor.status == AnchorStatus::kActive &&
        !Saw(change, anchor.spki_sha256)) {
      return anchor.spki_sha256;
    }
  }
  return "";
}

absl::StatusOr<anchors::Catalog> ApplySeen(anchors::Catalog catalog,
                                           const Change& change,
                                           const ApplyOptions& options) {
  const std::string replaced = ReplacedKey(catalog, change);
  const anchors::Publication publication = {change.source, change.location};
  const bool brings_a_key = change.rotation_class != RotationClass::kReissue;
  for (const SeenCertificate& seen : change.observed) {
    const bool is_new =
        anchors::FindAnchor(catalog, change.slot, seen.spki_sha256) == nullptr;
    auto anchor = Put(catalog, change.slot, seen.der, publication, options);
    if (!anchor.ok()) return anchor.status();
    anchors::CatalogAnchor& put = **anchor;
    if (is_new && !brings_a_key) {
      return absl::InvalidArgumentError("a re-issue that brings a key");
    }
    const bool begins = put.status == AnchorStatus::kAnnounced && brings_a_key;
    if (begins) put.status = AnchorStatus::kActive;
    if (is_new || (begins && put.replaces.empty())) put.replaces = replaced;
  }
  Supersede(catalog, change);
  for (anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot == change.slot) Prune(anchor);
  }
  if (brings_a_key) RetireUnseen(catalog, change, options);
  return catalog;
}

absl::StatusOr<anchors::Catalog> TakeBack(const anchors::Catalog& catalog,
                                          const Change& change) {
  absl::StatusOr<anchors::Catalog> next = catalog;
  for (const std::string& key : change.undo->reactivated) {
    const auto* anchor = anchors::FindAnchor(*next, change.slot, key);
    const bool is_done = anchor != nullptr &&
                         anchor->status == AnchorStatus::kActive &&
                         !anchor->valid_until && !anchor->accept_until;
    if (!is_done) next = Reactivate(*next, change.slot, key);
    if (!next.ok()) return next;
  }
  for (const std::string& key : change.undo->ended) {
    next = change.undo->revokes ? Revoke(*next, change.slot, key)
                                : Retire(*next, change.slot, key, {});
    if (!next.ok()) return next;
  }
  return next;
}

}  // namespace

absl::StatusOr<anchors::Catalog> Apply(const anchors::Catalog& catalog,
                                       const Change& change,
                                       const ApplyOptions& options) {
  if (change.rotation_class == RotationClass::kSourceAnomaly) {
    return absl::InvalidArgumentError("an anomaly is nothing to apply");
  }
  if (options.overlap < absl::ZeroDuration()) {
    return absl::InvalidArgumentError("an overlap below zero");
  }
  if (change.undo.has_value() !=
      (change.rotation_class == RotationClass::kUndo)) {
    return absl::InvalidArgumentError("a change that its class is not of");
  }
  if (change.undo.has_value()) return TakeBack(catalog, change);
  const bool removal = change.rotation_class == RotationClass::kRemoval;
  if (removal != change.observed.empty()) {
    return absl::InvalidArgumentError("a change that its class is not of");
  }
  const bool announces = change.rotation_class == RotationClass::kAnnouncement;
  if (announces || change.rotation_class == RotationClass::kAddition) {
    ApplyOptions adding = options;
    adding.announce = announces;
    return AddAnchor(catalog, change.slot, change.observed.front().der,
                     {anchors::kOperatorPublisher, change.source}, adding);
  }
  if (change.rotation_class == RotationClass::kReactivation) {
    return Reactivate(catalog, change.slot,
                      change.observed.front().spki_sha256);
  }
  if (PinnedIn(catalog, change.slot) != change.pinned) {
    if (IsIn(catalog, change)) return catalog;
    return absl::FailedPreconditionError(absl::StrCat(
        verify::ToString(change.slot),
        " has other pins than those that the change was found against"));
  }
  if (removal) {
    anchors::Catalog next = catalog;
    RetireUnseen(next, change, options);
    return Checked(std::move(next));
  }
  auto next = ApplySeen(catalog, change, options);
  if (!next.ok()) return next.status();
  return Checked(*std::move(next));
}

absl::StatusOr<anchors::Catalog> AddAnchor(
    const anchors::Catalog& catalog, const Slot& slot, std::string der,
    const anchors::Publication& publication, const ApplyOptions& options) {
  anchors::Catalog next = catalog;
  const auto anchor = Put(next, slot, der, publication, options);
  if (!anchor.ok()) return anchor.status();
  if ((*anchor)->status == AnchorStatus::kAnnounced) {
    if (!options.announce) (*anchor)->status = AnchorStatus::kActive;
  } else if (options.announce) {
    return Is(**anchor);
  }
  // Who brings a certificate says that it is in use.
  for (anchors::CatalogCertificate& certificate : (*anchor)->certificates) {
    if (certificate.der != der || !certificate.superseded) continue;
    certificate.superseded = false;
    if (!anchors::IsByOperator(certificate)) {
      certificate.sources.push_back(publication);
    }
  }
  Prune(**anchor);
  return Checked(std::move(next));
}

absl::StatusOr<anchors::Catalog> Reactivate(const anchors::Catalog& catalog,
                                            const Slot& slot,
                                            std::string_view spki_sha256) {
  anchors::Catalog next = catalog;
  anchors::CatalogAnchor* anchor = anchors::FindAnchor(next, slot, spki_sha256);
  if (anchor == nullptr) return NoSuchAnchor(slot, spki_sha256);
  if (anchor->status != AnchorStatus::kRetired &&
      anchor->status != AnchorStatus::kRetiring) {
    return absl::FailedPreconditionError(
        absl::StrCat("from ", std::string(NameOf(anchor->status)),
                     " to ACTIVE: only a RETIRED or RETIRING key is "
                     "reactivated"));
  }
  anchor->status = AnchorStatus::kActive;
  anchor->valid_until.reset();
  anchor->accept_until.reset();
  return Checked(std::move(next));
}

absl::StatusOr<anchors::Catalog> Retire(const anchors::Catalog& catalog,
                                        const Slot& slot,
                                        std::string_view spki_sha256,
                                        const RetireTimes& times) {
  if (times.until && times.accept_until && *times.accept_until < *times.until) {
    return absl::InvalidArgumentError(
        "a key cannot verify evidence made until a time after the moment at "
        "which it verifies nothing");
  }
  anchors::Catalog next = catalog;
  anchors::CatalogAnchor* anchor = anchors::FindAnchor(next, slot, spki_sha256);
  if (anchor == nullptr) return NoSuchAnchor(slot, spki_sha256);
  if (anchor->status == AnchorStatus::kRevoked) return Is(*anchor);
  if (times.until || times.accept_until) {
    // From any other status it would begin to verify, or again.
    if (anchor->status != AnchorStatus::kActive &&
        anchor->status != AnchorStatus::kRetiring) {
      return absl::FailedPreconditionError(absl::StrCat(
          "from ", std::string(NameOf(anchor->status)), " to RETIRING"));
    }
    if (times.accept_until) EndAt(*times.accept_until, anchor->accept_until);
    RetireUntil(*anchor, times.until ? *times.until : *times.accept_until);
  } else {
    anchor->status = AnchorStatus::kRetired;
  }
  return Checked(std::move(next));
}

std::vector<Slot> SlotsSharing(const anchors::Catalog& catalog,
                               const Slot& slot, std::string_view spki_sha256) {
  std::vector<Slot> slots;
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.spki_sha256 == spki_sha256 && anchor.slot != slot &&
        anchor.status != AnchorStatus::kRevoked &&
        anchor.status != AnchorStatus::kRetired) {
      slots.push_back(anchor.slot);
    }
  }
  std::sort(slots.begin(), slots.end());
  return slots;
}

absl::StatusOr<anchors::Catalog> Revoke(const anchors::Catalog& catalog,
                                        const Slot& slot,
                                        std::string_view spki_sha256) {
  anchors::Catalog next = catalog;
  anchors::CatalogAnchor* anchor = anchors::FindAnchor(next, slot, spki_sha256);
  if (anchor == nullptr) return NoSuchAnchor(slot, spki_sha256);
  anchor->status = AnchorStatus::kRevoked;
  return Checked(std::move(next));
}

}  // namespace anchorage::trustd
