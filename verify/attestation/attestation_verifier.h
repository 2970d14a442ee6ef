// Verifies Nitro attestation documents, of enclaves and of instances with a
// NitroTPM.
//
//   auto enclave = VerifyEnclave(document, anchors, policy, now, &cache);
//   if (!enclave.ok()) return enclave.status();  // ReasonOf() names the check
//   Release(secret, enclave->public_key());
//
// The call proves, in this order: the document is well formed; its
// certificates are a chain from a pinned root; each is valid at the time; the
// leaf signed the document; no name in a known form is of another module,
// region or partition; the document is fresh; it attests what the policy
// expects. attestation_policy.h says how to make a policy.
//
// Live and recorded documents are two calls. VerifyEnclave() is for a document
// that somebody presents now: `now` is the caller's clock, and an old document
// is refused. VerifyRecordedEnclave() says whether a document was good at some
// other time; it proves nothing about the present.
//
// Pure: no clock, no network (AWS says that CRLs must not be consulted), no
// globals. The same arguments give the same answer, with or without a cache,
// and any number of threads may call at once.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_ATTESTATION_VERIFIER_H_
#define ANCHORAGE_VERIFY_ATTESTATION_ATTESTATION_VERIFIER_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "verify/anchor_set.h"
#include "verify/attestation/attestation_document.h"
#include "verify/attestation/attestation_policy.h"
#include "verify/attestation/chain_cache.h"
#include "verify/attestation/note.h"
#include "verify/trace.h"

namespace anchorage::verify {

// A longer document is refused before any of it is read. AWS's documents have 5
// KiB, and 8 KiB with all optional fields full.
inline constexpr std::size_t kMaxAttestationDocumentBytes = 32 * 1024;

// A clock that reads this much earlier than the anchors' own as_of is wrong.
inline constexpr absl::Duration kClockSuspectAfter = absl::Minutes(5);

// What a document attests. A value of this type alone proves nothing; a
// VerifiedAttestation does.
struct AttestedFacts {
  // "i-…-enc…" or "i-…-tpm…".
  std::string module_id;
  // The instance that `module_id` begins with; nullopt, and noted, if it does
  // not. Code that keys anything on the instance must refuse evidence without
  // one: to treat nullopt as a value would make one machine of all that have
  // none.
  std::optional<std::string> instance_id;
  // From the leaf's name; nullopt, and noted, where that name is in no known
  // form. The same holds for code that keys anything on the region.
  std::optional<std::string> region;
  // From the slot of the root.
  std::string partition;
  // When the document was made.
  absl::Time timestamp;
  // PCR values by index: 48 bytes each in every document ever seen; 32 or 64
  // are legal.
  std::map<int, std::string> pcrs;
  // The release whose measurements these are; empty if the policy expects
  // none.
  std::string release_name;
  // nullopt where the field is absent; an empty string where it is present and
  // empty.
  std::optional<std::string> public_key;
  std::optional<std::string> user_data;
  std::optional<std::string> nonce;
  // The validity of the leaf certificate, both ends included.
  absl::Time leaf_not_before;
  absl::Time leaf_not_after;
  // Fields that this version does not know: signed, but not judged. At most the
  // first kMaxUnknownKeys, as they are in the document.
  std::vector<std::string> unknown_keys;
  // Must be shown wherever these facts are shown.
  std::vector<Note> notes;
  // The root's anchor, named by the SHA-256 of its key in hex, and where the
  // set of anchors came from.
  std::string anchor_spki_sha256;
  AnchorProvenance provenance;
};

// What AWS attests about an enclave, or about an instance with a NitroTPM.
// Only the calls below make one: holding one is the proof. Owns its data.
template <AttestationType kType>
class VerifiedAttestation {
 public:
  static constexpr AttestationType type() { return kType; }

  const AttestedFacts& facts() const { return facts_; }
  const std::string& module_id() const { return facts_.module_id; }
  const std::optional<std::string>& instance_id() const {
    return facts_.instance_id;
  }
  const std::optional<std::string>& region() const { return facts_.region; }
  const std::string& partition() const { return facts_.partition; }
  absl::Time timestamp() const { return facts_.timestamp; }
  const std::map<int, std::string>& pcrs() const { return facts_.pcrs; }
  const std::optional<std::string>& public_key() const {
    return facts_.public_key;
  }
  const std::optional<std::string>& user_data() const {
    return facts_.user_data;
  }
  const std::optional<std::string>& nonce() const { return facts_.nonce; }

 private:
  friend class AttestationVerifier;
  explicit VerifiedAttestation(AttestedFacts facts)
      : facts_(std::move(facts)) {}

  AttestedFacts facts_;
};

using VerifiedEnclave = VerifiedAttestation<AttestationType::kEnclave>;
using VerifiedNitroTpm = VerifiedAttestation<AttestationType::kNitroTpm>;

// The time at which a recorded document is judged.
class RecordedTime {
 public:
  static constexpr RecordedTime At(absl::Time time) {
    return RecordedTime(time);
  }
  // The document's own time: was it good when it was made? Whoever holds an old
  // document and the key of its leaf can choose that time.
  static const RecordedTime kAtDocumentTime;

  // nullopt for the document's own time.
  constexpr std::optional<absl::Time> time() const { return time_; }

 private:
  constexpr explicit RecordedTime(std::optional<absl::Time> time)
      : time_(time) {}

  std::optional<absl::Time> time_;
};

inline constexpr RecordedTime RecordedTime::kAtDocumentTime(std::nullopt);

// Verifies a document that somebody presents at the time `now`. `cache` and
// `trace` may be null. Fails with any reason of reason.h that concerns
// attestation documents; kClockSuspect says that `now` cannot be right. Never
// throws; kResourcesExhausted where memory runs out.
absl::StatusOr<VerifiedEnclave> VerifyEnclave(std::string_view document,
                                              const AnchorSet& anchors,
                                              const EnclavePolicy& policy,
                                              absl::Time now,
                                              ChainCache* cache = nullptr,
                                              Trace* trace = nullptr);
absl::StatusOr<VerifiedNitroTpm> VerifyNitroTpm(std::string_view document,
                                                const AnchorSet& anchors,
                                                const NitroTpmPolicy& policy,
                                                absl::Time now,
                                                ChainCache* cache = nullptr,
                                                Trace* trace = nullptr);

// Verifies a document as of another time. As above, but without freshness,
// clock and leeway: certificates must be valid exactly at `at`, and the root's
// anchor usable at `at` and when `anchors` were made.
absl::StatusOr<VerifiedEnclave> VerifyRecordedEnclave(
    std::string_view document, const AnchorSet& anchors,
    const EnclavePolicy& policy, RecordedTime at, ChainCache* cache = nullptr,
    Trace* trace = nullptr);
absl::StatusOr<VerifiedNitroTpm> VerifyRecordedNitroTpm(
    std::string_view document, const AnchorSet& anchors,
    const NitroTpmPolicy& policy, RecordedTime at, ChainCache* cache = nullptr,
    Trace* trace = nullptr);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_ATTESTATION_VERIFIER_H_
