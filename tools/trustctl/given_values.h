// Makes sure that whatever is given on a command line has a value: a flag whose
// variable was unset is a mistake, and never the same as no flag.
//
//   RequireValues(app);  // after the last command and flag were added
//   try {
//     RefuseBareAssignments(argc, argv);
//     app.parse(argc, argv);
//   } catch (const CLI::ParseError& error) { ... }
//
// The rule is for every option and argument of every command, so that nobody
// who adds one has to think of it. To expect something empty, use a policy
// document.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_GIVEN_VALUES_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_GIVEN_VALUES_H_

#include <CLI/CLI.hpp>

namespace anchorage::trustctl {

// Makes `app` and all below it refuse, by CLI::ValidationError with the name of
// the option or argument, each value that is empty, and for an option each that
// begins as a flag does ("--a"): `--nonce $NONCE --any` has no nonce, and must
// not take the next flag as its value. Arguments after "--" may begin that way.
void RequireValues(CLI::App& app);

// Throws CLI::ValidationError for "--name=" before "--": the library would take
// the next argument as the value, and would treat a flag without a value as
// given.
void RefuseBareAssignments(int argc, const char* const* argv);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_GIVEN_VALUES_H_
