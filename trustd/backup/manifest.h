// What is in a backup, as a text beside it (proto/anchorage/v1/backup.proto).
//
//   const auto manifest = ParseManifest(text);
//   if (!manifest.ok()) return manifest.status();
//   for (const v1::BackupFile& file : manifest->files()) ...
//
// Pure.

#ifndef ANCHORAGE_TRUSTD_BACKUP_MANIFEST_H_
#define ANCHORAGE_TRUSTD_BACKUP_MANIFEST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/anchorage/v1/backup.pb.h"

namespace anchorage::trustd {

// The only form of a backup.
inline constexpr int kBackupFormat = 1;
// The names of its files and of the folder that the others are in.
inline constexpr char kManifestFile[] = "manifest.json";
inline constexpr char kHeadFile[] = "store.head";
inline constexpr char kStoreFolder[] = "store";

inline constexpr int kMaxBackupFiles = 4096;
inline constexpr std::size_t kMaxManifestBytes = 1024 * 1024;
// The most bytes in one BackupResponse.
inline constexpr std::size_t kMaxPieceBytes = 128 * 1024;
// The most bytes of all files together: more than any store has.
inline constexpr std::uint64_t kMaxBackupBytes = std::uint64_t{1} << 40;

// Whether every field is what backup.proto says. Fails with kManifestInvalid,
// and with kNewerProgram for a format or a layout that this program does not
// know.
absl::Status CheckManifest(const v1::BackupManifest& manifest);

// Returns a text that ParseManifest() reads.
std::string FormatManifest(const v1::BackupManifest& manifest);

// Reads exactly what FormatManifest() wrote. Fails as CheckManifest() does.
absl::StatusOr<v1::BackupManifest> ParseManifest(std::string_view text);

// How many bytes all files have.
std::uint64_t SizeOf(const v1::BackupManifest& manifest);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BACKUP_MANIFEST_H_
