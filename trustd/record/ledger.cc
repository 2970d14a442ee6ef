#include "trustd/record/ledger.h"

#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "trustd/base/store_keys.h"

namespace anchorage::trustd {
namespace {

using anchors::LeafHash;
using anchors::MerkleFrontier;
using anchors::MerkleHash;

using keys::kRecordPrefix;
constexpr std::size_t kIndexDigits = 16;

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

absl::Status Damaged(std::string_view what) {
  return absl::DataLossError(absl::StrCat(
      "the record of decisions is damaged: ", std::string(what),
      " (restore data_dir from a backup; see trustd/README.md). What is "
      "published is served on; nothing new is decided"));
}

absl::Status RecordDamaged(std::uint64_t index) {
  return Damaged(absl::StrCat("record ", index, " is not what was written"));
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

}  // namespace

absl::StatusOr<Ledger::Recomputed> Ledger::Recompute(const Store& store,
                                                     const Visitor& visit) {
  Recomputed result;
  if (absl::Status s =
          store.Scan(kRecordPrefix,
                     [&](std::string_view key, std::string_view value) {
                       const auto index = IndexOf(key);
                       if (index != result.tree.size()) {
                         result.health = Damaged(absl::StrCat(
                             "record ", result.tree.size(), " is not there"));
                         return false;
                       }
                       const auto record = ReadValue(*index, value);
                       if (!record.ok()) {
                         result.health = record.status();
                         return false;
                       }
                       result.tree.Append(
                           LeafHash(value.substr(anchors::kMerkleHashBytes)));
                       visit(*index, *record);
                       return true;
                     });
      !s.ok()) {
    return s;
  }
  if (!result.health.ok()) return result;
  const auto head = store.Get(keys::kRecordHead);
  if (!head.ok()) return head.status();
  if (!head->has_value() && result.tree.size() == 0) return result;
  if (head->value_or("") != HeadText(result.tree)) {
    result.health = Damaged(absl::StrCat(
        "its ", result.tree.size(),
        " records are not those that were written, or not in that order"));
  }
  return result;
}

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Open(Store& store,
                                                     const Visitor& visit) {
  auto found = Recompute(store, visit);
  if (!found.ok()) return found.status();
  std::unique_ptr<Ledger> ledger(new Ledger(store));
  ledger->health_ = found->health;
  const absl::MutexLock lock(&ledger->mutex_);
  ledger->tree_ = std::move(found->tree);
  return ledger;
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
  if (!health_.ok()) return health_;
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
      Recompute(store_, [](std::uint64_t, const v1::LedgerRecord&) {});
  if (!found.ok()) return found.status();
  if (!found->health.ok()) return found->health;
  if (found->tree.Root() == tree_.Root()) return absl::OkStatus();
  return Damaged("it was changed under this trustd");
}

}  // namespace anchorage::trustd
