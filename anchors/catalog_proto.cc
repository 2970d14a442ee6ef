#include "anchors/catalog_proto.h"

#include <optional>
#include <string>

#include "anchors/base/proto_time.h"

namespace anchorage::anchors {
namespace {

using verify::AnchorKind;
using verify::AnchorStatus;

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

// nullopt for a kind that is not set or not known.
std::optional<AnchorKind> KindFromProto(proto::AnchorKind kind) {
  for (const verify::AnchorKindRow& row : verify::kAnchorKinds) {
    if (row.catalog_name == proto::AnchorKind_Name(kind)) return row.kind;
  }
  return std::nullopt;
}

}  // namespace

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

}  // namespace anchorage::anchors
