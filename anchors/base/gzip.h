// gzip (RFC 1952), within a limit.

#ifndef ANCHORAGE_ANCHORS_BASE_GZIP_H_
#define ANCHORAGE_ANCHORS_BASE_GZIP_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace anchorage::anchors {

// Returns `plain` as one gzip member, without a name or a time: the same bytes
// give the same bytes. Fails with RESOURCE_EXHAUSTED where zlib has no memory.
absl::StatusOr<std::string> Gzip(std::string_view plain);

// Returns the contents of `packed`, which must be exactly one gzip member.
// Unpacks no more than `max_bytes`: OUT_OF_RANGE for more. INVALID_ARGUMENT for
// data that is damaged, cut off, or followed by anything.
absl::StatusOr<std::string> Gunzip(std::string_view packed,
                                   std::size_t max_bytes);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_GZIP_H_
