#include "verify/attestation/condition.h"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/fake_nitro.h"
#include "verify/attestation/attestation_policy.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr AttestationType kEnclave = AttestationType::kEnclave;
constexpr AttestationType kTpm = AttestationType::kNitroTpm;
constexpr char kWhy[] = "a test";
const char kPcr7SecureBootOff[] =
    "98441c7f7625d10058c47683aec486ce311c633235eb555593a7ee791121e357"
    "8ae72d04ecef661f272d59058b77af35";

std::string Hex(char digit) { return std::string(96, digit); }

// The key's PCR has that digit everywhere.
Condition Is(const std::string& key, char digit) {
  return Condition::Is(key, {Hex(digit)});
}

std::optional<Reason> Create(const Condition& condition,
                             AttestationType type = kEnclave) {
  return ReasonOf(CheckedCondition::Create(condition, type).status());
}

// Decides for PCRs that have one value everywhere: PCR0 has 00, PCR1 has 11,
// up to PCR9; the others are absent.
std::optional<Reason> Check(const Condition& condition) {
  static const std::array<std::string, 10> kValues = [] {
    std::array<std::string, 10> values;
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = std::string(kPcrBytes, static_cast<char>(i * 0x11));
    }
    return values;
  }();
  std::array<std::string_view, kPcrCount> pcrs;
  for (std::size_t i = 0; i < kValues.size(); ++i) pcrs[i] = kValues[i];
  const auto checked = CheckedCondition::Create(condition, kEnclave);
  EXPECT_TRUE(checked.ok()) << checked.status();
  return ReasonOf(checked->Check(pcrs));
}

const Condition kTrue = Is("PCR2", '2');
const Condition kFalse = Is("PCR2", '1');

// A condition that also says something that holds, so that it may deny.
Condition With(Condition denial) {
  return Condition::AllOf({Is("PCR8", '8'), std::move(denial)});
}

TEST(Condition, HoldsAsItsPartsDo) {
  EXPECT_EQ(Check(kTrue), std::nullopt);
  EXPECT_EQ(Check(kFalse), Reason::kPcrMismatch);
  EXPECT_EQ(Check(Condition::AllOf({kTrue, kTrue})), std::nullopt);
  EXPECT_EQ(Check(Condition::AllOf({kTrue, kFalse})), Reason::kPcrMismatch);
  EXPECT_EQ(Check(Condition::AllOf({kFalse, kTrue})), Reason::kPcrMismatch);
  EXPECT_EQ(Check(Condition::AnyOf({kFalse, kTrue})), std::nullopt);
  EXPECT_EQ(Check(Condition::AnyOf({kTrue, kFalse})), std::nullopt);
  EXPECT_EQ(Check(Condition::AnyOf({kFalse, kFalse})), Reason::kPcrMismatch);
  EXPECT_EQ(Check(With(Condition::Not(kFalse))), std::nullopt);
  EXPECT_EQ(Check(With(Condition::Not(kTrue))), Reason::kPcrMismatch);
  EXPECT_EQ(Check(Condition::Not(Condition::Not(kTrue))), std::nullopt);
  EXPECT_EQ(Check(Condition::Not(Condition::Not(kFalse))),
            Reason::kPcrMismatch);
}

TEST(Condition, TakesAnyOfALeafsValues) {
  EXPECT_EQ(Check(Condition::Is("PCR3", {Hex('2'), Hex('3'), Hex('4')})),
            std::nullopt);
  EXPECT_EQ(Check(Condition::Is("PCR3", {Hex('2'), Hex('4')})),
            Reason::kPcrMismatch);
  EXPECT_EQ(
      Check(With(Condition::Not(Condition::Is("PCR3", {Hex('2'), Hex('3')})))),
      Reason::kPcrMismatch);
}

TEST(Condition, ComparesTheWholeValue) {
  std::string almost = Hex('3');
  almost.back() = '2';
  EXPECT_EQ(Check(Condition::Is("PCR3", {almost})), Reason::kPcrMismatch);
}

TEST(Condition, DecidesATreeOfSeveralLevels) {
  const auto releases = [](const Condition& test_role) {
    return Condition::AllOf(
        {Is("PCR8", '8'),
         Condition::AnyOf(
             {Is("PCR0", 'a'),
              Condition::AllOf({Is("PCR0", '0'), Is("PCR2", '2')})}),
         Condition::Not(Condition::AnyOf({Is("PCR3", 'a'), test_role}))});
  };
  EXPECT_EQ(Check(releases(Is("PCR3", 'b'))), std::nullopt);
  EXPECT_EQ(Check(releases(Is("PCR3", '3'))), Reason::kPcrMismatch);
}

TEST(Condition, KnowsKeysAsKmsNamesThem) {
  const auto parse = [](std::string_view key)
      -> std::optional<std::pair<AttestationType, int>> {
    const auto parsed = ParseConditionKey(key);
    if (parsed.ok()) return std::make_pair(parsed->type, parsed->pcr);
    EXPECT_EQ(ReasonOf(parsed.status()), Reason::kFieldInvalid);
    return std::nullopt;
  };
  using Parsed = std::pair<AttestationType, int>;
  EXPECT_EQ(parse("PCR0"), Parsed(kEnclave, 0));
  EXPECT_EQ(parse("PCR31"), Parsed(kEnclave, 31));
  EXPECT_EQ(parse("ImageSha384"), Parsed(kEnclave, 0));
  EXPECT_EQ(parse("imagesha384"), Parsed(kEnclave, 0));
  EXPECT_EQ(parse("NitroTPMPCR0"), Parsed(kTpm, 0));
  EXPECT_EQ(parse("nitrotpmpcr23"), Parsed(kTpm, 23));
  for (const char* key :
       {"", "PCR", "PCR32", "PCR-1", "PCR+1", "PCR01", "PCR 1", "PCR1 ",
        "NitroTPM", "NitroTPMPCR24", "NitroTPM4", "ImageSha256", "PCR1x",
        "PCR4294967296", "kms:RecipientAttestation:PCR0"}) {
    EXPECT_EQ(parse(key), std::nullopt) << key;
  }
}

TEST(Condition, RefusesKeysOfTheOtherType) {
  EXPECT_EQ(Create(Is("NitroTPMPCR7", 'a'), kTpm), std::nullopt);
  EXPECT_EQ(Create(Is("NitroTPMPCR7", 'a'), kEnclave), Reason::kFieldInvalid);
  EXPECT_EQ(Create(Is("PCR7", 'a'), kTpm), Reason::kFieldInvalid);
  EXPECT_EQ(Create(Is("ImageSha384", 'a'), kTpm), Reason::kFieldInvalid);
  EXPECT_EQ(
      Create(Condition::AnyOf({Is("PCR7", 'a'), Is("NitroTPMPCR7", 'a')})),
      Reason::kFieldInvalid);
}

TEST(Condition, RefusesOneOfNothing) {
  EXPECT_EQ(Create(Condition::AllOf({})), Reason::kPolicyEmpty);
  EXPECT_EQ(Create(Condition::AnyOf({})), Reason::kPolicyEmpty);
  EXPECT_EQ(Create(Condition::Is("PCR0", {})), Reason::kPolicyEmpty);
  EXPECT_EQ(Create(Condition::AnyOf({kTrue, Condition::AllOf({})})),
            Reason::kPolicyEmpty);
  EXPECT_EQ(Create(Condition::Not(Condition::AnyOf({}))), Reason::kPolicyEmpty);
}

TEST(Condition, RefusesValuesThatNoPcrCanHave) {
  const auto create = [](const std::string& value) {
    return Create(Condition::Is("PCR0", {Hex('a'), value}));
  };
  EXPECT_EQ(create(Hex('b')), std::nullopt);
  EXPECT_EQ(create(""), Reason::kEncodingMalformed);
  EXPECT_EQ(create("*"), Reason::kEncodingMalformed);
  EXPECT_EQ(create("0x" + Hex('b')), Reason::kEncodingMalformed);
  EXPECT_EQ(create(Hex('b').substr(1)), Reason::kEncodingMalformed);
  EXPECT_EQ(create(Hex('b') + " "), Reason::kEncodingMalformed);
  EXPECT_EQ(create(Hex('b').substr(2)), Reason::kFieldInvalid);
  EXPECT_EQ(create(Hex('b') + "bb"), Reason::kFieldInvalid);
}

TEST(Condition, TakesUpperCaseOnlyWhereLettersMayBeOfAnyCase) {
  using enum Condition::Letters;
  EXPECT_EQ(Create(Condition::Is("PCR0", {Hex('A')}, kExact)),
            Reason::kFieldInvalid);
  EXPECT_EQ(Create(Condition::Is("PCR0", {Hex('A')}, kAnyCase)), std::nullopt);
  std::array<std::string_view, kPcrCount> pcrs;
  const std::string value(kPcrBytes, '\xab');
  pcrs[0] = value;
  std::string mixed;
  for (std::size_t i = 0; i < kPcrBytes; ++i) mixed += i % 2 == 0 ? "aB" : "Ab";
  const auto checked = CheckedCondition::Create(
      Condition::Is("PCR0", {mixed}, kAnyCase), kEnclave);
  ASSERT_TRUE(checked.ok());
  EXPECT_TRUE(checked->Check(pcrs).ok());
}

// A condition of that many levels.
Condition Deep(int levels) {
  Condition condition = kTrue;
  for (int i = 1; i < levels; ++i) condition = Condition::AllOf({condition});
  return condition;
}

TEST(Condition, IsBounded) {
  EXPECT_EQ(Check(Deep(kMaxConditionDepth)), std::nullopt);
  EXPECT_EQ(Create(Deep(kMaxConditionDepth + 1)), Reason::kInputTooLarge);

  const std::vector<Condition> leaves(kMaxConditionNodes - 1, kTrue);
  EXPECT_EQ(Check(Condition::AnyOf(leaves)), std::nullopt);
  EXPECT_EQ(Create(Condition::AllOf({Condition::AnyOf(leaves)})),
            Reason::kInputTooLarge);

  std::vector<std::string> values(kMaxConditionValues, Hex('1'));
  EXPECT_EQ(Create(Condition::Is("PCR2", values)), std::nullopt);
  values.push_back(Hex('1'));
  EXPECT_EQ(Create(Condition::Is("PCR2", values)), Reason::kInputTooLarge);
}

TEST(Condition, TakesAnAbsentPcrForNoValue) {
  EXPECT_EQ(Check(With(Is("PCR10", '0'))), Reason::kPcrMismatch);
  EXPECT_EQ(Check(With(Condition::AnyOf({Is("PCR10", '0'), kTrue}))),
            std::nullopt);
}

TEST(Condition, NeverTakesAbsenceForADenialThatHolds) {
  EXPECT_EQ(Check(With(Condition::Not(Is("PCR10", '0')))),
            Reason::kPcrMismatch);
  EXPECT_EQ(Check(With(Condition::Not(Condition::Not(Is("PCR10", '0'))))),
            Reason::kPcrMismatch);
  EXPECT_EQ(
      Check(With(Condition::Not(Condition::AllOf({Is("PCR10", '0'), kFalse})))),
      Reason::kPcrMismatch);
  // Whatever else would satisfy the condition.
  EXPECT_EQ(
      Check(Condition::AnyOf(
          {kTrue, With(Condition::Not(Condition::Not(Is("PCR10", '0'))))})),
      Reason::kPcrMismatch);
  EXPECT_EQ(
      Check(Condition::AnyOf({kTrue, With(Condition::Not(Is("PCR10", '0')))})),
      Reason::kPcrMismatch);
}

TEST(Condition, SaysOnEveryWayWhatSomePcrIs) {
  EXPECT_EQ(Create(Condition::Not(kTrue)), Reason::kPolicyUnsafe);
  EXPECT_EQ(Create(Condition::AnyOf({kTrue, Condition::Not(kFalse)})),
            Reason::kPolicyUnsafe);
  EXPECT_EQ(
      Create(Condition::Not(Condition::AllOf({Condition::Not(kTrue), kFalse}))),
      Reason::kPolicyUnsafe);
  EXPECT_EQ(
      Create(Condition::Not(Condition::AnyOf({Condition::Not(kTrue), kFalse}))),
      std::nullopt);
}

// The NitroTPM's PCRs that the rule is about.
Condition Boot(char digit) { return Is("NitroTPMPCR4", digit); }
const Condition kNoCommandLine = Is("NitroTPMPCR12", '0');
const Condition kSecureBoot = Is("NitroTPMPCR7", 'b');
const Condition kSecureBootOff =
    Condition::Is("NitroTPMPCR7", {kPcr7SecureBootOff});

std::optional<Reason> CreateTpm(const Condition& condition) {
  return Create(condition, kTpm);
}

TEST(NitroTpmCondition, RefusesPcr4WithoutTheCommandLine) {
  for (const Condition& open :
       {Is("NitroTPMPCR12", 'c'), kSecureBootOff, Is("NitroTPMPCR7", '0'),
        Is("NitroTPMPCR2", '0')}) {
    EXPECT_EQ(CreateTpm(open), Reason::kPolicyUnsafe);
    EXPECT_EQ(CreateTpm(Condition::AllOf({Boot('a'), open})),
              Reason::kPolicyUnsafe);
  }
  EXPECT_EQ(CreateTpm(Boot('a')), Reason::kPolicyUnsafe);
}

TEST(NitroTpmCondition, AcceptsPcr4WithTheCommandLineOrSecureBoot) {
  EXPECT_EQ(CreateTpm(Condition::AllOf({Boot('a'), kNoCommandLine})),
            std::nullopt);
  EXPECT_EQ(CreateTpm(Condition::AllOf({kSecureBoot, Boot('a')})),
            std::nullopt);
  EXPECT_EQ(CreateTpm(Condition::AllOf(
                {Boot('a'), Condition::AnyOf({kNoCommandLine, kSecureBoot})})),
            std::nullopt);
  EXPECT_EQ(CreateTpm(Condition::AllOf(
                {Condition::AnyOf({Boot('a'), Boot('b')}), kNoCommandLine})),
            std::nullopt);
  EXPECT_EQ(
      CreateTpm(Condition::AllOf(
          {Condition::Is("NitroTPMPCR7", {Hex('b'), Hex('c')}), Boot('a')})),
      std::nullopt);
}

TEST(NitroTpmCondition, RefusesOneUnsafeWayAmongSafeOnes) {
  const Condition safe = Condition::AllOf({Boot('a'), kNoCommandLine});
  EXPECT_EQ(CreateTpm(Condition::AnyOf({safe, Boot('b')})),
            Reason::kPolicyUnsafe);
  EXPECT_EQ(CreateTpm(Condition::AnyOf({safe, Is("NitroTPMPCR2", '2')})),
            Reason::kPolicyUnsafe);
  EXPECT_EQ(CreateTpm(Condition::AnyOf({safe, kSecureBoot})), std::nullopt);
  EXPECT_EQ(CreateTpm(Condition::AnyOf({Boot('a'), kSecureBoot})),
            Reason::kPolicyUnsafe);
  EXPECT_EQ(CreateTpm(Condition::AllOf(
                {Boot('a'),
                 Condition::AnyOf({kNoCommandLine, Is("NitroTPMPCR2", '2')})})),
            Reason::kPolicyUnsafe);
  EXPECT_EQ(
      CreateTpm(Condition::AllOf(
          {Boot('a'), Condition::Is("NitroTPMPCR12", {Hex('0'), Hex('c')})})),
      Reason::kPolicyUnsafe);
  EXPECT_EQ(CreateTpm(Condition::AllOf(
                {Boot('a'), Condition::Is("NitroTPMPCR7",
                                          {Hex('b'), kPcr7SecureBootOff})})),
            Reason::kPolicyUnsafe);
}

TEST(NitroTpmCondition, IsNotMadeSafeByWhatPcrsAreNot) {
  EXPECT_EQ(
      CreateTpm(Condition::AllOf({Boot('a'), Condition::Not(kSecureBootOff)})),
      Reason::kPolicyUnsafe);
  EXPECT_EQ(
      CreateTpm(Condition::AllOf({Boot('a'), Condition::Not(kNoCommandLine)})),
      Reason::kPolicyUnsafe);
  EXPECT_EQ(CreateTpm(Condition::AllOf(
                {Boot('a'), Condition::Not(Condition::Not(kNoCommandLine))})),
            std::nullopt);
  // The same as PCR4 with PCR12 = 0, and with either.
  EXPECT_EQ(CreateTpm(Condition::Not(Condition::AnyOf(
                {Condition::Not(Boot('a')), Condition::Not(kNoCommandLine)}))),
            std::nullopt);
  EXPECT_EQ(CreateTpm(Condition::Not(Condition::AllOf(
                {Condition::Not(Boot('a')), Condition::Not(kNoCommandLine)}))),
            Reason::kPolicyUnsafe);
}

TEST(NitroTpmCondition, RefusesToDenyPcr4WithoutTheCommandLine) {
  const Condition denial = Condition::Not(Boot('a'));
  EXPECT_EQ(CreateTpm(Condition::AllOf({Is("NitroTPMPCR2", '2'), denial})),
            Reason::kPolicyUnsafe);
  EXPECT_EQ(CreateTpm(Condition::AllOf({kNoCommandLine, denial})),
            Reason::kPolicyUnsafe);
  EXPECT_EQ(CreateTpm(Condition::AllOf({kSecureBoot, denial})), std::nullopt);
}

TEST(NitroTpmCondition, SaysWhatIsTakenForSecureBoot) {
  const auto warnings = [](const Condition& condition) {
    const auto checked = CheckedCondition::Create(condition, kTpm);
    EXPECT_TRUE(checked.ok()) << checked.status();
    return checked.ok() ? checked->warnings().size() : 99;
  };
  const Condition measured = Condition::AllOf({Boot('a'), kNoCommandLine});
  EXPECT_EQ(warnings(measured), 0U);
  EXPECT_EQ(warnings(kSecureBoot), 1U);
  // Once, however many ways there are.
  EXPECT_EQ(warnings(Condition::AnyOf(
                {measured, kSecureBoot,
                 Condition::AllOf({kSecureBoot, kNoCommandLine})})),
            1U);
}

TEST(EnclaveCondition, KnowsNoRuleForPcr4) {
  EXPECT_EQ(Create(Is("PCR4", 'a')), std::nullopt);
}

TEST(EnclaveCondition, RefusesAWayThatEnclavesOfOthersSatisfy) {
  EXPECT_EQ(Create(Is("PCR1", 'a')), Reason::kPolicyUnsafe);
  EXPECT_EQ(Create(Condition::AnyOf({kTrue, Is("PCR1", 'a')})),
            Reason::kPolicyUnsafe);
  EXPECT_EQ(Create(Condition::Is("PCR8", {Hex('a'), Hex('0')})),
            Reason::kPolicyUnsafe);
  EXPECT_EQ(Create(Condition::AllOf({kTrue, Is("PCR1", 'a')})), std::nullopt);
}

TEST(ConditionPolicy, IsAnotherWayToSayTheMeasurements) {
  const auto decide = [](EnclavePolicy::Builder& builder) {
    return ReasonOf(builder.IgnoreTheRest(kWhy).Build().status());
  };
  EnclavePolicy::Builder good;
  EXPECT_EQ(decide(good.ExpectCondition(kTrue)), std::nullopt);
  EnclavePolicy::Builder twice;
  EXPECT_EQ(decide(twice.ExpectCondition(kTrue).ExpectPcrs(
                *PcrSet::FromHex({{0, Hex('a')}}))),
            Reason::kFieldInvalid);
  EnclavePolicy::Builder empty;
  EXPECT_EQ(decide(empty.ExpectCondition(Condition::AllOf({}))),
            Reason::kPolicyEmpty);
}

// What the genuine document of the fake AWS has in that PCR, in hex.
std::string Genuine(test::NitroType type, std::size_t pcr) {
  const std::string value = test::GenuinePcrs(type).at(pcr).second;
  std::string hex;
  for (const unsigned char byte : value) {
    absl::StrAppend(&hex, absl::Hex(byte, absl::kZeroPad2));
  }
  return hex;
}

TEST(ConditionPolicy, DecidesOnGenuineDocuments) {
  const test::FakeNitro aws;
  const auto anchors = AnchorSet::Create({aws.RootAnchor()}, {});
  ASSERT_TRUE(anchors.ok());
  const auto verify_enclave = [&](const Condition& condition) {
    const auto policy = EnclavePolicy::Builder()
                            .ExpectCondition(condition)
                            .IgnoreTheRest(kWhy)
                            .Build();
    EXPECT_TRUE(policy.ok()) << policy.status();
    return ReasonOf(
        VerifyEnclave(Encode(aws.Genuine(test::NitroType::kEnclave)), **anchors,
                      *policy, test::FakeNow())
            .status());
  };
  const std::string image = Genuine(test::NitroType::kEnclave, 0);
  EXPECT_EQ(verify_enclave(Condition::Is("ImageSha384", {Hex('a'), image})),
            std::nullopt);
  EXPECT_EQ(verify_enclave(Condition::Is("PCR0", {image})), std::nullopt);
  EXPECT_EQ(verify_enclave(Condition::Is("PCR2", {image})),
            Reason::kPcrMismatch);

  const auto policy =
      NitroTpmPolicy::Builder()
          .ExpectCondition(Condition::AllOf(
              {Condition::Is("NitroTPMPCR4",
                             {Genuine(test::NitroType::kTpm, 4)}),
               kNoCommandLine}))
          .IgnoreTheRest(kWhy)
          .Build();
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_TRUE(VerifyNitroTpm(Encode(aws.Genuine(test::NitroType::kTpm)),
                             **anchors, *policy, test::FakeNow())
                  .ok());
}

}  // namespace
}  // namespace anchorage::verify
