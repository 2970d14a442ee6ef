// Addresses, places and the port, without a server.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "trustd/net/admission.h"
#include "trustd/net/descriptors.h"
#include "trustd/net/ip_address.h"
#include "trustd/net/tcp_listener.h"

namespace anchorage::trustd {
namespace {

IpAddress At(const std::string& text) {
  const auto address = IpAddress::Parse(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value_or(IpAddress());
}

TEST(IpAddress, OfIpv6ANetworkIsOneHolder) {
  EXPECT_EQ(At("2001:db8::1").Group(), At("2001:db8::ffff:1").Group());
  EXPECT_NE(At("2001:db8::1").Group(), At("2001:db8:0:1::1").Group());
  EXPECT_NE(At("192.0.2.1").Group(), At("192.0.2.2").Group());
  EXPECT_EQ(At("::ffff:192.0.2.1"), At("192.0.2.1"))
      << "as a socket of both families shows it";
}

TEST(IpAddress, KnowsTheLoopbackInterface) {
  for (const char* text :
       {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(At(text).IsLoopback()) << text;
  }
  for (const char* text : {"128.0.0.1", "::2", "::", "192.0.2.127"}) {
    EXPECT_FALSE(At(text).IsLoopback()) << text;
  }
}

TEST(IpAddress, IsReadStrictly) {
  for (const std::string& text :
       {std::string(), std::string("192.0.2"), std::string("192.0.2.1 "),
        std::string("192.0.2.1\0x", 11), std::string("host"),
        std::string("[::1]"), std::string("::1%lo")}) {
    EXPECT_FALSE(IpAddress::Parse(text).has_value()) << text;
  }
}

TEST(Endpoint, IsReadFromWhatGrpcCallsAPeer) {
  const auto ipv4 = Endpoint::OfGrpcPeer("ipv4:192.0.2.1:443");
  ASSERT_TRUE(ipv4.has_value());
  EXPECT_EQ(*ipv4, (Endpoint{At("192.0.2.1"), 443}));
  for (const char* peer :
       {"ipv6:%5B2001:db8::1%5D:443", "ipv6:[2001:db8::1]:443"}) {
    const auto ipv6 = Endpoint::OfGrpcPeer(peer);
    ASSERT_TRUE(ipv6.has_value()) << peer;
    EXPECT_EQ(*ipv6, (Endpoint{At("2001:db8::1"), 443}));
  }
  for (const char* peer : {"unknown", "", "unix:/tmp/x", "ipv4:192.0.2.1",
                           "ipv4:192.0.2.1:99999", "ipv4::1"}) {
    EXPECT_FALSE(Endpoint::OfGrpcPeer(peer).has_value()) << peer;
  }
}

TEST(AddressList, HasAddressesAndNetworks) {
  const auto list =
      AddressList::Parse({"192.0.2.7", "198.51.100.0/25", "2001:db8::/33"});
  ASSERT_TRUE(list.ok()) << list.status();
  for (const char* text : {"192.0.2.7", "198.51.100.127", "2001:db8:7fff::1"}) {
    EXPECT_TRUE(list->Contains(At(text))) << text;
  }
  for (const char* text : {"192.0.2.8", "198.51.100.128", "2001:db8:8000::1"}) {
    EXPECT_FALSE(list->Contains(At(text))) << text;
  }
  EXPECT_FALSE(AddressList().Contains(At("192.0.2.7")));
  EXPECT_TRUE(AddressList::Parse({"0.0.0.0/0"})->Contains(At("192.0.2.7")));
  EXPECT_FALSE(AddressList::Parse({"0.0.0.0/0"})->Contains(At("::2")));
}

TEST(AddressList, NamesWhatIsNeither) {
  for (const char* text : {"", "host", "192.0.2.0/33", "192.0.2.0/",
                           "192.0.2.0/-1", "2001:db8::/129", "10.0.0.0/8/8"}) {
    const auto list = AddressList::Parse({text});
    EXPECT_EQ(list.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(Admission, NobodyHoldsMoreThanAHalf) {
  Admission admission(10, AddressList());
  std::vector<Place> places(11);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(admission.Admit(At("192.0.2.1"), places[i]), Refusal::kNone);
  }
  EXPECT_EQ(admission.Admit(At("192.0.2.1"), places[5]), Refusal::kAddress);
  for (int i = 5; i < 10; ++i) {
    EXPECT_TRUE(admission.HasRoom());
    EXPECT_EQ(admission.Admit(At("192.0.2.2"), places[i]), Refusal::kNone);
  }
  EXPECT_FALSE(admission.HasRoom());
  EXPECT_EQ(admission.Admit(At("192.0.2.3"), places[10]), Refusal::kAll);
  places[0].Leave();
  EXPECT_EQ(admission.Admit(At("192.0.2.3"), places[10]), Refusal::kNone);
}

TEST(Admission, ProxiesAndLoopbackAreHeldToTheLimitInAllAlone) {
  Admission admission(4, *AddressList::Parse({"192.0.2.0/24"}));
  for (const char* text : {"192.0.2.1", "127.0.0.1"}) {
    std::vector<Place> places(5);
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(admission.Admit(At(text), places[i]), Refusal::kNone) << text;
    }
    EXPECT_EQ(admission.Admit(At(text), places[4]), Refusal::kAll) << text;
  }
}

TEST(Admission, APlaceMayOutliveIt) {
  Place place;
  {
    Admission admission(1, AddressList());
    EXPECT_EQ(admission.Admit(At("192.0.2.1"), place), Refusal::kNone);
  }
  Place moved = std::move(place);
  moved.Leave();
}

TEST(Descriptors, TheSoftLimitIsRaised) {
  EXPECT_EXIT(
      {
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = 100;
        limit.rlim_max = std::min<rlim_t>(limit.rlim_max, 5000);
        ::setrlimit(RLIMIT_NOFILE, &limit);
        const auto raised = static_cast<rlim_t>(RaiseDescriptorLimit());
        std::exit(raised == limit.rlim_max ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
  EXPECT_EQ(FitConnections(12'000, 2, 1 << 20, 1000), 12'000);
  EXPECT_EQ(FitConnections(12'000, 2, 1024, 512), 256);
  EXPECT_EQ(FitConnections(12'000, 2, 100, 512), 8);
}

int Connect(const std::string& address) {
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
  const int peer = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  EXPECT_EQ(::connect(peer, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  return peer;
}

bool IsClosedByTheServer(int peer) {
  char byte = 0;
  const timeval wait = {10, 0};
  ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  return ::recv(peer, &byte, 1, 0) == 0;
}

// One failed accept4() ended gRPC's listener for good.
TEST(TcpListener, GoesOnAfterThereWasNoDescriptor) {
  auto listener = TcpListener::Bind("127.0.0.1:0", "x");
  ASSERT_TRUE(listener.ok()) << listener.status();
  std::atomic<int> shed = 0;
  std::atomic<int> handled = 0;
  ASSERT_TRUE((*listener)
                  ->Start(
                      [&](int socket, const Endpoint& peer) {
                        EXPECT_TRUE(peer.address.IsLoopback());
                        ++handled;
                        ::close(socket);
                      },
                      [] {}, [&] { ++shed; })
                  .ok());
  const int first = Connect((*listener)->address());
  EXPECT_TRUE(IsClosedByTheServer(first));
  ::close(first);
  EXPECT_TRUE((*listener)->IsAccepting());

  // A peer that has its descriptor already connects when there are no more.
  const int peer = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::vector<int> all;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few = {64, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  int one = -1;
  while ((one = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) {
    all.push_back(one);
  }
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int port = 0;
  const std::string& address = (*listener)->address();
  ASSERT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  ASSERT_EQ(::connect(peer, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  EXPECT_TRUE(IsClosedByTheServer(peer)) << "shed, and not left waiting";
  EXPECT_EQ(shed, 1);
  EXPECT_FALSE((*listener)->IsAccepting());
  for (const int held : all) ::close(held);
  ::setrlimit(RLIMIT_NOFILE, &before);
  ::close(peer);

  // Seen without anybody who connects: while health says that nobody is served
  // a load balancer sends none.
  for (int i = 0; i < 1000 && !(*listener)->IsAccepting(); ++i) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_TRUE((*listener)->IsAccepting());
  const int last = Connect(address);
  EXPECT_TRUE(IsClosedByTheServer(last));
  EXPECT_EQ(handled, 2);
  EXPECT_TRUE((*listener)->IsAccepting());
  ::close(last);
}

TEST(TcpListener, LetsNoExceptionOut) {
  auto listener = TcpListener::Bind("127.0.0.1:0", "x");
  ASSERT_TRUE(listener.ok());
  std::atomic<int> handled = 0;
  ASSERT_TRUE((*listener)
                  ->Start(
                      [&](int socket, const Endpoint&) {
                        const bool is_first = ++handled == 1;
                        ::close(socket);
                        if (is_first) throw std::bad_alloc();
                      },
                      [] { throw std::bad_alloc(); }, [] {})
                  .ok());
  for (int i = 0; i < 2; ++i) {
    const int peer = Connect((*listener)->address());
    EXPECT_TRUE(IsClosedByTheServer(peer));
    ::close(peer);
  }
  EXPECT_EQ(handled, 2);
}

}  // namespace
}  // namespace anchorage::trustd
