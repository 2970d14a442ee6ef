// trustd restore: a backup in the place of the store, as people ask for it.

#ifndef ANCHORAGE_TRUSTD_RESTORE_COMMAND_H_
#define ANCHORAGE_TRUSTD_RESTORE_COMMAND_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/status.h"
#include "trustd/config.h"

namespace anchorage::trustd {

struct RestoreFlags {
  std::string folder;
  std::string why;
};

// Adds the command to `app` and returns it; --config is that of `app`.
CLI::App* AddRestore(CLI::App& app, RestoreFlags& flags);

// Restores into the place of `config`, and prints what became of it. Fails as
// RestoreBackup() does.
absl::Status RunRestore(const Config& config, const RestoreFlags& flags);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RESTORE_COMMAND_H_
