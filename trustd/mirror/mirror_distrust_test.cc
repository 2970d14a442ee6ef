// What must not be believed, and what people said that must last.

#include "anchors/catalog_proto.h"
#include "test/support/mirror_fixture.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using verify::AnchorKind;

// Anybody can put AWS's key into another certificate, but not sign it.
TEST_F(MirrorTest, AReissueThatAwsHasNotSignedIsHeld) {
  auto entries = Reissued();
  for (auto& entry : entries) {
    if (entry.slot.region == "eu-west-1" &&
        entry.slot.kind == AnchorKind::kIidRsa2048) {
      entry.der.back() ^= 1;
    }
  }
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  EXPECT_EQ(The(1).rotation_class(), v1::ROTATION_CLASS_RE_ISSUE);
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(Sequence(), 1u);
}

TEST_F(MirrorTest, ALoginPageClosesNothing) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_HOLD, "alice", "asking AWS").ok());
  Observation login = Page();
  login.certificates.clear();
  login.problems = {{ProblemKind::kNotTheDocument, 1, "a login page"}};
  ASSERT_TRUE(Observe(login).ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_DETECTED);
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_EQ(The(1).decisions_size(), 1);
}

TEST_F(MirrorTest, WhatAPersonHoldsIsNotClosedWithoutThem) {
  const Observation before = Page();
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_HOLD, "alice", "asking AWS").ok());
  ASSERT_TRUE(Observe(before).ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_DETECTED);
}

TEST_F(MirrorTest, AnotherSourceThatDisagreesHoldsAReissue) {
  ASSERT_TRUE(Observe(Page("mirror")).ok());
  const auto entries = Reissued();
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  EXPECT_EQ(Sequence(), 1u);
  // Once the other shows it too, nothing speaks against it.
  ASSERT_TRUE(Observe(PageOf(entries, "mirror")).ok());
  EXPECT_EQ(Sequence(), 2u);
}

TEST_F(MirrorTest, ARejectedAnomalyIsSaidAgainWhenItComesAgain) {
  ASSERT_TRUE(Observe(PageOf({})).ok());
  const auto anomalies = All();
  ASSERT_FALSE(anomalies.empty());
  for (const v1::Rotation& anomaly : anomalies) {
    ASSERT_TRUE(Decide(anomaly.id(), v1::Decision::KIND_REJECT, "alice",
                       "AWS's site was down")
                    .ok());
  }
  ASSERT_TRUE(Observe(Page()).ok());
  const std::size_t before = alerts_.committed.size();
  ASSERT_TRUE(Observe(PageOf({})).ok());
  EXPECT_GT(alerts_.committed.size(), before);
}

TEST_F(MirrorTest, OneInstanceCannotFillTheRecord) {
  const std::uint64_t before = mirror_->ledger().head().size;
  for (int i = 0; i < 50; ++i) {
    auto document = aws_.Document("eu-west-1");
    document.SetText("region", absl::StrCat("xx-nowhere-", i + 1));
    v1::Evidence evidence;
    evidence.set_rsa2048(absl::Base64Escape(test::Encode(
        aws_.Genuine("eu-west-1", AnchorKind::kIidRsa2048, document.Text()))));
    (void)mirror_->SubmitEvidence(evidence, "fleet", now_);
  }
  EXPECT_LE(mirror_->ledger().head().size, before + 3);
}

TEST_F(MirrorTest, ASpellOfAClockThatIsAheadBlocksNothingLater) {
  Rekey();
  // 300 days ahead, a rotation is approved and published.
  const absl::Time ahead = kNow + absl::Hours(24 * 300);
  ASSERT_TRUE(Observe(Page(), ahead).ok());
  ASSERT_TRUE(
      Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes", ahead).ok());
  ASSERT_EQ(Sequence(), 2u);
  EXPECT_EQ(hub_.Current()->catalog.created, ahead);
  // Set right again, a person revokes.
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_REVOKE);
  *fact.mutable_slot() = The(1).slot();
  fact.set_spki_sha256(The(1).pinned_spki_sha256(0));
  fact.set_by("olga");
  fact.set_why("its key is known");
  const auto revoked = mirror_->Pin({.fact = fact}, kNow);
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_EQ(Sequence(), 3u);
  EXPECT_EQ(hub_.Current()->catalog.created, kNow);
}

TEST_F(MirrorTest, AProposalIsNotDatedByAClockThatWasAhead) {
  options_.core.offline = true;
  Start();
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_REVOKE);
  const anchors::CatalogAnchor& anchor = seed_.anchors.front();
  *fact.mutable_slot() = anchors::ToProto(anchor.slot);
  fact.set_spki_sha256(anchor.spki_sha256);
  fact.set_by("olga");
  fact.set_why("its key is known");
  ASSERT_TRUE(
      mirror_
          ->Pin({.fact = fact, .last_key = true}, kNow + absl::Hours(24 * 300))
          .ok());
  ASSERT_TRUE(mirror_->Settle(kNow).ok());
  const auto text =
      anchors::ReadFile(options_.proposal_path, anchors::kMaxCatalogBytes);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_LE(anchors::ParseCatalog(*text)->created, kNow);
}

TEST_F(MirrorTest, ASourceThatIsTakenOutVotesNoMore) {
  Rekey();
  ASSERT_TRUE(Observe(Page("old")).ok());
  mirror_->SetSources({{"aws-docs", "aws-docs"}}, now_);
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_WITHDRAWN);
}

// --- certificates that come back beside others ------------------------------

class ForgedCertificateTest : public IrelandTest {};

TEST_F(ForgedCertificateTest, IsNotPublishedOnceItIsShownBesideTheGenuineOne) {
  ASSERT_TRUE(Show({Forged()}).ok());
  ASSERT_TRUE(Show({Genuine(), Forged()}).ok());
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_TRUE(IsInUse(Genuine()));
  EXPECT_FALSE(IsInUse(Forged()));
  // Nor when time passes.
  now_ += absl::Hours(24 * 100);
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_THAT(The(1).sources(0).held_by(),
              ::testing::Contains(::testing::HasSubstr("has not signed")));
}

TEST_F(ForgedCertificateTest, IsNotPublishedOnceASecondSourceShowsBoth) {
  ASSERT_TRUE(Show({Forged()}).ok());
  ASSERT_TRUE(Show({Genuine(), Forged()}, "mirror").ok());
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_FALSE(IsInUse(Forged()));
}

TEST_F(ForgedCertificateTest, IsNotPublishedWhereTheOtherSourceCameFirst) {
  ASSERT_TRUE(Show({Genuine(), Forged()}, "mirror").ok());
  ASSERT_TRUE(Show({Forged()}).ok());
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_FALSE(IsInUse(Forged()));
}

// Nobody may publish it: whoever looks at it sees AWS's key.
TEST_F(ForgedCertificateTest, IsNotPublishedByPeopleEither) {
  ASSERT_TRUE(Show({Forged()}).ok());
  const auto approved =
      Decide(1, v1::Decision::KIND_APPROVE, "alice", "it looks right");
  EXPECT_EQ(approved.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(approved.status().message()),
              ::testing::HasSubstr("NOT_SELF_SIGNED"));
  EXPECT_FALSE(IsInUse(Forged()));
}

TEST_F(ForgedCertificateTest, TwoAtOnceAreNotTakenOneByOne) {
  const std::string one = SignedOn(kNow - absl::Hours(2), "\x7f\x01");
  const std::string two = SignedOn(kNow - absl::Hours(1), "\x7f\x02");
  ASSERT_TRUE(Show({one, two}).ok());
  ASSERT_TRUE(Show({one}, "mirror").ok());
  EXPECT_EQ(Sequence(), 1u);
  ASSERT_TRUE(Show({two}, "third").ok());
  EXPECT_EQ(Sequence(), 1u);
  // Once all speak of one, nothing is left to wait for.
  for (const char* source : {"aws-docs", "mirror", "third"}) {
    ASSERT_TRUE(Show({two}, source).ok());
  }
  EXPECT_TRUE(IsInUse(two));
}

// As an ECDSA or DSA signature can be written otherwise by anybody.
TEST_F(ForgedCertificateTest, OneThatBeginsWhenTheOldOneDoesIsHeld) {
  for (const auto& anchor : seed_.anchors) {
    if (anchor.slot != kIreland) continue;
    ASSERT_TRUE(
        Show({SignedOn(anchor.certificates[0].not_before, "\x7f\x03")}).ok());
  }
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(Sequence(), 1u);
}

// What was seen and not published is judged by what is there after a start.
TEST_F(ForgedCertificateTest, AStartPublishesNothingThatNoSourceHasShown) {
  for (const bool is_still_there : {false, true}) {
    store_ = FakeStore();
    hub_.~PublicationHub();
    new (&hub_) PublicationHub();
    sources_ = {{"aws-docs", "aws-docs"}, {"mirror", "mirror"}};
    Start();
    // The other source has not been asked yet.
    const std::string der = SignedOn(kNow, "\x7f\x04");
    ASSERT_TRUE(Show({der}).ok());
    EXPECT_EQ(Sequence(), 1u);
    Start();
    ASSERT_TRUE(mirror_->SourceFailed("mirror", "TIMED_OUT", "", now_).ok());
    EXPECT_EQ(Sequence(), 1u);
    ASSERT_TRUE(Show({is_still_there ? der : Genuine()}).ok());
    EXPECT_EQ(Sequence(), is_still_there ? 2u : 1u);
  }
}

TEST_F(ForgedCertificateTest, ASourceThatFailsShowsNothingNow) {
  ASSERT_TRUE(options_.core.rotations.policy
                  .Set(RotationClass::kReissue,
                       {.action = RotationAction::kPublishAfter,
                        .sources = 1,
                        .hold = absl::Hours(24)})
                  .ok());
  Start();
  ASSERT_TRUE(Show({SignedOn(kNow, "\x7f\x05")}).ok());
  ASSERT_TRUE(mirror_->SourceFailed("aws-docs", "TIMED_OUT", "", now_).ok());
  now_ += absl::Hours(25);
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(Sequence(), 1u);
  ASSERT_TRUE(mirror_->Unchanged("aws-docs", now_).ok());
  EXPECT_EQ(Sequence(), 2u);
}

}  // namespace
}  // namespace anchorage::trustd
