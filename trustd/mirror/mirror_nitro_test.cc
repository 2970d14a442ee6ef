// The root of Nitro attestation documents: one key, signed with ECDSA.

#include "anchors/self_signature.h"
#include "test/support/mirror_fixture.h"

namespace anchorage::trustd {
namespace {

using ::testing::SizeIs;
using verify::AnchorKind;

class NitroRootTest : public IrelandTest {
 protected:
  inline static const verify::Slot kRoot = {"aws", "", AnchorKind::kNitroRoot};

  NitroRootTest()
      : key_(test::TestKey::Derived(test::KeyType::kP384, "root")) {}

  void SetUp() override {
    IrelandTest::SetUp();
    seed_ = *AddAnchor(seed_, kRoot, RootOn(kNow - absl::Hours(100), "\x01"),
                       {"AWS", ""}, {.time = kNow});
    store_ = FakeStore();
    hub_.~PublicationHub();
    new (&hub_) PublicationHub();
    Start();
  }

  std::string RootOn(absl::Time not_before, const std::string& serial) const {
    return test::MakeCertificate(SpecOf(not_before, serial));
  }

  // The same with the other signature that the key's holder need not make.
  std::string OtherwiseSigned(absl::Time not_before,
                              const std::string& serial) const {
    test::CertSpec spec = SpecOf(not_before, serial);
    std::string signed_bytes;
    spec.edit_tbs = [&](std::string tbs) { return signed_bytes = tbs; };
    spec.edit_signature = [&](const std::string&) {
      test::RawSignature signature =
          key_.SignRaw(test::HashOf(test::Hash::kSha384, signed_bytes));
      const std::string order = key_.modulus();
      signature.s = test::Subtract(order, signature.s, order.size());
      return test::DerSignature(signature);
    };
    return test::MakeCertificate(spec);
  }

  // The archive that AWS publishes. It is confirmed by the SHA-256 that AWS
  // prints.
  absl::Status Archive(const std::string& der, bool is_confirmed = true) {
    Observation look;
    look.source = "nitro-root";
    look.time = now_;
    look.scope = {{"aws"}, {AnchorKind::kNitroRoot}};
    look.content_sha256 = verify::Sha256Hex(der);
    look.certificates = {{kRoot, der, 0}};
    if (!is_confirmed) {
      look.problems = {
          {ProblemKind::kNotConfirmed, 0, "AWS prints another SHA-256"}};
    }
    return Observe(look);
  }

  std::size_t Certificates() const {
    for (const auto& anchor : hub_.Current()->catalog.anchors) {
      if (anchor.slot == kRoot) return anchor.certificates.size();
    }
    return 0;
  }

  test::CertSpec SpecOf(absl::Time not_before,
                        const std::string& serial) const {
    test::CertSpec spec;
    spec.serial = serial;
    spec.issuer = spec.subject = test::AwsLlcName();
    spec.key = spec.issuer_key = &key_;
    spec.SetValidity(not_before, kNow + absl::Hours(24 * 365));
    spec.extensions = {test::BasicConstraints(true)};
    return spec;
  }

  const test::TestKey& key_;
};

// With (r, s), (r, n - s) is a signature, too: anybody can write it.
TEST_F(NitroRootTest, ASignatureThatIsWrittenOtherwiseIsNoReissue) {
  const std::string other = OtherwiseSigned(kNow - absl::Hours(100), "\x01");
  ASSERT_NE(other, RootOn(kNow - absl::Hours(100), "\x01"));
  ASSERT_TRUE(anchors::IsSelfSigned(other));
  ASSERT_TRUE(Archive(other).ok());
  EXPECT_THAT(All(), SizeIs(0));
  EXPECT_EQ(Sequence(), 1u);
  // Nor does a person bring it in, who cannot see the difference.
  v1::PinFact fact;
  fact.set_action(v1::PinFact::ACTION_ADD);
  fact.mutable_slot()->set_partition("aws");
  fact.mutable_slot()->set_kind(v1::ANCHOR_KIND_NITRO_ROOT);
  fact.set_certificate(other);
  fact.set_by("olga");
  fact.set_why("it looks right");
  EXPECT_EQ(mirror_->Pin({.fact = fact}, now_).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Certificates(), 1u);
}

TEST_F(NitroRootTest, OnlyWithTheHashThatAwsPrints) {
  const std::string reissue = RootOn(kNow, "\x02");
  ASSERT_TRUE(Archive(reissue, false).ok());
  Pass(absl::Hours(100));
  EXPECT_EQ(Sequence(), 1u);
  EXPECT_EQ(Open(), 1);
  ASSERT_TRUE(Archive(reissue).ok());
  EXPECT_EQ(Certificates(), 2u);
}

TEST_F(NitroRootTest, NoneOfItsCertificatesIsPruned) {
  for (std::size_t i = 1; i < anchors::kMaxCertificatesPerAnchor; ++i) {
    ASSERT_TRUE(Archive(RootOn(now_, absl::StrCat("\x7e", i))).ok());
    now_ += absl::Hours(7);
  }
  ASSERT_EQ(Certificates(), anchors::kMaxCertificatesPerAnchor);
  ASSERT_TRUE(Archive(RootOn(now_, "\x7f\x7f")).ok());
  EXPECT_EQ(Certificates(), anchors::kMaxCertificatesPerAnchor);
}

}  // namespace
}  // namespace anchorage::trustd
