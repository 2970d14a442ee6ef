// Writes CBOR (RFC 8949), well or badly.
//
//   CborArray({CborBytes("a"), CborNull()})
//
// Shares nothing with verify/ and checks nothing; see der_writer.h.

#ifndef ANCHORAGE_TEST_FAKE_AWS_CBOR_WRITER_H_
#define ANCHORAGE_TEST_FAKE_AWS_CBOR_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anchorage::test {

// A head of the major type 0 to 7 in the fewest bytes.
std::string CborHead(int major, std::uint64_t argument);

// A head with the argument in exactly `bytes` bytes after the first (0, 1, 2,
// 4 or 8), whether or not fewer would do.
std::string CborWideHead(int major, std::uint64_t argument, int bytes);

std::string CborUint(std::uint64_t value);
// Any integer, negative ones in major type 1.
std::string CborInt(std::int64_t value);
std::string CborBytes(std::string_view bytes);
std::string CborText(std::string_view text);
std::string CborNull();
std::string CborTag(std::uint64_t tag);

std::string CborArray(const std::vector<std::string>& elements);
// A byte string of indefinite length, in one chunk.
std::string CborIndefiniteBytes(std::string_view bytes);
// A text string of indefinite length, in one chunk.
std::string CborIndefiniteText(std::string_view text);
std::string CborIndefiniteArray(const std::vector<std::string>& elements);

// A key and a value, both encoded.
using CborMember = std::pair<std::string, std::string>;
std::string CborMap(const std::vector<CborMember>& members);
std::string CborIndefiniteMap(const std::vector<CborMember>& members);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FAKE_AWS_CBOR_WRITER_H_
