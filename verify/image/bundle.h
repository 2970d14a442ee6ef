// A signed manifest as it travels: a JSON text in the shape of a Sigstore
// bundle (v0.3) that holds a DSSE envelope around an in-toto Statement, and the
// signer's chain of X.509 certificates. Also reads the bundles of OpenSSF Model
// Signing that are signed by a certificate (oms.h).
//
//   auto verified = VerifyBundle(std::move(text), producers, received_time);
//   if (!verified.ok()) return verified.status();
//   Compare(verified->manifest, ...);
//
// What is signed is verified as bytes, before it is parsed. Pure.

#ifndef ANCHORAGE_VERIFY_IMAGE_BUNDLE_H_
#define ANCHORAGE_VERIFY_IMAGE_BUNDLE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "verify/image/manifest.h"
#include "verify/image/producer.h"

namespace anchorage::verify {

inline constexpr std::string_view kBundleMediaType =
    "application/vnd.dev.sigstore.bundle.v0.3+json";

// A longer one is refused before any of it is read.
inline constexpr std::size_t kMaxBundleBytes = 260 * 1024 * 1024;

// A manifest that a trusted producer signed. Only VerifyBundle() makes one.
class VerifiedManifest {
 public:
  const ImageManifest& manifest() const { return manifest_; }
  // Leaves this without it.
  ImageManifest TakeManifest() && { return std::move(manifest_); }
  // The digest of the statement's subject, which names the manifest.
  const Sha256Bytes& digest() const { return digest_; }
  const VerifiedSigner& signer() const { return signer_; }
  // The time at which the chain was judged.
  absl::Time judged_at() const { return judged_at_; }

 private:
  friend absl::StatusOr<VerifiedManifest> VerifyBundle(
      std::string text, absl::Span<const TrustedProducer> producers,
      std::optional<absl::Time> received);
  VerifiedManifest(ImageManifest manifest, const Sha256Bytes& digest,
                   VerifiedSigner signer, absl::Time judged_at)
      : manifest_(std::move(manifest)),
        digest_(digest),
        signer_(std::move(signer)),
        judged_at_(judged_at) {}

  ImageManifest manifest_;
  Sha256Bytes digest_;
  VerifiedSigner signer_;
  absl::Time judged_at_;
};

// Verifies that one of `producers` signed the manifest in `text`, and reads it.
// The chain is judged at `received`: when the signed index of images got to
// know it. Without one (offline), at the manifest's own time, for which the
// signer vouches alone: so only for producers that are active. Whether the
// manifest is of the right product and version, CheckExpectations() says.
//
// Takes the text so that its memory can be given back while it is read. Fails
// with any reason of image_error.h but kProductMismatch and kVersionTooOld.
absl::StatusOr<VerifiedManifest> VerifyBundle(
    std::string text, absl::Span<const TrustedProducer> producers,
    std::optional<absl::Time> received);

// What a bundle says, unverified: to be shown, never to be relied on.
struct BundleContents {
  // Leaf first.
  std::vector<std::string> chain_der = {};
  // What is signed, and the DER signature over its pre-authentication encoding.
  std::string payload = "";
  std::string signature = "";
};

// Reads `text` without verifying anything. Fails with kManifestTooLarge,
// kBundleMalformed or kBundleWithoutChain. `on_read` hears of what of the text
// is not needed any more.
absl::StatusOr<BundleContents> ReadBundle(std::string_view text,
                                          OnRead on_read = KeepsAll);

// Returns the text of a bundle, which ends with a line feed.
std::string WriteBundle(const BundleContents& contents);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IMAGE_BUNDLE_H_
