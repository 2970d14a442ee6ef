#include "trustd/mirror/rotation_config.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "trustd/rotation/rotation_policy.h"

namespace anchorage::trustd {
namespace {

using google::protobuf::Duration;

constexpr absl::Duration kMinOverlap = absl::Hours(24);
constexpr absl::Duration kMaxOverlap = absl::Hours(365 * 24);
constexpr int kMaxApprovals = 10;

absl::Status Wrong(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": 'rotations': ", what));
}

absl::Duration ToDuration(const Duration& value) {
  return absl::Seconds(value.seconds()) + absl::Nanoseconds(value.nanos());
}

absl::Status ReadRule(const v1::RotationRule& proto, const std::string& path,
                      RotationPolicy& policy) {
  const auto rotation_class = RotationClassNamed(proto.class_());
  if (!rotation_class.has_value()) {
    return Wrong(path, absl::StrCat("'", proto.class_(),
                                    "' is not a class, such as RE_ISSUE"));
  }
  RotationRule rule;
  switch (proto.action()) {
    case v1::RotationRule::ACTION_HOLD:
      rule.action = RotationAction::kHold;
      break;
    case v1::RotationRule::ACTION_PUBLISH_AFTER:
      rule.action = RotationAction::kPublishAfter;
      break;
    case v1::RotationRule::ACTION_PUBLISH:
      rule.action = RotationAction::kPublish;
      break;
    default:
      return Wrong(path,
                   absl::StrCat("'", proto.class_(), "' has no 'action'"));
  }
  const bool has_conditions =
      proto.sources() != 0 || proto.live_proofs() != 0 || proto.has_hold();
  if (has_conditions && rule.action != RotationAction::kPublishAfter) {
    return Wrong(path, absl::StrCat("'", proto.class_(),
                                    "': 'sources', 'live_proofs' and 'hold' "
                                    "are of ACTION_PUBLISH_AFTER alone"));
  }
  rule.sources = proto.sources();
  rule.live_proofs = proto.live_proofs();
  rule.hold = ToDuration(proto.hold());
  if (absl::Status s = policy.Set(*rotation_class, rule); !s.ok()) {
    return Wrong(path, absl::StrCat("'", proto.class_(), "': ", s.message()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RotationOptions> ReadRotationOptions(
    const v1::RotationConfig& proto, const std::string& path) {
  RotationOptions options;
  std::set<std::string> classes;
  for (const v1::RotationRule& rule : proto.rules()) {
    if (absl::Status s = ReadRule(rule, path, options.policy); !s.ok()) {
      return s;
    }
    if (!classes.insert(rule.class_()).second) {
      return Wrong(path, absl::StrCat("'", rule.class_(), "' has two rules"));
    }
  }
  if (proto.has_overlap()) {
    options.overlap = ToDuration(proto.overlap());
    if (options.overlap < kMinOverlap || options.overlap > kMaxOverlap) {
      return Wrong(path, "'overlap' must be from 1 to 365 days");
    }
  }
  if (proto.approvals() < 0 || proto.approvals() > kMaxApprovals) {
    return Wrong(path,
                 absl::StrCat("'approvals' must be from 1 to ", kMaxApprovals));
  }
  if (proto.approvals() > 0) options.approvals = proto.approvals();
  return options;
}

}  // namespace anchorage::trustd
