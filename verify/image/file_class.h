// What of an image is code, and what decides which code is started.
//
//   FileClass c = ClassifyFile("usr/lib/libc.so.6", 0644, head, formats);
//   if (IsInScope(c, ManifestScope::kCode)) ...
//
// The contents of a file and where it stands decide, its mode last: most shared
// libraries of a Debian machine have no x bit, and a unit of systemd is text.
// Pure; safe to call from any number of threads.

#ifndef ANCHORAGE_VERIFY_IMAGE_FILE_CLASS_H_
#define ANCHORAGE_VERIFY_IMAGE_FILE_CLASS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "verify/image/manifest.h"

namespace anchorage::verify {

// As many of a file's first bytes as Linux looks at to find out how to run it
// (BINPRM_BUF_SIZE), and as decide about its class.
inline constexpr std::size_t kHeadBytes = 256;

// The formats that an image registers with the kernel's binfmt_misc through
// binfmt.d(5) or Debian's update-binfmts(8), each with the program that runs it.
class BinaryFormats {
 public:
  // More are not kept: the kernel would have to try each for each program.
  static constexpr std::size_t kMaxFormats = 1'000;

  // Adds what a file of binfmt.d says. Lines that are no registration are
  // ignored, as the kernel refuses them.
  void Add(std::string_view text);

  // Adds what a file of kBinfmtSupportFolders says.
  void AddOfBinfmtSupport(std::string_view text);

  // Whether a file with these first bytes and that name is one of the formats.
  bool Match(std::string_view name, std::string_view head) const;

  std::size_t size() const { return formats_.size(); }

 private:
  struct Format {
    std::size_t offset = 0;
    // As long as each other; or both empty, and the extension counts.
    std::string magic;
    std::string mask;
    std::string extension;
  };

  // Adds a format by its extension or magic, or nothing where the kernel would
  // refuse it.
  void AddOne(bool by_extension, std::string_view offset, std::string_view what,
              std::string_view mask_text);

  std::vector<Format> formats_;
};

// The folders of an image from which systemd-binfmt reads, as names of entries.
inline constexpr std::string_view kBinaryFormatFolders[] = {
    "etc/binfmt.d", "usr/local/lib/binfmt.d", "usr/lib/binfmt.d",
    "lib/binfmt.d"};
// And those of update-binfmts, as packages bring them and as it keeps them.
inline constexpr std::string_view kBinfmtSupportFolders[] = {
    "usr/share/binfmts", "var/lib/binfmts"};

// Returns the class of the regular file `name` (as in ManifestEntry), of which
// `head` is at least the first kHeadBytes bytes, or all where it has fewer.
FileClass ClassifyFile(std::string_view name, std::uint32_t mode,
                       std::string_view head, const BinaryFormats& formats);

// Whether what stands at `name` decides which code is started, whatever it is:
// /etc/ld.so.preload, units, cron, rules of udev, PAM, boot loaders and so on.
// client/image/README.md has the table.
bool IsStartUpName(std::string_view name);

// Whether who may write to the folder `name` decides what is run, also while it
// is empty: it is a folder of programs, libraries, modules of an interpreter or
// start-up files, or above one.
bool IsFolderOfCode(std::string_view name);

// Whether a file of that class is an entry of a manifest of that scope.
bool IsInScope(FileClass file_class, ManifestScope scope);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IMAGE_FILE_CLASS_H_
