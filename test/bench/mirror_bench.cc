// What trustd's mirror costs: a poll of AWS's page, ten years of history, and
// a trustd that waits.

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "test/bench/published.h"
#include "test/bench/ratio.h"
#include "test/bench/report.h"
#include "test/bench/ten_years.h"
#include "test/fake_aws/page_writer.h"
#include "trustd/admin/audit_answers.h"
#include "trustd/alerts/alert_config.h"
#include "trustd/alerts/alert_metrics.h"
#include "trustd/mirror/mirror_metrics.h"
#include "trustd/rotation/classifier.h"
#include "trustd/serve/metrics.h"
#include "trustd/sources/page/regions_page.h"

namespace anchorage::bench {
namespace {

using anchors::Catalog;
using anchors::PageLayout;

constexpr int kRegions = 39;
constexpr double kMaxPollMilliseconds = 20;
constexpr double kMaxStartMilliseconds = 1000;
constexpr double kMaxQueryMilliseconds = 50;
constexpr double kMaxHistoryMiB = 200;
constexpr double kMaxScrapeMilliseconds = 2;
constexpr double kMaxIdleMiB = 64;
// How much more a rotation may cost with ten and a hundred times the records.
constexpr double kMaxAgeing = 1.2;
constexpr double kMaxPublicationCommits = 2;
constexpr double kMaxLookMicroseconds = 200;
constexpr double kMaxStartMiB = 64;
constexpr int kStarts = 3;
constexpr double kMiB = 1024.0 * 1024.0;

constexpr int kRuns = 15;
constexpr int kYoungRecords = 1'000;
constexpr int kLooksInRun = 20;
// So many to begin with, and twice as many to see what they add.
constexpr int kSamplePolls = 2000;
constexpr absl::Duration kSettled = absl::Seconds(2);

Report::Line AtMostLine(std::string name, double value, double bound,
                        std::string absolute = "") {
  return {.name = std::move(name),
          .absolute = std::move(absolute),
          .measured = absl::StrFormat("%.1f", value),
          .goal = absl::StrFormat("<= %.0f", bound),
          .met = value <= bound};
}

// The median, in milliseconds, of what `clock` says of each run.
double MedianOf(const std::function<double()>& seconds,
                const std::function<void()>& operation) {
  operation();  // makes what is made once
  std::vector<double> times;
  for (int i = 0; i < kRuns; ++i) {
    const double start = seconds();
    operation();
    times.push_back((seconds() - start) * 1e3);
  }
  return Median(std::move(times));
}

double WallSeconds() {
  return absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch());
}

// How long all threads of this process have been on a processor.
double ProcessSeconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

// --- a poll ------------------------------------------------------------------

trustd::SourceScope PageScope() {
  return {{"aws", "aws-us-gov", "aws-cn", "aws-eusc"},
          {verify::AnchorKind::kIidDsa, verify::AnchorKind::kIidRsa1024,
           verify::AnchorKind::kIidRsa2048}};
}

Report::Line PollLine(const std::string& name, PageLayout layout,
                      const Catalog& shown, const Catalog& pinned,
                      std::size_t changes) {
  const std::string text = anchors::WriteRegionsPage(
      anchors::PageEntries(shown), {.layout = layout});
  const double milliseconds = MedianOf(ThreadSeconds, [&] {
    trustd::Observation observation;
    observation.source = "aws-docs";
    observation.time = pinned.created;
    observation.scope = PageScope();
    auto page = trustd::ParseRegionsPage(text, observation.scope);
    observation.certificates = std::move(page.certificates);
    observation.problems = std::move(page.problems);
    const auto found = trustd::Classify(observation, pinned);
    if (found.changes.size() != changes || found.held()) {
      Fail(absl::StrCat(name, ": ", found.changes.size(), " changes and ",
                        found.anomalies.size(), " anomalies"));
    }
  });
  return AtMostLine(name, milliseconds, kMaxPollMilliseconds,
                    WithCommas(static_cast<double>(text.size())) + " B");
}

int ReportPolls(const Options& options) {
  const auto today =
      anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
  if (!today.ok()) Fail(today.status().ToString());
  Catalog before = anchors::CatalogBeforeReissues(*today);
  std::size_t regions = 0;
  for (const auto& anchor : today->anchors) {
    regions += anchor.slot.kind == verify::AnchorKind::kIidRsa2048;
  }
  if (regions != kRegions) Fail(absl::StrCat(regions, " regions"));
  constexpr std::size_t kReissues = 28;
  Report report("a poll: parsed and classified", "CPU ms");
  report.Add(PollLine("Markdown", PageLayout::kMarkdown, *today, *today, 0));
  report.Add(PollLine("HTML", PageLayout::kHtml, *today, *today, 0));
  report.Add(PollLine("Markdown, 28 re-issues", PageLayout::kMarkdown, *today,
                      before, kReissues));
  return report.Finish(options);
}

// --- ten years ---------------------------------------------------------------

trustd::RotationReader RotationsOf(const trustd::Mirror& mirror) {
  return [&](const std::function<bool(const v1::Rotation&)>& wanted) {
    return mirror.Rotations(wanted);
  };
}

Report::Line QueryLine(const std::string& name,
                       const std::function<std::size_t()>& query) {
  std::size_t answers = 0;
  const double milliseconds =
      MedianOf(ThreadSeconds, [&] { answers = query(); });
  if (answers == 0) Fail(name + ": no answer");
  return AtMostLine(name, milliseconds, kMaxQueryMilliseconds,
                    WithCommas(static_cast<double>(answers)));
}

Report::Line RotationsLine(const std::string& name,
                           const trustd::Mirror& mirror,
                           const v1::ListRotationsRequest& request) {
  return QueryLine(name, [&] {
    v1::ListRotationsResponse response;
    if (!trustd::AnswerRotations(RotationsOf(mirror), request, response).ok()) {
      Fail(name);
    }
    return static_cast<std::size_t>(response.rotations_size());
  });
}

Report::Line RecordsLine(const std::string& name, trustd::Mirror& mirror,
                         const v1::ListRecordsRequest& request) {
  return QueryLine(name, [&] {
    const trustd::Ledger& ledger = mirror.ledger();
    v1::ListRecordsResponse response;
    const auto read = [&](std::uint64_t index) {
      return ledger.ReadBytes(index);
    };
    if (!trustd::AnswerRecords(ledger.head().size, read, mirror.index(),
                               request, response)
             .ok()) {
      Fail(name);
    }
    return static_cast<std::size_t>(response.records_size());
  });
}

void AddQueries(trustd::Mirror& mirror, Report& report) {
  report.Add(QueryLine("Rotations(): all that were published", [&] {
    return mirror
        .Rotations([](const v1::Rotation& rotation) {
          return rotation.published_sequence() > 0;
        })
        .size();
  }));
  v1::ListRotationsRequest rotations;
  rotations.set_page_size(200);
  report.Add(RotationsLine("ListRotations: a full page", mirror, rotations));
  rotations.add_classes(v1::ROTATION_CLASS_RE_KEY);
  report.Add(RotationsLine("ListRotations: re-keys", mirror, rotations));
  v1::ListRecordsRequest records;
  records.set_page_size(1000);
  report.Add(RecordsLine("ListRecords: a full page", mirror, records));
  // Few of them, so that all records are looked at.
  records.add_facts(v1::FACT_KIND_PROOF);
  report.Add(RecordsLine("ListRecords: proofs", mirror, records));
}

// A page of metrics of a trustd with all that can be configured: so many
// methods, sources and webhooks, and ten years of rotations.
void AddScrape(const trustd::Mirror& mirror, Report& report) {
  constexpr int kMethods = 40;
  constexpr int kNames = 32;
  const trustd::PublicationHub hub;
  trustd::Metrics metrics(v1::TrustdConfig::MODE_ONLINE);
  for (int i = 0; i < kMethods; ++i) {
    const std::string path =
        absl::StrCat("/anchorage.v1.SomeService/Method", i);
    metrics.TimerOf("grpc", path)(absl::Milliseconds(1), 0);
  }
  trustd::AlertMetrics alerts(metrics.registry());
  std::set<std::string> sources;
  for (int i = 0; i < kNames; ++i) {
    sources.insert(absl::StrCat("source-", i));
    if (i < trustd::kMaxWebhooks) {
      alerts.AddWebhook(absl::StrCat("webhook-", i));
    }
  }
  const auto of_mirror =
      std::make_shared<trustd::MirrorMetrics>(mirror, metrics.registry());
  of_mirror->SetSources(sources);
  metrics.Add(of_mirror);
  std::size_t bytes = 0;
  const double page =
      MedianOf(ThreadSeconds, [&] { bytes = metrics.Render(hub).size(); });
  report.Add(AtMostLine("a page of metrics", page, kMaxScrapeMilliseconds,
                        WithCommas(static_cast<double>(bytes)) + " B"));
  // With the first page after something was recorded.
  report.Add(AtMostLine(
      "rotations counted for it",
      MedianOf(
          ThreadSeconds,
          [&] {
            prometheus::Registry registry;
            if (trustd::MirrorMetrics(mirror, registry).Collect().empty()) {
              Fail("no metrics");
            }
          }),
      kMaxScrapeMilliseconds));
}

void AddDisk(TenYears& years, Report& report) {
  const std::uint64_t lived = years.BytesOnDisk();
  years.PollUnchanged(kSamplePolls);
  const std::uint64_t once = years.BytesOnDisk();
  years.PollUnchanged(2 * kSamplePolls);
  const std::uint64_t thrice = years.BytesOnDisk();
  const double per_poll =
      std::max(0.0, static_cast<double>(thrice) - static_cast<double>(once)) /
      (2 * kSamplePolls);
  const double all =
      (static_cast<double>(thrice) + per_poll * TenYears::kPolls) / kMiB;
  report.Add(
      {.name = "MiB: rotations alone",
       .measured = absl::StrFormat("%.1f", static_cast<double>(lived) / kMiB)});
  report.Add({.name = "bytes for each unchanged poll",
              .measured = absl::StrFormat("%.1f", per_poll)});
  report.Add(AtMostLine("MiB: rotations and all polls", all, kMaxHistoryMiB,
                        WithCommas(TenYears::kPolls)));
}

// What an answer costs beside reading what it is made of.
int ReportAnswers(trustd::Mirror& mirror, const Options& options) {
  const trustd::Ledger& ledger = mirror.ledger();
  const std::uint64_t size = ledger.head().size;
  const auto read = [&](std::uint64_t index) {
    return ledger.ReadBytes(index);
  };
  const auto read_all = [&](std::uint64_t end) {
    for (std::uint64_t i = 0; i < end; ++i) {
      if (!read(i).ok()) return false;
    }
    return true;
  };
  const auto rotations = RotationsOf(mirror);
  const auto all = [](const v1::Rotation&) { return true; };
  // How many it returned.
  const auto answer_records = [&](const v1::ListRecordsRequest& request) {
    v1::ListRecordsResponse response;
    const auto status =
        trustd::AnswerRecords(size, read, mirror.index(), request, response);
    return status.ok() ? response.records_size() : 0;
  };
  v1::ListRotationsRequest page;
  page.set_page_size(TenYears::kRotations);
  v1::ListRecordsRequest records;
  records.set_page_size(1000);
  v1::ListRecordsRequest one_kind = records;
  one_kind.add_facts(v1::FACT_KIND_PROOF);
  // A page is bounded in bytes, too.
  const int in_page = answer_records(records);
  const std::vector<Comparison> comparisons = {
      {.name = "ListRotations: a full page",
       .operation =
           [&] {
             v1::ListRotationsResponse response;
             return trustd::AnswerRotations(rotations, page, response).ok() &&
                    response.rotations_size() == TenYears::kRotations;
           },
       .baseline =
           [&] { return rotations(all).size() >= TenYears::kRotations; },
       .goal = AtLeast(1.5)},
      {.name = "ListRecords: a full page",
       .operation = [&] { return answer_records(records) == in_page; },
       .baseline =
           [&] {
             return in_page > 0 &&
                    read_all(static_cast<std::uint64_t>(in_page));
           },
       .goal = AtLeast(0.9)},
      {.name = "ListRecords: one kind among all",
       .operation = [&] { return answer_records(one_kind) > 0; },
       .baseline = [&] { return read_all(size); },
       .goal = AtLeast(0.7)}};
  Report report("ten years: answers, against reading what they are made of",
                "per second");
  CompareAll(comparisons, options.rounds / 4 + 1, report);
  return report.Finish(options);
}

int ReportHistory(const Options& options) {
  const TemporaryFolder folder;
  TenYears years(folder.path());
  years.Live();
  Report disk("ten years on the disk", "");
  AddDisk(years, disk);
  Report time("ten years: a start and questions", "CPU ms");
  time.Add(AtMostLine(
      "start", MedianOf(ProcessSeconds, [&] { years.Reopen(); }),
      kMaxStartMilliseconds,
      WithCommas(static_cast<double>(years.mirror().ledger().head().size))));
  time.Add({.name = "Ledger::Verify()",
            .measured = absl::StrFormat("%.1f", MedianOf(ThreadSeconds, [&] {
                                          const auto sound =
                                              years.mirror().ledger().Verify();
                                          if (!sound.ok())
                                            Fail(sound.ToString());
                                        }))});
  AddQueries(years.mirror(), time);
  AddScrape(years.mirror(), time);
  const int status = disk.Finish(options);
  return std::max(
      {status, time.Finish(options), ReportAnswers(years.mirror(), options)});
}

// --- age ---------------------------------------------------------------------

double ResidentMiB(pid_t process, std::string_view what = "VmRSS:") {
  std::ifstream status(absl::StrCat("/proc/", process, "/status"));
  std::string word;
  while (status >> word) {
    if (word != what) continue;
    double kib = 0;
    status >> kib;
    return kib / 1024;
  }
  Fail("the process is gone");
}

void CheckRecord(trustd::Mirror& mirror) {
  const absl::Status checked = mirror.CheckRecord([] { return true; });
  if (!checked.ok()) Fail(checked.ToString());
}

// Runs in a process of its own, whose memory is that of one start.
int StartIn(const std::string& folder, std::int64_t now) {
  TenYears years(folder, absl::FromUnixSeconds(now));
  const double before = ResidentMiB(::getpid());
  const double wall = WallSeconds();
  const double cpu = ProcessSeconds();
  years.Reopen();
  std::printf("%f %f %f", (ProcessSeconds() - cpu) * 1e3,
              (WallSeconds() - wall) * 1e3, ResidentMiB(::getpid()) - before);
  const double check = WallSeconds();
  CheckRecord(years.mirror());
  std::printf(" %f %f\n", WallSeconds() - check,
              ResidentMiB(::getpid(), "VmHWM:") - before);
  return 0;
}

struct Start {
  double cpu_milliseconds = 0;
  double wall_milliseconds = 0;
  double resident_mib = 0;
  double check_seconds = 0;
  double most_mib = 0;
};

Start StartOf(const std::string& self, const std::string& folder,
              absl::Time now) {
  const std::string command =
      absl::StrCat(self, " --start ", folder, " ", absl::ToUnixSeconds(now));
  std::FILE* out = ::popen(command.c_str(), "r");
  Start start;
  if (out == nullptr ||
      std::fscanf(out, "%lf %lf %lf %lf %lf", &start.cpu_milliseconds,
                  &start.wall_milliseconds, &start.resident_mib,
                  &start.check_seconds, &start.most_mib) != 5 ||
      ::pclose(out) != 0) {
    Fail("cannot run " + command);
  }
  return start;
}

// What one costs in turn with one of a young record: on a machine with other
// work, two figures of different hours are no ratio.
void AddRotation(TenYears& years, TenYears& young, const Options& options,
                 Report& report) {
  const Measured measured = Measure({{.name = "a rotation",
                                      .operation =
                                          [&] {
                                            years.ReIssueOne();
                                            return true;
                                          },
                                      .baseline =
                                          [&] {
                                            young.ReIssueOne();
                                            return true;
                                          }}},
                                    options.rounds / 8 + 1)
                                .front();
  const double ageing = 1 / measured.ratio;
  report.Add({.name = "a rotation seen by four sources, of a young one",
              .absolute = absl::StrFormat("%.1f ms", 1e3 / measured.per_second),
              .measured = absl::StrFormat("%.2f", ageing),
              .goal = absl::StrFormat("<= %.2f", kMaxAgeing),
              .met = ageing <= kMaxAgeing});
  report.Add(AtMostLine("commits of a look that leads to a publication",
                        years.most_commits(), kMaxPublicationCommits));
}

void AddLook(TenYears& years, Report& report) {
  const int before = years.commits();
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kRuns; ++i) {
    const double start = ThreadSeconds();
    years.PollUnchanged(kLooksInRun);
    // Whatever else runs on the machine can only add.
    least = std::min(least, (ThreadSeconds() - start) / kLooksInRun);
  }
  report.Add(AtMostLine("us of a look that shows nothing new", least * 1e6,
                        kMaxLookMicroseconds));
  report.Add(AtMostLine(
      "its commits",
      static_cast<double>(years.commits() - before) / (kRuns * kLooksInRun),
      1));
}

void AddStart(const std::string& self, const TemporaryFolder& folder,
              TenYears& years, Report& report) {
  years.Close();
  std::vector<double> cpu;
  std::vector<double> wall;
  Start last;
  for (int i = 0; i < kStarts; ++i) {
    last = StartOf(self, folder.path(), years.now());
    cpu.push_back(last.cpu_milliseconds);
    wall.push_back(last.wall_milliseconds);
  }
  years.Reopen();
  CheckRecord(years.mirror());
  report.Add(AtMostLine("ms of a start", Median(std::move(cpu)),
                        kMaxStartMilliseconds,
                        absl::StrFormat("%.0f ms by the clock", Median(wall))));
  report.Add(AtMostLine("MiB more", last.resident_mib, kMaxStartMiB));
  report.Add({.name = "s by the clock until the record is read again",
              .measured = absl::StrFormat("%.1f", last.check_seconds)});
  report.Add({.name = "MiB more, at most, until then",
              .measured = absl::StrFormat("%.1f", last.most_mib)});
}

int ReportAge(const std::string& self, const Options& options) {
  const TemporaryFolder young_folder;
  TenYears young(young_folder.path());
  young.Grow(kYoungRecords);
  const TemporaryFolder folder;
  TenYears years(folder.path());
  int status = 0;
  for (const int records : {kYoungRecords, 10'000, 100'000}) {
    Report report(WithCommas(records) + " records", "CPU");
    const double start = ProcessSeconds();
    const int rotations = years.Grow(records);
    report.Add({.name = "ms of a rotation on the way there, all threads",
                .measured = absl::StrFormat(
                    "%.1f", (ProcessSeconds() - start) * 1e3 / rotations)});
    AddRotation(years, young, options, report);
    AddLook(years, report);
    AddStart(self, folder, years, report);
    status = std::max(status, report.Finish(options));
  }
  return status;
}

// --- an idle trustd ----------------------------------------------------------

// The program stands beside this one in the build's output.
std::string TrustdBeside(const std::string& self) {
  constexpr std::string_view kOurs = "test/bench/mirror_bench";
  const std::size_t at = self.rfind(kOurs);
  if (at == self.npos)
    Fail("started by another name than " + std::string(kOurs));
  return self.substr(0, at) + "trustd/trustd";
}

// Two sources that never answer and one that says what is pinned.
std::string WriteConfig(const std::string& folder) {
  std::ofstream(folder + "/catalog.json", std::ios::binary)
      << anchors::DefaultBakedBundle().files.catalog();
  const std::string path = folder + "/trustd.yaml";
  std::ofstream(path)
      << "data_dir: data\n"
         "mode: MODE_ONLINE\n"
         "listen_address: 127.0.0.1:0\n"
         "http_listen_address: 127.0.0.1:0\n"
         "sources:\n"
         "  - name: folder\n"
         "    directory: {path: catalog.json}\n"
         "  - name: closed\n"
         "    allow_loopback_http: true\n"
         "    regions_page: "
         "{addresses: ['http://127.0.0.1:1/page']}\n"
         "  - name: nitro\n"
         "    allow_loopback_http: true\n"
         "    nitro_root: {address: 'http://127.0.0.1:1/zip'}\n";
  return path;
}

int ReportIdle(const std::string& self, const Options& options) {
  const TemporaryFolder folder;
  std::vector<std::string> words = {TrustdBeside(self), "--config",
                                    WriteConfig(folder.path())};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                   O_WRONLY, 0);
  pid_t child = 0;
  const int error = posix_spawn(&child, arguments[0], &actions, nullptr,
                                arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) Fail("cannot run " + words[0]);
  absl::SleepFor(kSettled);
  const double resident = ResidentMiB(child);
  ::kill(child, SIGTERM);
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0) {
    Fail("trustd did not end with 0");
  }
  Report report("an idle trustd", "MiB");
  report.Add(AtMostLine("resident, three sources", resident, kMaxIdleMiB));
  return report.Finish(options);
}

}  // namespace
}  // namespace anchorage::bench

int main(int argc, char** argv) {
  using namespace anchorage::bench;
  if (argc == 4 && std::string_view(argv[1]) == "--start") {
    return StartIn(argv[2], std::stoll(argv[3]));
  }
  const Options options = ParseOptions(argc, argv);
  int status = ReportIdle(argv[0], options);
  status = std::max(status, ReportPolls(options));
  status = std::max(status, ReportHistory(options));
  return std::max(status, ReportAge(argv[0], options));
}
