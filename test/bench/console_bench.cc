// What reading the console of a trustd with ten years of history costs.

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "test/bench/published.h"
#include "test/bench/ratio.h"
#include "test/bench/report.h"
#include "test/bench/ten_years.h"
#include "trustd/console/site.h"

namespace anchorage::bench {
namespace {

constexpr int kRuns = 21;
constexpr double kMaxMilliseconds = 50;
constexpr double kMaxKibibytes = 60;
// The longest head of an answer, with every header of the console's.
constexpr std::size_t kHeadBytes = 1024;

// The median, in milliseconds.
double MedianOf(const trustd::Site& site, const std::string& target) {
  std::vector<double> times;
  for (int i = 0; i < kRuns; ++i) {
    const double start = ThreadSeconds();
    if (site.Get(target).status != 200) Fail(target);
    times.push_back((ThreadSeconds() - start) * 1e3);
  }
  return Median(std::move(times));
}

std::size_t BytesOf(const trustd::Site& site, const std::string& target) {
  return site.Get(target).body.size() + kHeadBytes;
}

int ReportConsole(const Options& options) {
  const TemporaryFolder folder;
  TenYears years(folder.path());
  years.Live();
  const trustd::Site site({.clock = [&] { return years.now(); },
                           .mirror = years.mirror(),
                           .hub = years.hub()});
  const auto kibibytes = [&](const std::string& target) {
    return static_cast<double>(BytesOf(site, target)) / 1024;
  };
  Report report(absl::StrCat("the console, with a record of ",
                             years.mirror().ledger().head().size),
                "CPU ms");
  const double overview = MedianOf(site, "/");
  report.Add({.name = "overview",
              .absolute = absl::StrFormat("%.1f KiB", kibibytes("/")),
              .measured = absl::StrFormat("%.1f", overview),
              .goal = absl::StrFormat("<= %.0f", kMaxMilliseconds),
              .met = overview <= kMaxMilliseconds});
  for (const char* target :
       {"/anchors", "/changes", "/changes/1", "/sources", "/timeline",
        "/record", "/record?page=1", "/expiry"}) {
    report.Add({.name = target,
                .absolute = absl::StrFormat("%.1f KiB", kibibytes(target)),
                .measured = absl::StrFormat("%.1f", MedianOf(site, target))});
  }
  Report wire("the overview on the wire, with style sheet and icon", "KiB");
  const double all =
      kibibytes("/") + kibibytes("/style.css") + kibibytes("/icon.svg");
  wire.Add({.name = "not compressed",
            .measured = absl::StrFormat("%.1f", all),
            .goal = absl::StrFormat("<= %.0f", kMaxKibibytes),
            .met = all <= kMaxKibibytes});
  return std::max(report.Finish(options), wire.Finish(options));
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  using namespace anchorage::bench;
  return ReportConsole(ParseOptions(argc, argv));
}
