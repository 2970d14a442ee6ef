#include "trustd/record/record_feed.h"

#include "absl/cleanup/cleanup.h"

namespace anchorage::trustd {

void RecordFeed::Add(std::uint64_t first,
                     const std::vector<v1::LedgerRecord>& records) {
  const absl::MutexLock lock(&mutex_);
  if (watchers_.empty()) return;
  for (const v1::LedgerRecord& record : records) {
    waiting_.emplace_back(first++, record);
  }
}

void RecordFeed::Notify() {
  {
    const absl::MutexLock lock(&mutex_);
    if (is_notifying_) return;
    is_notifying_ = true;
  }
  // Also where memory runs out on the way.
  const auto done = absl::MakeCleanup([this] {
    const absl::MutexLock lock(&mutex_);
    is_notifying_ = false;
  });
  while (true) {
    std::vector<std::pair<std::uint64_t, v1::LedgerRecord>> records;
    std::vector<std::shared_ptr<const Watcher>> watchers;
    {
      const absl::MutexLock lock(&mutex_);
      if (waiting_.empty()) return;
      records.swap(waiting_);
      for (const auto& [id, watcher] : watchers_) watchers.push_back(watcher);
    }
    for (const auto& [index, record] : records) {
      for (const auto& watcher : watchers) (*watcher)(index, record);
    }
  }
}

std::uint64_t RecordFeed::Watch(Watcher watcher) {
  const absl::MutexLock lock(&mutex_);
  const std::uint64_t id = next_id_++;
  watchers_[id] = std::make_shared<const Watcher>(std::move(watcher));
  return id;
}

void RecordFeed::Unwatch(std::uint64_t id) {
  const absl::MutexLock lock(&mutex_);
  watchers_.erase(id);
}

}  // namespace anchorage::trustd
