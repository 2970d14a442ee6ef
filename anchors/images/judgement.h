// What the signed lists say about a manifest or a disk.
//
//   auto verdict = JudgeManifest(bundle, {.producers = &producers,
//                                         .images = &images},
//                                {.now = absl::Now()});
//   if (!verdict.ok()) return verdict.status();
//   Compare(verdict->verified.manifest(), ...);
//
// A manifest that the index lists is judged at the time at which trustd
// received it: so it counts after the certificates of its producer have
// expired, and after the producer was retired or even revoked, because the
// index names it by its digest. One that is not listed is offline: it is judged
// at the time that it says itself, for which its signer vouches alone, and so it
// counts only while its producer is ACTIVE, or if the caller names the producer.
// What is WITHDRAWN, or below the floor of its product, is refused either way.
//
// Pure: any number of threads may call at once.

#ifndef ANCHORAGE_ANCHORS_IMAGES_JUDGEMENT_H_
#define ANCHORAGE_ANCHORS_IMAGES_JUDGEMENT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/images/image_index.h"
#include "anchors/images/listing_error.h"
#include "anchors/images/producers.h"
#include "verify/image/bundle.h"
#include "verify/image/producer.h"

namespace anchorage::anchors {

// The lists of a verified bundle of anchors. Null for one that it does not
// have.
struct ImageListings {
  const ProducerList* producers = nullptr;
  const ImageIndex* images = nullptr;
};

struct JudgementOptions {
  // Names of producers in the list for which the caller vouches: what they
  // signed counts offline although they are RETIRED.
  std::vector<std::string> named = {};
  // Producers that the caller pins beside those of the list. What the list says
  // of a certificate comes first, so this brings no REVOKED producer back.
  std::vector<verify::TrustedProducer> own = {};
  // The caller's clock; InfiniteFuture() where it has none that it trusts.
  absl::Time now = absl::InfiniteFuture();
  // When trustd has received the manifest: one that is not listed is judged
  // then, and not at its own time.
  std::optional<absl::Time> received = std::nullopt;
};

struct ManifestVerdict {
  verify::VerifiedManifest verified;
  // Who signed: verified.signer().producer.
  std::string producer;
  // What the index says of it; nullopt: it is not listed.
  std::optional<Image> listed;
};

// Judges the signed manifest in `bundle`. Fails with a ListingReason, or as
// verify::VerifyBundle() does.
absl::StatusOr<ManifestVerdict> JudgeManifest(std::string bundle,
                                              const ImageListings& lists,
                                              const JudgementOptions& options);

// Returns the image whose raw disk has that SHA-256 (lower-case hex). Fails with
// kImageUnknown, kImageWithdrawn or kVersionBelowFloor.
absl::StatusOr<Image> JudgeDisk(std::string_view disk_sha256,
                                const ImageIndex& images);

// OK if `image`, which `images` lists, may be used. Fails with kImageWithdrawn
// or kVersionBelowFloor.
absl::Status CheckUsable(const Image& image, const ImageIndex& images);

// Returns the producers of a list, as verify/image takes them: first those of
// which least counts.
std::vector<verify::TrustedProducer> TrustedProducersOf(
    const ProducerList& list);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_IMAGES_JUDGEMENT_H_
