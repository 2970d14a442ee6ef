// Numbers and text as disks and UEFI hold them: little-endian, UTF-16LE.

#ifndef ANCHORAGE_VERIFY_ENCODING_LITTLE_ENDIAN_H_
#define ANCHORAGE_VERIFY_ENCODING_LITTLE_ENDIAN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "verify/encoding/utf8.h"

namespace anchorage::verify {

// Returns the number of sizeof(Number) bytes at `at`, which must be inside
// `bytes`.
template <typename Number>
Number LittleEndian(std::string_view bytes, std::size_t at) {
  Number value = 0;
  for (std::size_t i = sizeof(Number); i-- > 0;) {
    value = static_cast<Number>(static_cast<std::uint64_t>(value) << 8 |
                                static_cast<unsigned char>(bytes[at + i]));
  }
  return value;
}

// Returns UTF-16LE as UTF-8; nullopt for an odd length and for a surrogate
// without its other half.
inline std::optional<std::string> Utf16LeToUtf8(std::string_view units) {
  if (units.size() % 2 != 0) return std::nullopt;
  std::string text;
  for (std::size_t i = 0; i < units.size(); i += 2) {
    std::uint32_t code = LittleEndian<std::uint16_t>(units, i);
    if (code >= 0xd800 && code < 0xe000) {
      if (code >= 0xdc00 || i + 4 > units.size()) return std::nullopt;
      i += 2;
      const std::uint32_t low = LittleEndian<std::uint16_t>(units, i);
      if (low < 0xdc00 || low >= 0xe000) return std::nullopt;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    char buffer[4];
    text.append(buffer, WriteUtf8(code, buffer));
  }
  return text;
}

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ENCODING_LITTLE_ENDIAN_H_
