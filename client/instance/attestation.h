// Attestation documents of the machine that this process runs on: an enclave,
// or an instance with a NitroTPM.
//
//   auto attested = Attest({.nonce = nonce_of_the_server});
//   if (!attested.ok()) Count(NameOf(*InstanceReasonOf(attested.status())));
//   Send(attested->document);
//
// A document is what was asked for; whether AWS made it is for whoever verifies
// it, elsewhere.

#ifndef ANCHORAGE_CLIENT_INSTANCE_ATTESTATION_H_
#define ANCHORAGE_CLIENT_INSTANCE_ATTESTATION_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/instance/attestation_program.h"
#include "client/instance/attestation_request.h"
#include "client/instance/nsm.h"
#include "client/instance/recipient_key.h"

namespace anchorage::client {

struct AttestationOptions {
  // An absolute path; see TrustedProgram().
  std::string program = kNitroTpmAttest;
  // Of the program: more than 0, at most 10 minutes. The driver of /dev/nsm has
  // a limit of its own, two minutes.
  absl::Duration timeout = absl::Seconds(30);
  // For tests.
  std::string nsm_device = kNsmDevice;
  Ioctl ioctl = nullptr;
};

// Who made a document.
enum class AttestationSource { kNsm, kProgram };

// Returns the stable name: "nsm", "program".
std::string_view NameOf(AttestationSource source);

struct Attested {
  // At most verify::kMaxAttestationDocumentBytes; CheckAttestationAnswer() holds.
  std::string document;
  AttestationSource source = AttestationSource::kNsm;
};

// Asks /dev/nsm where there is one, be it only to be refused, and otherwise the
// program. INVALID_ARGUMENT for a mistake of the caller's: `request` or
// `options`; otherwise an InstanceReason, as AskNsm() and
// AskAttestationProgram() say; RESOURCE_EXHAUSTED. Thread-safe; throws nothing.
absl::StatusOr<Attested> Attest(const AttestationRequest& request,
                                const AttestationOptions& options = {});

struct AttestedKey {
  Attested attested;
  RecipientKey key;
};

// The same with a new key, whose public key the document then holds. For
// INVALID_ARGUMENT, `request` may also have a public key of its own.
absl::StatusOr<AttestedKey> AttestNewKey(
    const AttestationRequest& request, const AttestationOptions& options = {});

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_INSTANCE_ATTESTATION_H_
