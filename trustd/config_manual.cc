#include "trustd/config_manual.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/duration.pb.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "anchors/base/nearest.h"
#include "trustd/config.h"
#include "trustd/config_descriptor.h"

namespace anchorage::trustd {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::SourceLocation;
using nlohmann::ordered_json;

// Of a schema's `syntax`, above which the comment of the file stands.
constexpr int kSyntaxField = 12;
constexpr char kDurationName[] = "google.protobuf.Duration";
constexpr std::size_t kMostSuggestions = 4;
// Stands for what somebody sets.
constexpr char kDataDir[] = "DATA_DIR";

bool IsGroup(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->full_name() != kDurationName;
}

// A comment without the space that each of its lines begins with.
std::string Unmarked(const std::string& comment) {
  std::vector<std::string> lines;
  for (absl::string_view line : absl::StrSplit(comment, '\n')) {
    lines.emplace_back(absl::StripPrefix(line, " "));
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return absl::StrJoin(lines, "\n");
}

template <typename Element>
std::string CommentOf(const Element& element) {
  SourceLocation location;
  return element.GetSourceLocation(&location)
             ? Unmarked(location.leading_comments)
             : "";
}

// Sets every group of settings in `message`; lists get one element for each
// alternative.
void AddAllGroups(Message& message) {
  const auto* reflection = message.GetReflection();
  const auto& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (!IsGroup(field)) continue;
    if (!field.is_repeated()) {
      if (field.real_containing_oneof() == nullptr) {
        AddAllGroups(*reflection->MutableMessage(&message, &field));
      }
      continue;
    }
    const auto& element = *field.message_type();
    if (element.real_oneof_decl_count() == 0) {
      AddAllGroups(*reflection->AddMessage(&message, &field));
      continue;
    }
    const auto& alternatives = *element.oneof_decl(0);
    for (int j = 0; j < alternatives.field_count(); ++j) {
      Message& added = *reflection->AddMessage(&message, &field);
      AddAllGroups(*added.GetReflection()->MutableMessage(
          &added, alternatives.field(j)));
      AddAllGroups(added);
    }
  }
}

// The value of a field that is no group and no list, or of its element.
ordered_json ValueOf(const Message& message, const FieldDescriptor& field,
                     int index) {
  const auto* reflection = message.GetReflection();
  const bool in_list = index >= 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(message, &field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection->GetEnum(message, &field)->name();
    case FieldDescriptor::CPPTYPE_STRING:
      return in_list ? reflection->GetRepeatedString(message, &field, index)
                     : reflection->GetString(message, &field);
    default:
      return absl::StrCat(dynamic_cast<const google::protobuf::Duration&>(
                              reflection->GetMessage(message, &field))
                              .seconds(),
                          "s");
  }
}

bool IsSet(const Message& message, const FieldDescriptor& field) {
  const auto* reflection = message.GetReflection();
  return field.is_repeated() ? reflection->FieldSize(message, &field) > 0
                             : reflection->HasField(message, &field);
}

// A message before and after its defaults were filled in.
struct Sample {
  const Message* given;
  const Message* completed;
};

// Reads the tree of settings.
class SettingReader {
 public:
  explicit SettingReader(const std::map<std::string, SettingLimits>& limits)
      : limits_(limits) {}

  // `type` has comments, the messages of `samples` have values.
  std::vector<Setting> Read(const google::protobuf::Descriptor& type,
                            const std::vector<Sample>& samples,
                            const std::string& prefix) {
    std::vector<Setting> settings;
    for (int i = 0; i < type.field_count(); ++i) {
      settings.push_back(ReadOne(*type.field(i), samples, prefix));
    }
    return settings;
  }

 private:
  Setting ReadOne(const FieldDescriptor& field,
                  const std::vector<Sample>& samples,
                  const std::string& prefix) {
    Setting setting;
    setting.name = field.name();
    setting.is_list = field.is_repeated();
    setting.path =
        absl::StrCat(prefix, field.name(), setting.is_list ? "[]" : "");
    setting.comment = CommentOf(field);
    setting.is_required = absl::StrContains(setting.comment, "Required.") ||
                          absl::StrContains(setting.comment, "Required, ");
    setting.is_alternative = field.real_containing_oneof() != nullptr;
    setting.type = TypeOf(field);
    if (const auto found = limits_.find(field.full_name());
        found != limits_.end()) {
      setting.limits = found->second;
    }
    if (setting.type == Setting::Type::kEnum) {
      for (int i = 1; i < field.enum_type()->value_count(); ++i) {
        const auto& value = *field.enum_type()->value(i);
        setting.values.emplace_back(value.name(), CommentOf(value));
      }
    }
    if (setting.type == Setting::Type::kSettings) {
      const std::string about = CommentOf(*field.message_type());
      if (!about.empty()) absl::StrAppend(&setting.comment, "\n\n", about);
      setting.below = Read(*field.message_type(), Below(field, samples),
                           setting.path + ".");
    } else {
      setting.defaults = DefaultsOf(field, samples);
    }
    return setting;
  }

  static Setting::Type TypeOf(const FieldDescriptor& field) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return Setting::Type::kNumber;
      case FieldDescriptor::CPPTYPE_BOOL:
        return Setting::Type::kBool;
      case FieldDescriptor::CPPTYPE_ENUM:
        return Setting::Type::kEnum;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return IsGroup(field) ? Setting::Type::kSettings
                              : Setting::Type::kDuration;
      default:
        return Setting::Type::kText;
    }
  }

  static const FieldDescriptor& InSample(const FieldDescriptor& field,
                                         const Sample& sample) {
    return *sample.given->GetDescriptor()->FindFieldByName(field.name());
  }

  static std::vector<Sample> Below(const FieldDescriptor& field,
                                   const std::vector<Sample>& samples) {
    std::vector<Sample> below;
    for (const Sample& sample : samples) {
      const FieldDescriptor& own = InSample(field, sample);
      const auto& given = *sample.given;
      const auto& completed = *sample.completed;
      const auto* reflection = given.GetReflection();
      if (!IsSet(given, own)) continue;
      if (!own.is_repeated()) {
        below.push_back({&reflection->GetMessage(given, &own),
                         &reflection->GetMessage(completed, &own)});
        continue;
      }
      for (int i = 0; i < reflection->FieldSize(given, &own); ++i) {
        below.push_back({&reflection->GetRepeatedMessage(given, &own, i),
                         &reflection->GetRepeatedMessage(completed, &own, i)});
      }
    }
    return below;
  }

  static std::vector<ordered_json> DefaultsOf(
      const FieldDescriptor& field, const std::vector<Sample>& samples) {
    std::vector<ordered_json> defaults;
    for (const Sample& sample : samples) {
      const FieldDescriptor& own = InSample(field, sample);
      const auto& completed = *sample.completed;
      const bool is_false = own.cpp_type() == FieldDescriptor::CPPTYPE_BOOL;
      if (IsSet(*sample.given, own) || !(IsSet(completed, own) || is_false)) {
        continue;
      }
      ordered_json value;
      if (own.is_repeated()) {
        const int size = completed.GetReflection()->FieldSize(completed, &own);
        for (int i = 0; i < size; ++i) {
          value.push_back(ValueOf(completed, own, i));
        }
      } else {
        value = ValueOf(completed, own, -1);
      }
      if (std::find(defaults.begin(), defaults.end(), value) ==
          defaults.end()) {
        defaults.push_back(std::move(value));
      }
    }
    return defaults;
  }

  const std::map<std::string, SettingLimits>& limits_;
};

std::string TextOf(const ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return value.dump();
  std::vector<std::string> parts;
  for (const auto& part : value) parts.push_back(part.get<std::string>());
  return absl::StrCat("[", absl::StrJoin(parts, ", "), "]");
}

std::string TypeText(const Setting& setting) {
  switch (setting.type) {
    case Setting::Type::kText:
      return setting.is_list ? "list of texts" : "text";
    case Setting::Type::kNumber:
      return "number";
    case Setting::Type::kBool:
      return "true or false";
    case Setting::Type::kDuration:
      return "seconds";
    case Setting::Type::kEnum:
      return "a name";
    case Setting::Type::kSettings:
      return setting.is_list ? "list of settings" : "settings";
  }
  return "";
}

// What holds for the values, in words; empty if nothing does.
std::string LimitsText(const Setting& setting) {
  if (!setting.limits.has_value()) return "";
  const char* unit = setting.type == Setting::Type::kDuration ? "s" : "";
  return absl::StrCat("from ", setting.limits->least, unit, " to ",
                      setting.limits->most, unit);
}

std::string DefaultText(const Setting& setting, const std::string& quote) {
  std::vector<std::string> texts;
  for (const auto& value : setting.defaults) {
    texts.push_back(absl::StrCat(quote, TextOf(value), quote));
  }
  return absl::StrJoin(texts, " or ");
}

// "seconds, from 10s to 604800s, default 3600s".
std::string Summary(const Setting& setting, const std::string& quote) {
  std::string text = TypeText(setting);
  if (const std::string limits = LimitsText(setting); !limits.empty()) {
    absl::StrAppend(&text, ", ", limits);
  }
  if (!setting.defaults.empty()) {
    absl::StrAppend(&text, ", default ", DefaultText(setting, quote));
  }
  if (setting.is_required) absl::StrAppend(&text, ", required");
  return text;
}

void Visit(const std::vector<Setting>& settings,
           const std::function<void(const Setting&)>& visit) {
  for (const Setting& setting : settings) {
    visit(setting);
    Visit(setting.below, visit);
  }
}

std::string Indented(const std::string& text, const std::string& by) {
  std::string out;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    absl::StrAppend(&out, line.empty() ? "" : by, line, "\n");
  }
  return out;
}

// The path without brackets and what is in them.
std::string WithoutBrackets(std::string_view path) {
  std::string out;
  bool inside = false;
  for (const char c : path) {
    if (c == '[') inside = true;
    if (!inside) out.push_back(c);
    if (c == ']') inside = false;
  }
  return out;
}

std::string Explained(const Setting& setting) {
  std::string text = absl::StrCat(setting.path, ": ", Summary(setting, ""),
                                  "\n\n", Indented(setting.comment, "  "));
  for (const auto& [name, comment] : setting.values) {
    absl::StrAppend(&text, "\n  ", name, "\n", Indented(comment, "      "));
  }
  if (setting.below.empty()) return text;
  absl::StrAppend(&text, "\n");
  for (const Setting& one : setting.below) {
    absl::StrAppend(&text, "  ", one.path, ": ", Summary(one, ""), "\n");
  }
  return text;
}

std::string SectionOf(const Setting& setting) {
  // The deepest heading that Markdown has is the sixth.
  const auto depth = static_cast<std::size_t>(
      2 + std::count(setting.path.begin(), setting.path.end(), '.'));
  std::string text =
      absl::StrCat("\n", std::string(std::min<std::size_t>(depth, 6), '#'),
                   " `", setting.path, "`\n\n", Summary(setting, "`"), "\n\n",
                   setting.comment, "\n");
  if (setting.values.empty()) return text;
  absl::StrAppend(&text, "\n| value | what |\n| --- | --- |\n");
  for (const auto& [name, comment] : setting.values) {
    absl::StrAppend(&text, "| `", name, "` | ",
                    absl::StrJoin(absl::StrSplit(comment, '\n'), " "), " |\n");
  }
  return text;
}

ordered_json SchemaOf(const Setting& setting);

ordered_json SchemaOfGroup(const std::vector<Setting>& settings) {
  ordered_json schema = {{"type", "object"}, {"additionalProperties", false}};
  ordered_json required = ordered_json::array();
  ordered_json alternatives = ordered_json::array();
  ordered_json properties = ordered_json::object();
  for (const Setting& setting : settings) {
    properties[setting.name] = SchemaOf(setting);
    if (setting.is_required) required.push_back(setting.name);
    if (setting.is_alternative) {
      alternatives.push_back({{"required", {setting.name}}});
    }
  }
  if (!required.empty()) schema["required"] = std::move(required);
  if (!alternatives.empty()) schema["oneOf"] = std::move(alternatives);
  schema["properties"] = std::move(properties);
  return schema;
}

ordered_json SchemaOfValue(const Setting& setting) {
  switch (setting.type) {
    case Setting::Type::kText:
      return {{"type", "string"}};
    case Setting::Type::kBool:
      return {{"type", "boolean"}};
    case Setting::Type::kDuration:
      return {{"type", "string"}, {"pattern", "^[0-9]+s$"}};
    case Setting::Type::kNumber: {
      ordered_json schema = {{"type", "integer"}};
      if (setting.limits.has_value()) {
        schema["minimum"] = setting.limits->least;
        schema["maximum"] = setting.limits->most;
      }
      return schema;
    }
    case Setting::Type::kEnum: {
      ordered_json names;
      for (const auto& [name, comment] : setting.values) names.push_back(name);
      return {{"enum", std::move(names)}};
    }
    case Setting::Type::kSettings:
      return SchemaOfGroup(setting.below);
  }
  return {};
}

ordered_json SchemaOf(const Setting& setting) {
  ordered_json schema = {{"description", setting.comment}};
  if (setting.defaults.size() == 1 &&
      !absl::StartsWith(TextOf(setting.defaults[0]), kDataDir)) {
    schema["default"] = setting.defaults[0];
  }
  ordered_json value = SchemaOfValue(setting);
  if (setting.is_list) {
    value = {{"type", "array"}, {"minItems", 1}, {"items", std::move(value)}};
  }
  schema.update(value);
  return schema;
}

}  // namespace

ConfigManual::ConfigManual() {
  google::protobuf::FileDescriptorSet set;
  const std::string_view bytes = ConfigDescriptor();
  DescriptorPool pool;
  const google::protobuf::FileDescriptor* file = nullptr;
  if (set.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    // What a file imports stands before it.
    for (const auto& one : set.file()) file = pool.BuildFile(one);
  }
  // The build made these bytes of the file that the program was built of.
  const auto* type = file->FindMessageTypeByName("TrustdConfig");
  SourceLocation location;
  if (file->GetSourceLocation({kSyntaxField}, &location)) {
    introduction_ = Unmarked(location.leading_comments);
  }
  v1::TrustdConfig given;
  given.set_data_dir(kDataDir);
  given.set_mode(v1::TrustdConfig::MODE_ONLINE);
  AddAllGroups(given);
  v1::TrustdConfig completed = given;
  Config config;
  const LimitNotes notes;
  // Groups without what they require are refused, and completed all the same.
  (void)ReadConfig("trustd.yaml", completed, config);
  settings_ =
      SettingReader(notes.by_field()).Read(*type, {{&given, &completed}}, "");
}

absl::StatusOr<std::string> ConfigManual::Explain(
    const std::string& path) const {
  const std::string wanted = WithoutBrackets(path);
  const Setting* found = nullptr;
  std::vector<std::string> paths;
  std::vector<std::string> same_name;
  Visit(settings_, [&](const Setting& setting) {
    const std::string own = WithoutBrackets(setting.path);
    if (own == wanted) found = &setting;
    if (setting.name == wanted) same_name.push_back(own);
    paths.push_back(own);
  });
  if (found != nullptr) return Explained(*found);
  if (same_name.size() > kMostSuggestions) same_name.resize(kMostSuggestions);
  if (same_name.empty()) {
    const std::string near = anchors::Nearest(wanted, paths);
    if (!near.empty()) same_name.push_back(near);
  }
  return absl::NotFoundError(absl::StrCat(
      "there is no setting '", path, "'",
      same_name.empty()
          ? ""
          : absl::StrCat(" (did you mean '", absl::StrJoin(same_name, "' or '"),
                         "'?)")));
}

std::string ConfigManual::List() const {
  std::string text;
  Visit(settings_, [&](const Setting& setting) {
    absl::StrAppend(&text, setting.path, ": ", Summary(setting, ""), "\n");
  });
  return text;
}

std::string ConfigManual::Page() const {
  std::string text = absl::StrCat(
      "# trustd.yaml\n\n<!-- Generated from config.proto: bazel run "
      "//trustd:config_page_test -- --update -->\n\n",
      introduction_,
      "\n\n`trustd explain NAME` prints what stands here of one setting, "
      "`trustd --config FILE --print-config` all that a\nfile sets, with every "
      "default. Editors complete and check the file by "
      "[trustd.schema.json](trustd.schema.json).\n");
  Visit(settings_, [&](const Setting& setting) {
    absl::StrAppend(&text, SectionOf(setting));
  });
  return text;
}

std::string ConfigManual::JsonSchema() const {
  ordered_json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                         {"title", "trustd.yaml"}};
  schema.update(SchemaOfGroup(settings_));
  return schema.dump(1) + "\n";
}

}  // namespace anchorage::trustd
