#include "tools/trustctl/audit_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/base/proto_time.h"

namespace anchorage::trustctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// 2026-03-01 00:00:00 UTC.
const absl::Time kMarch = absl::FromUnixSeconds(1'772'323'200);
const Period kPeriod{kMarch, kMarch + absl::Hours(24)};
constexpr char kHostile[] =
    "<script>alert(1)</script>&\"'{{made}}{{{made}}}\x1b[2J\n"
    "\xe2\x80\xae{{#changes}}";

class AuditReportTest : public ::testing::Test {
 protected:
  v1::LedgerRecord At(absl::Duration after) {
    v1::LedgerRecord record;
    anchors::SetTime(kMarch + after, *record.mutable_time());
    return record;
  }

  void Detect(std::uint64_t id, absl::Duration after,
              const std::string& text = "aws-docs",
              v1::RotationClass rotation_class = v1::ROTATION_CLASS_RE_KEY) {
    v1::LedgerRecord record = At(after);
    v1::Rotation& rotation = *record.mutable_detection();
    rotation.set_id(id);
    rotation.set_rotation_class(rotation_class);
    rotation.mutable_slot()->set_partition("aws");
    rotation.mutable_slot()->set_region("us-east-1");
    rotation.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
    rotation.set_source(text);
    rotation.set_reason("seen by " + text);
    rotation.set_location(text);
    rotation.set_effect_sha256("effect");
    rotation.add_pinned_spki_sha256("0ld");
    rotation.add_observed()->set_spki_sha256("f00d");
    rotation.mutable_observed(0)->set_sha256("cafe");
    rotation.add_notes(text);
    rotation.set_diff("- " + text);
    *rotation.mutable_detected_time() = record.time();
    report_.Add(record);
  }

  void Decide(std::uint64_t id, absl::Duration after, v1::Decision::Kind kind,
              const std::string& by, const std::string& why) {
    v1::LedgerRecord record = At(after);
    v1::DecisionFact& fact = *record.mutable_decision();
    fact.set_rotation_id(id);
    fact.mutable_decision()->set_kind(kind);
    fact.mutable_decision()->set_by(by);
    fact.mutable_decision()->set_why(why);
    fact.mutable_decision()->set_effect_sha256("effect");
    fact.mutable_decision()->set_certificate_sha256("a11ce");
    *fact.mutable_decision()->mutable_time() = record.time();
    report_.Add(record);
  }

  void Publish(std::uint64_t sequence, absl::Duration after,
               std::uint64_t rotation_id = 0) {
    v1::LedgerRecord record = At(after);
    record.mutable_publication()->set_sequence(sequence);
    record.mutable_publication()->set_catalog_sha256("beef");
    if (rotation_id != 0) {
      record.mutable_publication()->add_rotation_ids(rotation_id);
    }
    report_.Add(record);
  }

  std::string Page(AuditFormat format) const {
    return report_.Render(format, {.ledger_head = "17:abcd",
                                   .is_verified = is_verified_,
                                   .verification = "compared",
                                   .made = kMarch,
                                   .program = "trustctl"});
  }

  bool is_verified_ = true;
  AuditReport report_{kPeriod};
};

constexpr AuditFormat kFormats[] = {AuditFormat::kText, AuditFormat::kHtml};

TEST_F(AuditReportTest, SaysWhatChangedWhyWhoDecidedAndOnWhatEvidence) {
  Publish(4, absl::Hours(-2));
  Detect(7, absl::Hours(-1));
  v1::LedgerRecord stance = At(absl::Hours(1));
  stance.mutable_stance()->set_rotation_id(7);
  stance.mutable_stance()->mutable_stance()->set_source("mirror-eu");
  stance.mutable_stance()->mutable_stance()->set_stance(
      v1::SourceStance::STANCE_AGREES);
  report_.Add(stance);
  v1::LedgerRecord proof = At(absl::Hours(2));
  proof.mutable_proof()->set_rotation_id(7);
  proof.mutable_proof()->mutable_proof()->set_instance_id("i-0123");
  proof.mutable_proof()->mutable_proof()->set_submitter("ines");
  report_.Add(proof);
  Decide(7, absl::Hours(3), v1::Decision::KIND_APPROVE, "alice", "case 1234");
  Publish(5, absl::Hours(4), 7);
  for (const AuditFormat format : kFormats) {
    const std::string page = Page(format);
    EXPECT_THAT(
        page, AllOf(HasSubstr("RE_KEY of us-east-1 rsa2048 (aws): rotation 7"),
                    HasSubstr("seen by aws-docs"), HasSubstr("0ld"),
                    HasSubstr("f00d"), HasSubstr("cafe")));
    EXPECT_THAT(page, AllOf(HasSubstr("alice"), HasSubstr("case 1234"),
                            HasSubstr("a11ce"), HasSubstr("mirror-eu"),
                            HasSubstr("AGREES"), HasSubstr("i-0123"),
                            HasSubstr("ines"), HasSubstr("beef")));
    EXPECT_THAT(page, AllOf(HasSubstr("17:abcd"), HasSubstr("compared"),
                            HasSubstr("2026-03-01 00:00:00 UTC"),
                            HasSubstr("2026-03-02 00:00:00 UTC")));
    EXPECT_THAT(page, Not(HasSubstr("Nothing happened")));
    EXPECT_THAT(page, Not(HasSubstr("{{")));
  }
  EXPECT_THAT(Page(AuditFormat::kText),
              AllOf(HasSubstr("sequence before  4\n"),
                    HasSubstr("sequence after   5\n")));
}

TEST_F(AuditReportTest, AnEmptyPeriodSaysSo) {
  Publish(4, absl::Hours(-2));
  Publish(5, absl::Hours(24));
  for (const AuditFormat format : kFormats) {
    EXPECT_THAT(Page(format), HasSubstr("Nothing happened in this period"));
  }
  EXPECT_THAT(Page(AuditFormat::kText),
              AllOf(HasSubstr("sequence before  4\n"),
                    HasSubstr("sequence after   4\n")));
  EXPECT_THAT(AuditReport(kPeriod).Render(AuditFormat::kText, {}),
              HasSubstr("sequence after   none on the record"));
}

TEST_F(AuditReportTest, WhatCameAfterThePeriodChangesNothing) {
  Detect(7, absl::Hours(1));
  Decide(7, absl::Hours(2), v1::Decision::KIND_APPROVE, "alice", "yes");
  Publish(5, absl::Hours(3), 7);
  const std::string before = Page(AuditFormat::kText);
  Decide(7, absl::Hours(24), v1::Decision::KIND_REJECT, "mallory", "no");
  Publish(6, absl::Hours(25), 7);
  EXPECT_EQ(Page(AuditFormat::kText), before);
}

TEST_F(AuditReportTest, HasWhatWasRefusedAndWhatIsInDoubt) {
  Detect(7, absl::Hours(1));
  Decide(7, absl::Hours(2), v1::Decision::KIND_HOLD, "bob", "asking AWS");
  Decide(7, absl::Hours(3), v1::Decision::KIND_REJECT, "carol", "not AWS's");
  Detect(8, absl::Hours(4), "mirror", v1::ROTATION_CLASS_SOURCE_ANOMALY);
  v1::LedgerRecord pin = At(absl::Hours(5));
  pin.mutable_pin()->set_action(v1::PinFact::ACTION_REVOKE);
  pin.mutable_pin()->set_spki_sha256("5e7");
  pin.mutable_pin()->set_by("olga");
  pin.mutable_pin()->set_why("stolen");
  report_.Add(pin);
  v1::LedgerRecord failure = At(absl::Hours(6));
  failure.mutable_source()->set_source("aws-docs");
  failure.mutable_source()->set_failure("TIMED_OUT");
  report_.Add(failure);
  v1::LedgerRecord store = At(absl::Hours(7));
  store.mutable_store()->set_by("olga");
  store.mutable_store()->set_why("disk 3 died");
  report_.Add(store);
  EXPECT_THAT(
      Page(AuditFormat::kText),
      AllOf(HasSubstr("bob held RE_KEY of us-east-1 rsa2048: asking AWS"),
            HasSubstr("carol rejected RE_KEY"),
            HasSubstr("SOURCE_ANOMALY of mirror"),
            HasSubstr("olga revoked the key 5e7"), HasSubstr(": stolen"),
            HasSubstr("aws-docs fails: TIMED_OUT"), HasSubstr("disk 3 died")));
  EXPECT_THAT(Page(AuditFormat::kText), HasSubstr("PUBLICATIONS\n  none"));
}

// Who approved what in March? Also what was rejected then, or published later.
TEST_F(AuditReportTest, HasApprovalsOfWhatWasNotPublished) {
  for (const std::uint64_t id : {7u, 8u, 9u}) Detect(id, absl::Hours(1));
  Decide(7, absl::Hours(2), v1::Decision::KIND_APPROVE, "alice", "seen");
  Decide(8, absl::Hours(2), v1::Decision::KIND_APPROVE, "bob", "of the page");
  Decide(9, absl::Hours(2), v1::Decision::KIND_APPROVE, "dave", "in April");
  Decide(8, absl::Hours(3), v1::Decision::KIND_REJECT, "carol", "not AWS's");
  Publish(5, absl::Hours(4), 7);
  Publish(6, absl::Hours(25), 9);
  for (const AuditFormat format : kFormats) {
    const std::string page = Page(format);
    EXPECT_THAT(page, AllOf(HasSubstr("bob approved RE_KEY"),
                            HasSubstr("dave approved RE_KEY"),
                            Not(HasSubstr("alice approved RE_KEY"))));
  }
  EXPECT_THAT(Page(AuditFormat::kText), HasSubstr("    APPROVE by alice at "));
}

TEST_F(AuditReportTest, HasOneBlankLineBetweenParts) {
  EXPECT_THAT(Page(AuditFormat::kText), Not(HasSubstr("\n\n\n")));
  Detect(7, absl::Hours(1));
  Publish(5, absl::Hours(3), 7);
  EXPECT_THAT(Page(AuditFormat::kText), Not(HasSubstr("\n\n\n")));
}

TEST_F(AuditReportTest, ARecordThatIsNotVerifiedIsNeverCalledVerified) {
  is_verified_ = false;
  EXPECT_THAT(Page(AuditFormat::kText),
              AllOf(HasSubstr("NOT VERIFIED: compared"),
                    Not(HasSubstr(" verified: "))));
  EXPECT_THAT(Page(AuditFormat::kHtml),
              AllOf(HasSubstr("NOT VERIFIED: compared"),
                    Not(HasSubstr("<td>verified: "))));
}

// Markup, a template's tags, escape codes and characters that turn text around,
// wherever somebody else wrote.
TEST_F(AuditReportTest, WhatOthersWroteIsShownAndObeyedByNobody) {
  Detect(7, absl::Hours(1), kHostile);
  v1::LedgerRecord stance = At(absl::Hours(1));
  stance.mutable_stance()->set_rotation_id(7);
  stance.mutable_stance()->mutable_stance()->set_source(kHostile);
  stance.mutable_stance()->mutable_stance()->add_held_by(kHostile);
  report_.Add(stance);
  v1::LedgerRecord proof = At(absl::Hours(2));
  proof.mutable_proof()->set_rotation_id(7);
  proof.mutable_proof()->mutable_proof()->set_instance_id(kHostile);
  proof.mutable_proof()->mutable_proof()->set_submitter(kHostile);
  report_.Add(proof);
  Decide(7, absl::Hours(2), v1::Decision::KIND_APPROVE, kHostile, kHostile);
  Decide(7, absl::Hours(2), v1::Decision::KIND_HOLD, kHostile, kHostile);
  Publish(5, absl::Hours(3), 7);
  Detect(8, absl::Hours(4), kHostile, v1::ROTATION_CLASS_SOURCE_ANOMALY);
  v1::LedgerRecord source = At(absl::Hours(5));
  source.mutable_source()->set_source(kHostile);
  source.mutable_source()->set_detail(kHostile);
  report_.Add(source);
  for (const AuditFormat format : kFormats) {
    const std::string page = Page(format);
    EXPECT_THAT(page,
                AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\xe2\x80\xae")),
                      HasSubstr("\\x1b[2J\\n\\u202e"),
                      // The braces stand as they were written.
                      HasSubstr("{{made}}"), HasSubstr("{{#changes}}")));
  }
  const std::string html = Page(AuditFormat::kHtml);
  EXPECT_THAT(html, AllOf(Not(HasSubstr("<script")),
                          HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"),
                          Not(HasSubstr("\"'{{"))));
}

TEST_F(AuditReportTest, ThePageAsksNobodyForAnything) {
  const std::string html = Page(AuditFormat::kHtml);
  for (const char* reaching : {"src=", "href=", "url(", "@import", "<script",
                               "http://", "https://", "<form", "<link"}) {
    EXPECT_THAT(html, Not(HasSubstr(reaching)));
  }
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
}

TEST_F(AuditReportTest, ListsNoMoreThanItMayAndSaysSo) {
  for (std::size_t i = 0; i < AuditReport::kMaxListed + 3; ++i) {
    Decide(7, absl::Hours(1), v1::Decision::KIND_HOLD, "bob", "wait");
    Publish(i + 1, absl::Hours(1), 7);
  }
  const std::string page = Page(AuditFormat::kText);
  EXPECT_THAT(page,
              HasSubstr("3 more are not listed: take a shorter period ("));
  EXPECT_THAT(page,
              HasSubstr("  3 more are not listed: take a shorter period\n"));
}

}  // namespace
}  // namespace anchorage::trustctl
