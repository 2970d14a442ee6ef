// Input: a text in which the codes of regions are looked for.
// Holds for any bytes:
//   1. what is found has the form of a code, stands in the text, and is not
//      more than the limit;
//   2. a text of what was found gives the same again.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "test/fuzz/fuzz.h"
#include "trustd/regions/region_codes.h"
#include "verify/partition.h"

namespace anchorage::test {
namespace {

void Check(std::string_view text) {
  const auto codes = trustd::RegionCodesIn(text);
  Require(codes.size() <= trustd::kMaxRegionCodes, "within the limit");
  std::string again;
  for (const std::string& code : codes) {
    Require(verify::IsRegionCode(code), "a code's form");
    Require(text.find(code) != std::string_view::npos, "in the text");
    again += code + "\n";
  }
  Require(trustd::RegionCodesIn(again) == codes, "the same again");
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
