// Input: text, read as base64, as hex, as PEM and as each form of signature.
// Holds for any bytes:
//   1. each reader accepts, or it gives a reason;
//   2. base64 is accepted if and only if it is, without white space, what an
//      encoder writes, and gives the bytes that the encoder was given;
//   3. the same of hex, in either case;
//   4. what is read as a signature is never longer than its text, and where
//      the text was raw bytes it is they.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "test/fuzz/fuzz.h"
#include "verify/encoding/base64.h"
#include "verify/identity/identity_evidence.h"

namespace anchorage::test {
namespace {

using verify::IdentityForm;

void CheckBase64(std::string_view text) {
  std::string stripped(text);
  std::erase_if(stripped, [](char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
  });
  std::string bytes;
  const bool canonical = !stripped.empty() &&
                         absl::Base64Unescape(stripped, &bytes) &&
                         absl::Base64Escape(bytes) == stripped;

  const auto decoded = verify::DecodeBase64(text);

  Require(Decided(decoded.status()) == canonical, "canonical base64, no other");
  Require(!canonical || *decoded == bytes, "the bytes that were encoded");
}

void CheckHex(std::string_view text) {
  const bool hex = !text.empty() && text.size() % 2 == 0 &&
                   std::all_of(text.begin(), text.end(), [](char c) {
                     return absl::ascii_isxdigit(static_cast<unsigned char>(c));
                   });

  const auto decoded = verify::DecodeHex(text);

  Require(Decided(decoded.status()) == hex, "hex, no other");
  std::string lower(text);
  absl::AsciiStrToLower(&lower);
  Require(!hex || absl::BytesToHexString(*decoded) == lower,
          "the bytes that were encoded");
}

void CheckSignature(IdentityForm form, std::string_view text) {
  const auto bytes = verify::DecodeIdentitySignature(form, text);
  if (!Decided(bytes.status())) return;
  Require(!bytes->empty() && bytes->size() <= text.size(),
          "decoding never makes more of it");
  const auto again = verify::DecodeIdentitySignature(form, *bytes);
  const bool raw = form == IdentityForm::kSignature
                       ? bytes->size() == verify::kRsa1024SignatureBytes
                       : bytes->size() >= 2 && (*bytes)[0] == '\x30' &&
                             static_cast<std::uint8_t>((*bytes)[1]) >= 0x80;
  Require(!raw || (again.ok() && *again == *bytes), "raw bytes stay raw");
}

void Check(std::string_view text) {
  CheckBase64(text);
  CheckHex(text);
  Decided(verify::DecodePem(text, "CERTIFICATE").status());
  for (const IdentityForm form :
       {IdentityForm::kSignature, IdentityForm::kPkcs7,
        IdentityForm::kRsa2048}) {
    CheckSignature(form, text);
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}
