// Input: a file of `trustctl ledger export`, in any of its forms.
// Holds for any bytes:
//   1. it is read to its end, or refused;
//   2. what was read, written again in either form, is read as the same.

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "test/fuzz/fuzz.h"
#include "tools/trustctl/ledger_check.h"

namespace anchorage::test {
namespace {

using trustctl::LedgerLine;

struct Read {
  std::vector<LedgerLine> lines;
  absl::Status status;
};

Read ReadAll(const std::string& text) {
  std::istringstream in(text);
  Read read;
  read.status = trustctl::ReadRecords(
      in, "file", [&](std::uint64_t index, const std::string& record) {
        read.lines.push_back({index, record});
        return absl::OkStatus();
      });
  return read;
}

void Check(std::string_view input) {
  const Read first = ReadAll(std::string(input));
  Require(first.status.ok() || absl::IsInvalidArgument(first.status),
          "a file is read or refused");
  std::string lines;
  std::string delimited;
  bool begins_as_records_do = true;
  for (const LedgerLine& line : first.lines) {
    lines += trustctl::ToText(line) + "\n";
    delimited += trustctl::Delimited(line.record);
    begins_as_records_do =
        begins_as_records_do && line.record.starts_with('\x0a');
  }
  const Read again = ReadAll(lines);
  Require(again.status.ok() && again.lines.size() == first.lines.size(),
          "lines that are written are read");
  for (std::size_t i = 0; i < first.lines.size(); ++i) {
    Require(again.lines[i].index == first.lines[i].index &&
                again.lines[i].record == first.lines[i].record,
            "lines are read as they were written");
  }
  // A record of ours begins with its time: by that the forms differ.
  if (!begins_as_records_do) return;
  const Read third = ReadAll(delimited);
  Require(third.status.ok() && third.lines.size() == first.lines.size(),
          "records that are written are read");
  for (std::size_t i = 0; i < first.lines.size(); ++i) {
    Require(third.lines[i].record == first.lines[i].record,
            "records are read as they were written");
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
