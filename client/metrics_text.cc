#include "client/metrics_text.h"

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/base/version.h"
#include "verify/reason.h"

namespace anchorage::client {
namespace {

using verify::Freshness;
using verify::Origin;

constexpr Freshness kFreshnesses[] = {Freshness::kFresh, Freshness::kStale,
                                      Freshness::kExpired, Freshness::kBakedIn};
constexpr Origin kOrigins[] = {Origin::kBakedIn, Origin::kCache,
                               Origin::kServer};

// Writes one family after another.
class Text {
 public:
  using Labels =
      std::initializer_list<std::pair<std::string_view, std::string_view>>;

  explicit Text(std::string_view client) : client_(client) {}

  void Gauge(std::string_view name, std::string_view help) {
    Family(name, help, "gauge");
  }
  void Counter(std::string_view name, std::string_view help) {
    Family(name, help, "counter");
  }
  // A sample of the family that was begun last.
  template <typename Number>
  void Value(Labels labels, Number number) {
    out_ += name_;
    out_ += '{';
    Label("client", client_);
    for (const auto& [label, value] : labels) {
      out_ += ',';
      Label(label, value);
    }
    absl::StrAppend(&out_, "} ", number, "\n");
  }
  // The same, in seconds, for a time that is known.
  void Time(absl::Time time) {
    if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) return;
    Value({}, absl::ToUnixSeconds(time));
  }

  std::string Finish() && { return std::move(out_); }

 private:
  void Family(std::string_view name, std::string_view help,
              std::string_view type) {
    name_ = "anchorage_client_";
    name_ += name;
    out_ += "# HELP " + name_ + " ";
    out_ += help;
    out_ += "\n# TYPE " + name_ + " ";
    out_ += type;
    out_ += '\n';
  }

  void Label(std::string_view label, std::string_view value) {
    out_ += label;
    out_ += "=\"";
    Escape(value);
    out_ += '"';
  }

  void Escape(std::string_view value) {
    for (const char c : value) {
      if (c == '\n') {
        out_ += "\\n";
        continue;
      }
      if (c == '"' || c == '\\') out_ += '\\';
      out_ += c;
    }
  }

  const std::string_view client_;
  std::string name_;
  std::string out_;
};

void DescribeSet(const TrustClientState& state, Text& text) {
  text.Gauge("anchors_freshness", "1 for how fresh the set in use is");
  for (const Freshness each : kFreshnesses) {
    text.Value({{"freshness", verify::NameOf(each)}},
               each == state.freshness ? 1 : 0);
  }
  text.Gauge("anchors_origin", "1 for where the set in use came from");
  for (const Origin each : kOrigins) {
    text.Value({{"origin", verify::NameOf(each)}},
               each == state.provenance.origin ? 1 : 0);
  }
  text.Gauge("anchors_sequence", "Sequence of the set in use");
  text.Value({}, state.provenance.sequence);
  text.Gauge("anchors_as_of_timestamp_seconds",
             "When the set in use was last known to be the newest");
  text.Time(state.provenance.as_of);
  text.Gauge("anchors_fresh_until_timestamp_seconds",
             "Until when the set in use is fresh");
  text.Time(state.provenance.fresh_until);
  text.Gauge("anchors", "Anchors in the set in use");
  text.Value({}, state.anchors);
  text.Gauge("releases", "Reference releases in the set in use");
  text.Value({}, state.releases);
}

void DescribeRefreshes(const TrustClientState& state, Text& text) {
  text.Counter("refreshes_total", "Refreshes by how they ended");
  text.Value({{"outcome", "refreshed"}}, state.refreshed);
  text.Value({{"outcome", "unreachable"}}, state.unreachable);
  text.Value({{"outcome", "rejected"}}, state.rejected);
  text.Value({{"outcome", "clock_suspect"}}, state.clock_suspect);
  text.Gauge("last_refresh_timestamp_seconds", "When the last refresh ended");
  text.Time(state.last_refresh_at);
  text.Gauge("last_refresh_success", "1 if the last refresh succeeded");
  text.Value({}, state.last_refresh.ok() ? 1 : 0);
  text.Gauge("cache_success", "1 if the cache could last be used and written");
  text.Value({}, state.cache.ok() ? 1 : 0);
  text.Counter("equivocations_total",
               "How often two files of one version were found, both signed");
  text.Value({}, state.equivocations);
}

std::string_view OutcomeOf(const OutcomeCount& each) {
  if (!each.reason.has_value()) return "accepted";
  return verify::FamilyOf(*each.reason) == verify::Family::kUndecided
             ? "undecided"
             : "refused";
}

}  // namespace

std::string MetricsText(const TrustClientState& state,
                        std::string_view client) {
  Text text(client);
  text.Gauge("info", "1, with the version of the library");
  text.Value({{"version", anchors::kVersion}}, 1);
  DescribeSet(state, text);
  DescribeRefreshes(state, text);
  text.Counter("verifications_total",
               "Verifications by slot, how they ended and the reason");
  for (const OutcomeCount& each : state.verifications) {
    text.Value({{"partition", each.slot.partition},
                {"region", each.slot.region},
                {"kind", verify::NameOf(each.slot.kind)},
                {"outcome", OutcomeOf(each)},
                {"reason",
                 each.reason.has_value() ? verify::NameOf(*each.reason) : ""}},
               each.count);
  }
  text.Counter("reports_total", "Reports to trustd by how they ended");
  text.Value({{"outcome", "sent"}}, state.reports_sent);
  text.Value({{"outcome", "failed"}}, state.reports_failed);
  return std::move(text).Finish();
}

}  // namespace anchorage::client
