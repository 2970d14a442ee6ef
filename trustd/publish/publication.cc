#include "trustd/publish/publication.h"

#include <utility>

namespace anchorage::trustd {

std::shared_ptr<const Publication> PublicationHub::Current() const {
  absl::MutexLock lock(&mutex_);
  return current_;
}

void PublicationHub::Publish(std::shared_ptr<const Publication> next) {
  std::vector<std::shared_ptr<const Watcher>> watchers;
  {
    absl::MutexLock lock(&mutex_);
    current_ = next;
    watchers.reserve(watchers_.size());
    for (const auto& [id, watcher] : watchers_) watchers.push_back(watcher);
  }
  for (const auto& watcher : watchers) (*watcher)(*next);
}

std::uint64_t PublicationHub::Watch(Watcher watcher) {
  absl::MutexLock lock(&mutex_);
  const std::uint64_t id = next_id_++;
  watchers_.emplace(id, std::make_shared<const Watcher>(std::move(watcher)));
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
