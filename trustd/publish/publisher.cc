#include "trustd/publish/publisher.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "anchors/base/atomic_file.h"
#include "anchors/publishing/ceremony.h"
#include "anchors/publishing/repository_writer.h"
#include "anchors/succession.h"
#include "anchors/target_checks.h"
#include "anchors/tuf/metadata.h"
#include "anchors/tuf/tuf_error.h"
#include "trustd/base/store_keys.h"
#include "trustd/publish/publisher_files.h"

namespace anchorage::trustd {
namespace {

namespace tuf = anchors::tuf;

constexpr char kTargetsFile[] = "targets.json";

// One a line; that of a key has its slot before it.
std::string TextOf(const std::vector<Publisher::Notice>& notices) {
  return absl::StrJoin(notices, "\n", [](std::string* out, const auto& notice) {
    absl::StrAppend(out, notice.slot, notice.slot.empty() ? "" : "\t",
                    notice.text);
  });
}

std::vector<Publisher::Notice> ReadNotices(absl::string_view text) {
  std::vector<Publisher::Notice> notices;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::size_t tab = line.find('\t');
    notices.push_back(
        tab == line.npos
            ? Publisher::Notice{.text = std::string(line)}
            : Publisher::Notice{std::string(line.substr(0, tab)),
                                std::string(line.substr(tab + 1))});
  }
  return notices;
}

std::string RootKey(std::size_t version) {
  return absl::StrFormat("%s%010d", keys::kRootPrefix, version);
}

// Whether a target may be published after `last` (empty: none).
absl::Status CheckNextTarget(const anchors::TargetKind& kind,
                             const std::string& bytes, const std::string& last,
                             absl::Time now) {
  if (bytes == last) return absl::OkStatus();
  if (!bytes.empty()) {
    if (absl::Status s = kind.check(bytes, now); !s.ok()) return s;
  }
  return anchors::CheckNext(kind, last, bytes);
}

// Whether one that need not be there may be, where clients may know sequences
// up to `published`.
absl::Status CheckNextBeside(const anchors::TargetKind& kind,
                             const std::string& bytes, const std::string& last,
                             std::uint64_t published, absl::Time now) {
  if (bytes.empty() || bytes == last) return absl::OkStatus();
  if (absl::Status s = CheckNextTarget(kind, bytes, last, now); !s.ok()) {
    return s;
  }
  const auto facts = anchors::ReadFacts(kind, bytes);
  if (!facts.ok()) return facts.status();
  // One that was taken away may come back as it was.
  if (facts->sequence == published) return absl::OkStatus();
  return anchors::CheckStep(absl::StrCat("the ", std::string(kind.title)),
                            published, facts->sequence);
}

// Makes `beside` all that is in `files` beside what is required.
void SetBeside(const anchors::ByPath& beside, anchors::BundleFiles& files) {
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    if (kind.is_required) continue;
    const auto found = beside.find(kind.path);
    files.SetTarget(kind.path, found == beside.end() ? "" : found->second);
  }
}

// The highest number that clients may know.
absl::StatusOr<std::uint64_t> LoadPublished(const Store& store,
                                            const std::string& key,
                                            std::uint64_t served) {
  const auto text = store.Get(key);
  if (!text.ok()) return text.status();
  // A store from before these were kept.
  if (!text->has_value()) return served;
  std::uint64_t number = 0;
  if (!absl::SimpleAtoi(**text, &number) || number < served) {
    return absl::DataLossError(
        absl::StrCat("the store's ", key,
                     " is not what was written (restore data_dir from a "
                     "backup; see trustd/README.md)"));
  }
  return number;
}

// Whether the online key of `root` has signed a timestamp of that version.
bool IsOfOurKey(const std::string& root_bytes, std::uint64_t version,
                const std::string& bytes) {
  if (bytes.empty()) return false;
  const auto root = tuf::ParseRoot(root_bytes);
  const auto timestamp = tuf::ParseTimestamp(bytes);
  return root.ok() && timestamp.ok() &&
         timestamp->envelope.version == static_cast<std::int64_t>(version) &&
         tuf::VerifySignatures(timestamp->envelope, root->timestamp, root->keys)
             .ok();
}

absl::Status PublishedSince() {
  return absl::AbortedError("something else was published meanwhile");
}

absl::StatusOr<std::string> Sign(const absl::StatusOr<std::string>& file,
                                 const tuf::SigningKey& key) {
  if (!file.ok()) return file.status();
  return tuf::SignNew(*file, {&key});
}

// Signs with the online key that the last root names for that role.
absl::StatusOr<std::string> SignOnline(
    const std::vector<std::string>& roots, tuf::RoleKeys tuf::Root::*role,
    const SigningKeys& keys, const absl::StatusOr<std::string>& file) {
  const auto root = tuf::ParseRoot(roots.back());
  if (!root.ok()) return root.status();
  const tuf::SigningKey* key = keys.OnlineFor((*root).*role);
  if (key == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("root ", root->envelope.version,
                     " names an online key that is not on this host: it has ",
                     keys.online.front()->public_key().keyid(),
                     keys.online.size() > 1 ? " and a next one" : ""));
  }
  return Sign(file, *key);
}

// What people have signed and is new must still be good: what has expired
// would take the place of what clients accept.
absl::Status CheckNotEnded(const anchors::BundleFiles& last,
                           const anchors::BundleFiles& next, absl::Time now) {
  const auto ended = [](tuf::TufReason reason, const tuf::Envelope& envelope) {
    return tuf::RejectUpdate(
        reason, absl::StrCat("version ", envelope.version, " ended on ",
                             tuf::FormatExpires(envelope.expires),
                             ": sign one with a later end"));
  };
  if (next.roots.size() > last.roots.size()) {
    const auto root = tuf::ParseRoot(next.roots.back());
    if (!root.ok()) return root.status();
    if (root->envelope.expires <= now) {
      return ended(tuf::TufReason::kRootExpired, root->envelope);
    }
  }
  if (next.targets == last.targets) return absl::OkStatus();
  const auto targets = tuf::ParseTargets(next.targets);
  if (!targets.ok()) return targets.status();
  if (targets->envelope.expires <= now) {
    return ended(tuf::TufReason::kTargetsExpired, targets->envelope);
  }
  return absl::OkStatus();
}

// Metadata is dated to the second.
absl::Time Expiry(absl::Time now, absl::Duration validity) {
  return absl::FromUnixSeconds(absl::ToUnixSeconds(now + validity));
}

// Whether this folder's repository is known to others.
bool HasServedBefore(const PublisherConfig& config) {
  return !absl::IsNotFound(
      anchors::ReadFile(FirstRootPath(config.data_dir), tuf::kMaxRootBytes)
          .status());
}

}  // namespace

std::string FirstRootPath(const std::string& data_dir) {
  return absl::StrCat(data_dir, "/", kFirstRootFile);
}

absl::StatusOr<std::unique_ptr<Publisher>> Publisher::Open(
    PublisherConfig config, Store& store, PublicationHub& hub,
    anchors::Catalog seed, anchors::ByPath beside, absl::Time now) {
  auto files = LoadFiles(store);
  if (!files.ok()) return files.status();
  const bool first = files->roots.empty();
  const bool online = config.mode == v1::TrustdConfig::MODE_ONLINE;
  if (first && HasServedBefore(config)) {
    return absl::DataLossError(absl::StrCat(
        config.data_dir, " has published before (", kFirstRootFile,
        ") and its store is gone: restore it from a backup. To begin again "
        "with new keys, use another folder; clients of the old repository "
        "will not follow"));
  }
  auto keys = LoadKeys(config, /*may_make=*/first && online);
  if (!keys.ok()) return keys.status();
  std::unique_ptr<Publisher> publisher(
      new Publisher(std::move(config), store, hub, *std::move(keys)));
  if (first && online) {
    absl::MutexLock lock(&publisher->mutex_);
    files = publisher->MakeFirst(std::move(seed), beside, now);
    if (!files.ok()) return files.status();
    if (absl::Status s = publisher->Adopt(*std::move(files)); !s.ok()) {
      return s;
    }
    return publisher;
  }
  if (first) {
    if (const auto taken = publisher->TakeSigned(now); !taken.ok()) {
      return taken.status();
    }
    return publisher;
  }
  auto publication = VerifyFiles(*files);
  if (!publication.ok()) {
    return absl::DataLossError(
        absl::StrCat("what the store holds does not verify: ",
                     publication.status().message(),
                     " (restore data_dir from a backup; see "
                     "trustd/README.md)"));
  }
  Published published;
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    const auto facts = (*publication)->facts.find(kind.name);
    const auto sequence = LoadPublished(
        store, keys::PublishedKey(kind),
        facts == (*publication)->facts.end() ? 0 : facts->second.sequence);
    if (!sequence.ok()) return sequence.status();
    published.sequences.Set(kind.name, *sequence);
  }
  const auto targets_version = LoadPublished(store, keys::kPublishedTargets,
                                             (*publication)->targets_version);
  if (!targets_version.ok()) return targets_version.status();
  published.targets = *targets_version;
  const auto notices = store.Get(keys::kNotices);
  if (!notices.ok()) return notices.status();
  {
    absl::MutexLock lock(&publisher->mutex_);
    if (notices->has_value()) {
      publisher->notices_ = ReadNotices(**notices);
    }
    publisher->files_ = *std::move(files);
    publisher->published_ = published;
  }
  (*publication)->next_sequence =
      published.sequences.Of(anchors::kCatalogName) + 1;
  hub.Publish(*std::move(publication));
  // A store that went back is served until people have accepted it.
  if (!hub.signing().ok()) return publisher;
  if (online) {
    // What is signed rarely is no reason to find out late.
    absl::MutexLock lock(&publisher->mutex_);
    const auto root = tuf::ParseRoot(publisher->files_.roots.back());
    if (!root.ok()) return root.status();
    if (absl::Status s = CheckKeys(publisher->config_, publisher->keys_, *root);
        !s.ok()) {
      return s;
    }
  }
  // A root that names the key of this host may have arrived meanwhile.
  const auto taken = publisher->TakeSigned(now);
  if (absl::Status s = publisher->RenewIfDue(now); !s.ok()) {
    if (!taken.ok()) return taken.status();
    return absl::FailedPreconditionError(
        absl::StrCat("cannot sign with the keys of data_dir: ", s.message(),
                     " (are they those that root names?)"));
  }
  if (!online) return publisher;
  if (absl::Status s = publisher->PublishBeside(beside, now); !s.ok()) {
    return s;
  }
  return publisher;
}

absl::Status Publisher::CheckKeyFiles(const PublisherConfig& next) const {
  if (!hub_.signing().ok()) return absl::OkStatus();
  const auto keys = LoadKeys(next, /*may_make=*/false);
  if (!keys.ok()) return keys.status();
  absl::MutexLock lock(&mutex_);
  const auto root = tuf::ParseRoot(files_.roots.back());
  if (!root.ok()) return root.status();
  return CheckKeys(next, *keys, *root);
}

absl::StatusOr<Publisher::Files> Publisher::MakeFirst(
    anchors::Catalog seed, const anchors::ByPath& beside,
    absl::Time now) const {
  tuf::RootSpec spec;
  spec.expires = Expiry(now, config_.root_validity);
  spec.root.keys = {keys_.root->public_key()};
  spec.targets.keys = {keys_.targets->public_key()};
  spec.snapshot.keys = {keys_.online.front()->public_key()};
  spec.timestamp.keys = {keys_.online.front()->public_key()};
  const auto root = Sign(tuf::WriteRoot(spec), *keys_.root);
  if (!root.ok()) return root.status();

  seed.sequence = 1;
  seed.refresh_hint = config_.refresh_hint;
  if (absl::Status s = anchors::CheckCatalog(seed); !s.ok()) return s;
  Files files;
  files.roots = {*root};
  files.SetTarget(anchors::kCatalogTargetPath, anchors::SerializeCatalog(seed));
  SetBeside(beside, files);
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    if (absl::Status s =
            CheckNextTarget(kind, files.target(kind.path), "", now);
        !s.ok()) {
      return s;
    }
  }
  return SignAnew(std::move(files),
                  {.targets = true, .snapshot = true, .timestamp = true}, now);
}

absl::StatusOr<std::string> Publisher::NextRoot(const std::string& last,
                                                absl::Time now) const {
  const auto root = tuf::ParseRoot(last);
  if (!root.ok()) return root.status();
  return Sign(tuf::WriteRoot(
                  tuf::NextRootSpec(*root, Expiry(now, config_.root_validity))),
              *keys_.root);
}

absl::StatusOr<std::string> Publisher::NextTargets(const Files& files,
                                                   absl::Time now,
                                                   std::int64_t floor) const {
  tuf::TargetsSpec spec;
  if (!files.targets.empty()) {
    const auto last = tuf::ParseTargets(files.targets);
    if (!last.ok()) return last.status();
    spec.version = last->envelope.version + 1;
  }
  spec.version = std::max(spec.version, floor);
  spec.expires = Expiry(now, config_.targets_validity);
  for (const auto& [path, bytes] : files.target_files) {
    spec.targets.emplace(path, tuf::DescribeTarget(bytes));
  }
  return Sign(tuf::WriteTargets(spec), *keys_.targets);
}

absl::StatusOr<std::string> Publisher::NextSnapshot(const Files& files,
                                                    absl::Time now,
                                                    std::int64_t floor) const {
  const auto targets = tuf::ParseTargets(files.targets);
  if (!targets.ok()) return targets.status();
  tuf::SnapshotSpec spec;
  if (!files.snapshot.empty()) {
    const auto last = tuf::ParseSnapshot(files.snapshot);
    if (!last.ok()) return last.status();
    spec.version = last->envelope.version + 1;
  }
  spec.version = std::max(spec.version, floor);
  spec.expires = Expiry(now, config_.snapshot_validity);
  spec.files.emplace(
      kTargetsFile,
      tuf::DescribeMetaFile(targets->envelope.version, files.targets));
  return SignOnline(files.roots, &tuf::Root::snapshot, keys_,
                    tuf::WriteSnapshot(spec));
}

absl::StatusOr<std::string> Publisher::NextTimestamp(const Files& files,
                                                     absl::Time now,
                                                     std::int64_t floor) const {
  const auto snapshot = tuf::ParseSnapshot(files.snapshot);
  if (!snapshot.ok()) return snapshot.status();
  tuf::TimestampSpec spec;
  if (!files.timestamp.empty()) {
    const auto last = tuf::ParseTimestamp(files.timestamp);
    if (!last.ok()) return last.status();
    spec.version = last->envelope.version + 1;
  }
  spec.version = std::max(spec.version, floor);
  spec.expires = Expiry(now, config_.timestamp_validity);
  spec.snapshot =
      tuf::DescribeMetaFile(snapshot->envelope.version, files.snapshot);
  return SignOnline(files.roots, &tuf::Root::timestamp, keys_,
                    tuf::WriteTimestamp(spec));
}

absl::StatusOr<Publisher::Files> Publisher::SignAnew(
    Files files, Due due, absl::Time now, const VersionFloors& floors) const {
  if (due.root) {
    auto root = NextRoot(files.roots.back(), now);
    if (!root.ok()) return root.status();
    files.roots.push_back(*std::move(root));
  }
  if (due.targets) {
    auto targets = NextTargets(files, now, floors.targets);
    if (!targets.ok()) return targets.status();
    files.targets = *std::move(targets);
  }
  if (due.snapshot) {
    auto snapshot = NextSnapshot(files, now, floors.snapshot);
    if (!snapshot.ok()) return snapshot.status();
    files.snapshot = *std::move(snapshot);
  }
  if (due.timestamp) {
    auto timestamp = NextTimestamp(files, now, floors.timestamp);
    if (!timestamp.ok()) return timestamp.status();
    files.timestamp = *std::move(timestamp);
  }
  return files;
}

absl::Status Publisher::Adopt(Files files, const StoreBatch& also,
                              std::optional<Published> published) {
  auto publication = VerifyFiles(files, hub_.Current().get());
  if (!publication.ok()) return publication.status();
  Published next{anchors::SequencesOf((*publication)->facts),
                 (*publication)->targets_version};
  if (published.has_value()) {
    next = {published->sequences, std::max(next.targets, published->targets)};
  } else if (!DropsTargets(files)) {
    next.sequences.RaiseTo(published_.sequences);
    next.targets = std::max(next.targets, published_.targets);
  }
  (*publication)->next_sequence = next.sequences.Of(anchors::kCatalogName) + 1;
  StoreBatch batch = also;
  for (std::size_t i = files_.roots.size(); i < files.roots.size(); ++i) {
    batch.Put(RootKey(i + 1), files.roots[i]);
  }
  batch.Put(keys::kTargets, files.targets);
  batch.Put(keys::kSnapshot, files.snapshot);
  batch.Put(keys::kTimestamp, files.timestamp);
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    const std::string& bytes = files.target(kind.path);
    if (bytes.empty()) {
      batch.Delete(kind.name);
    } else {
      batch.Put(kind.name, bytes);
    }
    batch.Put(keys::PublishedKey(kind),
              absl::StrCat(next.sequences.Of(kind.name)));
  }
  batch.Put(keys::kPublishedTargets, absl::StrCat(next.targets));
  if (absl::Status s = store_.Commit(batch); !s.ok()) return s;
  files_ = std::move(files);
  published_ = next;
  hub_.Publish(*std::move(publication));
  return absl::OkStatus();
}

// Whether the roots are newer, and no longer name who signed what is served.
bool Publisher::DropsTargets(const Files& next) const {
  return !files_.targets.empty() && next.roots.size() > files_.roots.size() &&
         !TargetsHold(next.roots.back(), files_.targets);
}

absl::StatusOr<Prepared> Publisher::Prepare(const Admitted& admitted,
                                            std::uint64_t targets_version,
                                            absl::Time now) const {
  if (offline()) {
    return absl::FailedPreconditionError(
        "in MODE_OFFLINE people sign the catalog: 'trustctl targets propose'");
  }
  absl::MutexLock lock(&mutex_);
  if (absl::Status s = hub_.signing(); !s.ok()) return s;
  const anchors::Catalog& catalog = admitted.catalog();
  if (catalog.sequence != published_.sequences.Of(anchors::kCatalogName) + 1) {
    return PublishedSince();
  }
  if (absl::Status s = anchors::CheckCatalog(catalog); !s.ok()) return s;
  Files files = files_;
  files.SetTarget(anchors::kCatalogTargetPath,
                  anchors::SerializeCatalog(catalog));
  if (absl::Status s = anchors::CheckCatalogFile(files.catalog(), now);
      !s.ok()) {
    return s;
  }
  auto next =
      SignAnew(std::move(files),
               {.targets = true, .snapshot = true, .timestamp = true}, now);
  if (!next.ok()) return next.status();
  const auto targets = tuf::ParseTargets(next->targets);
  if (!targets.ok()) return targets.status();
  if (targets->envelope.version != static_cast<std::int64_t>(targets_version)) {
    return PublishedSince();
  }
  return Prepared(*std::move(next), files_.timestamp);
}

absl::Status Publisher::Commit(Prepared prepared, const StoreBatch& also) {
  absl::MutexLock lock(&mutex_);
  if (prepared.after_ != files_.timestamp) return PublishedSince();
  return Adopt(std::move(prepared.files_), also);
}

absl::Status Publisher::PublishBeside(const anchors::ByPath& beside,
                                      absl::Time now) {
  absl::MutexLock lock(&mutex_);
  Files files = files_;
  SetBeside(beside, files);
  if (files.target_files == files_.target_files) return absl::OkStatus();
  if (absl::Status s = hub_.signing(); !s.ok()) return s;
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    if (kind.is_required) continue;
    if (absl::Status s = CheckNextBeside(
            kind, files.target(kind.path), files_.target(kind.path),
            published_.sequences.Of(kind.name), now);
        !s.ok()) {
      return s;
    }
  }
  auto next =
      SignAnew(std::move(files),
               {.targets = true, .snapshot = true, .timestamp = true}, now);
  if (!next.ok()) return next.status();
  return Adopt(*std::move(next));
}

absl::Status Publisher::CheckFollowsPublished(
    const Files& files, const Files& next, std::uint64_t last_version,
    std::uint64_t next_version) const {
  // What was lost and comes back is what clients have.
  if (next_version == published_.targets) return absl::OkStatus();
  if (next_version < published_.targets) {
    return absl::FailedPreconditionError(absl::StrCat(
        "targets ", next_version, ": clients may have ", published_.targets,
        ": put that one back, or sign until the version is ",
        published_.targets + 1));
  }
  if (next.catalog() == files.catalog() && last_version == published_.targets) {
    return absl::OkStatus();
  }
  const auto catalog = anchors::ParseCatalog(next.catalog());
  if (!catalog.ok()) return catalog.status();
  return anchors::CheckStep("the catalog",
                            published_.sequences.Of(anchors::kCatalogName),
                            catalog->sequence);
}

absl::StatusOr<bool> Publisher::AddSigned(Files& files, absl::Time now) const {
  auto signed_files = anchors::ReadSigned(
      config_.ceremony_dir, static_cast<std::int64_t>(files.roots.size()) + 1);
  if (!signed_files.ok()) return signed_files.status();
  // Roots alone can be what mends the targets.
  if (signed_files->roots.empty() && !signed_files->targets_status.ok()) {
    return signed_files->targets_status;
  }
  bool changed = !signed_files->roots.empty();
  for (std::string& root : signed_files->roots) {
    files.roots.push_back(std::move(root));
  }
  if (!signed_files->targets.has_value()) return changed;
  Files& next = *signed_files->targets;
  if (next.targets == files.targets) return changed;
  // What the new root's people have not signed is nothing to follow: its
  // numbers may be a thief's.
  const bool is_free = DropsTargets(files);
  if (!files.targets.empty() && !is_free) {
    const auto before = tuf::ParseTargets(files.targets);
    if (!before.ok()) return before.status();
    const auto after = tuf::ParseTargets(next.targets);
    if (!after.ok()) return after.status();
    if (after->envelope.version <= before->envelope.version) return changed;
    if (absl::Status s = CheckFollowsPublished(
            files, next, before->envelope.version, after->envelope.version);
        !s.ok()) {
      return s;
    }
    // A key that people take back into use is named to each who signs; that the
    // targets' keys signed it is what arrives here, and TakeSigned() tells of it.
    const auto root = tuf::ParseRoot(files.roots.back());
    if (!root.ok()) return root.status();
    if (absl::Status s = anchors::CheckSignedSteps(config_.ceremony_dir, *root,
                                                   before->envelope.version,
                                                   files.catalog());
        !s.ok()) {
      return s;
    }
  }
  // Of what is required the versions of targets, above, say whether it goes
  // back.
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    const std::string& bytes = next.target(kind.path);
    if (bytes == files.target(kind.path)) continue;
    const std::string last = is_free ? "" : files.target(kind.path);
    if (absl::Status s =
            kind.is_required
                ? CheckNextTarget(kind, bytes, last, now)
                : CheckNextBeside(
                      kind, bytes, last,
                      is_free ? 0 : published_.sequences.Of(kind.name), now);
        !s.ok()) {
      return s;
    }
  }
  files.targets = std::move(next.targets);
  files.target_files = std::move(next.target_files);
  return true;
}

absl::StatusOr<bool> Publisher::TakeSigned(absl::Time now) {
  if (!offline()) return false;
  absl::MutexLock lock(&mutex_);
  const absl::Status stopped = hub_.signing();
  if (!stopped.ok() && !IsTimestampShown(stopped)) return stopped;
  Files files = files_;
  const auto changed = AddSigned(files, now);
  if (!changed.ok()) return changed.status();
  if (files.roots.empty() || files.targets.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(config_.ceremony_dir,
                     " has no signed root and targets yet: make them "
                     "with 'trustctl root' and 'trustctl targets'"));
  }
  // Clients drop what a key has signed that the next root does not name.
  if (!stopped.ok() &&
      !ReplacesOnlineKey(files_.roots.back(), files.roots.back())) {
    return stopped;
  }
  if (!*changed) return false;
  if (absl::Status s = CheckNotEnded(files_, files, now); !s.ok()) return s;
  // The next online key may have been put here since the start. A key that is
  // held already stays, whatever became of its file.
  auto keys = LoadKeys(config_, /*may_make=*/false);
  if (!keys.ok()) return keys.status();
  for (auto& key : keys->online) {
    const std::string& id = key->public_key().keyid();
    if (std::none_of(keys_.online.begin(), keys_.online.end(),
                     [&](const auto& held) {
                       return held->public_key().keyid() == id;
                     })) {
      keys_.online.push_back(std::move(key));
    }
  }
  auto next =
      SignAnew(std::move(files), {.snapshot = true, .timestamp = true}, now);
  if (!next.ok()) return next.status();
  StoreBatch also;
  std::vector<Notice> notices = notices_;
  if (!files_.roots.empty()) {
    const auto verified = VerifyFiles(*next);
    if (!verified.ok()) return verified.status();
    if (absl::Status s = CheckClientsFollow(files_, *next); !s.ok()) {
      return absl::FailedPreconditionError(absl::StrCat(
          "clients that have what is served would refuse it: ", s.message(),
          " (where numbers must fall because a key was stolen, the root names "
          "a new online key too: see trustd/INCIDENTS.md)"));
    }
    if (DropsTargets(*next)) {
      notices.push_back(
          {.text = absl::StrCat(
               "root ", next->roots.size(), " removes who signed sequence ",
               hub_.Current()->catalog.sequence,
               ": clients drop what those keys signed; what it says is revoked "
               "they refuse until they have sequence ",
               (*verified)->catalog.sequence)});
    }
    for (const anchors::ReactivatedKey& key : anchors::FindReactivated(
             hub_.Current()->catalog, (*verified)->catalog)) {
      const std::string slot = verify::ToString(key.slot);
      notices.push_back(
          {.slot = slot,
           .text = absl::StrCat(
               "sequence ", (*verified)->catalog.sequence,
               " takes back into use what was on its way out or had ended: ",
               slot, " key ", key.spki_sha256, ", as people signed")});
    }
    if (notices != notices_) {
      also.Put(keys::kNotices, TextOf(notices));
    }
  }
  if (!stopped.ok()) also.AcceptStore();
  if (absl::Status s = Adopt(*std::move(next), also); !s.ok()) return s;
  if (!stopped.ok()) hub_.SetSigning(absl::OkStatus());
  notices_ = std::move(notices);
  return true;
}

bool Publisher::SeeTimestamp(std::uint64_t version,
                             const std::string& timestamp,
                             const std::function<absl::Status()>& note) {
  // Callers whom nobody knows do not wait for the lock.
  const auto current = hub_.Current();
  if (!IsOfOurKey(current->files.roots.back(), version, timestamp))
    return false;
  absl::MutexLock lock(&mutex_);
  // A root that replaces the key may have come meanwhile.
  if (!IsOfOurKey(files_.roots.back(), version, timestamp)) return false;
  hub_.SetSigning(note());
  return true;
}

std::vector<Publisher::Notice> Publisher::TakeNotices() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(notices_, {});
}

absl::Status Publisher::ForgetNotices() {
  absl::MutexLock lock(&mutex_);
  StoreBatch batch;
  if (notices_.empty()) {
    batch.Delete(keys::kNotices);
  } else {
    batch.Put(keys::kNotices, TextOf(notices_));
  }
  return store_.Commit(batch);
}

Publisher::Due Publisher::FindDue(const Publication& publication,
                                  absl::Time now) const {
  const auto left = [&](std::size_t role) {
    return publication.roles[role].expires - now;
  };
  Due due;
  // Far longer than configured: the validity was shortened, or a clock was
  // ahead.
  const auto is_due = [&](std::size_t role, absl::Duration validity,
                          absl::Duration least) {
    return left(role) < least || left(role) > validity * 3 / 2;
  };
  due.root =
      !offline() && is_due(0, config_.root_validity, config_.root_validity / 3);
  due.targets = !offline() && is_due(1, config_.targets_validity,
                                     config_.targets_validity / 3);
  due.snapshot = due.targets || is_due(2, config_.snapshot_validity,
                                       config_.snapshot_validity / 3);
  due.timestamp = due.snapshot || is_due(3, config_.timestamp_validity,
                                         config_.timestamp_validity -
                                             config_.timestamp_interval);
  return due;
}

absl::Status Publisher::RenewIfDue(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status s = hub_.signing(); !s.ok()) return s;
  const Due due = FindDue(*hub_.Current(), now);
  if (!due.root && !due.timestamp) return absl::OkStatus();
  auto files = SignAnew(files_, due, now);
  if (!files.ok()) return files.status();
  return Adopt(*std::move(files));
}

}  // namespace anchorage::trustd
