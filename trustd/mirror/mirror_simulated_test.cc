// What random years (test/simulation) have found.

#include "test/support/mirror_fixture.h"
#include "trustd/record/rotation_values.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorKind;

// With another certificate in one slot.
std::vector<anchors::PageEntry> Again(std::vector<anchors::PageEntry> entries,
                                      const test::FakeIdentity& aws,
                                      absl::Time begins) {
  test::CertSpec spec = aws.Certificate("eu-west-1", AnchorKind::kIidRsa2048);
  spec.serial = "\x7f\x02";
  spec.SetValidity(begins, begins + absl::Hours(24 * 365));
  for (auto& entry : entries) {
    if (entry.slot.region == "eu-west-1" &&
        entry.slot.kind == AnchorKind::kIidRsa2048) {
      entry.der = test::MakeCertificate(spec);
    }
  }
  return entries;
}

// The policy published it: that one person of two was for it changes nothing.
TEST_F(MirrorTest, AnHourPassesAlsoAfterAStartAndOneApprovalOfTwo) {
  options_.core.rotations.approvals = 2;
  Start();
  ASSERT_TRUE(Observe(Page("mirror")).ok());
  const auto entries = Reissued();
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes").ok());
  ASSERT_EQ(Sequence(), 1u);
  ASSERT_TRUE(Observe(PageOf(entries, "mirror")).ok());
  ASSERT_EQ(Sequence(), 2u);
  now_ += absl::Minutes(10);
  Start();
  const auto again = Again(entries, aws_, kNow);
  ASSERT_TRUE(Observe(PageOf(again)).ok());
  ASSERT_TRUE(Observe(PageOf(again, "mirror")).ok());
  EXPECT_EQ(Sequence(), 2u);
  now_ += absl::Hours(1);
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(Sequence(), 3u);
}

// AWS re-issues many at once. Until the second source shows them, the two
// disagree about each: that is one disagreement, and no flicker.
TEST_F(MirrorTest, AWaveThatOneSourceShowsFirstNeedsNobody) {
  ASSERT_TRUE(Observe(Page("mirror")).ok());
  auto entries = anchors::PageEntries(seed_);
  int reissued = 0;
  for (auto& entry : entries) {
    if (entry.slot.kind != AnchorKind::kIidRsa2048) continue;
    test::CertSpec spec = aws_.Certificate(entry.slot.region, entry.slot.kind);
    spec.serial = "\x7f\x01";
    spec.SetValidity(kNow - absl::Hours(1), kNow + absl::Hours(24 * 365));
    entry.der = test::MakeCertificate(spec);
    ++reissued;
  }
  ASSERT_GT(reissued, 3);
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  ASSERT_TRUE(Observe(PageOf(entries, "mirror")).ok());
  for (const v1::Rotation& rotation : All()) {
    EXPECT_FALSE(rotation.needs_person()) << rotation.diff();
    EXPECT_FALSE(IsOpen(rotation.state())) << rotation.diff();
  }
  EXPECT_EQ(Sequence(), 2u);
}

// Also where the page stays as it is.
TEST_F(MirrorTest, AReissueThatBeginsLaterIsPublishedThen) {
  const auto entries =
      Again(anchors::PageEntries(seed_), aws_, kNow + absl::Hours(30));
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  ASSERT_EQ(The(1).rotation_class(), v1::ROTATION_CLASS_RE_ISSUE);
  EXPECT_EQ(Sequence(), 1u);
  now_ += absl::Hours(7);
  ASSERT_TRUE(mirror_->Unchanged("aws-docs", now_).ok());
  EXPECT_EQ(Sequence(), 2u);
}

// After a start nothing has been compared with what a person publishes then.
TEST_F(MirrorTest, APinBetweenAStartAndTheFirstLookHoldsNoReissue) {
  bool is_suspect = true;
  options_.clock_is_suspect = [&] { return is_suspect; };
  Start();
  const auto entries = Reissued();
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  ASSERT_EQ(Sequence(), 1u);
  is_suspect = false;
  Start();
  test::CertSpec spec = aws_.Certificate("eu-west-1", AnchorKind::kIidRsa2048);
  spec.key = spec.issuer_key = &NewKey();
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_ADD);
  *fact.mutable_slot() = The(1).slot();
  fact.set_certificate(test::MakeCertificate(spec));
  fact.set_by("alice");
  fact.set_why("it comes next");
  ASSERT_TRUE(mirror_->Pin({.fact = fact}, now_).ok());
  ASSERT_EQ(Sequence(), 2u);
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  EXPECT_EQ(Sequence(), 3u);
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_COMPLETED) << The(1).reason();
}

}  // namespace
}  // namespace anchorage::trustd
