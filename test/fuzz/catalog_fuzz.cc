// Input: a catalog, JSON.
// Holds for any bytes:
//   1. the reader accepts, or it gives a reason;
//   2. what is read is written and read again as the same catalog, and written
//      again as the same text: one catalog has one text;
//   3. it loads as a set of as many anchors, or there is a reason.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "anchors/catalog.h"
#include "test/fuzz/fuzz.h"

namespace anchorage::test {
namespace {

void Check(std::string_view text) {
  auto catalog = anchors::ParseCatalog(text);
  if (!Decided(catalog.status())) return;
  // Not part of the text.
  catalog->skipped = 0;

  const std::string written = anchors::SerializeCatalog(*catalog);
  const auto again = anchors::ParseCatalog(written);
  Require(again.ok() && *again == *catalog, "the same catalog comes back");
  Require(anchors::SerializeCatalog(*again) == written,
          "one catalog has one text");

  const auto set = anchors::ToAnchorSet(*catalog, {});
  if (!Decided(set.status())) return;
  Require((*set)->anchors().size() == catalog->anchors.size(),
          "every anchor is loaded");
  Require((*set)->provenance().sequence == catalog->sequence,
          "the sequence is the catalog's");
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
