// Memory that runs out, for tests: whatever links this has an operator new that
// can fail.
//
//   const int runs = ForEachAllocation([&] { status = Parse(bytes); });
//   EXPECT_GT(runs, 1) << "it allocates";

#ifndef ANCHORAGE_TEST_SUPPORT_FAILING_NEW_H_
#define ANCHORAGE_TEST_SUPPORT_FAILING_NEW_H_

#include <cstddef>
#include <functional>

namespace anchorage::anchors {

// While it lives, the allocation of this thread that `before` others precede
// throws std::bad_alloc.
class FailAllocation {
 public:
  // What becomes of the allocations after it.
  enum class Then { kRecovers, kStaysFull };

  explicit FailAllocation(int before, Then then = Then::kRecovers);
  FailAllocation(const FailAllocation&) = delete;
  FailAllocation& operator=(const FailAllocation&) = delete;
  ~FailAllocation();

  // Whether it has thrown.
  bool has_failed() const;
};

// Calls `call` with its first allocation failing, then with its second, and so
// on, and at last with none. Returns the number of calls.
int ForEachAllocation(const std::function<void()>& call);

// The bytes that this thread's operator new has given out so far.
std::size_t AllocatedBytes();

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_TEST_SUPPORT_FAILING_NEW_H_
