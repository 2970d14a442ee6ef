// Unpacks gzip (RFC 1952), bounded.

#ifndef ANCHORAGE_TRUSTD_SOURCES_GUNZIP_H_
#define ANCHORAGE_TRUSTD_SOURCES_GUNZIP_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace anchorage::trustd {

// Returns what `packed`, exactly one gzip member, holds. Unpacks no more than
// `max_bytes`: what holds more is kTooLarge. Damaged, cut, or followed by
// anything is kContentEncoding.
absl::StatusOr<std::string> Gunzip(std::string_view packed,
                                   std::size_t max_bytes);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_GUNZIP_H_
