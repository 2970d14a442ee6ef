// trustctl store accept

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/base/atomic_file.h"
#include "anchors/bundle_proto.h"
#include "client/bundle_cache.h"
#include "client/disk_cache_folder.h"
#include "proto/anchorage/v1/admin_service.grpc.pb.h"
#include "tools/trustctl/admin_connection.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/repository_export.h"

namespace anchorage::trustctl {
namespace {

// As AcceptStoreRequest documents them.
constexpr std::size_t kMaxBundleBytes = 16 * 1024 * 1024;
constexpr std::size_t kPieceBytes = 128 * 1024;

struct Flags {
  // A file, a cache folder, a URL or HOST:PORT.
  std::string bundle;
  bool no_bundle = false;
  std::string trusted_root;
  std::string why;
  bool yes = false;
  AdminSource source;
  Output output;
};

constexpr char kFooter[] = R"(
    trustctl store accept --bundle last_verified.bundle --why "disk 3 died"
    trustctl store accept --bundle https://cdn.example/tuf/ \
        --trusted-root 1.root.json --why "disk 3 died"

For a trustd whose store went back, as after a restore: it serves and signs
nothing until this. Show the newest bundle that anyone holds: the cache folder
of a client, or the file last_verified.bundle in it, or where a repository is
served; what it revoked and retired is taken over. --no-bundle goes on without,
and what was revoked since the backup may be lost. Let clients be heard before:
each that refreshes shows what it has, and trustd goes on above the highest.
)";

// Fetches what is served at --bundle, verified from --trusted-root. What has
// expired counts: nobody was there to sign it again.
absl::StatusOr<std::string> FetchBundle(const Flags& flags) {
  if (flags.trusted_root.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(flags.bundle,
                     " is no file; to fetch from there, give "
                     "--trusted-root, the 1.root.json of the "
                     "trustd"));
  }
  AnchorSource source;
  source.server = flags.bundle;
  source.tls_roots = flags.source.tls_roots;
  const auto root = ReadInput(flags.trusted_root);
  if (!root.ok()) return root.status();
  const auto repository = source.OpenRepository();
  if (!repository.ok()) return repository.status();
  auto copy =
      FetchRepository(*repository->fetcher, *root, absl::InfinitePast());
  if (!copy.ok()) return copy.status();
  return anchors::ToProto(copy->files).SerializeAsString();
}

absl::StatusOr<std::string> ReadBundle(const Flags& flags) {
  std::error_code error;
  std::filesystem::path path = flags.bundle;
  if (!std::filesystem::exists(path, error)) return FetchBundle(flags);
  const bool is_folder = std::filesystem::is_directory(path, error);
  if (!is_folder && path.filename() != client::kBundleFile) {
    return anchors::ReadFile(path.string(), kMaxBundleBytes);
  }
  // The roots of a client's bundle lie beside it.
  if (!is_folder) path = path.has_parent_path() ? path.parent_path() : ".";
  client::BundleCache cache(
      client::OpenDiskCacheFolder(path.string(), client::FolderOwner::kAny));
  const auto files = cache.LoadWithRoots();
  if (!files.ok()) return files.status();
  return anchors::ToProto(*files).SerializeAsString();
}

absl::StatusOr<v1::AcceptStoreResponse> Send(const Flags& flags,
                                             const std::string& bundle) {
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return channel.status();
  const auto stub = v1::AdminService::NewStub(*channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kAdminCallTimeout);
  v1::AcceptStoreResponse response;
  const auto writer = stub->AcceptStore(&context, &response);
  v1::AcceptStoreRequest request;
  request.set_why(flags.why);
  request.set_no_bundle(flags.no_bundle);
  std::size_t at = 0;
  do {
    request.set_bundle_piece(bundle.substr(at, kPieceBytes));
    at += kPieceBytes;
    // Why it ended is in the status.
    if (!writer->Write(request)) break;
    request.Clear();
  } while (at < bundle.size());
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  if (!status.ok()) return ToStatus(status, *channel);
  return response;
}

int Accept(const Flags& flags) {
  std::string bundle;
  if (!flags.no_bundle) {
    auto read = ReadBundle(flags);
    if (!read.ok()) return Fail(read.status(), "nothing was changed");
    bundle = *std::move(read);
  } else {
    PrintWarning(
        "without a bundle, what was revoked or retired since the backup is "
        "trusted again; let clients be heard first, which show what they have "
        "when they refresh");
  }
  if (absl::Status s = Confirm("Accept the store?", flags.yes); !s.ok()) {
    return Fail(s);
  }
  const auto response = Send(flags, bundle);
  if (!response.ok()) return Fail(response.status());
  flags.output.Print(
      {{"sequence", response->sequence()},
       {"timestamp_version", response->timestamp_version()},
       {"notes", std::vector<std::string>(response->notes().begin(),
                                          response->notes().end())}},
      {.name = "/sequence"}, [&] {
        for (const std::string& note : response->notes()) {
          std::cout << Printable(note) << "\n";
        }
        std::cout << "accepted  sequence " << response->sequence()
                  << ", timestamp " << response->timestamp_version() << "\n";
      });
  return kAccepted;
}

}  // namespace

void AddStore(CLI::App& store, Action& action) {
  CLI::App& accept = *store.add_subcommand(
      "accept", "Have a trustd sign again after its store went back");
  accept.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  CLI::Option_group& what =
      *accept.add_option_group("the newest bundle that anyone holds, or none");
  what.add_option("--bundle", flags->bundle,
                  "bundle file or cache folder of a client, or the address of "
                  "a repository");
  what.add_flag("--no-bundle", flags->no_bundle,
                "there is none: say what may be lost, and go on");
  what.require_option(1);
  accept.add_option("--trusted-root", flags->trusted_root,
                    "1.root.json of the trustd, to fetch a bundle with");
  accept.add_option("--why", flags->why, "why, for the record")->required();
  accept.add_flag("--yes", flags->yes, "do not ask");
  flags->source.AddTo(accept);
  flags->output.AddTo(accept);
  accept.callback(
      [flags, &action] { action = [flags] { return Accept(*flags); }; });
}

}  // namespace anchorage::trustctl
