#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "trustd/console/views.h"
#include "trustd/explain/explain.h"

namespace anchorage::trustd {
namespace {

using Entry = RotationBook::Entry;

// As many open changes are explained, each of which costs some steps through
// the gate; the others are counted.
constexpr std::size_t kMostExplained = 8;
constexpr std::size_t kMostLatest = 6;
// When people hear of a file that they must sign, and of one that trustd
// should have signed by then.
constexpr absl::Duration kPeopleSoon = absl::Hours(60 * 24);
constexpr absl::Duration kTrustdSoon = absl::Hours(24);

struct Need {
  // 0: now; 1: soon; 2: goes on by itself.
  int rank = 0;
  std::string path = {};
  std::string what = {};
  std::string text = {};
  std::string since = {};
  std::string command = {};
};

bool IsSignedByPeople(const Snapshot& snapshot, const std::string& role) {
  return snapshot.offline && (role == "root" || role == "targets");
}

void AddStoreNeeds(const Snapshot& snapshot, std::vector<Need>& needs) {
  if (!snapshot.record.ok()) {
    needs.push_back({.path = "/record",
                     .what = "The record is damaged",
                     .text = std::string(snapshot.record.message()),
                     .command = "trustctl ledger verify"});
  }
  if (!snapshot.signing.ok()) {
    needs.push_back({.path = "/expiry",
                     .what = "Nothing is signed",
                     .text = std::string(snapshot.signing.message()),
                     .command = "trustctl store accept --help"});
  }
  if (snapshot.publication == nullptr) {
    needs.push_back({.path = "/expiry",
                     .what = "Nothing is published",
                     .text = "Clients get no bundle from here.",
                     .command = "trustctl status"});
    return;
  }
  if (snapshot.publication->catalog.created > snapshot.now) {
    needs.push_back(
        {.path = "/expiry",
         .what = "The bundle is dated ahead of the clock here",
         .text = "Clients refuse it until then. Compare this host's clock.",
         .command = "timedatectl"});
  }
  for (const RoleFacts& role : snapshot.publication->roles) {
    const bool by_people = IsSignedByPeople(snapshot, role.role);
    const absl::Duration left = role.expires - snapshot.now;
    if (left > (by_people ? kPeopleSoon : kTrustdSoon)) continue;
    needs.push_back(
        {.rank = by_people && left > absl::Hours(7 * 24) ? 1 : 0,
         .path = "/expiry",
         .what = absl::StrCat(role.role, left > absl::ZeroDuration()
                                             ? " expires soon"
                                             : " has expired"),
         .text = by_people ? "People must sign it again."
                           : "It should have been signed again by now: the "
                             "log says why it was not.",
         .since = absl::StrCat("expires ", Minute(role.expires)),
         .command = by_people ? "trustctl targets propose --help"
                              : "journalctl --unit trustd"});
  }
}

int RankOf(const v1::RotationExplanation& explanation) {
  switch (explanation.recommendation().action()) {
    case v1::Recommendation::ACTION_NOTHING:
    case v1::Recommendation::ACTION_WAIT:
      return 2;
    default:
      return 1;
  }
}

void AddChangeNeeds(const Snapshot& snapshot, std::vector<Need>& needs,
                    std::size_t& left_out) {
  std::size_t explained = 0;
  for (const std::uint64_t id : snapshot.work.book().Live()) {
    const Entry* const entry = snapshot.work.book().Find(id);
    if (entry == nullptr || !entry->is_open()) continue;
    if (explained == kMostExplained) {
      ++left_out;
      continue;
    }
    const auto explanation = ExplainRotation(snapshot.work, id);
    if (!explanation.has_value()) continue;
    ++explained;
    const v1::Rotation& rotation = entry->rotation;
    Need need;
    need.rank = RankOf(*explanation);
    need.path = absl::StrCat("/changes/", id);
    need.what = absl::StrCat(ClassWords(rotation.rotation_class()), " of ",
                             SlotText(rotation));
    need.text = explanation->recommendation().sentence();
    const absl::Time found = anchors::TimeOf(rotation.detected_time());
    need.since = absl::StrCat("change ", id, ", found ", Minute(found), ", ",
                              Ago(found, snapshot.now));
    if (!explanation->approvals().sentence().empty()) {
      absl::StrAppend(&need.since,
                      "; approvals: ", explanation->approvals().sentence());
    }
    need.command = absl::StrCat("trustctl rotations show ", id);
    needs.push_back(std::move(need));
  }
}

void AddSourceNeeds(const Snapshot& snapshot,
                    const std::vector<v1::SourceStanding>& sources,
                    std::vector<Need>& needs) {
  for (const v1::SourceStanding& source : sources) {
    // One that is doubted has an open change that says so.
    if (source.state() != v1::SourceStanding::STATE_FAILING) continue;
    needs.push_back(
        {.rank = 1,
         .path = "/sources",
         .what = absl::StrCat("Source ", source.source(), " fails"),
         .text = source.reason(),
         .since = absl::StrCat(
             "last right ",
             Ago(anchors::TimeOf(source.last_right_time()), snapshot.now)),
         .command = "trustctl sources list"});
  }
}

void AddFleetNeeds(const Snapshot& snapshot, std::vector<Need>& needs) {
  if (!snapshot.fleet.has_value() || snapshot.fleet->windows().empty()) return;
  for (const v1::FleetFailure& failure :
       snapshot.fleet->windows(0).failures()) {
    if (!failure.alerted()) continue;
    needs.push_back(
        {.rank = 1,
         .path = "/fleet",
         .what = absl::StrCat("Instances refuse evidence of ", failure.slot()),
         .text = absl::StrCat(Count(failure.senders(), "sender"),
                              " refuse what may be genuine."),
         .command = "trustctl fleet show"});
  }
}

// What people were alerted of and what nothing else here says.
void AddAlertNeeds(const Snapshot& snapshot, std::vector<Need>& needs) {
  constexpr std::string_view kSaidHere[] = {
      "rotation", "source", "bundle", "ledger", "fleet", "store", "dates"};
  std::size_t shown = 0;
  for (const v1::OpenAlert& alert : snapshot.alerts) {
    const std::string_view about =
        std::string_view(alert.id()).substr(0, alert.id().find('/'));
    const bool is_critical = alert.severity() == v1::ALERT_SEVERITY_CRITICAL;
    if ((!is_critical && alert.severity() != v1::ALERT_SEVERITY_WARNING) ||
        !alert.acknowledged_by().empty() ||
        std::find(std::begin(kSaidHere), std::end(kSaidHere), about) !=
            std::end(kSaidHere)) {
      continue;
    }
    if (++shown > kMostExplained) break;
    needs.push_back(
        {.rank = is_critical ? 0 : 1,
         .path = "/alerts",
         .what = absl::StrCat(alert.kind(), " ", alert.subject()),
         .text = absl::StrCat(alert.meaning(), "."),
         .since = absl::StrCat(
             "last ", Ago(anchors::TimeOf(alert.last_time()), snapshot.now)),
         .command = alert.command()});
  }
}

View NeedView(const Need& need) {
  static constexpr const char* kTones[] = {"bad", "warn", "quiet"};
  static constexpr const char* kWords[] = {"now", "soon", "goes on by itself"};
  View view;
  view.set("tone", kTones[need.rank]);
  view.set("urgency", kWords[need.rank]);
  view.set("path", need.path);
  Put(view, "what", need.what);
  Put(view, "text", need.text);
  Put(view, "since", need.since);
  Put(view, "command", need.command);
  return view;
}

void PutHeadline(const Snapshot& snapshot, const std::vector<Need>& needs,
                 std::size_t left_out, View& view) {
  const auto of_rank = [&](int rank) {
    return static_cast<std::uint64_t>(
        std::count_if(needs.begin(), needs.end(),
                      [&](const Need& need) { return need.rank == rank; }));
  };
  const std::uint64_t people = of_rank(0) + of_rank(1) + left_out;
  view.set("tone", of_rank(0) > 0 ? "bad" : people > 0 ? "warn" : "ok");
  view.set("headline", people == 0 ? "Everything is well"
                       : people == 1
                           ? "One thing needs a person"
                           : absl::StrCat(people, " things need a person"));
  std::string line = people == 0 ? "Nothing needs a person."
                                 : "What is published stays served meanwhile.";
  if (snapshot.publication == nullptr) line = "Nothing is served.";
  if (of_rank(2) > 0) {
    absl::StrAppend(&line, " ", Count(of_rank(2), "change"),
                    of_rank(2) == 1 ? " goes" : " go", " on without anybody.");
  }
  view.set("subline", line);
}

View Tile(const char* name, const std::string& path, const std::string& tone,
          const std::string& value, const std::string& note) {
  View tile;
  tile.set("name", name);
  tile.set("path", path);
  tile.set("tone", tone);
  Put(tile, "value", value);
  Put(tile, "note", note);
  return tile;
}

View TilesView(const Snapshot& snapshot,
               const std::vector<v1::SourceStanding>& sources) {
  View tiles = NewList();
  if (snapshot.publication != nullptr) {
    const Publication& served = *snapshot.publication;
    tiles << Tile("Catalog", "/anchors", "ok",
                  absl::StrCat("Sequence ", Number(served.catalog.sequence)),
                  absl::StrCat("since ", Minute(served.catalog.created)));
    tiles << Tile(
        "Anchors", "/anchors", "ok", Number(served.catalog.anchors.size()),
        absl::StrCat(
            "in ",
            Count(static_cast<std::uint64_t>(served.region_count), "region")));
    const auto first = std::min_element(
        served.roles.begin(), served.roles.end(),
        [](const auto& a, const auto& b) { return a.expires < b.expires; });
    if (first != served.roles.end()) {
      const bool is_over = first->expires <= snapshot.now;
      tiles << Tile("Bundle", "/expiry", is_over ? "bad" : "ok",
                    is_over ? "Expired"
                            : absl::StrCat("Good for ",
                                           Span(first->expires - snapshot.now)),
                    absl::StrCat(first->role, " expires first, on ",
                                 Minute(first->expires)));
    }
  }
  std::uint64_t right = 0;
  std::uint64_t polled = 0;
  for (const v1::SourceStanding& source : sources) {
    if (source.state() == v1::SourceStanding::STATE_REMOVED) continue;
    ++polled;
    right += source.state() == v1::SourceStanding::STATE_WORKING ? 1 : 0;
  }
  tiles << Tile(
      "Sources", "/sources", right == polled ? "ok" : "warn",
      polled == 0 ? "None" : absl::StrCat(right, " of ", polled),
      polled == 0 ? "nothing is polled" : "were right when last polled");
  tiles << Tile("Record", "/record", snapshot.record.ok() ? "ok" : "bad",
                Count(snapshot.records, "fact"),
                snapshot.record.ok() ? "sound" : "damaged");
  if (snapshot.fleet.has_value() && !snapshot.fleet->windows().empty()) {
    const v1::FleetWindow& window = snapshot.fleet->windows(0);
    tiles << Tile(
        "Fleet", "/fleet", window.failures().empty() ? "ok" : "warn",
        Count(window.senders(), "sender"),
        absl::StrCat("since ", Minute(anchors::TimeOf(window.begin_time()))));
  }
  return tiles;
}

View PartitionsView(const Snapshot& snapshot) {
  struct Sum {
    std::set<std::string> regions;
    int active = 0;
    int ending = 0;
    int ended = 0;
    int open = 0;
  };
  std::map<std::string, Sum> sums;
  if (snapshot.publication != nullptr) {
    for (const auto& anchor : snapshot.publication->catalog.anchors) {
      Sum& sum = sums[anchor.slot.partition];
      if (!anchor.slot.region.empty()) sum.regions.insert(anchor.slot.region);
      switch (anchor.status) {
        case verify::AnchorStatus::kAnnounced:
          break;
        case verify::AnchorStatus::kActive:
          ++sum.active;
          break;
        case verify::AnchorStatus::kRetiring:
          ++sum.ending;
          break;
        case verify::AnchorStatus::kRetired:
        case verify::AnchorStatus::kRevoked:
          ++sum.ended;
          break;
      }
    }
  }
  for (const std::uint64_t id : snapshot.work.book().Live()) {
    const Entry* const entry = snapshot.work.book().Find(id);
    if (entry == nullptr || !entry->is_open()) continue;
    const auto found = sums.find(entry->rotation.slot().partition());
    if (found != sums.end()) ++found->second.open;
  }
  View partitions = NewList();
  for (const auto& [name, sum] : sums) {
    View view;
    Put(view, "name", name);
    view.set("regions", absl::StrCat(sum.regions.size()));
    view.set("active", absl::StrCat(sum.active));
    view.set("ending", absl::StrCat(sum.ending));
    view.set("ended", absl::StrCat(sum.ended));
    view.set("open", sum.open == 0 ? View(false)
                                   : View(absl::StrCat(sum.open, " open")));
    partitions << view;
  }
  return partitions;
}

View LatestView(const Snapshot& snapshot) {
  View latest = NewList();
  std::size_t shown = 0;
  for (std::uint64_t id = snapshot.work.book().next_id();
       id-- > 1 && shown < kMostLatest;) {
    const Entry* const entry = snapshot.work.book().Find(id);
    if (entry == nullptr) continue;
    ++shown;
    const v1::Rotation& rotation = entry->rotation;
    View view;
    PutTime(view, anchors::TimeOf(rotation.detected_time()), snapshot.now);
    view.set("id", absl::StrCat(id));
    view.set("class", ClassWords(rotation.rotation_class()));
    view.set("state", StateWords(rotation.state()));
    view.set("tone", ToneOf(rotation.state()));
    Put(view, "slot", SlotText(rotation));
    latest << view;
  }
  return latest;
}

}  // namespace

View OverviewView(const Snapshot& snapshot) {
  const std::vector<v1::SourceStanding> sources = ExplainSources(snapshot.work);
  std::vector<Need> needs;
  std::size_t left_out = 0;
  AddStoreNeeds(snapshot, needs);
  AddChangeNeeds(snapshot, needs, left_out);
  AddSourceNeeds(snapshot, sources, needs);
  AddFleetNeeds(snapshot, needs);
  AddAlertNeeds(snapshot, needs);
  std::stable_sort(
      needs.begin(), needs.end(),
      [](const Need& a, const Need& b) { return a.rank < b.rank; });

  View view;
  PutHeadline(snapshot, needs, left_out, view);
  View list = NewList();
  for (const Need& need : needs) list << NeedView(need);
  view.set("has_needs", !needs.empty());
  view.set("needs", list);
  view.set("more", left_out == 0
                       ? View(false)
                       : View(absl::StrCat(Count(left_out, "more change"),
                                           " of which the same may be true")));
  view.set("tiles", TilesView(snapshot, sources));
  view.set("partitions", PartitionsView(snapshot));
  const View latest = LatestView(snapshot);
  view.set("has_latest", latest.is_non_empty_list());
  view.set("latest", latest);
  return view;
}

}  // namespace anchorage::trustd
