// usage: simulate [--steps N] [--seed S] [--trace]
//
// Exit code 0: what rules promise holds. 1: it does not, and the seed is
// printed. 2: usage.

#include <cstdint>
#include <iostream>
#include <string>

#include "absl/strings/numbers.h"
#include "test/simulation/simulation.h"

int main(int argc, char** argv) {
  using anchorage::simulation::Options;
  using anchorage::simulation::Outcome;
  Options options{.seed = 1, .steps = 1'000'000};
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--trace") {
      options.trace = [](const std::string& line) {
        std::cout << line << "\n";
      };
      continue;
    }
    std::uint64_t* const number = name == "--steps"  ? &options.steps
                                  : name == "--seed" ? &options.seed
                                                     : nullptr;
    if (number == nullptr || ++i == argc ||
        !absl::SimpleAtoi(argv[i], number)) {
      std::cerr << "usage: simulate [--steps N] [--seed S] [--trace]\n";
      return 2;
    }
  }
  const Outcome outcome = anchorage::simulation::Simulate(options);
  std::cout << outcome.steps << " steps in " << outcome.worlds
            << " worlds from seed " << options.seed << "\n";
  for (const auto& [what, count] : outcome.counts) {
    std::cout << "  " << count << " " << what << "\n";
  }
  if (!outcome.failure.has_value()) return 0;
  std::cout << outcome.failure->property << " does not hold at step "
            << outcome.failure->step << " of --seed " << outcome.failure->seed
            << " --steps 1:\n"
            << outcome.failure->what << "\n";
  return 1;
}
