// The signed manifests of images that producers have submitted, in the store.
//
//   auto images = ImageStore::Open(store, limits);
//   auto kept = (*images)->Prepare(image, packed, index);
//   if (auto s = mirror.ReceiveManifest(fact, kept->batch, now); !s.ok()) ...
//   (*images)->Kept(*kept);
//
// A manifest is kept as it came: its bundle, compressed, in the chunks that an
// index lists. What is known of each is in memory too, the chunks are not.
// Thread-safe.

#ifndef ANCHORAGE_TRUSTD_IMAGES_IMAGE_STORE_H_
#define ANCHORAGE_TRUSTD_IMAGES_IMAGE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "anchors/images/image_index.h"
#include "trustd/base/store.h"

namespace anchorage::trustd {

struct ImageLimits {
  // The longest bundle, unpacked.
  std::uint64_t bundle_bytes = std::uint64_t{64} * 1024 * 1024;
  // All manifests together, compressed. Those of one producer are at most half.
  std::uint64_t total_bytes = std::uint64_t{1024} * 1024 * 1024;
};

// However short they are: what is known of each is in memory.
inline constexpr std::size_t kMaxStoredManifests = 20'000;

class ImageStore {
 public:
  // What keeps a manifest, once `batch` is committed.
  struct Addition {
    anchors::Image image;
    StoreBatch batch;
    // The manifests that make room for it, or that it replaces.
    std::vector<std::string> removed;
  };

  // Reads what is known of each manifest. `store` must outlive this. Fails with
  // DATA_LOSS for what cannot be read, or as Store does.
  static absl::StatusOr<std::unique_ptr<ImageStore>> Open(
      Store& store, const ImageLimits& limits);

  const ImageLimits& limits() const { return limits_; }

  // Returns what is known of a manifest; nullopt where it is not here.
  std::optional<anchors::Image> Find(std::string_view manifest_sha256) const;

  // Returns the bytes of `image.chunks[chunk]`, which must be there. Fails with
  // DATA_LOSS where the store has other bytes, or as Store does.
  absl::StatusOr<std::string> ReadChunk(const anchors::Image& image,
                                        std::size_t chunk) const;

  // Fails as ReadChunk() does for the first chunk of `image` that fails.
  absl::Status CheckChunks(const anchors::Image& image) const;

  // Calls `visit` for each manifest, in the order of the digests.
  void Visit(const std::function<void(const anchors::Image&)>& visit) const;

  // How many additions and removals there were since the start.
  std::uint64_t generation() const;

  // Cuts `packed` into the chunks of `image`, and returns what keeps them, in
  // place of what is there under its digest. Where there is no room, what is
  // below a floor of `index` (null: there is none) makes some, and then the
  // oldest of the same producer that `index` does not list. RESOURCE_EXHAUSTED
  // where that is not enough.
  absl::StatusOr<Addition> Prepare(anchors::Image image,
                                   std::string_view packed,
                                   const anchors::ImageIndex* index) const;

  // Called once the batch of an addition is on the disk. One addition at a time
  // is prepared and kept.
  void Kept(const Addition& addition);

 private:
  ImageStore(Store& store, const ImageLimits& limits)
      : store_(store), limits_(limits) {}

  Store& store_;
  const ImageLimits limits_;
  mutable absl::Mutex mutex_;
  std::map<std::string, anchors::Image, std::less<>> images_
      ABSL_GUARDED_BY(mutex_);
  // Of all chunks.
  std::uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_IMAGES_IMAGE_STORE_H_
