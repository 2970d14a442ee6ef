#include "tools/trustctl/period.h"

#include "absl/strings/str_cat.h"
#include "tools/trustctl/command.h"

namespace anchorage::trustctl {
namespace {

constexpr std::size_t kDayLength = sizeof("2026-03-31") - 1;

// The beginning of a day, or `later` than it.
absl::StatusOr<absl::Time> ReadBound(const std::string& text,
                                     absl::Time unbounded,
                                     absl::Duration later) {
  if (text.empty()) return unbounded;
  if (text.size() != kDayLength) return ParseRfc3339(text);
  const auto day = ParseRfc3339(text + "T00:00:00Z");
  if (day.ok()) return *day + later;
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is not a day, as 2026-03-31"));
}

}  // namespace

void AddPeriod(CLI::App& command, std::string& from, std::string& to,
               bool required) {
  command
      .add_option("--from", from,
                  "made then or later: a day of UTC (2026-03-01) or a time "
                  "(2026-03-01T08:00:00Z)")
      ->required(required);
  command
      .add_option("--to", to,
                  "made on that day or earlier, or before that time")
      ->required(required);
}

absl::StatusOr<Period> ReadPeriod(const std::string& from,
                                  const std::string& to) {
  const auto begin =
      ReadBound(from, absl::InfinitePast(), absl::ZeroDuration());
  if (!begin.ok()) return begin.status();
  const auto end = ReadBound(to, absl::InfiniteFuture(), absl::Hours(24));
  if (!end.ok()) return end.status();
  if (*begin < *end) return Period{*begin, *end};
  return absl::InvalidArgumentError("--to is not after --from");
}

}  // namespace anchorage::trustctl
