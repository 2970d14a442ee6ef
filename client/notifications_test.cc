// What a client counts, tells, writes and reports.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "anchors/baked/baked.h"
#include "anchors/base/atomic_file.h"
#include "anchors/catalog.h"
#include "client/notify/event.h"
#include "client/notify/report.h"
#include "client/transport.h"
#include "client/trust_client.h"
#include "test/identity/real_identities.h"
#include "test/support/repository_simulator.h"
#include "verify/identity/identity_policy.h"
#include "verify/reason.h"

namespace anchorage::client {
namespace {

namespace tuf = anchors::tuf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using verify::AnchorKind;
using verify::IdentityForm;
using verify::Reason;

// A server in memory.
struct World {
  tuf::RepositorySimulator repository;
  bool takes_reports = true;
  ReportAnswer answer;
  std::vector<std::string> reports;
};
World* world = nullptr;

class MemoryTransport final : public Transport, public ReportSender {
 public:
  std::unique_ptr<tuf::Fetcher> Begin(const anchors::BundleVersions&,
                                      std::string, absl::Duration) override {
    return std::make_unique<Borrowed>();
  }
  ReportSender* reports() override {
    return world->takes_reports ? this : nullptr;
  }
  ReportAnswer Send(std::string_view report, absl::Duration) override {
    world->reports.emplace_back(report);
    return world->answer;
  }
  void Cancel() override {}

 private:
  struct Borrowed final : tuf::Fetcher {
    absl::StatusOr<std::string> FetchMetadata(std::string_view name,
                                              std::size_t max_bytes) override {
      return world->repository.FetchMetadata(name, max_bytes);
    }
    absl::StatusOr<std::string> FetchTarget(std::string_view name,
                                            std::size_t max_bytes) override {
      return world->repository.FetchTarget(name, max_bytes);
    }
  };
};

class NotificationsTest : public ::testing::Test {
 protected:
  NotificationsTest() {
    world = &world_;
    world_.repository.AddTarget("targets",
                                std::string(anchors::kCatalogTargetPath),
                                anchors::DefaultBakedBundle().files.catalog());
    world_.repository.Publish({"targets", "snapshot", "timestamp"});
    options_.server = "memory";
    options_.trusted_root = world_.repository.published("root", 1);
    options_.background_refresh = false;
    options_.baked.as_of = now_;
    options_.clock = [this] { return now_; };
    options_.on_event = [this](const Event& event) {
      events_.push_back(event);
    };
    for (test::RealIdentity& each : test::CarriedIdentities()) {
      if (each.genuine && each.form == IdentityForm::kSignature) {
        identity_ = std::move(each);
      }
    }
  }

  static absl::StatusOr<std::unique_ptr<TrustClient>> Create(
      TrustClientOptions options) {
    return TrustClient::CreateWith(
        std::move(options),
        [](const TrustClientOptions& given)
            -> absl::StatusOr<std::unique_ptr<Transport>> {
          if (given.server.empty()) return nullptr;
          return std::make_unique<MemoryTransport>();
        });
  }
  std::unique_ptr<TrustClient> Make() {
    auto client = Create(options_);
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  std::optional<Reason> Verify(const TrustClient& client,
                               verify::Trace* trace = nullptr) {
    return verify::ReasonOf(
        client.VerifyIdentity(identity_.evidence(), *policy_, nullptr, trace)
            .status());
  }

  // Those that came since the last call.
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const Event& event : events_) names.emplace_back(NameOf(event.name));
    events_.clear();
    return names;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  World world_{.repository = tuf::RepositorySimulator(now_),
               .answer = {},
               .reports = {}};
  TrustClientOptions options_;
  std::vector<Event> events_;
  test::RealIdentity identity_;
  const absl::StatusOr<verify::IdentityPolicy> policy_ =
      verify::IdentityPolicy::AuthenticityOnly("a test");
};

// --- Verifications -----------------------------------------------------------

TEST_F(NotificationsTest, WhatIsAcceptedIsCountedInTheAnchorsSlot) {
  const auto client = Make();
  EXPECT_EQ(Verify(*client), std::nullopt);
  EXPECT_EQ(Verify(*client), std::nullopt);
  EXPECT_THAT(events_, IsEmpty());
  const auto counters = client->counters();
  ASSERT_THAT(counters, SizeIs(1));
  EXPECT_EQ(counters[0].slot.region, identity_.region);
  EXPECT_EQ(counters[0].slot.partition, "aws");
  EXPECT_EQ(counters[0].slot.kind, AnchorKind::kIidRsa1024);
  EXPECT_EQ(counters[0].reason, std::nullopt);
  EXPECT_EQ(counters[0].count, 2u);
}

TEST_F(NotificationsTest, ASignatureOfNobodysKeyIsASignerUnknownInItsSlot) {
  const auto client = Make();
  identity_.signature[5] ^= 1;
  EXPECT_EQ(Verify(*client), Reason::kSignatureMismatch);
  ASSERT_THAT(events_, SizeIs(1));
  EXPECT_EQ(events_[0].name, EventName::kSignerUnknown);
  EXPECT_EQ(events_[0].reason, "SIGNATURE_MISMATCH");
  EXPECT_EQ(events_[0].check, "signature");
  EXPECT_EQ(events_[0].partition, "aws");
  EXPECT_EQ(events_[0].region, identity_.region);
  EXPECT_EQ(events_[0].kind, AnchorKind::kIidRsa1024);
  ASSERT_THAT(client->counters(), SizeIs(1));
  EXPECT_EQ(client->counters()[0].slot.region, identity_.region);
}

TEST_F(NotificationsTest, ARegionThatNoAnchorIsKnownForIsNotCountedByName) {
  const auto client = Make();
  const std::size_t at = identity_.document.find(
      identity_.region, identity_.document.find("\"region\""));
  identity_.document.replace(at, identity_.region.size(), "mars-north-1");
  EXPECT_EQ(Verify(*client), Reason::kRegionUnknown);
  ASSERT_THAT(events_, SizeIs(1));
  EXPECT_EQ(events_[0].name, EventName::kSignerUnknown);
  EXPECT_EQ(events_[0].partition, "");
  EXPECT_EQ(events_[0].region, "");
  EXPECT_EQ(events_[0].kind, AnchorKind::kIidRsa1024);
  EXPECT_EQ(client->counters().at(0).slot.region, "");
}

TEST_F(NotificationsTest, AnUnreadableAttestationIsOfThePolicysPartition) {
  const auto client = Make();
  for (const char* partition : {"aws-us-gov", "nowhere"}) {
    const auto policy = verify::NitroTpmPolicy::Builder()
                            .ExpectPartition(partition)
                            .AuthenticityOnly("test")
                            .Build();
    ASSERT_TRUE(policy.ok()) << policy.status();
    EXPECT_FALSE(client->VerifyNitroTpm("x", *policy).ok());
  }
  const auto counters = client->counters();
  ASSERT_THAT(counters, SizeIs(2));
  EXPECT_EQ(verify::ToString(counters[0].slot), "//nitro-root");
  EXPECT_EQ(verify::ToString(counters[1].slot), "aws-us-gov//nitro-root");
}

TEST_F(NotificationsTest, ACallersTraceIsStillTheCallers) {
  const auto client = Make();
  identity_.signature[5] ^= 1;
  verify::Trace trace;
  EXPECT_EQ(Verify(*client, &trace), Reason::kSignatureMismatch);
  EXPECT_EQ(trace.failed_check(), "signature");
  EXPECT_GT(trace.entries().size(), 10u);
  EXPECT_EQ(events_.at(0).check, "signature");
}

TEST_F(NotificationsTest, ACallbackDecidesNothing) {
  options_.on_event = [](const Event&) { throw std::runtime_error("no"); };
  const auto client = Make();
  EXPECT_EQ(Verify(*client), std::nullopt);
  identity_.signature[5] ^= 1;
  EXPECT_EQ(Verify(*client), Reason::kSignatureMismatch);
  EXPECT_TRUE(client->Refresh().ok());
}

TEST_F(NotificationsTest, ACallbackThatIsToldOfARefreshCannotAskForOne) {
  TrustClient* client_that_tells = nullptr;
  absl::Status again;
  options_.on_event = [&](const Event& event) {
    events_.push_back(event);
    again = client_that_tells->Refresh();
  };
  const auto client = Make();
  client_that_tells = client.get();
  EXPECT_TRUE(client->Refresh().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(again)) << again;
  EXPECT_THAT(Names(), ElementsAre("REFRESHED"));
  EXPECT_TRUE(client->Refresh().ok());
}

TEST_F(NotificationsTest, WhatCannotBeReadIsCountedAndTold) {
  const auto client = Make();
  client->CountUnreadable(
      verify::DecodeIdentitySignature(verify::IdentityForm::kPkcs7, "<html>")
          .status(),
      verify::IdentityForm::kPkcs7);
  client->CountUnreadable(absl::InternalError(""),
                          verify::IdentityForm::kPkcs7);
  EXPECT_THAT(Names(), ElementsAre("VERIFICATION_REFUSED"));
  ASSERT_THAT(client->counters(), SizeIs(1));
  EXPECT_EQ(client->counters()[0].reason, Reason::kEncodingMalformed);
  EXPECT_EQ(client->counters()[0].count, 1u);
}

TEST_F(NotificationsTest, ACallbackMayUseTheClient) {
  const TrustClient* client_that_tells = nullptr;
  options_.on_event = [&](const Event& event) {
    events_.push_back(event);
    EXPECT_EQ(client_that_tells->counters().size(), 1u);
    (void)Verify(*client_that_tells);
  };
  const auto client = Make();
  client_that_tells = client.get();
  identity_.signature[5] ^= 1;
  (void)Verify(*client);
  EXPECT_THAT(Names(), ElementsAre("SIGNER_UNKNOWN"));
  EXPECT_EQ(client->counters().at(0).count, 2u);
}

TEST_F(NotificationsTest, WhoVerifiesTellsNothingWhereThatIsNotWanted) {
  options_.events_while_verifying = false;
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_THAT(Names(), ElementsAre("REFRESHED"));
  now_ += absl::Hours(24 * 3650);
  identity_.signature[5] ^= 1;
  (void)Verify(*client);
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_THAT(client->counters(), SizeIs(1));
  EXPECT_FALSE(client->Refresh().ok());
  EXPECT_THAT(Names(), ElementsAre("UPDATE_REFUSED", "EXPIRED"));
}

// --- The set in use ----------------------------------------------------------

TEST_F(NotificationsTest, WhoVerifiesNoticesThatTheSetHasBecomeOld) {
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  (void)Verify(*client);
  EXPECT_THAT(Names(), ElementsAre("REFRESHED"));
  now_ = client->state().provenance.fresh_until + absl::Seconds(1);
  (void)Verify(*client);
  (void)Verify(*client);
  EXPECT_THAT(Names(), ElementsAre("STALE"));
  now_ += options_.max_stale;
  (void)Verify(*client);
  (void)Verify(*client);
  EXPECT_THAT(Names(), ElementsAre("EXPIRED"));
}

TEST_F(NotificationsTest, ARefusalForWantOfAFreshSetHasThatReason) {
  options_.identity_when_expired = WhenExpired::kRefuse;
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  events_.clear();
  now_ += absl::Hours(24 * 3650);
  EXPECT_EQ(Verify(*client), Reason::kAnchorsExpired);
  EXPECT_THAT(Names(), ElementsAre("EXPIRED", "VERIFICATION_REFUSED"));
  EXPECT_EQ(client->counters().at(0).slot.kind, AnchorKind::kIidRsa1024);
}

TEST_F(NotificationsTest, TwoTextsOfOneTimestampAreAnEquivocation) {
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_THAT(Names(), ElementsAre("REFRESHED"));
  world_.repository.timestamp.expires += absl::Seconds(1);
  world_.repository.PublishAgain({"timestamp"});
  (void)client->Refresh();
  EXPECT_THAT(Names(), ElementsAre("REFRESHED", "EQUIVOCATION"));
}

TEST_F(NotificationsTest, ABundleFromTheFutureMakesTheClockSuspect) {
  now_ = anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog())
             ->created -
         absl::Hours(48);
  const auto client = Make();
  EXPECT_FALSE(client->Refresh().ok());
  EXPECT_THAT(Names(), ElementsAre("UPDATE_REFUSED", "CLOCK_SUSPECT"));
}

TEST_F(NotificationsTest, AServerThatIsAwayIsUnreachable) {
  const auto client = Make();
  world_.repository.failures["timestamp.json"] = absl::UnavailableError("away");
  EXPECT_FALSE(client->Refresh().ok());
  ASSERT_THAT(events_, SizeIs(1));
  EXPECT_EQ(events_[0].name, EventName::kUnreachable);
  EXPECT_EQ(events_[0].reason, "FETCH_FAILED");
}

// --- The file ----------------------------------------------------------------

TEST_F(NotificationsTest, ARefreshWritesTheMetrics) {
  options_.metrics_file = ::testing::TempDir() + "notifications_test.prom";
  std::filesystem::remove(options_.metrics_file);
  const auto client = Make();
  (void)Verify(*client);
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_THAT(
      anchors::ReadFile(options_.metrics_file, 1 << 20).value_or(""),
      HasSubstr(
          "anchorage_client_refreshes_total{client=\"notifications_test\","
          "outcome=\"refreshed\"} 1\n"));
  EXPECT_TRUE(client->state().metrics_file.ok());
}

// Of a folder that a timer keeps fresh: without a server there is no thread.
TEST_F(NotificationsTest, AClientOfAFolderAloneWritesThemToo) {
  options_.cache_folder = ::testing::TempDir() + "folder_alone";
  ASSERT_TRUE(Make()->Refresh().ok());
  options_.server.clear();
  options_.background_refresh = true;
  options_.metrics_file = ::testing::TempDir() + "folder_alone.prom";
  std::filesystem::remove(options_.metrics_file);
  ASSERT_TRUE(Make()->Refresh().ok());
  EXPECT_TRUE(std::filesystem::exists(options_.metrics_file));
}

TEST_F(NotificationsTest, AFileThatCannotBeWrittenIsSaid) {
  options_.metrics_file = ::testing::TempDir() + "no/such/folder/x.prom";
  const auto client = Make();
  EXPECT_TRUE(client->Refresh().ok());
  EXPECT_FALSE(client->state().metrics_file.ok());
}

// --- Reports -----------------------------------------------------------------

TEST_F(NotificationsTest, NothingIsReportedUnlessItIsAskedFor) {
  const auto client = Make();
  (void)Verify(*client);
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_THAT(world_.reports, IsEmpty());
}

TEST_F(NotificationsTest, ARefreshIsFollowedByTheReportThatIsDue) {
  options_.report_outcomes = true;
  const auto client = Make();
  (void)Verify(*client);
  now_ += options_.report_interval;
  ASSERT_TRUE(client->Refresh().ok());
  ASSERT_THAT(world_.reports, SizeIs(1));
  EXPECT_THAT(world_.reports[0], HasSubstr(identity_.region));
  EXPECT_EQ(client->state().reports_sent, 1u);
  (void)Verify(*client);
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_THAT(world_.reports, SizeIs(1)) << "before its time";
  now_ += options_.report_interval * 1.2;
  world_.answer = {absl::UnavailableError("down")};
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_THAT(world_.reports, SizeIs(2));
  EXPECT_EQ(client->state().reports_failed, 1u);
  EXPECT_FALSE(client->state().last_report.ok());
}

TEST_F(NotificationsTest, OutcomesAreReportedThoughNoRefreshSucceeds) {
  options_.report_outcomes = true;
  const auto client = Make();
  world_.repository.failures["timestamp.json"] = absl::UnavailableError("away");
  (void)Verify(*client);
  now_ += options_.report_interval;
  EXPECT_FALSE(client->Refresh().ok());
  EXPECT_THAT(world_.reports, SizeIs(1));
}

TEST_F(NotificationsTest, WhatContradictsItselfIsRefused) {
  const auto code = [&](auto change) {
    TrustClientOptions options = options_;
    change(options);
    return Create(options).status().code();
  };
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_EQ(code([](auto& o) { o.metrics_file = "x.prom"; }), kInvalid);
  EXPECT_EQ(code([](auto& o) { o.metrics_file = "/tmp/x.txt"; }), kInvalid);
  EXPECT_EQ(code([](auto& o) { o.report_interval = absl::Seconds(1); }),
            kInvalid);
  EXPECT_EQ(code([](auto& o) { o.report_sample_one_in = 0; }), kInvalid);
  EXPECT_EQ(code([](auto& o) {
              o.report_outcomes = true;
              o.server = "";
            }),
            kInvalid);
  world_.takes_reports = false;
  EXPECT_EQ(code([](auto& o) { o.report_outcomes = true; }), kInvalid);
  EXPECT_EQ(code([](auto&) {}), absl::StatusCode::kOk);
}

}  // namespace
}  // namespace anchorage::client
