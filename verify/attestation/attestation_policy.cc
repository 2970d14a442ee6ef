#include "verify/attestation/attestation_policy.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "verify/attestation/pcr_claims.h"
#include "verify/no_exceptions.h"
#include "verify/reason.h"
#include "verify/why.h"

namespace anchorage::verify {
namespace {

constexpr const char* kAspectNames[] = {
    "measurements", "nonce", "user_data", "public_key", "module", "region",
};

// The PCR of the image itself, without which no signed list has a release.
int ImagePcr(AttestationType type) {
  return type == AttestationType::kEnclave ? 0 : 4;
}

// A release that an older list may contain stays acceptable, with a warning.
absl::Status CheckRelease(const Release& release,
                          std::vector<std::string>& warnings) {
  const PcrClaims claims = ClaimsOf(release.type, release.pcrs);
  const absl::Status safe = CheckClaims(release.type, claims);
  if (safe.ok()) {
    AddWarning(WarningOf(release.type, claims), warnings);
    return safe;
  }
  if (LeavesCommandLineOpen(release.type, claims) ||
      !release.pcrs.Find(ImagePcr(release.type)).has_value()) {
    return safe;
  }
  AddWarning(absl::StrCat("release ", release.name, " of ", release.product,
                          ": ", safe.message()),
             warnings);
  return absl::OkStatus();
}

absl::Status CheckReleases(AttestationType type,
                           const ExpectedRelease& expected,
                           std::vector<std::string>& warnings) {
  if (expected.releases == nullptr) return absl::OkStatus();
  for (const Release& release : expected.releases->Of(type, expected.product)) {
    if (release.status != ReleaseStatus::kActive) continue;
    if (absl::Status s = CheckRelease(release, warnings); !s.ok()) return s;
  }
  return absl::OkStatus();
}

// Returns OK if the measurements in `expected` tell machines apart, and then
// adds the warnings about them.
absl::Status CheckSafe(AttestationType type, Expectations& expected) {
  if (expected.condition.has_value()) {
    for (const std::string& warning : expected.condition->warnings()) {
      AddWarning(warning, expected.warnings);
    }
  }
  if (expected.pcrs.has_value()) {
    for (const PcrSet& pcrs : *expected.pcrs) {
      const PcrClaims claims = ClaimsOf(type, pcrs);
      if (absl::Status s = CheckClaims(type, claims); !s.ok()) return s;
      AddWarning(WarningOf(type, claims), expected.warnings);
    }
  }
  if (!expected.release.has_value()) return absl::OkStatus();
  return CheckReleases(type, *expected.release, expected.warnings);
}

}  // namespace

template <AttestationType kType>
void AttestationPolicy<kType>::Builder::Fail(absl::Status error) {
  if (error_.ok()) error_ = std::move(error);
}

// Calls `note`; if memory runs out in it, Build() returns that.
template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::Note(absl::FunctionRef<void()> note)
    -> Builder& {
  Fail(WithoutExceptions([&note] {
    note();
    return absl::OkStatus();
  }));
  return *this;
}

template <AttestationType kType>
void AttestationPolicy<kType>::Builder::Say(Aspect aspect, Said said) {
  Note([&] {
    if (said_[aspect] != Said::kNothing) {
      Fail(Reject(
          Reason::kFieldInvalid,
          absl::StrCat("the policy says ", kAspectNames[aspect], " twice")));
    }
    said_[aspect] = said;
  });
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
  return Note(
      [&] { expectations_.ignored[kAspectNames[aspect]] = std::string(why); });
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
  if (!IsWhy(why)) {
    Fail(Reject(Reason::kPolicyIncomplete,
                "the policy ignores or allows something without a why"));
  }
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::ExpectPcrs(PcrSet pcrs) -> Builder& {
  return Note([&] { ExpectPcrsAnyOf({std::move(pcrs)}); });
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
  Note([&] {
    absl::StatusOr<CheckedCondition> checked =
        CheckedCondition::Create(condition, kType);
    if (checked.ok()) {
      expectations_.condition = *std::move(checked);
    } else {
      Fail(checked.status());
    }
  });
  return Expect(kMeasurements);
}

template <AttestationType kType>
auto AttestationPolicy<kType>::Builder::ExpectRelease(
    std::string_view product, std::shared_ptr<const ReleaseSet> releases)
    -> Builder& {
  if (product.empty()) {
    Fail(Reject(Reason::kPolicyEmpty, "the expected product is empty"));
  }
  Note([&] {
    expectations_.release = {std::string(product), std::move(releases)};
  });
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
  Note([&] { expectations_.nonce = std::string(nonce); });
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
  Note([&] { expectations_.user_data = std::string(user_data); });
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
  Note([&] { expectations_.public_key = std::string(public_key); });
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
  return Note([&] { expectations_.partition = std::string(partition); });
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
auto AttestationPolicy<kType>::Builder::Warn(std::string_view warning)
    -> Builder& {
  AddWarning(warning, expectations_.warnings);
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
  return WithoutExceptions([this] { return Finished(); });
}

template <AttestationType kType>
absl::StatusOr<AttestationPolicy<kType>>
AttestationPolicy<kType>::Builder::Finished() const {
  if (!error_.ok()) return error_;
  const bool expects =
      std::find(said_.begin(), said_.end(), Said::kExpect) != said_.end();
  if (!expects && !may_expect_nothing_) {
    return Reject(Reason::kPolicyEmpty,
                  "the policy expects nothing: if a document of AWS is "
                  "enough, whatever it attests, say authenticity only");
  }
  std::vector<absl::string_view> unsaid;
  for (std::size_t i = 0; i < kAspects; ++i) {
    if (said_[i] == Said::kNothing) unsaid.push_back(kAspectNames[i]);
  }
  if (!unsaid.empty()) {
    return Reject(
        Reason::kPolicyIncomplete,
        absl::StrCat("nothing is said of ", absl::StrJoin(unsaid, ", "),
                     ": expect it, ignore it with a why, or ignore "
                     "the rest with a why"));
  }
  Expectations expectations = expectations_;
  const absl::Status safe = CheckSafe(kType, expectations);
  if (!safe.ok()) return safe;
  return AttestationPolicy(std::move(expectations));
}

template class AttestationPolicy<AttestationType::kEnclave>;
template class AttestationPolicy<AttestationType::kNitroTpm>;

}  // namespace anchorage::verify
