// What "trustctl measure" is given: files that are mapped, not read, and the
// flags that say how the machine boots.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_MEASURE_INPUTS_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_MEASURE_INPUTS_H_

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "verify/measure/boot/boot_measurements.h"

namespace anchorage::trustctl {

// The longest image that is mapped: real ones have some 100 MiB.
inline constexpr std::uint64_t kMaxBootImageBytes = std::uint64_t{1} << 30;
inline constexpr std::size_t kMaxBootImages = 16;

struct FileMapping;

// A regular file in memory, as it was when it was opened. Whoever shortens the
// file meanwhile ends the program where its bytes are read next: one line says
// which file it was, and the exit code is kUnreadable. So only programs that
// have nothing to lose by that may map. Not from several threads at once.
class MappedFile {
 public:
  // Fails with NOT_FOUND, PERMISSION_DENIED, FAILED_PRECONDITION (not a regular
  // file), OUT_OF_RANGE (longer than `max_bytes`), RESOURCE_EXHAUSTED (more than
  // kMaxBootImages at once) or UNAVAILABLE.
  static absl::StatusOr<MappedFile> Open(const std::string& path,
                                         std::uint64_t max_bytes);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  MappedFile(const MappedFile&) = delete;

  // Stays where it is when this object is moved.
  std::string_view bytes() const;

  // Fails with ABORTED where the file was written to since it was opened: what
  // was computed of it is then of no file.
  absl::Status CheckUnchanged() const;

 private:
  MappedFile(int descriptor, const std::string& path,
             const struct stat& opened);

  int descriptor_;
  std::string path_;
  struct stat opened_;
  // Null for an empty file.
  std::unique_ptr<const FileMapping> mapping_;
};

// How the machine boots. Must outlive what it Read().
class BootFlags {
 public:
  // Adds --pk, --kek, --db, --dbx, --secure-boot and the flags that allow what
  // is refused otherwise. This must outlive the command.
  void AddTo(CLI::App& command);

  // Whether any of these flags was given.
  bool given() const;

  // Returns inputs without images, after the flags were parsed. Fails as
  // ReadInput() and ParseSignatureDatabase() do.
  absl::StatusOr<verify::BootInputs> Read();

 private:
  bool has_keys() const;

  // The variables PK, KEK, db and dbx: their files, and what is in them.
  std::array<std::string, 4> files_;
  std::array<std::string, 4> variables_;
  std::string secure_boot_;
  bool allow_no_command_line_ = false;
  bool allow_no_initrd_ = false;
  bool allow_profiles_ = false;
  bool allow_shim_ = false;
};

// Returns `status` with "PATH: " in front of its text, and its reason.
absl::Status InFile(const std::string& path, const absl::Status& status);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_MEASURE_INPUTS_H_
