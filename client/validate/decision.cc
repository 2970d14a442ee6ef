#include "client/validate/decision.h"

#include <algorithm>

namespace anchorage::client {
namespace {

using Extension = Decision::Extension;
using verify::MismatchAction;

// What is wrong with the TPM is a reason, unless it need not be there.
std::optional<ValidateReason> ReasonOf(const ValidateConfig& config,
                                       const Finding& finding,
                                       std::optional<ValidateReason> tpm) {
  if (finding.reason.has_value()) return finding.reason;
  if (tpm == ValidateReason::kTpmAbsent && !config.require_tpm) {
    return std::nullopt;
  }
  return tpm;
}

// What the initrd demands. A bundle that is not verified can kill the process
// that reads it, and must not choose the milder of two actions by that.
MismatchAction LeastAction(const ValidateConfig& config,
                           ValidateReason reason) {
  if (IsWithoutManifest(reason)) return config.without_manifest;
  switch (reason) {
    case ValidateReason::kValidatorDied:
    case ValidateReason::kValidatorTimeout:
    case ValidateReason::kValidatorUnavailable:
      return std::max(config.least_action, config.without_manifest);
    default:
      return config.least_action;
  }
}

}  // namespace

bool IsWithoutManifest(ValidateReason reason) {
  switch (reason) {
    case ValidateReason::kManifestMissing:
    case ValidateReason::kManifestUnreadable:
    case ValidateReason::kManifestForeign:
    case ValidateReason::kManifestOfAnotherProduct:
    case ValidateReason::kManifestOlder:
    case ValidateReason::kManifestScopeTooSmall:
    case ValidateReason::kManifestExclusions:
      return true;
    default:
      return false;
  }
}

Decision Decide(const ValidateConfig* config, ValidateStage stage,
                const Finding& finding,
                std::optional<ValidateReason> tpm_reason) {
  Decision decision;
  if (config == nullptr) {
    decision.reason = finding.reason.value_or(ValidateReason::kConfigMissing);
    return decision;
  }
  decision.reason = ReasonOf(*config, finding, tpm_reason);
  if (!decision.reason.has_value()) {
    decision.action = MismatchAction::kContinue;
    decision.extension =
        stage == ValidateStage::kSystem || tpm_reason.has_value()
            ? Extension::kNothing
            : Extension::kManifest;
    return decision;
  }
  const MismatchAction least = LeastAction(*config, *decision.reason);
  decision.action = std::max(least, finding.manifest_action.value_or(least));
  decision.manifest_is_stricter = decision.action > least;
  return decision;
}

}  // namespace anchorage::client
