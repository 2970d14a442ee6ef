#include "verify/measure/disk/gpt.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "verify/encoding/little_endian.h"
#include "verify/measure/disk/disk_error.h"

namespace anchorage::verify {
namespace {

constexpr std::string_view kSignature = "EFI PART";
constexpr std::uint32_t kMinHeaderBytes = 92;
constexpr std::uint32_t kMaxEntries = 1024;
constexpr std::uint32_t kMinEntryBytes = 128;
constexpr std::uint32_t kMaxEntryBytes = 1024;
constexpr std::size_t kNameAt = 56;
constexpr std::size_t kNameBytes = 72;
constexpr unsigned char kProtectiveType = 0xee;

absl::Status Invalid(std::string_view what) {
  return DiskError(DiskReason::kGptInvalid, what);
}

// CRC-32 of IEEE 802.3, as GPT has it.
std::uint32_t Crc32(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return ~crc;
}

Guid GuidAt(std::string_view bytes, std::size_t at) {
  Guid guid;
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), guid.size(),
              guid.begin());
  return guid;
}

struct Header {
  std::uint64_t my_lba = 0;
  std::uint64_t other_lba = 0;
  std::uint64_t first_usable = 0;
  std::uint64_t last_usable = 0;
  Guid disk_id{};
  std::uint64_t entries_lba = 0;
  std::uint32_t entry_count = 0;
  std::uint32_t entry_bytes = 0;
  std::uint32_t entries_crc = 0;

  std::uint64_t table_bytes() const {
    return std::uint64_t{entry_count} * entry_bytes;
  }
};

class Reader {
 public:
  Reader(const DiskView& disk, std::uint32_t sector)
      : disk_(disk), sector_(sector), sectors_(disk.size() / sector) {}

  absl::StatusOr<Gpt> Read() const {
    const auto primary = ReadHeader(1);
    if (!primary.ok()) return primary.status();
    if (primary->other_lba <= primary->last_usable ||
        primary->other_lba >= sectors_) {
      return DiskError(DiskReason::kDiskTruncated,
                       absl::StrFormat("the backup header is to be in sector "
                                       "%d of %d (was the disk cut off?)",
                                       primary->other_lba, sectors_));
    }
    const auto backup = ReadHeader(primary->other_lba);
    if (!backup.ok()) return backup.status();
    if (!HasTableIn(*primary, 2, primary->first_usable) ||
        !HasTableIn(*backup, backup->last_usable + 1, backup->my_lba)) {
      return DiskError(DiskReason::kGptOverlap,
                       "a table of entries lies where partitions may be");
    }
    if (!SayTheSame(*primary, *backup)) {
      return DiskError(DiskReason::kGptAmbiguous,
                       "the backup header differs from the primary one");
    }
    const auto table = ReadTable(*primary);
    if (!table.ok()) return table.status();
    // One CRC in both headers and both tables sound: they are the same.
    if (const auto copy = ReadTable(*backup); !copy.ok()) return copy.status();
    return ReadEntries(*primary, *table);
  }

 private:
  absl::StatusOr<Header> ReadHeader(std::uint64_t lba) const {
    auto sector = disk_.Read(lba * sector_, sector_);
    if (!sector.ok()) return sector.status();
    std::string& bytes = *sector;
    if (!bytes.starts_with(kSignature)) {
      return DiskError(DiskReason::kGptMissing,
                       absl::StrFormat("no header in sector %d", lba));
    }
    const auto u32 = [&](std::size_t at) {
      return LittleEndian<std::uint32_t>(bytes, at);
    };
    const auto u64 = [&](std::size_t at) {
      return LittleEndian<std::uint64_t>(bytes, at);
    };
    if (u32(8) != 0x00010000) return Invalid("the revision is not 1.0");
    const std::uint32_t size = u32(12);
    if (size < kMinHeaderBytes || size > sector_) {
      return Invalid(absl::StrFormat("a header of %d bytes", size));
    }
    const std::uint32_t crc = u32(16);
    std::fill_n(bytes.begin() + 16, 4, '\0');
    if (Crc32(std::string_view(bytes).substr(0, size)) != crc) {
      return DiskError(DiskReason::kGptChecksum,
                       absl::StrFormat("the header in sector %d", lba));
    }
    if (u32(20) != 0) return Invalid("a reserved field is not zero");
    Header header{.my_lba = u64(24),
                  .other_lba = u64(32),
                  .first_usable = u64(40),
                  .last_usable = u64(48),
                  .disk_id = GuidAt(bytes, 56),
                  .entries_lba = u64(72),
                  .entry_count = u32(80),
                  .entry_bytes = u32(84),
                  .entries_crc = u32(88)};
    if (header.my_lba != lba) {
      return Invalid(
          absl::StrFormat("the header in sector %d says that it is "
                          "in sector %d",
                          lba, header.my_lba));
    }
    if (header.first_usable > header.last_usable ||
        header.last_usable >= sectors_) {
      return Invalid(
          absl::StrFormat("sectors %d to %d are said to be usable, of %d",
                          header.first_usable, header.last_usable, sectors_));
    }
    if (header.entry_count == 0) return Invalid("a table without entries");
    if (header.entry_count > kMaxEntries ||
        header.entry_bytes > kMaxEntryBytes) {
      return DiskError(DiskReason::kGptLimit,
                       absl::StrFormat("%d entries of %d bytes",
                                       header.entry_count, header.entry_bytes));
    }
    if (header.entry_bytes < kMinEntryBytes ||
        (header.entry_bytes & (header.entry_bytes - 1)) != 0) {
      return Invalid(
          absl::StrFormat("entries of %d bytes", header.entry_bytes));
    }
    return header;
  }

  static bool SayTheSame(const Header& a, const Header& b) {
    return a.my_lba == b.other_lba && a.other_lba == b.my_lba &&
           a.first_usable == b.first_usable && a.last_usable == b.last_usable &&
           a.disk_id == b.disk_id && a.entry_count == b.entry_count &&
           a.entry_bytes == b.entry_bytes && a.entries_crc == b.entries_crc;
  }

  // Whether the table of a header lies in the sectors [begin, end).
  bool HasTableIn(const Header& header, std::uint64_t begin,
                  std::uint64_t end) const {
    const std::uint64_t count = (header.table_bytes() + sector_ - 1) / sector_;
    return header.entries_lba >= begin && header.entries_lba <= end &&
           count <= end - header.entries_lba;
  }

  absl::StatusOr<std::string> ReadTable(const Header& header) const {
    auto table = disk_.Read(header.entries_lba * sector_,
                            static_cast<std::size_t>(header.table_bytes()));
    if (table.ok() && Crc32(*table) != header.entries_crc) {
      return DiskError(
          DiskReason::kGptChecksum,
          absl::StrFormat("the entries in sector %d", header.entries_lba));
    }
    return table;
  }

  absl::StatusOr<Gpt> ReadEntries(const Header& header,
                                  std::string_view table) const {
    Gpt gpt{.sector_size = sector_, .id = header.disk_id};
    std::set<Guid> ids;
    for (std::uint32_t i = 0; i < header.entry_count; ++i) {
      const std::string_view entry =
          table.substr(std::size_t{i} * header.entry_bytes, header.entry_bytes);
      GptPartition partition{.number = static_cast<int>(i) + 1,
                             .type = GuidAt(entry, 0),
                             .id = GuidAt(entry, 16)};
      if (partition.type == Guid{}) continue;
      const std::string who = absl::StrCat("partition ", partition.number);
      const auto first = LittleEndian<std::uint64_t>(entry, 32);
      const auto last = LittleEndian<std::uint64_t>(entry, 40);
      if (first > last || first < header.first_usable ||
          last > header.last_usable) {
        return Invalid(absl::StrFormat("%s has sectors %d to %d, of %d to %d",
                                       who, first, last, header.first_usable,
                                       header.last_usable));
      }
      partition.offset = first * sector_;
      partition.size = (last - first + 1) * sector_;
      partition.attributes = LittleEndian<std::uint64_t>(entry, 48);
      if (partition.id == Guid{}) return Invalid(who + " has no id");
      if (!ids.insert(partition.id).second) {
        return DiskError(DiskReason::kGptAmbiguous,
                         absl::StrCat(who, " has the id of another"));
      }
      const std::string_view units = entry.substr(kNameAt, kNameBytes);
      std::size_t length = 0;
      while (length < units.size() &&
             LittleEndian<std::uint16_t>(units, length) != 0) {
        length += 2;
      }
      auto name = Utf16LeToUtf8(units.substr(0, length));
      if (!name.has_value()) return Invalid(who + " has no UTF-16 for a name");
      partition.name = *std::move(name);
      gpt.partitions.push_back(std::move(partition));
    }
    return CheckOverlaps(std::move(gpt));
  }

  static absl::StatusOr<Gpt> CheckOverlaps(Gpt gpt) {
    std::vector<const GptPartition*> order;
    for (const GptPartition& partition : gpt.partitions) {
      order.push_back(&partition);
    }
    std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
      return a->offset < b->offset;
    });
    for (std::size_t i = 1; i < order.size(); ++i) {
      if (order[i - 1]->offset + order[i - 1]->size > order[i]->offset) {
        return DiskError(
            DiskReason::kGptOverlap,
            absl::StrFormat("partitions %d and %d share sectors",
                            order[i - 1]->number, order[i]->number));
      }
    }
    return gpt;
  }

  const DiskView& disk_;
  const std::uint32_t sector_;
  const std::uint64_t sectors_;
};

// UEFI 2.10, 5.2.3. The size is not looked at: a disk that was made larger
// keeps the old one, and nobody uses it.
absl::Status CheckProtectiveMbr(std::string_view sector) {
  constexpr std::size_t kFirstRecord = 446;
  constexpr std::size_t kRecordBytes = 16;
  if (LittleEndian<std::uint16_t>(sector, 510) != 0xaa55) {
    return Invalid("no MBR that protects the table");
  }
  int protective = 0;
  for (std::size_t at = kFirstRecord; at < 510; at += kRecordBytes) {
    const std::string_view record = sector.substr(at, kRecordBytes);
    if (record.find_first_not_of('\0') == std::string_view::npos) continue;
    if (static_cast<unsigned char>(record[4]) != kProtectiveType ||
        LittleEndian<std::uint32_t>(record, 8) != 1) {
      return DiskError(DiskReason::kGptAmbiguous,
                       "the MBR has partitions of its own");
    }
    ++protective;
  }
  if (protective == 1) return absl::OkStatus();
  return Invalid("no MBR that protects the table");
}

}  // namespace

std::string GuidText(const Guid& guid) {
  const auto u16 = [&](std::size_t at) { return guid[at + 1] << 8 | guid[at]; };
  const std::string tail = absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(guid.data()) + 8, guid.size() - 8));
  return absl::StrFormat("%04x%04x-%04x-%04x-%s-%s", u16(2), u16(0), u16(4),
                         u16(6), tail.substr(0, 4), tail.substr(4));
}

std::optional<Guid> ParseGuid(std::string_view text) {
  constexpr std::size_t kDigits[] = {6,  4,  2,  0,  11, 9,  16, 14,
                                     19, 21, 24, 26, 28, 30, 32, 34};
  if (text.size() != 36) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-'
             : !absl::ascii_isxdigit(static_cast<unsigned char>(text[i]))) {
      return std::nullopt;
    }
  }
  Guid guid;
  for (std::size_t i = 0; i < guid.size(); ++i) {
    const std::string_view digits = text.substr(kDigits[i], 2);
    guid[i] = static_cast<unsigned char>(absl::HexStringToBytes(
        absl::string_view(digits.data(), digits.size()))[0]);
  }
  return guid;
}

absl::StatusOr<Gpt> ReadGpt(const DiskView& disk) {
  const auto mbr = disk.Read(0, 512);
  if (!mbr.ok()) return mbr.status();
  std::uint32_t sector_size = 0;
  for (const std::uint32_t size : {512u, 4096u}) {
    const auto signature = disk.Read(size, kSignature.size());
    if (!signature.ok() || *signature != kSignature) continue;
    if (sector_size != 0) {
      return DiskError(DiskReason::kGptAmbiguous,
                       "a header for sectors of 512 bytes and one of 4096");
    }
    sector_size = size;
  }
  if (sector_size == 0) {
    return DiskError(DiskReason::kGptMissing,
                     "no GUID partition table begins in the second sector");
  }
  if (disk.size() % sector_size != 0) {
    return DiskError(DiskReason::kDiskTruncated,
                     absl::StrFormat("%d bytes are not whole sectors of %d",
                                     disk.size(), sector_size));
  }
  if (auto check = CheckProtectiveMbr(*mbr); !check.ok()) return check;
  return Reader(disk, sector_size).Read();
}

}  // namespace anchorage::verify
