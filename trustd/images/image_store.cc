#include "trustd/images/image_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "trustd/base/store_keys.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

std::string ChunkKey(std::string_view manifest_sha256, std::size_t chunk) {
  return absl::StrCat(keys::kManifestChunkPrefix, std::string(manifest_sha256),
                      "/", absl::StrFormat("%04d", chunk));
}

std::string ManifestKey(std::string_view manifest_sha256) {
  return absl::StrCat(keys::kManifestPrefix, std::string(manifest_sha256));
}

std::uint64_t BytesOf(const anchors::Image& image) {
  std::uint64_t bytes = 0;
  for (const anchors::ManifestChunk& chunk : image.chunks) {
    bytes += chunk.length;
  }
  return bytes;
}

struct Room {
  std::uint64_t bytes = 0;
  std::size_t count = 0;

  void Add(const anchors::Image& image) {
    bytes += BytesOf(image);
    ++count;
  }
  void Remove(const anchors::Image& image) {
    bytes -= BytesOf(image);
    --count;
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<ImageStore>> ImageStore::Open(
    Store& store, const ImageLimits& limits) {
  std::unique_ptr<ImageStore> images(new ImageStore(store, limits));
  const absl::MutexLock lock(&images->mutex_);
  absl::Status damage;
  const absl::Status scanned = store.Scan(
      keys::kManifestPrefix, [&](std::string_view key, std::string_view value) {
        auto image = anchors::ParseImage(value);
        if (!image.ok() || ManifestKey(image->manifest_sha256) != key) {
          damage = absl::DataLossError(
              absl::StrCat("the store has no readable ", std::string(key),
                           ": restore a backup"));
          return false;
        }
        images->bytes_ += BytesOf(*image);
        const std::string digest = image->manifest_sha256;
        images->images_.emplace(digest, *std::move(image));
        return true;
      });
  if (!scanned.ok()) return scanned;
  if (!damage.ok()) return damage;
  return images;
}

std::optional<anchors::Image> ImageStore::Find(
    std::string_view manifest_sha256) const {
  const absl::MutexLock lock(&mutex_);
  const auto found = images_.find(manifest_sha256);
  if (found == images_.end()) return std::nullopt;
  return found->second;
}

absl::StatusOr<std::string> ImageStore::ReadChunk(const anchors::Image& image,
                                                  std::size_t chunk) const {
  auto bytes = store_.Get(ChunkKey(image.manifest_sha256, chunk));
  if (!bytes.ok()) return bytes.status();
  if (!bytes->has_value() ||
      verify::Sha256Hex(**bytes) != image.chunks[chunk].sha256) {
    return absl::DataLossError(absl::StrCat("chunk ", chunk, " of manifest ",
                                            image.manifest_sha256,
                                            " is damaged"));
  }
  return **std::move(bytes);
}

absl::Status ImageStore::CheckChunks(const anchors::Image& image) const {
  for (std::size_t i = 0; i < image.chunks.size(); ++i) {
    if (const auto bytes = ReadChunk(image, i); !bytes.ok()) {
      return bytes.status();
    }
  }
  return absl::OkStatus();
}

void ImageStore::Visit(
    const std::function<void(const anchors::Image&)>& visit) const {
  const absl::MutexLock lock(&mutex_);
  for (const auto& [digest, image] : images_) visit(image);
}

std::uint64_t ImageStore::generation() const {
  const absl::MutexLock lock(&mutex_);
  return generation_;
}

absl::StatusOr<ImageStore::Addition> ImageStore::Prepare(
    anchors::Image image, std::string_view packed,
    const anchors::ImageIndex* index) const {
  Addition addition;
  StoreBatch kept;
  image.chunks.clear();
  for (std::size_t at = 0; at < packed.size(); at += anchors::kMaxChunkBytes) {
    const std::string_view bytes = packed.substr(at, anchors::kMaxChunkBytes);
    kept.Put(ChunkKey(image.manifest_sha256, image.chunks.size()), bytes);
    image.chunks.push_back({bytes.size(), verify::Sha256Hex(bytes)});
  }
  if (absl::Status s = anchors::CheckImage(image); !s.ok()) return s;
  kept.Put(ManifestKey(image.manifest_sha256), anchors::SerializeImage(image));
  const absl::MutexLock lock(&mutex_);
  // Of all, and of its producer.
  Room all{bytes_ + packed.size(), images_.size() + 1};
  Room own{packed.size(), 1};
  std::vector<const anchors::Image*> below_floor, own_unlisted;
  const anchors::Image* replaced = nullptr;
  for (const auto& [digest, old] : images_) {
    const bool is_own = old.producer == image.producer;
    if (is_own) own.Add(old);
    if (digest == image.manifest_sha256) {
      replaced = &old;
    } else if (index != nullptr &&
               anchors::IsBelowFloor(*index, old.product, old.version)) {
      below_floor.push_back(&old);
    } else if (is_own && (index == nullptr ||
                          anchors::FindByManifest(*index, digest) == nullptr)) {
      own_unlisted.push_back(&old);
    }
  }
  std::sort(own_unlisted.begin(), own_unlisted.end(),
            [](const anchors::Image* a, const anchors::Image* b) {
              return a->received < b->received;
            });
  const auto remove = [&](const anchors::Image& old) {
    for (std::size_t i = 0; i < old.chunks.size(); ++i) {
      addition.batch.Delete(ChunkKey(old.manifest_sha256, i));
    }
    addition.batch.Delete(ManifestKey(old.manifest_sha256));
    addition.removed.push_back(old.manifest_sha256);
    all.Remove(old);
    if (old.producer == image.producer) own.Remove(old);
  };
  const auto all_fits = [&] {
    return all.bytes <= limits_.total_bytes && all.count <= kMaxStoredManifests;
  };
  const auto own_fits = [&] {
    return own.bytes <= limits_.total_bytes / 2 &&
           own.count <= kMaxStoredManifests / 2;
  };
  if (replaced != nullptr) remove(*replaced);
  for (const anchors::Image* old : below_floor) {
    if (!all_fits() || (!own_fits() && old->producer == image.producer)) {
      remove(*old);
    }
  }
  for (const anchors::Image* old : own_unlisted) {
    if (all_fits() && own_fits()) break;
    remove(*old);
  }
  if (!all_fits() || !own_fits()) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "there is no room for another manifest of ", image.producer, ": ",
        images_.size(), " take ", bytes_, " of ", limits_.total_bytes,
        " bytes, of which a producer has at most half; raise "
        "'images.max_total_mib', or a floor of the index"));
  }
  addition.batch.Add(kept);
  addition.image = std::move(image);
  return addition;
}

void ImageStore::Kept(const Addition& addition) {
  const absl::MutexLock lock(&mutex_);
  for (const std::string& digest : addition.removed) {
    const auto found = images_.find(digest);
    if (found == images_.end()) continue;
    bytes_ -= BytesOf(found->second);
    images_.erase(found);
  }
  bytes_ += BytesOf(addition.image);
  images_.insert_or_assign(addition.image.manifest_sha256, addition.image);
  ++generation_;
}

}  // namespace anchorage::trustd
