// A client against servers that would use it up, byte by byte.

#include "client/grpc_fetcher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "test/floods/raw_http2.h"

namespace anchorage::client {
namespace {

using test::RawPeer;
using test::RawServer;

constexpr absl::Duration kLong = absl::Seconds(20);

// Waits for a call, stream 1, and returns what came until then.
std::string AwaitCall(RawPeer& peer) {
  peer.Send(test::Http2Frame(test::kSettingsFrame, 0, 0, ""));
  return peer.ReadUntil("/anchorage.v1.AnchorService/GetUpdate",
                        absl::Seconds(10));
}

// Answers the call of each connection with these bytes.
class FixedServer {
 public:
  explicit FixedServer(std::string answer)
      : server_([answer = std::move(answer)](RawPeer& peer) {
          AwaitCall(peer);
          peer.Send(answer);
          peer.IsClosedWithin(absl::Seconds(2));
        }) {}

  absl::StatusOr<v1::GetUpdateResponse> Ask(
      absl::Duration timeout = kLong) const {
    GrpcEndpoint endpoint;
    endpoint.server = server_.address();
    endpoint.plaintext = true;
    endpoint.timeout = timeout;
    GrpcConnection connection(endpoint);
    return connection.GetUpdate({});
  }

 private:
  RawServer server_;
};

std::string Answer(const std::string& encoding, bool compressed,
                   std::string_view message) {
  return test::ResponseHeaders(1, encoding) +
         test::MessageFrames(1, compressed, message, 0) +
         test::ResponseTrailers(1);
}

long PeakMiB() { return test::MemoryKiB("self", "VmHWM") / 1024; }
long NowMiB() { return test::MemoryKiB("self", "VmRSS") / 1024; }

v1::GetUpdateResponse Good() {
  v1::GetUpdateResponse good;
  good.add_roots("root");
  good.set_sequence(7);
  return good;
}

TEST(GrpcConnection, ReadsAnAnswer) {
  const FixedServer server(Answer("", false, Good().SerializeAsString()));
  const auto answer = server.Ask();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->SerializeAsString(), Good().SerializeAsString());
}

TEST(GrpcConnection, ReadsALongAnswer) {
  v1::GetUpdateResponse good;
  good.set_catalog(std::string(15 * 1024 * 1024, 'x'));
  RawServer server([&](RawPeer& peer) {
    std::string received = AwaitCall(peer);
    peer.Send(test::ResponseHeaders(1, ""));
    const std::string message = good.SerializeAsString();
    std::string first(1, '\0');
    for (int shift = 24; shift >= 0; shift -= 8) {
      first.push_back(static_cast<char>(message.size() >> shift & 0xff));
    }
    // SendData() fills with 'A': an answer's catalog may be anything.
    first += message.substr(0, 5);
    peer.SendData(1, first, message.size() + 5, kLong, std::move(received));
    peer.Send(test::ResponseTrailers(1));
    peer.IsClosedWithin(absl::Seconds(2));
  });
  GrpcEndpoint endpoint;
  endpoint.server = server.address();
  endpoint.plaintext = true;
  GrpcConnection connection(endpoint);
  const auto answer = connection.GetUpdate({});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->catalog().size(), good.catalog().size());
}

// 2 MB became 2 GB.
TEST(GrpcConnection, ACompressedAnswerIsAnErrorOfTheTransport) {
  v1::GetUpdateResponse bomb;
  bomb.set_catalog(std::string(15 * 1024 * 1024, '\0'));
  const std::string zipped = test::Gzip(bomb.SerializeAsString());
  ASSERT_LT(zipped.size(), 60'000u) << "it fits into one window";
  for (const char* encoding : {"gzip", "deflate"}) {
    const FixedServer server(Answer(encoding, true, zipped));
    const auto answer = server.Ask();
    EXPECT_FALSE(answer.ok()) << encoding;
  }
}

TEST(GrpcConnection, SoIsOneThatIsOnlyFlaggedAsCompressed) {
  for (const char* encoding : {"", "identity"}) {
    const FixedServer server(
        Answer(encoding, true, Good().SerializeAsString()));
    const auto answer = server.Ask();
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kInternal)
        << answer.status();
    EXPECT_TRUE(absl::StrContains(answer.status().message(), "compressed"));
  }
}

// 16 MiB of empty roots cost 500 MB and 6 s.
TEST(GrpcConnection, FieldsAreCountedBeforeProtobufSeesThem) {
  std::string roots(60'000, '\0');
  for (std::size_t i = 0; i < roots.size(); i += 2) roots[i] = '\x0a';
  const FixedServer server(Answer("", false, roots));
  const auto answer = server.Ask();
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kResourceExhausted)
      << answer.status();
}

// gRPC looks at the length when all is there.
TEST(GrpcConnection, AnAnswerWithoutAnEndIsBounded) {
  std::atomic<std::uint64_t> sent = 0;
  RawServer server([&](RawPeer& peer) {
    std::string received = AwaitCall(peer);
    peer.Send(test::ResponseHeaders(1, ""));
    sent = peer.SendData(1, std::string("\0\x77\x35\x94\0", 5), 600 << 20,
                         absl::Seconds(8), std::move(received));
  });
  const long before = NowMiB();
  GrpcEndpoint endpoint;
  endpoint.server = server.address();
  endpoint.plaintext = true;
  endpoint.timeout = absl::Seconds(8);
  GrpcConnection connection(endpoint);
  EXPECT_FALSE(connection.GetUpdate({}).ok());
  EXPECT_LT(PeakMiB() - before, 200 * test::kSanitizerFactor) << sent;
}

TEST(GrpcConnection, AnAnswerThatIsNoMessageIsTheServersFault) {
  const FixedServer server(Answer("", false, "\xff\xff"));
  EXPECT_EQ(server.Ask().status().code(), absl::StatusCode::kInternal);
  // Good headers and a good end, and nothing between.
  const FixedServer empty(test::ResponseHeaders(1, "") +
                          test::ResponseTrailers(1));
  EXPECT_EQ(empty.Ask().status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace anchorage::client
