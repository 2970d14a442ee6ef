#include "verify/encoding/der.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "verify/encoding/base64.h"

namespace anchorage::verify {
namespace {

std::string Hex(std::string_view hex) {
  return hex.empty() ? "" : DecodeHex(hex).value();
}

// Whether `hex` is exactly one element that the reader takes.
bool IsOne(std::string_view hex) {
  const std::string bytes = Hex(hex);
  DerReader reader(bytes);
  return reader.Read().has_value() && reader.done();
}

absl::Time Utc(int year, int month, int day, int hour = 0, int minute = 0,
               int second = 0) {
  return absl::FromCivil(
      absl::CivilSecond(year, month, day, hour, minute, second),
      absl::UTCTimeZone());
}

TEST(DerReader, ReadsOneElementAfterTheOther) {
  const std::string bytes =
      Hex("020105"
          "0402abcd"
          "0500");
  DerReader reader(bytes);
  EXPECT_FALSE(reader.done());
  EXPECT_EQ(reader.PeekTag(), 0x02);
  EXPECT_TRUE(reader.NextIs(DerTag::kInteger));
  EXPECT_FALSE(reader.NextIs(DerTag::kOctetString));
  const auto integer = reader.Read();
  ASSERT_TRUE(integer.has_value());
  EXPECT_TRUE(integer->Is(DerTag::kInteger));
  EXPECT_EQ(integer->contents, Hex("05"));
  EXPECT_EQ(integer->whole, Hex("020105"));
  const auto octets = reader.Read(DerTag::kOctetString);
  ASSERT_TRUE(octets.has_value());
  EXPECT_EQ(octets->contents, Hex("abcd"));
  EXPECT_EQ(octets->whole, Hex("0402abcd"));
  EXPECT_EQ(reader.rest(), Hex("0500"));
  const auto null = reader.Read(DerTag::kNull);
  ASSERT_TRUE(null.has_value());
  EXPECT_TRUE(null->contents.empty());
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.PeekTag(), std::nullopt);
  EXPECT_FALSE(reader.NextIs(DerTag::kNull));
  EXPECT_EQ(reader.Read(), std::nullopt);
}

TEST(DerReader, NeverCopies) {
  const std::string bytes = Hex("30030201050500");
  DerReader reader(bytes);
  const auto sequence = reader.Read(DerTag::kSequence);
  ASSERT_TRUE(sequence.has_value());
  EXPECT_EQ(sequence->whole.data(), bytes.data());
  EXPECT_EQ(sequence->contents.data(), bytes.data() + 2);
}

TEST(DerReader, RefusesAnotherTag) {
  const std::string bytes = Hex("020105");
  for (const DerTag tag :
       {DerTag::kBoolean, DerTag::kBitString, DerTag::kOctetString,
        DerTag::kSequence, DerTag::kContext0, DerTag::kContext2Constructed}) {
    DerReader reader(bytes);
    EXPECT_EQ(reader.Read(tag), std::nullopt);
    EXPECT_EQ(ParseOne(bytes, tag), std::nullopt);
  }
}

TEST(DerReader, TellsConstructedFromPrimitive) {
  const std::string primitive = Hex("1003020105");
  EXPECT_EQ(ParseOne(primitive, DerTag::kSequence), std::nullopt);
  const std::string constructed = Hex("2403040105");
  EXPECT_EQ(ParseOne(constructed, DerTag::kOctetString), std::nullopt);
  EXPECT_NE(ParseOne(constructed, DerTag::kConstructedOctetString),
            std::nullopt);
}

TEST(DerReader, StaysWhereItIsAfterAFailure) {
  const std::string bytes = Hex("0201050301");
  DerReader reader(bytes);
  EXPECT_EQ(reader.Read(DerTag::kNull), std::nullopt);
  EXPECT_EQ(reader.rest(), bytes);
  ASSERT_TRUE(reader.Read(DerTag::kInteger).has_value());
  EXPECT_EQ(reader.Read(), std::nullopt);
  EXPECT_EQ(reader.Read(DerTag::kBitString), std::nullopt);
  EXPECT_EQ(reader.rest(), Hex("0301"));
  EXPECT_FALSE(reader.done());
}

TEST(DerReader, RefusesTruncation) {
  for (const std::string_view hex :
       {"", "02", "0201", "020205", "0482", "048201", "04820100", "30030201"}) {
    EXPECT_FALSE(IsOne(hex)) << hex;
  }
}

TEST(DerReader, AcceptsNoPrefixOfAnElement) {
  const std::string bytes = Hex("308180") + std::string(128, 'x');
  ASSERT_TRUE(ParseOne(bytes, DerTag::kSequence).has_value());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(ParseOne(bytes.substr(0, size), DerTag::kSequence), std::nullopt);
  }
}

TEST(DerReader, ReadsLengthsOfUpToFourOctets) {
  for (const std::size_t size :
       {0, 1, 127, 128, 255, 256, 65535, 65536, 16777215, 16777216}) {
    std::string octets;
    for (std::size_t left = size; left > 0; left /= 256) {
      octets.insert(octets.begin(), static_cast<char>(left % 256));
    }
    std::string bytes("\x04", 1);
    if (size < 128) {
      bytes.push_back(static_cast<char>(size));
    } else {
      bytes.push_back(static_cast<char>(0x80 + octets.size()));
      bytes += octets;
    }
    bytes.append(size, 'x');
    const auto element = ParseOne(bytes, DerTag::kOctetString);
    ASSERT_TRUE(element.has_value()) << size;
    EXPECT_EQ(element->contents.size(), size);
    EXPECT_EQ(element->whole.size(), bytes.size());
  }
}

TEST(DerReader, RefusesLengthsThatAreNotMinimal) {
  EXPECT_TRUE(IsOne("040161"));
  for (const std::string_view hex : {"04810161", "0482000161", "048300000161",
                                     "04840000000161", "0485000000000161"}) {
    EXPECT_FALSE(IsOne(hex)) << hex;
  }
  const std::string x127(127, 'x');
  EXPECT_EQ(ParseOne(Hex("04817f") + x127, DerTag::kOctetString), std::nullopt);
  const std::string x255(255, 'x');
  EXPECT_NE(ParseOne(Hex("0481ff") + x255, DerTag::kOctetString), std::nullopt);
  EXPECT_EQ(ParseOne(Hex("048200ff") + x255, DerTag::kOctetString),
            std::nullopt);
}

TEST(DerReader, RefusesIndefiniteAndReservedLengths) {
  for (const std::string_view hex : {"30800000", "30800201050000",
                                     "2480040161"
                                     "0000",
                                     "04ff", "04ff61"}) {
    EXPECT_FALSE(IsOne(hex)) << hex;
  }
}

TEST(DerReader, RefusesLengthsBeyondItsInput) {
  for (const std::string_view hex :
       {"047f61", "0481ff61", "0482ffff61", "0484ffffffff61",
        "0488ffffffffffffffff61", "04887fffffffffffffff61",
        "04888000000000000000"
        "61",
        "04fe"
        "61"}) {
    EXPECT_FALSE(IsOne(hex)) << hex;
  }
}

TEST(DerReader, RefusesTagNumbersAbove30) {
  for (const std::string_view hex :
       {"1f0100", "1f1f00", "3f2000", "9f1f00", "bf1f00",
        "ff8100"
        "00"}) {
    EXPECT_FALSE(IsOne(hex)) << hex;
  }
  EXPECT_TRUE(IsOne("1e00"));
  EXPECT_TRUE(IsOne("be00"));
}

// Tag 0 ends an indefinite length: in DER nothing has it.
TEST(DerReader, RefusesEndOfContents) {
  EXPECT_FALSE(IsOne("0000"));
  EXPECT_FALSE(IsOne("000161"));
  EXPECT_FALSE(IsOne("2000"));
}

TEST(ParseOne, RefusesTrailingBytes) {
  EXPECT_NE(ParseOne(Hex("020105"), DerTag::kInteger), std::nullopt);
  EXPECT_EQ(ParseOne(Hex("02010500"), DerTag::kInteger), std::nullopt);
  EXPECT_EQ(ParseOne(Hex("020105020105"), DerTag::kInteger), std::nullopt);
  EXPECT_EQ(ParseOne("", DerTag::kInteger), std::nullopt);
}

TEST(DerBoolean, IsZeroOrAllOnes) {
  EXPECT_EQ(ParseBoolean(Hex("ff")), true);
  EXPECT_EQ(ParseBoolean(Hex("00")), false);
  EXPECT_EQ(ParseBoolean(""), std::nullopt);
  EXPECT_EQ(ParseBoolean(Hex("0000")), std::nullopt);
  EXPECT_EQ(ParseBoolean(Hex("ffff")), std::nullopt);
  for (int value = 1; value < 255; ++value) {
    EXPECT_EQ(ParseBoolean(std::string(1, static_cast<char>(value))),
              std::nullopt)
        << value;
  }
}

TEST(DerSmallInteger, ReadsTheWholeRange) {
  EXPECT_EQ(ParseSmallInteger(Hex("00")), 0u);
  EXPECT_EQ(ParseSmallInteger(Hex("7f")), 127u);
  EXPECT_EQ(ParseSmallInteger(Hex("0080")), 128u);
  EXPECT_EQ(ParseSmallInteger(Hex("00ff")), 255u);
  EXPECT_EQ(ParseSmallInteger(Hex("0100")), 256u);
  EXPECT_EQ(ParseSmallInteger(Hex("7fffffff")), 0x7fffffffu);
  EXPECT_EQ(ParseSmallInteger(Hex("0080000000")), 0x80000000u);
  EXPECT_EQ(ParseSmallInteger(Hex("00ffffffff")), 0xffffffffu);
}

// A path length of 2^32 must not wrap to 0.
TEST(DerSmallInteger, RefusesWhatDoesNotFit) {
  for (const std::string_view hex :
       {"0100000000", "0100000001", "00ffffffffff", "010000000000000000",
        "7fffffffffffffffff"}) {
    EXPECT_EQ(ParseSmallInteger(Hex(hex)), std::nullopt) << hex;
  }
}

TEST(DerSmallInteger, RefusesNegativeNumbers) {
  for (const std::string_view hex :
       {"80", "ff", "ff7f", "8000", "ff00000000"}) {
    EXPECT_EQ(ParseSmallInteger(Hex(hex)), std::nullopt) << hex;
  }
}

TEST(DerSmallInteger, RefusesWhatIsNotMinimal) {
  for (const std::string_view hex :
       {"", "0000", "0001", "007f", "000080", "0000ffffffff", "ffff", "ff80"}) {
    EXPECT_EQ(ParseSmallInteger(Hex(hex)), std::nullopt) << hex;
  }
}

TEST(DerInteger, KnowsTheMinimalFormOfAnySign) {
  for (const std::string_view hex :
       {"00", "01", "7f", "80", "ff", "0080", "00ff", "ff7f", "ff00", "8000",
        "7fff", "00ffffffffffffffffffff"}) {
    EXPECT_TRUE(IsMinimalInteger(Hex(hex))) << hex;
  }
  for (const std::string_view hex :
       {"", "0000", "0001", "007f", "ffff", "ff80", "000080", "ffffff",
        "00007fffffffffffffffff"}) {
    EXPECT_FALSE(IsMinimalInteger(Hex(hex))) << hex;
  }
}

TEST(DerBitString, ReadsWholeBytesOnly) {
  EXPECT_EQ(ParseOctetAligned(Hex("00abcd")), Hex("abcd"));
  EXPECT_EQ(ParseOctetAligned(Hex("0000")), Hex("00"));
  for (const std::string_view hex : {"", "00", "01", "01fe",
                                     "07"
                                     "80",
                                     "08ab", "ffab"}) {
    EXPECT_EQ(ParseOctetAligned(Hex(hex)), std::nullopt) << hex;
  }
}

TEST(DerUtcTime, ReadsDatesFrom1950To2049) {
  EXPECT_EQ(ParseUtcTime("240430123456Z"), Utc(2024, 4, 30, 12, 34, 56));
  EXPECT_EQ(ParseUtcTime("500101000000Z"), Utc(1950, 1, 1));
  EXPECT_EQ(ParseUtcTime("491231235959Z"), Utc(2049, 12, 31, 23, 59, 59));
  EXPECT_EQ(ParseUtcTime("991231235959Z"), Utc(1999, 12, 31, 23, 59, 59));
  EXPECT_EQ(ParseUtcTime("000101000000Z"), Utc(2000, 1, 1));
}

TEST(DerUtcTime, RefusesOtherForms) {
  for (const std::string_view text :
       {"", "Z", "2404301234Z", "240430123456", "240430123456z",
        "240430123456+0000", "240430123456-0000", "2404301234+0000",
        "240430123456.0Z", "20240430123456Z", "240430123456ZZ", " 240430123456",
        "24043012345 Z", "+40430123456Z", "2404301234-6Z", "240430 23456Z",
        "24o430123456Z", "-10430123456Z"}) {
    EXPECT_EQ(ParseUtcTime(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseUtcTime(std::string_view("24043012345\0Z", 13)), std::nullopt);
}

TEST(DerGeneralizedTime, ReadsAnyDate) {
  EXPECT_EQ(ParseGeneralizedTime("22040229123456Z").has_value(), true);
  EXPECT_EQ(ParseGeneralizedTime("20491028120000Z"), Utc(2049, 10, 28, 12));
  EXPECT_EQ(ParseGeneralizedTime("99991231235959Z"),
            Utc(9999, 12, 31, 23, 59, 59));
  EXPECT_EQ(ParseGeneralizedTime("19700101000000Z"), absl::UnixEpoch());
}

TEST(DerGeneralizedTime, RefusesOtherForms) {
  for (const std::string_view text :
       {"", "20240430123456", "20240430123456z", "20240430123456.5Z",
        "20240430123456,5Z", "20240430123456+0000", "202404301234Z",
        "2024043012Z", "240430123456Z", "20240430123456ZZ", "2024043012345 Z",
        "+0240430123456Z", "-0240430123456Z", "2024-0430123456Z",
        "2024O430123456Z"}) {
    EXPECT_EQ(ParseGeneralizedTime(text), std::nullopt) << text;
  }
}

TEST(DerTime, RefusesDatesThatDoNotExist) {
  for (const std::string_view rest :
       {"0001000000Z", "1301000000Z", "0100000000Z", "0132000000Z",
        "0230000000Z", "0229000000Z", "0431000000Z", "0101240000Z",
        "0101006000Z", "0101000060Z", "1231235960Z", "9999999999Z"}) {
    const std::string text(rest);
    EXPECT_EQ(ParseUtcTime("23" + text), std::nullopt) << text;
    EXPECT_EQ(ParseGeneralizedTime("2023" + text), std::nullopt) << text;
  }
}

TEST(DerTime, KnowsLeapYears) {
  EXPECT_EQ(ParseGeneralizedTime("20240229000000Z"), Utc(2024, 2, 29));
  EXPECT_EQ(ParseGeneralizedTime("20000229000000Z"), Utc(2000, 2, 29));
  EXPECT_EQ(ParseGeneralizedTime("19000229000000Z"), std::nullopt);
  EXPECT_EQ(ParseGeneralizedTime("21000229000000Z"), std::nullopt);
  EXPECT_EQ(ParseUtcTime("000229000000Z"), Utc(2000, 2, 29));
  EXPECT_EQ(ParseUtcTime("250229000000Z"), std::nullopt);
}

DerElement Element(DerTag tag, std::string_view contents) {
  return {static_cast<std::uint8_t>(tag), contents, {}};
}

TEST(DerTime, TakesEachTypeInItsYearsOnly) {
  EXPECT_EQ(ParseTime(Element(DerTag::kUtcTime, "491231235959Z")),
            Utc(2049, 12, 31, 23, 59, 59));
  EXPECT_EQ(ParseTime(Element(DerTag::kGeneralizedTime, "20500101000000Z")),
            Utc(2050, 1, 1));
  EXPECT_EQ(ParseTime(Element(DerTag::kGeneralizedTime, "20491231235959Z")),
            std::nullopt);
  EXPECT_EQ(ParseTime(Element(DerTag::kGeneralizedTime, "19491231235959Z")),
            std::nullopt);
  // One type's text under the other's tag.
  EXPECT_EQ(ParseTime(Element(DerTag::kUtcTime, "20500101000000Z")),
            std::nullopt);
  EXPECT_EQ(ParseTime(Element(DerTag::kGeneralizedTime, "491231235959Z")),
            std::nullopt);
  EXPECT_EQ(ParseTime(Element(DerTag::kIa5String, "491231235959Z")),
            std::nullopt);
}

TEST(DerOid, KnowsWellFormedIdentifiers) {
  for (const std::string_view hex :
       {"00", "2a", "2a8648ce3d0201", "2b81040022", "550403", "8837",
        "608648016503040202", "2aff7f"}) {
    EXPECT_TRUE(IsOid(Hex(hex))) << hex;
  }
}

TEST(DerOid, RefusesPaddedOrUnfinishedArcs) {
  for (const std::string_view hex :
       {"", "80", "8001", "2a80", "2a8001", "2a8648ce3d0281", "2a86",
        "2a80808001", "2a8648803d"}) {
    EXPECT_FALSE(IsOid(Hex(hex))) << hex;
  }
  // Inside an arc, 80 is no padding.
  EXPECT_TRUE(IsOid(Hex("2a86803d")));
}

}  // namespace
}  // namespace anchorage::verify
