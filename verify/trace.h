// A record of which checks a verification made, for people and test vectors.

#ifndef ANCHORAGE_VERIFY_TRACE_H_
#define ANCHORAGE_VERIFY_TRACE_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "verify/anchor_set.h"
#include "verify/printable.h"

namespace anchorage::verify {

// Collects one entry for each check, in the order of the checks. A verifier
// takes a pointer that may be null; with null it records nothing and allocates
// nothing. Not thread-safe: use one trace for each call.
class Trace {
 public:
  enum class Outcome { kPassed, kFailed, kNotReached };
  // kFailure: only the check that failed, so that evidence which passes costs
  // no more than without a trace.
  enum class Records { kAll, kFailure };

  struct Entry {
    // The check's name: the step of the verifier's numbered list.
    std::string check;
    Outcome outcome;
    // What was found, for people; after a failure, why. As Printable() shows
    // it, cut at kMaxSentenceBytes: parts of it come from the evidence.
    std::string detail;
  };

  Trace() = default;
  explicit Trace(Records records) : records_all_(records == Records::kAll) {}

  bool records_all() const { return records_all_; }

  void Pass(std::string_view check, std::string_view detail) {
    if (records_all_) Add(check, Outcome::kPassed, detail);
  }

  void Fail(std::string_view check, const absl::Status& why) {
    const absl::string_view text = why.message();
    Add(check, Outcome::kFailed, {text.data(), text.size()});
  }

  void NotReached(std::string_view check) {
    if (records_all_) Add(check, Outcome::kNotReached, "");
  }

  // Says which slot an identity document that is refused names. Its partition
  // and region are empty where no anchor is known for the region that it names,
  // or where none was read.
  void Concerns(Slot slot) { slot_ = std::move(slot); }
  // nullopt where nothing said so.
  const std::optional<Slot>& slot() const { return slot_; }

  const std::vector<Entry>& entries() const { return entries_; }

  // Returns the check that failed; empty if none did.
  std::string_view failed_check() const {
    for (const Entry& entry : entries_) {
      if (entry.outcome == Outcome::kFailed) return entry.check;
    }
    return "";
  }

 private:
  void Add(std::string_view check, Outcome outcome, std::string_view detail) {
    entries_.push_back(
        {std::string(check), outcome, Printable(detail, kMaxSentenceBytes)});
  }

  bool records_all_ = true;
  std::vector<Entry> entries_;
  std::optional<Slot> slot_;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_TRACE_H_
