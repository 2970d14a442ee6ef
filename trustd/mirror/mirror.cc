#include "trustd/mirror/mirror.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/catalog_proto.h"
#include "trustd/mirror/fact_log.h"
#include "trustd/rotation/apply.h"

namespace anchorage::trustd {
namespace {

constexpr char kHealthPrefix[] = "source/";

// A renewal may come between a decision and its signature.
constexpr int kTries = 3;

Served ServedOf(const std::shared_ptr<const Publication>& publication) {
  Served served;
  served.catalog = std::shared_ptr<const anchors::Catalog>(
      publication, &publication->catalog);
  served.catalog_sha256 = publication->catalog_sha256();
  served.next_sequence = publication->next_sequence;
  served.targets_version = publication->targets_version;
  served.facts = publication->facts;
  return served;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Mirror>> Mirror::Open(
    Options options, Store& store, Publisher& publisher, PublicationHub& hub,
    AlertSink& alerts, absl::Time now) {
  if (!options.clock_is_suspect) {
    options.clock_is_suspect = [] { return false; };
  }
  std::unique_ptr<Mirror> mirror(
      new Mirror(std::move(options), store, publisher, hub, alerts));
  {
    const absl::MutexLock lock(&mirror->mutex_);
    auto record = OpenRecord(store);
    if (!record.ok()) return record.status();
    mirror->ledger_ = std::move(record->ledger);
    mirror->book_ = std::move(record->book);
    mirror->checkpoint_ = std::move(record->checkpoint);
    mirror->moment_ =
        MomentAtStart(mirror->book_, now, mirror->options_.steady());
    for (const auto& [id, time] : mirror->options_.reminded) {
      if (time > now) continue;
      mirror->moment_.alerted_holds[id] =
          mirror->options_.steady() - (now - time);
    }
    mirror->moment_.record_checked = !mirror->checkpoint_.has_value();
    if (absl::Status s = mirror->ReadHealth(); !s.ok()) return s;
  }
  if (!mirror->ledger_->health().ok()) return mirror;
  // A full disk stops decisions, not the start.
  (void)mirror->Settle(now);
  return mirror;
}

absl::Status Mirror::CheckRecord(const std::function<bool()>& go_on) {
  Checkpoint checkpoint;
  {
    const absl::MutexLock lock(&mutex_);
    if (moment_.record_checked || !ledger_->health().ok()) {
      return ledger_->health();
    }
    checkpoint = *checkpoint_;
  }
  const absl::Status checked = CheckAgainstRecord(store_, checkpoint, go_on);
  const absl::MutexLock lock(&mutex_);
  if (absl::IsDataLoss(checked)) {
    ledger_->SetDamaged(checked);
    return ledger_->health();
  }
  moment_.record_checked = checked.ok();
  return checked;
}

absl::Status Mirror::ReadHealth() {
  return store_.Scan(
      kHealthPrefix,
      [&](std::string_view, std::string_view value)
          ABSL_NO_THREAD_SAFETY_ANALYSIS {
            v1::SourceHealth health;
            if (health.ParseFromArray(value.data(),
                                      static_cast<int>(value.size()))) {
              moment_.health[health.source()] = health;
            }
            return true;
          });
}

State Mirror::CurrentState() const {
  return {book_, ServedOf(hub_.Current()), ledger_->head().size};
}

// --- events --------------------------------------------------------------------

absl::StatusOr<Work> Mirror::Take(const Event& event, absl::Time now) {
  auto work = [&] {
    const absl::MutexLock lock(&mutex_);
    return TakeLocked(event, now);
  }();
  Notify();
  return work;
}

absl::StatusOr<Work> Mirror::TakeLocked(const Event& event, absl::Time now) {
  if (!ledger_->health().ok()) return ledger_->health();
  At at{.now = now,
        .steady = options_.steady(),
        .clock_is_suspect = options_.clock_is_suspect()};
  absl::Status failed;
  for (int tries = 0; tries < kTries; ++tries) {
    auto work =
        trustd::Decide(CurrentState(), moment_, event, at, options_.core);
    if (!work.ok()) return work.status();
    std::optional<Prepared> prepared;
    if (work->publish.has_value()) {
      auto signed_files =
          publisher_.Prepare(*work->publish, work->served.targets_version, now);
      if (!signed_files.ok()) {
        failed = signed_files.status();
        if (absl::IsAborted(failed)) {
          failed = absl::OkStatus();
          continue;
        }
        // A revocation that is not published has not happened, and whoever asked
        // for it must know.
        if (std::holds_alternative<PersonPins>(event) &&
            work->rotation_id == 0) {
          return failed;
        }
        at.may_publish = false;
        continue;
      }
      prepared = *std::move(signed_files);
    }
    const absl::Status committed = Commit(*work, std::move(prepared));
    if (absl::IsAborted(committed)) continue;
    if (!committed.ok()) return committed;
    if (work->proposal.has_value() && at.may_publish) {
      failed = WriteProposal(*work->proposal);
    }
    // What was decided is on the record. That it could not be signed or proposed
    // is told to who sees to that, time and again.
    if (!failed.ok() && std::holds_alternative<TimePassed>(event)) {
      return failed;
    }
    return work;
  }
  return absl::UnavailableError("others publish all the time; try again");
}

absl::Status Mirror::CommitWith(const Work& work,
                                const Ledger::Committer& commit) {
  const Draft& draft = work.draft;
  StoreBatch also;
  std::function<void()> say;
  if (!draft.alerts().empty()) say = alerts_.Raise(draft.alerts(), also);
  if (work.health.has_value()) {
    also.Put(absl::StrCat(kHealthPrefix, work.health->source()),
             work.health->SerializeAsString());
  }
  const auto with_all = [&](const StoreBatch& batch) {
    StoreBatch all = batch;
    all.Add(also);
    return commit(all);
  };
  const bool is_checkpoint_due =
      !draft.records().empty() && work.moment.record_checked &&
      ledger_->head().size - (checkpoint_ ? checkpoint_->tree.size() : 0) >=
          options_.records_between_checkpoints;
  std::optional<Checkpoint> checkpoint;
  if (is_checkpoint_due) {
    checkpoint = AddCheckpoint(ledger_->tree(), book_,
                               checkpoint_ ? &*checkpoint_ : nullptr, also);
  }
  std::uint64_t first = 0;
  if (draft.records().empty()) {
    if (!also.changes().empty()) {
      if (absl::Status s = with_all({}); !s.ok()) return s;
    }
  } else {
    const auto appended = ledger_->AppendWith(draft.records(), with_all);
    if (!appended.ok()) return appended.status();
    first = *appended;
  }
  if (checkpoint.has_value()) checkpoint_ = std::move(checkpoint);
  if (!draft.records().empty()) {
    unsaid_.push_back(
        [records = draft.records(), before = book_, after = draft.book()] {
          LogFacts(records, before, after);
        });
  }
  book_ = draft.book();
  moment_ = work.moment;
  feed_.Add(first, draft.records());
  if (say) unsaid_.push_back(std::move(say));
  return absl::OkStatus();
}

absl::Status Mirror::Commit(const Work& work, std::optional<Prepared> publish) {
  return CommitWith(work, [&](const StoreBatch& batch) {
    return publish.has_value() ? publisher_.Commit(*std::move(publish), batch)
                               : store_.Commit(batch);
  });
}

absl::Status Mirror::WriteProposal(const std::string& text) {
  if (last_proposal_ == text) return absl::OkStatus();
  const absl::Status status =
      text.empty() ? anchors::RemoveFile(options_.proposal_path)
                   : anchors::WriteFileAtomically(options_.proposal_path, text);
  if (status.ok()) last_proposal_ = text;
  return status;
}

void Mirror::Notify() {
  std::vector<std::function<void()>> say;
  {
    const absl::MutexLock lock(&mutex_);
    say.swap(unsaid_);
  }
  for (const auto& one : say) one();
  feed_.Notify();
}

absl::Status Mirror::Observed(const Observation& observation, absl::Time now) {
  const absl::Status status =
      Take(SourceSaid{std::make_shared<const Observation>(observation)}, now)
          .status();
  if (absl::IsInvalidArgument(status)) {
    // More than can be put on the record, which is a failure of the source.
    return SourceFailed(observation.source, "TOO_MUCH",
                        std::string(status.message()), now);
  }
  return status;
}

absl::Status Mirror::Unchanged(const std::string& source, absl::Time now) {
  return Take(SourceUnchanged{source}, now).status();
}

absl::Status Mirror::SourceFailed(const std::string& source,
                                  const std::string& failure,
                                  const std::string& detail, absl::Time now) {
  return Take(SourceBroke{source, failure, detail}, now).status();
}

void Mirror::SetSources(std::map<std::string, std::string> sources,
                        absl::Time now) {
  {
    const absl::MutexLock lock(&mutex_);
    moment_.sources = std::move(sources);
  }
  // On a full disk, the next event sees to it.
  (void)Settle(now);
}

void Mirror::SetNextPoll(const std::string& source, absl::Time time) {
  const absl::MutexLock lock(&mutex_);
  moment_.next_polls[source] = time;
}

absl::StatusOr<v1::Rotation> Mirror::Decide(const PersonDecides& decision,
                                            absl::Time now) {
  const auto work = Take(decision, now);
  if (!work.ok()) return work.status();
  return work->book().Find(decision.rotation_id)->rotation;
}

absl::StatusOr<Mirror::Pinned> Mirror::Pin(const PersonPins& pin,
                                           absl::Time now) {
  const auto work = Take(pin, now);
  if (!work.ok()) return work.status();
  Pinned pinned{.rotation_id = work->rotation_id};
  if (work->publish.has_value()) {
    pinned.sequence = work->publish->catalog().sequence;
  }
  return pinned;
}

absl::Status Mirror::Acknowledge(const PersonAcknowledges& event,
                                 absl::Time now) {
  return Take(event, now).status();
}

absl::StatusOr<v1::Rotation> Mirror::Undo(const PersonUndoes& undo,
                                          absl::Time now) {
  const auto work = Take(undo, now);
  if (!work.ok()) return work.status();
  return work->book().Find(work->rotation_id)->rotation;
}

std::vector<verify::Slot> Mirror::SlotsSharing(const v1::PinFact& fact) const {
  const auto slot = anchors::SlotFromProto(fact.slot());
  if (!slot.has_value()) return {};
  return trustd::SlotsSharing(hub_.Current()->catalog, *slot,
                              fact.spki_sha256());
}

absl::Status Mirror::ReceiveManifest(const v1::ManifestFact& fact,
                                     const StoreBatch& stored, absl::Time now) {
  {
    const absl::MutexLock lock(&mutex_);
    if (!ledger_->health().ok()) return ledger_->health();
    const auto work = trustd::Decide(
        CurrentState(), moment_, ManifestReceived{fact},
        {.now = now, .steady = options_.steady()}, options_.core);
    if (!work.ok()) return work.status();
    const absl::Status committed =
        CommitWith(*work, [&](const StoreBatch& batch) {
          StoreBatch all = stored;
          all.Add(batch);
          return store_.Commit(all);
        });
    if (!committed.ok()) return committed;
  }
  Notify();
  return absl::OkStatus();
}

absl::StatusOr<Acceptance> Mirror::AcceptStore(
    const StoreHead& known, const std::string& found,
    const std::optional<anchors::BundleFiles>& bundle, const std::string& by,
    const std::string& why, absl::Time now) {
  if (absl::Status s = CheckWhy(why); !s.ok()) return s;
  absl::StatusOr<Acceptance> plan;
  {
    const absl::MutexLock lock(&mutex_);
    if (!ledger_->health().ok()) return ledger_->health();
    plan = publisher_.PlanAcceptance(known, bundle, now);
    if (!plan.ok()) return plan;
    StoreAccepted event;
    event.fact.set_by(by);
    event.fact.set_why(why);
    event.fact.set_found(found);
    event.fact.set_catalog_sha256(plan->bundle_catalog_sha256);
    event.fact.set_sequence(plan->bundle_sequence);
    event.fact.set_timestamp_version(plan->timestamp_version);
    event.text =
        absl::StrCat(by,
                     bundle.has_value() ? " accepted it with a bundle: "
                                        : " accepted it without a bundle: ",
                     why);
    for (const std::string& note : plan->notes) {
      absl::StrAppend(&event.text, "\n", note);
    }
    const auto work = trustd::Decide(CurrentState(), moment_, event,
                                     {.now = now, .steady = options_.steady()},
                                     options_.core);
    if (!work.ok()) return work.status();
    if (absl::Status s = CommitWith(*work,
                                    [&](const StoreBatch& batch) {
                                      return publisher_.Accept(*plan, batch);
                                    });
        !s.ok()) {
      return s;
    }
    (void)TakeLocked(TimePassed(), now);
  }
  Notify();
  return plan;
}

absl::StatusOr<ProofOutcome> Mirror::SubmitEvidence(
    const v1::Evidence& evidence, const std::string& submitter,
    absl::Time now) {
  const auto work = Take(InstanceShows{evidence, submitter}, now);
  if (!work.ok()) return work.status();
  return work->proof;
}

absl::Status Mirror::Settle(absl::Time now) {
  return Take(TimePassed(), now).status();
}

// --- reading -------------------------------------------------------------------

std::vector<v1::Rotation> Mirror::Rotations(
    const std::function<bool(const v1::Rotation&)>& wanted) const {
  const absl::MutexLock lock(&mutex_);
  std::vector<v1::Rotation> result;
  book_.ForEach([&](const RotationBook::Entry& entry) {
    if (wanted(entry.rotation)) result.push_back(entry.rotation);
  });
  return result;
}

std::optional<v1::Rotation> Mirror::FindRotation(std::uint64_t id) const {
  const absl::MutexLock lock(&mutex_);
  const RotationBook::Entry* entry = book_.Find(id);
  if (entry == nullptr) return std::nullopt;
  return entry->rotation;
}

std::vector<v1::SourceHealth> Mirror::Sources() const {
  const absl::MutexLock lock(&mutex_);
  std::vector<v1::SourceHealth> result;
  for (const auto& [name, health] : moment_.health) {
    if (!health.source().empty()) result.push_back(health);
  }
  return result;
}

void Mirror::Read(const std::function<void(const RotationBook&, const Moment&)>&
                      visit) const {
  const absl::MutexLock lock(&mutex_);
  visit(book_, moment_);
}

Work Mirror::View(absl::Time now) const {
  const absl::MutexLock lock(&mutex_);
  State state = CurrentState();
  return {.options = options_.core,
          .at = {.now = now,
                 .steady = options_.steady(),
                 .clock_is_suspect = options_.clock_is_suspect()},
          .draft = Draft(std::move(state.book), state.records, now),
          .moment = moment_,
          .served = std::move(state.served)};
}

std::uint64_t Mirror::Watch(RecordFeed::Watcher watcher) {
  return feed_.Watch(std::move(watcher));
}

void Mirror::Unwatch(std::uint64_t id) { feed_.Unwatch(id); }

}  // namespace anchorage::trustd
