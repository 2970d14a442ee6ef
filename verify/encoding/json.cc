#include "verify/encoding/json.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Length of the well-formed UTF-8 sequence at the start of `text`; 0 if there
// is none (RFC 3629 section 4).
std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    if (!tail(1) || !tail(2)) return 0;
    if (lead == 0xe0 && byte(1) < 0xa0) return 0;
    if (lead == 0xed && byte(1) > 0x9f) return 0;
    return 3;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (lead == 0xf0 && byte(1) < 0x90) return 0;
    if (lead == 0xf4 && byte(1) > 0x8f) return 0;
    return 4;
  }
  return 0;
}

void AppendUtf8(std::uint32_t code, std::string& out) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xc0 | code >> 6));
    out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | code >> 12));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else {
    out.push_back(static_cast<char>(0xf0 | code >> 18));
    out.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  }
}

// Below this many members, comparing each with each is cheaper than sorting.
constexpr std::size_t kSmallObject = 24;

}  // namespace

class JsonParser {
 public:
  JsonParser(std::string_view text, int max_depth)
      : text_(text), max_depth_(max_depth) {}

  absl::StatusOr<JsonValue> Parse() {
    JsonValue value;
    SkipSpace();
    if (absl::Status s = ParseValue(value, 0); !s.ok()) return s;
    SkipSpace();
    if (at_ != text_.size()) {
      return Reject(Reason::kTrailingBytes,
                    absl::StrCat("JSON ends at byte ", at_));
    }
    return value;
  }

 private:
  absl::Status Malformed(const char* what) const {
    return Reject(Reason::kDocumentMalformed,
                  absl::StrCat(what, " at byte ", at_));
  }

  void SkipSpace() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' ||
            text_[at_] == '\t')) {
      ++at_;
    }
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool Take(char c) {
    if (Peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }

  bool TakeWord(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  absl::Status ParseValue(JsonValue& value, int depth) {
    switch (Peek()) {
      case '{':
        return ParseObject(value, depth);
      case '[':
        return ParseArray(value, depth);
      case '"':
        value.kind_ = JsonValue::Kind::kString;
        return ParseString(value.text_);
      case 't':
      case 'f':
        value.kind_ = JsonValue::Kind::kBool;
        value.bool_ = Peek() == 't';
        if (!TakeWord(value.bool_ ? "true" : "false")) {
          return Malformed("no value");
        }
        return absl::OkStatus();
      case 'n':
        if (!TakeWord("null")) return Malformed("no value");
        return absl::OkStatus();
      default:
        value.kind_ = JsonValue::Kind::kNumber;
        return ParseNumber(value.text_);
    }
  }

  absl::Status ParseObject(JsonValue& value, int depth) {
    if (depth >= max_depth_) return Malformed("nesting too deep");
    value.kind_ = JsonValue::Kind::kObject;
    ++at_;
    SkipSpace();
    if (Take('}')) return absl::OkStatus();
    while (true) {
      if (Peek() != '"') return Malformed("no member name");
      auto& [name, member] = value.members_.emplace_back();
      if (absl::Status s = ParseString(name); !s.ok()) return s;
      SkipSpace();
      if (!Take(':')) return Malformed("no colon");
      SkipSpace();
      if (absl::Status s = ParseValue(member, depth + 1); !s.ok()) return s;
      SkipSpace();
      if (Take('}')) return CheckNames(value.members_);
      if (!Take(',')) return Malformed("no comma");
      SkipSpace();
    }
  }

  absl::Status ParseArray(JsonValue& value, int depth) {
    if (depth >= max_depth_) return Malformed("nesting too deep");
    value.kind_ = JsonValue::Kind::kArray;
    ++at_;
    SkipSpace();
    if (Take(']')) return absl::OkStatus();
    while (true) {
      if (absl::Status s =
              ParseValue(value.elements_.emplace_back(), depth + 1);
          !s.ok()) {
        return s;
      }
      SkipSpace();
      if (Take(']')) return absl::OkStatus();
      if (!Take(',')) return Malformed("no comma");
      SkipSpace();
    }
  }

  static absl::Status CheckNames(const std::vector<JsonValue::Member>& members) {
    const auto duplicate = [](std::string_view name) {
      return Reject(Reason::kDuplicateKey,
                    "\"" + std::string(name.substr(0, 64)) + "\" twice");
    };
    if (members.size() <= kSmallObject) {
      for (std::size_t i = 1; i < members.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
          if (members[i].first == members[j].first) {
            return duplicate(members[i].first);
          }
        }
      }
      return absl::OkStatus();
    }
    std::vector<std::string_view> names;
    names.reserve(members.size());
    for (const auto& member : members) names.push_back(member.first);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    return twice == names.end() ? absl::OkStatus() : duplicate(*twice);
  }

  absl::Status ParseString(std::string& out) {
    ++at_;
    while (true) {
      const std::size_t from = at_;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
             static_cast<unsigned char>(text_[at_]) >= 0x20 &&
             static_cast<unsigned char>(text_[at_]) < 0x80) {
        ++at_;
      }
      out.append(text_.substr(from, at_ - from));
      if (at_ >= text_.size()) return Malformed("string without end");
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        ++at_;
        return absl::OkStatus();
      }
      if (c < 0x20) return Malformed("control character in a string");
      if (c == '\\') {
        if (absl::Status s = ParseEscape(out); !s.ok()) return s;
        continue;
      }
      const std::size_t length = Utf8Length(text_.substr(at_, 4));
      if (length == 0) return Malformed("invalid UTF-8");
      out.append(text_.substr(at_, length));
      at_ += length;
    }
  }

  absl::Status ParseEscape(std::string& out) {
    ++at_;
    const char c = Peek();
    ++at_;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out.push_back(c);
        return absl::OkStatus();
      case 'b':
        out.push_back('\b');
        return absl::OkStatus();
      case 'f':
        out.push_back('\f');
        return absl::OkStatus();
      case 'n':
        out.push_back('\n');
        return absl::OkStatus();
      case 'r':
        out.push_back('\r');
        return absl::OkStatus();
      case 't':
        out.push_back('\t');
        return absl::OkStatus();
      case 'u':
        return ParseUnicodeEscape(out);
      default:
        return Malformed("unknown escape");
    }
  }

  absl::Status ParseUnicodeEscape(std::string& out) {
    std::uint32_t code = 0;
    if (!ParseHex4(code)) return Malformed("incomplete \\u escape");
    if (code >= 0xdc00 && code <= 0xdfff) return Malformed("lone surrogate");
    if (code >= 0xd800 && code <= 0xdbff) {
      std::uint32_t low = 0;
      if (!TakeWord("\\u") || !ParseHex4(low) || low < 0xdc00 ||
          low > 0xdfff) {
        return Malformed("lone surrogate");
      }
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    AppendUtf8(code, out);
    return absl::OkStatus();
  }

  bool ParseHex4(std::uint32_t& code) {
    if (text_.size() < 4 || at_ > text_.size() - 4) return false;
    const char* first = text_.data() + at_;
    const auto [end, error] = std::from_chars(first, first + 4, code, 16);
    at_ += 4;
    return error == std::errc() && end == first + 4 && *first != '-';
  }

  absl::Status ParseNumber(std::string& out) {
    const std::size_t from = at_;
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
    out.assign(text_.substr(from, at_ - from));
    return absl::OkStatus();
  }

  void SkipDigits() {
    while (IsDigit(Peek())) ++at_;
  }

  const std::string_view text_;
  const int max_depth_;
  std::size_t at_ = 0;
};

std::optional<bool> JsonValue::AsBool() const {
  if (kind_ != Kind::kBool) return std::nullopt;
  return bool_;
}

std::optional<std::string_view> JsonValue::AsString() const {
  if (kind_ != Kind::kString) return std::nullopt;
  return text_;
}

std::optional<std::int64_t> JsonValue::AsInteger() const {
  if (kind_ != Kind::kNumber || text_ == "-0") return std::nullopt;
  std::int64_t value = 0;
  const char* end = text_.data() + text_.size();
  const auto result = std::from_chars(text_.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

std::string_view JsonValue::number_text() const {
  return kind_ == Kind::kNumber ? std::string_view(text_) : std::string_view();
}

const JsonValue* JsonValue::Find(std::string_view name) const {
  for (const auto& [member_name, value] : members_) {
    if (member_name == name) return &value;
  }
  return nullptr;
}

absl::StatusOr<JsonValue> ParseJson(std::string_view text,
                                    const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return Reject(Reason::kInputTooLarge,
                  absl::StrCat("JSON of ", text.size(),
                               " bytes, the limit is ", limits.max_bytes));
  }
  return JsonParser(text, limits.max_depth).Parse();
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = Utf8Length(text.substr(0, 4));
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace anchorage::verify
