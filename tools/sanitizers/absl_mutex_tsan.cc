// Tells ThreadSanitizer what abseil's mutexes and counted references order.
//
// Debian's abseil is built without the sanitizer, which therefore sees no lock
// in it and calls everything that one guards a race. The linker sends each of
// our calls to the __wrap_ function below (see BUILD.bazel), which announces
// it, makes it and announces that it is done. What runs in between, such as
// the condition of another thread's Await(), is not watched.

#include <sanitizer/tsan_interface.h>

namespace {

constexpr unsigned kWrite = 0;
constexpr unsigned kRead = __tsan_mutex_read_lock;

// Makes one call that locks, in the lifetime of this.
class Locking {
 public:
  Locking(void* mutex, unsigned how) : mutex_(mutex), how_(how) {
    __tsan_mutex_pre_lock(mutex_, how_);
  }
  ~Locking() { __tsan_mutex_post_lock(mutex_, how_, 0); }

 private:
  void* const mutex_;
  const unsigned how_;
};

// The same for a call that unlocks.
class Unlocking {
 public:
  Unlocking(void* mutex, unsigned how) : mutex_(mutex), how_(how) {
    __tsan_mutex_pre_unlock(mutex_, how_);
  }
  ~Unlocking() { __tsan_mutex_post_unlock(mutex_, how_); }

 private:
  void* const mutex_;
  const unsigned how_;
};

// The same for a call that unlocks, waits and locks again.
class Waiting {
 public:
  explicit Waiting(void* mutex) : mutex_(mutex) {
    __tsan_mutex_pre_unlock(mutex_, kWrite);
    __tsan_mutex_post_unlock(mutex_, kWrite);
    __tsan_mutex_pre_lock(mutex_, kWrite);
  }
  ~Waiting() { __tsan_mutex_post_lock(mutex_, kWrite, 0); }

 private:
  void* const mutex_;
};

// The same for a call that waits for what another thread released.
class Acquiring {
 public:
  explicit Acquiring(const void* object) : object_(object) {}
  ~Acquiring() { __tsan_acquire(const_cast<void*>(object_)); }

 private:
  const void* const object_;
};

}  // namespace

// Times and durations are passed as they lie in registers: two words for an
// absl::Duration, and for the absl::Time that holds one.
struct Words {
  long first;
  unsigned second;
};

extern "C" {

void __real__ZN4absl7debian35Mutex4LockEv(void*);
void __wrap__ZN4absl7debian35Mutex4LockEv(void* mutex) {
  const Locking announced(mutex, kWrite);
  __real__ZN4absl7debian35Mutex4LockEv(mutex);
}

void __real__ZN4absl7debian35Mutex6UnlockEv(void*);
void __wrap__ZN4absl7debian35Mutex6UnlockEv(void* mutex) {
  const Unlocking announced(mutex, kWrite);
  __real__ZN4absl7debian35Mutex6UnlockEv(mutex);
}

void __real__ZN4absl7debian35Mutex10ReaderLockEv(void*);
void __wrap__ZN4absl7debian35Mutex10ReaderLockEv(void* mutex) {
  const Locking announced(mutex, kRead);
  __real__ZN4absl7debian35Mutex10ReaderLockEv(mutex);
}

void __real__ZN4absl7debian35Mutex12ReaderUnlockEv(void*);
void __wrap__ZN4absl7debian35Mutex12ReaderUnlockEv(void* mutex) {
  const Unlocking announced(mutex, kRead);
  __real__ZN4absl7debian35Mutex12ReaderUnlockEv(mutex);
}

// Mutex::Await(condition)
void __real__ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE(void*, const void*);
void __wrap__ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE(
    void* mutex, const void* condition) {
  const Waiting announced(mutex);
  __real__ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE(mutex, condition);
}

// Mutex::AwaitWithTimeout(condition, timeout)
bool __real__ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE(
    void*, const void*, Words);
bool __wrap__ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE(
    void* mutex, const void* condition, Words timeout) {
  const Waiting announced(mutex);
  return __real__ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE(
      mutex, condition, timeout);
}

// Mutex::AwaitWithDeadline(condition, deadline)
bool __real__ZN4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE(
    void*, const void*, Words);
bool __wrap__ZN4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE(
    void* mutex, const void* condition, Words deadline) {
  const Waiting announced(mutex);
  return __real__ZN4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE(
      mutex, condition, deadline);
}

// CondVar::Wait(mutex)
void __real__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(void*, void*);
void __wrap__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(void* condition,
                                                       void* mutex) {
  const Waiting announced(mutex);
  __real__ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(condition, mutex);
}

// CondVar::WaitWithTimeout(mutex, timeout)
bool __real__ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE(
    void*, void*, Words);
bool __wrap__ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE(
    void* condition, void* mutex, Words timeout) {
  const Waiting announced(mutex);
  return __real__ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE(
      condition, mutex, timeout);
}

// CondVar::WaitWithDeadline(mutex, deadline)
bool __real__ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE(
    void*, void*, Words);
bool __wrap__ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE(
    void* condition, void* mutex, Words deadline) {
  const Waiting announced(mutex);
  return __real__ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE(
      condition, mutex, deadline);
}

void __real__ZN4absl7debian312Notification6NotifyEv(void*);
void __wrap__ZN4absl7debian312Notification6NotifyEv(void* notification) {
  __tsan_release(notification);
  __real__ZN4absl7debian312Notification6NotifyEv(notification);
}

// Notification::WaitForNotification()
void __real__ZNK4absl7debian312Notification19WaitForNotificationEv(const void*);
void __wrap__ZNK4absl7debian312Notification19WaitForNotificationEv(
    const void* notification) {
  const Acquiring announced(notification);
  __real__ZNK4absl7debian312Notification19WaitForNotificationEv(notification);
}

// Notification::WaitForNotificationWithTimeout(timeout)
bool __real__ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE(
    const void*, Words);
bool __wrap__ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE(
    const void* notification, Words timeout) {
  const Acquiring announced(notification);
  return __real__ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE(
      notification, timeout);
}

// Status::UnrefNonInlined(rep): copies of a status share its message, which the
// last of them deletes. What the others read was before that.
void __real__ZN4absl7debian36Status15UnrefNonInlinedEm(unsigned long);
void __wrap__ZN4absl7debian36Status15UnrefNonInlinedEm(unsigned long rep) {
  void* const object = reinterpret_cast<void*>(rep);
  __tsan_release(object);
  __tsan_acquire(object);
  __real__ZN4absl7debian36Status15UnrefNonInlinedEm(rep);
}

}  // extern "C"
