// Key pairs for the fake AWS: the same ones in every process, at once.
//
//   const TestKey& leaf = TestKey::Derived(KeyType::kP384, "leaf");
//   std::string signature = leaf.Sign(Hash::kSha384, digest);
//
// THESE ARE TEST KEYS. Every private key can be computed from this folder:
// elliptic, Ed25519 and DSA keys from their names, RSA keys from a short list
// of primes that they share. They are worth nothing as secrets, and that is
// what makes runs fast and every signature the same in every run (nonces
// are derived from key and digest).
//
// Keys live until the process ends; all members may be called by any number of
// threads. Whatever cannot be done aborts: there is no wrong input to report.

#ifndef ANCHORAGE_TEST_FAKE_AWS_KEYS_H_
#define ANCHORAGE_TEST_FAKE_AWS_KEYS_H_

#include <memory>
#include <string>
#include <string_view>

namespace anchorage::test {

enum class Hash { kMd5, kSha1, kSha256, kSha384, kSha512 };

// Returns the digest of `data`.
std::string HashOf(Hash hash, std::string_view data);

// Returns the dotted OID of a hash algorithm.
std::string_view OidOf(Hash hash);

enum class KeyType { kRsa, kDsa1024, kP256, kP384, kP521, kEd25519 };

// r and s of a DSA or ECDSA signature: big-endian, as long as the group's
// order (20 bytes for DSA-1024).
struct RawSignature {
  std::string r;
  std::string s;
};

class TestKey {
 public:
  // How many RSA keys of one size there are.
  static constexpr int kRsaKeys = 45;

  // Returns the key of that name; any type but kRsa.
  static const TestKey& Derived(KeyType type, std::string_view name);

  // Returns the RSA key `number` (below kRsaKeys) of 1024 or 2048 bits. The
  // primes allow `exponent` 3 as well as AWS's 65537: with 3 a forger's cube
  // root is a signature wherever padding is read and not compared.
  static const TestKey& Rsa(int bits, int number, int exponent = 65537);

  ~TestKey();
  TestKey(const TestKey&) = delete;
  TestKey& operator=(const TestKey&) = delete;

  KeyType type() const;
  // SubjectPublicKeyInfo, DER.
  const std::string& spki_der() const;
  // The key as it stands in the SPKI's BIT STRING: what a subject key
  // identifier hashes. For elliptic keys, the uncompressed point.
  const std::string& public_key_bytes() const;

  // Returns the signature over `digest`: PKCS #1 v1.5 for RSA (whose
  // DigestInfo names `hash`), DER for DSA and ECDSA.
  std::string Sign(Hash hash, std::string_view digest) const;
  // Returns r and s; DSA and elliptic keys only.
  RawSignature SignRaw(std::string_view digest) const;
  // Returns r followed by s, as COSE has it.
  std::string SignFixed(std::string_view digest) const;
  // Returns a pure Ed25519 signature; Ed25519 only.
  std::string SignMessage(std::string_view message) const;

  // Returns block^d mod n, whatever the block says; RSA only.
  std::string RawPrivate(std::string_view block) const;
  // The modulus of an RSA key, or the order of the group in which DSA and
  // ECDSA signatures lie.
  std::string modulus() const;

 private:
  struct State;
  explicit TestKey(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// Returns SEQUENCE { r, s } with minimal, non-negative INTEGERs.
std::string DerSignature(const RawSignature& signature);

// Returns a - b and a + b for big-endian numbers, in `size` bytes: enough to
// make s' = n - s, a signature above the modulus, and r = q + 1.
std::string Subtract(std::string_view a, std::string_view b, std::size_t size);
std::string Add(std::string_view a, std::string_view b, std::size_t size);

// Returns the block 00 01 ff... 00 || `digest_info`, `size` bytes long.
std::string Pkcs1Block(std::size_t size, std::string_view digest_info);
// Returns DigestInfo { AlgorithmIdentifier, digest } of PKCS #1.
std::string DigestInfo(Hash hash, std::string_view digest);

// Returns the largest number whose cube is at most the block
// `prefix` 00 00 ..., of `size` bytes, plus one: its cube begins with `prefix`
// and ends in garbage (Bleichenbacher 2006). `prefix` must leave two thirds of
// the block free.
std::string CubeRootForgery(std::string_view prefix, std::size_t size);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FAKE_AWS_KEYS_H_
