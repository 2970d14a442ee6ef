// Vectors that others published: CBOR, COSE and X.509. Skipped where the
// environment variable ANCHORAGE_SHARED_VECTORS does not say where they are.

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "verify/attestation/certificate.h"
#include "verify/attestation/cose.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/cbor.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

using Json = nlohmann::json;
using verify::CborReader;
using verify::CoseSign1;
using verify::Digest;
using verify::HashAlgorithm;
using verify::PublicKey;
using verify::Reason;
using verify::ReasonOf;

constexpr char kVariable[] = "ANCHORAGE_SHARED_VECTORS";

std::string Bytes(const std::string& hex) {
  return verify::DecodeHex(hex).value();
}

class ThirdParty : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv(kVariable) == nullptr) {
      GTEST_SKIP() << kVariable << " is not set";
    }
  }

  static Json Load(const std::string& path) {
    std::ifstream file(std::string(std::getenv(kVariable)) + "/third-party/" +
                       path);
    EXPECT_TRUE(file.good()) << path;
    Json json = Json::parse(file, nullptr, /*allow_exceptions=*/false);
    EXPECT_FALSE(json.is_discarded()) << path;
    return json;
  }
};

// Whether `bytes` are exactly one value of our subset.
bool IsOneValue(const std::string& bytes) {
  CborReader reader(bytes);
  return verify::SkipCborValue(reader).ok() && reader.done();
}

// RFC 8949, appendix A: what is well-formed, but not of the subset, by the
// bytes that it begins with.
bool IsOutsideOfTheSubset(const std::string& hex) {
  // Floats, other simple values, tags, strings in chunks.
  for (const std::string_view prefix :
       {"f9", "fa", "fb", "f0", "f8", "c", "d", "5f", "7f"}) {
    if (hex.starts_with(prefix)) return true;
  }
  return false;
}

TEST_F(ThirdParty, CborOfTheSpecificationIsReadWhereItIsOfTheSubset) {
  int read = 0;
  const Json vectors = Load("cbor/appendix_a.json");
  for (const Json& vector : vectors) {
    const std::string hex = vector["hex"];
    EXPECT_EQ(IsOneValue(Bytes(hex)), !IsOutsideOfTheSubset(hex)) << hex;
    read += IsOutsideOfTheSubset(hex) ? 0 : 1;
  }
  EXPECT_GT(read, 40);
  std::printf("CBOR, appendix A: %d of %zu in the subset\n", read,
              vectors.size());
}

TEST_F(ThirdParty, MalformedCborIsNeverRead) {
  std::size_t count = 0;
  for (const char* set : {"fxamacker-malformed", "tinycbor-invalid"}) {
    const Json json = Load(std::string("cbor/") + set + ".json");
    for (const Json& vector : json["vectors"]) {
      ++count;
      EXPECT_FALSE(IsOneValue(Bytes(vector["cbor"]))) << vector.dump();
    }
  }
  EXPECT_GT(count, 200u);
  std::printf("CBOR, malformed: %zu\n", count);
}

// What a verifier of COSE in general accepts, with other algorithms and
// headers, is still no attestation document.
TEST_F(ThirdParty, OtherCoseMessagesAreRefused) {
  for (const char* name :
       {"RFC8152/Appendix_C_2_1", "ecdsa-examples/ecdsa-sig-01",
        "ecdsa-examples/ecdsa-sig-02", "ecdsa-examples/ecdsa-sig-03",
        "sign1-tests/sign-pass-01", "sign1-tests/sign-pass-02",
        "sign1-tests/sign-pass-03", "sign1-tests/sign-fail-01",
        "sign1-tests/sign-fail-02", "sign1-tests/sign-fail-03",
        "sign1-tests/sign-fail-04", "sign1-tests/sign-fail-06",
        "sign1-tests/sign-fail-07"}) {
    const Json json = Load(std::string("cose-wg/") + name + ".json");
    const std::string message = Bytes(json["output"]["cbor"]);
    EXPECT_TRUE(ReasonOf(verify::DecodeCoseSign1(message).status()).has_value())
        << name;
  }
  // The one with ES384 and P-384 has a key identifier that nothing signs.
  const Json json = Load("cose-wg/ecdsa-examples/ecdsa-sig-02.json");
  const std::string message = Bytes(json["output"]["cbor"]);
  EXPECT_EQ(ReasonOf(verify::DecodeCoseSign1(message).status()),
            Reason::kUnprotectedNotEmpty);
}

std::string FromBase64Url(std::string text) {
  for (char& c : text) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  return *verify::DecodeBase64(text);
}

// Empties the unprotected header, which nothing signs.
std::string WithoutUnprotected(std::string message,
                               const std::string& unprotected) {
  const std::size_t at = message.find(unprotected);
  EXPECT_NE(at, message.npos);
  return message.replace(at, unprotected.size(), "\xa0");
}

void ExpectVerifies(const std::string& message, const std::string& x,
                    const std::string& y) {
  const auto cose = verify::DecodeCoseSign1(message);
  ASSERT_TRUE(cose.ok()) << cose.status();
  const auto key = PublicKey::FromP384Point("\x04" + x + y);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_TRUE(key->VerifyDigestFixed(HashAlgorithm::kSha384,
                                     verify::SigStructureDigest(*cose),
                                     cose->signature)
                  .ok());
}

TEST_F(ThirdParty, SignaturesOfOthersVerifyOverTheSameStructure) {
  const Json working_group = Load("cose-wg/ecdsa-examples/ecdsa-sig-02.json");
  const Json& key = working_group["input"]["sign0"]["key"];
  const std::string message = WithoutUnprotected(
      Bytes(working_group["output"]["cbor"]), Bytes("a1044450333834"));
  ExpectVerifies(message, FromBase64Url(key["x"]), FromBase64Url(key["y"]));
  EXPECT_EQ(
      verify::SigStructureDigest(*verify::DecodeCoseSign1(message)).view(),
      Hash(HashAlgorithm::kSha384,
           Bytes(working_group["intermediates"]["ToBeSign_hex"]))
          .view());

  const Json aws = Load("cose-other/awslabs-es384-sign1.json");
  EXPECT_EQ(ReasonOf(verify::DecodeCoseSign1(Bytes(aws["cbor"])).status()),
            Reason::kUnprotectedNotEmpty);
  ExpectVerifies(WithoutUnprotected(Bytes(aws["cbor"]), Bytes("a104423131")),
                 Bytes(aws["x"]), Bytes(aws["y"]));
}

// The suite's chains are of P-256 and RSA, so each ends at the algorithm, if
// nothing before it is wrong.
TEST_F(ThirdParty, CertificatesOfTheWebAreRefused) {
  const std::set<std::string> malformed_before_the_algorithm = {
      "rfc5280::serial::too-long", "rfc5280::serial::zero",
      "rfc5280::serial::negative", "webpki::v1-cert"};
  std::size_t count = 0;
  const Json json = Load("x509-limbo/limbo-2023.json");
  for (const Json& test : json["testcases"]) {
    ++count;
    const std::string pem = test["peer_certificate"];
    const auto der = verify::DecodePem(pem, "CERTIFICATE");
    ASSERT_TRUE(der.ok()) << der.status();
    const std::string id = test["id"];
    const Reason expected = malformed_before_the_algorithm.contains(id)
                                ? Reason::kCertificateMalformed
                                : Reason::kCertificateAlgorithm;
    const std::optional<Reason> reason =
        ReasonOf(verify::ParseCertificate(*der).status());
    if (id == "rfc5280::mismatching-signature-algorithm") {
      EXPECT_EQ(reason, Reason::kAlgorithmMismatch);
      continue;
    }
    EXPECT_EQ(reason, expected) << id;
  }
  std::printf("x509-limbo: %zu leaves\n", count);
}

}  // namespace
}  // namespace anchorage::test
