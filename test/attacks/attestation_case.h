// Everything that one verification of an attestation document depends on.

#ifndef ANCHORAGE_TEST_ATTACKS_ATTESTATION_CASE_H_
#define ANCHORAGE_TEST_ATTACKS_ATTESTATION_CASE_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "test/attacks/attack.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/fake_nitro.h"
#include "verify/anchor_set.h"
#include "verify/attestation/attestation_policy.h"
#include "verify/attestation/attestation_verifier.h"

namespace anchorage::test {

// As it is made, it is accepted. A row changes one thing.
struct AttestationCase {
  // Makes the case a NitroTPM document for a NitroTPM verifier.
  void UseTpm();
  // Genuine evidence of another type than the verifier's.
  void SendTpmDocument() { spec = aws.Genuine(NitroType::kTpm); }
  void UsePolicy(std::function<void(verify::EnclavePolicy::Builder&)> say);
  void UseTpmPolicy(std::function<void(verify::NitroTpmPolicy::Builder&)> say);

  CertSpec& root() { return spec.chain[kRoot]; }
  CertSpec& regional() { return spec.chain[kRegional]; }
  CertSpec& zonal() { return spec.chain[kZonal]; }
  CertSpec& instance() { return spec.chain[kInstance]; }
  CertSpec& leaf() { return spec.chain[kLeaf]; }
  DocumentSpec& document() { return spec.document; }
  CoseSpec& cose() { return spec.cose; }

  FakeNitro aws;
  NitroSpec spec = aws.Genuine(NitroType::kEnclave);
  // In place of what `spec` encodes.
  std::optional<std::string> bytes;

  std::vector<verify::AnchorRecord> anchors = {aws.RootAnchor()};
  verify::AnchorProvenance provenance;
  absl::Time now = FakeNow();
  // Judge it as recorded evidence of this time, in place of live at `now`.
  std::optional<verify::RecordedTime> recorded;
  // The genuine document was verified before, with the cache that is used now.
  bool cache_is_warm = false;

  bool verify_as_tpm = false;
  // A policy that cannot be built is the answer.
  absl::StatusOr<verify::EnclavePolicy> enclave_policy =
      verify::EnclavePolicy::Builder()
          .AuthenticityOnly("the attack is elsewhere")
          .Build();
  absl::StatusOr<verify::NitroTpmPolicy> tpm_policy =
      verify::NitroTpmPolicy::Builder()
          .AuthenticityOnly("the attack is elsewhere")
          .Build();
};

using AttestationAttack = Attack<AttestationCase>;

// Returns what the verifier says.
absl::Status Judge(const AttestationCase& c);

// The tables.
std::vector<AttestationAttack> CoseAttacks();
std::vector<AttestationAttack> CborAttacks();
std::vector<AttestationAttack> ChainAttacks();
std::vector<AttestationAttack> CertificateAttacks();
std::vector<AttestationAttack> DocumentAttacks();
std::vector<AttestationAttack> FreshnessAttacks();
std::vector<AttestationAttack> AttestationPolicyAttacks();

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_ATTACKS_ATTESTATION_CASE_H_
