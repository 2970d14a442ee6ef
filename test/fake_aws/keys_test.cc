#include "test/fake_aws/keys.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace anchorage::test {
namespace {

const unsigned char* Bytes(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

// OpenSSL's reading of the key, and its opinion of a signature.
class Reader {
 public:
  explicit Reader(const TestKey& key) {
    const unsigned char* at = Bytes(key.spki_der());
    key_ = d2i_PUBKEY(nullptr, &at, static_cast<long>(key.spki_der().size()));
    consumed_ = at == Bytes(key.spki_der()) + key.spki_der().size();
  }
  ~Reader() { EVP_PKEY_free(key_); }

  bool ok() const { return key_ != nullptr && consumed_; }
  int bits() const { return EVP_PKEY_get_bits(key_); }

  bool Accepts(const EVP_MD* hash, std::string_view message,
               std::string_view signature) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    const bool accepted =
        EVP_DigestVerifyInit(context, nullptr, hash, nullptr, key_) == 1 &&
        EVP_DigestVerify(context, Bytes(signature), signature.size(),
                         Bytes(message), message.size()) == 1;
    EVP_MD_CTX_free(context);
    return accepted;
  }

 private:
  EVP_PKEY* key_ = nullptr;
  bool consumed_ = false;
};

struct Case {
  const char* name;
  const TestKey& (*key)();
  int bits;
  Hash hash;
  const EVP_MD* (*evp)();
};

class EveryKey : public ::testing::TestWithParam<Case> {};

TEST_P(EveryKey, MakesSignaturesThatOpenSslAccepts) {
  const TestKey& key = GetParam().key();
  const Reader reader(key);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader.bits(), GetParam().bits);
  for (const std::string message : {"one", "two", "three"}) {
    const std::string signature =
        key.Sign(GetParam().hash, HashOf(GetParam().hash, message));
    EXPECT_TRUE(reader.Accepts(GetParam().evp(), message, signature));
    EXPECT_FALSE(reader.Accepts(GetParam().evp(), message + "!", signature));
    EXPECT_EQ(signature,
              key.Sign(GetParam().hash, HashOf(GetParam().hash, message)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Keys, EveryKey,
    ::testing::Values(
        Case{"Rsa1024",
             []() -> const TestKey& { return TestKey::Rsa(1024, 0); }, 1024,
             Hash::kSha256, EVP_sha256},
        Case{"Rsa2048",
             []() -> const TestKey& { return TestKey::Rsa(2048, 44); }, 2048,
             Hash::kSha1, EVP_sha1},
        Case{"Rsa2048Exponent3",
             []() -> const TestKey& { return TestKey::Rsa(2048, 7, 3); }, 2048,
             Hash::kSha512, EVP_sha512},
        Case{"Dsa1024",
             []() -> const TestKey& {
               return TestKey::Derived(KeyType::kDsa1024, "a");
             },
             1024, Hash::kSha1, EVP_sha1},
        Case{"Dsa1024WithALongerDigest",
             []() -> const TestKey& {
               return TestKey::Derived(KeyType::kDsa1024, "a");
             },
             1024, Hash::kSha256, EVP_sha256},
        Case{"P256",
             []() -> const TestKey& {
               return TestKey::Derived(KeyType::kP256, "a");
             },
             256, Hash::kSha384, EVP_sha384},
        Case{"P384",
             []() -> const TestKey& {
               return TestKey::Derived(KeyType::kP384, "a");
             },
             384, Hash::kSha384, EVP_sha384},
        Case{"P521",
             []() -> const TestKey& {
               return TestKey::Derived(KeyType::kP521, "a");
             },
             521, Hash::kSha512, EVP_sha512}),
    [](const auto& info) { return info.param.name; });

TEST(KeysTest, Ed25519SignsWhatOpenSslAccepts) {
  const TestKey& key = TestKey::Derived(KeyType::kEd25519, "a");
  const Reader reader(key);
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE(reader.Accepts(nullptr, "text", key.SignMessage("text")));
  EXPECT_FALSE(reader.Accepts(nullptr, "test", key.SignMessage("text")));
}

TEST(KeysTest, TheSameNameIsTheSameKeyAndAnotherNameIsNot) {
  EXPECT_EQ(&TestKey::Derived(KeyType::kP384, "a"),
            &TestKey::Derived(KeyType::kP384, "a"));
  EXPECT_NE(TestKey::Derived(KeyType::kP384, "a").spki_der(),
            TestKey::Derived(KeyType::kP384, "b").spki_der());
}

TEST(KeysTest, EveryRsaNumberIsAnotherKey) {
  std::vector<std::string> moduli;
  for (int i = 0; i < TestKey::kRsaKeys; ++i) {
    moduli.push_back(TestKey::Rsa(1024, i).modulus());
    EXPECT_EQ(moduli.back().size(), 128u);
  }
  std::sort(moduli.begin(), moduli.end());
  EXPECT_EQ(std::unique(moduli.begin(), moduli.end()), moduli.end());
}

// With s' = n - s an ECDSA signature verifies as well as before.
TEST(KeysTest, ANegatedSVerifiesToo) {
  const TestKey& key = TestKey::Derived(KeyType::kP384, "a");
  RawSignature raw = key.SignRaw(HashOf(Hash::kSha384, "text"));
  raw.s = Subtract(key.modulus(), raw.s, 48);
  EXPECT_TRUE(Reader(key).Accepts(EVP_sha384(), "text", DerSignature(raw)));
}

// The root's cube has the prefix, so that a verifier that does not look behind
// the digest accepts it; OpenSSL looks.
TEST(KeysTest, ACubeRootHasThePrefixAndOpenSslRefusesIt) {
  const TestKey& key = TestKey::Rsa(2048, 0, 3);
  const std::string info =
      DigestInfo(Hash::kSha256, HashOf(Hash::kSha256, "x"));
  const std::string prefix =
      std::string("\0\1", 2) + std::string(8, '\xff') + '\0' + info;
  const std::string root = CubeRootForgery(prefix, 256);
  EXPECT_FALSE(Reader(key).Accepts(EVP_sha256(), "x", root));

  BIGNUM* number = BN_bin2bn(Bytes(root), 256, nullptr);
  BIGNUM* cube = BN_new();
  BN_CTX* context = BN_CTX_new();
  ASSERT_EQ(BN_sqr(cube, number, context), 1);
  ASSERT_EQ(BN_mul(cube, cube, number, context), 1);
  std::string block(256, '\0');
  ASSERT_EQ(
      BN_bn2binpad(cube, reinterpret_cast<unsigned char*>(block.data()), 256),
      256);
  EXPECT_EQ(block.substr(0, prefix.size()), prefix);
  BN_CTX_free(context);
  BN_free(cube);
  BN_free(number);
}

}  // namespace
}  // namespace anchorage::test
