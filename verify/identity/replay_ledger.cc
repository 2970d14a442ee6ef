#include "verify/identity/replay_ledger.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "verify/reason.h"

namespace anchorage::verify {

std::string_view NameOf(ReplayMode mode) {
  switch (mode) {
    case ReplayMode::kSingleUse:
      return "SINGLE_USE";
    case ReplayMode::kFirstUseBinds:
      return "FIRST_USE_BINDS";
    case ReplayMode::kNewestPendingTime:
      return "NEWEST_PENDING_TIME";
  }
  return "";
}

absl::Status InMemoryReplayLedger::Admit(std::string_view key,
                                         const ReplayFacts& facts,
                                         ReplayMode mode) {
  const absl::MutexLock lock(&mutex_);
  const auto found = entries_.find(absl::string_view(key.data(), key.size()));
  if (found == entries_.end()) {
    if (entries_.size() >= max_entries_) {
      return Reject(
          Reason::kLedgerUnavailable,
          absl::StrCat("the ledger is full at ", max_entries_, " entries"));
    }
    entries_.emplace(key,
                     Entry{facts.pending_time, std::string(facts.binding)});
    return absl::OkStatus();
  }
  Entry& entry = found->second;
  switch (mode) {
    case ReplayMode::kSingleUse:
      return Reject(Reason::kReplayed, "the document was used before");
    case ReplayMode::kFirstUseBinds:
      if (entry.binding != facts.binding) {
        return Reject(Reason::kReplayed, "the instance is bound to another");
      }
      break;
    case ReplayMode::kNewestPendingTime:
      if (facts.pending_time < entry.pending_time) {
        return Reject(Reason::kPendingTimeRegressed,
                      "a newer document of the instance was seen");
      }
      break;
  }
  entry.pending_time = std::max(entry.pending_time, facts.pending_time);
  return absl::OkStatus();
}

std::size_t InMemoryReplayLedger::ForgetBefore(absl::Time time) {
  const absl::MutexLock lock(&mutex_);
  const std::size_t before = entries_.size();
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto entry = at++;
    if (entry->second.pending_time < time) entries_.erase(entry);
  }
  return before - entries_.size();
}

std::size_t InMemoryReplayLedger::size() const {
  const absl::MutexLock lock(&mutex_);
  return entries_.size();
}

}  // namespace anchorage::verify
