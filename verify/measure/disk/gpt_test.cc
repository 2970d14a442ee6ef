#include "verify/measure/disk/gpt.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "test/support/disk_writer.h"
#include "verify/measure/disk/disk_error.h"

namespace anchorage::verify {
namespace {

using test::PutU32;
using test::PutU64;
using test::SealGpt;
using test::WriteGptDisk;

constexpr std::size_t kTable = 1024;

std::string GoodDisk(std::size_t sector = 512) {
  return WriteGptDisk(
      {{.type = test::kEspTypeGuid, .name = "esp", .content = "e"},
       {.type = test::kRootTypeGuid,
        .id = "00112233-4455-6677-8899-aabbccddeeff",
        .name = "root",
        .content = std::string(3 * sector, 'r')}},
      sector);
}

std::optional<DiskReason> ReasonOf(const std::string& disk) {
  return DiskReasonOf(ReadGpt(DiskView::OfBytes(disk)).status());
}

TEST(GptTest, ReadsWhatPartitionsThereAre) {
  for (const std::size_t sector : {512u, 4096u}) {
    const std::string disk = GoodDisk(sector);
    const auto gpt = ReadGpt(DiskView::OfBytes(disk));
    ASSERT_TRUE(gpt.ok()) << gpt.status();
    EXPECT_EQ(gpt->sector_size, sector);
    ASSERT_EQ(gpt->partitions.size(), 2u);
    const GptPartition& root = gpt->partitions[1];
    EXPECT_EQ(root.number, 2);
    EXPECT_EQ(root.name, "root");
    EXPECT_EQ(GuidText(root.type), test::kRootTypeGuid);
    EXPECT_EQ(GuidText(root.id), "00112233-4455-6677-8899-aabbccddeeff");
    EXPECT_EQ(root.size, 3 * sector);
    EXPECT_EQ(disk.substr(root.offset, root.size),
              std::string(3 * sector, 'r'));
  }
}

TEST(GptTest, GuidsAreReadAsTheyAreWritten) {
  const std::string text = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
  const auto guid = ParseGuid(text);
  ASSERT_TRUE(guid.has_value());
  EXPECT_EQ((*guid)[0], 0x28);
  EXPECT_EQ((*guid)[15], 0x3b);
  EXPECT_EQ(GuidText(*guid), text);
  EXPECT_EQ(ParseGuid("C12A7328-F81F-11D2-BA4B-00A0C93EC93B"), guid);
  EXPECT_FALSE(ParseGuid("c12a7328f81f11d2ba4b00a0c93ec93b").has_value());
  EXPECT_FALSE(ParseGuid(text.substr(0, 35) + "g").has_value());
}

// Every byte of both headers and of the entries in use is under a checksum.
TEST(GptTest, AnyChangedByteOfATableIsRefused) {
  const std::string good = GoodDisk();
  const std::size_t backup = good.size() - 512;
  for (const std::size_t begin : {std::size_t{512}, backup, kTable}) {
    for (std::size_t i = 0; i < 92; ++i) {
      std::string disk = good;
      disk[begin + i] ^= 1;
      EXPECT_NE(ReasonOf(disk), std::nullopt) << begin << " + " << i;
    }
  }
}

struct Case {
  const char* what;
  DiskReason reason;
  // `backup` is where the backup header lies. The checksums are made anew
  // behind it.
  std::function<void(std::string& disk, std::size_t backup)> change;
};

TEST(GptTest, WhatIsWrongIsRefusedWithItsReason) {
  using D = std::string;
  using S = std::size_t;
  const Case cases[] = {
      {"no MBR", DiskReason::kGptInvalid,
       [](D& d, S) { test::PutU16(d, 510, 0); }},
      {"an MBR that protects nothing", DiskReason::kGptInvalid,
       [](D& d, S) { d.replace(446, 64, std::string(64, '\0')); }},
      {"a hybrid MBR", DiskReason::kGptAmbiguous,
       [](D& d, S) { d[446 + 16 + 4] = '\x83'; }},
      {"two protective partitions", DiskReason::kGptInvalid,
       [](D& d, S) { d.replace(462, 16, d.substr(446, 16)); }},
      {"no header", DiskReason::kGptMissing, [](D& d, S) { d[512] = 'e'; }},
      {"no backup", DiskReason::kGptMissing, [](D& d, S b) { d[b] = 'e'; }},
      {"another revision", DiskReason::kGptInvalid,
       [](D& d, S) { PutU32(d, 512 + 8, 0x00020000); }},
      {"a header of no size", DiskReason::kGptInvalid,
       [](D& d, S) { PutU32(d, 512 + 12, 0); }},
      {"a header larger than its sector", DiskReason::kGptInvalid,
       [](D& d, S) { PutU32(d, 512 + 12, 513); }},
      {"a reserved field", DiskReason::kGptInvalid,
       [](D& d, S) { PutU32(d, 512 + 20, 1); }},
      {"a header of another sector", DiskReason::kGptInvalid,
       [](D& d, S) { PutU64(d, 512 + 24, 2); }},
      {"a backup beyond the end", DiskReason::kDiskTruncated,
       [](D& d, S b) { PutU64(d, 512 + 32, b / 512 + 1); }},
      {"a backup far beyond the end", DiskReason::kDiskTruncated,
       [](D& d, S) { PutU64(d, 512 + 32, ~std::uint64_t{0}); }},
      {"a backup among the partitions", DiskReason::kDiskTruncated,
       [](D& d, S) { PutU64(d, 512 + 32, 34); }},
      {"no usable sectors", DiskReason::kGptInvalid,
       [](D& d, S) { PutU64(d, 512 + 48, 1); }},
      {"usable sectors beyond the end", DiskReason::kGptInvalid,
       [](D& d, S) { PutU64(d, 512 + 48, ~std::uint64_t{0}); }},
      {"a table over the header", DiskReason::kGptOverlap,
       [](D& d, S) { PutU64(d, 512 + 72, 1); }},
      {"a table over the partitions", DiskReason::kGptOverlap,
       [](D& d, S) { PutU64(d, 512 + 72, 3); }},
      {"a table beyond the end", DiskReason::kGptOverlap,
       [](D& d, S) { PutU64(d, 512 + 72, ~std::uint64_t{0}); }},
      {"no entries", DiskReason::kGptInvalid,
       [](D& d, S) { PutU32(d, 512 + 80, 0); }},
      {"4 billion entries", DiskReason::kGptLimit,
       [](D& d, S) { PutU32(d, 512 + 80, 0xffffffff); }},
      {"entries of no size", DiskReason::kGptInvalid,
       [](D& d, S) { PutU32(d, 512 + 84, 0); }},
      {"entries of an odd size", DiskReason::kGptInvalid,
       [](D& d, S) { PutU32(d, 512 + 84, 129); }},
      {"huge entries", DiskReason::kGptLimit,
       [](D& d, S) { PutU32(d, 512 + 84, 1 << 30); }},
      {"a backup with another disk's id", DiskReason::kGptAmbiguous,
       [](D& d, S b) { d[b + 56] ^= 1; }},
      {"a backup with other entries", DiskReason::kGptAmbiguous,
       [](D& d, S b) { d[b - 32 * 512 + 56] ^= 1; }},
  };
  for (const Case& wrong : cases) {
    std::string disk = GoodDisk();
    wrong.change(disk, disk.size() - 512);
    SealGpt(disk);
    EXPECT_EQ(ReasonOf(disk), wrong.reason)
        << wrong.what << ": " << ReadGpt(DiskView::OfBytes(disk)).status();
  }
}

// Changes an entry in both tables.
std::string WithEntries(
    const std::function<void(std::string& disk, std::size_t table)>& change) {
  std::string disk = GoodDisk();
  change(disk, kTable);
  change(disk, disk.size() - 33 * 512);
  SealGpt(disk);
  return disk;
}

TEST(GptTest, EntriesThatCannotBeAreRefused) {
  using D = std::string;
  using S = std::size_t;
  const struct {
    const char* what;
    DiskReason reason;
    std::function<void(D&, S)> change;
  } cases[] = {
      {"ends before it begins", DiskReason::kGptInvalid,
       [](D& d, S t) { PutU64(d, t + 40, 33); }},
      {"begins in the table", DiskReason::kGptInvalid,
       [](D& d, S t) { PutU64(d, t + 32, 2); }},
      {"ends behind the end", DiskReason::kGptInvalid,
       [](D& d, S t) { PutU64(d, t + 128 + 40, ~std::uint64_t{0}); }},
      {"lies over another", DiskReason::kGptOverlap,
       [](D& d, S t) { PutU64(d, t + 40, 35); }},
      {"lies in another", DiskReason::kGptOverlap,
       [](D& d, S t) {
         PutU64(d, t + 32, 36);
         PutU64(d, t + 40, 36);
       }},
      {"has no id", DiskReason::kGptInvalid,
       [](D& d, S t) { d.replace(t + 16, 16, std::string(16, '\0')); }},
      {"has another's id", DiskReason::kGptAmbiguous,
       [](D& d, S t) { d.replace(t + 16, 16, d.substr(t + 144, 16)); }},
      {"has half a character", DiskReason::kGptInvalid,
       [](D& d, S t) { test::PutU16(d, t + 56, 0xd800); }},
  };
  for (const auto& wrong : cases) {
    EXPECT_EQ(ReasonOf(WithEntries(wrong.change)), wrong.reason) << wrong.what;
  }
  EXPECT_EQ(ReasonOf(WithEntries([](D&, S) {})), std::nullopt);
}

TEST(GptTest, ACutOffDiskIsRefused) {
  const std::string disk = GoodDisk();
  for (std::size_t size = 0; size < disk.size(); size += 256) {
    EXPECT_NE(ReasonOf(disk.substr(0, size)), std::nullopt) << size;
  }
  EXPECT_EQ(ReasonOf(disk.substr(0, disk.size() - 512)),
            DiskReason::kDiskTruncated);
  EXPECT_EQ(ReasonOf(disk + "x"), DiskReason::kDiskTruncated);
}

TEST(GptTest, TwoSectorSizesAreAmbiguous) {
  std::string disk = GoodDisk();
  disk.replace(4096, 8, "EFI PART");
  SealGpt(disk);
  EXPECT_EQ(ReasonOf(disk), DiskReason::kGptAmbiguous);
}

TEST(GptTest, WhatCannotBeReadIsNotTruncated) {
  const DiskView broken(
      [](std::uint64_t, absl::Span<char>) {
        return DiskError(DiskReason::kDiskUnreadable, "an I/O error");
      },
      1 << 20);
  EXPECT_EQ(DiskReasonOf(ReadGpt(broken).status()),
            DiskReason::kDiskUnreadable);
}

}  // namespace
}  // namespace anchorage::verify
