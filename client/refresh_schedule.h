// When a client asks its servers. A pure value: how refreshes end and chance
// come from outside.
//
//   RefreshSchedule schedule(absl::Hours(1));
//   Wait(schedule.First(has_fresh_set, random()));
//   while (true) Wait(schedule.After(Refresh().ok(), retry_after, random()));

#ifndef ANCHORAGE_CLIENT_REFRESH_SCHEDULE_H_
#define ANCHORAGE_CLIENT_REFRESH_SCHEDULE_H_

#include "absl/time/time.h"

namespace anchorage::client {

// Each `chance` is evenly spread from 0 to less than 1.
class RefreshSchedule {
 public:
  // The pause after the first failure; each further one doubles it, up to the
  // interval and to kMaxRetry: after a long outage, one lost answer must not
  // cost a client of a long interval another one.
  static constexpr absl::Duration kFirstRetry = absl::Seconds(5);
  static constexpr absl::Duration kMaxRetry = absl::Hours(1);
  // The longest that a server can ask a client to stay away.
  static constexpr absl::Duration kMaxRetryAfter = absl::Hours(1);
  // The longest that the first refresh waits.
  static constexpr absl::Duration kMaxFirst = absl::Minutes(5);

  explicit RefreshSchedule(absl::Duration interval) : interval_(interval) {}

  // Returns the pause before the first refresh. Who has a fresh set asks within
  // a tenth of the interval, so that a fleet whose power comes back does not ask
  // together; everybody else asks at once.
  absl::Duration First(bool has_fresh_set, double chance) const;

  // Returns the pause after a refresh: the interval, or after a failure as long
  // as its number says, a tenth more or less. After a failure it is at least
  // `retry_after` within its bound, and at most a fifth longer for that.
  absl::Duration After(bool ok, absl::Duration retry_after, double chance);

 private:
  absl::Duration interval_;
  int failures_ = 0;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_REFRESH_SCHEDULE_H_
