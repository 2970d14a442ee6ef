#include "trustd/alerts/alert_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "test/support/fake_store.h"

namespace anchorage::trustd {
namespace {

std::unique_ptr<AlertQueue> Open(Store& store, const char* webhook = "pager") {
  auto queue = AlertQueue::Open(store, webhook);
  EXPECT_TRUE(queue.ok()) << queue.status();
  return *std::move(queue);
}

// Returns whether the oldest made room.
bool AddAndCommit(AlertQueue& queue, Store& store, const std::string& body) {
  StoreBatch batch;
  const bool dropped = queue.Add(body, batch);
  EXPECT_TRUE(store.Commit(batch).ok());
  return dropped;
}

// Takes out everything that waits.
std::optional<AlertQueue::Waiting> OldestOf(const AlertQueue& queue) {
  const auto look = queue.Behind("");
  EXPECT_TRUE(look.ok()) << look.status();
  return look.ok() ? look->next : std::nullopt;
}

std::vector<std::string> Drain(AlertQueue& queue) {
  std::vector<std::string> bodies;
  for (;;) {
    const auto oldest = OldestOf(queue);
    if (!oldest.has_value()) return bodies;
    bodies.push_back(oldest->body);
    EXPECT_TRUE(queue.Remove(oldest->key).ok());
  }
}

TEST(AlertQueue, IsEmptyAtFirst) {
  FakeStore store;
  EXPECT_FALSE(OldestOf(*Open(store)).has_value());
}

TEST(AlertQueue, GivesBackInOrder) {
  FakeStore store;
  const auto queue = Open(store);
  std::vector<std::string> bodies;
  // Past 9 and 16, where names might sort otherwise than numbers.
  for (int i = 0; i < 40; ++i) {
    bodies.push_back(absl::StrCat("alert ", i));
    EXPECT_FALSE(AddAndCommit(*queue, store, bodies.back()));
  }
  EXPECT_EQ(Drain(*queue), bodies);
  EXPECT_TRUE(store.values.empty());
}

TEST(AlertQueue, SurvivesARestartInOrder) {
  FakeStore store;
  {
    const auto queue = Open(store);
    for (const char* body : {"1", "2", "3"}) {
      AddAndCommit(*queue, store, body);
    }
    EXPECT_TRUE(queue->Remove(OldestOf(*queue)->key).ok());
  }
  const auto queue = Open(store);
  AddAndCommit(*queue, store, "4");
  EXPECT_EQ(Drain(*queue), (std::vector<std::string>{"2", "3", "4"}));
}

TEST(AlertQueue, HasOneKeyForEachAlert) {
  FakeStore store;
  AddAndCommit(*Open(store), store, "body");
  ASSERT_EQ(store.values.size(), 1u);
  EXPECT_EQ(store.values.begin()->first, "alerts/pager/0000000000000001");
  EXPECT_EQ(store.values.begin()->second, "body");
}

TEST(AlertQueue, KeepsNothingOfWhatWasNotCommitted) {
  FakeStore store;
  const auto queue = Open(store);
  AddAndCommit(*queue, store, "1");
  StoreBatch lost;
  queue->Add("2", lost);
  AddAndCommit(*queue, store, "3");
  EXPECT_EQ(Drain(*queue), (std::vector<std::string>{"1", "3"}));
}

TEST(AlertQueue, TakesTwoAlertsInOneBatch) {
  FakeStore store;
  const auto queue = Open(store);
  StoreBatch batch;
  queue->Add("1", batch);
  queue->Add("2", batch);
  ASSERT_TRUE(store.Commit(batch).ok());
  EXPECT_EQ(Drain(*queue), (std::vector<std::string>{"1", "2"}));
}

TEST(AlertQueue, DropsTheOldestWhenItIsFullAndSaysSo) {
  FakeStore store;
  auto queue = Open(store);
  for (std::uint64_t i = 0; i < kMaxWaitingAlerts; ++i) {
    ASSERT_FALSE(AddAndCommit(*queue, store, absl::StrCat(i))) << i;
  }
  EXPECT_EQ(OldestOf(*queue)->body, "0");
  EXPECT_TRUE(AddAndCommit(*queue, store, "one more"));
  EXPECT_EQ(OldestOf(*queue)->body, "1");
  EXPECT_EQ(store.values.size(), kMaxWaitingAlerts);
  // Also in the next life.
  queue = Open(store);
  EXPECT_TRUE(AddAndCommit(*queue, store, "another"));
  EXPECT_EQ(OldestOf(*queue)->body, "2");
  EXPECT_EQ(store.values.size(), kMaxWaitingAlerts);
  // What was delivered is not dropped.
  EXPECT_TRUE(queue->Remove(OldestOf(*queue)->key).ok());
  EXPECT_FALSE(AddAndCommit(*queue, store, "the last"));
  EXPECT_EQ(store.values.size(), kMaxWaitingAlerts);
}

TEST(AlertQueue, IsItsWebhooksAlone) {
  FakeStore store;
  const auto pager = Open(store, "pager");
  const auto page = Open(store, "page");
  AddAndCommit(*pager, store, "for pager");
  EXPECT_FALSE(OldestOf(*page).has_value());
  AddAndCommit(*page, store, "for page");
  EXPECT_EQ(Drain(*page), std::vector<std::string>{"for page"});
  EXPECT_EQ(Drain(*pager), std::vector<std::string>{"for pager"});
}

TEST(AlertQueue, RemovesTheQueuesOfOthers) {
  FakeStore store;
  const auto pager = Open(store, "pager");
  const auto old = Open(store, "page");
  AddAndCommit(*pager, store, "stays");
  AddAndCommit(*old, store, "goes");
  AddAndCommit(*old, store, "goes too");
  store.values["alertsx"] = "is somebody else's";
  EXPECT_EQ(*RemoveOtherQueues(store, {"pager"}), 2);
  EXPECT_EQ(store.values.size(), 2u);
  EXPECT_EQ(*RemoveOtherQueues(store, {"pager"}), 0);
  EXPECT_EQ(Drain(*pager), std::vector<std::string>{"stays"});
}

TEST(AlertQueue, SaysThatTheStoreFails) {
  FakeStore store;
  const auto queue = Open(store);
  AddAndCommit(*queue, store, "1");
  store.failure = absl::ResourceExhaustedError("disk full");
  EXPECT_EQ(queue->Remove(OldestOf(*queue)->key).status(), store.failure);
  EXPECT_EQ(RemoveOtherQueues(store, {}).status(), store.failure);
  EXPECT_EQ(OldestOf(*queue)->body, "1");
}

}  // namespace
}  // namespace anchorage::trustd
