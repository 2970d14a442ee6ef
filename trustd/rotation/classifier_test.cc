#include "trustd/rotation/classifier.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "test/fake_aws/page_writer.h"
#include "test/support/rotation_fixture.h"
#include "trustd/sources/page/regions_page.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorKind;
using verify::AnchorStatus;
using verify::Slot;

Slot Ireland() { return SlotOf("eu-west-1", AnchorKind::kIidRsa1024); }
// Has a key of its own.
Slot HongKong() { return SlotOf("ap-east-1", AnchorKind::kIidRsa1024); }

Observation Good() { return ObservationOf(BakedCatalog()); }

// The only change of a classification that nothing holds.
Change OnlyChange(const Classification& found) {
  EXPECT_FALSE(found.held());
  EXPECT_EQ(found.changes.size(), 1u);
  return found.changes.empty() ? Change() : found.changes[0];
}

std::vector<AnomalyKind> AnomaliesOf(const Classification& found) {
  std::vector<AnomalyKind> out;
  for (const Change& anomaly : found.anomalies) {
    EXPECT_EQ(anomaly.rotation_class, RotationClass::kSourceAnomaly);
    if (anomaly.anomaly) out.push_back(*anomaly.anomaly);
  }
  return out;
}

using Anomalies = std::vector<AnomalyKind>;

TEST(ClassifierTest, ASourceThatSaysWhatIsPinnedIsNoChange) {
  const auto found = Classify(Good(), BakedCatalog());
  EXPECT_TRUE(found.changes.empty());
  EXPECT_FALSE(found.held());
  EXPECT_EQ(found.slots, 114u);
}

// The history of AWS's page: 28 certificates over the same keys, read from the
// page that AWS would have had.
TEST(ClassifierTest, HistoryIsTwentyEightReissues) {
  const anchors::Catalog before =
      anchors::CatalogBeforeReissues(BakedCatalog());
  Observation observation = Good();
  auto page = ParseRegionsPage(
      anchors::WriteRegionsPage(anchors::PageEntries(BakedCatalog()),
                                {anchors::PageLayout::kHtml}),
      observation.scope);
  observation.certificates = page.certificates;
  observation.problems = page.problems;
  const auto found = Classify(observation, before);
  EXPECT_FALSE(found.held());
  EXPECT_EQ(found.changes.size(), 28u);
  std::map<std::string, int> partitions;
  int earlier_ends = 0;
  for (const Change& change : found.changes) {
    EXPECT_EQ(change.rotation_class, RotationClass::kReissue);
    EXPECT_EQ(change.slot.kind, AnchorKind::kIidRsa1024);
    EXPECT_TRUE(change.held_by.empty());
    ++partitions[change.slot.partition];
    earlier_ends += std::any_of(
        change.notes.begin(), change.notes.end(), [](const std::string& note) {
          return absl::StartsWith(note, "it ends before");
        });
  }
  EXPECT_EQ(partitions, (std::map<std::string, int>{
                            {"aws", 24}, {"aws-cn", 2}, {"aws-us-gov", 2}}));
  // Those of 2026, which ended in 2200 and end in 2031.
  EXPECT_EQ(earlier_ends, 7);
}

TEST(ClassifierTest, APageFromBeforeTheReissuesIsStaleAndHeld) {
  const auto found =
      Classify(ObservationOf(anchors::CatalogBeforeReissues(BakedCatalog())),
               BakedCatalog());
  EXPECT_TRUE(found.changes.empty());
  EXPECT_EQ(AnomaliesOf(found), Anomalies(28, AnomalyKind::kStale));
}

TEST(ClassifierTest, AnOlderCertificateThatWasNeverPinnedIsStaleToo) {
  anchors::Catalog pinned = BakedCatalog();
  std::erase_if(
      AnchorIn(pinned, Ireland()).certificates,
      [](const anchors::CatalogCertificate& c) { return c.superseded; });
  Observation observation = Good();
  SeenIn(observation, Ireland()).der = SupersededDer(Ireland());
  const auto found = Classify(observation, pinned);
  EXPECT_TRUE(found.changes.empty());
  EXPECT_EQ(AnomaliesOf(found), Anomalies({AnomalyKind::kStale}));
}

TEST(ClassifierTest, TheOldCertificateBesideTheCurrentOneIsNoChange) {
  Observation observation = Good();
  observation.certificates.push_back({Ireland(), SupersededDer(Ireland()), 0});
  const auto found = Classify(observation, BakedCatalog());
  EXPECT_TRUE(found.changes.empty());
  EXPECT_FALSE(found.held());
}

TEST(ClassifierTest, AnotherKeyIsAReKey) {
  Observation observation = Good();
  SeenIn(observation, Ireland()).der = CurrentDer(HongKong());
  const Change change = OnlyChange(Classify(observation, BakedCatalog()));
  EXPECT_EQ(change.rotation_class, RotationClass::kReKey);
  EXPECT_EQ(change.slot, Ireland());
  ASSERT_EQ(change.observed.size(), 1u);
  EXPECT_EQ(change.observed[0].sha256,
            verify::Sha256Hex(CurrentDer(HongKong())));
  EXPECT_EQ(change.pinned, PinnedIn(BakedCatalog(), Ireland()));
  // That it is Hong Kong's is a note, and decides nothing.
  ASSERT_EQ(change.notes.size(), 1u);
  EXPECT_TRUE(absl::StrContains(change.notes[0], "ap-east-1"));
}

TEST(ClassifierTest, ANewKeyBesideThePinnedOneIsAReKeyToo) {
  Observation observation = Good();
  observation.certificates.push_back({Ireland(), CurrentDer(HongKong()), 0});
  const Change change = OnlyChange(Classify(observation, BakedCatalog()));
  EXPECT_EQ(change.rotation_class, RotationClass::kReKey);
  EXPECT_EQ(change.observed.size(), 2u);
}

TEST(ClassifierTest, TwoNewCertificatesInOneSlotAreForPeople) {
  const anchors::Catalog before =
      anchors::CatalogBeforeReissues(BakedCatalog());
  Observation observation = Good();
  // Of the same key: one of these is in the wrong place, or both are right.
  const Slot london = SlotOf("eu-west-2", AnchorKind::kIidRsa1024);
  observation.certificates.push_back({Ireland(), CurrentDer(london), 0});
  const auto found = Classify(observation, before);
  EXPECT_FALSE(found.held());
  for (const Change& change : found.changes) {
    EXPECT_EQ(change.rotation_class, RotationClass::kReissue);
    EXPECT_EQ(change.held_by.size(), change.slot == Ireland() ? 1u : 0u);
  }
}

TEST(ClassifierTest, ASourceOfTheNitroRootIsComparedWithItAlone) {
  const Slot slot = {"aws", "", AnchorKind::kNitroRoot};
  Observation observation;
  observation.scope = {{"aws"}, {AnchorKind::kNitroRoot}};
  observation.certificates = {{slot, CurrentDer(slot), 0}};
  auto found = Classify(observation, BakedCatalog());
  EXPECT_FALSE(found.held());
  EXPECT_TRUE(found.changes.empty());
  observation.certificates.clear();
  found = Classify(observation, BakedCatalog());
  ASSERT_EQ(found.changes.size(), 1u);
  EXPECT_EQ(found.changes[0].rotation_class, RotationClass::kRemoval);
  EXPECT_EQ(found.changes[0].slot, slot);
}

TEST(ClassifierTest, SwappedRegionsAreTwoReKeys) {
  Observation observation = Good();
  std::swap(SeenIn(observation, Ireland()).der,
            SeenIn(observation, HongKong()).der);
  const auto found = Classify(observation, BakedCatalog());
  ASSERT_EQ(found.changes.size(), 2u);
  for (const Change& change : found.changes) {
    EXPECT_EQ(change.rotation_class, RotationClass::kReKey);
  }
}

TEST(ClassifierTest, AKeyOfAnotherAlgorithmIsAnAlgorithmChange) {
  const Slot slot = SlotOf("eu-west-1", AnchorKind::kIidDsa);
  Observation observation = Good();
  SeenIn(observation, slot).der =
      CurrentDer(SlotOf("cn-north-1", AnchorKind::kIidDsa));
  const Change change = OnlyChange(Classify(observation, BakedCatalog()));
  EXPECT_EQ(change.rotation_class, RotationClass::kAlgorithmChange);
}

TEST(ClassifierTest, AFirstCertificateOfARegionOrKindIsNew) {
  anchors::Catalog pinned = BakedCatalog();
  const Slot dsa = SlotOf("eu-west-1", AnchorKind::kIidDsa);
  std::erase_if(pinned.anchors, [&](const anchors::CatalogAnchor& anchor) {
    return anchor.slot == dsa || anchor.slot.region == "eu-south-2";
  });
  const auto found = Classify(Good(), pinned);
  EXPECT_FALSE(found.held());
  ASSERT_EQ(found.changes.size(), 4u);
  for (const Change& change : found.changes) {
    EXPECT_EQ(change.rotation_class, change.slot == dsa
                                         ? RotationClass::kNewKind
                                         : RotationClass::kNewRegion);
  }
}

TEST(ClassifierTest, AMissingSlotIsARemovalAndHoldsTheSource) {
  const anchors::Catalog before =
      anchors::CatalogBeforeReissues(BakedCatalog());
  Observation observation = Good();
  std::erase_if(observation.certificates, [](const ObservedCertificate& c) {
    return c.slot == HongKong();
  });
  const auto found = Classify(observation, before);
  EXPECT_EQ(AnomaliesOf(found), Anomalies({AnomalyKind::kSlotsMissing}));
  ASSERT_EQ(found.changes.size(), 29u);
  for (const Change& change : found.changes) {
    EXPECT_EQ(change.rotation_class, change.slot == HongKong()
                                         ? RotationClass::kRemoval
                                         : RotationClass::kReissue);
    // Each says itself that it is held.
    EXPECT_FALSE(change.held_by.empty());
  }
}

TEST(ClassifierTest, ManyMissingSlotsAreABadPageAndNotRemovals) {
  for (const std::size_t kept : {0u, 57u, 107u}) {
    Observation observation = Good();
    observation.certificates.resize(kept);
    const auto found = Classify(observation, BakedCatalog());
    EXPECT_EQ(AnomaliesOf(found), Anomalies({AnomalyKind::kSlotsMissing}));
    EXPECT_TRUE(found.changes.empty());
  }
  Observation observation = Good();
  observation.certificates.resize(114 - kMaxRemovals);
  EXPECT_EQ(Classify(observation, BakedCatalog()).changes.size(), kMaxRemovals);
}

// A page that is cut at the end of any block changes nothing and is held.
TEST(ClassifierTest, APageThatIsCutAnywhereIsHeld) {
  const auto entries = anchors::PageEntries(BakedCatalog());
  const std::string text = anchors::WriteRegionsPage(entries, {});
  const std::string kEnd = "-----END CERTIFICATE-----\n```\n";
  std::size_t at = text.find(kEnd);
  for (std::size_t i = 1; i < entries.size(); ++i) {
    at += kEnd.size();
    Observation observation = Good();
    auto page = ParseRegionsPage(text.substr(0, at), observation.scope);
    observation.certificates = page.certificates;
    observation.problems = page.problems;
    const auto found = Classify(observation, BakedCatalog());
    EXPECT_TRUE(found.held()) << i;
    for (const Change& change : found.changes) {
      EXPECT_EQ(change.rotation_class, RotationClass::kRemoval) << i;
    }
    at = text.find(kEnd, at);
  }
}

TEST(ClassifierTest, EveryProblemButABareHeadingHoldsTheSource) {
  for (const ProblemKind kind :
       {ProblemKind::kNotTheDocument, ProblemKind::kTruncated,
        ProblemKind::kCertificateUnreadable, ProblemKind::kNotPlaced,
        ProblemKind::kWrongKind, ProblemKind::kSlotTwice,
        ProblemKind::kOutOfScope}) {
    Observation observation = Good();
    observation.problems = {{kind, 7, "x"}, {kind, 8, "y"}};
    const auto found =
        Classify(observation, anchors::CatalogBeforeReissues(BakedCatalog()));
    ASSERT_EQ(AnomaliesOf(found), Anomalies({AnomalyKind::kProblem}));
    EXPECT_EQ(found.anomalies[0].problem, kind);
    EXPECT_EQ(found.changes.size(), 28u);
    for (const Change& change : found.changes) {
      EXPECT_EQ(change.held_by.size(), 1u);
    }
  }
  Observation observation = Good();
  observation.problems = {{ProblemKind::kNoCertificate, 7, "x"}};
  EXPECT_FALSE(Classify(observation, BakedCatalog()).held());
}

TEST(ClassifierTest, TheSilenceOfALoginPageRemovesNothing) {
  for (const ProblemKind kind :
       {ProblemKind::kNotTheDocument, ProblemKind::kTruncated,
        ProblemKind::kOutOfScope}) {
    Observation observation = Good();
    observation.certificates.pop_back();
    observation.problems = {{kind, 1, "x"}};
    EXPECT_TRUE(Classify(observation, BakedCatalog()).changes.empty());
  }
}

TEST(ClassifierTest, ASourceIsNotMissedOutsideItsScope) {
  Observation observation = Good();
  observation.scope.partitions = {"aws-cn"};
  const auto found = Classify(observation, BakedCatalog());
  EXPECT_FALSE(found.held());
  EXPECT_EQ(found.slots, 6u);
  EXPECT_TRUE(found.changes.empty());
}

TEST(ClassifierTest, WhatASourceSaysOutsideItsScopeIsNotHeard) {
  Observation observation = Good();
  observation.scope.partitions = {"aws-cn"};
  SeenIn(observation, Ireland()).der = CurrentDer(HongKong());
  EXPECT_TRUE(Classify(observation, BakedCatalog()).changes.empty());
}

TEST(ClassifierTest, AKeyThatCannotBeOfTheKindIsAnAnomaly) {
  Observation observation = Good();
  SeenIn(observation, Ireland()).der =
      CurrentDer(SlotOf("eu-west-1", AnchorKind::kIidRsa2048));
  const auto found = Classify(observation, BakedCatalog());
  ASSERT_EQ(AnomaliesOf(found),
            Anomalies({AnomalyKind::kProblem, AnomalyKind::kSlotsMissing}));
  EXPECT_EQ(found.anomalies[0].problem, ProblemKind::kWrongKind);
}

TEST(ClassifierTest, ARetiredOrRevokedKeyIsNotMissedAndItsReissueIsHeld) {
  for (const AnchorStatus status :
       {AnchorStatus::kRetired, AnchorStatus::kRevoked}) {
    anchors::Catalog pinned = anchors::CatalogBeforeReissues(BakedCatalog());
    AnchorIn(pinned, HongKong()).status = status;
    AnchorIn(pinned, Ireland()).status = status;
    Observation observation = Good();
    std::erase_if(observation.certificates, [](const ObservedCertificate& c) {
      return c.slot == HongKong();
    });
    const auto found = Classify(observation, pinned);
    EXPECT_FALSE(found.held());
    EXPECT_EQ(found.changes.size(), 28u);
    for (const Change& change : found.changes) {
      EXPECT_EQ(change.held_by.empty(), change.slot != Ireland());
    }
  }
}

TEST(ClassifierTest, ARetiredKeyInPlaceOfTheActiveOneIsStale) {
  anchors::Catalog pinned = BakedCatalog();
  anchors::CatalogAnchor old = AnchorIn(pinned, Ireland());
  old.status = AnchorStatus::kRetired;
  anchors::CatalogAnchor& active = AnchorIn(pinned, Ireland());
  const anchors::CatalogAnchor hong_kong = AnchorIn(pinned, HongKong());
  active.spki_der = hong_kong.spki_der;
  active.spki_sha256 = hong_kong.spki_sha256;
  active.certificates = hong_kong.certificates;
  pinned.anchors.push_back(old);
  const auto found = Classify(Good(), pinned);
  EXPECT_EQ(AnomaliesOf(found), Anomalies({AnomalyKind::kStale}));
}

TEST(ClassifierTest, AnAnnouncedKeyThatComesIntoUseIsAReKey) {
  anchors::Catalog pinned = BakedCatalog();
  anchors::CatalogAnchor announced = AnchorIn(pinned, HongKong());
  announced.slot = Ireland();
  announced.status = AnchorStatus::kAnnounced;
  pinned.anchors.push_back(announced);
  Observation observation = Good();
  EXPECT_TRUE(Classify(observation, pinned).changes.empty());
  // Both: as announced.
  observation.certificates.push_back({Ireland(), CurrentDer(HongKong()), 0});
  EXPECT_TRUE(Classify(observation, pinned).changes.empty());
  SeenIn(observation, Ireland()).der = CurrentDer(HongKong());
  EXPECT_EQ(Classify(observation, pinned).changes.at(0).rotation_class,
            RotationClass::kReKey);
}

TEST(ChangeTest, TheIdentityIsWhatWasSeenAndWhere) {
  Observation observation = Good();
  SeenIn(observation, Ireland()).der = CurrentDer(HongKong());
  const std::string id = OnlyChange(Classify(observation, BakedCatalog())).id();
  Observation again = observation;
  again.source = "another";
  again.location = "elsewhere";
  again.time += absl::Hours(1);
  SeenIn(again, Ireland()).line = 99;
  EXPECT_EQ(OnlyChange(Classify(again, BakedCatalog())).id(), id);
  // Held, it is the same change.
  again.problems = {{ProblemKind::kNotPlaced, 3, "x"}};
  EXPECT_EQ(Classify(again, BakedCatalog()).changes.at(0).id(), id);

  SeenIn(observation, Ireland()).der =
      CurrentDer(SlotOf("me-south-1", AnchorKind::kIidRsa1024));
  EXPECT_NE(OnlyChange(Classify(observation, BakedCatalog())).id(), id);
}

TEST(ChangeTest, IdentitiesOfDifferentChangesDiffer) {
  Observation observation = Good();
  SeenIn(observation, Ireland()).der = CurrentDer(HongKong());
  observation.certificates.pop_back();
  observation.problems = {{ProblemKind::kNotPlaced, 3, "x"},
                          {ProblemKind::kWrongKind, 3, "x"}};
  const auto found =
      Classify(observation, anchors::CatalogBeforeReissues(BakedCatalog()));
  std::set<std::string> ids;
  for (const Change& change : found.changes) ids.insert(change.id());
  for (const Change& change : found.anomalies) ids.insert(change.id());
  EXPECT_EQ(ids.size(), found.changes.size() + found.anomalies.size());
  EXPECT_EQ(found.anomalies.size(), 3u);
  // An anomaly is its source's.
  observation.source = "another";
  EXPECT_FALSE(
      ids.contains(Classify(observation, BakedCatalog()).anomalies.at(0).id()));
}

TEST(ChangeTest, TheDiffTellsWhatPeopleNeed) {
  const auto found =
      Classify(Good(), anchors::CatalogBeforeReissues(BakedCatalog()));
  const auto change =
      std::find_if(found.changes.begin(), found.changes.end(),
                   [](const Change& c) { return c.slot == Ireland(); });
  ASSERT_NE(change, found.changes.end());
  const auto old_facts = anchors::MakeCertificate(SupersededDer(Ireland()));
  const auto new_facts = anchors::MakeCertificate(CurrentDer(Ireland()));
  for (const std::string& part :
       {std::string("RE_ISSUE"), std::string("aws/eu-west-1/iid-rsa1024"),
        std::string("aws-docs"), std::string("RSA-1024"), old_facts->serial,
        new_facts->serial, old_facts->sha256, new_facts->sha256,
        change->pinned.spki_sha256.at(0), std::string("2029-04-28")}) {
    EXPECT_TRUE(absl::StrContains(change->diff, part)) << part;
  }
  EXPECT_GT(std::count(change->diff.begin(), change->diff.end(), '\n'), 4);
}

TEST(ChangeTest, NamesOfClassesComeBack) {
  for (int i = 0; i <= static_cast<int>(RotationClass::kMaxValue); ++i) {
    const auto rotation_class = static_cast<RotationClass>(i);
    EXPECT_EQ(RotationClassNamed(NameOf(rotation_class)), rotation_class);
  }
  EXPECT_EQ(RotationClassNamed("reissue"), std::nullopt);
}

TEST(DisagreementsTest, SourcesThatSayTheSameAgree) {
  Observation china = Good();
  china.source = "aws-docs-cn";
  china.scope.partitions = {"aws-cn"};
  // Outside its scope it is not heard.
  SeenIn(china, Ireland()).der = CurrentDer(HongKong());
  EXPECT_TRUE(Disagreements({Good(), china}).empty());
  EXPECT_TRUE(Disagreements({}).empty());
}

TEST(DisagreementsTest, EachSlotOfWhichTwoSourcesSayDifferentThingsIsOne) {
  Observation other = Good();
  other.source = "mirror";
  SeenIn(other, Ireland()).der = CurrentDer(HongKong());
  other.certificates.pop_back();
  const auto found = Disagreements({Good(), other});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].slot, Ireland());
  EXPECT_EQ(found[0].anomaly, AnomalyKind::kSourcesDisagree);
  EXPECT_EQ(found[0].source, "aws-docs, mirror");
  EXPECT_EQ(found[0].notes.size(), 2u);
  // Whoever says it first.
  EXPECT_EQ(Disagreements({other, Good()})[0].id(), found[0].id());
}

class CountSourcesTest : public testing::Test {
 protected:
  CountSourcesTest() {
    SeenIn(changed_, Ireland()).der = CurrentDer(HongKong());
    change_ = Classify(changed_, BakedCatalog()).changes.at(0);
    std::erase_if(silent_.certificates, [](const ObservedCertificate& c) {
      return c.slot == Ireland();
    });
  }

  void Expect(const Change& change, const std::vector<Observation>& newest,
              int agreeing, int disagreeing) {
    const SourceCount count = CountSources(change, newest);
    EXPECT_EQ(count.agreeing, agreeing);
    EXPECT_EQ(count.disagreeing, disagreeing);
  }

  Observation changed_ = Good();
  Observation silent_ = Good();
  Change change_;
};

TEST_F(CountSourcesTest, OneThatShowsItAgreesAndOneWithAnotherContradicts) {
  Expect(change_, {changed_, changed_, Good(), silent_}, 2, 1);
  Expect(change_, {}, 0, 0);
}

TEST_F(CountSourcesTest, ThePinnedCertificateBesideItIsNoContradiction) {
  Observation both = Good();
  both.certificates.push_back({Ireland(), CurrentDer(HongKong()), 0});
  Expect(change_, {both}, 1, 0);
  const Change beside = Classify(both, BakedCatalog()).changes.at(0);
  Expect(beside, {changed_}, 1, 0);
}

TEST_F(CountSourcesTest, WhoWasNotUnderstoodOrDoesNotSpeakForItIsNotCounted) {
  Observation doubtful = changed_;
  doubtful.problems = {{ProblemKind::kNotPlaced, 1, "x"}};
  Observation china = changed_;
  china.scope.partitions = {"aws-cn"};
  Expect(change_, {doubtful, china}, 0, 0);
  doubtful.problems = {{ProblemKind::kNoCertificate, 1, "x"}};
  Expect(change_, {doubtful}, 1, 0);
}

TEST_F(CountSourcesTest, OfARemovalSilenceAgrees) {
  const Change removal = Classify(silent_, BakedCatalog()).changes.at(0);
  ASSERT_EQ(removal.rotation_class, RotationClass::kRemoval);
  Expect(removal, {silent_, silent_, Good()}, 2, 1);
}

}  // namespace
}  // namespace anchorage::trustd
