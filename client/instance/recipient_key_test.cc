#include "client/instance/recipient_key.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace anchorage::client {
namespace {

// What must be in no memory that is freed; empty for nothing.
std::string* const secret_part = new std::string();
int leaks = 0;

bool Holds(void* memory, std::string_view part) {
  if (memory == nullptr || part.empty()) return false;
  const std::string_view all(static_cast<const char*>(memory),
                             ::malloc_usable_size(memory));
  return all.find(part) != std::string_view::npos;
}

void* Malloc(std::size_t size, const char*, int) { return std::malloc(size); }
void* Realloc(void* memory, std::size_t size, const char*, int) {
  return std::realloc(memory, size);
}
void LookAndFree(void* memory, const char*, int) {
  if (Holds(memory, *secret_part)) ++leaks;
  std::free(memory);
}

// Only before OpenSSL asks for memory.
const bool watches =
    CRYPTO_set_mem_functions(Malloc, Realloc, LookAndFree) == 1;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Context = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;

Key ReadPublic(std::string_view der) {
  auto* at = reinterpret_cast<const unsigned char*>(der.data());
  return {d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())),
          EVP_PKEY_free};
}

Key ReadPrivate(std::string_view der) {
  auto* at = reinterpret_cast<const unsigned char*>(der.data());
  return {d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())),
          EVP_PKEY_free};
}

// As RSAES_OAEP_SHA_256 has it.
void UseOaep(EVP_PKEY_CTX* context) {
  ASSERT_GT(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING), 0);
  ASSERT_GT(EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()), 0);
  ASSERT_GT(EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()), 0);
}

TEST(RecipientKey, OpensWhatIsEncryptedToIt) {
  const auto key = RecipientKey::Generate();
  ASSERT_TRUE(key.ok()) << key.status();
  const Key to = ReadPublic(key->public_key());
  ASSERT_NE(to, nullptr);
  EXPECT_EQ(EVP_PKEY_get_bits(to.get()), 2048);
  const Key from = ReadPrivate(key->private_key());
  ASSERT_NE(from, nullptr);

  const unsigned char secret[] = {'s', 'e', 'c', 'r', 'e', 't'};
  unsigned char sealed[256];
  std::size_t size = sizeof(sealed);
  const Context seal(EVP_PKEY_CTX_new(to.get(), nullptr), EVP_PKEY_CTX_free);
  ASSERT_GT(EVP_PKEY_encrypt_init(seal.get()), 0);
  UseOaep(seal.get());
  ASSERT_GT(EVP_PKEY_encrypt(seal.get(), sealed, &size, secret, sizeof(secret)),
            0);
  unsigned char opened[256];
  std::size_t opened_size = sizeof(opened);
  const Context open(EVP_PKEY_CTX_new(from.get(), nullptr), EVP_PKEY_CTX_free);
  ASSERT_GT(EVP_PKEY_decrypt_init(open.get()), 0);
  UseOaep(open.get());
  ASSERT_GT(EVP_PKEY_decrypt(open.get(), opened, &opened_size, sealed, size),
            0);
  EXPECT_EQ(std::string(opened, opened + opened_size), "secret");
}

TEST(RecipientKey, NoTwoAreTheSame) {
  const auto one = RecipientKey::Generate();
  const auto other = RecipientKey::Generate();
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_NE(one->public_key(), other->public_key());
}

TEST(RecipientKey, IsOverwrittenWithItsObject) {
  ASSERT_TRUE(watches);
  auto made = RecipientKey::Generate();
  ASSERT_TRUE(made.ok());
  std::optional<RecipientKey> key = *std::move(made);
  // Of the private exponent or a prime: all but the first 300 bytes is secret.
  *secret_part = key->private_key().substr(400, 32);
  leaks = 0;
  key.reset();
  secret_part->clear();
  EXPECT_EQ(leaks, 0);
}

}  // namespace
}  // namespace anchorage::client
