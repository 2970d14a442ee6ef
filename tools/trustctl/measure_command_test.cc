// "trustctl measure uki" and "measure eventlog", on small images.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "anchors/measurements.h"
#include "anchors/releases.h"
#include "test/support/boot_files.h"
#include "test/support/event_log_writer.h"
#include "test/support/pe_writer.h"
#include "test/support/run_command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/measure_inputs.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::json;
using test::PeSpec;
using test::UkiSpec;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kZeros(96, '0');
// PCR7 of a machine without keys, as all documents of NitroTPMs have it.
constexpr char kNoKeys[] =
    "98441c7f7625d10058c47683aec486ce311c633235eb555593a7ee791121e3578ae72d04ec"
    "ef661f272d59058b77af35";

class Measure : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (const auto& [name, bytes] : test::BootFiles()) Write(name, bytes);
  }

  static std::string Path(const std::string& name) {
    return ::testing::TempDir() + "/" + name;
  }

  static std::string Write(const std::string& name, const std::string& bytes) {
    std::ofstream(Path(name), std::ios::binary) << bytes;
    return Path(name);
  }

  static std::string WriteUki(const std::string& name, const PeSpec& spec) {
    return Write(name, test::WritePe(spec));
  }

  static Ran Uki(const std::string& file,
                 const std::vector<std::string>& more = {}) {
    std::vector<std::string> line = {"measure", "uki", Path(file)};
    line.insert(line.end(), more.begin(), more.end());
    return RunCommand(AddMeasure, line);
  }

  static json UkiJson(const std::string& file,
                      std::vector<std::string> more = {}) {
    more.insert(more.end(), {"-o", "json"});
    const Ran ran = Uki(file, more);
    EXPECT_EQ(ran.code, kAccepted) << ran.err;
    return json::parse(ran.out, nullptr, /*allow_exceptions=*/false);
  }

  static Ran Log(const std::string& file,
                 const std::vector<std::string>& more = {}) {
    std::vector<std::string> line = {"measure", "eventlog", Path(file)};
    line.insert(line.end(), more.begin(), more.end());
    return RunCommand(AddMeasure, line);
  }

  static std::vector<std::string> Keys() {
    return {"--pk",          Path("PK.esl"), "--kek",
            Path("KEK.esl"), "--db",         Path("db.esl")};
  }

  // The measurements of a file, kept in a file.
  static std::string Kept(const std::string& file) {
    return Write(file + ".json", UkiJson(file).dump());
  }
};

// --- Registers ---------------------------------------------------------------

std::string Extended(const std::vector<std::string>& digests) {
  std::string value(48, '\0');
  for (const std::string& digest : digests) {
    value = test::Sha384Of(value + digest);
  }
  return absl::BytesToHexString(value);
}

TEST_F(Measure, ComputesTheRegistersOfAnImage) {
  const json answer = UkiJson("shop.efi");
  const auto files = test::BootFiles();
  const std::string kernel = test::WritePe(test::EfiApplicationSpec());
  const std::string pcr4 = Extended(
      {test::Sha384Of("Calling EFI Application from Boot Option"),
       test::Sha384Of(std::string(4, '\0')),
       test::SimpleAuthenticode(test::Hash::kSha384, files.at("shop.efi")),
       test::SimpleAuthenticode(test::Hash::kSha384, kernel)});
  EXPECT_EQ(answer["Measurements"], (json{{"HashAlgorithm", "SHA384"},
                                          {"PCR4", pcr4},
                                          {"PCR12", kZeros},
                                          {"PCR13", kZeros}}));
  EXPECT_EQ(answer["schema_version"], 1);
  EXPECT_EQ(answer["images"][0]["kernel"]["measured"], true);
  EXPECT_EQ(answer["images"][0]["kernel"]["stub_version"], "252.22");
}

// What reads AWS's tool reads this.
TEST_F(Measure, PrintsTheShapeOfAwsTool) {
  const Ran ran = Uki("shop.efi", {"-o", "json"});
  const auto read = anchors::ReadMeasurements(ran.out);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->type, verify::AttestationType::kNitroTpm);
  EXPECT_EQ(read->pcrs.size(), 3u);
  // In the order of the numbers, which text alone would not give.
  const auto at = [&ran](const char* name) { return ran.out.find(name); };
  EXPECT_LT(at("\"HashAlgorithm\""), at("\"PCR4\""));
  EXPECT_LT(at("\"PCR4\""), at("\"PCR12\""));
  EXPECT_LT(at("\"PCR12\""), at("\"PCR13\""));
}

TEST_F(Measure, KeepsPcr11OutOfWhatGoesIntoPolicies) {
  const json answer =
      UkiJson("shop.efi", {"--release", "shop", "--name", "1",
                           "--kms-condition", "--account", "123456789012"});
  EXPECT_EQ(answer["registers"][1]["register"], "PCR11");
  for (const char* member : {"Measurements", "release", "kms_condition"}) {
    EXPECT_THAT(answer[member].dump(), Not(HasSubstr("PCR11"))) << member;
  }
}

TEST_F(Measure, ShowsTheRuleOfEachStub) {
  const json answer = UkiJson("shop.258.efi");
  EXPECT_EQ(answer["images"][0]["kernel"]["measured"], false);
  EXPECT_EQ(answer["images"][0]["kernel"]["rule"], "systemd-stub-258");
  EXPECT_THAT(Uki("shop.258.efi").out,
              HasSubstr("kernel not measured (systemd-stub-258)"));
}

TEST_F(Measure, TakesImagesInTheOrderInWhichTheyStart) {
  const json two = UkiJson("loader.efi", {Path("shop.efi")});
  EXPECT_EQ(two["images"].size(), 2u);
  EXPECT_NE(two["Measurements"]["PCR4"],
            UkiJson("shop.efi")["Measurements"]["PCR4"]);
  // A unified kernel image starts nothing after it.
  const Ran turned = Uki("shop.efi", {Path("loader.efi")});
  EXPECT_EQ(turned.code, kStaleOrForAnother);
  EXPECT_THAT(turned.err, HasSubstr("IMAGE_NOT_BOOTABLE"));
}

TEST_F(Measure, NotesThatSigningChangesTheDigest) {
  const json image = UkiJson("odd.efi")["images"][0];
  ASSERT_TRUE(image.contains("authenticode_once_signed"));
  EXPECT_NE(image["authenticode_once_signed"], image["authenticode"]);
  const std::string once_signed = image["authenticode_once_signed"];
  const std::string note = "odd.efi is not padded to 8 bytes";
  const Ran ran = Uki("odd.efi");
  EXPECT_EQ(ran.err, "");
  EXPECT_THAT(ran.out, HasSubstr(note));
  EXPECT_THAT(ran.out, Not(HasSubstr(once_signed)));
  EXPECT_THAT(Uki("odd.efi", {"--explain"}).out, HasSubstr(once_signed));
  EXPECT_THAT(Uki("shop.efi").out, Not(HasSubstr("padded")));
}

TEST_F(Measure, ExplainsEachEvent) {
  const json answer = UkiJson("shop.efi", {"--explain"});
  ASSERT_EQ(answer["events"].size(), 12u);
  EXPECT_EQ(answer["events"][0]["type"], "EV_EFI_ACTION");
  EXPECT_THAT(Uki("shop.efi", {"--explain"}).out,
              HasSubstr(answer["events"][3]["digest"].get<std::string>()));
  EXPECT_FALSE(UkiJson("shop.efi").contains("events"));
}

TEST_F(Measure, PrintsEachFormOfOutput) {
  EXPECT_THAT(Uki("shop.efi", {"-o", "table"}).out, HasSubstr("REGISTER"));
  EXPECT_THAT(Uki("shop.efi", {"-o", "yaml"}).out, HasSubstr("Measurements:"));
  const std::string pcr4 = UkiJson("shop.efi")["Measurements"]["PCR4"];
  EXPECT_EQ(Uki("shop.efi", {"-o", "name"}).out.substr(0, 97), pcr4 + "\n");
}

TEST_F(Measure, ShowsNamesOfFilesVisibly) {
  const auto files = test::BootFiles();
  Write("evil\x1b[2J.efi", files.at("shop.efi"));
  const Ran ran = Uki("evil\x1b[2J.efi");
  EXPECT_EQ(ran.code, kAccepted);
  EXPECT_THAT(ran.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(Uki("none\x1b[2J.efi").err, Not(HasSubstr("\x1b")));
}

// --- Secure Boot -------------------------------------------------------------

TEST_F(Measure, ComputesPcr7WithKeysAlone) {
  EXPECT_FALSE(UkiJson("shop.efi")["Measurements"].contains("PCR7"));
  const json with = UkiJson("shop.signed.efi", Keys());
  EXPECT_EQ(with["secure_boot"], true);
  EXPECT_TRUE(with["Measurements"].contains("PCR7"));
  // With Secure Boot this stub's kernel is not measured.
  EXPECT_EQ(with["images"][0]["kernel"]["measured"], false);
}

// AWS's tool fails on a db of more than one list.
TEST_F(Measure, ReadsADbOfTwoListsInBothForms) {
  const json raw = UkiJson("shop.signed.efi", Keys());
  std::vector<std::string> keys = Keys();
  keys.back() = Path("efivars.db");
  EXPECT_EQ(UkiJson("shop.signed.efi", keys)["Measurements"],
            raw["Measurements"]);
}

TEST_F(Measure, KnowsAMachineWithoutKeys) {
  const json answer = UkiJson("shop.efi", {"--secure-boot", "off"});
  EXPECT_EQ(answer["Measurements"]["PCR7"], kNoKeys);
  EXPECT_EQ(answer["secure_boot"], false);
}

TEST_F(Measure, KnowsAMachineThatDoesNotUseItsKeys) {
  std::vector<std::string> keys = Keys();
  keys.insert(keys.end(), {"--secure-boot", "off"});
  const json off = UkiJson("shop.efi", keys);
  EXPECT_EQ(off["secure_boot"], false);
  EXPECT_NE(off["Measurements"]["PCR7"], kNoKeys);
  EXPECT_EQ(off["images"][0]["kernel"]["measured"], true);
}

TEST_F(Measure, NotesThatASignedImageWasTakenToBootWithoutSecureBoot) {
  const auto notes = [](const std::string& file,
                        const std::vector<std::string>& more = {}) {
    return UkiJson(file, more)["notes"].dump();
  };
  const std::string note = "Secure Boot was taken to be off";
  EXPECT_THAT(notes("shop.signed.efi"), HasSubstr(note));
  EXPECT_THAT(notes("shop.signed.efi", Keys()), Not(HasSubstr(note)));
  for (const char* state : {"on", "off"}) {
    EXPECT_THAT(notes("shop.signed.efi", {"--secure-boot", state}),
                Not(HasSubstr(note)));
  }
  EXPECT_THAT(notes("shop.efi"), Not(HasSubstr(note)));
}

TEST_F(Measure, LeavesPcr7OutWhereKeysAreNotGiven) {
  const json answer = UkiJson("shop.efi", {"--secure-boot", "on"});
  EXPECT_FALSE(answer["Measurements"].contains("PCR7"));
  EXPECT_EQ(answer["images"][0]["kernel"]["measured"], false);
}

// --- Policies and releases ---------------------------------------------------

TEST_F(Measure, MakesAConditionThatKmsReads) {
  std::vector<std::string> flags = Keys();
  flags.insert(flags.end(), {"--kms-condition", "--account", "123456789012"});
  const json answer = UkiJson("shop.signed.efi", flags);
  const json& attested = answer["kms_condition"]["StringEqualsIgnoreCase"];
  ASSERT_EQ(attested.size(), 4u);
  for (const int index : {4, 7, 12, 13}) {
    const std::string name = "PCR" + std::to_string(index);
    EXPECT_EQ(attested["kms:RecipientAttestation:NitroTPM" + name],
              answer["Measurements"][name]);
  }
  EXPECT_EQ(answer["kms_condition"]["StringEquals"],
            (json{{"kms:CallerAccount", "123456789012"}}));
  EXPECT_THAT(answer["notes"].dump(), HasSubstr("PutKeyPolicy"));
  EXPECT_THAT(answer["notes"].dump(), HasSubstr("PCR13"));
}

TEST_F(Measure, MakesAnEntryThatAListTakes) {
  const json answer =
      UkiJson("shop.efi", {"--release", "shop", "--name", "1.4.0"});
  const json list = {{"mediaType", std::string(anchors::kReleasesMediaType)},
                     {"sequence", "1"},
                     {"createdTime", "2026-11-30T00:00:00Z"},
                     {"releases", {answer["release"]}}};
  const auto read = anchors::ParseReleases(list.dump());
  ASSERT_TRUE(read.ok()) << read.status() << list.dump(2);
  const anchors::Release& release = read->releases.at(0);
  EXPECT_EQ(release.product, "shop");
  EXPECT_EQ(release.name, "1.4.0");
  EXPECT_EQ(release.status, verify::ReleaseStatus::kActive);
  EXPECT_EQ(release.measurements.size(), 3u);
  EXPECT_TRUE(anchors::CheckReleaseSafe(release).ok());
}

TEST_F(Measure, ShowsTheBlocksInTextToo) {
  const std::string text =
      Uki("shop.efi", {"--release", "shop", "--name", "1", "--kms-condition",
                       "--account", "123456789012"})
          .out;
  EXPECT_THAT(text, HasSubstr("\"kms:CallerAccount\": \"123456789012\""));
  EXPECT_THAT(text, HasSubstr("\"product\": \"shop\""));
}

// --- --expect ----------------------------------------------------------------

TEST_F(Measure, AcceptsWhatIsExpected) {
  const Ran ran = Uki("shop.efi", {"--expect", Kept("shop.efi")});
  EXPECT_EQ(ran.code, kAccepted) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("/shop.efi.json: PCR4, PCR12, PCR13\n"));
}

TEST_F(Measure, NamesEachRegisterThatDiffers) {
  json expected = UkiJson("shop.efi");
  const std::string pcr4 = expected["Measurements"]["PCR4"];
  expected["Measurements"]["PCR4"] = std::string(96, 'a');
  expected["Measurements"]["PCR12"] = std::string(96, 'b');
  const std::string path = Write("expected.json", expected.dump());
  const Ran ran = Uki("shop.efi", {"--expect", path});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.out, HasSubstr("differs  PCR4 is " + pcr4 + "; expected " +
                                 std::string(96, 'a') + "\n"));
  EXPECT_THAT(ran.out, HasSubstr("differs  PCR12 is " + kZeros));
  EXPECT_THAT(ran.out, Not(HasSubstr("differs  PCR13")));
  const Ran as_json = Uki("shop.efi", {"--expect", path, "-o", "json"});
  EXPECT_EQ(as_json.code, 1);
  EXPECT_EQ(json::parse(as_json.out)["differences"].size(), 2u);
}

// What is not computed is not as expected.
TEST_F(Measure, MissesARegisterThatIsNotComputed) {
  json expected = UkiJson("shop.efi");
  expected["Measurements"]["PCR7"] = kNoKeys;
  const std::string path = Write("expected.json", expected.dump());
  const Ran ran = Uki("shop.efi", {"--expect", path});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.out, HasSubstr("PCR7 is not computed without keys"));
  EXPECT_EQ(Uki("shop.efi", {"--expect", path, "--secure-boot", "off"}).code,
            kAccepted);
}

TEST_F(Measure, ReadsWhatAwsToolPrinted) {
  const json ours = UkiJson("shop.efi")["Measurements"];
  const json theirs = {{"Measurements",
                        {{"HashAlgorithm", "SHA384 { ... }"},
                         {"PCR4", ours["PCR4"]},
                         {"PCR12", ours["PCR12"]}}}};
  const std::string path = Write("pcr_measurements.json", theirs.dump());
  EXPECT_EQ(Uki("shop.efi", {"--expect", path}).code, kAccepted);
  EXPECT_EQ(Uki("other.efi", {"--expect", path}).code, 1);
}

// --- Event logs --------------------------------------------------------------

TEST_F(Measure, ReplaysALog) {
  const Ran ran = Log("machine.log", {"-o", "json"});
  ASSERT_EQ(ran.code, kAccepted) << ran.err;
  const json registers = json::parse(ran.out)["registers"];
  std::map<std::string, json> found;
  for (const json& each : registers) found[each["register"]] = each;
  EXPECT_EQ(found["PCR4"]["value"],
            UkiJson("shop.efi")["Measurements"]["PCR4"]);
  EXPECT_EQ(found["PCR4"]["events"], 4);
  EXPECT_EQ(found["PCR7"]["value"], kNoKeys);
}

TEST_F(Measure, FindsALogAsExpected) {
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{"--uki", Path("shop.efi")},
        std::vector<std::string>{"--uki", Path("shop.efi"), "--secure-boot",
                                 "off"},
        std::vector<std::string>{"--expect", Kept("shop.efi")},
        std::vector<std::string>{"--expect", Kept("shop.efi"), "--uki",
                                 Path("shop.efi")}}) {
    const Ran ran = Log("machine.log", flags);
    EXPECT_EQ(ran.code, kAccepted) << ran.out << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("as expected: PCR4, "));
  }
}

TEST_F(Measure, NamesTheEventOfAnAppendedCommandLine) {
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{"--uki", Path("shop.efi")},
        std::vector<std::string>{"--expect", Kept("shop.efi")},
        std::vector<std::string>{"--expect", Kept("shop.efi"), "--uki",
                                 Path("shop.efi")}}) {
    const Ran ran = Log("tampered.log", flags);
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.out, HasSubstr("differs  PCR12"));
    EXPECT_THAT(ran.out, HasSubstr("EV_IPL (init=/bin/sh)"));
    EXPECT_THAT(ran.out, Not(HasSubstr("differs  PCR4")));
  }
}

TEST_F(Measure, NamesTheImageThatBootedInPlaceOfAnother) {
  const Ran ran = Log("other.log", {"--uki", Path("shop.efi"), "-o", "json"});
  EXPECT_EQ(ran.code, 1);
  const json differences = json::parse(ran.out)["differences"];
  ASSERT_EQ(differences.size(), 2u);
  EXPECT_EQ(differences[0]["register"], "PCR4");
  EXPECT_EQ(differences[0]["event"]["type"],
            "EV_EFI_BOOT_SERVICES_APPLICATION");
  EXPECT_THAT(differences[0]["event"]["description"].get<std::string>(),
              HasSubstr("\\EFI\\BOOT\\BOOTX64.EFI"));
  EXPECT_EQ(differences[1]["register"], "PCR11");
  EXPECT_THAT(differences[1]["why"].get<std::string>(), HasSubstr(".cmdline"));
}

TEST_F(Measure, ShowsEachEventOfALog) {
  EXPECT_THAT(Log("machine.log", {"--explain"}).out,
              HasSubstr("EV_EFI_VARIABLE_DRIVER_CONFIG"));
  const json answer =
      json::parse(Log("machine.log", {"--explain", "-o", "json"}).out);
  EXPECT_EQ(answer["events"].size(), 19u);
  EXPECT_EQ(answer["events"][1]["description"], "SecureBoot = 00");
  EXPECT_EQ(answer["events"][1]["data_is_measured"], true);
}

// --- Bad input ---------------------------------------------------------------

struct BadInput {
  std::string name;
  std::vector<std::string> line;
  int code;
  std::string text;
};

class BadInputTest : public Measure {};

TEST_F(BadInputTest, HasOneReasonAndOneExitCodeEach) {
  const auto files = test::BootFiles();
  PeSpec no_command_line = UkiSpec("252.22");
  no_command_line.Remove(".cmdline");
  PeSpec no_initrd = UkiSpec("252.22");
  no_initrd.Remove(".initrd");
  PeSpec no_magic = UkiSpec("252.22");
  no_magic.Remove(".sdmagic");
  PeSpec two_kernels = UkiSpec("252.22");
  two_kernels.sections.push_back(two_kernels.sections.back());
  PeSpec driver = UkiSpec("252.22");
  driver.subsystem = 11;
  const std::string fifo = Path("fifo.efi");
  ASSERT_TRUE(::mkfifo(fifo.c_str(), 0600) == 0 || errno == EEXIST);
  // Sparse.
  const std::string huge = Write("huge.efi", "MZ");
  std::filesystem::resize_file(huge, kMaxBootImageBytes + 1);
  const std::string shop = Path("shop.efi");
  const std::string pk = Path("PK.esl");
  const std::string kek = Path("KEK.esl");
  const std::string auth(
      "\xea\x07\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 16);
  std::vector<std::string> many(kMaxBootImages + 1, shop);
  many.insert(many.begin(), "uki");
  const std::vector<BadInput> table = {
      {"absent", {"uki", Path("none.efi")}, kUnreadable, "cannot open"},
      {"folder",
       {"uki", ::testing::TempDir()},
       kStaleOrForAnother,
       "not a regular file"},
      {"fifo", {"uki", fifo}, kStaleOrForAnother, "not a regular file"},
      {"huge", {"uki", huge}, kUnreadable, "longer than"},
      {"empty", {"uki", Write("empty.efi", "")}, kUnreadable, "NOT_PE"},
      {"text",
       {"uki", Write("text.efi", "linux /vmlinuz\n")},
       kUnreadable,
       "NOT_PE"},
      {"cut",
       {"uki", Write("cut.efi", files.at("shop.efi").substr(0, 2000))},
       kUnreadable,
       "PE_TRUNCATED"},
      {"no_command_line",
       {"uki", WriteUki("no_command_line.efi", no_command_line)},
       kRefusedByPolicy,
       "COMMAND_LINE_MISSING"},
      {"no_uki",
       {"uki", Path("loader.efi")},
       kRefusedByPolicy,
       "no unified kernel image: the image has no command line"},
      {"no_initrd",
       {"uki", WriteUki("no_initrd.efi", no_initrd)},
       kRefusedByPolicy,
       "INITRD_MISSING"},
      {"no_magic",
       {"uki", WriteUki("no_magic.efi", no_magic)},
       kUndecided,
       "STUB_VERSION_MISSING"},
      {"old_stub",
       {"uki", WriteUki("old.efi", UkiSpec("249"))},
       kUndecided,
       "STUB_VERSION_UNKNOWN"},
      {"two_kernels",
       {"uki", WriteUki("two.efi", two_kernels)},
       kUnreadable,
       "PE_SECTION_TWICE"},
      {"driver",
       {"uki", WriteUki("driver.efi", driver)},
       kStaleOrForAnother,
       "IMAGE_NOT_BOOTABLE"},
      {"second_of_two",
       {"uki", Path("loader.efi"), Write("empty.efi", "")},
       kUnreadable,
       "empty.efi: NOT_PE"},
      {"too_many", many, kUsage, "17 images"},
      {"no_file", {"uki"}, kUsage, "FILE"},
      {"one_key",
       {"uki", shop, "--db", Path("db.esl")},
       kUnreadable,
       "KEYS_INCOMPLETE"},
      {"update",
       {"uki", shop, "--pk", Write("PK.auth", auth + "x")},
       kUnreadable,
       "(PK): SIGNATURE_LIST"},
      {"no_list",
       {"uki", shop, "--pk", pk, "--kek", kek, "--db", shop},
       kUnreadable,
       "(db): SIGNATURE_LIST_MALFORMED"},
      {"certificate",
       {"uki", shop, "--pk", pk, "--kek", kek, "--db",
        Write("db.crt", "-----BEGIN CERTIFICATE-----\n")},
       kUnreadable,
       "a certificate is none: 'sbsiglist'"},
      {"absent_key",
       {"uki", shop, "--pk", Path("none.esl")},
       kUnreadable,
       "cannot open"},
      {"unsigned",
       {"uki", shop, "--pk", pk, "--kek", kek, "--db", Path("db.esl")},
       kStaleOrForAnother,
       "IMAGE_NOT_AUTHORIZED"},
      {"secure_boot",
       {"uki", shop, "--secure-boot", "yes"},
       kUsage,
       "--secure-boot"},
      {"expect_absent",
       {"uki", shop, "--expect", Path("none.json")},
       kUnreadable,
       "cannot open"},
      {"expect_no_json",
       {"uki", shop, "--expect", Write("no.json", "PCR4")},
       kUnreadable,
       "no.json: "},
      {"expect_enclave",
       {"uki", shop, "--expect",
        Write("enclave.json", json{{"Measurements",
                                    {{"HashAlgorithm", "SHA384"},
                                     {"PCR0", kZeros},
                                     {"PCR1", kZeros},
                                     {"PCR2", kZeros}}}}
                                  .dump())},
       kUnreadable,
       "enclave.json: "},
      {"expect_no_image",
       {"uki", shop, "--expect",
        Write("no_image.json",
              json{{"Measurements",
                    {{"HashAlgorithm", "SHA384"}, {"PCR12", kZeros}}}}
                  .dump())},
       kUsage,
       "no_image.json has neither PCR4 nor PCR7, only PCR12"},
      {"expect_bare",
       {"uki", shop, "--expect",
        Write("bare.json", json{{"PCR13", kZeros}}.dump())},
       kUsage,
       "neither PCR4 nor PCR7"},
      {"expect_ambiguous",
       {"uki", shop, "--expect",
        Write("ambiguous.json",
              json{{"Measurements",
                    {{"HashAlgorithm", "SHA384"}, {"PCR7", kZeros}}},
                   {"PCR4", std::string(96, 'a')}}
                  .dump())},
       kUnreadable,
       "ambiguous"},
      {"account_short",
       {"uki", shop, "--kms-condition", "--account", "123"},
       kUsage,
       "12 digits"},
      {"account_missing",
       {"uki", shop, "--kms-condition"},
       kUsage,
       "--account"},
      {"condition_missing",
       {"uki", shop, "--account", "123456789012"},
       kUsage,
       "--kms-condition"},
      {"name_missing", {"uki", shop, "--release", "shop"}, kUsage, "--name"},
      {"name_blank",
       {"uki", shop, "--release", "shop", "--name", "1 4"},
       kUsage,
       "name"},
      {"log_absent",
       {"eventlog", Path("none.log")},
       kUnreadable,
       "cannot open"},
      {"log_empty",
       {"eventlog", Write("empty.log", "")},
       kUnreadable,
       "EVENT_LOG_TRUNCATED"},
      {"log_old",
       {"eventlog", Path("old.log")},
       kUnreadable,
       "EVENT_LOG_SHA384_MISSING"},
      {"log_cut",
       {"eventlog", Write("cut.log", files.at("machine.log").substr(0, 900))},
       kUnreadable,
       "EVENT_LOG_TRUNCATED"},
      {"log_expect_no_image",
       {"eventlog", Path("machine.log"), "--expect",
        Write("no_image.json",
              json{{"Measurements",
                    {{"HashAlgorithm", "SHA384"}, {"PCR12", kZeros}}}}
                  .dump())},
       kUsage,
       "neither PCR4 nor PCR7"},
      {"log_keys_alone",
       {"eventlog", Path("machine.log"), "--pk", pk},
       kUsage,
       "--uki"},
      {"log_bad_image",
       {"eventlog", Path("machine.log"), "--uki", Path("machine.log")},
       kUnreadable,
       "NOT_PE"},
  };
  for (const BadInput& bad : table) {
    std::vector<std::string> line = {"measure"};
    line.insert(line.end(), bad.line.begin(), bad.line.end());
    const Ran ran = RunCommand(AddMeasure, line);
    EXPECT_EQ(ran.code, bad.code) << bad.name << ": " << ran.err;
    EXPECT_THAT(ran.err, HasSubstr(bad.text)) << bad.name;
    EXPECT_EQ(ran.out, "") << bad.name;
  }
}

TEST_F(BadInputTest, IsAllowedWhereAFlagSaysSo) {
  PeSpec bare = UkiSpec("252.22");
  bare.Remove(".cmdline");
  bare.Remove(".initrd");
  WriteUki("bare.efi", bare);
  EXPECT_EQ(Uki("bare.efi", {"--allow-no-initrd"}).code, kRefusedByPolicy);
  const Ran ran =
      Uki("bare.efi", {"--allow-no-initrd", "--allow-no-command-line"});
  EXPECT_EQ(ran.code, kAccepted) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("note "));
}

TEST_F(BadInputTest, AFileThatChangesIsNoticed) {
  const std::string path = Write("changing.efi", "first");
  const auto file = MappedFile::Open(path, 100);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->bytes(), "first");
  EXPECT_TRUE(file->CheckUnchanged().ok());
  Write("changing.efi", "second");
  EXPECT_TRUE(absl::IsAborted(file->CheckUnchanged()));
}

TEST_F(BadInputTest, AFileThatBecomesShorterEndsTheProgramWithOneLine) {
  EXPECT_EXIT(
      {
        const auto first = MappedFile::Open(Write("first.efi", "first"), 100);
        const std::string path = Write("shorter\x1b.efi", "");
        std::filesystem::resize_file(path, 1 << 20);
        const auto file = MappedFile::Open(path, 1 << 20);
        std::filesystem::resize_file(path, 1 << 12);
        ::_exit(file->bytes()[1 << 19] == '\0' ? kAccepted : kUsage);
      },
      ::testing::ExitedWithCode(kUnreadable),
      "^trustctl: error: [^\x1b]*/shorter[^\x1b]*\\.efi was changed while it "
      "was measured\n$");
}

}  // namespace
}  // namespace anchorage::trustctl
