#include "verify/identity/identity_evidence.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "verify/encoding/base64.h"
#include "verify/identity/hint.h"
#include "verify/no_exceptions.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr std::string_view kPemLabel = "PKCS7";
constexpr std::string_view kPemStart = "-----";
constexpr std::string_view kPemBegin = "-----BEGIN PKCS7-----";
constexpr std::string_view kPemEnd = "-----END PKCS7-----";
constexpr std::string_view kWhiteSpace = " \t\r\n";

bool IsRaw(IdentityForm form, std::string_view text) {
  if (const IdentityFormRow& row = RowOf(form); !row.carries_document()) {
    return text.size() == row.bare_bytes;
  }
  return text.size() >= 2 && text[0] == '\x30' &&
         (static_cast<unsigned char>(text[1]) & 0x80) != 0;
}

std::string_view Trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

absl::StatusOr<std::string> DecodeWholePem(std::string_view text) {
  if (text.substr(0, kPemBegin.size()) != kPemBegin) {
    return Reject(Reason::kEncodingMalformed, "not a PEM block PKCS7");
  }
  const std::size_t end =
      std::min(text.find('-', kPemBegin.size()), text.size());
  if (text.substr(end).starts_with(kPemEnd) &&
      end + kPemEnd.size() != text.size()) {
    return Reject(Reason::kTrailingBytes, "something follows the PEM block");
  }
  return DecodePem(text, kPemLabel);
}

absl::StatusOr<std::string> Decode(IdentityForm form, std::string_view text) {
  if (text.size() > kMaxSignatureText) {
    return Reject(Reason::kInputTooLarge,
                  absl::StrCat("a signature of ", text.size(),
                               " bytes, the limit is ", kMaxSignatureText));
  }
  if (IsRaw(form, text)) return std::string(text);
  const std::string_view trimmed = Trim(text);
  if (trimmed.substr(0, kPemStart.size()) != kPemStart) {
    return DecodeBase64(trimmed);
  }
  if (!RowOf(form).carries_document()) {
    return Reject(Reason::kEncodingMalformed,
                  "a PEM block where a bare signature belongs");
  }
  return DecodeWholePem(trimmed);
}

}  // namespace

absl::StatusOr<std::string> DecodeIdentitySignature(IdentityForm form,
                                                    std::string_view text) {
  return WithoutExceptions([&]() -> absl::StatusOr<std::string> {
    absl::StatusOr<std::string> bytes = Decode(form, text);
    if (ReasonOf(bytes.status()) != Reason::kEncodingMalformed) return bytes;
    return WithHint(bytes.status(), HintAboutText(form, text));
  });
}

absl::StatusOr<IdentityEvidence> RecogniseIdentityForm(std::string_view text,
                                                       std::string& bytes) {
  const IdentityFormRow& bare = RowOf(IdentityForm::kSignature);
  IdentityEvidence evidence;
  if (text.size() == bare.bare_bytes) evidence.form = bare.form;
  auto decoded = DecodeIdentitySignature(evidence.form, text);
  if (!decoded.ok()) return decoded.status();
  bytes = *std::move(decoded);
  if (bytes.size() == bare.bare_bytes) evidence.form = bare.form;
  evidence.any_pkcs7 = evidence.form != bare.form;
  evidence.signature = bytes;
  return evidence;
}

}  // namespace anchorage::verify
