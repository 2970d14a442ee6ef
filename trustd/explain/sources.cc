#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anchors/base/proto_time.h"
#include "trustd/explain/explain.h"
#include "trustd/mirror/looks.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

using Entry = RotationBook::Entry;

// For how long a source that showed fewer slots than before is doubted for it:
// AWS may have taken out what nobody had pinned.
constexpr absl::Duration kFewerCounts = absl::Hours(24);

std::string FailureOf(const v1::SourceHealth& health) {
  // A detail may begin with the name itself.
  const bool is_named = health.detail().starts_with(health.failure());
  return absl::StrCat("failed ", health.failures(),
                      health.failures() == 1 ? " time: " : " times: ",
                      is_named ? "" : health.failure() + ": ", health.detail());
}

std::string DoubtOf(const Entry& anomaly) {
  const v1::Rotation& rotation = anomaly.rotation;
  return absl::StrCat(
      rotation.anomaly(),
      rotation.problem().empty() ? "" : " " + rotation.problem(),
      rotation.notes().empty() ? "" : ": " + rotation.notes(0), " (rotation ",
      rotation.id(), ")");
}

// The slots in which the source shows something, and those that it speaks for
// in which something is pinned that verifies.
void CountSlots(const Observation& look, const anchors::Catalog& catalog,
                v1::SourceStanding& standing) {
  std::set<verify::Slot> seen;
  for (const ObservedCertificate& certificate : look.certificates) {
    if (look.scope.Covers(certificate.slot)) seen.insert(certificate.slot);
  }
  std::set<verify::Slot> pinned;
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchors::Verifies(anchor) && look.scope.Covers(anchor.slot)) {
      pinned.insert(anchor.slot);
    }
  }
  standing.set_slots_seen(static_cast<std::uint32_t>(seen.size()));
  standing.set_slots_pinned(static_cast<std::uint32_t>(pinned.size()));
}

bool Shows(const Entry& entry, const std::string& source) {
  const v1::SourceStance* stance = entry.StanceOf(source);
  return entry.is_open() && stance != nullptr &&
         stance->stance() == v1::SourceStance::STANCE_AGREES;
}

std::string RejectedOf(const Work& view, const std::string& source) {
  std::vector<std::uint64_t> rejected;
  for (const std::uint64_t id : view.book().Live()) {
    if (ShowsRejected(view, *view.book().Find(id), source)) {
      rejected.push_back(id);
    }
  }
  if (rejected.empty()) return "";
  return absl::StrCat("it shows ", rejected.size(), " rejected (",
                      absl::StrJoin(rejected, ", "), ")");
}

void SetState(const Work& view, const std::string& source,
              v1::SourceStanding& standing) {
  const auto set = [&](v1::SourceStanding::State state, std::string why) {
    standing.set_state(state);
    standing.set_reason(verify::Printable(why, verify::kMaxSentenceBytes));
  };
  const auto& sources = view.moment.sources;
  if (sources.has_value() && sources->count(source) == 0) {
    return set(v1::SourceStanding::STATE_REMOVED,
               "the configuration does not have it");
  }
  const auto health = view.moment.health.find(source);
  if (health != view.moment.health.end() && health->second.failures() > 0) {
    return set(v1::SourceStanding::STATE_FAILING, FailureOf(health->second));
  }
  if (const Entry* anomaly = OpenAnomalyOf(view.book(), source)) {
    return set(v1::SourceStanding::STATE_DOUBTED, DoubtOf(*anomaly));
  }
  const auto fewer = view.moment.fewer_slots.find(source);
  if (fewer != view.moment.fewer_slots.end() &&
      view.at.steady - fewer->second.since < kFewerCounts) {
    return set(
        v1::SourceStanding::STATE_DOUBTED,
        absl::StrCat("it shows ", standing.slots_seen(), " slots, and showed ",
                     fewer->second.before, " before"));
  }
  if (view.moment.asked.count(source) == 0) {
    return set(v1::SourceStanding::STATE_NOT_ASKED,
               "it has neither answered nor failed since the start");
  }
  set(v1::SourceStanding::STATE_WORKING, RejectedOf(view, source));
}

}  // namespace

bool ShowsRejected(const Work& view, const Entry& entry,
                   const std::string& source) {
  const auto compared = view.moment.compared.find(source);
  if (entry.rotation.state() != v1::ROTATION_STATE_REJECTED ||
      entry.is_anomaly() || compared == view.moment.compared.end()) {
    return false;
  }
  const auto& changes = compared->second.found->changes;
  return std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
    return change.id() == entry.rotation.change_id();
  });
}

std::vector<v1::SourceStanding> ExplainSources(const Work& view) {
  std::set<std::string> names;
  for (const auto& [name, health] : view.moment.health) names.insert(name);
  if (view.moment.sources.has_value()) {
    for (const auto& [name, family] : *view.moment.sources) names.insert(name);
  }
  std::vector<v1::SourceStanding> standings;
  for (const std::string& name : names) {
    v1::SourceStanding& standing = standings.emplace_back();
    standing.set_source(name);
    const auto look = view.moment.newest.find(name);
    if (look != view.moment.newest.end()) {
      standing.set_location(look->second->location);
      CountSlots(*look->second, view.catalog(), standing);
    }
    const auto health = view.moment.health.find(name);
    if (health != view.moment.health.end()) {
      if (health->second.has_last_poll_time()) {
        *standing.mutable_last_poll_time() = health->second.last_poll_time();
      }
      if (health->second.has_last_right_time()) {
        *standing.mutable_last_right_time() = health->second.last_right_time();
      }
    }
    const auto last = view.moment.last_polls.find(name);
    if (last != view.moment.last_polls.end()) {
      *standing.mutable_last_poll_time() = anchors::ExactTime(last->second);
    }
    const auto next = view.moment.next_polls.find(name);
    if (next != view.moment.next_polls.end()) {
      anchors::SetTime(next->second, *standing.mutable_next_poll_time());
    }
    for (const std::uint64_t id : view.book().Live()) {
      const Entry& entry = *view.book().Find(id);
      const bool is_its_anomaly =
          entry.is_anomaly() && entry.is_open() && IsAnomalyOf(entry, name);
      if (is_its_anomaly || Shows(entry, name)) {
        standing.add_open_rotations(id);
      }
    }
    SetState(view, name, standing);
  }
  return standings;
}

}  // namespace anchorage::trustd
