// trustctl audit report

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "tools/trustctl/audit_report.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/ledger_check.h"
#include "tools/trustctl/ledger_reader.h"
#include "tools/trustctl/period.h"

namespace anchorage::trustctl {
namespace {

struct Flags {
  std::string from;
  std::string to;
  std::string format = "text";
  std::string out = "-";
  std::string head;
  LedgerSource source;
};

// What the records were compared with, or why they were not.
void SetVerification(const Flags& flags, const LedgerRead& read,
                     AuditHead& head) {
  head.ledger_head = ToString(read.head);
  const bool is_compared = flags.source.records.empty() || !flags.head.empty();
  head.is_verified = read.sound.ok() && is_compared;
  if (!read.sound.ok()) {
    head.verification = TextOf(read.sound);
  } else if (!is_compared) {
    head.verification =
        "a file proves nothing by itself, and no head that was kept was given";
  } else {
    head.verification = absl::StrCat(
        "the ", read.head.size, " records are those of ",
        flags.source.records.empty() ? "the head that trustd serves" : "",
        flags.source.records.empty() && !flags.head.empty() ? " and of " : "",
        flags.head.empty() ? "" : "the head that was kept, " + flags.head);
  }
}

int Report(const Flags& flags) {
  const auto period = ReadPeriod(flags.from, flags.to);
  if (!period.ok()) return UsageError(period.status());
  if (absl::Status s = flags.source.Check(); !s.ok()) return UsageError(s);
  std::vector<KeptHead> kept;
  if (!flags.head.empty()) {
    const auto given = ParseHead(flags.head);
    if (!given.ok()) return UsageError(given.status());
    kept.push_back(*given);
  }
  AuditReport report(*period);
  const auto read = ReadLedger(flags.source, std::move(kept), OpenServedLedger,
                               [&](std::uint64_t, const std::string& bytes) {
                                 v1::LedgerRecord record;
                                 // Its hash counts all the same.
                                 if (!record.ParseFromString(bytes))
                                   record.Clear();
                                 report.Add(record);
                                 return absl::OkStatus();
                               });
  if (!read.ok()) return Fail(read.status());
  AuditHead head{.made = absl::Now(), .program = Program()};
  SetVerification(flags, *read, head);
  const std::string page = report.Render(
      flags.format == "html" ? AuditFormat::kHtml : AuditFormat::kText, head);
  if (absl::Status s = WriteOutput(flags.out, page); !s.ok()) return Fail(s);
  if (!read->sound.ok()) return Fail(read->sound);
  if (!head.is_verified) {
    PrintWarning("the record was not verified: give the --head that you kept");
  }
  return kAccepted;
}

constexpr char kFooter[] = R"(
    trustctl audit report --from 2026-01-01 --to 2026-03-31 --format html \
        --out q1.html
    trustctl audit report --from 2026-01-01 --to 2026-03-31 \
        --records records.jsonl --head 1204:0f3c...

Times are in UTC. All records are read and verified, whatever the period. Exit
code 3: the record was changed, and the page says so.
)";

}  // namespace

void AddAudit(CLI::App& audit, Action& action) {
  CLI::App& command = *audit.add_subcommand(
      "report", "Write one page on what changed, why, and who decided");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  AddPeriod(command, flags->from, flags->to, true);
  command.add_option("--format", flags->format, "text or html")
      ->check(CLI::IsMember({"text", "html"}))
      ->capture_default_str();
  command.add_option("--out", flags->out, "a file; - for standard output")
      ->capture_default_str();
  command.add_option("--head", flags->head, "SIZE:ROOT that you kept earlier");
  flags->source.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Report(*flags); }; });
}

}  // namespace anchorage::trustctl
