// A client whose repository is a folder on a web server.

#include <gtest/gtest.h>
#include <httplib.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "anchors/tuf/tuf_error.h"
#include "client/trust_client.h"
#include "test/support/repository_simulator.h"
#include "test/support/server_certificate.h"

namespace anchorage::client {
namespace {

namespace tuf = anchors::tuf;
using tuf::TufReason;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// Serves a simulated repository under "/tuf/" and "/tuf/targets/".
class FileServer {
 public:
  explicit FileServer(std::unique_ptr<httplib::Server> server)
      : server_(std::move(server)) {
    Publish(1);
    server_->Get("/tuf/(.*)", [this](const httplib::Request& request,
                                     httplib::Response& response) {
      const std::lock_guard<std::mutex> lock(mutex_);
      Serve(request.target.substr(std::string_view("/tuf/").size()), response);
      if (!sends_tags || response.status != 200) return;
      const std::string tag =
          absl::StrCat("\"", std::hash<std::string>()(response.body), "\"");
      response.set_header("ETag", tag);
      if (request.get_header_value("If-None-Match") != tag) return;
      response.status = 304;
      response.body.clear();
      ++unchanged;
    });
    port_ = server_->bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_->listen_after_bind(); });
    while (!server_->is_running()) absl::SleepFor(absl::Milliseconds(1));
  }
  ~FileServer() { Stop(); }

  void Stop() {
    server_->stop();
    if (thread_.joinable()) thread_.join();
  }

  // Signs a catalog of that sequence.
  void Publish(std::uint64_t sequence) {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto catalog =
        anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
    catalog->sequence = sequence;
    repository.AddTarget("targets", std::string(anchors::kCatalogTargetPath),
                         anchors::SerializeCatalog(*catalog));
    repository.Publish({"targets", "snapshot", "timestamp"});
  }

  std::string root() const { return repository.published("root", 1); }
  std::string url(const std::string& scheme = "http") const {
    return absl::StrCat(scheme, "://127.0.0.1:", port_, "/tuf/");
  }

  tuf::RepositorySimulator repository{kNow};
  // Called before each answer.
  std::function<void()> before_answer;
  bool sends_tags = false;
  // How often it answered that.
  int unchanged = 0;

 private:
  void Serve(const std::string& name, httplib::Response& response) {
    if (before_answer) before_answer();
    constexpr std::string_view kTargets = "targets/";
    const auto file =
        name.starts_with(kTargets)
            ? repository.FetchTarget(name.substr(kTargets.size()), 1 << 30)
            : repository.FetchMetadata(name, 1 << 30);
    response.status = file.ok()                         ? 200
                      : absl::IsNotFound(file.status()) ? 404
                                                        : 500;
    if (file.ok()) response.set_content(*file, "application/json");
  }

  const std::unique_ptr<httplib::Server> server_;
  std::mutex mutex_;
  int port_ = 0;
  std::thread thread_;
};

class TrustClientHttpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
  }

  TrustClientOptions Options() const {
    TrustClientOptions options;
    options.metadata_url = server_.url();
    options.trusted_root = server_.root();
    options.cache_folder = folder_;
    options.background_refresh = false;
    options.rpc_timeout = absl::Seconds(5);
    options.clock = [] { return kNow; };
    return options;
  }

  static std::unique_ptr<TrustClient> Make(TrustClientOptions options) {
    auto client = TrustClient::Create(std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  static absl::StatusCode CodeOf(TrustClientOptions options) {
    return TrustClient::Create(std::move(options)).status().code();
  }

  FileServer server_{std::make_unique<httplib::Server>()};
  std::string folder_;
};

TEST_F(TrustClientHttpTest, AdoptsWhatTheRepositorySigned) {
  server_.Publish(7);
  const auto client = Make(Options());
  const absl::Status refreshed = client->Refresh();
  ASSERT_TRUE(refreshed.ok()) << refreshed;
  const TrustClientState state = client->state();
  EXPECT_EQ(state.provenance.origin, verify::Origin::kServer);
  EXPECT_EQ(state.provenance.sequence, 7u);
  EXPECT_EQ(state.freshness, verify::Freshness::kFresh);
  EXPECT_EQ(state.regions, 39);
}

TEST_F(TrustClientHttpTest, AsksForNothingThatItHas) {
  const auto client = Make(Options());
  ASSERT_TRUE(client->Refresh().ok());
  server_.repository.requests.clear();
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(server_.repository.requests,
            (std::vector<std::string>{"2.root.json", "timestamp.json"}));
}

TEST_F(TrustClientHttpTest, IsToldThatNothingChanged) {
  server_.sends_tags = true;
  const auto client = Make(Options());
  ASSERT_TRUE(client->Refresh().ok());
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(server_.unchanged, 1);
  server_.Publish(2);
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(server_.unchanged, 1);
  EXPECT_EQ(client->state().provenance.sequence, 2u);
}

TEST_F(TrustClientHttpTest, AsksAProxyOnlyWhereItIsTold) {
  TrustClientOptions options = Options();
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  EXPECT_TRUE(Make(options)->Refresh().ok());
  options.proxy = std::nullopt;
  EXPECT_FALSE(Make(options)->Refresh().ok());
  options.proxy = "http://127.0.0.1:1";
  ::unsetenv("http_proxy");
  EXPECT_FALSE(Make(options)->Refresh().ok());
}

TEST_F(TrustClientHttpTest, StartsFromItsCacheTheNextTime) {
  server_.Publish(7);
  ASSERT_TRUE(Make(Options())->Refresh().ok());
  const TrustClientOptions options = Options();
  server_.Stop();
  const auto client = Make(options);
  EXPECT_EQ(client->state().provenance.origin, verify::Origin::kCache);
  EXPECT_EQ(client->state().provenance.sequence, 7u);
  EXPECT_EQ(tuf::TufReasonOf(client->Refresh()), TufReason::kFetchFailed);
  EXPECT_EQ(client->state().unreachable, 1u);
  EXPECT_EQ(client->state().provenance.sequence, 7u);
}

// A host that changed its folder got another cache with each client, and a
// client wrote wherever the host had gone.
TEST_F(TrustClientHttpTest, ItsCacheStaysWhereItWas) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::create_directories(folder_ + "/there");
  std::filesystem::current_path(folder_);
  TrustClientOptions options = Options();
  options.cache_folder = "cache";
  const auto client = Make(options);
  std::filesystem::current_path(folder_ + "/there");
  const bool refreshed = client->Refresh().ok();
  std::filesystem::current_path(before);
  EXPECT_TRUE(refreshed);
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/cache/timestamp.json"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/there/cache"));
}

TEST_F(TrustClientHttpTest, ARelativeCacheOfNoFolderIsRefused) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::create_directories(folder_ + "/gone");
  std::filesystem::current_path(folder_ + "/gone");
  std::filesystem::remove(folder_ + "/gone");
  TrustClientOptions options = Options();
  options.cache_folder = "cache";
  const absl::StatusCode code = CodeOf(options);
  std::filesystem::current_path(before);
  EXPECT_EQ(code, absl::StatusCode::kInvalidArgument);
}

// What is written after it reported that all is well.
TEST_F(TrustClientHttpTest, ABundleThatIsNotKeptIsReported) {
  const auto client = Make(Options());
  // A folder that is not empty cannot be replaced by a file.
  std::filesystem::create_directories(folder_ + "/last_verified.bundle/x");
  EXPECT_TRUE(client->Refresh().ok());
  EXPECT_FALSE(client->state().cache.ok());
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/.held-a-bundle"));
  std::filesystem::remove_all(folder_ + "/last_verified.bundle");
  server_.Publish(2);
  EXPECT_TRUE(client->Refresh().ok());
  EXPECT_TRUE(client->state().cache.ok()) << client->state().cache;
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/.held-a-bundle"));
}

// A refresh at a clock that was set back ended CLOCK_SUSPECT, with nothing new.
TEST_F(TrustClientHttpTest, TheSameTimestampIsNoOlderAnswer) {
  absl::Time now = kNow;
  TrustClientOptions options = Options();
  options.clock = [&now] { return now; };
  const auto client = Make(options);
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(client->state().provenance.as_of, kNow);
  now = kNow - absl::Hours(20);
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(client->state().provenance.as_of, kNow);
  server_.Publish(2);
  now = kNow + absl::Hours(1);
  ASSERT_TRUE(client->Refresh().ok());
  EXPECT_EQ(client->state().provenance.as_of, now);
}

TEST_F(TrustClientHttpTest, SaysHowTheAnchorsStandThatItGives) {
  const auto client = Make(Options());
  ASSERT_TRUE(client->Refresh().ok());
  AnchorsUsed used;
  const auto anchors = client->anchors(&used);
  EXPECT_EQ(used.provenance, anchors->provenance());
  EXPECT_EQ(used.freshness, verify::Freshness::kFresh);
}

TEST_F(TrustClientHttpTest, FollowsTheRoots) {
  ASSERT_TRUE(Make(Options())->Refresh().ok());
  server_.repository.RotateKeys("timestamp");
  server_.repository.Publish({"root", "timestamp"});
  server_.Publish(2);
  const auto client = Make(Options());
  const absl::Status refreshed = client->Refresh();
  ASSERT_TRUE(refreshed.ok()) << refreshed;
  EXPECT_EQ(client->state().provenance.sequence, 2u);
  server_.Stop();
  EXPECT_EQ(Make(Options())->state().provenance.sequence, 2u)
      << "the cache has the roots that lead to it";
}

TEST_F(TrustClientHttpTest, RefusesAChangedByteAndKeepsWhatItHas) {
  const auto client = Make(Options());
  ASSERT_TRUE(client->Refresh().ok());
  server_.Publish(2);
  for (auto& [name, bytes] : server_.repository.files) bytes.back() ^= 1;
  EXPECT_EQ(tuf::TufReasonOf(client->Refresh()),
            TufReason::kTargetHashMismatch);
  EXPECT_EQ(client->state().rejected, 1u);
  EXPECT_EQ(client->state().provenance.sequence, 1u);
}

TEST_F(TrustClientHttpTest, RefusesToGoBack) {
  const std::string first = server_.repository.metadata.at("timestamp.json");
  server_.Publish(2);
  const auto client = Make(Options());
  ASSERT_TRUE(client->Refresh().ok());
  server_.repository.metadata["timestamp.json"] = first;
  EXPECT_EQ(tuf::TufReasonOf(client->Refresh()), TufReason::kTimestampRollback);
  EXPECT_EQ(client->state().provenance.sequence, 2u);
}

TEST_F(TrustClientHttpTest, AServerThatIsBrokenIsNotOneThatHasNothingNewer) {
  const auto client = Make(Options());
  ASSERT_TRUE(client->Refresh().ok());
  server_.repository.failures["2.root.json"] = absl::InternalError("oops");
  EXPECT_EQ(tuf::TufReasonOf(client->Refresh()), TufReason::kFetchFailed);
  EXPECT_EQ(client->state().unreachable, 1u);
}

TEST_F(TrustClientHttpTest, TargetsMayBeElsewhere) {
  server_.Publish(2);
  TrustClientOptions options = Options();
  options.targets_url = server_.url() + "nowhere/";
  EXPECT_EQ(tuf::TufReasonOf(Make(options)->Refresh()),
            TufReason::kFileNotOnServer);
  options.targets_url = server_.url() + "targets";
  EXPECT_TRUE(Make(options)->Refresh().ok()) << "a missing slash is added";
}

TEST_F(TrustClientHttpTest, StopsWhileTheServerIsSilent) {
  absl::Notification stopped;
  absl::Notification asked;
  server_.before_answer = [&] {
    if (!asked.HasBeenNotified()) asked.Notify();
    stopped.WaitForNotification();
  };
  TrustClientOptions options = Options();
  options.background_refresh = true;
  options.rpc_timeout = absl::Seconds(60);
  auto client = Make(options);
  asked.WaitForNotification();
  const absl::Time begin = absl::Now();
  client.reset();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
  stopped.Notify();
}

TEST_F(TrustClientHttpTest, TellsHowEachRefreshEnded) {
  std::vector<std::pair<absl::Status, std::uint64_t>> told;
  TrustClientOptions options = Options();
  const TrustClient* client_that_tells = nullptr;
  options.on_refresh = [&](const absl::Status& ended, std::uint64_t sequence) {
    told.emplace_back(ended, sequence);
    // No lock is held.
    EXPECT_EQ(client_that_tells->state().provenance.sequence, sequence);
  };
  const auto client = TrustClient::Create(options);
  ASSERT_TRUE(client.ok()) << client.status();
  client_that_tells = client->get();
  server_.Publish(5);
  EXPECT_TRUE((*client)->Refresh().ok());
  server_.Stop();
  EXPECT_FALSE((*client)->Refresh().ok());
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0], std::pair(absl::OkStatus(), std::uint64_t{5}));
  EXPECT_EQ(tuf::TufReasonOf(told[1].first), TufReason::kFetchFailed);
  EXPECT_EQ(told[1].second, 5u);
}

TEST_F(TrustClientHttpTest, SaysWithWhichSetItVerified) {
  const auto client = TrustClient::Create(Options());
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->Refresh().ok());
  const auto policy = verify::IdentityPolicy::AuthenticityOnly("a test");
  AnchorsUsed used;
  EXPECT_FALSE(
      (*client)->VerifyIdentity({}, *policy, nullptr, nullptr, &used).ok());
  EXPECT_EQ(used.provenance, (*client)->state().provenance);
  EXPECT_EQ(used.freshness, verify::Freshness::kFresh);
}

TEST_F(TrustClientHttpTest, RefusesOptionsThatContradictThemselves) {
  TrustClientOptions options = Options();
  options.server = "127.0.0.1:1";
  EXPECT_EQ(CodeOf(options), absl::StatusCode::kInvalidArgument);
  options = Options();
  options.trusted_root.clear();
  EXPECT_EQ(CodeOf(options), absl::StatusCode::kInvalidArgument);
  options = Options();
  options.metadata_url.clear();
  options.targets_url = server_.url();
  EXPECT_EQ(CodeOf(options), absl::StatusCode::kInvalidArgument);
  options = Options();
  options.metadata_url = "ftp://127.0.0.1/tuf/";
  EXPECT_EQ(CodeOf(options), absl::StatusCode::kInvalidArgument);
  options = Options();
  options.cache_folder = std::string(16 * 1024 * 1024, '/');
  EXPECT_EQ(CodeOf(options), absl::StatusCode::kInvalidArgument);
}

TEST(TrustClientHttpsTest, TheServerMustHaveACertificateOfTheGivenRoots) {
  const ServerCertificate certificate;
  FileServer server(std::make_unique<httplib::SSLServer>(certificate.x509(),
                                                         certificate.key()));
  TrustClientOptions options;
  options.metadata_url = server.url("https");
  options.trusted_root = server.root();
  options.background_refresh = false;
  options.clock = [] { return kNow; };
  const auto refresh = [&] {
    auto client = TrustClient::Create(options);
    EXPECT_TRUE(client.ok()) << client.status();
    return (*client)->Refresh();
  };
  EXPECT_EQ(tuf::TufReasonOf(refresh()), TufReason::kFetchFailed)
      << "the system does not know it";
  options.tls_roots_pem = ServerCertificate().Pem();
  EXPECT_EQ(tuf::TufReasonOf(refresh()), TufReason::kFetchFailed)
      << "another's";
  options.tls_roots_pem = certificate.Pem();
  const absl::Status refreshed = refresh();
  EXPECT_TRUE(refreshed.ok()) << refreshed;
}

}  // namespace
}  // namespace anchorage::client
