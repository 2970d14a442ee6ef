#include "tools/trustctl/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/host_port.h"
#include "anchors/base/nearest.h"
#include "anchors/base/version.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/completion.h"
#include "tools/trustctl/contexts.h"
#include "tools/trustctl/given_values.h"
#include "tools/trustctl/help.h"
#include "tools/trustctl/output.h"

namespace anchorage::trustctl {
namespace {

constexpr char kFooter[] = R"(
    trustctl verify identity --rsa2048 rsa2048.b64 --account 123456789012
    trustctl verify attestation --document doc.cbor --type nitrotpm --any
    trustctl bundle show --server 127.0.0.1:7443 --trusted-root 1.root.json
    trustctl anchors list --region eu-west-1
    trustctl releases show --releases releases.json
    trustctl repository export --server 127.0.0.1:7443 \
        --trusted-root 1.root.json public
    trustctl rotations list --open

'trustctl help COMMAND' tells more.
)";

std::string Version() {
  return std::string("trustctl ") + anchors::kVersionAndCommit;
}

// Returns the first argument from `from` on that is no flag; null for none. No
// flag above a command's own has a value.
char** NextWord(char** from) {
  while (*from != nullptr && **from == '-') ++from;
  return *from != nullptr ? from : nullptr;
}

const Noun* NounNamed(std::span<const Noun> nouns, std::string_view name) {
  for (const Noun& noun : nouns) {
    if (name == noun.name) return &noun;
  }
  return nullptr;
}

// A URL names a repository and a file what is in it: neither needs gRPC.
bool IsTrustd(const std::string& name) {
  std::error_code error;
  return anchors::ParseHostPort(name).has_value() &&
         !std::filesystem::exists(name, error);
}

// Whether what was parsed is asked of a trustd.
bool AsksTrustd(const CLI::App& app) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
  }
  for (const char* name : {"--server", "before", "after"}) {
    const CLI::Option* const option = command->get_option_no_throw(name);
    if (option == nullptr) continue;
    for (const std::string& value : option->results()) {
      if (*name == '-' ? !IsUrl(value) : IsTrustd(value)) return true;
    }
  }
  return false;
}

// What tells of all commands wants the program that has them.
bool WantsAll(const CLI::App& command) {
  const CLI::Option* const offline = command.get_option_no_throw("--offline");
  return offline != nullptr && offline->count() == 0;
}

// The nouns of the program that runs.
std::span<const Noun> program_nouns;

void Prepare(CLI::App& app) {
  app.description(
      "Verifies AWS identity evidence, and shows what it is verified with.");
  app.name("trustctl");
  app.set_version_flag("--version", Version());
}

CLI::App& AddNoun(CLI::App& app, const Noun& noun, Action& action) {
  CLI::App& added = *app.add_subcommand(noun.name, noun.help);
  if (noun.add != nullptr) noun.add(added, action);
  AddExamplesOf(added);
  AddContextFlag(added);
  return added;
}

// Shows what there is.
int ShowChoices(const CLI::App& level, const std::string& parent) {
  std::cerr << level.help(parent);
  return kUsage;
}

// Tells somebody who asked for `word` that it is not below `level`, which is
// called `path`.
int RefuseWord(CLI::App& level, const std::string& path, std::string_view word,
               bool flag_before) {
  PrintError(
      absl::StrCat("'", std::string(word), "' is not a command of ", path,
                   anchors::DidYouMean(word, CommandNamesOf(level))),
      flag_before ? absl::StrCat("flags stand behind the command: ", path,
                                 " COMMAND --flag VALUE")
                  : path + " --help lists them");
  return kUsage;
}

// What to do about an error. A flag that is missed may be one that a context
// has, also where its variable does not count for want of its companion.
std::string HintFor(const CLI::App& command, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    for (const ContextField& field : kContextFields) {
      for (const CLI::Option* option : command.get_options()) {
        const std::string& variable = option->get_envname();
        const bool is_field =
            variable == field.variable ||
            (variable.empty() &&
             option->get_name() == absl::StrCat("--", field.name));
        if (is_field && absl::StrContains(error.what(), option->get_name())) {
          return absl::StrCat("give ", option->get_name(),
                              ", or say it once: trustctl context set NAME --",
                              field.name, " ... (trustctl help context)");
        }
      }
    }
  }
  return "--help tells more";
}

// What is wrong with a command line, in the library's words but where there are
// better ones.
int Explain(const CLI::App& app, const CLI::App& command,
            const CLI::ParseError& error) {
  const std::vector<std::string> extra = app.remaining(true);
  const bool is_flag = !extra.empty() && extra.front().starts_with("-");
  const bool is_extra =
      dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  // A flag that is mistyped may be the one that is missed.
  if (error.get_exit_code() == 0 || extra.empty() || !(is_flag || is_extra)) {
    if (error.get_exit_code() == 0) {
      app.exit(error);
      return kAccepted;
    }
    PrintError(error.what(), HintFor(command, error));
    return kUsage;
  }
  PrintError(absl::StrCat("'", extra.front(), "' is ",
                          is_flag ? "not a flag of this command"
                                  : "one argument too many",
                          is_flag ? SuggestFlag(extra.front(), command) : ""),
             "--help tells more");
  return kUsage;
}

int PrintCompletions(int argc, char** argv, std::span<const Noun> nouns,
                     RunInstead* online) {
  const std::vector<std::string> words(argv + 2, argv + argc);
  const Noun* const given =
      words.size() > 1 ? NounNamed(nouns, words.front()) : nullptr;
  if (given != nullptr && given->more_online && online != nullptr) {
    return online(argv);
  }
  CLI::App app;
  Prepare(app);
  Action ignored;
  if (given != nullptr) {
    AddNoun(app, *given, ignored);
  } else {
    for (const Noun& noun : nouns) app.add_subcommand(noun.name, noun.help);
  }
  std::cout << Complete(app, words);
  return kAccepted;
}

int Run(int argc, char** argv, std::span<const Noun> nouns,
        RunInstead* online) {
  // Before anything else is made, as scripts ask often.
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    return std::puts(Version().c_str()) < 0 ? kUsage : kAccepted;
  }
  char** const word = argc > 0 ? NextWord(argv + 1) : nullptr;
  if (word != nullptr && std::string_view(*word) == kComplete) {
    return PrintCompletions(argc, argv, nouns, online);
  }
  if (word != nullptr && std::string_view(*word) == "help") {
    // "help COMMAND" is "COMMAND --help".
    std::string flag = "--help";
    std::vector<char*> asked = {argv[0]};
    asked.insert(asked.end(), word + 1, argv + argc);
    asked.push_back(flag.data());
    asked.push_back(nullptr);
    return Run(static_cast<int>(asked.size()) - 1, asked.data(), nouns, online);
  }
  CLI::App app;
  Prepare(app);
  Action action;
  CLI::App* command = &app;
  const std::vector<std::string> arguments(argc > 0 ? argv + 1 : argv,
                                           argv + argc);
  const bool wants_help =
      std::any_of(arguments.begin(), arguments.end(), [](const auto& text) {
        return text == "--help" || text == "-h" || text == "--version";
      });
  const Noun* const given = word != nullptr ? NounNamed(nouns, *word) : nullptr;
  if (given == nullptr) {
    for (const Noun& noun : nouns) app.add_subcommand(noun.name, noun.help);
    app.footer(kFooter);
    if (word != nullptr || !wants_help) {
      if (word == nullptr) return ShowChoices(app, "");
      return RefuseWord(app, "trustctl", *word, word != argv + 1);
    }
  } else {
    CLI::App& noun = AddNoun(app, *given, action);
    char** const verb = NextWord(word + 1);
    if (online != nullptr && given->more_online &&
        (verb == nullptr || CommandNamed(noun, *verb) == nullptr)) {
      return online(argv);
    }
    command = &noun;
    // A noun that does something without a verb has said so.
    const bool needs_verb =
        !CommandsOf(noun).empty() && noun.get_require_subcommand_max() == 0;
    CLI::App* const below =
        verb != nullptr ? CommandNamed(noun, *verb) : nullptr;
    if (below != nullptr) command = below;
    if (needs_verb && below == nullptr && (verb != nullptr || !wants_help)) {
      if (verb == nullptr) return ShowChoices(noun, "trustctl");
      return RefuseWord(noun, "trustctl " + noun.get_name(), *verb,
                        verb != word + 1);
    }
  }
  RequireValues(app);
  try {
    RefuseBareAssignments(argc, argv);
    if (!wants_help) UseContext(*command, arguments);
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return Explain(app, *command, error);
  }
  if (online != nullptr && (AsksTrustd(app) || WantsAll(*command))) {
    return online(argv);
  }
  const int code = RunAsAsked(app, action);
  std::cout.flush();
  if (std::cout) return code;
  PrintError("standard output cannot be written");
  return code == kAccepted ? kUsage : code;
}

}  // namespace

void AddAllCommands(CLI::App& app, Action& action) {
  Prepare(app);
  for (const Noun& noun : program_nouns) {
    if (noun.add != nullptr) AddNoun(app, noun, action);
  }
  app.footer(kFooter);
}

// The libraries for command lines and JSON report by exceptions; none may end
// the program without a word.
int RunProgram(int argc, char** argv, std::span<const Noun> nouns,
               RunInstead* online) {
  program_nouns = nouns;
  try {
    return Run(argc, argv, nouns, online);
  } catch (const std::exception& error) {
    PrintError(error.what());
    return kUsage;
  }
}

}  // namespace anchorage::trustctl
