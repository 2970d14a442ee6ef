// What to do about a rotation: one case, of a table.
//
//   const Case found = CaseOf(view, entry, answers);
//   RecommendationOf(found).sentence
//
// A recommendation is to approve only where the gate was asked and has nothing
// against the step, with people and without, and where the change was witnessed
// by more than one source, or for another key by an instance.

#ifndef ANCHORAGE_TRUSTD_EXPLAIN_RECOMMENDATION_H_
#define ANCHORAGE_TRUSTD_EXPLAIN_RECOMMENDATION_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/anchorage/v1/explanation.pb.h"
#include "trustd/mirror/core.h"
#include "trustd/record/rotation_book.h"
#include "trustd/rotation/change.h"
#include "trustd/rotation/gate.h"
#include "trustd/rotation/rotation_policy.h"

namespace anchorage::trustd {

// The cases, in the order of the manual's table. A name is API: it keeps its
// meaning for ever and is never reused.
enum class Case {
  // --- Nothing is to be decided ---------------------------------------------
  kOver,
  kPublished,
  kToBeSigned,
  kApproved,
  kAlreadyThere,

  // --- There is nothing to approve ------------------------------------------
  kUnknownSigner,
  kProblem,
  kSlotsMissing,
  kFewerSlots,
  kStale,
  kSourcesDisagree,
  kTooManyCertificates,

  // --- The gate has something against it ------------------------------------
  kNotSelfSigned,
  kSameCertificate,
  kUnreadable,
  kRequestOutdated,
  kKeyIsOver,
  kKeyRevokedElsewhere,
  kNotLater,
  kInUseElsewhere,
  kSeveralNew,
  kSourceSaysOtherwise,
  kNotShownNow,
  kTakesAway,
  kFromTheFuture,
  kNotAllAsked,
  kTooOften,
  kClockSuspect,
  kRecordNotChecked,
  kRefused,
  kOtherPins,

  // --- Something else has ---------------------------------------------------
  kSourceHeld,
  kPersonHolds,

  // --- Nothing has ----------------------------------------------------------
  kPolicyPublishes,
  kPolicyWaits,
  kRequested,
  kUndoRequested,
  kOneSource,
  kKeyUnproved,
  kKeyProved,
  kWitnessed,

  kMaxValue = kWitnessed,
};

struct RecommendationRow {
  Case value;
  // Such as "ONE_SOURCE".
  std::string_view name;
  v1::Recommendation::Action action;
  std::string_view sentence;
};
const RecommendationRow& RecommendationOf(Case value);

// What an anomaly of that kind asks of a person.
Case CaseOf(AnomalyKind anomaly);

// What the gate and the policy answer about an open rotation that could be
// published.
struct Answers {
  // Apply(): what it makes of the catalog.
  absl::StatusOr<anchors::Catalog> next = absl::UnknownError("not asked");
  bool changes_nothing = false;
  // Admit(), as if enough people had approved exactly this.
  absl::Status with_people;
  // JudgeAutomatic(): how many families of sources show it.
  absl::StatusOr<int> without_people = 0;
  // ObjectionsTo() each certificate that it brings.
  std::vector<Objection> objections;
  Decision policy;
};
Answers AskAll(const Work& view, const RotationBook::Entry& entry);

// `answers` is looked at where the rotation is open and could be published.
Case CaseOf(const Work& view, const RotationBook::Entry& entry,
            const Answers& answers);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_EXPLAIN_RECOMMENDATION_H_
