// 1. Exactly one SEQUENCE of three: the signed part, the algorithm, the
//    signature.
// 2. Version 3, and a positive serial number of at most 20 octets.
// 3. One algorithm in both places that name it; of AWS, ecdsa-with-SHA384.
// 4. Issuer and subject are well-formed names.
// 5. The dates exist, in the form that RFC 5280 gives their year, in order.
// 6. An uncompressed P-384 key, or of a producer P-256.
// 7. No unique identifiers.
// 8. Extensions: each at most once; critical ones only of the kinds that we
//    process: two, and of a producer three.

#include "verify/attestation/certificate.h"

#include <algorithm>
#include <array>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "verify/encoding/der.h"
#include "verify/encoding/utf8.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using namespace std::string_view_literals;

// SEQUENCE { OID ecdsa-with-SHA384 }: no parameters (RFC 5758 3.2).
constexpr std::string_view kEcdsaWithSha384 =
    "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03"sv;
constexpr std::string_view kEcdsaWithSha256 =
    "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"sv;
// SEQUENCE { OID id-ecPublicKey, OID secp384r1 } (RFC 5480 2.1).
constexpr std::string_view kP384Key =
    "\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
    "\x06\x05\x2b\x81\x04\x00\x22"sv;
// SEQUENCE { OID id-ecPublicKey, OID prime256v1 }.
constexpr std::string_view kP256Key =
    "\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
    "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"sv;
constexpr std::string_view kVersion3 = "\x02\x01\x02"sv;
constexpr std::string_view kBasicConstraints = "\x55\x1d\x13"sv;
constexpr std::string_view kKeyUsage = "\x55\x1d\x0f"sv;
constexpr std::string_view kExtKeyUsage = "\x55\x1d\x25"sv;
constexpr std::string_view kNameConstraints = "\x55\x1d\x1e"sv;
// id-kp-codeSigning, 1.3.6.1.5.5.7.3.3.
constexpr std::string_view kCodeSigning = "\x2b\x06\x01\x05\x05\x07\x03\x03"sv;
constexpr std::string_view kCommonName = "\x55\x04\x03"sv;

constexpr std::size_t kP384PointBytes = 97;
constexpr std::size_t kP256PointBytes = 65;
constexpr char kUncompressed = '\x04';
constexpr std::size_t kMaxSerialOctets = 20;
// Bits of keyUsage, from the left of its first octet (RFC 5280 4.2.1.3).
constexpr std::uint8_t kDigitalSignature = 0x80;
constexpr std::uint8_t kKeyCertSign = 0x04;

absl::Status Malformed(std::string_view what) {
  return Reject(Reason::kCertificateMalformed, what);
}

std::uint8_t ByteAt(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}

absl::Status ReadVersionAndSerial(DerReader& tbs, Certificate& out) {
  const auto version = tbs.Read(DerTag::kContext0Constructed);
  if (!version.has_value() || version->contents != kVersion3) {
    return Malformed("the version is not 3");
  }
  const auto serial = tbs.Read(DerTag::kInteger);
  if (!serial.has_value() || !IsMinimalInteger(serial->contents)) {
    return Malformed("the serial number is not an INTEGER");
  }
  std::string_view magnitude = serial->contents;
  if ((ByteAt(magnitude, 0) & 0x80) != 0) {
    return Malformed("the serial number is negative");
  }
  if (magnitude.front() == '\0') magnitude.remove_prefix(1);
  if (magnitude.empty() || magnitude.size() > kMaxSerialOctets) {
    return Malformed("the serial number is zero or too long");
  }
  out.serial = serial->contents;
  return absl::OkStatus();
}

// The characters of a PrintableString (X.680 41.4).
bool IsPrintable(char c) {
  constexpr std::string_view kMarks = " '()+,-./:=?";
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         kMarks.find(c) != kMarks.npos;
}

bool IsAscii(char c) {
  return absl::ascii_isascii(static_cast<unsigned char>(c));
}

// Whether `element` is a string of a type that names are written in.
bool IsNameText(const DerElement& element, CertificateProfile profile) {
  const std::string_view text = element.contents;
  if (text.empty()) return false;
  if (element.Is(DerTag::kUtf8String)) return IsUtf8(text);
  if (element.Is(DerTag::kIa5String)) {
    return profile == CertificateProfile::kProducer &&
           std::all_of(text.begin(), text.end(), IsAscii);
  }
  return element.Is(DerTag::kPrintableString) &&
         std::all_of(text.begin(), text.end(), IsPrintable);
}

// Reads one SET of one attribute.
absl::Status ReadAttribute(DerReader& name, CertificateProfile profile,
                           std::optional<std::string_view>* common_name) {
  const auto set = name.Read(DerTag::kSet);
  const auto attribute = set.has_value()
                             ? ParseOne(set->contents, DerTag::kSequence)
                             : std::nullopt;
  if (!attribute.has_value()) {
    return Malformed("a name is not a sequence of single attributes");
  }
  DerReader parts(attribute->contents);
  const auto type = parts.Read(DerTag::kOid);
  const auto value = parts.Read();
  if (!type.has_value() || !IsOid(type->contents) || !value.has_value() ||
      !IsNameText(*value, profile) || !parts.done()) {
    return Malformed("an attribute of a name is malformed");
  }
  if (common_name == nullptr || type->contents != kCommonName) {
    return absl::OkStatus();
  }
  if (common_name->has_value()) return Malformed("a name has two common names");
  *common_name = value->contents;
  return absl::OkStatus();
}

// Reads a name, and its common name unless `common_name` is null.
absl::StatusOr<std::string_view> ReadName(
    DerReader& tbs, CertificateProfile profile,
    std::optional<std::string_view>* common_name) {
  const auto name = tbs.Read(DerTag::kSequence);
  if (!name.has_value()) return Malformed("a name is not a SEQUENCE");
  DerReader attributes(name->contents);
  std::size_t count = 0;
  for (; !attributes.done(); ++count) {
    if (count == kMaxNameAttributes) {
      return Malformed("a name has too many attributes");
    }
    const absl::Status status = ReadAttribute(attributes, profile, common_name);
    if (!status.ok()) return status;
  }
  if (count == 0) return Malformed("a name is empty");
  return name->whole;
}

absl::Status ReadValidity(DerReader& tbs, Certificate& out) {
  const auto validity = tbs.Read(DerTag::kSequence);
  if (!validity.has_value()) return Malformed("the validity is missing");
  DerReader dates(validity->contents);
  const auto from = dates.Read();
  const auto until = dates.Read();
  if (!from.has_value() || !until.has_value() || !dates.done()) {
    return Malformed("the validity is not two dates");
  }
  const std::optional<absl::Time> not_before = ParseTime(*from);
  const std::optional<absl::Time> not_after = ParseTime(*until);
  if (!not_before.has_value() || !not_after.has_value() ||
      *not_after < *not_before) {
    return Malformed("a date does not exist, or they are not in order");
  }
  out.not_before = *not_before;
  out.not_after = *not_after;
  return absl::OkStatus();
}

absl::Status ReadKey(DerReader& tbs, CertificateProfile profile,
                     Certificate& out) {
  const auto spki = tbs.Read(DerTag::kSequence);
  if (!spki.has_value()) return Malformed("the public key is missing");
  DerReader parts(spki->contents);
  const auto algorithm = parts.Read(DerTag::kSequence);
  const auto key = parts.Read(DerTag::kBitString);
  if (!algorithm.has_value() || !key.has_value() || !parts.done()) {
    return Malformed("the public key is not an algorithm and a key");
  }
  const bool is_p256 =
      profile == CertificateProfile::kProducer && algorithm->whole == kP256Key;
  if (!is_p256 && algorithm->whole != kP384Key) {
    return Reject(Reason::kCertificateAlgorithm,
                  "the key is not on a curve that is read here");
  }
  const auto point = ParseOctetAligned(key->contents);
  if (!point.has_value() ||
      point->size() != (is_p256 ? kP256PointBytes : kP384PointBytes) ||
      point->front() != kUncompressed) {
    return Malformed("the key is not an uncompressed point");
  }
  out.spki = spki->whole;
  out.point = *point;
  return absl::OkStatus();
}

absl::Status ReadBasicConstraints(std::string_view value, Certificate& out) {
  const auto sequence = ParseOne(value, DerTag::kSequence);
  if (!sequence.has_value()) {
    return Malformed("basicConstraints is not a SEQUENCE");
  }
  DerReader parts(sequence->contents);
  if (parts.NextIs(DerTag::kBoolean)) {
    const auto ca = parts.Read(DerTag::kBoolean);
    // FALSE is the default, and DER never writes a default.
    if (!ca.has_value() || ParseBoolean(ca->contents) != true) {
      return Malformed("basicConstraints has a BOOLEAN other than TRUE");
    }
    out.is_ca = true;
  }
  if (out.is_ca && parts.NextIs(DerTag::kInteger)) {
    const auto length = parts.Read(DerTag::kInteger);
    if (length.has_value()) {
      out.path_length = ParseSmallInteger(length->contents);
    }
    if (!out.path_length.has_value()) {
      return Malformed("pathLenConstraint is not a small INTEGER");
    }
  }
  if (!parts.done()) return Malformed("basicConstraints has more in it");
  return absl::OkStatus();
}

absl::Status ReadKeyUsage(std::string_view value, Certificate& out) {
  const auto bits = ParseOne(value, DerTag::kBitString);
  // One octet of unused bits, then one or two octets (nine bits are defined).
  if (!bits.has_value() || bits->contents.size() < 2 ||
      bits->contents.size() > 3) {
    return Malformed("keyUsage is not a BIT STRING of nine bits at most");
  }
  // DER of a named bit list ends with a one (X.690 11.2.2).
  const std::uint8_t unused = ByteAt(bits->contents, 0);
  const std::uint8_t last = ByteAt(bits->contents, bits->contents.size() - 1);
  const bool nine_bits = bits->contents.size() == 2 || unused == 7;
  if (unused > 7 || !nine_bits ||
      (last & ((1u << (unused + 1)) - 1)) != 1u << unused) {
    return Malformed("keyUsage does not end with a one");
  }
  const std::uint8_t first = ByteAt(bits->contents, 1);
  out.may_sign = (first & kDigitalSignature) != 0;
  out.may_sign_certificates = (first & kKeyCertSign) != 0;
  return absl::OkStatus();
}

absl::Status ReadPurposes(std::string_view value, Certificate& out) {
  const auto sequence = ParseOne(value, DerTag::kSequence);
  if (!sequence.has_value() || sequence->contents.empty()) {
    return Malformed("extKeyUsage is not a SEQUENCE of purposes");
  }
  for (DerReader purposes(sequence->contents); !purposes.done();) {
    const auto purpose = purposes.Read(DerTag::kOid);
    if (!purpose.has_value() || !IsOid(purpose->contents)) {
      return Malformed("extKeyUsage has something else than a purpose");
    }
    if (purpose->contents == kCodeSigning) out.may_sign_code = true;
  }
  out.has_purposes = true;
  return absl::OkStatus();
}

struct Extension {
  std::string_view id;
  bool critical = false;
  std::string_view value;
};

absl::StatusOr<Extension> ReadExtension(DerReader& list) {
  const auto sequence = list.Read(DerTag::kSequence);
  if (!sequence.has_value()) return Malformed("an extension is no SEQUENCE");
  DerReader parts(sequence->contents);
  Extension extension;
  const auto id = parts.Read(DerTag::kOid);
  if (!id.has_value() || !IsOid(id->contents)) {
    return Malformed("an extension has no identifier");
  }
  extension.id = id->contents;
  if (parts.NextIs(DerTag::kBoolean)) {
    const auto critical = parts.Read(DerTag::kBoolean);
    if (!critical.has_value() || ParseBoolean(critical->contents) != true) {
      return Malformed("an extension's critical is other than TRUE");
    }
    extension.critical = true;
  }
  const auto value = parts.Read(DerTag::kOctetString);
  if (!value.has_value() || !parts.done()) {
    return Malformed("an extension has no value, or more than one");
  }
  extension.value = value->contents;
  return extension;
}

absl::Status ProcessExtension(const Extension& extension,
                              CertificateProfile profile, Certificate& out) {
  if (extension.id == kBasicConstraints) {
    return ReadBasicConstraints(extension.value, out);
  }
  if (extension.id == kKeyUsage) return ReadKeyUsage(extension.value, out);
  const bool of_producer = profile == CertificateProfile::kProducer;
  if (of_producer && extension.id == kExtKeyUsage) {
    return ReadPurposes(extension.value, out);
  }
  // A constraint that is not processed must not be passed over.
  if (extension.critical || (of_producer && extension.id == kNameConstraints)) {
    return Reject(Reason::kUnknownCriticalExtension,
                  "a critical extension is of a kind that we do not process");
  }
  // Key identifiers and CRL distribution points are hints: AWS says that CRLs
  // must not be consulted, and this code has no network.
  return absl::OkStatus();
}

absl::Status ReadExtensions(DerReader& tbs, CertificateProfile profile,
                            Certificate& out) {
  if (tbs.done()) return absl::OkStatus();
  const auto wrapper = tbs.Read(DerTag::kContext3Constructed);
  const auto sequence = wrapper.has_value()
                            ? ParseOne(wrapper->contents, DerTag::kSequence)
                            : std::nullopt;
  if (!sequence.has_value() || sequence->contents.empty() || !tbs.done()) {
    return Malformed("something else than extensions follows the key");
  }
  std::array<std::string_view, kMaxExtensions> ids;
  std::size_t count = 0;
  for (DerReader list(sequence->contents); !list.done(); ++count) {
    const absl::StatusOr<Extension> extension = ReadExtension(list);
    if (!extension.ok()) return extension.status();
    const auto end = ids.begin() + count;
    if (count == kMaxExtensions ||
        std::find(ids.begin(), end, extension->id) != end) {
      return Malformed("an extension occurs twice, or there are too many");
    }
    ids[count] = extension->id;
    const absl::Status status = ProcessExtension(*extension, profile, out);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

SignatureAlgorithm AlgorithmOf(const DerElement& algorithm) {
  if (algorithm.whole == kEcdsaWithSha384) {
    return SignatureAlgorithm::kEcdsaSha384;
  }
  return algorithm.whole == kEcdsaWithSha256 ? SignatureAlgorithm::kEcdsaSha256
                                             : SignatureAlgorithm::kOther;
}

// Checks the algorithm in the signed part against the one beside the
// signature.
absl::Status CheckAlgorithms(const DerElement& inner, const DerElement& outer,
                             CertificateProfile profile, Certificate& out) {
  if (inner.whole != outer.whole) {
    return Reject(Reason::kAlgorithmMismatch,
                  "the certificate names two signature algorithms");
  }
  out.signature_algorithm = AlgorithmOf(inner);
  if (profile == CertificateProfile::kNitro &&
      out.signature_algorithm != SignatureAlgorithm::kEcdsaSha384) {
    return Reject(Reason::kCertificateAlgorithm,
                  "the certificate's signature is not ecdsa-with-SHA384");
  }
  return absl::OkStatus();
}

absl::Status ReadTbs(std::string_view contents, const DerElement& algorithm,
                     CertificateProfile profile, Certificate& out) {
  DerReader tbs(contents);
  if (absl::Status s = ReadVersionAndSerial(tbs, out); !s.ok()) return s;
  const auto inner = tbs.Read(DerTag::kSequence);
  if (!inner.has_value()) return Malformed("the algorithm is missing");
  if (absl::Status s = CheckAlgorithms(*inner, algorithm, profile, out);
      !s.ok())
    return s;
  const absl::StatusOr<std::string_view> issuer =
      ReadName(tbs, profile, nullptr);
  if (!issuer.ok()) return issuer.status();
  out.issuer = *issuer;
  if (absl::Status s = ReadValidity(tbs, out); !s.ok()) return s;
  const absl::StatusOr<std::string_view> subject =
      ReadName(tbs, profile, &out.common_name);
  if (!subject.ok()) return subject.status();
  out.subject = *subject;
  if (absl::Status s = ReadKey(tbs, profile, out); !s.ok()) return s;
  return ReadExtensions(tbs, profile, out);
}

}  // namespace

absl::StatusOr<Certificate> ParseCertificate(std::string_view der,
                                             CertificateProfile profile) {
  const auto whole = ParseOne(der, DerTag::kSequence);
  if (!whole.has_value()) return Malformed("not exactly one SEQUENCE");
  DerReader parts(whole->contents);
  const auto tbs = parts.Read(DerTag::kSequence);
  const auto algorithm = parts.Read(DerTag::kSequence);
  const auto signature = parts.Read(DerTag::kBitString);
  if (!tbs.has_value() || !algorithm.has_value() || !signature.has_value() ||
      !parts.done()) {
    return Malformed("not a signed part, an algorithm and a signature");
  }
  const auto signature_bytes = ParseOctetAligned(signature->contents);
  if (!signature_bytes.has_value() || signature_bytes->empty()) {
    return Malformed("the signature is not a string of whole octets");
  }
  Certificate out;
  out.der = der;
  out.tbs = tbs->whole;
  out.signature = *signature_bytes;
  const absl::Status status = ReadTbs(tbs->contents, *algorithm, profile, out);
  if (!status.ok()) return status;
  return out;
}

}  // namespace anchorage::verify
