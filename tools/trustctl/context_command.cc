// trustctl context list | show | use | set | remove

#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "anchors/base/nearest.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/contexts.h"
#include "tools/trustctl/output.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

constexpr char kFooter[] = R"(
    trustctl context list
    trustctl context show prod
    trustctl context use prod
    trustctl context set prod --admin-server trustd.example:7444 \
        --client-cert alice.pem --client-key alice.key
    trustctl context remove prod

Contexts are in ~/.config/anchorage/config.yaml ($XDG_CONFIG_HOME), for their
owner alone. A flag beats a variable (ANCHORAGE_SERVER, ANCHORAGE_CLIENT_CERT),
and a variable a context. --context, else ANCHORAGE_CONTEXT, else 'context use'
says which one.
)";

struct Flags {
  std::string name;
  std::array<std::string, std::size(kContextFields)> values;
  Output output;
};

// The file and what is in it.
struct Opened {
  std::string path;
  Contexts contexts;
};

absl::StatusOr<Opened> Open() {
  auto path = ContextsPath();
  if (!path.ok()) return path.status();
  auto contexts = ReadContexts(*path);
  if (!contexts.ok()) return contexts.status();
  return Opened{*std::move(path), *std::move(contexts)};
}

absl::Status NoSuch(const std::string& name, const Opened& opened) {
  return absl::NotFoundError(
      absl::StrCat(opened.path, " has no context '", name, "'",
                   anchors::DidYouMean(name, opened.contexts.names())));
}

ordered_json ToJson(const std::string& name, const Opened& opened) {
  ordered_json json = {{"name", name},
                       {"current", name == opened.contexts.current}};
  for (const auto& [field, value] : opened.contexts.all.at(name)) {
    json[absl::StrReplaceAll(field, {{"-", "_"}})] = value;
  }
  return json;
}

int List(const Flags& flags) {
  const auto opened = Open();
  if (!opened.ok()) return Fail(opened.status());
  ordered_json json = {{"contexts", ordered_json::array()}};
  for (const auto& [name, context] : opened->contexts.all) {
    json["contexts"].push_back(ToJson(name, *opened));
  }
  flags.output.Print(
      json,
      {.rows = "contexts",
       .columns = {{"NAME", "/name"},
                   {"CURRENT", "/current"},
                   {"SERVER", "/server"},
                   {"ADMIN SERVER", "/admin_server"},
                   {"CLIENT CERT", "/client_cert"}},
       .name = "/name"},
      [&] {
        for (const auto& [name, context] : opened->contexts.all) {
          std::cout << (name == opened->contexts.current ? "* " : "  ") << name
                    << "\n";
        }
      });
  return kAccepted;
}

int Show(const Flags& flags) {
  const auto opened = Open();
  if (!opened.ok()) return Fail(opened.status());
  const char* const variable = std::getenv(kContextVariable);
  std::string name = flags.name;
  if (name.empty()) {
    name = variable != nullptr ? variable : opened->contexts.current;
  }
  if (name.empty()) {
    return Fail(absl::NotFoundError("no context is in use"));
  }
  const auto found = opened->contexts.all.find(name);
  if (found == opened->contexts.all.end()) return Fail(NoSuch(name, *opened));
  flags.output.Print(ToJson(name, *opened), {.name = "/name"}, [&] {
    std::cout << "context  " << name << "\n";
    for (const auto& [field, value] : found->second) {
      std::cout << "  " << field << ": " << Printable(value) << "\n";
    }
  });
  return kAccepted;
}

int Use(const Flags& flags) {
  auto opened = Open();
  if (!opened.ok()) return Fail(opened.status());
  if (!opened->contexts.all.contains(flags.name)) {
    return Fail(NoSuch(flags.name, *opened));
  }
  opened->contexts.current = flags.name;
  const absl::Status s = WriteContexts(opened->path, opened->contexts);
  if (!s.ok()) return Fail(s);
  std::cout << "using  " << flags.name << "\n";
  return kAccepted;
}

int Set(const Flags& flags) {
  if (!IsContextName(flags.name)) {
    return UsageError(absl::InvalidArgumentError(
        absl::StrCat("'", flags.name,
                     "' cannot be a name: letters, digits, '.', '_', '-'")));
  }
  auto opened = Open();
  if (!opened.ok()) return Fail(opened.status());
  Context& context = opened->contexts.all[flags.name];
  for (std::size_t i = 0; i < flags.values.size(); ++i) {
    const ContextField& field = kContextFields[i];
    if (flags.values[i].empty()) continue;
    // The file may be used from anywhere.
    context[field.name] =
        field.is_path ? std::filesystem::absolute(flags.values[i]).string()
                      : flags.values[i];
  }
  if (context.empty()) {
    return UsageError(
        absl::InvalidArgumentError("a context says something: give a flag"));
  }
  if (opened->contexts.current.empty()) opened->contexts.current = flags.name;
  const absl::Status s = WriteContexts(opened->path, opened->contexts);
  if (!s.ok()) return Fail(s);
  std::cout << "set  " << flags.name << " in " << Printable(opened->path)
            << "\n";
  return kAccepted;
}

int Remove(const Flags& flags) {
  auto opened = Open();
  if (!opened.ok()) return Fail(opened.status());
  if (opened->contexts.all.erase(flags.name) == 0) {
    return Fail(NoSuch(flags.name, *opened));
  }
  if (opened->contexts.current == flags.name) opened->contexts.current.clear();
  const absl::Status s = WriteContexts(opened->path, opened->contexts);
  if (!s.ok()) return Fail(s);
  std::cout << "removed  " << flags.name << "\n";
  return kAccepted;
}

std::shared_ptr<Flags> AddVerb(CLI::App& context, Action& action,
                               const char* name, const char* help,
                               int (*run)(const Flags&)) {
  CLI::App& command = *context.add_subcommand(name, help);
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  command.callback(
      [flags, run, &action] { action = [flags, run] { return run(*flags); }; });
  return flags;
}

}  // namespace

void AddContext(CLI::App& context, Action& action) {
  auto flags = AddVerb(context, action, "list", "List them", &List);
  flags->output.AddTo(*context.get_subcommand("list"));
  flags = AddVerb(context, action, "show", "Show one, or that in use", &Show);
  context.get_subcommand("show")->add_option(
      "name", flags->name, "which; that in use if it is left out");
  flags->output.AddTo(*context.get_subcommand("show"));
  struct Change {
    const char* verb;
    const char* help;
    int (*run)(const Flags&);
  };
  for (const Change& change :
       {Change{"use", "Use one from now on", &Use},
        Change{"set", "Make one, or change what is given of it", &Set},
        Change{"remove", "Remove one", &Remove}}) {
    flags = AddVerb(context, action, change.verb, change.help, change.run);
    context.get_subcommand(change.verb)
        ->add_option("name", flags->name, "which")
        ->required();
    if (change.run != &Set) continue;
    for (std::size_t i = 0; i < flags->values.size(); ++i) {
      context.get_subcommand("set")->add_option(
          absl::StrCat("--", kContextFields[i].name), flags->values[i],
          kContextFields[i].help);
    }
  }
}

}  // namespace anchorage::trustctl
