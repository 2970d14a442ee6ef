#include "test/support/test_keys.h"

#include <cstdint>
#include <cstdlib>

#include "test/fake_aws/der_writer.h"
#include "verify/encoding/base64.h"

namespace anchorage::verify {
namespace {

test::Hash TestHash(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha1:
      return test::Hash::kSha1;
    case HashAlgorithm::kSha256:
      return test::Hash::kSha256;
    case HashAlgorithm::kSha384:
      return test::Hash::kSha384;
  }
  std::abort();
}

}  // namespace

using test::TestKey;
using TestType = test::KeyType;

const TestKey& Rsa1024() { return TestKey::Rsa(1024, 0); }
const TestKey& Rsa2048() { return TestKey::Rsa(2048, 0); }
const TestKey& Dsa() { return TestKey::Derived(TestType::kDsa1024, "dsa"); }
const TestKey& P256() { return TestKey::Derived(TestType::kP256, "p256"); }
const TestKey& P384() { return TestKey::Derived(TestType::kP384, "p384"); }
const TestKey& P521() { return TestKey::Derived(TestType::kP521, "p521"); }
const TestKey& Ed25519() {
  return TestKey::Derived(TestType::kEd25519, "ed25519");
}

std::string Hex(std::string_view hex) {
  return hex.empty() ? "" : verify::DecodeHex(hex).value();
}

std::string OddNumber(int bits) {
  std::string bytes(static_cast<std::size_t>((bits + 7) / 8), '\xa5');
  bytes.front() = static_cast<char>(1 << ((bits - 1) % 8));
  return bytes;
}

std::string RsaSpki(std::string_view modulus, std::uint64_t exponent) {
  return test::Sequence(
      {test::AlgorithmId(test::kOidRsaEncryption, test::Parameters::kNull),
       test::BitString(test::Sequence(
           {test::PositiveInteger(modulus), test::Integer(exponent)}))});
}

PublicKey KeyOf(const TestKey& key) {
  return PublicKey::FromSpki(key.spki_der()).value();
}

std::string SignatureOf(const TestKey& key, HashAlgorithm algorithm,
                        std::string_view message) {
  return key.Sign(TestHash(algorithm), Hash(algorithm, message).view());
}

absl::Status Verify(const TestKey& key, HashAlgorithm algorithm,
                    std::string_view message, std::string_view signature) {
  return KeyOf(key).VerifyDigest(algorithm, Hash(algorithm, message),
                                 signature);
}

}  // namespace anchorage::verify
