// What a hostile reader tried.

#include <memory>

#include "anchors/base/proto_time.h"
#include "test/support/mirror_fixture.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorStatus;
using Action = v1::PinFact;

class MirrorAttackTest : public IrelandTest {};

// One person fills a rotation; then nobody can revoke.
TEST_F(MirrorAttackTest, HoldsDoNotBlockARevocation) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  const std::string why(kMaxWhyBytes, 'w');
  for (int i = 0; i < 1200; ++i) {
    (void)Decide(1, v1::Decision::KIND_HOLD, "bob", why);
  }
  const auto pinned = Pin(Action::ACTION_REVOKE, Key(), "olga", true);
  EXPECT_TRUE(pinned.ok()) << pinned.status();
  EXPECT_EQ(StatusOf(Key()), AnchorStatus::kRevoked);
}

// The same with evidence.
TEST_F(MirrorAttackTest, ProofsDoNotBlockARevocation) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  for (int i = 0; i < 40; ++i) {
    auto document = aws_.Document("eu-west-1");
    document.SetText("instanceId", absl::StrCat("i-0123456789abcde", 100 + i));
    v1::Evidence evidence;
    evidence.set_rsa2048(absl::Base64Escape(
        test::Encode(aws_.Genuine("eu-west-1", verify::AnchorKind::kIidRsa2048,
                                  document.Text() + std::string(40000, ' ')))));
    const auto proof =
        mirror_->SubmitEvidence(evidence, absl::StrCat("s", i / 3), now_);
    ASSERT_TRUE(proof.ok()) << proof.status();
  }
  const auto pinned = Pin(Action::ACTION_REVOKE, Key(), "olga", true);
  EXPECT_TRUE(pinned.ok()) << pinned.status();
  EXPECT_EQ(StatusOf(Key()), AnchorStatus::kRevoked);
}

// What the policy approved and could not be signed, under another policy.
TEST_F(MirrorAttackTest, ThePolicyOfTodayDecides) {
  hub_.SetSigning(absl::FailedPreconditionError("the store went back"));
  const std::string reissue = SignedOn(kNow, "\x7f\x01");
  (void)Show({reissue});
  ASSERT_EQ(The(1).state(), v1::ROTATION_STATE_APPROVED);
  ASSERT_TRUE(
      options_.core.rotations.policy
          .Set(RotationClass::kReissue, {.action = RotationAction::kHold})
          .ok());
  hub_.SetSigning(absl::OkStatus());
  Start();
  ASSERT_TRUE(Show({reissue}).ok());
  EXPECT_FALSE(IsInUse(reissue));
}

// and a page that has lost slots by now.
TEST_F(MirrorAttackTest, AnAnomalySinceHoldsWhatThePolicyApproved) {
  hub_.SetSigning(absl::FailedPreconditionError("the store went back"));
  const std::string reissue = SignedOn(kNow, "\x7f\x01");
  (void)Show({reissue});
  ASSERT_EQ(The(1).state(), v1::ROTATION_STATE_APPROVED);
  hub_.SetSigning(absl::OkStatus());
  Observation look = Showing({reissue});
  std::erase_if(look.certificates, [](const auto& certificate) {
    return certificate.slot.region.starts_with("us-");
  });
  ASSERT_TRUE(Observe(look).ok());
  EXPECT_GT(Open(v1::ROTATION_CLASS_SOURCE_ANOMALY), 0);
  EXPECT_FALSE(IsInUse(reissue));
}

// A rule that wants two sources, and one is silent by now.
TEST_F(MirrorAttackTest, AsManySourcesAsThePolicyWants) {
  ASSERT_TRUE(options_.core.rotations.policy
                  .Set(RotationClass::kReissue,
                       {.action = RotationAction::kPublishAfter, .sources = 2})
                  .ok());
  Start();
  hub_.SetSigning(absl::FailedPreconditionError("the store went back"));
  const std::string reissue = SignedOn(kNow, "\x7f\x01");
  (void)Show({reissue}, "a");
  (void)Show({reissue}, "b");
  ASSERT_EQ(The(1).state(), v1::ROTATION_STATE_APPROVED);
  (void)Show({}, "b");
  hub_.SetSigning(absl::OkStatus());
  (void)mirror_->Settle(now_);
  EXPECT_FALSE(IsInUse(reissue));
}

// A source that was taken out and put in again has not been asked.
TEST_F(MirrorAttackTest, ASourceThatIsBackIsAskedFirst) {
  ASSERT_TRUE(Show({Genuine()}, "a").ok());
  ASSERT_TRUE(Show({Genuine()}, "b").ok());
  mirror_->SetSources({{"a", "a"}}, now_);
  mirror_->SetSources({{"a", "a"}, {"b", "b"}}, now_);
  const std::string reissue = SignedOn(kNow, "\x7f\x01");
  ASSERT_TRUE(Show({reissue}, "a").ok());
  EXPECT_FALSE(IsInUse(reissue));
}

// A last key that verifies nothing any more.
TEST_F(MirrorAttackTest, TheLastKeyDoesNotGoByDates) {
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_RETIRE);
  fact.mutable_slot()->set_partition(kIreland.partition);
  fact.mutable_slot()->set_region(kIreland.region);
  fact.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  fact.set_spki_sha256(Key());
  fact.set_by("olga");
  fact.set_why("a test");
  anchors::SetTime(now_ - absl::Hours(2), *fact.mutable_valid_until());
  anchors::SetTime(now_ - absl::Hours(1), *fact.mutable_accept_until());
  EXPECT_FALSE(mirror_->Pin({.fact = fact}, now_).ok());
}

// A page that shows much, and then not.
TEST_F(MirrorAttackTest, FlappingFillsNothing) {
  Observation genuine = Showing({Genuine()});
  Observation much = genuine;
  const std::string der = SignedOn(kNow, "\x7f\x01", NewKey());
  ASSERT_TRUE(Observe(genuine).ok());
  for (int i = 0; i < 5; ++i) {
    much = genuine;
    for (int k = 0; k < 900; ++k) {
      much.certificates.push_back(
          {{"aws", absl::StrCat("eu-west-", 100 + i * 1000 + k),
            verify::AnchorKind::kIidRsa2048},
           der,
           0});
    }
    now_ += absl::Minutes(1);
    ASSERT_TRUE(Observe(much).ok());
    now_ += absl::Minutes(1);
    genuine.time = now_;
    ASSERT_TRUE(Observe(genuine).ok());
  }
  EXPECT_LT(All().size(), 2000u);
}

// A clock that was back when it was seen makes no hold shorter.
TEST_F(MirrorAttackTest, AHoldIsNotShortenedByAClock) {
  bool suspect = false;
  absl::Duration steady = absl::Hours(1);
  options_.steady = [&] { return steady; };
  options_.clock_is_suspect = [&] { return suspect; };
  ASSERT_TRUE(options_.core.rotations.policy
                  .Set(RotationClass::kReissue,
                       {.action = RotationAction::kPublishAfter,
                        .sources = 1,
                        .hold = absl::Hours(72)})
                  .ok());
  Start();
  const std::string other = SignedOn(kNow - absl::Hours(200), "\x7f\x02");
  now_ = kNow - absl::Hours(100);
  suspect = true;
  ASSERT_TRUE(Show({other}).ok());
  steady += absl::Minutes(10);
  now_ = kNow;
  ASSERT_TRUE(Show({other}).ok());
  suspect = false;  // two sources say that it is now
  steady += absl::Minutes(1);
  now_ += absl::Minutes(1);
  (void)mirror_->Settle(now_);
  EXPECT_FALSE(IsInUse(other));
}

// What clients would not load blocks what has nothing to do with it.
TEST_F(MirrorAttackTest, ACatalogThatClientsRefuseIsNotApproved) {
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_ADD);
  fact.mutable_slot()->set_partition("aws-cn");
  fact.mutable_slot()->set_region("eu-west-1");
  fact.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  fact.set_certificate(SignedOn(kNow, "\x7f\x05", NewKey()));
  fact.set_by("olga");
  fact.set_why("a test");
  const auto pinned = mirror_->Pin({.fact = fact}, now_);
  EXPECT_FALSE(pinned.ok());
  const std::string reissue = SignedOn(kNow, "\x7f\x01");
  (void)Show({reissue});
  EXPECT_TRUE(IsInUse(reissue));
}

// One person's requests block what sources find.
TEST_F(MirrorAttackTest, RequestsDoNotBlockWhatSourcesFind) {
  options_.core.rotations.approvals = 2;
  Start();
  for (int i = 0; i < 1001; ++i) {
    v1::PinFact fact;
    fact.set_action(v1::PinFact::ACTION_ADD);
    fact.mutable_slot()->set_partition("aws");
    fact.mutable_slot()->set_region(absl::StrCat("xx-west-", i));
    fact.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
    fact.set_certificate(SignedOn(kNow, "\x7f\x05", NewKey()));
    fact.set_by("bob");
    fact.set_why("a test");
    (void)mirror_->Pin({.fact = fact}, now_);
  }
  const std::string reissue = SignedOn(kNow, "\x7f\x01");
  ASSERT_TRUE(Show({reissue}).ok());
  EXPECT_TRUE(IsInUse(reissue));
}

// An anomaly in many slots is one reason.
TEST_F(MirrorAttackTest, AnAnomalyInManySlotsHoldsOnce) {
  Observation look = Showing({SignedOn(kNow, "\x7f\x01")});
  for (int slot = 0; slot < 5; ++slot) {
    for (char i = 1; i <= 9; ++i) {
      look.certificates.push_back(
          {{"aws", absl::StrCat("us-west-", 10 + slot),
            verify::AnchorKind::kIidRsa2048},
           SignedOn(kNow, std::string("\x7f") + i, NewKey()),
           0});
    }
  }
  ASSERT_TRUE(Observe(look).ok());
  for (const v1::Rotation& rotation : All()) {
    for (const v1::SourceStance& stance : rotation.sources()) {
      EXPECT_EQ(stance.held_by_size(), 1);
    }
  }
  EXPECT_EQ(Open(v1::ROTATION_CLASS_RE_ISSUE), 1);
}

// AWS's re-issue comes again while another key of the slot is on its way
// out.
TEST_F(MirrorAttackTest, AReissueThatCameBackIsFoundAgain) {
  const std::string other = SignedOn(kNow, "\x7f\x05", NewKey());
  ASSERT_TRUE(Pin(Action::ACTION_ADD, other, "olga").ok());
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_RETIRE);
  fact.mutable_slot()->set_partition(kIreland.partition);
  fact.mutable_slot()->set_region(kIreland.region);
  fact.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  fact.set_spki_sha256(verify::Sha256Hex(NewKey().spki_der()));
  fact.set_by("olga");
  fact.set_why("a test");
  anchors::SetTime(now_ + absl::Hours(24 * 30), *fact.mutable_valid_until());
  ASSERT_TRUE(mirror_->Pin({.fact = fact}, now_).ok());
  const std::string reissue = SignedOn(kNow, "\x7f\x01");
  now_ += absl::Hours(2);
  ASSERT_TRUE(Show({reissue}).ok());
  EXPECT_TRUE(IsInUse(reissue));
  now_ += absl::Hours(2);
  ASSERT_TRUE(Show({Genuine()}).ok());
  EXPECT_TRUE(IsInUse(Genuine()));
  now_ += absl::Hours(2);
  ASSERT_TRUE(Show({reissue}).ok());
  Pass(absl::Hours(2));
  EXPECT_TRUE(IsInUse(reissue));
}

// the healing itself.
TEST_F(MirrorAttackTest, AHealingComesTwice) {
  const std::string other = SignedOn(kNow, "\x7f\x05", NewKey());
  ASSERT_TRUE(Pin(Action::ACTION_ADD, other, "olga").ok());
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_RETIRE);
  fact.mutable_slot()->set_partition(kIreland.partition);
  fact.mutable_slot()->set_region(kIreland.region);
  fact.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  fact.set_spki_sha256(verify::Sha256Hex(NewKey().spki_der()));
  fact.set_by("olga");
  fact.set_why("a test");
  anchors::SetTime(now_ + absl::Hours(24 * 30), *fact.mutable_valid_until());
  ASSERT_TRUE(mirror_->Pin({.fact = fact}, now_).ok());
  const std::string a = SignedOn(kNow, "\x7f\x01");
  const std::string b = SignedOn(kNow + absl::Hours(1), "\x7f\x02");
  for (const std::string& der : {a, Genuine(), b, Genuine()}) {
    now_ += absl::Hours(7);
    ASSERT_TRUE(Show({der}).ok());
    EXPECT_TRUE(IsInUse(der));
  }
}

// A source of which something else is not understood says otherwise.
TEST_F(MirrorAttackTest, ASourceWithAProblemElsewhereContradicts) {
  Observation look = Showing({Genuine()}, "b");
  look.problems.push_back(
      {ProblemKind::kCertificateUnreadable, 3, "another region"});
  ASSERT_TRUE(Show({Genuine()}, "a").ok());
  ASSERT_TRUE(Observe(look).ok());
  const std::string reissue = SignedOn(kNow, "\x7f\x01");
  ASSERT_TRUE(Show({reissue}, "a").ok());
  EXPECT_FALSE(IsInUse(reissue));
}

// A clock that was ahead once blocks nothing.
TEST_F(MirrorAttackTest, AHoldEndsThoughTheClockWasAhead) {
  absl::Duration steady = absl::Hours(1);
  options_.steady = [&] { return steady; };
  ASSERT_TRUE(options_.core.rotations.policy
                  .Set(RotationClass::kReissue,
                       {.action = RotationAction::kPublishAfter,
                        .sources = 1,
                        .hold = absl::Hours(72)})
                  .ok());
  Start();
  const std::string reissue = SignedOn(kNow, "\x7f\x01");
  now_ = kNow + absl::Hours(24 * 365);
  ASSERT_TRUE(Show({reissue}).ok());
  now_ = kNow;
  ASSERT_TRUE(Show({reissue}).ok());
  steady += absl::Hours(100);
  Pass(absl::Hours(100));
  EXPECT_TRUE(IsInUse(reissue));
}

// Two that are published together and do not fit: people's approval stays.
TEST_F(MirrorAttackTest, AnApprovalIsNotVoidForWhatThePolicyWanted) {
  hub_.SetSigning(absl::FailedPreconditionError("the store went back"));
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_ADD);
  fact.mutable_slot()->set_partition("aws");
  fact.mutable_slot()->set_region("eu-west-3");
  fact.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  const std::string reissue = SignedOn(kNow, "\x7f\x01");
  fact.set_certificate(reissue);
  fact.set_by("olga");
  fact.set_why("a test");
  (void)mirror_->Pin({.fact = fact}, now_);
  (void)Show({reissue});
  hub_.SetSigning(absl::OkStatus());
  (void)mirror_->Settle(now_);
  (void)mirror_->Settle(now_);
  EXPECT_EQ(The(1).decisions_size(), 1);
}

}  // namespace
}  // namespace anchorage::trustd
