#include "test/identity/real_identities.h"

#include <openssl/x509.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/json.h"
#include "verify/identity/identity_document.h"

namespace anchorage::test {
namespace {

using verify::AnchorRecord;
using verify::IdentityForm;
using verify::JsonValue;

constexpr char kSharedVariable[] = "ANCHORAGE_SHARED_VECTORS";
constexpr char kCarried[] = "test/vectors/real/";
constexpr char kCertificates[] = "anchors/baked/certificates";

// A test cannot go on without its data.
[[noreturn]] void Die(std::string_view what) {
  std::cerr << what << "\n";
  std::abort();
}

template <typename T>
T OrDie(absl::StatusOr<T> value, std::string_view what) {
  if (!value.ok()) {
    std::cerr << value.status() << "\n";
    Die(what);
  }
  return *std::move(value);
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) Die("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

RealIdentity Load(const std::string& folder, const std::string& path,
                  IdentityForm form, bool genuine) {
  RealIdentity out;
  out.path = path;
  out.form = form;
  out.genuine = genuine;
  out.document = ReadFile(folder + path + "/document");
  out.signature_text = ReadFile(folder + path + "/" +
                                std::string(verify::NameOf(form)) + ".b64");
  out.signature =
      OrDie(verify::DecodeIdentitySignature(form, out.signature_text), path);
  return out;
}

std::string Text(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.Find(name);
  if (value == nullptr) return "";
  return std::string(value->AsString().value_or(""));
}

void AppendForms(const JsonValue& entry, const std::string& folder,
                 std::vector<RealIdentity>& out) {
  for (const auto& [name, facts] : entry.Find("forms")->members()) {
    RealIdentity identity =
        Load(folder, Text(entry, "path"), *verify::IdentityFormNamed(name),
             facts.Find("valid")->AsBool().value());
    identity.instance_id = Text(entry, "instance_id");
    identity.region = Text(entry, "region");
    identity.pending_time =
        verify::ParseDocumentTime(Text(entry, "pending_time")).value();
    out.push_back(std::move(identity));
  }
}

std::string SpkiOf(std::string_view certificate_der) {
  const auto* at =
      reinterpret_cast<const unsigned char*>(certificate_der.data());
  X509* certificate =
      d2i_X509(nullptr, &at, static_cast<long>(certificate_der.size()));
  if (certificate == nullptr) Die("a baked certificate");
  unsigned char* bytes = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes);
  if (size <= 0) Die("a baked certificate's key");
  std::string spki(reinterpret_cast<char*>(bytes),
                   static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  X509_free(certificate);
  return spki;
}

std::string PartitionOf(std::string_view region) {
  if (absl::StartsWith({region.data(), region.size()}, "cn-")) return "aws-cn";
  if (absl::StartsWith({region.data(), region.size()}, "us-gov-")) {
    return "aws-us-gov";
  }
  if (absl::StartsWith({region.data(), region.size()}, "eusc-")) {
    return "aws-eusc";
  }
  return "aws";
}

}  // namespace

std::vector<RealIdentity> CarriedIdentities() {
  struct Row {
    std::string path;
    IdentityForm form;
    std::string instance_id;
    std::string region;
    std::string pending_time;
  };
  const Row genuine[] = {
      {"iid/apse2-2026-ts-verify", IdentityForm::kRsa2048,
       "i-0c5541936caf78c12", "ap-southeast-2", "2026-02-16T00:38:27Z"},
      {"iid/apse2-2026-ts-verify", IdentityForm::kSignature,
       "i-0c5541936caf78c12", "ap-southeast-2", "2026-02-16T00:38:27Z"},
      {"iid/use1-2018-node-identity-document", IdentityForm::kPkcs7,
       "i-03ae14c346ba643a1", "us-east-1", "2018-01-22T12:29:54Z"},
      {"iid/usw2-2021-teleport-1", IdentityForm::kRsa2048,
       "i-078517ca8a70a1dde", "us-west-2", "2021-09-03T21:25:44Z"},
  };
  std::vector<RealIdentity> out;
  for (const Row& row : genuine) {
    out.push_back(Load(kCarried, row.path, row.form, true));
    out.back().instance_id = row.instance_id;
    out.back().region = row.region;
    out.back().pending_time =
        verify::ParseDocumentTime(row.pending_time).value();
  }
  out.push_back(Load(kCarried, "negative/iid-node-invalid-document",
                     IdentityForm::kPkcs7, false));
  out.push_back(Load(kCarried, "negative/iid-ts-invalid-document",
                     IdentityForm::kSignature, false));
  return out;
}

std::optional<std::vector<RealIdentity>> SharedIdentities() {
  const char* folder = std::getenv(kSharedVariable);
  if (folder == nullptr) return std::nullopt;
  constexpr std::size_t kMaxIndexBytes = 64 * 1024 * 1024;
  const std::string root = std::string(folder) + "/";
  const JsonValue index =
      OrDie(verify::ParseJson(ReadFile(root + "index.json"),
                              {.max_bytes = kMaxIndexBytes}),
            "the index of the shared vectors");
  std::vector<RealIdentity> out;
  for (const JsonValue& entry : index.Find("vectors")->elements()) {
    if (Text(entry, "kind") == "iid") AppendForms(entry, root, out);
  }
  return out;
}

std::shared_ptr<const verify::AnchorSet> RealIdentityAnchors(
    Certificates which) {
  std::map<std::pair<std::string, std::string>, AnchorRecord> by_slot_and_key;
  for (const auto& file : std::filesystem::directory_iterator(kCertificates)) {
    // REGION.KIND.pem or REGION.KIND.superseded-N.pem
    const std::vector<std::string> parts =
        absl::StrSplit(file.path().filename().string(), '.');
    const auto kind = verify::AnchorKindNamed("iid-" + parts[1]);
    if (!kind.has_value()) continue;
    if (which == Certificates::kSuperseded && parts.size() == 3) continue;
    std::string der =
        OrDie(verify::DecodePem(ReadFile(file.path().string()), "CERTIFICATE"),
              file.path().string());
    AnchorRecord record;
    record.slot = {PartitionOf(parts[0]), parts[0], *kind};
    record.spki_der = SpkiOf(der);
    AnchorRecord& anchor =
        by_slot_and_key
            .try_emplace({ToString(record.slot), record.spki_der}, record)
            .first->second;
    anchor.certificates_der.push_back(std::move(der));
  }
  std::vector<AnchorRecord> records;
  for (auto& [key, record] : by_slot_and_key) {
    records.push_back(std::move(record));
  }
  return OrDie(verify::AnchorSet::Create(std::move(records), {}),
               "AWS's anchors");
}

}  // namespace anchorage::test
