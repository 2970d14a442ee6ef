#include "trustd/alarm.h"

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <memory>
#include <new>
#include <utility>

#include "test/support/fake_store.h"

namespace anchorage::trustd {
namespace {

class AlarmTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Alerter>> Make() {
    return Alerter::Create({}, store_, registry_);
  }

  // Waits for ever where nobody is there to take it.
  void Raise() {
    StoreBatch batch;
    Alert alert;
    alert.kind = AlertKind::kBundleEndsSoon;
    alarm_.Raise({alert}, batch)();
  }

  FakeStore store_;
  prometheus::Registry registry_;
  Alarm alarm_{*Make()};
};

TEST_F(AlarmTest, AnotherTakesItsPlace) {
  const auto last = alarm_.Current();
  EXPECT_TRUE(alarm_.Replace([this] { return Make(); }).ok());
  EXPECT_NE(alarm_.Current(), nullptr);
  EXPECT_NE(alarm_.Current(), last);
  Raise();
}

TEST_F(AlarmTest, WhatFailsOrThrowsLeavesTheLast) {
  const auto last = alarm_.Current();
  EXPECT_EQ(
      alarm_.Replace([] { return absl::UnavailableError("no disk"); }).code(),
      absl::StatusCode::kUnavailable);
  EXPECT_EQ(alarm_.Current(), last);
  EXPECT_THROW(
      (void)alarm_.Replace([]() -> absl::StatusOr<std::unique_ptr<Alerter>> {
        throw std::bad_alloc();
      }),
      std::bad_alloc);
  EXPECT_EQ(alarm_.Current(), last);
  Raise();
}

}  // namespace
}  // namespace anchorage::trustd
