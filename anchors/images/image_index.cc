#include "anchors/images/image_index.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/images/listing_error.h"
#include "anchors/images/listing_text.h"
#include "anchors/images/producers.h"
#include "anchors/proto_json.h"
#include "anchors/releases.h"
#include "anchors/target_checks.h"
#include "verify/image/version.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::Reason;
using verify::Reject;

// Deepest: index, images, image, chunks, chunk; the rest is room for members of
// a later version.
constexpr int kMaxDepth = 10;

constexpr std::string_view kStatusPrefix = "IMAGE_STATUS_";
constexpr std::array<EnumName<ImageStatus>, 2> kStatusNames = {{
    {ImageStatus::kActive, "IMAGE_STATUS_ACTIVE"},
    {ImageStatus::kWithdrawn, "IMAGE_STATUS_WITHDRAWN"},
}};

std::string Named(const Image& image) {
  return IsSha256Hex(image.manifest_sha256)
             ? absl::StrCat("image ", image.manifest_sha256)
             : "an image";
}

bool IsVersion(std::string_view text) {
  return verify::ImageVersion::Parse(text).ok();
}

absl::Status CheckNames(const Image& image) {
  if (!IsSha256Hex(image.manifest_sha256) ||
      !IsSha256Hex(image.bundle_sha256) ||
      !(image.disk_sha256.empty() || IsSha256Hex(image.disk_sha256))) {
    return InvalidListing(Named(image),
                          "a digest is not 64 lower-case hex digits");
  }
  if (!IsListingName(image.product, kMaxProductBytes)) {
    return InvalidListing(Named(image),
                          "the product is not 1 to 64 printable ASCII "
                          "characters without blanks");
  }
  if (!IsListingName(image.producer, kMaxProducerNameBytes)) {
    return InvalidListing(Named(image),
                          "the producer is not 1 to 64 printable ASCII "
                          "characters without blanks");
  }
  if (!IsVersion(image.version)) {
    return InvalidListing(Named(image), "the version is not one");
  }
  if (!IsWritable(image.received)) {
    return InvalidListing(Named(image),
                          "receivedTime is not a whole second of the years 1 "
                          "to 9999");
  }
  if (image.notes.size() > kMaxListingNotesBytes ||
      !IsPrintableAscii(image.notes)) {
    return InvalidListing(Named(image),
                          "the notes are not short printable ASCII");
  }
  return absl::OkStatus();
}

absl::Status CheckChunks(const Image& image) {
  if (image.chunks.empty() || image.chunks.size() > kMaxChunks) {
    return InvalidListing(Named(image), "it has not 1 to 128 chunks");
  }
  for (const ManifestChunk& chunk : image.chunks) {
    if (chunk.length == 0 || chunk.length > kMaxChunkBytes) {
      return InvalidListing(Named(image), "a chunk has not 1 to 524288 bytes");
    }
    if (!IsSha256Hex(chunk.sha256)) {
      return InvalidListing(Named(image),
                            "a chunk's digest is not 64 lower-case hex digits");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLocations(const Image& image) {
  if (image.locations.size() > kMaxLocationsPerImage) {
    return Reject(Reason::kInputTooLarge, Named(image) + ": over 64 locations");
  }
  std::set<std::tuple<std::string_view, std::string_view, std::string_view>>
      seen;
  for (const ImageLocation& at : image.locations) {
    if (!IsListingName(at.region, kMaxRegionBytes) ||
        !IsListingName(at.image_id, kMaxImageIdBytes)) {
      return InvalidListing(Named(image),
                            "a region or image id is not short printable ASCII "
                            "without blanks");
    }
    if (!at.account.empty() &&
        (at.account.size() != kAccountDigits ||
         at.account.find_first_not_of("0123456789") != std::string::npos)) {
      return InvalidListing(Named(image), "an account is not 12 digits");
    }
    if (!seen.emplace(at.region, at.account, at.image_id).second) {
      return Reject(Reason::kDuplicateKey,
                    Named(image) + ": a location is listed twice");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFloors(const ImageIndex& index) {
  if (index.floors.size() > kMaxFloors) {
    return Reject(Reason::kInputTooLarge, "over 256 floors");
  }
  std::set<std::string_view> products;
  for (const ProductFloor& floor : index.floors) {
    if (!IsListingName(floor.product, kMaxProductBytes) ||
        !IsVersion(floor.least_version)) {
      return InvalidListing("a floor", "it is not of a product and a version");
    }
    if (!products.insert(floor.product).second) {
      return Reject(Reason::kDuplicateKey,
                    absl::StrCat(floor.product, " has two floors"));
    }
  }
  return absl::OkStatus();
}

Image ReadImage(JsonFields fields) {
  Image image;
  image.product = fields.RequiredString("product");
  image.version = fields.RequiredString("version");
  image.producer = fields.RequiredString("producer");
  image.status = fields.RequiredEnum("status", kStatusNames)
                     .value_or(ImageStatus::kUnknown);
  image.manifest_sha256 = fields.RequiredString("manifestSha256");
  image.bundle_sha256 = fields.RequiredString("bundleSha256");
  fields.ForEach("chunks", kMaxChunks, [&](JsonFields chunk) {
    const std::uint64_t length = chunk.RequiredUint64("length");
    image.chunks.push_back({length, chunk.RequiredString("sha256")});
  });
  image.received = fields.RequiredTime("receivedTime");
  image.disk_sha256 = fields.OptionalString("diskSha256");
  fields.ForEach("locations", kMaxLocationsPerImage, [&](JsonFields at) {
    image.locations.push_back({.region = at.RequiredString("region"),
                               .account = at.OptionalString("account"),
                               .image_id = at.RequiredString("imageId")});
  });
  image.notes = fields.OptionalString("notes");
  return image;
}

void WriteImage(const Image& image, std::string& out) {
  JsonObject object(out);
  object.String("product", image.product);
  object.String("version", image.version);
  object.String("producer", image.producer);
  object.String("status", NameIn(kStatusNames, image.status));
  object.String("manifestSha256", image.manifest_sha256);
  object.String("bundleSha256", image.bundle_sha256);
  object.Array("chunks", image.chunks, [&](const ManifestChunk& chunk) {
    JsonObject one(out);
    one.String("length", absl::StrCat(chunk.length));
    one.String("sha256", chunk.sha256);
  });
  object.Time("receivedTime", image.received);
  object.String("diskSha256", image.disk_sha256);
  object.Array("locations", image.locations, [&](const ImageLocation& at) {
    JsonObject one(out);
    one.String("region", at.region);
    one.String("account", at.account);
    one.String("imageId", at.image_id);
  });
  object.String("notes", image.notes);
}

void WriteFloor(const ProductFloor& floor, std::string& out) {
  JsonObject object(out);
  object.String("product", floor.product);
  object.String("leastVersion", floor.least_version);
}

void SortLocations(Image& image) {
  std::sort(image.locations.begin(), image.locations.end(),
            [](const ImageLocation& a, const ImageLocation& b) {
              return std::tie(a.region, a.account, a.image_id) <
                     std::tie(b.region, b.account, b.image_id);
            });
}

template <typename Matches>
const Image* FindIf(const ImageIndex& index, const Matches& matches) {
  const auto found =
      std::find_if(index.images.begin(), index.images.end(), matches);
  return found == index.images.end() ? nullptr : &*found;
}

// The version of both is one, or this is false.
bool IsLess(std::string_view a, std::string_view b) {
  const auto first = verify::ImageVersion::Parse(a);
  const auto second = verify::ImageVersion::Parse(b);
  return first.ok() && second.ok() && *first < *second;
}

const ProductFloor* FloorOf(const ImageIndex& index, std::string_view product) {
  const auto found =
      std::find_if(index.floors.begin(), index.floors.end(),
                   [&](const ProductFloor& f) { return f.product == product; });
  return found == index.floors.end() ? nullptr : &*found;
}

absl::Status CheckKept(const Image& last, const Image* next,
                       const ImageIndex& index) {
  if (next == nullptr) {
    if (IsBelowFloor(index, last.product, last.version)) {
      return absl::OkStatus();
    }
    return RefusedByListing(
        ListingReason::kImageLost,
        absl::StrCat(last.product, " ", last.version, ", manifest ",
                     last.manifest_sha256,
                     ", is gone: it would be unlisted, which allows more"));
  }
  if (last.product != next->product || last.version != next->version ||
      last.producer != next->producer ||
      last.bundle_sha256 != next->bundle_sha256 ||
      last.chunks != next->chunks || last.received != next->received) {
    return RefusedByListing(
        ListingReason::kImageChanged,
        absl::StrCat(last.product, " ", last.version, ", manifest ",
                     last.manifest_sha256,
                     ": what it is, and when it was received, never changes"));
  }
  if (last.status != ImageStatus::kActive && next->status != last.status) {
    return RefusedByListing(ListingReason::kWithdrawnUndone,
                            absl::StrCat(last.product, " ", last.version,
                                         " is WITHDRAWN, for good"));
  }
  const bool keeps_locations = std::all_of(
      last.locations.begin(), last.locations.end(), [&](const auto& at) {
        return std::find(next->locations.begin(), next->locations.end(), at) !=
               next->locations.end();
      });
  if (!keeps_locations ||
      (!last.disk_sha256.empty() && last.disk_sha256 != next->disk_sha256)) {
    return RefusedByListing(
        ListingReason::kLocationLost,
        absl::StrCat(last.product, " ", last.version,
                     ": a disk or an image id that was named must stay"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view NameOf(ImageStatus status) {
  const std::string_view name = NameIn(kStatusNames, status);
  return name.empty() ? "UNKNOWN" : name.substr(kStatusPrefix.size());
}

const Image* FindByManifest(const ImageIndex& index,
                            std::string_view manifest_sha256) {
  return FindIf(index, [&](const Image& image) {
    return image.manifest_sha256 == manifest_sha256;
  });
}

const Image* FindByDisk(const ImageIndex& index, std::string_view disk_sha256) {
  if (disk_sha256.empty()) return nullptr;
  return FindIf(index, [&](const Image& image) {
    return image.disk_sha256 == disk_sha256;
  });
}

const Image* FindByImageId(const ImageIndex& index, std::string_view image_id,
                           std::string_view region, std::string_view account) {
  return FindIf(index, [&](const Image& image) {
    return std::any_of(image.locations.begin(), image.locations.end(),
                       [&](const ImageLocation& at) {
                         return at.image_id == image_id &&
                                (region.empty() || at.region == region) &&
                                (account.empty() || at.account == account);
                       });
  });
}

bool IsBelowFloor(const ImageIndex& index, std::string_view product,
                  std::string_view version) {
  const ProductFloor* const floor = FloorOf(index, product);
  return floor != nullptr &&
         (!IsVersion(version) || IsLess(version, floor->least_version));
}

void Sort(ImageIndex& index) {
  for (Image& image : index.images) SortLocations(image);
  std::sort(index.images.begin(), index.images.end(),
            [](const Image& a, const Image& b) {
              if (a.product != b.product) return a.product < b.product;
              if (IsLess(a.version, b.version)) return true;
              if (IsLess(b.version, a.version)) return false;
              return a.manifest_sha256 < b.manifest_sha256;
            });
  std::sort(index.floors.begin(), index.floors.end(),
            [](const ProductFloor& a, const ProductFloor& b) {
              return a.product < b.product;
            });
}

absl::Status CheckImage(const Image& image) {
  if (absl::Status s = CheckNames(image); !s.ok()) return s;
  if (absl::Status s = CheckChunks(image); !s.ok()) return s;
  return CheckLocations(image);
}

absl::Status CheckImageIndex(const ImageIndex& index) {
  if (absl::Status s = CheckListing(index); !s.ok()) return s;
  if (index.images.size() > kMaxImages) {
    return Reject(Reason::kInputTooLarge, "over 4096 images");
  }
  std::set<std::string_view> manifests;
  std::set<std::string_view> disks;
  for (const Image& image : index.images) {
    if (absl::Status s = CheckImage(image); !s.ok()) return s;
    if (!manifests.insert(image.manifest_sha256).second) {
      return Reject(Reason::kDuplicateKey, Named(image) + " is listed twice");
    }
    if (!image.disk_sha256.empty() && !disks.insert(image.disk_sha256).second) {
      return Reject(Reason::kDuplicateKey,
                    Named(image) + ": another image has its disk");
    }
  }
  return CheckFloors(index);
}

absl::StatusOr<ImageIndex> ParseImageIndex(std::string_view json) {
  ImageIndex index;
  absl::Status header;
  absl::Status images;
  const auto text = FlatJson::Read(
      json, {.max_bytes = kMaxImageIndexBytes, .max_depth = kMaxDepth},
      {.name = "images",
       .limit = kMaxImages,
       .read = [&](const FlatValue& value, std::size_t i) {
         if (!images.ok()) return;
         index.images.push_back(
             ReadImage(JsonFields(value, "images.images", i, &images)));
       }});
  if (!text.ok()) return text.status();
  JsonFields fields(text->value(), "images", &header);
  ReadListing(fields, kImagesMediaType, index);
  fields.ForEach("images", kMaxImages, [](const JsonFields&) {});
  fields.ForEach("floors", kMaxFloors, [&](JsonFields floor) {
    index.floors.push_back(
        {.product = floor.RequiredString("product"),
         .least_version = floor.RequiredString("leastVersion")});
  });
  if (!header.ok()) return header;
  if (!images.ok()) return images;
  if (absl::Status s = CheckImageIndex(index); !s.ok()) return s;
  Sort(index);
  return index;
}

std::string SerializeImageIndex(const ImageIndex& index) {
  ImageIndex sorted = index;
  Sort(sorted);
  std::string out;
  {
    JsonObject object(out);
    WriteListing(sorted, kImagesMediaType, object);
    object.Array("images", sorted.images,
                 [&](const Image& image) { WriteImage(image, out); });
    object.Array("floors", sorted.floors,
                 [&](const ProductFloor& floor) { WriteFloor(floor, out); });
  }
  return out;
}

absl::StatusOr<Image> ParseImage(std::string_view json) {
  const auto text = FlatJson::Read(
      json, {.max_bytes = kMaxImageIndexBytes, .max_depth = kMaxDepth},
      {.name = "", .limit = 0, .read = [](const FlatValue&, std::size_t) {}});
  if (!text.ok()) return text.status();
  absl::Status status;
  Image image = ReadImage(JsonFields(text->value(), "image", &status));
  if (status.ok()) status = CheckImage(image);
  if (!status.ok()) return status;
  SortLocations(image);
  return image;
}

std::string SerializeImage(const Image& image) {
  Image sorted = image;
  SortLocations(sorted);
  std::string out;
  WriteImage(sorted, out);
  return out;
}

absl::Status CheckImageIndexFile(std::string_view json, absl::Time now) {
  const auto index = ParseImageIndex(json);
  if (!index.ok()) return index.status();
  for (const Image& image : index->images) {
    if (image.status == ImageStatus::kUnknown) {
      return RefusedByListing(ListingReason::kListingUnknown,
                              "images have a status that this program does not "
                              "know: use a newer one");
    }
    if (image.received > index->created) {
      return InvalidListing(Named(image),
                            "it was received after the index was made");
    }
  }
  return CheckCreated("the index of images", index->created, now);
}

absl::Status CheckNextImageIndex(const ImageIndex& last,
                                 const ImageIndex& next) {
  if (absl::Status s =
          CheckStep("the index of images", last.sequence, next.sequence);
      !s.ok()) {
    return s;
  }
  for (const ProductFloor& floor : last.floors) {
    const ProductFloor* const after = FloorOf(next, floor.product);
    if (after == nullptr || IsLess(after->least_version, floor.least_version)) {
      return RefusedByListing(
          ListingReason::kFloorLowered,
          absl::StrCat("the least version of ", floor.product, " was ",
                       floor.least_version, ", and only rises"));
    }
  }
  for (const Image& image : last.images) {
    if (absl::Status s =
            CheckKept(image, FindByManifest(next, image.manifest_sha256), next);
        !s.ok()) {
      return s;
    }
  }
  return absl::OkStatus();
}

}  // namespace anchorage::anchors
