// Taking a published rotation back.

#include "test/support/mirror_fixture.h"
#include "trustd/mirror/undo.h"

namespace anchorage::trustd {
namespace {

using ::testing::ElementsAre;
using verify::AnchorStatus;

class UndoTest : public IrelandTest {
 protected:
  void SetUp() override {
    options_.core.rotations.approvals = 2;
    IrelandTest::SetUp();
    ASSERT_TRUE(Show({NewCertificate()}).ok());
    Publish(1);
    ASSERT_EQ(StatusOf(Key()), AnchorStatus::kRetiring);
    ASSERT_EQ(StatusOf(TheNewKey()), AnchorStatus::kActive);
  }

  std::string NewCertificate() const {
    return SignedOn(kNow - absl::Hours(1), "\x33", NewKey());
  }
  static std::string TheNewKey() {
    return verify::Sha256Hex(NewKey().spki_der());
  }

  void Publish(std::uint64_t id) {
    for (const char* by : {"alice", "bob"}) {
      const auto rotation =
          Decide(id, v1::Decision::KIND_APPROVE, by, "AWS says so");
      ASSERT_TRUE(rotation.ok()) << rotation.status();
    }
  }
  absl::StatusOr<v1::Rotation> Undo(std::uint64_t id, const std::string& by,
                                    bool revokes = false) {
    return mirror_->Undo({.rotation_id = id,
                          .by = by,
                          .why = "AWS knows nothing of it",
                          .revokes = revokes},
                         now_);
  }
};

TEST_F(UndoTest, BringsTheOldKeyBackAndRetiresTheNewOneInOnePublication) {
  const std::uint64_t before = Sequence();
  const auto asked = Undo(1, "olga");
  ASSERT_TRUE(asked.ok()) << asked.status();
  const std::uint64_t id = asked->id();
  EXPECT_EQ(asked->rotation_class(), v1::ROTATION_CLASS_UNDO);
  EXPECT_EQ(asked->state(), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(asked->undo().rotation_id(), 1u);
  EXPECT_THAT(asked->undo().reactivated_spki_sha256(), ElementsAre(Key()));
  EXPECT_THAT(asked->undo().ended_spki_sha256(), ElementsAre(TheNewKey()));
  // One person is not enough.
  EXPECT_EQ(Sequence(), before);
  EXPECT_EQ(Alerts("ANCHOR_CHANGED"), 1);
  ASSERT_TRUE(
      Decide(id, v1::Decision::KIND_APPROVE, "bob", "so AWS says").ok());
  EXPECT_EQ(Sequence(), before + 1);
  EXPECT_EQ(StatusOf(Key()), AnchorStatus::kActive);
  EXPECT_FALSE(AnchorOf(Key()).valid_until.has_value());
  EXPECT_EQ(StatusOf(TheNewKey()), AnchorStatus::kRetired);
  EXPECT_EQ(The(id).published_sequence(), before + 1);
  EXPECT_EQ(The(id).state(), v1::ROTATION_STATE_COMPLETED);
}

TEST_F(UndoTest, CanBeUndoneInTurn) {
  const auto asked = Undo(1, "olga");
  ASSERT_TRUE(asked.ok());
  ASSERT_TRUE(Undo(1, "bob").ok());
  ASSERT_EQ(StatusOf(TheNewKey()), AnchorStatus::kRetired);
  const auto again = Undo(asked->id(), "olga");
  ASSERT_TRUE(again.ok()) << again.status();
  ASSERT_TRUE(Undo(asked->id(), "alice").ok());
  EXPECT_EQ(StatusOf(TheNewKey()), AnchorStatus::kActive);
  EXPECT_EQ(StatusOf(Key()), AnchorStatus::kRetired);
}

TEST_F(UndoTest, BringsARetiredKeyBackToo) {
  ASSERT_TRUE(Pin(v1::PinFact::ACTION_RETIRE, Key(), "olga").ok());
  ASSERT_EQ(StatusOf(Key()), AnchorStatus::kRetired);
  ASSERT_TRUE(Undo(1, "olga").ok());
  ASSERT_TRUE(Undo(1, "alice").ok());
  EXPECT_EQ(StatusOf(Key()), AnchorStatus::kActive);
  EXPECT_EQ(StatusOf(TheNewKey()), AnchorStatus::kRetired);
}

TEST_F(UndoTest, RevokesOnlyWhereThatIsSaid) {
  const auto asked = Undo(1, "olga", /*revokes=*/true);
  ASSERT_TRUE(asked.ok());
  EXPECT_TRUE(asked->undo().revokes());
  EXPECT_EQ(alerts_.anchor_changed.facts.at("action"), "UNDO_REVOKE");
  EXPECT_EQ(alerts_.anchor_changed.facts.at("key"), TheNewKey());
  // That somebody wants it retired is no approval of that it is revoked.
  const auto other = Undo(1, "alice");
  ASSERT_TRUE(other.ok());
  EXPECT_NE(other->id(), asked->id());
  EXPECT_EQ(alerts_.anchor_changed.facts.at("action"), "UNDO");
  EXPECT_EQ(alerts_.anchor_changed.facts.at("key"), Key());
  EXPECT_EQ(StatusOf(TheNewKey()), AnchorStatus::kActive);
  ASSERT_TRUE(Undo(1, "bob", /*revokes=*/true).ok());
  EXPECT_EQ(StatusOf(TheNewKey()), AnchorStatus::kRevoked);
  // What is revoked never comes back.
  EXPECT_TRUE(absl::IsFailedPrecondition(Undo(asked->id(), "olga").status()));
}

TEST_F(UndoTest, OnePersonApprovesOnce) {
  ASSERT_TRUE(Undo(1, "olga").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Undo(1, "olga").status()));
  EXPECT_EQ(StatusOf(TheNewKey()), AnchorStatus::kActive);
}

TEST_F(UndoTest, IsOfAPublishedRotationThatReplacedAKey) {
  EXPECT_TRUE(absl::IsNotFound(Undo(99, "olga").status()));
  // A re-issue replaces no key.
  ASSERT_TRUE(Show({SignedOn(kNow, "\x34", NewKey())}).ok());
  ASSERT_EQ(The(2).rotation_class(), v1::ROTATION_CLASS_RE_ISSUE);
  ASSERT_NE(The(2).published_sequence(), 0u);
  EXPECT_TRUE(absl::IsFailedPrecondition(Undo(2, "olga").status()));
  // What is still open is rejected, not taken back.
  ASSERT_TRUE(
      Show({SignedOn(kNow, "\x35", aws_.KeyOf("us-east-1", kIreland.kind))})
          .ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Undo(3, "olga").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      mirror_->Undo({.rotation_id = 1, .by = "olga", .why = ""}, now_)
          .status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      mirror_->Undo({.rotation_id = 1, .by = "olga", .why = " \t\n"}, now_)
          .status()));
}

TEST_F(UndoTest, IsRefusedOnceTheKeysAreSomethingElse) {
  ASSERT_TRUE(Pin(v1::PinFact::ACTION_REVOKE, Key(), "olga").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Undo(1, "olga").status()));
}

// Where the slot changes before enough people approved, it would do something
// else.
TEST_F(UndoTest, ApprovalsAreOfWhatItDoes) {
  const auto asked = Undo(1, "olga");
  ASSERT_TRUE(asked.ok());
  ASSERT_TRUE(Pin(v1::PinFact::ACTION_RETIRE, Key(), "olga").ok());
  const auto now = The(asked->id());
  EXPECT_NE(now.effect_sha256(), asked->effect_sha256());
  ASSERT_TRUE(
      Decide(asked->id(), v1::Decision::KIND_APPROVE, "bob", "so it is").ok());
  EXPECT_EQ(StatusOf(Key()), AnchorStatus::kRetired);
  EXPECT_EQ(Alerts("APPROVALS_VOID"), 1);
}

// While the page still shows the key that was taken back, nothing brings it in
// again, and the source is not relied on.
TEST_F(UndoTest, ThePageDoesNotBringTheKeyInAgain) {
  ASSERT_TRUE(Undo(1, "olga").ok());
  ASSERT_TRUE(Undo(1, "bob").ok());
  Pass(absl::Hours(30));
  ASSERT_TRUE(Show({NewCertificate()}).ok());
  ASSERT_TRUE(Show({NewCertificate()}, "mirror").ok());
  EXPECT_EQ(StatusOf(Key()), AnchorStatus::kActive);
  EXPECT_EQ(StatusOf(TheNewKey()), AnchorStatus::kRetired);
  EXPECT_GT(Open(v1::ROTATION_CLASS_SOURCE_ANOMALY), 0);
}

TEST_F(UndoTest, OutlivesARestart) {
  const auto asked = Undo(1, "olga");
  ASSERT_TRUE(asked.ok());
  Start();
  EXPECT_EQ(The(asked->id()).undo().SerializeAsString(),
            asked->undo().SerializeAsString());
  ASSERT_TRUE(Undo(1, "bob").ok());
  EXPECT_EQ(StatusOf(TheNewKey()), AnchorStatus::kRetired);
}

// All of it is one commit: what fails leaves nothing behind.
TEST_F(UndoTest, IsOnTheDiskAsAWholeOrNotAtAll) {
  const auto asked = Undo(1, "olga");
  ASSERT_TRUE(asked.ok());
  store_.failure = absl::UnavailableError("the disk is full");
  EXPECT_FALSE(Undo(1, "bob").ok());
  store_.failure = absl::OkStatus();
  EXPECT_EQ(StatusOf(TheNewKey()), AnchorStatus::kActive);
  Start();
  EXPECT_EQ(StatusOf(TheNewKey()), AnchorStatus::kActive);
  EXPECT_EQ(The(asked->id()).decisions_size(), 1);
  ASSERT_TRUE(Undo(1, "bob").ok());
  EXPECT_EQ(StatusOf(TheNewKey()), AnchorStatus::kRetired);
  EXPECT_EQ(StatusOf(Key()), AnchorStatus::kActive);
}

class OfflineUndoTest : public IrelandTest {};

TEST_F(OfflineUndoTest, IsProposedForPeopleToSign) {
  ASSERT_TRUE(Show({SignedOn(kNow - absl::Hours(1), "\x33", NewKey())}).ok());
  ASSERT_TRUE(
      Decide(1, v1::Decision::KIND_APPROVE, "alice", "AWS says so").ok());
  options_.core.offline = true;
  Start();
  const auto asked = mirror_->Undo(
      {.rotation_id = 1, .by = "olga", .why = "it is not AWS's"}, now_);
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_EQ(asked->state(), v1::ROTATION_STATE_APPROVED);
  const auto text = anchors::ReadFile(options_.proposal_path, 1 << 22);
  ASSERT_TRUE(text.ok());
  const auto proposal = anchors::ParseCatalog(*text);
  ASSERT_TRUE(proposal.ok());
  EXPECT_EQ(anchors::FindAnchor(*proposal, kIreland, Key())->status,
            AnchorStatus::kActive);
  EXPECT_EQ(anchors::FindAnchor(*proposal, kIreland,
                                verify::Sha256Hex(NewKey().spki_der()))
                ->status,
            AnchorStatus::kRetired);
  // Signed, it is published.
  anchors::Catalog signed_now = *proposal;
  ASSERT_TRUE(Publish(signed_now, now_).ok());
  Pass(absl::Minutes(1));
  EXPECT_EQ(The(asked->id()).published_sequence(), Sequence());
  EXPECT_EQ(StatusOf(Key()), AnchorStatus::kActive);
}

}  // namespace
}  // namespace anchorage::trustd
