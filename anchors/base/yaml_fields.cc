#include "anchors/base/yaml_fields.h"

#include <algorithm>
#include <cstdint>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace anchorage::anchors {

using verify::Reason;
using Kind = YamlNode::Kind;

namespace {

// 10,000 years, as protobuf has it.
constexpr std::int64_t kMaxSeconds = 315'576'000'000;

// "(did you mean ...?)" for a key that begins like a field's name.
std::string Nearest(absl::Span<const std::string_view> known,
                    std::string_view key) {
  for (const std::string_view name : known) {
    if (name.starts_with(key.substr(0, 4))) {
      return absl::StrCat(" (did you mean '", std::string(name), "'?)");
    }
  }
  return "";
}

// What YAML has for yes and no, of either version; null has a kind of its own.
bool IsAnswer(std::string_view plain) {
  const std::string lower =
      absl::AsciiStrToLower(absl::string_view(plain.data(), plain.size()));
  for (const std::string_view answer :
       {"true", "false", "yes", "no", "on", "off", "y", "n"}) {
    if (lower == answer) return true;
  }
  return false;
}

}  // namespace

absl::Status YamlFields::Invalid(const YamlNode& node, std::string_view key,
                                 std::string_view what) const {
  return Error(Reason::kFieldInvalid, node,
               absl::StrCat("'", std::string(key), "' ", std::string(what)));
}

absl::Status YamlFields::Each(
    const YamlNode& map, absl::Span<const std::string_view> known,
    absl::FunctionRef<absl::Status(const std::string&, const YamlNode&)> read)
    const {
  if (map.kind != Kind::kMap) {
    return Error(Reason::kDocumentMalformed, map,
                 known.empty() ? "expected keys"
                               : absl::StrCat("expected keys, such as '",
                                              std::string(known.front()), "'"));
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i + 1 < map.children.size(); i += 2) {
    const YamlNode& key = map.children[i];
    const YamlNode& value = map.children[i + 1];
    if (key.kind != Kind::kScalar) {
      return Error(Reason::kDocumentMalformed, key, "a key must be a word");
    }
    if (!seen.insert(key.text).second) {
      return Error(Reason::kDuplicateKey, key,
                   absl::StrCat("'", key.text, "' stands twice"));
    }
    if (std::find(known.begin(), known.end(), key.text) == known.end()) {
      return Error(Reason::kFieldUnknown, key,
                   absl::StrCat("unknown field '", key.text, "'",
                                Nearest(known, key.text)));
    }
    // Such a value stands where the parser missed it, lines further down.
    if (value.kind == Kind::kNull)
      return Invalid(key, key.text, "has no value");
    if (absl::Status s = read(key.text, value); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status YamlFields::Text(const YamlNode& node, std::string_view key,
                              std::string& text) const {
  if (node.kind != Kind::kScalar)
    return Invalid(node, key, "is a single value");
  if (node.plain && (syntax_ == Syntax::kJson || IsAnswer(node.text))) {
    return Invalid(node, key, "is a text: write it in quotes");
  }
  text = node.text;
  return absl::OkStatus();
}

absl::Status YamlFields::Bool(const YamlNode& node, std::string_view key,
                              bool& value) const {
  value = node.plain && node.text == "true";
  if (value || (node.plain && node.text == "false")) {
    return absl::OkStatus();
  }
  return Invalid(node, key, "is true or false");
}

absl::Status YamlFields::Seconds(const YamlNode& node, std::string_view key,
                                 absl::Duration& duration) const {
  std::int64_t seconds = 0;
  absl::string_view text;
  if (node.kind == Kind::kScalar) text = node.text;
  if (!absl::ConsumeSuffix(&text, "s") || !absl::SimpleAtoi(text, &seconds) ||
      seconds < 0 || seconds > kMaxSeconds) {
    return Invalid(node, key, "is a number of seconds, such as 600s");
  }
  duration = absl::Seconds(seconds);
  return absl::OkStatus();
}

absl::Status YamlFields::List(
    const YamlNode& node, std::string_view key,
    absl::FunctionRef<absl::Status(const YamlNode&)> read) const {
  if (node.kind != Kind::kList) return Invalid(node, key, "is a list");
  if (node.children.empty()) {
    return Invalid(node, key, "is an empty list: leave it out");
  }
  for (const YamlNode& element : node.children) {
    if (absl::Status s = read(element); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status YamlFields::Texts(const YamlNode& node, std::string_view key,
                               std::vector<std::string>& texts) const {
  return List(node, key, [&](const YamlNode& element) {
    return Text(element, key, texts.emplace_back());
  });
}

}  // namespace anchorage::anchors
