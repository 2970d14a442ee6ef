#include "trustd/alerts/alert_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "anchors/base/yaml_to_proto.h"

namespace anchorage::trustd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

absl::StatusOr<AlertSettings> Read(const std::string& yaml) {
  v1::TrustdConfig proto;
  const absl::Status status = anchors::ReadYaml(yaml, "trustd.yaml", proto);
  EXPECT_TRUE(status.ok()) << status;
  return ReadAlertSettings(*proto.mutable_alerts(), "/etc/trustd/trustd.yaml");
}

// One webhook, as these lines say.
absl::StatusOr<AlertSettings> ReadOne(const std::string& name,
                                      const std::string& url,
                                      const std::string& lines) {
  return Read(absl::StrCat("alerts:\n  webhooks:\n    - name: '", name,
                           "'\n      url: '", url, "'\n", lines));
}

constexpr char kUrl[] = "https://alerts.example/hook";
constexpr char kSecret[] = "      secret_path: pager.secret\n";

TEST(AlertConfig, TellsNobodyByDefault) {
  const auto settings = Read("{}");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_TRUE(settings->webhooks.empty());
  EXPECT_EQ(settings->held_too_long, absl::Hours(24));
}

TEST(AlertConfig, CompletesAWebhook) {
  const auto settings = ReadOne("pager", kUrl, kSecret);
  ASSERT_TRUE(settings.ok()) << settings.status();
  const WebhookSettings& webhook = settings->webhooks.at(0);
  EXPECT_EQ(webhook.name, "pager");
  EXPECT_EQ(webhook.url, kUrl);
  EXPECT_EQ(webhook.secret_path, "/etc/trustd/pager.secret");
  EXPECT_EQ(webhook.kinds.size(), AllAlertKinds().size());
  EXPECT_FALSE(webhook.allow_loopback_http);
  EXPECT_EQ(webhook.ca_path, "");
}

TEST(AlertConfig, ReadsEverything) {
  const auto settings = Read(R"(
alerts:
  held_too_long: 60s
  webhooks:
    - name: a
      url: http://127.0.0.1:8080/
      secret_path: /run/secret
      allow_loopback_http: true
      ca_path: ca.pem
      kinds: [SOURCE_FAILING, LEDGER_DAMAGED]
    - name: b
      url: https://b.example
      secret_path: s
)");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->held_too_long, absl::Minutes(1));
  ASSERT_EQ(settings->webhooks.size(), 2u);
  const WebhookSettings& webhook = settings->webhooks[0];
  EXPECT_EQ(webhook.secret_path, "/run/secret");
  EXPECT_EQ(webhook.ca_path, "/etc/trustd/ca.pem");
  EXPECT_TRUE(webhook.allow_loopback_http);
  EXPECT_THAT(webhook.kinds, ElementsAre(AlertKind::kSourceFailing,
                                         AlertKind::kLedgerDamaged));
}

struct Bad {
  const char* name;
  std::string webhook_name;
  std::string url;
  std::string lines;
};

class BadWebhook : public ::testing::TestWithParam<Bad> {};

TEST_P(BadWebhook, IsRefused) {
  const auto settings =
      ReadOne(GetParam().webhook_name, GetParam().url, GetParam().lines);
  EXPECT_EQ(settings.status().code(), absl::StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(
    AlertConfig, BadWebhook,
    ::testing::Values(
        Bad{"NoName", "", kUrl, kSecret},
        Bad{"NameWithASlash", "a/b", kUrl, kSecret},
        Bad{"NameInCapitals", "A", kUrl, kSecret},
        Bad{"LongName", std::string(65, 'a'), kUrl, kSecret},
        Bad{"NoUrl", "a", "", kSecret},
        Bad{"PlainHttp", "a", "http://alerts.example/", kSecret},
        Bad{"LoopbackUnasked", "a", "http://127.0.0.1/", kSecret},
        Bad{"HttpElsewhere", "a", "http://alerts.example/",
            std::string(kSecret) + "      allow_loopback_http: true\n"},
        Bad{"Password", "a", "https://me:word@alerts.example/", kSecret},
        Bad{"NoSecret", "a", kUrl, ""},
        Bad{"NoKeyOfPagerDuty", "a", kUrl, "      format: FORMAT_PAGERDUTY\n"},
        Bad{"NotAlertmanagersPath", "a", "https://am.example/api/v1/alerts",
            std::string(kSecret) + "      format: FORMAT_ALERTMANAGER\n"},
        Bad{"UnknownKind", "a", kUrl,
            std::string(kSecret) + "      kinds: [ROTATION]\n"},
        Bad{"KindTwice", "a", kUrl,
            std::string(kSecret) +
                "      kinds: [SOURCE_FAILING, SOURCE_FAILING]\n"}),
    [](const auto& info) { return info.param.name; });

TEST(AlertConfig, ReadsTheFormAndWhereTheConsoleIs) {
  const auto settings = Read(R"(
alerts:
  console_url: https://console.example/
  webhooks:
    - {name: a, url: 'https://hooks.example/x', format: FORMAT_SLACK}
    - {name: b, url: 'https://b.example/api/v2/alerts',
       format: FORMAT_ALERTMANAGER}
    - {name: c, url: 'https://c.example', format: FORMAT_PAGERDUTY,
       secret_path: s}
    - {name: d, url: 'https://d.example', secret_path: s}
)");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->console_url, "https://console.example");
  EXPECT_EQ(settings->webhooks[0].format, v1::WebhookConfig::FORMAT_SLACK);
  EXPECT_EQ(settings->webhooks[0].secret_path, "");
  EXPECT_EQ(settings->webhooks[2].format, v1::WebhookConfig::FORMAT_PAGERDUTY);
  EXPECT_EQ(settings->webhooks[3].format, v1::WebhookConfig::FORMAT_GENERIC);
}

TEST(AlertConfig, TheConsoleIsNotInTheClear) {
  EXPECT_TRUE(Read("alerts: {console_url: 'http://127.0.0.1:7445'}").ok());
  for (const std::string& bad :
       {std::string("http://console.example"), std::string("console"),
        std::string("javascript:alert(1)"),
        "https://console.example/" + std::string(256, 'a')}) {
    EXPECT_FALSE(Read("alerts: {console_url: '" + bad + "'}").ok()) << bad;
  }
}

TEST(AlertConfig, TakesTheLongestNameAndTheMostWebhooks) {
  EXPECT_TRUE(ReadOne(std::string(64, 'a'), kUrl, kSecret).ok());
  std::string yaml = "alerts:\n  webhooks:\n";
  for (int i = 0; i < kMaxWebhooks; ++i) {
    absl::StrAppend(&yaml, "    - {name: w", i, ", url: '", kUrl,
                    "', secret_path: s}\n");
  }
  EXPECT_TRUE(Read(yaml).ok());
  absl::StrAppend(&yaml, "    - {name: more, url: '", kUrl,
                  "', secret_path: s}\n");
  EXPECT_FALSE(Read(yaml).ok());
}

TEST(AlertConfig, RefusesTwoOfOneName) {
  EXPECT_FALSE(
      Read(absl::StrCat("alerts:\n  webhooks:\n", "    - {name: a, url: '",
                        kUrl, "', secret_path: s}\n", "    - {name: a, url: '",
                        kUrl, "', secret_path: s}\n"))
          .ok());
}

TEST(AlertConfig, BoundsHeldTooLong) {
  EXPECT_TRUE(Read("alerts: {held_too_long: 31536000s}").ok());
  EXPECT_FALSE(Read("alerts: {held_too_long: 31536001s}").ok());
  EXPECT_FALSE(Read("alerts: {held_too_long: 59s}").ok());
  EXPECT_FALSE(Read("alerts: {held_too_long: 0s}").ok());
}

TEST(AlertConfig, KeepsATokenInAnAddressOutOfItsMessages) {
  const auto settings = ReadOne("a", "http://alerts.example/T0KEN", kSecret);
  EXPECT_THAT(std::string(settings.status().message()),
              Not(HasSubstr("T0KEN")));
}

}  // namespace
}  // namespace anchorage::trustd
