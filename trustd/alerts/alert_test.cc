#include "trustd/alerts/alert.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"

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
  const char* names[] = {"ROTATION_DETECTED",  "ROTATION_HELD_TOO_LONG",
                         "ROTATION_PUBLISHED", "SOURCE_FAILING",
                         "SOURCE_RECOVERED",   "BUNDLE_ENDS_SOON",
                         "LEDGER_DAMAGED",     "FLEET_FAILURES",
                         "STORE_WENT_BACK",    "STORE_ACCEPTED",
                         "SIGNERS_REMOVED",    "NEWER_TIMESTAMP_CLAIMED",
                         "DATED_AHEAD",        "ANCHOR_CHANGED",
                         "APPROVALS_VOID",     "CLOCK_JUMPED",
                         "ROTATION_ENDED",     "REGION_WITHOUT_CERTIFICATE"};
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
                              levels[static_cast<int>(SeverityOf(kind))] + " |";
    EXPECT_TRUE(rows[static_cast<std::size_t>(kind)].starts_with(start))
        << start;
  }
}

// The sections of the manual by their headings, each up to the next.
std::map<std::string, std::string> SectionsOf(const std::string& path) {
  std::ifstream file(path);
  std::map<std::string, std::string> sections;
  std::string heading;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) heading = line.substr(3);
    sections[heading] += line + "\n";
  }
  return sections;
}

void ExpectAPage(const std::map<std::string, std::string>& sections,
                 const std::string& name) {
  const auto section = sections.find(name);
  ASSERT_NE(section, sections.end()) << name;
  for (const char* part : {"**Meaning.**", "**Look at**", "**Do"}) {
    EXPECT_NE(section->second.find(part), std::string::npos)
        << name << ": " << part;
  }
  int ignored = 0;
  for (const char* part : {"**Do nothing** ", "**Never ignore it**",
                           "**Always safe to ignore**"}) {
    if (section->second.find(part) != std::string::npos) ++ignored;
  }
  EXPECT_EQ(ignored, 1) << name;
}

TEST(Alert, HasAPageInTheManualAsHasEachRule) {
  const auto sections = SectionsOf("trustd/alerts/ALERTS.md");
  for (const AlertKind kind : AllAlertKinds()) {
    ExpectAPage(sections, std::string(NameOf(kind)));
  }
  std::ifstream rules("trustd/prometheus/alerts.rules.yaml");
  std::string rule;
  int count = 0;
  for (std::string line; std::getline(rules, line);) {
    const std::string begin = "      - alert: ";
    if (line.starts_with(begin)) {
      rule = line.substr(begin.size());
      ExpectAPage(sections, rule);
      ++count;
    }
    const std::size_t manual = line.find("manual: ");
    if (manual == line.npos) continue;
    EXPECT_EQ(line.substr(manual), "manual: \"" + std::string(kAlertManual) +
                                       "#" + absl::AsciiStrToLower(rule) +
                                       "\"");
  }
  EXPECT_GT(count, 10);
  // And none is of something that there is no more.
  EXPECT_EQ(sections.size(), 1 + AllAlertKinds().size() + count);
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

TEST(Alert, SaysWhatToDo) {
  for (const AlertKind kind : AllAlertKinds()) {
    Alert alert = Good();
    alert.kind = kind;
    EXPECT_GT(MeaningOf(alert).size(), 20u) << NameOf(kind);
    EXPECT_FALSE(MeaningOf(alert).ends_with('.')) << NameOf(kind);
  }
  EXPECT_EQ(ManualOf(AlertKind::kStoreWentBack),
            "/usr/share/doc/trustd/alerts/ALERTS.md#store_went_back");
  EXPECT_EQ(NameOf(SeverityOf(AlertKind::kRotationPublished)), "info");
  EXPECT_EQ(NameOf(SeverityOf(AlertKind::kRotationDetected)), "warning");
  EXPECT_EQ(NameOf(SeverityOf(AlertKind::kRotationHeldTooLong)), "critical");
  EXPECT_EQ(CommandOf(Good()), "trustctl rotations show 17");
}

// What clients refuse wakes people; what the policy publishes wakes nobody.
TEST(Alert, WakesPeopleForWhatOnlyTheyCanDecide) {
  Alert alert = Good();
  const auto severity_of = [&](AlertKind kind, const char* rotation_class) {
    alert.kind = kind;
    alert.facts["class"] = rotation_class;
    return SeverityOf(alert);
  };
  for (const char* now : {"RE_KEY", "ALGORITHM_CHANGE", "UNKNOWN_SIGNER"}) {
    EXPECT_EQ(severity_of(AlertKind::kRotationDetected, now),
              Severity::kCritical);
    EXPECT_EQ(severity_of(AlertKind::kApprovalsVoid, now), Severity::kCritical);
    EXPECT_EQ(severity_of(AlertKind::kRotationPublished, now), Severity::kInfo);
  }
  EXPECT_EQ(severity_of(AlertKind::kRotationDetected, "RE_ISSUE"),
            Severity::kInfo);
  EXPECT_EQ(severity_of(AlertKind::kApprovalsVoid, "RE_ISSUE"),
            Severity::kWarning);
  EXPECT_EQ(severity_of(AlertKind::kRotationHeldTooLong, "RE_ISSUE"),
            Severity::kCritical);
  for (const char* other : {"NEW_REGION", "REMOVAL", "", "re_key"}) {
    EXPECT_EQ(severity_of(AlertKind::kRotationDetected, other),
              Severity::kWarning)
        << other;
  }
  EXPECT_EQ(severity_of(AlertKind::kSourceFailing, "RE_KEY"),
            Severity::kWarning);
}

TEST(Alert, SaysWhoseInstancesWillBeRefused) {
  Alert alert = Good();
  EXPECT_TRUE(MeaningOf(alert).ends_with(
      ": people must decide, and instances of eu-central-1 are refused once "
      "AWS signs with it"));
  alert.subject = "aws/$(id)\n/iid-rsa2048";
  EXPECT_TRUE(MeaningOf(alert).ends_with(
      "instances of that place are refused once AWS signs with it"));
  alert.subject = "aws-cn//nitro-root";
  EXPECT_TRUE(MeaningOf(alert).ends_with(
      "instances of aws-cn are refused once AWS signs with it"));
  alert.facts["class"] = "RE_ISSUE";
  EXPECT_EQ(MeaningOf(alert),
            "A source or an instance shows a change that was not there before");
}

// Whoever copies it into a shell runs nothing of a source's.
TEST(Alert, PutsNothingThatAShellReadsIntoACommand) {
  for (const char* hostile : {"17; rm -rf /", "$(id)", "`id`", "1\n2", "",
                              "--help", "a b", "\xc3\xa9", "\u202e"}) {
    Alert alert = Good();
    alert.facts["rotation"] = hostile;
    EXPECT_EQ(CommandOf(alert), "trustctl rotations list --open") << hostile;
    const std::string id = AlertIdOf(alert);
    EXPECT_TRUE(id.starts_with("rotation/sha256-")) << id;
    EXPECT_LE(id.size(), kMaxAlertIdBytes);
    alert.kind = AlertKind::kRegionWithoutCertificate;
    alert.facts["region"] = hostile;
    EXPECT_EQ(CommandOf(alert), "trustctl anchors list") << hostile;
    alert.facts["region"] = "eu-west-9";
    EXPECT_EQ(CommandOf(alert), "trustctl anchors list --region eu-west-9");
  }
}

TEST(Alert, NamesWhatItIsAbout) {
  Alert alert = Good();
  EXPECT_EQ(AlertIdOf(alert), "rotation/17");
  for (const AlertKind kind : KindsAboutTheSame(alert.kind)) {
    alert.kind = kind;
    EXPECT_EQ(AlertIdOf(alert), "rotation/17") << NameOf(kind);
  }
  EXPECT_EQ(KindsAboutTheSame(alert.kind).size(), 5u);
  alert.kind = AlertKind::kFleetFailures;
  EXPECT_EQ(AlertIdOf(alert), "fleet/aws/eu-central-1/iid-rsa2048");
  alert.kind = AlertKind::kClockJumped;
  EXPECT_EQ(AlertIdOf(alert), "clock");
  alert.kind = AlertKind::kSourceFailing;
  alert.subject = std::string(161, 'a');
  EXPECT_TRUE(AlertIdOf(alert).starts_with("source/sha256-"));
}

TEST(Alert, HasAnEndOnlyWhereSomeKindSaysSo) {
  for (const AlertKind kind : AllAlertKinds()) {
    bool ends = false;
    for (const AlertKind other : KindsAboutTheSame(kind)) {
      ends = ends || IsEnd(other);
    }
    EXPECT_EQ(ends, HasEnd(kind) || IsEnd(kind)) << NameOf(kind);
    EXPECT_FALSE(IsEnd(kind) && IsReminder(kind)) << NameOf(kind);
    EXPECT_EQ(IsEnd(kind), SeverityOf(kind) == Severity::kInfo);
  }
}

TEST(Alert, IsReadAsItWasWritten) {
  Alert alert = Good();
  alert.time += absl::Milliseconds(250);
  const auto stored = ReadAlertBody(AlertBody(alert, "00ff"));
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->id, "00ff");
  EXPECT_EQ(stored->kind, "ROTATION_DETECTED");
  EXPECT_TRUE(stored->is_known);
  EXPECT_EQ(stored->alert.kind, alert.kind);
  EXPECT_EQ(stored->alert.time, alert.time);
  EXPECT_EQ(stored->alert.subject, alert.subject);
  EXPECT_EQ(stored->alert.text, alert.text);
  EXPECT_EQ(stored->alert.facts, alert.facts);
  for (const char* other :
       {"", "[]", "{}", R"({"time":1})", R"({"time":"now"})", R"({"time":)"}) {
    EXPECT_FALSE(ReadAlertBody(other).has_value()) << other;
  }
}

// As before a version that knew more was taken back.
TEST(Alert, OfAKindThatIsNotKnownIsReadAllTheSame) {
  const auto stored =
      ReadAlertBody(R"({"id":"1","kind":"NEWER","time":"2027-01-15T08:00:00Z",)"
                    R"("subject":7,"facts":{"a":1,"b":"c"}})");
  ASSERT_TRUE(stored.has_value());
  EXPECT_FALSE(stored->is_known);
  EXPECT_EQ(stored->kind, "NEWER");
  EXPECT_EQ(stored->alert.subject, "");
  EXPECT_EQ(stored->alert.facts.size(), 1u);
}

}  // namespace
}  // namespace anchorage::trustd
