// What changes without people, how often, and how what was wrong ends.

#include <vector>

#include "test/support/mirror_fixture.h"

namespace anchorage::trustd {
namespace {

using anchors::Catalog;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using verify::AnchorKind;
using verify::AnchorStatus;

class HealingTest : public IrelandTest {
 protected:
  // A re-issue that a source showed for a while.
  std::string Reissue() const { return SignedOn(kNow, "\x7f\x01"); }
};

// --- healing -----------------------------------------------------------------

TEST_F(HealingTest, TheEarlierCertificateIsInUseAgainWithoutPeople) {
  ASSERT_TRUE(Show({Reissue()}).ok());
  ASSERT_TRUE(IsInUse(Reissue()));
  const int told = Alerts("ROTATION_PUBLISHED");
  now_ += kBetweenAutomatic;
  ASSERT_TRUE(Show({Genuine()}).ok());
  EXPECT_TRUE(IsInUse(Genuine()));
  EXPECT_FALSE(IsInUse(Reissue()));
  EXPECT_EQ(Sequence(), 3u);
  EXPECT_EQ(Alerts("ROTATION_PUBLISHED"), told + 1);
  EXPECT_EQ(Open(), 0);
}

TEST_F(HealingTest, EverySourceMustShowTheEarlierOne) {
  ASSERT_TRUE(Show({Reissue()}).ok());
  ASSERT_TRUE(Show({Reissue()}, "mirror").ok());
  now_ += kBetweenAutomatic;
  ASSERT_TRUE(Show({Genuine()}).ok());
  EXPECT_TRUE(IsInUse(Reissue()));
  Pass(absl::Hours(100));
  EXPECT_TRUE(IsInUse(Reissue()));
  ASSERT_TRUE(Show({Genuine()}, "mirror").ok());
  EXPECT_TRUE(IsInUse(Genuine()));
  EXPECT_EQ(Open(), 0);
}

TEST_F(HealingTest, OneThatWasNeverInUseHereIsNoEarlierOne) {
  ASSERT_TRUE(
      Show({SignedOn(absl::FromUnixSeconds(1'000'000'000), "\x7f\x02")}).ok());
  Pass(absl::Hours(100));
  EXPECT_EQ(Sequence(), 1u);
}

TEST_F(HealingTest, AnEarlierKeyComesBackByPeopleAlone) {
  const Observation before = Page();
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes").ok());
  ASSERT_EQ(StatusOf(The(1).pinned_spki_sha256(0)), AnchorStatus::kRetiring);
  now_ += absl::Hours(2);
  ASSERT_TRUE(Observe(before).ok());
  Pass(absl::Hours(100));
  EXPECT_EQ(Sequence(), 2u);
  EXPECT_EQ(StatusOf(The(1).pinned_spki_sha256(0)), AnchorStatus::kRetiring);
  EXPECT_EQ(Open(v1::ROTATION_CLASS_SOURCE_ANOMALY), 1);
  // And the page that is right again closes what is open.
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_EQ(Open(), 0);
}

TEST_F(HealingTest, AWindowThatAPersonSetStays) {
  ASSERT_TRUE(Show({Reissue()}).ok());
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_RETIRE);
  fact.mutable_slot()->set_partition(kIreland.partition);
  fact.mutable_slot()->set_region(kIreland.region);
  fact.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  fact.set_spki_sha256(Key());
  fact.mutable_valid_until()->set_seconds(
      absl::ToUnixSeconds(kNow + absl::Hours(24 * 30)));
  fact.set_by("olga");
  fact.set_why("AWS says so");
  const auto pinned = mirror_->Pin({.fact = fact, .last_key = true}, now_);
  ASSERT_TRUE(pinned.ok()) << pinned.status();
  now_ += kBetweenAutomatic;
  ASSERT_TRUE(Show({Genuine()}).ok());
  EXPECT_TRUE(IsInUse(Genuine()));
  EXPECT_EQ(StatusOf(Key()), AnchorStatus::kRetiring);
  EXPECT_EQ(AnchorOf(Key()).valid_until, kNow + absl::Hours(24 * 30));
}

TEST_F(HealingTest, WhatWasShownBesideANewOneIsOverOnceNobodyShowsIt) {
  ASSERT_TRUE(Show({Genuine(), Reissue()}).ok());
  ASSERT_TRUE(Show({Genuine(), Reissue()}, "mirror").ok());
  ASSERT_TRUE(IsInUse(Genuine()));
  ASSERT_TRUE(IsInUse(Reissue()));
  now_ += kBetweenAutomatic;
  ASSERT_TRUE(Show({Reissue()}).ok());
  EXPECT_TRUE(IsInUse(Genuine())) << "the mirror has it";
  const int told = Alerts("ROTATION_PUBLISHED");
  ASSERT_TRUE(Show({Reissue()}, "mirror").ok());
  EXPECT_FALSE(IsInUse(Genuine()));
  EXPECT_TRUE(IsInUse(Reissue()));
  EXPECT_EQ(Alerts("ROTATION_PUBLISHED"), told + 1);
  EXPECT_EQ(Open(), 0);
}

TEST_F(HealingTest, WhatIsShownBesideItAgainIsNotOver) {
  ASSERT_TRUE(Show({Genuine(), Reissue()}).ok());
  now_ += absl::Minutes(1);
  ASSERT_TRUE(Show({Reissue()}).ok());
  ASSERT_EQ(Open(), 1) << "it waits for the hour";
  ASSERT_TRUE(Show({Genuine(), Reissue()}).ok());
  EXPECT_EQ(Open(), 0);
  Pass(absl::Hours(2));
  EXPECT_TRUE(IsInUse(Genuine()));
}

TEST_F(HealingTest, WhatAPersonBroughtIsNotOverBecauseNobodyShowsIt) {
  const std::string brought = SignedOn(kNow - absl::Hours(2), "\x7f\x0a");
  ASSERT_TRUE(Show({Genuine()}).ok());
  ASSERT_TRUE(Pin(v1::PinFact::ACTION_ADD, brought, "olga").ok());
  ASSERT_TRUE(IsInUse(brought));
  Pass(absl::Hours(100));
  EXPECT_TRUE(IsInUse(brought));
  // Nor where a source brought it before.
  ASSERT_TRUE(Show({Reissue()}).ok());
  ASSERT_FALSE(IsInUse(Genuine()));
  ASSERT_TRUE(Pin(v1::PinFact::ACTION_ADD, Genuine(), "olga").ok());
  Pass(absl::Hours(100));
  EXPECT_TRUE(IsInUse(Genuine()));
  EXPECT_EQ(Open(), 0);
}

// What was published and waits for the end of the overlap is no reason to
// overlook the same again.
TEST_F(HealingTest, GoesBackAndForthWhileAnOldKeyRetires) {
  Rekey();
  ASSERT_TRUE(Observe(Page()).ok());
  ASSERT_TRUE(Decide(1, v1::Decision::KIND_APPROVE, "alice", "yes").ok());
  const std::string second = SignedOn(now_, "\x7f\x0b", NewKey());
  const std::string first = [&] {
    for (const auto& one :
         AnchorOf(verify::Sha256Hex(NewKey().spki_der())).certificates) {
      return one.der;
    }
    return std::string();
  }();
  for (const std::string& der : {second, first, second}) {
    now_ += absl::Hours(2);
    ASSERT_TRUE(Show({der}).ok());
    EXPECT_TRUE(IsInUse(der));
  }
}

// --- what sources said last ---------------------------------------------------

class LastWordTest : public HealingTest {
 protected:
  // The mirror has the old one, and then says no more.
  void SetUp() override {
    HealingTest::SetUp();
    ASSERT_TRUE(Show({Genuine()}, "mirror").ok());
    ASSERT_TRUE(Show({Reissue()}).ok());
    ASSERT_FALSE(IsInUse(Reissue()));
  }
  void MirrorFails() {
    ASSERT_TRUE(mirror_->SourceFailed("mirror", "TIMED_OUT", "", now_).ok());
    Pass(absl::Hours(100));
  }
  std::uint64_t OpenOf(v1::RotationClass rotation_class) const {
    for (const v1::Rotation& rotation : All()) {
      if (rotation.rotation_class() == rotation_class &&
          rotation.state() != v1::ROTATION_STATE_WITHDRAWN) {
        return rotation.id();
      }
    }
    return 0;
  }
};

TEST_F(LastWordTest, CountsWhileTheSourceFailsUntilPeopleDecide) {
  MirrorFails();
  EXPECT_FALSE(IsInUse(Reissue()));
  ASSERT_TRUE(Decide(OpenOf(v1::ROTATION_CLASS_SOURCE_ANOMALY),
                     v1::Decision::KIND_REJECT, "olga", "its host is gone")
                  .ok());
  ASSERT_TRUE(Decide(OpenOf(v1::ROTATION_CLASS_RE_ISSUE),
                     v1::Decision::KIND_APPROVE, "olga", "it is AWS's")
                  .ok());
  EXPECT_TRUE(IsInUse(Reissue()));
  // To go back is what it said last.
  ASSERT_EQ(Open(), 1);
  ASSERT_TRUE(
      Decide(All().back().id(), v1::Decision::KIND_REJECT, "olga", "no").ok());
  Pass(absl::Hours(100));
  EXPECT_TRUE(IsInUse(Reissue()));
  EXPECT_EQ(Open(), 0);
}

TEST_F(LastWordTest, CountsWhileTheSourceCannotBeUnderstood) {
  Observation login = Showing({}, "mirror");
  login.certificates.clear();
  login.problems.push_back({ProblemKind::kNotTheDocument, 1, "a login page"});
  ASSERT_TRUE(Observe(login).ok());
  Pass(absl::Hours(100));
  EXPECT_FALSE(IsInUse(Reissue()));
  // And it ends when it says otherwise.
  ASSERT_TRUE(Show({Reissue()}, "mirror").ok());
  EXPECT_TRUE(IsInUse(Reissue()));
  EXPECT_EQ(Open(), 0);
}

TEST_F(LastWordTest, IsForgottenWithTheSource) {
  MirrorFails();
  sources_.erase("mirror");
  mirror_->SetSources(sources_, now_);
  EXPECT_TRUE(IsInUse(Reissue()));
  EXPECT_EQ(Open(), 0);
}

// --- rates -------------------------------------------------------------------

TEST_F(HealingTest, OnceAnHourInASlot) {
  ASSERT_TRUE(Show({Reissue()}).ok());
  now_ += kBetweenAutomatic - absl::Seconds(1);
  ASSERT_TRUE(Show({Genuine()}).ok());
  EXPECT_EQ(Sequence(), 2u);
  // It is not forgotten.
  Pass(absl::Seconds(1));
  EXPECT_EQ(Sequence(), 3u);
  EXPECT_TRUE(IsInUse(Genuine()));
}

TEST_F(HealingTest, FourTimesADayInASlot) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Show({i % 2 == 0 ? Reissue() : Genuine()}).ok());
    now_ += absl::Hours(2);
  }
  ASSERT_TRUE(Show({Genuine()}).ok());
  EXPECT_EQ(Sequence(), 5u);
  now_ += absl::Hours(2);
  ASSERT_TRUE(Show({Reissue()}).ok());
  EXPECT_EQ(Sequence(), 5u);
  Pass(absl::Hours(16) - absl::Seconds(1));
  EXPECT_EQ(Sequence(), 5u);
  Pass(absl::Seconds(1));
  EXPECT_EQ(Sequence(), 6u);
}

TEST_F(HealingTest, AnotherSlotDoesNotWait) {
  ASSERT_TRUE(Show({Reissue()}).ok());
  test::CertSpec spec = aws_.Certificate("us-east-1", AnchorKind::kIidRsa2048);
  spec.serial = "\x7f\x09";
  spec.SetValidity(kNow, kNow + absl::Hours(24 * 365));
  Observation look = Showing({Reissue()});
  for (auto& certificate : look.certificates) {
    if (certificate.slot ==
        verify::Slot{"aws", "us-east-1", AnchorKind::kIidRsa2048}) {
      certificate.der = test::MakeCertificate(spec);
    }
  }
  ASSERT_TRUE(Observe(look).ok());
  EXPECT_EQ(Sequence(), 3u);
}

// The rates go by a clock that nobody sets.
TEST_F(HealingTest, AClockThatIsSetOpensNoRate) {
  ASSERT_TRUE(Show({Reissue()}).ok());
  for (const absl::Duration set : {absl::Hours(-48), absl::Hours(48)}) {
    ASSERT_TRUE(Observe(Showing({Genuine()}), now_ + set).ok());
    EXPECT_TRUE(IsInUse(Reissue()));
  }
  Pass(kBetweenAutomatic);
  EXPECT_TRUE(IsInUse(Genuine()));
}

TEST_F(HealingTest, AStartOpensNoRate) {
  ASSERT_TRUE(Show({Reissue()}).ok());
  now_ += absl::Minutes(10);
  Start();
  ASSERT_TRUE(Show({Genuine()}).ok());
  EXPECT_EQ(Sequence(), 2u);
  Pass(absl::Minutes(50));
  EXPECT_EQ(Sequence(), 3u);
}

TEST_F(HealingTest, AClockThatJumpedHoldsWhatNeedsNoPeople) {
  bool is_suspect = true;
  options_.clock_is_suspect = [&] { return is_suspect; };
  Start();
  ASSERT_TRUE(Show({Reissue()}).ok());
  EXPECT_EQ(Sequence(), 1u);
  is_suspect = false;
  Pass(absl::Minutes(1));
  EXPECT_EQ(Sequence(), 2u);
}

// --- what may take the place of what -------------------------------------------

// AWS's went from 2195 to a few years.
TEST_F(HealingTest, AnEarlierEndSpeaksAgainstNothing) {
  const auto end = [](const std::string& der) {
    return anchors::MakeCertificate(der)->not_after;
  };
  ASSERT_LT(end(Reissue()), end(Genuine()));
  ASSERT_TRUE(Show({Reissue()}).ok());
  EXPECT_TRUE(IsInUse(Reissue()));
}

TEST_F(HealingTest, ADayAheadIsNotTheFuture) {
  ASSERT_TRUE(
      Show({SignedOn(kNow + absl::Hours(24) + absl::Seconds(1), "\x7f\x03")})
          .ok());
  EXPECT_EQ(Sequence(), 1u);
  ASSERT_TRUE(Show({SignedOn(kNow + absl::Hours(24), "\x7f\x04")}).ok());
  EXPECT_EQ(Sequence(), 2u);
}

TEST_F(HealingTest, AKeyThatIsRevokedElsewhereNeedsPeople) {
  const verify::Slot oregon = {"aws", "us-west-2", AnchorKind::kIidRsa1024};
  Catalog catalog = seed_;
  for (auto& anchor : catalog.anchors) {
    if (anchor.slot.region == "us-east-1" &&
        anchor.slot.kind == AnchorKind::kIidRsa1024) {
      anchor.status = AnchorStatus::kRevoked;
    }
  }
  ASSERT_TRUE(Publish(catalog, now_).ok());
  test::CertSpec spec = aws_.Certificate(oregon.region, oregon.kind);
  spec.serial = "\x7f\x05";
  spec.SetValidity(kNow, kNow + absl::Hours(24 * 365));
  auto entries = anchors::PageEntries(catalog);
  for (auto& entry : entries) {
    if (entry.slot == oregon) entry.der = test::MakeCertificate(spec);
  }
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  Pass(absl::Hours(2));
  EXPECT_EQ(Sequence(), 2u);
  EXPECT_EQ(The(1).state(), v1::ROTATION_STATE_DETECTED);
}

TEST_F(HealingTest, AReissueOfTheOldKeyActivatesNoAnnouncedOne) {
  const std::string announced = SignedOn(kNow, "\x7f\x06", NewKey());
  Catalog catalog = *AddAnchor(seed_, kIreland, announced,
                               {anchors::kOperatorPublisher, "olga"},
                               {.time = kNow, .announce = true});
  ASSERT_TRUE(Publish(catalog, now_).ok());
  const std::string key = verify::Sha256Hex(NewKey().spki_der());
  ASSERT_TRUE(Show({Reissue()}).ok());
  ASSERT_TRUE(IsInUse(Reissue()));
  EXPECT_EQ(StatusOf(key), AnchorStatus::kAnnounced);
  // Nor beside it.
  now_ += absl::Hours(2);
  const std::string later = SignedOn(now_, "\x7f\x07");
  ASSERT_TRUE(Show({later, announced}).ok());
  Pass(absl::Hours(2));
  EXPECT_EQ(StatusOf(key), AnchorStatus::kAnnounced);
}

TEST_F(HealingTest, MoreThanEightCertificatesAreAnAnomaly) {
  std::vector<std::string> ders;
  for (int i = 0; i < 9; ++i) {
    ders.push_back(SignedOn(kNow - absl::Hours(i), absl::StrCat("\x7f", i)));
  }
  ASSERT_TRUE(Show(ders).ok());
  ASSERT_THAT(All(), SizeIs(1));
  EXPECT_EQ(The(1).anomaly(), "TOO_MANY_CERTIFICATES");
  EXPECT_EQ(Decide(1, v1::Decision::KIND_APPROVE, "alice", "x").status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_THAT(AnchorOf(Key()).certificates, SizeIs(1));
  ASSERT_TRUE(Show({Genuine()}).ok());
  EXPECT_EQ(Open(), 0);
}

// --- a list that fills ---------------------------------------------------------

TEST_F(HealingTest, ManySwapsDoNotFillASlot) {
  const std::string brought = SignedOn(kNow - absl::Hours(1), "\x7f\x70");
  const auto added = Pin(v1::PinFact::ACTION_ADD, brought, "olga");
  ASSERT_TRUE(added.ok()) << added.status();
  const int swaps = 2 * anchors::kMaxCertificatesPerAnchor;
  for (int i = 0; i < swaps; ++i) {
    const std::string der = SignedOn(now_, absl::StrCat("\x7e", i));
    ASSERT_TRUE(Show({der}).ok());
    ASSERT_TRUE(IsInUse(der)) << i;
    now_ += absl::Hours(7);
  }
  const auto& certificates = AnchorOf(Key()).certificates;
  EXPECT_LE(certificates.size(), anchors::kMaxCertificatesPerAnchor);
  // What a person brought is still there.
  EXPECT_THAT(certificates, Contains(::testing::Field(
                                &anchors::CatalogCertificate::der, brought)));
  // A person can still bring another, and AWS re-issue.
  const std::string another = SignedOn(now_, "\x7f\x71");
  const auto again = Pin(v1::PinFact::ACTION_ADD, another, "olga");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(IsInUse(another));
  now_ += absl::Hours(7);
  const std::string reissue = SignedOn(now_, "\x7f\x72");
  ASSERT_TRUE(Show({reissue}).ok());
  EXPECT_TRUE(IsInUse(reissue));
}

// --- one region's certificate under another's name ------------------------------

// In AWS, 17 regions have one RSA-1024 key.
class SharedKeyTest : public IrelandTest {
 protected:
  static constexpr int kOthers = 16;

  SharedKeyTest() {
    auto regions = test::DefaultRegions();
    for (int i = 0; i < kOthers; ++i) {
      regions.push_back({"aws", absl::StrCat("ap-east-", i + 1), "us-east-1"});
    }
    aws_ = test::FakeIdentity(regions);
  }

  static bool IsShared(const verify::Slot& slot) {
    return slot.kind == AnchorKind::kIidRsa1024 &&
           (slot.region == "us-east-1" || slot.region.starts_with("ap-east-"));
  }

  // The page with this certificate under each of those regions.
  Observation Swapped(const std::string& der,
                      const std::string& source = "aws-docs") const {
    auto entries = anchors::PageEntries(seed_);
    for (auto& entry : entries) {
      if (IsShared(entry.slot)) entry.der = der;
    }
    return PageOf(entries, source);
  }

  std::string VirginiasOn(absl::Time not_before) const {
    test::CertSpec spec =
        aws_.Certificate("us-east-1", AnchorKind::kIidRsa1024);
    spec.serial = "\x7f\x01";
    spec.SetValidity(not_before, kNow + absl::Hours(24 * 365));
    return test::MakeCertificate(spec);
  }

  // Begins with one certificate in all of them.
  void BeginInCommon() {
    const std::string common = VirginiasOn(kNow - absl::Hours(48));
    for (auto& anchor : seed_.anchors) {
      if (!IsShared(anchor.slot)) continue;
      anchor.certificates = {*anchors::MakeCertificate(common)};
      anchor.certificates[0].sources = {{"AWS", ""}};
    }
    store_ = FakeStore();
    hub_.~PublicationHub();
    new (&hub_) PublicationHub();
    Start();
    ASSERT_EQ(InUse(common), kOthers + 1);
  }

  // In how many slots that certificate is in use.
  int InUse(const std::string& der) const {
    int slots = 0;
    for (const auto& anchor : hub_.Current()->catalog.anchors) {
      for (const auto& certificate : anchor.certificates) {
        slots += certificate.der == der && !certificate.superseded;
      }
    }
    return slots;
  }
};

TEST_F(SharedKeyTest, OneLookPublishesNothingAndHeals) {
  std::string virginias;
  for (const auto& entry : anchors::PageEntries(seed_)) {
    if (entry.slot.region == "us-east-1" &&
        entry.slot.kind == AnchorKind::kIidRsa1024) {
      virginias = entry.der;
    }
  }
  ASSERT_EQ(InUse(virginias), 1);
  ASSERT_TRUE(Observe(Swapped(virginias)).ok());
  Pass(absl::Hours(100));
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_EQ(InUse(virginias), 1);
  ASSERT_TRUE(Observe(Page()).ok());
  EXPECT_EQ(Open(), 0);
  EXPECT_EQ(Sequence(), 1u);
}

// The same with one that AWS has just issued: nobody sees whose it is, until
// the page is right.
TEST_F(SharedKeyTest, OneThatIsNewIsPublishedWhereItBelongs) {
  const std::string reissue = VirginiasOn(kNow);
  ASSERT_TRUE(Observe(Swapped(reissue)).ok());
  Pass(absl::Hours(100));
  EXPECT_EQ(InUse(reissue), 0);
  auto entries = anchors::PageEntries(seed_);
  for (auto& entry : entries) {
    if (IsShared(entry.slot) && entry.slot.region == "us-east-1") {
      entry.der = reissue;
    }
  }
  ASSERT_TRUE(Observe(PageOf(entries)).ok());
  EXPECT_EQ(InUse(reissue), 1);
  EXPECT_EQ(Open(), 0);
}

// 19 slots have one DSA certificate in common: that AWS re-issues it for all of
// them is no swap.
TEST_F(SharedKeyTest, WhatWasInCommonBeforeIsReissuedInCommon) {
  BeginInCommon();
  const std::string reissue = VirginiasOn(kNow);
  ASSERT_TRUE(Observe(Swapped(reissue)).ok());
  EXPECT_EQ(InUse(reissue), kOthers + 1);
  EXPECT_EQ(Open(), 0);
}

// A slot that must wait holds the others: they would have nothing in common any
// more.
TEST_F(SharedKeyTest, WhatIsInCommonWaitsForTheLastOfThem) {
  BeginInCommon();
  const std::string next = VirginiasOn(kNow);
  const std::string common = VirginiasOn(kNow - absl::Hours(48));
  ASSERT_TRUE(Observe(Swapped(common)).ok());
  ASSERT_TRUE(Observe(Swapped(common, "mirror")).ok());
  Observation mirror = Swapped(next, "mirror");
  // The mirror has one of them as it was.
  for (auto& certificate : mirror.certificates) {
    if (certificate.slot.region == "us-east-1" &&
        certificate.slot.kind == AnchorKind::kIidRsa1024) {
      certificate.der = common;
    }
  }
  ASSERT_TRUE(Observe(mirror).ok());
  ASSERT_TRUE(Observe(Swapped(next)).ok());
  EXPECT_EQ(InUse(next), 0);
  ASSERT_TRUE(Observe(Swapped(next, "mirror")).ok());
  EXPECT_EQ(InUse(next), kOthers + 1);
  EXPECT_EQ(Open(), 0);
}

// So does one in which a source shows more than that.
TEST_F(SharedKeyTest, WhatIsInCommonWaitsForOneThatShowsTwo) {
  BeginInCommon();
  const std::string next = VirginiasOn(kNow);
  Observation page = Swapped(next);
  for (const auto& certificate : page.certificates) {
    if (certificate.slot.region != "us-east-1" ||
        certificate.slot.kind != AnchorKind::kIidRsa1024) {
      continue;
    }
    auto more = certificate;
    more.der = VirginiasOn(kNow - absl::Hours(1));
    page.certificates.push_back(more);
    break;
  }
  ASSERT_TRUE(Observe(page).ok());
  EXPECT_EQ(InUse(next), 0);
  ASSERT_TRUE(Observe(Swapped(next)).ok());
  EXPECT_EQ(InUse(next), kOthers + 1);
  EXPECT_EQ(Open(), 0);
}

// Who comes later has nothing in common any more: superseded ones do not count.
TEST_F(SharedKeyTest, WhatComesInTwoStepsNeedsPeopleForTheSecond) {
  BeginInCommon();
  const std::string reissue = VirginiasOn(kNow);
  Observation first = Swapped(VirginiasOn(kNow - absl::Hours(48)));
  for (auto& certificate : first.certificates) {
    if (certificate.slot.region == "us-east-1" &&
        certificate.slot.kind == AnchorKind::kIidRsa1024) {
      certificate.der = reissue;
    }
  }
  ASSERT_TRUE(Observe(first).ok());
  ASSERT_EQ(InUse(reissue), 1);
  now_ += absl::Hours(2);
  ASSERT_TRUE(Observe(Swapped(reissue)).ok());
  Pass(absl::Hours(100));
  EXPECT_EQ(InUse(reissue), 1);
  ASSERT_EQ(Open(v1::ROTATION_CLASS_RE_ISSUE), kOthers);
  for (const v1::Rotation& rotation : All()) {
    if (rotation.state() != v1::ROTATION_STATE_DETECTED) continue;
    ASSERT_TRUE(
        Decide(rotation.id(), v1::Decision::KIND_APPROVE, "olga", "yes").ok());
  }
  EXPECT_EQ(InUse(reissue), kOthers + 1);
  EXPECT_EQ(Open(), 0);
}

// --- what is judged again, and when ---------------------------------------------

TEST_F(HealingTest, AStanceIsJudgedAgainWhenTheCatalogChanges) {
  const std::string one = SignedOn(kNow - absl::Hours(2), "\x7f\x01");
  const std::string two = SignedOn(kNow - absl::Hours(1), "\x7f\x02");
  ASSERT_TRUE(Show({one, two}).ok());
  ASSERT_EQ(Sequence(), 1u);
  ASSERT_THAT(The(1).sources(0).held_by(),
              Contains(HasSubstr("more than one")));
  // A person says which of them is AWS's; the page stays as it is.
  ASSERT_TRUE(Pin(v1::PinFact::ACTION_ADD, one, "olga").ok());
  Pass(absl::Minutes(1));
  EXPECT_THAT(The(1).sources(0).held_by(), SizeIs(0));
  EXPECT_TRUE(IsInUse(two));
}

TEST_F(HealingTest, WhatAPersonRetiresIsHeldAtOnce) {
  ASSERT_TRUE(options_.core.rotations.policy
                  .Set(RotationClass::kReissue,
                       {.action = RotationAction::kPublishAfter,
                        .sources = 1,
                        .hold = absl::Hours(24)})
                  .ok());
  Start();
  ASSERT_TRUE(Show({Reissue()}).ok());
  ASSERT_THAT(The(1).sources(0).held_by(), SizeIs(0));
  ASSERT_TRUE(Pin(v1::PinFact::ACTION_RETIRE, Key(), "olga", true).ok());
  EXPECT_THAT(The(1).sources(0).held_by(), Contains(HasSubstr("RETIRED")));
  Pass(absl::Hours(48));
  EXPECT_EQ(Sequence(), 2u);
  EXPECT_EQ(StatusOf(Key()), AnchorStatus::kRetired);
}

TEST_F(HealingTest, NothingWithoutPeopleUntilEverySourceWasAsked) {
  sources_ = {{"aws-docs", "aws-docs"}, {"mirror", "mirror"}};
  Start();
  ASSERT_TRUE(Show({Reissue()}).ok());
  Pass(absl::Hours(100));
  EXPECT_EQ(Sequence(), 1u);
  // One that fails has been asked.
  ASSERT_TRUE(mirror_->SourceFailed("mirror", "TIMED_OUT", "", now_).ok());
  EXPECT_EQ(Sequence(), 2u);
}

TEST_F(HealingTest, SourcesOfOneFamilyCountOnce) {
  ASSERT_TRUE(options_.core.rotations.policy
                  .Set(RotationClass::kReissue,
                       {.action = RotationAction::kPublishAfter, .sources = 2})
                  .ok());
  sources_ = {{"page", "page"}, {"upstream", "page"}, {"other", "other"}};
  Start();
  ASSERT_TRUE(mirror_->SourceFailed("other", "TIMED_OUT", "", now_).ok());
  ASSERT_TRUE(Show({Reissue()}, "page").ok());
  ASSERT_TRUE(Show({Reissue()}, "upstream").ok());
  Pass(absl::Hours(100));
  EXPECT_EQ(Sequence(), 1u);
  ASSERT_TRUE(Show({Reissue()}, "other").ok());
  EXPECT_EQ(Sequence(), 2u);
}

}  // namespace
}  // namespace anchorage::trustd
