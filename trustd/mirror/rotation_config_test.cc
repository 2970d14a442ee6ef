#include "trustd/mirror/rotation_config.h"

#include <gtest/gtest.h>

#include <string>

#include "anchors/base/yaml_to_proto.h"

namespace anchorage::trustd {
namespace {

absl::StatusOr<RotationOptions> Read(const std::string& yaml) {
  v1::RotationConfig proto;
  const absl::Status status = anchors::ReadYaml(yaml, "trustd.yaml", proto);
  EXPECT_TRUE(status.ok()) << status;
  return ReadRotationOptions(proto, "trustd.yaml");
}

absl::StatusOr<RotationOptions> ReadRule(const std::string& fields) {
  return Read("rules:\n  - {" + fields + "}\n");
}

void ExpectRefused(const absl::StatusOr<RotationOptions>& options) {
  EXPECT_TRUE(absl::IsInvalidArgument(options.status())) << options.status();
}

TEST(RotationConfig, HoldsAllButReissuesByDefault) {
  v1::RotationConfig none;
  const auto options = ReadRotationOptions(none, "trustd.yaml");
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->policy.rule(RotationClass::kReissue).action,
            RotationAction::kPublish);
  EXPECT_EQ(options->policy.rule(RotationClass::kReKey).action,
            RotationAction::kHold);
  EXPECT_EQ(options->overlap, absl::Hours(90 * 24));
  EXPECT_EQ(options->approvals, 1);
}

TEST(RotationConfig, ReadsRules) {
  const auto options = Read(R"(
rules:
  - {class: RE_ISSUE, action: ACTION_HOLD}
  - {class: RE_KEY, action: ACTION_PUBLISH_AFTER, sources: 2, live_proofs: 3, hold: 3600s}
  - {class: NEW_REGION, action: ACTION_PUBLISH}
overlap: 864000s
approvals: 2
)");
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->policy.rule(RotationClass::kReissue).action,
            RotationAction::kHold);
  const RotationRule want{RotationAction::kPublishAfter, 2, 3, absl::Hours(1)};
  EXPECT_EQ(options->policy.rule(RotationClass::kReKey), want);
  EXPECT_EQ(options->policy.rule(RotationClass::kNewRegion).action,
            RotationAction::kPublish);
  EXPECT_EQ(options->overlap, absl::Hours(10 * 24));
  EXPECT_EQ(options->approvals, 2);
}

TEST(RotationConfig, RefusesAnUnknownClass) {
  ExpectRefused(ReadRule("class: REISSUE, action: ACTION_HOLD"));
  ExpectRefused(ReadRule("class: UNKNOWN_SIGNER, action: ACTION_HOLD"));
}

TEST(RotationConfig, RefusesARuleWithoutAnAction) {
  ExpectRefused(ReadRule("class: RE_KEY"));
}

TEST(RotationConfig, RefusesToPublishRemovalsAndAnomalies) {
  ExpectRefused(ReadRule("class: REMOVAL, action: ACTION_PUBLISH"));
  ExpectRefused(ReadRule("class: SOURCE_ANOMALY, action: ACTION_PUBLISH"));
}

TEST(RotationConfig, RefusesEvidenceThatNothingWaitsFor) {
  ExpectRefused(ReadRule("class: RE_KEY, action: ACTION_PUBLISH, sources: 2"));
  ExpectRefused(ReadRule("class: RE_KEY, action: ACTION_HOLD, hold: 60s"));
}

TEST(RotationConfig, RefusesToWaitForNothing) {
  ExpectRefused(ReadRule("class: RE_KEY, action: ACTION_PUBLISH_AFTER"));
}

TEST(RotationConfig, RefusesTwoRulesForAClass) {
  ExpectRefused(
      Read("rules:\n  - {class: RE_KEY, action: ACTION_HOLD}\n"
           "  - {class: RE_KEY, action: ACTION_PUBLISH}\n"));
}

TEST(RotationConfig, RefusesWhatIsOutsideItsLimits) {
  ExpectRefused(Read("overlap: 86399s\n"));
  ExpectRefused(Read("overlap: 31536001s\n"));
  ExpectRefused(Read("approvals: 11\n"));
  ExpectRefused(Read("approvals: -1\n"));
  EXPECT_TRUE(Read("overlap: 86400s\n").ok());
  EXPECT_TRUE(Read("approvals: 10\n").ok());
}

}  // namespace
}  // namespace anchorage::trustd
