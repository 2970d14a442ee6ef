// Every way a verification can fail, as one closed list.
//
//   auto identity = VerifyIdentity(evidence, anchors, policy, now);
//   if (!identity.ok()) Count(NameOf(*ReasonOf(identity.status())));
//
// A reason's NAME is API: it keeps its meaning for ever and is never reused.
// Names may be added, so readers treat one they do not know as a rejection.
// The text beside the name is for people and may change: never parse it.
//
// One reason is one fact that failed. The families are the questions that a
// verifier asks, in the order in which it asks them; each has one canonical
// status code and one exit code of trustctl.

#ifndef ANCHORAGE_VERIFY_REASON_H_
#define ANCHORAGE_VERIFY_REASON_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace anchorage::verify {

enum class Reason {
  // --- Unreadable (INVALID_ARGUMENT) -------------------------------------

  // The input is longer than the named limit of its parser.
  kInputTooLarge,
  // A text that should be base64 (or hex) is not.
  kEncodingMalformed,
  // Bytes follow the end of a structure that must be the whole input.
  kTrailingBytes,
  // Not the BER subset of PKCS #7 that AWS emits.
  kPkcs7Malformed,
  // A PKCS #7 with no signer, or with more than one.
  kSignerCount,
  // A PKCS #7 without the document inside.
  kContentMissing,
  // A PKCS #7 whose signer has no signed attributes at all.
  kSignedAttributesRequired,
  // contentType, messageDigest or signingTime is not among the signed
  // attributes.
  kSignedAttributeMissing,
  // A signed attribute occurs twice or has several values.
  kDuplicateAttribute,
  // The contentType attribute names another type than the content's.
  kContentTypeMismatch,
  // Two places that name an algorithm disagree, or name one that is not the
  // key's.
  kAlgorithmMismatch,
  // A digest algorithm that this kind of evidence never uses.
  kDigestNotAllowed,
  // A signature of the wrong length or encoding for its key.
  kSignatureMalformed,
  // An identity document that is not strict JSON with an object on top.
  kDocumentMalformed,
  // The same key twice in one JSON object or CBOR map.
  kDuplicateKey,
  // A field that is always present is absent.
  kFieldMissing,
  // A field of the wrong type, length, range or form.
  kFieldInvalid,
  // A field that the strict profile does not know.
  kFieldUnknown,
  // Not well-formed CBOR of the subset that AWS emits.
  kCborMalformed,
  // CBOR with a tag other than 18 (COSE_Sign1) on the outside.
  kCoseTag,
  // Not a COSE_Sign1 of four elements.
  kCoseMalformed,
  // The protected header is not exactly {1: -35} (ES384).
  kCoseAlgorithm,
  // The unprotected header is not empty.
  kUnprotectedNotEmpty,
  // The attestation document's digest is not "SHA384".
  kDigestUnsupported,
  // Both `pcrs` and `nitrotpm_pcrs`.
  kAmbiguousDocumentType,
  // An enclave document where a NitroTPM document was expected, or the other
  // way round.
  kWrongDocumentType,
  // A certificate that is not strict DER X.509.
  kCertificateMalformed,
  // More or fewer certificates than a chain of AWS has.
  kChainLength,

  // --- Not from AWS (UNAUTHENTICATED) ------------------------------------

  // No anchor is known for the region that the document names.
  kRegionUnknown,
  // The document given beside a PKCS #7 is not the signed one.
  kContentMismatch,
  // The content does not hash to the signed messageDigest.
  kDigestMismatch,
  // The signature verifies under no anchor of the slot.
  kSignatureMismatch,
  // The signer is an anchor of another region than the document names.
  kRegionMismatch,
  // The first certificate of a chain is not a pinned root.
  kRootNotPinned,
  // The root is pinned for another partition.
  kPartitionMismatch,
  // A certificate's issuer is not its predecessor's subject.
  kChainOrder,
  // A certificate is not signed by its predecessor's key.
  kChainSignature,
  // A certificate's key is not P-384, or its signature is not
  // ecdsa-with-SHA384.
  kCertificateAlgorithm,
  // A certificate has a critical extension that we do not process.
  kUnknownCriticalExtension,
  // A certificate that issued another is not a CA.
  kIssuerNotCa,
  // A certificate that issued another may not sign certificates.
  kIssuerKeyUsage,
  // More CAs follow than a CA's pathLenConstraint allows.
  kPathLength,
  // The leaf is a CA.
  kLeafIsCa,
  // The leaf may not make signatures.
  kLeafKeyUsage,
  // The leaf's name is not the module and region that it attests.
  kLeafName,

  // --- Stale, or meant for another (FAILED_PRECONDITION) -----------------

  // The signer's anchor is retired, or its window does not hold the time.
  kAnchorNotActive,
  // The signer's anchor was revoked.
  kAnchorRevoked,
  // A CA certificate's validity has ended.
  kIssuerExpired,
  // A CA certificate's validity has not begun.
  kIssuerNotYetValid,
  // The leaf certificate's validity has ended.
  kLeafExpired,
  // The leaf certificate's validity has not begun.
  kLeafNotYetValid,
  // The time of verification lies before the anchors were last known good:
  // the verifier's clock is wrong.
  kClockSuspect,
  // The document's time lies outside its leaf certificate's validity.
  kTimestampOutsideLeaf,
  // The document is older than the policy allows.
  kTooOld,
  // The document's time is further in the future than the policy's skew allows.
  kFromTheFuture,
  // A newer document of the same instance was seen before.
  kPendingTimeRegressed,
  // The document was used before, or by another.
  kReplayed,
  // A nonce was expected and there is none.
  kNonceMissing,
  // The nonce is not the expected one.
  kNonceMismatch,
  // The user data is absent or is other data.
  kUserDataMismatch,
  // The public key is absent, of another kind, or another one.
  kPublicKeyMismatch,

  // --- Authentic, refused by the caller's policy (PERMISSION_DENIED) ------

  // A policy that says neither Expect nor Ignore for something AWS proves.
  kPolicyIncomplete,
  // A policy that expects one of an empty list, or has no condition.
  kPolicyEmpty,
  // A policy that accepts what anyone with the instance can change.
  kPolicyUnsafe,
  // The form of signature is weaker than the policy's minimum.
  kKindNotAllowed,
  kAccountNotAllowed,
  kRegionNotAllowed,
  kPartitionNotAllowed,
  kInstanceNotAllowed,
  kImageNotAllowed,
  kInstanceTypeNotAllowed,
  kArchitectureNotAllowed,
  kProductCodeNotAllowed,
  kBillingProductNotAllowed,
  kModuleNotAllowed,
  // An enclave in debug mode: its PCR0, PCR1 and PCR2 are all zero.
  kDebugEnclave,
  // A PCR is absent or has another value.
  kPcrMismatch,
  // Something was added to the measured image at boot: PCR12 or PCR13 of an
  // instance with a NitroTPM is not zero, and the policy did not say that it
  // may be.
  kBootExtended,
  // No active reference release has these measurements.
  kReleaseUnknown,
  // A reference release has these measurements and was revoked.
  kReleaseRevoked,

  // --- Could not decide (UNAVAILABLE). Never a pass. ----------------------

  // There is no anchor to verify with.
  kNoUsableAnchors,
  // The anchors are older than the caller's staleness policy allows.
  kAnchorsExpired,
  // A library below failed for a reason that says nothing about the evidence.
  kCryptoUnavailable,
  // No loaded provider of the cryptography library offers an algorithm that
  // the evidence is signed with (DSA or SHA-1 where only a FIPS provider is).
  kCryptoProviderMissing,
  // The replay ledger could not be read or written.
  kLedgerUnavailable,
  // Memory, or another resource of the process, ran out in the middle.
  kResourcesExhausted,

  kMaxValue = kResourcesExhausted,
};

// The questions, in order. Also the exit codes of trustctl, from 2 up.
enum class Family {
  kUnreadable,
  kNotFromAws,
  kStaleOrForAnother,
  kRefusedByPolicy,
  kUndecided,
};

// Returns a non-OK status that carries `reason` for machines and `detail` for
// people. Every failure in verify/ is made here, so every failure has a
// reason. `certificate_index` names the certificate of a chain that failed: 0
// is the leaf, -1 means none in particular.
//
// The status's message is `detail` as Printable() shows it, cut at
// kMaxSentenceBytes: one line, whatever the evidence says. Never throws;
// returns ResourcesExhausted() where there is no memory for a status.
absl::Status Reject(Reason reason, std::string_view detail,
                    int certificate_index = -1);

// Returns `refusal` with `hint` after its sentence, for people who wonder why;
// `refusal` itself if Reject() did not make it, or if `hint` is empty. Code,
// reason and certificate stay as they are: no hint changes what a refusal
// means.
absl::Status WithHint(absl::Status refusal, std::string_view hint);

// A refusal with kResourcesExhausted, made when the program starts, so that
// returning it needs no memory.
const absl::Status& ResourcesExhausted();

// Returns the reason that Reject() put in `status`; nullopt for an OK status
// and for a status that Reject() did not make.
std::optional<Reason> ReasonOf(const absl::Status& status);

// Returns the index of the certificate that Reject() put in `status`; -1 where
// there is none.
int CertificateIndexOf(const absl::Status& status);

// Returns the stable name, such as "SIGNATURE_MISMATCH".
std::string_view NameOf(Reason reason);

// Returns the reason of that name; nullopt for a name that we do not know.
std::optional<Reason> ReasonNamed(std::string_view name);

// Returns one sentence that states the fact, for people and manuals.
std::string_view DescriptionOf(Reason reason);

// Returns why a verifier refuses evidence for this reason: which of AWS's steps
// the check is, or what an attacker could do without it. One sentence, for
// whoever finds genuine evidence refused and asks whether the check could be
// dropped.
std::string_view WhyOf(Reason reason);

Family FamilyOf(Reason reason);

// Whether `status` says nothing about the evidence, either way: its reason is
// of the family kUndecided.
bool IsUndecided(const absl::Status& status);

// Returns all reasons, in the order of the list.
absl::Span<const Reason> AllReasons();

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_REASON_H_
