// Verifies the certificate chain of an attestation document.
//
//   auto chain = VerifyChain(document.cabundle, document.certificate, anchors,
//                            "aws", now, cache);
//   if (!chain.ok()) return chain.status();
//   if (auto s = CheckValidity(*chain, at, leeway); !s.ok()) return s;
//
// There is no path to find: AWS gives the chain in order, the root first, and
// every certificate must be used. Signatures and validity are two calls, so
// that a caller can check its clock in between.
//
// Pure but for the cache, which changes what a call costs and never what it
// returns. Views live as long as the certificates' bytes.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_CHAIN_H_
#define ANCHORAGE_VERIFY_ATTESTATION_CHAIN_H_

#include <cstddef>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "verify/anchor_set.h"
#include "verify/attestation/attestation_document.h"
#include "verify/attestation/certificate.h"
#include "verify/attestation/chain_cache.h"
#include "verify/crypto/public_key.h"

namespace anchorage::verify {

// A chain whose root is an anchor and whose signatures verify.
struct VerifiedChain {
  // The anchor that is the root; lives as long as the set.
  const Anchor* root;
  // From the root to the leaf.
  absl::InlinedVector<Certificate, kMaxChainCertificates> certificates;
  PublicKey leaf_key;

  const Certificate& leaf() const { return certificates.back(); }
};

// Returns the anchor of `partition` that has exactly `root_der` among its
// certificates, if it is usable at `now`, the verifier's clock. The caller
// checks whether it verifies documents of their time. Fails with
// kNoUsableAnchors (the partition has no Nitro root), kPartitionMismatch (the
// root of another partition), kRootNotPinned, kAnchorRevoked or
// kAnchorNotActive.
absl::StatusOr<const Anchor*> FindRoot(std::string_view root_der,
                                       const AnchorSet& anchors,
                                       std::string_view partition,
                                       absl::Time now);

// Verifies that `cabundle`, from the root on, and `leaf_der` are a chain: the
// root is FindRoot()'s, each certificate bears its predecessor's name and
// signature, every issuer is a CA that may sign certificates and allows the
// length of the path below it, and the leaf is not a CA and may make
// signatures. `cache` may be null.
//
// Fails as FindRoot() and ParseCertificate() do, or with kChainLength,
// kChainOrder, kIssuerNotCa, kIssuerKeyUsage, kPathLength, kLeafIsCa,
// kLeafKeyUsage or kChainSignature. The status names the certificate.
absl::StatusOr<VerifiedChain> VerifyChain(
    absl::Span<const std::string_view> cabundle, std::string_view leaf_der,
    const AnchorSet& anchors, std::string_view partition, absl::Time now,
    ChainCache* cache);

// Checks that every certificate of `chain` is valid at `at`; one whose validity
// begins at most `leeway` later counts as valid. Checks from the root on; fails
// with kIssuerExpired, kIssuerNotYetValid, kLeafExpired or kLeafNotYetValid.
absl::Status CheckValidity(const VerifiedChain& chain, absl::Time at,
                           absl::Duration leeway);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_CHAIN_H_
