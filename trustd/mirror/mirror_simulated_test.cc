// What random years (test/simulation) have found.

#include <algorithm>

#include "anchors/succession.h"
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

// A signature failed, and by the next try the gate had something against it.
TEST_F(MirrorTest, WhatThePolicyMayNotPublishIsJudgedAgainAndNotHeld) {
  const verify::Slot ireland = {"aws", "eu-west-1", AnchorKind::kIidRsa2048};
  const CoreOptions options;
  State state;
  const auto serve = [&](const anchors::Catalog& catalog) {
    state.served.catalog = std::make_shared<const anchors::Catalog>(catalog);
    state.served.catalog_sha256 =
        verify::Sha256Hex(anchors::SerializeCatalog(catalog));
    state.served.next_sequence = catalog.sequence + 1;
  };
  serve(seed_);
  Moment moment;
  moment.sources.emplace().emplace("aws-docs", "aws-docs");
  At at{.now = kNow, .steady = absl::Hours(1), .may_publish = false};
  const auto take = [&](const Event& event) {
    auto work = trustd::Decide(state, moment, event, at, options);
    EXPECT_TRUE(work.ok()) << work.status();
    state.book = work->book();
    state.records += work->draft.records().size();
    moment = work->moment;
    return work->publish.has_value();
  };
  EXPECT_FALSE(take(
      SourceSaid{std::make_shared<const Observation>(PageOf(Reissued()))}));
  const auto state_of = [&] { return state.book.Find(1)->rotation.state(); };
  ASSERT_EQ(state_of(), v1::ROTATION_STATE_APPROVED);
  at.may_publish = true;
  anchors::Catalog revoked = seed_;
  for (const auto& anchor : seed_.anchors) {
    if (anchor.slot != ireland) continue;
    revoked.anchors.push_back(anchor);
    revoked.anchors.back().slot.region = "eu-west-9";
    revoked.anchors.back().status = verify::AnchorStatus::kRevoked;
  }
  Sort(revoked);
  serve(revoked);
  EXPECT_FALSE(take(TimePassed()));
  EXPECT_EQ(state_of(), v1::ROTATION_STATE_DETECTED);
  const auto decisions = state.book.Find(1)->rotation.decisions_size();
  EXPECT_FALSE(take(TimePassed()));
  EXPECT_EQ(state.book.Find(1)->rotation.decisions_size(), decisions)
      << "nothing fills up";
  serve(seed_);
  EXPECT_TRUE(take(TimePassed()));
}

// What people sign must be able to follow what is served, whatever the clock
// was when it was approved: else they could sign nothing, no revocation either.
class ProposalClockTest : public IrelandTest {
 protected:
  void SetUp() override {
    options_.core.offline = true;
    IrelandTest::SetUp();
  }
  // What is proposed; the test fails for what nobody can sign.
  anchors::Catalog Proposed() {
    const auto text =
        anchors::ReadFile(options_.proposal_path, anchors::kMaxCatalogBytes);
    if (!text.ok()) return seed_;
    const auto catalog = anchors::ParseCatalog(*text);
    EXPECT_TRUE(catalog.ok()) << catalog.status();
    EXPECT_EQ(anchors::CheckSuccessor(seed_, *catalog), absl::OkStatus());
    return *catalog;
  }
  static bool Has(const anchors::Catalog& catalog, const std::string& der) {
    return std::any_of(
        catalog.anchors.begin(), catalog.anchors.end(), [&](const auto& one) {
          return anchors::FindCertificate(
                     &one, anchors::MakeCertificate(der)->sha256) != nullptr;
        });
  }
};

TEST_F(ProposalClockTest, WhatWasApprovedByAClockThatWasAheadCanBeSigned) {
  const std::string later = SignedOn(kNow + absl::Hours(30), "\x7f\x01");
  ASSERT_TRUE(Observe(Showing({later}), kNow + absl::Hours(40 * 24)).ok());
  ASSERT_EQ(The(1).state(), v1::ROTATION_STATE_APPROVED);
  Pass(absl::Hours(10));
  EXPECT_TRUE(Has(Proposed(), later));
}

TEST_F(ProposalClockTest, WhatIsOfTheFutureByNowWaits) {
  const std::string later = SignedOn(kNow, "\x7f\x01");
  ASSERT_TRUE(Show({later}).ok());
  ASSERT_TRUE(Has(Proposed(), later));
  Pass(absl::Hours(-10 * 24));
  EXPECT_FALSE(Has(Proposed(), later));
  Pass(absl::Hours(10 * 24));
  EXPECT_TRUE(Has(Proposed(), later));
}

}  // namespace
}  // namespace anchorage::trustd
