#include "tools/trustctl/decode.h"

#include "verify/encoding/base64.h"

namespace anchorage::trustctl {
namespace {

// CBOR of an array (84) or a tag (d2): no character of base64 or hex.
bool LooksRaw(const std::string& bytes) {
  return !bytes.empty() && (bytes.front() & 0x80) != 0;
}

}  // namespace

absl::StatusOr<std::string> DecodeAttestationText(std::string text) {
  if (LooksRaw(text)) return text;
  std::string compact;
  for (const char c : text) {
    if (c != '\n' && c != '\r' && c != ' ' && c != '\t') compact.push_back(c);
  }
  // All hex digits are base64 too; only as hex do they begin like CBOR.
  const auto hex = verify::DecodeHex(compact);
  if (hex.ok() && LooksRaw(*hex)) return *hex;
  return verify::DecodeBase64(compact);
}

}  // namespace anchorage::trustctl
