#include "tools/trustctl/pki_index.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace anchorage::trustctl {
namespace {

const std::string kSerial(32, 'a');
const std::string kSha256(64, '1');

PkiEntry Alice() {
  return {.not_after = absl::FromUnixSeconds(1'800'000'000),
          .serial = kSerial,
          .sha256 = kSha256,
          .kind = PkiKind::kPerson,
          .role = "approver",
          .names = {"Alice Example"}};
}

PkiEntry Server() {
  PkiEntry entry = Alice();
  entry.kind = PkiKind::kServer;
  entry.role = "";
  entry.names = {"trustd.example.com", "192.0.2.7", "2001:db8::7"};
  return entry;
}

TEST(PkiIndex, IsReadAsItWasWritten) {
  PkiEntry ca = Alice();
  ca.kind = PkiKind::kAuthority;
  ca.role = "";
  ca.names = {"anchorage pki 0a1b2c3d"};
  const std::vector<PkiEntry> entries = {ca, Server(), Alice()};
  std::string text;
  for (const PkiEntry& entry : entries) text += ToLine(entry);
  const auto read = ReadPkiIndex(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, entries);
  EXPECT_TRUE(ReadPkiIndex("")->empty());
}

// One line is good; each row breaks one thing in it.
TEST(PkiIndex, HasNoLineThatItWouldNotWrite) {
  struct Row {
    std::string from;
    std::string to;
  };
  const std::vector<Row> rows = {
      {"\n", ""},
      {"\n", "\n\n"},
      {"\n", "\r\n"},
      {"2027-", "02027-"},
      {"Z ", "+00:00 "},
      {"Z ", ".5Z "},
      {"Z ", "Z  "},
      {kSerial, kSerial.substr(1)},
      {kSerial, std::string(32, 'A')},
      {kSha256, kSha256 + "1"},
      {" person ", " Person "},
      {" person ", " server "},
      {" person ", " robot "},
      {" approver ", " - "},
      {" approver ", " root "},
      {"Alice Example", ""},
      {"Alice Example", "Alice Example "},
      {"Alice Example", "<b>"},
      {"Alice Example", "../alice"},
  };
  const std::string line = ToLine(Alice());
  ASSERT_TRUE(ReadPkiIndex(line).ok());
  for (const Row& row : rows) {
    const std::string broken = absl::StrReplaceAll(line, {{row.from, row.to}});
    ASSERT_NE(broken, line) << row.from;
    EXPECT_TRUE(absl::IsDataLoss(ReadPkiIndex(broken).status())) << broken;
  }
  for (const std::string& hosts : {std::string("a,,b"), std::string(","),
                                   std::string("a,"), std::string("*.a")}) {
    PkiEntry server = Server();
    server.names = {hosts};
    EXPECT_TRUE(absl::IsDataLoss(ReadPkiIndex(ToLine(server)).status()))
        << hosts;
  }
}

TEST(PkiIndex, SaysWhichLineIsBad) {
  const auto read = ReadPkiIndex(absl::StrCat(ToLine(Alice()), "x\n"));
  EXPECT_NE(read.status().message().find("line 2"), std::string::npos);
}

}  // namespace
}  // namespace anchorage::trustctl
