#include "test/fake_aws/keys.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

#include <cstdlib>
#include <map>
#include <tuple>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/key_numbers.h"

namespace anchorage::test {
namespace {

template <auto kFree>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Number = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using Context = std::unique_ptr<BN_CTX, Deleter<BN_CTX_free>>;
using Group = std::unique_ptr<EC_GROUP, Deleter<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Deleter<EC_POINT_free>>;
using EvpKey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using EvpContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;

// The library fails here only where this file is wrong or memory is out.
void Must(bool done) {
  if (!done) std::abort();
}

Number New() {
  Number number(BN_new());
  Must(number != nullptr);
  return number;
}

const unsigned char* Bytes(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Number FromBytes(std::string_view bytes) {
  Number number(
      BN_bin2bn(Bytes(bytes), static_cast<int>(bytes.size()), nullptr));
  Must(number != nullptr);
  return number;
}

Number FromHex(std::string_view hex) {
  BIGNUM* number = nullptr;
  Must(BN_hex2bn(&number, std::string(hex).c_str()) != 0);
  return Number(number);
}

std::string ToBytes(const BIGNUM* number, std::size_t size) {
  std::string out(size, '\0');
  Must(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()),
                    static_cast<int>(size)) >= 0);
  return out;
}

std::string ToInteger(const BIGNUM* number) {
  return PositiveInteger(ToBytes(number, BN_num_bytes(number)));
}

std::size_t SizeOf(const BIGNUM* number) {
  return static_cast<std::size_t>(BN_num_bytes(number));
}

// A number from 1 to `order` - 1 that depends on `seed` only.
Number FromSeed(std::string_view seed, const BIGNUM* order, BN_CTX* context) {
  std::string wide = HashOf(Hash::kSha512, seed);
  wide += HashOf(Hash::kSha512, wide);
  Number limit(BN_dup(order));
  Must(BN_sub_word(limit.get(), 1) == 1);
  Number number = New();
  Must(BN_mod(number.get(), FromBytes(wide).get(), limit.get(), context) == 1);
  Must(BN_add_word(number.get(), 1) == 1);
  return number;
}

int CurveOf(KeyType type) {
  if (type == KeyType::kP256) return NID_X9_62_prime256v1;
  if (type == KeyType::kP384) return NID_secp384r1;
  return NID_secp521r1;
}

std::string_view CurveOidOf(KeyType type) {
  if (type == KeyType::kP256) return "1.2.840.10045.3.1.7";
  if (type == KeyType::kP384) return "1.3.132.0.34";
  return "1.3.132.0.35";
}

std::string Spki(std::string_view algorithm, std::string_view public_key) {
  return Sequence({algorithm, BitString(public_key)});
}

const EVP_MD* DigestOf(Hash hash) {
  switch (hash) {
    case Hash::kMd5:
      return EVP_md5();
    case Hash::kSha1:
      return EVP_sha1();
    case Hash::kSha256:
      return EVP_sha256();
    case Hash::kSha384:
      return EVP_sha384();
    case Hash::kSha512:
      return EVP_sha512();
  }
  std::abort();
}

}  // namespace

struct TestKey::State {
  explicit State(KeyType key_type) : type(key_type) {}

  void MakeRsa(std::string_view p, std::string_view q, int exponent);
  void MakeDsa(std::string_view name);
  void MakeElliptic(std::string_view name);
  void MakeEd25519(std::string_view name);

  // The x of nonce * generator, or of generator^nonce: what r is made of.
  Number Commit(const BIGNUM* nonce, BN_CTX* context) const;

  KeyType type;
  std::string spki_der;
  std::string public_key_bytes;
  // RSA: n and d. DSA and elliptic: the group's order and the private key.
  Number modulus;
  Number secret;
  // DSA: p and g. Elliptic: the group. Ed25519: the library's key.
  Number dsa_p;
  Number dsa_g;
  Group group;
  EvpKey ed25519;
};

void TestKey::State::MakeRsa(std::string_view p_hex, std::string_view q_hex,
                             int exponent) {
  const Context context(BN_CTX_new());
  const Number p = FromHex(p_hex), q = FromHex(q_hex), e = New();
  modulus = New();
  secret = New();
  const Number phi = New(), p1(BN_dup(p.get())), q1(BN_dup(q.get()));
  Must(BN_set_word(e.get(), static_cast<BN_ULONG>(exponent)) == 1 &&
       BN_mul(modulus.get(), p.get(), q.get(), context.get()) == 1 &&
       BN_sub_word(p1.get(), 1) == 1 && BN_sub_word(q1.get(), 1) == 1 &&
       BN_mul(phi.get(), p1.get(), q1.get(), context.get()) == 1 &&
       BN_mod_inverse(secret.get(), e.get(), phi.get(), context.get()));
  public_key_bytes = Sequence({ToInteger(modulus.get()), ToInteger(e.get())});
  spki_der =
      Spki(AlgorithmId(kOidRsaEncryption, Parameters::kNull), public_key_bytes);
}

void TestKey::State::MakeDsa(std::string_view name) {
  const Context context(BN_CTX_new());
  dsa_p = FromHex(kDsaP);
  dsa_g = FromHex(kDsaG);
  modulus = FromHex(kDsaQ);
  secret = FromSeed(name, modulus.get(), context.get());
  const Number y = New();
  Must(BN_mod_exp(y.get(), dsa_g.get(), secret.get(), dsa_p.get(),
                  context.get()) == 1);
  public_key_bytes = ToInteger(y.get());
  spki_der =
      Spki(Sequence({Oid("1.2.840.10040.4.1"),
                     Sequence({ToInteger(dsa_p.get()), ToInteger(modulus.get()),
                               ToInteger(dsa_g.get())})}),
           public_key_bytes);
}

void TestKey::State::MakeElliptic(std::string_view name) {
  const Context context(BN_CTX_new());
  group = Group(EC_GROUP_new_by_curve_name(CurveOf(type)));
  modulus = Number(BN_dup(EC_GROUP_get0_order(group.get())));
  secret = FromSeed(name, modulus.get(), context.get());
  const Point point(EC_POINT_new(group.get()));
  Must(EC_POINT_mul(group.get(), point.get(), secret.get(), nullptr, nullptr,
                    context.get()) == 1);
  const int field = (EC_GROUP_get_degree(group.get()) + 7) / 8;
  public_key_bytes.resize(static_cast<std::size_t>(1 + 2 * field));
  Must(EC_POINT_point2oct(
           group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED,
           reinterpret_cast<unsigned char*>(public_key_bytes.data()),
           public_key_bytes.size(), context.get()) == public_key_bytes.size());
  spki_der = Spki(Sequence({Oid("1.2.840.10045.2.1"), Oid(CurveOidOf(type))}),
                  public_key_bytes);
}

void TestKey::State::MakeEd25519(std::string_view name) {
  const std::string seed = HashOf(Hash::kSha256, name);
  ed25519 = EvpKey(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                                Bytes(seed), seed.size()));
  public_key_bytes.resize(32);
  std::size_t size = public_key_bytes.size();
  Must(EVP_PKEY_get_raw_public_key(
           ed25519.get(),
           reinterpret_cast<unsigned char*>(public_key_bytes.data()),
           &size) == 1);
  spki_der = Spki(Sequence({Oid("1.3.101.112")}), public_key_bytes);
}

Number TestKey::State::Commit(const BIGNUM* nonce, BN_CTX* context) const {
  Number x = New();
  if (type == KeyType::kDsa1024) {
    Must(BN_mod_exp(x.get(), dsa_g.get(), nonce, dsa_p.get(), context) == 1);
    return x;
  }
  const Point point(EC_POINT_new(group.get()));
  Must(EC_POINT_mul(group.get(), point.get(), nonce, nullptr, nullptr,
                    context) == 1);
  Must(EC_POINT_get_affine_coordinates(group.get(), point.get(), x.get(),
                                       nullptr, context) == 1);
  return x;
}

TestKey::TestKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
TestKey::~TestKey() = default;

const TestKey& TestKey::Derived(KeyType type, std::string_view name) {
  static absl::Mutex mutex;
  static auto* const keys =
      new std::map<std::pair<KeyType, std::string>, TestKey*>;
  Must(type != KeyType::kRsa);
  absl::MutexLock lock(&mutex);
  TestKey*& key = (*keys)[{type, std::string(name)}];
  if (key != nullptr) return *key;
  auto state = std::make_unique<State>(type);
  if (type == KeyType::kDsa1024) {
    state->MakeDsa(name);
  } else if (type == KeyType::kEd25519) {
    state->MakeEd25519(name);
  } else {
    state->MakeElliptic(name);
  }
  return *(key = new TestKey(std::move(state)));
}

const TestKey& TestKey::Rsa(int bits, int number, int exponent) {
  static absl::Mutex mutex;
  static auto* const keys = new std::map<std::tuple<int, int, int>, TestKey*>;
  Must((bits == 1024 || bits == 2048) && number >= 0 && number < kRsaKeys);
  absl::MutexLock lock(&mutex);
  TestKey*& key = (*keys)[{bits, number, exponent}];
  if (key != nullptr) return *key;
  const auto& primes = bits == 1024 ? kPrimes512 : kPrimes1024;
  // The pairs of primes in order: (1,0), (2,0), (2,1), (3,0) and so on.
  std::size_t high = 1;
  auto low = static_cast<std::size_t>(number);
  while (low >= high) low -= high++;
  auto state = std::make_unique<State>(KeyType::kRsa);
  state->MakeRsa(primes[high], primes[low], exponent);
  return *(key = new TestKey(std::move(state)));
}

KeyType TestKey::type() const { return state_->type; }

const std::string& TestKey::spki_der() const { return state_->spki_der; }

const std::string& TestKey::public_key_bytes() const {
  return state_->public_key_bytes;
}

std::string TestKey::Sign(Hash hash, std::string_view digest) const {
  if (state_->type == KeyType::kRsa) {
    const std::size_t size = SizeOf(state_->modulus.get());
    return RawPrivate(Pkcs1Block(size, DigestInfo(hash, digest)));
  }
  return DerSignature(SignRaw(digest));
}

RawSignature TestKey::SignRaw(std::string_view digest) const {
  Must(state_->group != nullptr || state_->dsa_p != nullptr);
  const Context context(BN_CTX_new());
  const BIGNUM* const order = state_->modulus.get();
  const std::size_t size = SizeOf(order);

  // The leftmost bits of the digest, as many as the order has.
  const Number z = FromBytes(digest);
  const int excess = static_cast<int>(digest.size() * 8) - BN_num_bits(order);
  if (excess > 0) Must(BN_rshift(z.get(), z.get(), excess) == 1);

  const std::string seed =
      ToBytes(state_->secret.get(), size) + std::string(digest);
  const Number nonce = FromSeed(seed, order, context.get());
  const Number r = state_->Commit(nonce.get(), context.get());
  const Number s = New();
  Must(BN_nnmod(r.get(), r.get(), order, context.get()) == 1 &&
       BN_mod_mul(s.get(), r.get(), state_->secret.get(), order,
                  context.get()) == 1 &&
       BN_mod_add(s.get(), s.get(), z.get(), order, context.get()) == 1 &&
       BN_mod_inverse(nonce.get(), nonce.get(), order, context.get()) &&
       BN_mod_mul(s.get(), s.get(), nonce.get(), order, context.get()) == 1);
  return {ToBytes(r.get(), size), ToBytes(s.get(), size)};
}

std::string TestKey::SignFixed(std::string_view digest) const {
  const RawSignature raw = SignRaw(digest);
  return raw.r + raw.s;
}

std::string TestKey::SignMessage(std::string_view message) const {
  Must(state_->ed25519 != nullptr);
  const EvpContext context(EVP_MD_CTX_new());
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  Must(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr,
                          state_->ed25519.get()) == 1 &&
       EVP_DigestSign(context.get(),
                      reinterpret_cast<unsigned char*>(signature.data()), &size,
                      Bytes(message), message.size()) == 1);
  return signature;
}

std::string TestKey::RawPrivate(std::string_view block) const {
  Must(state_->type == KeyType::kRsa);
  const Context context(BN_CTX_new());
  const Number out = New();
  Must(BN_mod_exp(out.get(), FromBytes(block).get(), state_->secret.get(),
                  state_->modulus.get(), context.get()) == 1);
  return ToBytes(out.get(), SizeOf(state_->modulus.get()));
}

std::string TestKey::modulus() const {
  Must(state_->modulus != nullptr);
  return ToBytes(state_->modulus.get(), SizeOf(state_->modulus.get()));
}

std::string HashOf(Hash hash, std::string_view data) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  Must(EVP_Digest(data.data(), data.size(),
                  reinterpret_cast<unsigned char*>(out.data()), &size,
                  DigestOf(hash), nullptr) == 1);
  out.resize(size);
  return out;
}

std::string_view OidOf(Hash hash) {
  switch (hash) {
    case Hash::kMd5:
      return kOidMd5;
    case Hash::kSha1:
      return kOidSha1;
    case Hash::kSha256:
      return kOidSha256;
    case Hash::kSha384:
      return kOidSha384;
    case Hash::kSha512:
      return kOidSha512;
  }
  std::abort();
}

std::string DerSignature(const RawSignature& signature) {
  return Sequence({PositiveInteger(signature.r), PositiveInteger(signature.s)});
}

std::string Subtract(std::string_view a, std::string_view b, std::size_t size) {
  const Number out = New();
  Must(BN_sub(out.get(), FromBytes(a).get(), FromBytes(b).get()) == 1);
  return ToBytes(out.get(), size);
}

std::string Add(std::string_view a, std::string_view b, std::size_t size) {
  const Number out = New();
  Must(BN_add(out.get(), FromBytes(a).get(), FromBytes(b).get()) == 1);
  return ToBytes(out.get(), size);
}

std::string DigestInfo(Hash hash, std::string_view digest) {
  return Sequence(
      {AlgorithmId(OidOf(hash), Parameters::kNull), OctetString(digest)});
}

std::string Pkcs1Block(std::size_t size, std::string_view digest_info) {
  std::string block("\0\1", 2);
  block.append(size - 3 - digest_info.size(), '\xff');
  block.push_back('\0');
  return block.append(digest_info);
}

std::string CubeRootForgery(std::string_view prefix, std::size_t size) {
  const Context context(BN_CTX_new());
  std::string block(prefix);
  block.resize(size, '\0');
  const Number target = FromBytes(block), root = New(), cube = New();
  for (int bit = static_cast<int>(size) * 8 / 3 + 1; bit >= 0; --bit) {
    Must(BN_set_bit(root.get(), bit) == 1 &&
         BN_sqr(cube.get(), root.get(), context.get()) == 1 &&
         BN_mul(cube.get(), cube.get(), root.get(), context.get()) == 1);
    if (BN_cmp(cube.get(), target.get()) > 0) BN_clear_bit(root.get(), bit);
  }
  Must(BN_add_word(root.get(), 1) == 1);
  return ToBytes(root.get(), size);
}

}  // namespace anchorage::test
