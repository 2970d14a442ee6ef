// Verifies EC2 instance identity documents: that AWS signed one, and that it
// says what the caller demands.
//
// A vendor's question, "is this instance licensed to run my product":
//
//   auto policy = IdentityPolicy::Builder()
//                     .ExpectAnyProductCode({"d3b4kh7x1vk0a6nwqw8kvmkq4"})
//                     .IgnoreTheRest("a licence holds in any account")
//                     .Build();
//   auto bytes = DecodeIdentitySignature(IdentityForm::kRsa2048, from_imds);
//   auto identity = VerifyIdentity(
//       {std::nullopt, IdentityForm::kRsa2048, *bytes}, anchors, *policy, now);
//   if (!identity.ok()) return Refuse(*ReasonOf(identity.status()));
//   Start(identity->document().account_id, identity->document().instance_id);
//
// What it proves is about an instance, not about who sends the document: any
// process on the instance can read it and send it elsewhere. A ReplayCheck
// limits what a copy is good for; a NitroTPM or enclave attestation with a
// nonce proves the sender.
//
// Live evidence and recorded evidence are two calls. No option turns a check
// off.
//
// Pure but for the ledger: no clock, no network, no globals. Everything that
// the verdict depends on is an argument, so any number of threads may call at
// once. Input limits: kMaxDocumentBytes, kMaxPkcs7Bytes. A call needs less than
// 256 KiB of memory, and hostile input costs less than 20 times what good input
// costs.

#ifndef ANCHORAGE_VERIFY_IDENTITY_IDENTITY_VERIFIER_H_
#define ANCHORAGE_VERIFY_IDENTITY_IDENTITY_VERIFIER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "verify/anchor_set.h"
#include "verify/identity/identity_document.h"
#include "verify/identity/identity_evidence.h"
#include "verify/identity/identity_policy.h"
#include "verify/identity/replay_ledger.h"
#include "verify/trace.h"

namespace anchorage::verify {

// What is worth knowing about evidence that was accepted, without being a fault
// in it.
enum class IdentityNote {
  // The signer's issuer and serial are those of none of the anchor's
  // certificates: AWS has re-issued the certificate over the same key, and
  // whoever matches signers by serial now refuses this evidence.
  kAnchorReissued,
  // The anchor's key also signs for other regions: the region is proved by
  // the document's text alone.
  kSharedKey,
  // The document has keys that we do not know.
  kUnknownKeys,
  // The document's version is neither 2010-08-31 nor 2017-09-30.
  kUnknownVersion,
  // signingTime is not within a minute after pendingTime (AWS: 1 to 13 s).
  kSigningTimeSkew,
  // A PKCS #7 without CMSAlgorithmProtection, as AWS made them until 2021.
  kAlgorithmsUnprotected,
  // The sender took over the instance's binding from another, who had been
  // silent: see ReplayCheck::rebind_after. To be logged.
  kRebound,
};

// Returns the stable name, such as "ANCHOR_REISSUED".
std::string_view NameOf(IdentityNote note);

// How far a clock may be behind the time at which the anchors were known to be
// the newest before it is considered wrong.
inline constexpr absl::Duration kMaxClockSlack = absl::Minutes(5);

// What a document says, once all of it has been proved. Only the verifier
// makes one: holding one is the proof.
class VerifiedIdentity {
 public:
  const IdentityDocument& document() const { return document_; }
  // The exact bytes that AWS signed.
  const std::string& document_bytes() const { return document_bytes_; }

  IdentityForm form() const { return form_; }
  AnchorKind kind() const { return anchor_slot_.kind; }
  const std::string& partition() const { return anchor_slot_.partition; }

  // The anchor whose key made the signature.
  const Slot& anchor_slot() const { return anchor_slot_; }
  const std::string& anchor_spki_sha256() const { return anchor_spki_sha256_; }
  // Where the anchors came from.
  const AnchorProvenance& provenance() const { return provenance_; }

  // When AWS made the signature; nullopt for kSignature, which does not say.
  std::optional<absl::Time> signing_time() const { return signing_time_; }
  // The serial number that a PKCS #7 names its signer by, in lower-case hex;
  // empty for kSignature. Given for finding rotations; it decided nothing, and
  // anyone can change it.
  const std::string& signer_serial_hex() const { return signer_serial_hex_; }

  // Whose binding the sender took over, where the note kRebound is there;
  // nullopt otherwise.
  const std::optional<BindingHolder>& replaced_binding() const {
    return replaced_binding_;
  }

  const std::vector<IdentityNote>& notes() const { return notes_; }

 private:
  friend class IdentityVerification;
  VerifiedIdentity() = default;

  IdentityDocument document_;
  std::string document_bytes_;
  IdentityForm form_ = IdentityForm::kRsa2048;
  Slot anchor_slot_;
  std::string anchor_spki_sha256_;
  AnchorProvenance provenance_;
  std::optional<absl::Time> signing_time_;
  std::string signer_serial_hex_;
  std::optional<BindingHolder> replaced_binding_;
  std::vector<IdentityNote> notes_;
};

// Verifies evidence that is presented now. `now` is the caller's clock; where
// the verdict depends on it (a maximum age, or an anchor with an end) and it is
// more than kMaxClockSlack before the anchors were made, the verdict is
// kClockSuspect. `replay` may be null: then replays are not detected.
//
// Fails with a status from Reject(): see the numbered list in the .cc for the
// checks and their reasons. Its message may end with a hint, which was made
// after the refusal and decided nothing. Never throws; kResourcesExhausted
// where memory runs out. The views in `evidence` are not kept.
absl::StatusOr<VerifiedIdentity> VerifyIdentity(
    const IdentityEvidence& evidence, const AnchorSet& anchors,
    const IdentityPolicy& policy, absl::Time now,
    const ReplayCheck* replay = nullptr, Trace* trace = nullptr);

// Verifies evidence that was recorded, as of the time `at`: anchors and ages
// are judged at that time, except that a revoked anchor is revoked at all
// times. The verdict says nothing about who is there now.
absl::StatusOr<VerifiedIdentity> VerifyRecordedIdentity(
    const IdentityEvidence& evidence, const AnchorSet& anchors,
    const IdentityPolicy& policy, absl::Time at, Trace* trace = nullptr);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IDENTITY_IDENTITY_VERIFIER_H_
