#include "anchors/tuf/tuf_key.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "anchors/tuf/canonical_json.h"
#include "anchors/tuf/tuf_error.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/der.h"

namespace anchorage::anchors::tuf {
namespace {

using verify::DerReader;
using verify::DerTag;
using verify::HashAlgorithm;
using verify::JsonValue;
using verify::KeyType;
using verify::PublicKey;

constexpr std::size_t kMaxKeyBytes = 64 * 1024;
constexpr int kMinRsaBits = 2048;
constexpr std::size_t kEd25519Bytes = 32;

struct UsableKey {
  PublicKey key;
  std::string identity;
};

// The bits of a SubjectPublicKeyInfo: the key without its wrapping, which
// can be written in more than one way.
std::optional<std::string_view> KeyBits(std::string_view spki) {
  const auto outer = verify::ParseOne(spki, DerTag::kSequence);
  if (!outer.has_value()) return std::nullopt;
  DerReader reader(outer->contents);
  if (!reader.Read(DerTag::kSequence).has_value()) return std::nullopt;
  const auto bits = reader.Read(DerTag::kBitString);
  if (!bits.has_value() || !reader.done()) return std::nullopt;
  return verify::ParseOctetAligned(bits->contents);
}

// A point has a compressed and an uncompressed form; an RSA key has only one if
// its integers are minimal. Only one form is accepted, so that equal keys have
// equal bits.
bool HasTheOneForm(KeyType type, std::string_view bits) {
  if (type == KeyType::kEcP256) return bits.size() == 65 && bits[0] == 0x04;
  const auto sequence = verify::ParseOne(bits, DerTag::kSequence);
  if (!sequence.has_value()) return false;
  DerReader reader(sequence->contents);
  const auto modulus = reader.Read(DerTag::kInteger);
  const auto exponent = reader.Read(DerTag::kInteger);
  return modulus.has_value() && exponent.has_value() && reader.done() &&
         verify::IsMinimalInteger(modulus->contents) &&
         verify::IsMinimalInteger(exponent->contents);
}

std::optional<UsableKey> ReadEd25519(std::string_view hex) {
  auto raw = verify::DecodeHex(hex);
  if (!raw.ok() || raw->size() != kEd25519Bytes) return std::nullopt;
  auto key = PublicKey::FromEd25519(*raw);
  if (!key.ok()) return std::nullopt;
  return UsableKey{*std::move(key), absl::StrCat("ed25519:", *raw)};
}

std::optional<UsableKey> ReadPem(std::string_view pem, KeyType type) {
  const auto spki = verify::DecodePem(pem, "PUBLIC KEY");
  if (!spki.ok()) return std::nullopt;
  auto key = PublicKey::FromSpki(*spki);
  if (!key.ok() || key->type() != type) return std::nullopt;
  if (type == KeyType::kRsa && key->bits() < kMinRsaBits) return std::nullopt;
  const auto bits = KeyBits(*spki);
  if (!bits.has_value() || !HasTheOneForm(type, *bits)) return std::nullopt;
  return UsableKey{*std::move(key),
                   absl::StrCat(type == KeyType::kRsa ? "rsa:" : "p256:",
                                absl::string_view(bits->data(), bits->size()))};
}

std::optional<UsableKey> ReadPublic(std::string_view keytype,
                                    std::string_view scheme,
                                    std::string_view public_value) {
  const auto type = TypeOf(keytype);
  if (type == KeyType::kEd25519 && scheme == "ed25519") {
    return ReadEd25519(public_value);
  }
  if ((type == KeyType::kEcP256 && scheme == "ecdsa-sha2-nistp256") ||
      (type == KeyType::kRsa && scheme == "rsassa-pss-sha256")) {
    return ReadPem(public_value, *type);
  }
  return std::nullopt;
}

absl::Status Malformed(std::string_view detail) {
  return RejectUpdate(TufReason::kMetadataMalformed, detail);
}

}  // namespace

std::optional<KeyType> TypeOf(std::string_view keytype) {
  if (keytype == "ed25519") return KeyType::kEd25519;
  if (keytype == "rsa") return KeyType::kRsa;
  // The second spelling is in Sigstore's early roots.
  if (keytype == "ecdsa" || keytype == "ecdsa-sha2-nistp256") {
    return KeyType::kEcP256;
  }
  return std::nullopt;
}

absl::StatusOr<TufKey> TufKey::Parse(const JsonValue& key) {
  const JsonValue* keytype = key.Find("keytype");
  const JsonValue* scheme = key.Find("scheme");
  const JsonValue* keyval = key.Find("keyval");
  if (keytype == nullptr || !keytype->AsString().has_value() ||
      scheme == nullptr || !scheme->AsString().has_value()) {
    return Malformed("a key has no keytype or no scheme");
  }
  if (keyval == nullptr || keyval->kind() != JsonValue::Kind::kObject) {
    return Malformed("a key has no keyval");
  }
  const auto canonical = CanonicalJson(key);
  if (!canonical.ok()) return canonical.status();

  TufKey result;
  result.keytype_ = *keytype->AsString();
  result.scheme_ = *scheme->AsString();
  result.keyid_ = verify::Sha256Hex(*canonical);
  if (result.keyid_.empty()) {
    return verify::HashUnavailable(HashAlgorithm::kSha256);
  }
  result.json_ = CompactJson(key);
  const JsonValue* value = keyval->Find("public");
  if (value == nullptr || !value->AsString().has_value()) return result;
  auto usable = ReadPublic(result.keytype_, result.scheme_, *value->AsString());
  if (usable.has_value()) {
    result.public_key_ = std::move(usable->key);
    result.identity_ = std::move(usable->identity);
  }
  return result;
}

absl::StatusOr<TufKey> TufKey::Make(std::string_view keytype,
                                    std::string_view scheme,
                                    std::string_view public_value) {
  const auto key = verify::ParseJson(
      absl::StrCat("{\"keytype\":", JsonString(keytype),
                   ",\"keyval\":{\"public\":", JsonString(public_value),
                   "},\"scheme\":", JsonString(scheme), "}"),
      {.max_bytes = kMaxKeyBytes});
  if (!key.ok()) return Malformed(std::string(key.status().message()));
  return Parse(*key);
}

bool TufKey::Verify(std::string_view message,
                    std::string_view signature) const {
  if (!public_key_.has_value()) return false;
  if (public_key_->type() == KeyType::kEd25519) {
    return public_key_->VerifyMessage(message, signature).ok();
  }
  const verify::Digest digest = verify::Hash(HashAlgorithm::kSha256, message);
  if (public_key_->type() == KeyType::kRsa) {
    return public_key_->VerifyPss(digest, signature).ok();
  }
  return public_key_->VerifyDigest(HashAlgorithm::kSha256, digest, signature)
      .ok();
}

}  // namespace anchorage::anchors::tuf
