// The word that somebody who mistyped one may have meant.
//
//   const std::string near = Nearest("lisen_address", names);
//   if (!near.empty()) Say("did you mean '" + near + "'?");

#ifndef ANCHORAGE_ANCHORS_BASE_NEAREST_H_
#define ANCHORAGE_ANCHORS_BASE_NEAREST_H_

#include <string>
#include <string_view>
#include <vector>

namespace anchorage::anchors {

// Returns the first of `words` that is made of `given` with the fewest letters
// changed, added, left out or swapped; "" if that takes more than a third of its
// letters, or if `given` is longer than 256 bytes. Pure.
std::string Nearest(std::string_view given,
                    const std::vector<std::string>& words);

// "; did you mean 'WORD'?", or "".
std::string DidYouMean(std::string_view given,
                       const std::vector<std::string>& words);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_NEAREST_H_
