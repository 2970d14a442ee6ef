// UTF-8, strict (RFC 3629).

#ifndef ANCHORAGE_VERIFY_ENCODING_UTF8_H_
#define ANCHORAGE_VERIFY_ENCODING_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace anchorage::verify {

// Returns the length of the well-formed sequence that `text` begins with (no
// overlong form, no surrogate, nothing above U+10FFFF); 0 if there is none.
inline std::size_t Utf8SequenceLength(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [text](std::size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return text.size() >= 2 && tail(1) ? 2 : 0;
  if (lead < 0xf0) {
    if (text.size() < 3 || !tail(1) || !tail(2)) return 0;
    const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = lead == 0xed && byte(1) > 0x9f;
    return overlong || surrogate ? 0 : 3;
  }
  if (lead > 0xf4) return 0;
  if (text.size() < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
  const bool overlong = lead == 0xf0 && byte(1) < 0x90;
  const bool too_large = lead == 0xf4 && byte(1) > 0x8f;
  return overlong || too_large ? 0 : 4;
}

// Returns whether `text` is well-formed UTF-8 (no overlong forms, no
// surrogates, nothing above U+10FFFF).
bool IsUtf8(std::string_view text);

// Writes the sequence of `code`, which must be at most U+10FFFF, to `out`, at
// most four bytes, and returns its end.
inline char* WriteUtf8(std::uint32_t code, char* out) {
  const auto put = [&out](std::uint32_t byte) {
    *out++ = static_cast<char>(byte);
  };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
  return out;
}

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ENCODING_UTF8_H_
