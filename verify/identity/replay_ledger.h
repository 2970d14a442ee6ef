// Records who has presented which identity document before.
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
// evidence which is refused for another reason uses nothing up. Keys are made
// of what the document says, never of signature bytes: one document has many
// valid signatures.
//
// A refusal says who holds the binding, and since when: that is for the
// product's operator, not for the peer that was refused.

#ifndef ANCHORAGE_VERIFY_IDENTITY_REPLAY_LEDGER_H_
#define ANCHORAGE_VERIFY_IDENTITY_REPLAY_LEDGER_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "verify/fork_safe_mutex.h"

namespace anchorage::verify {

enum class ReplayMode {
  // A document is good for one use. The key names the document.
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

// Returns the key of an instance, for kFirstUseBinds and kNewestPendingTime.
// The verifier uses the same key, so an operator can find and forget one.
std::string InstanceReplayKey(ReplayMode mode, std::string_view partition,
                              std::string_view region,
                              std::string_view instance_id);
// Returns the key of a document, whose exact bytes these are, for kSingleUse.
std::string DocumentReplayKey(std::string_view document_bytes);

// The least silence after which another sender may take over an instance.
inline constexpr absl::Duration kMinRebindAfter = absl::Hours(24);

struct ReplayFacts {
  absl::Time pending_time;
  // Any name of the sender, such as the hash of its TLS key. For kFirstUseBinds
  // only, and not empty there.
  std::string_view binding;
  // When the document is used, by the verifier's clock.
  absl::Time at = absl::InfinitePast();
  // For kFirstUseBinds: see ReplayCheck.
  absl::Duration rebind_after = absl::InfiniteDuration();
};

// Who has presented an instance's documents.
struct BindingHolder {
  std::string binding;
  // The times of the holder's first use and of its latest.
  absl::Time since;
  absl::Time last_seen;

  friend bool operator==(const BindingHolder&, const BindingHolder&) = default;
};

// A use that was let through.
struct Admission {
  // Whose binding this use took over; nullopt for nearly all uses.
  std::optional<BindingHolder> replaced;
};

// Implementations may keep their entries anywhere, and must be thread-safe.
class ReplayLedger {
 public:
  virtual ~ReplayLedger() = default;

  // Checks one use and records it, as one atomic step: of two first uses at
  // once exactly one is admitted (with kFirstUseBinds, all of one binding).
  // Different modes never share a key. Fails with kReplayed,
  // kPendingTimeRegressed or kLedgerUnavailable, and then records nothing. A
  // failure without a reason, and an std::exception, count as
  // kLedgerUnavailable.
  virtual absl::StatusOr<Admission> Admit(std::string_view key,
                                          const ReplayFacts& facts,
                                          ReplayMode mode) = 0;
};

// What VerifyIdentity() asks the ledger.
struct ReplayCheck {
  // Null is kLedgerUnavailable: a check that was asked for is never skipped.
  ReplayLedger* ledger = nullptr;
  ReplayMode mode = ReplayMode::kSingleUse;
  std::string binding;
  // With kFirstUseBinds, another sender takes over an instance if its document
  // is strictly newer than all that the holder presented (the instance was
  // started again since) and the holder has been silent for this long: at least
  // kMinRebindAfter, or kFieldInvalid. Infinite, the default, means never: then
  // a person must forget the key. Whoever may restart the customer's instance
  // can make a newer document, so in the end this hands them its binding; the
  // verdict says whose it was (VerifiedIdentity::replaced_binding()), to be
  // logged.
  absl::Duration rebind_after = absl::InfiniteDuration();
};

// A ledger in memory: it forgets everything when it is destroyed. After fork(2)
// the child has a copy, and neither process sees what the other admits: what is
// to be used once must be so among all workers needs a ledger that they share.
class InMemoryReplayLedger final : public ReplayLedger {
 public:
  // Holds `max_entries` keys. When it is full a new key is refused with
  // kLedgerUnavailable: an entry dropped to make room would be a replay let
  // through.
  explicit InMemoryReplayLedger(std::size_t max_entries)
      : max_entries_(max_entries) {}

  absl::StatusOr<Admission> Admit(std::string_view key,
                                  const ReplayFacts& facts,
                                  ReplayMode mode) override
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Returns who holds the key; nullopt for a key that was never used.
  std::optional<BindingHolder> HolderOf(std::string_view key) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Forgets one key, so that its next use is a first one. Returns whether it
  // was there. For a person's decision: a customer who moved to another
  // machine, or whose document somebody else presented first.
  bool Forget(std::string_view key) ABSL_LOCKS_EXCLUDED(mutex_);

  // Forgets the documents, of every mode, whose pendingTime is before `time`,
  // and returns how many. Safe where the policy refuses documents as old as
  // that: `time` is now minus its maximum age, or earlier.
  std::size_t ForgetBefore(absl::Time time) ABSL_LOCKS_EXCLUDED(mutex_);

  std::size_t size() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    // The newest pendingTime seen.
    absl::Time pending_time;
    BindingHolder holder;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const {
      return absl::Hash<absl::string_view>()({key.data(), key.size()});
    }
  };
  static absl::StatusOr<Admission> Use(Entry& entry, const ReplayFacts& facts,
                                       ReplayMode mode);

  const std::size_t max_entries_;
  mutable ForkSafeMutex mutex_;
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> entries_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IDENTITY_REPLAY_LEDGER_H_
