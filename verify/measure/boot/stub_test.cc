#include "verify/measure/boot/stub.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/support/pe_writer.h"
#include "verify/measure/boot/measure_error.h"

namespace anchorage::verify {
namespace {

using test::PeSpec;
using test::UkiSpec;
using test::WritePe;

absl::StatusOr<StubRule> Rule(const PeSpec& spec, bool secure_boot,
                              bool through_shim = false) {
  const std::string file = WritePe(spec);
  auto rule = RuleFor(*PeImage::Parse(file), secure_boot, through_shim);
  // A view into `file`.
  if (rule.ok()) rule->version = "";
  return rule;
}

std::string NamesOf(const PeSpec& spec) {
  const std::string file = WritePe(spec);
  const auto sections = MeasuredSections(*PeImage::Parse(file));
  if (!sections.ok())
    return std::string(NameOf(*MeasureReasonOf(sections.status())));
  std::string names;
  for (const PeSection& section : *sections) names += section.name;
  return names;
}

TEST(StubTest, Table) {
  struct Row {
    const char* version;
    bool secure_boot;
    bool through_shim;
    // Empty where nothing is known.
    std::string_view rule;
    bool measures_kernel;
  };
  for (const Row& row : std::vector<Row>{
           {"1", false, false, "", false},
           {"251", false, false, "", false},
           {"251", true, false, "", false},
           {"252", false, false, "systemd-stub-252", true},
           {"252", true, false, "systemd-stub-252-secure-boot", false},
           {"252.22-1~deb12u1", false, false, "systemd-stub-252", true},
           {"257.9", false, false, "systemd-stub-252", true},
           {"257.9", true, false, "systemd-stub-252-secure-boot", false},
           {"257", true, true, "systemd-stub-252-secure-boot", false},
           {"257", false, true, "systemd-stub-252", true},
           {"258~rc1", false, false, "systemd-stub-258", false},
           {"258", true, false, "systemd-stub-258", false},
           {"v260.1", true, false, "systemd-stub-258", false},
           {"258", true, true, "", false},
           {"258", false, true, "", false},
           {"4294967295", false, false, "systemd-stub-258", false},
       }) {
    SCOPED_TRACE(row.version);
    const auto rule =
        Rule(UkiSpec(row.version), row.secure_boot, row.through_shim);
    if (row.rule.empty()) {
      EXPECT_EQ(MeasureReasonOf(rule.status()),
                MeasureReason::kStubVersionUnknown);
      continue;
    }
    ASSERT_TRUE(rule.ok()) << rule.status();
    EXPECT_EQ(rule->name, row.rule);
    EXPECT_EQ(rule->measures_kernel, row.measures_kernel);
    EXPECT_TRUE(rule->sentence.ends_with("."));
  }
}

TEST(StubTest, VersionIsSaid) {
  const std::string file = WritePe(UkiSpec("252.22-1~deb12u1"));
  EXPECT_EQ(RuleFor(*PeImage::Parse(file), false, false)->version,
            "252.22-1~deb12u1");
}

TEST(StubTest, MagicIsNeeded) {
  for (const char* magic :
       {"", "####", "#### LoaderInfo: systemd-boot 252 ####",
        "#### LoaderInfo: systemd-stub  ####",
        "#### LoaderInfo: systemd-stub ####",
        "#### LoaderInfo: systemd-stub none ####",
        "#### LoaderInfo: systemd-stub 4294967296 ####",
        "#### LoaderInfo: systemd-stub 252"}) {
    SCOPED_TRACE(magic);
    PeSpec spec = UkiSpec("252");
    spec.Section(".sdmagic").content = magic;
    EXPECT_EQ(MeasureReasonOf(Rule(spec, false).status()),
              MeasureReason::kStubVersionMissing);
    EXPECT_EQ(NamesOf(spec), "STUB_VERSION_MISSING");
  }
  PeSpec spec = UkiSpec("252");
  spec.Remove(".sdmagic");
  EXPECT_EQ(MeasureReasonOf(Rule(spec, false).status()),
            MeasureReason::kStubVersionMissing);
}

TEST(StubTest, TwoMagics) {
  PeSpec spec = UkiSpec("252");
  spec.sections.push_back(UkiSpec("258").Section(".sdmagic"));
  EXPECT_EQ(MeasureReasonOf(Rule(spec, false).status()),
            MeasureReason::kPeSectionTwice);
}

TEST(StubTest, AmazonLinux2023) {
  PeSpec spec = UkiSpec("252");
  spec.machine = kMachineArm64;
  spec.Remove(".sdmagic");
  spec.Section(".osrel").content =
      "NAME=\"Amazon Linux\"\nVERSION=\"2023\"\nID=\"amzn\"\n";
  EXPECT_EQ(Rule(spec, false)->name, "al2023-arm64");
  EXPECT_TRUE(Rule(spec, false)->measures_kernel);
  EXPECT_EQ(Rule(spec, true)->name, "al2023-arm64-secure-boot");
  EXPECT_FALSE(Rule(spec, true)->measures_kernel);
  EXPECT_EQ(NamesOf(spec), ".linux.osrel.cmdline.initrd");

  for (const char* other :
       {"", "NAME=\"Amazon Linux\"\n", "VERSION=\"2023\"\n",
        "NAME=\"Amazon Linux\"\nVERSION=\"2023.1\"\n",
        "PRETTY_NAME=\"Amazon Linux\"\nVERSION=\"2023\"\n"}) {
    SCOPED_TRACE(other);
    PeSpec wrong = spec;
    wrong.Section(".osrel").content = other;
    EXPECT_EQ(MeasureReasonOf(Rule(wrong, false).status()),
              MeasureReason::kStubVersionMissing);
  }
  spec.machine = kMachineAmd64;
  EXPECT_EQ(MeasureReasonOf(Rule(spec, false).status()),
            MeasureReason::kStubVersionMissing);
}

// Whatever the order in the file, and only what the version knows.
TEST(StubTest, MeasuredSections) {
  const auto spec_of = [](std::string_view version) {
    PeSpec spec = UkiSpec(version);
    for (const char* name : {".pcrpkey", ".pcrsig", ".sbat", ".uname", ".dtb",
                             ".splash", ".ucode", ".hwids", ".other"}) {
      spec.sections.push_back({name, "x"});
    }
    return spec;
  };
  EXPECT_EQ(NamesOf(UkiSpec("252")), ".linux.osrel.cmdline.initrd");
  EXPECT_EQ(NamesOf(spec_of("253")),
            ".linux.osrel.cmdline.initrd.splash.dtb.pcrpkey");
  EXPECT_EQ(NamesOf(spec_of("254")),
            ".linux.osrel.cmdline.initrd.splash.dtb.uname.sbat.pcrpkey");
  EXPECT_EQ(NamesOf(spec_of("256")),
            ".linux.osrel.cmdline.initrd.ucode.splash.dtb.uname.sbat.pcrpkey");
  EXPECT_EQ(NamesOf(spec_of("258")),
            ".linux.osrel.cmdline.initrd.ucode.splash.dtb.uname.sbat.pcrpkey"
            ".hwids");
}

TEST(StubTest, EarlyStubsReadTheBeginningOfAName) {
  const auto with = [](std::string_view version, const char* name) {
    PeSpec spec = UkiSpec(version);
    spec.sections.push_back({name, "x"});
    return NamesOf(spec);
  };
  for (const char* name : {".linuxZ", ".initrdZ", ".osrel2", ".dtbauto"}) {
    EXPECT_EQ(with("252", name), "PE_SECTION_TWICE") << name;
    EXPECT_EQ(with("255.4", name), "PE_SECTION_TWICE") << name;
    EXPECT_EQ(with("256", name), ".linux.osrel.cmdline.initrd") << name;
  }
  // Not before it was known.
  EXPECT_EQ(with("252", ".ucodeZ"), ".linux.osrel.cmdline.initrd");
}

TEST(StubTest, SectionsThatCannotBeForetold) {
  PeSpec spec = UkiSpec("257");
  spec.sections.push_back({".profile", "ID=a"});
  EXPECT_EQ(NamesOf(spec), "PROFILE_CHOSEN_AT_BOOT");
  spec.Section(".sdmagic") = UkiSpec("256").Section(".sdmagic");
  EXPECT_EQ(NamesOf(spec), ".linux.osrel.cmdline.initrd");

  spec = UkiSpec("252");
  spec.sections.push_back({".cmdline", "another"});
  EXPECT_EQ(NamesOf(spec), "PE_SECTION_TWICE");

  spec = UkiSpec("252");
  spec.Section(".initrd").virtual_size = 0x201;
  EXPECT_EQ(NamesOf(spec), "PE_SECTION_ZERO_FILLED");
  spec.Section(".initrd").virtual_size = 0;
  EXPECT_EQ(NamesOf(spec), ".linux.osrel.cmdline");
}

}  // namespace
}  // namespace anchorage::verify
