#include "trustd/mirror/replay.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anchors/base/proto_time.h"
#include "anchors/catalog_proto.h"
#include "trustd/base/rocksdb_store.h"
#include "trustd/base/store_keys.h"
#include "trustd/mirror/core.h"
#include "trustd/mirror/record_history.h"
#include "trustd/mirror/steps.h"
#include "trustd/record/ledger.h"
#include "trustd/record/rotation_book.h"
#include "trustd/record/rotation_values.h"
#include "verify/crypto/public_key.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using Entry = RotationBook::Entry;
using SlotName = std::pair<verify::Slot, std::string>;

// Sources that are first heard of within this time began together: the gate
// waits for all of them.
constexpr absl::Duration kTogether = absl::Hours(1);
// What waits is looked at again each hour for as long as a rate may hold it, and
// then each day for as long as a rule may.
constexpr absl::Duration kRates = absl::Hours(25);
const absl::Duration kLongest = kMaxRotationHold + absl::Hours(48);
// What is not later than this was at once.
constexpr absl::Duration kAtOnce = absl::Minutes(1);

std::string Text(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone());
}

bool IsRequest(v1::RotationClass rotation_class) {
  return rotation_class == v1::ROTATION_CLASS_ADDITION ||
         rotation_class == v1::ROTATION_CLASS_ANNOUNCEMENT ||
         rotation_class == v1::ROTATION_CLASS_REACTIVATION ||
         rotation_class == v1::ROTATION_CLASS_UNDO;
}

// --- decided again ----------------------------------------------------------------

// When rotations were published, by their numbers.
using Published = std::map<std::uint64_t, absl::Time>;

void NotePublished(const v1::LedgerRecord& record, absl::Time time,
                   Published& published) {
  if (record.state().state() == v1::ROTATION_STATE_PUBLISHED) {
    published.emplace(record.state().rotation_id(), time);
  }
}

class Simulation {
 public:
  Simulation(Records records, const Catalog& now, const Catalog& before,
             const ReplayOptions& options)
      : der_of_(CertificatesIn(records, now)), scopes_(ScopesIn(records)) {
    options_.rotations = options.rotations;
    state_.served.catalog = std::make_shared<const Catalog>(before);
    state_.served.catalog_sha256 =
        verify::Sha256Hex(anchors::SerializeCatalog(before));
    state_.served.next_sequence = before.sequence + 1;
    now_ = start_ = anchors::TimeOf(records.front().time());
    for (const v1::LedgerRecord& record : records) {
      if (record.has_decision()) {
        options_.people.insert(record.decision().decision().by());
      }
      const std::string& name = record.has_observation()
                                    ? record.observation().source()
                                    : record.source().source();
      if (name.empty()) continue;
      const auto family = options.families.find(name);
      sources_.emplace(
          name,
          Source{anchors::TimeOf(record.time()),
                 family == options.families.end() ? name : family->second});
    }
  }

  // Takes the next record, as far as somebody else said it.
  void Take(const v1::LedgerRecord& record) {
    AdvanceTo(anchors::TimeOf(record.time()));
    switch (record.fact_case()) {
      case v1::LedgerRecord::kObservation:
        return TakeLook(record.observation());
      case v1::LedgerRecord::kSource:
        if (record.source().working()) {
          return Happens(SourceUnchanged{record.source().source()});
        }
        return Happens(SourceBroke{record.source().source(),
                                   record.source().failure(),
                                   record.source().detail()});
      case v1::LedgerRecord::kDetection:
        return TakeDetection(record.detection());
      case v1::LedgerRecord::kProof:
      case v1::LedgerRecord::kApprovalsVoid:
        return Fold(record);
      case v1::LedgerRecord::kDecision:
        return TakeDecision(record.decision());
      case v1::LedgerRecord::kPin:
        return Happens(PersonPins{.fact = record.pin(), .last_key = true});
      default:
        return;  // what followed, and follows here by itself
    }
  }

  // Has time pass, as far as something may become due.
  void AdvanceTo(absl::Time time) {
    const absl::Time from = now_;
    while (waits_ && now_ - from < kLongest) {
      const absl::Time next = std::min(
          due_,
          now_ + (now_ - from < kRates ? absl::Hours(1) : absl::Hours(24)));
      if (next >= time) break;
      now_ = next;
      Happens(TimePassed());
    }
    now_ = std::max(now_, time);
  }

  void Settle() { Happens(TimePassed()); }

  const RotationBook& book() const { return state_.book; }
  const Published& published() const { return published_; }
  // What the policy last said of a rotation.
  const std::string& WhyWaiting(std::uint64_t id) { return why_[id]; }
  int left_out() const { return left_out_; }

 private:
  struct Source {
    absl::Time first;
    std::string family;
  };

  void Happens(const Event& event) {
    std::map<std::string, std::string> sources;
    for (const auto& [name, source] : sources_) {
      if (source.first <= now_ + kTogether) sources[name] = source.family;
    }
    moment_.sources = std::move(sources);
    const auto work =
        trustd::Decide(state_, moment_, event,
                       {.now = now_, .steady = now_ - start_}, options_);
    // What a person says of a rotation that is over here comes to nothing.
    if (!work.ok()) return;
    for (const v1::LedgerRecord& record : work->draft.records()) {
      NotePublished(record, now_, published_);
    }
    Ask(*work);
    state_.records += work->draft.records().size();
    state_.book = work->book();
    state_.served = work->served;
    moment_ = work->moment;
  }

  void Ask(const Work& work) {
    waits_ = false;
    due_ = absl::InfiniteFuture();
    const Situation situation = SituationOf(work);
    for (const std::uint64_t id : work.book().Live()) {
      const Entry& entry = *work.book().Find(id);
      if (!entry.is_open() || !entry.is_publishable()) continue;
      waits_ = true;
      const Decision decision = AskPolicy(work, entry, situation);
      if (decision.outcome == Outcome::kWaitUntil) {
        due_ = std::min(due_, decision.until);
      }
      why_[id] = decision.reason;
      if (entry.is_held()) {
        const v1::Decision& hold = *entry.rotation.decisions().rbegin();
        why_[id] = absl::StrCat("held by ", hold.by(), ": ", hold.why());
      }
    }
  }

  void TakeLook(const v1::ObservationFact& fact) {
    auto look = ObservationOf(fact, der_of_);
    if (!look.has_value()) {
      ++left_out_;
      return;
    }
    look->time = now_;
    look->scope = scopes_[fact.source()];
    Happens(SourceSaid{std::make_shared<const Observation>(*std::move(look))});
  }

  void TakeDetection(const v1::Rotation& rotation) {
    const bool is_new =
        change_of_.emplace(rotation.id(), rotation.change_id()).second;
    if (!is_new || !IsRequest(rotation.rotation_class())) return;
    if (rotation.has_undo()) return TakeUndo(rotation);
    if (rotation.observed().empty()) return;
    PersonPins event;
    const v1::SeenCertificate& wanted = rotation.observed(0);
    event.fact.set_action(
        rotation.rotation_class() == v1::ROTATION_CLASS_ADDITION
            ? v1::PinFact::ACTION_ADD
        : rotation.rotation_class() == v1::ROTATION_CLASS_ANNOUNCEMENT
            ? v1::PinFact::ACTION_ANNOUNCE
            : v1::PinFact::ACTION_REACTIVATE);
    *event.fact.mutable_slot() = rotation.slot();
    event.fact.set_certificate(wanted.der());
    event.fact.set_spki_sha256(wanted.spki_sha256());
    event.fact.set_by(rotation.source());
    event.fact.set_why(rotation.reason());
    Happens(event);
  }

  void TakeUndo(const v1::Rotation& rotation) {
    const auto undone = change_of_.find(rotation.undo().rotation_id());
    if (undone == change_of_.end()) return;
    PersonUndoes event{.by = rotation.source(),
                       .why = rotation.reason(),
                       .revokes = rotation.undo().revokes()};
    // It may be over.
    state_.book.ForEach([&](const Entry& entry) {
      if (entry.rotation.change_id() == undone->second) {
        event.rotation_id = entry.rotation.id();
      }
    });
    Happens(event);
  }

  // The rotation here that one on the record is; null if there is none.
  const Entry* Here(std::uint64_t id) const {
    const auto change = change_of_.find(id);
    return change == change_of_.end() ? nullptr
                                      : state_.book.FindChange(change->second);
  }

  void TakeDecision(const v1::DecisionFact& fact) {
    const v1::Decision& decision = fact.decision();
    const Entry* here = Here(fact.rotation_id());
    if (here == nullptr || decision.by() == kPolicyName) return;
    Happens(PersonDecides{.rotation_id = here->rotation.id(),
                          .kind = decision.kind(),
                          .by = decision.by(),
                          .why = decision.why(),
                          .effect_sha256 = here->rotation.effect_sha256(),
                          .certificate_sha256 = decision.certificate_sha256()});
  }

  void Fold(v1::LedgerRecord record) {
    const Entry* here =
        Here(record.has_proof() ? record.proof().rotation_id()
                                : record.approvals_void().rotation_id());
    if (here == nullptr) return;
    if (record.has_proof()) {
      record.mutable_proof()->set_rotation_id(here->rotation.id());
    } else {
      record.mutable_approvals_void()->set_rotation_id(here->rotation.id());
    }
    state_.book.Fold(state_.records++, record);
    Settle();
  }

  CoreOptions options_;
  const std::map<std::string, std::string> der_of_;
  std::map<std::string, SourceScope> scopes_;
  std::map<std::string, Source> sources_;
  State state_;
  Moment moment_;
  absl::Time start_;
  absl::Time now_;
  bool waits_ = false;
  absl::Time due_ = absl::InfiniteFuture();
  // Of rotations of the record.
  std::map<std::uint64_t, std::string> change_of_;
  // Of rotations here.
  Published published_;
  std::map<std::uint64_t, std::string> why_;
  int left_out_ = 0;
};

// --- compared -------------------------------------------------------------------

std::set<std::string> PeopleFor(const v1::Rotation& rotation) {
  std::set<std::string> people;
  for (const v1::Decision& decision : rotation.decisions()) {
    if (decision.kind() != v1::Decision::KIND_APPROVE) {
      people.clear();
    } else if (decision.by() != kPolicyName) {
      people.insert(decision.by());
    }
  }
  return people;
}

Replay::Course PublishedCourse(const v1::Rotation& rotation, absl::Time time) {
  const absl::Duration after = time - anchors::TimeOf(rotation.detected_time());
  std::string text = absl::StrCat(
      "published ",
      after <= kAtOnce
          ? "at once"
          : absl::StrCat("after ", absl::FormatDuration(
                                       absl::Trunc(after, absl::Seconds(1)))),
      ", ", Text(time));
  if (!rotation.decisions().empty()) {
    const v1::Decision& last = *rotation.decisions().rbegin();
    if (last.by() == kPolicyName && last.kind() == v1::Decision::KIND_APPROVE) {
      return {Replay::End::kPublishedByPolicy,
              absl::StrCat(text, ", without people: ", last.why())};
    }
  }
  const auto people = PeopleFor(rotation);
  return {Replay::End::kPublishedByPeople,
          absl::StrCat(text, ", by ",
                       people.empty() ? "whoever signed it"
                                      : absl::StrJoin(people, ", "))};
}

// `why` is what it waits, or waited, for; empty: not known.
Replay::Course CourseOf(const v1::Rotation& rotation,
                        const Published& published, const std::string& why) {
  const auto time = published.find(rotation.id());
  if (time != published.end()) return PublishedCourse(rotation, time->second);
  const std::string because = why.empty() ? "" : absl::StrCat(": ", why);
  switch (rotation.state()) {
    case v1::ROTATION_STATE_REJECTED:
      return {Replay::End::kRejected, rotation.reason()};
    case v1::ROTATION_STATE_WITHDRAWN:
    case v1::ROTATION_STATE_COMPLETED:
      return {Replay::End::kWithdrawn,
              absl::StrCat("withdrawn ",
                           Text(anchors::TimeOf(rotation.changed_time())), ", ",
                           rotation.reason(), why.empty() ? "" : "; it waited",
                           because)};
    default:
      return {Replay::End::kOpen,
              absl::StrCat("held for people (", PeopleFor(rotation).size(),
                           " approved)", because)};
  }
}

// Rotations of a change, in their order.
using ByChange = std::map<std::string, std::vector<const Entry*>>;

ByChange Listed(const RotationBook& book) {
  ByChange listed;
  book.ForEach([&](const Entry& entry) {
    if (entry.is_publishable()) {
      listed[entry.rotation.change_id()].push_back(&entry);
    }
  });
  return listed;
}

bool IsSame(const Replay::Row& row, const Published& before,
            std::uint64_t before_id, const Published& here,
            std::uint64_t here_id) {
  if (row.happened.end != row.replayed.end) return false;
  const auto then = before.find(before_id);
  const auto now = here.find(here_id);
  if (then == before.end() || now == here.end()) return true;
  return absl::AbsDuration(then->second - now->second) <= kAtOnce;
}

int Unexplained(Records records) {
  int count = 0;
  bool is_first = true;
  bool pinned = false;
  for (const v1::LedgerRecord& record : records) {
    pinned = pinned || record.has_pin();
    if (!record.has_publication()) continue;
    count +=
        !is_first && !pinned && record.publication().rotation_ids().empty();
    is_first = pinned = false;
  }
  return count;
}

std::string Counted(int number, absl::string_view what) {
  return absl::StrCat(number, " ", what, number == 1 ? "" : "s");
}

}  // namespace

absl::StatusOr<Replay> ReplayRecord(Records records,
                                    const anchors::Catalog& catalog,
                                    const ReplayOptions& options,
                                    absl::Time now) {
  Replay replay;
  replay.records = records.size();
  if (records.empty()) return replay;
  replay.first = anchors::TimeOf(records.front().time());
  replay.last = anchors::TimeOf(records.back().time());
  replay.unexplained = Unexplained(records);
  const auto before = CatalogBefore(records, catalog);
  if (!before.ok()) return before.status();

  Simulation here(records, catalog, *before, options);
  RotationBook book;
  Published published;
  std::uint64_t index = 0;
  for (const v1::LedgerRecord& record : records) {
    here.Take(record);
    book.Fold(index++, record);
    NotePublished(record, anchors::TimeOf(record.time()), published);
    replay.looks += record.has_observation();
  }
  here.AdvanceTo(now);
  here.Settle();
  replay.looks_left_out = here.left_out();

  ByChange listed = Listed(here.book());
  book.ForEach([&](const Entry& entry) {
    if (!entry.is_publishable()) {
      ++replay.alarms;
      return;
    }
    Replay::Row row{.rotation = entry.rotation,
                    .happened = CourseOf(entry.rotation, published, ""),
                    .replayed = {}};
    auto& there = listed[entry.rotation.change_id()];
    if (there.empty()) {
      row.replayed.text = "there is no such rotation";
    } else {
      const v1::Rotation& found = there.front()->rotation;
      row.replayed =
          CourseOf(found, here.published(), here.WhyWaiting(found.id()));
      row.is_same = IsSame(row, published, entry.rotation.id(),
                           here.published(), found.id());
      there.erase(there.begin());
    }
    replay.rows.push_back(std::move(row));
  });
  for (const auto& [change, entries] : listed) {
    for (const Entry* entry : entries) {
      Replay::Row row{
          .rotation = entry->rotation, .happened = {}, .replayed = {}};
      row.happened.text = "there was no such rotation";
      row.replayed = CourseOf(entry->rotation, here.published(),
                              here.WhyWaiting(entry->rotation.id()));
      row.rotation.set_id(0);
      replay.rows.push_back(std::move(row));
    }
  }
  return replay;
}

absl::StatusOr<Replay> ReplayStore(const std::string& folder,
                                   const ReplayOptions& options,
                                   absl::Time now) {
  const auto store = RocksDbStore::OpenForReading(folder);
  if (!store.ok()) return store.status();
  std::vector<v1::LedgerRecord> records;
  const auto ledger =
      Ledger::Open(**store, [&](std::uint64_t, const v1::LedgerRecord& record) {
        records.push_back(record);
      });
  if (!ledger.ok()) return ledger.status();
  if (!(*ledger)->health().ok()) return (*ledger)->health();
  const auto text = (*store)->Get(anchors::kCatalogName);
  if (!text.ok()) return text.status();
  if (!text->has_value()) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder, ": nothing was ever published from this store"));
  }
  const auto catalog = anchors::ParseCatalog(**text);
  if (!catalog.ok()) return catalog.status();
  return ReplayRecord(records, *catalog, options, now);
}

std::string ToText(const Replay& replay, std::string_view name) {
  const std::string title = verify::Printable(name);
  std::string text;
  int same = 0;
  int without_people = 0;
  int not_without = 0;
  int later = 0;
  for (const Replay::Row& row : replay.rows) {
    const v1::Rotation& rotation = row.rotation;
    const auto slot = anchors::SlotFromProto(rotation.slot());
    absl::StrAppend(&text,
                    rotation.id() == 0
                        ? "not on the record"
                        : absl::StrCat("rotation ", rotation.id()),
                    "  ", ShortName(rotation.rotation_class()), "  ",
                    slot.has_value() ? verify::ToString(*slot) : "", "  found ",
                    Text(anchors::TimeOf(rotation.detected_time())), ", ",
                    verify::Printable(rotation.source()),
                    "\n  happened: ", verify::Printable(row.happened.text),
                    "\n  ", title, ": ", row.is_same ? "the same: " : "",
                    verify::Printable(row.replayed.text), "\n");
    const bool by_policy = row.happened.end == Replay::End::kPublishedByPolicy;
    const bool by_policy_here =
        row.replayed.end == Replay::End::kPublishedByPolicy;
    same += row.is_same;
    without_people += by_policy_here && !by_policy;
    not_without += by_policy && !by_policy_here;
    later += !row.is_same && row.happened.end == row.replayed.end;
  }
  const int number = static_cast<int>(replay.rows.size());
  absl::StrAppend(&text, Counted(static_cast<int>(replay.records), "record"),
                  replay.records == 0 ? ""
                                      : absl::StrCat(", ", Text(replay.first),
                                                     " to ", Text(replay.last)),
                  ". Polls that showed nothing new are not on the record.\n");
  if (replay.alarms > 0) {
    absl::StrAppend(&text, Counted(replay.alarms, "alarm"),
                    " that nothing publishes: not listed.\n");
  }
  if (replay.looks_left_out > 0) {
    absl::StrAppend(&text, replay.looks_left_out, " of ",
                    Counted(replay.looks, "look"),
                    " left out: the record does not have their "
                    "certificates.\n");
  }
  if (replay.unexplained > 0) {
    absl::StrAppend(&text, Counted(replay.unexplained, "publication"),
                    " of no rotation: what they changed counts as there from "
                    "the beginning.\n");
  }
  absl::StrAppend(
      &text, Counted(number, "rotation"), ": ", same, " the same; ",
      without_people, " published without people that were not; ", not_without,
      " not published without people that were; ", later, " at another time; ",
      number - same - without_people - not_without - later, " otherwise.\n");
  return text;
}

}  // namespace anchorage::trustd
