#include "trustd/console/words.h"

#include <gtest/gtest.h>

namespace anchorage::trustd {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

TEST(Words, SayDurationsInTheLargestUnit) {
  EXPECT_EQ(Span(absl::Seconds(1)), "a moment");
  EXPECT_EQ(Span(absl::Seconds(119)), "119 seconds");
  EXPECT_EQ(Span(absl::Minutes(2)), "2 minutes");
  EXPECT_EQ(Span(absl::Hours(47)), "47 hours");
  EXPECT_EQ(Span(absl::Hours(48)), "2 days");
  EXPECT_EQ(Span(absl::Hours(24 * 365 * 4)), "3 years");
}

TEST(Words, SayWhen) {
  EXPECT_EQ(Minute(kNow), "2027-01-15 08:00");
  EXPECT_EQ(Iso(kNow), "2027-01-15T08:00:00Z");
  EXPECT_EQ(Minute(absl::UnixEpoch()), "never");
  EXPECT_EQ(Ago(absl::UnixEpoch(), kNow), "never");
  EXPECT_EQ(Ago(kNow - absl::Hours(3), kNow), "3 hours ago");
  EXPECT_EQ(Ago(kNow + absl::Hours(3), kNow), "in 3 hours");
}

TEST(Words, GroupDigits) {
  EXPECT_EQ(Number(0), "0");
  EXPECT_EQ(Number(999), "999");
  EXPECT_EQ(Number(1000), "1,000");
  EXPECT_EQ(Number(1234567), "1,234,567");
  EXPECT_EQ(Count(1, "region"), "1 region");
  EXPECT_EQ(Count(2, "region"), "2 regions");
}

TEST(Words, NameClassesForPeople) {
  EXPECT_EQ(ClassWords(v1::ROTATION_CLASS_RE_KEY), "Re-key");
  EXPECT_EQ(ClassWords(v1::ROTATION_CLASS_SOURCE_ANOMALY), "Source anomaly");
  EXPECT_EQ(StateWords(v1::ROTATION_STATE_CORROBORATED), "Corroborated");
}

TEST(Words, MakeEverythingVisible) {
  View view;
  Put(view, "text", "a\u202eb\x1b[2J\n");
  EXPECT_EQ(view.get("text")->string_value(), "a\\u202eb\\x1b[2J\\n");
  Put(view, "text", std::string(100'000, 'x'));
  EXPECT_LE(view.get("text")->string_value().size(), kMaxWordsBytes);
}

}  // namespace
}  // namespace anchorage::trustd
