#include "test/fuzz/nitro_evidence.h"

#include "test/fake_aws/cbor_writer.h"
#include "test/fake_aws/keys.h"

namespace anchorage::test {

std::vector<SignedAttestation> SignedAttestations() {
  std::vector<SignedAttestation> out;
  for (const NitroType type : {NitroType::kEnclave, NitroType::kTpm}) {
    NitroSpec spec = FakeNitro().Genuine(type);
    out.push_back({type, spec});
    DocumentSpec& document = spec.document;
    document.public_key = OptionalField::Bytes(
        TestKey::Derived(KeyType::kP384, "fuzz").spki_der());
    document.user_data = OptionalField::Bytes("");
    document.nonce = OptionalField::Bytes("nonce");
    document.edit_members = [](std::vector<CborMember>& members) {
      members.emplace_back(CborText("new"),
                           CborIndefiniteMap({{CborInt(-1), CborArray({})}}));
    };
    document.indefinite_map = false;
    out.push_back({type, spec});
  }
  return out;
}

}  // namespace anchorage::test
