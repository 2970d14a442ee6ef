#include "trustd/rotation/gate.h"

#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/page_writer.h"
#include "test/support/rotation_fixture.h"
#include "trustd/rotation/apply.h"
#include "trustd/rotation/classifier.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using anchors::CatalogAnchor;
using anchors::CatalogCertificate;
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

Catalog Next(Catalog after) {
  ++after.sequence;
  after.created = kNow;
  return after;
}

// What a source shows: the built-in catalog, and in Ireland this.
Observation Showing(const std::vector<std::string>& ders,
                    const std::string& source = "aws-docs") {
  Observation look = ObservationOf(BakedCatalog());
  look.source = source;
  std::erase_if(look.certificates,
                [](const auto& c) { return c.slot == Ireland(); });
  for (const std::string& der : ders) {
    look.certificates.push_back({Ireland(), der, 0});
  }
  return look;
}

// A genuine re-issue in Ireland, which one source shows: everything that can be
// wrong with it is one change of this.
struct Case {
  Catalog before = anchors::CatalogBeforeReissues(BakedCatalog());
  // Comes into use, and takes the place of what is there.
  std::string der = CurrentDer(Ireland());
  std::vector<Observation> looks = {Showing({CurrentDer(Ireland())})};
  Situation situation = {.now = kNow};
  Ground ground = {.slot = Ireland()};
};

Catalog After(const Case& c) {
  Change change;
  change.slot = Ireland();
  change.source = "aws-docs";
  change.pinned = PinnedIn(c.before, Ireland());
  const auto made = anchors::MakeCertificate(c.der);
  const auto facts = anchors::ReadCertificateFacts(c.der);
  change.observed = {
      {c.der, made->sha256, verify::Sha256Hex(facts->spki_der), 0, false}};
  change.rotation_class = RotationClass::kReissue;
  for (const CatalogAnchor& anchor : c.before.anchors) {
    if (anchor.slot == Ireland() &&
        anchor.spki_sha256 != change.observed[0].spki_sha256) {
      change.rotation_class = RotationClass::kReKey;
    }
  }
  const auto after = Apply(c.before, change, {.time = kNow});
  EXPECT_TRUE(after.ok()) << after.status();
  return Next(*after);
}

Situation SituationOf(const Case& c) {
  Situation situation = c.situation;
  if (situation.looks.empty()) {
    for (const Observation& look : c.looks) {
      situation.looks.push_back({.look = &look, .family = look.source});
    }
  }
  return situation;
}

std::string Judge(const Case& c, Catalog after) {
  const auto admitted = Admit(
      {.before = c.before, .after = std::move(after), .grounds = {c.ground}},
      SituationOf(c));
  if (admitted.ok()) return "ok";
  const auto reason = GateReasonOf(admitted.status());
  return reason ? std::string(NameOf(*reason))
                : std::string(admitted.status().message());
}

std::string Judge(const Case& c) { return Judge(c, After(c)); }

TEST(GateTest, LetsAReissueThroughThatSourcesShow) {
  Case c;
  EXPECT_EQ(Judge(c), "ok");
  const auto sources =
      JudgeAutomatic(c.before, After(c), Ireland(), SituationOf(c));
  ASSERT_TRUE(sources.ok()) << sources.status();
  EXPECT_EQ(*sources, 1);
}

TEST(GateTest, CountsAFamilyOfSourcesOnce) {
  Case c;
  c.looks = {Showing({c.der}, "page"), Showing({c.der}, "upstream"),
             Showing({c.der}, "other")};
  c.situation.looks = {{.look = &c.looks[0], .family = "page"},
                       {.look = &c.looks[1], .family = "page"},
                       {.look = &c.looks[2], .family = "other"}};
  EXPECT_EQ(*JudgeAutomatic(c.before, After(c), Ireland(), SituationOf(c)), 2);
}

TEST(GateTest, LetsThroughWhatWasInUseHereBefore) {
  // The page went back to the certificate before.
  Case c;
  c.before = BakedCatalog();
  c.der = SupersededDer(Ireland());
  c.looks = {Showing({c.der})};
  EXPECT_EQ(Judge(c), "ok");
  // But not while another source shows the one of now beside it.
  c.looks.push_back(Showing({c.der, CurrentDer(Ireland())}, "mirror"));
  EXPECT_EQ(Judge(c), "SOURCE_SAYS_OTHERWISE");
}

// What must be wrong for each reason, in the order of the list.
std::map<std::string, std::string> Refusals() {
  std::map<std::string, std::string> got;
  const auto add = [&](GateReason reason, const std::string& judged) {
    got[std::string(NameOf(reason))] = judged;
  };
  {
    Case c;
    c.der = Forged(c.der);
    c.looks = {Showing({c.der})};
    add(GateReason::kNotSelfSigned, Judge(c));
  }
  {
    Case c;
    c.situation.now = absl::UnixEpoch();
    add(GateReason::kFromTheFuture, Judge(c));
  }
  {
    // By no path of apply.h.
    Case c;
    const Catalog after = After(c);
    AnchorIn(c.before, Ireland()).status = AnchorStatus::kRetired;
    add(GateReason::kKeyIsOver, Judge(c, after));
  }
  {
    Case c;
    CatalogAnchor elsewhere = AnchorIn(c.before, Ireland());
    elsewhere.slot.region = "eu-new-1";
    elsewhere.status = AnchorStatus::kRevoked;
    c.before.anchors.push_back(elsewhere);
    Sort(c.before);
    add(GateReason::kKeyRevokedElsewhere, Judge(c));
  }
  {
    // Never in use here, and earlier than what is.
    Case c;
    c.before = BakedCatalog();
    auto& certificates = AnchorIn(c.before, Ireland()).certificates;
    c.der = SupersededDer(Ireland());
    std::erase_if(certificates, [](const auto& one) { return one.superseded; });
    c.looks = {Showing({c.der})};
    add(GateReason::kNotLater, Judge(c));
  }
  {
    // Another region's, under this one's name.
    Case c;
    Catalog baked = BakedCatalog();
    CatalogAnchor elsewhere = AnchorIn(baked, Ireland());
    elsewhere.slot.region = "eu-new-1";
    std::erase_if(elsewhere.certificates,
                  [](const auto& one) { return one.superseded; });
    c.before.anchors.push_back(elsewhere);
    Sort(c.before);
    add(GateReason::kInUseElsewhere, Judge(c));
  }
  {
    Case c;
    c.situation.all_asked = false;
    add(GateReason::kNotAllAsked, Judge(c));
  }
  {
    Case c;
    c.situation.clock_is_suspect = true;
    add(GateReason::kClockSuspect, Judge(c));
  }
  {
    Case c;
    c.situation.record_checked = false;
    add(GateReason::kRecordNotChecked, Judge(c));
  }
  {
    Case c;
    c.situation.automatic[Ireland()] = {absl::Minutes(59)};
    add(GateReason::kTooOften, Judge(c));
  }
  {
    Case c;
    c.looks = {};
    add(GateReason::kNotShownNow, Judge(c));
  }
  {
    Case c;
    c.looks.push_back(Showing({SupersededDer(Ireland())}, "mirror"));
    add(GateReason::kSourceSaysOtherwise, Judge(c));
  }
  {
    Case c;
    c.looks = {Showing({c.der, "no certificate"})};
    add(GateReason::kSeveralNew, Judge(c));
  }
  {
    Case c;
    Catalog after = BakedCatalog();
    c.before = BakedCatalog();
    AnchorIn(after, Ireland()).status = AnchorStatus::kRevoked;
    add(GateReason::kTakesAway, Judge(c, Next(after)));
  }
  {
    Case c;
    c.situation.approvals = 2;
    c.ground.approvers = {"alice"};
    c.ground.effect_sha256 =
        EffectSha256(c.before, After(c), Ireland(), absl::ZeroDuration());
    add(GateReason::kApprovalsMissing, Judge(c));
    c.ground.approvers = {"alice", "bob"};
    EXPECT_EQ(Judge(c), "ok");
    c.situation.overlap = absl::Hours(1);
    add(GateReason::kNotWhatWasApproved, Judge(c));
  }
  {
    Case c;
    c.ground.is_safe = true;
    add(GateReason::kNotTowardsRevoked, Judge(c));
  }
  {
    Case c;
    c.before = BakedCatalog();
    AnchorIn(c.before, Ireland()).status = AnchorStatus::kRevoked;
    c.ground.approvers = {"alice"};
    c.ground.effect_sha256 =
        EffectSha256(c.before, BakedCatalog(), Ireland(), absl::ZeroDuration());
    add(GateReason::kNotASuccessor, Judge(c, Next(BakedCatalog())));
  }
  return got;
}

TEST(GateTest, EachReasonRefusesWhatIsWrong) {
  const auto got = Refusals();
  for (int i = 0; i <= static_cast<int>(GateReason::kMaxValue); ++i) {
    const auto reason = static_cast<GateReason>(i);
    // SameCertificate.* below; what cannot be read is in no catalog.
    if (reason == GateReason::kSameCertificate ||
        reason == GateReason::kUnreadable) {
      continue;
    }
    const std::string name(NameOf(reason));
    ASSERT_TRUE(got.count(name)) << name;
    EXPECT_EQ(got.at(name), name);
  }
}

TEST(GateTest, TheManualHasARowForEachReason) {
  std::ifstream in("trustd/rotation/README.md", std::ios::binary);
  const std::string manual{std::istreambuf_iterator<char>(in), {}};
  for (int i = 0; i <= static_cast<int>(GateReason::kMaxValue); ++i) {
    const std::string name(NameOf(static_cast<GateReason>(i)));
    EXPECT_NE(manual.find("| `" + name + "` |"), manual.npos) << name;
  }
}

// A DSA or ECDSA signature can be written in another way by anybody.
TEST(SameCertificateTest, IsNoReissue) {
  test::FakeIdentity aws;
  test::CertSpec spec = aws.Certificate("eu-west-1", AnchorKind::kIidDsa);
  const Slot slot = {"aws", "eu-west-1", AnchorKind::kIidDsa};
  const std::string one = test::MakeCertificate(spec);
  std::string other = one;
  other.back() ^= 1;
  Catalog before;
  before.sequence = 1;
  before.created = kNow;
  before = *AddAnchor(before, slot, one, {"AWS", ""}, {.time = kNow});
  const auto made = anchors::MakeCertificate(other);
  std::vector<GateReason> reasons;
  for (const Objection& objection :
       ObjectionsTo(*made, slot, before, before, kNow)) {
    reasons.push_back(objection.reason);
  }
  EXPECT_THAT(reasons, ::testing::Contains(GateReason::kSameCertificate));
  // To the classifier it is what is pinned.
  Observation look;
  look.source = "aws-docs";
  look.time = kNow;
  look.scope = {{"aws"}, {AnchorKind::kIidDsa}};
  look.certificates = {{slot, other, 1}};
  const Classification found = Classify(look, before);
  EXPECT_TRUE(found.changes.empty());
  EXPECT_TRUE(found.anomalies.empty());
}

// Two certificates of the key are in use, of which one is to go.
class RemnantTest : public ::testing::Test {
 protected:
  RemnantTest() {
    for (auto& one : AnchorIn(c_.before, Ireland()).certificates) {
      if (one.der == SupersededDer(Ireland())) one.superseded = false;
    }
    Sort(c_.before);
  }
  Case c_ = {.before = BakedCatalog()};
};

TEST_F(RemnantTest, GoesOnceNobodyShowsIt) {
  EXPECT_EQ(Judge(c_, Next(BakedCatalog())), "ok");
}

TEST_F(RemnantTest, StaysWhereASourceShowsIt) {
  c_.looks.push_back(
      Showing({CurrentDer(Ireland()), SupersededDer(Ireland())}, "mirror"));
  EXPECT_EQ(Judge(c_, Next(BakedCatalog())), "SOURCE_SAYS_OTHERWISE");
}

TEST_F(RemnantTest, StaysWhereNobodyShowsWhatItWasBeside) {
  c_.looks = {Showing({CurrentDer(HongKong())})};
  EXPECT_EQ(Judge(c_, Next(BakedCatalog())), "SOURCE_SAYS_OTHERWISE");
  c_.looks = {Showing({})};
  EXPECT_EQ(Judge(c_, Next(BakedCatalog())), "NOT_SHOWN_NOW");
}

TEST_F(RemnantTest, StaysWhereAPersonBroughtIt) {
  Catalog after = BakedCatalog();
  for (Catalog* catalog : {&c_.before, &after}) {
    for (auto& one : AnchorIn(*catalog, Ireland()).certificates) {
      one.sources.push_back({anchors::kOperatorPublisher, "olga"});
    }
  }
  EXPECT_EQ(Judge(c_, Next(after)), "TAKES_AWAY");
}

TEST_F(RemnantTest, TakesNothingElseAlong) {
  Catalog after = BakedCatalog();
  AnchorIn(after, Ireland()).status = AnchorStatus::kRetiring;
  EXPECT_EQ(Judge(c_, Next(after)), "TAKES_AWAY");
}

TEST(GateTest, WhatFailedSinceCanContradictAndShowsNothing) {
  Case c;
  c.situation.looks = {
      {.look = &c.looks[0], .is_doubtful = true, .family = ""}};
  EXPECT_EQ(Judge(c), "NOT_SHOWN_NOW");
  c.looks.push_back(Showing({SupersededDer(Ireland())}, "mirror"));
  c.situation.looks = {
      {.look = &c.looks[0], .family = ""},
      {.look = &c.looks[1], .is_doubtful = true, .family = ""}};
  EXPECT_EQ(Judge(c), "SOURCE_SAYS_OTHERWISE");
}

// Approvals are known from the record; a revocation says all by itself.
TEST(GateTest, PeopleWaitForTheRecordUnlessTheyRevoke) {
  Case c;
  c.ground.approvers = {"alice"};
  c.ground.effect_sha256 =
      EffectSha256(c.before, After(c), Ireland(), absl::ZeroDuration());
  EXPECT_EQ(Judge(c), "ok");
  c.situation.record_checked = false;
  EXPECT_EQ(Judge(c), "RECORD_NOT_CHECKED");
  Catalog revoked = BakedCatalog();
  c.before = BakedCatalog();
  AnchorIn(revoked, Ireland()).status = AnchorStatus::kRevoked;
  c.ground = {.slot = Ireland(), .is_safe = true};
  EXPECT_EQ(Judge(c, Next(revoked)), "ok");
}

TEST(GateTest, FourTimesADayAtMost) {
  Case c;
  c.situation.automatic[Ireland()] = {absl::Hours(23), absl::Hours(15),
                                      absl::Hours(8), absl::Hours(2)};
  EXPECT_EQ(Judge(c), "TOO_OFTEN");
  c.situation.automatic[Ireland()][0] = absl::Hours(24);
  EXPECT_EQ(Judge(c), "ok");
}

TEST(GateTest, NobodyDecidedAboutASlotThatNoGroundNames) {
  Case c;
  c.ground.slot = HongKong();
  EXPECT_EQ(Judge(c), "APPROVALS_MISSING");
}

// An approval is of certificates before and after, statuses and the overlap, and
// not of the moment.
TEST(EffectTest, ChangesWithWhatIsDone) {
  const Catalog before = anchors::CatalogBeforeReissues(BakedCatalog());
  Case c;
  const Catalog after = After(c);
  const auto effect = [](const Catalog& a, const Catalog& b,
                         absl::Duration overlap = absl::Hours(1)) {
    return EffectSha256(a, b, Ireland(), overlap);
  };
  const std::string one = effect(before, after);
  Catalog later = after;
  later.created += absl::Hours(9);
  ++later.sequence;
  EXPECT_EQ(effect(before, later), one);
  EXPECT_NE(effect(before, after, absl::Hours(2)), one);
  EXPECT_NE(effect(BakedCatalog(), after), one);
  Catalog other = after;
  AnchorIn(other, Ireland()).status = AnchorStatus::kRetiring;
  EXPECT_NE(effect(before, other), one);
  other = after;
  AnchorIn(other, Ireland()).certificates[0].superseded ^= true;
  EXPECT_NE(effect(before, other), one);
}

}  // namespace
}  // namespace anchorage::trustd
