#include "trustd/config.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/yaml_to_proto.h"
#include "trustd/base/config_path.h"

namespace anchorage::trustd {
namespace {

using google::protobuf::Duration;

constexpr std::size_t kMaxConfigBytes = 256 * 1024;

// The settings that name files of targets, by the paths of the targets.
constexpr std::pair<std::string_view,
                    const std::string& (v1::TrustdConfig::*)() const>
    kBesidePaths[] = {
        {anchors::kReleasesTargetPath, &v1::TrustdConfig::releases_path},
};

constexpr absl::Duration Days(int days) { return absl::Hours(24 * days); }

// Collects the first thing that is wrong; `path` begins every message.
class Checker {
 public:
  explicit Checker(const std::string& path) : path_(path) {}

  void Fail(const std::string& what) {
    if (status_.ok()) {
      status_ = absl::InvalidArgumentError(absl::StrCat(path_, ": ", what));
    }
  }

  // Returns the duration, or `otherwise` where it is not set.
  absl::Duration Within(bool set, const Duration& value,
                        absl::Duration otherwise, absl::Duration least,
                        absl::Duration most, const std::string& name) {
    if (!set) return otherwise;
    const absl::Duration duration = absl::Seconds(value.seconds());
    if (duration < least || duration > most) {
      Fail(absl::StrCat("'", name, "' must be from ",
                        absl::ToInt64Seconds(least), "s to ",
                        absl::ToInt64Seconds(most), "s"));
    }
    return duration;
  }

  // Relative paths are relative to the folder of the file.
  std::string Path(const std::string& value) const {
    return ResolvePath(value, path_);
  }

  const absl::Status& status() const { return status_; }

 private:
  const std::string path_;
  absl::Status status_;
};

// Whether HOST:PORT names the loopback interface.
bool IsLoopback(std::string_view address) {
  return address.starts_with("127.") || address.starts_with("localhost:") ||
         address.starts_with("[::1]:");
}

void CheckAddress(const std::string& name, const std::string& address,
                  Checker& checker) {
  const std::size_t colon = address.rfind(':');
  int port = -1;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 ||
      port > 65535) {
    checker.Fail("'" + name + "' must be HOST:PORT, not '" + address + "'");
  }
}

void ReadListener(const v1::TrustdConfig& proto, Checker& checker,
                  Config& config) {
  config.listen_address = proto.listen_address().empty()
                              ? "127.0.0.1:7443"
                              : proto.listen_address();
  CheckAddress("listen_address", config.listen_address, checker);
  if (proto.has_tls()) {
    if (proto.tls().certificate_path().empty() ||
        proto.tls().key_path().empty()) {
      checker.Fail("'tls' needs 'certificate_path' and 'key_path'");
    }
    if (proto.allow_plaintext() && proto.http_listen_address().empty()) {
      checker.Fail("'tls' and 'allow_plaintext' contradict each other");
    }
    config.tls_certificate_path = checker.Path(proto.tls().certificate_path());
    config.tls_key_path = checker.Path(proto.tls().key_path());
  } else if (!proto.allow_plaintext() && !IsLoopback(config.listen_address)) {
    checker.Fail("'" + config.listen_address +
                 "' is not of the loopback interface: set 'tls', or "
                 "'allow_plaintext: true' behind a proxy that ends TLS");
  }
}

void ReadHttpListener(const v1::TrustdConfig& proto, Checker& checker,
                      Config& config) {
  config.http_listen_address = proto.http_listen_address();
  if (config.http_listen_address.empty()) return;
  CheckAddress("http_listen_address", config.http_listen_address, checker);
  if (!proto.allow_plaintext() && !IsLoopback(config.http_listen_address)) {
    checker.Fail("'" + config.http_listen_address +
                 "' is not of the loopback interface: set "
                 "'allow_plaintext: true' behind a proxy that ends TLS");
  }
}

// What a process may have of descriptors, twice.
constexpr int kMaxConnections = 2'000'000;

void ReadLimits(const v1::TrustdConfig& proto, Checker& checker,
                Config& config) {
  auto proxies =
      AddressList::Parse({proto.proxies().begin(), proto.proxies().end()});
  if (proxies.ok()) {
    config.limits.proxies = *std::move(proxies);
  } else {
    checker.Fail("'proxies': " + std::string(proxies.status().message()));
  }
  const v1::LimitConfig& limits = proto.limits();
  const auto read = [&](int value, int otherwise, const char* name) {
    if (value == 0) return otherwise;
    if (value < 2 || value > kMaxConnections) {
      checker.Fail(absl::StrCat("'limits.", name, "' must be from 2 to ",
                                kMaxConnections));
    }
    return value;
  };
  config.limits.connections =
      read(limits.connections(), config.max_watchers + 2000, "connections");
  config.limits.calls = read(limits.calls(), 4096, "calls");
  config.limits.http_connections =
      read(limits.http_connections(), 1024, "http_connections");
  config.limits.admin_connections =
      read(limits.admin_connections(), 256, "admin_connections");
}

void ReadKeys(const v1::TrustdConfig& proto, Checker& checker, Config& config) {
  const auto path = [&](const std::string& value, const char* otherwise) {
    return value.empty() ? config.data_dir + otherwise : checker.Path(value);
  };
  const v1::KeyConfig& keys = proto.keys();
  config.online_key_path = path(keys.online_key_path(), "/keys/online.pem");
  if (proto.mode() == v1::TrustdConfig::MODE_OFFLINE) {
    config.ceremony_dir = path(proto.ceremony_dir(), "/ceremony");
    if (!keys.targets_key_path().empty() || !keys.root_key_path().empty()) {
      checker.Fail(
          "in MODE_OFFLINE the keys of root and targets have no business on "
          "this host: remove 'root_key_path' and 'targets_key_path'");
    }
    if (!proto.initial_catalog_path().empty()) {
      checker.Fail("'initial_catalog_path' is of MODE_ONLINE alone");
    }
    for (const auto& [target, get] : kBesidePaths) {
      if ((proto.*get)().empty()) continue;
      const std::string name(anchors::FindTargetKind(target)->name);
      checker.Fail(absl::StrCat("in MODE_OFFLINE people sign the ", name,
                                " with the catalog ('trustctl targets propose "
                                "--",
                                name, "'): remove '", name, "_path'"));
    }
    return;
  }
  if (!proto.ceremony_dir().empty()) {
    checker.Fail("'ceremony_dir' is of MODE_OFFLINE alone");
  }
  config.targets_key_path = path(keys.targets_key_path(), "/keys/targets.pem");
  config.root_key_path = path(keys.root_key_path(), "/keys/root.pem");
}

void ReadValidity(const v1::ValidityConfig& proto, Checker& checker,
                  Config& config) {
  constexpr absl::Duration kLeast = absl::Minutes(10);
  constexpr absl::Duration kMost = Days(20 * 365);
  const auto life = [&](bool set, const Duration& value,
                        absl::Duration otherwise, const char* name) {
    return checker.Within(set, value, otherwise, kLeast, kMost, name);
  };
  config.root_validity =
      life(proto.has_root(), proto.root(), Days(365), "validity.root");
  config.targets_validity =
      life(proto.has_targets(), proto.targets(), Days(365), "validity.targets");
  config.snapshot_validity = life(proto.has_snapshot(), proto.snapshot(),
                                  Days(365), "validity.snapshot");
  config.timestamp_validity = life(proto.has_timestamp(), proto.timestamp(),
                                   Days(7), "validity.timestamp");
  config.timestamp_interval = checker.Within(
      proto.has_timestamp_interval(), proto.timestamp_interval(),
      std::min<absl::Duration>(absl::Hours(6), config.timestamp_validity / 2),
      absl::Seconds(1), config.timestamp_validity / 2,
      "validity.timestamp_interval");
}

}  // namespace

absl::StatusOr<Config> ParseConfig(std::string_view yaml,
                                   const std::string& path) {
  v1::TrustdConfig proto;
  if (absl::Status s = anchors::ReadYaml(yaml, path, proto); !s.ok()) {
    return s;
  }
  Checker checker(path);
  Config config;
  if (proto.data_dir().empty()) checker.Fail("'data_dir' is required");
  if (proto.mode() == v1::TrustdConfig::MODE_UNSPECIFIED) {
    checker.Fail("'mode' is required: MODE_ONLINE or MODE_OFFLINE");
  }
  config.mode = proto.mode();
  config.data_dir = checker.Path(proto.data_dir());
  ReadListener(proto, checker, config);
  ReadHttpListener(proto, checker, config);
  ReadKeys(proto, checker, config);
  ReadValidity(proto.validity(), checker, config);
  config.refresh_hint = checker.Within(
      proto.has_refresh_hint(), proto.refresh_hint(), absl::Hours(1),
      absl::Seconds(60), Days(30), "refresh_hint");
  config.max_watchers =
      proto.max_watchers() == 0 ? 10'000 : proto.max_watchers();
  if (config.max_watchers < 1 || config.max_watchers > 1'000'000) {
    checker.Fail("'max_watchers' must be from 1 to 1000000");
  }
  ReadLimits(proto, checker, config);
  config.shutdown_grace = checker.Within(
      proto.has_shutdown_grace(), proto.shutdown_grace(), absl::Seconds(10),
      absl::ZeroDuration(), absl::Minutes(10), "shutdown_grace");
  config.reflection = !proto.has_reflection() || proto.reflection();
  for (const auto& [target, get] : kBesidePaths) {
    if (const std::string& file = (proto.*get)(); !file.empty()) {
      config.beside_paths.emplace(target, checker.Path(file));
    }
  }
  if (!proto.initial_catalog_path().empty()) {
    config.initial_catalog_path = checker.Path(proto.initial_catalog_path());
  }
  if (proto.log().level() != v1::LogConfig::LEVEL_UNSPECIFIED) {
    config.log_level = proto.log().level();
  }
  if (proto.log().format() != v1::LogConfig::FORMAT_UNSPECIFIED) {
    config.log_format = proto.log().format();
  }
  if (!checker.status().ok()) return checker.status();
  auto sources = ReadSourceSettings(proto.sources(), path);
  if (!sources.ok()) return sources.status();
  config.sources = *std::move(sources);
  auto alerts = ReadAlertSettings(proto.alerts(), path);
  if (!alerts.ok()) return alerts.status();
  config.alerts = *std::move(alerts);
  auto rotations = ReadRotationOptions(proto.rotations(), path);
  if (!rotations.ok()) return rotations.status();
  config.rotations = *std::move(rotations);
  if (proto.has_admin()) {
    auto admin = ReadAdminSettings(proto.admin(), path);
    if (!admin.ok()) return admin.status();
    if (absl::Status s =
            CheckApprovals(*admin, config.rotations.approvals, path);
        !s.ok()) {
      return s;
    }
    config.admin = *std::move(admin);
  }
  return config;
}

absl::StatusOr<Config> LoadConfig(const std::string& path) {
  const auto yaml = anchors::ReadFile(path, kMaxConfigBytes);
  if (!yaml.ok()) return yaml.status();
  return ParseConfig(*yaml, path);
}

PublisherConfig PublisherConfigOf(const Config& config) {
  return {
      .data_dir = config.data_dir,
      .mode = config.mode,
      .online_key_path = config.online_key_path,
      .targets_key_path = config.targets_key_path,
      .root_key_path = config.root_key_path,
      .root_validity = config.root_validity,
      .targets_validity = config.targets_validity,
      .snapshot_validity = config.snapshot_validity,
      .timestamp_validity = config.timestamp_validity,
      .timestamp_interval = config.timestamp_interval,
      .refresh_hint = config.refresh_hint,
      .ceremony_dir = config.ceremony_dir,
  };
}

ServerConfig ServerConfigOf(const Config& config) {
  return {
      .listen_address = config.listen_address,
      .tls_certificate_path = config.tls_certificate_path,
      .tls_key_path = config.tls_key_path,
      .mode = config.mode,
      .timestamp_interval = config.timestamp_interval,
      .max_watchers = config.max_watchers,
      .proxies = config.limits.proxies,
      .connections = config.limits.connections,
      .calls = config.limits.calls,
      .shutdown_grace = config.shutdown_grace,
      .reflection = config.reflection,
  };
}

}  // namespace anchorage::trustd
