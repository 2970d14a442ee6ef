// What a shell offers for the beginning of a command line.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_COMPLETION_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_COMPLETION_H_

#include <CLI/CLI.hpp>
#include <span>
#include <string>

namespace anchorage::trustctl {

// The hidden command that the scripts of `trustctl completion` call, with the
// words after the program's name, of which the last is incomplete.
inline constexpr char kComplete[] = "__complete";

// Returns a line for each word that can be the last of `words`: the word, a
// tab, and what it is. The line ":files" offers files. `app` has the commands
// of the first word, or all.
std::string Complete(CLI::App& app, std::span<const std::string> words);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_COMPLETION_H_
