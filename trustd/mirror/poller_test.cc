#include "trustd/mirror/poller.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "anchors/baked/baked.h"
#include "test/support/fake_store.h"
#include "test/support/set_clock.h"
#include "trustd/config.h"
#include "trustd/sources/source_failure.h"

namespace anchorage::trustd {
namespace {

class NoAlerts final : public AlertSink {
 public:
  std::function<void()> Raise(const std::vector<Alert>&, StoreBatch&) override {
    return [] {};
  }
};

// Answers what the test says, and counts.
class FakeSource final : public Source {
 public:
  explicit FakeSource(std::string name,
                      PollTimes times = {.interval = absl::Hours(1)})
      : Source({std::move(name), {}, times}) {}

  absl::StatusOr<SourceAnswer> Poll(absl::Time) override {
    ++polls;
    if (!failure.ok()) return failure;
    SourceAnswer answer;
    if (answers) {
      answer.observation.emplace();
      answer.observation->source = name();
    }
    return answer;
  }
  void Forget() override { ++forgotten; }

  std::atomic<int> polls = 0;
  std::atomic<int> forgotten = 0;
  absl::Status failure;
  bool answers = true;
};

class PollerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string folder =
        ::testing::TempDir() + "/" +
        ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder);
    config_ = *ParseConfig("data_dir: " + folder + "\nmode: MODE_ONLINE\n",
                           "/test.yaml");
    publisher_ = *Publisher::Open(
        PublisherConfigOf(config_), store_, hub_,
        *anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog()),
        {}, absl::Now());
    mirror_ =
        *Mirror::Open({}, store_, *publisher_, hub_, alerts_, absl::Now());
    Make(std::make_unique<FakeSource>("one"));
  }
  ~PollerTest() override { test::SetClockAhead(absl::ZeroDuration()); }

  void Make(std::unique_ptr<FakeSource> source) {
    source_ = source.get();
    std::vector<std::unique_ptr<Source>> sources;
    sources.push_back(std::move(source));
    poller_ = std::make_unique<Poller>(
        std::move(sources), *mirror_, [] { return absl::Now(); },
        std::make_shared<std::atomic<bool>>(false));
  }

  // Waits until `count` looks have been recorded.
  void WaitForPolls(int count) {
    while (source_->polls < count) absl::SleepFor(absl::Milliseconds(1));
    poller_->Stop();
  }

  Config config_;
  FakeStore store_;
  PublicationHub hub_;
  NoAlerts alerts_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<Mirror> mirror_;
  FakeSource* source_ = nullptr;
  std::unique_ptr<Poller> poller_;
};

TEST_F(PollerTest, AsksAtTheStart) {
  ASSERT_TRUE(poller_->Start().ok());
  WaitForPolls(1);
  ASSERT_EQ(mirror_->Sources().size(), 1u);
  EXPECT_EQ(mirror_->Sources()[0].source(), "one");
  EXPECT_EQ(mirror_->Sources()[0].failures(), 0u);
  EXPECT_EQ(source_->forgotten, 0);
}

TEST_F(PollerTest, AsksNobodyUntilItIsStarted) {
  ASSERT_TRUE(poller_->Prepare().ok());
  ASSERT_TRUE(poller_->PollNow("one").ok());
  poller_->Stop();
  EXPECT_EQ(source_->polls, 0);
}

// It asked again after a year: abseil's waits end at a time of day.
TEST_F(PollerTest, AClockThatIsSetBackDelaysNoPoll) {
  Make(std::make_unique<FakeSource>("one",
                                    PollTimes{.interval = absl::Milliseconds(5),
                                              .jitter = absl::ZeroDuration()}));
  test::SetClockAhead(absl::Hours(24 * 365));
  ASSERT_TRUE(poller_->Start().ok());
  WaitForPolls(5);
}

TEST_F(PollerTest, AsksWhenItIsTold) {
  ASSERT_TRUE(poller_->Start().ok());
  while (source_->polls < 1) absl::SleepFor(absl::Milliseconds(1));
  ASSERT_TRUE(poller_->PollNow("one").ok());
  while (source_->polls < 2) absl::SleepFor(absl::Milliseconds(1));
  ASSERT_TRUE(poller_->PollNow("").ok());
  WaitForPolls(3);
  EXPECT_TRUE(absl::IsNotFound(poller_->PollNow("two")));
}

TEST_F(PollerTest, AFailureIsRecordedUnderItsName) {
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  source_->failure = FailSource(SourceFailure::kTimedOut, "30 s");
  ASSERT_TRUE(poller_->Start().ok());
  WaitForPolls(1);
  spdlog::set_default_logger(before);
  EXPECT_NE(log.str().find("source one: TIMED_OUT: 30 s"), std::string::npos)
      << log.str();
  ASSERT_EQ(mirror_->Sources().size(), 1u);
  EXPECT_EQ(mirror_->Sources()[0].failure(), "TIMED_OUT");
  EXPECT_EQ(mirror_->Sources()[0].failures(), 1u);
}

TEST_F(PollerTest, WhatCouldNotBeRecordedIsSeenAgain) {
  store_.failure = absl::ResourceExhaustedError("full");
  ASSERT_TRUE(poller_->Start().ok());
  WaitForPolls(1);
  EXPECT_EQ(source_->forgotten, 1);
}

}  // namespace
}  // namespace anchorage::trustd
