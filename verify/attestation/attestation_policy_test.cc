#include "verify/attestation/attestation_policy.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr char kWhy[] = "a test";
const char kPcr7SecureBootOff[] =
    "98441c7f7625d10058c47683aec486ce311c633235eb555593a7ee791121e357"
    "8ae72d04ecef661f272d59058b77af35";

std::string Hex(char digit) { return std::string(96, digit); }

PcrSet Pcrs(const std::map<int, std::string>& hex) {
  return *PcrSet::FromHex(hex);
}

template <typename Builder>
std::optional<Reason> Decide(const Builder& builder) {
  return ReasonOf(builder.Build().status());
}

EnclavePolicy::Builder Good() {
  EnclavePolicy::Builder builder;
  builder.ExpectPcrs(Pcrs({{0, Hex('a')}})).IgnoreTheRest(kWhy);
  return builder;
}

TEST(AttestationPolicy, SaysSomethingOfEverything) {
  EXPECT_EQ(Decide(EnclavePolicy::Builder()
                       .ExpectPcrs(Pcrs({{0, Hex('a')}}))
                       .ExpectNonce("n")
                       .ExpectUserData("")
                       .ExpectPublicKeyPresent()
                       .ExpectModules({"i-1-enc1"})
                       .ExpectRegions({"us-east-1"})),
            std::nullopt);
  EXPECT_EQ(Decide(EnclavePolicy::Builder()
                       .IgnorePcrs(kWhy)
                       .ExpectNonce("n")
                       .IgnoreUserData(kWhy)
                       .IgnorePublicKey(kWhy)
                       .IgnoreModule(kWhy)
                       .IgnoreRegion(kWhy)),
            std::nullopt);
}

TEST(AttestationPolicy, LeavesNothingOutByAccident) {
  // Each of the six left out in turn.
  for (int left_out = 0; left_out < 6; ++left_out) {
    EnclavePolicy::Builder builder;
    if (left_out != 0) builder.ExpectPcrs(Pcrs({{0, Hex('a')}}));
    if (left_out != 1) builder.ExpectNonce("n");
    if (left_out != 2) builder.IgnoreUserData(kWhy);
    if (left_out != 3) builder.IgnorePublicKey(kWhy);
    if (left_out != 4) builder.IgnoreModule(kWhy);
    if (left_out != 5) builder.IgnoreRegion(kWhy);
    EXPECT_EQ(Decide(builder), Reason::kPolicyIncomplete) << left_out;
    builder.IgnoreTheRest(kWhy);
    EXPECT_EQ(Decide(builder), std::nullopt) << left_out;
  }
}

TEST(AttestationPolicy, ExpectsSomething) {
  EXPECT_EQ(Decide(EnclavePolicy::Builder()), Reason::kPolicyEmpty);
  EXPECT_EQ(Decide(EnclavePolicy::Builder().IgnoreTheRest(kWhy)),
            Reason::kPolicyEmpty);
  EXPECT_EQ(Decide(NitroTpmPolicy::Builder().IgnoreTheRest(kWhy)),
            Reason::kPolicyEmpty);
  EXPECT_EQ(Decide(EnclavePolicy::Builder().AuthenticityOnly(kWhy)),
            std::nullopt);
}

TEST(AttestationPolicy, ExpectsOneOfNothingNowhere) {
  EXPECT_EQ(
      Decide(EnclavePolicy::Builder().ExpectPcrsAnyOf({}).IgnoreTheRest(kWhy)),
      Reason::kPolicyEmpty);
  EXPECT_EQ(
      Decide(EnclavePolicy::Builder().ExpectModules({}).IgnoreTheRest(kWhy)),
      Reason::kPolicyEmpty);
  EXPECT_EQ(Decide(EnclavePolicy::Builder()
                       .ExpectInstances({"i-1", ""})
                       .IgnoreTheRest(kWhy)),
            Reason::kPolicyEmpty);
  EXPECT_EQ(
      Decide(EnclavePolicy::Builder().ExpectRegions({""}).IgnoreTheRest(kWhy)),
      Reason::kPolicyEmpty);
  EXPECT_EQ(
      Decide(EnclavePolicy::Builder().ExpectPublicKeyOfType({}).IgnoreTheRest(
          kWhy)),
      Reason::kPolicyEmpty);
  EXPECT_EQ(
      Decide(EnclavePolicy::Builder().ExpectNonce("").IgnoreTheRest(kWhy)),
      Reason::kPolicyEmpty);
  EXPECT_EQ(Decide(Good().ExpectPartition("")), Reason::kPolicyEmpty);
}

TEST(AttestationPolicy, IgnoresAndAllowsOnlyWithAWhy) {
  EXPECT_EQ(Decide(EnclavePolicy::Builder().AuthenticityOnly("")),
            Reason::kPolicyIncomplete);
  EXPECT_EQ(Decide(EnclavePolicy::Builder()
                       .ExpectNonce("n")
                       .IgnorePcrs("")
                       .IgnoreTheRest(kWhy)),
            Reason::kPolicyIncomplete);
  EXPECT_EQ(Decide(Good().AllowDebug("")), Reason::kPolicyIncomplete);
}

TEST(AttestationPolicy, SaysNothingTwice) {
  EXPECT_EQ(Decide(Good().ExpectNonce("n")), Reason::kFieldInvalid);
  EXPECT_EQ(Decide(EnclavePolicy::Builder()
                       .ExpectNonce("n")
                       .ExpectNonce("m")
                       .IgnoreTheRest(kWhy)),
            Reason::kFieldInvalid);
}

TEST(AttestationPolicy, RefusesWhatNoDocumentCanHave) {
  EXPECT_EQ(Decide(EnclavePolicy::Builder()
                       .ExpectNonce(std::string(1025, 'n'))
                       .IgnoreTheRest(kWhy)),
            Reason::kFieldInvalid);
  EXPECT_EQ(Decide(EnclavePolicy::Builder()
                       .ExpectUserData(std::string(1025, 'u'))
                       .IgnoreTheRest(kWhy)),
            Reason::kFieldInvalid);
  EXPECT_EQ(Decide(EnclavePolicy::Builder()
                       .ExpectPublicKey(std::string(1025, 'k'))
                       .IgnoreTheRest(kWhy)),
            Reason::kFieldInvalid);
  // A field that is there and empty.
  EXPECT_EQ(
      Decide(EnclavePolicy::Builder().ExpectPublicKey("").IgnoreTheRest(kWhy)),
      std::nullopt);
}

TEST(AttestationPolicy, BoundsAgeAndLeeway) {
  EXPECT_EQ(Decide(Good().WithMaxAge(absl::Hours(3))), std::nullopt);
  EXPECT_EQ(Decide(Good().WithMaxAge(absl::ZeroDuration())),
            Reason::kFieldInvalid);
  EXPECT_EQ(Decide(Good().WithMaxAge(absl::InfiniteDuration())),
            Reason::kFieldInvalid);
  EXPECT_EQ(Decide(Good().WithClockLeeway(absl::ZeroDuration())), std::nullopt);
  EXPECT_EQ(Decide(Good().WithClockLeeway(kMaxClockLeeway)), std::nullopt);
  EXPECT_EQ(
      Decide(Good().WithClockLeeway(kMaxClockLeeway + absl::Nanoseconds(1))),
      Reason::kFieldInvalid);
  EXPECT_EQ(Decide(Good().WithClockLeeway(-absl::Seconds(1))),
            Reason::kFieldInvalid);
}

TEST(AttestationPolicy, KeepsTheFirstError) {
  EXPECT_EQ(Decide(EnclavePolicy::Builder()
                       .ExpectModules({})
                       .WithMaxAge(absl::ZeroDuration())
                       .IgnoreTheRest(kWhy)),
            Reason::kPolicyEmpty);
}

TEST(AttestationPolicy, RecordsWhatItIgnoresAndWhy) {
  const auto policy = Good().AllowDebug("no secrets here").Build();
  ASSERT_TRUE(policy.ok());
  const auto& ignored = policy->expectations().ignored;
  EXPECT_EQ(ignored.at("nonce"), kWhy);
  EXPECT_EQ(ignored.at("debug"), "no secrets here");
  EXPECT_FALSE(ignored.contains("measurements"));
}

std::optional<Reason> DecideTpm(const std::map<int, std::string>& pcrs) {
  return Decide(
      NitroTpmPolicy::Builder().ExpectPcrs(Pcrs(pcrs)).IgnoreTheRest(kWhy));
}

TEST(NitroTpmPolicy, RefusesPcr4WithoutTheCommandLine) {
  EXPECT_EQ(DecideTpm({{4, Hex('a')}}), Reason::kPolicyUnsafe);
  EXPECT_EQ(DecideTpm({{4, Hex('a')}, {7, kPcr7SecureBootOff}}),
            Reason::kPolicyUnsafe);
  EXPECT_EQ(DecideTpm({{4, Hex('a')}, {7, Hex('0')}}), Reason::kPolicyUnsafe);
  EXPECT_EQ(DecideTpm({{4, Hex('a')}, {12, Hex('b')}}), Reason::kPolicyUnsafe);
}

TEST(NitroTpmPolicy, AcceptsPcr4WithTheCommandLineOrSecureBoot) {
  EXPECT_EQ(DecideTpm({{4, Hex('a')}, {12, Hex('0')}}), std::nullopt);
  EXPECT_EQ(DecideTpm({{4, Hex('a')}, {7, Hex('b')}}), std::nullopt);
  EXPECT_EQ(DecideTpm({{4, Hex('a')}, {7, kPcr7SecureBootOff}, {12, Hex('0')}}),
            std::nullopt);
  EXPECT_EQ(DecideTpm({{7, Hex('b')}}), std::nullopt);
}

TEST(NitroTpmPolicy, RefusesWhatEveryInstanceHas) {
  for (int pcr = 0; pcr < 24; ++pcr) {
    for (const char digit : std::string("0af")) {
      // PCR4 has a rule of its own.
      const bool secure_boot = pcr == 7 && digit == 'a';
      EXPECT_EQ(
          DecideTpm({{pcr, Hex(digit)}}),
          secure_boot ? std::nullopt : std::optional(Reason::kPolicyUnsafe))
          << pcr << digit;
    }
  }
  EXPECT_EQ(DecideTpm({{7, kPcr7SecureBootOff}}), Reason::kPolicyUnsafe);
  EXPECT_EQ(DecideTpm({{0, Hex('a')},
                       {7, kPcr7SecureBootOff},
                       {12, Hex('0')},
                       {17, Hex('f')},
                       {23, Hex('a')}}),
            Reason::kPolicyUnsafe);
}

TEST(NitroTpmPolicy, WarnsOfWhatItTakesForSecureBoot) {
  const auto warnings = [](const std::map<int, std::string>& pcrs) {
    const auto policy = NitroTpmPolicy::Builder()
                            .ExpectPcrs(Pcrs(pcrs))
                            .IgnoreTheRest(kWhy)
                            .Build();
    EXPECT_TRUE(policy.ok()) << policy.status();
    return policy.ok() ? policy->warnings().size() : 99;
  };
  EXPECT_EQ(warnings({{7, Hex('b')}}), 1U);
  EXPECT_EQ(warnings({{4, Hex('a')}, {7, Hex('b')}}), 1U);
  EXPECT_EQ(warnings({{4, Hex('a')}, {12, Hex('0')}}), 0U);
  EXPECT_EQ(warnings({{4, Hex('a')}, {7, Hex('b')}, {12, Hex('0')}}), 0U);
}

TEST(NitroTpmPolicy, RefusesOneUnsafeSetAmongSafeOnes) {
  EXPECT_EQ(Decide(NitroTpmPolicy::Builder()
                       .ExpectPcrsAnyOf({Pcrs({{4, Hex('a')}, {12, Hex('0')}}),
                                         Pcrs({{4, Hex('b')}})})
                       .IgnoreTheRest(kWhy)),
            Reason::kPolicyUnsafe);
}

TEST(EnclavePolicy, KnowsNoRuleForPcr4) {
  EXPECT_EQ(Decide(EnclavePolicy::Builder()
                       .ExpectPcrs(Pcrs({{4, Hex('a')}}))
                       .IgnoreTheRest(kWhy)),
            std::nullopt);
}

}  // namespace
}  // namespace anchorage::verify
