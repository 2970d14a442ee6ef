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
std::size_t Utf8SequenceLength(std::string_view text);

// Appends the sequence of `code`, which must be at most U+10FFFF.
void AppendUtf8(std::uint32_t code, std::string& out);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ENCODING_UTF8_H_
