#include "client/bundle.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "anchors/catalog.h"
#include "anchors/target_checks.h"
#include "anchors/tuf/tuf_error.h"
#include "verify/crypto/public_key.h"

namespace anchorage::client {
namespace {

namespace tuf = anchors::tuf;
using tuf::RejectUpdate;
using tuf::TufReason;

// The most signers of one file that are remembered.
constexpr std::size_t kMaxSigners = 64;

// Whose signature verifies: a thief can list anybody's.
std::vector<std::string> SignersOf(const tuf::TrustedSet& set) {
  const tuf::RoleKeys& role = set.root().targets;
  // The set has verified as many as the threshold says.
  const bool all_signed =
      static_cast<std::size_t>(role.threshold) == role.keyids.size();
  std::vector<std::string> signers;
  for (const std::string& id : role.keyids) {
    const tuf::RoleKeys alone = {.keyids = {id}, .threshold = 1};
    if (signers.size() < kMaxSigners &&
        (all_signed ||
         tuf::VerifySignatures(set.targets()->envelope, alone, set.root().keys)
             .ok())) {
      signers.push_back(id);
    }
  }
  return signers;
}

// Returns the SHA-256 of a target that was found to be the one in the set's
// metadata, which gives it; some repositories give another hash only.
std::string Sha256Of(const tuf::TrustedSet& set, std::string_view path,
                     std::string_view bytes) {
  const auto target = set.Lookup(path);
  if (target.ok()) {
    for (const tuf::FileHash& hash : target->hashes) {
      if (hash.algorithm == "sha256") return absl::AsciiStrToLower(hash.hex);
    }
  }
  return verify::Sha256Hex(bytes);
}

int CountRegions(const verify::AnchorSet& anchors) {
  std::set<std::string_view> regions;
  for (const verify::Anchor& anchor : anchors.anchors()) {
    if (!anchor.slot().region.empty()) regions.insert(anchor.slot().region);
  }
  return static_cast<int>(regions.size());
}

// Fills in what comes from the metadata.
void DescribeMetadata(const tuf::TrustedSet& set, Bundle& bundle) {
  bundle.signers = SignersOf(set);
  bundle.versions.root = set.root().envelope.version;
  bundle.versions.targets = set.targets()->envelope.version;
  // Null in a bundle of which only the targets still count.
  if (set.timestamp() == nullptr) return;
  bundle.versions.timestamp = set.timestamp()->envelope.version;
  bundle.versions.snapshot = set.snapshot()->envelope.version;
}

void AddReleases(anchors::ReleaseList list, const Revoked& revoked,
                 Bundle& bundle) {
  Refuse(revoked, list);
  bundle.releases = anchors::ToReleaseSet(list);
  bundle.release_list =
      std::make_shared<const anchors::ReleaseList>(std::move(list));
}

}  // namespace

absl::StatusOr<Bundle> MakeBundle(const tuf::TrustedSet& set,
                                  anchors::TargetTexts targets,
                                  const verify::AnchorProvenance& provenance,
                                  const Revoked& revoked,
                                  anchors::Checked checked) {
  auto contents = anchors::ReadTargets(set, targets, checked);
  if (!contents.ok()) return contents.status();
  anchors::Catalog& catalog = contents->catalog;
  Refuse(revoked, catalog);

  Bundle bundle;
  bundle.created = catalog.created;
  for (const auto& [name, facts] : contents->facts) {
    bundle.created = std::max(bundle.created, facts.created);
  }
  bundle.sequences = anchors::SequencesOf(contents->facts);
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    const std::string_view bytes = targets(kind.path);
    if (bytes.empty()) continue;
    bundle.versions.target_sha256.emplace(kind.path,
                                          Sha256Of(set, kind.path, bytes));
  }
  DescribeMetadata(set, bundle);
  if (contents->releases.has_value()) {
    AddReleases(*std::move(contents->releases), revoked, bundle);
  }
  if (contents->producers.has_value()) {
    bundle.producers = std::make_shared<const anchors::ProducerList>(
        *std::move(contents->producers));
  }
  if (contents->images.has_value()) {
    bundle.images = std::make_shared<const anchors::ImageIndex>(
        *std::move(contents->images));
  }
  bundle.revoked = RevokedIn(catalog, bundle.release_list.get());
  Merge(revoked, bundle.revoked);
  auto anchors = anchors::ToAnchorSet(std::move(catalog), provenance);
  if (!anchors.ok()) return anchors.status();
  bundle.anchors = *std::move(anchors);
  bundle.regions = CountRegions(*bundle.anchors);
  return bundle;
}

namespace {

// The versions of TUF say the same; this holds even if they were misused.
absl::Status CheckSequence(std::string_view what, std::uint64_t sequence,
                           std::uint64_t floor) {
  if (sequence < floor) {
    return RejectUpdate(
        TufReason::kSequenceRollback,
        absl::StrCat(std::string(what), " ", sequence, " is older than ", floor,
                     ", which was adopted before"));
  }
  if (floor != 0 && sequence - floor > anchors::kMaxSequenceStep) {
    return RejectUpdate(TufReason::kSequenceLeap,
                        absl::StrCat(std::string(what), " ", sequence,
                                     " is more than 2^32 above ", floor));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckAdoptable(const Bundle& bundle,
                            const anchors::Sequences& floor, absl::Time now) {
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    if (!bundle.versions.target_sha256.contains(kind.path) && !kind.is_kept) {
      continue;
    }
    if (absl::Status s = CheckSequence(
            kind.title, bundle.sequences.Of(kind.name), floor.Of(kind.name));
        !s.ok()) {
      return s;
    }
  }
  if (bundle.created > now + kMaxAheadOfClient) {
    return RejectUpdate(
        TufReason::kClockSuspect,
        absl::StrCat(
            "the bundle was made at ", tuf::FormatExpires(bundle.created),
            ", and this machine's clock reads ",
            absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", now, absl::UTCTimeZone())));
  }
  return absl::OkStatus();
}

absl::StatusOr<Bundle> OpenFiles(std::string trusted_root,
                                 const anchors::BundleFiles& files,
                                 absl::Time as_of) {
  auto set = anchors::FollowRoots(std::move(trusted_root), files.roots,
                                  absl::InfinitePast());
  if (!set.ok()) return set.status();
  if (absl::Status s = anchors::TakeMetadata(files, *set); !s.ok()) return s;
  auto bundle = MakeBundle(*set, files,
                           {.origin = verify::Origin::kCache,
                            .as_of = as_of,
                            .fresh_until = set->expires()},
                           Revoked());
  if (bundle.ok()) {
    auto without_roots = std::make_shared<anchors::BundleFiles>(files);
    without_roots->roots.clear();
    bundle->files = std::move(without_roots);
  }
  return bundle;
}

absl::StatusOr<Bundle> OpenBaked(const anchors::BakedBundle& baked,
                                 const Revoked& revoked,
                                 absl::Time fresh_until) {
  auto set = anchors::FollowRoots(baked.root, baked.files.roots, baked.as_of);
  if (!set.ok()) return set.status();
  if (absl::Status s = anchors::TakeMetadata(baked.files, *set); !s.ok()) {
    return s;
  }
  return MakeBundle(*set, baked,
                    {.origin = verify::Origin::kBakedIn,
                     .as_of = baked.as_of,
                     .fresh_until = fresh_until},
                    revoked, baked.checked());
}

}  // namespace anchorage::client
