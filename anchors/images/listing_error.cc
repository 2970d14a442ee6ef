#include "anchors/images/listing_error.h"

#include "verify/typed_error.h"

namespace anchorage::anchors {
namespace {

struct Row {
  ListingReason value;
  std::string_view name;
  absl::StatusCode code;
};

constexpr absl::StatusCode kNotNext = absl::StatusCode::kFailedPrecondition;
constexpr absl::StatusCode kRefused = absl::StatusCode::kPermissionDenied;

constexpr Row kRows[] = {
    {ListingReason::kProducerLost, "PRODUCER_LOST", kNotNext},
    {ListingReason::kProducerRevokedUndone, "PRODUCER_REVOKED_UNDONE",
     kNotNext},
    {ListingReason::kProducerKeyReused, "PRODUCER_KEY_REUSED", kNotNext},
    {ListingReason::kImageLost, "IMAGE_LOST", kNotNext},
    {ListingReason::kImageChanged, "IMAGE_CHANGED", kNotNext},
    {ListingReason::kWithdrawnUndone, "WITHDRAWN_UNDONE", kNotNext},
    {ListingReason::kLocationLost, "LOCATION_LOST", kNotNext},
    {ListingReason::kFloorLowered, "FLOOR_LOWERED", kNotNext},
    {ListingReason::kListingUnknown, "LISTING_UNKNOWN", kNotNext},
    {ListingReason::kProducerRetired, "PRODUCER_RETIRED", kRefused},
    {ListingReason::kProducerRevoked, "PRODUCER_REVOKED", kRefused},
    {ListingReason::kProductNotOfProducer, "PRODUCT_NOT_OF_PRODUCER", kRefused},
    {ListingReason::kImageWithdrawn, "IMAGE_WITHDRAWN", kRefused},
    {ListingReason::kVersionBelowFloor, "VERSION_BELOW_FLOOR", kRefused},
    {ListingReason::kListingDiffers, "LISTING_DIFFERS", kRefused},
    {ListingReason::kManifestFromTheFuture, "MANIFEST_FROM_THE_FUTURE",
     kRefused},
    {ListingReason::kImageUnknown, "IMAGE_UNKNOWN",
     absl::StatusCode::kUnauthenticated},
};

constexpr char kPayload[] = "anchorage.dev/listing-reason";

using ListingErrors = verify::TypedErrors<kRows, kPayload>;

}  // namespace

absl::Status RefusedByListing(ListingReason reason, std::string_view detail) {
  return ListingErrors::Make(reason, detail);
}

std::optional<ListingReason> ListingReasonOf(const absl::Status& status) {
  return ListingErrors::ReasonOf(status);
}

std::string_view NameOf(ListingReason reason) {
  return ListingErrors::NameOf(reason);
}

absl::Span<const ListingReason> AllListingReasons() {
  return ListingErrors::All();
}

}  // namespace anchorage::anchors
