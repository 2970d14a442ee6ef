// One trustd over its real port, as callers see it.

#include "trustd/service.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "anchors/catalog_proto.h"
#include "proto/anchorage/v1/anchor_service.grpc.pb.h"
#include "proto/anchorage/v1/errors.pb.h"
#include "proto/anchorage/v1/report_service.grpc.pb.h"
#include "test/floods/raw_http2.h"
#include "test/support/alert_receiver.h"
#include "trustd/base/rocksdb_store.h"
#include "trustd/record/checkpoint.h"
#include "trustd/rpc/handover.h"
#include "trustd/rpc/rpc_status.h"

namespace anchorage::trustd {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class ServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
  }

  Config MakeConfig(const std::string& more = "") const {
    const auto config = ParseConfig(
        absl::StrCat("data_dir: ", folder_,
                     "\nmode: MODE_ONLINE\nshutdown_grace: 1s\n",
                     more.empty() ? "listen_address: 127.0.0.1:0\n" : more),
        "/test.yaml");
    EXPECT_TRUE(config.ok()) << config.status();
    return *config;
  }

  void Start() {
    auto service = Service::Start(MakeConfig(), [] { return kNow; });
    ASSERT_TRUE(service.ok()) << service.status();
    service_ = *std::move(service);
    stub_ = v1::AnchorService::NewStub(grpc::CreateChannel(
        service_->address(), grpc::InsecureChannelCredentials()));
  }

  // The reason in the trailer of a failed call.
  static std::string ReasonOf(const grpc::Status& status) {
    v1::Status details;
    v1::ErrorInfo info;
    if (!details.ParseFromString(status.error_details()) ||
        details.details_size() != 1 ||
        !info.ParseFromString(details.details(0).value())) {
      return "";
    }
    EXPECT_EQ(info.domain(), "trustd.anchorage");
    return info.reason();
  }

  std::string folder_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<v1::AnchorService::Stub> stub_;
};

TEST_F(ServiceTest, GivesEverythingToWhoHasNothing) {
  Start();
  grpc::ClientContext context;
  v1::GetUpdateResponse update;
  ASSERT_TRUE(stub_->GetUpdate(&context, {}, &update).ok());
  const auto publication = service_->publication();
  ASSERT_EQ(update.roots_size(), 1);
  EXPECT_EQ(update.roots(0), publication->files.roots[0]);
  EXPECT_EQ(update.timestamp(), publication->files.timestamp);
  EXPECT_EQ(update.snapshot(), publication->files.snapshot);
  EXPECT_EQ(update.targets(), publication->files.targets);
  EXPECT_EQ(update.catalog(), publication->files.catalog());
  EXPECT_EQ(update.sequence(), 1u);
}

TEST_F(ServiceTest, GivesNothingToWhoHasEverything) {
  Start();
  v1::GetServiceInfoResponse info;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub_->GetServiceInfo(&context, {}, &info).ok());
  }
  v1::GetUpdateRequest request;
  *request.mutable_have() = info.versions();
  v1::GetUpdateResponse update;
  grpc::ClientContext context;
  ASSERT_TRUE(stub_->GetUpdate(&context, request, &update).ok());
  EXPECT_EQ(update.roots_size(), 0);
  EXPECT_EQ(update.ByteSizeLong(), 2u) << "only the sequence";
}

constexpr char kReleases[] = R"({
  "mediaType": "application/vnd.anchorage.releases.v1+json",
  "sequence": "1",
  "createdTime": "2026-01-01T00:00:00Z"
})";

TEST_F(ServiceTest, ServesTheConfiguredReleases) {
  const std::string path = folder_ + ".releases.json";
  std::ofstream(path) << kReleases;
  auto service = Service::Start(
      MakeConfig("listen_address: 127.0.0.1:0\nreleases_path: " + path + "\n"),
      [] { return kNow; });
  ASSERT_TRUE(service.ok()) << service.status();
  const auto stub = v1::AnchorService::NewStub(grpc::CreateChannel(
      (*service)->address(), grpc::InsecureChannelCredentials()));
  v1::GetUpdateRequest request;
  v1::GetUpdateResponse update;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub->GetUpdate(&context, request, &update).ok());
  }
  EXPECT_EQ(update.releases(), kReleases);
  v1::GetServiceInfoResponse info;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub->GetServiceInfo(&context, {}, &info).ok());
  }
  *request.mutable_have() = info.versions();
  grpc::ClientContext context;
  ASSERT_TRUE(stub->GetUpdate(&context, request, &update).ok());
  EXPECT_EQ(update.releases(), "") << "the caller has them";
}

TEST_F(ServiceTest, RefusesReleasesThatAreNone) {
  const std::string path = folder_ + ".releases.json";
  const auto start = [&] {
    return Service::Start(MakeConfig("releases_path: " + path + "\n"),
                          [] { return kNow; })
        .status();
  };
  std::filesystem::remove(path);
  EXPECT_EQ(start().code(), absl::StatusCode::kNotFound);
  std::ofstream(path) << "{}";
  EXPECT_EQ(start().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(folder_)) << "nothing was begun";
}

TEST_F(ServiceTest, TellsWhatItServesAndHowItsKeysAreHeld) {
  Start();
  grpc::ClientContext context;
  v1::GetServiceInfoResponse info;
  ASSERT_TRUE(stub_->GetServiceInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.mode(), v1::SERVICE_MODE_ONLINE);
  EXPECT_EQ(info.anchor_count(), 116);
  EXPECT_EQ(info.region_count(), 39);
  ASSERT_EQ(info.roles_size(), 4);
  EXPECT_EQ(info.roles(0).role(), "root");
  EXPECT_EQ(info.roles(3).role(), "timestamp");
  EXPECT_EQ(info.roles(3).expire_time().seconds(),
            absl::ToUnixSeconds(kNow + absl::Hours(7 * 24)));
}

TEST_F(ServiceTest, ListsEveryAnchorOnceOverItsPages) {
  Start();
  std::set<std::string> seen;
  v1::ListAnchorsRequest request;
  request.set_page_size(50);
  int pages = 0;
  do {
    grpc::ClientContext context;
    v1::ListAnchorsResponse page;
    ASSERT_TRUE(stub_->ListAnchors(&context, request, &page).ok());
    EXPECT_EQ(page.total_size(), 116);
    for (const v1::Anchor& anchor : page.anchors()) {
      EXPECT_TRUE(
          seen.insert(absl::StrCat(anchor.slot().region(), anchor.slot().kind(),
                                   anchor.spki_sha256()))
              .second);
    }
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen.size(), 116u);
}

TEST_F(ServiceTest, FiltersAnchors) {
  Start();
  v1::ListAnchorsRequest request;
  request.set_region("eu-west-1");
  request.set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  grpc::ClientContext context;
  v1::ListAnchorsResponse page;
  ASSERT_TRUE(stub_->ListAnchors(&context, request, &page).ok());
  ASSERT_EQ(page.anchors_size(), 1);
  EXPECT_EQ(page.anchors(0).slot().region(), "eu-west-1");
  EXPECT_TRUE(page.next_page_token().empty());
}

TEST_F(ServiceTest, RefusesWhatIsOutsideTheLimitsWithAReason) {
  Start();
  const auto refused = [&](const v1::ListAnchorsRequest& request) {
    grpc::ClientContext context;
    v1::ListAnchorsResponse page;
    const grpc::Status status = stub_->ListAnchors(&context, request, &page);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    return ReasonOf(status);
  };
  v1::ListAnchorsRequest request;
  request.set_page_size(501);
  EXPECT_EQ(refused(request), kRequestInvalid);
  request.set_page_size(-1);
  EXPECT_EQ(refused(request), kRequestInvalid);
  request.set_page_size(0);
  request.set_region(std::string(65, 'x'));
  EXPECT_EQ(refused(request), kRequestInvalid);
  request.set_region("");
  request.set_page_token("no token");
  EXPECT_EQ(refused(request), kPageTokenInvalid);

  v1::GetUpdateRequest update;
  update.mutable_have()->set_catalog_sha256("ab");
  grpc::ClientContext context;
  v1::GetUpdateResponse response;
  EXPECT_EQ(ReasonOf(stub_->GetUpdate(&context, update, &response)),
            kRequestInvalid);
}

TEST_F(ServiceTest, RefusesARequestThatIsNone) {
  Start();
  grpc::GenericStub generic(grpc::CreateChannel(
      service_->address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  const grpc::Slice bytes(std::string("\xff\xff"));
  const grpc::ByteBuffer request(&bytes, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  absl::Notification done;
  HandOver(&status);
  generic.UnaryCall(&context, "/anchorage.v1.AnchorService/GetUpdate", {},
                    &request, &response, [&](grpc::Status result) {
                      TakeOver(&status);
                      status = result;
                      done.Notify();
                    });
  done.WaitForNotification();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), kRequestInvalid);
}

TEST_F(ServiceTest, AStreamBeginsWithWhatIsServedAndEndsWithAReason) {
  Start();
  grpc::ClientContext context;
  const auto stream = stub_->WatchUpdates(&context, {});
  v1::WatchUpdatesResponse hint;
  ASSERT_TRUE(stream->Read(&hint));
  EXPECT_EQ(hint.sequence(), 1u);
  EXPECT_EQ(hint.timestamp_version(), 1u);
  std::thread stopper([&] { service_->Stop(); });
  EXPECT_FALSE(stream->Read(&hint));
  const grpc::Status status = stream->Finish();
  stopper.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), kShuttingDown);
}

TEST_F(ServiceTest, ContinuesAfterARestart) {
  Start();
  const std::string root = service_->publication()->files.roots[0];
  service_->Stop();
  service_.reset();
  Start();
  EXPECT_EQ(service_->publication()->files.roots[0], root);
  EXPECT_EQ(service_->publication()->timestamp_version, 1u);
}

TEST_F(ServiceTest, FindsAForgedCheckpointAndServesOn) {
  Start();
  service_.reset();
  {
    const auto store = RocksDbStore::Open(folder_ + "/store");
    ASSERT_TRUE(store.ok()) << store.status();
    auto record = OpenRecord(**store);
    ASSERT_TRUE(record.ok()) << record.status();
    v1::LedgerRecord never;
    never.mutable_detection()->set_id(1);
    record->book.Fold(0, never);
    StoreBatch batch;
    (void)AddCheckpoint(record->ledger->tree(), record->book, nullptr, batch);
    ASSERT_TRUE((*store)->Commit(batch).ok());
  }
  auto service =
      Service::Start(MakeConfig("listen_address: 127.0.0.1:0\n"
                                "http_listen_address: 127.0.0.1:0\n"),
                     [] { return kNow; });
  ASSERT_TRUE(service.ok()) << service.status();
  httplib::Client http("http://" + (*service)->http_address());
  const std::string alert = "trustd_alerts_total{kind=\"LEDGER_DAMAGED\"} 1\n";
  std::string page;
  for (int i = 0; i < 1000 && page.find(alert) == page.npos; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
    page = http.Get("/metrics")->body;
  }
  EXPECT_NE(page.find(alert), page.npos) << page;
  EXPECT_TRUE(absl::IsDataLoss((*service)->mirror().ledger().health()));
  EXPECT_TRUE(absl::IsDataLoss((*service)->mirror().Settle(kNow)));
  EXPECT_EQ(http.Get("/tuf/timestamp.json")->status, 200);
}

TEST_F(ServiceTest, LeavesTheFirstRootForPeople) {
  Start();
  std::ifstream in(folder_ + "/1.root.json", std::ios::binary);
  const std::string root(std::istreambuf_iterator<char>(in), {});
  EXPECT_EQ(root, service_->publication()->files.roots[0]);
}

TEST_F(ServiceTest, HasAConsoleIfItIsAskedFor) {
  Start();
  EXPECT_EQ(service_->console_address(), "");
  service_.reset();
  auto service =
      Service::Start(MakeConfig("listen_address: 127.0.0.1:0\n"
                                "console: {listen_address: '127.0.0.1:0'}\n"
                                "reports: {}\n"),
                     [] { return kNow; });
  ASSERT_TRUE(service.ok()) << service.status();
  httplib::Client http("http://" + (*service)->console_address());
  for (const char* path : {"/", "/fleet", "/alerts", "/sources"}) {
    const auto page = http.Get(path);
    ASSERT_TRUE(page) << path;
    EXPECT_EQ(page->status, 200) << path;
  }
  (*service)->Stop();
  EXPECT_FALSE(http.Get("/"));
}

TEST_F(ServiceTest, ServesTheSameFilesOverHttp) {
  auto service =
      Service::Start(MakeConfig("listen_address: 127.0.0.1:0\n"
                                "http_listen_address: 127.0.0.1:0\n"),
                     [] { return kNow; });
  ASSERT_TRUE(service.ok()) << service.status();
  const auto publication = (*service)->publication();
  httplib::Client http("http://" + (*service)->http_address());
  const auto get = [&](const std::string& path) {
    const auto answer = http.Get(path);
    return answer && answer->status == 200 ? answer->body : "(none)";
  };
  EXPECT_EQ(get("/tuf/1.root.json"), publication->files.roots[0]);
  EXPECT_EQ(get("/tuf/timestamp.json"), publication->files.timestamp);
  EXPECT_EQ(get("/tuf/1.snapshot.json"), publication->files.snapshot);
  EXPECT_EQ(get("/tuf/1.targets.json"), publication->files.targets);
  EXPECT_EQ(get("/tuf/targets/catalog/v1/" + publication->catalog_sha256() +
                ".anchors.json"),
            publication->files.catalog());
  EXPECT_EQ(get("/healthz"), "ok\n");
}

TEST_F(ServiceTest, CountsCallsByHowTheyEnded) {
  auto service =
      Service::Start(MakeConfig("listen_address: 127.0.0.1:0\n"
                                "http_listen_address: 127.0.0.1:0\n"),
                     [] { return kNow; });
  ASSERT_TRUE(service.ok()) << service.status();
  const auto stub = v1::AnchorService::NewStub(grpc::CreateChannel(
      (*service)->address(), grpc::InsecureChannelCredentials()));
  const auto call = [&](const v1::GetUpdateRequest& request) {
    grpc::ClientContext context;
    v1::GetUpdateResponse update;
    return stub->GetUpdate(&context, request, &update).ok();
  };
  v1::GetUpdateRequest request;
  EXPECT_TRUE(call(request));
  v1::GetServiceInfoResponse info;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(stub->GetServiceInfo(&context, {}, &info).ok());
  }
  *request.mutable_have() = info.versions();
  EXPECT_TRUE(call(request));
  EXPECT_TRUE(call(request));
  request.mutable_have()->set_catalog_sha256("ab");
  EXPECT_FALSE(call(request));
  httplib::Client http("http://" + (*service)->http_address());
  const std::string page = http.Get("/metrics")->body;
  for (const char* line :
       {"{outcome=\"sent\"} 1\n", "{outcome=\"not_modified\"} 2\n",
        "{outcome=\"refused\"} 1\n"}) {
    EXPECT_NE(page.find(line), std::string::npos) << line << page;
  }
}

// 1,200 idle connections ended the port for good, while /healthz said 200.
TEST_F(ServiceTest, DecidesAndIsHonestWithEveryConnectionTaken) {
  auto service = Service::Start(MakeConfig("listen_address: 127.0.0.1:0\n"
                                           "http_listen_address: 127.0.0.1:0\n"
                                           "limits: {connections: 20}\n"),
                                [] { return kNow; });
  ASSERT_TRUE(service.ok()) << service.status();
  const std::string health_url = "http://" + (*service)->http_address();
  const auto health = [&] {
    const auto answer = httplib::Client(health_url).Get("/healthz");
    return answer ? answer->status : 0;
  };
  EXPECT_EQ(health(), 200);
  std::vector<test::RawPeer> peers;
  for (int i = 0; i < 1200; ++i) {
    peers.push_back(test::RawPeer::To((*service)->address()));
  }
  for (int i = 0; i < 500 && health() != 503; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_EQ(health(), 503) << "a new client is turned away";

  const anchors::CatalogAnchor& anchor =
      (*service)->publication()->catalog.anchors.front();
  v1::PinFact revoke;
  revoke.set_action(v1::PinFact::ACTION_REVOKE);
  *revoke.mutable_slot() = anchors::ToProto(anchor.slot);
  revoke.set_spki_sha256(anchor.spki_sha256);
  revoke.set_by("olga");
  revoke.set_why("a flood");
  const auto sequence =
      (*service)->mirror().Pin({.fact = revoke, .last_key = true}, kNow);
  ASSERT_TRUE(sequence.ok()) << sequence.status();
  EXPECT_EQ((*service)->publication()->catalog.sequence, 2u);

  peers.clear();
  for (int i = 0; i < 1000 && health() != 200; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_EQ(health(), 200);
  const auto stub = v1::AnchorService::NewStub(grpc::CreateChannel(
      (*service)->address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  v1::GetServiceInfoResponse info;
  EXPECT_TRUE(stub->GetServiceInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.sequence(), 2u);
}

// It had replaced the webhooks, and the rest stayed.
TEST_F(ServiceTest, AReloadThatFailsHalfWayChangesNothing) {
  AlertReceiver before, after;
  const std::string secret = folder_ + ".secret";
  ASSERT_TRUE(anchors::WriteFileAtomically(secret, "0123456789abcdef\n",
                                           anchors::FileAccess::kPrivate)
                  .ok());
  const std::string list = folder_ + ".releases.json";
  const auto config = [&](const AlertReceiver& receiver) {
    return MakeConfig(absl::StrCat(
        "listen_address: 127.0.0.1:0\nreleases_path: ", list,
        "\nalerts:\n  webhooks:\n    - {name: pager, url: '", receiver.Url(),
        "', secret_path: ", secret, ", allow_loopback_http: true}\n"));
  };
  std::ofstream(list) << kReleases;
  absl::Time now = kNow;
  auto service = Service::Start(config(before), [&] { return now; });
  ASSERT_TRUE(service.ok()) << service.status();
  // The last that can fail: its sequence stands still.
  std::string other = kReleases;
  other.replace(other.find("01-01T"), 6, "01-02T");
  std::ofstream(list) << other;
  EXPECT_TRUE(
      absl::IsFailedPrecondition((*service)->Reload(config(after)).status()));
  ASSERT_TRUE((*service)
                  ->mirror()
                  .SourceFailed("aws-docs", "TIMED_OUT", "", kNow)
                  .ok());
  EXPECT_EQ(before.Await(1).size(), 1u);
  EXPECT_TRUE(after.Await(0).empty());
  // And one that does not fail changes it.
  std::ofstream(list) << kReleases;
  ASSERT_TRUE((*service)->Reload(config(after)).ok());
  ASSERT_TRUE(
      (*service)->mirror().SourceFailed("other", "TIMED_OUT", "", kNow).ok());
  EXPECT_EQ(after.Await(1).size(), 1u);
}

TEST_F(ServiceTest, AReloadLogsWhatIsNewBesideTheCatalog) {
  const std::string list = folder_ + ".releases.json";
  std::ostringstream out;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(out)));
  Start();
  const Config config =
      MakeConfig("listen_address: 127.0.0.1:0\nreleases_path: " + list + "\n");
  const absl::Status none = service_->Reload(config).status();
  EXPECT_NE(none.message().find("'releases_path' names it"),
            absl::string_view::npos)
      << none;
  std::ofstream(list) << kReleases;
  const auto reloaded = service_->Reload(config);
  // Its threads log until it is gone.
  service_.reset();
  spdlog::set_default_logger(before);
  EXPECT_TRUE(reloaded.ok()) << reloaded.status();
  EXPECT_NE(out.str().find("releases: sequence 1, 0 of them"),
            std::string::npos)
      << out.str();
}

TEST_F(ServiceTest, AReloadSaysThatAKeyIsNotTheRoots) {
  Start();
  Config config = MakeConfig();
  ASSERT_TRUE(service_->Reload(config).ok());
  const std::string path = folder_ + ".other.pem";
  ASSERT_TRUE(anchors::WriteFileAtomically(
                  path, *anchors::ReadPrivateFile(config.root_key_path, 10'000),
                  anchors::FileAccess::kPrivate)
                  .ok());
  config.targets_key_path = path;
  const absl::Status refused = service_->Reload(config).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_NE(refused.message().find(path), absl::string_view::npos) << refused;
}

// Waits until one alert of that kind was raised; returns the metrics.
std::string AwaitAlert(httplib::Client& http, const std::string& kind) {
  const std::string once = "trustd_alerts_total{kind=\"" + kind + "\"} 1\n";
  std::string metrics;
  for (int i = 0; i < 200 && metrics.find(once) == metrics.npos; ++i) {
    absl::SleepFor(absl::Milliseconds(50));
    const auto answer = http.Get("/metrics");
    if (answer) metrics = answer->body;
  }
  EXPECT_NE(metrics.find(once), metrics.npos) << metrics;
  return metrics;
}

TEST_F(ServiceTest, AJumpOfTheClockIsAlertedOfOnceAndSeen) {
  std::atomic<int> days_back = 0;
  auto service = Service::Start(
      MakeConfig("listen_address: 127.0.0.1:0\n"
                 "http_listen_address: 127.0.0.1:0\n"
                 "validity: {timestamp_interval: 1s}\n"),
      [&] { return absl::Now() - absl::Hours(24) * days_back.load(); });
  ASSERT_TRUE(service.ok()) << service.status();
  EXPECT_FALSE((*service)->clock_watch().suspicious());
  days_back = 365;
  EXPECT_TRUE((*service)->clock_watch().suspicious());
  httplib::Client http("http://" + (*service)->http_address());
  AwaitAlert(http, "CLOCK_JUMPED");
}

v1::ReportOutcomesRequest Refused() {
  v1::ReportOutcomesRequest request;
  request.set_library_version("1.0.0");
  v1::OutcomeCount& count = *request.add_counts();
  count.set_partition("aws");
  count.set_region("eu-west-1");
  count.set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  count.set_reason("SIGNATURE_MISMATCH");
  count.set_count(1);
  return request;
}

TEST_F(ServiceTest, AStartRemindsNobodyAgain) {
  const auto config = MakeConfig(absl::StrCat(
      "listen_address: 127.0.0.1:0\nhttp_listen_address: 127.0.0.1:0\n"
      "sources: [{name: files, directory: {path: ",
      folder_, ".none}}]\n"));
  absl::Time now = kNow;
  std::unique_ptr<Service> service;
  const auto start = [&] {
    service.reset();
    auto started = Service::Start(config, [now] { return now; });
    ASSERT_TRUE(started.ok()) << started.status();
    service = *std::move(started);
  };
  // Whether this start has reminded people.
  const auto reminds = [&] {
    const auto answer =
        httplib::Client("http://" + service->http_address()).Get("/metrics");
    return answer &&
           answer->body.find(
               "trustd_alerts_total{kind=\"ROTATION_HELD_TOO_LONG\"} 1\n") !=
               std::string::npos;
  };
  start();
  Observation broken;
  broken.source = "files";
  broken.time = now;
  broken.problems = {{.detail = "no table"}};
  ASSERT_TRUE(service->mirror().Observed(broken, now).ok());
  now += absl::Hours(24);
  start();
  EXPECT_TRUE(reminds());
  now += absl::Hours(1);
  start();
  EXPECT_FALSE(reminds());
  now += absl::Hours(23);
  start();
  EXPECT_TRUE(reminds());
}

TEST_F(ServiceTest, AlertsOfAFleetThatRefusesGenuineEvidence) {
  std::atomic<int> hours = 0;
  auto service = Service::Start(
      MakeConfig("listen_address: 127.0.0.1:0\n"
                 "http_listen_address: 127.0.0.1:0\n"
                 "validity: {timestamp_interval: 1s}\n"
                 "proxies: [127.0.0.1]\nreports: {}\n"),
      [] { return kNow; },
      [&] { return anchors::SteadyNow() + absl::Hours(1) * hours.load(); });
  ASSERT_TRUE(service.ok()) << service.status();
  const auto stub = v1::ReportService::NewStub(grpc::CreateChannel(
      (*service)->address(), grpc::InsecureChannelCredentials()));
  const auto report = [&](const std::string& sender) {
    grpc::ClientContext context;
    context.AddMetadata("x-forwarded-for", sender);
    v1::ReportOutcomesResponse response;
    const grpc::Status status =
        stub->ReportOutcomes(&context, Refused(), &response);
    EXPECT_EQ(response.seconds_until_next(), status.ok() ? 1800u : 0u);
    return status;
  };
  httplib::Client http("http://" + (*service)->http_address());
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(report(absl::StrCat("192.0.2.", i)).ok());
  }
  for (int i = 4; i < 6; ++i) {
    const auto answer = http.Post(
        "/v1/reports", {{"X-Forwarded-For", absl::StrCat("192.0.2.", i)}},
        Refused().SerializeAsString(), "application/x-protobuf");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200) << answer->body;
  }
  hours = 1;
  const std::string metrics = AwaitAlert(http, "FLEET_FAILURES");
  EXPECT_NE(metrics.find("trustd_fleet_failing_senders{slot=\"aws/eu-west-1/"
                         "iid-rsa2048\"} 6\n"),
            metrics.npos);

  // Each sender has a limit, which the error names.
  grpc::Status status = grpc::Status::OK;
  for (int i = 0; i < 6 && status.ok(); ++i) status = report("192.0.2.1");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(status), kTooManyRequests);
  v1::Status details;
  v1::ErrorInfo info;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  ASSERT_TRUE(info.ParseFromString(details.details(0).value()));
  EXPECT_EQ(info.metadata().at("seconds_until_next"), "60");
}

TEST_F(ServiceTest, TakesNoReportsUnlessItIsToldTo) {
  auto service =
      Service::Start(MakeConfig("listen_address: 127.0.0.1:0\n"
                                "http_listen_address: 127.0.0.1:0\n"),
                     [] { return kNow; });
  ASSERT_TRUE(service.ok()) << service.status();
  const auto stub = v1::ReportService::NewStub(grpc::CreateChannel(
      (*service)->address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  v1::ReportOutcomesResponse response;
  EXPECT_EQ(stub->ReportOutcomes(&context, Refused(), &response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  httplib::Client http("http://" + (*service)->http_address());
  const auto answer = http.Post("/v1/reports", Refused().SerializeAsString(),
                                "application/x-protobuf");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 404);
}

TEST_F(ServiceTest, RaisesTheSoftLimitOfDescriptors) {
  Start();
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
}

TEST_F(ServiceTest, RefusesAnHttpPortInUse) {
  Start();
  folder_ += "-second";
  const auto second =
      Service::Start(MakeConfig(absl::StrCat("listen_address: 127.0.0.1:0\n"
                                             "http_listen_address: ",
                                             service_->address(), "\n")),
                     [] { return kNow; });
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ServiceTest, RefusesAPortInUse) {
  Start();
  folder_ += "-second";
  const auto second = Service::Start(
      MakeConfig(absl::StrCat("listen_address: ", service_->address(), "\n")),
      [] { return kNow; });
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ServiceTest, RefusesADataFolderInUse) {
  Start();
  const auto second = Service::Start(MakeConfig(), [] { return kNow; });
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAborted);
}

TEST_F(ServiceTest, RefusesATlsKeyThatIsNotThere) {
  const auto service = Service::Start(
      MakeConfig("tls: {certificate_path: none.crt, key_path: none.key}\n"),
      [] { return kNow; });
  EXPECT_EQ(service.status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace anchorage::trustd
