// The anchors that every program is built with, as a set.

#ifndef ANCHORAGE_TEST_BENCH_BAKED_ANCHORS_H_
#define ANCHORAGE_TEST_BENCH_BAKED_ANCHORS_H_

#include <memory>

#include "verify/anchor_set.h"

namespace anchorage::bench {

// Of no age, so that documents of every year can be verified as if they were
// shown when they were made.
std::shared_ptr<const verify::AnchorSet> BakedAnchors();

}  // namespace anchorage::bench

#endif  // ANCHORAGE_TEST_BENCH_BAKED_ANCHORS_H_
