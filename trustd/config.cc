#include "trustd/config.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/host_port.h"
#include "anchors/base/yaml_to_proto.h"
#include "trustd/base/config_reader.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using google::protobuf::Duration;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;

constexpr std::size_t kMaxConfigBytes = 256 * 1024;

// The settings that name files of targets.
struct BesidePath {
  std::string_view target;
  std::string_view setting;
  const std::string& (*get)(const v1::TrustdConfig&);
};
constexpr BesidePath kBesidePaths[] = {
    {anchors::kReleasesTargetPath, "releases_path",
     [](const v1::TrustdConfig& config) -> const std::string& {
       return config.releases_path();
     }},
    {anchors::kProducersTargetPath, "images.producers_path",
     [](const v1::TrustdConfig& config) -> const std::string& {
       return config.images().producers_path();
     }},
    {anchors::kImagesTargetPath, "images.images_path",
     [](const v1::TrustdConfig& config) -> const std::string& {
       return config.images().images_path();
     }},
};

constexpr absl::Duration Days(int days) { return absl::Hours(24 * days); }

// Whether HOST:PORT names the loopback interface.
bool IsLoopback(const std::string& address) {
  const auto parsed = anchors::ParseHostPort(address);
  return parsed.has_value() && anchors::IsLoopbackHost(parsed->host);
}

void ReadListener(v1::TrustdConfig& proto, ConfigReader& reader,
                  Config& config) {
  config.listen_address = reader.Address(proto.listen_address(),
                                         "127.0.0.1:7443", "listen_address");
  if (proto.has_tls()) {
    if (proto.tls().certificate_path().empty() ||
        proto.tls().key_path().empty()) {
      reader.Fail("'tls' needs 'certificate_path' and 'key_path'");
    }
    if (proto.allow_plaintext() && proto.http_listen_address().empty()) {
      reader.Fail("'tls' and 'allow_plaintext' contradict each other");
    }
    config.tls_certificate_path =
        reader.Path(proto.tls().certificate_path(), "tls.certificate_path");
    config.tls_key_path = reader.Path(proto.tls().key_path(), "tls.key_path");
  } else if (!proto.allow_plaintext() && !IsLoopback(config.listen_address)) {
    reader.Fail("'" + config.listen_address +
                "' is not of the loopback interface: set 'tls', or "
                "'allow_plaintext: true' behind a proxy that ends TLS");
  }
}

void ReadHttpListener(const v1::TrustdConfig& proto, ConfigReader& reader,
                      Config& config) {
  config.http_listen_address =
      reader.Address(proto.http_listen_address(), "", "http_listen_address");
  if (config.http_listen_address.empty()) return;
  if (!proto.allow_plaintext() && !IsLoopback(config.http_listen_address)) {
    reader.Fail("'" + config.http_listen_address +
                "' is not of the loopback interface: set "
                "'allow_plaintext: true' behind a proxy that ends TLS");
  }
}

// The most connections: twice the number of descriptors that a process may
// have.
constexpr int kMaxConnections = 2'000'000;

void ReadLimits(const v1::TrustdConfig& proto, ConfigReader& reader,
                Config& config) {
  auto proxies =
      AddressList::Parse({proto.proxies().begin(), proto.proxies().end()});
  if (proxies.ok()) {
    config.limits.proxies = *std::move(proxies);
  } else {
    reader.Fail("'proxies': " + std::string(proxies.status().message()));
  }
  const v1::LimitConfig& limits = proto.limits();
  const auto read = [&](int value, int otherwise, const char* name) {
    return reader.Within(value, otherwise, 2, kMaxConnections,
                         absl::StrCat("limits.", name));
  };
  config.limits.connections =
      read(limits.connections(), config.max_watchers + 2000, "connections");
  config.limits.calls = read(limits.calls(), 4096, "calls");
  config.limits.http_connections =
      read(limits.http_connections(), 1024, "http_connections");
  config.limits.admin_connections =
      read(limits.admin_connections(), 256, "admin_connections");
}

void ReadKeys(const v1::TrustdConfig& proto, ConfigReader& reader,
              Config& config) {
  const auto path = [&](const std::string& value, const char* otherwise,
                        const char* name) {
    // What is in `data_dir` is relative to the folder of the file no more.
    return value.empty() ? reader.Set(config.data_dir + otherwise, name)
                         : reader.Path(value, name);
  };
  const v1::KeyConfig& keys = proto.keys();
  config.online_key_path =
      path(keys.online_key_path(), "/keys/online.pem", "keys.online_key_path");
  if (proto.mode() == v1::TrustdConfig::MODE_OFFLINE) {
    config.ceremony_dir =
        path(proto.ceremony_dir(), "/ceremony", "ceremony_dir");
    if (!keys.targets_key_path().empty() || !keys.root_key_path().empty()) {
      reader.Fail(
          "in MODE_OFFLINE the keys of root and targets have no business on "
          "this host: remove 'root_key_path' and 'targets_key_path'");
    }
    if (!proto.initial_catalog_path().empty()) {
      reader.Fail("'initial_catalog_path' is of MODE_ONLINE alone");
    }
    for (const auto& [target, setting, get] : kBesidePaths) {
      if (get(proto).empty()) continue;
      const std::string name(anchors::FindTargetKind(target)->name);
      reader.Fail(absl::StrCat("in MODE_OFFLINE people sign the ", name,
                               " with the catalog ('trustctl targets propose "
                               "--",
                               name, "'): remove '", std::string(setting),
                               "'"));
    }
    return;
  }
  if (!proto.ceremony_dir().empty()) {
    reader.Fail("'ceremony_dir' is of MODE_OFFLINE alone");
  }
  config.targets_key_path = path(keys.targets_key_path(), "/keys/targets.pem",
                                 "keys.targets_key_path");
  config.root_key_path =
      path(keys.root_key_path(), "/keys/root.pem", "keys.root_key_path");
}

void ReadValidity(const v1::ValidityConfig& proto, ConfigReader& reader,
                  Config& config) {
  constexpr absl::Duration kLeast = absl::Minutes(10);
  constexpr absl::Duration kMost = Days(20 * 365);
  const auto life = [&](bool set, const Duration& value,
                        absl::Duration otherwise, const char* name) {
    return reader.Within(set, value, otherwise, kLeast, kMost, name);
  };
  config.root_validity =
      life(proto.has_root(), proto.root(), Days(365), "validity.root");
  config.targets_validity =
      life(proto.has_targets(), proto.targets(), Days(365), "validity.targets");
  config.snapshot_validity = life(proto.has_snapshot(), proto.snapshot(),
                                  Days(365), "validity.snapshot");
  config.timestamp_validity = life(proto.has_timestamp(), proto.timestamp(),
                                   Days(7), "validity.timestamp");
  config.timestamp_interval = reader.Within(
      proto.has_timestamp_interval(), proto.timestamp_interval(),
      std::min<absl::Duration>(absl::Hours(6), config.timestamp_validity / 2),
      absl::Seconds(1), config.timestamp_validity / 2,
      "validity.timestamp_interval");
}

FleetSettings ReadReports(const v1::ReportConfig& proto, ConfigReader& reader) {
  FleetSettings settings;
  settings.window =
      reader.Within(proto.has_window(), proto.window(), absl::Hours(1),
                    absl::Minutes(1), Days(7), "reports.window");
  settings.threshold.senders = reader.Within(
      proto.least_senders(), 5, 5, 1'000'000, "reports.least_senders");
  settings.threshold.percent =
      reader.Within(proto.least_percent(), 1, 1, 100, "reports.least_percent");
  return settings;
}

ImageLimits ReadImages(const v1::ImagesConfig& proto, ConfigReader& reader) {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  ImageLimits limits;
  limits.bundle_bytes = kMiB * reader.Within(proto.max_bundle_mib(), 64, 1, 260,
                                             "images.max_bundle_mib");
  limits.total_bytes = kMiB * reader.Within(proto.max_total_mib(), 1024, 32,
                                            1'000'000, "images.max_total_mib");
  return limits;
}

// Moves a value to its place, or keeps the first failure.
template <typename From, typename To>
void KeepOrFail(absl::StatusOr<From> value, To& to, absl::Status& failed) {
  if (value.ok()) {
    to = *std::move(value);
  } else {
    failed.Update(value.status());
  }
}

}  // namespace

absl::StatusOr<Config> ParseConfig(std::string_view yaml,
                                   const std::string& path) {
  v1::TrustdConfig proto;
  if (absl::Status s = anchors::ReadYaml(yaml, path, proto); !s.ok()) {
    return s;
  }
  Config config;
  if (absl::Status s = ReadConfig(path, proto, config); !s.ok()) return s;
  config.effective = std::move(proto);
  config.sha256 = verify::Sha256Hex(yaml);
  return config;
}

absl::Status ReadConfig(const std::string& path, v1::TrustdConfig& proto,
                        Config& config) {
  ConfigReader reader(path, "", &proto);
  if (proto.data_dir().empty()) reader.Fail("'data_dir' is required");
  if (proto.mode() == v1::TrustdConfig::MODE_UNSPECIFIED) {
    reader.Fail("'mode' is required: MODE_ONLINE or MODE_OFFLINE");
  }
  config.mode = proto.mode();
  config.data_dir = reader.Path(proto.data_dir(), "data_dir");
  ReadListener(proto, reader, config);
  ReadHttpListener(proto, reader, config);
  ReadKeys(proto, reader, config);
  ReadValidity(proto.validity(), reader, config);
  config.refresh_hint = reader.Within(
      proto.has_refresh_hint(), proto.refresh_hint(), absl::Hours(1),
      absl::Seconds(60), Days(30), "refresh_hint");
  config.max_watchers =
      reader.Within(proto.max_watchers(), 10'000, 1, 1'000'000, "max_watchers");
  ReadLimits(proto, reader, config);
  if (proto.has_reports()) {
    config.reports = ReadReports(proto.reports(), reader);
  }
  config.shutdown_grace = reader.Within(
      proto.has_shutdown_grace(), proto.shutdown_grace(), absl::Seconds(10),
      absl::ZeroDuration(), absl::Minutes(10), "shutdown_grace");
  config.reflection = !proto.has_reflection() || proto.reflection();
  proto.set_reflection(config.reflection);
  for (const auto& [target, setting, get] : kBesidePaths) {
    if (const std::string& file = get(proto); !file.empty()) {
      config.beside_paths.emplace(target,
                                  reader.Path(file, std::string(setting)));
    }
  }
  if (proto.has_images()) {
    config.images = ReadImages(proto.images(), reader);
  }
  config.initial_catalog_path =
      reader.Path(proto.initial_catalog_path(), "initial_catalog_path");
  if (proto.log().level() != v1::LogConfig::LEVEL_UNSPECIFIED) {
    config.log_level = proto.log().level();
  }
  if (proto.log().format() != v1::LogConfig::FORMAT_UNSPECIFIED) {
    config.log_format = proto.log().format();
  }
  proto.mutable_log()->set_level(config.log_level);
  proto.mutable_log()->set_format(config.log_format);
  absl::Status failed = reader.status();
  KeepOrFail(ReadSourceSettings(*proto.mutable_sources(), path), config.sources,
             failed);
  KeepOrFail(ReadAlertSettings(*proto.mutable_alerts(), path), config.alerts,
             failed);
  KeepOrFail(ReadRotationOptions(*proto.mutable_rotations(), path),
             config.rotations, failed);
  if (proto.has_region_watch()) {
    KeepOrFail(ReadRegionWatch(*proto.mutable_region_watch(), path),
               config.region_watch, failed);
  }
  if (proto.has_admin()) {
    KeepOrFail(ReadAdminSettings(*proto.mutable_admin(), path), config.admin,
               failed);
  }
  if (proto.has_console()) {
    KeepOrFail(ReadConsoleSettings(proto, path), config.console, failed);
  }
  if (failed.ok() && config.admin.has_value()) {
    failed = CheckApprovals(*config.admin, config.rotations.approvals, path);
  }
  return failed;
}

absl::StatusOr<Config> LoadConfig(const std::string& path) {
  const auto yaml = anchors::ReadFile(path, kMaxConfigBytes);
  if (!yaml.ok()) return yaml.status();
  return ParseConfig(*yaml, path);
}

std::vector<std::string> DifferencesAtStart(const Config& now,
                                            const Config& next) {
  // What a reload changes.
  static constexpr std::string_view kAtOnce[] = {
      "sources",       "alerts.webhooks",       "alerts.console_url",
      "releases_path", "images.producers_path", "images.images_path",
      "log.level"};
  std::vector<std::string> names;
  const auto compare = [&](const auto& compare_below, const Message& a,
                           const Message& b,
                           const std::string& prefix) -> void {
    for (int i = 0; i < a.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor& field = *a.GetDescriptor()->field(i);
      const std::string name = prefix + field.name();
      if (std::find(std::begin(kAtOnce), std::end(kAtOnce), name) !=
          std::end(kAtOnce)) {
        continue;
      }
      const bool is_group =
          !field.is_repeated() &&
          field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
          field.message_type() != Duration::descriptor();
      const auto* reflection = a.GetReflection();
      if (is_group && reflection->HasField(a, &field) &&
          reflection->HasField(b, &field)) {
        compare_below(compare_below, reflection->GetMessage(a, &field),
                      reflection->GetMessage(b, &field), name + ".");
        continue;
      }
      MessageDifferencer differencer;
      if (!differencer.CompareWithFields(a, b, {&field}, {&field})) {
        names.push_back(name);
      }
    }
  };
  compare(compare, now.effective, next.effective, "");
  return names;
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
