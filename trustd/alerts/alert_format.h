// What is sent for an alert that waits: the JSON that its receiver reads.
//
//   const auto body = FormatAlert(waiting.body, form, now);
//   if (!body.has_value()) ...  // nothing that can be sent in this form
//
// Alerts wait as AlertBody() writes them, whoever receives them, so a new form
// works on what waits. Whatever others wrote is escaped for the product that
// shows it. README.md says what each form was made from. Pure.

#ifndef ANCHORAGE_TRUSTD_ALERTS_ALERT_FORMAT_H_
#define ANCHORAGE_TRUSTD_ALERTS_ALERT_FORMAT_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "proto/anchorage/v1/config.pb.h"

namespace anchorage::trustd {

// PagerDuty's limits, in characters; ours are bytes.
inline constexpr std::size_t kMaxPagerDutySummary = 1024;
inline constexpr std::size_t kMaxPagerDutyKey = 255;
// The size of an integration key.
inline constexpr std::size_t kRoutingKeyBytes = 32;
// How much of a text Slack and Alertmanager are given. Slack advises to stay
// below 4,000 characters.
inline constexpr std::size_t kMaxShownAlertBytes = 3000;

// For how long an alert stands at Alertmanager, which has to be told: one that
// somebody says the end of, and another.
inline constexpr absl::Duration kStandsUntilEnd = absl::Hours(7 * 24);
inline constexpr absl::Duration kStandsAlone = absl::Hours(25);

struct AlertForm {
  v1::WebhookConfig::Format format = v1::WebhookConfig::FORMAT_GENERIC;
  // Of this machine, so that two of them are two to the receiver; at most 64
  // bytes are used.
  std::string host = {};
  // Without a slash at its end; empty for none.
  std::string console_url = {};
  // PagerDuty's integration key.
  std::string routing_key = {};
};

// Whether the receiver keeps alerts until it is told that they are over, and so
// gets the kinds that say it of those that it gets.
bool KeepsAlerts(v1::WebhookConfig::Format format);

// Returns what is sent at `now` for `stored`, which is as AlertBody() wrote it.
// nullopt for what cannot be read, but in FORMAT_GENERIC, in which that is sent
// as it is.
std::optional<std::string> FormatAlert(std::string_view stored,
                                       const AlertForm& form, absl::Time now);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ALERTS_ALERT_FORMAT_H_
