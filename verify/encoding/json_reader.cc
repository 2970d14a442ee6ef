#include "verify/encoding/json_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "verify/encoding/utf8.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Whether a byte stands for itself in a string: no control character, no quote,
// no backslash.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x100; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

// Set in every byte that is not ASCII.
constexpr std::uint8_t kHighBit = 0x80;

constexpr std::uint64_t EachByte(std::uint8_t byte) {
  return 0x0101010101010101u * byte;
}

// Returns the position of the first byte, from `at` on, that is not plain. Sets
// high bits of `seen` if there are bytes outside ASCII up to there, or shortly
// after.
std::size_t SkipPlain(std::string_view text, std::size_t at,
                      std::uint64_t& seen) {
  std::uint64_t word = 0;
  for (; text.size() - at >= sizeof(word); at += sizeof(word)) {
    std::memcpy(&word, text.data() + at, sizeof(word));
    seen |= word;
    // A byte gets its high bit where it is less than what is subtracted; a
    // borrow changes only the bytes after it.
    const std::uint64_t not_plain =
        ((word - EachByte(0x20)) | ((word ^ EachByte('"')) - EachByte(1)) |
         ((word ^ EachByte('\\')) - EachByte(1))) &
        ~word & EachByte(kHighBit);
    if (not_plain == 0) continue;
    if constexpr (std::endian::native != std::endian::little) break;
    return at + static_cast<std::size_t>(std::countr_zero(not_plain)) / 8;
  }
  for (; at < text.size(); ++at) {
    const auto byte = static_cast<std::uint8_t>(text[at]);
    if (!kPlain[byte]) break;
    seen |= byte;
  }
  return at;
}

// Above every code that four hex digits can express.
constexpr std::uint32_t kNoCode = 0x10000;

// The value of a character as the first, second, third and fourth hex digit;
// kNoCode for one that is no hex digit.
constexpr std::array<std::array<std::uint32_t, 256>, 4> kHexDigits = [] {
  std::array<std::array<std::uint32_t, 256>, 4> digits{};
  for (std::size_t place = 0; place < 4; ++place) {
    digits[place].fill(kNoCode);
    const std::uint32_t unit = 0x1000u >> (4 * place);
    for (std::uint32_t i = 0; i < 10; ++i) digits[place]['0' + i] = i * unit;
    for (std::uint32_t i = 0; i < 6; ++i) {
      digits[place]['a' + i] = digits[place]['A' + i] = (10 + i) * unit;
    }
  }
  return digits;
}();

// Returns kNoCode or more for what is not four hex digits.
std::uint32_t ParseHex4(std::string_view text) {
  if (text.size() < 4) return kNoCode;
  const auto digit = [text](std::size_t i) {
    return kHexDigits[i][static_cast<unsigned char>(text[i])];
  };
  return digit(0) | digit(1) | digit(2) | digit(3);
}

struct Escape {
  std::uint32_t code = 0;
  // How many bytes the escape has; 0 if there is none.
  std::size_t length = 0;
};

bool IsHighSurrogate(std::uint32_t code) {
  return code >= 0xd800 && code <= 0xdbff;
}
bool IsLowSurrogate(std::uint32_t code) {
  return code >= 0xdc00 && code <= 0xdfff;
}

// Reads the pair of surrogate escapes that `text` begins with; `high` is the
// first.
Escape ParseSurrogates(std::string_view text, std::uint32_t high) {
  const std::string_view second = text.substr(6);
  if (second.substr(0, 2) != "\\u") return {};
  const std::uint32_t low = ParseHex4(second.substr(2));
  if (!IsLowSurrogate(low)) return {};
  return {0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), 12};
}

// What the letter of a short escape stands for; 0 for no such letter.
constexpr std::array<char, 256> kShortEscapes = [] {
  std::array<char, 256> of{};
  for (const unsigned char c : {'"', '\\', '/'}) of[c] = static_cast<char>(c);
  of['b'] = '\b';
  of['f'] = '\f';
  of['n'] = '\n';
  of['r'] = '\r';
  of['t'] = '\t';
  return of;
}();

// Reads the escape that `text` begins with: a backslash and more.
Escape ParseEscape(std::string_view text) {
  if (text.size() < 2) return {};
  const char known = kShortEscapes[static_cast<unsigned char>(text[1])];
  if (known != 0) return {static_cast<unsigned char>(known), 2};
  if (text[1] != 'u') return {};
  const std::uint32_t code = ParseHex4(text.substr(2));
  // Readers that keep text as C strings would end it at a NUL.
  if (code >= kNoCode || code == 0 || IsLowSurrogate(code)) return {};
  if (IsHighSurrogate(code)) return ParseSurrogates(text, code);
  return {code, 6};
}

// Returns how far `text` begins with escapes.
std::size_t EscapesLength(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && text[at] == '\\') {
    const std::size_t length = ParseEscape(text.substr(at)).length;
    if (length == 0) break;
    at += length;
  }
  return at;
}

}  // namespace

std::string JsonToken::Decoded() const {
  if (!escaped) return std::string(text);
  // No escape is shorter than what it stands for.
  std::string out(text.size(), '\0');
  char* end = out.data();
  for (std::string_view rest = text; !rest.empty();) {
    if (rest.front() != '\\') {
      const std::size_t plain = std::min(rest.find('\\'), rest.size());
      end = std::copy_n(rest.data(), plain, end);
      rest.remove_prefix(plain);
      continue;
    }
    const Escape escape = ParseEscape(rest);
    if (escape.length == 0) break;  // never: the reader has checked it
    end = WriteUtf8(escape.code, end);
    rest.remove_prefix(escape.length);
  }
  out.resize(static_cast<std::size_t>(end - out.data()));
  return out;
}

absl::Status JsonReader::Malformed(const char* what) const {
  return Reject(Reason::kDocumentMalformed,
                absl::StrCat(what, " at byte ", at_));
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
  std::uint64_t seen = 0;
  std::size_t at = SkipPlain(text_, from, seen);
  while (at < text_.size() && text_[at] == '\\') {
    token.escaped = true;
    const std::size_t length = EscapesLength(text_.substr(at));
    if (length == 0) break;
    at = SkipPlain(text_, at + length, seen);
  }
  at_ = at;
  if (Peek() != '"') return MalformedString();
  token.text = text_.substr(from, at - from);
  // No byte of a multi-byte sequence can be mistaken for the end of a string.
  if ((seen & EachByte(kHighBit)) != 0 && !IsUtf8(token.text)) {
    return Malformed("invalid UTF-8");
  }
  ++at_;
  return absl::OkStatus();
}

// Returns why the string cannot continue at the reader's position.
absl::Status JsonReader::MalformedString() const {
  if (at_ >= text_.size()) return Malformed("string without end");
  if (Peek() == '\\') return Malformed("no such escape");
  return Malformed("control character in a string");
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
    if (!*more) break;
    names.push_back(name.Decoded());
    if (absl::Status s = ReadValue(value); !s.ok()) return s;
  }
  std::vector<std::string_view> views(names.begin(), names.end());
  return CheckDistinct(absl::MakeSpan(views));
}

absl::Status JsonReader::Finish() {
  SkipSpace();
  if (at_ == text_.size()) return absl::OkStatus();
  return Reject(Reason::kTrailingBytes,
                absl::StrCat("JSON ends at byte ", at_));
}

absl::Status CheckDistinct(absl::Span<std::string_view> names) {
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return absl::OkStatus();
  return Reject(Reason::kDuplicateKey,
                "\"" + std::string(twice->substr(0, 64)) + "\" twice");
}

}  // namespace anchorage::verify
