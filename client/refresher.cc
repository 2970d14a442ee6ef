#include "client/refresher.h"

#include <signal.h>
#include <sys/random.h>

#include <algorithm>
#include <random>
#include <utility>

#include "anchors/base/no_throw.h"

namespace anchorage::client {
namespace {

constexpr absl::Duration kFirstRetry = absl::Seconds(5);

// Not std::random_device, which needs newer C libraries than our users have.
// Where the system gives nothing, the fleet asks together.
unsigned RandomSeed() {
  unsigned seed = 1;
  (void)!getrandom(&seed, sizeof seed, GRND_NONBLOCK);
  return seed;
}

}  // namespace

Refresher::Refresher(std::function<absl::Status()> refresh,
                     std::function<void()> cancel, absl::Duration interval)
    : refresh_(std::move(refresh)),
      cancel_(std::move(cancel)),
      interval_(interval) {}

Refresher::~Refresher() {
  TellToStop();
  stop_at_exit_.reset();
  if (thread_.joinable()) thread_.join();
}

absl::Status Refresher::Start() {
  // The host's signals are for its own threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto thread = anchors::StartThread([this] { Loop(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!thread.ok()) return thread.status();
  thread_ = *std::move(thread);
  stop_at_exit_.emplace([this] { TellToStop(); },
                        [this](absl::Duration time) { return Join(time); });
  return absl::OkStatus();
}

void Refresher::TellToStop() {
  stopping_.Notify();
  cancel_();
}

bool Refresher::Join(absl::Duration time) {
  if (!thread_.joinable()) return true;
  // A callback may end the process.
  if (thread_.get_id() == std::this_thread::get_id()) return false;
  if (!stopped_.WaitFor(time)) return false;
  thread_.join();
  return true;
}

void Refresher::Loop() {
  StopAtExit::OwnThisThread();
  std::minstd_rand random(RandomSeed());
  int failures = 0;
  absl::Duration pause;
  while (!stopping_.WaitFor(pause)) {
    const absl::Status status = anchors::NoThrow(refresh_);
    StopAtExit::CheckNotAbandoned();
    failures = status.ok() ? 0 : failures + 1;
    pause = interval_;
    if (failures > 0) {
      // 5 s, 10 s, 20 s, ... and never more than the interval.
      pause = std::min(pause, kFirstRetry * (1 << std::min(failures - 1, 16)));
    }
    // Jitter, so that a fleet that started together does not ask together.
    pause *= std::uniform_real_distribution<double>(0.9, 1.1)(random);
  }
  stopped_.Notify();
}

}  // namespace anchorage::client
