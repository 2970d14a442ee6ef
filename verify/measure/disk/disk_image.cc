#include "verify/measure/disk/disk_image.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/little_endian.h"
#include "verify/enum_table.h"
#include "verify/measure/boot/pe_image.h"
#include "verify/measure/disk/cmdline.h"
#include "verify/measure/disk/disk_error.h"
#include "verify/measure/disk/fat.h"

namespace anchorage::verify {
namespace {

using Kind = UnmeasuredThing::Kind;

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

// --- What is no raw disk ----------------------------------------------------

struct Container {
  std::string_view begins;
  std::string_view hint;
};

constexpr std::string_view kQemuImg =
    "qemu-img convert -O raw makes a raw file of it";

constexpr Container kContainers[] = {
    {"QFI\xfb", kQemuImg},
    {"KDMV", kQemuImg},
    {"COWD", kQemuImg},
    {"# Disk DescriptorFile", kQemuImg},
    {"vhdxfile", kQemuImg},
    {"conectix", kQemuImg},
    {"<<< Oracle VM VirtualBox Disk Image", kQemuImg},
    {std::string_view("\xfd"
                      "7zXZ\0",
                      6),
     "xz -d makes a raw file of it"},
    {"\x1f\x8b", "gzip -d makes a raw file of it"},
    {"\x28\xb5\x2f\xfd", "zstd -d makes a raw file of it"},
    {"BZh", "bzip2 -d makes a raw file of it"},
    {"PK\x03\x04", "unzip makes a raw file of it"},
};

absl::Status CheckRaw(const DiskView& disk) {
  const auto begin = disk.Read(
      0, static_cast<std::size_t>(std::min<std::uint64_t>(disk.size(), 64)));
  if (!begin.ok()) return begin.status();
  for (const Container& container : kContainers) {
    if (begin->starts_with(container.begins)) {
      return DiskError(DiskReason::kDiskNotRaw, container.hint);
    }
  }
  // A VHD of fixed size is a raw disk with a sector behind it.
  if (disk.size() >= 512) {
    const auto end = disk.Read(disk.size() - 512, 8);
    if (!end.ok()) return end.status();
    if (*end == "conectix") {
      return DiskError(DiskReason::kDiskNotRaw, kQemuImg);
    }
  }
  return absl::OkStatus();
}

// --- What a partition is and has -------------------------------------------

constexpr std::string_view kEspType = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
constexpr std::string_view kSwapType = "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f";

struct PartitionType {
  std::string_view guid;
  std::string_view name;
};

// The Discoverable Partitions Specification, for the architectures of EC2.
constexpr PartitionType kPartitionTypes[] = {
    {kEspType, "EFI system partition"},
    {"bc13c2ff-59e6-4262-a352-b275fd6f7172", "extended boot loader"},
    {kSwapType, "swap"},
    {"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "root (x86-64)"},
    {"2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", "root hash tree (x86-64)"},
    {"41092b05-9fc8-4523-994f-2def0408b176", "root signature (x86-64)"},
    {"b921b045-1df0-41c3-af44-4c6f280d3fae", "root (arm64)"},
    {"df3300ce-d69f-4c92-978c-9bfb0f38d820", "root hash tree (arm64)"},
    {"6db69de6-29f4-4758-a7a5-962190f00ce3", "root signature (arm64)"},
    {"8484680c-9521-48c6-9c11-b0720656f69e", "/usr (x86-64)"},
    {"77ff5f63-e7b6-4633-acf4-1565b864c0e6", "/usr hash tree (x86-64)"},
    {"e7bb33fb-06cf-4e81-8273-e543b413e2e2", "/usr signature (x86-64)"},
    {"b0e01050-ee5f-4390-949a-9101b17104e9", "/usr (arm64)"},
    {"6e11a4e7-fbca-4ded-b9e9-e1a512bb664e", "/usr hash tree (arm64)"},
    {"c23ce4ff-44bd-4b00-b2d4-b41b3419e02a", "/usr signature (arm64)"},
    {"933ac7e1-2eb4-4f13-b844-0e14e2aef915", "/home"},
    {"3b8f8425-20e0-4f3b-907f-1a25a76f98e8", "/srv"},
    {"4d21b016-b534-45c2-a9fb-5c16e091fd2d", "/var"},
    {"7ec6f557-3bc5-4aca-b293-16ef5df639d1", "/var/tmp"},
    {"0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux data"},
    {"21686148-6449-6e6f-744e-656564454649", "BIOS boot"},
};

std::string TypeName(const Guid& type) {
  const std::string guid = GuidText(type);
  for (const PartitionType& row : kPartitionTypes) {
    if (row.guid == guid) return std::string(row.name);
  }
  return guid;
}

bool IsOfType(const GptPartition& partition, std::string_view guid) {
  return GuidText(partition.type) == guid;
}

struct Magic {
  std::uint64_t offset;
  std::string_view bytes;
  DiskContent content;
};

constexpr Magic kMagics[] = {
    {0, "hsqs", DiskContent::kSquashfs},
    {1024, "\xe2\xe1\xf5\xe0", DiskContent::kErofs},
    {1024 + 56, "\x53\xef", DiskContent::kExt},
    {0, "XFSB", DiskContent::kXfs},
    {0x10040, "_BHRfS_M", DiskContent::kBtrfs},
    {1024, "\x10\x20\xf5\xf2", DiskContent::kF2fs},
    {0, "LUKS\xba\xbe", DiskContent::kLuks},
    {512, "LABELONE", DiskContent::kLvm},
    // At the end of a page, which may be 4, 16 or 64 KiB.
    {4096 - 10, "SWAPSPACE2", DiskContent::kSwap},
    {16384 - 10, "SWAPSPACE2", DiskContent::kSwap},
    {65536 - 10, "SWAPSPACE2", DiskContent::kSwap},
    {0, "verity", DiskContent::kVerityHashes},
    {54, "FAT1", DiskContent::kFat},
    {82, "FAT32", DiskContent::kFat},
};

absl::StatusOr<bool> Has(const DiskView& partition, const Magic& magic) {
  if (magic.offset + magic.bytes.size() > partition.size()) return false;
  const auto bytes = partition.Read(magic.offset, magic.bytes.size());
  if (!bytes.ok()) return bytes.status();
  return *bytes == magic.bytes;
}

// What a file system says of how many devices it is on.
struct DeviceCount {
  DiskContent content;
  std::uint64_t offset;
  std::size_t bytes;
  std::uint64_t of_one;
};

constexpr DeviceCount kDeviceCounts[] = {
    // num_devices of the superblock.
    {DiskContent::kBtrfs, 0x10000 + 0x88, 8, 1},
    // extra_devices.
    {DiskContent::kErofs, 1024 + 86, 2, 0},
};

struct ContentRow {
  DiskContent value;
  std::string_view name;
  bool read_only;
};

constexpr ContentRow kContentRows[] = {
    {DiskContent::kUnknown, "no known file system", false},
    {DiskContent::kSquashfs, "squashfs", true},
    {DiskContent::kErofs, "erofs", true},
    {DiskContent::kExt, "ext4", false},
    {DiskContent::kXfs, "xfs", false},
    {DiskContent::kBtrfs, "btrfs", false},
    {DiskContent::kF2fs, "f2fs", false},
    {DiskContent::kFat, "FAT", false},
    {DiskContent::kLuks, "LUKS", false},
    {DiskContent::kLvm, "LVM", false},
    {DiskContent::kSwap, "swap", false},
    {DiskContent::kVerityHashes, "hashes of dm-verity", false},
};

using Contents = EnumTable<kContentRows>;

struct KindRow {
  Kind value;
  std::string_view name;
};

constexpr KindRow kKindRows[] = {
    {Kind::kPartition, "PARTITION"},
    {Kind::kSwap, "SWAP"},
    {Kind::kExtension, "EXTENSION"},
    {Kind::kCredential, "CREDENTIAL"},
    {Kind::kAddon, "ADDON"},
    {Kind::kLoaderEntry, "LOADER_ENTRY"},
    {Kind::kEfiProgram, "EFI_PROGRAM"},
    {Kind::kFile, "FILE"},
    {Kind::kParameter, "PARAMETER"},
};

using Kinds = EnumTable<kKindRows>;

// --- What lies on the EFI system partition ---------------------------------

// Those that UEFI 2.10, 3.5.1.1 and its errata name.
constexpr std::string_view kArchitectures[] = {
    "IA32",    "X64",      "ARM",         "AA64",        "RISCV32",
    "RISCV64", "RISCV128", "LOONGARCH32", "LOONGARCH64",
};

// Returns the architecture of a folded path such as EFI/BOOT/BOOTX64.EFI;
// empty for any other.
std::string_view ArchitectureOf(std::string_view folded) {
  for (const std::string_view name : kArchitectures) {
    if (folded == absl::StrCat("EFI/BOOT/BOOT", View(name), ".EFI")) {
      return name;
    }
  }
  return {};
}

struct FileRule {
  // Of the folded path: what its folder contains or begins with, and the end.
  std::string_view folder;
  std::string_view ends;
  Kind kind;
  std::optional<int> pcr;
  std::string_view sentence;
};

constexpr std::string_view kExtra = ".EXTRA.D/";
constexpr std::string_view kExtensionSentence =
    "systemd-stub hands it to the initrd, which may lay it over the root file "
    "system";
constexpr std::string_view kCredentialSentence =
    "systemd-stub hands it to the initrd as a credential, which can set a "
    "password or add units";
constexpr std::string_view kAddonSentence =
    "systemd-stub adds the command line in it to the kernel's";

// The first that fits counts.
constexpr FileRule kFileRules[] = {
    {kExtra, ".RAW", Kind::kExtension, 13, kExtensionSentence},
    {kExtra, ".CRED", Kind::kCredential, 12, kCredentialSentence},
    {kExtra, ".ADDON.EFI", Kind::kAddon, 12, kAddonSentence},
    {"LOADER/EXTENSIONS/", ".RAW", Kind::kExtension, 13, kExtensionSentence},
    {"LOADER/CREDENTIALS/", ".CRED", Kind::kCredential, 12,
     kCredentialSentence},
    {"LOADER/ADDONS/", ".ADDON.EFI", Kind::kAddon, 12, kAddonSentence},
    {"LOADER/", ".CONF", Kind::kLoaderEntry, 4,
     "a boot loader reads from it what to start; PCR4 is another one where "
     "that is another program"},
    {"", "GRUB.CFG", Kind::kLoaderEntry, std::nullopt,
     "GRUB reads from it what to start, and measures it into PCR8 and PCR9 if "
     "it was built to"},
    {"", ".NSH", Kind::kLoaderEntry, std::nullopt, "a shell of UEFI runs it"},
    {"", ".EFI", Kind::kEfiProgram, 4,
     "firmware starts it where a boot entry names it; PCR4 is another one "
     "then"},
    {"", "", Kind::kFile, std::nullopt,
     "nothing that is measured here is known to read it"},
};

UnmeasuredThing ThingOf(const FatEntry& file) {
  const std::string folded = FatFold(file.path);
  UnmeasuredThing thing{
      .kind = Kind::kFile, .name = file.path, .sentence = {}, .pcr = {}};
  for (const FileRule& rule : kFileRules) {
    const bool in_folder = rule.folder == kExtra
                               ? folded.find(kExtra) != std::string::npos
                               : folded.starts_with(rule.folder);
    if (!in_folder || !folded.ends_with(rule.ends)) continue;
    thing.kind = rule.kind;
    thing.sentence = rule.sentence;
    thing.pcr = rule.pcr;
    break;
  }
  return thing;
}

// --- Root hashes ------------------------------------------------------------

std::string PartitionName(const GptPartition& partition) {
  return absl::StrCat("partition ", partition.number);
}

// The id in the order in which it is written, without dashes.
std::string IdDigits(const GptPartition& partition) {
  std::string text = GuidText(partition.id);
  std::erase(text, '-');
  return text;
}

class Examiner {
 public:
  Examiner(const DiskView& disk, const DiskImageOptions& options)
      : disk_(disk), options_(options) {}

  absl::StatusOr<DiskImage> Examine() {
    if (auto raw = CheckRaw(disk_); !raw.ok()) return raw;
    auto gpt = ReadGpt(disk_);
    if (!gpt.ok()) return gpt.status();
    image_.gpt = *std::move(gpt);
    const auto esp = FindEsp();
    if (!esp.ok()) return esp.status();
    auto view = ViewOf(**esp);
    if (!view.ok()) return view.status();
    const auto fat = FatVolume::Open(*view);
    if (!fat.ok()) return fat.status();
    if (auto check = CheckNoOther(); !check.ok()) return check;
    for (const FatEntry& file : fat->entries()) {
      const std::string_view architecture = ArchitectureOf(FatFold(file.path));
      if (!file.is_folder && !architecture.empty()) {
        auto added = AddProgram(*fat, file, architecture);
        if (!added.ok()) return added;
      }
    }
    if (image_.programs.empty()) {
      return DiskError(DiskReason::kBootProgramMissing,
                       "no EFI/BOOT/BOOT*.EFI on the EFI system partition");
    }
    if (auto added = AddUnmeasured(*fat); !added.ok()) return added;
    std::sort(image_.programs.begin(), image_.programs.end(),
              [](const BootProgram& a, const BootProgram& b) {
                return a.path < b.path;
              });
    return std::move(image_);
  }

 private:
  absl::StatusOr<DiskView> ViewOf(const GptPartition& partition) const {
    return disk_.Part(partition.offset, partition.size);
  }

  absl::StatusOr<const GptPartition*> FindEsp() {
    const GptPartition* esp = nullptr;
    for (const GptPartition& partition : image_.gpt.partitions) {
      if (!IsOfType(partition, kEspType)) continue;
      if (esp != nullptr) {
        return DiskError(DiskReason::kEspAmbiguous,
                         absl::StrFormat("partitions %d and %d", esp->number,
                                         partition.number));
      }
      esp = &partition;
    }
    if (esp == nullptr) {
      return DiskError(DiskReason::kEspMissing, "no EFI system partition");
    }
    image_.esp = esp->number;
    return esp;
  }

  // Firmware looks for programs on every FAT, whatever its partition's type.
  absl::Status CheckNoOther() const {
    for (const GptPartition& partition : image_.gpt.partitions) {
      const auto view = ViewOf(partition);
      if (!view.ok()) return view.status();
      const auto sector = view->Read(0, 512);
      if (!sector.ok()) return sector.status();
      if (partition.number == image_.esp || !FatVolume::LooksLikeFat(*sector)) {
        continue;
      }
      const auto fat = FatVolume::Open(*view);
      if (!fat.ok()) return fat.status();
      for (const FatEntry& file : fat->entries()) {
        if (ArchitectureOf(FatFold(file.path)).empty()) continue;
        return DiskError(
            DiskReason::kEspAmbiguous,
            absl::StrCat(PartitionName(partition), " has ", file.path, " too"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddProgram(const FatVolume& fat, const FatEntry& file,
                          std::string_view architecture) {
    const auto bytes = fat.ReadFile(file, kMaxBootProgramBytes);
    if (!bytes.ok()) return bytes.status();
    BootProgram program{.path = file.path,
                        .architecture = FoldedToLower(architecture),
                        .size = file.size,
                        .sha256 = Sha256Hex(*bytes),
                        .cmdline = {},
                        .measurements = absl::UnknownError(""),
                        .volumes = {},
                        .root = absl::OkStatus()};
    const auto pe = PeImage::Parse(*bytes);
    if (pe.ok()) {
      BootInputs inputs = options_.boot;
      inputs.images = {&*pe};
      program.measurements = MeasureBoot(inputs);
      program.root = CheckRoot(*pe, program);
    } else {
      program.measurements = pe.status();
      program.root = pe.status();
    }
    image_.programs.push_back(std::move(program));
    return absl::OkStatus();
  }

  static std::string FoldedToLower(std::string_view name) {
    std::string lower(name);
    for (char& byte : lower) {
      if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte + 32);
    }
    return lower;
  }

  // Whether PCR4 speaks for the root file system that `program` mounts.
  absl::Status CheckRoot(const PeImage& pe, BootProgram& program) {
    if (pe.Find(".linux") == nullptr) {
      return DiskError(DiskReason::kCmdlineMissing,
                       "no kernel in it: it is a boot loader, which reads from "
                       "the disk what to start");
    }
    if (pe.FindInEveryProfile(".linux") == nullptr) {
      return DiskError(DiskReason::kCmdlineMissing,
                       "only one of its profiles has a kernel");
    }
    const auto is_cmdline = [](const PeSection& section) {
      return section.name == ".cmdline";
    };
    if (std::count_if(pe.sections().begin(), pe.sections().end(), is_cmdline) >
        1) {
      return DiskError(DiskReason::kCmdlineAmbiguous,
                       "several sections .cmdline");
    }
    const PeSection* const section = pe.FindInEveryProfile(".cmdline");
    if (section == nullptr || section->content().empty()) {
      return DiskError(DiskReason::kCmdlineMissing,
                       "whoever starts the machine gives the command line, for "
                       "one profile at least");
    }
    std::string_view cmdline = section->content();
    cmdline = cmdline.substr(0, cmdline.find_last_not_of('\0') + 1);
    program.cmdline = cmdline;
    auto arguments = ReadBootArguments(cmdline);
    if (!arguments.ok()) return arguments.status();
    for (const CmdlineNote& note : arguments->notes) {
      if (!noted_.insert(note.parameter).second) continue;
      image_.unmeasured.push_back({.kind = Kind::kParameter,
                                   .name = note.parameter,
                                   .sentence = note.sentence,
                                   .pcr = std::nullopt});
    }
    const PeSection* const initrd = pe.FindInEveryProfile(".initrd");
    if (initrd == nullptr || initrd->content().empty()) {
      return DiskError(
          DiskReason::kInitrdMissing,
          absl::StrCat(
              "an initrd reads the root hash, and the image has none, "
              "for one profile at least",
              arguments->initrd_file.empty()
                  ? ""
                  : absl::StrCat("; it would be ", arguments->initrd_file,
                                 ", which PCR4 does not show")));
    }
    if (!arguments->verity_is_off.empty()) {
      return DiskError(
          DiskReason::kRootHashMissing,
          absl::StrCat("nothing is verified: ", arguments->verity_is_off));
    }
    if (!arguments->root.has_value() && !arguments->usr.has_value()) {
      return DiskError(DiskReason::kRootHashMissing,
                       "no roothash= and no usrhash= in the command line: PCR4 "
                       "says nothing of any file on the disk");
    }
    absl::Status first;
    for (const auto& [mount_point, verity] :
         {std::pair{"/", &arguments->root}, {"/usr", &arguments->usr}}) {
      if (!verity->has_value()) continue;
      auto volume = Verify(mount_point, **verity, arguments->read_write);
      if (volume.ok()) {
        program.volumes.push_back(*std::move(volume));
      } else if (first.ok()) {
        first = volume.status();
      }
    }
    if (!first.ok()) return first;
    return CheckMounts(*arguments);
  }

  // Whether what is mounted is what was verified.
  static absl::Status CheckMounts(const BootArguments& arguments) {
    const auto elsewhere = [](std::string_view what, std::string_view device) {
      return DiskError(
          DiskReason::kRootNotCovered,
          absl::StrCat(View(what), " is mounted from ", View(device),
                       ", which is not what is verified"));
    };
    const std::string root = arguments.root_device.value_or("");
    if (arguments.root.has_value()) {
      // The name that systemd gives the mapped device, by itself or as the
      // lower part of KIWI's overlay.
      constexpr std::string_view kMapped[] = {
          "", "/dev/mapper/root", "gpt-auto", "overlay:MAPPER=root"};
      if (std::find(std::begin(kMapped), std::end(kMapped), root) ==
          std::end(kMapped)) {
        return elsewhere("/", root);
      }
    } else if (root != "tmpfs" && !arguments.only_usr) {
      return DiskError(DiskReason::kRootNotCovered,
                       "the root hash covers /usr alone");
    }
    const std::string usr = arguments.usr_device.value_or("");
    if (!usr.empty() &&
        (usr != "/dev/mapper/usr" || !arguments.usr.has_value())) {
      return elsewhere("/usr", usr);
    }
    for (const CmdlineNote& note : arguments.notes) {
      if (note.voids_root_hash) {
        return DiskError(DiskReason::kRootWritable,
                         absl::StrCat(note.parameter, ": ", note.sentence));
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<VerifiedVolume> Verify(std::string_view mount_point,
                                        const VerityArguments& verity,
                                        bool read_write) {
    const std::string hex = absl::BytesToHexString(verity.root_hash);
    auto data = FindPartition(verity.data_device, hex.substr(0, 32));
    if (!data.ok()) return data.status();
    auto hashes =
        FindPartition(verity.hash_device, hex.substr(hex.size() - 32));
    if (!hashes.ok()) return hashes.status();
    auto data_view = ViewOf(**data);
    if (!data_view.ok()) return data_view.status();
    auto hash_view = ViewOf(**hashes);
    if (!hash_view.ok()) return hash_view.status();
    const auto superblock =
        ReadVeritySuperblock(*hash_view, verity.hash_offset);
    if (!superblock.ok()) return superblock.status();
    if (DigestBytes(superblock->hash) != verity.root_hash.size()) {
      return DiskError(
          DiskReason::kVeritySuperblock,
          absl::StrFormat("%s gives no root hash of %d bytes",
                          NameOf(superblock->hash), verity.root_hash.size()));
    }
    const auto result = Compute(*superblock, **data, *data_view, **hashes,
                                *hash_view, verity.hash_offset);
    if (!result.ok()) return result.status();
    if (result->root_hash != verity.root_hash) {
      return DiskError(
          DiskReason::kVerityRootHash,
          absl::StrFormat("dm-verity of %s gives %s, and the command "
                          "line names %s",
                          PartitionName(**data),
                          absl::BytesToHexString(result->root_hash), hex));
    }
    if (result->wrong_tree_block.has_value()) {
      return DiskError(
          DiskReason::kVerityTree,
          absl::StrFormat("block %d of the dm-verity tree in %s is not the "
                          "one of the data",
                          *result->wrong_tree_block, PartitionName(**hashes)));
    }
    const auto content = ContentOf(*data_view);
    if (!content.ok()) return content.status();
    const bool mountable_read_only = *content == DiskContent::kExt ||
                                     *content == DiskContent::kXfs ||
                                     *content == DiskContent::kBtrfs;
    if (!IsReadOnlyFormat(*content) && (!mountable_read_only || read_write)) {
      return DiskError(
          DiskReason::kRootWritable,
          absl::StrFormat(
              "%s is verified and has %s%s", PartitionName(**data),
              NameOf(*content),
              mountable_read_only ? ", which rw asks to be writable" : ""));
    }
    if (auto check = CheckOneDevice(*data_view); !check.ok()) return check;
    covered_.insert((*data)->number);
    covered_.insert((*hashes)->number);
    return VerifiedVolume{
        .mount_point = std::string(mount_point),
        .root_hash = hex,
        .data_partition = (*data)->number,
        .hash_partition = (*hashes)->number,
        .hash = superblock->hash,
        .data_bytes = superblock->data_blocks * superblock->data_block_bytes,
        .content = *content};
  }

  // btrfs and erofs can be spread over devices that nothing verifies. Also
  // where another file system is there too: rootfstype= chooses between them.
  static absl::Status CheckOneDevice(const DiskView& data) {
    for (const Magic& magic : kMagics) {
      for (const DeviceCount& row : kDeviceCounts) {
        if (row.content != magic.content) continue;
        const auto is_there = Has(data, magic);
        if (!is_there.ok()) return is_there.status();
        if (!*is_there) continue;
        auto count = data.Read(row.offset, row.bytes);
        if (!count.ok()) return count.status();
        count->resize(8);
        if (LittleEndian<std::uint64_t>(*count, 0) != row.of_one) {
          return DiskError(
              DiskReason::kRootNotCovered,
              absl::StrFormat("%s is spread over other devices too",
                              NameOf(row.content)));
        }
      }
    }
    return absl::OkStatus();
  }

  // By the device that the command line names, or by 16 bytes of the root
  // hash, which are then the partition's id.
  absl::StatusOr<const GptPartition*> FindPartition(
      const std::string& device, const std::string& id_digits) const {
    std::string wanted = id_digits;
    bool by_label = false;
    if (!device.empty()) {
      const auto rest = [&](std::string_view prefix) {
        return device.starts_with(prefix)
                   ? std::optional(device.substr(prefix.size()))
                   : std::nullopt;
      };
      if (auto id = rest("PARTUUID="); id.has_value()) {
        wanted = *id;
      } else if (auto id = rest("/dev/disk/by-partuuid/"); id.has_value()) {
        wanted = *id;
      } else if (auto label = rest("PARTLABEL="); label.has_value()) {
        wanted = *label;
        by_label = true;
      } else if (auto label = rest("/dev/disk/by-partlabel/");
                 label.has_value()) {
        wanted = *label;
        by_label = true;
      } else {
        return DiskError(DiskReason::kVerityPartition,
                         absl::StrCat(device,
                                      ": which partition that is "
                                      "depends on the machine"));
      }
      if (!by_label) {
        const auto guid = ParseGuid(wanted);
        if (!guid.has_value()) {
          return DiskError(DiskReason::kVerityPartition,
                           absl::StrCat(device, " names no partition"));
        }
        wanted = IdDigits({.id = *guid});
      }
    }
    const GptPartition* found = nullptr;
    for (const GptPartition& partition : image_.gpt.partitions) {
      if ((by_label ? partition.name : IdDigits(partition)) != wanted) continue;
      if (found != nullptr) {
        return DiskError(
            DiskReason::kVerityPartition,
            absl::StrFormat("partitions %d and %d have the name "
                            "%s",
                            found->number, partition.number, wanted));
      }
      found = &partition;
    }
    if (found != nullptr) return found;
    return DiskError(DiskReason::kVerityPartition,
                     device.empty()
                         ? absl::StrCat("no partition has the id ", wanted,
                                        ", which is a part of the root hash")
                         : absl::StrCat(device, " is not on this disk"));
  }

  // Once for the same partitions, however many programs name them.
  absl::StatusOr<VerityResult> Compute(const VeritySuperblock& superblock,
                                       const GptPartition& data,
                                       const DiskView& data_view,
                                       const GptPartition& hashes,
                                       const DiskView& hash_view,
                                       std::uint64_t hash_offset) {
    if (&data == &hashes &&
        hash_offset / superblock.data_block_bytes < superblock.data_blocks) {
      return DiskError(DiskReason::kVeritySuperblock,
                       "the hash tree lies over the data");
    }
    const auto key = std::tuple(data.number, hashes.number, hash_offset);
    const auto known = computed_.find(key);
    if (known != computed_.end()) return known->second;
    const std::string name = PartitionName(data);
    auto result = ComputeVerity(superblock, data_view, hash_view, hash_offset,
                                [&](std::uint64_t done, std::uint64_t total) {
                                  if (options_.progress)
                                    options_.progress(name, done, total);
                                });
    computed_.emplace(key, result);
    return result;
  }

  absl::Status AddUnmeasured(const FatVolume& fat) {
    for (const GptPartition& partition : image_.gpt.partitions) {
      if (partition.number == image_.esp ||
          covered_.contains(partition.number)) {
        continue;
      }
      const auto view = ViewOf(partition);
      if (!view.ok()) return view.status();
      const auto content = ContentOf(*view);
      if (!content.ok()) return content.status();
      const bool is_swap =
          *content == DiskContent::kSwap || IsOfType(partition, kSwapType);
      image_.unmeasured.push_back(
          {.kind = is_swap ? Kind::kSwap : Kind::kPartition,
           .name = PartitionName(partition),
           .sentence = absl::StrFormat(
               "%s of %d bytes (type: %s, name: %s) is covered by no root hash",
               is_swap ? "swap" : NameOf(*content), partition.size,
               TypeName(partition.type),
               partition.name.empty() ? "none" : partition.name),
           .pcr = std::nullopt});
    }
    for (const FatEntry& file : fat.entries()) {
      if (file.is_folder || !ArchitectureOf(FatFold(file.path)).empty()) {
        continue;
      }
      image_.unmeasured.push_back(ThingOf(file));
    }
    return absl::OkStatus();
  }

  const DiskView& disk_;
  const DiskImageOptions& options_;
  DiskImage image_;
  std::set<int> covered_;
  std::set<std::string> noted_;
  std::map<std::tuple<int, int, std::uint64_t>, absl::StatusOr<VerityResult>>
      computed_;
};

}  // namespace

std::string_view NameOf(DiskContent content) {
  return Contents::Of(content).name;
}

bool IsReadOnlyFormat(DiskContent content) {
  return Contents::Of(content).read_only;
}

std::string_view NameOf(UnmeasuredThing::Kind kind) {
  return Kinds::Of(kind).name;
}

absl::StatusOr<DiskContent> ContentOf(const DiskView& partition) {
  for (const Magic& magic : kMagics) {
    const auto is_there = Has(partition, magic);
    if (!is_there.ok()) return is_there.status();
    if (*is_there) return magic.content;
  }
  return DiskContent::kUnknown;
}

bool DiskImage::pcr4_covers_root() const {
  return !programs.empty() && std::all_of(programs.begin(), programs.end(),
                                          [](const BootProgram& program) {
                                            return program.measurements.ok() &&
                                                   program.root.ok();
                                          });
}

absl::StatusOr<DiskImage> ExamineDiskImage(const DiskView& disk,
                                           const DiskImageOptions& options) {
  return Examiner(disk, options).Examine();
}

}  // namespace anchorage::verify
