#include "trustd/mirror/looks.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "anchors/base/proto_time.h"
#include "trustd/record/rotation_values.h"
#include "trustd/rotation/classifier.h"

namespace anchorage::trustd {
namespace {

using Entry = RotationBook::Entry;

// More open rotations than AWS has slots, several times over: whoever makes
// more is no source.
constexpr int kMaxOpenRotations = 1000;
// Of one source, in slots in which nothing is pinned. AWS opens a few a year;
// whoever changes a page can make up names without end, and each is kept on the
// record for ever.
constexpr int kMaxNewSlotsADay = 500;
// Anomalies of a kind within this time are a flicker, and the third stays.
constexpr absl::Duration kFlicker = absl::Hours(24);

// Whatever speaks against what a source shows in a slot: a rotation may be
// about a part of that, and is held by all of it.
std::set<std::string> HeldInSlot(const Classification& found,
                                 const verify::Slot& slot) {
  std::set<std::string> why;
  for (const Change& change : found.changes) {
    if (change.slot == slot) {
      why.insert(change.held_by.begin(), change.held_by.end());
    }
  }
  for (const Change& anomaly : found.anomalies) {
    why.insert(HeldByAnomaly(anomaly));
  }
  return why;
}

const Change* FindIn(const std::vector<Change>& changes,
                     const std::string& change_id) {
  for (const Change& change : changes) {
    if (change.id() == change_id) return &change;
  }
  return nullptr;
}

// A page that was not understood says nothing about what it does not show.
bool IsUnderstood(const Observation& look) {
  return std::none_of(look.problems.begin(), look.problems.end(), IsAnomaly);
}

// The source's word on a rotation; nullopt for no word.
std::optional<v1::SourceStance> StanceOf(const Observation& look,
                                         const Classification& found,
                                         const Entry& entry) {
  const Change* shown = FindIn(found.changes, entry.rotation.change_id());
  if (shown == nullptr && !IsUnderstood(look)) return std::nullopt;
  const SourceCount count = CountSources(entry.change, {look});
  v1::SourceStance stance;
  stance.set_source(look.source);
  if (shown != nullptr) {
    stance.set_stance(v1::SourceStance::STANCE_AGREES);
    for (const std::string& why : shown->held_by) stance.add_held_by(why);
  } else if (count.agreeing > 0) {
    stance.set_stance(v1::SourceStance::STANCE_AGREES);
    for (const std::string& why : HeldInSlot(found, entry.change.slot)) {
      stance.add_held_by(why);
    }
  } else if (count.disagreeing > 0) {
    stance.set_stance(v1::SourceStance::STANCE_CONTRADICTS);
  } else if (entry.StanceOf(look.source) != nullptr) {
    stance.set_stance(v1::SourceStance::STANCE_WITHDREW);
  } else {
    return std::nullopt;  // it has never said anything about it
  }
  return stance;
}

bool IsSame(const v1::SourceStance& a, const v1::SourceStance& b) {
  return a.stance() == b.stance() &&
         std::equal(a.held_by().begin(), a.held_by().end(), b.held_by().begin(),
                    b.held_by().end());
}

void AddStances(Work& work, const Observation& look,
                const Classification& found) {
  for (const std::uint64_t id : LiveOf(work)) {
    const Entry* entry = work.book().Find(id);
    if (!entry->is_open() || !entry->is_publishable() || entry->is_request()) {
      continue;
    }
    auto stance = StanceOf(look, found, *entry);
    if (!stance.has_value()) continue;
    const v1::SourceStance* before = entry->StanceOf(look.source);
    if (before != nullptr && IsSame(*before, *stance)) continue;
    work.draft.AddStance(id, *std::move(stance));
  }
}

// The same rotation, against what is pinned now.
void AddRebases(Work& work, const Classification& found) {
  for (const Change& change : found.changes) {
    const Entry* entry = work.book().FindChange(change.id());
    if (entry == nullptr || !entry->is_open() ||
        entry->change.pinned == change.pinned) {
      continue;
    }
    v1::Rotation again = entry->rotation;
    const v1::Rotation fresh = ToProto(change);
    *again.mutable_observed() = fresh.observed();
    *again.mutable_pinned_spki_sha256() = fresh.pinned_spki_sha256();
    *again.mutable_pinned_certificate_sha256() =
        fresh.pinned_certificate_sha256();
    again.set_diff(fresh.diff());
    Rebase(work, std::move(again),
           EffectOf(work.catalog(), change, work.options, work.at.now));
  }
}

// Whether it is the third of its kind in a day, each after those before it were
// over. Times after now are of a clock that was ahead.
bool IsFlicker(const Work& work, const Change& anomaly) {
  const auto& before = work.book().AnomaliesOf(anomaly);
  return before.size() == RotationBook::kKeptAnomalies &&
         !work.book().HasOpenLike(anomaly) &&
         std::all_of(before.begin(), before.end(), [&](absl::Time time) {
           return time > work.at.now - kFlicker;
         });
}

void AddDetection(Work& work, const Change& change) {
  v1::Rotation rotation = ToProto(change);
  rotation.set_id(work.book().next_id());
  rotation.set_state(v1::ROTATION_STATE_DETECTED);
  rotation.set_reason(absl::StrCat("seen by ", change.source));
  std::string text = change.diff;
  if (change.anomaly.has_value()) {
    if (IsFlicker(work, change)) {
      rotation.set_needs_person(true);
      rotation.add_notes(
          "the third of its kind in a day: the source counts for nothing until "
          "a person rejects this");
      absl::StrAppend(&text, "\n", rotation.notes(rotation.notes_size() - 1));
    }
  } else {
    rotation.set_effect_sha256(
        EffectOf(work.catalog(), change, work.options, work.at.now));
  }
  work.draft.AddAlert(AlertKind::kRotationDetected, rotation, std::move(text));
  work.draft.AddDetection(std::move(rotation));
}

bool TakesSlot(Work& work, const Change& change) {
  if (change.rotation_class != RotationClass::kNewKind &&
      change.rotation_class != RotationClass::kNewRegion) {
    return true;
  }
  Moment::NewSlots& of = work.moment.new_slots[change.source];
  if (of.found == 0 || work.at.steady - of.since >= absl::Hours(24)) {
    of = {.since = work.at.steady};
  }
  if (of.found == kMaxNewSlotsADay) return false;
  ++of.found;
  return true;
}

void AddDetections(Work& work, const std::vector<Change>& changes) {
  int open = 0;
  for (const std::uint64_t id : work.book().Live()) {
    const Entry& entry = *work.book().Find(id);
    open += entry.is_open() && !entry.is_request();
  }
  int dropped = 0;
  for (const Change& change : changes) {
    // What was published and is shown against what is pinned now is another.
    const Entry* known = work.book().FindChange(change.id());
    if (known != nullptr &&
        known->rotation.state() != v1::ROTATION_STATE_PUBLISHED) {
      continue;
    }
    if (open >= kMaxOpenRotations || !TakesSlot(work, change)) {
      ++dropped;
      continue;
    }
    ++open;
    AddDetection(work, change);
  }
  if (dropped == 0) return;
  work.draft.AddAlert(
      AlertKind::kSourceFailing, changes.front().source,
      absl::StrCat(dropped, " more changes than are kept: ", kMaxOpenRotations,
                   " that are open, and ", kMaxNewSlotsADay,
                   " a day where nothing is pinned"));
}

// Ends anomalies that are no longer there. One that was rejected is over too, so
// that it is said when it comes again.
void CloseAnomalies(Work& work, const std::vector<Change>& found,
                    const std::string& source) {
  for (const std::uint64_t id : LiveOf(work)) {
    const Entry* entry = work.book().Find(id);
    const bool is_rejected =
        entry->rotation.state() == v1::ROTATION_STATE_REJECTED;
    if (!entry->is_anomaly() || (!entry->is_open() && !is_rejected)) continue;
    if (entry->rotation.needs_person() && !is_rejected) continue;
    const bool is_between =
        entry->change.anomaly == AnomalyKind::kSourcesDisagree;
    if (source.empty() ? !is_between
                       : is_between || entry->rotation.source() != source) {
      continue;
    }
    if (FindIn(found, entry->rotation.change_id()) == nullptr) {
      work.draft.AddState(id, v1::ROTATION_STATE_WITHDRAWN, "it went away");
    }
  }
}

v1::SourceHealth& HealthOf(Work& work, const std::string& source) {
  v1::SourceHealth& health = work.moment.health[source];
  health.set_source(source);
  anchors::SetTime(work.at.now, *health.mutable_last_poll_time());
  work.moment.last_polls[source] = work.at.now;
  return health;
}

void Succeeded(Work& work, const std::string& source, bool is_new) {
  v1::SourceHealth& health = HealthOf(work, source);
  if (health.failures() > 0) {
    v1::SourceFact working;
    working.set_source(source);
    working.set_working(true);
    work.draft.AddSource(std::move(working));
    work.draft.AddAlert(AlertKind::kSourceRecovered, source,
                        "can be read again");
  }
  anchors::SetTime(work.at.now, *health.mutable_last_success_time());
  health.set_failures(0);
  health.clear_failure();
  health.clear_detail();
  health.set_unchanged(is_new ? 0 : health.unchanged() + 1);
  work.moment.asked.insert(source);
  work.health = health;
}

std::size_t SlotsOf(const v1::ObservationFact& fact) {
  std::set<std::string> slots;
  for (const auto& entry : fact.entries()) {
    slots.insert(entry.slot().SerializeAsString());
  }
  return slots.size();
}

// For people: nothing is decided by it.
void NoteFewerSlots(Work& work, const v1::ObservationFact& before,
                    const v1::ObservationFact& after) {
  const std::size_t had = SlotsOf(before);
  const std::size_t has = SlotsOf(after);
  auto& fewer = work.moment.fewer_slots;
  const auto known = fewer.find(after.source());
  if (known != fewer.end() && has >= known->second.before) {
    fewer.erase(known);
  } else if (has < had) {
    fewer.try_emplace(after.source(), Moment::FewerSlots{work.at.steady, had});
  }
}

void CompareLook(Work& work, const Observation& look,
                 const Classification& found) {
  std::vector<Change> changes = found.changes;
  changes.insert(changes.end(), found.anomalies.begin(), found.anomalies.end());
  AddRebases(work, found);
  AddDetections(work, changes);
  CloseAnomalies(work, found.anomalies, look.source);
  work.moment.health[look.source].set_slots(
      static_cast<std::uint32_t>(found.slots));
}

}  // namespace

void TakeLook(Work& work, const SourceSaid& event) {
  const Observation& look = *event.observation;
  v1::ObservationFact fact = ToProto(look);
  const RotationBook::Observed* last = work.book().LastObservation(look.source);
  const bool is_new = last == nullptr || !ShowsTheSame(last->fact, fact);
  if (is_new) {
    NoteFewerSlots(work, last == nullptr ? v1::ObservationFact() : last->fact,
                   fact);
    work.moment.health[look.source].set_observation(work.draft.next() + 1);
    work.draft.AddObservation(std::move(fact));
  }
  Succeeded(work, look.source, is_new);
  work.moment.newest[look.source] = event.observation;
  work.moment.compared.erase(look.source);
}

void TakeLook(Work& work, const SourceUnchanged& event) {
  Succeeded(work, event.source, /*is_new=*/false);
}

void TakeLook(Work& work, const SourceBroke& event) {
  v1::SourceHealth& health = HealthOf(work, event.source);
  if (health.failures() == 0 || health.failure() != event.failure) {
    v1::SourceFact failing;
    failing.set_source(event.source);
    failing.set_failure(event.failure);
    failing.set_detail(event.detail);
    work.draft.AddSource(std::move(failing));
    Alert alert;
    alert.kind = AlertKind::kSourceFailing;
    alert.time = work.at.now;
    alert.subject = event.source;
    alert.text = absl::StrCat(event.failure, ": ", event.detail);
    alert.facts = {{"source", event.source}, {"failure", event.failure}};
    work.draft.AddAlert(std::move(alert));
  }
  health.set_failures(health.failures() + 1);
  health.set_failure(event.failure);
  health.set_detail(event.detail);
  work.moment.asked.insert(event.source);
  work.health = health;
}

void ForgetOldSources(Work& work) {
  if (!work.moment.sources.has_value()) return;
  const auto& sources = *work.moment.sources;
  std::erase_if(work.moment.newest, [&](const auto& look) {
    return sources.count(look.first) == 0;
  });
  // One that comes back is asked again.
  std::erase_if(work.moment.asked, [&](const std::string& name) {
    return sources.count(name) == 0;
  });
  for (const std::uint64_t id : LiveOf(work)) {
    const Entry entry = *work.book().Find(id);
    if (!entry.is_open() || entry.is_unknown_signer() || entry.is_request()) {
      continue;
    }
    if (entry.is_anomaly()) {
      if (entry.change.anomaly != AnomalyKind::kSourcesDisagree &&
          sources.count(entry.rotation.source()) == 0) {
        work.draft.AddState(id, v1::ROTATION_STATE_WITHDRAWN,
                            "its source is no longer polled");
      }
      continue;
    }
    for (v1::SourceStance stance : entry.rotation.sources()) {
      if (sources.count(stance.source()) != 0 ||
          stance.stance() == v1::SourceStance::STANCE_WITHDREW) {
        continue;
      }
      stance.set_stance(v1::SourceStance::STANCE_WITHDREW);
      work.draft.AddStance(id, std::move(stance));
    }
  }
}

void CompareLooks(Work& work) {
  bool any = false;
  for (const auto& [name, look] : work.moment.newest) {
    Moment::Compared& compared = work.moment.compared[name];
    if (compared.catalog_sha256 == work.served.catalog_sha256) continue;
    compared = {work.served.catalog_sha256,
                std::make_shared<const Classification>(
                    Classify(*look, work.catalog()))};
    CompareLook(work, *look, *compared.found);
    any = true;
  }
  if (!any) return;
  // Every source says something about every rotation, also about those that
  // another has just shown.
  std::vector<Observation> newest;
  for (const auto& [name, look] : work.moment.newest) {
    AddStances(work, *look, *work.moment.compared[name].found);
    newest.push_back(*look);
  }
  const std::vector<Change> disagreements = Disagreements(newest);
  AddDetections(work, disagreements);
  CloseAnomalies(work, disagreements, "");
}

void NoteWhoIsRight(Work& work) {
  if (!work.health.has_value()) return;
  v1::SourceHealth& health = work.moment.health[work.health->source()];
  if (health.failures() == 0 &&
      OpenAnomalyOf(work.book(), health.source()) == nullptr) {
    anchors::SetTime(work.at.now, *health.mutable_last_right_time());
  }
  work.health = health;
}

bool IsAnomalyOf(const Entry& entry, const std::string& source) {
  if (!entry.is_anomaly()) return false;
  const std::vector<std::string> sources =
      absl::StrSplit(entry.rotation.source(), ", ");
  return std::find(sources.begin(), sources.end(), source) != sources.end();
}

const RotationBook::Entry* OpenAnomalyOf(const RotationBook& book,
                                         const std::string& source) {
  for (const std::uint64_t id : book.Live()) {
    const Entry& entry = *book.Find(id);
    if (entry.is_open() && IsAnomalyOf(entry, source)) return &entry;
  }
  return nullptr;
}

bool IsDoubted(const RotationBook& book, const std::string& source) {
  return std::any_of(
      book.Live().begin(), book.Live().end(), [&](std::uint64_t id) {
        const Entry& entry = *book.Find(id);
        return entry.is_open() && entry.rotation.needs_person() &&
               IsAnomalyOf(entry, source);
      });
}

}  // namespace anchorage::trustd
