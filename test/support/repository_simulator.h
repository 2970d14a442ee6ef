// A whole TUF repository in memory, to be changed and then served: the
// counterpart of the updater in tests.
//
//   RepositorySimulator repository(kNow);
//   repository.targets().targets["a"] = ...;
//   repository.Publish({"targets", "snapshot", "timestamp"});
//   Updater::Create(repository.published("root", 1), kNow, &repository, ...);
//
// It starts with version 1 of the four roles published, each with one Ed25519
// key of its own. Publish() raises the version, so that a test says what it
// changes and nothing else. What is published is a map from names to bytes,
// which tests may edit too. A value that the writer refuses is a failed test.

#ifndef ANCHORAGE_TEST_SUPPORT_REPOSITORY_SIMULATOR_H_
#define ANCHORAGE_TEST_SUPPORT_REPOSITORY_SIMULATOR_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/publishing/repository_writer.h"
#include "anchors/publishing/signer.h"
#include "anchors/tuf/fetcher.h"
#include "anchors/tuf/updater.h"

namespace anchorage::anchors::tuf {

using KeyPtr = std::shared_ptr<const SigningKey>;

// Returns the `n`-th test key; the same in every run.
KeyPtr TestKey(int n);

// Signs any JSON object as `signed`, also one that our reader refuses.
std::string SignJson(std::string_view signed_json,
                     const std::vector<KeyPtr>& keys);

class RepositorySimulator final : public Fetcher {
 public:
  explicit RepositorySimulator(absl::Time now);

  // What the next Publish() of a role writes, and who signs it.
  RootSpec root;
  TimestampSpec timestamp;
  SnapshotSpec snapshot;
  std::map<std::string, TargetsSpec> roles;  // "targets" and delegated ones
  std::map<std::string, std::vector<KeyPtr>> signers;
  // Whether snapshot and timestamp list lengths and hashes.
  bool list_hashes = false;

  TargetsSpec& targets() { return roles["targets"]; }

  // What is served: by name, metadata and targets.
  std::map<std::string, std::string, std::less<>> metadata;
  std::map<std::string, std::string, std::less<>> files;
  // Names that answer with this instead.
  std::map<std::string, absl::Status, std::less<>> failures;
  // Names asked for, in order; those of targets with "targets/" in front.
  std::vector<std::string> requests;

  // A key that no role has.
  KeyPtr NewKey() { return TestKey(next_key_++); }
  // Makes `key` one that may sign, and does sign, for a top-level role.
  void AddKey(std::string_view role, const KeyPtr& key);
  // Replaces the keys of a top-level role by one new one.
  void RotateKeys(std::string_view role);
  RoleSpec& RootRole(std::string_view role);

  // Writes, signs and serves roles in this order, and enters targets roles in
  // the snapshot and the snapshot in the timestamp, each as the next version
  // but the first time.
  void Publish(const std::vector<std::string>& names);
  // The same without a next version: for what no honest repository does.
  void PublishAgain(const std::vector<std::string>& names);
  // The bytes of a published file.
  const std::string& published(std::string_view role,
                               std::int64_t version) const;

  void AddTarget(const std::string& role, const std::string& path,
                 const std::string& bytes);
  // Delegates to a role, with one new key, which is made if there is none.
  void AddDelegation(const std::string& delegator, DelegationSpec delegation);

  absl::StatusOr<std::string> FetchMetadata(std::string_view name,
                                            std::size_t max_bytes) override;
  absl::StatusOr<std::string> FetchTarget(std::string_view name,
                                          std::size_t max_bytes) override;

 private:
  std::int64_t& VersionOf(const std::string& name);
  std::string Write(const std::string& name);
  void Enter(const std::string& name, std::string_view bytes);
  absl::StatusOr<std::string> Serve(
      const std::map<std::string, std::string, std::less<>>& from,
      const std::string& request, std::string_view name, std::size_t max_bytes);

  absl::Time safe_expiry_;
  int next_key_ = 0;
  std::map<std::string, bool> published_once_;
};

// A store in memory. Tests may edit what is in it, and make it fail.
class MemoryStore final : public MetadataStore {
 public:
  std::map<std::string, std::string, std::less<>> files;
  // Names saved, in order.
  std::vector<std::string> saved;
  // How many more saves succeed; none set: all.
  std::optional<int> saves_left;

  std::optional<std::string> Load(std::string_view name,
                                  std::size_t max_bytes) override;
  absl::Status Save(std::string_view name, std::string_view bytes) override;
};

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_TEST_SUPPORT_REPOSITORY_SIMULATOR_H_
