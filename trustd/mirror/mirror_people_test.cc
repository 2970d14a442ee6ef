// What people may do, how many must agree, and of what an approval is.

#include <filesystem>
#include <future>
#include <memory>
#include <thread>

#include "test/support/mirror_fixture.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using verify::AnchorKind;
using verify::AnchorStatus;

using Action = v1::PinFact;

class PeopleTest : public IrelandTest {
 protected:
  void SetUp() override {
    options_.core.rotations.approvals = 2;
    IrelandTest::SetUp();
  }

  absl::StatusOr<v1::Rotation> Approve(std::uint64_t id,
                                       const std::string& who) {
    return Decide(id, v1::Decision::KIND_APPROVE, who, "AWS announced it");
  }

  // A re-key of Ireland, which one person has approved.
  void ApprovedByAlice() {
    Rekey();
    ASSERT_TRUE(Observe(Page()).ok());
    const auto approved = Approve(1, "alice");
    ASSERT_TRUE(approved.ok()) << approved.status();
    ASSERT_EQ(approved->state(), v1::ROTATION_STATE_DETECTED);
  }
};

// --- RETIRED and REVOKED ---------------------------------------------------------

class RetiredTest : public PeopleTest {
 protected:
  void SetUp() override {
    PeopleTest::SetUp();
    // Of the wrong key.
    ASSERT_TRUE(Pin(Action::ACTION_RETIRE, Key(), "olga", true).ok());
    ASSERT_EQ(Status(), AnchorStatus::kRetired);
  }

  AnchorStatus Status() const { return StatusOf(Key()); }
};

TEST_F(RetiredTest, IsNotBroughtBackByAddingItAgain) {
  for (const std::string& der : {Genuine(), SignedOn(kNow, "\x7f\x01")}) {
    for (const char* who : {"olga", "alice"}) {
      const auto added = Pin(Action::ACTION_ADD, der, who);
      EXPECT_EQ(added.status().code(), absl::StatusCode::kFailedPrecondition);
      EXPECT_THAT(std::string(added.status().message()),
                  HasSubstr("anchors reactivate"));
    }
  }
  EXPECT_EQ(Status(), AnchorStatus::kRetired);
  EXPECT_THAT(All(), SizeIs(0));
}

TEST_F(PeopleTest, OfflineWhatNobodySignedCanBeTakenBack) {
  options_.core.offline = true;
  Start();
  for (const auto action : {Action::ACTION_REVOKE, Action::ACTION_RETIRE}) {
    ASSERT_TRUE(Pin(action, Key(), "olga", true).ok());
    EXPECT_TRUE(std::filesystem::exists(options_.proposal_path));
    ASSERT_TRUE(Pin(Action::ACTION_REACTIVATE, Key(), "olga").ok());
    EXPECT_FALSE(std::filesystem::exists(options_.proposal_path));
  }
  // Nothing is left to take back, also after a start.
  Start();
  EXPECT_FALSE(Pin(Action::ACTION_REACTIVATE, Key(), "olga").ok());
  EXPECT_FALSE(std::filesystem::exists(options_.proposal_path));
}

TEST_F(RetiredTest, IsNotBroughtBackByAReissue) {
  ASSERT_TRUE(Show({SignedOn(kNow, "\x7f\x01")}).ok());
  ASSERT_THAT(All(), SizeIs(1));
  EXPECT_THAT(The(1).sources(0).held_by(), Contains(HasSubstr("RETIRED")));
  EXPECT_EQ(Approve(1, "alice").status().code(),
            absl::StatusCode::kFailedPrecondition);
  Pass(absl::Hours(100));
  EXPECT_EQ(Status(), AnchorStatus::kRetired);
  EXPECT_EQ(Alerts("ROTATION_PUBLISHED"), 0);
}

// Another trustd's statuses are shown and never applied.
TEST_F(RetiredTest, IsNotBroughtBackBySourcesThatAgree) {
  for (const char* source : {"aws-docs", "mirror", "upstream"}) {
    ASSERT_TRUE(Show({Genuine()}, source).ok());
  }
  Pass(absl::Hours(100));
  EXPECT_EQ(Status(), AnchorStatus::kRetired);
}

TEST_F(RetiredTest, IsNotBroughtBackWithAnApprovalOfSomethingElse) {
  // A new key of the same slot, for which two people are.
  ASSERT_TRUE(Show({SignedOn(kNow, "\x7f\x01", NewKey()), Genuine()}).ok());
  const std::uint64_t id = All().back().id();
  for (const char* who : {"alice", "bob"}) (void)Approve(id, who);
  EXPECT_EQ(Status(), AnchorStatus::kRetired);
}

TEST_F(RetiredTest, IsBroughtBackByEnoughPeopleWhoSaySo) {
  const auto asked = Pin(Action::ACTION_REACTIVATE, Key(), "olga");
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_EQ(asked->sequence, 0u);
  EXPECT_EQ(Status(), AnchorStatus::kRetired);
  EXPECT_EQ(Alerts("ANCHOR_CHANGED"), 2);
  // The same person does not count twice.
  EXPECT_EQ(Pin(Action::ACTION_REACTIVATE, Key(), "olga").status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Status(), AnchorStatus::kRetired);
  const auto approved = Approve(asked->rotation_id, "bob");
  ASSERT_TRUE(approved.ok()) << approved.status();
  EXPECT_EQ(Status(), AnchorStatus::kActive);
  // From now on it is as any other.
  const std::string reissue = SignedOn(kNow, "\x7f\x01");
  ASSERT_TRUE(Show({reissue}).ok());
  EXPECT_TRUE(IsInUse(reissue));
}

TEST_F(RetiredTest, IsNotBroughtBackOnceItIsRevoked) {
  const auto asked = Pin(Action::ACTION_REACTIVATE, Key(), "olga");
  ASSERT_TRUE(asked.ok()) << asked.status();
  ASSERT_TRUE(Pin(Action::ACTION_REVOKE, Key(), "carol").ok());
  EXPECT_FALSE(Approve(asked->rotation_id, "bob").ok());
  EXPECT_EQ(Pin(Action::ACTION_REACTIVATE, Key(), "bob").status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Pin(Action::ACTION_RETIRE, Key(), "bob").status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Pin(Action::ACTION_ADD, SignedOn(kNow, "\x7f\x01"), "bob")
                .status()
                .code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Status(), AnchorStatus::kRevoked);
}

// --- how many ----------------------------------------------------------------------

TEST_F(PeopleTest, AddingNeedsAsManyAsApproving) {
  const std::string der = SignedOn(kNow, "\x7f\x01", NewKey());
  const auto asked = Pin(Action::ACTION_ADD, der, "olga");
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_EQ(asked->sequence, 0u);
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_EQ(Alerts("ANCHOR_CHANGED"), 1);
  // Whoever asks for the same approves it.
  const auto again = Pin(Action::ACTION_ADD, der, "bob");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->rotation_id, asked->rotation_id);
  EXPECT_TRUE(IsInUse(der));
  EXPECT_EQ(Sequence(), 2u);
}

TEST_F(PeopleTest, OnePersonRevokesAndRetiresAtOnce) {
  int alerts = 0;
  for (const auto action : {Action::ACTION_RETIRE, Action::ACTION_REVOKE}) {
    const auto pinned = Pin(action, Key(), "olga", true);
    ASSERT_TRUE(pinned.ok()) << pinned.status();
    EXPECT_EQ(pinned->sequence, Sequence());
    EXPECT_EQ(Alerts("ANCHOR_CHANGED"), ++alerts);
  }
  EXPECT_EQ(Sequence(), 3u);
  EXPECT_EQ(StatusOf(Key()), AnchorStatus::kRevoked);
}

TEST_F(PeopleTest, TheLastKeyOfASlotGoesOnlyByName) {
  for (const auto action : {Action::ACTION_RETIRE, Action::ACTION_REVOKE}) {
    const auto refused = Pin(action, Key(), "olga");
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(refused.status().message()),
                HasSubstr("--last-key"));
  }
  EXPECT_EQ(Sequence(), 1u);
  // With another key beside it, it is not the last.
  const std::string der = SignedOn(kNow, "\x7f\x01", NewKey());
  ASSERT_TRUE(Pin(Action::ACTION_ADD, der, "olga").ok());
  ASSERT_TRUE(Pin(Action::ACTION_ADD, der, "bob").ok());
  EXPECT_TRUE(Pin(Action::ACTION_REVOKE, Key(), "olga").ok());
}

// A revocation that is not published has not happened.
TEST_F(PeopleTest, WhoRevokesIsToldThatItWasNotSigned) {
  hub_.SetSigning(absl::FailedPreconditionError("the store went back"));
  EXPECT_FALSE(Pin(Action::ACTION_REVOKE, Key(), "olga", true).ok());
  EXPECT_EQ(StatusOf(Key()), AnchorStatus::kActive);
}

// --- ANNOUNCED -----------------------------------------------------------------------

class AnnouncedTest : public PeopleTest {
 protected:
  // A key to come, for which two people are.
  void SetUp() override {
    PeopleTest::SetUp();
    const auto asked = Pin(Action::ACTION_ANNOUNCE, Coming(), "olga");
    ASSERT_TRUE(asked.ok()) << asked.status();
    ASSERT_EQ(Sequence(), 1u) << "one person alone";
    ASSERT_TRUE(Approve(asked->rotation_id, "bob").ok());
    ASSERT_EQ(Status(), AnchorStatus::kAnnounced);
    ASSERT_EQ(The(asked->rotation_id).state(), v1::ROTATION_STATE_COMPLETED);
  }

  std::string Coming() const { return SignedOn(kNow, "\x7f\x06", NewKey()); }
  std::string NewKeySha256() const {
    return verify::Sha256Hex(NewKey().spki_der());
  }
  AnchorStatus Status() const { return StatusOf(NewKeySha256()); }
};

TEST_F(AnnouncedTest, IsActiveOnceASourceShowsItAndPeopleApprove) {
  ASSERT_TRUE(Show({Genuine(), Coming()}).ok());
  Pass(absl::Hours(2));
  EXPECT_EQ(Status(), AnchorStatus::kAnnounced);
  EXPECT_EQ(Open(), 0);
  ASSERT_TRUE(Show({Coming()}).ok());
  Pass(absl::Hours(2));
  EXPECT_EQ(Status(), AnchorStatus::kAnnounced);
  ASSERT_EQ(Open(v1::ROTATION_CLASS_RE_KEY), 1);
  const std::uint64_t id = All().back().id();
  ASSERT_TRUE(Approve(id, "olga").ok());
  EXPECT_EQ(Status(), AnchorStatus::kAnnounced) << "one person alone";
  ASSERT_TRUE(Approve(id, "bob").ok());
  EXPECT_EQ(Status(), AnchorStatus::kActive);
  EXPECT_EQ(StatusOf(Key()), AnchorStatus::kRetiring);
  EXPECT_EQ(AnchorOf(NewKeySha256()).replaces, Key());
}

TEST_F(AnnouncedTest, IsNotActiveByAReissueOfTheOldKey) {
  ASSERT_TRUE(Show({SignedOn(kNow, "\x7f\x01")}).ok());
  now_ += absl::Hours(2);
  ASSERT_TRUE(Show({SignedOn(now_, "\x7f\x02"), Coming()}).ok());
  Pass(absl::Hours(2));
  EXPECT_TRUE(IsInUse(SignedOn(kNow + absl::Hours(2), "\x7f\x02")));
  EXPECT_EQ(Status(), AnchorStatus::kAnnounced);
}

TEST_F(AnnouncedTest, IsActiveWherePeopleAddIt) {
  const auto asked = Pin(Action::ACTION_ADD, Coming(), "olga");
  ASSERT_TRUE(asked.ok()) << asked.status();
  EXPECT_EQ(Status(), AnchorStatus::kAnnounced);
  ASSERT_TRUE(Approve(asked->rotation_id, "bob").ok());
  EXPECT_EQ(Status(), AnchorStatus::kActive);
  EXPECT_EQ(StatusOf(Key()), AnchorStatus::kActive);
}

TEST_F(AnnouncedTest, IsNoKeyThatIsInUse) {
  EXPECT_EQ(Pin(Action::ACTION_ANNOUNCE, SignedOn(kNow, "\x7f\x01"), "olga")
                .status()
                .code(),
            absl::StatusCode::kFailedPrecondition);
}

// --- of what an approval is ----------------------------------------------------------

TEST_F(PeopleTest, AnApprovalIsOfWhatWasLookedAt) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  const std::string seen = The(1).effect_sha256();
  // The slot changes between looking and deciding.
  Catalog catalog =
      *AddAnchor(seed_, kIreland, SignedOn(kNow, "\x7f\x01"),
                 {anchors::kOperatorPublisher, "olga"}, {.time = kNow});
  ASSERT_TRUE(Publish(catalog, now_).ok());
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  PersonDecides decision = {.rotation_id = 1,
                            .kind = v1::Decision::KIND_APPROVE,
                            .by = "alice",
                            .why = "AWS announced it",
                            .effect_sha256 = seen};
  EXPECT_EQ(mirror_->Decide(decision, now_).status().code(),
            absl::StatusCode::kAborted);
  // Nor of nothing in particular.
  decision.effect_sha256 = "";
  EXPECT_EQ(mirror_->Decide(decision, now_).status().code(),
            absl::StatusCode::kInvalidArgument);
  decision.change_id = std::string(64, 'a');
  EXPECT_EQ(mirror_->Decide(decision, now_).status().code(),
            absl::StatusCode::kAborted);
  EXPECT_THAT(The(1).decisions(), SizeIs(0));
}

TEST_F(PeopleTest, AnApprovalOfWhatItWasBeforeARebaseIsVoid) {
  ApprovedByAlice();
  // The slot changes: the same rotation would do something else.
  Catalog catalog = hub_.Current()->catalog;
  for (auto& anchor : catalog.anchors) {
    if (anchor.slot != kIreland) continue;
    anchor.certificates.push_back(
        *anchors::MakeCertificate(SignedOn(kNow, "\x7f\x01")));
    anchor.certificates.back().sources = {{"operator", "olga"}};
  }
  Sort(catalog);
  ASSERT_TRUE(Publish(catalog, now_).ok());
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(Alerts("APPROVALS_VOID"), 1);
  EXPECT_EQ(Approve(1, "bob")->state(), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(Approve(1, "alice")->state(), v1::ROTATION_STATE_PUBLISHED);
}

TEST_F(PeopleTest, AHoldEndsTheApprovalsBeforeIt) {
  ApprovedByAlice();
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_HOLD, "olga", "asking AWS").ok());
  EXPECT_EQ(Approve(1, "bob")->state(), v1::ROTATION_STATE_DETECTED);
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_HOLD, "olga", "again").ok());
  EXPECT_EQ(Approve(1, "alice")->state(), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(Approve(1, "bob")->state(), v1::ROTATION_STATE_PUBLISHED);
}

TEST_F(PeopleTest, AnApprovalOfSomebodyWhoLeftIsVoidForGood) {
  ApprovedByAlice();
  options_.core.people = {"bob", "olga"};
  Start();
  EXPECT_EQ(Alerts("APPROVALS_VOID"), 1);
  EXPECT_EQ(Approve(1, "bob")->state(), v1::ROTATION_STATE_DETECTED);
  // The name comes back: perhaps somebody else's.
  options_.core.people = {"alice", "bob", "olga"};
  Start();
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_EQ(Alerts("APPROVALS_VOID"), 1);
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_EQ(Approve(1, "alice")->state(), v1::ROTATION_STATE_PUBLISHED);
}

TEST_F(PeopleTest, AnApprovalIsOfTheOverlapToo) {
  ApprovedByAlice();
  options_.core.rotations.overlap += absl::Hours(1);
  Start();
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_EQ(Alerts("APPROVALS_VOID"), 1);
  EXPECT_EQ(Approve(1, "bob")->state(), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(Approve(1, "alice")->state(), v1::ROTATION_STATE_PUBLISHED);
}

// Approvals of before there were effects.
TEST_F(PeopleTest, AnApprovalWithoutAnEffectDoesNotCount) {
  RotationBook book;
  v1::LedgerRecord record;
  v1::Rotation& rotation = *record.mutable_detection();
  rotation.set_id(1);
  rotation.set_change_id("x");
  rotation.set_rotation_class(v1::ROTATION_CLASS_RE_KEY);
  rotation.set_state(v1::ROTATION_STATE_DETECTED);
  book.Fold(1, record);
  record.mutable_decision()->set_rotation_id(1);
  record.mutable_decision()->mutable_decision()->set_by("alice");
  record.mutable_decision()->mutable_decision()->set_kind(
      v1::Decision::KIND_APPROVE);
  book.Fold(2, record);
  EXPECT_EQ(book.Find(1)->rotation.decisions_size(), 1);
  EXPECT_EQ(book.Find(1)->approvals(), 0);
}

TEST_F(PeopleTest, AnApprovalKeepsTheCertificateOfWhoGaveIt) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(mirror_
                  ->Decide({.rotation_id = 1,
                            .kind = v1::Decision::KIND_APPROVE,
                            .by = "alice",
                            .why = "AWS announced it",
                            .effect_sha256 = The(1).effect_sha256(),
                            .certificate_sha256 = "ab"},
                           now_)
                  .ok());
  EXPECT_EQ(The(1).decisions(0).certificate_sha256(), "ab");
  EXPECT_EQ(The(1).decisions(0).effect_sha256(), The(1).effect_sha256());
}

// --- the record and what is signed -----------------------------------------------------

class SignedTest : public IrelandTest {
 protected:
  // The last publication on the record.
  v1::PublicationFact LastOnRecord() const {
    v1::PublicationFact last;
    for (std::uint64_t i = 0; i < mirror_->ledger().head().size; ++i) {
      const auto record = mirror_->ledger().Read(i);
      if (record.ok() && record->has_publication())
        last = record->publication();
    }
    return last;
  }

  void ExpectRecordIsWhatIsServed() const {
    const auto served = hub_.Current();
    EXPECT_EQ(LastOnRecord().sequence(), served->catalog.sequence);
    EXPECT_EQ(LastOnRecord().targets_version(), served->targets_version);
    EXPECT_EQ(LastOnRecord().catalog_sha256(), served->catalog_sha256());
  }
};

TEST_F(SignedTest, TheRecordSaysWhatWasSignedWithARenewalInBetween) {
  int renewals = 0;
  alerts_.before_commit = [&] {
    if (renewals++ > 0) return;
    // Half of its life later the targets are signed again, as another version.
    const std::uint64_t before = hub_.Current()->targets_version;
    ASSERT_TRUE(publisher_->RenewIfDue(now_ + absl::Hours(24 * 300)).ok());
    ASSERT_GT(hub_.Current()->targets_version, before);
  };
  const std::string reissue = SignedOn(kNow, "\x7f\x01");
  ASSERT_TRUE(Show({reissue}).ok());
  EXPECT_GT(renewals, 1) << "it was decided again";
  EXPECT_TRUE(IsInUse(reissue));
  EXPECT_EQ(Sequence(), 2u);
  ExpectRecordIsWhatIsServed();
}

TEST_F(SignedTest, OthersThatPublishAllTheTimeAreNoReasonToPublishTwice) {
  absl::Time later = now_;
  alerts_.before_commit = [&] {
    later += absl::Hours(24 * 300);
    ASSERT_TRUE(publisher_->RenewIfDue(later).ok());
  };
  EXPECT_EQ(Show({SignedOn(kNow, "\x7f\x01")}).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_THAT(All(), SizeIs(0));
  alerts_.before_commit = nullptr;
  ASSERT_TRUE(Show({SignedOn(kNow, "\x7f\x01")}).ok());
  EXPECT_EQ(Sequence(), 2u);
  ExpectRecordIsWhatIsServed();
}

// What a watcher calls must not wait for whoever called the watcher.
TEST_F(SignedTest, WatchersAreCalledWithNoLockHeld) {
  struct Called {
    std::promise<void> returned;
    std::atomic<int> calls = 0;
  };
  const auto from_another_thread = [&](const std::shared_ptr<Called>& called) {
    if (called->calls++ > 0) return;
    std::thread other([this, called] {
      (void)mirror_->FindRotation(1);
      (void)mirror_->Settle(now_);
      (void)publisher_->RenewIfDue(now_);
      (void)hub_.Current();
      called->returned.set_value();
    });
    if (called->returned.get_future().wait_for(std::chrono::seconds(20)) !=
        std::future_status::ready) {
      other.detach();
      FAIL() << "a lock is held";
    }
    other.join();
  };
  const auto records = std::make_shared<Called>();
  const auto alerts = std::make_shared<Called>();
  mirror_->Watch([&](std::uint64_t, const v1::LedgerRecord&) {
    from_another_thread(records);
  });
  alerts_.said = [&] { from_another_thread(alerts); };
  ASSERT_TRUE(Show({SignedOn(kNow, "\x7f\x01")}).ok());
  EXPECT_GT(records->calls, 0);
  EXPECT_GT(alerts->calls, 0);
}

}  // namespace
}  // namespace anchorage::trustd
