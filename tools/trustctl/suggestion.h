// What was meant by a word that is mistyped.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_SUGGESTION_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_SUGGESTION_H_

#include <string>
#include <string_view>
#include <vector>

namespace anchorage::trustctl {

// Returns the nearest of `known` by inserted, left-out, changed and swapped
// characters, if a third of the word's at most; the first of several, and ""
// for none.
std::string Nearest(std::string_view word,
                    const std::vector<std::string>& known);

// "; did you mean 'KNOWN'?", or "".
std::string DidYouMean(std::string_view word,
                       const std::vector<std::string>& known);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_SUGGESTION_H_
