#include "trustd/record/record_text.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "proto/anchorage/v1/audit_service.pb.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// 2026-03-04 10:11:12 UTC.
constexpr std::int64_t kSeconds = 1'772'619'072;
constexpr char kHostile[] = "\x1b[2J\nACCEPTED \xe2\x80\xae{{x}}\xff";

v1::LedgerRecord Record() {
  v1::LedgerRecord record;
  record.mutable_time()->set_seconds(kSeconds);
  return record;
}

v1::LedgerRecord Detection(std::uint64_t id, v1::RotationClass rotation_class) {
  v1::LedgerRecord record = Record();
  v1::Rotation& rotation = *record.mutable_detection();
  rotation.set_id(id);
  rotation.set_rotation_class(rotation_class);
  rotation.mutable_slot()->set_partition("aws");
  rotation.mutable_slot()->set_region("us-east-1");
  rotation.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  rotation.set_source("aws-docs");
  rotation.set_reason("seen by aws-docs");
  rotation.set_effect_sha256("effect");
  return record;
}

v1::LedgerRecord Decision(std::uint64_t id, v1::Decision::Kind kind,
                          const std::string& by, int needed = 2) {
  v1::LedgerRecord record = Record();
  v1::DecisionFact& fact = *record.mutable_decision();
  fact.set_rotation_id(id);
  fact.mutable_decision()->set_kind(kind);
  fact.mutable_decision()->set_by(by);
  fact.mutable_decision()->set_why("AWS support case 1234");
  if (kind == v1::Decision::KIND_APPROVE) {
    fact.mutable_decision()->set_effect_sha256("effect");
    fact.set_approvals_needed(static_cast<std::uint32_t>(needed));
  }
  return record;
}

// Sets every text in a message, however deep.
void FillWith(const std::string& text, Message& message, int depth = 0) {
  if (depth > 4) return;
  const auto& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    const bool is_message =
        field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      // In a string, protobuf takes UTF-8 alone.
      const std::string fit = field->type() == FieldDescriptor::TYPE_BYTES
                                  ? text
                                  : text.substr(0, text.find('\xff'));
      if (field->is_repeated()) {
        reflection.AddString(&message, field, fit);
      } else {
        reflection.SetString(&message, field, fit);
      }
    } else if (is_message && field->is_repeated()) {
      FillWith(text, *reflection.AddMessage(&message, field), depth + 1);
    } else if (is_message) {
      FillWith(text, *reflection.MutableMessage(&message, field), depth + 1);
    }
  }
}

TEST(RecordTextTest, SaysWhoApprovedWhatAndHowManyAreNeeded) {
  RecordWords words;
  EXPECT_EQ(ToLine(words.Read(Detection(17, v1::ROTATION_CLASS_RE_KEY))),
            "2026-03-04 10:11 UTC RE_KEY of us-east-1 rsa2048 was detected: "
            "seen by aws-docs");
  EXPECT_THAT(
      words.Read(Decision(17, v1::Decision::KIND_APPROVE, "bob")).words(),
      HasSubstr("bob approved RE_KEY of us-east-1 rsa2048, 1 of 2: "));
  const v1::RecordText text =
      words.Read(Decision(17, v1::Decision::KIND_APPROVE, "alice"));
  EXPECT_EQ(ToLine(text),
            "2026-03-04 10:11 UTC alice approved RE_KEY of us-east-1 rsa2048, "
            "2 of 2: AWS support case 1234");
  EXPECT_EQ(text.fact(), "DECISION");
  EXPECT_EQ(text.person(), "alice");
  EXPECT_THAT(text.rotation_ids(), ElementsAre(17));
  ASSERT_EQ(text.slots_size(), 1);
  EXPECT_EQ(text.slots(0).region(), "us-east-1");
}

TEST(RecordTextTest, CountsAPersonOnceAndNoApprovalThatIsVoid) {
  RecordWords words;
  words.Read(Detection(17, v1::ROTATION_CLASS_RE_KEY));
  const auto approve = [&](const std::string& by) {
    return words.Read(Decision(17, v1::Decision::KIND_APPROVE, by)).words();
  };
  approve("alice");
  EXPECT_THAT(approve("alice"), HasSubstr("1 of 2"));
  EXPECT_THAT(approve("policy"), HasSubstr("1 of 2"));
  v1::LedgerRecord is_void = Record();
  is_void.mutable_approvals_void()->set_rotation_id(17);
  is_void.mutable_approvals_void()->set_by("alice");
  EXPECT_THAT(words.Read(is_void).words(),
              HasSubstr("the approval by alice of RE_KEY"));
  EXPECT_THAT(approve("bob"), HasSubstr("1 of 2"));
  words.Read(Decision(17, v1::Decision::KIND_HOLD, "carol"));
  EXPECT_THAT(approve("alice"), HasSubstr("1 of 2"));
  // What was approved is not what would be done now.
  v1::LedgerRecord again = Detection(17, v1::ROTATION_CLASS_RE_KEY);
  again.mutable_detection()->set_effect_sha256("another effect");
  EXPECT_THAT(words.Read(again).words(), HasSubstr("compared again"));
  EXPECT_THAT(approve("bob"), HasSubstr("0 of 2"));
}

TEST(RecordTextTest, OldApprovalsDoNotSayHowManyAreNeeded) {
  RecordWords words;
  words.Read(Detection(17, v1::ROTATION_CLASS_RE_KEY));
  EXPECT_THAT(
      words.Read(Decision(17, v1::Decision::KIND_APPROVE, "alice", 0)).words(),
      HasSubstr("rsa2048, approval 1: "));
}

TEST(RecordTextTest, SaysWhoSubmittedWhichManifest) {
  v1::LedgerRecord record = Record();
  v1::ManifestFact& fact = *record.mutable_manifest();
  fact.set_by("builder");
  fact.set_product("ledger");
  fact.set_version("1.2");
  fact.set_producer("acme");
  fact.set_manifest_sha256("abcd");
  RecordWords words;
  const v1::RecordText text = words.Read(record);
  EXPECT_EQ(text.words(),
            "builder submitted the manifest of ledger 1.2, signed by acme: "
            "abcd");
  EXPECT_EQ(text.fact(), "MANIFEST");
  EXPECT_EQ(text.person(), "builder");
}

TEST(RecordTextTest, ThePolicyIsNoPerson) {
  RecordWords words;
  words.Read(Detection(17, v1::ROTATION_CLASS_RE_ISSUE));
  EXPECT_EQ(words.Read(Decision(17, v1::Decision::KIND_APPROVE, "policy", 0))
                .person(),
            "");
}

TEST(RecordTextTest, CallsARotationThatItDoesNotKnowByItsNumber) {
  RecordWords words;
  const v1::RecordText text =
      words.Read(Decision(18, v1::Decision::KIND_REJECT, "alice"));
  EXPECT_EQ(text.words(), "alice rejected rotation 18: AWS support case 1234");
  EXPECT_THAT(text.rotation_ids(), ElementsAre(18));
  EXPECT_EQ(text.slots_size(), 0);
}

TEST(RecordTextTest, APublicationIsOfAllItsRotations) {
  RecordWords words;
  words.Read(Detection(1, v1::ROTATION_CLASS_RE_KEY));
  words.Read(Detection(2, v1::ROTATION_CLASS_RE_ISSUE));
  v1::LedgerRecord record = Record();
  record.mutable_publication()->set_sequence(5);
  record.mutable_publication()->set_targets_version(7);
  record.mutable_publication()->add_rotation_ids(1);
  record.mutable_publication()->add_rotation_ids(2);
  const v1::RecordText text = words.Read(record);
  EXPECT_EQ(text.words(),
            "catalog 5 was published, signed by targets 7, with RE_KEY of "
            "us-east-1 rsa2048, RE_ISSUE of us-east-1 rsa2048");
  EXPECT_THAT(text.rotation_ids(), ElementsAre(1, 2));
  EXPECT_EQ(text.slots_size(), 2);
  for (int i = 0; i < 100; ++i) {
    record.mutable_publication()->add_rotation_ids(3);
  }
  EXPECT_THAT(words.Read(record).words(), HasSubstr(" and 94 more"));
}

TEST(RecordTextTest, AnAnomalyIsOfItsSource) {
  RecordWords words;
  v1::LedgerRecord record = Detection(1, v1::ROTATION_CLASS_SOURCE_ANOMALY);
  record.mutable_detection()->clear_slot();
  record.mutable_detection()->set_anomaly("SLOTS_MISSING");
  record.mutable_detection()->set_needs_person(true);
  const v1::RecordText text = words.Read(record);
  EXPECT_EQ(text.words(),
            "SOURCE_ANOMALY SLOTS_MISSING of aws-docs was detected: seen by "
            "aws-docs, and stays open until a person rejects it");
  EXPECT_EQ(text.person(), "");
}

TEST(RecordTextTest, APersonAsksForWhatNoSourceShows) {
  RecordWords words;
  v1::LedgerRecord record = Detection(1, v1::ROTATION_CLASS_ADDITION);
  record.mutable_detection()->set_source("alice");
  EXPECT_EQ(words.Read(record).person(), "alice");
}

// Every fact that there is, and those to come.
TEST(RecordTextTest, EveryFactHasWordsAndAKindAndIsEscaped) {
  const auto* const facts =
      v1::LedgerRecord::descriptor()->FindOneofByName("fact");
  ASSERT_GT(facts->field_count(), 10);
  const std::string unknown = RecordWords().Read(Record()).words();
  for (int i = 0; i < facts->field_count(); ++i) {
    const FieldDescriptor* const field = facts->field(i);
    SCOPED_TRACE(field->name());
    v1::LedgerRecord record = Record();
    Message& fact = *record.GetReflection()->MutableMessage(&record, field);
    EXPECT_NE(RecordWords().Read(record).words(), "");
    FillWith(kHostile, fact);
    const v1::RecordText text = RecordWords().Read(record);
    EXPECT_NE(text.words(), "");
    EXPECT_NE(text.words(), unknown);
    // A publication has only numbers, and a hash that is not shown.
    if (!record.has_publication()) {
      EXPECT_THAT(text.words(), HasSubstr("\\x1b[2J\\nACCEPTED \\u202e"));
    }
    EXPECT_EQ(text.words(), verify::Printable(text.words()));
    v1::FactKind kind;
    EXPECT_TRUE(v1::FactKind_Parse("FACT_KIND_" + text.fact(), &kind))
        << text.fact();
  }
}

TEST(RecordTextTest, ALongNameDoesNotHideWhatFollowsIt) {
  RecordWords words;
  EXPECT_THAT(words
                  .Read(Decision(18, v1::Decision::KIND_REJECT,
                                 std::string(100'000, 'a')))
                  .words(),
              HasSubstr("... rejected rotation 18: AWS support case 1234"));
}

TEST(RecordTextTest, RemembersNoMoreThanItMay) {
  RecordWords words;
  for (std::uint64_t id = 1; id <= RecordWords::kMaxRotations + 1; ++id) {
    words.Read(Detection(id, v1::ROTATION_CLASS_RE_KEY));
  }
  EXPECT_THAT(
      words.Read(Decision(1, v1::Decision::KIND_REJECT, "alice")).words(),
      HasSubstr("rejected rotation 1:"));
  EXPECT_THAT(
      words.Read(Decision(2, v1::Decision::KIND_REJECT, "alice")).words(),
      HasSubstr("rejected RE_KEY"));
}

TEST(RecordTextTest, AFactOfALaterVersionIsCalledThat) {
  EXPECT_EQ(RecordWords().Read(Record()).fact(), "UNKNOWN");
  EXPECT_THAT(RecordWords().Read(Record()).words(), HasSubstr("does not know"));
}

}  // namespace
}  // namespace anchorage::trustd
