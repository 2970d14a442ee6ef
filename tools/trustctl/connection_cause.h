// Why a trustd cannot be asked, in words that say what to change.
//
// gRPC says "failed to connect to all addresses" for almost everything. These
// connect once more, by hand, and look at where it ends.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_CONNECTION_CAUSE_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_CONNECTION_CAUSE_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace anchorage::trustctl {

// Whom to ask and as whom.
struct Endpoint {
  // HOST:PORT, or unix:PATH.
  std::string address;
  // PEM. Without roots those of the system count.
  std::string roots_pem = "";
  std::string certificate_pem = "";
  std::string key_pem = "";

  bool is_unix_socket() const { return address.starts_with("unix:"); }
};

enum class ConnectionCause {
  // Of this side, found without a connection.
  kAddressMalformed,
  kRootsUnreadable,
  kCertificateUnreadable,
  kKeyUnreadable,
  kKeyOfAnother,
  kCertificateEnded,
  kCertificateNotYet,
  // No connection.
  kNameUnresolved,
  kNobodyListens,
  kNoAnswer,
  kNoSocket,
  kSocketForbidden,
  // No TLS, or not that of a trustd.
  kNotTls,
  kServerCaUnknown,
  kServerNameOther,
  kServerCertificateEnded,
  kNotGrpc,
  // The server refuses this side.
  kClientCertificateMissing,
  kClientCaUnknown,
  kClientCertificateRefused,
};

// The name of a cause, such as "KEY_OF_ANOTHER", which stays.
std::string_view NameOf(ConnectionCause cause);

// What an error below is for; nullopt for any other.
std::optional<ConnectionCause> CauseOf(const absl::Status& status);

// Checks what this side brings, without a connection: that everything can be
// read, and that the key belongs to the certificate, which is good today.
// Fails with INVALID_ARGUMENT and a cause.
absl::Status CheckOwnFiles(const Endpoint& endpoint);

// Connects once and looks where that ends, within `limit`. Fails with
// UNAVAILABLE and a cause; OK where nothing is found to be wrong.
absl::Status FindConnectionCause(const Endpoint& endpoint,
                                 absl::Duration limit = absl::Seconds(5));

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_CONNECTION_CAUSE_H_
