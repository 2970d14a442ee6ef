// RSA signatures: PKCS #1 v1.5 and PSS.

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "test/fake_aws/der_writer.h"
#include "test/support/test_keys.h"
#include "verify/crypto/public_key.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using test::AlgorithmId;
using test::OctetString;
using test::Oid;
using test::Parameters;
using test::Sequence;
using test::TestKey;

// Every test here also checks that no error is left for another to find.
class RsaSignatureTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(ERR_peek_error(), 0u); }
  void TearDown() override { EXPECT_EQ(ERR_peek_error(), 0u); }
};

// --- RSA, PKCS #1 v1.5 ------------------------------------------------------

struct Forgery {
  const char* name;
  // The block that the private key is applied to, given its size and the
  // right DigestInfo.
  std::string (*block)(std::size_t size, std::string_view digest_info);
};

// What stands between 00 01 and the DigestInfo, and what follows it.
std::string Block(std::string_view head, std::size_t padding, char fill,
                  std::string_view tail) {
  return std::string(head) + std::string(padding, fill) + std::string(tail);
}

std::string Sha256Of(std::string_view message) {
  return test::HashOf(test::Hash::kSha256, message);
}

std::string Zero() { return std::string(1, '\0'); }
std::string Head() { return std::string("\0\1", 2); }

class Pkcs1Forgery : public ::testing::TestWithParam<Forgery> {};

// Each is the signature that the key's owner would make over a wrong block:
// only a verifier that compares every byte of the block refuses all.
TEST_P(Pkcs1Forgery, IsRefused) {
  for (const TestKey* key : {&Rsa1024(), &Rsa2048()}) {
    const std::size_t size = key->modulus().size();
    const std::string digest_info =
        test::DigestInfo(test::Hash::kSha256, Sha256Of(kMessage));
    const std::string block = GetParam().block(size, digest_info);
    ASSERT_EQ(block.size(), size);
    ASSERT_NE(block, test::Pkcs1Block(size, digest_info));
    EXPECT_EQ(ReasonOf(Verify(*key, HashAlgorithm::kSha256, kMessage,
                              key->RawPrivate(block))),
              Reason::kSignatureMismatch);
    EXPECT_EQ(ERR_peek_error(), 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Pkcs1Forgery,
    ::testing::Values(Forgery{"GarbageAfterDigestInfo",
                              [](std::size_t size, std::string_view info) {
                                return Block(
                                    Head(), 8, '\xff',
                                    Zero() + std::string(info) +
                                        std::string(size - 11 - info.size(),
                                                    'g'));
                              }},
                      Forgery{"GarbageInsideDigestInfo",
                              [](std::size_t size, std::string_view) {
                                const std::string info =
                                    Sequence({AlgorithmId(test::kOidSha256,
                                                          Parameters::kNull),
                                              OctetString(Sha256Of(kMessage)),
                                              OctetString("g")});
                                return test::Pkcs1Block(size, info);
                              }},
                      Forgery{"GarbageInsideParameters",
                              [](std::size_t size, std::string_view) {
                                const std::string info = Sequence(
                                    {Sequence({Oid(test::kOidSha256),
                                               OctetString("garbage")}),
                                     OctetString(Sha256Of(kMessage))});
                                return test::Pkcs1Block(size, info);
                              }},
                      Forgery{"NoNullParameters",
                              [](std::size_t size, std::string_view) {
                                const std::string info =
                                    Sequence({AlgorithmId(test::kOidSha256,
                                                          Parameters::kAbsent),
                                              OctetString(Sha256Of(kMessage))});
                                return test::Pkcs1Block(size, info);
                              }},
                      Forgery{"LongLengthInDigestInfo",
                              [](std::size_t size, std::string_view) {
                                const std::string info = test::TlvLongLength(
                                    0x30,
                                    AlgorithmId(test::kOidSha256,
                                                Parameters::kNull) +
                                        OctetString(Sha256Of(kMessage)),
                                    1);
                                return test::Pkcs1Block(size, info);
                              }},
                      Forgery{"IndefiniteLengthInDigestInfo",
                              [](std::size_t size, std::string_view) {
                                const std::string info = test::Indefinite(
                                    0x30, AlgorithmId(test::kOidSha256,
                                                      Parameters::kNull) +
                                              OctetString(Sha256Of(kMessage)));
                                return test::Pkcs1Block(size, info);
                              }},
                      Forgery{"ShortPadding",
                              [](std::size_t size, std::string_view info) {
                                return Block(
                                    Head(), 7, '\xff',
                                    Zero() + std::string(info) +
                                        std::string(size - 10 - info.size(),
                                                    'g'));
                              }},
                      Forgery{"NoPadding",
                              [](std::size_t size, std::string_view info) {
                                return Block(
                                    Head(), 0, '\xff',
                                    Zero() + std::string(info) +
                                        std::string(size - 3 - info.size(),
                                                    'g'));
                              }},
                      Forgery{"PaddingMovedToTheFront",
                              [](std::size_t size, std::string_view info) {
                                return std::string(1, '\0') +
                                       test::Pkcs1Block(size - 1, info);
                              }},
                      Forgery{"PaddingByteThatIsNotFf",
                              [](std::size_t size, std::string_view info) {
                                std::string block =
                                    test::Pkcs1Block(size, info);
                                block[20] = '\xfe';
                                return block;
                              }},
                      Forgery{"PaddingByteThatIsZero",
                              [](std::size_t size, std::string_view info) {
                                std::string block =
                                    test::Pkcs1Block(size, info);
                                block[20] = '\0';
                                return block;
                              }},
                      Forgery{"BlockTypeZero",
                              [](std::size_t size, std::string_view info) {
                                std::string block =
                                    test::Pkcs1Block(size, info);
                                block[1] = '\0';
                                return block;
                              }},
                      Forgery{"BlockTypeTwo",
                              [](std::size_t size, std::string_view info) {
                                std::string block =
                                    test::Pkcs1Block(size, info);
                                block[1] = '\2';
                                return block;
                              }},
                      Forgery{"NoLeadingZero",
                              [](std::size_t size, std::string_view info) {
                                std::string block =
                                    test::Pkcs1Block(size, info);
                                block[0] = '\1';
                                return block;
                              }},
                      Forgery{"NoSeparator",
                              [](std::size_t size, std::string_view info) {
                                std::string block =
                                    test::Pkcs1Block(size, info);
                                block[size - info.size() - 1] = '\xff';
                                return block;
                              }},
                      Forgery{"NameOfAnotherHash",
                              [](std::size_t size, std::string_view) {
                                return test::Pkcs1Block(
                                    size, test::DigestInfo(test::Hash::kSha384,
                                                           Sha256Of(kMessage)));
                              }},
                      Forgery{"AnotherHash",
                              [](std::size_t size, std::string_view) {
                                return test::Pkcs1Block(
                                    size, test::DigestInfo(
                                              test::Hash::kSha1,
                                              test::HashOf(test::Hash::kSha1,
                                                           kMessage)));
                              }},
                      Forgery{"NoDigestInfo",
                              [](std::size_t size, std::string_view) {
                                return test::Pkcs1Block(size,
                                                        Sha256Of(kMessage));
                              }},
                      Forgery{"EmptyDigest",
                              [](std::size_t size, std::string_view) {
                                return test::Pkcs1Block(
                                    size,
                                    test::DigestInfo(test::Hash::kSha256, ""));
                              }},
                      Forgery{"DigestOfOneByteMore",
                              [](std::size_t size, std::string_view) {
                                return test::Pkcs1Block(
                                    size,
                                    test::DigestInfo(test::Hash::kSha256,
                                                     Sha256Of(kMessage) + "x"));
                              }}),
    [](const auto& info) { return info.param.name; });

// Bleichenbacher's forgery of 2006 needs no private key at all where the
// exponent is 3 and what follows the DigestInfo is not looked at.
TEST_F(RsaSignatureTest, RefusesACubeRootAsASignature) {
  const TestKey& key = TestKey::Rsa(2048, 0, 3);
  const std::string prefix =
      Head() + std::string(8, '\xff') + Zero() +
      test::DigestInfo(test::Hash::kSha256, Sha256Of(kMessage));
  EXPECT_EQ(ReasonOf(Verify(key, HashAlgorithm::kSha256, kMessage,
                            test::CubeRootForgery(prefix, 256))),
            Reason::kSignatureMismatch);
  EXPECT_TRUE(Verify(key, HashAlgorithm::kSha256, kMessage,
                     SignatureOf(key, HashAlgorithm::kSha256, kMessage))
                  .ok());
}

TEST_F(RsaSignatureTest, RefusesAnRsaSignatureAtOrAboveTheModulus) {
  const auto why = [](const TestKey& key, std::string_view signature) {
    return ReasonOf(Verify(key, HashAlgorithm::kSha256, kMessage, signature));
  };
  for (const TestKey* key : {&Rsa1024(), &Rsa2048()}) {
    const std::string modulus = key->modulus();
    EXPECT_EQ(why(*key, modulus), Reason::kSignatureMismatch);
    EXPECT_EQ(why(*key, std::string(modulus.size(), '\xff')),
              Reason::kSignatureMismatch);
    EXPECT_EQ(why(*key, std::string(modulus.size(), '\0')),
              Reason::kSignatureMismatch);
  }
}

// s + n is the same number modulo n. It seldom has as few bytes as n: a few
// messages are tried until it does.
TEST_F(RsaSignatureTest, RefusesASignatureWithTheModulusAdded) {
  const std::string modulus = Rsa1024().modulus();
  int tried = 0;
  for (int i = 0; i < 64; ++i) {
    const std::string message = std::to_string(i);
    const std::string signature =
        SignatureOf(Rsa1024(), HashAlgorithm::kSha256, message);
    const std::string sum = test::Add(signature, modulus, modulus.size() + 1);
    EXPECT_EQ(ReasonOf(Verify(Rsa1024(), HashAlgorithm::kSha256, message, sum)),
              Reason::kSignatureMalformed);
    if (sum.front() != '\0') continue;
    ++tried;
    EXPECT_EQ(ReasonOf(Verify(Rsa1024(), HashAlgorithm::kSha256, message,
                              std::string_view(sum).substr(1))),
              Reason::kSignatureMismatch);
  }
  EXPECT_GT(tried, 0);
}

TEST_F(RsaSignatureTest, WantsAnRsaSignatureAsLongAsTheModulus) {
  // 1025 bits are 129 bytes.
  const PublicKey key =
      PublicKey::FromSpki(RsaSpki(OddNumber(1025), 65537)).value();
  const Digest digest = Hash(HashAlgorithm::kSha256, kMessage);
  const auto why = [&](std::size_t size) {
    return ReasonOf(key.VerifyDigest(HashAlgorithm::kSha256, digest,
                                     std::string(size, '\0')));
  };
  EXPECT_EQ(why(128), Reason::kSignatureMalformed);
  EXPECT_EQ(why(129), Reason::kSignatureMismatch);
  EXPECT_EQ(why(130), Reason::kSignatureMalformed);
}

// The library answers a negative number, not 0, for some of what does not
// verify (CVE-2008-5077): a number above the modulus is one way to make it.
TEST_F(RsaSignatureTest, TakesNoErrorOfTheLibraryForASuccess) {
  // No message representative is this large: the library reports an error.
  const PublicKey key =
      PublicKey::FromSpki(RsaSpki(OddNumber(2048), 3)).value();
  EXPECT_EQ(ReasonOf(key.VerifyDigest(HashAlgorithm::kSha256,
                                      Hash(HashAlgorithm::kSha256, "x"),
                                      std::string(256, '\xff'))),
            Reason::kSignatureMismatch);
}

TEST_F(RsaSignatureTest, RefusesAnEvenModulus) {
  std::string even = OddNumber(2048);
  even.back() = '\xa4';
  EXPECT_EQ(ReasonOf(PublicKey::FromSpki(RsaSpki(even, 3)).status()),
            Reason::kFieldInvalid);
}

// --- RSA, PSS ---------------------------------------------------------------

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// A fresh RSA key that signs with PSS, by the library's own means.
class PssSigner {
 public:
  PssSigner() : key_(EVP_RSA_gen(2048)) {}

  std::string spki() const {
    std::string der(static_cast<std::size_t>(i2d_PUBKEY(key_.get(), nullptr)),
                    '\0');
    auto* out = reinterpret_cast<unsigned char*>(der.data());
    i2d_PUBKEY(key_.get(), &out);
    return der;
  }

  std::string Sign(const EVP_MD* hash, const EVP_MD* mgf1_hash, int salt,
                   int padding = RSA_PKCS1_PSS_PADDING) const {
    const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr;
    std::string signature(256, '\0');
    std::size_t size = signature.size();
    const bool pss = padding == RSA_PKCS1_PSS_PADDING;
    EXPECT_TRUE(
        EVP_DigestSignInit(context.get(), &options, hash, nullptr,
                           key_.get()) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(options, padding) == 1 &&
        (!pss || (EVP_PKEY_CTX_set_rsa_mgf1_md(options, mgf1_hash) == 1 &&
                  EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt) == 1)) &&
        EVP_DigestSign(
            context.get(), reinterpret_cast<unsigned char*>(signature.data()),
            &size, reinterpret_cast<const unsigned char*>(kMessage.data()),
            kMessage.size()) == 1);
    return signature;
  }

 private:
  std::unique_ptr<EVP_PKEY, FreeKey> key_;
};

TEST_F(RsaSignatureTest, VerifiesPssWithSaltsOfAnyLength) {
  const PssSigner signer;
  const PublicKey key = PublicKey::FromSpki(signer.spki()).value();
  const Digest digest = Hash(HashAlgorithm::kSha256, kMessage);
  for (const int salt : {0, 1, 20, 32, 222}) {
    const std::string signature = signer.Sign(EVP_sha256(), EVP_sha256(), salt);
    EXPECT_TRUE(key.VerifyPss(digest, signature).ok()) << salt;
    EXPECT_EQ(
        ReasonOf(key.VerifyPss(Hash(HashAlgorithm::kSha256, "x"), signature)),
        Reason::kSignatureMismatch);
  }
}

TEST_F(RsaSignatureTest, RefusesPssOfOtherHashesAndOtherPaddings) {
  const PssSigner signer;
  const PublicKey key = PublicKey::FromSpki(signer.spki()).value();
  const Digest digest = Hash(HashAlgorithm::kSha256, kMessage);
  const auto why = [&](std::string_view signature) {
    return ReasonOf(key.VerifyPss(digest, signature));
  };
  EXPECT_EQ(why(signer.Sign(EVP_sha384(), EVP_sha384(), 32)),
            Reason::kSignatureMismatch);
  EXPECT_EQ(why(signer.Sign(EVP_sha256(), EVP_sha1(), 32)),
            Reason::kSignatureMismatch);
  const std::string pkcs1 =
      signer.Sign(EVP_sha256(), nullptr, 0, RSA_PKCS1_PADDING);
  EXPECT_EQ(why(pkcs1), Reason::kSignatureMismatch);
  const std::string pss = signer.Sign(EVP_sha256(), EVP_sha256(), 32);
  EXPECT_EQ(why(pss.substr(1)), Reason::kSignatureMalformed);
  EXPECT_EQ(why(pss + "x"), Reason::kSignatureMalformed);
  EXPECT_EQ(why(""), Reason::kSignatureMalformed);
  // And the other way round: neither padding passes for the other.
  EXPECT_TRUE(key.VerifyDigest(HashAlgorithm::kSha256, digest, pkcs1).ok());
  EXPECT_EQ(ReasonOf(key.VerifyDigest(HashAlgorithm::kSha256, digest, pss)),
            Reason::kSignatureMismatch);
}

TEST_F(RsaSignatureTest, RefusesPssOverADigestOfAnotherHash) {
  const PssSigner signer;
  const PublicKey key = PublicKey::FromSpki(signer.spki()).value();
  const std::string signature = signer.Sign(EVP_sha384(), EVP_sha384(), 32);
  EXPECT_EQ(ReasonOf(key.VerifyPss(Hash(HashAlgorithm::kSha384, kMessage),
                                   signature)),
            Reason::kSignatureMismatch);
}

}  // namespace
}  // namespace anchorage::verify
