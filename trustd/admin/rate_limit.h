// How often each name may call: a bucket of tokens for each.
//
//   RateLimit limit({.burst = 20, .refill = absl::Seconds(6)});
//   if (!limit.Take(name, anchors::SteadyNow())) return TooMany();
//
// The time is an argument, and not a date: nobody gains or loses by setting a
// clock. Thread-safe. Keeps one entry for each name that has called lately:
// callers pass names from a closed list.

#ifndef ANCHORAGE_TRUSTD_ADMIN_RATE_LIMIT_H_
#define ANCHORAGE_TRUSTD_ADMIN_RATE_LIMIT_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace anchorage::trustd {

class RateLimit {
 public:
  struct Options {
    // The tokens of a full bucket; each starts full.
    int burst = 20;
    // How long one token takes to come.
    absl::Duration refill = absl::Seconds(6);
  };

  explicit RateLimit(Options options) : options_(options) {}

  // Takes a token of `name`; false if it has none. `now` is of the steady
  // clock.
  bool Take(const std::string& name, absl::Duration now);

 private:
  const Options options_;
  absl::Mutex mutex_;
  // When each bucket will be full, which also tells how many tokens it has.
  absl::flat_hash_map<std::string, absl::Duration> full_at_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ADMIN_RATE_LIMIT_H_
