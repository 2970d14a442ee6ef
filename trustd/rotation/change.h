// One difference between what a source says and what is pinned.
//
// A change is a value with an identity: two sources that see the same, or one
// source that sees it again, give the same id(), so that the book joins them.
// It carries what holds it: nobody can have a change without knowing that its
// source cannot be relied on.

#ifndef ANCHORAGE_TRUSTD_ROTATION_CHANGE_H_
#define ANCHORAGE_TRUSTD_ROTATION_CHANGE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trustd/rotation/observation.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {

// What a difference means. If several apply in one slot, the one listed last
// counts.
enum class RotationClass {
  // Another certificate over a pinned key.
  kReissue,
  // The first certificate of a kind, in a region that has others.
  kNewKind,
  // The first certificate of a region.
  kNewRegion,
  // Another key of the same algorithm and size.
  kReKey,
  // Another key of another algorithm or size.
  kAlgorithmChange,
  // A slot that the source no longer has.
  kRemoval,
  // Nothing about a slot, but about the source: it cannot be relied on.
  kSourceAnomaly,
  // A certificate that a person adds.
  kAddition,
  // A key that a person wants ACTIVE again: `observed` names it, without a
  // certificate.
  kReactivation,
  // A certificate that a person brings, over a key that is to come.
  kAnnouncement,
  // A rotation that a person wants taken back: `undo` says what that does.
  kUndo,
  kMaxValue = kUndo,
};

// A stable name: "RE_ISSUE", "NEW_KIND", "NEW_REGION", "RE_KEY",
// "ALGORITHM_CHANGE", "REMOVAL", "SOURCE_ANOMALY", "ADDITION", "REACTIVATION",
// "ANNOUNCEMENT", "UNDO".
std::string_view NameOf(RotationClass rotation_class);
std::optional<RotationClass> RotationClassNamed(std::string_view name);

enum class AnomalyKind {
  // Something in the source could not be placed: `Change::problem` says what.
  kProblem,
  // The source no longer has slots that are pinned.
  kSlotsMissing,
  // The source has fewer slots than it had.
  kFewerSlots,
  // The source has a certificate that was replaced, or one older than what is
  // pinned: a stale copy.
  kStale,
  // Another source says something else.
  kSourcesDisagree,
  // The source has more certificates in a slot than a change keeps: AWS has
  // one.
  kTooManyCertificates,

  kMaxValue = kTooManyCertificates,
};

// A stable name, such as "SLOTS_MISSING".
std::string_view NameOf(AnomalyKind anomaly);
std::optional<AnomalyKind> AnomalyKindNamed(std::string_view name);

// The most certificates that a change keeps, so that nobody can make a record
// too long to be written. AWS has one certificate in a slot.
inline constexpr std::size_t kMaxObservedCertificates = 8;

struct SeenCertificate {
  std::string der;
  // SHA-256 of the certificate and of its key, lower-case hex.
  std::string sha256;
  std::string spki_sha256;
  int line = 0;
  // Whether the catalog has it in this slot.
  bool pinned = false;

  friend bool operator==(const SeenCertificate&,
                         const SeenCertificate&) = default;
};

// What the catalog has in a slot, as far as a source should know it too: the
// keys that are neither retired nor revoked, and their certificates that are
// not superseded. Hashes in lower-case hex, sorted.
struct PinnedSlot {
  std::vector<std::string> spki_sha256;
  std::vector<std::string> certificate_sha256;

  friend bool operator==(const PinnedSlot&, const PinnedSlot&) = default;
};

// What taking a rotation back does. Keys are SHA-256 in lower-case hex.
struct TakenBack {
  std::uint64_t rotation_id = 0;
  // The keys that are ACTIVE again, without a window.
  std::vector<std::string> reactivated = {};
  // The keys that are RETIRED, or REVOKED.
  std::vector<std::string> ended = {};
  bool revokes = false;

  friend bool operator==(const TakenBack&, const TakenBack&) = default;
};

struct Change {
  RotationClass rotation_class = RotationClass::kSourceAnomaly;
  // Where it was seen: Observation::source and location. Where sources
  // disagree, all of them. Of what a person asks for, the person.
  std::string source;
  std::string location;
  // The partition is empty where an anomaly is about the source as a whole.
  verify::Slot slot;
  // The kind of a kSourceAnomaly; nullopt for every other class.
  std::optional<AnomalyKind> anomaly;
  std::optional<ProblemKind> problem;
  // Of a kUndo.
  std::optional<TakenBack> undo;
  PinnedSlot pinned;
  // All that the source has in the slot, in its order.
  std::vector<SeenCertificate> observed;
  // What people should know; decides nothing.
  std::vector<std::string> notes;
  // Why only people may decide, whatever the policy; empty: no reason.
  std::vector<std::string> held_by;
  // Several lines for people: what is pinned and what was seen, with serial
  // numbers, dates and hashes.
  std::string diff;

  // SHA-256 over the class, the slot and what was seen (for a removal: what was
  // pinned; for an anomaly: its kind and source; for what takes a rotation back:
  // what it does), lower-case hex. It does not
  // depend on times, lines, texts or, except for anomalies, the source.
  std::string id() const;

  friend bool operator==(const Change&, const Change&) = default;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ROTATION_CHANGE_H_
