#include "verify/anchor_set.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "verify/no_exceptions.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

std::string Text(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone());
}

absl::Status CheckRecord(const AnchorRecord& record) {
  const Slot& slot = record.slot;
  const bool is_root = slot.kind == AnchorKind::kNitroRoot;
  if (slot.partition.empty() || slot.region.empty() != is_root) {
    return Reject(Reason::kFieldInvalid,
                  "slot " + ToString(slot) + " has no partition or region");
  }
  if (is_root && record.certificates_der.empty()) {
    return Reject(Reason::kFieldInvalid,
                  "Nitro root " + ToString(slot) + " has no certificate");
  }
  if (record.valid_until < record.valid_from) {
    return Reject(Reason::kFieldInvalid,
                  "anchor in " + ToString(slot) + " ends before it begins");
  }
  // anchors/catalog, which reads certificates, checks that each one carries
  // this key; here the check costs one search.
  for (const std::string& der : record.certificates_der) {
    if (der.find(record.spki_der) == std::string::npos) {
      return Reject(Reason::kFieldInvalid,
                    "a certificate in " + ToString(slot) + " has another key");
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view NameOf(AnchorStatus status) {
  switch (status) {
    case AnchorStatus::kAnnounced:
      return "ANNOUNCED";
    case AnchorStatus::kActive:
      return "ACTIVE";
    case AnchorStatus::kRetiring:
      return "RETIRING";
    case AnchorStatus::kRetired:
      return "RETIRED";
    case AnchorStatus::kRevoked:
      return "REVOKED";
  }
  return "";
}

std::string_view NameOf(Origin origin) {
  switch (origin) {
    case Origin::kBakedIn:
      return "BAKED_IN";
    case Origin::kCache:
      return "CACHE";
    case Origin::kServer:
      return "SERVER";
    case Origin::kFile:
      return "FILE";
  }
  return "";
}

std::string_view NameOf(Freshness freshness) {
  switch (freshness) {
    case Freshness::kFresh:
      return "FRESH";
    case Freshness::kStale:
      return "STALE";
    case Freshness::kExpired:
      return "EXPIRED";
    case Freshness::kBakedIn:
      return "BAKED_IN";
  }
  return "";
}

std::string ToString(const Slot& slot) {
  return absl::StrCat(slot.partition, "/", slot.region, "/",
                      std::string(NameOf(slot.kind)));
}

std::string Anchor::Name() const {
  return absl::StrCat("anchor ", ToString(slot()), " ",
                      spki_sha256_.substr(0, 12));
}

absl::Status Anchor::CheckUsable(absl::Time now) const {
  switch (status()) {
    case AnchorStatus::kActive:
    case AnchorStatus::kRetiring:
      break;
    case AnchorStatus::kRevoked:
      return Reject(Reason::kAnchorRevoked, Name() + " is REVOKED");
    default:
      return Reject(
          Reason::kAnchorNotActive,
          absl::StrCat(Name(), " is ", std::string(NameOf(status()))));
  }
  if (now <= accept_until()) return absl::OkStatus();
  return Reject(
      Reason::kAnchorNotActive,
      absl::StrCat(Name(), " verifies nothing after ", Text(accept_until())));
}

absl::Status Anchor::CheckMadeAt(absl::Time made) const {
  if (made >= valid_from() && made <= valid_until()) return absl::OkStatus();
  return Reject(
      Reason::kAnchorNotActive,
      made < valid_from()
          ? absl::StrCat(Name(), " verifies evidence from ", Text(valid_from()),
                         " on, and this is of ", Text(made))
          : absl::StrCat(Name(), " verifies evidence until ",
                         Text(valid_until()), ", and this is of ", Text(made)));
}

absl::StatusOr<std::shared_ptr<const AnchorSet>> AnchorSet::Create(
    std::vector<AnchorRecord> records, AnchorProvenance provenance) {
  return WithoutExceptions(
      [&] { return Make(std::move(records), std::move(provenance)); });
}

absl::StatusOr<std::shared_ptr<const AnchorSet>> AnchorSet::Make(
    std::vector<AnchorRecord> records, AnchorProvenance provenance) {
  if (records.size() > kMaxAnchors) {
    return Reject(
        Reason::kInputTooLarge,
        absl::StrCat(records.size(), " anchors, the limit is ", kMaxAnchors));
  }
  std::sort(records.begin(), records.end(),
            [](const AnchorRecord& a, const AnchorRecord& b) {
              return std::tie(a.slot, a.spki_der) <
                     std::tie(b.slot, b.spki_der);
            });
  // Keys are named by their SHA-256, so without it no set can be made.
  if (Hash(HashAlgorithm::kSha256, "").size == 0) {
    return HashUnavailable(HashAlgorithm::kSha256);
  }
  auto contents = std::make_shared<Contents>();
  contents->anchors.reserve(records.size());
  // One key may be in many slots (17 regions share one): read and name it once.
  std::unordered_map<std::string, std::pair<PublicKey, std::string>> keys;
  for (AnchorRecord& record : records) {
    if (absl::Status s = CheckRecord(record); !s.ok()) return s;
    auto key = keys.find(record.spki_der);
    if (key == keys.end()) {
      auto read = PublicKey::FromSpki(record.spki_der);
      if (!read.ok()) return read.status();
      key = keys.emplace(record.spki_der, std::pair(*std::move(read),
                                                    Sha256Hex(record.spki_der)))
                .first;
    }
    const auto& [public_key, name] = key->second;
    if (!KeyFitsKind(public_key.type(), public_key.bits(), record.slot.kind)) {
      return Reject(
          Reason::kFieldInvalid,
          ToString(record.slot) + " has a key of another type or size");
    }
    if (!contents->anchors.empty() &&
        contents->anchors.back().slot() == record.slot &&
        contents->anchors.back().record_.spki_der == record.spki_der) {
      return Reject(Reason::kFieldInvalid,
                    ToString(record.slot) + " has the same key twice");
    }
    contents->anchors.push_back(Anchor(std::move(record), public_key, name));
  }
  // The first anchor of each kind and key.
  std::map<std::pair<AnchorKind, std::string>, Anchor*> first;
  for (Anchor& anchor : contents->anchors) {
    const auto [known, added] = first.try_emplace(
        std::pair(anchor.slot().kind, anchor.spki_sha256()), &anchor);
    if (!added) known->second->is_shared_ = anchor.is_shared_ = true;
  }
  for (std::size_t i = 0; i < contents->anchors.size(); ++i) {
    const Slot& slot = contents->anchors[i].slot();
    auto& range = contents->by_slot.try_emplace(slot, i, 0).first->second;
    ++range.second;
    if (slot.region.empty()) continue;
    const auto [known, added] =
        contents->partition_of_region.try_emplace(slot.region, slot.partition);
    if (!added && known->second != slot.partition) {
      return Reject(Reason::kFieldInvalid,
                    "region " + slot.region + " is in two partitions");
    }
  }
  auto set = std::shared_ptr<AnchorSet>(new AnchorSet());
  set->provenance_ = provenance;
  set->contents_ = std::move(contents);
  return std::shared_ptr<const AnchorSet>(std::move(set));
}

std::shared_ptr<const AnchorSet> AnchorSet::WithProvenance(
    const AnchorProvenance& provenance) const {
  auto set = std::make_shared<AnchorSet>(*this);
  set->provenance_ = provenance;
  return set;
}

absl::Span<const Anchor> AnchorSet::In(const Slot& slot) const {
  const auto found = contents_->by_slot.find(slot);
  if (found == contents_->by_slot.end()) return {};
  return absl::MakeConstSpan(contents_->anchors)
      .subspan(found->second.first, found->second.second);
}

std::optional<std::string_view> AnchorSet::PartitionOf(
    std::string_view region) const {
  const auto found = contents_->partition_of_region.find(region);
  if (found == contents_->partition_of_region.end()) return std::nullopt;
  return found->second;
}

}  // namespace anchorage::verify
