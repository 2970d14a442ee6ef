#include "client/notify/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "anchors/base/version.h"
#include "anchors/wire/wire_field.h"

namespace anchorage::client {
namespace {

using anchors::PutBytes;
using anchors::PutVarint;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using verify::AnchorKind;
using verify::Reason;

OutcomeCount Of(std::string region, std::optional<Reason> reason,
                std::uint64_t count) {
  return {.slot = {.partition = "aws",
                   .region = std::move(region),
                   .kind = AnchorKind::kIidRsa2048},
          .reason = reason,
          .count = count};
}

std::vector<OutcomeCount> Accepted(std::uint64_t count) {
  return {Of("us-west-2", std::nullopt, count)};
}

// --- The wire form -----------------------------------------------------------

TEST(Report, IsAsReportServiceHasIt) {
  const OutcomeReport report{
      .sequence = 300,
      .time = absl::Seconds(900),
      .sampled_one_in = 1,
      .counts = {Of("us-west-2", Reason::kTooOld, 5),
                 {.slot = {.partition = "aws",
                           .region = "",
                           .kind = AnchorKind::kNitroRoot},
                  .reason = std::nullopt,
                  .count = 1}}};
  std::string refused;
  PutBytes(1, "aws", refused);
  PutBytes(2, "us-west-2", refused);
  PutVarint(3, 3, refused);
  PutBytes(4, "TOO_OLD", refused);
  PutVarint(5, 5, refused);
  std::string accepted;
  PutBytes(1, "aws", accepted);
  PutVarint(3, 4, accepted);
  PutVarint(5, 1, accepted);
  std::string expected;
  PutBytes(1, anchors::kVersion, expected);
  PutVarint(2, 300, expected);
  PutVarint(3, 900, expected);
  PutVarint(4, 1, expected);
  PutBytes(5, refused, expected);
  PutBytes(5, accepted, expected);
  EXPECT_EQ(Serialize(report), expected);
}

TEST(Report, AFullOneIsSmall) {
  OutcomeReport report{.sequence = ~std::uint64_t{0},
                       .time = kMaxReportTime,
                       .sampled_one_in = 1'000'000,
                       .counts = {}};
  for (std::size_t i = 0; i < kMaxReportCounts; ++i) {
    report.counts.push_back(Of(std::string(32, 'r'),
                               Reason::kSignedAttributesRequired,
                               ~std::uint64_t{0}));
  }
  EXPECT_LE(Serialize(report).size(), 16u * 1024);
}

TEST(ReportAnswer, SaysHowLongToWait) {
  std::string bytes;
  PutBytes(9, "unknown", bytes);
  PutVarint(1, 600, bytes);
  // Of other types.
  PutBytes(1, "unknown", bytes);
  bytes += std::string_view("\x0d\0\0\0\0", 5);
  const ReportAnswer answer = ParseReportAnswer(bytes);
  EXPECT_TRUE(answer.status.ok());
  EXPECT_EQ(answer.wait, absl::Seconds(600));
}

TEST(ReportAnswer, MayBeEmpty) {
  EXPECT_TRUE(ParseReportAnswer("").status.ok());
  EXPECT_EQ(ParseReportAnswer("").wait, std::nullopt);
}

TEST(ReportAnswer, ThatIsNoMessageIsRefused) {
  for (const std::string bytes : {"\x08", "\x0b", "<html>"}) {
    EXPECT_FALSE(ParseReportAnswer(bytes).status.ok()) << bytes;
  }
}

TEST(ReportAnswer, ThatWantsTooMuchIsStillATime) {
  std::string bytes;
  PutVarint(1, ~std::uint64_t{0}, bytes);
  EXPECT_LE(ParseReportAnswer(bytes).wait, absl::Hours(24 * 365 * 200));
}

// --- To whom -----------------------------------------------------------------

class FakeSender final : public ReportSender {
 public:
  ReportAnswer Send(std::string_view, absl::Duration timeout) override {
    ++sent;
    time = timeout;
    return answer;
  }

  ReportAnswer answer;
  int sent = 0;
  absl::Duration time;
};

TEST(ReportSendersInTurn, TheFirstThatTakesReportsHasThem) {
  FakeSender bucket;
  FakeSender trustd;
  FakeSender last;
  bucket.answer.status = absl::UnimplementedError("");
  ReportSendersInTurn all({&bucket, &trustd, &last});
  EXPECT_TRUE(all.Send("x", absl::Seconds(3)).status.ok());
  EXPECT_LE(bucket.time, absl::Seconds(1));
  EXPECT_TRUE(all.Send("x", absl::Seconds(3)).status.ok());
  EXPECT_EQ(bucket.sent, 1);
  EXPECT_EQ(trustd.sent, 2);
  EXPECT_EQ(last.sent, 0);
}

TEST(ReportSendersInTurn, OneThatWantsFewerIsNotGoneRound) {
  FakeSender busy;
  FakeSender other;
  busy.answer = {absl::ResourceExhaustedError(""), absl::Seconds(77)};
  ReportSendersInTurn all({&busy, &other});
  EXPECT_EQ(all.Send("x", absl::Seconds(3)).wait, absl::Seconds(77));
  EXPECT_EQ(other.sent, 0);
}

TEST(ReportSendersInTurn, OneThatIsAwayIsNotOneThatTakesNone) {
  FakeSender away;
  FakeSender bucket;
  away.answer.status = absl::UnavailableError("");
  bucket.answer.status = absl::UnimplementedError("");
  EXPECT_TRUE(absl::IsUnavailable(ReportSendersInTurn({&away, &bucket})
                                      .Send("x", absl::Seconds(3))
                                      .status));
  EXPECT_TRUE(absl::IsUnavailable(ReportSendersInTurn({&bucket, &away})
                                      .Send("x", absl::Seconds(3))
                                      .status));
  EXPECT_TRUE(absl::IsUnimplemented(
      ReportSendersInTurn({&bucket}).Send("x", absl::Seconds(3)).status));
}

// --- What is sent, and when --------------------------------------------------

class ReporterTest : public ::testing::Test {
 protected:
  Reporter Make(ReportOptions options = {}) {
    return Reporter(options, now_, [this] { return random_; });
  }
  std::optional<OutcomeReport> Take(Reporter& reporter,
                                    const std::vector<OutcomeCount>& counted) {
    now_ = std::max(now_, reporter.due());
    return reporter.Take(now_, counted, 7);
  }
  void Succeed(Reporter& reporter) { reporter.Ended(now_, {absl::OkStatus()}); }
  void Fail(Reporter& reporter) {
    reporter.Ended(now_, {absl::UnavailableError("")});
  }

  absl::Duration now_ = absl::Hours(1);
  double random_ = 0.5;
};

TEST_F(ReporterTest, SaysWhatWasCountedSinceTheLastReport) {
  Reporter reporter = Make();
  const auto first = Take(reporter, Accepted(10));
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->sequence, 7u);
  EXPECT_EQ(first->sampled_one_in, 1u);
  EXPECT_EQ(first->time, absl::Minutes(7.5));
  ASSERT_THAT(first->counts, SizeIs(1));
  EXPECT_EQ(first->counts[0].count, 10u);
  Succeed(reporter);
  const auto second = Take(reporter, Accepted(13));
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->time, absl::Minutes(15));
  EXPECT_EQ(second->counts.at(0).count, 3u);
}

TEST_F(ReporterTest, SaysNothingBeforeItsTime) {
  Reporter reporter = Make();
  now_ = reporter.due() - absl::Nanoseconds(1);
  EXPECT_FALSE(reporter.Take(now_, Accepted(1), 7).has_value());
  EXPECT_TRUE(Take(reporter, Accepted(1)).has_value());
  EXPECT_FALSE(reporter.Take(now_, Accepted(2), 7).has_value());
}

TEST_F(ReporterTest, ReportsOfAFleetThatStartedTogetherAreSpread) {
  random_ = 0;
  EXPECT_EQ(Make().due(), now_);
  random_ = 0.99;
  Reporter reporter = Make();
  EXPECT_GT(reporter.due(), now_ + absl::Minutes(14));
  ASSERT_TRUE(Take(reporter, Accepted(1)).has_value());
  EXPECT_GT(reporter.due(), now_ + absl::Minutes(16));
  random_ = 0;
  ASSERT_FALSE(Take(reporter, Accepted(1)).has_value());
  EXPECT_EQ(reporter.due(), now_ + absl::Minutes(13.5));
}

TEST_F(ReporterTest, WithNothingCountedNothingIsSent) {
  Reporter reporter = Make();
  EXPECT_FALSE(Take(reporter, {}).has_value());
  EXPECT_GT(reporter.due(), now_);
  const auto report = Take(reporter, Accepted(1));
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->time, absl::Minutes(15));
}

TEST_F(ReporterTest, WhatCouldNotBeSentIsDropped) {
  Reporter reporter = Make();
  ASSERT_TRUE(Take(reporter, Accepted(10)).has_value());
  Fail(reporter);
  EXPECT_GT(reporter.due(), now_ + absl::Minutes(10));
  const auto report = Take(reporter, Accepted(13));
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->counts.at(0).count, 3u);
  EXPECT_EQ(report->time, absl::Minutes(15));
}

TEST_F(ReporterTest, AReportIsOfAWeekAtMost) {
  Reporter reporter = Make();
  now_ += absl::Hours(24 * 30);
  const auto report = Take(reporter, Accepted(10));
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->time, kMaxReportTime);
}

TEST_F(ReporterTest, AServerIsLeftAloneAsLongAsItAsks) {
  Reporter reporter = Make();
  ASSERT_TRUE(Take(reporter, Accepted(1)).has_value());
  reporter.Ended(now_, {absl::OkStatus(), absl::Hours(2)});
  EXPECT_EQ(reporter.due(), now_ + absl::Hours(2));
  ASSERT_TRUE(Take(reporter, Accepted(2)).has_value());
  reporter.Ended(now_, {absl::UnavailableError(""), absl::Hours(3)});
  EXPECT_EQ(reporter.due(), now_ + absl::Hours(3));
}

TEST_F(ReporterTest, ButNoLongerThanADay) {
  Reporter reporter = Make();
  ASSERT_TRUE(Take(reporter, Accepted(1)).has_value());
  reporter.Ended(now_, {absl::OkStatus(), absl::InfiniteDuration()});
  EXPECT_EQ(reporter.due(), now_ + absl::Hours(24));
  ASSERT_TRUE(Take(reporter, Accepted(2)).has_value());
  reporter.Ended(now_, {absl::OkStatus(), -absl::InfiniteDuration()});
  EXPECT_EQ(reporter.due(), now_ + absl::Minutes(15));
}

TEST_F(ReporterTest, AServerThatTakesNoReportsIsAskedAgainAfterADay) {
  Reporter reporter = Make();
  ASSERT_TRUE(Take(reporter, Accepted(1)).has_value());
  reporter.Ended(now_, {absl::UnimplementedError("")});
  EXPECT_EQ(reporter.due(), now_ + absl::Hours(24));
}

TEST_F(ReporterTest, MoreThanFitsFollowsAfterAMinute) {
  std::vector<OutcomeCount> many;
  for (std::size_t i = 0; i < kMaxReportCounts + 2; ++i) {
    many.push_back(Of(std::to_string(1000 + i), std::nullopt, 5));
  }
  Reporter reporter = Make();
  ASSERT_THAT(Take(reporter, many)->counts, SizeIs(kMaxReportCounts));
  Succeed(reporter);
  EXPECT_EQ(reporter.due(), now_ + absl::Minutes(1));
  // All of them go on: those that waited come first.
  for (OutcomeCount& each : many) ++each.count;
  const auto rest = Take(reporter, many);
  ASSERT_TRUE(rest.has_value());
  ASSERT_THAT(rest->counts, SizeIs(kMaxReportCounts));
  EXPECT_EQ(rest->counts[0].slot.region,
            std::to_string(1000 + kMaxReportCounts));
  EXPECT_EQ(rest->counts[0].count, 6u);
  EXPECT_EQ(rest->counts[2].slot.region, "1000");
  EXPECT_EQ(rest->counts[2].count, 1u);
}

TEST_F(ReporterTest, OfASampleTheOthersAreDropped) {
  Reporter reporter = Make({.sample_one_in = 4});
  random_ = 0.25;
  EXPECT_FALSE(Take(reporter, Accepted(10)).has_value());
  random_ = 0.2;
  const auto report = Take(reporter, Accepted(13));
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->sampled_one_in, 4u);
  EXPECT_EQ(report->counts.at(0).count, 3u);
}

TEST(ReportOptions, HaveBounds) {
  EXPECT_TRUE(CheckReportOptions({}).ok());
  EXPECT_FALSE(CheckReportOptions({.interval = absl::Seconds(59)}).ok());
  EXPECT_FALSE(CheckReportOptions({.interval = absl::Hours(25)}).ok());
  EXPECT_FALSE(CheckReportOptions({.sample_one_in = 0}).ok());
  EXPECT_FALSE(CheckReportOptions({.sample_one_in = 1'000'001}).ok());
}

}  // namespace
}  // namespace anchorage::client
