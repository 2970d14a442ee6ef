#include "client/http/stop_at_exit.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"

namespace anchorage::client {
namespace {

using verify::ForkSafeLock;

constexpr std::chrono::seconds kLongest(2);

thread_local bool owned = false;
std::atomic<bool> abandoned = false;

// Never destroyed: it is used at exit.
struct All {
  verify::ForkSafeMutex mutex;
  std::vector<StopAtExit*> list ABSL_GUARDED_BY(mutex);

  static All& Get() {
    static All* const all = new All();
    return *all;
  }
};

}  // namespace

StopAtExit::StopAtExit(std::function<void()> tell,
                       std::function<bool(absl::Duration)> wait)
    : tell_(std::move(tell)), wait_(std::move(wait)) {
  All& all = All::Get();
  [[maybe_unused]] static const int registered = std::atexit(AtExit);
  const ForkSafeLock lock(&all.mutex);
  all.list.push_back(this);
}

StopAtExit::~StopAtExit() {
  All& all = All::Get();
  const ForkSafeLock lock(&all.mutex);
  all.list.erase(std::find(all.list.begin(), all.list.end(), this));
}

void StopAtExit::OwnThisThread() { owned = true; }

void StopAtExit::CheckNotAbandoned() {
  while (owned && abandoned) ::pause();
}

void StopAtExit::AtExit() {
  All& all = All::Get();
  const ForkSafeLock lock(&all.mutex);
  const auto end = std::chrono::steady_clock::now() + kLongest;
  const std::uint64_t depth = verify::ForkDepth();
  for (const StopAtExit* one : all.list) {
    if (one->fork_depth_ == depth) one->tell_();
  }
  for (const StopAtExit* one : all.list) {
    if (one->fork_depth_ != depth) continue;
    const auto left = absl::FromChrono(end - std::chrono::steady_clock::now());
    if (!one->wait_(std::max(left, absl::ZeroDuration()))) abandoned = true;
  }
}

}  // namespace anchorage::client
