#include "tools/trustctl/instance_machine.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"

namespace anchorage::trustctl {
namespace {

namespace fs = std::filesystem;

std::string LineOf(const std::string& path) {
  const auto text = anchors::ReadFile(path, 4096);
  return text.ok() ? std::string(absl::StripAsciiWhitespace(*text)) : "";
}

bool Exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// Container runtimes lay an empty folder over /sys/firmware.
std::optional<bool> BootedByUefi(const std::string& firmware) {
  std::error_code error;
  const fs::directory_iterator entries(firmware, error);
  if (error || entries == fs::directory_iterator()) return std::nullopt;
  return Exists(firmware + "/efi");
}

// Opening it could disturb whoever uses it: a TPM has one user at a time.
Machine::TpmDevice LookAtTpm(const std::string& path) {
  if (access(path.c_str(), R_OK | W_OK) == 0) {
    return Machine::TpmDevice::kUsable;
  }
  return errno == EACCES || errno == EPERM || errno == EROFS
             ? Machine::TpmDevice::kNotPermitted
             : Machine::TpmDevice::kAbsent;
}

}  // namespace

Machine LookAtMachine(const std::string& root) {
  Machine machine;
  const std::string dmi = root + "/sys/class/dmi/id/";
  machine.vendor = LineOf(dmi + "sys_vendor");
  if (machine.vendor == "Amazon EC2") {
    machine.kind = Machine::Kind::kNitro;
    machine.instance_type = LineOf(dmi + "product_name");
    const std::string tag = LineOf(dmi + "board_asset_tag");
    if (absl::StartsWith(tag, "i-")) machine.instance_id = tag;
  } else if (absl::StartsWithIgnoreCase(LineOf(root + "/sys/hypervisor/uuid"),
                                        "ec2") ||
             absl::StrContains(LineOf(dmi + "bios_version"), "amazon")) {
    machine.kind = Machine::Kind::kXen;
  } else if (!machine.vendor.empty()) {
    machine.kind = Machine::Kind::kNotEc2;
  }
  if (const char* const name = std::getenv("AWS_EXECUTION_ENV");
      name != nullptr) {
    machine.execution = std::string_view(name).substr(0, 64);
  }
  machine.uefi = BootedByUefi(root + "/sys/firmware");
  machine.tpm_in_firmware = Exists(root + "/sys/firmware/acpi/tables/TPM2");
  machine.tpm_in_kernel = Exists(root + "/sys/class/tpm/tpm0");
  machine.tpm_device = LookAtTpm(root + "/dev/tpm0");
  machine.enclave = Exists(root + "/dev/nsm");
  return machine;
}

}  // namespace anchorage::trustctl
