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
  // The keys that sign snapshot and timestamp: the current one, and the next
  // one if its file (`kNextKeySuffix`) is there.
  std::vector<std::unique_ptr<anchors::tuf::SigningKey>> online;

  // Returns the online key that `role` of `root` names; null if it names none
  // of them.
  const anchors::tuf::SigningKey* OnlineFor(
      const anchors::tuf::RoleKeys& role) const;
};

// The suffix of the file in which a new online key, beside the current one,
// waits for the root that names it.
inline constexpr std::string_view kNextKeySuffix = ".next";

// Reads the keys that `config` names. With `may_make`, a key that is absent is
// made (Ed25519) and is on the disk before this returns, readable only by its
// owner. Fails as anchors::ReadPrivateFile() and WriteFileAtomically() do, or
// with kSigningKeyUnreadable or kSigningKeyUnsupported; an absent key that may
// not be made is NOT_FOUND.
absl::StatusOr<SigningKeys> LoadKeys(const PublisherConfig& config,
                                     bool may_make);

// Reads the key in one file, as LoadKeys() does.
absl::StatusOr<std::unique_ptr<anchors::tuf::SigningKey>> LoadKey(
    const std::string& path);

// Whether `keys`, which are those of `config` (MODE_ONLINE), can sign all that
// they will have to: root, targets, snapshot and timestamp, as `root`, the
// newest one, says. FAILED_PRECONDITION names the file and the key that the
// root names.
absl::Status CheckKeys(const PublisherConfig& config, const SigningKeys& keys,
                       const anchors::tuf::Root& root);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_PUBLISH_KEYS_H_
