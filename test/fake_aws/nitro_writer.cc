// How a NitroSpec becomes bytes.

#include <algorithm>

#include "test/fake_aws/fake_nitro.h"

namespace anchorage::test {
namespace {

CborMember TextMember(std::string_view key, std::string value) {
  return {CborText(key), std::move(value)};
}

void AddOptional(std::vector<CborMember>& members, std::string_view key,
                 const OptionalField& field) {
  if (!field.present()) return;
  members.push_back(
      TextMember(key, field.bytes() ? CborBytes(*field.bytes()) : CborNull()));
}

std::vector<CborMember> Members(const NitroSpec& spec) {
  const DocumentSpec& document = spec.document;
  std::vector<std::string> certificates = Certificates(spec);
  if (document.edit_certificates) document.edit_certificates(certificates);
  std::string leaf;
  if (!certificates.empty()) {
    leaf = certificates.back();
    certificates.pop_back();
  }
  for (std::string& certificate : certificates) {
    certificate = CborBytes(certificate);
  }

  std::vector<CborMember> members = {
      TextMember("module_id", CborText(document.module_id)),
      TextMember("digest", CborText(document.digest)),
      TextMember("timestamp", CborInt(document.timestamp))};
  if (document.pcrs) {
    members.push_back(TextMember("pcrs", PcrMap(*document.pcrs)));
  }
  if (document.nitrotpm_pcrs) {
    members.push_back(
        TextMember("nitrotpm_pcrs", PcrMap(*document.nitrotpm_pcrs)));
  }
  members.push_back(TextMember("certificate", CborBytes(leaf)));
  members.push_back(TextMember("cabundle", CborArray(certificates)));
  AddOptional(members, "public_key", document.public_key);
  AddOptional(members, "user_data", document.user_data);
  AddOptional(members, "nonce", document.nonce);
  if (document.edit_members) document.edit_members(members);
  return members;
}

std::string SignatureOver(const CoseSpec& cose, const TestKey& key,
                          std::string_view payload) {
  const std::string digest = HashOf(cose.hash, SigStructure(cose, payload));
  std::string signature = key.type() == KeyType::kRsa
                              ? key.Sign(cose.hash, digest)
                              : key.SignFixed(digest);
  if (cose.edit_signature) signature = cose.edit_signature(signature);
  return signature;
}

}  // namespace

std::string PcrMap(const PcrBank& bank) {
  std::vector<CborMember> members;
  for (const auto& [index, value] : bank) {
    members.emplace_back(CborUint(index), CborBytes(value));
  }
  return CborMap(members);
}

CborMember* FindMember(std::vector<CborMember>& members, std::string_view key) {
  const std::string encoded = CborText(key);
  const auto at =
      std::find_if(members.begin(), members.end(),
                   [&](const CborMember& m) { return m.first == encoded; });
  return at == members.end() ? nullptr : &*at;
}

void RemoveMember(std::vector<CborMember>& members, std::string_view key) {
  const std::string encoded = CborText(key);
  std::erase_if(members,
                [&](const CborMember& m) { return m.first == encoded; });
}

std::vector<std::string> Certificates(const NitroSpec& spec) {
  std::vector<std::string> certificates;
  for (const CertSpec& certificate : spec.chain) {
    certificates.push_back(MakeCertificate(certificate));
  }
  return certificates;
}

std::string Payload(const NitroSpec& spec) {
  const std::vector<CborMember> members = Members(spec);
  std::string payload = spec.document.indefinite_map
                            ? CborIndefiniteMap(members)
                            : CborMap(members);
  if (spec.document.edit_payload) {
    payload = spec.document.edit_payload(payload);
  }
  return payload;
}

std::string SigStructure(const CoseSpec& cose, std::string_view payload) {
  return CborArray({CborText(cose.context), CborBytes(cose.protected_header),
                    CborBytes(cose.external_aad), CborBytes(payload)});
}

std::string Encode(const NitroSpec& spec) {
  const CoseSpec& cose = spec.cose;
  const std::string payload = Payload(spec);
  const TestKey& key = cose.key != nullptr ? *cose.key : *spec.chain.back().key;
  std::string message = cose.prefix + cose.array_head;
  message += CborBytes(cose.protected_header) + cose.unprotected_header;
  message += cose.payload_element.value_or(CborBytes(payload));
  message += cose.signature_element.value_or(
      CborBytes(SignatureOver(cose, key, payload)));
  if (cose.edit_message) message = cose.edit_message(message);
  return message + cose.trailing;
}

}  // namespace anchorage::test
