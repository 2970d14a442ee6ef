#include "test/attacks/identity_case.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace anchorage::test {
namespace {

using verify::AnchorSet;
using verify::IdentityForm;

struct Evidence {
  std::optional<std::string> document;
  std::string signature_text;
};

Evidence Make(const IdentityCase& c) {
  std::string document = c.fields.Text();
  if (c.edit_text) document = c.edit_text(document);
  Evidence out;
  std::string bytes;
  if (c.form == IdentityForm::kSignature) {
    out.document = document;
    bytes = c.aws.Signature(c.region, document);
  } else {
    Pkcs7Spec spec = c.aws.Genuine(c.region, c.kind(), document, c.era);
    if (c.edit) c.edit(spec);
    bytes = Encode(spec);
  }
  if (c.edit_bytes) bytes = c.edit_bytes(bytes);
  out.signature_text = Base64(bytes, 64);
  if (c.edit_base64) out.signature_text = c.edit_base64(out.signature_text);
  if (c.beside) out.document = c.beside;
  return out;
}

absl::StatusOr<verify::VerifiedIdentity> JudgeWith(
    const IdentityCase& c, verify::ReplayLedger& ledger) {
  if (!c.policy.ok()) return c.policy.status();
  const auto anchors = AnchorSet::Create(c.anchors, c.provenance);
  if (!anchors.ok()) return anchors.status();
  const Evidence evidence = Make(c);
  const IdentityForm form = c.present_as.value_or(c.form);
  const auto signature =
      verify::DecodeIdentitySignature(form, evidence.signature_text);
  if (!signature.ok()) return signature.status();
  const verify::IdentityEvidence views{evidence.document, form, *signature};
  if (c.recorded) {
    return verify::VerifyRecordedIdentity(views, **anchors, *c.policy, c.now);
  }
  if (!c.replay) {
    return verify::VerifyIdentity(views, **anchors, *c.policy, c.now);
  }
  const verify::ReplayCheck check{&ledger, *c.replay, c.binding};
  return verify::VerifyIdentity(views, **anchors, *c.policy, c.now, &check);
}

}  // namespace

void IdentityCase::UseRegion(std::string_view name) {
  region = name;
  fields = aws.Document(name);
}

void IdentityCase::UsePolicy(
    std::function<void(verify::IdentityPolicy::Builder&)> say) {
  verify::IdentityPolicy::Builder builder;
  say(builder);
  policy = builder.Build();
}

void IdentityCase::EditSigner(std::function<void(SignerSpec&)> edit_signer) {
  edit = [edit_signer](Pkcs7Spec& spec) { edit_signer(spec.signers[0]); };
}

void IdentityCase::UseKey(const TestKey& key) {
  aws.SetKey(region, kind(), key);
  anchor() = aws.Anchor(region, kind());
}

verify::AnchorRecord& IdentityCase::anchor() {
  const auto at = std::find_if(
      anchors.begin(), anchors.end(), [this](const verify::AnchorRecord& a) {
        return a.slot.region == region && a.slot.kind == kind();
      });
  if (at == anchors.end()) std::abort();
  return *at;
}

const std::vector<verify::AnchorRecord>& IdentityCase::GenuineAnchors() {
  static const auto* const anchors =
      new std::vector<verify::AnchorRecord>(FakeIdentity().Anchors());
  return *anchors;
}

absl::StatusOr<verify::VerifiedIdentity> Judge(const IdentityCase& c) {
  verify::InMemoryReplayLedger ledger(c.ledger_entries);
  for (const auto& change : c.before) {
    IdentityCase earlier;
    earlier.replay = c.replay;
    change(earlier);
    const auto identity = JudgeWith(earlier, ledger);
    // A table that is wrong about the past says nothing.
    if (!identity.ok()) {
      return absl::InternalError("before: " +
                                 std::string(identity.status().message()));
    }
  }
  return JudgeWith(c, ledger);
}

}  // namespace anchorage::test
