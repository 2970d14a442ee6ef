// Disks for tests, in memory: a GUID partition table, FAT, dm-verity. Plain
// writers that share nothing with the readers.
//
//   FatWriter fat({.bits = 32});
//   fat.Add("EFI/BOOT/BOOTX64.EFI", uki);
//   std::string disk = WriteGptDisk({{.type = kEspTypeGuid,
//                                     .content = fat.Write()}});

#ifndef ANCHORAGE_TEST_SUPPORT_DISK_WRITER_H_
#define ANCHORAGE_TEST_SUPPORT_DISK_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace anchorage::test {

// Writes `value` at `at` of `bytes`, little-endian.
void PutU16(std::string& bytes, std::size_t at, std::uint16_t value);
void PutU32(std::string& bytes, std::size_t at, std::uint32_t value);
void PutU64(std::string& bytes, std::size_t at, std::uint64_t value);

// --- GUID partition table ---------------------------------------------------

inline constexpr char kEspTypeGuid[] = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
inline constexpr char kRootTypeGuid[] = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709";
inline constexpr char kLinuxTypeGuid[] = "0fc63daf-8483-4772-8e79-3d69d8477de4";
inline constexpr char kSwapTypeGuid[] = "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f";

struct PartitionSpec {
  std::string type = kLinuxTypeGuid;
  // Empty: one made of its number.
  std::string id = "";
  std::string name = "";
  // Filled up to whole sectors, at least one.
  std::string content = "";
};

// Writes one partition behind another, with 128 entries.
std::string WriteGptDisk(const std::vector<PartitionSpec>& partitions,
                         std::size_t sector = 512);

// Writes the checksums of both headers and tables anew, after a change.
void SealGpt(std::string& disk, std::size_t sector = 512);

// --- FAT ---------------------------------------------------------------------

struct FatOptions {
  // 12, 16 or 32.
  int bits = 32;
  std::uint32_t cluster_sectors = 1;
  // 0: the fewest that a volume of `bits` has.
  std::uint32_t clusters = 0;
  std::uint32_t sector = 512;
};

class FatWriter {
 public:
  explicit FatWriter(FatOptions options);

  // Adds a file, and the folders that it is in. What is no short name has a
  // long one.
  void Add(const std::string& path, std::string content);
  void AddFolder(const std::string& path);

  std::string Write();

  // After Write(): where things are.
  std::size_t table_at() const { return table_at_; }
  std::size_t table_bytes() const { return table_bytes_; }
  // Of the entry (not of its long name) of a path in the volume.
  std::size_t entry_at(const std::string& path) const {
    return entries_.at(path);
  }
  std::size_t cluster_at(std::uint32_t cluster) const;
  // The first of a path.
  std::uint32_t cluster_of(const std::string& path) const {
    return first_clusters_.at(path);
  }
  // Sets what both tables say of a cluster.
  void SetNext(std::string& volume, std::uint32_t cluster,
               std::uint32_t next) const;

 private:
  struct Node {
    std::string name;
    std::string content;
    bool is_folder = false;
    // In the order in which they were added.
    std::vector<Node> children;
  };
  Node& Child(Node& folder, const std::string& name);
  std::uint32_t Allocate(std::string& volume, const std::string& content);
  std::uint32_t WriteFolder(std::string& volume, const Node& folder,
                            const std::string& path, std::uint32_t parent);

  FatOptions options_;
  Node root_;
  std::size_t table_at_ = 0;
  std::size_t table_bytes_ = 0;
  std::size_t root_at_ = 0;
  std::size_t data_at_ = 0;
  std::uint32_t next_cluster_ = 2;
  std::map<std::string, std::size_t> entries_;
  std::map<std::string, std::uint32_t> first_clusters_;
};

// --- dm-verity ---------------------------------------------------------------

struct VerityOptions {
  std::size_t block = 4096;
  std::string salt = "salt of a test";
  bool sha512 = false;
};

struct VerityPartition {
  // The superblock and the tree.
  std::string bytes;
  // Raw.
  std::string root_hash;
};

// `data` must be whole blocks.
VerityPartition WriteVerity(std::string_view data,
                            const VerityOptions& options = {});

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_SUPPORT_DISK_WRITER_H_
