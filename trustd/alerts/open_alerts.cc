#include "trustd/alerts/open_alerts.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

constexpr char kPrefix[] = "open-alert/";

std::string KeyOf(const std::string& id) { return absl::StrCat(kPrefix, id); }

v1::AlertSeverity ToProto(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return v1::ALERT_SEVERITY_INFO;
    case Severity::kWarning:
      return v1::ALERT_SEVERITY_WARNING;
    case Severity::kCritical:
      return v1::ALERT_SEVERITY_CRITICAL;
  }
  return v1::ALERT_SEVERITY_UNSPECIFIED;
}

absl::Time LastOf(const v1::OpenAlert& alert) {
  return anchors::TimeOf(alert.last_time());
}

bool IsOpenAt(const v1::OpenAlert& alert, absl::Time now) {
  const auto kind = AlertKindNamed(alert.kind());
  const bool has_end = kind.has_value() && HasEnd(*kind);
  return now - LastOf(alert) < (has_end ? kOpenUntilEnd : kOpenAlone);
}

// Returns the text in UTF-8, lines kept, with everything visible.
std::string Visible(std::string_view text, std::size_t most) {
  std::string visible;
  while (!text.empty() && visible.size() < most) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (!visible.empty()) visible.push_back('\n');
    visible +=
        verify::Printable(text.substr(0, end), most - visible.size() + 3);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return visible;
}

}  // namespace

absl::StatusOr<std::unique_ptr<OpenAlerts>> OpenAlerts::Open(Store& store) {
  std::unique_ptr<OpenAlerts> open(new OpenAlerts());
  const absl::Status status = store.Scan(
      kPrefix, [&](std::string_view key,
                   std::string_view value) ABSL_NO_THREAD_SAFETY_ANALYSIS {
        v1::OpenAlert alert;
        if (alert.ParseFromArray(value.data(),
                                 static_cast<int>(value.size())) &&
            KeyOf(alert.id()) == absl::string_view(key.data(), key.size())) {
          open->open_[alert.id()] = alert;
        }
        return open->open_.size() < kMaxOpenAlerts;
      });
  if (!status.ok()) return status;
  return open;
}

std::string OpenAlerts::Displaced(const std::string& id) const {
  if (open_.size() < kMaxOpenAlerts || open_.count(id) != 0) return "";
  return std::min_element(open_.begin(), open_.end(),
                          [](const auto& a, const auto& b) {
                            return LastOf(a.second) < LastOf(b.second);
                          })
      ->first;
}

v1::OpenAlert OpenAlerts::MessageOf(const Alert& alert) const {
  v1::OpenAlert message;
  message.set_id(AlertIdOf(alert));
  message.set_kind(std::string(NameOf(alert.kind)));
  message.set_severity(ToProto(SeverityOf(alert)));
  message.set_subject(verify::Printable(alert.subject, kMaxOpenFactBytes));
  message.set_text(Visible(alert.text, kMaxOpenTextBytes));
  for (const auto& [name, value] : alert.facts) {
    if (message.facts().size() == kMaxOpenFacts) break;
    (*message.mutable_facts())[verify::Printable(name, kMaxOpenFactBytes)] =
        verify::Printable(value, kMaxOpenFactBytes);
  }
  message.set_meaning(MeaningOf(alert));
  message.set_command(CommandOf(alert));
  message.set_manual(ManualOf(alert.kind));
  anchors::SetTime(alert.time, *message.mutable_last_time());
  *message.mutable_first_time() = message.last_time();
  const auto before = open_.find(message.id());
  // One that was open long ago is another.
  if (before != open_.end() && IsOpenAt(before->second, alert.time)) {
    *message.mutable_first_time() = before->second.first_time();
  }
  return message;
}

void OpenAlerts::Add(const Alert& alert, StoreBatch& batch) const {
  const std::string id = AlertIdOf(alert);
  const absl::MutexLock lock(&mutex_);
  if (IsEnd(alert.kind)) {
    // It may have begun in the same batch.
    batch.Delete(KeyOf(id));
    return;
  }
  if (const std::string other(AlsoEnds(alert.kind)); !other.empty()) {
    batch.Delete(KeyOf(other));
  }
  if (const std::string gone = Displaced(id); !gone.empty()) {
    batch.Delete(KeyOf(gone));
  }
  batch.Put(KeyOf(id), MessageOf(alert).SerializeAsString());
}

void OpenAlerts::Committed(const Alert& alert) {
  const std::string id = AlertIdOf(alert);
  const absl::MutexLock lock(&mutex_);
  if (IsEnd(alert.kind)) {
    open_.erase(id);
    return;
  }
  open_.erase(std::string(AlsoEnds(alert.kind)));
  if (const std::string gone = Displaced(id); !gone.empty()) open_.erase(gone);
  open_[id] = MessageOf(alert);
}

std::map<v1::AlertSeverity, int> OpenAlerts::CountAt(absl::Time now) const {
  std::map<v1::AlertSeverity, int> counts = {{v1::ALERT_SEVERITY_INFO, 0},
                                             {v1::ALERT_SEVERITY_WARNING, 0},
                                             {v1::ALERT_SEVERITY_CRITICAL, 0}};
  const absl::MutexLock lock(&mutex_);
  for (const auto& [id, alert] : open_) {
    if (IsOpenAt(alert, now)) ++counts[alert.severity()];
  }
  return counts;
}

std::vector<v1::OpenAlert> OpenAlerts::List(absl::Time now) const {
  std::vector<v1::OpenAlert> list;
  {
    const absl::MutexLock lock(&mutex_);
    for (const auto& [id, alert] : open_) {
      if (IsOpenAt(alert, now)) list.push_back(alert);
    }
  }
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    if (a.severity() != b.severity()) return a.severity() > b.severity();
    return LastOf(a) > LastOf(b);
  });
  return list;
}

}  // namespace anchorage::trustd
