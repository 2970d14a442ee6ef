#include "trustd/mirror/mirror_metrics.h"

#include <prometheus/text_serializer.h>

#include <memory>
#include <string>

#include "test/support/mirror_fixture.h"

namespace anchorage::trustd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MirrorMetricsTest : public MirrorTest {
 protected:
  void SetUp() override {
    MirrorTest::SetUp();
    metrics_ = std::make_unique<MirrorMetrics>(*mirror_, registry_);
    metrics_->SetSources({"aws-docs"});
  }

  std::string Page() const {
    const prometheus::TextSerializer text;
    return text.Serialize(registry_.Collect()) +
           text.Serialize(metrics_->Collect());
  }
  std::string Seconds(absl::Time time) const {
    return absl::StrCat(absl::ToUnixSeconds(time));
  }
  // The value of a gauge of the source.
  std::string Of(const std::string& name) const {
    const std::string page = Page();
    const std::string line = "trustd_source_" + name + "{source=\"aws-docs\"} ";
    const std::size_t at = page.find(line);
    if (at == page.npos) return "(not there)";
    const std::size_t begin = at + line.size();
    return page.substr(begin, page.find('\n', begin) - begin);
  }
  std::string LastRight() const { return Of("last_right_timestamp_seconds"); }
  std::string LastSuccess() const {
    return Of("last_success_timestamp_seconds");
  }

  prometheus::Registry registry_;
  std::unique_ptr<MirrorMetrics> metrics_;
};

TEST_F(MirrorMetricsTest, ASourceThatWasNeverReadIsThere) {
  EXPECT_EQ(LastRight(), "0");
  EXPECT_EQ(LastSuccess(), "0");
  EXPECT_THAT(Page(), HasSubstr("trustd_poll_duration_seconds_count{source="
                                "\"aws-docs\"} 0\n"));
}

TEST_F(MirrorMetricsTest, ASourceIsRightWhenItIsReadAndNothingSpeaksAgainst) {
  ASSERT_TRUE(Observe(MirrorTest::Page()).ok());
  EXPECT_EQ(LastRight(), Seconds(now_));
  EXPECT_EQ(Of("failures"), "0");
  const absl::Time right = now_;
  now_ += absl::Hours(1);
  ASSERT_TRUE(
      mirror_->SourceFailed("aws-docs", "TIMED_OUT", "slow", now_).ok());
  EXPECT_EQ(LastRight(), Seconds(right));
  EXPECT_EQ(Of("failures"), "1");
  now_ += absl::Hours(1);
  ASSERT_TRUE(mirror_->Unchanged("aws-docs", now_).ok());
  EXPECT_EQ(LastRight(), Seconds(now_));
  EXPECT_EQ(Of("failures"), "0");
}

// It goes on being read, and is not right until the anomaly is over.
TEST_F(MirrorMetricsTest, AnAnomalySpeaksAgainstASource) {
  ASSERT_TRUE(Observe(MirrorTest::Page()).ok());
  now_ += absl::Hours(1);
  auto entries = anchors::PageEntries(seed_);
  entries.resize(entries.size() / 3);
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  const absl::Time found = now_;
  now_ += absl::Hours(5);
  ASSERT_TRUE(mirror_->Unchanged("aws-docs", now_).ok());
  EXPECT_EQ(LastSuccess(), Seconds(now_));
  EXPECT_EQ(LastRight(), Seconds(found));
  ASSERT_TRUE(Observe(MirrorTest::Page()).ok());
  EXPECT_EQ(LastRight(), Seconds(now_));
}

TEST_F(MirrorMetricsTest, CountRotationsByClassAndState) {
  EXPECT_THAT(Page(), HasSubstr("trustd_rotations{class=\"RE_KEY\",state="
                                "\"DETECTED\"} 0\n"));
  Rekey();
  ASSERT_TRUE(Observe(MirrorTest::Page()).ok());
  EXPECT_THAT(Page(), HasSubstr("trustd_rotations{class=\"RE_KEY\",state="
                                "\"DETECTED\"} 1\n"));
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_REJECT, "alice", "no").ok());
  const std::string page = Page();
  EXPECT_THAT(page, HasSubstr("trustd_rotations{class=\"RE_KEY\",state="
                              "\"DETECTED\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("trustd_rotations{class=\"RE_KEY\",state="
                              "\"REJECTED\"} 1\n"));
  EXPECT_THAT(page,
              HasSubstr("trustd_ledger_records " +
                        absl::StrCat(mirror_->ledger().head().size) + "\n"));
  EXPECT_THAT(page, HasSubstr("trustd_ledger_healthy 1\n"));
}

TEST_F(MirrorMetricsTest, WhatIsOfASourceThatIsGoneIsGone) {
  metrics_->CountPoll("aws-docs", absl::Milliseconds(700));
  metrics_->CountPoll("stranger", absl::Seconds(1));
  EXPECT_THAT(Page(), HasSubstr("trustd_poll_duration_seconds_bucket{source="
                                "\"aws-docs\",le=\"1\"} 1\n"));
  EXPECT_THAT(Page(), Not(HasSubstr("stranger")));
  metrics_->SetSources({"other"});
  EXPECT_THAT(Page(), Not(HasSubstr("aws-docs")));
  // A poll that was under way.
  metrics_->CountPoll("aws-docs", absl::Seconds(1));
  EXPECT_THAT(Page(), Not(HasSubstr("aws-docs")));
}

}  // namespace
}  // namespace anchorage::trustd
