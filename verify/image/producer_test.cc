#include "verify/image/producer.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/fake_aws/der_writer.h"
#include "test/support/fake_producer.h"
#include "verify/image/image_error.h"

namespace anchorage::verify {
namespace {

using test::BasicConstraints;
using test::CertSpec;
using test::ExtKeyUsage;
using test::FakeProducer;
using test::KeyType;
using test::KeyUsage;
using test::MakeCertificate;
using test::TestKey;

std::vector<std::string> ChainOf(const FakeProducer& producer) {
  return producer.Contents("").chain_der;
}

absl::StatusOr<VerifiedSigner> Verify(const FakeProducer& producer) {
  const TrustedProducer pinned = producer.Pinned();
  return VerifyProducerChain(ChainOf(producer), {&pinned, 1});
}

std::optional<ImageReason> Refusal(const FakeProducer& producer) {
  return ImageReasonOf(Verify(producer).status());
}

TEST(Producer, VerifiesBothCurves) {
  for (const KeyType type : {KeyType::kP256, KeyType::kP384}) {
    const FakeProducer producer(type);
    const auto signer = Verify(producer);
    ASSERT_TRUE(signer.ok()) << signer.status();
    EXPECT_EQ(signer->producer, "Example");
    EXPECT_EQ(signer->signer, "Example Build");
    EXPECT_EQ(signer->hash, type == KeyType::kP384 ? HashAlgorithm::kSha384
                                                   : HashAlgorithm::kSha256);
    EXPECT_TRUE(
        CheckValidity(*signer, absl::FromCivil(absl::CivilDay(2026, 11, 30),
                                               absl::UTCTimeZone()))
            .ok());
  }
}

TEST(Producer, ACurveMaySignForAnother) {
  FakeProducer producer(KeyType::kP384);
  const TestKey& leaf = TestKey::Derived(KeyType::kP256, "small leaf");
  producer.leaf.key = &leaf;
  const auto signer = Verify(producer);
  ASSERT_TRUE(signer.ok()) << signer.status();
  EXPECT_EQ(signer->hash, HashAlgorithm::kSha256);
}

TEST(Producer, AnyCertificateOfTheChainMayBePinned) {
  const FakeProducer producer;
  for (const CertSpec* spec :
       {&producer.leaf, &producer.issuer, &producer.root}) {
    const TrustedProducer pinned = producer.Pinned(*spec);
    EXPECT_TRUE(VerifyProducerChain(ChainOf(producer), {&pinned, 1}).ok());
  }
  FakeProducer whole;
  whole.chain = {MakeCertificate(whole.leaf), MakeCertificate(whole.issuer),
                 MakeCertificate(whole.root)};
  EXPECT_TRUE(Verify(whole).ok());
}

TEST(Producer, OfTwoRootsWithOneNameTheOneThatSignedCounts) {
  const FakeProducer producer;
  FakeProducer other;
  const TestKey& key = TestKey::Derived(KeyType::kP256, "other root");
  other.root.key = other.root.issuer_key = &key;
  TrustedProducer pinned = other.Pinned();
  pinned.certificates_der.push_back(MakeCertificate(producer.root));
  EXPECT_TRUE(VerifyProducerChain(ChainOf(producer), {&pinned, 1}).ok());
}

TEST(Producer, APinnedCertificateThatCannotBeReadBlocksNoOther) {
  const FakeProducer producer;
  FakeProducer rsa;
  rsa.root.key = rsa.root.issuer_key = &TestKey::Rsa(2048, 0);
  const TrustedProducer pinned[] = {rsa.Pinned(), producer.Pinned()};
  EXPECT_TRUE(VerifyProducerChain(ChainOf(producer), pinned).ok());
  // Where nothing else matches, it says why.
  EXPECT_EQ(ImageReasonOf(
                VerifyProducerChain(ChainOf(producer), {pinned, 1}).status()),
            ImageReason::kCertificateAlgorithm);
}

// The chain has another certificate of the CA than the pinned one.
TEST(Producer, ACaMayBeIssuedAnew) {
  for (CertSpec FakeProducer::*renewed :
       {&FakeProducer::issuer, &FakeProducer::root}) {
    FakeProducer producer;
    const TrustedProducer pinned = producer.Pinned(producer.*renewed);
    CertSpec& ca = producer.*renewed;
    ca.serial += '\x01';
    producer.chain = {MakeCertificate(producer.leaf),
                      MakeCertificate(producer.issuer),
                      MakeCertificate(producer.root)};
    const auto signer = VerifyProducerChain(producer.chain, {&pinned, 1});
    EXPECT_TRUE(signer.ok()) << signer.status();
    // Another key under its name.
    ca.key = &TestKey::Derived(KeyType::kP256, "other");
    FakeProducer other;
    (other.*renewed).key = ca.key;
    const TrustedProducer foreign = other.Pinned(other.*renewed);
    EXPECT_EQ(ImageReasonOf(
                  VerifyProducerChain(producer.chain, {&foreign, 1}).status()),
              ImageReason::kChainSignature);
  }
}

TEST(Producer, NoProducersNeverMeansNoCheck) {
  const FakeProducer producer;
  EXPECT_EQ(ImageReasonOf(VerifyProducerChain(ChainOf(producer), {}).status()),
            ImageReason::kNoProducers);
  const TrustedProducer empty = {.name = "empty"};
  EXPECT_EQ(ImageReasonOf(
                VerifyProducerChain(ChainOf(producer), {&empty, 1}).status()),
            ImageReason::kNoProducers);
}

struct Case {
  const char* what;
  std::function<void(FakeProducer&)> breaks;
  ImageReason reason;
};

TEST(Producer, RefusesEachBreachWithItsReason) {
  const TestKey& other = TestKey::Derived(KeyType::kP256, "other");
  const TestKey& p521 = TestKey::Derived(KeyType::kP521, "big");
  const Case cases[] = {
      {"another's root",
       [&](FakeProducer& p) {
         p.root.subject = p.root.issuer = p.issuer.issuer =
             test::NameOf("Other");
         p.chain = {MakeCertificate(p.leaf), MakeCertificate(p.issuer)};
         p.root.subject = p.root.issuer = test::NameOf("Example Root");
       },
       ImageReason::kProducerNotTrusted},
      {"another key under the root's name",
       [&](FakeProducer& p) { p.issuer.issuer_key = &other; },
       ImageReason::kChainSignature},
      {"another key under the issuer's name",
       [&](FakeProducer& p) { p.leaf.issuer_key = &other; },
       ImageReason::kChainSignature},
      {"a changed leaf",
       [](FakeProducer& p) {
         p.leaf.edit_certificate = [](std::string der) {
           const std::size_t at = der.find("Example Build");
           der[at] = 'e';
           return der;
         };
       },
       ImageReason::kChainSignature},
      {"an empty chain", [](FakeProducer& p) { p.chain = {""}; },
       ImageReason::kCertificateMalformed},
      {"something after the leaf",
       [](FakeProducer& p) {
         p.leaf.edit_certificate = [](std::string der) { return der + "x"; };
       },
       ImageReason::kCertificateMalformed},
      {"four certificates",
       [](FakeProducer& p) { p.chain.assign(4, MakeCertificate(p.leaf)); },
       ImageReason::kChainLength},
      {"three below the root",
       [](FakeProducer& p) {
         CertSpec between = p.issuer;
         between.subject = p.issuer.issuer = test::NameOf("Between");
         between.Find(test::kOidBasicConstraints)->value =
             BasicConstraints(true).value;
         p.chain = {MakeCertificate(p.leaf), MakeCertificate(p.issuer),
                    MakeCertificate(between)};
       },
       ImageReason::kChainLength},
      {"the leaf alone",
       [](FakeProducer& p) { p.chain = {MakeCertificate(p.leaf)}; },
       ImageReason::kProducerNotTrusted},
      {"the wrong order",
       [](FakeProducer& p) {
         p.chain = {MakeCertificate(p.issuer), MakeCertificate(p.leaf)};
       },
       ImageReason::kProducerNotTrusted},
      {"a name that leads in a circle",
       [](FakeProducer& p) { p.leaf.subject = p.leaf.issuer; },
       ImageReason::kChainOrder},
      {"an issuer that issued itself",
       [](FakeProducer& p) {
         p.issuer.subject = p.leaf.issuer = p.issuer.issuer;
       },
       ImageReason::kChainOrder},
      {"a signer that issued itself",
       [](FakeProducer& p) {
         p.leaf.issuer = p.leaf.subject;
         p.leaf.issuer_key = p.leaf.key;
         p.chain = {MakeCertificate(p.leaf)};
       },
       ImageReason::kProducerNotTrusted},
      {"a signer that issued itself under the root's name",
       [](FakeProducer& p) {
         p.leaf.issuer = p.leaf.subject = p.root.subject;
         p.leaf.issuer_key = p.leaf.key;
         p.chain = {MakeCertificate(p.leaf)};
       },
       ImageReason::kChainSignature},
      {"an issuer that is no CA",
       [](FakeProducer& p) {
         *p.issuer.Find(test::kOidBasicConstraints) = BasicConstraints(false);
       },
       ImageReason::kIssuerNotCa},
      {"an issuer without basicConstraints",
       [](FakeProducer& p) { p.issuer.Remove(test::kOidBasicConstraints); },
       ImageReason::kIssuerNotCa},
      {"an issuer that may not sign certificates",
       [](FakeProducer& p) {
         *p.issuer.Find(test::kOidKeyUsage) = KeyUsage(test::kCrlSign);
       },
       ImageReason::kIssuerKeyUsage},
      {"a root that allows no CA",
       [](FakeProducer& p) {
         *p.root.Find(test::kOidBasicConstraints) = BasicConstraints(true, 0);
       },
       ImageReason::kIssuerPathLength},
      {"an issuer for servers",
       [](FakeProducer& p) {
         *p.issuer.Find(test::kOidExtKeyUsage) =
             ExtKeyUsage(test::kOidServerAuth);
       },
       ImageReason::kSignerPurpose},
      {"a signer that is a CA",
       [](FakeProducer& p) {
         *p.leaf.Find(test::kOidBasicConstraints) = BasicConstraints(true);
       },
       ImageReason::kSignerIsCa},
      {"a signer that may sign certificates",
       [](FakeProducer& p) {
         *p.leaf.Find(test::kOidKeyUsage) =
             KeyUsage(test::kDigitalSignature | test::kKeyCertSign);
       },
       ImageReason::kSignerKeyUsage},
      {"a signer that may make no signatures",
       [](FakeProducer& p) {
         *p.leaf.Find(test::kOidKeyUsage) = KeyUsage(test::kNonRepudiation);
       },
       ImageReason::kSignerKeyUsage},
      {"a signer without keyUsage",
       [](FakeProducer& p) { p.leaf.Remove(test::kOidKeyUsage); },
       ImageReason::kSignerKeyUsage},
      {"a signer for servers",
       [](FakeProducer& p) {
         *p.leaf.Find(test::kOidExtKeyUsage) =
             ExtKeyUsage(test::kOidServerAuth);
       },
       ImageReason::kSignerPurpose},
      {"a signer for any purpose",
       [](FakeProducer& p) {
         *p.leaf.Find(test::kOidExtKeyUsage) = ExtKeyUsage("2.5.29.37.0");
       },
       ImageReason::kSignerPurpose},
      {"a signer without extended key usage",
       [](FakeProducer& p) { p.leaf.Remove(test::kOidExtKeyUsage); },
       ImageReason::kSignerPurpose},
      {"a list of purposes that is empty",
       [](FakeProducer& p) {
         p.leaf.Find(test::kOidExtKeyUsage)->value = test::Sequence({});
       },
       ImageReason::kCertificateMalformed},
      {"name constraints, not critical",
       [](FakeProducer& p) {
         p.issuer.extensions.push_back(
             {.oid = std::string(test::kOidNameConstraints),
              .critical = false,
              .value = test::Sequence({})});
       },
       ImageReason::kCertificateExtension},
      {"an unknown critical extension",
       [](FakeProducer& p) {
         p.leaf.extensions.push_back(
             {.oid = "1.2.3.4", .critical = true, .value = test::Null()});
       },
       ImageReason::kCertificateExtension},
      {"a key on P-521", [&](FakeProducer& p) { p.leaf.key = &p521; },
       ImageReason::kCertificateAlgorithm},
      {"an RSA key",
       [](FakeProducer& p) { p.leaf.key = &TestKey::Rsa(2048, 0); },
       ImageReason::kCertificateAlgorithm},
      {"SHA-384 from P-256",
       [](FakeProducer& p) { p.leaf.hash = test::Hash::kSha384; },
       ImageReason::kCertificateAlgorithm},
      {"SHA-1", [](FakeProducer& p) { p.leaf.hash = test::Hash::kSha1; },
       ImageReason::kCertificateAlgorithm},
      {"a point that is on no curve",
       [](FakeProducer& p) {
         p.leaf.edit_tbs = [key = p.leaf.key](std::string tbs) {
           const std::size_t at = tbs.find(key->public_key_bytes());
           tbs[at + 64] = static_cast<char>(tbs[at + 64] ^ 1);
           return tbs;
         };
       },
       ImageReason::kCertificateMalformed},
  };
  for (const Case& c : cases) {
    FakeProducer producer;
    c.breaks(producer);
    EXPECT_EQ(Refusal(producer), c.reason)
        << c.what << ": " << Verify(producer).status();
  }
}

// The vectors of Model Signing have such a signer.
TEST(Producer, APinnedSignerMayBeMarkedAsACa) {
  FakeProducer producer;
  *producer.leaf.Find(test::kOidBasicConstraints) = BasicConstraints(true);
  const TrustedProducer pinned = producer.Pinned(producer.leaf);
  EXPECT_TRUE(VerifyProducerChain(ChainOf(producer), {&pinned, 1}).ok());
  *producer.leaf.Find(test::kOidKeyUsage) =
      KeyUsage(test::kDigitalSignature | test::kKeyCertSign);
  const TrustedProducer may_issue = producer.Pinned(producer.leaf);
  EXPECT_EQ(
      ImageReasonOf(
          VerifyProducerChain(ChainOf(producer), {&may_issue, 1}).status()),
      ImageReason::kSignerKeyUsage);
}

TEST(Producer, TheShortestValidityCounts) {
  FakeProducer producer;
  const absl::Time from =
      absl::FromCivil(absl::CivilDay(2026, 7, 1), absl::UTCTimeZone());
  const absl::Time until = from + absl::Hours(24);
  producer.leaf.SetValidity(from - absl::Hours(1), until);
  producer.issuer.SetValidity(from, until + absl::Hours(1));
  const auto signer = Verify(producer);
  ASSERT_TRUE(signer.ok()) << signer.status();
  EXPECT_TRUE(CheckValidity(*signer, from).ok());
  EXPECT_TRUE(CheckValidity(*signer, until).ok());
  EXPECT_EQ(ImageReasonOf(CheckValidity(*signer, from - absl::Seconds(1))),
            ImageReason::kCertificateNotYetValid);
  EXPECT_EQ(ImageReasonOf(CheckValidity(*signer, until + absl::Seconds(1))),
            ImageReason::kCertificateExpired);
}

}  // namespace
}  // namespace anchorage::verify
