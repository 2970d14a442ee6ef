// The whole TUF client workflow, over any transport and any store.
//
//   auto updater = Updater::Create(baked_in_root, now, &fetcher, &store);
//   absl::Status status = updater->Refresh();  // TufReasonOf() names the check
//   auto target = updater->FindTarget("catalog/v1/anchors.json");
//   auto bytes = updater->DownloadTarget("catalog/v1/anchors.json", *target);
//
// The root given to Create() is the only thing trusted. What the store holds is
// input like any other: it is verified from that root at every load, and what
// does not verify counts as absent. What is fetched is stored as soon as the
// checks of its own step have passed, in the order of the workflow, byte for
// byte; so a failure or a crash at any point leaves a store from which the next
// refresh continues, and a failed check changes nothing.
//
// No clock: `now` is the time of everything that this updater does. One updater
// is for one refresh; make another for the next. Not thread-safe. The fetcher
// and the store must outlive it.

#ifndef ANCHORAGE_ANCHORS_TUF_UPDATER_H_
#define ANCHORAGE_ANCHORS_TUF_UPDATER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/tuf/fetcher.h"
#include "anchors/tuf/metadata.h"
#include "anchors/tuf/trusted_set.h"

namespace anchorage::anchors::tuf {

// How many new roots one refresh accepts before it stops with kRootLimit, and
// how many delegated roles one search asks before it stops with
// kDelegationLimit. The same as in other TUF clients.
inline constexpr int kMaxRootRotations = 256;
inline constexpr int kMaxDelegations = 32;

// Where verified metadata is kept: "root.json", "timestamp.json",
// "snapshot.json", "targets.json", "ROLE.json" with the role's name
// percent-encoded, and "root_history/N.root.json". Names have no other slash,
// and none is "." or "..".
class MetadataStore {
 public:
  virtual ~MetadataStore() = default;

  // Returns the file; nullopt if there is none, if it cannot be read, or if
  // it is longer than `max_bytes`.
  virtual std::optional<std::string> Load(std::string_view name,
                                          std::size_t max_bytes) = 0;

  // Replaces the file, wholly or not at all, also if power fails. A store that
  // can do without the file, such as one on a full disk, may return OK.
  virtual absl::Status Save(std::string_view name, std::string_view bytes) = 0;
};

// Returns `role` with all but letters, digits, "-", "_", "." and "~"
// percent-encoded.
std::string EncodeRoleName(std::string_view role);

// The name under which a server has a target: the path, with the first listed
// hash before its last segment if snapshots are consistent.
std::string TargetFileName(std::string_view path, const Target& target,
                           bool consistent_snapshot);

class Updater {
 public:
  // Starts from `trusted_root` and the newer roots in the store that it leads
  // to, however many. Older ones are skipped, so that a store may be older than
  // the program. Fetches and stores nothing. Fails as TrustedSet::FromRoot()
  // does.
  static absl::StatusOr<Updater> Create(std::string trusted_root,
                                        absl::Time now, Fetcher* fetcher,
                                        MetadataStore* store);

  // Starts from what an earlier updater of this process verified, and takes
  // that for granted: signatures are not verified again, what time and roots
  // decide is judged anew. Of the store only what `verified` does not have is
  // loaded, and no root. Fetches and stores nothing.
  static Updater Continue(const TrustedSet& verified, absl::Time now,
                          Fetcher* fetcher, MetadataStore* store);

  // Brings the four top-level roles up to date. Fails as the calls of
  // TrustedSet do, and with kRootLimit, kFileNotOnServer, kFetchFailed,
  // kMetadataTooLarge, kStoreFailed. Call it once, or again after a failure.
  absl::Status Refresh();

  // Returns what the repository says about `path`, asking delegated roles,
  // which are fetched if the store does not have them. Only after a successful
  // Refresh(). kTargetNotFound, kDelegationLimit, kOutOfOrder, and as
  // TrustedSet::UpdateDelegated() and Refresh() fail.
  absl::StatusOr<Target> FindTarget(std::string_view path);

  // Fetches the target and returns its bytes if they are what `target` says.
  // Stores nothing. kTargetPathUnsafe, kFileNotOnServer, kFetchFailed,
  // kTargetLengthMismatch, kTargetHashMismatch, kHashAlgorithmUnknown.
  absl::StatusOr<std::string> DownloadTarget(std::string_view path,
                                             const Target& target);

  const TrustedSet& trusted() const { return trusted_; }

  // Whether the last refresh met TimestampUpdate::kEquivocated: alert people.
  // The refresh itself went on with what was known.
  bool equivocation_seen() const { return equivocation_seen_; }

  // The name of the stored root, if there is one, that has the version of the
  // trusted root, is signed by its root keys and says something else: the store
  // follows another history, and no root of it was accepted. Alert people, and
  // use nothing from the store.
  const std::optional<std::string>& stored_fork() const { return stored_fork_; }

 private:
  Updater(TrustedSet trusted, Fetcher* fetcher, MetadataStore* store)
      : trusted_(std::move(trusted)), fetcher_(fetcher), store_(store) {}

  void LoadRoots();
  void CheckStoredRoot(std::string_view name);
  void HoldStored();
  absl::Status UpdateRoots();
  absl::Status SaveRoot();
  absl::Status UpdateTimestamp();
  absl::Status UpdateSnapshot();
  absl::Status UpdateTargets();
  absl::StatusOr<std::shared_ptr<const Targets>> LoadDelegated(
      const std::shared_ptr<const Targets>& delegator, std::string_view role);
  // The name under which the server has that version of a role.
  std::string RoleFileName(std::string_view role, const MetaFile& file) const;
  absl::StatusOr<std::string> FetchRole(std::string_view role,
                                        const MetaFile& file,
                                        std::size_t max_bytes);
  absl::Status Save(std::string_view name, std::string_view bytes);

  TrustedSet trusted_;
  Fetcher* fetcher_;
  MetadataStore* store_;
  bool equivocation_seen_ = false;
  std::optional<std::string> stored_fork_;
};

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_ANCHORS_TUF_UPDATER_H_
