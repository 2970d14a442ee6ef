// The kernel's command line: which root file system a machine will mount, and
// what makes it trust that.
//
//   auto arguments = ReadBootArguments(cmdline_section);
//   if (arguments->root.has_value()) arguments->root->root_hash ...
//
// It is split as the kernel does (lib/cmdline.c, next_arg()): at white space
// that is not between double quotes. systemd and dracut split it too, in other
// ways: what they could read differently (single quotes, backslashes, "--") is
// refused. '-' and '_' are one character in a name, as for all of them.
//
// Sources: kernel-parameters.txt; systemd-veritysetup-generator(8),
// systemd-gpt-auto-generator(8), kernel-command-line(7), dracut.cmdline(7).
//
// Pure. Errors: kCmdlineInvalid, kCmdlineAmbiguous, kRootHashInvalid.

#ifndef ANCHORAGE_VERIFY_MEASURE_DISK_CMDLINE_H_
#define ANCHORAGE_VERIFY_MEASURE_DISK_CMDLINE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace anchorage::verify {

// COMMAND_LINE_SIZE of x86 and arm64 without the NUL: the kernel cuts off the
// rest.
inline constexpr std::size_t kMaxCmdlineBytes = 2047;

struct CmdlineParameter {
  // With '_' for '-'.
  std::string name;
  // Without its quotes; nullopt where there is no '='.
  std::optional<std::string> value;
};

// Splits a command line; NULs and white space at its end are dropped.
absl::StatusOr<std::vector<CmdlineParameter>> SplitCmdline(
    std::string_view cmdline);

// What systemd-veritysetup-generator is told of one file system.
struct VerityArguments {
  // Raw: 32 or 64 bytes.
  std::string root_hash;
  // As they stand there; empty: found by the root hash.
  std::string data_device;
  std::string hash_device;
  // In bytes, from the beginning of the hash device.
  std::uint64_t hash_offset = 0;
};

// What a parameter does beside naming the root file system, as one sentence
// for people.
struct CmdlineNote {
  // With its value.
  std::string parameter{};
  std::string sentence{};
  // Whether what runs is then no longer what the root hash covers.
  bool voids_root_hash = false;
};

struct BootArguments {
  // From roothash= and usrhash=, and what belongs to them.
  std::optional<VerityArguments> root;
  std::optional<VerityArguments> usr;
  // Why root hashes are not enforced, where the command line says so; empty
  // otherwise.
  std::string verity_is_off;
  // root= and mount.usr=, where they stand there.
  std::optional<std::string> root_device;
  std::optional<std::string> usr_device;
  // initrd=, which the kernel reads where it is given no other; the first, and
  // empty without one.
  std::string initrd_file;
  // "rw" without "ro".
  bool read_write = false;
  // systemd.volatile=yes: of the disk, /usr alone is used.
  bool only_usr = false;
  std::vector<CmdlineNote> notes;
};

absl::StatusOr<BootArguments> ReadBootArguments(std::string_view cmdline);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_MEASURE_DISK_CMDLINE_H_
