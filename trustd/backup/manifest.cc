#include "trustd/backup/manifest.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"
#include "trustd/backup/backup_error.h"
#include "trustd/base/store_keys.h"

namespace anchorage::trustd {
namespace {

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kSha256HexDigits = 64;
// The seconds of 9999-12-31T23:59:59Z: what a Timestamp can say.
constexpr std::int64_t kLastSecond = 253'402'300'799;

absl::Status Invalid(std::string_view what) {
  return NotABackup(BackupReason::kManifestInvalid,
                    absl::StrCat("the manifest ", std::string(what)));
}

bool IsSha256Hex(std::string_view text) {
  return text.size() == kSha256HexDigits &&
         text.find_first_not_of("0123456789abcdef") == text.npos;
}

bool IsFileName(std::string_view name) {
  if (name == kHeadFile) return true;
  constexpr std::string_view kFolder = "store/";
  if (!name.starts_with(kFolder)) return false;
  name.remove_prefix(kFolder.size());
  return !name.empty() && name.size() <= kMaxNameBytes && name[0] != '.' &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyz"
             "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == name.npos;
}

}  // namespace

absl::Status CheckManifest(const v1::BackupManifest& manifest) {
  if (manifest.format() < 1 || manifest.store_schema() < 1) {
    return Invalid("has no format");
  }
  if (manifest.format() > kBackupFormat ||
      manifest.store_schema() > kSchemaVersion) {
    return NotABackup(
        BackupReason::kNewerProgram,
        absl::StrCat("it has format ", manifest.format(), " and store schema ",
                     manifest.store_schema(), ", and this program knows up to ",
                     kBackupFormat, " and ", kSchemaVersion,
                     ": it was made by ", manifest.program(),
                     "; use that one or a newer one"));
  }
  if (manifest.made().nanos() != 0 || manifest.made().seconds() < 0 ||
      manifest.made().seconds() > kLastSecond) {
    return Invalid("has no time");
  }
  if (!IsSha256Hex(manifest.first_root_sha256())) {
    return Invalid("names no root");
  }
  if (manifest.files_size() > kMaxBackupFiles) {
    return Invalid("has too many files");
  }
  std::string last;
  bool has_head = false;
  std::uint64_t left = kMaxBackupBytes;
  for (const v1::BackupFile& file : manifest.files()) {
    if (!IsFileName(file.name()) || file.name() <= last ||
        !IsSha256Hex(file.sha256()) || file.bytes() > left) {
      return Invalid(
          absl::StrCat("has a file '", file.name(), "' that no backup has"));
    }
    left -= file.bytes();
    last = file.name();
    has_head = has_head || file.name() == kHeadFile;
  }
  return has_head ? absl::OkStatus() : Invalid("has no head of the store");
}

std::string FormatManifest(const v1::BackupManifest& manifest) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string text;
  // Nothing that it has can fail to be written.
  (void)google::protobuf::util::MessageToJsonString(manifest, &text, options);
  return text;
}

absl::StatusOr<v1::BackupManifest> ParseManifest(std::string_view text) {
  if (text.size() > kMaxManifestBytes) return Invalid("is too long");
  v1::BackupManifest manifest;
  // Of a newer format it may have fields that this program does not know.
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  if (!google::protobuf::util::JsonStringToMessage(
           google::protobuf::StringPiece(text.data(), text.size()), &manifest,
           options)
           .ok()) {
    return Invalid("is not JSON of a backup");
  }
  if (absl::Status s = CheckManifest(manifest); !s.ok()) return s;
  if (FormatManifest(manifest) != text) {
    return Invalid("is not what a program of ours wrote");
  }
  return manifest;
}

std::uint64_t SizeOf(const v1::BackupManifest& manifest) {
  std::uint64_t size = 0;
  for (const v1::BackupFile& file : manifest.files()) size += file.bytes();
  return size;
}

}  // namespace anchorage::trustd
