// The manual pages of a program, made from its commands.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_MAN_PAGES_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_MAN_PAGES_H_

#include <CLI/CLI.hpp>
#include <map>
#include <string>

namespace anchorage::trustctl {

// Returns the pages of `program` and of every command below it, in roff (man
// macros), by their names: "trustctl-verify-identity.1". The same bytes for the
// same commands.
std::map<std::string, std::string> ManPages(CLI::App& program);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_MAN_PAGES_H_
