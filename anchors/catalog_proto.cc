#include "anchors/catalog_proto.h"

#include <optional>
#include <string>
#include <utility>

#include "anchors/base/proto_time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::AnchorKind;
using verify::AnchorStatus;
using verify::Reason;
using verify::Reject;

// The C++ that protobuf makes puts the package's name in front.
namespace proto = ::anchorage::v1;

proto::Certificate CertificateToProto(const CatalogCertificate& certificate) {
  proto::Certificate message;
  message.set_der(certificate.der);
  message.set_sha256(certificate.sha256);
  SetTime(certificate.not_before, *message.mutable_not_before());
  SetTime(certificate.not_after, *message.mutable_not_after());
  message.set_serial(certificate.serial);
  for (const Publication& source : certificate.sources) {
    proto::Publication& added = *message.add_sources();
    added.set_publisher(source.publisher);
    added.set_location(source.location);
  }
  message.set_superseded(certificate.superseded);
  return message;
}

CatalogCertificate CertificateFromProto(const proto::Certificate& message) {
  CatalogCertificate certificate;
  certificate.der = message.der();
  certificate.sha256 = message.sha256();
  certificate.not_before = TimeOf(message.not_before());
  certificate.not_after = TimeOf(message.not_after());
  certificate.serial = message.serial();
  for (const proto::Publication& source : message.sources()) {
    certificate.sources.push_back({source.publisher(), source.location()});
  }
  certificate.superseded = message.superseded();
  return certificate;
}

// nullopt for a kind that we do not know.

std::optional<AnchorStatus> StatusFromProto(proto::AnchorStatus status) {
  for (const AnchorStatus known :
       {AnchorStatus::kAnnounced, AnchorStatus::kActive,
        AnchorStatus::kRetiring, AnchorStatus::kRetired,
        AnchorStatus::kRevoked}) {
    if (ToProto(known) == status) return known;
  }
  return std::nullopt;
}

CatalogAnchor AnchorFromProto(const proto::Anchor& message, AnchorKind kind,
                              AnchorStatus status) {
  CatalogAnchor anchor;
  anchor.slot = {message.slot().partition(), message.slot().region(), kind};
  anchor.status = status;
  anchor.spki_sha256 = message.spki_sha256();
  anchor.spki_der = message.spki_der();
  if (message.has_valid_from()) {
    anchor.valid_from = TimeOf(message.valid_from());
  }
  if (message.has_valid_until()) {
    anchor.valid_until = TimeOf(message.valid_until());
  }
  for (const proto::Certificate& certificate : message.certificates()) {
    anchor.certificates.push_back(CertificateFromProto(certificate));
  }
  if (message.has_first_seen_time()) {
    anchor.first_seen = TimeOf(message.first_seen_time());
  }
  anchor.replaces = message.replaces();
  if (message.has_accept_until()) {
    anchor.accept_until = TimeOf(message.accept_until());
  }
  return anchor;
}

// What the text shows by a missing member.
absl::Status CheckPresence(const proto::Catalog& message) {
  if (message.media_type() != kCatalogMediaType) {
    return Reject(Reason::kFieldInvalid, "media_type is not a catalog's");
  }
  if (!message.has_created_time()) {
    return Reject(Reason::kFieldMissing, "created_time is missing");
  }
  for (const proto::Anchor& anchor : message.anchors()) {
    if (anchor.slot().kind() == proto::ANCHOR_KIND_UNSPECIFIED ||
        anchor.status() == proto::ANCHOR_STATUS_UNSPECIFIED) {
      return Reject(Reason::kFieldInvalid, "kind or status is unspecified");
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<AnchorKind> KindFromProto(proto::AnchorKind kind) {
  for (const verify::AnchorKindRow& row : verify::kAnchorKinds) {
    if (row.catalog_name == proto::AnchorKind_Name(kind)) return row.kind;
  }
  return std::nullopt;
}

std::optional<verify::Slot> SlotFromProto(const proto::Slot& message) {
  const auto kind = KindFromProto(message.kind());
  if (!kind.has_value()) return std::nullopt;
  return verify::Slot{message.partition(), message.region(), *kind};
}

proto::AnchorKind ToProto(AnchorKind kind) {
  proto::AnchorKind value = proto::ANCHOR_KIND_UNSPECIFIED;
  proto::AnchorKind_Parse(std::string(verify::RowOf(kind).catalog_name),
                          &value);
  return value;
}

proto::AnchorStatus ToProto(AnchorStatus status) {
  switch (status) {
    case AnchorStatus::kAnnounced:
      return proto::ANCHOR_STATUS_ANNOUNCED;
    case AnchorStatus::kActive:
      return proto::ANCHOR_STATUS_ACTIVE;
    case AnchorStatus::kRetiring:
      return proto::ANCHOR_STATUS_RETIRING;
    case AnchorStatus::kRetired:
      return proto::ANCHOR_STATUS_RETIRED;
    case AnchorStatus::kRevoked:
      return proto::ANCHOR_STATUS_REVOKED;
  }
  return proto::ANCHOR_STATUS_UNSPECIFIED;
}

proto::Slot ToProto(const verify::Slot& slot) {
  proto::Slot message;
  message.set_partition(slot.partition);
  message.set_region(slot.region);
  message.set_kind(ToProto(slot.kind));
  return message;
}

proto::Anchor ToProto(const CatalogAnchor& anchor) {
  proto::Anchor message;
  *message.mutable_slot() = ToProto(anchor.slot);
  message.set_status(ToProto(anchor.status));
  message.set_spki_sha256(anchor.spki_sha256);
  message.set_spki_der(anchor.spki_der);
  if (anchor.valid_from) {
    SetTime(*anchor.valid_from, *message.mutable_valid_from());
  }
  if (anchor.valid_until) {
    SetTime(*anchor.valid_until, *message.mutable_valid_until());
  }
  for (const CatalogCertificate& certificate : anchor.certificates) {
    *message.add_certificates() = CertificateToProto(certificate);
  }
  if (anchor.first_seen) {
    SetTime(*anchor.first_seen, *message.mutable_first_seen_time());
  }
  message.set_replaces(anchor.replaces);
  if (anchor.accept_until) {
    SetTime(*anchor.accept_until, *message.mutable_accept_until());
  }
  return message;
}

proto::Catalog ToProto(const Catalog& catalog) {
  proto::Catalog message;
  message.set_media_type(std::string(kCatalogMediaType));
  message.set_sequence(catalog.sequence);
  SetTime(catalog.created, *message.mutable_created_time());
  if (catalog.refresh_hint > absl::ZeroDuration()) {
    message.mutable_refresh_hint()->set_seconds(
        absl::ToInt64Seconds(catalog.refresh_hint));
  }
  for (const CatalogAnchor& anchor : catalog.anchors) {
    *message.add_anchors() = ToProto(anchor);
  }
  return message;
}

absl::StatusOr<Catalog> FromProto(const proto::Catalog& message) {
  if (absl::Status s = CheckPresence(message); !s.ok()) return s;
  Catalog catalog;
  catalog.sequence = message.sequence();
  catalog.created = TimeOf(message.created_time());
  catalog.refresh_hint = absl::Seconds(message.refresh_hint().seconds()) +
                         absl::Nanoseconds(message.refresh_hint().nanos());
  for (const proto::Anchor& anchor : message.anchors()) {
    const auto kind = KindFromProto(anchor.slot().kind());
    const auto status = StatusFromProto(anchor.status());
    if (kind && status) {
      catalog.anchors.push_back(AnchorFromProto(anchor, *kind, *status));
    } else {
      ++catalog.skipped;
    }
  }
  if (absl::Status s = CheckCatalog(catalog); !s.ok()) return s;
  Sort(catalog);
  return catalog;
}

}  // namespace anchorage::anchors
