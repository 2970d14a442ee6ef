// Starts, crashes, full disks, MODE_OFFLINE, and AWS's history.

#include "anchors/releases.h"
#include "test/support/mirror_fixture.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using verify::AnchorKind;

TEST_F(MirrorTest, AStartForgetsNothing) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(mirror_->SubmitEvidence(Evidence(), "fleet", now_).ok());
  const std::string before = The(1).SerializeAsString();
  Start();
  EXPECT_EQ(The(1).SerializeAsString(), before);
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_THAT(All(), SizeIs(1));
}

// A crash before each commit in turn: the next start goes on from there, and
// the re-key is approved once and published once.
TEST_F(MirrorTest, ACrashBetweenAnyTwoCommitsLosesNothing) {
  Rekey();
  for (int survive = 0; survive < 8; ++survive) {
    store_ = FakeStore();
    hub_.~PublicationHub();
    new (&hub_) PublicationHub();
    Start();
    store_.commits_left = survive;
    (void)Observe(Page());
    (void)Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes");
    store_.commits_left.reset();
    Start();
    ASSERT_TRUE(mirror_->ledger().health().ok());
    ASSERT_TRUE(Observe(Page()).ok());
    if (The(1).state() == v1::ROTATION_STATE_DETECTED) {
      ASSERT_TRUE(Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes").ok());
    }
    EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_PUBLISHED) << survive;
    EXPECT_EQ(Sequence(), 2u) << survive;
    EXPECT_EQ(The(1).published_sequence(), 2u) << survive;
  }
}

TEST_F(MirrorTest, AFullDiskRefusesDecisionsAndServesOn) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  store_.failure = absl::ResourceExhaustedError("no space left");
  EXPECT_TRUE(absl::IsResourceExhausted(
      Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes").status()));
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(Sequence(), 1u);
  store_.failure = absl::OkStatus();
  EXPECT_TRUE(Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes").ok());
  EXPECT_EQ(Sequence(), 2u);
}

TEST_F(MirrorTest, ADamagedRecordStopsDecisionsAndNotTheService) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  store_.values["ledger/record/0000000000000001"].back() ^= 1;
  Start();
  EXPECT_TRUE(absl::IsDataLoss(mirror_->ledger().health()));
  EXPECT_TRUE(absl::IsDataLoss(Observe(Page())));
  EXPECT_EQ(Sequence(), 1u);
}

// --- a clock that was ahead ---

// A catalog that revokes the first anchor, published by that clock.
class AheadTest : public MirrorTest {
 protected:
  void PublishAhead() {
    anchors::Catalog catalog = seed_;
    catalog.anchors.front().status = verify::AnchorStatus::kRevoked;
    catalog.created = kNow + absl::Hours(24 * 300);
    ASSERT_TRUE(Publish(catalog, catalog.created).ok());
    ASSERT_TRUE(mirror_->Settle(catalog.created).ok());
    ASSERT_EQ(Sequence(), 2u);
    ASSERT_THAT(alerts_.committed, ::testing::IsEmpty());
  }

  // The newest publication on the record.
  v1::PublicationFact Recorded() const {
    v1::PublicationFact fact;
    EXPECT_TRUE(mirror_->ledger()
                    .Scan(0,
                          [&](std::uint64_t, const v1::LedgerRecord& record) {
                            if (record.has_publication()) {
                              fact = record.publication();
                            }
                            return true;
                          })
                    .ok());
    return fact;
  }
};

TEST_F(AheadTest, TheCatalogIsPublishedAgainAndDatedRight) {
  PublishAhead();
  for (int start = 0; start < 2; ++start) {
    ASSERT_TRUE(mirror_->Settle(now_).ok());
    EXPECT_EQ(Sequence(), 3u);
    const auto publication = hub_.Current();
    EXPECT_EQ(publication->catalog.created, now_);
    EXPECT_EQ(publication->catalog.anchors.front().status,
              verify::AnchorStatus::kRevoked);
    EXPECT_THAT(alerts_.committed, ElementsAre("DATED_AHEAD"));
    EXPECT_THAT(alerts_.subjects, ElementsAre("catalog"));
    EXPECT_EQ(Recorded().sequence(), 3u);
    EXPECT_EQ(Recorded().catalog_sha256(), publication->catalog_sha256());
    Start();
  }
}

TEST_F(AheadTest, AStartMendsItToo) {
  PublishAhead();
  Start();
  EXPECT_EQ(Sequence(), 3u);
  EXPECT_EQ(hub_.Current()->catalog.created, now_);
}

TEST_F(AheadTest, OfflinePeopleAreToldAndGetAProposal) {
  PublishAhead();
  options_.core.offline = true;
  Start();
  std::string proposal;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(mirror_->Settle(now_).ok());
    const auto text =
        anchors::ReadFile(options_.proposal_path, anchors::kMaxCatalogBytes);
    ASSERT_TRUE(text.ok()) << text.status();
    if (i > 0) {
      EXPECT_EQ(*text, proposal);
    }
    proposal = *text;
  }
  EXPECT_EQ(Sequence(), 2u);
  EXPECT_THAT(alerts_.committed, ElementsAre("DATED_AHEAD"));
  const auto catalog = anchors::ParseCatalog(proposal);
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_EQ(catalog->sequence, 3u);
  EXPECT_LE(catalog->created, now_);
  EXPECT_EQ(catalog->anchors.front().status, verify::AnchorStatus::kRevoked);
  // Signed, it is no longer proposed.
  ASSERT_TRUE(Publish(*catalog, now_).ok());
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_FALSE(std::filesystem::exists(options_.proposal_path));
}

TEST_F(AheadTest, PeopleAreToldOfAListOfReleases) {
  anchors::Release release;
  release.product = "signer";
  release.name = "2.3.0";
  release.measurements = {{0, std::string(48, 'a')}};
  anchors::ReleaseList list;
  list.sequence = 1;
  list.created = kNow + absl::Hours(24 * 300);
  list.releases = {release};
  ASSERT_TRUE(publisher_
                  ->PublishBeside({{std::string(anchors::kReleasesTargetPath),
                                    anchors::SerializeReleases(list)}},
                                  list.created)
                  .ok());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(mirror_->Settle(now_).ok());
    EXPECT_THAT(alerts_.committed, ElementsAre("DATED_AHEAD"));
    EXPECT_THAT(alerts_.subjects, ElementsAre("releases"));
  }
  EXPECT_EQ(Sequence(), 1u);
}

// Sequences fall where a root removes a thief's.
TEST_F(AheadTest, ALowerSequenceIsPutOnTheRecordToo) {
  anchors::Catalog catalog = seed_;
  ASSERT_TRUE(Publish(catalog, now_).ok());
  const auto two = hub_.Current();
  catalog.anchors.pop_back();
  ASSERT_TRUE(Publish(catalog, now_).ok());
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  ASSERT_EQ(Recorded().sequence(), 3u);
  hub_.Publish(two);
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(Recorded().sequence(), 2u);
  EXPECT_EQ(Recorded().catalog_sha256(), two->catalog_sha256());
  const std::uint64_t size = mirror_->ledger().head().size;
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(mirror_->ledger().head().size, size) << "once";
}

// --- MODE_OFFLINE -----------------------------------------------------------

TEST_F(MirrorTest, OfflineWhatIsApprovedIsProposed) {
  options_.core.offline = true;
  Start();
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes").ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_APPROVED);
  EXPECT_EQ(Sequence(), 1u);
  const auto proposal =
      anchors::ReadFile(options_.proposal_path, anchors::kMaxCatalogBytes);
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  const auto catalog = anchors::ParseCatalog(*proposal);
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_EQ(catalog->sequence, 2u);
  // People sign it: the publisher stands for them here.
  ASSERT_TRUE(Publish(*catalog, now_).ok());
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_PUBLISHED);
  EXPECT_EQ(The(1).published_sequence(), 2u);
}

TEST_F(MirrorTest, OfflineAnApprovalCanBeTakenBack) {
  options_.core.offline = true;
  Start();
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  const auto decide = [&](v1::Decision::Kind kind) {
    return Decide(1, kind, "alice", "because")->state();
  };
  EXPECT_EQ(decide(v1::Decision::KIND_APPROVE), v1::ROTATION_STATE_APPROVED);
  EXPECT_TRUE(std::filesystem::exists(options_.proposal_path));
  EXPECT_EQ(decide(v1::Decision::KIND_HOLD), v1::ROTATION_STATE_DETECTED);
  EXPECT_FALSE(std::filesystem::exists(options_.proposal_path));
  EXPECT_EQ(decide(v1::Decision::KIND_APPROVE), v1::ROTATION_STATE_APPROVED);
  EXPECT_EQ(decide(v1::Decision::KIND_REJECT), v1::ROTATION_STATE_REJECTED);
  EXPECT_FALSE(std::filesystem::exists(options_.proposal_path));
}

TEST_F(MirrorTest, OfflineAProposalHasEverythingAndStaysAsItIs) {
  options_.core.offline = true;
  Start();
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_REVOKE);
  const auto& anchor = seed_.anchors.front();
  fact.mutable_slot()->set_partition(anchor.slot.partition);
  fact.mutable_slot()->set_region(anchor.slot.region);
  fact.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_DSA);
  fact.set_spki_sha256(anchor.spki_sha256);
  fact.set_by("alice");
  fact.set_why("its key was stolen");
  ASSERT_TRUE(mirror_->Pin({.fact = fact, .last_key = true}, now_).ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes").ok());
  const auto read = [&] {
    return *anchors::ReadFile(options_.proposal_path,
                              anchors::kMaxCatalogBytes);
  };
  const std::string proposal = read();
  const auto catalog = *anchors::ParseCatalog(proposal);
  EXPECT_EQ(catalog.anchors.front().status, verify::AnchorStatus::kRevoked);
  EXPECT_EQ(catalog.anchors.size(), seed_.anchors.size() + 1);
  now_ += absl::Hours(5);
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(read(), proposal);
  Start();
  EXPECT_EQ(read(), proposal);
  // What was signed without the pin leaves it for the next proposal.
  Catalog other = seed_;
  other.sequence = 2;
  ASSERT_TRUE(Publish(other, now_).ok());
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(anchors::ParseCatalog(read())->anchors.front().status,
            verify::AnchorStatus::kRevoked);
}

// --- AWS's history ------------------------------------------------------------

// The catalog as it was before AWS re-issued any certificate, then the page of
// today: the 28 real re-issues, each found, classed and published by itself. The
// two regions of China had one certificate in common, and have one now.
TEST_F(MirrorTest, ReplaysTheRealHistory) {
  const Catalog today =
      *anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
  store_ = FakeStore();
  seed_ = anchors::CatalogBeforeReissues(today);
  now_ = today.created;
  std::filesystem::remove_all(folder_);
  Start();
  ASSERT_TRUE(Observe(PageOf(anchors::PageEntries(today))).ok());
  for (const v1::Rotation& rotation : All()) {
    EXPECT_EQ(rotation.rotation_class(), v1::ROTATION_CLASS_RE_ISSUE)
        << rotation.diff();
    EXPECT_EQ(rotation.state(), v1::ROTATION_STATE_COMPLETED)
        << rotation.reason();
  }
  EXPECT_THAT(All(), SizeIs(28));
  EXPECT_EQ(Sequence(), 2u);
}

}  // namespace
}  // namespace anchorage::trustd
