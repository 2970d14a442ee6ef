#include "tools/trustctl/output.h"

#include <gtest/gtest.h>

#include <string>

#include "anchors/base/yaml_tree.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

ordered_json Facts() {
  return {{"slots",
           {{{"region", "eu-west-1"}, {"key", {{"id", "17"}}}, {"uses", 3}},
            {{"region", "us-gov-west-1"}, {"key", {{"id", "9"}}}}}},
          {"total", 2}};
}

const Shape& Slots() {
  static const Shape& shape = *new Shape{
      .rows = "slots",
      .columns = {{"REGION", "/region"}, {"KEY", "/key/id"}, {"USES", "/uses"}},
      .name = "/key/id"};
  return shape;
}

TEST(Output, TableHasAHeadAndAlignedColumns) {
  EXPECT_EQ(TextOfTable(Facts(), Slots(), {}),
            "REGION         KEY  USES\n"
            "eu-west-1      17   3\n"
            "us-gov-west-1  9    -\n");
}

TEST(Output, TableGoesWithoutItsHead) {
  EXPECT_EQ(TextOfTable(Facts(), Slots(), {.headers = false}),
            "eu-west-1      17  3\n"
            "us-gov-west-1  9   -\n");
}

TEST(Output, TableFitsATerminal) {
  EXPECT_EQ(TextOfTable(Facts(), Slots(), {.width = 20}),
            "REGION     KEY  USES\n"
            "eu-west-1  17   3\n"
            "us-gov...  9    -\n")
      << "the widest column is cut";
}

TEST(Output, TableIsCutNoFurtherThanCanBeRead) {
  EXPECT_EQ(TextOfTable(Facts(), Slots(), {.width = 1}),
            "REGION    KEY  USES\n"
            "eu-we...  17   3\n"
            "us-go...  9    -\n");
}

TEST(Output, OnlyTheHeadOfATableIsPainted) {
  EXPECT_EQ(
      TextOfTable({{"a", "x"}}, {.columns = {{"A", "/a"}}}, {.colour = true}),
      "\x1b[1mA\x1b[0m\nx\n");
}

TEST(Output, TableWithoutColumnsHasALineForEachFact) {
  EXPECT_EQ(TextOfTable({{"a", {{"b", true}, {"c", {"x", "y"}}}},
                         {"d", ordered_json::array()}},
                        {}, {.headers = false}),
            "a.b  true\n"
            "a.c  x,y\n"
            "d    -\n");
}

TEST(Output, CellsThatOthersWroteAreEscaped) {
  EXPECT_EQ(TextOfTable({{"a", "x\n\x1b[2Jy\u202ez"}},
                        {.columns = {{"A", "/a"}}}, {.headers = false}),
            "x\\n\\x1b[2Jy\\u202ez\n");
}

TEST(Output, NamesAreOneALine) {
  EXPECT_EQ(TextOfNames(Facts(), Slots()), "17\n9\n");
}

TEST(Output, NameOfOneThing) {
  EXPECT_EQ(TextOfNames({{"id", "17"}}, {.name = "/id"}), "17\n");
}

TEST(Output, NoRowsAreNoNames) {
  EXPECT_EQ(TextOfNames({{"slots", ordered_json::array()}}, Slots()), "");
  EXPECT_EQ(TextOfNames(ordered_json::object(), Slots()), "");
}

TEST(Output, JsonBeginsWithTheVersionOfItsSchema) {
  EXPECT_EQ(TextOfJson({{"a", "\u202e"}}),
            "{\n  \"schema_version\": 1,\n  \"a\": \"\\u202e\"\n}\n");
}

TEST(Output, JsonOfBytesThatAreNoTextIsJson) {
  EXPECT_TRUE(ordered_json::accept(TextOfJson({{"a", "\xff"}})));
}

TEST(Output, YamlHasTheFactsOfJsonAndTextsInQuotes) {
  EXPECT_EQ(TextOfYaml({{"id", "17"},
                        {"region", "no"},
                        {"n", 3},
                        {"list", {true, nullptr}},
                        {"bad", "\u202e\n"},
                        {"none", ordered_json::array()}}),
            "---\n"
            "schema_version: 1\n"
            "id: \"17\"\n"
            "region: \"no\"\n"
            "n: 3\n"
            "list:\n"
            "  - true\n"
            "  - null\n"
            "bad: \"\\u202e\\n\"\n"
            "none:\n"
            "  []\n");
}

TEST(Output, YamlCanBeRead) {
  EXPECT_TRUE(anchors::ParseYaml(TextOfYaml(Facts()), "facts").ok());
}

struct Command {
  Command() {
    output.AddWatchedTo(app);
    app.add_option("id", id)->required();
  }
  bool Parses(const std::string& line) {
    try {
      app.parse(line, false);
      return true;
    } catch (const CLI::ParseError&) {
      return false;
    }
  }
  CLI::App app;
  Output output;
  std::string id;
};

TEST(Output, WatchTakesADurationOrNone) {
  EXPECT_TRUE(Command().Parses("--watch 17"));
  EXPECT_TRUE(Command().Parses("17 --watch"));
  EXPECT_TRUE(Command().Parses("17 --watch 5s"));
  EXPECT_TRUE(Command().Parses("17 --watch=5m --output yaml"));
  EXPECT_FALSE(Command().Parses("17 --watch 0s"));
  EXPECT_FALSE(Command().Parses("17 --watch 10ms"));
}

TEST(Output, WatchEndsWithTheFirstFailure) {
  Command command;
  ASSERT_TRUE(command.Parses("17 --watch=1s"));
  EXPECT_EQ(RunAsAsked(command.app, [] { return kUnreadable; }), kUnreadable);
}

TEST(Output, WhatIsNotWatchedRunsOnce) {
  Command command;
  ASSERT_TRUE(command.Parses("17"));
  int runs = 0;
  EXPECT_EQ(RunAsAsked(command.app,
                       [&runs] {
                         ++runs;
                         return kAccepted;
                       }),
            kAccepted);
  EXPECT_EQ(runs, 1);
}

TEST(Output, NamesAreTakenAsAnyVersionPrintsThem) {
  const CLI::Validator kinds =
      OneOf({"iid-rsa2048", "nitro-root"}, "ANCHOR_KIND_");
  for (std::string given : {"iid-rsa2048", "IID_RSA2048", "iid_Rsa2048",
                            "ANCHOR_KIND_IID_RSA2048"}) {
    EXPECT_EQ(kinds(given), "");
    EXPECT_EQ(given, "iid-rsa2048");
  }
  std::string other = "ANCHOR_KIND_";
  EXPECT_NE(kinds(other), "");
}

}  // namespace
}  // namespace anchorage::trustctl
