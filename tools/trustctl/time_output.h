// Writes times that may be infinite: an infinite one is left out.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_TIME_OUTPUT_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_TIME_OUTPUT_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/time/time.h"
#include "tools/trustctl/command.h"

namespace anchorage::trustctl {

// Whether `time` is not infinite.
inline bool IsFinite(absl::Time time) {
  return time != absl::InfinitePast() && time != absl::InfiniteFuture();
}

// Adds a member to `object`, unless `time` is infinite.
inline void AddTime(nlohmann::ordered_json& object, const std::string& name,
                    absl::Time time) {
  if (IsFinite(time)) object[name] = Rfc3339(time);
}

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_TIME_OUTPUT_H_
