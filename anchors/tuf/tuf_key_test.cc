#include "anchors/tuf/tuf_key.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "anchors/publishing/signer.h"
#include "anchors/tuf/tuf_error.h"
#include "test/support/tuf_test_matchers.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/json.h"

namespace anchorage::anchors::tuf {
namespace {

absl::StatusOr<TufKey> Parse(std::string_view json) {
  const auto value = verify::ParseJson(json, {.max_bytes = 1 << 16});
  EXPECT_TRUE(value.ok()) << value.status();
  return TufKey::Parse(*value);
}

// The public half of a new key of another library's making, in PEM.
std::string PublicPem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, key);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, size);
  BIO_free(bio);
  EVP_PKEY_free(key);
  return pem;
}

TEST(TufKeyTest, IsNamedByTheHashOfTheWholeObject) {
  const std::string canonical =
      R"({"a":{"b":1},"keytype":"x","keyval":{"public":"p"},"scheme":"y"})";
  const auto key = Parse(
      R"({"scheme":"y","keyval":{"public":"p"},"keytype":"x","a":{"b":1}})");
  ASSERT_THAT(key, IsOk());
  EXPECT_EQ(key->keyid(), verify::Sha256Hex(canonical));
  EXPECT_EQ(key->keytype(), "x");
  EXPECT_EQ(key->scheme(), "y");
}

TEST(TufKeyTest, HashesTheLineFeedsOfAPemAsLineFeeds) {
  const auto key = TufKey::Make("ecdsa", "ecdsa-sha2-nistp256", "a\nb\n");
  ASSERT_THAT(key, IsOk());
  EXPECT_EQ(key->keyid(),
            verify::Sha256Hex("{\"keytype\":\"ecdsa\",\"keyval\":{\"public\":"
                              "\"a\nb\n\"},\"scheme\":"
                              "\"ecdsa-sha2-nistp256\"}"));
}

TEST(TufKeyTest, KeepsUnknownMembers) {
  const auto key = Parse(
      R"({"keytype":"x","keyval":{"public":"p","q":"\u00e9"},"scheme":"y",)"
      R"("keyid_hash_algorithms":["md5"]})");
  ASSERT_THAT(key, IsOk());
  const auto again = Parse(key->json());
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->keyid(), key->keyid());
}

TEST(TufKeyTest, VerifiesEachTypeThatItSupports) {
  std::unique_ptr<SigningKey> keys[] = {
      *SoftwareKey::GenerateEd25519(), *SoftwareKey::GenerateP256(), [] {
        EVP_PKEY* rsa = EVP_RSA_gen(2048);
        BIO* bio = BIO_new(BIO_s_mem());
        PEM_write_bio_PrivateKey(bio, rsa, nullptr, nullptr, 0, nullptr,
                                 nullptr);
        char* data = nullptr;
        const long size = BIO_get_mem_data(bio, &data);
        auto key = SoftwareKey::FromPem(
            std::string_view(data, static_cast<std::size_t>(size)));
        BIO_free(bio);
        EVP_PKEY_free(rsa);
        return *std::move(key);
      }()};
  for (const auto& key : keys) {
    SCOPED_TRACE(key->public_key().scheme());
    const TufKey& public_key = key->public_key();
    EXPECT_TRUE(public_key.supported());
    const std::string signature = *key->Sign("message");
    EXPECT_TRUE(public_key.Verify("message", signature));
    EXPECT_FALSE(public_key.Verify("Message", signature));
    EXPECT_FALSE(public_key.Verify("message", ""));
    EXPECT_FALSE(public_key.Verify("message", signature + "x"));
    for (std::size_t i : {std::size_t{0}, signature.size() / 2}) {
      std::string other = signature;
      other[i] ^= 1;
      EXPECT_FALSE(public_key.Verify("message", other));
    }
  }
}

TEST(TufKeyTest, KnowsBothSpellingsOfP256) {
  const auto key = SoftwareKey::GenerateP256();
  ASSERT_THAT(key, IsOk());
  const auto old = Parse(absl::StrReplaceAll(
      (*key)->public_key().json(), {{"\"ecdsa\"", "\"ecdsa-sha2-nistp256\""}}));
  ASSERT_THAT(old, IsOk());
  EXPECT_TRUE(old->Verify("message", *(*key)->Sign("message")));
  EXPECT_EQ(old->identity(), (*key)->public_key().identity());
  EXPECT_NE(old->keyid(), (*key)->public_key().keyid());
}

TEST(TufKeyTest, HasOneIdentityHoweverThePemIsWrapped) {
  const auto key = SoftwareKey::GenerateP256();
  ASSERT_THAT(key, IsOk());
  const auto other = Parse(absl::StrReplaceAll((*key)->public_key().json(),
                                               {{"-----\\n\"", "-----\""}}));
  ASSERT_THAT(other, IsOk());
  EXPECT_NE(other->keyid(), (*key)->public_key().keyid());
  EXPECT_EQ(other->identity(), (*key)->public_key().identity());
}

TEST(TufKeyTest, KeepsButNeverVerifiesWithWhatItDoesNotKnow) {
  const auto ed25519 = SoftwareKey::GenerateEd25519();
  const std::string signature = *(*ed25519)->Sign("message");
  const std::string good = (*ed25519)->public_key().json();
  const std::string keys[] = {
      absl::StrReplaceAll(
          good, {{"\"scheme\":\"ed25519\"", "\"scheme\":\"ed25519ph\""}}),
      absl::StrReplaceAll(
          good, {{"\"keytype\":\"ed25519\"", "\"keytype\":\"ml-dsa\""}}),
      absl::StrReplaceAll(good, {{"\"public\":\"", "\"public\":\"00"}}),
      absl::StrReplaceAll(good, {{"\"public\"", "\"publik\""}}),
      R"({"keytype":"ed25519","keyval":{"public":1},"scheme":"ed25519"})",
      R"({"keytype":"ed25519","keyval":{"public":"zz"},"scheme":"ed25519"})",
      R"({"keytype":"ecdsa","keyval":{"public":"-----BEGIN PUBLIC KEY-----"},)"
      R"("scheme":"ecdsa-sha2-nistp256"})"};
  for (const std::string& json : keys) {
    SCOPED_TRACE(json);
    const auto key = Parse(json);
    ASSERT_THAT(key, IsOk());
    EXPECT_FALSE(key->supported());
    EXPECT_FALSE(key->Verify("message", signature));
  }
}

TEST(TufKeyTest, DoesNotSupportKeysOfOtherSizesAndForms) {
  const auto ecdsa = [](std::string pem) {
    return *TufKey::Make("ecdsa", "ecdsa-sha2-nistp256", pem);
  };
  const auto rsa = [](std::string pem) {
    return *TufKey::Make("rsa", "rsassa-pss-sha256", pem);
  };
  EXPECT_TRUE(ecdsa(PublicPem(EVP_EC_gen("P-256"))).supported());
  EXPECT_FALSE(ecdsa(PublicPem(EVP_EC_gen("P-384"))).supported());
  EXPECT_FALSE(rsa(PublicPem(EVP_EC_gen("P-256"))).supported());
  EXPECT_FALSE(rsa(PublicPem(EVP_RSA_gen(1024))).supported());
  EVP_PKEY* compressed = EVP_EC_gen("P-256");
  ASSERT_EQ(
      EVP_PKEY_set_utf8_string_param(compressed, "point-format", "compressed"),
      1);
  EXPECT_FALSE(ecdsa(PublicPem(compressed)).supported());
}

TEST(TufKeyTest, RefusesWhatIsNoKeyObject) {
  for (const char* json :
       {"{}", "[]", R"({"keytype":"x","keyval":{}})",
        R"({"keytype":"x","scheme":"y"})", R"({"keyval":{},"scheme":"y"})",
        R"({"keytype":"x","keyval":"v","scheme":"y"})",
        R"({"keytype":1,"keyval":{},"scheme":"y"})"}) {
    EXPECT_THAT(Parse(json), RejectedFor(TufReason::kMetadataMalformed))
        << json;
  }
  EXPECT_THAT(Parse(R"({"keytype":"x","keyval":{},"scheme":"y","n":1.5})"),
              RejectedFor(TufReason::kNumberNotCanonical));
}

}  // namespace
}  // namespace anchorage::anchors::tuf
