#include "test/bench/report.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace anchorage::bench {
namespace {

constexpr char kUsage[] =
    "usage: %s [--check] [--rounds=N]\n"
    "  --check     exit with 1 if a goal is missed\n"
    "  --rounds=N  compare N times (default %d)\n";
constexpr int kUsageStatus = 64;
constexpr int kFailStatus = 2;
constexpr int kMaxRounds = 1'000'000;

std::optional<int> RoundsIn(std::string_view argument) {
  constexpr std::string_view kFlag = "--rounds=";
  if (!argument.starts_with(kFlag)) return std::nullopt;
  argument.remove_prefix(kFlag.size());
  int rounds = 0;
  const auto [end, error] = std::from_chars(
      argument.data(), argument.data() + argument.size(), rounds);
  if (error != std::errc() || end != argument.data() + argument.size() ||
      rounds < 1 || rounds > kMaxRounds) {
    return std::nullopt;
  }
  return rounds;
}

}  // namespace

Options ParseOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--check") {
      options.check = true;
    } else if (const auto rounds = RoundsIn(argument); rounds.has_value()) {
      options.rounds = *rounds;
    } else {
      const bool help = argument == "--help";
      std::fprintf(help ? stdout : stderr, kUsage, argv[0], Options().rounds);
      std::exit(help ? 0 : kUsageStatus);
    }
  }
  return options;
}

void Fail(std::string_view why) {
  std::fprintf(stderr, "benchmark failed: %.*s\n", static_cast<int>(why.size()),
               why.data());
  std::exit(kFailStatus);
}

Report::Report(std::string_view title, std::string_view unit)
    : title_(title), unit_(unit) {}

void Report::Add(Line line) { lines_.push_back(std::move(line)); }

int Report::Finish(const Options& options) const {
  std::size_t width = title_.size();
  for (const Line& line : lines_) width = std::max(width, line.name.size());
  const int name_width = static_cast<int>(width);
  std::printf("\n%-*s  %12s  %9s  %9s\n", name_width, title_.c_str(), "",
              unit_.c_str(), "goal");
  bool all_met = true;
  for (const Line& line : lines_) {
    const bool missed = line.met.has_value() && !*line.met;
    std::printf("%-*s  %12s  %9s  %9s%s\n", name_width, line.name.c_str(),
                line.absolute.c_str(), line.measured.c_str(), line.goal.c_str(),
                missed ? "  MISSED" : "");
    all_met = all_met && !missed;
  }
  return all_met || !options.check ? 0 : 1;
}

std::string WithCommas(double number) {
  const std::string digits = std::to_string(std::llround(number));
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

}  // namespace anchorage::bench
