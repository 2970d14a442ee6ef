// Evidence in the encodings that people have it in.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_DECODE_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_DECODE_H_

#include <string>

#include "absl/status/statusor.h"

namespace anchorage::trustctl {

// Returns the bytes of an attestation document that is raw, base64 or hex.
// Fails with kEncodingMalformed.
absl::StatusOr<std::string> DecodeAttestationText(std::string text);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_DECODE_H_
