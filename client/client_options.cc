#include "client/client_options.h"

#include <limits.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "client/notify/telemetry.h"

namespace anchorage::client {
namespace {

constexpr absl::Duration kMaxMaxStale = absl::Hours(365 * 24);
constexpr absl::Duration kMaxRpcTimeout = absl::Hours(1);
constexpr std::size_t kMaxFurtherServers = 16;

absl::Status CheckServer(const TrustServer& server) {
  if (!server.server.empty() && !server.metadata_url.empty()) {
    return absl::InvalidArgumentError(
        "a server and a URL are two ways to ask: set one");
  }
  if (!server.targets_url.empty() && server.metadata_url.empty()) {
    return absl::InvalidArgumentError(
        "a URL of targets needs one of the metadata");
  }
  return absl::OkStatus();
}

absl::Status CheckServers(const TrustClientOptions& options) {
  if (absl::Status s = CheckServer(options); !s.ok()) return s;
  bool has_grpc = !options.server.empty();
  for (const TrustServer& server : options.further_servers) {
    if (absl::Status s = CheckServer(server); !s.ok()) return s;
    if (!IsSet(server) || !IsSet(options)) {
      return absl::InvalidArgumentError(
          "further servers need a first one, and each an address");
    }
    has_grpc = has_grpc || !server.server.empty();
  }
  if (options.further_servers.size() > kMaxFurtherServers) {
    return absl::InvalidArgumentError(absl::StrCat(
        "at most ", kMaxFurtherServers, " servers besides the first"));
  }
  const std::string proxy = options.proxy.value_or("");
  if (!proxy.empty() && !proxy.starts_with("http://") &&
      (has_grpc || !proxy.starts_with("https://"))) {
    return absl::InvalidArgumentError(
        "the proxy is an http URL or, where all servers are URLs, an https "
        "one");
  }
  return absl::OkStatus();
}

}  // namespace

bool IsSet(const TrustServer& server) {
  return !server.server.empty() || !server.metadata_url.empty();
}

std::string NameOf(const TrustServer& server) {
  const std::string& address =
      server.server.empty() ? server.metadata_url : server.server;
  const std::size_t at = address.rfind('@');
  return at == address.npos ? address : "..." + address.substr(at);
}

ReportOptions ReportOptionsOf(const TrustClientOptions& options) {
  return {.interval = options.report_interval,
          .sample_one_in = options.report_sample_one_in};
}

absl::Status CheckOptions(const TrustClientOptions& options) {
  if (absl::Status s = CheckServers(options); !s.ok()) return s;
  const bool needs_root = IsSet(options) || !options.cache_folder.empty();
  if (needs_root && options.trusted_root.empty()) {
    return absl::InvalidArgumentError(
        "a server or a cache needs a trusted root: the root.json of your "
        "trustd, from a channel that you trust");
  }
  if (options.max_stale < absl::ZeroDuration() ||
      options.max_stale > kMaxMaxStale) {
    return absl::InvalidArgumentError(
        "how long a set is STALE is from 0 to 365 days");
  }
  if (options.refresh_interval < absl::Seconds(1) ||
      options.refresh_interval == absl::InfiniteDuration() ||
      std::min(options.rpc_timeout, options.refresh_budget) <
          absl::Milliseconds(1) ||
      std::max(options.rpc_timeout, options.refresh_budget) > kMaxRpcTimeout) {
    return absl::InvalidArgumentError(
        "the refresh interval is at least 1 s and finite, the timeout and the "
        "budget of a refresh are from 1 ms to 1 h");
  }
  if (!options.metrics_file.empty()) {
    if (absl::Status s = CheckMetricsFile(options.metrics_file); !s.ok()) {
      return s;
    }
  }
  if (absl::Status s = CheckReportOptions(ReportOptionsOf(options)); !s.ok()) {
    return s;
  }
  return absl::OkStatus();
}

absl::Status MakeAbsolute(std::string& folder) {
  if (folder.size() >= PATH_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat("the path of the cache folder has ", folder.size(),
                     " bytes, and the system takes less than ", PATH_MAX));
  }
  if (folder.empty() || folder.starts_with('/')) return absl::OkStatus();
  std::error_code error;
  const std::filesystem::path here = std::filesystem::current_path(error);
  if (error) {
    return absl::InvalidArgumentError(
        absl::StrCat("the cache folder '", folder,
                     "' is relative, and the folder of this "
                     "process is unknown: ",
                     error.message()));
  }
  folder = here.string() + "/" + folder;
  return absl::OkStatus();
}

}  // namespace anchorage::client
