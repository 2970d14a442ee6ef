// The rehearsals of README.md: people with keys, a trustd that has only the
// online one, and a client that has been there from the beginning.

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

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/baked/baked.h"
#include "anchors/base/atomic_file.h"
#include "anchors/publishing/ceremony.h"
#include "anchors/tuf/static_layout.h"
#include "anchors/tuf/tuf_error.h"
#include "anchors/tuf/updater.h"
#include "test/support/fake_store.h"
#include "test/support/publish_for_tests.h"
#include "test/support/repository_simulator.h"
#include "test/support/tuf_test_matchers.h"
#include "trustd/base/store_head.h"
#include "trustd/config.h"
#include "trustd/publish/publisher.h"

namespace anchorage::trustd {
namespace {

namespace tuf = anchors::tuf;
using anchors::DraftKind;
using tuf::IsOk;
using tuf::RejectedFor;
using tuf::TestKey;
using tuf::TufReason;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kDay = absl::Hours(24);
// More catalogs than any test signs.
constexpr std::size_t kSequences = 8;

// Serves one publication as a static server would.
class PublicationFetcher final : public tuf::Fetcher {
 public:
  explicit PublicationFetcher(const Publication& publication) {
    tuf::RepositoryFiles files;
    files.roots = publication.files.roots;
    files.timestamp = publication.files.timestamp;
    files.snapshot = publication.files.snapshot;
    files.targets = publication.files.targets;
    files.snapshot_version = publication.snapshot_version;
    files.targets_version = publication.targets_version;
    files.target_files = {
        {anchors::kCatalogTargetPath, publication.files.catalog()}};
    for (const tuf::StaticFile& file : tuf::LayOut(files)) {
      files_[file.path] = std::string(file.bytes);
    }
  }

  absl::StatusOr<std::string> FetchMetadata(std::string_view name,
                                            std::size_t) override {
    return Find(std::string(tuf::kMetadataFolder) + std::string(name));
  }
  absl::StatusOr<std::string> FetchTarget(std::string_view name,
                                          std::size_t) override {
    return Find(std::string(tuf::kTargetsFolder) + std::string(name));
  }

 private:
  absl::StatusOr<std::string> Find(const std::string& path) const {
    const auto found = files_.find(path);
    if (found == files_.end()) return absl::NotFoundError(path);
    return found->second;
  }

  std::map<std::string, std::string> files_;
};

class RehearsalTest : public ::testing::Test {
 protected:
  // People 1 to 3 hold the keys of root and targets, two of whom must sign.
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    config_ = *ParseConfig("data_dir: " + folder_ + "\nmode: MODE_OFFLINE\n",
                           "/test.yaml");
    online_ = MakeOnlineKey("");
    spec_.expires = kNow + 365 * kDay;
    for (const int person : {1, 2, 3}) {
      spec_.root.keys.push_back(TestKey(person)->public_key());
      spec_.targets.keys.push_back(TestKey(person)->public_key());
    }
    spec_.root.threshold = spec_.targets.threshold = 2;
    spec_.snapshot.keys = spec_.timestamp.keys = {online_->public_key()};
  }

  std::unique_ptr<tuf::SoftwareKey> MakeOnlineKey(const std::string& suffix) {
    auto key = *tuf::SoftwareKey::GenerateEd25519();
    EXPECT_THAT(anchors::MakeFolder(folder_ + "/keys"), IsOk());
    EXPECT_THAT(anchors::WriteFileAtomically(config_.online_key_path + suffix,
                                             key->ToPem()->view(),
                                             anchors::FileAccess::kPrivate),
                IsOk());
    return key;
  }

  // --- what people do ---

  void Sign(DraftKind kind, const std::vector<int>& people) {
    for (const int person : people) {
      ASSERT_THAT(
          anchors::SignDraft(config_.ceremony_dir,
                             *anchors::ReadCeremony(config_.ceremony_dir), kind,
                             *TestKey(person), kNow),
          IsOk());
    }
  }

  void DraftRoot(const std::vector<int>& people) {
    ASSERT_THAT(anchors::WriteRootDraft(config_.ceremony_dir, spec_), IsOk());
    Sign(DraftKind::kRoot, people);
  }
  void MakeRoot(const std::vector<int>& people) {
    DraftRoot(people);
    ASSERT_THAT(anchors::PublishRootDraft(config_.ceremony_dir, kNow), IsOk());
    ++spec_.version;
  }

  void DraftTargets(std::uint64_t sequence, const std::vector<int>& people) {
    anchors::Catalog catalog = Seed();
    catalog.sequence = sequence;
    // Each sequence has one anchor more than the last, and Seed() all of them.
    catalog.anchors.resize(catalog.anchors.size() - kSequences + sequence);
    ASSERT_THAT(
        anchors::ProposeTargets(config_.ceremony_dir,
                                {{std::string(anchors::kCatalogTargetPath),
                                  anchors::SerializeCatalog(catalog)}},
                                kNow + 365 * kDay, kNow),
        IsOk());
    Sign(DraftKind::kTargets, people);
  }
  void MakeTargets(std::uint64_t sequence, const std::vector<int>& people) {
    DraftTargets(sequence, people);
    ASSERT_THAT(anchors::PublishTargetsDraft(config_.ceremony_dir, kNow),
                IsOk());
  }

  // A ceremony by a program that knows none of the rules.
  void SignWithoutRules(const anchors::Catalog& catalog, std::int64_t version) {
    const std::string json = anchors::SerializeCatalog(catalog);
    const tuf::Target target = tuf::DescribeTarget(json);
    tuf::TargetsSpec spec;
    spec.version = version;
    spec.expires = kNow + kDay;
    spec.targets.emplace(anchors::kCatalogTargetPath, target);
    const auto targets = tuf::SignNew(*tuf::WriteTargets(spec),
                                      {TestKey(1).get(), TestKey(2).get()});
    ASSERT_THAT(targets, IsOk());
    ASSERT_THAT(
        anchors::WriteFileAtomically(
            config_.ceremony_dir + "/targets/" +
                tuf::TargetFileName(anchors::kCatalogTargetPath, target, true),
            json),
        IsOk());
    ASSERT_THAT(
        anchors::WriteFileAtomically(
            absl::StrCat(config_.ceremony_dir, "/", version, ".targets.json"),
            *targets),
        IsOk());
  }

  static anchors::Catalog Seed() {
    return *anchors::ParseCatalog(
        anchors::DefaultBakedBundle().files.catalog());
  }

  // --- trustd ---

  absl::Status Start(absl::Time now = kNow) {
    auto publisher = Publisher::Open(PublisherConfigOf(config_), store_, hub_,
                                     Seed(), {}, now);
    if (!publisher.ok()) return publisher.status();
    publisher_ = *std::move(publisher);
    return absl::OkStatus();
  }

  void FirstCeremony() {
    MakeRoot({1, 2});
    MakeTargets(1, {2, 3});
    ASSERT_THAT(Start(), IsOk());
  }

  // --- the client ---

  // Refreshes; the client has the first root, and what it kept.
  absl::Status Refresh(absl::Time now = kNow) {
    PublicationFetcher fetcher(*hub_.Current());
    if (first_root_.empty()) first_root_ = hub_.Current()->files.roots.front();
    auto updater =
        tuf::Updater::Create(first_root_, now, &fetcher, &client_store_);
    if (!updater.ok()) return updater.status();
    if (absl::Status s = updater->Refresh(); !s.ok()) return s;
    const auto target = updater->FindTarget(anchors::kCatalogTargetPath);
    if (!target.ok()) return target.status();
    const auto bytes =
        updater->DownloadTarget(anchors::kCatalogTargetPath, *target);
    if (!bytes.ok()) return bytes.status();
    sequence_ = anchors::ParseCatalog(*bytes)->sequence;
    return absl::OkStatus();
  }

  std::string folder_;
  Config config_;
  std::unique_ptr<tuf::SoftwareKey> online_;
  tuf::RootSpec spec_;
  FakeStore store_;
  PublicationHub hub_;
  std::unique_ptr<Publisher> publisher_;
  std::string first_root_;
  tuf::MemoryStore client_store_;
  std::uint64_t sequence_ = 0;
};

TEST_F(RehearsalTest, FirstCeremony) {
  // Before it is finished, trustd says so and serves nothing.
  EXPECT_EQ(Start().code(), absl::StatusCode::kFailedPrecondition);
  MakeRoot({1, 2});
  EXPECT_EQ(Start().code(), absl::StatusCode::kFailedPrecondition);
  MakeTargets(1, {2, 3});
  ASSERT_THAT(Start(), IsOk());
  EXPECT_THAT(Refresh(), IsOk());
  EXPECT_EQ(sequence_, 1u);
  // It goes on without the folder: the store is what counts.
  std::filesystem::remove_all(config_.ceremony_dir);
  ASSERT_THAT(Start(kNow + kDay), IsOk());
  EXPECT_THAT(Refresh(kNow + kDay), IsOk());
}

TEST_F(RehearsalTest, AddingARegion) {
  FirstCeremony();
  ASSERT_THAT(Refresh(), IsOk());
  EXPECT_FALSE(*publisher_->TakeSigned(kNow));
  MakeTargets(2, {1, 3});
  EXPECT_TRUE(*publisher_->TakeSigned(kNow));
  ASSERT_THAT(Refresh(), IsOk());
  EXPECT_EQ(sequence_, 2u);
  // Nothing new: nothing published.
  const auto publication = hub_.Current();
  EXPECT_FALSE(*publisher_->TakeSigned(kNow));
  EXPECT_EQ(hub_.Current(), publication);
}

TEST_F(RehearsalTest, AStolenTrustdCannotAddAnAnchor) {
  FirstCeremony();
  EXPECT_EQ(PublishForTests(*publisher_, hub_, Seed(), kNow).status().code(),
            absl::StatusCode::kFailedPrecondition);
  // Nor do files that one person alone has signed help.
  anchors::Catalog catalog = Seed();
  catalog.sequence = 2;
  ASSERT_THAT(
      anchors::ProposeTargets(config_.ceremony_dir,
                              {{std::string(anchors::kCatalogTargetPath),
                                anchors::SerializeCatalog(catalog)}},
                              kNow + kDay, kNow),
      IsOk());
  Sign(DraftKind::kTargets, {1});
  std::filesystem::rename(config_.ceremony_dir + "/targets.draft.json",
                          config_.ceremony_dir + "/2.targets.json");
  EXPECT_THAT(publisher_->TakeSigned(kNow),
              RejectedFor(TufReason::kThresholdNotMet));
  EXPECT_EQ(hub_.Current()->catalog.sequence, 1u);
}

// People sign the next catalog, with the first anchor in that status.
TEST_F(RehearsalTest, WhatPeopleTakeBackIntoUseIsTold) {
  FirstCeremony();
  const auto sign = [&](anchors::Catalog catalog) {
    const auto& first = catalog.anchors.front();
    ASSERT_THAT(anchors::ProposeTargets(
                    config_.ceremony_dir,
                    {{std::string(anchors::kCatalogTargetPath),
                      anchors::SerializeCatalog(catalog)}},
                    kNow + 365 * kDay, kNow, {{first.slot, first.spki_sha256}}),
                IsOk());
    for (const int person : {1, 2}) {
      ASSERT_THAT(
          anchors::SignDraft(config_.ceremony_dir,
                             *anchors::ReadCeremony(config_.ceremony_dir),
                             DraftKind::kTargets, *TestKey(person), kNow,
                             {{first.slot, first.spki_sha256}}),
          IsOk());
    }
    ASSERT_THAT(anchors::PublishTargetsDraft(config_.ceremony_dir, kNow),
                IsOk());
  };
  anchors::Catalog catalog = Seed();
  catalog.sequence = 2;
  catalog.anchors.front().status = verify::AnchorStatus::kRetired;
  sign(catalog);
  EXPECT_TRUE(*publisher_->TakeSigned(kNow));
  EXPECT_TRUE(publisher_->TakeNotices().empty());
  catalog.sequence = 3;
  catalog.anchors.front().status = verify::AnchorStatus::kActive;
  sign(catalog);
  EXPECT_TRUE(*publisher_->TakeSigned(kNow));
  const auto& key = catalog.anchors.front();
  const auto notices = publisher_->TakeNotices();
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0].slot, verify::ToString(key.slot));
  EXPECT_THAT(notices[0].text, ::testing::HasSubstr(key.spki_sha256));
  EXPECT_EQ(hub_.Current()->catalog.sequence, 3u);
  ASSERT_THAT(Start(), IsOk());
  EXPECT_EQ(publisher_->TakeNotices(), notices) << "also after a crash";
}

TEST_F(RehearsalTest, WhatMustNotFollowIsNotTakenWhoeverSignedIt) {
  FirstCeremony();
  anchors::Catalog catalog = hub_.Current()->catalog;
  catalog.sequence = 2;
  catalog.anchors.erase(catalog.anchors.begin());
  SignWithoutRules(catalog, 2);
  const absl::Status status = publisher_->TakeSigned(kNow).status();
  EXPECT_THAT(std::string(status.message()),
              ::testing::HasSubstr("ANCHOR_LOST"));
  EXPECT_EQ(hub_.Current()->catalog.sequence, 1u);
}

// trustd was down while people signed twice.
TEST_F(RehearsalTest, WhatWasSignedInBetweenHolds) {
  FirstCeremony();
  anchors::Catalog catalog = hub_.Current()->catalog;
  catalog.sequence = 2;
  catalog.anchors.front().status = verify::AnchorStatus::kRevoked;
  SignWithoutRules(catalog, 2);
  catalog.sequence = 3;
  catalog.anchors.front().status = verify::AnchorStatus::kActive;
  SignWithoutRules(catalog, 3);
  const absl::Status status = publisher_->TakeSigned(kNow).status();
  EXPECT_THAT(std::string(status.message()),
              ::testing::HasSubstr("REVOKED_UNDONE"));
  EXPECT_EQ(hub_.Current()->catalog.sequence, 1u);
}

TEST_F(RehearsalTest, RootKeyRotation) {
  FirstCeremony();
  ASSERT_THAT(Refresh(), IsOk());
  // Person 3 leaves and person 4 comes.
  spec_.root.keys[2] = spec_.targets.keys[2] = TestKey(4)->public_key();
  // The targets were signed by 2 and 3: too few under the new root.
  DraftRoot({1, 2, 4});
  EXPECT_EQ(
      anchors::PublishRootDraft(config_.ceremony_dir, kNow).status().code(),
      absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(*publisher_->TakeSigned(kNow));
  EXPECT_TRUE(publisher_->TakeNotices().empty());
  // Signed again by its own keys, they are published with it.
  DraftTargets(2, {2, 4});
  ASSERT_THAT(anchors::PublishRootDraft(config_.ceremony_dir, kNow), IsOk());
  EXPECT_TRUE(*publisher_->TakeSigned(kNow));
  const auto notices = publisher_->TakeNotices();
  EXPECT_EQ(notices.size(), 1u) << "people hear of it";
  // Also after a crash before that, and no more when they have.
  ASSERT_THAT(Start(), IsOk());
  EXPECT_EQ(publisher_->TakeNotices(), notices);
  ASSERT_THAT(publisher_->ForgetNotices(), IsOk());
  ASSERT_THAT(Start(), IsOk());
  EXPECT_TRUE(publisher_->TakeNotices().empty());
  ASSERT_THAT(Refresh(), IsOk());
  EXPECT_EQ(sequence_, 2u);
}

TEST_F(RehearsalTest, LostKey) {
  FirstCeremony();
  ASSERT_THAT(Refresh(), IsOk());
  // Person 1 has lost the key: two of three can still sign.
  spec_.root.keys[0] = spec_.targets.keys[0] = TestKey(5)->public_key();
  MakeRoot({2, 3});
  EXPECT_TRUE(*publisher_->TakeSigned(kNow));
  ASSERT_THAT(Refresh(), IsOk());
  MakeTargets(2, {5, 2});
  EXPECT_TRUE(*publisher_->TakeSigned(kNow));
  EXPECT_THAT(Refresh(), IsOk());
}

TEST_F(RehearsalTest, StolenTimestampKey) {
  FirstCeremony();
  ASSERT_THAT(Refresh(), IsOk());
  // The thief raises the timestamp's version so far that ours never gets
  // there, and the client believes it.
  tuf::TimestampSpec stolen;
  stolen.version = 1'000'000'000;
  stolen.expires = kNow + 7 * kDay;
  stolen.snapshot = tuf::DescribeMetaFile(1, hub_.Current()->files.snapshot);
  const auto forged =
      tuf::SignNew(*tuf::WriteTimestamp(stolen), {online_.get()});
  ASSERT_THAT(forged, IsOk());
  auto hijacked = std::make_shared<Publication>(*hub_.Current());
  const auto ours = hub_.Current();
  hijacked->files.timestamp = *forged;
  hub_.Publish(hijacked);
  ASSERT_THAT(Refresh(), IsOk());
  hub_.Publish(ours);
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kTimestampRollback));

  // A root that names another online key: the client drops what the stolen
  // one had signed.
  const auto next = MakeOnlineKey(std::string(kNextKeySuffix));
  spec_.snapshot.keys = spec_.timestamp.keys = {next->public_key()};
  MakeRoot({1, 2});
  EXPECT_TRUE(*publisher_->TakeSigned(kNow));
  EXPECT_THAT(Refresh(), IsOk());
  hub_.Publish(hijacked);
  EXPECT_FALSE(Refresh().ok());
}

TEST_F(RehearsalTest, ATimestampThatAThiefShowsIsEndedByTheNextRoot) {
  FirstCeremony();
  ASSERT_THAT(Refresh(), IsOk());
  constexpr std::int64_t kLast = (std::int64_t{1} << 53) - 1;
  std::string forged;
  for (const std::int64_t version : {std::int64_t{500}, kLast}) {
    tuf::TimestampSpec stolen;
    stolen.version = version;
    stolen.expires = kNow + 7 * kDay;
    stolen.snapshot = tuf::DescribeMetaFile(1, hub_.Current()->files.snapshot);
    forged = *tuf::SignNew(*tuf::WriteTimestamp(stolen), {online_.get()});
    ASSERT_TRUE(publisher_->SeeTimestamp(version, forged, [&] {
      return TimestampShown(1, static_cast<std::uint64_t>(version));
    }));
    EXPECT_TRUE(IsTimestampShown(hub_.signing()));
  }
  // Neither targets nor a root that keeps the key end it.
  MakeTargets(2, {1, 3});
  EXPECT_TRUE(IsStoreWentBack(publisher_->TakeSigned(kNow).status()));
  spec_.expires += kDay;
  MakeRoot({1, 2});
  EXPECT_TRUE(IsStoreWentBack(publisher_->TakeSigned(kNow).status()));
  const auto next = MakeOnlineKey(std::string(kNextKeySuffix));
  spec_.snapshot.keys = spec_.timestamp.keys = {next->public_key()};
  MakeRoot({1, 2});
  // Nor does this one mend a store that is behind.
  const absl::Status stopped = hub_.signing();
  hub_.SetSigning(StoreWentBack("a drill"));
  EXPECT_TRUE(IsStoreWentBack(publisher_->TakeSigned(kNow).status()));
  hub_.SetSigning(stopped);
  const auto taken = publisher_->TakeSigned(kNow);
  ASSERT_THAT(taken, IsOk());
  EXPECT_TRUE(*taken);
  EXPECT_THAT(hub_.signing(), IsOk());
  EXPECT_EQ(hub_.Current()->files.roots.size(), 3u);
  EXPECT_LT(hub_.Current()->timestamp_version, 500u);
  ASSERT_THAT(Refresh(), IsOk());
  EXPECT_EQ(sequence_, 2u);
  // What the stolen key has signed is nothing to us any more.
  EXPECT_FALSE(publisher_->SeeTimestamp(kLast, forged, [] {
    ADD_FAILURE() << "it stops signing again";
    return absl::OkStatus();
  }));
  EXPECT_THAT(publisher_->RenewIfDue(kNow + kDay), IsOk());
}

// What clients know and the store has lost is a floor, also after a restart.
TEST_F(RehearsalTest, AfterAnAcceptanceNothingIsTakenThatClientsRefuse) {
  FirstCeremony();
  hub_.SetSigning(StoreWentBack("a drill"));
  ASSERT_THAT(Start(), IsOk());
  StoreHead known;
  known.targets_version = known.timestamp_version = 3;
  known.sequences.Set("catalog", 3);
  auto plan = publisher_->PlanAcceptance(known, std::nullopt, kNow);
  ASSERT_THAT(plan, IsOk());
  const std::uint64_t floor = plan->published.sequences.Of("catalog");
  EXPECT_THAT(plan->notes, ::testing::Contains(::testing::HasSubstr(
                               absl::StrCat("sequence ", floor + 1))));
  ASSERT_THAT(publisher_->Accept(*std::move(plan), {}), IsOk());
  const auto propose = [&](std::uint64_t sequence) {
    anchors::Catalog catalog = Seed();
    catalog.sequence = sequence;
    ASSERT_THAT(
        anchors::ProposeTargets(config_.ceremony_dir,
                                {{std::string(anchors::kCatalogTargetPath),
                                  anchors::SerializeCatalog(catalog)}},
                                kNow + 365 * kDay, kNow),
        IsOk());
    Sign(DraftKind::kTargets, {1, 2});
    ASSERT_THAT(anchors::PublishTargetsDraft(config_.ceremony_dir, kNow),
                IsOk());
  };
  const auto code = [&] {
    return publisher_->TakeSigned(kNow).status().code();
  };
  propose(2);
  EXPECT_EQ(code(), absl::StatusCode::kFailedPrecondition)
      << "clients know targets 3";
  ASSERT_THAT(Start(), IsOk());
  EXPECT_EQ(code(), absl::StatusCode::kFailedPrecondition);
  propose(3);
  EXPECT_TRUE(*publisher_->TakeSigned(kNow)) << "what was lost is back";
  propose(4);
  EXPECT_EQ(code(), absl::StatusCode::kFailedPrecondition)
      << "clients may know sequence 4";
  ASSERT_THAT(Start(), IsOk());
  EXPECT_EQ(code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(hub_.Current()->catalog.sequence, 3u);
  propose(floor + 1);
  EXPECT_TRUE(*publisher_->TakeSigned(kNow));
}

TEST_F(RehearsalTest, StolenTargetsKeys) {
  FirstCeremony();
  MakeTargets(2, {1, 2});
  ASSERT_TRUE(*publisher_->TakeSigned(kNow));
  ASSERT_THAT(Refresh(), IsOk());
  // Two are stolen: the thief raises version and sequence as far as they go, by
  // the way on which people's files come, and trustd takes it.
  const auto ours = anchors::ReadFile(config_.ceremony_dir + "/2.targets.json",
                                      tuf::kMaxTargetsBytes);
  ASSERT_THAT(ours, IsOk());
  anchors::Catalog evil = Seed();
  evil.sequence = (std::uint64_t{1} << 32) + 2;
  const std::string text = anchors::SerializeCatalog(evil);
  tuf::TargetsSpec spec;
  spec.version = (std::int64_t{1} << 53) - 1;
  spec.expires = kNow + 36500 * kDay;
  const tuf::Target target = tuf::DescribeTarget(text);
  spec.targets.emplace(anchors::kCatalogTargetPath, target);
  const std::string file =
      absl::StrCat(config_.ceremony_dir, "/", spec.version, ".targets.json");
  ASSERT_THAT(
      anchors::WriteFileAtomically(
          config_.ceremony_dir + "/targets/" +
              tuf::TargetFileName(anchors::kCatalogTargetPath, target, true),
          text),
      IsOk());
  ASSERT_THAT(anchors::WriteFileAtomically(
                  file, *tuf::SignNew(*tuf::WriteTargets(spec),
                                      {TestKey(1).get(), TestKey(2).get()})),
              IsOk());
  ASSERT_TRUE(*publisher_->TakeSigned(kNow));
  ASSERT_THAT(Refresh(), IsOk());
  EXPECT_EQ(sequence_, evil.sequence);

  // The people replace the keys and, because versions must fall, the online
  // key; they sign sequence 3.
  std::filesystem::remove(file);
  spec_.root.keys =
      spec_.targets.keys = {TestKey(3)->public_key(), TestKey(4)->public_key(),
                            TestKey(5)->public_key()};
  DraftRoot({1, 2, 4, 5});
  DraftTargets(3, {4, 5});
  ASSERT_THAT(anchors::PublishRootDraft(config_.ceremony_dir, kNow), IsOk());
  EXPECT_EQ(publisher_->TakeSigned(kNow).status().code(),
            absl::StatusCode::kFailedPrecondition)
      << "clients would refuse it while the online key is the same";
  ++spec_.version;
  const auto next = MakeOnlineKey(std::string(kNextKeySuffix));
  spec_.snapshot.keys = spec_.timestamp.keys = {next->public_key()};
  MakeRoot({4, 5});
  const auto taken = publisher_->TakeSigned(kNow);
  ASSERT_THAT(taken, IsOk());
  EXPECT_TRUE(*taken) << "its own floors are the thief's";
  EXPECT_EQ(hub_.Current()->catalog.sequence, 3u);
  EXPECT_EQ(hub_.Current()->next_sequence, 4u);
  const auto notices = publisher_->TakeNotices();
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_TRUE(notices[0].slot.empty());
  EXPECT_THAT(notices[0].text, ::testing::HasSubstr("clients drop"));
  ASSERT_THAT(Refresh(), IsOk());
  EXPECT_EQ(sequence_, 3u);
  // And after a restart.
  ASSERT_THAT(Start(kNow + absl::Hours(1)), IsOk());
  EXPECT_EQ(hub_.Current()->catalog.sequence, 3u);
}

TEST_F(RehearsalTest, WhatIsSignedAgainWithADateInTheFutureIsNotServed) {
  FirstCeremony();
  anchors::Catalog catalog = Seed();
  catalog.sequence = 2;
  catalog.created = kNow + kDay;
  // Somebody's clock is a day ahead.
  ASSERT_THAT(
      anchors::ProposeTargets(config_.ceremony_dir,
                              {{std::string(anchors::kCatalogTargetPath),
                                anchors::SerializeCatalog(catalog)}},
                              kNow + 365 * kDay, kNow + kDay),
      IsOk());
  for (const int person : {1, 2}) {
    ASSERT_THAT(
        anchors::SignDraft(config_.ceremony_dir,
                           *anchors::ReadCeremony(config_.ceremony_dir),
                           DraftKind::kTargets, *TestKey(person), kNow + kDay),
        IsOk());
  }
  ASSERT_THAT(anchors::PublishTargetsDraft(config_.ceremony_dir, kNow + kDay),
              IsOk());
  EXPECT_EQ(publisher_->TakeSigned(kNow).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(hub_.Current()->catalog.sequence, 1u);
  EXPECT_TRUE(*publisher_->TakeSigned(kNow + kDay));
}

TEST_F(RehearsalTest, ARootThatNamesAKeyWeHaveNotIsLeftAlone) {
  FirstCeremony();
  spec_.snapshot.keys = spec_.timestamp.keys = {TestKey(8)->public_key()};
  MakeRoot({1, 2});
  EXPECT_EQ(publisher_->TakeSigned(kNow).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(hub_.Current()->files.roots.size(), 1u);
  EXPECT_THAT(Refresh(), IsOk());
}

TEST_F(RehearsalTest, ExpiredTimestamp) {
  FirstCeremony();
  ASSERT_THAT(Refresh(), IsOk());
  // trustd was down for eight days.
  const absl::Time later = kNow + 8 * kDay;
  EXPECT_THAT(Refresh(later), RejectedFor(TufReason::kTimestampExpired));
  ASSERT_THAT(Start(later), IsOk());
  EXPECT_THAT(Refresh(later), IsOk());
}

TEST_F(RehearsalTest, ExpiredRoot) {
  FirstCeremony();
  ASSERT_THAT(Refresh(), IsOk());
  const absl::Time later = kNow + 400 * kDay;
  // trustd serves on and signs what it can; clients keep what they have.
  ASSERT_THAT(Start(later), IsOk());
  EXPECT_THAT(Refresh(later), RejectedFor(TufReason::kRootExpired));
  // The people sign the next root and targets, and clients of any age follow.
  spec_.expires = later + 365 * kDay;
  MakeRoot({1, 2});
  EXPECT_TRUE(*publisher_->TakeSigned(later));
  EXPECT_THAT(Refresh(later), RejectedFor(TufReason::kTargetsExpired));
  anchors::Catalog catalog = Seed();
  catalog.sequence = 2;
  ASSERT_THAT(
      anchors::ProposeTargets(config_.ceremony_dir,
                              {{std::string(anchors::kCatalogTargetPath),
                                anchors::SerializeCatalog(catalog)}},
                              later + 365 * kDay, later),
      IsOk());
  Sign(DraftKind::kTargets, {1, 2});
  ASSERT_THAT(anchors::PublishTargetsDraft(config_.ceremony_dir, kNow), IsOk());
  EXPECT_TRUE(*publisher_->TakeSigned(later));
  EXPECT_THAT(Refresh(later), IsOk());
}

TEST_F(RehearsalTest, RestoreFromBackup) {
  FirstCeremony();
  const auto backup = store_.values;
  MakeTargets(2, {1, 2});
  ASSERT_TRUE(*publisher_->TakeSigned(kNow));
  ASSERT_THAT(publisher_->RenewIfDue(kNow + kDay), IsOk());
  ASSERT_THAT(Refresh(kNow + kDay), IsOk());

  // The disk is lost; the backup is older than what clients have seen.
  store_.values = backup;
  std::filesystem::rename(config_.ceremony_dir, folder_ + "/copies");
  ASSERT_THAT(Start(kNow + kDay), IsOk());
  EXPECT_THAT(Refresh(kNow + kDay), RejectedFor(TufReason::kTimestampRollback));

  // The ceremony's folder, of which people have copies, brings back the
  // catalog, and a new online key lets clients forget the lost versions.
  std::filesystem::rename(folder_ + "/copies", config_.ceremony_dir);
  const auto next = MakeOnlineKey(std::string(kNextKeySuffix));
  spec_.snapshot.keys = spec_.timestamp.keys = {next->public_key()};
  MakeRoot({1, 2});
  EXPECT_TRUE(*publisher_->TakeSigned(kNow + kDay));
  ASSERT_THAT(Refresh(kNow + kDay), IsOk());
  EXPECT_EQ(sequence_, 2u);
}

}  // namespace
}  // namespace anchorage::trustd
