// A period of time by two flags, for commands that read the record.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_PERIOD_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_PERIOD_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anchorage::trustctl {

// From its beginning on and before its end.
struct Period {
  absl::Time from = absl::InfinitePast();
  absl::Time until = absl::InfiniteFuture();
};

// Adds --from and --to.
void AddPeriod(CLI::App& command, std::string& from, std::string& to,
               bool required);

// Each is a day of UTC, as 2026-03-31, which --to includes, or a time of RFC
// 3339, which --to does not; empty for no bound. INVALID_ARGUMENT, also for a
// period that is over before it begins.
absl::StatusOr<Period> ReadPeriod(const std::string& from,
                                  const std::string& to);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_PERIOD_H_
