// What a report of an instance costs trustd, and what a week of a million
// instances keeps in its memory.

#include <arpa/inet.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <prometheus/registry.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/anchorage/v1/report_service.pb.h"
#include "test/bench/load_generator.h"
#include "test/bench/process.h"
#include "test/bench/ratio.h"
#include "test/bench/report.h"
#include "trustd/fleet/report_service.h"
#include "trustd/rpc/grpc_listener.h"
#include "trustd/serve/http/http_listener.h"
#include "verify/reason.h"

namespace anchorage::bench {
namespace {

using trustd::Fleet;
using trustd::IpAddress;

constexpr double kMostMicroseconds = 40;
constexpr double kMostMebibytes = 256;
constexpr int kCalls = 2048;
constexpr int kMillion = 1'000'000;
constexpr int kRegions = 40;
constexpr char kMethod[] = "/anchorage.v1.ReportService/ReportOutcomes";

// As many slots as AWS has.
std::vector<std::string> Slots() {
  std::vector<std::string> slots;
  for (int i = 0; i < kRegions; ++i) {
    for (const char* kind : {"iid-rsa2048", "iid-rsa1024", "iid-dsa"}) {
      slots.push_back(absl::StrCat("aws/eu-west-", i, "/", kind));
    }
  }
  return slots;
}

// One entry for each of the `counts` regions from `first` on.
v1::ReportOutcomesRequest RequestOf(int counts, int first,
                                    std::string_view reason) {
  v1::ReportOutcomesRequest request;
  request.set_library_version(absl::StrCat("1.", first % 16, ".0"));
  request.set_bundle_sequence(static_cast<std::uint64_t>(first % 16));
  request.set_seconds(1800);
  for (int i = 0; i < counts; ++i) {
    v1::OutcomeCount& count = *request.add_counts();
    count.set_partition("aws");
    count.set_region(absl::StrCat("eu-west-", (first + i) % kRegions));
    count.set_kind(static_cast<v1::AnchorKind>(1 + i % 3));
    count.set_reason(std::string(reason));
    count.set_count(1000);
  }
  return request;
}

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) +
           static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// The answer to a report that was counted in a window of a week.
v1::ReportOutcomesResponse Counted() {
  v1::ReportOutcomesResponse response;
  response.set_seconds_until_next(86400);
  return response;
}

// A fleet in which no sender ever reports too often.
struct Patient {
  Patient() : fleet(OptionsOf(), registry) {}

  Fleet::Options OptionsOf() {
    Fleet::Options options;
    options.settings.window = absl::Hours(24 * 7);
    options.slots = [] { return Slots(); };
    options.uptime = [this] { return absl::Minutes(++calls / 2); };
    return options;
  }

  std::int64_t calls = 0;
  prometheus::Registry registry;
  Fleet fleet;
};

// Returns the median of the microseconds of one call.
template <typename Turn>
double Measure(int rounds, Turn turn) {
  turn();
  std::vector<double> microseconds;
  for (int i = 0; i < rounds; ++i) {
    const double before = CpuSeconds();
    turn();
    microseconds.push_back((CpuSeconds() - before) * 1e6 / kCalls);
  }
  return Median(microseconds);
}

double OverGrpc(LoadGenerator& load, int rounds, const std::string& request) {
  Patient patient;
  int port = 0;
  grpc::ServerBuilder builder;
  trustd::SetServerArguments({}, builder);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  trustd::CallGate gate({}, nullptr, [](const std::string&) {});
  trustd::AddReportService(gate, patient.fleet);
  builder.RegisterCallbackGenericService(&gate);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) Fail("cannot listen");
  load.Connect(absl::StrCat("127.0.0.1:", port));
  const double cost = Measure(rounds, [&] {
    (void)load.Run(kMethod, request, Counted().ByteSizeLong(), kCalls);
  });
  server->Shutdown();
  return cost;
}

// The sender of reports over HTTP, in a process of its own: sends what the line
// says, as often as it says, on one connection.
void PostInLoop(Line line) {
  int port = 0;
  if (!absl::SimpleAtoi(line.Read(), &port)) Fail("no port");
  const int peer = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::connect(peer, reinterpret_cast<sockaddr*>(&address), sizeof(address)) !=
      0) {
    Fail("cannot connect");
  }
  const int one = 1;
  ::setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  const std::string request = line.Read();
  const std::string end = "\r\n\r\n" + Counted().SerializeAsString();
  while (true) {
    (void)line.Read();
    for (int i = 0; i < kCalls; ++i) {
      if (::send(peer, request.data(), request.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(request.size())) {
        Fail("cannot send");
      }
      std::string answer;
      while (!answer.ends_with(end)) {
        char piece[4096];
        const ssize_t got = ::recv(peer, piece, sizeof(piece), 0);
        if (got <= 0) Fail("a report over HTTP is refused");
        answer.append(piece, static_cast<std::size_t>(got));
      }
    }
    line.Write("done");
  }
}

double OverHttp(ChildProcess& sender, int rounds, const std::string& request) {
  Patient patient;
  trustd::PublicationHub hub;
  trustd::Metrics metrics(v1::TrustdConfig::MODE_ONLINE);
  trustd::HttpListener::Options options;
  options.requests_per_connection = 1'000'000'000;
  options.post = trustd::ReportRoute(&patient.fleet);
  const auto listener =
      trustd::HttpListener::Start("127.0.0.1:0", hub, metrics, options);
  if (!listener.ok()) Fail(listener.status().ToString());
  const std::string& address = (*listener)->address();
  sender.line().Write(address.substr(address.rfind(':') + 1));
  sender.line().Write(
      absl::StrCat("POST /v1/reports HTTP/1.1\r\nHost: trustd\r\n"
                   "Content-Type: application/x-protobuf\r\nContent-Length: ",
                   request.size(), "\r\n\r\n", request));
  return Measure(rounds, [&] {
    sender.line().Write("go");
    (void)sender.line().Read();
  });
}

double HeapMebibytes() {
  const struct mallinfo2 info = ::mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd) / (1024 * 1024);
}

// Has `senders` different addresses report in a window of `fleet`, `counts`
// entries each, whose reasons are all that there are, in turn.
void Send(Fleet& fleet, int senders, int counts) {
  const auto& reasons = verify::AllReasons();
  std::vector<v1::ReportOutcomesRequest> requests;
  for (std::size_t i = 0; i < reasons.size() * kRegions; ++i) {
    requests.push_back(RequestOf(counts, static_cast<int>(i) % kRegions,
                                 verify::NameOf(reasons[i / kRegions])));
  }
  for (int i = 0; i < senders; ++i) {
    sockaddr_storage address{};
    auto& ipv4 = reinterpret_cast<sockaddr_in&>(address);
    ipv4.sin_family = AF_INET;
    ipv4.sin_addr.s_addr = htonl(0x0a000000u + static_cast<std::uint32_t>(i));
    const auto& request =
        requests[static_cast<std::size_t>(i) % requests.size()];
    if (!fleet.Take(*IpAddress::Of(address), "", request).status.ok()) {
      Fail("a report is refused");
    }
  }
}

// A week of hours, the last days of which have a million senders an hour, whose
// reports together have every row that there can be.
void Week(Report& report) {
  const double before = HeapMebibytes();
  absl::Duration now = absl::ZeroDuration();
  prometheus::Registry registry;
  Fleet::Options options;
  options.slots = [] { return Slots(); };
  options.uptime = [&] { return now; };
  Fleet fleet(options, registry);
  constexpr int kHours = 7 * 24;
  constexpr int kFullHours = 8;
  const double begin = CpuSeconds();
  double most = 0;
  for (int hour = 0; hour < kHours; ++hour) {
    Send(fleet, hour < kHours - kFullHours ? 20'000 : kMillion, 8);
    most = std::max(most, HeapMebibytes() - before);
    if (hour + 1 < kHours) now += absl::Hours(1);
    (void)fleet.TakeAlerts();
  }
  const double cost =
      (CpuSeconds() - begin) * 1e6 /
      ((kHours - kFullHours) * 20'000.0 + kFullHours * 1.0 * kMillion);
  const auto current = fleet.Describe(1).windows(0);
  report.Add({.name = "senders of the last hour",
              .absolute = WithCommas(static_cast<double>(current.senders())),
              .measured = absl::StrFormat(
                  "%.3f of the true number",
                  static_cast<double>(current.senders()) / kMillion)});
  report.Add({.name = "a report of 8 entries, counted",
              .absolute = absl::StrFormat("%.1f us of CPU", cost)});
  report.Add({.name = "a week, its last 8 hours of a million, every row",
              .measured = absl::StrFormat("%.1f MiB", most),
              .goal = absl::StrFormat("<= %.0f MiB", kMostMebibytes),
              .met = most <= kMostMebibytes});
}

void AddCost(const char* name, double cost, Report& report) {
  report.Add({.name = name,
              .measured = absl::StrFormat("%.1f us", cost),
              .goal = absl::StrFormat("<= %.0f us", kMostMicroseconds),
              .met = cost <= kMostMicroseconds});
}

int Main(const Options& options) {
  LoadGenerator load;
  ChildProcess small_sender(PostInLoop);
  ChildProcess large_sender(PostInLoop);
  const std::string small =
      RequestOf(4, 0, "SIGNATURE_MISMATCH").SerializeAsString();
  const std::string large =
      RequestOf(64, 0, "SIGNATURE_MISMATCH").SerializeAsString();
  Report costs("a report over a kept connection, of trustd's CPU", "us");
  AddCost("gRPC, 4 entries", OverGrpc(load, options.rounds, small), costs);
  AddCost("HTTP, 4 entries", OverHttp(small_sender, options.rounds, small),
          costs);
  AddCost("HTTP, 64 entries, the longest",
          OverHttp(large_sender, options.rounds, large), costs);
  Report memory("memory", "MiB");
  Week(memory);
  return costs.Finish(options) | memory.Finish(options);
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  return anchorage::bench::Main(anchorage::bench::ParseOptions(argc, argv));
}
