// The screen on which a person decides: one rotation, explained.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_ROTATION_SCREEN_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_ROTATION_SCREEN_H_

#include <cstddef>
#include <string>

#include "proto/anchorage/v1/explanation.pb.h"

namespace anchorage::trustctl {

// No line of the screen is longer.
inline constexpr std::size_t kScreenColumns = 100;

// Returns the screen: what to do first, then what that is from. Times are UTC.
// Printable, whatever others have written.
std::string ScreenOf(const v1::RotationExplanation& explanation);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_ROTATION_SCREEN_H_
