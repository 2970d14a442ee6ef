// What a whole trustd publishes by itself while its clock is not to be
// believed.

#include <atomic>
#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "test/support/mirror_fixture.h"
#include "trustd/service.h"

namespace anchorage::trustd {
namespace {

using ServiceClockTest = MirrorTest;

TEST_F(ServiceClockTest, AJumpHoldsAReissueUntilTwoSourcesSayTheSameDate) {
  const std::string first = folder_ + ".catalog.json";
  std::ofstream(first) << anchors::SerializeCatalog(seed_);
  const auto config = ParseConfig(
      absl::StrCat("data_dir: ", folder_, "/service\nmode: MODE_ONLINE\n",
                   "listen_address: 127.0.0.1:0\ninitial_catalog_path: ", first,
                   "\n"),
      "/test.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  std::atomic<int> minutes_ahead = 0;
  const auto clock = [&] { return kNow + absl::Minutes(minutes_ahead.load()); };
  const auto service =
      Service::Start(*config, clock, [] { return absl::Hours(1); });
  ASSERT_TRUE(service.ok()) << service.status();
  Mirror& mirror = (*service)->mirror();
  ClockWatch& watch = (*service)->clock_watch();
  mirror.SetSources({{"aws-docs", "aws-docs"}}, clock());

  minutes_ahead = 6;
  ASSERT_TRUE(mirror.Observed(PageOf(Reissued()), clock()).ok());
  EXPECT_EQ((*service)->publication()->catalog.sequence, 1u);
  watch.SawDate("aws-docs", clock(), clock());
  ASSERT_TRUE(mirror.Settle(clock()).ok());
  EXPECT_EQ((*service)->publication()->catalog.sequence, 1u) << "one alone";

  watch.SawDate("other", clock(), clock());
  ASSERT_TRUE(mirror.Settle(clock()).ok());
  EXPECT_EQ((*service)->publication()->catalog.sequence, 2u);
}

}  // namespace
}  // namespace anchorage::trustd
