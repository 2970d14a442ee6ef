#include "anchors/publishing/signer.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "anchors/tuf/tuf_error.h"
#include "test/support/tuf_test_matchers.h"
#include "verify/encoding/base64.h"

namespace anchorage::anchors::tuf {
namespace {

std::string PrivatePem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, size);
  BIO_free(bio);
  EVP_PKEY_free(key);
  return pem;
}

class SignerTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(ERR_peek_error(), 0u); }
};

TEST_F(SignerTest, MakesTheEd25519KeyOfASeed) {
  // RFC 8032, section 7.1, test 2.
  const auto key = SoftwareKey::Ed25519FromSeed(*verify::DecodeHex(
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  ASSERT_THAT(key, IsOk());
  EXPECT_NE((*key)->public_key().json().find(
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af466"
                "0c"),
            std::string::npos);
  EXPECT_EQ(absl::BytesToHexString(*(*key)->Sign("\x72")),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

TEST_F(SignerTest, RefusesASeedOfAnotherLength) {
  EXPECT_THAT(SoftwareKey::Ed25519FromSeed("short"),
              RejectedFor(TufReason::kSigningKeyUnreadable));
}

TEST_F(SignerTest, MakesOtherKeysEachTime) {
  EXPECT_NE((*SoftwareKey::GenerateEd25519())->public_key().keyid(),
            (*SoftwareKey::GenerateEd25519())->public_key().keyid());
  EXPECT_NE((*SoftwareKey::GenerateP256())->public_key().keyid(),
            (*SoftwareKey::GenerateP256())->public_key().keyid());
}

TEST_F(SignerTest, WritesAndReadsAKey) {
  for (auto made :
       {&SoftwareKey::GenerateEd25519, &SoftwareKey::GenerateP256}) {
    const auto key = made();
    ASSERT_THAT(key, IsOk());
    const auto pem = (*key)->ToPem();
    ASSERT_THAT(pem, IsOk());
    EXPECT_TRUE(pem->view().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    const auto again = SoftwareKey::FromPem(pem->view());
    ASSERT_THAT(again, IsOk());
    EXPECT_EQ((*again)->public_key().keyid(), (*key)->public_key().keyid());
    EXPECT_TRUE(
        (*key)->public_key().Verify("message", *(*again)->Sign("message")));
  }
}

TEST_F(SignerTest, WritesAndReadsAnEncryptedKey) {
  const auto key = SoftwareKey::GenerateEd25519();
  ASSERT_THAT(key, IsOk());
  const auto pem = (*key)->ToPem("correct horse");
  ASSERT_THAT(pem, IsOk());
  EXPECT_TRUE(
      pem->view().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
  const auto again = SoftwareKey::FromPem(pem->view(), "correct horse");
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ((*again)->public_key().keyid(), (*key)->public_key().keyid());
  EXPECT_THAT(SoftwareKey::FromPem(pem->view(), "battery staple"),
              RejectedFor(TufReason::kSigningKeyUnreadable));
  EXPECT_THAT(SoftwareKey::FromPem(pem->view(), std::string(100'000, 'x')),
              RejectedFor(TufReason::kSigningKeyUnreadable));
  EXPECT_THAT(SoftwareKey::FromPem(pem->view()),
              RejectedFor(TufReason::kSigningKeyUnreadable));
}

TEST_F(SignerTest, WritesNoKeyUnderAnEmptyPassphrase) {
  const auto key = SoftwareKey::GenerateEd25519();
  ASSERT_THAT(key, IsOk());
  EXPECT_THAT((*key)->ToPem(""), RejectedFor(TufReason::kSigningFailed));
}

TEST_F(SignerTest, ReadsRsaKeys) {
  const auto key = SoftwareKey::FromPem(PrivatePem(EVP_RSA_gen(2048)));
  ASSERT_THAT(key, IsOk());
  EXPECT_EQ((*key)->public_key().scheme(), "rsassa-pss-sha256");
  EXPECT_TRUE((*key)->public_key().Verify("message", *(*key)->Sign("message")));
}

TEST_F(SignerTest, RefusesKeysThatTufClientsDoNotKnow) {
  for (EVP_PKEY* key : {EVP_EC_gen("P-384"), EVP_RSA_gen(1024),
                        EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448"),
                        EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519")}) {
    EXPECT_THAT(SoftwareKey::FromPem(PrivatePem(key)),
                RejectedFor(TufReason::kSigningKeyUnsupported));
  }
}

TEST_F(SignerTest, RefusesWhatIsNoPrivateKey) {
  const auto key = SoftwareKey::GenerateP256();
  ASSERT_THAT(key, IsOk());
  const std::string pem((*key)->ToPem()->view());
  for (const std::string& text :
       {std::string(), std::string("junk"), pem.substr(0, pem.size() / 2),
        std::string("-----BEGIN PRIVATE KEY-----\n"
                    "AAAA\n-----END PRIVATE KEY-----\n"),
        std::string(kMaxPrivateKeyPemBytes + 1, '\n')}) {
    EXPECT_THAT(SoftwareKey::FromPem(text),
                RejectedFor(TufReason::kSigningKeyUnreadable));
  }
}

}  // namespace
}  // namespace anchorage::anchors::tuf
