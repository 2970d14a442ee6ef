// trustctl sources list | poll

#include <iomanip>
#include <iostream>
#include <memory>
#include <string>

#include "anchors/base/proto_time.h"
#include "proto/anchorage/v1/admin_service.grpc.pb.h"
#include "proto/anchorage/v1/audit_service.grpc.pb.h"
#include "tools/trustctl/admin_connection.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"

namespace anchorage::trustctl {
namespace {

struct Flags {
  std::string name;
  AdminSource source;
  OutputOption output;
};

constexpr char kFooter[] = R"(
    trustctl sources list --server trustd:7444 --client-cert alice.pem \
        --client-key alice.key
    trustctl sources poll aws-docs --server ...
)";

void PrintLine(const v1::SourceHealth& health) {
  std::cout << std::left << std::setw(20) << Printable(health.source()) << "  "
            << std::setw(10) << (health.failures() == 0 ? "WORKING" : "FAILING")
            << "  last read "
            << (health.has_last_success_time()
                    ? Rfc3339(anchors::TimeOf(health.last_success_time()))
                    : "never")
            << "  slots " << health.slots() << "  unchanged "
            << health.unchanged();
  if (health.failures() > 0) {
    // A detail may begin with the name itself.
    const bool is_named = health.detail().starts_with(health.failure());
    std::cout << "  failed " << health.failures() << " times: "
              << Printable(is_named ? "" : health.failure() + ": ")
              << Printable(health.detail());
  }
  std::cout << "\n";
}

int List(const Flags& flags) {
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  const auto response = CallAdmin<v1::AuditService>(
      *channel, &v1::AuditService::Stub::ListSources, v1::ListSourcesRequest());
  if (!response.ok()) return Fail(response.status());
  if (flags.output.json()) {
    nlohmann::ordered_json json = {
        {"sources", nlohmann::ordered_json::array()}};
    for (const auto& health : response->sources()) {
      json["sources"].push_back(ToJson(health));
    }
    std::cout << json.dump(2) << "\n";
    return kAccepted;
  }
  for (const auto& health : response->sources()) PrintLine(health);
  std::cout << response->sources_size() << " sources\n";
  return kAccepted;
}

int Poll(const Flags& flags) {
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  v1::PollNowRequest request;
  request.set_source(flags.name);
  const auto response = CallAdmin<v1::AdminService>(
      *channel, &v1::AdminService::Stub::PollNow, request);
  if (!response.ok()) return Fail(response.status());
  if (flags.output.json()) {
    std::cout << nlohmann::ordered_json{{"source", flags.name}}.dump(2) << "\n";
  } else {
    std::cout << (flags.name.empty() ? "all sources are" : flags.name + " is")
              << " being polled\n";
  }
  return kAccepted;
}

}  // namespace

void AddSources(CLI::App& sources, Action& action) {
  CLI::App& list = *sources.add_subcommand("list", "Say how they do");
  list.footer(kFooter);
  auto list_flags = std::make_shared<Flags>();
  list_flags->source.AddTo(list);
  list_flags->output.AddTo(list);
  list.callback([list_flags, &action] {
    action = [list_flags] { return List(*list_flags); };
  });
  CLI::App& poll = *sources.add_subcommand("poll", "Poll one now");
  poll.footer(kFooter);
  auto poll_flags = std::make_shared<Flags>();
  poll.add_option("name", poll_flags->name, "which; all if it is left out");
  poll_flags->source.AddTo(poll);
  poll_flags->output.AddTo(poll);
  poll.callback([poll_flags, &action] {
    action = [poll_flags] { return Poll(*poll_flags); };
  });
}

}  // namespace anchorage::trustctl
