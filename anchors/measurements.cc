#include "anchors/measurements.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "verify/attestation/pcr_set.h"
#include "verify/encoding/json.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::AttestationType;
using verify::JsonValue;
using verify::Reason;
using verify::Reject;

constexpr int kMaxDepth = 16;
constexpr std::string_view kPcrPrefix = "PCR";
// PCRs that only the one or the other builder prints.
constexpr std::array kEnclavePcrs = {0, 1, 2};
constexpr std::array kNitroTpmPcrs = {4, 7, 12};

// Builders print the name of their hash as their language shows it: "SHA384",
// "SHA384 { ... }", "Sha384 { ... }".
bool IsSha384(std::string_view text) {
  constexpr std::string_view kDetails = " { ... }";
  if (text.ends_with(kDetails)) text.remove_suffix(kDetails.size());
  return text == "SHA384" || text == "Sha384";
}

// The index in "PCR12"; nullopt for anything else.
std::optional<int> PcrIndexOf(std::string_view name) {
  if (!name.starts_with(kPcrPrefix)) return std::nullopt;
  const std::string digits(name.substr(kPcrPrefix.size()));
  int index = 0;
  if (!absl::SimpleAtoi(digits, &index) || absl::StrCat(index) != digits) {
    return std::nullopt;
  }
  return index;
}

// Collects the hex of each PCR.
absl::StatusOr<std::map<int, std::string>> ReadMembers(
    const JsonValue& measurements) {
  std::map<int, std::string> hex_by_index;
  bool has_algorithm = false;
  for (const auto& [name, value] : measurements.members()) {
    const auto text = value.AsString();
    if (!text) {
      return Reject(Reason::kFieldInvalid,
                    absl::StrCat("Measurements.", name, " is not a string"));
    }
    if (name == "HashAlgorithm") {
      if (!IsSha384(*text)) {
        return Reject(Reason::kDigestUnsupported,
                      "Measurements.HashAlgorithm is not SHA384");
      }
      has_algorithm = true;
      continue;
    }
    const auto index = PcrIndexOf(name);
    if (!index) {
      return Reject(Reason::kFieldUnknown,
                    absl::StrCat("Measurements.", name, " is no PCR"));
    }
    hex_by_index.emplace(*index, *text);
  }
  if (!has_algorithm) {
    return Reject(Reason::kFieldMissing,
                  "Measurements.HashAlgorithm is missing");
  }
  return hex_by_index;
}

// nullopt where the PCRs do not tell.
std::optional<AttestationType> TypeOf(const std::map<int, std::string>& pcrs) {
  const auto is_there = [&](int index) { return pcrs.contains(index); };
  const auto any = [&](const auto& indexes) {
    return std::any_of(indexes.begin(), indexes.end(), is_there);
  };
  if (std::all_of(kEnclavePcrs.begin(), kEnclavePcrs.end(), is_there) &&
      !any(kNitroTpmPcrs)) {
    return AttestationType::kEnclave;
  }
  if (any(kNitroTpmPcrs) && !any(kEnclavePcrs)) {
    return AttestationType::kNitroTpm;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<ImageMeasurements> ReadMeasurements(
    std::string_view json, std::optional<AttestationType> type) {
  const auto value = verify::ParseJson(
      json, {.max_bytes = kMaxMeasurementsBytes, .max_depth = kMaxDepth});
  if (!value.ok()) return value.status();
  const JsonValue* measurements = value->Find("Measurements");
  if (measurements == nullptr) {
    return Reject(Reason::kFieldMissing, "Measurements is missing");
  }
  if (measurements->kind() != JsonValue::Kind::kObject) {
    return Reject(Reason::kFieldInvalid, "Measurements is not an object");
  }
  const auto hex_by_index = ReadMembers(*measurements);
  if (!hex_by_index.ok()) return hex_by_index.status();
  if (hex_by_index->empty()) {
    return Reject(Reason::kFieldMissing, "Measurements has no PCR");
  }
  const auto pcrs = verify::PcrSet::FromHex(*hex_by_index);
  if (!pcrs.ok()) return pcrs.status();
  const auto told = TypeOf(pcrs->values());
  if (told && type && *told != *type) {
    return Reject(
        Reason::kWrongDocumentType,
        absl::StrCat(
            "the PCRs are those of ",
            *told == AttestationType::kEnclave ? "an enclave" : "a NitroTPM"));
  }
  if (!told && !type) {
    return Reject(Reason::kFieldInvalid,
                  "the PCRs do not tell whether they are of an enclave or of "
                  "a NitroTPM");
  }
  return ImageMeasurements{told ? *told : *type, pcrs->values()};
}

}  // namespace anchorage::anchors
