// A record of which checks a verification made, for people and test vectors.

#ifndef ANCHORAGE_VERIFY_TRACE_H_
#define ANCHORAGE_VERIFY_TRACE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace anchorage::verify {

// Collects one entry a check, in the order of the checks. A verifier takes a
// pointer that may be null; with null it records nothing and allocates
// nothing. Not thread-safe: one trace a call.
class Trace {
 public:
  enum class Outcome { kPassed, kFailed, kNotReached };

  struct Entry {
    // The check's name: the step of the verifier's numbered list.
    std::string check;
    Outcome outcome;
    // What was found, for people; after a failure, why.
    std::string detail;
  };

  void Pass(std::string_view check, std::string_view detail) {
    entries_.push_back(
        {std::string(check), Outcome::kPassed, std::string(detail)});
  }

  void Fail(std::string_view check, const absl::Status& why) {
    entries_.push_back({std::string(check), Outcome::kFailed,
                        std::string(why.message())});
  }

  void NotReached(std::string_view check) {
    entries_.push_back({std::string(check), Outcome::kNotReached, ""});
  }

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_TRACE_H_
