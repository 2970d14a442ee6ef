#include "verify/anchor_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "test/fake_aws/keys.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using test::TestKey;
using TestType = test::KeyType;

const absl::Time kFrom = absl::FromUnixSeconds(1700000000);
const absl::Time kUntil = absl::FromUnixSeconds(1800000000);

std::string Rsa1024(int number = 0) {
  return TestKey::Rsa(1024, number).spki_der();
}
std::string Rsa2048(int number = 0) {
  return TestKey::Rsa(2048, number).spki_der();
}
std::string Derived(TestType type, std::string_view name = "anchor") {
  return TestKey::Derived(type, name).spki_der();
}

// All that matters here about a certificate is that the key is inside.
std::string CertificateOf(std::string_view spki) {
  return absl::StrCat("certificate(", std::string(spki), ")");
}

AnchorRecord Record(AnchorKind kind, std::string_view region,
                    std::string spki) {
  AnchorRecord record;
  record.slot = {"aws", std::string(region), kind};
  record.certificates_der = {CertificateOf(spki)};
  record.spki_der = std::move(spki);
  return record;
}

// A set of every kind, with two anchors in one slot.
std::vector<AnchorRecord> Good() {
  return {
      Record(AnchorKind::kIidRsa2048, "eu-west-1", Rsa2048(0)),
      Record(AnchorKind::kIidRsa2048, "eu-west-1", Rsa2048(1)),
      Record(AnchorKind::kIidRsa1024, "eu-west-1", Rsa1024()),
      Record(AnchorKind::kIidDsa, "eu-west-1", Derived(TestType::kDsa1024)),
      Record(AnchorKind::kIidRsa2048, "us-east-1", Rsa2048(2)),
      Record(AnchorKind::kNitroRoot, "", Derived(TestType::kP384)),
  };
}

std::shared_ptr<const AnchorSet> SetOf(std::vector<AnchorRecord> records) {
  return AnchorSet::Create(std::move(records), {}).value();
}

const Slot kEuWest1{"aws", "eu-west-1", AnchorKind::kIidRsa2048};

TEST(AnchorSet, FindsTheAnchorsOfASlot) {
  const auto set = SetOf(Good());
  EXPECT_EQ(set->anchors().size(), 6u);
  ASSERT_EQ(set->In(kEuWest1).size(), 2u);
  EXPECT_NE(set->In(kEuWest1)[0].spki_sha256(),
            set->In(kEuWest1)[1].spki_sha256());
  for (const Anchor& anchor : set->anchors()) {
    bool found = false;
    for (const Anchor& other : set->In(anchor.slot())) {
      EXPECT_EQ(other.slot(), anchor.slot());
      found = found || other.spki_sha256() == anchor.spki_sha256();
    }
    EXPECT_TRUE(found) << ToString(anchor.slot());
  }
}

TEST(AnchorSet, FindsNothingInAnotherSlot) {
  const auto set = SetOf(Good());
  for (const Slot& slot : {Slot{"aws", "eu-west-1", AnchorKind::kNitroRoot},
                           Slot{"aws", "us-east-1", AnchorKind::kIidDsa},
                           Slot{"aws", "", AnchorKind::kIidRsa2048},
                           Slot{"aws", "EU-WEST-1", AnchorKind::kIidRsa2048},
                           Slot{"aws-cn", "eu-west-1", AnchorKind::kIidRsa2048},
                           Slot{"", "eu-west-1", AnchorKind::kIidRsa2048}}) {
    EXPECT_TRUE(set->In(slot).empty()) << ToString(slot);
  }
}

TEST(AnchorSet, DoesNotDependOnTheOrderOfTheRecords) {
  std::vector<AnchorRecord> backwards = Good();
  std::reverse(backwards.begin(), backwards.end());
  const auto set = SetOf(Good());
  const auto other = SetOf(backwards);
  ASSERT_EQ(set->anchors().size(), other->anchors().size());
  for (std::size_t i = 0; i < set->anchors().size(); ++i) {
    EXPECT_EQ(set->anchors()[i].slot(), other->anchors()[i].slot());
    EXPECT_EQ(set->anchors()[i].spki_sha256(),
              other->anchors()[i].spki_sha256());
  }
}

TEST(AnchorSet, KeepsWhatTheRecordSays) {
  AnchorRecord record =
      Record(AnchorKind::kNitroRoot, "", Derived(TestType::kP384));
  record.status = AnchorStatus::kRetiring;
  record.valid_from = kFrom;
  record.valid_until = kUntil;
  record.accept_until = kUntil + absl::Hours(1);
  record.certificates_der.push_back(CertificateOf(record.spki_der) +
                                    " issued again");
  const auto set = SetOf({record});
  const Anchor& anchor = set->anchors()[0];
  EXPECT_EQ(anchor.slot(), record.slot);
  EXPECT_EQ(anchor.status(), AnchorStatus::kRetiring);
  EXPECT_EQ(anchor.valid_from(), kFrom);
  EXPECT_EQ(anchor.valid_until(), kUntil);
  EXPECT_EQ(anchor.accept_until(), kUntil + absl::Hours(1));
  EXPECT_EQ(anchor.spki_sha256(), Sha256Hex(record.spki_der));
  ASSERT_EQ(anchor.certificates_der().size(), 2u);
  EXPECT_EQ(anchor.certificates_der()[1], record.certificates_der[1]);
  EXPECT_EQ(anchor.key().type(), KeyType::kEcP384);
}

TEST(AnchorSet, GivesEachAnchorItsOwnKey) {
  const auto set = SetOf(Good());
  const Digest digest = Hash(HashAlgorithm::kSha256, "document");
  const std::string signature =
      TestKey::Rsa(2048, 1).Sign(test::Hash::kSha256, digest.view());
  for (const Anchor& anchor : set->In(kEuWest1)) {
    const bool signer = anchor.spki_sha256() == Sha256Hex(Rsa2048(1));
    EXPECT_EQ(anchor.key()
                  .VerifyDigest(HashAlgorithm::kSha256, digest, signature)
                  .ok(),
              signer);
  }
}

TEST(AnchorSet, ReportsItsProvenance) {
  const AnchorProvenance provenance{.origin = Origin::kCache,
                                    .sequence = 41,
                                    .as_of = kFrom,
                                    .fresh_until = kUntil};
  EXPECT_EQ((*AnchorSet::Create(Good(), provenance))->provenance(), provenance);
}

TEST(AnchorSet, MayBeEmpty) {
  const auto set = SetOf({});
  EXPECT_TRUE(set->anchors().empty());
  EXPECT_TRUE(set->In(kEuWest1).empty());
  EXPECT_EQ(set->PartitionOf("eu-west-1"), std::nullopt);
}

TEST(AnchorSet, KnowsThePartitionOfARegion) {
  std::vector<AnchorRecord> records = Good();
  AnchorRecord china =
      Record(AnchorKind::kIidRsa1024, "cn-north-1", Rsa1024(1));
  china.slot.partition = "aws-cn";
  // A region is known whatever the status of its anchors.
  china.status = AnchorStatus::kRevoked;
  records.push_back(china);
  const auto set = SetOf(records);
  EXPECT_EQ(set->PartitionOf("eu-west-1"), "aws");
  EXPECT_EQ(set->PartitionOf("us-east-1"), "aws");
  EXPECT_EQ(set->PartitionOf("cn-north-1"), "aws-cn");
  for (const std::string_view region :
       {"", "eu-west-2", "eu-west", "eu-west-11", "EU-WEST-1", "aws"}) {
    EXPECT_EQ(set->PartitionOf(region), std::nullopt) << region;
  }
}

// --- What is legal, because AWS does it ------------------------------------

TEST(AnchorSet, MayHaveOneKeyInManySlots) {
  std::vector<AnchorRecord> records;
  for (int region = 0; region < 17; ++region) {
    records.push_back(Record(AnchorKind::kIidRsa1024,
                             absl::StrCat("region-", region), Rsa1024()));
  }
  const auto set = SetOf(records);
  EXPECT_EQ(set->anchors().size(), 17u);
  EXPECT_EQ(set->In({"aws", "region-16", AnchorKind::kIidRsa1024}).size(), 1u);
}

TEST(AnchorSet, MayHaveRsaInADsaSlot) {
  EXPECT_TRUE(AnchorSet::Create(
                  {Record(AnchorKind::kIidDsa, "cn-north-1", Rsa2048())}, {})
                  .ok());
}

TEST(AnchorSet, MayHaveAnIdentityAnchorWithoutCertificate) {
  AnchorRecord record = Record(AnchorKind::kIidRsa2048, "eu-west-1", Rsa2048());
  record.certificates_der.clear();
  EXPECT_TRUE(AnchorSet::Create({record}, {}).ok());
}

TEST(AnchorSet, MayHaveAWindowOfOneInstant) {
  AnchorRecord record = Record(AnchorKind::kIidRsa2048, "eu-west-1", Rsa2048());
  record.valid_from = record.valid_until = kFrom;
  EXPECT_TRUE(SetOf({record})->anchors()[0].CheckMadeAt(kFrom).ok());
}

TEST(AnchorSet, HoldsAsManyAnchorsAsItsLimitAndNoMore) {
  std::vector<AnchorRecord> records;
  for (std::size_t i = 0; i < AnchorSet::kMaxAnchors; ++i) {
    records.push_back(
        Record(AnchorKind::kIidRsa1024, absl::StrCat("r", i), Rsa1024()));
  }
  EXPECT_TRUE(AnchorSet::Create(records, {}).ok());
  records.push_back(Record(AnchorKind::kIidRsa1024, "one-more", Rsa1024()));
  EXPECT_EQ(ReasonOf(AnchorSet::Create(records, {}).status()),
            Reason::kInputTooLarge);
}

// --- What is not -------------------------------------------------------------

struct Breakage {
  const char* name;
  std::function<void(std::vector<AnchorRecord>&)> apply;
};

class BrokenAnchorSet : public ::testing::TestWithParam<Breakage> {};

TEST_P(BrokenAnchorSet, IsRefused) {
  std::vector<AnchorRecord> records = Good();
  ASSERT_TRUE(AnchorSet::Create(records, {}).ok());
  GetParam().apply(records);
  const auto set = AnchorSet::Create(records, {});
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(ReasonOf(set.status()), Reason::kFieldInvalid);
}

// Puts `spki` and its certificate in the place of the record's.
void SetKey(AnchorRecord& record, std::string spki) {
  record.certificates_der = {CertificateOf(spki)};
  record.spki_der = std::move(spki);
}

// The records of Good(), by place.
constexpr int kRsa2048 = 0;
constexpr int kRsa1024 = 2;
constexpr int kDsa = 3;
constexpr int kUsEast1 = 4;
constexpr int kRoot = 5;

INSTANTIATE_TEST_SUITE_P(
    All, BrokenAnchorSet,
    ::testing::Values(
        Breakage{"EmptyKey", [](auto& r) { SetKey(r[kRsa2048], ""); }},
        Breakage{"KeyThatDoesNotLoad",
                 [](auto& r) { SetKey(r[kRsa2048], "not a key"); }},
        Breakage{"KeyWithTrailingBytes",
                 [](auto& r) { SetKey(r[kRsa2048], Rsa2048() + "x"); }},
        Breakage{"SmallRsaInTheRsa2048Slot",
                 [](auto& r) { SetKey(r[kRsa2048], Rsa1024()); }},
        Breakage{
            "DsaInTheRsa2048Slot",
            [](auto& r) { SetKey(r[kRsa2048], Derived(TestType::kDsa1024)); }},
        Breakage{
            "EllipticInTheRsa2048Slot",
            [](auto& r) { SetKey(r[kRsa2048], Derived(TestType::kP384)); }},
        Breakage{"LargeRsaInTheRsa1024Slot",
                 [](auto& r) { SetKey(r[kRsa1024], Rsa2048()); }},
        Breakage{"SmallRsaInTheDsaSlot",
                 [](auto& r) { SetKey(r[kDsa], Rsa1024()); }},
        Breakage{"EllipticInTheDsaSlot",
                 [](auto& r) { SetKey(r[kDsa], Derived(TestType::kP256)); }},
        Breakage{"P256AsANitroRoot",
                 [](auto& r) { SetKey(r[kRoot], Derived(TestType::kP256)); }},
        Breakage{"RsaAsANitroRoot",
                 [](auto& r) { SetKey(r[kRoot], Rsa2048()); }},
        Breakage{
            "Ed25519AsANitroRoot",
            [](auto& r) { SetKey(r[kRoot], Derived(TestType::kEd25519)); }},
        Breakage{"SameKeyTwiceInASlot",
                 [](auto& r) { r.push_back(r[kRsa2048]); }},
        Breakage{"SameKeyTwiceWithAnotherStatus",
                 [](auto& r) {
                   r.push_back(r[kRsa2048]);
                   r.back().status = AnchorStatus::kRevoked;
                   r.back().valid_until = kFrom;
                   r.back().certificates_der.clear();
                 }},
        Breakage{"RegionInTwoPartitions",
                 [](auto& r) {
                   r[kUsEast1].slot = {"aws-cn", "eu-west-1",
                                       AnchorKind::kIidRsa2048};
                 }},
        Breakage{"NoPartition", [](auto& r) { r[kDsa].slot.partition = ""; }},
        Breakage{"RootWithoutPartition",
                 [](auto& r) { r[kRoot].slot.partition = ""; }},
        Breakage{"NoRegion", [](auto& r) { r[kDsa].slot.region = ""; }},
        Breakage{"RootWithRegion",
                 [](auto& r) { r[kRoot].slot.region = "eu-west-1"; }},
        Breakage{"RootWithoutCertificate",
                 [](auto& r) { r[kRoot].certificates_der.clear(); }},
        Breakage{"CertificateOfAnotherKey",
                 [](auto& r) {
                   r[kRoot].certificates_der = {
                       CertificateOf(Derived(TestType::kP384, "another"))};
                 }},
        Breakage{"SecondCertificateOfAnotherKey",
                 [](auto& r) {
                   r[kRsa2048].certificates_der.push_back(
                       CertificateOf(Rsa2048(7)));
                 }},
        Breakage{"EmptyCertificate",
                 [](auto& r) { r[kRsa2048].certificates_der = {""}; }},
        Breakage{"WindowThatEndsBeforeItBegins",
                 [](auto& r) {
                   r[kRsa2048].valid_from = kFrom;
                   r[kRsa2048].valid_until = kFrom - absl::Nanoseconds(1);
                 }},
        Breakage{"KindThatDoesNotExist",
                 [](auto& r) {
                   r[kRsa2048].slot.kind = static_cast<AnchorKind>(99);
                 }}),
    [](const auto& info) { return std::string(info.param.name); });

// --- Use ---------------------------------------------------------------------

Anchor AnchorOf(AnchorStatus status) {
  AnchorRecord record = Record(AnchorKind::kIidRsa2048, "eu-west-1", Rsa2048());
  record.status = status;
  record.valid_from = kFrom;
  record.valid_until = kUntil;
  return SetOf({record})->anchors()[0];
}

std::optional<Reason> WhyNot(AnchorStatus status, absl::Time at) {
  return ReasonOf(AnchorOf(status).CheckUsable(at));
}

// The window is about the evidence: years after it the clock decides nothing.
TEST(CheckUsable, AllowsActiveAndRetiringAnchorsWhateverTheirWindow) {
  for (const AnchorStatus status :
       {AnchorStatus::kActive, AnchorStatus::kRetiring}) {
    for (const absl::Time now :
         {kFrom - absl::Hours(1), kFrom, kUntil, kUntil + absl::Hours(90'000),
          absl::InfinitePast(), absl::InfiniteFuture()}) {
      EXPECT_TRUE(AnchorOf(status).CheckUsable(now).ok());
    }
  }
}

TEST(CheckUsable, AllowsNothingAfterTheEndOfAcceptance) {
  AnchorRecord record = Record(AnchorKind::kIidRsa2048, "eu-west-1", Rsa2048());
  record.accept_until = kUntil;
  const Anchor anchor = SetOf({record})->anchors()[0];
  EXPECT_TRUE(anchor.CheckUsable(kUntil).ok());
  EXPECT_EQ(ReasonOf(anchor.CheckUsable(kUntil + absl::Nanoseconds(1))),
            Reason::kAnchorNotActive);
}

TEST(CheckMadeAt, AllowsEvidenceOfTheWindow) {
  const Anchor anchor = AnchorOf(AnchorStatus::kRetiring);
  for (const absl::Time made : {kFrom, kFrom + absl::Hours(1), kUntil}) {
    EXPECT_TRUE(anchor.CheckMadeAt(made).ok());
  }
  for (const absl::Time made :
       {kFrom - absl::Nanoseconds(1), kUntil + absl::Nanoseconds(1),
        absl::InfinitePast(), absl::InfiniteFuture()}) {
    EXPECT_EQ(ReasonOf(anchor.CheckMadeAt(made)), Reason::kAnchorNotActive);
  }
}

TEST(CheckUsable, AllowsNoAnnouncedOrRetiredAnchor) {
  for (const AnchorStatus status :
       {AnchorStatus::kAnnounced, AnchorStatus::kRetired}) {
    for (const absl::Time at : {kFrom, kUntil, kUntil + absl::Hours(1)}) {
      EXPECT_EQ(WhyNot(status, at), Reason::kAnchorNotActive);
    }
  }
}

TEST(CheckUsable, AllowsNoRevokedAnchorWhateverTheTime) {
  for (const absl::Time at :
       {absl::InfinitePast(), kFrom - absl::Hours(1), kFrom, kUntil,
        kUntil + absl::Hours(1), absl::InfiniteFuture()}) {
    EXPECT_EQ(WhyNot(AnchorStatus::kRevoked, at), Reason::kAnchorRevoked);
  }
}

// A status that was read from somewhere and not understood must not verify.
TEST(CheckUsable, AllowsNoStatusThatDoesNotExist) {
  EXPECT_EQ(WhyNot(static_cast<AnchorStatus>(99), kFrom),
            Reason::kAnchorNotActive);
}

TEST(CheckUsable, HasNoWindowUnlessTold) {
  const auto set =
      SetOf({Record(AnchorKind::kIidRsa2048, "eu-west-1", Rsa2048())});
  for (const absl::Time at :
       {absl::InfinitePast(), absl::UnixEpoch(), absl::InfiniteFuture()}) {
    EXPECT_TRUE(set->anchors()[0].CheckUsable(at).ok());
    EXPECT_TRUE(set->anchors()[0].CheckMadeAt(at).ok());
  }
}

// --- Names -------------------------------------------------------------------

TEST(AnchorNames, AreStable) {
  EXPECT_EQ(NameOf(AnchorKind::kIidDsa), "iid-dsa");
  EXPECT_EQ(NameOf(AnchorKind::kIidRsa1024), "iid-rsa1024");
  EXPECT_EQ(NameOf(AnchorKind::kIidRsa2048), "iid-rsa2048");
  EXPECT_EQ(NameOf(AnchorKind::kNitroRoot), "nitro-root");
  EXPECT_EQ(NameOf(AnchorStatus::kAnnounced), "ANNOUNCED");
  EXPECT_EQ(NameOf(AnchorStatus::kActive), "ACTIVE");
  EXPECT_EQ(NameOf(AnchorStatus::kRetiring), "RETIRING");
  EXPECT_EQ(NameOf(AnchorStatus::kRetired), "RETIRED");
  EXPECT_EQ(NameOf(AnchorStatus::kRevoked), "REVOKED");
  EXPECT_EQ(NameOf(Origin::kBakedIn), "BAKED_IN");
  EXPECT_EQ(NameOf(Origin::kCache), "CACHE");
  EXPECT_EQ(NameOf(Origin::kServer), "SERVER");
  EXPECT_EQ(NameOf(Origin::kFile), "FILE");
  EXPECT_EQ(NameOf(Freshness::kFresh), "FRESH");
  EXPECT_EQ(NameOf(Freshness::kStale), "STALE");
  EXPECT_EQ(NameOf(Freshness::kExpired), "EXPIRED");
  EXPECT_EQ(NameOf(Freshness::kBakedIn), "BAKED_IN");
}

TEST(AnchorNames, AreReadBack) {
  for (const AnchorKind kind :
       {AnchorKind::kIidDsa, AnchorKind::kIidRsa1024, AnchorKind::kIidRsa2048,
        AnchorKind::kNitroRoot}) {
    EXPECT_EQ(AnchorKindNamed(NameOf(kind)), kind);
  }
  for (const std::string_view name :
       {"", "rsa2048", "IID-RSA2048", "iid-rsa2048 ", "nitro", "ACTIVE"}) {
    EXPECT_EQ(AnchorKindNamed(name), std::nullopt) << name;
  }
}

// A policy's minimum kind is a comparison.
TEST(AnchorNames, KindsAreInTheOrderOfStrength) {
  EXPECT_LT(AnchorKind::kIidDsa, AnchorKind::kIidRsa1024);
  EXPECT_LT(AnchorKind::kIidRsa1024, AnchorKind::kIidRsa2048);
}

TEST(Slot, IsEqualOnlyToItself) {
  const std::vector<Slot> slots = {
      kEuWest1,
      {"aws", "eu-west-1", AnchorKind::kIidRsa1024},
      {"aws", "eu-west-2", AnchorKind::kIidRsa2048},
      {"aws-cn", "eu-west-1", AnchorKind::kIidRsa2048},
      {"awseu", "-west-1", AnchorKind::kIidRsa2048},
      {"aws", "", AnchorKind::kNitroRoot}};
  const absl::flat_hash_set<Slot> set(slots.begin(), slots.end());
  EXPECT_EQ(set.size(), slots.size());
  EXPECT_TRUE(set.contains({"aws", "eu-west-1", AnchorKind::kIidRsa2048}));
}

TEST(Slot, HasANameForPeople) {
  EXPECT_EQ(ToString(kEuWest1), "aws/eu-west-1/iid-rsa2048");
  EXPECT_EQ(ToString(Slot{"aws", "", AnchorKind::kNitroRoot}),
            "aws//nitro-root");
}

// --- Threads -----------------------------------------------------------------

TEST(AnchorSet, ServesManyThreadsAtOnce) {
  const Digest digest = Hash(HashAlgorithm::kSha256, "document");
  const std::string signature =
      TestKey::Rsa(2048, 1).Sign(test::Hash::kSha256, digest.view());
  std::atomic<int> verified = 0;
  std::vector<std::thread> threads;
  constexpr int kThreads = 4;
  constexpr int kRounds = 25;
  {
    const auto set = SetOf(Good());
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, set] {
        for (int round = 0; round < kRounds; ++round) {
          if (set->PartitionOf("eu-west-1") != "aws") continue;
          for (const Anchor& anchor : set->In(kEuWest1)) {
            verified +=
                anchor.CheckUsable(kFrom).ok() &&
                anchor.key()
                    .VerifyDigest(HashAlgorithm::kSha256, digest, signature)
                    .ok();
          }
        }
      });
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(verified, kThreads * kRounds);
}

}  // namespace
}  // namespace anchorage::verify
