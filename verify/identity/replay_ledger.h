// Who has shown which identity document before.
//
//   InMemoryReplayLedger ledger(1'000'000);
//   ReplayCheck replay{&ledger, ReplayMode::kFirstUseBinds, caller_key_hash};
//   auto identity = VerifyIdentity(evidence, anchors, policy, now, &replay);
//
// An identity document proves facts about an instance, not who sends it: every
// process on the instance can read it and send it elsewhere. A ledger limits
// what a copy is good for.
//
// The verifier asks the ledger last, when everything else has passed, so that
// evidence that is refused for another reason uses nothing up. Keys are made
// of what the document says, never of signature bytes: one document has many
// valid signatures.

#ifndef ANCHORAGE_VERIFY_IDENTITY_REPLAY_LEDGER_H_
#define ANCHORAGE_VERIFY_IDENTITY_REPLAY_LEDGER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace anchorage::verify {

enum class ReplayMode {
  // A document is good once. The key names the document.
  kSingleUse,
  // The first use binds the instance to the caller's binding, and later uses
  // must have the same one ("trust on first use"). The key names the instance.
  kFirstUseBinds,
  // A document must not be older than the newest one seen of its instance: a
  // stop and a start make a newer one. The key names the instance.
  kNewestPendingTime,
};

// Returns the stable name: "SINGLE_USE", "FIRST_USE_BINDS",
// "NEWEST_PENDING_TIME".
std::string_view NameOf(ReplayMode mode);

struct ReplayFacts {
  absl::Time pending_time;
  // Whatever names the sender, such as the hash of its TLS key. For
  // kFirstUseBinds only, and not empty there.
  std::string_view binding;
};

// Implementations may keep their entries anywhere. Thread-safe.
class ReplayLedger {
 public:
  virtual ~ReplayLedger() = default;

  // Checks one use and records it, as one atomic step: of two first uses at
  // once exactly one is admitted (with kFirstUseBinds, all of one binding).
  // `key` is different for different modes. Fails with kReplayed,
  // kPendingTimeRegressed or kLedgerUnavailable, and then records nothing.
  virtual absl::Status Admit(std::string_view key, const ReplayFacts& facts,
                             ReplayMode mode) = 0;
};

// What VerifyIdentity() is to ask.
struct ReplayCheck {
  // Null is kLedgerUnavailable: a check that was asked for is never skipped.
  ReplayLedger* ledger = nullptr;
  ReplayMode mode = ReplayMode::kSingleUse;
  std::string binding;
};

// Forgets everything when it is destroyed.
class InMemoryReplayLedger final : public ReplayLedger {
 public:
  // Holds `max_entries` keys. When it is full a new key is refused with
  // kLedgerUnavailable: an entry dropped to make room would be a replay let
  // through.
  explicit InMemoryReplayLedger(std::size_t max_entries)
      : max_entries_(max_entries) {}

  absl::Status Admit(std::string_view key, const ReplayFacts& facts,
                     ReplayMode mode) override ABSL_LOCKS_EXCLUDED(mutex_);

  // Forgets the documents, of every mode, whose pendingTime is before `time`,
  // and returns how many. Safe where the policy refuses documents as old as
  // that: `time` is now minus its maximum age, or earlier.
  std::size_t ForgetBefore(absl::Time time) ABSL_LOCKS_EXCLUDED(mutex_);

  std::size_t size() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    absl::Time pending_time;
    std::string binding;
  };

  const std::size_t max_entries_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IDENTITY_REPLAY_LEDGER_H_
