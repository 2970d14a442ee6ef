#include "verify/image/manifest.h"

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "test/support/fake_producer.h"
#include "verify/image/image_error.h"

namespace anchorage::verify {
namespace {

using test::SmallManifest;

std::string Text(const ImageManifest& manifest) {
  const auto text = SerializePredicate(manifest);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.value_or("");
}

std::optional<ImageReason> Refusal(std::string_view text) {
  return ImageReasonOf(ParsePredicate(text).status());
}

TEST(Manifest, HasOneText) {
  ImageManifest manifest = SmallManifest();
  manifest.entries.resize(1);
  manifest.exclusions = {"var/\xff"};
  EXPECT_EQ(
      Text(manifest),
      R"({"entries":[{"device":"character 1:3","gid":0,"mode":"0666",)"
      R"("name":"dev/null","type":"special","uid":0}],)"
      R"("exclusions":[{"name_b64":"dmFyL/8="}],"on_mismatch":"power-off",)"
      R"("product":"ledger","scope":"everything",)"
      R"("time":"2026-11-30T00:00:00Z","version":"2026.11.30"})");
}

TEST(Manifest, IsReadAsItWasWritten) {
  const ImageManifest manifest = SmallManifest();
  const auto again = ParsePredicate(Text(manifest));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, manifest);
}

// Reads `text` while all of it that was read is overwritten.
absl::StatusOr<ImageManifest> ReadOnce(std::string text) {
  return ParsePredicate(text, [&](std::string_view read) {
    text.replace(0, read.size(), read.size(), 'x');
  });
}

TEST(Manifest, WhatWasReadIsNotNeeded) {
  const ImageManifest manifest = SmallManifest();
  const auto again = ReadOnce(Text(manifest));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, manifest);
  for (const auto& [from, to] :
       {std::pair("\"0666\"", "\"666\""), std::pair("\"4755\"", "\"04755\""),
        std::pair("var/log", "var\\/log"), std::pair("dev/null", "")}) {
    const std::string bad = absl::StrReplaceAll(Text(manifest), {{from, to}});
    EXPECT_FALSE(ReadOnce(bad).ok()) << to;
    EXPECT_EQ(ReadOnce(bad).status(), ParsePredicate(bad).status());
  }
}

TEST(Manifest, NamesWithControlCharactersAreInBase64) {
  for (const char* name :
       {"a\nb", "a\x1b[2Jb", "a\x7f", "a\xc2\x85", "\xc3", "a\t"}) {
    ImageManifest manifest = SmallManifest();
    manifest.entries.resize(1);
    manifest.entries[0].name = name;
    const std::string text = Text(manifest);
    EXPECT_NE(text.find("name_b64"), text.npos) << text;
    EXPECT_EQ(*ParsePredicate(text), manifest);
  }
  ImageManifest manifest = SmallManifest();
  manifest.entries.resize(1);
  manifest.entries[0].name = "m\xc3\xbcller \xc2\xa0";
  EXPECT_EQ(Text(manifest).find("name_b64"), std::string::npos);
}

// Each replaces something once in the text of a good manifest.
struct TextCase {
  const char* from;
  const char* to;
  ImageReason reason;
};

TEST(Manifest, RefusesAnyOtherText) {
  const std::string good = Text(SmallManifest());
  ASSERT_TRUE(ParsePredicate(good).ok());
  constexpr ImageReason kMalformed = ImageReason::kManifestMalformed;
  constexpr ImageReason kOtherForm = ImageReason::kManifestNotCanonical;
  const TextCase cases[] = {
      // JSON.
      {"{\"entries\"", "[\"entries\"", kMalformed},
      {"\"version\":\"2026.11.30\"}", "\"version\":\"2026.11.30\"", kMalformed},
      {"\"version\":\"2026.11.30\"}", "\"version\":\"2026.11.30\"} x",
       kMalformed},
      {"\"gid\":10", "\"gid\":10,\"gid\":10", kMalformed},
      {"\"scope\":\"everything\"",
       "\"scope\":\"everything\",\"scope\":\"code\"", kMalformed},
      // Members.
      {"\"scope\":\"everything\",", "", kOtherForm},
      {"\"scope\":\"everything\",", "\"scope\":\"everything\",\"shell\":1,",
       kMalformed},
      {"\"gid\":10,", "\"gid\":10,\"mtime\":1,", kMalformed},
      {"\"product\":\"ledger\",\"scope\":\"everything\"",
       "\"scope\":\"everything\",\"product\":\"ledger\"", kMalformed},
      {",\"size\":72000", "", kOtherForm},
      {"\"type\":\"directory\"", "\"target\":\"x\",\"type\":\"directory\"",
       kMalformed},
      {"\"mode\":\"1777\",", "", kOtherForm},
      {"\"name\":\"tmp\",", "", kMalformed},
      {"\"name\":\"tmp\"", "\"name\":\"tmp\",\"name_b64\":\"dG1w\"",
       kOtherForm},
      // Spellings.
      {"{\"entries\"", "{ \"entries\"", kOtherForm},
      {"\"version\":\"2026.11.30\"}", "\"version\":\"2026.11.30\"}\n",
       kOtherForm},
      {"\"name\":\"tmp\"", "\"name\":\"\\u0074mp\"", kOtherForm},
      {"\"name\":\"tmp\"", "\"name_b64\":\"dG1w\"", kOtherForm},
      {"\"mode\":\"1777\"", "\"mode\":\"01777\"", kOtherForm},
      {"\"sha256\":\"5a", "\"sha256\":\"5A", kOtherForm},
      {"\"time\":\"2026-11-30T00:00:00Z\"", "\"time\":\"2026-11-30T0:0:0Z\"",
       kOtherForm},
      {"\"version\":\"2026.11.30\"", "\"version\":\"2026.11.030\"",
       ImageReason::kVersionMalformed},
      // Values.
      {"\"gid\":10", "\"gid\":-1", kMalformed},
      {"\"gid\":10", "\"gid\":4294967296", kMalformed},
      {"\"gid\":10", "\"gid\":1e1", kMalformed},
      {"\"gid\":10", "\"gid\":\"10\"", kMalformed},
      {"\"size\":72000", "\"size\":9007199254740992", kMalformed},
      {"\"size\":72000", "\"size\":18446744073709551616", kMalformed},
      {"\"mode\":\"1777\"", "\"mode\":\"1778\"", kMalformed},
      {"\"mode\":\"1777\"", "\"mode\":\"11777\"", kMalformed},
      {"\"mode\":\"1777\"", "\"mode\":1777", kMalformed},
      {"\"sha256\":\"5a5a", "\"sha256\":\"5a", kMalformed},
      {"\"sha256\":\"5a", "\"sha256\":\"0x", kMalformed},
      {"\"type\":\"directory\"", "\"type\":\"folder\"", kMalformed},
      {"\"class\":\"elf\"", "\"class\":\"exe\"", kMalformed},
      {"\"scope\":\"everything\"", "\"scope\":\"most\"", kMalformed},
      {"\"on_mismatch\":\"power-off\"", "\"on_mismatch\":\"ignore\"",
       kMalformed},
      {"\"product\":\"ledger\"", "\"product\":\"\"", kMalformed},
      {"\"product\":\"ledger\"", "\"product\":\"led ger\"", kMalformed},
      {"\"device\":\"character 1:3\"", "\"device\":\"character 1:03\"",
       kMalformed},
      {"\"device\":\"character 1:3\"", "\"device\":\"disk\"", kMalformed},
      {"2026-11-30T00:00:00Z", "2026-11-31T00:00:00Z", kMalformed},
      {"2026-11-30T00:00:00Z", "1969-12-31T23:59:59Z", kMalformed},
      {"\"package\":\"dpkg:", "\"package\":\"dpkg ", kMalformed},
      // Names and order.
      {"\"name\":\"tmp\"", "\"name\":\"usr/bin/su\"", kMalformed},
      {"\"name\":\"tmp\"", "\"name\":\"a\"", kMalformed},
      {"\"name\":\"tmp\"", "\"name\":\"/tmp\"", kMalformed},
      {"\"name\":\"tmp\"", "\"name\":\"tmp/\"", kMalformed},
      {"\"name\":\"tmp\"", "\"name\":\"t/../tmp\"", kMalformed},
      {"\"name\":\"tmp\"", "\"name\":\"t//mp\"", kMalformed},
      {"\"name\":\"tmp\"", "\"name\":\"\"", kMalformed},
      {"[{\"name\":\"var/cache\"}", "[{\"name\":\"tmp\"}", kMalformed},
      {"[{\"name\":\"var/cache\"}", "[{\"name\":\"usr/bin\"}", kMalformed},
      {"[{\"name\":\"var/cache\"}", "[{\"name\":\"var\"}", kMalformed},
      {"[{\"name\":\"var/cache\"}", "[{\"name\":\"var/tmp\"}", kMalformed},
      {"[{\"name\":\"var/cache\"}", "[{\"name\":\"var/*/..\"}", kMalformed},
  };
  for (const TextCase& c : cases) {
    std::string text = good;
    const std::size_t at = text.find(c.from);
    ASSERT_NE(at, text.npos) << c.from;
    text.replace(at, std::string_view(c.from).size(), c.to);
    EXPECT_EQ(Refusal(text), c.reason)
        << c.from << " -> " << c.to << ": " << ParsePredicate(text).status();
  }
}

TEST(Manifest, RefusesEveryPrefix) {
  const std::string good = Text(SmallManifest());
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(ParsePredicate(good.substr(0, size)).ok()) << size;
  }
}

TEST(Manifest, RefusesAnEmptyList) {
  const std::string text =
      R"({"entries":[],"exclusions":[],"on_mismatch":"power-off",)"
      R"("product":"ledger","scope":"code","time":"2026-11-30T00:00:00Z",)"
      R"("version":"1"})";
  EXPECT_EQ(Refusal(text), ImageReason::kManifestMalformed);
}

// Each breaks one rule of a manifest that is about to be written.
TEST(Manifest, IsNotWrittenAgainstItsRules) {
  using Break = std::function<void(ImageManifest&)>;
  const Break breaks[] = {
      [](ImageManifest& m) { m.product.clear(); },
      [](ImageManifest& m) { m.product.assign(kMaxProductBytes + 1, 'a'); },
      [](ImageManifest& m) { m.product = "\n"; },
      [](ImageManifest& m) { m.time = absl::InfinitePast(); },
      [](ImageManifest& m) { m.time += absl::Milliseconds(1); },
      [](ImageManifest& m) { m.entries.clear(); },
      [](ImageManifest& m) { m.content_only = true; },
      [](ImageManifest& m) { std::swap(m.entries[0], m.entries[1]); },
      [](ImageManifest& m) { m.entries.push_back(m.entries.back()); },
      [](ImageManifest& m) { m.entries[0].target = "fifo 1:3"; },
      [](ImageManifest& m) { m.entries[1].name = std::string("a\0b", 3); },
      [](ImageManifest& m) {
        m.entries[1].name = std::string(kMaxNamePartBytes + 1, 'e');
      },
      [](ImageManifest& m) { m.entries[1].mode = 010000; },
      [](ImageManifest& m) { m.entries[1].target = "x"; },
      [](ImageManifest& m) { m.entries[2].size = 1; },
      [](ImageManifest& m) { m.entries[2].capability = "x"; },
      [](ImageManifest& m) { m.entries[2].file_class = FileClass::kElf; },
      [](ImageManifest& m) {
        m.entries[3].capability.assign(kMaxCapabilityBytes + 1, 'x');
      },
      [](ImageManifest& m) { m.entries[3].package = "a b"; },
      [](ImageManifest& m) { m.entries[5].target.clear(); },
      [](ImageManifest& m) { m.entries[5].mode = 0755; },
      [](ImageManifest& m) {
        m.exclusions = {"b", "a"};
      },
      [](ImageManifest& m) {
        m.exclusions = {"a", "a"};
      },
      [](ImageManifest& m) {
        m.exclusions = {"a", "a!", "a/b"};
      },
      [](ImageManifest& m) { m.exclusions = {".."}; },
      [](ImageManifest& m) { m.exclusions = {"usr"}; },
  };
  for (std::size_t i = 0; i < std::size(breaks); ++i) {
    ImageManifest manifest = SmallManifest();
    breaks[i](manifest);
    EXPECT_EQ(ImageReasonOf(SerializePredicate(manifest).status()),
              ImageReason::kManifestMalformed)
        << i;
  }
}

TEST(Manifest, HasNoMoreThanItsLimits) {
  ImageManifest manifest = SmallManifest();
  for (std::size_t i = 0; i <= kMaxExclusions; ++i) {
    manifest.exclusions.push_back(absl::StrCat("w", 100'000 + i));
  }
  EXPECT_EQ(ImageReasonOf(SerializePredicate(manifest).status()),
            ImageReason::kManifestTooLarge);
}

TEST(Manifest, ExclusionsCoverWhatIsBelow) {
  const std::vector<std::string> exclusions = {"a b", "var/log", "var/log!"};
  EXPECT_TRUE(IsExcluded(exclusions, "var/log"));
  EXPECT_TRUE(IsExcluded(exclusions, "var/log/a/b"));
  EXPECT_TRUE(IsExcluded(exclusions, "a b"));
  EXPECT_FALSE(IsExcluded(exclusions, "var"));
  EXPECT_FALSE(IsExcluded(exclusions, "var/log2"));
  EXPECT_FALSE(IsExcluded(exclusions, "var/lo"));
  EXPECT_FALSE(IsExcluded(exclusions, "a"));
  EXPECT_FALSE(IsExcluded({}, "a"));
}

// The schema is written by hand: what it lists is what there is.
TEST(Manifest, TheSchemaHasTheSameWords) {
  std::ifstream file("verify/image/image-manifest-v1.schema.json");
  const nlohmann::json schema = nlohmann::json::parse(file);
  const auto words = [](const nlohmann::json& list) {
    return std::set<std::string>(list.begin(), list.end());
  };
  std::set<std::string> scopes, actions, classes;
  for (int i = 0; i <= static_cast<int>(ManifestScope::kMaxValue); ++i) {
    scopes.emplace(NameOf(static_cast<ManifestScope>(i)));
  }
  for (int i = 0; i <= static_cast<int>(MismatchAction::kMaxValue); ++i) {
    actions.emplace(NameOf(static_cast<MismatchAction>(i)));
  }
  for (int i = 0; i <= static_cast<int>(FileClass::kMaxValue); ++i) {
    classes.emplace(NameOf(static_cast<FileClass>(i)));
  }
  const nlohmann::json& members = schema["properties"];
  EXPECT_EQ(words(members["scope"]["enum"]), scopes);
  EXPECT_EQ(words(members["on_mismatch"]["enum"]), actions);
  EXPECT_EQ(words(schema["$defs"]["file"]["properties"]["class"]["enum"]),
            classes);
  EXPECT_EQ(members["entries"]["maxItems"], kMaxManifestEntries);
  EXPECT_EQ(members["exclusions"]["maxItems"], kMaxExclusions);
  // Each member that is written is in the schema.
  const nlohmann::json manifest = nlohmann::json::parse(Text(SmallManifest()));
  for (const auto& [member, value] : manifest.items()) {
    EXPECT_TRUE(members.contains(member)) << member;
  }
  for (const nlohmann::json& entry : manifest["entries"]) {
    const nlohmann::json& known =
        schema["$defs"][entry["type"].get<std::string>()]["properties"];
    for (const auto& [member, value] : entry.items()) {
      EXPECT_TRUE(known.contains(member)) << member;
    }
  }
}

TEST(Manifest, TheStricterActionIsTheGreater) {
  EXPECT_LT(MismatchAction::kContinue, MismatchAction::kEmergency);
  EXPECT_LT(MismatchAction::kEmergency, MismatchAction::kPowerOff);
}

}  // namespace
}  // namespace anchorage::verify
