#include "trustd/publish/timestamp_claims.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

namespace anchorage::trustd {
namespace {

constexpr absl::Duration kNow = absl::Hours(1);
constexpr absl::Duration kPatience = TimestampClaims::kPatience;
using Version = std::optional<std::uint64_t>;

TEST(TimestampClaimsTest, WhoShowsItWithinSecondsIsNotToldOf) {
  TimestampClaims claims;
  claims.Claimed(7, kNow);
  EXPECT_EQ(claims.Due(kNow), std::nullopt);
  claims.Proved();
  EXPECT_EQ(claims.Due(kNow + kPatience), std::nullopt);
}

TEST(TimestampClaimsTest, AClaimAloneIsToldOfOnceADay) {
  TimestampClaims claims;
  claims.Claimed(7, kNow);
  claims.Claimed(9, kNow + absl::Seconds(1));
  claims.Claimed(8, kNow + absl::Seconds(2));
  EXPECT_EQ(claims.Due(kNow + kPatience - absl::Seconds(1)), std::nullopt);
  EXPECT_EQ(claims.Due(kNow + kPatience), Version(9));
  EXPECT_EQ(claims.Due(kNow + 2 * kPatience), std::nullopt);
  claims.Claimed(9, kNow + absl::Hours(1));
  EXPECT_EQ(claims.Due(kNow + absl::Hours(2)), std::nullopt);
  claims.Claimed(5, kNow + absl::Hours(25));
  EXPECT_EQ(claims.Due(kNow + absl::Hours(26)), Version(5));
}

TEST(TimestampClaimsTest, AClaimAfterTheMachineHasStartedIsToldOf) {
  TimestampClaims claims;
  claims.Claimed(7, absl::ZeroDuration());
  EXPECT_EQ(claims.Due(kPatience), Version(7));
}

}  // namespace
}  // namespace anchorage::trustd
