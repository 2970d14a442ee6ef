// Whether this very program verifies as it should: what AWS really made is
// accepted, and each change of it refused for its reason.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_SELFTEST_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_SELFTEST_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "verify/anchor_set.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/identity/identity_verifier.h"

namespace anchorage::trustctl {

// What is tested; by default, what everything else in this program calls.
struct Verifiers {
  std::function<absl::Status(const verify::IdentityEvidence&,
                             const verify::AnchorSet&,
                             const verify::IdentityPolicy&, absl::Time)>
      identity;
  std::function<absl::Status(std::string_view, const verify::AnchorSet&,
                             const verify::EnclavePolicy&, absl::Time)>
      enclave;
  std::function<absl::Status(std::string_view, const verify::AnchorSet&,
                             const verify::NitroTpmPolicy&, absl::Time)>
      nitro_tpm;
};
Verifiers ThisProgramsVerifiers();

// Evidence of AWS, with when it was made.
struct SelftestIdentity {
  std::string name;
  verify::IdentityForm form;
  std::string document;
  // As base64.
  std::string signature;
  std::string region;
  std::string account;
  absl::Time at;
  // Not what AWS signed.
  bool forged = false;
};
struct SelftestDocument {
  std::string name;
  std::string bytes;
  bool is_tpm = false;
  bool is_debug = false;
  absl::Time at;
};
struct SelftestVectors {
  std::vector<SelftestIdentity> identities;
  std::vector<SelftestDocument> documents;
};
// Those that are built in.
SelftestVectors BuiltInVectors();

struct SelftestGroup {
  std::string name;
  int cases = 0;
  // What was not as it should be, one sentence each; the first few.
  std::vector<std::string> failures;
  int failed = 0;
};

// Runs everything, with the Nitro roots and certificates in `anchors`.
std::vector<SelftestGroup> RunSelftest(const Verifiers& verifiers,
                                       const SelftestVectors& vectors,
                                       const verify::AnchorSet& anchors);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_SELFTEST_H_
