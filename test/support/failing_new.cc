#include "test/support/failing_new.h"

#include <cstdlib>
#include <new>

namespace {

// How many allocations still succeed; below zero: all.
thread_local int left = -1;
thread_local bool stays_full = false;
thread_local bool failed = false;
thread_local std::size_t allocated = 0;

void* Allocate(std::size_t size, std::size_t alignment) {
  if (left == 0) {
    failed = true;
    if (!stays_full) left = -1;
    throw std::bad_alloc();
  }
  if (left > 0) --left;
  allocated += size;
  if (size == 0) size = 1;
  void* memory = nullptr;
  if (alignment == 0) {
    memory = std::malloc(size);
  } else if (::posix_memalign(&memory, alignment, size) != 0) {
    memory = nullptr;
  }
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void* AllocateOrNull(std::size_t size) noexcept {
  try {
    return Allocate(size, 0);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

}  // namespace

// All forms: the standard library's others call these, a sanitizer's do not.
void* operator new(std::size_t size) { return Allocate(size, 0); }
void* operator new[](std::size_t size) { return Allocate(size, 0); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return Allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return Allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return AllocateOrNull(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return AllocateOrNull(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace anchorage::anchors {

FailAllocation::FailAllocation(int before, Then then) {
  failed = false;
  stays_full = then == Then::kStaysFull;
  left = before;
}

FailAllocation::~FailAllocation() { left = -1; }

bool FailAllocation::has_failed() const { return failed; }

int ForEachAllocation(const std::function<void()>& call) {
  for (int before = 0;; ++before) {
    const FailAllocation fail(before);
    call();
    if (!fail.has_failed()) return before + 1;
  }
}

std::size_t AllocatedBytes() { return allocated; }

}  // namespace anchorage::anchors
