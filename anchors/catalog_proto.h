// Anchors of a catalog as protobuf messages, for what talks gRPC.
//
//   *response.add_anchors() = ToProto(anchor);
//
// Verification never comes here: a catalog that was signed is read with
// ParseCatalog(). Pure functions.

#ifndef ANCHORAGE_ANCHORS_CATALOG_PROTO_H_
#define ANCHORAGE_ANCHORS_CATALOG_PROTO_H_

#include <optional>

#include "anchors/catalog.h"
#include "proto/anchorage/v1/catalog.pb.h"
#include "verify/anchor_set.h"

namespace anchorage::anchors {

// Of an anchor in a catalog for which CheckCatalog() is OK. Order is kept.
anchorage::v1::Anchor ToProto(const CatalogAnchor& anchor);

anchorage::v1::AnchorKind ToProto(verify::AnchorKind kind);
anchorage::v1::AnchorStatus ToProto(verify::AnchorStatus status);
anchorage::v1::Slot ToProto(const verify::Slot& slot);

// nullopt for a kind that is not set or not known.
std::optional<verify::Slot> SlotFromProto(const anchorage::v1::Slot& message);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_CATALOG_PROTO_H_
