#include "anchors/base/proto_to_yaml.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <yaml-cpp/yaml.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace anchorage::anchors {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Whether no reader of YAML takes `text` for anything but itself.
bool IsPlain(const std::string& text) {
  if (text.empty() || text.ends_with(':') || text == "null" || text == "Null" ||
      text == "NULL") {
    return false;
  }
  if (!absl::ascii_isalpha(text[0]) && text[0] != '/') {
    return absl::ascii_isdigit(text[0]) && text.find('.') != text.npos &&
           text.find_first_not_of("0123456789.:/") == text.npos;
  }
  for (const char c : text) {
    if (!absl::ascii_isalnum(c) && c != '/' && c != '.' && c != ':' &&
        c != '-' && c != '_') {
      return false;
    }
  }
  return text != "true" && text != "false";
}

class YamlWriter {
 public:
  YamlWriter() { out_.SetOutputCharset(YAML::EscapeNonAscii); }

  void Write(const Message& message) {
    out_ << YAML::BeginMap;
    const auto& type = *message.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (!IsWritten(message, field)) continue;
      out_ << YAML::Key << field.name() << YAML::Value;
      if (field.is_repeated()) {
        WriteList(message, field);
      } else {
        WriteValue(message, field, -1);
      }
    }
    out_ << YAML::EndMap;
  }

  std::string text() const { return absl::StrCat(out_.c_str(), "\n"); }

 private:
  static bool IsWritten(const Message& message, const FieldDescriptor& field) {
    const auto* reflection = message.GetReflection();
    if (field.is_repeated()) return reflection->FieldSize(message, &field) > 0;
    return reflection->HasField(message, &field) ||
           (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL &&
            !field.has_presence());
  }

  void WriteList(const Message& message, const FieldDescriptor& field) {
    const bool is_short = field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE;
    if (is_short) out_ << YAML::Flow;
    out_ << YAML::BeginSeq;
    const int size = message.GetReflection()->FieldSize(message, &field);
    for (int i = 0; i < size; ++i) WriteValue(message, field, i);
    out_ << YAML::EndSeq;
  }

  // Writes the field's element `index`; -1 for a field that is no list.
  void WriteValue(const Message& message, const FieldDescriptor& field,
                  int index) {
    const auto* reflection = message.GetReflection();
    const bool in_list = index >= 0;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        const Message& below =
            in_list ? reflection->GetRepeatedMessage(message, &field, index)
                    : reflection->GetMessage(message, &field);
        if (const auto* duration =
                dynamic_cast<const google::protobuf::Duration*>(&below)) {
          out_ << absl::StrCat(duration->seconds(), "s");
          return;
        }
        return Write(below);
      }
      case FieldDescriptor::CPPTYPE_STRING: {
        const std::string text =
            in_list ? reflection->GetRepeatedString(message, &field, index)
                    : reflection->GetString(message, &field);
        if (!IsPlain(text)) out_ << YAML::DoubleQuoted;
        out_ << text;
        return;
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        out_ << (in_list ? reflection->GetRepeatedBool(message, &field, index)
                         : reflection->GetBool(message, &field));
        return;
      case FieldDescriptor::CPPTYPE_INT32:
        out_ << (in_list ? reflection->GetRepeatedInt32(message, &field, index)
                         : reflection->GetInt32(message, &field));
        return;
      case FieldDescriptor::CPPTYPE_ENUM:
        out_ << (in_list ? reflection->GetRepeatedEnum(message, &field, index)
                         : reflection->GetEnum(message, &field))
                    ->name();
        return;
      // ReadYaml() knows no others.
      default:
        out_ << YAML::Null;
    }
  }

  YAML::Emitter out_;
};

}  // namespace

std::string WriteYaml(const Message& message) {
  YamlWriter writer;
  writer.Write(message);
  return writer.text();
}

}  // namespace anchorage::anchors
