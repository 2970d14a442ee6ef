// A verified bundle, ready for use, and the step that makes one.

#ifndef ANCHORAGE_CLIENT_BUNDLE_H_
#define ANCHORAGE_CLIENT_BUNDLE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/baked/baked.h"
#include "anchors/bundle.h"
#include "anchors/images/image_index.h"
#include "anchors/images/producers.h"
#include "anchors/releases.h"
#include "anchors/tuf/trusted_set.h"
#include "client/memory.h"
#include "client/revoked.h"
#include "verify/anchor_set.h"
#include "verify/attestation/release.h"

namespace anchorage::client {

// Immutable.
struct Bundle {
  std::shared_ptr<const verify::AnchorSet> anchors;
  int regions = 0;
  // The list of releases, and the same for verify/; null where the bundle has
  // none.
  std::shared_ptr<const anchors::ReleaseList> release_list;
  // Null where the bundle has none.
  std::shared_ptr<const anchors::ProducerList> producers;
  std::shared_ptr<const anchors::ImageIndex> images;
  std::shared_ptr<const verify::ReleaseSet> releases;
  // When its newest target was made.
  absl::Time created;
  anchors::Sequences sequences;
  // What it revokes, with what was revoked before it where that still counts.
  Revoked revoked;
  // The ids of the keys of root() that signed its targets.
  std::vector<std::string> signers;
  // What to tell a server that we have.
  anchors::BundleVersions versions;
  // The files that it was made of, without the roots; null for a baked-in
  // bundle, which the program has anyway.
  std::shared_ptr<const anchors::BundleFiles> files;
};

// Makes a bundle of a complete `set` and the targets that it vouches for; what
// `revoked` names is REVOKED in it. Its provenance is what is given, with the
// catalog's sequence; its files are for the caller to add. Fails as
// anchors::ReadTargets() and ToAnchorSet() do.
absl::StatusOr<Bundle> MakeBundle(
    const anchors::tuf::TrustedSet& set, anchors::TargetTexts targets,
    const verify::AnchorProvenance& provenance, const Revoked& revoked,
    anchors::Checked checked = anchors::Checked::kByNobody);

// How far ahead of our clock a bundle may have been made.
inline constexpr absl::Duration kMaxAheadOfClient = absl::Hours(24);

// Whether a bundle that a server sent may follow what was adopted before it:
// kSequenceRollback, kSequenceLeap, kClockSuspect. Not CheckSuccessor(): a
// client judges only sequence and clock; what may change is for those who sign.
absl::Status CheckAdoptable(const Bundle& bundle,
                            const anchors::Sequences& floor, absl::Time now);

// Takes `files`, whose roots follow `trusted_root`, through every check but for
// expiry: whoever uses the bundle judges its age. Fails as TrustedSet and
// MakeBundle() do.
absl::StatusOr<Bundle> OpenFiles(std::string trusted_root,
                                 const anchors::BundleFiles& files,
                                 absl::Time as_of);

// Takes a baked-in bundle through the same path as any other, at the time
// that it was made. `fresh_until`: when its age begins to count; by default it
// does not.
absl::StatusOr<Bundle> OpenBaked(
    const anchors::BakedBundle& baked, const Revoked& revoked = Revoked(),
    absl::Time fresh_until = absl::InfiniteFuture());

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_BUNDLE_H_
