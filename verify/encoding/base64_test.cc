#include "verify/encoding/base64.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Returns bytes that hold every value, in an order that is not theirs.
std::string SomeBytes(std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) {
    bytes.push_back(static_cast<char>(i * 167 + i / 256));
  }
  return bytes;
}

std::string Decoded(std::string_view text) {
  const auto decoded = DecodeBase64(text);
  return decoded.ok() ? *decoded : "(" + decoded.status().ToString() + ")";
}

void ExpectMalformed(const absl::StatusOr<std::string>& decoded,
                     std::string_view input) {
  ASSERT_FALSE(decoded.ok()) << input;
  EXPECT_EQ(ReasonOf(decoded.status()), Reason::kEncodingMalformed) << input;
}

TEST(Base64, DecodesTheExamplesOfRfc4648) {
  EXPECT_EQ(Decoded("Zg=="), "f");
  EXPECT_EQ(Decoded("Zm8="), "fo");
  EXPECT_EQ(Decoded("Zm9v"), "foo");
  EXPECT_EQ(Decoded("Zm9vYg=="), "foob");
  EXPECT_EQ(Decoded("Zm9vYmE="), "fooba");
  EXPECT_EQ(Decoded("Zm9vYmFy"), "foobar");
}

TEST(Base64, DecodesWhatAnotherLibraryEncodes) {
  for (std::size_t size = 1; size <= 520; ++size) {
    const std::string bytes = SomeBytes(size);
    EXPECT_EQ(Decoded(absl::Base64Escape(bytes)), bytes) << size;
  }
}

TEST(Base64, IgnoresWhiteSpaceAnywhere) {
  EXPECT_EQ(Decoded("Zm9v\nYmFy"), "foobar");
  EXPECT_EQ(Decoded("Zm9v\r\nYmFy\r\n"), "foobar");
  EXPECT_EQ(Decoded(" \t\r\nZ m\t9\nv\rYg = =\n "), "foob");
}

// The metadata service breaks its lines at 64 or at 76 columns, or not at all.
TEST(Base64, DecodesLinesOfAnyLength) {
  const std::string bytes = SomeBytes(1000);
  const std::string text = absl::Base64Escape(bytes);
  for (const std::size_t columns : {1, 3, 64, 76}) {
    std::string lines;
    for (std::size_t i = 0; i < text.size(); i += columns) {
      lines += text.substr(i, columns) + "\n";
    }
    EXPECT_EQ(Decoded(lines), bytes) << columns;
  }
}

TEST(Base64, RefusesEveryOtherByte) {
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    const bool known =
        kAlphabet.find(byte) != std::string_view::npos ||
        std::string_view("\n\r\t =").find(byte) != std::string_view::npos;
    if (known) continue;
    for (const std::size_t at : {0, 2, 4}) {
      std::string text = "Zm9v";
      text.insert(at, 1, byte);
      ExpectMalformed(DecodeBase64(text), text);
    }
  }
}

TEST(Base64, RefusesTheUrlSafeAlphabet) {
  EXPECT_EQ(Decoded("+/+/"), "\xfb\xff\xbf");
  ExpectMalformed(DecodeBase64("-/+/"), "-");
  ExpectMalformed(DecodeBase64("+_+/"), "_");
}

TEST(Base64, RefusesMissingPadding) {
  for (const std::string_view text :
       {"Z", "Zg", "Zg=", "Zm8", "Zm9vY", "Zm9vYg", "Zm9vYg=", "Zm9vYmE"}) {
    ExpectMalformed(DecodeBase64(text), text);
  }
}

TEST(Base64, RefusesTooMuchOrMisplacedPadding) {
  for (const std::string_view text :
       {"Zg===", "Zm8==", "Zm9v=", "Zm9v==", "Zm9v====", "=",
        "==", "====", "=Zg=", "Z===", "Z=g=", "Zm9v=Ym9v"}) {
    ExpectMalformed(DecodeBase64(text), text);
  }
}

TEST(Base64, RefusesDataAfterThePadding) {
  for (const std::string_view text :
       {"Zg==Zg==", "Zg==\nZm9v", "Zm8=Zm8=", "Zg=Z", "Zm8=v"}) {
    ExpectMalformed(DecodeBase64(text), text);
  }
}

TEST(Base64, RefusesNoData) {
  for (const std::string_view text : {"", " ", "\r\n\t "}) {
    ExpectMalformed(DecodeBase64(text), text);
  }
}

// One byte has one encoding: of all that end in "==", those whose last four
// bits are zero.
TEST(Base64, RefusesUnusedBitsThatAreSetBeforeTwoPads) {
  for (std::size_t value = 0; value < 64; ++value) {
    const std::string text{'Z', kAlphabet[value], '=', '='};
    EXPECT_EQ(DecodeBase64(text).ok(), value % 16 == 0) << text;
    if (value % 16 != 0) ExpectMalformed(DecodeBase64(text), text);
  }
}

TEST(Base64, RefusesUnusedBitsThatAreSetBeforeOnePad) {
  for (std::size_t value = 0; value < 64; ++value) {
    const std::string text{'Z', 'm', kAlphabet[value], '='};
    EXPECT_EQ(DecodeBase64(text).ok(), value % 4 == 0) << text;
    if (value % 4 != 0) ExpectMalformed(DecodeBase64(text), text);
  }
}

TEST(Hex, DecodesBothCases) {
  EXPECT_EQ(DecodeHex("00ff7Fa0").value(), std::string("\0\xff\x7f\xa0", 4));
  EXPECT_EQ(DecodeHex("AbCdEf").value(), "\xab\xcd\xef");
}

TEST(Hex, DecodesEveryByte) {
  const std::string bytes = SomeBytes(256);
  EXPECT_EQ(DecodeHex(absl::BytesToHexString(bytes)).value(), bytes);
}

TEST(Hex, RefusesWhatIsNotHex) {
  for (const std::string_view text :
       {"", "0", "abc", "0x12", "0X12", "x0", "g0", "0g", " 0", "0 ", "00 11",
        "00:11", "-1", "+1", "\xef\xbc\x90\x30"}) {
    ExpectMalformed(DecodeHex(text), text);
  }
  ExpectMalformed(DecodeHex(std::string_view("0\0", 2)), "NUL");
}

TEST(Hex, RefusesEveryOtherByteInEitherPlace) {
  constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    const bool known = kDigits.find(byte) != std::string_view::npos;
    EXPECT_EQ(DecodeHex(std::string{byte, '0'}).ok(), known) << c;
    EXPECT_EQ(DecodeHex(std::string{'0', byte}).ok(), known) << c;
  }
}

constexpr std::string_view kLabel = "CERTIFICATE";

TEST(Pem, DecodesABlock) {
  EXPECT_EQ(DecodePem("-----BEGIN CERTIFICATE-----\nZm9v\nYmFy\n"
                      "-----END CERTIFICATE-----\n",
                      kLabel)
                .value(),
            "foobar");
}

// All of these stand on AWS's page.
TEST(Pem, DecodesTheLayoutsOfThePage) {
  for (const std::string_view pem :
       {"-----BEGIN CERTIFICATE-----\nZm9vYmFy\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\r\nZm9v\r\nYmFy\r\n"
        "-----END CERTIFICATE-----\r\n",
        "      -----BEGIN CERTIFICATE-----\n      Zm9v\n      YmFy\n"
        "      -----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE----- Zm9v YmFy -----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----Zm9vYmFy-----END CERTIFICATE-----"}) {
    const auto bytes = DecodePem(pem, kLabel);
    ASSERT_TRUE(bytes.ok()) << pem;
    EXPECT_EQ(*bytes, "foobar") << pem;
  }
}

TEST(Pem, TakesTheFirstBlockOfItsLabel) {
  constexpr std::string_view kPem =
      "preamble\n"
      "-----BEGIN PUBLIC KEY-----\neHl6\n-----END PUBLIC KEY-----\n"
      "-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n"
      "-----BEGIN CERTIFICATE-----\nYmFy\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(DecodePem(kPem, kLabel).value(), "foo");
  EXPECT_EQ(DecodePem(kPem, "PUBLIC KEY").value(), "xyz");
}

TEST(Pem, RefusesWhatIsNoBlockOfItsLabel) {
  for (const std::string_view pem :
       {"", "Zm9v", "-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nZm9v\n",
        "-----END CERTIFICATE-----\nZm9v\n-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nZm9v\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE REQUEST-----\nZm9v\n"
        "-----END CERTIFICATE REQUEST-----",
        "-----BEGIN X509 CERTIFICATE-----\nZm9v\n-----END X509 "
        "CERTIFICATE-----",
        "-----BEGIN certificate-----\nZm9v\n-----END certificate-----",
        "----BEGIN CERTIFICATE----\nZm9v\n----END CERTIFICATE----"}) {
    ExpectMalformed(DecodePem(pem, kLabel), pem);
  }
}

TEST(Pem, RefusesABlockThatIsNotBase64) {
  for (const std::string_view body :
       {"", "\n", "Zm9", "Zm9*", "Zm9v-", "Proc-Type: 4,ENCRYPTED\n\nZm9v",
        "Zm9v\xe2\x80\x8b", "Zm9v\n-----BEGIN CERTIFICATE-----\nYmFy"}) {
    const std::string pem = "-----BEGIN CERTIFICATE-----\n" +
                            std::string(body) + "\n-----END CERTIFICATE-----\n";
    ExpectMalformed(DecodePem(pem, kLabel), pem);
  }
}

}  // namespace
}  // namespace anchorage::verify
