// Input: what a validation at boot expects, as it stands in an initrd.
// Holds for any bytes:
//   1. it is read, or refused as CONFIG_INVALID;
//   2. what is read names a producer with certificates, a product, a register
//      that cannot be reset, and places below the root;
//   3. white space around it changes nothing, and a member more refuses it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client/validate/validate_config.h"
#include "client/validate/validate_error.h"
#include "test/fuzz/fuzz.h"
#include "verify/image/bundle.h"
#include "verify/image/manifest.h"

namespace anchorage::test {
namespace {

using client::ParseValidateConfig;
using client::ValidateConfig;

void RequireRefused(const std::string& text) {
  Require(client::ValidateReasonOf(ParseValidateConfig(text).status()) ==
              client::ValidateReason::kConfigInvalid,
          "what is not read has the one reason");
}

void CheckConfig(const ValidateConfig& config) {
  Require(!config.producers.empty(), "somebody may sign");
  for (const auto& producer : config.producers) {
    Require(!producer.name.empty() && !producer.certificates_der.empty(),
            "a producer has a name and certificates");
  }
  Require(!config.expected.product.empty(), "a product is expected");
  Require(config.pcr == 8 || config.pcr == 14 || config.pcr == 15,
          "the register is none that software resets");
  Require(!config.manifests.empty(), "a manifest is somewhere");
  for (const std::string& place : config.manifests) {
    Require(verify::IsEntryName(place), "it is below the root");
  }
  Require(
      std::is_sorted(config.allowed_exclusions.begin(),
                     config.allowed_exclusions.end()) &&
          std::all_of(config.allowed_exclusions.begin(),
                      config.allowed_exclusions.end(), &verify::IsEntryName),
      "what may be excluded are names");
  Require(config.max_bundle_bytes >= 1 &&
              config.max_bundle_bytes <= verify::kMaxBundleBytes,
          "a bundle's length is bounded");
  Require(config.tpm.front() == '/', "the TPM is at a path");
  Require(config.time_limit >= absl::ZeroDuration() &&
              config.time_limit <= absl::Hours(24) &&
              config.tpm_wait >= absl::ZeroDuration() &&
              config.tpm_wait <= absl::Hours(24),
          "times have an end");
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace anchorage::test;
  const std::string text(InputOf(data, size));
  const auto config = ParseValidateConfig(text);
  if (!config.ok()) {
    RequireRefused(text);
    return 0;
  }
  CheckConfig(*config);
  if (text.size() + 2 <= anchorage::client::kMaxValidateConfigBytes) {
    Require(ParseValidateConfig(" " + text + "\n").ok(), "space is nothing");
  }
  RequireRefused(text + "{}");
  std::string more = text;
  more.insert(more.find('{') + 1, "\"more\":0,");
  RequireRefused(more);
  return 0;
}
