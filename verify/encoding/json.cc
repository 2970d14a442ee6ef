#include "verify/encoding/json.h"

#include <algorithm>
#include <charconv>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "verify/encoding/json_reader.h"
#include "verify/encoding/utf8.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

// Below this many members, comparing each with each is cheaper than sorting.
constexpr std::size_t kSmallObject = 24;

absl::Status CheckNames(const std::vector<JsonValue::Member>& members) {
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

}  // namespace

class JsonParser {
 public:
  JsonParser(std::string_view text, const JsonLimits& limits)
      : reader_(text, {.max_depth = limits.max_depth}),
        values_left_(limits.max_values) {}

  absl::StatusOr<JsonValue> Parse() {
    JsonValue value;
    if (absl::Status s = ParseValue(value); !s.ok()) return s;
    if (absl::Status s = reader_.Finish(); !s.ok()) return s;
    return value;
  }

 private:
  absl::Status ParseValue(JsonValue& value) {
    if (values_left_ == 0) {
      return Reject(Reason::kInputTooLarge, "JSON of too many values");
    }
    --values_left_;
    value.kind_ = reader_.NextKind();
    if (value.kind_ == JsonKind::kObject) return ParseObject(value);
    if (value.kind_ == JsonKind::kArray) return ParseArray(value);
    JsonToken token;
    if (absl::Status s = reader_.ReadValue(token); !s.ok()) return s;
    value.bool_ = token.text == "true" && token.kind == JsonKind::kBool;
    if (token.kind == JsonKind::kString || token.kind == JsonKind::kNumber) {
      value.text_ = token.Decoded();
    }
    return absl::OkStatus();
  }

  absl::Status ParseObject(JsonValue& value) {
    if (absl::Status s = reader_.EnterObject(); !s.ok()) return s;
    while (true) {
      JsonToken name;
      const absl::StatusOr<bool> more = reader_.NextMember(name);
      if (!more.ok()) return more.status();
      if (!*more) return CheckNames(value.members_);
      auto& member = value.members_.emplace_back();
      member.first = name.Decoded();
      if (absl::Status s = ParseValue(member.second); !s.ok()) return s;
    }
  }

  absl::Status ParseArray(JsonValue& value) {
    if (absl::Status s = reader_.EnterArray(); !s.ok()) return s;
    while (true) {
      const absl::StatusOr<bool> more = reader_.NextElement();
      if (!more.ok()) return more.status();
      if (!*more) return absl::OkStatus();
      if (absl::Status s = ParseValue(value.elements_.emplace_back());
          !s.ok()) {
        return s;
      }
    }
  }

  JsonReader reader_;
  std::size_t values_left_;
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
                  absl::StrCat("JSON of ", text.size(), " bytes, the limit is ",
                               limits.max_bytes));
  }
  return JsonParser(text, limits).Parse();
}

}  // namespace anchorage::verify
