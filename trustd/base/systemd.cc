#include "trustd/base/systemd.h"

#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/no_throw.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

// Nothing is waited for, and whoever does not hear it asks the journal.
void Tell(const std::string& state) { (void)::sd_notify(0, state.c_str()); }

}  // namespace

void TellReady(const std::string& status) {
  Tell(absl::StrCat("READY=1\nSTATUS=", verify::Printable(status)));
}

void TellReloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  Tell(
      absl::StrCat("RELOADING=1\nMONOTONIC_USEC=",
                   absl::ToInt64Microseconds(absl::DurationFromTimespec(now))));
}

void TellStopping() { Tell("STOPPING=1"); }

Watchdog::Watchdog(std::function<absl::Status()> check)
    : check_(std::move(check)) {
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(0, &microseconds) <= 0) return;
  const absl::Duration interval =
      absl::Microseconds(static_cast<std::int64_t>(microseconds)) / 3;
  auto thread = anchors::StartThread([this, interval] { Loop(interval); });
  // Without a thread the manager hears nothing, and starts trustd again.
  if (thread.ok()) thread_ = *std::move(thread);
}

Watchdog::~Watchdog() {
  stopping_.Notify();
  if (thread_.joinable()) thread_.join();
}

void Watchdog::Loop(absl::Duration interval) {
  bool was_live = true;
  do {
    const absl::Status live = anchors::NoThrow(check_);
    if (live.ok()) {
      Tell("WATCHDOG=1");
    } else if (was_live) {
      spdlog::error("not alive, and started again if it stays so: {}",
                    std::string(live.message()));
    }
    was_live = live.ok();
  } while (!stopping_.WaitFor(interval));
}

}  // namespace anchorage::trustd
