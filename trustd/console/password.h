// The one reader of a console that asks for a password: HTTP's Basic scheme
// (RFC 7617) against a bcrypt hash.
//
//   auto password = Password::Load("night-shift", "console.bcrypt");
//   switch ((*password)->Check(request.authorization, peer, SteadyNow())) ...
//
// A hash takes a tenth of a second to a second of a processor: one is computed
// at a time, and no address has more than five tries at once and one in ten
// seconds. What was good is remembered as an HMAC with a key of this process,
// so that the next request costs nothing, and so that nobody who guesses keeps
// the reader out. Comparisons take as long for each wrong name or password.
// Thread-safe.

#ifndef ANCHORAGE_TRUSTD_CONSOLE_PASSWORD_H_
#define ANCHORAGE_TRUSTD_CONSOLE_PASSWORD_H_

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "trustd/admin/rate_limit.h"
#include "trustd/net/ip_address.h"

namespace anchorage::trustd {

class Password {
 public:
  enum class Verdict { kGood, kBad, kTooOften };

  // Reads the hash. Fails as anchors::ReadPrivateFile() does, and with
  // INVALID_ARGUMENT for one that is not bcrypt of cost 10 to 14.
  static absl::StatusOr<std::unique_ptr<Password>> Load(
      const std::string& user, const std::string& path);

  // Judges the value of an Authorization header that came from `peer`. `now` is
  // of the steady clock.
  Verdict Check(std::string_view authorization, const IpAddress& peer,
                absl::Duration now);

 private:
  using Digest = std::array<unsigned char, 32>;

  Password(std::string user, std::string hash);

  Digest Mac(std::string_view text) const;
  bool Matches(std::string_view user, const std::string& password) const;

  const std::string user_;
  const std::string hash_;
  Digest key_;
  RateLimit tries_{{.burst = 5, .refill = absl::Seconds(10)}};
  // Held while a hash is computed.
  absl::Mutex computing_;
  absl::Mutex mutex_;
  // Of the credentials that were good.
  std::optional<Digest> known_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_CONSOLE_PASSWORD_H_
