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

// The longest record; a longer one is refused. An observation of all regions
// has 10 KiB.
inline constexpr std::size_t kMaxRecordBytes = 1024 * 1024;

// Returns DATA_LOSS, with a message that says what people can do.
absl::Status RecordIsDamaged(std::string_view what);

// The size and root of the tree at one moment.
struct LedgerHead {
  std::uint64_t size = 0;
  anchors::MerkleHash root = {};
};

class Ledger {
 public:
  using Visitor =
      std::function<void(std::uint64_t index, const v1::LedgerRecord& record)>;
  // Commits a batch, perhaps together with more: all of it or nothing.
  using Committer = std::function<absl::Status(const StoreBatch& batch)>;

  // Reads the records in `store`, which must outlive the ledger, and calls
  // `visit` for each that is undamaged, in order. Fails as Store does; damage
  // is not a failure: see health().
  static absl::StatusOr<std::unique_ptr<Ledger>> Open(Store& store,
                                                      const Visitor& visit) {
    return OpenFrom(store, {}, visit);
  }

  // Reads only the records after those of `first`, which is the tree of the
  // first ones as a checkpoint remembers it.
  static absl::StatusOr<std::unique_ptr<Ledger>> OpenFrom(
      Store& store, anchors::MerkleFrontier first, const Visitor& visit);

  // Reads the first `size` records, concurrently with everything else, and
  // returns their tree. Pauses for as long as it works, and asks `go_on` every
  // few milliseconds. Fails with DATA_LOSS for damage, CANCELLED when `go_on`
  // says no, or as Store does.
  static absl::StatusOr<anchors::MerkleFrontier> ReadFirst(
      const Store& store, std::uint64_t size, const Visitor& visit,
      const std::function<bool()>& go_on);

  // Returns OK, or DATA_LOSS with a message that names the record.
  absl::Status health() const;

  // Sets health() to `damage`, a DATA_LOSS: nothing more is appended.
  void SetDamaged(const absl::Status& damage);

  LedgerHead head() const;
  anchors::MerkleFrontier tree() const;

  // Appends records in one commit, with `also` if it is given, and returns
  // the index of the first. Fails with health(), INVALID_ARGUMENT for a record
  // that is too long, or as Store does; then nothing was appended.
  absl::StatusOr<std::uint64_t> Append(
      absl::Span<const v1::LedgerRecord> records, StoreBatch also = {});

  // Appends records where `commit` does the committing, such as a publisher
  // that publishes what is recorded. Fails as Append() and `commit` do.
  absl::StatusOr<std::uint64_t> AppendWith(
      absl::Span<const v1::LedgerRecord> records, const Committer& commit);

  // Returns a record. Fails with NOT_FOUND, or as Store does.
  absl::StatusOr<v1::LedgerRecord> Read(std::uint64_t index) const;

  // Returns a record's bytes as they were written: leaf `index` of the tree.
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
  // Appends the records after `tree` to it, up to the head of the store.
  static absl::StatusOr<Recomputed> Recompute(const Store& store,
                                              anchors::MerkleFrontier tree,
                                              const Visitor& visit);

  Store& store_;
  // A lock of its own, because the other one is held during a commit.
  mutable absl::Mutex health_mutex_;
  absl::Status health_ ABSL_GUARDED_BY(health_mutex_);
  mutable absl::Mutex mutex_;
  anchors::MerkleFrontier tree_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RECORD_LEDGER_H_
