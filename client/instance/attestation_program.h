// A NitroTPM, as software on an instance asks it: by the program
// nitro-tpm-attest, which prints the document.

#ifndef ANCHORAGE_CLIENT_INSTANCE_ATTESTATION_PROGRAM_H_
#define ANCHORAGE_CLIENT_INSTANCE_ATTESTATION_PROGRAM_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/instance/attestation_request.h"

namespace anchorage::client {

// Where Amazon Linux's package aws-nitro-tpm-tools and AWS's manual have it.
inline constexpr char kNitroTpmAttest[] = "/usr/bin/nitro-tpm-attest";

// Runs `program [--user-data FILE] [--nonce FILE] [--public-key FILE]` for at
// most `timeout`, as bounded_process.h says, and returns what it printed.
//
// INVALID_ARGUMENT for a request that CheckAttestationRequest() refuses;
// ATTESTATION_ABSENT: it is not there; _FORBIDDEN: as TrustedProgram(), or this
// process must not run it; _REFUSED: it failed; what it said is in the detail;
// _TIMEOUT; _ANSWER_INVALID; INSTANCE_UNAVAILABLE. Thread-safe. Some versions of
// nitro-tpm-attest open the TPM for themselves alone, and fail while another
// process has it open.
absl::StatusOr<std::string> AskAttestationProgram(
    const std::string& program, absl::Duration timeout,
    const AttestationRequest& request);

// Returns `path` with its symbolic links followed, where nobody but root and
// this process's user can change what it names: the file, every folder above it
// and every link on the way belong to one of them, and file and folders can be
// written by their owner alone. INVALID_ARGUMENT for a path that is not
// absolute, ATTESTATION_ABSENT or _FORBIDDEN.
absl::StatusOr<std::string> TrustedProgram(const std::string& path);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_INSTANCE_ATTESTATION_PROGRAM_H_
