#include "verify/measure/boot/log_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "test/support/event_log_writer.h"
#include "verify/crypto/public_key.h"

namespace anchorage::verify {
namespace {

using test::EventLogWriter;
using test::ImageData;
using ::testing::HasSubstr;
using namespace std::string_literals;

constexpr char kCalling[] = "Calling EFI Application from Boot Option";

// What is expected: two images, and no command line.
BootMeasurements Expected() {
  BootMeasurements boot;
  boot.events = ImageEvents(HashAlgorithm::kSha384,
                            {Hash(HashAlgorithm::kSha384, "shop.efi"),
                             Hash(HashAlgorithm::kSha384, "kernel")});
  boot.events.back().explanation = "the kernel inside";
  boot.registers[4] = ReplayRegister(HashAlgorithm::kSha384, 4, boot.events);
  boot.registers[12] = EmptyRegister(HashAlgorithm::kSha384);
  return boot;
}

// A log that begins as expected.
EventLogWriter Begun() {
  EventLogWriter writer;
  writer.Event(7, kEvSeparator, "\0\0\0\0"s)
      .Event(4, kEvEfiAction, kCalling)
      .Event(4, kEvSeparator, "\0\0\0\0"s);
  return writer;
}

EventLogWriter& Image(EventLogWriter& writer, const std::string& name) {
  return writer.Event(4, kEvEfiBootServicesApplication,
                      ImageData("\\" + name, 4096), test::Sha384Of(name));
}

// The only difference of a log, by events and by values.
struct Both {
  explicit Both(const std::string& bytes) {
    const auto log = ParseEventLog(bytes);
    EXPECT_TRUE(log.ok()) << log.status();
    by_events = CompareEvents(*log, Expected());
    std::map<int, std::string> values;
    for (const auto& [pcr, value] : Expected().registers) {
      values[pcr] = value.view();
    }
    by_values = CompareRegisters(*log, values);
    for (const auto& each : by_events) {
      const auto registers = Replay(*log);
      const auto at = registers.find(each.pcr);
      EXPECT_EQ(each.found,
                at == registers.end() ? std::string(48, '\0') : at->second);
      EXPECT_EQ(each.expected, values[each.pcr]);
    }
  }

  std::vector<RegisterDifference> by_events;
  std::vector<RegisterDifference> by_values;
};

TEST(LogComparisonTest, FindsNothingInTheExpectedBoot) {
  EventLogWriter writer = Begun();
  Image(Image(writer, "shop.efi"), "kernel");
  const Both both(writer.log());
  EXPECT_TRUE(both.by_events.empty());
  EXPECT_TRUE(both.by_values.empty());
}

TEST(LogComparisonTest, FindsAnotherImage) {
  EventLogWriter writer = Begun();
  Image(Image(writer, "evil.efi"), "kernel");
  const Both both(writer.log());
  ASSERT_EQ(both.by_events.size(), 1u);
  EXPECT_EQ(both.by_events[0].pcr, 4);
  EXPECT_EQ(both.by_events[0].event, 3u);
  EXPECT_THAT(both.by_events[0].why, HasSubstr("evil.efi"));
  ASSERT_EQ(both.by_values.size(), 1u);
  EXPECT_EQ(both.by_values[0].event, std::nullopt);
}

TEST(LogComparisonTest, FindsAnImageBetween) {
  EventLogWriter writer = Begun();
  Image(Image(Image(writer, "shop.efi"), "evil.efi"), "kernel");
  const Both both(writer.log());
  ASSERT_EQ(both.by_events.size(), 1u);
  EXPECT_EQ(both.by_events[0].event, 4u);
  EXPECT_THAT(both.by_events[0].why, HasSubstr("comes before"));
  ASSERT_EQ(both.by_values.size(), 1u);
  EXPECT_EQ(both.by_values[0].event, 4u);
  EXPECT_THAT(both.by_values[0].why, HasSubstr("without event 6"));
}

TEST(LogComparisonTest, FindsAnImageAfterAll) {
  EventLogWriter writer = Begun();
  Image(Image(Image(Image(writer, "shop.efi"), "kernel"), "evil.efi"), "more");
  const Both both(writer.log());
  ASSERT_EQ(both.by_events.size(), 1u);
  EXPECT_EQ(both.by_events[0].event, 5u);
  ASSERT_EQ(both.by_values.size(), 1u);
  EXPECT_EQ(both.by_values[0].event, 5u);
  EXPECT_THAT(both.by_values[0].why, HasSubstr("before event 7"));
}

TEST(LogComparisonTest, FindsWhatIsMissingAtTheEnd) {
  EventLogWriter writer = Begun();
  Image(writer, "shop.efi");
  const Both both(writer.log());
  ASSERT_EQ(both.by_events.size(), 1u);
  EXPECT_EQ(both.by_events[0].event, std::nullopt);
  EXPECT_THAT(both.by_events[0].why, HasSubstr("the kernel inside"));
}

TEST(LogComparisonTest, FindsAnAppendedCommandLine) {
  EventLogWriter writer = Begun();
  Image(Image(writer, "shop.efi"), "kernel");
  writer.Event(12, kEvIpl, "init=/bin/sh\x1b[2J");
  const Both both(writer.log());
  for (const auto& differences : {both.by_events, both.by_values}) {
    ASSERT_EQ(differences.size(), 1u);
    EXPECT_EQ(differences[0].pcr, 12);
    EXPECT_EQ(differences[0].event, 5u);
    EXPECT_THAT(differences[0].why, HasSubstr("init=/bin/sh\\x1b[2J"));
  }
}

TEST(LogComparisonTest, SaysThatALogHasNothingOfARegister) {
  const auto log = ParseEventLog(Begun().log());
  const auto differences = CompareRegisters(*log, {{11, std::string(48, 'x')}});
  ASSERT_EQ(differences.size(), 1u);
  EXPECT_EQ(differences[0].why, "the log has no event of it");
  EXPECT_EQ(differences[0].found, std::string(48, '\0'));
}

// --- Real logs: what is computed of their variables is what was measured -----

class RealSecureBoot : public ::testing::TestWithParam<std::string> {};

TEST_P(RealSecureBoot, ComputesTheEventsOfPcr7) {
  std::ifstream in("test/vectors/eventlog/" + GetParam(), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const auto log = ParseEventLog(bytes);
  ASSERT_TRUE(log.ok()) << log.status();
  SecureBootKeys keys;
  const std::map<std::string, std::optional<SignatureDatabase>*> databases = {
      {"PK", &keys.pk},
      {"KEK", &keys.kek},
      {"db", &keys.db},
      {"dbx", &keys.dbx}};
  std::vector<LoggedEvent> policy;
  std::optional<LoggedVariable> authority;
  bool secure_boot = false;
  for (const LoggedEvent& event : log->events) {
    if (event.pcr == 7) policy.push_back(event);
    const auto variable = VariableOf(event);
    if (!variable.has_value()) continue;
    if (event.type == kEvEfiVariableAuthority) {
      if (!authority.has_value() && variable->name == "db") {
        authority = variable;
        EXPECT_TRUE(DataIsMeasured(event));
        ASSERT_TRUE(keys.db.has_value());
        bool found = false;
        for (const EfiSignature& entry : keys.db->signatures) {
          if (entry.whole != variable->data) continue;
          found = true;
          EXPECT_EQ(AuthorityEvent(HashAlgorithm::kSha384, entry).digest.view(),
                    event.digest);
        }
        EXPECT_TRUE(found) << "an entry of db";
      }
      continue;
    }
    if (variable->name == "SecureBoot") secure_boot = variable->data == "\1";
    const auto at = databases.find(variable->name);
    if (event.type != kEvEfiVariableDriverConfig || at == databases.end()) {
      continue;
    }
    auto database = ParseSignatureDatabase(variable->data, VariableForm::kRaw);
    ASSERT_TRUE(database.ok()) << variable->name << database.status();
    *at->second = *std::move(database);
  }
  EXPECT_EQ(authority.has_value(), secure_boot);
  const std::vector<BootEvent> computed =
      SecureBootEvents(HashAlgorithm::kSha384, keys, secure_boot);
  ASSERT_GE(policy.size(), computed.size());
  for (std::size_t i = 0; i < computed.size(); ++i) {
    EXPECT_EQ(policy[i].type, computed[i].type);
    EXPECT_EQ(policy[i].digest, computed[i].digest.view()) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(All, RealSecureBoot,
                         ::testing::Values("cos-101-amd-sev.bin",
                                           "rhel8-uefi.bin",
                                           "ubuntu-2104-no-dbx.bin",
                                           "ubuntu-2104-no-secure-boot.bin"),
                         [](const auto& each) {
                           return std::to_string(each.index);
                         });

}  // namespace
}  // namespace anchorage::verify
