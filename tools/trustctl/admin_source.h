// Where the listener for people of a trustd is, and who one is: one set of
// flags for all commands that ask it.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_ADMIN_SOURCE_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_ADMIN_SOURCE_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/trustctl/connection_cause.h"

namespace anchorage::trustctl {

struct AdminSource {
  std::string server;
  std::string tls_roots;
  std::string client_certificate;
  std::string client_key;

  // Adds --server, --client-cert and --client-key, and --tls-roots; the first
  // is required unless `required` is false, and so are those that it needs.
  void AddTo(CLI::App& command, bool required = true);

  // Reads the files, of which the key must be its owner's alone. Fails where
  // one of them is missing that the server asks for.
  absl::StatusOr<Endpoint> Read() const;

 private:
  absl::Status Check() const;
};

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_ADMIN_SOURCE_H_
