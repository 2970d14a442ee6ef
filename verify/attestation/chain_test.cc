#include "verify/attestation/chain.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/fake_nitro.h"
#include "test/fake_aws/keys.h"
#include "test/fake_aws/x509_writer.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using test::BasicConstraints;
using test::CertSpec;
using test::FakeNitro;
using test::KeyUsage;
using test::kInstance;
using test::kLeaf;
using test::kRegional;
using test::kRoot;
using test::kZonal;
using test::NitroType;
using test::TestKey;

absl::Time At() {
  return absl::FromCivil(absl::CivilSecond(2026, 9, 20, 12, 0, 0),
                         absl::UTCTimeZone());
}

// Everything one call depends on. A test starts from Good(), breaks one part.
struct Case {
  std::vector<CertSpec> specs;
  // Applied to the encoded certificates, root first.
  std::function<void(std::vector<std::string>&)> edit;
  std::vector<AnchorRecord> anchors;
  std::string partition = "aws";
  absl::Time at = At();
  absl::Duration leeway = absl::ZeroDuration();
  ChainCache* cache = nullptr;
};

Case Good() {
  Case c;
  c.specs = FakeNitro().Chain(NitroType::kEnclave, At());
  c.anchors = {FakeNitro().RootAnchor()};
  return c;
}

absl::Status Decide(const Case& c) {
  std::vector<std::string> ders;
  for (const CertSpec& spec : c.specs) ders.push_back(MakeCertificate(spec));
  if (c.edit) c.edit(ders);
  const auto anchors = AnchorSet::Create(c.anchors, {});
  EXPECT_TRUE(anchors.ok()) << anchors.status();
  const std::string leaf = ders.back();
  const std::vector<std::string_view> bundle(ders.begin(), ders.end() - 1);
  const auto chain =
      VerifyChain(bundle, leaf, **anchors, c.partition, c.at, c.cache);
  if (!chain.ok()) return chain.status();
  return CheckValidity(*chain, c.at, c.leeway);
}

// Gives a certificate another key, with which it signs the next one.
void SetKey(Case& c, std::size_t place, const TestKey& key) {
  c.specs[place].key = &key;
  if (place + 1 < c.specs.size()) c.specs[place + 1].issuer_key = &key;
}

TEST(Chain, OfAwsIsAccepted) {
  const absl::Status status = Decide(Good());
  EXPECT_TRUE(status.ok()) << status;
}

TEST(Chain, GivesTheLeafsKeyAndTheAnchor) {
  const Case c = Good();
  std::vector<std::string> ders;
  for (const CertSpec& spec : c.specs) ders.push_back(MakeCertificate(spec));
  const auto anchors = AnchorSet::Create(c.anchors, {});
  const std::vector<std::string_view> bundle(ders.begin(), ders.end() - 1);
  const auto chain =
      VerifyChain(bundle, ders.back(), **anchors, "aws", c.at, nullptr);
  ASSERT_TRUE(chain.ok()) << chain.status();
  EXPECT_EQ(chain->root, &(*anchors)->anchors()[0]);
  EXPECT_EQ(chain->leaf().der, ders[kLeaf]);
  const Digest digest = Hash(HashAlgorithm::kSha384, "message");
  EXPECT_TRUE(
      chain->leaf_key
          .VerifyDigestFixed(HashAlgorithm::kSha384, digest,
                             c.specs[kLeaf].key->SignFixed(digest.view()))
          .ok());
}

TEST(Chain, OfAnyLengthFromTwoToEightIsAccepted) {
  // A leaf of the root.
  Case shortest = Good();
  shortest.specs = {shortest.specs[kRoot], shortest.specs[kLeaf]};
  shortest.specs[1].issuer = shortest.specs[0].subject;
  shortest.specs[1].issuer_key = shortest.specs[0].key;
  EXPECT_TRUE(Decide(shortest).ok());

  // Three more authorities below the root.
  Case longest = Good();
  for (int i = 0; i < 3; ++i) {
    CertSpec extra = longest.specs[kRegional];
    *extra.Find(test::kOidBasicConstraints) = BasicConstraints(true);
    extra.subject = test::AmazonName("extra " + std::to_string(i));
    extra.issuer = longest.specs[kRoot].subject;
    extra.issuer_key = longest.specs[kRoot].key;
    longest.specs.insert(longest.specs.begin() + 1, extra);
    longest.specs[2].issuer = extra.subject;
    longest.specs[2].issuer_key = extra.key;
  }
  ASSERT_EQ(longest.specs.size(), kMaxChainCertificates);
  EXPECT_TRUE(Decide(longest).ok()) << Decide(longest);

  longest.specs.insert(longest.specs.begin() + 1, longest.specs[1]);
  EXPECT_EQ(ReasonOf(Decide(longest)), Reason::kChainLength);
}

TEST(Chain, WithoutAuthoritiesIsTooShort) {
  Case c = Good();
  c.specs = {c.specs[kRoot]};
  EXPECT_EQ(ReasonOf(Decide(c)), Reason::kChainLength);
}

struct Breakage {
  std::string name;
  std::function<void(Case&)> apply;
  Reason expected;
  int index = -1;
};

class OneBreakage : public ::testing::TestWithParam<Breakage> {};

TEST_P(OneBreakage, IsRejectedForExactlyThatReason) {
  Case c = Good();
  GetParam().apply(c);
  const absl::Status status = Decide(c);
  EXPECT_EQ(ReasonOf(status), GetParam().expected) << status;
  EXPECT_EQ(CertificateIndexOf(status), GetParam().index);
}

// The answer must not depend on what a cache has seen, of this chain or of
// the genuine one.
TEST_P(OneBreakage, IsRejectedWithACacheToo) {
  ChainCache cache;
  Case good = Good();
  good.cache = &cache;
  ASSERT_TRUE(Decide(good).ok());
  Case c = Good();
  GetParam().apply(c);
  c.cache = &cache;
  for (int i = 0; i < 2; ++i) {
    const absl::Status status = Decide(c);
    EXPECT_EQ(ReasonOf(status), GetParam().expected) << status;
    EXPECT_EQ(CertificateIndexOf(status), GetParam().index);
  }
}

std::string NameOfCase(const ::testing::TestParamInfo<Breakage>& info) {
  return info.param.name;
}

// A root of nobody, with AWS's name.
CertSpec AttackerRoot() {
  CertSpec root = Good().specs[kRoot];
  root.key = root.issuer_key =
      &TestKey::Derived(test::KeyType::kP384, "attacker");
  return root;
}

INSTANTIATE_TEST_SUITE_P(
    Root, OneBreakage,
    ::testing::Values(
        Breakage{"NoAnchors", [](Case& c) { c.anchors.clear(); },
                 Reason::kNoUsableAnchors},
        Breakage{"OfAnotherPartition",
                 [](Case& c) { c.anchors[0].slot.partition = "aws-us-gov"; },
                 Reason::kPartitionMismatch},
        Breakage{"OfAnotherPartitionOfTwo",
                 [](Case& c) {
                   c.anchors.push_back(FakeNitro("aws-cn").RootAnchor());
                   c.partition = "aws-cn";
                 },
                 Reason::kPartitionMismatch},
        Breakage{"Attackers", [](Case& c) { c.specs[kRoot] = AttackerRoot(); },
                 Reason::kRootNotPinned},
        Breakage{"Absent", [](Case& c) { c.specs.erase(c.specs.begin()); },
                 Reason::kRootNotPinned},
        Breakage{"ReissuedOverTheSameKey",
                 [](Case& c) { c.specs[kRoot].serial = "\x02"; },
                 Reason::kRootNotPinned},
        Breakage{"LastInsteadOfFirst",
                 [](Case& c) { std::swap(c.specs[kRoot], c.specs[kInstance]); },
                 Reason::kRootNotPinned},
        Breakage{"WithBytesBehindIt",
                 [](Case& c) {
                   c.edit = [](std::vector<std::string>& ders) {
                     ders[kRoot] += '\0';
                   };
                 },
                 Reason::kRootNotPinned},
        Breakage{"Revoked",
                 [](Case& c) { c.anchors[0].status = AnchorStatus::kRevoked; },
                 Reason::kAnchorRevoked},
        Breakage{"Retired",
                 [](Case& c) { c.anchors[0].status = AnchorStatus::kRetired; },
                 Reason::kAnchorNotActive},
        Breakage{
            "Announced",
            [](Case& c) { c.anchors[0].status = AnchorStatus::kAnnounced; },
            Reason::kAnchorNotActive},
        Breakage{"AcceptedNoLonger",
                 [](Case& c) {
                   c.anchors[0].accept_until = At() - absl::Seconds(1);
                 },
                 Reason::kAnchorNotActive}),
    NameOfCase);

INSTANTIATE_TEST_SUITE_P(
    Order, OneBreakage,
    ::testing::Values(
        Breakage{
            "Swapped",
            [](Case& c) { std::swap(c.specs[kRegional], c.specs[kZonal]); },
            Reason::kChainOrder, 3},
        Breakage{"Twice",
                 [](Case& c) {
                   c.specs.insert(c.specs.begin() + kZonal, c.specs[kZonal]);
                 },
                 Reason::kChainOrder, 2},
        Breakage{
            "RootTwice",
            [](Case& c) { c.specs.insert(c.specs.begin(), c.specs[kRoot]); },
            Reason::kChainOrder, 4},
        Breakage{"Missing",
                 [](Case& c) { c.specs.erase(c.specs.begin() + kZonal); },
                 Reason::kChainOrder, 1},
        Breakage{"SelfSignedLeaf",
                 [](Case& c) {
                   c.specs[kLeaf].issuer = c.specs[kLeaf].subject;
                   c.specs[kLeaf].issuer_key = c.specs[kLeaf].key;
                 },
                 Reason::kChainOrder, 0},
        Breakage{"SameNameInAnotherEncoding",
                 [](Case& c) {
                   std::string& issuer = c.specs[kLeaf].issuer;
                   const std::size_t at =
                       issuer.find(test::Utf8String("Amazon"));
                   issuer[at] = 0x13;  // a PrintableString
                 },
                 Reason::kChainOrder, 0}),
    NameOfCase);

INSTANTIATE_TEST_SUITE_P(
    Signatures, OneBreakage,
    ::testing::Values(Breakage{"AttackerRootSecond",
                               [](Case& c) {
                                 CertSpec root = AttackerRoot();
                                 *root.Find(test::kOidBasicConstraints) =
                                     BasicConstraints(true, 3);
                                 c.specs.insert(c.specs.begin() + 1, root);
                                 c.specs[2].issuer_key = root.key;
                               },
                               Reason::kChainOrder, 4},
                      Breakage{"LeafOfAnotherKey",
                               [](Case& c) {
                                 c.specs[kLeaf].issuer_key = &TestKey::Derived(
                                     test::KeyType::kP384, "attacker");
                               },
                               Reason::kChainSignature, 0},
                      Breakage{"FlippedBit",
                               [](Case& c) {
                                 c.edit = [](std::vector<std::string>& ders) {
                                   ders[kZonal].back() ^= 1;
                                 };
                               },
                               Reason::kChainSignature, 2},
                      Breakage{"NotDer",
                               [](Case& c) {
                                 c.specs[kZonal].edit_signature =
                                     [](std::string s) { return s + '\0'; };
                               },
                               Reason::kChainSignature, 2},
                      Breakage{"PointNotOnTheCurve",
                               [](Case& c) {
                                 c.specs[kZonal].spki =
                                     c.specs[kZonal].key->spki_der();
                                 c.specs[kZonal].spki.back() ^= 1;
                               },
                               Reason::kCertificateMalformed, 2}),
    NameOfCase);

INSTANTIATE_TEST_SUITE_P(
    Roles, OneBreakage,
    ::testing::Values(
        Breakage{"IssuerNoCa",
                 [](Case& c) {
                   *c.specs[kZonal].Find(test::kOidBasicConstraints) =
                       BasicConstraints(false);
                 },
                 Reason::kIssuerNotCa, 2},
        Breakage{"IssuerWithoutConstraints",
                 [](Case& c) {
                   c.specs[kInstance].Remove(test::kOidBasicConstraints);
                 },
                 Reason::kIssuerNotCa, 1},
        Breakage{"IssuerMayNotSignCertificates",
                 [](Case& c) {
                   *c.specs[kRegional].Find(test::kOidKeyUsage) =
                       KeyUsage(test::kDigitalSignature | test::kCrlSign);
                 },
                 Reason::kIssuerKeyUsage, 3},
        Breakage{"IssuerWithoutUsage",
                 [](Case& c) { c.specs[kInstance].Remove(test::kOidKeyUsage); },
                 Reason::kIssuerKeyUsage, 1},
        Breakage{"PathTooLong",
                 [](Case& c) {
                   *c.specs[kRegional].Find(test::kOidBasicConstraints) =
                       BasicConstraints(true, 1);
                 },
                 Reason::kPathLength, 3},
        Breakage{"LeafIssuesALeaf",
                 [](Case& c) {
                   CertSpec evil = c.specs[kLeaf];
                   evil.issuer = c.specs[kLeaf].subject;
                   evil.issuer_key = c.specs[kLeaf].key;
                   evil.key = &TestKey::Derived(test::KeyType::kP384, "evil");
                   c.specs.push_back(evil);
                 },
                 Reason::kIssuerNotCa, 1},
        Breakage{"LeafIsCa",
                 [](Case& c) {
                   *c.specs[kLeaf].Find(test::kOidBasicConstraints) =
                       BasicConstraints(true);
                 },
                 Reason::kLeafIsCa, 0},
        Breakage{"LeafWithoutExtensions",
                 [](Case& c) { c.specs[kLeaf].extensions_der = ""; },
                 Reason::kLeafKeyUsage, 0},
        Breakage{"LeafMayNotSign",
                 [](Case& c) {
                   *c.specs[kLeaf].Find(test::kOidKeyUsage) =
                       KeyUsage(test::kNonRepudiation);
                 },
                 Reason::kLeafKeyUsage, 0},
        Breakage{"LeafMaySignCertificates",
                 [](Case& c) {
                   *c.specs[kLeaf].Find(test::kOidKeyUsage) =
                       KeyUsage(test::kDigitalSignature | test::kKeyCertSign);
                 },
                 Reason::kLeafKeyUsage, 0}),
    NameOfCase);

void AddCriticalExtension(CertSpec& spec) {
  spec.extensions.push_back({"1.2.3.4", true, "x"});
}

INSTANTIATE_TEST_SUITE_P(
    Certificates, OneBreakage,
    ::testing::Values(
        Breakage{"P256Leaf",
                 [](Case& c) {
                   SetKey(c, kLeaf,
                          TestKey::Derived(test::KeyType::kP256, "leaf"));
                 },
                 Reason::kCertificateAlgorithm, 0},
        Breakage{"P521Leaf",
                 [](Case& c) {
                   SetKey(c, kLeaf,
                          TestKey::Derived(test::KeyType::kP521, "leaf"));
                 },
                 Reason::kCertificateAlgorithm, 0},
        Breakage{"RsaInstance",
                 [](Case& c) { SetKey(c, kInstance, TestKey::Rsa(2048, 0)); },
                 Reason::kCertificateAlgorithm, 1},
        Breakage{"CriticalOnLeaf",
                 [](Case& c) { AddCriticalExtension(c.specs[kLeaf]); },
                 Reason::kUnknownCriticalExtension, 0},
        Breakage{"CriticalOnZonal",
                 [](Case& c) { AddCriticalExtension(c.specs[kZonal]); },
                 Reason::kUnknownCriticalExtension, 2},
        Breakage{"TrailingOnLeaf",
                 [](Case& c) {
                   c.edit = [](std::vector<std::string>& ders) {
                     ders[kLeaf] += '\0';
                   };
                 },
                 Reason::kCertificateMalformed, 0}),
    NameOfCase);

// Makes one certificate valid from `from` to `until` after At().
Breakage Validity(const std::string& name, std::size_t place,
                  absl::Duration from, absl::Duration until, Reason expected) {
  return {
      name,
      [=](Case& c) { c.specs[place].SetValidity(At() + from, At() + until); },
      expected, static_cast<int>(kLeaf - place)};
}

constexpr absl::Duration kSecond = absl::Seconds(1);
constexpr absl::Duration kHour = absl::Hours(1);

INSTANTIATE_TEST_SUITE_P(
    Dates, OneBreakage,
    ::testing::Values(Validity("LeafExpired", kLeaf, -kHour, -kSecond,
                               Reason::kLeafExpired),
                      Validity("LeafNotYetValid", kLeaf, kSecond, kHour,
                               Reason::kLeafNotYetValid),
                      Validity("InstanceExpired", kInstance, -kHour, -kSecond,
                               Reason::kIssuerExpired),
                      Validity("InstanceNotYetValid", kInstance, kSecond, kHour,
                               Reason::kIssuerNotYetValid),
                      Validity("ZonalExpired", kZonal, -kHour, -kSecond,
                               Reason::kIssuerExpired),
                      Validity("RegionalNotYetValid", kRegional, kSecond, kHour,
                               Reason::kIssuerNotYetValid),
                      Breakage{"AfterTheRoot",
                               [](Case& c) {
                                 c.at = absl::FromCivil(
                                     absl::CivilSecond(2049, 10, 29),
                                     absl::UTCTimeZone());
                               },
                               Reason::kIssuerExpired, 4}),
    NameOfCase);

TEST(Validity, IncludesBothEnds) {
  Case c = Good();
  c.specs[kLeaf].SetValidity(At(), At());
  EXPECT_TRUE(Decide(c).ok());
}

TEST(Validity, GrantsLeewayBeforeTheBeginningOnly) {
  Case c = Good();
  c.leeway = absl::Minutes(10);
  c.at = At() - absl::Minutes(15);  // the leaf is of five minutes before At()
  EXPECT_TRUE(Decide(c).ok());
  c.at -= kSecond;
  EXPECT_EQ(ReasonOf(Decide(c)), Reason::kLeafNotYetValid);
  c.at = At() - absl::Minutes(5) + absl::Seconds(10803);
  EXPECT_TRUE(Decide(c).ok());
  c.at += kSecond;
  EXPECT_EQ(ReasonOf(Decide(c)), Reason::kLeafExpired);
}

// An authority that expired while its child is in the cache.
TEST(Cache, DoesNotOutliveAnAuthority) {
  ChainCache cache;
  Case c = Good();
  c.specs[kZonal].SetValidity(At() - kHour, At() + absl::Minutes(30));
  c.cache = &cache;
  ASSERT_TRUE(Decide(c).ok());
  c.at = At() + absl::Minutes(31);
  const absl::Status status = Decide(c);
  EXPECT_EQ(ReasonOf(status), Reason::kIssuerExpired);
  EXPECT_EQ(CertificateIndexOf(status), 2);
}

TEST(Cache, DoesNotOutliveTheAnchor) {
  ChainCache cache;
  Case c = Good();
  c.cache = &cache;
  ASSERT_TRUE(Decide(c).ok());
  c.anchors[0].status = AnchorStatus::kRevoked;
  EXPECT_EQ(ReasonOf(Decide(c)), Reason::kAnchorRevoked);
}

TEST(Cache, HoldsWhatVerifiedAndNothingElse) {
  ChainCache cache;
  Case c = Good();
  c.cache = &cache;
  c.specs[kLeaf].issuer_key =
      &TestKey::Derived(test::KeyType::kP384, "attacker");
  ASSERT_EQ(ReasonOf(Decide(c)), Reason::kChainSignature);
  EXPECT_EQ(cache.stats().size, 3u);
  c = Good();
  c.cache = &cache;
  ASSERT_TRUE(Decide(c).ok());
  EXPECT_EQ(cache.stats().size, 4u);
  EXPECT_EQ(cache.stats().hits, 3u);
}

// The same certificate bytes below another key of the same name.
TEST(Cache, KnowsACertificateOnlyUnderTheKeyThatSignedIt) {
  ChainCache cache;
  Case c = Good();
  c.cache = &cache;
  ASSERT_TRUE(Decide(c).ok());
  // The instance certificate again, with another key and genuinely signed; the
  // leaf is still of the old key.
  c.specs[kInstance].key = &TestKey::Derived(test::KeyType::kP384, "other");
  EXPECT_EQ(ReasonOf(Decide(c)), Reason::kChainSignature);
}

}  // namespace
}  // namespace anchorage::verify
