#include "anchors/tuf/canonical_json.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "anchors/tuf/tuf_error.h"

namespace anchorage::anchors::tuf {
namespace {

using verify::JsonValue;

void AppendCanonicalString(std::string_view text, std::string& out) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

absl::Status AppendNumber(const JsonValue& value, std::string& out) {
  const auto integer = value.AsInteger();
  if (!integer.has_value() || *integer > kMaxCanonicalInteger ||
      *integer < -kMaxCanonicalInteger) {
    return RejectUpdate(TufReason::kNumberNotCanonical,
                        "numbers must be integers below 2^53");
  }
  out.append(value.number_text());
  return absl::OkStatus();
}

absl::Status AppendCanonical(const JsonValue& value, std::string& out);

absl::Status AppendArray(const JsonValue& value, std::string& out) {
  out.push_back('[');
  bool first = true;
  for (const JsonValue& element : value.elements()) {
    if (!first) out.push_back(',');
    first = false;
    absl::Status appended = AppendCanonical(element, out);
    if (!appended.ok()) return appended;
  }
  out.push_back(']');
  return absl::OkStatus();
}

absl::Status AppendObject(const JsonValue& value, std::string& out) {
  std::vector<const JsonValue::Member*> members;
  members.reserve(value.members().size());
  for (const auto& member : value.members()) members.push_back(&member);
  // char_traits<char> compares bytes as unsigned, so this is code point order.
  std::sort(members.begin(), members.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  out.push_back('{');
  bool first = true;
  for (const auto* member : members) {
    if (!first) out.push_back(',');
    first = false;
    AppendCanonicalString(member->first, out);
    out.push_back(':');
    absl::Status appended = AppendCanonical(member->second, out);
    if (!appended.ok()) return appended;
  }
  out.push_back('}');
  return absl::OkStatus();
}

absl::Status AppendCanonical(const JsonValue& value, std::string& out) {
  switch (value.kind()) {
    case JsonValue::Kind::kNull:
      out.append("null");
      return absl::OkStatus();
    case JsonValue::Kind::kBool:
      out.append(*value.AsBool() ? "true" : "false");
      return absl::OkStatus();
    case JsonValue::Kind::kNumber:
      return AppendNumber(value, out);
    case JsonValue::Kind::kString:
      AppendCanonicalString(*value.AsString(), out);
      return absl::OkStatus();
    case JsonValue::Kind::kArray:
      return AppendArray(value, out);
    case JsonValue::Kind::kObject:
      return AppendObject(value, out);
  }
  return absl::OkStatus();
}

// Reads the code point of well-formed UTF-8 at `i` and advances `i` past it.
char32_t NextCodePoint(std::string_view text, std::size_t& i) {
  const auto byte = [&](std::size_t at) {
    return static_cast<unsigned char>(at < text.size() ? text[at] : 0);
  };
  const unsigned char lead = byte(i);
  const int extra = lead < 0xc0 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
  char32_t code = extra == 0 ? lead : lead & (0x3f >> extra);
  for (int k = 1; k <= extra; ++k) code = code << 6 | (byte(i + k) & 0x3f);
  i += 1 + extra;
  return code;
}

void AppendEscaped(char32_t code, std::string& out) {
  if (code > 0xffff) {
    code -= 0x10000;
    absl::StrAppendFormat(&out, "\\u%04x\\u%04x",
                          static_cast<unsigned>(0xd800 + (code >> 10)),
                          static_cast<unsigned>(0xdc00 + (code & 0x3ff)));
  } else {
    absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned>(code));
  }
}

void AppendJsonString(std::string_view text, std::string& out) {
  out.push_back('"');
  for (std::size_t i = 0; i < text.size();) {
    const char32_t code = NextCodePoint(text, i);
    if (code == '"' || code == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(code));
    } else if (code == '\n') {
      out.append("\\n");
    } else if (code < 0x20 || code >= 0x7f) {
      AppendEscaped(code, out);
    } else {
      out.push_back(static_cast<char>(code));
    }
  }
  out.push_back('"');
}

void AppendCompact(const JsonValue& value, std::string& out) {
  bool first = true;
  switch (value.kind()) {
    case JsonValue::Kind::kNull:
      out.append("null");
      return;
    case JsonValue::Kind::kBool:
      out.append(*value.AsBool() ? "true" : "false");
      return;
    case JsonValue::Kind::kNumber:
      out.append(value.number_text());
      return;
    case JsonValue::Kind::kString:
      AppendJsonString(*value.AsString(), out);
      return;
    case JsonValue::Kind::kArray:
      out.push_back('[');
      for (const JsonValue& element : value.elements()) {
        if (!first) out.push_back(',');
        first = false;
        AppendCompact(element, out);
      }
      out.push_back(']');
      return;
    case JsonValue::Kind::kObject:
      out.push_back('{');
      for (const auto& [name, member] : value.members()) {
        if (!first) out.push_back(',');
        first = false;
        AppendJsonString(name, out);
        out.push_back(':');
        AppendCompact(member, out);
      }
      out.push_back('}');
      return;
  }
}

}  // namespace

absl::StatusOr<std::string> CanonicalJson(const JsonValue& value) {
  std::string out;
  absl::Status appended = AppendCanonical(value, out);
  if (!appended.ok()) return appended;
  return out;
}

std::string CompactJson(const JsonValue& value) {
  std::string out;
  AppendCompact(value, out);
  return out;
}

std::string JsonString(std::string_view text) {
  std::string out;
  AppendJsonString(text, out);
  return out;
}

}  // namespace anchorage::anchors::tuf
