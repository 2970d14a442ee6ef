#include "trustd/alerts/webhook.h"

#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

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
        webhook_("pager",
                 {.url = url,
                  .body = "",
                  .secret = kSecret,
                  .allow_loopback_http = true},
                 *queue_, metrics_, std::move(times)) {
    metrics_.AddWebhook("pager");
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
