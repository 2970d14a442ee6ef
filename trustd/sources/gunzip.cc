#include "trustd/sources/gunzip.h"

#include "anchors/base/gzip.h"
#include "trustd/sources/source_failure.h"

namespace anchorage::trustd {

absl::StatusOr<std::string> Gunzip(std::string_view packed,
                                   std::size_t max_bytes) {
  auto unpacked = anchors::Gunzip(packed, max_bytes);
  if (unpacked.ok()) return unpacked;
  return FailSource(absl::IsOutOfRange(unpacked.status())
                        ? SourceFailure::kTooLarge
                        : SourceFailure::kContentEncoding,
                    std::string(unpacked.status().message()));
}

}  // namespace anchorage::trustd
