// An EC2 instance identity document, read strictly and typed.
//
//   auto scan = ScanIdentityDocument(text);          // well-formed JSON?
//   ... find the anchors of scan->UnverifiedRegion(), verify the signature ...
//   auto document = scan->ToDocument();              // every field's form
//
// The two steps stand on the two sides of the signature: before it, only the
// region is read, to pick the anchors; nothing else that the text says is used
// until AWS is known to have signed it.
//
// Pure; any number of threads. Time and memory are linear in the text, with at
// most kMaxDocumentValues values in it.

#ifndef ANCHORAGE_VERIFY_IDENTITY_IDENTITY_DOCUMENT_H_
#define ANCHORAGE_VERIFY_IDENTITY_IDENTITY_DOCUMENT_H_

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "verify/encoding/json_reader.h"

namespace anchorage::verify {

// A longer document is refused before any of it is read. AWS's have 420 to 490
// bytes; product codes make them longer.
inline constexpr std::size_t kMaxDocumentBytes = 64 * 1024;
// The most JSON values, the object itself included. AWS's documents have 15 or
// 16, and one more for each product code.
inline constexpr std::size_t kMaxDocumentValues = 256;
inline constexpr int kMaxDocumentDepth = 8;
inline constexpr std::size_t kMaxFieldBytes = 128;

// What a document says: the fields of versions 2010-08-31 (which has no
// marketplaceProductCodes) and 2017-09-30.
struct IdentityDocument {
  // 12 digits; text, because it may begin with zeros.
  std::string account_id;
  std::string region;
  std::string availability_zone;
  // "i-" and 8 (until 2016) or 17 hex digits.
  std::string instance_id;
  std::string image_id;
  std::string instance_type;
  std::string architecture;
  std::string version;
  // When the instance was last launched or started.
  absl::Time pending_time;

  // nullopt where the document says null or nothing.
  std::optional<std::string> kernel_id;
  std::optional<std::string> ramdisk_id;
  std::optional<std::string> private_ip;
  // nullopt where the document says null or nothing; an empty list is a list.
  std::optional<std::vector<std::string>> devpay_product_codes;
  std::optional<std::vector<std::string>> billing_products;
  std::optional<std::vector<std::string>> marketplace_product_codes;

  // Keys that we do not know, in the order of the text. AWS signed them too, so
  // they are not an error; their meaning is not known.
  std::vector<std::string> unknown_keys;
};

// The members of one document, found and well-formed but not yet believed.
// Holds views into the text.
class ScannedDocument {
 public:
  // Returns the region that the text names, for finding candidate anchors and
  // for nothing else. Fails with kFieldMissing or kFieldInvalid.
  absl::StatusOr<std::string_view> UnverifiedRegion() const;

  // Returns the typed document. Fails with kFieldMissing, or with
  // kFieldInvalid for a field of the wrong type or form, and for a key that
  // differs from a known one only in case: readers that fold case would see
  // another document.
  absl::StatusOr<IdentityDocument> ToDocument() const;
  // The same in a place of the caller's, which is of no use after a failure.
  absl::Status ReadInto(IdentityDocument& out) const;

 private:
  friend absl::StatusOr<ScannedDocument> ScanIdentityDocument(
      std::string_view text);
  static constexpr std::size_t kFieldCount = 15;

  // In the order of kNames in the .cc; nullopt for an absent key.
  std::array<std::optional<JsonToken>, kFieldCount> fields_;
  std::vector<std::string> unknown_keys_;
};

// Finds the members of a document. Fails with kInputTooLarge,
// kDocumentMalformed, kDuplicateKey or kTrailingBytes.
absl::StatusOr<ScannedDocument> ScanIdentityDocument(std::string_view text);

// Reads RFC 3339 as AWS writes it, YYYY-MM-DDTHH:MM:SSZ: no fraction, no
// offset, no leap second, a date that exists. nullopt for anything else.
std::optional<absl::Time> ParseDocumentTime(std::string_view text);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IDENTITY_IDENTITY_DOCUMENT_H_
