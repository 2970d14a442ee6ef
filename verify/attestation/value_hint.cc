#include "verify/attestation/value_hint.h"

#include "absl/status/statusor.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"

namespace anchorage::verify {
namespace {

bool Are(const absl::StatusOr<std::string>& bytes, std::string_view value) {
  return bytes.ok() && ConstantTimeEquals(*bytes, value);
}

std::string_view Bare(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  const std::size_t last = text.find_last_not_of("\r\n");
  return last == text.npos ? std::string_view() : text.substr(0, last + 1);
}

}  // namespace

std::string_view ValueHint(std::string_view expected, std::string_view found) {
  if (expected.empty() || found.empty()) return "";
  if (Are(DecodeHex(Bare(found)), expected)) {
    return "the document's is the expected one's hex, as text";
  }
  if (Are(DecodeHex(Bare(expected)), found)) {
    return "the document's is what the expected one says in hex, as text";
  }
  if (Are(DecodeBase64(Bare(found)), expected)) {
    return "the document's is the expected one's base64, as text";
  }
  if (Are(DecodeBase64(Bare(expected)), found)) {
    return "the document's is what the expected one says in base64, as text";
  }
  if (ConstantTimeEquals(Bare(found), Bare(expected))) {
    return "the document's differs by a line break at its end or a byte order "
           "mark";
  }
  return "";
}

}  // namespace anchorage::verify
