#include "trustd/alerts/alert_queue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace anchorage::trustd {
namespace {

constexpr std::string_view kQueues = "alerts/";
constexpr std::uint64_t kFirst = 1;

// Returns the name of the webhook in a key, which stands between the two
// slashes.
std::string WebhookOf(std::string_view key) {
  key.remove_prefix(kQueues.size());
  return std::string(key.substr(0, key.find('/')));
}

}  // namespace

absl::StatusOr<std::unique_ptr<AlertQueue>> AlertQueue::Open(
    Store& store, std::string_view webhook) {
  std::string prefix(kQueues);
  prefix.append(webhook).push_back('/');
  std::uint64_t next = kFirst;
  std::uint64_t waiting = 0;
  const absl::Status status =
      store.Scan(prefix, [&](std::string_view key, std::string_view) {
        key.remove_prefix(prefix.size());
        std::uint64_t number = 0;
        if (absl::SimpleHexAtoi({key.data(), key.size()}, &number)) {
          next = std::max(next, number + 1);
        }
        ++waiting;
        return true;
      });
  if (!status.ok()) return status;
  return std::unique_ptr<AlertQueue>(
      new AlertQueue(store, std::move(prefix), next, waiting));
}

std::string AlertQueue::KeyOf(std::uint64_t number) const {
  return absl::StrCat(prefix_, absl::Hex(number, absl::kZeroPad16));
}

bool AlertQueue::Add(std::string_view body, StoreBatch& batch) {
  absl::MutexLock lock(&mutex_);
  const std::uint64_t number = next_++;
  batch.Put(KeyOf(number), body);
  if (number < kFirst + kMaxWaitingAlerts) return false;
  // The oldest key goes as a new one comes, so there are never more than
  // kMaxWaitingAlerts.
  const std::string oldest = KeyOf(number - kMaxWaitingAlerts);
  batch.Delete(oldest);
  const auto found = store_.Get(oldest);
  return found.ok() && found->has_value();
}

absl::StatusOr<AlertQueue::Look> AlertQueue::Behind(
    std::string_view key) const {
  Look look;
  const absl::Status status =
      store_.Scan(prefix_, [&](std::string_view one, std::string_view body) {
        if (one <= key) {
          ++look.passed;
          return true;
        }
        look.next = Waiting{std::string(one), std::string(body)};
        return false;
      });
  if (!status.ok()) return status;
  return look;
}

absl::StatusOr<bool> AlertQueue::Remove(const std::string& key) {
  const auto there = store_.Get(key);
  if (!there.ok()) return there.status();
  StoreBatch batch;
  batch.Delete(key);
  if (absl::Status s = store_.Commit(batch); !s.ok()) return s;
  return there->has_value();
}

absl::StatusOr<int> RemoveOtherQueues(Store& store,
                                      const std::set<std::string>& webhooks) {
  StoreBatch batch;
  const absl::Status status =
      store.Scan(kQueues, [&](std::string_view key, std::string_view) {
        if (webhooks.count(WebhookOf(key)) == 0) batch.Delete(key);
        return true;
      });
  if (!status.ok()) return status;
  if (batch.changes().empty()) return 0;
  if (absl::Status s = store.Commit(batch); !s.ok()) return s;
  return static_cast<int>(batch.changes().size());
}

}  // namespace anchorage::trustd
