#include "anchors/base/yaml_to_proto.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "verify/encoding/json.h"
#include "verify/encoding/utf8.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

using verify::Reason;
using verify::Reject;

// The longest Duration that protobuf allows: 10,000 years.
constexpr std::int64_t kMaxDurationSeconds = 315'576'000'000;

// Notices an alias (`*name`) before the library follows it.
class AliasFinder final : public YAML::EventHandler {
 public:
  std::optional<int> line() const { return line_; }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    if (!line_.has_value()) line_ = mark.line + 1;
  }
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  std::optional<int> line_;
};

std::optional<int> FindAlias(std::string_view yaml) {
  std::istringstream stream{std::string(yaml)};
  YAML::Parser parser(stream);
  AliasFinder finder;
  while (parser.HandleNextDocument(finder)) {
  }
  return finder.line();
}

class YamlReader {
 public:
  explicit YamlReader(const std::string& name) : name_(name) {}

  absl::Status Read(const YAML::Node& node, Message& message, int depth) {
    if (depth > kMaxYamlDepth) {
      return Error(Reason::kInputTooLarge, node, "nested too deep");
    }
    if (!node.IsMap()) {
      return Error(Reason::kDocumentMalformed, node,
                   "expected keys of " + message.GetTypeName());
    }
    std::set<std::string> seen;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) {
        return Error(Reason::kDocumentMalformed, entry.first,
                     "a key must be a word");
      }
      const std::string& key = entry.first.Scalar();
      if (!seen.insert(key).second) {
        return Error(Reason::kDuplicateKey, entry.first,
                     "'" + key + "' stands twice");
      }
      const FieldDescriptor* field =
          message.GetDescriptor()->FindFieldByName(key);
      if (field == nullptr) {
        return Error(Reason::kFieldUnknown, entry.first,
                     "unknown field '" + key + "'" + Nearest(message, key));
      }
      // A missing value has the position where the parser missed it, lines
      // further down.
      if (entry.second.IsNull()) {
        return Invalid(entry.first, *field, "has no value");
      }
      absl::Status s = CheckAlone(entry.first, *field, message);
      if (s.ok()) s = ReadField(entry.second, *field, message, depth);
      if (!s.ok()) return s;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Error(Reason reason, const YAML::Node& node,
                     const std::string& what) const {
    return Reject(reason,
                  absl::StrCat(name_, ":", node.Mark().line + 1, ": ", what));
  }

  absl::Status Invalid(const YAML::Node& node, const FieldDescriptor& field,
                       const std::string& what) const {
    return Error(Reason::kFieldInvalid, node, "'" + field.name() + "' " + what);
  }

  // Refuses a second field of a oneof, which would silently unset the first.
  absl::Status CheckAlone(const YAML::Node& node, const FieldDescriptor& field,
                          const Message& message) const {
    const auto* oneof = field.real_containing_oneof();
    if (oneof == nullptr) return absl::OkStatus();
    const FieldDescriptor* other =
        message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
    if (other == nullptr) return absl::OkStatus();
    return Error(Reason::kDuplicateKey, node,
                 "'" + field.name() + "' contradicts '" + other->name() + "'");
  }

  // "(did you mean ...?)" for a key that begins like a field's name.
  static std::string Nearest(const Message& message, const std::string& key) {
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
      const std::string& name = message.GetDescriptor()->field(i)->name();
      if (absl::StartsWith(name, key.substr(0, 4))) {
        return " (did you mean '" + name + "'?)";
      }
    }
    return "";
  }

  absl::Status ReadField(const YAML::Node& node, const FieldDescriptor& field,
                         Message& message, int depth) {
    if (!field.is_repeated()) return ReadValue(node, field, message, depth);
    if (!node.IsSequence()) return Invalid(node, field, "is a list");
    if (node.size() == 0) {
      return Invalid(node, field, "is an empty list: leave it out");
    }
    for (const auto& element : node) {
      if (absl::Status s = ReadValue(element, field, message, depth); !s.ok()) {
        return s;
      }
    }
    return absl::OkStatus();
  }

  // Reads one value, and sets `field` to it or adds it.
  absl::Status ReadValue(const YAML::Node& node, const FieldDescriptor& field,
                         Message& message, int depth) {
    // "?" is a plain value and "!" a quoted one.
    if (node.Tag() != "?" && node.Tag() != "!" && !node.Tag().empty()) {
      return Error(Reason::kDocumentMalformed, node, "tags are not allowed");
    }
    const auto* reflection = message.GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Message* below = field.is_repeated()
                           ? reflection->AddMessage(&message, &field)
                           : reflection->MutableMessage(&message, &field);
      if (auto* duration = dynamic_cast<google::protobuf::Duration*>(below)) {
        return ReadDuration(node, field, *duration);
      }
      return Read(node, *below, depth + 1);
    }
    if (!node.IsScalar()) return Invalid(node, field, "is a single value");
    return ReadScalar(node, field, message);
  }

  absl::Status ReadScalar(const YAML::Node& node, const FieldDescriptor& field,
                          Message& message) {
    const auto* reflection = message.GetReflection();
    const std::string& text = node.Scalar();
    const bool add = field.is_repeated();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        add ? reflection->AddString(&message, &field, text)
            : reflection->SetString(&message, &field, text);
        return absl::OkStatus();
      case FieldDescriptor::CPPTYPE_BOOL:
        if (text != "true" && text != "false") {
          return Invalid(node, field, "is true or false");
        }
        add ? reflection->AddBool(&message, &field, text == "true")
            : reflection->SetBool(&message, &field, text == "true");
        return absl::OkStatus();
      case FieldDescriptor::CPPTYPE_INT32: {
        std::int32_t value = 0;
        if (!absl::SimpleAtoi(text, &value)) {
          return Invalid(node, field, "is a whole number");
        }
        add ? reflection->AddInt32(&message, &field, value)
            : reflection->SetInt32(&message, &field, value);
        return absl::OkStatus();
      }
      case FieldDescriptor::CPPTYPE_ENUM: {
        const auto* value = field.enum_type()->FindValueByName(text);
        if (value == nullptr || value->number() == 0) {
          return Invalid(node, field, "is one of " + Names(*field.enum_type()));
        }
        add ? reflection->AddEnum(&message, &field, value)
            : reflection->SetEnum(&message, &field, value);
        return absl::OkStatus();
      }
      default:
        return Invalid(node, field, "cannot be set in YAML");
    }
  }

  static std::string Names(const google::protobuf::EnumDescriptor& type) {
    std::string names;
    for (int i = 1; i < type.value_count(); ++i) {
      absl::StrAppend(&names, i > 1 ? ", " : "", type.value(i)->name());
    }
    return names;
  }

  absl::Status ReadDuration(const YAML::Node& node,
                            const FieldDescriptor& field,
                            google::protobuf::Duration& duration) {
    std::int64_t seconds = 0;
    absl::string_view text;
    if (node.IsScalar()) text = node.Scalar();
    if (!absl::ConsumeSuffix(&text, "s") || !absl::SimpleAtoi(text, &seconds) ||
        seconds < 0 || seconds > kMaxDurationSeconds) {
      return Invalid(node, field, "is a number of seconds, such as 600s");
    }
    duration.set_seconds(seconds);
    return absl::OkStatus();
  }

  const std::string& name_;
};

}  // namespace

absl::Status ReadYaml(std::string_view yaml, const std::string& name,
                      Message& message) {
  if (yaml.size() > kMaxYamlBytes) {
    return Reject(Reason::kInputTooLarge, name + ": larger than 256 KiB");
  }
  // The library would guess at other encodings.
  if (!verify::IsUtf8(yaml) || yaml.find('\0') != yaml.npos) {
    return Reject(Reason::kDocumentMalformed, name + ": not UTF-8 text");
  }
  // The library reports errors by exceptions; none may cross our interface.
  try {
    if (const auto line = FindAlias(yaml); line.has_value()) {
      return Reject(
          Reason::kDocumentMalformed,
          absl::StrCat(name, ":", *line, ": aliases are not allowed"));
    }
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(yaml));
    if (documents.size() != 1 || documents[0].IsNull()) {
      return Reject(Reason::kDocumentMalformed,
                    name + ": expected exactly one YAML document with keys");
    }
    return YamlReader(name).Read(documents[0], message, 0);
  } catch (const YAML::Exception& error) {
    return Reject(
        Reason::kDocumentMalformed,
        absl::StrCat(name, ":", error.mark.line + 1, ": ", error.msg));
  }
}

}  // namespace anchorage::anchors
