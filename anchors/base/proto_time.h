// Converts between absl::Time and the times in protobuf messages.

#ifndef ANCHORAGE_ANCHORS_BASE_PROTO_TIME_H_
#define ANCHORAGE_ANCHORS_BASE_PROTO_TIME_H_

#include <google/protobuf/timestamp.pb.h>

#include "absl/time/time.h"

namespace anchorage::anchors {

// Stores whole seconds; fractions are cut off.
inline void SetTime(absl::Time time, google::protobuf::Timestamp& message) {
  message.set_seconds(absl::ToUnixSeconds(time));
}

// Returns `time` to the nanosecond, for what is compared with it later.
inline google::protobuf::Timestamp ExactTime(absl::Time time) {
  google::protobuf::Timestamp message;
  message.set_seconds(absl::ToUnixSeconds(time));
  message.set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(
      time - absl::FromUnixSeconds(message.seconds()))));
  return message;
}

inline absl::Time TimeOf(const google::protobuf::Timestamp& message) {
  return absl::FromUnixSeconds(message.seconds()) +
         absl::Nanoseconds(message.nanos());
}

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_PROTO_TIME_H_
