// What was REVOKED in a bundle that verified once, kept when the bundle itself
// no longer counts.
//
// A bundle is lost when a newer root names other keys, when its cache is
// damaged or when it is too old. What replaces it may still list, as ACTIVE, an
// anchor that the vendor has revoked since. So a client remembers what was
// revoked until a newer bundle, signed by the current keys, decides instead.
//
// Believed without a signature, because it can only refuse. Pure values.

#ifndef ANCHORAGE_CLIENT_REVOKED_H_
#define ANCHORAGE_CLIENT_REVOKED_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "anchors/catalog.h"
#include "anchors/releases.h"

namespace anchorage::client {

struct Revoked {
  std::vector<anchors::CatalogAnchor> anchors;
  std::vector<anchors::Release> releases;

  bool empty() const { return anchors.empty() && releases.empty(); }
  friend bool operator==(const Revoked&, const Revoked&) = default;
};

// Returns what a bundle revokes; `releases` may be null.
Revoked RevokedIn(const anchors::Catalog& catalog,
                  const anchors::ReleaseList* releases);

// Adds what `more` revokes and `revoked` does not, if all of it fits the limits
// of a catalog and a list; otherwise `revoked` stays as it was.
void Merge(const Revoked& more, Revoked& revoked);

// Marks as REVOKED, in the catalog or the list, what `revoked` names: a key in
// its slot; a release by its product, type and measurements, whatever its name.
// A release that the list does not have is added to it.
void Refuse(const Revoked& revoked, anchors::Catalog& catalog);
void Refuse(const Revoked& revoked, anchors::ReleaseList& releases);

// One line each, of at most anchors::kMaxCatalogBytes and kMaxReleasesBytes, in
// the format of catalogs and releases; empty for none.
std::string AnchorsText(const Revoked& revoked);
std::string ReleasesText(const Revoked& revoked);

// Reads both texts back. Fails as ParseCatalog() and ParseReleases() do.
absl::StatusOr<Revoked> ParseRevoked(std::string_view anchors,
                                     std::string_view releases);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_REVOKED_H_
