// Checks whether records are those that a head commits to; reads and writes
// records as a file.
//
//   LedgerCheck check({kept, served});
//   for each record: check.Add(index, bytes);
//   if (auto s = check.Finish(); !s.ok()) Alarm(s);
//
// A failed proof is UNAUTHENTICATED: a record was changed, left out, added or
// moved since somebody kept that head. Pure.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_LEDGER_CHECK_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_LEDGER_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anchors/base/merkle.h"

namespace anchorage::trustctl {

// The longest record.
inline constexpr std::size_t kMaxLedgerRecordBytes = 1024 * 1024;
// The longest line of one.
inline constexpr std::size_t kMaxLedgerLineBytes = 2 * 1024 * 1024;

// How many records there are, and the root of the tree over them.
struct KeptHead {
  std::uint64_t size = 0;
  anchors::MerkleHash root = {};
};

// "SIZE:ROOT", the root in 64 hex digits. INVALID_ARGUMENT.
absl::StatusOr<KeptHead> ParseHead(std::string_view text);
std::string ToString(const KeptHead& head);

class LedgerCheck {
 public:
  explicit LedgerCheck(std::vector<KeptHead> heads);

  // Takes the next record. Fails where `index` is not the next.
  absl::Status Add(std::uint64_t index, std::string_view record);

  // Fails if any of the heads does not match the records up to its size, or if
  // there are fewer records than that.
  absl::Status Finish() const;

  // The head of the records added so far.
  KeptHead head() const { return {tree_.size(), tree_.Root()}; }

 private:
  // Compares the heads of the present size.
  void Compare();

  const std::vector<KeptHead> heads_;
  anchors::MerkleFrontier tree_;
  absl::Status status_;
};

// Takes one record; its failure ends the reading.
using VisitRecord =
    std::function<absl::Status(std::uint64_t index, const std::string& record)>;

// One record as a line, {"index":0,"record":"BASE64"}, without a line feed.
struct LedgerLine {
  std::uint64_t index = 0;
  std::string record;
};
std::string ToText(const LedgerLine& line);
// Other members are for people and are not read. INVALID_ARGUMENT.
absl::StatusOr<LedgerLine> ParseLedgerLine(std::string_view text);

// One record with its length before it, as protobuf's delimited streams have
// it. Its index is its place.
std::string Delimited(std::string_view record);

// Reads records in any of the forms that `ledger export` writes, one at a time.
// Fails with INVALID_ARGUMENT, as a line or place of `name`, for what is none,
// or as `visit` does.
absl::Status ReadRecords(std::istream& in, const std::string& name,
                         const VisitRecord& visit);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_LEDGER_CHECK_H_
