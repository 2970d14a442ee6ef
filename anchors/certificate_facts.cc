#include "anchors/certificate_facts.h"

#include <bit>
#include <cstdint>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "verify/encoding/der.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::DerElement;
using verify::DerReader;
using verify::DerTag;
using verify::KeyType;
using verify::Reason;
using verify::Reject;

// Contents of OBJECT IDENTIFIER.
constexpr std::string_view kRsaEncryption =
    "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
constexpr std::string_view kDsa = "\x2a\x86\x48\xce\x38\x04\x01";
constexpr std::string_view kEcPublicKey = "\x2a\x86\x48\xce\x3d\x02\x01";
constexpr std::string_view kPrime256v1 = "\x2a\x86\x48\xce\x3d\x03\x01\x07";
constexpr std::string_view kSecp384r1("\x2b\x81\x04\x00\x22", 5);
constexpr std::string_view kEd25519 = "\x2b\x65\x70";

// [1] and [2] IMPLICIT BIT STRING: the unique identifiers of X.509 v2.
constexpr std::uint8_t kIssuerUniqueId = 0x81;
constexpr std::uint8_t kSubjectUniqueId = 0x82;

absl::Status Malformed(std::string_view what) {
  return Reject(Reason::kCertificateMalformed, what);
}

absl::Status NotAKey() {
  return Reject(Reason::kFieldInvalid,
                "not the SubjectPublicKeyInfo of an RSA, DSA, P-256, P-384 or "
                "Ed25519 key");
}

std::uint8_t ByteAt(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

// Returns the size in bits of a positive INTEGER; nullopt for any other.
std::optional<int> BitsOf(const std::optional<DerElement>& integer) {
  if (!integer || !verify::IsMinimalInteger(integer->contents)) {
    return std::nullopt;
  }
  std::string_view bytes = integer->contents;
  if (ByteAt(bytes, 0) == 0) bytes.remove_prefix(1);
  if (bytes.empty() || (ByteAt(integer->contents, 0) & 0x80) != 0) {
    return std::nullopt;
  }
  return static_cast<int>(8 * (bytes.size() - 1)) +
         std::bit_width(ByteAt(bytes, 0));
}

// The modulus in RSAPublicKey (RFC 3279 2.3.1).
std::optional<int> RsaBits(std::string_view key) {
  const auto sequence = verify::ParseOne(key, DerTag::kSequence);
  if (!sequence) return std::nullopt;
  DerReader reader(sequence->contents);
  const auto modulus = BitsOf(reader.Read(DerTag::kInteger));
  const auto exponent = BitsOf(reader.Read(DerTag::kInteger));
  if (!exponent || !reader.done()) return std::nullopt;
  return modulus;
}

// The prime in Dss-Parms (RFC 3279 2.3.2).
std::optional<int> DsaBits(std::string_view parameters) {
  const auto sequence = verify::ParseOne(parameters, DerTag::kSequence);
  if (!sequence) return std::nullopt;
  DerReader reader(sequence->contents);
  return BitsOf(reader.Read(DerTag::kInteger));
}

std::optional<KeyFacts> EcFacts(std::string_view parameters) {
  const auto curve = verify::ParseOne(parameters, DerTag::kOid);
  if (!curve) return std::nullopt;
  if (curve->contents == kPrime256v1) return KeyFacts{KeyType::kEcP256, 256};
  if (curve->contents == kSecp384r1) return KeyFacts{KeyType::kEcP384, 384};
  return std::nullopt;
}

std::optional<KeyFacts> KeyFactsOf(std::string_view algorithm,
                                   std::string_view parameters,
                                   std::string_view key) {
  std::optional<int> bits;
  if (algorithm == kEcPublicKey) return EcFacts(parameters);
  if (algorithm == kEd25519) return KeyFacts{KeyType::kEd25519, 256};
  if (algorithm == kRsaEncryption) bits = RsaBits(key);
  if (algorithm == kDsa) bits = DsaBits(parameters);
  if (!bits) return std::nullopt;
  return KeyFacts{algorithm == kDsa ? KeyType::kDsa : KeyType::kRsa, *bits};
}

// As `openssl x509 -serial` prints it, but for the case.
std::string SerialText(std::string_view contents) {
  std::string bytes(contents);
  const bool negative = (ByteAt(bytes, 0) & 0x80) != 0;
  if (negative) {
    bool carry = true;
    for (std::size_t i = bytes.size(); i-- > 0;) {
      const auto inverted = static_cast<std::uint8_t>(~ByteAt(bytes, i));
      bytes[i] = static_cast<char>(inverted + (carry ? 1 : 0));
      carry = carry && bytes[i] == 0;
    }
  }
  const std::size_t first = bytes.find_first_not_of('\0');
  if (first == std::string::npos) return "00";
  return absl::StrCat(negative ? "-" : "", Hex(bytes.substr(first)));
}

bool IsAttribute(std::string_view contents) {
  DerReader reader(contents);
  const auto oid = reader.Read(DerTag::kOid);
  const auto value = reader.Read();
  return oid && value && reader.done() && verify::IsOid(oid->contents);
}

// Whether this is a Name: a sequence of sets of one attribute or more.
bool IsName(const std::optional<DerElement>& name) {
  if (!name) return false;
  for (DerReader reader(name->contents); !reader.done();) {
    const auto set = reader.Read(DerTag::kSet);
    if (!set || set->contents.empty()) return false;
    for (DerReader attributes(set->contents); !attributes.done();) {
      const auto attribute = attributes.Read(DerTag::kSequence);
      if (!attribute || !IsAttribute(attribute->contents)) return false;
    }
  }
  return true;
}

// Reads an AlgorithmIdentifier without looking at it: the signature is not
// checked, so its algorithm does not matter.
bool SkipAlgorithm(DerReader& reader) {
  const auto algorithm = reader.Read(DerTag::kSequence);
  if (!algorithm) return false;
  return DerReader(algorithm->contents).NextIs(DerTag::kOid);
}

// Returns the version from 0 for v1; nullopt if it is not 0, 1 or 2 in DER.
std::optional<int> ReadVersion(DerReader& tbs) {
  if (!tbs.NextIs(DerTag::kContext0Constructed)) return 0;
  const auto wrapper = tbs.Read();
  if (!wrapper) return std::nullopt;
  const auto integer = verify::ParseOne(wrapper->contents, DerTag::kInteger);
  if (!integer) return std::nullopt;
  const auto version = verify::ParseSmallInteger(integer->contents);
  if (version == 1u) return 1;
  if (version == 2u) return 2;
  return std::nullopt;
}

absl::Status ReadValidity(DerReader& tbs, CertificateFacts& facts) {
  const auto validity = tbs.Read(DerTag::kSequence);
  if (!validity) return Malformed("no validity");
  DerReader reader(validity->contents);
  const auto first = reader.Read();
  const auto last = reader.Read();
  if (!first || !last || !reader.done()) {
    return Malformed("validity is not two times");
  }
  const auto not_before = verify::ParseTime(*first);
  const auto not_after = verify::ParseTime(*last);
  if (!not_before || !not_after) {
    return Malformed("validity with a time that is not DER");
  }
  facts.not_before = *not_before;
  facts.not_after = *not_after;
  return absl::OkStatus();
}

// Reads what may follow the key: unique identifiers from version 2 on, and
// extensions in version 3, at most one of each and in this order.
absl::Status SkipOptional(DerReader& tbs, int version) {
  if (version >= 1) {
    for (const std::uint8_t tag : {kIssuerUniqueId, kSubjectUniqueId}) {
      if (tbs.PeekTag() == tag && !tbs.Read()) {
        return Malformed("unique identifier is not DER");
      }
    }
  }
  if (version == 2 && tbs.NextIs(DerTag::kContext3Constructed)) {
    const auto wrapper = tbs.Read();
    if (!wrapper || !verify::ParseOne(wrapper->contents, DerTag::kSequence)) {
      return Malformed("extensions are not one sequence");
    }
  }
  if (!tbs.done()) return Malformed("unknown field after the key");
  return absl::OkStatus();
}

absl::StatusOr<CertificateFacts> ReadTbs(std::string_view contents) {
  CertificateFacts facts;
  DerReader tbs(contents);
  const auto version = ReadVersion(tbs);
  if (!version) return Malformed("version is not 1, 2 or 3");
  const auto serial = tbs.Read(DerTag::kInteger);
  if (!serial || !verify::IsMinimalInteger(serial->contents)) {
    return Malformed("serial number is not an integer");
  }
  facts.serial = SerialText(serial->contents);
  if (!SkipAlgorithm(tbs)) return Malformed("no signature algorithm");
  if (!IsName(tbs.Read(DerTag::kSequence))) {
    return Malformed("issuer is not a name");
  }
  if (absl::Status s = ReadValidity(tbs, facts); !s.ok()) return s;
  if (!IsName(tbs.Read(DerTag::kSequence))) {
    return Malformed("subject is not a name");
  }
  const auto spki = tbs.Read(DerTag::kSequence);
  if (!spki) return Malformed("no public key");
  facts.spki_der = std::string(spki->whole);
  if (absl::Status s = SkipOptional(tbs, *version); !s.ok()) return s;
  auto key = ReadKeyFacts(facts.spki_der);
  if (!key.ok()) return key.status();
  facts.key = *key;
  return facts;
}

// Reads the parts of a certificate (RFC 5280 4.1), and returns the one that is
// signed.
absl::StatusOr<DerElement> TbsOf(std::string_view der) {
  if (der.size() > kMaxCertificateBytes) {
    return Reject(Reason::kInputTooLarge,
                  absl::StrCat("a certificate of ", der.size(),
                               " bytes, the limit is ", kMaxCertificateBytes));
  }
  DerReader outer(der);
  const auto certificate = outer.Read(DerTag::kSequence);
  if (!certificate) return Malformed("not a DER sequence");
  if (!outer.done()) {
    return Reject(Reason::kTrailingBytes, "bytes after the certificate");
  }
  DerReader reader(certificate->contents);
  const auto tbs = reader.Read(DerTag::kSequence);
  if (!tbs) return Malformed("no TBSCertificate");
  const bool has_algorithm = SkipAlgorithm(reader);
  const auto signature = reader.Read(DerTag::kBitString);
  if (!has_algorithm || !signature || !reader.done() ||
      !verify::ParseOctetAligned(signature->contents)) {
    return Malformed("no signature");
  }
  return *tbs;
}

}  // namespace

absl::StatusOr<KeyFacts> ReadKeyFacts(std::string_view spki_der) {
  const auto spki = verify::ParseOne(spki_der, DerTag::kSequence);
  if (!spki) return NotAKey();
  DerReader reader(spki->contents);
  const auto algorithm = reader.Read(DerTag::kSequence);
  const auto bits = reader.Read(DerTag::kBitString);
  if (!algorithm || !bits || !reader.done()) return NotAKey();
  const auto key = verify::ParseOctetAligned(bits->contents);
  DerReader algorithm_reader(algorithm->contents);
  const auto oid = algorithm_reader.Read(DerTag::kOid);
  if (!key || !oid) return NotAKey();
  const auto facts = KeyFactsOf(oid->contents, algorithm_reader.rest(), *key);
  if (!facts) return NotAKey();
  return *facts;
}

absl::StatusOr<CertificateFacts> ReadCertificateFacts(std::string_view der) {
  const auto tbs = TbsOf(der);
  if (!tbs.ok()) return tbs.status();
  return ReadTbs(tbs->contents);
}

absl::StatusOr<std::string> TbsSha256(std::string_view der) {
  const auto tbs = TbsOf(der);
  if (!tbs.ok()) return tbs.status();
  if (const auto facts = ReadTbs(tbs->contents); !facts.ok()) {
    return facts.status();
  }
  return verify::Sha256Hex(tbs->whole);
}

}  // namespace anchorage::anchors
