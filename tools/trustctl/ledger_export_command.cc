// trustctl ledger export

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/ledger_check.h"
#include "tools/trustctl/ledger_of_trustd.h"
#include "tools/trustctl/ledger_reader.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/record_row.h"
#include "trustd/record/record_text.h"

namespace anchorage::trustctl {
namespace {

struct Flags {
  std::string file;
  std::string format = "base64";
  AdminSource source;
  Output output;
};

// Writes records one after the other, in their order.
class Writer {
 public:
  explicit Writer(const std::string& format) : format_(format) {}

  std::string Write(std::uint64_t index, const std::string& bytes) {
    if (format_ == "protobuf") return Delimited(bytes);
    if (format_ == "base64") {
      return absl::StrCat(ToText({index, bytes}), "\n");
    }
    v1::LedgerRecord record;
    if (!record.ParseFromString(bytes)) record.Clear();
    nlohmann::ordered_json line = RowOf(index, words_.Read(record));
    line["index"] = index;
    line["record"] = absl::Base64Escape(bytes);
    return line.dump(-1, ' ', true,
                     nlohmann::ordered_json::error_handler_t::replace) +
           "\n";
  }

 private:
  const std::string format_;
  trustd::RecordWords words_;
};

int Export(const Flags& flags) {
  const bool to_output = flags.file == "-";
  Writer writer(flags.format);
  std::string text;
  const auto read =
      ReadLedger({.trustd = flags.source}, {}, OpenServedLedger,
                 [&](std::uint64_t index, const std::string& record) {
                   const std::string line = writer.Write(index, record);
                   if (to_output) {
                     std::cout << line;
                   } else {
                     text += line;
                   }
                   return absl::OkStatus();
                 });
  absl::Status status = read.ok() ? read->sound : read.status();
  if (status.ok() && !to_output) {
    status = WriteOutput(flags.file, text);
  }
  if (!status.ok()) return Fail(status);
  if (!to_output) return PrintHead(read->head, flags.output, "exported");
  std::cerr << "exported  " << read->head.size << " records\n"
            << "head  " << ToString(read->head) << "\n";
  return kAccepted;
}

constexpr char kFooter[] = R"(
    trustctl ledger export records.jsonl
    trustctl ledger export - --format jsonl | jq .words
    trustctl ledger verify --records records.jsonl --head 1204:0f3c...

Every format has the bytes of each record and can be verified again. base64:
a JSON line with index and record. jsonl: the same with time, fact, person,
rotation_ids, slots and words. protobuf: LedgerRecord, each with its length
before it.
)";

}  // namespace

void AddLedgerExport(CLI::App& ledger, Action& action) {
  CLI::App& command =
      *ledger.add_subcommand("export", "Write all records to a file");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  command.add_option("file", flags->file, "the file; - for standard output")
      ->required();
  command.add_option("--format", flags->format, "what to write")
      ->check(CLI::IsMember({"base64", "jsonl", "protobuf"}))
      ->capture_default_str();
  flags->source.AddTo(command);
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Export(*flags); }; });
}

}  // namespace anchorage::trustctl
