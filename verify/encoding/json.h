// A strict JSON reader (RFC 8259) into a tree of values.
//
// Two readers of one signed text must never see two documents, so everything
// that parsers disagree about is refused: duplicate names (also when one is
// escaped), invalid UTF-8, lone surrogates, NUL (also as an escape), byte order
// marks, comments, NaN, anything after the end. Numbers keep their text:
// nothing is rounded.

#ifndef ANCHORAGE_VERIFY_ENCODING_JSON_H_
#define ANCHORAGE_VERIFY_ENCODING_JSON_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "verify/encoding/json_reader.h"

namespace anchorage::verify {

struct JsonLimits {
  // Longest text, in bytes.
  std::size_t max_bytes;
  // Deepest nesting of arrays and objects.
  int max_depth = 32;
  // The most values, not counting the names of members. A value takes about a
  // hundred bytes, however short its text: this bounds the memory.
  std::size_t max_values = 250'000;
};

// One value. Immutable after parsing.
class JsonValue {
 public:
  using Kind = JsonKind;
  using Member = std::pair<std::string, JsonValue>;

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }

  // Returns nullopt where the value is of another kind.
  std::optional<bool> AsBool() const;
  // The decoded text, which lives as long as the value.
  std::optional<std::string_view> AsString() const;
  // Also nullopt for a fraction, an exponent, "-0", or a number outside the
  // type.
  std::optional<std::int64_t> AsInteger() const;

  // The number as written; empty for another kind.
  std::string_view number_text() const;

  // The elements of an array; empty for another kind.
  const std::vector<JsonValue>& elements() const { return elements_; }
  // The members of an object in the order of the text; empty for another
  // kind. Names are distinct.
  const std::vector<Member>& members() const { return members_; }
  // The member of that name; null if there is none or this is no object.
  const JsonValue* Find(std::string_view name) const;

 private:
  friend class JsonParser;

  Kind kind_ = Kind::kNull;
  bool bool_ = false;
  std::string text_;  // of a string, decoded; of a number, as written
  std::vector<JsonValue> elements_;
  std::vector<Member> members_;
};

// Parses `text`, which must be exactly one value, with nothing but white space
// around it. Fails with kInputTooLarge, kDuplicateKey, kTrailingBytes or
// kDocumentMalformed; time and memory are linear in the text (n log n for the
// names of one object).
absl::StatusOr<JsonValue> ParseJson(std::string_view text,
                                    const JsonLimits& limits);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ENCODING_JSON_H_
