// trustd: serves signed bundles of the keys that AWS evidence is verified
// with. The manual is trustd/README.md.

#include <signal.h>
#include <spdlog/spdlog.h>
#include <string.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/base/no_throw.h"
#include "anchors/base/proto_to_yaml.h"
#include "anchors/base/version.h"
#include "trustd/base/log.h"
#include "trustd/base/systemd.h"
#include "trustd/config.h"
#include "trustd/config_manual.h"
#include "trustd/doctor_command.h"
#include "trustd/mirror/replay.h"
#include "trustd/restore_command.h"
#include "trustd/rpc/grpc_log.h"
#include "trustd/service.h"
#include "trustd/sources/source_config.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

constexpr char kFooter[] = R"(
trustd mirrors and pins the keys that AWS signs identity evidence with, and
serves them as signed bundles. Example of a configuration file:

    data_dir: /var/lib/trustd
    mode: MODE_ONLINE
    listen_address: 127.0.0.1:7443

All settings: 'trustd explain', and 'trustd explain rotations.overlap' for one.
Signals: SIGTERM and SIGINT stop it after the calls under way; SIGHUP has it
read the configuration again, of which sources, alerts, releases and the log's
level count at once.

With --replay, nothing is run: it says what the `rotations` of another
configuration would have decided about what is on the record of a store.

Exit codes: 0 stopped as asked; 1 wrong usage or configuration, or it could
not start (the message says why and what to do).
)";

// Blocks the signals that stop trustd in every thread, so that one place waits
// for them.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "trustd: error: %s\n",
               verify::Printable(std::string(status.message())).c_str());
  return 1;
}

// What `systemctl status` shows.
std::string StatusOf(const Service& service) {
  std::string status = absl::StrCat("serving on ", service.address());
  if (!service.http_address().empty()) {
    absl::StrAppend(&status, ", HTTP on ", service.http_address());
  }
  if (!service.admin_address().empty()) {
    absl::StrAppend(&status, ", people on ", service.admin_address());
  }
  return status;
}

// Reads the configuration again. Errors are logged and change nothing.
void Reload(const std::string& path, Service& service) {
  const auto config = LoadConfig(path);
  if (!config.ok()) {
    spdlog::error("not reloaded: {}", std::string(config.status().message()));
    return;
  }
  const auto fixed = service.Reload(*config);
  if (!fixed.ok()) {
    spdlog::error("not reloaded: {}", std::string(fixed.status().message()));
    return;
  }
  SetLogLevel(config->log_level);
  spdlog::info("reloaded {}, SHA-256 {}", path, config->sha256);
  for (const std::string& name : *fixed) {
    spdlog::warn("'{}' has changed and takes effect at the next start", name);
  }
}

int Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return std::fflush(stdout) == 0
             ? 0
             : Fail(absl::UnavailableError("cannot write to standard output"));
}

// Prints what can be set: one setting, or all of them.
int Explain(const std::string& setting, bool as_page) {
  const ConfigManual manual;
  if (as_page) return Print(manual.Page());
  if (setting.empty()) return Print(manual.List());
  const auto text = manual.Explain(setting);
  return text.ok() ? Print(*text) : Fail(text.status());
}

// Prints a configuration with every default filled in. Its paths are absolute,
// so that it says the same in any folder.
int PrintConfig(const std::string& path) {
  const auto config = LoadConfig(std::filesystem::absolute(path).string());
  if (!config.ok()) return Fail(config.status());
  return Print(anchors::WriteYaml(config->effective));
}

// Prints what the rotations of another configuration would have decided.
int RunReplay(const std::string& store, const std::string& policy) {
  const auto config = LoadConfig(policy);
  if (!config.ok()) return Fail(config.status());
  const auto replay = ReplayStore(
      store,
      {.rotations = config->rotations, .families = FamiliesOf(config->sources)},
      absl::Now());
  if (!replay.ok()) return Fail(replay.status());
  return Print(ToText(*replay, policy));
}

int Main(int argc, char** argv) {
  CLI::App app{"Serves signed bundles of AWS's trust anchors over gRPC."};
  app.footer(kFooter);
  app.set_version_flag("--version",
                       std::string("trustd ") + anchors::kVersionAndCommit);
  std::string config_path;
  bool check_only = false;
  bool print_config = false;
  bool json_schema = false;
  std::string replayed_store;
  std::string policy_path;
  auto* config_option =
      app.add_option("-c,--config", config_path, "configuration file (YAML)");
  app.add_flag("--check-config", check_only,
               "read and check the configuration, then exit")
      ->needs(config_option);
  app.add_flag("--print-config", print_config,
               "print the configuration with every default, then exit")
      ->needs(config_option);
  app.add_flag("--json-schema", json_schema,
               "print the JSON schema of the configuration, for editors, then "
               "exit")
      ->excludes(config_option);
  std::string setting;
  bool as_page = false;
  CLI::App* explain = app.add_subcommand(
      "explain", "say what can be set, with limits and defaults");
  explain->add_option(
      "SETTING", setting,
      "such as sources[].interval; by default all, a line each");
  explain->add_flag("--markdown", as_page, "print the page of all settings");
  auto* replay_option =
      app.add_option("--replay", replayed_store,
                     "the folder 'store' of a data_dir, or a copy of it: say "
                     "what --policy would have decided, then exit")
          ->excludes(config_option);
  auto* policy_option =
      app.add_option("--policy", policy_path,
                     "with --replay: the configuration whose 'rotations' count")
          ->needs(replay_option);
  replay_option->needs(policy_option);
  RestoreFlags restore_flags;
  const CLI::App* const restore = AddRestore(app, restore_flags);
  DoctorFlags doctor_flags;
  const CLI::App* const doctor = AddDoctor(app, doctor_flags);
  try {
    app.parse(argc, argv);
    if (!explain->parsed() && !json_schema && config_option->count() == 0 &&
        replay_option->count() == 0) {
      throw CLI::RequiredError("--config");
    }
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  }

  if (explain->parsed()) return Explain(setting, as_page);
  if (json_schema) return Print(ConfigManual().JsonSchema());
  if (print_config) return PrintConfig(config_path);
  if (replay_option->count() != 0) {
    return RunReplay(replayed_store, policy_path);
  }
  if (doctor->parsed()) return RunDoctor(config_path, doctor_flags);
  const auto config = LoadConfig(config_path);
  if (!config.ok()) return Fail(config.status());
  if (restore->parsed()) {
    const absl::Status restored = RunRestore(*config, restore_flags);
    return restored.ok() ? 0 : Fail(restored);
  }
  if (check_only) {
    std::printf("trustd: %s is good\n", config_path.c_str());
    return 0;
  }
  SetUpLog(config->log_level, config->log_format);
  SendGrpcLogToOurs();
  spdlog::info("trustd {} starts with {}, SHA-256 {}",
               anchors::kVersionAndCommit, config_path, config->sha256);
  const sigset_t signals = BlockSignals();
  auto service = Service::Start(*config, [] { return absl::Now(); });
  if (!service.ok()) return Fail(service.status());
  std::optional<Watchdog> watchdog(
      std::in_place, [&service] { return (*service)->CheckLive(); });
  const std::string status = StatusOf(**service);
  TellReady(status);
  int signal_number = 0;
  while (true) {
    sigwait(&signals, &signal_number);
    if (signal_number != SIGHUP) break;
    TellReloading();
    const absl::Status caught = anchors::NoThrow([&] {
      Reload(config_path, **service);
      return absl::OkStatus();
    });
    if (!caught.ok()) {
      spdlog::error("not reloaded: {}", std::string(caught.message()));
    }
    TellReady(status);
  }
  TellStopping();
  // What stops may hang for as long as the unit says.
  watchdog.reset();
  spdlog::info("stopping: {}", strsignal(signal_number));
  (*service)->Stop();
  spdlog::info("stopped");
  return 0;
}

}  // namespace
}  // namespace anchorage::trustd

// The system may refuse threads and memory, which the libraries report by
// exceptions.
int main(int argc, char** argv) {
  try {
    return anchorage::trustd::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "trustd: error: %s\n", error.what());
    return 1;
  }
}
