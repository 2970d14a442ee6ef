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
#include <atomic>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "verify/crypto/key_shape.h"
#include "verify/encoding/der.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_MD* md) const { EVP_MD_free(md); }
  void operator()(EVP_KEYMGMT* keys) const { EVP_KEYMGMT_free(keys); }
  void operator()(EVP_SIGNATURE* s) const { EVP_SIGNATURE_free(s); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
  void operator()(std::uint8_t* bytes) const { OPENSSL_free(bytes); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

// Removes from the library's error queue what a function of ours put there,
// however it ends: no error of one caller may ever be read by another, and what
// the host has not read yet is the host's.
class ErrorQueueGuard {
 public:
  ErrorQueueGuard() { ERR_set_mark(); }
  ErrorQueueGuard(const ErrorQueueGuard&) = delete;
  ErrorQueueGuard& operator=(const ErrorQueueGuard&) = delete;
  ~ErrorQueueGuard() { ERR_pop_to_mark(); }
};

// An object of the library's that is made once and kept for good. If it could
// not be made, the next use retries: a host program may load its providers
// after our first call.
template <typename T>
class Kept {
 public:
  template <typename Make>
  T* Get(Make make) {
    T* kept = kept_.load(std::memory_order_acquire);
    if (kept != nullptr) return kept;
    Owned<T> made(make());
    if (made == nullptr) return nullptr;
    if (!kept_.compare_exchange_strong(kept, made.get())) return kept;
    return made.release();
  }

 private:
  std::atomic<T*> kept_ = nullptr;
};

const char* NameOf(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha1:
      return "SHA1";
    case HashAlgorithm::kSha256:
      return "SHA256";
    case HashAlgorithm::kSha384:
      return "SHA384";
  }
  return "";
}

// Kept: fetching by name at each use costs as much as a short hash. Null where
// no provider offers it.
const EVP_MD* Md(HashAlgorithm algorithm) {
  static Kept<EVP_MD> kept[3];
  return kept[static_cast<std::size_t>(algorithm)].Get([algorithm] {
    return EVP_MD_fetch(nullptr, NameOf(algorithm), nullptr);
  });
}

// The names that the library's providers give to the reader of a type of key,
// and to the algorithm that verifies with it.
struct ProviderNames {
  const char* key;
  const char* signature;
};

ProviderNames NamesOf(KeyType type) {
  switch (type) {
    case KeyType::kRsa:
      return {"RSA", "RSA"};
    case KeyType::kDsa:
      return {"DSA", "DSA"};
    case KeyType::kEcP256:
    case KeyType::kEcP384:
      return {"EC", "ECDSA"};
    case KeyType::kEd25519:
      return {"ED25519", "ED25519"};
  }
  return {"", ""};
}

bool IsOffered(KeyType type) {
  const ProviderNames names = NamesOf(type);
  const Owned<EVP_KEYMGMT> key(EVP_KEYMGMT_fetch(nullptr, names.key, nullptr));
  const Owned<EVP_SIGNATURE> signature(
      EVP_SIGNATURE_fetch(nullptr, names.signature, nullptr));
  return key != nullptr && signature != nullptr;
}

absl::Status ProviderMissing(const char* algorithm) {
  return Reject(Reason::kCryptoProviderMissing,
                absl::StrCat("no loaded provider of the cryptography library "
                             "offers ",
                             algorithm));
}

// Returns why a key of that type could not be read. Its structure has been
// checked already.
absl::Status KeyUnavailable(KeyType type) {
  if (!IsOffered(type)) return ProviderMissing(NamesOf(type).signature);
  return Reject(Reason::kCryptoUnavailable, "");
}

// Returns why a verification could not be started.
absl::Status Unavailable(KeyType type, HashAlgorithm algorithm) {
  if (Md(algorithm) == nullptr) return ProviderMissing(NameOf(algorithm));
  if (!IsOffered(type)) return ProviderMissing(NamesOf(type).signature);
  return Reject(
      Reason::kCryptoUnavailable,
      absl::StrCat("the cryptography library did not begin to verify ",
                   NamesOf(type).signature, " with ", NameOf(algorithm),
                   ": its configuration may not allow it"));
}

// Returns the one context that a thread uses for all its hashes with an
// algorithm: making one costs as much as hashing a short message, and counts
// references that all threads share. Nothing of one hash is left over for the
// next.
EVP_MD_CTX* HashContext(HashAlgorithm algorithm) {
  thread_local std::array<Owned<EVP_MD_CTX>, 3> contexts;
  Owned<EVP_MD_CTX>& context = contexts[static_cast<std::size_t>(algorithm)];
  if (context == nullptr) context.reset(EVP_MD_CTX_new());
  return context.get();
}

const unsigned char* Bytes(std::string_view view) {
  return reinterpret_cast<const unsigned char*>(view.data());
}

// What a key does with a digest.
enum class Scheme { kPlain, kPss };

constexpr std::size_t kEd25519KeyBytes = 32;
constexpr std::size_t kEd25519SignatureBytes = 64;
constexpr std::size_t kP384FieldBytes = 48;
constexpr std::size_t kP384PointBytes = 1 + 2 * kP384FieldBytes;
// FIPS 186-4 D.1.2.4: the order of P-384's group, and b of its curve.
constexpr std::string_view kP384Order(
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
    "\xc7\x63\x4d\x81\xf4\x37\x2d\xdf\x58\x1a\x0d\xb2"
    "\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29\x73",
    kP384FieldBytes);
constexpr std::string_view kP384B(
    "\xb3\x31\x2f\xa7\xe2\x3e\xe7\xe4\x98\x8e\x05\x6b"
    "\xe3\xf8\x2d\x19\x18\x1d\x9c\x6e\xfe\x81\x41\x12"
    "\x03\x14\x08\x8f\x50\x13\x87\x5a\xc6\x56\x39\x8d"
    "\x8a\x2e\xd1\x9d\x2a\x85\xc8\xed\xd3\xec\x2a\xef",
    kP384FieldBytes);

// The prefix of a SubjectPublicKeyInfo whose type has only one encoding:
// algorithm, curve by name, and the 04 of an uncompressed point. The library
// also reads compressed and hybrid points, and curves given by explicit
// parameters; a key is named by the hash of these bytes, so here it has one
// form.
constexpr std::string_view kP256Prefix(
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
    "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04",
    27);
constexpr std::string_view kP384Prefix(
    "\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
    "\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00\x04",
    24);
constexpr std::string_view kEd25519Prefix(
    "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);

std::optional<std::string_view> After(std::string_view prefix,
                                      std::string_view spki) {
  if (!spki.starts_with(prefix)) return std::nullopt;
  return spki.substr(prefix.size());
}

// Returns the point of a SubjectPublicKeyInfo that begins with kP384Prefix.
std::string_view PointOf(std::string_view spki) {
  return spki.substr(kP384Prefix.size() - 1);
}

// Null for bytes that are not exactly one SubjectPublicKeyInfo.
Owned<EVP_PKEY> ReadSpki(std::string_view spki) {
  const unsigned char* at = Bytes(spki);
  Owned<EVP_PKEY> key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  if (at != Bytes(spki) + spki.size()) return nullptr;
  return key;
}

// The order of an elliptic curve's group, big-endian.
std::string GroupOrder(EVP_PKEY* key) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_ORDER, &number) != 1) {
    return "";
  }
  const Owned<BIGNUM> owner(number);
  std::string order(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(order.data()));
  return order;
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
        !IsBetweenZeroAnd(order, number->contents)) {
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

// The group's parameters, read once; a key is a copy of it with a point.
EVP_PKEY* P384Template() {
  static Kept<EVP_PKEY> kept;
  return kept.Get([] {
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
      return static_cast<EVP_PKEY*>(nullptr);
    }
    return key;
  });
}

// Null if the library cannot make one. To be given a point.
Owned<EVP_PKEY> NewP384Key() {
  EVP_PKEY* const kept = P384Template();
  return Owned<EVP_PKEY>(kept == nullptr ? nullptr : EVP_PKEY_dup(kept));
}

bool SetPoint(EVP_PKEY* key, std::string_view point) {
  return EVP_PKEY_set1_encoded_public_key(key, Bytes(point), point.size()) == 1;
}

Owned<BIGNUM> Number(std::string_view magnitude) {
  return Owned<BIGNUM>(
      BN_bin2bn(Bytes(magnitude), static_cast<int>(magnitude.size()), nullptr));
}

// Whether a point (04, x, y) is on P-384; nullopt if there is no memory. By
// arithmetic: the library's own check needs the group, which takes 0.2 ms to
// make and is of no use to a program that verifies identities alone.
std::optional<bool> IsOnP384(std::string_view point) {
  const BIGNUM* const prime = BN_get0_nist_prime_384();
  const Owned<BIGNUM> x = Number(point.substr(1, kP384FieldBytes));
  const Owned<BIGNUM> y = Number(point.substr(1 + kP384FieldBytes));
  const Owned<BIGNUM> b = Number(kP384B);
  const Owned<BIGNUM> left(BN_new());
  const Owned<BIGNUM> right(BN_new());
  const Owned<BN_CTX> context(BN_CTX_new());
  // y^2 = (x^2 - 3) x + b
  if (x == nullptr || y == nullptr || b == nullptr || left == nullptr ||
      right == nullptr || context == nullptr ||
      BN_mod_sqr(left.get(), y.get(), prime, context.get()) != 1 ||
      BN_mod_sqr(right.get(), x.get(), prime, context.get()) != 1 ||
      BN_sub_word(right.get(), 3) != 1 ||
      BN_mod_mul(right.get(), right.get(), x.get(), prime, context.get()) !=
          1 ||
      BN_mod_add(right.get(), right.get(), b.get(), prime, context.get()) !=
          1) {
    return std::nullopt;
  }
  return BN_cmp(left.get(), right.get()) == 0 && BN_cmp(x.get(), prime) < 0 &&
         BN_cmp(y.get(), prime) < 0;
}

}  // namespace

Digest Hash(HashAlgorithm algorithm, std::string_view data) {
  return HashParts(algorithm, {data});
}

Digest HashParts(HashAlgorithm algorithm,
                 absl::Span<const std::string_view> parts) {
  const ErrorQueueGuard guard;
  EVP_MD_CTX* const context = HashContext(algorithm);
  const EVP_MD* const md = Md(algorithm);
  bool good = context != nullptr && md != nullptr &&
              EVP_DigestInit_ex(context, md, nullptr) == 1;
  for (const std::string_view part : parts) {
    good = good && EVP_DigestUpdate(context, part.data(), part.size()) == 1;
  }
  Digest digest;
  unsigned size = 0;
  if (good && EVP_DigestFinal_ex(context, digest.bytes.data(), &size) == 1) {
    digest.size = size;
  }
  return digest;
}

absl::Status HashUnavailable(HashAlgorithm algorithm) {
  const ErrorQueueGuard guard;
  if (Md(algorithm) == nullptr) return ProviderMissing(NameOf(algorithm));
  return Reject(Reason::kCryptoUnavailable, "");
}

absl::Status CheckOffered(KeyType type) {
  const ErrorQueueGuard guard;
  if (IsOffered(type)) return absl::OkStatus();
  return ProviderMissing(NamesOf(type).signature);
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

// The library's key, the order of its group, and prepared operations: preparing
// one costs a fifth of an RSA-1024 verification, so they are reused.
struct PublicKey::State {
  struct Operation {
    Scheme scheme;
    HashAlgorithm algorithm;
    Owned<EVP_PKEY_CTX> context;
  };
  static constexpr std::size_t kMaxIdleOperations = 16;

  // For a key that the library has read.
  State(KeyType t, Owned<EVP_PKEY> key, std::string o)
      : type(t), order(std::move(o)), key_(key.release()) {}
  // For a key that the library reads at the first use.
  State(KeyType t, std::string_view spki, std::string o)
      : type(t), order(std::move(o)), spki_(spki) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_PKEY_free(key_.load()); }

  // Null if the library cannot read the key; then the next use retries. What it
  // returned lives as long as the state.
  EVP_PKEY* key() const {
    EVP_PKEY* known = key_.load(std::memory_order_acquire);
    if (known != nullptr) return known;
    Owned<EVP_PKEY> read = Read();
    // If two threads read the key at once, the first one's result stays.
    if (read == nullptr || !key_.compare_exchange_strong(
                               known, read.get(), std::memory_order_acq_rel)) {
      return known;
    }
    return read.release();
  }

  // Nobody waits for the pool: it saves only a little, and after fork(2) the
  // child may find it locked for ever by a thread that the child does not have.
  Owned<EVP_PKEY_CTX> Take(Scheme scheme, HashAlgorithm algorithm) const {
    Owned<EVP_PKEY_CTX> context;
    if (const std::unique_lock lock(mutex, std::try_to_lock);
        lock.owns_lock()) {
      // So that giving back needs no memory.
      idle.reserve(kMaxIdleOperations);
      context = TakeIdle(scheme, algorithm);
    }
    return context != nullptr ? std::move(context) : Make(scheme, algorithm);
  }

  void GiveBack(Operation operation) const {
    const std::unique_lock lock(mutex, std::try_to_lock);
    if (lock.owns_lock() && idle.size() < idle.capacity()) {
      idle.push_back(std::move(operation));
    }
  }

  // Must be called with `mutex` held.
  Owned<EVP_PKEY_CTX> TakeIdle(Scheme scheme, HashAlgorithm algorithm) const {
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
    return nullptr;
  }

  Owned<EVP_PKEY_CTX> Make(Scheme scheme, HashAlgorithm algorithm) const {
    EVP_PKEY* const pkey = key();
    const EVP_MD* const md = Md(algorithm);
    if (pkey == nullptr || md == nullptr) return nullptr;
    Owned<EVP_PKEY_CTX> context(
        EVP_PKEY_CTX_new_from_pkey(nullptr, pkey, nullptr));
    if (context == nullptr || EVP_PKEY_verify_init(context.get()) != 1 ||
        EVP_PKEY_CTX_set_signature_md(context.get(), md) != 1) {
      return nullptr;
    }
    if (type == KeyType::kRsa &&
        EVP_PKEY_CTX_set_rsa_padding(
            context.get(), scheme == Scheme::kPss ? RSA_PKCS1_PSS_PADDING
                                                  : RSA_PKCS1_PADDING) != 1) {
      return nullptr;
    }
    if (scheme == Scheme::kPss &&
        (EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(),
                                          RSA_PSS_SALTLEN_AUTO) != 1 ||
         EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), md) != 1)) {
      return nullptr;
    }
    return context;
  }

  absl::Status Verify(Scheme scheme, HashAlgorithm algorithm,
                      const Digest& digest, std::string_view signature) const {
    if (digest.size == 0) return HashUnavailable(algorithm);
    Owned<EVP_PKEY_CTX> context = Take(scheme, algorithm);
    if (context == nullptr) return Unavailable(type, algorithm);
    // The library returns 0 or a negative number for a signature that does not
    // verify.
    const bool good =
        EVP_PKEY_verify(context.get(), Bytes(signature), signature.size(),
                        digest.bytes.data(), digest.size) == 1;
    GiveBack({scheme, algorithm, std::move(context)});
    if (!good) return Reject(Reason::kSignatureMismatch, "");
    return absl::OkStatus();
  }

  const KeyType type;
  const std::string order;
  mutable std::mutex mutex;
  // Only with `mutex` held.
  mutable std::vector<Operation> idle;

 private:
  Owned<EVP_PKEY> Read() const {
    if (type != KeyType::kEcP384) return ReadSpki(spki_);
    Owned<EVP_PKEY> read = NewP384Key();
    if (read == nullptr || !SetPoint(read.get(), PointOf(spki_)))
      return nullptr;
    return read;
  }

  const std::string spki_;
  // Written once at most. Owned.
  mutable std::atomic<EVP_PKEY*> key_ = nullptr;
};

absl::StatusOr<PublicKey> PublicKey::FromSpki(std::string_view spki_der) {
  const ErrorQueueGuard guard;
  if (spki_der.size() > kMaxSpkiBytes) return BadKey("key too large");
  if (After(kP384Prefix, spki_der).has_value()) return FromP384(spki_der);
  if (const auto raw = After(kEd25519Prefix, spki_der); raw.has_value()) {
    return FromEd25519(*raw);
  }
  if (After(kP256Prefix, spki_der).has_value()) return FromP256(spki_der);
  auto shape = ReadKeyShape(spki_der);
  if (!shape.has_value()) {
    return BadKey("not a SubjectPublicKeyInfo of a supported type and size");
  }
  return PublicKey(
      shape->type, shape->bits,
      std::make_shared<State>(shape->type, spki_der, std::move(shape->order)));
}

absl::StatusOr<PublicKey> PublicKey::FromP256(std::string_view spki_der) {
  Owned<EVP_PKEY> key = ReadSpki(spki_der);
  if (key == nullptr) {
    if (!IsOffered(KeyType::kEcP256)) return KeyUnavailable(KeyType::kEcP256);
    return BadKey("point is not on P-256");
  }
  std::string order = GroupOrder(key.get());
  if (order.empty()) return KeyUnavailable(KeyType::kEcP256);
  return PublicKey(KeyType::kEcP256, 256,
                   std::make_shared<State>(KeyType::kEcP256, std::move(key),
                                           std::move(order)));
}

absl::StatusOr<PublicKey> PublicKey::FromP384(std::string_view spki_der) {
  const std::string_view point = PointOf(spki_der);
  if (point.size() != kP384PointBytes) return BadKey("not a P-384 point");
  const std::optional<bool> on_curve = IsOnP384(point);
  if (!on_curve.has_value()) return KeyUnavailable(KeyType::kEcP384);
  if (!*on_curve) return BadKey("point is not on P-384");
  return PublicKey(KeyType::kEcP384, 384,
                   std::make_shared<State>(KeyType::kEcP384, spki_der,
                                           std::string(kP384Order)));
}

absl::StatusOr<PublicKey> PublicKey::FromP384Point(std::string_view point) {
  const ErrorQueueGuard guard;
  if (point.size() != kP384PointBytes || point.front() != 0x04) {
    return BadKey("not an uncompressed P-384 point");
  }
  Owned<EVP_PKEY> key = NewP384Key();
  if (key == nullptr) return KeyUnavailable(KeyType::kEcP384);
  if (!SetPoint(key.get(), point)) return BadKey("point is not on P-384");
  return PublicKey(KeyType::kEcP384, 384,
                   std::make_shared<State>(KeyType::kEcP384, std::move(key),
                                           std::string(kP384Order)));
}

absl::StatusOr<PublicKey> PublicKey::FromEd25519(std::string_view raw) {
  const ErrorQueueGuard guard;
  if (raw.size() != kEd25519KeyBytes) return BadKey("not an Ed25519 key");
  Owned<EVP_PKEY> key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                                  Bytes(raw), raw.size()));
  // The library takes any 32 bytes as a key, so only the library can have
  // failed.
  if (key == nullptr) return KeyUnavailable(KeyType::kEd25519);
  return PublicKey(
      KeyType::kEd25519, 256,
      std::make_shared<State>(KeyType::kEd25519, std::move(key), ""));
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
  if (!IsBetweenZeroAnd(state_->order, r) ||
      !IsBetweenZeroAnd(state_->order, s)) {
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
                           state_->key()) != 1) {
    return KeyUnavailable(KeyType::kEd25519);
  }
  if (EVP_DigestVerify(context.get(), Bytes(signature), signature.size(),
                       Bytes(message), message.size()) != 1) {
    return Reject(Reason::kSignatureMismatch, "");
  }
  return absl::OkStatus();
}

}  // namespace anchorage::verify
