// trustctl ledger verify | export

#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/ledger_check.h"
#include "tools/trustctl/ledger_reader.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

struct Flags {
  std::string records;
  std::string head;
  std::string file;
  AdminSource source;
  OutputOption output;
};

absl::Status ReadExported(const std::string& path, const VisitRecord& visit) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  std::vector<char> buffer(kMaxLedgerLineBytes);
  int number = 0;
  while (
      in.getline(buffer.data(), static_cast<std::streamsize>(buffer.size()))) {
    ++number;
    const auto line = ParseLedgerLine(buffer.data());
    if (!line.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, ": ", TextOf(line.status())));
    }
    if (absl::Status s = visit(line->index, line->record); !s.ok()) return s;
  }
  if (in.eof()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, ":", number + 1, ": a line that is too long"));
}

int PrintHead(const KeptHead& head, const OutputOption& output,
              const std::string& done) {
  if (output.json()) {
    const std::string text = ToString(head);
    std::cout << ordered_json{{"size", head.size},
                              {"root_sha256", text.substr(text.find(':') + 1)},
                              {"head", text}}
                     .dump(2)
              << "\n";
    return kAccepted;
  }
  std::cout << done << "  " << head.size << " records\n"
            << "head  " << ToString(head) << "\n";
  return kAccepted;
}

// --- verify ------------------------------------------------------------------

int Verify(const Flags& flags, OpenLedger& open) {
  if (flags.records.empty() == flags.source.server.empty()) {
    return UsageError(absl::InvalidArgumentError(
        "either --server or --records says whose records to verify"));
  }
  if (!flags.records.empty() && flags.head.empty()) {
    return UsageError(absl::InvalidArgumentError(
        "a file proves nothing by itself: give the --head that you kept"));
  }
  std::vector<KeptHead> heads;
  if (!flags.head.empty()) {
    const auto kept = ParseHead(flags.head);
    if (!kept.ok()) return UsageError(kept.status());
    heads.push_back(*kept);
  }
  std::unique_ptr<LedgerReader> served;
  if (flags.records.empty()) {
    auto opened = open(flags.source);
    if (!opened.ok()) return Fail(opened.status());
    served = *std::move(opened);
    // Before the records: what is made in the meantime is not looked at.
    const auto head = served->Head();
    if (!head.ok()) return Fail(head.status());
    heads.push_back(*head);
  }
  const std::uint64_t size = heads.back().size;
  LedgerCheck check(std::move(heads));
  const VisitRecord add = [&](std::uint64_t index, const std::string& record) {
    return check.Add(index, record);
  };
  absl::Status status = served != nullptr ? served->Read(size, add)
                                          : ReadExported(flags.records, add);
  if (status.ok()) status = check.Finish();
  if (!status.ok()) {
    return Fail(status,
                "keep what you have: trustd/admin/README.md says what "
                "to do about a record that was changed");
  }
  return PrintHead(check.head(), flags.output, "SOUND");
}

// --- export ------------------------------------------------------------------

int Export(const Flags& flags, OpenLedger& open) {
  const auto served = open(flags.source);
  if (!served.ok()) return Fail(served.status());
  const auto head = (*served)->Head();
  if (!head.ok()) return Fail(head.status());
  LedgerCheck check({*head});
  std::string text;
  absl::Status status = (*served)->Read(
      head->size, [&](std::uint64_t index, const std::string& record) {
        absl::StrAppend(&text, ToText({index, record}), "\n");
        return check.Add(index, record);
      });
  if (status.ok()) status = check.Finish();
  if (status.ok()) status = anchors::WriteFileAtomically(flags.file, text);
  if (!status.ok()) return Fail(status);
  return PrintHead(check.head(), flags.output, "exported");
}

// --- Flags -------------------------------------------------------------------

constexpr char kFooter[] = R"(
    trustctl ledger verify --server trustd:7444 --client-cert alice.pem \
        --client-key alice.key --head 1204:0f3c...
    trustctl ledger export records.jsonl --server ...
    trustctl ledger verify --records records.jsonl --head 1204:0f3c...

Keep the head that is printed, away from trustd: nobody can then change, cut,
add or move a record before it without your seeing it. Exit code 3: somebody
has.
)";

absl::StatusOr<std::unique_ptr<LedgerReader>> OpenNone(
    const AdminSource& source) {
  return absl::InvalidArgumentError(
      absl::StrCat(source.server, " is not HOST:PORT"));
}

}  // namespace

void AddLedger(CLI::App& ledger, Action& action) {
  AddLedgerReadBy(ledger, action, OpenNone);
}

void AddLedgerReadBy(CLI::App& ledger, Action& action, OpenLedger& open) {
  CLI::App& verify = *ledger.add_subcommand(
      "verify", "Compare all records with what they are said to be");
  verify.footer(kFooter);
  auto verify_flags = std::make_shared<Flags>();
  auto* records = verify.add_option("--records", verify_flags->records,
                                    "a file of 'ledger export'");
  verify.add_option("--head", verify_flags->head,
                    "SIZE:ROOT that you kept earlier");
  verify_flags->source.AddTo(verify, false);
  verify.get_option("--server")->excludes(records);
  verify_flags->output.AddTo(verify);
  verify.callback([verify_flags, &action, &open] {
    action = [verify_flags, &open] { return Verify(*verify_flags, open); };
  });
  CLI::App& exported =
      *ledger.add_subcommand("export", "Write all records to a file");
  exported.footer(kFooter);
  auto export_flags = std::make_shared<Flags>();
  exported.add_option("file", export_flags->file, "the file, JSON lines")
      ->required();
  export_flags->source.AddTo(exported);
  export_flags->output.AddTo(exported);
  exported.callback([export_flags, &action, &open] {
    action = [export_flags, &open] { return Export(*export_flags, open); };
  });
}

}  // namespace anchorage::trustctl
