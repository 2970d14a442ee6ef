// Signs bundles and publishes them: durable first, served second.

#ifndef ANCHORAGE_TRUSTD_PUBLISH_PUBLISHER_H_
#define ANCHORAGE_TRUSTD_PUBLISH_PUBLISHER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "anchors/publishing/ceremony.h"
#include "trustd/base/store.h"
#include "trustd/base/store_head.h"
#include "trustd/publish/acceptance.h"
#include "trustd/publish/keys.h"
#include "trustd/publish/publication.h"
#include "trustd/publish/publisher_config.h"
#include "trustd/rotation/gate.h"

namespace anchorage::trustd {

// The first root of a repository, left in `data_dir` once it has been served:
// what people build into their clients. The store is what counts.
inline constexpr char kFirstRootFile[] = "1.root.json";
std::string FirstRootPath(const std::string& data_dir);

// What is signed and not yet published.
class Prepared {
 private:
  friend class Publisher;

  Prepared(anchors::BundleFiles files, std::string after)
      : files_(std::move(files)), after_(std::move(after)) {}

  anchors::BundleFiles files_;
  // The timestamp that was served when this was signed.
  std::string after_;
};

// Nothing is signed while the hub forbids it (PublicationHub::signing()): calls
// that would sign fail with that status.
//
// Everything that is published passes the client's own TrustedSet first: what a
// client would refuse is never served. Thread-safe.
class Publisher {
 public:
  // Continues what `store` holds; where nothing may be signed, serves it. An
  // empty store is initialized: in MODE_ONLINE with keys, a root and `seed` as
  // sequence 1, in MODE_OFFLINE with what people have signed. Then publishes to
  // `hub`, which outlives the publisher as `store` does, with `beside` as
  // PublishBeside() does. Fails with DATA_LOSS for a store whose files do not
  // verify or that is gone, FAILED_PRECONDITION for keys that are not those of
  // the root or a ceremony that is not finished, or as Store, LoadKeys() and
  // the repository writer (anchors/publishing) do.
  static absl::StatusOr<std::unique_ptr<Publisher>> Open(
      PublisherConfig config, Store& store, PublicationHub& hub,
      anchors::Catalog seed, anchors::ByPath beside, absl::Time now);

  // Checks that the key files that `next` (MODE_ONLINE) names are those that
  // the newest root names, as Open() does where anything is signed. OK while
  // nothing may be signed. Fails as LoadKeys() and CheckKeys() do.
  absl::Status CheckKeyFiles(const PublisherConfig& next) const;

  // Signs what the gate has admitted, as that version of the targets. ABORTED
  // if something else was published since the decision; FAILED_PRECONDITION in
  // MODE_OFFLINE, where people sign, and for a catalog that CheckCatalogFile()
  // refuses. Changes nothing.
  absl::StatusOr<Prepared> Prepare(const Admitted& admitted,
                                   std::uint64_t targets_version,
                                   absl::Time now) const;

  // Commits what was prepared, with `also`, and publishes it. ABORTED if
  // something else was published since, or fails as Store does; then nothing
  // has changed.
  absl::Status Commit(Prepared prepared, const StoreBatch& also = {});

  // Publishes `beside`, targets that are not required, as they are, and no
  // other beside the catalog. Does nothing if that is what is published. Fails
  // as ReadFacts() does, with FAILED_PRECONDITION for a target that has not a
  // higher sequence than the published one or that this program does not know
  // all of, or as Store does; then nothing has changed.
  absl::Status PublishBeside(const anchors::ByPath& beside, absl::Time now);

  // Publishes what people have signed in `ceremony_dir` if it is newer, and
  // returns whether there was anything. A root that replaces the online key
  // ends what SeeTimestamp() started, and is published even while nothing else
  // is. Fails with FAILED_PRECONDITION if this host lacks the online key that
  // the new root names, or as VerifyTargets(), Store and the readers do; then
  // nothing has changed and what was served stays served.
  absl::StatusOr<bool> TakeSigned(absl::Time now);

  // Takes a timestamp that somebody has shown as newer than ours. If it has
  // that version and our newest root's online key has signed it, calls `note`,
  // which keeps the version and returns the status of signing from now on
  // (PublicationHub), perhaps OK. Returns whether that was so. Cheap for a
  // timestamp that our key has not signed.
  bool SeeTimestamp(std::uint64_t version, const std::string& timestamp,
                    const std::function<absl::Status()>& note);

  // What people should be told about a publication: that a root removed those
  // who had signed the targets, or that people reactivated a key.
  struct Notice {
    // The slot of that key, in words; empty for a root.
    std::string slot = {};
    // A sentence.
    std::string text;

    friend bool operator==(const Notice&, const Notice&) = default;
  };
  // Returns the notices since the last call. They are committed with the
  // publication, and come again after a restart until ForgetNotices(), which
  // fails as Store does.
  std::vector<Notice> TakeNotices();
  absl::Status ForgetNotices();

  // Signs what is needed to go on with a store that went back (hub.signing()):
  // versions, and in MODE_ONLINE the sequence, kAcceptanceLeap above the
  // highest of the store, of `known` and of `bundle`, and no lower than the
  // seconds of `now`, so that no second acceptance signs them again. Copies the
  // bundle's roots and, by mode, its denials or newer targets. Fails with
  // FAILED_PRECONDITION for a store that did not go back or that only a bundle
  // can repair, INVALID_ARGUMENT for a bundle that the store's roots do not
  // lead to, or as CheckKeys(), the repository writer and the readers do.
  absl::StatusOr<Acceptance> PlanAcceptance(
      const StoreHead& known, const std::optional<anchors::BundleFiles>& bundle,
      absl::Time now);

  // Commits and publishes a plan, with `also`; from then on everything is
  // signed as before. Fails as Store does.
  absl::Status Accept(Acceptance plan, const StoreBatch& also);

  // Renews what expires soon: the timestamp every `timestamp_interval`, the
  // others for which this host has keys when less than a third of their
  // validity is left. Publishes if there was anything.
  absl::Status RenewIfDue(absl::Time now);

 private:
  using Files = anchors::BundleFiles;
  // Which roles to sign again. Signing a role requires signing those after it.
  struct Due {
    bool root = false;
    bool targets = false;
    bool snapshot = false;
    bool timestamp = false;
  };

  // The lowest versions that may be signed.
  struct VersionFloors {
    std::int64_t targets = 1;
    std::int64_t snapshot = 1;
    std::int64_t timestamp = 1;
  };

  Publisher(PublisherConfig config, Store& store, PublicationHub& hub,
            SigningKeys keys)
      : config_(std::move(config)),
        store_(store),
        hub_(hub),
        keys_(std::move(keys)) {}

  bool offline() const {
    return config_.mode == v1::TrustdConfig::MODE_OFFLINE;
  }

  absl::StatusOr<Files> MakeFirst(anchors::Catalog seed,
                                  const anchors::ByPath& beside,
                                  absl::Time now) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Files> SignAnew(Files files, Due due, absl::Time now,
                                 const VersionFloors& floors = {1, 1, 1}) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::string> NextRoot(const std::string& last,
                                       absl::Time now) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::string> NextTargets(const Files& files, absl::Time now,
                                          std::int64_t floor) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::string> NextSnapshot(const Files& files, absl::Time now,
                                           std::int64_t floor) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::string> NextTimestamp(const Files& files, absl::Time now,
                                            std::int64_t floor) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  Due FindDue(const Publication& publication, absl::Time now) const;
  // Adds to `files` what people have signed if it is newer; returns whether
  // there was anything.
  absl::StatusOr<bool> AddSigned(Files& files, absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Checks that clients that know what was published accept `next` after
  // `files`.
  absl::Status CheckFollowsPublished(const Files& files, const Files& next,
                                     std::uint64_t last_version,
                                     std::uint64_t next_version) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool DropsTargets(const Files& next) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Adopt(Files files, const StoreBatch& also = {},
                     std::optional<Published> published = std::nullopt)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const PublisherConfig config_;
  Store& store_;
  PublicationHub& hub_;
  // Makes publications take turns.
  mutable absl::Mutex mutex_;
  SigningKeys keys_ ABSL_GUARDED_BY(mutex_);
  Files files_ ABSL_GUARDED_BY(mutex_);
  Published published_ ABSL_GUARDED_BY(mutex_);
  std::vector<Notice> notices_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_PUBLISH_PUBLISHER_H_
