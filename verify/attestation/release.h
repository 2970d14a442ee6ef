// Reference releases: the measurements of what a vendor has released, and
// whether each release is still good.
//
//   auto policy = EnclavePolicy::Builder()
//                     .ExpectRelease("signer", client.releases())
//                     .ExpectNonce(nonce)
//                     .IgnoreTheRest("the key comes over that channel")
//                     .Build();
//
// A list of releases says in one place, which a vendor signs and can change,
// what would otherwise have to stand in the policy of every verifier.
//
// Immutable values: any number of threads may use one at once.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_RELEASE_H_
#define ANCHORAGE_VERIFY_ATTESTATION_RELEASE_H_

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "verify/attestation/attestation_document.h"
#include "verify/attestation/pcr_set.h"

namespace anchorage::verify {

enum class ReleaseStatus {
  // Good within its window.
  kActive,
  // Was good; no longer accepted.
  kRetired,
  // Must not be trusted at any time. Overrides every other release with the
  // same measurements.
  kRevoked,
};
// Returns the stable name: "ACTIVE", "RETIRED", "REVOKED".
std::string_view NameOf(ReleaseStatus status);

// One build of a product.
struct Release {
  AttestationType type = AttestationType::kEnclave;
  std::string product;
  // Its version, such as "2.3.0".
  std::string name;
  PcrSet pcrs;
  ReleaseStatus status = ReleaseStatus::kActive;
  // The times of verification at which it is good, both included.
  absl::Time valid_from = absl::InfinitePast();
  absl::Time valid_until = absl::InfiniteFuture();
  // Whether its image may boot with additions (boot_extensions.h).
  bool allow_extensions = false;
};

// The releases of any number of products.
class ReleaseSet {
 public:
  explicit ReleaseSet(std::vector<Release> releases);

  // Sorted by type, product and name.
  absl::Span<const Release> releases() const { return releases_; }

  // Returns the releases of one product for one type of document, whatever
  // their status; empty if there are none.
  absl::Span<const Release> Of(AttestationType type,
                               std::string_view product) const;

  // Returns the active release of `product` whose PCRs these are and whose
  // window holds `at`; the first by name where there are several. Fails with
  // kReleaseRevoked if a revoked one has them, whatever the other releases
  // and its own window say; with kBootExtended if active ones have them but
  // something was added at boot that they say nothing of (boot_extensions.h),
  // which neither they nor `allow_extensions` allow; and otherwise with
  // kReleaseUnknown. The release lives as long as the set.
  absl::StatusOr<const Release*> Find(
      AttestationType type, std::string_view product,
      const std::array<std::string_view, kPcrCount>& pcrs, absl::Time at,
      bool allow_extensions = false) const;

 private:
  std::vector<Release> releases_;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_RELEASE_H_
