// The private keys that commands sign with: files and tokens.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_SIGNING_KEY_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_SIGNING_KEY_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anchors/publishing/signer.h"

namespace anchorage::trustctl {

// --passphrase-file: where a passphrase or a PIN comes from. Without it, a
// person at a terminal is asked.
struct PassphraseSource {
  std::string file;

  void AddTo(CLI::App& command);

  // The passphrase of what is named `what`; asked for twice where it is a new
  // one. FAILED_PRECONDITION without a file and a terminal.
  absl::StatusOr<anchors::tuf::Secret> Read(const std::string& what,
                                            bool is_new) const;
};

// --key with its passphrase.
struct SigningKeySource {
  // A PEM file, or a PKCS #11 URI.
  std::string key;
  PassphraseSource passphrase;

  void AddTo(CLI::App& command);

  // Opens the key, with the passphrase only where it needs one. Fails as
  // ReadPrivateFile(), SoftwareKey and Pkcs11Key do.
  absl::StatusOr<std::unique_ptr<anchors::tuf::SigningKey>> Open(
      anchors::tuf::KeyUse use = anchors::tuf::KeyUse::kMetadata) const;
};

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_SIGNING_KEY_H_
