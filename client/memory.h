// What a client remembers beside the bundle that it verified last: how new that
// was, the floor that later ones must not fall below, and what was revoked.
//
// One small file of lines in the cache folder, with a checksum: a memory that
// was cut or edited by accident counts as absent. It proves nothing. What it
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

// The longest text of a Memory: what it revokes and a few lines more.
inline constexpr std::size_t kMaxMemoryBytes =
    anchors::kMaxCatalogBytes + anchors::kMaxReleasesBytes + 64 * 1024;

struct Memory {
  // The newest root that this memory was checked against. 0: none yet.
  std::int64_t root_version = 0;
  // About the last bundle: when its timestamp was first verified, until when it
  // was fresh, and since when a newer root no longer vouches for its timestamp
  // or snapshot (InfiniteFuture: it still does).
  absl::Time adopted = absl::UnixEpoch();
  absl::Time fresh_until = absl::UnixEpoch();
  absl::Time overtaken = absl::InfiniteFuture();
  // The sequences that were adopted last.
  anchors::Sequences floor;
  // The ids of the keys whose signatures over the targets of the floor
  // verified.
  std::vector<std::string> floor_signers;
  Revoked revoked;

  friend bool operator==(const Memory&, const Memory&) = default;
};

// Whether `keys` could still meet the threshold of `role`: if the signers of a
// floor could not, the floor is dropped.
bool CanStillSign(const std::vector<std::string>& keys,
                  const anchors::tuf::RoleKeys& role);

// Returns the text of a memory. Times are kept to the second.
std::string Serialize(const Memory& memory);

// Reads the text of a memory. Fails with DATA_LOSS for anything that
// Serialize() does not write.
absl::StatusOr<Memory> ParseMemory(std::string_view text);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_MEMORY_H_
