#include "tools/trustctl/program.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>

#include "anchors/base/host_port.h"
#include "anchors/base/version.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/given_values.h"
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
    trustctl rotations list --open --server trustd:7444 \
        --client-cert alice.pem --client-key alice.key

'trustctl COMMAND --help' tells more.
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

bool HasVerb(const CLI::App& noun, const char* verb) {
  return !noun.get_subcommands([verb](const CLI::App* below) {
                return below->check_name(verb);
              })
              .empty();
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

int Run(int argc, char** argv, std::span<const Noun> nouns,
        RunInstead* online) {
  // Before anything else is made, as scripts ask often.
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    return std::puts(Version().c_str()) < 0 ? kUsage : kAccepted;
  }
  CLI::App app{
      "Verifies AWS identity evidence, and shows what it is verified "
      "with."};
  app.name("trustctl");
  app.footer(kFooter);
  app.set_version_flag("--version", Version());
  app.require_subcommand(1);
  Action action;
  char** const word = argc > 0 ? NextWord(argv + 1) : nullptr;
  const Noun* const given = word != nullptr ? NounNamed(nouns, *word) : nullptr;
  if (given == nullptr) {
    for (const Noun& noun : nouns) app.add_subcommand(noun.name, noun.help);
  } else {
    CLI::App& noun = *app.add_subcommand(given->name, given->help);
    if (given->add != nullptr) given->add(noun, action);
    char** const verb = NextWord(word + 1);
    if (online != nullptr && given->more_online &&
        (verb == nullptr || !HasVerb(noun, *verb))) {
      return online(argv);
    }
    // A noun that does something without a verb has said so.
    if (!noun.get_subcommands(nullptr).empty() &&
        noun.get_require_subcommand_max() == 0) {
      noun.require_subcommand(1);
    }
  }
  RequireValues(app);
  try {
    RefuseBareAssignments(argc, argv);
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kAccepted : kUsage;
  }
  if (online != nullptr && AsksTrustd(app)) return online(argv);
  const int code = RunAsAsked(app, action);
  std::cout.flush();
  if (std::cout) return code;
  PrintError("standard output cannot be written");
  return code == kAccepted ? kUsage : code;
}

}  // namespace

// The libraries for command lines and JSON report by exceptions; none may end
// the program without a word.
int RunProgram(int argc, char** argv, std::span<const Noun> nouns,
               RunInstead* online) {
  try {
    return Run(argc, argv, nouns, online);
  } catch (const std::exception& error) {
    PrintError(error.what());
    return kUsage;
  }
}

}  // namespace anchorage::trustctl
