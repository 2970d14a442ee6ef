#include "client/refresher.h"

#include <signal.h>

#include <utility>

#include "anchors/base/no_throw.h"

namespace anchorage::client {

Refresher::Refresher(std::function<absl::Duration()> refresh,
                     std::function<void()> cancel)
    : refresh_(std::move(refresh)), cancel_(std::move(cancel)) {}

Refresher::~Refresher() {
  TellToStop();
  stop_at_exit_.reset();
  if (thread_.joinable()) thread_.join();
}

absl::Status Refresher::Start(absl::Duration pause) {
  // The host's signals are for its own threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto thread = anchors::StartThread([this, pause] { Loop(pause); });
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

void Refresher::Loop(absl::Duration pause) {
  StopAtExit::OwnThisThread();
  while (!stopping_.WaitFor(pause)) {
    pause = refresh_();
    StopAtExit::CheckNotAbandoned();
  }
  stopped_.Notify();
}

}  // namespace anchorage::client
