// Where exceptions end. The libraries below us throw: when memory runs out,
// when a thread cannot start, when a file system fails. No public function and
// no thread of ours lets such an exception escape.
//
//   absl::StatusOr<Bundle> Client::Refresh() {
//     return anchors::NoThrow([&] { return RefreshOrThrow(); });
//   }
//
//   auto thread = anchors::StartThread([this] { Loop(); });
//   if (!thread.ok()) return thread.status();
//
// Safe to call from any number of threads.

#ifndef ANCHORAGE_ANCHORS_BASE_NO_THROW_H_
#define ANCHORAGE_ANCHORS_BASE_NO_THROW_H_

#include <functional>
#include <thread>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anchorage::anchors {

// Returns the status of the exception that is being handled. Only for use
// within a `catch`. RESOURCE_EXHAUSTED for memory, and for a thread or a
// descriptor that the system has no room for; INTERNAL for everything else.
// Where there is no memory for a message, the status has none.
absl::Status StatusOfException() noexcept;

// Calls `function`, which returns an absl::Status or an absl::StatusOr, and
// returns its result, or the status of the exception that it throws.
template <typename Function>
std::invoke_result_t<Function> NoThrow(Function&& function) noexcept {
  try {
    return std::forward<Function>(function)();
  } catch (...) {
    return StatusOfException();
  }
}

// Starts a thread that runs `body`. Fails with RESOURCE_EXHAUSTED if the system
// has no room for another. An exception that escapes `body` ends that thread
// and nothing else; a thread that must go on needs a NoThrow() of its own
// within its loop.
absl::StatusOr<std::thread> StartThread(std::function<void()> body) noexcept;

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_NO_THROW_H_
