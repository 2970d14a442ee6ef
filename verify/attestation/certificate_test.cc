#include "verify/attestation/certificate.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/fake_nitro.h"
#include "test/fake_aws/keys.h"
#include "test/fake_aws/x509_writer.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using test::BasicConstraints;
using test::CertSpec;
using test::Extension;
using test::FakeNitro;
using test::KeyUsage;
using test::MakeCertificate;
using test::NameAttribute;
using test::NitroType;
using test::Sequence;
using test::TestKey;
using test::Tlv;
using test::Utf8String;

absl::Time At() {
  return absl::FromCivil(absl::CivilSecond(2026, 9, 20, 12, 0, 0),
                         absl::UTCTimeZone());
}

CertSpec Good(std::size_t place = test::kInstance) {
  return FakeNitro().Chain(NitroType::kEnclave, At())[place];
}

std::optional<Reason> Decide(const CertSpec& spec) {
  const std::string der = MakeCertificate(spec);
  return ReasonOf(ParseCertificate(der).status());
}

TEST(Certificate, ReadsAnAuthority) {
  const CertSpec spec = Good();
  const std::string der = MakeCertificate(spec);
  const auto certificate = ParseCertificate(der);
  ASSERT_TRUE(certificate.ok()) << certificate.status();
  EXPECT_EQ(certificate->der, der);
  EXPECT_EQ(certificate->issuer, spec.issuer);
  EXPECT_EQ(certificate->subject, spec.subject);
  EXPECT_EQ(certificate->common_name,
            "i-0fd25f30661854f2b.us-east-1.aws.nitro-enclaves");
  EXPECT_EQ(certificate->serial, spec.serial);
  EXPECT_EQ(certificate->not_before, At() - absl::Hours(2));
  EXPECT_EQ(certificate->not_after, At() + absl::Hours(22));
  EXPECT_EQ(certificate->point, spec.key->public_key_bytes());
  EXPECT_TRUE(certificate->is_ca);
  EXPECT_EQ(certificate->path_length, 0u);
  EXPECT_FALSE(certificate->may_sign);
  EXPECT_TRUE(certificate->may_sign_certificates);
}

TEST(Certificate, ReadsEveryPlaceOfAChain) {
  for (std::size_t place = test::kRoot; place <= test::kLeaf; ++place) {
    const std::string der = MakeCertificate(Good(place));
    const auto certificate = ParseCertificate(der);
    ASSERT_TRUE(certificate.ok()) << place << certificate.status();
    EXPECT_EQ(certificate->is_ca, place != test::kLeaf);
    EXPECT_EQ(certificate->may_sign, place != test::kInstance);
    EXPECT_EQ(certificate->may_sign_certificates, place != test::kLeaf);
  }
}

TEST(Certificate, WithoutExtensionsMayDoNothing) {
  CertSpec spec = Good();
  spec.extensions_der = "";
  const std::string der = MakeCertificate(spec);
  const auto certificate = ParseCertificate(der);
  ASSERT_TRUE(certificate.ok()) << certificate.status();
  EXPECT_FALSE(certificate->is_ca);
  EXPECT_FALSE(certificate->may_sign);
  EXPECT_FALSE(certificate->may_sign_certificates);
}

TEST(Certificate, ReadsDatesAfter2049) {
  CertSpec spec = Good();
  spec.SetValidity(At(), absl::FromCivil(absl::CivilSecond(2050, 1, 1),
                                         absl::UTCTimeZone()));
  const std::string der = MakeCertificate(spec);
  const auto certificate = ParseCertificate(der);
  ASSERT_TRUE(certificate.ok()) << certificate.status();
  EXPECT_EQ(absl::FormatTime("%Y", certificate->not_after, absl::UTCTimeZone()),
            "2050");
}

TEST(Certificate, ReadsPathLengthsOfSeveralOctets) {
  for (const auto& [length, expected] : {std::pair(127, 127u),
                                         {128, 128u},
                                         {255, 255u},
                                         {256, 256u},
                                         {65536, 65536u}}) {
    CertSpec spec = Good();
    *spec.Find(test::kOidBasicConstraints) = BasicConstraints(true, length);
    const std::string der = MakeCertificate(spec);
    const auto certificate = ParseCertificate(der);
    ASSERT_TRUE(certificate.ok()) << certificate.status();
    EXPECT_EQ(certificate->path_length, expected);
  }
}

TEST(Certificate, CutOffAnywhereIsMalformed) {
  const std::string der = MakeCertificate(Good());
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_EQ(ReasonOf(ParseCertificate(der.substr(0, size)).status()),
              Reason::kCertificateMalformed)
        << size;
  }
}

struct Breakage {
  std::string name;
  std::function<void(CertSpec&)> apply;
  Reason expected = Reason::kCertificateMalformed;
};

class OneBreakage : public ::testing::TestWithParam<Breakage> {};

TEST_P(OneBreakage, IsRejectedForExactlyThatReason) {
  CertSpec spec = Good();
  GetParam().apply(spec);
  EXPECT_EQ(Decide(spec), GetParam().expected);
}

std::string NameOfCase(const ::testing::TestParamInfo<Breakage>& info) {
  return info.param.name;
}

// Replaces the value of an extension.
Breakage ExtensionValue(const std::string& name, std::string_view oid,
                        const std::string& value) {
  return {name, [=](CertSpec& c) { c.Find(oid)->value = value; }};
}

// Replaces the first `from` in what is signed, which must be there.
Breakage InTbs(const std::string& name, const std::string& from,
               const std::string& to) {
  return {name, [=](CertSpec& c) {
            c.edit_tbs = [=](std::string tbs) {
              const std::size_t at = tbs.find(from);
              EXPECT_NE(at, tbs.npos);
              // The header of what is signed is written again.
              tbs.replace(at, from.size(), to);
              return Tlv(0x30, tbs.substr(4));
            };
          }};
}

const std::string kVersion("\xa0\x03\x02\x01\x02", 5);

INSTANTIATE_TEST_SUITE_P(
    Outside, OneBreakage,
    ::testing::Values(
        Breakage{"Trailing",
                 [](CertSpec& c) {
                   c.edit_certificate = [](std::string der) {
                     return der + '\0';
                   };
                 }},
        Breakage{"NotASequence",
                 [](CertSpec& c) {
                   c.edit_certificate = [](std::string der) {
                     der[0] = 0x31;
                     return der;
                   };
                 }},
        Breakage{"LongLength",
                 [](CertSpec& c) {
                   c.edit_certificate = [](std::string der) {
                     return test::TlvLongLength(0x30, der.substr(4), 3);
                   };
                 }},
        Breakage{"IndefiniteLength",
                 [](CertSpec& c) {
                   c.edit_certificate = [](std::string der) {
                     return test::Indefinite(0x30, der.substr(4));
                   };
                 }},
        Breakage{"FourElements",
                 [](CertSpec& c) {
                   c.edit_certificate = [](std::string der) {
                     return Tlv(0x30, der.substr(4) + test::Null());
                   };
                 }},
        Breakage{"EmptySignature",
                 [](CertSpec& c) {
                   c.edit_signature = [](std::string) { return ""; };
                 }},
        Breakage{"OuterSha256",
                 [](CertSpec& c) {
                   c.outer_algorithm = test::AlgorithmId(
                       test::kOidEcdsaWithSha256, test::Parameters::kAbsent);
                 },
                 Reason::kAlgorithmMismatch},
        Breakage{"InnerSha256",
                 [](CertSpec& c) {
                   c.tbs_algorithm = test::AlgorithmId(
                       test::kOidEcdsaWithSha256, test::Parameters::kAbsent);
                 },
                 Reason::kAlgorithmMismatch},
        Breakage{"BothSha256",
                 [](CertSpec& c) { c.hash = test::Hash::kSha256; },
                 Reason::kCertificateAlgorithm},
        Breakage{"AlgorithmWithNull",
                 [](CertSpec& c) {
                   c.tbs_algorithm = c.outer_algorithm = test::AlgorithmId(
                       test::kOidEcdsaWithSha384, test::Parameters::kNull);
                 },
                 Reason::kCertificateAlgorithm}),
    NameOfCase);

INSTANTIATE_TEST_SUITE_P(
    Head, OneBreakage,
    ::testing::Values(
        Breakage{"Version1", [](CertSpec& c) { c.version = std::nullopt; }},
        Breakage{"Version2", [](CertSpec& c) { c.version = 1; }},
        Breakage{"Version4", [](CertSpec& c) { c.version = 3; }},
        InTbs("BytesBehindVersion", kVersion,
              std::string("\xa0\x05\x02\x01\x02\x05\x00", 7)),
        InTbs("LongVersion", kVersion,
              std::string("\xa0\x04\x02\x02\x00\x02", 6)),
        Breakage{"SerialZero",
                 [](CertSpec& c) { c.serial = std::string(1, '\0'); }},
        Breakage{"SerialEmpty", [](CertSpec& c) { c.serial = ""; }},
        Breakage{"SerialNegative", [](CertSpec& c) { c.serial = "\x80"; }},
        Breakage{"SerialNotMinimal",
                 [](CertSpec& c) { c.serial = std::string("\0\x01", 2); }},
        Breakage{"SerialOf21Octets",
                 [](CertSpec& c) { c.serial = std::string(21, '\x01'); }}),
    NameOfCase);

INSTANTIATE_TEST_SUITE_P(
    Names, OneBreakage,
    ::testing::Values(
        Breakage{"EmptySubject", [](CertSpec& c) { c.subject = Sequence({}); }},
        Breakage{"EmptyIssuer", [](CertSpec& c) { c.issuer = Sequence({}); }},
        Breakage{"SubjectIsASet", [](CertSpec& c) { c.subject[0] = 0x31; }},
        Breakage{"TwoCommonNames",
                 [](CertSpec& c) {
                   const std::string name =
                       NameAttribute(test::kOidCommonName, Utf8String("a"));
                   c.subject = Sequence({name, name});
                 }},
        Breakage{"ManyAttributes",
                 [](CertSpec& c) {
                   std::string names;
                   for (int i = 0; i < 17; ++i) {
                     names += NameAttribute(test::kOidState, Utf8String("a"));
                   }
                   c.subject = Tlv(0x30, names);
                 }},
        Breakage{"EmptyValue",
                 [](CertSpec& c) {
                   c.subject = Sequence(
                       {NameAttribute(test::kOidCommonName, Utf8String(""))});
                 }},
        Breakage{"NotUtf8",
                 [](CertSpec& c) {
                   c.subject = Sequence({NameAttribute(test::kOidCommonName,
                                                       Utf8String("\xff"))});
                 }},
        Breakage{"NotPrintable",
                 [](CertSpec& c) {
                   c.subject = Sequence({NameAttribute(
                       test::kOidCommonName, test::PrintableString("a@b"))});
                 }},
        Breakage{"TeletexString",
                 [](CertSpec& c) {
                   c.subject = Sequence(
                       {NameAttribute(test::kOidCommonName, Tlv(0x14, "a"))});
                 }}),
    NameOfCase);

Breakage NotAfter(const std::string& name, const std::string& time) {
  return {name, [=](CertSpec& c) { c.not_after = time; }};
}

constexpr int kUtcTime = 0x17;
constexpr int kGeneralizedTime = 0x18;

INSTANTIATE_TEST_SUITE_P(
    Dates, OneBreakage,
    ::testing::Values(
        NotAfter("February30", Tlv(kUtcTime, "270230000000Z")),
        NotAfter("Month13", Tlv(kUtcTime, "271301000000Z")),
        NotAfter("Hour24", Tlv(kUtcTime, "270101240000Z")),
        NotAfter("LeapSecond", Tlv(kUtcTime, "261231235960Z")),
        NotAfter("NoZ", Tlv(kUtcTime, "270101000000")),
        NotAfter("Offset", Tlv(kUtcTime, "270101000000+0000")),
        NotAfter("NoSeconds", Tlv(kUtcTime, "2701010000Z")),
        NotAfter("Fraction", Tlv(kGeneralizedTime, "20510101000000.5Z")),
        NotAfter("GeneralizedBefore2050",
                 Tlv(kGeneralizedTime, "20270101000000Z")),
        NotAfter("PivotIsThePast", Tlv(kUtcTime, "500101000000Z")),
        NotAfter("SwappedTag", Tlv(kGeneralizedTime, "270101000000Z")),
        NotAfter("Null", test::Null()),
        Breakage{
            "NotInOrder",
            [](CertSpec& c) { c.SetValidity(At(), At() - absl::Seconds(1)); }}),
    NameOfCase);

std::string Spki(const std::string& point, std::uint8_t unused_bits = 0) {
  return Sequence(
      {Sequence({test::Oid("1.2.840.10045.2.1"), test::Oid("1.3.132.0.34")}),
       test::BitString(point, unused_bits)});
}

std::string Point() {
  return TestKey::Derived(test::KeyType::kP384, "p").public_key_bytes();
}

Breakage OfKey(const std::string& name, const TestKey& key) {
  return {name, [&key](CertSpec& c) { c.key = &key; },
          Reason::kCertificateAlgorithm};
}

INSTANTIATE_TEST_SUITE_P(
    Keys, OneBreakage,
    ::testing::Values(
        OfKey("P256", TestKey::Derived(test::KeyType::kP256, "p")),
        OfKey("P521", TestKey::Derived(test::KeyType::kP521, "p")),
        OfKey("Ed25519", TestKey::Derived(test::KeyType::kEd25519, "p")),
        OfKey("Rsa", TestKey::Rsa(2048, 0)),
        Breakage{
            "Compressed",
            [](CertSpec& c) { c.spki = Spki("\x02" + Point().substr(1, 48)); }},
        Breakage{
            "Hybrid",
            [](CertSpec& c) { c.spki = Spki("\x06" + Point().substr(1)); }},
        Breakage{"PointAtInfinity",
                 [](CertSpec& c) { c.spki = Spki(std::string(1, '\0')); }},
        Breakage{"EmptyPoint", [](CertSpec& c) { c.spki = Spki(""); }},
        Breakage{"LongPoint",
                 [](CertSpec& c) { c.spki = Spki(Point() + "x"); }},
        Breakage{"UnusedBits", [](CertSpec& c) { c.spki = Spki(Point(), 1); }},
        Breakage{"BytesBehindKey",
                 [](CertSpec& c) {
                   c.spki = Tlv(0x30, Spki(Point()).substr(2) + test::Null());
                 }},
        Breakage{"ExplicitCurve",
                 [](CertSpec& c) {
                   c.spki = Sequence({Sequence({test::Oid("1.2.840.10045.2.1"),
                                                Sequence({})}),
                                      test::BitString(Point())});
                 },
                 Reason::kCertificateAlgorithm}),
    NameOfCase);

INSTANTIATE_TEST_SUITE_P(
    Extensions, OneBreakage,
    ::testing::Values(
        Breakage{
            "Empty",
            [](CertSpec& c) { c.extensions_der = Tlv(0xa3, Sequence({})); }},
        Breakage{"NotASequence",
                 [](CertSpec& c) { c.extensions_der = Tlv(0xa3, "\x31\x00"); }},
        Breakage{"UniqueIdentifier",
                 [](CertSpec& c) {
                   c.extensions_der = Tlv(0x81, std::string("\0a", 2));
                 }},
        Breakage{"Twice",
                 [](CertSpec& c) {
                   c.extensions.push_back(*c.Find(test::kOidKeyUsage));
                 }},
        Breakage{"HintTwice",
                 [](CertSpec& c) {
                   c.extensions.push_back(*c.Find(test::kOidSubjectKeyId));
                 }},
        Breakage{"TooMany",
                 [](CertSpec& c) {
                   for (int i = 0; i < 16; ++i) {
                     c.extensions.push_back(
                         {"1.2.3." + std::to_string(i), false, "x"});
                   }
                 }},
        Breakage{"ExplicitNotCritical",
                 [](CertSpec& c) {
                   c.extensions_der = Tlv(
                       0xa3,
                       Sequence({Sequence({test::Oid(test::kOidSubjectKeyId),
                                           test::Boolean(false),
                                           test::OctetString("x")})}));
                 }},
        Breakage{"CriticalIs01",
                 [](CertSpec& c) {
                   c.extensions_der =
                       Tlv(0xa3,
                           Sequence({Sequence(
                               {test::Oid(test::kOidSubjectKeyId),
                                Tlv(0x01, "\x01"), test::OctetString("x")})}));
                 }},
        Breakage{"NoValue",
                 [](CertSpec& c) {
                   c.extensions_der =
                       Tlv(0xa3, Sequence({Sequence(
                                     {test::Oid(test::kOidSubjectKeyId)})}));
                 }},
        Breakage{"CriticalUnknown",
                 [](CertSpec& c) {
                   c.extensions.push_back({"1.2.3.4", true, "x"});
                 },
                 Reason::kUnknownCriticalExtension},
        Breakage{"CriticalNameConstraints",
                 [](CertSpec& c) {
                   c.extensions.push_back(
                       {std::string(test::kOidNameConstraints), true,
                        Sequence({})});
                 },
                 Reason::kUnknownCriticalExtension}),
    NameOfCase);

Breakage Constraints(const std::string& name, const std::string& value) {
  return ExtensionValue(name, test::kOidBasicConstraints, value);
}

INSTANTIATE_TEST_SUITE_P(
    BasicConstraints, OneBreakage,
    ::testing::Values(
        Constraints("CaIs01", Sequence({Tlv(0x01, "\x01")})),
        Constraints("CaIsLong", Sequence({Tlv(0x01, "\xff\xff")})),
        Constraints("ExplicitFalse", Sequence({test::Boolean(false)})),
        Constraints("PathLengthWithoutCa", Sequence({test::Integer(0)})),
        Constraints("NegativePathLength",
                    Sequence({test::Boolean(true), Tlv(0x02, "\xff")})),
        Constraints("PathLengthWraps",
                    Sequence({test::Boolean(true),
                              Tlv(0x02, std::string("\x01\0\0\0\x02", 5))})),
        Constraints("PathLengthNotMinimal",
                    Sequence({test::Boolean(true),
                              Tlv(0x02, std::string("\0\x01", 2))})),
        Constraints("PathLengthLongForm",
                    Sequence({test::Boolean(true),
                              test::TlvLongLength(0x02, "\x01", 1)})),
        Constraints("More", Sequence({test::Boolean(true), test::Integer(0),
                                      test::Null()})),
        Constraints("Trailing", Sequence({test::Boolean(true)}) + "x"),
        Constraints("NotASequence", test::Null()), Constraints("Nothing", "")),
    NameOfCase);

Breakage Usage(const std::string& name, const std::string& value) {
  return ExtensionValue(name, test::kOidKeyUsage, value);
}

INSTANTIATE_TEST_SUITE_P(
    KeyUsage, OneBreakage,
    ::testing::Values(
        Usage("NoBits", test::BitString("")),
        Usage("ZeroBits", test::BitString(std::string(1, '\0'))),
        Usage("TrailingZeros", test::BitString("\x04", 0)),
        Usage("UnusedBitsSet", test::BitString("\x07", 2)),
        Usage("UnusedBits8", test::BitString("\x80", 8)),
        Usage("TrailingZeroOctet", test::BitString(std::string("\x04\0", 2))),
        Usage("TenBits", test::BitString("\x04\x40", 6)),
        Usage("FourOctets", test::BitString("\x04\x04\x04\x80", 7)),
        Usage("NotABitString", test::OctetString("\x04")),
        Usage("LongForm",
              test::TlvLongLength(0x03, std::string("\x02\x04", 2), 1)),
        Usage("Trailing", test::BitString("\x04", 2) + "x"),
        Usage("Nothing", "")),
    NameOfCase);

}  // namespace
}  // namespace anchorage::verify
