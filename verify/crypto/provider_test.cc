// What is said where the library's providers do not offer an algorithm: that
// the machine cannot tell, never that the evidence is not of AWS.

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "test/fake_aws/keys.h"
#include "test/support/test_keys.h"
#include "verify/crypto/public_key.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

// With this no fetch finds anything but what a FIPS provider offers, and none
// is loaded.
class OnlyFips {
 public:
  OnlyFips() { EVP_default_properties_enable_fips(nullptr, 1); }
  OnlyFips(const OnlyFips&) = delete;
  OnlyFips& operator=(const OnlyFips&) = delete;
  ~OnlyFips() { EVP_default_properties_enable_fips(nullptr, 0); }
};

// The reason of reading a key and verifying with it.
std::optional<Reason> WhyNot(const test::TestKey& key, HashAlgorithm algorithm,
                             std::string_view signature) {
  const auto read = PublicKey::FromSpki(key.spki_der());
  if (!read.ok()) return ReasonOf(read.status());
  if (read->type() == KeyType::kEd25519) {
    return ReasonOf(read->VerifyMessage(kMessage, signature));
  }
  return ReasonOf(
      read->VerifyDigest(algorithm, Hash(algorithm, kMessage), signature));
}

// First in the file, because what was found once is kept.
TEST(Provider, IsMissingForAHashThatNoneOffers) {
  {
    const OnlyFips only_fips;
    for (const HashAlgorithm algorithm :
         {HashAlgorithm::kSha1, HashAlgorithm::kSha256,
          HashAlgorithm::kSha384}) {
      EXPECT_EQ(Hash(algorithm, kMessage).size, 0u);
      EXPECT_EQ(ReasonOf(HashUnavailable(algorithm)),
                Reason::kCryptoProviderMissing);
    }
    EXPECT_EQ(ERR_peek_error(), 0u);
  }
  // A provider that is loaded later is found.
  EXPECT_EQ(Hash(HashAlgorithm::kSha1, kMessage).size, 20u);
  EXPECT_EQ(Hash(HashAlgorithm::kSha256, kMessage).size, 32u);
  EXPECT_EQ(Hash(HashAlgorithm::kSha384, kMessage).size, 48u);
}

TEST(Provider, IsMissingForAKeyThatNoneVerifiesWith) {
  struct Signed {
    const test::TestKey& key;
    HashAlgorithm algorithm;
    std::string signature;
  };
  std::vector<Signed> all;
  for (const auto& [key, algorithm] :
       {std::pair(&Rsa1024(), HashAlgorithm::kSha256),
        std::pair(&Dsa(), HashAlgorithm::kSha1),
        std::pair(&P256(), HashAlgorithm::kSha256),
        std::pair(&P384(), HashAlgorithm::kSha384)}) {
    all.push_back({*key, algorithm, SignatureOf(*key, algorithm, kMessage)});
  }
  all.push_back(
      {Ed25519(), HashAlgorithm::kSha256, Ed25519().SignMessage(kMessage)});
  {
    const OnlyFips only_fips;
    for (const Signed& s : all) {
      EXPECT_EQ(WhyNot(s.key, s.algorithm, s.signature),
                Reason::kCryptoProviderMissing)
          << static_cast<int>(s.key.type());
    }
    EXPECT_EQ(ERR_peek_error(), 0u);
  }
  for (const Signed& s : all) {
    EXPECT_EQ(WhyNot(s.key, s.algorithm, s.signature), std::nullopt)
        << static_cast<int>(s.key.type());
  }
}

TEST(CheckOffered, AsksTheProviders) {
  for (const KeyType type : {KeyType::kRsa, KeyType::kDsa, KeyType::kEcP256,
                             KeyType::kEcP384, KeyType::kEd25519}) {
    EXPECT_TRUE(CheckOffered(type).ok());
    const OnlyFips only_fips;
    EXPECT_EQ(ReasonOf(CheckOffered(type)), Reason::kCryptoProviderMissing);
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
}

// The key was read while there was one, or is read at its first use.
TEST(Provider, IsLookedForAgainAtTheNextVerification) {
  const PublicKey key = KeyOf(Dsa());
  const std::string signature =
      SignatureOf(Dsa(), HashAlgorithm::kSha1, kMessage);
  const Digest digest = Hash(HashAlgorithm::kSha1, kMessage);
  {
    const OnlyFips only_fips;
    const absl::Status status =
        key.VerifyDigest(HashAlgorithm::kSha1, digest, signature);
    EXPECT_EQ(ReasonOf(status), Reason::kCryptoProviderMissing);
    EXPECT_NE(status.message().find("DSA"), absl::string_view::npos) << status;
  }
  const absl::Status status =
      key.VerifyDigest(HashAlgorithm::kSha1, digest, signature);
  EXPECT_TRUE(status.ok()) << status;
}

}  // namespace
}  // namespace anchorage::verify
