#include "anchors/proto_json.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/der.h"

namespace anchorage::anchors {
namespace {

using verify::JsonValue;
using verify::Reason;

// A 0 stands for any digit.
constexpr std::string_view kTimeForm = "0000-00-00T00:00:00Z";

void AppendQuoted(std::string_view text, std::string& out) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace

bool IsWritable(absl::Time time) {
  static constexpr std::int64_t kFirst = -62135596800;
  static constexpr std::int64_t kLast = 253402300799;
  const std::int64_t seconds = absl::ToUnixSeconds(time);
  return time == absl::FromUnixSeconds(seconds) && seconds >= kFirst &&
         seconds <= kLast;
}

bool IsWritable(const std::optional<absl::Time>& time) {
  return !time || IsWritable(*time);
}

bool IsPrintableAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c <= 0x7e; });
}

JsonFields::JsonFields(const JsonValue& value, std::string path,
                       absl::Status* status)
    : value_(value), path_(std::move(path)), status_(*status) {
  if (value.kind() != JsonValue::Kind::kObject) {
    Fail(Reason::kFieldInvalid, "", "is not an object");
  }
}

void JsonFields::Fail(Reason reason, std::string_view name,
                      std::string_view what) {
  if (!status_.ok()) return;
  status_ = verify::Reject(reason, absl::StrCat(path_, ".", std::string(name),
                                                " ", std::string(what)));
}

const JsonValue* JsonFields::Required(std::string_view name) {
  const JsonValue* member = value_.Find(name);
  if (member == nullptr) Fail(Reason::kFieldMissing, name, "is missing");
  return member;
}

std::string JsonFields::StringOf(const JsonValue& member,
                                 std::string_view name) {
  const auto text = member.AsString();
  if (!text) Fail(Reason::kFieldInvalid, name, "is not a string");
  return std::string(text.value_or(""));
}

std::string JsonFields::OptionalString(std::string_view name) {
  const JsonValue* member = value_.Find(name);
  return member == nullptr ? "" : StringOf(*member, name);
}

std::string JsonFields::RequiredString(std::string_view name) {
  const JsonValue* member = Required(name);
  return member == nullptr ? "" : StringOf(*member, name);
}

bool JsonFields::OptionalBool(std::string_view name) {
  const JsonValue* member = value_.Find(name);
  if (member == nullptr) return false;
  const auto value = member->AsBool();
  if (!value) Fail(Reason::kFieldInvalid, name, "is not true or false");
  return value.value_or(false);
}

std::string JsonFields::RequiredBytes(std::string_view name) {
  const std::string text = RequiredString(name);
  if (!status_.ok()) return "";
  auto bytes = verify::DecodeBase64(text);
  // The decoder ignores white space, as the metadata service needs it.
  if (!bytes.ok() || absl::Base64Escape(*bytes) != text) {
    Fail(Reason::kEncodingMalformed, name, "is not base64");
    return "";
  }
  return *std::move(bytes);
}

std::uint64_t JsonFields::RequiredUint64(std::string_view name) {
  const std::string text = RequiredString(name);
  std::uint64_t value = 0;
  // Written back, so that no sign, zero or blank in front gets through.
  if (!absl::SimpleAtoi(text, &value) || absl::StrCat(value) != text) {
    Fail(Reason::kFieldInvalid, name, "is not an unsigned integer");
  }
  return value;
}

absl::Time JsonFields::RequiredTime(std::string_view name) {
  const std::string text = RequiredString(name);
  std::string digits;
  bool separated = text.size() == kTimeForm.size();
  for (std::size_t i = 0; separated && i < kTimeForm.size(); ++i) {
    separated = kTimeForm[i] == '0' || kTimeForm[i] == text[i];
    if (kTimeForm[i] == '0') digits.push_back(text[i]);
  }
  const auto time =
      separated ? verify::ParseGeneralizedTime(digits + "Z") : std::nullopt;
  if (!time) Fail(Reason::kFieldInvalid, name, "is not a time in seconds");
  return time.value_or(absl::UnixEpoch());
}

std::optional<absl::Time> JsonFields::OptionalTime(std::string_view name) {
  if (value_.Find(name) == nullptr) return std::nullopt;
  return RequiredTime(name);
}

absl::Duration JsonFields::OptionalSeconds(std::string_view name) {
  const std::string text = OptionalString(name);
  if (text.empty()) return absl::ZeroDuration();
  std::uint32_t seconds = 0;
  if (!absl::SimpleAtoi(text.substr(0, text.size() - 1), &seconds) ||
      absl::StrCat(seconds, "s") != text) {
    Fail(Reason::kFieldInvalid, name, "is not a number of seconds");
  }
  return absl::Seconds(seconds);
}

std::vector<std::string> JsonFields::OptionalStrings(std::string_view name,
                                                     std::size_t limit) {
  std::vector<std::string> texts;
  for (const JsonValue& element : Elements(name, limit)) {
    texts.push_back(StringOf(element, name));
  }
  return texts;
}

JsonFields JsonFields::RequiredObject(std::string_view name) {
  static const JsonValue* const kNone = new JsonValue();
  const JsonValue* member = Required(name);
  return JsonFields(member == nullptr ? *kNone : *member,
                    absl::StrCat(path_, ".", std::string(name)), &status_);
}

const std::vector<JsonValue>& JsonFields::Elements(std::string_view name,
                                                   std::size_t limit) {
  static const auto* const kNone = new std::vector<JsonValue>();
  const JsonValue* member = value_.Find(name);
  if (member == nullptr) return *kNone;
  if (member->kind() != JsonValue::Kind::kArray) {
    Fail(Reason::kFieldInvalid, name, "is not an array");
  }
  CheckCount(name, member->elements().size(), limit);
  return member->elements();
}

const std::vector<JsonValue::Member>& JsonFields::Members(std::string_view name,
                                                          std::size_t limit) {
  static const auto* const kNone = new std::vector<JsonValue::Member>();
  const JsonValue* member = value_.Find(name);
  if (member == nullptr) return *kNone;
  if (member->kind() != JsonValue::Kind::kObject) {
    Fail(Reason::kFieldInvalid, name, "is not an object");
  }
  CheckCount(name, member->members().size(), limit);
  return member->members();
}

void JsonFields::CheckCount(std::string_view name, std::size_t count,
                            std::size_t limit) {
  if (count <= limit) return;
  Fail(Reason::kInputTooLarge, name,
       absl::StrCat("has more than ", limit, " elements"));
}

void JsonObject::Key(std::string_view name) {
  if (!first_) out_.push_back(',');
  first_ = false;
  absl::StrAppend(&out_, "\"", std::string(name), "\":");
}

void JsonObject::String(std::string_view name, std::string_view text) {
  if (text.empty()) return;
  Key(name);
  AppendQuoted(text, out_);
}

void JsonObject::Bytes(std::string_view name, std::string_view bytes) {
  String(name,
         absl::Base64Escape(absl::string_view(bytes.data(), bytes.size())));
}

void JsonObject::Time(std::string_view name,
                      const std::optional<absl::Time>& time) {
  if (!time) return;
  String(name,
         absl::FormatTime("%E4Y-%m-%dT%H:%M:%SZ", *time, absl::UTCTimeZone()));
}

void JsonObject::Strings(std::string_view name,
                         const std::vector<std::string>& texts) {
  Array(name, texts,
        [this](const std::string& text) { AppendQuoted(text, out_); });
}

}  // namespace anchorage::anchors
