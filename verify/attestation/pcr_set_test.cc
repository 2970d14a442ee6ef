#include "verify/attestation/pcr_set.h"

#include <map>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "gtest/gtest.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

const char kHex[] =
    "98441c7f7625d10058c47683aec486ce311c633235eb555593a7ee791121e357"
    "8ae72d04ecef661f272d59058b77af35";

std::optional<Reason> DecideHex(int index, const std::string& hex) {
  return ReasonOf(PcrSet::FromHex({{index, hex}}).status());
}

TEST(PcrSet, ReadsHexOfEitherCase) {
  const auto lower = PcrSet::FromHex({{7, kHex}});
  const auto upper = PcrSet::FromHex({{7, absl::AsciiStrToUpper(kHex)}});
  ASSERT_TRUE(lower.ok()) << lower.status();
  ASSERT_TRUE(upper.ok()) << upper.status();
  EXPECT_EQ(lower->values(), upper->values());
  EXPECT_EQ(lower->Find(7)->size(), kPcrBytes);
  EXPECT_EQ(lower->Find(8), std::nullopt);
}

TEST(PcrSet, RefusesWhatIsNoHex) {
  const std::string hex = kHex;
  EXPECT_EQ(DecideHex(0, ""), Reason::kEncodingMalformed);
  EXPECT_EQ(DecideHex(0, "0x" + hex), Reason::kEncodingMalformed);
  EXPECT_EQ(DecideHex(0, "0x" + hex.substr(2)), Reason::kEncodingMalformed);
  EXPECT_EQ(DecideHex(0, hex.substr(1)), Reason::kEncodingMalformed);
  EXPECT_EQ(DecideHex(0, " " + hex.substr(1)), Reason::kEncodingMalformed);
  EXPECT_EQ(DecideHex(0, hex + "\n"), Reason::kEncodingMalformed);
}

TEST(PcrSet, RefusesAnotherLength) {
  const std::string hex = kHex;
  EXPECT_EQ(DecideHex(0, hex.substr(2)), Reason::kFieldInvalid);
  EXPECT_EQ(DecideHex(0, hex + "00"), Reason::kFieldInvalid);
  EXPECT_EQ(ReasonOf(PcrSet::FromBytes({{0, kHex}}).status()),
            Reason::kFieldInvalid);
  EXPECT_EQ(ReasonOf(PcrSet::FromBytes({{0, ""}}).status()),
            Reason::kFieldInvalid);
}

TEST(PcrSet, RefusesAnIndexThatDoesNotExist) {
  EXPECT_EQ(DecideHex(-1, kHex), Reason::kFieldInvalid);
  EXPECT_EQ(DecideHex(32, kHex), Reason::kFieldInvalid);
  EXPECT_EQ(DecideHex(31, kHex), std::nullopt);
}

TEST(PcrSet, RefusesToBeEmpty) {
  EXPECT_EQ(ReasonOf(PcrSet::FromHex({}).status()), Reason::kPolicyEmpty);
  EXPECT_EQ(ReasonOf(PcrSet::FromBytes({}).status()), Reason::kPolicyEmpty);
}

TEST(PcrSet, FindsTheFirstMismatch) {
  const std::string a(48, 'a');
  const std::string b(48, 'b');
  const auto set = PcrSet::FromBytes({{0, a}, {4, b}});
  ASSERT_TRUE(set.ok());
  std::array<std::string_view, kPcrCount> pcrs{};
  EXPECT_EQ(set->FirstMismatch(pcrs), 0);  // absent is a mismatch
  pcrs[0] = a;
  EXPECT_EQ(set->FirstMismatch(pcrs), 4);
  pcrs[4] = a;
  EXPECT_EQ(set->FirstMismatch(pcrs), 4);
  pcrs[4] = b;
  EXPECT_EQ(set->FirstMismatch(pcrs), std::nullopt);
}

}  // namespace
}  // namespace anchorage::verify
