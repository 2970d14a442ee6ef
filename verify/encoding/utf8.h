// UTF-8, strict (RFC 3629).

#ifndef ANCHORAGE_VERIFY_ENCODING_UTF8_H_
#define ANCHORAGE_VERIFY_ENCODING_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>
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

// Appends the sequence of `code`, which must be at most U+10FFFF.
void AppendUtf8(std::uint32_t code, std::string& out);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ENCODING_UTF8_H_
