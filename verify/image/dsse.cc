#include "verify/image/dsse.h"

#include "absl/strings/str_cat.h"
#include "verify/crypto/public_key.h"
#include "verify/image/image_error.h"
#include "verify/image/text.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

// What stands in front of the payload.
std::string Prefix(std::string_view payload) {
  return absl::StrCat("DSSEv1 ", kInTotoPayloadType.size(), " ",
                      Abseil(kInTotoPayloadType), " ", payload.size(), " ");
}

}  // namespace

std::string PreAuthenticationEncoding(std::string_view payload) {
  return absl::StrCat(Prefix(payload), Abseil(payload));
}

absl::Status VerifyEnvelope(const VerifiedSigner& signer,
                            std::string_view payload,
                            std::string_view signature) {
  return VerifySignature(signer.key, signer.hash,
                         HashParts(signer.hash, {Prefix(payload), payload}),
                         signature);
}

absl::Status VerifySignature(const PublicKey& key, HashAlgorithm hash,
                             const Digest& digest, std::string_view signature) {
  const absl::Status verified = key.VerifyDigest(hash, digest, signature);
  if (verified.ok()) return verified;
  if (IsUndecided(verified)) {
    return RefuseImage(ImageReason::kImageCryptoUnavailable,
                       Sentence(verified));
  }
  if (ReasonOf(verified) == Reason::kSignatureMalformed) {
    return RefuseImage(ImageReason::kSignatureMalformed,
                       "it is not strict DER of two numbers in range");
  }
  return RefuseImage(ImageReason::kSignatureMismatch,
                     "the signer did not make it over these bytes");
}

}  // namespace anchorage::verify
