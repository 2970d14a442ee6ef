// Every way in which lists of producers and images refuse something that is
// well-formed, as one closed list: a step from one list to the next, and a
// manifest that is judged by them. What is not well-formed has a
// verify::Reason, and what is wrong with a manifest's signature one of
// verify/image.
//
//   auto verdict = JudgeManifest(bundle, lists, {});
//   if (auto reason = ListingReasonOf(verdict.status())) Count(NameOf(*reason));
//
// A reason's NAME is API: it keeps its meaning for ever and is never reused.
// The text beside the name is for people: it may change, so never parse it.

#ifndef ANCHORAGE_ANCHORS_IMAGES_LISTING_ERROR_H_
#define ANCHORAGE_ANCHORS_IMAGES_LISTING_ERROR_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace anchorage::anchors {

enum class ListingReason {
  // --- What must not follow (FAILED_PRECONDITION) --------------------------

  // A REVOKED producer is gone.
  kProducerLost,
  // A REVOKED producer has another status.
  kProducerRevokedUndone,
  // A key of a REVOKED producer is that of another one, or was taken from it.
  kProducerKeyReused,
  // An image is gone, and no floor is above its version.
  kImageLost,
  // What identifies an image has changed: product, version, producer, digests,
  // chunks, or the time at which it was received.
  kImageChanged,
  // A WITHDRAWN image has another status.
  kWithdrawnUndone,
  // A disk or an image id that was once named is gone or has changed.
  kLocationLost,
  // A floor is gone or lower.
  kFloorLowered,
  // The list has what only a newer program knows.
  kListingUnknown,

  // --- A manifest (PERMISSION_DENIED) --------------------------------------

  // Its producer signs no more, and the index does not list it.
  kProducerRetired,
  // Its producer is revoked, and the index does not list it.
  kProducerRevoked,
  // Its producer may not sign manifests of its product.
  kProductNotOfProducer,
  // The index says that it must not be used.
  kImageWithdrawn,
  // Its version is below the floor of its product.
  kVersionBelowFloor,
  // The index lists it with another product, version or producer.
  kListingDiffers,
  // It says that it was made after the time at which it is judged.
  kManifestFromTheFuture,

  // --- A disk (UNAUTHENTICATED) --------------------------------------------

  // No listed image has that disk.
  kImageUnknown,

  kMaxValue = kImageUnknown,
};

// Returns a non-OK status that carries `reason` for machines and `detail` for
// people: it may contain what others wrote, so it is made one line by
// verify::Printable().
absl::Status RefusedByListing(ListingReason reason, std::string_view detail);

// Returns the reason that RefusedByListing() put in `status`; nullopt for an OK
// status and for a status that it did not make.
std::optional<ListingReason> ListingReasonOf(const absl::Status& status);

// Returns the stable name, such as "IMAGE_WITHDRAWN".
std::string_view NameOf(ListingReason reason);

// Returns all reasons, in the order of the list.
absl::Span<const ListingReason> AllListingReasons();

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_IMAGES_LISTING_ERROR_H_
