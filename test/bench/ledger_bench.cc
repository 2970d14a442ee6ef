// What it takes to find something in a record of 100,000: `trustctl ledger
// search` as a whole process, from its start to its end, with TLS and gRPC to a
// listener for people; and the same in terms of `ledger export`, which reads
// all of it.

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/base/atomic_file.h"
#include "test/bench/published.h"
#include "test/bench/ratio.h"
#include "test/bench/report.h"
#include "test/bench/ten_years.h"
#include "test/support/test_authority.h"
#include "trustd/admin/admin_server.h"

namespace anchorage::bench {
namespace {

constexpr std::uint64_t kRecords = 100'000;
constexpr double kMaxSearchMilliseconds = 300;
constexpr int kSearches = 15;

// The program stands beside this one in the build's output.
std::string TrustctlBeside(const std::string& self) {
  constexpr std::string_view kOurs = "test/bench/ledger_bench";
  const std::size_t at = self.rfind(kOurs);
  if (at == self.npos)
    Fail("started by another name than " + std::string(kOurs));
  return self.substr(0, at) + "tools/trustctl/trustctl";
}

struct Cost {
  double wall_milliseconds = 0;
  double cpu_milliseconds = 0;
};

double Milliseconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) * 1e3 +
         static_cast<double>(time.tv_usec) * 1e-3;
}

// Runs the program without output. It must end with 0.
Cost Run(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null",
                                   O_WRONLY, 0);
  const absl::Time start = absl::Now();
  pid_t child = 0;
  const int error = posix_spawn(&child, arguments[0], &actions, nullptr,
                                arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  rusage usage{};
  if (error != 0 || wait4(child, &status, 0, &usage) != child || status != 0) {
    Fail(command[0] + " " + command[2] + " did not end with 0");
  }
  return {absl::ToDoubleMilliseconds(absl::Now() - start),
          Milliseconds(usage.ru_utime) + Milliseconds(usage.ru_stime)};
}

// A listener for people of a trustd with that record, and the flags by which
// one of them asks it.
class People {
 public:
  People(const std::string& folder, trustd::Mirror& mirror) {
    const trustd::TestAuthority authority("people");
    const auto own = authority.Issue({.names = {"trustd"},
                                      .alternative_names = "IP:127.0.0.1",
                                      .purpose = "serverAuth"});
    const auto alice = authority.Issue({.names = {"alice"}});
    const auto write = [&](const std::string& name, const std::string& text) {
      if (!anchors::WriteFileAtomically(folder + name, text,
                                        anchors::FileAccess::kPrivate)
               .ok()) {
        Fail("cannot write " + folder + name);
      }
    };
    write("/ca.pem", authority.pem());
    write("/own.pem", own.certificate);
    write("/own.key", own.key);
    write("/alice.pem", alice.certificate);
    write("/alice.key", alice.key);
    trustd::AdminSettings settings;
    settings.listen_address = "127.0.0.1:0";
    settings.tls_certificate_path = folder + "/own.pem";
    settings.tls_key_path = folder + "/own.key";
    settings.client_ca_path = folder + "/ca.pem";
    settings.people["alice"].role = v1::Person::ROLE_VIEWER;
    auto server = trustd::AdminServer::Start(
        settings, mirror, [](const std::string&) { return absl::OkStatus(); },
        {});
    if (!server.ok()) Fail(server.status().ToString());
    server_ = *std::move(server);
    flags_ = {"--server",         server_->address(),   "--tls-roots",
              folder + "/ca.pem", "--client-cert",      folder + "/alice.pem",
              "--client-key",     folder + "/alice.key"};
  }

  std::vector<std::string> Command(const std::string& trustctl,
                                   std::vector<std::string> words) const {
    words.insert(words.begin(), {trustctl, "ledger"});
    words.insert(words.end(), flags_.begin(), flags_.end());
    return words;
  }

 private:
  std::unique_ptr<trustd::AdminServer> server_;
  std::vector<std::string> flags_;
};

int Main(const std::string& self, const Options& options) {
  const std::string trustctl = TrustctlBeside(self);
  const TemporaryFolder folder;
  TenYears years(folder.path());
  years.Live();
  years.Grow(kRecords);
  trustd::Mirror& mirror = years.mirror();
  const std::uint64_t size = mirror.ledger().head().size;

  // As trustd does after its start.
  const double before = ThreadSeconds();
  if (!mirror.index().ReadOn(size, size).value()) Fail("an index of a part");
  const double indexing = ThreadSeconds() - before;

  const People people(folder.path(), mirror);
  struct Case {
    const char* name;
    std::vector<std::string> words;
    std::vector<double> wall = {};
    std::vector<double> cpu = {};
  };
  Case cases[] = {
      {"search --person", {"search", "--person", "alice"}},
      {"search --slot, of two that change all the time",
       {"search", "--region", "us-east-1"}},
      {"search, words that few have", {"search", "AWS", "announced"}},
      {"search, words that none has", {"search", "no such words"}},
      {"search, words that most have", {"search", "shows"}},
      {"list", {"list"}}};
  Run(people.Command(trustctl, {"list"}));
  std::vector<double> exports;
  std::vector<double> export_cpu;
  for (int round = 0; round < kSearches; ++round) {
    for (Case& one : cases) {
      const Cost cost = Run(people.Command(trustctl, one.words));
      one.wall.push_back(cost.wall_milliseconds);
      one.cpu.push_back(cost.cpu_milliseconds);
    }
    if (round % 5 == 0) {
      const Cost cost = Run(
          people.Command(trustctl, {"export", "-", "--format", "protobuf"}));
      exports.push_back(cost.wall_milliseconds);
      export_cpu.push_back(cost.cpu_milliseconds);
    }
  }
  const double whole = Median(exports);
  Report report(WithCommas(static_cast<double>(size)) +
                    " records: a search, a whole process",
                "ms by the clock");
  report.Add({.name = "export, for comparison",
              .absolute = absl::StrFormat("%.0f ms of CPU", Median(export_cpu)),
              .measured = absl::StrFormat("%.0f", whole)});
  report.Add({.name = "indexing after a start, CPU",
              .measured = absl::StrFormat("%.0f", indexing * 1e3)});
  for (const Case& one : cases) {
    const double wall = Median(one.wall);
    report.Add({.name = one.name,
                .absolute = absl::StrFormat("%.0f ms of CPU, 1/%.0f of export",
                                            Median(one.cpu), whole / wall),
                .measured = absl::StrFormat("%.0f", wall),
                .goal = absl::StrFormat("<= %.0f", kMaxSearchMilliseconds),
                .met = wall <= kMaxSearchMilliseconds});
  }
  return report.Finish(options);
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  return anchorage::bench::Main(argv[0],
                                anchorage::bench::ParseOptions(argc, argv));
}
