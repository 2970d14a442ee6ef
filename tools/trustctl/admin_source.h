// Where the listener for people of a trustd is, and who one is: one set of
// flags for all commands that ask it.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_ADMIN_SOURCE_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_ADMIN_SOURCE_H_

#include <CLI/CLI.hpp>
#include <string>

namespace anchorage::trustctl {

struct AdminSource {
  std::string server;
  std::string tls_roots;
  std::string client_certificate;
  std::string client_key;

  // Adds --server, --client-cert and --client-key, and --tls-roots; the first
  // three are required unless `required` is false.
  void AddTo(CLI::App& command, bool required = true);
};

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_ADMIN_SOURCE_H_
