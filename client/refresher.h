// The thread that asks the server, at once and then again and again.

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
  // `refresh` asks once, and `cancel` ends that from another thread; both
  // outlive the refresher.
  Refresher(std::function<absl::Status()> refresh, std::function<void()> cancel,
            absl::Duration interval);
  // Stops the thread and waits for it.
  ~Refresher();
  Refresher(const Refresher&) = delete;
  Refresher& operator=(const Refresher&) = delete;

  // Starts the thread. RESOURCE_EXHAUSTED: none can be started.
  absl::Status Start();

  // Ends a refresh under way, and the thread, without waiting for it.
  void TellToStop();

 private:
  void Loop();
  // Waits for the thread, if there is one, but no longer than `time`; returns
  // whether it is gone. Called by one thread at a time.
  bool Join(absl::Duration time);

  const std::function<absl::Status()> refresh_;
  const std::function<void()> cancel_;
  const absl::Duration interval_;
  anchors::StopSignal stopping_;
  // When the thread is about to end.
  anchors::StopSignal stopped_;
  std::thread thread_;
  std::optional<StopAtExit> stop_at_exit_;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_REFRESHER_H_
