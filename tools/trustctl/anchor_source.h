// Where a command takes its anchors from: one set of flags for all commands.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_ANCHOR_SOURCE_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_ANCHOR_SOURCE_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/images/image_index.h"
#include "anchors/images/producers.h"
#include "anchors/releases.h"
#include "anchors/tuf/fetcher.h"
#include "client/transport.h"
#include "client/trust_client.h"
#include "verify/anchor_set.h"

namespace anchorage::trustctl {

// The anchors, and how fresh they are.
struct Anchors {
  std::shared_ptr<const verify::AnchorSet> set;
  verify::Freshness freshness = verify::Freshness::kBakedIn;
  // The releases of the same bundle; null where it has none.
  std::shared_ptr<const anchors::ReleaseList> releases;
  // The same for images.
  std::shared_ptr<const anchors::ProducerList> producers = nullptr;
  std::shared_ptr<const anchors::ImageIndex> images = nullptr;
};

// The files of a repository; neither is null.
struct RepositoryFiles {
  std::unique_ptr<client::Transport> transport;
  std::unique_ptr<anchors::tuf::Fetcher> fetcher;
};

// Whether a server is named by its URL; otherwise it is HOST:PORT.
bool IsUrl(std::string_view server);

// Asks `server`, which `client` was made for, and says so where it takes long.
absl::Status RefreshFrom(const std::string& server,
                         client::TrustClient& client);

// Says by what servers are asked, before any is. Without it, URLs alone are.
void UseTransport(client::TrustClient::OpenTransport open);

struct AnchorSource {
  // HOST:PORT of a trustd, or the URL of the "tuf/" folder of a repository.
  std::string server;
  std::string trusted_root;
  std::string tls_roots;
  std::string cache;
  std::string catalog;
  // One certificate, for tests; the command says which slot it is for.
  std::string certificate;
  // "serve" or "refuse": what a client does with a set that is EXPIRED.
  std::string when_expired;

  // Adds --server, --trusted-root, --tls-roots, --cache and --catalog.
  void AddTo(CLI::App& command);

  // Adds --when-expired, with that default.
  void AddWhenExpiredTo(CLI::App& command, const char* by_default);

  // Whether live evidence may be verified with `anchors`, by --when-expired:
  // kAnchorsExpired.
  absl::Status CheckAge(const Anchors& anchors) const;

  // Adds --server and --trusted-root, both required, and --tls-roots.
  void AddRepositoryTo(CLI::App& command);

  bool uses_client() const { return !server.empty() || !cache.empty(); }

  // Makes a client with --server, --trusted-root and --cache that asks the
  // server only when it is told to, for at most `budget`.
  absl::StatusOr<std::unique_ptr<client::TrustClient>> MakeClient(
      absl::Duration budget =
          client::TrustClientOptions().refresh_budget) const;

  // Opens --server for a reader that has nothing yet.
  absl::StatusOr<RepositoryFiles> OpenRepository() const;

  // Returns the anchors. If the server cannot be reached, warns and uses the
  // cache or the baked-in set. `slot` is that of --anchor or --root.
  absl::StatusOr<Anchors> Load(const verify::Slot& slot) const;
};

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_ANCHOR_SOURCE_H_
