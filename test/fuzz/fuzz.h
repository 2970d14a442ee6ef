// What all fuzz targets use: one way to stop, and inputs in parts.
//
//   if (!Decided(parsed.status())) return 0;
//   Require(parsed->content.size() <= input.size(), "content is a part");
//
// A target aborts for nothing but a broken invariant, so that every crash is a
// finding.

#ifndef ANCHORAGE_TEST_FUZZ_FUZZ_H_
#define ANCHORAGE_TEST_FUZZ_FUZZ_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace anchorage::test {

inline std::string_view InputOf(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Says which invariant is broken and aborts, unless it holds.
void Require(bool holds, std::string_view invariant);

// Requires that `status` is OK or has a reason of verify/, and returns whether
// it is OK.
bool Decided(const absl::Status& status);

// Requires that `part` lies within `whole`, as views do that copy nothing.
void RequireWithin(std::string_view part, std::string_view whole);

// Takes the first byte off `rest`; 0 where there is none.
std::uint8_t TakeByte(std::string_view& rest);

// Takes a part off `rest`: two bytes, big-endian, say how long it is. Where
// less is left, the part is what is left.
std::string_view TakePart(std::string_view& rest);

// Returns what TakePart() takes. At most 65,535 bytes.
std::string Part(std::string_view bytes);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FUZZ_FUZZ_H_
