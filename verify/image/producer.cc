// 1. A certificate of the chain is pinned, or a pinned one issued the last, or
//    has the name of one of the chain and issued the one before it.
// 2. Three certificates at most, from the leaf to the pinned one; each strict
//    DER, with a key on P-256 or P-384.
// 3. The issuer of each is its successor's subject, and no subject occurs
//    twice.
// 4. Every one but the leaf is a CA, may sign certificates, allows as many CAs
//    below it as there are, and may issue signers of code.
// 5. The leaf may make signatures and sign code, and is not a CA.
// 6. Each is signed by its successor's key, with the hash of its curve.
// 7. The signer's time of validity is what is common to all.

#include "verify/image/producer.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "verify/attestation/certificate.h"
#include "verify/image/image_error.h"
#include "verify/image/text.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

// Leaf first.
using Chain = absl::InlinedVector<Certificate, kMaxProducerChain>;

absl::Status Refuse(ImageReason reason, std::size_t index,
                    std::string_view what) {
  return RefuseImage(reason,
                     absl::StrCat("certificate ", index,
                                  " (0 is the signer): ", Abseil(what)));
}

ImageReason ReasonOfCertificate(const absl::Status& status) {
  switch (ReasonOf(status).value_or(Reason::kCertificateMalformed)) {
    case Reason::kCertificateAlgorithm:
      return ImageReason::kCertificateAlgorithm;
    case Reason::kUnknownCriticalExtension:
      return ImageReason::kCertificateExtension;
    default:
      return ImageReason::kCertificateMalformed;
  }
}

absl::StatusOr<Certificate> Parse(std::string_view der, std::size_t index) {
  if (der.size() > kMaxProducerCertificateBytes) {
    return Refuse(ImageReason::kCertificateMalformed, index, "it is too long");
  }
  absl::StatusOr<Certificate> certificate =
      ParseCertificate(der, CertificateProfile::kProducer);
  if (certificate.ok()) return certificate;
  return Refuse(ReasonOfCertificate(certificate.status()), index,
                Sentence(certificate.status()));
}

// Returns the producer that has pinned `der`; null for none.
const TrustedProducer* PinnedBy(std::string_view der,
                                absl::Span<const TrustedProducer> producers) {
  for (const TrustedProducer& producer : producers) {
    const auto& pinned = producer.certificates_der;
    if (std::find(pinned.begin(), pinned.end(), der) != pinned.end()) {
      return &producer;
    }
  }
  return nullptr;
}

HashAlgorithm HashOf(const PublicKey& key) {
  return key.type() == KeyType::kEcP384 ? HashAlgorithm::kSha384
                                        : HashAlgorithm::kSha256;
}

absl::StatusOr<PublicKey> KeyOf(const Certificate& certificate,
                                std::size_t index) {
  absl::StatusOr<PublicKey> key = PublicKey::FromSpki(certificate.spki);
  if (key.ok()) return key;
  return Refuse(IsUndecided(key.status()) ? ImageReason::kImageCryptoUnavailable
                                          : ImageReason::kCertificateMalformed,
                index, "its key is not a point of its curve");
}

absl::Status CheckLink(const Certificate& certificate,
                       const Certificate& issuer, std::size_t index) {
  const absl::StatusOr<PublicKey> key = KeyOf(issuer, index + 1);
  if (!key.ok()) return key.status();
  const HashAlgorithm hash = HashOf(*key);
  const SignatureAlgorithm due = hash == HashAlgorithm::kSha384
                                     ? SignatureAlgorithm::kEcdsaSha384
                                     : SignatureAlgorithm::kEcdsaSha256;
  if (certificate.signature_algorithm != due) {
    return Refuse(ImageReason::kCertificateAlgorithm, index,
                  "its signature is not ECDSA with the hash of its issuer's "
                  "curve");
  }
  const absl::Status verified = key->VerifyDigest(
      hash, Hash(hash, certificate.tbs), certificate.signature);
  if (verified.ok()) return verified;
  return Refuse(IsUndecided(verified) ? ImageReason::kImageCryptoUnavailable
                                      : ImageReason::kChainSignature,
                index, "it is not signed by its issuer");
}

// What `chain` ends with, and whose it is.
struct Anchored {
  Chain chain;
  const TrustedProducer* producer;
};

// Puts the pinned certificate that bears the name of an issuer above what it
// issued, in place of one of that name: a CA may have been issued anew. Of two
// with one name, the one that signed counts. One that cannot be read is passed
// over, so that it blocks no other.
absl::StatusOr<Anchored> UnderPinnedIssuer(
    Chain chain, absl::Span<const TrustedProducer> producers) {
  absl::Status unreadable;
  absl::Status status;
  for (const TrustedProducer& producer : producers) {
    for (const std::string& der : producer.certificates_der) {
      const absl::StatusOr<Certificate> pinned = Parse(der, chain.size());
      if (!pinned.ok()) {
        unreadable = pinned.status();
        continue;
      }
      for (std::size_t below = 0; below < chain.size(); ++below) {
        const bool is_last = below + 1 == chain.size();
        if (pinned->subject != chain[below].issuer ||
            (!is_last && pinned->subject != chain[below + 1].subject)) {
          continue;
        }
        const absl::Status above =
            below + 1 == kMaxProducerChain
                ? RefuseImage(ImageReason::kChainLength,
                              "more than three certificates")
                : CheckLink(chain[below], *pinned, below);
        if (!above.ok()) {
          if (status.ok()) status = above;
          continue;
        }
        chain.erase(chain.begin() + below + 1, chain.end());
        chain.push_back(*pinned);
        return Anchored{.chain = std::move(chain), .producer = &producer};
      }
    }
  }
  if (!status.ok()) return status;
  if (!unreadable.ok()) return unreadable;
  return RefuseImage(
      ImageReason::kProducerNotTrusted,
      "no certificate of a producer is in the chain or above it");
}

absl::StatusOr<Anchored> FindAnchor(
    absl::Span<const std::string> chain_der,
    absl::Span<const TrustedProducer> producers) {
  if (chain_der.empty() || chain_der.size() > kMaxProducerChain) {
    return RefuseImage(ImageReason::kChainLength,
                       "not one to three certificates");
  }
  Chain chain;
  for (const std::string& der : chain_der) {
    absl::StatusOr<Certificate> certificate = Parse(der, chain.size());
    if (!certificate.ok()) return certificate.status();
    chain.push_back(*std::move(certificate));
    if (const TrustedProducer* producer = PinnedBy(der, producers)) {
      return Anchored{.chain = std::move(chain), .producer = producer};
    }
  }
  return UnderPinnedIssuer(std::move(chain), producers);
}

absl::Status CheckOrder(const Chain& chain) {
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (chain[i - 1].issuer != chain[i].subject) {
      return Refuse(ImageReason::kChainOrder, i - 1,
                    "its issuer is not the certificate after it");
    }
    for (std::size_t below = 0; below < i; ++below) {
      if (chain[below].subject == chain[i].subject) {
        return Refuse(ImageReason::kChainOrder, i,
                      "its name is that of one below it");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckIssuer(const Certificate& issuer, std::size_t index) {
  if (!issuer.is_ca) {
    return Refuse(ImageReason::kIssuerNotCa, index, "it is not a CA");
  }
  if (!issuer.may_sign_certificates) {
    return Refuse(ImageReason::kIssuerKeyUsage, index,
                  "it may not sign certificates");
  }
  // The leaf does not count (RFC 5280 4.2.1.9).
  if (issuer.path_length.has_value() && *issuer.path_length < index - 1) {
    return Refuse(ImageReason::kIssuerPathLength, index,
                  "more CAs are below it than it allows");
  }
  if (issuer.has_purposes && !issuer.may_sign_code) {
    return Refuse(ImageReason::kSignerPurpose, index,
                  "what it issues is not for signing code");
  }
  return absl::OkStatus();
}

absl::Status CheckSigner(const Certificate& leaf, bool is_pinned) {
  if (!leaf.may_sign || leaf.may_sign_certificates) {
    return Refuse(ImageReason::kSignerKeyUsage, 0,
                  "it may not make signatures, or may sign certificates too");
  }
  // Of a certificate that is pinned itself and may not sign others, the mark
  // of a CA says nothing; those of Model Signing's own vectors have it.
  if (leaf.is_ca && !is_pinned) {
    return Refuse(ImageReason::kSignerIsCa, 0, "it is a CA");
  }
  if (!leaf.may_sign_code) {
    return Refuse(ImageReason::kSignerPurpose, 0,
                  "its extended key usage is not codeSigning");
  }
  return absl::OkStatus();
}

absl::Status CheckChain(const Chain& chain) {
  if (absl::Status s = CheckOrder(chain); !s.ok()) return s;
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (absl::Status s = CheckIssuer(chain[i], i); !s.ok()) return s;
  }
  if (absl::Status s = CheckSigner(chain[0], chain.size() == 1); !s.ok()) {
    return s;
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (absl::Status s = CheckLink(chain[i - 1], chain[i], i - 1); !s.ok()) {
      return s;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Sha256Bytes> Sha256Of(std::string_view der) {
  const Digest digest = Hash(HashAlgorithm::kSha256, der);
  Sha256Bytes out;
  if (digest.size != out.size()) {
    return RefuseImage(ImageReason::kImageCryptoUnavailable, "no SHA-256");
  }
  std::copy_n(digest.bytes.begin(), out.size(), out.begin());
  return out;
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

}  // namespace

absl::StatusOr<VerifiedSigner> VerifyProducerChain(
    absl::Span<const std::string> chain_der,
    absl::Span<const TrustedProducer> producers) {
  if (std::all_of(producers.begin(), producers.end(),
                  [](const TrustedProducer& producer) {
                    return producer.certificates_der.empty();
                  })) {
    return RefuseImage(ImageReason::kNoProducers, "no producer was given");
  }
  const absl::StatusOr<Anchored> anchored = FindAnchor(chain_der, producers);
  if (!anchored.ok()) return anchored.status();
  const Chain& chain = anchored->chain;
  if (absl::Status s = CheckChain(chain); !s.ok()) return s;
  const absl::StatusOr<PublicKey> key = KeyOf(chain.front(), 0);
  if (!key.ok()) return key.status();
  const absl::StatusOr<Sha256Bytes> anchor = Sha256Of(chain.back().der);
  if (!anchor.ok()) return anchor.status();
  const absl::StatusOr<Sha256Bytes> leaf = Sha256Of(chain.front().der);
  if (!leaf.ok()) return leaf.status();
  VerifiedSigner signer{
      .key = *key,
      .hash = HashOf(*key),
      .producer = anchored->producer->name,
      .signer = std::string(chain.front().common_name.value_or("")),
      .anchor_sha256 = *anchor,
      .leaf_sha256 = *leaf,
      .valid_from = absl::InfinitePast(),
      .valid_until = absl::InfiniteFuture()};
  for (const Certificate& certificate : chain) {
    signer.valid_from = std::max(signer.valid_from, certificate.not_before);
    signer.valid_until = std::min(signer.valid_until, certificate.not_after);
  }
  return signer;
}

absl::Status CheckValidity(const VerifiedSigner& signer, absl::Time at) {
  if (at < signer.valid_from) {
    return RefuseImage(
        ImageReason::kCertificateNotYetValid,
        absl::StrCat("the chain is valid from ", Rfc3339(signer.valid_from),
                     ", judged at ", Rfc3339(at)));
  }
  if (at > signer.valid_until) {
    return RefuseImage(
        ImageReason::kCertificateExpired,
        absl::StrCat("the chain is valid until ", Rfc3339(signer.valid_until),
                     ", judged at ", Rfc3339(at)));
  }
  return absl::OkStatus();
}

}  // namespace anchorage::verify
