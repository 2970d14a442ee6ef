// Attacks in the payload: fields, PCRs, and the type of document.

#include <string>
#include <utility>

#include "test/attacks/attestation_case.h"

namespace anchorage::test {
namespace {

using verify::Reason;

void RemoveField(AttestationCase& c, std::string key) {
  c.document().edit_members = [key](std::vector<CborMember>& members) {
    RemoveMember(members, key);
  };
}

void SetField(AttestationCase& c, std::string key, std::string value) {
  c.document().edit_members = [=](std::vector<CborMember>& members) {
    FindMember(members, key)->second = value;
  };
}

// Adds a second `pcrs`, which says what a liar would like to be measured.
void AddEvilPcrs(AttestationCase& c, bool first) {
  c.document().edit_members = [first](std::vector<CborMember>& members) {
    const std::string evil =
        PcrMap({{0, std::string(48, 'e')}, {1, std::string(48, 'e')}});
    members.insert(first ? members.begin() : members.end(),
                   {CborText("pcrs"), evil});
  };
}

AttestationAttack Missing(std::string id, std::string key) {
  return {std::move(id), By::kSigner, "no " + key,
          [key](AttestationCase& c) { RemoveField(c, key); },
          Reason::kFieldMissing};
}

AttestationAttack Invalid(std::string id, By by, std::string what,
                          std::function<void(AttestationCase&)> change) {
  return {std::move(id), by, std::move(what), std::move(change),
          Reason::kFieldInvalid};
}

}  // namespace

std::vector<AttestationAttack> DocumentAttacks() {
  using Case = AttestationCase;
  return {
      Missing("50a", "module_id"),
      Missing("50b", "digest"),
      Missing("50c", "timestamp"),
      Missing("50d", "cabundle"),
      Missing("51", "pcrs"),
      Missing("n10a", "certificate"),
      Invalid("n10b", By::kSigner, "a certificate that is null",
              [](Case& c) { SetField(c, "certificate", CborNull()); }),
      {"52a", By::kSigner, "a digest that is SHA256",
       [](Case& c) { c.document().digest = "SHA256"; },
       Reason::kDigestUnsupported},
      {"52b", By::kSigner, "a digest that is sha384",
       [](Case& c) { c.document().digest = "sha384"; },
       Reason::kDigestUnsupported},
      Invalid("53", By::kSigner, "a timestamp of 0",
              [](Case& c) { c.document().timestamp = 0; }),
      Invalid("54", By::kSigner, "a timestamp of -1",
              [](Case& c) { c.document().timestamp = -1; }),
      Invalid("57", By::kSigner, "a PCR with index 32",
              [](Case& c) {
                c.document().pcrs->emplace_back(32, std::string(48, 'm'));
              }),
      Invalid("58a", By::kSigner, "a PCR of 47 bytes",
              [](Case& c) { c.document().pcrs->at(3).second.pop_back(); }),
      Invalid("58b", By::kSigner, "a PCR of no bytes",
              [](Case& c) { c.document().pcrs->at(3).second.clear(); }),
      Invalid("59", By::kSigner, "an empty map of PCRs",
              [](Case& c) { c.document().pcrs->clear(); }),
      {"61", By::kNobody, "PCRs 0, 1, 2, 3, 4 and 8 only",
       [](Case& c) {
         PcrBank& bank = *c.document().pcrs;
         bank = {bank[0], bank[1], bank[2], bank[3], bank[4], bank[8]};
       },
       kAccepted},
      {"62", By::kSigner, "pcrs twice, the liar's last",
       [](Case& c) { AddEvilPcrs(c, false); }, Reason::kDuplicateKey},
      {"63", By::kSigner, "pcrs twice, the liar's first",
       [](Case& c) { AddEvilPcrs(c, true); }, Reason::kDuplicateKey},
      {"64", By::kSigner, "PCR0 twice",
       [](Case& c) {
         c.document().pcrs->emplace_back(0, std::string(48, 'e'));
       },
       Reason::kDuplicateKey},
      {"65", By::kSigner, "\"PCRS\" for \"pcrs\"",
       [](Case& c) {
         c.document().edit_members = [](std::vector<CborMember>& members) {
           FindMember(members, "pcrs")->first = CborText("PCRS");
         };
       },
       Reason::kFieldMissing},
      {"66a", By::kOwner, "a NitroTPM's document to a verifier of enclaves",
       [](Case& c) { c.SendTpmDocument(); }, Reason::kWrongDocumentType},
      {"66b", By::kOwner, "an enclave's document to a verifier of NitroTPMs",
       [](Case& c) { c.verify_as_tpm = true; }, Reason::kWrongDocumentType},
      {"67", By::kSigner, "both pcrs and nitrotpm_pcrs",
       [](Case& c) {
         c.document().nitrotpm_pcrs = GenuinePcrs(NitroType::kTpm);
       },
       Reason::kAmbiguousDocumentType},
      {"67b", By::kSigner, "pcrs, and PCRs of a kind that nobody knows yet",
       [](Case& c) {
         c.document().edit_members = [](std::vector<CborMember>& members) {
           members.emplace_back(CborText("nitrotpm2_pcrs"), CborMap({}));
         };
       },
       Reason::kAmbiguousDocumentType},
      {"67c", By::kSigner, "pcrs, and PCRS, which some readers take for it",
       [](Case& c) {
         c.document().edit_members = [](std::vector<CborMember>& members) {
           members.emplace_back(CborText("PCRS"), CborMap({}));
         };
       },
       Reason::kAmbiguousDocumentType},
      {"68a", By::kNobody, "a field that nobody knows yet",
       [](Case& c) {
         c.document().edit_members = [](std::vector<CborMember>& members) {
           members.emplace_back(CborText("host_key"), CborBytes("k"));
         };
       },
       kAccepted},
      {"68b", By::kNobody, "the same to a strict policy",
       [](Case& c) {
         c.document().edit_members = [](std::vector<CborMember>& members) {
           members.emplace_back(CborText("host_key"), CborBytes("k"));
         };
         c.UsePolicy([](verify::EnclavePolicy::Builder& policy) {
           policy.RefuseUnknownFields().AuthenticityOnly("elsewhere");
         });
       },
       Reason::kFieldUnknown},
      {"71a", By::kOwner, "a public key of no bytes, and none expected",
       [](Case& c) { c.document().public_key = OptionalField::Bytes(""); },
       kAccepted},
      {"71b", By::kOwner, "a public key of no bytes where one must be there",
       [](Case& c) {
         c.document().public_key = OptionalField::Bytes("");
         c.UsePolicy([](verify::EnclavePolicy::Builder& policy) {
           policy.ExpectPublicKeyPresent().IgnoreTheRest("elsewhere");
         });
       },
       Reason::kPublicKeyMismatch},
      {"71c", By::kOwner, "no public key where one of no bytes is expected",
       [](Case& c) {
         c.UsePolicy([](verify::EnclavePolicy::Builder& policy) {
           policy.ExpectPublicKey("").IgnoreTheRest("elsewhere");
         });
       },
       Reason::kPublicKeyMismatch},
      Invalid("72", By::kOwner, "a public key of 1,025 bytes",
              [](Case& c) {
                c.document().public_key =
                    OptionalField::Bytes(std::string(1025, 'k'));
              }),
      {"73", By::kOwner, "user data of 1,024 bytes",
       [](Case& c) {
         c.document().user_data = OptionalField::Bytes(std::string(1024, 'u'));
       },
       kAccepted},
      Invalid("74", By::kOwner, "user data of 4,096 bytes",
              [](Case& c) {
                c.document().user_data =
                    OptionalField::Bytes(std::string(4096, 'u'));
              }),
      {"77a", By::kNobody, "no nonce at all, and none expected",
       [](Case& c) { c.document().nonce = OptionalField::Absent(); },
       kAccepted},
      {"n08", By::kNobody, "no public_key at all",
       [](Case& c) { c.document().public_key = OptionalField::Absent(); },
       kAccepted},
      {"x25c", By::kNobody, "PCRs of 32 and of 64 bytes",
       [](Case& c) {
         (*c.document().pcrs)[3].second = std::string(32, 'm');
         (*c.document().pcrs)[4].second = std::string(64, 'm');
       },
       kAccepted},
      {"x25b", By::kNobody, "32 PCRs, as enclaves have since 2026",
       [](Case& c) {
         for (std::uint64_t i = 16; i < 32; ++i) {
           c.document().pcrs->emplace_back(i, std::string(48, 'm'));
         }
       },
       kAccepted},
      {"x25", By::kNobody, "17 PCRs, as some enclaves have",
       [](Case& c) {
         c.document().pcrs->emplace_back(16, std::string(48, 'm'));
       },
       kAccepted},
      {"x26", By::kNobody, "the fields in another order",
       [](Case& c) {
         c.document().edit_members = [](std::vector<CborMember>& members) {
           std::swap(members.front(), members.back());
         };
       },
       kAccepted},
      {"x27", By::kSigner, "a field twice that nobody knows",
       [](Case& c) {
         c.document().edit_members = [](std::vector<CborMember>& members) {
           members.emplace_back(CborText("new"), CborUint(1));
           members.emplace_back(CborText("new"), CborUint(2));
         };
       },
       Reason::kDuplicateKey},
      Invalid("x28", By::kSigner, "an empty module_id",
              [](Case& c) { c.document().module_id = ""; }),
      Invalid("x29", By::kSigner, "a PCR that is a text",
              [](Case& c) {
                SetField(
                    c, "pcrs",
                    CborMap({{CborUint(0), CborText(std::string(48, 'm'))}}));
              }),
      Invalid("x30", By::kSigner, "a nonce that is a text",
              [](Case& c) { SetField(c, "nonce", CborText("nonce")); }),
      Invalid("x31", By::kOwner, "a nonce of 1,025 bytes",
              [](Case& c) {
                c.document().nonce =
                    OptionalField::Bytes(std::string(1025, 'n'));
              }),
      Invalid("x32", By::kSigner, "a bundle that is one certificate",
              [](Case& c) { SetField(c, "cabundle", CborBytes("c")); }),
  };
}

}  // namespace anchorage::test
