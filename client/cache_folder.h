// The disk below a client's cache: a seam, so that a simulation has a folder in
// memory. Several clients, of one process or of many, may use one folder.

#ifndef ANCHORAGE_CLIENT_CACHE_FOLDER_H_
#define ANCHORAGE_CLIENT_CACHE_FOLDER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anchorage::client {

// Names are those of BundleCache: "root.json", "root_history/2.root.json".
// They have at most one slash. Not thread-safe.
class CacheFolder {
 public:
  // Whoever has one is the only writer, until it is destroyed.
  class Writer {
   public:
    virtual ~Writer() = default;

    // Replaces the file, wholly or not at all, also if power fails. Fails with
    // PERMISSION_DENIED, RESOURCE_EXHAUSTED (disk full) and the like.
    virtual absl::Status Write(std::string_view name,
                               std::string_view bytes) = 0;
    // OK if there is no such file.
    virtual absl::Status Remove(std::string_view name) = 0;
  };

  virtual ~CacheFolder() = default;

  // Returns the whole file, as one writer left it. NOT_FOUND; OUT_OF_RANGE: it
  // is longer than `max_bytes`; FAILED_PRECONDITION: it is no plain file, or
  // the folder is not one to be trusted; or why it cannot be read.
  virtual absl::StatusOr<std::string> Read(std::string_view name,
                                           std::size_t max_bytes) = 0;

  // Returns a text that is another one once the file was made, replaced or
  // removed; empty where there is none.
  virtual std::string Stamp(std::string_view name) = 0;

  // Returns the names of the files of "root_history/", in any order.
  // OUT_OF_RANGE: there are more than anybody makes.
  virtual absl::StatusOr<std::vector<std::string>> ListRoots() = 0;

  // Takes the folder's lock, and makes the folder if it is absent. Never waits
  // long: ABORTED if somebody else has the lock; otherwise as Write() fails.
  virtual absl::StatusOr<std::unique_ptr<Writer>> BeginWrite() = 0;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_CACHE_FOLDER_H_
