// Starts that go by a checkpoint of the record.

#include "anchors/catalog_proto.h"
#include "test/support/forge_checkpoint.h"
#include "test/support/mirror_fixture.h"

namespace anchorage::trustd {
namespace {

class MirrorCheckpointTest : public MirrorTest {
 protected:
  MirrorCheckpointTest() { options_.records_between_checkpoints = 1; }

  absl::Status Check() {
    return mirror_->CheckRecord([] { return true; });
  }

  absl::StatusOr<Mirror::Pinned> Revoke() {
    PersonPins pin;
    pin.fact.set_action(v1::PinFact::ACTION_REVOKE);
    const anchors::CatalogAnchor& anchor = seed_.anchors.front();
    *pin.fact.mutable_slot() = anchors::ToProto(anchor.slot);
    pin.fact.set_spki_sha256(anchor.spki_sha256);
    pin.fact.set_by("alice");
    pin.fact.set_why("stolen");
    pin.last_key = true;
    return mirror_->Pin(pin, now_);
  }

  // A re-key that is held, and a checkpoint that has it.
  void DetectRekey() {
    Rekey();
    ASSERT_TRUE(Observe(Page()).ok());
    ASSERT_EQ(The(1).state(), v1::ROTATION_STATE_DETECTED);
    // A fact behind it, which has the checkpoint written.
    ASSERT_TRUE(
        mirror_->SourceFailed("aws-docs", "TIMED_OUT", "slow", now_).ok());
    ASSERT_TRUE(store_.values.count("checkpoint"));
  }

  // The checkpoint says that alice approved the re-key, and that it waits for
  // its publication alone.
  void ForgeApproval() {
    ASSERT_TRUE(ForgeCheckpoint(store_, [](auto&, auto& piece) {
      v1::CheckpointPiece::Entry& entry = *piece.mutable_entries(0);
      v1::Decision& decision = *entry.mutable_rotation()->add_decisions();
      decision.set_kind(v1::Decision::KIND_APPROVE);
      decision.set_by("alice");
      decision.set_effect_sha256(entry.rotation().effect_sha256());
      entry.mutable_rotation()->set_state(v1::ROTATION_STATE_APPROVED);
      entry.mutable_approved_time()->set_seconds(absl::ToUnixSeconds(kNow));
    }));
  }
};

TEST_F(MirrorCheckpointTest, NothingComesIntoUseBeforeTheRecordIsRead) {
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(
      mirror_->SourceFailed("aws-docs", "TIMED_OUT", "slow", now_).ok());
  ASSERT_TRUE(store_.values.count("checkpoint"));
  Start();
  ASSERT_TRUE(Observe(PageOf(Reissued())).ok());
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(Sequence(), 1u);
  ASSERT_TRUE(Check().ok());
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(Sequence(), 2u);
}

TEST_F(MirrorCheckpointTest, ApprovalsCountWhenTheRecordIsRead) {
  DetectRekey();
  Start();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes").ok());
  EXPECT_EQ(Sequence(), 1u);
  ASSERT_TRUE(Check().ok());
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(Sequence(), 2u);
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_PUBLISHED);
}

TEST_F(MirrorCheckpointTest, ARevocationDoesNotWait) {
  DetectRekey();
  Start();
  const auto pinned = Revoke();
  ASSERT_TRUE(pinned.ok()) << pinned.status();
  EXPECT_EQ(Sequence(), 2u);
}

TEST_F(MirrorCheckpointTest, AForgedApprovalPublishesNothingAndIsFound) {
  DetectRekey();
  ForgeApproval();
  Start();
  ASSERT_EQ(The(1).decisions_size(), 1) << "the start goes by the checkpoint";
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_TRUE(absl::IsDataLoss(Check()));
  EXPECT_TRUE(absl::IsDataLoss(mirror_->ledger().health()));
  EXPECT_TRUE(absl::IsDataLoss(Check())) << "once more says the same";
  const auto size = mirror_->ledger().head().size;
  EXPECT_TRUE(absl::IsDataLoss(mirror_->Settle(now_)));
  EXPECT_TRUE(absl::IsDataLoss(Observe(PageOf(Reissued()))));
  EXPECT_TRUE(absl::IsDataLoss(Revoke().status()));
  EXPECT_TRUE(absl::IsDataLoss(
      Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes").status()));
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_EQ(mirror_->ledger().head().size, size);
}

TEST_F(MirrorCheckpointTest, AForgedApprovalIsNotProposed) {
  options_.core.offline = true;
  Start();
  DetectRekey();
  ForgeApproval();
  Start();
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_FALSE(std::filesystem::exists(options_.proposal_path));
  EXPECT_TRUE(absl::IsDataLoss(Check()));
  EXPECT_TRUE(absl::IsDataLoss(mirror_->Settle(now_)));
  EXPECT_FALSE(std::filesystem::exists(options_.proposal_path));
}

TEST_F(MirrorCheckpointTest, NoCheckpointIsMadeOfWhatWasNotChecked) {
  DetectRekey();
  Start();
  const std::string before = store_.values["checkpoint"];
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_HOLD, "bob", "still").ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_HOLD, "bob", "still").ok());
  EXPECT_EQ(store_.values["checkpoint"], before);
  ASSERT_TRUE(Check().ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_HOLD, "bob", "still").ok());
  EXPECT_NE(store_.values["checkpoint"], before);
}

TEST_F(MirrorCheckpointTest, ACheckThatCannotReadIsTriedAgain) {
  DetectRekey();
  Start();
  EXPECT_TRUE(absl::IsCancelled(mirror_->CheckRecord([] { return false; })));
  EXPECT_TRUE(mirror_->ledger().health().ok());
  EXPECT_TRUE(Check().ok());
}

// With a checkpoint in every commit: none of them is ahead of the record, or of
// something else.
TEST_F(MirrorCheckpointTest, ACrashBetweenAnyTwoCommitsLosesNothing) {
  Rekey();
  for (int survive = 0; survive < 12; ++survive) {
    store_ = FakeStore();
    hub_.~PublicationHub();
    new (&hub_) PublicationHub();
    Start();
    store_.commits_left = survive;
    (void)Observe(Page());
    (void)Decide(1, v1::Decision::KIND_HOLD, "bob", "wait");
    (void)Observe(PageOf({}, "other"));
    (void)Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes");
    store_.commits_left.reset();
    sources_ = {{"aws-docs", "aws-docs"}};
    Start();
    ASSERT_TRUE(Check().ok()) << survive;
    ASSERT_TRUE(mirror_->ledger().health().ok());
    ASSERT_TRUE(Observe(Page()).ok());
    if (The(1).state() != v1::ROTATION_STATE_PUBLISHED) {
      ASSERT_TRUE(Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes").ok());
    }
    EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_PUBLISHED) << survive;
    EXPECT_EQ(Sequence(), 2u) << survive;
  }
}

}  // namespace
}  // namespace anchorage::trustd
