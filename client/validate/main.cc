// anchorage-validate: see README.md.

#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/reboot.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/validate/report.h"
#include "client/validate/validate.h"
#include "client/validate/validate_config.h"
#include "verify/printable.h"

namespace anchorage::client {
namespace {

using verify::MismatchAction;

constexpr char kUsage[] =
    R"(Validates a tree of files against its producer's signed manifest.

usage: anchorage-validate --initrd | --system | --check [OPTION]...

  --initrd        before the tree is started: extends the register, then acts
  --system        in the system that is validated: extends it only on failure
  --check         checks the configuration alone, and prints for the hooks
                  "file" with each file that an initrd needs, and "action"
                  with the mildest that can follow a failure: the milder of
                  least_action and without_manifest
  --root DIR      the tree; by default /sysroot, or / with --system
  --config FILE   what is expected; by default /etc/anchorage/validate.json
  --dry-run       with --initrd or --system: says what it would do
  --help          this text

exit code: 0 the boot goes on, 1 wrong usage or configuration, 3 emergency,
4 the machine is to be off; with --dry-run 5 where a boot that is not valid
would go on
)";

enum ExitCode {
  kGoesOn = 0,
  kUsageError = 1,
  kEmergency = 3,
  kOff = 4,
  kWouldGoOn = 5,
};

struct Arguments {
  ValidateOptions options;
  bool check = false;
};

absl::StatusOr<Arguments> Parse(int argc, char** argv) {
  Arguments arguments;
  std::optional<std::string> root;
  int modes = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--initrd" || argument == "--system" ||
        argument == "--check") {
      ++modes;
      arguments.check = argument == "--check";
      if (argument == "--system") {
        arguments.options.stage = ValidateStage::kSystem;
      }
    } else if (argument == "--dry-run") {
      arguments.options.dry_run = true;
    } else if (argument == "--root" && i + 1 < argc) {
      root = argv[++i];
    } else if (argument == "--config" && i + 1 < argc) {
      arguments.options.config = argv[++i];
    } else {
      const bool known = argument == "--root" || argument == "--config";
      return absl::InvalidArgumentError(
          absl::StrCat(known ? "no value behind " : "unknown argument ",
                       verify::Printable(argument)));
    }
  }
  if (modes != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("say ", modes == 0 ? "" : "only one of ",
                     "--initrd, --system or --check"));
  }
  if (arguments.options.stage == ValidateStage::kSystem) {
    arguments.options.root = "/";
  }
  if (root.has_value()) arguments.options.root = *root;
  return arguments;
}

void PrintError(const absl::Status& why) {
  std::fprintf(stderr, "anchorage-validate: error: %s\n",
               std::string(why.message()).c_str());
}

int Check(const std::string& path) {
  const auto files = FilesOfValidateConfig(path);
  const auto config = ReadValidateConfig(path);
  if (!files.ok() || !config.ok()) {
    PrintError(files.ok() ? config.status() : files.status());
    return kUsageError;
  }
  for (const std::string& file : *files) {
    std::printf("file %s\n", file.c_str());
  }
  const std::string mildest(
      verify::NameOf(std::min(config->least_action, config->without_manifest)));
  std::printf("action %s\n", mildest.c_str());
  return kGoesOn;
}

// Returns only where the kernel does not do it.
int PowerOff(Report& report) {
  ::sync();
  ::reboot(RB_POWER_OFF);
  report.Say(Severity::kError,
             absl::StrCat("the machine cannot be powered off: ",
                          std::strerror(errno)));
  return kOff;
}

int Act(const Decision& decision, bool dry_run, Report& report) {
  switch (decision.action) {
    case MismatchAction::kContinue:
      return dry_run && decision.reason.has_value() ? kWouldGoOn : kGoesOn;
    case MismatchAction::kEmergency:
      return kEmergency;
    case MismatchAction::kPowerOff:
      break;
  }
  return dry_run ? kOff : PowerOff(report);
}

// What is opened later is never written to as one of the standard streams.
void OpenStandardStreams() {
  int opened = 0;
  while (opened >= 0 && opened <= STDERR_FILENO) {
    opened = ::open("/dev/null", O_RDWR);
  }
  if (opened > STDERR_FILENO) ::close(opened);
}

// Nothing that the kernel's command line put into the environment counts, and
// the library reads no configuration.
void Isolate() {
  OpenStandardStreams();
  ::clearenv();
  ::OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
}

// Nobody ends this process but by killing it, which its unit takes for a
// failure.
void BlockSignals() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
}

int Run(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--help") {
    std::fputs(kUsage, stdout);
    return kGoesOn;
  }
  const absl::StatusOr<Arguments> arguments = Parse(argc, argv);
  if (!arguments.ok()) {
    PrintError(arguments.status());
    std::fputs(kUsage, stderr);
    return kUsageError;
  }
  const ValidateOptions& options = arguments->options;
  Isolate();
  if (arguments->check) return Check(options.config);
  if (!options.dry_run) BlockSignals();
  Report report(/*to_kernel_log=*/!options.dry_run);
  try {
    return Act(Validate(options, report), options.dry_run, report);
  } catch (const std::exception&) {
    return options.dry_run ? kOff : PowerOff(report);
  }
}

}  // namespace
}  // namespace anchorage::client

int main(int argc, char** argv) { return anchorage::client::Run(argc, argv); }
