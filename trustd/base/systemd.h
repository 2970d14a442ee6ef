// What trustd tells the manager of services that started it (systemd.service(5),
// Type=notify). All of it does nothing where none waits for it.
//
//   TellReady("serving on 127.0.0.1:7443");
//   const Watchdog watchdog([&] { return service->CheckLive(); });
//
// libsystemd does it rather than code of ours, because it speaks to journald
// too (log.h), and knows where either listens.

#ifndef ANCHORAGE_TRUSTD_BASE_SYSTEMD_H_
#define ANCHORAGE_TRUSTD_BASE_SYSTEMD_H_

#include <functional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "anchors/base/steady_clock.h"

namespace anchorage::trustd {

// It has started, or reloaded. `status` is what `systemctl status` shows.
void TellReady(const std::string& status);
void TellReloading();
void TellStopping();

// While it exists, tells the manager that trustd is alive, three times within
// the time after which it would be restarted (WatchdogSec=). Has no thread where
// no manager waits for that.
class Watchdog {
 public:
  // `check` is called from the watchdog's thread before each of these. While it
  // fails, or does not return, nothing is told; the first failure in a row is
  // logged.
  explicit Watchdog(std::function<absl::Status()> check);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

 private:
  void Loop(absl::Duration interval);

  const std::function<absl::Status()> check_;
  anchors::StopSignal stopping_;
  std::thread thread_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BASE_SYSTEMD_H_
