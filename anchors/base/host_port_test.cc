#include "anchors/base/host_port.h"

#include "gtest/gtest.h"

namespace anchorage::anchors {
namespace {

TEST(HostPort, ReadsAHostAndAPort) {
  for (const char* host : {"localhost", "192.0.2.1", "[2001:db8::1]"}) {
    const auto parsed = ParseHostPort(std::string(host) + ":7443");
    ASSERT_TRUE(parsed.has_value()) << host;
    EXPECT_EQ(parsed->host, host);
    EXPECT_EQ(parsed->port, 7443);
  }
}

TEST(HostPort, RefusesWhatIsNotBoth) {
  for (const char* text : {"", "localhost", ":7443", "localhost:",
                           "localhost:x", "localhost:-1", "localhost:65536"}) {
    EXPECT_FALSE(ParseHostPort(text).has_value()) << text;
  }
}

TEST(HostPort, KnowsTheLoopbackInterface) {
  for (const char* host : {"localhost", "127.0.0.1", "127.255.0.9", "[::1]"}) {
    EXPECT_TRUE(IsLoopbackHost(host)) << host;
  }
  // One of them was taken for it once, and got plain text.
  for (const char* host :
       {"127.example.com", "128.0.0.1", "localhost.net", "[::2]", "::1", ""}) {
    EXPECT_FALSE(IsLoopbackHost(host)) << host;
  }
}

}  // namespace
}  // namespace anchorage::anchors
