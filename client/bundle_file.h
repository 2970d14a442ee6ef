// A bundle as one file: the wire form of GetUpdateResponse (anchor_service.proto),
// read and written without protobuf, so that a client needs none.

#ifndef ANCHORAGE_CLIENT_BUNDLE_FILE_H_
#define ANCHORAGE_CLIENT_BUNDLE_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "anchors/bundle.h"

namespace anchorage::client {

// `sequence` is the catalog's, for older programs, which show it.
std::string SerializeBundle(const anchors::BundleFiles& files,
                            std::uint64_t sequence);

// Fails with DATA_LOSS for bytes that are not the wire form of a message, or
// have more than 4,096 fields. A field that is not known is skipped; of a field
// that stands twice the last counts, but for roots. Pure.
absl::StatusOr<anchors::BundleFiles> ParseBundle(std::string_view bytes);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_BUNDLE_FILE_H_
