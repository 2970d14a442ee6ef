#include "anchors/measurements.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::AttestationType;
using verify::Reason;
using verify::ReasonOf;

// As the builder of machine images writes it.
constexpr char kImage[] = R"({
  "Measurements": {
    "HashAlgorithm": "SHA384 { ... }",
    "PCR4": "70bc457e087464760a8927d6312248dc117663410914ff8b1e42fd5dc91e16f5fe3f15ca64372d3e47af8b4c53b01df9",
    "PCR7": "98441c7f7625d10058c47683aec486ce311c633235eb555593a7ee791121e3578ae72d04ecef661f272d59058b77af35",
    "PCR12": "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
  }
}
)";

// As nitro-cli prints it.
constexpr char kEnclave[] = R"({
  "Measurements": {
    "HashAlgorithm": "Sha384 { ... }",
    "PCR0": "287b24930a9f0fe14b01a71ecdc00d8be8fad90f9834d547158854b8279c74095c43f8d7f047714e98deb7903f20e3dd",
    "PCR1": "aca6e62ffbf5f7deccac452d7f8cee1b94048faf62afc16c8ab68c9fed8c38010c73a669f9a36e596032f0b973d21895",
    "PCR2": "0315f483ae1220b5e023d8c80ff1e135edcca277e70860c31f3003b36e3b2aaec5d043c9ce3a679e3bbd5b3b93b61d6f"
  }
}
)";

TEST(Measurements, OfAMachineImage) {
  const auto image = ReadMeasurements(kImage);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->type, AttestationType::kNitroTpm);
  ASSERT_EQ(image->pcrs.size(), 3u);
  EXPECT_EQ(image->pcrs.at(4).substr(0, 3), "\x70\xbc\x45");
  EXPECT_EQ(image->pcrs.at(12), std::string(48, '\0'));
}

TEST(Measurements, OfAnEnclave) {
  const auto image = ReadMeasurements(kEnclave);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->type, AttestationType::kEnclave);
  ASSERT_EQ(image->pcrs.size(), 3u);
  EXPECT_EQ(image->pcrs.at(2).substr(0, 3), "\x03\x15\xf4");
}

TEST(Measurements, OfASignedEnclaveAmongWhatElseIsToldOfIt) {
  const auto image = ReadMeasurements(absl::StrReplaceAll(
      kEnclave, {{"{\n  \"Measurements\"",
                  "{\"EifVersion\": 4, \"Metadata\": {\"a\": [null]}, "
                  "\"Measurements\""},
                 {"\"PCR0\"", absl::StrCat("\"PCR8\": \"", std::string(96, 'a'),
                                           "\", \"PCR0\"")}}));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->type, AttestationType::kEnclave);
  EXPECT_EQ(image->pcrs.at(8), std::string(48, '\xaa'));
}

// As "nitro-cli describe-enclaves" prints the enclaves that run.
TEST(Measurements, OfAnEnclaveThatRuns) {
  const auto listed = [](const std::string& elements) {
    return ReadMeasurements("[" + elements + "]");
  };
  const std::string running = absl::StrReplaceAll(
      kEnclave, {{"{\n  \"Measurements\"",
                  "{\"EnclaveName\": \"a\", \"CPUIDs\": [1, 3], \"Flags\": "
                  "\"NONE\", \"Measurements\""}});
  const auto image = listed(running);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->type, AttestationType::kEnclave);
  EXPECT_EQ(image->pcrs.size(), 3u);
  EXPECT_EQ(ReasonOf(listed("").status()), Reason::kFieldInvalid);
  EXPECT_EQ(ReasonOf(listed(running + "," + running).status()),
            Reason::kFieldInvalid);
  EXPECT_EQ(ReasonOf(listed("1").status()), Reason::kFieldMissing);
}

// As "nitro-cli pcr" prints the one that it computes.
TEST(Measurements, OfASigner) {
  const std::string hex(96, 'a');
  const auto signer = ReadMeasurements("{\"PCR8\": \"" + hex + "\"}");
  ASSERT_TRUE(signer.ok()) << signer.status();
  EXPECT_EQ(signer->type, AttestationType::kEnclave);
  EXPECT_EQ(signer->pcrs.at(8), std::string(48, '\xaa'));
  EXPECT_EQ(ReasonOf(ReadMeasurements("{\"PCR\": \"" + hex + "\"}").status()),
            Reason::kFieldMissing);
  EXPECT_EQ(
      ReasonOf(ReadMeasurements("{\"PCR8\": \"" + hex + "\", \"a\": \"\"}")
                   .status()),
      Reason::kFieldUnknown);
  EXPECT_EQ(ReasonOf(ReadMeasurements("{\"PCR8\": \"aa\"}").status()),
            Reason::kFieldInvalid);
}

TEST(Measurements, MayStandBehindAByteOrderMark) {
  EXPECT_TRUE(ReadMeasurements(absl::StrCat("\xef\xbb\xbf", kImage)).ok());
  EXPECT_EQ(ReasonOf(ReadMeasurements(std::string("\xff\xfe{\0", 4)).status()),
            Reason::kEncodingMalformed);
}

TEST(Measurements, NameTheirHashAsTheirBuildersDo) {
  for (const char* name : {"SHA384", "Sha384", "SHA384 { ... }"}) {
    EXPECT_TRUE(ReadMeasurements(
                    absl::StrReplaceAll(kEnclave, {{"Sha384 { ... }", name}}))
                    .ok())
        << name;
  }
}

TEST(Measurements, TellTheTypeOrAreTold) {
  EXPECT_TRUE(ReadMeasurements(kImage, AttestationType::kNitroTpm).ok());
  EXPECT_EQ(
      ReasonOf(ReadMeasurements(kImage, AttestationType::kEnclave).status()),
      Reason::kWrongDocumentType);
  EXPECT_EQ(
      ReasonOf(ReadMeasurements(kEnclave, AttestationType::kNitroTpm).status()),
      Reason::kWrongDocumentType);
  for (const auto& [from, to] :
       {std::pair("PCR2", "PCR4"), std::pair("PCR2", "PCR3")}) {
    const std::string unclear = absl::StrReplaceAll(kEnclave, {{from, to}});
    EXPECT_EQ(ReasonOf(ReadMeasurements(unclear).status()),
              Reason::kFieldInvalid);
    for (const AttestationType type :
         {AttestationType::kEnclave, AttestationType::kNitroTpm}) {
      const auto image = ReadMeasurements(unclear, type);
      ASSERT_TRUE(image.ok()) << image.status();
      EXPECT_EQ(image->type, type);
    }
  }
}

// Replaces the first `from` in an enclave's measurements by `to`.
struct Breakage {
  const char* name;
  std::string from;
  std::string to;
  Reason expected;
};

class OneBreakage : public ::testing::TestWithParam<Breakage> {};

TEST_P(OneBreakage, IsRejectedForExactlyThatReason) {
  std::string text = kEnclave;
  const std::size_t at = text.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, GetParam().from.size(), GetParam().to);
  EXPECT_EQ(ReasonOf(ReadMeasurements(text).status()), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Measurements, OneBreakage,
    ::testing::Values(
        Breakage{"NotJson", "{", "Enclave Image successfully created.\n{",
                 Reason::kDocumentMalformed},
        Breakage{"Twice", "{", "{}{", Reason::kTrailingBytes},
        Breakage{"NoMeasurements", "Measurements", "was",
                 Reason::kFieldMissing},
        Breakage{"PcrBesideMeasurements", "\"Measurements\":",
                 "\"PCR4\": \"\", \"Measurements\":", Reason::kFieldInvalid},
        Breakage{"MeasurementsAnArray", "\"Measurements\":",
                 "\"Measurements\": [], \"was\":", Reason::kFieldInvalid},
        Breakage{"NoHash", "\"HashAlgorithm\": \"Sha384 { ... }\",", "",
                 Reason::kFieldMissing},
        Breakage{"OtherHash", "Sha384", "Sha256", Reason::kDigestUnsupported},
        Breakage{"HashANumber", "\"Sha384 { ... }\"", "384",
                 Reason::kFieldInvalid},
        Breakage{"PcrTwice", "PCR1", "PCR0", Reason::kDuplicateKey},
        Breakage{"PcrPadded", "PCR1", "PCR01", Reason::kFieldUnknown},
        Breakage{"PcrInLowerCase", "PCR1", "pcr1", Reason::kFieldUnknown},
        Breakage{"PcrOutOfRange", "PCR1", "PCR32", Reason::kFieldInvalid},
        Breakage{"PcrNegative", "PCR1", "PCR-1", Reason::kFieldInvalid},
        Breakage{"PcrANumber", "\"287b", "1, \"x\": \"287b",
                 Reason::kFieldInvalid},
        Breakage{"NotHex", "287b", "0x7b", Reason::kEncodingMalformed},
        Breakage{"Empty",
                 "\"287b24930a9f0fe14b01a71ecdc00d8be8fad90f9834d547158854b8279"
                 "c74095c43f8d7f047714e98deb7903f20e3dd\"",
                 "\"\"", Reason::kEncodingMalformed},
        Breakage{"TooShort", "287b", "28", Reason::kFieldInvalid}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Measurements, AreNotNone) {
  EXPECT_EQ(ReasonOf(ReadMeasurements(
                         R"({"Measurements": {"HashAlgorithm": "SHA384"}})")
                         .status()),
            Reason::kFieldMissing);
  EXPECT_EQ(ReasonOf(ReadMeasurements("").status()),
            Reason::kDocumentMalformed);
}

TEST(Measurements, HaveALimit) {
  std::string text = kEnclave;
  text.append(kMaxMeasurementsBytes - text.size(), ' ');
  EXPECT_TRUE(ReadMeasurements(text).ok());
  text.push_back(' ');
  EXPECT_EQ(ReasonOf(ReadMeasurements(text).status()), Reason::kInputTooLarge);
}

}  // namespace
}  // namespace anchorage::anchors
