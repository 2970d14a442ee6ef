// Input: DER elements, one after the other.
// Holds for any bytes:
//   1. an element that is read is, byte by byte, what a writer of DER makes of
//      its tag and contents, and OpenSSL sees the same header;
//   2. a failed read leaves the cursor where it was;
//   3. contents that parse are what a writer makes of the value;
//   4. an OBJECT IDENTIFIER is well-formed if and only if OpenSSL reads it.

#include <openssl/asn1.h>
#include <openssl/err.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "test/fake_aws/der_writer.h"
#include "test/fuzz/fuzz.h"
#include "verify/encoding/der.h"

namespace anchorage::test {
namespace {

constexpr int kMaxDepth = 16;
constexpr std::uint8_t kConstructed = 0x20;

const unsigned char* Start(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

bool OpensslReadsOid(std::string_view contents) {
  const std::string whole = Tlv(0x06, contents);
  const unsigned char* at = Start(whole);
  ASN1_OBJECT* const oid =
      d2i_ASN1_OBJECT(nullptr, &at, static_cast<long>(whole.size()));
  ERR_clear_error();
  ASN1_OBJECT_free(oid);
  return oid != nullptr;
}

void CheckHeader(const verify::DerElement& element) {
  Require(element.whole == Tlv(element.tag, element.contents),
          "an element has one encoding");
  const unsigned char* at = Start(element.whole);
  long length = 0;
  int tag = 0;
  int tag_class = 0;
  const int result = ASN1_get_object(&at, &length, &tag, &tag_class,
                                     static_cast<long>(element.whole.size()));
  ERR_clear_error();
  Require((result & 0x80) == 0 && tag == (element.tag & 0x1f) &&
              tag_class == (element.tag & 0xc0) &&
              at == Start(element.contents) &&
              length == static_cast<long>(element.contents.size()),
          "OpenSSL sees the same element");
}

void CheckContents(std::string_view contents) {
  if (const auto value = verify::ParseBoolean(contents)) {
    Require(Boolean(*value) == Tlv(0x01, contents), "BOOLEAN");
  }
  if (const auto value = verify::ParseSmallInteger(contents)) {
    Require(Integer(*value) == Tlv(0x02, contents), "INTEGER");
    Require(verify::IsMinimalInteger(contents), "a number is minimal");
  }
  if (const auto bytes = verify::ParseOctetAligned(contents)) {
    Require(BitString(*bytes) == Tlv(0x03, contents), "BIT STRING");
  }
  if (const auto time = verify::ParseUtcTime(contents)) {
    Require(UtcTime(*time) == Tlv(0x17, contents), "UTCTime");
  }
  if (const auto time = verify::ParseGeneralizedTime(contents)) {
    Require(GeneralizedTime(*time) == Tlv(0x18, contents), "GeneralizedTime");
  }
  Require(verify::IsOid(contents) == OpensslReadsOid(contents),
          "OBJECT IDENTIFIER");
}

void Walk(std::string_view bytes, int depth) {
  verify::DerReader reader(bytes);
  while (!reader.done()) {
    const std::string_view before = reader.rest();
    const auto element = reader.Read();
    if (!element.has_value()) {
      Require(reader.rest().data() == before.data() &&
                  reader.rest().size() == before.size(),
              "a failed read moves nothing");
      return;
    }
    RequireWithin(element->contents, element->whole);
    CheckHeader(*element);
    CheckContents(element->contents);
    if (const auto time = verify::ParseTime(*element)) {
      Require(X509Time(*time) == element->whole, "a date has one form");
    }
    if ((element->tag & kConstructed) != 0 && depth > 0) {
      Walk(element->contents, depth - 1);
    }
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Walk(anchorage::test::InputOf(data, size),
                        anchorage::test::kMaxDepth);
  return 0;
}
