// The Nitro Secure Module, as software in an enclave asks it: one ioctl(2) on
// /dev/nsm, with a request and an answer in CBOR (Linux: uapi/linux/nsm.h).

#ifndef ANCHORAGE_CLIENT_INSTANCE_NSM_H_
#define ANCHORAGE_CLIENT_INSTANCE_NSM_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "client/instance/attestation_request.h"

namespace anchorage::client {

inline constexpr char kNsmDevice[] = "/dev/nsm";

// The driver's limits.
inline constexpr std::size_t kMaxNsmRequestBytes = 0x1000;
inline constexpr std::size_t kMaxNsmAnswerBytes = 0x3000;

// As ioctl(2).
using Ioctl = std::function<int(int, unsigned long, void*)>;

// Asks `device` for a document; blocks as long as the driver does, which is
// at most two minutes. `ioctl` is for tests; null for the system's.
//
// INVALID_ARGUMENT for a request that CheckAttestationRequest() refuses;
// ATTESTATION_ABSENT: there is no device; _FORBIDDEN: drivers from Linux 6.8 on
// want CAP_SYS_ADMIN; _REFUSED: the module has an error, such as
// "InputTooLarge", or the driver has; _TIMEOUT; _ANSWER_INVALID. Thread-safe:
// the driver asks one after the other.
absl::StatusOr<std::string> AskNsm(const std::string& device,
                                   const AttestationRequest& request,
                                   const Ioctl& ioctl = nullptr);

// Returns the request for `request`, at most kMaxNsmRequestBytes long.
std::string EncodeNsmRequest(const AttestationRequest& request);

// Returns the document in an answer of the module: a view into it. Fails with
// ATTESTATION_REFUSED for an error of the module's, and otherwise with
// ATTESTATION_ANSWER_INVALID.
absl::StatusOr<std::string_view> DecodeNsmAnswer(std::string_view answer);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_INSTANCE_NSM_H_
