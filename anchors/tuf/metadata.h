// The four kinds of TUF metadata as values, read from exact bytes.
//
//   auto root = ParseRoot(std::move(bytes));
//   if (!root.ok()) return root.status();  // TufReasonOf() names the check
//   Use(root->keys);                        // not verified yet
//
// Reading proves the form, nothing else: VerifySignatures() and TrustedSet say
// who signed. The values keep the exact bytes, which are what is stored, served
// and hashed, and the canonical form of the `signed` member, which is what
// signatures are over. Members that we do not know are allowed anywhere and are
// part of both.
//
// Pure, any number of threads. Fails with kMetadataTooLarge, kDuplicateMember,
// kNumberNotCanonical, kMetadataMalformed and the reasons that are named after
// one member.

#ifndef ANCHORAGE_ANCHORS_TUF_METADATA_H_
#define ANCHORAGE_ANCHORS_TUF_METADATA_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/tuf/tuf_key.h"

namespace anchorage::anchors::tuf {

// The longest file of each role, in bytes, where the metadata above it gives no
// length. The same as in other TUF clients, so that we can read whatever they
// can.
inline constexpr std::size_t kMaxRootBytes = 512'000;
inline constexpr std::size_t kMaxTimestampBytes = 16'384;
inline constexpr std::size_t kMaxSnapshotBytes = 2'000'000;
inline constexpr std::size_t kMaxTargetsBytes = 5'000'000;
inline constexpr int kMaxMetadataDepth = 32;
// The most JSON values of a file. Far more than any repository has, and far
// fewer than 5 MB of "[]," would make.
inline constexpr std::size_t kMaxMetadataValues = 100'000;

inline constexpr std::string_view kRootRole = "root";
inline constexpr std::string_view kTimestampRole = "timestamp";
inline constexpr std::string_view kSnapshotRole = "snapshot";
inline constexpr std::string_view kTargetsRole = "targets";

bool IsTopLevelRole(std::string_view name);

// A signature as it stands in the file: `sig` may be empty or anything else
// that is not a signature, and then counts for nothing.
struct Signature {
  std::string keyid;
  std::string sig_hex;
};

// What every kind of metadata has.
struct Envelope {
  std::string bytes;         // the whole file as it was received
  std::string signed_bytes;  // canonical form of `signed`
  std::vector<Signature> signatures;
  std::string spec_version;
  std::int64_t version = 0;
  absl::Time expires;
};

// Keys by their ids.
using KeyMap = std::map<std::string, TufKey, std::less<>>;

// Who may sign for a role. Ids are distinct; some may have no key.
struct RoleKeys {
  std::vector<std::string> keyids;
  std::int64_t threshold = 1;
};

struct Root {
  Envelope envelope;
  bool consistent_snapshot = false;
  KeyMap keys;
  RoleKeys root;
  RoleKeys timestamp;
  RoleKeys snapshot;
  RoleKeys targets;
};

// One hash of a file. `hex` is hex of either case, `algorithm` any text:
// whether we know the algorithm is checked when a file is compared with the
// hash.
struct FileHash {
  std::string algorithm;
  std::string hex;
};

// What a timestamp or a snapshot says about another metadata file.
struct MetaFile {
  std::int64_t version = 0;
  std::optional<std::int64_t> length;
  std::vector<FileHash> hashes;  // in the order of the file; may be empty
};

struct Timestamp {
  Envelope envelope;
  MetaFile snapshot;
};

struct Snapshot {
  Envelope envelope;
  std::map<std::string, MetaFile, std::less<>> files;  // "targets.json", ...

  // Returns what the snapshot says about `role`; null if it does not list the
  // role.
  const MetaFile* Find(std::string_view role) const;
};

// A file that a targets role vouches for.
struct Target {
  std::int64_t length = 0;
  std::vector<FileHash> hashes;  // in the order of the file; never empty
  std::string custom_json;       // compact JSON; empty if there is none
};

// The target paths for which another role may sign.
struct Delegation {
  std::string name;
  RoleKeys role;
  // Exactly one of the two is present. Patterns are matched segment by segment.
  std::optional<std::vector<std::string>> paths;
  std::optional<std::vector<std::string>> path_hash_prefixes;
  bool terminating = false;

  // Whether the delegation is for this target.
  bool Covers(std::string_view target_path) const;
};

struct Delegations {
  KeyMap keys;
  std::vector<Delegation> roles;  // in order; names are distinct

  const Delegation* Find(std::string_view name) const;
};

struct Targets {
  Envelope envelope;
  std::map<std::string, Target, std::less<>> targets;
  std::optional<Delegations> delegations;
};

absl::StatusOr<Root> ParseRoot(std::string bytes);
absl::StatusOr<Timestamp> ParseTimestamp(std::string bytes);
absl::StatusOr<Snapshot> ParseSnapshot(std::string bytes);
absl::StatusOr<Targets> ParseTargets(std::string bytes);

// Succeeds if at least `role.threshold` different keys of `role` signed.
// kThresholdNotMet: fewer did. Signatures that are empty, malformed, wrong or
// of other keys count for nothing; a public key counts once, whatever its ids.
absl::Status VerifySignatures(const Envelope& envelope, const RoleKeys& role,
                              const KeyMap& keys);

// The form of `expires`, in whole seconds, in UTC.
absl::StatusOr<absl::Time> ParseExpires(std::string_view text);
std::string FormatExpires(absl::Time time);

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_ANCHORS_TUF_METADATA_H_
