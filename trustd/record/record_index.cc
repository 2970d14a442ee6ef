#include "trustd/record/record_index.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "anchors/base/proto_time.h"

namespace anchorage::trustd {
namespace {

// How many records are read before others may search.
constexpr std::uint64_t kReadAtOnce = 64;
// A longer name is a bad record's, and nobody's.
constexpr std::size_t kMaxNameBytes = 256;

bool IsPart(const std::string& wanted, const std::string& part) {
  return wanted.empty() || wanted == part;
}

bool IsPart(const v1::Slot& wanted, const v1::Slot& slot) {
  return IsPart(wanted.partition(), slot.partition()) &&
         IsPart(wanted.region(), slot.region()) &&
         (wanted.kind() == v1::ANCHOR_KIND_UNSPECIFIED ||
          wanted.kind() == slot.kind());
}

// `word` is in lower case.
bool Occurs(std::string_view text, std::string_view word) {
  return std::search(
             text.begin(), text.end(), word.begin(), word.end(),
             [](char a, char b) {
               return absl::ascii_tolower(static_cast<unsigned char>(a)) == b;
             }) != text.end();
}

}  // namespace

struct RecordIndex::Wanted {
  // Nothing has a name that no record has.
  bool nothing = false;
  std::vector<std::uint32_t> facts = {};
  absl::Time from;
  absl::Time until;
  std::optional<std::uint32_t> person = {};
  // Whether a slot is wanted, by its number; empty: all are, and none must be.
  std::vector<bool> slots = {};
  std::uint64_t rotation_id = 0;
  std::vector<std::string> words = {};
};

std::uint32_t RecordIndex::NumberOf(std::string_view name) {
  const auto [at, is_new] = name_numbers_.try_emplace(
      std::string(name.substr(0, kMaxNameBytes)), names_.size());
  if (is_new) names_.push_back(at->first);
  return at->second;
}

std::uint32_t RecordIndex::NumberOf(const v1::Slot& slot) {
  const auto [at, is_new] = slot_numbers_.try_emplace(
      absl::StrCat(slot.partition(), "/", slot.region(), "/", int{slot.kind()}),
      known_slots_.size());
  if (is_new) known_slots_.push_back(slot);
  return at->second;
}

void RecordIndex::Add(const v1::LedgerRecord& record) {
  const absl::MutexLock lock(&mutex_);
  AddLocked(record);
}

void RecordIndex::AddLocked(const v1::LedgerRecord& record) {
  const v1::RecordText text = reader_.Read(record);
  Row row;
  row.time = anchors::TimeOf(text.time());
  row.fact = NumberOf(text.fact());
  row.person = NumberOf(text.person());
  rotations_.insert(rotations_.end(), text.rotation_ids().begin(),
                    text.rotation_ids().end());
  row.rotations_end = rotations_.size();
  for (const v1::Slot& slot : text.slots()) slots_.push_back(NumberOf(slot));
  row.slots_end = slots_.size();
  words_ += text.words();
  row.words_end = words_.size();
  rows_.push_back(row);
}

absl::StatusOr<bool> RecordIndex::ReadOn(std::uint64_t size,
                                         std::uint64_t most) {
  while (true) {
    const absl::MutexLock lock(&mutex_);
    for (std::uint64_t i = 0; i < kReadAtOnce; ++i) {
      if (rows_.size() >= size) return true;
      if (most-- == 0) return false;
      const auto bytes = read_(rows_.size());
      if (!bytes.ok()) return bytes.status();
      v1::LedgerRecord record;
      // Its hash was right, so what is not read is of a later version.
      if (!record.ParseFromString(*bytes)) record.Clear();
      AddLocked(record);
    }
  }
}

std::uint64_t RecordIndex::size() const {
  const absl::ReaderMutexLock lock(&mutex_);
  return rows_.size();
}

RecordIndex::Wanted RecordIndex::Prepare(const RecordFilter& filter) const {
  Wanted wanted{.from = filter.from,
                .until = filter.until,
                .rotation_id = filter.rotation_id};
  for (const std::string& fact : filter.facts) {
    const auto known = name_numbers_.find(fact);
    if (known != name_numbers_.end()) wanted.facts.push_back(known->second);
  }
  wanted.nothing = wanted.facts.empty() && !filter.facts.empty();
  if (!filter.person.empty()) {
    const auto known = name_numbers_.find(filter.person);
    if (known == name_numbers_.end()) {
      wanted.nothing = true;
    } else {
      wanted.person = known->second;
    }
  }
  if (!filter.slot.partition().empty() || !filter.slot.region().empty() ||
      filter.slot.kind() != v1::ANCHOR_KIND_UNSPECIFIED) {
    for (const v1::Slot& slot : known_slots_) {
      wanted.slots.push_back(IsPart(filter.slot, slot));
    }
    wanted.nothing = wanted.nothing || wanted.slots.empty();
  }
  wanted.words = absl::StrSplit(absl::AsciiStrToLower(filter.text), ' ',
                                absl::SkipEmpty());
  return wanted;
}

bool RecordIndex::Passes(const Wanted& wanted, std::uint64_t index) const {
  const Row& row = rows_[index];
  const Row before = RowBefore(index);
  if (!wanted.facts.empty() &&
      std::find(wanted.facts.begin(), wanted.facts.end(), row.fact) ==
          wanted.facts.end()) {
    return false;
  }
  if (row.time < wanted.from || row.time >= wanted.until) return false;
  if (wanted.person.has_value() && row.person != *wanted.person) return false;
  if (wanted.rotation_id != 0 &&
      std::find(rotations_.begin() + before.rotations_end,
                rotations_.begin() + row.rotations_end,
                wanted.rotation_id) == rotations_.begin() + row.rotations_end) {
    return false;
  }
  if (!wanted.slots.empty() &&
      std::none_of(slots_.begin() + before.slots_end,
                   slots_.begin() + row.slots_end,
                   [&](std::uint32_t slot) { return wanted.slots[slot]; })) {
    return false;
  }
  const std::string_view words = std::string_view(words_).substr(
      before.words_end, row.words_end - before.words_end);
  return std::all_of(
      wanted.words.begin(), wanted.words.end(),
      [&](const std::string& word) { return Occurs(words, word); });
}

RecordIndex::Found RecordIndex::Find(const RecordFilter& filter,
                                     const Where& where) const {
  const absl::ReaderMutexLock lock(&mutex_);
  const Wanted wanted = Prepare(filter);
  const std::uint64_t end = std::min<std::uint64_t>(where.end, rows_.size());
  const std::uint64_t first = std::min(where.first, end);
  Found found;
  std::uint64_t examined = 0;
  while (first + examined < end && examined < where.most_examined &&
         found.indexes.size() < where.most_found) {
    const std::uint64_t index =
        where.backwards ? end - 1 - examined : first + examined;
    ++examined;
    if (!wanted.nothing && Passes(wanted, index)) {
      found.indexes.push_back(index);
    }
  }
  found.next = where.backwards ? end - examined : first + examined;
  return found;
}

v1::RecordText RecordIndex::Text(std::uint64_t index) const {
  const absl::ReaderMutexLock lock(&mutex_);
  const Row& row = rows_[index];
  const Row before = RowBefore(index);
  v1::RecordText text;
  text.set_fact(names_[row.fact]);
  anchors::SetTime(row.time, *text.mutable_time());
  text.set_person(names_[row.person]);
  for (std::size_t i = before.rotations_end; i < row.rotations_end; ++i) {
    text.add_rotation_ids(rotations_[i]);
  }
  for (std::size_t i = before.slots_end; i < row.slots_end; ++i) {
    *text.add_slots() = known_slots_[slots_[i]];
  }
  text.set_words(
      words_.substr(before.words_end, row.words_end - before.words_end));
  return text;
}

}  // namespace anchorage::trustd
