// The key that signs the baked-in bundle: public, and known to everybody.
//
// A baked-in set is trusted because it is part of the program. It is signed
// all the same, so that it takes the one path that every bundle takes, through
// anchors/tuf/trusted_set.h, and that path has no exception to get wrong. The
// seed stands in the source, so that anybody builds the same bytes. What this
// key signs proves nothing: see IsBuildKeyRoot() in baked.h.

#ifndef ANCHORAGE_ANCHORS_BAKED_BUILD_KEY_H_
#define ANCHORAGE_ANCHORS_BAKED_BUILD_KEY_H_

#include <string_view>

namespace anchorage::anchors {

// The seed of an Ed25519 key.
inline constexpr std::string_view kBuildKeySeed =
    "anchorage baked-in set build key";
static_assert(kBuildKeySeed.size() == 32);

// The key's `public` in TUF metadata.
inline constexpr std::string_view kBuildKeyPublicHex =
    "3be3beddce9cf69f3946f64276bc1cb1"
    "a02b97fbe6d571ce1335111edc743c7c";

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BAKED_BUILD_KEY_H_
