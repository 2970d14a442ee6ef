// What a machine does that boots a disk: which programs its firmware starts,
// what a TPM will show of them, and whether that says anything of the files on
// the root file system.
//
//   DiskImageOptions options;
//   auto image = ExamineDiskImage(disk, options);
//   for (const BootProgram& program : image->programs) {
//     if (program.root.ok()) ...  // PCR4 speaks for the root file system
//   }
//
// PCR4 is over a boot program, which is a unified kernel image; that has a
// command line in it, which names a root hash; and the kernel lets nothing be
// read that does not lead to it. So PCR4 speaks for the root file system where
// all of this holds: the command line is in the program and can be read in one
// way; dm-verity is enforced; the root hash, computed again from the partition,
// is the one that is named; the root file system is the one that is covered,
// and is mounted read-only. Where one of them does not, PCR4 says nothing of
// any file there.
//
// Sources: UEFI 2.10, 3.5.1.1 (removable media boot); the Discoverable
// Partitions Specification; systemd-stub(7), systemd-veritysetup-generator(8).
//
// Pure; reads the disk through a seam. Memory: one boot program, the tables of
// gpt.h and fat.h, and what verity.h says.

#ifndef ANCHORAGE_VERIFY_MEASURE_DISK_DISK_IMAGE_H_
#define ANCHORAGE_VERIFY_MEASURE_DISK_DISK_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "verify/measure/boot/boot_measurements.h"
#include "verify/measure/disk/disk_view.h"
#include "verify/measure/disk/gpt.h"
#include "verify/measure/disk/verity.h"

namespace anchorage::verify {

// The largest boot program that is read, in bytes.
inline constexpr std::size_t kMaxBootProgramBytes = 1 << 30;

// What a partition holds, by its first bytes.
enum class DiskContent {
  kUnknown,
  kSquashfs,
  kErofs,
  kExt,
  kXfs,
  kBtrfs,
  kF2fs,
  kFat,
  kLuks,
  kLvm,
  kSwap,
  kVerityHashes,
  kMaxValue = kVerityHashes,
};

// Such as "squashfs", or "no known file system".
std::string_view NameOf(DiskContent content);

// Whether nothing can be written to it by its very format.
bool IsReadOnlyFormat(DiskContent content);

absl::StatusOr<DiskContent> ContentOf(const DiskView& partition);

// A partition whose root hash was computed again.
struct VerifiedVolume {
  // "/" or "/usr".
  std::string mount_point;
  // In hex, as the command line names it; equal to what was computed.
  std::string root_hash;
  // Numbers of partitions.
  int data_partition = 0;
  int hash_partition = 0;
  BlockHash hash = BlockHash::kSha256;
  // How many bytes were hashed.
  std::uint64_t data_bytes = 0;
  DiskContent content = DiskContent::kUnknown;
};

// An EFI/BOOT/BOOT*.EFI: one that firmware starts by itself.
struct BootProgram {
  // As on the disk, with '/'.
  std::string path;
  // "x64", "aa64", ...; what the file is named for.
  std::string architecture;
  std::uint64_t size = 0;
  // Raw SHA-256 of the file.
  std::string sha256;
  // As the image has it, without what fills it up; empty where it has none.
  std::string cmdline;
  absl::StatusOr<BootMeasurements> measurements;
  // What was computed again without a difference.
  std::vector<VerifiedVolume> volumes;
  // OK: PCR4 speaks for the root file system. Otherwise the first reason why
  // it does not.
  absl::Status root;
};

// Something that changes what a machine does, and no root hash or boot program
// covers.
struct UnmeasuredThing {
  enum class Kind {
    // A partition that no root hash covers.
    kPartition,
    // One that memory is written to.
    kSwap,
    // A system extension that systemd-stub loads (PCR13).
    kExtension,
    // Credentials that systemd-stub loads (PCR12).
    kCredential,
    // A command line or device tree that systemd-stub adds (PCR12).
    kAddon,
    // What a boot loader offers.
    kLoaderEntry,
    // A program that firmware starts when it is told to.
    kEfiProgram,
    // Any other file on the EFI system partition.
    kFile,
    // A parameter of the command line.
    kParameter,
    kMaxValue = kParameter,
  };
  Kind kind = Kind::kFile;
  // The path on the EFI system partition, "partition 3", or the parameter.
  std::string name;
  // One sentence for people; made printable where it is shown.
  std::string sentence;
  // The register that shows it when it is used; nullopt: none does.
  std::optional<int> pcr;
};

// Such as "EXTENSION".
std::string_view NameOf(UnmeasuredThing::Kind kind);

struct DiskImage {
  Gpt gpt;
  // The number of the EFI system partition.
  int esp = 0;
  // At least one, by path.
  std::vector<BootProgram> programs;
  // In the order of the partitions and paths.
  std::vector<UnmeasuredThing> unmeasured;

  // Whether PCR4 speaks for the root file system, whichever program boots.
  bool pcr4_covers_root() const;
};

struct DiskImageOptions {
  // For every program: keys, and what is allowed. `images` is not looked at.
  BootInputs boot;
  // Called now and then while `what` ("partition 3") is hashed; may be empty.
  std::function<void(std::string_view what, std::uint64_t done,
                     std::uint64_t total)>
      progress;
};

// Fails for a disk of which it cannot be told what boots, with any reason of
// disk_error.h: what is wrong with one boot program stands beside that.
absl::StatusOr<DiskImage> ExamineDiskImage(const DiskView& disk,
                                           const DiskImageOptions& options);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_MEASURE_DISK_DISK_IMAGE_H_
