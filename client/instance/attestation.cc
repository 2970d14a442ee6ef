#include "client/instance/attestation.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/no_throw.h"
#include "client/instance/instance_error.h"

namespace anchorage::client {
namespace {

constexpr absl::Duration kLongestTimeout = absl::Minutes(10);

bool IsThere(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0 ||
         (errno != ENOENT && errno != ENOTDIR);
}

absl::StatusOr<Attested> AttestOrThrow(const AttestationRequest& request,
                                       const AttestationOptions& options) {
  if (options.timeout <= absl::ZeroDuration() ||
      options.timeout > kLongestTimeout) {
    return absl::InvalidArgumentError(
        "timeout is not more than 0 and at most 10 minutes");
  }
  const AttestationSource source = IsThere(options.nsm_device)
                                       ? AttestationSource::kNsm
                                       : AttestationSource::kProgram;
  auto document =
      source == AttestationSource::kNsm
          ? AskNsm(options.nsm_device, request, options.ioctl)
          : AskAttestationProgram(options.program, options.timeout, request);
  if (InstanceReasonOf(document.status()) ==
      InstanceReason::kAttestationAbsent) {
    return NotFromInstance(
        InstanceReason::kAttestationAbsent,
        absl::StrCat("there is neither ", options.nsm_device,
                     ", as in an enclave, nor ", options.program,
                     ", as on an instance with a NitroTPM and the package "
                     "aws-nitro-tpm-tools"));
  }
  if (!document.ok()) return document.status();
  return Attested{*std::move(document), source};
}

absl::StatusOr<AttestedKey> AttestNewKeyOrThrow(
    AttestationRequest request, const AttestationOptions& options) {
  if (request.public_key.has_value()) {
    return absl::InvalidArgumentError(
        "a public key is given, and a new key has its own");
  }
  auto key = RecipientKey::Generate();
  if (!key.ok()) return key.status();
  request.public_key = key->public_key();
  auto attested = AttestOrThrow(request, options);
  if (!attested.ok()) return attested.status();
  return AttestedKey{*std::move(attested), *std::move(key)};
}

}  // namespace

std::string_view NameOf(AttestationSource source) {
  return source == AttestationSource::kNsm ? "nsm" : "program";
}

absl::StatusOr<Attested> Attest(const AttestationRequest& request,
                                const AttestationOptions& options) {
  return anchors::NoThrow([&] { return AttestOrThrow(request, options); });
}

absl::StatusOr<AttestedKey> AttestNewKey(const AttestationRequest& request,
                                         const AttestationOptions& options) {
  return anchors::NoThrow(
      [&] { return AttestNewKeyOrThrow(request, options); });
}

}  // namespace anchorage::client
