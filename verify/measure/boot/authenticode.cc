// What is checked, in order:
//
//   1. The certificate table: WIN_CERTIFICATEs of PKCS #7, to its last byte.
//   2. Each is SignedData over an SpcIndirectDataContent, with one signer,
//      whose certificate is inside.
//   3. dbx does not have the image's SHA-256.
//   4. Each signature is over this image, and by its signer's key.
//   5. The certificates above the signer, by signature; dbx has none of them,
//      and did not issue one.
//   6. The entries of db that are the image's SHA-256, are one of these
//      certificates, or issued one: exactly one.

#include "verify/measure/boot/authenticode.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "verify/encoding/der.h"
#include "verify/encoding/little_endian.h"
#include "verify/measure/boot/measure_error.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using namespace std::string_view_literals;

// WIN_CERTIFICATE: the length with this header, a revision, a type.
constexpr std::size_t kWinCertificateBytes = 8;
constexpr std::size_t kWinCertificateAlignment = 8;
constexpr std::uint32_t kPkcsSignedData = 0x0002;

// Contents of OBJECT IDENTIFIERs.
constexpr std::string_view kSignedData =
    "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"sv;
constexpr std::string_view kContentType =
    "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03"sv;
constexpr std::string_view kMessageDigest =
    "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04"sv;
// SPC_INDIRECT_DATA_OBJID, 1.3.6.1.4.1.311.2.1.4, and SPC_PE_IMAGE_DATA_OBJID.
constexpr std::string_view kSpcIndirectData =
    "\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x04"sv;
constexpr std::string_view kSpcPeImageData =
    "\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0f"sv;
constexpr std::string_view kBasicConstraints = "\x55\x1d\x13"sv;
constexpr std::string_view kKeyUsage = "\x55\x1d\x0f"sv;
constexpr std::string_view kExtendedKeyUsage = "\x55\x1d\x25"sv;
// keyCertSign in the first octet of keyUsage (RFC 5280 4.2.1.3).
constexpr std::uint8_t kKeyCertSign = 0x04;
constexpr std::string_view kSetTag = "\x31"sv;

struct HashRow {
  std::string_view oid;
  HashAlgorithm hash;
};
constexpr HashRow kHashes[] = {
    {"\x60\x86\x48\x01\x65\x03\x04\x02\x01"sv, HashAlgorithm::kSha256},
    {"\x60\x86\x48\x01\x65\x03\x04\x02\x02"sv, HashAlgorithm::kSha384},
};

struct SignatureRow {
  std::string_view oid;
  bool is_rsa;
  // nullopt for an algorithm that names no hash.
  std::optional<HashAlgorithm> hash;
};
constexpr SignatureRow kSignatures[] = {
    // rsaEncryption, in a SignerInfo.
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"sv, true, std::nullopt},
    // sha1-, sha256- and sha384WithRSAEncryption. SHA-1 in old certificates.
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"sv, true, HashAlgorithm::kSha1},
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"sv, true, HashAlgorithm::kSha256},
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"sv, true, HashAlgorithm::kSha384},
    // ecdsa-with-SHA256 and -SHA384.
    {"\x2a\x86\x48\xce\x3d\x04\x03\x02"sv, false, HashAlgorithm::kSha256},
    {"\x2a\x86\x48\xce\x3d\x04\x03\x03"sv, false, HashAlgorithm::kSha384},
};

template <typename Row, std::size_t kSize>
const Row* Named(const Row (&rows)[kSize], std::string_view oid) {
  const auto at = std::find_if(std::begin(rows), std::end(rows),
                               [oid](const Row& r) { return r.oid == oid; });
  return at == std::end(rows) ? nullptr : &*at;
}

absl::Status Malformed(std::string_view what) {
  return CannotMeasure(MeasureReason::kImageSignatureMalformed, what);
}

absl::Status Undecided(std::string_view what) {
  return CannotMeasure(MeasureReason::kImageAuthorityUndecided, what);
}

std::optional<std::string_view> ReadOid(DerReader& reader) {
  const auto oid = reader.Read(DerTag::kOid);
  if (!oid.has_value() || !IsOid(oid->contents)) return std::nullopt;
  return oid->contents;
}

// The OID of an AlgorithmIdentifier, whatever its parameters: algorithms that
// have some are not among those that are supported.
std::optional<std::string_view> ReadAlgorithm(DerReader& reader) {
  const auto algorithm = reader.Read(DerTag::kSequence);
  if (!algorithm.has_value()) return std::nullopt;
  DerReader fields(algorithm->contents);
  const auto oid = ReadOid(fields);
  if (!fields.done()) fields.Read();
  return fields.done() ? oid : std::nullopt;
}

// --- Certificates -----------------------------------------------------------

bool ReadExtensionValue(std::string_view oid, std::string_view value,
                        bool critical, SignerCertificate& out) {
  if (oid == kBasicConstraints) {
    const auto constraints = ParseOne(value, DerTag::kSequence);
    if (!constraints.has_value()) return false;
    DerReader fields(constraints->contents);
    if (const auto ca = fields.Read(DerTag::kBoolean); ca.has_value()) {
      const auto value_of_ca = ParseBoolean(ca->contents);
      if (!value_of_ca.has_value()) return false;
      out.is_ca = *value_of_ca;
    }
    if (const auto length = fields.Read(DerTag::kInteger); length.has_value()) {
      out.path_length = ParseSmallInteger(length->contents);
      if (!out.path_length.has_value()) return false;
    }
    return fields.done();
  }
  if (oid == kKeyUsage) {
    const auto bits = ParseOne(value, DerTag::kBitString);
    if (!bits.has_value() || bits->contents.size() < 2) return false;
    out.may_sign_certificates =
        (static_cast<std::uint8_t>(bits->contents[1]) & kKeyCertSign) != 0;
    return true;
  }
  // Firmware takes any purpose.
  if (critical && oid != kExtendedKeyUsage) {
    out.has_unknown_critical_extension = true;
  }
  return true;
}

bool ReadExtensions(std::string_view contents, SignerCertificate& out) {
  const auto list = ParseOne(contents, DerTag::kSequence);
  if (!list.has_value()) return false;
  std::set<std::string_view> seen;
  for (DerReader reader(list->contents); !reader.done();) {
    const auto extension = reader.Read(DerTag::kSequence);
    if (!extension.has_value()) return false;
    DerReader fields(extension->contents);
    const auto oid = ReadOid(fields);
    std::optional<bool> critical = false;
    if (const auto flag = fields.Read(DerTag::kBoolean); flag.has_value()) {
      critical = ParseBoolean(flag->contents);
    }
    const auto value = fields.Read(DerTag::kOctetString);
    if (!oid.has_value() || !critical.has_value() || !value.has_value() ||
        !fields.done() || !seen.insert(*oid).second ||
        !ReadExtensionValue(*oid, value->contents, *critical, out)) {
      return false;
    }
  }
  return true;
}

bool ReadTbs(std::string_view contents, SignerCertificate& out) {
  DerReader fields(contents);
  const auto version = fields.Read(DerTag::kContext0Constructed);
  if (version.has_value() && version->contents != "\x02\x01\x02"sv) {
    return false;
  }
  const auto serial = fields.Read(DerTag::kInteger);
  const auto algorithm = ReadAlgorithm(fields);
  const auto issuer = fields.Read(DerTag::kSequence);
  const auto validity = fields.Read(DerTag::kSequence);
  const auto subject = fields.Read(DerTag::kSequence);
  const auto spki = fields.Read(DerTag::kSequence);
  if (!serial.has_value() || !algorithm.has_value() || !issuer.has_value() ||
      !validity.has_value() || !subject.has_value() || !spki.has_value()) {
    return false;
  }
  out.serial = serial->contents;
  out.signature_algorithm = *algorithm;
  out.issuer = issuer->whole;
  out.subject = subject->whole;
  out.spki = spki->whole;
  if (!version.has_value()) {
    out.is_ca = out.issuer == out.subject;
    return fields.done();
  }
  if (fields.done()) return true;
  const auto extensions = fields.Read(DerTag::kContext3Constructed);
  return extensions.has_value() && fields.done() &&
         ReadExtensions(extensions->contents, out);
}

// --- Signatures -------------------------------------------------------------

absl::Status ReadContent(std::string_view contents, ImageSignature& out) {
  DerReader fields(contents);
  const auto type = ReadOid(fields);
  const auto wrapped = fields.Read(DerTag::kContext0Constructed);
  if (!type.has_value() || *type != kSpcIndirectData || !wrapped.has_value() ||
      !fields.done()) {
    return Malformed("the content is not an SpcIndirectDataContent");
  }
  const auto content = ParseOne(wrapped->contents, DerTag::kSequence);
  if (!content.has_value()) {
    return Malformed("the SpcIndirectDataContent is not a SEQUENCE");
  }
  out.content = content->contents;
  DerReader parts(content->contents);
  const auto data = parts.Read(DerTag::kSequence);
  const auto digest_info = parts.Read(DerTag::kSequence);
  if (!data.has_value() || !digest_info.has_value() || !parts.done()) {
    return Malformed("the SpcIndirectDataContent is not data and a digest");
  }
  DerReader data_fields(data->contents);
  const auto data_type = ReadOid(data_fields);
  if (!data_type.has_value() || *data_type != kSpcPeImageData) {
    return Malformed("what is signed is not a PE image");
  }
  DerReader digest_fields(digest_info->contents);
  const auto algorithm = ReadAlgorithm(digest_fields);
  const auto digest = digest_fields.Read(DerTag::kOctetString);
  if (!algorithm.has_value() || !digest.has_value() || !digest_fields.done()) {
    return Malformed("the image's digest");
  }
  const HashRow* const row = Named(kHashes, *algorithm);
  if (row == nullptr) {
    return Undecided("a signature is over neither SHA-256 nor SHA-384");
  }
  out.hash = row->hash;
  out.image_digest = digest->contents;
  return absl::OkStatus();
}

absl::Status ReadSignedAttributes(std::string_view contents,
                                  ImageSignature& out) {
  std::set<std::string_view> seen;
  bool has_content_type = false;
  bool has_message_digest = false;
  for (DerReader reader(contents); !reader.done();) {
    const auto attribute = reader.Read(DerTag::kSequence);
    if (!attribute.has_value()) return Malformed("a signed attribute");
    DerReader fields(attribute->contents);
    const auto type = ReadOid(fields);
    const auto values = fields.Read(DerTag::kSet);
    if (!type.has_value() || !values.has_value() || !fields.done() ||
        !seen.insert(*type).second) {
      return Malformed("a signed attribute, or one that is there twice");
    }
    if (*type == kContentType) {
      const auto oid = ParseOne(values->contents, DerTag::kOid);
      has_content_type = oid.has_value() && oid->contents == kSpcIndirectData;
    } else if (*type == kMessageDigest) {
      const auto digest = ParseOne(values->contents, DerTag::kOctetString);
      has_message_digest = digest.has_value();
      if (has_message_digest) out.message_digest = digest->contents;
    }
  }
  if (!has_content_type || !has_message_digest) {
    return Malformed("the signed attributes lack the content's type or digest");
  }
  return absl::OkStatus();
}

absl::Status ReadSignerInfo(std::string_view contents, ImageSignature& out) {
  DerReader fields(contents);
  const auto version = fields.Read(DerTag::kInteger);
  const auto name = fields.Read(DerTag::kSequence);
  const auto hash = ReadAlgorithm(fields);
  const auto attributes = fields.Read(DerTag::kContext0Constructed);
  const auto algorithm = ReadAlgorithm(fields);
  const auto signature = fields.Read(DerTag::kOctetString);
  // Not signed: a countersignature with a time, which firmware does not read.
  if (fields.NextIs(DerTag::kContext1Constructed)) fields.Read();
  if (!version.has_value() || version->contents != "\x01"sv ||
      !name.has_value() || !hash.has_value() || !attributes.has_value() ||
      !algorithm.has_value() || !signature.has_value() || !fields.done()) {
    return Malformed("the signer");
  }
  const HashRow* const row = Named(kHashes, *hash);
  if (row == nullptr || row->hash != out.hash) {
    return Undecided("the signer's hash is not the image's");
  }
  out.signed_attributes = attributes->whole;
  out.signature_algorithm = *algorithm;
  out.signature = signature->contents;

  DerReader name_fields(name->contents);
  const auto issuer = name_fields.Read(DerTag::kSequence);
  const auto serial = name_fields.Read(DerTag::kInteger);
  if (!issuer.has_value() || !serial.has_value() || !name_fields.done()) {
    return Malformed("the signer's issuer and serial number");
  }
  const auto signer = std::find_if(
      out.certificates.begin(), out.certificates.end(),
      [&](const SignerCertificate& c) {
        return c.issuer == issuer->whole && c.serial == serial->contents;
      });
  if (signer == out.certificates.end()) {
    return Malformed("the signer's certificate is not in the signature");
  }
  out.signer = static_cast<std::size_t>(signer - out.certificates.begin());
  return ReadSignedAttributes(attributes->contents, out);
}

absl::Status ReadCertificates(DerReader& fields, ImageSignature& out) {
  const auto certificates = fields.Read(DerTag::kContext0Constructed);
  if (!certificates.has_value()) {
    return Malformed("there are no certificates in the signature");
  }
  for (DerReader reader(certificates->contents); !reader.done();) {
    const auto element = reader.Read(DerTag::kSequence);
    if (!element.has_value() ||
        out.certificates.size() == kMaxSignatureCertificates) {
      return Malformed("the certificates in the signature, or their number");
    }
    auto certificate = ParseSignerCertificate(element->whole);
    if (!certificate.ok()) return certificate.status();
    out.certificates.push_back(*std::move(certificate));
  }
  return absl::OkStatus();
}

absl::StatusOr<ImageSignature> ParseSignedData(std::string_view bytes) {
  DerReader whole(bytes);
  const auto content_info = whole.Read(DerTag::kSequence);
  // What fills the WIN_CERTIFICATE up to a multiple of 8.
  if (!content_info.has_value() ||
      whole.rest().size() >= kWinCertificateAlignment ||
      whole.rest().find_first_not_of('\0') != std::string_view::npos) {
    return Malformed("a signature is not one PKCS #7 message");
  }
  DerReader info(content_info->contents);
  const auto type = ReadOid(info);
  const auto wrapped = info.Read(DerTag::kContext0Constructed);
  if (!type.has_value() || *type != kSignedData || !wrapped.has_value() ||
      !info.done()) {
    return Malformed("a signature is not SignedData");
  }
  const auto signed_data = ParseOne(wrapped->contents, DerTag::kSequence);
  if (!signed_data.has_value()) return Malformed("SignedData");

  DerReader fields(signed_data->contents);
  const auto version = fields.Read(DerTag::kInteger);
  const auto hashes = fields.Read(DerTag::kSet);
  const auto content = fields.Read(DerTag::kSequence);
  if (!version.has_value() || version->contents != "\x01"sv ||
      !hashes.has_value() || !content.has_value()) {
    return Malformed("SignedData is not of version 1");
  }
  ImageSignature out;
  if (absl::Status s = ReadContent(content->contents, out); !s.ok()) return s;
  if (absl::Status s = ReadCertificates(fields, out); !s.ok()) return s;
  if (fields.NextIs(DerTag::kContext1Constructed)) fields.Read();
  const auto signers = fields.Read(DerTag::kSet);
  const auto signer = signers.has_value()
                          ? ParseOne(signers->contents, DerTag::kSequence)
                          : std::nullopt;
  if (!signer.has_value() || !fields.done()) {
    return Malformed("a signature has not exactly one signer");
  }
  if (absl::Status s = ReadSignerInfo(signer->contents, out); !s.ok()) return s;
  return out;
}

// --- Judging ----------------------------------------------------------------

// Whether the key in `spki` made a signature; nullopt where that cannot be
// said. `hash` is that of an algorithm that names none.
std::optional<bool> Verifies(std::string_view spki, std::string_view algorithm,
                             std::optional<HashAlgorithm> hash,
                             absl::Span<const std::string_view> message,
                             std::string_view signature) {
  const SignatureRow* const row = Named(kSignatures, algorithm);
  const auto key = PublicKey::FromSpki(spki);
  if (row == nullptr || !key.ok()) return std::nullopt;
  if (row->hash.has_value()) {
    if (hash.value_or(*row->hash) != *row->hash) return std::nullopt;
    hash = row->hash;
  }
  if (!hash.has_value()) return std::nullopt;
  if ((key->type() == KeyType::kRsa) != row->is_rsa) return false;
  const absl::Status status =
      key->VerifyDigest(*hash, HashParts(*hash, message), signature);
  if (status.ok()) return true;
  const auto reason = ReasonOf(status);
  if (reason == Reason::kSignatureMismatch ||
      reason == Reason::kSignatureMalformed) {
    return false;
  }
  return std::nullopt;
}

// 4. `digest` is the image's, by the signature's hash.
absl::Status CheckSignature(const ImageSignature& signature,
                            const Digest& digest) {
  if (digest.size == 0) return HashUnavailable(signature.hash);
  if (digest.view() != signature.image_digest) {
    return CannotMeasure(MeasureReason::kImageSignatureOfAnother,
                         "a signature in the image is over another image");
  }
  const Digest content = Hash(signature.hash, signature.content);
  if (content.view() != signature.message_digest) {
    return CannotMeasure(MeasureReason::kImageSignatureMismatch,
                         "a signature is over another content");
  }
  // As a SET OF (RFC 2315, 9.3).
  const std::optional<bool> verifies = Verifies(
      signature.certificates[signature.signer].spki,
      signature.signature_algorithm, signature.hash,
      {kSetTag, signature.signed_attributes.substr(1)}, signature.signature);
  if (!verifies.has_value()) {
    return Undecided("a signature's key or algorithm is not supported");
  }
  if (!*verifies) {
    return CannotMeasure(MeasureReason::kImageSignatureMismatch,
                         "a signature was not made by its signer's key");
  }
  return absl::OkStatus();
}

// A certificate, and how many CAs are between it and the signer.
struct Above {
  const SignerCertificate* certificate;
  std::uint32_t depth;
};

// Whether `parent` issued `child`, which has `depth` CAs below it. Fails with
// kImageAuthorityUndecided where that cannot be said.
absl::StatusOr<bool> Issued(const SignerCertificate& parent,
                            const SignerCertificate& child,
                            std::uint32_t depth) {
  const bool is_named = parent.subject == child.issuer;
  const std::optional<bool> verifies =
      Verifies(parent.spki, child.signature_algorithm, std::nullopt,
               {child.tbs}, child.signature);
  if (!verifies.has_value() && is_named) {
    return Undecided("a CA's key or its signature is not supported");
  }
  if (!verifies.value_or(false)) return false;
  if (!is_named || !parent.is_ca || !parent.may_sign_certificates ||
      parent.has_unknown_critical_extension ||
      parent.path_length.value_or(depth) < depth) {
    return Undecided(
        "a certificate was signed by the key of another that is not a CA for "
        "it");
  }
  return true;
}

// 5. The signer, and what of the signature's certificates is above it.
absl::StatusOr<std::vector<Above>> ChainOf(const ImageSignature& signature) {
  std::vector<Above> chain = {{&signature.certificates[signature.signer], 0}};
  for (std::size_t at = 0; at < chain.size(); ++at) {
    for (const SignerCertificate& candidate : signature.certificates) {
      const bool is_known =
          std::any_of(chain.begin(), chain.end(), [&](const Above& above) {
            return above.certificate->der == candidate.der;
          });
      if (is_known) continue;
      const auto issued =
          Issued(candidate, *chain[at].certificate, chain[at].depth);
      if (!issued.ok()) return issued.status();
      if (*issued) chain.push_back({&candidate, chain[at].depth + 1});
    }
  }
  if (std::any_of(chain.begin(), chain.end(), [](const Above& above) {
        return above.certificate->has_unknown_critical_extension;
      })) {
    return Undecided("a certificate has a critical extension that is unknown");
  }
  return chain;
}

// Whether the certificate of an entry is in the chain or issued one of it.
absl::StatusOr<bool> Validates(const EfiSignature& entry,
                               const std::vector<Above>& chain) {
  const auto trusted = ParseSignerCertificate(entry.data);
  if (!trusted.ok()) {
    return Undecided("a certificate in the signature database is unreadable");
  }
  bool validates = false;
  for (const Above& above : chain) {
    if (above.certificate->der == trusted->der) {
      validates = true;
      continue;
    }
    const auto issued = Issued(*trusted, *above.certificate, above.depth);
    if (!issued.ok()) return issued.status();
    validates = validates || *issued;
  }
  return validates;
}

absl::Status Forbidden(std::string_view what) {
  return CannotMeasure(MeasureReason::kImageForbidden, what);
}

absl::Status CheckSize(const SignatureDatabase& database) {
  const auto certificates = std::count_if(
      database.signatures.begin(), database.signatures.end(),
      [](const EfiSignature& entry) { return entry.type == kEfiCertX509; });
  if (static_cast<std::size_t>(certificates) > kMaxDatabaseCertificates) {
    return Undecided("db or dbx has more certificates than are tried");
  }
  return absl::OkStatus();
}

// 3. What of dbx needs no signature.
absl::Status CheckNotForbidden(const SignatureDatabase& dbx,
                               const Digest& sha256) {
  for (const EfiSignature& entry : dbx.signatures) {
    if (entry.type == kEfiCertSha256) {
      if (entry.data == sha256.view()) {
        return Forbidden("dbx has the image's SHA-256");
      }
    } else if (entry.type != kEfiCertX509 && entry.type != kEfiCertX509Sha256) {
      return Undecided("dbx has an entry of a type that is not supported");
    }
  }
  return absl::OkStatus();
}

// Whatever the time from which it is revoked: the time of a signature is not
// signed for.
absl::Status CheckTbsNotForbidden(const SignatureDatabase& dbx,
                                  std::string_view tbs) {
  const Digest digest = Hash(HashAlgorithm::kSha256, tbs);
  for (const EfiSignature& entry : dbx.signatures) {
    if (entry.type == kEfiCertX509Sha256 &&
        entry.data.starts_with(digest.view())) {
      return Forbidden("dbx has the SHA-256 of a certificate of the image");
    }
  }
  return absl::OkStatus();
}

// 5.
absl::Status CheckChainNotForbidden(const SignatureDatabase& dbx,
                                    const std::vector<Above>& chain) {
  for (const Above& above : chain) {
    if (absl::Status s = CheckTbsNotForbidden(dbx, above.certificate->tbs);
        !s.ok()) {
      return s;
    }
  }
  for (const EfiSignature& entry : dbx.signatures) {
    if (entry.type != kEfiCertX509) continue;
    const auto validates = Validates(entry, chain);
    if (!validates.ok()) return validates.status();
    if (*validates) return Forbidden("dbx has a certificate of the image");
  }
  return absl::OkStatus();
}

// 6.
absl::StatusOr<EfiSignature> OnlyMatch(
    const SignatureDatabase& db, const Digest& sha256,
    const std::vector<std::vector<Above>>& chains) {
  std::vector<EfiSignature> matches;
  for (const EfiSignature& entry : db.signatures) {
    bool matches_image = false;
    if (entry.type == kEfiCertSha256) {
      matches_image = entry.data == sha256.view();
    } else if (entry.type == kEfiCertX509) {
      for (const std::vector<Above>& chain : chains) {
        const auto validates = Validates(entry, chain);
        if (!validates.ok()) return validates.status();
        matches_image = matches_image || *validates;
      }
    } else {
      return Undecided("db has an entry of a type that is not supported");
    }
    // The same entry in two lists is measured alike.
    const bool is_new = std::none_of(
        matches.begin(), matches.end(),
        [&](const EfiSignature& m) { return m.whole == entry.whole; });
    if (matches_image && is_new) matches.push_back(entry);
  }
  if (matches.empty()) {
    return CannotMeasure(MeasureReason::kImageNotAuthorized,
                         chains.empty()
                             ? "the image is not signed, and its SHA-256 is "
                               "not in db: firmware does not start it"
                             : "no entry of db validates the image: firmware "
                               "does not start it");
  }
  if (matches.size() > 1) {
    return CannotMeasure(
        MeasureReason::kImageAuthorityAmbiguous,
        absl::StrCat(matches.size(),
                     " entries of db validate the image, and firmware measures "
                     "the one that it finds first"));
  }
  return matches.front();
}

}  // namespace

absl::StatusOr<SignerCertificate> ParseSignerCertificate(std::string_view der) {
  SignerCertificate out;
  out.der = der;
  const auto certificate = ParseOne(der, DerTag::kSequence);
  if (!certificate.has_value()) return Malformed("a certificate");
  DerReader fields(certificate->contents);
  const auto tbs = fields.Read(DerTag::kSequence);
  const auto algorithm = ReadAlgorithm(fields);
  const auto bits = fields.Read(DerTag::kBitString);
  const auto signature =
      bits.has_value() ? ParseOctetAligned(bits->contents) : std::nullopt;
  if (!tbs.has_value() || !signature.has_value() || !fields.done() ||
      !ReadTbs(tbs->contents, out) || algorithm != out.signature_algorithm) {
    return Malformed("a certificate");
  }
  out.tbs = tbs->whole;
  out.signature = *signature;
  return out;
}

absl::StatusOr<std::vector<ImageSignature>> ParseImageSignatures(
    std::string_view table) {
  if (table.size() > kMaxCertificateTableBytes) {
    return Malformed("the certificate table is larger than 1 MiB");
  }
  std::vector<ImageSignature> signatures;
  while (!table.empty()) {
    if (table.size() < kWinCertificateBytes ||
        signatures.size() == kMaxImageSignatures) {
      return Malformed("the certificate table, or the number of signatures");
    }
    const std::size_t length = LittleEndian<std::uint32_t>(table, 0);
    const std::size_t padded = (length + kWinCertificateAlignment - 1) /
                               kWinCertificateAlignment *
                               kWinCertificateAlignment;
    if (length < kWinCertificateBytes || padded > table.size()) {
      return Malformed("a signature's length is not that of the table");
    }
    if (LittleEndian<std::uint16_t>(table, 6) != kPkcsSignedData) {
      return Undecided("a signature in the image is not PKCS #7");
    }
    auto signature = ParseSignedData(
        table.substr(kWinCertificateBytes, length - kWinCertificateBytes));
    if (!signature.ok()) return signature.status();
    signatures.push_back(*std::move(signature));
    table.remove_prefix(padded);
  }
  return signatures;
}

absl::StatusOr<EfiSignature> FindAuthority(const PeImage& image,
                                           const SignatureDatabase& db,
                                           const SignatureDatabase& dbx) {
  const auto signatures = ParseImageSignatures(image.certificate_table());
  if (!signatures.ok()) return signatures.status();
  for (const SignatureDatabase* const database : {&db, &dbx}) {
    if (absl::Status s = CheckSize(*database); !s.ok()) return s;
  }
  const Digest sha256 = image.Authenticode(HashAlgorithm::kSha256);
  if (sha256.size == 0) return HashUnavailable(HashAlgorithm::kSha256);
  if (absl::Status s = CheckNotForbidden(dbx, sha256); !s.ok()) return s;

  std::optional<Digest> sha384;
  std::vector<std::vector<Above>> chains;
  for (const ImageSignature& signature : *signatures) {
    const bool is_sha384 = signature.hash == HashAlgorithm::kSha384;
    if (is_sha384 && !sha384.has_value()) {
      sha384 = image.Authenticode(HashAlgorithm::kSha384);
    }
    if (absl::Status s =
            CheckSignature(signature, is_sha384 ? *sha384 : sha256);
        !s.ok()) {
      return s;
    }
    auto chain = ChainOf(signature);
    if (!chain.ok()) return chain.status();
    if (absl::Status s = CheckChainNotForbidden(dbx, *chain); !s.ok()) return s;
    chains.push_back(*std::move(chain));
  }
  auto match = OnlyMatch(db, sha256, chains);
  if (match.ok() && match->type == kEfiCertX509) {
    const auto certificate = ParseSignerCertificate(match->data);
    if (!certificate.ok()) return certificate.status();
    if (absl::Status s = CheckTbsNotForbidden(dbx, certificate->tbs); !s.ok()) {
      return s;
    }
  }
  return match;
}

}  // namespace anchorage::verify
