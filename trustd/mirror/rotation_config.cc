#include "trustd/mirror/rotation_config.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "trustd/base/config_reader.h"
#include "trustd/rotation/rotation_policy.h"

namespace anchorage::trustd {
namespace {

constexpr absl::Duration kMinOverlap = absl::Hours(24);
constexpr absl::Duration kMaxOverlap = absl::Hours(365 * 24);
constexpr int kMaxApprovals = 10;

void ReadRule(const v1::RotationRule& proto, ConfigReader& reader,
              RotationPolicy& policy) {
  const auto fail = [&](const std::string& what) {
    reader.Fail(absl::StrCat("'", proto.class_(), "'", what));
  };
  const auto rotation_class = RotationClassNamed(proto.class_());
  if (!rotation_class.has_value()) {
    return fail(" is not a class, such as RE_ISSUE");
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
      return fail(" has no 'action'");
  }
  const bool has_conditions =
      proto.sources() != 0 || proto.live_proofs() != 0 || proto.has_hold();
  if (has_conditions && rule.action != RotationAction::kPublishAfter) {
    return fail(
        ": 'sources', 'live_proofs' and 'hold' are of ACTION_PUBLISH_AFTER "
        "alone");
  }
  rule.sources = proto.sources();
  rule.live_proofs = proto.live_proofs();
  rule.hold = absl::Seconds(proto.hold().seconds());
  if (absl::Status s = policy.Set(*rotation_class, rule); !s.ok()) {
    fail(absl::StrCat(": ", s.message()));
  }
}

// What a source can show, and a person need not ask for.
void AddDefaultRules(const std::set<std::string>& given,
                     const RotationPolicy& policy, v1::RotationConfig& proto) {
  for (int i = 0; i <= static_cast<int>(RotationClass::kSourceAnomaly); ++i) {
    const auto rotation_class = static_cast<RotationClass>(i);
    const std::string name(NameOf(rotation_class));
    if (given.count(name) != 0) continue;
    v1::RotationRule& rule = *proto.add_rules();
    rule.set_class_(name);
    // By default nothing waits for a number of sources.
    rule.set_action(policy.rule(rotation_class).action ==
                            RotationAction::kPublish
                        ? v1::RotationRule::ACTION_PUBLISH
                        : v1::RotationRule::ACTION_HOLD);
  }
}

}  // namespace

absl::StatusOr<RotationOptions> ReadRotationOptions(v1::RotationConfig& proto,
                                                    const std::string& path) {
  ConfigReader reader(path, "'rotations'", &proto);
  RotationOptions options;
  std::set<std::string> classes;
  for (const v1::RotationRule& rule : proto.rules()) {
    ReadRule(rule, reader, options.policy);
    if (!classes.insert(rule.class_()).second) {
      reader.Fail(absl::StrCat("'", rule.class_(), "' has two rules"));
    }
  }
  AddDefaultRules(classes, options.policy, proto);
  options.overlap =
      reader.Within(proto.has_overlap(), proto.overlap(), options.overlap,
                    kMinOverlap, kMaxOverlap, "overlap");
  options.approvals = reader.Within(proto.approvals(), options.approvals, 1,
                                    kMaxApprovals, "approvals");
  if (!reader.status().ok()) return reader.status();
  return options;
}

}  // namespace anchorage::trustd
