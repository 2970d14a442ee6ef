// The version of the library and of every program, and the commit that they
// were built from.
//
// The version is the file VERSION. The commit is known to a release build
// (--config=release) alone: every other says "development" in its place, so
// that a commit by itself builds nothing anew.

#ifndef ANCHORAGE_ANCHORS_BASE_VERSION_H_
#define ANCHORAGE_ANCHORS_BASE_VERSION_H_

#include <cstdint>

namespace anchorage::anchors {

// "1.2.0".
extern const char kVersion[];

// 10000 * major + 100 * minor + patch.
extern const std::int32_t kVersionNumber;

// "1.2.0 (commit 9f3c2ab1c0de)", "1.2.0 (commit 9f3c2ab1c0de-dirty)" where the
// sources were changed since, or "1.2.0 (development)".
extern const char kVersionAndCommit[];

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_VERSION_H_
