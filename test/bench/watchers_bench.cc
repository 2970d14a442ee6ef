// What open WatchUpdates streams cost a trustd, each on a connection of its
// own: memory while nothing happens, and the time until the last has an update.

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "proto/anchorage/v1/anchor_service.grpc.pb.h"
#include "test/bench/process.h"
#include "test/bench/published.h"
#include "test/bench/ratio.h"
#include "test/bench/report.h"
#include "trustd/serve/server.h"

namespace anchorage::bench {
namespace {

constexpr double kMaxKiB = 40;
// So many at a time connect.
constexpr int kConnecting = 100;
constexpr int kUpdates = 9;
// Until the memory of what ended with the connecting is given back.
constexpr absl::Duration kSettling = absl::Milliseconds(500);
constexpr absl::Duration kTimeout = absl::Minutes(2);

std::int64_t ToNumber(const std::string& text) {
  std::int64_t number = 0;
  if (!absl::SimpleAtoi(text, &number)) Fail("not a number: " + text);
  return number;
}

void RaiseFileLimit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// --- The server's process --------------------------------------------------

std::int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t size = 0;
  std::int64_t resident = 0;
  if (!(statm >> size >> resident)) Fail("no /proc/self/statm");
  return resident * ::sysconf(_SC_PAGESIZE);
}

// Serves; answers "memory" with its bytes, and "publish" with the time just
// before.
void Serve(Line line) {
  RaiseFileLimit();
  auto publication = std::make_shared<trustd::Publication>(*PublishBakedIn());
  trustd::PublicationHub hub;
  hub.Publish(publication);
  trustd::Metrics metrics(v1::TrustdConfig::MODE_ONLINE);
  const auto server = trustd::Server::Start(
      trustd::ServerConfigOf(ConfigIn("/nowhere")), hub, metrics);
  if (!server.ok()) Fail(server.status().ToString());
  line.Write((*server)->address());
  while (true) {
    if (line.Read() == "memory") {
      line.Write(absl::StrCat(ResidentBytes()));
      continue;
    }
    auto next = std::make_shared<trustd::Publication>(*hub.Current());
    ++next->timestamp_version;
    const absl::Time begin = absl::Now();
    hub.Publish(std::move(next));
    line.Write(absl::StrCat(absl::ToUnixNanos(begin)));
  }
}

// --- The watchers' process -------------------------------------------------

// How many hints have come.
class Tally {
 public:
  void Count() {
    absl::MutexLock lock(&mutex_);
    ++count_;
    last_ = absl::Now();
  }

  // Waits until there are `count`, and returns when the last came.
  absl::Time Await(std::int64_t count) {
    absl::MutexLock lock(&mutex_);
    wanted_ = count;
    if (!mutex_.AwaitWithTimeout(
            absl::Condition(
                +[](Tally* self) ABSL_EXCLUSIVE_LOCKS_REQUIRED(self->mutex_) {
                  return self->count_ >= self->wanted_;
                },
                this),
            kTimeout)) {
      Fail(absl::StrCat(count_, " hints of ", wanted_));
    }
    return last_;
  }

 private:
  absl::Mutex mutex_;
  std::int64_t count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t wanted_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time last_ ABSL_GUARDED_BY(mutex_);
};

class Watcher final : public grpc::ClientReadReactor<v1::WatchUpdatesResponse> {
 public:
  Watcher(const std::string& address, Tally& tally) : tally_(tally) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = v1::AnchorService::NewStub(grpc::CreateCustomChannel(
        address, grpc::InsecureChannelCredentials(), arguments));
    stub_->async()->WatchUpdates(&context_, &request_, this);
    StartRead(&hint_);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) Fail("a stream ended");
    tally_.Count();
    StartRead(&hint_);
  }

 private:
  Tally& tally_;
  grpc::ClientContext context_;
  const v1::WatchUpdatesRequest request_;
  v1::WatchUpdatesResponse hint_;
  std::unique_ptr<v1::AnchorService::Stub> stub_;
};

// Opens streams, says so, and then answers "await" with the time at which the
// last of them had its next hint.
void Watch(Line line) {
  RaiseFileLimit();
  const std::string address = line.Read();
  const std::int64_t count = ToNumber(line.Read());
  Tally tally;
  std::vector<std::unique_ptr<Watcher>> watchers;
  while (static_cast<std::int64_t>(watchers.size()) < count) {
    watchers.push_back(std::make_unique<Watcher>(address, tally));
    if (watchers.size() % kConnecting == 0) {
      tally.Await(static_cast<std::int64_t>(watchers.size()));
    }
  }
  // Each is told at once what is served.
  std::int64_t hints = count;
  tally.Await(hints);
  line.Write("all watch");
  while (true) {
    line.Read();
    hints += count;
    line.Write(absl::StrCat(absl::ToUnixNanos(tally.Await(hints))));
  }
}

// --- Between them ----------------------------------------------------------

struct Measurement {
  double kib_each = 0;
  double update_ms = 0;
};

Measurement MeasureWatchers(int count) {
  const ChildProcess server(&Serve);
  const ChildProcess clients(&Watch);
  const auto memory = [&] {
    absl::SleepFor(kSettling);
    server.line().Write("memory");
    return ToNumber(server.line().Read());
  };
  const std::string address = server.line().Read();
  const std::int64_t before = memory();
  clients.line().Write(address);
  clients.line().Write(absl::StrCat(count));
  clients.line().Read();
  Measurement measured;
  measured.kib_each = static_cast<double>(memory() - before) / 1024 / count;
  std::vector<double> times;
  for (int i = 0; i < kUpdates; ++i) {
    clients.line().Write("await");
    server.line().Write("publish");
    const std::int64_t begin = ToNumber(server.line().Read());
    const std::int64_t end = ToNumber(clients.line().Read());
    times.push_back(static_cast<double>(end - begin) * 1e-6);
  }
  measured.update_ms = Median(times);
  return measured;
}

int Main(const Options& options) {
  struct Case {
    int count;
    // 0: no goals. Among few, what is made once would count as theirs.
    double max_milliseconds;
  };
  Report memory("memory of a watcher that waits", "KiB");
  Report update("until the last watcher has an update", "ms");
  for (const Case& c : {Case{100, 0}, Case{1000, 100}, Case{5000, 600}}) {
    const Measurement measured = MeasureWatchers(c.count);
    const std::string name = WithCommas(c.count) + " watchers";
    Report::Line kib{.name = name,
                     .measured = absl::StrFormat("%.1f", measured.kib_each)};
    Report::Line ms{.name = name,
                    .absolute = absl::StrFormat(
                        "%.0f us each", measured.update_ms * 1e3 / c.count),
                    .measured = absl::StrFormat("%.0f", measured.update_ms)};
    if (c.max_milliseconds > 0) {
      kib.goal = absl::StrFormat("<= %.0f", kMaxKiB);
      kib.met = measured.kib_each <= kMaxKiB;
      ms.goal = absl::StrFormat("<= %.0f", c.max_milliseconds);
      ms.met = measured.update_ms <= c.max_milliseconds;
    }
    memory.Add(std::move(kib));
    update.Add(std::move(ms));
  }
  return memory.Finish(options) | update.Finish(options);
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  return anchorage::bench::Main(anchorage::bench::ParseOptions(argc, argv));
}
