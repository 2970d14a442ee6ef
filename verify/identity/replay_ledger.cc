#include "verify/identity/replay_ledger.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "verify/crypto/public_key.h"
#include "verify/no_exceptions.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string TimesOf(const BindingHolder& holder) {
  return absl::StrCat("first at ", Rfc3339(holder.since), ", last at ",
                      Rfc3339(holder.last_seen));
}

}  // namespace

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

std::string InstanceReplayKey(ReplayMode mode, std::string_view partition,
                              std::string_view region,
                              std::string_view instance_id) {
  return absl::StrCat(View(NameOf(mode)), "/", View(partition), "/",
                      View(region), "/", View(instance_id));
}

std::string DocumentReplayKey(std::string_view document_bytes) {
  return absl::StrCat(View(NameOf(ReplayMode::kSingleUse)), "/",
                      Sha256Hex(document_bytes));
}

absl::StatusOr<Admission> InMemoryReplayLedger::Admit(std::string_view key,
                                                      const ReplayFacts& facts,
                                                      ReplayMode mode) {
  return WithoutExceptions([&]() -> absl::StatusOr<Admission> {
    const ForkSafeLock lock(&mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end()) return Use(found->second, facts, mode);
    if (entries_.size() >= max_entries_) {
      return Reject(
          Reason::kLedgerUnavailable,
          absl::StrCat("the ledger is full at ", max_entries_, " entries"));
    }
    entries_.emplace(key,
                     Entry{facts.pending_time,
                           {std::string(facts.binding), facts.at, facts.at}});
    return Admission{};
  });
}

// Records the use last, when nothing can fail any more.
absl::StatusOr<Admission> InMemoryReplayLedger::Use(Entry& entry,
                                                    const ReplayFacts& facts,
                                                    ReplayMode mode) {
  Admission admission;
  switch (mode) {
    case ReplayMode::kSingleUse:
      return Reject(Reason::kReplayed,
                    absl::StrCat("the document was used before, ",
                                 TimesOf(entry.holder)));
    case ReplayMode::kFirstUseBinds: {
      if (entry.holder.binding == facts.binding) break;
      const bool may_rebind =
          facts.rebind_after != absl::InfiniteDuration() &&
          facts.pending_time > entry.pending_time &&
          facts.at - entry.holder.last_seen >= facts.rebind_after;
      if (!may_rebind) {
        return Reject(
            Reason::kReplayed,
            absl::StrCat("the instance is bound to another: \"",
                         entry.holder.binding, "\", ", TimesOf(entry.holder)));
      }
      BindingHolder next{std::string(facts.binding), facts.at, facts.at};
      admission.replaced = std::exchange(entry.holder, std::move(next));
      break;
    }
    case ReplayMode::kNewestPendingTime:
      if (facts.pending_time < entry.pending_time) {
        return Reject(Reason::kPendingTimeRegressed,
                      absl::StrCat("a newer document of the instance was seen, "
                                   "of ",
                                   Rfc3339(entry.pending_time), ", ",
                                   TimesOf(entry.holder)));
      }
      break;
  }
  entry.pending_time = std::max(entry.pending_time, facts.pending_time);
  entry.holder.last_seen = std::max(entry.holder.last_seen, facts.at);
  return admission;
}

std::optional<BindingHolder> InMemoryReplayLedger::HolderOf(
    std::string_view key) const {
  const ForkSafeLock lock(&mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::nullopt;
  return found->second.holder;
}

bool InMemoryReplayLedger::Forget(std::string_view key) {
  const ForkSafeLock lock(&mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return false;
  entries_.erase(found);
  return true;
}

std::size_t InMemoryReplayLedger::ForgetBefore(absl::Time time) {
  const ForkSafeLock lock(&mutex_);
  const std::size_t before = entries_.size();
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto entry = at++;
    if (entry->second.pending_time < time) entries_.erase(entry);
  }
  return before - entries_.size();
}

std::size_t InMemoryReplayLedger::size() const {
  const ForkSafeLock lock(&mutex_);
  return entries_.size();
}

}  // namespace anchorage::verify
