#include "trustd/rpc/local_listener.h"

#include <fcntl.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "proto/grpc/health/v1/health.grpc.pb.h"

namespace anchorage::trustd {
namespace {

using ::grpc::health::v1::Health;
using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;

class LocalListenerTest : public ::testing::Test {
 protected:
  // A test's own folder is too long for the path of a socket.
  LocalListenerTest() {
    char folder[] = "/tmp/local-XXXXXX";
    EXPECT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    std::filesystem::permissions(folder_, std::filesystem::perms(0755));
    options_.path = folder_ + "/s";
    options_.server.setting = "admin";
    options_.server.grace = absl::Milliseconds(200);
    options_.server.connections.most = 40;
    options_.server.shed = [this](const std::string& what) {
      const absl::MutexLock lock(&mutex_);
      ++shed_[what];
    };
  }
  ~LocalListenerTest() override {
    listener_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Start() {
    auto listener = LocalListener::Start(options_, [this](CallGate& gate) {
      gate.AddUnary<HealthCheckRequest, HealthCheckResponse>(
          "/grpc.health.v1.Health/Check",
          [this](const Caller& caller, const HealthCheckRequest&,
                 HealthCheckResponse&) {
            const absl::MutexLock lock(&mutex_);
            caller_ = caller.local_user;
            return grpc::Status::OK;
          });
    });
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }

  // A connection by a user. The system call, unlike the C library's function,
  // changes who this thread is and no other.
  int Connect(uid_t uid) const {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    options_.path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    const uid_t own = ::geteuid();
    EXPECT_EQ(::syscall(SYS_setresuid, -1, uid, -1), 0);
    EXPECT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&address),
                        sizeof(address)),
              0);
    EXPECT_EQ(::syscall(SYS_setresuid, -1, own, -1), 0);
    ::fcntl(socket, F_SETFL, O_NONBLOCK);
    return socket;
  }

  // Whom a call on a new connection of the user is by; empty if it fails.
  std::string CallAs(uid_t uid) {
    const auto channel = grpc::CreateInsecureChannelFromFd("x", Connect(uid));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(20));
    HealthCheckResponse response;
    const grpc::Status status =
        Health::NewStub(channel)->Check(&context, {}, &response);
    const absl::MutexLock lock(&mutex_);
    return status.ok() ? caller_ : "";
  }

  std::string folder_;
  LocalListener::Options options_;
  absl::Mutex mutex_;
  std::string caller_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> shed_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<LocalListener> listener_;
};

TEST_F(LocalListenerTest, KnowsWhoCalls) {
  Start();
  EXPECT_EQ(CallAs(::geteuid()), absl::StrCat("unix:", ::geteuid()));
}

TEST_F(LocalListenerTest, TellsUsersApart) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be another";
  Start();
  for (const uid_t uid : {12345, 0, 12346, 12345, 0}) {
    EXPECT_EQ(CallAs(uid), absl::StrCat("unix:", uid));
  }
}

TEST_F(LocalListenerTest, HasRoomForSoManyUsers) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be another";
  Start();
  for (uid_t i = 0; i < kMaxLocalUsers; ++i) {
    EXPECT_EQ(CallAs(20000 + i), absl::StrCat("unix:", 20000 + i));
  }
  EXPECT_EQ(CallAs(30000), "");
  // Those who were there before are served yet.
  EXPECT_EQ(CallAs(20000), "unix:20000");
  const absl::MutexLock lock(&mutex_);
  EXPECT_EQ(shed_["connections_users"], 1);
}

TEST_F(LocalListenerTest, HasRoomForSoManyConnections) {
  options_.server.connections.most = 4;
  Start();
  std::vector<int> held;
  for (int i = 0; i < 4; ++i) held.push_back(Connect(::geteuid()));
  EXPECT_EQ(CallAs(::geteuid()), "");
  for (const int socket : held) ::close(socket);
  std::string caller;
  for (int i = 0; i < 100 && caller.empty(); ++i) {
    ::usleep(50'000);
    caller = CallAs(::geteuid());
  }
  EXPECT_EQ(caller, absl::StrCat("unix:", ::geteuid()));
}

TEST_F(LocalListenerTest, AcceptsNobodyAfterDrain) {
  Start();
  listener_->Drain();
  EXPECT_EQ(CallAs(::geteuid()), "");
  listener_->Stop();
  EXPECT_FALSE(std::filesystem::exists(options_.path));
}

}  // namespace
}  // namespace anchorage::trustd
