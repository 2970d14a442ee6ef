// Signatures that are a pair of numbers: DSA and ECDSA.

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <optional>
#include <string>

#include "test/fake_aws/der_writer.h"
#include "test/support/test_keys.h"
#include "verify/crypto/public_key.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using test::DerSignature;
using test::OctetString;
using test::PositiveInteger;
using test::RawSignature;
using test::Sequence;
using test::TestKey;
using test::Tlv;
using TestType = test::KeyType;

constexpr int kIntegerTag = 0x02;

std::string Zero() { return std::string(1, '\0'); }

// Every test here also checks that no error is left for another to find.
class PairSignatureTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(ERR_peek_error(), 0u); }
  void TearDown() override { EXPECT_EQ(ERR_peek_error(), 0u); }
};

// --- DSA and ECDSA ----------------------------------------------------------

constexpr HashAlgorithm kPairHash = HashAlgorithm::kSha384;

class PairSignature : public ::testing::TestWithParam<const TestKey& (*)()> {
 protected:
  void TearDown() override { EXPECT_EQ(ERR_peek_error(), 0u); }

  const TestKey& key() const { return GetParam()(); }
  RawSignature Good() const {
    return key().SignRaw(Hash(kPairHash, kMessage).view());
  }
  std::optional<Reason> Why(std::string_view signature) const {
    return ReasonOf(Verify(key(), kPairHash, kMessage, signature));
  }
  // r and s as INTEGERs of whatever contents.
  static std::string Pair(std::string_view r, std::string_view s) {
    return Sequence({Tlv(kIntegerTag, r), Tlv(kIntegerTag, s)});
  }
  // The contents of the minimal INTEGER.
  static std::string Minimal(std::string_view magnitude) {
    return PositiveInteger(magnitude).substr(2);
  }
};

TEST_P(PairSignature, IsMalformedOutOfRange) {
  const RawSignature good = Good();
  const std::string order = key().modulus();
  const std::size_t size = order.size();
  const std::string one(1, '\1');
  for (const std::string& number :
       {Zero(), order, test::Add(order, one, size), std::string(size, '\xff'),
        std::string(size + 1, '\x7f'), test::Add(order, good.r, size + 1)}) {
    EXPECT_EQ(Why(DerSignature({number, good.s})), Reason::kSignatureMalformed);
    EXPECT_EQ(Why(DerSignature({good.r, number})), Reason::kSignatureMalformed);
    EXPECT_EQ(Why(DerSignature({number, number})), Reason::kSignatureMalformed);
  }
  // The last number in range is only wrong.
  const std::string last = test::Subtract(order, one, size);
  EXPECT_EQ(Why(DerSignature({last, good.s})), Reason::kSignatureMismatch);
  EXPECT_EQ(Why(DerSignature({good.r, last})), Reason::kSignatureMismatch);
  EXPECT_EQ(Why(DerSignature({one, one})), Reason::kSignatureMismatch);
}

TEST_P(PairSignature, IsMalformedWhereANumberIsNegative) {
  const std::string r = Minimal(Good().r);
  const std::string s = Minimal(Good().s);
  ASSERT_TRUE(Verify(key(), kPairHash, kMessage, Pair(r, s)).ok());
  for (const std::string& negative :
       {Hex("ff"), Hex("80"), Hex("ff7f"),
        std::string(key().modulus().size(), '\x80')}) {
    EXPECT_EQ(Why(Pair(negative, s)), Reason::kSignatureMalformed);
    EXPECT_EQ(Why(Pair(r, negative)), Reason::kSignatureMalformed);
  }
}

TEST_P(PairSignature, IsMalformedWhereANumberIsNotMinimal) {
  const std::string r = Minimal(Good().r);
  const std::string s = Minimal(Good().s);
  EXPECT_EQ(Why(Pair(Zero() + r, s)), Reason::kSignatureMalformed);
  EXPECT_EQ(Why(Pair(r, Zero() + s)), Reason::kSignatureMalformed);
  EXPECT_EQ(Why(Pair("", s)), Reason::kSignatureMalformed);
  EXPECT_EQ(Why(Pair(r, "")), Reason::kSignatureMalformed);
}

TEST_P(PairSignature, IsMalformedWhereItIsNotDer) {
  const std::string r = PositiveInteger(Good().r);
  const std::string s = PositiveInteger(Good().s);
  ASSERT_TRUE(Verify(key(), kPairHash, kMessage, Sequence({r, s})).ok());
  const std::string null = test::Null();
  for (const std::string& bad :
       {Sequence({r, s}) + null, Sequence({r, s, null}), Sequence({r}),
        Sequence({}), r + s, test::Set({r, s}), Tlv(0x10, r + s),
        test::TlvLongLength(0x30, r + s, 1),
        test::TlvLongLength(0x30, r + s, 4), test::Indefinite(0x30, r + s),
        Sequence({test::TlvLongLength(0x02, Minimal(Good().r), 1), s}),
        Sequence({OctetString(Good().r), s}), Sequence({null, s}),
        Sequence({Tlv(0x22, r), s}), OctetString(r + s), Good().r + Good().s}) {
    EXPECT_EQ(Why(bad), Reason::kSignatureMalformed);
  }
}

INSTANTIATE_TEST_SUITE_P(All, PairSignature, ::testing::Values(Dsa, P256, P384),
                         [](const auto& info) -> std::string {
                           if (info.param == Dsa) return "Dsa";
                           return info.param == P256 ? "P256" : "P384";
                         });

class FixedSignature : public ::testing::TestWithParam<const TestKey& (*)()> {
 protected:
  void TearDown() override { EXPECT_EQ(ERR_peek_error(), 0u); }

  const TestKey& key() const { return GetParam()(); }
  RawSignature Good() const {
    return key().SignRaw(Hash(kPairHash, kMessage).view());
  }
  absl::Status VerifyFixed(std::string_view signature) const {
    return KeyOf(key()).VerifyDigestFixed(kPairHash, Hash(kPairHash, kMessage),
                                          signature);
  }
  std::optional<Reason> Why(std::string_view signature) const {
    return ReasonOf(VerifyFixed(signature));
  }
};

TEST_P(FixedSignature, IsAcceptedFromItsKey) {
  const RawSignature good = Good();
  EXPECT_TRUE(VerifyFixed(good.r + good.s).ok());
}

// There is no rule against a high s, and AWS signs with one half of the time.
TEST_P(FixedSignature, IsAcceptedWithEitherS) {
  const RawSignature good = Good();
  const std::string other =
      test::Subtract(key().modulus(), good.s, good.s.size());
  EXPECT_TRUE(VerifyFixed(good.r + other).ok());
  EXPECT_TRUE(
      Verify(key(), kPairHash, kMessage, DerSignature({good.r, other})).ok());
}

// Numbers that begin with zeros, or with a set bit, are written in DER with
// fewer and with more bytes: every form must come out right.
TEST_P(FixedSignature, IsAcceptedWhateverItsNumbersBeginWith) {
  const PublicKey verifier = KeyOf(key());
  int short_numbers = 0;
  for (int i = 0; i < 600; ++i) {
    const Digest digest = Hash(kPairHash, std::to_string(i));
    const RawSignature raw = key().SignRaw(digest.view());
    short_numbers += raw.r.front() == '\0' || raw.s.front() == '\0';
    ASSERT_TRUE(
        verifier.VerifyDigestFixed(kPairHash, digest, raw.r + raw.s).ok())
        << i;
    ASSERT_TRUE(
        verifier.VerifyDigest(kPairHash, digest, DerSignature(raw)).ok())
        << i;
  }
  EXPECT_GT(short_numbers, 0);
}

TEST_P(FixedSignature, IsRefusedOverAnotherMessage) {
  const RawSignature good = Good();
  EXPECT_EQ(ReasonOf(KeyOf(key()).VerifyDigestFixed(
                kPairHash, Hash(kPairHash, "x"), good.r + good.s)),
            Reason::kSignatureMismatch);
  EXPECT_EQ(Why(good.s + good.r), Reason::kSignatureMismatch);
}

TEST_P(FixedSignature, IsMalformedAtAnyOtherLength) {
  const RawSignature good = Good();
  const std::string fixed = good.r + good.s;
  EXPECT_EQ(Why(""), Reason::kSignatureMalformed);
  EXPECT_EQ(Why(fixed.substr(1)), Reason::kSignatureMalformed);
  EXPECT_EQ(Why(fixed.substr(0, fixed.size() - 1)),
            Reason::kSignatureMalformed);
  EXPECT_EQ(Why(fixed + Zero()), Reason::kSignatureMalformed);
  EXPECT_EQ(Why(Zero() + good.r + Zero() + good.s),
            Reason::kSignatureMalformed);
  EXPECT_EQ(Why(good.r), Reason::kSignatureMalformed);
  EXPECT_EQ(Why(DerSignature(good)), Reason::kSignatureMalformed);
}

TEST_P(FixedSignature, IsMalformedOutOfRange) {
  const RawSignature good = Good();
  const std::string order = key().modulus();
  const std::size_t size = order.size();
  const std::string zeros(size, '\0');
  const std::string one = std::string(size - 1, '\0') + '\1';
  for (const std::string& number :
       {zeros, order, test::Add(order, one, size), std::string(size, '\xff')}) {
    EXPECT_EQ(Why(number + good.s), Reason::kSignatureMalformed);
    EXPECT_EQ(Why(good.r + number), Reason::kSignatureMalformed);
    EXPECT_EQ(Why(number + number), Reason::kSignatureMalformed);
  }
  EXPECT_EQ(Why(one + one), Reason::kSignatureMismatch);
  EXPECT_EQ(Why(test::Subtract(order, one, size) + good.s),
            Reason::kSignatureMismatch);
}

INSTANTIATE_TEST_SUITE_P(All, FixedSignature, ::testing::Values(P256, P384),
                         [](const auto& info) -> std::string {
                           return info.param == P256 ? "P256" : "P384";
                         });

TEST_F(PairSignatureTest, VerifiesTheSameWithAPointAsWithItsSpki) {
  const PublicKey point =
      PublicKey::FromP384Point(P384().public_key_bytes()).value();
  const PublicKey other =
      PublicKey::FromP384Point(
          TestKey::Derived(TestType::kP384, "other").public_key_bytes())
          .value();
  const Digest digest = Hash(HashAlgorithm::kSha384, kMessage);
  const std::string fixed = P384().SignFixed(digest.view());
  const std::string der = P384().Sign(test::Hash::kSha384, digest.view());
  EXPECT_TRUE(
      point.VerifyDigestFixed(HashAlgorithm::kSha384, digest, fixed).ok());
  EXPECT_TRUE(point.VerifyDigest(HashAlgorithm::kSha384, digest, der).ok());
  EXPECT_EQ(
      ReasonOf(other.VerifyDigestFixed(HashAlgorithm::kSha384, digest, fixed)),
      Reason::kSignatureMismatch);
}

}  // namespace
}  // namespace anchorage::verify
