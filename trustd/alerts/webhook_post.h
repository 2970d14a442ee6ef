// One alert to one receiver, once: signed, over HTTPS, within limits.
//
//   const WebhookReply reply = PostAlert(post, now, cancelled);
//   switch (VerdictOf(reply)) { ... }
//
// The server's certificate is always checked and redirects are not followed.
// Whatever the receiver sends besides its status is read up to a limit and
// ignored. The process must ignore SIGPIPE, as trustd does. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_ALERTS_WEBHOOK_POST_H_
#define ANCHORAGE_TRUSTD_ALERTS_WEBHOOK_POST_H_

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/anchorage/v1/config.pb.h"

namespace anchorage::trustd {

inline constexpr std::size_t kMinSecretBytes = 16;
inline constexpr std::size_t kMaxSecretBytes = 1024;
// How much of an answer is read, headers included, and then ignored.
inline constexpr std::size_t kMaxReplyBytes = 64 * 1024;

// Reads the secret in the file at `path`, which only its owner may access:
// one line of kMinSecretBytes to kMaxSecretBytes printable ASCII characters
// without spaces, whose line end is not part of it. Fails with
// INVALID_ARGUMENT, or as anchors::ReadPrivateFile().
absl::StatusOr<std::string> ReadWebhookSecret(const std::string& path);

// Returns the value of the header Anchorage-Signature for `body`, sent at
// `time`: "t=UNIX,v1=HEX", where HEX is the HMAC-SHA256 of "UNIX.BODY" under
// `secret`.
std::string SignAlert(std::string_view secret, absl::Time time,
                      std::string_view body);

struct WebhookPost {
  std::string url;
  std::string body;
  // Signs the body; empty: it is not signed.
  std::string secret;
  bool allow_loopback_http = false;
  // PEM certificates to check the server with; empty: the system's.
  std::string ca_path = {};
  // The longest that the whole exchange may take.
  absl::Duration timeout = absl::Seconds(15);
  // The longest until a connection is established, including TLS.
  absl::Duration connect_timeout = absl::Seconds(5);
};

// The result of a post.
struct WebhookReply {
  // The HTTP status; 0 where there was no answer.
  int status = 0;
  // Why there was no answer, for people; never contains the address.
  std::string failure = {};
  // How long the receiver asks us to wait (Retry-After).
  std::optional<absl::Duration> retry_after = std::nullopt;
};

// Sends `post` once. Returns within a second or so of `cancelled` becoming
// true.
WebhookReply PostAlert(const WebhookPost& post, absl::Time now,
                       const std::atomic<bool>& cancelled);

enum class WebhookVerdict {
  // 2xx.
  kDelivered,
  // 410: the receiver will never want this alert.
  kGivenUp,
  // Another 4xx, which may be about this alert alone: 400, 403 (the answer of
  // firewalls that inspect bodies), 413, 422 and so on.
  kRefused,
  // Anything else: no answer, 3xx, 5xx, and those 4xx that are about the
  // address, the sender or the time (401, 404, 405, 407, 408, 421, 425, 426,
  // 429, and any with Retry-After). Any other alert would fare the same.
  kRetry,
};
//
// To Slack 410 says that the channel is archived, which is so for any alert:
// kRetry. PagerDuty and Alertmanager give none.
WebhookVerdict VerdictOf(
    const WebhookReply& reply,
    v1::WebhookConfig::Format format = v1::WebhookConfig::FORMAT_GENERIC);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ALERTS_WEBHOOK_POST_H_
