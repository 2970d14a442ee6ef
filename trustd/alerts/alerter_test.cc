#include "trustd/alerts/alerter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "test/support/alert_receiver.h"
#include "test/support/locked_store.h"

namespace anchorage::trustd {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class AlerterTest : public ::testing::Test {
 protected:
  AlerterTest() : before_(spdlog::default_logger()) {
    auto logger = std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_));
    logger->set_pattern("%l %v");
    spdlog::set_default_logger(std::move(logger));
    EXPECT_TRUE(anchors::WriteFileAtomically(secret_path_, "0123456789abcdef\n",
                                             anchors::FileAccess::kPrivate)
                    .ok());
  }
  ~AlerterTest() override {
    if (alerter_ != nullptr) alerter_->Stop();
    spdlog::set_default_logger(before_);
  }

  WebhookSettings To(const std::string& name, const AlertReceiver& receiver,
                     std::set<AlertKind> kinds) const {
    WebhookSettings webhook;
    webhook.name = name;
    webhook.url = receiver.Url();
    webhook.secret_path = secret_path_;
    webhook.kinds = std::move(kinds);
    webhook.allow_loopback_http = true;
    return webhook;
  }

  absl::Status Start(std::vector<WebhookSettings> webhooks) {
    alerter_ = std::make_unique<Alerter>(store_, registry_);
    return Set(webhooks);
  }

  absl::Status Set(const std::vector<WebhookSettings>& webhooks) {
    auto prepared = alerter_->Prepare(webhooks);
    if (prepared.ok()) alerter_->SetWebhooks(*std::move(prepared));
    return prepared.status();
  }

  // What the log has so far; ends the alerter's threads, which write to it.
  std::string Log() {
    if (alerter_ != nullptr) alerter_->Stop();
    return log_.str();
  }
  std::string Metrics() const {
    return prometheus::TextSerializer().Serialize(registry_.Collect());
  }

  const std::string secret_path_ = ::testing::TempDir() + "alerter.secret";
  const std::shared_ptr<spdlog::logger> before_;
  std::ostringstream log_;
  LockedStore store_;
  prometheus::Registry registry_;
  std::unique_ptr<Alerter> alerter_;
};

Alert Good(AlertKind kind = AlertKind::kRotationDetected) {
  return {.kind = kind,
          .time = absl::FromUnixSeconds(1'800'000'000),
          .subject = "aws/eu-central-1/iid-rsa2048",
          .text = "another key is shown\nwas: 11\nnow: 22",
          .facts = {{"class", "RE_KEY"}, {"rotation", "17"}}};
}

TEST_F(AlerterTest, TellsLogMetricsAndWebhooks) {
  AlertReceiver receiver;
  ASSERT_TRUE(
      Start({To("pager", receiver, {AlertKind::kRotationDetected})}).ok());
  StoreBatch batch;
  const RaisedAlert raised = alerter_->Raise(Good(), batch);
  ASSERT_TRUE(store_.Commit(batch).ok());
  alerter_->Committed(raised);
  const auto got = receiver.Await(1);
  ASSERT_EQ(got.size(), 1u);
  const auto body = nlohmann::json::parse(got[0].body);
  EXPECT_EQ(body["kind"], "ROTATION_DETECTED");
  EXPECT_EQ(body["text"], Good().text);
  EXPECT_EQ(body["facts"]["rotation"], "17");
  EXPECT_EQ(std::string(body["id"]).size(), 32u);
  EXPECT_EQ(Log(),
            "error alert ROTATION_DETECTED aws/eu-central-1/iid-rsa2048: "
            "another key is shown (class=RE_KEY, rotation=17)\n");
  EXPECT_THAT(Metrics(),
              HasSubstr("trustd_alerts_total{kind=\"ROTATION_DETECTED\"} 1\n"));
}

TEST_F(AlerterTest, TellsNobodyWhatWasNotCommitted) {
  AlertReceiver receiver;
  ASSERT_TRUE(
      Start({To("pager", receiver, {AlertKind::kRotationDetected})}).ok());
  StoreBatch lost;
  const RaisedAlert raised = alerter_->Raise(Good(), lost);
  EXPECT_EQ(raised.alert.subject, Good().subject);
  store_.FailWith(absl::ResourceExhaustedError("disk full"));
  EXPECT_FALSE(store_.Commit(lost).ok());
  store_.FailWith(absl::OkStatus());
  // The next one wakes the webhook.
  StoreBatch batch;
  Alert next = Good();
  next.subject = "the next";
  const RaisedAlert second = alerter_->Raise(next, batch);
  ASSERT_TRUE(store_.Commit(batch).ok());
  alerter_->Committed(second);
  const auto got = receiver.Await(1);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(nlohmann::json::parse(got[0].body)["subject"], "the next");
  EXPECT_THAT(Log(), Not(HasSubstr("eu-central-1")));
  EXPECT_THAT(Metrics(),
              HasSubstr("trustd_alerts_total{kind=\"ROTATION_DETECTED\"} 1\n"));
}

TEST_F(AlerterTest, DeliversAfterACrashBetweenCommitAndCommitted) {
  AlertReceiver receiver;
  const auto webhook = To("pager", receiver, {AlertKind::kRotationDetected});
  ASSERT_TRUE(Start({webhook}).ok());
  StoreBatch batch;
  const RaisedAlert raised = alerter_->Raise(Good(), batch);
  // Its thread is gone before there is anything to deliver.
  alerter_->Stop();
  ASSERT_TRUE(store_.Commit(batch).ok());
  ASSERT_TRUE(Start({webhook}).ok());
  const auto got = receiver.Await(1);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(nlohmann::json::parse(got[0].body)["subject"],
            raised.alert.subject);
}

TEST_F(AlerterTest, GivesEachWebhookItsKinds) {
  AlertReceiver pager, archive;
  ASSERT_TRUE(Start({To("pager", pager, {AlertKind::kLedgerDamaged}),
                     To("archive", archive,
                        {AllAlertKinds().begin(), AllAlertKinds().end()})})
                  .ok());
  ASSERT_TRUE(alerter_->RaiseAlone(Good(AlertKind::kSourceRecovered)).ok());
  ASSERT_TRUE(alerter_->RaiseAlone(Good(AlertKind::kLedgerDamaged)).ok());
  const auto all = archive.Await(2);
  ASSERT_EQ(all.size(), 2u);
  const auto urgent = pager.Await(1);
  ASSERT_EQ(urgent.size(), 1u);
  // One alert has one id, whoever gets it.
  EXPECT_EQ(urgent[0].body, all[1].body);
  EXPECT_NE(nlohmann::json::parse(all[0].body)["id"],
            nlohmann::json::parse(all[1].body)["id"]);
}

TEST_F(AlerterTest, AStallingReceiverHoldsUpNobodyElse) {
  AlertReceiver stalling, other;
  stalling.Answer({"stall"});
  ASSERT_TRUE(Start({To("stalling", stalling, {AlertKind::kSourceFailing}),
                     To("other", other, {AlertKind::kSourceFailing})})
                  .ok());
  ASSERT_TRUE(alerter_->RaiseAlone(Good(AlertKind::kSourceFailing)).ok());
  ASSERT_EQ(stalling.Await(1).size(), 1u);
  ASSERT_TRUE(alerter_->RaiseAlone(Good(AlertKind::kSourceFailing)).ok());
  EXPECT_EQ(other.Await(2).size(), 2u);
  EXPECT_EQ(stalling.Await(1).size(), 1u);
}

TEST_F(AlerterTest, NeedsNoWebhook) {
  ASSERT_TRUE(Start({}).ok());
  // Nor a store that can be written, then.
  store_.FailWith(absl::ResourceExhaustedError("disk full"));
  EXPECT_TRUE(alerter_->RaiseAlone(Good(AlertKind::kBundleEndsSoon)).ok());
  EXPECT_THAT(Log(), HasSubstr("error alert BUNDLE_ENDS_SOON"));
  EXPECT_THAT(Metrics(),
              HasSubstr("trustd_alerts_total{kind=\"BUNDLE_ENDS_SOON\"} 1\n"));
}

TEST_F(AlerterTest, AFullDiskSilencesNeitherLogNorMetrics) {
  AlertReceiver receiver;
  ASSERT_TRUE(Start({To("pager", receiver, {AlertKind::kLedgerDamaged})}).ok());
  store_.FailWith(absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(alerter_->RaiseAlone(Good(AlertKind::kLedgerDamaged)).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Log(), HasSubstr("error alert LEDGER_DAMAGED"));
  EXPECT_THAT(Metrics(),
              HasSubstr("trustd_alerts_total{kind=\"LEDGER_DAMAGED\"} 1\n"));
  EXPECT_THAT(receiver.Await(0), IsEmpty());
}

TEST_F(AlerterTest, LogsOneLineWhateverASourceSays) {
  ASSERT_TRUE(Start({}).ok());
  Alert alert = Good(AlertKind::kSourceRecovered);
  alert.subject = "a\nerror b";
  alert.text = "c\r\x1b[31m";
  alert.facts = {{"d", "e\nf"}};
  ASSERT_TRUE(alerter_->RaiseAlone(alert).ok());
  EXPECT_EQ(Log(),
            "info alert SOURCE_RECOVERED a\\nerror b: c\\r\\x1b[31m "
            "(d=e\\nf)\n");
}

TEST_F(AlerterTest, ForgetsWebhooksThatAreGone) {
  AlertReceiver receiver;
  StoreBatch batch;
  batch.Put("alerts/gone/0000000000000001", "{}");
  ASSERT_TRUE(store_.Commit(batch).ok());
  ASSERT_TRUE(Start({To("pager", receiver, {AlertKind::kLedgerDamaged})}).ok());
  EXPECT_EQ(store_.size(), 0u);
  EXPECT_THAT(Log(), HasSubstr("dropped 1 alerts"));
}

TEST_F(AlerterTest, CountsWhatMadeRoom) {
  AlertReceiver receiver;
  receiver.Answer({"stall"});
  // A full queue, as of a receiver that is away.
  StoreBatch batch;
  for (std::uint64_t i = 1; i <= kMaxWaitingAlerts; ++i) {
    batch.Put(absl::StrCat("alerts/pager/", absl::Hex(i, absl::kZeroPad16)),
              AlertBody(Good(), absl::StrCat(i)));
  }
  ASSERT_TRUE(store_.Commit(batch).ok());
  ASSERT_TRUE(Start({To("pager", receiver, {AlertKind::kSourceFailing})}).ok());
  // It holds the first, so that nothing leaves.
  ASSERT_EQ(receiver.Await(1).size(), 1u);
  ASSERT_TRUE(alerter_->RaiseAlone(Good(AlertKind::kSourceFailing)).ok());
  EXPECT_EQ(store_.size(), kMaxWaitingAlerts);
  EXPECT_THAT(Log(),
              HasSubstr("error webhook pager: dropped the oldest alert"));
  EXPECT_THAT(Metrics(),
              HasSubstr("trustd_webhook_alerts_total{outcome=\"overflowed\","
                        "webhook=\"pager\"} 1\n"));
}

TEST_F(AlerterTest, AReloadThatFailsHalfWayLeavesTheWebhooks) {
  AlertReceiver pager, archive, other;
  const auto good = To("pager", pager, {AlertKind::kLedgerDamaged});
  ASSERT_TRUE(Start({good}).ok());
  WebhookSettings moved = To("pager", other, {AlertKind::kLedgerDamaged});
  WebhookSettings bad = To("archive", archive, {AlertKind::kLedgerDamaged});
  bad.secret_path = ::testing::TempDir() + "no such secret";
  EXPECT_TRUE(absl::IsNotFound(Set({moved, bad})));
  // One that could be prepared, and came to nothing for another reason.
  EXPECT_TRUE(alerter_->Prepare({moved}).ok());
  ASSERT_TRUE(alerter_->RaiseAlone(Good(AlertKind::kLedgerDamaged)).ok());
  EXPECT_EQ(pager.Await(1).size(), 1u);
  EXPECT_THAT(other.Await(0), IsEmpty());
  EXPECT_THAT(archive.Await(0), IsEmpty());
}

TEST_F(AlerterTest, AReloadChangesAddressAndKindsAndLosesNothing) {
  AlertReceiver before, after;
  before.Answer({"stall"});
  ASSERT_TRUE(Start({To("pager", before, {AlertKind::kLedgerDamaged})}).ok());
  ASSERT_TRUE(alerter_->RaiseAlone(Good(AlertKind::kLedgerDamaged)).ok());
  ASSERT_EQ(before.Await(1).size(), 1u);
  // Raised before it and committed after it.
  StoreBatch batch;
  const RaisedAlert raised =
      alerter_->Raise(Good(AlertKind::kLedgerDamaged), batch);
  ASSERT_TRUE(Set({To("pager", after, {AlertKind::kSourceFailing})}).ok());
  ASSERT_TRUE(alerter_->RaiseAlone(Good(AlertKind::kSourceFailing)).ok());
  ASSERT_TRUE(store_.Commit(batch).ok());
  alerter_->Committed(raised);
  ASSERT_TRUE(alerter_->RaiseAlone(Good(AlertKind::kLedgerDamaged)).ok());
  EXPECT_EQ(store_.size(), 3u);
  alerter_->Stop();
  // The next life shows what waited, in order.
  ASSERT_TRUE(Start({To("pager", after, {AlertKind::kSourceFailing})}).ok());
  const auto got = after.Await(3);
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(nlohmann::json::parse(got[0].body)["kind"], "LEDGER_DAMAGED");
  EXPECT_EQ(nlohmann::json::parse(got[1].body)["kind"], "LEDGER_DAMAGED");
  EXPECT_EQ(nlohmann::json::parse(got[2].body)["kind"], "SOURCE_FAILING");
}

TEST_F(AlerterTest, AFullDiskKeepsNoReloadFromItsWebhooks) {
  AlertReceiver receiver;
  StoreBatch batch;
  batch.Put("alerts/gone/0000000000000001", "{}");
  ASSERT_TRUE(store_.Commit(batch).ok());
  store_.FailWith(absl::ResourceExhaustedError("disk full"));
  ASSERT_TRUE(Start({To("pager", receiver, {AlertKind::kLedgerDamaged})}).ok());
  store_.FailWith(absl::OkStatus());
  ASSERT_TRUE(alerter_->RaiseAlone(Good(AlertKind::kLedgerDamaged)).ok());
  EXPECT_EQ(receiver.Await(1).size(), 1u);
}

TEST_F(AlerterTest, DoesNotStartWithoutASecret) {
  AlertReceiver receiver;
  WebhookSettings webhook = To("pager", receiver, {AlertKind::kLedgerDamaged});
  webhook.secret_path = ::testing::TempDir() + "no such secret";
  EXPECT_EQ(Start({webhook}).code(), absl::StatusCode::kNotFound);
}

// What keeps alerts is told of their end, and others only if they ask.
TEST_F(AlerterTest, WhoKeepsAlertsIsToldThatTheyAreOver) {
  AlertReceiver keeps, shows;
  WebhookSettings keeper = To("keeper", keeps, {AlertKind::kSourceFailing});
  keeper.url = keeps.Url() + "/api/v2/alerts";
  keeper.format = v1::WebhookConfig::FORMAT_ALERTMANAGER;
  WebhookSettings slack = To("slack", shows, {AlertKind::kSourceFailing});
  slack.format = v1::WebhookConfig::FORMAT_SLACK;
  slack.secret_path = "";
  ASSERT_TRUE(Start({keeper, slack}).ok());
  Alert alert = Good(AlertKind::kSourceFailing);
  ASSERT_TRUE(alerter_->RaiseAlone(alert).ok());
  alert.kind = AlertKind::kSourceRecovered;
  ASSERT_TRUE(alerter_->RaiseAlone(alert).ok());
  alert.kind = AlertKind::kRotationPublished;
  ASSERT_TRUE(alerter_->RaiseAlone(alert).ok());
  const auto got = keeps.Await(2);
  ASSERT_EQ(got.size(), 2u);
  const auto begin = nlohmann::json::parse(got[0].body)[0];
  const auto end = nlohmann::json::parse(got[1].body)[0];
  EXPECT_EQ(begin["labels"], end["labels"]);
  EXPECT_EQ(end["endsAt"], "2027-01-15T08:00:00.000Z");
  const auto shown = shows.Await(1);
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_EQ(shown[0].signature, "");
  Log();
  EXPECT_EQ(keeps.Await(0).size(), 2u);
  EXPECT_EQ(shows.Await(0).size(), 1u);
}

TEST_F(AlerterTest, TheKeyOfPagerDutyIsSentAndSignsNothing) {
  AlertReceiver receiver;
  WebhookSettings pager = To("pager", receiver, {AlertKind::kLedgerDamaged});
  pager.format = v1::WebhookConfig::FORMAT_PAGERDUTY;
  EXPECT_TRUE(absl::IsInvalidArgument(Start({pager}))) << "16 characters";
  const std::string key = "0123456789abcdef0123456789abcdef";
  ASSERT_TRUE(anchors::WriteFileAtomically(secret_path_, key + "\n",
                                           anchors::FileAccess::kPrivate)
                  .ok());
  ASSERT_TRUE(Start({pager}).ok());
  receiver.Answer({"429 Too Many Requests", "202 Accepted"});
  ASSERT_TRUE(alerter_->RaiseAlone(Good(AlertKind::kLedgerDamaged)).ok());
  const auto got = receiver.Await(1);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(nlohmann::json::parse(got[0].body)["routing_key"], key);
  EXPECT_EQ(got[0].signature, "");
}

// What waits is neutral: the receiver of the new form gets it in that.
TEST_F(AlerterTest, AnotherFormWorksOnWhatWaits) {
  AlertReceiver before, after;
  before.Answer({"stall"});
  ASSERT_TRUE(Start({To("pager", before, {AlertKind::kLedgerDamaged})}).ok());
  ASSERT_TRUE(alerter_->RaiseAlone(Good(AlertKind::kLedgerDamaged)).ok());
  ASSERT_EQ(before.Await(1).size(), 1u);
  alerter_->Stop();
  WebhookSettings slack = To("pager", after, {AlertKind::kLedgerDamaged});
  slack.format = v1::WebhookConfig::FORMAT_SLACK;
  ASSERT_TRUE(Start({slack}).ok());
  const auto got = after.Await(1);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_TRUE(std::string(nlohmann::json::parse(got[0].body)["text"])
                  .starts_with("CRITICAL  LEDGER_DAMAGED"));
}

TEST_F(AlerterTest, CountsWhatWaits) {
  AlertReceiver receiver;
  receiver.Answer({"stall"});
  ASSERT_TRUE(Start({To("pager", receiver, {AlertKind::kLedgerDamaged})}).ok());
  EXPECT_THAT(Metrics(), HasSubstr("queued_alerts{webhook=\"pager\"} 0\n"));
  ASSERT_TRUE(alerter_->RaiseAlone(Good(AlertKind::kLedgerDamaged)).ok());
  ASSERT_TRUE(alerter_->RaiseAlone(Good(AlertKind::kLedgerDamaged)).ok());
  EXPECT_THAT(Metrics(), HasSubstr("queued_alerts{webhook=\"pager\"} 2\n"));
  // A webhook that is gone leaves no series.
  ASSERT_TRUE(Set({}).ok());
  EXPECT_THAT(Metrics(), Not(HasSubstr("webhook=")));
}

TEST_F(AlerterTest, KnowsWhatIsOpen) {
  const absl::Time time = Good().time;
  alerter_ = std::make_unique<Alerter>(store_, registry_);
  ASSERT_TRUE(alerter_->Open().ok());
  ASSERT_TRUE(alerter_->RaiseAlone(Good()).ok());
  ASSERT_EQ(alerter_->OpenAt(time).size(), 1u);
  EXPECT_EQ(alerter_->OpenAt(time)[0].id(), "rotation/17");
  // Also of what could not be put on a full disk.
  store_.FailWith(absl::ResourceExhaustedError("disk full"));
  EXPECT_FALSE(alerter_->RaiseAlone(Good(AlertKind::kClockJumped)).ok());
  EXPECT_EQ(alerter_->OpenAt(time).size(), 2u);
  ASSERT_FALSE(alerter_->RaiseAlone(Good(AlertKind::kRotationEnded)).ok());
  EXPECT_EQ(alerter_->OpenAt(time).size(), 1u);
}

}  // namespace
}  // namespace anchorage::trustd
