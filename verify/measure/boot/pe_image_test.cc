#include "verify/measure/boot/pe_image.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "test/support/pe_writer.h"
#include "verify/measure/boot/measure_error.h"

namespace anchorage::verify {
namespace {

using test::CertificateEntryOffset;
using test::CheckSumOffset;
using test::EfiApplicationSpec;
using test::OptionalHeaderOffset;
using test::PeSpec;
using test::Put16;
using test::Put32;
using test::SectionHeaderOffset;
using test::SimpleAuthenticode;
using test::UkiSpec;
using test::WritePe;
using Hash = test::Hash;

std::string Sha384Of(std::string_view file) {
  const auto image = PeImage::Parse(file);
  return image.ok()
             ? std::string(image->Authenticode(HashAlgorithm::kSha384).view())
             : "";
}

TEST(PeImageTest, ReadsBothKinds) {
  for (const bool pe32_plus : {false, true}) {
    PeSpec spec = UkiSpec("252");
    spec.pe32_plus = pe32_plus;
    spec.machine = pe32_plus ? kMachineAmd64 : kMachineI386;
    const std::string file = WritePe(spec);
    const auto image = PeImage::Parse(file);
    ASSERT_TRUE(image.ok()) << image.status();
    EXPECT_EQ(image->is_pe32_plus(), pe32_plus);
    EXPECT_EQ(image->machine(), spec.machine);
    EXPECT_EQ(image->subsystem(), kSubsystemEfiApplication);
    ASSERT_EQ(image->sections().size(), spec.sections.size());
    for (std::size_t i = 0; i < spec.sections.size(); ++i) {
      EXPECT_EQ(image->sections()[i].name, spec.sections[i].name);
      EXPECT_EQ(image->sections()[i].content(), spec.sections[i].content);
    }
    EXPECT_EQ(image->uncovered_bytes(), 0u);
    EXPECT_EQ(image->Authenticode(HashAlgorithm::kSha256).view(),
              SimpleAuthenticode(Hash::kSha256, file, spec));
    EXPECT_EQ(image->Authenticode(HashAlgorithm::kSha384).view(),
              SimpleAuthenticode(Hash::kSha384, file, spec));
  }
}

// Where there are fewer than five data directories, none is left out.
TEST(PeImageTest, FewDirectories) {
  PeSpec spec = EfiApplicationSpec();
  spec.directories = 4;
  std::string file = WritePe(spec);
  const std::string before = Sha384Of(file);
  ASSERT_NE(before, "");
  file[SectionHeaderOffset(spec, 0)] ^= 1;
  EXPECT_NE(Sha384Of(file), before);
}

// What is not padded is hashed as it is, and the digest after signing is said.
TEST(PeImageTest, SigningChangesTheDigestOfAnOddLength) {
  PeSpec spec = EfiApplicationSpec();
  spec.trailing = "12345";
  const std::string file = WritePe(spec);
  const std::string padded = file + std::string(3, '\0');
  const auto image = PeImage::Parse(file);
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(image->Authenticode(HashAlgorithm::kSha384).view(),
            SimpleAuthenticode(Hash::kSha384, file, spec));
  ASSERT_TRUE(image->AuthenticodeOnceSigned(HashAlgorithm::kSha384));
  EXPECT_EQ(image->AuthenticodeOnceSigned(HashAlgorithm::kSha384)->view(),
            SimpleAuthenticode(Hash::kSha384, padded, spec));

  const std::string once_signed = test::SignPe(file, {"any"}, spec);
  const auto signed_image = PeImage::Parse(once_signed);
  ASSERT_TRUE(signed_image.ok()) << signed_image.status();
  EXPECT_EQ(signed_image->Authenticode(HashAlgorithm::kSha384).view(),
            SimpleAuthenticode(Hash::kSha384, padded, spec));
  EXPECT_FALSE(signed_image->AuthenticodeOnceSigned(HashAlgorithm::kSha384));
}

// The specification counts bytes and goes on from the count: bytes of a hole
// are left out, and as many at the end are hashed twice.
TEST(PeImageTest, HoleIsHashedByTheSpecification) {
  PeSpec spec = EfiApplicationSpec();
  spec.hole = 0x200;
  const std::string file = WritePe(spec);
  const auto image = PeImage::Parse(file);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->uncovered_bytes(), 0x200u);
  const std::size_t headers = file.size() - 3 * 0x200;
  const std::string without_hole = file.substr(0, headers) +
                                   file.substr(headers + 0x200) +
                                   file.substr(file.size() - 0x200);
  EXPECT_EQ(image->Authenticode(HashAlgorithm::kSha384).view(),
            SimpleAuthenticode(Hash::kSha384, without_hole, spec));
}

// Sections are hashed in the order of the file, whatever that of the table.
TEST(PeImageTest, SectionsAreHashedInTheOrderOfTheFile) {
  const PeSpec spec = EfiApplicationSpec();
  const std::string file = WritePe(spec);
  std::string swapped = file;
  const std::size_t first = SectionHeaderOffset(spec, 0);
  const std::size_t second = SectionHeaderOffset(spec, 1);
  swapped.replace(first, 40, file.substr(second, 40));
  swapped.replace(second, 40, file.substr(first, 40));
  EXPECT_EQ(Sha384Of(swapped),
            SimpleAuthenticode(Hash::kSha384, swapped, spec));
}

TEST(PeImageTest, CertificateTableIsNotHashed) {
  const PeSpec spec = EfiApplicationSpec();
  const std::string file = WritePe(spec);
  EXPECT_EQ(Sha384Of(test::SignPe(file, {"one", "two"})), Sha384Of(file));
}

// Each byte of an image is in the digest, but for CheckSum, the certificate
// table and its entry.
TEST(PeImageTest, EveryByteCounts) {
  PeSpec spec = UkiSpec("252");
  spec.file_alignment = 32;
  spec.trailing = "tail";
  const std::string file = test::SignPe(WritePe(spec), {"signature"}, spec);
  const std::size_t table = PeImage::Parse(file)->certificate_table().size();
  const std::string before = Sha384Of(file);
  ASSERT_NE(before, "");
  std::size_t changed = 0;
  std::size_t refused = 0;
  for (std::size_t at = 0; at < file.size(); ++at) {
    const std::size_t entry = CertificateEntryOffset(spec);
    const bool in_check_sum = at - CheckSumOffset() < 4;
    const bool in_entry = at - entry < 8;
    const bool in_table = at >= file.size() - table;
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = file;
      flipped[at] = static_cast<char>(flipped[at] ^ 1 << bit);
      const std::string after = Sha384Of(flipped);
      if (in_entry) {
        EXPECT_EQ(after, "") << at;
      } else if (in_check_sum || in_table) {
        EXPECT_EQ(after, before) << at;
      } else {
        EXPECT_NE(after, before) << at;
        ++(after.empty() ? refused : changed);
      }
    }
  }
  EXPECT_GT(changed, 8000u);
  EXPECT_GT(refused, 200u);
}

TEST(PeImageTest, EveryTruncationIsRefused) {
  PeSpec spec = UkiSpec("252");
  spec.file_alignment = 32;
  const std::string unsigned_file = WritePe(spec);
  const std::string file = test::SignPe(unsigned_file, {"signature"}, spec);
  for (std::size_t size = 0; size < file.size(); ++size) {
    const auto image = PeImage::Parse(std::string_view(file).substr(0, size));
    ASSERT_FALSE(image.ok()) << size;
    EXPECT_TRUE(MeasureReasonOf(image.status()).has_value());
  }
  for (std::size_t size = 0; size < unsigned_file.size(); ++size) {
    EXPECT_FALSE(
        PeImage::Parse(std::string_view(unsigned_file).substr(0, size)).ok())
        << size;
  }
}

struct BadCase {
  const char* name;
  std::function<void(PeSpec&)> edit_spec;
  std::function<void(std::string&, const PeSpec&)> edit_file;
  MeasureReason reason;
};

TEST(PeImageTest, BadInput) {
  const auto none = [](PeSpec&) {};
  const auto optional = [](std::size_t at, std::uint32_t value) {
    return [=](std::string& file, const PeSpec&) {
      Put32(file, OptionalHeaderOffset() + at, value);
    };
  };
  const auto section = [](std::size_t at, std::uint32_t value) {
    return [=](std::string& file, const PeSpec& spec) {
      Put32(file, SectionHeaderOffset(spec, 1) + at, value);
    };
  };
  const auto certificate = [](std::uint32_t at, std::uint32_t size) {
    return [=](std::string& file, const PeSpec& spec) {
      Put32(file, CertificateEntryOffset(spec), at);
      Put32(file, CertificateEntryOffset(spec) + 4, size);
    };
  };
  const std::vector<BadCase> cases = {
      {"no MZ", none, [](std::string& f, const PeSpec&) { f[0] = 'm'; },
       MeasureReason::kNotPe},
      {"empty", none, [](std::string& f, const PeSpec&) { f.clear(); },
       MeasureReason::kNotPe},
      {"no PE", none, [](std::string& f, const PeSpec&) { f[64] = 'p'; },
       MeasureReason::kNotPe},
      {"PE header in the DOS header", none,
       [](std::string& f, const PeSpec&) { Put32(f, 0x3c, 60); },
       MeasureReason::kPeHeaderInvalid},
      {"PE header behind the end", none,
       [](std::string& f, const PeSpec&) { Put32(f, 0x3c, 0xfffffff0); },
       MeasureReason::kPeTruncated},
      {"neither PE32 nor PE32+", none,
       [](std::string& f, const PeSpec&) {
         Put16(f, OptionalHeaderOffset(), 0x107);
       },
       MeasureReason::kNotPe},
      {"no optional header", none,
       [](std::string& f, const PeSpec&) { Put16(f, 64 + 20, 0); },
       MeasureReason::kPeHeaderInvalid},
      {"optional header of another length", none,
       [](std::string& f, const PeSpec&) { Put16(f, 64 + 20, 248); },
       MeasureReason::kPeHeaderInvalid},
      {"17 directories", [](PeSpec& s) { s.directories = 17; },
       [](std::string&, const PeSpec&) {}, MeasureReason::kPeHeaderInvalid},
      {"huge number of directories", none, optional(108, 0xffffffff),
       MeasureReason::kPeHeaderInvalid},
      {"headers of size 0", none, optional(60, 0),
       MeasureReason::kPeHeaderInvalid},
      {"headers that end in the section table", none, optional(60, 400),
       MeasureReason::kPeHeaderInvalid},
      {"huge headers", none, optional(60, 0xffffffff),
       MeasureReason::kPeTruncated},
      {"image of size 0", none, optional(56, 0),
       MeasureReason::kPeHeaderInvalid},
      {"no sections", none,
       [](std::string& f, const PeSpec&) { Put16(f, 64 + 6, 0); },
       MeasureReason::kPeSectionCount},
      {"97 sections", none,
       [](std::string& f, const PeSpec&) { Put16(f, 64 + 6, 97); },
       MeasureReason::kPeSectionCount},
      {"65,535 sections", none,
       [](std::string& f, const PeSpec&) { Put16(f, 64 + 6, 0xffff); },
       MeasureReason::kPeSectionCount},
      {"section table behind the headers", none,
       [](std::string& f, const PeSpec&) { Put16(f, 64 + 6, 10); },
       MeasureReason::kPeHeaderInvalid},
      {"section behind the end", none, section(20, 0x10000),
       MeasureReason::kPeTruncated},
      {"huge section", none, section(16, 0xffffffff),
       MeasureReason::kPeTruncated},
      {"section in the headers", none, section(20, 0x1ff),
       MeasureReason::kPeOverlap},
      {"section at 0", none, section(20, 0), MeasureReason::kPeOverlap},
      {"section over the headers in memory", none, section(12, 0x100),
       MeasureReason::kPeOverlap},
      {"section of zeros over the headers in memory", none,
       [](std::string& f, const PeSpec& s) {
         Put32(f, SectionHeaderOffset(s, 1) + 12, 0x100);
         Put32(f, SectionHeaderOffset(s, 1) + 16, 0);
       },
       MeasureReason::kPeOverlap},
      {"sections overlap in the file", none, section(20, 0x3ff),
       MeasureReason::kPeOverlap},
      {"sections overlap in memory", none, section(12, 0x1001),
       MeasureReason::kPeOverlap},
      {"section is huge in memory", none, section(8, 0xffffffff),
       MeasureReason::kPeHeaderInvalid},
      {"section behind the end of memory", none, section(12, 0xfffffff0),
       MeasureReason::kPeHeaderInvalid},
      {"something behind a section's name", none,
       [](std::string& f, const PeSpec& s) {
         f[SectionHeaderOffset(s, 0) + 7] = 'x';
       },
       MeasureReason::kPeHeaderInvalid},
      {"two .linux",
       [](PeSpec& s) {
         s = UkiSpec("252");
         s.sections.push_back({".linux", "another"});
       },
       [](std::string&, const PeSpec&) {}, MeasureReason::kPeSectionTwice},
      {"certificate table behind the end", none, certificate(0x800, 8),
       MeasureReason::kPeTruncated},
      {"huge certificate table", none, certificate(0x600, 0xffffffff),
       MeasureReason::kPeTruncated},
      {"certificate table before the end", none, certificate(0x400, 0x100),
       MeasureReason::kPeCertificateTablePlace},
      {"certificate table over a section", none, certificate(0x5f8, 8),
       MeasureReason::kPeCertificateTablePlace},
      {"certificate table over the headers", none, certificate(0, 0x600),
       MeasureReason::kPeCertificateTablePlace},
  };
  for (const BadCase& bad : cases) {
    SCOPED_TRACE(bad.name);
    PeSpec spec = EfiApplicationSpec();
    bad.edit_spec(spec);
    std::string file = WritePe(spec);
    bad.edit_file(file, spec);
    EXPECT_EQ(MeasureReasonOf(PeImage::Parse(file).status()), bad.reason)
        << PeImage::Parse(file).status();
  }
}

// The unused tail of a section is no part of what it says.
TEST(PeImageTest, ContentIsTheSmallerOfTwoSizes) {
  PeSpec spec = EfiApplicationSpec();
  spec.sections[0].virtual_size = 50;
  spec.sections[1].virtual_size = 0x1000;
  const std::string file = WritePe(spec);
  const auto image = PeImage::Parse(file);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->sections()[0].content().size(), 50u);
  EXPECT_EQ(image->sections()[1].content().size(), 0x200u);
}

TEST(PeImageTest, SectionWithoutBytes) {
  PeSpec spec = EfiApplicationSpec();
  spec.sections.push_back({".bss", "", 0x5000});
  const std::string file = WritePe(spec);
  const auto image = PeImage::Parse(file);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->Find(".bss")->content(), "");
  EXPECT_EQ(image->Authenticode(HashAlgorithm::kSha384).view(),
            SimpleAuthenticode(Hash::kSha384, file, spec));
}

}  // namespace
}  // namespace anchorage::verify
