#include <algorithm>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "trustd/console/views.h"
#include "trustd/explain/explain.h"

namespace anchorage::trustd {
namespace {

constexpr int kMostRows = 50;

template <typename Shares>
View SharesView(const Shares& shares) {
  View list = NewList();
  for (const v1::FleetShare& share : shares) {
    View view;
    Put(view, "value", share.value());
    view.set("senders", Number(share.senders()));
    list << view;
  }
  return list;
}

View FailureView(const v1::FleetFailure& failure) {
  View view;
  view.set("tone", failure.alerted() ? "bad" : "warn");
  view.set("state", failure.alerted() ? "people were alerted" : "few");
  Put(view, "slot", failure.slot());
  view.set("senders", Number(failure.senders()));
  std::string reasons;
  for (const v1::FleetShare& reason : failure.reasons()) {
    absl::StrAppend(&reasons, reasons.empty() ? "" : ", ", reason.value(), " ",
                    reason.senders());
  }
  Put(view, "reasons", reasons);
  return view;
}

View WindowView(const v1::FleetWindow& window) {
  View view;
  const std::string began = Minute(anchors::TimeOf(window.begin_time()));
  view.set("heading",
           window.has_end_time()
               ? absl::StrCat(began, " to ",
                              Minute(anchors::TimeOf(window.end_time())))
               : absl::StrCat("Since ", began));
  view.set("senders", Number(window.senders()));
  view.set("reports", Number(window.reports()));
  view.set("versions", SharesView(window.versions()));
  view.set("sequences", SharesView(window.sequences()));
  View failures = NewList();
  for (const auto& failure : window.failures())
    failures << FailureView(failure);
  view.set("has_failures", !window.failures().empty());
  view.set("failures", failures);
  View rows = NewList();
  for (int i = 0; i < std::min(window.rows_size(), kMostRows); ++i) {
    const v1::FleetRow& row = window.rows(i);
    View one;
    Put(one, "slot", row.slot());
    Put(one, "reason", row.reason());
    one.set("senders", Number(row.senders()));
    one.set("outcomes", Number(row.outcomes()));
    rows << one;
  }
  view.set("has_rows", !window.rows().empty());
  view.set("rows", rows);
  view.set("more", window.rows_size() <= kMostRows
                       ? View(false)
                       : View(absl::StrCat(window.rows_size() - kMostRows,
                                           " more: trustctl fleet show")));
  return view;
}

const char* ToneOf(v1::SourceStanding::State state) {
  switch (state) {
    case v1::SourceStanding::STATE_WORKING:
      return "ok";
    case v1::SourceStanding::STATE_DOUBTED:
    case v1::SourceStanding::STATE_FAILING:
      return "warn";
    default:
      return "quiet";
  }
}

const char* WordsOf(v1::SourceStanding::State state) {
  switch (state) {
    case v1::SourceStanding::STATE_WORKING:
      return "working";
    case v1::SourceStanding::STATE_NOT_ASKED:
      return "not asked yet";
    case v1::SourceStanding::STATE_DOUBTED:
      return "doubted";
    case v1::SourceStanding::STATE_FAILING:
      return "failing";
    case v1::SourceStanding::STATE_REMOVED:
      return "removed";
    default:
      return "unknown";
  }
}

}  // namespace

View FleetView(const Snapshot& snapshot) {
  View windows = NewList();
  if (snapshot.fleet.has_value()) {
    for (const v1::FleetWindow& window : snapshot.fleet->windows()) {
      windows << WindowView(window);
    }
  }
  View view;
  view.set("has_reports", snapshot.fleet.has_value());
  view.set("windows", windows);
  return view;
}

View AlertsView(const Snapshot& snapshot) {
  View list = NewList();
  for (const v1::OpenAlert& alert : snapshot.alerts) {
    View view;
    const bool is_known = !alert.acknowledged_by().empty();
    const bool is_critical = alert.severity() == v1::ALERT_SEVERITY_CRITICAL;
    const bool is_info = alert.severity() == v1::ALERT_SEVERITY_INFO;
    view.set("tone", is_known || is_info ? "quiet"
                     : is_critical       ? "bad"
                                         : "warn");
    view.set("severity", is_known      ? "known"
                         : is_critical ? "critical"
                         : is_info     ? "info"
                                       : "warning");
    Put(view, "kind", alert.kind());
    Put(view, "subject", alert.subject());
    Put(view, "meaning", alert.meaning());
    view.set("text", Lines(alert.text()));
    view.set("first", Minute(anchors::TimeOf(alert.first_time())));
    view.set("last", Ago(anchors::TimeOf(alert.last_time()), snapshot.now));
    view.set("times", Count(alert.alerts(), "alert"));
    view.set("known", false);
    if (is_known) {
      Put(view, "known",
          absl::StrCat(alert.acknowledged_by(), " knows, until ",
                       Minute(anchors::TimeOf(alert.acknowledged_until_time())),
                       ": ", alert.acknowledged_why()));
    }
    Put(view, "command", alert.command());
    list << view;
  }
  View view;
  view.set("alerts", list);
  return view;
}

View SourcesView(const Snapshot& snapshot) {
  View list = NewList();
  for (const v1::SourceStanding& source : ExplainSources(snapshot.work)) {
    View view;
    Put(view, "name", source.source());
    view.set("state", WordsOf(source.state()));
    view.set("tone", ToneOf(source.state()));
    view.set("last_right",
             Ago(anchors::TimeOf(source.last_right_time()), snapshot.now));
    view.set("last_polled",
             Ago(anchors::TimeOf(source.last_poll_time()), snapshot.now));
    view.set("next", source.has_next_poll_time()
                         ? View(Ago(anchors::TimeOf(source.next_poll_time()),
                                    snapshot.now))
                         : View(false));
    view.set("slots", source.slots_pinned() == 0
                          ? absl::StrCat(source.slots_seen())
                          : absl::StrCat(source.slots_seen(), " of ",
                                         source.slots_pinned()));
    Put(view, "reason", source.reason());
    Put(view, "location", source.location());
    View changes = NewList();
    for (const std::uint64_t id : source.open_rotations()) {
      changes << View("id", absl::StrCat(id));
    }
    view.set("changes", changes);
    list << view;
  }
  View view;
  view.set("has_sources", list.is_non_empty_list());
  view.set("sources", list);
  return view;
}

}  // namespace anchorage::trustd
