#include "verify/measure/boot/authenticode.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/x509_writer.h"
#include "test/support/pe_writer.h"
#include "verify/measure/boot/measure_error.h"

namespace anchorage::verify {
namespace {

using test::AuthenticodeSpec;
using test::KeyType;
using test::MakeSimpleCertificate;
using test::SelfSigned;
using test::SignatureList;
using test::SignedDataOf;
using test::SignPe;
using test::SimpleAuthenticode;
using test::SimpleCertificate;
using test::TestKey;
using Hash = test::Hash;

const TestKey& Key(int number) { return TestKey::Rsa(2048, number); }

const std::string& File() {
  static const std::string file = test::WritePe(test::EfiApplicationSpec());
  return file;
}

// A root, a CA below it, and a signer below that.
struct Chain {
  SimpleCertificate root = {.subject = "root",
                            .key = &Key(1),
                            .issuer = "root",
                            .issuer_key = &Key(1),
                            .is_ca = true};
  SimpleCertificate ca = {.subject = "ca",
                          .key = &Key(2),
                          .issuer = "root",
                          .issuer_key = &Key(1),
                          .is_ca = true};
  SimpleCertificate leaf = {.subject = "leaf",
                            .key = &Key(3),
                            .issuer = "ca",
                            .issuer_key = &Key(2),
                            .is_ca = false};
};

AuthenticodeSpec SignatureBy(const SimpleCertificate& signer,
                             std::vector<std::string> others = {}) {
  AuthenticodeSpec spec;
  spec.image_digest = SimpleAuthenticode(Hash::kSha256, File());
  spec.certificates = std::move(others);
  spec.certificates.insert(spec.certificates.begin(),
                           MakeSimpleCertificate(signer));
  spec.key = signer.key;
  spec.issuer = signer.issuer;
  spec.serial = signer.serial;
  return spec;
}

std::string Certificates(const std::vector<std::string>& ders) {
  std::string lists;
  for (const std::string& der : ders) {
    lists += SignatureList(kEfiCertX509, {der});
  }
  return lists;
}

// What was found: the entry's data, or the name of a reason.
std::string Find(const std::string& file, const std::string& db,
                 const std::string& dbx = "") {
  const auto image = PeImage::Parse(file);
  const auto db_lists = ParseSignatureDatabase(db, VariableForm::kRaw);
  const auto dbx_lists = ParseSignatureDatabase(dbx, VariableForm::kRaw);
  if (!image.ok() || !db_lists.ok() || !dbx_lists.ok()) return "unreadable";
  const auto entry = FindAuthority(*image, *db_lists, *dbx_lists);
  return entry.ok() ? std::string(entry->data)
                    : std::string(NameOf(*MeasureReasonOf(entry.status())));
}

std::string Signed(const AuthenticodeSpec& spec) {
  return SignPe(File(), {SignedDataOf(spec)});
}

TEST(AuthenticodeTest, SignerIsInDb) {
  const std::string own = SelfSigned("own", Key(1));
  const std::string other = SelfSigned("other", Key(2));
  const std::string file = test::SignPeSimply(File(), Key(1), own, "own");
  EXPECT_EQ(Find(file, Certificates({own})), own);
  EXPECT_EQ(Find(file, Certificates({other, own})), own);
  EXPECT_EQ(Find(file, Certificates({other})), "IMAGE_NOT_AUTHORIZED");
  EXPECT_EQ(Find(file, ""), "IMAGE_NOT_AUTHORIZED");
}

TEST(AuthenticodeTest, CaAboveTheSignerIsInDb) {
  const Chain chain;
  const std::string root = MakeSimpleCertificate(chain.root);
  const std::string ca = MakeSimpleCertificate(chain.ca);
  const std::string leaf = MakeSimpleCertificate(chain.leaf);
  const std::string with_ca = Signed(SignatureBy(chain.leaf, {ca}));
  EXPECT_EQ(Find(with_ca, Certificates({root})), root);
  EXPECT_EQ(Find(with_ca, Certificates({ca})), ca);
  EXPECT_EQ(Find(with_ca, Certificates({leaf})), leaf);
  // The CA that is in db need not be in the signature, the others must.
  const std::string without_ca = Signed(SignatureBy(chain.leaf));
  EXPECT_EQ(Find(without_ca, Certificates({ca})), ca);
  EXPECT_EQ(Find(without_ca, Certificates({root})), "IMAGE_NOT_AUTHORIZED");
  // The root in the signature counts for nothing by itself.
  EXPECT_EQ(Find(Signed(SignatureBy(chain.leaf, {ca, root})),
                 Certificates({SelfSigned("other", Key(4))})),
            "IMAGE_NOT_AUTHORIZED");
}

TEST(AuthenticodeTest, TwoThatMatchAreNotGuessed) {
  const Chain chain;
  const std::string root = MakeSimpleCertificate(chain.root);
  const std::string ca = MakeSimpleCertificate(chain.ca);
  const std::string leaf = MakeSimpleCertificate(chain.leaf);
  const std::string file = Signed(SignatureBy(chain.leaf, {ca}));
  EXPECT_EQ(Find(file, Certificates({root, ca})), "IMAGE_AUTHORITY_AMBIGUOUS");
  EXPECT_EQ(Find(file, Certificates({leaf, root})),
            "IMAGE_AUTHORITY_AMBIGUOUS");
  // The same CA with another serial number.
  SimpleCertificate again = chain.root;
  again.serial = 2;
  EXPECT_EQ(Find(file, Certificates({root, MakeSimpleCertificate(again)})),
            "IMAGE_AUTHORITY_AMBIGUOUS");
  // One certificate of two owners: the entries differ.
  EXPECT_EQ(
      Find(file, Certificates({root}) +
                     SignatureList(kEfiCertX509, {root}, "another-owner-16")),
      "IMAGE_AUTHORITY_AMBIGUOUS");
  // The same entry twice is one.
  EXPECT_EQ(Find(file, Certificates({root, root})), root);
  // A hash beside a certificate.
  EXPECT_EQ(Find(file, Certificates({root}) +
                           SignatureList(
                               kEfiCertSha256,
                               {SimpleAuthenticode(Hash::kSha256, File())})),
            "IMAGE_AUTHORITY_AMBIGUOUS");
}

TEST(AuthenticodeTest, SeveralSignatures) {
  const std::string one = SelfSigned("one", Key(1));
  const std::string two = SelfSigned("two", Key(2));
  std::vector<std::string> messages;
  for (const auto& [name, key] :
       {std::pair{"one", &Key(1)}, std::pair{"two", &Key(2)}}) {
    messages.push_back(SignedDataOf(SignatureBy(
        {.subject = name, .key = key, .issuer = name, .issuer_key = key})));
  }
  const std::string file = SignPe(File(), messages);
  EXPECT_EQ(Find(file, Certificates({one})), one);
  EXPECT_EQ(Find(file, Certificates({two})), two);
  EXPECT_EQ(Find(file, Certificates({one, two})), "IMAGE_AUTHORITY_AMBIGUOUS");
}

TEST(AuthenticodeTest, HashInDb) {
  const std::string digest = SimpleAuthenticode(Hash::kSha256, File());
  EXPECT_EQ(Find(File(), SignatureList(kEfiCertSha256, {digest})), digest);
  EXPECT_EQ(Find(File(), SignatureList(kEfiCertSha256, {std::string(32, 'x')})),
            "IMAGE_NOT_AUTHORIZED");
}

TEST(AuthenticodeTest, Forbidden) {
  const Chain chain;
  const std::string root = MakeSimpleCertificate(chain.root);
  const std::string ca = MakeSimpleCertificate(chain.ca);
  const std::string leaf = MakeSimpleCertificate(chain.leaf);
  const std::string file = Signed(SignatureBy(chain.leaf, {ca}));
  const std::string db = Certificates({root});
  EXPECT_EQ(Find(file, db, Certificates({SelfSigned("other", Key(4))})), root);
  for (const std::string& bad : {root, ca, leaf}) {
    EXPECT_EQ(Find(file, db, Certificates({bad})), "IMAGE_FORBIDDEN");
    // The hash of the signed part, and any time.
    const auto parsed = ParseSignerCertificate(bad);
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(Find(file, db,
                   SignatureList(kEfiCertX509Sha256,
                                 {test::HashOf(Hash::kSha256, parsed->tbs) +
                                  std::string(16, '\x01')})),
              "IMAGE_FORBIDDEN");
  }
  EXPECT_EQ(Find(file, db,
                 SignatureList(kEfiCertSha256,
                               {SimpleAuthenticode(Hash::kSha256, File())})),
            "IMAGE_FORBIDDEN");
  // Also where the signature is not one that db would take.
  EXPECT_EQ(Find(file, "", Certificates({root})), "IMAGE_FORBIDDEN");
}

TEST(AuthenticodeTest, EllipticKeysAndSha384) {
  for (const KeyType type : {KeyType::kP256, KeyType::kP384}) {
    const TestKey& key = TestKey::Derived(type, "signer");
    AuthenticodeSpec spec = SignatureBy(
        {.subject = "ec", .key = &key, .issuer = "ec", .issuer_key = &key});
    EXPECT_EQ(Find(Signed(spec), Certificates({SelfSigned("ec", key)})),
              SelfSigned("ec", key));
  }
  AuthenticodeSpec spec = SignatureBy({.subject = "own",
                                       .key = &Key(1),
                                       .issuer = "own",
                                       .issuer_key = &Key(1)});
  spec.hash = Hash::kSha384;
  spec.image_digest = SimpleAuthenticode(Hash::kSha384, File());
  EXPECT_EQ(Find(Signed(spec), Certificates({SelfSigned("own", Key(1))})),
            SelfSigned("own", Key(1)));
}

// --- What is wrong -----------------------------------------------------------

struct WrongSignature {
  const char* name;
  std::function<void(AuthenticodeSpec&)> edit;
  std::string expected;
};

TEST(AuthenticodeTest, WrongSignatures) {
  const SimpleCertificate own = {
      .subject = "own", .key = &Key(1), .issuer = "own", .issuer_key = &Key(1)};
  const std::string db = Certificates({MakeSimpleCertificate(own)});
  for (const WrongSignature& wrong : std::vector<WrongSignature>{
           {"of another image",
            [](AuthenticodeSpec& s) { s.image_digest[0] ^= 1; },
            "IMAGE_SIGNATURE_OF_ANOTHER"},
           {"of no image", [](AuthenticodeSpec& s) { s.image_digest.clear(); },
            "IMAGE_SIGNATURE_OF_ANOTHER"},
           {"by another key", [](AuthenticodeSpec& s) { s.key = &Key(2); },
            "IMAGE_SIGNATURE_MISMATCH"},
           {"flipped",
            [](AuthenticodeSpec& s) {
              s.edit_signature = [](std::string bytes) {
                bytes[7] ^= 1;
                return bytes;
              };
            },
            "IMAGE_SIGNATURE_MISMATCH"},
           {"cut",
            [](AuthenticodeSpec& s) {
              s.edit_signature = [](std::string bytes) {
                return bytes.substr(1);
              };
            },
            "IMAGE_SIGNATURE_MISMATCH"},
           {"message digest of another content",
            [](AuthenticodeSpec& s) {
              s.edit_attributes = [](std::vector<test::Attribute>& all) {
                all[1].values = {test::OctetString(std::string(32, 'x'))};
              };
            },
            "IMAGE_SIGNATURE_MISMATCH"},
           {"no message digest",
            [](AuthenticodeSpec& s) {
              s.edit_attributes = [](std::vector<test::Attribute>& all) {
                all.pop_back();
              };
            },
            "IMAGE_SIGNATURE_MALFORMED"},
           {"two message digests",
            [](AuthenticodeSpec& s) {
              s.edit_attributes = [](std::vector<test::Attribute>& all) {
                all[1].values.push_back(all[1].values.front());
              };
            },
            "IMAGE_SIGNATURE_MALFORMED"},
           {"an attribute twice",
            [](AuthenticodeSpec& s) {
              s.edit_attributes = [](std::vector<test::Attribute>& all) {
                all.push_back(all.back());
              };
            },
            "IMAGE_SIGNATURE_MALFORMED"},
           {"an attribute of 1 MiB",
            [](AuthenticodeSpec& s) {
              s.edit_attributes = [](std::vector<test::Attribute>& all) {
                all.push_back(
                    {"1.2.3", {test::OctetString(std::string(1 << 20, 'x'))}});
              };
            },
            "IMAGE_SIGNATURE_MALFORMED"},
           {"type of another content",
            [](AuthenticodeSpec& s) {
              s.edit_attributes = [](std::vector<test::Attribute>& all) {
                all[0].values = {test::Oid(test::kOidData)};
              };
            },
            "IMAGE_SIGNATURE_MALFORMED"},
           {"no certificate",
            [](AuthenticodeSpec& s) { s.certificates.clear(); },
            "IMAGE_SIGNATURE_MALFORMED"},
           {"certificate of another",
            [](AuthenticodeSpec& s) {
              s.certificates = {SelfSigned("other", Key(1))};
            },
            "IMAGE_SIGNATURE_MALFORMED"},
           {"another serial number", [](AuthenticodeSpec& s) { s.serial = 9; },
            "IMAGE_SIGNATURE_MALFORMED"},
           {"too many certificates",
            [](AuthenticodeSpec& s) {
              s.certificates.resize(kMaxSignatureCertificates + 1,
                                    s.certificates.front());
            },
            "IMAGE_SIGNATURE_MALFORMED"},
           {"SHA-512",
            [](AuthenticodeSpec& s) {
              s.hash = Hash::kSha512;
              s.image_digest = SimpleAuthenticode(Hash::kSha512, File());
            },
            "IMAGE_AUTHORITY_UNDECIDED"},
           {"SHA-1",
            [](AuthenticodeSpec& s) {
              s.hash = Hash::kSha1;
              s.image_digest = SimpleAuthenticode(Hash::kSha1, File());
            },
            "IMAGE_AUTHORITY_UNDECIDED"},
           {"another content",
            [](AuthenticodeSpec& s) {
              s.edit_content = [](std::string) { return test::Null(); };
            },
            "IMAGE_SIGNATURE_MALFORMED"},
           {"something after the content",
            [](AuthenticodeSpec& s) {
              s.edit_content = [](std::string c) { return c + test::Null(); };
            },
            "IMAGE_SIGNATURE_MALFORMED"},
           {"something after the message",
            [](AuthenticodeSpec& s) {
              s.edit_message = [](std::string m) { return m + "x"; };
            },
            "IMAGE_SIGNATURE_MALFORMED"},
           {"eight zeros after the message",
            [](AuthenticodeSpec& s) {
              s.edit_message = [](std::string m) {
                return m + std::string(8, '\0');
              };
            },
            "IMAGE_SIGNATURE_MALFORMED"},
           {"no message",
            [](AuthenticodeSpec& s) {
              s.edit_message = [](std::string) { return ""; };
            },
            "IMAGE_SIGNATURE_MALFORMED"},
       }) {
    SCOPED_TRACE(wrong.name);
    AuthenticodeSpec spec = SignatureBy(own);
    wrong.edit(spec);
    EXPECT_EQ(Find(Signed(spec), db), wrong.expected);
  }
}

// An element of which there is no more than its tag.
TEST(AuthenticodeTest, ElementsThatEndWithTheirTag) {
  constexpr std::string_view kCa = "2.5.29.19";
  const std::string tag(1, '\x01');
  const test::Extension whole{std::string(kCa), true, test::Sequence({})};
  const auto certificate = [](const std::vector<test::Extension>& extensions,
                              std::optional<std::string> der = std::nullopt) {
    test::CertSpec spec;
    spec.issuer = spec.subject = test::Sequence({});
    spec.key = spec.issuer_key = &Key(1);
    spec.extensions = extensions;
    spec.extensions_der = std::move(der);
    return test::MakeCertificate(spec);
  };
  EXPECT_TRUE(ParseSignerCertificate(certificate({whole})).ok());
  for (const std::string& bad :
       {certificate({{std::string(kCa), true, test::Sequence({tag})}}),
        certificate(
            {{std::string(kCa), true,
              test::Sequence({test::Boolean(true), std::string("\x02")})}}),
        certificate({}, test::Tlv(0xa3, test::Sequence({test::Sequence(
                                            {test::Oid(kCa), tag})}))),
        test::Sequence({test::Sequence({std::string("\xa0")})})}) {
    EXPECT_EQ(MeasureReasonOf(ParseSignerCertificate(bad).status()),
              MeasureReason::kImageSignatureMalformed);
  }
}

TEST(AuthenticodeTest, WrongChains) {
  const auto expect = [](const std::function<void(Chain&)>& edit,
                         const std::string& expected) {
    Chain chain;
    edit(chain);
    const std::string root = MakeSimpleCertificate(chain.root);
    const std::string found =
        Find(Signed(SignatureBy(chain.leaf, {MakeSimpleCertificate(chain.ca)})),
             Certificates({root}));
    EXPECT_EQ(found == root ? "found" : found, expected);
  };
  expect([](Chain&) {}, "found");
  {
    SCOPED_TRACE("the CA is none");
    expect([](Chain& c) { c.ca.is_ca = false; }, "IMAGE_AUTHORITY_UNDECIDED");
  }
  {
    SCOPED_TRACE("the root is no CA");
    expect([](Chain& c) { c.root.is_ca = false; }, "IMAGE_AUTHORITY_UNDECIDED");
  }
  {
    SCOPED_TRACE("path too long");
    expect([](Chain& c) { c.root.path_length = 0; },
           "IMAGE_AUTHORITY_UNDECIDED");
    expect([](Chain& c) { c.root.path_length = 1; }, "found");
    expect([](Chain& c) { c.ca.path_length = 0; }, "found");
  }
  {
    SCOPED_TRACE("another name above");
    expect([](Chain& c) { c.leaf.issuer = "another"; },
           "IMAGE_AUTHORITY_UNDECIDED");
  }
  {
    SCOPED_TRACE("another key above");
    expect([](Chain& c) { c.leaf.issuer_key = &Key(5); },
           "IMAGE_NOT_AUTHORIZED");
  }
  {
    SCOPED_TRACE("an algorithm that is not supported");
    expect([](Chain& c) { c.leaf.hash = Hash::kSha512; },
           "IMAGE_AUTHORITY_UNDECIDED");
    expect([](Chain& c) { c.root.hash = Hash::kSha512; }, "found");
    expect([](Chain& c) { c.leaf.hash = Hash::kSha1; }, "found");
  }
}

TEST(AuthenticodeTest, EntriesThatAreNotSupported) {
  const std::string own = SelfSigned("own", Key(1));
  const std::string file = test::SignPeSimply(File(), Key(1), own, "own");
  const std::string unknown = SignatureList("unknown-type-id.", {"data"});
  EXPECT_EQ(Find(file, Certificates({own}) + unknown),
            "IMAGE_AUTHORITY_UNDECIDED");
  EXPECT_EQ(Find(file, Certificates({own}), unknown),
            "IMAGE_AUTHORITY_UNDECIDED");
  EXPECT_EQ(Find(file, Certificates({own, "not a certificate"})),
            "IMAGE_AUTHORITY_UNDECIDED");
  // A key that is not supported, of a name that is not asked for.
  const TestKey& p521 = TestKey::Derived(KeyType::kP521, "other");
  EXPECT_EQ(Find(file, Certificates({SelfSigned("other", p521), own})), own);
  EXPECT_EQ(Find(file, Certificates({SelfSigned("own", p521), own})),
            "IMAGE_AUTHORITY_UNDECIDED");
}

TEST(AuthenticodeTest, CertificatesAreLimited) {
  const std::string own = SelfSigned("own", Key(1));
  const std::string file = test::SignPeSimply(File(), Key(1), own, "own");
  const std::vector<std::string> same(kMaxDatabaseCertificates, own);
  EXPECT_EQ(Find(file, Certificates(same)), own);
  EXPECT_EQ(Find(file, Certificates(same) + Certificates({own})),
            "IMAGE_AUTHORITY_UNDECIDED");
  EXPECT_EQ(
      Find(file, Certificates({own}), Certificates(same) + Certificates({own})),
      "IMAGE_AUTHORITY_UNDECIDED");
}

// --- The table ---------------------------------------------------------------

std::string ReasonOfTable(std::string_view table) {
  const auto signatures = ParseImageSignatures(table);
  return signatures.ok()
             ? ""
             : std::string(NameOf(*MeasureReasonOf(signatures.status())));
}

TEST(AuthenticodeTest, Table) {
  const std::string message =
      SignedDataOf(SignatureBy({.subject = "own",
                                .key = &Key(1),
                                .issuer = "own",
                                .issuer_key = &Key(1)}));
  const std::string good = test::WinCertificate(message);
  EXPECT_EQ(ReasonOfTable(""), "");
  EXPECT_EQ(ReasonOfTable(good), "");
  EXPECT_EQ(ParseImageSignatures(good + good)->size(), 2u);
  for (std::size_t size = 1; size < good.size(); ++size) {
    EXPECT_NE(ReasonOfTable(std::string_view(good).substr(0, size)), "")
        << size;
  }
  EXPECT_EQ(ReasonOfTable(good + "x"), "IMAGE_SIGNATURE_MALFORMED");
  EXPECT_EQ(ReasonOfTable(good + std::string(8, '\0')),
            "IMAGE_SIGNATURE_MALFORMED");
  for (const std::uint32_t length : {0u, 7u, 0xffffffffu}) {
    std::string bad = good;
    test::Put32(bad, 0, length);
    EXPECT_EQ(ReasonOfTable(bad), "IMAGE_SIGNATURE_MALFORMED") << length;
  }
  EXPECT_EQ(ReasonOfTable(test::WinCertificate(message, 0x0ef1)),
            "IMAGE_AUTHORITY_UNDECIDED");
  std::string many;
  for (std::size_t i = 0; i <= kMaxImageSignatures; ++i) many += good;
  EXPECT_EQ(ReasonOfTable(many), "IMAGE_SIGNATURE_MALFORMED");
}

// No bit of a signature can be changed and the image still be authorized by
// more than before, or by another.
TEST(AuthenticodeTest, EveryBitOfASignature) {
  const std::string own = SelfSigned("own", Key(1));
  const std::string file = test::SignPeSimply(File(), Key(1), own, "own");
  const std::string db = Certificates({own});
  ASSERT_EQ(Find(file, db), own);
  std::size_t found = 0;
  for (std::size_t at = File().size(); at < file.size(); ++at) {
    std::string flipped = file;
    flipped[at] ^= 1;
    const std::string result = Find(flipped, db);
    if (result == own) {
      ++found;
    } else {
      EXPECT_EQ(result.substr(0, 6), "IMAGE_") << at;
    }
  }
  // The revision of the WIN_CERTIFICATE, what SpcPeImageData says, parameters
  // of algorithms that nobody reads.
  EXPECT_LT(found, 40u);
}

}  // namespace
}  // namespace anchorage::verify
