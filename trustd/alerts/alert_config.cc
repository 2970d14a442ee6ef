#include "trustd/alerts/alert_config.h"

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "trustd/base/config_reader.h"
#include "trustd/sources/web_address.h"

namespace anchorage::trustd {
namespace {

constexpr absl::Duration kLeastHeld = absl::Minutes(1);
constexpr absl::Duration kMostHeld = absl::Hours(365 * 24);
constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxConsoleUrlBytes = 256;
constexpr std::string_view kNameLetters =
    "abcdefghijklmnopqrstuvwxyz0123456789-";

// Reads one webhook; the first thing that is wrong is kept.
class Reader : private ConfigReader {
 public:
  Reader(v1::WebhookConfig& proto, const std::string& path)
      : ConfigReader(path, absl::StrCat("webhook '", proto.name(), "'"),
                     &proto),
        proto_(proto) {}

  absl::StatusOr<WebhookSettings> Read() && {
    settings_.name = proto_.name();
    settings_.url = proto_.url();
    settings_.allow_loopback_http = proto_.allow_loopback_http();
    CheckName();
    CheckUrl();
    ReadFormat();
    ReadPaths();
    ReadKinds();
    if (!status().ok()) return status();
    return std::move(settings_);
  }

 private:
  void CheckName() {
    const std::string& name = proto_.name();
    if (name.empty() || name.size() > kMaxNameBytes ||
        name.find_first_not_of(kNameLetters) != name.npos) {
      Fail("'name' must be 1 to 64 of a-z, 0-9 and '-'");
    }
  }

  void CheckUrl() {
    if (CheckWebAddress(proto_.url(), proto_.allow_loopback_http()).ok()) {
      return;
    }
    // The message leaves out the address: there may be a token in it.
    Fail(proto_.allow_loopback_http()
             ? "'url' must be https, or http on the loopback interface, "
               "without user and password"
             : "'url' must be https, without user and password (or, to a "
               "relay on this host, http with 'allow_loopback_http: true')");
  }

  void ReadFormat() {
    if (!v1::WebhookConfig::Format_IsValid(proto_.format())) {
      return Fail("'format' is not one that there is");
    }
    if (proto_.format() != v1::WebhookConfig::FORMAT_UNSPECIFIED) {
      settings_.format = proto_.format();
    }
    proto_.set_format(settings_.format);
    constexpr std::string_view kAlerts = "/api/v2/alerts";
    if (settings_.format == v1::WebhookConfig::FORMAT_ALERTMANAGER &&
        !proto_.url().ends_with(kAlerts)) {
      Fail("'url' ends with " + std::string(kAlerts) +
           " where 'format' is FORMAT_ALERTMANAGER");
    }
  }

  void ReadPaths() {
    if (!proto_.secret_path().empty()) {
      settings_.secret_path = Path(proto_.secret_path(), "secret_path");
    } else if (settings_.format == v1::WebhookConfig::FORMAT_GENERIC ||
               settings_.format == v1::WebhookConfig::FORMAT_PAGERDUTY) {
      return Fail("'secret_path' is required");
    }
    settings_.ca_path = Path(proto_.ca_path(), "ca_path");
  }

  void ReadKinds() {
    for (const std::string& name : proto_.kinds()) {
      const auto kind = AlertKindNamed(name);
      if (!kind.has_value()) {
        Fail("'" + name + "' is not a kind of alert");
      } else if (!settings_.kinds.insert(*kind).second) {
        Fail("'" + name + "' stands twice");
      }
    }
    if (!proto_.kinds().empty()) return;
    for (const AlertKind kind : AllAlertKinds()) {
      settings_.kinds.insert(kind);
      proto_.add_kinds(std::string(NameOf(kind)));
    }
  }

  v1::WebhookConfig& proto_;
  WebhookSettings settings_;
};

}  // namespace

absl::StatusOr<AlertSettings> ReadAlertSettings(v1::AlertConfig& alerts,
                                                const std::string& path) {
  ConfigReader reader(path, "", &alerts);
  AlertSettings settings;
  settings.held_too_long = reader.Within(
      alerts.has_held_too_long(), alerts.held_too_long(),
      settings.held_too_long, kLeastHeld, kMostHeld, "held_too_long");
  settings.console_url = alerts.console_url();
  if (settings.console_url.ends_with('/')) settings.console_url.pop_back();
  if (!settings.console_url.empty() &&
      (settings.console_url.size() > kMaxConsoleUrlBytes ||
       !CheckWebAddress(settings.console_url, /*allow_loopback_http=*/true)
            .ok())) {
    reader.Fail(
        "'console_url' must be https, or http on the loopback "
        "interface");
  }
  if (alerts.webhooks_size() > kMaxWebhooks) {
    reader.Fail(absl::StrCat("'webhooks' are ", kMaxWebhooks, " at most"));
  }
  if (!reader.status().ok()) return reader.status();
  std::set<std::string> names;
  for (v1::WebhookConfig& proto : *alerts.mutable_webhooks()) {
    auto webhook = Reader(proto, path).Read();
    if (!webhook.ok()) return webhook.status();
    if (!names.insert(proto.name()).second) {
      reader.Fail("two webhooks have the name '" + proto.name() + "'");
    }
    settings.webhooks.push_back(*std::move(webhook));
  }
  if (!reader.status().ok()) return reader.status();
  return settings;
}

}  // namespace anchorage::trustd
