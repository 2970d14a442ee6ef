#include "tools/trustctl/pki_certificate.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anchors/publishing/signer.h"

namespace anchorage::trustctl {
namespace {

using anchors::tuf::SoftwareKey;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
const absl::Time kEnd = kNow + absl::Hours(24 * 90);
const absl::Time kCaEnd = kNow + absl::Hours(24 * 365);

using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;

X509Ptr Read(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free};
}

class Pki : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto key = SoftwareKey::GenerateP256();
    ASSERT_TRUE(key.ok());
    key_pem_ = std::string((*key)->ToPem()->view());
    auto authority = PkiAuthority::FromKey(key_pem_, std::nullopt);
    ASSERT_TRUE(authority.ok()) << authority.status();
    const auto own = authority->MakeOwn("", kCaEnd, kNow);
    ASSERT_TRUE(own.ok()) << own.status();
    authority_ = std::make_unique<PkiAuthority>(*std::move(authority));
    own_ = own->pem;
  }

  absl::StatusOr<PkiCertificate> Issue(PkiKind kind,
                                       const std::vector<std::string>& names,
                                       absl::Time end = kEnd) {
    return authority_->Issue({.kind = kind,
                              .names = names,
                              .public_key_pem = *leaf_->PublicPem(),
                              .not_after = end},
                             kNow);
  }

  // How OpenSSL judges a certificate for a purpose: X509_V_OK or why not.
  int Verify(const std::string& pem, int purpose, absl::Time when = kNow) {
    const X509Ptr ca = Read(own_);
    const X509Ptr leaf = Read(pem);
    const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(
        X509_STORE_new(), &X509_STORE_free);
    X509_STORE_add_cert(store.get(), ca.get());
    const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)>
        context(X509_STORE_CTX_new(), &X509_STORE_CTX_free);
    X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr);
    X509_STORE_CTX_set_purpose(context.get(), purpose);
    X509_STORE_CTX_set_time(context.get(), X509_V_FLAG_X509_STRICT,
                            absl::ToTimeT(when));
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context.get()),
                                X509_V_FLAG_X509_STRICT);
    X509_verify_cert(context.get());
    return X509_STORE_CTX_get_error(context.get());
  }

  std::string key_pem_;
  std::unique_ptr<PkiAuthority> authority_;
  std::string own_;
  const std::unique_ptr<SoftwareKey> leaf_ = *SoftwareKey::GenerateP256();
};

TEST_F(Pki, MakesPeopleWhoCanCallAndServersThatCanBeCalled) {
  const auto alice = Issue(PkiKind::kPerson, {"alice"});
  ASSERT_TRUE(alice.ok()) << alice.status();
  EXPECT_EQ(Verify(alice->pem, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
  EXPECT_EQ(Verify(alice->pem, X509_PURPOSE_SSL_SERVER),
            X509_V_ERR_INVALID_PURPOSE);
  const auto server = Issue(PkiKind::kServer, {"trustd.example.com"});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(Verify(server->pem, X509_PURPOSE_SSL_SERVER), X509_V_OK);
  EXPECT_EQ(Verify(server->pem, X509_PURPOSE_SSL_CLIENT),
            X509_V_ERR_INVALID_PURPOSE);
}

TEST_F(Pki, IsGoodFromNowToItsEnd) {
  const auto alice = Issue(PkiKind::kPerson, {"alice"});
  const int purpose = X509_PURPOSE_SSL_CLIENT;
  EXPECT_EQ(Verify(alice->pem, purpose, kNow - kPkiBackdate), X509_V_OK);
  EXPECT_EQ(Verify(alice->pem, purpose, kEnd - absl::Seconds(1)), X509_V_OK);
  EXPECT_EQ(Verify(alice->pem, purpose, kNow - kPkiBackdate - absl::Seconds(1)),
            X509_V_ERR_CERT_NOT_YET_VALID);
  EXPECT_EQ(Verify(alice->pem, purpose, kEnd + absl::Seconds(1)),
            X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST_F(Pki, NamesEveryHostAndNoOther) {
  const auto made = Issue(PkiKind::kServer, {"trustd.example.com", "192.0.2.7",
                                             "2001:db8::7", "localhost"});
  ASSERT_TRUE(made.ok()) << made.status();
  const X509Ptr x509 = Read(made->pem);
  for (const char* host : {"trustd.example.com", "localhost"}) {
    EXPECT_EQ(X509_check_host(x509.get(), host, 0, 0, nullptr), 1) << host;
  }
  for (const char* address : {"192.0.2.7", "2001:db8::7", "2001:db8:0::7"}) {
    EXPECT_EQ(X509_check_ip_asc(x509.get(), address, 0), 1) << address;
  }
  // The common name is not looked at where there are others.
  for (const char* host : {"trustd", "example.com", "192.0.2.7"}) {
    EXPECT_EQ(X509_check_host(x509.get(), host, 0, 0, nullptr), 0) << host;
  }
  EXPECT_EQ(X509_check_ip_asc(x509.get(), "192.0.2.8", 0), 0);
}

TEST_F(Pki, MakesACaBelowWhichThereIsNone) {
  const X509Ptr ca = Read(own_);
  EXPECT_EQ(X509_check_ca(ca.get()), 1);
  EXPECT_EQ(X509_get_pathlen(ca.get()), 0);
  EXPECT_EQ(X509_get_key_usage(ca.get()),
            static_cast<std::uint32_t>(KU_KEY_CERT_SIGN | KU_CRL_SIGN));
  const auto alice = Issue(PkiKind::kPerson, {"alice"});
  const X509Ptr leaf = Read(alice->pem);
  EXPECT_EQ(X509_check_ca(leaf.get()), 0);
  EXPECT_EQ(X509_get_key_usage(leaf.get()),
            static_cast<std::uint32_t>(KU_DIGITAL_SIGNATURE));
}

TEST_F(Pki, NeverGivesASerialTwice) {
  std::set<std::string> serials;
  for (int i = 0; i < 50; ++i) {
    serials.insert(Issue(PkiKind::kPerson, {"alice"})->serial);
  }
  EXPECT_EQ(serials.size(), 50U);
  for (const std::string& serial : serials) EXPECT_EQ(serial.size(), 32U);
}

TEST_F(Pki, OutlivesNoCa) {
  EXPECT_TRUE(Issue(PkiKind::kPerson, {"alice"}, kCaEnd).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(
      Issue(PkiKind::kPerson, {"alice"}, kCaEnd + absl::Seconds(1)).status()));
}

TEST_F(Pki, GoesOnUnderARenewedCa) {
  const auto alice = Issue(PkiKind::kPerson, {"alice"});
  const auto own =
      authority_->MakeOwn(authority_->name(), kCaEnd + absl::Hours(1), kNow);
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_NE(own->pem, own_);
  own_ = own->pem;
  EXPECT_EQ(Verify(alice->pem, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
}

TEST_F(Pki, SignsUnderNoOtherCertificateThanItsOwn) {
  const auto other = PkiAuthority::FromKey(
      (*SoftwareKey::GenerateP256())->ToPem()->view(), std::nullopt);
  ASSERT_TRUE(other.ok());
  PkiAuthority authority = *other;
  EXPECT_TRUE(absl::IsFailedPrecondition(authority.Use(own_)));
  const auto leaf = PkiAuthority::FromKey(leaf_->ToPem()->view(), std::nullopt);
  ASSERT_TRUE(leaf.ok());
  authority = *leaf;
  EXPECT_TRUE(absl::IsFailedPrecondition(
      authority.Use(Issue(PkiKind::kPerson, {"alice"})->pem)));
}

TEST_F(Pki, TakesNoKeyButP256) {
  const auto ed25519 = SoftwareKey::GenerateEd25519();
  EXPECT_TRUE(absl::IsInvalidArgument(
      PkiAuthority::FromKey((*ed25519)->ToPem()->view(), std::nullopt)
          .status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      authority_
          ->Issue({.names = {"alice"},
                   .public_key_pem = *(*ed25519)->PublicPem(),
                   .not_after = kEnd},
                  kNow)
          .status()));
}

TEST_F(Pki, ReadsAnEncryptedKeyByItsPassphraseAlone) {
  const auto key = SoftwareKey::GenerateP256();
  const auto pem = (*key)->ToPem("right");
  EXPECT_TRUE(PkiAuthority::FromKey(pem->view(), "right").ok());
  for (const std::optional<std::string_view> passphrase :
       {std::optional<std::string_view>(), {"wrong"}, {""}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        PkiAuthority::FromKey(pem->view(), passphrase).status()));
  }
}

TEST_F(Pki, MakesNoCertificateForWhatIsNoName) {
  const std::vector<std::vector<std::string>> people = {
      {}, {"alice", "bob"}, {""}, {"<b>alice</b>"}};
  for (const auto& names : people) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(Issue(PkiKind::kPerson, names).status()));
  }
  const std::vector<std::vector<std::string>> servers = {
      {}, {"good.example", "*.example"}, std::vector<std::string>(21, "a.b")};
  for (const auto& names : servers) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(Issue(PkiKind::kServer, names).status()));
  }
  EXPECT_TRUE(
      absl::IsInvalidArgument(Issue(PkiKind::kAuthority, {"ca"}).status()));
}

TEST(PkiNames, AreThoseThatNobodyMistakesForAnother) {
  for (const std::string& name :
       {std::string("alice"), std::string("Alice Example"),
        std::string("fleet-eu"), std::string("a.b_c+d@example.com"),
        std::string(64, 'a'), std::string("7")}) {
    EXPECT_TRUE(CheckPersonName(name).ok()) << name;
  }
  for (const std::string& name : {std::string(),
                                  std::string(65, 'a'),
                                  std::string("a\0b", 3),
                                  std::string("a\nb"),
                                  std::string("a\x1b[2J"),
                                  std::string("<b>"),
                                  std::string("a&b"),
                                  std::string("a\"b"),
                                  std::string("{{a}}"),
                                  std::string("a/b"),
                                  std::string("../a"),
                                  std::string(".a"),
                                  std::string("-a"),
                                  std::string("a "),
                                  std::string(" a"),
                                  std::string("a,b"),
                                  std::string("unix:0"),
                                  std::string("policy"),
                                  std::string("\u202egnp"),
                                  std::string("\u0430lice"),
                                  std::string("a\u200b"),
                                  std::string("a\xff")}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckPersonName(name))) << name;
  }
}

TEST(PkiHosts, AreNamesAndAddresses) {
  for (const std::string& host :
       {std::string("trustd"), std::string("trustd.example.com"),
        std::string("192.0.2.7"), std::string("::1"),
        std::string("2001:db8::7"), std::string("a-1.example"),
        std::string("xn--bcher-kva.example"), std::string(63, 'a')}) {
    EXPECT_TRUE(CheckHost(host).ok()) << host;
  }
  for (const std::string& host :
       {std::string(),         std::string("trustd:7444"),
        std::string("[::1]"),  std::string("*.example.com"),
        std::string("a..b"),   std::string(".a"),
        std::string("a."),     std::string("-a"),
        std::string("a-"),     std::string("256.0.0.1"),
        std::string("1.2.3"),  std::string("a_b"),
        std::string("a b"),    std::string("a\0b", 3),
        std::string("::1%lo"), std::string("b\u00fccher.example"),
        std::string(64, 'a'),  std::string("a,DNS:b"),
        std::string("/a"),     std::string("fe80::g")}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckHost(host))) << host;
  }
  std::string longest = std::string(61, 'a');
  for (int i = 0; i < 3; ++i) longest += "." + std::string(63, 'a');
  EXPECT_EQ(longest.size(), 253U);
  EXPECT_TRUE(CheckHost(longest).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(CheckHost("a" + longest)));
}

}  // namespace
}  // namespace anchorage::trustctl
