// What must not be believed, and what people said that must last.

#include "anchors/catalog_proto.h"
#include "trustd/mirror/mirror_fixture.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using anchors::Observation;
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
  ASSERT_TRUE(
      mirror_->Decide(1, v1::Decision::KIND_HOLD, "alice", "asking AWS", now_)
          .ok());
  Observation login = Page();
  login.certificates.clear();
  login.problems = {{anchors::ProblemKind::kNotTheDocument, 1, "a login page"}};
  ASSERT_TRUE(Observe(login).ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_DETECTED);
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_EQ(The(1).decisions_size(), 1);
}

TEST_F(MirrorTest, WhatAPersonHoldsIsNotClosedWithoutThem) {
  const Observation before = Page();
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(
      mirror_->Decide(1, v1::Decision::KIND_HOLD, "alice", "asking AWS", now_)
          .ok());
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
    ASSERT_TRUE(mirror_
                    ->Decide(anomaly.id(), v1::Decision::KIND_REJECT, "alice",
                             "AWS's site was down", now_)
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
  ASSERT_TRUE(mirror_->Observed(Page(), ahead).ok());
  ASSERT_TRUE(
      mirror_->Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes", ahead)
          .ok());
  ASSERT_EQ(Sequence(), 2u);
  EXPECT_EQ(hub_.Current()->catalog.created, ahead);
  // Set right again, a person revokes.
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_REVOKE);
  *fact.mutable_slot() = The(1).slot();
  fact.set_spki_sha256(The(1).pinned_spki_sha256(0));
  fact.set_by("olga");
  fact.set_why("its key is known");
  const auto revoked = mirror_->Pin(fact, kNow);
  ASSERT_TRUE(revoked.ok()) << revoked.status();
  EXPECT_EQ(Sequence(), 3u);
  EXPECT_EQ(hub_.Current()->catalog.created, kNow);
}

TEST_F(MirrorTest, AProposalIsNotDatedByAClockThatWasAhead) {
  options_.offline = true;
  Start();
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_REVOKE);
  const anchors::CatalogAnchor& anchor = seed_.anchors.front();
  *fact.mutable_slot() = anchors::ToProto(anchor.slot);
  fact.set_spki_sha256(anchor.spki_sha256);
  fact.set_by("olga");
  fact.set_why("its key is known");
  ASSERT_TRUE(mirror_->Pin(fact, kNow + absl::Hours(24 * 300)).ok());
  ASSERT_TRUE(mirror_->Settle(kNow).ok());
  const auto text =
      anchors::ReadFile(options_.proposal_path, anchors::kMaxCatalogBytes);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_LE(anchors::ParseCatalog(*text)->created, kNow);
}

TEST_F(MirrorTest, ASourceThatIsTakenOutVotesNoMore) {
  Rekey();
  ASSERT_TRUE(Observe(Page("old")).ok());
  mirror_->SetSources({"aws-docs"}, now_);
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_WITHDRAWN);
}

}  // namespace
}  // namespace anchorage::trustd
