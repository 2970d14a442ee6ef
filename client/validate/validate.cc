#include "client/validate/validate.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "client/validate/apart.h"
#include "client/validate/tpm.h"
#include "client/validate/tree.h"
#include "client/validate/validate_config.h"
#include "client/validate/validate_error.h"
#include "verify/image/boot_pcr.h"

namespace anchorage::client {
namespace {

using Extension = Decision::Extension;
using verify::Sha384Bytes;

std::string_view BytesOf(const Sha384Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

ValidateReason ReasonIn(const absl::Status& status) {
  return ValidateReasonOf(status).value_or(
      ValidateReason::kValidatorUnavailable);
}

// A failure of this process, as a finding, which is said.
Finding Failed(const absl::Status& status, Report& report) {
  report.Say(Severity::kError, std::string(status.message()));
  return {.reason = ReasonIn(status), .manifest_action = std::nullopt};
}

Finding ExamineApart(const ValidateConfig& config,
                     const ValidateOptions& options, Report& report) {
  const absl::StatusOr<std::string> answer = RunApart(config.time_limit, [&] {
    return WriteFinding(ExamineTree(config, options.root, report));
  });
  if (!answer.ok()) return Failed(answer.status(), report);
  const absl::StatusOr<Finding> finding = ReadFinding(*answer);
  if (!finding.ok()) return Failed(finding.status(), report);
  return *finding;
}

// --- The register ------------------------------------------------------------

// The TPM, with its register zero: only then does a value in it mean something.
// In the system, what stands in it may be the initrd's success.
absl::Status CheckRegister(Tpm& tpm, const ValidateConfig& config,
                           ValidateStage stage) {
  const absl::StatusOr<std::string> before = tpm.ReadPcr(config.pcr);
  if (!before.ok()) return before.status();
  if (stage == ValidateStage::kInitrd &&
      *before != std::string(kPcrBytes, '\0')) {
    return NotValid(
        ValidateReason::kTpmRegisterUsed,
        absl::StrCat("something has extended PCR ", config.pcr, " before"));
  }
  return absl::OkStatus();
}

// Extends, reads the register again and compares: a TPM that lost the command
// has answered it all the same.
absl::Status ExtendWithManifest(Tpm& tpm, int pcr,
                                const verify::Sha256Bytes& digest) {
  const auto event = verify::BootEvent(digest);
  if (!event.ok()) return event.status();
  const auto expected = verify::RegisterAfter(*event);
  if (!expected.ok()) return expected.status();
  if (absl::Status extended = tpm.ExtendPcr(pcr, BytesOf(*event));
      !extended.ok()) {
    return extended;
  }
  const absl::StatusOr<std::string> after = tpm.ReadPcr(pcr);
  if (!after.ok()) return after.status();
  if (*after != BytesOf(*expected)) {
    return NotValid(ValidateReason::kTpmRegisterWrong,
                    absl::StrCat("PCR ", pcr,
                                 " is not what it was extended "
                                 "to"));
  }
  return absl::OkStatus();
}

absl::Status ExtendWithFailure(Tpm& tpm, int pcr) {
  const auto event = verify::FailedBootEvent();
  if (!event.ok()) return event.status();
  return tpm.ExtendPcr(pcr, BytesOf(*event));
}

std::optional<ValidateReason> ReasonOf(const absl::Status& status) {
  if (status.ok()) return std::nullopt;
  return ReasonIn(status);
}

// Decides, and extends the register as was decided: what fails at that is a
// reason to decide again.
Decision DecideAndExtend(const ValidateConfig* config, ValidateStage stage,
                         absl::Duration tpm_limit, Finding finding,
                         Report& report) {
  // Without a configuration the failure still goes where it usually goes.
  const ValidateConfig& settings =
      config != nullptr ? *config : ValidateConfig();
  absl::StatusOr<Tpm> tpm =
      Tpm::Open(settings.tpm,
                settings.require_tpm ? settings.tpm_wait : absl::ZeroDuration(),
                tpm_limit);
  const absl::Status usable =
      tpm.ok() ? CheckRegister(*tpm, settings, stage) : tpm.status();
  if (!usable.ok()) {
    report.Say(Severity::kError, std::string(usable.message()));
  }
  Decision decision = Decide(config, stage, finding, ReasonOf(usable));
  if (decision.extension == Extension::kManifest) {
    const absl::Status extended =
        ExtendWithManifest(*tpm, settings.pcr, finding.manifest_digest);
    if (extended.ok()) return decision;
    report.Say(Severity::kError, std::string(extended.message()));
    finding.reason = ReasonIn(extended);
    decision = Decide(config, stage, finding, ReasonIn(extended));
  }
  if (decision.extension == Extension::kFailure && tpm.ok()) {
    // Whatever is wrong with it: a register that is extended once more shows
    // no success.
    if (absl::Status extended = ExtendWithFailure(*tpm, settings.pcr);
        !extended.ok()) {
      report.Say(Severity::kError,
                 absl::StrCat("the register does not show the failure: ",
                              std::string(extended.message())));
    }
  }
  return decision;
}

// --- What is said ------------------------------------------------------------

void SayVerdict(const Decision& decision, const Finding& finding, bool dry_run,
                Report& report) {
  constexpr char kDryRun[] = "; dry run, the TPM was not asked";
  if (decision.reason.has_value()) {
    report.Say(
        Severity::kError,
        absl::StrCat(
            "NOT VALID: ", std::string(NameOf(*decision.reason)),
            "; action: ", std::string(verify::NameOf(decision.action)),
            decision.manifest_is_stricter ? " (the manifest is stricter)" : "",
            dry_run ? kDryRun : ""));
    return;
  }
  const std::string digest(finding.manifest_digest.begin(),
                           finding.manifest_digest.end());
  report.Say(
      Severity::kNotice,
      absl::StrCat("VALID: manifest sha256:", absl::BytesToHexString(digest),
                   dry_run ? kDryRun
                   : decision.extension == Extension::kManifest
                       ? ", which the register shows"
                       : ", which no register shows"));
}

}  // namespace

Decision Validate(const ValidateOptions& options, Report& report) {
  const absl::StatusOr<ValidateConfig> config =
      ReadValidateConfig(options.config);
  const Finding finding = config.ok() ? ExamineApart(*config, options, report)
                                      : Failed(config.status(), report);
  const ValidateConfig* known = config.ok() ? &*config : nullptr;
  const Decision decision =
      options.dry_run ? Decide(known, options.stage, finding, std::nullopt)
                      : DecideAndExtend(known, options.stage, options.tpm_limit,
                                        finding, report);
  SayVerdict(decision, finding, options.dry_run, report);
  return decision;
}

}  // namespace anchorage::client
