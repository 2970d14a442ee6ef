#include "client/cached_bundle.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/catalog.h"
#include "anchors/releases.h"
#include "anchors/tuf/metadata.h"
#include "anchors/tuf/tuf_error.h"
#include "anchors/tuf/updater.h"

namespace anchorage::client {
namespace {

namespace tuf = anchors::tuf;

// Bounded, because whoever once stole the timestamp key must not make a set
// fresh for ever.
constexpr absl::Duration kMaxFresh = absl::Hours(365 * 24);

// Returns when a timestamp for which nobody vouches any more says that it
// expires.
absl::Time ClaimedEnd(const std::string& timestamp) {
  const auto parsed = tuf::ParseTimestamp(timestamp);
  return parsed.ok() ? parsed->envelope.expires : absl::InfinitePast();
}

// The memory that an older program would have written beside its bundle.
Memory MemoryOf(const anchors::BundleFiles& files, absl::Time now) {
  Memory memory;
  const auto catalog = anchors::ParseCatalog(files.catalog());
  memory.adopted = catalog.ok() ? std::min(catalog->created, now) : now;
  return memory;
}

absl::Status NotUsed(const absl::Status& why) {
  return absl::Status(why.code(),
                      absl::StrCat("the cache was not used: ", why.message()));
}

// Makes the memory of a folder that has none; fails where one was lost.
absl::StatusOr<Memory> MemoryOr(
    absl::StatusOr<Memory> memory, bool is_marked,
    const absl::StatusOr<anchors::BundleFiles>& files, absl::Time now) {
  if (memory.ok() && memory->adopted == absl::UnixEpoch() && files.ok()) {
    // There was a crash after the first bundle was written.
    memory->adopted = MemoryOf(*files, now).adopted;
  }
  if (!absl::IsNotFound(memory.status())) return memory;
  if (is_marked) {
    return absl::DataLossError("the memory of the cache is gone");
  }
  return files.ok() ? MemoryOf(*files, now) : Memory();
}

// Merges what a usable bundle says into the memory.
void Keep(Bundle bundle, CachedBundle& cached) {
  // The memory that an older program wrote has no floor, or an older one.
  if (bundle.sequences.Of(anchors::kCatalogName) >
      cached.memory.floor.Of(anchors::kCatalogName)) {
    cached.memory.floor_signers = bundle.signers;
  }
  cached.memory.floor.RaiseTo(bundle.sequences);
  cached.memory.revoked = bundle.revoked;
  cached.bundle = std::move(bundle);
}

}  // namespace

Revoked ClaimedRevoked(const anchors::BundleFiles& files) {
  const auto catalog = anchors::ParseCatalog(files.catalog());
  if (!catalog.ok()) return Revoked();
  const auto releases = anchors::ParseReleases(files.releases());
  return RevokedIn(*catalog, releases.ok() ? &*releases : nullptr);
}

absl::Time FreshUntil(const tuf::TrustedSet& set, absl::Time adopted) {
  return std::min(set.expires(), adopted + kMaxFresh);
}

Memory HoldAgainst(const tuf::Root& root, Memory memory) {
  if (root.envelope.version <= memory.root_version) return memory;
  if (!CanStillSign(memory.floor_signers, root.targets)) {
    memory.floor = {};
    memory.floor_signers.clear();
  }
  memory.root_version = root.envelope.version;
  return memory;
}

absl::StatusOr<Bundle> Reopen(const tuf::TrustedSet& roots,
                              const anchors::BundleFiles& files, Memory& memory,
                              verify::AnchorProvenance provenance,
                              absl::Time now) {
  tuf::TrustedSet set = roots.WithRootOnly(absl::InfinitePast());
  if (absl::Status s = set.FinishRoots(); !s.ok()) return s;
  set.HoldTimestamp(files.timestamp);
  set.HoldSnapshot(files.snapshot);
  set.HoldTargets(files.targets);
  if (set.held_targets() == nullptr) {
    return tuf::RejectUpdate(
        tuf::TufReason::kThresholdNotMet,
        absl::StrCat("the targets are not signed by the keys of root ",
                     set.root().envelope.version));
  }
  if (set.held_timestamp() != nullptr && set.held_snapshot() != nullptr) {
    if (absl::Status s = set.UseHeldTimestamp(); !s.ok()) return s;
    if (absl::Status s = set.UseHeldSnapshot(); !s.ok()) return s;
    if (absl::Status s = set.UseHeldTargets(); !s.ok()) return s;
    provenance.fresh_until = FreshUntil(set, memory.adopted);
  } else {
    if (absl::Status s = set.UseHeldTargetsAlone(); !s.ok()) return s;
    // Counted since the first root that no longer vouched for it, not the
    // newest.
    memory.overtaken = std::min(memory.overtaken, now);
    provenance.fresh_until = std::min({FreshUntil(set, memory.adopted),
                                       memory.overtaken - absl::Seconds(1),
                                       ClaimedEnd(files.timestamp)});
  }
  auto bundle = MakeBundle(set, files, provenance, memory.revoked);
  if (!bundle.ok()) return bundle;
  // Kept as they were, even if nobody vouches for them now: what they claim
  // still bounds how fresh the bundle is.
  auto kept = std::make_shared<anchors::BundleFiles>(files);
  kept->roots.clear();
  bundle->files = std::move(kept);
  memory.fresh_until = provenance.fresh_until;
  return bundle;
}

namespace {

constexpr std::string_view kRootFile = "root.json";

struct MetadataFile {
  const char* name;
  std::size_t max_bytes;
};
constexpr MetadataFile kMetadataFiles[] = {
    {"timestamp.json", tuf::kMaxTimestampBytes},
    {"snapshot.json", tuf::kMaxSnapshotBytes},
    {"targets.json", tuf::kMaxTargetsBytes}};
constexpr std::size_t kFiles = std::size(kMetadataFiles);

// The versions of these files; 0 for one that the root's keys did not sign.
std::array<std::int64_t, kFiles> VersionsUnder(
    const tuf::TrustedSet& roots,
    const std::array<std::string, kFiles>& files) {
  tuf::TrustedSet set = roots.WithRootOnly(absl::InfinitePast());
  set.HoldTimestamp(files[0]);
  set.HoldSnapshot(files[1]);
  set.HoldTargets(files[2]);
  const auto version = [](const auto& file) -> std::int64_t {
    return file == nullptr ? 0 : file->envelope.version;
  };
  return {version(set.held_timestamp()), version(set.held_snapshot()),
          version(set.held_targets())};
}

// Returns why nothing in the folder can be used, as far as that shows without
// opening the bundle; OK otherwise.
absl::Status CheckFolder(const tuf::Updater& updater,
                         const absl::StatusOr<anchors::BundleFiles>& files,
                         const absl::StatusOr<Memory>& memory) {
  const std::int64_t newest = updater.trusted().root().envelope.version;
  if (updater.stored_fork().has_value()) {
    return tuf::RejectUpdate(
        tuf::TufReason::kEquivocation,
        absl::StrCat(*updater.stored_fork(), " is another root of version ",
                     newest));
  }
  if (!memory.ok()) return memory.status();
  if (!files.ok()) return files.status();
  if (newest < memory->root_version) {
    return absl::DataLossError(
        absl::StrCat("root ", memory->root_version, " is gone"));
  }
  return absl::OkStatus();
}

}  // namespace

void MergeMetadata(const tuf::TrustedSet& roots, BundleCache& cache) {
  const std::string& root = roots.root().envelope.bytes;
  if (cache.has_saved(kRootFile)) cache.Save(kRootFile, root).IgnoreError();
  if (cache.Read(kRootFile, tuf::kMaxRootBytes).value_or("") == root) {
    cache.MarkWritten(kRootFile);
  }
  std::array<std::string, kFiles> ours;
  std::array<std::string, kFiles> theirs;
  for (std::size_t i = 0; i < kFiles; ++i) {
    const auto& [name, max_bytes] = kMetadataFiles[i];
    theirs[i] = cache.Read(name, max_bytes).value_or("");
    if (cache.has_saved(name)) {
      ours[i] = cache.Load(name, max_bytes).value_or("");
    }
  }
  const auto our_versions = VersionsUnder(roots, ours);
  const auto their_versions = VersionsUnder(roots, theirs);
  for (std::size_t i = 0; i < kFiles; ++i) {
    const char* const name = kMetadataFiles[i].name;
    if (our_versions[i] < their_versions[i]) {
      cache.Save(name, theirs[i]).IgnoreError();
    }
    if (our_versions[i] <= their_versions[i]) {
      cache.MarkWritten(name);
    } else {
      cache.MarkUnwritten(name);
    }
  }
}

CachedBundle OpenCache(const std::string& trusted_root, absl::Time built,
                       BundleCache& cache, absl::Time now) {
  CachedBundle cached;
  // The other way round than they are written.
  const bool is_marked = cache.is_marked();
  auto stored = cache.LoadMemory();
  const auto files = cache.LoadBundle();
  const auto memory = MemoryOr(std::move(stored), is_marked, files, now);
  const auto updater =
      tuf::Updater::Create(trusted_root, absl::InfinitePast(), nullptr, &cache);
  if (!updater.ok()) {
    cached.status = updater.status();
    return cached;
  }
  cached.roots = updater->trusted();
  const tuf::Root& root = cached.roots->root();
  if (memory.ok()) cached.memory = *memory;
  cached.empty = absl::IsNotFound(files.status()) && !is_marked;
  cached.fork = updater->stored_fork().has_value();
  absl::Status status = CheckFolder(*updater, files, memory);
  if (cached.fork) {
    // What was seen stays seen, as far as the trusted root's keys signed it.
    cached.memory.root_version = 0;
    cache.Disown(*updater->stored_fork(), root.envelope);
  }
  // Without a newer root, a timestamp that does not verify must be damaged.
  const bool may_be_overtaken =
      cached.memory.root_version < root.envelope.version ||
      cached.memory.overtaken != absl::InfiniteFuture();
  cached.memory = HoldAgainst(root, std::move(cached.memory));
  if (status.ok()) {
    Memory after = cached.memory;
    auto bundle = Reopen(updater->trusted(), *files, after,
                         {.origin = verify::Origin::kCache,
                          .as_of = std::max(cached.memory.adopted, built)},
                         now);
    status = bundle.status();
    if (bundle.ok() && bundle->versions.timestamp == 0 && !may_be_overtaken) {
      status = absl::DataLossError("its timestamp or snapshot is damaged");
    } else if (bundle.ok()) {
      cached.memory = std::move(after);
      Keep(*std::move(bundle), cached);
    }
  }
  if (!cached.bundle.has_value() && files.ok()) {
    Merge(ClaimedRevoked(*files), cached.memory.revoked);
    if (!memory.ok()) cached.memory.fresh_until = ClaimedEnd(files->timestamp);
  }
  if (!status.ok() && !cached.empty) cached.status = NotUsed(status);
  cached.is_memory_new =
      cached.fork || (memory.ok() && !cached.empty && cached.memory != *memory);
  return cached;
}

}  // namespace anchorage::client
