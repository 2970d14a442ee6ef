#include "tools/trustctl/measure_inputs.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/output.h"
#include "verify/measure/boot/signature_list.h"

namespace anchorage::trustctl {

// What a handler of SIGBUS must know of a file, which cannot ask for memory.
struct FileMapping {
  FileMapping(void* start, std::size_t size, const std::string& path);
  ~FileMapping();

  void* const start;
  const std::size_t size;
  const std::string line;
};

namespace {

std::array<std::atomic<const FileMapping*>, kMaxBootImages> g_mappings;

std::atomic<const FileMapping*>* Find(const FileMapping* mapping) {
  const auto slot =
      std::find_if(g_mappings.begin(), g_mappings.end(),
                   [mapping](const auto& s) { return s == mapping; });
  return slot == g_mappings.end() ? nullptr : &*slot;
}

// A fault elsewhere happens again when this returns, and ends the program as it
// would have without it (SA_RESETHAND).
void EndForShortenedFile(int, siginfo_t* info, void*) {
  const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (const auto& slot : g_mappings) {
    const FileMapping* const mapping = slot;
    if (mapping == nullptr) continue;
    const auto start = reinterpret_cast<std::uintptr_t>(mapping->start);
    if (at < start || at - start >= mapping->size) continue;
    const ssize_t written =
        ::write(STDERR_FILENO, mapping->line.data(), mapping->line.size());
    static_cast<void>(written);
    ::_exit(kUnreadable);
  }
}

constexpr std::array<const char*, 4> kVariables = {"PK", "KEK", "db", "dbx"};
constexpr std::array<const char*, 4> kFlags = {"--pk", "--kek", "--db",
                                               "--dbx"};

bool SameTime(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

absl::Status InFile(const std::string& path, const absl::Status& status) {
  absl::Status named(status.code(),
                     absl::StrCat(Printable(path), ": ", status.message()));
  status.ForEachPayload(
      [&named](absl::string_view type, const absl::Cord& payload) {
        named.SetPayload(type, payload);
      });
  return named;
}

// --- MappedFile --------------------------------------------------------------

FileMapping::FileMapping(void* start, std::size_t size, const std::string& path)
    : start(start),
      size(size),
      line(absl::StrCat("trustctl: error: ", Printable(path),
                        " was changed while it was measured\n")) {}

FileMapping::~FileMapping() {
  if (auto* const slot = Find(this); slot != nullptr) *slot = nullptr;
  ::munmap(start, size);
}

MappedFile::MappedFile(int descriptor, const std::string& path,
                       const struct stat& opened)
    : descriptor_(descriptor), path_(path), opened_(opened) {}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      opened_(other.opened_),
      mapping_(std::move(other.mapping_)) {}

MappedFile::~MappedFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string_view MappedFile::bytes() const {
  if (mapping_ == nullptr) return {};
  return {static_cast<const char*>(mapping_->start), mapping_->size};
}

absl::StatusOr<MappedFile> MappedFile::Open(const std::string& path,
                                            std::uint64_t max_bytes) {
  // Non-blocking, so that a named pipe cannot make us wait.
  const int descriptor =
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return anchors::FileError(errno, "open", path);
  struct stat opened {};
  MappedFile file(descriptor, path, opened);
  if (::fstat(descriptor, &file.opened_) != 0) {
    return anchors::FileError(errno, "stat", path);
  }
  if (!S_ISREG(file.opened_.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is not a regular file"));
  }
  const auto size = static_cast<std::uint64_t>(file.opened_.st_size);
  if (size > max_bytes) {
    return absl::OutOfRangeError(
        absl::StrCat(path, " is longer than ", max_bytes, " bytes"));
  }
  if (size == 0) return file;
  auto* const slot = Find(nullptr);
  if (slot == nullptr) {
    return absl::ResourceExhaustedError("too many files are measured at once");
  }
  void* const start =
      ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (start == MAP_FAILED) return anchors::FileError(errno, "map", path);
  file.mapping_ = std::make_unique<const FileMapping>(start, size, path);
  *slot = file.mapping_.get();
  struct sigaction action {};
  action.sa_sigaction = &EndForShortenedFile;
  action.sa_flags = SA_SIGINFO | SA_RESETHAND;
  ::sigaction(SIGBUS, &action, nullptr);
  ::madvise(start, size, MADV_SEQUENTIAL);
  return file;
}

absl::Status MappedFile::CheckUnchanged() const {
  struct stat now {};
  if (::fstat(descriptor_, &now) != 0) {
    return anchors::FileError(errno, "stat", path_);
  }
  if (now.st_size != opened_.st_size ||
      !SameTime(now.st_mtim, opened_.st_mtim) ||
      !SameTime(now.st_ctim, opened_.st_ctim)) {
    return absl::AbortedError(
        absl::StrCat(path_, " was changed while it was measured"));
  }
  return absl::OkStatus();
}

// --- BootFlags ---------------------------------------------------------------

void BootFlags::AddTo(CLI::App& command) {
  constexpr std::array<const char*, 4> kHelp = {
      "the platform key: the variable PK as a file of signature lists (.esl), "
      "or as efivarfs has it",
      "the same of KEK", "the same of db: whose images start",
      "the same of dbx: which images never start; none is an empty one"};
  for (std::size_t i = 0; i < kFlags.size(); ++i) {
    command.add_option(kFlags[i], files_[i], kHelp[i]);
  }
  command
      .add_option("--secure-boot", secure_boot_,
                  "on or off; without it, on where there is a PK. 'off' "
                  "without keys is a machine that has none")
      ->check(CLI::IsMember({"on", "off"}));
  command.add_flag("--allow-no-command-line", allow_no_command_line_,
                   "measure an image without .cmdline, which boots with any");
  command.add_flag("--allow-no-initrd", allow_no_initrd_,
                   "measure an image without .initrd, which boots with any");
  command.add_flag("--allow-profiles", allow_profiles_,
                   "measure an image of which the boot entry chooses a profile "
                   "(without PCR11)");
  command.add_flag("--allow-shim", allow_shim_,
                   "measure shim, too (without PCR7)");
}

bool BootFlags::given() const {
  return !secure_boot_.empty() || allow_no_command_line_ || allow_no_initrd_ ||
         allow_profiles_ || allow_shim_ || has_keys();
}

bool BootFlags::has_keys() const {
  return std::any_of(files_.begin(), files_.end(),
                     [](const std::string& file) { return !file.empty(); });
}

absl::StatusOr<verify::BootInputs> BootFlags::Read() {
  verify::BootInputs inputs;
  inputs.allow_no_command_line = allow_no_command_line_;
  inputs.allow_no_initrd = allow_no_initrd_;
  inputs.allow_profiles = allow_profiles_;
  inputs.allow_shim = allow_shim_;
  if (!secure_boot_.empty()) inputs.secure_boot = secure_boot_ == "on";
  verify::SecureBootKeys& keys = inputs.keys;
  if (!has_keys() && inputs.secure_boot == false) {
    keys.pk = keys.kek = keys.db = verify::SignatureDatabase();
  }
  const std::array<std::optional<verify::SignatureDatabase>*, 4> databases = {
      &keys.pk, &keys.kek, &keys.db, &keys.dbx};
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (files_[i].empty()) continue;
    auto bytes = ReadInput(files_[i]);
    if (!bytes.ok()) return bytes.status();
    variables_[i] = *std::move(bytes);
    auto database = verify::ParseSignatureDatabase(
        variables_[i], verify::VariableForm::kDetect);
    if (!database.ok()) {
      return InFile(absl::StrCat(files_[i], " (", kVariables[i], ")"),
                    database.status());
    }
    *databases[i] = *std::move(database);
  }
  return inputs;
}

}  // namespace anchorage::trustctl
