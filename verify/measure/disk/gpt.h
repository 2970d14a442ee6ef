// GUID partition tables (UEFI 2.10, section 5): which partitions a disk has.
//
//   auto gpt = ReadGpt(disk);
//   for (const GptPartition& partition : gpt->partitions) ...
//
// Strict, because firmware, the kernel and a person's tools each choose a
// copy: both headers and both tables must be sound and say the same, and the
// MBR must have nothing but the partition that protects them.
//
// Limits: 1024 entries of at most 1024 bytes. Pure; memory is bounded by the
// limits. Errors: kDiskTruncated and the reasons kGpt*.

#ifndef ANCHORAGE_VERIFY_MEASURE_DISK_GPT_H_
#define ANCHORAGE_VERIFY_MEASURE_DISK_GPT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "verify/measure/disk/disk_view.h"

namespace anchorage::verify {

// 16 bytes as they lie on the disk: the first three fields little-endian.
using Guid = std::array<unsigned char, 16>;

// Returns "c12a7328-f81f-11d2-ba4b-00a0c93ec93b".
std::string GuidText(const Guid& guid);

// Reads that form, in any case; nullopt for anything else.
std::optional<Guid> ParseGuid(std::string_view text);

struct GptPartition {
  // As in its device's name: the first entry of the table is 1.
  int number = 0;
  Guid type{};
  Guid id{};
  // UTF-8; whatever its maker wrote.
  std::string name{};
  std::uint64_t attributes = 0;
  // In bytes, from the beginning of the disk.
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct Gpt {
  // 512 or 4096 bytes.
  std::uint32_t sector_size = 0;
  Guid id{};
  // In the order of the table; entries that are not in use are left out.
  std::vector<GptPartition> partitions{};
};

absl::StatusOr<Gpt> ReadGpt(const DiskView& disk);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_MEASURE_DISK_GPT_H_
