// How a call's failure becomes a gRPC status: the one place for this mapping.

#ifndef ANCHORAGE_TRUSTD_RPC_RPC_STATUS_H_
#define ANCHORAGE_TRUSTD_RPC_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <map>
#include <string>
#include <string_view>

namespace anchorage::trustd {

// The reasons of failed calls, as the services' files document them. A verdict
// on evidence is never one of these.
inline constexpr std::string_view kNoBundleYet = "NO_BUNDLE_YET";
inline constexpr std::string_view kRequestInvalid = "REQUEST_INVALID";
inline constexpr std::string_view kPageTokenInvalid = "PAGE_TOKEN_INVALID";
inline constexpr std::string_view kCatalogChanged = "CATALOG_CHANGED";
inline constexpr std::string_view kTooManyWatchers = "TOO_MANY_WATCHERS";
inline constexpr std::string_view kShuttingDown = "SHUTTING_DOWN";
inline constexpr std::string_view kNameMissing = "NAME_MISSING";
inline constexpr std::string_view kNameUnknown = "NAME_UNKNOWN";
inline constexpr std::string_view kCertificateNotPinned =
    "CERTIFICATE_NOT_PINNED";
inline constexpr std::string_view kRoleInsufficient = "ROLE_INSUFFICIENT";
inline constexpr std::string_view kPersonRequired = "PERSON_REQUIRED";
inline constexpr std::string_view kRotationNotFound = "ROTATION_NOT_FOUND";
inline constexpr std::string_view kRotationChanged = "ROTATION_CHANGED";
inline constexpr std::string_view kNotDecidable = "NOT_DECIDABLE";
inline constexpr std::string_view kAnchorNotFound = "ANCHOR_NOT_FOUND";
inline constexpr std::string_view kNotApplicable = "NOT_APPLICABLE";
inline constexpr std::string_view kSourceNotFound = "SOURCE_NOT_FOUND";
inline constexpr std::string_view kAlertNotFound = "ALERT_NOT_FOUND";
inline constexpr std::string_view kRecordNotFound = "RECORD_NOT_FOUND";
inline constexpr std::string_view kLedgerDamaged = "LEDGER_DAMAGED";
inline constexpr std::string_view kStoreUnavailable = "STORE_UNAVAILABLE";
inline constexpr std::string_view kStoreWentBack = "STORE_WENT_BACK";
inline constexpr std::string_view kBundleRefused = "BUNDLE_REFUSED";
inline constexpr std::string_view kTooManyRequests = "TOO_MANY_REQUESTS";
inline constexpr std::string_view kNoProducers = "NO_PRODUCERS";
inline constexpr std::string_view kProductNotAllowed = "PRODUCT_NOT_ALLOWED";
inline constexpr std::string_view kManifestsFull = "MANIFESTS_FULL";
inline constexpr std::string_view kManifestOfAnother = "MANIFEST_OF_ANOTHER";
inline constexpr std::string_view kVersionTooHigh = "VERSION_TOO_HIGH";
inline constexpr std::string_view kManifestNotFound = "MANIFEST_NOT_FOUND";
inline constexpr std::string_view kImageNotFound = "IMAGE_NOT_FOUND";

// Returns a status whose trailer carries `reason` as an ErrorInfo of the domain
// `trustd.anchorage`, with `metadata`. `message` passes through
// verify::Printable(): it may quote what callers and sources said.
grpc::Status RpcError(grpc::StatusCode code, std::string_view reason,
                      const std::string& message,
                      const std::map<std::string, std::string>& metadata = {});

// INVALID_ARGUMENT and REQUEST_INVALID.
grpc::Status RequestError(const std::string& message);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RPC_RPC_STATUS_H_
