// A cursor over the elements of strict DER (X.690).
//
//   DerReader reader(bytes);
//   auto sequence = reader.Read(DerTag::kSequence);
//
// The cursor never copies and never allocates: an element is a view into the
// bytes that the caller keeps.

#ifndef ANCHORAGE_VERIFY_ENCODING_DER_H_
#define ANCHORAGE_VERIFY_ENCODING_DER_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/time/time.h"

namespace anchorage::verify {

// Identifier octets that we meet (X.690 8.1.2); all tag numbers are below 31.
enum class DerTag : std::uint8_t {
  kBoolean = 0x01,
  kInteger = 0x02,
  kBitString = 0x03,
  kOctetString = 0x04,
  kNull = 0x05,
  kOid = 0x06,
  kUtf8String = 0x0c,
  kPrintableString = 0x13,
  kTeletexString = 0x14,
  kIa5String = 0x16,
  kUtcTime = 0x17,
  kGeneralizedTime = 0x18,
  kSequence = 0x30,
  kSet = 0x31,
  kConstructedOctetString = 0x24,
  kContext0 = 0x80,
  kContext0Constructed = 0xa0,
  kContext1Constructed = 0xa1,
  kContext2Constructed = 0xa2,
  kContext3Constructed = 0xa3,
};

// One element: its tag, its contents, and all of its bytes with the header.
struct DerElement {
  std::uint8_t tag = 0;
  std::string_view contents;
  std::string_view whole;

  bool Is(DerTag t) const { return tag == static_cast<std::uint8_t>(t); }
};

// Reads elements one after the other from `bytes`. A failed read returns
// nullopt and leaves the cursor where it was.
class DerReader {
 public:
  explicit DerReader(std::string_view bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

  // The tag of the next element; nullopt at the end.
  std::optional<std::uint8_t> PeekTag() const;
  bool NextIs(DerTag tag) const;

  // Reads the next element: definite length, minimal length octets, tag number
  // below 31 and not end-of-contents (X.690 10.1).
  std::optional<DerElement> Read();
  // Reads the next element, which must have this tag.
  std::optional<DerElement> Read(DerTag tag);

 private:
  std::string_view rest_;
};

// Returns the one element that `bytes` consist of; nullopt if they are not
// exactly one element of that tag.
std::optional<DerElement> ParseOne(std::string_view bytes, DerTag tag);

// Each reads the contents of one strict DER element; nullopt if the contents
// are not of the type's form.
//
// BOOLEAN: 00 or ff.
std::optional<bool> ParseBoolean(std::string_view contents);
// INTEGER: minimal, and from 0 to 2^32 - 1.
std::optional<std::uint32_t> ParseSmallInteger(std::string_view contents);
// Whether these are the contents of a minimal INTEGER, of whatever sign.
bool IsMinimalInteger(std::string_view contents);
// BIT STRING with no unused bits: the bytes, at least one.
std::optional<std::string_view> ParseOctetAligned(std::string_view contents);
// UTCTime YYMMDDHHMMSSZ (1950 to 2049, RFC 5280 4.1.2.5.1).
std::optional<absl::Time> ParseUtcTime(std::string_view contents);
// GeneralizedTime YYYYMMDDHHMMSSZ. Any date that exists; no leap second.
std::optional<absl::Time> ParseGeneralizedTime(std::string_view contents);
// Either of the two, by the element's tag. A GeneralizedTime before 2050 is
// refused (RFC 5280 4.1.2.5).
std::optional<absl::Time> ParseTime(const DerElement& element);
// Whether these are the contents of a well-formed OBJECT IDENTIFIER.
bool IsOid(std::string_view contents);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ENCODING_DER_H_
