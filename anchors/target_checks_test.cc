#include "anchors/target_checks.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "anchors/baked/baked.h"
#include "anchors/bundle.h"
#include "anchors/catalog.h"
#include "anchors/releases.h"
#include "verify/crypto/public_key.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

std::string CatalogWith(const std::function<void(Catalog&)>& change) {
  auto catalog = *ParseCatalog(DefaultBakedBundle().files.catalog());
  change(catalog);
  return SerializeCatalog(catalog);
}

absl::Status CheckTargetFiles(std::string catalog, std::string releases,
                              absl::Time now) {
  BundleFiles files;
  files.SetTarget(kCatalogTargetPath, std::move(catalog));
  files.SetTarget(kReleasesTargetPath, std::move(releases));
  return CheckTargets(files, now);
}

std::string Good() {
  return CatalogWith([](Catalog&) {});
}

TEST(TargetChecksTest, TakesWhatIsBuiltIn) {
  EXPECT_TRUE(CheckTargetFiles(Good(), "", kNow).ok())
      << CheckTargetFiles(Good(), "", kNow);
}

TEST(TargetChecksTest, RefusesARegionInTwoPartitions) {
  const std::string catalog = CatalogWith([](Catalog& catalog) {
    for (CatalogAnchor& anchor : catalog.anchors) {
      if (anchor.slot.region == "us-east-1") {
        anchor.slot.partition = "aws-us-gov";
        return;
      }
    }
  });
  ASSERT_TRUE(ParseCatalog(catalog).ok()) << "it is well-formed";
  EXPECT_EQ(verify::ReasonOf(CheckTargetFiles(catalog, "", kNow)),
            verify::Reason::kFieldInvalid);
}

// An RSA key whose exponent is even is well-formed, and no verifier takes it.
TEST(TargetChecksTest, RefusesAKeyThatTheVerifierCannotRead) {
  const std::string catalog = CatalogWith([](Catalog& catalog) {
    for (CatalogAnchor& anchor : catalog.anchors) {
      if (anchor.slot.kind != verify::AnchorKind::kIidRsa2048) continue;
      // The exponent 65537 ends the key: 65536.
      ASSERT_EQ(anchor.spki_der.back(), '\x01');
      anchor.spki_der.back() = '\0';
      anchor.spki_sha256 = verify::Sha256Hex(anchor.spki_der);
      anchor.certificates.clear();
      return;
    }
  });
  ASSERT_TRUE(ParseCatalog(catalog).ok()) << "it is well-formed";
  EXPECT_EQ(verify::ReasonOf(CheckTargetFiles(catalog, "", kNow)),
            verify::Reason::kFieldInvalid);
}

TEST(TargetChecksTest, RefusesWhatWasMadeInTheFuture) {
  const auto made = [](absl::Time time) {
    return CatalogWith([&](Catalog& catalog) { catalog.created = time; });
  };
  EXPECT_TRUE(CheckTargetFiles(made(kNow + kMaxCreatedAhead), "", kNow).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckTargetFiles(
      made(kNow + kMaxCreatedAhead + absl::Seconds(1)), "", kNow)));
  ReleaseList list;
  list.sequence = 1;
  list.created = kNow + absl::Hours(1);
  EXPECT_TRUE(absl::IsFailedPrecondition(
      CheckTargetFiles(Good(), SerializeReleases(list), kNow)));
  list.created = kNow;
  EXPECT_TRUE(CheckTargetFiles(Good(), SerializeReleases(list), kNow).ok());
}

TEST(TargetChecksTest, RefusesWhatThisProgramDoesNotKnow) {
  std::string catalog = Good();
  const std::string kind = "ANCHOR_KIND_IID_DSA";
  catalog.replace(catalog.find(kind), kind.size(), "ANCHOR_KIND_LATER");
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckTargetFiles(catalog, "", kNow)));
}

TEST(TargetChecksTest, AStepIsUpAndNotTooLong) {
  EXPECT_TRUE(CheckStep("it", 7, 8).ok());
  EXPECT_TRUE(CheckStep("it", 7, 7 + kMaxSequenceStep).ok());
  EXPECT_TRUE(CheckStep("it", 0, std::uint64_t{1} << 62).ok())
      << "the first may begin anywhere: some number by date";
  for (const std::uint64_t next :
       {std::uint64_t{6}, std::uint64_t{7}, 8 + kMaxSequenceStep,
        std::uint64_t{INT64_MAX}}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(CheckStep("it", 7, next))) << next;
  }
}

}  // namespace
}  // namespace anchorage::anchors
