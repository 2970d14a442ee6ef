#include "verify/identity/signature_algorithms.h"

#include <optional>

#include "absl/status/status.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

struct DigestRow {
  OidContents oid;
  HashAlgorithm hash;
};
constexpr DigestRow kDigests[] = {
    // 1.3.14.3.2.26
    {OidContents("\x2b\x0e\x03\x02\x1a", 5), HashAlgorithm::kSha1},
    // 2.16.840.1.101.3.4.2.1
    {OidContents("\x60\x86\x48\x01\x65\x03\x04\x02\x01", 9),
     HashAlgorithm::kSha256},
};

struct SignatureRow {
  OidContents oid;
  KeyType key_type;
  // nullopt for an algorithm that names no digest.
  std::optional<HashAlgorithm> hash;
};
constexpr SignatureRow kSignatures[] = {
    // rsaEncryption, 1.2.840.113549.1.1.1: /rsa2048 until 2018.
    {OidContents("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 9), KeyType::kRsa,
     std::nullopt},
    // sha1WithRSAEncryption, 1.2.840.113549.1.1.5.
    {OidContents("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", 9), KeyType::kRsa,
     HashAlgorithm::kSha1},
    // sha256WithRSAEncryption, 1.2.840.113549.1.1.11: /rsa2048 from 2021.
    {OidContents("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", 9), KeyType::kRsa,
     HashAlgorithm::kSha256},
    // dsa-with-sha1, 1.2.840.10040.4.3: /pkcs7.
    {OidContents("\x2a\x86\x48\xce\x38\x04\x03", 7), KeyType::kDsa,
     HashAlgorithm::kSha1},
    // dsa-with-sha256, 2.16.840.1.101.3.4.3.2: listed only so that it is
    // refused for its digest.
    {OidContents("\x60\x86\x48\x01\x65\x03\x04\x03\x02", 9), KeyType::kDsa,
     HashAlgorithm::kSha256},
};

const DigestRow* DigestNamed(OidContents oid) {
  for (const DigestRow& row : kDigests) {
    if (row.oid == oid) return &row;
  }
  return nullptr;
}

const SignatureRow* SignatureNamed(OidContents oid) {
  for (const SignatureRow& row : kSignatures) {
    if (row.oid == oid) return &row;
  }
  return nullptr;
}

bool IsDigestAllowed(HashAlgorithm hash, const SignatureRow* signature,
                     IdentityForm form) {
  const IdentityFormRow& row = RowOf(form);
  // The RSA keys of China.
  const bool another_key = signature != nullptr &&
                           signature->key_type == KeyType::kRsa &&
                           row.key_type != KeyType::kRsa;
  return hash == row.hash || another_key;
}

absl::Status Mismatch(std::string_view what) {
  return Reject(Reason::kAlgorithmMismatch, what);
}

}  // namespace

absl::StatusOr<SignatureAlgorithms> AlgorithmsOf(const Pkcs7& message,
                                                 IdentityForm form) {
  const DigestRow* digest = DigestNamed(message.digest_algorithm);
  const SignatureRow* signature = SignatureNamed(message.signature_algorithm);
  if (digest == nullptr || !IsDigestAllowed(digest->hash, signature, form)) {
    return Reject(Reason::kDigestNotAllowed,
                  "the signer's digest is not one of this form");
  }
  const auto listed = message.listed_digest_algorithms();
  if (listed.size() != 1 || listed.front() != message.digest_algorithm) {
    return Mismatch("digestAlgorithms is not exactly the signer's");
  }
  if (signature == nullptr) {
    return Mismatch("the signature's algorithm is not one of this form");
  }
  if (signature->hash.value_or(digest->hash) != digest->hash) {
    return Mismatch("the signature's algorithm goes with another digest");
  }
  const auto& protection = message.algorithm_protection;
  if (protection.has_value() &&
      (protection->digest_algorithm != message.digest_algorithm ||
       protection->signature_algorithm != message.signature_algorithm)) {
    return Mismatch("CMSAlgorithmProtection names other algorithms");
  }
  return SignatureAlgorithms{digest->hash, signature->key_type};
}

IdentityForm FormOf(const Pkcs7& message) {
  const DigestRow* digest = DigestNamed(message.digest_algorithm);
  const SignatureRow* signature = SignatureNamed(message.signature_algorithm);
  const IdentityFormRow& row = RowOf(IdentityForm::kRsa2048);
  return digest != nullptr && digest->hash == row.hash &&
                 signature != nullptr && signature->key_type == row.key_type
             ? IdentityForm::kRsa2048
             : IdentityForm::kPkcs7;
}

}  // namespace anchorage::verify
