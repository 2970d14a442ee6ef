// How far a store has come, in a few numbers that are kept beside it. They
// distinguish a store that was restored from an old copy from one that lost
// power.
//
//   const auto now = ReadHead(store);
//   auto s = CheckFollows(store, *now, kept);
//   if (!s.ok()) return s;  // it went back
//
// Pure functions of a store and values.

#ifndef ANCHORAGE_TRUSTD_BASE_STORE_HEAD_H_
#define ANCHORAGE_TRUSTD_BASE_STORE_HEAD_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anchors/bundle.h"
#include "trustd/base/store.h"

namespace anchorage::trustd {

// For an empty store every member is zero or empty.
struct StoreHead {
  std::uint64_t root_version = 0;
  std::uint64_t targets_version = 0;
  std::uint64_t snapshot_version = 0;
  std::uint64_t timestamp_version = 0;
  // SHA-256 of the timestamp, which names all files that clients are served;
  // lower-case hex.
  std::string timestamp_sha256;
  // The highest of each target.
  anchors::Sequences sequences;
  // The size of the record and the root of its Merkle tree, lower-case hex.
  std::uint64_t records = 0;
  std::string records_root;
  // The highest timestamp that somebody has shown, signed with our own key and
  // newer than ours; 0 for none. Only the head has it, never the store.
  std::uint64_t noted_timestamp = 0;

  friend bool operator==(const StoreHead&, const StoreHead&) = default;
};

// The longest text of a head. More than any has.
inline constexpr std::size_t kMaxHeadBytes = 4096;

// Returns the text of a head: lines for people, the last of which is the
// SHA-256 of the others.
std::string FormatHead(const StoreHead& head);

// Reads exactly what FormatHead() wrote. DATA_LOSS for anything else.
absl::StatusOr<StoreHead> ParseHead(std::string_view text);

// Returns how far `store` has come. Fails as Store does, and with DATA_LOSS for
// files that cannot be read.
absl::StatusOr<StoreHead> ReadHead(const Store& store);

// Whether a commit of `batch` moves a head.
bool MovesHead(const StoreBatch& batch);

// Updates `head` to what it is after `batch`. INVALID_ARGUMENT for files that
// cannot be read.
absl::Status AdvanceHead(const StoreBatch& batch, StoreHead& head);

// Returns OK if `store`, which has come as far as `now`, is at `kept` or
// further, with nothing before that changed. Otherwise FAILED_PRECONDITION,
// which says what went back. If the root is newer, sequences and the version of
// targets may fall, and if it replaces the online key, also the versions of
// snapshot and timestamp: this is how people recover from stolen keys, and no
// older copy has such a root. Ignores noted_timestamp.
absl::Status CheckFollows(const Store& store, const StoreHead& now,
                          const StoreHead& kept);

// Whether the records of `kept` are the first of `store`, which has come as far
// as `now`.
absl::StatusOr<bool> BeginsWith(const Store& store, const StoreHead& now,
                                const StoreHead& kept);

// Whether root `next` names none of the keys that `last` names for snapshot and
// timestamp. Both are the bytes of files; false if either cannot be read.
bool ReplacesOnlineKey(const std::string& last, const std::string& next);

// Does the same for the store's roots of these versions.
absl::StatusOr<bool> ReplacedOnlineKey(const Store& store, std::uint64_t last,
                                       std::uint64_t next);

// Returns the higher of each number in two heads; everything else is from `a`.
StoreHead HighestOf(const StoreHead& a, const StoreHead& b);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BASE_STORE_HEAD_H_
