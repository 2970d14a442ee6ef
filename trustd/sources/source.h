// A place that trustd polls to learn what AWS publishes.
//
//   auto answer = source->Poll(now);
//   if (!answer.ok()) return Count(*SourceFailureOf(answer.status()));
//   if (answer->observation) Consider(*answer->observation);
//
// A source only observes and decides nothing. It never guesses: what it cannot
// place is a problem in its observation.

#ifndef ANCHORAGE_TRUSTD_SOURCES_SOURCE_H_
#define ANCHORAGE_TRUSTD_SOURCES_SOURCE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "trustd/base/poll_times.h"
#include "trustd/rotation/observation.h"

namespace anchorage::trustd {

// What the configuration says about any source.
struct SourceProfile {
  // Unique in the configuration, such as "aws-docs".
  std::string name;
  SourceScope scope;
  PollTimes times;
  // The names of the sources that feed this one.
  std::vector<std::string> depends_on = {};
};

struct SourceAnswer {
  // nullopt: the same, to the last byte, as in the last answer.
  std::optional<Observation> observation;
  // What went wrong although there is an answer: an address that failed before
  // another one answered.
  std::vector<absl::Status> setbacks;
};

// For one thread at a time.
class Source {
 public:
  explicit Source(SourceProfile profile) : profile_(std::move(profile)) {}
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  const std::string& name() const { return profile_.name; }
  const SourceScope& scope() const { return profile_.scope; }
  const PollTimes& times() const { return profile_.times; }

  // Polls the source once. Blocks for no longer than the source's timeout for
  // each address. `now` goes into the observation. Every failure is from
  // FailSource().
  virtual absl::StatusOr<SourceAnswer> Poll(absl::Time now) = 0;

  // Makes the next answer contain an observation, changed or not, like the
  // first after a start: for a caller that could not record the last one.
  virtual void Forget() = 0;

 private:
  const SourceProfile profile_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_SOURCE_H_
