// How often people are reminded of what waits, and of what they know.

#include <string>
#include <vector>

#include "anchors/base/proto_time.h"
#include "test/support/mirror_fixture.h"

namespace anchorage::trustd {
namespace {

using ::testing::Contains;
using ::testing::SizeIs;

class AcknowledgeTest : public MirrorTest {
 protected:
  void SetUp() override {
    MirrorTest::SetUp();
    Rekey();
    ASSERT_TRUE(Observe(Page()).ok());
    ASSERT_THAT(All(), SizeIs(1));
    ASSERT_THAT(alerts_.committed, Contains("ROTATION_DETECTED"));
    alerts_.committed.clear();
  }

  // What people are alerted of when so much time has passed.
  std::vector<std::string> After(absl::Duration time) {
    now_ += time;
    alerts_.committed.clear();
    EXPECT_TRUE(mirror_->Settle(now_).ok());
    return alerts_.committed;
  }

  absl::Status Acknowledge(absl::Time until, const std::string& why = "known",
                           const std::string& by = "alice") {
    PersonAcknowledges event;
    event.fact.set_alert_id("rotation/1");
    event.fact.set_kind("ROTATION_HELD_TOO_LONG");
    event.fact.set_by(by);
    event.fact.set_why(why);
    anchors::SetTime(until, *event.fact.mutable_until_time());
    return mirror_->Acknowledge(event, now_);
  }

  std::string KnownBy() const {
    std::string by;
    mirror_->Read([&](const RotationBook& book, const Moment&) {
      const v1::AlertFact* fact = book.AcknowledgedAt("rotation/1", now_);
      if (fact != nullptr) by = fact->by();
    });
    return by;
  }
};

const std::vector<std::string> kReminder = {"ROTATION_HELD_TOO_LONG"};
const std::vector<std::string> kNothing = {};
constexpr absl::Duration kMinute = absl::Minutes(1);

TEST_F(AcknowledgeTest, PeopleAreRemindedAgainAndAgain) {
  EXPECT_EQ(After(absl::Hours(24) - kMinute), kNothing);
  EXPECT_EQ(After(kMinute), kReminder);
  EXPECT_EQ(After(kMinute), kNothing);
  EXPECT_EQ(After(absl::Hours(24) - 2 * kMinute), kNothing);
  EXPECT_EQ(After(kMinute), kReminder);
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_REJECT, "alice", "no").ok());
  EXPECT_EQ(After(absl::Hours(48)), kNothing);
}

TEST_F(AcknowledgeTest, NobodyIsRemindedOfWhatIsKnownUntilTheTime) {
  EXPECT_EQ(After(absl::Hours(24)), kReminder);
  ASSERT_TRUE(Acknowledge(now_ + absl::Hours(60)).ok());
  EXPECT_EQ(KnownBy(), "alice");
  EXPECT_EQ(After(absl::Hours(24)), kNothing);
  EXPECT_EQ(After(absl::Hours(36) - kMinute), kNothing);
  EXPECT_EQ(After(kMinute), kReminder) << "at that time, and not a day later";
  EXPECT_EQ(KnownBy(), "");
}

TEST_F(AcknowledgeTest, WhatIsSaidLastCounts) {
  EXPECT_EQ(After(absl::Hours(24)), kReminder);
  ASSERT_TRUE(Acknowledge(now_ + absl::Hours(24 * 30)).ok());
  ASSERT_TRUE(Acknowledge(now_ + absl::Hours(1), "sooner", "bob").ok());
  EXPECT_EQ(KnownBy(), "bob");
  EXPECT_EQ(After(absl::Hours(1)), kReminder);
}

TEST_F(AcknowledgeTest, ItDecidesNothing) {
  ASSERT_TRUE(Acknowledge(now_ + absl::Hours(24)).ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_DETECTED);
  EXPECT_EQ(The(1).decisions_size(), 0);
  // Of another nobody has said anything.
  auto entries = Reissued();
  entries.pop_back();
  ASSERT_TRUE(Observe(PageOf(entries, "other")).ok());
  EXPECT_THAT(alerts_.committed, Contains("ROTATION_DETECTED"));
}

// A clock that was ahead when it was said, or is behind now.
TEST_F(AcknowledgeTest, NothingHoldsBeforeItWasSaid) {
  EXPECT_EQ(After(absl::Hours(24 * 400)), kReminder);
  ASSERT_TRUE(Acknowledge(now_ + absl::Hours(24)).ok());
  now_ -= absl::Hours(24 * 200);
  EXPECT_EQ(KnownBy(), "");
}

TEST_F(AcknowledgeTest, AStartKnowsIt) {
  options_.records_between_checkpoints = 1;
  Start();
  EXPECT_EQ(After(absl::Hours(24)), kReminder);
  ASSERT_TRUE(Acknowledge(now_ + absl::Hours(48)).ok());
  // A checkpoint has it, and the record says the same.
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_HOLD, "alice", "wait for AWS").ok());
  Start();
  ASSERT_TRUE(mirror_->CheckRecord([] { return true; }).ok());
  EXPECT_EQ(KnownBy(), "alice");
  EXPECT_EQ(After(absl::Hours(24)), kNothing);
  EXPECT_EQ(After(absl::Hours(24)), kReminder);
}

TEST_F(AcknowledgeTest, AStartRemindsNobodyAgain) {
  EXPECT_EQ(After(absl::Hours(24)), kReminder);
  options_.reminded = {{1, now_}};
  now_ += kMinute;
  alerts_.committed.clear();
  Start();
  EXPECT_EQ(alerts_.committed, kNothing);
  EXPECT_EQ(After(absl::Hours(24) - 2 * kMinute), kNothing);
  EXPECT_EQ(After(kMinute), kReminder);
  // A clock that was ahead keeps nobody from knowing.
  options_.reminded = {{1, now_ + kMinute}};
  alerts_.committed.clear();
  Start();
  EXPECT_EQ(alerts_.committed, kReminder);
}

TEST_F(AcknowledgeTest, HasAReasonAndATimeWithinReach) {
  const std::uint64_t records = mirror_->ledger().head().size;
  for (const absl::Time until :
       {now_, now_ - kMinute, now_ + kLongestAcknowledged + kMinute,
        absl::FromUnixSeconds(0)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Acknowledge(until)));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(Acknowledge(now_ + kMinute, "")));
  EXPECT_TRUE(absl::IsInvalidArgument(
      Acknowledge(now_ + kMinute, std::string(kMaxWhyBytes + 1, 'a'))));
  EXPECT_EQ(mirror_->ledger().head().size, records);
  EXPECT_TRUE(Acknowledge(now_ + kLongestAcknowledged).ok());
  EXPECT_EQ(mirror_->ledger().head().size, records + 1);
  // Said again, it is no other fact.
  EXPECT_TRUE(Acknowledge(now_ + kLongestAcknowledged).ok());
  EXPECT_EQ(mirror_->ledger().head().size, records + 1);
}

TEST_F(AcknowledgeTest, TheBookKeepsSoManyAndNoneThatRanOut) {
  RotationBook book;
  v1::LedgerRecord record;
  anchors::SetTime(kNow, *record.mutable_time());
  v1::AlertFact& fact = *record.mutable_alert_acknowledged();
  for (std::size_t i = 0; i < RotationBook::kMaxAcknowledged + 5; ++i) {
    fact.set_alert_id(absl::StrCat("rotation/", i));
    anchors::SetTime(kNow + absl::Seconds(i + 1), *fact.mutable_until_time());
    book.Fold(i, record);
  }
  EXPECT_THAT(book.acknowledged(), SizeIs(RotationBook::kMaxAcknowledged));
  EXPECT_EQ(book.acknowledged().count("rotation/4"), 0u);
  EXPECT_EQ(book.acknowledged().count("rotation/5"), 1u);
  anchors::SetTime(kNow + absl::Hours(1), *record.mutable_time());
  anchors::SetTime(kNow + absl::Hours(2), *fact.mutable_until_time());
  book.Fold(9'999, record);
  EXPECT_THAT(book.acknowledged(), SizeIs(1));
}

// --- the end of a change -------------------------------------------------------

TEST_F(AcknowledgeTest, PeopleAreToldThatAChangeIsOver) {
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_REJECT, "alice", "no").ok());
  EXPECT_EQ(alerts_.committed, std::vector<std::string>{"ROTATION_ENDED"});
  // What was rejected is not over twice.
  aws_ = test::FakeIdentity();
  ASSERT_TRUE(Observe(Page(), now_ + absl::Hours(1)).ok());
  EXPECT_EQ(alerts_.committed, std::vector<std::string>{"ROTATION_ENDED"});
}

TEST_F(AcknowledgeTest, PeopleAreToldThatAChangeWentAway) {
  aws_ = test::FakeIdentity();
  ASSERT_TRUE(Observe(Page(), now_ + absl::Hours(1)).ok());
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_WITHDRAWN);
  EXPECT_EQ(alerts_.committed, std::vector<std::string>{"ROTATION_ENDED"});
}

TEST_F(AcknowledgeTest, WhatIsPublishedEndsByThat) {
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes").ok());
  EXPECT_EQ(alerts_.committed, std::vector<std::string>{"ROTATION_PUBLISHED"});
}

}  // namespace
}  // namespace anchorage::trustd
