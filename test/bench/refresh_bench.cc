// What a client's refreshes cost: one that finds nothing new, in memory and over
// HTTPS; what a hundred thousand leave behind; how long verifying threads wait.

#include <httplib.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "anchors/baked/baked.h"
#include "anchors/bundle.h"
#include "client/transport.h"
#include "client/trust_client.h"
#include "test/bench/ratio.h"
#include "test/bench/report.h"
#include "test/identity/real_identities.h"
#include "test/support/repository_simulator.h"
#include "test/support/server_certificate.h"
#include "verify/identity/identity_evidence.h"
#include "verify/identity/identity_policy.h"

namespace anchorage::bench {
namespace {

namespace tuf = anchors::tuf;

constexpr int kVerifiers = 16;
constexpr int kRefreshes = 100'000;
constexpr int kHttpsRefreshes = 10'000;
// What TCP and IP put in front of each packet.
constexpr std::size_t kPacketBytes = 52;

template <typename T>
T Value(absl::StatusOr<T> made) {
  if (!made.ok()) Fail(made.status().ToString());
  return *std::move(made);
}

// What the kernel tells beyond what the C library knows.
struct TcpInfo {
  tcp_info known;
  std::uint64_t rates_and_bytes[4];
  std::uint32_t packets_out;
  std::uint32_t packets_in;
};

// The built-in catalog, as a trustd would sign it.
class Repository {
 public:
  Repository() {
    files_.AddTarget("targets", std::string(anchors::kCatalogTargetPath),
                     anchors::DefaultBakedBundle().files.catalog());
    files_.Publish({"targets", "snapshot", "timestamp"});
  }

  std::string root() const { return files_.published("root", 1); }

  // Signs the same catalog as of now.
  void Renew() {
    const std::lock_guard<std::mutex> lock(mutex_);
    files_.Publish({"timestamp"});
    // Of the old ones it keeps copies.
    std::erase_if(files_.metadata, [](const auto& file) {
      return file.first.ends_with(".timestamp.json");
    });
  }

  absl::StatusOr<std::string> Fetch(std::string_view name, bool is_target) {
    const std::lock_guard<std::mutex> lock(mutex_);
    files_.requests.clear();
    return is_target ? files_.FetchTarget(name, 1 << 30)
                     : files_.FetchMetadata(name, 1 << 30);
  }

 private:
  std::mutex mutex_;
  tuf::RepositorySimulator files_{absl::Now()};
};

Repository& TheRepository() {
  static Repository& repository = *new Repository();
  return repository;
}

// Serves it from memory.
class Memory final : public client::Transport, public tuf::Fetcher {
 public:
  std::unique_ptr<tuf::Fetcher> Begin(const anchors::BundleVersions&,
                                      std::string, absl::Duration) override {
    return std::make_unique<Memory>();
  }
  void Cancel() override {}
  absl::StatusOr<std::string> FetchMetadata(std::string_view name,
                                            std::size_t) override {
    return TheRepository().Fetch(name, false);
  }
  absl::StatusOr<std::string> FetchTarget(std::string_view name,
                                          std::size_t) override {
    return TheRepository().Fetch(name, true);
  }
};

// Serves it over HTTPS, with tags, as trustd's files behind a proxy are.
class HttpsServer {
 public:
  HttpsServer() : server_(certificate_.x509(), certificate_.key()) {
    server_.set_keep_alive_max_count(1'000'000'000);
    server_.set_keep_alive_timeout(60);
    server_.set_tcp_nodelay(true);
    server_.Get("/tuf/(.*)", &Answer);
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~HttpsServer() {
    server_.stop();
    thread_.join();
  }

  int port() const { return port_; }
  std::string roots_pem() const { return certificate_.Pem(); }

 private:
  static void Answer(const httplib::Request& request,
                     httplib::Response& response) {
    std::string_view name = request.target;
    name.remove_prefix(std::string_view("/tuf/").size());
    const bool is_target = name.starts_with("targets/");
    if (is_target) name.remove_prefix(std::string_view("targets/").size());
    auto bytes = TheRepository().Fetch(name, is_target);
    response.set_header("X-Content-Type-Options", "nosniff");
    if (!bytes.ok()) {
      response.status = 404;
      return response.set_content("no such file\n", "text/plain");
    }
    // As long as a SHA-256.
    const std::string tag = absl::StrFormat(
        "\"%064x\"",
        static_cast<std::uint64_t>(std::hash<std::string>()(*bytes)));
    response.set_header("ETag", tag);
    response.set_header("Cache-Control", "public, max-age=60");
    if (request.get_header_value("If-None-Match") == tag) {
      response.status = 304;
    } else {
      response.set_content(*std::move(bytes), "application/json");
    }
  }

  const client::ServerCertificate certificate_;
  httplib::SSLServer server_;
  int port_ = 0;
  std::thread thread_;
};

// Stands between a client and a server, and counts what passes.
class Relay {
 public:
  explicit Relay(int to) : to_(to), listener_(NewSocket()) {
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof(address);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 1) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address),
                      &size) != 0) {
      Fail("no port for the relay");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~Relay() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  int port() const { return port_; }
  int connections() const { return connections_; }

  // Everything that passed, with the heads of its packets.
  std::size_t WireBytes() const {
    TcpInfo info{};
    socklen_t size = sizeof(info);
    if (::getsockopt(client_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < sizeof(info)) {
      Fail("TCP_INFO");
    }
    return bytes_ + kPacketBytes * (info.packets_in + info.packets_out);
  }

 private:
  static int NewSocket() { return ::socket(AF_INET, SOCK_STREAM, 0); }
  static sockaddr_in Loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
  }

  void Run() {
    for (int peer; (peer = ::accept(listener_, nullptr, nullptr)) >= 0;) {
      ++connections_;
      client_ = peer;
      const int server = NewSocket();
      const sockaddr_in address = Loopback(to_);
      if (::connect(server, reinterpret_cast<const sockaddr*>(&address),
                    sizeof(address)) != 0) {
        Fail("the relay's server");
      }
      const int at_once = 1;
      for (const int socket : {peer, server}) {
        ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &at_once,
                     sizeof(at_once));
      }
      pollfd both[2] = {{peer, POLLIN, 0}, {server, POLLIN, 0}};
      while (::poll(both, 2, -1) > 0 && Pass(both[0], server) &&
             Pass(both[1], peer)) {
      }
      ::close(server);
      ::close(peer);
    }
  }

  bool Pass(const pollfd& from, int to) {
    if (from.revents == 0) return true;
    char buffer[65536];
    const ssize_t got = ::read(from.fd, buffer, sizeof(buffer));
    if (got <= 0) return false;
    bytes_ += static_cast<std::size_t>(got);
    return ::send(to, buffer, static_cast<std::size_t>(got), MSG_NOSIGNAL) ==
           got;
  }

  const int to_;
  const int listener_;
  int port_ = 0;
  std::atomic<int> client_ = -1;
  std::atomic<int> connections_ = 0;
  std::atomic<std::size_t> bytes_ = 0;
  std::thread thread_;
};

std::unique_ptr<client::TrustClient> NewMemoryClient() {
  client::TrustClientOptions options;
  options.server = "memory";
  options.trusted_root = TheRepository().root();
  options.background_refresh = false;
  return Value(client::TrustClient::CreateWith(
      std::move(options),
      [](const client::TrustClientOptions&)
          -> absl::StatusOr<std::unique_ptr<client::Transport>> {
        return std::make_unique<Memory>();
      }));
}

std::unique_ptr<client::TrustClient> NewHttpsClient(int port,
                                                    std::string roots_pem) {
  client::TrustClientOptions options;
  options.metadata_url = absl::StrCat("https://127.0.0.1:", port, "/tuf/");
  options.tls_roots_pem = std::move(roots_pem);
  options.trusted_root = TheRepository().root();
  options.background_refresh = false;
  return Value(client::TrustClient::Create(std::move(options)));
}

void Refresh(client::TrustClient& client) {
  if (absl::Status s = client.Refresh(); !s.ok()) Fail(s.ToString());
}

// Milliseconds of this thread's processor.
double RefreshMilliseconds(client::TrustClient& client, int rounds) {
  std::vector<double> all;
  for (int i = 0; i < rounds; ++i) {
    const double start = ThreadSeconds();
    Refresh(client);
    all.push_back((ThreadSeconds() - start) * 1e3);
  }
  return Median(all);
}

Report::Line AtMostLine(std::string name, double value, double goal,
                        std::string_view unit) {
  return {.name = std::move(name),
          .measured = absl::StrFormat("%.3f %s", value, unit),
          .goal = absl::StrFormat("<= %.3f", goal),
          .met = value <= goal};
}

// How many KiB more are allocated after that many refreshes, of which each
// hundredth finds something new.
double GrowthKib(client::TrustClient& client, int refreshes) {
  const auto refresh = [&](int times) {
    for (int i = 0; i < times; ++i) {
      if (i % 100 == 0) TheRepository().Renew();
      Refresh(client);
    }
  };
  refresh(1'000);
  const std::size_t before = ::mallinfo2().uordblks;
  refresh(refreshes);
  const std::size_t after = ::mallinfo2().uordblks;
  return (static_cast<double>(after) - static_cast<double>(before)) / 1024;
}

// What the verifying threads saw.
struct Waits {
  double longest_ms = 0;
  std::uint64_t verifications = 0;
  // How often a thread gave up its processor by itself, as for a lock, and the
  // longest verification in which one did.
  std::int64_t waits = 0;
  double longest_wait_ms = 0;
};

// How often this thread gave up its processor by itself.
std::int64_t Switches() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

Waits Verify(client::TrustClient& client, bool with_refreshes, int seconds,
             int& refreshes) {
  const auto identities = test::CarriedIdentities();
  const test::RealIdentity* real = nullptr;
  for (const test::RealIdentity& one : identities) {
    if (one.genuine && one.form == verify::IdentityForm::kRsa2048) real = &one;
  }
  if (real == nullptr) Fail("no document");
  std::string bytes;
  const auto evidence =
      Value(verify::RecogniseIdentityForm(real->signature_text, bytes));
  const auto policy =
      Value(verify::IdentityPolicy::AuthenticityOnly("a benchmark"));
  std::atomic<bool> stop = false;
  std::atomic<int> ready = 0;
  std::vector<Waits> each(kVerifiers);
  std::vector<std::thread> threads;
  for (Waits& mine : each) {
    threads.emplace_back([&] {
      const auto verify_once = [&] {
        if (!client.VerifyIdentity(evidence, policy).ok()) Fail("refused");
      };
      verify_once();
      ++ready;
      while (ready < kVerifiers) std::this_thread::yield();
      for (std::int64_t switches = Switches(); !stop;) {
        const auto start = std::chrono::steady_clock::now();
        verify_once();
        const std::chrono::duration<double, std::milli> took =
            std::chrono::steady_clock::now() - start;
        mine.longest_ms = std::max(mine.longest_ms, took.count());
        ++mine.verifications;
        const std::int64_t before = std::exchange(switches, Switches());
        if (switches == before) continue;
        mine.waits += switches - before;
        mine.longest_wait_ms = std::max(mine.longest_wait_ms, took.count());
      }
    });
  }
  const absl::Time end = absl::Now() + absl::Seconds(seconds);
  for (refreshes = 0; absl::Now() < end;) {
    if (!with_refreshes) {
      absl::SleepFor(absl::Milliseconds(10));
      continue;
    }
    TheRepository().Renew();
    Refresh(client);
    ++refreshes;
  }
  stop = true;
  Waits all;
  for (int i = 0; i < kVerifiers; ++i) {
    threads[i].join();
    all.longest_ms = std::max(all.longest_ms, each[i].longest_ms);
    all.verifications += each[i].verifications;
    all.waits += each[i].waits;
    all.longest_wait_ms =
        std::max(all.longest_wait_ms, each[i].longest_wait_ms);
  }
  return all;
}

int Main(const Options& options) {
  const auto client = NewMemoryClient();
  Refresh(*client);
  Report costs("a refresh that finds nothing new", "cost");
  costs.Add(AtMostLine("in memory, on its processor",
                       RefreshMilliseconds(*client, 10 * options.rounds), 1,
                       "ms"));
  {
    HttpsServer server;
    Relay relay(server.port());
    const auto over_https = NewHttpsClient(relay.port(), server.roots_pem());
    Refresh(*over_https);
    Refresh(*over_https);
    costs.Add(AtMostLine("over HTTPS, on its processor",
                         RefreshMilliseconds(*over_https, options.rounds), 1,
                         "ms"));
    const std::size_t before = relay.WireBytes();
    for (int i = 0; i < options.rounds; ++i) Refresh(*over_https);
    const double wire = static_cast<double>(relay.WireBytes() - before);
    costs.Add(AtMostLine("over HTTPS, on the wire",
                         wire / options.rounds / 1024, 2, "KiB"));
    if (relay.connections() != 1) Fail("the connection was not kept");
    costs.Add(AtMostLine(
        absl::StrCat(WithCommas(kHttpsRefreshes), " over HTTPS leave behind"),
        GrowthKib(*over_https, kHttpsRefreshes), 64, "KiB"));
  }
  costs.Add(AtMostLine(
      absl::StrCat(WithCommas(kRefreshes), " in memory leave behind"),
      GrowthKib(*client, kRefreshes), 64, "KiB"));

  int refreshes = 0;
  const int seconds = std::max(1, options.rounds / 10);
  const Waits alone = Verify(*client, false, seconds, refreshes);
  const Waits beside = Verify(*client, true, seconds, refreshes);
  const auto add = [&](std::string name, const Waits& waits) {
    costs.Add({.name = absl::StrCat(name, ", longest verification"),
               .absolute = WithCommas(static_cast<double>(waits.verifications)),
               .measured = absl::StrFormat("%.1f ms", waits.longest_ms)});
    costs.Add({.name = absl::StrCat(name, ", waits"),
               .absolute = WithCommas(static_cast<double>(waits.waits)),
               .measured = absl::StrFormat("%.1f ms", waits.longest_wait_ms)});
  };
  add("16 threads alone", alone);
  add(absl::StrCat("beside ", WithCommas(refreshes), " refreshes"), beside);
  return costs.Finish(options);
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  return anchorage::bench::Main(anchorage::bench::ParseOptions(argc, argv));
}
