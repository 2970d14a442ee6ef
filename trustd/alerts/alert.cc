#include "trustd/alerts/alert.h"

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "verify/crypto/public_key.h"
#include "verify/enum_table.h"

namespace anchorage::trustd {
namespace {

// What an alert says of the thing that it is about.
enum class Says {
  // It is so, and nobody says when it is over.
  kEvent,
  // It is so, until an alert of the same condition says that it is over.
  kBegins,
  // It is over.
  kEnds,
};

struct Row {
  AlertKind value;
  std::string_view name;
  Severity severity;
  Says says;
  // Whether it is repeated while its reason lasts.
  bool is_reminder;
  // What kind of thing it is about; the fact, or "subject", that says which one,
  // or "" where there is only one.
  std::string_view condition;
  std::string_view which;
  std::string_view meaning;
  // "{rotation}" stands for that fact.
  std::string_view command;
};

constexpr std::string_view kShowRotation = "trustctl rotations show {rotation}";

constexpr Row kRows[] = {
    {AlertKind::kRotationDetected, "ROTATION_DETECTED", Severity::kWarning,
     Says::kBegins, false, "rotation", "rotation",
     "A source or an instance shows a change that was not there before",
     kShowRotation},
    {AlertKind::kRotationHeldTooLong, "ROTATION_HELD_TOO_LONG",
     Severity::kCritical, Says::kBegins, true, "rotation", "rotation",
     "A change has waited for people for longer than they wanted to be left "
     "alone",
     kShowRotation},
    {AlertKind::kRotationPublished, "ROTATION_PUBLISHED", Severity::kInfo,
     Says::kEnds, false, "rotation", "rotation",
     "A change is in the catalog that is served", kShowRotation},
    {AlertKind::kSourceFailing, "SOURCE_FAILING", Severity::kWarning,
     Says::kBegins, false, "source", "subject", "A source cannot be read",
     "trustctl sources list"},
    {AlertKind::kSourceRecovered, "SOURCE_RECOVERED", Severity::kInfo,
     Says::kEnds, false, "source", "subject",
     "A source that failed can be read again", "trustctl sources list"},
    {AlertKind::kBundleEndsSoon, "BUNDLE_ENDS_SOON", Severity::kCritical,
     Says::kEvent, true, "bundle", "subject",
     "What is served expires soon, and nobody has signed its successor",
     "trustctl bundle show"},
    {AlertKind::kLedgerDamaged, "LEDGER_DAMAGED", Severity::kCritical,
     Says::kEvent, false, "ledger", "",
     "The record is not what was written: nothing is decided or published",
     "trustctl ledger verify"},
    {AlertKind::kFleetFailures, "FLEET_FAILURES", Severity::kCritical,
     Says::kEvent, false, "fleet", "subject",
     "Many instances report that they refuse what may be genuine",
     "trustctl fleet show"},
    {AlertKind::kStoreWentBack, "STORE_WENT_BACK", Severity::kCritical,
     Says::kEvent, true, "store", "",
     "The store is older than what was published from it: nothing is signed",
     "trustctl store accept --bundle FOLDER --why TEXT"},
    {AlertKind::kStoreAccepted, "STORE_ACCEPTED", Severity::kCritical,
     Says::kEvent, false, "store-accepted", "",
     "A person has accepted a store that went back, and signing goes on",
     "trustctl bundle show"},
    {AlertKind::kSignersRemoved, "SIGNERS_REMOVED", Severity::kCritical,
     Says::kEvent, false, "signers", "",
     "A root removes who had signed the targets: clients drop what those keys "
     "signed",
     "trustctl root status --folder FOLDER"},
    {AlertKind::kNewerTimestampClaimed, "NEWER_TIMESTAMP_CLAIMED",
     Severity::kWarning, Says::kEvent, false, "timestamp", "",
     "A caller says that it has a newer timestamp than ours, and does not show "
     "it",
     "trustctl bundle show"},
    {AlertKind::kDatedAhead, "DATED_AHEAD", Severity::kCritical, Says::kEvent,
     false, "dates", "subject",
     "What is served is dated after the clock: clients refuse it",
     "trustctl bundle show"},
    {AlertKind::kAnchorChanged, "ANCHOR_CHANGED", Severity::kCritical,
     Says::kEvent, false, "anchor", "subject",
     "A person revoked or retired a key, or asks for one to come into use",
     "trustctl anchors list"},
    {AlertKind::kApprovalsVoid, "APPROVALS_VOID", Severity::kWarning,
     Says::kBegins, false, "rotation", "rotation",
     "Approvals of a change count no more: it has to be looked at again",
     kShowRotation},
    {AlertKind::kClockJumped, "CLOCK_JUMPED", Severity::kCritical, Says::kEvent,
     false, "clock", "",
     "The clock here was set, or the machine was suspended: nothing is "
     "published without people until two sources confirm the time",
     "timedatectl"},
    {AlertKind::kRotationEnded, "ROTATION_ENDED", Severity::kInfo, Says::kEnds,
     false, "rotation", "rotation",
     "A change is over and was not published: it was rejected or withdrawn",
     kShowRotation},
    {AlertKind::kRegionWithoutCertificate, "REGION_WITHOUT_CERTIFICATE",
     Severity::kWarning, Says::kEvent, true, "region", "region",
     "AWS lists a region for which no anchor is pinned: products refuse its "
     "instances",
     "trustctl anchors list --region {region}"},
};

using AlertKinds = verify::EnumTable<kRows>;

struct SeverityRow {
  Severity value;
  std::string_view name;
};

constexpr SeverityRow kSeverityRows[] = {
    {Severity::kInfo, "info"},
    {Severity::kWarning, "warning"},
    {Severity::kCritical, "critical"},
};

using Severities = verify::EnumTable<kSeverityRows>;

constexpr std::size_t kMaxWordBytes = 160;

constexpr char kTimeFormat[] = "%Y-%m-%dT%H:%M:%E*SZ";

// Never cuts a character in two.
std::string_view Cut(std::string_view text) {
  if (text.size() <= kMaxAlertTextBytes) return text;
  std::size_t end = kMaxAlertTextBytes;
  while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

// Whether shells and people read the text as one plain word.
bool IsPlainWord(std::string_view text) {
  return !text.empty() && text.size() <= kMaxWordBytes && text[0] != '-' &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.' ||
                  c == '/';
         });
}

std::string FactOf(const Alert& alert, std::string_view name) {
  if (name == "subject") return alert.subject;
  const auto found = alert.facts.find(std::string(name));
  return found == alert.facts.end() ? "" : found->second;
}

// Whether the alert is about a change that no policy publishes, and whose key
// clients refuse.
bool NeedsPeopleNow(const Alert& alert) {
  const std::string rotation_class = FactOf(alert, "class");
  return rotation_class == "RE_KEY" || rotation_class == "ALGORITHM_CHANGE" ||
         rotation_class == "UNKNOWN_SIGNER";
}

// Returns where the slot is that is the alert's subject.
std::string PlaceOf(const Alert& alert) {
  const std::vector<std::string> parts = absl::StrSplit(alert.subject, '/');
  if (parts.size() != 3) return "that place";
  // A root is a partition's.
  const std::string& place = parts[1].empty() ? parts[0] : parts[1];
  return IsPlainWord(place) ? place : "that place";
}

// Returns the string member of that name; empty if there is none.
std::string StringIn(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  return found == json.end() || !found->is_string() ? ""
                                                    : found->get<std::string>();
}

}  // namespace

std::string_view NameOf(AlertKind kind) { return AlertKinds::Of(kind).name; }

std::optional<AlertKind> AlertKindNamed(std::string_view name) {
  return AlertKinds::Named(name);
}

absl::Span<const AlertKind> AllAlertKinds() { return AlertKinds::All(); }

Severity SeverityOf(AlertKind kind) { return AlertKinds::Of(kind).severity; }

Severity SeverityOf(const Alert& alert) {
  const Row& row = AlertKinds::Of(alert.kind);
  if (row.condition != "rotation" || row.severity != Severity::kWarning) {
    return row.severity;
  }
  if (NeedsPeopleNow(alert)) return Severity::kCritical;
  return alert.kind == AlertKind::kRotationDetected &&
                 FactOf(alert, "class") == "RE_ISSUE"
             ? Severity::kInfo
             : row.severity;
}

std::string_view NameOf(Severity severity) {
  return Severities::Of(severity).name;
}

std::string MeaningOf(const Alert& alert) {
  std::string meaning(AlertKinds::Of(alert.kind).meaning);
  if (alert.kind == AlertKind::kRotationDetected && NeedsPeopleNow(alert)) {
    absl::StrAppend(&meaning, ": people must decide, and instances of ",
                    PlaceOf(alert), " are refused once AWS signs with it");
  }
  return meaning;
}

std::string ManualOf(AlertKind kind) {
  const std::string_view name = NameOf(kind);
  return absl::StrCat(std::string(kAlertManual), "#",
                      absl::AsciiStrToLower({name.data(), name.size()}));
}

std::string CommandOf(const Alert& alert) {
  const Row& row = AlertKinds::Of(alert.kind);
  std::string command(row.command);
  const std::size_t begin = command.find('{');
  if (begin == command.npos) return command;
  const std::size_t end = command.find('}', begin);
  const std::string value =
      FactOf(alert, row.command.substr(begin + 1, end - begin - 1));
  if (IsPlainWord(value)) {
    return command.replace(begin, end + 1 - begin, value);
  }
  if (row.condition == "rotation") return "trustctl rotations list --open";
  return command.substr(0, command.find(" --"));
}

std::string AlertIdOf(const Alert& alert) {
  const Row& row = AlertKinds::Of(alert.kind);
  std::string id(row.condition);
  if (row.which.empty()) return id;
  const std::string which = FactOf(alert, row.which);
  return id + "/" +
         (IsPlainWord(which)
              ? which
              : "sha256-" +
                    verify::Sha256Hex(which.empty() ? alert.subject : which));
}

bool IsEnd(AlertKind kind) { return AlertKinds::Of(kind).says == Says::kEnds; }

bool HasEnd(AlertKind kind) {
  return AlertKinds::Of(kind).says == Says::kBegins;
}

bool IsReminder(AlertKind kind) { return AlertKinds::Of(kind).is_reminder; }

std::string_view AlsoEnds(AlertKind kind) {
  return kind == AlertKind::kStoreAccepted
             ? AlertKinds::Of(AlertKind::kStoreWentBack).condition
             : "";
}

std::vector<AlertKind> KindsAboutTheSame(AlertKind kind) {
  std::vector<AlertKind> kinds;
  for (const Row& row : kRows) {
    if (row.condition == AlertKinds::Of(kind).condition) {
      kinds.push_back(row.value);
    }
  }
  return kinds;
}

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

std::optional<StoredAlert> ReadAlertBody(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  StoredAlert stored;
  if (!absl::ParseTime(kTimeFormat, StringIn(json, "time"), &stored.alert.time,
                       nullptr)) {
    return std::nullopt;
  }
  stored.id = StringIn(json, "id");
  stored.kind = StringIn(json, "kind");
  const auto kind = AlertKindNamed(stored.kind);
  stored.is_known = kind.has_value();
  if (stored.is_known) stored.alert.kind = *kind;
  stored.alert.subject = StringIn(json, "subject");
  stored.alert.text = StringIn(json, "text");
  const auto facts = json.find("facts");
  if (facts != json.end() && facts->is_object()) {
    for (const auto& [name, value] : facts->items()) {
      if (value.is_string()) stored.alert.facts[name] = value;
    }
  }
  return stored;
}

}  // namespace anchorage::trustd
