// The checks, in order; the first that fails gives the verdict.
//
//   1. size        Document and signature are within their limits of size.
//                  kInputTooLarge
//   2. form        The signature is of its form: a PKCS #7 of the subset that
//                  AWS emits. Reasons of ParsePkcs7().
//   3. content     There is a document, and one given beside a PKCS #7 is the
//                  one inside. kContentMissing, kContentMismatch
//   4. json        The document is strict JSON. Reasons of
//                  ScanIdentityDocument().
//   5. slot        The region that the document names, not yet believed, is one
//                  that anchors are known for. kFieldMissing, kFieldInvalid,
//                  kNoUsableAnchors, kRegionUnknown
//   6. clock       Live only: the clock is not behind the anchors.
//                  kClockSuspect
//   7. algorithms  The algorithms are those of the form, and the same wherever
//                  they are named. kDigestNotAllowed, kAlgorithmMismatch
//   8. digest      The document hashes to the signed messageDigest.
//                  kDigestMismatch
//   9. signature   An anchor of the slot that may be used now made it. Reasons
//                  of FindSigner().
//  10. fields      Every field is of its form. kFieldMissing, kFieldInvalid
//  11. signed-region
//                  The region in the verified document is the anchor's.
//                  kRegionMismatch
//  12. anchor-window
//                  The anchor verifies evidence of that pendingTime.
//                  kAnchorNotActive
//  13. The policy's conditions, each by its own name and reason; the last is
//      age: kTooOld, kFromTheFuture.
//  14. replay      The ledger admits it. kReplayed, kPendingTimeRegressed,
//                  kPolicyEmpty, kFieldInvalid, kLedgerUnavailable
//
// A check that could not be made fails with kCryptoProviderMissing,
// kCryptoUnavailable or kResourcesExhausted.

#include "verify/identity/identity_verifier.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "verify/identity/hint.h"
#include "verify/identity/pkcs7.h"
#include "verify/identity/signature_algorithms.h"
#include "verify/identity/signer_search.h"
#include "verify/no_exceptions.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr std::string_view kVersions[] = {"2010-08-31", "2017-09-30"};
constexpr std::size_t kMaxNotes = 8;
constexpr absl::Duration kMaxSigningDelay = absl::Minutes(1);

absl::Status TooLarge(std::string_view what, std::size_t size,
                      std::size_t limit) {
  return Reject(Reason::kInputTooLarge,
                absl::StrCat("a ", std::string(what), " of ", size,
                             " bytes, the limit is ", limit));
}

bool HasEnd(const Anchor& anchor) {
  return anchor.accept_until() != absl::InfiniteFuture();
}

std::string Quoted(std::string_view text) {
  return absl::StrCat("\"", std::string(text), "\"");
}

// Returns a serial number in lower-case hex, without the leading zero that
// keeps it positive.
std::string SerialHex(std::string_view serial) {
  if (serial.size() > 1 && serial.front() == '\0') serial.remove_prefix(1);
  return absl::BytesToHexString(
      absl::string_view(serial.data(), serial.size()));
}

// Asks a ledger, whose implementation may be the caller's and may throw.
absl::StatusOr<Admission> Ask(ReplayLedger& ledger, std::string_view key,
                              const ReplayFacts& facts, ReplayMode mode) {
  absl::StatusOr<Admission> admission;
  try {
    admission = ledger.Admit(key, facts, mode);
  } catch (const std::exception& error) {
    return Reject(Reason::kLedgerUnavailable, error.what());
  }
  if (admission.ok() || ReasonOf(admission.status()).has_value()) {
    return admission;
  }
  const std::string message(admission.status().message());
  return Reject(Reason::kLedgerUnavailable, message);
}

}  // namespace

// One verification: its arguments, and what the checks have found so far.
class IdentityVerification {
 public:
  IdentityVerification(const IdentityEvidence& evidence,
                       const AnchorSet& anchors, const IdentityPolicy& policy,
                       absl::Time at, bool live, const ReplayCheck* replay,
                       Trace* trace, VerifiedIdentity& verdict)
      : evidence_(evidence),
        anchors_(anchors),
        policy_(policy),
        at_(at),
        live_(live),
        replay_(replay),
        trace_(trace),
        verdict_(verdict) {}

  static absl::StatusOr<VerifiedIdentity> Verify(
      const IdentityEvidence& evidence, const AnchorSet& anchors,
      const IdentityPolicy& policy, absl::Time at, bool live,
      const ReplayCheck* replay, Trace* trace);

  // Fills in `verdict`, of no use unless it returns OK.
  absl::Status Run() && {
    absl::Status status;
    for (const Step& step : kSteps) {
      if (status.ok()) {
        status = WithHint((this->*step.check)());
        if (trace_ != nullptr) Record(step.name, status);
      } else if (trace_ != nullptr) {
        trace_->NotReached(step.name);
      }
    }
    for (const IdentityCondition condition : AllIdentityConditions()) {
      if (status.ok()) {
        status = CheckCondition(condition);
        if (trace_ != nullptr) Record(NameOf(condition), status);
      } else if (trace_ != nullptr) {
        trace_->NotReached(NameOf(condition));
      }
    }
    // The verdict is filled in before the ledger is asked, so that running out
    // of memory uses nothing up.
    if (status.ok()) FillVerdict();
    if (status.ok()) {
      status = CheckReplay();
      if (trace_ != nullptr) Record("replay", status);
    } else if (trace_ != nullptr) {
      trace_->NotReached("replay");
    }
    if (!status.ok() && trace_ != nullptr) {
      slot_.kind = AnchorKindOf(evidence_.form);
      trace_->Concerns(std::move(slot_));
    }
    return status;
  }

 private:
  struct Step {
    std::string_view name;
    absl::Status (IdentityVerification::*check)();
  };
  static const Step kSteps[12];

  // Adds to a refusal what may be wrong with the evidence. Nothing that is read
  // for the hint is kept.
  absl::Status WithHint(absl::Status status) const {
    if (status.ok()) return status;
    const auto reason = ReasonOf(status);
    if (!reason.has_value()) return status;
    const std::string hint = HintAboutEvidence(
        *reason, evidence_,
        [this](std::string_view document) { return Fits(document); });
    return verify::WithHint(std::move(status), hint);
  }

  // Whether the signature is one over `document`. Only for hints.
  bool Fits(std::string_view document) const {
    if (is_pkcs7()) return message_.content == document;
    if (document.size() > kMaxExplainedDocumentBytes) return false;
    const auto anchors = anchors_.In(slot_);
    const Digest digest = Hash(algorithms_.hash, document);
    return std::any_of(anchors.begin(), anchors.end(), [&](const Anchor& a) {
      return a.key()
          .VerifyDigest(algorithms_.hash, digest, evidence_.signature)
          .ok();
    });
  }

  void Record(std::string_view check, const absl::Status& status) {
    if (status.ok()) {
      trace_->Pass(check, detail_);
    } else {
      trace_->Fail(check, status);
    }
    detail_.clear();
  }

  // Traces what a check found. Costs nothing without a trace, but for what
  // making the parts costs.
  template <typename... Parts>
  void Found(const Parts&... parts) {
    if (records_all()) detail_ = absl::StrCat(parts...);
  }

  bool records_all() const {
    return trace_ != nullptr && trace_->records_all();
  }

  const IdentityDocument& document() const { return verdict_.document_; }
  // The earliest that it can be now: the anchors were made at their as_of.
  absl::Time Now() const {
    return live_ ? at_ : std::max(at_, anchors_.provenance().as_of);
  }
  bool is_pkcs7() const { return RowOf(evidence_.form).carries_document(); }

  // 1.
  absl::Status CheckSize() {
    if (evidence_.document.has_value() &&
        evidence_.document->size() > kMaxDocumentBytes) {
      return TooLarge("document", evidence_.document->size(),
                      kMaxDocumentBytes);
    }
    if (evidence_.signature.size() > kMaxPkcs7Bytes) {
      return TooLarge("signature", evidence_.signature.size(), kMaxPkcs7Bytes);
    }
    Found(evidence_.signature.size(), " bytes of signature");
    return absl::OkStatus();
  }

  // 2.
  absl::Status CheckForm() {
    if (is_pkcs7()) {
      absl::StatusOr<Pkcs7> message = ParsePkcs7(evidence_.signature);
      if (!message.ok()) return message.status();
      message_ = *std::move(message);
      if (evidence_.any_pkcs7) evidence_.form = FormOf(message_);
    }
    if (records_all()) Found(std::string(NameOf(evidence_.form)));
    return absl::OkStatus();
  }

  // 3.
  absl::Status CheckContent() {
    if (!is_pkcs7()) {
      if (!evidence_.document.has_value()) {
        return Reject(Reason::kContentMissing,
                      "a bare signature needs the document beside it");
      }
      content_ = *evidence_.document;
    } else {
      content_ = message_.content;
      if (evidence_.document.has_value() && *evidence_.document != content_) {
        return Reject(Reason::kContentMismatch,
                      "the document given is not the one that was signed");
      }
    }
    Found(content_.size(), " bytes of document");
    return absl::OkStatus();
  }

  // 4.
  absl::Status CheckJson() {
    absl::StatusOr<ScannedDocument> scan = ScanIdentityDocument(content_);
    if (!scan.ok()) return scan.status();
    scan_ = *std::move(scan);
    return absl::OkStatus();
  }

  // 5.
  absl::Status CheckSlot() {
    const auto region = scan_.UnverifiedRegion();
    if (!region.ok()) return region.status();
    if (anchors_.anchors().empty()) {
      return Reject(Reason::kNoUsableAnchors, "there are no anchors at all");
    }
    const auto partition = anchors_.PartitionOf(*region);
    if (!partition.has_value()) {
      return Reject(Reason::kRegionUnknown,
                    "no anchor is known for the region " + Quoted(*region));
    }
    slot_ = {.partition = std::string(*partition),
             .region = std::string(*region),
             .kind = AnchorKindOf(evidence_.form)};
    if (records_all()) Found(ToString(slot_));
    return absl::OkStatus();
  }

  // 6.
  absl::Status CheckClock() {
    if (!live_) {
      Found("recorded evidence: not checked");
      return absl::OkStatus();
    }
    const auto candidates = anchors_.In(slot_);
    const bool matters =
        policy_.Expects(IdentityCondition::kMaxAge) ||
        std::any_of(candidates.begin(), candidates.end(), HasEnd);
    if (matters && at_ + kMaxClockSlack < anchors_.provenance().as_of) {
      return Reject(
          Reason::kClockSuspect,
          absl::StrCat("the clock is behind by at least ",
                       absl::FormatDuration(anchors_.provenance().as_of - at_),
                       ": the anchors are newer"));
    }
    Found(matters ? "plausible" : "decides nothing here");
    return absl::OkStatus();
  }

  // 7.
  absl::Status CheckAlgorithms() {
    if (!is_pkcs7()) {
      Found("those of the form");
      return absl::OkStatus();
    }
    const auto algorithms = AlgorithmsOf(message_, evidence_.form);
    if (!algorithms.ok()) return algorithms.status();
    algorithms_ = *algorithms;
    return absl::OkStatus();
  }

  // 8.
  absl::Status CheckDigest() {
    digest_ = Hash(algorithms_.hash, content_);
    if (digest_.size == 0) return HashUnavailable(algorithms_.hash);
    if (!is_pkcs7()) return absl::OkStatus();
    if (digest_.view() != message_.message_digest) {
      return Reject(Reason::kDigestMismatch,
                    "the document does not hash to the signed messageDigest");
    }
    Pkcs7::AttributesBuffer buffer;
    digest_ =
        Hash(algorithms_.hash, message_.SignedAttributesForDigest(buffer));
    return absl::OkStatus();
  }

  // 9.
  absl::Status CheckSignature() {
    SignatureToVerify signature{
        .hash = algorithms_.hash,
        .digest = digest_,
        .signature = is_pkcs7() ? message_.signature : evidence_.signature,
        .key_type = algorithms_.key_type,
        .hint = std::nullopt,
        .document_bytes = content_.size()};
    if (is_pkcs7()) signature.hint = {message_.issuer, message_.serial};
    const auto signer = FindSigner(anchors_, slot_, signature, Now());
    if (!signer.ok()) return signer.status();
    signer_ = *signer;
    Found("anchor ", signer_->spki_sha256());
    return absl::OkStatus();
  }

  // 10.
  absl::Status CheckFields() {
    if (absl::Status s = scan_.ReadInto(verdict_.document_); !s.ok()) return s;
    Found("instance ", document().instance_id);
    return absl::OkStatus();
  }

  // 11.
  absl::Status CheckRegion() {
    if (document().region != signer_->slot().region) {
      return Reject(Reason::kRegionMismatch,
                    "the document's region is " + Quoted(document().region));
    }
    Found(document().region);
    return absl::OkStatus();
  }

  // 12.
  absl::Status CheckWindow() {
    const absl::Time made = document().pending_time;
    if (absl::Status s = signer_->CheckMadeAt(made); !s.ok()) return s;
    if (records_all()) {
      Found("of ",
            absl::FormatTime(absl::RFC3339_full, made, absl::UTCTimeZone()));
    }
    return absl::OkStatus();
  }

  // 13.
  absl::Status CheckCondition(IdentityCondition condition) {
    if (records_all()) {
      const auto why = policy_.WhyIgnored(condition);
      if (!why.empty()) Found("ignored: ", std::string(why));
    }
    return policy_.Check(condition, {.document = document(),
                                     .partition = slot_.partition,
                                     .kind = slot_.kind,
                                     .at = at_});
  }

  // 14.
  absl::Status CheckReplay() {
    if (replay_ == nullptr) {
      Found("not asked for");
      return absl::OkStatus();
    }
    if (replay_->ledger == nullptr) {
      return Reject(Reason::kLedgerUnavailable,
                    "a replay check needs a ledger");
    }
    if (replay_->mode == ReplayMode::kFirstUseBinds &&
        replay_->binding.empty()) {
      return Reject(Reason::kPolicyEmpty, "nothing to bind the instance to");
    }
    if (replay_->rebind_after < kMinRebindAfter) {
      return Reject(
          Reason::kFieldInvalid,
          absl::StrCat("rebinding after ",
                       absl::FormatDuration(replay_->rebind_after),
                       ", at least ", absl::FormatDuration(kMinRebindAfter)));
    }
    absl::StatusOr<Admission> admission =
        Ask(*replay_->ledger, ReplayKey(),
            {.pending_time = document().pending_time,
             .binding = replay_->binding,
             .at = at_,
             .rebind_after = replay_->rebind_after},
            replay_->mode);
    if (!admission.ok()) return admission.status();
    verdict_.replaced_binding_ = std::move(admission->replaced);
    if (verdict_.replaced_binding_.has_value()) {
      verdict_.notes_.push_back(IdentityNote::kRebound);
    }
    FoundBinding();
    return absl::OkStatus();
  }

  void FoundBinding() {
    if (!verdict_.replaced_binding_.has_value()) {
      Found(std::string(NameOf(replay_->mode)));
      return;
    }
    const BindingHolder& old = *verdict_.replaced_binding_;
    Found("rebound to ", Quoted(replay_->binding), " from ",
          Quoted(old.binding), ", silent since ",
          absl::FormatTime(old.last_seen, absl::UTCTimeZone()));
  }

  std::string ReplayKey() const {
    if (replay_->mode == ReplayMode::kSingleUse) {
      return DocumentReplayKey(content_);
    }
    return InstanceReplayKey(replay_->mode, slot_.partition, document().region,
                             document().instance_id);
  }

  std::vector<IdentityNote> Notes() const {
    std::vector<IdentityNote> notes;
    // Only a ledger can add one later.
    if (replay_ != nullptr) notes.reserve(kMaxNotes);
    if (is_pkcs7() && !signer_->certificates_der().empty() &&
        !HasCertificate(*signer_, {message_.issuer, message_.serial})) {
      notes.push_back(IdentityNote::kAnchorReissued);
    }
    if (signer_->is_shared()) notes.push_back(IdentityNote::kSharedKey);
    if (!document().unknown_keys.empty()) {
      notes.push_back(IdentityNote::kUnknownKeys);
    }
    if (std::find(std::begin(kVersions), std::end(kVersions),
                  document().version) == std::end(kVersions)) {
      notes.push_back(IdentityNote::kUnknownVersion);
    }
    if (!is_pkcs7()) return notes;
    const absl::Duration delay =
        message_.signing_time - document().pending_time;
    if (delay < absl::ZeroDuration() || delay > kMaxSigningDelay) {
      notes.push_back(IdentityNote::kSigningTimeSkew);
    }
    if (!message_.algorithm_protection.has_value()) {
      notes.push_back(IdentityNote::kAlgorithmsUnprotected);
    }
    return notes;
  }

  void FillVerdict() {
    verdict_.notes_ = Notes();
    verdict_.document_bytes_ = content_;
    verdict_.form_ = evidence_.form;
    verdict_.anchor_slot_ = slot_;
    verdict_.anchor_spki_sha256_ = signer_->spki_sha256();
    verdict_.provenance_ = anchors_.provenance();
    if (is_pkcs7()) {
      verdict_.signing_time_ = message_.signing_time;
      verdict_.signer_serial_hex_ = SerialHex(message_.serial);
    }
  }

  // Its form is found by check 2 where the evidence leaves it open.
  IdentityEvidence evidence_;
  const AnchorSet& anchors_;
  const IdentityPolicy& policy_;
  const absl::Time at_;
  const bool live_;
  const ReplayCheck* const replay_;
  Trace* const trace_;

  std::string detail_;
  Pkcs7 message_;
  std::string_view content_;
  ScannedDocument scan_;
  Slot slot_;
  // Those of the form; a PKCS #7 says its own.
  SignatureAlgorithms algorithms_{RowOf(evidence_.form).hash,
                                  RowOf(evidence_.form).key_type};
  // Of the bytes that the signature covers.
  Digest digest_;
  const Anchor* signer_ = nullptr;
  // Check 10 fills in its document; the rest is filled in at the end.
  VerifiedIdentity& verdict_;
};

const IdentityVerification::Step IdentityVerification::kSteps[] = {
    {"size", &IdentityVerification::CheckSize},
    {"form", &IdentityVerification::CheckForm},
    {"content", &IdentityVerification::CheckContent},
    {"json", &IdentityVerification::CheckJson},
    {"slot", &IdentityVerification::CheckSlot},
    {"clock", &IdentityVerification::CheckClock},
    {"algorithms", &IdentityVerification::CheckAlgorithms},
    {"digest", &IdentityVerification::CheckDigest},
    {"signature", &IdentityVerification::CheckSignature},
    {"fields", &IdentityVerification::CheckFields},
    {"signed-region", &IdentityVerification::CheckRegion},
    {"anchor-window", &IdentityVerification::CheckWindow},
};

std::string_view NameOf(IdentityNote note) {
  switch (note) {
    case IdentityNote::kAnchorReissued:
      return "ANCHOR_REISSUED";
    case IdentityNote::kSharedKey:
      return "SHARED_KEY";
    case IdentityNote::kUnknownKeys:
      return "UNKNOWN_KEYS";
    case IdentityNote::kUnknownVersion:
      return "UNKNOWN_VERSION";
    case IdentityNote::kSigningTimeSkew:
      return "SIGNING_TIME_SKEW";
    case IdentityNote::kAlgorithmsUnprotected:
      return "ALGORITHMS_UNPROTECTED";
    case IdentityNote::kRebound:
      return "REBOUND";
  }
  return "";
}

absl::StatusOr<VerifiedIdentity> IdentityVerification::Verify(
    const IdentityEvidence& evidence, const AnchorSet& anchors,
    const IdentityPolicy& policy, absl::Time at, bool live,
    const ReplayCheck* replay, Trace* trace) {
  // In its place from the beginning: it is large, and moving it is not free.
  absl::StatusOr<VerifiedIdentity> verdict{VerifiedIdentity()};
  const absl::Status status = WithoutExceptions([&] {
    return IdentityVerification(evidence, anchors, policy, at, live, replay,
                                trace, *verdict)
        .Run();
  });
  if (!status.ok()) verdict = status;
  return verdict;
}

absl::StatusOr<VerifiedIdentity> VerifyIdentity(
    const IdentityEvidence& evidence, const AnchorSet& anchors,
    const IdentityPolicy& policy, absl::Time now, const ReplayCheck* replay,
    Trace* trace) {
  return IdentityVerification::Verify(evidence, anchors, policy, now,
                                      /*live=*/true, replay, trace);
}

absl::StatusOr<VerifiedIdentity> VerifyRecordedIdentity(
    const IdentityEvidence& evidence, const AnchorSet& anchors,
    const IdentityPolicy& policy, absl::Time at, Trace* trace) {
  return IdentityVerification::Verify(evidence, anchors, policy, at,
                                      /*live=*/false, /*replay=*/nullptr,
                                      trace);
}

}  // namespace anchorage::verify
