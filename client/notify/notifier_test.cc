#include "client/notify/notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "anchors/tuf/tuf_error.h"
#include "verify/reason.h"

namespace anchorage::client {
namespace {

using anchors::tuf::RejectUpdate;
using anchors::tuf::TufReason;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using verify::AnchorKind;
using verify::Freshness;
using verify::Reason;
using verify::Reject;
using verify::Slot;

const Slot kOregon{
    .partition = "aws", .region = "us-west-2", .kind = AnchorKind::kIidRsa2048};
const Slot kRoot{
    .partition = "aws", .region = "", .kind = AnchorKind::kNitroRoot};

class NotifierTest : public ::testing::Test {
 protected:
  void Refuse(Reason reason, const Slot& slot = kOregon) {
    notifier_.Verified(Reject(reason, "why"), slot, "check", 7);
  }
  void InUse(Freshness freshness, absl::Time as_of = absl::FromUnixSeconds(1)) {
    notifier_.InUse({.sequence = 7, .as_of = as_of}, freshness);
  }
  // Those that came since the last call.
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const Event& event : events_) names.emplace_back(NameOf(event.name));
    events_.clear();
    return names;
  }

  absl::Duration now_ = absl::Hours(1);
  std::vector<Event> events_;
  Notifier notifier_{[this](const Event& event) { events_.push_back(event); },
                     /*tells_refusals=*/true, [this] { return now_; }};
};

TEST_F(NotifierTest, ARefreshIsToldOfByHowItEnded) {
  notifier_.Refreshed(absl::OkStatus(), 7);
  EXPECT_EQ(events_.at(0).sequence, 7u);
  EXPECT_EQ(events_.at(0).reason, "");
  EXPECT_EQ(events_.at(0).message, "");
  EXPECT_THAT(Names(), ElementsAre("REFRESHED"));
  notifier_.Refreshed(RejectUpdate(TufReason::kFetchFailed, "x"), 7);
  notifier_.Refreshed(RejectUpdate(TufReason::kFileNotOnServer, "x"), 7);
  EXPECT_EQ(events_.at(0).reason, "FETCH_FAILED");
  EXPECT_THAT(Names(), ElementsAre("UNREACHABLE", "UNREACHABLE"));
  notifier_.Refreshed(RejectUpdate(TufReason::kThresholdNotMet, "x"), 7);
  notifier_.Refreshed(Reject(Reason::kFieldInvalid, "x"), 7);
  EXPECT_EQ(events_.at(0).reason, "THRESHOLD_NOT_MET");
  EXPECT_EQ(events_.at(1).reason, "FIELD_INVALID");
  EXPECT_THAT(Names(), ElementsAre("UPDATE_REFUSED", "UPDATE_REFUSED"));
  notifier_.Refreshed(absl::ResourceExhaustedError("no memory"), 7);
  notifier_.Refreshed(Reject(Reason::kCryptoProviderMissing, "x"), 7);
  notifier_.Refreshed(absl::InternalError("x"), 7);
  EXPECT_EQ(events_.at(0).reason, "RESOURCES_EXHAUSTED");
  EXPECT_EQ(events_.at(1).reason, "CRYPTO_PROVIDER_MISSING");
  EXPECT_EQ(events_.at(2).reason, "");
  EXPECT_THAT(Names(), ElementsAre("FAILED", "FAILED", "FAILED"));
}

TEST_F(NotifierTest, AClockThatIsBehindTheServerIsToldOfBesideTheRefusal) {
  notifier_.Refreshed(RejectUpdate(TufReason::kClockSuspect, "x"), 7);
  EXPECT_THAT(Names(), ElementsAre("UPDATE_REFUSED", "CLOCK_SUSPECT"));
}

TEST_F(NotifierTest, ARefusalIsToldOfWithItsReasonCheckAndSlot) {
  notifier_.Verified(Reject(Reason::kTooOld, "two\nlines"), kOregon, "age", 7);
  ASSERT_EQ(events_.size(), 1u);
  const Event& event = events_[0];
  EXPECT_EQ(NameOf(event.name), "VERIFICATION_REFUSED");
  EXPECT_EQ(event.reason, "TOO_OLD");
  EXPECT_EQ(event.check, "age");
  EXPECT_EQ(event.message, "two\\nlines");
  EXPECT_EQ(event.partition, "aws");
  EXPECT_EQ(event.region, "us-west-2");
  EXPECT_EQ(event.kind, AnchorKind::kIidRsa2048);
  EXPECT_EQ(event.sequence, 7u);
  EXPECT_EQ(event.left_out, 0u);
}

TEST_F(NotifierTest, AKeyThatIsNoAnchorIsASignerUnknown) {
  for (const Reason reason :
       {Reason::kSignatureMismatch, Reason::kRegionUnknown,
        Reason::kNoUsableAnchors}) {
    Refuse(reason);
    EXPECT_THAT(Names(), ElementsAre("SIGNER_UNKNOWN"));
  }
  Refuse(Reason::kRootNotPinned, kRoot);
  EXPECT_THAT(Names(), ElementsAre("SIGNER_UNKNOWN"));
  // The leaf's chain was good, so this document was changed.
  Refuse(Reason::kSignatureMismatch, kRoot);
  EXPECT_THAT(Names(), ElementsAre("VERIFICATION_REFUSED"));
  // The key is an anchor, which is not good here or now.
  for (const Reason reason : {Reason::kRegionMismatch, Reason::kAnchorNotActive,
                              Reason::kAnchorRevoked}) {
    Refuse(reason);
    EXPECT_THAT(Names(), ElementsAre("VERIFICATION_REFUSED"));
  }
}

TEST_F(NotifierTest, AClockThatIsBehindTheAnchorsIsSuspect) {
  Refuse(Reason::kClockSuspect);
  EXPECT_THAT(Names(), ElementsAre("CLOCK_SUSPECT"));
}

TEST_F(NotifierTest, TheSameRefusalIsToldOfOnceAMinute) {
  for (int i = 0; i < 1000; ++i) Refuse(Reason::kTooOld);
  EXPECT_THAT(Names(), ElementsAre("VERIFICATION_REFUSED"));
  Refuse(Reason::kTooOld, kRoot);
  Refuse(Reason::kReplayed);
  EXPECT_THAT(Names(),
              ElementsAre("VERIFICATION_REFUSED", "VERIFICATION_REFUSED"));
  now_ += Notifier::kTellPause;
  Refuse(Reason::kTooOld);
  ASSERT_EQ(events_.size(), 1u);
  EXPECT_EQ(events_[0].left_out, 999u);
}

TEST_F(NotifierTest, WhatIsAcceptedIsOnlyCounted) {
  notifier_.Verified(absl::OkStatus(), kOregon, "", 7);
  EXPECT_THAT(events_, IsEmpty());
  ASSERT_EQ(notifier_.counters().Snapshot().size(), 1u);
  EXPECT_EQ(notifier_.counters().Snapshot()[0].reason, std::nullopt);
}

TEST_F(NotifierTest, AFailureWithoutAReasonIsCountedAsWantOfMemory) {
  notifier_.Verified(absl::ResourceExhaustedError(""), kOregon, "", 7);
  ASSERT_EQ(events_.size(), 1u);
  EXPECT_EQ(events_[0].reason, "RESOURCES_EXHAUSTED");
}

TEST_F(NotifierTest, ASetIsToldOfOnceWhenItBecomesStaleAndOnceWhenExpired) {
  InUse(Freshness::kFresh);
  EXPECT_THAT(Names(), IsEmpty());
  InUse(Freshness::kStale);
  InUse(Freshness::kStale);
  EXPECT_EQ(events_.at(0).sequence, 7u);
  EXPECT_THAT(Names(), ElementsAre("STALE"));
  // The clock was set back, and ahead again.
  InUse(Freshness::kFresh);
  InUse(Freshness::kStale);
  EXPECT_THAT(Names(), IsEmpty());
  InUse(Freshness::kExpired);
  InUse(Freshness::kExpired);
  EXPECT_EQ(events_.at(0).reason, "ANCHORS_EXPIRED");
  EXPECT_THAT(Names(), ElementsAre("EXPIRED"));
}

TEST_F(NotifierTest, TheNextSetBecomesStaleForItself) {
  InUse(Freshness::kStale, absl::FromUnixSeconds(1));
  InUse(Freshness::kFresh, absl::FromUnixSeconds(2));
  EXPECT_THAT(Names(), ElementsAre("STALE"));
  InUse(Freshness::kStale, absl::FromUnixSeconds(2));
  EXPECT_THAT(Names(), ElementsAre("STALE"));
}

TEST_F(NotifierTest, ASetThatIsOldFromTheBeginningIsToldOf) {
  InUse(Freshness::kExpired, absl::InfinitePast());
  EXPECT_THAT(Names(), ElementsAre("EXPIRED"));
}

TEST_F(NotifierTest, ABakedInSetThatIsNotOldIsNoNews) {
  InUse(Freshness::kBakedIn, absl::InfinitePast());
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(NotifierTest, EachEquivocationIsToldOfOnce) {
  notifier_.Equivocations(0, 7);
  EXPECT_THAT(Names(), IsEmpty());
  notifier_.Equivocations(1, 7);
  notifier_.Equivocations(1, 7);
  EXPECT_THAT(Names(), ElementsAre("EQUIVOCATION"));
  notifier_.Equivocations(2, 7);
  EXPECT_THAT(Names(), ElementsAre("EQUIVOCATION"));
}

TEST(Notifier, DropsWhatACallbackThrows) {
  Notifier notifier([](const Event&) { throw std::runtime_error("not ours"); });
  notifier.Verified(Reject(Reason::kTooOld, ""), kOregon, "", 1);
  notifier.Refreshed(absl::OkStatus(), 1);
  EXPECT_EQ(notifier.counters().Snapshot().size(), 1u);
}

TEST(Notifier, ACallbackMayDoWhatIsToldOf) {
  Notifier* self = nullptr;
  int calls = 0;
  Notifier notifier([&](const Event&) {
    ++calls;
    self->Verified(Reject(Reason::kTooOld, ""), kOregon, "", 1);
  });
  self = &notifier;
  notifier.Verified(Reject(Reason::kTooOld, ""), kOregon, "", 1);
  EXPECT_EQ(calls, 1);
}

TEST(Notifier, OnlyCountsRefusalsWhereTheyAreNotToBeToldOf) {
  int calls = 0;
  Notifier notifier([&](const Event&) { ++calls; }, /*tells_refusals=*/false);
  notifier.Verified(Reject(Reason::kTooOld, ""), kOregon, "", 1);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(notifier.counters().Snapshot().size(), 1u);
  notifier.Refreshed(absl::OkStatus(), 1);
  EXPECT_EQ(calls, 1);
}

TEST(Notifier, CountsWithoutACallback) {
  Notifier notifier(nullptr);
  notifier.Verified(Reject(Reason::kTooOld, ""), kOregon, "", 1);
  notifier.Refreshed(absl::OkStatus(), 1);
  notifier.InUse({}, Freshness::kExpired);
  EXPECT_EQ(notifier.counters().Snapshot().size(), 1u);
}

// The names are API.
TEST(Event, NamesAreWhatTheyWere) {
  std::vector<std::string> names;
  for (const EventName name : AllEventNames()) {
    names.emplace_back(NameOf(name));
  }
  EXPECT_THAT(
      names, ElementsAre("REFRESHED", "UNREACHABLE", "UPDATE_REFUSED", "FAILED",
                         "STALE", "EXPIRED", "EQUIVOCATION", "CLOCK_SUSPECT",
                         "VERIFICATION_REFUSED", "SIGNER_UNKNOWN"));
}

}  // namespace
}  // namespace anchorage::client
