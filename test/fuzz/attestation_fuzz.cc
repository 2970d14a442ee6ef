// The whole verifier of attestation documents.
//
// Input: a mode byte, then
//   mode 0        a document as it is received;
//   modes 1 and 2 a payload, which the fake Nitro's leaf signs, of an enclave
//                 or of a NitroTPM, so that mutations get past the signature;
//   modes 3 and 4 encoded members of the payload's map: the fake Nitro adds a
//                 genuine chain, of the one or the other, and signs.
// Higher modes begin again at 0. All go to the verifier of enclaves and to
// that of NitroTPMs.
// Holds for any bytes:
//   1. each verifier accepts, or it gives a reason, and not both accept;
//   2. nothing is accepted whose payload was not signed;
//   3. a document that is accepted live is accepted as a recorded one of the
//      same time, and attests the same;
//   4. what a genuine leaf signed is refused for what it says, never for its
//      chain or its signature;
//   5. what has no region or no instance says so in a note, all of which are
//      printable, and what the strict profile accepts has none.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "test/fake_aws/cbor_writer.h"
#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/fake_nitro.h"
#include "test/fuzz/fuzz.h"
#include "test/fuzz/nitro_evidence.h"
#include "verify/anchor_set.h"
#include "verify/attestation/attestation_policy.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/attestation/chain_cache.h"
#include "verify/attestation/cose.h"
#include "verify/printable.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

using verify::Family;
using verify::Reason;

constexpr std::uint8_t kModes = 5;

// What the fake Nitro puts its chain around.
struct Genuine {
  explicit Genuine(NitroType type) : spec(FakeNitro().Genuine(type)) {
    std::vector<std::string> chain = Certificates(spec);
    certificate_members = CborText("certificate") + CborBytes(chain.back());
    chain.pop_back();
    for (std::string& ca : chain) ca = CborBytes(ca);
    certificate_members += CborText("cabundle") + CborArray(chain);
  }
  NitroSpec spec;
  std::string certificate_members;
};

const Genuine& GenuineEnclave() {
  static const auto* const genuine = new Genuine(NitroType::kEnclave);
  return *genuine;
}

const Genuine& GenuineTpm() {
  static const auto* const genuine = new Genuine(NitroType::kTpm);
  return *genuine;
}

bool IsGenuinePayload(std::string_view payload) {
  static const auto* const payloads = [] {
    auto* all = new std::set<std::string, std::less<>>();
    for (const SignedAttestation& s : SignedAttestations()) {
      all->insert(Payload(s.spec));
    }
    return all;
  }();
  return payloads->find(payload) != payloads->end();
}

const verify::AnchorSet& Roots() {
  static const auto* const roots = new std::shared_ptr<const verify::AnchorSet>(
      *verify::AnchorSet::Create({FakeNitro().RootAnchor()}, {}));
  return **roots;
}

verify::ChainCache* Cache() {
  static auto* const cache = new verify::ChainCache();
  return cache;
}

template <typename Policy>
const Policy& AnyPolicy() {
  static const auto* const policy =
      new Policy(*typename Policy::Builder()
                      .AuthenticityOnly("the target checks what is accepted")
                      .Build());
  return *policy;
}

template <typename Policy>
const Policy& StrictPolicy() {
  static const auto* const policy =
      new Policy(*typename Policy::Builder()
                      .Strict()
                      .AuthenticityOnly("the target compares what is refused")
                      .Build());
  return *policy;
}

bool SameFacts(const verify::AttestedFacts& a, const verify::AttestedFacts& b) {
  return a.module_id == b.module_id && a.instance_id == b.instance_id &&
         a.region == b.region && a.timestamp == b.timestamp &&
         a.pcrs == b.pcrs && a.public_key == b.public_key &&
         a.user_data == b.user_data && a.nonce == b.nonce &&
         a.unknown_keys == b.unknown_keys && a.notes == b.notes;
}

void RequireNotes(const verify::AttestedFacts& facts, bool strictly_accepted) {
  using Kind = verify::Note::Kind;
  std::set<Kind> kinds;
  for (const verify::Note& note : facts.notes) {
    kinds.insert(note.kind);
    Require(verify::Printable(note.detail) == note.detail,
            "a note is printable");
  }
  Require(kinds.size() == facts.notes.size(), "a kind is noted once");
  Require(kinds.contains(Kind::kLeafNameUnknown) != facts.region.has_value(),
          "no region is noted");
  Require(
      kinds.contains(Kind::kModuleIdUnknown) != facts.instance_id.has_value(),
      "no instance is noted");
  Require(strictly_accepted == facts.notes.empty(),
          "the strict profile refuses what is noted");
}

// Returns the live verdict, held against the recorded one.
absl::Status JudgeEnclave(std::string_view document) {
  const auto& policy = AnyPolicy<verify::EnclavePolicy>();
  const auto live =
      verify::VerifyEnclave(document, Roots(), policy, FakeNow(), Cache());
  if (!Decided(live.status())) return live.status();
  const auto recorded = verify::VerifyRecordedEnclave(
      document, Roots(), policy, verify::RecordedTime::At(FakeNow()));
  Require(recorded.ok() && SameFacts(live->facts(), recorded->facts()),
          "live is recorded at the same time");
  const auto strictly = verify::VerifyEnclave(
      document, Roots(), StrictPolicy<verify::EnclavePolicy>(), FakeNow());
  RequireNotes(live->facts(), strictly.ok());
  return live.status();
}

absl::Status JudgeTpm(std::string_view document) {
  const auto& policy = AnyPolicy<verify::NitroTpmPolicy>();
  const auto live =
      verify::VerifyNitroTpm(document, Roots(), policy, FakeNow(), Cache());
  if (!Decided(live.status())) return live.status();
  const auto recorded = verify::VerifyRecordedNitroTpm(
      document, Roots(), policy, verify::RecordedTime::At(FakeNow()));
  Require(recorded.ok() && SameFacts(live->facts(), recorded->facts()),
          "live is recorded at the same time");
  const auto strictly = verify::VerifyNitroTpm(
      document, Roots(), StrictPolicy<verify::NitroTpmPolicy>(), FakeNow());
  RequireNotes(live->facts(), strictly.ok());
  return live.status();
}

// Returns whether either verifier accepts. With `chain_is_genuine`, requires
// that the chain and the signature are no reason to refuse.
bool Judge(std::string_view document, bool chain_is_genuine) {
  const absl::Status enclave = JudgeEnclave(document);
  const absl::Status tpm = JudgeTpm(document);
  Require(!enclave.ok() || !tpm.ok(), "a document has one type");
  for (const absl::Status& status : {enclave, tpm}) {
    if (status.ok() || !chain_is_genuine) continue;
    const Reason reason = *verify::ReasonOf(status);
    Require(verify::FamilyOf(reason) != Family::kUndecided &&
                (verify::FamilyOf(reason) != Family::kNotFromAws ||
                 reason == Reason::kLeafName),
            "what is signed is refused for what it says");
  }
  return enclave.ok() || tpm.ok();
}

void CheckReceived(std::string_view document) {
  if (!Judge(document, false)) return;
  const auto cose = verify::DecodeCoseSign1(document);
  Require(cose.ok() && IsGenuinePayload(cose->payload),
          "nothing is accepted that was not signed");
}

void CheckSigned(const Genuine& genuine, std::string_view payload,
                 bool chain_is_genuine) {
  NitroSpec spec = genuine.spec;
  // Nothing but the payload is to be signed again.
  spec.cose.key = spec.chain.back().key;
  spec.chain.clear();
  spec.document.edit_payload = [payload](const std::string&) {
    return std::string(payload);
  };
  Judge(Encode(spec), chain_is_genuine);
}

void CheckMembers(const Genuine& genuine, std::string_view members) {
  const std::string payload =
      Concat({"\xbf", members, genuine.certificate_members, "\xff"});
  CheckSigned(genuine, payload, true);
}

void Check(std::string_view input) {
  const std::uint8_t mode = TakeByte(input) % kModes;
  const Genuine& genuine = mode % 2 == 1 ? GenuineEnclave() : GenuineTpm();
  if (mode == 0) {
    CheckReceived(input);
  } else if (mode <= 2) {
    CheckSigned(genuine, input, false);
  } else {
    CheckMembers(genuine, input);
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
