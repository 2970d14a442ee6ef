// From random valid catalogs: every step that the functions of apply.h make is
// legal, and one change outside the rules makes it illegal, for its reason. A
// failure names its seed.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "anchors/succession.h"
#include "test/fake_aws/fake_nitro.h"
#include "test/fake_aws/keys.h"
#include "test/fake_aws/page_writer.h"
#include "test/fake_aws/x509_writer.h"
#include "test/support/rotation_fixture.h"
#include "trustd/rotation/apply.h"
#include "trustd/rotation/classifier.h"
#include "verify/crypto/public_key.h"

namespace anchorage::anchors {
namespace {

using trustd::AddAnchor;
using trustd::Apply;
using trustd::ApplyOptions;
using trustd::BakedCatalog;
using trustd::Change;
using trustd::Classify;
using trustd::Observation;
using trustd::ObservationOf;
using trustd::ObservedCertificate;
using trustd::Reactivate;
using trustd::Retire;
using trustd::RetireTimes;
using trustd::Revoke;

using test::TestKey;
using verify::AnchorKind;
using verify::AnchorStatus;
using verify::Slot;
using Reason = SuccessorReason;

constexpr std::uint64_t kSeeds = 150;
constexpr int kStepsOfSeed = 8;
constexpr int kRsaKeys = 4;

const absl::Time kMade = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kDay = absl::Hours(24);

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  int Below(int limit) { return static_cast<int>(engine_() % limit); }
  bool Toss() { return Below(2) == 0; }
  template <typename T>
  T& Of(std::vector<T>& from) {
    return from[Below(static_cast<int>(from.size()))];
  }

 private:
  std::mt19937_64 engine_;
};

std::vector<Slot> Slots() {
  return {{"aws", "eu-west-1", AnchorKind::kIidRsa2048},
          {"aws", "eu-west-2", AnchorKind::kIidRsa2048},
          {"aws", "", AnchorKind::kNitroRoot}};
}

const TestKey& KeyFor(const Slot& slot, int number) {
  if (slot.kind != AnchorKind::kNitroRoot) return TestKey::Rsa(2048, number);
  return TestKey::Derived(test::KeyType::kP384,
                          "root " + std::to_string(number));
}

// Signed by the key itself, unless `issuer` is given.
std::string MakeDer(const TestKey& key, absl::Time begins,
                    const TestKey* issuer = nullptr) {
  test::CertSpec spec;
  spec.issuer = spec.subject = test::AmazonName("test");
  spec.key = &key;
  spec.issuer_key = issuer == nullptr ? &key : issuer;
  spec.SetValidity(begins, kMade + 1000 * kDay);
  return test::MakeCertificate(spec);
}

CatalogAnchor RandomAnchor(const Slot& slot, int number, Dice& dice) {
  const TestKey& key = KeyFor(slot, number);
  CatalogAnchor anchor;
  anchor.slot = slot;
  anchor.spki_der = key.spki_der();
  anchor.spki_sha256 = verify::Sha256Hex(anchor.spki_der);
  anchor.status = static_cast<AnchorStatus>(dice.Below(5));
  const int certificates = 1 + dice.Below(7);
  for (int i = 0; i < certificates; ++i) {
    auto certificate =
        *MakeCertificate(MakeDer(key, kMade - (1 + i) * 10 * kDay));
    certificate.superseded = i > 0 && dice.Below(4) > 0;
    certificate.sources = {{dice.Toss() ? "AWS" : kOperatorPublisher, "x"}};
    anchor.certificates.push_back(std::move(certificate));
  }
  if (dice.Toss()) anchor.first_seen = kMade - 50 * kDay;
  if (dice.Toss()) anchor.replaces = std::string(64, '0');
  if (dice.Toss()) anchor.valid_from = kMade - 500 * kDay;
  if (dice.Toss() || anchor.status == AnchorStatus::kRetiring) {
    anchor.valid_until = kMade + 50 * kDay;
  }
  if (dice.Toss()) anchor.accept_until = kMade + 500 * kDay;
  return anchor;
}

Catalog RandomCatalog(Dice& dice) {
  Catalog catalog;
  catalog.sequence = 1 + dice.Below(1000);
  catalog.created = kMade;
  for (const Slot& slot : Slots()) {
    const int anchors = 1 + dice.Below(3);
    for (int number = 0; number < anchors; ++number) {
      catalog.anchors.push_back(RandomAnchor(slot, number, dice));
    }
  }
  Sort(catalog);
  EXPECT_TRUE(CheckCatalog(catalog).ok());
  return catalog;
}

// A look at a source that has another certificate in one slot, or none.
std::optional<Change> RandomChange(const Catalog& catalog, Dice& dice) {
  Observation look = ObservationOf(catalog);
  const int number = dice.Below(kRsaKeys);
  const Slot slot = Slots()[dice.Below(2)];
  const bool instead = dice.Toss();
  if (instead) {
    std::erase_if(look.certificates,
                  [&](const ObservedCertificate& c) { return c.slot == slot; });
  }
  if (!instead || dice.Below(4) > 0) {
    look.certificates.push_back(
        {slot, MakeDer(KeyFor(slot, number), kMade - dice.Below(5) * kDay), 0});
  }
  auto found = Classify(look, catalog).changes;
  if (found.empty()) return std::nullopt;
  return dice.Of(found);
}

// What people or the policy do next; an error where it cannot be done.
absl::StatusOr<Catalog> RandomStep(Catalog catalog, Dice& dice) {
  CatalogAnchor& anchor = dice.Of(catalog.anchors);
  const ApplyOptions options{
      .time = kMade, .overlap = dice.Below(3) * kDay, .announce = dice.Toss()};
  switch (dice.Below(6)) {
    case 0:
      return AddAnchor(catalog, anchor.slot,
                       MakeDer(KeyFor(anchor.slot, dice.Below(kRsaKeys)),
                               kMade - (dice.Below(5) - 1) * kDay),
                       {kOperatorPublisher, "alice"}, options);
    case 1:
      return AddAnchor(catalog, anchor.slot,
                       std::string(dice.Of(anchor.certificates).der),
                       {"AWS", ""}, options);
    case 2:
      return Reactivate(catalog, anchor.slot, anchor.spki_sha256);
    case 3: {
      RetireTimes times;
      if (dice.Toss()) times.until = kMade + dice.Below(100) * kDay;
      if (dice.Toss()) times.accept_until = kMade + dice.Below(1000) * kDay;
      return Retire(catalog, anchor.slot, anchor.spki_sha256, times);
    }
    case 4:
      return Revoke(catalog, anchor.slot, anchor.spki_sha256);
    default: {
      const auto change = RandomChange(catalog, dice);
      if (!change.has_value()) return catalog;
      return Apply(catalog, *change, options);
    }
  }
}

bool IsInUse(const CatalogCertificate& certificate) {
  return !certificate.superseded;
}

// Breaks one rule in an anchor that was there before, and returns which;
// nullopt where the anchor does not lend itself to it.
std::optional<Reason> Break(const CatalogAnchor& before, CatalogAnchor& after,
                            Dice& dice) {
  auto& certificates = after.certificates;
  const TestKey& other = TestKey::Rsa(2048, 20);
  const TestKey& own = [&]() -> const TestKey& {
    int number = 0;
    while (KeyFor(after.slot, number).spki_der() != after.spki_der) ++number;
    return KeyFor(after.slot, number);
  }();
  const auto bring = [&](absl::Time begins, const TestKey* issuer) {
    certificates.push_back(*MakeCertificate(MakeDer(own, begins, issuer)));
  };
  switch (dice.Below(11)) {
    case 0:
      if (before.status == AnchorStatus::kAnnounced) return std::nullopt;
      after.status = AnchorStatus::kAnnounced;
      return before.status == AnchorStatus::kRevoked ? Reason::kRevokedUndone
                                                     : Reason::kStatusStep;
    case 1:
      if (before.status != AnchorStatus::kRevoked) return std::nullopt;
      after.status = AnchorStatus::kRetired;
      return Reason::kRevokedUndone;
    case 2:
      if (before.status != AnchorStatus::kRetired &&
          before.status != AnchorStatus::kRetiring) {
        return std::nullopt;
      }
      after.status = AnchorStatus::kActive;
      return Reason::kReactivated;
    case 3: {
      auto& limit = dice.Toss() ? after.valid_until : after.accept_until;
      const auto& old = &limit == &after.valid_until ? before.valid_until
                                                     : before.accept_until;
      if (!old.has_value()) return std::nullopt;
      limit = *old + absl::Seconds(1 + dice.Below(1000));
      return Reason::kWindowWidened;
    }
    case 4:
      if (!before.valid_from.has_value()) return std::nullopt;
      after.valid_from = *before.valid_from - absl::Seconds(1);
      return Reason::kWindowWidened;
    case 5:
      if (!before.first_seen.has_value()) return std::nullopt;
      after.first_seen.reset();
      return Reason::kFirstSeenChanged;
    case 6:
      if (before.replaces.empty()) return std::nullopt;
      after.replaces = std::string(64, '1');
      return Reason::kReplacesChanged;
    case 7: {
      const auto& lost = *std::find_if(before.certificates.begin(),
                                       before.certificates.end(), IsInUse);
      std::erase_if(certificates, [&](const CatalogCertificate& certificate) {
        return certificate.sha256 == lost.sha256;
      });
      return Reason::kCertificateInUseLost;
    }
    case 8: {
      const std::string& sha256 = before.certificates.front().sha256;
      for (CatalogCertificate& certificate : certificates) {
        if (certificate.sha256 == sha256) certificate.sources.clear();
      }
      return Reason::kSourceLost;
    }
    case 9:
      bring(kMade - 300 * kDay, &other);
      return Reason::kNotSelfSigned;
    default:
      bring(kMade + 3 * kDay, nullptr);
      return Reason::kNotYetBegun;
  }
}

bool Has(const std::vector<SuccessorProblem>& problems, Reason reason,
         const CatalogAnchor& anchor) {
  return std::any_of(problems.begin(), problems.end(), [&](const auto& one) {
    return one.reason == reason && one.slot == anchor.slot &&
           one.spki_sha256 == anchor.spki_sha256;
  });
}

TEST(SuccessionPropertyTest, WhatApplyMakesIsLegal) {
  int steps = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Dice dice(seed);
    Catalog catalog = RandomCatalog(dice);
    for (int i = 0; i < kStepsOfSeed; ++i) {
      auto next = RandomStep(catalog, dice);
      if (!next.ok() || *next == catalog) continue;
      ++next->sequence;
      const auto reactivated = FindReactivated(catalog, *next);
      ASSERT_EQ(CheckSuccessor(catalog, *next, reactivated), absl::OkStatus())
          << "seed " << seed << " step " << i;
      ASSERT_EQ(CheckSuccessor(catalog, *next).ok(), reactivated.empty());
      // A client that was away sees several as one.
      catalog = *std::move(next);
      ++steps;
    }
  }
  EXPECT_GT(steps, 400);
}

TEST(SuccessionPropertyTest, OneChangeOutsideTheRulesIsRefused) {
  std::set<Reason> seen;
  for (std::uint64_t seed = 1; seed <= 4 * kSeeds; ++seed) {
    Dice dice(seed);
    const Catalog before = RandomCatalog(dice);
    const auto step = RandomStep(before, dice);
    Catalog after = step.ok() ? *step : before;
    after.sequence = before.sequence + 1;
    const auto reactivated = FindReactivated(before, after);
    if (!reactivated.empty()) continue;
    ASSERT_TRUE(CheckSuccessor(before, after).ok()) << "seed " << seed;
    CatalogAnchor& anchor = dice.Of(after.anchors);
    const auto old = std::find_if(
        before.anchors.begin(), before.anchors.end(), [&](const auto& other) {
          return other.slot == anchor.slot &&
                 other.spki_sha256 == anchor.spki_sha256;
        });
    if (old == before.anchors.end()) continue;
    const auto reason = Break(*old, anchor, dice);
    if (!reason.has_value()) continue;
    EXPECT_TRUE(Has(FindSuccessorProblems(before, after), *reason, anchor))
        << "seed " << seed << ": " << NameOf(*reason);
    seen.insert(*reason);
  }
  EXPECT_EQ(seen.size(), 10u);
}

TEST(SuccessionPropertyTest, AnAnchorThatIsTakenAwayIsMissed) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Dice dice(seed);
    const Catalog before = RandomCatalog(dice);
    Catalog after = before;
    ++after.sequence;
    const int at = dice.Below(static_cast<int>(after.anchors.size()));
    after.anchors.erase(after.anchors.begin() + at);
    const auto problems = FindSuccessorProblems(before, after);
    EXPECT_TRUE(Has(problems, Reason::kAnchorLost, before.anchors[at]))
        << "seed " << seed;
  }
}

// AWS's own re-issues, all at once.
TEST(SuccessionPropertyTest, WhatAwsDidIsLegal) {
  Catalog next = BakedCatalog();
  ++next.sequence;
  EXPECT_EQ(CheckSuccessor(CatalogBeforeReissues(BakedCatalog()), next),
            absl::OkStatus());
}

}  // namespace
}  // namespace anchorage::anchors
