// Genuine documents that are stale, for another, or refused by the policy; and
// policies that must not exist.

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "test/attacks/attestation_case.h"
#include "verify/attestation/pcr_set.h"
#include "verify/attestation/release.h"
#include "verify/crypto/public_key.h"

namespace anchorage::test {
namespace {

using verify::EnclavePolicy;
using verify::NitroTpmPolicy;
using verify::PcrSet;
using verify::Reason;
using verify::RecordedTime;
using verify::Release;
using verify::ReleaseSet;
using verify::ReleaseStatus;

constexpr char kWhy[] = "not what the row is about";

// A policy that expects one thing.
void Expect(AttestationCase& c,
            std::function<void(EnclavePolicy::Builder&)> say) {
  c.UsePolicy([say](EnclavePolicy::Builder& policy) {
    say(policy);
    policy.IgnoreTheRest(kWhy);
  });
}

void ExpectNonce(AttestationCase& c, std::string nonce) {
  Expect(c, [nonce](EnclavePolicy::Builder& p) { p.ExpectNonce(nonce); });
}

// The genuine values of some PCRs.
std::map<int, std::string> Pcrs(NitroType type,
                                const std::vector<int>& indexes) {
  std::map<int, std::string> values;
  for (const auto& [index, value] : GenuinePcrs(type)) {
    for (const int wanted : indexes) {
      if (static_cast<int>(index) == wanted) values[wanted] = value;
    }
  }
  return values;
}

// Uses the set, or, if it cannot be made, the reason why not.
void ExpectPcrs(AttestationCase& c, const absl::StatusOr<PcrSet>& set) {
  if (!set.ok()) {
    c.enclave_policy = set.status();
    return;
  }
  Expect(c, [&set](EnclavePolicy::Builder& p) { p.ExpectPcrs(*set); });
}

void ExpectTpmPcrs(AttestationCase& c, std::map<int, std::string> values) {
  c.UseTpmPolicy([values](NitroTpmPolicy::Builder& policy) {
    policy.ExpectPcrs(*PcrSet::FromBytes(values)).IgnoreTheRest(kWhy);
  });
}

// The release that the genuine evidence is of.
Release GenuineRelease(NitroType type) {
  const bool enclave = type == NitroType::kEnclave;
  return {.type = enclave ? verify::AttestationType::kEnclave
                          : verify::AttestationType::kNitroTpm,
          .product = "signer",
          .name = "2.3.0",
          .pcrs = *PcrSet::FromBytes(
              Pcrs(type, enclave ? std::vector{0, 1, 2} : std::vector{4, 12}))};
}

void ExpectRelease(AttestationCase& c, std::vector<Release> releases) {
  Expect(c, [&releases](EnclavePolicy::Builder& policy) {
    policy.ExpectRelease("signer",
                         std::make_shared<const ReleaseSet>(releases));
  });
}

void MakeDebug(AttestationCase& c) {
  for (auto& [index, value] : *c.document().pcrs) {
    if (index <= 2) value = std::string(48, '\0');
  }
}

// The genuine document of another time than FakeNow().
void SendDocumentOf(AttestationCase& c, absl::Time at) {
  c.spec = c.aws.Genuine(NitroType::kEnclave, at);
}

std::vector<AttestationAttack> NonceAttacks() {
  using Case = AttestationCase;
  const auto send = [](Case& c, OptionalField nonce) {
    c.document().nonce = std::move(nonce);
    ExpectNonce(c, "mine");
  };
  return {
      {"75", By::kOwner, "a nonce is expected, and it is null",
       [send](Case& c) { send(c, OptionalField::Null()); },
       Reason::kNonceMissing},
      {"76", By::kOwner, "a nonce is expected, and it is empty",
       [send](Case& c) { send(c, OptionalField::Bytes("")); },
       Reason::kNonceMismatch},
      {"77b", By::kOwner, "a nonce is expected, and there is none",
       [send](Case& c) { send(c, OptionalField::Absent()); },
       Reason::kNonceMissing},
      {"n20a", By::kOwner, "a nonce that begins like the expected one",
       [send](Case& c) { send(c, OptionalField::Bytes("min")); },
       Reason::kNonceMismatch},
      {"n20b", By::kOwner, "a nonce that goes on after the expected one",
       [send](Case& c) {
         send(c, OptionalField::Bytes(std::string_view("mine\0", 5)));
       },
       Reason::kNonceMismatch},
      {"n20c", By::kNobody, "the expected nonce",
       [send](Case& c) { send(c, OptionalField::Bytes("mine")); }, kAccepted},
      {"x40", By::kOwner, "other user data",
       [](Case& c) {
         c.document().user_data = OptionalField::Bytes("his");
         Expect(c, [](auto& p) { p.ExpectUserData("mine"); });
       },
       Reason::kUserDataMismatch},
      {"x41", By::kOwner, "null where empty user data is expected",
       [](Case& c) { Expect(c, [](auto& p) { p.ExpectUserData(""); }); },
       Reason::kUserDataMismatch},
      {"x42", By::kOwner, "no public key where one is expected",
       [](Case& c) { Expect(c, [](auto& p) { p.ExpectPublicKeyPresent(); }); },
       Reason::kPublicKeyMismatch},
      {"x43", By::kOwner, "an RSA-1024 key where P-384 is expected",
       [](Case& c) {
         c.document().public_key =
             OptionalField::Bytes(TestKey::Rsa(1024, 0).spki_der());
         Expect(c, [](auto& p) {
           p.ExpectPublicKeyOfType({verify::KeyType::kEcP384});
         });
       },
       Reason::kPublicKeyMismatch},
      {"x44", By::kOwner, "no key at all where a P-384 key is expected",
       [](Case& c) {
         c.document().public_key = OptionalField::Bytes("not a key");
         Expect(c, [](auto& p) {
           p.ExpectPublicKeyOfType({verify::KeyType::kEcP384});
         });
       },
       Reason::kPublicKeyMismatch},
  };
}

std::vector<AttestationAttack> MeasurementAttacks() {
  using Case = AttestationCase;
  const auto hex = [](std::string value) {
    return [value](Case& c) { ExpectPcrs(c, PcrSet::FromHex({{0, value}})); };
  };
  return {
      {"60a", By::kOwner, "an enclave in debug mode", MakeDebug,
       Reason::kDebugEnclave},
      {"60b", By::kNobody, "the same, which the policy allows",
       [](Case& c) {
         MakeDebug(c);
         c.UsePolicy([](EnclavePolicy::Builder& policy) {
           policy.AllowDebug("a test bench").AuthenticityOnly(kWhy);
         });
       },
       kAccepted},
      {"n11a", By::kNobody, "an empty set of PCRs is expected",
       [](Case& c) { ExpectPcrs(c, PcrSet::FromHex({})); },
       Reason::kPolicyEmpty},
      {"n11b", By::kNobody, "one of no sets of PCRs is expected",
       [](Case& c) { Expect(c, [](auto& p) { p.ExpectPcrsAnyOf({}); }); },
       Reason::kPolicyEmpty},
      {"n11c", By::kNobody, "nothing is expected",
       [](Case& c) { Expect(c, [](auto&) {}); }, Reason::kPolicyEmpty},
      {"n11d", By::kNobody, "an empty nonce is expected",
       [](Case& c) { ExpectNonce(c, ""); }, Reason::kPolicyEmpty},
      {"n12a", By::kNobody, "an expected PCR in upper case",
       hex(std::string(96, 'A')), Reason::kPcrMismatch},
      {"n12b", By::kNobody, "an expected PCR of an odd length",
       hex(std::string(95, 'a')), Reason::kEncodingMalformed},
      {"n12c", By::kNobody, "an expected PCR with 0x before it",
       hex("0x" + std::string(96, 'a')), Reason::kEncodingMalformed},
      {"n12d", By::kNobody, "an expected PCR that is empty", hex(""),
       Reason::kEncodingMalformed},
      {"n12e", By::kNobody, "an expected PCR that is a SHA-256",
       hex(std::string(64, 'a')), Reason::kFieldInvalid},
      {"n13a", By::kOwner, "a PCR is expected that the document has not",
       [](Case& c) {
         auto values = Pcrs(NitroType::kEnclave, {0});
         values[20] = std::string(48, '\0');
         ExpectPcrs(c, PcrSet::FromBytes(values));
       },
       Reason::kPcrMismatch},
      {"n13b", By::kOwner, "PCRs of another release",
       [](Case& c) {
         auto values = Pcrs(NitroType::kEnclave, {0, 1, 2});
         values[2][47] = static_cast<char>(values[2][47] ^ 1);
         ExpectPcrs(c, PcrSet::FromBytes(values));
       },
       Reason::kPcrMismatch},
      {"n13c", By::kNobody, "the PCRs of the release",
       [](Case& c) {
         ExpectPcrs(c,
                    PcrSet::FromBytes(Pcrs(NitroType::kEnclave, {0, 1, 2, 8})));
       },
       kAccepted},
      {"n21", By::kOwner, "an enclave's policy for a NitroTPM's document",
       [](Case& c) {
         c.SendTpmDocument();
         ExpectPcrs(c, PcrSet::FromBytes(Pcrs(NitroType::kTpm, {0, 1, 2})));
       },
       Reason::kWrongDocumentType},
      {"x45", By::kNobody, "a NitroTPM policy on PCR4 alone",
       [](Case& c) { ExpectTpmPcrs(c, Pcrs(NitroType::kTpm, {4})); },
       Reason::kPolicyUnsafe},
      {"x46", By::kNobody, "PCR4 and the PCR7 of Secure Boot turned off",
       [](Case& c) {
         ExpectTpmPcrs(c, Pcrs(NitroType::kTpm, {4, 7}));
       },
       Reason::kPolicyUnsafe},
      {"x47", By::kNobody, "PCR4 and a PCR12 that is zero",
       [](Case& c) {
         ExpectTpmPcrs(c, Pcrs(NitroType::kTpm, {4, 12}));
       },
       kAccepted},
      {"x47a", By::kNobody, "a NitroTPM policy on PCR12 = 0 alone",
       [](Case& c) { ExpectTpmPcrs(c, Pcrs(NitroType::kTpm, {12})); },
       Reason::kPolicyUnsafe},
      {"x47b", By::kNobody, "PCRs that are the same on every instance",
       [](Case& c) {
         ExpectTpmPcrs(c, Pcrs(NitroType::kTpm, {0, 2, 3, 6, 7, 17}));
       },
       Reason::kPolicyUnsafe},
      {"x47c", By::kNobody, "PCRs that whoever runs the instance can reset",
       [](Case& c) {
         ExpectTpmPcrs(c, Pcrs(NitroType::kTpm, {16, 23}));
       },
       Reason::kPolicyUnsafe},
      {"x47d", By::kNobody, "the kernel of enclaves of unrelated owners",
       [](Case& c) {
         ExpectPcrs(c, PcrSet::FromBytes(Pcrs(NitroType::kEnclave, {1})));
       },
       Reason::kPolicyUnsafe},
      {"x48", By::kOwner, "a kernel command line was appended",
       [](Case& c) {
         ExpectTpmPcrs(c, Pcrs(NitroType::kTpm, {4, 12}));
         c.document().nitrotpm_pcrs->at(12).second = std::string(48, 'c');
       },
       Reason::kPcrMismatch},
      {"x48a", By::kOwner, "an extension beside the image",
       [](Case& c) {
         ExpectTpmPcrs(c, Pcrs(NitroType::kTpm, {4, 12}));
         c.document().nitrotpm_pcrs->at(13).second = std::string(48, 'c');
       },
       Reason::kBootExtended},
      {"x48b", By::kOwner, "an extension beside the image of a release",
       [](Case& c) {
         c.UseTpmPolicy([](NitroTpmPolicy::Builder& policy) {
           policy
               .ExpectRelease("signer",
                              std::make_shared<ReleaseSet>(
                                  std::vector{GenuineRelease(NitroType::kTpm)}))
               .IgnoreTheRest(kWhy);
         });
         c.document().nitrotpm_pcrs->at(13).second = std::string(48, 'c');
       },
       Reason::kBootExtended},
      {"x49", By::kNobody, "a policy that leaves something unsaid",
       [](Case& c) {
         c.UsePolicy([](EnclavePolicy::Builder& p) { p.ExpectNonce("n"); });
       },
       Reason::kPolicyIncomplete},
      {"x50", By::kOwner, "a module that is not expected",
       [](Case& c) { Expect(c, [](auto& p) { p.ExpectModules({"i-1"}); }); },
       Reason::kModuleNotAllowed},
      {"x51", By::kOwner, "an instance that is not expected",
       [](Case& c) { Expect(c, [](auto& p) { p.ExpectInstances({"i-1"}); }); },
       Reason::kInstanceNotAllowed},
      {"x52", By::kOwner, "a region that is not expected",
       [](Case& c) {
         Expect(c, [](auto& p) { p.ExpectRegions({"us-east-2"}); });
       },
       Reason::kRegionNotAllowed},
  };
}

std::vector<AttestationAttack> ReleaseAttacks() {
  using Case = AttestationCase;
  // Expects a release that is the genuine one but for one thing.
  const auto expect = [](auto change) {
    return [change](Case& c) {
      Release release = GenuineRelease(NitroType::kEnclave);
      change(release, c.now);
      ExpectRelease(c, {release});
    };
  };
  return {
      {"x60", By::kNobody, "an active release",
       expect([](Release&, absl::Time) {}), kAccepted},
      {"x61", By::kOwner, "a build that was never released",
       [](Case& c) {
         ExpectRelease(c, {GenuineRelease(NitroType::kEnclave)});
         c.document().pcrs->at(2).second[47] ^= 1;
       },
       Reason::kReleaseUnknown},
      {"x62", By::kOwner, "a retired release",
       expect([](Release& release, absl::Time) {
         release.status = ReleaseStatus::kRetired;
       }),
       Reason::kReleaseUnknown},
      {"x63", By::kOwner, "a release after its window",
       expect([](Release& release, absl::Time now) {
         release.valid_until = now - absl::Seconds(1);
       }),
       Reason::kReleaseUnknown},
      {"x64", By::kOwner, "a release before its window",
       expect([](Release& release, absl::Time now) {
         release.valid_from = now + absl::Seconds(1);
       }),
       Reason::kReleaseUnknown},
      {"x65", By::kOwner, "a revoked release",
       expect([](Release& release, absl::Time) {
         release.status = ReleaseStatus::kRevoked;
       }),
       Reason::kReleaseRevoked},
      {"x66", By::kOwner, "a revoked release that is listed as active too",
       [](Case& c) {
         Release revoked = GenuineRelease(NitroType::kEnclave);
         revoked.name = "2.3.1";
         revoked.status = ReleaseStatus::kRevoked;
         ExpectRelease(c, {GenuineRelease(NitroType::kEnclave), revoked});
       },
       Reason::kReleaseRevoked},
      {"x67", By::kOwner, "a release of another product",
       expect([](Release& release, absl::Time) { release.product = "shop"; }),
       Reason::kReleaseUnknown},
      {"x68", By::kNobody, "a release is expected, and there is no list",
       [](Case& c) {
         Expect(c, [](auto& p) { p.ExpectRelease("signer", nullptr); });
       },
       Reason::kReleaseUnknown},
      {"x69", By::kOwner, "a debug enclave where a release is expected",
       [](Case& c) {
         ExpectRelease(c, {GenuineRelease(NitroType::kEnclave)});
         MakeDebug(c);
       },
       Reason::kDebugEnclave},
      {"x70", By::kNobody, "an active release of a NitroTPM image",
       [](Case& c) {
         c.UseTpmPolicy([](NitroTpmPolicy::Builder& policy) {
           policy
               .ExpectRelease("signer",
                              std::make_shared<const ReleaseSet>(
                                  std::vector{GenuineRelease(NitroType::kTpm)}))
               .IgnoreTheRest(kWhy);
         });
       },
       kAccepted},
  };
}

}  // namespace

std::vector<AttestationAttack> FreshnessAttacks() {
  using Case = AttestationCase;
  return {
      {"55a", By::kSigner, "a timestamp in a year",
       [](Case& c) {
         c.document().timestamp =
             absl::ToUnixMillis(c.now + absl::Hours(24 * 365));
       },
       Reason::kTimestampOutsideLeaf},
      {"55b", By::kSigner, "a timestamp in a minute",
       [](Case& c) {
         c.document().timestamp = absl::ToUnixMillis(c.now + absl::Minutes(1));
       },
       Reason::kFromTheFuture},
      {"56a", By::kSigner, "a timestamp of 2019",
       [](Case& c) { c.document().timestamp = 1577750400000; },
       Reason::kTimestampOutsideLeaf},
      {"56b", By::kOwner, "a genuine document of ten minutes ago",
       [](Case& c) { SendDocumentOf(c, c.now - absl::Minutes(10)); },
       Reason::kTooOld},
      {"56c", By::kNobody, "one of just under five minutes ago",
       [](Case& c) { SendDocumentOf(c, c.now - absl::Seconds(299)); },
       kAccepted},
      {"n15a", By::kOwner, "yesterday's document, as if it were live",
       [](Case& c) { SendDocumentOf(c, c.now - absl::Hours(24)); },
       Reason::kIssuerExpired},
      {"n15b", By::kNobody, "the same, recorded, at its own time",
       [](Case& c) {
         SendDocumentOf(c, c.now - absl::Hours(24));
         c.recorded = RecordedTime::kAtDocumentTime;
       },
       kAccepted},
      {"n15c", By::kOwner, "the same, recorded, at the present time",
       [](Case& c) {
         SendDocumentOf(c, c.now - absl::Hours(24));
         c.recorded = RecordedTime::At(c.now);
       },
       Reason::kIssuerExpired},
      {"n16a", By::kNobody, "a clock ten minutes back, within the leeway",
       [](Case& c) {
         c.now -= absl::Minutes(10) - absl::Seconds(1);
         c.UsePolicy([](EnclavePolicy::Builder& policy) {
           policy.WithClockLeeway(absl::Minutes(10)).AuthenticityOnly(kWhy);
         });
       },
       kAccepted},
      {"n16b", By::kNobody, "a clock ten minutes back, beyond the leeway",
       [](Case& c) { c.now -= absl::Minutes(10); }, Reason::kLeafNotYetValid},
      {"n16c", By::kNobody, "the same, where the anchors tell the clock is off",
       [](Case& c) {
         c.provenance.as_of = c.now;
         c.now -= absl::Minutes(10);
       },
       Reason::kClockSuspect},
  };
}

std::vector<AttestationAttack> AttestationPolicyAttacks() {
  return Join<AttestationCase>(
      {NonceAttacks(), MeasurementAttacks(), ReleaseAttacks()});
}

}  // namespace anchorage::test
