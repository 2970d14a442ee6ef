#include "verify/why.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "verify/encoding/utf8.h"

namespace anchorage::verify {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};
// Of the scripts in use, without the signs between them that cannot be seen.
constexpr Range kLetters[] = {
    {'A', 'Z'},       {'a', 'z'},       {0xc0, 0x24f},    {0x370, 0x5ff},
    {0x620, 0x10ff},  {0x1200, 0x167f}, {0x1e00, 0x1fff}, {0x3041, 0x30ff},
    {0x3400, 0x9fff}, {0xac00, 0xd7a3}};

constexpr absl::string_view kNoWhys[] = {
    "true", "false", "yes", "no",  "y",         "n",   "on",
    "off",  "null",  "nil", "nan", "undefined", "none"};

bool IsLetter(std::uint32_t code) {
  return std::any_of(std::begin(kLetters), std::end(kLetters),
                     [code](const Range& range) {
                       return range.first <= code && code <= range.last;
                     });
}

bool IsDigit(std::uint32_t code) { return '0' <= code && code <= '9'; }

// The code of a well-formed sequence.
std::uint32_t CodeOf(std::string_view sequence) {
  constexpr std::uint32_t kLeadBits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  std::uint32_t code = 0;
  for (const char c : sequence) code = code << 6 | (c & 0x3f);
  const std::uint32_t lead =
      static_cast<unsigned char>(sequence.front()) & kLeadBits[sequence.size()];
  const std::size_t tail_bits = 6 * (sequence.size() - 1);
  return (code & ((1U << tail_bits) - 1)) | lead << tail_bits;
}

}  // namespace

bool IsWhy(std::string_view why) {
  bool has_letter = false;
  // From the first letter or digit to the last.
  std::size_t begin = why.npos;
  std::size_t end = 0;
  for (std::size_t at = 0; at < why.size();) {
    const std::size_t length = Utf8SequenceLength(why.substr(at));
    if (length == 0) return false;
    const std::uint32_t code = CodeOf(why.substr(at, length));
    const bool is_letter = IsLetter(code);
    has_letter = has_letter || is_letter;
    if (is_letter || IsDigit(code)) {
      begin = std::min(begin, at);
      end = at + length;
    }
    at += length;
  }
  if (!has_letter) return false;
  const std::string_view said = why.substr(begin, end - begin);
  const bool is_number = IsDigit(static_cast<unsigned char>(said.front())) &&
                         said.find_first_of(" \t\r\n") == said.npos;
  return !is_number &&
         std::none_of(std::begin(kNoWhys), std::end(kNoWhys),
                      [said](absl::string_view word) {
                        return absl::EqualsIgnoreCase(
                            absl::string_view(said.data(), said.size()), word);
                      });
}

}  // namespace anchorage::verify
