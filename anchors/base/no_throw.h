// Where exceptions end. The libraries below us throw: memory that is not there,
// a thread that cannot start, a file system that fails. No public function and
// no thread of ours lets such an exception out.
//
//   absl::StatusOr<Bundle> Client::Refresh() {
//     return anchors::NoThrow([&] { return RefreshOrThrow(); });
//   }
//
//   auto thread = anchors::StartThread([this] { Loop(); });
//   if (!thread.ok()) return thread.status();
//
// Any number of threads.

#ifndef ANCHORAGE_ANCHORS_BASE_NO_THROW_H_
#define ANCHORAGE_ANCHORS_BASE_NO_THROW_H_

#include <functional>
#include <thread>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anchorage::anchors {

// The status of the exception that is being handled: only within a `catch`.
// RESOURCE_EXHAUSTED for memory, and for a thread or a descriptor that the
// system has no room for; INTERNAL for everything else. Where there is no
// memory for a message, the status has none.
absl::Status StatusOfException() noexcept;

// Calls `function`, which returns an absl::Status or an absl::StatusOr, and
// returns what it returns or the status of what it throws.
template <typename Function>
std::invoke_result_t<Function> NoThrow(Function&& function) noexcept {
  try {
    return std::forward<Function>(function)();
  } catch (...) {
    return StatusOfException();
  }
}

// Starts a thread that runs `body`. RESOURCE_EXHAUSTED: the system has no room
// for another. An exception that leaves `body` ends that thread and nothing
// else; a thread that must go on has a NoThrow() of its own within its loop.
absl::StatusOr<std::thread> StartThread(std::function<void()> body) noexcept;

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_NO_THROW_H_
