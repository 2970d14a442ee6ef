// What a client remembers beside the bundle that it verified last: how new that
// was, what later ones must not go back behind, and what was revoked.
//
// One small file of lines in the cache folder, with a checksum: a memory that
// was cut or edited by accident is none. It is no proof of anything. What it
// says can make a client refuse more, or call its anchors older than they are;
// whoever may write the folder can take that back (see SECURITY.md).
//
// Pure values.

#ifndef ANCHORAGE_CLIENT_MEMORY_H_
#define ANCHORAGE_CLIENT_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/bundle.h"
#include "anchors/catalog.h"
#include "anchors/releases.h"
#include "anchors/tuf/metadata.h"
#include "client/revoked.h"

namespace anchorage::client {

// What a Memory may take as text: what it revokes and a few lines more.
inline constexpr std::size_t kMaxMemoryBytes =
    anchors::kMaxCatalogBytes + anchors::kMaxReleasesBytes + 64 * 1024;

struct Memory {
  // The newest root that this memory was held against. 0: none yet.
  std::int64_t root_version = 0;
  // Of the last bundle: when its timestamp was first verified, until when it was
  // fresh, and since when a newer root vouches for its timestamp or snapshot no
  // more (InfiniteFuture: it does).
  absl::Time adopted = absl::UnixEpoch();
  absl::Time fresh_until = absl::UnixEpoch();
  absl::Time overtaken = absl::InfiniteFuture();
  // The sequences that were adopted last.
  anchors::Sequences floor;
  // The ids of the keys whose signatures over the targets of the floor verified.
  std::vector<std::string> floor_signers;
  Revoked revoked;

  friend bool operator==(const Memory&, const Memory&) = default;
};

// Whether `keys` of a role could still be the threshold of `role`: of a floor
// whose signers could not, nothing is left.
bool CanStillSign(const std::vector<std::string>& keys,
                  const anchors::tuf::RoleKeys& role);

// Times are kept to the second.
std::string Serialize(const Memory& memory);

// Fails with DATA_LOSS for anything that Serialize() does not write.
absl::StatusOr<Memory> ParseMemory(std::string_view text);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_MEMORY_H_
