// 1. Two certificates at least, and no more than AWS could come to use.
// 2. The first is, byte for byte, a pinned root of the partition, and usable.
// 3. Each is strict DER with a P-384 key and ecdsa-with-SHA384.
// 4. The issuer of each is its predecessor's subject.
// 5. Every one but the last is a CA, may sign certificates, and allows as
//    many CAs below it as there are.
// 6. The last is not a CA, and may make signatures.
// 7. No subject occurs twice: a root, which names itself as its issuer, could
//    otherwise be repeated any number of times.
// 8. Each is signed by its predecessor's key.
// 9. Each is valid at the time of verification (CheckValidity).

#include "verify/attestation/chain.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using Certificates = absl::InlinedVector<Certificate, kMaxChainCertificates>;

// Certificates are counted from the leaf: 0 is the leaf.
int IndexOf(std::size_t position, std::size_t count) {
  return static_cast<int>(count - 1 - position);
}

bool IsCertificateOf(const Anchor& anchor, std::string_view der) {
  const auto& certificates = anchor.certificates_der();
  return std::find(certificates.begin(), certificates.end(), der) !=
         certificates.end();
}

// Says why no anchor of the partition is this root.
absl::Status ExplainRoot(std::string_view root_der, const AnchorSet& anchors,
                         bool partition_has_roots) {
  for (const Anchor& anchor : anchors.anchors()) {
    if (anchor.slot().kind == AnchorKind::kNitroRoot &&
        IsCertificateOf(anchor, root_der)) {
      return Reject(
          Reason::kPartitionMismatch,
          "the root is pinned for partition " + anchor.slot().partition);
    }
  }
  if (!partition_has_roots) {
    return Reject(Reason::kNoUsableAnchors,
                  "no Nitro root is known for the partition");
  }
  return Reject(Reason::kRootNotPinned,
                "the first certificate is not a pinned root");
}

absl::StatusOr<Certificates> ParseAll(
    absl::Span<const std::string_view> cabundle, std::string_view leaf_der) {
  Certificates certificates;
  const std::size_t count = cabundle.size() + 1;
  for (std::size_t i = 0; i < count; ++i) {
    absl::StatusOr<Certificate> certificate =
        ParseCertificate(i < cabundle.size() ? cabundle[i] : leaf_der);
    if (!certificate.ok()) {
      return Reject(*ReasonOf(certificate.status()),
                    std::string(certificate.status().message()),
                    IndexOf(i, count));
    }
    certificates.push_back(*std::move(certificate));
  }
  return certificates;
}

absl::Status CheckOrder(const Certificates& certificates) {
  const std::size_t count = certificates.size();
  for (std::size_t i = 1; i < count; ++i) {
    if (certificates[i].issuer != certificates[i - 1].subject) {
      return Reject(Reason::kChainOrder,
                    "the issuer is not the certificate before",
                    IndexOf(i, count));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckIssuers(const Certificates& certificates) {
  const std::size_t count = certificates.size();
  for (std::size_t i = 0; i + 1 < count; ++i) {
    if (!certificates[i].is_ca) {
      return Reject(Reason::kIssuerNotCa, "an issuer is not a CA",
                    IndexOf(i, count));
    }
    if (!certificates[i].may_sign_certificates) {
      return Reject(Reason::kIssuerKeyUsage,
                    "an issuer may not sign certificates", IndexOf(i, count));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPathLengths(const Certificates& certificates) {
  const std::size_t count = certificates.size();
  for (std::size_t i = 0; i + 1 < count; ++i) {
    // The leaf is not a CA and does not count (RFC 5280 4.2.1.9).
    const std::size_t cas_below = count - i - 2;
    const std::optional<std::uint32_t> allowed = certificates[i].path_length;
    if (allowed.has_value() && *allowed < cas_below) {
      return Reject(Reason::kPathLength,
                    "more CAs follow than pathLenConstraint allows",
                    IndexOf(i, count));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLeaf(const Certificate& leaf) {
  if (leaf.is_ca) return Reject(Reason::kLeafIsCa, "the leaf is a CA", 0);
  if (!leaf.may_sign || leaf.may_sign_certificates) {
    return Reject(Reason::kLeafKeyUsage,
                  "the leaf's keyUsage is not that of a signer of documents",
                  0);
  }
  return absl::OkStatus();
}

absl::Status CheckRoles(const Certificates& certificates) {
  if (absl::Status s = CheckIssuers(certificates); !s.ok()) return s;
  if (absl::Status s = CheckPathLengths(certificates); !s.ok()) return s;
  return CheckLeaf(certificates.back());
}

absl::Status CheckDistinct(const Certificates& certificates) {
  const std::size_t count = certificates.size();
  for (std::size_t i = 1; i < count; ++i) {
    for (std::size_t above = 0; above < i; ++above) {
      if (certificates[i].subject == certificates[above].subject) {
        return Reject(Reason::kChainOrder, "a subject occurs twice",
                      IndexOf(i, count));
      }
    }
  }
  return absl::OkStatus();
}

// Verifies one signature and returns the certificate's own key.
absl::StatusOr<PublicKey> VerifyLink(const Certificate& issuer,
                                     const PublicKey& issuer_key,
                                     const Certificate& certificate, int index,
                                     ChainCache* cache) {
  ChainCache::Key cache_key{};
  if (cache != nullptr) {
    cache_key = ChainCache::KeyOf(issuer.point, certificate.der);
    std::optional<PublicKey> known = cache->Find(cache_key);
    if (known.has_value()) return *std::move(known);
  }
  const absl::Status verified = issuer_key.VerifyDigest(
      HashAlgorithm::kSha384, Hash(HashAlgorithm::kSha384, certificate.tbs),
      certificate.signature);
  if (IsUndecided(verified)) return verified;
  if (!verified.ok()) {
    return Reject(Reason::kChainSignature,
                  "the signature is not of the certificate before", index);
  }
  absl::StatusOr<PublicKey> key = PublicKey::FromP384Point(certificate.point);
  if (!key.ok()) {
    if (IsUndecided(key.status())) return key;
    return Reject(Reason::kCertificateMalformed,
                  "the key is not a point of P-384", index);
  }
  if (cache != nullptr) cache->Add(cache_key, *key);
  return key;
}

// Verifies all signatures of the chain and returns the leaf's key.
absl::StatusOr<PublicKey> VerifyLinks(const Anchor& root,
                                      const Certificates& certificates,
                                      ChainCache* cache) {
  PublicKey key = root.key();
  for (std::size_t i = 1; i < certificates.size(); ++i) {
    absl::StatusOr<PublicKey> next =
        VerifyLink(certificates[i - 1], key, certificates[i],
                   IndexOf(i, certificates.size()), cache);
    if (!next.ok()) return next;
    key = *std::move(next);
  }
  return key;
}

}  // namespace

absl::StatusOr<const Anchor*> FindRoot(std::string_view root_der,
                                       const AnchorSet& anchors,
                                       std::string_view partition,
                                       absl::Time now) {
  const absl::Span<const Anchor> roots =
      anchors.In({.partition = std::string(partition),
                  .region = "",
                  .kind = AnchorKind::kNitroRoot});
  for (const Anchor& root : roots) {
    if (!IsCertificateOf(root, root_der)) continue;
    const absl::Status usable = root.CheckUsable(now);
    if (!usable.ok()) return usable;
    return &root;
  }
  return ExplainRoot(root_der, anchors, !roots.empty());
}

absl::StatusOr<VerifiedChain> VerifyChain(
    absl::Span<const std::string_view> cabundle, std::string_view leaf_der,
    const AnchorSet& anchors, std::string_view partition, absl::Time now,
    ChainCache* cache) {
  if (cabundle.empty() || cabundle.size() > kMaxCaBundle) {
    return Reject(Reason::kChainLength, "the chain is too short or too long");
  }
  const absl::StatusOr<const Anchor*> root =
      FindRoot(cabundle.front(), anchors, partition, now);
  if (!root.ok()) return root.status();
  absl::StatusOr<Certificates> certificates = ParseAll(cabundle, leaf_der);
  if (!certificates.ok()) return certificates.status();
  if (absl::Status s = CheckOrder(*certificates); !s.ok()) return s;
  if (absl::Status s = CheckRoles(*certificates); !s.ok()) return s;
  if (absl::Status s = CheckDistinct(*certificates); !s.ok()) return s;
  absl::StatusOr<PublicKey> leaf_key =
      VerifyLinks(**root, *certificates, cache);
  if (!leaf_key.ok()) return leaf_key.status();
  return VerifiedChain{.root = *root,
                       .certificates = *std::move(certificates),
                       .leaf_key = *std::move(leaf_key)};
}

absl::Status CheckValidity(const VerifiedChain& chain, absl::Time at,
                           absl::Duration leeway) {
  const std::size_t count = chain.certificates.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Certificate& certificate = chain.certificates[i];
    const bool leaf = i + 1 == count;
    if (at > certificate.not_after) {
      return Reject(leaf ? Reason::kLeafExpired : Reason::kIssuerExpired,
                    "valid until " + absl::FormatTime(certificate.not_after,
                                                      absl::UTCTimeZone()),
                    IndexOf(i, count));
    }
    if (at < certificate.not_before - leeway) {
      return Reject(
          leaf ? Reason::kLeafNotYetValid : Reason::kIssuerNotYetValid,
          "valid from " +
              absl::FormatTime(certificate.not_before, absl::UTCTimeZone()),
          IndexOf(i, count));
    }
  }
  return absl::OkStatus();
}

}  // namespace anchorage::verify
