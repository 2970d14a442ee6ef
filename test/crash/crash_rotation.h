// A rotation to be killed half way: AWS's page shows another key in one slot,
// a person approves it, and it is published.

#ifndef ANCHORAGE_TEST_CRASH_CRASH_ROTATION_H_
#define ANCHORAGE_TEST_CRASH_CRASH_ROTATION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "test/crash/crash_operations.h"
#include "trustd/config.h"
#include "trustd/mirror/mirror.h"
#include "trustd/rotation/observation.h"
#include "trustd/service.h"

namespace anchorage::test {

// The number of the rotation.
inline constexpr std::uint64_t kRotation = 1;

// What a child says of each step that it was told is done.
inline constexpr char kDetected[] = "detected";
inline constexpr char kApproved[] = "approved";
inline constexpr char kPublished[] = "published";

// A mirror and the publisher that it stands on; every commit is a crash point.
struct OpenMirror {
  std::unique_ptr<OpenPublisher> below;
  std::unique_ptr<trustd::AlertSink> alerts;
  std::unique_ptr<trustd::Mirror> mirror;
};
absl::StatusOr<std::unique_ptr<OpenMirror>> OpenMirrorIn(
    const std::string& folder);

// What a source says that shows the other key.
trustd::Observation RekeyedPage();

// The same as a file that a trustd of this configuration looks at once.
trustd::Config RotatingConfigIn(const std::string& folder);

// How often the record says that the rotation was published.
int PublicationsOfRotation(const trustd::Ledger& ledger);

// A person's approval.
absl::Status Approve(trustd::Mirror& mirror);

// The whole course. What Approve() has confirmed is noted in ApprovedPath().
absl::Status Rotate(const std::string& folder);
std::string ApprovedPath(const std::string& folder);

// The same in a whole trustd, which says each step on its standard output and
// then serves on until it is killed.
absl::Status RotateInService(const std::string& folder);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_CRASH_CRASH_ROTATION_H_
