// An instance's metadata service (IMDSv2): where the signatures of its identity
// document come from.
//
//   auto imds = Imds::Open();
//   if (!imds.ok()) return imds.status();
//   auto identity = (*imds)->FetchIdentity(verify::IdentityForm::kRsa2048);
//
// Nothing that it answers is trusted: a verification decides. Neither a proxy
// nor a redirect is followed, and no address is taken from the environment;
// sizes, times and attempts are bounded.
//
// A document describes the instance as it was last started: pendingTime, and
// with it the signatures, change when it is stopped and started. Nothing is kept
// here, so every session has what is true then.

#ifndef ANCHORAGE_CLIENT_INSTANCE_IMDS_H_
#define ANCHORAGE_CLIENT_INSTANCE_IMDS_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "client/http/http_connection.h"
#include "verify/identity/identity_evidence.h"

namespace anchorage::client {

struct ImdsOptions {
  // Asked in this order; the first that opens a session is used. EC2's are
  // links of the host's own: where one has no route, it fails at once.
  std::vector<std::string> endpoints = {"http://169.254.169.254",
                                        "http://[fd00:ec2::254]"};
  // The longest that a connection, one answer, and a whole session may take:
  // from 1 ms to 1 h each. IMDS answers within milliseconds, but EC2 drops the packets
  // of a host that sends more than 1024 in a second, and the first of a
  // connection is sent again after a second.
  absl::Duration connect_timeout = absl::Seconds(2);
  absl::Duration answer_timeout = absl::Seconds(3);
  absl::Duration total_timeout = absl::Seconds(10);
  // Asks without a token (IMDSv1), as any process can be made to ask that
  // fetches addresses for others. Only for an instance that gives no tokens.
  bool version_1 = false;
};

// The longest answer that is read.
inline constexpr std::size_t kMaxImdsAnswerBytes = verify::kMaxSignatureText;

// A signature as IMDS gives it, with the document where it carries none.
struct ImdsIdentity {
  verify::IdentityForm form = verify::IdentityForm::kRsa2048;
  // Decoded: see DecodeIdentitySignature().
  std::string signature;
  // The exact bytes; empty but for a bare signature.
  std::string document;

  // A view: valid as long as this object stays where it is.
  verify::IdentityEvidence evidence() const;
};

// A session with one endpoint, over when `total_timeout` is. Not thread-safe.
class Imds {
 public:
  // Finds the endpoint and, unless `version_1`, gets a token. Fails with
  // INVALID_ARGUMENT for a time out of its bounds, and otherwise with a reason
  // of instance_error.h: that of the first endpoint that took a connection, and
  // kImdsAbsent where none did.
  static absl::StatusOr<std::unique_ptr<Imds>> Open(ImdsOptions options = {});

  // Returns the body at `path`, such as "meta-data/instance-id", which is put
  // behind "/latest/". NOT_FOUND, without a reason, where there is none (404);
  // otherwise as Open().
  absl::StatusOr<std::string> Get(std::string_view path);

  // Returns what is served of one form. NOT_FOUND, without a reason, where this
  // region has no such form. Fails as Get() and as DecodeIdentitySignature().
  absl::StatusOr<ImdsIdentity> FetchIdentity(verify::IdentityForm form);

  // Returns the first of `forms` that is served. Fails with
  // kIdentityFormNotServed where none is.
  absl::StatusOr<ImdsIdentity> FetchFirst(
      absl::Span<const verify::IdentityForm> forms);

  // Which of the endpoints answered.
  const std::string& endpoint() const { return endpoint_; }

 private:
  using Clock = std::chrono::steady_clock;
  explicit Imds(ImdsOptions options);
  // How much of the session's time is left.
  absl::Duration Left() const;
  absl::Status OpenOrThrow();
  absl::Status OpenEndpoint();
  // Asks as often as IMDS refuses for the moment and the time lasts.
  absl::StatusOr<std::string> Ask(const char* method, std::string_view path,
                                  std::vector<std::string> headers);
  absl::StatusOr<std::string> GetOrThrow(std::string_view path);
  absl::StatusOr<std::string> GetWithToken(std::string_view path);
  absl::StatusOr<ImdsIdentity> FetchOrThrow(verify::IdentityForm form);

  const ImdsOptions options_;
  // When the session must have ended.
  Clock::time_point deadline_;
  HttpConnection connection_;
  std::string endpoint_;
  bool is_open_ = false;
  std::string token_;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_INSTANCE_IMDS_H_
