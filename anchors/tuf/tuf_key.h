// A public key as TUF metadata carries it, and what it verifies.
//
//   auto key = TufKey::Make("ed25519", "ed25519", public_hex);
//   if (key->Verify(message, signature)) ...
//
// Immutable, any number of threads. A key of a type or form that we do not
// know is kept and has an id, but verifies nothing: a repository may move to
// new algorithms without breaking the clients that cannot follow yet.

#ifndef ANCHORAGE_ANCHORS_TUF_TUF_KEY_H_
#define ANCHORAGE_ANCHORS_TUF_TUF_KEY_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/json.h"

namespace anchorage::anchors::tuf {

// Returns the type of key that a TUF keytype means; nullopt for one that we do
// not use.
std::optional<verify::KeyType> TypeOf(std::string_view keytype);

class TufKey {
 public:
  // Reads a KEY object. Fails with kMetadataMalformed if keytype, scheme or
  // keyval is missing, and with kNumberNotCanonical.
  static absl::StatusOr<TufKey> Parse(const verify::JsonValue& key);

  // Makes a key with only keytype, scheme and keyval.public, which are UTF-8.
  // Fails as Parse() does.
  static absl::StatusOr<TufKey> Make(std::string_view keytype,
                                     std::string_view scheme,
                                     std::string_view public_value);

  // The hex SHA-256 of the canonical form of the whole object, members that
  // we do not know included.
  const std::string& keyid() const { return keyid_; }
  const std::string& keytype() const { return keytype_; }
  const std::string& scheme() const { return scheme_; }

  // The whole object, as compact JSON.
  const std::string& json() const { return json_; }

  // Whether this key can verify anything here.
  bool supported() const { return public_key_.has_value(); }

  // Equal for two objects with the same public key, whatever their ids: a key
  // counts once towards a threshold. Empty where not supported().
  const std::string& identity() const { return identity_; }

  // Returns whether `signature` (bytes, not hex) is this key's over `message`.
  bool Verify(std::string_view message, std::string_view signature) const;

 private:
  TufKey() = default;

  std::string keyid_;
  std::string keytype_;
  std::string scheme_;
  std::string json_;
  std::string identity_;
  std::optional<verify::PublicKey> public_key_;
};

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_ANCHORS_TUF_TUF_KEY_H_
