#include "trustd/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace anchorage::trustd {
namespace {

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

TEST(Config, TellsAnAbsentFileFromABadOne) {
  EXPECT_EQ(LoadConfig("/nonexistent/trustd.yaml").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace anchorage::trustd
