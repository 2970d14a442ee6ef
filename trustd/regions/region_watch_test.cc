#include "trustd/regions/region_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "trustd/regions/region_codes.h"

namespace anchorage::trustd {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(RegionCodes, StandAloneInAnyText) {
  EXPECT_THAT(
      RegionCodesIn("<td>us-gov-west-1</td>\"eu-west-1\","
                    "ec2.ap-south-1.amazonaws.com|cn-north-1"),
      ElementsAre("ap-south-1", "cn-north-1", "eu-west-1", "us-gov-west-1"));
}

TEST(RegionCodes, ZonesAndOtherNamesAreNone) {
  EXPECT_THAT(
      RegionCodesIn("us-east-1a us-east-1-bos-1a us-west-2-lax-1 "
                    "a-my-eu-west-1 eu-west-1_x US-EAST-1 eu-west eu--1"),
      IsEmpty());
}

TEST(RegionCodes, AreBounded) {
  std::string text;
  for (char a = 'a'; a <= 'z'; ++a) {
    for (int n = 1; n < 100; ++n) {
      text += std::string("x") + a + "-west-" + std::to_string(n) + " ";
    }
  }
  EXPECT_EQ(RegionCodesIn(text).size(), kMaxRegionCodes);
}

class RegionWatchTest : public ::testing::Test {
 protected:
  RegionWatchTest()
      : path_(fs::path(::testing::TempDir()) /
              ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(path_);
  }

  void Write(const std::string& text) { std::ofstream(path_) << text; }

  RegionWatch Watch(std::set<std::string> ignored = {}) {
    RegionWatchSettings settings;
    settings.path = path_.string();
    settings.ignored = std::move(ignored);
    return RegionWatch(
        settings,
        [] {
          return std::set<std::string>{"us-east-1", "eu-west-1", "eu-west-2"};
        },
        [] { return absl::FromUnixSeconds(1'800'000'000); },
        [this] { return uptime_; }, nullptr, registry_);
  }

  const fs::path path_;
  prometheus::Registry registry_;
  absl::Duration uptime_ = absl::Hours(1);
};

TEST_F(RegionWatchTest, ARegionWithoutAnAnchorIsToldOnceAWeek) {
  Write("us-east-1 eu-west-1 eu-west-2 mx-central-1");
  RegionWatch watch = Watch();
  ASSERT_TRUE(watch.Look().ok());
  const auto alerts = watch.TakeAlerts();
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0].kind, AlertKind::kRegionWithoutCertificate);
  EXPECT_EQ(alerts[0].subject, "mx-central-1");
  EXPECT_THAT(watch.state().without, ElementsAre("mx-central-1"));
  uptime_ += kBetweenRegionAlerts - absl::Seconds(1);
  ASSERT_TRUE(watch.Look().ok());
  EXPECT_THAT(watch.TakeAlerts(), IsEmpty());
  uptime_ += absl::Seconds(1);
  ASSERT_TRUE(watch.Look().ok());
  EXPECT_EQ(watch.TakeAlerts().size(), 1U);
}

TEST_F(RegionWatchTest, WhatCouldNotBeToldIsToldByTheNextLook) {
  Write("us-east-1 eu-west-1 eu-west-2 mx-central-1");
  RegionWatch watch = Watch();
  ASSERT_TRUE(watch.Look().ok());
  ASSERT_EQ(watch.TakeAlerts().size(), 1U);
  watch.NotTold("mx-central-1");
  ASSERT_TRUE(watch.Look().ok());
  EXPECT_EQ(watch.TakeAlerts().size(), 1U);
  ASSERT_TRUE(watch.Look().ok());
  EXPECT_THAT(watch.TakeAlerts(), IsEmpty());
}

TEST_F(RegionWatchTest, WhatIsPinnedOrIgnoredIsNotTold) {
  Write("us-east-1 eu-west-1 eu-west-2 us-gov-east-2");
  RegionWatch watch = Watch({"us-gov-east-2"});
  ASSERT_TRUE(watch.Look().ok());
  EXPECT_THAT(watch.TakeAlerts(), IsEmpty());
  EXPECT_THAT(watch.state().without, IsEmpty());
}

// A list that was cut must not pass for "every region has an anchor".
TEST_F(RegionWatchTest, AListThatIsCutIsAFailure) {
  Write("us-east-1");
  RegionWatch watch = Watch();
  EXPECT_EQ(watch.Look().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(watch.state().failures, 1U);
  EXPECT_EQ(watch.state().last_success, absl::InfinitePast());
  Write("<html>we have moved</html>");
  EXPECT_FALSE(watch.Look().ok());
  EXPECT_EQ(watch.state().failures, 2U);
}

TEST_F(RegionWatchTest, AFailureKeepsWhatWasSeen) {
  Write("us-east-1 eu-west-1 mx-central-1");
  RegionWatch watch = Watch();
  ASSERT_TRUE(watch.Look().ok());
  fs::remove(path_);
  EXPECT_EQ(watch.Look().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(watch.state().without, ElementsAre("mx-central-1"));
}

TEST_F(RegionWatchTest, AFolderIsReadWhole) {
  fs::create_directories(path_);
  std::ofstream(path_ / "a") << "us-east-1 eu-west-1";
  std::ofstream(path_ / "b") << "mx-central-1";
  std::ofstream(path_ / ".c") << "ap-hidden-1";
  RegionWatch watch = Watch();
  ASSERT_TRUE(watch.Look().ok());
  EXPECT_THAT(watch.state().without, ElementsAre("mx-central-1"));
  for (int i = 0; i < kMaxRegionFiles; ++i) {
    std::ofstream(path_ / std::to_string(i)) << "x";
  }
  EXPECT_EQ(watch.Look().code(), absl::StatusCode::kOutOfRange);
}

TEST(RegionWatchConfig, HasDefaultsAndLimits) {
  v1::RegionWatchConfig proto;
  const auto settings = ReadRegionWatch(proto, "/etc/trustd.yaml");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_THAT(settings->address, HasSubstr("https://docs.aws.amazon.com/"));
  EXPECT_EQ(settings->times.interval, absl::Hours(24));
  const auto refused = [](auto change) {
    v1::RegionWatchConfig wrong;
    change(wrong);
    return std::string(
        ReadRegionWatch(wrong, "/etc/trustd.yaml").status().message());
  };
  EXPECT_THAT(refused([](auto& c) { c.set_address("http://a.example/"); }),
              HasSubstr("/etc/trustd.yaml"));
  EXPECT_THAT(refused([](auto& c) {
                c.set_address("https://a.example/");
                c.set_path("list");
              }),
              HasSubstr("exclude each other"));
  EXPECT_THAT(refused([](auto& c) { c.add_ignored("Europe"); }),
              HasSubstr("'ignored'"));
  EXPECT_THAT(refused([](auto& c) { c.mutable_interval()->set_seconds(9); }),
              HasSubstr("interval"));
}

}  // namespace
}  // namespace anchorage::trustd
