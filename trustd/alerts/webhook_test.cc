#include "trustd/alerts/webhook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "test/support/alert_receiver.h"
#include "test/support/locked_store.h"
#include "test/support/set_clock.h"

namespace anchorage::trustd {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr char kSecret[] = "0123456789abcdef";

// A webhook with its queue, as between two starts of trustd.
class Life {
 public:
  Life(LockedStore& store, const std::string& url, WebhookTimes times = Soon())
      : store_(store),
        queue_(*AlertQueue::Open(store, "pager")),
        metrics_(registry_),
        webhook_("pager", *queue_, metrics_, std::move(times)) {
    metrics_.AddWebhook("pager");
    SendTo(url);
  }

  void SendTo(const std::string& url) {
    webhook_.SetTarget({.url = url,
                        .body = "",
                        .secret = kSecret,
                        .allow_loopback_http = true});
  }

  // Without the waits of real life.
  static WebhookTimes Soon() {
    WebhookTimes times;
    times.retry.interval = absl::Milliseconds(5);
    times.retry.max_backoff = absl::Milliseconds(20);
    times.now = [] { return kNow; };
    return times;
  }

  void Add(const std::string& id, absl::Time time = kNow) {
    StoreBatch batch;
    queue_->Add(AlertBody({.kind = AlertKind::kSourceFailing,
                           .time = time,
                           .subject = "aws-docs",
                           .text = "",
                           .facts = {}},
                          id),
                batch);
    ASSERT_TRUE(store_.Commit(batch).ok());
    webhook_.Notify();
  }

  // Waits until nothing is in the queue, 10 s at most.
  bool AwaitEmpty() const {
    for (int i = 0; i < 2000; ++i) {
      if (store_.size() == 0) return true;
      absl::SleepFor(absl::Milliseconds(5));
    }
    return false;
  }

  std::string Metrics() const {
    return prometheus::TextSerializer().Serialize(registry_.Collect());
  }
  bool Counted(const std::string& outcome, int count) const {
    return Metrics().find(absl::StrCat("trustd_webhook_alerts_total{outcome=\"",
                                       outcome, "\",webhook=\"pager\"} ", count,
                                       "\n")) != std::string::npos;
  }
  bool SetAside(int count) const {
    return Metrics().find(absl::StrCat(
               "trustd_webhook_set_aside_alerts{webhook=\"pager\"} ", count,
               "\n")) != std::string::npos;
  }
  Webhook& webhook() { return webhook_; }

 private:
  LockedStore& store_;
  std::unique_ptr<AlertQueue> queue_;
  prometheus::Registry registry_;
  AlertMetrics metrics_;
  Webhook webhook_;
};

std::vector<std::string> Ids(
    const std::vector<AlertReceiver::Received>& received) {
  std::vector<std::string> ids;
  for (const auto& one : received) {
    ids.push_back(nlohmann::json::parse(one.body)["id"]);
  }
  return ids;
}

using IdList = std::vector<std::string>;

// A port where nobody listens.
int FreePort() { return AlertReceiver().port(); }

TEST(Webhook, DeliversInOrderAndSigned) {
  AlertReceiver receiver;
  LockedStore store;
  Life life(store, receiver.Url());
  for (const char* id : {"1", "2", "3", "4", "5"}) life.Add(id);
  const auto got = receiver.Await(5);
  EXPECT_EQ(Ids(got), (IdList{"1", "2", "3", "4", "5"}));
  for (const auto& one : got) {
    EXPECT_EQ(one.signature, SignAlert(kSecret, kNow, one.body));
  }
  EXPECT_TRUE(life.AwaitEmpty());
  life.webhook().Stop();
  EXPECT_TRUE(life.Counted("delivered", 5)) << life.Metrics();
}

TEST(Webhook, TriesAgainAndKeepsTheOrder) {
  AlertReceiver receiver;
  receiver.Answer({"500 Internal Server Error", "404 Not Found", "302 Found",
                   "200 OK", "503 Unavailable"});
  LockedStore store;
  Life life(store, receiver.Url());
  life.Add("1");
  life.Add("2");
  EXPECT_EQ(Ids(receiver.Await(6)), (IdList{"1", "1", "1", "1", "2", "2"}));
  EXPECT_TRUE(life.AwaitEmpty());
  life.webhook().Stop();
  EXPECT_TRUE(life.Counted("delivered", 2)) << life.Metrics();
  EXPECT_NE(life.Metrics().find(
                "trustd_webhook_retries_total{webhook=\"pager\"} 4\n"),
            std::string::npos);
}

TEST(Webhook, SendsTheSameBytesAgain) {
  AlertReceiver receiver;
  receiver.Answer({"500 Internal Server Error"});
  LockedStore store;
  Life life(store, receiver.Url());
  life.Add("1");
  const auto got = receiver.Await(2);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].body, got[1].body);
}

TEST(Webhook, WaitsForAReceiverThatIsNotThereYet) {
  const int port = FreePort();
  LockedStore store;
  Life life(store, absl::StrCat("http://127.0.0.1:", port, "/alerts"));
  life.Add("1");
  while (life.Metrics().find("retries_total{webhook=\"pager\"} 0\n") !=
         std::string::npos) {
    absl::SleepFor(absl::Milliseconds(5));
  }
  AlertReceiver receiver(port);
  EXPECT_EQ(Ids(receiver.Await(1)), IdList{"1"});
  EXPECT_TRUE(life.AwaitEmpty());
}

TEST(Webhook, DeliversAfterARestartWhatWaited) {
  LockedStore store;
  {
    Life life(store, absl::StrCat("http://127.0.0.1:", FreePort(), "/"));
    life.Add("1");
    life.Add("2");
  }
  EXPECT_EQ(store.size(), 2u);
  AlertReceiver receiver;
  Life life(store, receiver.Url());
  life.Add("3");
  EXPECT_EQ(Ids(receiver.Await(3)), (IdList{"1", "2", "3"}));
  EXPECT_TRUE(life.AwaitEmpty());
}

TEST(Webhook, GivesUpWhatTheReceiverNeverWants) {
  AlertReceiver receiver;
  receiver.Answer({"410 Gone"});
  LockedStore store;
  Life life(store, receiver.Url());
  life.Add("1");
  life.Add("2");
  EXPECT_EQ(Ids(receiver.Await(2)), (IdList{"1", "2"}));
  EXPECT_TRUE(life.AwaitEmpty());
  life.webhook().Stop();
  EXPECT_TRUE(life.Counted("given_up", 1)) << life.Metrics();
  EXPECT_TRUE(life.Counted("delivered", 1)) << life.Metrics();
}

TEST(Webhook, DropsWhatNobodyTookForTooLong) {
  AlertReceiver receiver;
  receiver.Answer({"500 Internal Server Error"});
  LockedStore store;
  Life life(store, receiver.Url());
  life.Add("old", kNow - absl::Hours(7 * 24) - absl::Seconds(1));
  life.Add("new", kNow - absl::Hours(7 * 24));
  // Once, because it may be that trustd was down for so long.
  EXPECT_EQ(Ids(receiver.Await(2)), (IdList{"old", "new"}));
  EXPECT_TRUE(life.AwaitEmpty());
  life.webhook().Stop();
  EXPECT_TRUE(life.Counted("expired", 1)) << life.Metrics();
  EXPECT_TRUE(life.Counted("delivered", 1)) << life.Metrics();
}

TEST(Webhook, DoesWhatRetryAfterAsksFor) {
  HostileServer server([](Peer& peer) {
    peer.Body();
    peer.Send(Answer("503 Unavailable", {"Retry-After: 3600"}, ""));
  });
  LockedStore store;
  Life life(store, server.Url("/"));
  life.Add("1");
  while (server.targets().empty()) absl::SleepFor(absl::Milliseconds(5));
  // News is no reason to ask sooner.
  life.Add("2");
  // Many times what Soon() would wait.
  absl::SleepFor(absl::Milliseconds(200));
  EXPECT_EQ(server.targets().size(), 1u);
}

TEST(Webhook, StopsWhileAReceiverStalls) {
  AlertReceiver receiver;
  receiver.Answer({"stall"});
  LockedStore store;
  {
    Life life(store, receiver.Url());
    life.Add("1");
    ASSERT_EQ(receiver.Await(1).size(), 1u);
    const absl::Time begin = absl::Now();
    life.webhook().Stop();
    EXPECT_LT(absl::Now() - begin, absl::Seconds(3));
    EXPECT_EQ(store.size(), 1u);
  }
  Life next(store, receiver.Url());
  EXPECT_EQ(Ids(receiver.Await(2)), (IdList{"1", "1"}));
}

TEST(Webhook, StopsWhileItWaitsForTheNextTry) {
  AlertReceiver receiver;
  receiver.Answer({"500 Internal Server Error"});
  LockedStore store;
  WebhookTimes times = Life::Soon();
  times.retry.interval = times.retry.max_backoff = absl::Hours(1);
  Life life(store, receiver.Url(), times);
  life.Add("1");
  ASSERT_EQ(receiver.Await(1).size(), 1u);
  const absl::Time begin = absl::Now();
  life.webhook().Stop();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(3));
}

TEST(Webhook, SendsNothingTwiceBecauseTheDiskIsFull) {
  AlertReceiver receiver;
  LockedStore store;
  Life life(store, absl::StrCat("http://127.0.0.1:", FreePort(), "/"));
  life.Add("1");
  life.webhook().Stop();
  store.FailWith(absl::ResourceExhaustedError("disk full"));
  Life next(store, receiver.Url());
  ASSERT_EQ(receiver.Await(1).size(), 1u);
  // Many times what a retry would take.
  absl::SleepFor(absl::Milliseconds(200));
  EXPECT_EQ(receiver.Await(1).size(), 1u);
  EXPECT_EQ(store.size(), 1u);
  store.FailWith(absl::OkStatus());
  EXPECT_TRUE(next.AwaitEmpty());
  next.webhook().Stop();
  EXPECT_EQ(receiver.Await(1).size(), 1u);
  EXPECT_TRUE(next.Counted("delivered", 1)) << next.Metrics();
}

// It blocked all behind it for a week.
TEST(Webhook, AnAlertThatIsRefusedHoldsUpNobody) {
  AlertReceiver receiver;
  receiver.Answer(
      {"400 Bad Request", "400 Bad Request", "422 No", "200 OK", "200 OK"});
  LockedStore store;
  WebhookTimes times = Life::Soon();
  times.uptime = [] { return absl::ZeroDuration(); };
  Life life(store, receiver.Url(), times);
  life.Add("1");
  life.Add("2");
  life.Add("3");
  EXPECT_EQ(Ids(receiver.Await(5)), (IdList{"1", "1", "1", "2", "3"}));
  while (store.size() > 1) absl::SleepFor(absl::Milliseconds(5));
  life.webhook().Stop();
  EXPECT_TRUE(life.SetAside(1)) << life.Metrics();
  EXPECT_TRUE(life.Counted("delivered", 2)) << life.Metrics();
  EXPECT_EQ(store.size(), 1u) << "it is kept";
}

TEST(Webhook, OneThatIsRefusedRightAfterAnotherIsTriedOnce) {
  AlertReceiver receiver;
  receiver.Answer({"413 No", "413 No", "413 No", "403 No", "400 No"});
  LockedStore store;
  WebhookTimes times = Life::Soon();
  times.uptime = [] { return absl::ZeroDuration(); };
  Life life(store, receiver.Url(), times);
  for (const char* id : {"1", "2", "3", "4"}) life.Add(id);
  EXPECT_EQ(Ids(receiver.Await(6)), (IdList{"1", "1", "1", "2", "3", "4"}));
}

TEST(Webhook, WhatFailsForAllAlertsIsNoRefusal) {
  for (const char* answer :
       {"401 No", "404 No", "405 No", "408 No", "429 No", "302 No", "500 No"}) {
    AlertReceiver receiver;
    receiver.Answer({answer, answer, answer, answer, answer});
    LockedStore store;
    Life life(store, receiver.Url());
    life.Add("1");
    life.Add("2");
    EXPECT_EQ(Ids(receiver.Await(7)),
              (IdList{"1", "1", "1", "1", "1", "1", "2"}))
        << answer;
  }
}

// Else a receiver with a fault loses what it would have taken later.
TEST(Webhook, WhatWasRefusedGoesOutInOrderOnceTheReceiverTakesIt) {
  AlertReceiver receiver;
  receiver.Answer({"400 No", "400 No", "400 No", "400 No", "400 No"});
  LockedStore store;
  std::atomic<bool> later = false;
  WebhookTimes times = Life::Soon();
  times.uptime = [&] { return later ? absl::Hours(1) : absl::ZeroDuration(); };
  Life life(store, receiver.Url(), times);
  for (const char* id : {"1", "2", "3"}) life.Add(id);
  while (!life.SetAside(3)) absl::SleepFor(absl::Milliseconds(5));
  later = true;
  life.Add("4");
  EXPECT_TRUE(life.AwaitEmpty());
  const auto ids = Ids(receiver.Await(8));
  ASSERT_GE(ids.size(), 8u);
  const IdList taken(ids.end() - 4, ids.end());
  EXPECT_THAT(taken, ::testing::UnorderedElementsAre("1", "2", "3", "4"));
  EXPECT_LT(std::find(taken.begin(), taken.end(), "1"),
            std::find(taken.begin(), taken.end(), "2"));
  EXPECT_LT(std::find(taken.begin(), taken.end(), "2"),
            std::find(taken.begin(), taken.end(), "3"));
  life.webhook().Stop();
  EXPECT_TRUE(life.SetAside(0)) << life.Metrics();
}

TEST(Webhook, AnotherAddressIsTriedAtOnceWithWhatWasRefused) {
  AlertReceiver before, after;
  before.Answer({"400 No", "400 No", "400 No"});
  LockedStore store;
  WebhookTimes times = Life::Soon();
  times.uptime = [] { return absl::ZeroDuration(); };
  Life life(store, before.Url(), times);
  life.Add("1");
  ASSERT_EQ(before.Await(3).size(), 3u);
  life.SendTo(after.Url());
  EXPECT_EQ(Ids(after.Await(1)), IdList{"1"});
  EXPECT_TRUE(life.AwaitEmpty());
}

TEST(Webhook, AStartTriesAgainWhatWasRefused) {
  AlertReceiver receiver;
  receiver.Answer({"400 No", "400 No", "400 No"});
  LockedStore store;
  {
    WebhookTimes times = Life::Soon();
    times.uptime = [] { return absl::ZeroDuration(); };
    Life life(store, receiver.Url(), times);
    life.Add("1");
    ASSERT_EQ(receiver.Await(3).size(), 3u);
  }
  ASSERT_EQ(store.size(), 1u);
  Life next(store, receiver.Url());
  EXPECT_TRUE(next.AwaitEmpty());
}

class WebhookClockTest : public ::testing::Test {
 protected:
  ~WebhookClockTest() override { test::SetClockAhead(absl::ZeroDuration()); }
};

// abseil's waits end at a time of day.
TEST_F(WebhookClockTest, AClockThatIsSetBackDelaysNoRetry) {
  AlertReceiver receiver;
  receiver.Answer({"500 No", "500 No", "500 No"});
  LockedStore store;
  test::SetClockAhead(absl::Hours(24 * 365));
  Life life(store, receiver.Url());
  life.Add("1");
  EXPECT_TRUE(life.AwaitEmpty());
}

TEST(Webhook, AClockThatIsSetMakesNoAlertOld) {
  const absl::Duration year = absl::Hours(24 * 365);
  for (const absl::Duration set : {-year, year}) {
    AlertReceiver receiver;
    receiver.Answer({"500 No", "500 No", "500 No", "500 No"});
    LockedStore store;
    std::atomic<bool> is_set = false;
    WebhookTimes times = Life::Soon();
    times.now = [&] { return is_set ? kNow + set : kNow; };
    Life life(store, receiver.Url(), times);
    life.Add("before");
    ASSERT_EQ(receiver.Await(1).size(), 1u);
    is_set = true;
    life.Add("after", kNow + set);
    EXPECT_TRUE(life.AwaitEmpty());
    life.webhook().Stop();
    EXPECT_TRUE(life.Counted("delivered", 2)) << life.Metrics();
  }
}

TEST(Webhook, DropsWhatNoAlertCanBe) {
  AlertReceiver receiver;
  receiver.Answer({"400 Bad Request"});
  LockedStore store;
  StoreBatch batch;
  batch.Put("alerts/pager/0000000000000001", "not an alert");
  ASSERT_TRUE(store.Commit(batch).ok());
  Life life(store, receiver.Url());
  EXPECT_TRUE(life.AwaitEmpty());
  EXPECT_EQ(receiver.Await(1).size(), 1u);
}

}  // namespace
}  // namespace anchorage::trustd
