// What is given on a command line has a value: a flag whose variable was unset
// is a mistake, and never the same as no flag.
//
//   RequireValues(app);  // after the last command and flag were added
//   try {
//     RefuseBareAssignments(argc, argv);
//     app.parse(argc, argv);
//   } catch (const CLI::ParseError& error) { ... }
//
// The rule is for every option and argument of every command, so that nobody
// who adds one has to think of it. What shall be expected to be empty is said
// in a policy document.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_GIVEN_VALUES_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_GIVEN_VALUES_H_

#include <CLI/CLI.hpp>

namespace anchorage::trustctl {

// Makes `app` and all below it refuse, by CLI::ValidationError with the name of
// the option or argument, each value that is empty, and for an option each that
// begins as a flag does ("--a"): `--nonce $NONCE --any` has no nonce, and must
// not take the next flag for it. Arguments behind "--" may begin so.
void RequireValues(CLI::App& app);

// Throws CLI::ValidationError for "--name=", before "--": the library takes the
// next argument for the value, and a flag without a value for given.
void RefuseBareAssignments(int argc, const char* const* argv);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_GIVEN_VALUES_H_
