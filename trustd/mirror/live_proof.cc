#include "trustd/mirror/live_proof.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "verify/identity/identity_document.h"
#include "verify/identity/identity_evidence.h"
#include "verify/identity/identity_form.h"
#include "verify/identity/identity_policy.h"
#include "verify/identity/identity_verifier.h"
#include "verify/identity/pkcs7.h"
#include "verify/partition.h"
#include "verify/reason.h"

namespace anchorage::trustd {
namespace {

using verify::IdentityForm;
using verify::Reason;
using verify::Reject;

struct Decoded {
  IdentityForm form = IdentityForm::kRsa2048;
  std::string signature;
  std::optional<std::string_view> document;
};

const google::protobuf::FieldDescriptor* FieldOf(
    const verify::IdentityFormRow& row) {
  return v1::Evidence::descriptor()->FindFieldByName(std::string(row.field));
}

absl::StatusOr<Decoded> Decode(const v1::Evidence& evidence) {
  const auto* form = std::find_if(
      std::begin(verify::kIdentityForms), std::end(verify::kIdentityForms),
      [&](const auto& row) {
        return evidence.GetReflection()->HasField(evidence, FieldOf(row));
      });
  if (form == std::end(verify::kIdentityForms)) {
    return Reject(Reason::kFieldMissing, "no signature");
  }
  Decoded decoded;
  decoded.form = form->form;
  auto signature = verify::DecodeIdentitySignature(
      decoded.form,
      evidence.GetReflection()->GetString(evidence, FieldOf(*form)));
  if (!signature.ok()) return signature.status();
  decoded.signature = *std::move(signature);
  if (!evidence.document().empty()) decoded.document = evidence.document();
  return decoded;
}

}  // namespace

absl::StatusOr<ClaimedEvidence> ReadEvidence(const v1::Evidence& evidence) {
  const auto decoded = Decode(evidence);
  if (!decoded.ok()) return decoded.status();
  ClaimedEvidence claimed;
  std::string document(decoded->document.value_or(""));
  if (verify::RowOf(decoded->form).carries_document()) {
    const auto pkcs7 = verify::ParsePkcs7(decoded->signature);
    if (!pkcs7.ok()) return pkcs7.status();
    document = std::string(pkcs7->content);
    claimed.signer_serial = absl::BytesToHexString(
        absl::string_view(pkcs7->serial.data(), pkcs7->serial.size()));
  } else if (document.empty()) {
    return Reject(Reason::kFieldMissing,
                  "the bare signature needs its document");
  }
  const auto scanned = verify::ScanIdentityDocument(document);
  if (!scanned.ok()) return scanned.status();
  const auto typed = scanned->ToDocument();
  if (!typed.ok()) return typed.status();
  claimed.slot.region = typed->region;
  claimed.slot.partition =
      std::string(verify::PartitionOfRegion(typed->region));
  claimed.slot.kind = verify::AnchorKindOf(decoded->form);
  claimed.instance_id = typed->instance_id;
  return claimed;
}

absl::StatusOr<std::string> SignerOf(const v1::Evidence& evidence,
                                     const anchors::Catalog& catalog,
                                     absl::Time now) {
  const auto decoded = Decode(evidence);
  if (!decoded.ok()) return decoded.status();
  verify::AnchorProvenance provenance;
  provenance.origin = verify::Origin::kFile;
  const auto set = anchors::ToAnchorSet(catalog, provenance);
  if (!set.ok()) return set.status();
  const auto policy = verify::IdentityPolicy::AuthenticityOnly(
      "live proof is about AWS's key, whoever's the instance is");
  if (!policy.ok()) return policy.status();
  const auto verified = verify::VerifyRecordedIdentity(
      {decoded->document, decoded->form, decoded->signature}, **set, *policy,
      now);
  if (!verified.ok()) return verified.status();
  return verified->anchor_spki_sha256();
}

}  // namespace anchorage::trustd
