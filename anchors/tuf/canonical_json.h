// The form of JSON over which TUF signatures and key ids are computed (OLPC
// canonical JSON), and the compact ASCII form that we publish.
//
//   auto document = verify::ParseJson(text, {.max_bytes = kMaxRootBytes});
//   auto to_sign = CanonicalJson(*document->Find("signed"));
//
// Pure, any number of threads. Recursion is as deep as the value, which
// ParseJson() bounds.

#ifndef ANCHORAGE_ANCHORS_TUF_CANONICAL_JSON_H_
#define ANCHORAGE_ANCHORS_TUF_CANONICAL_JSON_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "verify/encoding/json.h"

namespace anchorage::anchors::tuf {

// The largest integer. Larger ones are refused: JavaScript clients would see
// other digits.
inline constexpr std::int64_t kMaxCanonicalInteger = (1LL << 53) - 1;

// Returns the canonical form: no white space, members in the order of their
// names' UTF-8 bytes, only `"` and `\` escaped (so the result is often not
// JSON: a line feed stays a line feed). Fails with kNumberNotCanonical.
absl::StatusOr<std::string> CanonicalJson(const verify::JsonValue& value);

// Returns `value` as JSON without white space, in ASCII, with the order of its
// members and the text of its numbers unchanged.
std::string CompactJson(const verify::JsonValue& value);

// Returns `text`, which must be UTF-8, as a JSON string in ASCII, with quotes.
std::string JsonString(std::string_view text);

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_ANCHORS_TUF_CANONICAL_JSON_H_
