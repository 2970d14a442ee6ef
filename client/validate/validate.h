// One validation at boot, from the configuration to the register.
//
//   Report report(/*to_kernel_log=*/true);
//   const Decision decision = Validate({.root = "/sysroot"}, report);
//   Act(decision.action);
//
// What was written by others is read in a process apart (apart.h); this one
// reads the configuration, extends the register, and decides.

#ifndef ANCHORAGE_CLIENT_VALIDATE_VALIDATE_H_
#define ANCHORAGE_CLIENT_VALIDATE_VALIDATE_H_

#include <string>

#include "absl/time/time.h"
#include "client/validate/decision.h"
#include "client/validate/report.h"

namespace anchorage::client {

struct ValidateOptions {
  std::string root = "/sysroot";
  std::string config = "/etc/anchorage/validate.json";
  ValidateStage stage = ValidateStage::kInitrd;
  // Reads the tree and decides, and leaves the TPM alone: as if it were there
  // and its register zero.
  bool dry_run = false;
  // How long one command of the TPM may take; the longest is defined by its
  // vendor, and far below.
  absl::Duration tpm_limit = absl::Seconds(30);
};

// Validates the tree, extends the register, says why, and returns what is to be
// done, which the caller does. Every failure is a mismatch. The calling process
// must have one thread only.
Decision Validate(const ValidateOptions& options, Report& report);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_VALIDATE_VALIDATE_H_
