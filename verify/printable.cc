#include "verify/printable.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "verify/encoding/utf8.h"

namespace anchorage::verify {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

// Characters that are invisible, or that change how their neighbours look: the
// general categories Cc, Cf, Zl and Zp of Unicode 15, the invisible ones of
// other categories (default-ignorable), and noncharacters. In order.
constexpr Range kHidden[] = {
    {0x0000, 0x001f},    // C0
    {0x007f, 0x009f},    // DEL, C1
    {0x00ad, 0x00ad},    // soft hyphen
    {0x034f, 0x034f},    // combining grapheme joiner
    {0x0600, 0x0605},    // Arabic number signs
    {0x061c, 0x061c},    // Arabic letter mark
    {0x06dd, 0x06dd},    // Arabic end of ayah
    {0x070f, 0x070f},    // Syriac abbreviation mark
    {0x0890, 0x0891},    // Arabic pound and piastre marks
    {0x08e2, 0x08e2},    // Arabic disputed end of ayah
    {0x115f, 0x1160},    // Hangul fillers
    {0x17b4, 0x17b5},    // Khmer inherent vowels
    {0x180b, 0x180f},    // Mongolian selectors and vowel separator
    {0x200b, 0x200f},    // zero-width characters, directional marks
    {0x2028, 0x202e},    // separators, embeddings, overrides
    {0x2060, 0x206f},    // word joiner, invisible operators, isolates
    {0x3164, 0x3164},    // Hangul filler
    {0xfdd0, 0xfdef},    // noncharacters
    {0xfe00, 0xfe0f},    // variation selectors
    {0xfeff, 0xfeff},    // byte order mark
    {0xffa0, 0xffa0},    // half-width Hangul filler
    {0xfff0, 0xfffb},    // interlinear annotation
    {0x110bd, 0x110bd},  // Kaithi number signs
    {0x110cd, 0x110cd}, {0x13430, 0x1343f},  // Egyptian format controls
    {0x1bca0, 0x1bca3},                      // shorthand format controls
    {0x1d173, 0x1d17a},                      // musical format controls
    {0xe0000, 0xe0fff},                      // tags, variation selectors
};

constexpr bool IsInOrder() {
  for (std::size_t i = 1; i < std::size(kHidden); ++i) {
    if (kHidden[i].first <= kHidden[i - 1].last) return false;
  }
  return true;
}
static_assert(IsInOrder());

bool IsVisibleAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f; });
}

bool IsHidden(std::uint32_t code) {
  if ((code & 0xfffe) == 0xfffe) return true;  // the last two of each plane
  const Range* const range = std::lower_bound(
      std::begin(kHidden), std::end(kHidden), code,
      [](const Range& r, std::uint32_t c) { return r.last < c; });
  return range != std::end(kHidden) && range->first <= code;
}

// The code point of a well-formed sequence.
std::uint32_t CodeOf(std::string_view sequence) {
  const auto lead = static_cast<unsigned char>(sequence.front());
  constexpr std::uint32_t kLeadBits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  std::uint32_t code = lead & kLeadBits[sequence.size()];
  for (const char c : sequence.substr(1)) {
    code = code << 6 | (static_cast<unsigned char>(c) & 0x3f);
  }
  return code;
}

std::string Escape(char kind, std::uint32_t code, int digits) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out = {'\\', kind};
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out.push_back(kDigits[code >> shift & 0xf]);
  }
  return out;
}

std::string EscapeCode(std::uint32_t code) {
  switch (code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  if (code < 0x80) return Escape('x', code, 2);
  return code < 0x10000 ? Escape('u', code, 4) : Escape('U', code, 8);
}

// Takes one character, or one byte of what is none, from the front of `text`.
std::string TakePiece(std::string_view& text) {
  const std::size_t length = Utf8SequenceLength(text);
  const std::string_view piece = text.substr(0, length == 0 ? 1 : length);
  text.remove_prefix(piece.size());
  if (length == 0) {
    return Escape('x', static_cast<unsigned char>(piece.front()), 2);
  }
  const std::uint32_t code = CodeOf(piece);
  return IsHidden(code) ? EscapeCode(code) : std::string(piece);
}

}  // namespace

std::string Printable(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view kCut = "...";
  if (text.size() <= max_bytes && IsVisibleAscii(text)) {
    return std::string(text);
  }
  std::string out;
  out.reserve(std::min(text.size(), max_bytes));
  // How much of the result leaves room for kCut.
  std::size_t keep = 0;
  while (!text.empty()) {
    const std::string piece = TakePiece(text);
    if (piece.size() > max_bytes - out.size()) {
      out.resize(keep);
      out.append(kCut);
      break;
    }
    out.append(piece);
    if (max_bytes - out.size() >= kCut.size()) keep = out.size();
  }
  return out;
}

}  // namespace anchorage::verify
