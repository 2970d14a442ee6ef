// The course of rotations: what sources, people and instances say, and what is
// published.

#include "absl/synchronization/notification.h"
#include "test/support/mirror_fixture.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using verify::AnchorKind;

TEST_F(MirrorTest, ASourceThatSaysWhatIsPinnedChangesNothing) {
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_THAT(All(), SizeIs(0));
  EXPECT_EQ(Sequence(), 1u);
  const auto head = mirror_->ledger().head();
  // The same again is counted and no new fact.
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_EQ(mirror_->ledger().head().size, head.size);
  ASSERT_THAT(mirror_->Sources(), SizeIs(1));
  EXPECT_EQ(mirror_->Sources()[0].unchanged(), 1u);
}

TEST_F(MirrorTest, AReissueIsPublishedByItself) {
  const auto entries = Reissued();
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  ASSERT_THAT(All(), SizeIs(1));
  EXPECT_EQ(The(1).rotation_class(), v1::ROTATION_CLASS_RE_ISSUE);
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_COMPLETED);
  EXPECT_EQ(The(1).published_sequence(), 2u);
  EXPECT_EQ(The(1).decisions(0).by(), "policy");
  EXPECT_EQ(Sequence(), 2u);
  EXPECT_THAT(alerts_.committed,
              ElementsAre("ROTATION_DETECTED", "ROTATION_PUBLISHED"));
  // Nothing is left to do.
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  EXPECT_EQ(Sequence(), 2u);
  EXPECT_THAT(All(), SizeIs(1));
}

// They were called under the locks of mirror, publisher and hub: this hung.
TEST_F(MirrorTest, AWatcherOfPublicationsMayTakeAnyLock) {
  const auto told = std::make_shared<absl::Notification>();
  const std::uint64_t id = hub_.Watch([this, told](const Publication&) {
    if (told->HasBeenNotified()) return;
    EXPECT_TRUE(publisher_->RenewIfDue(now_).ok());
    EXPECT_THAT(All(), SizeIs(1));
    EXPECT_EQ(hub_.watchers(), 1u);
    told->Notify();
  });
  ASSERT_TRUE(Observe(PageOf(Reissued())).ok());
  EXPECT_TRUE(told->WaitForNotificationWithTimeout(absl::Seconds(10)));
  hub_.Unwatch(id);
}

TEST_F(MirrorTest, AReKeyWaitsForPeople) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_THAT(All(), SizeIs(1));
  EXPECT_EQ(The(1).rotation_class(), v1::ROTATION_CLASS_RE_KEY);
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_THAT(alerts_.subjects, ElementsAre("aws/eu-west-1/iid-rsa2048"));

  const auto decided =
      Decide(1, v1::Decision::KIND_APPROVE, "alice", "AWS announced it");
  ASSERT_TRUE(decided.ok()) << decided.status();
  EXPECT_EQ(decided->state(), v1::ROTATION_STATE_PUBLISHED);
  EXPECT_EQ(Sequence(), 2u);
  // Old and new side by side, until the overlap is over.
  const auto set = *anchors::ToAnchorSet(hub_.Current()->catalog, {});
  EXPECT_THAT(set->In({"aws", "eu-west-1", AnchorKind::kIidRsa2048}),
              SizeIs(2));
  now_ += kDefaultOverlap + absl::Hours(1);
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_COMPLETED);
}

TEST_F(MirrorTest, ManyApprovalsCanBeAskedFor) {
  options_.core.rotations.approvals = 2;
  Start();
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  const auto approve = [&](const std::string& who) {
    return Decide(1, v1::Decision::KIND_APPROVE, who, "yes")->state();
  };
  EXPECT_EQ(approve("alice"), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(approve("alice"), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(approve("bob"), v1::ROTATION_STATE_PUBLISHED);
}

TEST_F(MirrorTest, WhatIsRejectedStaysRejected) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_REJECT, "alice",
                     "the page was changed by someone")
                  .ok());
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_THAT(All(), SizeIs(1));
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_REJECTED);
  EXPECT_EQ(Decide(1, v1::Decision::KIND_APPROVE, "bob", "but").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(MirrorTest, DecisionsNeedAReasonAndARotation) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(
      Decide(1, v1::Decision::KIND_APPROVE, "alice", "").status()));
  EXPECT_TRUE(absl::IsNotFound(
      Decide(2, v1::Decision::KIND_APPROVE, "alice", "x").status()));
}

TEST_F(MirrorTest, AChangeThatGoesAwayIsClosed) {
  const Observation before = Page();
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(Observe(before).ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_WITHDRAWN);
  // When it comes again it is a new one.
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_THAT(All(), SizeIs(2));
  EXPECT_EQ(The(2).state(), v1::ROTATION_STATE_DETECTED);
}

TEST_F(MirrorTest, AnotherSourceCorroborates) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(Observe(Page("mirror")).ok());
  EXPECT_THAT(All(), SizeIs(1));
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_CORROBORATED);
  EXPECT_EQ(The(1).sources_size(), 2);
}

TEST_F(MirrorTest, ThePolicyCanWaitForAgreement) {
  ASSERT_TRUE(
      options_.core.rotations.policy
          .Set(RotationClass::kReKey, {.action = RotationAction::kPublishAfter,
                                       .sources = 2,
                                       .hold = absl::Hours(24)})
          .ok());
  Start();
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(Observe(Page("mirror")).ok());
  EXPECT_EQ(Sequence(), 1u);
  now_ += absl::Hours(25);
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(Sequence(), 2u);
}

TEST_F(MirrorTest, APersonHoldsThePolicyBack) {
  ASSERT_TRUE(
      options_.core.rotations.policy
          .Set(RotationClass::kReKey, {.action = RotationAction::kPublishAfter,
                                       .sources = 1,
                                       .hold = absl::Hours(24)})
          .ok());
  Start();
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(
      Decide(1, v1::Decision::KIND_HOLD, "alice", "I ask AWS first").ok());
  now_ += absl::Hours(25);
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(Sequence(), 1u);
}

TEST_F(MirrorTest, ATruncatedPageHoldsEverythingOnIt) {
  Rekey();
  auto entries = anchors::PageEntries(CatalogOf(aws_));
  entries.resize(entries.size() / 2 + 3);
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  EXPECT_EQ(Sequence(), 1u);
  bool anomaly = false;
  for (const v1::Rotation& rotation : All()) {
    anomaly |= rotation.rotation_class() == v1::ROTATION_CLASS_SOURCE_ANOMALY;
    EXPECT_EQ(rotation.state(), v1::ROTATION_STATE_DETECTED);
  }
  EXPECT_TRUE(anomaly);
  // The page is whole again: the anomaly goes away by itself.
  ASSERT_TRUE(Observe(Page()).ok());
  for (const v1::Rotation& rotation : All()) {
    if (rotation.rotation_class() == v1::ROTATION_CLASS_SOURCE_ANOMALY) {
      EXPECT_EQ(rotation.state(), v1::ROTATION_STATE_WITHDRAWN);
    }
  }
}

TEST_F(MirrorTest, AnAnomalyCannotBeApproved) {
  Observation empty = PageOf({});
  ASSERT_TRUE(Observe(empty).ok());
  ASSERT_FALSE(All().empty());
  EXPECT_EQ(Decide(1, v1::Decision::KIND_APPROVE, "alice", "x").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(MirrorTest, EvidenceUnderAPinnedKeyIsNothingNew) {
  const auto outcome = mirror_->SubmitEvidence(Evidence(), "fleet", now_);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->kind, ProofOutcome::Kind::kPinned);
  EXPECT_THAT(All(), SizeIs(0));
}

TEST_F(MirrorTest, EvidenceUnderACandidateIsProof) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  const auto outcome = mirror_->SubmitEvidence(Evidence(), "fleet", now_);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->kind, ProofOutcome::Kind::kCandidate);
  EXPECT_EQ(outcome->rotation_id, 1u);
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_CORROBORATED);
  // One instance proves once.
  ASSERT_TRUE(mirror_->SubmitEvidence(Evidence(), "fleet", now_).ok());
  EXPECT_EQ(The(1).live_proofs_size(), 1);
  ASSERT_TRUE(
      mirror_->SubmitEvidence(Evidence("i-0fedcba9876543210"), "fleet", now_)
          .ok());
  EXPECT_EQ(The(1).live_proofs_size(), 2);
}

TEST_F(MirrorTest, AnUnknownSignerIsTheEarliestAlarm) {
  Rekey();
  const auto outcome = mirror_->SubmitEvidence(Evidence(), "fleet", now_);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->kind, ProofOutcome::Kind::kUnknownSigner);
  EXPECT_NE(outcome->signer_serial, "");
  EXPECT_EQ(The(1).rotation_class(), v1::ROTATION_CLASS_UNKNOWN_SIGNER);
  EXPECT_THAT(alerts_.committed, ElementsAre("ROTATION_DETECTED"));
  // When the page shows the key, that evidence is its proof.
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_THAT(All(), SizeIs(2));
  EXPECT_EQ(The(2).state(), v1::ROTATION_STATE_CORROBORATED);
  EXPECT_EQ(The(2).live_proofs_size(), 1);
  // And once it is pinned, the alarm is over.
  ASSERT_TRUE(Decide(2, v1::Decision::KIND_APPROVE, "alice", "proved").ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_WITHDRAWN);
}

TEST_F(MirrorTest, RefusesEvidenceThatCannotBeRead) {
  v1::Evidence evidence;
  evidence.set_rsa2048("no base64!");
  EXPECT_FALSE(mirror_->SubmitEvidence(evidence, "fleet", now_).ok());
  EXPECT_FALSE(mirror_->SubmitEvidence({}, "fleet", now_).ok());
  EXPECT_THAT(All(), SizeIs(0));
}

TEST_F(MirrorTest, PeopleCanRevokeAtOnce) {
  const auto anchor = seed_.anchors.front();
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_REVOKE);
  fact.mutable_slot()->set_partition(anchor.slot.partition);
  fact.mutable_slot()->set_region(anchor.slot.region);
  fact.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_DSA);
  fact.set_spki_sha256(anchor.spki_sha256);
  fact.set_by("alice");
  fact.set_why("its key was stolen");
  // The last key of its slot.
  EXPECT_EQ(mirror_->Pin({.fact = fact}, now_).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Sequence(), 1u);
  const auto sequence = mirror_->Pin({.fact = fact, .last_key = true}, now_);
  ASSERT_TRUE(sequence.ok()) << sequence.status();
  EXPECT_THAT(alerts_.committed, ElementsAre("ANCHOR_CHANGED"));
  EXPECT_EQ(sequence->sequence, 2u);
  EXPECT_EQ(hub_.Current()->catalog.anchors.front().status,
            verify::AnchorStatus::kRevoked);
  EXPECT_EQ(
      mirror_->Pin({.fact = fact, .last_key = true}, now_).status().code(),
      absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace anchorage::trustd
