#include "anchors/publishing/ceremony.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anchors/baked/baked.h"
#include "anchors/base/atomic_file.h"
#include "anchors/catalog.h"
#include "anchors/releases.h"
#include "anchors/tuf/tuf_error.h"
#include "anchors/tuf/updater.h"
#include "test/support/repository_simulator.h"
#include "test/support/tuf_test_matchers.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using tuf::IsOk;
using tuf::RejectedFor;
using tuf::TestKey;
using tuf::TufReason;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
const absl::Time kExpires = absl::FromUnixSeconds(1'900'000'000);

bool IsTooEarly(const absl::Status& status) {
  return absl::IsFailedPrecondition(status);
}

absl::Status ProposeTargets(const std::string& folder,
                            const std::string& catalog,
                            const std::string& releases, absl::Time expires,
                            absl::Time now,
                            const Reactivated& reactivated = {}) {
  return anchors::ProposeTargets(folder,
                                 {{std::string(kCatalogTargetPath), catalog},
                                  {std::string(kReleasesTargetPath), releases}},
                                 expires, now, reactivated);
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
      if (auto s = SignWhatIsThere(kind, n); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  // As somebody does who looks at what is there and signs it.
  absl::Status SignWhatIsThere(DraftKind kind, int key) {
    const auto shown = ReadCeremony(folder_);
    if (!shown.ok()) return shown.status();
    return SignDraft(folder_, *shown, kind, *TestKey(key), kNow);
  }

  void MakeFirstRoot() {
    ASSERT_THAT(WriteRootDraft(folder_, spec_), IsOk());
    ASSERT_THAT(Sign(DraftKind::kRoot, {1, 2}), IsOk());
    ASSERT_THAT(PublishRootDraft(folder_, kNow), IsOk());
  }

  static std::string CatalogOf(std::uint64_t sequence) {
    auto catalog = *ParseCatalog(DefaultBakedBundle().files.catalog());
    catalog.sequence = sequence;
    return SerializeCatalog(catalog);
  }

  void MakeTargets(std::uint64_t sequence) {
    ASSERT_THAT(
        ProposeTargets(folder_, CatalogOf(sequence), "", kExpires, kNow),
        IsOk());
    ASSERT_THAT(Sign(DraftKind::kTargets, {1, 2}), IsOk());
    ASSERT_THAT(PublishTargetsDraft(folder_, kNow), IsOk());
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
  EXPECT_THAT(PublishRootDraft(folder_, kNow),
              RejectedFor(TufReason::kRootNotSelfSigned));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/1.root.json"));
}

TEST_F(CeremonyTest, CountsASignerOnce) {
  ASSERT_THAT(WriteRootDraft(folder_, spec_), IsOk());
  ASSERT_THAT(Sign(DraftKind::kRoot, {1, 1}), IsOk());
  const auto counts = CountSignatures(*ReadCeremony(folder_), DraftKind::kRoot);
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
  EXPECT_THAT(PublishRootDraft(folder_, kNow),
              RejectedFor(TufReason::kThresholdNotMet));
  ASSERT_THAT(Sign(DraftKind::kRoot, {1, 2}), IsOk());
  EXPECT_THAT(PublishRootDraft(folder_, kNow), IsOk());
  EXPECT_EQ(ReadSigned(folder_)->roots.size(), 2u);
}

TEST_F(CeremonyTest, AnEditedDraftHasNoSignatures) {
  ASSERT_THAT(WriteRootDraft(folder_, spec_), IsOk());
  ASSERT_THAT(Sign(DraftKind::kRoot, {1, 2}), IsOk());
  spec_.root.threshold = 1;
  ASSERT_THAT(WriteRootDraft(folder_, spec_), IsOk());
  EXPECT_THAT(PublishRootDraft(folder_, kNow),
              RejectedFor(TufReason::kRootNotSelfSigned));
}

TEST_F(CeremonyTest, ARootPublishedTwiceAfterACrashIsPublishedOnce) {
  MakeFirstRoot();
  const auto root = ReadFile(folder_ + "/1.root.json", 1 << 20);
  ASSERT_THAT(root, IsOk());
  ASSERT_THAT(WriteFileAtomically(folder_ + "/root.draft.json", *root), IsOk());
  EXPECT_THAT(PublishRootDraft(folder_, kNow), IsOk());
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/root.draft.json"));
  EXPECT_EQ(ReadSigned(folder_)->roots.size(), 1u);
}

TEST_F(CeremonyTest, TargetsNeedTheirThreshold) {
  MakeFirstRoot();
  ASSERT_THAT(ProposeTargets(folder_, CatalogOf(1), "", kExpires, kNow),
              IsOk());
  ASSERT_THAT(Sign(DraftKind::kTargets, {3}), IsOk());
  EXPECT_THAT(PublishTargetsDraft(folder_, kNow),
              RejectedFor(TufReason::kThresholdNotMet));
  EXPECT_FALSE(ReadSigned(folder_)->targets.has_value());
}

TEST_F(CeremonyTest, TargetsNeedARootFirst) {
  EXPECT_TRUE(
      IsTooEarly(ProposeTargets(folder_, CatalogOf(1), "", kExpires, kNow)));
}

TEST_F(CeremonyTest, ACatalogNeedsAHigherSequence) {
  MakeFirstRoot();
  MakeTargets(7);
  EXPECT_TRUE(
      IsTooEarly(ProposeTargets(folder_, CatalogOf(6), "", kExpires, kNow)));
  EXPECT_THAT(ProposeTargets(folder_, CatalogOf(7), "", kExpires, kNow),
              IsOk());
  EXPECT_THAT(ProposeTargets(folder_, CatalogOf(8), "", kExpires, kNow),
              IsOk());
}

// What is signed, with the first anchor in that status, as that sequence.
std::string WithStatus(std::uint64_t sequence, verify::AnchorStatus status) {
  auto catalog = *ParseCatalog(DefaultBakedBundle().files.catalog());
  catalog.sequence = sequence;
  catalog.anchors.front().status = status;
  return SerializeCatalog(catalog);
}

Reactivated FirstAnchor() {
  const auto catalog = *ParseCatalog(DefaultBakedBundle().files.catalog());
  return {{catalog.anchors.front().slot, catalog.anchors.front().spki_sha256}};
}

TEST_F(CeremonyTest, AnAnchorDoesNotVanish) {
  MakeFirstRoot();
  MakeTargets(1);
  auto catalog = *ParseCatalog(CatalogOf(2));
  catalog.anchors.pop_back();
  EXPECT_TRUE(IsTooEarly(
      ProposeTargets(folder_, SerializeCatalog(catalog), "", kExpires, kNow)));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/targets.draft.json"));
}

TEST_F(CeremonyTest, ADraftThatMustNotFollowIsNeitherSignedNorPublished) {
  MakeFirstRoot();
  MakeTargets(1);
  auto catalog = *ParseCatalog(CatalogOf(2));
  catalog.anchors.pop_back();
  // As a program that knows none of the rules has proposed and signed it.
  const std::string json = SerializeCatalog(catalog);
  const tuf::Target target = tuf::DescribeTarget(json);
  tuf::TargetsSpec spec;
  spec.version = 2;
  spec.expires = kExpires;
  spec.targets.emplace(kCatalogTargetPath, target);
  const auto draft = tuf::SignNew(*tuf::WriteTargets(spec),
                                  {TestKey(1).get(), TestKey(2).get()});
  ASSERT_THAT(draft, IsOk());
  ASSERT_THAT(
      WriteFileAtomically(folder_ + "/targets/" +
                              tuf::TargetFileName(kCatalogTargetPath, target,
                                                  /*consistent_snapshot=*/true),
                          json),
      IsOk());
  ASSERT_THAT(WriteFileAtomically(folder_ + "/targets.draft.json", *draft),
              IsOk());
  for (const absl::Status& status :
       {Sign(DraftKind::kTargets, {3}),
        PublishTargetsDraft(folder_, kNow).status()}) {
    EXPECT_THAT(std::string(status.message()),
                testing::HasSubstr("ANCHOR_LOST"));
  }
}

TEST_F(CeremonyTest, EachWhoSignsNamesWhatIsTakenBackIntoUse) {
  using verify::AnchorStatus;
  MakeFirstRoot();
  MakeTargets(1);
  ASSERT_THAT(ProposeTargets(folder_, WithStatus(2, AnchorStatus::kRetired), "",
                             kExpires, kNow),
              IsOk());
  ASSERT_THAT(Sign(DraftKind::kTargets, {1, 2}), IsOk());
  ASSERT_THAT(PublishTargetsDraft(folder_, kNow), IsOk());
  const std::string next = WithStatus(3, AnchorStatus::kActive);
  EXPECT_TRUE(IsTooEarly(ProposeTargets(folder_, next, "", kExpires, kNow)));
  ASSERT_THAT(ProposeTargets(folder_, next, "", kExpires, kNow, FirstAnchor()),
              IsOk());
  EXPECT_TRUE(IsTooEarly(Sign(DraftKind::kTargets, {1})));
  for (const int person : {1, 2}) {
    EXPECT_THAT(SignDraft(folder_, *ReadCeremony(folder_), DraftKind::kTargets,
                          *TestKey(person), kNow, FirstAnchor()),
                IsOk());
  }
  EXPECT_THAT(PublishTargetsDraft(folder_, kNow), IsOk());
}

TEST_F(CeremonyTest, WhatWasRevokedStaysSoWhoeverNamesIt) {
  using verify::AnchorStatus;
  MakeFirstRoot();
  MakeTargets(1);
  ASSERT_THAT(ProposeTargets(folder_, WithStatus(2, AnchorStatus::kRevoked), "",
                             kExpires, kNow),
              IsOk());
  ASSERT_THAT(Sign(DraftKind::kTargets, {1, 2}), IsOk());
  ASSERT_THAT(PublishTargetsDraft(folder_, kNow), IsOk());
  EXPECT_TRUE(
      IsTooEarly(ProposeTargets(folder_, WithStatus(3, AnchorStatus::kActive),
                                "", kExpires, kNow, FirstAnchor())));
}

TEST_F(CeremonyTest, RefusesACatalogThatNoClientReads) {
  MakeFirstRoot();
  EXPECT_FALSE(ProposeTargets(folder_, "{}", "", kExpires, kNow).ok());
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/targets.draft.json"));
}

TEST_F(CeremonyTest, ATargetChangedOnTheWayIsNotPublished) {
  MakeFirstRoot();
  ASSERT_THAT(ProposeTargets(folder_, CatalogOf(1), "", kExpires, kNow),
              IsOk());
  ASSERT_THAT(Sign(DraftKind::kTargets, {1, 2}), IsOk());
  for (const auto& entry :
       std::filesystem::directory_iterator(folder_ + "/targets/catalog/v1")) {
    ASSERT_THAT(WriteFileAtomically(entry.path().string(), CatalogOf(2)),
                IsOk());
  }
  EXPECT_THAT(PublishTargetsDraft(folder_, kNow),
              RejectedFor(TufReason::kTargetHashMismatch));
}

TEST_F(CeremonyTest, WhatIsShownIsWhatTheTargetsName) {
  MakeFirstRoot();
  ASSERT_THAT(ProposeTargets(folder_, CatalogOf(1), "", kExpires, kNow),
              IsOk());
  // Somebody puts a harmless catalog under the name of another's hash.
  for (const auto& entry :
       std::filesystem::directory_iterator(folder_ + "/targets/catalog/v1")) {
    ASSERT_THAT(WriteFileAtomically(entry.path().string(), CatalogOf(2)),
                IsOk());
  }
  EXPECT_THAT(ReadCeremony(folder_),
              RejectedFor(TufReason::kTargetHashMismatch));
}

TEST_F(CeremonyTest, ADraftThatIsReplacedWhileOneLooksIsNotSigned) {
  MakeFirstRoot();
  ASSERT_THAT(ProposeTargets(folder_, CatalogOf(1), "", kExpires, kNow),
              IsOk());
  const auto shown = ReadCeremony(folder_);
  ASSERT_THAT(ProposeTargets(folder_, CatalogOf(2), "", kExpires, kNow),
              IsOk());
  EXPECT_TRUE(absl::IsAborted(
      SignDraft(folder_, *shown, DraftKind::kTargets, *TestKey(1), kNow)));
  EXPECT_TRUE(CountSignatures(*ReadCeremony(folder_), DraftKind::kTargets)
                  ->front()
                  .signed_by.empty());
}

TEST_F(CeremonyTest, ASignatureOfAnotherPersonMeanwhileStays) {
  MakeFirstRoot();
  ASSERT_THAT(ProposeTargets(folder_, CatalogOf(1), "", kExpires, kNow),
              IsOk());
  const auto shown = ReadCeremony(folder_);
  ASSERT_THAT(SignWhatIsThere(DraftKind::kTargets, 1), IsOk());
  ASSERT_THAT(
      SignDraft(folder_, *shown, DraftKind::kTargets, *TestKey(2), kNow),
      IsOk());
  EXPECT_THAT(PublishTargetsDraft(folder_, kNow), IsOk());
}

TEST_F(CeremonyTest, ADraftOfARootThatIsNotTheNextIsNotSigned) {
  spec_.version = 4;
  ASSERT_THAT(WriteRootDraft(folder_, spec_), IsOk());
  EXPECT_TRUE(IsTooEarly(SignWhatIsThere(DraftKind::kRoot, 1)));
}

TEST_F(CeremonyTest, TargetsThatDelegateAreNotSigned) {
  MakeFirstRoot();
  ASSERT_THAT(ProposeTargets(folder_, CatalogOf(1), "", kExpires, kNow),
              IsOk());
  const auto draft =
      *tuf::ParseTargets(ReadCeremony(folder_)->targets_draft->targets);
  tuf::TargetsSpec spec = tuf::NextTargetsSpec(draft, kExpires);
  spec.version = 1;
  tuf::DelegationSpec delegation;
  delegation.name = "evil";
  delegation.role.keys = {TestKey(9)->public_key()};
  delegation.paths = {"releases/*"};
  spec.delegations = {delegation};
  ASSERT_THAT(WriteFileAtomically(folder_ + "/targets.draft.json",
                                  *tuf::WriteTargets(spec)),
              IsOk());
  EXPECT_TRUE(IsTooEarly(SignWhatIsThere(DraftKind::kTargets, 1)));
}

TEST_F(CeremonyTest, TheFileToCompareWithMustBeSigned) {
  MakeFirstRoot();
  MakeTargets(1);
  ASSERT_THAT(VerifyLastTargets(*ReadCeremony(folder_)), IsOk());
  // An unsigned newer file would make a new anchor look like an old one.
  tuf::TargetsSpec spec = tuf::NextTargetsSpec(
      *tuf::ParseTargets(ReadCeremony(folder_)->targets->targets), kExpires);
  ASSERT_THAT(WriteFileAtomically(folder_ + "/2.targets.json",
                                  *tuf::WriteTargets(spec)),
              IsOk());
  EXPECT_FALSE(VerifyLastTargets(*ReadCeremony(folder_)).ok());
  EXPECT_FALSE(ProposeTargets(folder_, CatalogOf(2), "", kExpires, kNow).ok());
}

TEST_F(CeremonyTest, WhatHasEndedIsNotPublished) {
  ASSERT_THAT(WriteRootDraft(folder_, spec_), IsOk());
  ASSERT_THAT(Sign(DraftKind::kRoot, {1, 2}), IsOk());
  EXPECT_THAT(PublishRootDraft(folder_, kExpires),
              RejectedFor(TufReason::kRootExpired));
  ASSERT_THAT(PublishRootDraft(folder_, kNow), IsOk());
  ASSERT_THAT(ProposeTargets(folder_, CatalogOf(1), "", kExpires, kNow),
              IsOk());
  ASSERT_THAT(Sign(DraftKind::kTargets, {1, 2}), IsOk());
  EXPECT_THAT(PublishTargetsDraft(folder_, kExpires),
              RejectedFor(TufReason::kTargetsExpired));
}

TEST_F(CeremonyTest, RootsAreReadBesideTargetsThatCannotBe) {
  MakeFirstRoot();
  MakeTargets(1);
  ASSERT_THAT(WriteFileAtomically(folder_ + "/999.targets.json", "{}"), IsOk());
  const auto signed_files = ReadSigned(folder_);
  ASSERT_THAT(signed_files, IsOk());
  EXPECT_EQ(signed_files->roots.size(), 1u);
  EXPECT_FALSE(signed_files->targets_status.ok());
  EXPECT_FALSE(ReadCeremony(folder_).ok());
}

TEST_F(CeremonyTest, ThereMustBeADraft) {
  MakeFirstRoot();
  EXPECT_TRUE(IsTooEarly(PublishRootDraft(folder_, kNow).status()));
  EXPECT_TRUE(IsTooEarly(PublishTargetsDraft(folder_, kNow).status()));
  EXPECT_TRUE(IsTooEarly(Sign(DraftKind::kTargets, {1})));
}

TEST_F(CeremonyTest, AFolderThatIsNotThereHasNothing) {
  const auto ceremony = ReadSigned(folder_ + "/none");
  ASSERT_THAT(ceremony, IsOk());
  EXPECT_TRUE(ceremony->roots.empty());
}

// --- what a client of this version refuses ---------------------------------

TEST_F(CeremonyTest, WhatClientsRefuseIsNeitherProposedNorSigned) {
  MakeFirstRoot();
  const auto change = [](const std::function<void(Catalog&)>& with) {
    auto catalog = *ParseCatalog(CatalogOf(1));
    with(catalog);
    return SerializeCatalog(catalog);
  };
  const std::vector<std::string> bad = {
      // A region in two partitions.
      change([](Catalog& catalog) {
        for (CatalogAnchor& anchor : catalog.anchors) {
          if (anchor.slot.region == "us-east-1") {
            anchor.slot.partition = "aws-us-gov";
            break;
          }
        }
      }),
      change([](Catalog& catalog) {
        catalog.created =
            absl::FromCivil(absl::CivilDay(9999, 1, 1), absl::UTCTimeZone());
      }),
      change([](Catalog& catalog) {
        catalog.created = kNow + absl::Minutes(5) + absl::Seconds(1);
      })};
  for (const std::string& catalog : bad) {
    EXPECT_FALSE(ProposeTargets(folder_, catalog, "", kExpires, kNow).ok());
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/targets.draft.json"));
    // Somebody's older program has proposed it.
    ASSERT_THAT(MakeFolder(folder_ + "/targets/catalog/v1"), IsOk());
    tuf::TargetsSpec spec;
    spec.expires = kExpires;
    const tuf::Target target = tuf::DescribeTarget(catalog);
    spec.targets.emplace(kCatalogTargetPath, target);
    ASSERT_THAT(WriteFileAtomically(
                    folder_ + "/targets/" +
                        tuf::TargetFileName(kCatalogTargetPath, target, true),
                    catalog),
                IsOk());
    ASSERT_THAT(WriteFileAtomically(folder_ + "/targets.draft.json",
                                    *tuf::WriteTargets(spec)),
                IsOk());
    const auto shown = ReadCeremony(folder_);
    ASSERT_THAT(shown, IsOk());
    EXPECT_FALSE(CheckDraft(*shown, DraftKind::kTargets, kNow).ok());
    EXPECT_FALSE(Sign(DraftKind::kTargets, {1}).ok());
    std::filesystem::remove(folder_ + "/targets.draft.json");
  }
}

TEST_F(CeremonyTest, ALaterCatalogMayHaveBeenMadeEarlier) {
  MakeFirstRoot();
  MakeTargets(1);
  auto catalog = *ParseCatalog(CatalogOf(2));
  catalog.created -= absl::Hours(24 * 300);
  EXPECT_THAT(
      ProposeTargets(folder_, SerializeCatalog(catalog), "", kExpires, kNow),
      IsOk());
}

TEST_F(CeremonyTest, ASequenceIsNotUsedUpByOneStep) {
  constexpr std::uint64_t kStep = std::uint64_t{1} << 32;
  MakeFirstRoot();
  MakeTargets(7);
  EXPECT_TRUE(IsTooEarly(
      ProposeTargets(folder_, CatalogOf(8 + kStep), "", kExpires, kNow)));
  EXPECT_THAT(ProposeTargets(folder_, CatalogOf(7 + kStep), "", kExpires, kNow),
              IsOk());
}

std::string ReleasesOf(std::uint64_t sequence, char measurement = 'a') {
  Release release;
  release.product = "signer";
  release.name = "2.3.0";
  release.measurements = {{0, std::string(48, measurement)}};
  ReleaseList list;
  list.sequence = sequence;
  list.created = kNow;
  list.releases = {release};
  return SerializeReleases(list);
}

TEST_F(CeremonyTest, ReleasesThatTellNothingAreNotSigned) {
  MakeFirstRoot();
  const auto propose = [&](char measurement) {
    return ProposeTargets(folder_, CatalogOf(1), ReleasesOf(5, measurement),
                          kExpires, kNow);
  };
  EXPECT_EQ(verify::ReasonOf(propose('\0')), verify::Reason::kPolicyUnsafe);
  EXPECT_THAT(propose('a'), IsOk());
}

TEST_F(CeremonyTest, ReleasesDoNotGoBackAlsoAfterABundleWithoutThem) {
  MakeFirstRoot();
  const auto publish = [&](std::uint64_t sequence,
                           const std::string& releases) {
    ASSERT_THAT(
        ProposeTargets(folder_, CatalogOf(sequence), releases, kExpires, kNow),
        IsOk());
    ASSERT_THAT(Sign(DraftKind::kTargets, {1, 2}), IsOk());
    ASSERT_THAT(PublishTargetsDraft(folder_, kNow), IsOk());
  };
  publish(1, ReleasesOf(5));
  publish(2, "");
  EXPECT_TRUE(IsTooEarly(
      ProposeTargets(folder_, CatalogOf(3), ReleasesOf(4), kExpires, kNow)));
  EXPECT_TRUE(IsTooEarly(ProposeTargets(
      folder_, CatalogOf(3), ReleasesOf((std::uint64_t{1} << 32) + 6), kExpires,
      kNow)));
  EXPECT_THAT(
      ProposeTargets(folder_, CatalogOf(3), ReleasesOf(5), kExpires, kNow),
      IsOk());
}

// --- a root that removes who signed the targets -----------------------------

TEST_F(CeremonyTest, ARootThatRemovesTheTargetsSignersNeedsTargetsOfItsOwn) {
  MakeFirstRoot();
  MakeTargets(7);
  tuf::RootSpec next = spec_;
  next.version = 2;
  next.targets.keys = {TestKey(4)->public_key(), TestKey(5)->public_key()};
  ASSERT_THAT(WriteRootDraft(folder_, next), IsOk());
  ASSERT_THAT(Sign(DraftKind::kRoot, {1, 2}), IsOk());
  EXPECT_TRUE(IsTooEarly(PublishRootDraft(folder_, kNow).status()));
  EXPECT_EQ(ReadSigned(folder_)->roots.size(), 1u);
  // Proposed and not signed by enough of the new keys.
  ASSERT_THAT(ProposeTargets(folder_, CatalogOf(8), "", kExpires, kNow),
              IsOk());
  ASSERT_THAT(Sign(DraftKind::kTargets, {1, 2, 4}), IsOk());
  EXPECT_TRUE(IsTooEarly(PublishRootDraft(folder_, kNow).status()));
  const auto counts =
      CountSignatures(*ReadCeremony(folder_), DraftKind::kTargets);
  ASSERT_THAT(counts, IsOk());
  ASSERT_EQ(counts->size(), 2u);
  EXPECT_EQ(counts->back().missing,
            std::vector<std::string>{TestKey(5)->public_key().keyid()});
  ASSERT_THAT(Sign(DraftKind::kTargets, {5}), IsOk());
  ASSERT_THAT(PublishRootDraft(folder_, kNow), IsOk());
  const auto ceremony = ReadCeremony(folder_);
  ASSERT_THAT(ceremony, IsOk());
  EXPECT_EQ(ceremony->roots.size(), 2u);
  EXPECT_FALSE(ceremony->targets_draft.has_value());
  EXPECT_THAT(VerifyTargets(*VerifyRoots(ceremony->roots), *ceremony->targets),
              IsOk());
}

TEST_F(CeremonyTest, WhatThievesSignedIsNothingToFollow) {
  MakeFirstRoot();
  MakeTargets(7);
  // The thief's file has come into the folder.
  MakeTargets((std::uint64_t{1} << 32) + 7);
  tuf::RootSpec next = spec_;
  next.version = 2;
  next.targets.keys = {TestKey(4)->public_key(), TestKey(5)->public_key()};
  ASSERT_THAT(WriteRootDraft(folder_, next), IsOk());
  ASSERT_THAT(Sign(DraftKind::kRoot, {1, 2}), IsOk());
  ASSERT_THAT(ProposeTargets(folder_, CatalogOf(8), "", kExpires, kNow),
              IsOk());
  ASSERT_THAT(Sign(DraftKind::kTargets, {4, 5}), IsOk());
  EXPECT_THAT(PublishRootDraft(folder_, kNow), IsOk());
  EXPECT_EQ(ParseCatalog(ReadCeremony(folder_)->targets->catalog())->sequence,
            8u);
}

}  // namespace
}  // namespace anchorage::anchors
