// The whole verifier of identity documents.
//
// Input: a mode byte, then
//   modes 0, 1, 2  a document, which the fake AWS signs with RSA-1024, DSA or
//                  RSA-2048, so that mutations get past the signature;
//   modes 3, 4, 5  a part (see fuzz.h) that is the signature, in the same
//                  three forms, then the document beside it; none where
//                  nothing is left;
//   modes 6, 7     a part that is the contents of the signed attributes, then
//                  a document: the fake AWS signs those attributes with DSA or
//                  RSA-2048.
// Higher modes begin again at 0.
// Holds for any bytes:
//   1. the verifier accepts, or it gives a reason;
//   2. it accepts nothing that the fake AWS did not sign, and returns exactly
//      the bytes that were signed;
//   3. what it returns is what a reader of JSON finds in them, and what the
//      policy expects;
//   4. what was signed is refused for what it says, never for its form.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/pkcs7_writer.h"
#include "test/fuzz/fuzz.h"
#include "test/fuzz/identity_evidence.h"
#include "verify/anchor_set.h"
#include "verify/identity/identity_policy.h"
#include "verify/identity/identity_verifier.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

using verify::IdentityForm;
using verify::Reason;

constexpr std::string_view kRegion = "us-east-1";
constexpr std::uint8_t kModes = 8;
constexpr std::uint8_t kFirstReceived = 3;
constexpr std::uint8_t kFirstSignedAttributes = 6;
constexpr IdentityForm kForms[] = {
    IdentityForm::kSignature, IdentityForm::kPkcs7, IdentityForm::kRsa2048};

// What the fake AWS signed in this process.
struct Signed {
  std::string_view document;
  // Whether the whole message is as AWS makes them, whatever the document.
  bool genuine_form = false;
};

const verify::AnchorSet& Anchors() {
  static const auto* const anchors =
      new std::shared_ptr<const verify::AnchorSet>(
          *verify::AnchorSet::Create(FuzzIdentityAws().Anchors(), {}));
  return **anchors;
}

const verify::IdentityPolicy& Policy() {
  static const auto* const policy = new verify::IdentityPolicy(
      *verify::IdentityPolicy::Builder()
           .ExpectAccounts({std::string(kFuzzAccount)})
           .IgnoreTheRest("mutations change it")
           .Build());
  return *policy;
}

bool IsGenuineDocument(std::string_view document) {
  static const auto* const documents = [] {
    auto* all = new std::set<std::string, std::less<>>();
    for (const SignedIdentity& s : SignedIdentities()) all->insert(s.document);
    return all;
  }();
  return documents->find(document) != documents->end();
}

// Reasons that a document itself gives.
bool IsAboutTheDocument(Reason reason) {
  switch (reason) {
    case Reason::kInputTooLarge:
    case Reason::kDocumentMalformed:
    case Reason::kDuplicateKey:
    case Reason::kTrailingBytes:
    case Reason::kFieldMissing:
    case Reason::kFieldInvalid:
    case Reason::kRegionUnknown:
    case Reason::kRegionMismatch:
    case Reason::kAccountNotAllowed:
      return true;
    default:
      return false;
  }
}

// Reasons for a region that has no such anchors, or other ones.
bool IsAboutTheRegion(Reason reason) {
  return reason == Reason::kNoUsableAnchors ||
         reason == Reason::kSignatureMismatch ||
         reason == Reason::kSignatureMalformed ||
         reason == Reason::kAlgorithmMismatch;
}

// Judges the evidence. Without `made` it was received, and must be genuine to
// be accepted.
void Judge(const verify::IdentityEvidence& evidence,
           const std::optional<Signed>& made) {
  const auto identity =
      verify::VerifyIdentity(evidence, Anchors(), Policy(), FakeNow());
  if (!Decided(identity.status())) {
    const Reason reason = *verify::ReasonOf(identity.status());
    const bool about_form =
        !IsAboutTheDocument(reason) && !IsAboutTheRegion(reason);
    Require(!made.has_value() || !made->genuine_form || !about_form,
            "signed evidence is refused for what it says");
    return;
  }
  const std::string& bytes = identity->document_bytes();
  Require(made.has_value() ? bytes == made->document : IsGenuineDocument(bytes),
          "nothing is accepted that was not signed");
  Require(!made.has_value() || identity->document().region == kRegion ||
              verify::AnchorKindOf(evidence.form) !=
                  verify::AnchorKind::kIidRsa2048,
          "only old keys are shared by regions");
  Require(identity->document().account_id == kFuzzAccount, "the policy holds");
  RequireSameFacts(identity->document(), bytes);
}

void JudgeSigned(IdentityForm form, std::string_view document) {
  const std::string signature = SignIdentity(kRegion, form, document);
  std::optional<std::string_view> beside;
  if (form == IdentityForm::kSignature) beside = document;
  // Nothing at all has no form that AWS could give it.
  Judge({beside, form, signature}, Signed{document, !document.empty()});
}

void JudgeReceived(IdentityForm form, std::string_view rest) {
  const std::string_view signature = TakePart(rest);
  std::optional<std::string_view> beside;
  if (!rest.empty()) beside = rest;
  Judge({beside, form, signature}, std::nullopt);
}

// The message is written here, because the fake AWS writes no attributes that
// are not DER.
void JudgeSignedAttributes(IdentityForm form, std::string_view rest) {
  const std::string_view attributes = TakePart(rest);
  const Pkcs7Spec spec =
      FuzzIdentityAws().Genuine(kRegion, verify::AnchorKindOf(form), rest);
  const SignerSpec& signer = spec.signers.front();
  const std::string signature =
      signer.key->Sign(signer.hash, HashOf(signer.hash, Tlv(0x31, attributes)));
  const std::string signer_info =
      Sequence({Integer(1), Sequence({signer.issuer, Tlv(0x02, signer.serial)}),
                signer.digest_algorithm, Tlv(0xa0, attributes),
                signer.signature_algorithm, OctetString(signature)});
  const std::string message = Sequence(
      {Oid(kOidSignedData),
       Tlv(0xa0,
           Sequence({Integer(1), Set({signer.digest_algorithm}),
                     Sequence({Oid(kOidData), Tlv(0xa0, OctetString(rest))}),
                     Set({signer_info})}))});
  Judge({std::nullopt, form, message}, Signed{rest, false});
}

void Check(std::string_view input) {
  const std::uint8_t mode = TakeByte(input) % kModes;
  if (mode < kFirstReceived) {
    JudgeSigned(kForms[mode], input);
  } else if (mode < kFirstSignedAttributes) {
    JudgeReceived(kForms[mode - kFirstReceived], input);
  } else {
    JudgeSignedAttributes(kForms[mode - kFirstSignedAttributes + 1], input);
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
