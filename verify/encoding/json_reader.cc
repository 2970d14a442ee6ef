#include "verify/encoding/json_reader.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"
#include "verify/encoding/utf8.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20; }

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// Whether a byte stands for itself in a string: ASCII, no control character,
// no quote, no backslash.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

// Returns where, from `at` on, the first byte that is not plain stands.
std::size_t SkipPlain(std::string_view text, std::size_t at) {
  while (at < text.size() && kPlain[static_cast<unsigned char>(text[at])]) {
    ++at;
  }
  return at;
}

// Returns how far `text` begins with well-formed UTF-8 that is not ASCII.
std::size_t NonAsciiLength(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && static_cast<unsigned char>(text[at]) >= 0x80) {
    const std::size_t length = Utf8SequenceLength(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

constexpr std::uint8_t kNoHexDigit = 0x10;

constexpr std::array<std::uint8_t, 256> kHexDigits = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoHexDigit);
  for (std::uint8_t i = 0; i < 10; ++i) digits['0' + i] = i;
  for (std::uint8_t i = 0; i < 6; ++i) {
    digits['a' + i] = digits['A' + i] = static_cast<std::uint8_t>(10 + i);
  }
  return digits;
}();

std::optional<std::uint32_t> ParseHex4(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  std::uint32_t code = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint8_t digit = kHexDigits[static_cast<unsigned char>(text[i])];
    if (digit == kNoHexDigit) return std::nullopt;
    code = code << 4 | digit;
  }
  return code;
}

struct Escape {
  std::uint32_t code;
  std::size_t length;
};

bool IsHighSurrogate(std::uint32_t code) {
  return code >= 0xd800 && code <= 0xdbff;
}
bool IsLowSurrogate(std::uint32_t code) {
  return code >= 0xdc00 && code <= 0xdfff;
}

std::optional<Escape> ParseUnicodeEscape(std::string_view text) {
  const auto code = ParseHex4(text.substr(2));
  // Readers that keep text as C strings would end it at a NUL.
  if (!code.has_value() || *code == 0 || IsLowSurrogate(*code)) {
    return std::nullopt;
  }
  if (!IsHighSurrogate(*code)) return Escape{*code, 6};
  const std::string_view second = text.substr(6);
  if (second.substr(0, 2) != "\\u") return std::nullopt;
  const auto low = ParseHex4(second.substr(2));
  if (!low.has_value() || !IsLowSurrogate(*low)) return std::nullopt;
  return Escape{0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00), 12};
}

// Reads the escape that `text` begins with: a backslash and more.
std::optional<Escape> ParseEscape(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  switch (text[1]) {
    case '"':
    case '\\':
    case '/':
      return Escape{static_cast<unsigned char>(text[1]), 2};
    case 'b':
      return Escape{'\b', 2};
    case 'f':
      return Escape{'\f', 2};
    case 'n':
      return Escape{'\n', 2};
    case 'r':
      return Escape{'\r', 2};
    case 't':
      return Escape{'\t', 2};
    case 'u':
      return ParseUnicodeEscape(text);
    default:
      return std::nullopt;
  }
}

// Whether a backslash and this are a whole escape.
constexpr std::array<bool, 256> kShortEscape = [] {
  std::array<bool, 256> is{};
  for (const unsigned char c : {'"', '\\', '/', 'b', 'f', 'n', 'r', 't'}) {
    is[c] = true;
  }
  return is;
}();

// Returns 0 for what is no escape.
std::size_t EscapeLength(std::string_view text) {
  if (text.size() >= 2 && kShortEscape[static_cast<unsigned char>(text[1])]) {
    return 2;
  }
  const auto escape = ParseEscape(text);
  return escape.has_value() ? escape->length : 0;
}

}  // namespace

std::string JsonToken::Decoded() const {
  if (!escaped) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t plain = std::min(rest.find('\\'), rest.size());
    out.append(rest.substr(0, plain));
    rest.remove_prefix(plain);
    if (rest.empty()) break;
    const auto escape = ParseEscape(rest);
    if (!escape.has_value()) break;  // never: the reader took it before
    AppendUtf8(escape->code, out);
    rest.remove_prefix(escape->length);
  }
  return out;
}

bool JsonToken::IsString(std::string_view other) const {
  if (kind != JsonKind::kString) return false;
  return escaped ? Decoded() == other : text == other;
}

absl::Status JsonReader::Malformed(const char* what) const {
  return Reject(Reason::kDocumentMalformed,
                absl::StrCat(what, " at byte ", at_));
}

void JsonReader::SkipSpace() {
  std::size_t at = at_;
  while (at < text_.size() && IsSpace(text_[at])) ++at;
  at_ = at;
}

bool JsonReader::Take(char c) {
  if (Peek() != c) return false;
  ++at_;
  return true;
}

void JsonReader::SkipDigits() {
  while (IsDigit(Peek())) ++at_;
}

JsonKind JsonReader::NextKind() {
  SkipSpace();
  switch (Peek()) {
    case '{':
      return JsonKind::kObject;
    case '[':
      return JsonKind::kArray;
    case '"':
      return JsonKind::kString;
    case 't':
    case 'f':
      return JsonKind::kBool;
    case '-':
      return JsonKind::kNumber;
    default:
      return IsDigit(Peek()) ? JsonKind::kNumber : JsonKind::kNull;
  }
}

absl::Status JsonReader::CountValue() {
  if (++values_ <= limits_.max_values) return absl::OkStatus();
  return Reject(
      Reason::kInputTooLarge,
      absl::StrCat("JSON of more than ", limits_.max_values, " values"));
}

absl::Status JsonReader::Enter(char bracket) {
  SkipSpace();
  if (!Take(bracket)) {
    return Malformed(bracket == '{' ? "no object" : "no array");
  }
  if (depth_ >= limits_.max_depth) return Malformed("nesting too deep");
  ++depth_;
  first_ = true;
  return CountValue();
}

absl::StatusOr<bool> JsonReader::Next(char bracket) {
  SkipSpace();
  if (Take(bracket)) {
    --depth_;
    first_ = false;
    return false;
  }
  if (!first_ && !Take(',')) return Malformed("no comma");
  first_ = false;
  return true;
}

absl::StatusOr<bool> JsonReader::NextElement() { return Next(']'); }

absl::StatusOr<bool> JsonReader::NextMember(JsonToken& name) {
  absl::StatusOr<bool> more = Next('}');
  if (!more.ok() || !*more) return more;
  SkipSpace();
  if (Peek() != '"') return Malformed("no member name");
  if (absl::Status s = ReadString(name); !s.ok()) return s;
  SkipSpace();
  if (!Take(':')) return Malformed("no colon");
  return true;
}

absl::Status JsonReader::ReadValue(JsonToken& value) {
  value = {.kind = NextKind(), .text = {}, .escaped = false};
  const std::size_t from = at_;
  absl::Status status;
  switch (value.kind) {
    case JsonKind::kObject:
      status = ReadObject();
      break;
    case JsonKind::kArray:
      status = ReadArray();
      break;
    case JsonKind::kString:
      status = CountValue();
      if (status.ok()) status = ReadString(value);
      return status;
    case JsonKind::kNumber:
      status = ReadNumber();
      break;
    case JsonKind::kBool:
      status = ReadWord(Peek() == 't' ? "true" : "false");
      break;
    case JsonKind::kNull:
      status = ReadWord("null");
      break;
  }
  value.text = text_.substr(from, at_ - from);
  return status;
}

absl::Status JsonReader::ReadWord(std::string_view word) {
  if (text_.substr(at_, word.size()) != word) return Malformed("no value");
  at_ += word.size();
  return CountValue();
}

absl::Status JsonReader::ReadNumber() {
  Take('-');
  if (!IsDigit(Peek())) return Malformed("no value");
  if (!Take('0')) SkipDigits();
  if (Take('.')) {
    if (!IsDigit(Peek())) return Malformed("no digit after the point");
    SkipDigits();
  }
  if (Take('e') || Take('E')) {
    if (!Take('+')) Take('-');
    if (!IsDigit(Peek())) return Malformed("no digit in the exponent");
    SkipDigits();
  }
  return CountValue();
}

absl::Status JsonReader::ReadString(JsonToken& token) {
  token.kind = JsonKind::kString;
  token.escaped = false;
  const std::size_t from = ++at_;
  std::size_t at = from;
  while (true) {
    at = SkipPlain(text_, at);
    if (at >= text_.size() || text_[at] == '"') break;
    const std::string_view rest = text_.substr(at);
    std::size_t length = 0;
    if (rest.front() == '\\') {
      token.escaped = true;
      length = EscapeLength(rest);
    } else if (!IsControl(rest.front())) {
      length = NonAsciiLength(rest);
    }
    if (length == 0) break;
    at += length;
  }
  at_ = at;
  if (Peek() != '"') return MalformedString();
  token.text = text_.substr(from, at - from);
  ++at_;
  return absl::OkStatus();
}

// Says why a string does not go on at the reader's place.
absl::Status JsonReader::MalformedString() const {
  if (at_ >= text_.size()) return Malformed("string without end");
  if (Peek() == '\\') return Malformed("no such escape");
  if (IsControl(Peek())) return Malformed("control character in a string");
  return Malformed("invalid UTF-8");
}

absl::Status JsonReader::ReadArray() {
  if (absl::Status s = EnterArray(); !s.ok()) return s;
  while (true) {
    const absl::StatusOr<bool> more = NextElement();
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    JsonToken element;
    if (absl::Status s = ReadValue(element); !s.ok()) return s;
  }
}

absl::Status JsonReader::ReadObject() {
  if (absl::Status s = EnterObject(); !s.ok()) return s;
  std::vector<std::string> names;
  while (true) {
    JsonToken name, value;
    const absl::StatusOr<bool> more = NextMember(name);
    if (!more.ok()) return more.status();
    if (!*more) return CheckDistinct(names);
    names.push_back(name.Decoded());
    if (absl::Status s = ReadValue(value); !s.ok()) return s;
  }
}

absl::Status JsonReader::Finish() {
  SkipSpace();
  if (at_ == text_.size()) return absl::OkStatus();
  return Reject(Reason::kTrailingBytes,
                absl::StrCat("JSON ends at byte ", at_));
}

absl::Status CheckDistinct(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return absl::OkStatus();
  return Reject(Reason::kDuplicateKey,
                "\"" + twice->substr(0, 64) + "\" twice");
}

}  // namespace anchorage::verify
