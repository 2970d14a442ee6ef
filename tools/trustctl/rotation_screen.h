// The screen on which a person decides: one rotation, explained.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_ROTATION_SCREEN_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_ROTATION_SCREEN_H_

#include <cstddef>
#include <string>

#include "proto/anchorage/v1/explanation.pb.h"

namespace anchorage::trustctl {

// No line of the screen is longer, but for commands, which are never broken.
inline constexpr std::size_t kScreenColumns = 100;

// How many columns it has where standard output has `width`; 0 is none.
std::size_t ColumnsOf(int width);

// Returns the screen: what to do first, then what that is from. Times are UTC.
// Printable, whatever others have written.
std::string ScreenOf(const v1::RotationExplanation& explanation,
                     std::size_t columns = kScreenColumns);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_ROTATION_SCREEN_H_
