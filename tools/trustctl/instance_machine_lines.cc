#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/instance/instance_error.h"
#include "tools/trustctl/instance_lines.h"

namespace anchorage::trustctl {
namespace {

using client::InstanceReason;
using Attestation = InstanceNeeds::Attestation;

// Why there is no TPM, as far as that can be told here; what to do.
std::pair<const char*, std::string> WhyNoTpm(const InstanceFacts& facts) {
  const Machine& machine = facts.machine;
  if (machine.tpm_device == Machine::TpmDevice::kNotPermitted) {
    return {"TPM_NOT_PERMITTED",
            "run it as root, or let the user into the group of /dev/tpm0: "
            "usermod -aG tss USER"};
  }
  if (machine.tpm_in_kernel) {
    return {"TPM_DEVICE_HIDDEN",
            "the kernel has a TPM, and /dev/tpm0 is not here: give it to the "
            "container (--device /dev/tpm0), or allow it in the unit "
            "(DeviceAllow=/dev/tpm0 rw)"};
  }
  if (machine.tpm_in_firmware) {
    return {"TPM_DRIVER_MISSING",
            "the firmware has a TPM, and the kernel no driver for it: modprobe "
            "tpm_crb"};
  }
  switch (machine.kind) {
    case Machine::Kind::kUnknown:
      if (facts.imds.document.has_value()) break;
      [[fallthrough]];
    case Machine::Kind::kNotEc2:
      return {"TPM_ABSENT", "a NitroTPM is part of a Nitro-based instance"};
    case Machine::Kind::kXen:
      return {"TPM_TYPE_WITHOUT",
              "types on Xen have no NitroTPM: change the instance to a "
              "Nitro-based type"};
    case Machine::Kind::kNitro:
      break;
  }
  if (!machine.uefi.value_or(true)) {
    return {"TPM_IMAGE_WITHOUT_UEFI",
            "a NitroTPM needs UEFI: register the image with --boot-mode uefi "
            "--tpm-support v2.0, and launch a new instance from it"};
  }
  const std::string image =
      facts.imds.document.has_value() ? facts.imds.document->image_id : "IMAGE";
  return {
      "TPM_IMAGE_OR_TYPE_WITHOUT",
      absl::StrCat(
          "the image was registered without TPM support (aws ec2 "
          "describe-images --image-ids ",
          image, " --query 'Images[].TpmSupport'), or ", machine.instance_type,
          " has none (aws ec2 describe-instance-types --instance-types ",
          machine.instance_type,
          " --query 'InstanceTypes[].NitroTpmSupport')")};
}

// A line that is a failure only where attestation is needed.
CheckLine AsNeeded(const InstanceFacts& facts, ExitCode code, CheckLine line) {
  if (facts.needs.attestation == Attestation::kNeed) {
    line.mark = Mark::kFail;
    line.exit_code = code;
  }
  return line;
}

std::string HintForAttestation(const absl::Status& why) {
  switch (client::InstanceReasonOf(why).value_or(
      InstanceReason::kInstanceUnavailable)) {
    case InstanceReason::kAttestationAbsent:
      return "install nitro-tpm-attest: on Amazon Linux 2023 it is in the "
             "package aws-nitro-tpm-tools";
    case InstanceReason::kAttestationForbidden:
      return "a NitroTPM: run it as root, or let the user into the group of "
             "/dev/tpm0: usermod -aG tss USER; an enclave: run it with "
             "CAP_SYS_ADMIN";
    case InstanceReason::kAttestationTimeout:
      return "find what else uses the TPM: fuser /dev/tpm0";
    default:
      return "see what it says of itself: 'trustctl instance attest'";
  }
}

}  // namespace

CheckLine JudgeMachine(const InstanceFacts& facts) {
  const Machine& machine = facts.machine;
  const char* const boot = !machine.uefi.has_value() ? ""
                           : *machine.uefi           ? ", booted by UEFI"
                                                     : ", booted by BIOS";
  const std::string runtime =
      machine.execution.empty() ? "" : ", in " + machine.execution;
  switch (machine.kind) {
    case Machine::Kind::kNitro:
      return Ok(absl::StrCat("EC2, ", machine.instance_type, ", Nitro-based",
                             boot, runtime));
    case Machine::Kind::kXen:
      return Ok(absl::StrCat("EC2, Xen-based", boot, runtime));
    case Machine::Kind::kNotEc2:
      return Warn("NOT_EC2",
                  absl::StrCat("made by ", machine.vendor, ", not Amazon EC2",
                               boot, runtime),
                  "run it on the instance itself");
    case Machine::Kind::kUnknown:
      break;
  }
  return Skipped("nothing says who made this machine" + runtime);
}

CheckLine JudgeTpm(const InstanceFacts& facts) {
  if (facts.needs.attestation == Attestation::kIgnore) {
    return Skipped("not asked for");
  }
  const Machine& machine = facts.machine;
  if (machine.enclave) return Ok("/dev/nsm, of an enclave");
  if (machine.tpm_device != Machine::TpmDevice::kUsable) {
    auto [reason, hint] = WhyNoTpm(facts);
    const bool there = machine.tpm_device != Machine::TpmDevice::kAbsent;
    return AsNeeded(
        facts, there ? kRefusedByPolicy : kUndecided,
        Warn(reason, there ? "/dev/tpm0 is not for this user" : "no /dev/tpm0",
             std::move(hint)));
  }
  return Ok("/dev/tpm0");
}

CheckLine JudgeAttestation(const InstanceFacts& facts) {
  if (!facts.attestation.has_value()) {
    return Skipped(facts.needs.attestation == Attestation::kIgnore
                       ? "not asked for"
                       : "no TPM to ask");
  }
  const AttestationFacts& attestation = *facts.attestation;
  if (!attestation.served.ok()) {
    return AsNeeded(
        facts, ExitCodeOf(attestation.served),
        WarnOf(attestation.served, HintForAttestation(attestation.served)));
  }
  if (!attestation.verified.ok()) {
    return AsNeeded(
        facts, ExitCodeOf(attestation.verified),
        WarnOf(attestation.verified, "see the lines on anchors and clock"));
  }
  return Ok(absl::StrCat(attestation.module_id, " verified"));
}

}  // namespace anchorage::trustctl
