// The encoders against examples of the standards: X.690, RFC 5280, RFC 8949.

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "test/fake_aws/cbor_writer.h"
#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/x509_writer.h"

namespace anchorage::test {
namespace {

std::string Hex(const std::string& bytes) {
  return absl::BytesToHexString(bytes);
}

TEST(DerWriterTest, LengthsTakeTheFewestOctets) {
  EXPECT_EQ(Hex(Tlv(0x04, std::string(127, 'x'))).substr(0, 4), "047f");
  EXPECT_EQ(Hex(Tlv(0x04, std::string(128, 'x'))).substr(0, 6), "048180");
  EXPECT_EQ(Hex(Tlv(0x04, std::string(256, 'x'))).substr(0, 8), "04820100");
  EXPECT_EQ(Hex(TlvLongLength(0x04, "x", 2)), "0482000178");
}

TEST(DerWriterTest, IndefiniteLengthsEndInTwoZeros) {
  EXPECT_EQ(Hex(Indefinite(0x30, Null())), "308005000000");
}

TEST(DerWriterTest, WritesX690sExamples) {
  EXPECT_EQ(Hex(Boolean(true)), "0101ff");
  EXPECT_EQ(Hex(Boolean(false)), "010100");
  EXPECT_EQ(Hex(BitString("\x0a\x3b\x5f\x29\x1c\xd0", 4)),
            "0307040a3b5f291cd0");
  EXPECT_EQ(Hex(Oid("2.999.3")), "0603883703");
  EXPECT_EQ(Hex(Oid("1.2.840.113549.1.7.2")), "06092a864886f70d010702");
  EXPECT_EQ(Hex(SetOf({Integer(3), Integer(1)})), "3106020101020103");
}

TEST(DerWriterTest, IntegersAreMinimalAndNotNegative) {
  EXPECT_EQ(Hex(Integer(0)), "020100");
  EXPECT_EQ(Hex(Integer(127)), "02017f");
  EXPECT_EQ(Hex(Integer(128)), "02020080");
  EXPECT_EQ(Hex(PositiveInteger(std::string("\0\0\1\0", 4))), "02020100");
  EXPECT_EQ(Hex(PositiveInteger("")), "020100");
}

TEST(DerWriterTest, TimesChangeTheirTypeIn2050) {
  const absl::Time before = absl::FromUnixSeconds(2524607999);
  EXPECT_EQ(X509Time(before), Tlv(0x17, "491231235959Z"));
  EXPECT_EQ(X509Time(before + absl::Seconds(1)), Tlv(0x18, "20500101000000Z"));
}

TEST(X509WriterTest, WritesKeyUsageAndBasicConstraintsAsAwsDoes) {
  EXPECT_EQ(Hex(KeyUsage(kDigitalSignature | kKeyCertSign | kCrlSign).value),
            "03020186");
  EXPECT_EQ(Hex(KeyUsage(kDigitalSignature | kNonRepudiation).value),
            "030206c0");
  EXPECT_EQ(Hex(KeyUsage(kKeyCertSign).value), "03020204");
  EXPECT_EQ(Hex(BasicConstraints(true, 2).value), "30060101ff020102");
  EXPECT_EQ(Hex(BasicConstraints(false).value), "3000");
}

// RFC 8949, appendix A.
TEST(CborWriterTest, WritesTheExamplesOfTheRfc) {
  EXPECT_EQ(Hex(CborUint(23)), "17");
  EXPECT_EQ(Hex(CborUint(24)), "1818");
  EXPECT_EQ(Hex(CborUint(1000)), "1903e8");
  EXPECT_EQ(Hex(CborUint(1000000)), "1a000f4240");
  EXPECT_EQ(Hex(CborUint(1000000000000)), "1b000000e8d4a51000");
  EXPECT_EQ(Hex(CborInt(-1)), "20");
  EXPECT_EQ(Hex(CborInt(-1000)), "3903e7");
  EXPECT_EQ(Hex(CborNull()), "f6");
  EXPECT_EQ(Hex(CborBytes("\1\2\3\4")), "4401020304");
  EXPECT_EQ(Hex(CborText("IETF")), "6449455446");
  EXPECT_EQ(Hex(CborArray({CborUint(1), CborUint(2), CborUint(3)})),
            "83010203");
  EXPECT_EQ(
      Hex(CborMap({{CborUint(1), CborUint(2)}, {CborUint(3), CborUint(4)}})),
      "a201020304");
  EXPECT_EQ(Hex(CborTag(18)), "d2");
  EXPECT_EQ(Hex(CborTag(98)), "d862");
}

TEST(CborWriterTest, WritesIndefiniteAndWideForms) {
  EXPECT_EQ(Hex(CborIndefiniteArray({})), "9fff");
  EXPECT_EQ(Hex(CborIndefiniteMap({{CborText("a"), CborUint(1)}})),
            "bf616101ff");
  EXPECT_EQ(Hex(CborIndefiniteBytes("ab")), "5f426162ff");
  EXPECT_EQ(Hex(CborIndefiniteText("ab")), "7f626162ff");
  EXPECT_EQ(Hex(CborWideHead(0, 5, 1)), "1805");
  EXPECT_EQ(Hex(CborWideHead(2, 5, 8)), "5b0000000000000005");
}

}  // namespace
}  // namespace anchorage::test
