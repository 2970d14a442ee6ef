// The own lines of gRPC and protobuf, such as those of handshakes that fail, in
// our log.

#ifndef ANCHORAGE_TRUSTD_RPC_GRPC_LOG_H_
#define ANCHORAGE_TRUSTD_RPC_GRPC_LOG_H_

#include <spdlog/common.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace anchorage::trustd {

// Lets through so many lines a minute, and counts the others: anyone can make
// gRPC write a line, by a handshake that fails. Thread-safe.
class LineLimit {
 public:
  static constexpr int kLinesAMinute = 60;

  // Returns whether a line is let through at `now`, by a steady clock; `left_out`
  // is then how many were not since the last that was.
  bool Admit(absl::Duration now, std::uint64_t& left_out);

 private:
  absl::Mutex mutex_;
  absl::Duration minute_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  int lines_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;
};

// From now on, for the whole process, these lines go to spdlog's default logger:
// errors, most of which are a peer's, as warnings, and the rest, of which
// GRPC_VERBOSITY may ask for more, as what they are.
void SendGrpcLogToOurs();

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RPC_GRPC_LOG_H_
