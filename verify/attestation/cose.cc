// 1. A tag, if there is one, is 18.
// 2. An array of four elements.
// 3. The protected header is exactly {1: -35}.
// 4. The unprotected header is an empty map.
// 5. The payload is a byte string.
// 6. The signature is a byte string of 96 bytes.
// 7. Nothing follows.

#include "verify/attestation/cose.h"

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "verify/encoding/cbor.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr std::uint64_t kCoseSign1Tag = 18;
constexpr std::uint64_t kElements = 4;

// Reads the head of the array, behind a tag if there is one.
absl::StatusOr<CborItem> ReadArray(CborReader& reader) {
  std::optional<CborItem> item = reader.Read();
  if (item.has_value() && item->Is(CborType::kTag)) {
    if (item->value != kCoseSign1Tag) {
      return Reject(Reason::kCoseTag,
                    absl::StrCat("tag ", item->value, " is not 18"));
    }
    item = reader.Read();
    if (item.has_value() && item->Is(CborType::kTag)) {
      return Reject(Reason::kCoseTag, "a second tag follows the first");
    }
  }
  if (!item.has_value()) {
    return Reject(Reason::kCborMalformed, "the document is not CBOR");
  }
  if (!item->Is(CborType::kArray) || item->indefinite ||
      item->value != kElements) {
    return Reject(Reason::kCoseMalformed,
                  "the document is not an array of four elements");
  }
  return *item;
}

absl::StatusOr<std::string_view> ReadBytes(CborReader& reader,
                                           const char* what) {
  const std::optional<CborItem> item = reader.Read();
  if (!item.has_value()) {
    return Reject(Reason::kCborMalformed,
                  absl::StrCat("the ", what, " is malformed"));
  }
  if (!item->Is(CborType::kBytes)) {
    return Reject(Reason::kCoseMalformed,
                  absl::StrCat("the ", what, " is not a byte string"));
  }
  return item->string;
}

// Says why these bytes are not the protected header that they must be.
absl::Status ExplainProtected(std::string_view bytes) {
  CborReader reader(bytes);
  if (reader.done()) {
    return Reject(Reason::kCoseAlgorithm, "the protected header is empty");
  }
  const absl::Status status = SkipCborValue(reader);
  if (!status.ok()) return status;
  if (!reader.done()) {
    return Reject(Reason::kTrailingBytes,
                  "bytes follow the map of the protected header");
  }
  return Reject(Reason::kCoseAlgorithm,
                "the protected header is not exactly {1: -35}");
}

absl::Status ReadProtected(CborReader& reader) {
  const absl::StatusOr<std::string_view> bytes =
      ReadBytes(reader, "protected header");
  if (!bytes.ok()) return bytes.status();
  if (*bytes != kEs384ProtectedHeader) return ExplainProtected(*bytes);
  return absl::OkStatus();
}

absl::Status ReadUnprotected(CborReader& reader) {
  std::optional<CborItem> map = reader.Read();
  if (!map.has_value()) {
    return Reject(Reason::kCborMalformed,
                  "the unprotected header is malformed");
  }
  if (!map->Is(CborType::kMap)) {
    return Reject(Reason::kCoseMalformed,
                  "the unprotected header is not a map");
  }
  if (map->indefinite || map->value != 0) {
    return Reject(Reason::kUnprotectedNotEmpty,
                  "the unprotected header is not the empty map");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string_view> ReadSignature(CborReader& reader) {
  absl::StatusOr<std::string_view> signature = ReadBytes(reader, "signature");
  if (!signature.ok()) return signature.status();
  if (signature->size() != kEs384SignatureBytes) {
    return Reject(Reason::kSignatureMalformed,
                  absl::StrCat("the signature has ", signature->size(),
                               " bytes, not ", kEs384SignatureBytes));
  }
  return signature;
}

}  // namespace

absl::StatusOr<CoseSign1> DecodeCoseSign1(std::string_view document) {
  CborReader reader(document);
  const absl::StatusOr<CborItem> array = ReadArray(reader);
  if (!array.ok()) return array.status();
  if (absl::Status s = ReadProtected(reader); !s.ok()) return s;
  if (absl::Status s = ReadUnprotected(reader); !s.ok()) return s;
  const std::string_view from_payload = reader.rest();
  const absl::StatusOr<std::string_view> payload = ReadBytes(reader, "payload");
  if (!payload.ok()) return payload.status();
  const std::size_t payload_bytes = from_payload.size() - reader.rest().size();
  const absl::StatusOr<std::string_view> signature = ReadSignature(reader);
  if (!signature.ok()) return signature.status();
  if (!reader.done()) {
    return Reject(Reason::kTrailingBytes, "bytes follow the COSE_Sign1");
  }
  return CoseSign1{.payload = *payload,
                   .encoded_payload = from_payload.substr(0, payload_bytes),
                   .signature = *signature};
}

Digest SigStructureDigest(const CoseSign1& cose) {
  // Four elements: the context, the protected header, no external data, and
  // the payload.
  constexpr std::string_view kBeforePayload =
      "\x84"
      "\x6aSignature1"
      "\x44\xa1\x01\x38\x22"
      "\x40";
  return HashParts(HashAlgorithm::kSha384,
                   {kBeforePayload, cose.encoded_payload});
}

}  // namespace anchorage::verify
