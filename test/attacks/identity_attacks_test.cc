// Runs the tables of attacks on identity documents, and sees to it that the
// tables are whole.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "test/attacks/identity_case.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

using verify::IdentityNote;
using verify::Reason;

std::vector<IdentityAttack> AllAttacks() {
  return Join<IdentityCase>({Pkcs7Attacks(), SignatureAttacks(),
                             AnchorAttacks(), JsonAttacks(),
                             IdentityPolicyAttacks()});
}

// Reasons that no identity document can have, and where they are tested.
std::set<Reason> ReasonsOfOtherLayers() {
  return {
      // verify/attestation: test/attacks/attestation_attacks_test.cc.
      Reason::kFieldUnknown, Reason::kCborMalformed, Reason::kCoseTag,
      Reason::kCoseMalformed, Reason::kCoseAlgorithm,
      Reason::kUnprotectedNotEmpty, Reason::kDigestUnsupported,
      Reason::kAmbiguousDocumentType, Reason::kWrongDocumentType,
      Reason::kCertificateMalformed, Reason::kChainLength,
      Reason::kRootNotPinned, Reason::kPartitionMismatch, Reason::kChainOrder,
      Reason::kChainSignature, Reason::kCertificateAlgorithm,
      Reason::kUnknownCriticalExtension, Reason::kIssuerNotCa,
      Reason::kIssuerKeyUsage, Reason::kPathLength, Reason::kLeafIsCa,
      Reason::kLeafKeyUsage, Reason::kLeafName, Reason::kIssuerExpired,
      Reason::kIssuerNotYetValid, Reason::kLeafExpired,
      Reason::kLeafNotYetValid, Reason::kTimestampOutsideLeaf,
      Reason::kNonceMissing, Reason::kNonceMismatch, Reason::kUserDataMismatch,
      Reason::kPublicKeyMismatch, Reason::kPolicyUnsafe,
      Reason::kModuleNotAllowed, Reason::kDebugEnclave, Reason::kPcrMismatch,
      Reason::kBootExtended,
      // Releases and staleness: anchors and client.
      Reason::kReleaseUnknown, Reason::kReleaseRevoked, Reason::kAnchorsExpired,
      // No input makes the library or the process fail.
      Reason::kCryptoUnavailable, Reason::kCryptoProviderMissing,
      Reason::kResourcesExhausted};
}

class IdentityAttackTest : public ::testing::TestWithParam<IdentityAttack> {};

TEST_P(IdentityAttackTest, IsAnsweredAsTheTableSays) {
  const IdentityAttack& attack = GetParam();
  IdentityCase c;
  attack.change(c);
  const std::string verdict = Verdict(Judge(c).status());
  const std::string want = Verdict(attack.want);
  PrintRow(attack.id, attack.by, attack.what, verdict, verdict == want);
  EXPECT_EQ(verdict, want) << attack.id << ": " << attack.what;
}

INSTANTIATE_TEST_SUITE_P(Identity, IdentityAttackTest,
                         ::testing::ValuesIn(AllAttacks()),
                         [](const auto& info) { return info.param.id; });

TEST(IdentityAttackTableTest, HasARowForEveryReason) {
  const std::set<Reason> produced = ReasonsOf(AllAttacks());
  for (const Reason reason : verify::AllReasons()) {
    EXPECT_NE(produced.count(reason), ReasonsOfOtherLayers().count(reason))
        << NameOf(reason);
  }
}

TEST(IdentityAttackTableTest, HasARowForEveryAttackOfTheCatalogue) {
  std::set<std::string> wanted = {"r00", "r01"};
  for (const auto& range :
       {CatalogueRange("p", 0, 27), CatalogueRange("i", 1, 30)}) {
    wanted.insert(range.begin(), range.end());
  }
  const std::set<std::string> have = IdsOf(AllAttacks());
  for (const std::string& id : wanted) {
    EXPECT_EQ(have.count(id), 1u) << id;
  }
}

// What an accepted row is worth knowing for.
TEST(IdentityNotesTest, TellWhatIsUnusualAboutAnAcceptedRow) {
  const struct {
    const char* id;
    std::vector<IdentityNote> notes;
  } kCases[] = {
      {"p00a", {}},
      {"p00b", {IdentityNote::kAlgorithmsUnprotected}},
      {"r00", {IdentityNote::kAnchorReissued}},
      {"r01", {IdentityNote::kAnchorReissued}},
      {"i03c", {IdentityNote::kSharedKey}},
      {"i09l", {IdentityNote::kUnknownKeys}},
      {"i13", {IdentityNote::kSigningTimeSkew}},
      {"i23a", {IdentityNote::kAlgorithmsUnprotected}},
  };
  const std::vector<IdentityAttack> attacks = AllAttacks();
  for (const auto& wanted : kCases) {
    const auto row = std::find_if(
        attacks.begin(), attacks.end(),
        [&](const IdentityAttack& a) { return a.id == wanted.id; });
    ASSERT_NE(row, attacks.end()) << wanted.id;
    IdentityCase c;
    row->change(c);
    const auto identity = Judge(c);
    ASSERT_TRUE(identity.ok()) << wanted.id;
    EXPECT_EQ(identity->notes(), wanted.notes) << wanted.id;
  }
}

}  // namespace
}  // namespace anchorage::test
