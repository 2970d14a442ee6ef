// The one gate for every change of what is trusted: admission.
//
//   auto admitted = Admit({.before = served, .after = next,
//                          .grounds = {{.slot = slot}}}, situation);
//   if (!admitted.ok()) ... GateReasonOf(admitted.status())
//   publisher.Prepare(*admitted, now);
//
// Only this makes an Admitted, and a publication can be prepared from nothing
// else. It judges from scratch, at the moment of publication: from the bytes of
// what comes into use, the catalog before, what sources show now, and the
// people who decided on exactly this. Nothing that was concluded about a change
// before matters: a change carries what held it when it was found, and a later
// observation can judge the same certificate differently.
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

// The limits for changes of one slot without people. Both go by the steady
// clock.
inline constexpr absl::Duration kBetweenAutomatic = absl::Hours(1);
inline constexpr std::size_t kMaxAutomaticADay = 4;

// What speaks against a step. A reason's name is API: it keeps its meaning for
// ever and is never reused.
enum class GateReason {
  // --- About a certificate: people may lift what CheckSuccessor() allows ----

  // Its own key has not signed it: otherwise whoever changes a page could put
  // new dates on AWS's key.
  kNotSelfSigned,
  // Its validity begins more than a day from now.
  kFromTheFuture,
  // Its key is RETIRED or REVOKED in the slot.
  kKeyIsOver,
  // Its key is REVOKED in another slot.
  kKeyRevokedElsewhere,
  // It begins no later than another certificate of the key, and was not in use
  // in the slot before: a stale copy.
  kNotLater,
  // It is in use in another slot, and the two slots had no certificate in
  // common before: somebody put one region's certificate under another's name.
  kInUseElsewhere,
  // It has the to-be-signed bytes of another certificate of the key.
  kSameCertificate,
  // It cannot be read.
  kUnreadable,

  // --- About the step: people decide ----------------------------------------

  // It adds nothing, but takes something away, or changes a status or window.
  kTakesAway,
  // Too few people have approved exactly this.
  kApprovalsMissing,
  // People approved it, but it would do something else now.
  kNotWhatWasApproved,
  // One person alone may go towards REVOKED, and this does not.
  kNotTowardsRevoked,

  // --- About the moment: a later one may be better ---------------------------

  // A source that speaks for the slot shows something else, or shows the same
  // under another's name.
  kSourceSaysOtherwise,
  // No source shows it now.
  kNotShownNow,
  // Sources show more than one new certificate in the slot.
  kSeveralNew,
  // A source has not been polled since the start. Silence is never agreement.
  kNotAllAsked,
  // The slot has been changed without people within the hour, or four times
  // within a day.
  kTooOften,
  // The clock jumped.
  kClockSuspect,
  // What a checkpoint says has not been compared with the record since the
  // start.
  kRecordNotChecked,

  // --- About the catalogs: nobody may decide otherwise ----------------------

  // CheckSuccessor() refuses it.
  kNotASuccessor,

  kMaxValue = kNotASuccessor,
};

// Returns the stable name, such as "NOT_SELF_SIGNED".
std::string_view NameOf(GateReason reason);

// Whether the mere passing of time may lift it.
bool MayPass(GateReason reason);

// Returns the reason in a Status that this file made; otherwise nullopt.
std::optional<GateReason> GateReasonOf(const absl::Status& status);

// Returns what speaks against a certificate's coming into use in a slot without
// people, in the step from `before` to `after`; if that step is not made yet,
// both are the catalog. Empty: nothing.
struct Objection {
  GateReason reason;
  // For people.
  std::string why;
};
std::vector<Objection> ObjectionsTo(
    const anchors::CatalogCertificate& certificate, const verify::Slot& slot,
    const anchors::Catalog& before, const anchors::Catalog& after,
    absl::Time now);

// The newest observation of one source.
struct SourceLook {
  const Observation* look = nullptr;
  // Whether its last poll failed, or it is doubted (the third anomaly of a kind
  // in a day): then it can contradict, but shows nothing.
  bool is_doubtful = false;
  // The name of the source's family. Sources of one family count once, because
  // one feeds the other.
  std::string family;
};

// What is known at the moment of publication.
struct Situation {
  absl::Time now;
  std::vector<SourceLook> looks = {};
  // Whether every source has answered or failed since the start.
  bool all_asked = true;
  // Whether the clock cannot be relied on.
  bool clock_is_suspect = false;
  // Whether what is known about rotations and approvals comes from the record,
  // and not only from a checkpoint.
  bool record_checked = true;
  // How long ago each slot was changed without people, by the steady clock.
  std::map<verify::Slot, std::vector<absl::Duration>> automatic = {};
  // How many people must approve.
  int approvals = 1;
  // How long a key that is replaced keeps verifying (ApplyOptions).
  absl::Duration overlap = absl::ZeroDuration();
};

// SHA-256, lower-case hex, over what a step does in one slot: its anchors before
// and after with all certificates, and the overlap. It does not depend on the
// time of the step.
std::string EffectSha256(const anchors::Catalog& before,
                         const anchors::Catalog& after,
                         const verify::Slot& slot, absl::Duration overlap);

// Judges what a step does in one slot without people. Returns how many families
// of sources show everything that it adds, or what speaks against it.
absl::StatusOr<int> JudgeAutomatic(const anchors::Catalog& before,
                                   const anchors::Catalog& after,
                                   const verify::Slot& slot,
                                   const Situation& situation);

// Why a slot may change.
struct Ground {
  verify::Slot slot;
  // The people who approved, and the EffectSha256() that they approved. Nobody:
  // the policy decided.
  std::set<std::string> approvers = {};
  std::string effect_sha256 = {};
  // One person revokes or retires: nobody waits in the safe direction.
  bool is_safe = false;
};

struct Step {
  const anchors::Catalog& before;
  // The next catalog, with its sequence and time.
  anchors::Catalog after;
  // One ground for each slot that differs.
  std::vector<Ground> grounds = {};
  // The keys that CheckSuccessor() may let back into use.
  std::vector<anchors::ReactivatedKey> reactivated = {};
};

// A catalog that may be published.
class Admitted {
 public:
  const anchors::Catalog& catalog() const { return catalog_; }

 private:
  friend absl::StatusOr<Admitted> Admit(Step step, const Situation& situation);
  // For tests of publishing.
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
