// The edge of verify/: what is called from outside never throws.
//
//   return WithoutExceptions([&] { return Parse(bytes); });
//
// Nothing here throws by itself, but memory can run out anywhere, and the host
// program is often built without exceptions: one that escaped would end it.
//
// What is used inside must stay intact when an allocation throws. absl's hash
// tables do not (a table that could not grow has the new capacity and the old
// memory), so verify/ uses the standard library's containers.

#ifndef ANCHORAGE_VERIFY_NO_EXCEPTIONS_H_
#define ANCHORAGE_VERIFY_NO_EXCEPTIONS_H_

#include <exception>
#include <utility>

#include "verify/reason.h"

namespace anchorage::verify {

// Returns what `call` returns, which is an absl::Status or absl::StatusOr, or
// kResourcesExhausted if it throws.
template <typename Call>
auto WithoutExceptions(Call&& call) -> decltype(call()) {
  try {
    return std::forward<Call>(call)();
  } catch (const std::exception&) {
    return ResourcesExhausted();
  }
}

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_NO_EXCEPTIONS_H_
