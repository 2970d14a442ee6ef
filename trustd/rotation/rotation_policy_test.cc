#include "trustd/rotation/rotation_policy.h"

#include "gtest/gtest.h"

namespace anchorage::trustd {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

constexpr RotationClass kPublishable[] = {
    RotationClass::kReissue, RotationClass::kNewKind, RotationClass::kNewRegion,
    RotationClass::kReKey, RotationClass::kAlgorithmChange};
constexpr RotationClass kForPeople[] = {RotationClass::kRemoval,
                                        RotationClass::kSourceAnomaly};

Change Of(RotationClass rotation_class) {
  Change change;
  change.rotation_class = rotation_class;
  return change;
}

// One source, an hour ago.
EvidenceSummary Good() {
  EvidenceSummary evidence;
  evidence.agreeing_sources = 1;
  evidence.first_seen = kNow - absl::Hours(1);
  return evidence;
}

Outcome OutcomeOf(const Change& change, const EvidenceSummary& evidence,
                  const RotationPolicy& policy) {
  const Decision decision = Decide(change, evidence, policy, kNow);
  EXPECT_FALSE(decision.reason.empty());
  EXPECT_EQ(decision.until != absl::InfiniteFuture(),
            decision.outcome == Outcome::kWaitUntil);
  return decision.outcome;
}

RotationPolicy With(RotationClass rotation_class, const RotationRule& rule) {
  RotationPolicy policy;
  EXPECT_TRUE(policy.Set(rotation_class, rule).ok());
  return policy;
}

RotationPolicy ReKeyAfter(int sources, int live_proofs, absl::Duration hold) {
  return With(RotationClass::kReKey,
              {RotationAction::kPublishAfter, sources, live_proofs, hold});
}

TEST(RotationPolicyTest, ByDefaultAReissueIsPublishedAndAllElseIsHeld) {
  for (int i = 0; i <= static_cast<int>(RotationClass::kMaxValue); ++i) {
    const auto rotation_class = static_cast<RotationClass>(i);
    EXPECT_EQ(OutcomeOf(Of(rotation_class), Good(), RotationPolicy()),
              rotation_class == RotationClass::kReissue
                  ? Outcome::kPublishNow
                  : Outcome::kHoldForPeople);
  }
}

TEST(RotationPolicyTest, TheTableDecidesEachClass) {
  for (const RotationClass rotation_class : kPublishable) {
    EXPECT_EQ(OutcomeOf(Of(rotation_class), Good(),
                        With(rotation_class, {RotationAction::kPublish})),
              Outcome::kPublishNow);
    EXPECT_EQ(OutcomeOf(Of(rotation_class), Good(),
                        With(rotation_class, {RotationAction::kHold})),
              Outcome::kHoldForPeople);
  }
}

TEST(RotationPolicyTest, RemovalsAndAnomaliesCannotBePublished) {
  for (const RotationClass rotation_class : kForPeople) {
    RotationPolicy policy;
    EXPECT_FALSE(policy.Set(rotation_class, {RotationAction::kPublish}).ok());
    EXPECT_FALSE(
        policy.Set(rotation_class, {RotationAction::kPublishAfter, 1}).ok());
    EXPECT_TRUE(policy.Set(rotation_class, {RotationAction::kHold}).ok());
    EvidenceSummary evidence = Good();
    evidence.agreeing_sources = kMaxRotationEvidence;
    EXPECT_EQ(OutcomeOf(Of(rotation_class), evidence, policy),
              Outcome::kHoldForPeople);
  }
}

TEST(RotationPolicyTest, WhatIsHeldOrContradictedWaitsForPeople) {
  Change held = Of(RotationClass::kReissue);
  held.held_by = {"the source has an anomaly"};
  EXPECT_EQ(OutcomeOf(held, Good(), RotationPolicy()), Outcome::kHoldForPeople);
  EvidenceSummary contradicted = Good();
  contradicted.disagreeing_sources = 1;
  EXPECT_EQ(
      OutcomeOf(Of(RotationClass::kReissue), contradicted, RotationPolicy()),
      Outcome::kHoldForPeople);
  EvidenceSummary gone = Good();
  gone.agreeing_sources = 0;
  EXPECT_EQ(OutcomeOf(Of(RotationClass::kReissue), gone, RotationPolicy()),
            Outcome::kHoldForPeople);
}

TEST(RotationPolicyTest, EnoughSourcesOrEnoughProofsAgree) {
  const Change change = Of(RotationClass::kReKey);
  struct Row {
    int sources, proofs;
    Outcome outcome;
  };
  for (const Row& row :
       {Row{1, 0, Outcome::kHoldForPeople}, Row{2, 0, Outcome::kPublishNow},
        Row{1, 2, Outcome::kHoldForPeople}, Row{1, 3, Outcome::kPublishNow},
        Row{0, 3, Outcome::kPublishNow}}) {
    EvidenceSummary evidence = Good();
    evidence.agreeing_sources = row.sources;
    evidence.live_proofs = row.proofs;
    EXPECT_EQ(
        OutcomeOf(change, evidence, ReKeyAfter(2, 3, absl::ZeroDuration())),
        row.outcome)
        << row.sources << " " << row.proofs;
  }
  // Evidence that the rule does not name is never enough.
  EvidenceSummary proofs = Good();
  proofs.live_proofs = kMaxRotationEvidence;
  EXPECT_EQ(OutcomeOf(change, proofs, ReKeyAfter(2, 0, absl::ZeroDuration())),
            Outcome::kHoldForPeople);
}

TEST(RotationPolicyTest, TheHoldIsWaitedForToItsEnd) {
  const Change change = Of(RotationClass::kReKey);
  const RotationPolicy policy = ReKeyAfter(1, 0, absl::Hours(24));
  const EvidenceSummary evidence = Good();
  const absl::Time end = evidence.first_seen + absl::Hours(24);
  const Decision before =
      Decide(change, evidence, policy, end - absl::Nanoseconds(1));
  EXPECT_EQ(before.outcome, Outcome::kWaitUntil);
  EXPECT_EQ(before.until, end);
  EXPECT_EQ(Decide(change, evidence, policy, end).outcome,
            Outcome::kPublishNow);
  // A clock that went back waits longer, and no less.
  EXPECT_EQ(Decide(change, evidence, policy, kNow - absl::Hours(48)).until,
            end);
}

TEST(RotationPolicyTest, RulesThatCannotBeKeptAreRefused) {
  using enum RotationAction;
  const RotationRule bad[] = {
      {kPublishAfter},
      {kPublishAfter, 0, 0, absl::Hours(1)},
      {kPublishAfter, -1, 1},
      {kPublishAfter, 1, -1},
      {kPublishAfter, kMaxRotationEvidence + 1},
      {kPublishAfter, 1, kMaxRotationEvidence + 1},
      {kPublishAfter, 1, 0, -absl::Seconds(1)},
      {kPublishAfter, 1, 0, kMaxRotationHold + absl::Seconds(1)},
      {kPublish, 1},
      {kPublish, 0, 0, absl::Hours(1)},
      {kHold, 0, 1},
  };
  for (const RotationRule& rule : bad) {
    RotationPolicy policy;
    EXPECT_EQ(policy.Set(RotationClass::kReKey, rule).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(policy.rule(RotationClass::kReKey), RotationRule());
  }
}

}  // namespace
}  // namespace anchorage::trustd
