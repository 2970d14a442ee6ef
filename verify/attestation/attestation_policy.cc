#include "verify/attestation/attestation_policy.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr const char* kAspectNames[] = {
    "measurements", "nonce", "user_data", "public_key", "module", "region",
};

// Whether the policy accepts a NitroTPM document whose kernel command line is
// not measured.
bool IsUnsafe(const Expectations& expected) {
  if (expected.pcrs.has_value() &&
      std::any_of(expected.pcrs->begin(), expected.pcrs->end(),
                  LeavesCommandLineOpen)) {
    return true;
  }
  if (!expected.release.has_value() || expected.release->releases == nullptr) {
    return false;
  }
  const auto releases = expected.release->releases->Of(
      AttestationType::kNitroTpm, expected.release->product);
  return std::any_of(releases.begin(), releases.end(), [](const Release& r) {
    return r.status == ReleaseStatus::kActive && LeavesCommandLineOpen(r.pcrs);
  });
}

absl::Status CheckSafe(AttestationType type, const Expectations& expected) {
  if (type == AttestationType::kNitroTpm && IsUnsafe(expected)) {
    return Reject(
        Reason::kPolicyUnsafe,
        "PCR4 measures the boot image but not a kernel command line that is "
        "appended to it, so whoever runs the instance could change how it "
        "boots: expect PCR12 = 0 as well, or PCR7 with Secure Boot on");
  }
  return absl::OkStatus();
}

}  // namespace

template <AttestationType kType>
void AttestationPolicy<kType>::Builder::Fail(absl::Status error) {
  if (error_.ok()) error_ = std::move(error);
}

template <AttestationType kType>
void AttestationPolicy<kType>::Builder::Say(Aspect aspect, Said said) {
  if (said_[aspect] != Said::kNothing) {
    Fail(Reject(
        Reason::kFieldInvalid,
        absl::StrCat("the policy says ", kAspectNames[aspect], " twice")));
  }
  said_[aspect] = said;
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::Expect(Aspect aspect) -> Builder& {
  Say(aspect, Said::kExpect);
  return *this;
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::Ignore(Aspect aspect,
                                               std::string_view why)
    -> Builder& {
  RequireWhy(why);
  Say(aspect, Said::kIgnore);
  expectations_.ignored[kAspectNames[aspect]] = std::string(why);
  return *this;
}

template <AttestationType kType>
void AttestationPolicy<kType>::Builder::RequireNames(
    const std::vector<std::string>& names) {
  if (names.empty() ||
      std::find(names.begin(), names.end(), "") != names.end()) {
    Fail(Reject(Reason::kPolicyEmpty, "a list of the policy is empty"));
  }
}

template <AttestationType kType>
void AttestationPolicy<kType>::Builder::RequireWhy(std::string_view why) {
  if (why.empty()) {
    Fail(Reject(Reason::kPolicyIncomplete,
                "the policy ignores or allows something without a why"));
  }
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::ExpectPcrs(PcrSet pcrs) -> Builder& {
  return ExpectPcrsAnyOf({std::move(pcrs)});
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::ExpectPcrsAnyOf(
    std::vector<PcrSet> alternatives) -> Builder& {
  if (alternatives.empty()) {
    Fail(Reject(Reason::kPolicyEmpty, "there is no set of measurements"));
  }
  expectations_.pcrs = std::move(alternatives);
  return Expect(kMeasurements);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::ExpectCondition(
    const Condition& condition) -> Builder& {
  absl::StatusOr<CheckedCondition> checked =
      CheckedCondition::Create(condition, kType);
  if (checked.ok()) {
    expectations_.condition = *std::move(checked);
  } else {
    Fail(checked.status());
  }
  return Expect(kMeasurements);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::ExpectRelease(
    std::string_view product, std::shared_ptr<const ReleaseSet> releases)
    -> Builder& {
  if (product.empty()) {
    Fail(Reject(Reason::kPolicyEmpty, "the expected product is empty"));
  }
  expectations_.release = {std::string(product), std::move(releases)};
  return Expect(kMeasurements);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::IgnorePcrs(std::string_view why)
    -> Builder& {
  return Ignore(kMeasurements, why);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::ExpectNonce(std::string_view nonce)
    -> Builder& {
  if (nonce.empty()) {
    Fail(Reject(Reason::kPolicyEmpty, "the expected nonce is empty"));
  }
  if (nonce.size() > kMaxNonceBytes) {
    Fail(Reject(Reason::kFieldInvalid, "the expected nonce is too long"));
  }
  expectations_.nonce = std::string(nonce);
  return Expect(kNonce);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::IgnoreNonce(std::string_view why)
    -> Builder& {
  return Ignore(kNonce, why);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::ExpectUserData(
    std::string_view user_data) -> Builder& {
  if (user_data.size() > kMaxUserDataBytes) {
    Fail(Reject(Reason::kFieldInvalid, "the expected user data is too long"));
  }
  expectations_.user_data = std::string(user_data);
  return Expect(kUserData);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::IgnoreUserData(std::string_view why)
    -> Builder& {
  return Ignore(kUserData, why);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::ExpectPublicKeyPresent() -> Builder& {
  expectations_.public_key_present = true;
  return Expect(kPublicKey);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::ExpectPublicKeyOfType(
    std::vector<KeyType> types) -> Builder& {
  if (types.empty()) {
    Fail(Reject(Reason::kPolicyEmpty, "there is no type of public key"));
  }
  expectations_.public_key_types = std::move(types);
  return ExpectPublicKeyPresent();
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::ExpectPublicKey(
    std::string_view public_key) -> Builder& {
  if (public_key.size() > kMaxPublicKeyBytes) {
    Fail(Reject(Reason::kFieldInvalid, "the expected public key is too long"));
  }
  expectations_.public_key = std::string(public_key);
  return Expect(kPublicKey);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::IgnorePublicKey(std::string_view why)
    -> Builder& {
  return Ignore(kPublicKey, why);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::ExpectModules(
    std::vector<std::string> module_ids) -> Builder& {
  RequireNames(module_ids);
  expectations_.modules = std::move(module_ids);
  return Expect(kModule);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::ExpectInstances(
    std::vector<std::string> instance_ids) -> Builder& {
  RequireNames(instance_ids);
  expectations_.instances = std::move(instance_ids);
  return Expect(kModule);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::IgnoreModule(std::string_view why)
    -> Builder& {
  return Ignore(kModule, why);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::ExpectRegions(
    std::vector<std::string> regions) -> Builder& {
  RequireNames(regions);
  expectations_.regions = std::move(regions);
  return Expect(kRegion);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::IgnoreRegion(std::string_view why)
    -> Builder& {
  return Ignore(kRegion, why);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::IgnoreTheRest(std::string_view why)
    -> Builder& {
  RequireWhy(why);
  for (std::size_t i = 0; i < kAspects; ++i) {
    const auto aspect = static_cast<Aspect>(i);
    if (said_[aspect] == Said::kNothing) Ignore(aspect, why);
  }
  return *this;
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::AuthenticityOnly(std::string_view why)
    -> Builder& {
  may_expect_nothing_ = true;
  return IgnoreTheRest(why);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::ExpectPartition(
    std::string_view partition) -> Builder& {
  if (partition.empty()) {
    Fail(Reject(Reason::kPolicyEmpty, "the expected partition is empty"));
  }
  expectations_.partition = std::string(partition);
  return *this;
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::WithMaxAge(absl::Duration max_age)
    -> Builder& {
  if (max_age <= absl::ZeroDuration() || max_age == absl::InfiniteDuration()) {
    Fail(Reject(Reason::kFieldInvalid,
                "the greatest age is not positive and finite"));
  }
  expectations_.max_age = max_age;
  return *this;
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::WithClockLeeway(absl::Duration leeway)
    -> Builder& {
  if (leeway < absl::ZeroDuration() || leeway > kMaxClockLeeway) {
    Fail(Reject(Reason::kFieldInvalid,
                "the clock leeway is not from 0 to 10 minutes"));
  }
  expectations_.clock_leeway = leeway;
  return *this;
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::RefuseUnknownFields() -> Builder& {
  expectations_.refuse_unknown_keys = true;
  return *this;
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::Strict() -> Builder& {
  expectations_.strict = true;
  return RefuseUnknownFields();
}

template <AttestationType kType>
absl::StatusOr<AttestationPolicy<kType>>
AttestationPolicy<kType>::Builder::Build() const {
  if (!error_.ok()) return error_;
  const bool expects =
      std::find(said_.begin(), said_.end(), Said::kExpect) != said_.end();
  if (!expects && !may_expect_nothing_) {
    return Reject(Reason::kPolicyEmpty,
                  "the policy expects nothing: if a document of AWS is "
                  "enough, whatever it attests, say AuthenticityOnly");
  }
  for (std::size_t i = 0; i < kAspects; ++i) {
    if (said_[i] == Said::kNothing) {
      return Reject(Reason::kPolicyIncomplete,
                    absl::StrCat("the policy neither expects nor ignores ",
                                 kAspectNames[i]));
    }
  }
  const absl::Status safe = CheckSafe(kType, expectations_);
  if (!safe.ok()) return safe;
  return AttestationPolicy(expectations_);
}

template class AttestationPolicy<AttestationType::kEnclave>;
template class AttestationPolicy<AttestationType::kNitroTpm>;

}  // namespace anchorage::verify
