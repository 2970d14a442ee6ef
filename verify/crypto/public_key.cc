#include "verify/crypto/public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/synchronization/mutex.h"
#include "verify/encoding/der.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(std::uint8_t* bytes) const { OPENSSL_free(bytes); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

// Empties the library's error queue when a function of ours ends, however it
// ends: no error of one caller may ever be read by another.
class ErrorQueueGuard {
 public:
  ErrorQueueGuard() = default;
  ErrorQueueGuard(const ErrorQueueGuard&) = delete;
  ErrorQueueGuard& operator=(const ErrorQueueGuard&) = delete;
  // To look costs a fifth of emptying what is empty.
  ~ErrorQueueGuard() {
    if (ERR_peek_error() != 0) ERR_clear_error();
  }
};

// Fetched once: fetching by name at each use costs as much as a short hash.
const EVP_MD* Md(HashAlgorithm algorithm) {
  static const EVP_MD* const kSha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const kSha384 = EVP_MD_fetch(nullptr, "SHA384", nullptr);
  switch (algorithm) {
    case HashAlgorithm::kSha1:
      return kSha1;
    case HashAlgorithm::kSha256:
      return kSha256;
    case HashAlgorithm::kSha384:
      return kSha384;
  }
  return nullptr;
}

const unsigned char* Bytes(std::string_view view) {
  return reinterpret_cast<const unsigned char*>(view.data());
}

// What a key does with a digest.
enum class Scheme { kPlain, kPss };

constexpr int kMinRsaBits = 1024;
constexpr int kMaxRsaBits = 8192;
constexpr int kMinDsaBits = 1024;
constexpr int kMaxDsaBits = 3072;
constexpr std::size_t kEd25519KeyBytes = 32;
constexpr std::size_t kEd25519SignatureBytes = 64;
constexpr std::size_t kP384PointBytes = 97;

std::optional<KeyType> TypeOf(EVP_PKEY* key, int bits) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      if (bits < kMinRsaBits || bits > kMaxRsaBits) return std::nullopt;
      return KeyType::kRsa;
    case EVP_PKEY_DSA:
      if (bits < kMinDsaBits || bits > kMaxDsaBits) return std::nullopt;
      return KeyType::kDsa;
    case EVP_PKEY_ED25519:
      return KeyType::kEd25519;
    case EVP_PKEY_EC: {
      std::array<char, 64> group{};
      if (EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) !=
          1) {
        return std::nullopt;
      }
      const std::string_view name(group.data());
      if (name == "prime256v1") return KeyType::kEcP256;
      if (name == "secp384r1") return KeyType::kEcP384;
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

// What an elliptic key's SubjectPublicKeyInfo begins with: the curve by name
// and the 04 of an uncompressed point, whose x and y follow.
constexpr std::string_view kP256Prefix(
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
    "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04",
    27);
constexpr std::string_view kP384Prefix(
    "\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
    "\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00\x04",
    24);

// Whether no other SubjectPublicKeyInfo holds the same key. The library also
// reads compressed and hybrid points and curves that are spelled out, and
// writes them back as they were.
bool IsOnlyEncoding(std::string_view spki_der, EVP_PKEY* key, KeyType type) {
  if (type == KeyType::kEcP256) return spki_der.starts_with(kP256Prefix);
  if (type == KeyType::kEcP384) return spki_der.starts_with(kP384Prefix);
  unsigned char* encoded = nullptr;
  const int size = i2d_PUBKEY(key, &encoded);
  const Owned<std::uint8_t> owner(encoded);
  return size > 0 &&
         std::string_view(reinterpret_cast<char*>(encoded),
                          static_cast<std::size_t>(size)) == spki_der;
}

// Whether an RSA key's exponent can be a signer's: with 1 every message is its
// own signature, and an even one has no inverse.
bool HasSoundExponent(EVP_PKEY* key) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &number) != 1) {
    return false;
  }
  const Owned<BIGNUM> exponent(number);
  return BN_is_odd(exponent.get()) && !BN_is_one(exponent.get());
}

// The number that r and s of a signature must be below, big-endian without
// leading zeros; empty where signatures have no such parts.
std::string GroupOrder(EVP_PKEY* key, KeyType type) {
  const char* name = nullptr;
  if (type == KeyType::kDsa) name = OSSL_PKEY_PARAM_FFC_Q;
  if (type == KeyType::kEcP256 || type == KeyType::kEcP384) {
    name = OSSL_PKEY_PARAM_EC_ORDER;
  }
  BIGNUM* number = nullptr;
  if (name == nullptr || EVP_PKEY_get_bn_param(key, name, &number) != 1) {
    return "";
  }
  const Owned<BIGNUM> owner(number);
  std::string order(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(order.data()));
  return order;
}

// Whether 0 < `value` < `order`, both big-endian; `value` may have leading
// zeros.
bool InRange(std::string_view value, std::string_view order) {
  value.remove_prefix(std::min(value.find_first_not_of('\0'), value.size()));
  if (value.empty() || value.size() > order.size()) return false;
  return value.size() < order.size() ||
         std::lexicographical_compare(value.begin(), value.end(), order.begin(),
                                      order.end(), [](char a, char b) {
                                        return static_cast<unsigned char>(a) <
                                               static_cast<unsigned char>(b);
                                      });
}

// Whether `signature` is strict DER of two INTEGERs within the group.
bool IsDerPair(std::string_view signature, std::string_view order) {
  const auto sequence = ParseOne(signature, DerTag::kSequence);
  if (!sequence.has_value()) return false;
  DerReader reader(sequence->contents);
  for (int part = 0; part < 2; ++part) {
    const auto number = reader.Read(DerTag::kInteger);
    if (!number.has_value() || !IsMinimalInteger(number->contents) ||
        (number->contents.front() & 0x80) != 0 ||
        !InRange(number->contents, order)) {
      return false;
    }
  }
  return reader.done();
}

void AppendInteger(std::string_view magnitude, std::string& out) {
  magnitude.remove_prefix(
      std::min(magnitude.find_first_not_of('\0'), magnitude.size() - 1));
  const bool padded = (magnitude.front() & 0x80) != 0;
  out.push_back(static_cast<char>(DerTag::kInteger));
  out.push_back(static_cast<char>(magnitude.size() + (padded ? 1 : 0)));
  if (padded) out.push_back('\0');
  out.append(magnitude);
}

absl::Status BadKey(std::string_view what) {
  return Reject(Reason::kFieldInvalid, what);
}

absl::Status Unavailable() { return Reject(Reason::kCryptoUnavailable, ""); }

// The group's parameters, read once; a key is a copy of it with a point.
EVP_PKEY* P384Template() {
  static EVP_PKEY* const kTemplate = [] {
    const Owned<EVP_PKEY_CTX> context(
        EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    char group[] = "secp384r1";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_end()};
    EVP_PKEY* key = nullptr;
    if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEY_PARAMETERS,
                          const_cast<OSSL_PARAM*>(params)) != 1) {
      ERR_clear_error();
      return static_cast<EVP_PKEY*>(nullptr);
    }
    return key;
  }();
  return kTemplate;
}

}  // namespace

Digest Hash(HashAlgorithm algorithm, std::string_view data) {
  const ErrorQueueGuard guard;
  Digest digest;
  unsigned size = 0;
  if (EVP_Digest(data.data(), data.size(), digest.bytes.data(), &size,
                 Md(algorithm), nullptr) == 1) {
    digest.size = size;
  }
  return digest;
}

std::string Sha256Hex(std::string_view data) {
  const Digest digest = Hash(HashAlgorithm::kSha256, data);
  return absl::BytesToHexString(
      absl::string_view(digest.view().data(), digest.size));
}

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// The library's key, the order of its group, and operations made ready: making
// one costs a fifth of an RSA-1024 verification, so they are used again.
struct PublicKey::State {
  struct Operation {
    Scheme scheme;
    HashAlgorithm algorithm;
    Owned<EVP_PKEY_CTX> context;
  };
  static constexpr std::size_t kMaxIdleOperations = 16;

  State(Owned<EVP_PKEY> k, std::string o)
      : key(std::move(k)), order(std::move(o)) {}

  Owned<EVP_PKEY_CTX> Take(Scheme scheme, HashAlgorithm algorithm) const {
    {
      absl::MutexLock lock(&mutex);
      for (std::size_t i = idle.size(); i > 0; --i) {
        Operation& operation = idle[i - 1];
        if (operation.scheme != scheme || operation.algorithm != algorithm) {
          continue;
        }
        Owned<EVP_PKEY_CTX> context = std::move(operation.context);
        std::swap(operation, idle.back());
        idle.pop_back();
        return context;
      }
    }
    return Make(scheme, algorithm);
  }

  void GiveBack(Operation operation) const {
    absl::MutexLock lock(&mutex);
    if (idle.size() < kMaxIdleOperations) idle.push_back(std::move(operation));
  }

  Owned<EVP_PKEY_CTX> Make(Scheme scheme, HashAlgorithm algorithm) const {
    Owned<EVP_PKEY_CTX> context(
        EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    if (context == nullptr || EVP_PKEY_verify_init(context.get()) != 1 ||
        EVP_PKEY_CTX_set_signature_md(context.get(), Md(algorithm)) != 1) {
      return nullptr;
    }
    const bool rsa = EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_RSA;
    if (rsa &&
        EVP_PKEY_CTX_set_rsa_padding(
            context.get(), scheme == Scheme::kPss ? RSA_PKCS1_PSS_PADDING
                                                  : RSA_PKCS1_PADDING) != 1) {
      return nullptr;
    }
    if (scheme == Scheme::kPss &&
        (EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(),
                                          RSA_PSS_SALTLEN_AUTO) != 1 ||
         EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), Md(algorithm)) != 1)) {
      return nullptr;
    }
    return context;
  }

  absl::Status Verify(Scheme scheme, HashAlgorithm algorithm,
                      const Digest& digest, std::string_view signature) const {
    Owned<EVP_PKEY_CTX> context = Take(scheme, algorithm);
    if (context == nullptr) return Unavailable();
    // The library answers 0 or a negative number for what does not verify.
    const bool good =
        EVP_PKEY_verify(context.get(), Bytes(signature), signature.size(),
                        digest.bytes.data(), digest.size) == 1;
    GiveBack({scheme, algorithm, std::move(context)});
    if (!good) return Reject(Reason::kSignatureMismatch, "");
    return absl::OkStatus();
  }

  const Owned<EVP_PKEY> key;
  const std::string order;
  mutable absl::Mutex mutex;
  mutable std::vector<Operation> idle ABSL_GUARDED_BY(mutex);
};

absl::StatusOr<PublicKey> PublicKey::FromSpki(std::string_view spki_der) {
  const ErrorQueueGuard guard;
  if (spki_der.size() > kMaxSpkiBytes) return BadKey("key too large");
  const unsigned char* at = Bytes(spki_der);
  Owned<EVP_PKEY> key(
      d2i_PUBKEY(nullptr, &at, static_cast<long>(spki_der.size())));
  if (key == nullptr || at != Bytes(spki_der) + spki_der.size()) {
    return BadKey("not a SubjectPublicKeyInfo");
  }
  const int bits = EVP_PKEY_get_bits(key.get());
  const auto type = TypeOf(key.get(), bits);
  if (!type.has_value()) return BadKey("key of an unsupported type or size");
  // A key is named by the hash of these bytes, so it must have one encoding.
  if (!IsOnlyEncoding(spki_der, key.get(), *type)) {
    return BadKey("SubjectPublicKeyInfo is not in its one DER form");
  }
  if (*type == KeyType::kRsa && !HasSoundExponent(key.get())) {
    return BadKey("RSA key with an even exponent or 1");
  }
  std::string order = GroupOrder(key.get(), *type);
  return PublicKey(*type, bits,
                   std::make_shared<State>(std::move(key), std::move(order)));
}

absl::StatusOr<PublicKey> PublicKey::FromP384Point(std::string_view point) {
  const ErrorQueueGuard guard;
  if (point.size() != kP384PointBytes || point.front() != 0x04) {
    return BadKey("not an uncompressed P-384 point");
  }
  if (P384Template() == nullptr) return Unavailable();
  Owned<EVP_PKEY> key(EVP_PKEY_dup(P384Template()));
  if (key == nullptr) return Unavailable();
  if (EVP_PKEY_set1_encoded_public_key(key.get(), Bytes(point), point.size()) !=
      1) {
    return BadKey("point is not on P-384");
  }
  static const std::string* const kOrder =
      new std::string(GroupOrder(P384Template(), KeyType::kEcP384));
  return PublicKey(KeyType::kEcP384, 384,
                   std::make_shared<State>(std::move(key), *kOrder));
}

absl::StatusOr<PublicKey> PublicKey::FromEd25519(std::string_view raw) {
  const ErrorQueueGuard guard;
  if (raw.size() != kEd25519KeyBytes) return BadKey("not an Ed25519 key");
  Owned<EVP_PKEY> key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                                  Bytes(raw), raw.size()));
  if (key == nullptr) return BadKey("not an Ed25519 key");
  return PublicKey(KeyType::kEd25519, 256,
                   std::make_shared<State>(std::move(key), ""));
}

absl::Status PublicKey::VerifyDigest(HashAlgorithm algorithm,
                                     const Digest& digest,
                                     std::string_view signature) const {
  const ErrorQueueGuard guard;
  if (type_ == KeyType::kEd25519) {
    return Reject(Reason::kAlgorithmMismatch, "Ed25519 signs messages");
  }
  const bool well_formed =
      type_ == KeyType::kRsa
          ? signature.size() == static_cast<std::size_t>((bits_ + 7) / 8)
          : IsDerPair(signature, state_->order);
  if (!well_formed) return Reject(Reason::kSignatureMalformed, "");
  return state_->Verify(Scheme::kPlain, algorithm, digest, signature);
}

absl::Status PublicKey::VerifyDigestFixed(HashAlgorithm algorithm,
                                          const Digest& digest,
                                          std::string_view signature) const {
  const ErrorQueueGuard guard;
  if (type_ != KeyType::kEcP256 && type_ != KeyType::kEcP384) {
    return Reject(Reason::kAlgorithmMismatch, "the key is not an ECDSA key");
  }
  const std::size_t half = state_->order.size();
  if (half == 0 || signature.size() != 2 * half) {
    return Reject(Reason::kSignatureMalformed, "");
  }
  const std::string_view r = signature.substr(0, half);
  const std::string_view s = signature.substr(half);
  if (!InRange(r, state_->order) || !InRange(s, state_->order)) {
    return Reject(Reason::kSignatureMalformed, "");
  }
  // Two numbers of at most 49 bytes: every length fits one octet.
  std::string numbers;
  numbers.reserve(2 * half + 8);
  AppendInteger(r, numbers);
  AppendInteger(s, numbers);
  std::string der;
  der.reserve(numbers.size() + 2);
  der.push_back(static_cast<char>(DerTag::kSequence));
  der.push_back(static_cast<char>(numbers.size()));
  der.append(numbers);
  return state_->Verify(Scheme::kPlain, algorithm, digest, der);
}

absl::Status PublicKey::VerifyPss(const Digest& sha256,
                                  std::string_view signature) const {
  const ErrorQueueGuard guard;
  if (type_ != KeyType::kRsa) {
    return Reject(Reason::kAlgorithmMismatch, "the key is not an RSA key");
  }
  if (signature.size() != static_cast<std::size_t>((bits_ + 7) / 8)) {
    return Reject(Reason::kSignatureMalformed, "");
  }
  return state_->Verify(Scheme::kPss, HashAlgorithm::kSha256, sha256,
                        signature);
}

absl::Status PublicKey::VerifyMessage(std::string_view message,
                                      std::string_view signature) const {
  const ErrorQueueGuard guard;
  if (type_ != KeyType::kEd25519) {
    return Reject(Reason::kAlgorithmMismatch, "the key is not Ed25519");
  }
  if (signature.size() != kEd25519SignatureBytes) {
    return Reject(Reason::kSignatureMalformed, "");
  }
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  if (context == nullptr ||
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr,
                           state_->key.get()) != 1) {
    return Unavailable();
  }
  if (EVP_DigestVerify(context.get(), Bytes(signature), signature.size(),
                       Bytes(message), message.size()) != 1) {
    return Reject(Reason::kSignatureMismatch, "");
  }
  return absl::OkStatus();
}

}  // namespace anchorage::verify
