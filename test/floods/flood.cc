// A peer that tries to use up a trustd, or one that wants to be served by it:
// what tools/test-floods runs in namespaces of their own.
//
// usage: flood KIND ADDRESS SECONDS        sends that flood for so long
//        flood client GRPC HTTP SECONDS    calls as clients and probes do
//
// A flood prints what became of its connections, a client one line of
// KEY=VALUE with its calls, those that failed, and the slowest. Exit code 0
// also where calls failed: who reads the line decides.

#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/grpc_fetcher.h"
#include "test/floods/raw_http2.h"

namespace anchorage::test {
namespace {

constexpr char kGetUpdate[] = "/anchorage.v1.AnchorService/GetUpdate";

// How a connection of a flood begins: true if it was still open after that.
using Begin = std::function<bool(RawPeer&)>;

struct Flood {
  // How many connections are held at a time.
  int connections = 1;
  Begin begin;
};

bool HoldOpen(RawPeer&) { return true; }

bool SendHalfARequest(RawPeer& peer) {
  return peer.Send("GET /tuf/timestamp.json HTTP/1.1\r\nHost: half\r\nX: ");
}

// The head of a ClientHello, and no more.
bool SendHalfAHandshake(RawPeer& peer) {
  return peer.Send(
      std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
}

// Never acknowledges a setting.
bool OpenStreams(RawPeer& peer) {
  if (!peer.Send(ClientPreface())) return false;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    if (!peer.Send(RequestHeaders(2 * i + 1, kGetUpdate))) return false;
  }
  return true;
}

// Within the limit of streams, and none of them with a request.
bool OpenEmptyCalls(RawPeer& peer) {
  if (!peer.Send(ClientPreface() + Http2Frame(kSettingsFrame, 1, 0, ""))) {
    return false;
  }
  for (std::uint32_t i = 0; i < 100; ++i) {
    if (!peer.Send(RequestHeaders(2 * i + 1, kGetUpdate))) return false;
  }
  return true;
}

bool SendCompressed(RawPeer& peer) {
  // 63 KB on the wire, some 60 MB without it.
  static const std::string bomb = Gzip(std::string(60 << 20, '\0'));
  if (!peer.Send(ClientPreface())) return false;
  for (std::uint32_t i = 0; i < 40; ++i) {
    if (!peer.Send(RequestHeaders(2 * i + 1, kGetUpdate, "gzip") +
                   MessageFrames(2 * i + 1, true, bomb, kEndStream))) {
      return false;
    }
    peer.ReadUntil("disabled", absl::Milliseconds(20));
  }
  return true;
}

bool SendWithoutEnd(RawPeer& peer) {
  if (!peer.Send(ClientPreface() + RequestHeaders(1, kGetUpdate))) return false;
  const std::string two_gigabytes("\0\x77\x35\x94\0", 5);
  return peer.SendData(1, two_gigabytes, std::uint64_t{2} << 30,
                       absl::Seconds(3)) == 0;
}

const std::map<std::string, Flood>& Floods() {
  static const auto* floods = new std::map<std::string, Flood>{
      {"connections", {1200, HoldOpen}},
      {"half-requests", {96, SendHalfARequest}},
      {"many-half-requests", {1200, SendHalfARequest}},
      {"handshakes", {1200, SendHalfAHandshake}},
      {"streams", {1, OpenStreams}},
      {"empty-calls", {100, OpenEmptyCalls}},
      {"compressed", {8, SendCompressed}},
      {"endless-messages", {8, SendWithoutEnd}},
  };
  return *floods;
}

void Send(const Flood& flood, const std::string& address,
          absl::Duration duration) {
  const absl::Time end = absl::Now() + duration;
  std::vector<RawPeer> held;
  int opened = 0;
  int refused = 0;
  int closed = 0;
  while (absl::Now() < end) {
    while (static_cast<int>(held.size()) < flood.connections &&
           absl::Now() < end) {
      RawPeer peer = RawPeer::To(address);
      ++opened;
      if (!peer.is_valid() || !flood.begin(peer)) {
        ++refused;
        break;
      }
      held.push_back(std::move(peer));
    }
    // Whoever was cut off comes again.
    for (std::size_t i = 0; i < held.size();) {
      if (held[i].IsClosedWithin(absl::ZeroDuration())) {
        std::swap(held[i], held.back());
        held.pop_back();
        ++closed;
      } else {
        ++i;
      }
    }
    absl::SleepFor(absl::Milliseconds(10));
  }
  std::printf("opened=%d refused=%d closed=%d held=%zu\n", opened, refused,
              closed, held.size());
}

// How calls of one kind went.
struct Tally {
  int calls = 0;
  int failed = 0;
  absl::Duration slowest;
  std::string first_failure;

  void Count(absl::Time begin, const std::string& failure) {
    ++calls;
    slowest = std::max(slowest, absl::Now() - begin);
    if (failure.empty()) return;
    ++failed;
    if (first_failure.empty()) first_failure = failure;
  }
};

void Print(const char* name, const Tally& tally) {
  std::printf("%s_calls=%d %s_failed=%d %s_slowest_ms=%d ", name, tally.calls,
              name, tally.failed, name,
              static_cast<int>(absl::ToInt64Milliseconds(tally.slowest)));
  if (!tally.first_failure.empty()) {
    std::fprintf(stderr, "%s: %s\n", name, tally.first_failure.c_str());
  }
}

void Call(const std::string& grpc, const std::string& http,
          absl::Duration duration) {
  const absl::Time end = absl::Now() + duration;
  Tally update;
  Tally kept;
  Tally probe;
  client::GrpcEndpoint endpoint;
  endpoint.server = grpc;
  endpoint.plaintext = true;
  endpoint.timeout = absl::Seconds(5);
  if (const char* roots = std::getenv("FLOOD_TLS_ROOTS"); roots != nullptr) {
    endpoint.plaintext = false;
    endpoint.tls_roots_pem = roots;
  }
  client::GrpcConnection connection(endpoint);
  do {
    // A client that starts now, one that has a connection, and a probe.
    absl::Time begin = absl::Now();
    client::GrpcConnection fresh(endpoint);
    update.Count(begin, std::string(fresh.GetUpdate({}).status().message()));
    begin = absl::Now();
    kept.Count(begin, std::string(connection.GetUpdate({}).status().message()));
    begin = absl::Now();
    RawPeer peer = RawPeer::To(http);
    peer.Send("GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const std::string answer = peer.ReadUntil("\r\n\r\n", absl::Seconds(5));
    probe.Count(begin, absl::StartsWith(answer, "HTTP/1.1 200")
                           ? ""
                           : absl::StrCat("answer: ", answer));
    absl::SleepFor(absl::Milliseconds(100));
  } while (absl::Now() < end);
  Print("client", update);
  Print("kept", kept);
  Print("probe", probe);
  std::printf("\n");
}

int Main(int argc, char** argv) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const std::string kind = argc > 1 ? argv[1] : "";
  double seconds = 0;
  if (kind == "client" && argc == 5 && absl::SimpleAtod(argv[4], &seconds)) {
    Call(argv[2], argv[3], absl::Seconds(seconds));
    return 0;
  }
  const auto found = Floods().find(kind);
  if (found == Floods().end() || argc != 4 ||
      !absl::SimpleAtod(argv[3], &seconds)) {
    std::fprintf(stderr,
                 "usage: flood KIND ADDRESS SECONDS\n"
                 "       flood client GRPC HTTP SECONDS\n");
    return 1;
  }
  Send(found->second, argv[2], absl::Seconds(seconds));
  return 0;
}

}  // namespace
}  // namespace anchorage::test

int main(int argc, char** argv) { return anchorage::test::Main(argc, argv); }
