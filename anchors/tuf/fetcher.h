// Where a repository's files come from: HTTPS, gRPC, a folder, a simulation.
//
// Names are as on a static server, relative to the repository's two folders:
// "timestamp.json", "2.root.json", "7.snapshot.json", "3.targets.json",
// "1.a%2Fb.json" for metadata; "catalog/v1/HASH.anchors.json" for targets. A
// metadata name is already percent-encoded and is sent as it is, never decoded
// and never normalised; a target name is not encoded.
//
// Nothing that comes back is trusted, so any transport will do.

#ifndef ANCHORAGE_ANCHORS_TUF_FETCHER_H_
#define ANCHORAGE_ANCHORS_TUF_FETCHER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace anchorage::anchors::tuf {

class Fetcher {
 public:
  virtual ~Fetcher() = default;

  // Each returns the whole file, exactly. Two codes have a meaning and must
  // be used for nothing else: kNotFound is the server's answer that there is
  // no such file, and kOutOfRange says that the file is longer than
  // `max_bytes`, beyond which nothing is read. Every other code means that we
  // do not know: it never counts as "there is nothing newer".
  virtual absl::StatusOr<std::string> FetchMetadata(std::string_view name,
                                                    std::size_t max_bytes) = 0;
  virtual absl::StatusOr<std::string> FetchTarget(std::string_view name,
                                                  std::size_t max_bytes) = 0;
};

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_ANCHORS_TUF_FETCHER_H_
