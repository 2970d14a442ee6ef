// The names that AWS gives modules, leaves and the authorities above them, in
// each partition (verify/partition.h).
//
//   module   i-0123456789abcdef0-enc0123456789abcdef (or -tpm…)
//   leaf     i-0123456789abcdef0-enc0123456789abcdef.us-east-1.aws
//   instance i-0123456789abcdef0.us-east-1.aws.nitro-enclaves
//   zonal    0123456789abcdef.zonal.us-east-1.aws.nitro-enclaves
//   regional 0123456789abcdef.us-east-1.aws.nitro-enclaves
//
// AWS documents none of them, and none of its steps of verification asks for
// one. So a name in one of these forms must fit, and one in no known form says
// nothing: then there is no region, or no instance, which is not the same as an
// empty one.
//
// Pure. Views live as long as what they were made from.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_MODULE_NAME_H_
#define ANCHORAGE_VERIFY_ATTESTATION_MODULE_NAME_H_

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "verify/attestation/chain.h"

namespace anchorage::verify {

// What a chain's names say about the module that it ends at.
struct ModulePlace {
  // The region in the leaf's name, which is one of the root's partition;
  // nullopt where that name is in no known form.
  std::optional<std::string_view> region;
  // The instance that the module id begins with; nullopt where it begins with
  // none.
  std::optional<std::string_view> instance_id;
  // The authority nearest to the root whose name is in no known form, counted
  // from the leaf as in CertificateIndexOf(); 0 where there is none.
  int unknown_authority = 0;
};

// Returns the instance id that `module_id` begins with; nullopt if it does not
// begin with one.
std::optional<std::string_view> InstanceIdOf(std::string_view module_id);

// Returns where the module of `chain` runs, as far as the names say.
//
// Fails with kLeafName and the certificate's index for a name that is in a
// known form and does not fit:
//  - the leaf's must be of `module_id`, and of a region of the partition that
//    its root is pinned for;
//  - an authority's must be of the same partition and region, and one that
//    names an instance may only stand above leaves of that instance. So whoever
//    steals the key of one instance's or region's authority cannot make
//    documents that claim to be of another.
absl::StatusOr<ModulePlace> PlaceOfModule(const VerifiedChain& chain,
                                          std::string_view module_id);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_MODULE_NAME_H_
