// An image of the index as a protobuf message, for the wire.

#ifndef ANCHORAGE_ANCHORS_IMAGES_IMAGE_PROTO_H_
#define ANCHORAGE_ANCHORS_IMAGES_IMAGE_PROTO_H_

#include "absl/status/statusor.h"
#include "anchors/images/image_index.h"
#include "proto/anchorage/v1/images.pb.h"

namespace anchorage::anchors {

v1::Image ToProto(const Image& image);

// Fails as CheckImage() does.
absl::StatusOr<Image> FromProto(const v1::Image& image);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_IMAGES_IMAGE_PROTO_H_
