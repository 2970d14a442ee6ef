#include "trustd/record/ledger.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "trustd/base/store_keys.h"

namespace anchorage::trustd {

absl::Status RecordIsDamaged(std::string_view what) {
  return absl::DataLossError(absl::StrCat(
      "the record of decisions is damaged: ", std::string(what),
      " (restore data_dir from a backup; see trustd/README.md). What is "
      "published is served on; nothing new is decided"));
}

namespace {

using anchors::LeafHash;
using anchors::MerkleFrontier;
using anchors::MerkleHash;

using keys::kRecordPrefix;
constexpr std::size_t kIndexDigits = 16;
// Of an index, that are the same in all records that are read in one go: 256.
constexpr std::size_t kGoDigits = 14;
constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();
// Also where the clock jumps.
constexpr absl::Duration kLongestRest = absl::Milliseconds(100);

std::string RecordKey(std::uint64_t index) {
  return absl::StrFormat("%s%016x", kRecordPrefix, index);
}

std::string_view ToView(const MerkleHash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::string HeadText(const MerkleFrontier& tree) {
  return absl::StrFormat("%016x", tree.size()) +
         std::string(ToView(tree.Root()));
}

std::optional<std::uint64_t> IndexOf(std::string_view key) {
  std::uint64_t index = 0;
  const std::string_view digits = key.substr(sizeof kRecordPrefix - 1);
  if (digits.size() != kIndexDigits ||
      !absl::SimpleHexAtoi(absl::string_view(digits.data(), digits.size()),
                           &index)) {
    return std::nullopt;
  }
  return index;
}

absl::Status RecordDamaged(std::uint64_t index) {
  return RecordIsDamaged(
      absl::StrCat("record ", index, " is not what was written"));
}

// The bytes of a record, if they are what their hash says.
absl::StatusOr<std::string_view> BytesOf(std::uint64_t index,
                                         std::string_view value) {
  if (value.size() < anchors::kMerkleHashBytes) return RecordDamaged(index);
  const std::string_view bytes = value.substr(anchors::kMerkleHashBytes);
  if (ToView(LeafHash(bytes)) != value.substr(0, anchors::kMerkleHashBytes)) {
    return RecordDamaged(index);
  }
  return bytes;
}

absl::StatusOr<v1::LedgerRecord> ReadValue(std::uint64_t index,
                                           std::string_view value) {
  const auto bytes = BytesOf(index, value);
  if (!bytes.ok()) return bytes.status();
  v1::LedgerRecord record;
  if (!record.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()))) {
    return RecordDamaged(index);
  }
  return record;
}

// Takes into `tree` the next records before `end` that are read in one go, up to
// one that is damaged: then `health` says so. Fails as Store does.
absl::Status TakeSome(const Store& store, std::uint64_t end,
                      const Ledger::Visitor& visit, MerkleFrontier& tree,
                      absl::Status& health) {
  const std::uint64_t first = tree.size();
  return store.Scan(
      RecordKey(first).substr(0, sizeof kRecordPrefix - 1 + kGoDigits),
      [&](std::string_view key, std::string_view value) {
        const auto index = IndexOf(key);
        if (index.has_value() && *index < first) return true;
        if (tree.size() == end) return false;
        if (index != tree.size()) {
          health = RecordIsDamaged(
              absl::StrCat("record ", tree.size(), " is not there"));
          return false;
        }
        const auto record = ReadValue(*index, value);
        if (!record.ok()) {
          health = record.status();
          return false;
        }
        MerkleHash leaf;
        std::memcpy(leaf.data(), value.data(), leaf.size());
        tree.Append(leaf);
        visit(*index, *record);
        return true;
      });
}

}  // namespace

absl::StatusOr<Ledger::Recomputed> Ledger::Recompute(
    const Store& store, anchors::MerkleFrontier tree, const Visitor& visit) {
  Recomputed result{.tree = std::move(tree)};
  std::uint64_t before = 0;
  do {
    before = result.tree.size();
    if (absl::Status s =
            TakeSome(store, kNoEnd, visit, result.tree, result.health);
        !s.ok()) {
      return s;
    }
    if (!result.health.ok()) return result;
  } while (result.tree.size() > before);
  const auto head = store.Get(keys::kRecordHead);
  if (!head.ok()) return head.status();
  if (!head->has_value() && result.tree.size() == 0) return result;
  if (head->value_or("") != HeadText(result.tree)) {
    result.health = RecordIsDamaged(absl::StrCat(
        "its ", result.tree.size(),
        " records are not those that were written, or not in that order"));
  }
  return result;
}

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::OpenFrom(Store& store,
                                                         MerkleFrontier first,
                                                         const Visitor& visit) {
  auto found = Recompute(store, std::move(first), visit);
  if (!found.ok()) return found.status();
  std::unique_ptr<Ledger> ledger(new Ledger(store));
  const absl::MutexLock lock(&ledger->mutex_);
  const absl::MutexLock health_lock(&ledger->health_mutex_);
  ledger->health_ = found->health;
  ledger->tree_ = std::move(found->tree);
  return ledger;
}

absl::StatusOr<MerkleFrontier> Ledger::ReadFirst(
    const Store& store, std::uint64_t size, const Visitor& visit,
    const std::function<bool()>& go_on) {
  MerkleFrontier tree;
  while (tree.size() < size) {
    if (!go_on())
      return absl::CancelledError("the record is not read to its end");
    const absl::Time start = absl::Now();
    const std::uint64_t before = tree.size();
    absl::Status health;
    if (absl::Status s = TakeSome(store, size, visit, tree, health); !s.ok()) {
      return s;
    }
    if (!health.ok()) return health;
    if (tree.size() == before) {
      return RecordIsDamaged(absl::StrCat("record ", before, " is not there"));
    }
    absl::SleepFor(std::min(absl::Now() - start, kLongestRest));
  }
  return tree;
}

absl::Status Ledger::health() const {
  const absl::MutexLock lock(&health_mutex_);
  return health_;
}

void Ledger::SetDamaged(const absl::Status& damage) {
  const absl::MutexLock lock(&health_mutex_);
  if (health_.ok()) health_ = damage;
}

MerkleFrontier Ledger::tree() const {
  const absl::MutexLock lock(&mutex_);
  return tree_;
}

LedgerHead Ledger::head() const {
  const absl::MutexLock lock(&mutex_);
  return {tree_.size(), tree_.Root()};
}

absl::StatusOr<std::uint64_t> Ledger::Append(
    absl::Span<const v1::LedgerRecord> records, StoreBatch also) {
  return AppendWith(records, [&](const StoreBatch& batch) {
    also.Add(batch);
    return store_.Commit(also);
  });
}

absl::StatusOr<std::uint64_t> Ledger::AppendWith(
    absl::Span<const v1::LedgerRecord> records, const Committer& commit) {
  if (absl::Status s = health(); !s.ok()) return s;
  const absl::MutexLock lock(&mutex_);
  const std::uint64_t first = tree_.size();
  MerkleFrontier next = tree_;
  StoreBatch batch;
  for (const v1::LedgerRecord& record : records) {
    const std::string bytes = record.SerializeAsString();
    if (bytes.size() > kMaxRecordBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("a record of ", bytes.size(), " bytes"));
    }
    const MerkleHash leaf = LeafHash(bytes);
    batch.Put(RecordKey(next.size()), std::string(ToView(leaf)) + bytes);
    next.Append(leaf);
  }
  batch.Put(keys::kRecordHead, HeadText(next));
  if (absl::Status s = commit(batch); !s.ok()) return s;
  tree_ = std::move(next);
  return first;
}

absl::StatusOr<v1::LedgerRecord> Ledger::Read(std::uint64_t index) const {
  const auto value = store_.Get(RecordKey(index));
  if (!value.ok()) return value.status();
  if (!value->has_value()) {
    return absl::NotFoundError(absl::StrCat("there is no record ", index));
  }
  return ReadValue(index, **value);
}

absl::StatusOr<std::string> Ledger::ReadBytes(std::uint64_t index) const {
  const auto value = store_.Get(RecordKey(index));
  if (!value.ok()) return value.status();
  if (!value->has_value()) {
    return absl::NotFoundError(absl::StrCat("there is no record ", index));
  }
  const auto bytes = BytesOf(index, **value);
  if (!bytes.ok()) return bytes.status();
  return std::string(*bytes);
}

absl::Status Ledger::Scan(
    std::uint64_t first,
    const std::function<bool(std::uint64_t, const v1::LedgerRecord&)>& visit)
    const {
  const std::uint64_t size = head().size;
  for (std::uint64_t index = first; index < size; ++index) {
    const auto record = Read(index);
    if (!record.ok()) return record.status();
    if (!visit(index, *record)) break;
  }
  return absl::OkStatus();
}

absl::Status Ledger::Verify() const {
  const absl::MutexLock lock(&mutex_);
  const auto found =
      Recompute(store_, {}, [](std::uint64_t, const v1::LedgerRecord&) {});
  if (!found.ok()) return found.status();
  if (!found->health.ok()) return found->health;
  if (found->tree.Root() == tree_.Root()) return absl::OkStatus();
  return RecordIsDamaged("it was changed under this trustd");
}

}  // namespace anchorage::trustd
