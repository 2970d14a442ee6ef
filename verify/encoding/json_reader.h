// A strict JSON reader (RFC 8259) that walks over a text without building a
// tree: the only JSON scanner in this project. json.h builds its tree with it.
//
//   JsonReader json(text, {.max_depth = 8, .max_values = 512});
//   if (absl::Status s = json.EnterObject(); !s.ok()) return s;
//   while (true) {
//     JsonToken name, value;
//     absl::StatusOr<bool> more = json.NextMember(name);
//     if (!more.ok()) return more.status();
//     if (!*more) break;
//     if (absl::Status s = json.ReadValue(value); !s.ok()) return s;
//   }
//   return json.Finish();
//
// Two readers of one signed text must never see two documents, so everything
// that parsers disagree about is refused: duplicate names (also when one is
// escaped), invalid UTF-8, lone surrogates, NUL (also as an escape), byte order
// marks, comments, NaN, anything after the end.
//
// Allocates only for the names of objects inside a value that ReadValue()
// steps over. Tokens are views into the text, which the caller keeps.

#ifndef ANCHORAGE_VERIFY_ENCODING_JSON_READER_H_
#define ANCHORAGE_VERIFY_ENCODING_JSON_READER_H_

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace anchorage::verify {

enum class JsonKind { kNull, kBool, kNumber, kString, kArray, kObject };

// One value or name, found to be well-formed.
struct JsonToken {
  JsonKind kind = JsonKind::kNull;
  // A string without its quotes, its escapes unresolved; any other value whole.
  std::string_view text;
  // Whether `text` is a string with escapes in it.
  bool escaped = false;

  // Returns the string's text with its escapes resolved; `text` for another
  // kind.
  std::string Decoded() const;
};

class JsonReader {
 public:
  struct Limits {
    // Deepest nesting of arrays and objects.
    int max_depth = 32;
    // The most values of all levels together.
    std::size_t max_values = std::numeric_limits<std::size_t>::max();
  };

  JsonReader(std::string_view text, const Limits& limits)
      : text_(text), limits_(limits) {}

  // Every call fails with kDocumentMalformed unless it says otherwise, and
  // after a failure the reader is of no further use.

  // Returns the kind of the value that comes next, by its first character;
  // kNull where there is none, which the next call refuses.
  JsonKind NextKind();

  // Opens the array or object that comes next.
  absl::Status EnterArray() { return Enter('['); }
  absl::Status EnterObject() { return Enter('{'); }

  // Moves to the next element or member of the innermost open array or object,
  // whose value must be read next; returns false, and closes it, at its end.
  // The caller checks whether a name occurred before.
  absl::StatusOr<bool> NextElement();
  absl::StatusOr<bool> NextMember(JsonToken& name);

  // Reads one whole value, whatever is inside. Fails with kDuplicateKey too,
  // and with kInputTooLarge for more than `max_values`.
  absl::Status ReadValue(JsonToken& value);

  // Fails with kTrailingBytes unless nothing but white space is left.
  absl::Status Finish();

 private:
  absl::Status Malformed(const char* what) const;
  void SkipSpace() {
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
  }
  static bool IsSpace(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (Peek() != c) return false;
    ++at_;
    return true;
  }
  void SkipDigits();

  absl::Status CountValue();
  absl::Status Enter(char bracket);
  absl::StatusOr<bool> Next(char bracket);
  absl::Status ReadWord(std::string_view word);
  absl::Status ReadNumber();
  absl::Status ReadString(JsonToken& token);
  absl::Status MalformedString() const;
  absl::Status ReadArray();
  absl::Status ReadObject();

  const std::string_view text_;
  const Limits limits_;
  std::size_t at_ = 0;
  std::size_t values_ = 0;
  int depth_ = 0;
  // Whether nothing of the innermost open array or object has been read yet.
  bool first_ = false;
};

// Fails with kDuplicateKey if two of `names`, which it sorts, are the same.
absl::Status CheckDistinct(absl::Span<std::string_view> names);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ENCODING_JSON_READER_H_
