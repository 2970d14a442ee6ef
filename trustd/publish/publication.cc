#include "trustd/publish/publication.h"

#include <utility>

#include "absl/time/clock.h"
#include "anchors/base/no_throw.h"

namespace anchorage::trustd {
namespace {

constexpr absl::Duration kAfterException = absl::Milliseconds(100);

}  // namespace

PublicationHub::~PublicationHub() {
  std::thread teller;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    teller = std::move(teller_);
  }
  if (teller.joinable()) teller.join();
}

std::shared_ptr<const Publication> PublicationHub::Current() const {
  absl::MutexLock lock(&mutex_);
  return current_;
}

void PublicationHub::Publish(std::shared_ptr<const Publication> next) {
  absl::MutexLock lock(&mutex_);
  current_ = std::move(next);
  ++published_;
}

bool PublicationHub::AwaitNews() {
  absl::MutexLock lock(&mutex_);
  const auto has_news = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return told_ != published_ || stopping_;
  };
  mutex_.Await(absl::Condition(&has_news));
  return !stopping_;
}

absl::Status PublicationHub::TellWatchers() {
  std::shared_ptr<const Publication> news;
  std::vector<std::shared_ptr<const Watcher>> watchers;
  {
    absl::MutexLock lock(&mutex_);
    watchers.reserve(watchers_.size());
    for (const auto& [id, entry] : watchers_) {
      if (entry.after < published_) watchers.push_back(entry.watcher);
    }
    news = current_;
    told_ = published_;
  }
  for (const auto& watcher : watchers) {
    // What one of them throws is no reason not to call the others.
    (void)anchors::NoThrow([&] {
      (*watcher)(*news);
      return absl::OkStatus();
    });
  }
  return absl::OkStatus();
}

std::uint64_t PublicationHub::Watch(Watcher watcher) {
  absl::MutexLock lock(&mutex_);
  if (!teller_.joinable()) {
    teller_ = std::thread([this] {
      while (AwaitNews()) {
        // No memory: soon again, for a publication that is not told is lost.
        if (!anchors::NoThrow([this] { return TellWatchers(); }).ok()) {
          absl::SleepFor(kAfterException);
        }
      }
    });
  }
  const std::uint64_t id = next_id_++;
  watchers_[id] = {std::make_shared<const Watcher>(std::move(watcher)),
                   published_};
  return id;
}

void PublicationHub::Unwatch(std::uint64_t id) {
  absl::MutexLock lock(&mutex_);
  watchers_.erase(id);
}

absl::Status PublicationHub::signing() const {
  absl::MutexLock lock(&mutex_);
  return signing_;
}

void PublicationHub::SetSigning(absl::Status status) {
  absl::MutexLock lock(&mutex_);
  signing_ = std::move(status);
}

std::size_t PublicationHub::watchers() const {
  absl::MutexLock lock(&mutex_);
  return watchers_.size();
}

}  // namespace anchorage::trustd
