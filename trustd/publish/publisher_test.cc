#include "trustd/publish/publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "anchors/baked/baked.h"
#include "anchors/base/atomic_file.h"
#include "anchors/images/producers.h"
#include "anchors/releases.h"
#include "anchors/tuf/trusted_set.h"
#include "test/support/fake_store.h"
#include "test/support/publish_for_tests.h"
#include "trustd/base/store_head.h"
#include "trustd/config.h"
#include "trustd/publish/acceptance.h"
#include "verify/crypto/public_key.h"
#include "verify/reason.h"

namespace anchorage::trustd {
namespace {

namespace tuf = anchors::tuf;
using ::testing::Contains;
using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

anchors::Catalog Seed() {
  return *anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
}

// What is published beside the catalog; empty for nothing.
anchors::ByPath Beside(const std::string& releases) {
  if (releases.empty()) return {};
  return {{std::string(anchors::kReleasesTargetPath), releases}};
}

// A list of releases of that sequence, with one release.
std::string Releases(std::uint64_t sequence) {
  anchors::Release release;
  release.product = "signer";
  release.name = "2.3.0";
  release.measurements = {{0, std::string(48, 'a')}};
  anchors::ReleaseList list;
  list.sequence = sequence;
  list.created = kNow;
  list.releases = {release};
  return anchors::SerializeReleases(list);
}

class PublisherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string folder =
        ::testing::TempDir() + "/" +
        ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder);
    config_ = *ParseConfig("data_dir: " + folder + "\nmode: MODE_ONLINE\n",
                           "/test.yaml");
  }

  absl::StatusOr<std::unique_ptr<Publisher>> Open(absl::Time now = kNow) {
    return Publisher::Open(PublisherConfigOf(config_), store_, hub_, Seed(),
                           Beside(releases_), now);
  }

  // Takes what is published through a client's checks at `now`.
  absl::Status CheckAsAClient(absl::Time now) const {
    const auto publication = hub_.Current();
    auto set = tuf::TrustedSet::FromRoot(publication->files.roots.front(), now);
    if (!set.ok()) return set.status();
    for (std::size_t i = 1; i < publication->files.roots.size(); ++i) {
      if (absl::Status s = set->UpdateRoot(publication->files.roots[i]);
          !s.ok()) {
        return s;
      }
    }
    if (absl::Status s = set->FinishRoots(); !s.ok()) return s;
    if (auto s = set->UpdateTimestamp(publication->files.timestamp); !s.ok()) {
      return s.status();
    }
    if (absl::Status s = set->UpdateSnapshot(publication->files.snapshot);
        !s.ok()) {
      return s;
    }
    if (absl::Status s = set->UpdateTargets(publication->files.targets);
        !s.ok()) {
      return s;
    }
    if (!publication->files.releases().empty()) {
      if (absl::Status s = set->VerifyTarget(anchors::kReleasesTargetPath,
                                             publication->files.releases());
          !s.ok()) {
        return s;
      }
    }
    EXPECT_EQ(set->targets()->targets.size(),
              publication->files.releases().empty() ? 1u : 2u);
    return set->VerifyTarget(anchors::kCatalogTargetPath,
                             publication->files.catalog());
  }

  Config config_;
  // What the configuration names.
  std::string releases_;
  FakeStore store_;
  PublicationHub hub_;
};

TEST_F(PublisherTest, TheFirstStartSignsSequenceOne) {
  const auto publisher = Open();
  ASSERT_TRUE(publisher.ok()) << publisher.status();
  const auto publication = hub_.Current();
  EXPECT_EQ(publication->catalog.sequence, 1u);
  EXPECT_EQ(publication->catalog.anchors.size(), Seed().anchors.size());
  EXPECT_EQ(publication->region_count, 39);
  EXPECT_EQ(publication->timestamp_version, 1u);
  EXPECT_TRUE(CheckAsAClient(kNow).ok()) << CheckAsAClient(kNow);
}

TEST_F(PublisherTest, ALaterStartContinues) {
  ASSERT_TRUE(Open().ok());
  const auto first = hub_.Current();
  const auto again = Open(kNow + absl::Minutes(1));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(hub_.Current()->files.timestamp, first->files.timestamp);
  EXPECT_EQ(hub_.Current()->files.roots, first->files.roots);
}

TEST_F(PublisherTest, PublishesTheNextSequenceUnderNewVersions) {
  const auto publisher = Open();
  ASSERT_TRUE(publisher.ok());
  anchors::Catalog catalog = Seed();
  catalog.anchors.pop_back();
  const auto sequence =
      PublishForTests(**publisher, hub_, catalog, kNow + absl::Minutes(1));
  ASSERT_TRUE(sequence.ok()) << sequence.status();
  EXPECT_EQ(*sequence, 2u);
  EXPECT_EQ(hub_.Current()->targets_version, 2u);
  EXPECT_EQ(hub_.Current()->snapshot_version, 2u);
  EXPECT_EQ(hub_.Current()->timestamp_version, 2u);
  EXPECT_TRUE(CheckAsAClient(kNow + absl::Minutes(1)).ok());
  // And it is what the next start finds.
  ASSERT_TRUE(Open(kNow + absl::Minutes(2)).ok());
  EXPECT_EQ(hub_.Current()->catalog.sequence, 2u);
}

TEST_F(PublisherTest, RefusesACatalogThatClientsWouldRefuse) {
  const auto publisher = Open();
  ASSERT_TRUE(publisher.ok());
  anchors::Catalog empty = Seed();
  empty.anchors.clear();
  EXPECT_FALSE(PublishForTests(**publisher, hub_, empty, kNow).ok());
  EXPECT_EQ(hub_.Current()->catalog.sequence, 1u);
}

TEST_F(PublisherTest, AShorterValidityCountsAtOnce) {
  ASSERT_TRUE(Open().ok());
  config_.timestamp_validity = absl::Hours(24);
  config_.timestamp_interval = absl::Hours(6);
  ASSERT_TRUE(Open(kNow + absl::Minutes(1)).ok());
  EXPECT_LE(hub_.Current()->roles[3].expires,
            kNow + absl::Minutes(1) + absl::Hours(24));
}

TEST_F(PublisherTest, AStoreThatIsGoneIsNotBegunAgain) {
  ASSERT_TRUE(Open().ok());
  // As a service leaves it for people.
  ASSERT_TRUE(anchors::WriteFileAtomically(FirstRootPath(config_.data_dir),
                                           hub_.Current()->files.roots.front())
                  .ok());
  store_ = FakeStore();
  EXPECT_TRUE(absl::IsDataLoss(Open().status()));
  EXPECT_TRUE(store_.values.empty());
}

TEST_F(PublisherTest, SignsTheTimestampAgainLongBeforeItEnds) {
  const auto publisher = Open();
  ASSERT_TRUE(publisher.ok());
  ASSERT_TRUE(
      (*publisher)
          ->RenewIfDue(kNow + config_.timestamp_interval - absl::Seconds(1))
          .ok());
  EXPECT_EQ(hub_.Current()->timestamp_version, 1u);
  const absl::Time due = kNow + config_.timestamp_interval + absl::Seconds(1);
  ASSERT_TRUE((*publisher)->RenewIfDue(due).ok());
  EXPECT_EQ(hub_.Current()->timestamp_version, 2u);
  EXPECT_EQ(hub_.Current()->targets_version, 1u) << "nothing else was due";
  EXPECT_TRUE(CheckAsAClient(due).ok());
}

TEST_F(PublisherTest, RenewsEveryRoleOverTheYears) {
  const auto publisher = Open();
  ASSERT_TRUE(publisher.ok());
  for (int day = 0; day < 3 * 365; day += 3) {
    const absl::Time now = kNow + absl::Hours(24 * day);
    ASSERT_TRUE((*publisher)->RenewIfDue(now).ok());
    ASSERT_TRUE(CheckAsAClient(now).ok()) << day << CheckAsAClient(now);
  }
  EXPECT_GT(hub_.Current()->files.roots.size(), 3u);
  EXPECT_EQ(hub_.Current()->catalog.sequence, 1u);
}

TEST_F(PublisherTest, AStartAfterALongStopSignsAgainBeforeItServes) {
  ASSERT_TRUE(Open().ok());
  const absl::Time late = kNow + absl::Hours(24 * 400);
  const auto publisher = Open(late);
  ASSERT_TRUE(publisher.ok()) << publisher.status();
  EXPECT_TRUE(CheckAsAClient(late).ok()) << CheckAsAClient(late);
}

TEST_F(PublisherTest, AFullDiskChangesNothingAndServesOn) {
  const auto publisher = Open();
  ASSERT_TRUE(publisher.ok());
  const auto before = hub_.Current();
  store_.failure = absl::ResourceExhaustedError("no space");
  EXPECT_EQ(PublishForTests(**publisher, hub_, Seed(), kNow).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ((*publisher)->RenewIfDue(kNow + config_.timestamp_validity).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(hub_.Current(), before);
  store_.failure = absl::OkStatus();
  EXPECT_TRUE(PublishForTests(**publisher, hub_, Seed(), kNow).ok());
}

TEST_F(PublisherTest, AFullDiskAtTheFirstStartLeavesAStartForLater) {
  store_.failure = absl::ResourceExhaustedError("no space");
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kResourceExhausted);
  store_.failure = absl::OkStatus();
  EXPECT_TRUE(Open().ok());
}

TEST_F(PublisherTest, NeverMakesKeysForARepositoryThatExists) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(anchors::RemoveFile(config_.online_key_path).ok());
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kNotFound);
}

TEST_F(PublisherTest, RefusesKeysThatRootDoesNotName) {
  ASSERT_TRUE(Open().ok());
  const auto other = tuf::SoftwareKey::GenerateEd25519();
  ASSERT_TRUE(anchors::WriteFileAtomically(config_.online_key_path,
                                           (*other)->ToPem()->view(),
                                           anchors::FileAccess::kPrivate)
                  .ok());
  EXPECT_EQ(Open(kNow + absl::Hours(7)).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

class WrongKeyTest : public PublisherTest,
                     public ::testing::WithParamInterface<
                         std::pair<const char*, std::string Config::*>> {};

// Targets and root are signed rarely: it started, and failed when somebody
// wanted to revoke.
TEST_P(WrongKeyTest, IsFoundAtTheStartAndNotAtTheFirstRevocation) {
  const auto& [role, path] = GetParam();
  auto good = Open();
  ASSERT_TRUE(good.ok());
  const auto root = *tuf::ParseRoot(hub_.Current()->files.roots.back());
  const std::string wanted = (role == std::string("root")      ? root.root
                              : role == std::string("targets") ? root.targets
                                                               : root.snapshot)
                                 .keyids.front();
  const auto other = *tuf::SoftwareKey::GenerateEd25519();
  ASSERT_TRUE(anchors::WriteFileAtomically(config_.*path,
                                           other->ToPem()->view(),
                                           anchors::FileAccess::kPrivate)
                  .ok());
  const auto names_it = ::testing::AllOf(
      HasSubstr(config_.*path), HasSubstr(other->public_key().keyid()),
      HasSubstr(wanted), HasSubstr(std::string("for ") + role));
  EXPECT_THAT(
      std::string((*good)->CheckKeyFiles(PublisherConfigOf(config_)).message()),
      names_it)
      << "a reload";
  const auto values = store_.values;
  const absl::Status refused = Open(kNow + absl::Minutes(1)).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), names_it);
  EXPECT_EQ(store_.values, values);
  // What signs nothing serves whatever keys it has, and goes on with the right
  // ones alone.
  hub_.SetSigning(StoreWentBack("a drill"));
  const auto serves = Open(kNow + absl::Minutes(1));
  ASSERT_TRUE(serves.ok()) << serves.status();
  EXPECT_THAT(
      std::string(
          (*serves)->PlanAcceptance({}, std::nullopt, kNow).status().message()),
      names_it);
}

INSTANTIATE_TEST_SUITE_P(
    Each, WrongKeyTest,
    ::testing::Values(std::pair("root", &Config::root_key_path),
                      std::pair("targets", &Config::targets_key_path),
                      std::pair("snapshot", &Config::online_key_path)),
    [](const auto& info) { return std::string(info.param.first); });

TEST_F(PublisherTest, RefusesAKeyThatOthersCanRead) {
  ASSERT_TRUE(Open().ok());
  std::filesystem::permissions(config_.root_key_path,
                               std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(PublisherTest, HasNoReleasesUnlessItIsGivenThem) {
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(hub_.Current()->files.releases(), "");
  EXPECT_EQ(hub_.Current()->target_sha256.size(), 1u);
  EXPECT_FALSE(hub_.Current()->releases.has_value());
}

TEST_F(PublisherTest, TheFirstStartSignsTheReleases) {
  // As it is, byte for byte, canonical or not.
  releases_ = Releases(5) + "\n";
  const auto publisher = Open();
  ASSERT_TRUE(publisher.ok()) << publisher.status();
  EXPECT_EQ(hub_.Current()->files.releases(), releases_);
  EXPECT_EQ(hub_.Current()->target_sha256.at(
                std::string(anchors::kReleasesTargetPath)),
            verify::Sha256Hex(releases_));
  EXPECT_EQ(hub_.Current()->releases->sequence, 5u);
  EXPECT_EQ(hub_.Current()->targets_version, 1u);
  EXPECT_TRUE(CheckAsAClient(kNow).ok()) << CheckAsAClient(kNow);
}

TEST_F(PublisherTest, ALaterStartPublishesReleasesThatChanged) {
  ASSERT_TRUE(Open().ok());
  for (const auto& [releases, version] :
       {std::pair(Releases(1), 2u), std::pair(Releases(1), 2u),
        std::pair(Releases(3), 3u), std::pair(std::string(), 4u),
        std::pair(Releases(3), 5u)}) {
    releases_ = releases;
    const auto publisher = Open();
    ASSERT_TRUE(publisher.ok()) << publisher.status();
    EXPECT_EQ(hub_.Current()->files.releases(), releases);
    EXPECT_EQ(hub_.Current()->releases.has_value(), !releases.empty());
    EXPECT_EQ(hub_.Current()->targets_version, version);
    EXPECT_EQ(hub_.Current()->snapshot_version, version);
    EXPECT_EQ(hub_.Current()->timestamp_version, version);
    EXPECT_EQ(hub_.Current()->catalog.sequence, 1u);
    EXPECT_TRUE(CheckAsAClient(kNow).ok()) << CheckAsAClient(kNow);
  }
}

TEST_F(PublisherTest, KeepsTheReleasesWhateverElseItSigns) {
  releases_ = Releases(1);
  const auto publisher = Open();
  ASSERT_TRUE(publisher.ok());
  ASSERT_TRUE(PublishForTests(**publisher, hub_, Seed(), kNow).ok());
  EXPECT_EQ(hub_.Current()->files.releases(), releases_);
  const absl::Time late = kNow + absl::Hours(24 * 300);
  ASSERT_TRUE((*publisher)->RenewIfDue(late).ok());
  EXPECT_EQ(hub_.Current()->files.releases(), releases_);
  EXPECT_TRUE(CheckAsAClient(late).ok()) << CheckAsAClient(late);
}

TEST_F(PublisherTest, RefusesReleasesThatGoBackOrStandStill) {
  releases_ = Releases(5);
  ASSERT_TRUE(Open().ok());
  const auto before = hub_.Current();
  for (const std::string& releases :
       {Releases(4), Releases(5) + " ", std::string("{}")}) {
    releases_ = releases;
    EXPECT_FALSE(Open().ok());
    EXPECT_EQ(hub_.Current()->files.releases(), before->files.releases());
    EXPECT_EQ(hub_.Current()->files.timestamp, before->files.timestamp);
  }
  releases_ = Releases(5);
  EXPECT_TRUE(Open().ok());
}

TEST_F(PublisherTest, RefusesReleasesThatItDoesNotKnowAllOf) {
  releases_ = Releases(1);
  releases_.replace(releases_.find("RELEASE_TYPE_ENCLAVE"), 20,
                    "RELEASE_TYPE_LATER");
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(PublisherTest, RefusesWhatWasMadeInTheFuture) {
  const auto publisher = Open();
  ASSERT_TRUE(publisher.ok());
  anchors::Catalog catalog = Seed();
  for (const absl::Time created :
       {kNow + absl::Minutes(5) + absl::Seconds(1),
        absl::FromCivil(absl::CivilDay(9999, 1, 1), absl::UTCTimeZone())}) {
    catalog.created = created;
    EXPECT_TRUE(absl::IsFailedPrecondition(
        PublishForTests(**publisher, hub_, catalog, kNow).status()));
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(
      (*publisher)->PublishBeside(Beside(Releases(1)), kNow - absl::Hours(1))));
  catalog.created = kNow + absl::Minutes(5);
  EXPECT_TRUE(PublishForTests(**publisher, hub_, catalog, kNow).ok());
}

TEST_F(PublisherTest, ASpellOfAClockThatIsAheadBlocksNothingLater) {
  const auto publisher = Open();
  ASSERT_TRUE(publisher.ok());
  const absl::Time ahead = kNow + absl::Hours(24 * 300);
  anchors::Catalog catalog = Seed();
  catalog.created = ahead;
  ASSERT_TRUE((*publisher)->RenewIfDue(ahead).ok());
  ASSERT_TRUE(PublishForTests(**publisher, hub_, catalog, ahead).ok());
  // Set right: a revocation, the list of releases, another start.
  catalog.created = kNow;
  catalog.anchors.front().status = verify::AnchorStatus::kRevoked;
  ASSERT_TRUE(PublishForTests(**publisher, hub_, catalog, kNow).ok());
  EXPECT_EQ(hub_.Current()->catalog.sequence, 3u);
  EXPECT_EQ(hub_.Current()->catalog.created, kNow);
  ASSERT_TRUE((*publisher)->PublishBeside(Beside(Releases(1)), kNow).ok());
  EXPECT_TRUE(CheckAsAClient(kNow).ok());
  releases_ = Releases(1);
  EXPECT_TRUE(Open(kNow + absl::Minutes(1)).ok());
}

TEST_F(PublisherTest, WhatWasPublishedWhileAheadIsNoHindrance) {
  const absl::Time ahead = kNow + absl::Hours(24 * 300);
  {
    const auto publisher = Open();
    anchors::Catalog catalog = Seed();
    catalog.created = ahead;
    ASSERT_TRUE(PublishForTests(**publisher, hub_, catalog, ahead).ok());
  }
  releases_ = Releases(1);
  const auto again = Open(kNow);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(hub_.Current()->releases->sequence, 1u);
  EXPECT_LE(hub_.Current()->roles[3].expires, kNow + config_.timestamp_validity)
      << "what ends too late is signed again";
}

TEST_F(PublisherTest, ReleasesAreNotNumberedBeyondWhatCanFollow) {
  releases_ = Releases(5);
  const auto publisher = Open();
  ASSERT_TRUE(publisher.ok());
  constexpr std::uint64_t kStep = std::uint64_t{1} << 32;
  EXPECT_TRUE(absl::IsFailedPrecondition(
      (*publisher)->PublishBeside(Beside(Releases(6 + kStep)), kNow)));
  EXPECT_TRUE(
      (*publisher)->PublishBeside(Beside(Releases(5 + kStep)), kNow).ok());
}

TEST_F(PublisherTest, ReleasesDoNotGoBackAfterThereWereNone) {
  for (const auto& [releases, allowed] :
       {std::pair(Releases(5), true), std::pair(std::string(), true),
        std::pair(Releases(4), false), std::pair(Releases(5), true)}) {
    releases_ = releases;
    EXPECT_EQ(Open().ok(), allowed) << releases;
  }
}

TEST_F(PublisherTest, SignsNothingWhileTheStoreWentBack) {
  ASSERT_TRUE(Open().ok());
  const auto before = store_.values;
  hub_.SetSigning(StoreWentBack("a drill"));
  const absl::Time late = kNow + absl::Hours(24 * 400);
  releases_ = Releases(1);
  const auto publisher = Open(late);
  ASSERT_TRUE(publisher.ok()) << "it is served: " << publisher.status();
  EXPECT_TRUE(IsStoreWentBack(
      PublishForTests(**publisher, hub_, Seed(), late).status()));
  EXPECT_TRUE(IsStoreWentBack((*publisher)->RenewIfDue(late)));
  EXPECT_TRUE(
      IsStoreWentBack((*publisher)->PublishBeside(Beside(releases_), late)));
  EXPECT_EQ(store_.values, before);
  EXPECT_EQ(hub_.Current()->catalog.sequence, 1u);
}

TEST_F(PublisherTest, NumbersThatEndAreNotGoneBeyond) {
  ASSERT_TRUE(Open().ok());
  hub_.SetSigning(StoreWentBack("a drill"));
  const auto publisher = Open();
  StoreHead known;
  known.timestamp_version = (std::uint64_t{1} << 53) - 5;
  EXPECT_TRUE(absl::IsFailedPrecondition(
      (*publisher)->PlanAcceptance(known, std::nullopt, kNow).status()));
  // What somebody has shown holds up nobody.
  known.noted_timestamp = known.timestamp_version;
  known.timestamp_version = 1;
  const auto plan = (*publisher)->PlanAcceptance(known, std::nullopt, kNow);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->notes, Contains(HasSubstr("in other hands")));
}

TEST_F(PublisherTest, TwoAcceptancesSignNothingTwice) {
  ASSERT_TRUE(Open().ok());
  hub_.SetSigning(StoreWentBack("a drill"));
  const auto publisher = Open();
  const auto plan = [&](const StoreHead& known, absl::Time now) {
    return *(*publisher)->PlanAcceptance(known, std::nullopt, now);
  };
  const Acceptance first = plan({}, kNow);
  EXPECT_GE(first.sequence, static_cast<std::uint64_t>(kAcceptanceLeap));
  const Acceptance second = plan({}, kNow + absl::Hours(1));
  EXPECT_GT(second.sequence, first.sequence);
  EXPECT_GT(second.timestamp_version, first.timestamp_version);
  // At the same moment, what a client has shown tells them apart.
  StoreHead known;
  known.noted_timestamp = first.timestamp_version;
  EXPECT_GT(plan(known, kNow).timestamp_version, first.timestamp_version);
  // Clients allow no step of 2^32, whatever the clock says.
  const absl::Time ahead =
      absl::FromCivil(absl::CivilDay(9000, 1, 1), absl::UTCTimeZone());
  EXPECT_LT(plan({}, ahead).sequence, std::uint64_t{1} << 32);
}

TEST_F(PublisherTest, ABundleThatIsNotTheNewestIsSaidToBe) {
  ASSERT_TRUE(Open().ok());
  hub_.SetSigning(StoreWentBack("a drill"));
  const auto publisher = Open();
  const auto current = hub_.Current();
  const anchors::BundleFiles bundle = current->files;
  StoreHead known;
  known.timestamp_version = 1;
  known.sequences.Set("catalog", 1);
  auto plan = (*publisher)->PlanAcceptance(known, bundle, kNow);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(plan->notes.empty());
  std::vector<StoreHead> heads(3, known);
  heads[0].sequences.Set("catalog", 77);
  heads[1].timestamp_version = 77;
  heads[2].noted_timestamp = 77;
  for (const StoreHead& newer : heads) {
    plan = (*publisher)->PlanAcceptance(newer, bundle, kNow);
    ASSERT_TRUE(plan.ok()) << plan.status();
    EXPECT_THAT(plan->notes, Contains(::testing::AllOf(
                                 HasSubstr("not the newest"),
                                 HasSubstr("sequence 1"), HasSubstr("77"))));
  }
}

TEST_F(PublisherTest, ALostListOfReleasesIsSaidToStopTheNextStart) {
  releases_ = Releases(5);
  ASSERT_TRUE(Open().ok());
  hub_.SetSigning(StoreWentBack("a drill"));
  auto publisher = Open();
  StoreHead known;
  known.sequences.Set("releases", 7);
  auto plan = (*publisher)->PlanAcceptance(known, std::nullopt, kNow);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->notes, Contains(HasSubstr("does not start")));
  ASSERT_TRUE((*publisher)->Accept(*std::move(plan), {}).ok());
  EXPECT_FALSE(Open().ok()) << "as the note says";
  releases_.clear();
  EXPECT_TRUE(Open().ok());
  releases_ = Releases(7);
  EXPECT_TRUE(Open().ok());
}

TEST(TakeOverDenialsTest, NothingBecomesMorePermissive) {
  using verify::AnchorStatus;
  const AnchorStatus all[] = {AnchorStatus::kAnnounced, AnchorStatus::kActive,
                              AnchorStatus::kRetiring, AnchorStatus::kRetired,
                              AnchorStatus::kRevoked};
  for (const AnchorStatus ours : all) {
    for (const AnchorStatus theirs : all) {
      anchors::Catalog catalog = Seed();
      anchors::Catalog newer = catalog;
      catalog.anchors.front().status = ours;
      newer.anchors.front().status = theirs;
      std::vector<std::string> notes;
      TakeOverDenials(newer, catalog, notes);
      const AnchorStatus result = catalog.anchors.front().status;
      const bool denies =
          theirs == AnchorStatus::kRetired || theirs == AnchorStatus::kRevoked;
      EXPECT_EQ(result,
                denies && ours != AnchorStatus::kRevoked ? theirs : ours);
      EXPECT_EQ(notes.empty(), result == ours);
    }
  }
  // One that we do not have, so that it does not come as a new one.
  anchors::Catalog newer = Seed();
  newer.anchors.back().status = AnchorStatus::kRevoked;
  newer.anchors.front().status = AnchorStatus::kActive;
  anchors::Catalog catalog = Seed();
  catalog.anchors.pop_back();
  catalog.anchors.erase(catalog.anchors.begin());
  std::vector<std::string> notes;
  TakeOverDenials(newer, catalog, notes);
  EXPECT_EQ(catalog.anchors.size(), newer.anchors.size() - 1);
  EXPECT_EQ(catalog.anchors.back().status, AnchorStatus::kRevoked);
  EXPECT_TRUE(anchors::CheckCatalog(catalog).ok());
}

TEST_F(PublisherTest, RefusesReleasesThatAreNoneAtTheFirstStart) {
  releases_ = "{}";
  EXPECT_EQ(verify::ReasonOf(Open().status()), verify::Reason::kFieldMissing);
  releases_ = Releases(1);
  EXPECT_TRUE(Open().ok());
}

TEST_F(PublisherTest, RefusesProducersThatNobodyCanUseAtTheFirstStart) {
  const anchors::CatalogAnchor anchor = Seed().anchors.back();
  ASSERT_EQ(anchor.slot.kind, verify::AnchorKind::kIidRsa2048);
  anchors::ProducerList list;
  list.sequence = 1;
  list.created = kNow;
  list.producers = {{.name = "acme",
                     .products = {"ledger"},
                     .certificates = {anchor.certificates.front().der},
                     .notes = ""}};
  EXPECT_EQ(
      verify::ReasonOf(
          Publisher::Open(PublisherConfigOf(config_), store_, hub_, Seed(),
                          {{std::string(anchors::kProducersTargetPath),
                            anchors::SerializeProducers(list)}},
                          kNow)
              .status()),
      verify::Reason::kCertificateAlgorithm);
}

TEST_F(PublisherTest, AFullDiskLeavesTheReleasesAsTheyWere) {
  releases_ = Releases(1);
  const auto publisher = Open();
  ASSERT_TRUE(publisher.ok());
  const auto before = hub_.Current();
  store_.failure = absl::ResourceExhaustedError("no space");
  EXPECT_EQ((*publisher)->PublishBeside(Beside(Releases(2)), kNow).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(hub_.Current(), before);
  store_.failure = absl::OkStatus();
  EXPECT_TRUE((*publisher)->PublishBeside(Beside(Releases(2)), kNow).ok());
  EXPECT_EQ(hub_.Current()->releases->sequence, 2u);
}

TEST_F(PublisherTest, EveryDamagedFileOfTheStoreStopsTheStart) {
  releases_ = Releases(1);
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(store_.values.count("releases"), 1u);
  for (const auto& [key, value] : std::map(store_.values)) {
    SCOPED_TRACE(key);
    // The floor of a target that is not there: a higher one is that of a target
    // that was lost, and lets less be published.
    if (value == "0") continue;
    store_.values[key][value.size() / 2] ^= 1;
    EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
    store_.values[key] = value;
  }
  EXPECT_TRUE(Open().ok());
}

}  // namespace
}  // namespace anchorage::trustd
