#include "tools/trustctl/contexts.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/nearest.h"
#include "anchors/base/yaml_fields.h"
#include "anchors/base/yaml_tree.h"
#include "tools/trustctl/command.h"

namespace anchorage::trustctl {
namespace {

namespace fs = std::filesystem;
using anchors::YamlFields;
using anchors::YamlNode;

constexpr std::string_view kCurrent = "current-context";
constexpr std::string_view kContexts = "contexts";

std::vector<std::string_view> FieldNames() {
  std::vector<std::string_view> names;
  for (const ContextField& field : kContextFields) {
    names.emplace_back(field.name);
  }
  return names;
}

// nullopt where it is not set.
std::optional<std::string> Variable(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return value;
}

// The value of `--name VALUE` or `--name=VALUE`; a value never begins as a flag
// does (given_values.h).
std::optional<std::string> Given(std::span<const std::string> arguments,
                                 const std::string& name) {
  for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    if (arguments[i].starts_with(name + "=")) {
      return arguments[i].substr(name.size() + 1);
    }
    if (arguments[i] == name) {
      return i + 1 < arguments.size() ? arguments[i + 1] : "";
    }
  }
  return std::nullopt;
}

bool IsGiven(std::span<const std::string> arguments,
             const CLI::Option& option) {
  return Given(arguments, option.get_name()).has_value();
}

// The context that is chosen; empty for none.
Context Chosen(std::span<const std::string> arguments) {
  const auto fail = [](const absl::Status& why) {
    throw CLI::ValidationError("--context", TextOf(why));
  };
  std::optional<std::string> name = Given(arguments, "--context");
  // No value, which is refused as of every flag.
  if (name.has_value() && (name->empty() || name->starts_with("--"))) return {};
  if (!name.has_value()) name = Variable(kContextVariable);
  const auto path = ContextsPath();
  if (!path.ok()) {
    if (name.has_value()) fail(path.status());
    return {};
  }
  const auto contexts = ReadContexts(*path);
  if (!contexts.ok()) fail(contexts.status());
  if (!name.has_value() && contexts->current.empty()) return {};
  const std::string wanted = name.value_or(contexts->current);
  const auto found = contexts->all.find(wanted);
  if (found == contexts->all.end()) {
    fail(absl::NotFoundError(
        absl::StrCat(*path, " has no context '", Printable(wanted), "'",
                     anchors::DidYouMean(wanted, contexts->names()))));
  }
  return found->second;
}

}  // namespace

std::vector<std::string> Contexts::names() const {
  std::vector<std::string> names;
  for (const auto& [name, context] : all) names.push_back(name);
  return names;
}

absl::StatusOr<std::string> ContextsPath() {
  const auto xdg = Variable("XDG_CONFIG_HOME");
  if (xdg.has_value() && xdg->starts_with("/")) {
    return *xdg + "/anchorage/config.yaml";
  }
  const auto home = Variable("HOME");
  if (home.has_value() && home->starts_with("/")) {
    return *home + "/.config/anchorage/config.yaml";
  }
  return absl::FailedPreconditionError(
      "neither HOME nor XDG_CONFIG_HOME says where contexts are");
}

bool IsContextName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxContextName && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
         });
}

absl::StatusOr<Contexts> ParseContexts(std::string_view yaml,
                                       const std::string& path) {
  const auto root = anchors::ParseYaml(yaml, path);
  if (!root.ok()) return root.status();
  const YamlFields fields(path, YamlFields::Syntax::kYaml);
  const auto known = FieldNames();
  Contexts contexts;

  const auto read_context = [&](const std::string& name,
                                const YamlNode& node) -> absl::Status {
    if (!IsContextName(name)) {
      return fields.Error(verify::Reason::kFieldInvalid, node,
                          absl::StrCat("'", name, "' cannot be a name"));
    }
    Context& context = contexts.all[name];
    return fields.Each(
        node, known, [&](const std::string& key, const YamlNode& value) {
          std::string& text = context[key];
          absl::Status s = fields.Text(value, key, text);
          if (s.ok() && text.empty()) {
            return fields.Invalid(value, key, "a value that is not empty");
          }
          return s;
        });
  };
  const absl::Status read = fields.Each(
      *root, {kCurrent, kContexts},
      [&](const std::string& key, const YamlNode& value) -> absl::Status {
        if (key == kCurrent) return fields.Text(value, key, contexts.current);
        std::vector<std::string> names;
        for (std::size_t i = 0; i + 1 < value.children.size(); i += 2) {
          names.push_back(value.children[i].text);
        }
        const std::vector<std::string_view> views(names.begin(), names.end());
        return fields.Each(value, views, read_context);
      });
  if (!read.ok()) return read;
  if (!contexts.current.empty() && !contexts.all.contains(contexts.current)) {
    return fields.Error(
        verify::Reason::kFieldInvalid, *root,
        absl::StrCat("current-context '", contexts.current,
                     "' is not among 'contexts'",
                     anchors::DidYouMean(contexts.current, contexts.names())));
  }
  return contexts;
}

absl::StatusOr<Contexts> ReadContexts(const std::string& path) {
  const auto yaml = anchors::ReadPrivateFile(path, kMaxContextsBytes);
  if (absl::IsNotFound(yaml.status())) return Contexts();
  if (!yaml.ok()) return yaml.status();
  auto contexts = ParseContexts(*yaml, path);
  if (!contexts.ok()) return contexts.status();
  const fs::path folder = fs::path(path).parent_path();
  for (auto& [name, context] : contexts->all) {
    for (const ContextField& field : kContextFields) {
      const auto found = context.find(field.name);
      if (found == context.end() || !field.is_path) continue;
      found->second = (folder / found->second).lexically_normal().string();
    }
  }
  return contexts;
}

std::string ToYaml(const Contexts& contexts) {
  YAML::Emitter yaml;
  yaml << YAML::BeginMap;
  if (!contexts.current.empty()) {
    yaml << YAML::Key << std::string(kCurrent) << YAML::Value
         << YAML::DoubleQuoted << contexts.current;
  }
  if (!contexts.all.empty()) {
    yaml << YAML::Key << std::string(kContexts) << YAML::Value
         << YAML::BeginMap;
  }
  for (const auto& [name, context] : contexts.all) {
    yaml << YAML::Key << YAML::DoubleQuoted << name << YAML::Value
         << YAML::BeginMap;
    for (const auto& [key, value] : context) {
      yaml << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value;
    }
    yaml << YAML::EndMap;
  }
  if (!contexts.all.empty()) yaml << YAML::EndMap;
  yaml << YAML::EndMap;
  return absl::StrCat(yaml.c_str(), "\n");
}

absl::Status WriteContexts(const std::string& path, const Contexts& contexts) {
  const std::string text = ToYaml(contexts);
  // What could not be read again is not written.
  if (const auto again = ParseContexts(text, path); !again.ok()) {
    return again.status();
  }
  const std::string folder = fs::path(path).parent_path().string();
  if (absl::Status s = anchors::MakeFolder(folder); !s.ok()) return s;
  return anchors::WriteFileAtomically(path, text,
                                      anchors::FileAccess::kPrivate);
}

void AddContextFlag(CLI::App& app) {
  const std::function<bool(CLI::App*)> all;
  for (CLI::App* below : app.get_subcommands(all)) AddContextFlag(*below);
  const auto& options = app.get_options();
  const bool takes = std::any_of(
      options.begin(), options.end(),
      [](const CLI::Option* o) { return !o->get_envname().empty(); });
  if (!takes) return;
  app.add_option("--context",
                 "the context that says what no flag and no variable does "
                 "(trustctl context)")
      ->type_name("TEXT")
      ->envname(kContextVariable);
}

void UseContext(CLI::App& command, std::span<const std::string> arguments) {
  std::vector<CLI::Option*> takers;
  for (CLI::Option* option : command.get_options()) {
    if (option->get_envname().empty()) continue;
    takers.push_back(option);
    if (Variable(option->get_envname().c_str()) == "") {
      throw CLI::ValidationError(
          option->get_envname(),
          "set, but empty: unset it, or give it a value");
    }
  }
  if (takers.empty()) return;
  const Context context = Chosen(arguments);
  for (const ContextField& field : kContextFields) {
    const auto value = context.find(field.name);
    if (value != context.end()) {
      setenv(field.variable, value->second.c_str(), /*overwrite=*/0);
    }
  }
  for (CLI::Option* option : takers) {
    const auto& excluded = option->get_excludes();
    if (std::any_of(
            excluded.begin(), excluded.end(),
            [&](const CLI::Option* o) { return IsGiven(arguments, *o); })) {
      option->envname("");
    }
  }
  // Whoever pins a producer means that one alone: a list of more is asked for
  // by a flag.
  if (Given(arguments, "--producer").has_value()) {
    for (CLI::Option* option : takers) {
      if (option->get_name() == "--server" || option->get_name() == "--cache") {
        option->envname("");
      }
    }
  }
  // What goes with another is nothing without it.
  for (CLI::Option* option : takers) {
    const auto& needed = option->get_needs();
    if (std::any_of(needed.begin(), needed.end(), [&](const CLI::Option* o) {
          return !IsGiven(arguments, *o) &&
                 (o->get_envname().empty() ||
                  !Variable(o->get_envname().c_str()).has_value());
        })) {
      option->envname("");
    }
  }
}

}  // namespace anchorage::trustctl
