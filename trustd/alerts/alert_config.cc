#include "trustd/alerts/alert_config.h"

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "trustd/base/config_path.h"
#include "trustd/sources/web_address.h"

namespace anchorage::trustd {
namespace {

constexpr absl::Duration kLeastHeld = absl::Minutes(1);
constexpr absl::Duration kMostHeld = absl::Hours(365 * 24);
constexpr std::size_t kMaxNameBytes = 64;
constexpr std::string_view kNameLetters =
    "abcdefghijklmnopqrstuvwxyz0123456789-";

// Reads one webhook, and keeps the first error.
class Reader {
 public:
  Reader(const v1::WebhookConfig& proto, const std::string& path)
      : proto_(proto), path_(path) {}

  absl::StatusOr<WebhookSettings> Read() && {
    settings_.name = proto_.name();
    settings_.url = proto_.url();
    settings_.allow_loopback_http = proto_.allow_loopback_http();
    CheckName();
    CheckUrl();
    ReadPaths();
    ReadKinds();
    if (!status_.ok()) return status_;
    return std::move(settings_);
  }

 private:
  void Fail(const std::string& what) {
    if (!status_.ok()) return;
    status_ = absl::InvalidArgumentError(
        absl::StrCat(path_, ": webhook '", proto_.name(), "': ", what));
  }

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
             : "'url' must be https, without user and password");
  }

  void ReadPaths() {
    if (proto_.secret_path().empty()) return Fail("'secret_path' is required");
    settings_.secret_path = ResolvePath(proto_.secret_path(), path_);
    if (!proto_.ca_path().empty()) {
      settings_.ca_path = ResolvePath(proto_.ca_path(), path_);
    }
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
    if (proto_.kinds().empty()) {
      settings_.kinds.insert(AllAlertKinds().begin(), AllAlertKinds().end());
    }
  }

  const v1::WebhookConfig& proto_;
  const std::string& path_;
  WebhookSettings settings_;
  absl::Status status_;
};

absl::Status Invalid(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

}  // namespace

absl::StatusOr<AlertSettings> ReadAlertSettings(const v1::AlertConfig& alerts,
                                                const std::string& path) {
  AlertSettings settings;
  if (alerts.has_held_too_long()) {
    const auto& given = alerts.held_too_long();
    settings.held_too_long =
        absl::Seconds(given.seconds()) + absl::Nanoseconds(given.nanos());
    if (settings.held_too_long < kLeastHeld ||
        settings.held_too_long > kMostHeld) {
      return Invalid(path,
                     absl::StrCat("'held_too_long' must be from ",
                                  absl::ToInt64Seconds(kLeastHeld), "s to ",
                                  absl::ToInt64Seconds(kMostHeld), "s"));
    }
  }
  if (alerts.webhooks_size() > kMaxWebhooks) {
    return Invalid(path,
                   absl::StrCat("'webhooks' are ", kMaxWebhooks, " at most"));
  }
  std::set<std::string> names;
  for (const v1::WebhookConfig& proto : alerts.webhooks()) {
    auto webhook = Reader(proto, path).Read();
    if (!webhook.ok()) return webhook.status();
    if (!names.insert(proto.name()).second) {
      return Invalid(path, "two webhooks have the name '" + proto.name() + "'");
    }
    settings.webhooks.push_back(*std::move(webhook));
  }
  return settings;
}

}  // namespace anchorage::trustd
