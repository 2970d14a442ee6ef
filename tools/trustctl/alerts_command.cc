// trustctl alerts list | ack

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/base/proto_time.h"
#include "proto/anchorage/v1/admin_service.grpc.pb.h"
#include "proto/anchorage/v1/alerts.pb.h"
#include "proto/anchorage/v1/audit_service.grpc.pb.h"
#include "tools/trustctl/admin_connection.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"

namespace anchorage::trustctl {
namespace {

struct ListFlags {
  AdminSource source;
  Output output;
};

struct AckFlags {
  std::string id;
  std::string until;
  std::string why;
  AdminSource source;
  Output output;
};

constexpr char kListFooter[] = R"(
    trustctl alerts list

An alert is open until trustd says that it is over, or for 7 days where it never
does.
)";
constexpr char kAckFooter[] = R"(
    trustctl alerts ack rotation/17 --until 2027-01-18T08:00:00Z \
        --why "AWS confirmed it; bob approves on Monday"
    trustctl alerts ack source/aws-docs --until 36h --why "their proxy"

Nobody is reminded of it until then. It stays open, and nothing is decided by it.
)";

const Shape kShape = {.rows = "alerts",
                      .columns = {{"ID", "/id"},
                                  {"SEVERITY", "/severity"},
                                  {"KIND", "/kind"},
                                  {"SUBJECT", "/subject"},
                                  {"SINCE", "/first_time"},
                                  {"LAST", "/last_time"},
                                  {"KNOWN BY", "/acknowledged_by"},
                                  {"UNTIL", "/acknowledged_until_time"},
                                  {"TYPE", "/command"}},
                      .name = "/id"};

std::string SeverityOf(const v1::OpenAlert& alert) {
  return WithoutPrefix(v1::AlertSeverity_Name(alert.severity()),
                       "ALERT_SEVERITY_");
}

nlohmann::ordered_json JsonOf(const v1::OpenAlert& alert) {
  nlohmann::ordered_json json = ToJson(alert);
  json["severity"] = SeverityOf(alert);
  return json;
}

void PrintAlert(const v1::OpenAlert& alert) {
  std::cout << SeverityOf(alert) << "  " << Printable(alert.kind()) << "  "
            << Printable(alert.subject()) << "\n    id "
            << Printable(alert.id()) << ", since "
            << Rfc3339(anchors::TimeOf(alert.first_time()));
  if (alert.first_time().SerializeAsString() !=
      alert.last_time().SerializeAsString()) {
    std::cout << ", again " << Rfc3339(anchors::TimeOf(alert.last_time()));
  }
  std::cout << "\n    " << Printable(alert.meaning()) << "\n"
            << PrintableLines(alert.text(), "      ");
  if (!alert.acknowledged_by().empty()) {
    std::cout << "    " << Printable(alert.acknowledged_by())
              << " knows, until "
              << Rfc3339(anchors::TimeOf(alert.acknowledged_until_time()))
              << ": " << Printable(alert.acknowledged_why()) << "\n";
  }
  std::cout << "    type: " << Printable(alert.command())
            << "\n    manual: " << Printable(alert.manual()) << "\n";
}

int List(const ListFlags& flags) {
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  const auto response = CallAdmin<v1::AuditService>(
      *channel, &v1::AuditService::Stub::ListAlerts, v1::ListAlertsRequest());
  if (!response.ok()) return Fail(response.status());
  nlohmann::ordered_json facts = {{"alerts", nlohmann::ordered_json::array()}};
  for (const v1::OpenAlert& alert : response->alerts()) {
    facts["alerts"].push_back(JsonOf(alert));
  }
  flags.output.Print(facts, kShape, [&] {
    for (const v1::OpenAlert& alert : response->alerts()) PrintAlert(alert);
    std::cout << response->alerts_size() << " alerts open\n";
  });
  return kAccepted;
}

// Reads a time, or how long from now.
absl::StatusOr<absl::Time> ReadUntil(const std::string& text) {
  if (const auto time = ParseRfc3339(text); time.ok()) return time;
  const auto duration = ParseDuration(text);
  if (duration.ok()) return absl::Now() + *duration;
  return absl::InvalidArgumentError(
      absl::StrCat("--until: '", text,
                   "' is no time such as 2027-01-18T08:00:00Z, nor a duration "
                   "from now such as 36h"));
}

int Acknowledge(const AckFlags& flags) {
  const auto until = ReadUntil(flags.until);
  if (!until.ok()) return UsageError(until.status());
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  v1::AcknowledgeAlertRequest request;
  request.set_id(flags.id);
  anchors::SetTime(*until, *request.mutable_until_time());
  request.set_why(flags.why);
  const auto response = CallAdmin<v1::AdminService>(
      *channel, &v1::AdminService::Stub::AcknowledgeAlert, request);
  if (!response.ok()) return Fail(response.status());
  const v1::OpenAlert& alert = response->alert();
  nlohmann::ordered_json facts = {
      {"alerts", nlohmann::ordered_json::array({JsonOf(alert)})}};
  flags.output.Print(facts, kShape, [&] {
    std::cout << "acknowledged  " << Printable(alert.id()) << " until "
              << Rfc3339(anchors::TimeOf(alert.acknowledged_until_time()))
              << "\n";
  });
  return kAccepted;
}

}  // namespace

void AddAlerts(CLI::App& alerts, Action& action) {
  CLI::App& list = *alerts.add_subcommand("list", "Say which are open");
  list.footer(kListFooter);
  auto list_flags = std::make_shared<ListFlags>();
  list_flags->source.AddTo(list);
  list_flags->output.AddWatchedTo(list);
  list.callback([list_flags, &action] {
    action = [list_flags] { return List(*list_flags); };
  });
  CLI::App& ack = *alerts.add_subcommand(
      "ack", "Say that you know: nobody is reminded for a while");
  ack.footer(kAckFooter);
  auto flags = std::make_shared<AckFlags>();
  ack.add_option("id", flags->id, "which, as 'alerts list' says")->required();
  ack.add_option("--until", flags->until,
                 "until when, within 30 days: RFC 3339, or 36h from now")
      ->required();
  ack.add_option("--why", flags->why, "why it can wait: goes on the record")
      ->required();
  flags->source.AddTo(ack);
  flags->output.AddTo(ack);
  ack.callback(
      [flags, &action] { action = [flags] { return Acknowledge(*flags); }; });
}

}  // namespace anchorage::trustctl
