#include "trustd/fleet/failure_reasons.h"

namespace anchorage::trustd {

// A switch without a default: the build fails where a reason has no answer.
bool MayRefuseGenuine(verify::Reason reason) {
  switch (reason) {
    using enum verify::Reason;

    // AWS writes something that the readers do not know.
    case kInputTooLarge:
    case kEncodingMalformed:
    case kTrailingBytes:
    case kPkcs7Malformed:
    case kSignerCount:
    case kContentMissing:
    case kSignedAttributesRequired:
    case kSignedAttributeMissing:
    case kDuplicateAttribute:
    case kContentTypeMismatch:
    case kAlgorithmMismatch:
    case kDigestNotAllowed:
    case kSignatureMalformed:
    case kDocumentMalformed:
    case kDuplicateKey:
    case kFieldMissing:
    case kFieldInvalid:
    case kFieldUnknown:
    case kCborMalformed:
    case kCoseTag:
    case kCoseMalformed:
    case kCoseAlgorithm:
    case kUnprotectedNotEmpty:
    case kDigestUnsupported:
    case kAmbiguousDocumentType:
    case kCertificateMalformed:
    case kChainLength:
      return true;

    // AWS signs with a key, in a region or by a chain that is not known.
    case kRegionUnknown:
    case kSignatureMismatch:
    case kRegionMismatch:
    case kRootNotPinned:
    case kPartitionMismatch:
    case kChainOrder:
    case kCertificateAlgorithm:
    case kUnknownCriticalExtension:
    case kIssuerNotCa:
    case kIssuerKeyUsage:
    case kPathLength:
    case kLeafIsCa:
    case kLeafKeyUsage:
    case kLeafName:
      return true;

    // The anchors say that the key is no longer, or not yet, AWS's; or they are
    // dated after the clocks of the fleet.
    case kAnchorNotActive:
    case kAnchorRevoked:
    case kClockSuspect:
      return true;

    // There are no anchors to verify with, or nothing that verifies.
    case kNoUsableAnchors:
    case kAnchorsExpired:
    case kCryptoUnavailable:
    case kCryptoProviderMissing:
      return true;

    // Other evidence than was asked for, or bytes that were changed.
    case kWrongDocumentType:
    case kContentMismatch:
    case kDigestMismatch:
    case kChainSignature:
      return false;

    // Stale, meant for another, or used before.
    case kIssuerExpired:
    case kIssuerNotYetValid:
    case kLeafExpired:
    case kLeafNotYetValid:
    case kTimestampOutsideLeaf:
    case kTooOld:
    case kFromTheFuture:
    case kPendingTimeRegressed:
    case kReplayed:
    case kNonceMissing:
    case kNonceMismatch:
    case kUserDataMismatch:
    case kPublicKeyMismatch:
      return false;

    // Genuine, and not what the caller wants.
    case kPolicyIncomplete:
    case kPolicyEmpty:
    case kPolicyUnsafe:
    case kKindNotAllowed:
    case kAccountNotAllowed:
    case kRegionNotAllowed:
    case kPartitionNotAllowed:
    case kInstanceNotAllowed:
    case kImageNotAllowed:
    case kInstanceTypeNotAllowed:
    case kArchitectureNotAllowed:
    case kProductCodeNotAllowed:
    case kBillingProductNotAllowed:
    case kModuleNotAllowed:
    case kDebugEnclave:
    case kPcrMismatch:
    case kBootExtended:
    case kReleaseUnknown:
    case kReleaseRevoked:
      return false;

    // Of the caller's machine.
    case kLedgerUnavailable:
    case kResourcesExhausted:
      return false;
  }
  return false;
}

}  // namespace anchorage::trustd
