// Named contexts and ANCHORAGE_* variables: where a trustd is and who one is,
// without saying it in each command. A flag beats a variable, and a variable a
// context.
//
//   ~/.config/anchorage/config.yaml:
//
//     current-context: prod
//     contexts:
//       prod:
//         admin-server: trustd.example:7444
//         client-cert: /home/alice/alice.pem
//         client-key: /home/alice/alice.key
//
// What one expects of evidence is in neither: a policy that changes with the
// environment is none.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_CONTEXTS_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_CONTEXTS_H_

#include <CLI/CLI.hpp>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anchorage::trustctl {

// One thing that a context can say, by the name that it has in the file.
struct ContextField {
  const char* name;
  // The variable that says the same, which the flags have as their envname().
  const char* variable;
  const char* help;
  // Whether a relative path is meant from the file's folder.
  bool is_path;
};

inline constexpr ContextField kContextFields[] = {
    {"server", "ANCHORAGE_SERVER",
     "HOST:PORT of a trustd for clients, or the URL of a tuf/ folder", false},
    {"trusted-root", "ANCHORAGE_TRUSTED_ROOT", "root.json of that trustd",
     true},
    {"tls-roots", "ANCHORAGE_TLS_ROOTS", "PEM file of CAs for that server",
     true},
    {"cache", "ANCHORAGE_CACHE", "folder of the last verified set", true},
    {"admin-server", "ANCHORAGE_ADMIN_SERVER",
     "HOST:PORT of the listener for people, or unix:PATH", false},
    {"admin-tls-roots", "ANCHORAGE_ADMIN_TLS_ROOTS",
     "PEM file of CAs for that listener", true},
    {"client-cert", "ANCHORAGE_CLIENT_CERT", "PEM file of your certificate",
     true},
    {"client-key", "ANCHORAGE_CLIENT_KEY", "PEM file of its private key", true},
};
inline constexpr char kContextVariable[] = "ANCHORAGE_CONTEXT";

inline constexpr std::size_t kMaxContextsBytes = 64 * 1024;
inline constexpr std::size_t kMaxContextName = 64;

// Values by their fields' names.
using Context = std::map<std::string, std::string>;

struct Contexts {
  // Empty for none.
  std::string current;
  std::map<std::string, Context> all;

  std::vector<std::string> names() const;
};

// Where the file is: in XDG_CONFIG_HOME where that is an absolute path, else in
// HOME. FAILED_PRECONDITION where there is neither.
absl::StatusOr<std::string> ContextsPath();

// Whether it can be one: 1 to kMaxContextName letters, digits, '.', '_' and
// '-', and no '-' first.
bool IsContextName(std::string_view name);

// Reads what is in a file at `path`, as a person may have written it, strictly.
// Errors begin with "PATH:LINE: ".
absl::StatusOr<Contexts> ParseContexts(std::string_view yaml,
                                       const std::string& path);

// Reads the file; no file is no contexts. Fails with FAILED_PRECONDITION where
// others than its owner can read or write it.
absl::StatusOr<Contexts> ReadContexts(const std::string& path);

// Returns the file's text.
std::string ToYaml(const Contexts& contexts);

// Writes it for its owner alone, with its folder. Comments are lost.
absl::Status WriteContexts(const std::string& path, const Contexts& contexts);

// Adds --context to each command at or below `app` that takes what a context
// says.
void AddContextFlag(CLI::App& app);

// Before `command` is parsed from `arguments`: checks the variables that its
// flags take, and sets those that are not set and that the context has which is
// chosen. A variable that would contradict a given flag is not taken. Throws
// CLI::ValidationError where a variable is set and empty, or a context cannot
// be had.
void UseContext(CLI::App& command, std::span<const std::string> arguments);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_CONTEXTS_H_
