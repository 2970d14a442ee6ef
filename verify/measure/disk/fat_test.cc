#include "verify/measure/disk/fat.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "test/support/disk_writer.h"
#include "verify/measure/disk/disk_error.h"

namespace anchorage::verify {
namespace {

using test::FatOptions;
using test::FatWriter;

constexpr char kBoot[] = "EFI/BOOT/BOOTX64.EFI";
constexpr char kLong[] = "loader/entries/a long name of more parts.conf";

FatWriter GoodWriter(FatOptions options = {}) {
  FatWriter fat(options);
  fat.Add(kBoot, std::string(3000, 'b'));
  fat.Add(kLong, "title");
  fat.Add("EMPTY", "");
  return fat;
}

std::optional<DiskReason> ReasonOf(const std::string& volume) {
  return DiskReasonOf(FatVolume::Open(DiskView::OfBytes(volume)).status());
}

const FatEntry* Find(const FatVolume& fat, std::string_view path) {
  for (const FatEntry& entry : fat.entries()) {
    if (FatFold(entry.path) == FatFold(path)) return &entry;
  }
  return nullptr;
}

TEST(FatTest, ReadsFilesOfEachWidth) {
  for (const int bits : {12, 16, 32}) {
    for (const std::uint32_t cluster : {1u, 8u}) {
      for (const std::uint32_t sector : {512u, 4096u}) {
        FatWriter writer = GoodWriter(
            {.bits = bits, .cluster_sectors = cluster, .sector = sector});
        const std::string volume = writer.Write();
        const auto fat = FatVolume::Open(DiskView::OfBytes(volume));
        ASSERT_TRUE(fat.ok()) << bits << ": " << fat.status();
        EXPECT_EQ(fat->bits(), bits);
        EXPECT_EQ(fat->entries().size(), 7u);
        const FatEntry* const boot = Find(*fat, "efi/boot/bootx64.efi");
        ASSERT_NE(boot, nullptr);
        EXPECT_EQ(boot->path, kBoot);
        EXPECT_EQ(*fat->ReadFile(*boot, 3000), std::string(3000, 'b'));
        ASSERT_NE(Find(*fat, kLong), nullptr);
        EXPECT_EQ(*fat->ReadFile(*Find(*fat, kLong), 100), "title");
        ASSERT_NE(Find(*fat, "empty"), nullptr);
        EXPECT_EQ(*fat->ReadFile(*Find(*fat, "empty"), 0), "");
        EXPECT_EQ(Find(*fat, "EFI/BOOT/BOOTAA64.EFI"), nullptr);
      }
    }
  }
}

TEST(FatTest, AFileThatIsTooLargeOrAFolderIsNotRead) {
  FatWriter writer = GoodWriter();
  const std::string volume = writer.Write();
  const auto fat = FatVolume::Open(DiskView::OfBytes(volume));
  ASSERT_TRUE(fat.ok());
  EXPECT_EQ(DiskReasonOf(fat->ReadFile(*Find(*fat, kBoot), 2999).status()),
            DiskReason::kFatLimit);
  EXPECT_EQ(DiskReasonOf(fat->ReadFile(*Find(*fat, "EFI"), 9999).status()),
            DiskReason::kFatNotFound);
}

TEST(FatTest, NamesAreComparedAsFirmwareDoes) {
  EXPECT_EQ(FatFold("BootX64.efi"), "BOOTX64.EFI");
  // U+00E9 and U+00C9; the sign of division has no case, and no character of
  // more than a byte of Latin-1 becomes an ASCII letter.
  EXPECT_EQ(FatFold("\xc3\xa9"), "\xc3\x89");
  EXPECT_EQ(FatFold("\xc3\xb7"), "\xc3\xb7");
  EXPECT_EQ(FatFold("\xc5\xbf"), "\xc5\xbf");
}

TEST(FatTest, TwoFilesOfOneNameAreRefused) {
  for (const char* name :
       {kBoot, "EFI/BOOT/bootx64.efi", "EFI/BOOT/BootX64.EFI"}) {
    FatWriter writer = GoodWriter();
    writer.Add(name, "another");
    EXPECT_EQ(ReasonOf(writer.Write()), DiskReason::kFatAmbiguous) << name;
  }
  // A long name that is the short name of another: "a long ..." is N1~1 there.
  FatWriter writer = GoodWriter();
  writer.Add("loader/entries/n1~1", "another");
  EXPECT_EQ(ReasonOf(writer.Write()), DiskReason::kFatAmbiguous);
}

struct Case {
  const char* what;
  DiskReason reason;
  std::function<void(std::string& volume, const FatWriter& fat)> change;
};

void Check(const Case& wrong, FatOptions options = {}) {
  FatWriter writer = GoodWriter(options);
  std::string volume = writer.Write();
  wrong.change(volume, writer);
  EXPECT_EQ(ReasonOf(volume), wrong.reason)
      << wrong.what << ": "
      << FatVolume::Open(DiskView::OfBytes(volume)).status();
}

using V = std::string;
using W = FatWriter;

TEST(FatTest, ABootSectorThatCannotBeIsRefused) {
  const Case cases[] = {
      {"no signature", DiskReason::kFatInvalid,
       [](V& v, const W&) { test::PutU16(v, 510, 0); }},
      {"no jump", DiskReason::kFatInvalid, [](V& v, const W&) { v[0] = 0; }},
      {"sectors of 0 bytes", DiskReason::kFatInvalid,
       [](V& v, const W&) { test::PutU16(v, 11, 0); }},
      {"sectors of 513 bytes", DiskReason::kFatInvalid,
       [](V& v, const W&) { test::PutU16(v, 11, 513); }},
      {"sectors of 8192 bytes", DiskReason::kFatInvalid,
       [](V& v, const W&) { test::PutU16(v, 11, 8192); }},
      {"clusters of no sectors", DiskReason::kFatInvalid,
       [](V& v, const W&) { v[13] = 0; }},
      {"clusters of 3 sectors", DiskReason::kFatInvalid,
       [](V& v, const W&) { v[13] = 3; }},
      {"nothing before the table", DiskReason::kFatInvalid,
       [](V& v, const W&) { test::PutU16(v, 14, 0); }},
      {"no table", DiskReason::kFatInvalid, [](V& v, const W&) { v[16] = 0; }},
      {"three tables", DiskReason::kFatInvalid,
       [](V& v, const W&) { v[16] = 3; }},
      {"another medium", DiskReason::kFatInvalid,
       [](V& v, const W&) { v[21] = 1; }},
      {"two sizes", DiskReason::kFatInvalid,
       [](V& v, const W&) { test::PutU16(v, 19, 100); }},
      {"no size", DiskReason::kFatInvalid,
       [](V& v, const W&) { test::PutU32(v, 32, 0); }},
      {"a table of no sectors", DiskReason::kFatInvalid,
       [](V& v, const W&) { test::PutU32(v, 36, 0); }},
      {"a table of all sectors", DiskReason::kFatInvalid,
       [](V& v, const W&) { test::PutU32(v, 36, 0xffffffff); }},
      {"a table that is too short", DiskReason::kFatInvalid,
       [](V& v, const W&) { test::PutU32(v, 36, 1); }},
      {"a root folder of FAT16 in FAT32", DiskReason::kFatInvalid,
       [](V& v, const W&) { test::PutU16(v, 17, 512); }},
      {"another version", DiskReason::kFatAmbiguous,
       [](V& v, const W&) { test::PutU16(v, 42, 1); }},
      {"one table that counts", DiskReason::kFatAmbiguous,
       [](V& v, const W&) { test::PutU16(v, 40, 0x80); }},
      {"no root folder", DiskReason::kFatInvalid,
       [](V& v, const W&) { test::PutU32(v, 44, 0); }},
      {"a root folder that is not there", DiskReason::kFatInvalid,
       [](V& v, const W&) { test::PutU32(v, 44, 5000); }},
      {"more sectors than the partition", DiskReason::kDiskTruncated,
       [](V& v, const W&) { test::PutU32(v, 32, 0xffffffff); }},
  };
  for (const Case& wrong : cases) Check(wrong);
  Check({"too many clusters for FAT16", DiskReason::kFatInvalid,
         [](V& v, const W&) {
           test::PutU32(v, 32, 0x20000);
           v.resize(0x20000 * 512);
         }},
        {.bits = 16});
}

TEST(FatTest, AHugeTableIsRefusedBeforeItIsRead) {
  std::string sector = GoodWriter().Write().substr(0, 512);
  sector[13] = 32;
  test::PutU32(sector, 32, 0xfffffff0);
  test::PutU32(sector, 36, 0x200000);
  const DiskView view(
      [&](std::uint64_t offset, absl::Span<char> into) {
        EXPECT_EQ(offset, 0u);
        sector.copy(into.data(), into.size());
        return absl::OkStatus();
      },
      std::uint64_t{1} << 42);
  EXPECT_EQ(DiskReasonOf(FatVolume::Open(view).status()),
            DiskReason::kFatLimit);
}

TEST(FatTest, ChainsThatAreNoneAreRefusedInEachWidth) {
  const Case cases[] = {
      {"a file in a loop", DiskReason::kFatChain,
       [](V& v, const W& w) {
         const auto first = w.cluster_of(kBoot);
         w.SetNext(v, first + 1, first);
       }},
      {"a folder in a loop", DiskReason::kFatChain,
       [](V& v, const W& w) {
         const auto first = w.cluster_of("EFI");
         w.SetNext(v, first, first);
       }},
      {"a file that shares a cluster", DiskReason::kFatChain,
       [](V& v, const W& w) {
         test::PutU16(v, w.entry_at(kLong) + 26,
                      static_cast<std::uint16_t>(w.cluster_of(kBoot) + 5));
       }},
      {"a chain that is too long", DiskReason::kFatChain,
       [](V& v, const W& w) { test::PutU32(v, w.entry_at(kBoot) + 28, 100); }},
      {"a chain that is too short", DiskReason::kFatChain,
       [](V& v, const W& w) {
         w.SetNext(v, w.cluster_of(kBoot) + 1, 0x0fffffff);
       }},
      {"a chain with a free cluster", DiskReason::kFatChain,
       [](V& v, const W& w) { w.SetNext(v, w.cluster_of(kBoot), 0); }},
      {"a chain with a bad cluster", DiskReason::kFatChain,
       [](V& v, const W& w) { w.SetNext(v, w.cluster_of(kBoot), 0x0ffffff7); }},
      {"a file that begins before the files", DiskReason::kFatChain,
       [](V& v, const W& w) { test::PutU16(v, w.entry_at(kBoot) + 26, 1); }},
      {"a file that begins beyond the end", DiskReason::kFatChain,
       [](V& v, const W& w) {
         test::PutU16(v, w.entry_at(kBoot) + 26, 0xfff0);
       }},
      {"a file without clusters", DiskReason::kFatChain,
       [](V& v, const W& w) { test::PutU16(v, w.entry_at(kBoot) + 26, 0); }},
      {"clusters without a file", DiskReason::kFatChain,
       [](V& v, const W& w) { test::PutU32(v, w.entry_at(kBoot) + 28, 0); }},
      {"4 GiB in six clusters", DiskReason::kFatChain,
       [](V& v, const W& w) {
         test::PutU32(v, w.entry_at(kBoot) + 28, 0xffffffff);
       }},
      {"copies that differ", DiskReason::kFatAmbiguous,
       [](V& v, const W& w) { v[w.table_at() + 40] ^= 1; }},
  };
  for (const int bits : {12, 16, 32}) {
    for (const Case& wrong : cases) Check(wrong, {.bits = bits});
  }
}

TEST(FatTest, FoldersThatAreNoneAreRefused) {
  const Case cases[] = {
      {"a file as a folder", DiskReason::kFatInvalid,
       [](V& v, const W& w) {
         v[w.entry_at(kBoot) + 11] = 0x10;
         test::PutU32(v, w.entry_at(kBoot) + 28, 0);
       }},
      {"a folder with a size", DiskReason::kFatInvalid,
       [](V& v, const W& w) { test::PutU32(v, w.entry_at("EFI") + 28, 512); }},
      {"a folder as a file", DiskReason::kFatChain,
       [](V& v, const W& w) { v[w.entry_at("EFI") + 11] = 0x20; }},
      {"a folder without clusters", DiskReason::kFatInvalid,
       [](V& v, const W& w) { test::PutU16(v, w.entry_at("EFI") + 26, 0); }},
      {"a folder in itself", DiskReason::kFatChain,
       [](V& v, const W& w) {
         test::PutU16(v, w.entry_at("EFI/BOOT") + 26,
                      static_cast<std::uint16_t>(w.cluster_of("EFI")));
       }},
      {"no . and ..", DiskReason::kFatInvalid,
       [](V& v, const W& w) { v[w.cluster_at(w.cluster_of("EFI"))] = 'A'; }},
      {"an empty folder without . and ..", DiskReason::kFatInvalid,
       [](V& v, const W& w) { v[w.cluster_at(w.cluster_of("EFI"))] = 0; }},
      {". is another", DiskReason::kFatInvalid,
       [](V& v, const W& w) {
         v[w.cluster_at(w.cluster_of("EFI")) + 26] ^= 1;
       }},
      {".. is another", DiskReason::kFatInvalid,
       [](V& v, const W& w) {
         v[w.cluster_at(w.cluster_of("EFI/BOOT")) + 32 + 26] ^= 1;
       }},
      {"entries behind the end", DiskReason::kFatAmbiguous,
       [](V& v, const W& w) {
         // Two entries of zeros are left free.
         v.replace(w.entry_at(kBoot) + 64, 11, "HIDDEN  EFI");
       }},
      {"a label in a folder", DiskReason::kFatInvalid,
       [](V& v, const W& w) { v[w.entry_at(kBoot) + 11] = 0x08; }},
  };
  for (const Case& wrong : cases) Check(wrong);
}

TEST(FatTest, NamesThatDoNotFitAreRefused) {
  // The parts of the long name stand before its entry, the first one last.
  const auto part = [](const W& w, int number) {
    return w.entry_at(kLong) - 32 * static_cast<std::size_t>(number);
  };
  const Case cases[] = {
      {"another sum", DiskReason::kFatName,
       [&](V& v, const W& w) { v[part(w, 1) + 13] ^= 1; }},
      {"another short name behind it", DiskReason::kFatName,
       [](V& v, const W& w) { v[w.entry_at(kLong)] = 'X'; }},
      {"a part that is missing", DiskReason::kFatName,
       [&](V& v, const W& w) { v[part(w, 1)] = '\xe5'; }},
      {"a part twice", DiskReason::kFatName,
       [&](V& v, const W& w) { v[part(w, 1)] = 2; }},
      {"no last part", DiskReason::kFatName,
       [&](V& v, const W& w) { v[part(w, 3)] = 3; }},
      {"part 0", DiskReason::kFatName,
       [&](V& v, const W& w) { v[part(w, 1)] = 0x40; }},
      {"a cluster in a name", DiskReason::kFatName,
       [&](V& v, const W& w) { v[part(w, 1) + 26] = 1; }},
      {"a name without a file", DiskReason::kFatName,
       [](V& v, const W& w) { v[w.entry_at(kLong)] = '\xe5'; }},
      {"a name at the end", DiskReason::kFatName,
       [](V& v, const W& w) { v[w.entry_at(kLong)] = 0; }},
      {"a slash in a name", DiskReason::kFatName,
       [&](V& v, const W& w) { v[part(w, 1) + 1] = '/'; }},
      {"a control character", DiskReason::kFatName,
       [&](V& v, const W& w) { v[part(w, 1) + 1] = '\n'; }},
      {"an end in the middle", DiskReason::kFatName,
       [&](V& v, const W& w) { v[part(w, 1) + 1] = 0; }},
      {"half a character", DiskReason::kFatName,
       [&](V& v, const W& w) { test::PutU16(v, part(w, 1) + 1, 0xdc00); }},
      {"a small letter in a short name", DiskReason::kFatName,
       [](V& v, const W& w) { v[w.entry_at(kBoot)] = 'b'; }},
      {"a short name of another code page", DiskReason::kFatName,
       [](V& v, const W& w) { v[w.entry_at(kBoot)] = '\x90'; }},
      {"a short name of spaces", DiskReason::kFatName,
       [](V& v, const W& w) {
         v.replace(w.entry_at("EMPTY"), 11, std::string(11, ' '));
       }},
  };
  for (const Case& wrong : cases) Check(wrong);
}

// Otherwise firmware would start what is listed under another name.
TEST(FatTest, AShortNameOfItsOwnIsRefused) {
  FatWriter writer({});
  writer.Add("EFI/BOOT/harmless file.txt", "x");
  std::string volume = writer.Write();
  const std::size_t entry = writer.entry_at("EFI/BOOT/harmless file.txt");
  volume.replace(entry, 11, "BOOTX64 EFI");
  unsigned sum = 0;
  for (const char byte : std::string("BOOTX64 EFI")) {
    sum = (((sum & 1) << 7) + (sum >> 1) + static_cast<unsigned char>(byte)) &
          0xff;
  }
  for (const std::size_t part : {32, 64}) {
    volume[entry - part + 13] = static_cast<char>(sum);
  }
  EXPECT_EQ(ReasonOf(volume), DiskReason::kFatAmbiguous);
}

TEST(FatTest, SmallLettersOfAShortNameAreShown) {
  FatWriter writer = GoodWriter();
  std::string volume = writer.Write();
  volume[writer.entry_at(kBoot) + 12] = 0x18;
  const auto fat = FatVolume::Open(DiskView::OfBytes(volume));
  ASSERT_TRUE(fat.ok());
  ASSERT_NE(Find(*fat, kBoot), nullptr);
  EXPECT_EQ(Find(*fat, kBoot)->path, "EFI/BOOT/bootx64.efi");
}

TEST(FatTest, FoldersThatAreTooDeepAreRefused) {
  std::string path = "A";
  for (int i = 0; i < 15; ++i) path += "/A";
  FatWriter writer({});
  writer.AddFolder(path);
  EXPECT_EQ(ReasonOf(writer.Write()), std::nullopt);
  FatWriter deeper({});
  deeper.AddFolder(path + "/A");
  EXPECT_EQ(ReasonOf(deeper.Write()), DiskReason::kFatLimit);
}

TEST(FatTest, TooManyFilesAreRefused) {
  FatWriter writer({.clusters = 4096});
  for (int i = 0; i <= 16 * 1024; ++i) {
    writer.Add("F" + std::to_string(i), "");
  }
  EXPECT_EQ(ReasonOf(writer.Write()), DiskReason::kFatLimit);
}

TEST(FatTest, ACutOffVolumeIsRefused) {
  const std::string volume = GoodWriter().Write();
  for (std::size_t size = 0; size < volume.size(); size += 1024) {
    EXPECT_EQ(ReasonOf(volume.substr(0, size)), DiskReason::kDiskTruncated);
  }
}

}  // namespace
}  // namespace anchorage::verify
