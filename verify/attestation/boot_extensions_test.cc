#include "verify/attestation/boot_extensions.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "test/fake_aws/fake_nitro.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/attestation/condition.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using test::FakeNitro;
using test::NitroType;

constexpr char kWhy[] = "a test";

absl::Time MadeAt() {
  return absl::FromCivil(absl::CivilSecond(2026, 9, 20, 12, 0, 0),
                         absl::UTCTimeZone());
}

std::string Value(char c) { return std::string(kPcrBytes, c); }
std::string Hex(char digit) { return std::string(96, digit); }

// The values of these PCRs in the documents below.
PcrSet Expected(const std::vector<int>& pcrs) {
  std::map<int, std::string> values;
  for (const int pcr : pcrs) values[pcr] = Value(pcr < 12 ? 'p' : '\0');
  return *PcrSet::FromBytes(values);
}

// Makes a document of an image that booted with PCR12 and PCR13 as given, '-'
// for absent, and verifies it.
std::optional<Reason> Decide(NitroTpmPolicy::Builder policy, char pcr12,
                             char pcr13) {
  test::NitroSpec spec = FakeNitro().Genuine(NitroType::kTpm, MadeAt());
  test::PcrBank& bank = *spec.document.nitrotpm_pcrs;
  bank.at(4).second = Value('p');
  bank.at(7).second = Value('p');
  bank.at(12).second = Value(pcr12);
  bank.at(13).second = Value(pcr13);
  if (pcr13 == '-') bank.erase(bank.begin() + 13);
  if (pcr12 == '-') bank.erase(bank.begin() + 12);
  const auto built = policy.IgnoreTheRest(kWhy).Build();
  if (!built.ok()) return ReasonOf(built.status());
  const auto anchors = *AnchorSet::Create({FakeNitro().RootAnchor()}, {});
  return ReasonOf(VerifyNitroTpm(Encode(spec), *anchors, *built,
                                 MadeAt() + absl::Seconds(1))
                      .status());
}

NitroTpmPolicy::Builder Pcrs(const std::vector<int>& pcrs) {
  return NitroTpmPolicy::Builder().ExpectPcrs(Expected(pcrs));
}

Release Of(std::string name, const std::vector<int>& pcrs) {
  return {.type = AttestationType::kNitroTpm,
          .product = "shop",
          .name = std::move(name),
          .pcrs = Expected(pcrs)};
}

NitroTpmPolicy::Builder Releases(std::vector<Release> releases) {
  return NitroTpmPolicy::Builder().ExpectRelease(
      "shop", std::make_shared<const ReleaseSet>(std::move(releases)));
}

constexpr std::nullopt_t kAccepted = std::nullopt;

TEST(BootExtensions, AreRefusedWhereThePolicySaysNothingOfThem) {
  EXPECT_EQ(Decide(Pcrs({4, 7}), 0, 0), kAccepted);
  EXPECT_EQ(Decide(Pcrs({4, 7}), 'c', 0), Reason::kBootExtended);
  EXPECT_EQ(Decide(Pcrs({4, 7}), 0, 'c'), Reason::kBootExtended);
  EXPECT_EQ(Decide(Pcrs({4, 12}), 0, 'c'), Reason::kBootExtended);
  EXPECT_EQ(Decide(Pcrs({4, 7, 13}), 'c', 0), Reason::kBootExtended);
}

TEST(BootExtensions, AreDecidedByAPolicyThatNamesTheirPcr) {
  EXPECT_EQ(Decide(Pcrs({4, 12}), 'c', 0), Reason::kPcrMismatch);
  EXPECT_EQ(Decide(Pcrs({4, 7, 13}), 0, 'c'), Reason::kPcrMismatch);
  EXPECT_EQ(Decide(NitroTpmPolicy::Builder().ExpectPcrs(*PcrSet::FromBytes(
                       {{4, Value('p')}, {12, Value(0)}, {13, Value('c')}})),
                   0, 'c'),
            kAccepted);
}

TEST(BootExtensions, ConcernOnlyPoliciesThatNameTheImage) {
  EXPECT_EQ(Decide(Pcrs({7}), 'c', 'c'), kAccepted);
}

TEST(BootExtensions, AreDemandedToBeZeroOnlyOfWhatTheDocumentHas) {
  EXPECT_EQ(Decide(Pcrs({4, 7}), '-', '-'), kAccepted);
  EXPECT_EQ(Decide(Pcrs({4, 7}), '-', 'c'), Reason::kBootExtended);
}

TEST(BootExtensions, AreAllowedForAReason) {
  EXPECT_EQ(Decide(Pcrs({4, 7}).AllowExtensions(kWhy), 'c', 'c'), kAccepted);
  EXPECT_EQ(Decide(Pcrs({4, 12}).AllowExtensions(kWhy), 'c', 'c'),
            Reason::kPcrMismatch)
      << "what the policy names, it means";
  EXPECT_EQ(Decide(Pcrs({4, 7}).AllowExtensions("no"), 0, 0),
            Reason::kPolicyIncomplete);
}

TEST(BootExtensions, OneOfSeveralSetsMayHaveThem) {
  const auto any = [](std::vector<PcrSet> sets) {
    return NitroTpmPolicy::Builder().ExpectPcrsAnyOf(std::move(sets));
  };
  const PcrSet other = *PcrSet::FromBytes({{7, Value('x')}});
  EXPECT_EQ(Decide(any({Expected({4, 7}), other}), 'c', 0),
            Reason::kBootExtended);
  EXPECT_EQ(Decide(any({Expected({4, 7}), Expected({7})}), 'c', 0), kAccepted);
}

TEST(BootExtensions, AreRefusedByConditions) {
  const auto condition = [](const Condition& condition) {
    return NitroTpmPolicy::Builder().ExpectCondition(condition);
  };
  std::string p;  // The hex of Value('p').
  for (int i = 0; i < 48; ++i) p += "70";
  const Condition four = Condition::Is("NitroTPMPCR4", {p});
  const Condition seven = Condition::Is("NitroTPMPCR7", {p});
  const Condition twelve = Condition::Is("NitroTPMPCR12", {Hex('0')});
  const Condition no_credentials =
      Condition::Not(Condition::Is("NitroTPMPCR13", {Hex('a')}));
  EXPECT_EQ(Decide(condition(Condition::AllOf({four, twelve})), 0, 'c'),
            Reason::kBootExtended);
  EXPECT_EQ(Decide(condition(Condition::AllOf({four, seven})), 'c', 0),
            Reason::kBootExtended);
  EXPECT_EQ(Decide(condition(Condition::AllOf({four, twelve, no_credentials})),
                   0, 'c'),
            kAccepted)
      << "the policy names PCR13";
  EXPECT_EQ(Decide(condition(seven), 'c', 'c'), kAccepted);
}

TEST(BootExtensions, AreRefusedByReleases) {
  EXPECT_EQ(Decide(Releases({Of("1", {4, 12})}), 0, 0), kAccepted);
  EXPECT_EQ(Decide(Releases({Of("1", {4, 12})}), 0, 'c'),
            Reason::kBootExtended);
  Release allowing = Of("2", {4, 12});
  allowing.allow_extensions = true;
  EXPECT_EQ(Decide(Releases({Of("1", {4, 12}), allowing}), 0, 'c'), kAccepted);
  EXPECT_EQ(Decide(Releases({Of("1", {4, 12})}).AllowExtensions(kWhy), 0, 'c'),
            kAccepted);
  Release revoked = Of("3", {4, 12});
  revoked.status = ReleaseStatus::kRevoked;
  EXPECT_EQ(Decide(Releases({allowing, revoked}), 0, 'c'),
            Reason::kReleaseRevoked)
      << "an addition is no way around a revocation";
}

TEST(BootExtensions, WarnWhereAnotherJudges) {
  const auto warning = [](PcrMask named) {
    return WarningOfAdditions(AttestationType::kNitroTpm, named);
  };
  EXPECT_NE(warning(1U << 4).find("PCR12 and PCR13"), std::string::npos);
  EXPECT_NE(warning(1U << 4 | 1U << 12).find("of PCR13"), std::string::npos);
  EXPECT_EQ(warning(1U << 4 | 1U << 12 | 1U << 13), "");
  EXPECT_EQ(warning(1U << 7), "");
  EXPECT_EQ(WarningOfAdditions(AttestationType::kEnclave, 1U << 4), "");
}

}  // namespace
}  // namespace anchorage::verify
