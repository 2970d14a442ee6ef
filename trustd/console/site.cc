#include "trustd/console/site.h"

#include "absl/strings/str_cat.h"

namespace anchorage::trustd {
namespace {

constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::size_t kFleetWindows = 25;
// Some tenths of a second of a processor; what is left is read the next time.
constexpr std::uint64_t kRecordsReadAtOnce = 20'000;
constexpr std::size_t kMostPins = 1000;
const char* TitleOf(int status) {
  switch (status) {
    case 400:
      return "This is no address of the console";
    case 401:
      return "Say who you are";
    case 403:
      return "You may not read this";
    case 404:
      return "There is no such page";
    case 405:
      return "Nothing can be changed here";
    case 421:
      return "This console has another name";
    case 429:
      return "Too many tries";
    default:
      return "This cannot be shown";
  }
}

const char* TextOf(int status) {
  switch (status) {
    case 400:
      return "The address or the request is not of the form that this console "
             "takes.";
    case 401:
      return "Reading takes the name and the password that the configuration "
             "names.";
    case 403:
      return "The name of your certificate is not among the people of the "
             "configuration, or its role may not look.";
    case 404:
      return "The page, the change or the slot is not there, or no longer.";
    case 405:
      return "Only GET and HEAD are answered.";
    case 421:
      return "The name by which you called it is not among host_names of the "
             "configuration.";
    case 429:
      return "Wait for ten seconds before the next.";
    default:
      return "The log of trustd says why.";
  }
}

}  // namespace

Snapshot Site::Look(const std::string& name) const {
  const absl::Time now = readers_.clock();
  const Ledger& ledger = readers_.mirror.ledger();
  const std::size_t windows = name == "fleet"      ? kFleetWindows
                              : name == "overview" ? 1
                                                   : 0;
  const bool takes_alerts = name == "alerts" || name == "overview";
  Snapshot snapshot = {.now = now,
                       .offline = readers_.offline,
                       .work = readers_.mirror.View(now),
                       .publication = readers_.hub.Current(),
                       .signing = readers_.hub.signing(),
                       .record = ledger.health(),
                       .records = ledger.head().size,
                       .fleet = windows > 0 && readers_.fleet
                                    ? std::optional(readers_.fleet(windows))
                                    : std::nullopt,
                       .alerts = takes_alerts && readers_.alerts
                                     ? readers_.alerts(now)
                                     : std::vector<v1::OpenAlert>()};
  if (name != "timeline") return snapshot;
  RecordIndex& index = readers_.mirror.index();
  const auto has_all = index.ReadOn(snapshot.records, kRecordsReadAtOnce);
  snapshot.has_all_pins = has_all.ok() && *has_all;
  const auto found = index.Find({.facts = {"PIN"}},
                                {.backwards = true, .most_found = kMostPins});
  for (const std::uint64_t at : found.indexes) {
    snapshot.pins.push_back(index.Text(at));
  }
  return snapshot;
}

std::optional<View> Site::Find(const Address& address, const Snapshot& snapshot,
                               std::string& name, std::string& title) const {
  const std::string_view path = address.path;
  constexpr std::string_view kChange = "/changes/";
  constexpr std::string_view kSlot = "/anchors/";
  if (path.starts_with(kChange)) {
    const auto id = ReadNumber(path.substr(kChange.size()));
    if (!id.has_value()) return std::nullopt;
    name = "change";
    title = absl::StrCat("Change ", *id);
    return ChangeView(snapshot, *id);
  }
  if (path.starts_with(kSlot)) {
    name = "slot";
    title = "Anchors of a slot";
    return SlotView(snapshot, path.substr(kSlot.size()));
  }
  if (name == "overview") return OverviewView(snapshot);
  if (name == "anchors") return AnchorsView(snapshot);
  if (name == "changes") return ChangesView(snapshot, address.query);
  if (name == "alerts") return AlertsView(snapshot);
  if (name == "sources") return SourcesView(snapshot);
  if (name == "fleet") return FleetView(snapshot);
  if (name == "timeline") return TimelineView(snapshot);
  if (name == "expiry") return ExpiryView(snapshot);
  if (name == "record") {
    const Ledger& ledger = readers_.mirror.ledger();
    return RecordView(
        snapshot, [&](std::uint64_t index) { return ledger.Read(index); },
        address.query);
  }
  return std::nullopt;
}

void Site::PutFrame(const std::string& name, const std::string& title,
                    const Snapshot* snapshot, View& view) const {
  const absl::Time now = readers_.clock();
  view.set("title", title);
  view.set("now", Minute(now));
  view.set("now_iso", Iso(now));
  View pages = NewList();
  for (const PageEntry& place : PageEntries()) {
    // Who may not read learns nothing.
    if (snapshot == nullptr) break;
    const bool is_changes = std::string_view(place.name) == "changes";
    const std::uint64_t open = is_changes ? OpenChanges(*snapshot) : 0;
    View one;
    one.set("path", place.path);
    one.set("name", place.title);
    one.set("current",
            name == place.name || (is_changes && name == "change") ||
                (name == "slot" && std::string_view(place.name) == "anchors"));
    one.set("count", open == 0 ? View(false) : View(Number(open)));
    one.set("counted", "open");
    pages << one;
  }
  view.set("pages", pages);
}

Site::Page Site::Error(int status) const {
  View view;
  view.set("text", TextOf(status));
  PutFrame("error", TitleOf(status), nullptr, view);
  return {status, kHtml, templates_.Render("error", view)};
}

Site::Page Site::Get(std::string_view target) const {
  if (target == "/style.css") {
    return {200, "text/css; charset=utf-8", std::string(StyleSheet())};
  }
  if (target == "/icon.svg") return {200, "image/svg+xml", std::string(Icon())};
  const auto address = ReadAddress(target);
  if (!address.has_value()) return Error(400);
  const bool is_named = address->entry != nullptr;
  std::string name = is_named ? address->entry->name : "";
  std::string title = is_named ? address->entry->title : "";
  const Snapshot snapshot = Look(name);
  std::optional<View> view = Find(*address, snapshot, name, title);
  if (!view.has_value()) return Error(404);
  PutFrame(name, title, &snapshot, *view);
  return {200, kHtml, templates_.Render(name, *view)};
}

}  // namespace anchorage::trustd
