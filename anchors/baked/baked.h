// The set of anchors that every program is built with.
//
//   BakedBundle baked = DefaultBakedBundle();
//   auto set = FollowRoots(std::string(baked.root), {}, now);
//   absl::Status taken = TakeMetadata(FilesOf(baked), *set);
//   ...
//
// A client has it before it has anything else, and falls back to nothing
// older: it is also the floor. A bundle is believed after the same checks
// wherever it comes from, so this one is signed as well, with a key that is
// public (build_key.h): it is good for this bundle and for nothing else.
//
// Pure: the same bytes for ever, any number of threads.

#ifndef ANCHORAGE_ANCHORS_BAKED_BAKED_H_
#define ANCHORAGE_ANCHORS_BAKED_BAKED_H_

#include <string_view>

#include "absl/time/time.h"
#include "anchors/bundle.h"

namespace anchorage::anchors {

// A bundle that is part of a program. The views are into memory that outlives
// whoever is given them.
struct BakedBundle {
  // TUF metadata, version 1 each. It expires a hundred years after `as_of`:
  // the age of what is built in is judged by `as_of`.
  std::string_view root;
  std::string_view timestamp;
  std::string_view snapshot;
  std::string_view targets;
  // The target kCatalogTargetPath, in canonical form; its sequence is 1.
  std::string_view catalog;
  // The target kReleasesTargetPath; empty for none, as in the default bundle:
  // releases are a vendor's.
  std::string_view releases;
  // When the certificates were last compared with what AWS publishes.
  absl::Time as_of;
};

// Returns the bundle of anchors/baked/certificates.
BakedBundle DefaultBakedBundle();

// Returns the same files as a bundle whose roots follow `baked.root`: none.
BundleFiles FilesOf(const BakedBundle& baked);

// Whether `root`, a TUF root, gives any role to the key that signs baked-in
// bundles. Anybody can sign with that key, so such a root is no root of trust:
// refuse it wherever one is configured or fetched. False for bytes that are no
// root: those are refused for that.
bool IsBuildKeyRoot(std::string_view root);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BAKED_BAKED_H_
