// Everything that one verification of an identity document depends on.

#ifndef ANCHORAGE_TEST_ATTACKS_IDENTITY_CASE_H_
#define ANCHORAGE_TEST_ATTACKS_IDENTITY_CASE_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "test/attacks/attack.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/pkcs7_writer.h"
#include "verify/anchor_set.h"
#include "verify/identity/identity_evidence.h"
#include "verify/identity/identity_policy.h"
#include "verify/identity/identity_verifier.h"
#include "verify/identity/replay_ledger.h"

namespace anchorage::test {

// As it is made, it is accepted. A row changes one thing.
struct IdentityCase {
  // Another region's document and keys.
  void UseRegion(std::string_view name);
  void UsePolicy(std::function<void(verify::IdentityPolicy::Builder&)> say);
  // Changes the one SignerInfo.
  void EditSigner(std::function<void(SignerSpec&)> edit_signer);
  // Re-keys the slot of region and form, in AWS and in the anchors.
  void UseKey(const TestKey& key);
  verify::AnchorKind kind() const { return verify::AnchorKindOf(form); }
  // The anchor of the slot of region and form.
  verify::AnchorRecord& anchor();

  FakeIdentity aws;
  std::string region = "us-east-1";
  verify::IdentityForm form = verify::IdentityForm::kRsa2048;
  Era era = Era::k2026;

  // What AWS signs: the fields, as text, edited.
  DocumentFields fields = aws.Document(region);
  std::function<std::string(std::string)> edit_text;
  // Applied to the PKCS #7 before it is encoded.
  std::function<void(Pkcs7Spec&)> edit;
  // Applied to the signature's bytes.
  std::function<std::string(std::string)> edit_bytes;
  // Applied to the base64 in which the verifier gets them.
  std::function<std::string(std::string)> edit_base64;
  // The document beside the signature; the signed one by default for
  // kSignature, none for the others.
  std::optional<std::string> beside;
  // Reads the signature as if it were of this form.
  std::optional<verify::IdentityForm> present_as;

  std::vector<verify::AnchorRecord> anchors = GenuineAnchors();
  verify::AnchorProvenance provenance;
  absl::Time now = FakeNow();
  bool recorded = false;
  // A policy that cannot be built is the answer.
  absl::StatusOr<verify::IdentityPolicy> policy =
      verify::IdentityPolicy::AuthenticityOnly("the attack is elsewhere");

  std::optional<verify::ReplayMode> replay;
  std::string binding = "mine";
  std::size_t ledger_entries = 16;
  // What was shown before, to the same ledger: each must be accepted.
  std::vector<std::function<void(IdentityCase&)>> before;

 private:
  static const std::vector<verify::AnchorRecord>& GenuineAnchors();
};

using IdentityAttack = Attack<IdentityCase>;

// Returns what the verifier says.
absl::StatusOr<verify::VerifiedIdentity> Judge(const IdentityCase& c);

// The tables.
std::vector<IdentityAttack> Pkcs7Attacks();
std::vector<IdentityAttack> SignatureAttacks();
std::vector<IdentityAttack> AnchorAttacks();
std::vector<IdentityAttack> JsonAttacks();
std::vector<IdentityAttack> IdentityPolicyAttacks();

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_ATTACKS_IDENTITY_CASE_H_
