// Makes the clock of a test read what it likes.
//
//   test::SetClockAhead(absl::Hours(24 * 365));
//
// What the kernel waits for goes by the true clock: a wait that ends at a time
// of day and begins while this is on is one in which the clock is set back.

#ifndef ANCHORAGE_TEST_SUPPORT_SET_CLOCK_H_
#define ANCHORAGE_TEST_SUPPORT_SET_CLOCK_H_

#include "absl/time/time.h"

namespace anchorage::test {

// From now on the time of day is later by `ahead` (seconds count) than it is,
// or earlier; zero makes it right. The steady clock is as it was.
void SetClockAhead(absl::Duration ahead);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_SUPPORT_SET_CLOCK_H_
