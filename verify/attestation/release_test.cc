#include "verify/attestation/release.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "verify/attestation/attestation_policy.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

std::string Value(char c) { return std::string(kPcrBytes, c); }

// What a document says: PCR0, PCR1 and PCR2.
std::array<std::string_view, kPcrCount> Document() {
  static const std::string zero = Value('0');
  static const std::string one = Value('1');
  static const std::string two = Value('2');
  return {zero, one, two};
}

Release Good() {
  return {.type = AttestationType::kEnclave,
          .product = "signer",
          .name = "2.3.0",
          .pcrs = *PcrSet::FromBytes({{0, Value('0')}, {1, Value('1')}})};
}

Release Other(std::string name) {
  Release release = Good();
  release.name = std::move(name);
  release.pcrs = *PcrSet::FromBytes({{0, Value('x')}});
  return release;
}

// The name of the release that a document of `signer` is of, or the reason
// why it is of none.
std::string Find(std::vector<Release> releases, absl::Time at = kNow) {
  const ReleaseSet set(std::move(releases));
  const auto found =
      set.Find(AttestationType::kEnclave, "signer", Document(), at);
  if (found.ok()) return (*found)->name;
  return std::string(NameOf(*ReasonOf(found.status())));
}

TEST(ReleaseSet, FindsTheActiveReleaseOfTheMeasurements) {
  EXPECT_EQ(Find({Other("2.2.0"), Good(), Other("2.4.0")}), "2.3.0");
}

TEST(ReleaseSet, KnowsNoOther) {
  EXPECT_EQ(Find({}), "RELEASE_UNKNOWN");
  EXPECT_EQ(Find({Other("2.2.0")}), "RELEASE_UNKNOWN");
}

TEST(ReleaseSet, ComparesAllPcrsOfTheRelease) {
  Release more = Good();
  more.pcrs = *PcrSet::FromBytes({{0, Value('0')}, {8, Value('8')}});
  EXPECT_EQ(Find({more}), "RELEASE_UNKNOWN") << "the document has no PCR8";
}

TEST(ReleaseSet, KeepsProductsAndTypesApart) {
  Release other_product = Good();
  other_product.product = "signer2";
  Release other_type = Good();
  other_type.type = AttestationType::kNitroTpm;
  EXPECT_EQ(Find({other_product, other_type}), "RELEASE_UNKNOWN");
  EXPECT_EQ(Find({other_product, Good(), other_type}), "2.3.0");
}

TEST(ReleaseSet, AcceptsWithinTheWindowWithBothItsEnds) {
  Release release = Good();
  release.valid_from = kNow - absl::Seconds(10);
  release.valid_until = kNow + absl::Seconds(10);
  EXPECT_EQ(Find({release}, release.valid_from), "2.3.0");
  EXPECT_EQ(Find({release}, release.valid_until), "2.3.0");
  EXPECT_EQ(Find({release}, release.valid_from - absl::Nanoseconds(1)),
            "RELEASE_UNKNOWN");
  EXPECT_EQ(Find({release}, release.valid_until + absl::Nanoseconds(1)),
            "RELEASE_UNKNOWN");
}

TEST(ReleaseSet, ARetiredReleaseIsUnknownUnlessAnotherHasItsMeasurements) {
  Release retired = Good();
  retired.name = "2.2.9";
  retired.status = ReleaseStatus::kRetired;
  EXPECT_EQ(Find({retired}), "RELEASE_UNKNOWN");
  EXPECT_EQ(Find({retired, Good()}), "2.3.0");
}

TEST(ReleaseSet, RevokedWinsWhateverItsPlaceAndWindow) {
  Release revoked = Good();
  revoked.status = ReleaseStatus::kRevoked;
  revoked.valid_until = kNow - absl::Hours(1);
  for (const char* name : {"2.2.0", "2.4.0"}) {
    revoked.name = name;
    EXPECT_EQ(Find({revoked, Good()}), "RELEASE_REVOKED");
    EXPECT_EQ(Find({Good(), revoked}), "RELEASE_REVOKED");
  }
}

TEST(ReleaseSet, ARevokedReleaseOfOtherMeasurementsChangesNothing) {
  Release revoked = Other("2.2.0");
  revoked.status = ReleaseStatus::kRevoked;
  EXPECT_EQ(Find({revoked, Good()}), "2.3.0");
}

TEST(ReleaseSet, ListsTheReleasesOfAProduct) {
  Release tpm = Other("2.3.0");
  tpm.type = AttestationType::kNitroTpm;
  Release before = Other("1");
  before.product = "a";
  Release after = Other("1");
  after.product = "z";
  const ReleaseSet set({after, tpm, Other("2.4.0"), Good(), before});
  const auto found = set.Of(AttestationType::kEnclave, "signer");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "2.3.0");
  EXPECT_EQ(found[1].name, "2.4.0");
  EXPECT_EQ(set.Of(AttestationType::kNitroTpm, "signer").size(), 1u);
  EXPECT_TRUE(set.Of(AttestationType::kNitroTpm, "a").empty());
  EXPECT_TRUE(set.Of(AttestationType::kEnclave, "").empty());
  EXPECT_EQ(set.releases().size(), 5u);
}

// --- As a policy -------------------------------------------------------------

constexpr char kWhy[] = "a test";

std::shared_ptr<const ReleaseSet> SetOf(std::vector<Release> releases) {
  return std::make_shared<const ReleaseSet>(std::move(releases));
}

template <typename Policy>
std::optional<Reason> Build(std::string_view product,
                            std::shared_ptr<const ReleaseSet> releases) {
  return ReasonOf(typename Policy::Builder()
                      .ExpectRelease(product, std::move(releases))
                      .IgnoreTheRest(kWhy)
                      .Build()
                      .status());
}

TEST(ReleasePolicy, NeedsAProduct) {
  EXPECT_EQ(Build<EnclavePolicy>("signer", SetOf({Good()})), std::nullopt);
  EXPECT_EQ(Build<EnclavePolicy>("", SetOf({Good()})), Reason::kPolicyEmpty);
}

TEST(ReleasePolicy, CanBeBuiltWithoutAListAndThenAcceptsNothing) {
  EXPECT_EQ(Build<EnclavePolicy>("signer", nullptr), std::nullopt);
  EXPECT_EQ(Build<NitroTpmPolicy>("signer", SetOf({})), std::nullopt);
}

TEST(ReleasePolicy, SaysTheMeasurements) {
  const auto twice = EnclavePolicy::Builder()
                         .ExpectRelease("signer", SetOf({Good()}))
                         .ExpectPcrs(Good().pcrs)
                         .IgnoreTheRest(kWhy)
                         .Build();
  EXPECT_EQ(ReasonOf(twice.status()), Reason::kFieldInvalid);
}

TEST(ReleasePolicy, RefusesAnActiveNitroTpmReleaseOnPcr4Alone) {
  Release release = Good();
  release.type = AttestationType::kNitroTpm;
  release.pcrs = *PcrSet::FromBytes({{4, Value('4')}});
  EXPECT_EQ(Build<NitroTpmPolicy>("signer", SetOf({release})),
            Reason::kPolicyUnsafe);
  EXPECT_EQ(Build<NitroTpmPolicy>("other", SetOf({release})), std::nullopt);
  EXPECT_EQ(Build<EnclavePolicy>("signer", SetOf({release})), std::nullopt);
  release.status = ReleaseStatus::kRevoked;
  EXPECT_EQ(Build<NitroTpmPolicy>("signer", SetOf({release})), std::nullopt);
  release.status = ReleaseStatus::kActive;
  release.pcrs = *PcrSet::FromBytes({{4, Value('4')}, {12, Value('\0')}});
  EXPECT_EQ(Build<NitroTpmPolicy>("signer", SetOf({release})), std::nullopt);
}

TEST(ReleasePolicy, RefusesAnActiveReleaseThatIsNoImagesOwn) {
  Release release = Good();
  release.pcrs = *PcrSet::FromBytes({{1, Value('1')}});
  EXPECT_EQ(Build<EnclavePolicy>("signer", SetOf({release})),
            Reason::kPolicyUnsafe);
  release.type = AttestationType::kNitroTpm;
  release.pcrs = *PcrSet::FromBytes({{12, Value('\0')}});
  EXPECT_EQ(Build<NitroTpmPolicy>("signer", SetOf({release})),
            Reason::kPolicyUnsafe);
}

// As a list that was signed before may have it.
TEST(ReleasePolicy, WarnsOfAnImageThatTellsNothing) {
  Release release = Good();
  release.pcrs = *PcrSet::FromBytes({{0, Value('\0')}});
  const auto policy = EnclavePolicy::Builder()
                          .ExpectRelease("signer", SetOf({Good(), release}))
                          .IgnoreTheRest(kWhy)
                          .Build();
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->warnings().size(), 1U);
}

}  // namespace
}  // namespace anchorage::verify
