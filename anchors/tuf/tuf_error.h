// Every way in which TUF metadata can fail us, as one closed list.
//
//   absl::Status refreshed = updater->Refresh();
//   if (!refreshed.ok()) Count(NameOf(*TufReasonOf(refreshed)));
//
// A reason's NAME is API: it keeps its meaning for ever and is never reused.
// The text beside the name is for people: it may change, so never parse it.
// Where no reason fits, the call succeeds: every failure in anchors/tuf has
// one.

#ifndef ANCHORAGE_ANCHORS_TUF_TUF_ERROR_H_
#define ANCHORAGE_ANCHORS_TUF_TUF_ERROR_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace anchorage::anchors::tuf {

enum class TufReason {
  // --- Unreadable (INVALID_ARGUMENT) -------------------------------------

  // The file is longer than the limit of its role, or than its metadata says.
  kMetadataTooLarge,
  // Not strict JSON, or a member is absent, or of the wrong type or range.
  kMetadataMalformed,
  // The same name twice in one JSON object.
  kDuplicateMember,
  // A number that has no canonical form: a fraction, an exponent, "-0", or
  // beyond 2^53 - 1, where readers in JavaScript lose digits.
  kNumberNotCanonical,
  // `_type` names another role.
  kWrongType,
  // `spec_version` is not 1.x or 1.x.y.
  kSpecVersionUnsupported,
  // `expires` is not YYYY-MM-DDTHH:MM:SSZ, or no such date exists.
  kExpiresMalformed,
  // Two signatures name the same key id.
  kDuplicateSignatureKeyId,
  // A role lists the same key id twice.
  kDuplicateRoleKeyId,
  // A key id is not the SHA-256 of its key's canonical form.
  kKeyIdMismatch,
  // A threshold below 1.
  kThresholdInvalid,
  // A root without one of the four roles, or with one that does not exist.
  kRootRolesInvalid,
  // A delegation with no name, a top-level role's name or a name used twice,
  // or with not exactly one of paths and path_hash_prefixes.
  kDelegationInvalid,
  // A hash of an algorithm that we do not know.
  kHashAlgorithmUnknown,
  // A target path that leads out of the targets' folder.
  kTargetPathUnsafe,

  // --- Not signed by whom we trust (UNAUTHENTICATED) ----------------------

  // Fewer valid signatures than the delegating role's threshold.
  kThresholdNotMet,
  // A root that is not signed by its own threshold.
  kRootNotSelfSigned,
  // A file is not as long as the metadata above it says.
  kLengthMismatch,
  // A file does not hash to what the metadata above it says.
  kHashMismatch,
  // A target is not as long as its metadata says.
  kTargetLengthMismatch,
  // A target does not hash to what its metadata says.
  kTargetHashMismatch,

  // --- Older than, or other than, what was seen (FAILED_PRECONDITION) ----

  // A root that is not the successor of the trusted one.
  kRootVersionNotNext,
  // A timestamp older than one seen before.
  kTimestampRollback,
  // A timestamp that names an older snapshot than one seen before.
  kSnapshotEntryRollback,
  // A snapshot older than one seen before.
  kSnapshotRollback,
  // A snapshot that names an older targets file than one seen before.
  kTargetsEntryRollback,
  // A snapshot without a file that was in one seen before.
  kSnapshotEntryRemoved,
  // A snapshot of another version than the timestamp says.
  kSnapshotVersionMismatch,
  // A targets file of another version than the snapshot says.
  kTargetsVersionMismatch,
  // Two different files, properly signed, with the same role and version.
  kEquivocation,
  // The newest root in existence is older than one seen before.
  kRootRollback,
  // A catalog or a list of releases with a lower sequence than one seen before.
  kSequenceRollback,
  // A catalog or a list of releases whose sequence is more than 2^32 above the
  // one seen before it: whoever stole a key must not use up all the numbers in
  // one step.
  kSequenceLeap,
  // A catalog or a list of releases that was made more than a day ahead of our
  // clock: one of the two clocks is wrong.
  kClockSuspect,
  kRootExpired,
  kTimestampExpired,
  kSnapshotExpired,
  kTargetsExpired,
  // A delegated targets file has expired.
  kDelegatedExpired,
  // A call that is out of the workflow's order.
  kOutOfOrder,
  // More new roots in one refresh than any repository has.
  kRootLimit,
  // More roles asked for one target than any repository needs.
  kDelegationLimit,

  // --- Not there (NOT_FOUND) ----------------------------------------------

  // The snapshot does not list a role that a delegation names.
  kRoleMissing,
  // No role lists the target.
  kTargetNotFound,
  // The server has no file that the metadata says there is.
  kFileNotOnServer,

  // --- Could not be done (UNAVAILABLE) ------------------------------------

  // The server could not be asked, or did not answer.
  kFetchFailed,
  // What was verified could not be stored.
  kStoreFailed,
  // No loaded provider of the cryptography library verifies with a role's keys
  // (Ed25519 where only a FIPS provider is): this says nothing about the
  // signatures.
  kCryptoUnavailable,

  // --- Signing (INVALID_ARGUMENT) -----------------------------------------

  // Not a private key in PEM, or not with this passphrase.
  kSigningKeyUnreadable,
  // A private key of a type or size that TUF clients do not know.
  kSigningKeyUnsupported,
  // A library below failed to make or use a key.
  kSigningFailed,
  // Metadata that other TUF clients would read differently.
  kNotPublishable,

  kMaxValue = kNotPublishable,
};

// Returns a non-OK status that carries `reason` for machines and `detail` for
// people: it may contain names from the file and words of the server, so it is
// made one line by verify::Printable(). Every failure in anchors/tuf is made
// here.
absl::Status RejectUpdate(TufReason reason, std::string_view detail);

// Returns `status`, which RejectUpdate() made, with the name of the file that
// it is about before its detail: "THRESHOLD_NOT_MET: timestamp.json: ...". Any
// other status, including OK, is returned as it is.
absl::Status InFile(std::string_view name, const absl::Status& status);

// Returns the reason that RejectUpdate() put in `status`; nullopt for an OK
// status and for a status that RejectUpdate() did not make.
std::optional<TufReason> TufReasonOf(const absl::Status& status);

// Returns the stable name, such as "THRESHOLD_NOT_MET".
std::string_view NameOf(TufReason reason);

// Returns the reason of that name; nullopt for a name that we do not know.
std::optional<TufReason> TufReasonNamed(std::string_view name);

// Returns all reasons, in the order of the list.
absl::Span<const TufReason> AllTufReasons();

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_ANCHORS_TUF_TUF_ERROR_H_
