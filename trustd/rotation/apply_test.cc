#include "trustd/rotation/apply.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/fake_aws/page_writer.h"
#include "test/support/rotation_fixture.h"
#include "trustd/rotation/classifier.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorKind;
using verify::AnchorStatus;
using verify::Slot;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kOverlap = absl::Hours(48);

Slot Ireland() { return SlotOf("eu-west-1", AnchorKind::kIidRsa1024); }
Slot HongKong() { return SlotOf("ap-east-1", AnchorKind::kIidRsa1024); }

ApplyOptions Options() { return {.time = kNow, .overlap = kOverlap}; }

std::string KeyOf(const Slot& slot) {
  anchors::Catalog catalog = BakedCatalog();
  return AnchorIn(catalog, slot).spki_sha256;
}

// The anchor with a key, or null.
const anchors::CatalogAnchor* Find(const anchors::Catalog& catalog,
                                   const Slot& slot, const std::string& key) {
  for (const anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot == slot && anchor.spki_sha256 == key) return &anchor;
  }
  return nullptr;
}

// Ireland with Hong Kong's key, found by the classifier.
Change ReKey(bool beside_the_old_one = false) {
  Observation observation = ObservationOf(BakedCatalog());
  if (beside_the_old_one) {
    observation.certificates.push_back({Ireland(), CurrentDer(HongKong()), 0});
  } else {
    SeenIn(observation, Ireland()).der = CurrentDer(HongKong());
  }
  return Classify(observation, BakedCatalog()).changes.at(0);
}

Change Removal() {
  Observation observation = ObservationOf(BakedCatalog());
  std::erase_if(observation.certificates, [](const ObservedCertificate& c) {
    return c.slot == Ireland();
  });
  return Classify(observation, BakedCatalog()).changes.at(0);
}

absl::StatusCode CodeOf(const absl::StatusOr<anchors::Catalog>& catalog) {
  return catalog.status().code();
}

TEST(ApplyTest, TheReissuesOfHistoryGiveTheCatalogOfToday) {
  anchors::Catalog catalog = anchors::CatalogBeforeReissues(BakedCatalog());
  const auto found = Classify(ObservationOf(BakedCatalog()), catalog);
  ASSERT_EQ(found.changes.size(), 28u);
  for (const Change& change : found.changes) {
    auto next = Apply(catalog, change, Options());
    ASSERT_TRUE(next.ok()) << next.status();
    catalog = *std::move(next);
  }
  ASSERT_EQ(catalog.anchors.size(), BakedCatalog().anchors.size());
  for (std::size_t i = 0; i < catalog.anchors.size(); ++i) {
    const anchors::CatalogAnchor& now = catalog.anchors[i];
    const anchors::CatalogAnchor& baked = BakedCatalog().anchors[i];
    EXPECT_EQ(now.slot, baked.slot);
    EXPECT_EQ(now.spki_sha256, baked.spki_sha256);
    // No key came or went: who verified before verifies on.
    EXPECT_EQ(now.status, baked.status);
    EXPECT_EQ(now.valid_until, baked.valid_until);
    ASSERT_EQ(now.certificates.size(), baked.certificates.size());
    for (std::size_t j = 0; j < now.certificates.size(); ++j) {
      EXPECT_EQ(now.certificates[j].der, baked.certificates[j].der);
      EXPECT_EQ(now.certificates[j].superseded,
                baked.certificates[j].superseded);
    }
  }
  const auto after = Classify(ObservationOf(BakedCatalog()), catalog);
  EXPECT_TRUE(after.changes.empty());
  EXPECT_FALSE(after.held());
}

TEST(ApplyTest, AReissueTellsWhereTheCertificateWasSeen) {
  const anchors::Catalog before =
      anchors::CatalogBeforeReissues(BakedCatalog());
  const Change change =
      Classify(ObservationOf(BakedCatalog()), before).changes.at(0);
  auto next = Apply(before, change, Options());
  ASSERT_TRUE(next.ok());
  const anchors::CatalogAnchor& anchor = AnchorIn(*next, change.slot);
  ASSERT_EQ(anchor.certificates.size(), 2u);
  EXPECT_FALSE(anchor.certificates[0].superseded);
  EXPECT_EQ(
      anchor.certificates[0].sources,
      std::vector<anchors::Publication>({{change.source, change.location}}));
  EXPECT_TRUE(anchor.certificates[1].superseded);
  EXPECT_EQ(next->sequence, before.sequence);
  EXPECT_EQ(next->created, before.created);
}

TEST(ApplyTest, TwiceIsOnce) {
  const anchors::Catalog before =
      anchors::CatalogBeforeReissues(BakedCatalog());
  const Change reissue =
      Classify(ObservationOf(BakedCatalog()), before).changes.at(0);
  for (const auto& [catalog, change] :
       {std::pair(before, reissue), {BakedCatalog(), ReKey()}}) {
    const auto once = Apply(catalog, change, Options());
    ASSERT_TRUE(once.ok()) << once.status();
    EXPECT_NE(*once, catalog);
    ApplyOptions later = Options();
    later.time += absl::Hours(1);
    const auto twice = Apply(*once, change, later);
    ASSERT_TRUE(twice.ok());
    EXPECT_EQ(*twice, *once);
  }
}

TEST(ApplyTest, AReKeyPutsTheNewKeyBesideTheOldOneUntilTheOverlapEnds) {
  ApplyOptions options = Options();
  options.time += absl::Milliseconds(700);
  const auto next = Apply(BakedCatalog(), ReKey(), options);
  ASSERT_TRUE(next.ok()) << next.status();
  const anchors::CatalogAnchor* now = Find(*next, Ireland(), KeyOf(HongKong()));
  ASSERT_NE(now, nullptr);
  EXPECT_EQ(now->status, AnchorStatus::kActive);
  EXPECT_EQ(now->replaces, KeyOf(Ireland()));
  EXPECT_EQ(now->first_seen, kNow);
  EXPECT_EQ(now->valid_from, std::nullopt);
  const anchors::CatalogAnchor* old = Find(*next, Ireland(), KeyOf(Ireland()));
  ASSERT_NE(old, nullptr);
  EXPECT_EQ(old->status, AnchorStatus::kRetiring);
  EXPECT_EQ(old->valid_until, kNow + kOverlap);
  EXPECT_EQ(next->anchors.size(), BakedCatalog().anchors.size() + 1);
  // What was observed is now what is pinned.
  Observation observation = ObservationOf(BakedCatalog());
  SeenIn(observation, Ireland()).der = CurrentDer(HongKong());
  const auto found = Classify(observation, *next);
  EXPECT_TRUE(found.changes.empty());
  EXPECT_FALSE(found.held());
}

TEST(ApplyTest, AKeyThatIsStillPublishedIsNotRetired) {
  const auto next = Apply(BakedCatalog(), ReKey(true), Options());
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(Find(*next, Ireland(), KeyOf(Ireland()))->status,
            AnchorStatus::kActive);
  EXPECT_EQ(Find(*next, Ireland(), KeyOf(HongKong()))->status,
            AnchorStatus::kActive);
  EXPECT_EQ(Find(*next, Ireland(), KeyOf(HongKong()))->replaces, "");
}

TEST(ApplyTest, AnEarlierEndStands) {
  anchors::Catalog catalog = BakedCatalog();
  const absl::Time end = kNow + absl::Hours(1);
  AnchorIn(catalog, Ireland()).valid_until = end;
  const auto next = Apply(catalog, ReKey(), Options());
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(Find(*next, Ireland(), KeyOf(Ireland()))->valid_until, end);
}

TEST(ApplyTest, AnAnnouncedKeyReplacesNothingUntilItIsApplied) {
  ApplyOptions announce = Options();
  announce.announce = true;
  const auto announced =
      AddAnchor(BakedCatalog(), Ireland(), CurrentDer(HongKong()),
                {"operator", "olga"}, announce);
  ASSERT_TRUE(announced.ok());
  EXPECT_EQ(Find(*announced, Ireland(), KeyOf(HongKong()))->status,
            AnchorStatus::kAnnounced);
  EXPECT_EQ(Find(*announced, Ireland(), KeyOf(Ireland()))->status,
            AnchorStatus::kActive);
  // The source goes on showing it: the same change, now to be completed.
  Observation observation = ObservationOf(BakedCatalog());
  SeenIn(observation, Ireland()).der = CurrentDer(HongKong());
  const Change again = Classify(observation, *announced).changes.at(0);
  EXPECT_EQ(again.id(), ReKey().id());
  const auto active = Apply(*announced, again, Options());
  ASSERT_TRUE(active.ok()) << active.status();
  EXPECT_EQ(Find(*active, Ireland(), KeyOf(HongKong()))->status,
            AnchorStatus::kActive);
  EXPECT_EQ(Find(*active, Ireland(), KeyOf(HongKong()))->replaces,
            KeyOf(Ireland()));
  EXPECT_EQ(Find(*active, Ireland(), KeyOf(Ireland()))->status,
            AnchorStatus::kRetiring);
}

TEST(ApplyTest, ANewRegionOrKindIsANewAnchor) {
  anchors::Catalog catalog = BakedCatalog();
  std::erase_if(catalog.anchors, [](const anchors::CatalogAnchor& anchor) {
    return anchor.slot.region == "eu-south-2" || anchor.slot == Ireland();
  });
  const std::size_t before = catalog.anchors.size();
  for (const Change& change :
       Classify(ObservationOf(BakedCatalog()), catalog).changes) {
    auto next = Apply(catalog, change, Options());
    ASSERT_TRUE(next.ok());
    catalog = *std::move(next);
    EXPECT_EQ(AnchorIn(catalog, change.slot).status, AnchorStatus::kActive);
    EXPECT_EQ(AnchorIn(catalog, change.slot).replaces, "");
  }
  EXPECT_EQ(catalog.anchors.size(), before + 4);
}

TEST(ApplyTest, WhatIsRemovedRetires) {
  const Change removal = Removal();
  ASSERT_EQ(removal.rotation_class, RotationClass::kRemoval);
  const auto next = Apply(BakedCatalog(), removal, Options());
  ASSERT_TRUE(next.ok());
  // Nothing leaves the catalog.
  EXPECT_EQ(next->anchors.size(), BakedCatalog().anchors.size());
  const anchors::CatalogAnchor* anchor =
      Find(*next, Ireland(), KeyOf(Ireland()));
  EXPECT_EQ(anchor->status, AnchorStatus::kRetiring);
  EXPECT_EQ(anchor->valid_until, kNow + kOverlap);
}

TEST(ApplyTest, AnAnomalyOrAChangeThatIsNoneIsRefused) {
  Change change = ReKey();
  change.rotation_class = RotationClass::kSourceAnomaly;
  EXPECT_EQ(CodeOf(Apply(BakedCatalog(), change, Options())),
            absl::StatusCode::kInvalidArgument);
  change = ReKey();
  change.observed.clear();
  EXPECT_EQ(CodeOf(Apply(BakedCatalog(), change, Options())),
            absl::StatusCode::kInvalidArgument);
  change = Removal();
  change.observed = ReKey().observed;
  EXPECT_EQ(CodeOf(Apply(BakedCatalog(), change, Options())),
            absl::StatusCode::kInvalidArgument);
  ApplyOptions options = Options();
  options.overlap = -absl::Seconds(1);
  EXPECT_EQ(CodeOf(Apply(BakedCatalog(), ReKey(), options)),
            absl::StatusCode::kInvalidArgument);
}

TEST(ApplyTest, AChangeFoundAgainstOtherPinsIsRefused) {
  // Meanwhile another key took the place.
  const auto other =
      AddAnchor(BakedCatalog(), Ireland(),
                CurrentDer(SlotOf("me-south-1", AnchorKind::kIidRsa1024)),
                {"operator", ""}, Options());
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(CodeOf(Apply(*other, ReKey(), Options())),
            absl::StatusCode::kFailedPrecondition);
  // Meanwhile the old key was revoked.
  const auto revoked = Revoke(BakedCatalog(), Ireland(), KeyOf(Ireland()));
  ASSERT_TRUE(revoked.ok());
  EXPECT_EQ(CodeOf(Apply(*revoked, ReKey(), Options())),
            absl::StatusCode::kFailedPrecondition);
}

TEST(ApplyTest, ACatalogThatWasNotReadCompletelyIsNotWrittenAgain) {
  anchors::Catalog catalog = BakedCatalog();
  catalog.skipped = 1;
  EXPECT_EQ(CodeOf(Apply(catalog, ReKey(), Options())),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(CodeOf(Revoke(catalog, Ireland(), KeyOf(Ireland()))),
            absl::StatusCode::kFailedPrecondition);
}

TEST(ApplyTest, ARevokedKeyStaysRevoked) {
  anchors::Catalog before = anchors::CatalogBeforeReissues(BakedCatalog());
  AnchorIn(before, Ireland()).status = AnchorStatus::kRevoked;
  const auto found = Classify(ObservationOf(BakedCatalog()), before);
  for (const Change& change : found.changes) {
    if (change.slot != Ireland()) continue;
    EXPECT_EQ(CodeOf(Apply(before, change, Options())),
              absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(CodeOf(AddAnchor(before, Ireland(), CurrentDer(Ireland()),
                             {"operator", ""}, Options())),
            absl::StatusCode::kFailedPrecondition);
}

TEST(ApplyTest, AReissueOfARetiredKeyIsRefused) {
  const auto both = Apply(BakedCatalog(), ReKey(), Options());
  auto retired = Retire(*both, Ireland(), KeyOf(Ireland()), {});
  ASSERT_TRUE(retired.ok());
  for (anchors::CatalogAnchor& anchor : retired->anchors) {
    if (anchor.slot != Ireland()) continue;
    if (anchor.spki_sha256 != KeyOf(Ireland())) continue;
    std::erase_if(
        anchor.certificates,
        [](const anchors::CatalogCertificate& c) { return !c.superseded; });
  }
  const auto found = Classify(ObservationOf(BakedCatalog()), *retired);
  ASSERT_EQ(found.changes.size(), 1u);
  EXPECT_FALSE(found.changes[0].held_by.empty());
  EXPECT_EQ(CodeOf(Apply(*retired, found.changes[0], Options())),
            absl::StatusCode::kFailedPrecondition);
}

TEST(DecisionsTest, AddingTakesACertificateOrMakesAnAnchor) {
  const Slot slot = {"aws", "eu-new-1", AnchorKind::kIidRsa1024};
  ApplyOptions options = Options();
  options.announce = true;
  const auto added = AddAnchor(BakedCatalog(), slot, CurrentDer(HongKong()),
                               {"operator", "file"}, options);
  ASSERT_TRUE(added.ok()) << added.status();
  const anchors::CatalogAnchor* anchor = Find(*added, slot, KeyOf(HongKong()));
  ASSERT_NE(anchor, nullptr);
  EXPECT_EQ(anchor->status, AnchorStatus::kAnnounced);
  const auto again = AddAnchor(*added, slot, CurrentDer(HongKong()),
                               {"operator", "file"}, options);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, *added);
  // Who adds it says that it is used by now; then it is not to come any more.
  const auto used = AddAnchor(*added, slot, CurrentDer(HongKong()),
                              {"operator", "file"}, Options());
  ASSERT_TRUE(used.ok());
  EXPECT_EQ(Find(*used, slot, KeyOf(HongKong()))->status,
            AnchorStatus::kActive);
  EXPECT_EQ(CodeOf(AddAnchor(*used, slot, CurrentDer(HongKong()),
                             {"operator", "file"}, options)),
            absl::StatusCode::kFailedPrecondition);
}

TEST(DecisionsTest, WhatCheckCatalogRefusesIsNotGiven) {
  EXPECT_FALSE(AddAnchor(BakedCatalog(), Ireland(), "no certificate",
                         {"operator", ""}, Options())
                   .ok());
  // Of another kind.
  EXPECT_FALSE(
      AddAnchor(BakedCatalog(), Ireland(),
                CurrentDer(SlotOf("eu-west-1", AnchorKind::kIidRsa2048)),
                {"operator", ""}, Options())
          .ok());
  EXPECT_FALSE(AddAnchor(BakedCatalog(), Ireland(), CurrentDer(HongKong()),
                         {"line\nfeed", ""}, Options())
                   .ok());
}

TEST(DecisionsTest, RetiringEndsAndRetiredStays) {
  const std::string key = KeyOf(Ireland());
  const auto retiring = Retire(BakedCatalog(), Ireland(), key, {.until = kNow});
  ASSERT_TRUE(retiring.ok());
  EXPECT_EQ(Find(*retiring, Ireland(), key)->status, AnchorStatus::kRetiring);
  EXPECT_EQ(Find(*retiring, Ireland(), key)->valid_until, kNow);
  const auto retired = Retire(*retiring, Ireland(), key, {});
  ASSERT_TRUE(retired.ok());
  EXPECT_EQ(Find(*retired, Ireland(), key)->status, AnchorStatus::kRetired);
  // It would verify again.
  EXPECT_EQ(CodeOf(Retire(*retired, Ireland(), key, {.until = kNow})),
            absl::StatusCode::kFailedPrecondition);
}

TEST(DecisionsTest, AcceptanceCanEndToo) {
  const std::string key = KeyOf(Ireland());
  const absl::Time end = kNow + absl::Hours(1);
  const auto both = Retire(BakedCatalog(), Ireland(), key,
                           {.until = kNow, .accept_until = end});
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_EQ(Find(*both, Ireland(), key)->status, AnchorStatus::kRetiring);
  EXPECT_EQ(Find(*both, Ireland(), key)->valid_until, kNow);
  EXPECT_EQ(Find(*both, Ireland(), key)->accept_until, end);
  // Alone it ends both, and never moves to a later time.
  const auto later =
      Retire(*both, Ireland(), key, {.accept_until = end + absl::Hours(1)});
  ASSERT_TRUE(later.ok());
  EXPECT_EQ(*later, *both);
  const auto alone =
      Retire(BakedCatalog(), Ireland(), key, {.accept_until = end});
  ASSERT_TRUE(alone.ok());
  EXPECT_EQ(Find(*alone, Ireland(), key)->valid_until, end);
  EXPECT_EQ(CodeOf(Retire(BakedCatalog(), Ireland(), key,
                          {.until = end, .accept_until = kNow})),
            absl::StatusCode::kInvalidArgument);
}

// A key of 17 regions.
TEST(DecisionsTest, TheOtherSlotsOfAKeyAreNamed) {
  anchors::Catalog catalog = BakedCatalog();
  EXPECT_EQ(SlotsSharing(catalog, Ireland(), KeyOf(Ireland())).size(), 16u);
  EXPECT_TRUE(SlotsSharing(catalog, HongKong(), KeyOf(HongKong())).empty());
  for (anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot.region == "us-east-1") {
      anchor.status = AnchorStatus::kRevoked;
    }
  }
  EXPECT_EQ(SlotsSharing(catalog, Ireland(), KeyOf(Ireland())).size(), 15u);
}

TEST(DecisionsTest, RevokedIsTheEnd) {
  const std::string key = KeyOf(Ireland());
  const auto revoked = Revoke(BakedCatalog(), Ireland(), key);
  ASSERT_TRUE(revoked.ok());
  EXPECT_EQ(Find(*revoked, Ireland(), key)->status, AnchorStatus::kRevoked);
  EXPECT_TRUE(Revoke(*revoked, Ireland(), key).ok());
  for (const auto& undone : {Retire(*revoked, Ireland(), key, {}),
                             Retire(*revoked, Ireland(), key, {.until = kNow}),
                             Reactivate(*revoked, Ireland(), key)}) {
    EXPECT_EQ(CodeOf(undone), absl::StatusCode::kFailedPrecondition);
  }
}

// By every other path a RETIRED key stays so: adding a certificate used to answer
// with success, and the key verified nothing all the same.
TEST(DecisionsTest, RetiredIsLeftByReactivationAlone) {
  const std::string key = KeyOf(Ireland());
  const auto retired = Retire(BakedCatalog(), Ireland(), key, {});
  ASSERT_TRUE(retired.ok());
  EXPECT_EQ(CodeOf(AddAnchor(*retired, Ireland(), CurrentDer(Ireland()),
                             {"operator", "file"}, Options())),
            absl::StatusCode::kFailedPrecondition);
  const auto back = Reactivate(*retired, Ireland(), key);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(Find(*back, Ireland(), key)->status, AnchorStatus::kActive);
  EXPECT_EQ(CodeOf(Reactivate(*back, Ireland(), key)),
            absl::StatusCode::kFailedPrecondition);
  const auto retiring =
      Retire(BakedCatalog(), Ireland(), key,
             {.until = kNow, .accept_until = kNow + kOverlap});
  ASSERT_TRUE(retiring.ok());
  const auto again = Reactivate(*retiring, Ireland(), key);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(Find(*again, Ireland(), key)->valid_until, std::nullopt);
  EXPECT_EQ(Find(*again, Ireland(), key)->accept_until, std::nullopt);
}

TEST(DecisionsTest, AKeyThatIsNotThereIsNotFound) {
  for (const auto& result :
       {Revoke(BakedCatalog(), Ireland(), KeyOf(HongKong())),
        Retire(BakedCatalog(), Ireland(), KeyOf(HongKong()), {.until = kNow}),
        Reactivate(BakedCatalog(), Ireland(), "")}) {
    EXPECT_EQ(CodeOf(result), absl::StatusCode::kNotFound);
  }
}

}  // namespace
}  // namespace anchorage::trustd
