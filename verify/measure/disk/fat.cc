#include "verify/measure/disk/fat.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "verify/encoding/little_endian.h"
#include "verify/measure/disk/disk_error.h"

namespace anchorage::verify {
namespace {

constexpr std::uint64_t kMaxTableBytes = 64 << 20;
constexpr std::size_t kMaxEntries = 16 * 1024;
constexpr std::size_t kMaxFolderBytes = 65536 * 32;
constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxPathBytes = 1024;
constexpr std::size_t kEntryBytes = 32;
// "." and "..", with which every folder but the root begins.
constexpr std::size_t kDotEntries = 2;

constexpr unsigned char kVolumeLabel = 0x08;
constexpr unsigned char kFolder = 0x10;
constexpr unsigned char kLongName = 0x0f;
constexpr unsigned char kAttributes = 0x3f;

absl::Status Invalid(std::string_view what) {
  return DiskError(DiskReason::kFatInvalid, what);
}

unsigned char Byte(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

bool IsPowerOfTwo(std::uint32_t value) {
  return value != 0 && (value & (value - 1)) == 0;
}

// Of the 11 bytes of a short name.
unsigned char ShortNameSum(std::string_view name) {
  unsigned sum = 0;
  for (const char byte : name) {
    sum = ((sum & 1) << 7 | sum >> 1) + static_cast<unsigned char>(byte);
    sum &= 0xff;
  }
  return static_cast<unsigned char>(sum);
}

// Whether a long name may have it: what is between quotes has a meaning for
// one reader of paths or another.
bool IsNameByte(char byte) {
  return static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f &&
         std::string_view("\"*/:<>?\\|").find(byte) == std::string_view::npos;
}

absl::Status BadName(std::string_view folder, std::string_view what) {
  return DiskError(
      DiskReason::kFatName,
      absl::StrCat("in /", absl::string_view(folder.data(), folder.size()),
                   ": ", absl::string_view(what.data(), what.size())));
}

// "KERNEL~1.EFI", in the case that `flags` (offset 12) gives it; nullopt for
// what no writer makes. Bytes above 0x7f are of a code page that nobody names.
std::optional<std::string> ShortName(std::string_view raw,
                                     unsigned char flags) {
  const auto part = [](std::string_view bytes,
                       bool lower) -> std::optional<std::string> {
    std::string text(bytes.substr(0, bytes.find_last_not_of(' ') + 1));
    for (char& byte : text) {
      if (!IsNameByte(byte) || (byte >= 'a' && byte <= 'z') ||
          std::string_view(" +,.;=[]").find(byte) != std::string_view::npos) {
        return std::nullopt;
      }
      if (lower && byte >= 'A' && byte <= 'Z') {
        byte = static_cast<char>(byte - 'A' + 'a');
      }
    }
    return text;
  };
  const auto base = part(raw.substr(0, 8), (flags & 0x08) != 0);
  const auto extension = part(raw.substr(8), (flags & 0x10) != 0);
  if (!base.has_value() || base->empty() || !extension.has_value()) {
    return std::nullopt;
  }
  return extension->empty() ? *base : absl::StrCat(*base, ".", *extension);
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char byte) {
    return static_cast<unsigned char>(byte) < 0x80;
  });
}

}  // namespace

std::string FatFold(std::string_view name) {
  std::string folded(name);
  for (std::size_t i = 0; i < folded.size(); ++i) {
    char& byte = folded[i];
    if (byte >= 'a' && byte <= 'z') byte = static_cast<char>(byte - 'a' + 'A');
    // U+00E0 to U+00FE, but for the sign of division.
    if (byte == '\xc3' && i + 1 < folded.size()) {
      char& tail = folded[++i];
      const auto code = static_cast<unsigned char>(tail);
      if (code >= 0xa0 && code <= 0xbe && code != 0xb7) {
        tail = static_cast<char>(code - 0x20);
      }
    }
  }
  return folded;
}

// Reads the entries of one folder.
class FatVolume::FolderReader {
 public:
  // `cluster` is 0 for the root, also where that has one.
  FolderReader(const FatVolume& volume, std::string folder,
               std::uint32_t cluster, std::uint32_t parent)
      : volume_(volume),
        folder_(std::move(folder)),
        cluster_(cluster),
        parent_(parent) {}

  absl::StatusOr<std::vector<FatEntry>> Read(std::string_view bytes) {
    std::size_t at = 0;
    for (; at < bytes.size(); at += kEntryBytes) {
      const std::string_view entry = bytes.substr(at, kEntryBytes);
      if (entry[0] == 0) break;
      auto taken = Take(entry, at / kEntryBytes);
      if (!taken.ok()) return taken;
    }
    if (!long_name_.empty()) return Orphan();
    if (cluster_ != 0 && at < kDotEntries * kEntryBytes) return NoDots();
    for (; at < bytes.size(); at += kEntryBytes) {
      if (bytes[at] == 0) continue;
      return DiskError(DiskReason::kFatAmbiguous,
                       absl::StrCat("in /", folder_,
                                    ": entries behind the end, which the "
                                    "kernel shows and firmware does not"));
    }
    return std::move(entries_);
  }

 private:
  absl::Status Orphan() const {
    return BadName(folder_, "a long name without its file");
  }

  absl::Status NoDots() const {
    return Invalid(absl::StrCat("/", folder_, " does not begin with . and .."));
  }

  absl::Status Take(std::string_view entry, std::size_t index) {
    const unsigned char attributes = Byte(entry, 11);
    if (cluster_ != 0 && index < kDotEntries && entry[0] != '.') {
      return NoDots();
    }
    if (entry[0] == '\xe5') {
      return long_name_.empty() ? absl::OkStatus() : Orphan();
    }
    if ((attributes & kAttributes) == kLongName) return TakeLong(entry);
    if (entry[0] == '.') return TakeDot(entry, index);
    if ((attributes & kVolumeLabel) != 0) {
      if (cluster_ == 0 && (attributes & kFolder) == 0 && long_name_.empty()) {
        return absl::OkStatus();
      }
      return Invalid(absl::StrCat("in /", folder_, ": a label that is none"));
    }
    return TakeFile(entry);
  }

  // Microsoft's specification, "Long Directory Entry": the last part comes
  // first.
  absl::Status TakeLong(std::string_view entry) {
    constexpr unsigned char kLast = 0x40;
    constexpr unsigned char kMaxParts = 20;
    const unsigned char order = Byte(entry, 0);
    const unsigned char part = order & 0x3f;
    const bool begins = (order & kLast) != 0;
    if (begins != long_name_.empty() || (order & 0x80) != 0 || part == 0 ||
        part > kMaxParts || (!begins && part + 1 != part_) ||
        (!begins && Byte(entry, 13) != sum_) || Byte(entry, 12) != 0 ||
        LittleEndian<std::uint16_t>(entry, 26) != 0) {
      return BadName(folder_, "the parts of a long name do not fit together");
    }
    part_ = part;
    sum_ = Byte(entry, 13);
    std::string units;
    units.append(entry.substr(1, 10));
    units.append(entry.substr(14, 12));
    units.append(entry.substr(28, 4));
    long_name_.insert(0, units);
    return absl::OkStatus();
  }

  // "." is the folder itself, ".." the one that it is in, 0 for the root.
  absl::Status TakeDot(std::string_view entry, std::size_t index) {
    const std::string_view name = entry.substr(0, 11);
    const bool is_self = name == ".          ";
    const std::uint32_t expected = index == 0 ? cluster_ : parent_;
    if (cluster_ == 0 || index >= kDotEntries || is_self != (index == 0) ||
        (!is_self && name != "..         ") || !long_name_.empty() ||
        (Byte(entry, 11) & (kFolder | kVolumeLabel)) != kFolder ||
        FirstCluster(entry) != expected) {
      return Invalid(absl::StrCat("in /", folder_, ": a . or .. that is none"));
    }
    return absl::OkStatus();
  }

  absl::Status TakeFile(std::string_view entry) {
    std::string raw(entry.substr(0, 11));
    // 0x05 stands for 0xe5, which would mean a deleted file.
    if (raw[0] == 0x05) raw[0] = '\xe5';
    auto short_name = ShortName(raw, Byte(entry, 12));
    if (!short_name.has_value()) {
      return BadName(folder_, "a short name that no writer makes");
    }
    std::string name = *short_name;
    if (!long_name_.empty()) {
      auto text = LongName(entry.substr(0, 11));
      if (!text.has_value()) {
        return BadName(folder_,
                       "a long name that is none, or not of the file "
                       "behind it");
      }
      name = *std::move(text);
      long_name_.clear();
    } else if (!IsAscii(name)) {
      return BadName(folder_, "a short name in a code page that is not known");
    }
    FatEntry file{
        .path = folder_.empty() ? name : absl::StrCat(folder_, "/", name),
        .is_folder = (Byte(entry, 11) & kFolder) != 0,
        .size = LittleEndian<std::uint32_t>(entry, 28),
        .first_cluster = FirstCluster(entry)};
    if (file.path.size() > kMaxPathBytes) {
      return DiskError(DiskReason::kFatLimit,
                       absl::StrCat(file.path, " is too long a path"));
    }
    const std::string folded = FatFold(name);
    const std::string folded_short = FatFold(*short_name);
    if (!names_.insert(folded).second ||
        (folded != folded_short && !names_.insert(folded_short).second)) {
      return DiskError(DiskReason::kFatAmbiguous,
                       absl::StrCat(file.path, " is one name with another"));
    }
    // Firmware finds a file under either, and writers make a short name of
    // another one with a '~': it is no name that anybody looks for.
    if (folded != folded_short && !absl::StrContains(folded_short, '~')) {
      return DiskError(DiskReason::kFatAmbiguous,
                       absl::StrCat(file.path, " is found as ", *short_name));
    }
    if (file.is_folder && (file.size != 0 || file.first_cluster == 0)) {
      return Invalid(absl::StrCat("/", file.path, " is no folder"));
    }
    if ((file.size == 0) != (file.first_cluster == 0) && !file.is_folder) {
      return DiskError(
          DiskReason::kFatChain,
          absl::StrFormat("%s has %d bytes and begins in cluster "
                          "%d",
                          file.path, file.size, file.first_cluster));
    }
    entries_.push_back(std::move(file));
    return absl::OkStatus();
  }

  // The collected parts: ended by a NUL unless they are full, and filled up
  // with 0xffff.
  std::optional<std::string> LongName(std::string_view short_name) const {
    if (part_ != 1 || ShortNameSum(short_name) != sum_) return std::nullopt;
    std::size_t length = 0;
    while (length < long_name_.size() &&
           LittleEndian<std::uint16_t>(long_name_, length) != 0) {
      length += 2;
    }
    // The end lies in the last part, or there is none.
    if (length + 26 <= long_name_.size() && length != long_name_.size()) {
      return std::nullopt;
    }
    for (std::size_t i = length + 2; i < long_name_.size(); i += 2) {
      if (LittleEndian<std::uint16_t>(long_name_, i) != 0xffff) {
        return std::nullopt;
      }
    }
    auto text = Utf16LeToUtf8(std::string_view(long_name_).substr(0, length));
    if (!text.has_value() || text->empty() || text->back() == '.' ||
        text->back() == ' ' ||
        !std::all_of(text->begin(), text->end(), IsNameByte)) {
      return std::nullopt;
    }
    return text;
  }

  std::uint32_t FirstCluster(std::string_view entry) const {
    const std::uint32_t low = LittleEndian<std::uint16_t>(entry, 26);
    if (volume_.bits_ != 32) return low;
    return low | std::uint32_t{LittleEndian<std::uint16_t>(entry, 20)} << 16;
  }

  const FatVolume& volume_;
  const std::string folder_;
  const std::uint32_t cluster_;
  const std::uint32_t parent_;
  std::string long_name_;
  unsigned char part_ = 0;
  unsigned char sum_ = 0;
  std::set<std::string> names_;
  std::vector<FatEntry> entries_;
};

absl::StatusOr<FatVolume> FatVolume::Open(const DiskView& partition) {
  FatVolume volume(partition);
  if (auto read = volume.ReadBootSector(); !read.ok()) return read;
  if (auto read = volume.ReadTable(); !read.ok()) return read;
  if (auto read = volume.ReadTree(); !read.ok()) return read;
  return volume;
}

bool FatVolume::LooksLikeFat(std::string_view sector) {
  const std::uint32_t sector_bytes = LittleEndian<std::uint16_t>(sector, 11);
  const unsigned char media = Byte(sector, 21);
  return sector_bytes >= 512 && sector_bytes <= 8192 &&
         IsPowerOfTwo(sector_bytes) && IsPowerOfTwo(Byte(sector, 13)) &&
         LittleEndian<std::uint16_t>(sector, 14) != 0 &&
         Byte(sector, 16) != 0 &&
         (media <= 1 || media == 0xf0 || media >= 0xf8);
}

absl::Status FatVolume::ReadBootSector() {
  const auto sector = view_.Read(0, 512);
  if (!sector.ok()) return sector.status();
  const auto u16 = [&](std::size_t at) {
    return LittleEndian<std::uint16_t>(*sector, at);
  };
  const auto u32 = [&](std::size_t at) {
    return LittleEndian<std::uint32_t>(*sector, at);
  };
  const unsigned char jump = Byte(*sector, 0);
  if (u16(510) != 0xaa55 ||
      !(jump == 0xe9 || (jump == 0xeb && Byte(*sector, 2) == 0x90))) {
    return Invalid("no boot sector of FAT");
  }
  sector_bytes_ = u16(11);
  const std::uint32_t cluster_sectors = Byte(*sector, 13);
  const std::uint32_t reserved = u16(14);
  table_count_ = Byte(*sector, 16);
  const std::uint32_t root_entries = u16(17);
  // Linux takes less than firmware does.
  if (!LooksLikeFat(*sector) || table_count_ > 2 || sector_bytes_ > 4096 ||
      Byte(*sector, 21) <= 1) {
    return Invalid("a boot sector with sizes that FAT does not have");
  }
  cluster_bytes_ = cluster_sectors * sector_bytes_;
  // The number of sectors has a field of 16 bits and one of 32: one is 0.
  if ((u16(19) != 0) == (u32(32) != 0)) {
    return Invalid("two sizes, or none");
  }
  const std::uint64_t sectors = u16(19) != 0 ? u16(19) : u32(32);
  const bool is_32 = u16(22) == 0;
  if (is_32 != (root_entries == 0)) {
    return Invalid("neither FAT32 nor one of the others");
  }
  const std::uint64_t table_sectors = is_32 ? u32(36) : u16(22);
  root_bytes_ = root_entries * kEntryBytes;
  if (root_bytes_ % sector_bytes_ != 0) {
    return Invalid("a root folder that ends within a sector");
  }
  if (sectors * sector_bytes_ > view_.size()) {
    return DiskError(DiskReason::kDiskTruncated,
                     absl::StrFormat("FAT has %d bytes, its partition %d",
                                     sectors * sector_bytes_, view_.size()));
  }
  const std::uint64_t before_data =
      reserved + table_count_ * table_sectors + root_bytes_ / sector_bytes_;
  if (table_sectors == 0 || before_data >= sectors) {
    return Invalid("no room for files");
  }
  const std::uint64_t clusters = (sectors - before_data) / cluster_sectors;
  // Numbers from 0x0ffffff7 on are reserved; 65525 clusters would be FAT32.
  const bool fits = is_32 ? clusters <= 0x0ffffff5 : clusters < 65525;
  if (clusters == 0 || !fits) {
    return Invalid(absl::StrFormat("%d clusters", clusters));
  }
  clusters_ = static_cast<std::uint32_t>(clusters);
  bits_ = is_32 ? 32 : clusters < 4085 ? 12 : 16;
  table_at_ = std::uint64_t{reserved} * sector_bytes_;
  table_bytes_ = table_sectors * sector_bytes_;
  root_at_ = table_at_ + table_count_ * table_bytes_;
  data_at_ = before_data * sector_bytes_;
  const std::uint64_t needed = (std::uint64_t{clusters_} + 2) * bits_;
  if (table_bytes_ < (needed + 7) / 8) {
    return Invalid("an allocation table that is too short for its clusters");
  }
  if (!is_32) return absl::OkStatus();
  if (u16(40) != 0 || u16(42) != 0) {
    // One of the copies would count, or a version that nobody made.
    return DiskError(DiskReason::kFatAmbiguous,
                     "the copies of the allocation table are not equal ones");
  }
  root_cluster_ = u32(44);
  return IsCluster(root_cluster_) ? absl::OkStatus()
                                  : Invalid("no root folder");
}

absl::Status FatVolume::ReadTable() {
  if (table_bytes_ > kMaxTableBytes) {
    return DiskError(
        DiskReason::kFatLimit,
        absl::StrFormat("an allocation table of %d bytes", table_bytes_));
  }
  const auto bytes = static_cast<std::size_t>(table_bytes_);
  auto table = view_.Read(table_at_, bytes);
  if (!table.ok()) return table.status();
  table_ = *std::move(table);
  if (table_count_ == 1) return absl::OkStatus();
  constexpr std::size_t kStep = 1 << 20;
  for (std::size_t at = 0; at < bytes; at += kStep) {
    const std::size_t step = std::min(kStep, bytes - at);
    const auto copy = view_.Read(table_at_ + table_bytes_ + at, step);
    if (!copy.ok()) return copy.status();
    if (*copy != std::string_view(table_).substr(at, step)) {
      return DiskError(DiskReason::kFatAmbiguous,
                       "the copies of the allocation table differ");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::uint32_t> FatVolume::Next(std::uint32_t cluster) const {
  std::uint32_t next = 0;
  std::uint32_t end = 0;
  if (bits_ == 12) {
    const std::uint32_t pair =
        LittleEndian<std::uint16_t>(table_, cluster + cluster / 2);
    next = cluster % 2 == 0 ? pair & 0xfff : pair >> 4;
    end = 0xff8;
  } else if (bits_ == 16) {
    next = LittleEndian<std::uint16_t>(table_, std::size_t{cluster} * 2);
    end = 0xfff8;
  } else {
    // The upper four bits are nobody's.
    next = LittleEndian<std::uint32_t>(table_, std::size_t{cluster} * 4) &
           0x0fffffff;
    end = 0x0ffffff8;
  }
  if (next >= end) return kEnd;
  if (IsCluster(next)) return next;
  return DiskError(DiskReason::kFatChain,
                   absl::StrFormat("cluster %d is followed by %d, of %d",
                                   cluster, next, clusters_));
}

absl::StatusOr<std::vector<std::uint32_t>> FatVolume::ClaimChain(
    std::uint32_t first, std::uint64_t max_clusters,
    std::vector<bool>& claimed) const {
  std::vector<std::uint32_t> chain;
  std::uint32_t cluster = first;
  while (cluster != kEnd) {
    if (!IsCluster(cluster)) {
      return DiskError(DiskReason::kFatChain,
                       absl::StrFormat("cluster %d is not there", cluster));
    }
    if (claimed[cluster]) {
      return DiskError(DiskReason::kFatChain,
                       absl::StrFormat("cluster %d stands in two places of "
                                       "chains",
                                       cluster));
    }
    if (chain.size() == max_clusters) {
      return DiskError(
          DiskReason::kFatChain,
          absl::StrFormat("a chain goes on after %d clusters", max_clusters));
    }
    claimed[cluster] = true;
    chain.push_back(cluster);
    const auto next = Next(cluster);
    if (!next.ok()) return next.status();
    cluster = *next;
  }
  return chain;
}

absl::StatusOr<std::string> FatVolume::ReadClusters(
    const std::vector<std::uint32_t>& clusters) const {
  std::string bytes(clusters.size() * cluster_bytes_, '\0');
  for (std::size_t i = 0; i < clusters.size();) {
    // Neighbours are read at once.
    std::size_t run = 1;
    while (i + run < clusters.size() &&
           clusters[i + run] == clusters[i] + run) {
      ++run;
    }
    const auto read = view_.ReadInto(
        data_at_ + std::uint64_t{clusters[i] - 2} * cluster_bytes_,
        absl::MakeSpan(bytes).subspan(i * cluster_bytes_,
                                      run * cluster_bytes_));
    if (!read.ok()) return read;
    i += run;
  }
  return bytes;
}

absl::Status FatVolume::ReadTree() {
  struct Folder {
    std::string path;
    std::uint32_t cluster = 0;
    std::uint32_t parent = 0;
    int depth = 0;
  };
  std::vector<bool> claimed(std::size_t{clusters_} + 2);
  std::vector<Folder> folders(1);
  for (std::size_t i = 0; i < folders.size(); ++i) {
    const Folder folder = folders[i];
    const bool is_root = i == 0;
    absl::StatusOr<std::string> bytes;
    if (is_root && bits_ != 32) {
      bytes = view_.Read(root_at_, root_bytes_);
    } else {
      const auto chain =
          ClaimChain(is_root ? root_cluster_ : folder.cluster,
                     kMaxFolderBytes / cluster_bytes_ + 1, claimed);
      if (!chain.ok()) return chain.status();
      bytes = ReadClusters(*chain);
    }
    if (!bytes.ok()) return bytes.status();
    auto entries =
        FolderReader(*this, folder.path, folder.cluster, folder.parent)
            .Read(*bytes);
    if (!entries.ok()) return entries.status();
    for (FatEntry& entry : *entries) {
      if (entries_.size() == kMaxEntries) {
        return DiskError(DiskReason::kFatLimit,
                         absl::StrFormat("more than %d files", kMaxEntries));
      }
      if (entry.is_folder) {
        if (folder.depth == kMaxDepth) {
          return DiskError(DiskReason::kFatLimit,
                           absl::StrCat(entry.path, " is too deep"));
        }
        folders.push_back({.path = entry.path,
                           .cluster = entry.first_cluster,
                           .parent = folder.cluster,
                           .depth = folder.depth + 1});
      } else if (entry.size != 0) {
        const std::uint64_t wanted =
            (std::uint64_t{entry.size} + cluster_bytes_ - 1) / cluster_bytes_;
        const auto chain = ClaimChain(entry.first_cluster, wanted, claimed);
        if (!chain.ok()) return chain.status();
        if (chain->size() != wanted) {
          return DiskError(
              DiskReason::kFatChain,
              absl::StrFormat("%s has %d bytes in %d clusters", entry.path,
                              entry.size, chain->size()));
        }
      }
      entries_.push_back(std::move(entry));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> FatVolume::ReadFile(const FatEntry& file,
                                                std::size_t limit) const {
  if (file.is_folder) {
    return DiskError(DiskReason::kFatNotFound,
                     absl::StrCat(file.path, " is a folder"));
  }
  if (file.size > limit) {
    return DiskError(DiskReason::kFatLimit,
                     absl::StrFormat("%s has %d bytes, more than %d", file.path,
                                     file.size, limit));
  }
  if (file.size == 0) return std::string();
  std::vector<bool> claimed(std::size_t{clusters_} + 2);
  const auto chain = ClaimChain(
      file.first_cluster,
      (std::uint64_t{file.size} + cluster_bytes_ - 1) / cluster_bytes_,
      claimed);
  if (!chain.ok()) return chain.status();
  auto bytes = ReadClusters(*chain);
  if (bytes.ok()) bytes->resize(file.size);
  return bytes;
}

}  // namespace anchorage::verify
