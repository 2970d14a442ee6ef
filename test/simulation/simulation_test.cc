#include "test/simulation/simulation.h"

#include <gtest/gtest.h>

namespace anchorage::simulation {
namespace {

TEST(SimulationTest, WhatRulesPromiseHolds) {
  const Outcome outcome = Simulate({.seed = 1, .steps = 5000});
  if (outcome.failure.has_value()) {
    FAIL() << outcome.failure->property << " at step " << outcome.failure->step
           << " of seed " << outcome.failure->seed << ": "
           << outcome.failure->what;
  }
  // It could have failed.
  for (const char* what : {"publications", "changes without people",
                           "approvals", "pins", "rounds in two orders"}) {
    EXPECT_GT(outcome.counts.at(what), 20u) << what;
  }
}

}  // namespace
}  // namespace anchorage::simulation
