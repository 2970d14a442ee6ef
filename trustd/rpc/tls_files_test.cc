#include "trustd/rpc/tls_files.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "test/support/test_authority.h"
#include "trustd/rpc/grpc_listener.h"

namespace anchorage::trustd {
namespace {

namespace health = ::grpc::health::v1;

class TlsFilesTest : public ::testing::Test {
 protected:
  TlsFilesTest() {
    std::string folder = ::testing::TempDir() + "tlsXXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    paths_ = {.certificate = folder + "/cert.pem",
              .key = folder + "/key.pem",
              .client_ca = folder + "/people.pem"};
    Write(server_authority_.Issue(ForServer("one")));
    WriteCa(people_.pem());
  }

  static TestAuthority::Request ForServer(const std::string& name) {
    return {.names = {name},
            .alternative_names = "IP:127.0.0.1",
            .purpose = "serverAuth"};
  }

  void Write(const TlsIdentity& identity) const {
    ASSERT_TRUE(
        anchors::WriteFileAtomically(paths_.certificate, identity.certificate)
            .ok());
    ASSERT_TRUE(anchors::WriteFileAtomically(paths_.key, identity.key,
                                             anchors::FileAccess::kPrivate)
                    .ok());
  }
  void WriteCa(const std::string& pem) const {
    ASSERT_TRUE(anchors::WriteFileAtomically(paths_.client_ca, pem).ok());
  }

  std::shared_ptr<TlsFiles> Open() {
    auto files = TlsFiles::Open(
        paths_, [this](const TlsFiles::State& s) { states_.push_back(s); });
    EXPECT_TRUE(files.ok()) << files.status();
    return *files;
  }
  absl::Status WhyNot() const { return TlsFiles::Open(paths_).status(); }

  static std::uint64_t Generation(const TlsFiles& files) {
    std::uint64_t generation = 0;
    (void)files.Current(generation);
    return generation;
  }
  // Two calls, between which nothing changes.
  static void RefreshSettled(TlsFiles& files) {
    files.Refresh();
    files.Refresh();
  }

  TlsFiles::Paths paths_;
  std::vector<TlsFiles::State> states_;
  const TestAuthority server_authority_{"servers"};
  const TestAuthority people_{"people"};
};

TEST_F(TlsFilesTest, ReadsAgainWhatHasChanged) {
  const auto files = Open();
  EXPECT_EQ(Generation(*files), 1u);
  RefreshSettled(*files);
  EXPECT_EQ(Generation(*files), 1u);
  Write(server_authority_.Issue(ForServer("two")));
  // It may still be changing.
  files->Refresh();
  EXPECT_EQ(Generation(*files), 1u);
  files->Refresh();
  EXPECT_EQ(Generation(*files), 2u);
  WriteCa(TestAuthority("others").pem());
  RefreshSettled(*files);
  EXPECT_EQ(Generation(*files), 3u);
  ASSERT_EQ(states_.size(), 3u);
  EXPECT_TRUE(states_.back().is_current);
  EXPECT_GT(states_.back().expires, absl::Now());
}

// Each keeps what was read before, says so once, and is over with good files.
TEST_F(TlsFilesTest, KeepsTheOldForNewFilesThatAreNotGood) {
  const TlsIdentity good = server_authority_.Issue(ForServer("two"));
  const TlsIdentity other = server_authority_.Issue(ForServer("three"));
  const std::string half = good.certificate.substr(0, 300);
  const std::vector<std::function<void()>> breaks = {
      [&] { Write({.certificate = good.certificate, .key = other.key}); },
      [&] { Write({.certificate = half, .key = good.key}); },
      [&] { Write({.certificate = "", .key = good.key}); },
      [&] { Write({.certificate = good.certificate + half, .key = good.key}); },
      [&] { Write({.certificate = good.certificate, .key = "no key"}); },
      [&] { std::filesystem::remove(paths_.key); },
      [&] {
        std::filesystem::permissions(paths_.key,
                                     std::filesystem::perms::others_read,
                                     std::filesystem::perm_options::add);
      },
      [&] { WriteCa(""); },
      [&] { WriteCa(people_.pem() + people_.pem().substr(0, 300)); },
      [&] { std::filesystem::remove(paths_.client_ca); },
  };
  for (std::size_t i = 0; i < breaks.size(); ++i) {
    const auto files = Open();
    states_.clear();
    breaks[i]();
    for (int j = 0; j < 5; ++j) files->Refresh();
    EXPECT_EQ(Generation(*files), 1u) << i;
    ASSERT_EQ(states_.size(), 1u) << i;
    EXPECT_FALSE(states_[0].is_current) << i;
    EXPECT_FALSE(WhyNot().ok()) << i;
    Write(good);
    WriteCa(people_.pem());
    RefreshSettled(*files);
    EXPECT_EQ(Generation(*files), 2u) << i;
    ASSERT_EQ(states_.size(), 2u) << i;
    EXPECT_TRUE(states_[1].is_current) << i;
  }
}

// --- with gRPC ---

class ListenerTest : public TlsFilesTest {
 protected:
  ListenerTest() { Listen(); }

  void Listen() {
    files_ = Open();
    GrpcListener::Options options;
    options.address = "127.0.0.1:0";
    options.setting = "test";
    options.credentials = files_->Credentials();
    auto listener = GrpcListener::Start(options, [](CallGate&) {});
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }

  // A connection of its own to the listener, by who trusts `authority`.
  std::shared_ptr<grpc::Channel> Connect(const TestAuthority& authority,
                                         const TlsIdentity& person) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = authority.pem();
    options.pem_cert_chain = person.certificate;
    options.pem_private_key = person.key;
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(listener_->address(),
                                     grpc::SslCredentials(options), arguments);
  }
  static bool Answers(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
    health::HealthCheckResponse response;
    return health::Health::NewStub(channel)
        ->Check(&context, {}, &response)
        .ok();
  }

  std::shared_ptr<TlsFiles> files_;
  std::unique_ptr<GrpcListener> listener_;
};

TEST_F(ListenerTest, ShowsTheNewCertificateToNewConnectionsAlone) {
  const TlsIdentity alice = people_.Issue({.names = {"alice"}});
  const auto old = Connect(server_authority_, alice);
  const auto stub = health::Health::NewStub(old);
  grpc::ClientContext context;
  const auto stream = stub->Watch(&context, {});
  health::HealthCheckResponse response;
  ASSERT_TRUE(stream->Read(&response));

  const TestAuthority next("next servers");
  EXPECT_FALSE(Answers(Connect(next, alice)));
  Write(next.Issue(ForServer("two")));
  RefreshSettled(*files_);
  EXPECT_TRUE(Answers(Connect(next, alice)));
  EXPECT_FALSE(Answers(Connect(server_authority_, alice)));
  // What was open goes on.
  EXPECT_TRUE(Answers(old));
  listener_->Drain();
  EXPECT_TRUE(stream->Read(&response)) << "the stream hears of the end";
  EXPECT_EQ(response.status(), health::HealthCheckResponse::NOT_SERVING);
}

TEST_F(ListenerTest, AsksNobodyForACertificateWithoutACa) {
  paths_.client_ca = "";
  Listen();
  EXPECT_TRUE(Answers(Connect(server_authority_, {})));
  const TestAuthority next("next servers");
  Write(next.Issue(ForServer("two")));
  RefreshSettled(*files_);
  EXPECT_TRUE(Answers(Connect(next, {})));
}

TEST_F(ListenerTest, RefusesNewConnectionsOfPeopleWhoseCaIsGone) {
  const TlsIdentity alice = people_.Issue({.names = {"alice"}});
  const auto old = Connect(server_authority_, alice);
  EXPECT_TRUE(Answers(old));
  const TestAuthority next("next people");
  const TlsIdentity bob = next.Issue({.names = {"bob"}});
  EXPECT_FALSE(Answers(Connect(server_authority_, bob)));
  WriteCa(next.pem());
  RefreshSettled(*files_);
  EXPECT_TRUE(Answers(Connect(server_authority_, bob)));
  EXPECT_FALSE(Answers(Connect(server_authority_, alice)));
  EXPECT_TRUE(Answers(old));
  // A broken file lets nobody else in.
  WriteCa(people_.pem().substr(0, 300));
  RefreshSettled(*files_);
  EXPECT_TRUE(Answers(Connect(server_authority_, bob)));
  EXPECT_FALSE(Answers(Connect(server_authority_, alice)));
}

}  // namespace
}  // namespace anchorage::trustd
