// One alert to one receiver, once: signed, over HTTPS, within limits.
//
//   const WebhookReply reply = PostAlert(post, now, cancelled);
//   switch (VerdictOf(reply)) { ... }
//
// The server's certificate is always checked and redirects are not followed.
// What the receiver says beside its status is read up to a limit and ignored.
// The process must ignore SIGPIPE, as trustd does. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_ALERTS_WEBHOOK_POST_H_
#define ANCHORAGE_TRUSTD_ALERTS_WEBHOOK_POST_H_

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anchorage::trustd {

inline constexpr std::size_t kMinSecretBytes = 16;
inline constexpr std::size_t kMaxSecretBytes = 1024;
// How much of an answer is read, headers too, to no purpose.
inline constexpr std::size_t kMaxReplyBytes = 64 * 1024;

// Reads the secret in the file at `path`, which only its owner may access:
// one line of kMinSecretBytes to kMaxSecretBytes printable ASCII characters
// without spaces, whose end is no part of it. Fails with INVALID_ARGUMENT, or
// as anchors::ReadPrivateFile().
absl::StatusOr<std::string> ReadWebhookSecret(const std::string& path);

// Returns the value of the header Anchorage-Signature for `body`, sent at
// `time`: "t=UNIX,v1=HEX", where HEX is the HMAC-SHA256 of "UNIX.BODY" under
// `secret`.
std::string SignAlert(std::string_view secret, absl::Time time,
                      std::string_view body);

struct WebhookPost {
  std::string url;
  std::string body;
  std::string secret;
  bool allow_loopback_http = false;
  // PEM certificates to check the server with; empty: the system's.
  std::string ca_path = {};
  // All of it.
  absl::Duration timeout = absl::Seconds(15);
  // Until a connection stands, TLS included.
  absl::Duration connect_timeout = absl::Seconds(5);
};

// What came of it.
struct WebhookReply {
  // Of HTTP; 0 where there was no answer.
  int status = 0;
  // Why there was none, for people; never with the address in it.
  std::string failure = {};
  // How long the receiver asks us to stay away.
  std::optional<absl::Duration> retry_after = std::nullopt;
};

// Sends `post` once. Ends within a second or so of `cancelled` becoming true.
WebhookReply PostAlert(const WebhookPost& post, absl::Time now,
                       const std::atomic<bool>& cancelled);

enum class WebhookVerdict {
  // 2xx.
  kDelivered,
  // 410: the receiver never wants this one.
  kGivenUp,
  // Another 4xx, which may be about this alert alone: 400, 403 (as firewalls
  // that read bodies answer), 413, 422 and so on.
  kRefused,
  // Anything else: no answer, 3xx, 5xx, and of 4xx what is about the address,
  // who asks or when (401, 404, 405, 407, 408, 421, 425, 426, 429, and any with
  // Retry-After). It would be the same for any alert.
  kRetry,
};
WebhookVerdict VerdictOf(const WebhookReply& reply);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ALERTS_WEBHOOK_POST_H_
