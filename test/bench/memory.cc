#include "test/bench/memory.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <pthread.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include "test/bench/report.h"

namespace anchorage::bench {
namespace {

// What is allocated now, and the most that ever was. Constants of the program,
// so that they are there for the first allocation.
std::size_t held = 0;
std::size_t peak = 0;

void* Counted(void* pointer) {
  if (pointer == nullptr) return nullptr;
  held += malloc_usable_size(pointer);
  peak = std::max(peak, held);
  return pointer;
}

// Not inlined: g++ would take free() below for one of another's new.
[[gnu::noinline]] void* Allocate(std::size_t size) {
  return Counted(std::malloc(size));
}

[[gnu::noinline]] void Release(void* pointer) {
  if (pointer != nullptr) held -= malloc_usable_size(pointer);
  std::free(pointer);
}

void* OpensslMalloc(std::size_t size, const char*, int) {
  return Allocate(size);
}

void* OpensslRealloc(void* pointer, std::size_t size, const char*, int) {
  const std::size_t before =
      pointer == nullptr ? 0 : malloc_usable_size(pointer);
  void* const moved = std::realloc(pointer, size);
  if (moved == nullptr) return nullptr;
  // Both exist while it copies.
  Counted(moved);
  held -= before;
  return moved;
}

void OpensslFree(void* pointer, const char*, int) { Release(pointer); }

// A stack of a known pattern: what is written to differs from it.
constexpr std::size_t kStackBytes = 4 * 1024 * 1024;
constexpr std::uint8_t kUntouched = 0xa5;

void* CallOnce(void* operation) {
  (*static_cast<const std::function<void()>*>(operation))();
  return nullptr;
}

// Returns how deep a thread that does this gets on its stack.
std::size_t StackOf(const std::function<void()>& operation) {
  std::vector<std::uint8_t> stack(kStackBytes, kUntouched);
  pthread_attr_t attributes;
  pthread_t thread;
  auto* const argument = const_cast<std::function<void()>*>(&operation);
  if (pthread_attr_init(&attributes) != 0 ||
      pthread_attr_setstack(&attributes, stack.data(), stack.size()) != 0 ||
      pthread_create(&thread, &attributes, CallOnce, argument) != 0 ||
      pthread_join(thread, nullptr) != 0) {
    Fail("no thread to measure the stack with");
  }
  pthread_attr_destroy(&attributes);
  const auto deepest =
      std::find_if(stack.begin(), stack.end(),
                   [](std::uint8_t byte) { return byte != kUntouched; });
  return static_cast<std::size_t>(stack.end() - deepest);
}

}  // namespace

void CountAllocations() {
  if (CRYPTO_set_mem_functions(OpensslMalloc, OpensslRealloc, OpensslFree) !=
      1) {
    Fail("OpenSSL had allocated before its memory was counted");
  }
}

Peak PeakOf(const std::function<void()>& operation) {
  operation();
  const std::size_t before = held;
  peak = held;
  operation();
  const std::size_t heap = peak - before;
  const std::size_t thread_alone = StackOf([] {});
  return {.heap = heap, .stack = StackOf(operation) - thread_alone};
}

}  // namespace anchorage::bench

// The program's allocations, in place of the library's.
void* operator new(std::size_t size) {
  void* const pointer = anchorage::bench::Allocate(size);
  if (pointer == nullptr) std::abort();
  return pointer;
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* pointer) noexcept {
  anchorage::bench::Release(pointer);
}
void operator delete[](void* pointer) noexcept {
  anchorage::bench::Release(pointer);
}
void operator delete(void* pointer, std::size_t) noexcept {
  anchorage::bench::Release(pointer);
}
void operator delete[](void* pointer, std::size_t) noexcept {
  anchorage::bench::Release(pointer);
}
