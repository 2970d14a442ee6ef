#include "trustd/mirror/poller.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "anchors/base/no_throw.h"
#include "trustd/base/log.h"
#include "trustd/sources/source_failure.h"

namespace anchorage::trustd {
namespace {

constexpr absl::Duration kAfterException = absl::Minutes(1);

// What people wait for who have just configured a source.
void LogFirstAnswer(const std::string& name, const SourceAnswer& answer) {
  if (!answer.observation.has_value()) return;
  const Observation& seen = *answer.observation;
  LogWith(spdlog::level::info, {{"SOURCE", name}},
          absl::StrCat("source ", name,
                       ": first answer: ", seen.certificates.size(),
                       " certificates, ", seen.problems.size(),
                       " problems, from ", seen.location));
}

}  // namespace

Poller::Poller(std::vector<std::unique_ptr<Source>> sources, Mirror& mirror,
               Clock clock, std::shared_ptr<std::atomic<bool>> cancelled,
               Timer timer)
    : mirror_(mirror),
      clock_(std::move(clock)),
      cancelled_(std::move(cancelled)),
      timer_(std::move(timer)) {
  for (auto& source : sources) {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->source = std::move(source);
  }
}

Poller::~Poller() { Stop(); }

absl::Status Poller::Prepare() {
  {
    const absl::MutexLock lock(&mutex_);
    if (std::exchange(is_prepared_, true)) return absl::OkStatus();
  }
  for (const auto& worker : workers_) {
    auto thread =
        anchors::StartThread([this, one = worker.get()] { Run(*one); });
    if (!thread.ok()) return thread.status();
    worker->thread = *std::move(thread);
  }
  return absl::OkStatus();
}

absl::Status Poller::Start() {
  if (absl::Status s = Prepare(); !s.ok()) return s;
  {
    const absl::MutexLock lock(&mutex_);
    running_ = true;
  }
  changed_.NotifyAll();
  return absl::OkStatus();
}

absl::Status Poller::PollNow(const std::string& source) {
  bool found = source.empty();
  {
    const absl::MutexLock lock(&mutex_);
    for (const auto& worker : workers_) {
      if (!source.empty() && worker->source->name() != source) continue;
      worker->is_wanted = true;
      found = true;
    }
  }
  changed_.NotifyAll();
  if (found) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("there is no source '", source, "'"));
}

void Poller::Stop() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  if (cancelled_ != nullptr) cancelled_->store(true);
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
}

void Poller::Run(Worker& worker) {
  PollHistory history;
  absl::Duration wait = absl::InfiniteDuration();
  while (true) {
    {
      const absl::MutexLock lock(&mutex_);
      changed_.AwaitFor(mutex_, wait, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return stopping_ || (running_ && worker.is_wanted);
      });
      if (stopping_) return;
      worker.is_wanted = false;
    }
    wait = kAfterException;
    const absl::Status caught = anchors::NoThrow([&] {
      wait = Look(worker, history);
      return absl::OkStatus();
    });
    if (!caught.ok()) {
      spdlog::error("source {}: {}", worker.source->name(),
                    std::string(caught.message()));
    }
  }
}

absl::Duration Poller::Look(Worker& worker, PollHistory& history) {
  Source& source = *worker.source;
  const absl::Time now = clock_();
  const absl::Duration begun = anchors::SteadyNow();
  const auto answer = source.Poll(now);
  timer_(source.name(), anchors::SteadyNow() - begun);
  absl::Status recorded;
  if (!answer.ok()) {
    const auto failure = SourceFailureOf(answer.status());
    const std::string name(failure.has_value() ? NameOf(*failure)
                                               : "UNAVAILABLE");
    // The message begins with the name.
    const std::string detail(absl::StripPrefix(
        absl::StripPrefix(answer.status().message(), name), ": "));
    // A stop is not the source's failure.
    if (cancelled_ != nullptr && cancelled_->load()) return absl::Seconds(1);
    spdlog::warn("source {}: {}: {}", source.name(), name, detail);
    ++history.failures;
    history.retry_after = RetryAfterOf(answer.status(), now);
    recorded = mirror_.SourceFailed(source.name(), name, detail, now);
  } else {
    for (const absl::Status& setback : answer->setbacks) {
      spdlog::info("source {}: {}", source.name(),
                   std::string(setback.message()));
    }
    if (!worker.has_answered) LogFirstAnswer(source.name(), *answer);
    worker.has_answered = true;
    history = {};
    recorded = answer->observation.has_value()
                   ? mirror_.Observed(*answer->observation, now)
                   : mirror_.Unchanged(source.name(), now);
  }
  if (!recorded.ok()) {
    // What could not be recorded must be seen again.
    source.Forget();
    spdlog::error("source {}: not recorded: {}", source.name(),
                  std::string(recorded.message()));
  }
  absl::BitGen random;
  const absl::Duration wait = UntilNextPoll(
      source.times(), history, absl::Uniform<double>(random, 0, 1));
  mirror_.SetNextPoll(source.name(), clock_() + wait);
  return wait;
}

}  // namespace anchorage::trustd
