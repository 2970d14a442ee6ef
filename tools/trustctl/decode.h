// Decodes evidence from the encodings in which people have it.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_DECODE_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_DECODE_H_

#include <string>

#include "absl/status/statusor.h"

namespace anchorage::trustctl {

// Returns the bytes of an attestation document that is raw, hex (also with "0x"
// in front), base64 or base64url (padded or not), or the one text of a JSON
// value that is one of the latter, as services answer. White space is ignored,
// and so is a UTF-8 byte order mark. Fails with kEncodingMalformed, also for
// two documents in one JSON. The choice of encoding decides nothing: the
// verifier decides whether the bytes are genuine.
absl::StatusOr<std::string> DecodeAttestationText(const std::string& text);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_DECODE_H_
