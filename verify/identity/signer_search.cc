#include "verify/identity/signer_search.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "verify/encoding/der.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

absl::Status VerifyUnder(const Anchor& anchor,
                         const SignatureToVerify& signature) {
  return anchor.key().VerifyDigest(signature.hash, signature.digest,
                                   signature.signature);
}

// The one failure that stands for several failed attempts: a failed library if
// there is one, else the attempt that got furthest.
class Failures {
 public:
  void Add(absl::Status failure) {
    if (Rank(failure) > Rank(worst_)) worst_ = std::move(failure);
  }
  bool undecided() const { return IsUndecided(worst_); }
  const absl::Status& status() const { return worst_; }

 private:
  static int Rank(const absl::Status& failure) {
    if (failure.ok()) return 0;
    const auto reason = ReasonOf(failure);
    if (reason == Reason::kSignatureMalformed) return 1;
    if (reason == Reason::kSignatureMismatch) return 2;
    return 3;
  }

  absl::Status worst_;
};

// Returns the issuer and serial of an X.509 certificate; nullopt if it is not
// one.
std::optional<SignerHint> NameOfCertificate(std::string_view der) {
  const auto certificate = ParseOne(der, DerTag::kSequence);
  if (!certificate.has_value()) return std::nullopt;
  const auto tbs = DerReader(certificate->contents).Read(DerTag::kSequence);
  if (!tbs.has_value()) return std::nullopt;
  DerReader reader(tbs->contents);
  // A certificate of version 1 has no version field.
  if (reader.NextIs(DerTag::kContext0Constructed)) reader.Read();
  const auto serial = reader.Read(DerTag::kInteger);
  const auto algorithm = reader.Read(DerTag::kSequence);
  const auto issuer = reader.Read(DerTag::kSequence);
  if (!serial.has_value() || !algorithm.has_value() || !issuer.has_value()) {
    return std::nullopt;
  }
  return SignerHint{issuer->whole, serial->contents};
}

// Whether another region's anchor made the signature. Where the signature names
// its signer, only the anchor so named is tried; where it does not, each
// distinct key is, up to the limit.
bool IsOfAnotherRegion(const AnchorSet& anchors, const Slot& slot,
                       const SignatureToVerify& signature) {
  if (signature.document_bytes > kMaxExplainedDocumentBytes) return false;
  absl::InlinedVector<std::string_view, kMaxOtherRegionKeys> tried;
  for (const Anchor& anchor : anchors.In(slot)) {
    tried.push_back(anchor.spki_sha256());
  }
  const std::size_t most = tried.size() + kMaxOtherRegionKeys;
  for (const Anchor& anchor : anchors.anchors()) {
    if (tried.size() >= most) return false;
    if (anchor.slot().kind != slot.kind ||
        anchor.key().type() != signature.key_type ||
        std::find(tried.begin(), tried.end(), anchor.spki_sha256()) !=
            tried.end()) {
      continue;
    }
    if (signature.hint.has_value() &&
        !HasCertificate(anchor, *signature.hint)) {
      continue;
    }
    tried.push_back(anchor.spki_sha256());
    if (VerifyUnder(anchor, signature).ok()) return true;
  }
  return false;
}

}  // namespace

bool HasCertificate(const Anchor& anchor, const SignerHint& hint) {
  const auto certificates = anchor.certificates_der();
  return std::any_of(certificates.begin(), certificates.end(),
                     [&](std::string_view der) {
                       const auto name = NameOfCertificate(der);
                       return name.has_value() && name->serial == hint.serial &&
                              name->issuer == hint.issuer;
                     });
}

absl::StatusOr<const Anchor*> FindSigner(const AnchorSet& anchors,
                                         const Slot& slot,
                                         const SignatureToVerify& signature,
                                         absl::Time now) {
  const auto candidates = anchors.In(slot);
  if (candidates.empty()) {
    return Reject(Reason::kNoUsableAnchors, "no anchor for " + ToString(slot));
  }
  Failures failures;
  bool any_usable = false;
  bool any_of_type = false;
  for (const bool usable : {true, false}) {
    for (const Anchor& anchor : candidates) {
      absl::Status status = anchor.CheckUsable(now);
      if (status.ok() != usable) continue;
      any_usable = any_usable || usable;
      if (anchor.key().type() != signature.key_type) continue;
      any_of_type = true;
      absl::Status verified = VerifyUnder(anchor, signature);
      if (verified.ok()) {
        if (usable) return &anchor;
        return status;
      }
      failures.Add(std::move(verified));
    }
  }
  if (failures.undecided()) return failures.status();
  if (!any_usable) {
    return Reject(Reason::kNoUsableAnchors,
                  "no anchor of " + ToString(slot) + " may be used");
  }
  if (!any_of_type) {
    return Reject(Reason::kAlgorithmMismatch,
                  "no anchor of " + ToString(slot) +
                      " has a key for the signature's algorithm");
  }
  if (IsOfAnotherRegion(anchors, slot, signature)) {
    return Reject(
        Reason::kRegionMismatch,
        "signed by an anchor of another region than " + ToString(slot));
  }
  return failures.status();
}

}  // namespace anchorage::verify
