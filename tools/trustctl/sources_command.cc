// trustctl sources list | poll

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "anchors/base/proto_time.h"
#include "proto/anchorage/v1/admin_service.grpc.pb.h"
#include "proto/anchorage/v1/audit_service.grpc.pb.h"
#include "tools/trustctl/admin_connection.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/rotations.h"
#include "tools/trustctl/terminal.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

constexpr absl::Duration kBetweenLooks = absl::Milliseconds(200);
// What one poll has opened at most that is told by number.
constexpr int kMostOpened = 200;

struct Flags {
  std::string name;
  bool wait = false;
  std::string timeout = "60s";
  AdminSource source;
  Output output;
};

std::string StandingOf(const v1::SourceStanding& standing) {
  return WithoutPrefix(v1::SourceStanding::State_Name(standing.state()),
                       "STATE_");
}

absl::StatusOr<v1::ListSourcesResponse> Ask(const AdminChannel& channel) {
  return CallAdmin<v1::AuditService>(
      channel, &v1::AuditService::Stub::ListSources, v1::ListSourcesRequest());
}

// --- list --------------------------------------------------------------------

ordered_json RowOf(const v1::SourceStanding& standing,
                   const v1::SourceHealth* health) {
  ordered_json row =
      health == nullptr ? ordered_json::object() : ToJson(*health);
  row.update(ToJson(standing));
  // Where it speaks is not known before it has answered.
  row["slots_of"] = standing.location().empty()
                        ? "-"
                        : absl::StrCat(standing.slots_seen(), " of ",
                                       standing.slots_pinned());
  return row;
}

ordered_json FactsOf(const v1::ListSourcesResponse& response) {
  std::map<std::string, const v1::SourceHealth*> health;
  for (const auto& one : response.sources()) health[one.source()] = &one;
  ordered_json facts = {{"sources", ordered_json::array()}};
  for (const auto& standing : response.standings()) {
    const auto known = health.find(standing.source());
    facts["sources"].push_back(
        RowOf(standing, known == health.end() ? nullptr : known->second));
  }
  return facts;
}

const Shape& ShapeOfSources() {
  static const auto* const shape =
      new Shape{.rows = "sources",
                .columns = {{"SOURCE", "/source"},
                            {"STATE", "/state"},
                            {"SLOTS", "/slots_of"},
                            {"LAST RIGHT", "/last_right_time"},
                            {"NEXT POLL", "/next_poll_time"},
                            {"OPEN", "/open_rotations"}},
                .name = "/source"};
  return *shape;
}

int List(const Flags& flags) {
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  const auto response = Ask(*channel);
  if (!response.ok()) return Fail(response.status());
  const ordered_json facts = FactsOf(*response);
  flags.output.Print(facts, ShapeOfSources(), [&] {
    std::cout << TextOfTable(facts, ShapeOfSources(),
                             {.headers = response->standings_size() > 0,
                              .width = WidthOfOutput(),
                              .colour = MayColour(STDOUT_FILENO)});
    for (const auto& standing : response->standings()) {
      if (standing.reason().empty()) continue;
      std::cout << Printable(standing.source()) << " is "
                << StandingOf(standing) << ": " << Printable(standing.reason())
                << "\n";
    }
    for (const auto& standing : response->standings()) {
      if (standing.location().empty()) continue;
      std::cout << Printable(standing.source()) << " reads "
                << Printable(standing.location()) << "\n";
    }
    std::cout << response->standings_size() << " sources, times in UTC\n";
  });
  return kAccepted;
}

// --- poll --------------------------------------------------------------------

// The sources that were asked for, once each of them has been polled since
// `asked`. DEADLINE_EXCEEDED.
absl::StatusOr<std::vector<v1::SourceStanding>> AwaitPoll(
    const AdminChannel& channel, const std::string& name, absl::Time asked,
    absl::Duration timeout) {
  const absl::Time until = absl::Now() + timeout;
  const Progress progress("waiting for the poll");
  while (true) {
    const auto response = Ask(channel);
    if (!response.ok()) return response.status();
    std::vector<v1::SourceStanding> polled;
    std::vector<std::string> waiting;
    for (const auto& standing : response->standings()) {
      if (standing.state() == v1::SourceStanding::STATE_REMOVED ||
          (!name.empty() && standing.source() != name)) {
        continue;
      }
      if (anchors::TimeOf(standing.last_poll_time()) >= asked) {
        polled.push_back(standing);
      } else {
        waiting.push_back(Printable(standing.source()));
      }
    }
    if (waiting.empty()) return polled;
    if (absl::Now() >= until) {
      return absl::DeadlineExceededError(absl::StrCat(
          "no answer of ", absl::StrJoin(waiting, ", "), " in ",
          absl::FormatDuration(timeout), "; it is still being polled"));
    }
    absl::SleepFor(kBetweenLooks);
  }
}

// The rotations that a source has opened since `time`, as it shows them now.
absl::StatusOr<std::vector<v1::Rotation>> OpenedSince(
    const AdminChannel& channel, const std::string& source, absl::Time time) {
  v1::ListRotationsRequest request;
  request.set_page_size(kMostOpened);
  anchors::SetTime(time, *request.mutable_from_time());
  const auto response = CallAdmin<v1::AuditService>(
      channel, &v1::AuditService::Stub::ListRotations, request);
  if (!response.ok()) return response.status();
  std::vector<v1::Rotation> opened;
  for (const v1::Rotation& rotation : response->rotations()) {
    const std::vector<std::string> sources =
        absl::StrSplit(rotation.source(), ", ");
    if (std::find(sources.begin(), sources.end(), source) != sources.end()) {
      opened.push_back(rotation);
    }
  }
  return opened;
}

// What a poll came to: FAILED, ROTATIONS or NOTHING_NEW.
ordered_json OutcomeOf(const v1::SourceStanding& standing,
                       const std::vector<v1::Rotation>& opened) {
  const bool failed = standing.state() == v1::SourceStanding::STATE_FAILING;
  ordered_json outcome = {{"source", standing.source()},
                          {"outcome", failed           ? "FAILED"
                                      : opened.empty() ? "NOTHING_NEW"
                                                       : "ROTATIONS"},
                          {"state", StandingOf(standing)},
                          {"reason", standing.reason()},
                          {"slots_seen", standing.slots_seen()},
                          {"slots_pinned", standing.slots_pinned()},
                          {"rotations", ordered_json::array()}};
  for (const v1::Rotation& rotation : opened) {
    outcome["rotations"].push_back({{"id", absl::StrCat(rotation.id())},
                                    {"rotation_class", ClassOf(rotation)},
                                    {"subject", SubjectOf(rotation)},
                                    {"state", StateOf(rotation)}});
  }
  return outcome;
}

void PrintOutcome(const ordered_json& outcome) {
  const auto text = [](const ordered_json& value) {
    return Printable(value.get<std::string>());
  };
  std::cout << text(outcome["source"]) << ": ";
  if (outcome["outcome"] == "FAILED") {
    std::cout << text(outcome["reason"]) << "\n";
    return;
  }
  std::cout << outcome["slots_seen"] << " slots of " << outcome["slots_pinned"]
            << " pinned, ";
  if (outcome["rotations"].empty()) {
    std::cout << "nothing new\n";
  } else {
    std::cout << outcome["rotations"].size() << " rotations opened:\n";
  }
  for (const ordered_json& rotation : outcome["rotations"]) {
    std::cout << "  " << text(rotation["id"]) << "  "
              << text(rotation["rotation_class"]) << "  "
              << text(rotation["subject"]) << "  " << text(rotation["state"])
              << "\n";
  }
  if (outcome["state"] == "DOUBTED") {
    std::cout << "  DOUBTED: " << text(outcome["reason"]) << "\n";
  }
}

int Wait(const Flags& flags, const AdminChannel& channel, absl::Time asked,
         absl::Duration timeout) {
  const auto polled = AwaitPoll(channel, flags.name, asked, timeout);
  if (!polled.ok()) return Fail(polled.status());
  ordered_json facts = {{"sources", ordered_json::array()}};
  bool failed = false;
  for (const v1::SourceStanding& standing : *polled) {
    const auto opened = OpenedSince(channel, standing.source(),
                                    anchors::TimeOf(standing.last_poll_time()));
    if (!opened.ok()) return Fail(opened.status());
    facts["sources"].push_back(OutcomeOf(standing, *opened));
    failed |= standing.state() == v1::SourceStanding::STATE_FAILING;
  }
  flags.output.Print(facts,
                     {.rows = "sources",
                      .columns = {{"SOURCE", "/source"},
                                  {"OUTCOME", "/outcome"},
                                  {"STATE", "/state"},
                                  {"ROTATIONS", "/rotations"}},
                      .name = "/source"},
                     [&] {
                       for (const auto& outcome : facts["sources"]) {
                         PrintOutcome(outcome);
                       }
                     });
  return failed ? kUndecided : kAccepted;
}

int Poll(const Flags& flags) {
  const auto timeout = ParseDuration(flags.timeout);
  if (!timeout.ok()) return UsageError(timeout.status());
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  v1::PollNowRequest request;
  request.set_source(flags.name);
  const auto response = CallAdmin<v1::AdminService>(
      *channel, &v1::AdminService::Stub::PollNow, request);
  if (!response.ok()) return Fail(response.status());
  if (flags.wait) {
    return Wait(flags, *channel, anchors::TimeOf(response->time()), *timeout);
  }
  flags.output.Print({{"source", flags.name}}, {.name = "/source"}, [&] {
    std::cout << (flags.name.empty() ? "all sources are" : flags.name + " is")
              << " being polled\n";
  });
  return kAccepted;
}

constexpr char kListFooter[] = R"(
    trustctl sources list
    trustctl sources list --output json

LAST RIGHT is when it last answered and nothing spoke against the answer; SLOTS are
those in which it shows a certificate, of those that are pinned where it speaks.
)";

constexpr char kPollFooter[] = R"(
    trustctl sources poll aws-docs
    trustctl sources poll aws-docs --wait

With --wait it ends with what the poll came to: nothing new, the rotations that it
opened, or why it failed (exit code 6, as where no answer comes in time).
)";

}  // namespace

void AddSources(CLI::App& sources, Action& action) {
  CLI::App& list = *sources.add_subcommand("list", "Say how they do");
  list.footer(kListFooter);
  auto list_flags = std::make_shared<Flags>();
  list_flags->source.AddTo(list);
  list_flags->output.AddWatchedTo(list);
  list.callback([list_flags, &action] {
    action = [list_flags] { return List(*list_flags); };
  });
  CLI::App& poll = *sources.add_subcommand("poll", "Poll one now");
  poll.footer(kPollFooter);
  auto poll_flags = std::make_shared<Flags>();
  poll.add_option("name", poll_flags->name, "which; all if it is left out");
  auto* wait =
      poll.add_flag("--wait", poll_flags->wait, "wait for what it comes to");
  poll.add_option("--timeout", poll_flags->timeout,
                  "how long to wait, such as 90s")
      ->needs(wait)
      ->capture_default_str();
  poll_flags->source.AddTo(poll);
  poll_flags->output.AddTo(poll);
  poll.callback([poll_flags, &action] {
    action = [poll_flags] { return Poll(*poll_flags); };
  });
}

}  // namespace anchorage::trustctl
