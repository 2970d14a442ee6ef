// What each product is sent, against what its own pages say that it takes:
// README.md names them. The checks below are those pages, as code.

#include "trustd/alerts/alert_format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "trustd/alerts/alert.h"

namespace anchorage::trustd {
namespace {

using Json = nlohmann::json;
using v1::WebhookConfig;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr char kKey[] = "0123456789abcdef0123456789ABCDEF";
// Markup, commands, breaks and invisible characters of every product.
const std::string kHostile =
    "<!channel> <https://evil.example|ok> & *b* `c` @here\r\n"
    "CRITICAL  LEDGER_DAMAGED\x1b[31m \xe2\x80\xae"
    "drowssap \xff"
    "{{ template }} \"},{\"routing_key\":\"x\"";

Alert Good(AlertKind kind = AlertKind::kRotationDetected) {
  return {.kind = kind,
          .time = kNow,
          .subject = "aws/eu-central-1/iid-rsa2048",
          .text = "another key\nwas: 11\nnow: 22",
          .facts = {{"rotation", "17"}, {"class", "RE_KEY"}}};
}

Alert Hostile(AlertKind kind = AlertKind::kRotationDetected) {
  Alert alert = Good(kind);
  alert.subject = kHostile;
  alert.text = kHostile + std::string(kMaxAlertTextBytes, 'a');
  alert.facts = {{kHostile, kHostile}, {"rotation", kHostile}};
  return alert;
}

AlertForm FormOf(WebhookConfig::Format format) {
  return {.format = format,
          .host = "trustd-1",
          .console_url = "https://console.example",
          .routing_key = format == WebhookConfig::FORMAT_PAGERDUTY ? kKey : ""};
}

std::string Sent(const Alert& alert, const AlertForm& form) {
  const auto body = FormatAlert(AlertBody(alert, "00ff"), form, kNow);
  EXPECT_TRUE(body.has_value());
  return body.value_or("");
}

Json SentJson(const Alert& alert, const AlertForm& form) {
  const Json json = Json::parse(Sent(alert, form), nullptr, false);
  EXPECT_FALSE(json.is_discarded());
  return json;
}

// Whether nothing in a text acts on a terminal, or breaks a line but with '\n'.
bool IsVisible(const std::string& text) {
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) {
                        return (c < 0x20 && c != '\n') || c == 0x7f;
                      }) &&
         text.find("\xe2\x80\xae") == text.npos;
}

void ExpectVisible(const Json& json) {
  EXPECT_TRUE(!json.is_string() || IsVisible(json)) << json;
  if (!json.is_structured()) return;
  for (const auto& [name, value] : json.items()) {
    EXPECT_TRUE(IsVisible(name)) << name;
    ExpectVisible(value);
  }
}

// A member: its type, whether it must be there, and its most characters.
struct Member {
  Json::value_t type = Json::value_t::string;
  bool is_required = false;
  std::size_t most = std::string::npos;
};

void ExpectMembers(const Json& json,
                   const std::map<std::string, Member>& members) {
  ASSERT_TRUE(json.is_object()) << json;
  for (const auto& [name, value] : json.items()) {
    const auto member = members.find(name);
    ASSERT_NE(member, members.end()) << name << " is no member";
    EXPECT_EQ(value.type(), member->second.type) << name;
    // Bytes, of which a character has at least one.
    if (value.is_string()) {
      EXPECT_LE(std::string(value).size(), member->second.most) << name;
    }
  }
  for (const auto& [name, member] : members) {
    EXPECT_TRUE(!member.is_required || json.contains(name)) << name;
  }
}

constexpr auto kObject = Json::value_t::object;
constexpr auto kArray = Json::value_t::array;
constexpr auto kBoolean = Json::value_t::boolean;

// --- PagerDuty: Events API v2, "Send an Alert Event" ---------------------------

void ExpectPagerDuty(const std::string& body) {
  EXPECT_LE(body.size(), 512u * 1024);
  const Json json = Json::parse(body, nullptr, false);
  ExpectMembers(json, {{"routing_key", {.is_required = true, .most = 32}},
                       {"event_action", {.is_required = true}},
                       {"dedup_key", {.most = 255}},
                       {"payload", {.type = kObject}},
                       {"images", {.type = kArray}},
                       {"links", {.type = kArray}},
                       {"client", {}},
                       {"client_url", {}}});
  const std::set<std::string> actions = {"trigger", "acknowledge", "resolve"};
  EXPECT_EQ(actions.count(json["event_action"]), 1u);
  if (json["event_action"] != "trigger") {
    // "Required unless the event is a trigger."
    EXPECT_TRUE(json.contains("dedup_key"));
    return;
  }
  ASSERT_TRUE(json.contains("payload"));
  ExpectMembers(json["payload"],
                {{"summary", {.is_required = true, .most = 1024}},
                 {"source", {.is_required = true}},
                 {"severity", {.is_required = true}},
                 {"timestamp", {}},
                 {"component", {}},
                 {"group", {}},
                 {"class", {}},
                 {"custom_details", {.type = kObject}}});
  const std::set<std::string> severities = {"critical", "error", "warning",
                                            "info"};
  EXPECT_EQ(severities.count(json["payload"]["severity"]), 1u);
  for (const Json& link : json.value("links", Json::array())) {
    ExpectMembers(link, {{"href", {.is_required = true}}, {"text", {}}});
  }
}

// --- Slack: incoming webhooks, and "Formatting message text" -------------------

void ExpectSlack(const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  // It says to stay below 4,000 characters, and cuts at 40,000.
  ExpectMembers(json, {{"text", {.is_required = true, .most = 40'000}},
                       {"mrkdwn", {.type = kBoolean}},
                       {"unfurl_links", {.type = kBoolean}},
                       {"unfurl_media", {.type = kBoolean}}});
  // Only these three entities are read, and none of these characters is left.
  std::string text = json["text"];
  EXPECT_EQ(text.find_first_of("<>"), text.npos) << text;
  for (std::size_t at = text.find('&'); at != text.npos;
       at = text.find('&', at + 1)) {
    const std::string rest = text.substr(at);
    EXPECT_TRUE(rest.starts_with("&amp;") || rest.starts_with("&lt;") ||
                rest.starts_with("&gt;"))
        << rest;
  }
}

// --- Alertmanager: api/v2/openapi.yaml, postableAlerts --------------------------

bool IsLabelName(const std::string& name) {
  return !name.empty() && !absl::ascii_isdigit(name[0]) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '_';
         });
}

void ExpectLabelSet(const Json& set) {
  ASSERT_TRUE(set.is_object());
  for (const auto& [name, value] : set.items()) {
    EXPECT_TRUE(IsLabelName(name)) << name;
    EXPECT_TRUE(value.is_string()) << name;
  }
}

absl::Time TimeOf(const Json& json) {
  absl::Time time;
  EXPECT_TRUE(
      absl::ParseTime(absl::RFC3339_full, std::string(json), &time, nullptr))
      << json;
  return time;
}

void ExpectAlertmanager(const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  ASSERT_TRUE(json.is_array());
  EXPECT_FALSE(json.empty());
  for (const Json& alert : json) {
    ExpectMembers(alert, {{"labels", {.type = kObject, .is_required = true}},
                          {"annotations", {.type = kObject}},
                          {"startsAt", {}},
                          {"endsAt", {}},
                          {"generatorURL", {}}});
    ExpectLabelSet(alert["labels"]);
    EXPECT_TRUE(alert["labels"].contains("alertname"));
    for (const auto& [name, value] : alert["labels"].items()) {
      // It drops those that are empty, and then they are others.
      EXPECT_NE(value, "") << name;
    }
    if (alert.contains("annotations")) ExpectLabelSet(alert["annotations"]);
    EXPECT_LE(TimeOf(alert["startsAt"]), TimeOf(alert["endsAt"]));
  }
}

// --------------------------------------------------------------------------------

TEST(AlertFormat, EachProductTakesEveryKindWhateverOthersWrote) {
  for (const AlertKind kind : AllAlertKinds()) {
    for (const Alert& alert : {Good(kind), Hostile(kind)}) {
      ExpectPagerDuty(Sent(alert, FormOf(WebhookConfig::FORMAT_PAGERDUTY)));
      ExpectSlack(Sent(alert, FormOf(WebhookConfig::FORMAT_SLACK)));
      ExpectAlertmanager(
          Sent(alert, FormOf(WebhookConfig::FORMAT_ALERTMANAGER)));
      for (const auto format :
           {WebhookConfig::FORMAT_PAGERDUTY, WebhookConfig::FORMAT_SLACK,
            WebhookConfig::FORMAT_ALERTMANAGER}) {
        ExpectVisible(SentJson(alert, FormOf(format)));
      }
    }
  }
}

TEST(AlertFormat, GenericHasWhatItAlwaysHadAndMore) {
  EXPECT_EQ(Sent(Good(), FormOf(WebhookConfig::FORMAT_GENERIC)),
            R"({"id":"00ff","kind":"ROTATION_DETECTED",)"
            R"("time":"2027-01-15T08:00:00Z",)"
            R"("subject":"aws/eu-central-1/iid-rsa2048",)"
            R"("text":"another key\nwas: 11\nnow: 22",)"
            R"("facts":{"class":"RE_KEY","rotation":"17"},)"
            R"("severity":"critical","alert_id":"rotation/17",)"
            R"("meaning":"A source or an instance shows a change that was not )"
            R"(there before: people must decide, and instances of )"
            R"(eu-central-1 are refused once AWS signs with it",)"
            R"("command":"trustctl rotations show 17",)"
            R"("manual":"/usr/share/doc/trustd/alerts/)"
            R"(ALERTS.md#rotation_detected",)"
            R"("console":"https://console.example/changes/17"})");
  AlertForm form = FormOf(WebhookConfig::FORMAT_GENERIC);
  EXPECT_EQ(SentJson(Hostile(), form)["console"],
            "https://console.example/alerts");
  form.console_url = "";
  EXPECT_FALSE(SentJson(Good(), form).contains("console"));
}

TEST(AlertFormat, SlackShowsALineOfOthersAfterTwoSpaces) {
  const std::string text =
      SentJson(Hostile(), FormOf(WebhookConfig::FORMAT_SLACK))["text"];
  EXPECT_NE(text.find("\n  CRITICAL  LEDGER_DAMAGED"), text.npos) << text;
  EXPECT_EQ(text.find("\nCRITICAL"), text.npos);
  EXPECT_TRUE(text.starts_with("WARNING  ROTATION_DETECTED  "));
  EXPECT_NE(text.find("&lt;!channel&gt;"), text.npos);
  EXPECT_LT(text.size(), 2 * kMaxShownAlertBytes);
}

TEST(AlertFormat, PagerDutyResolvesWhatItWasGiven) {
  const AlertForm form = FormOf(WebhookConfig::FORMAT_PAGERDUTY);
  const Json begin = SentJson(Good(), form);
  EXPECT_EQ(begin["event_action"], "trigger");
  EXPECT_EQ(begin["routing_key"], kKey);
  EXPECT_EQ(begin["dedup_key"], "trustd-1 rotation/17");
  EXPECT_EQ(begin["payload"]["severity"], "critical");
  EXPECT_EQ(begin["payload"]["source"], "trustd-1");
  for (const AlertKind kind :
       {AlertKind::kRotationPublished, AlertKind::kRotationEnded}) {
    const Json end = SentJson(Good(kind), form);
    EXPECT_EQ(end["event_action"], "resolve");
    EXPECT_EQ(end["dedup_key"], begin["dedup_key"]);
  }
  Alert other = Good(AlertKind::kRotationEnded);
  other.facts["rotation"] = "18";
  EXPECT_NE(SentJson(other, form)["dedup_key"], begin["dedup_key"]);
  AlertForm elsewhere = form;
  elsewhere.host = "trustd-2";
  EXPECT_NE(SentJson(Good(), elsewhere)["dedup_key"], begin["dedup_key"]);
}

TEST(AlertFormat, AlertmanagerEndsWhatItWasGiven) {
  const AlertForm form = FormOf(WebhookConfig::FORMAT_ALERTMANAGER);
  std::set<std::string> ended;
  const Json end = SentJson(Good(AlertKind::kRotationPublished), form);
  for (const Json& one : end) {
    ended.insert(one["labels"].dump());
    EXPECT_EQ(TimeOf(one["endsAt"]), kNow);
  }
  for (const AlertKind kind :
       {AlertKind::kRotationDetected, AlertKind::kRotationHeldTooLong,
        AlertKind::kApprovalsVoid}) {
    const Json begin = SentJson(Good(kind), form);
    ASSERT_EQ(begin.size(), 1u);
    EXPECT_EQ(ended.count(begin[0]["labels"].dump()), 1u) << begin;
    EXPECT_EQ(TimeOf(begin[0]["endsAt"]), kNow + kStandsUntilEnd);
  }
  EXPECT_EQ(ended.size(), 3u);
  const Json alone = SentJson(Good(AlertKind::kClockJumped), form);
  EXPECT_EQ(TimeOf(alone[0]["endsAt"]), kNow + kStandsAlone);
}

TEST(AlertFormat, AnAlertThatComesLateStandsFromThenOn) {
  const auto body = FormatAlert(AlertBody(Good(), "1"),
                                FormOf(WebhookConfig::FORMAT_ALERTMANAGER),
                                kNow + absl::Hours(24 * 6));
  const Json json = Json::parse(*body);
  EXPECT_EQ(TimeOf(json[0]["startsAt"]), kNow);
  EXPECT_EQ(TimeOf(json[0]["endsAt"]),
            kNow + absl::Hours(24 * 6) + kStandsUntilEnd);
}

// As an earlier or a later version left it in the queue.
TEST(AlertFormat, WhatAnotherVersionWroteIsSent) {
  const std::string earlier =
      R"({"id":"8c1f","kind":"SOURCE_FAILING","time":"2027-01-15T08:00:00Z",)"
      R"("subject":"aws-docs","text":"TIMED_OUT","facts":{}})";
  const std::string later =
      R"({"id":"8c1f","kind":"NEWER_<KIND>","time":"2027-01-15T08:00:00Z",)"
      R"("subject":"a","text":"b","facts":{},"more":[1]})";
  for (const std::string& stored : {earlier, later}) {
    ExpectPagerDuty(
        *FormatAlert(stored, FormOf(WebhookConfig::FORMAT_PAGERDUTY), kNow));
    ExpectSlack(
        *FormatAlert(stored, FormOf(WebhookConfig::FORMAT_SLACK), kNow));
    ExpectAlertmanager(
        *FormatAlert(stored, FormOf(WebhookConfig::FORMAT_ALERTMANAGER), kNow));
    const Json generic = Json::parse(
        *FormatAlert(stored, FormOf(WebhookConfig::FORMAT_GENERIC), kNow));
    EXPECT_EQ(generic["id"], "8c1f");
  }
  EXPECT_EQ(Json::parse(*FormatAlert(
                later, FormOf(WebhookConfig::FORMAT_GENERIC), kNow))["more"],
            Json::array({1}));
}

TEST(AlertFormat, WhatCannotBeReadIsSentAsItIsOrNotAtAll) {
  for (const char* stored : {"", "{}", "[1]", "text"}) {
    EXPECT_EQ(FormatAlert(stored, FormOf(WebhookConfig::FORMAT_GENERIC), kNow),
              stored);
    for (const auto format :
         {WebhookConfig::FORMAT_PAGERDUTY, WebhookConfig::FORMAT_SLACK,
          WebhookConfig::FORMAT_ALERTMANAGER}) {
      EXPECT_EQ(FormatAlert(stored, FormOf(format), kNow), std::nullopt);
    }
  }
}

}  // namespace
}  // namespace anchorage::trustd
