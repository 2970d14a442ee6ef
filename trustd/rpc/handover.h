// What gRPC promises and ThreadSanitizer cannot see: the reactions of one call
// come one after another, each after the operation that it ends was started.
// Debian's gRPC is built without the sanitizer, so these say it. Nothing at all
// in any other build.

#ifndef ANCHORAGE_TRUSTD_RPC_HANDOVER_H_
#define ANCHORAGE_TRUSTD_RPC_HANDOVER_H_

#if defined(__SANITIZE_THREAD__)
extern "C" void __tsan_acquire(void* of);
extern "C" void __tsan_release(void* of);
#endif

namespace anchorage::trustd {

// Before an operation of `of` is started, or the last word is said of it.
inline void HandOver([[maybe_unused]] void* of) {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(of);
#endif
}

// First of all in what follows from it.
inline void TakeOver([[maybe_unused]] void* of) {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(of);
#endif
}

// One reaction of `of`, from its first word to its last.
class Reaction {
 public:
  explicit Reaction(void* of) : of_(of) { TakeOver(of_); }
  Reaction(const Reaction&) = delete;
  Reaction& operator=(const Reaction&) = delete;
  ~Reaction() { HandOver(of_); }

 private:
  void* const of_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RPC_HANDOVER_H_
