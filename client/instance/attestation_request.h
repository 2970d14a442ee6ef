// What an attestation document is asked to hold, and whether an answer is one.

#ifndef ANCHORAGE_CLIENT_INSTANCE_ATTESTATION_REQUEST_H_
#define ANCHORAGE_CLIENT_INSTANCE_ATTESTATION_REQUEST_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace anchorage::client {

// The three values that the software may have attested; nullopt for none. At
// most 1024 bytes each. AWS's own limits: verify/attestation.
struct AttestationRequest {
  std::optional<std::string> user_data = {};
  std::optional<std::string> nonce = {};
  // A SubjectPublicKeyInfo in DER, where AWS KMS is to encrypt to it.
  std::optional<std::string> public_key = {};
};

// INVALID_ARGUMENT, which is the caller's mistake, for a value that is too long.
absl::Status CheckAttestationRequest(const AttestationRequest& request);

// Whether `document` can be the answer to `request`: it can be read, and has
// the values that were asked for and no other. ATTESTATION_ANSWER_INVALID
// otherwise. Proves nothing: that is for a verification.
absl::Status CheckAttestationAnswer(std::string_view document,
                                    const AttestationRequest& request);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_INSTANCE_ATTESTATION_REQUEST_H_
