#include "client/instance/attestation_request.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "client/instance/instance_error.h"
#include "verify/attestation/attestation_document.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/attestation/cose.h"

namespace anchorage::client {
namespace {

absl::Status CheckLength(const char* what,
                         const std::optional<std::string>& value,
                         std::size_t max_bytes) {
  if (!value.has_value() || value->size() <= max_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      what, " is ", value->size(),
      " bytes long; an attestation document holds at most ", max_bytes));
}

absl::Status Invalid(absl::string_view detail) {
  return NotFromInstance(InstanceReason::kAttestationAnswerInvalid,
                         {detail.data(), detail.size()});
}

// AWS does not say whether an empty value comes back as one or as null.
bool IsAnswerTo(const std::optional<std::string>& asked,
                std::optional<std::string_view> answered) {
  return answered.value_or("") == asked.value_or("");
}

}  // namespace

absl::Status CheckAttestationRequest(const AttestationRequest& request) {
  absl::Status s =
      CheckLength("user data", request.user_data, verify::kMaxUserDataBytes);
  if (s.ok()) s = CheckLength("nonce", request.nonce, verify::kMaxNonceBytes);
  if (s.ok()) {
    s = CheckLength("public key", request.public_key,
                    verify::kMaxPublicKeyBytes);
  }
  return s;
}

absl::Status CheckAttestationAnswer(std::string_view document,
                                    const AttestationRequest& request) {
  if (document.size() > verify::kMaxAttestationDocumentBytes) {
    return Invalid("it is longer than an attestation document can be");
  }
  const auto cose = verify::DecodeCoseSign1(document);
  if (!cose.ok()) return Invalid(cose.status().message());
  const auto said = verify::DecodeAttestationDocument(cose->payload);
  if (!said.ok()) return Invalid(said.status().message());
  if (!IsAnswerTo(request.nonce, said->nonce)) {
    return Invalid("the document has another nonce than was asked for");
  }
  if (!IsAnswerTo(request.user_data, said->user_data)) {
    return Invalid("the document has other user data than was asked for");
  }
  if (!IsAnswerTo(request.public_key, said->public_key)) {
    return Invalid("the document has another public key than was asked for");
  }
  return absl::OkStatus();
}

}  // namespace anchorage::client
