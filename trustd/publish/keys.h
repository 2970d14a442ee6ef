// The signing keys that a trustd holds, as files.

#ifndef ANCHORAGE_TRUSTD_PUBLISH_KEYS_H_
#define ANCHORAGE_TRUSTD_PUBLISH_KEYS_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "anchors/publishing/signer.h"
#include "anchors/tuf/metadata.h"
#include "trustd/publish/publisher_config.h"

namespace anchorage::trustd {

struct SigningKeys {
  // Null in MODE_OFFLINE.
  std::unique_ptr<anchors::tuf::SigningKey> root;
  std::unique_ptr<anchors::tuf::SigningKey> targets;
  // Sign snapshot and timestamp: the current key, and the next one where its
  // file (`kNextKeySuffix`) is there.
  std::vector<std::unique_ptr<anchors::tuf::SigningKey>> online;

  // Returns the online key that `role` of `root` names; null if it is none.
  const anchors::tuf::SigningKey* OnlineFor(
      const anchors::tuf::RoleKeys& role) const;
};

// Where a new online key waits for the root that names it: beside the current
// one, with this after its name.
inline constexpr std::string_view kNextKeySuffix = ".next";

// Reads the keys that `config` names. With `may_make`, a key that is absent is
// made (Ed25519) and is on the disk before this returns, readable by its owner
// alone. Fails as anchors::ReadPrivateFile() and WriteFileAtomically() do, or
// with kSigningKeyUnreadable or kSigningKeyUnsupported; an absent key that may
// not be made is NOT_FOUND.
absl::StatusOr<SigningKeys> LoadKeys(const PublisherConfig& config,
                                     bool may_make);

// Whether `keys`, which are those of `config` (MODE_ONLINE), can sign all that
// they will have to: root, targets, snapshot and timestamp, as `root`, the
// newest one, has it. FAILED_PRECONDITION names the file and the key that the
// root wants.
absl::Status CheckKeys(const PublisherConfig& config, const SigningKeys& keys,
                       const anchors::tuf::Root& root);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_PUBLISH_KEYS_H_
