// Every way in which a validation at boot can fail, as one closed list.
//
//   absl::Status extended = tpm.ExtendPcr(8, value);
//   if (!extended.ok()) Say(NameOf(*ValidateReasonOf(extended)));
//
// What differs in a tree has reasons of its own (verify/image/comparison.h),
// and so has what is wrong with a bundle (verify/image/image_error.h).
//
// A reason's NAME is API: it keeps its meaning for ever and is never reused.
// The text beside the name is for people: it may change, so never parse it.

#ifndef ANCHORAGE_CLIENT_VALIDATE_VALIDATE_ERROR_H_
#define ANCHORAGE_CLIENT_VALIDATE_VALIDATE_ERROR_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace anchorage::client {

enum class ValidateReason {
  // --- What is expected ----------------------------------------------------

  // The file that says what is expected is not there or cannot be read.
  kConfigMissing,
  // It is there, and it is not strictly what the manual describes, or a
  // certificate that it names cannot be read.
  kConfigInvalid,

  // --- The manifest --------------------------------------------------------

  // None of the places in the tree has a bundle.
  kManifestMissing,
  // A bundle is there, and it cannot be read or its signature does not verify.
  kManifestUnreadable,
  // No producer that is expected signed it.
  kManifestForeign,
  // It is of another product.
  kManifestOfAnotherProduct,
  // Its version is below the least.
  kManifestOlder,
  // It lists less than what is expected: its scope is too small.
  kManifestScopeTooSmall,
  // It excludes more than what is expected.
  kManifestExclusions,

  // --- The tree ------------------------------------------------------------

  // The tree cannot be walked, or not without being fooled.
  kTreeUnreadable,
  // The tree is not what the manifest says.
  kTreeDiffers,

  // --- The TPM -------------------------------------------------------------

  // There is no TPM at the path.
  kTpmAbsent,
  // There is one, and this process may not use it.
  kTpmForbidden,
  // It did not answer in time.
  kTpmTimeout,
  // What it answered is not a response to the command.
  kTpmAnswerInvalid,
  // It refused the command; the detail has its response code.
  kTpmRefused,
  // It has no bank of SHA-384 registers.
  kTpmBankAbsent,
  // The register is not zero before: something else used it.
  kTpmRegisterUsed,
  // The register is not what it must be after it was extended.
  kTpmRegisterWrong,

  // --- Here ----------------------------------------------------------------

  // The process that validates crashed, or was killed.
  kValidatorDied,
  // It took longer than the limit.
  kValidatorTimeout,
  // A process, a pipe or memory cannot be had.
  kValidatorUnavailable,

  kMaxValue = kValidatorUnavailable,
};

// Returns a non-OK status that carries `reason` for machines and `detail` for
// people: it may contain what others wrote, so it is made one line by
// verify::Printable().
absl::Status NotValid(ValidateReason reason, std::string_view detail);

// Returns the reason that NotValid() put in `status`; nullopt for an OK status
// and for a status that it did not make.
std::optional<ValidateReason> ValidateReasonOf(const absl::Status& status);

// Returns the stable name, such as "MANIFEST_MISSING".
std::string_view NameOf(ValidateReason reason);

// Returns all reasons, in the order of the list.
absl::Span<const ValidateReason> AllValidateReasons();

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_VALIDATE_VALIDATE_ERROR_H_
