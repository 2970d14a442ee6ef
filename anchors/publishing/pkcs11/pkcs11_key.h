// Private keys in hardware: in a token that is reached by PKCS #11.
//
//   auto key = Pkcs11Key::Open("pkcs11:token=anchorage;object=alice", pin);
//   auto signature = (*key)->Sign(message);
//
// The token signs; its private key never leaves it. OpenSSL's PKCS #11 engine
// does the work, so the token's own library is named by the attribute
// `module-path` of the URI (RFC 7512) or by the environment variable
// PKCS11_MODULE_PATH. ECDSA P-256 and RSA keys work; the engine knows no
// Ed25519.
//
// Any number of threads. The engine stays loaded until the process ends.

#ifndef ANCHORAGE_ANCHORS_PUBLISHING_PKCS11_PKCS11_KEY_H_
#define ANCHORAGE_ANCHORS_PUBLISHING_PKCS11_PKCS11_KEY_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "anchors/publishing/signer.h"

namespace anchorage::anchors::tuf {

// Whether `text` names an object of a token rather than a file.
bool IsPkcs11Uri(std::string_view text);

class Pkcs11Key final : public SigningKey {
 public:
  // Finds the private key that `uri` names. Never asks at a terminal: without
  // `pin`, the URI must say where it is (`pin-source`), or the token must need
  // none. kSigningKeyUnreadable: no engine, no module, no such token or object,
  // or a wrong PIN. kSigningKeyUnsupported.
  static absl::StatusOr<std::unique_ptr<Pkcs11Key>> Open(
      std::string_view uri, std::optional<std::string_view> pin,
      KeyUse use = KeyUse::kMetadata);

  ~Pkcs11Key() override;

  const TufKey& public_key() const override { return public_key_; }
  absl::StatusOr<std::string> Sign(std::string_view message) const override;
  absl::StatusOr<std::string> PublicPem() const override;

 private:
  struct State;
  Pkcs11Key(std::unique_ptr<State> state, TufKey public_key);

  const std::unique_ptr<State> state_;
  const TufKey public_key_;
};

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_ANCHORS_PUBLISHING_PKCS11_PKCS11_KEY_H_
