// The thread that asks the servers again and again.

#ifndef ANCHORAGE_CLIENT_REFRESHER_H_
#define ANCHORAGE_CLIENT_REFRESHER_H_

#include <functional>
#include <optional>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "anchors/base/steady_clock.h"
#include "client/http/stop_at_exit.h"

namespace anchorage::client {

class Refresher {
 public:
  // `refresh` asks once and returns how long to wait then; `cancel` ends that
  // from another thread. Both outlive the refresher; neither throws.
  Refresher(std::function<absl::Duration()> refresh,
            std::function<void()> cancel);
  // Stops the thread and waits for it.
  ~Refresher();
  Refresher(const Refresher&) = delete;
  Refresher& operator=(const Refresher&) = delete;

  // Starts the thread, which asks after `pause` for the first time.
  // RESOURCE_EXHAUSTED: none can be started.
  absl::Status Start(absl::Duration pause);

  // Ends a refresh under way, and the thread, without waiting for it.
  void TellToStop();

 private:
  void Loop(absl::Duration pause);
  // Waits for the thread, if there is one, but no longer than `time`; returns
  // whether it is gone. Called by one thread at a time.
  bool Join(absl::Duration time);

  const std::function<absl::Duration()> refresh_;
  const std::function<void()> cancel_;
  anchors::StopSignal stopping_;
  // When the thread is about to end.
  anchors::StopSignal stopped_;
  std::thread thread_;
  std::optional<StopAtExit> stop_at_exit_;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_REFRESHER_H_
