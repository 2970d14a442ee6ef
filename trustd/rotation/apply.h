// What follows from a change: the next catalog.
//
//   auto next = Apply(catalog, change, {.time = now});
//   if (!next.ok()) return next.status();
//   next->sequence = ...;   // the publisher's, with `created`
//
// These functions do what was decided, whoever decided; rotation_policy.h and
// people decide whether to. Each returns a whole catalog for which
// CheckCatalog() is OK, or an error. Anchors stay in the catalog: they end as
// RETIRED or REVOKED. Sequence, creation time and hint stay as they were.
//
// Errors are FAILED_PRECONDITION where the catalog is not what the change was
// found against or was read with anchors left out (Catalog::skipped), or an
// anchor's status does not allow it; NOT_FOUND for an anchor that is not
// there; INVALID_ARGUMENT for what cannot be applied; and those of
// CheckCatalog().
//
// Pure: any number of threads may call at once.

#ifndef ANCHORAGE_TRUSTD_ROTATION_APPLY_H_
#define ANCHORAGE_TRUSTD_ROTATION_APPLY_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "trustd/rotation/change.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {

// How long AWS may go on signing with the key that a new one replaces, by
// default. What it signed until then keeps verifying.
inline constexpr absl::Duration kDefaultOverlap = absl::Hours(90 * 24);

struct ApplyOptions {
  // The time of the decision; cut to whole seconds.
  absl::Time time;
  absl::Duration overlap = kDefaultOverlap;
  // For AddAnchor(): whether a new key becomes ANNOUNCED; otherwise it becomes
  // ACTIVE.
  bool announce = false;
};

// Returns the catalog with a change in it.
//
//   re-issue              the new certificates are the anchor's, and those that
//                         the source no longer has are superseded; one that was
//                         superseded and is shown again is in use again
//   new region or kind    a new anchor
//   re-key, other algorithm  a new anchor that `replaces` the one before; each
//                         ACTIVE one whose key the source no longer has becomes
//                         RETIRING, until `time` + `overlap` or its own earlier
//                         end. `valid_from` stays unset: AWS signs an unchanged
//                         document again with the new key
//   removal               the ACTIVE anchors become RETIRING
//   addition              as AddAnchor()
//   announcement          as AddAnchor() with `announce`
//   reactivation          as Reactivate()
//   undo                  Reactivate() of the keys that were replaced, and
//                         Retire() or Revoke() of those that came instead
//
// What `change` names as new but the catalog already has changes nothing, so
// applying twice is the same as applying once. An anomaly cannot be applied; a
// certificate over a RETIRED or REVOKED key is refused. Where an anchor has no
// room left for a certificate, superseded ones that no person added are
// dropped, those that began first before others, but never a Nitro root's:
// attestation documents carry it.
absl::StatusOr<anchors::Catalog> Apply(const anchors::Catalog& catalog,
                                       const Change& change,
                                       const ApplyOptions& options);

// Adds a certificate on a person's behalf: to the anchor with its key, or as a
// new anchor. Replaces and supersedes nothing; a superseded certificate comes
// into use again, and an ANNOUNCED key becomes ACTIVE. With `announce` the key is
// to come: FAILED_PRECONDITION if it is there in any other status. For a RETIRED
// key, use Reactivate().
absl::StatusOr<anchors::Catalog> AddAnchor(
    const anchors::Catalog& catalog, const verify::Slot& slot, std::string der,
    const anchors::Publication& publication, const ApplyOptions& options);

// Makes a RETIRED or RETIRING anchor ACTIVE, without a window. The only way
// back.
absl::StatusOr<anchors::Catalog> Reactivate(const anchors::Catalog& catalog,
                                            const verify::Slot& slot,
                                            std::string_view spki_sha256);

// When a key retires; cut to whole seconds.
struct RetireTimes {
  // The key verifies evidence that was made until this time; nullopt: until
  // `accept_until`.
  std::optional<absl::Time> until = std::nullopt;
  // After this time the key verifies nothing, whenever it was made; nullopt:
  // until people retire it.
  std::optional<absl::Time> accept_until = std::nullopt;
};

// With either time, an ACTIVE anchor becomes RETIRING, and a RETIRING one ends
// no later than before; INVALID_ARGUMENT for an `accept_until` before `until`.
// Without times, any anchor but a REVOKED one becomes RETIRED. Not for a key
// that may be in other hands: use Revoke().
absl::StatusOr<anchors::Catalog> Retire(const anchors::Catalog& catalog,
                                        const verify::Slot& slot,
                                        std::string_view spki_sha256,
                                        const RetireTimes& times);

// Returns the other slots in which a key is neither REVOKED nor RETIRED, in
// order.
std::vector<verify::Slot> SlotsSharing(const anchors::Catalog& catalog,
                                       const verify::Slot& slot,
                                       std::string_view spki_sha256);

// Makes an anchor REVOKED, from any status.
absl::StatusOr<anchors::Catalog> Revoke(const anchors::Catalog& catalog,
                                        const verify::Slot& slot,
                                        std::string_view spki_sha256);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ROTATION_APPLY_H_
