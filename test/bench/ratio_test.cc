#include "test/bench/ratio.h"

#include <cstdint>

#include "gtest/gtest.h"
#include "test/bench/report.h"

namespace anchorage::bench {
namespace {

// Keeps a result from being optimised away.
volatile std::uint64_t sink = 0;

// Work whose time is proportional to `amount`.
Operation Work(int amount) {
  return [amount] {
    for (int i = 0; i < amount * 1000; ++i) sink = sink * 3 + 1;
    return true;
  };
}

TEST(Measure, FindsHowManyTimesMoreThereIsToDo) {
  const auto measured = Measure({{.name = "four times the work",
                                  .operation = Work(20),
                                  .baseline = Work(5)},
                                 {.name = "a quarter of the work",
                                  .operation = Work(5),
                                  .baseline = Work(20)}},
                                /*rounds=*/31);
  EXPECT_NEAR(measured[0].ratio, 0.25, 0.05);
  EXPECT_NEAR(measured[1].ratio, 4, 0.8);
  EXPECT_GT(measured[1].per_second, measured[0].per_second);
}

TEST(Measure, ComparesWithSeveralRunsOfTheBaseline) {
  const auto measured = Measure({{.name = "as much as five",
                                  .operation = Work(25),
                                  .baseline = Work(5),
                                  .baseline_runs = 5}},
                                /*rounds=*/31);
  EXPECT_NEAR(measured[0].ratio, 1, 0.2);
}

TEST(MeasureDeathTest, EndsTheProgramIfTheAnswerChanges) {
  EXPECT_EXIT(
      Measure({{.name = "changes its mind",
                .operation = [calls = 0]() mutable { return ++calls < 100; },
                .baseline = Work(1)}},
              /*rounds=*/1000),
      ::testing::ExitedWithCode(2), "changes its mind");
}

int StatusOf(Goal goal, const Options& options) {
  Report report("", "");
  CompareAll(
      {{.name = "", .operation = Work(5), .baseline = Work(20), .goal = goal}},
      /*rounds=*/11, report);
  return report.Finish(options);
}

TEST(Report, FailsForAMissedGoalOnlyWhereGoalsMatter) {
  const Options check{.check = true};
  EXPECT_EQ(StatusOf(AtLeast(2), check), 0);
  EXPECT_EQ(StatusOf(AtLeast(8), check), 1);
  EXPECT_EQ(StatusOf(AtLeast(8), Options()), 0);
  EXPECT_EQ(StatusOf(AtMost(0.5), check), 0);
  EXPECT_EQ(StatusOf(AtMost(0.1), check), 1);
  EXPECT_EQ(StatusOf(PerSecond(1), check), 0);
  EXPECT_EQ(StatusOf(PerSecond(1e9), check), 1);
}

TEST(Report, WritesNumbersWithCommas) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999.4), "999");
  EXPECT_EQ(WithCommas(1000), "1,000");
  EXPECT_EQ(WithCommas(1234567), "1,234,567");
}

TEST(MedianTest, IsTheMiddleValue) {
  EXPECT_EQ(Median({5, 1, 3}), 3);
  EXPECT_EQ(Median({7}), 7);
}

}  // namespace
}  // namespace anchorage::bench
