// The files of a repository under the names that a static server gives them.
//
//   for (const StaticFile& file : LayOut(files)) Put(file.path, file.bytes);
//
// The one place that decides where a file stands, for trustd's HTTP listener
// and for exports to a bucket. Snapshots are consistent: every name but the
// timestamp's contains a version or a hash and never means other bytes.
// Metadata is in "tuf/", targets are in "tuf/targets/".
//
// Pure. The views refer to the bytes that were given.

#ifndef ANCHORAGE_ANCHORS_TUF_STATIC_LAYOUT_H_
#define ANCHORAGE_ANCHORS_TUF_STATIC_LAYOUT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace anchorage::anchors::tuf {

inline constexpr std::string_view kMetadataFolder = "tuf/";
inline constexpr std::string_view kTargetsFolder = "tuf/targets/";
inline constexpr std::string_view kTimestampFile = "tuf/timestamp.json";

// Content-Type of metadata, and of what any client of HTTP should know as JSON.
inline constexpr std::string_view kJsonMediaType = "application/json";

// A repository as it is at one moment.
struct RepositoryFiles {
  struct TargetFile {
    std::string_view path;  // "catalog/v1/anchors.json"
    std::string_view bytes;
    std::string_view media_type = kJsonMediaType;
  };

  // The root of version n is roots[n - 1].
  absl::Span<const std::string> roots;
  std::string_view timestamp;
  std::string_view snapshot;
  std::string_view targets;
  std::int64_t snapshot_version = 0;
  std::int64_t targets_version = 0;
  std::vector<TargetFile> target_files;
};

struct StaticFile {
  // "tuf/3.root.json", "tuf/targets/catalog/v1/HASH.anchors.json"
  std::string path;
  std::string_view bytes;
  std::string_view media_type = kJsonMediaType;
  // Whether the path will never mean other bytes; all but the timestamp.
  bool immutable = true;
};

// Returns every file once, in an order in which they can be put in place one by
// one: a file comes after those that it names, and the timestamp last.
std::vector<StaticFile> LayOut(const RepositoryFiles& files);

// Returns the name of a target with what cannot stand in a request line
// percent-encoded; all else is kept.
std::string EscapeTargetName(std::string_view name);

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_ANCHORS_TUF_STATIC_LAYOUT_H_
