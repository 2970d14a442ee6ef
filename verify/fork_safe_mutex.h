// A mutex that is free in a child process, whichever thread held it when
// another one called fork(2); and a way to tell that a process is such a child.
//
// A child has one thread. What the others were doing is never finished there:
// a lock that one of them held stays locked for ever. A mutex of this kind is
// locked before each fork(), and unlocked after it in both processes. So it is
// for short sections only; nothing that waits may hold one.

#ifndef ANCHORAGE_VERIFY_FORK_SAFE_MUTEX_H_
#define ANCHORAGE_VERIFY_FORK_SAFE_MUTEX_H_

#include <cstdint>
#include <mutex>

#include "absl/base/thread_annotations.h"

namespace anchorage::verify {

// A thread must not hold two of these.
class ABSL_LOCKABLE ForkSafeMutex {
 public:
  ForkSafeMutex();
  ~ForkSafeMutex();
  ForkSafeMutex(const ForkSafeMutex&) = delete;
  ForkSafeMutex& operator=(const ForkSafeMutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class ABSL_SCOPED_LOCKABLE ForkSafeLock {
 public:
  explicit ForkSafeLock(ForkSafeMutex* mutex)
      ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex)
      : mutex_(mutex) {
    mutex_->Lock();
  }
  ~ForkSafeLock() ABSL_UNLOCK_FUNCTION() { mutex_->Unlock(); }
  ForkSafeLock(const ForkSafeLock&) = delete;
  ForkSafeLock& operator=(const ForkSafeLock&) = delete;

 private:
  ForkSafeMutex* const mutex_;
};

// How many forks lead from the process that first made a ForkSafeMutex to this
// one: a number other than an earlier one shows that this is a child.
std::uint64_t ForkDepth();

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_FORK_SAFE_MUTEX_H_
