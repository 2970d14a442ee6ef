// The index of machine images: which manifests are listed, as a value and as
// JSON.
//
//   auto index = ParseImageIndex(bytes);
//   if (!index.ok()) return index.status();
//   const Image* image = FindByManifest(*index, digest);
//
// The JSON is the proto3 mapping of anchorage.v1.ImageIndex
// (proto/anchorage/v1/images.proto, which is the manual of each field), but
// protobuf is not used: the reader is strict and the writer canonical, like
// those of the catalog (catalog.h).
//
// Pure values and functions: any number of threads may call at once.

#ifndef ANCHORAGE_ANCHORS_IMAGES_IMAGE_INDEX_H_
#define ANCHORAGE_ANCHORS_IMAGES_IMAGE_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anchorage::anchors {

inline constexpr std::string_view kImagesMediaType =
    "application/vnd.anchorage.images.v1+json";
// The name of the index among the targets of TUF.
inline constexpr std::string_view kImagesTargetPath = "images/v1/index.json";

// The longest text. A longer one is refused before any of it is read.
inline constexpr std::size_t kMaxImageIndexBytes = 1024 * 1024;
inline constexpr std::size_t kMaxImages = 4096;
inline constexpr std::size_t kMaxFloors = 256;
inline constexpr std::size_t kMaxLocationsPerImage = 64;
inline constexpr std::size_t kMaxRegionBytes = 32;
inline constexpr std::size_t kAccountDigits = 12;

// A bundle of a manifest travels compressed with gzip, in chunks.
inline constexpr std::size_t kMaxChunkBytes = 512 * 1024;
inline constexpr std::size_t kMaxChunks = 128;
inline constexpr std::size_t kMaxCompressedBundleBytes =
    kMaxChunkBytes * kMaxChunks;

enum class ImageStatus {
  kActive,
  kWithdrawn,
  // One that only a newer program knows. Counts as WITHDRAWN: left out, its
  // manifest would be unlisted, which allows more.
  kUnknown,
};

// Returns "ACTIVE", "WITHDRAWN" or "UNKNOWN".
std::string_view NameOf(ImageStatus status);

struct ManifestChunk {
  std::uint64_t length = 0;
  // Lower-case hex.
  std::string sha256;

  friend bool operator==(const ManifestChunk&, const ManifestChunk&) = default;
};

struct ImageLocation {
  std::string region;
  // Empty: nobody has said.
  std::string account;
  std::string image_id;

  friend bool operator==(const ImageLocation&, const ImageLocation&) = default;
};

struct Image {
  std::string product;
  std::string version;
  std::string producer;
  ImageStatus status = ImageStatus::kActive;
  // Lower-case hex.
  std::string manifest_sha256;
  std::string bundle_sha256;
  std::vector<ManifestChunk> chunks;
  absl::Time received;
  // Lower-case hex; empty: nobody has said.
  std::string disk_sha256;
  std::vector<ImageLocation> locations;
  std::string notes;

  friend bool operator==(const Image&, const Image&) = default;
};

struct ProductFloor {
  std::string product;
  std::string least_version;

  friend bool operator==(const ProductFloor&, const ProductFloor&) = default;
};

struct ImageIndex {
  std::uint64_t sequence = 0;
  absl::Time created;
  std::vector<Image> images;
  std::vector<ProductFloor> floors;

  friend bool operator==(const ImageIndex&, const ImageIndex&) = default;
};

// Each returns null where there is none. An image id may be in several places,
// and empty `region` or `account` is any: the first in the canonical order.
const Image* FindByManifest(const ImageIndex& index,
                            std::string_view manifest_sha256);
const Image* FindByDisk(const ImageIndex& index, std::string_view disk_sha256);
const Image* FindByImageId(const ImageIndex& index, std::string_view image_id,
                           std::string_view region, std::string_view account);

// Whether `version` is below the floor of `product`, or is no version at all
// while there is a floor.
bool IsBelowFloor(const ImageIndex& index, std::string_view product,
                  std::string_view version);

// Puts images, locations and floors in the canonical order.
void Sort(ImageIndex& index);

// Checks every promise of images.proto that is not about the text. Fails with
// kInputTooLarge, kFieldInvalid or kDuplicateKey.
absl::Status CheckImageIndex(const ImageIndex& index);
// Checks one image alone. Fails as CheckImageIndex() does.
absl::Status CheckImage(const Image& image);

// Reads an index and checks it. The result is in canonical order. Fails as
// CheckImageIndex() does, and with kEncodingMalformed, kDocumentMalformed,
// kDuplicateKey, kTrailingBytes or kFieldMissing. Unknown members are ignored.
absl::StatusOr<ImageIndex> ParseImageIndex(std::string_view json);

// Returns the canonical text of an index for which CheckImageIndex() is OK and
// whose statuses are known. ParseImageIndex() gives the same (sorted) index
// back, if the text is not longer than kMaxImageIndexBytes.
std::string SerializeImageIndex(const ImageIndex& index);

// One image as it stands in an index, for who adds it. ParseImage() fails as
// ParseImageIndex() does.
absl::StatusOr<Image> ParseImage(std::string_view json);
std::string SerializeImage(const Image& image);

// What makers of targets check before anybody signs an index: as
// ParseImageIndex(), there is no status that this program does not know, no
// image was received after the index was made, and it is not made in the
// future. Fails besides with FAILED_PRECONDITION.
absl::Status CheckImageIndexFile(std::string_view json, absl::Time now);

// OK if `next` may follow `last`: the sequence is higher (CheckStep()), and
// what is listed stays as images.proto promises. Fails with
// FAILED_PRECONDITION and mostly a ListingReason.
absl::Status CheckNextImageIndex(const ImageIndex& last,
                                 const ImageIndex& next);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_IMAGES_IMAGE_INDEX_H_
