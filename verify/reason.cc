#include "verify/reason.h"

#include <exception>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "verify/enum_table.h"
#include "verify/printable.h"

namespace anchorage::verify {
namespace {

struct Row {
  Reason value;
  std::string_view name;
  Family family;
  std::string_view description;
  std::string_view why;
};

using enum Reason;
using enum Family;

constexpr Row kRows[] = {
    {kInputTooLarge, "INPUT_TOO_LARGE", kUnreadable,
     "the input is longer than its parser's limit",
     "no evidence of AWS is nearly as long, and reading must cost little "
     "whoever sends it"},
    {kEncodingMalformed, "ENCODING_MALFORMED", kUnreadable,
     "the text is not base64 (or hex, or PEM)",
     "decoders disagree about what is no strict base64, so two of them could "
     "see two documents"},
    {kTrailingBytes, "TRAILING_BYTES", kUnreadable,
     "bytes follow the end of the structure",
     "what follows a structure is read by some and not by others, and is "
     "covered by no signature"},
    {kPkcs7Malformed, "PKCS7_MALFORMED", kUnreadable,
     "the signature is not a PKCS #7 of the form that AWS emits",
     "CMS readers disagree about indefinite lengths, order and what is "
     "optional; one form leaves nothing to disagree about"},
    {kSignerCount, "SIGNER_COUNT", kUnreadable,
     "the PKCS #7 has no signer, or more than one",
     "with two signers one reader checks the first and another any; AWS "
     "signs once"},
    {kContentMissing, "CONTENT_MISSING", kUnreadable,
     "the PKCS #7 does not contain the document",
     "without the signed bytes there is nothing to verify"},
    {kSignedAttributesRequired, "SIGNED_ATTRIBUTES_REQUIRED", kUnreadable,
     "the PKCS #7 has no signed attributes",
     "a signature over attributes can be passed off as one over content that "
     "is their DER"},
    {kSignedAttributeMissing, "SIGNED_ATTRIBUTE_MISSING", kUnreadable,
     "a required signed attribute is absent",
     "RFC 5652 5.3 demands contentType and messageDigest; without "
     "messageDigest the content is not signed"},
    {kDuplicateAttribute, "DUPLICATE_ATTRIBUTE", kUnreadable,
     "a signed attribute has more than one value",
     "of two values one reader takes the first and another the last"},
    {kContentTypeMismatch, "CONTENT_TYPE_MISMATCH", kUnreadable,
     "the contentType attribute names another type than the content's",
     "RFC 5652 11.1: a signature over another type of content is not one "
     "over a document"},
    {kAlgorithmMismatch, "ALGORITHM_MISMATCH", kUnreadable,
     "the named algorithms disagree with one another or with the key",
     "the algorithm is named in three places, and a reader that follows "
     "another one verifies something else (RFC 6211)"},
    {kDigestNotAllowed, "DIGEST_NOT_ALLOWED", kUnreadable,
     "this kind of evidence never uses that digest algorithm",
     "AWS uses one digest for each form, and a weaker one is what a forger "
     "would choose"},
    {kSignatureMalformed, "SIGNATURE_MALFORMED", kUnreadable,
     "the signature has a wrong length or encoding for its key",
     "a signature has one encoding, so that evidence cannot be varied and "
     "shown again as new"},
    {kDocumentMalformed, "DOCUMENT_MALFORMED", kUnreadable,
     "the document is not strict JSON with an object on top",
     "JSON readers disagree about what is not strict JSON (RFC 8259), so a "
     "product could read another document than we did"},
    {kDuplicateKey, "DUPLICATE_KEY", kUnreadable,
     "the same key occurs twice in one map",
     "of two values one reader takes the first and another the last"},
    {kFieldMissing, "FIELD_MISSING", kUnreadable,
     "a field that is always present is absent",
     "AWS always gives the field, and what a policy compares must be there: "
     "absent never means any"},
    {kFieldInvalid, "FIELD_INVALID", kUnreadable,
     "a field has a wrong type, length, range or form",
     "a value in no form of AWS's is read differently by those who use it: "
     "as a number, a path, a time"},
    {kFieldUnknown, "FIELD_UNKNOWN", kUnreadable,
     "the strict profile does not know a field",
     "asked for by the strict profile alone: a field that is not known could "
     "change what the others mean"},
    {kCborMalformed, "CBOR_MALFORMED", kUnreadable,
     "the document is not CBOR of the form that AWS emits",
     "CBOR readers disagree about lengths, key order and what is well-formed "
     "(RFC 8949 5)"},
    {kCoseTag, "COSE_TAG", kUnreadable,
     "the document has a tag other than COSE_Sign1's",
     "AWS's step 1 reads a COSE_Sign1 (RFC 9052 4.2); another tag says that "
     "the bytes are something else"},
    {kCoseMalformed, "COSE_MALFORMED", kUnreadable,
     "the document is not a COSE_Sign1 of four elements",
     "AWS's step 1: a COSE_Sign1 is these four elements (RFC 9052 4.2)"},
    {kCoseAlgorithm, "COSE_ALGORITHM", kUnreadable,
     "the protected header is not exactly ES384",
     "AWS signs with ES384 alone, and an algorithm that the evidence chooses "
     "is the forger's choice"},
    {kUnprotectedNotEmpty, "UNPROTECTED_NOT_EMPTY", kUnreadable,
     "the unprotected header is not empty",
     "the unprotected header is not signed: whatever reads it can be told "
     "anything"},
    {kDigestUnsupported, "DIGEST_UNSUPPORTED", kUnreadable,
     "the attestation's digest is not SHA384",
     "AWS's CDDL: the digest is SHA384; measurements of another algorithm "
     "cannot be compared"},
    {kAmbiguousDocumentType, "AMBIGUOUS_DOCUMENT_TYPE", kUnreadable,
     "the document has measurements twice, of two kinds or under two names",
     "with both banks of measurements one reader checks the enclave's and "
     "another the TPM's"},
    {kWrongDocumentType, "WRONG_DOCUMENT_TYPE", kUnreadable,
     "the document is of the other type: enclave for NitroTPM or vice versa",
     "the same index measures other things in an enclave and in a NitroTPM"},
    {kCertificateMalformed, "CERTIFICATE_MALFORMED", kUnreadable,
     "a certificate is not strict DER X.509",
     "X.509 readers disagree about what is not DER, so a name or a key could "
     "be two"},
    {kChainLength, "CHAIN_LENGTH", kUnreadable,
     "the chain has more or fewer certificates than AWS's",
     "more links than AWS ever uses cost time and prove nothing; fewer have "
     "no leaf"},

    {kRegionUnknown, "REGION_UNKNOWN", kNotFromAws,
     "no anchor is known for the document's region",
     "only an anchor of the region that the document names can vouch for it"},
    {kContentMismatch, "CONTENT_MISMATCH", kNotFromAws,
     "the document beside the PKCS #7 is not the signed one",
     "the caller would go on with the document in hand, which nobody signed"},
    {kDigestMismatch, "DIGEST_MISMATCH", kNotFromAws,
     "the content does not have the signed digest",
     "the digest is what ties the document to the signature (RFC 5652 5.6)"},
    {kSignatureMismatch, "SIGNATURE_MISMATCH", kNotFromAws,
     "no anchor of the slot made the signature",
     "this is the proof: without it anyone wrote the document"},
    {kRegionMismatch, "REGION_MISMATCH", kNotFromAws,
     "the signer is an anchor of another region",
     "a key of one region must not vouch for an instance of another"},
    {kRootNotPinned, "ROOT_NOT_PINNED", kNotFromAws,
     "the chain does not begin with a pinned root",
     "AWS's step 3: the chain ends at the published root, or anyone could "
     "begin one"},
    {kPartitionMismatch, "PARTITION_MISMATCH", kNotFromAws,
     "the root is pinned for another partition",
     "partitions are run apart, and the root of one must not vouch for "
     "another"},
    {kChainOrder, "CHAIN_ORDER", kNotFromAws,
     "a certificate's issuer is not its predecessor's subject",
     "RFC 5280 6.1.3 (a)(4): a link is issued by the one before it"},
    {kChainSignature, "CHAIN_SIGNATURE", kNotFromAws,
     "a certificate is not signed by its predecessor",
     "RFC 5280 6.1.3 (a)(1): a link that its issuer did not sign is anyone's"},
    {kCertificateAlgorithm, "CERTIFICATE_ALGORITHM", kNotFromAws,
     "a certificate is not P-384 with ecdsa-with-SHA384",
     "AWS's chains are P-384 with SHA-384 throughout, and the weakest link "
     "is what a forger attacks"},
    {kUnknownCriticalExtension, "UNKNOWN_CRITICAL_EXTENSION", kNotFromAws,
     "a certificate has a critical extension that is not processed",
     "RFC 5280 4.2: a critical extension that is not processed refuses the "
     "certificate"},
    {kIssuerNotCa, "ISSUER_NOT_CA", kNotFromAws,
     "a certificate that issued another is not a CA",
     "RFC 5280 6.1.4 (k): a leaf of somebody's enclave must not issue leaves "
     "of its own"},
    {kIssuerKeyUsage, "ISSUER_KEY_USAGE", kNotFromAws,
     "a certificate that issued another may not sign certificates",
     "RFC 5280 6.1.4 (n): the key was not given for issuing"},
    {kPathLength, "PATH_LENGTH", kNotFromAws,
     "more CAs follow than a path length constraint allows",
     "RFC 5280 6.1.4 (l): the issuer was allowed fewer below it"},
    {kLeafIsCa, "LEAF_IS_CA", kNotFromAws, "the leaf certificate is a CA",
     "AWS's step 3: a key that issues certificates signs no documents"},
    {kLeafKeyUsage, "LEAF_KEY_USAGE", kNotFromAws,
     "the leaf certificate may not make signatures",
     "AWS's step 3: the key must have been given for signatures (RFC 5280 "
     "4.2.1.3)"},
    {kLeafName, "LEAF_NAME", kNotFromAws,
     "a name in the chain is of another module, region or partition",
     "a name that says another module or region contradicts the document "
     "that its key signed"},

    {kAnchorNotActive, "ANCHOR_NOT_ACTIVE", kStaleOrForAnother,
     "the signer's anchor is not active at that time",
     "whoever holds a retired key signs documents of any date"},
    {kAnchorRevoked, "ANCHOR_REVOKED", kStaleOrForAnother,
     "the signer's anchor was revoked",
     "a revoked key may be in other hands, and nothing in a document shows "
     "when it was signed"},
    {kIssuerExpired, "ISSUER_EXPIRED", kStaleOrForAnother,
     "a CA certificate's validity has ended",
     "RFC 5280 6.1.3 (a)(2); AWS's step 3"},
    {kIssuerNotYetValid, "ISSUER_NOT_YET_VALID", kStaleOrForAnother,
     "a CA certificate's validity has not begun",
     "RFC 5280 6.1.3 (a)(2); AWS's step 3"},
    {kLeafExpired, "LEAF_EXPIRED", kStaleOrForAnother,
     "the leaf certificate's validity has ended",
     "RFC 5280 6.1.3 (a)(2): a leaf lives for hours, so that a key that "
     "leaks is soon worth nothing"},
    {kLeafNotYetValid, "LEAF_NOT_YET_VALID", kStaleOrForAnother,
     "the leaf certificate's validity has not begun",
     "RFC 5280 6.1.3 (a)(2); AWS's step 3"},
    {kClockSuspect, "CLOCK_SUSPECT", kStaleOrForAnother,
     "the clock reads earlier than the anchors' own date",
     "ages and validity that are judged by a wrong clock are judged wrongly"},
    {kTimestampOutsideLeaf, "TIMESTAMP_OUTSIDE_LEAF", kStaleOrForAnother,
     "the document's time lies outside its leaf certificate's validity",
     "a document that says that it was made when its key was not valid was "
     "not made as it says"},
    {kTooOld, "TOO_OLD", kStaleOrForAnother,
     "the document is older than the policy allows",
     "old evidence says nothing of now, and is what an eavesdropper has"},
    {kFromTheFuture, "FROM_THE_FUTURE", kStaleOrForAnother,
     "the document's time is in the future",
     "a document from the future stays young for as long as it lies ahead"},
    {kPendingTimeRegressed, "PENDING_TIME_REGRESSED", kStaleOrForAnother,
     "a newer document of the instance was seen before",
     "after a restart the older document of an instance describes what is no "
     "more"},
    {kReplayed, "REPLAYED", kStaleOrForAnother,
     "the document was used before, or by another",
     "a document says nothing of who sends it: a copy must not be worth as "
     "much"},
    {kNonceMissing, "NONCE_MISSING", kStaleOrForAnother,
     "a nonce was expected and there is none",
     "the nonce shows that the document was made for this question; without "
     "one it may be any"},
    {kNonceMismatch, "NONCE_MISMATCH", kStaleOrForAnother,
     "the nonce is another one",
     "a document with another nonce was made for another question"},
    {kUserDataMismatch, "USER_DATA_MISMATCH", kStaleOrForAnother,
     "the user data is absent or other than expected",
     "what the workload signed for must be what the caller asked about"},
    {kPublicKeyMismatch, "PUBLIC_KEY_MISMATCH", kStaleOrForAnother,
     "the public key is absent or other than expected",
     "a secret that is sealed to another key goes to another"},

    {kPolicyIncomplete, "POLICY_INCOMPLETE", kRefusedByPolicy,
     "the policy does not say Expect or Ignore exactly once for each thing",
     "what a policy forgot to mention would be accepted by accident"},
    {kPolicyEmpty, "POLICY_EMPTY", kRefusedByPolicy,
     "the policy expects one of nothing",
     "an expectation of nothing is met by nobody or by all, and neither was "
     "meant"},
    {kPolicyUnsafe, "POLICY_UNSAFE", kRefusedByPolicy,
     "the policy leaves open what the operator of the instance can change",
     "measurements that every machine can show, or that its operator can "
     "change, tell nothing apart"},
    {kKindNotAllowed, "KIND_NOT_ALLOWED", kRefusedByPolicy,
     "the form of signature is weaker than the policy's minimum",
     "who cannot forge the strong signature strips it and forges the weak "
     "one"},
    {kAccountNotAllowed, "ACCOUNT_NOT_ALLOWED", kRefusedByPolicy,
     "the account is not one of the expected ones",
     "the caller's policy: anyone with an account has genuine evidence"},
    {kRegionNotAllowed, "REGION_NOT_ALLOWED", kRefusedByPolicy,
     "the region is not one of the expected ones",
     "the caller's policy: genuine evidence of another region is not what "
     "was asked for"},
    {kPartitionNotAllowed, "PARTITION_NOT_ALLOWED", kRefusedByPolicy,
     "the partition is not one of the expected ones",
     "the caller's policy: another partition is run by others"},
    {kInstanceNotAllowed, "INSTANCE_NOT_ALLOWED", kRefusedByPolicy,
     "the instance is not one of the expected ones",
     "the caller's policy: genuine evidence of another instance is easily "
     "had"},
    {kImageNotAllowed, "IMAGE_NOT_ALLOWED", kRefusedByPolicy,
     "the image is not one of the expected ones",
     "the caller's policy: what runs was started from another image"},
    {kInstanceTypeNotAllowed, "INSTANCE_TYPE_NOT_ALLOWED", kRefusedByPolicy,
     "the instance type is not one of the expected ones",
     "the caller's policy"},
    {kArchitectureNotAllowed, "ARCHITECTURE_NOT_ALLOWED", kRefusedByPolicy,
     "the architecture is not one of the expected ones", "the caller's policy"},
    {kProductCodeNotAllowed, "PRODUCT_CODE_NOT_ALLOWED", kRefusedByPolicy,
     "the marketplace product codes are not the expected ones",
     "the caller's policy: the licence is in the product code"},
    {kBillingProductNotAllowed, "BILLING_PRODUCT_NOT_ALLOWED", kRefusedByPolicy,
     "the billing products are not the expected ones",
     "the caller's policy: the licence is in the billing product"},
    {kModuleNotAllowed, "MODULE_NOT_ALLOWED", kRefusedByPolicy,
     "the module is not one of the expected ones",
     "the caller's policy: genuine evidence of another module is easily had"},
    {kDebugEnclave, "DEBUG_ENCLAVE", kRefusedByPolicy,
     "the enclave runs in debug mode: PCR0, PCR1 and PCR2 are zero",
     "AWS: the operator of a debug enclave reads its memory, and its "
     "measurements are zero whatever it runs"},
    {kPcrMismatch, "PCR_MISMATCH", kRefusedByPolicy,
     "a PCR is absent or has another value",
     "the caller's policy: what was booted is not what was expected"},
    {kBootExtended, "BOOT_EXTENDED", kRefusedByPolicy,
     "something was added to the measured image at boot: PCR12 or PCR13 is not "
     "zero",
     "whoever owns the volume appends a kernel command line, or puts "
     "credentials and extensions beside the image, and PCR4 stays the same"},
    {kReleaseUnknown, "RELEASE_UNKNOWN", kRefusedByPolicy,
     "no active reference release has these measurements",
     "the caller's policy: what was booted is no release of the product"},
    {kReleaseRevoked, "RELEASE_REVOKED", kRefusedByPolicy,
     "the reference release with these measurements was revoked",
     "the vendor withdrew the release"},

    {kNoUsableAnchors, "NO_USABLE_ANCHORS", kUndecided,
     "there is no anchor to verify with",
     "without a key nothing can be verified, and what cannot be verified is "
     "not accepted"},
    {kAnchorsExpired, "ANCHORS_EXPIRED", kUndecided,
     "the anchors are older than the staleness policy allows",
     "who blocks updates keeps a revoked key in use for ever; the caller "
     "said for how long at most"},
    {kCryptoUnavailable, "CRYPTO_UNAVAILABLE", kUndecided,
     "the cryptography library failed",
     "a check that could not be made was not passed, and its failure says "
     "nothing of the evidence"},
    {kCryptoProviderMissing, "CRYPTO_PROVIDER_MISSING", kUndecided,
     "no provider of the cryptography library offers an algorithm",
     "a check that could not be made was not passed; who runs the machine can "
     "load the provider"},
    {kLedgerUnavailable, "LEDGER_UNAVAILABLE", kUndecided,
     "the replay ledger could not be read or written",
     "a use that could not be recorded could be repeated"},
    {kResourcesExhausted, "RESOURCES_EXHAUSTED", kUndecided,
     "the process ran out of memory or another resource",
     "a check that was not finished was not passed"},
};

using Reasons = EnumTable<kRows>;

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

// Payload types of a status made here.
constexpr char kReasonUrl[] = "anchorage/reason";
constexpr char kCertificateUrl[] = "anchorage/certificate-index";

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

absl::Status Make(Reason reason, std::string_view detail,
                  int certificate_index) {
  const Row& row = Reasons::Of(reason);
  absl::Status status(
      CodeOf(row.family),
      Printable(detail.empty() ? row.description : detail, kMaxSentenceBytes));
  status.SetPayload(kReasonUrl, absl::Cord(View(row.name)));
  if (certificate_index >= 0) {
    status.SetPayload(kCertificateUrl,
                      absl::Cord(absl::StrCat(certificate_index)));
  }
  return status;
}

// Made before main(), because later there may be no memory for it. Nothing
// else that is made before main() may reject anything.
const absl::Status& kExhausted =
    *new absl::Status(Make(Reason::kResourcesExhausted, "", -1));

}  // namespace

absl::Status Reject(Reason reason, std::string_view detail,
                    int certificate_index) {
  try {
    return Make(reason, detail, certificate_index);
  } catch (const std::exception&) {
    return ResourcesExhausted();
  }
}

absl::Status WithHint(absl::Status refusal, std::string_view hint) {
  const auto reason = ReasonOf(refusal);
  if (!reason.has_value() || hint.empty()) return refusal;
  try {
    const std::string sentence =
        absl::StrCat(refusal.message(), " (", View(hint), ")");
    return Make(*reason, sentence, CertificateIndexOf(refusal));
  } catch (const std::exception&) {
    return refusal;
  }
}

const absl::Status& ResourcesExhausted() { return kExhausted; }

std::optional<Reason> ReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kReasonUrl);
  if (!payload.has_value()) return std::nullopt;
  // Without a copy: also where there is no memory.
  for (const Row& row : kRows) {
    if (*payload == View(row.name)) return row.value;
  }
  return std::nullopt;
}

int CertificateIndexOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kCertificateUrl);
  int index = -1;
  if (payload.has_value() && !absl::SimpleAtoi(std::string(*payload), &index)) {
    return -1;
  }
  return index;
}

std::string_view NameOf(Reason reason) { return Reasons::Of(reason).name; }

std::optional<Reason> ReasonNamed(std::string_view name) {
  return Reasons::Named(name);
}

std::string_view DescriptionOf(Reason reason) {
  return Reasons::Of(reason).description;
}

std::string_view WhyOf(Reason reason) { return Reasons::Of(reason).why; }

Family FamilyOf(Reason reason) { return Reasons::Of(reason).family; }

bool IsUndecided(const absl::Status& status) {
  const auto reason = ReasonOf(status);
  return reason.has_value() && FamilyOf(*reason) == kUndecided;
}

absl::Span<const Reason> AllReasons() { return Reasons::All(); }

}  // namespace anchorage::verify
