#include "verify/image/image_error.h"

#include "verify/typed_error.h"

namespace anchorage::verify {
namespace {

struct Row {
  ImageReason value;
  std::string_view name;
  absl::StatusCode code;
};

constexpr absl::StatusCode kUnreadable = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kNotSigned = absl::StatusCode::kUnauthenticated;
constexpr absl::StatusCode kStale = absl::StatusCode::kFailedPrecondition;
constexpr absl::StatusCode kUndecided = absl::StatusCode::kUnavailable;

constexpr Row kRows[] = {
    {ImageReason::kManifestTooLarge, "MANIFEST_TOO_LARGE", kUnreadable},
    {ImageReason::kBundleMalformed, "BUNDLE_MALFORMED", kUnreadable},
    {ImageReason::kBundleWithoutChain, "BUNDLE_WITHOUT_CHAIN", kUnreadable},
    {ImageReason::kStatementMalformed, "STATEMENT_MALFORMED", kUnreadable},
    {ImageReason::kPredicateUnknown, "PREDICATE_UNKNOWN", kUnreadable},
    {ImageReason::kManifestMalformed, "MANIFEST_MALFORMED", kUnreadable},
    {ImageReason::kManifestNotCanonical, "MANIFEST_NOT_CANONICAL", kUnreadable},
    {ImageReason::kVersionMalformed, "VERSION_MALFORMED", kUnreadable},
    {ImageReason::kCertificateMalformed, "CERTIFICATE_MALFORMED", kUnreadable},
    {ImageReason::kSubjectDigest, "SUBJECT_DIGEST", kNotSigned},
    {ImageReason::kSignatureMalformed, "SIGNATURE_MALFORMED", kNotSigned},
    {ImageReason::kSignatureMismatch, "SIGNATURE_MISMATCH", kNotSigned},
    {ImageReason::kNoProducers, "NO_PRODUCERS", kNotSigned},
    {ImageReason::kProducerNotTrusted, "PRODUCER_NOT_TRUSTED", kNotSigned},
    {ImageReason::kChainLength, "CHAIN_LENGTH", kNotSigned},
    {ImageReason::kChainOrder, "CHAIN_ORDER", kNotSigned},
    {ImageReason::kChainSignature, "CHAIN_SIGNATURE", kNotSigned},
    {ImageReason::kCertificateAlgorithm, "CERTIFICATE_ALGORITHM", kNotSigned},
    {ImageReason::kCertificateExtension, "CERTIFICATE_EXTENSION", kNotSigned},
    {ImageReason::kIssuerNotCa, "ISSUER_NOT_CA", kNotSigned},
    {ImageReason::kIssuerKeyUsage, "ISSUER_KEY_USAGE", kNotSigned},
    {ImageReason::kIssuerPathLength, "ISSUER_PATH_LENGTH", kNotSigned},
    {ImageReason::kSignerIsCa, "SIGNER_IS_CA", kNotSigned},
    {ImageReason::kSignerKeyUsage, "SIGNER_KEY_USAGE", kNotSigned},
    {ImageReason::kSignerPurpose, "SIGNER_PURPOSE", kNotSigned},
    {ImageReason::kCertificateNotYetValid, "CERTIFICATE_NOT_YET_VALID", kStale},
    {ImageReason::kCertificateExpired, "CERTIFICATE_EXPIRED", kStale},
    {ImageReason::kTimeUnknown, "TIME_UNKNOWN", kStale},
    {ImageReason::kProductMismatch, "PRODUCT_MISMATCH", kStale},
    {ImageReason::kVersionTooOld, "VERSION_TOO_OLD", kStale},
    {ImageReason::kImageCryptoUnavailable, "IMAGE_CRYPTO_UNAVAILABLE",
     kUndecided},
};

constexpr char kPayload[] = "anchorage.dev/image-reason";

using ImageErrors = TypedErrors<kRows, kPayload>;

}  // namespace

absl::Status RefuseImage(ImageReason reason, std::string_view detail) {
  return ImageErrors::Make(reason, detail);
}

std::optional<ImageReason> ImageReasonOf(const absl::Status& status) {
  return ImageErrors::ReasonOf(status);
}

std::string_view NameOf(ImageReason reason) {
  return ImageErrors::NameOf(reason);
}

absl::Span<const ImageReason> AllImageReasons() { return ImageErrors::All(); }

}  // namespace anchorage::verify
