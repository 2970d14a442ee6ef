// Which catalog may follow another: the rules for the difference between two
// catalogs, whoever decided it.
//
//   if (auto s = CheckSuccessor(published, next); !s.ok()) return s;
//
// Everything that changes what is trusted goes through here: what trustd
// publishes, what people sign offline and what trustd accepts of that. So these
// rules hold for people too, and none of them asks who decided or what a source
// shows:
//
//   - the next catalog is valid, can be read by clients, which can load its new
//     anchors (no region is in two partitions), and has a higher sequence, by
//     at most kMaxSequenceStep; `created` may go back, because a clock that was
//     ahead once must not block what follows;
//   - an anchor stays, with its `first_seen` and `replaces` once they are set,
//     and moves only towards REVOKED; its window only becomes narrower. A step
//     the other way is a reactivation, which people name key by key. A REVOKED
//     anchor stays so, whoever names it. A new anchor may start in any status,
//     because any but ACTIVE verifies less;
//   - a certificate that comes into use is signed by its own key, and its
//     validity begins at most kMaxNotBeforeAhead after the catalog was made;
//   - a certificate may be dropped only if it was superseded, no person added
//     it, kMinCertificatesKept remain, and it is not a Nitro root's, which
//     attestation documents carry byte for byte. The sources of a certificate
//     stay;
//   - the same TBSCertificate is the same certificate: if (r, s) is an ECDSA
//     signature, so is (r, n - s), so anybody can write another. Two that were
//     both there before may stay;
//   - an anchor that verifies has a certificate in use, unless it verified
//     before and had none.
//
// An empty `before` (sequence 0, no anchors) stands for no catalog yet. Whether
// a certificate may be in use in several slots is not judged here.
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

// How long after its catalog was made the validity of a certificate in use may
// begin.
inline constexpr absl::Duration kMaxNotBeforeAhead = absl::Hours(24);
// Pruning leaves at least this many certificates in an anchor.
inline constexpr std::size_t kMinCertificatesKept = 4;
// The most problems of one step that are collected.
inline constexpr std::size_t kMaxSuccessorProblems = 64;

// A reason's name is API: it keeps its meaning for ever and is never reused.
enum class SuccessorReason {
  // --- The catalog ---------------------------------------------------------

  // CheckCatalog() or CheckAnchorsLoad() refuses it.
  kCatalogInvalid,
  // Its text is longer than clients read.
  kCatalogTooLarge,
  // One of the two catalogs has anchors that only a newer program knows, which
  // would be lost or cannot be judged.
  kUnknownAnchors,
  // The sequence is not higher.
  kSequenceNotHigher,
  // The sequence is more than kMaxSequenceStep higher.
  kSequenceLeap,

  // --- An anchor -----------------------------------------------------------

  // An anchor is gone; one with another slot or key counts as gone.
  kAnchorLost,
  kFirstSeenChanged,
  kReplacesChanged,
  // A step from one status to another that does not follow it.
  kStatusStep,
  // A step from RETIRING or RETIRED to a status that verifies more, and nobody
  // named the key.
  kReactivated,
  // A step from REVOKED to any other status.
  kRevokedUndone,
  // `valid_from`, `valid_until` or `accept_until` allows more, and nobody named
  // the key.
  kWindowWidened,
  // An anchor verifies, but has no certificate in use.
  kNoCertificateInUse,

  // --- A certificate -------------------------------------------------------

  // A certificate came into use, but its own key has not signed it.
  kNotSelfSigned,
  // A certificate came into use, but its validity begins too long after the
  // catalog was made.
  kNotYetBegun,
  // A Nitro root's certificate is gone.
  kRootCertificateLost,
  // A certificate that was in use is gone.
  kCertificateInUseLost,
  // A certificate that a person added is gone.
  kOperatorCertificateLost,
  // A certificate is gone, and too few remain.
  kTooFewCertificatesKept,
  // A certificate is gone, and another with its TBSCertificate was added.
  kCertificateRewritten,
  // Two certificates have the same TBSCertificate.
  kCertificateTwice,
  // A place where a certificate was found is gone.
  kSourceLost,

  kMaxValue = kSourceLost,
};

// Returns the stable name, such as "ANCHOR_LOST".
std::string_view NameOf(SuccessorReason reason);

// All reasons, in the order of the list.
absl::Span<const SuccessorReason> AllSuccessorReasons();

struct SuccessorProblem {
  SuccessorReason reason;
  // The anchor's slot; default and empty where the problem is the catalog's.
  verify::Slot slot;
  std::string spki_sha256;
  // SHA-256 of the certificate; empty where the problem is not a certificate's.
  std::string certificate_sha256;
  // For people.
  std::string sentence;
};

// A key that people reactivate.
struct ReactivatedKey {
  verify::Slot slot;
  // Lower-case hex.
  std::string spki_sha256;

  friend bool operator==(const ReactivatedKey&,
                         const ReactivatedKey&) = default;
};
using Reactivated = std::vector<ReactivatedKey>;

// Returns everything that forbids `after` to follow `before`, at most
// kMaxSuccessorProblems. Problems of the catalog come first, then those of each
// anchor, in the order of the catalogs. `reactivated` is what people named; to
// name more keys is no problem.
std::vector<SuccessorProblem> FindSuccessorProblems(
    const Catalog& before, const Catalog& after,
    const Reactivated& reactivated = {});

// Returns OK if there is no problem; otherwise FAILED_PRECONDITION with the
// names and sentences of the first ones.
absl::Status CheckSuccessor(const Catalog& before, const Catalog& after,
                            const Reactivated& reactivated = {});

// Returns the status that CheckSuccessor() makes of problems.
absl::Status StatusOf(absl::Span<const SuccessorProblem> problems);

// Returns the keys that somebody must name so that kReactivated and
// kWindowWidened are no problems of this step: people are shown these before
// they sign or accept it.
Reactivated FindReactivated(const Catalog& before, const Catalog& after);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_SUCCESSION_H_
