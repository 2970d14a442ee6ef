#include "trustd/rpc/connections.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <map>
#include <memory>
#include <string>

#include "trustd/net/ip_address.h"

namespace anchorage::trustd {
namespace {

// One end is as if it had been accepted.
class Socket {
 public:
  Socket() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_), 0);
  }
  ~Socket() {
    Close();
    ::close(ends_[1]);
  }
  int get() const { return ends_[0]; }
  // What gRPC does at the end.
  void Close() {
    if (ends_[0] >= 0) ::close(ends_[0]);
    ends_[0] = -1;
  }

 private:
  int ends_[2] = {-1, -1};
};

Endpoint From(const std::string& address, std::uint16_t port) {
  return {IpAddress::Parse(address).value_or(IpAddress()), port};
}

class ConnectionsTest : public ::testing::Test {
 protected:
  std::map<std::string, int> shed_;
  Connections connections_{{.most = 8, .proxies = {}},
                           [this](const std::string& what) { ++shed_[what]; }};
  std::array<Socket, 4> sockets_;
};

// Otherwise one that comes again at once has the memory of all that it left.
TEST_F(ConnectionsTest, WhoWasCutOffWaitsUntilWhatItLeftIsGone) {
  const Endpoint peer = From("192.0.2.1", 1000);
  ASSERT_TRUE(connections_.Add(sockets_[0].get(), peer));
  const auto record = connections_.Find(peer);
  ASSERT_NE(record, nullptr);
  record->calls = 1;
  connections_.Cut(record);
  EXPECT_FALSE(connections_.Add(sockets_[1].get(), From("192.0.2.1", 1001)));
  EXPECT_TRUE(connections_.Add(sockets_[2].get(), From("192.0.2.2", 1001)));
  sockets_[0].Close();
  EXPECT_FALSE(connections_.Add(sockets_[1].get(), From("192.0.2.1", 1001)));
  EXPECT_EQ(shed_["connections_cut"], 2);
  record->calls = 0;
  EXPECT_TRUE(connections_.Sweep()) << "one that was cut off has ended";
  EXPECT_TRUE(connections_.Add(sockets_[1].get(), From("192.0.2.1", 1001)));
}

TEST_F(ConnectionsTest, ManyAreBehindAProxy) {
  const Endpoint peer = From("127.0.0.1", 1000);
  ASSERT_TRUE(connections_.Add(sockets_[0].get(), peer));
  connections_.Cut(connections_.Find(peer));
  EXPECT_TRUE(connections_.Add(sockets_[1].get(), From("127.0.0.1", 1001)));
}

TEST_F(ConnectionsTest, OnePortHasOneConnectionAtATime) {
  const Endpoint peer = From("192.0.2.1", 1000);
  ASSERT_TRUE(connections_.Add(sockets_[0].get(), peer));
  const auto first = connections_.Find(peer);
  EXPECT_FALSE(connections_.Add(sockets_[1].get(), peer));
  EXPECT_EQ(connections_.Find(peer), first);
  EXPECT_EQ(shed_["connections_port"], 1);
  sockets_[0].Close();
  EXPECT_TRUE(connections_.Add(sockets_[1].get(), peer));
  EXPECT_EQ(connections_.size(), 1u);
}

}  // namespace
}  // namespace anchorage::trustd
