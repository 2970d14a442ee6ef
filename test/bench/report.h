// What a benchmark says: a table of what was measured and what was wanted.
//
//   Report report("identity documents");
//   report.Add({"rsa2048", "44,100/s", "0.83", ">= 0.80", true});
//   return report.Finish(options);
//
// Not for threads.

#ifndef ANCHORAGE_TEST_BENCH_REPORT_H_
#define ANCHORAGE_TEST_BENCH_REPORT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace anchorage::bench {

// The flags that every benchmark has.
struct Options {
  // Fail where a goal is missed.
  bool check = false;
  // How often each comparison is made.
  int rounds = 200;
};

// Reads --check and --rounds=N. Ends the program on anything else.
Options ParseOptions(int argc, char** argv);

// Ends the program, with status 2: it does not measure what it says, so its
// figures would be worth nothing.
[[noreturn]] void Fail(std::string_view why);

class Report {
 public:
  struct Line {
    std::string name;
    // Absolute, for the eye: it changes with the machine and the hour.
    std::string absolute = {};
    // What the goal is about.
    std::string measured = {};
    // Empty for a line that is there to compare with.
    std::string goal = {};
    std::optional<bool> met = {};
  };

  // `unit` is what the lines measure.
  Report(std::string_view title, std::string_view unit);

  void Add(Line line);

  // Prints the table. Returns the exit status: 1 if a goal is missed and
  // `options` say that this matters.
  int Finish(const Options& options) const;

 private:
  std::string title_;
  std::string unit_;
  std::vector<Line> lines_;
};

// Returns "44,100" for a number that is not negative.
std::string WithCommas(double number);

}  // namespace anchorage::bench

#endif  // ANCHORAGE_TEST_BENCH_REPORT_H_
