// The signing keys that a trustd holds, as files.

#ifndef ANCHORAGE_TRUSTD_KEYS_H_
#define ANCHORAGE_TRUSTD_KEYS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "anchors/tuf/signer.h"
#include "trustd/config.h"

namespace anchorage::trustd {

// In MODE_ONLINE all three are here.
struct SigningKeys {
  std::unique_ptr<anchors::tuf::SigningKey> root;
  std::unique_ptr<anchors::tuf::SigningKey> targets;
  // Signs snapshot and timestamp.
  std::unique_ptr<anchors::tuf::SigningKey> online;
};

// Reads the keys that `config` names. With `may_make`, a key that is absent is
// made (Ed25519) and is on the disk before this returns, readable by its owner
// alone. Fails as anchors::ReadPrivateFile() and WriteFileAtomically() do, or
// with kSigningKeyUnreadable or kSigningKeyUnsupported; an absent key that may
// not be made is NOT_FOUND.
absl::StatusOr<SigningKeys> LoadKeys(const Config& config, bool may_make);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_KEYS_H_
