// usage: simulate_fleet [--seed S] [--seeds N] [--clients N] [--days N]
//                       [--hours N] [--only INCIDENT] [--trace]
//
// Exit code 0: every property holds in every run. 1: not, and the seed is
// printed. 2: usage.

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <map>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "test/fleet/fleet.h"

namespace {

using anchorage::fleet::AllIncidents;
using anchorage::fleet::Incident;
using anchorage::fleet::Options;
using anchorage::fleet::Outcome;

constexpr char kUsage[] =
    "usage: simulate_fleet [--seed S] [--seeds N] [--clients N] [--days N]\n"
    "                      [--hours N] [--only INCIDENT] [--trace]\n";

struct Used {
  double seconds = 0;
  long mebibytes = 0;
};

// Of this process, until now.
Used UsedUntilNow() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) +
           static_cast<double>(time.tv_usec) / 1e6;
  };
  return {seconds(usage.ru_utime) + seconds(usage.ru_stime),
          usage.ru_maxrss / 1024};
}

bool FindIncident(const std::string& name, Options& options) {
  for (const Incident incident : AllIncidents()) {
    if (NameOf(incident) == name) {
      options.incidents = {incident};
      return true;
    }
  }
  return false;
}

int Usage() {
  std::cerr << kUsage;
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  int seeds = 1;
  int days = 180;
  int hours = 6;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--trace") {
      options.trace = [](const std::string& line) {
        std::cout << line << "\n";
      };
      continue;
    }
    if (++i == argc) return Usage();
    const std::string value = argv[i];
    const bool is_read =
        name == "--seed"      ? absl::SimpleAtoi(value, &options.seed)
        : name == "--seeds"   ? absl::SimpleAtoi(value, &seeds)
        : name == "--clients" ? absl::SimpleAtoi(value, &options.clients)
        : name == "--days"    ? absl::SimpleAtoi(value, &days)
        : name == "--hours"   ? absl::SimpleAtoi(value, &hours)
        : name == "--only"    ? FindIncident(value, options)
                              : false;
    if (!is_read) return Usage();
  }
  if (seeds < 1 || options.clients < 1 || days < 1 || hours < 1) return Usage();
  options.span = absl::Hours(24 * days);
  options.interval = absl::Hours(hours);

  // By property; "" for runs in which all holds.
  std::map<std::string, std::uint64_t> failures;
  std::map<std::string, std::uint64_t> counts;
  absl::Duration longest;
  std::int64_t worst_refreshes = 0;
  std::int64_t worst_requests = 0;
  double mean = 0;
  int failed = 0;
  for (int run = 0; run < seeds; ++run, ++options.seed) {
    const Outcome outcome = RunFleet(options);
    for (const auto& [property, what] : outcome.failures) {
      failures[property] += what.count;
      std::cout << property << " does not hold with --seed " << options.seed
                << ", " << what.count << " times; first: " << what.first
                << "\n";
    }
    if (!outcome.ok()) ++failed;
    for (const auto& [what, count] : outcome.counts) counts[what] += count;
    longest = std::max(longest, outcome.longest_to_converge);
    worst_refreshes = std::max(worst_refreshes, outcome.worst_refreshes);
    worst_requests = std::max(worst_requests, outcome.worst_requests);
    mean = outcome.mean_refreshes;
    std::cout.flush();
  }
  const Used used = UsedUntilNow();
  std::printf("%d runs of %d clients over %d days, a refresh every %d hours\n",
              seeds, options.clients, days, hours);
  for (const auto& [what, count] : counts) {
    std::printf("  %12llu  %s\n", static_cast<unsigned long long>(count),
                what.c_str());
  }
  for (const char* property : {"GENUINE", "FALSE", "REVOKED", "SEQUENCE",
                               "CONVERGE", "HERD", "AGREE"}) {
    std::printf("  %12llu  failures of %s\n",
                static_cast<unsigned long long>(failures[property]), property);
  }
  std::printf("  longest to converge: %s\n",
              absl::FormatDuration(longest).c_str());
  std::printf(
      "  trustd's worst minute: %lld refreshes, %lld requests; %.1f refreshes "
      "in an average one\n",
      static_cast<long long>(worst_refreshes),
      static_cast<long long>(worst_requests), mean);
  std::printf("  %.1f s of processor time, %ld MiB\n", used.seconds,
              used.mebibytes);
  return failed == 0 ? 0 : 1;
}
