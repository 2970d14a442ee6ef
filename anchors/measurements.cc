#include "anchors/measurements.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/byte_order_mark.h"
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
// The one that nitro-cli computes by itself.
constexpr int kSignerPcr = 8;

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

// The measurements of what was printed, wherever they stand in it.
struct Place {
  const JsonValue* measurements;
  // Without "Measurements" around them.
  bool bare;
  bool root_uncovered = false;
};

bool HasPcr(const JsonValue& json) {
  return std::any_of(
      json.members().begin(), json.members().end(),
      [](const auto& member) { return PcrIndexOf(member.first).has_value(); });
}

absl::StatusOr<Place> FindMeasurements(const JsonValue& printed) {
  const JsonValue* json = &printed;
  if (json->kind() == JsonValue::Kind::kArray) {
    if (json->elements().size() != 1) {
      return Reject(Reason::kFieldInvalid,
                    absl::StrCat("the list has ", json->elements().size(),
                                 " enclaves: give what was printed of one"));
    }
    json = &json->elements().front();
  }
  if (const JsonValue* named = json->Find("Measurements"); named != nullptr) {
    if (named->kind() != JsonValue::Kind::kObject) {
      return Reject(Reason::kFieldInvalid, "Measurements is not an object");
    }
    if (HasPcr(*json)) {
      return Reject(Reason::kFieldInvalid,
                    "a PCR stands beside Measurements: which counts is "
                    "ambiguous");
    }
    const JsonValue* const covers = json->Find("pcr4_covers_root");
    return Place{named, false, covers != nullptr && covers->AsBool() != true};
  }
  if (HasPcr(*json)) return Place{json, true};
  return Reject(Reason::kFieldMissing,
                json->Find("PCR") == nullptr
                    ? "Measurements is missing"
                    : "'PCR' does not say which PCR it is: name it, as "
                      "\"PCR8\"");
}

// Collects the hex of each PCR.
absl::StatusOr<std::map<int, std::string>> ReadMembers(
    const JsonValue& measurements, bool bare) {
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
  if (!has_algorithm && !bare) {
    return Reject(Reason::kFieldMissing,
                  "Measurements.HashAlgorithm is missing");
  }
  return hex_by_index;
}

// nullopt where the PCRs do not tell.
std::optional<AttestationType> TypeOf(const std::map<int, std::string>& pcrs,
                                      bool bare) {
  if (bare && pcrs.size() == 1 && pcrs.contains(kSignerPcr)) {
    return AttestationType::kEnclave;
  }
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
  const auto text = WithoutByteOrderMark(json);
  if (!text.ok()) return text.status();
  const auto value = verify::ParseJson(
      *text, {.max_bytes = kMaxMeasurementsBytes, .max_depth = kMaxDepth});
  if (!value.ok()) return value.status();
  const auto place = FindMeasurements(*value);
  if (!place.ok()) return place.status();
  const auto hex_by_index = ReadMembers(*place->measurements, place->bare);
  if (!hex_by_index.ok()) return hex_by_index.status();
  if (hex_by_index->empty()) {
    return Reject(Reason::kFieldMissing, "Measurements has no PCR");
  }
  const auto pcrs = verify::PcrSet::FromHex(*hex_by_index);
  if (!pcrs.ok()) return pcrs.status();
  const auto told = TypeOf(pcrs->values(), place->bare);
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
  return ImageMeasurements{told ? *told : *type, pcrs->values(),
                           place->root_uncovered};
}

}  // namespace anchorage::anchors
