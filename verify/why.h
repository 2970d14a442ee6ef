// What counts as a reason that a person gives for ignoring something.

#ifndef ANCHORAGE_VERIFY_WHY_H_
#define ANCHORAGE_VERIFY_WHY_H_

#include <string_view>

namespace anchorage::verify {

// Returns whether `why` says why: UTF-8 with a letter in it, and neither a
// number nor one of the words by which programs say yes, no or nothing (true,
// no, off, null, none, ...), in letters of either case and whatever signs are
// around it. Whoever writes "false" means that nothing is to be ignored. The
// JSON Schemas of the policies have the same rule as a pattern. Pure.
bool IsWhy(std::string_view why);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_WHY_H_
