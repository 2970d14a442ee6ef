// Manifests of OpenSSF Model Signing 1.0 and before, as manifests of images
// that say of files their contents and nothing else.
//
//   if (IsModelPredicate(statement.predicate_type)) {
//     auto manifest = ReadModelStatement(statement);
//   }
//
// Read are those that sign whole files with SHA-256 and follow no links; what
// they leave out ("ignore_paths") becomes exclusions. Pure.

#ifndef ANCHORAGE_VERIFY_IMAGE_OMS_H_
#define ANCHORAGE_VERIFY_IMAGE_OMS_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "verify/image/manifest.h"
#include "verify/image/producer.h"
#include "verify/image/statement.h"

namespace anchorage::verify {

// Whether it is "https://model_signing/signature/v1.0" or, of version 0.2,
// "https://model_signing/Digests/v0.1".
bool IsModelPredicate(std::string_view predicate_type);

// Fails with kManifestMalformed, kManifestTooLarge (also for a text of more
// than 250,000 values), kSubjectDigest (the model's digest is not that of its
// files' digests) or kImageCryptoUnavailable.
absl::StatusOr<ImageManifest> ReadModelStatement(const Statement& statement);

// Verifies the signature of an envelope as version 0.2 made it: "DSSEV1" with
// another letter, over the payload as Python shows bytes, with SHA-256 whatever
// the curve. That is one text for each payload, and none of DSSE's. Fails as
// VerifyEnvelope() does.
absl::Status VerifyModelEnvelopeV0(const VerifiedSigner& signer,
                                   std::string_view payload,
                                   std::string_view signature);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IMAGE_OMS_H_
