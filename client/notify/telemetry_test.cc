#include "client/notify/telemetry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "anchors/base/atomic_file.h"

namespace anchorage::client {
namespace {

using ::testing::SizeIs;

class FakeSender final : public ReportSender {
 public:
  ReportAnswer Send(std::string_view report, absl::Duration timeout) override {
    sent.emplace_back(report);
    timeouts.push_back(timeout);
    return answer;
  }

  ReportAnswer answer;
  std::vector<std::string> sent;
  std::vector<absl::Duration> timeouts;
};

class TelemetryTest : public ::testing::Test {
 protected:
  Telemetry Make(Telemetry::Options options) {
    return Telemetry(
        std::move(options), &sender_,
        [this] { return "text " + std::to_string(++texts_); },
        [] { return 0.0; }, [this] { return now_; });
  }
  std::string File() { return anchors::ReadFile(path_, 1000).value_or("none"); }
  void CountOne() {
    counters_.Count({.partition = "aws", .region = "eu-west-1"}, std::nullopt);
  }

  const std::string path_ = ::testing::TempDir() + "telemetry_test.prom";
  absl::Duration now_ = absl::Hours(1);
  int texts_ = 0;
  FakeSender sender_;
  Counters counters_;
};

TEST_F(TelemetryTest, DoesNothingThatIsNotAskedFor) {
  Telemetry telemetry = Make({});
  CountOne();
  EXPECT_EQ(telemetry.Do(counters_, 7), absl::InfiniteDuration());
  EXPECT_EQ(texts_, 0);
  EXPECT_THAT(sender_.sent, SizeIs(0));
}

TEST_F(TelemetryTest, WritesTheFileForEverybodyAndNotTooOften) {
  std::filesystem::remove(path_);
  Telemetry telemetry = Make({.metrics_file = path_, .reports = std::nullopt});
  EXPECT_EQ(telemetry.Do(counters_, 7), kMetricsInterval);
  EXPECT_EQ(File(), "text 1");
  struct stat status;
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644u);
  now_ += kMetricsPause - absl::Nanoseconds(1);
  telemetry.Do(counters_, 7);
  EXPECT_EQ(File(), "text 1");
  now_ += absl::Nanoseconds(1);
  telemetry.Do(counters_, 7);
  EXPECT_EQ(File(), "text 2");
}

TEST_F(TelemetryTest, SaysWhyTheFileCannotBeWritten) {
  const std::string folder = ::testing::TempDir() + "telemetry_folder";
  Telemetry telemetry =
      Make({.metrics_file = folder + "/x.prom", .reports = std::nullopt});
  std::filesystem::remove_all(folder);
  telemetry.Do(counters_, 7);
  EXPECT_EQ(telemetry.state().metrics_file.code(), absl::StatusCode::kNotFound);
  std::filesystem::create_directory(folder);
  now_ += kMetricsInterval;
  telemetry.Do(counters_, 7);
  EXPECT_TRUE(telemetry.state().metrics_file.ok());
}

TEST_F(TelemetryTest, SendsReportsWhenTheyAreDue) {
  Telemetry telemetry = Make({.metrics_file = "", .reports = ReportOptions()});
  CountOne();
  EXPECT_EQ(telemetry.Do(counters_, 7), absl::Minutes(13.5));
  EXPECT_THAT(sender_.sent, SizeIs(1));
  EXPECT_EQ(telemetry.state().reports_sent, 1u);
  CountOne();
  telemetry.Do(counters_, 7);
  EXPECT_THAT(sender_.sent, SizeIs(1));
  now_ += absl::Minutes(13.5);
  sender_.answer = {absl::UnavailableError("down"), absl::Hours(1)};
  EXPECT_EQ(telemetry.Do(counters_, 7), absl::Hours(1));
  EXPECT_THAT(sender_.sent, SizeIs(2));
  EXPECT_EQ(telemetry.state().reports_failed, 1u);
  EXPECT_EQ(telemetry.state().report.code(), absl::StatusCode::kUnavailable);
}

TEST_F(TelemetryTest, AReportTakesNoLongerThanIsGiven) {
  Telemetry telemetry = Make({.metrics_file = "", .reports = ReportOptions()});
  CountOne();
  telemetry.Do(counters_, 7, absl::Seconds(2));
  now_ += absl::Hours(1);
  CountOne();
  telemetry.Do(counters_, 7, absl::Hours(2));
  EXPECT_THAT(sender_.timeouts,
              ::testing::ElementsAre(absl::Seconds(2), ReportSender::kTimeout));
}

TEST_F(TelemetryTest, AFailureToMakeTheTextIsNoReasonToStop) {
  Telemetry telemetry(
      {.metrics_file = path_, .reports = std::nullopt}, nullptr,
      []() -> std::string { throw std::runtime_error("x"); },
      [] { return 0.0; }, [this] { return now_; });
  EXPECT_EQ(telemetry.Do(counters_, 7), kMetricsInterval);
}

TEST(CheckMetricsFile, WantsAPathThatNodeExporterReads) {
  EXPECT_TRUE(CheckMetricsFile("/var/lib/x.prom").ok());
  EXPECT_FALSE(CheckMetricsFile("x.prom").ok());
  EXPECT_FALSE(CheckMetricsFile("/var/lib/x.txt").ok());
  EXPECT_FALSE(CheckMetricsFile("/" + std::string(5000, 'x') + ".prom").ok());
}

}  // namespace
}  // namespace anchorage::client
