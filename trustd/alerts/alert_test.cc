#include "trustd/alerts/alert.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace anchorage::trustd {
namespace {

Alert Good() {
  return {.kind = AlertKind::kRotationDetected,
          .time = absl::FromUnixSeconds(1'800'000'000),
          .subject = "aws/eu-central-1/iid-rsa2048",
          .text = "another key\n\"seen\"",
          .facts = {{"rotation", "17"}, {"class", "RE_KEY"}}};
}

TEST(Alert, HasTheNamesThatReceiversKnow) {
  const char* names[] = {
      "ROTATION_DETECTED", "ROTATION_HELD_TOO_LONG", "ROTATION_PUBLISHED",
      "SOURCE_FAILING",    "SOURCE_RECOVERED",       "BUNDLE_ENDS_SOON",
      "LEDGER_DAMAGED",    "FLEET_FAILURES",         "STORE_WENT_BACK",
      "STORE_ACCEPTED",    "SIGNERS_REMOVED",        "NEWER_TIMESTAMP_CLAIMED",
      "DATED_AHEAD",       "ANCHOR_CHANGED",         "APPROVALS_VOID",
      "CLOCK_JUMPED"};
  ASSERT_EQ(AllAlertKinds().size(), std::size(names));
  for (const AlertKind kind : AllAlertKinds()) {
    const char* name = names[static_cast<int>(kind)];
    EXPECT_EQ(NameOf(kind), name);
    EXPECT_EQ(AlertKindNamed(name), kind);
  }
  EXPECT_EQ(AlertKindNamed("rotation_detected"), std::nullopt);
  EXPECT_EQ(AlertKindNamed(""), std::nullopt);
}

// The configuration refers to the manual's table.
TEST(Alert, HasARowInTheManual) {
  std::ifstream file("trustd/alerts/README.md");
  std::vector<std::string> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| `")) rows.push_back(line);
    if (line.empty() && !rows.empty()) break;
  }
  ASSERT_EQ(rows.size(), AllAlertKinds().size());
  for (const AlertKind kind : AllAlertKinds()) {
    const char* levels[] = {"info", "warning", "error"};
    const std::string start = "| `" + std::string(NameOf(kind)) + "` | " +
                              levels[static_cast<int>(UrgencyOf(kind))] + " |";
    EXPECT_TRUE(rows[static_cast<std::size_t>(kind)].starts_with(start))
        << start;
  }
}

TEST(Alert, IsWrittenAsTheManualSays) {
  EXPECT_EQ(AlertBody(Good(), "00ff"),
            R"({"id":"00ff","kind":"ROTATION_DETECTED",)"
            R"("time":"2027-01-15T08:00:00Z",)"
            R"("subject":"aws/eu-central-1/iid-rsa2048",)"
            R"("text":"another key\n\"seen\"",)"
            R"("facts":{"class":"RE_KEY","rotation":"17"}})");
  Alert bare = Good();
  bare.facts.clear();
  EXPECT_TRUE(AlertBody(bare, "1").ends_with(R"("facts":{}})"));
}

TEST(Alert, CutsALongTextBetweenCharacters) {
  Alert alert = Good();
  alert.text = std::string(kMaxAlertTextBytes, 'a');
  EXPECT_EQ(nlohmann::json::parse(AlertBody(alert, "1"))["text"], alert.text);
  // The last of these has its two bytes on both sides of the limit.
  alert.text = std::string(kMaxAlertTextBytes - 1, 'a') + "\xc3\xa9" + "b";
  EXPECT_EQ(nlohmann::json::parse(AlertBody(alert, "1"))["text"],
            std::string(kMaxAlertTextBytes - 1, 'a'));
}

TEST(Alert, IsUtf8WhateverIsInIt) {
  Alert alert = Good();
  alert.text = "a\xff";
  EXPECT_EQ(nlohmann::json::parse(AlertBody(alert, "1"))["text"],
            "a\xef\xbf\xbd");
}

TEST(Alert, KeepsItsTime) {
  Alert alert = Good();
  EXPECT_EQ(TimeOfAlertBody(AlertBody(alert, "1")), alert.time);
  alert.time += absl::Milliseconds(250);
  EXPECT_EQ(TimeOfAlertBody(AlertBody(alert, "1")), alert.time);
  for (const char* other :
       {"", "[]", "{}", R"({"time":1})", R"({"time":"now"})", R"({"time":)"}) {
    EXPECT_EQ(TimeOfAlertBody(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace anchorage::trustd
