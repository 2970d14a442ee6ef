#include "verify/encoding/cbor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "verify/encoding/base64.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

std::string Bytes(std::string_view hex) {
  return hex.empty() ? "" : DecodeHex(hex).value();
}

// Whether the item that `hex` begins with is read.
bool Reads(std::string_view hex) {
  const std::string bytes = Bytes(hex);
  return CborReader(bytes).Read().has_value();
}

// What looking over `hex` as one value gives; nullopt where it is accepted.
std::optional<Reason> Skip(std::string_view hex) {
  const std::string bytes = Bytes(hex);
  CborReader reader(bytes);
  const absl::Status status = SkipCborValue(reader);
  if (status.ok()) {
    EXPECT_TRUE(reader.done()) << hex;
  }
  return ReasonOf(status);
}

TEST(CborReader, ReadsNumbersOfEachLength) {
  const struct {
    std::string_view hex;
    std::uint64_t value;
  } kCases[] = {
      {"00", 0},
      {"17", 23},
      {"1818", 24},
      {"18ff", 255},
      {"190100", 256},
      {"19ffff", 65535},
      {"1a00010000", 65536},
      {"1affffffff", 4294967295u},
      {"1b0000000100000000", 4294967296u},
      {"1bffffffffffffffff", 18446744073709551615u},
  };
  for (const auto& c : kCases) {
    const std::string bytes = Bytes(c.hex);
    CborReader reader(bytes);
    const std::optional<CborItem> item = reader.Read();
    ASSERT_TRUE(item.has_value()) << c.hex;
    EXPECT_EQ(item->type, CborType::kUnsigned) << c.hex;
    EXPECT_EQ(item->value, c.value) << c.hex;
    EXPECT_TRUE(reader.done()) << c.hex;
  }
}

TEST(CborReader, ReadsANegativeNumberAsItsArgument) {
  const std::string bytes = Bytes("3822");
  const std::optional<CborItem> item = CborReader(bytes).Read();
  ASSERT_TRUE(item.has_value());
  EXPECT_EQ(item->type, CborType::kNegative);
  EXPECT_EQ(item->value, 34u);
}

TEST(CborReader, RefusesAHeadThatIsLongerThanNeeded) {
  for (const std::string_view hex :
       {"1800", "1817", "190000", "1900ff", "1a00000000", "1a0000ffff",
        "1b0000000000000000", "1b00000000ffffffff", "5800", "580161",
        "59000161", "780161", "980101", "b8010101", "d8120a", "3800"}) {
    EXPECT_FALSE(Reads(hex)) << hex;
  }
}

TEST(CborReader, RefusesAHeadThatIsCutOff) {
  for (const std::string_view hex :
       {"", "18", "19", "1901", "1a010000", "1b01000000000000", "58", "d8"}) {
    EXPECT_FALSE(Reads(hex)) << hex;
  }
}

TEST(CborReader, RefusesReservedHeads) {
  for (int major = 0; major < 8; ++major) {
    for (int low_bits = 28; low_bits <= 30; ++low_bits) {
      std::string bytes(1, static_cast<char>(major << 5 | low_bits));
      bytes.append(16, '\0');
      EXPECT_FALSE(CborReader(bytes).Read().has_value())
          << major << " " << low_bits;
    }
  }
}

TEST(CborReader, RefusesIndefiniteNumbersStringsAndTags) {
  for (const std::string_view hex :
       {"1f", "1fff", "3fff", "5fff", "5f4161ff", "7fff", "7f6161ff", "dfff"}) {
    EXPECT_FALSE(Reads(hex)) << hex;
  }
}

TEST(CborReader, RefusesABreakThatEndsNothing) { EXPECT_FALSE(Reads("ff")); }

TEST(CborReader, ReadsTheFourSimpleValues) {
  const std::string bytes = Bytes("f4f5f6f7");
  CborReader reader(bytes);
  std::optional<CborItem> item = reader.Read();
  EXPECT_EQ(item->type, CborType::kBool);
  EXPECT_EQ(item->value, 0u);
  item = reader.Read();
  EXPECT_EQ(item->type, CborType::kBool);
  EXPECT_EQ(item->value, 1u);
  EXPECT_EQ(reader.Read()->type, CborType::kNull);
  EXPECT_EQ(reader.Read()->type, CborType::kUndefined);
  EXPECT_TRUE(reader.done());
}

TEST(CborReader, RefusesEveryOtherSimpleValueAndFloats) {
  for (const std::string_view hex :
       {"e0", "f3", "f800", "f816", "f818", "f820", "f8ff", "f90000",
        "fa00000000", "fb0000000000000000"}) {
    EXPECT_FALSE(Reads(hex)) << hex;
  }
}

TEST(CborReader, ReadsStringsAsViews) {
  const std::string bytes = Bytes(
      "43010203"
      "63e282ac"
      "40"
      "60");
  CborReader reader(bytes);
  std::optional<CborItem> item = reader.Read();
  EXPECT_EQ(item->type, CborType::kBytes);
  EXPECT_EQ(item->string.data(), bytes.data() + 1);
  EXPECT_EQ(item->string.size(), 3u);
  item = reader.Read();
  EXPECT_EQ(item->type, CborType::kText);
  EXPECT_EQ(item->string, "\xe2\x82\xac");
  EXPECT_TRUE(reader.Read()->string.empty());
  EXPECT_TRUE(reader.Read()->string.empty());
  EXPECT_TRUE(reader.done());
}

TEST(CborReader, RefusesAStringLongerThanTheInput) {
  for (const std::string_view hex :
       {"41", "4261", "5affffffff61", "5bffffffffffffffff61",
        "5b800000000000000061", "61"}) {
    EXPECT_FALSE(Reads(hex)) << hex;
  }
}

TEST(CborReader, RefusesTextThatIsNotUtf8) {
  for (const std::string_view hex :
       {"61ff", "62c080", "63eda080", "64f4908080", "61e2"}) {
    EXPECT_FALSE(Reads(hex)) << hex;
  }
}

TEST(CborReader, RefusesAContainerLongerThanTheInput) {
  for (const std::string_view hex :
       {"81", "8201", "a1", "a101", "9bffffffffffffffff01",
        "bb800000000000000001", "a2010203"}) {
    EXPECT_FALSE(Reads(hex)) << hex;
  }
}

TEST(CborReader, StaysWhereItWasAfterAFailedRead) {
  const std::string bytes = Bytes("1800");
  CborReader reader(bytes);
  EXPECT_FALSE(reader.Read().has_value());
  EXPECT_EQ(reader.rest(), bytes);
}

TEST(CborReader, WalksDefiniteAndIndefiniteContainersAlike) {
  for (const std::string_view hex : {"83010203", "9f010203ff"}) {
    const std::string bytes = Bytes(hex);
    CborReader reader(bytes);
    std::optional<CborItem> array = reader.Read();
    ASSERT_TRUE(array.has_value()) << hex;
    std::uint64_t sum = 0;
    while (reader.More(*array)) sum += reader.Read()->value;
    EXPECT_EQ(sum, 6u) << hex;
    EXPECT_TRUE(reader.done()) << hex;
  }
}

TEST(CborReader, AContainerWithoutItsBreakHasMoreThatCannotBeRead) {
  const std::string bytes = Bytes("9f01");
  CborReader reader(bytes);
  std::optional<CborItem> array = reader.Read();
  EXPECT_TRUE(reader.More(*array));
  EXPECT_TRUE(reader.Read().has_value());
  EXPECT_TRUE(reader.More(*array));
  EXPECT_FALSE(reader.Read().has_value());
}

TEST(SkipCborValue, LooksOverNestedValues) {
  for (const std::string_view hex :
       {"00", "f6", "40", "80", "a0", "9fff", "bfff", "8201a2616101616202",
        "bf0180ff", "a4010002000300200a", "8181818181818100"}) {
    EXPECT_EQ(Skip(hex), std::nullopt) << hex;
  }
}

TEST(SkipCborValue, RefusesADuplicateKeyAtEveryLevel) {
  for (const std::string_view hex :
       {"a201000100", "bf01000100ff", "a2616100616100", "81a2410000410000",
        "a101a220002000"}) {
    EXPECT_EQ(Skip(hex), Reason::kDuplicateKey) << hex;
  }
}

TEST(SkipCborValue, TellsKeysOfDifferentTypesApart) {
  EXPECT_EQ(Skip("a4"
                 "0100"
                 "2000"
                 "416100"
                 "616100"),
            std::nullopt);
}

TEST(SkipCborValue, RefusesWhatIsMalformed) {
  for (const std::string_view hex :
       {"", "ff", "9f", "9f01", "bf01ff", "bf0102", "8201", "a1f600", "a18000",
        "d81800", "c000", "81c100", "fb0000000000000000"}) {
    EXPECT_EQ(Skip(hex), Reason::kCborMalformed) << hex;
  }
}

TEST(SkipCborValue, RefusesNestingBeyondTheLimit) {
  const std::string deepest = std::string(kMaxCborDepth, '\x81') + '\0';
  CborReader accepted(deepest);
  EXPECT_TRUE(SkipCborValue(accepted).ok());

  const std::string deeper = '\x81' + deepest;
  CborReader refused(deeper);
  EXPECT_EQ(ReasonOf(SkipCborValue(refused)), Reason::kCborMalformed);

  const std::string bomb(20000, '\x9f');
  CborReader bombed(bomb);
  EXPECT_EQ(ReasonOf(SkipCborValue(bombed)), Reason::kCborMalformed);
}

TEST(CborKeys, HoldsAsManyAsItsLimit) {
  CborKeys keys;
  std::string names;
  for (std::size_t i = 0; i <= CborKeys::kMaxKeys; ++i) {
    names += static_cast<char>('0' + i);
  }
  for (std::size_t i = 0; i < CborKeys::kMaxKeys; ++i) {
    EXPECT_TRUE(keys.Add(std::string_view(names).substr(i, 1)).ok());
  }
  EXPECT_EQ(
      ReasonOf(keys.Add(std::string_view(names).substr(CborKeys::kMaxKeys, 1))),
      Reason::kCborMalformed);
  EXPECT_EQ(ReasonOf(keys.Add("0")), Reason::kDuplicateKey);
}

}  // namespace
}  // namespace anchorage::verify
