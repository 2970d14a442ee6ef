// What a validation at boot expects, as it stands in the initrd.
//
//   auto config = ReadValidateConfig("/etc/anchorage/validate.json");
//   if (!config.ok()) return PowerOff();
//
// The initrd is measured (PCR4), the disk is not: so all that decides about
// the disk stands here. README.md is the manual of the format.

#ifndef ANCHORAGE_CLIENT_VALIDATE_VALIDATE_CONFIG_H_
#define ANCHORAGE_CLIENT_VALIDATE_VALIDATE_CONFIG_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "verify/image/boot_pcr.h"
#include "verify/image/comparison.h"
#include "verify/image/manifest.h"
#include "verify/image/producer.h"

namespace anchorage::client {

inline constexpr std::size_t kMaxValidateConfigBytes = 256 * 1024;

struct ValidateConfig {
  // Who may sign. As it is parsed, a certificate is PEM, or the plain name of a
  // file with PEM that lies beside the configuration; as it is read, DER.
  std::vector<verify::TrustedProducer> producers;
  // The product, and the oldest version of it.
  verify::ImageExpectations expected;
  // A manifest that lists less is refused.
  verify::ManifestScope least_scope = verify::ManifestScope::kCodeAndStartup;
  // Where the bundle may be, as names of entries, below the root; the first
  // that is there counts.
  std::vector<std::string> manifests = {"usr/lib/anchorage/image.bundle.json"};
  // A manifest that excludes anything else is refused: each of its exclusions
  // is one of these or lies below one. Sorted; without the member, `manifests`.
  std::vector<std::string> allowed_exclusions = manifests;
  // A longer bundle is not read: it is read before anything of it is verified.
  std::size_t max_bundle_bytes = 64 * 1024 * 1024;
  // What happens where the tree differs or cannot be validated, unless the
  // manifest demands something stricter.
  verify::MismatchAction least_action = verify::MismatchAction::kPowerOff;
  // The same where there is no manifest that counts.
  verify::MismatchAction without_manifest = verify::MismatchAction::kPowerOff;
  // Whether a tree may be validated as it is seen, where its mount may not be
  // copied.
  bool as_seen = false;
  // The TPM, and the register that is extended: 8, 14 or 15.
  std::string tpm = "/dev/tpmrm0";
  int pcr = verify::kDefaultBootPcr;
  // Whether it is a failure if there is no TPM. What a TPM that is there does
  // wrong is one anyway.
  bool require_tpm = true;
  // How long a TPM that is required may take to appear.
  absl::Duration tpm_wait = absl::Seconds(10);
  // How long the validation may take.
  absl::Duration time_limit = absl::Minutes(15);
};

// Reads the text of a configuration: strict JSON, no member twice or unknown.
// Fails with kConfigInvalid. Pure.
absl::StatusOr<ValidateConfig> ParseValidateConfig(std::string_view json);

// Reads the file at `path` and the certificates that it names. Fails with
// kConfigMissing or kConfigInvalid.
absl::StatusOr<ValidateConfig> ReadValidateConfig(const std::string& path);

// Returns the paths of the file at `path` and of those that it names: what must
// be copied into an initrd. Fails as ReadValidateConfig() does.
absl::StatusOr<std::vector<std::string>> FilesOfValidateConfig(
    const std::string& path);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_VALIDATE_VALIDATE_CONFIG_H_
