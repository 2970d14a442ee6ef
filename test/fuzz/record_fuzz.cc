// Input: records of trustd, LedgerRecord, each with its length in two bytes.
// Holds for any, in any order:
//   1. the book takes every one that can be read, and ends;
//   2. two books that read the same are equal;
//   3. a copy shares nothing that folding changes: the book that was copied
//      stays as it was, and the copy becomes what reading all of them gives;
//   4. what is live is there, and is found by its change or hidden by a newer
//      one.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/anchorage/v1/ledger.pb.h"
#include "test/fuzz/fuzz.h"
#include "trustd/record/rotation_book.h"

namespace anchorage::test {
namespace {

using trustd::RotationBook;

RotationBook Folded(const std::vector<v1::LedgerRecord>& records,
                    std::size_t most) {
  RotationBook book;
  for (std::size_t i = 0; i < records.size() && i < most; ++i) {
    book.Fold(i, records[i]);
  }
  return book;
}

void CheckLive(const RotationBook& book) {
  for (const std::uint64_t id : book.Live()) {
    const RotationBook::Entry* entry = book.Find(id);
    Require(entry != nullptr, "what is live is there");
    Require(
        id == std::numeric_limits<std::uint64_t>::max() || book.next_id() > id,
        "numbers are not given twice");
    // These answer for anything.
    (void)entry->Approvers();
    (void)entry->CurrentChange();
    (void)entry->Evidence();
    const RotationBook::Entry* found =
        book.FindChange(entry->rotation.change_id());
    Require(found == nullptr ||
                found->rotation.change_id() == entry->rotation.change_id(),
            "a change is found by its name");
  }
}

void Check(std::string_view input) {
  std::vector<v1::LedgerRecord> records;
  while (!input.empty()) {
    const std::string_view part = TakePart(input);
    v1::LedgerRecord record;
    if (record.ParseFromArray(part.data(), static_cast<int>(part.size()))) {
      records.push_back(std::move(record));
    }
  }
  const RotationBook whole = Folded(records, records.size());
  Require(whole == Folded(records, records.size()),
          "two books of the same records are equal");
  CheckLive(whole);

  const std::size_t half = records.size() / 2;
  const RotationBook first = Folded(records, half);
  RotationBook copy = first;
  for (std::size_t i = half; i < records.size(); ++i) copy.Fold(i, records[i]);
  Require(first == Folded(records, half), "a copy changes nothing else");
  Require(copy == whole, "a copy goes on as the book would");
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
