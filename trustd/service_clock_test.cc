// What a whole trustd publishes by itself while its clock is not to be
// believed.

#include <httplib.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
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

// A watchdog tells nobody that a trustd is alive whose renewer hangs.
TEST_F(ServiceClockTest, IsNotAliveWhileTheThreadThatSignsDoesNotWork) {
  const auto config = ParseConfig(
      absl::StrCat("data_dir: ", folder_, "/service\nmode: MODE_ONLINE\n",
                   "listen_address: 127.0.0.1:0\n"),
      "/test.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  std::atomic<int> minutes = 60;
  const auto service = Service::Start(
      *config, [] { return absl::Now(); },
      [&] { return absl::Minutes(minutes.load()); });
  ASSERT_TRUE(service.ok()) << service.status();
  EXPECT_TRUE((*service)->CheckLive().ok());
  // It works every 30 seconds of this machine's.
  minutes += 3;
  EXPECT_TRUE(absl::IsUnavailable((*service)->CheckLive()));
  minutes -= 3;
  EXPECT_TRUE((*service)->CheckLive().ok());
}

// Whether the clock is still suspicious after a jump, once two sources have said
// that it is right.
class DatesTest : public MirrorTest {
 protected:
  bool IsSuspicious(const std::string& depends_on) {
    std::atomic<bool> jumped = false;
    const auto clock = [&] {
      return absl::Now() + absl::Hours(jumped.load() ? 1 : 0);
    };
    httplib::Server server;
    server.Get("/", [&](const httplib::Request&, httplib::Response& response) {
      jumped = true;
      response.set_header("Date",
                          absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", clock(),
                                           absl::UTCTimeZone()));
    });
    const int port = server.bind_to_any_port("127.0.0.1");
    const std::string place = absl::StrCat(
        "allow_loopback_http: true, regions_page: {addresses: ["
        "\"http://127.0.0.1:",
        port, "/\"]}");
    const auto config = ParseConfig(
        absl::StrCat("data_dir: ", folder_, "/service\nmode: MODE_ONLINE\n",
                     "listen_address: 127.0.0.1:0\nsources:\n  - {name: page, ",
                     place, "}\n  - {name: mirror, ", depends_on, place, "}\n"),
        "/test.yaml");
    EXPECT_TRUE(config.ok()) << config.status();
    if (!config.ok()) return false;
    std::thread thread([&] { server.listen_after_bind(); });
    bool is_suspicious = false;
    {
      const auto service = Service::Start(*config, clock, &anchors::SteadyNow);
      EXPECT_TRUE(service.ok()) << service.status();
      const auto polled = [&] { return (*service)->mirror().Sources().size(); };
      for (int i = 0; i < 600 && polled() < 2; ++i) {
        absl::SleepFor(absl::Milliseconds(50));
      }
      EXPECT_EQ(polled(), 2u);
      is_suspicious = (*service)->clock_watch().suspicious();
    }
    server.stop();
    thread.join();
    return is_suspicious;
  }
};

TEST_F(DatesTest, OfTwoSourcesConfirmTheClock) {
  EXPECT_FALSE(IsSuspicious(""));
}

TEST_F(DatesTest, OfOneFamilyCountOnce) {
  EXPECT_TRUE(IsSuspicious("depends_on: [page], "));
}

}  // namespace
}  // namespace anchorage::trustd
