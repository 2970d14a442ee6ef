// What a policy expects of a document that was proved authentic.
//
// Made only by the builders of attestation_policy.h, which make sure that
// nothing is left out by accident.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_EXPECTATIONS_H_
#define ANCHORAGE_VERIFY_ATTESTATION_EXPECTATIONS_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "verify/attestation/attestation_document.h"
#include "verify/attestation/condition.h"
#include "verify/attestation/pcr_set.h"
#include "verify/attestation/release.h"
#include "verify/crypto/public_key.h"

namespace anchorage::verify {

// A document older than this is refused: AWS KMS draws the same line.
inline constexpr absl::Duration kDefaultMaxAge = absl::Minutes(5);
// How far the verifier's clock may be behind by default: documents arrive
// within milliseconds of being signed, sooner than clocks agree.
inline constexpr absl::Duration kDefaultClockLeeway = absl::Seconds(5);
inline constexpr absl::Duration kMaxClockLeeway = absl::Minutes(10);

// Any active release of a product.
struct ExpectedRelease {
  std::string product;
  // Null: there is no list, and so no release.
  std::shared_ptr<const ReleaseSet> releases;
};

// An absent member is not expected.
struct Expectations {
  std::string partition = "aws";
  absl::Duration max_age = kDefaultMaxAge;
  absl::Duration clock_leeway = kDefaultClockLeeway;
  bool refuse_unknown_keys = false;
  // Whether everything that would be noted (note.h) is refused.
  bool strict = false;
  // Whether an enclave in debug mode is accepted.
  bool allow_debug = false;
  // Whether an image may boot with additions (boot_extensions.h).
  bool allow_extensions = false;

  // The PCRs must match one of these.
  std::optional<std::vector<PcrSet>> pcrs;
  // The PCRs must satisfy this.
  std::optional<CheckedCondition> condition;
  // The PCRs must be those of a release.
  std::optional<ExpectedRelease> release;
  std::optional<std::string> nonce;
  std::optional<std::string> user_data;

  // The public key must be present and have at least one byte.
  bool public_key_present = false;
  // The public key must be a SubjectPublicKeyInfo, DER, of one of these types.
  std::optional<std::vector<KeyType>> public_key_types;
  // The public key must be present and exactly these bytes; empty is a field
  // without any.
  std::optional<std::string> public_key;

  // The module, instance and region must each be one of these.
  std::optional<std::vector<std::string>> modules;
  std::optional<std::vector<std::string>> instances;
  std::optional<std::vector<std::string>> regions;

  // Why each ignored check is ignored, by the check's name, for the record.
  std::map<std::string, std::string> ignored;

  // What the policy's author should know, in sentences for people.
  std::vector<std::string> warnings;
};

// What a trace says of a check that passed: "ignored: " and why where the
// policy ignores it or, for "debug", allows it; "as the policy says" elsewhere.
std::string FoundAsExpected(const Expectations& expected,
                            std::string_view check);

// Each returns OK, or one of the reasons named above it.
//
// kNonceMissing or kNonceMismatch. The time taken depends on lengths only.
absl::Status CheckNonce(const Expectations& expected,
                        const AttestationDocument& document);
// kUserDataMismatch.
absl::Status CheckUserData(const Expectations& expected,
                           const AttestationDocument& document);
// kPublicKeyMismatch.
absl::Status CheckPublicKey(const Expectations& expected,
                            const AttestationDocument& document);
// kDebugEnclave: none of PCR0, PCR1 and PCR2 of an enclave has a value other
// than zero, so whoever runs it can read and change it.
absl::Status CheckDebug(const Expectations& expected,
                        const AttestationDocument& document);
// kPcrMismatch, or kBootExtended. A PCR that the document does not have matches
// nothing.
absl::Status CheckMeasurements(const Expectations& expected,
                               const AttestationDocument& document);
// Returns the release that the document is of; null if none is expected.
// kReleaseUnknown (also where there is no list), kReleaseRevoked or
// kBootExtended.
absl::StatusOr<const Release*> CheckRelease(const Expectations& expected,
                                            const AttestationDocument& document,
                                            absl::Time at);
// kModuleNotAllowed or kInstanceNotAllowed. A document without an instance
// fails where one is expected.
absl::Status CheckModule(const Expectations& expected,
                         std::string_view module_id,
                         std::optional<std::string_view> instance_id);
// kRegionNotAllowed. A document without a region fails where one is expected.
absl::Status CheckRegion(const Expectations& expected,
                         std::optional<std::string_view> region);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_EXPECTATIONS_H_
