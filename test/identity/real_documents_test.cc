// Every identity document that AWS is known to have made, and what was
// published as one and is none, in each form that it has.

#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/identity/real_identities.h"
#include "verify/identity/identity_policy.h"
#include "verify/identity/identity_verifier.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

using verify::AnchorKind;
using verify::IdentityForm;
using verify::IdentityNote;
using verify::Reason;

// Why what is not genuine must be refused.
const std::map<std::string, Reason>& WhyNot() {
  static const auto* const kWhy = new std::map<std::string, Reason>{
      {"negative/iid-node-invalid-document", Reason::kContentMismatch},
      {"negative/iid-identitydoc-crossed", Reason::kContentMismatch},
      {"negative/iid-athenz-mock-mismatch", Reason::kContentMismatch},
      {"negative/iid-ts-invalid-document", Reason::kSignatureMismatch},
      {"negative/iid-vssm-bad-sig", Reason::kSignatureMismatch},
  };
  return *kWhy;
}

std::string Name(const RealIdentity& r) {
  return absl::StrCat(r.path, " ", std::string(NameOf(r.form)));
}

// A policy that demands of each genuine document exactly what it is.
verify::IdentityPolicy PolicyFor(const RealIdentity& r) {
  return *verify::IdentityPolicy::Builder()
              .ExpectInstances({r.instance_id})
              .ExpectRegions({r.region})
              .ExpectPartitions({"aws"})
              .ExpectMinimumKind(verify::AnchorKindOf(r.form))
              .ExpectMaxAge(absl::Seconds(1), absl::ZeroDuration())
              .IgnoreTheRest("these are anyone's")
              .Build();
}

void ExpectVerdict(const RealIdentity& r, const verify::AnchorSet& anchors) {
  if (!r.genuine) {
    const auto policy = verify::IdentityPolicy::AuthenticityOnly("a negative");
    const auto identity =
        VerifyRecordedIdentity(r.evidence(), anchors, *policy, absl::Now());
    EXPECT_EQ(verify::ReasonOf(identity.status()), WhyNot().at(r.path))
        << Name(r) << " " << identity.status();
    return;
  }
  for (const auto& evidence : {r.evidence(), r.evidence_alone()}) {
    const auto identity =
        VerifyRecordedIdentity(evidence, anchors, PolicyFor(r), r.pending_time);
    ASSERT_TRUE(identity.ok()) << Name(r) << " " << identity.status();
    EXPECT_EQ(identity->document_bytes(), r.document) << Name(r);
    EXPECT_EQ(identity->document().pending_time, r.pending_time) << Name(r);
    for (const IdentityNote note : identity->notes()) {
      EXPECT_TRUE(note == IdentityNote::kSharedKey ||
                  note == IdentityNote::kAlgorithmsUnprotected)
          << Name(r) << " " << NameOf(note);
    }
  }
}

TEST(RealIdentities, ThatTheProjectCarriesGetTheirVerdicts) {
  const auto anchors = RealIdentityAnchors();
  const auto identities = CarriedIdentities();
  ASSERT_EQ(identities.size(), 6u);
  for (const RealIdentity& r : identities) ExpectVerdict(r, *anchors);
}

TEST(RealIdentities, ThatTheProjectOnlyKnowsGetTheirVerdicts) {
  const auto identities = SharedIdentities();
  if (!identities.has_value()) {
    GTEST_SKIP() << "skipped: ANCHORAGE_SHARED_VECTORS is not set";
  }
  const auto anchors = RealIdentityAnchors();
  std::map<std::string, int> ran;
  for (const RealIdentity& r : *identities) {
    ExpectVerdict(r, *anchors);
    ++ran[absl::StrCat(r.genuine ? "genuine " : "not genuine ",
                       std::string(NameOf(r.form)))];
  }
  for (const auto& [what, count] : ran) {
    std::cout << "ran " << count << " " << what << "\n";
  }
  EXPECT_GE(identities->size(), 28u);
}

// AWS re-issued 28 of its RSA-1024 certificates over the same keys. Documents
// of all years verify with the superseded certificates alone.
TEST(RealIdentities, VerifyUnderSupersededCertificatesOfTheSameKey) {
  const auto anchors = RealIdentityAnchors(Certificates::kSuperseded);
  ASSERT_GE(anchors->anchors().size(), 28u);
  int ran = 0;
  for (const RealIdentity& r : CarriedIdentities()) {
    if (!r.genuine || r.form != IdentityForm::kSignature) continue;
    ExpectVerdict(r, *anchors);
    ++ran;
  }
  EXPECT_GE(ran, 1);
}

// In China the anchors of /pkcs7 are RSA keys.
TEST(RealIdentityAnchors, CoverEveryRegionThatAwsPublishes) {
  const auto anchors = RealIdentityAnchors();
  std::map<AnchorKind, int> slots;
  for (const verify::Anchor& anchor : anchors->anchors()) {
    ++slots[anchor.slot().kind];
    if (anchor.slot().partition == "aws-cn" &&
        anchor.slot().kind == AnchorKind::kIidDsa) {
      EXPECT_EQ(anchor.key().type(), verify::KeyType::kRsa);
      EXPECT_EQ(anchor.key().bits(), 2048);
    }
  }
  EXPECT_EQ(slots[AnchorKind::kIidRsa2048], 39);
  EXPECT_EQ(slots[AnchorKind::kIidRsa1024], 39);
  EXPECT_EQ(slots[AnchorKind::kIidDsa], 36);
}

}  // namespace
}  // namespace anchorage::test
