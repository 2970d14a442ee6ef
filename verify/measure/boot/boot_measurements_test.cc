#include "verify/measure/boot/boot_measurements.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "test/support/pe_writer.h"
#include "verify/measure/boot/measure_error.h"

namespace anchorage::verify {
namespace {

using test::EfiApplicationSpec;
using test::HashOf;
using test::PeSpec;
using test::SelfSigned;
using test::SignatureList;
using test::SimpleAuthenticode;
using test::TestKey;
using test::UkiSpec;
using test::WritePe;
using Hash = test::Hash;

constexpr char kActionText[] = "Calling EFI Application from Boot Option";

// Files and variables, and what is made of them.
class World {
 public:
  void Add(const std::string& file) {
    files_.push_back(std::make_unique<std::string>(file));
    auto image = PeImage::Parse(*files_.back());
    EXPECT_TRUE(image.ok()) << image.status();
    images_.push_back(std::make_unique<PeImage>(*std::move(image)));
    inputs.images.push_back(images_.back().get());
  }
  std::optional<SignatureDatabase> Variable(const std::string& bytes) {
    files_.push_back(std::make_unique<std::string>(bytes));
    return *ParseSignatureDatabase(*files_.back(), VariableForm::kRaw);
  }
  // PK and KEK of one certificate each, and this db.
  void SetKeys(const std::string& db, const std::string& dbx = "") {
    inputs.keys.pk = Variable(SignatureList(kEfiCertX509, {"platform key"}));
    inputs.keys.kek = Variable(SignatureList(kEfiCertX509, {"exchange key"}));
    inputs.keys.db = Variable(db);
    if (!dbx.empty()) inputs.keys.dbx = Variable(dbx);
  }
  BootMeasurements Measure() {
    auto boot = MeasureBoot(inputs);
    EXPECT_TRUE(boot.ok()) << boot.status();
    return boot.ok() ? *std::move(boot) : BootMeasurements();
  }
  std::string Reason() {
    const auto boot = MeasureBoot(inputs);
    return boot.ok() ? ""
                     : std::string(NameOf(*MeasureReasonOf(boot.status())));
  }

  BootInputs inputs;

 private:
  std::vector<std::unique_ptr<std::string>> files_;
  std::vector<std::unique_ptr<PeImage>> images_;
};

World Of(const PeSpec& spec) {
  World world;
  world.Add(WritePe(spec));
  return world;
}

// A register after these events, computed without the code under test.
std::string Chain(const std::vector<std::string>& digests) {
  std::string value(48, '\0');
  for (const std::string& digest : digests) {
    value = HashOf(Hash::kSha384, value + digest);
  }
  return value;
}

std::string Sha384(std::string_view bytes) {
  return HashOf(Hash::kSha384, bytes);
}

std::string Register(const BootMeasurements& boot, int pcr) {
  const auto at = boot.registers.find(pcr);
  return at == boot.registers.end() ? "absent" : std::string(at->second.view());
}

std::string Pcr4(const std::vector<std::string>& images) {
  std::vector<std::string> digests = {Sha384(kActionText),
                                      Sha384(std::string(4, '\0'))};
  digests.insert(digests.end(), images.begin(), images.end());
  return Chain(digests);
}

std::string DigestOf(const PeSpec& spec) {
  return SimpleAuthenticode(Hash::kSha384, WritePe(spec), spec);
}

TEST(BootMeasurementsTest, UkiWithoutSecureBoot) {
  const PeSpec spec = UkiSpec("252");
  World world = Of(spec);
  const BootMeasurements boot = world.Measure();
  EXPECT_EQ(Register(boot, 4),
            Pcr4({DigestOf(spec), DigestOf(EfiApplicationSpec())}));
  EXPECT_EQ(Register(boot, 7), "absent");
  EXPECT_EQ(Register(boot, 12), std::string(48, '\0'));
  EXPECT_EQ(Register(boot, 13), std::string(48, '\0'));
  EXPECT_FALSE(boot.secure_boot);
  ASSERT_EQ(boot.kernels.size(), 1u);
  EXPECT_EQ(boot.kernels[0].rule, "systemd-stub-252");
  EXPECT_EQ(boot.kernels[0].stub_version, "252");
  EXPECT_TRUE(boot.kernels[0].measured);
  ASSERT_EQ(boot.images.size(), 1u);
  EXPECT_EQ(boot.images[0].sha384.view(), DigestOf(spec));
  EXPECT_FALSE(boot.images[0].once_signed.has_value());
}

TEST(BootMeasurementsTest, Pcr11IsNamesAndContents) {
  const PeSpec spec = UkiSpec("252");
  std::vector<std::string> digests;
  for (const char* name : {".linux", ".osrel", ".cmdline", ".initrd"}) {
    digests.push_back(Sha384(std::string(name) + '\0'));
    digests.push_back(Sha384(PeSpec(spec).Section(name).content));
  }
  EXPECT_EQ(Register(Of(spec).Measure(), 11), Chain(digests));
}

// What stubs from 258 on load, and those before with Secure Boot, is not seen.
TEST(BootMeasurementsTest, KernelThatIsNotMeasured) {
  const PeSpec newer = UkiSpec("258.1");
  EXPECT_EQ(Register(Of(newer).Measure(), 4), Pcr4({DigestOf(newer)}));
  const PeSpec older = UkiSpec("252");
  World world = Of(older);
  world.inputs.secure_boot = true;
  const BootMeasurements boot = world.Measure();
  EXPECT_EQ(Register(boot, 4), Pcr4({DigestOf(older)}));
  EXPECT_FALSE(boot.kernels[0].measured);
  EXPECT_EQ(Register(boot, 7), "absent");
}

TEST(BootMeasurementsTest, KernelsPaddingIsNotMeasured) {
  PeSpec kernel = EfiApplicationSpec();
  kernel.trailing = "a tail, so that the section has padding";
  PeSpec spec = UkiSpec("252");
  spec.Section(".linux").content = WritePe(kernel);
  EXPECT_EQ(Register(Of(spec).Measure(), 4),
            Pcr4({DigestOf(spec), DigestOf(kernel)}));
}

TEST(BootMeasurementsTest, SeveralImagesInLoadOrder) {
  PeSpec loader = EfiApplicationSpec();
  loader.sections[0].content = "a boot loader";
  const PeSpec uki = UkiSpec("258");
  World world;
  world.Add(WritePe(loader));
  world.Add(WritePe(uki));
  EXPECT_EQ(Register(world.Measure(), 4),
            Pcr4({DigestOf(loader), DigestOf(uki)}));
}

TEST(BootMeasurementsTest, OddLengthIsMeasuredAsItIs) {
  PeSpec spec = UkiSpec("258");
  spec.trailing = "odd";
  const BootMeasurements boot = Of(spec).Measure();
  EXPECT_EQ(Register(boot, 4), Pcr4({DigestOf(spec)}));
  ASSERT_TRUE(boot.images[0].once_signed.has_value());
  EXPECT_NE(boot.images[0].once_signed->view(), boot.images[0].sha384.view());
}

// --- Secure Boot -------------------------------------------------------------

std::string Utf16(std::string_view text) {
  std::string out;
  for (const char c : text) out += {c, '\0'};
  return out;
}

std::string VariableDigest(std::string_view guid, std::string_view name,
                           std::string_view data) {
  std::string sizes(16, '\0');
  test::Put32(sizes, 0, static_cast<std::uint32_t>(name.size()));
  test::Put32(sizes, 8, static_cast<std::uint32_t>(data.size()));
  return Sha384(std::string(guid) + sizes + Utf16(name) + std::string(data));
}

const std::string kGlobalGuid(
    "\x61\xdf\xe4\x8b\xca\x93\xd2\x11\xaa\x0d\x00\xe0\x98\x03\x2b\x8c", 16);
const std::string kDatabaseGuid(
    "\xcb\xb2\x19\xd7\x3a\x3d\x96\x45\xa3\xbc\xda\xd0\x0e\x67\x65\x6f", 16);

std::vector<std::string> KeyDigests(bool secure_boot, std::string_view db) {
  return {VariableDigest(kGlobalGuid, "SecureBoot",
                         std::string(1, secure_boot ? '\1' : '\0')),
          VariableDigest(kGlobalGuid, "PK",
                         SignatureList(kEfiCertX509, {"platform key"})),
          VariableDigest(kGlobalGuid, "KEK",
                         SignatureList(kEfiCertX509, {"exchange key"})),
          VariableDigest(kDatabaseGuid, "db", db),
          VariableDigest(kDatabaseGuid, "dbx", ""),
          Sha384(std::string(4, '\0'))};
}

const TestKey& Key() { return TestKey::Rsa(2048, 1); }
std::string Certificate() { return SelfSigned("own", Key()); }
std::string Signed(const PeSpec& spec) {
  return test::SignPeSimply(WritePe(spec), Key(), Certificate(), "own", spec);
}

TEST(BootMeasurementsTest, Pcr7NamesEachAuthorityOnce) {
  const std::string db =
      SignatureList(kEfiCertX509,
                    {SelfSigned("other", TestKey::Rsa(2048, 2))}) +
      SignatureList(kEfiCertX509, {Certificate()}, "the-owner-of-own");
  World world;
  world.Add(Signed(EfiApplicationSpec()));
  world.Add(Signed(UkiSpec("252")));
  world.SetKeys(db);
  const BootMeasurements boot = world.Measure();
  EXPECT_TRUE(boot.secure_boot);
  std::vector<std::string> digests = KeyDigests(true, db);
  digests.push_back(
      VariableDigest(kDatabaseGuid, "db", "the-owner-of-own" + Certificate()));
  EXPECT_EQ(Register(boot, 7), Chain(digests));
  EXPECT_EQ(Register(boot, 4),
            Pcr4({DigestOf(EfiApplicationSpec()), DigestOf(UkiSpec("252"))}));
  EXPECT_EQ(std::count_if(boot.events.begin(), boot.events.end(),
                          [](const BootEvent& e) {
                            return e.type_name == "EV_EFI_VARIABLE_AUTHORITY";
                          }),
            1);
}

// Keys may be there and Secure Boot off.
TEST(BootMeasurementsTest, Pcr7WithoutSecureBoot) {
  const std::string db = SignatureList(kEfiCertX509, {Certificate()});
  World world = Of(UkiSpec("252"));
  world.SetKeys(db);
  world.inputs.secure_boot = false;
  EXPECT_EQ(Register(world.Measure(), 7), Chain(KeyDigests(false, db)));

  World none = Of(UkiSpec("252"));
  none.inputs.keys = {none.Variable(""), none.Variable(""), none.Variable(""),
                      std::nullopt};
  const BootMeasurements boot = none.Measure();
  EXPECT_FALSE(boot.secure_boot);
  // Published by AWS for a machine without Secure Boot.
  EXPECT_EQ(Register(boot, 7).substr(0, 4), "\x98\x44\x1c\x7f");
}

TEST(BootMeasurementsTest, EventsSayWhatTheRegistersAre) {
  World world;
  world.Add(Signed(UkiSpec("252")));
  world.SetKeys(SignatureList(kEfiCertX509, {Certificate()}));
  const BootMeasurements boot = world.Measure();
  for (const auto& [pcr, value] : boot.registers) {
    EXPECT_EQ(ReplayRegister(HashAlgorithm::kSha384, pcr, boot.events).view(),
              value.view());
  }
  for (const BootEvent& event : boot.events) {
    EXPECT_TRUE(boot.registers.contains(event.pcr));
    EXPECT_EQ(event.digest.size, 48u);
    EXPECT_TRUE(event.explanation.ends_with(".")) << event.explanation;
  }
}

// --- What is refused ---------------------------------------------------------

TEST(BootMeasurementsTest, KeysAreCompleteOrAbsent) {
  const std::string list = SignatureList(kEfiCertX509, {"key"});
  for (int given = 1; given < 15; ++given) {
    World world = Of(UkiSpec("252"));
    world.inputs.secure_boot = false;
    if (given & 1) world.inputs.keys.pk = world.Variable(list);
    if (given & 2) world.inputs.keys.kek = world.Variable(list);
    if (given & 4) world.inputs.keys.db = world.Variable(list);
    if (given & 8) world.inputs.keys.dbx = world.Variable(list);
    EXPECT_EQ(world.Reason(), (given & 7) == 7 ? "" : "KEYS_INCOMPLETE");
  }
}

TEST(BootMeasurementsTest, FirmwareDoesNotStartIt) {
  World unsigned_image = Of(UkiSpec("252"));
  unsigned_image.SetKeys(SignatureList(kEfiCertX509, {Certificate()}));
  EXPECT_EQ(unsigned_image.Reason(), "IMAGE_NOT_AUTHORIZED");

  World forbidden;
  forbidden.Add(Signed(UkiSpec("252")));
  forbidden.SetKeys(SignatureList(kEfiCertX509, {Certificate()}),
                    SignatureList(kEfiCertX509, {Certificate()}));
  EXPECT_EQ(forbidden.Reason(), "IMAGE_FORBIDDEN");

  // The second image is checked like the first.
  World second;
  second.Add(Signed(EfiApplicationSpec()));
  second.Add(WritePe(UkiSpec("252")));
  second.SetKeys(SignatureList(kEfiCertX509, {Certificate()}));
  EXPECT_EQ(second.Reason(), "IMAGE_NOT_AUTHORIZED");
  EXPECT_EQ(
      std::string(MeasureBoot(second.inputs).status().message()).substr(0, 31),
      "IMAGE_NOT_AUTHORIZED: image 2: ");
}

TEST(BootMeasurementsTest, NotBootable) {
  EXPECT_EQ(World().Reason(), "IMAGE_NOT_BOOTABLE");
  PeSpec driver = UkiSpec("252");
  driver.subsystem = 11;
  EXPECT_EQ(Of(driver).Reason(), "IMAGE_NOT_BOOTABLE");
  World mixed = Of(EfiApplicationSpec());
  PeSpec other = UkiSpec("252");
  other.machine = kMachineArm64;
  mixed.Add(WritePe(other));
  EXPECT_EQ(mixed.Reason(), "IMAGE_NOT_BOOTABLE");
  World behind_uki = Of(UkiSpec("252"));
  behind_uki.Add(WritePe(EfiApplicationSpec()));
  EXPECT_EQ(behind_uki.Reason(), "IMAGE_NOT_BOOTABLE");
}

TEST(BootMeasurementsTest, WhatComesFromOutside) {
  struct Case {
    const char* name;
    std::function<void(PeSpec&)> edit;
    bool BootInputs::*option;
    const char* reason;
  };
  for (const Case& c : std::vector<Case>{
           {"no command line", [](PeSpec& s) { s.Remove(".cmdline"); },
            &BootInputs::allow_no_command_line, "COMMAND_LINE_MISSING"},
           {"empty command line",
            [](PeSpec& s) { s.Section(".cmdline").virtual_size = 0; },
            &BootInputs::allow_no_command_line, "COMMAND_LINE_MISSING"},
           {"no initrd", [](PeSpec& s) { s.Remove(".initrd"); },
            &BootInputs::allow_no_initrd, "INITRD_MISSING"},
           {"profiles",
            [](PeSpec& s) {
              s.sections.push_back({".profile", "ID=a"});
            },
            &BootInputs::allow_profiles, "PROFILE_CHOSEN_AT_BOOT"},
           {"shim",
            [](PeSpec& s) {
              s = UkiSpec("257");
              s.sections.push_back({".sbat", "sbat,1,x\nshim,4,UEFI shim\n"});
            },
            &BootInputs::allow_shim, "SHIM_NOT_MODELLED"},
       }) {
    SCOPED_TRACE(c.name);
    PeSpec spec = UkiSpec("258");
    c.edit(spec);
    World world = Of(spec);
    EXPECT_EQ(world.Reason(), c.reason);
    world.inputs.*c.option = true;
    EXPECT_EQ(world.Reason(), "");
    EXPECT_FALSE(world.Measure().notes.empty());
  }
}

// A plain kernel, or a boot loader, takes whatever is beside it.
TEST(BootMeasurementsTest, NoUnifiedKernelImage) {
  World world = Of(EfiApplicationSpec());
  EXPECT_EQ(world.Reason(), "COMMAND_LINE_MISSING");
  world.inputs.allow_no_command_line = true;
  EXPECT_EQ(world.Reason(), "INITRD_MISSING");
  world.inputs.allow_no_initrd = true;
  EXPECT_EQ(Register(world.Measure(), 4),
            Pcr4({DigestOf(EfiApplicationSpec())}));
  EXPECT_EQ(Register(world.Measure(), 11), std::string(48, '\0'));
}

TEST(BootMeasurementsTest, ProfilesLeavePcr11Out) {
  PeSpec spec = UkiSpec("258");
  spec.sections.push_back({".profile", "ID=a"});
  World world = Of(spec);
  world.inputs.allow_profiles = true;
  EXPECT_EQ(Register(world.Measure(), 11), "absent");
}

// What stands behind a .profile is there for that profile alone.
TEST(BootMeasurementsTest, EveryProfileMustHaveACommandLineAndAnInitrd) {
  const struct {
    const char* name;
    const char* reason;
  } cases[] = {{".cmdline", "COMMAND_LINE_MISSING"},
               {".initrd", "INITRD_MISSING"}};
  for (const auto& each : cases) {
    PeSpec spec = UkiSpec("258");
    const auto section = spec.Section(each.name);
    spec.Remove(each.name);
    spec.sections.push_back({".profile", "ID=a"});
    spec.sections.push_back(section);
    World world = Of(spec);
    world.inputs.allow_profiles = true;
    EXPECT_EQ(world.Reason(), each.reason);
  }
}

TEST(BootMeasurementsTest, ShimLeavesPcr7Out) {
  PeSpec shim = EfiApplicationSpec();
  shim.sections.push_back({".sbat", "shim,4,UEFI shim\n"});
  World world;
  world.Add(Signed(shim));
  world.Add(WritePe(UkiSpec("252")));
  world.SetKeys(SignatureList(kEfiCertX509, {Certificate()}));
  world.inputs.allow_shim = true;
  const BootMeasurements boot = world.Measure();
  EXPECT_EQ(Register(boot, 7), "absent");
  EXPECT_EQ(Register(boot, 4),
            Pcr4({DigestOf(shim), DigestOf(UkiSpec("252"))}));
}

TEST(BootMeasurementsTest, KernelThatIsNoImage) {
  PeSpec spec = UkiSpec("252");
  spec.Section(".linux").content = "not a kernel";
  EXPECT_EQ(Of(spec).Reason(), "NOT_PE");
  spec = UkiSpec("258");
  spec.Section(".linux").content = "not looked at";
  EXPECT_EQ(Of(spec).Reason(), "");
}

TEST(BootMeasurementsTest, HolesAreSaid) {
  PeSpec spec = UkiSpec("258");
  spec.hole = 0x200;
  const BootMeasurements boot = Of(spec).Measure();
  EXPECT_TRUE(std::any_of(boot.notes.begin(), boot.notes.end(),
                          [](const std::string& note) {
                            return note.find("512 bytes") != note.npos;
                          }));
}

// A flipped byte of a whole image changes PCR4, whether it lies in a section
// that is measured or not; but for CheckSum, the certificate table and its
// entry.
TEST(BootMeasurementsTest, EveryByteOfAUkiChangesPcr4) {
  PeSpec spec = UkiSpec("252");
  spec.file_alignment = 32;
  const std::string file = test::SignPe(WritePe(spec), {"signature"}, spec);
  const std::size_t table = PeImage::Parse(file)->certificate_table().size();
  World world;
  world.Add(file);
  const std::string before = Register(world.Measure(), 4);
  std::size_t measured = 0;
  for (std::size_t at = 0; at < file.size(); ++at) {
    std::string flipped = file;
    flipped[at] = static_cast<char>(flipped[at] ^ 0xff);
    const auto image = PeImage::Parse(flipped);
    if (!image.ok()) continue;
    BootInputs inputs;
    inputs.images = {&*image};
    const auto boot = MeasureBoot(inputs);
    if (!boot.ok()) continue;
    const bool left_out = at - test::CheckSumOffset() < 4 ||
                          at - test::CertificateEntryOffset(spec) < 8 ||
                          at >= file.size() - table;
    EXPECT_EQ(Register(*boot, 4) == before, left_out) << at;
    ++measured;
  }
  // The others break the structure.
  EXPECT_GT(measured, file.size() * 9 / 10);
}

}  // namespace
}  // namespace anchorage::verify
