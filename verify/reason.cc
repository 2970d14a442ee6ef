#include "verify/reason.h"

#include <array>
#include <cstddef>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace anchorage::verify {
namespace {

constexpr std::size_t kReasons =
    static_cast<std::size_t>(Reason::kMaxValue) + 1;

struct Row {
  Reason reason;
  std::string_view name;
  Family family;
  std::string_view description;
};

using enum Reason;
using enum Family;

constexpr Row kTable[] = {
    {kInputTooLarge, "INPUT_TOO_LARGE", kUnreadable,
     "the input is longer than its parser's limit"},
    {kEncodingMalformed, "ENCODING_MALFORMED", kUnreadable,
     "the text is not base64 (or hex, or PEM)"},
    {kTrailingBytes, "TRAILING_BYTES", kUnreadable,
     "bytes follow the end of the structure"},
    {kPkcs7Malformed, "PKCS7_MALFORMED", kUnreadable,
     "the signature is not a PKCS #7 of the form that AWS emits"},
    {kSignerCount, "SIGNER_COUNT", kUnreadable,
     "the PKCS #7 has no signer, or more than one"},
    {kContentMissing, "CONTENT_MISSING", kUnreadable,
     "the PKCS #7 does not contain the document"},
    {kSignedAttributesRequired, "SIGNED_ATTRIBUTES_REQUIRED", kUnreadable,
     "the PKCS #7 has no signed attributes"},
    {kSignedAttributeMissing, "SIGNED_ATTRIBUTE_MISSING", kUnreadable,
     "a required signed attribute is absent"},
    {kDuplicateAttribute, "DUPLICATE_ATTRIBUTE", kUnreadable,
     "a signed attribute has more than one value"},
    {kContentTypeMismatch, "CONTENT_TYPE_MISMATCH", kUnreadable,
     "the contentType attribute names another type than the content's"},
    {kAlgorithmMismatch, "ALGORITHM_MISMATCH", kUnreadable,
     "the named algorithms disagree with one another or with the key"},
    {kDigestNotAllowed, "DIGEST_NOT_ALLOWED", kUnreadable,
     "this kind of evidence never uses that digest algorithm"},
    {kSignatureMalformed, "SIGNATURE_MALFORMED", kUnreadable,
     "the signature has a wrong length or encoding for its key"},
    {kDocumentMalformed, "DOCUMENT_MALFORMED", kUnreadable,
     "the document is not strict JSON with an object on top"},
    {kDuplicateKey, "DUPLICATE_KEY", kUnreadable,
     "the same key occurs twice in one map"},
    {kFieldMissing, "FIELD_MISSING", kUnreadable,
     "a field that is always present is absent"},
    {kFieldInvalid, "FIELD_INVALID", kUnreadable,
     "a field has a wrong type, length, range or form"},
    {kFieldUnknown, "FIELD_UNKNOWN", kUnreadable,
     "the strict profile does not know a field"},
    {kCborMalformed, "CBOR_MALFORMED", kUnreadable,
     "the document is not CBOR of the form that AWS emits"},
    {kCoseTag, "COSE_TAG", kUnreadable,
     "the document has a tag other than COSE_Sign1's"},
    {kCoseMalformed, "COSE_MALFORMED", kUnreadable,
     "the document is not a COSE_Sign1 of four elements"},
    {kCoseAlgorithm, "COSE_ALGORITHM", kUnreadable,
     "the protected header is not exactly ES384"},
    {kUnprotectedNotEmpty, "UNPROTECTED_NOT_EMPTY", kUnreadable,
     "the unprotected header is not empty"},
    {kDigestUnsupported, "DIGEST_UNSUPPORTED", kUnreadable,
     "the attestation's digest is not SHA384"},
    {kAmbiguousDocumentType, "AMBIGUOUS_DOCUMENT_TYPE", kUnreadable,
     "the document has the measurements of an enclave and of a NitroTPM"},
    {kWrongDocumentType, "WRONG_DOCUMENT_TYPE", kUnreadable,
     "the document is of the other type: enclave for NitroTPM or vice versa"},
    {kCertificateMalformed, "CERTIFICATE_MALFORMED", kUnreadable,
     "a certificate is not strict DER X.509"},
    {kChainLength, "CHAIN_LENGTH", kUnreadable,
     "the chain has more or fewer certificates than AWS's"},

    {kRegionUnknown, "REGION_UNKNOWN", kNotFromAws,
     "no anchor is known for the document's region"},
    {kContentMismatch, "CONTENT_MISMATCH", kNotFromAws,
     "the document beside the PKCS #7 is not the signed one"},
    {kDigestMismatch, "DIGEST_MISMATCH", kNotFromAws,
     "the content does not have the signed digest"},
    {kSignatureMismatch, "SIGNATURE_MISMATCH", kNotFromAws,
     "no anchor of the slot made the signature"},
    {kRegionMismatch, "REGION_MISMATCH", kNotFromAws,
     "the signer is an anchor of another region"},
    {kRootNotPinned, "ROOT_NOT_PINNED", kNotFromAws,
     "the chain does not begin with a pinned root"},
    {kPartitionMismatch, "PARTITION_MISMATCH", kNotFromAws,
     "the root is pinned for another partition"},
    {kChainOrder, "CHAIN_ORDER", kNotFromAws,
     "a certificate's issuer is not its predecessor's subject"},
    {kChainSignature, "CHAIN_SIGNATURE", kNotFromAws,
     "a certificate is not signed by its predecessor"},
    {kCertificateAlgorithm, "CERTIFICATE_ALGORITHM", kNotFromAws,
     "a certificate is not P-384 with ecdsa-with-SHA384"},
    {kUnknownCriticalExtension, "UNKNOWN_CRITICAL_EXTENSION", kNotFromAws,
     "a certificate has a critical extension that is not processed"},
    {kIssuerNotCa, "ISSUER_NOT_CA", kNotFromAws,
     "a certificate that issued another is not a CA"},
    {kIssuerKeyUsage, "ISSUER_KEY_USAGE", kNotFromAws,
     "a certificate that issued another may not sign certificates"},
    {kPathLength, "PATH_LENGTH", kNotFromAws,
     "more CAs follow than a path length constraint allows"},
    {kLeafIsCa, "LEAF_IS_CA", kNotFromAws, "the leaf certificate is a CA"},
    {kLeafKeyUsage, "LEAF_KEY_USAGE", kNotFromAws,
     "the leaf certificate may not make signatures"},
    {kLeafName, "LEAF_NAME", kNotFromAws,
     "the leaf's name is not the module and region that it attests"},

    {kAnchorNotActive, "ANCHOR_NOT_ACTIVE", kStaleOrForAnother,
     "the signer's anchor is not active at that time"},
    {kAnchorRevoked, "ANCHOR_REVOKED", kStaleOrForAnother,
     "the signer's anchor was revoked"},
    {kIssuerExpired, "ISSUER_EXPIRED", kStaleOrForAnother,
     "a CA certificate's validity has ended"},
    {kIssuerNotYetValid, "ISSUER_NOT_YET_VALID", kStaleOrForAnother,
     "a CA certificate's validity has not begun"},
    {kLeafExpired, "LEAF_EXPIRED", kStaleOrForAnother,
     "the leaf certificate's validity has ended"},
    {kLeafNotYetValid, "LEAF_NOT_YET_VALID", kStaleOrForAnother,
     "the leaf certificate's validity has not begun"},
    {kClockSuspect, "CLOCK_SUSPECT", kStaleOrForAnother,
     "the clock reads earlier than the anchors' own date"},
    {kTimestampOutsideLeaf, "TIMESTAMP_OUTSIDE_LEAF", kStaleOrForAnother,
     "the document's time lies outside its leaf certificate's validity"},
    {kTooOld, "TOO_OLD", kStaleOrForAnother,
     "the document is older than the policy allows"},
    {kFromTheFuture, "FROM_THE_FUTURE", kStaleOrForAnother,
     "the document's time is in the future"},
    {kPendingTimeRegressed, "PENDING_TIME_REGRESSED", kStaleOrForAnother,
     "a newer document of the instance was seen before"},
    {kReplayed, "REPLAYED", kStaleOrForAnother,
     "the document was used before, or by another"},
    {kNonceMissing, "NONCE_MISSING", kStaleOrForAnother,
     "a nonce was expected and there is none"},
    {kNonceMismatch, "NONCE_MISMATCH", kStaleOrForAnother,
     "the nonce is another one"},
    {kUserDataMismatch, "USER_DATA_MISMATCH", kStaleOrForAnother,
     "the user data is absent or other than expected"},
    {kPublicKeyMismatch, "PUBLIC_KEY_MISMATCH", kStaleOrForAnother,
     "the public key is absent or other than expected"},

    {kPolicyIncomplete, "POLICY_INCOMPLETE", kRefusedByPolicy,
     "the policy does not say Expect or Ignore exactly once for each thing"},
    {kPolicyEmpty, "POLICY_EMPTY", kRefusedByPolicy,
     "the policy expects one of nothing"},
    {kPolicyUnsafe, "POLICY_UNSAFE", kRefusedByPolicy,
     "the policy leaves open what the operator of the instance can change"},
    {kKindNotAllowed, "KIND_NOT_ALLOWED", kRefusedByPolicy,
     "the form of signature is weaker than the policy's minimum"},
    {kAccountNotAllowed, "ACCOUNT_NOT_ALLOWED", kRefusedByPolicy,
     "the account is not one of the expected ones"},
    {kRegionNotAllowed, "REGION_NOT_ALLOWED", kRefusedByPolicy,
     "the region is not one of the expected ones"},
    {kPartitionNotAllowed, "PARTITION_NOT_ALLOWED", kRefusedByPolicy,
     "the partition is not one of the expected ones"},
    {kInstanceNotAllowed, "INSTANCE_NOT_ALLOWED", kRefusedByPolicy,
     "the instance is not one of the expected ones"},
    {kImageNotAllowed, "IMAGE_NOT_ALLOWED", kRefusedByPolicy,
     "the image is not one of the expected ones"},
    {kInstanceTypeNotAllowed, "INSTANCE_TYPE_NOT_ALLOWED", kRefusedByPolicy,
     "the instance type is not one of the expected ones"},
    {kArchitectureNotAllowed, "ARCHITECTURE_NOT_ALLOWED", kRefusedByPolicy,
     "the architecture is not one of the expected ones"},
    {kProductCodeNotAllowed, "PRODUCT_CODE_NOT_ALLOWED", kRefusedByPolicy,
     "the marketplace product codes are not the expected ones"},
    {kBillingProductNotAllowed, "BILLING_PRODUCT_NOT_ALLOWED", kRefusedByPolicy,
     "the billing products are not the expected ones"},
    {kModuleNotAllowed, "MODULE_NOT_ALLOWED", kRefusedByPolicy,
     "the module is not one of the expected ones"},
    {kDebugEnclave, "DEBUG_ENCLAVE", kRefusedByPolicy,
     "the enclave runs in debug mode: PCR0, PCR1 and PCR2 are zero"},
    {kPcrMismatch, "PCR_MISMATCH", kRefusedByPolicy,
     "a PCR is absent or has another value"},
    {kReleaseUnknown, "RELEASE_UNKNOWN", kRefusedByPolicy,
     "no active reference release has these measurements"},
    {kReleaseRevoked, "RELEASE_REVOKED", kRefusedByPolicy,
     "the reference release with these measurements was revoked"},

    {kNoUsableAnchors, "NO_USABLE_ANCHORS", kUndecided,
     "there is no anchor to verify with"},
    {kAnchorsExpired, "ANCHORS_EXPIRED", kUndecided,
     "the anchors are older than the staleness policy allows"},
    {kCryptoUnavailable, "CRYPTO_UNAVAILABLE", kUndecided,
     "the cryptography library failed"},
    {kLedgerUnavailable, "LEDGER_UNAVAILABLE", kUndecided,
     "the replay ledger could not be read or written"},
};

constexpr bool TableIsComplete() {
  if (std::size(kTable) != kReasons) return false;
  for (std::size_t i = 0; i < kReasons; ++i) {
    if (static_cast<std::size_t>(kTable[i].reason) != i) return false;
  }
  return true;
}
static_assert(TableIsComplete(), "kTable: one row a reason, in their order");

constexpr absl::StatusCode CodeOf(Family family) {
  switch (family) {
    case kUnreadable:
      return absl::StatusCode::kInvalidArgument;
    case kNotFromAws:
      return absl::StatusCode::kUnauthenticated;
    case kStaleOrForAnother:
      return absl::StatusCode::kFailedPrecondition;
    case kRefusedByPolicy:
      return absl::StatusCode::kPermissionDenied;
    case kUndecided:
      return absl::StatusCode::kUnavailable;
  }
  return absl::StatusCode::kInternal;
}

const Row& RowOf(Reason reason) {
  return kTable[static_cast<std::size_t>(reason)];
}

// Payload types of a status made here.
constexpr char kReasonUrl[] = "anchorage/reason";
constexpr char kCertificateUrl[] = "anchorage/certificate-index";

}  // namespace

absl::Status Reject(Reason reason, std::string_view detail,
                    int certificate_index) {
  const Row& row = RowOf(reason);
  absl::Status status(
      CodeOf(row.family),
      detail.empty()
          ? absl::string_view(row.description.data(), row.description.size())
          : absl::string_view(detail.data(), detail.size()));
  status.SetPayload(kReasonUrl, absl::Cord(absl::string_view(row.name.data(),
                                                             row.name.size())));
  if (certificate_index >= 0) {
    status.SetPayload(kCertificateUrl,
                      absl::Cord(absl::StrCat(certificate_index)));
  }
  return status;
}

std::optional<Reason> ReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kReasonUrl);
  if (!payload.has_value()) return std::nullopt;
  return ReasonNamed(std::string(*payload));
}

int CertificateIndexOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kCertificateUrl);
  int index = -1;
  if (payload.has_value() && !absl::SimpleAtoi(std::string(*payload), &index)) {
    return -1;
  }
  return index;
}

std::string_view NameOf(Reason reason) { return RowOf(reason).name; }

std::optional<Reason> ReasonNamed(std::string_view name) {
  for (const Row& row : kTable) {
    if (row.name == name) return row.reason;
  }
  return std::nullopt;
}

std::string_view DescriptionOf(Reason reason) {
  return RowOf(reason).description;
}

Family FamilyOf(Reason reason) { return RowOf(reason).family; }

absl::Span<const Reason> AllReasons() {
  static constexpr auto kAll = [] {
    std::array<Reason, kReasons> all{};
    for (std::size_t i = 0; i < kReasons; ++i) all[i] = kTable[i].reason;
    return all;
  }();
  return kAll;
}

}  // namespace anchorage::verify
