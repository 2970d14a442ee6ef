// Threads that stop when the process ends. exit(3) cleans up what they use, such
// as OpenSSL, while they run.
//
//   StopAtExit stop_at_exit([&] { Tell(); }, [&](auto time) { return Join(time); });

#ifndef ANCHORAGE_CLIENT_HTTP_STOP_AT_EXIT_H_
#define ANCHORAGE_CLIENT_HTTP_STOP_AT_EXIT_H_

#include <cstdint>
#include <functional>

#include "absl/time/time.h"
#include "verify/fork_safe_mutex.h"

namespace anchorage::client {

// While it lives, exit(3) calls `tell`, which tells a thread to stop, and then
// `wait`, which returns whether it stopped within the time that is given: for
// all of them together 2 seconds, of which libcurl takes one to notice. A
// process that was forked from this one calls nothing. What is registered with
// atexit(3) before the first of these was made runs later: make it once OpenSSL
// is in use. Destroying it waits for a `wait` that runs. Thread-safe.
class StopAtExit {
 public:
  StopAtExit(std::function<void()> tell,
             std::function<bool(absl::Duration)> wait);
  StopAtExit(const StopAtExit&) = delete;
  StopAtExit& operator=(const StopAtExit&) = delete;
  ~StopAtExit();

  // Says that the calling thread is one that is stopped.
  static void OwnThisThread();

  // Never returns in such a thread where the process went on with its end
  // without it: there may be no library left to go back to.
  static void CheckNotAbandoned();

 private:
  static void AtExit();

  const std::function<void()> tell_;
  const std::function<bool(absl::Duration)> wait_;
  const std::uint64_t fork_depth_ = verify::ForkDepth();
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_HTTP_STOP_AT_EXIT_H_
