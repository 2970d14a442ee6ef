// trustctl backup

#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "proto/anchorage/v1/admin_service.grpc.pb.h"
#include "tools/trustctl/admin_connection.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "trustd/backup/backup_folder.h"

namespace anchorage::trustctl {
namespace {

// All of it, however slow the network is.
constexpr std::chrono::hours kBackupTimeout{2};

struct Flags {
  std::string folder;
  AdminSource source;
  Output output;
};

constexpr char kFooter[] = R"(
    trustctl backup /backup/monday
    trustctl backup verify /backup/monday

Copies what a running trustd keeps, its store and its head as they were at one
moment, into a new folder that only you can read, and verifies it: the files
by their hashes, the record by its root, the metadata from the first root on.
trustd goes on meanwhile. No private key is in it: the manual of trustd says
how those are kept. 'trustd restore' puts a backup back.
)";

int Print(const trustd::BackupFacts& facts, const std::string& folder,
          const Output& output) {
  const v1::BackupManifest& manifest = facts.manifest;
  const std::uint64_t sequence = facts.head.sequences.Of(anchors::kCatalogName);
  const std::string made = Rfc3339(anchors::TimeOf(manifest.made()));
  output.Print(
      {{"folder", folder},
       {"made", made},
       {"program", Printable(manifest.program())},
       {"store_schema", manifest.store_schema()},
       {"first_root_sha256", manifest.first_root_sha256()},
       {"root_version", absl::StrCat(facts.head.root_version)},
       {"targets_version", absl::StrCat(facts.head.targets_version)},
       {"snapshot_version", absl::StrCat(facts.head.snapshot_version)},
       {"timestamp_version", absl::StrCat(facts.head.timestamp_version)},
       {"sequence", absl::StrCat(sequence)},
       {"records", absl::StrCat(facts.head.records)},
       {"records_root", facts.head.records_root},
       {"files", manifest.files_size()},
       {"bytes", absl::StrCat(trustd::SizeOf(manifest))}},
      {.name = "/folder"}, [&] {
        std::cout << "verified  " << Printable(folder) << "\n"
                  << "made      " << made << ", by "
                  << Printable(manifest.program()) << "\n"
                  << "bundle    sequence " << sequence << ", root "
                  << facts.head.root_version << ", timestamp "
                  << facts.head.timestamp_version << "\n"
                  << "record    " << facts.head.records << ":"
                  << facts.head.records_root << "\n"
                  << "of        the repository whose 1.root.json has SHA-256 "
                  << manifest.first_root_sha256() << "\n"
                  << "files     " << manifest.files_size() << ", "
                  << trustd::SizeOf(manifest) << " bytes\n";
      });
  return kAccepted;
}

absl::StatusOr<trustd::BackupFacts> Fetch(const Flags& flags) {
  auto writer = trustd::BackupWriter::Begin(flags.folder);
  if (!writer.ok()) return writer.status();
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return channel.status();
  const auto stub = v1::AdminService::NewStub(*channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kBackupTimeout);
  const Progress progress("copying the store of " + flags.source.server);
  const auto reader = stub->Backup(&context, {});
  v1::BackupResponse piece;
  absl::Status written;
  while (written.ok() && reader->Read(&piece)) {
    written = (*writer)->Take(piece);
  }
  if (!written.ok()) context.TryCancel();
  const grpc::Status status = reader->Finish();
  if (!written.ok()) return written;
  if (!status.ok()) return ToStatus(status, *channel);
  return (*writer)->Finish();
}

int Backup(const Flags& flags) {
  if (flags.folder.empty()) {
    return UsageError(absl::InvalidArgumentError(
        "say which folder the backup is to become: trustctl backup DIR"));
  }
  if (flags.source.server.empty()) {
    return UsageError(absl::InvalidArgumentError("--server is required"));
  }
  const auto facts = Fetch(flags);
  if (!facts.ok()) return Fail(facts.status(), "there is no backup");
  return Print(*facts, flags.folder, flags.output);
}

int Verify(const Flags& flags) {
  const auto facts = trustd::VerifyBackup(flags.folder);
  if (!facts.ok()) return Fail(facts.status());
  return Print(*facts, flags.folder, flags.output);
}

}  // namespace

void AddBackup(CLI::App& backup, Action& action) {
  backup.footer(kFooter);
  backup.require_subcommand(0, 1);
  auto flags = std::make_shared<Flags>();
  backup.add_option("DIR", flags->folder,
                    "the folder that it becomes, which is not there or empty");
  flags->source.AddTo(backup, /*required=*/false);
  flags->output.AddTo(backup);
  backup.callback([flags, &backup, &action] {
    if (!backup.get_subcommands().empty()) return;
    action = [flags] { return Backup(*flags); };
  });
  CLI::App& verify = *backup.add_subcommand(
      "verify", "Verify a backup that is there, without a trustd");
  auto of_verify = std::make_shared<Flags>();
  verify.add_option("DIR", of_verify->folder, "the folder")->required();
  of_verify->output.AddTo(verify);
  verify.callback([of_verify, &action] {
    action = [of_verify] { return Verify(*of_verify); };
  });
}

}  // namespace anchorage::trustctl
