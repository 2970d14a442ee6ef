#include "trustd/publish/publication.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "absl/synchronization/mutex.h"

namespace anchorage::trustd {
namespace {

std::shared_ptr<const Publication> OfVersion(std::uint64_t version) {
  auto publication = std::make_shared<Publication>();
  publication->timestamp_version = version;
  return publication;
}

// The versions that a watcher heard of.
class Heard {
 public:
  void Add(std::uint64_t version) {
    const absl::MutexLock lock(&mutex_);
    versions_.push_back(version);
  }
  // What was heard up to `version`, or in 10 s.
  std::vector<std::uint64_t> Until(std::uint64_t version) const {
    const absl::MutexLock lock(&mutex_);
    const auto is_there = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return !versions_.empty() && versions_.back() == version;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&is_there), absl::Seconds(10));
    return versions_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::uint64_t> versions_ ABSL_GUARDED_BY(mutex_);
};

TEST(PublicationHubTest, WatchersHearInOrderAndOfTheNewestAtLast) {
  Heard heard;
  PublicationHub hub;
  hub.Watch([&](const Publication& publication) {
    heard.Add(publication.timestamp_version);
  });
  for (std::uint64_t version = 1; version <= 1000; ++version) {
    hub.Publish(OfVersion(version));
    ASSERT_EQ(hub.Current()->timestamp_version, version);
  }
  const auto versions = heard.Until(1000);
  ASSERT_FALSE(versions.empty());
  EXPECT_EQ(versions.back(), 1000u);
  for (std::size_t i = 1; i < versions.size(); ++i) {
    EXPECT_LT(versions[i - 1], versions[i]);
  }
}

TEST(PublicationHubTest, WhoComesLaterHearsOfWhatIsPublishedLater) {
  Heard early, late;
  PublicationHub hub;
  hub.Publish(OfVersion(1));
  hub.Watch([&](const Publication& publication) {
    early.Add(publication.timestamp_version);
  });
  hub.Publish(OfVersion(2));
  hub.Watch([&](const Publication& publication) {
    late.Add(publication.timestamp_version);
  });
  EXPECT_THAT(early.Until(2), ::testing::ElementsAre(2u));
  hub.Publish(OfVersion(3));
  EXPECT_EQ(early.Until(3).back(), 3u);
  EXPECT_THAT(late.Until(3), ::testing::ElementsAre(3u));
}

TEST(PublicationHubTest, WhoPublishesWaitsForNoWatcher) {
  absl::Mutex held;
  Heard heard;
  PublicationHub hub;
  hub.Watch([&](const Publication& publication) {
    const absl::MutexLock lock(&held);
    heard.Add(publication.timestamp_version);
  });
  {
    const absl::MutexLock lock(&held);
    hub.Publish(OfVersion(1));
  }
  EXPECT_THAT(heard.Until(1), ::testing::ElementsAre(1u));
}

TEST(PublicationHubTest, OneThatThrowsKeepsNothingFromTheOthers) {
  Heard heard;
  PublicationHub hub;
  const auto fails = [](const Publication&) { throw std::runtime_error("no"); };
  hub.Watch(fails);
  hub.Watch([&](const Publication& publication) {
    heard.Add(publication.timestamp_version);
  });
  hub.Watch(fails);
  hub.Publish(OfVersion(1));
  heard.Until(1);
  hub.Publish(OfVersion(2));
  EXPECT_EQ(heard.Until(2).back(), 2u);
}

TEST(PublicationHubTest, WhoLeftHearsNothingMore) {
  Heard gone, stays;
  PublicationHub hub;
  const std::uint64_t id = hub.Watch([&](const Publication& publication) {
    gone.Add(publication.timestamp_version);
  });
  hub.Watch([&](const Publication& publication) {
    stays.Add(publication.timestamp_version);
  });
  hub.Publish(OfVersion(1));
  EXPECT_EQ(gone.Until(1).back(), 1u);
  hub.Unwatch(id);
  stays.Until(1);
  hub.Publish(OfVersion(2));
  EXPECT_EQ(stays.Until(2).back(), 2u);
  EXPECT_EQ(gone.Until(1).back(), 1u);
}

}  // namespace
}  // namespace anchorage::trustd
