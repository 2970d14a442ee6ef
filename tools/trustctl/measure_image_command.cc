// trustctl measure image

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "anchors/base/atomic_file.h"
#include "client/image/beneath.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/measure_images.h"
#include "tools/trustctl/measure_inputs.h"
#include "tools/trustctl/measure_output.h"
#include "tools/trustctl/terminal.h"
#include "verify/measure/disk/disk_error.h"
#include "verify/measure/disk/disk_image.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;
using verify::BootProgram;
using verify::DiskImage;
using verify::DiskReason;
using verify::UnmeasuredThing;
using verify::VerifiedVolume;

struct Flags {
  std::string file;
  std::string architecture;
  bool allow_uncovered_root = false;
  BootFlags boot;
  MeasureOutput output;
};

// A disk in a file, or a device.
class DiskFile {
 public:
  static absl::StatusOr<DiskFile> Open(const std::string& path) {
    // Non-blocking, so that a named pipe cannot make us wait.
    client::Descriptor descriptor(
        ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!descriptor.ok()) return anchors::FileError(errno, "open", path);
    DiskFile disk(std::move(descriptor), path);
    if (!client::FactsOf(disk.descriptor_, disk.opened_)) {
      return anchors::FileError(errno, "stat", path);
    }
    const auto type = disk.opened_.stx_mode & S_IFMT;
    if (type != S_IFREG && type != S_IFBLK) {
      return absl::FailedPreconditionError(
          absl::StrCat(path, " is neither a file nor a disk"));
    }
    const off_t size = ::lseek(disk.descriptor_.get(), 0, SEEK_END);
    if (size < 0) return anchors::FileError(errno, "read", path);
    disk.size_ = static_cast<std::uint64_t>(size);
    ::posix_fadvise(disk.descriptor_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    return disk;
  }

  // This must outlive it.
  verify::DiskView View() const {
    return verify::DiskView(
        [this](std::uint64_t offset, absl::Span<char> into) {
          return Read(offset, into);
        },
        size_);
  }

  absl::Status CheckUnchanged() const {
    struct statx now {};
    if (client::FactsOf(descriptor_, now) && !client::Changed(opened_, now)) {
      return absl::OkStatus();
    }
    return absl::AbortedError(
        absl::StrCat(path_, " was changed while it was measured"));
  }

 private:
  DiskFile(client::Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  absl::Status Read(std::uint64_t offset, absl::Span<char> into) const {
    while (!into.empty()) {
      const ssize_t count = ::pread(descriptor_.get(), into.data(), into.size(),
                                    static_cast<off_t>(offset));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        return verify::DiskError(
            DiskReason::kDiskUnreadable,
            absl::StrFormat("%d bytes at %d cannot be read", into.size(),
                            offset));
      }
      into.remove_prefix(static_cast<std::size_t>(count));
      offset += static_cast<std::uint64_t>(count);
    }
    return absl::OkStatus();
  }

  client::Descriptor descriptor_;
  std::string path_;
  struct statx opened_ {};
  std::uint64_t size_ = 0;
};

// How far the hashing is, for the thread that says so.
class Hashed {
 public:
  void Set(std::string_view what, std::uint64_t done, std::uint64_t total) {
    const std::lock_guard<std::mutex> lock(mutex_);
    text_ = absl::StrFormat("%s, %d of %d MiB", what, done >> 20, total >> 20);
  }
  std::string Text() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::string text_;
};

absl::StatusOr<DiskImage> Examine(Flags& flags) {
  verify::DiskImageOptions options;
  auto inputs = flags.boot.Read();
  if (!inputs.ok()) return inputs.status();
  options.boot = *std::move(inputs);
  const auto disk = DiskFile::Open(flags.file);
  if (!disk.ok()) return disk.status();
  Hashed hashed;
  options.progress = [&](std::string_view what, std::uint64_t done,
                         std::uint64_t total) {
    hashed.Set(what, done, total);
  };
  const Progress progress(absl::StrCat("measuring ", flags.file),
                          [&] { return hashed.Text(); });
  auto image = verify::ExamineDiskImage(disk->View(), options);
  if (!image.ok()) return InFile(flags.file, image.status());
  if (absl::Status s = disk->CheckUnchanged(); !s.ok()) return s;
  return image;
}

// The one whose registers are shown: a machine has one architecture.
absl::StatusOr<const BootProgram*> Choose(const DiskImage& image,
                                          const std::string& architecture) {
  std::vector<std::string> names;
  for (const BootProgram& program : image.programs) {
    if (program.architecture == architecture ||
        (architecture.empty() && image.programs.size() == 1)) {
      return &program;
    }
    names.push_back(program.architecture);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      architecture.empty() ? "--architecture: this disk boots more than one: "
                           : "--architecture: this disk boots only: ",
      absl::StrJoin(names, ", ")));
}

absl::Status WhyNotCovered(const BootProgram& program) {
  return program.measurements.ok() ? program.root
                                   : program.measurements.status();
}

std::string TextOf(const VerifiedVolume& volume) {
  return absl::StrFormat(
      "%s is partition %d: %s, %d bytes\n       root hash computed again, as "
      "the command line has it: %s (%s, tree in partition %d)",
      volume.mount_point, volume.data_partition, NameOf(volume.content),
      volume.data_bytes, volume.root_hash, NameOf(volume.hash),
      volume.hash_partition);
}

ordered_json ToJson(const BootProgram& program) {
  ordered_json volumes = ordered_json::array();
  for (const VerifiedVolume& volume : program.volumes) {
    volumes.push_back({{"mount_point", volume.mount_point},
                       {"root_hash", volume.root_hash},
                       {"hash", NameOf(volume.hash)},
                       {"data_partition", volume.data_partition},
                       {"hash_partition", volume.hash_partition},
                       {"data_bytes", volume.data_bytes},
                       {"file_system", NameOf(volume.content)}});
  }
  const absl::Status why_not = WhyNotCovered(program);
  ordered_json json = {{"path", program.path},
                       {"architecture", program.architecture},
                       {"size", program.size},
                       {"sha256", program.sha256},
                       // Anyone's bytes, and JSON is UTF-8.
                       {"cmdline", Printable(program.cmdline)},
                       {"volumes", std::move(volumes)},
                       {"pcr4_covers_root", why_not.ok()}};
  if (program.measurements.ok()) {
    json["Measurements"] =
        MeasurementsBlock(PolicyRegisters(*program.measurements));
  }
  if (!why_not.ok()) json["why_not"] = std::string(why_not.message());
  return json;
}

ordered_json ToJson(const UnmeasuredThing& thing) {
  ordered_json json = {{"kind", NameOf(thing.kind)},
                       {"name", thing.name},
                       {"sentence", thing.sentence}};
  if (thing.pcr.has_value()) json["register"] = RegisterName(*thing.pcr);
  return json;
}

ordered_json ToJson(const DiskImage& image) {
  ordered_json partitions = ordered_json::array();
  for (const verify::GptPartition& partition : image.gpt.partitions) {
    partitions.push_back({{"number", partition.number},
                          {"type", verify::GuidText(partition.type)},
                          {"id", verify::GuidText(partition.id)},
                          {"name", partition.name},
                          {"offset", partition.offset},
                          {"size", partition.size}});
  }
  ordered_json programs = ordered_json::array();
  for (const BootProgram& program : image.programs) {
    programs.push_back(ToJson(program));
  }
  ordered_json unmeasured = ordered_json::array();
  for (const UnmeasuredThing& thing : image.unmeasured) {
    unmeasured.push_back(ToJson(thing));
  }
  return {{"pcr4_covers_root", image.pcr4_covers_root()},
          {"programs", std::move(programs)},
          {"unmeasured", std::move(unmeasured)},
          {"partitions", std::move(partitions)}};
}

// One line for each thing that was found, and the verdict.
std::vector<std::string> LinesOf(const DiskImage& image) {
  std::vector<std::string> lines;
  for (const BootProgram& program : image.programs) {
    lines.push_back(absl::StrCat("boots  ", Printable(program.path)));
    for (const VerifiedVolume& volume : program.volumes) {
      lines.push_back(absl::StrCat("root   ", TextOf(volume)));
    }
  }
  for (const UnmeasuredThing& thing : image.unmeasured) {
    lines.push_back(Printable(absl::StrCat(
        "open   ", thing.name, ": ", thing.sentence,
        thing.pcr.has_value()
            ? absl::StrCat(" (", RegisterName(*thing.pcr), " shows it)")
            : "")));
  }
  const bool may = MayColour(STDOUT_FILENO);
  for (const BootProgram& program : image.programs) {
    if (const absl::Status why_not = WhyNotCovered(program); !why_not.ok()) {
      lines.push_back(absl::StrCat(
          Paint("NOT COVERED", Colour::kBad, may), "  ",
          Printable(absl::StrCat(program.path, ": ", why_not.message()))));
    }
  }
  if (image.pcr4_covers_root()) {
    lines.push_back(absl::StrCat(
        Paint("COVERED", Colour::kGood, may),
        "  PCR4 speaks for every file of the root file system, through the "
        "root hash"));
  }
  return lines;
}

int FailToRead(const absl::Status& why) {
  const auto reason = verify::DiskReasonOf(why);
  if (!reason.has_value()) return FailToMeasure(why);
  switch (*reason) {
    case DiskReason::kGptMissing:
      return Fail(why,
                  "give the whole disk as it ships, raw; for a UKI alone there "
                  "is 'trustctl measure uki'");
    case DiskReason::kDiskTruncated:
      return Fail(why,
                  "was it copied to the end, or made larger since? 'sgdisk "
                  "-e' moves the backup table to the end of a larger disk");
    case DiskReason::kEspMissing:
      return Fail(why,
                  "its type is c12a7328-f81f-11d2-ba4b-00a0c93ec93b (Type=esp "
                  "for systemd-repart, type=uefi for sfdisk)");
    case DiskReason::kBootProgramMissing:
      return Fail(why,
                  "copy the UKI there, as BOOTAA64.EFI for arm64: mcopy -i "
                  "DISK@@OFFSET shop.efi ::EFI/BOOT/BOOTX64.EFI");
    default:
      return Fail(why);
  }
}

int Measure(Flags& flags) {
  if (absl::Status s = flags.output.Check(); !s.ok()) return UsageError(s);
  const auto image = Examine(flags);
  if (!image.ok()) return FailToRead(image.status());
  const auto chosen = Choose(*image, flags.architecture);
  if (!chosen.ok()) return UsageError(chosen.status());
  const BootProgram& program = **chosen;
  if (!program.measurements.ok()) {
    return FailToMeasure(InFile(
        flags.file, InFile(program.path, program.measurements.status())));
  }
  const bool fit = image->pcr4_covers_root() || flags.allow_uncovered_root;
  const int code = flags.output.Print({.boot = *program.measurements,
                                       .images = {program.path},
                                       .more = ToJson(*image),
                                       .lines = LinesOf(*image),
                                       .fit_for_policies = fit});
  if (code != kAccepted || fit) return code;
  PrintError(
      "PCR4 does not speak for the root file system of everything that "
      "boots",
      "whoever has the volume changes its files, and the registers stay "
      "the same; --allow-uncovered-root says that this is meant, and makes "
      "--release and --kms-condition of it");
  return kRefusedByPolicy;
}

constexpr char kFooter[] = R"(
    trustctl measure image shop.raw
    trustctl measure image shop.raw -o json >pcr_measurements.json
    trustctl measure image shop.raw --expect pcr_measurements.json

Measures what ships: every EFI/BOOT/BOOT*.EFI that firmware may boot of this
disk, as 'measure uki' does. The root hash that its command line names (roothash=,
usrhash=) is computed again from the partition and compared, block by block, with
the hash tree on the disk. PCR4 covers the root file system through that hash or
not at all; then the exit code is 5.

Each thing that is writable and not measured has a line that begins with "open":
partitions that no root hash covers, swap, and whatever else lies on the EFI
system partition: extensions and credentials that systemd-stub would load, loader
entries, other programs.

FILE is a raw disk with a GUID partition table, or a device. Nothing is mounted,
and no privilege is needed.
)";

}  // namespace

void AddMeasureImage(CLI::App& measure, Action& action) {
  CLI::App& command = *measure.add_subcommand(
      "image", "Compute the registers of a machine that boots a disk");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  command.add_option("FILE", flags->file, "the raw disk")->required();
  command.add_option("--architecture", flags->architecture,
                     "whose registers are shown, where the disk boots several: "
                     "x64, aa64");
  command.add_flag("--allow-uncovered-root", flags->allow_uncovered_root,
                   "exit code 0, and --release and --kms-condition, also where "
                   "PCR4 says nothing of the root file system");
  flags->boot.AddTo(command);
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Measure(*flags); }; });
}

}  // namespace anchorage::trustctl
