#include "verify/attestation/pcr_set.h"

#include "absl/strings/str_cat.h"
#include "verify/encoding/base64.h"
#include "verify/no_exceptions.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using Values = std::map<int, std::string>;

absl::StatusOr<Values> ReadHex(const Values& hex_by_index) {
  Values values;
  for (const auto& [index, hex] : hex_by_index) {
    absl::StatusOr<std::string> bytes = DecodeHex(hex);
    if (!bytes.ok()) {
      return Reject(Reason::kEncodingMalformed,
                    absl::StrCat("the value of PCR", index, " is not hex"));
    }
    values.emplace(index, *std::move(bytes));
  }
  return values;
}

absl::Status CheckValues(const Values& bytes_by_index) {
  if (bytes_by_index.empty()) {
    return Reject(Reason::kPolicyEmpty, "a set of measurements is empty");
  }
  for (const auto& [index, bytes] : bytes_by_index) {
    if (index < 0 || index >= static_cast<int>(kPcrCount)) {
      return Reject(Reason::kFieldInvalid,
                    absl::StrCat("there is no PCR", index));
    }
    if (bytes.size() != kPcrBytes) {
      return Reject(Reason::kFieldInvalid,
                    absl::StrCat("the value of PCR", index, " has ",
                                 bytes.size(), " bytes, not ", kPcrBytes));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PcrSet> PcrSet::FromHex(
    const std::map<int, std::string>& hex_by_index) {
  absl::StatusOr<Values> values =
      WithoutExceptions([&] { return ReadHex(hex_by_index); });
  if (!values.ok()) return values.status();
  return FromBytes(*std::move(values));
}

absl::StatusOr<PcrSet> PcrSet::FromBytes(
    std::map<int, std::string> bytes_by_index) {
  const absl::Status checked =
      WithoutExceptions([&] { return CheckValues(bytes_by_index); });
  if (!checked.ok()) return checked;
  return PcrSet(std::move(bytes_by_index));
}

std::optional<std::string_view> PcrSet::Find(int index) const {
  const auto found = values_.find(index);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

std::uint32_t PcrSet::named() const {
  std::uint32_t named = 0;
  for (const auto& [pcr, value] : values_) named |= std::uint32_t{1} << pcr;
  return named;
}

std::optional<int> PcrSet::FirstMismatch(
    const std::array<std::string_view, kPcrCount>& pcrs) const {
  for (const auto& [index, value] : values_) {
    if (pcrs[static_cast<std::size_t>(index)] != value) return index;
  }
  return std::nullopt;
}

}  // namespace anchorage::verify
