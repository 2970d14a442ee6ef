#include "anchors/images/image_proto.h"

#include "absl/time/time.h"

namespace anchorage::anchors {
namespace {

v1::ImageStatus ToProto(ImageStatus status) {
  switch (status) {
    case ImageStatus::kActive:
      return v1::IMAGE_STATUS_ACTIVE;
    case ImageStatus::kWithdrawn:
    case ImageStatus::kUnknown:
      return v1::IMAGE_STATUS_WITHDRAWN;
  }
  return v1::IMAGE_STATUS_UNSPECIFIED;
}

}  // namespace

v1::Image ToProto(const Image& image) {
  v1::Image proto;
  proto.set_product(image.product);
  proto.set_version(image.version);
  proto.set_producer(image.producer);
  proto.set_status(ToProto(image.status));
  proto.set_manifest_sha256(image.manifest_sha256);
  proto.set_bundle_sha256(image.bundle_sha256);
  for (const ManifestChunk& chunk : image.chunks) {
    v1::ManifestChunk& one = *proto.add_chunks();
    one.set_length(chunk.length);
    one.set_sha256(chunk.sha256);
  }
  proto.mutable_received_time()->set_seconds(
      absl::ToUnixSeconds(image.received));
  proto.set_disk_sha256(image.disk_sha256);
  for (const ImageLocation& at : image.locations) {
    v1::ImageLocation& one = *proto.add_locations();
    one.set_region(at.region);
    one.set_account(at.account);
    one.set_image_id(at.image_id);
  }
  proto.set_notes(image.notes);
  return proto;
}

absl::StatusOr<Image> FromProto(const v1::Image& proto) {
  Image image;
  image.product = proto.product();
  image.version = proto.version();
  image.producer = proto.producer();
  image.status = proto.status() == v1::IMAGE_STATUS_ACTIVE
                     ? ImageStatus::kActive
                     : ImageStatus::kWithdrawn;
  image.manifest_sha256 = proto.manifest_sha256();
  image.bundle_sha256 = proto.bundle_sha256();
  for (const v1::ManifestChunk& chunk : proto.chunks()) {
    image.chunks.push_back({chunk.length(), chunk.sha256()});
  }
  image.received = absl::FromUnixSeconds(proto.received_time().seconds());
  image.disk_sha256 = proto.disk_sha256();
  for (const v1::ImageLocation& at : proto.locations()) {
    image.locations.push_back({.region = at.region(),
                               .account = at.account(),
                               .image_id = at.image_id()});
  }
  image.notes = proto.notes();
  if (absl::Status s = CheckImage(image); !s.ok()) return s;
  return image;
}

}  // namespace anchorage::anchors
