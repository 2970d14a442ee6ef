// How a client reaches a repository, without saying by what.

#ifndef ANCHORAGE_CLIENT_TRANSPORT_H_
#define ANCHORAGE_CLIENT_TRANSPORT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "anchors/tuf/fetcher.h"

namespace anchorage::client {

// Which versions of the files of a bundle a client holds; 0 or empty for none.
struct BundleVersions {
  std::int64_t root = 0;
  std::int64_t timestamp = 0;
  std::int64_t snapshot = 0;
  std::int64_t targets = 0;
  // SHA-256 in lower-case hex.
  std::string catalog_sha256;
  std::string releases_sha256;
};

class Transport {
 public:
  virtual ~Transport() = default;

  // Serves one refresh of a client that has verified and holds `have`, whose
  // timestamp is the file `held_timestamp`. One at a time; the transport
  // outlives it.
  virtual std::unique_ptr<anchors::tuf::Fetcher> Begin(
      BundleVersions have, std::string held_timestamp) = 0;

  // Ends a transfer under way and fails every later one. From any thread.
  virtual void Cancel() = 0;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_TRANSPORT_H_
