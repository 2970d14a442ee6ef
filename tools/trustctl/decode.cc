#include "tools/trustctl/decode.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anchors/base/byte_order_mark.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/json.h"
#include "verify/reason.h"

namespace anchorage::trustctl {
namespace {

using verify::JsonKind;
using verify::JsonValue;
using verify::Reason;
using verify::Reject;

// No document is shorter: a signature alone has 96 bytes.
constexpr std::size_t kMinDocumentBytes = 100;

// CBOR of an array (84) or a tag (d2): no character of base64 or hex.
bool LooksRaw(std::string_view bytes) {
  return !bytes.empty() && (bytes.front() & 0x80) != 0;
}

// An array of four, tagged or not, as every COSE_Sign1 is.
bool LooksSigned(std::string_view bytes) {
  if (bytes.size() < kMinDocumentBytes) return false;
  if (bytes.starts_with('\xd2')) bytes.remove_prefix(1);
  return bytes.starts_with('\x84');
}

std::string WithoutSpace(std::string_view text) {
  std::string compact;
  for (const char c : text) {
    if (c != '\n' && c != '\r' && c != ' ' && c != '\t') compact.push_back(c);
  }
  return compact;
}

// Decodes base64 of either alphabet, padded or not.
absl::StatusOr<std::string> DecodeEitherBase64(std::string text) {
  if (text.find_first_of("+/") == text.npos) {
    std::replace(text.begin(), text.end(), '-', '+');
    std::replace(text.begin(), text.end(), '_', '/');
  }
  if (!text.ends_with('=')) text.append((4 - text.size() % 4) % 4, '=');
  return verify::DecodeBase64(text);
}

absl::StatusOr<std::string> DecodeText(std::string_view text) {
  const std::string compact = WithoutSpace(text);
  if (compact.starts_with("0x") || compact.starts_with("0X")) {
    return verify::DecodeHex(std::string_view(compact).substr(2));
  }
  // All hex digits are base64 too; only as hex do they begin like CBOR.
  const auto hex = verify::DecodeHex(compact);
  if (hex.ok() && LooksRaw(*hex)) return hex;
  return DecodeEitherBase64(compact);
}

// Collects the documents that texts within `json` are.
void FindDocuments(const JsonValue& json, std::vector<std::string>& found) {
  if (const auto text = json.AsString(); text.has_value()) {
    auto bytes = DecodeText(*text);
    if (bytes.ok() && LooksSigned(*bytes)) found.push_back(*std::move(bytes));
  }
  for (const JsonValue& element : json.elements()) {
    FindDocuments(element, found);
  }
  for (const auto& [name, member] : json.members()) {
    FindDocuments(member, found);
  }
}

absl::StatusOr<std::string> DecodeJson(std::string_view text) {
  const auto json = verify::ParseJson(text, {.max_bytes = text.size()});
  if (!json.ok()) return json.status();
  std::vector<std::string> found;
  FindDocuments(*json, found);
  if (found.size() == 1) return std::move(found.front());
  return Reject(Reason::kEncodingMalformed,
                absl::StrCat("the JSON has ", found.size(),
                             " texts that could be an attestation document, "
                             "not one"));
}

bool BeginsAsJson(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != text.npos &&
         std::string_view("{[\"").find(text[first]) != std::string_view::npos;
}

}  // namespace

absl::StatusOr<std::string> DecodeAttestationText(const std::string& text) {
  const auto unmarked = anchors::WithoutByteOrderMark(text);
  if (!unmarked.ok()) return unmarked.status();
  if (LooksRaw(*unmarked)) return std::string(*unmarked);
  if (BeginsAsJson(*unmarked)) return DecodeJson(*unmarked);
  return DecodeText(*unmarked);
}

}  // namespace anchorage::trustctl
