#include "tools/trustctl/period.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/time/time.h"

namespace anchorage::trustctl {
namespace {

// 2026-03-01 00:00:00 UTC.
const absl::Time kMarch = absl::FromUnixSeconds(1'772'323'200);

TEST(Period, ADayIsOfUtcAndTheLastOneIsIncluded) {
  const auto period = ReadPeriod("2026-03-01", "2026-03-31");
  ASSERT_TRUE(period.ok());
  EXPECT_EQ(period->from, kMarch);
  EXPECT_EQ(period->until, kMarch + absl::Hours(31 * 24));
  EXPECT_EQ(ReadPeriod("2026-03-01", "2026-03-01")->until,
            kMarch + absl::Hours(24));
}

TEST(Period, ATimeIsExact) {
  const auto period =
      ReadPeriod("2026-03-01T01:00:00+01:00", "2026-03-01T00:00:01Z");
  ASSERT_TRUE(period.ok());
  EXPECT_EQ(period->from, kMarch);
  EXPECT_EQ(period->until, kMarch + absl::Seconds(1));
}

TEST(Period, WithoutABoundHasNone) {
  EXPECT_EQ(ReadPeriod("", "2026-03-01")->from, absl::InfinitePast());
  EXPECT_EQ(ReadPeriod("2026-03-01", "")->until, absl::InfiniteFuture());
}

TEST(Period, RefusesWhatIsNoPeriod) {
  for (const char* bad : {"2026-02-30", "2026-3-1", "March", "2026-03-01Z",
                          "0000000000", "2026-03-01T00:00:00"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ReadPeriod(bad, "").status())) << bad;
    EXPECT_TRUE(absl::IsInvalidArgument(ReadPeriod("", bad).status())) << bad;
  }
  EXPECT_TRUE(
      absl::IsInvalidArgument(ReadPeriod("2026-03-02", "2026-03-01").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      ReadPeriod("2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z").status()));
}

}  // namespace
}  // namespace anchorage::trustctl
