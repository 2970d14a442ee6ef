#include "test/support/disk_writer.h"

#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

namespace anchorage::test {
namespace {

void Put(std::string& bytes, std::size_t at, std::uint64_t value,
         std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    bytes.at(at + i) = static_cast<char>(value >> (8 * i) & 0xff);
  }
}

std::uint64_t Get(const std::string& bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
  }
  return value;
}

void PutBytes(std::string& bytes, std::size_t at, std::string_view what) {
  std::copy(what.begin(), what.end(),
            bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

std::uint32_t Crc(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()),
            static_cast<uInt>(bytes.size())));
}

std::size_t RoundedUp(std::size_t value, std::size_t to) {
  return (value + to - 1) / to * to;
}

// "c12a7328-...", as it lies on a disk.
std::string GuidBytes(const std::string& text) {
  std::string digits;
  for (const char c : text) {
    if (c != '-') digits += c;
  }
  std::string bytes;
  for (const std::size_t i :
       {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}) {
    bytes += static_cast<char>(
        std::strtol(digits.substr(i * 2, 2).c_str(), nullptr, 16));
  }
  return bytes;
}

constexpr std::size_t kEntries = 128;
constexpr std::size_t kEntryBytes = 128;

void SealHeader(std::string& disk, std::size_t header, std::size_t sector) {
  const std::size_t table = Get(disk, header + 72, 8) * sector;
  const std::size_t bytes =
      Get(disk, header + 80, 4) * Get(disk, header + 84, 4);
  if (table <= disk.size() && bytes <= disk.size() - table) {
    PutU32(disk, header + 88, Crc(std::string_view(disk).substr(table, bytes)));
  }
  PutU32(disk, header + 16, 0);
  const std::size_t size =
      std::min<std::size_t>(Get(disk, header + 12, 4), disk.size() - header);
  PutU32(disk, header + 16, Crc(std::string_view(disk).substr(header, size)));
}

std::string Digest(const EVP_MD* md, std::string_view salt,
                   std::string_view block) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const std::string input = std::string(salt) + std::string(block);
  EVP_Digest(input.data(), input.size(), digest, &size, md, nullptr);
  return std::string(reinterpret_cast<char*>(digest), size);
}

// The short name of `name`, and whether it says all of it.
std::pair<std::string, bool> ShortName(const std::string& name, int number) {
  const std::size_t dot = name.rfind('.');
  const bool has_extension = dot != std::string::npos && dot != 0;
  std::string base = name.substr(0, has_extension ? dot : std::string::npos);
  std::string extension = has_extension ? name.substr(dot + 1) : "";
  const auto is_short = [](const std::string& part, std::size_t max) {
    return part.size() <= max &&
           std::all_of(part.begin(), part.end(), [](char c) {
             return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '-';
           });
  };
  const bool all = !base.empty() && is_short(base, 8) && is_short(extension, 3);
  if (!all) {
    base = "N" + std::to_string(number);
    const std::string tail = "~1";
    base += tail;
    extension.clear();
  }
  base.resize(8, ' ');
  extension.resize(3, ' ');
  return {base + extension, all};
}

}  // namespace

void PutU16(std::string& bytes, std::size_t at, std::uint16_t value) {
  Put(bytes, at, value, 2);
}
void PutU32(std::string& bytes, std::size_t at, std::uint32_t value) {
  Put(bytes, at, value, 4);
}
void PutU64(std::string& bytes, std::size_t at, std::uint64_t value) {
  Put(bytes, at, value, 8);
}

std::string WriteGptDisk(const std::vector<PartitionSpec>& partitions,
                         std::size_t sector) {
  const std::size_t table_sectors = kEntries * kEntryBytes / sector;
  const std::size_t first_usable = 2 + table_sectors;
  std::string table(kEntries * kEntryBytes, '\0');
  std::string data;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    const PartitionSpec& spec = partitions[i];
    std::string content = spec.content;
    content.resize(std::max(sector, RoundedUp(content.size(), sector)), '\0');
    const std::size_t entry = i * kEntryBytes;
    std::string number = std::to_string(i + 1);
    number.insert(0, 12 - number.size(), '0');
    const std::string id = "00000000-0000-4000-8000-" + number;
    PutBytes(table, entry, GuidBytes(spec.type));
    PutBytes(table, entry + 16, GuidBytes(spec.id.empty() ? id : spec.id));
    const std::size_t first = first_usable + data.size() / sector;
    PutU64(table, entry + 32, first);
    PutU64(table, entry + 40, first + content.size() / sector - 1);
    for (std::size_t c = 0; c < spec.name.size(); ++c) {
      table[entry + 56 + 2 * c] = spec.name[c];
    }
    data += content;
  }
  if (data.empty()) data.assign(sector, '\0');
  const std::size_t data_sectors = data.size() / sector;
  const std::size_t last_usable = first_usable + data_sectors - 1;
  const std::size_t backup = last_usable + 1 + table_sectors;
  std::string disk((backup + 1) * sector, '\0');
  disk[446 + 4] = '\xee';
  PutU32(disk, 446 + 8, 1);
  PutU32(disk, 446 + 12, static_cast<std::uint32_t>(backup));
  PutU16(disk, 510, 0xaa55);
  for (const bool primary : {true, false}) {
    const std::size_t at = (primary ? 1 : backup) * sector;
    PutBytes(disk, at, "EFI PART");
    PutU32(disk, at + 8, 0x00010000);
    PutU32(disk, at + 12, 92);
    PutU64(disk, at + 24, primary ? 1 : backup);
    PutU64(disk, at + 32, primary ? backup : 1);
    PutU64(disk, at + 40, first_usable);
    PutU64(disk, at + 48, last_usable);
    PutBytes(disk, at + 56, std::string(16, '\x5a'));
    PutU64(disk, at + 72, primary ? 2 : last_usable + 1);
    PutU32(disk, at + 80, kEntries);
    PutU32(disk, at + 84, kEntryBytes);
    PutBytes(disk, (primary ? 2 : last_usable + 1) * sector, table);
  }
  PutBytes(disk, first_usable * sector, data);
  SealGpt(disk, sector);
  return disk;
}

void SealGpt(std::string& disk, std::size_t sector) {
  SealHeader(disk, sector, sector);
  SealHeader(disk, disk.size() - sector, sector);
}

FatWriter::FatWriter(FatOptions options) : options_(options) {
  if (options_.clusters == 0) {
    // A FAT32 need not have the 65,525 that its specification asks for: no
    // reader does.
    options_.clusters = options_.bits == 16 ? 4085 : 1024;
  }
  root_.is_folder = true;
}

FatWriter::Node& FatWriter::Child(Node& folder, const std::string& name) {
  for (Node& child : folder.children) {
    if (child.name == name) return child;
  }
  folder.children.emplace_back().name = name;
  return folder.children.back();
}

void FatWriter::AddFolder(const std::string& path) {
  Node* node = &root_;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    node = &Child(*node, path.substr(at, slash - at));
    node->is_folder = true;
    at = slash + 1;
  }
}

void FatWriter::Add(const std::string& path, std::string content) {
  const std::size_t slash = path.rfind('/');
  Node* folder = &root_;
  if (slash != std::string::npos) {
    AddFolder(path.substr(0, slash));
    for (std::size_t at = 0; at <= slash;) {
      const std::size_t end = std::min(path.find('/', at), slash);
      folder = &Child(*folder, path.substr(at, end - at));
      at = end + 1;
    }
  }
  const std::string name =
      slash == std::string::npos ? path : path.substr(slash + 1);
  // Twice the same name is two files: readers must refuse it.
  folder->children.push_back({.name = name,
                              .content = std::move(content),
                              .is_folder = false,
                              .children = {}});
}

std::size_t FatWriter::cluster_at(std::uint32_t cluster) const {
  return data_at_ +
         std::size_t{cluster - 2} * options_.cluster_sectors * options_.sector;
}

void FatWriter::SetNext(std::string& volume, std::uint32_t cluster,
                        std::uint32_t next) const {
  for (const std::size_t table : {table_at_, table_at_ + table_bytes_}) {
    if (options_.bits == 32) {
      PutU32(volume, table + std::size_t{cluster} * 4, next);
    } else if (options_.bits == 16) {
      PutU16(volume, table + std::size_t{cluster} * 2,
             static_cast<std::uint16_t>(next));
    } else {
      const std::size_t at = table + cluster + cluster / 2;
      const std::uint64_t pair = Get(volume, at, 2);
      PutU16(volume, at,
             static_cast<std::uint16_t>(
                 cluster % 2 == 0 ? (pair & 0xf000) | (next & 0xfff)
                                  : (pair & 0xf) | (next & 0xfff) << 4));
    }
  }
}

std::uint32_t FatWriter::Allocate(std::string& volume,
                                  const std::string& content) {
  if (content.empty()) return 0;
  const std::size_t bytes =
      std::size_t{options_.cluster_sectors} * options_.sector;
  const std::uint32_t first = next_cluster_;
  const std::size_t count = RoundedUp(content.size(), bytes) / bytes;
  for (std::size_t i = 0; i < count; ++i) {
    PutBytes(volume, cluster_at(next_cluster_),
             std::string_view(content).substr(i * bytes, bytes));
    SetNext(volume, next_cluster_,
            i + 1 == count ? 0x0fffffff : next_cluster_ + 1);
    ++next_cluster_;
  }
  return first;
}

std::uint32_t FatWriter::WriteFolder(std::string& volume, const Node& folder,
                                     const std::string& path,
                                     std::uint32_t parent) {
  const bool is_root = path.empty();
  const bool in_place = is_root && options_.bits != 32;
  const std::size_t cluster_bytes =
      std::size_t{options_.cluster_sectors} * options_.sector;
  std::string bytes;
  std::vector<std::size_t> offsets;
  const auto add = [&](const std::string& raw, unsigned char attributes) {
    std::string entry(32, '\0');
    PutBytes(entry, 0, raw);
    entry[11] = static_cast<char>(attributes);
    bytes += entry;
  };
  if (is_root) {
    add("TEST       ", 0x08);
  } else {
    add(".          ", 0x10);
    add("..         ", 0x10);
  }
  int number = 0;
  for (const Node& child : folder.children) {
    const std::string& name = child.name;
    const auto [raw, all] = ShortName(name, ++number);
    if (!all) {
      std::string units;
      for (const char c : name) {
        units += c;
        units += '\0';
      }
      if (units.size() % 26 != 0) units.append(2, '\0');
      units.resize(RoundedUp(units.size(), 26), '\xff');
      unsigned sum = 0;
      for (const char c : raw) {
        sum = (((sum & 1) << 7) + (sum >> 1) + static_cast<unsigned char>(c)) &
              0xff;
      }
      const std::size_t parts = units.size() / 26;
      for (std::size_t part = parts; part >= 1; --part) {
        const std::string_view text =
            std::string_view(units).substr((part - 1) * 26, 26);
        std::string entry(32, '\0');
        entry[0] = static_cast<char>(part | (part == parts ? 0x40 : 0));
        PutBytes(entry, 1, text.substr(0, 10));
        entry[11] = 0x0f;
        entry[13] = static_cast<char>(sum);
        PutBytes(entry, 14, text.substr(10, 12));
        PutBytes(entry, 28, text.substr(22, 4));
        bytes += entry;
      }
    }
    offsets.push_back(bytes.size());
    add(raw, child.is_folder ? 0x10 : 0x20);
    PutU32(bytes, offsets.back() + 28,
           static_cast<std::uint32_t>(child.content.size()));
  }
  // Room for the end, so that tests can put something behind it.
  std::uint32_t first = 0;
  std::size_t at = root_at_;
  if (!in_place) {
    bytes.resize(RoundedUp(bytes.size() + 64, cluster_bytes), '\0');
    first = Allocate(volume, bytes);
    at = cluster_at(first);
  }
  const auto put_cluster = [&](std::size_t entry, std::uint32_t cluster) {
    PutU16(bytes, entry + 26, static_cast<std::uint16_t>(cluster));
    PutU16(bytes, entry + 20, static_cast<std::uint16_t>(cluster >> 16));
  };
  if (!is_root) {
    put_cluster(0, first);
    put_cluster(32, parent);
  }
  for (std::size_t i = 0; i < folder.children.size(); ++i) {
    const Node& child = folder.children[i];
    const std::string child_path =
        is_root ? child.name : path + "/" + child.name;
    const std::uint32_t cluster =
        child.is_folder
            ? WriteFolder(volume, child, child_path, is_root ? 0 : first)
            : Allocate(volume, child.content);
    put_cluster(offsets[i], cluster);
    entries_[child_path] = at + offsets[i];
    first_clusters_[child_path] = cluster;
  }
  // Neighbours, as nothing else was allocated in between.
  PutBytes(volume, at, bytes);
  return first;
}

std::string FatWriter::Write() {
  const std::size_t sector = options_.sector;
  const bool is_32 = options_.bits == 32;
  const std::size_t reserved = is_32 ? 32 : 1;
  const std::size_t root_entries = is_32 ? 0 : 512;
  table_bytes_ = RoundedUp((std::size_t{options_.clusters} + 2) *
                                   static_cast<std::size_t>(options_.bits) / 8 +
                               1,
                           sector);
  table_at_ = reserved * sector;
  root_at_ = table_at_ + 2 * table_bytes_;
  data_at_ = root_at_ + RoundedUp(root_entries * 32, sector);
  const std::size_t sectors =
      data_at_ / sector +
      std::size_t{options_.clusters} * options_.cluster_sectors;
  std::string volume(sectors * sector, '\0');
  next_cluster_ = 2;
  PutBytes(volume, 0, "\xeb\x58\x90TESTING ");
  PutU16(volume, 11, static_cast<std::uint16_t>(sector));
  volume[13] = static_cast<char>(options_.cluster_sectors);
  PutU16(volume, 14, static_cast<std::uint16_t>(reserved));
  volume[16] = 2;
  PutU16(volume, 17, static_cast<std::uint16_t>(root_entries));
  volume[21] = '\xf8';
  PutU32(volume, 32, static_cast<std::uint32_t>(sectors));
  const std::size_t table_sectors = table_bytes_ / sector;
  if (is_32) {
    PutU32(volume, 36, static_cast<std::uint32_t>(table_sectors));
    PutU32(volume, 44, 2);
    PutBytes(volume, 82, "FAT32   ");
  } else {
    PutU16(volume, 22, static_cast<std::uint16_t>(table_sectors));
    PutBytes(volume, 54, options_.bits == 12 ? "FAT12   " : "FAT16   ");
  }
  PutU16(volume, 510, 0xaa55);
  SetNext(volume, 0, 0x0ffffff8);
  SetNext(volume, 1, 0x0fffffff);
  WriteFolder(volume, root_, "", 0);
  return volume;
}

VerityPartition WriteVerity(std::string_view data,
                            const VerityOptions& options) {
  const EVP_MD* md = options.sha512 ? EVP_sha512() : EVP_sha256();
  std::vector<std::string> levels;
  std::string below(data);
  std::string root_hash;
  while (true) {
    std::string digests;
    for (std::size_t at = 0; at < below.size(); at += options.block) {
      digests += Digest(md, options.salt,
                        std::string_view(below).substr(at, options.block));
    }
    if (below.size() == options.block) {
      root_hash = digests;
      break;
    }
    digests.resize(RoundedUp(digests.size(), options.block), '\0');
    levels.push_back(digests);
    below = digests;
  }
  std::string bytes(options.block, '\0');
  PutBytes(bytes, 0, "verity");
  PutU32(bytes, 8, 1);
  PutU32(bytes, 12, 1);
  PutBytes(bytes, 16, std::string(16, '\x11'));
  PutBytes(bytes, 32, options.sha512 ? "sha512" : "sha256");
  PutU32(bytes, 64, static_cast<std::uint32_t>(options.block));
  PutU32(bytes, 68, static_cast<std::uint32_t>(options.block));
  PutU64(bytes, 72, data.size() / options.block);
  PutU16(bytes, 80, static_cast<std::uint16_t>(options.salt.size()));
  PutBytes(bytes, 88, options.salt);
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    bytes += *level;
  }
  return {.bytes = bytes, .root_hash = root_hash};
}

}  // namespace anchorage::test
