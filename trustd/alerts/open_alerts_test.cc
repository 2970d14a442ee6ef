#include "trustd/alerts/open_alerts.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "test/support/fake_store.h"

namespace anchorage::trustd {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

Alert Good(AlertKind kind, absl::Time time = kNow,
           const std::string& rotation = "17") {
  return {.kind = kind,
          .time = time,
          .subject = "aws-docs",
          .text = "text",
          .facts = {{"rotation", rotation}}};
}

class OpenAlertsTest : public ::testing::Test {
 protected:
  void Open() { open_ = *OpenAlerts::Open(store_); }

  void Give(const Alert& alert) {
    StoreBatch batch;
    open_->Add(alert, batch);
    ASSERT_TRUE(store_.Commit(batch).ok());
    open_->Committed(alert);
  }

  // The ids that are open; the same after a restart.
  std::vector<std::string> Ids(absl::Time now = kNow) {
    std::vector<std::string> ids;
    for (const auto& one : open_->List(now)) ids.push_back(one.id());
    Open();
    std::vector<std::string> again;
    for (const auto& one : open_->List(now)) again.push_back(one.id());
    EXPECT_EQ(ids, again);
    return ids;
  }

  FakeStore store_;
  std::unique_ptr<OpenAlerts> open_ = *OpenAlerts::Open(store_);
};

using IdList = std::vector<std::string>;

TEST_F(OpenAlertsTest, AreOpenUntilAnAlertSaysThatTheyAreOver) {
  EXPECT_EQ(Ids(), IdList());
  Give(Good(AlertKind::kRotationDetected));
  Give(Good(AlertKind::kSourceFailing));
  Give(Good(AlertKind::kRotationDetected, kNow, "18"));
  EXPECT_EQ(Ids().size(), 3u);
  Give(Good(AlertKind::kRotationPublished));
  Give(Good(AlertKind::kRotationEnded, kNow, "18"));
  EXPECT_EQ(Ids(), IdList{"source/aws-docs"});
  Give(Good(AlertKind::kSourceRecovered));
  EXPECT_EQ(Ids(), IdList());
  EXPECT_TRUE(store_.values.empty());
}

TEST_F(OpenAlertsTest, AStoreThatIsAcceptedWentBackNoMore) {
  Give(Good(AlertKind::kStoreWentBack));
  Give(Good(AlertKind::kClockJumped));
  EXPECT_EQ(Ids().size(), 2u);
  Give(Good(AlertKind::kStoreAccepted, kNow + absl::Hours(1)));
  EXPECT_EQ(Ids(kNow + absl::Hours(1)), (IdList{"store-accepted", "clock"}));
}

TEST_F(OpenAlertsTest, AreTheNewestOfEachWithTheTimeOfTheFirst) {
  Give(Good(AlertKind::kRotationDetected));
  Give(Good(AlertKind::kRotationHeldTooLong, kNow + absl::Hours(24)));
  const auto list = open_->List(kNow + absl::Hours(24));
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].kind(), "ROTATION_HELD_TOO_LONG");
  EXPECT_EQ(list[0].severity(), v1::ALERT_SEVERITY_CRITICAL);
  EXPECT_EQ(list[0].command(), "trustctl rotations show 17");
  EXPECT_EQ(anchors::TimeOf(list[0].first_time()), kNow);
  EXPECT_EQ(anchors::TimeOf(list[0].last_time()), kNow + absl::Hours(24));
}

TEST_F(OpenAlertsTest, AreInTheOrderInWhichPeopleLook) {
  Give(Good(AlertKind::kRotationDetected));
  Give(Good(AlertKind::kSourceFailing, kNow + absl::Hours(1)));
  Give(Good(AlertKind::kLedgerDamaged, kNow - absl::Hours(1)));
  EXPECT_EQ(Ids(kNow + absl::Hours(1)),
            (IdList{"ledger", "source/aws-docs", "rotation/17"}));
}

TEST_F(OpenAlertsTest, LeaveByThemselvesWhereNobodySaysWhenTheyAreOver) {
  Give(Good(AlertKind::kClockJumped));
  Give(Good(AlertKind::kSourceFailing));
  EXPECT_EQ(Ids(kNow + kOpenAlone - absl::Seconds(1)).size(), 2u);
  EXPECT_EQ(Ids(kNow + kOpenAlone), IdList{"source/aws-docs"});
  EXPECT_EQ(Ids(kNow + kOpenUntilEnd), IdList());
  // It is another one then.
  Give(Good(AlertKind::kClockJumped, kNow + kOpenAlone));
  EXPECT_EQ(anchors::TimeOf(open_->List(kNow + kOpenAlone)[0].first_time()),
            kNow + kOpenAlone);
}

TEST_F(OpenAlertsTest, AreNotOfWhatWasNotCommitted) {
  StoreBatch lost;
  open_->Add(Good(AlertKind::kRotationDetected), lost);
  EXPECT_EQ(Ids(), IdList());
}

TEST_F(OpenAlertsTest, ThatBeginAndEndInOneBatchAreOver) {
  StoreBatch batch;
  open_->Add(Good(AlertKind::kRotationDetected), batch);
  open_->Add(Good(AlertKind::kRotationPublished), batch);
  ASSERT_TRUE(store_.Commit(batch).ok());
  open_->Committed(Good(AlertKind::kRotationDetected));
  open_->Committed(Good(AlertKind::kRotationPublished));
  EXPECT_EQ(Ids(), IdList());
}

TEST_F(OpenAlertsTest, AreBoundedInNumberAndSize) {
  Alert alert = Good(AlertKind::kRotationDetected);
  alert.text = std::string(kMaxAlertTextBytes, '\n') + "\x1b" +
               std::string(kMaxAlertTextBytes, 'a');
  for (int i = 0; i < 100; ++i) {
    alert.facts[absl::StrCat("f", i)] = std::string(10'000, 'b');
  }
  for (std::size_t i = 0; i < kMaxOpenAlerts + 3; ++i) {
    alert.time = kNow + absl::Seconds(i);
    alert.facts["rotation"] = absl::StrCat(i);
    Give(alert);
  }
  EXPECT_EQ(store_.values.size(), kMaxOpenAlerts);
  const absl::Time now = kNow + absl::Hours(1);
  EXPECT_EQ(Ids(now).size(), kMaxOpenAlerts);
  std::size_t bytes = 0;
  for (const auto& one : open_->List(now)) {
    EXPECT_NE(one.id(), "rotation/2");
    bytes += one.ByteSizeLong() + 8;
  }
  EXPECT_LT(bytes, 4u * 1024 * 1024) << "one answer of gRPC's";
}

TEST_F(OpenAlertsTest, AreWhatTheStoreHasThatCanBeRead) {
  store_.values["open-alert/rotation/1"] = "\xff";
  store_.values["open-alert/rotation/2"] = "";
  Open();
  EXPECT_EQ(Ids(), IdList());
}

}  // namespace
}  // namespace anchorage::trustd
