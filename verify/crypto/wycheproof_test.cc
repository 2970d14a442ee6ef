// Project Wycheproof's signature vectors, through the entry points that
// evidence takes. Every vector has one expected answer: accepted, or the one
// reason. Which reason is worked out from the bytes by other means than ours.

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using Json = nlohmann::json;

constexpr char kDirectoryVariable[] = "ANCHORAGE_SHARED_VECTORS";
constexpr std::string_view kP384Order =
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf"
    "581a0db248b0a77aecec196accc52973";

struct Free {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(ECDSA_SIG* pair) const { ECDSA_SIG_free(pair); }
  void operator()(unsigned char* bytes) const { OPENSSL_free(bytes); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

// Returns the bytes of a hex string, which may be empty.
std::string Bytes(const Json& hex) {
  const std::string text = hex.get<std::string>();
  return text.empty() ? "" : DecodeHex(text).value();
}

Owned<BIGNUM> Number(std::string_view hex) {
  BIGNUM* number = nullptr;
  BN_hex2bn(&number, std::string(hex).c_str());
  return Owned<BIGNUM>(number);
}

bool InRange(const BIGNUM* number, const BIGNUM* order) {
  return !BN_is_negative(number) && !BN_is_zero(number) &&
         BN_cmp(number, order) < 0;
}

// Whether the library reads a pair of numbers within the order and writes it
// back as it was.
bool IsDerPair(const std::string& signature, const BIGNUM* order) {
  const auto* const begin =
      reinterpret_cast<const unsigned char*>(signature.data());
  const unsigned char* at = begin;
  const Owned<ECDSA_SIG> pair(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(signature.size())));
  if (pair == nullptr) return false;
  unsigned char* encoded = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &encoded);
  const Owned<unsigned char> owner(encoded);
  return size > 0 &&
         signature == std::string(reinterpret_cast<char*>(encoded),
                                  static_cast<std::size_t>(size)) &&
         InRange(ECDSA_SIG_get0_r(pair.get()), order) &&
         InRange(ECDSA_SIG_get0_s(pair.get()), order);
}

// The same for two numbers as long as the order, without encoding.
bool IsFixedPair(const std::string& signature, const BIGNUM* order) {
  const std::size_t half = static_cast<std::size_t>(BN_num_bytes(order));
  if (signature.size() != 2 * half) return false;
  const auto* const bytes =
      reinterpret_cast<const unsigned char*>(signature.data());
  const int size = static_cast<int>(half);
  const Owned<BIGNUM> r(BN_bin2bn(bytes, size, nullptr));
  const Owned<BIGNUM> s(BN_bin2bn(bytes + half, size, nullptr));
  return InRange(r.get(), order) && InRange(s.get(), order);
}

// What must be answered: nullopt stands for accepted.
using Answer = std::optional<Reason>;

Answer Expected(bool accepted, bool well_formed) {
  if (!well_formed) return Reason::kSignatureMalformed;
  if (accepted) return std::nullopt;
  return Reason::kSignatureMismatch;
}

std::optional<HashAlgorithm> HashNamed(const std::string& name) {
  if (name == "SHA-1") return HashAlgorithm::kSha1;
  if (name == "SHA-256") return HashAlgorithm::kSha256;
  if (name == "SHA-384") return HashAlgorithm::kSha384;
  return std::nullopt;
}

class Wycheproof : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv(kDirectoryVariable) == nullptr) {
      GTEST_SKIP() << kDirectoryVariable << " is not set";
    }
  }

  // Loads the file of that name; fails the test if it is not all there.
  static Json Load(const std::string& name) {
    std::ifstream file(std::string(std::getenv(kDirectoryVariable)) +
                       "/third-party/wycheproof/" + name);
    EXPECT_TRUE(file.good()) << name;
    Json json = Json::parse(file, nullptr, /*allow_exceptions=*/false);
    EXPECT_FALSE(json.is_discarded()) << name;
    std::size_t tests = 0;
    for (const Json& group : json["testGroups"]) tests += group["tests"].size();
    EXPECT_EQ(json["numberOfTests"], tests) << name;
    EXPECT_GT(tests, 0u) << name;
    return json;
  }

  static PublicKey Key(const Json& hex) {
    return PublicKey::FromSpki(Bytes(hex)).value();
  }

  static void ExpectAnswer(const absl::Status& status, const Answer& expected,
                           const Json& test) {
    EXPECT_EQ(ReasonOf(status), expected) << test.dump() << "\n" << status;
    EXPECT_EQ(status.ok(), !expected.has_value()) << test.dump();
  }
};

TEST_F(Wycheproof, EcdsaP384InDer) {
  const Owned<BIGNUM> order = Number(kP384Order);
  const Json file = Load("ecdsa_secp384r1_sha384_test.json");
  for (const Json& group : file["testGroups"]) {
    const PublicKey key = Key(group["publicKeyDer"]);
    ASSERT_EQ(key.type(), KeyType::kEcP384);
    ASSERT_EQ(group["sha"], "SHA-384");
    for (const Json& test : group["tests"]) {
      const std::string signature = Bytes(test["sig"]);
      const Digest digest = Hash(HashAlgorithm::kSha384, Bytes(test["msg"]));
      ASSERT_NE(test["result"], "acceptable");
      ExpectAnswer(key.VerifyDigest(HashAlgorithm::kSha384, digest, signature),
                   Expected(test["result"] == "valid",
                            IsDerPair(signature, order.get())),
                   test);
    }
  }
}

// As COSE carries it, with the key read from either form.
TEST_F(Wycheproof, EcdsaP384InFixedLength) {
  const Owned<BIGNUM> order = Number(kP384Order);
  const Json file = Load("ecdsa_secp384r1_sha384_p1363_test.json");
  for (const Json& group : file["testGroups"]) {
    const PublicKey key = Key(group["publicKeyDer"]);
    const PublicKey point =
        PublicKey::FromP384Point(Bytes(group["publicKey"]["uncompressed"]))
            .value();
    ASSERT_EQ(group["sha"], "SHA-384");
    for (const Json& test : group["tests"]) {
      const std::string signature = Bytes(test["sig"]);
      const Digest digest = Hash(HashAlgorithm::kSha384, Bytes(test["msg"]));
      ASSERT_NE(test["result"], "acceptable");
      const Answer expected = Expected(test["result"] == "valid",
                                       IsFixedPair(signature, order.get()));
      for (const PublicKey* reader : {&key, &point}) {
        ExpectAnswer(reader->VerifyDigestFixed(HashAlgorithm::kSha384, digest,
                                               signature),
                     expected, test);
      }
    }
  }
}

// "acceptable" here is a number whose leading zero is missing (MissingZero),
// so that it reads as negative: refused, because one signature has one form.
TEST_F(Wycheproof, Dsa2048WithSha256) {
  const Json file = Load("dsa_2048_256_sha256_test.json");
  for (const Json& group : file["testGroups"]) {
    const PublicKey key = Key(group["publicKeyDer"]);
    ASSERT_EQ(key.type(), KeyType::kDsa);
    ASSERT_EQ(key.bits(), 2048);
    ASSERT_EQ(group["sha"], "SHA-256");
    const Owned<BIGNUM> order =
        Number(group["publicKey"]["q"].get<std::string>());
    for (const Json& test : group["tests"]) {
      const std::string signature = Bytes(test["sig"]);
      const Digest digest = Hash(HashAlgorithm::kSha256, Bytes(test["msg"]));
      if (test["result"] == "acceptable") {
        ASSERT_EQ(test["flags"], Json({"MissingZero"}));
        ASSERT_FALSE(IsDerPair(signature, order.get()));
      }
      ExpectAnswer(key.VerifyDigest(HashAlgorithm::kSha256, digest, signature),
                   Expected(test["result"] == "valid",
                            IsDerPair(signature, order.get())),
                   test);
    }
  }
}

// AWS signs nothing with SHA-224 and we do not have it, so no answer can be
// "accepted". What is left is how the signatures are read: the valid ones are
// well-formed, and each of the others is told apart as it should be.
TEST_F(Wycheproof, Dsa2048WithSha224IsReadCorrectly) {
  int well_formed = 0;
  const Json file = Load("dsa_2048_224_sha224_test.json");
  for (const Json& group : file["testGroups"]) {
    const PublicKey key = Key(group["publicKeyDer"]);
    ASSERT_EQ(HashNamed(group["sha"]), std::nullopt);
    const Owned<BIGNUM> order =
        Number(group["publicKey"]["q"].get<std::string>());
    for (const Json& test : group["tests"]) {
      const std::string signature = Bytes(test["sig"]);
      const Digest digest = Hash(HashAlgorithm::kSha256, Bytes(test["msg"]));
      const bool canonical = IsDerPair(signature, order.get());
      ASSERT_TRUE(canonical || test["result"] != "valid") << test.dump();
      well_formed += canonical;
      ExpectAnswer(key.VerifyDigest(HashAlgorithm::kSha256, digest, signature),
                   Expected(false, canonical), test);
    }
  }
  EXPECT_GT(well_formed, 0);
}

// "acceptable" here is a DigestInfo without the NULL after its algorithm
// (MissingNull): refused, because a signature is checked by making the one
// right block and comparing all of it.
TEST_F(Wycheproof, Rsa2048WithSha256) {
  const Json file = Load("rsa_signature_2048_sha256_test.json");
  for (const Json& group : file["testGroups"]) {
    const PublicKey key = Key(group["publicKeyDer"]);
    ASSERT_EQ(key.type(), KeyType::kRsa);
    ASSERT_EQ(key.bits(), 2048);
    ASSERT_EQ(group["sha"], "SHA-256");
    for (const Json& test : group["tests"]) {
      const std::string signature = Bytes(test["sig"]);
      const Digest digest = Hash(HashAlgorithm::kSha256, Bytes(test["msg"]));
      if (test["result"] == "acceptable") {
        ASSERT_EQ(test["flags"], Json({"MissingNull"}));
      }
      ExpectAnswer(key.VerifyDigest(HashAlgorithm::kSha256, digest, signature),
                   Expected(test["result"] == "valid", signature.size() == 256),
                   test);
    }
  }
}

// All are "acceptable", because 1024 bits are few (SmallModulus) and SHA-1 is
// old (WeakHash). They must be accepted: AWS signs with RSA-1024, and which
// hash a kind of evidence may have is decided above, not here.
TEST_F(Wycheproof, Rsa1024) {
  std::map<std::string, int> accepted;
  const Json file = Load("rsa_pkcs1_1024_sig_gen_test.json");
  for (const Json& group : file["testGroups"]) {
    const PublicKey key = Key(group["keyDer"]);
    ASSERT_EQ(key.bits(), 1024);
    const auto hash = HashNamed(group["sha"]);
    if (!hash.has_value()) {
      ASSERT_EQ(group["sha"], "SHA-224");
      continue;
    }
    for (const Json& test : group["tests"]) {
      ASSERT_NE(test["result"], "invalid");
      const std::string message = Bytes(test["msg"]);
      const std::string signature = Bytes(test["sig"]);
      ExpectAnswer(key.VerifyDigest(*hash, Hash(*hash, message), signature),
                   std::nullopt, test);
      ExpectAnswer(
          key.VerifyDigest(*hash, Hash(*hash, message + "x"), signature),
          Reason::kSignatureMismatch, test);
      ++accepted[group["sha"]];
    }
  }
  EXPECT_GT(accepted["SHA-1"], 0);
  EXPECT_GT(accepted["SHA-256"], 0);
  EXPECT_GT(accepted["SHA-384"], 0);
}

}  // namespace
}  // namespace anchorage::verify
