#include "verify/crypto/public_key.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "test/fake_aws/der_writer.h"
#include "test/support/test_keys.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using test::AlgorithmId;
using test::BitString;
using test::Integer;
using test::OctetString;
using test::Oid;
using test::Parameters;
using test::PositiveInteger;
using test::Sequence;
using test::TestKey;
using test::Tlv;

constexpr std::string_view kOidEcPublicKey = "1.2.840.10045.2.1";
constexpr std::string_view kOidP256 = "1.2.840.10045.3.1.7";
constexpr std::string_view kOidP384 = "1.3.132.0.34";
constexpr std::string_view kOidDsa = "1.2.840.10040.4.1";
constexpr std::string_view kOidEd25519 = "1.3.101.112";
constexpr int kIntegerTag = 0x02;

std::string Spki(std::string_view algorithm, std::string_view key) {
  return Sequence({algorithm, BitString(key)});
}

std::string DsaSpki(int bits) {
  return Spki(
      Sequence({Oid(kOidDsa),
                Sequence({PositiveInteger(OddNumber(bits)),
                          PositiveInteger(OddNumber(160)), Integer(2)})}),
      Integer(4));
}

std::string EcSpki(std::string_view curve, std::string_view point) {
  return Spki(Sequence({Oid(kOidEcPublicKey), Oid(curve)}), point);
}

// Every test here also checks that no error is left for another to find.
class PublicKeyTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(ERR_peek_error(), 0u); }
  void TearDown() override { EXPECT_EQ(ERR_peek_error(), 0u); }

  static void ExpectNoKey(std::string_view spki) {
    const auto key = PublicKey::FromSpki(spki);
    ASSERT_FALSE(key.ok()) << absl::BytesToHexString(
        absl::string_view(spki.data(), spki.size()));
    EXPECT_EQ(ReasonOf(key.status()), Reason::kFieldInvalid);
    EXPECT_EQ(ERR_peek_error(), 0u);
  }
};

// The host may not have read its own errors yet.
TEST_F(PublicKeyTest, KeepsTheErrorsOfTheHost) {
  ERR_raise(ERR_LIB_USER, 123);
  EXPECT_FALSE(PublicKey::FromSpki(P256().public_key_bytes()).ok());
  EXPECT_FALSE(PublicKey::FromP384Point(std::string(97, '\x04')).ok());
  EXPECT_EQ(Hash(HashAlgorithm::kSha256, "").size, 32u);
  EXPECT_EQ(ERR_GET_REASON(ERR_get_error()), 123);
}

// --- Digests -------------------------------------------------------------

using DigestTest = PublicKeyTest;

TEST_F(DigestTest, AreThePublishedOnes) {
  const auto hex = [](const Digest& digest) {
    return absl::BytesToHexString(
        absl::string_view(digest.view().data(), digest.view().size()));
  };
  EXPECT_EQ(hex(Hash(HashAlgorithm::kSha1, "abc")),
            "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(Hash(HashAlgorithm::kSha256, "abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(Hash(HashAlgorithm::kSha384, "abc")),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
            "8086072ba1e7cc2358baeca134c825a7");
}

TEST_F(DigestTest, OfNothingIsADigestToo) {
  EXPECT_EQ(Sha256Hex(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex(std::string_view()), Sha256Hex(""));
  EXPECT_EQ(Hash(HashAlgorithm::kSha1, "").size, 20u);
  EXPECT_EQ(Hash(HashAlgorithm::kSha384, "").size, 48u);
}

TEST_F(DigestTest, NamesAreLowerCaseHex) {
  EXPECT_EQ(Sha256Hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(ConstantTimeEquals, ComparesBytesAndLengths) {
  EXPECT_TRUE(ConstantTimeEquals("", ""));
  EXPECT_TRUE(ConstantTimeEquals(std::string_view(), ""));
  EXPECT_TRUE(ConstantTimeEquals("nonce", "nonce"));
  EXPECT_FALSE(ConstantTimeEquals("nonce", "noncf"));
  EXPECT_FALSE(ConstantTimeEquals("nonce", "oonce"));
  EXPECT_FALSE(ConstantTimeEquals("nonce", "nonc"));
  EXPECT_FALSE(ConstantTimeEquals("", "n"));
  EXPECT_FALSE(ConstantTimeEquals(std::string_view("a\0b", 3),
                                  std::string_view("a\0c", 3)));
}

// --- Keys ----------------------------------------------------------------

using KeyReading = PublicKeyTest;

TEST_F(KeyReading, KnowsTypeAndSize) {
  EXPECT_EQ(KeyOf(Rsa1024()).type(), KeyType::kRsa);
  EXPECT_EQ(KeyOf(Rsa1024()).bits(), 1024);
  EXPECT_EQ(KeyOf(Rsa2048()).type(), KeyType::kRsa);
  EXPECT_EQ(KeyOf(Rsa2048()).bits(), 2048);
  EXPECT_EQ(KeyOf(Dsa()).type(), KeyType::kDsa);
  EXPECT_EQ(KeyOf(Dsa()).bits(), 1024);
  EXPECT_EQ(KeyOf(P256()).type(), KeyType::kEcP256);
  EXPECT_EQ(KeyOf(P256()).bits(), 256);
  EXPECT_EQ(KeyOf(P384()).type(), KeyType::kEcP384);
  EXPECT_EQ(KeyOf(P384()).bits(), 384);
  EXPECT_EQ(KeyOf(Ed25519()).type(), KeyType::kEd25519);
}

TEST_F(KeyReading, IsTheSameFromEachForm) {
  const auto point = PublicKey::FromP384Point(P384().public_key_bytes());
  ASSERT_TRUE(point.ok()) << point.status();
  EXPECT_EQ(point->type(), KeyType::kEcP384);
  EXPECT_EQ(point->bits(), KeyOf(P384()).bits());
  const auto raw = PublicKey::FromEd25519(Ed25519().public_key_bytes());
  ASSERT_TRUE(raw.ok()) << raw.status();
  EXPECT_EQ(raw->type(), KeyType::kEd25519);
  EXPECT_EQ(raw->bits(), KeyOf(Ed25519()).bits());
}

TEST_F(KeyReading, RefusesWhatIsNotExactlyOneSpki) {
  ExpectNoKey("");
  ExpectNoKey("-----BEGIN PUBLIC KEY-----");
  for (const TestKey* key :
       {&Rsa2048(), &Dsa(), &P256(), &P384(), &Ed25519()}) {
    const std::string& spki = key->spki_der();
    ExpectNoKey(spki + std::string(1, '\0'));
    ExpectNoKey(spki + spki);
    ExpectNoKey(std::string(1, '\0') + spki);
    ExpectNoKey(Sequence({spki}));
    ExpectNoKey(key->public_key_bytes());
  }
}

TEST_F(KeyReading, RefusesEveryPrefix) {
  for (const TestKey* key : {&Rsa1024(), &Dsa(), &P384(), &Ed25519()}) {
    const std::string& spki = key->spki_der();
    for (std::size_t size = 0; size < spki.size(); ++size) {
      ExpectNoKey(spki.substr(0, size));
    }
  }
}

TEST_F(KeyReading, RefusesTrailingBytesInside) {
  const std::string null("\x05\x00", 2);
  const std::string ec = Sequence({Oid(kOidEcPublicKey), Oid(kOidP384)});
  ExpectNoKey(Sequence({ec, BitString(P384().public_key_bytes()), null}));
  ExpectNoKey(Spki(Sequence({Oid(kOidEcPublicKey), Oid(kOidP384), null}),
                   P384().public_key_bytes()));
  ExpectNoKey(EcSpki(kOidP384, P384().public_key_bytes() + "x"));
  ExpectNoKey(Spki(AlgorithmId(test::kOidRsaEncryption, Parameters::kNull),
                   Rsa2048().public_key_bytes() + null));
  ExpectNoKey(
      Spki(Sequence({Oid(kOidEd25519)}), Ed25519().public_key_bytes() + "x"));
}

TEST_F(KeyReading, RefusesSpkiThatIsNotDer) {
  const std::string rsa =
      AlgorithmId(test::kOidRsaEncryption, Parameters::kNull);
  const std::string ec = Sequence({Oid(kOidEcPublicKey), Oid(kOidP384)});
  const std::string& point = P384().public_key_bytes();
  ASSERT_TRUE(PublicKey::FromSpki(Spki(ec, point)).ok());
  // Lengths in more octets than needed, and indefinite ones.
  ExpectNoKey(test::TlvLongLength(0x30, ec + BitString(point), 2));
  ExpectNoKey(Sequence(
      {test::TlvLongLength(0x30, Oid(kOidEcPublicKey) + Oid(kOidP384), 1),
       BitString(point)}));
  ExpectNoKey(test::Indefinite(0x30, ec + BitString(point)));
  ExpectNoKey(Sequence({ec, Tlv(0x23, BitString(point))}));
  // Unused bits, and no bits.
  ExpectNoKey(Sequence({ec, BitString(point, 1)}));
  ExpectNoKey(Sequence({ec, Tlv(0x03, "")}));
  ExpectNoKey(Sequence({ec, BitString("")}));
  // A modulus with a zero too many in front, or negative.
  const std::string exponent = Integer(65537);
  ExpectNoKey(Spki(rsa, Sequence({Tlv(kIntegerTag, std::string(2, '\0') +
                                                       Rsa2048().modulus()),
                                  exponent})));
  ExpectNoKey(
      Spki(rsa, Sequence({Tlv(kIntegerTag, Rsa2048().modulus()), exponent})));
}

TEST_F(KeyReading, RefusesOtherAlgorithmParameters) {
  const std::string rsa_key = Rsa2048().public_key_bytes();
  ExpectNoKey(
      Spki(AlgorithmId(test::kOidRsaEncryption, Parameters::kAbsent), rsa_key));
  ExpectNoKey(
      Spki(Sequence({Oid(test::kOidRsaEncryption), OctetString("")}), rsa_key));
  ExpectNoKey(Spki(AlgorithmId(kOidEd25519, Parameters::kNull),
                   Ed25519().public_key_bytes()));
  ExpectNoKey(Spki(AlgorithmId(kOidEcPublicKey, Parameters::kAbsent),
                   P384().public_key_bytes()));
  ExpectNoKey(Spki(AlgorithmId(kOidEcPublicKey, Parameters::kNull),
                   P384().public_key_bytes()));
  // A DSA key whose parameters are inherited.
  ExpectNoKey(Spki(AlgorithmId(kOidDsa, Parameters::kAbsent),
                   Dsa().public_key_bytes()));
}

TEST_F(KeyReading, RefusesOtherTypes) {
  ExpectNoKey(P521().spki_der());
  const std::string key32(32, '\x09');
  ExpectNoKey(Spki(AlgorithmId("1.3.101.110", Parameters::kAbsent), key32));
  const std::string key57(57, '\x09');
  ExpectNoKey(Spki(AlgorithmId("1.3.101.113", Parameters::kAbsent), key57));
  // RSASSA-PSS keys: an RSA key under an identifier that we do not know.
  ExpectNoKey(Spki(AlgorithmId("1.2.840.113549.1.1.10", Parameters::kAbsent),
                   Rsa2048().public_key_bytes()));
  ExpectNoKey(Spki(AlgorithmId(test::kOidSha256WithRsa, Parameters::kNull),
                   Rsa2048().public_key_bytes()));
  ExpectNoKey(Spki(AlgorithmId("1.2.3.4", Parameters::kAbsent), key32));
  // A key of one curve under the other's name, and secp256k1.
  ExpectNoKey(EcSpki(kOidP256, P384().public_key_bytes()));
  ExpectNoKey(EcSpki(kOidP384, P256().public_key_bytes()));
  ExpectNoKey(EcSpki(
      "1.3.132.0.10",
      Hex("0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
          "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8")));
}

TEST_F(KeyReading, RefusesRsaSizesOutOfRange) {
  for (const int bits : {1024, 1025, 2048, 3072, 4096, 8191, 8192}) {
    const auto key = PublicKey::FromSpki(RsaSpki(OddNumber(bits), 65537));
    ASSERT_TRUE(key.ok()) << bits << key.status();
    EXPECT_EQ(key->bits(), bits);
  }
  for (const int bits : {8, 512, 768, 1023, 8193, 16384}) {
    ExpectNoKey(RsaSpki(OddNumber(bits), 65537));
  }
}

// With exponent 1 a padded digest is its own signature; an even exponent has
// no inverse, so no signer can have it.
TEST_F(KeyReading, RefusesRsaExponentsThatNoSignerHas) {
  const std::string modulus = Rsa2048().modulus();
  EXPECT_TRUE(PublicKey::FromSpki(RsaSpki(modulus, 3)).ok());
  EXPECT_TRUE(PublicKey::FromSpki(RsaSpki(modulus, 65537)).ok());
  for (const std::uint64_t exponent : {0, 1, 2, 65536}) {
    ExpectNoKey(RsaSpki(modulus, exponent));
  }
}

TEST_F(KeyReading, RefusesDsaSizesOutOfRange) {
  for (const int bits : {1024, 2048, 3072}) {
    EXPECT_EQ(PublicKey::FromSpki(DsaSpki(bits)).value().bits(), bits);
  }
  for (const int bits : {512, 1023, 3073, 4096}) ExpectNoKey(DsaSpki(bits));
}

TEST_F(KeyReading, RefusesMoreThanItsLimit) {
  // RSA-16384 is well-formed and 2,086 bytes.
  const std::string large = RsaSpki(OddNumber(16384), 65537);
  ASSERT_GT(large.size(), kMaxSpkiBytes);
  ExpectNoKey(large);
  ExpectNoKey(std::string(1 << 20, '\x30'));
  // The largest key that is legal is well below.
  EXPECT_EQ(RsaSpki(OddNumber(8192), 65537).size(), 1062u);
}

TEST_F(KeyReading, RefusesPointsThatAreNotOnTheCurve) {
  for (const TestKey* key : {&P256(), &P384()}) {
    const std::string_view curve = key == &P256() ? kOidP256 : kOidP384;
    const std::string& good = key->public_key_bytes();
    const std::size_t field = (good.size() - 1) / 2;
    ASSERT_TRUE(PublicKey::FromSpki(EcSpki(curve, good)).ok());
    std::string flipped = good;
    flipped.back() ^= 1;
    ExpectNoKey(EcSpki(curve, flipped));
    ExpectNoKey(EcSpki(curve, "\x04" + std::string(2 * field, '\0')));
    ExpectNoKey(EcSpki(curve, "\x04" + std::string(2 * field, '\xff')));
    ExpectNoKey(EcSpki(curve, good.substr(0, good.size() - 1)));
  }
}

// With the point at infinity as its key, anyone can make signatures.
TEST_F(KeyReading, RefusesThePointAtInfinity) {
  ExpectNoKey(EcSpki(kOidP384, std::string(1, '\0')));
  ExpectNoKey(EcSpki(kOidP256, std::string(1, '\0')));
  ExpectNoKey(EcSpki(kOidP384, std::string(97, '\0')));
}

// A key is named by the hash of its SPKI: the same key in a second encoding
// would be a second anchor, which a revocation of the first leaves standing.
TEST_F(KeyReading, RefusesOtherEncodingsOfThePoint) {
  for (const TestKey* key : {&P256(), &P384()}) {
    const std::string_view curve = key == &P256() ? kOidP256 : kOidP384;
    const std::string& good = key->public_key_bytes();
    const std::string x = good.substr(1, (good.size() - 1) / 2);
    const bool odd = (good.back() & 1) != 0;
    ExpectNoKey(EcSpki(curve, (odd ? "\x03" : "\x02") + x));
    ExpectNoKey(EcSpki(curve, (odd ? "\x02" : "\x03") + x));
    ExpectNoKey(EcSpki(curve, (odd ? "\x07" : "\x06") + good.substr(1)));
    ExpectNoKey(EcSpki(curve, "\x05" + good.substr(1)));
  }
}

// The curve spelled out instead of named: P-384's own numbers, which are the
// same key once more, or a generator of the attacker's choice
// (CVE-2020-0601).
TEST_F(KeyReading, RefusesACurveThatIsSpelledOut) {
  const std::string field = Hex(
      "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff"
      "0000000000000000ffffffff");
  const std::string a = Hex(
      "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff"
      "0000000000000000fffffffc");
  const std::string b = Hex(
      "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d"
      "8a2ed19d2a85c8edd3ec2aef");
  const std::string generator = Hex(
      "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a38"
      "5502f25dbf55296c3a545e3872760ab73617de4a96262c6f5d9e98bf9292dc29f8f41dbd"
      "289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f");
  for (const std::string& base : {generator, P384().public_key_bytes()}) {
    const std::string parameters =
        Sequence({Integer(1),
                  Sequence({Oid("1.2.840.10045.1.1"), PositiveInteger(field)}),
                  Sequence({OctetString(a), OctetString(b)}), OctetString(base),
                  PositiveInteger(P384().modulus()), Integer(1)});
    ExpectNoKey(Spki(Sequence({Oid(kOidEcPublicKey), parameters}),
                     P384().public_key_bytes()));
  }
}

TEST_F(KeyReading, TakesPointsOfP384Only) {
  const std::string& good = P384().public_key_bytes();
  ASSERT_TRUE(PublicKey::FromP384Point(good).ok());
  std::string off_curve = good;
  off_curve[50] ^= 0x10;
  std::string hybrid = good;
  hybrid.front() = (good.back() & 1) != 0 ? '\x07' : '\x06';
  for (const std::string& point :
       {std::string(), std::string(1, '\0'), std::string(97, '\0'),
        "\x04" + std::string(96, '\0'), "\x04" + std::string(96, '\xff'),
        off_curve, hybrid, good.substr(0, 96), good + "x", good.substr(1),
        "\x02" + good.substr(1, 48), "\x03" + good.substr(1, 48),
        P256().public_key_bytes(), P521().public_key_bytes()}) {
    const auto key = PublicKey::FromP384Point(point);
    ASSERT_FALSE(key.ok()) << absl::BytesToHexString(point);
    EXPECT_EQ(ReasonOf(key.status()), Reason::kFieldInvalid);
    EXPECT_EQ(ERR_peek_error(), 0u);
  }
}

TEST_F(KeyReading, TakesEd25519KeysOf32Bytes) {
  for (const std::size_t size : {0, 31, 33, 64}) {
    const auto key = PublicKey::FromEd25519(std::string(size, '\x01'));
    ASSERT_FALSE(key.ok()) << size;
    EXPECT_EQ(ReasonOf(key.status()), Reason::kFieldInvalid);
  }
}

// --- Threads ----------------------------------------------------------------

// Verifies with one key from several threads at once, right and wrong
// signatures in turn; returns how many answers were not the expected ones.
int WrongAnswers(const PublicKey& key, const Digest& good, const Digest& bad,
                 std::string_view signature, bool fixed) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 50;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, copy = key] {
      const auto verify = [&](const Digest& digest) {
        return fixed ? copy.VerifyDigestFixed(HashAlgorithm::kSha256, digest,
                                              signature)
                     : copy.VerifyDigest(HashAlgorithm::kSha256, digest,
                                         signature);
      };
      for (int round = 0; round < kRounds; ++round) {
        if (!verify(good).ok()) ++wrong;
        if (ReasonOf(verify(bad)) != Reason::kSignatureMismatch) ++wrong;
        if (ERR_peek_error() != 0) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return wrong;
}

TEST_F(PublicKeyTest, ServesManyThreadsAtOnce) {
  const Digest good = Hash(HashAlgorithm::kSha256, kMessage);
  const Digest bad = Hash(HashAlgorithm::kSha256, "x");
  for (const TestKey* key :
       {&Rsa1024(), &Rsa2048(), &Dsa(), &P256(), &P384()}) {
    EXPECT_EQ(WrongAnswers(KeyOf(*key), good, bad,
                           key->Sign(test::Hash::kSha256, good.view()), false),
              0);
  }
  const PublicKey point =
      PublicKey::FromP384Point(P384().public_key_bytes()).value();
  EXPECT_EQ(WrongAnswers(point, good, bad, P384().SignFixed(good.view()), true),
            0);
}

TEST_F(PublicKeyTest, ReadsKeysInManyThreadsAtOnce) {
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        failures += !PublicKey::FromP384Point(P384().public_key_bytes()).ok();
        failures += !PublicKey::FromSpki(Rsa2048().spki_der()).ok();
        failures += !PublicKey::FromEd25519(Ed25519().public_key_bytes()).ok();
        failures += PublicKey::FromSpki(P521().spki_der()).ok();
        failures += Sha256Hex("abc").size() != 64;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace anchorage::verify
