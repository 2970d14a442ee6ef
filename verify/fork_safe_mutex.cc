#include "verify/fork_safe_mutex.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <vector>

namespace anchorage::verify {
namespace {

std::atomic<std::uint64_t> depth = 0;

// All existing mutexes, which a fork locks in the order of their creation.
// Never destroyed: a fork may come at any time.
class Registry {
 public:
  static Registry& Get() {
    static Registry* const registry = new Registry();
    return *registry;
  }

  void Add(ForkSafeMutex* mutex) {
    const std::lock_guard<std::mutex> lock(mutex_);
    all_.push_back(mutex);
  }

  void Remove(ForkSafeMutex* mutex) {
    const std::lock_guard<std::mutex> lock(mutex_);
    all_.erase(std::find(all_.begin(), all_.end(), mutex));
  }

 private:
  Registry() { ::pthread_atfork(BeforeFork, AfterForkInParent, InChild); }

  void LockAll() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mutex_.lock();
    for (ForkSafeMutex* mutex : all_) mutex->Lock();
  }

  void UnlockAll() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (ForkSafeMutex* mutex : all_) mutex->Unlock();
    mutex_.unlock();
  }

  static void BeforeFork() { Get().LockAll(); }
  static void AfterForkInParent() { Get().UnlockAll(); }
  static void InChild() {
    depth.fetch_add(1, std::memory_order_relaxed);
    Get().UnlockAll();
  }

  std::mutex mutex_;
  std::vector<ForkSafeMutex*> all_;
};

}  // namespace

ForkSafeMutex::ForkSafeMutex() { Registry::Get().Add(this); }
ForkSafeMutex::~ForkSafeMutex() { Registry::Get().Remove(this); }

std::uint64_t ForkDepth() { return depth.load(std::memory_order_relaxed); }

}  // namespace anchorage::verify
