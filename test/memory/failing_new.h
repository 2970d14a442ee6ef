// An operator new that fails on request: for tests that ask what a function
// does when memory runs out in the middle of it.
//
//   for (int n = 0;; ++n) {
//     FailingNew failing(n, FailingNew::Then::kStaysFull);
//     call();
//     if (!failing.failed()) break;
//   }
//
// Counts this thread's allocations only.

#ifndef ANCHORAGE_TEST_MEMORY_FAILING_NEW_H_
#define ANCHORAGE_TEST_MEMORY_FAILING_NEW_H_

namespace anchorage::test {

class FailingNew {
 public:
  // What becomes of the allocations after the first that fails.
  enum class Then { kRecovers, kStaysFull };

  // From now on `successes` allocations succeed and the next throws
  // std::bad_alloc.
  FailingNew(int successes, Then then);
  FailingNew(const FailingNew&) = delete;
  FailingNew& operator=(const FailingNew&) = delete;
  // Allocations succeed again.
  ~FailingNew();

  // Whether one has failed.
  bool failed() const;
};

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_MEMORY_FAILING_NEW_H_
