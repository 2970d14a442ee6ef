// A TPM 2.0, spoken to directly: one register read, and extended.
//
//   auto tpm = Tpm::Open("/dev/tpmrm0", absl::Seconds(10), absl::Seconds(30));
//   if (!tpm.ok()) return tpm.status();
//   auto before = tpm->ReadPcr(8);
//   ...
//   absl::Status extended = tpm->ExtendPcr(8, value);
//
// Source: TCG, Trusted Platform Module Library 2.0, part 3, 22.2
// (TPM2_PCR_Extend) and 22.4 (TPM2_PCR_Read), part 2, 6.6 (response codes);
// /dev/tpmrm0 is the kernel's resource manager. Only the bank of SHA-384 is
// read and extended, which is the one that Nitro's attestation documents show.
//
// One object belongs to one thread at a time. An emulator that goes away raises
// SIGPIPE, which the process ignores or blocks.

#ifndef ANCHORAGE_CLIENT_VALIDATE_TPM_H_
#define ANCHORAGE_CLIENT_VALIDATE_TPM_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/validate/deadline.h"

namespace anchorage::client {

// The length of a register in the bank of SHA-384, in bytes.
inline constexpr std::size_t kPcrBytes = 48;

class Tpm {
 public:
  // Opens the TPM at `path`: a character device, or the socket of an emulator.
  // Waits up to `wait` for it to appear, as its driver may still be loading,
  // and gives each command up to `command_limit`. Fails with kTpmAbsent, also
  // for a file of another type, with kTpmForbidden, or with kTpmTimeout where
  // somebody else has it open.
  static absl::StatusOr<Tpm> Open(const std::string& path, absl::Duration wait,
                                  absl::Duration command_limit);

  Tpm(Tpm&& other);
  Tpm& operator=(Tpm&& other);
  ~Tpm();

  // Returns the register's kPcrBytes bytes. Fails with kTpmBankAbsent, or as
  // below.
  absl::StatusOr<std::string> ReadPcr(int pcr);

  // Extends the register by `digest`, of kPcrBytes bytes, with the empty
  // authorization value. A TPM without that bank takes the command and does
  // nothing, so ReadPcr() comes first. Where it fails the register may be
  // extended or not.
  //
  // Both fail with kTpmTimeout, kTpmAnswerInvalid or kTpmRefused. After
  // TPM_RC_RETRY, TPM_RC_YIELDED and TPM_RC_TESTING, which say that nothing was
  // done, the command is sent again, a few times.
  absl::Status ExtendPcr(int pcr, std::string_view digest);

 private:
  Tpm(int descriptor, absl::Duration command_limit)
      : descriptor_(descriptor), command_limit_(command_limit) {}

  absl::StatusOr<std::string> Call(std::string_view command);
  absl::StatusOr<std::string> CallOnce(std::string_view command,
                                       Deadline deadline);

  int descriptor_;
  absl::Duration command_limit_;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_VALIDATE_TPM_H_
