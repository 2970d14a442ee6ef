// What a machine says of itself without being asked over a network: whether it
// is an EC2 instance, how it was booted, and whether it has a TPM.
//
// Hints for people: nothing of it is proved, and a container hides some of it.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_INSTANCE_MACHINE_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_INSTANCE_MACHINE_H_

#include <optional>
#include <string>

namespace anchorage::trustctl {

struct Machine {
  enum class Kind {
    // There is no DMI, as in most containers of other runtimes.
    kUnknown,
    // Another cloud, or a computer on a desk.
    kNotEc2,
    // An instance of an old type. None of these has UEFI or a NitroTPM.
    kXen,
    kNitro,
  };
  enum class TpmDevice { kAbsent, kNotPermitted, kUsable };

  Kind kind = Kind::kUnknown;
  // Who made it, as DMI says: "Amazon EC2" for kNitro.
  std::string vendor = {};
  // For kNitro, else empty: the type, such as "m7i.large", and the instance's
  // id.
  std::string instance_type = {};
  std::string instance_id = {};
  // Such as "AWS_ECS_FARGATE": what AWS says of a container or a function that
  // it runs. Empty elsewhere.
  std::string execution = {};

  // Whether it was booted by UEFI; nullopt where that cannot be seen.
  std::optional<bool> uefi = {};
  // Whether the firmware names a TPM, whether the kernel has a driver for one,
  // and its device /dev/tpm0.
  bool tpm_in_firmware = false;
  bool tpm_in_kernel = false;
  TpmDevice tpm_device = TpmDevice::kAbsent;

  // Whether this is an enclave, which has a Nitro Secure Module, and neither a
  // TPM nor a network.
  bool enclave = false;
};

// Looks at this machine, below the folder `root`, which is empty but in tests.
// What cannot be read counts as absent. Reads at most 4 KiB of each file, and
// opens no device.
Machine LookAtMachine(const std::string& root = "");

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_INSTANCE_MACHINE_H_
