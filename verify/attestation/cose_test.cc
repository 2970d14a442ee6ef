#include "verify/attestation/cose.h"

#include <optional>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "test/fake_aws/cbor_writer.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using test::CborArray;
using test::CborBytes;
using test::CborHead;
using test::CborIndefiniteArray;
using test::CborIndefiniteBytes;
using test::CborInt;
using test::CborMap;
using test::CborNull;
using test::CborTag;
using test::CborText;
using test::CborUint;
using test::CborWideHead;

// The parts of a message, encoded. A test starts from this and breaks one.
struct Message {
  std::string prefix;
  std::string protected_header = CborBytes(kEs384ProtectedHeader);
  std::string unprotected_header = CborMap({});
  std::string payload = CborBytes("payload");
  std::string signature = CborBytes(std::string(kEs384SignatureBytes, 's'));
  std::string trailing;

  std::string Encode() const {
    return prefix +
           CborArray(
               {protected_header, unprotected_header, payload, signature}) +
           trailing;
  }
};

std::optional<Reason> Decide(std::string_view document) {
  return ReasonOf(DecodeCoseSign1(document).status());
}

// A message whose protected header holds `contents`.
std::string WithProtected(std::string_view contents) {
  Message message;
  message.protected_header = CborBytes(contents);
  return message.Encode();
}

TEST(CoseSign1, IsReadWithoutATag) {
  const std::string document = Message().Encode();
  const auto cose = DecodeCoseSign1(document);
  ASSERT_TRUE(cose.ok()) << cose.status();
  EXPECT_EQ(cose->payload, "payload");
  EXPECT_EQ(cose->encoded_payload, CborBytes("payload"));
  EXPECT_EQ(cose->signature, std::string(96, 's'));
}

TEST(CoseSign1, IsReadWithTag18) {
  Message message;
  message.prefix = CborTag(18);
  EXPECT_EQ(Decide(message.Encode()), std::nullopt);
}

TEST(CoseSign1, IsRefusedWithAnotherTag) {
  for (const std::uint64_t tag : {17u, 19u, 61u, 98u, 55799u}) {
    Message message;
    message.prefix = CborTag(tag);
    EXPECT_EQ(Decide(message.Encode()), Reason::kCoseTag) << tag;
  }
}

TEST(CoseSign1, IsRefusedWithTwoTags) {
  Message message;
  message.prefix = CborTag(18) + CborTag(18);
  EXPECT_EQ(Decide(message.Encode()), Reason::kCoseTag);
}

TEST(CoseSign1, IsRefusedWithATagInALongHead) {
  Message message;
  message.prefix = CborWideHead(6, 18, 2);
  EXPECT_EQ(Decide(message.Encode()), Reason::kCborMalformed);
}

TEST(CoseSign1, IsAnArrayOfFourOfDefiniteLength) {
  const Message good;
  const std::string part = CborBytes("");
  EXPECT_EQ(Decide(CborIndefiniteArray({good.protected_header,
                                        good.unprotected_header, good.payload,
                                        good.signature})),
            Reason::kCoseMalformed);
  EXPECT_EQ(Decide(CborArray({part, part, part})), Reason::kCoseMalformed);
  EXPECT_EQ(Decide(CborArray({good.protected_header, good.unprotected_header,
                              good.payload, good.signature, part})),
            Reason::kCoseMalformed);
  EXPECT_EQ(Decide(CborMap({})), Reason::kCoseMalformed);
  EXPECT_EQ(Decide(good.payload), Reason::kCoseMalformed);
}

TEST(CoseSign1, IsRefusedWhereItIsCutOff) {
  const std::string document = Message().Encode();
  for (std::size_t size = 0; size < document.size(); ++size) {
    EXPECT_EQ(Decide(document.substr(0, size)), Reason::kCborMalformed) << size;
  }
}

TEST(CoseSign1, IsRefusedWithBytesBehindIt) {
  Message message;
  message.trailing = std::string(1, '\0');
  EXPECT_EQ(Decide(message.Encode()), Reason::kTrailingBytes);
}

TEST(CoseSign1, HasTheProtectedHeaderOfEs384) {
  // Empty, the empty map, ES256, the text "ES384", another key, not a map.
  for (const std::string& contents :
       {std::string(), CborMap({}), CborMap({{CborUint(1), CborInt(-7)}}),
        CborMap({{CborUint(1), CborText("ES384")}}),
        CborMap({{CborUint(4), CborInt(-35)}}), CborUint(1)}) {
    EXPECT_EQ(Decide(WithProtected(contents)), Reason::kCoseAlgorithm);
  }
}

TEST(CoseSign1, HasNothingElseInTheProtectedHeader) {
  EXPECT_EQ(
      Decide(WithProtected(CborMap({{CborUint(1), CborInt(-35)},
                                    {CborUint(2), CborArray({CborUint(99)})},
                                    {CborUint(99), CborBytes("")}}))),
      Reason::kCoseAlgorithm);
  EXPECT_EQ(
      Decide(WithProtected(std::string(kEs384ProtectedHeader) + CborNull())),
      Reason::kTrailingBytes);
}

TEST(CoseSign1, HasNoAlgorithmTwice) {
  for (const int other : {-7, -35}) {
    EXPECT_EQ(Decide(WithProtected(CborMap({{CborUint(1), CborInt(-35)},
                                            {CborUint(1), CborInt(other)}}))),
              Reason::kDuplicateKey);
  }
}

TEST(CoseSign1, HasAMinimalProtectedHeader) {
  EXPECT_EQ(Decide(WithProtected(CborHead(5, 1) + CborUint(1) +
                                 CborWideHead(1, 34, 2))),
            Reason::kCborMalformed);
  EXPECT_EQ(
      Decide(WithProtected(CborWideHead(5, 1, 1) + CborUint(1) + CborInt(-35))),
      Reason::kCborMalformed);
}

TEST(CoseSign1, HasAProtectedHeaderInBytes) {
  Message message;
  message.protected_header = CborMap({{CborUint(1), CborInt(-35)}});
  EXPECT_EQ(Decide(message.Encode()), Reason::kCoseMalformed);
}

TEST(CoseSign1, HasAnEmptyUnprotectedHeader) {
  Message message;
  message.unprotected_header = CborMap({{CborUint(1), CborInt(-7)}});
  EXPECT_EQ(Decide(message.Encode()), Reason::kUnprotectedNotEmpty);
  message.unprotected_header = test::CborIndefiniteMap({});
  EXPECT_EQ(Decide(message.Encode()), Reason::kUnprotectedNotEmpty);
  for (const std::string& other : {CborNull(), CborBytes(""), CborArray({})}) {
    message.unprotected_header = other;
    EXPECT_EQ(Decide(message.Encode()), Reason::kCoseMalformed);
  }
}

TEST(CoseSign1, HasAPayloadInOneByteString) {
  Message message;
  for (const std::string& other :
       {CborNull(), CborText("payload"), CborMap({})}) {
    message.payload = other;
    EXPECT_EQ(Decide(message.Encode()), Reason::kCoseMalformed);
  }
  message.payload = CborIndefiniteBytes("payload");
  EXPECT_EQ(Decide(message.Encode()), Reason::kCborMalformed);
}

TEST(CoseSign1, HasASignatureOf96Bytes) {
  Message message;
  for (const std::size_t size : {0, 64, 95, 97, 104, 132}) {
    message.signature = CborBytes(std::string(size, 's'));
    EXPECT_EQ(Decide(message.Encode()), Reason::kSignatureMalformed) << size;
  }
  message.signature = CborNull();
  EXPECT_EQ(Decide(message.Encode()), Reason::kCoseMalformed);
}

// RFC 9052 4.4, written by another encoder.
TEST(SigStructureDigest, HashesTheSigStructure) {
  for (const std::size_t size : {0, 1, 23, 24, 255, 256, 5000, 70000}) {
    Message message;
    message.payload = CborBytes(std::string(size, 'p'));
    const std::string document = message.Encode();
    const auto cose = DecodeCoseSign1(document);
    ASSERT_TRUE(cose.ok());
    const std::string expected =
        CborArray({CborText("Signature1"), CborBytes("\xa1\x01\x38\x22"),
                   CborBytes(""), CborBytes(std::string(size, 'p'))});
    EXPECT_EQ(SigStructureDigest(*cose).view(),
              Hash(HashAlgorithm::kSha384, expected).view())
        << size;
  }
}

}  // namespace
}  // namespace anchorage::verify
