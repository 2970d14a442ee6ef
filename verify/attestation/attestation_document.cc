// 1. The payload is a map, of definite or indefinite length.
// 2. Each key is text and occurs once.
// 3. Each value that we know has its type and size; any other value is well
//    formed.
// 4. There is one kind of PCRs, and nothing that a later reader, or one that
//    ignores case, could take for another kind.
// 5. Every required key is there.
// 6. Nothing follows the map.

#include "verify/attestation/attestation_document.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "verify/encoding/cbor.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr std::string_view kDigestName = "SHA384";
// The end of the year 9999, in milliseconds: what RFC 3339 can still write.
constexpr std::uint64_t kMaxTimestampMs = 253402300799999;

absl::Status Malformed(const char* field) {
  return Reject(Reason::kCborMalformed, absl::StrCat(field, " is malformed"));
}

absl::Status Invalid(const char* field, const char* what) {
  return Reject(Reason::kFieldInvalid, absl::StrCat(field, " ", what));
}

// Reads one item. AWS tags nothing here, so a tag is malformed.
std::optional<CborItem> ReadItem(CborReader& reader) {
  std::optional<CborItem> item = reader.Read();
  if (item.has_value() && item->Is(CborType::kTag)) return std::nullopt;
  return item;
}

// Reads a byte string of `min` to `max` bytes.
absl::StatusOr<std::string_view> ReadBytes(CborReader& reader,
                                           const char* field, std::size_t min,
                                           std::size_t max) {
  const std::optional<CborItem> item = ReadItem(reader);
  if (!item.has_value()) return Malformed(field);
  if (!item->Is(CborType::kBytes)) {
    return Invalid(field, "is not a byte string");
  }
  if (item->string.size() < min || item->string.size() > max) {
    return Invalid(field, "has a length outside its limits");
  }
  return item->string;
}

// Reads a byte string as ReadBytes() does, or a null, which stands for an
// absent one.
absl::Status ReadOptionalBytes(CborReader& reader, const char* field,
                               std::size_t min, std::size_t max,
                               std::optional<std::string_view>& out) {
  CborReader ahead = reader;
  const std::optional<CborItem> item = ReadItem(ahead);
  if (item.has_value() && item->Is(CborType::kNull)) {
    reader = ahead;
    return absl::OkStatus();
  }
  const absl::StatusOr<std::string_view> bytes =
      ReadBytes(reader, field, min, max);
  if (!bytes.ok()) return bytes.status();
  out = *bytes;
  return absl::OkStatus();
}

absl::Status ReadModuleId(CborReader& reader, AttestationDocument& document) {
  const std::optional<CborItem> item = ReadItem(reader);
  if (!item.has_value()) return Malformed("module_id");
  if (!item->Is(CborType::kText) || item->string.empty() ||
      item->string.size() > kMaxModuleIdBytes) {
    return Invalid("module_id", "is not a text of 1 to 256 bytes");
  }
  document.module_id = item->string;
  return absl::OkStatus();
}

absl::Status ReadDigest(CborReader& reader, AttestationDocument&) {
  const std::optional<CborItem> item = ReadItem(reader);
  if (!item.has_value()) return Malformed("digest");
  if (!item->Is(CborType::kText)) return Invalid("digest", "is not a text");
  if (item->string != kDigestName) {
    return Reject(Reason::kDigestUnsupported, "digest is not \"SHA384\"");
  }
  return absl::OkStatus();
}

absl::Status ReadTimestamp(CborReader& reader, AttestationDocument& document) {
  const std::optional<CborItem> item = ReadItem(reader);
  if (!item.has_value()) return Malformed("timestamp");
  if (!item->Is(CborType::kUnsigned) || item->value == 0 ||
      item->value > kMaxTimestampMs) {
    return Invalid("timestamp", "is not a number of milliseconds");
  }
  document.timestamp =
      absl::FromUnixMillis(static_cast<std::int64_t>(item->value));
  return absl::OkStatus();
}

// Reads one index and value into `pcrs`.
absl::Status ReadPcr(CborReader& reader, const char* field,
                     std::array<std::string_view, kPcrCount>& pcrs) {
  const std::optional<CborItem> index = ReadItem(reader);
  if (!index.has_value()) return Malformed(field);
  if (!index->Is(CborType::kUnsigned) || index->value >= kPcrCount) {
    return Invalid(field, "has an index that is not from 0 to 31");
  }
  std::string_view& pcr = pcrs[index->value];
  if (!pcr.empty()) {
    return Reject(Reason::kDuplicateKey,
                  absl::StrCat(field, " has index ", index->value, " twice"));
  }
  const absl::StatusOr<std::string_view> value =
      ReadBytes(reader, field, 0, 64);
  if (!value.ok()) return value.status();
  if (!IsPcrSize(value->size())) {
    return Invalid(field, "has a value that is not of 32, 48 or 64 bytes");
  }
  pcr = *value;
  return absl::OkStatus();
}

absl::Status ReadPcrs(CborReader& reader, const char* field,
                      std::array<std::string_view, kPcrCount>& pcrs) {
  std::optional<CborItem> map = ReadItem(reader);
  if (!map.has_value()) return Malformed(field);
  if (!map->Is(CborType::kMap)) return Invalid(field, "is not a map");
  std::size_t count = 0;
  for (; reader.More(*map); ++count) {
    const absl::Status status = ReadPcr(reader, field, pcrs);
    if (!status.ok()) return status;
  }
  if (count == 0) return Invalid(field, "is empty");
  return absl::OkStatus();
}

absl::Status ReadEnclavePcrs(CborReader& reader,
                             AttestationDocument& document) {
  document.type = AttestationType::kEnclave;
  return ReadPcrs(reader, "pcrs", document.pcrs);
}

absl::Status ReadNitroTpmPcrs(CborReader& reader,
                              AttestationDocument& document) {
  document.type = AttestationType::kNitroTpm;
  return ReadPcrs(reader, "nitrotpm_pcrs", document.pcrs);
}

absl::Status ReadCertificate(CborReader& reader,
                             AttestationDocument& document) {
  const absl::StatusOr<std::string_view> bytes =
      ReadBytes(reader, "certificate", 1, kMaxCertificateBytes);
  if (!bytes.ok()) return bytes.status();
  document.certificate = *bytes;
  return absl::OkStatus();
}

absl::Status ReadCaBundle(CborReader& reader, AttestationDocument& document) {
  std::optional<CborItem> array = ReadItem(reader);
  if (!array.has_value()) return Malformed("cabundle");
  if (!array->Is(CborType::kArray)) {
    return Invalid("cabundle", "is not an array");
  }
  while (reader.More(*array)) {
    const absl::StatusOr<std::string_view> bytes =
        ReadBytes(reader, "cabundle", 1, kMaxCertificateBytes);
    if (!bytes.ok()) return bytes.status();
    if (document.cabundle.size() == kMaxCaBundle) {
      return Reject(Reason::kChainLength, "cabundle has over 7 certificates");
    }
    document.cabundle.push_back(*bytes);
  }
  if (document.cabundle.empty()) {
    return Reject(Reason::kChainLength, "cabundle has no certificate");
  }
  return absl::OkStatus();
}

absl::Status ReadPublicKey(CborReader& reader, AttestationDocument& document) {
  return ReadOptionalBytes(reader, "public_key", 0, kMaxPublicKeyBytes,
                           document.public_key);
}

absl::Status ReadUserData(CborReader& reader, AttestationDocument& document) {
  return ReadOptionalBytes(reader, "user_data", 0, kMaxUserDataBytes,
                           document.user_data);
}

absl::Status ReadNonce(CborReader& reader, AttestationDocument& document) {
  return ReadOptionalBytes(reader, "nonce", 0, kMaxNonceBytes, document.nonce);
}

struct Field {
  std::string_view key;
  absl::Status (*read)(CborReader&, AttestationDocument&);
  bool required;
};

// In AWS's order. One of the two kinds of PCRs is required as well.
constexpr Field kFields[] = {
    {"module_id", ReadModuleId, true},
    {"digest", ReadDigest, true},
    {"timestamp", ReadTimestamp, true},
    {"pcrs", ReadEnclavePcrs, false},
    {"nitrotpm_pcrs", ReadNitroTpmPcrs, false},
    {"certificate", ReadCertificate, true},
    {"cabundle", ReadCaBundle, true},
    {"public_key", ReadPublicKey, false},
    {"user_data", ReadUserData, false},
    {"nonce", ReadNonce, false},
};
constexpr std::size_t kFieldCount = std::size(kFields);
constexpr std::size_t kEnclavePcrs = 3;
constexpr std::size_t kNitroTpmPcrs = 4;
static_assert(kFields[kEnclavePcrs].key == "pcrs");
static_assert(kFields[kNitroTpmPcrs].key == "nitrotpm_pcrs");

// Whether a key that we do not know may be meant as measurements.
bool NamesPcrs(std::string_view key) {
  return absl::EndsWithIgnoreCase(absl::string_view(key.data(), key.size()),
                                  "pcrs");
}

// Reads the map entry by entry and keeps track of the fields that it found.
class PayloadReader {
 public:
  explicit PayloadReader(std::string_view payload) : reader_(payload) {}

  absl::Status Read(AttestationDocument& document) {
    std::optional<CborItem> map = ReadItem(reader_);
    if (!map.has_value()) return Malformed("the payload");
    if (!map->Is(CborType::kMap)) {
      return Reject(Reason::kCborMalformed, "the payload is not a map");
    }
    while (reader_.More(*map)) {
      const absl::Status status = ReadEntry(document);
      if (!status.ok()) return status;
    }
    if (!reader_.done()) {
      return Reject(Reason::kTrailingBytes, "bytes follow the payload's map");
    }
    return CheckFields();
  }

 private:
  absl::Status ReadEntry(AttestationDocument& document) {
    const std::optional<CborItem> key = ReadItem(reader_);
    if (!key.has_value()) return Malformed("a key of the payload");
    if (!key->Is(CborType::kText)) {
      return Invalid("a key of the payload", "is not a text");
    }
    const absl::Status unique = keys_.Add(key->string);
    if (!unique.ok()) return unique;
    for (std::size_t i = 0; i < kFieldCount; ++i) {
      if (kFields[i].key == key->string) return ReadField(i, document);
    }
    names_other_pcrs_ = names_other_pcrs_ || NamesPcrs(key->string);
    if (document.unknown_key_count++ < kMaxUnknownKeys) {
      document.unknown_keys.push_back(key->string);
    }
    return SkipCborValue(reader_);
  }

  absl::Status ReadField(std::size_t i, AttestationDocument& document) {
    seen_[i] = true;
    if (seen_[kEnclavePcrs] && seen_[kNitroTpmPcrs]) {
      return Reject(Reason::kAmbiguousDocumentType,
                    "the payload has both pcrs and nitrotpm_pcrs");
    }
    return kFields[i].read(reader_, document);
  }

  absl::Status CheckFields() const {
    for (std::size_t i = 0; i < kFieldCount; ++i) {
      if (kFields[i].required && !seen_[i]) {
        return Reject(Reason::kFieldMissing,
                      std::string(kFields[i].key) + " is absent");
      }
    }
    if (!seen_[kEnclavePcrs] && !seen_[kNitroTpmPcrs]) {
      return Reject(Reason::kFieldMissing,
                    "both pcrs and nitrotpm_pcrs are absent");
    }
    if (names_other_pcrs_) {
      return Reject(Reason::kAmbiguousDocumentType,
                    "the payload has a second field of PCRs");
    }
    return absl::OkStatus();
  }

  CborReader reader_;
  CborKeys keys_;
  std::array<bool, kFieldCount> seen_{};
  bool names_other_pcrs_ = false;
};

}  // namespace

std::string_view NameOf(AttestationType type) {
  return type == AttestationType::kEnclave ? "enclave" : "nitrotpm";
}

absl::StatusOr<AttestationDocument> DecodeAttestationDocument(
    std::string_view payload) {
  AttestationDocument document;
  const absl::Status status = PayloadReader(payload).Read(document);
  if (!status.ok()) return status;
  return document;
}

}  // namespace anchorage::verify
