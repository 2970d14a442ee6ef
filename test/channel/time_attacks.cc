// Bundles that have ended, and clocks that are wrong.

#include <gtest/gtest.h>

#include <optional>

#include "test/channel/channel_test.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

namespace tuf = anchors::tuf;
using tuf::TufReason;
using verify::Freshness;

// The repository signs everything for 30 days.
constexpr absl::Duration kLife = absl::Hours(30 * 24);

TEST_P(ChannelTest, b06ABundleReplayedPastItsEnd) {
  // The root outlives the rest, as it does in life.
  repository().root.expires = kNow + 365 * kDay;
  repository().Publish({"root"});
  Begin();
  now_ = kNow + kLife + kDay;
  ExpectRefused(TufReason::kTimestampExpired);
  EXPECT_EQ(client_->state().freshness, Freshness::kStale);
  now_ = kNow + kLife + Options().max_stale + kDay;
  ExpectRefused(TufReason::kTimestampExpired);
  EXPECT_EQ(client_->state().freshness, Freshness::kExpired);
  const auto policy =
      verify::EnclavePolicy::Builder().AuthenticityOnly("test").Build();
  EXPECT_EQ(verify::ReasonOf(client_->VerifyEnclave("x", *policy).status()),
            verify::Reason::kAnchorsExpired);
}

TEST_P(ChannelTest, b13AClockSetForwardCostsNothingButTime) {
  Begin();
  now_ = kNow + 10 * 365 * kDay;
  ExpectRefused(TufReason::kRootExpired);
  EXPECT_EQ(client_->state().freshness, Freshness::kExpired);
  // Right again: that costs one refresh.
  now_ = kNow;
  EXPECT_EQ(client_->state().freshness, Freshness::kExpired);
  servers_->PublishCatalog(kSequence + 1);
  const absl::Status status = Refresh();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(client_->state().provenance.sequence, kSequence + 1);
  EXPECT_EQ(client_->state().freshness, Freshness::kFresh);
}

TEST_P(ChannelTest, b13AClockSetBackMakesNothingFresh) {
  Begin();
  now_ = kNow + 10 * 365 * kDay;
  EXPECT_EQ(client_->state().freshness, Freshness::kExpired);
  now_ = kNow;
  EXPECT_EQ(client_->state().freshness, Freshness::kExpired);
  // Nor does an answer that does not verify.
  repository().timestamp.expires = kNow - absl::Hours(1);
  repository().Publish({"timestamp"});
  ExpectRefused(TufReason::kTimestampExpired);
  EXPECT_EQ(client_->state().freshness, Freshness::kExpired);
  repository().timestamp.expires = kNow + kLife;
  repository().Publish({"timestamp"});
  const absl::Status status = Refresh();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(client_->state().freshness, Freshness::kFresh);
}

// Off for two months: the root that it knows has ended, and the next one too.
TEST_P(ChannelTest, b14AnUpdateAfterTheRootHasEnded) {
  Begin();
  now_ = kNow + 61 * kDay;
  repository().root.expires = kNow + 50 * kDay;
  repository().Publish({"root"});
  repository().root.expires = now_ + kLife;
  repository().timestamp.expires = now_ + kLife;
  repository().snapshot.expires = now_ + kLife;
  repository().targets().expires = now_ + kLife;
  repository().RotateKeys("timestamp");
  repository().Publish({"root"});
  servers_->PublishCatalog(kSequence + 1);

  client::TrustClientOptions no_cache = Options();
  no_cache.cache_folder.clear();
  // One that ran all the time, one that has only what it was built with, and
  // one that starts again from its cache.
  const auto fresh = Make(std::move(no_cache));
  for (client::TrustClient* client : {client_.get(), fresh.get()}) {
    const absl::Status status = client->Refresh();
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(client->state().provenance.sequence, kSequence + 1);
    EXPECT_EQ(client->state().freshness, Freshness::kFresh);
  }
  EXPECT_EQ(Make()->state().provenance.sequence, kSequence + 1);
}

TEST_P(ChannelTest, b14AStartFromACacheWhoseRootHasEnded) {
  Begin();
  client_.reset();
  now_ = kNow + 61 * kDay;
  client_ = Make();
  EXPECT_EQ(client_->state().provenance.origin, verify::Origin::kCache);
  EXPECT_EQ(client_->state().freshness, Freshness::kExpired);
  repository().root.expires = now_ + kLife;
  repository().timestamp.expires = now_ + kLife;
  repository().snapshot.expires = now_ + kLife;
  repository().targets().expires = now_ + kLife;
  repository().Publish({"root"});
  servers_->PublishCatalog(kSequence + 1);
  const absl::Status status = Refresh();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(client_->state().provenance.sequence, kSequence + 1);
}

}  // namespace
}  // namespace anchorage::test
