#include "verify/attestation/pcr_claims.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

// PCRs by their first bytes; '0' and 'f' stand for all zeros and all ones.
using Pcrs = std::map<int, char>;

// What AWS's firmware gives PCR7 where Secure Boot is off ('o' below).
const char kPcr7SecureBootOff[] =
    "98441c7f7625d10058c47683aec486ce311c633235eb555593a7ee791121e357"
    "8ae72d04ecef661f272d59058b77af35";

PcrClaims Claims(AttestationType type, const Pcrs& pcrs) {
  std::map<int, std::string> hex;
  for (const auto& [pcr, digit] : pcrs) {
    hex[pcr] = digit == 'o' ? kPcr7SecureBootOff : std::string(96, digit);
  }
  return ClaimsOf(type, *PcrSet::FromHex(hex));
}

enum class Answer { kUnsafe, kWarning, kSafe };

Answer Judge(AttestationType type, const Pcrs& pcrs) {
  const PcrClaims claims = Claims(type, pcrs);
  const absl::Status status = CheckClaims(type, claims);
  if (status.ok()) {
    return WarningOf(type, claims).empty() ? Answer::kSafe : Answer::kWarning;
  }
  EXPECT_EQ(ReasonOf(status), Reason::kPolicyUnsafe);
  return Answer::kUnsafe;
}

TEST(PcrClaims, OfANitroTpm) {
  const auto judge = [](const Pcrs& pcrs) {
    return Judge(AttestationType::kNitroTpm, pcrs);
  };
  // AWS's advice: an image and its command line, or Secure Boot.
  EXPECT_EQ(judge({{4, 'a'}, {12, '0'}}), Answer::kSafe);
  EXPECT_EQ(judge({{4, 'a'}, {7, 'o'}, {12, '0'}}), Answer::kSafe);
  EXPECT_EQ(judge({{7, 'a'}}), Answer::kWarning);
  EXPECT_EQ(judge({{4, 'a'}, {7, 'a'}}), Answer::kWarning);
  EXPECT_EQ(judge({{4, 'a'}}), Answer::kUnsafe);
  EXPECT_EQ(judge({{4, 'a'}, {7, 'o'}}), Answer::kUnsafe);
  EXPECT_EQ(judge({{4, 'a'}, {12, 'a'}}), Answer::kUnsafe);
  EXPECT_EQ(judge({{4, '0'}, {12, '0'}}), Answer::kUnsafe);
  EXPECT_EQ(judge({{7, 'o'}}), Answer::kUnsafe);
  // All others, whatever they are, and all of them together.
  Pcrs others = {{7, 'o'}, {12, '0'}};
  for (int pcr = 0; pcr < 24; ++pcr) {
    if (pcr == 4 || pcr == 7) continue;
    for (const char digit : {'0', 'a', 'f'}) {
      EXPECT_EQ(judge({{pcr, digit}}), Answer::kUnsafe) << pcr << digit;
    }
    others.emplace(pcr, 'a');
  }
  EXPECT_EQ(judge(others), Answer::kUnsafe);
}

TEST(PcrClaims, OfAnEnclave) {
  const auto judge = [](const Pcrs& pcrs) {
    return Judge(AttestationType::kEnclave, pcrs);
  };
  EXPECT_EQ(judge({{0, 'a'}}), Answer::kSafe);
  EXPECT_EQ(judge({{8, 'a'}}), Answer::kSafe);
  EXPECT_EQ(judge({{1, 'a'}, {2, 'a'}}), Answer::kSafe);
  EXPECT_EQ(judge({{0, 'a'}, {1, 'a'}, {2, 'a'}}), Answer::kSafe);
  EXPECT_EQ(judge({{3, 'a'}, {8, 'a'}}), Answer::kSafe);
  EXPECT_EQ(judge({{2, 'a'}}), Answer::kWarning);
  EXPECT_EQ(judge({{3, 'a'}}), Answer::kWarning);
  EXPECT_EQ(judge({{1, 'a'}, {4, 'a'}}), Answer::kWarning);
  // The kernel that nitro-cli brings, and an image in debug mode.
  EXPECT_EQ(judge({{1, 'a'}}), Answer::kUnsafe);
  EXPECT_EQ(judge({{0, '0'}, {1, '0'}, {2, '0'}}), Answer::kUnsafe);
  // No role and no signer: so is every other enclave.
  EXPECT_EQ(judge({{3, '0'}, {8, '0'}}), Answer::kUnsafe);
  for (int pcr = 5; pcr < static_cast<int>(kPcrCount); ++pcr) {
    if (pcr == 8) continue;
    EXPECT_EQ(judge({{pcr, 'a'}}), Answer::kUnsafe) << pcr;
    EXPECT_EQ(judge({{pcr, '0'}}), Answer::kUnsafe) << pcr;
  }
}

TEST(PcrClaims, FitTheirCount) {
  for (const auto type :
       {AttestationType::kEnclave, AttestationType::kNitroTpm}) {
    Pcrs all;
    for (int pcr = 0; pcr < 24; ++pcr) all.emplace(pcr, pcr == 12 ? '0' : 'a');
    EXPECT_LT(Claims(type, all), kPcrClaimsCount);
  }
}

TEST(PcrClaims, OfADenialAreThatItNamesTheImage) {
  EXPECT_EQ(ClaimsOfDenial(AttestationType::kEnclave, 4), 0U);
  EXPECT_EQ(ClaimsOfDenial(AttestationType::kNitroTpm, 7), 0U);
  EXPECT_TRUE(
      LeavesCommandLineOpen(AttestationType::kNitroTpm,
                            ClaimsOfDenial(AttestationType::kNitroTpm, 4)));
}

TEST(PcrClaims, AreWarnedOfOnce) {
  std::vector<std::string> warnings;
  AddWarning("", warnings);
  AddWarning("a", warnings);
  AddWarning("b", warnings);
  AddWarning("a", warnings);
  EXPECT_EQ(warnings, (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace anchorage::verify
