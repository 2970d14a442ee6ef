// The alerts of a configuration: read, completed with their defaults, and
// checked.
//
//   auto settings =
//       ReadAlertSettings(*proto.mutable_alerts(), "/etc/trustd.yaml");

#ifndef ANCHORAGE_TRUSTD_ALERTS_ALERT_CONFIG_H_
#define ANCHORAGE_TRUSTD_ALERTS_ALERT_CONFIG_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/anchorage/v1/config.pb.h"
#include "trustd/alerts/alert.h"

namespace anchorage::trustd {

inline constexpr int kMaxWebhooks = 16;

struct WebhookSettings {
  std::string name;
  // May contain a token of the receiver's: never write it to a log or a
  // message.
  std::string url;
  // Empty where the format needs none.
  std::string secret_path;
  v1::WebhookConfig::Format format = v1::WebhookConfig::FORMAT_GENERIC;
  // The kinds of alert that the webhook gets.
  std::set<AlertKind> kinds;
  bool allow_loopback_http = false;
  // PEM certificates to check the server with; empty: the system's.
  std::string ca_path;
};

// Every value is within its limits (config.proto), with defaults filled in, so
// no user of this has to know a default.
struct AlertSettings {
  std::vector<WebhookSettings> webhooks;
  absl::Duration held_too_long = absl::Hours(24);
  // Without a slash at its end; empty for none.
  std::string console_url;
};

// `path` is the configuration file's: every message begins with it, and
// relative paths are relative to its folder. Fills the defaults into `alerts`.
// Reads no file. Fails with INVALID_ARGUMENT.
absl::StatusOr<AlertSettings> ReadAlertSettings(v1::AlertConfig& alerts,
                                                const std::string& path);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ALERTS_ALERT_CONFIG_H_
