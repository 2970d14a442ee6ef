// Input: CBOR items, one after the other.
// Holds for any bytes:
//   1. what is read is, byte by byte, what a writer makes of it: the same
//      value never has two encodings, so two readers never see two values;
//   2. a failed read leaves the cursor where it was;
//   3. text is UTF-8, and strings are views into the input;
//   4. a value that is skipped is one that can be read, to the same byte.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "test/fake_aws/cbor_writer.h"
#include "test/fuzz/fuzz.h"
#include "verify/encoding/cbor.h"
#include "verify/encoding/utf8.h"

namespace anchorage::test {
namespace {

using verify::CborItem;
using verify::CborReader;
using verify::CborType;

constexpr char kBreak = '\xff';

std::optional<std::string> CopyValue(CborReader& reader, int depth);

// Returns a container as it was written, head and all.
std::optional<std::string> CopyContainer(CborReader& reader, CborItem item,
                                         int depth) {
  if (depth == 0) return std::nullopt;
  const bool is_map = item.Is(CborType::kMap);
  std::string out = CborHead(is_map ? 5 : 4, item.value);
  if (item.indefinite) out = is_map ? "\xbf" : "\x9f";
  while (reader.More(item)) {
    for (int i = 0; i < (is_map ? 2 : 1); ++i) {
      const auto value = CopyValue(reader, depth - 1);
      if (!value.has_value()) return std::nullopt;
      out += *value;
    }
  }
  if (item.indefinite) out.push_back(kBreak);
  return out;
}

std::optional<std::string> CopyValue(CborReader& reader, int depth) {
  const std::string_view before = reader.rest();
  const std::optional<CborItem> item = reader.Read();
  if (!item.has_value()) {
    Require(reader.rest().data() == before.data(),
            "a failed read moves nothing");
    return std::nullopt;
  }
  switch (item->type) {
    case CborType::kUnsigned:
      return CborHead(0, item->value);
    case CborType::kNegative:
      return CborHead(1, item->value);
    case CborType::kBytes:
      RequireWithin(item->string, before);
      return CborBytes(item->string);
    case CborType::kText:
      RequireWithin(item->string, before);
      Require(verify::IsUtf8(item->string), "text is UTF-8");
      return CborText(item->string);
    case CborType::kArray:
    case CborType::kMap:
      return CopyContainer(reader, *item, depth);
    case CborType::kTag:
      return CborTag(item->value);
    case CborType::kBool:
      return std::string(item->value != 0 ? "\xf5" : "\xf4");
    case CborType::kNull:
      return CborNull();
    case CborType::kUndefined:
      return std::string("\xf7");
  }
  return std::nullopt;
}

void Check(std::string_view input) {
  CborReader copied(input);
  while (!copied.done()) {
    const std::string_view before = copied.rest();
    CborReader skipped = copied;
    const bool is_value = Decided(verify::SkipCborValue(skipped));
    const auto copy = CopyValue(copied, verify::kMaxCborDepth);
    if (copy.has_value()) {
      Require(before.substr(0, before.size() - copied.rest().size()) == *copy,
              "a value has one encoding");
    }
    if (is_value) {
      Require(copy.has_value() && skipped.rest() == copied.rest(),
              "what is skipped can be read");
    }
    if (!copy.has_value()) return;
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
