#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anchors/base/proto_time.h"
#include "trustd/console/views.h"
#include "trustd/explain/explain.h"

namespace anchorage::trustd {
namespace {

using Entry = RotationBook::Entry;

constexpr int kYears = 10;
constexpr int kMostDecisions = 50;
constexpr std::size_t kMostPinsShown = 20;

int YearOf(absl::Time time) {
  return static_cast<int>(absl::ToCivilYear(time, absl::UTCTimeZone()).year());
}

absl::Time FoundAt(const Entry& entry) {
  return anchors::TimeOf(entry.rotation.detected_time());
}

// Everybody who decided as the last one did.
std::string DecidersOf(const v1::Rotation& rotation) {
  std::vector<std::string> names;
  for (const v1::Decision& decision : rotation.decisions()) {
    if (decision.kind() == rotation.decisions().rbegin()->kind() &&
        std::find(names.begin(), names.end(), decision.by()) == names.end()) {
      names.push_back(decision.by());
    }
  }
  return absl::StrJoin(names, ", ");
}

View RowView(const Entry& entry, absl::Time now) {
  const v1::Rotation& rotation = entry.rotation;
  View row;
  PutTime(row, FoundAt(entry), now);
  row.set("id", absl::StrCat(rotation.id()));
  row.set("class", ClassWords(rotation.rotation_class()));
  Put(row, "anomaly", rotation.anomaly());
  if (rotation.anomaly().empty()) row.set("anomaly", false);
  Put(row, "slot", SlotText(rotation));
  row.set("state", StateWords(rotation.state()));
  row.set("tone", ToneOf(rotation.state()));
  Put(row, "by", DecidersOf(rotation));
  return row;
}

View Filter(const std::string& name, const std::string& path, bool current) {
  View filter;
  filter.set("name", name);
  filter.set("path", path);
  filter.set("current", current);
  return filter;
}

// --- the decision ------------------------------------------------------------

std::string DayOf(const google::protobuf::Timestamp& time) {
  return Day(anchors::TimeOf(time));
}

const char* SignatureWords(v1::ExplainedCertificate::Signature signature) {
  switch (signature) {
    case v1::ExplainedCertificate::SIGNATURE_OWN_KEY:
      return "its own key";
    case v1::ExplainedCertificate::SIGNATURE_OLD_KEY:
      return "the old key";
    case v1::ExplainedCertificate::SIGNATURE_OTHER:
      return "neither its own nor the old key";
    default:
      return "not known";
  }
}

// The parts of a certificate, each with what it is called.
std::vector<std::pair<const char*, std::string>> PartsOf(
    const v1::ExplainedCertificate& one) {
  return {{"Subject", one.subject()},
          {"Issuer", one.issuer()},
          {"Serial", one.serial()},
          {"Key", one.key()},
          {"SHA-256 of the key", one.spki_sha256()},
          {"From", one.has_not_before() ? DayOf(one.not_before()) : ""},
          {"To", one.has_not_after() ? DayOf(one.not_after()) : ""},
          {"Signed by", SignatureWords(one.signature())},
          {"SHA-256", one.sha256()}};
}

View PairView(const v1::ExplainedCertificate* before,
              const v1::ExplainedCertificate* after) {
  const auto olds =
      PartsOf(before == nullptr ? v1::ExplainedCertificate() : *before);
  const auto news =
      PartsOf(after == nullptr ? v1::ExplainedCertificate() : *after);
  View parts = NewList();
  for (std::size_t i = 0; i < olds.size(); ++i) {
    View part;
    part.set("part", olds[i].first);
    Put(part, "old", before == nullptr ? "" : olds[i].second);
    Put(part, "new", after == nullptr ? "" : news[i].second);
    part.set("differs", before != nullptr && after != nullptr &&
                            olds[i].second != news[i].second);
    parts << part;
  }
  View pair;
  pair.set("has_old", before != nullptr);
  pair.set("has_new", after != nullptr);
  pair.set("parts", parts);
  return pair;
}

View PairsView(const v1::RotationExplanation& explanation) {
  constexpr int kMostPairs = 8;
  View pairs = NewList();
  const int olds = explanation.old_certificates_size();
  const int news = explanation.new_certificates_size();
  for (int i = 0; i < std::min(std::max(olds, news), kMostPairs); ++i) {
    pairs << PairView(i < olds ? &explanation.old_certificates(i) : nullptr,
                      i < news ? &explanation.new_certificates(i) : nullptr);
  }
  return pairs;
}

const char* StanceWords(v1::SourceStance::Stance stance) {
  switch (stance) {
    case v1::SourceStance::STANCE_AGREES:
      return "shows it";
    case v1::SourceStance::STANCE_CONTRADICTS:
      return "shows something else";
    case v1::SourceStance::STANCE_WITHDREW:
      return "no longer shows it";
    default:
      return "says nothing";
  }
}

const char* StanceTone(v1::SourceStance::Stance stance) {
  switch (stance) {
    case v1::SourceStance::STANCE_AGREES:
      return "ok";
    case v1::SourceStance::STANCE_CONTRADICTS:
      return "bad";
    default:
      return "warn";
  }
}

View StancesView(const v1::RotationExplanation& explanation) {
  View list = NewList();
  for (const v1::ExplainedSource& source : explanation.sources()) {
    View view;
    Put(view, "name", source.stance().source());
    view.set("stance", StanceWords(source.stance().stance()));
    view.set("tone", StanceTone(source.stance().stance()));
    view.set("since", Minute(anchors::TimeOf(source.stance().since_time())));
    Put(view, "location", source.location());
    view.set("counts", source.counts());
    list << view;
  }
  return list;
}

template <typename Values, typename Function>
View ListOf(const Values& values, const Function& put) {
  View list = NewList();
  for (const auto& value : values) {
    View view;
    put(value, view);
    list << view;
  }
  return list;
}

const char* ActionTone(v1::Recommendation::Action action) {
  switch (action) {
    case v1::Recommendation::ACTION_NOTHING:
    case v1::Recommendation::ACTION_WAIT:
      return "ok";
    case v1::Recommendation::ACTION_HOLD:
    case v1::Recommendation::ACTION_REJECT:
      return "bad";
    default:
      return "warn";
  }
}

std::string ActionWords(v1::Recommendation::Action action) {
  switch (action) {
    case v1::Recommendation::ACTION_NOTHING:
      return "Nothing is left to do";
    case v1::Recommendation::ACTION_APPROVE:
      return "Approve it";
    case v1::Recommendation::ACTION_CONFIRM:
      return "Confirm it, then approve";
    case v1::Recommendation::ACTION_WAIT:
      return "Wait";
    case v1::Recommendation::ACTION_HOLD:
      return "Do not approve it";
    case v1::Recommendation::ACTION_REJECT:
      return "Reject it";
    case v1::Recommendation::ACTION_LOOK:
      return "Look at the source";
    case v1::Recommendation::ACTION_SIGN:
      return "Sign the proposal";
    default:
      return "Look at it";
  }
}

View DecisionsView(const v1::Rotation& rotation) {
  View list = NewList();
  const int first = std::max(0, rotation.decisions_size() - kMostDecisions);
  for (int i = first; i < rotation.decisions_size(); ++i) {
    const v1::Decision& decision = rotation.decisions(i);
    View view;
    view.set("date", Minute(anchors::TimeOf(decision.time())));
    Put(view, "by", decision.by());
    view.set("verb", decision.kind() == v1::Decision::KIND_APPROVE  ? "approved"
                     : decision.kind() == v1::Decision::KIND_REJECT ? "rejected"
                                                                    : "held");
    Put(view, "why", decision.why());
    list << view;
  }
  return list;
}

View ProofsView(const v1::Rotation& rotation) {
  return ListOf(
      rotation.live_proofs(), [](const v1::LiveProof& proof, View& view) {
        view.set("date", Minute(anchors::TimeOf(proof.received_time())));
        Put(view, "instance", proof.instance_id());
        Put(view, "submitter", proof.submitter());
      });
}

// --- ten years ---------------------------------------------------------------

struct TimelineRow {
  const char* name;
  std::set<v1::RotationClass> classes;
};

const std::vector<TimelineRow>& TimelineRows() {
  static const auto* const kRows = new std::vector<TimelineRow>{
      {"Re-issues", {v1::ROTATION_CLASS_RE_ISSUE}},
      {"New slots",
       {v1::ROTATION_CLASS_NEW_KIND, v1::ROTATION_CLASS_NEW_REGION}},
      {"Other keys",
       {v1::ROTATION_CLASS_RE_KEY, v1::ROTATION_CLASS_ALGORITHM_CHANGE}},
      {"Removals", {v1::ROTATION_CLASS_REMOVAL}},
      {"By people",
       {v1::ROTATION_CLASS_ADDITION, v1::ROTATION_CLASS_REACTIVATION,
        v1::ROTATION_CLASS_ANNOUNCEMENT}},
      {"Alarms",
       {v1::ROTATION_CLASS_SOURCE_ANOMALY, v1::ROTATION_CLASS_UNKNOWN_SIGNER}},
  };
  return *kRows;
}

constexpr int kMonths = kYears * 12;
// The picture's geometry, in units of its own.
constexpr int kLeft = 160;
constexpr int kMonthWidth = 9;
constexpr int kTop = 34;
constexpr int kRowHeight = 34;
constexpr int kTallest = 26;

// The number of a month, from the first of `first_year` on.
std::int64_t MonthOf(absl::Time time, int first_year) {
  const absl::CivilMonth month = absl::ToCivilMonth(time, absl::UTCTimeZone());
  return (month.year() - first_year) * 12 + month.month() - 1;
}

struct Month {
  int count = 0;
  bool open = false;
};
using Months = std::array<Month, kMonths>;

View MarksView(const Months& months, int first_year, int baseline) {
  View marks = NewList();
  for (int i = 0; i < kMonths; ++i) {
    const Month& month = months[static_cast<std::size_t>(i)];
    if (month.count == 0) continue;
    const int height = std::min(kTallest, 6 + 2 * month.count);
    View mark;
    mark.set("x", absl::StrCat(kLeft + i * kMonthWidth + 1));
    mark.set("y", absl::StrCat(baseline - height));
    mark.set("height", absl::StrCat(height));
    mark.set("tone", month.open ? "warn" : "ok");
    mark.set("title", absl::StrCat(first_year + i / 12, "-",
                                   i % 12 < 9 ? "0" : "", i % 12 + 1, ": ",
                                   month.count, month.open ? ", open" : ""));
    marks << mark;
  }
  return marks;
}

}  // namespace

std::uint64_t OpenChanges(const Snapshot& snapshot) {
  const RotationBook& book = snapshot.work.book();
  return static_cast<std::uint64_t>(
      std::count_if(book.Live().begin(), book.Live().end(), [&](auto id) {
        const Entry* const entry = book.Find(id);
        return entry != nullptr && entry->is_open();
      }));
}

std::optional<View> ChangesView(const Snapshot& snapshot,
                                const ListQuery& query) {
  std::vector<const Entry*> found;
  snapshot.work.book().ForEach([&](const Entry& entry) {
    if ((!query.open_only || entry.is_open()) &&
        (query.year == 0 || YearOf(FoundAt(entry)) == query.year)) {
      found.push_back(&entry);
    }
  });
  const std::uint64_t total = found.size();
  const std::uint64_t pages =
      std::max<std::uint64_t>(1, (total + kRowsOfPage - 1) / kRowsOfPage);
  const std::uint64_t page = query.page == 0 ? 1 : query.page;
  if (page > pages) return std::nullopt;
  View rows = NewList();
  const std::uint64_t first = (page - 1) * kRowsOfPage;
  for (std::uint64_t i = first; i < std::min(total, first + kRowsOfPage); ++i) {
    rows << RowView(*found[total - 1 - i], snapshot.now);
  }
  const std::string filter = query.open_only ? "state=open&"
                             : query.year != 0
                                 ? absl::StrCat("year=", query.year, "&")
                                 : "";
  const auto link = [&](bool there, std::uint64_t to) {
    return there ? View(absl::StrCat("/changes?", filter, "page=", to))
                 : View(false);
  };
  View view;
  view.set("heading", query.open_only ? "Open changes"
                      : query.year != 0
                          ? absl::StrCat("Changes found in ", query.year)
                          : "Changes");
  View filters = NewList();
  filters << Filter("All", "/changes", !query.open_only && query.year == 0);
  filters << Filter("Open", "/changes?state=open", query.open_only);
  filters << Filter("By year", "/timeline", false);
  view.set("filters", filters);
  view.set("has_changes", total > 0);
  view.set("changes", rows);
  view.set("paged", pages > 1);
  view.set("page", Number(page));
  view.set("pages_in_all", Number(pages));
  view.set("total", Number(total));
  view.set("newer", link(page > 1, page - 1));
  view.set("older", link(page < pages, page + 1));
  return view;
}

std::optional<View> ChangeView(const Snapshot& snapshot, std::uint64_t id) {
  const auto explained = ExplainRotation(snapshot.work, id);
  if (!explained.has_value()) return std::nullopt;
  const v1::RotationExplanation& what = *explained;
  const v1::Rotation& rotation = what.rotation();
  View view;
  view.set("id", absl::StrCat(id));
  view.set("class", ClassWords(rotation.rotation_class()));
  view.set("state", StateWords(rotation.state()));
  view.set("tone", ToneOf(rotation.state()));
  Put(view, "slot", SlotText(rotation));
  const absl::Time found = anchors::TimeOf(rotation.detected_time());
  view.set("found",
           absl::StrCat(Minute(found), ", ", Ago(found, snapshot.now)));
  Put(view, "summary", what.summary());
  view.set("action", ActionWords(what.recommendation().action()));
  view.set("action_tone", ActionTone(what.recommendation().action()));
  Put(view, "advice", what.recommendation().sentence());
  view.set("commands",
           ListOf(what.commands(), [](const v1::NextCommand& one, View& row) {
             Put(row, "purpose", one.purpose());
             Put(row, "command", one.command());
           }));
  view.set("pairs", PairsView(what));
  Put(view, "witnesses", what.witnesses());
  view.set("stances", StancesView(what));
  view.set("proofs", ProofsView(rotation));
  view.set("has_approvals",
           what.can_approve() || !what.approvals().given().empty());
  Put(view, "approvals", what.approvals().sentence());
  view.set("given",
           ListOf(what.approvals().given(),
                  [](const v1::ApprovalCount::Approval& one, View& row) {
                    Put(row, "name", one.name());
                    row.set("date", Minute(anchors::TimeOf(one.time())));
                    Put(row, "why", one.why());
                  }));
  Put(view, "policy", what.policy().sentence());
  view.set("has_refusals", !what.refusals().empty());
  view.set("refusals",
           ListOf(what.refusals(), [](const v1::GateRefusal& one, View& row) {
             Put(row, "reason", one.reason());
             Put(row, "sentence", one.sentence());
           }));
  Put(view, "history_summary", what.history_summary());
  view.set("history",
           ListOf(what.history(), [](const v1::HistoricChange& one, View& row) {
             Put(row, "sentence", one.sentence());
           }));
  Put(view, "undo", what.undo());
  const View decisions = DecisionsView(rotation);
  view.set("has_decisions", decisions.is_non_empty_list());
  view.set("decisions", decisions);
  view.set("has_diff", !rotation.diff().empty());
  view.set("diff", Lines(rotation.diff()));
  Put(view, "reason", rotation.reason());
  view.set("notes",
           ListOf(rotation.notes(), [](const std::string& note, View& row) {
             Put(row, "note", note);
           }));
  return view;
}

View TimelineView(const Snapshot& snapshot) {
  const int last_year = YearOf(snapshot.now);
  const int first_year = last_year - kYears + 1;
  const std::vector<TimelineRow>& rows = TimelineRows();
  std::vector<Months> months(rows.size());
  int total = 0;
  snapshot.work.book().ForEach([&](const Entry& entry) {
    const std::int64_t at = MonthOf(FoundAt(entry), first_year);
    if (at < 0 || at >= kMonths) return;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      if (rows[row].classes.count(entry.rotation.rotation_class()) == 0) {
        continue;
      }
      Month& one = months[row][static_cast<std::size_t>(at)];
      ++one.count;
      ++total;
      one.open |= entry.is_open();
    }
  });
  // Those of people are the last row but one.
  const std::size_t by_people = rows.size() - 2;
  View pins = NewList();
  for (const v1::RecordText& pin : snapshot.pins) {
    const absl::Time time = anchors::TimeOf(pin.time());
    const std::int64_t at = MonthOf(time, first_year);
    if (at < 0 || at >= kMonths) continue;
    ++months[by_people][static_cast<std::size_t>(at)].count;
    ++total;
    if (pins.list_value().size() == kMostPinsShown) continue;
    View one;
    PutTime(one, time, snapshot.now);
    Put(one, "words", pin.words());
    pins << one;
  }
  View view;
  view.set("has_pins", pins.is_non_empty_list());
  view.set("pins", pins);
  view.set("is_partial", !snapshot.has_all_pins);
  const int bottom = kTop + static_cast<int>(rows.size()) * kRowHeight;
  view.set("first_year", absl::StrCat(first_year));
  view.set("height", absl::StrCat(bottom + 4));
  view.set("summary",
           absl::StrCat(Count(static_cast<std::uint64_t>(total), "change"),
                        " from ", first_year, " to ", last_year));
  View years = NewList();
  View table = NewList();
  for (int i = 0; i < kYears; ++i) {
    View year;
    const int x = kLeft + i * 12 * kMonthWidth;
    year.set("year", absl::StrCat(first_year + i));
    year.set("x", absl::StrCat(x));
    year.set("label_x", absl::StrCat(x + 4));
    year.set("bottom", absl::StrCat(bottom));
    years << year;
  }
  View columns = NewList();
  View lines = NewList();
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const int baseline = kTop + static_cast<int>(row + 1) * kRowHeight;
    columns << View("name", rows[row].name);
    View line;
    line.set("name", rows[row].name);
    line.set("y", absl::StrCat(baseline));
    line.set("text_y", absl::StrCat(baseline - 6));
    line.set("marks", MarksView(months[row], first_year, baseline));
    lines << line;
  }
  for (int i = kYears; i-- > 0;) {
    View cells = NewList();
    for (std::size_t row = 0; row < rows.size(); ++row) {
      int count = 0;
      for (int month = 0; month < 12; ++month) {
        count += months[row][static_cast<std::size_t>(12 * i + month)].count;
      }
      View cell;
      cell.set("name", rows[row].name);
      cell.set("count", count == 0 ? "–" : absl::StrCat(count));
      cells << cell;
    }
    View year;
    year.set("year", absl::StrCat(first_year + i));
    year.set("cells", cells);
    table << year;
  }
  view.set("years", years);
  view.set("columns", columns);
  view.set("rows", lines);
  view.set("table", table);
  return view;
}

}  // namespace anchorage::trustd
