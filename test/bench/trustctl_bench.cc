// What trustctl costs as a whole process, from its start to its end, in terms
// of `openssl version`: what it is to call it from a script.
//
// The program is the one that others get. Each of its runs stands behind one of
// openssl, and what counts are the medians of user and system time together.

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "test/bench/ratio.h"
#include "test/bench/report.h"

namespace anchorage::bench {
namespace {

using Command = std::vector<std::string>;

constexpr char kDocuments[] = "test/vectors/real/";
constexpr int kMaxLibraries = 10;
constexpr double kMaxResidentMib = 12;

// The program stands beside this one in the build's output.
std::string TrustctlBeside(const std::string& self) {
  constexpr std::string_view kOurs = "test/bench/trustctl_bench";
  const std::size_t at = self.rfind(kOurs);
  if (at == self.npos)
    Fail("started by another name than " + std::string(kOurs));
  return self.substr(0, at) + "tools/trustctl/for_others/trustctl";
}

double Milliseconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) * 1e3 +
         static_cast<double>(time.tv_usec) * 1e-3;
}

// Runs the program without output. It must end with 0.
rusage Run(const Command& command) {
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
  const int error = posix_spawnp(&child, arguments[0], &actions, nullptr,
                                 arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  rusage usage{};
  if (error != 0 || wait4(child, &status, 0, &usage) != child) {
    Fail("cannot run " + command[0]);
  }
  if (status != 0) Fail(command[0] + " did not end with 0");
  return usage;
}

// Medians of many runs.
class Costs {
 public:
  void Add(const rusage& usage) {
    milliseconds_.push_back(Milliseconds(usage.ru_utime) +
                            Milliseconds(usage.ru_stime));
    faults_.push_back(static_cast<double>(usage.ru_minflt));
    resident_mib_.push_back(static_cast<double>(usage.ru_maxrss) / 1024);
  }
  double milliseconds() const { return Median(milliseconds_); }
  double resident_mib() const { return Median(resident_mib_); }
  double faults() const { return Median(faults_); }

 private:
  std::vector<double> milliseconds_;
  std::vector<double> faults_;
  std::vector<double> resident_mib_;
};

Report::Line LineOf(std::string_view name, const Costs& costs) {
  return {.name = absl::StrFormat("%s, %.0f page faults", std::string(name),
                                  costs.faults()),
          .absolute = absl::StrFormat("%.1f ms", costs.milliseconds())};
}

Report::Line AtMost(Report::Line line, double measured, double bound) {
  line.measured = absl::StrFormat("%.2f", measured);
  line.goal = absl::StrFormat("<= %g", bound);
  line.met = measured <= bound;
  return line;
}

// With what the loader makes of itself and of the kernel's page.
int LibrariesOf(const std::string& program) {
  std::FILE* const pipe =
      popen(("LD_TRACE_LOADED_OBJECTS=1 '" + program + "'").c_str(), "r");
  if (pipe == nullptr) Fail("cannot run " + program);
  int lines = 0;
  for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) lines += c == '\n';
  if (pclose(pipe) != 0) Fail(program + " cannot be loaded");
  return lines;
}

int Main(const std::string& self, const Options& options) {
  const std::string trustctl = TrustctlBeside(self);
  const std::string identity =
      std::string(kDocuments) + "iid/apse2-2026-ts-verify/rsa2048.b64";
  const std::string attestation =
      std::string(kDocuments) + "nitro-tpm/live-usw2-i-000fa553.cbor";
  struct Case {
    const char* name;
    Command command;
    double bound;
    Costs ours = {};
    Costs openssl = {};
  };
  Case cases[] = {
      {"verify identity",
       {trustctl, "verify", "identity", "--rsa2048", identity, "--any"},
       2.5},
      {"verify attestation",
       {trustctl, "verify", "attestation", "--document", attestation, "--type",
        "nitrotpm", "--any", "--at-document-time"},
       2.5},
      {"--version", {trustctl, "--version"}, 1.4}};
  for (int round = 0; round < options.rounds; ++round) {
    for (Case& one : cases) {
      one.openssl.Add(Run({"openssl", "version"}));
      one.ours.Add(Run(one.command));
    }
  }
  Report report("trustctl, a whole process", "of `openssl version`");
  report.Add(LineOf("openssl version", cases[0].openssl));
  for (const Case& one : cases) {
    report.Add(AtMost(LineOf(one.name, one.ours),
                      one.ours.milliseconds() / one.openssl.milliseconds(),
                      one.bound));
  }
  report.Add(AtMost({.name = "shared libraries"}, LibrariesOf(trustctl),
                    kMaxLibraries));
  report.Add(AtMost({.name = "resident, MiB"}, cases[0].ours.resident_mib(),
                    kMaxResidentMib));
  return report.Finish(options);
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  return anchorage::bench::Main(argv[0],
                                anchorage::bench::ParseOptions(argc, argv));
}
