#include "verify/measure/boot/event_log.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "test/support/event_log_writer.h"
#include "verify/measure/boot/measure_error.h"

namespace anchorage::verify {
namespace {

using nlohmann::json;
using test::AsciiToUtf16;
using test::EventLogWriter;
using test::ImageData;
using test::LittleEndian;
using test::VariableData;
using namespace std::string_literals;

constexpr char kFolder[] = "test/vectors/eventlog/";
const std::string kVendor = "0123456789abcdef";

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

std::string ReadWhole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

json KnownAnswers() {
  return json::parse(ReadWhole(kFolder + "known-answers.json"s));
}

// --- Real logs ---------------------------------------------------------------

class RealLog : public ::testing::TestWithParam<std::string> {};

TEST_P(RealLog, ReplaysToItsRegisters) {
  const std::string bytes = ReadWhole(kFolder + GetParam());
  const auto log = ParseEventLog(bytes);
  ASSERT_TRUE(log.ok()) << log.status();
  std::map<std::string, std::string> registers;
  for (const auto& [index, value] : Replay(*log)) {
    registers[std::to_string(index)] = Hex(value);
  }
  EXPECT_EQ(json(registers), KnownAnswers()[GetParam()]["registers"]);
}

TEST_P(RealLog, HasTheEventsOfPcr4AndPcr7) {
  const std::string bytes = ReadWhole(kFolder + GetParam());
  const auto log = ParseEventLog(bytes);
  ASSERT_TRUE(log.ok()) << log.status();
  json events = json::array();
  for (const LoggedEvent& event : log->events) {
    if (event.pcr != 4 && event.pcr != 7) continue;
    events.push_back(
        {event.pcr, event.type, Hex(event.digest), DataIsMeasured(event)});
  }
  EXPECT_EQ(events, KnownAnswers()[GetParam()]["events"]);
}

// What is measured is the data in each of these, without exception.
TEST_P(RealLog, ItsVariablesAreWhatWasMeasured) {
  const std::string bytes = ReadWhole(kFolder + GetParam());
  const auto log = ParseEventLog(bytes);
  ASSERT_TRUE(log.ok()) << log.status();
  std::string names;
  for (const LoggedEvent& event : log->events) {
    const auto variable = VariableOf(event);
    if (event.type == kEvEfiVariableDriverConfig) {
      ASSERT_TRUE(variable.has_value());
      names += variable->name + " ";
    }
    if (event.type == kEvEfiVariableDriverConfig ||
        event.type == kEvEfiVariableAuthority || event.type == kEvSeparator ||
        event.type == kEvEfiAction) {
      EXPECT_TRUE(DataIsMeasured(event)) << Describe(event);
    }
  }
  EXPECT_EQ(names, "SecureBoot PK KEK db dbx ");
}

TEST_P(RealLog, EachBeginningIsTruncatedOrALogOfFewerEvents) {
  const std::string bytes = ReadWhole(kFolder + GetParam());
  const std::size_t whole = ParseEventLog(bytes)->events.size();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto log = ParseEventLog(std::string_view(bytes).substr(0, size));
    if (log.ok()) {
      EXPECT_LT(log->events.size(), whole);
    } else {
      EXPECT_EQ(MeasureReasonOf(log.status()),
                MeasureReason::kEventLogTruncated)
          << size << ": " << log.status();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, RealLog,
                         ::testing::Values("cos-101-amd-sev.bin",
                                           "rhel8-uefi.bin",
                                           "ubuntu-2104-no-dbx.bin",
                                           "ubuntu-2104-no-secure-boot.bin"),
                         [](const auto& each) {
                           std::string name = each.param;
                           for (char& c : name) {
                             if (!absl::ascii_isalnum(
                                     static_cast<unsigned char>(c)))
                               c = '_';
                           }
                           return name;
                         });

// A UKI with a systemd-stub that measures its kernel.
TEST(RealLogOfUki, HasStubsSections) {
  const char* folder = std::getenv("ANCHORAGE_SHARED_VECTORS");
  if (folder == nullptr) GTEST_SKIP() << "ANCHORAGE_SHARED_VECTORS is not set";
  const std::string bytes = ReadWhole(
      std::string(folder) + "/third-party/pcr/gcp-tpm-eventlog-dstack.bin");
  const auto log = ParseEventLog(bytes);
  ASSERT_TRUE(log.ok()) << log.status();
  std::vector<std::string> sections;
  std::string before_first_image = std::string(48, '\0');
  bool image_seen = false;
  for (const LoggedEvent& event : log->events) {
    if (event.pcr == 11) sections.push_back(Describe(event));
    image_seen |= event.type == kEvEfiBootServicesApplication;
    if (event.pcr == 4 && event.extended() && !image_seen) {
      before_first_image = Extend(before_first_image, event.digest);
    }
  }
  EXPECT_EQ(sections.size(), 12u);
  EXPECT_EQ(sections.at(0), ".linux");
  // pcr/known-pcr-values.json
  EXPECT_EQ(Hex(before_first_image),
            "70bc457e087464760a8927d6312248dc117663410914ff8b1e42fd5dc91e16f5fe"
            "3f15ca64372d3e47af8b4c53b01df9");
}

// --- Logs that are made here -------------------------------------------------

TEST(EventLogTest, ReplaysAnEventByHand) {
  EventLogWriter writer;
  writer.Event(4, kEvEfiAction, "Calling EFI Application from Boot Option");
  const auto log = ParseEventLog(writer.log());
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(
      Replay(*log),
      (std::map<int, std::string>{
          {4, test::Sha384Of(std::string(48, '\0') +
                             test::Sha384Of("Calling EFI Application from Boot "
                                            "Option"))}}));
}

TEST(EventLogTest, ExtendsNoEventWithoutAction) {
  EventLogWriter writer;
  writer.Event(4, kEvNoAction, "SP800-155 Event3");
  // A register that a TPM does not have, as some firmware gives it.
  writer.Event(0xffffffff, kEvNoAction, "SP800-155 Event3");
  const auto log = ParseEventLog(writer.log());
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(log->events.size(), 2u);
  EXPECT_TRUE(Replay(*log).empty());
}

TEST(EventLogTest, BeginsPcr0WithTheStartupLocality) {
  EventLogWriter writer;
  writer.Event(0, kEvNoAction, "StartupLocality\0\3"s);
  writer.Event(0, kEvSeparator, "\0\0\0\0"s);
  writer.Event(1, kEvSeparator, "\0\0\0\0"s);
  const auto log = ParseEventLog(writer.log());
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(log->startup_locality, 3);
  const std::string separator = test::Sha384Of("\0\0\0\0"s);
  const auto registers = Replay(*log);
  EXPECT_EQ(registers.at(0),
            test::Sha384Of(std::string(47, '\0') + '\3' + separator));
  EXPECT_EQ(registers.at(1), test::Sha384Of(std::string(48, '\0') + separator));
}

TEST(EventLogTest, LeavesOutRegistersOfALateLaunch) {
  EventLogWriter writer;
  writer.Event(17, kEvIpl, "x").Event(22, kEvIpl, "x").Event(23, kEvIpl, "x");
  const auto registers = Replay(*ParseEventLog(writer.log()));
  ASSERT_EQ(registers.size(), 1u);
  EXPECT_EQ(registers.begin()->first, 23);
}

TEST(EventLogTest, EndsWhereTheMemoryIsUnused) {
  for (const char unused : {'\0', '\xff'}) {
    EventLogWriter writer;
    writer.Event(4, kEvSeparator, "\0\0\0\0"s);
    const auto log = ParseEventLog(writer.log() + std::string(999, unused));
    ASSERT_TRUE(log.ok()) << log.status();
    EXPECT_EQ(log->events.size(), 1u);
  }
}

TEST(EventLogTest, ReadsBanksInAnyOrderAndUnknownOnes) {
  EventLogWriter writer({{12, 48}, {0x7777, 5}, {4, 20}});
  writer.Event(4, kEvSeparator, "\0\0\0\0"s);
  const std::string bytes = writer.log();
  const auto log = ParseEventLog(bytes);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_TRUE(DataIsMeasured(log->events.at(0)));
}

std::string Described(std::uint32_t type, const std::string& data) {
  EventLogWriter writer;
  writer.Event(5, type, data);
  const auto log = ParseEventLog(writer.log());
  return log.ok() ? Describe(log->events.at(0)) : log.status().ToString();
}

TEST(EventLogTest, DescribesEvents) {
  EXPECT_EQ(Described(kEvEfiBootServicesApplication,
                      ImageData("\\EFI\\BOOT\\BOOTX64.EFI", 4096)),
            "\\EFI\\BOOT\\BOOTX64.EFI, 4096 bytes in memory");
  EXPECT_EQ(Described(kEvEfiVariableDriverConfig,
                      VariableData(kVendor, "SecureBoot", "\1")),
            "SecureBoot = 01");
  EXPECT_EQ(
      Described(kEvEfiVariableDriverConfig, VariableData(kVendor, "dbx", "")),
      "dbx = (empty)");
  EXPECT_EQ(Described(kEvEfiVariableAuthority,
                      VariableData(kVendor, "db", std::string(1000, 'x'))),
            "db, 1000 bytes");
  EXPECT_EQ(Described(kEvSeparator, "\0\0\0\0"s),
            "the firmware is done with this register");
  EXPECT_EQ(Described(kEvIpl, AsciiToUtf16("quiet ro") + "\0\0"s), "quiet ro");
  EXPECT_EQ(Described(kEvIpl, "grub_cmd: boot\0"s), "grub_cmd: boot");
  EXPECT_EQ(Described(kEvNoAction, "SP800-155 Event3 and more"),
            "SP800-155 Event3");
  EXPECT_EQ(Described(0x1, "POST CODE"), "");
}

TEST(EventLogTest, DescribesHostileEventsVisibly) {
  EXPECT_EQ(Described(kEvIpl, "\x1b[2Jboo\n"), "\\x1b[2Jboo\\n");
  EXPECT_EQ(Described(kEvIpl, "a\0\x0a\xd8"s), "a\xef\xbf\xbd");
  // U+1F600 as a pair, and half of one.
  EXPECT_EQ(Described(kEvIpl, "a\0\x3d\xd8\x00\xde\x3d\xd8"s),
            "a\xf0\x9f\x98\x80\xef\xbf\xbd");
  EXPECT_LE(Described(kEvIpl, std::string(100'000, 'x')).size(), 200u);
}

TEST(EventLogTest, ReadsNothingFromDataThatIsNone) {
  const std::string image = ImageData("\\a.efi", 1);
  const std::string variable = VariableData(kVendor, "db", "x");
  const auto cut = [](std::string text) {
    text.pop_back();
    return text;
  };
  EXPECT_EQ(Described(kEvEfiBootServicesApplication, cut(image)), "");
  EXPECT_EQ(Described(kEvEfiVariableBoot, cut(variable)), "");
  EXPECT_EQ(Described(kEvEfiVariableBoot, variable + "x"), "");
  // Twice this many bytes is 2 of 64 bits.
  EXPECT_EQ(Described(kEvEfiVariableBoot,
                      kVendor + LittleEndian(0x8000000000000001, 8) +
                          LittleEndian(0, 8) + "db"),
            "");
  // A device path's node that is shorter than its head would never end.
  EXPECT_EQ(
      Described(kEvEfiBootServicesApplication,
                LittleEndian(0, 24) + LittleEndian(4, 8) + "\x04\x04\x00\x00"s),
      "not from a file, 0 bytes in memory");
}

TEST(EventLogTest, NamesTypes) {
  EXPECT_EQ(NameOfEventType(0x800000e0), "EV_EFI_VARIABLE_AUTHORITY");
  EXPECT_EQ(NameOfEventType(0x4), "EV_SEPARATOR");
  EXPECT_EQ(NameOfEventType(0x8000ffff), "0x8000ffff");
}

// --- What is refused ---------------------------------------------------------

// Where the parts of a log of EventLogWriter with three banks begin.
constexpr std::size_t kSpecData = 32;
constexpr std::size_t kBankCount = kSpecData + 24;
constexpr std::size_t kFirstBank = kBankCount + 4;
constexpr std::size_t kSecondEvent = kFirstBank + 3 * 4 + 1;

std::string GoodLog() {
  return EventLogWriter().Event(4, kEvSeparator, "\0\0\0\0"s).log();
}

std::string Replaced(std::string log, std::size_t at, std::string_view by) {
  return log.replace(at, by.size(), by);
}

std::string WithEvents(std::size_t count) {
  EventLogWriter writer({{12, 48}});
  for (std::size_t i = 0; i < count; ++i) writer.Event(4, kEvIpl, "");
  return writer.log();
}

struct BadLog {
  std::string name;
  std::string bytes;
  MeasureReason reason;
};

std::vector<BadLog> BadLogs() {
  constexpr MeasureReason kMalformed = MeasureReason::kEventLogMalformed;
  constexpr MeasureReason kTruncated = MeasureReason::kEventLogTruncated;
  constexpr MeasureReason kMissing = MeasureReason::kEventLogSha384Missing;
  const std::string good = GoodLog();
  const std::string count_of_event = LittleEndian(3, 4);
  const std::string sha1_log = LittleEndian(0, 4) + LittleEndian(8, 4) +
                               std::string(20, 'd') + LittleEndian(3, 4) +
                               "1.0";
  return {
      {"Empty", "", kTruncated},
      {"OfTpm12", sha1_log, kMissing},
      {"OfTpm12WithSpecId", Replaced(good, kSpecData, "Spec ID Event02"),
       kMissing},
      {"BanksWithoutSha384", EventLogWriter({{4, 20}, {11, 32}}).log(),
       kMissing},
      {"NoBank", EventLogWriter(test::LogBanks{}).log(), kMalformed},
      {"HugeBankCount", Replaced(good, kBankCount, "\xff\xff\xff\xff"),
       kMalformed},
      {"MoreBanksThanThereAre", Replaced(good, kBankCount, "\x05"), kMalformed},
      {"FewerBanksThanThereAre", Replaced(good, kBankCount, "\x02"),
       kMalformed},
      {"TwoBanksOfOneHash", EventLogWriter({{12, 48}, {12, 48}}).log(),
       kMalformed},
      {"Sha384OfAnotherLength", EventLogWriter({{12, 32}}).log(), kMalformed},
      {"VendorInfoOfAnotherLength", Replaced(good, kSecondEvent - 1, "\x01"),
       kMalformed},
      {"BanksExtended", Replaced(good, 8, "\x01"), kMalformed},
      {"BanksOfPcr1", Replaced(good, 0, "\x01"), kMalformed},
      {"HugeFirstEvent", Replaced(good, 28, "\xff\xff\xff\xff"), kTruncated},
      {"Pcr24", Replaced(good, kSecondEvent, "\x18"), kMalformed},
      {"HugeDigestCount", Replaced(good, kSecondEvent + 8, "\xff\xff\xff\xff"),
       kMalformed},
      {"OneDigestMissing", Replaced(good, kSecondEvent + 8, "\x02"),
       kMalformed},
      {"DigestOfNoBank", Replaced(good, kSecondEvent + 12, "\x0d"), kMalformed},
      {"DigestTwice", Replaced(good, kSecondEvent + 12 + 22, "\x04"),
       kMalformed},
      {"HugeData", Replaced(good, good.size() - 8, "\x01\x00\x10\x00"s),
       MeasureReason::kEventLogTooLarge},
      {"DataBeyondTheEnd", Replaced(good, good.size() - 8, "\x05"), kTruncated},
      {"Remainder", good + "x", kTruncated},
      {"ManyEvents", WithEvents(kMaxLoggedEvents + 1),
       MeasureReason::kEventLogTooLarge},
      {"TooLong", good + std::string(kMaxEventLogBytes, '\0'),
       MeasureReason::kEventLogTooLarge},
      {"StartupLocality1",
       EventLogWriter().Event(0, kEvNoAction, "StartupLocality\0\1"s).log(),
       kMalformed},
      {"StartupLocalityMissing",
       EventLogWriter().Event(0, kEvNoAction, "StartupLocality\0"s).log(),
       kMalformed},
      {"StartupLocalityLate",
       EventLogWriter()
           .Event(0, kEvSeparator, "\0\0\0\0"s)
           .Event(0, kEvNoAction, "StartupLocality\0\3"s)
           .log(),
       kMalformed},
      {"StartupLocalityTwice",
       EventLogWriter()
           .Event(0, kEvNoAction, "StartupLocality\0\3"s)
           .Event(0, kEvNoAction, "StartupLocality\0\4"s)
           .log(),
       kMalformed},
      {"StartupLocalityZeroTwice",
       EventLogWriter()
           .Event(0, kEvNoAction, "StartupLocality\0\0"s)
           .Event(0, kEvNoAction, "StartupLocality\0\3"s)
           .log(),
       kMalformed},
  };
}

class BadLogTest : public ::testing::TestWithParam<BadLog> {};

TEST_P(BadLogTest, IsRefused) {
  const auto log = ParseEventLog(GetParam().bytes);
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(MeasureReasonOf(log.status()), GetParam().reason) << log.status();
}

INSTANTIATE_TEST_SUITE_P(All, BadLogTest, ::testing::ValuesIn(BadLogs()),
                         [](const auto& each) { return each.param.name; });

TEST(EventLogTest, AcceptsAsManyEventsAsAreAllowed) {
  const auto log = ParseEventLog(WithEvents(kMaxLoggedEvents));
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(log->events.size(), kMaxLoggedEvents);
}

}  // namespace
}  // namespace anchorage::verify
