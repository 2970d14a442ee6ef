// What CheckCatalog() checks, in this order:
//
//   1. the catalog's own fields, and how many anchors there are;
//   2. for each anchor its slot, status and window;
//   3. its key: the hash, and that the algorithm is one of the kind;
//   4. its certificates: hash, key, dates and serial number, sources;
//   5. that no key stands twice in one slot.

#include "anchors/catalog.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/proto_json.h"
#include "verify/crypto/public_key.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::AnchorKind;
using verify::AnchorStatus;
using verify::KeyType;
using verify::Reason;
using verify::Reject;

constexpr std::size_t kSha256HexBytes = 64;

std::string NameOf(const CatalogAnchor& anchor) {
  return absl::StrCat("anchor ", verify::ToString(anchor.slot), " ",
                      anchor.spki_sha256.substr(0, 12));
}

absl::Status Invalid(const CatalogAnchor& anchor, std::string_view what) {
  return Reject(Reason::kFieldInvalid,
                absl::StrCat(NameOf(anchor), ": ", std::string(what)));
}

bool IsSlotName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxSlotNameBytes &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
             std::string_view::npos;
}

bool IsSha256Hex(std::string_view text) {
  return text.size() == kSha256HexBytes &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

absl::Status CheckHeader(const Catalog& catalog) {
  if (catalog.sequence == 0 || catalog.sequence > kMaxSequence) {
    return Reject(Reason::kFieldInvalid, "sequence is not from 1 to 2^63 - 1");
  }
  if (!IsWritable(catalog.created)) {
    return Reject(Reason::kFieldInvalid,
                  "createdTime is not a whole second of the years 1 to 9999");
  }
  const absl::Duration hint = catalog.refresh_hint;
  if (hint < absl::ZeroDuration() || hint > kMaxRefreshHint ||
      hint != absl::Trunc(hint, absl::Seconds(1))) {
    return Reject(Reason::kFieldInvalid,
                  "refreshHint is not whole seconds from 0 to 30 days");
  }
  if (catalog.anchors.size() > verify::AnchorSet::kMaxAnchors) {
    return Reject(
        Reason::kInputTooLarge,
        absl::StrCat(catalog.anchors.size(), " anchors, the limit is ",
                     verify::AnchorSet::kMaxAnchors));
  }
  if (catalog.anchors.empty()) {
    return Reject(Reason::kFieldInvalid,
                  catalog.skipped == 0
                      ? "a catalog without anchors would trust nothing"
                      : "no anchor has a kind and status that we know");
  }
  return absl::OkStatus();
}

absl::Status CheckSlot(const CatalogAnchor& anchor) {
  const verify::Slot& slot = anchor.slot;
  const bool is_root = slot.kind == AnchorKind::kNitroRoot;
  if (!IsSlotName(slot.partition)) {
    return Invalid(anchor, "the partition is not 1 to 64 of a-z, 0-9 and -");
  }
  if (is_root ? !slot.region.empty() : !IsSlotName(slot.region)) {
    return Invalid(anchor, is_root
                               ? "a Nitro root has no region"
                               : "the region is not 1 to 64 of a-z, 0-9 and -");
  }
  return absl::OkStatus();
}

absl::Status CheckLife(const CatalogAnchor& anchor) {
  if (!IsWritable(anchor.valid_from) || !IsWritable(anchor.valid_until) ||
      !IsWritable(anchor.accept_until) || !IsWritable(anchor.first_seen)) {
    return Invalid(anchor, "a time is not a whole second");
  }
  if (anchor.valid_from && anchor.valid_until &&
      *anchor.valid_until < *anchor.valid_from) {
    return Invalid(anchor, "the window ends before it begins");
  }
  if (anchor.status == AnchorStatus::kRetiring && !anchor.valid_until) {
    return Invalid(anchor, "RETIRING without an end");
  }
  if (!anchor.replaces.empty() && (!IsSha256Hex(anchor.replaces) ||
                                   anchor.replaces == anchor.spki_sha256)) {
    return Invalid(anchor, "`replaces` does not name another key");
  }
  return absl::OkStatus();
}

absl::Status CheckKey(const CatalogAnchor& anchor) {
  if (anchor.spki_der.size() > verify::kMaxSpkiBytes) {
    return Reject(Reason::kInputTooLarge, NameOf(anchor) + ": key too long");
  }
  if (anchor.spki_sha256 != verify::Sha256Hex(anchor.spki_der)) {
    return Invalid(anchor, "spkiSha256 is not the hash of spkiDer");
  }
  const auto key = ReadKeyFacts(anchor.spki_der);
  if (!key.ok()) return key.status();
  if (!KeyFitsKind(*key, anchor.slot.kind)) {
    return Invalid(anchor, "the key's type or size is not the kind's");
  }
  return absl::OkStatus();
}

absl::Status CheckSources(const CatalogAnchor& anchor,
                          const CatalogCertificate& certificate) {
  if (certificate.sources.size() > kMaxSourcesPerCertificate) {
    return Reject(Reason::kInputTooLarge,
                  NameOf(anchor) + ": too many sources of one certificate");
  }
  for (const Publication& source : certificate.sources) {
    if (source.publisher.empty() ||
        source.publisher.size() > kMaxPublisherBytes ||
        source.location.size() > kMaxLocationBytes ||
        !IsPrintableAscii(source.publisher) ||
        !IsPrintableAscii(source.location)) {
      return Invalid(anchor, "a source is not short printable ASCII");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCertificate(const CatalogAnchor& anchor,
                              const CatalogCertificate& certificate) {
  const auto facts = ReadCertificateFacts(certificate.der);
  if (!facts.ok()) return facts.status();
  if (facts->spki_der != anchor.spki_der) {
    return Invalid(anchor, "a certificate has another key");
  }
  if (certificate.sha256 != verify::Sha256Hex(certificate.der)) {
    return Invalid(anchor, "sha256 is not the hash of a certificate");
  }
  if (certificate.not_before != facts->not_before ||
      certificate.not_after != facts->not_after ||
      certificate.serial != facts->serial) {
    return Invalid(anchor, "dates or serial are not the certificate's");
  }
  // A certificate may say year 0, which the text cannot.
  if (!IsWritable(certificate.not_before) ||
      !IsWritable(certificate.not_after)) {
    return Invalid(anchor, "a certificate's date is before the year 1");
  }
  return CheckSources(anchor, certificate);
}

absl::Status CheckCertificates(const CatalogAnchor& anchor) {
  if (anchor.certificates.size() > kMaxCertificatesPerAnchor) {
    return Reject(Reason::kInputTooLarge,
                  NameOf(anchor) + ": too many certificates");
  }
  if (anchor.certificates.empty() &&
      anchor.slot.kind == AnchorKind::kNitroRoot) {
    return Invalid(anchor, "a Nitro root without certificate");
  }
  std::set<std::string_view> seen;
  for (const CatalogCertificate& certificate : anchor.certificates) {
    if (absl::Status s = CheckCertificate(anchor, certificate); !s.ok()) {
      return s;
    }
    if (!seen.insert(certificate.sha256).second) {
      return Invalid(anchor, "the same certificate twice");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAnchor(const CatalogAnchor& anchor, Checked checked) {
  if (absl::Status s = CheckSlot(anchor); !s.ok()) return s;
  if (absl::Status s = CheckLife(anchor); !s.ok()) return s;
  if (checked == Checked::kByBuild) return absl::OkStatus();
  if (absl::Status s = CheckKey(anchor); !s.ok()) return s;
  return CheckCertificates(anchor);
}

}  // namespace

bool Verifies(const CatalogAnchor& anchor) {
  return anchor.status == AnchorStatus::kActive ||
         anchor.status == AnchorStatus::kRetiring;
}

bool IsByOperator(const CatalogCertificate& certificate) {
  return std::any_of(certificate.sources.begin(), certificate.sources.end(),
                     [](const Publication& source) {
                       return source.publisher == kOperatorPublisher;
                     });
}

const CatalogAnchor* FindAnchor(const Catalog& catalog,
                                const verify::Slot& slot,
                                std::string_view spki_sha256) {
  for (const CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot == slot && anchor.spki_sha256 == spki_sha256) {
      return &anchor;
    }
  }
  return nullptr;
}

CatalogAnchor* FindAnchor(Catalog& catalog, const verify::Slot& slot,
                          std::string_view spki_sha256) {
  return const_cast<CatalogAnchor*>(
      FindAnchor(std::as_const(catalog), slot, spki_sha256));
}

const CatalogCertificate* FindCertificate(const CatalogAnchor* anchor,
                                          std::string_view sha256) {
  if (anchor == nullptr) return nullptr;
  for (const CatalogCertificate& certificate : anchor->certificates) {
    if (certificate.sha256 == sha256) return &certificate;
  }
  return nullptr;
}

absl::Time WholeSeconds(absl::Time time) {
  return absl::FromUnixSeconds(absl::ToUnixSeconds(time));
}

absl::StatusOr<CatalogCertificate> MakeCertificate(std::string der) {
  auto facts = ReadCertificateFacts(der);
  if (!facts.ok()) return facts.status();
  CatalogCertificate certificate;
  certificate.sha256 = verify::Sha256Hex(der);
  certificate.der = std::move(der);
  certificate.not_before = facts->not_before;
  certificate.not_after = facts->not_after;
  certificate.serial = std::move(facts->serial);
  return certificate;
}

bool KeyFitsKind(const KeyFacts& key, AnchorKind kind) {
  return verify::KeyFitsKind(key.type, key.bits, kind);
}

bool KeyFitsSlot(const KeyFacts& key, const verify::Slot& slot) {
  const bool only_in_china =
      slot.kind == AnchorKind::kIidDsa && key.type != KeyType::kDsa;
  return (!only_in_china || slot.partition == "aws-cn") &&
         KeyFitsKind(key, slot.kind);
}

void Sort(Catalog& catalog) {
  std::sort(catalog.anchors.begin(), catalog.anchors.end(),
            [](const CatalogAnchor& a, const CatalogAnchor& b) {
              return std::tie(a.slot, a.spki_sha256) <
                     std::tie(b.slot, b.spki_sha256);
            });
  for (CatalogAnchor& anchor : catalog.anchors) {
    std::sort(anchor.certificates.begin(), anchor.certificates.end(),
              [](const CatalogCertificate& a, const CatalogCertificate& b) {
                // Those in use first, then the newest first.
                return std::tie(a.superseded, b.not_before, a.sha256) <
                       std::tie(b.superseded, a.not_before, b.sha256);
              });
  }
}

absl::Status CheckCatalog(const Catalog& catalog, Checked checked) {
  if (absl::Status s = CheckHeader(catalog); !s.ok()) return s;
  std::set<std::tuple<const verify::Slot&, std::string_view>> seen;
  for (const CatalogAnchor& anchor : catalog.anchors) {
    if (absl::Status s = CheckAnchor(anchor, checked); !s.ok()) return s;
    if (!seen.emplace(anchor.slot, anchor.spki_sha256).second) {
      return Invalid(anchor, "the same key twice in one slot");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const verify::AnchorSet>> ToAnchorSet(
    Catalog catalog, verify::AnchorProvenance provenance) {
  std::vector<verify::AnchorRecord> records;
  records.reserve(catalog.anchors.size());
  for (CatalogAnchor& anchor : catalog.anchors) {
    verify::AnchorRecord record;
    record.slot = std::move(anchor.slot);
    record.status = anchor.status;
    record.valid_from = anchor.valid_from.value_or(absl::InfinitePast());
    record.valid_until = anchor.valid_until.value_or(absl::InfiniteFuture());
    record.accept_until = anchor.accept_until.value_or(absl::InfiniteFuture());
    record.spki_der = std::move(anchor.spki_der);
    for (CatalogCertificate& certificate : anchor.certificates) {
      record.certificates_der.push_back(std::move(certificate.der));
    }
    records.push_back(std::move(record));
  }
  provenance.sequence = catalog.sequence;
  return verify::AnchorSet::Create(std::move(records), provenance);
}

}  // namespace anchorage::anchors
