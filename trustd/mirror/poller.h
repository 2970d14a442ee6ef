// Polls every source on its own schedule, and passes the answers to the mirror.
//
//   Poller poller(std::move(sources), mirror, clock);
//   absl::Status s = poller.Start();
//
// One thread for each source, so that one that stalls delays no other.

#ifndef ANCHORAGE_TRUSTD_MIRROR_POLLER_H_
#define ANCHORAGE_TRUSTD_MIRROR_POLLER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "anchors/base/steady_clock.h"
#include "trustd/mirror/mirror.h"
#include "trustd/sources/source.h"

namespace anchorage::trustd {

// Thread-safe.
class Poller {
 public:
  using Clock = std::function<absl::Time()>;
  // Told how long a poll of a source took, however it ended.
  using Timer =
      std::function<void(const std::string& source, absl::Duration time)>;

  // `mirror` must outlive the poller. `cancelled` is the flag with which the
  // sources were made: setting it aborts what they are doing.
  Poller(
      std::vector<std::unique_ptr<Source>> sources, Mirror& mirror, Clock clock,
      std::shared_ptr<std::atomic<bool>> cancelled,
      Timer timer = [](const std::string&, absl::Duration) {});
  ~Poller();

  // Starts the threads, which wait for Start().
  absl::Status Prepare();

  // Polls every source now, and from then on when it is due. After Prepare() it
  // cannot fail.
  absl::Status Start();

  // Polls a source as soon as it is idle; all of them for an empty name.
  // NOT_FOUND.
  absl::Status PollNow(const std::string& source);

  // Stops within a second or two, whatever the sources are doing. Idempotent.
  void Stop();

 private:
  struct Worker {
    std::unique_ptr<Source> source;
    std::thread thread;
    // Whether PollNow() was called since the last poll.
    bool is_wanted = true;
    // Whether the source has ever answered; the thread's own.
    bool has_answered = false;
  };

  void Run(Worker& worker);
  // Polls once; returns how long to wait.
  absl::Duration Look(Worker& worker, PollHistory& history);

  Mirror& mirror_;
  const Clock clock_;
  const std::shared_ptr<std::atomic<bool>> cancelled_;
  const Timer timer_;
  absl::Mutex mutex_;
  anchors::SteadyCondition changed_;
  bool is_prepared_ ABSL_GUARDED_BY(mutex_) = false;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // The list does not change after the constructor; `is_wanted` is guarded.
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_POLLER_H_
