#include "trustd/config_manual.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "absl/strings/match.h"

namespace anchorage::trustd {
namespace {

using ::testing::HasSubstr;

void Visit(const std::vector<Setting>& settings,
           const std::function<void(const Setting&)>& visit) {
  for (const Setting& setting : settings) {
    visit(setting);
    Visit(setting.below, visit);
  }
}

const ConfigManual& Manual() {
  static const auto* const manual = new ConfigManual;
  return *manual;
}

const Setting& Find(const std::string& path) {
  const Setting* found = nullptr;
  Visit(Manual().settings(), [&](const Setting& setting) {
    if (setting.path == path) found = &setting;
  });
  EXPECT_NE(found, nullptr) << path;
  return *found;
}

TEST(ConfigManual, HasLimitsAndDefaultsAsTheyAreRead) {
  const Setting& interval = Find("sources[].interval");
  EXPECT_EQ(interval.type, Setting::Type::kDuration);
  EXPECT_EQ(interval.limits->least, 10);
  EXPECT_EQ(interval.limits->most, 7 * 24 * 3600);
  EXPECT_EQ(interval.defaults, std::vector<nlohmann::ordered_json>{"3600s"});
  EXPECT_EQ(Find("listen_address").defaults,
            std::vector<nlohmann::ordered_json>{"127.0.0.1:7443"});
  EXPECT_EQ(Find("reflection").defaults,
            std::vector<nlohmann::ordered_json>{true});
  EXPECT_EQ(Find("allow_plaintext").defaults,
            std::vector<nlohmann::ordered_json>{false});
  EXPECT_EQ(Find("log.level").defaults,
            std::vector<nlohmann::ordered_json>{"LEVEL_INFO"});
  // It depends on the kind of source.
  EXPECT_EQ(Find("sources[].max_bytes").defaults,
            (std::vector<nlohmann::ordered_json>{4194304, 65536}));
  EXPECT_TRUE(Find("data_dir").defaults.empty());
  EXPECT_TRUE(Find("data_dir").is_required);
  EXPECT_FALSE(Find("listen_address").is_required);
}

// What the comment promises is what is read: a setting that says "Default" and
// has none was not filled in, and `--print-config` would not show it.
TEST(ConfigManual, FillsInEveryDefaultThatACommentNames) {
  const std::set<std::string> depends = {
      "admin.people[].certificate_sha256[]",  // any of the CA's
      "admin.unix_socket.group",              // the process's own
      "alerts.console_url",                   // none
      "ceremony_dir",                         // of MODE_OFFLINE alone
      "initial_catalog_path",                 // what trustd is built with
      "rotations.rules[].hold",               // of one action alone
      "sources[].upstream.targets_url",       // in another setting
  };
  Visit(Manual().settings(), [&](const Setting& setting) {
    if (!absl::StrContains(setting.comment, "Default") ||
        setting.type == Setting::Type::kSettings ||
        depends.count(setting.path) != 0) {
      return;
    }
    EXPECT_FALSE(setting.defaults.empty()) << setting.path;
  });
}

TEST(ConfigManual, ExplainsASetting) {
  for (const char* path : {"sources[].interval", "sources.interval",
                           "sources[3].interval", "sources[aws].interval"}) {
    const auto text = Manual().Explain(path);
    ASSERT_TRUE(text.ok()) << text.status();
    EXPECT_THAT(*text, HasSubstr("sources[].interval: seconds, from 10s to "
                                 "604800s, default 3600s\n"));
    EXPECT_THAT(*text, HasSubstr("The time between two looks"));
  }
}

TEST(ConfigManual, ExplainsTheValuesOfAName) {
  const auto text = Manual().Explain("mode");
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(*text, HasSubstr("  MODE_OFFLINE\n      trustd holds the key"));
  EXPECT_THAT(*text, Not(HasSubstr("MODE_UNSPECIFIED")));
}

TEST(ConfigManual, ExplainsAGroupAndWhatIsInIt) {
  const auto text = Manual().Explain("rotations");
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(*text, HasSubstr("rotations.overlap: seconds, from 86400s"));
}

TEST(ConfigManual, SaysWhatMayHaveBeenMeant) {
  const auto suggests = [](const char* given, const char* meant) {
    const auto text = Manual().Explain(given);
    EXPECT_TRUE(absl::IsNotFound(text.status()));
    EXPECT_THAT(std::string(text.status().message()),
                HasSubstr(std::string("(did you mean '") + meant));
  };
  suggests("rotation.overlap", "rotations.overlap'");
  suggests("lisen_address", "listen_address'");
  suggests("overlap", "rotations.overlap'");
  suggests("timeout", "sources.timeout'");
  const auto nothing = Manual().Explain("zebra");
  EXPECT_EQ(nothing.status().message(), "there is no setting 'zebra'");
  EXPECT_FALSE(Manual().Explain("").ok());
  EXPECT_FALSE(Manual().Explain(std::string(1 << 20, '[')).ok());
}

TEST(ConfigManual, ListsEverySetting) {
  const std::string list = Manual().List();
  Visit(Manual().settings(), [&](const Setting& setting) {
    EXPECT_THAT("\n" + list, HasSubstr("\n" + setting.path + ": "));
    EXPECT_FALSE(setting.comment.empty()) << setting.path;
  });
}

TEST(ConfigManual, MakesASchemaThatKnowsEveryKey) {
  const auto schema = nlohmann::json::parse(Manual().JsonSchema());
  EXPECT_EQ(schema["required"], nlohmann::json({"data_dir", "mode"}));
  EXPECT_EQ(schema["additionalProperties"], false);
  const auto& sources = schema["properties"]["sources"];
  EXPECT_EQ(sources["type"], "array");
  const auto& source = sources["items"]["properties"];
  EXPECT_EQ(source["interval"]["pattern"], "^[0-9]+s$");
  EXPECT_EQ(source["max_bytes"]["minimum"], 1024);
  EXPECT_EQ(sources["items"]["oneOf"].size(), 5u);
  EXPECT_EQ(schema["properties"]["mode"]["enum"],
            nlohmann::json({"MODE_ONLINE", "MODE_OFFLINE"}));
}

}  // namespace
}  // namespace anchorage::trustd
