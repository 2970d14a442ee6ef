// The publishing half: metadata as values, written and signed.
//
//   auto unsigned_root = WriteRoot(spec);
//   auto root = SignNew(*unsigned_root, {&alice, &bob});
//   auto more = AddSignature(*root, carol);  // later, elsewhere
//
// Writes ASCII JSON without white space, with integers only, sha256 only,
// specification version 1.0.31 and consistent snapshots: the part of TUF that
// all clients read alike. A file without signatures is a proposal, which people
// can inspect and pass on; a signature is over the `signed` member, of which
// AddSignature() changes no byte.
//
// Pure but for randomness in ECDSA and RSA signatures. Writers fail with
// kNotPublishable for values that our own client would refuse, or that are
// not printable ASCII.

#ifndef ANCHORAGE_ANCHORS_PUBLISHING_REPOSITORY_WRITER_H_
#define ANCHORAGE_ANCHORS_PUBLISHING_REPOSITORY_WRITER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "anchors/publishing/signer.h"
#include "anchors/tuf/metadata.h"
#include "anchors/tuf/tuf_key.h"

namespace anchorage::anchors::tuf {

// The version that python-tuf and tuf-js publish; all clients read it.
inline constexpr std::string_view kPublishedSpecVersion = "1.0.31";

// Whose signatures a role needs, and how many.
struct RoleSpec {
  std::vector<TufKey> keys;
  std::int64_t threshold = 1;
};

struct RootSpec {
  std::int64_t version = 1;
  absl::Time expires;
  RoleSpec root;
  RoleSpec timestamp;
  RoleSpec snapshot;
  RoleSpec targets;
  bool consistent_snapshot = true;
};

struct TimestampSpec {
  std::int64_t version = 1;
  absl::Time expires;
  MetaFile snapshot;
};

struct SnapshotSpec {
  std::int64_t version = 1;
  absl::Time expires;
  std::map<std::string, MetaFile, std::less<>> files;  // "targets.json", ...
};

struct DelegationSpec {
  std::string name;
  RoleSpec role;
  std::optional<std::vector<std::string>> paths;
  std::optional<std::vector<std::string>> path_hash_prefixes;
  bool terminating = false;
};

struct TargetsSpec {
  std::int64_t version = 1;
  absl::Time expires;
  std::map<std::string, Target, std::less<>> targets;
  std::vector<DelegationSpec> delegations;
};

// Each returns a file with no signatures.
absl::StatusOr<std::string> WriteRoot(const RootSpec& spec);
absl::StatusOr<std::string> WriteTimestamp(const TimestampSpec& spec);
absl::StatusOr<std::string> WriteSnapshot(const SnapshotSpec& spec);
absl::StatusOr<std::string> WriteTargets(const TargetsSpec& spec);

// Returns what a timestamp or snapshot says about a file: version, length,
// sha256.
MetaFile DescribeMetaFile(std::int64_t version, std::string_view bytes);
// Returns what a targets file says about a target.
Target DescribeTarget(std::string_view bytes);

// Returns the file with `key`'s signature added, or replacing an earlier one
// with the same key id. Other signatures stay as they are. Fails with
// kMetadataMalformed and the other reasons for which reading the file can fail,
// and with kSigningFailed.
absl::StatusOr<std::string> AddSignature(std::string_view file,
                                         const SigningKey& key);

// AddSignature() with each of `keys`.
absl::StatusOr<std::string> SignNew(std::string_view file,
                                    absl::Span<const SigningKey* const> keys);

// Returns the specification of the root after `root`: the next version, with
// the same keys and thresholds, to be edited. It lacks members that we do not
// know, except those of keys.
RootSpec NextRootSpec(const Root& root, absl::Time expires);

// Returns the specification of the targets file after `targets`, likewise.
TargetsSpec NextTargetsSpec(const Targets& targets, absl::Time expires);

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_ANCHORS_PUBLISHING_REPOSITORY_WRITER_H_
