// The set of anchors that every program is built with.
//
//   const BakedBundle& baked = DefaultBakedBundle();
//   auto set = FollowRoots(baked.root, baked.files.roots, now);
//   absl::Status taken = TakeMetadata(baked.files, *set);
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

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "anchors/bundle.h"

namespace anchorage::anchors {

// A bundle that is part of a program.
struct BakedBundle {
  // The root that is trusted because it is part of the program.
  std::string root;
  // The roots that follow it and all else. Of the default bundle: TUF metadata,
  // version 1 each, and a catalog of sequence 1 in canonical form, without
  // releases, which are a vendor's. The metadata expires a hundred years after
  // `as_of`: the age of what is built in is judged by `as_of`.
  BundleFiles files;
  // When the certificates were last compared with what AWS publishes.
  absl::Time as_of;

  // Its targets, as TargetTexts. Where there is no catalog in `files`, it is
  // the one that every program has.
  std::string_view operator()(std::string_view path) const;

  // By whom the certificates in that catalog were checked.
  Checked checked() const {
    return files.catalog().empty() ? Checked::kByBuild : Checked::kByNobody;
  }
};

// Returns the bundle of anchors/baked/certificates.
const BakedBundle& DefaultBakedBundle();
// The same, for a caller who keeps one of its own: without a copy of the
// catalog in `files`.
BakedBundle NewBakedBundle();

// Whether `root`, a TUF root, gives any role to the key that signs baked-in
// bundles. Anybody can sign with that key, so such a root is no root of trust:
// refuse it wherever one is configured or fetched. False for bytes that are no
// root: those are refused for that.
bool IsBuildKeyRoot(std::string_view root);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BAKED_BAKED_H_
