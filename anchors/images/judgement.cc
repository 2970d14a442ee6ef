#include "anchors/images/judgement.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "anchors/target_checks.h"
#include "verify/crypto/public_key.h"
#include "verify/image/image_error.h"
#include "verify/image/statement.h"

namespace anchorage::anchors {
namespace {

std::string HexOf(const verify::Sha256Bytes& digest) {
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(digest.data()), digest.size()));
}

// The digest under which the index would list a manifest: nothing is verified
// yet.
absl::StatusOr<std::string> UnverifiedDigest(std::string_view bundle) {
  const auto contents = verify::ReadBundle(bundle);
  if (!contents.ok()) return contents.status();
  const auto statement = verify::ParseStatement(contents->payload);
  if (!statement.ok()) return statement.status();
  return verify::Sha256Hex(statement->predicate);
}

const Image* FindListed(const ImageIndex* images, std::string_view digest) {
  return images == nullptr ? nullptr : FindByManifest(*images, digest);
}

std::string NameOf(const verify::ImageManifest& manifest) {
  return absl::StrCat(manifest.product, " ", manifest.version.ToString());
}

absl::Status CheckMadeBefore(const verify::ImageManifest& manifest,
                             absl::Time at) {
  if (manifest.time <= at + kMaxCreatedAhead) return absl::OkStatus();
  return RefusedByListing(
      ListingReason::kManifestFromTheFuture,
      absl::StrCat(
          NameOf(manifest), " says that it was made after ",
          absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", at, absl::UTCTimeZone())));
}

absl::Status CheckListed(const verify::VerifiedManifest& verified,
                         const Image& image) {
  const verify::ImageManifest& manifest = verified.manifest();
  if (manifest.product != image.product ||
      manifest.version.ToString() != image.version ||
      verified.signer().producer != image.producer) {
    return RefusedByListing(
        ListingReason::kListingDiffers,
        absl::StrCat("the index lists ", image.product, " ", image.version,
                     " of ", image.producer, ", and it is ", NameOf(manifest),
                     " of ", verified.signer().producer));
  }
  return CheckMadeBefore(manifest, image.received);
}

// Checks a manifest that is not listed, of a producer of the list.
absl::Status CheckOffline(const verify::ImageManifest& manifest,
                          const Producer& producer,
                          const JudgementOptions& options) {
  const bool is_named = std::find(options.named.begin(), options.named.end(),
                                  producer.name) != options.named.end();
  if (producer.status == ProducerStatus::kRevoked) {
    return RefusedByListing(
        ListingReason::kProducerRevoked,
        absl::StrCat(producer.name, " is REVOKED, and the index does not list ",
                     NameOf(manifest)));
  }
  if (producer.status != ProducerStatus::kActive && !is_named) {
    return RefusedByListing(
        ListingReason::kProducerRetired,
        absl::StrCat(producer.name, " is RETIRED, and the index does not list ",
                     NameOf(manifest)));
  }
  if (!producer.MaySign(manifest.product)) {
    return RefusedByListing(
        ListingReason::kProductNotOfProducer,
        absl::StrCat(producer.name, " may not sign ", NameOf(manifest)));
  }
  return absl::OkStatus();
}

absl::Status CheckFloor(const ImageIndex* images, std::string_view product,
                        const std::string& version) {
  if (images == nullptr || !IsBelowFloor(*images, product, version)) {
    return absl::OkStatus();
  }
  return RefusedByListing(
      ListingReason::kVersionBelowFloor,
      absl::StrCat(std::string(product), " ", version,
                   " is below the least version that the index allows"));
}

}  // namespace

std::vector<verify::TrustedProducer> TrustedProducersOf(
    const ProducerList& list) {
  std::vector<verify::TrustedProducer> producers;
  for (const ProducerStatus status :
       {ProducerStatus::kRevoked, ProducerStatus::kRetired,
        ProducerStatus::kActive}) {
    for (const Producer& producer : list.producers) {
      if (producer.status == status) {
        producers.push_back(
            {.name = producer.name, .certificates_der = producer.certificates});
      }
    }
  }
  return producers;
}

absl::Status CheckUsable(const Image& image, const ImageIndex& images) {
  if (image.status != ImageStatus::kActive) {
    return RefusedByListing(
        ListingReason::kImageWithdrawn,
        absl::StrCat(image.product, " ", image.version, " of ", image.producer,
                     " is withdrawn",
                     image.notes.empty() ? "" : ": " + image.notes));
  }
  return CheckFloor(&images, image.product, image.version);
}

absl::StatusOr<Image> JudgeDisk(std::string_view disk_sha256,
                                const ImageIndex& images) {
  const Image* const image = FindByDisk(images, disk_sha256);
  if (image == nullptr) {
    return RefusedByListing(
        ListingReason::kImageUnknown,
        absl::StrCat("no listed image has a disk of SHA-256 ",
                     std::string(disk_sha256)));
  }
  if (absl::Status s = CheckUsable(*image, images); !s.ok()) return s;
  return *image;
}

absl::StatusOr<ManifestVerdict> JudgeManifest(std::string bundle,
                                              const ImageListings& lists,
                                              const JudgementOptions& options) {
  std::optional<Image> listed;
  if (lists.images != nullptr) {
    const auto digest = UnverifiedDigest(bundle);
    if (!digest.ok()) return digest.status();
    const Image* const image = FindListed(lists.images, *digest);
    if (image != nullptr) listed = *image;
  }
  if (listed.has_value()) {
    if (absl::Status s = CheckUsable(*listed, *lists.images); !s.ok()) return s;
  }
  const std::vector<verify::TrustedProducer> known =
      lists.producers == nullptr ? std::vector<verify::TrustedProducer>()
                                 : TrustedProducersOf(*lists.producers);
  const std::optional<absl::Time> received =
      listed.has_value() ? std::optional(listed->received) : options.received;
  bool is_own = known.empty() && !options.own.empty();
  const bool has_both = !known.empty() && !options.own.empty();
  auto verified = verify::VerifyBundle(has_both ? bundle : std::move(bundle),
                                       is_own ? options.own : known, received);
  if (has_both && verify::ImageReasonOf(verified.status()) ==
                      verify::ImageReason::kProducerNotTrusted) {
    verified = verify::VerifyBundle(std::move(bundle), options.own, received);
    is_own = true;
  }
  if (!verified.ok()) return verified.status();
  const verify::ImageManifest& manifest = verified->manifest();
  const std::string producer = verified->signer().producer;
  // It was looked up before anything was verified: what is listed must be what
  // was verified, and what is not must not be.
  const Image* const found =
      FindListed(lists.images, HexOf(verified->digest()));
  if ((found != nullptr) != listed.has_value() ||
      (found != nullptr && *found != *listed)) {
    return RefusedByListing(ListingReason::kListingDiffers,
                            "its digest is not that of its predicate");
  }
  absl::Status status;
  if (listed.has_value()) {
    status = CheckListed(*verified, *listed);
  } else {
    if (!is_own) {
      status = CheckOffline(manifest, *FindProducer(*lists.producers, producer),
                            options);
    }
    if (status.ok() && options.now != absl::InfiniteFuture()) {
      status = CheckMadeBefore(manifest, options.now);
    }
    if (status.ok()) {
      status = CheckFloor(lists.images, manifest.product,
                          manifest.version.ToString());
    }
  }
  if (!status.ok()) return status;
  return ManifestVerdict{.verified = *std::move(verified),
                         .producer = producer,
                         .listed = std::move(listed)};
}

}  // namespace anchorage::anchors
