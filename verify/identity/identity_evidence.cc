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
  if (form == IdentityForm::kSignature) {
    return text.size() == kRsa1024SignatureBytes;
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
  if (form == IdentityForm::kSignature) {
    return Reject(Reason::kEncodingMalformed,
                  "a PEM block where a bare signature belongs");
  }
  return DecodeWholePem(trimmed);
}

}  // namespace

std::string_view NameOf(IdentityForm form) {
  switch (form) {
    case IdentityForm::kSignature:
      return "signature";
    case IdentityForm::kPkcs7:
      return "pkcs7";
    case IdentityForm::kRsa2048:
      return "rsa2048";
  }
  return "";
}

std::optional<IdentityForm> IdentityFormNamed(std::string_view name) {
  for (const IdentityForm form :
       {IdentityForm::kSignature, IdentityForm::kPkcs7,
        IdentityForm::kRsa2048}) {
    if (NameOf(form) == name) return form;
  }
  return std::nullopt;
}

AnchorKind AnchorKindOf(IdentityForm form) {
  switch (form) {
    case IdentityForm::kSignature:
      return AnchorKind::kIidRsa1024;
    case IdentityForm::kPkcs7:
      return AnchorKind::kIidDsa;
    case IdentityForm::kRsa2048:
      return AnchorKind::kIidRsa2048;
  }
  return AnchorKind::kIidDsa;
}

absl::StatusOr<std::string> DecodeIdentitySignature(IdentityForm form,
                                                    std::string_view text) {
  return WithoutExceptions([&]() -> absl::StatusOr<std::string> {
    absl::StatusOr<std::string> bytes = Decode(form, text);
    if (ReasonOf(bytes.status()) != Reason::kEncodingMalformed) return bytes;
    return WithHint(bytes.status(), HintAboutText(form, text));
  });
}

}  // namespace anchorage::verify
