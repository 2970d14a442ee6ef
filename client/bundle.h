// A verified bundle, ready for use, and the step that makes one.

#ifndef ANCHORAGE_CLIENT_BUNDLE_H_
#define ANCHORAGE_CLIENT_BUNDLE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/baked/baked.h"
#include "anchors/releases.h"
#include "anchors/tuf/trusted_set.h"
#include "proto/anchorage/v1/anchor_service.pb.h"
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
  std::shared_ptr<const verify::ReleaseSet> releases;
  // What to tell a server that we have.
  v1::BundleVersions versions;
  // The files that it was made of, with the roots that lead from the trusted
  // one to the newest: all that it takes to verify it again.
  v1::GetUpdateResponse files;
};

// The lowest sequences that are not a step back.
struct Floor {
  std::uint64_t catalog = 1;
  std::uint64_t releases = 1;
};

// The targets of a bundle, as files.
struct TargetFiles {
  std::string_view catalog;
  // Empty for none.
  std::string_view releases;
};

// Makes a bundle of a complete `set`, the `roots` that led to it and the files
// that it vouches for. Fails as TrustedSet::VerifyTarget(), ParseCatalog(),
// ToAnchorSet() and VerifyReleases() do, or with FAILED_PRECONDITION for a file
// below the floor.
absl::StatusOr<Bundle> MakeBundle(const anchors::tuf::TrustedSet& set,
                                  std::vector<std::string> roots,
                                  const TargetFiles& targets,
                                  verify::Origin origin, absl::Time as_of,
                                  const Floor& floor);

// Takes `files`, all of them, through every check from `trusted_root` on, but
// for expiry: whoever uses the bundle judges its age. Fails as TrustedSet and
// MakeBundle() do.
absl::StatusOr<Bundle> OpenFiles(std::string trusted_root,
                                 const v1::GetUpdateResponse& files,
                                 absl::Time as_of, const Floor& floor);

// Takes a baked-in bundle through the same path as any other, at the time
// that it was made.
absl::StatusOr<Bundle> OpenBaked(const anchors::BakedBundle& baked);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_BUNDLE_H_
