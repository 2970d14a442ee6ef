// The byte order mark that some editors and shells put in front of a text.
//
//   auto text = WithoutByteOrderMark(bytes);
//   if (!text.ok()) return text.status();
//
// For texts that people supply. Signed texts have no mark, and their readers
// refuse one.

#ifndef ANCHORAGE_ANCHORS_BASE_BYTE_ORDER_MARK_H_
#define ANCHORAGE_ANCHORS_BASE_BYTE_ORDER_MARK_H_

#include <string_view>

#include "absl/status/statusor.h"

namespace anchorage::anchors {

// Returns `text` without the mark of UTF-8 at its start, if there is one. Fails
// with kEncodingMalformed for the mark of UTF-16 or UTF-32, which the message
// names. No CBOR that we read begins with any of them. Pure.
absl::StatusOr<std::string_view> WithoutByteOrderMark(std::string_view text);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_BYTE_ORDER_MARK_H_
