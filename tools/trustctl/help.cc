#include "tools/trustctl/help.h"

#include <functional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "anchors/base/nearest.h"

namespace anchorage::trustctl {
namespace {

// The lines of the first example in a footer that begins with `wanted`, or of
// the very first; empty for none. Examples are indented, and go on after a
// backslash.
std::string ExampleIn(const std::string& footer, const std::string& wanted) {
  std::string first;
  std::string example;
  bool goes_on = false;
  for (const absl::string_view line : absl::StrSplit(footer, '\n')) {
    if (!goes_on) {
      if (first.empty()) first = example;
      if (absl::string_view(example).substr(0, wanted.size()) == wanted) break;
      example.clear();
      if (line.substr(0, 4) != "    ") continue;
    }
    absl::StrAppend(&example, line, "\n");
    goes_on = !line.empty() && line.back() == '\\';
  }
  return example.starts_with(wanted) ? example : first;
}

// Options may be in groups, which are nameless commands.
void AddOptions(const CLI::App& app, bool positional,
                std::vector<const CLI::Option*>& options) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() == positional && !option->get_group().empty())
      options.push_back(option);
  }
  for (const CLI::App* group : app.get_subcommands(
           [](const CLI::App* below) { return below->get_name().empty(); })) {
    AddOptions(*group, positional, options);
  }
}

}  // namespace

std::vector<CLI::App*> CommandsOf(CLI::App& app) {
  return app.get_subcommands(
      [](CLI::App* below) { return !below->get_name().empty(); });
}

std::vector<std::string> CommandNamesOf(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : CommandsOf(app)) {
    names.push_back(command->get_name());
  }
  return names;
}

CLI::App* CommandNamed(CLI::App& app, std::string_view name) {
  for (CLI::App* command : CommandsOf(app)) {
    if (command->check_name(std::string(name))) return command;
  }
  return nullptr;
}

std::vector<const CLI::Option*> FlagsOf(const CLI::App& command) {
  std::vector<const CLI::Option*> flags;
  AddOptions(command, false, flags);
  return flags;
}

std::vector<const CLI::Option*> ArgumentsOf(const CLI::App& command) {
  std::vector<const CLI::Option*> arguments;
  AddOptions(command, true, arguments);
  return arguments;
}

std::vector<std::string> ValuesOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find('{');
  const std::size_t end = type.find('}');
  if (begin == type.npos || end == type.npos || end < begin) return {};
  return absl::StrSplit(type.substr(begin + 1, end - begin - 1), ',');
}

void AddExamplesOf(CLI::App& group) {
  std::string examples;
  std::set<std::string> seen;
  for (const CLI::App* command : CommandsOf(group)) {
    const std::string example = ExampleIn(
        command->get_footer(), absl::StrCat("    trustctl ", group.get_name(),
                                            " ", command->get_name()));
    if (!example.empty() && seen.insert(example).second) examples += example;
  }
  if (!examples.empty()) group.footer("\n" + examples);
}

std::string SuggestFlag(std::string_view given, const CLI::App& command) {
  std::vector<std::string> known;
  for (const CLI::Option* flag : FlagsOf(command)) {
    for (const std::string& name : flag->get_lnames()) {
      known.push_back("--" + name);
    }
  }
  return anchors::DidYouMean(given.substr(0, given.find('=')), known);
}

}  // namespace anchorage::trustctl
