#include "trustd/backup/backup_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/descriptor.h"
#include "anchors/base/no_signal.h"
#include "anchors/base/proto_time.h"
#include "anchors/base/version.h"
#include "trustd/backup/backup_error.h"
#include "trustd/base/store_keys.h"
#include "trustd/publish/publisher_files.h"
#include "trustd/record/ledger.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

namespace fs = std::filesystem;
using anchors::FileError;

// What must stay free on a disk that a backup is written to.
constexpr std::uint64_t kSpareBytes = RocksDbStore::kMinFreeBytes;

int Open(const std::string& path, int flags, mode_t mode = 0) {
  return anchors::AboveStandardStreams(
      ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode));
}

// Reads up to `size` bytes; fewer at the end of the file.
absl::StatusOr<std::string> ReadSome(int fd, std::size_t size,
                                     const std::string& path) {
  std::string bytes(size, '\0');
  std::size_t at = 0;
  while (at < size) {
    const ssize_t got = ::read(fd, bytes.data() + at, size - at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(errno, "read", path);
    if (got == 0) break;
    at += static_cast<std::size_t>(got);
  }
  bytes.resize(at);
  return bytes;
}

struct HashedFile {
  std::uint64_t bytes = 0;
  std::string sha256;
};

absl::StatusOr<HashedFile> HashFile(const std::string& path) {
  const int fd = Open(path, O_RDONLY | O_NONBLOCK);
  if (fd < 0) return FileError(errno, "open", path);
  struct Closing {
    int fd;
    EVP_MD_CTX* context;
    ~Closing() {
      ::close(fd);
      EVP_MD_CTX_free(context);
    }
  } const use{fd, EVP_MD_CTX_new()};
  struct stat status;
  if (::fstat(fd, &status) != 0) return FileError(errno, "stat", path);
  if (!S_ISREG(status.st_mode)) {
    return NotABackup(BackupReason::kChanged,
                      absl::StrCat(path, " is not a regular file"));
  }
  HashedFile hashed;
  bool good = use.context != nullptr &&
              EVP_DigestInit_ex(use.context, EVP_sha256(), nullptr) == 1;
  while (good) {
    const auto bytes = ReadSome(fd, kMaxPieceBytes, path);
    if (!bytes.ok()) return bytes.status();
    if (bytes->empty()) break;
    hashed.bytes += bytes->size();
    good = EVP_DigestUpdate(use.context, bytes->data(), bytes->size()) == 1;
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (!good || EVP_DigestFinal_ex(use.context, digest, &size) != 1) {
    return absl::ResourceExhaustedError("no memory for a SHA-256");
  }
  hashed.sha256 = absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), size));
  return hashed;
}

// The files of a backup's folder, but for the manifest, by their names in it.
absl::StatusOr<std::set<std::string>> FilesIn(const std::string& folder) {
  std::set<std::string> names;
  for (const std::string& below : {std::string(), std::string("store/")}) {
    std::error_code error;
    for (auto at = fs::directory_iterator(folder + "/" + below, error);
         !error && at != fs::directory_iterator(); at.increment(error)) {
      const std::string name = below + at->path().filename().string();
      if (name == kStoreFolder || name == kManifestFile) continue;
      if (names.size() == kMaxBackupFiles) {
        return NotABackup(BackupReason::kChanged, "it has too many files");
      }
      names.insert(name);
    }
    if (error) {
      return NotABackup(BackupReason::kCut,
                        absl::StrCat("cannot list ", folder, "/", below, ": ",
                                     error.message()));
    }
  }
  return names;
}

absl::StatusOr<v1::BackupManifest> ReadManifest(const std::string& folder) {
  const std::string path = absl::StrCat(folder, "/", kManifestFile);
  const auto text = anchors::ReadFile(path, kMaxManifestBytes);
  if (absl::IsNotFound(text.status())) {
    return NotABackup(
        BackupReason::kNoBackup,
        absl::StrCat(path,
                     " is not there: is this the folder that 'trustctl "
                     "backup' made?"));
  }
  if (absl::IsOutOfRange(text.status())) {
    return NotABackup(BackupReason::kManifestInvalid,
                      std::string(text.status().message()));
  }
  if (!text.ok()) return text.status();
  return ParseManifest(*text);
}

absl::Status CheckFiles(const std::string& folder,
                        const v1::BackupManifest& manifest) {
  auto names = FilesIn(folder);
  if (!names.ok()) return names.status();
  for (const v1::BackupFile& file : manifest.files()) {
    const auto hashed = HashFile(absl::StrCat(folder, "/", file.name()));
    if (absl::IsNotFound(hashed.status())) {
      return NotABackup(BackupReason::kCut,
                        absl::StrCat(file.name(), " is not there"));
    }
    if (!hashed.ok()) return hashed.status();
    if (hashed->bytes < file.bytes()) {
      return NotABackup(BackupReason::kCut,
                        absl::StrCat(file.name(), " has ", hashed->bytes,
                                     " of its ", file.bytes(), " bytes"));
    }
    if (hashed->sha256 != file.sha256()) {
      return NotABackup(
          BackupReason::kChanged,
          absl::StrCat(file.name(), " is not what the manifest says"));
    }
    names->erase(file.name());
  }
  if (names->empty()) return absl::OkStatus();
  return NotABackup(
      BackupReason::kChanged,
      absl::StrCat("the manifest does not have the file ", *names->begin()));
}

absl::Status SyncFolder(const std::string& folder) {
  const int fd = Open(folder, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return FileError(errno, "open", folder);
  const int synced = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  return synced == 0 ? absl::OkStatus() : FileError(error, "sync", folder);
}

absl::Status IsDamaged(const absl::Status& why) {
  return NotABackup(BackupReason::kStoreDamaged, std::string(why.message()));
}

}  // namespace

absl::StatusOr<BackupFacts> VerifyBackup(const std::string& folder) {
  BackupFacts facts;
  auto manifest = ReadManifest(folder);
  if (!manifest.ok()) return manifest.status();
  facts.manifest = *std::move(manifest);
  if (absl::Status s = CheckFiles(folder, facts.manifest); !s.ok()) return s;
  auto store =
      RocksDbStore::OpenForReading(absl::StrCat(folder, "/", kStoreFolder));
  if (!store.ok()) return IsDamaged(store.status());
  facts.store = *std::move(store);
  const auto schema = facts.store->Get(keys::kSchema);
  if (!schema.ok()) return IsDamaged(schema.status());
  if (schema->value_or("") != absl::StrCat(facts.manifest.store_schema())) {
    return NotABackup(BackupReason::kChanged,
                      "the store has another schema than the manifest says");
  }
  const auto text =
      anchors::ReadFile(absl::StrCat(folder, "/", kHeadFile), kMaxHeadBytes);
  const auto head =
      text.ok() ? ParseHead(*text) : absl::StatusOr<StoreHead>(text.status());
  const auto now = ReadHead(*facts.store);
  if (!head.ok()) return IsDamaged(head.status());
  if (!now.ok()) return IsDamaged(now.status());
  if (*head != *now) {
    return NotABackup(
        BackupReason::kHeadOfAnother,
        absl::StrCat("the store has timestamp ", now->timestamp_version,
                     " and ", now->records, " records, and its head says ",
                     head->timestamp_version, " and ", head->records));
  }
  facts.head = *now;
  const auto ledger =
      Ledger::Open(*facts.store, [](std::uint64_t, const v1::LedgerRecord&) {});
  if (!ledger.ok()) return IsDamaged(ledger.status());
  if (!(*ledger)->health().ok()) return IsDamaged((*ledger)->health());
  const auto files = LoadFiles(*facts.store);
  if (!files.ok()) return IsDamaged(files.status());
  auto publication = VerifyFiles(*files);
  if (!publication.ok()) return IsDamaged(publication.status());
  facts.publication = *std::move(publication);
  if (verify::Sha256Hex(files->roots.front()) !=
      facts.manifest.first_root_sha256()) {
    return NotABackup(BackupReason::kChanged,
                      "the store has another first root than the manifest");
  }
  return facts;
}

absl::StatusOr<v1::BackupManifest> DescribeBackup(const std::string& folder,
                                                  absl::Time made) {
  v1::BackupManifest manifest;
  manifest.set_format(kBackupFormat);
  manifest.set_program(absl::StrCat("trustd ", anchors::kVersionAndCommit));
  anchors::SetTime(made, *manifest.mutable_made());
  {
    const auto store =
        RocksDbStore::OpenForReading(absl::StrCat(folder, "/", kStoreFolder));
    if (!store.ok()) return store.status();
    const auto schema = (*store)->Get(keys::kSchema);
    if (!schema.ok()) return schema.status();
    std::int32_t version = 0;
    if (!absl::SimpleAtoi(schema->value_or(""), &version)) {
      return NotABackup(BackupReason::kStoreDamaged, "the store has no schema");
    }
    manifest.set_store_schema(version);
    const auto files = LoadFiles(**store);
    if (!files.ok()) return files.status();
    if (files->roots.empty()) {
      return NotABackup(BackupReason::kStoreDamaged,
                        "the store has published nothing");
    }
    manifest.set_first_root_sha256(verify::Sha256Hex(files->roots.front()));
  }
  const auto names = FilesIn(folder);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    const auto hashed = HashFile(absl::StrCat(folder, "/", name));
    if (!hashed.ok()) return hashed.status();
    v1::BackupFile& file = *manifest.add_files();
    file.set_name(name);
    file.set_bytes(hashed->bytes);
    file.set_sha256(hashed->sha256);
  }
  if (absl::Status s = CheckManifest(manifest); !s.ok()) return s;
  return manifest;
}

// --- reading -------------------------------------------------------------------

BackupReader::BackupReader(std::string folder, v1::BackupManifest manifest)
    : folder_(std::move(folder)), manifest_(std::move(manifest)) {}

BackupReader::~BackupReader() {
  if (fd_ >= 0) ::close(fd_);
}

absl::StatusOr<std::unique_ptr<BackupReader>> BackupReader::Open(
    const std::string& folder) {
  auto manifest = ReadManifest(folder);
  if (!manifest.ok()) return manifest.status();
  return std::make_unique<BackupReader>(folder, *std::move(manifest));
}

absl::StatusOr<std::optional<v1::BackupResponse>> BackupReader::Next() {
  v1::BackupResponse piece;
  if (!std::exchange(began_, true)) {
    *piece.mutable_manifest() = manifest_;
    return piece;
  }
  while (left_ == 0) {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    if (file_ == manifest_.files_size()) return std::nullopt;
    const v1::BackupFile& file = manifest_.files(file_++);
    left_ = file.bytes();
    if (left_ == 0) continue;
    const std::string path = absl::StrCat(folder_, "/", file.name());
    fd_ = trustd::Open(path, O_RDONLY | O_NONBLOCK);
    if (fd_ < 0 && errno == ENOENT) {
      return NotABackup(BackupReason::kCut,
                        absl::StrCat(file.name(), " is not there"));
    }
    if (fd_ < 0) return FileError(errno, "open", path);
  }
  const std::string& name = manifest_.files(file_ - 1).name();
  auto bytes =
      ReadSome(fd_, std::min<std::uint64_t>(left_, kMaxPieceBytes), name);
  if (!bytes.ok()) return bytes.status();
  if (bytes->empty()) {
    return NotABackup(BackupReason::kCut,
                      absl::StrCat(name, " ends before its time"));
  }
  left_ -= bytes->size();
  piece.set_data(*std::move(bytes));
  return piece;
}

// --- writing -------------------------------------------------------------------

BackupWriter::BackupWriter(std::string target, std::string folder)
    : target_(std::move(target)), folder_(std::move(folder)) {}

BackupWriter::~BackupWriter() {
  if (fd_ >= 0) ::close(fd_);
  std::error_code ignored;
  if (!finished_) fs::remove_all(folder_, ignored);
}

absl::StatusOr<std::unique_ptr<BackupWriter>> BackupWriter::Begin(
    std::string target) {
  while (target.size() > 1 && target.back() == '/') target.pop_back();
  std::error_code error;
  if (fs::exists(fs::symlink_status(target, error)) &&
      !(fs::is_directory(fs::symlink_status(target, error)) &&
        fs::is_empty(target, error))) {
    return absl::AlreadyExistsError(absl::StrCat(
        target,
        " is there and not an empty folder (nothing is overwritten: "
        "give a folder that is not there)"));
  }
  const std::string parent = fs::path(target).parent_path().string();
  if (!parent.empty()) {
    if (absl::Status s = anchors::MakeFolder(parent); !s.ok()) return s;
  }
  std::string folder = target + ".part-XXXXXX";
  // Its mode is 0700.
  if (::mkdtemp(folder.data()) == nullptr) {
    return FileError(errno, "make folder", folder);
  }
  std::unique_ptr<BackupWriter> writer(
      new BackupWriter(std::move(target), std::move(folder)));
  if (absl::Status s =
          anchors::MakeFolder(absl::StrCat(writer->folder_, "/", kStoreFolder));
      !s.ok()) {
    return s;
  }
  return writer;
}

absl::Status BackupWriter::TakeManifest(const v1::BackupManifest& manifest) {
  if (absl::Status s = CheckManifest(manifest); !s.ok()) return s;
  const std::uint64_t size = SizeOf(manifest);
  std::error_code error;
  const auto space = fs::space(folder_, error);
  if (!error && space.available < size + kSpareBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the disk of ", target_, " has ", space.available >> 20,
                     " MiB left, and the backup needs ",
                     (size + kSpareBytes) >> 20, " MiB (nothing was changed)"));
  }
  manifest_ = manifest;
  return NextFile();
}

absl::Status BackupWriter::CloseFile() {
  if (fd_ < 0) return absl::OkStatus();
  const int fd = std::exchange(fd_, -1);
  const int synced = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  if (synced == 0) return absl::OkStatus();
  return FileError(error, "sync", manifest_->files(file_ - 1).name());
}

absl::Status BackupWriter::NextFile() {
  while (left_ == 0) {
    if (absl::Status s = CloseFile(); !s.ok()) return s;
    if (file_ == manifest_->files_size()) return absl::OkStatus();
    const v1::BackupFile& file = manifest_->files(file_++);
    left_ = file.bytes();
    const std::string path = absl::StrCat(folder_, "/", file.name());
    fd_ = Open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd_ < 0) return FileError(errno, "create", path);
  }
  return absl::OkStatus();
}

absl::Status BackupWriter::Take(const v1::BackupResponse& piece) {
  if (piece.has_manifest() != !manifest_.has_value()) {
    return NotABackup(BackupReason::kManifestInvalid,
                      "it does not begin with one manifest");
  }
  if (piece.has_manifest()) return TakeManifest(piece.manifest());
  const std::string& bytes = piece.data();
  if (bytes.empty() || bytes.size() > left_ || bytes.size() > kMaxPieceBytes) {
    return NotABackup(BackupReason::kChanged,
                      "a piece is not of the file that comes next");
  }
  // Beyond the limit of this process (RLIMIT_FSIZE).
  const anchors::NoSignal no_signal(SIGXFSZ);
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t written = ::write(fd_, bytes.data() + at, bytes.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError(errno, "write in", folder_);
    at += static_cast<std::size_t>(written);
  }
  left_ -= bytes.size();
  return NextFile();
}

absl::StatusOr<BackupFacts> BackupWriter::Finish() {
  if (!manifest_.has_value() || left_ != 0 ||
      file_ != manifest_->files_size()) {
    return NotABackup(BackupReason::kCut, "it ended before its last file");
  }
  if (absl::Status s = anchors::WriteFileAtomically(
          absl::StrCat(folder_, "/", kManifestFile), FormatManifest(*manifest_),
          anchors::FileAccess::kPrivate);
      !s.ok()) {
    return s;
  }
  if (absl::Status s = SyncFolder(absl::StrCat(folder_, "/", kStoreFolder));
      !s.ok()) {
    return s;
  }
  auto facts = VerifyBackup(folder_);
  if (!facts.ok()) return facts.status();
  // An empty folder of that name is replaced.
  if (::rename(folder_.c_str(), target_.c_str()) != 0) {
    return FileError(errno, "rename a backup to", target_);
  }
  finished_ = true;
  const std::string parent = fs::path(target_).parent_path().string();
  if (absl::Status s = SyncFolder(parent.empty() ? "." : parent); !s.ok()) {
    return s;
  }
  return facts;
}

}  // namespace anchorage::trustd
