// What follows from what a validation found: the register and the machine.
//
// Pure: a table of the tests has every combination.

#ifndef ANCHORAGE_CLIENT_VALIDATE_DECISION_H_
#define ANCHORAGE_CLIENT_VALIDATE_DECISION_H_

#include <optional>

#include "client/validate/validate_config.h"
#include "client/validate/validate_error.h"
#include "verify/image/manifest.h"

namespace anchorage::client {

// Where the validator runs.
enum class ValidateStage {
  // In the initrd, before anything of the tree has run.
  kInitrd,
  // In the system that it validates. What ran before could have extended the
  // register with anything, so it never extends it with a success.
  kSystem,

  kMaxValue = kSystem,
};

// What the validation found.
struct Finding {
  // Why the tree is not valid; nullopt where it is.
  std::optional<ValidateReason> reason;
  // What the manifest demands, where its signature was verified: also if it is
  // of another product or too old, as that can only make things stricter.
  std::optional<verify::MismatchAction> manifest_action;
  // The manifest's digest; zero unless the tree is valid.
  verify::Sha256Bytes manifest_digest{};

  friend bool operator==(const Finding&, const Finding&) = default;
};

struct Decision {
  enum class Extension {
    kNothing,
    // verify::BootEvent() of the manifest.
    kManifest,
    // verify::FailedBootEvent().
    kFailure,
  };

  // Why the boot is not as expected; nullopt where it is.
  std::optional<ValidateReason> reason;
  // Extended before the action, and before anything else runs.
  Extension extension = Extension::kFailure;
  // kContinue where there is no reason.
  verify::MismatchAction action = verify::MismatchAction::kPowerOff;
  // Whether it is the manifest's, which is stricter than the initrd's.
  bool manifest_is_stricter = false;
};

// Whether the reason is that there is no manifest that counts, for which
// ValidateConfig::without_manifest stands.
bool IsWithoutManifest(ValidateReason reason);

// Decides by `config`, which is null where it could not be read: then the
// machine is powered off. `tpm_reason` says why the register cannot be
// extended, and is nullopt where it can.
Decision Decide(const ValidateConfig* config, ValidateStage stage,
                const Finding& finding,
                std::optional<ValidateReason> tpm_reason);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_VALIDATE_DECISION_H_
