#include "verify/measure/boot/signature_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/support/pe_writer.h"
#include "verify/measure/boot/measure_error.h"

namespace anchorage::verify {
namespace {

using test::Put32;
using test::SignatureList;

const char kAttributes[] = "\x27\0\0\0";
const std::string kHash(32, 'h');

std::string Two() {
  return SignatureList(kEfiCertX509, {"certificate"}) +
         SignatureList(kEfiCertSha256, {kHash, std::string(32, 'i')},
                       "owner-of-the-two");
}

std::string WithAttributes(std::string_view variable) {
  return std::string(kAttributes, 4) + std::string(variable);
}

TEST(SignatureListTest, ReadsSeveralLists) {
  const std::string bytes = Two();
  const auto database = ParseSignatureDatabase(bytes, VariableForm::kRaw);
  ASSERT_TRUE(database.ok()) << database.status();
  EXPECT_EQ(database->variable, bytes);
  EXPECT_EQ(database->lists, 2u);
  ASSERT_EQ(database->signatures.size(), 3u);
  EXPECT_EQ(database->signatures[0].type, kEfiCertX509);
  EXPECT_EQ(database->signatures[0].data, "certificate");
  EXPECT_EQ(database->signatures[0].whole, "0123456789abcdefcertificate");
  EXPECT_EQ(database->signatures[1].data, kHash);
  EXPECT_EQ(database->signatures[2].type, kEfiCertSha256);
  EXPECT_EQ(database->signatures[2].owner, "owner-of-the-two");
}

TEST(SignatureListTest, DetectsEfivarfs) {
  const std::string bytes = WithAttributes(Two());
  for (const VariableForm form :
       {VariableForm::kDetect, VariableForm::kEfivarfs}) {
    const auto database = ParseSignatureDatabase(bytes, form);
    ASSERT_TRUE(database.ok()) << database.status();
    EXPECT_EQ(database->variable, Two());
  }
  EXPECT_EQ(ParseSignatureDatabase(Two(), VariableForm::kDetect)->variable,
            Two());
}

// A variable that is not set, in both forms.
TEST(SignatureListTest, EmptyVariable) {
  EXPECT_EQ(ParseSignatureDatabase("", VariableForm::kDetect)->variable, "");
  EXPECT_EQ(ParseSignatureDatabase("", VariableForm::kRaw)->variable, "");
  EXPECT_EQ(
      ParseSignatureDatabase(WithAttributes(""), VariableForm::kDetect)->lists,
      0u);
  EXPECT_FALSE(ParseSignatureDatabase("", VariableForm::kEfivarfs).ok());
  EXPECT_FALSE(
      ParseSignatureDatabase(WithAttributes(""), VariableForm::kRaw).ok());
}

// A type that nobody knows is measured like any other.
TEST(SignatureListTest, UnknownTypeWithAHeader) {
  std::string bytes = SignatureList("unknown-type-id.", {"headdata"});
  Put32(bytes, 20, 4);
  Put32(bytes, 24, 20);
  const auto database = ParseSignatureDatabase(bytes, VariableForm::kRaw);
  ASSERT_TRUE(database.ok()) << database.status();
  EXPECT_EQ(database->signatures.front().owner, "456789abcdefhead");
  EXPECT_EQ(database->signatures.front().data, "data");
}

// Bytes that are lists with and without the first four are refused: which of
// them are measured would be a guess.
TEST(SignatureListTest, BothFormsAtOnce) {
  std::string both(149, '\x01');
  // One list whose header is 64 bytes long, and three signatures of 19.
  Put32(both, 0, 0x27);
  Put32(both, 16, 149);
  Put32(both, 20, 64);
  Put32(both, 24, 19);
  // Behind the attributes, a list of 64 bytes with a header of 19, and one of
  // 81 bytes without.
  Put32(both, 28, 17);
  Put32(both, 84, 81);
  Put32(both, 88, 0);
  Put32(both, 92, 53);
  EXPECT_TRUE(ParseSignatureDatabase(both, VariableForm::kRaw).ok());
  EXPECT_TRUE(ParseSignatureDatabase(both, VariableForm::kEfivarfs).ok());
  EXPECT_EQ(MeasureReasonOf(
                ParseSignatureDatabase(both, VariableForm::kDetect).status()),
            MeasureReason::kSignatureListMalformed);
}

// The first bytes of a list are no attributes.
TEST(SignatureListTest, AttributesAreThoseOfAVariable) {
  for (const std::uint32_t attributes : {0u, 6u, 0x107u, 0xffffffffu}) {
    std::string bytes = WithAttributes(Two());
    Put32(bytes, 0, attributes);
    for (const VariableForm form :
         {VariableForm::kDetect, VariableForm::kEfivarfs}) {
      EXPECT_EQ(MeasureReasonOf(ParseSignatureDatabase(bytes, form).status()),
                MeasureReason::kSignatureListMalformed)
          << attributes;
    }
  }
}

TEST(SignatureListTest, UpdatesAreRefusedWithAHint) {
  std::string update(16, '\x01');  // EFI_TIME
  update += std::string("\x40\0\0\0\0\x02\xf1\x0e", 8) + Two();
  for (const VariableForm form :
       {VariableForm::kDetect, VariableForm::kRaw, VariableForm::kEfivarfs}) {
    const auto status = ParseSignatureDatabase(update, form).status();
    EXPECT_EQ(MeasureReasonOf(status), MeasureReason::kSignatureListIsUpdate);
    EXPECT_NE(status.message().find(".esl"), status.message().npos);
  }
}

TEST(SignatureListTest, EveryTruncationIsRefused) {
  const std::string bytes = SignatureList(kEfiCertX509, {"one"}) +
                            SignatureList(kEfiCertX509, {"another"});
  const std::size_t first = 28 + 16 + 3;
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    const auto database = ParseSignatureDatabase(
        std::string_view(bytes).substr(0, size), VariableForm::kDetect);
    EXPECT_EQ(database.ok(), size == first) << size;
  }
}

TEST(SignatureListTest, BadInput) {
  struct Case {
    const char* name;
    std::string_view type;
    std::size_t at;
    std::uint32_t value;
  };
  for (const Case& bad : std::vector<Case>{
           {"list of size 0", kEfiCertX509, 16, 0},
           {"list shorter than its sizes", kEfiCertX509, 16, 27},
           {"list without a signature", kEfiCertX509, 16, 28},
           {"huge list", kEfiCertX509, 16, 0xffffffff},
           {"list one byte too long", kEfiCertX509, 16, 28 + 48 + 1},
           {"header of an X.509 list", kEfiCertX509, 20, 1},
           {"huge header", "unknown-type-id.", 20, 0xffffffff},
           {"header up to the end", "unknown-type-id.", 20, 48},
           {"signature of size 0", kEfiCertX509, 24, 0},
           {"signature of an owner only", kEfiCertX509, 24, 16},
           {"signature longer than the list", kEfiCertX509, 24, 49},
           {"huge signature", kEfiCertX509, 24, 0xffffffff},
           {"SHA-256 of 8 bytes", kEfiCertSha256, 24, 24},
           {"certificate's SHA-256 without a time", kEfiCertX509Sha256, 24, 48},
       }) {
    SCOPED_TRACE(bad.name);
    std::string bytes = SignatureList(bad.type, {kHash});
    Put32(bytes, bad.at, bad.value);
    for (const std::string& form : {bytes, WithAttributes(bytes)}) {
      EXPECT_EQ(
          MeasureReasonOf(
              ParseSignatureDatabase(form, VariableForm::kDetect).status()),
          MeasureReason::kSignatureListMalformed);
    }
  }
}

TEST(SignatureListTest, Limits) {
  EXPECT_EQ(
      MeasureReasonOf(ParseSignatureDatabase(
                          std::string(kMaxSignatureDatabaseBytes + 1, '\0'),
                          VariableForm::kDetect)
                          .status()),
      MeasureReason::kSignatureListMalformed);
  const std::vector<std::string> one_byte(kMaxSignatures + 1, "x");
  EXPECT_FALSE(
      ParseSignatureDatabase(SignatureList("unknown-type-id.", one_byte),
                             VariableForm::kRaw)
          .ok());
}

}  // namespace
}  // namespace anchorage::verify
