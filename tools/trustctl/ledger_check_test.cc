#include "tools/trustctl/ledger_check.h"

#include <gtest/gtest.h>

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
        R"({"index":0,"record":"?"})", R"({"index":0,"record":"YQ==","x":1})",
        R"({"index":0,"record":"YQ=="} x)"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseLedgerLine(text).status()))
        << text;
  }
}

}  // namespace
}  // namespace anchorage::trustctl
