// A value that many threads read while one replaces it. Reading never waits:
// not for a lock, and not for the thread that replaces.
//
// A reader writes down, in a slot of its own, which edition it is about to
// copy from, and looks whether that is still the current one. If it is, nobody
// frees it before the slot is empty again: who replaces makes another edition
// current first and reads the slots then, and all threads see these four steps
// in one order. What is copied is a shared_ptr, so the slot is taken for some
// nanoseconds only. Each slot has a shared_ptr with a count of its own, or
// readers on many processors would wait for one another at the count.

#ifndef ANCHORAGE_CLIENT_PUBLISHED_H_
#define ANCHORAGE_CLIENT_PUBLISHED_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <list>
#include <memory>
#include <utility>

namespace anchorage::client {

// Returns a small number that is the calling thread's own, as long as there are
// not many threads.
std::size_t ThreadNumber();

template <typename T>
class Published {
 public:
  // More than the threads that ever read at the same moment.
  static constexpr std::size_t kSlots = 32;

  // A value that is ready to be published: a list of one.
  class Edition;
  using Next = std::list<Edition>;
  static Next Prepare(const std::shared_ptr<const T>& value) {
    Next next;
    next.emplace_front(value);
    return next;
  }

  explicit Published(const std::shared_ptr<const T>& first)
      : editions_(Prepare(first)), current_(&editions_.front()) {}
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  // Returns the current value. Any number of threads may call at once, and
  // while another one calls Replace().
  std::shared_ptr<const T> Read() const {
    for (std::size_t i = ThreadNumber() % kSlots;; i = (i + 1) % kSlots) {
      std::atomic<const Edition*>& reads = slots_[i].reads;
      const Edition* edition = current_.load();
      const Edition* nobody = nullptr;
      // Another reader has the slot: the next one is as good.
      if (!reads.compare_exchange_strong(nobody, edition)) continue;
      // Replaced in between, it may be gone already.
      for (const Edition* now; (now = current_.load()) != edition;) {
        reads.store(edition = now);
      }
      std::shared_ptr<const T> value = edition->copies_[i];
      reads.store(nullptr, std::memory_order_release);
      return value;
    }
  }

  // In a process in which nobody calls Replace(): the slots are not used.
  // A child of fork(2) finds those taken whose readers are in the parent.
  std::shared_ptr<const T> ReadUnreplaced() const {
    return current_.load()->copies_[ThreadNumber() % kSlots];
  }

  // Makes `next` the current value, and frees the earlier ones that nobody is
  // about to copy; what is read at this moment is freed by a later call. Calls
  // must take turns.
  void Replace(Next next) noexcept {
    editions_.splice(editions_.begin(), next);
    current_.store(&editions_.front());
    editions_.remove_if([this](const Edition& edition) {
      return &edition != &editions_.front() && !IsRead(edition);
    });
  }

 private:
  // In a line of the cache of its own.
  struct alignas(64) Slot {
    // Null if nobody reads by way of this slot.
    std::atomic<const Edition*> reads = nullptr;
  };

  bool IsRead(const Edition& edition) const {
    for (const Slot& slot : slots_) {
      if (slot.reads.load() == &edition) return true;
    }
    return false;
  }

  // The current one first. Only who replaces looks at the list.
  std::list<Edition> editions_;
  std::atomic<const Edition*> current_;
  mutable std::array<Slot, kSlots> slots_;
};

template <typename T>
class Published<T>::Edition {
 public:
  explicit Edition(const std::shared_ptr<const T>& value) {
    for (std::shared_ptr<const T>& copy : copies_) {
      const auto keeper = std::make_shared<const Keeper>(value);
      copy = std::shared_ptr<const T>(keeper, value.get());
    }
  }

 private:
  friend class Published;
  // Its alignment keeps the counts of two copies out of one line of the cache.
  struct alignas(64) Keeper {
    explicit Keeper(const std::shared_ptr<const T>& v) : value(v) {}
    std::shared_ptr<const T> value;
  };

  std::array<std::shared_ptr<const T>, kSlots> copies_;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_PUBLISHED_H_
