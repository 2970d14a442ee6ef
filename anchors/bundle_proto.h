// A bundle's files, and their versions, as messages, and back: for who sends
// and who keeps them.

#ifndef ANCHORAGE_ANCHORS_BUNDLE_PROTO_H_
#define ANCHORAGE_ANCHORS_BUNDLE_PROTO_H_

#include <string>
#include <string_view>

#include "anchors/bundle.h"
#include "proto/anchorage/v1/anchor_service.pb.h"

namespace anchorage::anchors {

// Returns the files, unverified, with the targets that this program knows
// (TargetKinds()); of the message's `sequence`, nothing.
BundleFiles FromProto(const v1::GetUpdateResponse& message);
v1::GetUpdateResponse ToProto(const BundleFiles& files);

// The target of that path in `message`; empty if it is not there.
const std::string& TargetIn(const v1::GetUpdateResponse& message,
                            std::string_view path);
// Puts a target into `message`, which has none of that path yet.
void AddTarget(std::string_view path, const std::string& bytes,
               v1::GetUpdateResponse& message);

// Returns versions with a hash, perhaps empty, for each target that `message`
// can name.
BundleVersions FromProto(const v1::BundleVersions& message);
// Returns a message that names each of TargetKinds(), whether it is held or
// not.
v1::BundleVersions ToProto(const BundleVersions& versions);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BUNDLE_PROTO_H_
