// What holds for signatures of every type, and Ed25519.

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "test/support/test_keys.h"
#include "verify/crypto/public_key.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using test::TestKey;
using TestType = test::KeyType;

// Every test here also checks that no error is left for another to find.
class SignatureTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(ERR_peek_error(), 0u); }
  void TearDown() override { EXPECT_EQ(ERR_peek_error(), 0u); }
};

// --- Signatures over digests ----------------------------------------------

struct Signer {
  const char* name;
  const TestKey& (*key)();
  HashAlgorithm algorithm;
};

class DigestSignature : public ::testing::TestWithParam<Signer> {
 protected:
  void TearDown() override { EXPECT_EQ(ERR_peek_error(), 0u); }

  const TestKey& key() const { return GetParam().key(); }
  HashAlgorithm algorithm() const { return GetParam().algorithm; }
  const std::string& Good() const { return good_; }
  std::optional<Reason> Why(std::string_view message,
                            std::string_view signature) const {
    return ReasonOf(Verify(key(), algorithm(), message, signature));
  }

 private:
  const std::string good_ = SignatureOf(key(), algorithm(), kMessage);
};

TEST_P(DigestSignature, IsAcceptedFromItsKey) {
  const absl::Status status = Verify(key(), algorithm(), kMessage, Good());
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(DigestSignature, IsRefusedOverAnotherMessage) {
  EXPECT_EQ(Why("another", Good()), Reason::kSignatureMismatch);
  EXPECT_EQ(Why("", Good()), Reason::kSignatureMismatch);
}

TEST_P(DigestSignature, IsRefusedUnderAnotherHash) {
  for (const HashAlgorithm other :
       {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha384}) {
    if (other == algorithm()) continue;
    EXPECT_EQ(ReasonOf(Verify(key(), other, kMessage, Good())),
              Reason::kSignatureMismatch);
  }
}

// A digest that is not of the algorithm named must not count as one.
TEST_P(DigestSignature, IsRefusedForADigestOfTheWrongLength) {
  for (const std::size_t size : {19, 47}) {
    Digest digest = Hash(algorithm(), kMessage);
    digest.size = size;
    EXPECT_EQ(ReasonOf(KeyOf(key()).VerifyDigest(algorithm(), digest, Good())),
              Reason::kSignatureMismatch)
        << size;
  }
}

// There is none where no provider offers the hash: nobody's fault who signed.
TEST_P(DigestSignature, IsUndecidedWithoutADigest) {
  EXPECT_EQ(ReasonOf(KeyOf(key()).VerifyDigest(algorithm(), Digest(), Good())),
            Reason::kCryptoUnavailable);
}

TEST_P(DigestSignature, IsMalformedWhereALengthIsWrong) {
  EXPECT_EQ(Why(kMessage, ""), Reason::kSignatureMalformed);
  EXPECT_EQ(Why(kMessage, std::string_view()), Reason::kSignatureMalformed);
  EXPECT_EQ(Why(kMessage, Good() + std::string(1, '\0')),
            Reason::kSignatureMalformed);
  EXPECT_EQ(Why(kMessage, std::string(1, '\0') + Good()),
            Reason::kSignatureMalformed);
  EXPECT_EQ(Why(kMessage, Good() + Good()), Reason::kSignatureMalformed);
  for (std::size_t size = 0; size < Good().size(); ++size) {
    EXPECT_EQ(Why(kMessage, Good().substr(0, size)),
              Reason::kSignatureMalformed)
        << size;
  }
}

TEST_P(DigestSignature, NeverPassesWithAFlippedBit) {
  const std::string good = Good();
  for (std::size_t byte = 0; byte < good.size(); ++byte) {
    std::string bad = good;
    bad[byte] ^= 1;
    const auto why = Why(kMessage, bad);
    EXPECT_TRUE(why == Reason::kSignatureMismatch ||
                why == Reason::kSignatureMalformed)
        << byte;
  }
}

TEST_P(DigestSignature, IsNotOfAnotherKind) {
  const PublicKey verifier = KeyOf(key());
  const Digest digest = Hash(algorithm(), kMessage);
  EXPECT_EQ(ReasonOf(verifier.VerifyMessage(kMessage, Good())),
            Reason::kAlgorithmMismatch);
  const bool rsa = verifier.type() == KeyType::kRsa;
  const bool dsa = verifier.type() == KeyType::kDsa;
  if (rsa || dsa) {
    EXPECT_EQ(ReasonOf(verifier.VerifyDigestFixed(algorithm(), digest, Good())),
              Reason::kAlgorithmMismatch);
  }
  if (!rsa) {
    EXPECT_EQ(ReasonOf(verifier.VerifyPss(digest, Good())),
              Reason::kAlgorithmMismatch);
  }
}

// A key keeps its operations to use them again: a failure, or another
// algorithm, must leave nothing behind in them.
TEST_P(DigestSignature, IsJudgedTheSameAfterAnyOther) {
  const PublicKey verifier = KeyOf(key());
  const PublicKey copy = verifier;
  constexpr HashAlgorithm kAlgorithms[] = {
      HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha384};
  std::map<HashAlgorithm, std::string> signatures;
  for (const HashAlgorithm other : kAlgorithms) {
    signatures[other] = SignatureOf(key(), other, kMessage);
  }
  for (int round = 0; round < 20; ++round) {
    for (const HashAlgorithm other : kAlgorithms) {
      const std::string& signature = signatures[other];
      EXPECT_TRUE(
          verifier.VerifyDigest(other, Hash(other, kMessage), signature).ok());
      EXPECT_EQ(ReasonOf(copy.VerifyDigest(other, Hash(other, "x"), signature)),
                Reason::kSignatureMismatch);
      EXPECT_EQ(ReasonOf(verifier.VerifyDigest(other, Hash(other, kMessage),
                                               signature + "x")),
                Reason::kSignatureMalformed);
    }
  }
}

TEST_P(DigestSignature, KeepsTheErrorsOfTheHostAndAddsNone) {
  const PublicKey verifier = KeyOf(key());
  ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
  const Digest digest = Hash(algorithm(), kMessage);
  EXPECT_TRUE(verifier.VerifyDigest(algorithm(), digest, Good()).ok());
  EXPECT_FALSE(verifier.VerifyDigest(algorithm(), digest, Good() + "x").ok());
  EXPECT_EQ(ERR_GET_LIB(ERR_get_error()), ERR_LIB_USER);
}

INSTANTIATE_TEST_SUITE_P(
    All, DigestSignature,
    ::testing::Values(Signer{"Rsa1024Sha1", Rsa1024, HashAlgorithm::kSha1},
                      Signer{"Rsa1024Sha256", Rsa1024, HashAlgorithm::kSha256},
                      Signer{"Rsa2048Sha256", Rsa2048, HashAlgorithm::kSha256},
                      Signer{"Rsa2048Sha384", Rsa2048, HashAlgorithm::kSha384},
                      Signer{"DsaSha1", Dsa, HashAlgorithm::kSha1},
                      Signer{"DsaSha256", Dsa, HashAlgorithm::kSha256},
                      Signer{"P256Sha256", P256, HashAlgorithm::kSha256},
                      Signer{"P384Sha384", P384, HashAlgorithm::kSha384},
                      Signer{"P384Sha256", P384, HashAlgorithm::kSha256}),
    [](const auto& info) { return info.param.name; });

TEST_F(SignatureTest, RefusesTheSignatureOfAnotherKey) {
  for (const HashAlgorithm algorithm :
       {HashAlgorithm::kSha256, HashAlgorithm::kSha384}) {
    const std::pair<const TestKey*, const TestKey*> pairs[] = {
        {&Rsa1024(), &TestKey::Rsa(1024, 1)},
        {&Rsa2048(), &TestKey::Rsa(2048, 1)},
        {&Dsa(), &TestKey::Derived(TestType::kDsa1024, "other")},
        {&P256(), &TestKey::Derived(TestType::kP256, "other")},
        {&P384(), &TestKey::Derived(TestType::kP384, "other")}};
    for (const auto& [key, other] : pairs) {
      EXPECT_EQ(ReasonOf(Verify(*key, algorithm, kMessage,
                                SignatureOf(*other, algorithm, kMessage))),
                Reason::kSignatureMismatch);
    }
  }
}

// --- Ed25519 ----------------------------------------------------------------

TEST_F(SignatureTest, VerifiesEd25519OverMessages) {
  for (const std::string_view message :
       {std::string_view(), kMessage, std::string_view("\0", 1)}) {
    const std::string signature = Ed25519().SignMessage(message);
    EXPECT_TRUE(KeyOf(Ed25519()).VerifyMessage(message, signature).ok());
    EXPECT_TRUE(PublicKey::FromEd25519(Ed25519().public_key_bytes())
                    .value()
                    .VerifyMessage(message, signature)
                    .ok());
    EXPECT_EQ(ReasonOf(KeyOf(Ed25519()).VerifyMessage("other", signature)),
              Reason::kSignatureMismatch);
  }
}

// RFC 8032, 7.1, test 2.
TEST_F(SignatureTest, VerifiesThePublishedEd25519Signature) {
  const PublicKey key =
      PublicKey::FromEd25519(Hex("3d4017c3e843895a92b70aa74d1b7ebc"
                                 "9c982ccf2ec4968cc0cd55f12af4660c"))
          .value();
  const std::string signature =
      Hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_TRUE(key.VerifyMessage("\x72", signature).ok());
  EXPECT_EQ(ReasonOf(key.VerifyMessage("\x73", signature)),
            Reason::kSignatureMismatch);
}

TEST_F(SignatureTest, RefusesEd25519SignaturesThatAreWrong) {
  const PublicKey key = KeyOf(Ed25519());
  const std::string good = Ed25519().SignMessage(kMessage);
  const auto why = [&](std::string_view signature) {
    return ReasonOf(key.VerifyMessage(kMessage, signature));
  };
  EXPECT_EQ(why(""), Reason::kSignatureMalformed);
  EXPECT_EQ(why(good.substr(0, 63)), Reason::kSignatureMalformed);
  EXPECT_EQ(why(good + "x"), Reason::kSignatureMalformed);
  EXPECT_EQ(why(std::string(64, '\0')), Reason::kSignatureMismatch);
  EXPECT_EQ(why(std::string(64, '\xff')), Reason::kSignatureMismatch);
  for (std::size_t byte = 0; byte < good.size(); ++byte) {
    std::string bad = good;
    bad[byte] ^= 1;
    EXPECT_EQ(why(bad), Reason::kSignatureMismatch) << byte;
  }
  // S plus the order of the group: the same number once more (RFC 8032 5.1.7
  // refuses it; little-endian).
  const std::string order =
      Hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  std::string malleated = good;
  int carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += static_cast<unsigned char>(good[32 + i]) +
             static_cast<unsigned char>(order[i]);
    malleated[32 + i] = static_cast<char>(carry);
    carry >>= 8;
  }
  ASSERT_EQ(carry, 0);
  EXPECT_EQ(why(malleated), Reason::kSignatureMismatch);
}

TEST_F(SignatureTest, VerifiesNoDigestWithEd25519) {
  const PublicKey key = KeyOf(Ed25519());
  const Digest digest = Hash(HashAlgorithm::kSha256, kMessage);
  const std::string signature = Ed25519().SignMessage(kMessage);
  EXPECT_EQ(
      ReasonOf(key.VerifyDigest(HashAlgorithm::kSha256, digest, signature)),
      Reason::kAlgorithmMismatch);
  EXPECT_EQ(ReasonOf(key.VerifyDigestFixed(HashAlgorithm::kSha256, digest,
                                           signature)),
            Reason::kAlgorithmMismatch);
  EXPECT_EQ(ReasonOf(key.VerifyPss(digest, signature)),
            Reason::kAlgorithmMismatch);
}

}  // namespace
}  // namespace anchorage::verify
