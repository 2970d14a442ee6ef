// Anomalies of a source: what they are, how they end, and what a flicker
// leaves.

#include "test/support/mirror_fixture.h"

namespace anchorage::trustd {
namespace {

class AnomalyTest : public IrelandTest {
 protected:
  // A page that is empty, and one that is right again.
  void Flicker() {
    ASSERT_TRUE(Observe(PageOf({})).ok());
    ASSERT_GT(Open(v1::ROTATION_CLASS_SOURCE_ANOMALY), 0);
    ASSERT_TRUE(Show({Genuine()}).ok());
  }

  void RejectAnomalies() {
    for (const v1::Rotation& rotation : All()) {
      if (rotation.needs_person() &&
          rotation.state() == v1::ROTATION_STATE_DETECTED) {
        ASSERT_TRUE(Decide(rotation.id(), v1::Decision::KIND_REJECT, "alice",
                           "AWS's site was down")
                        .ok());
      }
    }
  }
};

TEST_F(AnomalyTest, EndsByItselfAndStaysOnTheRecordWithOneAlert) {
  Flicker();
  EXPECT_EQ(Open(), 0);
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_WITHDRAWN);
  EXPECT_EQ(Alerts("ROTATION_DETECTED"), static_cast<int>(All().size()));
}

TEST_F(AnomalyTest, TheThirdOfItsKindInADayStaysUntilAPersonRejectsIt) {
  Flicker();
  now_ += absl::Hours(2);
  Flicker();
  ASSERT_EQ(Open(), 0);
  now_ += absl::Hours(2);
  Flicker();
  EXPECT_GT(Open(v1::ROTATION_CLASS_SOURCE_ANOMALY), 0);
  // The source counts for nothing meanwhile.
  ASSERT_TRUE(Show({SignedOn(kNow, "\x7f\x01")}).ok());
  Pass(absl::Hours(100));
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_GT(Open(v1::ROTATION_CLASS_SOURCE_ANOMALY), 0);
  RejectAnomalies();
  Pass(absl::Minutes(1));
  EXPECT_EQ(Sequence(), 2u);
  EXPECT_EQ(Open(), 0);
}

TEST_F(AnomalyTest, ThreeInMoreThanADayAreNoFlicker) {
  for (int i = 0; i < 3; ++i) {
    Flicker();
    now_ += absl::Hours(13);
  }
  EXPECT_EQ(Open(), 0);
}

TEST_F(AnomalyTest, AStartForgetsNoFlicker) {
  Flicker();
  Flicker();
  Start();
  Flicker();
  Start();
  ASSERT_TRUE(Show({Genuine()}).ok());
  EXPECT_GT(Open(v1::ROTATION_CLASS_SOURCE_ANOMALY), 0);
}

// Nobody knows which of the two is wrong, so neither counts.
TEST_F(AnomalyTest, TheThirdDisagreementDoubtsWhoeverDisagreed) {
  ASSERT_TRUE(Show({Genuine()}).ok());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Show({Forged()}, "mirror").ok());
    ASSERT_TRUE(Show({Genuine()}, "mirror").ok());
    now_ += absl::Hours(2);
  }
  const std::string reissue = SignedOn(kNow, "\x7f\x02");
  ASSERT_TRUE(Show({reissue}).ok());
  ASSERT_TRUE(Show({reissue}, "mirror").ok());
  Pass(absl::Hours(1));
  EXPECT_EQ(Sequence(), 1u);
  RejectAnomalies();
  Pass(absl::Minutes(1));
  EXPECT_EQ(Sequence(), 2u);
}

}  // namespace
}  // namespace anchorage::trustd
