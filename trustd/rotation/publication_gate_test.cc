#include "trustd/rotation/publication_gate.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/fake_aws/page_writer.h"
#include "test/support/rotation_fixture.h"
#include "trustd/rotation/apply.h"
#include "trustd/rotation/classifier.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorKind;
using verify::AnchorStatus;
using verify::Slot;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

Slot Ireland() { return SlotOf("eu-west-1", AnchorKind::kIidRsa1024); }
Slot HongKong() { return SlotOf("ap-east-1", AnchorKind::kIidRsa1024); }

std::string Forged(std::string der) {
  der.back() ^= 1;
  return der;
}

// A publication: what brings one certificate into Ireland, and what sources
// show there.
struct Case {
  anchors::Catalog before = anchors::CatalogBeforeReissues(BakedCatalog());
  std::string der = CurrentDer(Ireland());
  // Of each source.
  std::vector<std::vector<std::string>> shown = {{CurrentDer(Ireland())}};
  std::vector<std::vector<std::string>> shown_before_they_failed = {};
  absl::Time now = kNow;
};

std::vector<Observation> LooksOf(
    const std::vector<std::vector<std::string>>& shown) {
  std::vector<Observation> looks;
  for (const auto& ders : shown) {
    Observation look = ObservationOf(BakedCatalog());
    std::erase_if(look.certificates, [](const ObservedCertificate& c) {
      return c.slot == Ireland();
    });
    for (const std::string& der : ders) {
      look.certificates.push_back({Ireland(), der, 0});
    }
    looks.push_back(std::move(look));
  }
  return looks;
}

std::vector<const Observation*> PointersTo(const std::vector<Observation>& l) {
  std::vector<const Observation*> out;
  for (const Observation& look : l) out.push_back(&look);
  return out;
}

GateVerdict Judge(const Case& c) {
  const auto after =
      AddAnchor(c.before, Ireland(), c.der, {"aws-docs", ""}, {.time = c.now});
  EXPECT_TRUE(after.ok()) << after.status();
  const auto fresh = LooksOf(c.shown);
  const auto stale = LooksOf(c.shown_before_they_failed);
  return JudgePublication(
      c.before, *after,
      {.fresh = PointersTo(fresh), .stale = PointersTo(stale)}, c.now);
}

TEST(PublicationGateTest, LetsAReissueThroughThatSourcesShow) {
  Case c;
  EXPECT_EQ(Judge(c).outcome, GateOutcome::kPublish) << Judge(c).why;
  EXPECT_EQ(Judge(c).sources, 1);
  c.shown.push_back(c.shown[0]);
  EXPECT_EQ(Judge(c).sources, 2);
  // The old one beside it says nothing against it.
  c.shown[0].push_back(SupersededDer(Ireland()));
  EXPECT_EQ(Judge(c).outcome, GateOutcome::kPublish) << Judge(c).why;
}

TEST(PublicationGateTest, LetsNothingThroughThatNoSourceShowsNow) {
  Case c;
  c.shown = {};
  EXPECT_EQ(Judge(c).outcome, GateOutcome::kWait);
  c.shown_before_they_failed = {{c.der}};
  EXPECT_EQ(Judge(c).outcome, GateOutcome::kWait);
}

TEST(PublicationGateTest, WaitsWhileASourceShowsSomethingElse) {
  Case c;
  c.shown.push_back({SupersededDer(Ireland())});
  EXPECT_EQ(Judge(c).outcome, GateOutcome::kWait);
  // It may have been left behind: it spoke before it failed.
  c.shown.pop_back();
  c.shown_before_they_failed = {{SupersededDer(Ireland())}};
  EXPECT_EQ(Judge(c).outcome, GateOutcome::kWait);
}

TEST(PublicationGateTest, WaitsWhileThereAreMoreNewOnesThanOne) {
  Case c;
  c.shown[0].push_back(Forged(CurrentDer(HongKong())));
  EXPECT_EQ(Judge(c).outcome, GateOutcome::kWait);
  c.shown[0].push_back("no certificate");
  EXPECT_EQ(Judge(c).outcome, GateOutcome::kWait);
}

TEST(PublicationGateTest, LeavesACertificateThatItsKeyHasNotSignedToPeople) {
  Case c;
  c.der = Forged(c.der);
  c.shown = {{c.der}, {c.der}};
  EXPECT_EQ(Judge(c).outcome, GateOutcome::kForPeople);
  // So it is over a key that is new.
  c.der = Forged(CurrentDer(HongKong()));
  c.shown = {{c.der}};
  EXPECT_EQ(Judge(c).outcome, GateOutcome::kForPeople);
  c.der = CurrentDer(HongKong());
  c.shown = {{c.der}};
  EXPECT_EQ(Judge(c).outcome, GateOutcome::kPublish) << Judge(c).why;
}

TEST(PublicationGateTest, LeavesTheFutureAndThePastToPeople) {
  Case future;
  future.now = absl::UnixEpoch();
  EXPECT_EQ(Judge(future).outcome, GateOutcome::kForPeople);

  // What was superseded comes back, and what was never pinned and is older.
  Case past;
  past.before = BakedCatalog();
  past.der = SupersededDer(Ireland());
  past.shown = {{past.der}};
  EXPECT_EQ(Judge(past).outcome, GateOutcome::kForPeople);
  std::erase_if(
      AnchorIn(past.before, Ireland()).certificates,
      [](const anchors::CatalogCertificate& c) { return c.superseded; });
  EXPECT_EQ(Judge(past).outcome, GateOutcome::kForPeople);
}

TEST(PublicationGateTest, LeavesAKeyThatWasRetiredToPeople) {
  Case c;
  AnchorIn(c.before, Ireland()).status = AnchorStatus::kRetired;
  EXPECT_EQ(Judge(c).outcome, GateOutcome::kForPeople);
}

TEST(PublicationGateTest, JudgesAnAnnouncedKeyThatComesIntoUse) {
  anchors::Catalog before = BakedCatalog();
  AnchorIn(before, Ireland()).status = AnchorStatus::kAnnounced;
  const Observation look = ObservationOf(BakedCatalog());
  EXPECT_EQ(JudgePublication(before, BakedCatalog(), {.fresh = {&look}}, kNow)
                .outcome,
            GateOutcome::kPublish);
  EXPECT_EQ(JudgePublication(before, BakedCatalog(), {}, kNow).outcome,
            GateOutcome::kWait);
}

TEST(PublicationGateTest, LeavesWhatOnlyTakesAwayToPeople) {
  anchors::Catalog after = BakedCatalog();
  AnchorIn(after, Ireland()).status = AnchorStatus::kRetired;
  const Observation look = ObservationOf(BakedCatalog());
  EXPECT_EQ(
      JudgePublication(BakedCatalog(), after, {.fresh = {&look}}, kNow).outcome,
      GateOutcome::kForPeople);
}

}  // namespace
}  // namespace anchorage::trustd
