// Something of which people should be told, and how it is written for their
// machines.
//
//   const Alert alert{.kind = AlertKind::kRotationDetected,
//                     .time = now,
//                     .subject = "aws/eu-central-1/iid-rsa2048",
//                     .text = "another key is shown",
//                     .facts = {{"rotation", "17"}, {"class", "RE_KEY"}}};
//
// A kind's NAME is API: it keeps its meaning for ever and is never reused.
// Names may be added, so receivers treat one that they do not know as something
// to show to a person. `text` is for people: it may change, so never parse it.
// What a machine needs is in `facts`.

#ifndef ANCHORAGE_TRUSTD_ALERTS_ALERT_H_
#define ANCHORAGE_TRUSTD_ALERTS_ALERT_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"

namespace anchorage::trustd {

// The longest text of an alert; a longer one is cut: an alert says where to
// look, and is not an archive.
inline constexpr std::size_t kMaxAlertTextBytes = 8 * 1024;

enum class AlertKind {
  // A source shows a change that was not there before.
  kRotationDetected,
  // A change has waited for people for longer than the configuration allows.
  kRotationHeldTooLong,
  // A change is in the catalog that is being served.
  kRotationPublished,
  // A source can no longer be read.
  kSourceFailing,
  // A source that failed can be read again.
  kSourceRecovered,
  // The bundle that is served expires soon, and nobody has signed its
  // successor.
  kBundleEndsSoon,
  // The record of what was seen and decided was changed from outside.
  kLedgerDamaged,
  // Many instances say that they refuse genuine evidence.
  kFleetFailures,
  // The store is older than what was published from it: nothing is signed.
  kStoreWentBack,
  // A person has accepted a store that went back, and signing goes on.
  kStoreAccepted,
  // A root was published that removes who had signed the targets: clients drop
  // what those keys signed.
  kSignersRemoved,
  // A caller says that it has a newer timestamp than ours, but does not show
  // it.
  kNewerTimestampClaimed,
  // The bundle that is served is dated ahead of the clock here: clients refuse
  // it.
  kDatedAhead,
  // A person revoked or retired a key, or asked for one to be added or
  // reactivated.
  kAnchorChanged,
  // Approvals of a rotation are void: it would do something else now, or
  // whoever gave them may no longer decide.
  kApprovalsVoid,
  // The clock here was set, or the machine was suspended.
  kClockJumped,
  // A change is over without a catalog that has it: it was rejected or
  // withdrawn.
  kRotationEnded,
  // AWS lists a region for which no anchor is pinned.
  kRegionWithoutCertificate,

  kMaxValue = kRegionWithoutCertificate,
};

// How soon somebody should look: good to know, in the next working hours, now.
enum class Severity {
  kInfo,
  kWarning,
  kCritical,

  kMaxValue = kCritical,
};

struct Alert {
  AlertKind kind = AlertKind::kRotationDetected;
  absl::Time time;
  // What the alert is about: a slot, a source or a role.
  std::string subject;
  // For people; several lines are allowed.
  std::string text;
  // For machines, such as rotation, class, slot, source.
  std::map<std::string, std::string> facts;
};

// Returns the stable name, such as "ROTATION_DETECTED".
std::string_view NameOf(AlertKind kind);

// Returns the kind with that name; nullopt if there is none.
std::optional<AlertKind> AlertKindNamed(std::string_view name);

// Returns all kinds, in the order of the list.
absl::Span<const AlertKind> AllAlertKinds();

// Returns what alerts of the kind have, where nothing in them says otherwise.
Severity SeverityOf(AlertKind kind);

// Returns how soon somebody should look at this one: at a change that only
// people can publish, at night too; at one that has the key that is pinned,
// never.
Severity SeverityOf(const Alert& alert);

// Returns "info", "warning" or "critical".
std::string_view NameOf(Severity severity);

// Returns what the alert means: one sentence, without its full stop. Nothing
// that others wrote is in it but plain words.
std::string MeaningOf(const Alert& alert);

// Returns the section of the manual about alerts of the kind, where the package
// puts it: "/usr/share/doc/trustd/alerts/ALERTS.md#rotation_detected".
std::string ManualOf(AlertKind kind);
inline constexpr std::string_view kAlertManual =
    "/usr/share/doc/trustd/alerts/ALERTS.md";

// Returns what to type next, such as "trustctl rotations show 17". What others
// wrote is in it only where no shell reads it otherwise.
std::string CommandOf(const Alert& alert);

// Returns what names the thing that the alert is about, such as "rotation/17"
// or "source/aws-docs": later alerts about the same have the same id. At most
// kMaxAlertIdBytes of printable ASCII without spaces.
std::string AlertIdOf(const Alert& alert);
inline constexpr std::size_t kMaxAlertIdBytes = 180;

// Whether the kind says that what an id names is over.
bool IsEnd(AlertKind kind);

// Whether some kind says that what `kind` is about is over. Otherwise nobody
// ever does.
bool HasEnd(AlertKind kind);

// Whether alerts of the kind are repeated while their reason lasts, and are not
// given while a person knows.
bool IsReminder(AlertKind kind);

// Returns the id of something else that an alert of the kind ends; empty for
// none.
std::string_view AlsoEnds(AlertKind kind);

// Returns the kinds that have the same ids as `kind`, itself among them.
std::vector<AlertKind> KindsAboutTheSame(AlertKind kind);

// Returns the alert as it is kept until it is delivered: a JSON object in UTF-8
// with the strings id, kind, time (RFC 3339, UTC), subject and text, and the
// object facts, of strings. Bytes that are not UTF-8 become U+FFFD. `id` is of
// this one alert, and not AlertIdOf().
std::string AlertBody(const Alert& alert, std::string_view id);

// What AlertBody() wrote, perhaps by another version of trustd.
struct StoredAlert {
  std::string id;
  // The kind's name. `alert.kind` is meaningless where `is_known` is false.
  std::string kind;
  bool is_known = false;
  Alert alert;
};

// Reads what AlertBody() returned; nullopt for anything else.
std::optional<StoredAlert> ReadAlertBody(std::string_view body);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ALERTS_ALERT_H_
