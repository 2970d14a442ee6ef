#include "trustd/config.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_to_yaml.h"

namespace anchorage::trustd {
namespace {

using google::protobuf::util::MessageDifferencer;

constexpr char kPath[] = "/etc/trustd/trustd.yaml";
constexpr char kMinimal[] = "data_dir: /var/lib/trustd\nmode: MODE_ONLINE\n";

absl::StatusOr<Config> Parse(const std::string& yaml) {
  return ParseConfig(yaml, kPath);
}

TEST(Config, HasADefaultForAllButTheFolderAndTheMode) {
  const auto config = Parse(kMinimal);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->listen_address, "127.0.0.1:7443");
  EXPECT_EQ(config->online_key_path, "/var/lib/trustd/keys/online.pem");
  EXPECT_EQ(config->timestamp_validity, absl::Hours(7 * 24));
  EXPECT_EQ(config->timestamp_interval, absl::Hours(6));
  EXPECT_EQ(config->refresh_hint, absl::Hours(1));
  EXPECT_EQ(config->max_watchers, 10'000);
  EXPECT_TRUE(config->reflection);
  EXPECT_TRUE(config->beside_paths.empty());
  EXPECT_EQ(config->http_listen_address, "");
}

TEST(Config, PathsAreRelativeToTheFile) {
  const auto config = Parse(
      "data_dir: data\nmode: MODE_ONLINE\n"
      "tls: {certificate_path: tls.crt, key_path: /secret/tls.key}\n"
      "releases_path: releases.json\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->data_dir, "/etc/trustd/data");
  EXPECT_EQ(config->tls_certificate_path, "/etc/trustd/tls.crt");
  EXPECT_EQ(config->beside_paths,
            (anchors::ByPath{{std::string(anchors::kReleasesTargetPath),
                              "/etc/trustd/releases.json"}}));
  EXPECT_EQ(config->tls_key_path, "/secret/tls.key");
}

TEST(Config, ListsOfImagesAreFilesOfTheOperatorOrOfACeremony) {
  EXPECT_FALSE(Parse(kMinimal)->images.has_value());
  const auto config =
      Parse(absl::StrCat(kMinimal,
                         "images: {producers_path: p.json, images_path: "
                         "i.json, max_bundle_mib: 1, "
                         "max_total_mib: 32}\n"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(
      config->beside_paths,
      (anchors::ByPath{
          {std::string(anchors::kProducersTargetPath), "/etc/trustd/p.json"},
          {std::string(anchors::kImagesTargetPath), "/etc/trustd/i.json"}}));
  ASSERT_TRUE(config->images.has_value());
  EXPECT_EQ(config->images->bundle_bytes, 1024u * 1024);
  EXPECT_EQ(config->images->total_bytes, 32u * 1024 * 1024);
  EXPECT_TRUE(Parse("data_dir: d\nmode: MODE_OFFLINE\nimages: {}\n").ok());
  for (const char* setting : {"producers_path", "images_path"}) {
    EXPECT_FALSE(
        Parse(absl::StrCat("data_dir: d\nmode: MODE_OFFLINE\nimages: {",
                           setting, ": x}\n"))
            .ok());
  }
  EXPECT_FALSE(
      Parse(absl::StrCat(kMinimal, "images: {max_bundle_mib: 261}\n")).ok());
  EXPECT_FALSE(
      Parse(absl::StrCat(kMinimal, "images: {max_total_mib: 31}\n")).ok());
}

TEST(Config, TheCeremonyHasAFolderInOfflineModeAlone) {
  const auto offline = Parse("data_dir: d\nmode: MODE_OFFLINE\n");
  ASSERT_TRUE(offline.ok()) << offline.status();
  EXPECT_EQ(offline->ceremony_dir, "/etc/trustd/d/ceremony");
  EXPECT_EQ(Parse(kMinimal)->ceremony_dir, "");
}

TEST(Config, ReadsEveryKindOfValue) {
  const auto config = Parse(
      absl::StrCat(kMinimal,
                   "reflection: false\nmax_watchers: 7\nrefresh_hint: 600s\n"
                   "listen_address: \"[::1]:0\"\n"
                   "http_listen_address: 127.0.0.1:8080\n"
                   "validity: {timestamp: 3600s, timestamp_interval: 60s}\n"
                   "log: {level: LEVEL_DEBUG, format: FORMAT_JSON}\n"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_FALSE(config->reflection);
  EXPECT_EQ(config->max_watchers, 7);
  EXPECT_EQ(config->http_listen_address, "127.0.0.1:8080");
  EXPECT_EQ(config->refresh_hint, absl::Minutes(10));
  EXPECT_EQ(config->timestamp_validity, absl::Hours(1));
  EXPECT_EQ(config->timestamp_interval, absl::Minutes(1));
  EXPECT_EQ(config->log_level, v1::LogConfig::LEVEL_DEBUG);
  EXPECT_EQ(config->log_format, v1::LogConfig::FORMAT_JSON);
}

// Each is refused with a message that names the place.
struct Refusal {
  const char* name;
  const char* yaml;
  const char* place;
};

class ConfigRefusal : public ::testing::TestWithParam<Refusal> {};

TEST_P(ConfigRefusal, NamesThePlace) {
  const auto config = Parse(GetParam().yaml);
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(config.status().message()),
              ::testing::StartsWith(absl::StrCat(kPath, GetParam().place)));
}

INSTANTIATE_TEST_SUITE_P(
    Config, ConfigRefusal,
    ::testing::Values(
        Refusal{"Empty", "", ": "}, Refusal{"NotKeys", "- a\n", ":1: "},
        Refusal{"BrokenYaml", "data_dir: [\n", ":"},
        Refusal{"TwoDocuments", "a: 1\n---\nb: 2\n", ": "},
        Refusal{"UnknownField", "data_dir: d\nmode: MODE_ONLINE\ncolour: x\n",
                ":3: unknown field 'colour'"},
        Refusal{"UnknownNestedField", "mode: MODE_ONLINE\nlog:\n  colour: x\n",
                ":3: unknown field 'colour'"},
        Refusal{"FieldTwice", "data_dir: a\ndata_dir: b\n",
                ":2: 'data_dir' stands twice"},
        Refusal{"NumberExpected", "max_watchers: many\n", ":1: "},
        Refusal{"BoolExpected", "reflection: yes\n", ":1: "},
        Refusal{"DurationExpected", "refresh_hint: 10 minutes\n", ":1: "},
        Refusal{"NegativeDuration", "refresh_hint: -5s\n", ":1: "},
        Refusal{"UnknownMode", "mode: MODE_FAST\n", ":1: "},
        Refusal{"UnsetMode", "mode: MODE_UNSPECIFIED\n", ":1: "},
        Refusal{"RootKeyInOfflineMode",
                "data_dir: d\nmode: MODE_OFFLINE\n"
                "keys: {root_key_path: root.pem}\n",
                ": in MODE_OFFLINE the keys of root and targets"},
        Refusal{"ReleasesInOfflineMode",
                "data_dir: d\nmode: MODE_OFFLINE\n"
                "releases_path: releases.json\n",
                ": in MODE_OFFLINE people sign the releases"},
        Refusal{"CeremonyInOnlineMode",
                "data_dir: d\nmode: MODE_ONLINE\nceremony_dir: c\n",
                ": 'ceremony_dir' is of MODE_OFFLINE"},
        Refusal{"MapForAWord", "data_dir: {a: b}\n", ":1: "},
        Refusal{"AliasBomb", "log: &a {level: LEVEL_INFO}\ntls: *a\n",
                ":2: aliases"},
        Refusal{"NoFolder", "mode: MODE_ONLINE\n", ": 'data_dir'"},
        Refusal{"NoMode", "data_dir: d\n", ": 'mode'"},
        Refusal{"NoPort",
                "data_dir: d\nmode: MODE_ONLINE\nlisten_address: host\n",
                ": 'listen_address'"},
        Refusal{"PlainTextInTheOpen",
                "data_dir: d\nmode: MODE_ONLINE\n"
                "listen_address: 0.0.0.0:7443\n",
                ": '0.0.0.0:7443' is not of the loopback interface"},
        Refusal{"NoHttpPort",
                "data_dir: d\nmode: MODE_ONLINE\n"
                "http_listen_address: 127.0.0.1\n",
                ": 'http_listen_address'"},
        Refusal{"HttpInTheOpen",
                "data_dir: d\nmode: MODE_ONLINE\n"
                "http_listen_address: 0.0.0.0:8080\n",
                ": '0.0.0.0:8080' is not of the loopback interface"},
        Refusal{"TlsAndPlainText",
                "data_dir: d\nmode: MODE_ONLINE\nallow_plaintext: true\n"
                "tls: {certificate_path: c, key_path: k}\n",
                ": 'tls' and 'allow_plaintext'"},
        Refusal{"HalfATls",
                "data_dir: d\nmode: MODE_ONLINE\ntls: {key_path: k}\n",
                ": 'tls'"},
        Refusal{"RareTimestamp",
                "data_dir: d\nmode: MODE_ONLINE\n"
                "validity: {timestamp: 600s, timestamp_interval: 301s}\n",
                ": 'validity.timestamp_interval'"},
        Refusal{"ShortLife",
                "data_dir: d\nmode: MODE_ONLINE\nvalidity: {root: 5s}\n",
                ": 'validity.root'"},
        Refusal{"TooManyWatchers",
                "data_dir: d\nmode: MODE_ONLINE\nmax_watchers: -1\n",
                ": 'max_watchers'"},
        Refusal{"NoProxy", "data_dir: d\nmode: MODE_ONLINE\nproxies: [host]\n",
                ": 'proxies': 'host' is no address"},
        Refusal{"OneConnection",
                "data_dir: d\nmode: MODE_ONLINE\n"
                "limits: {http_connections: 1}\n",
                ": 'limits.http_connections' must be from 2"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Config, PlainHttpInTheOpenIsAllowedByName) {
  const auto config =
      Parse(absl::StrCat(kMinimal,
                         "allow_plaintext: true\nlisten_address: 0.0.0.0:7443\n"
                         "http_listen_address: 0.0.0.0:8080\n"
                         "tls: {certificate_path: c, key_path: k}\n"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->http_listen_address, "0.0.0.0:8080");
  EXPECT_EQ(config->tls_key_path, "/etc/trustd/k") << "gRPC keeps its TLS";
}

TEST(Config, LimitsWhatPeersHold) {
  const auto by_default = Parse(absl::StrCat(kMinimal, "max_watchers: 50\n"));
  ASSERT_TRUE(by_default.ok()) << by_default.status();
  EXPECT_EQ(by_default->limits.connections, 2050);
  EXPECT_EQ(by_default->limits.calls, 4096);
  EXPECT_EQ(by_default->limits.http_connections, 1024);
  EXPECT_EQ(by_default->limits.admin_connections, 256);
  const auto config = Parse(
      absl::StrCat(kMinimal,
                   "proxies: [192.0.2.0/24, '2001:db8::1']\n"
                   "limits: {connections: 10, calls: 11, http_connections: 12, "
                   "admin_connections: 13}\n"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->limits.proxies.Contains(*IpAddress::Parse("192.0.2.9")));
  EXPECT_FALSE(config->limits.proxies.Contains(*IpAddress::Parse("192.0.3.9")));
  EXPECT_EQ(config->limits.connections, 10);
  EXPECT_EQ(config->limits.calls, 11);
  EXPECT_EQ(config->limits.http_connections, 12);
  EXPECT_EQ(config->limits.admin_connections, 13);
}

TEST(Config, TakesReportsOnlyWhereItSaysSo) {
  EXPECT_EQ(Parse(kMinimal)->reports, std::nullopt);
  auto config = Parse(absl::StrCat(kMinimal, "reports: {}\n"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->reports, FleetSettings());
  config = Parse(absl::StrCat(kMinimal,
                              "reports: {window: 60s, least_senders: 100, "
                              "least_percent: 5}\n"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->reports->window, absl::Minutes(1));
  EXPECT_EQ(config->reports->threshold,
            (FailureThreshold{.senders = 100, .percent = 5}));
  for (const char* bad : {"window: 59s", "window: 604801s", "least_senders: 4",
                          "least_percent: 101", "least_percent: -1"}) {
    EXPECT_FALSE(Parse(absl::StrCat(kMinimal, "reports: {", bad, "}\n")).ok())
        << bad;
  }
}

// --- the effective configuration ---

// What a file says in the fields that are values.
void ExpectSame(const Config& a, const Config& b, const std::string& yaml) {
  EXPECT_TRUE(MessageDifferencer::Equals(a.effective, b.effective)) << yaml;
  EXPECT_EQ(a.limits, b.limits) << yaml;
  EXPECT_EQ(a.rotations, b.rotations) << yaml;
  EXPECT_EQ(a.admin, b.admin) << yaml;
  EXPECT_EQ(a.reports, b.reports) << yaml;
  EXPECT_EQ(a.beside_paths, b.beside_paths) << yaml;
  EXPECT_EQ(a.refresh_hint, b.refresh_hint) << yaml;
  EXPECT_EQ(a.timestamp_interval, b.timestamp_interval) << yaml;
  EXPECT_EQ(a.ceremony_dir, b.ceremony_dir) << yaml;
  EXPECT_EQ(a.targets_key_path, b.targets_key_path) << yaml;
  EXPECT_EQ(a.alerts.held_too_long, b.alerts.held_too_long) << yaml;
  ASSERT_EQ(a.alerts.webhooks.size(), b.alerts.webhooks.size()) << yaml;
  for (std::size_t i = 0; i < a.alerts.webhooks.size(); ++i) {
    EXPECT_EQ(a.alerts.webhooks[i].kinds, b.alerts.webhooks[i].kinds) << yaml;
    EXPECT_EQ(a.alerts.webhooks[i].secret_path,
              b.alerts.webhooks[i].secret_path);
  }
  ASSERT_EQ(a.sources.size(), b.sources.size()) << yaml;
  for (std::size_t i = 0; i < a.sources.size(); ++i) {
    const SourceProfile& of_a = a.sources[i].profile;
    const SourceProfile& of_b = b.sources[i].profile;
    EXPECT_EQ(of_a.name, of_b.name) << yaml;
    EXPECT_EQ(of_a.scope.partitions, of_b.scope.partitions) << yaml;
    EXPECT_EQ(of_a.scope.kinds, of_b.scope.kinds) << yaml;
    EXPECT_EQ(of_a.times.jitter, of_b.times.jitter) << yaml;
    EXPECT_EQ(of_a.depends_on, of_b.depends_on) << yaml;
    EXPECT_EQ(a.sources[i].limits.max_bytes, b.sources[i].limits.max_bytes);
    EXPECT_EQ(a.sources[i].ca_path, b.sources[i].ca_path) << yaml;
  }
}

// Each good beside all others of the same mode.
constexpr const char* kParts[] = {
    "listen_address: \"[::1]:0\"\n",
    "tls: {certificate_path: tls.crt, key_path: /k/tls.key}\n",
    "http_listen_address: localhost:8080\n",
    "validity: {root: 864000s, timestamp: 1200s}\n",
    "refresh_hint: 60s\n",
    "max_watchers: 1000000\n",
    "shutdown_grace: 0s\n",
    "reflection: false\n",
    "log: {level: LEVEL_ERROR}\n",
    "reports: {least_percent: 7}\n",
    "proxies: [192.0.2.0/24, '2001:db8::/32']\n",
    "limits: {calls: 2}\n",
    "keys: {online_key_path: ../online.pem}\n",
    "alerts:\n  held_too_long: 60s\n  webhooks:\n"
    "    - {name: a, url: 'https://h/?t=%20', secret_path: s}\n"
    "    - {name: b, url: https://h, secret_path: /s, kinds: [LEDGER_DAMAGED]}"
    "\n",
    "rotations: {approvals: 2, overlap: 86400s, rules: [{class: RE_KEY, "
    "action: "
    "ACTION_PUBLISH_AFTER, live_proofs: 3, hold: 60s}]}\n",
    "admin:\n  tls: {certificate_path: c, key_path: k}\n"
    "  client_ca_path: ca\n  people:\n"
    "    - {name: 'a: \\b', role: ROLE_OPERATOR}\n"
    "    - {name: \"b\\u00e9\", role: ROLE_APPROVER}\n",
    "sources:\n"
    "  - {name: page, interval: 60s, regions_page: {}}\n"
    "  - {name: cn, partitions: [aws-cn], jitter: 0s, regions_page: {}}\n"
    "  - {name: zip, nitro_root: {}, depends_on: [page], ca_path: ca}\n"
    "  - {name: gov, printed_root: {}, max_bytes: 1024}\n"
    "  - {name: dir, directory: {path: d}, kinds: [iid-dsa]}\n"
    "  - name: up\n    allow_loopback_http: true\n    upstream: "
    "{metadata_url: 'http://127.0.0.1:1/tuf', root_path: r}\n",
};

TEST(Config, WhatIsInEffectIsReadAsTheSame) {
  std::mt19937 random(20261129);
  for (int i = 0; i < 400; ++i) {
    std::string yaml = "data_dir: data\n";
    const bool online = random() % 2 == 0;
    yaml += online ? "mode: MODE_ONLINE\n" : "mode: MODE_OFFLINE\n";
    if (online && random() % 2 == 0) yaml += "releases_path: r.json\n";
    for (const char* part : kParts) {
      if (random() % 2 == 0) yaml += part;
    }
    // More approvals than people is refused.
    const auto config = Parse(yaml);
    if (!config.ok()) {
      EXPECT_THAT(std::string(config.status().message()),
                  ::testing::HasSubstr("approvals"))
          << yaml;
      continue;
    }
    const std::string effective = anchors::WriteYaml(config->effective);
    const auto again = ParseConfig(effective, "/elsewhere/other.yaml");
    ASSERT_TRUE(again.ok()) << again.status() << "\n" << effective;
    ExpectSame(*config, *again, yaml);
    EXPECT_TRUE(DifferencesAtStart(*config, *again).empty()) << yaml;
  }
}

TEST(Config, WhatIsInEffectHasEveryDefault) {
  const std::string effective = anchors::WriteYaml(Parse(kMinimal)->effective);
  for (const char* line :
       {"listen_address: 127.0.0.1:7443\n", "reflection: true\n",
        "allow_plaintext: false\n", "  timestamp_interval: 21600s\n",
        "  root_key_path: /var/lib/trustd/keys/root.pem\n",
        "  connections: 12000\n", "  level: LEVEL_INFO\n",
        "  held_too_long: 86400s\n", "  overlap: 7776000s\n",
        "    - class: RE_KEY\n      action: ACTION_HOLD\n"}) {
    EXPECT_THAT(effective, ::testing::HasSubstr(line));
  }
}

TEST(Config, NamesWhatAReloadCannotChange) {
  const auto before = Parse(absl::StrCat(kMinimal, "reports: {}\n"));
  const auto after = Parse(absl::StrCat(
      kMinimal,
      "listen_address: 127.0.0.1:1\nvalidity: {timestamp: 86400s}\n"
      "log: {level: LEVEL_DEBUG, format: FORMAT_JSON}\nreleases_path: r\n"
      "sources: [{name: a, nitro_root: {}}]\nproxies: [192.0.2.1]\n"
      "alerts: {webhooks: [{name: a, url: https://h, secret_path: s}]}\n"));
  ASSERT_TRUE(before.ok()) << before.status();
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_THAT(DifferencesAtStart(*before, *after),
              ::testing::ElementsAre("listen_address", "validity.timestamp",
                                     "log.format", "reports", "proxies"));
  EXPECT_TRUE(DifferencesAtStart(*before, *before).empty());
}

TEST(Config, TellsAnAbsentFileFromABadOne) {
  EXPECT_EQ(LoadConfig("/nonexistent/trustd.yaml").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace anchorage::trustd
