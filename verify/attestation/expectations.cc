#include "verify/attestation/expectations.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "verify/attestation/boot_extensions.h"
#include "verify/attestation/value_hint.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

bool Contains(const std::vector<std::string>& allowed, std::string_view value) {
  return std::find(allowed.begin(), allowed.end(), value) != allowed.end();
}

// Whether nothing was added to what was measured that nobody allows.
absl::Status CheckAdditions(const Expectations& expected, PcrMask named,
                            const AttestationDocument& document) {
  if (expected.allow_extensions) return absl::OkStatus();
  return CheckNothingAdded(document.type, named, document.pcrs);
}

bool IsZero(std::string_view pcr) {
  return std::all_of(pcr.begin(), pcr.end(), [](char c) { return c == '\0'; });
}

absl::Status PublicKeyMismatch(std::string_view detail) {
  return Reject(Reason::kPublicKeyMismatch, detail);
}

}  // namespace

std::string FoundAsExpected(const Expectations& expected,
                            std::string_view check) {
  const auto why = expected.ignored.find(std::string(check));
  if (why == expected.ignored.end()) return "as the policy says";
  return "ignored: " + why->second;
}

absl::Status CheckNonce(const Expectations& expected,
                        const AttestationDocument& document) {
  if (!expected.nonce.has_value()) return absl::OkStatus();
  if (!document.nonce.has_value()) {
    return Reject(Reason::kNonceMissing, "the document has no nonce");
  }
  if (!ConstantTimeEquals(*document.nonce, *expected.nonce)) {
    return WithHint(Reject(Reason::kNonceMismatch, "the nonce is another one"),
                    ValueHint(*expected.nonce, *document.nonce));
  }
  return absl::OkStatus();
}

absl::Status CheckUserData(const Expectations& expected,
                           const AttestationDocument& document) {
  if (!expected.user_data.has_value()) return absl::OkStatus();
  if (!document.user_data.has_value()) {
    return Reject(Reason::kUserDataMismatch, "the document has no user data");
  }
  if (!ConstantTimeEquals(*document.user_data, *expected.user_data)) {
    return WithHint(
        Reject(Reason::kUserDataMismatch, "the user data is other data"),
        ValueHint(*expected.user_data, *document.user_data));
  }
  return absl::OkStatus();
}

absl::Status CheckPublicKey(const Expectations& expected,
                            const AttestationDocument& document) {
  if (!expected.public_key_present && !expected.public_key.has_value()) {
    return absl::OkStatus();
  }
  if (!document.public_key.has_value()) {
    return PublicKeyMismatch("the document has no public key");
  }
  if (expected.public_key_present && document.public_key->empty()) {
    return PublicKeyMismatch("the document's public key is empty");
  }
  if (expected.public_key.has_value() &&
      *document.public_key != *expected.public_key) {
    return PublicKeyMismatch("the public key is another one");
  }
  if (!expected.public_key_types.has_value()) return absl::OkStatus();
  const absl::StatusOr<PublicKey> key =
      PublicKey::FromSpki(*document.public_key);
  if (!key.ok()) {
    if (IsUndecided(key.status())) return key.status();
    return PublicKeyMismatch("the public key is not a SubjectPublicKeyInfo");
  }
  const std::vector<KeyType>& types = *expected.public_key_types;
  if (std::find(types.begin(), types.end(), key->type()) == types.end()) {
    return PublicKeyMismatch("the public key is of another type");
  }
  return absl::OkStatus();
}

absl::Status CheckDebug(const Expectations& expected,
                        const AttestationDocument& document) {
  if (document.type != AttestationType::kEnclave || expected.allow_debug) {
    return absl::OkStatus();
  }
  // An absent PCR is empty, which states no measurement either.
  if (IsZero(document.pcrs[0]) && IsZero(document.pcrs[1]) &&
      IsZero(document.pcrs[2])) {
    return Reject(Reason::kDebugEnclave,
                  "PCR0, PCR1 and PCR2 are zero: the enclave runs in debug "
                  "mode, where its operator can read its memory");
  }
  return absl::OkStatus();
}

absl::Status CheckMeasurements(const Expectations& expected,
                               const AttestationDocument& document) {
  if (expected.condition.has_value()) {
    absl::Status holds = expected.condition->Check(document.pcrs);
    if (!holds.ok()) return holds;
    return CheckAdditions(expected, expected.condition->named(), document);
  }
  if (!expected.pcrs.has_value()) return absl::OkStatus();
  std::optional<int> mismatch;
  absl::Status added;
  for (const PcrSet& set : *expected.pcrs) {
    mismatch = set.FirstMismatch(document.pcrs);
    if (mismatch.has_value()) continue;
    added = CheckAdditions(expected, set.named(), document);
    if (added.ok()) return added;
  }
  if (!added.ok()) return added;
  if (expected.pcrs->size() == 1 && mismatch.has_value()) {
    return Reject(Reason::kPcrMismatch,
                  absl::StrCat("PCR", *mismatch, " is absent or differs"));
  }
  return Reject(Reason::kPcrMismatch,
                absl::StrCat("none of ", expected.pcrs->size(),
                             " sets of measurements matches"));
}

absl::StatusOr<const Release*> CheckRelease(const Expectations& expected,
                                            const AttestationDocument& document,
                                            absl::Time at) {
  if (!expected.release.has_value()) return nullptr;
  const auto& [product, releases] = *expected.release;
  if (releases == nullptr) {
    return Reject(Reason::kReleaseUnknown, "there is no list of releases");
  }
  return releases->Find(document.type, product, document.pcrs, at,
                        expected.allow_extensions);
}

absl::Status CheckModule(const Expectations& expected,
                         std::string_view module_id,
                         std::optional<std::string_view> instance_id) {
  if (expected.modules.has_value() && !Contains(*expected.modules, module_id)) {
    return Reject(Reason::kModuleNotAllowed, "the module is another one");
  }
  if (!expected.instances.has_value()) return absl::OkStatus();
  if (!instance_id.has_value()) {
    return Reject(Reason::kInstanceNotAllowed,
                  "the module id names no instance in a form that is known");
  }
  if (!Contains(*expected.instances, *instance_id)) {
    return Reject(Reason::kInstanceNotAllowed, "the instance is another one");
  }
  return absl::OkStatus();
}

absl::Status CheckRegion(const Expectations& expected,
                         std::optional<std::string_view> region) {
  if (!expected.regions.has_value()) return absl::OkStatus();
  if (!region.has_value()) {
    return Reject(Reason::kRegionNotAllowed,
                  "the leaf names no region in a form that is known");
  }
  if (!Contains(*expected.regions, *region)) {
    return Reject(Reason::kRegionNotAllowed, "the region is another one");
  }
  return absl::OkStatus();
}

}  // namespace anchorage::verify
