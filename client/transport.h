// How a client reaches a repository, without saying by what.

#ifndef ANCHORAGE_CLIENT_TRANSPORT_H_
#define ANCHORAGE_CLIENT_TRANSPORT_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "anchors/bundle.h"
#include "anchors/tuf/fetcher.h"

namespace anchorage::client {

class Transport {
 public:
  virtual ~Transport() = default;

  // Serves one refresh of a client that has verified and holds `have`, whose
  // timestamp is the file `held_timestamp`. After `time`, every fetch fails. One
  // at a time; the transport outlives it.
  virtual std::unique_ptr<anchors::tuf::Fetcher> Begin(
      const anchors::BundleVersions& have, std::string held_timestamp,
      absl::Duration time) = 0;

  // How long the server asked, in the last refresh, to be left alone; zero
  // where it did not. Not bounded: anybody can have said it.
  virtual absl::Duration retry_after() const { return absl::ZeroDuration(); }

  // Ends a transfer under way and fails every later one. From any thread.
  virtual void Cancel() = 0;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_TRANSPORT_H_
