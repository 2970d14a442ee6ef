// The folder in which people make what trustd must not be able to make: roots
// and targets. It can be carried on a stick, and given to a trustd as it is.
//
//   DIR/1.root.json, 2.root.json, ...   signed, every version from the first
//   DIR/N.targets.json                  signed; the newest counts
//   DIR/targets/catalog/v1/HASH.anchors.json
//   DIR/targets/releases/v1/HASH.releases.json
//   DIR/root.draft.json, DIR/targets.draft.json   not yet signed by all
//
// Names are those of a TUF repository with consistent snapshots. A draft
// becomes a signed file in one step, and only after everything that a client
// will check has passed, including expiry, so half a change never exists. A
// draft that remains after a crash is the draft of a signed file, and is
// recognized as such.
//
// Functions over files, not thread-safe for one folder. They fail as
// ReadFile() and WriteFileAtomically() do, with the reasons of anchors/tuf and
// of verify/reason.h, and with FAILED_PRECONDITION where another step must come
// first; the message says which.

#ifndef ANCHORAGE_ANCHORS_PUBLISHING_CEREMONY_H_
#define ANCHORAGE_ANCHORS_PUBLISHING_CEREMONY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "anchors/bundle.h"
#include "anchors/catalog.h"
#include "anchors/publishing/repository_writer.h"
#include "anchors/succession.h"
#include "anchors/tuf/metadata.h"

namespace anchorage::anchors {

// What is in the folder. Read but not verified, except that catalogs and
// releases have the hashes that their targets files name.
struct Ceremony {
  // Exactly as signed; the root of version n is roots[n - 1].
  std::vector<std::string> roots;
  // Empty where there is none.
  std::string root_draft;
  // The newest targets file and the files that it names; nullopt before the
  // first.
  std::optional<BundleFiles> targets;
  // Why the newest targets file is not in `targets`; OK if it is.
  absl::Status targets_status;
  std::optional<BundleFiles> targets_draft;
};

// Reads the folder. Fails if the newest targets file cannot be read.
absl::StatusOr<Ceremony> ReadCeremony(const std::string& folder);

// Reads what trustd needs, without drafts: the roots from `first_root` on, up
// to the first gap, and the newest targets. A folder that does not exist counts
// as empty.
absl::StatusOr<Ceremony> ReadSigned(const std::string& folder,
                                    std::int64_t first_root = 1);

// --- roots -----------------------------------------------------------------

// Returns the last of `roots` after verifying that each follows from the one
// before. FAILED_PRECONDITION if there is none.
absl::StatusOr<tuf::Root> VerifyRoots(absl::Span<const std::string> roots);

// Starts or replaces the draft. Signatures on an earlier draft are lost, since
// they were over another text.
absl::Status WriteRootDraft(const std::string& folder,
                            const tuf::RootSpec& spec);

// Turns the draft into N.root.json. Fails as TrustedSet::UpdateRoot() does, in
// particular with kThresholdNotMet while signatures are missing, and with
// kRootExpired.
//
// A root under which the signed targets no longer verify makes clients drop
// these targets, and with them everything that they say is revoked. So it is
// published only together with a draft of targets that its own keys have
// signed; FAILED_PRECONDITION otherwise.
absl::StatusOr<tuf::Root> PublishRootDraft(const std::string& folder,
                                           absl::Time now);

// --- targets ---------------------------------------------------------------

// Begins or replaces the draft: the next version, with those targets, good
// until `expires`. Each must be the same bytes as the signed one or follow it
// (CheckCatalogStep() with `reactivated`, CheckNext()), unless nobody whom the
// newest root names has signed that: then it counts for nothing. Fails as
// CheckTargets() does.
absl::Status ProposeTargets(const std::string& folder,
                            const ByPath& target_files, absl::Time expires,
                            absl::Time now,
                            const Reactivated& reactivated = {});

// Whether a catalog may follow `last` (empty: none): it is the same bytes, or
// CheckSuccessor() is OK. Fails as ParseCatalog() does too.
absl::Status CheckCatalogStep(std::string_view last, std::string_view next,
                              const Reactivated& reactivated = {});

// Checks each targets file in the folder above `version`, whose catalog is
// `last`, against the one before it: what was signed in between holds, even if
// nobody took it. Only files that `root`'s threshold signed and that are there in
// whole count; what is gone from the folder is not known.
absl::Status CheckSignedSteps(const std::string& folder, const tuf::Root& root,
                              std::int64_t version, std::string last);

// The catalog that the draft of targets must follow, as text: the signed one.
// Empty where there is none, or nobody whom the newest root names has signed it
// (the draft of a root, where there is one).
absl::StatusOr<std::string> CatalogBeforeDraft(const Ceremony& ceremony);

// Turns the draft into N.targets.json. kThresholdNotMet while signatures are
// missing; kTargetsExpired; FAILED_PRECONDITION for a version or sequence that
// is not higher than the signed one's.
absl::StatusOr<tuf::Targets> PublishTargetsDraft(const std::string& folder,
                                                 absl::Time now);

// Returns OK if the newest targets, with which a draft is compared, were signed
// by the threshold of one of the roots, or if there are none.
absl::Status VerifyLastTargets(const Ceremony& ceremony);

// Returns the targets of `files` if `root`'s threshold signed them, and if the
// catalog and releases have the hashes that they name and can be read. Dates
// are not checked.
absl::StatusOr<tuf::Targets> VerifyTargets(const tuf::Root& root,
                                           const BundleFiles& files);

// --- both ------------------------------------------------------------------

enum class DraftKind { kRoot, kTargets };

// Whether a draft may be shown to the people who sign it: makes all checks of a
// client of this version except the signatures, including expiry at `now`.
// Fails as CheckTargets() and ParseRoot() do, with kRootExpired,
// kTargetsExpired, or as SignDraft().
absl::Status CheckDraft(const Ceremony& ceremony, DraftKind kind,
                        absl::Time now);

// Adds `key`'s signature to a draft, which must be the one that was `shown`:
// ABORTED if another draft has replaced it. In `reactivated` the signer names
// the keys that the draft of targets reactivates. Fails as CheckDraft() and,
// against CatalogBeforeDraft(), CheckCatalogStep() do. FAILED_PRECONDITION if
// there is no draft, if it must not be signed (not the next root; targets that
// name more than a catalog and releases, or have members that this program does
// not know), or if the key is not one whose signature counts.
absl::Status SignDraft(const std::string& folder, const Ceremony& shown,
                       DraftKind kind, const tuf::SigningKey& key,
                       absl::Time now, const Reactivated& reactivated = {});

// How many of a role's keys have signed, and how many must.
struct SignatureCount {
  // "root of version 3", for people.
  std::string who;
  std::vector<std::string> signed_by;
  std::vector<std::string> missing;
  std::int64_t threshold = 0;

  bool enough() const {
    return static_cast<std::int64_t>(signed_by.size()) >= threshold;
  }
};

// Returns whose signatures a draft needs: those of the last root's keys and,
// for a root, also those of its own. Targets beside a draft of a root that
// names other keys for them need the signatures of either: the draft root's
// keys are the second entry. Keys are named by their ids; a public key counts
// once. Fails for a draft that cannot be read, or a root's that is not the
// next.
absl::StatusOr<std::vector<SignatureCount>> CountSignatures(
    const Ceremony& ceremony, DraftKind kind);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_PUBLISHING_CEREMONY_H_
