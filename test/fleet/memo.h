// What the linker puts between the client's parts (BUILD.bazel), in programs
// that are linked so and in none that is shipped.
//
// What thousands of clients verify alike is verified once: a few pure functions
// are called here, which remembers what each returned for the same arguments,
// all of them, byte for byte. None of them has a clock: whatever depends on
// time is decided by their callers, for each client anew.

#ifndef ANCHORAGE_TEST_FLEET_MEMO_H_
#define ANCHORAGE_TEST_FLEET_MEMO_H_

#include <cstdint>
#include <functional>

#include "absl/time/time.h"

namespace anchorage::fleet {

struct MemoFacts {
  std::uint64_t asked = 0;
  std::uint64_t remembered = 0;
};

// What was asked since the start of this process.
MemoFacts Memos();

// Off: every call goes through. For the test that shows that it makes no
// difference.
void UseMemos(bool use);

// The clock that nobody can set, for everything in this process; null: the
// system's.
void SetSteadyClock(std::function<absl::Duration()> clock);

// A broken client, for the test that shows that the simulation notices: every
// signature of TUF metadata counts as good.
void BelieveAnySignature(bool believe);

}  // namespace anchorage::fleet

#endif  // ANCHORAGE_TEST_FLEET_MEMO_H_
