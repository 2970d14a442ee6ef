#include "trustd/doctor_command.h"

#include <signal.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/base/check_lines.h"
#include "anchors/base/version.h"
#include "trustd/config.h"
#include "trustd/doctor/doctor.h"

namespace anchorage::trustd {
namespace {

using anchors::CheckLine;
using anchors::Mark;

constexpr int kGood = 0;
constexpr int kUsage = 1;

constexpr char kFooter[] = R"(
    trustd doctor --config /etc/trustd/trustd.yaml

Looks at everything that this trustd needs, whether or not it runs, and changes
nothing; as its user or as root, so that it sees all. "fail" is what keeps it
from starting, signing, serving or being reached, "warn" what it can live with,
"--" what there is nothing to look at for. trustd/doctor/README.md has each
line.

Exit codes: 0 no failure; 1 wrong usage, or with --strict a warning; 2 a failure.
)";

DoctorPlace PlaceOf(const Config& config) {
  DoctorPlace place{.publisher = PublisherConfigOf(config)};
  place.listeners.push_back({.setting = "listen_address",
                             .address = config.listen_address,
                             .certificate_path = config.tls_certificate_path,
                             .key_path = config.tls_key_path});
  place.listeners.push_back({.setting = "http_listen_address",
                             .address = config.http_listen_address});
  if (config.admin.has_value()) {
    place.listeners.push_back(
        {.setting = "admin",
         .address = config.admin->listen_address,
         .certificate_path = config.admin->tls_certificate_path,
         .key_path = config.admin->tls_key_path,
         .client_ca_path = config.admin->client_ca_path});
    if (config.admin->unix_socket.has_value()) {
      place.sockets.push_back(
          {"admin.unix_socket", config.admin->unix_socket->path});
    }
  }
  if (config.console.has_value()) {
    place.listeners.push_back(
        {.setting = "console",
         .address = config.console->listen_address,
         .certificate_path = config.console->tls_certificate_path,
         .key_path = config.console->tls_key_path,
         .client_ca_path = config.console->client_ca_path});
    if (!config.console->unix_socket.empty()) {
      place.sockets.push_back(
          {"console.unix_socket", config.console->unix_socket});
    }
    place.secrets.push_back(
        {"console.basic", config.console->password_hash_path});
  }
  for (const WebhookSettings& webhook : config.alerts.webhooks) {
    place.secrets.push_back({webhook.name, webhook.secret_path});
  }
  place.sources = config.sources;
  constexpr std::int64_t kForEverythingElse = 256;
  place.descriptors = kForEverythingElse + 2 * config.limits.connections +
                      config.limits.http_connections +
                      2 * config.limits.admin_connections;
  return place;
}

std::vector<CheckLine> LinesOf(const std::string& config_path) {
  const auto config = LoadConfig(config_path);
  if (!config.ok()) {
    return {{.id = "config",
             .mark = Mark::kFail,
             .reason = "CONFIG_INVALID",
             .hint = "the rest is looked at once the configuration can be read",
             .detail = std::string(config.status().message()),
             .exit_code = kDoctorFailed}};
  }
  std::vector<CheckLine> lines = {{.id = "config", .detail = config_path}};
  for (CheckLine& line : Diagnose(PlaceOf(*config), absl::Now())) {
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

CLI::App* AddDoctor(CLI::App& app, DoctorFlags& flags) {
  CLI::App* doctor = app.add_subcommand(
      "doctor", "See what keeps this trustd from its work; changes nothing");
  doctor->footer(kFooter);
  doctor->fallthrough();
  doctor->add_option("-o,--output", flags.output, "the form of the answer")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  doctor->add_flag("--strict", flags.strict, "end with 1 for a warning");
  return doctor;
}

int RunDoctor(const std::string& config_path, const DoctorFlags& flags) {
  // As the connections to sources want it.
  signal(SIGPIPE, SIG_IGN);
  const std::vector<CheckLine> lines = LinesOf(config_path);
  const Mark worst = anchors::WorstOf(lines);
  std::string text;
  if (flags.output == "json") {
    text =
        nlohmann::ordered_json{
            {"schema_version", 1},
            {"program", absl::StrCat("trustd ", anchors::kVersionAndCommit)},
            {"time", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(),
                                      absl::UTCTimeZone())},
            {"result", anchors::NameOf(worst)},
            {"checks", anchors::ToJson(lines)}}
            .dump(2) +
        "\n";
  } else {
    text = anchors::TextOf(lines);
  }
  std::fputs(text.c_str(), stdout);
  if (std::fflush(stdout) != 0) {
    std::fputs("trustd: error: cannot write to standard output\n", stderr);
    return kUsage;
  }
  if (worst == Mark::kFail) return kDoctorFailed;
  return worst == Mark::kWarn && flags.strict ? kUsage : kGood;
}

}  // namespace anchorage::trustd
