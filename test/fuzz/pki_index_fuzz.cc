// Input: the index of a folder of `trustctl pki`.
// Holds for any bytes:
//   1. what is read is written as it stood;
//   2. no name leads out of the folder, or needs an escape where it is shown or
//      stands in YAML;
//   3. each line is as good alone.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "test/fuzz/fuzz.h"
#include "tools/trustctl/pki_index.h"
#include "verify/printable.h"

namespace anchorage::test {
namespace {

using trustctl::PkiEntry;

void Check(std::string_view text) {
  const auto entries = trustctl::ReadPkiIndex(text);
  if (!entries.ok()) return;
  std::string again;
  for (const PkiEntry& entry : *entries) {
    const std::string line = trustctl::ToLine(entry);
    again += line;
    const auto alone = trustctl::ReadPkiIndex(line);
    Require(alone.ok() && alone->size() == 1 && alone->front() == entry,
            "a line is as good alone");
    Require(!entry.names.empty(), "a certificate has a name");
    for (const std::string& name : entry.names) {
      Require(!name.empty() && name.front() != '.' && name.front() != '-' &&
                  name.find_first_of("/\\\"'<>&{}\n") == name.npos &&
                  verify::Printable(name) == name,
              "a name is one everywhere");
    }
  }
  Require(again == text, "written as it stood");
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
