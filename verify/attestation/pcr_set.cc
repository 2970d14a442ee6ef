#include "verify/attestation/pcr_set.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "verify/encoding/base64.h"
#include "verify/no_exceptions.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using namespace std::string_view_literals;

// What PCR7 of a NitroTPM is where Secure Boot is off and no key is enrolled:
// it depends on nothing else, so it is the same on every instance.
constexpr std::string_view kPcr7SecureBootOff =
    "\x98\x44\x1c\x7f\x76\x25\xd1\x00\x58\xc4\x76\x83\xae\xc4\x86\xce"
    "\x31\x1c\x63\x32\x35\xeb\x55\x55\x93\xa7\xee\x79\x11\x21\xe3\x57"
    "\x8a\xe7\x2d\x04\xec\xef\x66\x1f\x27\x2d\x59\x05\x8b\x77\xaf\x35"sv;
static_assert(kPcr7SecureBootOff.size() == kPcrBytes);

constexpr int kPcrSecureBoot = 7;
constexpr int kPcrCommandLine = 12;

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

std::optional<int> PcrSet::FirstMismatch(
    const std::array<std::string_view, kPcrCount>& pcrs) const {
  for (const auto& [index, value] : values_) {
    if (pcrs[static_cast<std::size_t>(index)] != value) return index;
  }
  return std::nullopt;
}

bool FixesCommandLine(int index, std::string_view value) {
  const bool zero = value == std::string(kPcrBytes, '\0');
  if (index == kPcrCommandLine) return zero;
  return index == kPcrSecureBoot && !zero && value != kPcr7SecureBootOff;
}

bool LeavesCommandLineOpen(const PcrSet& pcrs) {
  return pcrs.Find(kPcrBootImage).has_value() &&
         std::none_of(pcrs.values().begin(), pcrs.values().end(),
                      [](const auto& pcr) {
                        return FixesCommandLine(pcr.first, pcr.second);
                      });
}

}  // namespace anchorage::verify
