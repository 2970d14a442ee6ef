#include "trustd/alerts/alert.h"

#include <array>
#include <iterator>
#include <nlohmann/json.hpp>

namespace anchorage::trustd {
namespace {

struct Row {
  AlertKind kind;
  std::string_view name;
  Urgency urgency;
};

constexpr Row kTable[] = {
    {AlertKind::kRotationDetected, "ROTATION_DETECTED", Urgency::kSoon},
    {AlertKind::kRotationHeldTooLong, "ROTATION_HELD_TOO_LONG", Urgency::kNow},
    {AlertKind::kRotationPublished, "ROTATION_PUBLISHED", Urgency::kSometime},
    {AlertKind::kSourceFailing, "SOURCE_FAILING", Urgency::kSoon},
    {AlertKind::kSourceRecovered, "SOURCE_RECOVERED", Urgency::kSometime},
    {AlertKind::kBundleEndsSoon, "BUNDLE_ENDS_SOON", Urgency::kNow},
    {AlertKind::kLedgerDamaged, "LEDGER_DAMAGED", Urgency::kNow},
    {AlertKind::kFleetFailures, "FLEET_FAILURES", Urgency::kNow},
    {AlertKind::kStoreWentBack, "STORE_WENT_BACK", Urgency::kNow},
    {AlertKind::kStoreAccepted, "STORE_ACCEPTED", Urgency::kNow},
    {AlertKind::kSignersRemoved, "SIGNERS_REMOVED", Urgency::kNow},
    {AlertKind::kNewerTimestampClaimed, "NEWER_TIMESTAMP_CLAIMED",
     Urgency::kSoon},
    {AlertKind::kDatedAhead, "DATED_AHEAD", Urgency::kNow},
    {AlertKind::kAnchorChanged, "ANCHOR_CHANGED", Urgency::kNow},
    {AlertKind::kApprovalsVoid, "APPROVALS_VOID", Urgency::kSoon},
    {AlertKind::kClockJumped, "CLOCK_JUMPED", Urgency::kNow},
};

constexpr std::size_t kRows = std::size(kTable);

constexpr bool HasOneRowForEachKindInOrder() {
  if (kRows != static_cast<std::size_t>(AlertKind::kMaxValue) + 1) {
    return false;
  }
  for (std::size_t i = 0; i < kRows; ++i) {
    if (static_cast<std::size_t>(kTable[i].kind) != i) return false;
  }
  return true;
}
static_assert(HasOneRowForEachKindInOrder());

constexpr std::array<AlertKind, kRows> kAll = [] {
  std::array<AlertKind, kRows> all{};
  for (std::size_t i = 0; i < kRows; ++i) all[i] = kTable[i].kind;
  return all;
}();

constexpr char kTimeFormat[] = "%Y-%m-%dT%H:%M:%E*SZ";

const Row& RowOf(AlertKind kind) {
  return kTable[static_cast<std::size_t>(kind)];
}

// Cuts `text` at the limit, but never within a character.
std::string_view Cut(std::string_view text) {
  if (text.size() <= kMaxAlertTextBytes) return text;
  std::size_t end = kMaxAlertTextBytes;
  while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

std::string_view NameOf(AlertKind kind) { return RowOf(kind).name; }

std::optional<AlertKind> AlertKindNamed(std::string_view name) {
  for (const Row& row : kTable) {
    if (row.name == name) return row.kind;
  }
  return std::nullopt;
}

absl::Span<const AlertKind> AllAlertKinds() { return kAll; }

Urgency UrgencyOf(AlertKind kind) { return RowOf(kind).urgency; }

std::string AlertBody(const Alert& alert, std::string_view id) {
  nlohmann::ordered_json body;
  body["id"] = id;
  body["kind"] = NameOf(alert.kind);
  body["time"] = absl::FormatTime(kTimeFormat, alert.time, absl::UTCTimeZone());
  body["subject"] = alert.subject;
  body["text"] = Cut(alert.text);
  body["facts"] = nlohmann::ordered_json::object();
  for (const auto& [name, value] : alert.facts) body["facts"][name] = value;
  return body.dump(-1, ' ', false,
                   nlohmann::ordered_json::error_handler_t::replace);
}

std::optional<absl::Time> TimeOfAlertBody(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto found = json.find("time");
  if (found == json.end() || !found->is_string()) return std::nullopt;
  absl::Time time;
  if (!absl::ParseTime(kTimeFormat, found->get<std::string>(), &time,
                       nullptr)) {
    return std::nullopt;
  }
  return time;
}

}  // namespace anchorage::trustd
