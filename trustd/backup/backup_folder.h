// A backup as a folder: its manifest, and beside it the files of the store and
// the store's head.
//
//   auto writer = BackupWriter::Begin("/backup/monday");
//   while (...) (*writer)->Take(piece);          // as AdminService.Backup sends
//   auto facts = (*writer)->Finish();            // now /backup/monday is there
//   ...
//   auto again = VerifyBackup("/backup/monday");
//
// Nothing in a backup is secret from who may read the record, and no key is in
// it; what it is worth is what its readers check.

#ifndef ANCHORAGE_TRUSTD_BACKUP_BACKUP_FOLDER_H_
#define ANCHORAGE_TRUSTD_BACKUP_BACKUP_FOLDER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/anchorage/v1/backup.pb.h"
#include "trustd/backup/manifest.h"
#include "trustd/base/rocksdb_store.h"
#include "trustd/base/store_head.h"
#include "trustd/publish/publication.h"

namespace anchorage::trustd {

// What a backup has, all of it verified.
struct BackupFacts {
  v1::BackupManifest manifest;
  StoreHead head;
  std::shared_ptr<const Publication> publication;
  // The store itself, for reading.
  std::unique_ptr<RocksDbStore> store;
};

// Verifies the backup in `folder`: that its files are those of its manifest and
// no others; that the store opens, and is of the same moment as the head; that
// the root over all records is the head's; that the metadata verify from the
// first root on, whatever has expired. Reads all of it, and writes nothing.
// Fails with the reasons of a backup itself, or as anchors::ReadFile() does.
absl::StatusOr<BackupFacts> VerifyBackup(const std::string& folder);

// Describes the store and the head that lie in `folder`. Fails as
// RocksDbStore::OpenForReading() does, and with kStoreDamaged for a store that
// has published nothing.
absl::StatusOr<v1::BackupManifest> DescribeBackup(const std::string& folder,
                                                  absl::Time made);

// Reads a backup piece by piece, as AdminService.Backup sends it. Does not
// compare hashes: who takes the pieces does. Not thread-safe.
class BackupReader {
 public:
  BackupReader(std::string folder, v1::BackupManifest manifest);
  // Of the manifest that lies in `folder`. Fails as ParseManifest() does, and
  // with kNoBackup.
  static absl::StatusOr<std::unique_ptr<BackupReader>> Open(
      const std::string& folder);
  ~BackupReader();

  const v1::BackupManifest& manifest() const { return manifest_; }

  // Returns the next piece; nullopt after the last. Fails with kCut or
  // UNAVAILABLE.
  absl::StatusOr<std::optional<v1::BackupResponse>> Next();

 private:
  const std::string folder_;
  const v1::BackupManifest manifest_;
  bool began_ = false;
  int file_ = 0;
  std::uint64_t left_ = 0;
  int fd_ = -1;
};

// Writes a backup from its pieces, under another name until it is complete and
// verified. Not thread-safe.
class BackupWriter {
 public:
  // Begins a backup that becomes the folder `target`, which must be empty or
  // not be there; its parent is made where there is none. Fails with
  // ALREADY_EXISTS or as anchors::MakeFolder() does.
  static absl::StatusOr<std::unique_ptr<BackupWriter>> Begin(
      std::string target);
  // Removes what was not finished.
  ~BackupWriter();

  // Takes the next piece. Fails as CheckManifest() does, with kChanged or
  // kManifestInvalid for a piece that does not fit, with RESOURCE_EXHAUSTED
  // where the disk has no room for all of it, or as a file cannot be written.
  absl::Status Take(const v1::BackupResponse& piece);

  // Verifies what was written, as VerifyBackup() does, and gives it its name;
  // then it is on the disk. Fails as that does, with kCut where pieces are
  // missing.
  absl::StatusOr<BackupFacts> Finish();

 private:
  BackupWriter(std::string target, std::string folder);
  absl::Status TakeManifest(const v1::BackupManifest& manifest);
  // Opens the next file that has bytes; those without are written as well.
  absl::Status NextFile();
  absl::Status CloseFile();

  const std::string target_;
  const std::string folder_;
  std::optional<v1::BackupManifest> manifest_;
  int file_ = 0;
  std::uint64_t left_ = 0;
  int fd_ = -1;
  bool finished_ = false;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BACKUP_BACKUP_FOLDER_H_
