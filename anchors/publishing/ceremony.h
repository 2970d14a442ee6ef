// The folder in which people make what trustd must not be able to make: roots
// and targets. It can travel on a stick, and a trustd can be given it as it is.
//
//   DIR/1.root.json, 2.root.json, ...   signed, every version from the first
//   DIR/N.targets.json                  signed; the newest counts
//   DIR/targets/catalog/v1/HASH.anchors.json, .../releases/v1/HASH.releases.json
//   DIR/root.draft.json, DIR/targets.draft.json   under way
//
// Names are those of a TUF repository with consistent snapshots. A draft
// becomes a signed file in one step, and only after everything that a client
// will check has passed, its end included, so there is no moment at which half
// of a change is there. A draft that remains after a crash is that of a signed
// file, and is known as such.
//
// Functions over files, not thread-safe for one folder. They fail as
// ReadFile() and WriteFileAtomically() do, with the reasons of anchors/tuf and
// of verify/reason.h, and with FAILED_PRECONDITION where the next step is
// another one; the message says which.

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

// What is in the folder. Read and not verified, but for one thing: catalogs and
// releases are what their targets files name by hash.
struct Ceremony {
  // Exactly as signed; the root of version n is roots[n - 1].
  std::vector<std::string> roots;
  // Empty before the first.
  std::string root_draft;
  // The newest targets file and what it names, no more; nullopt before the
  // first.
  std::optional<BundleFiles> targets;
  // Why the newest targets file is not in `targets`; OK if it is.
  absl::Status targets_status;
  std::optional<BundleFiles> targets_draft;
};

// Fails for a newest targets file that cannot be read.
absl::StatusOr<Ceremony> ReadCeremony(const std::string& folder);

// What trustd needs of it, drafts left alone: the roots from `first_root` on,
// as far as there is no gap, and the newest targets. A folder that does not
// exist has nothing.
absl::StatusOr<Ceremony> ReadSigned(const std::string& folder,
                                    std::int64_t first_root = 1);

// --- roots -----------------------------------------------------------------

// Returns the last of `roots` after verifying that each follows from the one
// before. FAILED_PRECONDITION if there is none.
absl::StatusOr<tuf::Root> VerifyRoots(absl::Span<const std::string> roots);

// Begins or replaces the draft. Signatures on an earlier draft are lost, since
// they were over another text.
absl::Status WriteRootDraft(const std::string& folder,
                            const tuf::RootSpec& spec);

// Turns the draft into N.root.json. Fails as TrustedSet::UpdateRoot() does, in
// particular with kThresholdNotMet while signatures are missing, and with
// kRootExpired.
//
// A root by which the signed targets no longer verify makes clients drop them,
// and all that they say is revoked with them. It is published only where a
// draft of targets lies beside it that its own keys have signed, and both are
// published; FAILED_PRECONDITION otherwise.
absl::StatusOr<tuf::Root> PublishRootDraft(const std::string& folder,
                                           absl::Time now);

// --- targets ---------------------------------------------------------------

// Begins or replaces the draft: the next version, with that catalog and those
// releases (empty: none), good until `expires`. Each must be the same bytes as
// the signed one or follow it (CheckCatalogStep() with `reactivated`,
// CheckReleasesStep()), unless nobody whom the newest root names has signed
// that: then it counts for nothing. Fails as CheckTargets() does.
absl::Status ProposeTargets(const std::string& folder,
                            std::string_view catalog_json,
                            std::string_view releases_json, absl::Time expires,
                            absl::Time now,
                            const Reactivated& reactivated = {});

// Whether a catalog may follow `last` (empty: none): it is the same bytes, or
// CheckSuccessor() is OK. Fails as ParseCatalog() does too.
absl::Status CheckCatalogStep(std::string_view last, std::string_view next,
                              const Reactivated& reactivated = {});

// The same of a catalog that the threshold of the targets' keys has signed.
// Nothing that is signed says which keys people named; but each signer had to
// name them to SignDraft(), so what is signed is named. Every other rule holds.
absl::Status CheckSignedCatalogStep(std::string_view last,
                                    std::string_view next);

// The same of each targets file in the folder above `version`, of which `last` is
// the catalog, against the one before it: what was signed in between holds, also
// where nobody took it. Only of files that `root`'s threshold signed and that are
// there in whole; what is gone from the folder is not known.
absl::Status CheckSignedSteps(const std::string& folder, const tuf::Root& root,
                              std::int64_t version, std::string last);

// Whether a list of releases may follow `last` (empty: none): it is the same
// bytes, or CheckStep() is OK. Fails as ParseReleases() does too.
absl::Status CheckReleasesStep(std::string_view last, std::string_view next);

// The catalog that the draft of targets must follow, as text: the signed one.
// Empty where there is none, or nobody whom the newest root names has signed it
// (the draft of a root, where there is one).
absl::StatusOr<std::string> CatalogBeforeDraft(const Ceremony& ceremony);

// Turns the draft into N.targets.json. kThresholdNotMet while signatures are
// missing; kTargetsExpired; FAILED_PRECONDITION for a version or sequence that
// is not higher than the signed one's.
absl::StatusOr<tuf::Targets> PublishTargetsDraft(const std::string& folder,
                                                 absl::Time now);

// OK if the newest targets were signed by the threshold of one of the roots, or
// there are none: what a draft is compared with.
absl::Status VerifyLastTargets(const Ceremony& ceremony);

// Returns what `files` are if root's threshold signed them and the catalog and
// releases are what they name and can be read. Their dates do not matter here.
absl::StatusOr<tuf::Targets> VerifyTargets(const tuf::Root& root,
                                           const BundleFiles& files);

// --- both ------------------------------------------------------------------

enum class DraftKind { kRoot, kTargets };

// Whether a draft may be shown to people who sign it: everything that a client
// of this version checks but for the signatures, its end at `now` included.
// Fails as CheckTargets() and ParseRoot() do, with kRootExpired,
// kTargetsExpired, or as SignDraft().
absl::Status CheckDraft(const Ceremony& ceremony, DraftKind kind,
                        absl::Time now);

// Adds `key`'s signature to a draft, which must be the one that was `shown`:
// ABORTED if another has taken its place. The signer names in `reactivated` the
// keys that the draft of targets takes back into use. Fails as CheckDraft() and,
// against CatalogBeforeDraft(), CheckCatalogStep() do.
// FAILED_PRECONDITION if there is no
// draft, if it is one that must not be signed (not the next root; targets that
// name more than a catalog and releases, or that this program does not know all
// of), or if the key is not one of those whose signatures count.
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

// Whose signatures a draft needs: those of the last root's keys and, for a
// root, those of its own. Targets that lie beside a draft of a root which names
// other keys for them need theirs or those: the second entry. Key ids; a public
// key counts once.
// Fails for a draft that cannot be read, or of a root that is not the next.
absl::StatusOr<std::vector<SignatureCount>> CountSignatures(
    const Ceremony& ceremony, DraftKind kind);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_PUBLISHING_CEREMONY_H_
