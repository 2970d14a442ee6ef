// What a client keeps, drops and still refuses when keys, roots, clocks or its
// own cache were wrong: the way back must work, and must not be a way round.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "test/channel/channel_test.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

namespace fs = std::filesystem;
namespace tuf = anchors::tuf;
using client::TrustClient;
using client::TrustClientOptions;
using tuf::TufReason;
using verify::AnchorStatus;
using verify::Freshness;
using verify::Origin;

constexpr std::uint64_t kStep = std::uint64_t{1} << 32;
constexpr absl::Duration kYear = absl::Hours(365 * 24);
constexpr char kBundle[] = "last_verified.bundle";
constexpr char kMemory[] = "last_verified.memory";

class RecoveryTest : public ChannelTest {
 protected:
  // Like a thief who wants to stay: everything that is signed from now on ends
  // in a hundred years.
  void SignForACentury() {
    for (absl::Time* expires :
         {&repository().targets().expires, &repository().snapshot.expires,
          &repository().timestamp.expires, &repository().root.expires}) {
      *expires = kNow + 100 * kYear;
    }
  }

  // Replaces every key, and publishes the root alone.
  void ReplaceKeys(const std::vector<std::string>& roles) {
    const std::vector<tuf::KeyPtr> old = repository().signers["root"];
    for (const std::string& role : roles) repository().RotateKeys(role);
    // A root is signed by those who signed the last one, too.
    std::vector<tuf::KeyPtr>& signers = repository().signers["root"];
    const std::vector<tuf::KeyPtr> own = signers;
    if (own != old) signers.insert(signers.end(), old.begin(), old.end());
    repository().Publish({"root"});
    signers = own;
  }

  // A new root arrives and nothing else does: what the network can do.
  void LetOnlyTheRootThrough() {
    Files old = Signed({"timestamp", "snapshot", "targets"});
    const absl::Status status = Refresh();
    EXPECT_FALSE(status.ok());
  }

  AnchorStatus StatusOfFirst(const TrustClient& client) const {
    const auto revoked = anchors::ParseCatalog(CatalogThatRevokes(kSequence));
    for (const auto& one : revoked->anchors) {
      if (one.status != AnchorStatus::kRevoked) continue;
      for (const verify::Anchor& anchor : client.anchors()->In(one.slot)) {
        if (anchor.spki_sha256() == one.spki_sha256) return anchor.status();
      }
    }
    ADD_FAILURE() << "the anchor is not in the set";
    return AnchorStatus::kActive;
  }

  void Adopt() {
    const absl::Status status = Refresh();
    ASSERT_TRUE(status.ok()) << status;
  }

  std::string Read(const std::string& name) const {
    return FilesIn(folder_)[name];
  }
  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << bytes;
  }

  TrustClientOptions WithoutServer() const {
    TrustClientOptions options = Options();
    options.server.clear();
    options.metadata_url.clear();
    return options;
  }
};

TEST_P(RecoveryTest, AStolenTargetsKeyLosesItsCatalog) {
  Begin();
  SignForACentury();
  servers_->PublishCatalog(kSequence + kStep);
  Adopt();
  ASSERT_EQ(client_->state().provenance.sequence, kSequence + kStep);

  ReplaceKeys({"root", "targets", "snapshot", "timestamp"});
  servers_->PublishCatalog(8);
  Adopt();
  EXPECT_EQ(client_->state().provenance.sequence, 8u);
  EXPECT_EQ(client_->state().rejected, 0u);
  client_.reset();
  EXPECT_EQ(Make()->state().provenance.sequence, 8u);
}

TEST_P(RecoveryTest, ARootAloneEndsWhatItsKeysNoLongerSign) {
  Begin();
  SignForACentury();
  servers_->PublishCatalog(kSequence + 1);
  Adopt();
  ReplaceKeys({"targets", "snapshot", "timestamp"});
  LetOnlyTheRootThrough();
  EXPECT_EQ(client_->state().provenance.origin, Origin::kBakedIn);
  // Nor does a start believe it by the roots that it lies beside.
  client_.reset();
  const auto again = Make();
  EXPECT_EQ(again->state().provenance.origin, Origin::kBakedIn);
  EXPECT_FALSE(again->state().cache.ok());
}

TEST_P(RecoveryTest, WhatWasRevokedStaysRefusedUntilTheNewKeysSign) {
  Begin();
  servers_->PublishFile(CatalogThatRevokes(kSequence + 1));
  Adopt();
  ASSERT_EQ(StatusOfFirst(*client_), AnchorStatus::kRevoked);
  ReplaceKeys({"targets", "snapshot", "timestamp"});
  LetOnlyTheRootThrough();
  ASSERT_EQ(client_->state().provenance.origin, Origin::kBakedIn);
  EXPECT_EQ(StatusOfFirst(*client_), AnchorStatus::kRevoked);
  client_ = nullptr;
  client_ = Make();
  EXPECT_EQ(StatusOfFirst(*client_), AnchorStatus::kRevoked);
  // The new keys may decide otherwise.
  servers_->PublishCatalog(kSequence + 2);
  Adopt();
  EXPECT_EQ(StatusOfFirst(*client_), AnchorStatus::kActive);
}

TEST_P(RecoveryTest, WhatWasRevokedStaysRefusedWhereTheBundleIsDamaged) {
  Begin();
  servers_->PublishFile(CatalogThatRevokes(kSequence + 1));
  Adopt();
  const std::string bundle = Read(kBundle);
  client_.reset();
  Write(kBundle, bundle.substr(0, bundle.size() / 2));
  EXPECT_EQ(Make()->state().provenance.origin, Origin::kBakedIn);
  EXPECT_EQ(StatusOfFirst(*Make()), AnchorStatus::kRevoked);
  // And where the memory is: then the bundle says it.
  Write(kBundle, bundle);
  const std::string memory = Read(kMemory);
  Write(kMemory, memory.substr(1));
  EXPECT_EQ(Make()->state().provenance.origin, Origin::kBakedIn);
  EXPECT_EQ(StatusOfFirst(*Make()), AnchorStatus::kRevoked);
}

TEST_P(RecoveryTest, ACacheOfAnOlderProgramStillRevokes) {
  Begin();
  servers_->PublishFile(CatalogThatRevokes(kSequence + 1));
  Adopt();
  client_.reset();
  fs::remove(folder_ + "/" + kMemory);
  fs::remove(folder_ + "/.held-a-bundle");
  EXPECT_EQ(Make()->state().provenance.origin, Origin::kCache);
  EXPECT_EQ(StatusOfFirst(*Make()), AnchorStatus::kRevoked);
  // Its floor is that of its bundle.
  client_ = Make();
  servers_->PublishCatalog(kSequence);
  EXPECT_EQ(tuf::TufReasonOf(Refresh()), TufReason::kSequenceRollback);
}

TEST_P(RecoveryTest, AStolenTimestampKeyKeepsNothingFresh) {
  Begin();
  SignForACentury();
  repository().Publish({"timestamp"});
  Adopt();
  ReplaceKeys({"timestamp"});
  now_ += absl::Hours(1);
  LetOnlyTheRootThrough();
  // The targets are still signed; how old they are counts from the new root.
  EXPECT_EQ(client_->state().provenance.sequence, kSequence);
  EXPECT_EQ(client_->state().freshness, Freshness::kStale);
  client_.reset();
  now_ += 29 * kDay;
  EXPECT_EQ(Make()->state().provenance.origin, Origin::kCache);
  EXPECT_EQ(Make()->state().freshness, Freshness::kStale);
  now_ += 2 * kDay;
  EXPECT_EQ(Make(WithoutServer())->state().freshness, Freshness::kExpired);
}

// Where no root replaced its key, a timestamp that does not verify is damaged.
TEST_P(RecoveryTest, ADamagedTimestampIsNotOneThatARootReplaced) {
  Begin();
  client_.reset();
  std::string bundle = Read(kBundle);
  bundle[bundle.find("\"_type\":\"timestamp\"") + 3] ^= 1;
  Write(kBundle, bundle);
  const auto client = Make();
  EXPECT_EQ(client->state().provenance.origin, Origin::kBakedIn);
  EXPECT_FALSE(client->state().cache.ok());
}

TEST_P(RecoveryTest, NothingIsFreshForMoreThanAYear) {
  SignForACentury();
  repository().Publish({"root"});
  Begin();
  now_ = kNow + kYear;
  EXPECT_EQ(client_->state().freshness, Freshness::kFresh);
  now_ += absl::Seconds(1);
  EXPECT_EQ(client_->state().freshness, Freshness::kStale);
  // Also not for one that starts again, or is shown the same timestamp again.
  EXPECT_EQ(Make()->state().freshness, Freshness::kStale);
  Adopt();
  EXPECT_EQ(client_->state().freshness, Freshness::kStale);
}

TEST_P(RecoveryTest, AFloorFallsOnceAndForTheRootThatRemovedItsSigners) {
  Begin();
  const std::string thiefs = Read(kBundle);
  ReplaceKeys({"targets", "snapshot", "timestamp"});
  servers_->PublishCatalog(3);
  Adopt();
  ASSERT_EQ(client_->state().provenance.sequence, 3u);
  client_.reset();
  // The old bundle in the folder does not bring the floor down again.
  Write(kBundle, thiefs);
  client_ = Make();
  servers_->PublishCatalog(2);
  EXPECT_EQ(tuf::TufReasonOf(Refresh()), TufReason::kSequenceRollback);
}

TEST_P(RecoveryTest, ARootThatOnlyAddsKeysDropsNothing) {
  Begin();
  repository().AddKey("targets", repository().NewKey());
  repository().Publish({"root"});
  servers_->PublishCatalog(kSequence - 1);
  EXPECT_EQ(tuf::TufReasonOf(Refresh()), TufReason::kSequenceRollback);
  EXPECT_EQ(client_->state().provenance.sequence, kSequence);
  EXPECT_EQ(client_->state().provenance.origin, Origin::kServer);
  EXPECT_EQ(client_->state().freshness, Freshness::kFresh);
}

TEST_P(RecoveryTest, AFailedRefreshDropsNothing) {
  Begin();
  repository().Publish({"root"});
  servers_->PublishCatalog(kSequence - 1);
  EXPECT_FALSE(Refresh().ok());
  client_.reset();
  client_ = Make();
  EXPECT_EQ(tuf::TufReasonOf(Refresh()), TufReason::kSequenceRollback);
}

TEST_P(RecoveryTest, ASequenceRisesByTwoToTheThirtyTwoAtMost) {
  Begin();
  servers_->PublishCatalog(kSequence + kStep + 1);
  ExpectRefused(TufReason::kSequenceLeap,
                Signed({"timestamp", "snapshot", "targets"}));
  servers_->PublishCatalog(kSequence + kStep);
  Adopt();
  // What is held is never refused by that bound.
  client_.reset();
  EXPECT_EQ(Make()->state().provenance.sequence, kSequence + kStep);
}

TEST_P(RecoveryTest, TheFirstSequenceMayBeAny) {
  servers_->PublishCatalog(20'261'129'000'000);
  trusted_root_ = servers_->first_root();
  client_ = Make();
  Adopt();
  EXPECT_EQ(client_->state().provenance.sequence, 20'261'129'000'000u);
}

// A thief lists the signature of somebody whose key the next root keeps.
TEST_P(RecoveryTest, AListedSignatureMakesNobodyASigner) {
  const tuf::KeyPtr stays = repository().NewKey();
  repository().RootRole("targets").keys.push_back(stays->public_key());
  repository().Publish({"root"});
  Begin();
  // By the stolen key alone, and with a line that anybody can write.
  servers_->PublishCatalog(kSequence + kStep);
  const std::string signed_once = servers_->Newest("targets");
  servers_->Serve(
      "targets",
      WithSignatures(signed_once, SignaturesOf(signed_once) + ",{\"keyid\":\"" +
                                      stays->public_key().keyid() +
                                      "\",\"sig\":\"00\"}"));
  Adopt();
  ASSERT_EQ(client_->state().provenance.sequence, kSequence + kStep);
  repository().RootRole("targets").keys = {stays->public_key()};
  repository().signers["targets"] = {stays};
  ReplaceKeys({"snapshot", "timestamp"});
  servers_->PublishCatalog(8);
  Adopt();
  EXPECT_EQ(client_->state().provenance.sequence, 8u);
}

TEST_P(RecoveryTest, AChangedByteOfTheStoredRootForgetsNothing) {
  Begin();
  const tuf::RepositorySimulator before = repository();
  servers_->PublishFile(CatalogThatRevokes(kSequence + 1));
  Adopt();
  client_.reset();
  std::string root = Read("root.json");
  const std::size_t expires = root.find("\"expires\":\"20") + 13;
  root[expires] = root[expires] == '9' ? '8' : '9';
  Write("root.json", root);
  client_ = Make();
  EXPECT_EQ(client_->state().equivocations, 0u) << "nobody signed it";
  repository() = before;
  EXPECT_EQ(tuf::TufReasonOf(Refresh()), TufReason::kTimestampRollback);
  EXPECT_EQ(StatusOfFirst(*client_), AnchorStatus::kRevoked);
}

// The roots are lost, and who has the old keys serves what they sign.
TEST_P(RecoveryTest, ARootThatWasSeenIsNotForgotten) {
  Begin();
  tuf::RepositorySimulator old = repository();
  ReplaceKeys({"targets", "snapshot", "timestamp"});
  servers_->PublishFile(CatalogThatRevokes(kSequence + 1));
  Adopt();
  client_.reset();
  fs::remove_all(folder_ + "/root_history");
  fs::remove(folder_ + "/root.json");
  std::swap(repository(), old);
  servers_->PublishCatalog(60);
  client_ = Make();
  EXPECT_EQ(tuf::TufReasonOf(Refresh()), TufReason::kRootRollback);
  EXPECT_EQ(client_->state().rejected, 1u);
  EXPECT_EQ(StatusOfFirst(*client_), AnchorStatus::kRevoked);
  std::swap(repository(), old);
  Adopt();
}

// The root and the new timestamp arrive, and the snapshot is withheld.
TEST_P(RecoveryTest, ANewTimestampAloneCostsNoBundle) {
  Begin();
  ReplaceKeys({"timestamp"});
  const std::string withheld = servers_->Newest("snapshot");
  repository().Publish({"snapshot", "timestamp"});
  servers_->Serve("snapshot", withheld);
  EXPECT_FALSE(Refresh().ok());
  EXPECT_EQ(client_->state().provenance.sequence, kSequence);
  EXPECT_EQ(client_->state().provenance.origin, Origin::kServer);
  EXPECT_EQ(client_->state().freshness, Freshness::kStale);
}

TEST_P(RecoveryTest, LaterRootsDoNotMakeAnOvertakenBundleYounger) {
  SignForACentury();
  repository().Publish({"root"});
  Begin();
  ReplaceKeys({"timestamp"});
  LetOnlyTheRootThrough();
  for (int i = 0; i < 2; ++i) {
    now_ += 20 * kDay;
    repository().Publish({"root"});
    LetOnlyTheRootThrough();
    EXPECT_EQ(client_->state().provenance.sequence, kSequence)
        << "nor older than it is";
    EXPECT_EQ(client_->state().freshness,
              i == 0 ? Freshness::kStale : Freshness::kExpired);
    EXPECT_EQ(Make(WithoutServer())->state().freshness,
              i == 0 ? Freshness::kStale : Freshness::kExpired);
  }
}

// --- A program that is newer than its cache ---------------------------------

TEST_P(RecoveryTest, ANewerProgramUsesTheCacheOfAnOlder) {
  repository().Publish({"root"});
  repository().Publish({"root"});
  Begin();
  servers_->PublishFile(CatalogThatRevokes(kSequence + 1));
  Adopt();
  client_.reset();
  for (const int version : {2, 3}) {
    TrustClientOptions options = WithoutServer();
    options.trusted_root = repository().published("root", version);
    const auto client = Make(options);
    EXPECT_EQ(client->state().provenance.origin, Origin::kCache) << version;
    EXPECT_EQ(client->state().equivocations, 0u);
    EXPECT_EQ(StatusOfFirst(*client), AnchorStatus::kRevoked) << version;
  }
}

TEST_P(RecoveryTest, ACacheThatIsOlderThanTheTrustedRootIsUsedIfItVerifies) {
  Begin();
  client_.reset();
  repository().Publish({"root"});
  TrustClientOptions options = WithoutServer();
  options.trusted_root = repository().published("root", 2);
  EXPECT_EQ(Make(options)->state().provenance.origin, Origin::kCache);
  // A root of which the targets' keys are gone leads to another repository.
  repository().RotateKeys("targets");
  repository().Publish({"root"});
  options.trusted_root = repository().published("root", 3);
  EXPECT_EQ(Make(options)->state().provenance.origin, Origin::kBakedIn);
}

TEST_P(RecoveryTest, AnotherRootOfTheSameVersionRefusesTheCache) {
  const tuf::RepositorySimulator before = repository();
  repository().Publish({"root"});
  Begin();
  servers_->PublishFile(CatalogThatRevokes(kSequence + 1));
  Adopt();
  client_.reset();
  tuf::RepositorySimulator fork = before;
  fork.root.expires += kDay;
  fork.Publish({"root"});
  TrustClientOptions options = Options();
  options.trusted_root = fork.published("root", 2);
  {
    const auto client = Make(options);
    EXPECT_EQ(client->state().provenance.origin, Origin::kBakedIn);
    EXPECT_EQ(client->state().equivocations, 1u);
    EXPECT_FALSE(client->state().cache.ok());
    EXPECT_EQ(StatusOfFirst(*client), AnchorStatus::kRevoked);
  }
  // Told once, with the other root kept for whoever looks into it.
  EXPECT_EQ(Make(options)->state().equivocations, 0u);
  EXPECT_EQ(StatusOfFirst(*Make(options)), AnchorStatus::kRevoked);
  EXPECT_EQ(Read("fork.root.json"), repository().published("root", 2));
}

TEST_P(RecoveryTest, AClientThatIsFarBehindCatchesUp) {
  Begin();
  for (int i = 0; i < 600; ++i) repository().Publish({"root"});
  servers_->PublishCatalog(kSequence + 1);
  EXPECT_EQ(tuf::TufReasonOf(Refresh()), TufReason::kRootLimit);
  EXPECT_EQ(tuf::TufReasonOf(Refresh()), TufReason::kRootLimit);
  Adopt();
  EXPECT_EQ(client_->state().provenance.sequence, kSequence + 1);
  client_.reset();
  EXPECT_EQ(Make()->state().provenance.origin, Origin::kCache);
  EXPECT_LT(Read(kBundle).size(), 1'000'000u) << "roots are kept by themselves";
}

// --- Clocks ------------------------------------------------------------------

std::string CatalogMadeAt(std::uint64_t sequence, absl::Time created) {
  auto catalog = anchors::ParseCatalog(CatalogOf(sequence));
  catalog->created = created;
  return anchors::SerializeCatalog(*catalog);
}

TEST_P(RecoveryTest, ABundleOfTomorrowIsAMatterOfTheClock) {
  Begin();
  servers_->PublishFile(
      CatalogMadeAt(kSequence + 1, kNow + kDay + absl::Seconds(1)));
  EXPECT_EQ(tuf::TufReasonOf(Refresh()), TufReason::kClockSuspect);
  EXPECT_EQ(client_->state().clock_suspect, 1u);
  EXPECT_EQ(client_->state().rejected, 0u);
  EXPECT_EQ(client_->state().provenance.sequence, kSequence);
}

TEST_P(RecoveryTest, ADateOfTheCatalogMovesNoClock) {
  Begin();
  servers_->PublishFile(CatalogMadeAt(kSequence + 1, kNow + kDay));
  Adopt();
  // A live attestation is judged by the machine's clock.
  const auto policy =
      verify::EnclavePolicy::Builder().AuthenticityOnly("test").Build();
  EXPECT_NE(verify::ReasonOf(client_->VerifyEnclave("x", *policy).status()),
            verify::Reason::kClockSuspect);
  EXPECT_EQ(client_->state().provenance.as_of, kNow);
  client_.reset();
  EXPECT_EQ(Make()->state().provenance.as_of, kNow);
  // And a later catalog may have an earlier date.
  client_ = Make();
  servers_->PublishFile(CatalogMadeAt(kSequence + 2, kNow - kDay));
  Adopt();
  EXPECT_EQ(client_->state().provenance.sequence, kSequence + 2);
}

TEST_P(RecoveryTest, AClockThatWasBehindCostsOneRefresh) {
  Begin();
  client_.reset();
  fs::remove_all(folder_);
  now_ = kNow - 500 * kDay;
  servers_->PublishFile(CatalogMadeAt(kSequence + 1, kNow - 800 * kDay));
  client_ = Make();
  Adopt();
  now_ = kNow;
  Adopt();
  EXPECT_EQ(client_->state().provenance.origin, Origin::kServer);
  EXPECT_EQ(client_->state().freshness, Freshness::kFresh);
}

// --- What is built in --------------------------------------------------------

class BakedInTest : public RecoveryTest {
 protected:
  absl::Time built() const { return anchors::DefaultBakedBundle().as_of; }
  // Of a client that has asked nobody yet, `age` after its program was built.
  Freshness FreshnessAt(absl::Duration age, TrustClientOptions options) {
    now_ = built() + age;
    return Make(std::move(options))->state().freshness;
  }
  TrustClientOptions Impatient() const {
    TrustClientOptions options = Options();
    options.stale_before_first_refresh = false;
    return options;
  }
};

TEST_P(BakedInTest, AgesWhereThereIsAServer) {
  EXPECT_EQ(FreshnessAt(30 * kDay, Impatient()), Freshness::kBakedIn);
  EXPECT_EQ(FreshnessAt(31 * kDay, Impatient()), Freshness::kStale);
  EXPECT_EQ(FreshnessAt(61 * kDay, Impatient()), Freshness::kExpired);
  EXPECT_EQ(FreshnessAt(61 * kDay, WithoutServer()), Freshness::kBakedIn);
}

TEST_P(BakedInTest, CountsAsStaleUntilTheFirstRefreshHasEnded) {
  now_ = built() + kYear;
  trusted_root_ = servers_->first_root();
  client_ = Make();
  EXPECT_EQ(client_->state().freshness, Freshness::kStale);
  servers_->Stop();
  EXPECT_FALSE(Refresh().ok());
  EXPECT_EQ(client_->state().freshness, Freshness::kExpired);
  const auto policy =
      verify::EnclavePolicy::Builder().AuthenticityOnly("test").Build();
  EXPECT_EQ(verify::ReasonOf(client_->VerifyEnclave("x", *policy).status()),
            verify::Reason::kAnchorsExpired);
}

TEST_P(BakedInTest, CountsByItsAgeAtOnceWhereACacheWasLost) {
  Begin();
  client_.reset();
  const auto freshness = [&] { return FreshnessAt(2 * kYear, Options()); };
  const std::string bundle = Read(kBundle);
  Write(kBundle, "x");
  EXPECT_EQ(freshness(), Freshness::kExpired) << "damaged";
  fs::remove(folder_ + "/" + kBundle);
  EXPECT_EQ(freshness(), Freshness::kExpired) << "gone";
  fs::remove_all(folder_ + "/root_history");
  for (const auto& [name, bytes] : FilesIn(folder_)) {
    if (!name.starts_with(".")) fs::remove(folder_ + "/" + name);
  }
  EXPECT_EQ(freshness(), Freshness::kExpired) << "emptied";
  fs::remove_all(folder_);
  EXPECT_EQ(freshness(), Freshness::kStale) << "new";
}

// Expired: kRefuse refuses. A byte of the cache less, and it still does.
TEST_P(BakedInTest, DamageIsNoWayRoundAnExpiredSet) {
  Begin();
  client_.reset();
  now_ = kNow + 2 * kYear;
  ASSERT_EQ(Make()->state().freshness, Freshness::kExpired);
  const Files good = FilesIn(folder_);
  for (const auto& [name, bytes] : good) {
    if (bytes.empty() || name == "lock") continue;
    for (const std::size_t at : {std::size_t{0}, bytes.size() / 2}) {
      std::string bad = bytes;
      bad[at] ^= 1;
      Write(name, bad);
      for (const TrustClientOptions& options : {Options(), WithoutServer()}) {
        EXPECT_EQ(Make(options)->state().freshness, Freshness::kExpired)
            << name;
      }
      Write(name, bytes);
    }
    fs::remove(folder_ + "/" + name);
    for (const TrustClientOptions& options : {Options(), WithoutServer()}) {
      EXPECT_EQ(Make(options)->state().freshness, Freshness::kExpired) << name;
    }
    Write(name, bytes);
  }
}

// Also where the program was built so lately that by itself it would be good.
TEST_P(BakedInTest, IsNoFresherThanTheBundleThatWasLost) {
  Begin();
  client_.reset();
  TrustClientOptions options = Options();
  now_ = kNow + 30 * kDay + options.max_stale + kDay;
  options.baked.as_of = kNow + 29 * kDay;
  ASSERT_EQ(Make(options)->state().freshness, Freshness::kExpired);
  const std::string bundle = Read(kBundle);
  Write(kBundle, bundle.substr(1));
  EXPECT_EQ(Make(options)->state().provenance.origin, Origin::kBakedIn);
  EXPECT_EQ(Make(options)->state().freshness, Freshness::kExpired);
  // Nor where the memory is damaged, and the bundle says it.
  Write(kBundle, bundle);
  Write(kMemory, Read(kMemory).substr(1));
  EXPECT_EQ(Make(options)->state().freshness, Freshness::kExpired);
  // A program that was built after it ended is another matter.
  options.baked.as_of = kNow + 40 * kDay;
  EXPECT_EQ(Make(options)->state().freshness, Freshness::kBakedIn);
}

TEST_P(BakedInTest,
       AnExpiredBundleYieldsToAYoungerProgramButForItsRevocations) {
  Begin();
  servers_->PublishFile(CatalogThatRevokes(kSequence + 1));
  Adopt();
  client_.reset();
  TrustClientOptions options = Options();
  const absl::Time ended = kNow + 30 * kDay;
  now_ = ended + options.max_stale + kDay;
  options.baked.as_of = ended;
  EXPECT_EQ(Make(options)->state().provenance.origin, Origin::kCache);
  options.baked.as_of = ended + absl::Seconds(1);
  const auto client = Make(options);
  EXPECT_EQ(client->state().provenance.origin, Origin::kBakedIn);
  EXPECT_EQ(StatusOfFirst(*client), AnchorStatus::kRevoked);
  // One that is only STALE wins over any.
  now_ = ended + kDay;
  options.baked.as_of = now_;
  EXPECT_EQ(Make(options)->state().provenance.origin, Origin::kCache);
}

INSTANTIATE_TEST_SUITE_P(Channel, RecoveryTest,
                         ::testing::Values(Transport::kHttp, Transport::kGrpc),
                         [](const auto& info) { return NameOf(info.param); });
INSTANTIATE_TEST_SUITE_P(Channel, BakedInTest,
                         ::testing::Values(Transport::kHttp, Transport::kGrpc),
                         [](const auto& info) { return NameOf(info.param); });

}  // namespace
}  // namespace anchorage::test
