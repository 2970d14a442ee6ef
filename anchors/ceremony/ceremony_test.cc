#include "anchors/ceremony/ceremony.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "anchors/files/atomic_file.h"
#include "anchors/tuf/repository_simulator.h"
#include "anchors/tuf/tuf_error.h"
#include "anchors/tuf/tuf_test_matchers.h"

namespace anchorage::anchors {
namespace {

using tuf::IsOk;
using tuf::RejectedFor;
using tuf::TestKey;
using tuf::TufReason;

const absl::Time kExpires = absl::FromUnixSeconds(1'900'000'000);

bool IsTooEarly(const absl::Status& status) {
  return absl::IsFailedPrecondition(status);
}

// Keys 1 to 3 are root's and targets' with a threshold of 2; 9 is online.
class CeremonyTest : public testing::Test {
 protected:
  CeremonyTest()
      : folder_(testing::TempDir() +
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(folder_);
    spec_.expires = kExpires;
    for (const int n : {1, 2, 3}) {
      spec_.root.keys.push_back(TestKey(n)->public_key());
      spec_.targets.keys.push_back(TestKey(n)->public_key());
    }
    spec_.root.threshold = spec_.targets.threshold = 2;
    spec_.snapshot.keys = {TestKey(9)->public_key()};
    spec_.timestamp.keys = {TestKey(9)->public_key()};
  }

  absl::Status Sign(DraftKind kind, std::vector<int> keys) {
    for (const int n : keys) {
      if (auto s = SignDraft(folder_, kind, *TestKey(n)); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  void MakeFirstRoot() {
    ASSERT_THAT(WriteRootDraft(folder_, spec_), IsOk());
    ASSERT_THAT(Sign(DraftKind::kRoot, {1, 2}), IsOk());
    ASSERT_THAT(PublishRootDraft(folder_), IsOk());
  }

  static std::string CatalogOf(std::uint64_t sequence) {
    auto catalog = *ParseCatalog(DefaultBakedBundle().catalog);
    catalog.sequence = sequence;
    return SerializeCatalog(catalog);
  }

  void MakeTargets(std::uint64_t sequence) {
    ASSERT_THAT(ProposeTargets(folder_, CatalogOf(sequence), "", kExpires),
                IsOk());
    ASSERT_THAT(Sign(DraftKind::kTargets, {1, 2}), IsOk());
    ASSERT_THAT(PublishTargetsDraft(folder_), IsOk());
  }

  const std::string folder_;
  tuf::RootSpec spec_;
};

TEST_F(CeremonyTest, MakesARootAndTargetsThatVerify) {
  MakeFirstRoot();
  MakeTargets(1);
  const auto ceremony = ReadCeremony(folder_);
  ASSERT_THAT(ceremony, IsOk());
  EXPECT_EQ(ceremony->roots.size(), 1u);
  EXPECT_EQ(ceremony->root_draft, "");
  EXPECT_FALSE(ceremony->targets_draft.has_value());
  const auto root = VerifyRoots(ceremony->roots);
  ASSERT_THAT(root, IsOk());
  EXPECT_THAT(VerifyTargets(*root, *ceremony->targets), IsOk());
}

TEST_F(CeremonyTest, DoesNotPublishARootWithTooFewSignatures) {
  ASSERT_THAT(WriteRootDraft(folder_, spec_), IsOk());
  ASSERT_THAT(Sign(DraftKind::kRoot, {1}), IsOk());
  EXPECT_THAT(PublishRootDraft(folder_),
              RejectedFor(TufReason::kRootNotSelfSigned));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/1.root.json"));
}

TEST_F(CeremonyTest, CountsASignerOnce) {
  ASSERT_THAT(WriteRootDraft(folder_, spec_), IsOk());
  ASSERT_THAT(Sign(DraftKind::kRoot, {1, 1}), IsOk());
  const auto counts =
      CountSignatures(*ReadCeremony(folder_), DraftKind::kRoot);
  ASSERT_THAT(counts, IsOk());
  ASSERT_EQ(counts->size(), 1u);
  EXPECT_EQ(counts->front().signed_by.size(), 1u);
  EXPECT_EQ(counts->front().missing.size(), 2u);
  EXPECT_FALSE(counts->front().enough());
}

TEST_F(CeremonyTest, RefusesASignatureThatWouldNotCount) {
  ASSERT_THAT(WriteRootDraft(folder_, spec_), IsOk());
  EXPECT_TRUE(IsTooEarly(Sign(DraftKind::kRoot, {9})));
}

TEST_F(CeremonyTest, ANewRootNeedsTheOldKeysAndItsOwn) {
  MakeFirstRoot();
  tuf::RootSpec next = spec_;
  next.version = 2;
  next.root.keys = {TestKey(1)->public_key(), TestKey(4)->public_key(),
                    TestKey(5)->public_key()};
  ASSERT_THAT(WriteRootDraft(folder_, next), IsOk());
  ASSERT_THAT(Sign(DraftKind::kRoot, {4, 5}), IsOk());
  EXPECT_THAT(PublishRootDraft(folder_),
              RejectedFor(TufReason::kThresholdNotMet));
  ASSERT_THAT(Sign(DraftKind::kRoot, {1, 2}), IsOk());
  EXPECT_THAT(PublishRootDraft(folder_), IsOk());
  EXPECT_EQ(ReadSigned(folder_)->roots.size(), 2u);
}

TEST_F(CeremonyTest, AnEditedDraftHasNoSignatures) {
  ASSERT_THAT(WriteRootDraft(folder_, spec_), IsOk());
  ASSERT_THAT(Sign(DraftKind::kRoot, {1, 2}), IsOk());
  spec_.root.threshold = 1;
  ASSERT_THAT(WriteRootDraft(folder_, spec_), IsOk());
  EXPECT_THAT(PublishRootDraft(folder_),
              RejectedFor(TufReason::kRootNotSelfSigned));
}

TEST_F(CeremonyTest, ARootPublishedTwiceAfterACrashIsPublishedOnce) {
  MakeFirstRoot();
  const auto root = ReadFile(folder_ + "/1.root.json", 1 << 20);
  ASSERT_THAT(root, IsOk());
  ASSERT_THAT(WriteFileAtomically(folder_ + "/root.draft.json", *root),
              IsOk());
  EXPECT_THAT(PublishRootDraft(folder_), IsOk());
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/root.draft.json"));
  EXPECT_EQ(ReadSigned(folder_)->roots.size(), 1u);
}

TEST_F(CeremonyTest, TargetsNeedTheirThreshold) {
  MakeFirstRoot();
  ASSERT_THAT(ProposeTargets(folder_, CatalogOf(1), "", kExpires), IsOk());
  ASSERT_THAT(Sign(DraftKind::kTargets, {3}), IsOk());
  EXPECT_THAT(PublishTargetsDraft(folder_),
              RejectedFor(TufReason::kThresholdNotMet));
  EXPECT_FALSE(ReadSigned(folder_)->targets.has_value());
}

TEST_F(CeremonyTest, TargetsNeedARootFirst) {
  EXPECT_TRUE(
      IsTooEarly(ProposeTargets(folder_, CatalogOf(1), "", kExpires)));
}

TEST_F(CeremonyTest, ACatalogNeedsAHigherSequence) {
  MakeFirstRoot();
  MakeTargets(7);
  EXPECT_TRUE(
      IsTooEarly(ProposeTargets(folder_, CatalogOf(6), "", kExpires)));
  EXPECT_THAT(ProposeTargets(folder_, CatalogOf(7), "", kExpires), IsOk());
  EXPECT_THAT(ProposeTargets(folder_, CatalogOf(8), "", kExpires), IsOk());
}

TEST_F(CeremonyTest, RefusesACatalogThatNoClientReads) {
  MakeFirstRoot();
  EXPECT_FALSE(ProposeTargets(folder_, "{}", "", kExpires).ok());
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/targets.draft.json"));
}

TEST_F(CeremonyTest, ATargetChangedOnTheWayIsNotPublished) {
  MakeFirstRoot();
  ASSERT_THAT(ProposeTargets(folder_, CatalogOf(1), "", kExpires), IsOk());
  ASSERT_THAT(Sign(DraftKind::kTargets, {1, 2}), IsOk());
  for (const auto& entry : std::filesystem::directory_iterator(
           folder_ + "/targets/catalog/v1")) {
    ASSERT_THAT(WriteFileAtomically(entry.path().string(), CatalogOf(2)),
                IsOk());
  }
  EXPECT_THAT(PublishTargetsDraft(folder_),
              RejectedFor(TufReason::kTargetHashMismatch));
}

TEST_F(CeremonyTest, ThereMustBeADraft) {
  MakeFirstRoot();
  EXPECT_TRUE(IsTooEarly(PublishRootDraft(folder_).status()));
  EXPECT_TRUE(IsTooEarly(PublishTargetsDraft(folder_).status()));
  EXPECT_TRUE(IsTooEarly(Sign(DraftKind::kTargets, {1})));
}

TEST_F(CeremonyTest, AFolderThatIsNotThereHasNothing) {
  const auto ceremony = ReadSigned(folder_ + "/none");
  ASSERT_THAT(ceremony, IsOk());
  EXPECT_TRUE(ceremony->roots.empty());
}

}  // namespace
}  // namespace anchorage::anchors
