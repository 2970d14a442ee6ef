// The course of rotations: what sources, people and instances say, what is
// published, and what is on the record after a crash.

#include "trustd/mirror/mirror.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "anchors/files/atomic_file.h"
#include "anchors/rotation/page_writer.h"
#include "anchors/rotation/regions_page.h"
#include "test/fake_aws/fake_identity.h"
#include "trustd/fake_store.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using anchors::Observation;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using verify::AnchorKind;

const absl::Time kNow = test::FakeNow();

// Remembers what was raised and then committed.
class FakeAlerts final : public AlertSink {
 public:
  std::function<void()> Raise(const std::vector<Alert>& alerts,
                              StoreBatch& batch) override {
    for (const Alert& alert : alerts) {
      batch.Put(absl::StrCat("alert/", raised_++), alert.text);
    }
    return [this, alerts] {
      for (const Alert& alert : alerts) {
        committed.push_back(std::string(NameOf(alert.kind)));
        subjects.push_back(alert.subject);
      }
    };
  }

  std::vector<std::string> committed;
  std::vector<std::string> subjects;

 private:
  int raised_ = 0;
};

// Keys of the fake AWS that no slot of it begins with.
const test::TestKey& NewKey() { return test::TestKey::Rsa(2048, 44); }

class MirrorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    config_ = *ParseConfig("data_dir: " + folder_ + "\nmode: MODE_ONLINE\n",
                           "/test.yaml");
    options_.proposal_path = folder_ + "/proposal.json";
    seed_ = CatalogOf(aws_);
    Start();
  }

  // A trustd that begins with `seed_`, or goes on with what the store has.
  void Start() {
    mirror_.reset();
    publisher_ = *Publisher::Open(config_, store_, hub_, seed_, "", now_);
    auto mirror =
        Mirror::Open(options_, store_, *publisher_, hub_, alerts_, now_);
    ASSERT_TRUE(mirror.ok()) << mirror.status();
    mirror_ = *std::move(mirror);
  }

  static Catalog CatalogOf(const test::FakeIdentity& aws) {
    Catalog catalog;
    catalog.sequence = 1;
    catalog.created = kNow;
    for (const verify::AnchorRecord& record : aws.Anchors()) {
      const std::string der = test::MakeCertificate(
          aws.Certificate(record.slot.region, record.slot.kind));
      catalog = *anchors::AddAnchor(catalog, record.slot, der, {"AWS", ""},
                                    {.time = kNow});
    }
    return catalog;
  }

  // What AWS's page says while it is as `aws_` is.
  Observation Page(const std::string& source = "aws-docs") const {
    return PageOf(anchors::PageEntries(CatalogOf(aws_)), source);
  }

  Observation PageOf(const std::vector<anchors::PageEntry>& entries,
                     const std::string& source = "aws-docs") const {
    Observation observation;
    observation.source = source;
    observation.location = "https://docs.example/regions-certs.md";
    observation.time = now_;
    observation.scope.partitions = {"aws", "aws-us-gov", "aws-cn", "aws-eusc"};
    observation.scope.kinds = {AnchorKind::kIidDsa, AnchorKind::kIidRsa1024,
                               AnchorKind::kIidRsa2048};
    const std::string text = anchors::WriteRegionsPage(entries, {});
    auto page = anchors::ParseRegionsPage(text, observation.scope);
    observation.content_sha256 = verify::Sha256Hex(text);
    observation.certificates = std::move(page.certificates);
    observation.problems = std::move(page.problems);
    return observation;
  }

  // What the page says when AWS has re-issued the certificate of one slot.
  std::vector<anchors::PageEntry> Reissued() const {
    test::CertSpec spec =
        aws_.Certificate("eu-west-1", AnchorKind::kIidRsa2048);
    spec.serial = "\x7f\x01";
    spec.SetValidity(kNow - absl::Hours(1), kNow + absl::Hours(24 * 365));
    auto entries = anchors::PageEntries(seed_);
    for (auto& entry : entries) {
      if (entry.slot.region == "eu-west-1" &&
          entry.slot.kind == AnchorKind::kIidRsa2048) {
        entry.der = test::MakeCertificate(spec);
      }
    }
    return entries;
  }

  void Rekey() { aws_.SetKey("eu-west-1", AnchorKind::kIidRsa2048, NewKey()); }

  // What an instance in eu-west-1 shows now.
  v1::Evidence Evidence(const std::string& instance = "i-0123456789abcdef0") {
    auto document = aws_.Document("eu-west-1");
    document.SetText("instanceId", instance);
    v1::Evidence evidence;
    evidence.set_rsa2048(absl::Base64Escape(test::Encode(
        aws_.Genuine("eu-west-1", AnchorKind::kIidRsa2048, document.Text()))));
    return evidence;
  }

  absl::Status Observe(const Observation& observation) {
    return mirror_->Observed(observation, now_);
  }

  std::vector<v1::Rotation> All() const {
    return mirror_->Rotations([](const v1::Rotation&) { return true; });
  }
  v1::Rotation The(std::uint64_t id) const {
    return *mirror_->FindRotation(id);
  }
  std::uint64_t Sequence() const { return hub_.Current()->catalog.sequence; }

  std::string folder_;
  Config config_;
  Mirror::Options options_;
  test::FakeIdentity aws_;
  Catalog seed_;
  absl::Time now_ = kNow;
  FakeStore store_;
  PublicationHub hub_;
  FakeAlerts alerts_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<Mirror> mirror_;
};

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

TEST_F(MirrorTest, AReKeyWaitsForPeople) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_THAT(All(), SizeIs(1));
  EXPECT_EQ(The(1).rotation_class(), v1::ROTATION_CLASS_RE_KEY);
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_THAT(alerts_.subjects, ElementsAre("aws/eu-west-1/iid-rsa2048"));

  const auto decided = mirror_->Decide(1, v1::Decision::KIND_APPROVE, "alice",
                                       "AWS announced it", now_);
  ASSERT_TRUE(decided.ok()) << decided.status();
  EXPECT_EQ(decided->state(), v1::ROTATION_STATE_PUBLISHED);
  EXPECT_EQ(Sequence(), 2u);
  // Old and new side by side, until the overlap is over.
  const auto set = *anchors::ToAnchorSet(hub_.Current()->catalog, {});
  EXPECT_THAT(set->In({"aws", "eu-west-1", AnchorKind::kIidRsa2048}),
              SizeIs(2));
  now_ += anchors::kDefaultOverlap + absl::Hours(1);
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_COMPLETED);
}

TEST_F(MirrorTest, ManyApprovalsCanBeAskedFor) {
  options_.rotations.approvals = 2;
  Start();
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  const auto approve = [&](const std::string& who) {
    return mirror_->Decide(1, v1::Decision::KIND_APPROVE, who, "yes", now_)
        ->state();
  };
  EXPECT_EQ(approve("alice"), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(approve("alice"), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(approve("bob"), v1::ROTATION_STATE_PUBLISHED);
}

TEST_F(MirrorTest, WhatIsRejectedStaysRejected) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(mirror_
                  ->Decide(1, v1::Decision::KIND_REJECT, "alice",
                           "the page was changed by someone", now_)
                  .ok());
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_THAT(All(), SizeIs(1));
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_REJECTED);
  EXPECT_EQ(mirror_->Decide(1, v1::Decision::KIND_APPROVE, "bob", "but", now_)
                .status()
                .code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(MirrorTest, DecisionsNeedAReasonAndARotation) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(
      mirror_->Decide(1, v1::Decision::KIND_APPROVE, "alice", "", now_)
          .status()));
  EXPECT_TRUE(absl::IsNotFound(
      mirror_->Decide(2, v1::Decision::KIND_APPROVE, "alice", "x", now_)
          .status()));
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
  ASSERT_TRUE(options_.rotations.policy
                  .Set(anchors::RotationClass::kReKey,
                       {.action = anchors::RotationAction::kPublishAfter,
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
  ASSERT_TRUE(options_.rotations.policy
                  .Set(anchors::RotationClass::kReKey,
                       {.action = anchors::RotationAction::kPublishAfter,
                        .sources = 1,
                        .hold = absl::Hours(24)})
                  .ok());
  Start();
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(
      mirror_
          ->Decide(1, v1::Decision::KIND_HOLD, "alice", "I ask AWS first", now_)
          .ok());
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
  EXPECT_EQ(mirror_->Decide(1, v1::Decision::KIND_APPROVE, "alice", "x", now_)
                .status()
                .code(),
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
  ASSERT_TRUE(
      mirror_->Decide(2, v1::Decision::KIND_APPROVE, "alice", "proved", now_)
          .ok());
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
  const auto sequence = mirror_->Pin(fact, now_);
  ASSERT_TRUE(sequence.ok()) << sequence.status();
  EXPECT_EQ(*sequence, 2u);
  EXPECT_EQ(hub_.Current()->catalog.anchors.front().status,
            verify::AnchorStatus::kRevoked);
  EXPECT_EQ(mirror_->Pin(fact, now_).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

// --- what must not be believed ------------------------------------------------

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

TEST_F(MirrorTest, NothingIsPublishedWithAClockThatIsBehind) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  now_ -= absl::Hours(24 * 365);
  ASSERT_TRUE(
      mirror_->Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes", now_)
          .ok());
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_APPROVED);
  now_ += absl::Hours(24 * 365);
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(Sequence(), 2u);
}

TEST_F(MirrorTest, ASourceThatIsTakenOutVotesNoMore) {
  Rekey();
  ASSERT_TRUE(Observe(Page("old")).ok());
  mirror_->SetSources({"aws-docs"}, now_);
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_WITHDRAWN);
}

// --- starts -----------------------------------------------------------------

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
    (void)mirror_->Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes", now_);
    store_.commits_left.reset();
    Start();
    ASSERT_TRUE(mirror_->ledger().health().ok());
    ASSERT_TRUE(Observe(Page()).ok());
    if (The(1).state() == v1::ROTATION_STATE_DETECTED) {
      ASSERT_TRUE(
          mirror_->Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes", now_)
              .ok());
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
      mirror_->Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes", now_)
          .status()));
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(Sequence(), 1u);
  store_.failure = absl::OkStatus();
  EXPECT_TRUE(
      mirror_->Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes", now_)
          .ok());
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

// --- MODE_OFFLINE -----------------------------------------------------------

TEST_F(MirrorTest, OfflineWhatIsApprovedIsProposed) {
  options_.offline = true;
  Start();
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(
      mirror_->Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes", now_)
          .ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_APPROVED);
  EXPECT_EQ(Sequence(), 1u);
  const auto proposal =
      anchors::ReadFile(options_.proposal_path, anchors::kMaxCatalogBytes);
  ASSERT_TRUE(proposal.ok()) << proposal.status();
  const auto catalog = anchors::ParseCatalog(*proposal);
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_EQ(catalog->sequence, 2u);
  // People sign it: the publisher stands for them here.
  ASSERT_TRUE(publisher_->Publish(*catalog, now_).ok());
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_PUBLISHED);
  EXPECT_EQ(The(1).published_sequence(), 2u);
}

TEST_F(MirrorTest, OfflineAnApprovalCanBeTakenBack) {
  options_.offline = true;
  Start();
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  const auto decide = [&](v1::Decision::Kind kind) {
    return mirror_->Decide(1, kind, "alice", "because", now_)->state();
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
  options_.offline = true;
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
  ASSERT_TRUE(mirror_->Pin(fact, now_).ok());
  ASSERT_TRUE(
      mirror_->Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes", now_)
          .ok());
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
  ASSERT_TRUE(publisher_->Publish(other, now_).ok());
  ASSERT_TRUE(mirror_->Settle(now_).ok());
  EXPECT_EQ(anchors::ParseCatalog(read())->anchors.front().status,
            verify::AnchorStatus::kRevoked);
}

// --- AWS's history ------------------------------------------------------------

// The catalog as it was before AWS re-issued any certificate, then the page of
// today: the 28 real re-issues, each found, classed and published by itself.
TEST_F(MirrorTest, ReplaysTheRealHistory) {
  const Catalog today =
      *anchors::ParseCatalog(anchors::DefaultBakedBundle().catalog);
  store_ = FakeStore();
  seed_ = anchors::CatalogBeforeReissues(today);
  now_ = today.created;
  std::filesystem::remove_all(folder_);
  Start();
  ASSERT_TRUE(Observe(PageOf(anchors::PageEntries(today))).ok());
  int reissues = 0;
  for (const v1::Rotation& rotation : All()) {
    EXPECT_EQ(rotation.rotation_class(), v1::ROTATION_CLASS_RE_ISSUE)
        << rotation.diff();
    EXPECT_EQ(rotation.state(), v1::ROTATION_STATE_COMPLETED)
        << rotation.reason();
    ++reissues;
  }
  EXPECT_EQ(reissues, 28);
  EXPECT_EQ(Sequence(), 2u);
}

}  // namespace
}  // namespace anchorage::trustd
