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
#include "anchors/tuf/trusted_set.h"
#include "proto/anchorage/v1/anchor_service.pb.h"
#include "verify/anchor_set.h"

namespace anchorage::client {

// Immutable.
struct Bundle {
  std::shared_ptr<const verify::AnchorSet> anchors;
  int regions = 0;
  // What to tell a server that we have.
  v1::BundleVersions versions;
  // The files that it was made of, with the roots that lead from the trusted
  // one to the newest: all that it takes to verify it again.
  v1::GetUpdateResponse files;
};

// Makes a bundle of a complete `set`, the `roots` that led to it and the
// catalog that it vouches for. `floor` is the lowest sequence that is not a
// step back. Fails as TrustedSet::VerifyTarget(), ParseCatalog() and
// ToAnchorSet() do, or with FAILED_PRECONDITION for a catalog below the floor.
absl::StatusOr<Bundle> MakeBundle(const anchors::tuf::TrustedSet& set,
                                  std::vector<std::string> roots,
                                  std::string_view catalog_json,
                                  verify::Origin origin, absl::Time as_of,
                                  std::uint64_t floor);

// Takes `files`, all of them, through every check from `trusted_root` on, but
// for expiry: whoever uses the bundle judges its age. Fails as TrustedSet and
// MakeBundle() do.
absl::StatusOr<Bundle> OpenFiles(std::string trusted_root,
                                 const v1::GetUpdateResponse& files,
                                 absl::Time as_of, std::uint64_t floor);

// Takes a baked-in bundle through the same path as any other, at the time
// that it was made.
absl::StatusOr<Bundle> OpenBaked(const anchors::BakedBundle& baked);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_BUNDLE_H_
