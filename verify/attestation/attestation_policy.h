// What a caller demands of an attestation document, beyond its authenticity.
//
//   absl::StatusOr<EnclavePolicy> policy =
//       EnclavePolicy::Builder()
//           .ExpectPcrs(release)
//           .ExpectNonce(nonce)
//           .IgnoreTheRest("the key comes over the channel that is attested")
//           .Build();
//
// AWS proves six things: the measurements, the nonce, the user data, the
// public key, the module, and the region. A policy must say Expect or
// Ignore("why") for each, and expect one at least: nothing is left out by
// accident, and every omission can be searched for. Policies for enclaves and
// for instances with a NitroTPM are two types, because the PCRs of one mean
// nothing for the other.
//
// A policy is immutable and may be used by any number of threads at once.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_ATTESTATION_POLICY_H_
#define ANCHORAGE_VERIFY_ATTESTATION_ATTESTATION_POLICY_H_

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "verify/attestation/attestation_document.h"
#include "verify/attestation/condition.h"
#include "verify/attestation/expectations.h"
#include "verify/attestation/pcr_set.h"
#include "verify/attestation/release.h"
#include "verify/crypto/public_key.h"

namespace anchorage::verify {

template <AttestationType kType>
class AttestationPolicy {
 public:
  class Builder;

  const Expectations& expectations() const { return expectations_; }
  // What the policy's author should know, in sentences for people; mostly
  // empty.
  const std::vector<std::string>& warnings() const {
    return expectations_.warnings;
  }

 private:
  explicit AttestationPolicy(Expectations expectations)
      : expectations_(std::move(expectations)) {}

  Expectations expectations_;
};

using EnclavePolicy = AttestationPolicy<AttestationType::kEnclave>;
using NitroTpmPolicy = AttestationPolicy<AttestationType::kNitroTpm>;

// Each of the six is stated exactly once: stating it again, and an Ignore
// without a why, are errors. A list means one of its elements, and must not be
// empty. Build() returns the first error.
template <AttestationType kType>
class AttestationPolicy<kType>::Builder {
 public:
  // The measurements. A set must tell machines apart: for a NitroTPM it has
  // PCR4 with PCR12 = 0, or PCR7 with Secure Boot on; for an enclave at least
  // one of PCR0, PCR2, PCR3, PCR4 and PCR8 that is not zero. pcr_claims.h says
  // why.
  Builder& ExpectPcrs(PcrSet pcrs);
  Builder& ExpectPcrsAnyOf(std::vector<PcrSet> alternatives);
  // The measurements as a condition. Fails as CheckedCondition::Create() does.
  Builder& ExpectCondition(const Condition& condition);
  // The measurements of any release of `product` that `releases` lists as
  // active at the time of verification. Active releases must be as ExpectPcrs()
  // demands, except that one which names the image (PCR0, or PCR4 and what
  // fixes the command line) by a value that tells nothing is only a warning.
  // Null, or a list without that product, is no release: kReleaseUnknown. The
  // policy keeps this list, so whoever takes it from a client must build a
  // policy for each verification: a release that has been revoked since is
  // refused only by a list that says so.
  Builder& ExpectRelease(std::string_view product,
                         std::shared_ptr<const ReleaseSet> releases);
  Builder& IgnorePcrs(std::string_view why);

  // The nonce, 1 to 1024 bytes.
  Builder& ExpectNonce(std::string_view nonce);
  Builder& IgnoreNonce(std::string_view why);

  // The user data. Empty means a field that is present and empty.
  Builder& ExpectUserData(std::string_view user_data);
  Builder& IgnoreUserData(std::string_view why);

  // The public key: any of one byte or more; a SubjectPublicKeyInfo of one of
  // these types; or exactly these bytes, where no bytes mean a field that is
  // present and empty.
  Builder& ExpectPublicKeyPresent();
  Builder& ExpectPublicKeyOfType(std::vector<KeyType> types);
  Builder& ExpectPublicKey(std::string_view public_key);
  Builder& IgnorePublicKey(std::string_view why);

  // The module ("i-…-enc…", "i-…-tpm…"), or the instance that it runs on. A
  // module id in another form names no instance.
  Builder& ExpectModules(std::vector<std::string> module_ids);
  Builder& ExpectInstances(std::vector<std::string> instance_ids);
  Builder& IgnoreModule(std::string_view why);

  // The region, as the leaf certificate names it. A document whose leaf is
  // named in an unknown form has no region, and is refused.
  Builder& ExpectRegions(std::vector<std::string> regions);
  Builder& IgnoreRegion(std::string_view why);

  // Ignores everything that was not stated before this call.
  Builder& IgnoreTheRest(std::string_view why);
  // Like IgnoreTheRest(), but the policy may expect nothing at all: a document
  // is accepted if AWS made it, whatever it attests. Debug enclaves are still
  // refused.
  Builder& AuthenticityOnly(std::string_view why);

  // The partition whose roots are trusted; "aws" unless set. A root of another
  // partition is kPartitionMismatch, and no name may be of another.
  Builder& ExpectPartition(std::string_view partition);

  // How old a live document may be; kDefaultMaxAge unless set. More than zero,
  // and finite.
  Builder& WithMaxAge(absl::Duration max_age);
  // How far the verifier's clock may be behind the document and its
  // certificates; kDefaultClockLeeway unless set, at most kMaxClockLeeway. The
  // maximum age is what guards against a clock that is ahead.
  Builder& WithClockLeeway(absl::Duration leeway);

  // Accepts enclaves in debug mode, whose memory their operator can read.
  // clang-format off
  Builder& AllowDebug(std::string_view why)
    requires(kType == AttestationType::kEnclave)
  {
    RequireWhy(why);
    expectations_.allow_debug = true;
    expectations_.ignored["debug"] = std::string(why);
    return *this;
  }
  // clang-format on

  // Accepts an image that booted with additions. Otherwise, where PCR4 is
  // expected and nothing is said of PCR12 or PCR13, that one must be zero where
  // the document has it (boot_extensions.h): kBootExtended. Lifts that also for
  // the releases of ExpectRelease().
  // clang-format off
  Builder& AllowExtensions(std::string_view why)
    requires(kType == AttestationType::kNitroTpm)
  {
    RequireWhy(why);
    expectations_.allow_extensions = true;
    expectations_.ignored["extensions"] = std::string(why);
    return *this;
  }
  // clang-format on

  // Refuses documents with fields that this version does not know, which are
  // otherwise accepted and noted (kFieldUnknown).
  Builder& RefuseUnknownFields();
  // The strict profile: refuses all that is otherwise accepted with a note
  // (note.h), with kFieldUnknown, with kLeafName for names of certificates, and
  // with kFieldInvalid for a module id. For callers who would rather stop than
  // accept a new form that AWS introduces.
  Builder& Strict();

  // Adds a warning to the policy unless it has it already. For readers of
  // policy documents.
  Builder& Warn(std::string_view warning);

  // Returns the policy. Fails with the first error of the calls above
  // (kFieldInvalid, kPolicyEmpty for an empty list, kPolicyIncomplete for a
  // why that is none, why.h), kPolicyEmpty if nothing is expected, kPolicyIncomplete if
  // something is neither expected nor ignored, or kPolicyUnsafe.
  absl::StatusOr<AttestationPolicy> Build() const;

 private:
  // What AWS proves, in the order of kAspectNames.
  enum Aspect : std::size_t {
    kMeasurements,
    kNonce,
    kUserData,
    kPublicKey,
    kModule,
    kRegion,
    kAspects,
  };
  enum class Said { kNothing, kExpect, kIgnore };

  // Keeps the first error.
  void Fail(absl::Status error);
  Builder& Note(absl::FunctionRef<void()> note);
  absl::StatusOr<AttestationPolicy> Finished() const;
  // Notes that `aspect` is stated, which it must not have been before.
  void Say(Aspect aspect, Said said);
  Builder& Expect(Aspect aspect);
  Builder& Ignore(Aspect aspect, std::string_view why);
  // Refuses an empty list or element.
  void RequireNames(const std::vector<std::string>& names);
  void RequireWhy(std::string_view why);

  Expectations expectations_;
  std::array<Said, kAspects> said_{};
  bool may_expect_nothing_ = false;
  absl::Status error_;
};

extern template class AttestationPolicy<AttestationType::kEnclave>;
extern template class AttestationPolicy<AttestationType::kNitroTpm>;

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_ATTESTATION_POLICY_H_
