// Every way in which a signed manifest of an image is refused, as one closed
// list. What differs between a manifest and an image is not here: see
// comparison.h.
//
//   auto verified = VerifyBundle(bundle, producers, at);
//   if (!verified.ok()) Count(NameOf(*ImageReasonOf(verified.status())));
//
// A reason's NAME is API: it keeps its meaning for ever and is never reused.
// Names may be added, so readers treat one that they do not know as a refusal.
// The text beside the name is for people: it may change, so never parse it.

#ifndef ANCHORAGE_VERIFY_IMAGE_IMAGE_ERROR_H_
#define ANCHORAGE_VERIFY_IMAGE_IMAGE_ERROR_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace anchorage::verify {

enum class ImageReason {
  // --- Unreadable ----------------------------------------------------------

  // The bundle, or the manifest in it, is longer than any that is read.
  kManifestTooLarge,
  // The bundle is not JSON, base64 and members as they must be.
  kBundleMalformed,
  // The bundle has no chain of X.509 certificates: it is signed by a bare key,
  // or by an identity of Sigstore's.
  kBundleWithoutChain,
  // What is signed is not an in-toto Statement v1 with one subject.
  kStatementMalformed,
  // The statement is about something else than an image or a model.
  kPredicateUnknown,
  // The manifest breaks a rule of its format.
  kManifestMalformed,
  // The manifest is not in the one form that its contents have.
  kManifestNotCanonical,
  // A version is not one to eight numbers with dots.
  kVersionMalformed,
  // A certificate of the chain is not strict DER.
  kCertificateMalformed,

  // --- Not from the producer -----------------------------------------------

  // The subject's digest is not that of the manifest.
  kSubjectDigest,
  // The signature is not DER, or of numbers out of range.
  kSignatureMalformed,
  // The signature is not by the chain's first certificate over these bytes.
  kSignatureMismatch,
  // No producer was given.
  kNoProducers,
  // No certificate of a producer is in the chain, or signed the chain's last.
  kProducerNotTrusted,
  // More than three certificates, or none.
  kChainLength,
  // A certificate's issuer is not the one that follows it.
  kChainOrder,
  // A certificate is not signed by the one that follows it.
  kChainSignature,
  // A certificate's key is not on P-256 or P-384, or its signature is not
  // ECDSA with the hash that belongs to its issuer's key.
  kCertificateAlgorithm,
  // A certificate has a critical extension that we do not process.
  kCertificateExtension,
  // An issuer is not a CA.
  kIssuerNotCa,
  // An issuer may not sign certificates.
  kIssuerKeyUsage,
  // An issuer allows fewer CAs below it than there are.
  kIssuerPathLength,
  // The signer is a CA.
  kSignerIsCa,
  // The signer may not make signatures, or may sign certificates too.
  kSignerKeyUsage,
  // The signer, or an issuer that limits what it issues, is not for signing
  // code.
  kSignerPurpose,

  // --- Stale, or meant for another -----------------------------------------

  // A certificate was not yet valid at the time of judgement.
  kCertificateNotYetValid,
  // A certificate was no longer valid at the time of judgement.
  kCertificateExpired,
  // The manifest says no time and the caller gave none.
  kTimeUnknown,
  // A manifest of another product.
  kProductMismatch,
  // A version that is older than the least one demanded.
  kVersionTooOld,

  // --- Could not decide. Never a pass --------------------------------------

  // The cryptography library failed, or offers too little.
  kImageCryptoUnavailable,

  kMaxValue = kImageCryptoUnavailable,
};

// Returns a non-OK status that carries `reason` for machines and `detail` for
// people: it may contain what others wrote, so it is made one line by
// Printable().
absl::Status RefuseImage(ImageReason reason, std::string_view detail);

// Returns the reason that RefuseImage() put in `status`; nullopt for an OK
// status and for a status that it did not make.
std::optional<ImageReason> ImageReasonOf(const absl::Status& status);

// Returns the stable name, such as "PRODUCER_NOT_TRUSTED".
std::string_view NameOf(ImageReason reason);

// Returns all reasons, in the order of the list.
absl::Span<const ImageReason> AllImageReasons();

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IMAGE_IMAGE_ERROR_H_
