// The one gate for every change of what is trusted: admission.
//
//   auto admitted = Admit({.before = served, .after = next,
//                          .grounds = {{.slot = slot}}}, situation);
//   if (!admitted.ok()) ... GateReasonOf(admitted.status())
//   publisher.Prepare(*admitted, now);
//
// Only this makes an Admitted, and a publication can be prepared from nothing
// else. It judges from scratch, at the moment of publication: from the bytes of
// what comes into use, the catalog before, what sources show now, and the people
// who decided on exactly this. Nothing that was thought of a change before has a
// part in it: a change carries what held it when it was found, and a later look
// can find the same certificate otherwise.
//
// Whoever decided, the step must be one that CheckSuccessor() allows.
//
// Pure: any number of threads may call at once.

#ifndef ANCHORAGE_TRUSTD_ROTATION_GATE_H_
#define ANCHORAGE_TRUSTD_ROTATION_GATE_H_

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "anchors/catalog.h"
#include "anchors/certificate_facts.h"
#include "anchors/succession.h"
#include "trustd/rotation/observation.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {

// Of changes of one slot without people. Both go by a clock that nobody sets.
inline constexpr absl::Duration kBetweenAutomatic = absl::Hours(1);
inline constexpr std::size_t kMaxAutomaticADay = 4;

// What speaks against a step. A reason's name is API: it keeps its meaning for
// ever and is never reused.
enum class GateReason {
  // --- Of a certificate: people may decide otherwise ------------------------

  // Its own key has not signed it: otherwise whoever changes a page could date
  // AWS's key anew.
  kNotSelfSigned,
  // It begins more than a day from now.
  kFromTheFuture,
  // Its key is RETIRED or REVOKED in the slot.
  kKeyIsOver,
  // Its key is REVOKED in another slot.
  kKeyRevokedElsewhere,
  // It begins no later than another certificate of the key, and was not in use
  // in the slot before: a copy that was left behind.
  kNotLater,
  // It is in use in another slot, and the two slots had no certificate in
  // common before: somebody put one region's under another's name.
  kInUseElsewhere,
  // It has the to-be-signed bytes of another of the key.
  kSameCertificate,
  // It cannot be read.
  kUnreadable,

  // --- Of the step: people decide -------------------------------------------

  // It brings nothing and takes away, or changes a status or window.
  kTakesAway,
  // Fewer people have approved exactly this than must.
  kApprovalsMissing,
  // It was approved by people, and would do something else now.
  kNotWhatWasApproved,
  // One person alone may go towards REVOKED, and this does not.
  kNotTowardsRevoked,

  // --- Of the moment: a later one may be better ------------------------------

  // A source that speaks for the slot shows something else, or shows the same
  // under another's name.
  kSourceSaysOtherwise,
  // No source shows it now.
  kNotShownNow,
  // Sources show more than one new certificate in the slot.
  kSeveralNew,
  // A source has not been asked since the start. Silence is never agreement.
  kNotAllAsked,
  // The slot has been changed without people within the hour, or four times
  // within a day.
  kTooOften,
  // The clock jumped.
  kClockSuspect,
  // What trustd remembers of its record has not been compared with it since the
  // start.
  kRecordNotChecked,

  // --- Of the catalogs: nobody may --------------------------------------------

  // CheckSuccessor() refuses it.
  kNotASuccessor,

  kMaxValue = kNotASuccessor,
};

// Returns the stable name, such as "NOT_SELF_SIGNED".
std::string_view NameOf(GateReason reason);

// Whether a later moment alone may lift it.
bool MayPass(GateReason reason);

// Of a Status that this file made; else nullopt.
std::optional<GateReason> GateReasonOf(const absl::Status& status);

// What speaks against a certificate's coming into use in a slot without people,
// in the step from `before` to `after`; where that is not made yet, both are the
// catalog. Empty: nothing.
struct Objection {
  GateReason reason;
  // For people.
  std::string why;
};
std::vector<Objection> ObjectionsTo(
    const anchors::CatalogCertificate& certificate, const verify::Slot& slot,
    const anchors::Catalog& before, const anchors::Catalog& after,
    absl::Time now);

// The newest look of one source.
struct SourceLook {
  const Observation* look = nullptr;
  // Whether it cannot be read since, or is not to be relied on: then it can
  // contradict, and shows nothing.
  bool is_doubtful = false;
  // Sources of one family count once: one is fed by the other.
  std::string family;
};

// What is known at the moment of publication.
struct Situation {
  absl::Time now;
  std::vector<SourceLook> looks = {};
  // Whether every source was asked since the start, or failed.
  bool all_asked = true;
  // Whether the clock is not to be relied on.
  bool clock_is_suspect = false;
  // Whether what is known of rotations and approvals is what the record says,
  // and not only what a checkpoint says.
  bool record_checked = true;
  // How long ago each slot was changed without people, by the steady clock.
  std::map<verify::Slot, std::vector<absl::Duration>> automatic = {};
  // How many people must approve.
  int approvals = 1;
  // How long a key that is replaced verifies on (ApplyOptions).
  absl::Duration overlap = absl::ZeroDuration();
};

// SHA-256, lower-case hex, over what a step does in one slot: its anchors before
// and after with all certificates, and the overlap. The moment at which it is
// done has no part in it.
std::string EffectSha256(const anchors::Catalog& before,
                         const anchors::Catalog& after,
                         const verify::Slot& slot, absl::Duration overlap);

// Judges what a step does in one slot without people. Returns how many families
// of sources show everything that it brings, or what speaks against it.
absl::StatusOr<int> JudgeAutomatic(const anchors::Catalog& before,
                                   const anchors::Catalog& after,
                                   const verify::Slot& slot,
                                   const Situation& situation);

// Why a slot may change.
struct Ground {
  verify::Slot slot;
  // The people who approved, and what: EffectSha256(). Nobody: the policy did.
  std::set<std::string> approvers = {};
  std::string effect_sha256 = {};
  // One person revokes or retires: nobody waits in the safe direction.
  bool is_safe = false;
};

struct Step {
  const anchors::Catalog& before;
  // With its sequence and time.
  anchors::Catalog after;
  // One for each slot that differs.
  std::vector<Ground> grounds = {};
  // What CheckSuccessor() may let back into use.
  std::vector<anchors::ReactivatedKey> reactivated = {};
};

// A catalog that may be published.
class Admitted {
 public:
  const anchors::Catalog& catalog() const { return catalog_; }

 private:
  friend absl::StatusOr<Admitted> Admit(Step step, const Situation& situation);
  // Of tests that are about publishing.
  friend class AdmittedForTests;

  explicit Admitted(anchors::Catalog catalog) : catalog_(std::move(catalog)) {}

  anchors::Catalog catalog_;
};

// Fails with FAILED_PRECONDITION and a GateReason.
absl::StatusOr<Admitted> Admit(Step step, const Situation& situation);

// The slots in which two catalogs differ, in order.
std::vector<verify::Slot> ChangedSlots(const anchors::Catalog& before,
                                       const anchors::Catalog& after);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ROTATION_GATE_H_
