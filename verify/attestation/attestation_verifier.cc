//  1. The document is a strict COSE_Sign1 of at most 32 KiB, and its payload
//     has every field in its form.
//  2. It is of the expected type.
//  3. The clock can be right (live only).
//  4. The certificates are a chain from a pinned root of the partition.
//  5. Each certificate is valid at the time.
//  6. The leaf signed the document.
//  7. No name in a known form is of another module, instance, region or
//     partition; in the strict profile, every name is in such a form.
//  8. The document was made while the leaf was valid, and at a time that the
//     root's anchor verifies.
//  9. The document is neither too old nor from the future (live only).
// 10. The nonce is the expected one.
// 11. The user data is the expected one.
// 12. The public key is an expected one.
// 13. An enclave is not in debug mode.
// 14. The measurements are expected ones.
// 15. The module is an expected one.
// 16. The region is an expected one.
//
// Step 7 is not one of AWS's steps, for AWS documents no names: a name that it
// cannot read is noted, and the region or instance is then absent.
//
// Until step 6, nothing in the payload is believed but its form, the
// certificates and, for a recorded document, its time, which step 6 then
// proves.

#include "verify/attestation/attestation_verifier.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "verify/attestation/chain.h"
#include "verify/attestation/cose.h"
#include "verify/attestation/expectations.h"
#include "verify/attestation/module_name.h"
#include "verify/crypto/public_key.h"
#include "verify/no_exceptions.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone());
}

std::optional<std::string> Owned(std::optional<std::string_view> view) {
  if (!view.has_value()) return std::nullopt;
  return std::string(*view);
}

std::string Quoted(std::string_view text) {
  return absl::StrCat(absl::string_view(text.data(), text.size()));
}

// One verification: the arguments, and what the checks so far have found.
class Verification {
 public:
  // `live` is the clock; without it the document is judged at `recorded`.
  Verification(std::string_view bytes, const AnchorSet& anchors,
               AttestationType type, const Expectations& expected,
               std::optional<absl::Time> live, RecordedTime recorded,
               ChainCache* cache)
      : bytes_(bytes),
        anchors_(anchors),
        type_(type),
        expected_(expected),
        live_(live),
        recorded_(recorded),
        cache_(cache) {}

  absl::StatusOr<AttestedFacts> Verify(Trace* trace);

 private:
  struct Check {
    const char* name;
    absl::Status (Verification::*check)();
    // What was found, for the trace.
    std::string (Verification::*found)() const;
  };
  static const Check kChecks[];

  absl::Status Explained(absl::Status status) const;

  absl::Status CheckForm();
  absl::Status CheckType();
  absl::Status CheckClock();
  absl::Status CheckChain();
  absl::Status CheckCertificatesValidity();
  absl::Status CheckSignature();
  absl::Status CheckNames();
  absl::Status CheckNamesKnown() const;
  absl::Status CheckTimestamp();
  absl::Status CheckFreshness();
  absl::Status CheckExpectedNonce();
  absl::Status CheckExpectedUserData();
  absl::Status CheckExpectedPublicKey();
  absl::Status CheckNoDebug();
  absl::Status CheckExpectedMeasurements();
  absl::Status CheckExpectedModule();
  absl::Status CheckExpectedRegion();

  std::string FoundSize() const;
  std::string FoundType() const;
  std::string FoundClock() const;
  std::string FoundRoot() const;
  std::string FoundValidity() const;
  std::string FoundLeaf() const;
  std::string FoundNames() const;
  std::string FoundTimestamp() const;
  std::string FoundNonce() const { return FoundAsExpected(expected_, "nonce"); }
  std::string FoundUserData() const {
    return FoundAsExpected(expected_, "user_data");
  }
  std::string FoundPublicKey() const {
    return FoundAsExpected(expected_, "public_key");
  }
  std::string FoundDebug() const { return FoundAsExpected(expected_, "debug"); }
  std::string FoundRelease() const;
  std::string FoundModule() const;
  std::string FoundRegion() const;

  // The earliest that it can be now: the anchors were made at their as_of.
  absl::Time Now() const {
    return live_.value_or(std::max(at_, anchors_.provenance().as_of));
  }
  // Leeway is for clocks: a recorded time is exact.
  absl::Duration leeway() const {
    return live_.has_value() ? expected_.clock_leeway : absl::ZeroDuration();
  }
  std::vector<Note> Notes() const;
  AttestedFacts Facts() const;

  const std::string_view bytes_;
  const AnchorSet& anchors_;
  const AttestationType type_;
  const Expectations& expected_;
  const std::optional<absl::Time> live_;
  const RecordedTime recorded_;
  ChainCache* const cache_;

  CoseSign1 cose_;
  AttestationDocument document_;
  // The time of verification; known once the document's form is read.
  absl::Time at_;
  std::optional<VerifiedChain> chain_;
  ModulePlace place_;
  // Null if the policy expects none.
  const Release* release_ = nullptr;
};

constexpr Verification::Check Verification::kChecks[] = {
    {"form", &Verification::CheckForm, &Verification::FoundSize},
    {"type", &Verification::CheckType, &Verification::FoundType},
    {"clock", &Verification::CheckClock, &Verification::FoundClock},
    {"chain", &Verification::CheckChain, &Verification::FoundRoot},
    {"validity", &Verification::CheckCertificatesValidity,
     &Verification::FoundValidity},
    {"signature", &Verification::CheckSignature, &Verification::FoundLeaf},
    {"leaf_name", &Verification::CheckNames, &Verification::FoundNames},
    {"timestamp", &Verification::CheckTimestamp, &Verification::FoundTimestamp},
    {"freshness", &Verification::CheckFreshness, &Verification::FoundClock},
    {"nonce", &Verification::CheckExpectedNonce, &Verification::FoundNonce},
    {"user_data", &Verification::CheckExpectedUserData,
     &Verification::FoundUserData},
    {"public_key", &Verification::CheckExpectedPublicKey,
     &Verification::FoundPublicKey},
    {"debug", &Verification::CheckNoDebug, &Verification::FoundDebug},
    {"measurements", &Verification::CheckExpectedMeasurements,
     &Verification::FoundRelease},
    {"module", &Verification::CheckExpectedModule, &Verification::FoundModule},
    {"region", &Verification::CheckExpectedRegion, &Verification::FoundRegion},
};

// Adds to a refusal what may be wrong with the verifier's clock. This believes
// the document's time, but changes only the sentence.
absl::Status Verification::Explained(absl::Status status) const {
  const auto reason = ReasonOf(status);
  if (!live_.has_value() || !reason.has_value()) return status;
  absl::Duration behind;
  switch (*reason) {
    case Reason::kClockSuspect:
      behind = anchors_.provenance().as_of - *live_;
      break;
    case Reason::kFromTheFuture:
    case Reason::kIssuerNotYetValid:
    case Reason::kLeafNotYetValid:
      behind = document_.timestamp - *live_;
      break;
    default:
      break;
  }
  if (behind <= absl::ZeroDuration()) return status;
  return WithHint(std::move(status),
                  absl::StrCat("the verifier's clock may be behind, by ",
                               absl::FormatDuration(behind), " or more"));
}

absl::Status Verification::CheckForm() {
  if (bytes_.size() > kMaxAttestationDocumentBytes) {
    return Reject(Reason::kInputTooLarge,
                  absl::StrCat("the document has ", bytes_.size(), " bytes"));
  }
  const absl::StatusOr<CoseSign1> cose = DecodeCoseSign1(bytes_);
  if (!cose.ok()) return cose.status();
  cose_ = *cose;
  absl::StatusOr<AttestationDocument> document =
      DecodeAttestationDocument(cose_.payload);
  if (!document.ok()) return document.status();
  document_ = *std::move(document);
  if (expected_.refuse_unknown_keys && document_.unknown_key_count > 0) {
    return Reject(Reason::kFieldUnknown,
                  "the document has a field that is not known");
  }
  at_ = live_.value_or(recorded_.time().value_or(document_.timestamp));
  return absl::OkStatus();
}

absl::Status Verification::CheckType() {
  if (document_.type == type_) return absl::OkStatus();
  return Reject(Reason::kWrongDocumentType,
                "the document is of type " + FoundType());
}

absl::Status Verification::CheckClock() {
  if (!live_.has_value()) return absl::OkStatus();
  const absl::Time as_of = anchors_.provenance().as_of;
  if (*live_ >= as_of - kClockSuspectAfter) return absl::OkStatus();
  return Reject(Reason::kClockSuspect,
                absl::StrCat("the clock says ", Rfc3339(*live_),
                             ", but the anchors are of ", Rfc3339(as_of)));
}

absl::Status Verification::CheckChain() {
  absl::StatusOr<VerifiedChain> chain =
      VerifyChain(document_.cabundle, document_.certificate, anchors_,
                  expected_.partition, Now(), cache_);
  if (!chain.ok()) return chain.status();
  chain_ = *std::move(chain);
  return absl::OkStatus();
}

absl::Status Verification::CheckCertificatesValidity() {
  return CheckValidity(*chain_, at_, leeway());
}

absl::Status Verification::CheckSignature() {
  return chain_->leaf_key.VerifyDigestFixed(
      HashAlgorithm::kSha384, SigStructureDigest(cose_), cose_.signature);
}

absl::Status Verification::CheckNames() {
  const absl::StatusOr<ModulePlace> place =
      PlaceOfModule(*chain_, document_.module_id);
  if (!place.ok()) return place.status();
  place_ = *place;
  return expected_.strict ? CheckNamesKnown() : absl::OkStatus();
}

absl::Status Verification::CheckNamesKnown() const {
  if (!place_.region.has_value()) {
    return Reject(Reason::kLeafName,
                  "the leaf's name is in no form that is known", 0);
  }
  if (place_.unknown_authority != 0) {
    return Reject(Reason::kLeafName,
                  "an authority's name is in no form that is known",
                  place_.unknown_authority);
  }
  if (!place_.instance_id.has_value()) {
    return Reject(Reason::kFieldInvalid,
                  "module_id is in no form that is known");
  }
  return absl::OkStatus();
}

absl::Status Verification::CheckTimestamp() {
  const Certificate& leaf = chain_->leaf();
  if (document_.timestamp < leaf.not_before ||
      document_.timestamp > leaf.not_after) {
    return Reject(
        Reason::kTimestampOutsideLeaf,
        absl::StrCat("the document is of ", Rfc3339(document_.timestamp),
                     ", when its leaf was not valid"));
  }
  return chain_->root->CheckMadeAt(document_.timestamp);
}

absl::Status Verification::CheckFreshness() {
  if (!live_.has_value()) return absl::OkStatus();
  const absl::Duration age = *live_ - document_.timestamp;
  if (age > expected_.max_age) {
    return Reject(
        Reason::kTooOld,
        absl::StrCat("the document is ", absl::FormatDuration(age), " old"));
  }
  if (-age > leeway()) {
    return Reject(Reason::kFromTheFuture,
                  absl::StrCat("the document is from ",
                               absl::FormatDuration(-age), " after the clock"));
  }
  return absl::OkStatus();
}

absl::Status Verification::CheckExpectedNonce() {
  return CheckNonce(expected_, document_);
}

absl::Status Verification::CheckExpectedUserData() {
  return CheckUserData(expected_, document_);
}

absl::Status Verification::CheckExpectedPublicKey() {
  return CheckPublicKey(expected_, document_);
}

absl::Status Verification::CheckNoDebug() {
  return CheckDebug(expected_, document_);
}

absl::Status Verification::CheckExpectedMeasurements() {
  const absl::StatusOr<const Release*> release =
      CheckRelease(expected_, document_, at_);
  if (!release.ok()) return release.status();
  release_ = *release;
  return CheckMeasurements(expected_, document_);
}

absl::Status Verification::CheckExpectedModule() {
  return CheckModule(expected_, document_.module_id, place_.instance_id);
}

absl::Status Verification::CheckExpectedRegion() {
  return CheckRegion(expected_, place_.region);
}

std::string Verification::FoundSize() const {
  return absl::StrCat(bytes_.size(), " bytes, ", document_.cabundle.size() + 1,
                      " certificates");
}

std::string Verification::FoundType() const {
  return std::string(NameOf(document_.type));
}

std::string Verification::FoundClock() const {
  if (!live_.has_value()) return "recorded, judged as of " + Rfc3339(at_);
  return "live, at " + Rfc3339(at_);
}

std::string Verification::FoundRoot() const {
  return absl::StrCat("root ", chain_->root->spki_sha256(), " of ",
                      ToString(chain_->root->slot()));
}

std::string Verification::FoundValidity() const {
  return absl::StrCat("leaf valid from ", Rfc3339(chain_->leaf().not_before),
                      " until ", Rfc3339(chain_->leaf().not_after));
}

std::string Verification::FoundLeaf() const {
  return Quoted(chain_->leaf().common_name.value_or(""));
}

std::string Verification::FoundNames() const {
  if (place_.region.has_value()) return FoundLeaf();
  return absl::StrCat(FoundLeaf(), ", in no form that is known: no region");
}

std::string Verification::FoundTimestamp() const {
  return Rfc3339(document_.timestamp);
}

std::string Verification::FoundRelease() const {
  std::string found =
      release_ == nullptr
          ? FoundAsExpected(expected_, "measurements")
          : absl::StrCat("release ", release_->name, " of ", release_->product);
  if (expected_.allow_extensions) {
    absl::StrAppend(&found, "; additions at boot ",
                    FoundAsExpected(expected_, "extensions"));
  }
  return found;
}

std::string Verification::FoundModule() const {
  return absl::StrCat(std::string(document_.module_id), ", ",
                      FoundAsExpected(expected_, "module"));
}

std::string Verification::FoundRegion() const {
  return absl::StrCat(std::string(place_.region.value_or("none is known")),
                      ", ", FoundAsExpected(expected_, "region"));
}

// Returns at most one note of each kind, so that their number is bounded.
std::vector<Note> Verification::Notes() const {
  std::vector<Note> notes;
  if (!place_.region.has_value()) {
    notes.push_back(
        {Note::Kind::kLeafNameUnknown,
         absl::StrCat("the leaf's name ",
                      QuotedForPeople(chain_->leaf().common_name.value_or("")),
                      " is in no form that is known: no region")});
  }
  if (place_.unknown_authority != 0) {
    const std::size_t place =
        chain_->certificates.size() - 1 -
        static_cast<std::size_t>(place_.unknown_authority);
    notes.push_back(
        {Note::Kind::kAuthorityNameUnknown,
         absl::StrCat("the name ",
                      QuotedForPeople(
                          chain_->certificates[place].common_name.value_or("")),
                      " of an authority is in no form that is known")});
  }
  if (!place_.instance_id.has_value()) {
    notes.push_back(
        {Note::Kind::kModuleIdUnknown,
         absl::StrCat("the module id ", QuotedForPeople(document_.module_id),
                      " is in no form that is known: no instance")});
  }
  if (document_.unknown_key_count > 0) {
    std::string detail = "the document has fields that are not known:";
    for (const std::string_view key : document_.unknown_keys) {
      absl::StrAppend(&detail, " ", QuotedForPeople(key));
    }
    if (document_.unknown_key_count > document_.unknown_keys.size()) {
      absl::StrAppend(&detail, ", of ", document_.unknown_key_count);
    }
    notes.push_back({Note::Kind::kFieldsUnknown, std::move(detail)});
  }
  return notes;
}

AttestedFacts Verification::Facts() const {
  AttestedFacts facts = {
      .module_id = std::string(document_.module_id),
      .instance_id = Owned(place_.instance_id),
      .region = Owned(place_.region),
      .partition = chain_->root->slot().partition,
      .timestamp = document_.timestamp,
      .pcrs = {},
      .release_name = release_ == nullptr ? "" : release_->name,
      .public_key = Owned(document_.public_key),
      .user_data = Owned(document_.user_data),
      .nonce = Owned(document_.nonce),
      .leaf_not_before = chain_->leaf().not_before,
      .leaf_not_after = chain_->leaf().not_after,
      .unknown_keys = {document_.unknown_keys.begin(),
                       document_.unknown_keys.end()},
      .notes = Notes(),
      .anchor_spki_sha256 = chain_->root->spki_sha256(),
      .provenance = anchors_.provenance(),
  };
  for (std::size_t i = 0; i < kPcrCount; ++i) {
    if (document_.pcrs[i].empty()) continue;
    facts.pcrs.emplace(static_cast<int>(i), document_.pcrs[i]);
  }
  return facts;
}

absl::StatusOr<AttestedFacts> Verification::Verify(Trace* trace) {
  absl::Status status;
  for (const Check& step : kChecks) {
    if (!status.ok()) {
      if (trace == nullptr) break;
      trace->NotReached(step.name);
      continue;
    }
    status = Explained((this->*step.check)());
    if (trace == nullptr) continue;
    if (status.ok()) {
      if (trace->records_all()) {
        trace->Pass(step.name, (this->*step.found)());
      }
    } else {
      trace->Fail(step.name, status);
    }
  }
  if (!status.ok()) return status;
  return Facts();
}

}  // namespace

// The only class that makes the verified types.
class AttestationVerifier {
 public:
  template <AttestationType kType>
  static absl::StatusOr<VerifiedAttestation<kType>> Verify(
      std::string_view document, const AnchorSet& anchors,
      const AttestationPolicy<kType>& policy, std::optional<absl::Time> live,
      RecordedTime recorded, ChainCache* cache, Trace* trace) {
    return WithoutExceptions(
        [&]() -> absl::StatusOr<VerifiedAttestation<kType>> {
          Verification verification(document, anchors, kType,
                                    policy.expectations(), live, recorded,
                                    cache);
          absl::StatusOr<AttestedFacts> facts = verification.Verify(trace);
          if (!facts.ok()) return facts.status();
          return VerifiedAttestation<kType>(*std::move(facts));
        });
  }
};

absl::StatusOr<VerifiedEnclave> VerifyEnclave(std::string_view document,
                                              const AnchorSet& anchors,
                                              const EnclavePolicy& policy,
                                              absl::Time now, ChainCache* cache,
                                              Trace* trace) {
  return AttestationVerifier::Verify(document, anchors, policy, now,
                                     RecordedTime::At(now), cache, trace);
}

absl::StatusOr<VerifiedNitroTpm> VerifyNitroTpm(std::string_view document,
                                                const AnchorSet& anchors,
                                                const NitroTpmPolicy& policy,
                                                absl::Time now,
                                                ChainCache* cache,
                                                Trace* trace) {
  return AttestationVerifier::Verify(document, anchors, policy, now,
                                     RecordedTime::At(now), cache, trace);
}

absl::StatusOr<VerifiedEnclave> VerifyRecordedEnclave(
    std::string_view document, const AnchorSet& anchors,
    const EnclavePolicy& policy, RecordedTime at, ChainCache* cache,
    Trace* trace) {
  return AttestationVerifier::Verify(document, anchors, policy, std::nullopt,
                                     at, cache, trace);
}

absl::StatusOr<VerifiedNitroTpm> VerifyRecordedNitroTpm(
    std::string_view document, const AnchorSet& anchors,
    const NitroTpmPolicy& policy, RecordedTime at, ChainCache* cache,
    Trace* trace) {
  return AttestationVerifier::Verify(document, anchors, policy, std::nullopt,
                                     at, cache, trace);
}

}  // namespace anchorage::verify
