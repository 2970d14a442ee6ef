#include "verify/identity/pkcs7.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/pkcs7_writer.h"
#include "verify/crypto/public_key.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using test::FakeIdentity;
using test::Pkcs7Spec;
using Attributes = std::vector<test::Attribute>;

Pkcs7Spec Good() {
  const FakeIdentity aws;
  return aws.Genuine("us-east-1", AnchorKind::kIidRsa2048,
                     aws.Document("us-east-1").Text());
}

std::optional<Reason> ReasonFor(const std::string& bytes) {
  return ReasonOf(ParsePkcs7(bytes).status());
}

TEST(Pkcs7, ReadsAMessageAsAwsSendsIt) {
  const Pkcs7Spec spec = Good();
  const std::string bytes = Encode(spec);
  const auto message = ParsePkcs7(bytes);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->content, spec.content);
  EXPECT_EQ(message->message_digest,
            Hash(HashAlgorithm::kSha256, spec.content).view());
  EXPECT_EQ(message->signature, SignatureOf(spec, spec.signers[0]));
  EXPECT_EQ(message->signing_time, spec.signers[0].signing_time);
  EXPECT_EQ(message->issuer, spec.signers[0].issuer);
  EXPECT_EQ(message->serial, spec.signers[0].serial);
  ASSERT_EQ(message->listed_digest_algorithms().size(), 1u);
  EXPECT_EQ(message->listed_digest_algorithms()[0], message->digest_algorithm);
  ASSERT_TRUE(message->algorithm_protection.has_value());
  EXPECT_EQ(message->algorithm_protection->digest_algorithm,
            message->digest_algorithm);
  EXPECT_EQ(message->algorithm_protection->signature_algorithm,
            message->signature_algorithm);
}

TEST(Pkcs7, HasNoCopyOfAContentInOnePiece) {
  const std::string bytes = Encode(Good());
  const auto message = ParsePkcs7(bytes);
  ASSERT_TRUE(message.ok());
  EXPECT_GE(message->content.data(), bytes.data());
  EXPECT_LT(message->content.data(), bytes.data() + bytes.size());
}

TEST(Pkcs7, ReadsTheSameFromDer) {
  Pkcs7Spec spec = Good();
  spec.ber = false;
  const std::string bytes = Encode(spec);
  const auto message = ParsePkcs7(bytes);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->content, spec.content);
}

TEST(Pkcs7, JoinsAContentInPiecesAndKeepsItWhenMoved) {
  Pkcs7Spec spec = Good();
  spec.chunks = 7;
  const std::string bytes = Encode(spec);
  auto message = ParsePkcs7(bytes);
  ASSERT_TRUE(message.ok()) << message.status();
  const Pkcs7 moved = *std::move(message);
  message = absl::UnknownError("gone");
  EXPECT_EQ(moved.content, spec.content);
}

TEST(Pkcs7, ReadsAMessageWithoutAlgorithmProtection) {
  Pkcs7Spec spec = Good();
  spec.signers[0].has_algorithm_protection = false;
  const std::string bytes = Encode(spec);
  const auto message = ParsePkcs7(bytes);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_FALSE(message->algorithm_protection.has_value());
}

TEST(Pkcs7, GivesTheSignedAttributesAsTheSignatureCoversThem) {
  const Pkcs7Spec spec = Good();
  const std::string bytes = Encode(spec);
  const auto message = ParsePkcs7(bytes);
  ASSERT_TRUE(message.ok());
  Pkcs7::AttributesBuffer buffer;
  EXPECT_EQ(message->SignedAttributesForDigest(buffer),
            SignedAttributes(spec, spec.signers[0]));
}

TEST(Pkcs7, PutsSignedAttributesIntoTheOrderOfDer) {
  Pkcs7Spec spec = Good();
  spec.signers[0].sort_attributes = false;
  spec.signers[0].edit_attributes = [](Attributes& a) {
    std::reverse(a.begin(), a.end());
  };
  const std::string bytes = Encode(spec);
  const auto message = ParsePkcs7(bytes);
  ASSERT_TRUE(message.ok());
  Pkcs7::AttributesBuffer buffer;
  EXPECT_EQ(message->SignedAttributesForDigest(buffer),
            SignedAttributes(Good(), Good().signers[0]));
}

TEST(Pkcs7, StepsOverCertificatesAndCrls) {
  Pkcs7Spec spec = Good();
  spec.certificates = {test::Sequence({test::Integer(1)}), test::Sequence({})};
  spec.crls = {test::Sequence({test::Integer(2)})};
  const std::string bytes = Encode(spec);
  const auto message = ParsePkcs7(bytes);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->content, spec.content);
}

TEST(Pkcs7, ReadsASignatureThatHoldsEndOfContentsOctets) {
  Pkcs7Spec spec = Good();
  spec.signers[0].edit_signature = [](std::string s) {
    return s.replace(10, 8, std::string(8, '\0'));
  };
  const std::string bytes = Encode(spec);
  const auto message = ParsePkcs7(bytes);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->signature.size(), 256u);
}

TEST(Pkcs7, RefusesEveryPrefixOfAMessage) {
  const std::string bytes = Encode(Good());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParsePkcs7(bytes.substr(0, size)).ok()) << size;
  }
}

TEST(Pkcs7, RefusesMoreThanItsLimitBeforeItReads) {
  EXPECT_EQ(ReasonFor(std::string(kMaxPkcs7Bytes + 1, '\x30')),
            Reason::kInputTooLarge);
  EXPECT_EQ(ReasonFor(std::string(kMaxPkcs7Bytes, '\x30')),
            Reason::kPkcs7Malformed);
}

struct Breakage {
  std::string name;
  std::function<void(Pkcs7Spec&)> apply;
  Reason expected;
};

void PrintTo(const Breakage& b, std::ostream* out) { *out << b.name; }

std::function<void(Pkcs7Spec&)> EditAttributes(
    std::function<void(Attributes&)> edit) {
  return [edit](Pkcs7Spec& s) { s.signers[0].edit_attributes = edit; };
}

class OneBreakage : public ::testing::TestWithParam<Breakage> {};

TEST_P(OneBreakage, IsRefusedForExactlyThatReason) {
  Pkcs7Spec spec = Good();
  GetParam().apply(spec);
  EXPECT_EQ(ReasonFor(Encode(spec)), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Pkcs7, OneBreakage,
    ::testing::Values(
        Breakage{"TrailingByte", [](Pkcs7Spec& s) { s.trailing = "x"; },
                 Reason::kTrailingBytes},
        Breakage{"NoSigner", [](Pkcs7Spec& s) { s.signers.clear(); },
                 Reason::kSignerCount},
        Breakage{"TwoSigners",
                 [](Pkcs7Spec& s) {
                   s.signers.assign(2, test::SignerSpec(s.signers[0]));
                 },
                 Reason::kSignerCount},
        Breakage{"Detached", [](Pkcs7Spec& s) { s.detached = true; },
                 Reason::kContentMissing},
        Breakage{"EmptyContentInDer",
                 [](Pkcs7Spec& s) {
                   s.ber = false;
                   s.sent_content = "";
                 },
                 Reason::kContentMissing},
        Breakage{"EmptyChunk", [](Pkcs7Spec& s) { s.sent_content = ""; },
                 Reason::kPkcs7Malformed},
        Breakage{"TooManyChunks",
                 [](Pkcs7Spec& s) { s.chunks = kMaxContentChunks + 1; },
                 Reason::kPkcs7Malformed},
        Breakage{"SignedDataVersion", [](Pkcs7Spec& s) { s.version = 3; },
                 Reason::kPkcs7Malformed},
        Breakage{"SignerInfoVersion",
                 [](Pkcs7Spec& s) { s.signers[0].version = 3; },
                 Reason::kPkcs7Malformed},
        Breakage{
            "NoSignedAttributes",
            [](Pkcs7Spec& s) { s.signers[0].has_signed_attributes = false; },
            Reason::kSignedAttributesRequired},
        Breakage{"EmptySignedAttributes",
                 EditAttributes([](Attributes& a) { a.clear(); }),
                 Reason::kSignedAttributesRequired},
        Breakage{"NoContentType", EditAttributes([](Attributes& a) {
                   RemoveAttribute(a, test::kOidContentType);
                 }),
                 Reason::kSignedAttributeMissing},
        Breakage{"NoMessageDigest", EditAttributes([](Attributes& a) {
                   RemoveAttribute(a, test::kOidMessageDigest);
                 }),
                 Reason::kSignedAttributeMissing},
        Breakage{"NoSigningTime", EditAttributes([](Attributes& a) {
                   RemoveAttribute(a, test::kOidSigningTime);
                 }),
                 Reason::kSignedAttributeMissing},
        Breakage{"AttributeTwice",
                 EditAttributes([](Attributes& a) { a.push_back(a[1]); }),
                 Reason::kDuplicateAttribute},
        Breakage{"UnknownAttributeTwice", EditAttributes([](Attributes& a) {
                   a.push_back({"1.2.3", {test::Null()}});
                   a.push_back({"1.2.3", {test::Integer(1)}});
                 }),
                 Reason::kDuplicateAttribute},
        Breakage{"TwoValues", EditAttributes([](Attributes& a) {
                   a[2].values.push_back(a[2].values[0]);
                 }),
                 Reason::kDuplicateAttribute},
        Breakage{"NoValue",
                 EditAttributes([](Attributes& a) { a[2].values.clear(); }),
                 Reason::kPkcs7Malformed},
        Breakage{"TooManyAttributes", EditAttributes([](Attributes& a) {
                   for (char c = '1'; a.size() <= kMaxSignedAttributes; ++c) {
                     a.push_back({std::string("1.2.") + c, {test::Null()}});
                   }
                 }),
                 Reason::kPkcs7Malformed},
        Breakage{"AttributesTooLong", EditAttributes([](Attributes& a) {
                   a.push_back({"1.2.3",
                                {test::OctetString(std::string(
                                    kMaxSignedAttributesBytes, 'x'))}});
                 }),
                 Reason::kPkcs7Malformed},
        Breakage{"ContentTypeOfAnotherTag", EditAttributes([](Attributes& a) {
                   a[0].values = {test::OctetString("x")};
                 }),
                 Reason::kPkcs7Malformed},
        Breakage{"MessageDigestOfAnotherTag", EditAttributes([](Attributes& a) {
                   a[2].values = {test::Utf8String(std::string(32, 'x'))};
                 }),
                 Reason::kPkcs7Malformed},
        Breakage{"SigningTimeOfNoDate", EditAttributes([](Attributes& a) {
                   a[1].values = {test::Tlv(0x17, "260230000000Z")};
                 }),
                 Reason::kPkcs7Malformed},
        Breakage{"AlgorithmProtectionWithoutSignature",
                 EditAttributes([](Attributes& a) {
                   a[3].values = {test::Sequence({test::AlgorithmId(
                       test::kOidSha256, test::Parameters::kAbsent)})};
                 }),
                 Reason::kPkcs7Malformed},
        Breakage{"SignedContentTypeIsAnother",
                 EditAttributes([](Attributes& a) {
                   a[0].values = {test::Oid(test::kOidSignedData)};
                 }),
                 Reason::kContentTypeMismatch},
        Breakage{"ContentIsNotData",
                 [](Pkcs7Spec& s) { s.content_type = test::kOidSignedData; },
                 Reason::kPkcs7Malformed},
        Breakage{"DigestParametersNotNull",
                 [](Pkcs7Spec& s) {
                   s.signers[0].digest_algorithm = test::Sequence(
                       {test::Oid(test::kOidSha256), test::Integer(0)});
                 },
                 Reason::kPkcs7Malformed},
        Breakage{"TooManyDigestAlgorithms",
                 [](Pkcs7Spec& s) {
                   s.digest_algorithms = std::vector<std::string>(
                       kMaxDigestAlgorithms + 1, s.signers[0].digest_algorithm);
                 },
                 Reason::kPkcs7Malformed},
        Breakage{"TooManyCertificates",
                 [](Pkcs7Spec& s) {
                   s.certificates = std::vector<std::string>(
                       kMaxEmbeddedCertificates + 1, test::Sequence({}));
                 },
                 Reason::kPkcs7Malformed},
        Breakage{"CertificateThatIsNoSequence",
                 [](Pkcs7Spec& s) { s.certificates = {test::Null()}; },
                 Reason::kPkcs7Malformed},
        Breakage{"UnsignedAttributes",
                 [](Pkcs7Spec& s) {
                   s.signers[0].after_signature = test::Tlv(0xa1, "");
                 },
                 Reason::kPkcs7Malformed},
        Breakage{"SerialTooLong",
                 [](Pkcs7Spec& s) {
                   s.signers[0].serial = std::string(kMaxSerialBytes + 1, '1');
                 },
                 Reason::kPkcs7Malformed},
        Breakage{
            "SerialNotMinimal",
            [](Pkcs7Spec& s) { s.signers[0].serial = std::string("\0\1", 2); },
            Reason::kPkcs7Malformed},
        Breakage{"SignerNamedByOtherThanASequence",
                 [](Pkcs7Spec& s) { s.signers[0].issuer = test::Null(); },
                 Reason::kPkcs7Malformed}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace anchorage::verify
