// tuf_client: our TUF client with the command line that the public conformance
// suite uses.
//
//   tuf_client --metadata-dir D init ROOT
//   tuf_client --metadata-dir D --metadata-url URL refresh
//   tuf_client --metadata-dir D --metadata-url URL --target-dir T
//       --target-base-url URL --target-name P [--target-name P]... download
//
// D holds trusted metadata under its unversioned names, as it was received;
// the root from which everything is verified is beside it under a name of our
// own. Exit code 0: all of it succeeded; 1: anything else.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/version.h"
#include "anchors/tuf/file_hash.h"
#include "anchors/tuf/metadata.h"
#include "anchors/tuf/updater.h"
#include "client/http/http_fetcher.h"

namespace anchorage::tuf_client {
namespace {

namespace tuf = anchors::tuf;

// Not *.json: the suite counts those as metadata.
constexpr char kTrustedRoot[] = "/trusted_root";

struct Flags {
  std::string metadata_dir;
  std::string metadata_url;
  std::string target_dir;
  std::string target_base_url;
  std::vector<std::string> target_names;
  std::string initial_root;
};

// The metadata folder. A file that cannot be read counts as absent.
class FolderStore final : public tuf::MetadataStore {
 public:
  explicit FolderStore(std::string folder) : folder_(std::move(folder)) {}

  std::optional<std::string> Load(std::string_view name,
                                  std::size_t max_bytes) override {
    auto bytes = anchors::ReadFile(PathOf(name), max_bytes);
    if (!bytes.ok()) return std::nullopt;
    return *std::move(bytes);
  }

  absl::Status Save(std::string_view name, std::string_view bytes) override {
    const std::string path = PathOf(name);
    if (absl::Status s = anchors::MakeFolder(path.substr(0, path.rfind('/')));
        !s.ok()) {
      return s;
    }
    return anchors::WriteFileAtomically(path, bytes);
  }

 private:
  std::string PathOf(std::string_view name) const {
    return folder_ + "/" + std::string(name);
  }

  const std::string folder_;
};

absl::Status Init(const Flags& flags) {
  const auto root = anchors::ReadFile(flags.initial_root, tuf::kMaxRootBytes);
  if (!root.ok()) return root.status();
  if (absl::Status s = anchors::MakeFolder(flags.metadata_dir); !s.ok()) {
    return s;
  }
  if (absl::Status s = anchors::WriteFileAtomically(
          flags.metadata_dir + kTrustedRoot, *root);
      !s.ok()) {
    return s;
  }
  return anchors::WriteFileAtomically(flags.metadata_dir + "/root.json", *root);
}

// One refresh, and the updater that it leaves for targets.
class Session {
 public:
  static absl::StatusOr<std::unique_ptr<Session>> Start(const Flags& flags) {
    auto root = anchors::ReadFile(flags.metadata_dir + kTrustedRoot,
                                  tuf::kMaxRootBytes);
    if (!root.ok()) return root.status();
    auto fetcher =
        client::HttpFetcher::Create({.metadata_url = flags.metadata_url,
                                     .targets_url = flags.target_base_url});
    if (!fetcher.ok()) return fetcher.status();
    std::unique_ptr<Session> session(
        new Session(flags.metadata_dir, *std::move(fetcher)));
    auto updater =
        tuf::Updater::Create(*std::move(root), absl::Now(),
                             session->fetcher_.get(), &session->store_);
    if (!updater.ok()) return updater.status();
    session->updater_ = *std::move(updater);
    if (absl::Status s = session->updater_->Refresh(); !s.ok()) return s;
    return session;
  }

  tuf::Updater& updater() { return *updater_; }

 private:
  Session(std::string folder, std::unique_ptr<client::HttpFetcher> fetcher)
      : store_(std::move(folder)), fetcher_(std::move(fetcher)) {}

  FolderStore store_;
  const std::unique_ptr<client::HttpFetcher> fetcher_;
  std::optional<tuf::Updater> updater_;
};

absl::Status Refresh(const Flags& flags) {
  return Session::Start(flags).status();
}

absl::Status DownloadOne(tuf::Updater& updater, const std::string& folder,
                         const std::string& name) {
  const auto target = updater.FindTarget(name);
  if (!target.ok()) return target.status();
  const std::string path = folder + "/" + tuf::EncodeRoleName(name);
  // A target that is there and still right is not fetched again.
  const auto there =
      anchors::ReadFile(path, static_cast<std::size_t>(target->length));
  if (there.ok() && tuf::VerifyTargetBytes(*target, *there).ok()) {
    return absl::OkStatus();
  }
  const auto bytes = updater.DownloadTarget(name, *target);
  if (!bytes.ok()) return bytes.status();
  return anchors::WriteFileAtomically(path, *bytes);
}

absl::Status Download(const Flags& flags) {
  auto session = Session::Start(flags);
  if (!session.ok()) return session.status();
  if (absl::Status s = anchors::MakeFolder(flags.target_dir); !s.ok()) {
    return s;
  }
  for (const std::string& name : flags.target_names) {
    if (absl::Status s =
            DownloadOne((*session)->updater(), flags.target_dir, name);
        !s.ok()) {
      return s;
    }
  }
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  CLI::App app{"Our TUF client, as the conformance suite drives it."};
  app.set_version_flag("--version",
                       std::string("tuf_client ") + anchors::kVersionAndCommit);
  Flags flags;
  app.add_option("--metadata-dir", flags.metadata_dir)->required();
  app.add_option("--metadata-url", flags.metadata_url);
  app.add_option("--target-dir", flags.target_dir);
  app.add_option("--target-base-url", flags.target_base_url);
  app.add_option("--target-name", flags.target_names);
  CLI::App& init = *app.add_subcommand("init", "Trust a root");
  init.add_option("ROOT", flags.initial_root)->required();
  CLI::App& refresh = *app.add_subcommand("refresh", "Refresh the metadata");
  app.add_subcommand("download", "Refresh, then fetch targets");
  app.require_subcommand(1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  }
  const absl::Status status = init.parsed()      ? Init(flags)
                              : refresh.parsed() ? Refresh(flags)
                                                 : Download(flags);
  if (status.ok()) return 0;
  std::fprintf(stderr, "tuf_client: error: %s\n",
               std::string(status.message()).c_str());
  return 1;
}

}  // namespace
}  // namespace anchorage::tuf_client

int main(int argc, char** argv) {
  try {
    return anchorage::tuf_client::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tuf_client: error: %s\n", error.what());
    return 1;
  }
}
