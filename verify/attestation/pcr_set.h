// Expected measurements: values of some of a document's PCRs.
//
//   absl::StatusOr<PcrSet> release = PcrSet::FromHex({{0, "5a…"}, {1, "…"}});
//
// Immutable.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_PCR_SET_H_
#define ANCHORAGE_VERIFY_ATTESTATION_PCR_SET_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "verify/attestation/attestation_document.h"

namespace anchorage::verify {

class PcrSet {
 public:
  // Reads values in hex of either case, 96 digits each, as image builders
  // print them. Fails with kPolicyEmpty (no PCR), kEncodingMalformed (no hex:
  // an odd length, "0x", nothing) or kFieldInvalid (not 48 bytes, or an index
  // that is not from 0 to 31).
  static absl::StatusOr<PcrSet> FromHex(
      const std::map<int, std::string>& hex_by_index);

  // Takes values of 48 bytes each. Fails as FromHex() does.
  static absl::StatusOr<PcrSet> FromBytes(
      std::map<int, std::string> bytes_by_index);

  // The values, 48 bytes each; never empty.
  const std::map<int, std::string>& values() const { return values_; }

  // Returns the value of one PCR; nullopt if the set says nothing about it.
  std::optional<std::string_view> Find(int index) const;

  // The PCRs that it says something about, as a bit mask: bit n is PCRn.
  std::uint32_t named() const;

  // Returns the first PCR that is absent from `pcrs` or has another value
  // there; nullopt if all are as this set says.
  std::optional<int> FirstMismatch(
      const std::array<std::string_view, kPcrCount>& pcrs) const;

 private:
  explicit PcrSet(std::map<int, std::string> values)
      : values_(std::move(values)) {}

  std::map<int, std::string> values_;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_PCR_SET_H_
