// Runs the tables of attacks on attestation documents, and sees to it that the
// tables are whole.

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "test/attacks/attestation_case.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

using verify::Reason;

std::vector<AttestationAttack> AllAttacks() {
  return Join<AttestationCase>(
      {CoseAttacks(), CborAttacks(), ChainAttacks(), CertificateAttacks(),
       DocumentAttacks(), FreshnessAttacks(), AttestationPolicyAttacks()});
}

// Reasons that no attestation document can have, and where they are tested.
std::set<Reason> ReasonsOfOtherLayers() {
  return {
      // verify/identity: test/attacks/identity_attacks_test.cc.
      Reason::kPkcs7Malformed, Reason::kSignerCount, Reason::kContentMissing,
      Reason::kSignedAttributesRequired, Reason::kSignedAttributeMissing,
      Reason::kDuplicateAttribute, Reason::kContentTypeMismatch,
      Reason::kDigestNotAllowed, Reason::kDocumentMalformed,
      Reason::kRegionUnknown, Reason::kContentMismatch, Reason::kDigestMismatch,
      Reason::kRegionMismatch, Reason::kPendingTimeRegressed, Reason::kReplayed,
      Reason::kKindNotAllowed, Reason::kAccountNotAllowed,
      Reason::kPartitionNotAllowed, Reason::kImageNotAllowed,
      Reason::kInstanceTypeNotAllowed, Reason::kArchitectureNotAllowed,
      Reason::kProductCodeNotAllowed, Reason::kBillingProductNotAllowed,
      Reason::kLedgerUnavailable,
      // Staleness: client.
      Reason::kAnchorsExpired,
      // No input makes the library or the process fail.
      Reason::kCryptoUnavailable, Reason::kCryptoProviderMissing,
      Reason::kResourcesExhausted};
}

class AttestationAttackTest
    : public ::testing::TestWithParam<AttestationAttack> {};

TEST_P(AttestationAttackTest, IsAnsweredAsTheTableSays) {
  const AttestationAttack& attack = GetParam();
  AttestationCase c;
  attack.change(c);
  const std::string verdict = Verdict(Judge(c));
  const std::string want = Verdict(attack.want);
  PrintRow(attack.id, attack.by, attack.what, verdict, verdict == want);
  EXPECT_EQ(verdict, want) << attack.id << ": " << attack.what;
}

INSTANTIATE_TEST_SUITE_P(Attestation, AttestationAttackTest,
                         ::testing::ValuesIn(AllAttacks()),
                         [](const auto& info) { return info.param.id; });

TEST(AttestationAttackTableTest, HasARowForEveryReason) {
  const std::set<Reason> produced = ReasonsOf(AllAttacks());
  for (const Reason reason : verify::AllReasons()) {
    EXPECT_NE(produced.count(reason), ReasonsOfOtherLayers().count(reason))
        << NameOf(reason);
  }
}

TEST(AttestationAttackTableTest, HasARowForEveryAttackOfTheCatalogue) {
  std::set<std::string> wanted = CatalogueRange("", 0, 13);
  for (const auto& range :
       {CatalogueRange("", 20, 45), CatalogueRange("", 50, 87),
        CatalogueRange("n", 1, 27)}) {
    wanted.insert(range.begin(), range.end());
  }
  // A failure carries no result: that is the return type's doing.
  wanted.erase("n14");
  const std::set<std::string> have = IdsOf(AllAttacks());
  for (const std::string& id : wanted) {
    EXPECT_EQ(have.count(id), 1u) << id;
  }
}

}  // namespace
}  // namespace anchorage::test
