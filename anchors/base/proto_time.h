// Times in protobuf messages, as absl has them.

#ifndef ANCHORAGE_ANCHORS_BASE_PROTO_TIME_H_
#define ANCHORAGE_ANCHORS_BASE_PROTO_TIME_H_

#include <google/protobuf/timestamp.pb.h>

#include "absl/time/time.h"

namespace anchorage::anchors {

// Whole seconds: what is finer is cut off.
inline void SetTime(absl::Time time, google::protobuf::Timestamp& message) {
  message.set_seconds(absl::ToUnixSeconds(time));
}

inline absl::Time TimeOf(const google::protobuf::Timestamp& message) {
  return absl::FromUnixSeconds(message.seconds()) +
         absl::Nanoseconds(message.nanos());
}

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_PROTO_TIME_H_
