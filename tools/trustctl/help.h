// What the help of a command is made of, and of what everything else that
// tells of commands is: completion and manual pages.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_HELP_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_HELP_H_

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace anchorage::trustctl {

// The commands right below `app`.
std::vector<CLI::App*> CommandsOf(CLI::App& app);
std::vector<std::string> CommandNamesOf(CLI::App& app);
// The one of that name; null for none.
CLI::App* CommandNamed(CLI::App& app, std::string_view name);

// The options and flags of a command that people may give, those of its groups
// too, without arguments.
std::vector<const CLI::Option*> FlagsOf(const CLI::App& command);
// The arguments, in their order.
std::vector<const CLI::Option*> ArgumentsOf(const CLI::App& command);

// The values that an option takes, if it takes only some.
std::vector<std::string> ValuesOf(const CLI::Option& option);

// Makes the footer of a group of commands: an example of each.
void AddExamplesOf(CLI::App& group);

// "; did you mean '--account'?" for a flag that `command` does not have.
std::string SuggestFlag(std::string_view given, const CLI::App& command);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_HELP_H_
