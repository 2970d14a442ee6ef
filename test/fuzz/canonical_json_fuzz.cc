// Input: a JSON text.
// Holds for any bytes:
//   1. reading and making the canonical form accept, or give a reason;
//   2. the compact form is ASCII, reads back as the same value, and is its
//      own compact form;
//   3. the canonical form depends on the value alone: that of the compact form
//      is the same, and where it is JSON itself (it need not be), it is its own
//      canonical form.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "anchors/tuf/canonical_json.h"
#include "anchors/tuf/tuf_error.h"
#include "test/fuzz/fuzz.h"
#include "verify/encoding/json.h"

namespace anchorage::test {
namespace {

using anchors::tuf::CanonicalJson;
using anchors::tuf::CompactJson;
using verify::JsonValue;

// An escape takes six bytes where a character takes one.
constexpr std::size_t kGrowth = 6;

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= ' ' && c <= '~'; });
}

JsonValue Reread(const std::string& text) {
  auto value = verify::ParseJson(text, {.max_bytes = text.size()});
  Require(value.ok(), "what is written is read");
  return *std::move(value);
}

void Check(std::string_view text) {
  const auto value = verify::ParseJson(text, {.max_bytes = text.size()});
  if (!Decided(value.status())) return;

  const std::string compact = CompactJson(*value);
  Require(IsAscii(compact), "compact JSON is ASCII");
  Require(compact.size() <= kGrowth * text.size(), "and not much longer");
  const JsonValue again = Reread(compact);
  Require(CompactJson(again) == compact, "compact JSON is a fixed point");

  const auto canonical = CanonicalJson(*value);
  const auto of_compact = CanonicalJson(again);
  Require(canonical.ok() == of_compact.ok(), "the form depends on the value");
  Require(canonical.ok() || anchors::tuf::TufReasonOf(canonical.status()) ==
                                anchors::tuf::TufReason::kNumberNotCanonical,
          "canonical, or numbers that are not");
  if (!canonical.ok()) return;
  Require(*canonical == *of_compact, "the form depends on the value");
  const auto reread =
      verify::ParseJson(*canonical, {.max_bytes = canonical->size()});
  const bool has_control =
      std::any_of(canonical->begin(), canonical->end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  Require(Decided(reread.status()) != has_control,
          "without control characters it is JSON");
  Require(!reread.ok() || *CanonicalJson(*reread) == *canonical,
          "canonical JSON is a fixed point");
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
