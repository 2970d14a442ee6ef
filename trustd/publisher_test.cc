#include "trustd/publisher.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "anchors/baked/baked.h"
#include "anchors/files/atomic_file.h"
#include "anchors/tuf/trusted_set.h"

namespace anchorage::trustd {
namespace {

namespace tuf = anchors::tuf;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// A store in memory whose next commits can be made to fail.
class FakeStore final : public Store {
 public:
  absl::StatusOr<std::optional<std::string>> Get(
      std::string_view key) const override {
    const auto found = values.find(std::string(key));
    if (found == values.end()) return std::nullopt;
    return found->second;
  }

  absl::Status Commit(const StoreBatch& batch) override {
    if (!failure.ok()) return failure;
    for (const auto& change : batch.changes()) {
      if (change.value.has_value()) {
        values[change.key] = *change.value;
      } else {
        values.erase(change.key);
      }
    }
    return absl::OkStatus();
  }

  absl::Status Scan(
      std::string_view prefix,
      const std::function<bool(std::string_view, std::string_view)>& visit)
      const override {
    for (auto at = values.lower_bound(std::string(prefix));
         at != values.end() && at->first.starts_with(prefix); ++at) {
      if (!visit(at->first, at->second)) break;
    }
    return absl::OkStatus();
  }

  std::map<std::string, std::string> values;
  absl::Status failure;
};

anchors::Catalog Seed() {
  return *anchors::ParseCatalog(anchors::DefaultBakedBundle().catalog);
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
    return Publisher::Open(config_, store_, hub_, Seed(), now);
  }

  // Takes what is published through a client's checks at `now`.
  absl::Status CheckAsAClient(absl::Time now) const {
    const auto publication = hub_.Current();
    auto set = tuf::TrustedSet::FromRoot(publication->roots.front(), now);
    if (!set.ok()) return set.status();
    for (std::size_t i = 1; i < publication->roots.size(); ++i) {
      if (absl::Status s = set->UpdateRoot(publication->roots[i]); !s.ok()) {
        return s;
      }
    }
    if (absl::Status s = set->FinishRoots(); !s.ok()) return s;
    if (auto s = set->UpdateTimestamp(publication->timestamp); !s.ok()) {
      return s.status();
    }
    if (absl::Status s = set->UpdateSnapshot(publication->snapshot); !s.ok()) {
      return s;
    }
    if (absl::Status s = set->UpdateTargets(publication->targets); !s.ok()) {
      return s;
    }
    return set->VerifyTarget(anchors::kCatalogTargetPath,
                             publication->catalog_json);
  }

  Config config_;
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
  EXPECT_EQ(hub_.Current()->timestamp, first->timestamp);
  EXPECT_EQ(hub_.Current()->roots, first->roots);
}

TEST_F(PublisherTest, PublishesTheNextSequenceUnderNewVersions) {
  const auto publisher = Open();
  ASSERT_TRUE(publisher.ok());
  anchors::Catalog catalog = Seed();
  catalog.anchors.pop_back();
  const auto sequence =
      (*publisher)->Publish(catalog, kNow + absl::Minutes(1));
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
  EXPECT_FALSE((*publisher)->Publish(empty, kNow).ok());
  EXPECT_EQ(hub_.Current()->catalog.sequence, 1u);
}

TEST_F(PublisherTest, SignsTheTimestampAgainLongBeforeItEnds) {
  const auto publisher = Open();
  ASSERT_TRUE(publisher.ok());
  ASSERT_TRUE((*publisher)
                  ->RenewIfDue(kNow + config_.timestamp_interval -
                               absl::Seconds(1))
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
  EXPECT_GT(hub_.Current()->roots.size(), 3u);
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
  EXPECT_EQ((*publisher)->Publish(Seed(), kNow).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(
      (*publisher)->RenewIfDue(kNow + config_.timestamp_validity).code(),
      absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(hub_.Current(), before);
  store_.failure = absl::OkStatus();
  EXPECT_TRUE((*publisher)->Publish(Seed(), kNow).ok());
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

TEST_F(PublisherTest, RefusesAKeyThatOthersCanRead) {
  ASSERT_TRUE(Open().ok());
  std::filesystem::permissions(config_.root_key_path,
                               std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(PublisherTest, EveryDamagedFileOfTheStoreStopsTheStart) {
  ASSERT_TRUE(Open().ok());
  for (const auto& [key, value] : std::map(store_.values)) {
    SCOPED_TRACE(key);
    store_.values[key][value.size() / 2] ^= 1;
    EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
    store_.values[key] = value;
  }
  EXPECT_TRUE(Open().ok());
}

}  // namespace
}  // namespace anchorage::trustd
