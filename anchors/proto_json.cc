#include "anchors/proto_json.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/types/span.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/der.h"

namespace anchorage::anchors {
namespace {

using verify::JsonKind;
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

absl::StatusOr<FlatJson> FlatJson::Read(std::string_view text,
                                        const verify::JsonLimits& limits,
                                        const List& list) {
  if (text.size() > limits.max_bytes) {
    return verify::Reject(
        Reason::kInputTooLarge,
        absl::StrCat("JSON of ", text.size(), " bytes, the limit is ",
                     limits.max_bytes));
  }
  verify::JsonReader json(
      text, {.max_depth = limits.max_depth, .max_values = limits.max_values});
  FlatJson flat;
  absl::Status status;
  if (json.NextKind() == JsonKind::kObject) {
    flat.values_.emplace_back().kind = JsonKind::kObject;
    status = flat.ReadMembers(json, 0, &list);
  } else {
    status = flat.ReadValue(json, "", nullptr);
  }
  if (status.ok()) status = json.Finish();
  if (!status.ok()) return status;
  return flat;
}

absl::Status FlatJson::ReadValue(verify::JsonReader& json,
                                 std::string_view name, const List* list) {
  const std::size_t at = values_.size();
  FlatValue& value = values_.emplace_back();
  value.name = name;
  value.kind = json.NextKind();
  if (value.kind == JsonKind::kObject) return ReadMembers(json, at, nullptr);
  if (value.kind == JsonKind::kArray) return ReadElements(json, at, list);
  verify::JsonToken token;
  if (absl::Status s = json.ReadValue(token); !s.ok()) return s;
  value.text = Decoded(token);
  return absl::OkStatus();
}

absl::Status FlatJson::ReadMembers(verify::JsonReader& json, std::size_t object,
                                   const List* list) {
  if (absl::Status s = json.EnterObject(); !s.ok()) return s;
  const std::size_t first = names_.size();
  while (true) {
    verify::JsonToken token;
    const absl::StatusOr<bool> more = json.NextMember(token);
    if (!more.ok()) return more.status();
    if (!*more) break;
    const std::string_view name = names_.emplace_back(Decoded(token));
    const bool is_list = list != nullptr && name == list->name;
    if (absl::Status s = ReadValue(json, name, is_list ? list : nullptr);
        !s.ok()) {
      return s;
    }
  }
  const auto names = absl::MakeSpan(names_).subspan(first);
  Close(object, names.size());
  if (absl::Status s = verify::CheckDistinct(names); !s.ok()) return s;
  names_.resize(first);
  return absl::OkStatus();
}

absl::Status FlatJson::ReadElements(verify::JsonReader& json, std::size_t array,
                                    const List* list) {
  if (absl::Status s = json.EnterArray(); !s.ok()) return s;
  std::size_t elements = 0;
  while (true) {
    const absl::StatusOr<bool> more = json.NextElement();
    if (!more.ok()) return more.status();
    if (!*more) break;
    const std::size_t at = values_.size();
    if (absl::Status s = ReadValue(json, "", nullptr); !s.ok()) return s;
    if (list != nullptr) {
      if (elements < list->limit) list->read(values_[at], elements);
      values_.resize(at);
    }
    ++elements;
  }
  Close(array, elements);
  return absl::OkStatus();
}

std::string_view FlatJson::Decoded(const verify::JsonToken& token) {
  return token.escaped ? decoded_.emplace_back(token.Decoded()) : token.text;
}

void FlatJson::Close(std::size_t at, std::size_t children) {
  values_[at].size = static_cast<std::uint32_t>(values_.size() - at);
  values_[at].children = static_cast<std::uint32_t>(children);
}

JsonFields::JsonFields(const FlatValue& value, const JsonFields* parent,
                       std::string_view name, std::size_t index,
                       absl::Status& status)
    : value_(value),
      parent_(parent),
      name_(name),
      index_(index),
      status_(status) {
  if (value.kind != JsonKind::kObject) {
    Fail(Reason::kFieldInvalid, "", "is not an object");
  }
}

std::string JsonFields::Path() const {
  std::string path(name_);
  if (parent_ != nullptr) path = absl::StrCat(parent_->Path(), ".", path);
  if (index_ != kNoIndex) absl::StrAppend(&path, "[", index_, "]");
  return path;
}

void JsonFields::Fail(Reason reason, std::string_view name,
                      std::string_view what) {
  if (!status_.ok()) return;
  status_ = verify::Reject(reason, absl::StrCat(Path(), ".", std::string(name),
                                                " ", std::string(what)));
}

const FlatValue* JsonFields::Find(std::string_view name) const {
  if (value_.kind != JsonKind::kObject) return nullptr;
  for (const FlatValue* at = value_.begin(); at != value_.end();
       at += at->size) {
    if (at->name == name) return at;
  }
  return nullptr;
}

const FlatValue* JsonFields::Required(std::string_view name) {
  const FlatValue* member = Find(name);
  if (member == nullptr) Fail(Reason::kFieldMissing, name, "is missing");
  return member;
}

std::string_view JsonFields::TextOf(const FlatValue& member,
                                    std::string_view name) {
  if (member.kind == JsonKind::kString) return member.text;
  Fail(Reason::kFieldInvalid, name, "is not a string");
  return "";
}

std::string_view JsonFields::RequiredText(std::string_view name) {
  const FlatValue* member = Required(name);
  return member == nullptr ? "" : TextOf(*member, name);
}

std::string JsonFields::OptionalString(std::string_view name) {
  const FlatValue* member = Find(name);
  return std::string(member == nullptr ? "" : TextOf(*member, name));
}

std::string JsonFields::RequiredString(std::string_view name) {
  return std::string(RequiredText(name));
}

bool JsonFields::OptionalBool(std::string_view name) {
  const FlatValue* member = Find(name);
  if (member == nullptr) return false;
  if (member->kind != JsonKind::kBool) {
    Fail(Reason::kFieldInvalid, name, "is not true or false");
  }
  return member->text == "true";
}

std::string JsonFields::RequiredBytes(std::string_view name) {
  const std::string_view text = RequiredText(name);
  if (!status_.ok()) return "";
  auto bytes = verify::DecodeBase64(text);
  // The decoder ignores white space, as the metadata service needs it, and is
  // strict with all else: without any, there is one text for the bytes.
  if (!bytes.ok() || text.size() != (bytes->size() + 2) / 3 * 4) {
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
  const std::string_view text = RequiredText(name);
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
  if (Find(name) == nullptr) return std::nullopt;
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
  ForEachIn(JsonKind::kArray, name, limit, [&](const FlatValue& element) {
    texts.emplace_back(TextOf(element, name));
  });
  return texts;
}

JsonFields JsonFields::RequiredObject(std::string_view name) {
  static const FlatValue kNone;
  const FlatValue* member = Required(name);
  return JsonFields(member == nullptr ? kNone : *member, this, name, kNoIndex,
                    status_);
}

void JsonFields::ForEachIn(JsonKind kind, std::string_view name,
                           std::size_t limit,
                           absl::FunctionRef<void(const FlatValue&)> read) {
  const FlatValue* member = Find(name);
  if (member == nullptr) return;
  if (member->kind != kind) {
    Fail(Reason::kFieldInvalid, name,
         kind == JsonKind::kArray ? "is not an array" : "is not an object");
    return;
  }
  if (member->children > limit) {
    Fail(Reason::kInputTooLarge, name,
         absl::StrCat("has more than ", limit, " elements"));
  }
  for (const FlatValue* at = member->begin(); at != member->end();
       at += at->size) {
    read(*at);
  }
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
