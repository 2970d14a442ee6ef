#include "trustd/explain/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "anchors/base/proto_time.h"
#include "anchors/catalog_proto.h"
#include "test/support/mirror_fixture.h"
#include "trustd/explain/history.h"
#include "trustd/explain/recommendation.h"
#include "trustd/rotation/gate.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Action = v1::Recommendation;
using Standing = v1::SourceStanding;

std::string Manual() {
  std::ifstream in("trustd/explain/README.md", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(CasesTest, AreTheManuals) {
  std::string table = "| case | action | sentence |\n| --- | --- | --- |\n";
  for (int i = 0; i <= static_cast<int>(Case::kMaxValue); ++i) {
    const RecommendationRow& row = RecommendationOf(static_cast<Case>(i));
    absl::StrAppend(
        &table, "| `", std::string(row.name), "` | `",
        v1::Recommendation::Action_Name(row.action).substr(sizeof("ACTION")),
        "` | ", std::string(row.sentence), " |\n");
  }
  EXPECT_THAT(Manual(), HasSubstr("<!-- cases: begin -->\n" + table +
                                  "<!-- cases: end -->"));
}

TEST(CasesTest, SayOfEachAnomalyWhatToDo) {
  for (int i = 0; i <= static_cast<int>(AnomalyKind::kMaxValue); ++i) {
    const auto kind = static_cast<AnomalyKind>(i);
    const RecommendationRow& row = RecommendationOf(CaseOf(kind));
    EXPECT_EQ(row.name, NameOf(kind));
    EXPECT_EQ(row.action, Action::ACTION_LOOK);
  }
}

// Each certificate that is built in and was superseded is in the history, with
// its end and that of the one that came instead, and nothing else is.
TEST(HistoryTest, IsThatOfTheCertificatesThatAreBuiltIn) {
  std::set<std::string> built_in;
  std::set<std::string> told;
  const auto line = [](absl::Time day, const verify::Slot& slot,
                       absl::Time old_end, absl::Time new_end) {
    const auto text = [](absl::Time time) {
      return absl::FormatTime("%Y-%m-%d", time, absl::UTCTimeZone());
    };
    return absl::StrCat(text(day), " ", verify::ToString(slot), " ",
                        text(old_end), " ", text(new_end));
  };
  const auto catalog =
      anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
  ASSERT_TRUE(catalog.ok());
  for (const anchors::CatalogAnchor& anchor : catalog->anchors) {
    const auto& now = anchor.certificates.front();
    for (const auto& one : anchor.certificates) {
      if (!one.superseded) continue;
      built_in.insert(
          line(now.not_before, anchor.slot, one.not_after, now.not_after));
    }
  }
  for (const PastChange& change : PastChanges()) {
    EXPECT_EQ(change.rotation_class, RotationClass::kReissue);
    for (const verify::Slot& slot : change.slots) {
      told.insert(line(change.day, slot, change.old_end, change.new_end));
    }
  }
  EXPECT_EQ(built_in, told);
  EXPECT_EQ(told.size(), 28u);
}

class ExplainTest : public IrelandTest {
 protected:
  void SetUp() override {
    options_.core.rotations.approvals = 2;
    IrelandTest::SetUp();
  }

  v1::RotationExplanation Explain(std::uint64_t id) const {
    const auto explanation = ExplainRotation(mirror_->View(now_), id);
    EXPECT_TRUE(explanation.has_value()) << id;
    return explanation.value_or(v1::RotationExplanation());
  }
  // A line each.
  std::string Commands(std::uint64_t id) const {
    std::string lines;
    const auto it = Explain(id);
    for (const auto& next : it.commands()) {
      absl::StrAppend(&lines, next.command(), "\n");
    }
    return lines;
  }
  std::string CaseOf(std::uint64_t id) const {
    return Explain(id).recommendation().name();
  }
  std::vector<std::string> Refusals(std::uint64_t id) const {
    std::vector<std::string> names;
    const auto it = Explain(id);
    for (const auto& refusal : it.refusals()) {
      names.push_back(refusal.reason());
    }
    return names;
  }
  v1::SourceStanding Source(const std::string& name) const {
    for (const auto& standing : ExplainSources(mirror_->View(now_))) {
      if (standing.source() == name) return standing;
    }
    ADD_FAILURE() << "no source " << name;
    return {};
  }

  // Another key in Ireland, as AWS would publish it.
  std::string NewCertificate() const {
    return SignedOn(kNow - absl::Hours(1), "\x33", NewKey());
  }
  absl::StatusOr<v1::Rotation> Approve(std::uint64_t id,
                                       const std::string& by) {
    return Decide(id, v1::Decision::KIND_APPROVE, by, "as AWS says");
  }
};

TEST_F(ExplainTest, OneSourceAloneDoesNotProveAnotherKey) {
  ASSERT_TRUE(Show({NewCertificate()}).ok());
  const auto it = Explain(1);
  EXPECT_EQ(it.recommendation().name(), "KEY_UNPROVED");
  EXPECT_EQ(it.recommendation().action(), Action::ACTION_CONFIRM);
  EXPECT_EQ(it.summary(),
            "Another key of the same algorithm and size, in "
            "aws/eu-west-1/iid-rsa2048.");
  EXPECT_THAT(it.witnesses(), HasSubstr("by aws-docs; no instance"));
  EXPECT_EQ(it.approvals().sentence(), "0 of 2; missing 2 of alice, bob, olga");
  EXPECT_THAT(it.policy().sentence(), HasSubstr("the policy holds RE_KEY"));
  EXPECT_EQ(it.policy().outcome(), v1::PolicyOutlook::OUTCOME_HOLDS);
  EXPECT_THAT(it.refusals(), IsEmpty());
  EXPECT_THAT(it.history_summary(), HasSubstr("AWS has never re-keyed"));
  EXPECT_THAT(it.history_summary(), ::testing::Not(HasSubstr("This trustd")));
  EXPECT_TRUE(it.can_approve());
  EXPECT_FALSE(it.can_undo());
  EXPECT_THAT(it.commands(0).command(), HasSubstr("sources poll"));
  EXPECT_THAT(Commands(1), HasSubstr("| trustctl evidence submit --rsa2048 -"));
  EXPECT_THAT(Commands(1),
              HasSubstr("trustctl alerts ack rotation/1 --until 12h --why"));
}

TEST_F(ExplainTest, TheSecondNewKeyStandsBesideTheActiveOne) {
  ASSERT_TRUE(Show({NewCertificate()}).ok());
  ASSERT_TRUE(Approve(1, "alice").ok());
  ASSERT_TRUE(Approve(1, "bob").ok());
  Pass(absl::Hours(1));
  ASSERT_TRUE(Show({SignedOn(now_ - absl::Hours(1), "\x55",
                             test::TestKey::Rsa(2048, 43))})
                  .ok());
  const auto it = Explain(All().back().id());
  ASSERT_EQ(it.old_certificates_size(), 2) << it.DebugString();
  EXPECT_EQ(it.old_certificates(0).status(), v1::ANCHOR_STATUS_ACTIVE);
  EXPECT_EQ(it.old_certificates(0).spki_sha256(),
            verify::Sha256Hex(NewKey().spki_der()));
  EXPECT_EQ(it.old_certificates(1).status(), v1::ANCHOR_STATUS_RETIRING);
  // It is not the first re-key, whatever AWS did before.
  EXPECT_THAT(it.history_summary(),
              HasSubstr("This trustd published rotation 1, RE_KEY of this "
                        "slot, seen 2"));
  EXPECT_THAT(it.history_summary(), HasSubstr("by alice, bob."));
}

TEST_F(ExplainTest, AWrongRejectionHasAWayBack) {
  ASSERT_TRUE(Show({NewCertificate()}).ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_REJECT, "bob", "no").ok());
  Pass(absl::Hours(1));
  ASSERT_TRUE(Show({NewCertificate()}).ok());
  EXPECT_EQ(CaseOf(1), "OVER");
  EXPECT_EQ(Commands(1),
            "trustctl anchors add FILE --partition aws --region eu-west-1 "
            "--kind iid-rsa2048 --why REASON\n");
  EXPECT_EQ(Source("aws-docs").state(), Standing::STATE_WORKING);
  EXPECT_EQ(Source("aws-docs").reason(), "it shows 1 rejected (1)");
  // Once it is gone, nothing is left of it.
  Pass(absl::Hours(1));
  ASSERT_TRUE(Show({Genuine()}).ok());
  EXPECT_EQ(Commands(1), "");
  EXPECT_EQ(Source("aws-docs").reason(), "");
}

TEST_F(ExplainTest, OldAndNewStandBesideEachOther) {
  ASSERT_TRUE(Show({NewCertificate()}).ok());
  const auto it = Explain(1);
  ASSERT_EQ(it.old_certificates_size(), 1);
  ASSERT_EQ(it.new_certificates_size(), 1);
  const auto& was = it.old_certificates(0);
  const auto& is = it.new_certificates(0);
  EXPECT_EQ(was.sha256(), verify::Sha256Hex(Genuine()));
  EXPECT_EQ(was.status(), v1::ANCHOR_STATUS_ACTIVE);
  EXPECT_TRUE(was.in_use());
  EXPECT_EQ(is.sha256(), verify::Sha256Hex(NewCertificate()));
  EXPECT_EQ(is.spki_sha256(), verify::Sha256Hex(NewKey().spki_der()));
  EXPECT_EQ(is.key(), "RSA-2048");
  EXPECT_EQ(is.key_bits(), 2048);
  EXPECT_EQ(is.serial(), "33");
  EXPECT_EQ(is.signature(), v1::ExplainedCertificate::SIGNATURE_OWN_KEY);
  EXPECT_EQ(is.status(), v1::ANCHOR_STATUS_UNSPECIFIED);
  EXPECT_FALSE(is.in_use());
  EXPECT_FALSE(is.subject().empty());
  EXPECT_EQ(is.subject(), is.issuer());
  EXPECT_EQ(anchors::TimeOf(is.not_before()), kNow - absl::Hours(1));
}

TEST_F(ExplainTest, ACertificateThatTheOldKeySignedSaysSo) {
  test::CertSpec spec = aws_.Certificate(kIreland.region, kIreland.kind);
  spec.key = &NewKey();
  spec.issuer_key = &aws_.KeyOf(kIreland.region, kIreland.kind);
  spec.serial = "\x44";
  ASSERT_TRUE(Show({test::MakeCertificate(spec)}).ok());
  EXPECT_EQ(Explain(1).new_certificates(0).signature(),
            v1::ExplainedCertificate::SIGNATURE_OLD_KEY);
  EXPECT_EQ(CaseOf(1), "NOT_SELF_SIGNED");
}

TEST_F(ExplainTest, AnInstanceProvesAnotherKey) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(mirror_->SubmitEvidence(Evidence(), "fleet", now_).ok());
  const auto it = Explain(1);
  EXPECT_EQ(it.recommendation().name(), "KEY_PROVED");
  EXPECT_EQ(it.recommendation().action(), Action::ACTION_APPROVE);
  EXPECT_THAT(it.commands(0).command(), HasSubstr("rotations approve 1 "));
  EXPECT_THAT(it.witnesses(), HasSubstr("proved by instances of fleet"));
  ASSERT_TRUE(Approve(1, "alice").ok());
  EXPECT_EQ(Explain(1).approvals().sentence(),
            "1 of 2; missing one of bob, olga");
  EXPECT_EQ(Explain(1).approvals().given(0).name(), "alice");
  ASSERT_TRUE(Approve(1, "bob").ok());
  EXPECT_EQ(CaseOf(1), "PUBLISHED");
  EXPECT_EQ(Explain(1).approvals().sentence(), "2 of 2");
  EXPECT_THAT(Explain(1).approvals().missing(), IsEmpty());
}

TEST_F(ExplainTest, AForgedCertificateIsToBeRejected) {
  ASSERT_TRUE(Show({Forged()}).ok());
  const auto it = Explain(1);
  EXPECT_EQ(it.recommendation().name(), "NOT_SELF_SIGNED");
  EXPECT_EQ(it.recommendation().action(), Action::ACTION_REJECT);
  EXPECT_FALSE(it.can_approve());
  EXPECT_TRUE(it.refusals(0).also_for_people());
  EXPECT_THAT(Refusals(1), ::testing::Contains("NOT_SELF_SIGNED"));
  ASSERT_EQ(it.commands_size(), 1);
  EXPECT_THAT(it.commands(0).command(), HasSubstr("rotations reject 1 "));
}

TEST_F(ExplainTest, WhatASourceContradictsIsHeld) {
  ASSERT_TRUE(Show({Genuine()}, "mirror").ok());
  ASSERT_TRUE(Show({NewCertificate()}).ok());
  const auto it = Explain(1);
  EXPECT_EQ(it.recommendation().name(), "SOURCE_SAYS_OTHERWISE");
  EXPECT_EQ(it.recommendation().action(), Action::ACTION_HOLD);
  EXPECT_THAT(it.witnesses(), HasSubstr("contradicted by mirror"));
  for (const auto& next : it.commands()) {
    EXPECT_THAT(next.command(), ::testing::Not(HasSubstr("approve")));
  }
}

TEST_F(ExplainTest, ARemovalIsHeld) {
  ASSERT_TRUE(Show({}).ok());
  for (const v1::Rotation& rotation : All()) {
    if (rotation.rotation_class() != v1::ROTATION_CLASS_REMOVAL) continue;
    EXPECT_EQ(CaseOf(rotation.id()), "TAKES_AWAY");
    EXPECT_THAT(Explain(rotation.id()).summary(), HasSubstr("is gone"));
    return;
  }
  FAIL() << "no removal";
}

TEST_F(ExplainTest, ThePolicyNeedsNobody) {
  sources_ = {{"aws-docs", "aws-docs"}, {"late", "late"}};
  mirror_->SetSources(sources_, now_);
  ASSERT_TRUE(Show({SignedOn(kNow - absl::Hours(1), "\x22")}).ok());
  // It waits for a source that has not answered.
  const auto it = Explain(1);
  EXPECT_EQ(it.recommendation().name(), "NOT_ALL_ASKED");
  EXPECT_EQ(it.recommendation().action(), Action::ACTION_WAIT);
  EXPECT_THAT(it.policy().sentence(), HasSubstr("the gate does not let it"));
  EXPECT_TRUE(it.refusals(0).may_pass());
  EXPECT_EQ(Source("late").state(), Standing::STATE_NOT_ASKED);
  ASSERT_TRUE(mirror_->SourceFailed("late", "TIMED_OUT", "slow", now_).ok());
  EXPECT_EQ(CaseOf(1), "OVER");
  EXPECT_EQ(Explain(1).approvals().sentence(),
            "it was published without people");
  EXPECT_THAT(Explain(1).undo(), HasSubstr("replaced no key"));
  EXPECT_EQ(Source("late").state(), Standing::STATE_FAILING);
  EXPECT_THAT(Source("late").reason(), HasSubstr("TIMED_OUT: slow"));
}

TEST_F(ExplainTest, WhatPeopleAskForIsToBeConfirmed) {
  ASSERT_TRUE(Pin(v1::PinFact::ACTION_ADD, NewCertificate(), "olga").ok());
  const auto it = Explain(1);
  EXPECT_EQ(it.recommendation().name(), "REQUESTED");
  EXPECT_EQ(it.approvals().sentence(), "1 of 2; missing one of alice, bob");
  EXPECT_THAT(it.witnesses(), HasSubstr("Asked for by olga"));
}

TEST_F(ExplainTest, AnUndoThatRevokesIsForEver) {
  ASSERT_TRUE(Show({NewCertificate()}).ok());
  ASSERT_TRUE(Approve(1, "alice").ok());
  ASSERT_TRUE(Approve(1, "bob").ok());
  const auto retires =
      mirror_->Undo({.rotation_id = 1, .by = "olga", .why = "a mistake"}, now_);
  ASSERT_TRUE(retires.ok()) << retires.status();
  EXPECT_THAT(Explain(retires->id()).undo(), HasSubstr("can be taken back"));
  const auto revokes = mirror_->Undo(
      {.rotation_id = 1, .by = "olga", .why = "forged", .revokes = true}, now_);
  ASSERT_TRUE(revokes.ok()) << revokes.status();
  EXPECT_EQ(Explain(revokes->id()).undo(),
            "It can never be taken back: a revoked key never comes back.");
}

TEST_F(ExplainTest, ARequestThatCanNoLongerBeDoneIsToBeRejected) {
  ASSERT_TRUE(Show({NewCertificate()}).ok());
  ASSERT_TRUE(Approve(1, "alice").ok());
  ASSERT_TRUE(Approve(1, "bob").ok());
  const auto undo =
      mirror_->Undo({.rotation_id = 1, .by = "olga", .why = "a mistake"}, now_);
  ASSERT_TRUE(undo.ok()) << undo.status();
  ASSERT_TRUE(Pin(v1::PinFact::ACTION_REVOKE, Key(), "alice").ok());
  const auto it = Explain(undo->id());
  EXPECT_EQ(it.recommendation().name(), "REQUEST_OUTDATED");
  EXPECT_EQ(it.recommendation().action(), Action::ACTION_REJECT);
  EXPECT_THAT(Commands(undo->id()), HasSubstr("rotations reject"));
}

TEST_F(ExplainTest, APersonsHoldIsTheirs) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(mirror_->SubmitEvidence(Evidence(), "fleet", now_).ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_HOLD, "bob", "I have a call").ok());
  EXPECT_EQ(CaseOf(1), "PERSON_HOLDS");
  EXPECT_THAT(Explain(1).policy().sentence(), HasSubstr("held by bob at 2"));
  EXPECT_THAT(Commands(1), HasSubstr("rotations approve 1 "));
  EXPECT_THAT(Commands(1), ::testing::Not(HasSubstr("rotations hold")));
}

TEST_F(ExplainTest, SentencesHoldNoControlCharacters) {
  ASSERT_TRUE(Show({NewCertificate()}, "aws\x1b[2J\u202e{{x}}").ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_HOLD, "bob", "a\nb<script>").ok());
  const auto it = Explain(1);
  for (const std::string& text :
       {it.witnesses(), it.policy().sentence(), it.summary()}) {
    EXPECT_EQ(text, verify::Printable(text)) << text;
  }
  EXPECT_THAT(it.policy().sentence(), HasSubstr("a\\nb<script>"));
}

TEST_F(ExplainTest, NoneHasNoExplanation) {
  EXPECT_FALSE(ExplainRotation(mirror_->View(now_), 1).has_value());
  EXPECT_FALSE(AdviceOn(mirror_->View(now_), 1).has_value());
}

TEST_F(ExplainTest, AnAnomalySaysWhatToDo) {
  ASSERT_TRUE(Observe(Page()).ok());
  Observation look = Page();
  look.certificates.resize(1);
  look.problems.push_back({ProblemKind::kTruncated, 40, "cut"});
  ASSERT_TRUE(Observe(look).ok());
  std::vector<std::string> cases;
  for (const v1::Rotation& rotation : All()) {
    cases.push_back(CaseOf(rotation.id()));
    EXPECT_FALSE(Explain(rotation.id()).can_approve());
    EXPECT_TRUE(AdviceOn(mirror_->View(now_), rotation.id()).has_value());
  }
  EXPECT_THAT(cases, ElementsAre("PROBLEM", "SLOTS_MISSING"));
  // The source is doubted from the first on, and says what it shows.
  const v1::SourceStanding source = Source("aws-docs");
  EXPECT_EQ(source.state(), Standing::STATE_DOUBTED);
  EXPECT_THAT(source.reason(), HasSubstr("PROBLEM TRUNCATED: line 40: cut"));
  EXPECT_EQ(source.slots_seen(), 1u);
  EXPECT_EQ(source.slots_pinned(), Page().certificates.size());
  EXPECT_THAT(source.open_rotations(), ElementsAre(1, 2));
}

TEST_F(ExplainTest, LastRightIsBeforeTheFirstDoubt) {
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_EQ(Source("aws-docs").state(), Standing::STATE_WORKING);
  const absl::Time right = now_;
  Pass(absl::Hours(1));
  Observation look = Page();
  look.certificates.resize(1);
  ASSERT_TRUE(Observe(look).ok());
  EXPECT_EQ(anchors::TimeOf(Source("aws-docs").last_right_time()), right);
  EXPECT_EQ(anchors::TimeOf(Source("aws-docs").last_poll_time()), now_);
  Pass(absl::Hours(1));
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_EQ(anchors::TimeOf(Source("aws-docs").last_right_time()), now_);
  Pass(absl::Hours(1));
  ASSERT_TRUE(mirror_->Unchanged("aws-docs", now_).ok());
  EXPECT_EQ(anchors::TimeOf(Source("aws-docs").last_right_time()), now_);
  // It outlives a restart.
  Start();
  EXPECT_EQ(anchors::TimeOf(Source("aws-docs").last_right_time()), now_);
}

// A slot that nobody has pinned is no anomaly when it goes; a person sees it.
TEST_F(ExplainTest, FewerSlotsThanBeforeAreDoubted) {
  const auto slots = Page().certificates.size();
  Observation more = Page();
  more.certificates.push_back(
      {{"aws", "eu-south-9", kIreland.kind}, NewCertificate(), 0});
  ASSERT_TRUE(Observe(more).ok());
  EXPECT_EQ(Source("aws-docs").state(), Standing::STATE_WORKING);
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_EQ(Source("aws-docs").state(), Standing::STATE_DOUBTED);
  EXPECT_EQ(Source("aws-docs").reason(),
            absl::StrCat("it shows ", slots, " slots, and showed ", slots + 1,
                         " before"));
  // AWS may have taken it out for good.
  Pass(absl::Hours(25));
  EXPECT_EQ(Source("aws-docs").state(), Standing::STATE_WORKING);
}

TEST_F(ExplainTest, ASourceThatIsNotConfiguredIsRemoved) {
  ASSERT_TRUE(Show({Genuine()}, "mirror").ok());
  sources_.erase("mirror");
  mirror_->SetSources(sources_, now_);
  EXPECT_EQ(Source("mirror").state(), Standing::STATE_REMOVED);
}

TEST_F(ExplainTest, ASourceSaysWhenItIsPolledNext) {
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_FALSE(Source("aws-docs").has_next_poll_time());
  mirror_->SetNextPoll("aws-docs", now_ + absl::Hours(6));
  ASSERT_TRUE(mirror_->Unchanged("aws-docs", now_).ok());
  EXPECT_EQ(anchors::TimeOf(Source("aws-docs").next_poll_time()),
            now_ + absl::Hours(6));
}

// Random courses of events: what is recommended to be approved is published
// when people do, and the gate has nothing against it.
class ExplainAnyTest : public ExplainTest,
                       public ::testing::WithParamInterface<int> {
 protected:
  int Below(int n) {
    return static_cast<int>(dice_() % static_cast<unsigned>(n));
  }

  std::string AnyCertificate() {
    switch (Below(7)) {
      case 0:
        return Forged();
      case 1:
        return SignedOn(kNow - absl::Hours(24 * 400), "\x21");
      case 2:
        return SignedOn(now_ - absl::Hours(1), "\x22");
      case 3:
        return SignedOn(now_ + absl::Hours(30), "\x23");
      case 4:
        return NewCertificate();
      case 5:
        return SignedOn(kNow - absl::Hours(1), "\x24",
                        aws_.KeyOf("us-east-1", kIreland.kind));
      default:
        return Genuine();
    }
  }

  void AnyEvent() {
    static const std::vector<std::string> names = {"aws-docs", "mirror",
                                                   "folder"};
    const std::string& source = names[static_cast<std::size_t>(Below(3))];
    switch (Below(8)) {
      case 0:
        now_ += absl::Minutes(Below(200));
        (void)mirror_->Settle(now_);
        return;
      case 1:
        (void)mirror_->SourceFailed(source, "TIMED_OUT", "", now_);
        return;
      case 2:
        Rekey();
        (void)mirror_->SubmitEvidence(Evidence(), "fleet", now_);
        return;
      case 3:
        if (Below(4) == 0) Start();
        return;
      case 4: {
        if (Below(6) != 0) return;
        const auto open = mirror_->View(now_).book().Live();
        if (open.empty()) return;
        (void)Decide(
            *open.rbegin(),
            Below(2) == 0 ? v1::Decision::KIND_HOLD : v1::Decision::KIND_REJECT,
            "olga", "no");
        return;
      }
      default: {
        // AWS's page changes at times, and most sources show what it shows.
        if (Below(12) == 0) page_ = AnyCertificate();
        if (page_.empty()) page_ = Genuine();
        Observation look =
            Showing({Below(12) == 0 ? AnyCertificate() : page_}, source);
        if (Below(24) == 0) {
          look.certificates.push_back({kIreland, AnyCertificate(), 0});
        }
        if (Below(24) == 0) {
          look.problems.push_back({ProblemKind::kTruncated, 1, "cut"});
        }
        if (Below(24) == 0) look.certificates.resize(2);
        (void)Observe(look);
      }
    }
  }

  // Else nothing was tried.
  static void TearDownTestSuite() { EXPECT_GT(approved_, 0); }

  std::mt19937 dice_;
  std::string page_;
  static inline int approved_ = 0;
};

TEST_P(ExplainAnyTest, WhatIsToBeApprovedIsPublishedWhenPeopleDo) {
  dice_.seed(static_cast<unsigned>(GetParam()));
  options_.core.rotations.policy
      .Set(RotationClass::kReissue, {.action = RotationAction::kHold})
      .IgnoreError();
  Start();
  for (int i = 0; i < 200; ++i) {
    AnyEvent();
    const Work view = mirror_->View(now_);
    const auto live = view.book().Live();
    for (const std::uint64_t id : live) {
      const auto it = *ExplainRotation(view, id);
      EXPECT_FALSE(it.recommendation().name().empty());
      if (it.recommendation().action() != Action::ACTION_APPROVE) continue;
      const auto& entry = *view.book().Find(id);
      const auto next =
          Applied(view.catalog(), entry.change, view.options, now_);
      ASSERT_TRUE(next.ok()) << next.status();
      EXPECT_TRUE(JudgeAutomatic(view.catalog(), *next, entry.change.slot,
                                 SituationOf(view))
                      .ok());
      EXPECT_EQ(it.refusals_size(), 0) << it.DebugString();
      EXPECT_TRUE(it.can_approve());
      if (Below(2) == 0) continue;
      ASSERT_TRUE(Approve(id, "alice").ok());
      const auto rotation = Approve(id, "bob");
      ASSERT_TRUE(rotation.ok()) << rotation.status();
      EXPECT_EQ(rotation->state() == v1::ROTATION_STATE_PUBLISHED ||
                    rotation->state() == v1::ROTATION_STATE_COMPLETED,
                true)
          << rotation->DebugString();
      ++approved_;
      break;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Any, ExplainAnyTest, ::testing::Range(0, 6));

}  // namespace
}  // namespace anchorage::trustd
