// What each page shows, from one look at a trustd.
//
//   const Snapshot snapshot = ...;
//   std::string html = templates.Render("overview", OverviewView(snapshot));
//
// Pure: nothing here asks a server, a lock or a clock. Every text of others is
// printable in a view (words.h).

#ifndef ANCHORAGE_TRUSTD_CONSOLE_VIEWS_H_
#define ANCHORAGE_TRUSTD_CONSOLE_VIEWS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/anchorage/v1/alerts.pb.h"
#include "proto/anchorage/v1/audit_service.pb.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "proto/anchorage/v1/record_text.pb.h"
#include "trustd/console/request.h"
#include "trustd/console/words.h"
#include "trustd/mirror/core.h"
#include "trustd/publish/publication.h"

namespace anchorage::trustd {

// How many rows one page of a list has.
inline constexpr std::uint64_t kRowsOfPage = 50;

// What a trustd knows at one moment.
struct Snapshot {
  absl::Time now;
  bool offline = false;
  // What the mirror knows.
  Work work;
  // Null before the first.
  std::shared_ptr<const Publication> publication;
  // Why nothing is signed, and what is wrong with the record; or OK.
  absl::Status signing;
  absl::Status record;
  std::uint64_t records = 0;
  // nullopt: no reports are taken.
  std::optional<v1::GetFleetResponse> fleet;
  // Those that are open, the most severe first.
  std::vector<v1::OpenAlert> alerts;
  // What people did to anchors without a rotation, the newest first, and
  // whether that is all of it: the record is read a part at a time.
  std::vector<v1::RecordText> pins = {};
  bool has_all_pins = true;
};

View OverviewView(const Snapshot& snapshot);
View AnchorsView(const Snapshot& snapshot);
View AlertsView(const Snapshot& snapshot);
View SourcesView(const Snapshot& snapshot);
View ExpiryView(const Snapshot& snapshot);
View FleetView(const Snapshot& snapshot);
View TimelineView(const Snapshot& snapshot);

// Each returns nullopt for what there is not: a slot without an anchor, a
// number without a rotation, a page after the last.
std::optional<View> SlotView(const Snapshot& snapshot, std::string_view slot);
std::optional<View> ChangesView(const Snapshot& snapshot,
                                const ListQuery& query);
std::optional<View> ChangeView(const Snapshot& snapshot, std::uint64_t id);

// Returns one record; like Ledger::Read().
using RecordFunction =
    std::function<absl::StatusOr<v1::LedgerRecord>(std::uint64_t index)>;

// The record in words. Pages are counted from its beginning, so that what a
// page shows never changes once it is full.
std::optional<View> RecordView(const Snapshot& snapshot,
                               const RecordFunction& read,
                               const ListQuery& query);

// How many changes are open: what every page says beside the link to them.
std::uint64_t OpenChanges(const Snapshot& snapshot);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_CONSOLE_VIEWS_H_
