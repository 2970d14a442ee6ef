// What may follow what: the rules for the difference between two catalogs,
// whoever decided it.
//
//   if (auto s = CheckSuccessor(published, next); !s.ok()) return s;
//
// Everything that changes what is trusted goes through here: what trustd
// publishes, what people sign offline and what trustd takes of that. So the
// rules are those that hold for people too, and none of them asks who decided
// or what a source shows:
//
//   - the next catalog is valid, can be read by clients, which can load its new
//     anchors (no region is in two partitions), and has a higher sequence, by at
//     most kMaxSequenceStep; `created` may go back, because a clock that was
//     ahead once must not block what follows;
//   - an anchor stays, with its `first_seen` and `replaces` once they are set,
//     and goes towards REVOKED only; its window only becomes narrower. What
//     goes the other way is a reactivation, which people name key by key. What
//     is REVOKED stays so, whoever names it. A new anchor may begin in any
//     status: what is not ACTIVE verifies less;
//   - a certificate that comes into use is signed by its own key and begins at
//     most kMaxNotBeforeAhead after the catalog was made;
//   - a certificate goes only if it was superseded, no person brought it,
//     kMinCertificatesKept remain and it is not a Nitro root's, whose
//     attestation documents carry it byte for byte. Its sources stay;
//   - the same TBSCertificate is the same certificate: with an ECDSA signature
//     (r, s), (r, n - s) is one too, so that anybody can write another. Two that
//     were both there before may stay;
//   - an anchor that verifies has a certificate in use, unless it verified
//     before and had none.
//
// An empty `before` (sequence 0, no anchors) is before the first catalog.
// Whether a certificate may be in use in several slots is not judged here.
//
// Pure: any number of threads may call at once. The cost is that of
// CheckCatalog() and of a signature for each certificate that comes into use.

#ifndef ANCHORAGE_ANCHORS_SUCCESSION_H_
#define ANCHORAGE_ANCHORS_SUCCESSION_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "anchors/catalog.h"
#include "verify/anchor_set.h"

namespace anchorage::anchors {

// How long after its catalog was made a certificate in use may begin.
inline constexpr absl::Duration kMaxNotBeforeAhead = absl::Hours(24);
// Pruning leaves at least as many certificates in an anchor.
inline constexpr std::size_t kMinCertificatesKept = 4;
// More problems of one step are not collected.
inline constexpr std::size_t kMaxSuccessorProblems = 64;

// A reason's name is API: it keeps its meaning for ever and is never reused.
enum class SuccessorReason {
  // --- The catalog ---------------------------------------------------------

  // CheckCatalog() or CheckAnchorsLoad() refuses it.
  kCatalogInvalid,
  // Its text is longer than clients read.
  kCatalogTooLarge,
  // One of the two has anchors that only a newer program knows, which would be
  // lost or are not judged.
  kUnknownAnchors,
  // The sequence is not higher.
  kSequenceNotHigher,
  // The sequence is more than kMaxSequenceStep higher.
  kSequenceLeap,

  // --- An anchor -----------------------------------------------------------

  // It is gone; so is one that has another slot or key now.
  kAnchorLost,
  kFirstSeenChanged,
  kReplacesChanged,
  // From one status to another that does not follow it.
  kStatusStep,
  // From RETIRING or RETIRED to a status that verifies more, and nobody named
  // it.
  kReactivated,
  // From REVOKED to any other.
  kRevokedUndone,
  // `valid_from`, `valid_until` or `accept_until` allows more, and nobody named
  // the key.
  kWindowWidened,
  // It verifies, and has no certificate in use.
  kNoCertificateInUse,

  // --- A certificate -------------------------------------------------------

  // It came into use, and its own key has not signed it.
  kNotSelfSigned,
  // It came into use, and begins too long after the catalog was made.
  kNotYetBegun,
  // One of a Nitro root is gone.
  kRootCertificateLost,
  // One that was in use is gone.
  kCertificateInUseLost,
  // One that a person brought is gone.
  kOperatorCertificateLost,
  // One is gone, and too few remain.
  kTooFewCertificatesKept,
  // One is gone, and another with its TBSCertificate came.
  kCertificateRewritten,
  // Two have one TBSCertificate.
  kCertificateTwice,
  // A place where it was found is gone.
  kSourceLost,

  kMaxValue = kSourceLost,
};

// Returns the stable name, such as "ANCHOR_LOST".
std::string_view NameOf(SuccessorReason reason);

// All reasons, in the order of the list.
absl::Span<const SuccessorReason> AllSuccessorReasons();

struct SuccessorProblem {
  SuccessorReason reason;
  // Of the anchor; default and empty where the problem is the catalog's.
  verify::Slot slot;
  std::string spki_sha256;
  // Empty where the problem is not a certificate's.
  std::string certificate_sha256;
  // For people.
  std::string sentence;
};

// A key that people take back into use.
struct ReactivatedKey {
  verify::Slot slot;
  // Lower-case hex.
  std::string spki_sha256;

  friend bool operator==(const ReactivatedKey&,
                         const ReactivatedKey&) = default;
};
using Reactivated = std::vector<ReactivatedKey>;

// Everything that forbids `after` to follow `before`, at most
// kMaxSuccessorProblems. Those of the catalog are first, then those of each
// anchor, as the catalogs have them. `reactivated` is what people named; that
// it names others too is none.
std::vector<SuccessorProblem> FindSuccessorProblems(
    const Catalog& before, const Catalog& after,
    const Reactivated& reactivated = {});

// OK if there is no problem. FAILED_PRECONDITION with the names and sentences
// of the first ones otherwise.
absl::Status CheckSuccessor(const Catalog& before, const Catalog& after,
                            const Reactivated& reactivated = {});

// The status that CheckSuccessor() makes of problems.
absl::Status StatusOf(absl::Span<const SuccessorProblem> problems);

// The keys that somebody must name for kReactivated and kWindowWidened not to be
// problems of this step: what people are shown before they sign or take it.
Reactivated FindReactivated(const Catalog& before, const Catalog& after);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_SUCCESSION_H_
