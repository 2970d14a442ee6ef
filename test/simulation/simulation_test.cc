#include "test/simulation/simulation.h"

#include <gtest/gtest.h>

namespace anchorage::simulation {
namespace {

TEST(SimulationTest, WhatRulesPromiseHolds) {
  Outcome outcome = Simulate({.seed = 1, .steps = 5000});
  if (outcome.failure.has_value()) {
    FAIL() << outcome.failure->property << " at step " << outcome.failure->step
           << " of seed " << outcome.failure->seed << ": "
           << outcome.failure->what;
  }
  // It could have failed.
  for (const char* what :
       {"publications", "changes without people", "approvals", "pins",
        "evidence taken", "slots in two orders"}) {
    EXPECT_GT(outcome.counts[what], 20u) << what;
  }
  for (const char* what : {"signatures", "stores accepted"}) {
    EXPECT_GT(outcome.counts[what], 0u) << what;
  }
}

}  // namespace
}  // namespace anchorage::simulation
