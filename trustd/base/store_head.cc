#include "trustd/base/store_head.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "anchors/base/merkle.h"
#include "anchors/tuf/metadata.h"
#include "trustd/base/store_keys.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

namespace tuf = anchors::tuf;

constexpr char kFirstLine[] = "anchorage store head 1";
constexpr std::size_t kSizeDigits = 16;
// Left out while it is 0.
constexpr char kNoted[] = "noted_timestamp";

// One of the numbers that only grow: a member, or a target's sequence.
struct Number {
  std::string_view name;
  std::uint64_t StoreHead::*member = nullptr;
  const anchors::TargetKind* kind = nullptr;
  // Heads were written before there was such a target.
  bool is_left_out_while_zero = false;

  std::uint64_t In(const StoreHead& head) const {
    return kind == nullptr ? head.*member : head.sequences.Of(kind->name);
  }
  void Set(std::uint64_t number, StoreHead& head) const {
    if (kind == nullptr) {
      head.*member = number;
    } else {
      head.sequences.Set(kind->name, number);
    }
  }
};

// In the order in which they are written.
const std::vector<Number>& Numbers() {
  static const std::vector<Number>& all = *[] {
    constexpr std::size_t kFirstTargets = 2;
    auto* numbers = new std::vector<Number>{
        {.name = "root", .member = &StoreHead::root_version},
        {.name = "targets", .member = &StoreHead::targets_version},
        {.name = "snapshot", .member = &StoreHead::snapshot_version},
        {.name = "timestamp", .member = &StoreHead::timestamp_version}};
    std::size_t count = 0;
    for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
      numbers->push_back({.name = keys::SequenceName(kind),
                          .kind = &kind,
                          .is_left_out_while_zero = ++count > kFirstTargets});
    }
    numbers->push_back({.name = "records", .member = &StoreHead::records});
    return numbers;
  }();
  return all;
}

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

absl::Status Damaged() {
  return absl::DataLossError("it is not what a trustd wrote");
}

// Each reads from one file what a head needs.
absl::Status TakeTimestamp(const std::string& bytes, StoreHead& head) {
  const auto timestamp = tuf::ParseTimestamp(bytes);
  if (!timestamp.ok()) return timestamp.status();
  head.timestamp_version = timestamp->envelope.version;
  head.timestamp_sha256 = verify::Sha256Hex(bytes);
  return absl::OkStatus();
}

absl::Status TakeSnapshot(const std::string& bytes, StoreHead& head) {
  const auto snapshot = tuf::ParseSnapshot(bytes);
  if (!snapshot.ok()) return snapshot.status();
  head.snapshot_version = snapshot->envelope.version;
  return absl::OkStatus();
}

absl::Status TakeTargets(const std::string& bytes, StoreHead& head) {
  const auto targets = tuf::ParseTargets(bytes);
  if (!targets.ok()) return targets.status();
  head.targets_version = targets->envelope.version;
  return absl::OkStatus();
}

absl::Status TakeRecords(const std::string& bytes, StoreHead& head) {
  if (bytes.size() != kSizeDigits + anchors::kMerkleHashBytes ||
      !absl::SimpleHexAtoi(bytes.substr(0, kSizeDigits), &head.records)) {
    return Damaged();
  }
  head.records_root = absl::BytesToHexString(bytes.substr(kSizeDigits));
  return absl::OkStatus();
}

bool IsTarget(std::string_view key) {
  const auto kinds = anchors::TargetKinds();
  return std::any_of(
      kinds.begin(), kinds.end(),
      [&](const anchors::TargetKind& kind) { return kind.name == key; });
}

absl::Status TakeNumber(const std::string& bytes, std::uint64_t& number) {
  return absl::SimpleAtoi(bytes, &number) ? absl::OkStatus() : Damaged();
}

absl::Status Take(std::string_view key, const std::string& value,
                  StoreHead& head) {
  if (key == keys::kTimestamp) return TakeTimestamp(value, head);
  if (key == keys::kSnapshot) return TakeSnapshot(value, head);
  if (key == keys::kTargets) return TakeTargets(value, head);
  if (key == keys::kRecordHead) return TakeRecords(value, head);
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    if (key != keys::PublishedKey(kind)) continue;
    std::uint64_t sequence = 0;
    const absl::Status s = TakeNumber(value, sequence);
    if (s.ok()) head.sequences.Set(kind.name, sequence);
    return s;
  }
  if (key.starts_with(keys::kRootPrefix)) {
    std::uint64_t version = 0;
    if (!absl::SimpleAtoi(View(key.substr(sizeof keys::kRootPrefix - 1)),
                          &version)) {
      return Damaged();
    }
    head.root_version = std::max(head.root_version, version);
  }
  return absl::OkStatus();
}

// For a store from before sequences were kept under keys of their own.
absl::Status TakeOldSequences(const Store& store, StoreHead& head) {
  if (head.sequences.Of(anchors::kCatalogName) != 0) return absl::OkStatus();
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    const auto bytes = store.Get(kind.name);
    if (!bytes.ok()) return bytes.status();
    if (!bytes->has_value()) continue;
    const auto facts = anchors::ReadFacts(kind, **bytes);
    if (!facts.ok()) return facts.status();
    head.sequences.Set(kind.name, facts->sequence);
  }
  return absl::OkStatus();
}

// Returns the root of the tree of the first `size` records, lower-case hex.
absl::StatusOr<std::string> RootOfFirst(const Store& store,
                                        std::uint64_t size) {
  anchors::MerkleFrontier tree;
  bool readable = true;
  if (size > 0) {
    if (absl::Status s =
            store.Scan(keys::kRecordPrefix,
                       [&](std::string_view, std::string_view value) {
                         anchors::MerkleHash leaf;
                         readable = value.size() >= leaf.size();
                         if (!readable) return false;
                         std::copy_n(value.begin(), leaf.size(), leaf.begin());
                         tree.Append(leaf);
                         return tree.size() < size;
                       });
        !s.ok()) {
      return s;
    }
  }
  if (!readable || tree.size() != size) return std::string();
  const anchors::MerkleHash root = tree.Root();
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(root.data()), root.size()));
}

}  // namespace

std::string FormatHead(const StoreHead& head) {
  std::string text = absl::StrCat(kFirstLine, "\n");
  for (const Number& number : Numbers()) {
    const std::uint64_t value = number.In(head);
    if (value == 0 && number.is_left_out_while_zero) continue;
    absl::StrAppend(&text, View(number.name), " ", value, "\n");
  }
  absl::StrAppend(&text, "timestamp_sha256 ", head.timestamp_sha256,
                  "\nrecords_root ", head.records_root, "\n");
  if (head.noted_timestamp != 0) {
    absl::StrAppend(&text, kNoted, " ", head.noted_timestamp, "\n");
  }
  return absl::StrCat(text, "sha256 ", verify::Sha256Hex(text), "\n");
}

absl::StatusOr<StoreHead> ParseHead(std::string_view text) {
  if (text.size() > kMaxHeadBytes) return Damaged();
  StoreHead head;
  for (const absl::string_view line : absl::StrSplit(View(text), '\n')) {
    const std::pair<absl::string_view, absl::string_view> words =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    if (words.first == "timestamp_sha256") {
      head.timestamp_sha256 = std::string(words.second);
    } else if (words.first == "records_root") {
      head.records_root = std::string(words.second);
    } else if (words.first == kNoted &&
               !absl::SimpleAtoi(words.second, &head.noted_timestamp)) {
      return Damaged();
    }
    for (const Number& number : Numbers()) {
      if (words.first != View(number.name)) continue;
      std::uint64_t value = 0;
      if (!absl::SimpleAtoi(words.second, &value)) return Damaged();
      number.Set(value, head);
    }
  }
  if (FormatHead(head) != text) return Damaged();
  return head;
}

absl::StatusOr<StoreHead> ReadHead(const Store& store) {
  StoreHead head;
  absl::Status status;
  const auto damaged = [](const absl::Status& why) {
    return absl::DataLossError(absl::StrCat(
        "what the store holds does not verify: ", why.message(),
        " (restore data_dir from a backup; see trustd/README.md)"));
  };
  std::vector<std::string> prefixes = {keys::kRootPrefix, keys::kTargets,
                                       keys::kSnapshot, keys::kTimestamp,
                                       keys::kRecordHead};
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    prefixes.push_back(keys::PublishedKey(kind));
  }
  for (const std::string& prefix : prefixes) {
    if (absl::Status s =
            store.Scan(prefix,
                       [&](std::string_view key, std::string_view value) {
                         status = Take(key, std::string(value), head);
                         return status.ok();
                       });
        !s.ok()) {
      return s;
    }
    if (!status.ok()) return damaged(status);
  }
  if (absl::Status s = TakeOldSequences(store, head); !s.ok()) {
    return damaged(s);
  }
  return head;
}

bool MovesHead(const StoreBatch& batch) {
  return std::any_of(
      batch.changes().begin(), batch.changes().end(), [](const auto& change) {
        return absl::StartsWith(change.key, "tuf/") ||
               absl::StartsWith(change.key, "published/") ||
               absl::StartsWith(change.key, "ledger/") || IsTarget(change.key);
      });
}

absl::Status AdvanceHead(const StoreBatch& batch, StoreHead& head) {
  StoreHead next = head;
  for (const StoreBatch::Change& change : batch.changes()) {
    if (!change.value.has_value()) continue;
    if (const absl::Status s = Take(change.key, *change.value, next); !s.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(change.key, ": ", s.message()));
    }
  }
  head = std::move(next);
  return absl::OkStatus();
}

absl::Status CheckFollows(const Store& store, const StoreHead& now,
                          const StoreHead& kept) {
  const auto replaced =
      ReplacedOnlineKey(store, kept.root_version, now.root_version);
  if (!replaced.ok()) return replaced.status();
  std::vector<std::string> back;
  for (const Number& number : Numbers()) {
    const bool is_online = number.member == &StoreHead::timestamp_version ||
                           number.member == &StoreHead::snapshot_version;
    const bool is_peoples =
        number.member == &StoreHead::targets_version || number.kind != nullptr;
    if (number.In(now) >= number.In(kept) ||
        (is_peoples && now.root_version > kept.root_version) ||
        (is_online && *replaced)) {
      continue;
    }
    back.push_back(absl::StrCat(View(number.name), " is ", number.In(now),
                                " and was ", number.In(kept)));
  }
  if (now.timestamp_version == kept.timestamp_version &&
      now.timestamp_sha256 != kept.timestamp_sha256) {
    back.push_back(absl::StrCat("timestamp ", now.timestamp_version,
                                " says something else"));
  }
  if (now.records >= kept.records) {
    const auto begins = BeginsWith(store, now, kept);
    if (!begins.ok()) return begins.status();
    if (!*begins) {
      back.push_back(absl::StrCat("its first ", kept.records,
                                  " records are not those that were written"));
    }
  }
  if (back.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrJoin(back, ", "));
}

absl::StatusOr<bool> BeginsWith(const Store& store, const StoreHead& now,
                                const StoreHead& kept) {
  if (kept.records == 0) return true;
  if (kept.records == now.records) return kept.records_root == now.records_root;
  const auto root = RootOfFirst(store, kept.records);
  if (!root.ok()) return root.status();
  return *root == kept.records_root;
}

bool ReplacesOnlineKey(const std::string& last, const std::string& next) {
  const auto before = tuf::ParseRoot(last);
  const auto after = tuf::ParseRoot(next);
  if (!before.ok() || !after.ok()) return false;
  for (const tuf::RoleKeys* old : {&before->timestamp, &before->snapshot}) {
    for (const std::string& key : old->keyids) {
      for (const tuf::RoleKeys* role : {&after->timestamp, &after->snapshot}) {
        if (std::find(role->keyids.begin(), role->keyids.end(), key) !=
            role->keyids.end()) {
          return false;
        }
      }
    }
  }
  return true;
}

absl::StatusOr<bool> ReplacedOnlineKey(const Store& store, std::uint64_t last,
                                       std::uint64_t next) {
  if (last == 0 || last >= next) return false;
  std::string roots[2];
  for (const int i : {0, 1}) {
    const auto root = store.Get(
        absl::StrFormat("%s%010d", keys::kRootPrefix, i == 0 ? last : next));
    if (!root.ok()) return root.status();
    roots[i] = root->value_or("");
  }
  return ReplacesOnlineKey(roots[0], roots[1]);
}

StoreHead HighestOf(const StoreHead& a, const StoreHead& b) {
  StoreHead highest = a;
  for (const Number& number : Numbers()) {
    number.Set(std::max(number.In(a), number.In(b)), highest);
  }
  highest.noted_timestamp = std::max(a.noted_timestamp, b.noted_timestamp);
  return highest;
}

}  // namespace anchorage::trustd
