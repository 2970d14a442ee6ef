#include "tools/trustctl/rotation_screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "anchors/base/proto_time.h"
#include "tools/trustctl/rotations.h"
#include "verify/printable.h"

namespace anchorage::trustctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::RotationExplanation Explanation(const std::string& hostile = "") {
  v1::RotationExplanation it;
  v1::Rotation& rotation = *it.mutable_rotation();
  rotation.set_id(17);
  rotation.set_rotation_class(v1::ROTATION_CLASS_RE_KEY);
  rotation.set_state(v1::ROTATION_STATE_DETECTED);
  rotation.mutable_slot()->set_partition("aws");
  rotation.mutable_slot()->set_region("us-east-1");
  rotation.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  rotation.set_reason("seen by aws-docs" + hostile);
  rotation.set_change_id(std::string(64, 'c'));
  rotation.set_effect_sha256(std::string(64, 'e'));
  rotation.add_notes("a note" + hostile);
  v1::Decision& decision = *rotation.add_decisions();
  decision.set_kind(v1::Decision::KIND_APPROVE);
  decision.set_by("alice");
  decision.set_why("AWS says so" + hostile);
  it.set_summary("Another key of the same algorithm and size, in here.");
  for (auto* list :
       {it.mutable_old_certificates(), it.mutable_new_certificates()}) {
    v1::ExplainedCertificate& one = *list->Add();
    one.set_subject("O=Amazon Web Services LLC,L=Seattle,ST=Washington State" +
                    hostile);
    one.set_issuer(one.subject());
    one.set_serial("d1e1b2f3c4a5d6e7");
    one.set_key("RSA-2048");
    one.set_sha256(std::string(64, list->size() == 1 ? 'a' : 'b'));
    one.set_spki_sha256(std::string(64, 'f'));
    one.set_signature(v1::ExplainedCertificate::SIGNATURE_OWN_KEY);
  }
  it.mutable_new_certificates(0)->set_serial("77");
  it.mutable_approvals()->set_sentence("1 of 2; missing one of bob, carol");
  it.mutable_recommendation()->set_action(v1::Recommendation::ACTION_CONFIRM);
  it.mutable_recommendation()->set_sentence("Confirm it before you approve.");
  v1::ExplainedSource& source = *it.add_sources();
  source.mutable_stance()->set_source("aws-docs");
  source.mutable_stance()->set_stance(v1::SourceStance::STANCE_AGREES);
  source.mutable_stance()->add_held_by("an anomaly" + hostile);
  source.set_location("https://docs.example/" + std::string(300, 'x'));
  v1::NextCommand& next = *it.add_commands();
  next.set_purpose("approve it");
  next.set_command("trustctl rotations approve 17 --why REASON");
  return it;
}

TEST(RotationScreen, BeginsWithWhatToDoAndEndsWithTheCommands) {
  const std::string screen = ScreenOf(Explanation());
  EXPECT_THAT(screen, HasSubstr("do         CONFIRM: Confirm it before"));
  EXPECT_THAT(screen,
              HasSubstr("approvals  1 of 2; missing one of bob, carol"));
  EXPECT_THAT(screen, HasSubstr("UTC"));
  EXPECT_LT(screen.find("CONFIRM"), screen.find("OLD"));
  EXPECT_GT(screen.find("trustctl rotations approve 17"),
            screen.find("approvals"));
}

TEST(RotationScreen, MarksWhatDiffers) {
  const std::string screen = ScreenOf(Explanation());
  for (const absl::string_view line : absl::StrSplit(screen, '\n')) {
    if (line.substr(0, 6) == "serial") {
      EXPECT_THAT(std::string(line), HasSubstr(" * 77"));
    }
    if (line.substr(0, 4) == "key ") {
      EXPECT_THAT(std::string(line), Not(HasSubstr("*")));
    }
  }
}

TEST(RotationScreen, FitsTheTerminal) {
  EXPECT_EQ(ColumnsOf(0), kScreenColumns);
  EXPECT_EQ(ColumnsOf(80), 80u);
  EXPECT_EQ(ColumnsOf(200), kScreenColumns);
  for (const std::size_t columns :
       {ColumnsOf(1), ColumnsOf(80), ColumnsOf(0)}) {
    for (const absl::string_view line :
         absl::StrSplit(ScreenOf(Explanation(), columns), '\n')) {
      EXPECT_LE(line.size(), columns) << line;
    }
  }
}

TEST(RotationScreen, DoesNotBreakACommand) {
  auto explanation = Explanation();
  const std::string command = "trustctl " + std::string(300, 'x') + " y";
  explanation.mutable_commands(0)->set_command(command);
  EXPECT_THAT(ScreenOf(explanation, 80), HasSubstr("  " + command + "\n"));
}

TEST(RotationScreen, WhatIsNotReplacedStandsByItself) {
  auto explanation = Explanation();
  explanation.add_old_certificates()->set_serial("4242");
  const std::string screen = ScreenOf(explanation);
  EXPECT_THAT(screen, HasSubstr("ALSO PINNED\nserial     4242\n"));
  // A removal takes it away.
  explanation.clear_new_certificates();
  EXPECT_THAT(ScreenOf(explanation), Not(HasSubstr("ALSO PINNED")));
}

TEST(RotationScreen, SaysWhatEnoughApprovalsLift) {
  auto explanation = Explanation();
  v1::GateRefusal& refusal = *explanation.add_refusals();
  refusal.set_reason("TAKES_AWAY");
  refusal.set_sentence("it brings nothing");
  const std::string lifted = "enough approvals lift it";
  EXPECT_THAT(ScreenOf(explanation), HasSubstr(lifted));
  // Not where something stands that they do not lift.
  explanation.add_refusals()->set_also_for_people(true);
  EXPECT_THAT(ScreenOf(explanation), Not(HasSubstr(lifted)));
}

TEST(RotationsTable, FitsEightyColumns) {
  const nlohmann::ordered_json facts = {
      {"rotations",
       {{{"id", "1"},
         {"rotation_class", "RE_KEY"},
         {"state", "CORROBORATED"},
         {"subject", "aws-eusc/eusc-de-east-1/iid-rsa2048"},
         {"detected_time", "2026-11-29T22:53:07Z"},
         {"agreeing_sources", 2},
         {"proofs", 1}}}}};
  EXPECT_EQ(TextOfRotations(facts, {}), TextOfRotations(facts, {.width = 120}));
  EXPECT_THAT(TextOfRotations(facts, {}), HasSubstr("2026-11-29T22:53:07Z  2"));
  EXPECT_THAT(TextOfRotations(facts, {.width = 95}),
              HasSubstr("eusc-de-east-1/iid-rsa2048  11-29 22:53  2  "));
  EXPECT_EQ(TextOfRotations(facts, {.width = 80}),
            "ID  CLASS   STATE         SUBJECT                              "
            "SEEN\n"
            "1   RE_KEY  CORROBORATED  aws-eusc/eusc-de-east-1/iid-rsa2048  "
            "11-29 22:53\n");
}

TEST(RotationScreen, ShowsWhatOthersWroteEscaped) {
  const std::string screen =
      ScreenOf(Explanation("\x1b[2J\ndo  APPROVE\u202e\u0085{{x}}"));
  for (const absl::string_view line : absl::StrSplit(screen, '\n')) {
    const std::string text(line);
    EXPECT_EQ(text, verify::Printable(text));
    EXPECT_FALSE(text.starts_with("do  APPROVE"));
  }
}

}  // namespace
}  // namespace anchorage::trustctl
