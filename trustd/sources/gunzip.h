// Unpacks gzip (RFC 1952), within a limit.

#ifndef ANCHORAGE_TRUSTD_SOURCES_GUNZIP_H_
#define ANCHORAGE_TRUSTD_SOURCES_GUNZIP_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace anchorage::trustd {

// Returns the contents of `packed`, which must be exactly one gzip member.
// Unpacks no more than `max_bytes`; more is kTooLarge. Data that is damaged,
// cut off, or followed by anything is kContentEncoding.
absl::StatusOr<std::string> Gunzip(std::string_view packed,
                                   std::size_t max_bytes);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_GUNZIP_H_
