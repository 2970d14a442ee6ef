#include "client/validate/validate_config.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/validate/validate_error.h"
#include "verify/attestation/certificate.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/json.h"
#include "verify/image/bundle.h"
#include "verify/image/version.h"

namespace anchorage::client {
namespace {

using verify::JsonValue;

constexpr std::size_t kMaxProducers = 16;
constexpr std::size_t kMaxCertificates = 16;
constexpr std::size_t kMaxPlaces = 8;
constexpr std::size_t kMaxAllowedExclusions = 64;
constexpr std::size_t kMaxCertificateTextBytes = 16 * 1024;
constexpr std::array<int, 3> kRegisters = {8, 14, 15};

absl::Status Invalid(const std::string& detail) {
  return NotValid(ValidateReason::kConfigInvalid, detail);
}

absl::Status Invalid(const char* member, const char* rule) {
  return Invalid(absl::StrCat(member, ": ", rule));
}

// --- Members -----------------------------------------------------------------

// Each reads a member where there is one, and leaves what is there otherwise.

absl::Status Read(const JsonValue& object, const char* member, bool& out) {
  const JsonValue* value = object.Find(member);
  if (value == nullptr) return absl::OkStatus();
  if (!value->AsBool().has_value()) return Invalid(member, "true or false");
  out = *value->AsBool();
  return absl::OkStatus();
}

absl::Status Read(const JsonValue& object, const char* member,
                  std::string& out) {
  const JsonValue* value = object.Find(member);
  if (value == nullptr) return absl::OkStatus();
  if (value->AsString().value_or("").empty()) {
    return Invalid(member, "a text that is not empty");
  }
  out = *value->AsString();
  return absl::OkStatus();
}

absl::Status Read(const JsonValue& object, const char* member,
                  absl::Duration& out) {
  const JsonValue* value = object.Find(member);
  if (value == nullptr) return absl::OkStatus();
  const std::int64_t seconds = value->AsInteger().value_or(-1);
  if (seconds < 0 || seconds > 86'400) {
    return Invalid(member, "seconds, up to a day");
  }
  out = absl::Seconds(seconds);
  return absl::OkStatus();
}

// A text that names a value of an enum.
template <typename Enum>
absl::Status Read(const JsonValue& object, const char* member,
                  std::optional<Enum> (*named)(std::string_view), Enum& out) {
  const JsonValue* value = object.Find(member);
  if (value == nullptr) return absl::OkStatus();
  const auto known = named(value->AsString().value_or(""));
  if (!known.has_value()) return Invalid(member, "none of the known names");
  out = *known;
  return absl::OkStatus();
}

// A list of texts, none empty, of up to `most`.
absl::Status Read(const JsonValue& object, const char* member, std::size_t most,
                  std::vector<std::string>& out) {
  const JsonValue* value = object.Find(member);
  if (value == nullptr) return absl::OkStatus();
  if (value->kind() != verify::JsonKind::kArray) {
    return Invalid(member, "a list");
  }
  out.clear();
  for (const JsonValue& element : value->elements()) {
    if (element.AsString().value_or("").empty()) {
      return Invalid(member, "texts that are not empty");
    }
    out.emplace_back(*element.AsString());
  }
  if (out.size() > most) return Invalid(member, "a list that is too long");
  return absl::OkStatus();
}

// `where` is before what is wrong.
template <std::size_t kCount>
absl::Status CheckMembers(const JsonValue& object,
                          const std::array<std::string_view, kCount>& known,
                          const std::string& where = "") {
  if (object.kind() != verify::JsonKind::kObject) {
    return Invalid(absl::StrCat(where, "an object is expected"));
  }
  for (const JsonValue::Member& member : object.members()) {
    if (std::find(known.begin(), known.end(), member.first) == known.end()) {
      return Invalid(absl::StrCat(where, "unknown member ", member.first));
    }
  }
  return absl::OkStatus();
}

// --- Parts -------------------------------------------------------------------

bool IsPem(const std::string& certificate) {
  return absl::StartsWith(certificate, "-----BEGIN ");
}

bool IsPlainName(const std::string& name) {
  return verify::IsEntryName(name) && name.find('/') == std::string::npos;
}

absl::StatusOr<std::string> DecodeCertificate(const std::string& pem) {
  const std::string begin(verify::kCertificateBegin);
  const std::size_t at = pem.find(begin);
  if (at != std::string::npos &&
      pem.find(begin, at + begin.size()) != std::string::npos) {
    return Invalid("one certificate in each PEM text");
  }
  auto der = verify::DecodePem(pem, "CERTIFICATE");
  if (!der.ok()) return Invalid("a certificate is not PEM");
  return der;
}

// One that is not read would refuse every manifest, at the next boot.
absl::Status CheckCertificate(const std::string& der) {
  const auto certificate =
      verify::ParseCertificate(der, verify::CertificateProfile::kProducer);
  if (certificate.ok()) return absl::OkStatus();
  return Invalid(absl::StrCat("a certificate: ",
                              std::string(certificate.status().message())));
}

absl::Status ReadProducer(const JsonValue& value, const std::string& where,
                          verify::TrustedProducer& producer) {
  static constexpr std::array<std::string_view, 2> kMembers = {"certificates",
                                                               "name"};
  for (const absl::Status& read : {CheckMembers(value, kMembers, where),
                                   Read(value, "name", producer.name),
                                   Read(value, "certificates", kMaxCertificates,
                                        producer.certificates_der)}) {
    if (!read.ok()) return read;
  }
  if (producer.name.empty()) return Invalid("producers", "each has a name");
  if (producer.certificates_der.empty()) {
    return Invalid("producers", "each has certificates");
  }
  for (const std::string& certificate : producer.certificates_der) {
    if (!IsPem(certificate)) {
      if (IsPlainName(certificate)) continue;
      return Invalid("certificates",
                     "PEM, or the name of a file beside this one");
    }
    if (const auto der = DecodeCertificate(certificate); !der.ok()) {
      return der.status();
    }
  }
  return absl::OkStatus();
}

absl::Status ReadProducers(const JsonValue& object, ValidateConfig& config) {
  const JsonValue* producers = object.Find("producers");
  if (producers == nullptr || producers->elements().empty() ||
      producers->elements().size() > kMaxProducers) {
    return Invalid("producers", "a list of 1 to 16");
  }
  for (const JsonValue& value : producers->elements()) {
    const std::string where =
        absl::StrCat("producers[", config.producers.size(), "]: ");
    if (absl::Status read =
            ReadProducer(value, where, config.producers.emplace_back());
        !read.ok()) {
      return read;
    }
  }
  return absl::OkStatus();
}

absl::Status ReadExpected(const JsonValue& object, ValidateConfig& config) {
  std::string version;
  if (absl::Status read = Read(object, "product", config.expected.product);
      !read.ok()) {
    return read;
  }
  if (absl::Status read = Read(object, "least_version", version); !read.ok()) {
    return read;
  }
  if (config.expected.product.empty()) return Invalid("product", "is missing");
  const auto parsed = verify::ImageVersion::Parse(version);
  if (!parsed.ok()) {
    return Invalid("least_version", "numbers with dots, such as 2026.11.30");
  }
  config.expected.least_version = *parsed;
  return absl::OkStatus();
}

absl::Status ReadPlaces(const JsonValue& object, ValidateConfig& config) {
  if (absl::Status read =
          Read(object, "manifests", kMaxPlaces, config.manifests);
      !read.ok()) {
    return read;
  }
  if (config.manifests.empty()) return Invalid("manifests", "at least one");
  config.allowed_exclusions = config.manifests;
  if (absl::Status read =
          Read(object, "allowed_exclusions", kMaxAllowedExclusions,
               config.allowed_exclusions);
      !read.ok()) {
    return read;
  }
  for (const auto& [member, names] :
       {std::pair("manifests", &config.manifests),
        std::pair("allowed_exclusions", &config.allowed_exclusions)}) {
    if (!std::all_of(names->begin(), names->end(), &verify::IsEntryName)) {
      return Invalid(
          member, "names below the root, without a leading / or an ending one");
    }
  }
  std::sort(config.allowed_exclusions.begin(), config.allowed_exclusions.end());
  if (const JsonValue* most = object.Find("max_bundle_bytes");
      most != nullptr) {
    const std::int64_t bytes = most->AsInteger().value_or(0);
    if (bytes < 1 || bytes > std::int64_t{verify::kMaxBundleBytes}) {
      return Invalid("max_bundle_bytes", "1 to 272629760");
    }
    config.max_bundle_bytes = static_cast<std::size_t>(bytes);
  }
  return absl::OkStatus();
}

absl::Status ReadTpm(const JsonValue& object, ValidateConfig& config) {
  for (const absl::Status& read :
       {Read(object, "tpm", config.tpm),
        Read(object, "require_tpm", config.require_tpm),
        Read(object, "tpm_wait_seconds", config.tpm_wait)}) {
    if (!read.ok()) return read;
  }
  if (config.tpm.front() != '/') return Invalid("tpm", "an absolute path");
  if (const JsonValue* pcr = object.Find("pcr"); pcr != nullptr) {
    const auto number = pcr->AsInteger();
    if (!number.has_value() || std::find(kRegisters.begin(), kRegisters.end(),
                                         *number) == kRegisters.end()) {
      return Invalid("pcr", "8, 14 or 15");
    }
    config.pcr = static_cast<int>(*number);
  }
  return absl::OkStatus();
}

absl::Status ReadActions(const JsonValue& object, ValidateConfig& config) {
  for (const absl::Status& read :
       {Read(object, "least_scope", &verify::ManifestScopeNamed,
             config.least_scope),
        Read(object, "least_action", &verify::MismatchActionNamed,
             config.least_action),
        Read(object, "without_manifest", &verify::MismatchActionNamed,
             config.without_manifest),
        Read(object, "as_seen", config.as_seen),
        Read(object, "time_limit_seconds", config.time_limit)}) {
    if (!read.ok()) return read;
  }
  if (config.time_limit == absl::ZeroDuration()) {
    return Invalid("time_limit_seconds", "at least one");
  }
  return absl::OkStatus();
}

// --- Files -------------------------------------------------------------------

std::string Beside(const std::string& path, const std::string& name) {
  return std::filesystem::path(path).replace_filename(name);
}

// What is wrong is a text that goes behind the file's name.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path,
                                          std::size_t most) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return absl::NotFoundError("is no file");
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes(most + 1, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (file.bad() || (file.fail() && !file.eof())) {
    return absl::NotFoundError("cannot be read");
  }
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  if (bytes.size() > most) return absl::OutOfRangeError("is too long");
  return bytes;
}

absl::StatusOr<ValidateConfig> ReadAndParse(const std::string& path) {
  const auto text = ReadSmallFile(path, kMaxValidateConfigBytes);
  if (!text.ok()) {
    return NotValid(absl::IsNotFound(text.status())
                        ? ValidateReason::kConfigMissing
                        : ValidateReason::kConfigInvalid,
                    absl::StrCat(path, " ", text.status().message()));
  }
  return ParseValidateConfig(*text);
}

}  // namespace

absl::StatusOr<ValidateConfig> ParseValidateConfig(std::string_view json) {
  static constexpr std::array<std::string_view, 16> kMembers = {
      "schema_version",
      "producers",
      "product",
      "least_version",
      "least_scope",
      "manifests",
      "allowed_exclusions",
      "max_bundle_bytes",
      "least_action",
      "without_manifest",
      "as_seen",
      "tpm",
      "pcr",
      "require_tpm",
      "tpm_wait_seconds",
      "time_limit_seconds"};
  const auto object = verify::ParseJson(
      json, {.max_bytes = kMaxValidateConfigBytes, .max_depth = 4});
  if (!object.ok()) return Invalid(std::string(object.status().message()));
  if (absl::Status known = CheckMembers(*object, kMembers); !known.ok()) {
    return known;
  }
  const JsonValue* schema = object->Find("schema_version");
  if (schema == nullptr || schema->AsInteger() != 1) {
    return Invalid("schema_version", "must be 1");
  }
  ValidateConfig config;
  for (const auto part :
       {&ReadProducers, &ReadExpected, &ReadPlaces, &ReadTpm, &ReadActions}) {
    if (absl::Status read = part(*object, config); !read.ok()) return read;
  }
  return config;
}

absl::StatusOr<ValidateConfig> ReadValidateConfig(const std::string& path) {
  auto config = ReadAndParse(path);
  if (!config.ok()) return config.status();
  for (verify::TrustedProducer& producer : config->producers) {
    for (std::string& certificate : producer.certificates_der) {
      if (!IsPem(certificate)) {
        auto pem =
            ReadSmallFile(Beside(path, certificate), kMaxCertificateTextBytes);
        if (!pem.ok()) {
          return Invalid(absl::StrCat(
              "certificates: ", certificate, " ", pem.status().message(),
              " (looked for beside the configuration)"));
        }
        certificate = *std::move(pem);
      }
      auto der = DecodeCertificate(certificate);
      if (!der.ok()) return der.status();
      certificate = *std::move(der);
      if (absl::Status usable = CheckCertificate(certificate); !usable.ok()) {
        return usable;
      }
    }
  }
  return config;
}

absl::StatusOr<std::vector<std::string>> FilesOfValidateConfig(
    const std::string& path) {
  if (const auto whole = ReadValidateConfig(path); !whole.ok()) {
    return whole.status();
  }
  const auto config = ReadAndParse(path);
  if (!config.ok()) return config.status();
  std::vector<std::string> files = {path};
  for (const verify::TrustedProducer& producer : config->producers) {
    for (const std::string& certificate : producer.certificates_der) {
      if (!IsPem(certificate)) files.push_back(Beside(path, certificate));
    }
  }
  return files;
}

}  // namespace anchorage::client
