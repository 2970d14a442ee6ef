// trustctl ledger verify | export

#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "proto/anchorage/v1/audit_service.grpc.pb.h"
#include "tools/trustctl/admin_connection.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/ledger_check.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;
using Channel = std::shared_ptr<grpc::Channel>;
// Takes one record; its failure ends the reading.
using Visit =
    std::function<absl::Status(std::uint64_t index, const std::string& record)>;

constexpr int kPageSize = 1000;

struct Flags {
  std::string records;
  std::string head;
  std::string file;
  AdminSource source;
  OutputOption output;
};

absl::StatusOr<KeptHead> ServedHead(const Channel& channel) {
  const auto response = CallAdmin<v1::AuditService>(
      channel, &v1::AuditService::Stub::GetLedgerHead,
      v1::GetLedgerHeadRequest());
  if (!response.ok()) return response.status();
  if (!response->healthy()) {
    return absl::UnauthenticatedError(
        absl::StrCat("trustd says: ", Printable(response->damage())));
  }
  return ParseHead(
      absl::StrCat(response->size(), ":", response->root_sha256()));
}

// Reads the first `size` records of a trustd.
absl::Status ReadServed(const Channel& channel, std::uint64_t size,
                        const Visit& visit) {
  v1::ListRecordsRequest request;
  request.set_page_size(kPageSize);
  std::uint64_t next = 0;
  do {
    const auto page = CallAdmin<v1::AuditService>(
        channel, &v1::AuditService::Stub::ListRecords, request);
    if (!page.ok()) return page.status();
    for (const auto& stored : page->records()) {
      if (next == size) return absl::OkStatus();
      if (absl::Status s = visit(stored.index(), stored.record()); !s.ok()) {
        return s;
      }
      ++next;
    }
    // Without a filter no page is empty.
    if (page->records().empty()) return absl::OkStatus();
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::Status ReadExported(const std::string& path, const Visit& visit) {
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

int Verify(const Flags& flags) {
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
  Channel channel;
  if (flags.records.empty()) {
    auto opened = flags.source.Open();
    if (!opened.ok()) return Fail(opened.status());
    channel = *std::move(opened);
    // Before the records: what is made in the meantime is not looked at.
    const auto served = ServedHead(channel);
    if (!served.ok()) return Fail(served.status());
    heads.push_back(*served);
  }
  const std::uint64_t size = heads.back().size;
  LedgerCheck check(std::move(heads));
  const Visit add = [&](std::uint64_t index, const std::string& record) {
    return check.Add(index, record);
  };
  absl::Status status = flags.records.empty()
                            ? ReadServed(channel, size, add)
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

int Export(const Flags& flags) {
  const auto channel = flags.source.Open();
  if (!channel.ok()) return Fail(channel.status());
  const auto served = ServedHead(*channel);
  if (!served.ok()) return Fail(served.status());
  LedgerCheck check({*served});
  std::string text;
  absl::Status status =
      ReadServed(*channel, served->size,
                 [&](std::uint64_t index, const std::string& record) {
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

}  // namespace

void AddLedger(CLI::App& app, Action& action) {
  CLI::App& ledger = *app.add_subcommand(
      "ledger", "Verify the record of what a trustd saw and decided");
  ledger.require_subcommand(1);
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
  verify.callback([verify_flags, &action] {
    action = [verify_flags] { return Verify(*verify_flags); };
  });
  CLI::App& exported =
      *ledger.add_subcommand("export", "Write all records to a file");
  exported.footer(kFooter);
  auto export_flags = std::make_shared<Flags>();
  exported.add_option("file", export_flags->file, "the file, JSON lines")
      ->required();
  export_flags->source.AddTo(exported);
  export_flags->output.AddTo(exported);
  exported.callback([export_flags, &action] {
    action = [export_flags] { return Export(*export_flags); };
  });
}

}  // namespace anchorage::trustctl
