// A client of several servers, and when it asks them.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "anchors/tuf/tuf_error.h"
#include "client/trust_client.h"
#include "test/support/repository_simulator.h"

namespace anchorage::client {
namespace {

namespace tuf = anchors::tuf;
using tuf::TufReason;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// A server in memory, which serves a repository or fails.
struct Server {
  tuf::Fetcher* files = nullptr;
  absl::Status failure;
  absl::Duration retry_after;
  // What the client gave it at each refresh.
  std::vector<absl::Duration> times;
  bool cancelled = false;
};

// By their names.
std::map<std::string, Server>& Servers() {
  static auto& servers = *new std::map<std::string, Server>();
  return servers;
}

class MemoryTransport final : public Transport {
 public:
  explicit MemoryTransport(Server& server) : server_(server) {}

  std::unique_ptr<tuf::Fetcher> Begin(const anchors::BundleVersions&,
                                      std::string,
                                      absl::Duration time) override {
    server_.times.push_back(time);
    return std::make_unique<Files>(server_);
  }
  absl::Duration retry_after() const override { return server_.retry_after; }
  void Cancel() override { server_.cancelled = true; }

 private:
  class Files final : public tuf::Fetcher {
   public:
    explicit Files(Server& server) : server_(server) {}
    absl::StatusOr<std::string> FetchMetadata(std::string_view name,
                                              std::size_t max_bytes) override {
      if (!server_.failure.ok()) return server_.failure;
      return server_.files->FetchMetadata(name, max_bytes);
    }
    absl::StatusOr<std::string> FetchTarget(std::string_view name,
                                            std::size_t max_bytes) override {
      return server_.files->FetchTarget(name, max_bytes);
    }

   private:
    Server& server_;
  };

  Server& server_;
};

absl::StatusOr<std::unique_ptr<Transport>> Open(
    const TrustClientOptions& options) {
  return std::make_unique<MemoryTransport>(Servers()[options.server]);
}

class TrustClientServersTest : public ::testing::Test {
 protected:
  TrustClientServersTest() {
    Publish(1);
    first_.files = second_.files = &repository_;
  }
  ~TrustClientServersTest() override { Servers().clear(); }

  void Publish(std::uint64_t sequence) {
    auto catalog =
        anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
    catalog->sequence = sequence;
    repository_.AddTarget("targets", std::string(anchors::kCatalogTargetPath),
                          anchors::SerializeCatalog(*catalog));
    repository_.Publish({"targets", "snapshot", "timestamp"});
  }

  TrustClientOptions Options() const {
    TrustClientOptions options;
    options.server = "first:1";
    options.further_servers = {{.server = "second:1"}};
    options.trusted_root = repository_.published("root", 1);
    options.background_refresh = false;
    options.clock = [this] { return now_; };
    options.random = [] { return 0.5; };
    return options;
  }

  std::unique_ptr<TrustClient> Make() const { return Make(Options()); }
  static std::unique_ptr<TrustClient> Make(TrustClientOptions options) {
    auto client = TrustClient::CreateWith(std::move(options), &Open);
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  absl::Time now_ = kNow;
  tuf::RepositorySimulator repository_{kNow};
  Server& first_ = Servers()["first:1"];
  Server& second_ = Servers()["second:1"];
};

TEST_F(TrustClientServersTest, AsksTheFirstAlone) {
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_TRUE(second_.times.empty());
  const auto servers = client->state().servers;
  ASSERT_EQ(servers->size(), 2u);
  EXPECT_EQ((*servers)[0].name, "first:1");
  EXPECT_TRUE((*servers)[0].answered_last);
  EXPECT_FALSE((*servers)[1].answered_last);
}

TEST_F(TrustClientServersTest, AsksTheSecondWhereTheFirstDoesNotAnswer) {
  const auto client = Make();
  first_.failure = absl::UnavailableError("down");
  ASSERT_TRUE(client->Refresh().ok());
  const TrustClientState state = client->state();
  EXPECT_EQ(state.refreshed, 1u);
  EXPECT_EQ(state.unreachable, 0u);
  EXPECT_TRUE((*state.servers)[1].answered_last);
  EXPECT_EQ(tuf::TufReasonOf((*state.servers)[0].last),
            TufReason::kFetchFailed);
  first_.failure = absl::OkStatus();
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_TRUE((*client->state().servers)[0].answered_last);
}

// What is trusted never depends on who sends it.
TEST_F(TrustClientServersTest, AsksTheSecondWhereTheFirstLies) {
  tuf::RepositorySimulator other(kNow);
  other.RotateKeys("timestamp");
  other.Publish({"root", "timestamp"});
  other.metadata.erase("2.root.json");
  first_.files = &other;
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(tuf::TufReasonOf((*client->state().servers)[0].last),
            TufReason::kThresholdNotMet);
  EXPECT_EQ(client->state().provenance.sequence, 1u);
}

TEST_F(TrustClientServersTest, AsksTheSecondWhereTheFirstHasStoodStill) {
  repository_.timestamp.expires = kNow + absl::Hours(1);
  Publish(1);
  tuf::RepositorySimulator still = repository_;
  first_.files = &still;
  const auto client = Make();
  repository_.timestamp.expires = kNow + absl::Hours(3);
  Publish(2);
  now_ = kNow + absl::Hours(2);
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(tuf::TufReasonOf((*client->state().servers)[0].last),
            TufReason::kTimestampExpired);
  EXPECT_EQ(client->state().provenance.sequence, 2u);
}

TEST_F(TrustClientServersTest, SaysThatAnAnswerWasRefusedBeforeThatNoneCame) {
  first_.failure = absl::UnavailableError("down");
  repository_.metadata["timestamp.json"] = "{}";
  const auto client = Make();
  EXPECT_FALSE(client->Refresh().ok());
  EXPECT_EQ(client->state().rejected, 1u);
  EXPECT_EQ(client->state().unreachable, 0u);
  second_.failure = absl::UnavailableError("down too");
  EXPECT_EQ(tuf::TufReasonOf(client->Refresh()), TufReason::kFetchFailed);
  EXPECT_EQ(client->state().unreachable, 1u);
}

TEST_F(TrustClientServersTest, OneThatStallsLeavesTimeForTheNext) {
  TrustClientOptions options = Options();
  options.further_servers.push_back({.server = "third:1"});
  options.refresh_budget = absl::Seconds(30);
  first_.failure = second_.failure = absl::DeadlineExceededError("stalled");
  Servers()["third:1"].files = &repository_;
  ASSERT_TRUE(Make(options)->Refresh().ok());
  ASSERT_EQ(first_.times.size(), 1u);
  EXPECT_LE(first_.times[0], absl::Seconds(10));
  EXPECT_GT(first_.times[0], absl::Seconds(9));
  EXPECT_LE(second_.times[0], absl::Seconds(15));
  EXPECT_GT(Servers()["third:1"].times[0], absl::Seconds(15));
}

TEST_F(TrustClientServersTest, CancelEndsAll) {
  const auto client = Make();
  client->Cancel();
  EXPECT_TRUE(first_.cancelled);
  EXPECT_TRUE(second_.cancelled);
}

TEST_F(TrustClientServersTest, NamesNoPassword) {
  TrustClientOptions options = Options();
  options.server.clear();
  options.metadata_url = "https://user:secret@cdn.example/tuf/";
  EXPECT_EQ((*Make(options)->state().servers)[0].name, "...@cdn.example/tuf/");
}

TEST_F(TrustClientServersTest,
       RefusesServersWithoutAFirstAndAProxyItCannotUse) {
  const auto code_of = [](TrustClientOptions options) {
    return TrustClient::CreateWith(std::move(options), &Open).status().code();
  };
  TrustClientOptions options = Options();
  options.server.clear();
  EXPECT_EQ(code_of(options), absl::StatusCode::kInvalidArgument);
  options = Options();
  options.further_servers.push_back({});
  EXPECT_EQ(code_of(options), absl::StatusCode::kInvalidArgument);
  options = Options();
  options.further_servers.resize(17, options.further_servers[0]);
  EXPECT_EQ(code_of(options), absl::StatusCode::kInvalidArgument);
  options = Options();
  options.proxy = "socks5://127.0.0.1:1";
  EXPECT_EQ(code_of(options), absl::StatusCode::kInvalidArgument);
  options.proxy = "https://127.0.0.1:1";
  EXPECT_EQ(code_of(options), absl::StatusCode::kInvalidArgument)
      << "gRPC knows http alone";
  options = Options();
  options.refresh_budget = absl::InfiniteDuration();
  EXPECT_EQ(code_of(options), absl::StatusCode::kInvalidArgument);
}

// --- When ------------------------------------------------------------------

TEST_F(TrustClientServersTest, SaysWhenToAskNext) {
  const auto client = Make();
  EXPECT_EQ(client->FirstPause(), absl::ZeroDuration());
  RefreshResult result = client->RefreshOnce();
  EXPECT_TRUE(result.ended.ok()) << result.ended;
  EXPECT_EQ(result.pause, absl::Hours(1));
  first_.failure = second_.failure = absl::UnavailableError("down");
  EXPECT_EQ(client->RefreshOnce().pause, absl::Seconds(5));
  second_.retry_after = absl::Minutes(10);
  EXPECT_EQ(client->RefreshOnce().pause, absl::Minutes(11));
}

TEST_F(TrustClientServersTest, WithoutAServerThereIsNothingToWaitFor) {
  const auto client = Make(TrustClientOptions());
  EXPECT_EQ(client->FirstPause(), absl::InfiniteDuration());
  const RefreshResult result = client->RefreshOnce();
  EXPECT_EQ(result.ended.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(result.pause, absl::InfiniteDuration());
}

TEST_F(TrustClientServersTest, AStartWithAFreshCacheIsSpread) {
  TrustClientOptions options = Options();
  options.cache_folder = ::testing::TempDir() + "/spread";
  std::filesystem::remove_all(options.cache_folder);
  ASSERT_TRUE(Make(options)->Refresh().ok());
  EXPECT_EQ(Make(options)->FirstPause(), absl::Seconds(150));
  now_ += absl::Hours(24 * 365 * 2);
  EXPECT_EQ(Make(options)->FirstPause(), absl::ZeroDuration())
      << "what it has is no longer fresh";
}

// --- What is not verified again ---------------------------------------------

TEST_F(TrustClientServersTest, WhatHasNotChangedShowsHowNewItIs) {
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  const auto before = client->anchors();
  now_ += absl::Hours(1);
  ASSERT_TRUE(client->Refresh().ok());
  const auto after = client->anchors();
  EXPECT_EQ(after->provenance().as_of, now_);
  EXPECT_EQ(after->provenance().fresh_until, before->provenance().fresh_until);
  EXPECT_EQ(after->anchors().data(), before->anchors().data())
      << "the same anchors, not others that are like them";
}

TEST_F(TrustClientServersTest, WhatHasNotChangedExpiresAllTheSame) {
  repository_.timestamp.expires = kNow + absl::Hours(1);
  repository_.Publish({"timestamp"});
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  now_ += absl::Hours(1);
  EXPECT_EQ(tuf::TufReasonOf(client->Refresh()), TufReason::kTimestampExpired);
}

TEST_F(TrustClientServersTest, ANewRootEndsWhatHasNotChanged) {
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  repository_.RotateKeys("timestamp");
  repository_.Publish({"root"});
  EXPECT_EQ(tuf::TufReasonOf(client->Refresh()), TufReason::kThresholdNotMet);
  now_ += absl::Seconds(1);
  EXPECT_NE(client->state().freshness, verify::Freshness::kFresh);
  repository_.Publish({"timestamp"});
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(client->state().freshness, verify::Freshness::kFresh);
}

TEST_F(TrustClientServersTest, ARootThatHasExpiredIsSeenAmongUnchangedFiles) {
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  repository_.root.expires = now_ + absl::Hours(1);
  repository_.Publish({"root"});
  ASSERT_TRUE(client->Refresh().ok());
  ASSERT_TRUE(client->Refresh().ok());
  now_ += absl::Hours(2);
  EXPECT_EQ(tuf::TufReasonOf(client->Refresh()), TufReason::kRootExpired);
}

TEST_F(TrustClientServersTest, AClockThatWasSetBackIsSeenAmongUnchangedFiles) {
  const auto client = Make();
  ASSERT_TRUE(client->Refresh().ok());
  now_ = absl::FromUnixSeconds(1'000'000'000);
  EXPECT_EQ(tuf::TufReasonOf(client->Refresh()), TufReason::kClockSuspect);
}

}  // namespace
}  // namespace anchorage::client
