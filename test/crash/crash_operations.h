// What is killed half way, and what is needed to look at what it left.

#ifndef ANCHORAGE_TEST_CRASH_CRASH_OPERATIONS_H_
#define ANCHORAGE_TEST_CRASH_CRASH_OPERATIONS_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "client/trust_client.h"
#include "trustd/base/store.h"
#include "trustd/config.h"
#include "trustd/publish/publication.h"
#include "trustd/publish/publisher.h"

namespace anchorage::test {

inline const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
inline constexpr absl::Duration kDay = absl::Hours(24);

// The operations, by name. Each is given a folder, and "refresh" the URL of a
// repository; its root is in the file FOLDER + ".root".
inline constexpr char kRefresh[] = "refresh";
inline constexpr char kStart[] = "start";
inline constexpr char kPublish[] = "publish";
inline constexpr char kRenew[] = "renew";
// Publishes again and again, and writes each sequence that is published.
inline constexpr char kPublishForEver[] = "publish for ever";
// One rotation, of crash_rotation.h.
inline constexpr char kRotate[] = "rotate";
inline constexpr char kRotateInService[] = "rotate in a whole trustd";
inline constexpr char kPublishRoot[] = "publish root";
inline constexpr char kPropose[] = "propose targets";
inline constexpr char kSign[] = "sign targets";
inline constexpr char kPublishTargets[] = "publish targets";

anchors::Catalog SeedCatalog();

// A client with its cache in `folder`, and the repository at `url`.
absl::StatusOr<std::unique_ptr<client::TrustClient>> MakeClient(
    const std::string& folder, const std::string& url);

trustd::Config ConfigIn(const std::string& folder);

// A publisher and all that it needs.
struct OpenPublisher {
  trustd::Config config;
  trustd::PublicationHub hub;
  std::unique_ptr<trustd::Store> store;
  std::unique_ptr<trustd::Publisher> publisher;

  const trustd::Publication& current() const { return *hub.Current(); }
};

// Opens the one in `folder` at kNow, or begins it.
absl::StatusOr<std::unique_ptr<OpenPublisher>> OpenIn(
    const std::string& folder);

// Proposes the catalog of that sequence.
absl::Status Propose(const std::string& folder, std::uint64_t sequence);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_CRASH_CRASH_OPERATIONS_H_
