#include "trustd/base/systemd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>

namespace anchorage::trustd {
namespace {

// What a service manager has: the socket at NOTIFY_SOCKET.
class SystemdTest : public ::testing::Test {
 protected:
  SystemdTest() {
    // The path of a socket is short.
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    const std::string path = folder_ + "/s";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address),
                     sizeof(address)),
              0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~SystemdTest() override {
    ::close(socket_);
    std::filesystem::remove_all(folder_);
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
  }

  // Waits for the next message.
  std::string Next() const {
    char bytes[4096];
    const auto size = ::recv(socket_, bytes, sizeof(bytes), 0);
    return {bytes, size > 0 ? static_cast<std::size_t>(size) : 0};
  }
  bool HasMore() const {
    pollfd poll{.fd = socket_, .events = POLLIN, .revents = 0};
    return ::poll(&poll, 1, 0) > 0;
  }

 private:
  std::string folder_ = "/tmp/notifyXXXXXX";
  int socket_ = -1;
};

TEST_F(SystemdTest, TellsWhatHappens) {
  TellReady("serving on [::1]:7443\nMAINPID=1");
  EXPECT_EQ(Next(), "READY=1\nSTATUS=serving on [::1]:7443\\nMAINPID=1");
  TellReloading();
  EXPECT_THAT(Next(),
              ::testing::MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+"));
  TellStopping();
  EXPECT_EQ(Next(), "STOPPING=1");
}

TEST_F(SystemdTest, SaysThatItIsAliveWhileTheCheckSaysSo) {
  ::setenv("WATCHDOG_USEC", "3000", 1);
  std::atomic<int> calls = 0;
  const Watchdog watchdog([&] {
    ++calls;
    return absl::OkStatus();
  });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Next(), "WATCHDOG=1");
  EXPECT_GE(calls, 5);
}

TEST_F(SystemdTest, SaysNothingWhileTheCheckFails) {
  ::setenv("WATCHDOG_USEC", "3000", 1);
  std::atomic<int> calls = 0;
  std::atomic<bool> is_live = false;
  const Watchdog watchdog([&] {
    ++calls;
    return is_live ? absl::OkStatus() : absl::UnavailableError("hangs");
  });
  while (calls < 5) ::usleep(1000);
  EXPECT_FALSE(HasMore());
  is_live = true;
  EXPECT_EQ(Next(), "WATCHDOG=1");
}

TEST_F(SystemdTest, ChecksNothingWhereNobodyWaits) {
  std::atomic<int> calls = 0;
  const auto check = [&] {
    ++calls;
    return absl::OkStatus();
  };
  { const Watchdog watchdog(check); }
  ::setenv("WATCHDOG_USEC", "3000", 1);
  // Of another process.
  ::setenv("WATCHDOG_PID", "1", 1);
  { const Watchdog watchdog(check); }
  EXPECT_EQ(calls, 0);
  ::unsetenv("NOTIFY_SOCKET");
  TellReady("nobody hears it");
}

}  // namespace
}  // namespace anchorage::trustd
