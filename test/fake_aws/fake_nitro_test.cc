#include "test/fake_aws/fake_nitro.h"

#include <gtest/gtest.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/skeleton.h"

namespace anchorage::test {
namespace {

const unsigned char* Bytes(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::string ReadFile(const std::string& name) {
  std::ifstream file("test/vectors/real/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

X509* ReadCertificate(const std::string& der) {
  const unsigned char* at = Bytes(der);
  X509* certificate = d2i_X509(nullptr, &at, static_cast<long>(der.size()));
  EXPECT_NE(certificate, nullptr);
  return certificate;
}

// OpenSSL's opinion of a chain, root first: X509_V_OK or what is wrong. Not
// its strict mode, which wants the key identifiers that AWS leaves out.
int ChainError(const std::vector<std::string>& chain, absl::Time at) {
  X509_STORE* store = X509_STORE_new();
  X509* root = ReadCertificate(chain.front());
  X509_STORE_add_cert(store, root);
  STACK_OF(X509)* between = sk_X509_new_null();
  for (std::size_t i = 1; i + 1 < chain.size(); ++i) {
    sk_X509_push(between, ReadCertificate(chain[i]));
  }
  X509* leaf = ReadCertificate(chain.back());
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, leaf, between);
  X509_STORE_CTX_set_time(context, 0, absl::ToTimeT(at));
  X509_verify_cert(context);
  const int error = X509_STORE_CTX_get_error(context);
  X509_STORE_CTX_free(context);
  X509_free(leaf);
  sk_X509_pop_free(between, X509_free);
  X509_free(root);
  X509_STORE_free(store);
  return error;
}

// OpenSSL's opinion of the last 96 bytes of `document` over the Sig_structure
// that RFC 9052 4.4 builds around `payload`.
bool SignatureVerifies(const std::string& document, const std::string& payload,
                       const std::string& leaf_der) {
  std::string signed_bytes = "\x84\x6aSignature1\x44";
  signed_bytes += "\xa1\x01\x38\x22\x40\x59";
  signed_bytes.push_back(static_cast<char>(payload.size() >> 8));
  signed_bytes.push_back(static_cast<char>(payload.size() & 0xff));
  signed_bytes += payload;

  const std::string fixed = document.substr(document.size() - 96);
  ECDSA_SIG* signature = ECDSA_SIG_new();
  ECDSA_SIG_set0(signature, BN_bin2bn(Bytes(fixed), 48, nullptr),
                 BN_bin2bn(Bytes(fixed) + 48, 48, nullptr));
  unsigned char* der = nullptr;
  const int der_size = i2d_ECDSA_SIG(signature, &der);
  X509* leaf = ReadCertificate(leaf_der);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool verified =
      EVP_DigestVerifyInit(context, nullptr, EVP_sha384(), nullptr,
                           X509_get0_pubkey(leaf)) == 1 &&
      EVP_DigestVerify(context, der, static_cast<std::size_t>(der_size),
                       Bytes(signed_bytes), signed_bytes.size()) == 1;
  EVP_MD_CTX_free(context);
  X509_free(leaf);
  OPENSSL_free(der);
  ECDSA_SIG_free(signature);
  return verified;
}

class FakeNitroTest : public ::testing::TestWithParam<NitroType> {
 protected:
  FakeNitro aws_;
  NitroSpec good_ = aws_.Genuine(GetParam());
};

TEST_P(FakeNitroTest, OpenSslAcceptsTheChain) {
  const std::vector<std::string> chain = Certificates(good_);
  ASSERT_EQ(chain.size(), 5u);
  EXPECT_EQ(ChainError(chain, FakeNow()), X509_V_OK);
  EXPECT_EQ(aws_.RootAnchor().certificates_der.at(0), chain[0]);
}

TEST_P(FakeNitroTest, OpenSslRefusesBrokenChains) {
  EXPECT_EQ(ChainError(Certificates(good_), FakeNow() + absl::Hours(3)),
            X509_V_ERR_CERT_HAS_EXPIRED);

  NitroSpec spec = good_;
  spec.chain[kRegional].Find(kOidBasicConstraints)->value =
      BasicConstraints(true, 1).value;
  EXPECT_EQ(ChainError(Certificates(spec), FakeNow()),
            X509_V_ERR_PATH_LENGTH_EXCEEDED);

  spec = good_;
  spec.chain[kZonal].issuer_key = &AttackerKey(verify::AnchorKind::kNitroRoot);
  EXPECT_EQ(ChainError(Certificates(spec), FakeNow()),
            X509_V_ERR_CERT_SIGNATURE_FAILURE);
}

TEST_P(FakeNitroTest, OpenSslAcceptsTheSignature) {
  const std::string leaf = Certificates(good_).back();
  const std::string payload = Payload(good_);
  EXPECT_TRUE(SignatureVerifies(Encode(good_), payload, leaf));

  NitroSpec spec = good_;
  spec.cose.edit_signature = [](std::string s) {
    s[40] = static_cast<char>(s[40] ^ 1);
    return s;
  };
  EXPECT_FALSE(SignatureVerifies(Encode(spec), payload, leaf));
  spec = good_;
  spec.cose.external_aad = "x";
  EXPECT_FALSE(SignatureVerifies(Encode(spec), payload, leaf));
  spec = good_;
  spec.cose.context = "Signature";
  EXPECT_FALSE(SignatureVerifies(Encode(spec), payload, leaf));
}

TEST_P(FakeNitroTest, APartitionHasItsOwnRoot) {
  EXPECT_NE(FakeNitro("aws-us-gov").RootAnchor().spki_der,
            aws_.RootAnchor().spki_der);
}

INSTANTIATE_TEST_SUITE_P(Types, FakeNitroTest,
                         ::testing::Values(NitroType::kEnclave,
                                           NitroType::kTpm));

TEST(FakeNitroShapeTest, TpmDocumentsHaveTheShapeOfAwsDocuments) {
  const std::string real = ReadFile("nitro-tpm/live-usw2-i-000fa553.cbor");
  NitroSpec spec = FakeNitro().Genuine(NitroType::kTpm);
  spec.document.public_key = OptionalField::Bytes(std::string(91, 'k'));
  spec.document.nonce = OptionalField::Bytes(std::string(64, 'n'));
  const std::string payload = Payload(spec);

  EXPECT_EQ(CborSkeleton(Encode(spec)), CborSkeleton(real));
  EXPECT_EQ(CborSkeleton(payload), CborSkeleton(CosePayload(real)));
  EXPECT_EQ(CosePayload(Encode(spec)), payload);
}

TEST(FakeNitroShapeTest, OldEnclaveDocumentsHaveTheShapeOfAwsDocuments) {
  const std::string real = ReadFile("nitro-enclave/uid2-usw1-2021.cbor");
  NitroSpec spec = FakeNitro().Genuine(NitroType::kEnclave);
  spec.document.indefinite_map = false;
  EXPECT_EQ(CborSkeleton(Encode(spec)), CborSkeleton(real));
  EXPECT_EQ(CborSkeleton(Payload(spec)), CborSkeleton(CosePayload(real)));
}

// PCR2, 3, 6, 7 and 12 to 23 are the same on every instance of this kind.
TEST(FakeNitroShapeTest, TpmConstantsAreThoseOfAws) {
  const std::string real =
      CosePayload(ReadFile("nitro-tpm/live-usw2-i-000fa553.cbor"));
  for (const auto& [index, value] : GenuinePcrs(NitroType::kTpm)) {
    const bool constant = index == 2 || index == 3 || index == 6 ||
                          index == 7 || index == 8 || index >= 12;
    EXPECT_EQ(real.find(CborUint(index) + CborBytes(value)) != real.npos,
              constant)
        << index;
  }
}

TEST(FakeNitroShapeTest, CertificatesHaveTheShapeOfAwsCertificates) {
  const std::vector<std::string> real = CborCertificates(
      CosePayload(ReadFile("nitro-tpm/live-usw2-i-000fa553.cbor")));
  std::vector<std::string> fake =
      CborCertificates(Payload(FakeNitro().Genuine(NitroType::kTpm)));
  ASSERT_EQ(real.size(), 5u);
  ASSERT_EQ(fake.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(Asn1Skeleton(fake[i]), Asn1Skeleton(real[i])) << i;
  }
}

}  // namespace
}  // namespace anchorage::test
