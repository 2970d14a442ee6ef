// The keys that the tests of verify/crypto verify with, and what they sign.
//
//   Verify(P384(), HashAlgorithm::kSha384, kMessage,
//          SignatureOf(P384(), HashAlgorithm::kSha384, kMessage));
//
// The keys are the fake AWS's: see test/fake_aws/keys.h.

#ifndef ANCHORAGE_TEST_SUPPORT_TEST_KEYS_H_
#define ANCHORAGE_TEST_SUPPORT_TEST_KEYS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "test/fake_aws/keys.h"
#include "verify/crypto/public_key.h"

namespace anchorage::verify {

inline constexpr std::string_view kMessage =
    "{\n  \"accountId\" : \"012345678901\"\n}";

const test::TestKey& Rsa1024();
const test::TestKey& Rsa2048();
const test::TestKey& Dsa();
const test::TestKey& P256();
const test::TestKey& P384();
const test::TestKey& P521();
const test::TestKey& Ed25519();

// Returns the bytes that `hex` stands for.
std::string Hex(std::string_view hex);

// Returns an odd number of exactly that many bits.
std::string OddNumber(int bits);

// Returns the SubjectPublicKeyInfo of an RSA key of those numbers.
std::string RsaSpki(std::string_view modulus, std::uint64_t exponent);

// Returns the key as PublicKey reads it from its SubjectPublicKeyInfo.
PublicKey KeyOf(const test::TestKey& key);

// Returns the signature of `key` over `message`.
std::string SignatureOf(const test::TestKey& key, HashAlgorithm algorithm,
                        std::string_view message);

// Verifies what SignatureOf() makes.
absl::Status Verify(const test::TestKey& key, HashAlgorithm algorithm,
                    std::string_view message, std::string_view signature);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_TEST_SUPPORT_TEST_KEYS_H_
