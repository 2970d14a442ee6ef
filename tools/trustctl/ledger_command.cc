// trustctl ledger verify

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/ledger_check.h"
#include "tools/trustctl/ledger_reader.h"
#include "tools/trustctl/output.h"

namespace anchorage::trustctl {
namespace {

struct Flags {
  LedgerSource source;
  std::string head;
  Output output;
};

int Verify(const Flags& flags, OpenLedger& open) {
  if (absl::Status s = flags.source.Check(); !s.ok()) return UsageError(s);
  if (!flags.source.records.empty() && flags.head.empty()) {
    return UsageError(absl::InvalidArgumentError(
        "a file proves nothing by itself: give the --head that you kept"));
  }
  std::vector<KeptHead> heads;
  if (!flags.head.empty()) {
    const auto kept = ParseHead(flags.head);
    if (!kept.ok()) return UsageError(kept.status());
    heads.push_back(*kept);
  }
  const auto read = ReadLedger(
      flags.source, std::move(heads), open,
      [](std::uint64_t, const std::string&) { return absl::OkStatus(); });
  const absl::Status status = read.ok() ? read->sound : read.status();
  if (!status.ok()) {
    return Fail(status,
                "keep what you have: trustd/admin/README.md says what "
                "to do about a record that was changed");
  }
  return PrintHead(read->head, flags.output, "SOUND");
}

constexpr char kFooter[] = R"(
    trustctl ledger verify --head 1204:0f3c...
    trustctl ledger export records.jsonl
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

void LedgerSource::AddTo(CLI::App& command) {
  auto* file =
      command.add_option("--records", records,
                         "a file of 'ledger export', in the place of a trustd");
  trustd.AddTo(command, false);
  command.get_option("--server")->excludes(file);
}

absl::Status LedgerSource::Check() const {
  if (records.empty() != trustd.server.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "either --server or --records says whose records");
}

absl::Status ReadExported(const std::string& path, const VisitRecord& visit) {
  if (path == "-") return ReadRecords(std::cin, "standard input", visit);
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return absl::NotFoundError(
        absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
  }
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::NotFoundError(
        absl::StrCat("cannot read ", path, ": it is a folder"));
  }
  if (in.peek() == std::ifstream::traits_type::eof()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " has no records"));
  }
  return ReadRecords(in, path, visit);
}

absl::StatusOr<LedgerRead> ReadLedger(const LedgerSource& source,
                                      std::vector<KeptHead> kept,
                                      OpenLedger& open,
                                      const VisitRecord& visit) {
  std::unique_ptr<LedgerReader> served;
  std::uint64_t size = 0;
  if (source.records.empty()) {
    auto opened = open(source.trustd);
    if (!opened.ok()) return opened.status();
    served = *std::move(opened);
    // Before the records: what is made in the meantime is not looked at.
    const auto head = served->Head();
    if (!head.ok()) return head.status();
    size = head->size;
    kept.push_back(*head);
  }
  LedgerCheck check(std::move(kept));
  absl::Status sound;
  const VisitRecord add = [&](std::uint64_t index, const std::string& record) {
    sound = check.Add(index, record);
    return sound.ok() ? visit(index, record) : sound;
  };
  const absl::Status read = served != nullptr
                                ? served->Read(size, add)
                                : ReadExported(source.records, add);
  if (!read.ok() && sound.ok()) return read;
  if (sound.ok()) sound = check.Finish();
  return LedgerRead{check.head(), sound};
}

int PrintHead(const KeptHead& head, const Output& output,
              const std::string& done) {
  const std::string text = ToString(head);
  output.Print({{"size", head.size},
                {"root_sha256", text.substr(text.find(':') + 1)},
                {"head", text}},
               {.name = "/head"}, [&] {
                 std::cout << done << "  " << head.size << " records\n"
                           << "head  " << text << "\n";
               });
  return kAccepted;
}

void AddLedgerVerify(CLI::App& ledger, Action& action, OpenLedger& open) {
  CLI::App& verify = *ledger.add_subcommand(
      "verify", "Compare all records with what they are said to be");
  verify.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  verify.add_option("--head", flags->head, "SIZE:ROOT that you kept earlier");
  flags->source.AddTo(verify);
  flags->output.AddTo(verify);
  verify.callback([flags, &action, &open] {
    action = [flags, &open] { return Verify(*flags, open); };
  });
}

void AddLedger(CLI::App& ledger, Action& action) {
  AddLedgerVerify(ledger, action, OpenNone);
}

}  // namespace anchorage::trustctl
