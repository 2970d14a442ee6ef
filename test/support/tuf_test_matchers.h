// Matchers for tests of anchors/tuf: they compare reasons, never text.

#ifndef ANCHORAGE_TEST_SUPPORT_TUF_TEST_MATCHERS_H_
#define ANCHORAGE_TEST_SUPPORT_TUF_TEST_MATCHERS_H_

#include <gmock/gmock.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anchors/tuf/tuf_error.h"

namespace anchorage::anchors::tuf {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}

template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

MATCHER_P(RejectedFor, reason,
          "is rejected for " + std::string(NameOf(reason))) {
  *result_listener << StatusOf(arg).ToString();
  return TufReasonOf(StatusOf(arg)) == reason;
}

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_TEST_SUPPORT_TUF_TEST_MATCHERS_H_
