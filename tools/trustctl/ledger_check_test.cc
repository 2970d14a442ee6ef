#include "tools/trustctl/ledger_check.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace anchorage::trustctl {
namespace {

const std::vector<std::string> kRecords = {"a", "b", "c", "d", "e"};

KeptHead HeadOf(const std::vector<std::string>& records) {
  anchors::MerkleFrontier tree;
  for (const std::string& record : records) {
    tree.Append(anchors::LeafHash(record));
  }
  return {tree.size(), tree.Root()};
}

KeptHead HeadOfFirst(std::size_t size) {
  return HeadOf({kRecords.begin(), kRecords.begin() + size});
}

// What comes of `records` against `heads`.
absl::Status Check(const std::vector<std::string>& records,
                   std::vector<KeptHead> heads) {
  LedgerCheck check(std::move(heads));
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (absl::Status s = check.Add(i, records[i]); !s.ok()) return s;
  }
  return check.Finish();
}

void ExpectCaught(const std::vector<std::string>& records) {
  const absl::Status status = Check(records, {HeadOfFirst(5)});
  EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
}

TEST(LedgerCheck, AcceptsWhatEveryHeadCommitsTo) {
  for (std::size_t size = 0; size <= kRecords.size(); ++size) {
    EXPECT_TRUE(Check(kRecords, {HeadOfFirst(size), HeadOfFirst(5)}).ok());
  }
}

TEST(LedgerCheck, CatchesEveryKindOfChange) {
  ExpectCaught({"a", "b", "x", "d", "e"});
  ExpectCaught({"a", "b", "d", "c", "e"});
  ExpectCaught({"a", "b", "c", "d"});
  ExpectCaught({"a", "c", "d", "e"});
  ExpectCaught({"a", "x", "b", "c", "d", "e"});
  ExpectCaught({});
}

TEST(LedgerCheck, CatchesAChangeThatTheServerNowCommitsTo) {
  const std::vector<std::string> changed = {"a", "x", "c", "d", "e", "f"};
  EXPECT_TRUE(Check(changed, {HeadOf(changed)}).ok());
  EXPECT_TRUE(absl::IsUnauthenticated(
      Check(changed, {HeadOf(changed), HeadOfFirst(3)})));
}

TEST(LedgerCheck, CatchesAGap) {
  LedgerCheck check({});
  EXPECT_TRUE(check.Add(0, "a").ok());
  EXPECT_TRUE(absl::IsUnauthenticated(check.Add(2, "c")));
  EXPECT_TRUE(absl::IsUnauthenticated(check.Add(0, "a")));
}

TEST(LedgerCheck, RefusesAWrongHeadOfNothing) {
  KeptHead head = HeadOfFirst(0);
  head.root[0] ^= 1;
  EXPECT_TRUE(absl::IsUnauthenticated(Check(kRecords, {head})));
}

TEST(Head, IsReadAsItIsWritten) {
  const KeptHead head = HeadOfFirst(3);
  const auto read = ParseHead(ToString(head));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->size, 3u);
  EXPECT_EQ(read->root, head.root);
}

TEST(Head, IsRefusedInAnyOtherForm) {
  const std::string root(64, '0');
  for (const std::string& text :
       {std::string(), root, ":" + root, std::string("3:"), "x:" + root,
        "-1:" + root, "3:" + root + "00", "3:" + root.substr(2),
        "3:" + root.substr(1) + "g", "3:" + root + ":"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseHead(text).status())) << text;
  }
}

TEST(Line, IsReadAsItIsWritten) {
  const LedgerLine line{7, std::string("\0\xff\n\"", 4)};
  const auto read = ParseLedgerLine(ToText(line));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->index, 7u);
  EXPECT_EQ(read->record, line.record);
}

TEST(Line, IsRefusedInAnyOtherForm) {
  for (const char* text :
       {"", "{}", "[]", "7", R"({"index":0})", R"({"record":"YQ=="})",
        R"({"index":-1,"record":"YQ=="})", R"({"index":"0","record":"YQ=="})",
        R"({"index":0,"record":"?"})", R"({"index":0,"record":"YQ=="} x)"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseLedgerLine(text).status()))
        << text;
  }
}

// As LedgerRecord begins.
const std::vector<std::string> kWritten = {
    std::string("\x0a\x02\x08\x01"), std::string("\x0a\x00{\"", 4),
    // Its length is that of a brace.
    std::string("\x0a") + std::string(122, 'x'), std::string(300, 'y')};

std::string Written(const std::vector<std::string>& records,
                    const std::string& format) {
  std::string text;
  for (std::size_t i = 0; i < records.size(); ++i) {
    text += format == "protobuf" ? Delimited(records[i])
                                 : ToText({i, records[i]}) + "\n";
  }
  return text;
}

struct ReadBack {
  std::vector<std::string> records;
  absl::Status status;
};

ReadBack Read(const std::string& text) {
  std::istringstream in(text);
  ReadBack back;
  back.status = ReadRecords(
      in, "file", [&](std::uint64_t index, const std::string& record) {
        EXPECT_EQ(index, back.records.size());
        back.records.push_back(record);
        return absl::OkStatus();
      });
  return back;
}

TEST(LedgerFile, IsReadInEveryFormThatIsWritten) {
  for (std::size_t first = 0; first < kWritten.size(); ++first) {
    // Each of them once as the first.
    const std::vector<std::string> records(kWritten.begin() + first,
                                           kWritten.end());
    for (const char* format : {"base64", "protobuf"}) {
      const ReadBack back = Read(Written(records, format));
      EXPECT_TRUE(back.status.ok()) << back.status;
      EXPECT_EQ(back.records, records) << format;
    }
  }
  EXPECT_TRUE(Read("").status.ok());
}

TEST(LedgerFile, MoreMembersOfALineAreForPeople) {
  const ReadBack back =
      Read(R"({"index":0,"time":"now","words":"x","record":"YQ=="})"
           "\n");
  EXPECT_TRUE(back.status.ok()) << back.status;
  EXPECT_EQ(back.records, std::vector<std::string>{"a"});
}

TEST(LedgerFile, ThatIsCutOrNoneIsRefused) {
  const std::string whole = Written(kWritten, "protobuf");
  for (const std::string& bad :
       {whole.substr(0, whole.size() - 1), whole.substr(0, whole.size() - 300),
        std::string("\xff\xff\xff\xff\xff\xff"),
        // Longer than a record.
        std::string("\x81\x80\x40") + std::string(1 << 20, 'x') + "x",
        std::string("{}\n"), std::string("{\n"), std::string("hello\n"),
        std::string(R"({"index":0,"record":7})"),
        "{" + std::string(3 << 20, ' ') + "}"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Read(bad).status)) << bad.substr(0, 9);
  }
}

TEST(LedgerFile, ThatIsCutBetweenRecordsIsCaughtByItsHead) {
  const ReadBack back =
      Read(Written({kWritten.begin(), kWritten.end() - 1}, "protobuf"));
  ASSERT_TRUE(back.status.ok());
  EXPECT_TRUE(absl::IsUnauthenticated(Check(back.records, {HeadOf(kWritten)})));
}

}  // namespace
}  // namespace anchorage::trustctl
