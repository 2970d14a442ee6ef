// Makes the catalog of the baked-in set from certificate files and the record
// of where each was found (sources.json; README.md explains its members).
//
//   auto catalog = BuildCatalog(sources_json, pems, 1);
//
// Runs as part of the build: any disagreement between a file and the record is
// an error that names the file, so a set that nobody checked is never built in.

#ifndef ANCHORAGE_ANCHORS_PUBLISHING_CATALOG_BUILDER_H_
#define ANCHORAGE_ANCHORS_PUBLISHING_CATALOG_BUILDER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "anchors/catalog.h"

namespace anchorage::anchors {

// How long a client built with the set alone may wait before it asks a server.
inline constexpr absl::Duration kBakedRefreshHint = absl::Hours(1);

// Builds the catalog. `pems` maps file names, without folders, to the contents
// of the files. The result depends on the arguments alone and is in canonical
// order; its time is the record's `as_of`.
absl::StatusOr<Catalog> BuildCatalog(
    std::string_view sources_json,
    const std::map<std::string, std::string>& pems, std::uint64_t sequence);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_PUBLISHING_CATALOG_BUILDER_H_
