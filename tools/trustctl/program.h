// trustctl and trustctl-online as programs: the same command line, of which
// each has its part.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_PROGRAM_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_PROGRAM_H_

#include <span>

#include "tools/trustctl/commands.h"

namespace anchorage::trustctl {

// Runs another program with the same arguments in this one's place. Returns
// only if that fails, with the exit code.
using RunInstead = int(char** argv);

// Adds the commands of the program that runs to `app`, which is named for it.
void AddAllCommands(CLI::App& app, Action& action);

// Runs what the command line asks for and returns the exit code. What is not in
// `nouns`, or names a trustd, is for `online`, before anything is read or
// written; null where this program has everything. Nothing is thrown.
int RunProgram(int argc, char** argv, std::span<const Noun> nouns,
               RunInstead* online);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_PROGRAM_H_
