// Every way in which a disk image cannot be measured, as one closed list.
//
//   auto gpt = ReadGpt(disk);
//   if (!gpt.ok()) Count(NameOf(*DiskReasonOf(gpt.status())));
//
// A reason's NAME is API: it keeps its meaning for ever and is never reused.
// The text beside the name is for people: it may change, so never parse it.
// Safe to call from any number of threads.

#ifndef ANCHORAGE_VERIFY_MEASURE_DISK_DISK_ERROR_H_
#define ANCHORAGE_VERIFY_MEASURE_DISK_DISK_ERROR_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"

namespace anchorage::verify {

enum class DiskReason {
  // Bytes that are there cannot be read: an I/O error, or the file became
  // shorter.
  kDiskUnreadable,
  // A format that holds a disk and is not its bytes: qcow2, VMDK, VHD, xz, ...
  kDiskNotRaw,
  // Something lies beyond the end of the disk, of the partition or of the
  // file: it was cut off, or a size in it is wrong.
  kDiskTruncated,

  // --- GUID partition table (UEFI 2.10, 5) ---------------------------------

  // No "EFI PART" where a header would be.
  kGptMissing,
  // A header or an entry that is not as the specification has it.
  kGptInvalid,
  // A CRC-32 that is not the one of the header or of the entries.
  kGptChecksum,
  // More entries, or larger ones, than any real disk has.
  kGptLimit,
  // Two partitions share a sector, or one lies over the table.
  kGptOverlap,
  // Two readers would see two tables: the copies differ, there is one for each
  // sector size, two partitions have one id, or the MBR has partitions of its
  // own.
  kGptAmbiguous,

  // --- FAT -----------------------------------------------------------------

  // A boot sector or a directory that is not as the specification has it.
  kFatInvalid,
  // A chain of clusters that is too short, too long, a loop, or shared.
  kFatChain,
  // Folders too deep, or more names or bytes than an EFI partition has.
  kFatLimit,
  // A long name that does not belong to the entry behind it, or a name that no
  // writer makes.
  kFatName,
  // Two readers would see different files: copies of the allocation table
  // differ, two files have one name for firmware, or entries stand behind the
  // end of a folder.
  kFatAmbiguous,
  // There is no such file, or it is a folder.
  kFatNotFound,

  // --- What boots ----------------------------------------------------------

  // No EFI system partition.
  kEspMissing,
  // More than one: which of them firmware boots is not known.
  kEspAmbiguous,
  // No EFI/BOOT/BOOT*.EFI.
  kBootProgramMissing,
  // A boot program has no command line of its own (.cmdline): whoever starts
  // the machine gives one.
  kCmdlineMissing,
  // A boot program has no initrd of its own (.initrd): nothing reads the root
  // hash, or what does is not measured.
  kInitrdMissing,
  // A command line that the kernel would cut off, or with bytes that no
  // command line has.
  kCmdlineInvalid,
  // The kernel and systemd would read it differently, or a name that decides
  // here stands in it twice.
  kCmdlineAmbiguous,

  // --- dm-verity -----------------------------------------------------------

  // The command line names no root hash that is enforced.
  kRootHashMissing,
  // A root hash that is not hexadecimal or of no digest's length.
  kRootHashInvalid,
  // The partitions of a root hash are not on this disk, or not to be told.
  kVerityPartition,
  // A superblock that is not as cryptsetup writes it.
  kVeritySuperblock,
  // The data give another root hash.
  kVerityRootHash,
  // The hash tree on the disk is not the one of the data: the machine would
  // get I/O errors.
  kVerityTree,

  // --- The root file system ------------------------------------------------

  // What is verified is no file system, or one that is mounted writable.
  kRootWritable,
  // The root file system is not the one that the root hash covers.
  kRootNotCovered,

  kMaxValue = kRootNotCovered,
};

// Returns a non-OK status that carries `reason` for machines and `detail` for
// people: it may contain what a disk says, so it is made one line by
// Printable().
absl::Status DiskError(DiskReason reason, std::string_view detail);

// Returns the reason that DiskError() put in `status`; nullopt for an OK
// status and for a status that it did not make.
std::optional<DiskReason> DiskReasonOf(const absl::Status& status);

// Returns the stable name, such as "GPT_OVERLAP".
std::string_view NameOf(DiskReason reason);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_MEASURE_DISK_DISK_ERROR_H_
