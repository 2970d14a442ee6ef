// The append-only record of every fact that trustd acts on, in the store.
//
//   auto ledger = Ledger::Open(store, [&](index, record) { book.Read(record); });
//   auto index = (*ledger)->Append({record});   // on the disk when it returns
//
// Each record is a leaf of an RFC 6962 Merkle tree, whose size and root are
// stored in the same commit. A record that was changed, cut off, left out or
// moved is found at the next start; then health() says which, nothing more is
// appended, and what does not need the record goes on.
//
// Thread-safe.

#ifndef ANCHORAGE_TRUSTD_RECORD_LEDGER_H_
#define ANCHORAGE_TRUSTD_RECORD_LEDGER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "anchors/base/merkle.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "trustd/base/store.h"

namespace anchorage::trustd {

// A longer record is refused. An observation of all regions has 10 KiB.
inline constexpr std::size_t kMaxRecordBytes = 1024 * 1024;

// DATA_LOSS, with words about what people can do.
absl::Status RecordIsDamaged(std::string_view what);

// What the tree is at one moment.
struct LedgerHead {
  std::uint64_t size = 0;
  anchors::MerkleHash root = {};
};

class Ledger {
 public:
  using Visitor =
      std::function<void(std::uint64_t index, const v1::LedgerRecord& record)>;
  // Puts a batch on the disk, perhaps with more: all of it or nothing.
  using Committer = std::function<absl::Status(const StoreBatch& batch)>;

  // Reads what `store`, which outlives the ledger, holds, and calls `visit`
  // for each record that is sound, in order. Fails as Store does; damage is no
  // failure: see health().
  static absl::StatusOr<std::unique_ptr<Ledger>> Open(Store& store,
                                                      const Visitor& visit) {
    return OpenFrom(store, {}, visit);
  }

  // The same for the records behind those of `first`, which is the tree of the
  // first ones as somebody remembers it.
  static absl::StatusOr<std::unique_ptr<Ledger>> OpenFrom(
      Store& store, anchors::MerkleFrontier first, const Visitor& visit);

  // Reads the first `size` records again, beside whatever goes on, and returns
  // their tree. Rests as long as it works, and asks `go_on` every few
  // milliseconds. Fails with DATA_LOSS for damage, CANCELLED when it is not to
  // go on, or as Store does.
  static absl::StatusOr<anchors::MerkleFrontier> ReadFirst(
      const Store& store, std::uint64_t size, const Visitor& visit,
      const std::function<bool()>& go_on);

  // OK, or DATA_LOSS with a message that names the record.
  absl::Status health() const;

  // Makes a DATA_LOSS the health: nothing more is appended.
  void SetDamaged(const absl::Status& damage);

  LedgerHead head() const;
  anchors::MerkleFrontier tree() const;

  // Appends records in one commit, with `also` if it is given, and returns
  // the index of the first. Fails with health(), INVALID_ARGUMENT for a record
  // that is too long, or as Store does; then nothing was appended.
  absl::StatusOr<std::uint64_t> Append(
      absl::Span<const v1::LedgerRecord> records, StoreBatch also = {});

  // The same where somebody else commits, such as a publisher who publishes
  // what is recorded. Fails as `commit` does.
  absl::StatusOr<std::uint64_t> AppendWith(
      absl::Span<const v1::LedgerRecord> records, const Committer& commit);

  // Fails with NOT_FOUND, or as Store does.
  absl::StatusOr<v1::LedgerRecord> Read(std::uint64_t index) const;

  // The same as it was written: leaf `index` of the tree.
  absl::StatusOr<std::string> ReadBytes(std::uint64_t index) const;

  // Calls `visit` for the records from `first` on, until it returns false.
  absl::Status Scan(
      std::uint64_t first,
      const std::function<bool(std::uint64_t, const v1::LedgerRecord&)>& visit)
      const;

  // Recomputes the tree from the store as Open() did. DATA_LOSS.
  absl::Status Verify() const;

 private:
  explicit Ledger(Store& store) : store_(store) {}

  struct Recomputed {
    anchors::MerkleFrontier tree;
    absl::Status health = {};
  };
  // Takes the records behind `tree` into it, as far as the head of the store.
  static absl::StatusOr<Recomputed> Recompute(const Store& store,
                                              anchors::MerkleFrontier tree,
                                              const Visitor& visit);

  Store& store_;
  // Not the one that is held over a commit.
  mutable absl::Mutex health_mutex_;
  absl::Status health_ ABSL_GUARDED_BY(health_mutex_);
  mutable absl::Mutex mutex_;
  anchors::MerkleFrontier tree_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RECORD_LEDGER_H_
