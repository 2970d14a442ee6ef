// How much processor time trustctl takes as a whole process, from its start to
// its end: what it costs to call it from a script.

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "test/bench/ratio.h"
#include "test/bench/report.h"

namespace anchorage::bench {
namespace {

constexpr double kMaxMilliseconds = 25;
constexpr int kRuns = 20;
constexpr char kDocuments[] = "test/vectors/real/";

// The program stands beside this one in the build's output.
std::string TrustctlBeside(const std::string& self) {
  constexpr std::string_view kOurs = "test/bench/trustctl_bench";
  const std::size_t at = self.rfind(kOurs);
  if (at == self.npos)
    Fail("started by another name than " + std::string(kOurs));
  return self.substr(0, at) + "tools/trustctl/trustctl";
}

double Milliseconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) * 1e3 +
         static_cast<double>(time.tv_usec) * 1e-3;
}

// Runs the program without output and returns its user and system time. It
// must end with 0.
double CpuOf(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null",
                                   O_WRONLY, 0);
  pid_t child = 0;
  const int error = posix_spawn(&child, arguments[0], &actions, nullptr,
                                arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  rusage usage{};
  if (error != 0 || wait4(child, &status, 0, &usage) != child) {
    Fail("cannot run " + command[0]);
  }
  if (status != 0) Fail(command[0] + " did not end with 0");
  return Milliseconds(usage.ru_utime) + Milliseconds(usage.ru_stime);
}

Report::Line Measure(std::string name, const std::vector<std::string>& command,
                     std::optional<double> bound) {
  std::vector<double> times;
  for (int i = 0; i < kRuns; ++i) times.push_back(CpuOf(command));
  const double median = Median(times);
  Report::Line line{.name = std::move(name),
                    .measured = absl::StrFormat("%.1f", median)};
  if (bound.has_value()) {
    line.goal = absl::StrFormat("<= %.1f", *bound);
    line.met = median <= *bound;
  }
  return line;
}

int Main(const std::string& self, const Options& options) {
  const std::string trustctl = TrustctlBeside(self);
  const std::string identity =
      std::string(kDocuments) + "iid/apse2-2026-ts-verify/rsa2048.b64";
  const std::string attestation =
      std::string(kDocuments) + "nitro-tpm/live-usw2-i-000fa553.cbor";
  Report report("trustctl, a whole process", "CPU ms");
  report.Add(
      Measure("verify identity",
              {trustctl, "verify", "identity", "--rsa2048", identity, "--any"},
              kMaxMilliseconds));
  report.Add(
      Measure("verify attestation",
              {trustctl, "verify", "attestation", "--document", attestation,
               "--type", "nitrotpm", "--any", "--at-document-time"},
              std::nullopt));
  report.Add(Measure("--version: loading and linking alone",
                     {trustctl, "--version"}, std::nullopt));
  return report.Finish(options);
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  return anchorage::bench::Main(argv[0],
                                anchorage::bench::ParseOptions(argc, argv));
}
