// trustctl fleet show

#include <iomanip>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "anchors/base/proto_time.h"
#include "proto/anchorage/v1/audit_service.grpc.pb.h"
#include "tools/trustctl/admin_connection.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"

namespace anchorage::trustctl {
namespace {

struct Flags {
  int windows = 0;
  AdminSource source;
  Output output;
};

constexpr char kFooter[] = R"(
    trustctl fleet show

Nothing of it is proved: whoever has many addresses can report what they like.
)";

using Shares = google::protobuf::RepeatedPtrField<v1::FleetShare>;

std::string ShareOf(std::uint64_t senders, const v1::FleetWindow& window) {
  if (window.senders() == 0) return "-";
  return absl::StrFormat("%.1f%%", 100.0 * static_cast<double>(senders) /
                                       static_cast<double>(window.senders()));
}

void PrintShares(const char* name, const Shares& shares) {
  if (shares.empty()) return;
  std::cout << "    " << name;
  const char* before = " ";
  for (const v1::FleetShare& share : shares) {
    std::cout << before << Printable(share.value()) << ": " << share.senders();
    before = ", ";
  }
  std::cout << "\n";
}

void PrintFailure(const v1::FleetFailure& failure,
                  const v1::FleetWindow& window) {
  std::cout << "  " << Printable(failure.slot()) << ": " << failure.senders()
            << " senders (" << ShareOf(failure.senders(), window)
            << ") refuse what may be genuine"
            << (failure.alerted() ? ", alerted" : "") << "\n";
  PrintShares("reasons", failure.reasons());
  PrintShares("versions", failure.versions());
  PrintShares("sequences", failure.sequences());
  PrintShares("called", failure.names());
}

void Print(const v1::FleetWindow& window) {
  std::cout << Rfc3339(anchors::TimeOf(window.begin_time())) << " to "
            << (window.has_end_time()
                    ? Rfc3339(anchors::TimeOf(window.end_time()))
                    : "now")
            << ": " << window.senders() << " senders, " << window.reports()
            << " reports\n";
  for (const v1::FleetFailure& failure : window.failures()) {
    PrintFailure(failure, window);
  }
  for (const v1::FleetRow& row : window.rows()) {
    std::cout << "  " << std::left << std::setw(32) << Printable(row.slot())
              << "  " << std::setw(24) << Printable(row.reason()) << "  "
              << std::right << std::setw(8) << row.senders() << " senders  "
              << std::setw(6) << ShareOf(row.senders(), window) << "  "
              << row.outcomes() << " outcomes\n";
  }
  if (window.senders() == 0) return;
  std::cout << "  all senders\n";
  PrintShares("versions", window.versions());
  PrintShares("sequences", window.sequences());
}

int Show(const Flags& flags) {
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  v1::GetFleetRequest request;
  request.set_windows(flags.windows);
  const auto response = CallAdmin<v1::AuditService>(
      *channel, &v1::AuditService::Stub::GetFleet, request);
  if (!response.ok()) return Fail(response.status());
  nlohmann::ordered_json json = {{"windows", nlohmann::ordered_json::array()}};
  for (const auto& window : response->windows()) {
    json["windows"].push_back(ToJson(window));
  }
  flags.output.Print(json,
                     {.rows = "windows",
                      .columns = {{"BEGIN", "/begin_time"},
                                  {"END", "/end_time"},
                                  {"SENDERS", "/senders"},
                                  {"REPORTS", "/reports"},
                                  {"SLOTS FAILING", "/failures"}},
                      .name = "/begin_time"},
                     [&] {
                       for (const auto& window : response->windows()) {
                         Print(window);
                       }
                     });
  return kAccepted;
}

}  // namespace

void AddFleet(CLI::App& fleet, Action& action) {
  CLI::App& show = *fleet.add_subcommand(
      "show", "Say what instances report, by windows of time");
  show.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  show.add_option("--windows", flags->windows,
                  "how many, the newest first; the one under way and the one "
                  "before it if it is left out")
      ->check(CLI::Range(1, 169));
  flags->source.AddTo(show);
  flags->output.AddWatchedTo(show);
  show.callback(
      [flags, &action] { action = [flags] { return Show(*flags); }; });
}

}  // namespace anchorage::trustctl
