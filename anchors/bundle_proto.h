// A bundle's files as a message, and back: for who sends and who keeps them.

#ifndef ANCHORAGE_ANCHORS_BUNDLE_PROTO_H_
#define ANCHORAGE_ANCHORS_BUNDLE_PROTO_H_

#include <string>
#include <string_view>

#include "anchors/bundle.h"
#include "proto/anchorage/v1/anchor_service.pb.h"

namespace anchorage::anchors {

// Returns the files, unverified; of the message's `sequence`, nothing.
BundleFiles FromProto(const v1::GetUpdateResponse& message);
v1::GetUpdateResponse ToProto(const BundleFiles& files);

// The field of the target of that path (one of TargetKinds()).
const std::string& TargetIn(const v1::GetUpdateResponse& message,
                            std::string_view path);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BUNDLE_PROTO_H_
