// How far a store has come, in a few numbers that are kept beside it: what tells
// a store that was restored from an old copy from one that lost power.
//
//   const auto now = ReadHead(store);
//   if (auto s = CheckFollows(store, *now, kept); !s.ok()) return s;  // went back
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

// Of an empty store all is zero or empty.
struct StoreHead {
  std::uint64_t root_version = 0;
  std::uint64_t targets_version = 0;
  std::uint64_t snapshot_version = 0;
  std::uint64_t timestamp_version = 0;
  // Of the timestamp, which names all files that clients are served;
  // lower-case hex.
  std::string timestamp_sha256;
  // The highest of each target.
  anchors::Sequences sequences;
  // The size of the record and the root of its Merkle tree, lower-case hex.
  std::uint64_t records = 0;
  std::string records_root;
  // The highest timestamp that somebody has shown, signed with our own key and
  // newer than ours; 0 for none. No store has it.
  std::uint64_t noted_timestamp = 0;

  friend bool operator==(const StoreHead&, const StoreHead&) = default;
};

// More than any head has.
inline constexpr std::size_t kMaxHeadBytes = 4096;

// The text of a head: lines for people, the last of which is the SHA-256 of the
// others.
std::string FormatHead(const StoreHead& head);

// Reads what FormatHead() wrote, to the byte. DATA_LOSS for anything else.
absl::StatusOr<StoreHead> ParseHead(std::string_view text);

// Returns how far `store` has come. Fails as Store does, and with DATA_LOSS for
// files that cannot be read.
absl::StatusOr<StoreHead> ReadHead(const Store& store);

// Whether a commit of `batch` moves a head.
bool MovesHead(const StoreBatch& batch);

// Makes of `head` what it is after `batch`. INVALID_ARGUMENT for files that
// cannot be read.
absl::Status AdvanceHead(const StoreBatch& batch, StoreHead& head);

// OK if `store`, which has come as far as `now`, is at `kept` or further, with
// nothing of what was before changed. Otherwise FAILED_PRECONDITION that says
// what went back. Where the root is a newer one, sequences and the version of
// targets may fall, and if it replaces the online key, also those of snapshot
// and timestamp: so people recover from stolen keys, and no older copy has it.
// What is noted is not looked at.
absl::Status CheckFollows(const Store& store, const StoreHead& now,
                          const StoreHead& kept);

// Whether root `next`, as bytes, names none of the keys with which `last` has
// snapshot and timestamp signed. False for what cannot be read.
bool ReplacesOnlineKey(const std::string& last, const std::string& next);

// The same of the store's roots of these versions.
absl::StatusOr<bool> ReplacedOnlineKey(const Store& store, std::uint64_t last,
                                       std::uint64_t next);

// The highest of each number of two heads; the rest is of `a`.
StoreHead HighestOf(const StoreHead& a, const StoreHead& b);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BASE_STORE_HEAD_H_
