#include "client/published.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace anchorage::client {
namespace {

// Knows how many of its kind there are, and whether it is still whole.
class Counted {
 public:
  explicit Counted(int number) : number_(number), again_(number) { ++alive; }
  ~Counted() {
    again_ = -1;
    --alive;
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  int number() const { return number_; }
  bool is_whole() const { return number_ == again_; }

  static std::atomic<int> alive;

 private:
  const int number_;
  int again_;
};
std::atomic<int> Counted::alive = 0;

using PublishedCount = Published<Counted>;

std::shared_ptr<const Counted> Number(int number) {
  return std::make_shared<const Counted>(number);
}

TEST(PublishedTest, GivesTheNewestValueAndFreesTheOthers) {
  {
    PublishedCount published(Number(1));
    EXPECT_EQ(published.Read()->number(), 1);
    published.Replace(PublishedCount::Prepare(Number(2)));
    EXPECT_EQ(published.Read()->number(), 2);
    EXPECT_EQ(published.ReadUnreplaced()->number(), 2);
    EXPECT_EQ(Counted::alive, 1);
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(PublishedTest, WhatWasReadStaysWhenItIsReplaced) {
  std::shared_ptr<const Counted> read;
  {
    PublishedCount published(Number(1));
    read = published.Read();
    published.Replace(PublishedCount::Prepare(Number(2)));
    EXPECT_EQ(Counted::alive, 2);
  }
  EXPECT_EQ(Counted::alive, 1);
  EXPECT_TRUE(read->is_whole());
}

// More threads than slots, too.
TEST(PublishedTest, NeverGoesBackAndNeverGivesWhatIsGone) {
  for (const std::size_t readers :
       {std::size_t{2}, PublishedCount::kSlots + 8}) {
    PublishedCount published(Number(0));
    std::atomic<bool> stop = false;
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < readers; ++i) {
      threads.emplace_back([&] {
        for (int last = 0; !stop;) {
          const std::shared_ptr<const Counted> value = published.Read();
          if (!value->is_whole() || value->number() < last) ++wrong;
          last = value->number();
          std::this_thread::yield();
        }
      });
    }
    for (int i = 1; i <= 200; ++i) {
      published.Replace(PublishedCount::Prepare(Number(i)));
      if (published.Read()->number() != i) ++wrong;
    }
    stop = true;
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    published.Replace(PublishedCount::Prepare(Number(0)));
    EXPECT_EQ(Counted::alive, 1);
  }
}

// A child finds the slots as they were, whoever had them.
TEST(PublishedTest, IsReadInAChildWhileTheParentReadsAndReplaces) {
  PublishedCount published(Number(1));
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!stop) published.Read();
    });
  }
  threads.emplace_back([&] {
    while (!stop) published.Replace(PublishedCount::Prepare(Number(1)));
  });
  for (int i = 0; i < 20; ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(published.ReadUnreplaced()->number());
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 1);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace anchorage::client
