// Runs a function in a process of its own, so that a crash in it is an answer.
//
// What a validator reads was written by whoever could write to the disk. Should
// that crash it, or have the kernel kill it for its memory, then the process
// that extends the register and powers off is another one, which has read none
// of it.

#ifndef ANCHORAGE_CLIENT_VALIDATE_APART_H_
#define ANCHORAGE_CLIENT_VALIDATE_APART_H_

#include <cstddef>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anchorage::client {

// The longest answer of a function that runs apart, in bytes.
inline constexpr std::size_t kMaxApartBytes = 4096;

// Calls `function` in a child of this process, which is killed after `limit`,
// and returns what it returns. Only the calling thread lives on in the child.
// Fails with kValidatorDied: it crashed, threw, was killed, ended without an
// answer or with one that is longer than kMaxApartBytes; with
// kValidatorTimeout; and with kValidatorUnavailable where there is no process.
absl::StatusOr<std::string> RunApart(absl::Duration limit,
                                     absl::FunctionRef<std::string()> function);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_VALIDATE_APART_H_
