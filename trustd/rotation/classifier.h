// Compares what a source says with what is pinned.
//
//   Classification found = Classify(observation, catalog);
//   for (const Change& change : found.changes) ...     // rotations
//   for (const Change& anomaly : found.anomalies) ...  // hold all of them
//
// Every difference is one change of one slot, of one class. Whatever says that
// the source itself cannot be relied on is an anomaly, and holds everything
// that the source says in this observation: each of its changes then names the
// anomaly in `held_by`, so a change by itself already says that people must
// decide. A certificate that a source shows but could not confirm holds its
// changes too, but is not an anomaly: AWS prints some roots only in one place.
//
// Anomalies are: each kind of problem in the observation, except a heading
// without certificate; slots that are pinned ACTIVE and are missing; more
// certificates in a slot than a change keeps; the certificate of a key that was
// replaced, or one with an earlier notBefore than the pinned one over the same
// key, if the pinned one is not there too: such a source is a stale copy, and
// what is old is never published as new.
//
// A superseded certificate of a key that still verifies, where it is shown
// alone, is a re-issue: the source went back, and the certificate in use may
// follow it. One with the to-be-signed bytes of another is the same
// certificate: anybody can rewrite an ECDSA or DSA signature.
//
// Not anomalies: a notAfter in the past, or earlier than that of the
// certificate before (AWS does that); a key or certificate that another slot
// has as well (17 regions share one), which is noted.
//
// Pure: any number of threads may call at once.

#ifndef ANCHORAGE_TRUSTD_ROTATION_CLASSIFIER_H_
#define ANCHORAGE_TRUSTD_ROTATION_CLASSIFIER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "anchors/catalog.h"
#include "trustd/rotation/change.h"
#include "trustd/rotation/observation.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {

// The most removals in one observation. A source that lost more slots than this
// is broken as a whole: there is one anomaly, and no removals.
inline constexpr std::size_t kMaxRemovals = 6;

struct Classification {
  // The changes by slot; no anomalies among them.
  std::vector<Change> changes;
  // The anomalies, all of class kSourceAnomaly.
  std::vector<Change> anomalies;
  // How many slots the source has.
  std::size_t slots = 0;

  // Whether nothing of this observation may be published without people.
  bool held() const { return !anomalies.empty(); }
};

Classification Classify(const Observation& observation,
                        const anchors::Catalog& pinned);

// Returns one anomaly for each slot of which two sources have different
// certificates; silence about a slot contradicts nothing. `newest` has the
// newest observation of each source.
std::vector<Change> Disagreements(absl::Span<const Observation> newest);

// How many sources show a change, and how many contradict it.
struct SourceCount {
  int agreeing = 0;
  int disagreeing = 0;
};

// Counts sources that speak for the change's slot and were understood: one that
// has everything that the change adds agrees (for a removal: one that has
// nothing in the slot), one that has something else there contradicts it, and a
// silent one does neither. `newest` has the newest observation of each source.
SourceCount CountSources(const Change& change,
                         absl::Span<const Observation> newest);

// Returns the name of a source's anomaly in the `held_by` of its changes.
std::string HeldByAnomaly(const Change& anomaly);

// Whether a problem is an anomaly of its source: any except a heading without
// certificate, and a certificate that is not confirmed, which holds the changes
// of this observation but says nothing against the source.
bool IsAnomaly(const SourceProblem& problem);

// Returns what is pinned in a slot.
PinnedSlot PinnedIn(const anchors::Catalog& catalog, const verify::Slot& slot);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ROTATION_CLASSIFIER_H_
