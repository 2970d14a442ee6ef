#include "test/memory/failing_new.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace anchorage::test {
namespace {

struct Budget {
  bool limited = false;
  int left = 0;
  FailingNew::Then then = FailingNew::Then::kRecovers;
  bool failed = false;
};
thread_local Budget budget;

bool IsFull() {
  if (!budget.limited) return false;
  if (budget.failed) return budget.then == FailingNew::Then::kStaysFull;
  if (budget.left-- > 0) return false;
  budget.failed = true;
  return true;
}

}  // namespace

FailingNew::FailingNew(int successes, Then then) {
  budget = {true, successes, then, false};
}

FailingNew::~FailingNew() { budget = {}; }

bool FailingNew::failed() const { return budget.failed; }

}  // namespace anchorage::test

// The forms for arrays and std::nothrow call this one.
void* operator new(std::size_t size) {
  void* const memory =
      anchorage::test::IsFull() ? nullptr : std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
