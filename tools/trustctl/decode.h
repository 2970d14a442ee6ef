// Evidence in the encodings that people have it in.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_DECODE_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_DECODE_H_

#include <string>

#include "absl/status/statusor.h"

namespace anchorage::trustctl {

// Returns the bytes of an attestation document that is raw, hex (also with "0x"
// in front), base64 or base64url (padded or not), or the one text of a JSON
// value that is one of the latter, as services answer. White space counts for
// nothing, nor does a byte order mark of UTF-8. Fails with kEncodingMalformed,
// also for two documents in one JSON. Which bytes are taken decides nothing: it
// is the verifier who finds them genuine.
absl::StatusOr<std::string> DecodeAttestationText(const std::string& text);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_DECODE_H_
