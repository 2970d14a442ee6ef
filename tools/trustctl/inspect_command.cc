// trustctl inspect

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "anchors/certificate_facts.h"
#include "anchors/certificate_names.h"
#include "tools/trustctl/cbor_view.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/decode.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/verdict_output.h"
#include "verify/attestation/attestation_document.h"
#include "verify/attestation/certificate.h"
#include "verify/attestation/cose.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/json.h"
#include "verify/identity/identity_document.h"
#include "verify/identity/identity_evidence.h"
#include "verify/identity/pkcs7.h"
#include "verify/reason.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

constexpr char kFooter[] = R"(
    trustctl inspect document
    trustctl inspect rsa2048.b64
    trustctl inspect attestation.cbor
    trustctl inspect certificate.pem

Shows what a file says: an identity document, a PKCS #7 (base64, PEM or raw), an
attestation document (raw, base64 or hex), or a certificate (PEM), with the
SHA-256 to compare with what AWS says. Nothing of it is verified: anyone can
write such a file. Of an attestation document that would be refused for its
form, "problem" says why, and all is shown that can be read. Exit code 2: it is
none of these.
)";

constexpr char kUnverified[] = "UNVERIFIED";

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

ordered_json OptionalHex(const std::optional<std::string_view>& bytes) {
  return bytes.has_value() ? ordered_json(Hex(*bytes)) : ordered_json(nullptr);
}

ordered_json ToJson(const verify::JsonValue& value) {
  using Kind = verify::JsonValue::Kind;
  switch (value.kind()) {
    case Kind::kNull:
      return nullptr;
    case Kind::kBool:
      return *value.AsBool();
    case Kind::kNumber:
      return std::string(value.number_text());
    case Kind::kString:
      return *value.AsString();
    case Kind::kArray: {
      ordered_json array = ordered_json::array();
      for (const auto& element : value.elements()) {
        array.push_back(ToJson(element));
      }
      return array;
    }
    case Kind::kObject: {
      ordered_json object = ordered_json::object();
      for (const auto& [name, member] : value.members()) {
        object[name] = ToJson(member);
      }
      return object;
    }
  }
  return nullptr;
}

// The stable name and the sentence.
std::string ProblemOf(const absl::Status& status) {
  const auto reason = verify::ReasonOf(status);
  return absl::StrCat(
      reason.has_value() ? std::string(verify::NameOf(*reason)) : "", "  ",
      TextOf(status));
}

absl::StatusOr<ordered_json> InspectDocument(std::string_view text) {
  const auto value =
      verify::ParseJson(text, {.max_bytes = verify::kMaxDocumentBytes});
  if (!value.ok()) return value.status();
  return ordered_json{{"type", "identity document"},
                      {"document", ToJson(*value)}};
}

absl::StatusOr<ordered_json> InspectPkcs7(std::string_view bytes) {
  const auto pkcs7 = verify::ParsePkcs7(bytes);
  if (!pkcs7.ok()) return pkcs7.status();
  ordered_json json{{"type", "identity document in a PKCS #7"},
                    {"signer_serial", Hex(pkcs7->serial)},
                    {"signing_time", Rfc3339(pkcs7->signing_time)},
                    {"signature_bytes", pkcs7->signature.size()}};
  const auto document = InspectDocument(pkcs7->content);
  if (!document.ok()) return document.status();
  json["document"] = (*document)["document"];
  return json;
}

ordered_json Describe(std::string_view der) {
  const auto certificate = verify::ParseCertificate(der);
  if (!certificate.ok()) {
    return {{"error", TextOf(certificate.status())}};
  }
  ordered_json json{
      {"common_name", std::string(certificate->common_name.value_or(""))},
      {"serial", Hex(certificate->serial)},
      {"not_before", Rfc3339(certificate->not_before)},
      {"not_after", Rfc3339(certificate->not_after)},
      {"is_ca", certificate->is_ca}};
  if (certificate->path_length.has_value()) {
    json["path_length"] = *certificate->path_length;
  }
  return json;
}

// The first certificate of a PEM file, by what people compare.
absl::StatusOr<ordered_json> InspectCertificate(std::string_view pem) {
  const auto der = verify::DecodePem(pem, "CERTIFICATE");
  if (!der.ok()) return der.status();
  const auto facts = anchors::ReadCertificateFacts(*der);
  if (!facts.ok()) return facts.status();
  const anchors::CertificateNames names = anchors::ReadCertificateNames(*der);
  return ordered_json{{"type", "certificate"},
                      {"subject", names.subject},
                      {"issuer", names.issuer},
                      {"serial", facts->serial},
                      {"not_before", Rfc3339(facts->not_before)},
                      {"not_after", Rfc3339(facts->not_after)},
                      {"sha256", verify::Sha256Hex(*der)},
                      {"spki_sha256", verify::Sha256Hex(facts->spki_der)}};
}

// Whatever is in a payload, with what is wrong with it; the problem alone if
// it is no map of fields.
absl::StatusOr<ordered_json> InspectOddPayload(std::string_view payload,
                                               const absl::Status& problem) {
  ordered_json fields = ShowCbor(payload);
  if (!fields.is_object() || fields.empty()) return problem;
  return ordered_json{{"type", "attestation document that would be refused"},
                      {"problem", ProblemOf(problem)},
                      {"fields", std::move(fields)}};
}

absl::StatusOr<ordered_json> InspectAttestation(std::string_view bytes) {
  const auto cose = verify::DecodeCoseSign1(bytes);
  if (!cose.ok()) {
    const auto payload = PayloadOfOddCose(bytes);
    if (!payload.has_value()) return cose.status();
    return InspectOddPayload(*payload, cose.status());
  }
  const auto document = verify::DecodeAttestationDocument(cose->payload);
  if (!document.ok()) {
    return InspectOddPayload(cose->payload, document.status());
  }
  ordered_json json{{"type", document->type == verify::AttestationType::kEnclave
                                 ? "enclave attestation document"
                                 : "NitroTPM attestation document"},
                    {"module_id", document->module_id},
                    {"timestamp", Rfc3339(document->timestamp)}};
  for (const std::string_view key : document->unknown_keys) {
    json["unknown_fields"].push_back(std::string(key));
  }
  for (std::size_t i = 0; i < document->pcrs.size(); ++i) {
    if (document->pcrs[i].empty()) continue;
    json["pcrs"][absl::StrCat("PCR", i)] = Hex(document->pcrs[i]);
  }
  json["public_key"] = OptionalHex(document->public_key);
  json["user_data"] = OptionalHex(document->user_data);
  json["nonce"] = OptionalHex(document->nonce);
  json["certificates"] = ordered_json::array();
  for (const std::string_view der : document->cabundle) {
    json["certificates"].push_back(Describe(der));
  }
  json["certificates"].push_back(Describe(document->certificate));
  return json;
}

// Tries each form; the last one's failure is told if none fits.
absl::StatusOr<ordered_json> InspectAnything(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && text[first] == '{') {
    return InspectDocument(text);
  }
  if (absl::StrContains(text, "-----BEGIN CERTIFICATE-----")) {
    return InspectCertificate(text);
  }
  const auto signature =
      verify::DecodeIdentitySignature(verify::IdentityForm::kRsa2048, text);
  if (signature.ok()) {
    auto pkcs7 = InspectPkcs7(*signature);
    if (pkcs7.ok()) return pkcs7;
  }
  const auto attestation = DecodeAttestationText(text);
  if (!attestation.ok()) return attestation.status();
  return InspectAttestation(*attestation);
}

// "name: value" lines, indented by depth.
void PrintText(const ordered_json& json, int depth) {
  for (const auto& [name, value] : json.items()) {
    std::cout << std::string(static_cast<std::size_t>(2 * depth), ' ')
              << (json.is_array() ? "-" : Printable(name) + ":");
    if (value.is_structured() && !value.empty()) {
      std::cout << "\n";
      PrintText(value, depth + 1);
    } else {
      std::cout << " "
                << (value.is_string() ? Printable(value.get<std::string>())
                                      : value.dump())
                << "\n";
    }
  }
}

int Inspect(const std::string& path, const Output& output) {
  const auto text = ReadInput(path);
  if (!text.ok()) {
    PrintError(TextOf(text.status()));
    return ExitCodeOf(text.status());
  }
  const auto found = InspectAnything(*text);
  if (!found.ok()) {
    PrintError(absl::StrCat(
        path, " is no evidence that trustctl knows: ", TextOf(found.status())));
    return kUnreadable;
  }
  ordered_json json{{"status", kUnverified}};
  json.update(*found);
  output.Print(json, {.name = "/type"}, [&] {
    std::cout << kUnverified << "  " << (*found)["type"].get<std::string>()
              << "\n";
    json.erase("status");
    json.erase("type");
    PrintText(json, 0);
  });
  return kAccepted;
}

}  // namespace

void AddInspect(CLI::App& command, Action& action) {
  command.footer(kFooter);
  auto path = std::make_shared<std::string>();
  auto output = std::make_shared<Output>();
  command.add_option("FILE", *path, "'-' is standard input")->required();
  output->AddTo(command);
  command.callback([path, output, &action] {
    action = [path, output] { return Inspect(*path, *output); };
  });
}

}  // namespace anchorage::trustctl
