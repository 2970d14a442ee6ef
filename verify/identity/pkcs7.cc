// What is read, in order; anything else in any place is kPkcs7Malformed:
//
//   1. ContentInfo: the type is signedData, and nothing follows it.
//   2. SignedData: version 1; digestAlgorithms.
//   3. The content: type and bytes, embedded (kContentMissing).
//   4. Certificates and CRLs: skipped.
//   5. SignerInfos: exactly one (kSignerCount), version 1, with signed
//      attributes (kSignedAttributesRequired) and no unsigned ones.
//   6. Signed attributes: each once with one value (kDuplicateAttribute);
//      contentType, messageDigest and signingTime there
//      (kSignedAttributeMissing); contentType is the content's
//      (kContentTypeMismatch).

#include "verify/identity/pkcs7.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "verify/encoding/der.h"
#include "verify/identity/ber.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

// 1.2.840.113549.1.7.1 and .2
constexpr OidContents kData("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", 9);
constexpr OidContents kSignedData("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", 9);
// 1.2.840.113549.1.9.3, .4, .5 and .52
constexpr OidContents kContentType("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03", 9);
constexpr OidContents kMessageDigest("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04", 9);
constexpr OidContents kSigningTime("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05", 9);
constexpr OidContents kAlgorithmProtection(
    "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x34", 9);

// SignedData and SignerInfo both have version 1 where the signer is named by
// issuer and serial.
constexpr std::string_view kVersion1("\x01", 1);
constexpr char kSetTag = '\x31';

absl::Status Malformed(std::string_view what) {
  return Reject(Reason::kPkcs7Malformed, what);
}

std::optional<OidContents> ReadOid(DerReader& reader) {
  const auto oid = reader.Read(DerTag::kOid);
  if (!oid.has_value() || !IsOid(oid->contents)) return std::nullopt;
  return oid->contents;
}

// Reads the fields of an AlgorithmIdentifier whose parameters are absent or
// NULL.
std::optional<OidContents> ParseAlgorithm(std::string_view contents) {
  DerReader reader(contents);
  const auto oid = ReadOid(reader);
  if (!oid.has_value() || reader.done()) return oid;
  const auto null = reader.Read(DerTag::kNull);
  if (!null.has_value() || !null->contents.empty() || !reader.done()) {
    return std::nullopt;
  }
  return oid;
}

std::optional<OidContents> ReadAlgorithm(DerReader& reader, DerTag tag) {
  const auto algorithm = reader.Read(tag);
  if (!algorithm.has_value()) return std::nullopt;
  return ParseAlgorithm(algorithm->contents);
}

}  // namespace

class Pkcs7Parser {
 public:
  explicit Pkcs7Parser(std::string_view bytes) : ber_(bytes) {}

  absl::StatusOr<Pkcs7> Parse() && {
    if (absl::Status s = ReadHead(); !s.ok()) return s;
    if (absl::Status s = ReadContentInfo(); !s.ok()) return s;
    if (absl::Status s = SkipCertificates(); !s.ok()) return s;
    if (absl::Status s = ReadSignerInfos(); !s.ok()) return s;
    if (!ber_.Leave() || !ber_.Leave() || !ber_.Leave()) {
      return Malformed("no end after the signer");
    }
    if (!ber_.done()) {
      return Reject(Reason::kTrailingBytes,
                    absl::StrCat(ber_.trailing(), " bytes follow the PKCS #7"));
    }
    return std::move(out_);
  }

 private:
  // 1, 2.
  absl::Status ReadHead() {
    if (!ber_.Enter(DerTag::kSequence)) return Malformed("no ContentInfo");
    const auto type = ber_.Read(DerTag::kOid);
    if (!type.has_value() || type->contents != kSignedData) {
      return Malformed("the type is not signedData");
    }
    if (!ber_.Enter(DerTag::kContext0Constructed) ||
        !ber_.Enter(DerTag::kSequence)) {
      return Malformed("no SignedData");
    }
    const auto version = ber_.Read(DerTag::kInteger);
    if (!version.has_value() || version->contents != kVersion1) {
      return Malformed("SignedData is not of version 1");
    }
    return ReadDigestAlgorithms();
  }

  absl::Status ReadDigestAlgorithms() {
    const auto set = ber_.Read(DerTag::kSet);
    if (!set.has_value()) return Malformed("no digestAlgorithms");
    for (DerReader reader(set->contents); !reader.done();) {
      const auto algorithm = ReadAlgorithm(reader, DerTag::kSequence);
      if (!algorithm.has_value() ||
          out_.digest_algorithm_count_ == kMaxDigestAlgorithms) {
        return Malformed("digestAlgorithms");
      }
      out_.digest_algorithms_[out_.digest_algorithm_count_++] = *algorithm;
    }
    return absl::OkStatus();
  }

  // 3.
  absl::Status ReadContentInfo() {
    if (!ber_.Enter(DerTag::kSequence)) return Malformed("no contentInfo");
    const auto type = ber_.Read(DerTag::kOid);
    if (!type.has_value()) return Malformed("content without a type");
    content_type_ = type->contents;
    if (ber_.AtEnd()) {
      return Reject(Reason::kContentMissing, "the content is not inside");
    }
    if (!ber_.Enter(DerTag::kContext0Constructed)) {
      return Malformed("no content");
    }
    if (absl::Status s = ReadContent(); !s.ok()) return s;
    if (!ber_.Leave() || !ber_.Leave()) {
      return Malformed("something follows the content");
    }
    if (out_.content.empty()) {
      return Reject(Reason::kContentMissing, "the content is empty");
    }
    return absl::OkStatus();
  }

  absl::Status ReadContent() {
    if (const auto whole = ber_.Read(DerTag::kOctetString)) {
      out_.content = whole->contents;
      return absl::OkStatus();
    }
    if (!ber_.Enter(DerTag::kConstructedOctetString)) {
      return Malformed("the content is not an OCTET STRING");
    }
    for (std::size_t count = 0; !ber_.AtEnd(); ++count) {
      const auto chunk = ber_.Read(DerTag::kOctetString);
      if (!chunk.has_value() || chunk->contents.empty() ||
          count == kMaxContentChunks) {
        return Malformed("a chunk of the content");
      }
      AddChunk(chunk->contents, count == 0);
    }
    if (!ber_.Leave()) return Malformed("the content has no end");
    return absl::OkStatus();
  }

  void AddChunk(std::string_view chunk, bool first) {
    if (first) {
      out_.content = chunk;
      return;
    }
    if (out_.joined_content_ == nullptr) {
      out_.joined_content_ = std::make_unique<std::string>(out_.content);
    }
    out_.joined_content_->append(chunk);
    out_.content = *out_.joined_content_;
  }

  // 4.
  absl::Status SkipCertificates() {
    for (const DerTag tag :
         {DerTag::kContext0Constructed, DerTag::kContext1Constructed}) {
      if (!ber_.NextIs(tag)) continue;
      if (!ber_.Enter(tag)) return Malformed("certificates or CRLs");
      for (std::size_t count = 0; !ber_.AtEnd(); ++count) {
        if (count == kMaxEmbeddedCertificates ||
            !ber_.Read(DerTag::kSequence).has_value()) {
          return Malformed("certificates or CRLs");
        }
      }
      if (!ber_.Leave()) return Malformed("certificates or CRLs");
    }
    return absl::OkStatus();
  }

  // 5.
  absl::Status ReadSignerInfos() {
    if (!ber_.Enter(DerTag::kSet)) return Malformed("no signerInfos");
    if (ber_.AtEnd()) return Reject(Reason::kSignerCount, "no signer");
    const auto signer = ber_.Read(DerTag::kSequence);
    if (!signer.has_value()) return Malformed("signerInfo");
    if (!ber_.AtEnd()) {
      return ber_.NextIs(DerTag::kSequence)
                 ? Reject(Reason::kSignerCount, "more than one signer")
                 : Malformed("signerInfos");
    }
    if (!ber_.Leave()) return Malformed("signerInfos");
    return ReadSignerInfo(signer->contents);
  }

  absl::Status ReadSignerInfo(std::string_view contents) {
    DerReader reader(contents);
    const auto version = reader.Read(DerTag::kInteger);
    if (!version.has_value() || version->contents != kVersion1) {
      return Malformed("SignerInfo is not of version 1");
    }
    if (absl::Status s = ReadSignerName(reader); !s.ok()) return s;
    const auto digest = ReadAlgorithm(reader, DerTag::kSequence);
    if (!digest.has_value()) return Malformed("the signer's digestAlgorithm");
    out_.digest_algorithm = *digest;
    if (!reader.NextIs(DerTag::kContext0Constructed)) {
      return Reject(Reason::kSignedAttributesRequired,
                    "the signer has no signed attributes");
    }
    const auto attributes = reader.Read();
    if (!attributes.has_value()) return Malformed("signed attributes");
    const auto algorithm = ReadAlgorithm(reader, DerTag::kSequence);
    if (!algorithm.has_value()) return Malformed("the signature's algorithm");
    out_.signature_algorithm = *algorithm;
    const auto signature = reader.Read(DerTag::kOctetString);
    if (!signature.has_value()) return Malformed("no signature");
    out_.signature = signature->contents;
    if (!reader.done()) return Malformed("something follows the signature");
    return ReadSignedAttributes(*attributes);
  }

  absl::Status ReadSignerName(DerReader& reader) {
    const auto name = reader.Read(DerTag::kSequence);
    if (!name.has_value()) return Malformed("the signer's name");
    DerReader fields(name->contents);
    const auto issuer = fields.Read(DerTag::kSequence);
    const auto serial = fields.Read(DerTag::kInteger);
    if (!issuer.has_value() || !serial.has_value() || !fields.done() ||
        !IsMinimalInteger(serial->contents) ||
        serial->contents.size() > kMaxSerialBytes) {
      return Malformed("the signer's issuer and serial");
    }
    out_.issuer = issuer->whole;
    out_.serial = serial->contents;
    return absl::OkStatus();
  }

  // 6.
  absl::Status ReadSignedAttributes(const DerElement& attributes) {
    if (attributes.contents.empty()) {
      return Reject(Reason::kSignedAttributesRequired,
                    "the set of signed attributes is empty");
    }
    if (attributes.whole.size() > kMaxSignedAttributesBytes) {
      return Malformed("the signed attributes are too long");
    }
    out_.signed_attributes_ = attributes.whole;
    for (DerReader reader(attributes.contents); !reader.done();) {
      const auto attribute = reader.Read(DerTag::kSequence);
      if (!attribute.has_value() ||
          out_.attribute_count_ == kMaxSignedAttributes) {
        return Malformed("a signed attribute, or their number");
      }
      out_.attributes_[out_.attribute_count_] = attribute->whole;
      if (absl::Status s = ReadAttribute(attribute->contents); !s.ok()) {
        return s;
      }
      ++out_.attribute_count_;
    }
    return CheckAttributesPresent();
  }

  absl::Status ReadAttribute(std::string_view contents) {
    DerReader reader(contents);
    const auto type = ReadOid(reader);
    const auto values = reader.Read(DerTag::kSet);
    if (!type.has_value() || !values.has_value() || !reader.done()) {
      return Malformed("a signed attribute");
    }
    const auto seen =
        absl::MakeConstSpan(attribute_types_).subspan(0, out_.attribute_count_);
    if (std::find(seen.begin(), seen.end(), *type) != seen.end()) {
      return Reject(Reason::kDuplicateAttribute,
                    "a signed attribute occurs twice");
    }
    attribute_types_[out_.attribute_count_] = *type;

    DerReader value_reader(values->contents);
    const auto value = value_reader.Read();
    if (!value.has_value()) return Malformed("a signed attribute's value");
    if (!value_reader.done()) {
      return Reject(Reason::kDuplicateAttribute,
                    "a signed attribute has several values");
    }
    return ReadAttributeValue(*type, *value);
  }

  // An attribute that we do not know is signed like the others, so it is
  // harmless.
  absl::Status ReadAttributeValue(OidContents type, const DerElement& value) {
    if (type == kContentType) {
      if (!value.Is(DerTag::kOid)) return Malformed("contentType");
      content_type_attribute_ = value.contents;
    } else if (type == kMessageDigest) {
      if (!value.Is(DerTag::kOctetString)) return Malformed("messageDigest");
      has_message_digest_ = true;
      out_.message_digest = value.contents;
    } else if (type == kSigningTime) {
      const auto time = ParseTime(value);
      if (!time.has_value()) return Malformed("signingTime");
      has_signing_time_ = true;
      out_.signing_time = *time;
    } else if (type == kAlgorithmProtection) {
      return ReadAlgorithmProtection(value);
    }
    return absl::OkStatus();
  }

  absl::Status ReadAlgorithmProtection(const DerElement& value) {
    DerReader reader(value.contents);
    const auto digest = ReadAlgorithm(reader, DerTag::kSequence);
    const auto signature = ReadAlgorithm(reader, DerTag::kContext1Constructed);
    if (!value.Is(DerTag::kSequence) || !digest.has_value() ||
        !signature.has_value() || !reader.done()) {
      return Malformed("CMSAlgorithmProtection");
    }
    out_.algorithm_protection = AlgorithmProtection{*digest, *signature};
    return absl::OkStatus();
  }

  absl::Status CheckAttributesPresent() {
    if (!content_type_attribute_.has_value() || !has_message_digest_ ||
        !has_signing_time_) {
      return Reject(Reason::kSignedAttributeMissing,
                    "contentType, messageDigest and signingTime must be "
                    "among the signed attributes");
    }
    if (*content_type_attribute_ != content_type_) {
      return Reject(Reason::kContentTypeMismatch,
                    "the signed contentType is not the content's");
    }
    if (content_type_ != kData) return Malformed("the content is not data");
    return absl::OkStatus();
  }

  BerReader ber_;
  Pkcs7 out_;
  OidContents content_type_;
  std::array<OidContents, kMaxSignedAttributes> attribute_types_;
  std::optional<OidContents> content_type_attribute_;
  bool has_message_digest_ = false;
  bool has_signing_time_ = false;
};

std::string_view Pkcs7::SignedAttributesForDigest(
    AttributesBuffer& buffer) const {
  std::array<std::string_view, kMaxSignedAttributes> in_order = attributes_;
  // Octet by octet, as X.690 11.6 orders a SET OF: no attribute is a prefix of
  // another, so the lengths do not matter. Insertion sort, because they are a
  // handful, and in order already.
  for (auto at = in_order.begin(); at != in_order.begin() + attribute_count_;
       ++at) {
    std::rotate(std::upper_bound(in_order.begin(), at, *at), at, at + 1);
  }

  std::size_t header = signed_attributes_.size();
  for (std::size_t i = 0; i < attribute_count_; ++i) {
    header -= attributes_[i].size();
  }
  char* end = std::copy_n(signed_attributes_.data(), header, buffer.data());
  buffer[0] = kSetTag;
  for (std::size_t i = 0; i < attribute_count_; ++i) {
    end = std::copy(in_order[i].begin(), in_order[i].end(), end);
  }
  return {buffer.data(), signed_attributes_.size()};
}

absl::StatusOr<Pkcs7> ParsePkcs7(std::string_view bytes) {
  if (bytes.size() > kMaxPkcs7Bytes) {
    return Reject(Reason::kInputTooLarge,
                  absl::StrCat("a PKCS #7 of ", bytes.size(),
                               " bytes, the limit is ", kMaxPkcs7Bytes));
  }
  return Pkcs7Parser(bytes).Parse();
}

}  // namespace anchorage::verify
