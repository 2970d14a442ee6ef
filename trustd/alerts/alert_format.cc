#include "trustd/alerts/alert_format.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "trustd/alerts/alert.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

using Json = nlohmann::ordered_json;
using verify::Printable;

constexpr std::size_t kMaxHostBytes = 64;
constexpr std::size_t kMaxSubjectBytes = 200;

// An alert with what is known of its kind.
struct Message {
  StoredAlert stored;
  // Names what it is about; of an unknown kind, the alert itself.
  std::string alert_id;
  Severity severity = Severity::kWarning;
  bool is_end = false;
  std::string meaning;
  std::string command;
  std::string manual;
  // The page of the console; empty for none.
  std::string console;

  const Alert& alert() const { return stored.alert; }
  std::string subject() const {
    return Printable(alert().subject, kMaxSubjectBytes);
  }
  std::string time() const {
    return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", alert().time,
                            absl::UTCTimeZone());
  }
};

std::string ConsolePageOf(const std::string& console_url,
                          const std::string& alert_id) {
  if (console_url.empty()) return "";
  absl::string_view id = alert_id;
  std::uint64_t rotation = 0;
  if (absl::ConsumePrefix(&id, "rotation/") &&
      absl::SimpleAtoi(id, &rotation)) {
    return absl::StrCat(console_url, "/changes/", rotation);
  }
  return console_url + "/alerts";
}

Message MessageOf(StoredAlert stored, const AlertForm& form) {
  Message message;
  message.stored = std::move(stored);
  const Alert& alert = message.alert();
  if (message.stored.is_known) {
    message.alert_id = AlertIdOf(alert);
    message.severity = SeverityOf(alert);
    message.is_end = IsEnd(alert.kind);
    message.meaning = MeaningOf(alert);
    message.command = CommandOf(alert);
    message.manual = ManualOf(alert.kind);
  } else {
    message.alert_id = absl::StrCat("other/", message.stored.id);
    message.meaning = "Another version of trustd gave this alert";
    message.command = "trustctl alerts list";
    message.manual = std::string(kAlertManual);
  }
  message.console = ConsolePageOf(form.console_url, message.alert_id);
  return message;
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Returns the lines of a text that others wrote, each after two spaces, so that
// none passes for one of ours.
std::string Lines(std::string_view text) {
  std::string lines;
  for (absl::string_view line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    if (lines.size() >= kMaxShownAlertBytes) {
      absl::StrAppend(&lines, "  ...\n");
      break;
    }
    absl::StrAppend(&lines, "  ",
                    Printable({line.data(), line.size()},
                              kMaxShownAlertBytes - lines.size() + 3),
                    "\n");
  }
  return lines;
}

std::string FirstLine(const Message& message) {
  const std::string& text = message.alert().text;
  return Printable(std::string_view(text).substr(0, text.find('\n')));
}

std::string HostOf(const AlertForm& form) {
  return Printable(form.host.empty() ? "trustd" : form.host, kMaxHostBytes);
}

std::string Generic(std::string_view stored, const Message& message) {
  // What is stored has all that there was, in the order of the manual.
  Json body = Json::parse(stored, nullptr, false);
  if (!body.is_object()) return std::string(stored);
  body["severity"] = NameOf(message.severity);
  body["alert_id"] = message.alert_id;
  body["meaning"] = message.meaning;
  body["command"] = message.command;
  body["manual"] = message.manual;
  if (!message.console.empty()) body["console"] = message.console;
  return Dump(body);
}

// Nothing in it is markup: `mrkdwn` is off, and the three characters by which
// links and mentions begin are escaped. Nothing that it names is fetched.
std::string Slack(const Message& message, const AlertForm& form) {
  const std::string severity(NameOf(message.severity));
  std::string text = absl::StrCat(
      absl::AsciiStrToUpper(severity), "  ", Printable(message.stored.kind, 64),
      "  ", message.subject(), "\n", message.meaning, ".\n",
      Lines(message.alert().text), "Type: ", message.command, "\n");
  if (!message.console.empty()) {
    absl::StrAppend(&text, "See: ", message.console, "\n");
  }
  absl::StrAppend(&text, message.alert_id, " of ", HostOf(form), " at ",
                  message.time(), "; manual: ", message.manual);
  Json body;
  body["text"] =
      absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
  body["mrkdwn"] = false;
  body["unfurl_links"] = false;
  body["unfurl_media"] = false;
  return Dump(body);
}

std::string PagerDuty(const Message& message, const AlertForm& form) {
  Json body;
  body["routing_key"] = form.routing_key;
  body["event_action"] = message.is_end ? "resolve" : "trigger";
  // By bytes, of which a character has at least one.
  body["dedup_key"] = Printable(
      absl::StrCat(HostOf(form), " ", message.alert_id), kMaxPagerDutyKey);
  if (message.is_end) return Dump(body);
  Json details;
  details["kind"] = Printable(message.stored.kind, 64);
  details["alert_id"] = message.alert_id;
  details["meaning"] = message.meaning;
  details["command"] = message.command;
  details["manual"] = message.manual;
  details["text"] = Lines(message.alert().text);
  for (const auto& [name, value] : message.alert().facts) {
    details["facts"][Printable(name, 64)] =
        Printable(value, kMaxShownAlertBytes);
  }
  Json payload;
  payload["summary"] =
      Printable(absl::StrCat(Printable(message.stored.kind, 64), " ",
                             message.subject(), ": ", FirstLine(message)),
                kMaxPagerDutySummary);
  payload["source"] = HostOf(form);
  payload["severity"] = NameOf(message.severity);
  payload["timestamp"] = message.time();
  payload["component"] = message.subject();
  payload["group"] = "anchorage";
  payload["class"] = Printable(message.stored.kind, 64);
  payload["custom_details"] = std::move(details);
  body["payload"] = std::move(payload);
  body["client"] = "trustd";
  if (!message.console.empty()) {
    body["client_url"] = message.console;
    body["links"] = Json::array(
        {{{"href", message.console}, {"text", "the console's page"}}});
  }
  return Dump(body);
}

// What Alertmanager knows an alert by: the same for its begin and its end.
Json LabelsOf(std::string_view kind, Severity severity, const Message& message,
              const AlertForm& form) {
  Json labels;
  labels["alertname"] = Printable(kind, 64);
  labels["severity"] = NameOf(severity);
  labels["alert_id"] = message.alert_id;
  labels["instance"] = HostOf(form);
  labels["job"] = "trustd";
  return labels;
}

std::string Alertmanager(const Message& message, const AlertForm& form,
                         absl::Time now) {
  const auto text_of = [](absl::Time time) {
    return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
  };
  Json alerts = Json::array();
  if (message.is_end) {
    for (const AlertKind kind : KindsAboutTheSame(message.alert().kind)) {
      if (!HasEnd(kind)) continue;
      // With the labels that it began with, or it is another.
      Alert begun = message.alert();
      begun.kind = kind;
      Json alert;
      alert["labels"] =
          LabelsOf(NameOf(kind), SeverityOf(begun), message, form);
      alert["startsAt"] = alert["endsAt"] = message.time();
      alerts.push_back(std::move(alert));
    }
    return Dump(alerts);
  }
  const bool has_end = message.stored.is_known && HasEnd(message.alert().kind);
  Json alert;
  alert["labels"] =
      LabelsOf(message.stored.kind, message.severity, message, form);
  Json& annotations = alert["annotations"];
  annotations["summary"] =
      Printable(absl::StrCat(message.subject(), ": ", FirstLine(message)),
                kMaxPagerDutySummary);
  annotations["description"] =
      absl::StrCat(message.meaning, ".\n", Lines(message.alert().text));
  annotations["command"] = message.command;
  annotations["manual"] = message.manual;
  alert["startsAt"] = message.time();
  alert["endsAt"] = text_of(std::max(message.alert().time, now) +
                            (has_end ? kStandsUntilEnd : kStandsAlone));
  if (!message.console.empty()) alert["generatorURL"] = message.console;
  alerts.push_back(std::move(alert));
  return Dump(alerts);
}

}  // namespace

bool KeepsAlerts(v1::WebhookConfig::Format format) {
  return format == v1::WebhookConfig::FORMAT_PAGERDUTY ||
         format == v1::WebhookConfig::FORMAT_ALERTMANAGER;
}

std::optional<std::string> FormatAlert(std::string_view stored,
                                       const AlertForm& form, absl::Time now) {
  auto alert = ReadAlertBody(stored);
  if (!alert.has_value()) {
    if (form.format != v1::WebhookConfig::FORMAT_GENERIC) return std::nullopt;
    return std::string(stored);
  }
  const Message message = MessageOf(*std::move(alert), form);
  switch (form.format) {
    case v1::WebhookConfig::FORMAT_SLACK:
      return Slack(message, form);
    case v1::WebhookConfig::FORMAT_PAGERDUTY:
      return PagerDuty(message, form);
    case v1::WebhookConfig::FORMAT_ALERTMANAGER:
      return Alertmanager(message, form, now);
    default:
      return Generic(stored, message);
  }
}

}  // namespace anchorage::trustd
