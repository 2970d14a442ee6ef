// The names that AWS gives modules, leaves and the authorities above them.
//
//   module   i-0123456789abcdef0-enc0123456789abcdef (or -tpm…)
//   leaf     i-0123456789abcdef0-enc0123456789abcdef.us-east-1.aws
//   instance i-0123456789abcdef0.us-east-1.aws.nitro-enclaves
//   zonal    0123456789abcdef.zonal.us-east-1.aws.nitro-enclaves
//   regional 0123456789abcdef.us-east-1.aws.nitro-enclaves
//
// Pure. Views live as long as what they were made from.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_MODULE_NAME_H_
#define ANCHORAGE_VERIFY_ATTESTATION_MODULE_NAME_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "verify/attestation/chain.h"

namespace anchorage::verify {

// Returns the instance id that `module_id` begins with; empty if it does not
// begin with one.
std::string_view InstanceIdOf(std::string_view module_id);

// Returns the region in the leaf's common name, which must be `module_id`, a
// dot, the region, and ".aws". Fails with kLeafName.
absl::StatusOr<std::string_view> RegionOfLeaf(const Certificate& leaf,
                                              std::string_view module_id);

// Checks that no authority of `chain` stands outside of its place: one whose
// name says a region or an instance may only stand above leaves of that
// region and instance. So the key of one instance's or region's authority,
// stolen, makes no documents of another. Names of another form say nothing.
// Fails with kLeafName and the authority's index.
absl::Status CheckAuthorityNames(const VerifiedChain& chain,
                                 std::string_view module_id,
                                 std::string_view region);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_MODULE_NAME_H_
