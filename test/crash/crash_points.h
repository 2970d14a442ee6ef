// Ends a process by SIGKILL at a chosen step.
//
//   DieAt(7);            // in a process of its own
//   client->Refresh();   // ends at the seventh step, or not at all
//
// A step is a call by which this program's own objects change a file or a
// folder (the linker sends those calls here: crash_test has the flags), or one
// of CrashPoint(). It does not happen, but for half of a write. Libraries that
// are linked dynamically are not seen. Any number of threads.

#ifndef ANCHORAGE_TEST_CRASH_CRASH_POINTS_H_
#define ANCHORAGE_TEST_CRASH_CRASH_POINTS_H_

namespace anchorage::test {

// Counts from now on, and ends the process at that step, the first being 1.
void DieAt(int step);

// A step of the caller's own.
void CrashPoint();

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_CRASH_CRASH_POINTS_H_
