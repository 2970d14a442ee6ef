// The catalog as a protobuf message, for what talks gRPC.
//
//   *response.add_anchors() = ToProto(anchor);
//
// Verification never comes here: a catalog that was signed is read with
// ParseCatalog(). Pure functions.

#ifndef ANCHORAGE_ANCHORS_CATALOG_PROTO_H_
#define ANCHORAGE_ANCHORS_CATALOG_PROTO_H_

#include <optional>

#include "absl/status/statusor.h"
#include "anchors/catalog.h"
#include "proto/anchorage/v1/catalog.pb.h"
#include "verify/anchor_set.h"

namespace anchorage::anchors {

// The value must be one for which CheckCatalog() is OK. Order is kept.
anchorage::v1::Catalog ToProto(const Catalog& catalog);
anchorage::v1::Anchor ToProto(const CatalogAnchor& anchor);

anchorage::v1::AnchorKind ToProto(verify::AnchorKind kind);
anchorage::v1::AnchorStatus ToProto(verify::AnchorStatus status);
anchorage::v1::Slot ToProto(const verify::Slot& slot);

// nullopt for a kind that is not set or not known.
std::optional<verify::AnchorKind> KindFromProto(anchorage::v1::AnchorKind kind);
std::optional<verify::Slot> SlotFromProto(const anchorage::v1::Slot& message);

// Returns the checked value, in canonical order. Fails as ParseCatalog() does;
// like it, leaves out and counts an anchor of an unknown kind or status.
absl::StatusOr<Catalog> FromProto(const anchorage::v1::Catalog& message);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_CATALOG_PROTO_H_
