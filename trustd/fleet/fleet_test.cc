#include "trustd/fleet/fleet.h"

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "trustd/fleet/report_service.h"

namespace anchorage::trustd {
namespace {

constexpr char kSlot[] = "aws/eu-west-1/iid-rsa2048";

v1::ReportOutcomesRequest Request(const std::string& reason) {
  v1::ReportOutcomesRequest request;
  request.set_library_version("1.0.0");
  request.set_bundle_sequence(7);
  v1::OutcomeCount& count = *request.add_counts();
  count.set_partition("aws");
  count.set_region("eu-west-1");
  count.set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  count.set_reason(reason);
  count.set_count(1);
  return request;
}

class FleetTest : public ::testing::Test {
 protected:
  void SetUp() override { Make({}); }

  void Make(const AddressList& proxies) {
    Fleet::Options options;
    options.proxies = proxies;
    options.slots = [this] { return slots_; };
    options.clock = [this] { return absl::FromUnixSeconds(0) + now_; };
    options.uptime = [this] { return now_; };
    registry_ = std::make_unique<prometheus::Registry>();
    fleet_ = std::make_unique<Fleet>(std::move(options), *registry_);
  }

  Fleet::Answer Send(int sender, const std::string& reason) {
    const auto address = IpAddress::Parse(
        absl::StrCat("10.0.", sender / 256, ".", sender % 256));
    return fleet_->Take(*address, "", Request(reason));
  }

  // From so many senders, the first of which is `first`.
  void SendAll(int first, int senders, const std::string& reason) {
    for (int i = first; i < first + senders; ++i) {
      ASSERT_TRUE(Send(i, reason).status.ok()) << i;
    }
  }

  void Pass(absl::Duration time) { now_ += time; }

  absl::Duration now_ = absl::Hours(1);
  std::vector<std::string> slots_ = {kSlot};
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<Fleet> fleet_;
};

TEST_F(FleetTest, AlertsOnceWhileASlotFails) {
  SendAll(0, 100, "");
  Pass(absl::Hours(1));
  EXPECT_TRUE(fleet_->TakeAlerts().empty());
  SendAll(0, 4, "SIGNATURE_MISMATCH");
  EXPECT_TRUE(fleet_->TakeAlerts().empty());
  SendAll(4, 1, "SIGNATURE_MISMATCH");
  const std::vector<Alert> alerts = fleet_->TakeAlerts();
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].kind, AlertKind::kFleetFailures);
  EXPECT_EQ(alerts[0].subject, kSlot);
  EXPECT_EQ(alerts[0].facts.at("senders"), "5");
  EXPECT_EQ(alerts[0].facts.at("of"), "100");
  EXPECT_EQ(alerts[0].facts.at("reasons"), "SIGNATURE_MISMATCH: 5");
  SendAll(5, 50, "SIGNATURE_MISMATCH");
  EXPECT_TRUE(fleet_->TakeAlerts().empty());
  // In the next window it goes on.
  Pass(absl::Hours(1));
  SendAll(0, 100, "SIGNATURE_MISMATCH");
  EXPECT_TRUE(fleet_->TakeAlerts().empty());
}

TEST_F(FleetTest, AlertsAgainAfterAWindowWithout) {
  SendAll(0, 100, "");
  Pass(absl::Hours(1));
  SendAll(0, 5, "SIGNATURE_MISMATCH");
  EXPECT_EQ(fleet_->TakeAlerts().size(), 1u);
  Pass(absl::Hours(1));
  SendAll(0, 100, "");
  EXPECT_TRUE(fleet_->TakeAlerts().empty());
  Pass(absl::Hours(1));
  SendAll(0, 5, "SIGNATURE_MISMATCH");
  EXPECT_EQ(fleet_->TakeAlerts().size(), 1u);
}

TEST_F(FleetTest, AlertsAgainAfterAWindowInWhichNothingCame) {
  SendAll(0, 10, "SIGNATURE_MISMATCH");
  Pass(absl::Hours(1));
  EXPECT_EQ(fleet_->TakeAlerts().size(), 1u);
  Pass(absl::Hours(2));
  SendAll(0, 10, "SIGNATURE_MISMATCH");
  Pass(absl::Hours(1));
  EXPECT_EQ(fleet_->TakeAlerts().size(), 1u);
}

TEST_F(FleetTest, TheFirstReportsOfAWindowAreNoFleet) {
  SendAll(0, 1000, "");
  Pass(absl::Hours(1));
  // 9 of the 9 that have reported, but of a fleet of 1000.
  SendAll(0, 9, "SIGNATURE_MISMATCH");
  EXPECT_TRUE(fleet_->TakeAlerts().empty());
  SendAll(9, 2, "SIGNATURE_MISMATCH");
  EXPECT_EQ(fleet_->TakeAlerts().size(), 1u);
}

TEST_F(FleetTest, TheFirstWindowOfAllHasToEnd) {
  SendAll(0, 5, "SIGNATURE_MISMATCH");
  EXPECT_TRUE(fleet_->TakeAlerts().empty());
  Pass(absl::Hours(1));
  EXPECT_EQ(fleet_->TakeAlerts().size(), 1u);
}

TEST_F(FleetTest, ASenderThatLiesIsOne) {
  SendAll(0, 100, "");
  Pass(absl::Hours(1));
  for (int i = 0; i < 60; ++i) {
    (void)Send(1, "SIGNATURE_MISMATCH");
    Pass(absl::Seconds(50));
  }
  EXPECT_TRUE(fleet_->TakeAlerts().empty());
}

TEST_F(FleetTest, LimitsEachSender) {
  for (int i = 0; i < SenderLimit::kBurst; ++i) {
    const Fleet::Answer answer = Send(1, "");
    EXPECT_TRUE(answer.status.ok());
    EXPECT_EQ(answer.seconds_until_next, 1800u);
  }
  const Fleet::Answer answer = Send(1, "");
  EXPECT_TRUE(absl::IsResourceExhausted(answer.status));
  EXPECT_EQ(answer.seconds_until_next, 60u);
  EXPECT_TRUE(Send(2, "").status.ok());
  EXPECT_EQ(fleet_->Describe(1).windows(0).reports(), SenderLimit::kBurst + 1u);
}

TEST_F(FleetTest, RefusesWhatIsNoReport) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      fleet_->Take(*IpAddress::Parse("10.0.0.1"), "", {}).status));
  EXPECT_EQ(fleet_->Describe(1).windows(0).senders(), 0u);
}

TEST_F(FleetTest, BehindAProxyTheForwardedAddressCounts) {
  Make(*AddressList::Parse({"127.0.0.1"}));
  const IpAddress proxy = *IpAddress::Parse("127.0.0.1");
  for (int i = 0; i < 10; ++i) {
    const std::string forwarded = absl::StrCat("10.9.9.9, 10.0.0.", i);
    EXPECT_TRUE(fleet_->Take(proxy, forwarded, Request("")).status.ok());
  }
  EXPECT_EQ(fleet_->Describe(1).windows(0).senders(), 10u);
}

TEST_F(FleetTest, LoopbackAddressesAreSendersLikeOthers) {
  for (int i = 1; i <= 10; ++i) {
    const auto peer = IpAddress::Parse(absl::StrCat("127.0.0.", i));
    EXPECT_TRUE(fleet_->Take(*peer, "10.0.0.1", Request("")).status.ok());
  }
  EXPECT_EQ(fleet_->Describe(1).windows(0).senders(), 10u);
}

TEST_F(FleetTest, KeepsWindowsWithoutTheirSenders) {
  SendAll(0, 3, "SIGNATURE_MISMATCH");
  Pass(absl::Hours(1));
  SendAll(0, 2, "");
  v1::GetFleetResponse response = fleet_->Describe(10);
  ASSERT_EQ(response.windows_size(), 2);
  EXPECT_EQ(response.windows(0).senders(), 2u);
  EXPECT_FALSE(response.windows(0).has_end_time());
  EXPECT_EQ(response.windows(1).senders(), 3u);
  EXPECT_EQ(response.windows(1).begin_time().seconds(), 3600);
  EXPECT_EQ(response.windows(1).end_time().seconds(), 7200);
  ASSERT_EQ(response.windows(1).failures_size(), 1);
  EXPECT_FALSE(response.windows(1).failures(0).alerted());
  // One in which nothing came is left out.
  Pass(absl::Hours(1));
  (void)fleet_->Describe(1);
  Pass(absl::Hours(1));
  response = fleet_->Describe(10);
  ASSERT_EQ(response.windows_size(), 3);
  EXPECT_EQ(response.windows(1).senders(), 2u);
  EXPECT_EQ(fleet_->Describe(2).windows_size(), 2);
}

TEST_F(FleetTest, KeepsAWeekAndNoMore) {
  for (std::size_t i = 0; i < Fleet::kMostKept + 5; ++i) {
    SendAll(0, 1, "");
    Pass(absl::Hours(1));
  }
  EXPECT_EQ(fleet_->Describe(1000).windows_size(),
            static_cast<int>(Fleet::kMostKept) + 1);
}

TEST_F(FleetTest, ASlotOfTheCatalogIsKnownFromTheNextWindowOn) {
  slots_.clear();
  Make({});
  SendAll(0, 1, "");
  EXPECT_EQ(fleet_->Describe(1).windows(0).rows(0).slot(), "other");
  slots_ = {kSlot};
  Pass(absl::Hours(1));
  SendAll(0, 1, "");
  EXPECT_EQ(fleet_->Describe(1).windows(0).rows(0).slot(), kSlot);
}

TEST_F(FleetTest, ShowsThePastWindowInMetrics) {
  SendAll(0, 7, "SIGNATURE_MISMATCH");
  Pass(absl::Hours(1));
  (void)fleet_->TakeAlerts();
  const auto value = [&](const std::string& name) {
    double sum = -1;
    for (const auto& family : registry_->Collect()) {
      if (family.name != name) continue;
      sum = 0;
      for (const auto& metric : family.metric) sum += metric.gauge.value;
    }
    return sum;
  };
  EXPECT_EQ(value("trustd_fleet_senders"), 7);
  EXPECT_EQ(value("trustd_fleet_failing_senders"), 7);
  SendAll(0, 1, "");
  Pass(absl::Hours(1));
  (void)fleet_->TakeAlerts();
  EXPECT_EQ(value("trustd_fleet_senders"), 1);
  EXPECT_EQ(value("trustd_fleet_failing_senders"), -1);
}

TEST_F(FleetTest, AnswersAPost) {
  const PostRoute route = ReportRoute(fleet_.get());
  const std::string body = Request("").SerializeAsString();
  const IpAddress peer = *IpAddress::Parse("10.0.0.1");
  PostAnswer answer = route.answer({.peer = peer, .body = body});
  EXPECT_EQ(answer.status, 200);
  v1::ReportOutcomesResponse response;
  ASSERT_TRUE(response.ParseFromString(answer.body));
  EXPECT_EQ(response.seconds_until_next(), 1800u);
  EXPECT_EQ(route.answer({.peer = peer, .body = ""}).status, 400);
  EXPECT_EQ(route.answer({.peer = peer, .body = "\xff"}).status, 400);
  for (int i = 1; i < SenderLimit::kBurst; ++i) {
    EXPECT_EQ(route.answer({.peer = peer, .body = body}).status, 200);
  }
  answer = route.answer({.peer = peer, .body = body});
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.retry_after_seconds, 60u);
}

}  // namespace
}  // namespace anchorage::trustd
