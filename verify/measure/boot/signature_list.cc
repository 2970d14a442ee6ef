#include "verify/measure/boot/signature_list.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "verify/encoding/little_endian.h"
#include "verify/measure/boot/measure_error.h"

namespace anchorage::verify {
namespace {

// EFI_SIGNATURE_LIST: a type, the size of the list, of its header and of each
// signature. EFI_SIGNATURE_DATA: an owner, and data.
constexpr std::size_t kGuidBytes = 16;
constexpr std::size_t kListHeaderBytes = kGuidBytes + 3 * 4;
constexpr std::size_t kAttributesBytes = 4;
// Kept, and there for boot and run time (UEFI 2.10, 8.2); the others have bits
// below these.
constexpr std::uint32_t kKeptAttributes = 0x07;
constexpr std::uint32_t kKnownAttributes = 0x7f;
constexpr std::size_t kSha256Bytes = 32;
// EFI_VARIABLE_AUTHENTICATION_2: EFI_TIME, then a WIN_CERTIFICATE_UEFI_GUID of
// length, revision 2.0 and type WIN_CERT_TYPE_EFI_GUID.
constexpr std::size_t kTimeBytes = 16;
constexpr std::string_view kUpdateCertificate("\x00\x02\xf1\x0e", 4);

std::size_t U32(std::string_view bytes, std::size_t at) {
  return LittleEndian<std::uint32_t>(bytes, at);
}

absl::Status Malformed(std::string_view what) {
  return CannotMeasure(MeasureReason::kSignatureListMalformed, what);
}

bool IsUpdate(std::string_view bytes) {
  return bytes.size() > kTimeBytes + 4 &&
         bytes.substr(kTimeBytes + 4).starts_with(kUpdateCertificate);
}

bool HasAttributes(std::string_view bytes) {
  if (bytes.size() < kAttributesBytes) return false;
  const std::size_t attributes = U32(bytes, 0);
  return (attributes & kKeptAttributes) == kKeptAttributes &&
         attributes <= kKnownAttributes;
}

absl::Status ReadList(std::string_view list, std::size_t header_bytes,
                      std::size_t signature_bytes, SignatureDatabase& out) {
  const std::string_view type = list.substr(0, kGuidBytes);
  if (signature_bytes <= kGuidBytes) {
    return Malformed("a signature is not longer than its owner");
  }
  if (header_bytes > list.size() - kListHeaderBytes) {
    return Malformed("a list's header is longer than the list");
  }
  const bool has_no_header = type == kEfiCertX509 || type == kEfiCertSha256 ||
                             type == kEfiCertX509Sha256;
  if (has_no_header && header_bytes != 0) {
    return Malformed("a list of a type without a header has one");
  }
  if (type == kEfiCertSha256 && signature_bytes != kGuidBytes + kSha256Bytes) {
    return Malformed("a SHA-256 is not of 32 bytes");
  }
  // The time of revocation follows the hash.
  if (type == kEfiCertX509Sha256 &&
      signature_bytes != kGuidBytes + kSha256Bytes + kTimeBytes) {
    return Malformed("a certificate's SHA-256 and time are not of 48 bytes");
  }
  std::string_view rest = list.substr(kListHeaderBytes + header_bytes);
  if (rest.empty() || rest.size() % signature_bytes != 0) {
    return Malformed("a list's size is not that of its signatures");
  }
  for (; !rest.empty(); rest.remove_prefix(signature_bytes)) {
    if (out.signatures.size() == kMaxSignatures) {
      return Malformed("there are too many signatures");
    }
    const std::string_view whole = rest.substr(0, signature_bytes);
    out.signatures.push_back(
        {type, whole.substr(0, kGuidBytes), whole.substr(kGuidBytes), whole});
  }
  return absl::OkStatus();
}

absl::StatusOr<SignatureDatabase> ParseLists(std::string_view variable) {
  SignatureDatabase out;
  out.variable = variable;
  for (std::string_view rest = variable; !rest.empty(); ++out.lists) {
    if (rest.size() < kListHeaderBytes) {
      return Malformed("a list ends within its sizes");
    }
    const std::size_t list_bytes = U32(rest, kGuidBytes);
    if (list_bytes < kListHeaderBytes || list_bytes > rest.size()) {
      return Malformed("a list's size is not that of the bytes that are there");
    }
    if (absl::Status s =
            ReadList(rest.substr(0, list_bytes), U32(rest, kGuidBytes + 4),
                     U32(rest, kGuidBytes + 8), out);
        !s.ok()) {
      return s;
    }
    rest.remove_prefix(list_bytes);
  }
  return out;
}

}  // namespace

absl::StatusOr<SignatureDatabase> ParseSignatureDatabase(std::string_view bytes,
                                                         VariableForm form) {
  if (bytes.size() > kMaxSignatureDatabaseBytes) {
    return Malformed(absl::StrCat("a variable of ", bytes.size(),
                                  " bytes, the limit is ",
                                  kMaxSignatureDatabaseBytes));
  }
  if (IsUpdate(bytes)) {
    return CannotMeasure(
        MeasureReason::kSignatureListIsUpdate,
        "this is a signed update of a variable (.auth), not the variable: give "
        "the .esl file that it was made from");
  }
  const bool has_attributes = HasAttributes(bytes);
  if (form == VariableForm::kEfivarfs && !has_attributes) {
    return Malformed(
        "the bytes do not begin with the attributes of a variable");
  }
  if (form == VariableForm::kRaw || !has_attributes) return ParseLists(bytes);
  auto efivarfs = ParseLists(bytes.substr(kAttributesBytes));
  if (form == VariableForm::kEfivarfs) return efivarfs;
  auto raw = ParseLists(bytes);
  if (raw.ok() && efivarfs.ok()) {
    return Malformed(
        "the bytes are lists with the attributes of efivarfs and without");
  }
  return raw.ok() ? raw : efivarfs;
}

}  // namespace anchorage::verify
