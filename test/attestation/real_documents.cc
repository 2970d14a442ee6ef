#include "test/attestation/real_documents.h"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "verify/attestation/certificate.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/json.h"

namespace anchorage::test {
namespace {

using verify::AttestationType;
using verify::JsonValue;

constexpr char kSharedVariable[] = "ANCHORAGE_SHARED_VECTORS";
constexpr char kRealFolder[] = "test/vectors/real";
constexpr char kRootPem[] = "anchors/baked/certificates/aws.nitro-root-g1.pem";
// SubjectPublicKeyInfo of a P-384 key, up to the point.
constexpr std::string_view kP384SpkiPrefix(
    "\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
    "\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00",
    23);

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

std::string Text(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.Find(name);
  if (value == nullptr) return "";
  return std::string(value->AsString().value_or(""));
}

absl::Time Moment(const JsonValue& certificate, std::string_view name) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime("%Y-%m-%d %H:%M:%S", Text(certificate, name), &time,
                       &error)) {
    Die(error);
  }
  return time;
}

RealDocument FromIndex(const JsonValue& entry, std::string_view folder) {
  RealDocument out;
  out.path = Text(entry, "path");
  out.bytes = ReadFile(std::string(folder) + "/" + out.path);
  out.type = Text(entry, "kind") == "nitro-tpm" ? AttestationType::kNitroTpm
                                                : AttestationType::kEnclave;
  out.genuine = entry.Find("expected")->Find("valid")->AsBool().value();
  const JsonValue* debug = entry.Find("debug_mode");
  out.debug = debug != nullptr && debug->AsBool().value_or(false);
  out.module_id = Text(entry, "module_id");
  out.region = Text(entry, "region");
  out.made_at =
      absl::FromUnixMillis(entry.Find("verify_at_ms")->AsInteger().value());
  if (!out.genuine) return out;
  for (const JsonValue& certificate : entry.Find("chain")->elements()) {
    out.chain.push_back({.not_before = Moment(certificate, "not_before"),
                         .not_after = Moment(certificate, "not_after")});
  }
  return out;
}

// Reads the documents of an index, as JSON.
std::vector<RealDocument> ReadIndex(const std::string& path,
                                    std::string_view folder) {
  constexpr std::size_t kMaxIndexBytes = 64 * 1024 * 1024;
  const JsonValue index =
      OrDie(verify::ParseJson(ReadFile(path), {.max_bytes = kMaxIndexBytes}),
            "an index of vectors");
  std::vector<RealDocument> documents;
  for (const JsonValue& entry : index.Find("vectors")->elements()) {
    if (!absl::EndsWith(Text(entry, "path"), ".cbor")) continue;
    documents.push_back(FromIndex(entry, folder));
  }
  return documents;
}

absl::Time Utc(absl::CivilSecond time) {
  return absl::FromCivil(time, absl::UTCTimeZone());
}

}  // namespace

std::vector<RealDocument> CarriedDocuments() {
  const RealValidity root = {Utc(absl::CivilSecond(2019, 10, 28, 13, 28, 5)),
                             Utc(absl::CivilSecond(2049, 10, 28, 14, 28, 5))};
  RealDocument enclave = {
      .path = "nitro-enclave/uid2-usw1-2021.cbor",
      .bytes = "",
      .type = AttestationType::kEnclave,
      .debug = true,
      .module_id = "i-0fd25f30661854f2b-enc01790c5d9eab829d",
      .region = "us-west-1",
      .made_at = absl::FromUnixMillis(1619410153100),
      .chain = {root,
                RealValidity{Utc(absl::CivilSecond(2021, 4, 23, 17, 52, 45)),
                             Utc(absl::CivilSecond(2021, 5, 13, 18, 52, 45))},
                RealValidity{Utc(absl::CivilSecond(2021, 4, 25, 16, 42, 47)),
                             Utc(absl::CivilSecond(2021, 5, 1, 14, 42, 46))},
                RealValidity{Utc(absl::CivilSecond(2021, 4, 26, 0, 24, 21)),
                             Utc(absl::CivilSecond(2021, 4, 27, 0, 24, 21))},
                RealValidity{Utc(absl::CivilSecond(2021, 4, 26, 4, 9, 13)),
                             Utc(absl::CivilSecond(2021, 4, 26, 7, 9, 13))}},
  };
  RealDocument tpm = {
      .path = "nitro-tpm/live-usw2-i-000fa553.cbor",
      .bytes = "",
      .type = AttestationType::kNitroTpm,
      .module_id = "i-000fa553dad58a9f1-tpm0000000000000000",
      .region = "us-west-2",
      .made_at = absl::FromUnixMillis(1786642608432),
      .chain = {root,
                RealValidity{Utc(absl::CivilSecond(2026, 8, 12, 14, 23, 20)),
                             Utc(absl::CivilSecond(2026, 9, 1, 15, 23, 20))},
                RealValidity{Utc(absl::CivilSecond(2026, 8, 13, 10, 38, 43)),
                             Utc(absl::CivilSecond(2026, 8, 19, 4, 38, 43))},
                RealValidity{Utc(absl::CivilSecond(2026, 8, 13, 15, 1, 58)),
                             Utc(absl::CivilSecond(2026, 8, 14, 15, 1, 58))},
                RealValidity{Utc(absl::CivilSecond(2026, 8, 13, 17, 36, 45)),
                             Utc(absl::CivilSecond(2026, 8, 13, 20, 36, 48))}},
  };
  std::vector<RealDocument> documents = {std::move(enclave), std::move(tpm)};
  for (RealDocument& document : documents) {
    document.bytes = ReadFile(kRealFolder + ("/" + document.path));
  }
  return documents;
}

std::vector<RealDocument> ReportedDocuments() {
  return ReadIndex(std::string(kRealFolder) + "/nitro-enclave/cases.json",
                   kRealFolder);
}

std::optional<std::vector<RealDocument>> SharedDocuments() {
  const char* folder = std::getenv(kSharedVariable);
  if (folder == nullptr) return std::nullopt;
  return ReadIndex(std::string(folder) + "/index.json", folder);
}

std::string SharedFile(std::string_view path) {
  const char* folder = std::getenv(kSharedVariable);
  if (folder == nullptr) Die("there are no shared vectors");
  return ReadFile(std::string(folder) + "/" + std::string(path));
}

std::shared_ptr<const verify::AnchorSet> RealNitroRoots(
    verify::AnchorProvenance provenance) {
  return RootsOf(OrDie(verify::DecodePem(ReadFile(kRootPem), "CERTIFICATE"),
                       "the Nitro root"),
                 provenance);
}

std::shared_ptr<const verify::AnchorSet> RootsOf(
    std::string_view certificate_der, verify::AnchorProvenance provenance,
    std::string_view partition) {
  const verify::Certificate certificate =
      OrDie(verify::ParseCertificate(certificate_der), "the root");
  verify::AnchorRecord record;
  record.slot = {std::string(partition), "", verify::AnchorKind::kNitroRoot};
  record.spki_der =
      std::string(kP384SpkiPrefix) + std::string(certificate.point);
  record.certificates_der = {std::string(certificate_der)};
  return OrDie(verify::AnchorSet::Create({record}, provenance),
               "the set of roots");
}

}  // namespace anchorage::test
