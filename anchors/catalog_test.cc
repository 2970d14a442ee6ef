#include "anchors/catalog.h"

#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::AnchorKind;
using verify::AnchorStatus;
using verify::Reason;
using verify::ReasonOf;

absl::Time At(std::int64_t seconds) { return absl::FromUnixSeconds(seconds); }

CatalogCertificate Certificate(const std::string& name) {
  std::ifstream file("anchors/baked/certificates/" + name + ".pem");
  const std::string pem{std::istreambuf_iterator<char>(file), {}};
  auto der = verify::DecodePem(pem, "CERTIFICATE");
  EXPECT_TRUE(der.ok()) << name;
  auto certificate = MakeCertificate(der.value_or(""));
  EXPECT_TRUE(certificate.ok()) << name << ": " << certificate.status();
  certificate->sources = {{"AWS", "https://example.invalid/a?b=\"c\"\\d"},
                          {"someone", ""}};
  return *std::move(certificate);
}

CatalogAnchor Anchor(std::string region, AnchorKind kind,
                     const std::string& name) {
  CatalogAnchor anchor;
  anchor.slot = {"aws", std::move(region), kind};
  anchor.certificates.push_back(Certificate(name));
  anchor.spki_der = ReadCertificateFacts(anchor.certificates[0].der)->spki_der;
  anchor.spki_sha256 = verify::Sha256Hex(anchor.spki_der);
  return anchor;
}

// One anchor of each kind, in canonical order; the second has everything that
// an anchor can have.
Catalog Good() {
  Catalog catalog;
  catalog.sequence = 7;
  catalog.created = At(1'700'000'000);
  catalog.refresh_hint = absl::Hours(1);
  catalog.anchors = {
      Anchor("", AnchorKind::kNitroRoot, "aws.nitro-root-g1"),
      Anchor("eu-west-1", AnchorKind::kIidDsa, "eu-west-1.dsa"),
      Anchor("eu-west-1", AnchorKind::kIidRsa1024, "eu-west-1.rsa1024"),
      Anchor("eu-west-1", AnchorKind::kIidRsa2048, "eu-west-1.rsa2048"),
  };
  CatalogAnchor& full = catalog.anchors[2];
  full.status = AnchorStatus::kRetiring;
  full.valid_from = At(0);
  full.valid_until = At(2'000'000'000);
  full.first_seen = At(1'600'000'000);
  full.replaces = std::string(64, 'a');
  full.accept_until = At(2'100'000'000);
  full.certificates.push_back(Certificate("eu-west-1.rsa1024.superseded-1"));
  full.certificates[1].superseded = true;
  return catalog;
}

std::string GoodText() { return SerializeCatalog(Good()); }

// --- What the text is ------------------------------------------------------

TEST(Catalog, ComesBackFromItsText) {
  const auto read = ParseCatalog(GoodText());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(*read == Good());
  EXPECT_EQ(SerializeCatalog(*read), GoodText());
}

TEST(Catalog, HasExactlyThisText) {
  Catalog catalog = Good();
  catalog.anchors = {catalog.anchors[2]};
  CatalogAnchor& anchor = catalog.anchors[0];
  const auto& [current, old] =
      std::pair(anchor.certificates[0], anchor.certificates[1]);
  const std::string sources =
      R"("sources":[{"publisher":"AWS",)"
      R"("location":"https://example.invalid/a?b=\"c\"\\d"},)"
      R"({"publisher":"someone"}])";
  const std::string expected = absl::StrCat(
      R"({"mediaType":"application/vnd.anchorage.catalog.v1+json",)"
      R"("sequence":"7","createdTime":"2023-11-14T22:13:20Z",)"
      R"("refreshHint":"3600s","anchors":[{"slot":{"partition":"aws",)"
      R"("region":"eu-west-1","kind":"ANCHOR_KIND_IID_RSA1024"},)"
      R"("status":"ANCHOR_STATUS_RETIRING","spkiSha256":")",
      anchor.spki_sha256, R"(","spkiDer":")",
      absl::Base64Escape(anchor.spki_der),
      R"(","validFrom":"1970-01-01T00:00:00Z",)"
      R"("validUntil":"2033-05-18T03:33:20Z","certificates":[{"der":")",
      absl::Base64Escape(current.der), R"(","sha256":")", current.sha256,
      R"(","notBefore":"2024-04-29T16:18:10Z",)"
      R"("notAfter":"2029-04-28T16:18:10Z","serial":")",
      current.serial, R"(",)", sources, R"(},{"der":")",
      absl::Base64Escape(old.der), R"(","sha256":")", old.sha256,
      R"(","notBefore":"2014-06-05T14:28:02Z",)"
      R"("notAfter":"2024-06-05T14:28:02Z","serial":"a9cbe1410330dfc5",)",
      sources,
      R"(,"superseded":true}],)"
      R"("firstSeenTime":"2020-09-13T12:26:40Z","replaces":")",
      anchor.replaces, R"(","acceptUntil":"2036-07-18T13:20:00Z"}]})");
  EXPECT_EQ(SerializeCatalog(catalog), expected);
}

TEST(Catalog, HasOneTextWhateverTheOrder) {
  Catalog shuffled = Good();
  std::swap(shuffled.anchors[0], shuffled.anchors[3]);
  std::swap(shuffled.anchors[1], shuffled.anchors[2]);
  std::swap(shuffled.anchors[1].certificates[0],
            shuffled.anchors[1].certificates[1]);
  EXPECT_EQ(SerializeCatalog(shuffled), GoodText());
}

TEST(Catalog, LeavesDefaultsOut) {
  Catalog catalog = Good();
  catalog.refresh_hint = absl::ZeroDuration();
  catalog.anchors.resize(1);
  const std::string text = SerializeCatalog(catalog);
  for (const char* absent : {"refreshHint", "region", "validFrom", "superseded",
                             "replaces", "null"}) {
    EXPECT_EQ(text.find(absent), std::string::npos) << absent;
  }
  const auto read = ParseCatalog(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(*read == catalog);
}

TEST(Catalog, IgnoresMembersThatItDoesNotKnow) {
  const auto read = ParseCatalog(absl::StrReplaceAll(
      GoodText(), {{"\"status\":", "\"later\":{\"a\":[1.5,null]},\"status\":"},
                   {"\"anchors\":", "\"more\":null,\"anchors\":"}}));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(*read == Good());
}

TEST(Catalog, SkipsAndCountsWhatIsNewerThanItself) {
  for (const char* known : {"ANCHOR_KIND_IID_DSA", "ANCHOR_STATUS_RETIRING"}) {
    const auto read = ParseCatalog(
        absl::StrReplaceAll(GoodText(), {{known, "ANCHOR_LATER"}}));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->skipped, 1);
    EXPECT_EQ(read->anchors.size(), 3u);
  }
}

TEST(Catalog, SkipsAnUnknownAnchorHoweverItIsMade) {
  std::string text = GoodText();
  const std::string other = R"({"slot":{"kind":"ANCHOR_KIND_LATER"},)"
                            R"("status":"ANCHOR_STATUS_ACTIVE"},)";
  text.insert(text.find("\"anchors\":[") + 11, other);
  const auto read = ParseCatalog(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->skipped, 1);
  EXPECT_EQ(read->anchors.size(), 4u);
}

TEST(Catalog, BecomesASetWithItsSequence) {
  verify::AnchorProvenance provenance;
  provenance.origin = verify::Origin::kFile;
  provenance.sequence = 99;
  const auto set = ToAnchorSet(Good(), provenance);
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ((*set)->provenance().sequence, 7u);
  EXPECT_EQ((*set)->provenance().origin, verify::Origin::kFile);
  const auto found = (*set)->In({"aws", "eu-west-1", AnchorKind::kIidRsa1024});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].status(), AnchorStatus::kRetiring);
  EXPECT_EQ(found[0].valid_from(), At(0));
  EXPECT_EQ(found[0].valid_until(), At(2'000'000'000));
  EXPECT_EQ(found[0].accept_until(), At(2'100'000'000));
  EXPECT_EQ(found[0].spki_sha256(), Good().anchors[2].spki_sha256);
  EXPECT_EQ(found[0].certificates_der().size(), 2u);
  const auto root = (*set)->In({"aws", "", AnchorKind::kNitroRoot});
  ASSERT_EQ(root.size(), 1u);
  EXPECT_EQ(root[0].valid_from(), absl::InfinitePast());
  EXPECT_EQ(root[0].valid_until(), absl::InfiniteFuture());
  EXPECT_EQ(root[0].accept_until(), absl::InfiniteFuture());
}

// --- What is refused: of the text ------------------------------------------

// Replaces the first `from` in the good text by `to`.
struct TextBreakage {
  const char* name;
  std::string from;
  std::string to;
  Reason expected;
};

class OneTextBreakage : public ::testing::TestWithParam<TextBreakage> {};

TEST_P(OneTextBreakage, IsRejectedForExactlyThatReason) {
  std::string text = GoodText();
  const std::size_t at = text.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, GetParam().from.size(), GetParam().to);
  EXPECT_EQ(ReasonOf(ParseCatalog(text).status()), GetParam().expected);
}

constexpr char kCreated[] = "2023-11-14T22:13:20Z";

INSTANTIATE_TEST_SUITE_P(
    Catalog, OneTextBreakage,
    ::testing::Values(
        TextBreakage{"NotJson", "{", "[", Reason::kDocumentMalformed},
        TextBreakage{"AfterTheEnd", "{", "{}{", Reason::kTrailingBytes},
        TextBreakage{"NameTwice", "\"sequence\"",
                     "\"sequence\":\"9\",\"sequence\"", Reason::kDuplicateKey},
        TextBreakage{"NameTwiceOnceEscaped", "\"sequence\"",
                     "\"s\\u0065quence\":\"9\",\"sequence\"",
                     Reason::kDuplicateKey},
        TextBreakage{"NameTwiceInWhatIsUnknown", "\"sequence\"",
                     "\"x\":[{\"a\":1,\"a\":2}],\"sequence\"",
                     Reason::kDuplicateKey},
        TextBreakage{"TooDeepInWhatIsUnknown", "\"sequence\"",
                     "\"x\":[[[[[[[[[[[[[[]]]]]]]]]]]]]],\"sequence\"",
                     Reason::kDocumentMalformed},
        TextBreakage{"OtherMediaType", "v1+json", "v2+json",
                     Reason::kFieldInvalid},
        TextBreakage{"NoMediaType", "mediaType", "media_type",
                     Reason::kFieldMissing},
        TextBreakage{"NoSequence", "sequence", "sequense",
                     Reason::kFieldMissing},
        TextBreakage{"SequenceZero", "\"7\"", "\"0\"", Reason::kFieldInvalid},
        TextBreakage{"SequenceANumber", "\"7\"", "7", Reason::kFieldInvalid},
        TextBreakage{"SequencePadded", "\"7\"", "\"07\"",
                     Reason::kFieldInvalid},
        TextBreakage{"SequenceSigned", "\"7\"", "\"+7\"",
                     Reason::kFieldInvalid},
        TextBreakage{"SequenceOverInt64", "\"7\"", "\"9223372036854775808\"",
                     Reason::kFieldInvalid},
        TextBreakage{"SequenceOverUint64", "\"7\"", "\"18446744073709551616\"",
                     Reason::kFieldInvalid},
        TextBreakage{"TimeWithFraction", kCreated, "2023-11-14T22:13:20.5Z",
                     Reason::kFieldInvalid},
        TextBreakage{"TimeWithOffset", kCreated, "2023-11-14T22:13:20+00:00",
                     Reason::kFieldInvalid},
        TextBreakage{"TimeWithBlank", kCreated, "2023-11-14 22:13:20Z",
                     Reason::kFieldInvalid},
        TextBreakage{"TimeWithoutSeparators", kCreated, "20231114221320Z",
                     Reason::kFieldInvalid},
        TextBreakage{"TimeThatDoesNotExist", kCreated, "2023-02-29T22:13:20Z",
                     Reason::kFieldInvalid},
        TextBreakage{"TimeOfYearZero", kCreated, "0000-11-14T22:13:20Z",
                     Reason::kFieldInvalid},
        TextBreakage{"HintWithFraction", "3600s", "3600.5s",
                     Reason::kFieldInvalid},
        TextBreakage{"HintNegative", "3600s", "-1s", Reason::kFieldInvalid},
        TextBreakage{"HintWithoutUnit", "3600s", "3600", Reason::kFieldInvalid},
        TextBreakage{"HintTooLong", "3600s", "2592001s", Reason::kFieldInvalid},
        TextBreakage{"AnchorsAnObject", "\"anchors\":[",
                     "\"anchors\":{},\"was\":[", Reason::kFieldInvalid},
        TextBreakage{"AnchorNoObject", "\"anchors\":[", "\"anchors\":[1,",
                     Reason::kFieldInvalid},
        TextBreakage{"NoAnchors", "\"anchors\"", "\"was\"",
                     Reason::kFieldInvalid},
        TextBreakage{"NoSlot", "\"slot\"", "\"was\"", Reason::kFieldMissing},
        TextBreakage{"NoKind", "\"kind\"", "\"was\"", Reason::kFieldMissing},
        TextBreakage{"KindUnspecified", "ANCHOR_KIND_NITRO_ROOT",
                     "ANCHOR_KIND_UNSPECIFIED", Reason::kFieldInvalid},
        TextBreakage{"KindANumber", "\"ANCHOR_KIND_NITRO_ROOT\"", "4",
                     Reason::kFieldInvalid},
        TextBreakage{"StatusUnspecified", "ANCHOR_STATUS_ACTIVE",
                     "ANCHOR_STATUS_UNSPECIFIED", Reason::kFieldInvalid},
        TextBreakage{"StatusNull", "\"ANCHOR_STATUS_ACTIVE\"", "null",
                     Reason::kFieldInvalid},
        TextBreakage{"NotBase64", "\"spkiDer\":\"M", "\"spkiDer\":\"*",
                     Reason::kEncodingMalformed},
        TextBreakage{"Base64WithBlank", "\"spkiDer\":\"", "\"spkiDer\":\" ",
                     Reason::kEncodingMalformed},
        TextBreakage{"UpperCaseHash", "\"sha256\":\"641a", "\"sha256\":\"641A",
                     Reason::kFieldInvalid},
        TextBreakage{"SupersededAString", "\"superseded\":true",
                     "\"superseded\":\"true\"", Reason::kFieldInvalid},
        TextBreakage{"SourceNoObject", "\"sources\":[{", "\"sources\":[[],{",
                     Reason::kFieldInvalid},
        TextBreakage{"SourceNotAscii", "\"someone\"", "\"some\u00f6ne\"",
                     Reason::kFieldInvalid},
        TextBreakage{"SourceWithControl", "\"someone\"", "\"some\\tne\"",
                     Reason::kFieldInvalid}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Catalog, FindsAFaultOfTheTextBeforeOneOfAField) {
  const std::string text =
      absl::StrReplaceAll(GoodText(), {{"\"sequence\"", "\"later\""}});
  EXPECT_EQ(ReasonOf(ParseCatalog(text).status()), Reason::kFieldMissing);
  EXPECT_EQ(ReasonOf(ParseCatalog(text + "x").status()),
            Reason::kTrailingBytes);
}

TEST(Catalog, ReadsNamesAndTextsWithEscapes) {
  const auto read = ParseCatalog(absl::StrReplaceAll(
      GoodText(), {{"\"sequence\"", "\"\\u0073equence\""},
                   {"\"spkiDer\":\"M", "\"spkiDer\":\"\\u004d"}}));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, *ParseCatalog(GoodText()));
}

TEST(Catalog, RefusesMoreValuesThanAnyHas) {
  std::string values;
  for (int i = 0; i < 250'000; ++i) values += "0,";
  const auto read = ParseCatalog(absl::StrReplaceAll(
      GoodText(),
      {{"\"sequence\"", absl::StrCat("\"x\":[", values, "0],\"sequence\"")}}));
  EXPECT_EQ(ReasonOf(read.status()), Reason::kInputTooLarge);
}

TEST(Catalog, RefusesATextOverTheLimit) {
  std::string text = GoodText();
  text.append(kMaxCatalogBytes - text.size(), ' ');
  EXPECT_TRUE(ParseCatalog(text).ok());
  text.push_back(' ');
  EXPECT_EQ(ReasonOf(ParseCatalog(text).status()), Reason::kInputTooLarge);
}

TEST(Catalog, RefusesOneOfWhichItKnowsNothing) {
  const auto read = ParseCatalog(
      absl::StrReplaceAll(GoodText(), {{"ANCHOR_KIND_", "ANCHOR_LATER_"}}));
  EXPECT_EQ(ReasonOf(read.status()), Reason::kFieldInvalid);
}

TEST(Catalog, RefusesEveryPrefixOfItsText) {
  const std::string text = GoodText();
  for (std::size_t size = 0; size < text.size(); size += 7) {
    EXPECT_EQ(ReasonOf(ParseCatalog(text.substr(0, size)).status()),
              Reason::kDocumentMalformed)
        << size;
  }
}

// --- What is refused: of the value, and so of the text too ------------------

struct Breakage {
  const char* name;
  std::function<void(Catalog&)> apply;
  Reason expected;
};

class OneBreakage : public ::testing::TestWithParam<Breakage> {};

TEST_P(OneBreakage, IsRejectedForExactlyThatReason) {
  Catalog catalog = Good();
  ASSERT_TRUE(CheckCatalog(catalog).ok());
  GetParam().apply(catalog);
  EXPECT_EQ(ReasonOf(CheckCatalog(catalog)), GetParam().expected);
}

// Puts the key of `name` and its certificate in the place of the anchor's.
void SetKey(CatalogAnchor& anchor, const std::string& name) {
  CatalogAnchor other = Anchor("", anchor.slot.kind, name);
  anchor.spki_der = other.spki_der;
  anchor.spki_sha256 = other.spki_sha256;
  anchor.certificates = other.certificates;
}

INSTANTIATE_TEST_SUITE_P(
    Catalog, OneBreakage,
    ::testing::Values(
        Breakage{"CreatedInHalfSeconds",
                 [](Catalog& c) { c.created += absl::Milliseconds(500); },
                 Reason::kFieldInvalid},
        Breakage{"CreatedNever",
                 [](Catalog& c) { c.created = absl::InfiniteFuture(); },
                 Reason::kFieldInvalid},
        Breakage{"HintInHalfSeconds",
                 [](Catalog& c) { c.refresh_hint = absl::Milliseconds(1500); },
                 Reason::kFieldInvalid},
        Breakage{"TooManyAnchors",
                 [](Catalog& c) {
                   c.anchors.resize(verify::AnchorSet::kMaxAnchors + 1);
                 },
                 Reason::kInputTooLarge},
        Breakage{"NoAnchors", [](Catalog& c) { c.anchors.clear(); },
                 Reason::kFieldInvalid},
        Breakage{"NoPartition",
                 [](Catalog& c) { c.anchors[0].slot.partition = ""; },
                 Reason::kFieldInvalid},
        Breakage{"PartitionInUpperCase",
                 [](Catalog& c) { c.anchors[0].slot.partition = "AWS"; },
                 Reason::kFieldInvalid},
        Breakage{"RootWithRegion",
                 [](Catalog& c) { c.anchors[0].slot.region = "eu-west-1"; },
                 Reason::kFieldInvalid},
        Breakage{"NoRegion", [](Catalog& c) { c.anchors[1].slot.region = ""; },
                 Reason::kFieldInvalid},
        Breakage{"RegionTooLong",
                 [](Catalog& c) {
                   c.anchors[1].slot.region =
                       std::string(kMaxSlotNameBytes + 1, 'a');
                 },
                 Reason::kFieldInvalid},
        Breakage{"WindowBackwards",
                 [](Catalog& c) { c.anchors[2].valid_until = At(-1); },
                 Reason::kFieldInvalid},
        Breakage{"WindowInHalfSeconds",
                 [](Catalog& c) {
                   *c.anchors[2].valid_from += absl::Milliseconds(500);
                 },
                 Reason::kFieldInvalid},
        Breakage{"RetiringForEver",
                 [](Catalog& c) { c.anchors[2].valid_until.reset(); },
                 Reason::kFieldInvalid},
        Breakage{"ReplacesNoHash",
                 [](Catalog& c) { c.anchors[2].replaces = "x"; },
                 Reason::kFieldInvalid},
        Breakage{"ReplacesItself",
                 [](Catalog& c) {
                   c.anchors[2].replaces = c.anchors[2].spki_sha256;
                 },
                 Reason::kFieldInvalid},
        Breakage{"OtherKeyHash",
                 [](Catalog& c) {
                   c.anchors[1].spki_sha256 = c.anchors[2].spki_sha256;
                 },
                 Reason::kFieldInvalid},
        Breakage{"KeyTooLong",
                 [](Catalog& c) {
                   c.anchors[1].spki_der.resize(verify::kMaxSpkiBytes + 1);
                 },
                 Reason::kInputTooLarge},
        Breakage{"NoKey",
                 [](Catalog& c) {
                   c.anchors[1].spki_der = "";
                   c.anchors[1].spki_sha256 = verify::Sha256Hex("");
                 },
                 Reason::kFieldInvalid},
        Breakage{"Rsa1024AsRsa2048",
                 [](Catalog& c) { SetKey(c.anchors[3], "eu-west-1.rsa1024"); },
                 Reason::kFieldInvalid},
        Breakage{"Rsa2048AsRsa1024",
                 [](Catalog& c) { SetKey(c.anchors[2], "eu-west-1.rsa2048"); },
                 Reason::kFieldInvalid},
        Breakage{"Rsa1024AsDsa",
                 [](Catalog& c) { SetKey(c.anchors[1], "eu-west-1.rsa1024"); },
                 Reason::kFieldInvalid},
        Breakage{"DsaAsRoot",
                 [](Catalog& c) { SetKey(c.anchors[0], "eu-west-1.dsa"); },
                 Reason::kFieldInvalid},
        Breakage{"RootWithoutCertificate",
                 [](Catalog& c) { c.anchors[0].certificates.clear(); },
                 Reason::kFieldInvalid},
        Breakage{"CertificateOfAnotherKey",
                 [](Catalog& c) {
                   c.anchors[2].certificates[0] =
                       Certificate("us-gov-east-1.rsa1024");
                 },
                 Reason::kFieldInvalid},
        Breakage{"CertificateNotDer",
                 [](Catalog& c) { c.anchors[1].certificates[0].der[0] ^= 1; },
                 Reason::kCertificateMalformed},
        Breakage{"CertificateAndMore",
                 [](Catalog& c) { c.anchors[1].certificates[0].der += "x"; },
                 Reason::kTrailingBytes},
        Breakage{"OtherCertificateHash",
                 [](Catalog& c) {
                   c.anchors[1].certificates[0].sha256 =
                       c.anchors[2].certificates[0].sha256;
                 },
                 Reason::kFieldInvalid},
        Breakage{"OtherNotBefore",
                 [](Catalog& c) {
                   c.anchors[1].certificates[0].not_before -= absl::Hours(1);
                 },
                 Reason::kFieldInvalid},
        Breakage{"OtherNotAfter",
                 [](Catalog& c) {
                   c.anchors[1].certificates[0].not_after += absl::Hours(1);
                 },
                 Reason::kFieldInvalid},
        Breakage{"OtherSerial",
                 [](Catalog& c) { c.anchors[1].certificates[0].serial = "1"; },
                 Reason::kFieldInvalid},
        Breakage{"CertificateTwice",
                 [](Catalog& c) {
                   c.anchors[2].certificates[1] = c.anchors[2].certificates[0];
                 },
                 Reason::kFieldInvalid},
        Breakage{"TooManyCertificates",
                 [](Catalog& c) {
                   c.anchors[2].certificates.resize(kMaxCertificatesPerAnchor +
                                                    1);
                 },
                 Reason::kInputTooLarge},
        Breakage{"TooManySources",
                 [](Catalog& c) {
                   c.anchors[1].certificates[0].sources.resize(
                       kMaxSourcesPerCertificate + 1, {"a", ""});
                 },
                 Reason::kInputTooLarge},
        Breakage{"SourceWithoutPublisher",
                 [](Catalog& c) {
                   c.anchors[1].certificates[0].sources[0].publisher = "";
                 },
                 Reason::kFieldInvalid},
        Breakage{"SourceTooLong",
                 [](Catalog& c) {
                   c.anchors[1].certificates[0].sources[0].location =
                       std::string(kMaxLocationBytes + 1, 'a');
                 },
                 Reason::kFieldInvalid},
        Breakage{"KeyTwiceInOneSlot",
                 [](Catalog& c) { c.anchors.push_back(c.anchors[1]); },
                 Reason::kFieldInvalid}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Catalog, TakesTheLargestValuesThatItPromises) {
  Catalog catalog = Good();
  catalog.sequence = INT64_MAX;
  catalog.refresh_hint = kMaxRefreshHint;
  catalog.anchors[1].slot.region = std::string(kMaxSlotNameBytes, 'a');
  catalog.anchors[1].certificates[0].sources.assign(
      kMaxSourcesPerCertificate, {std::string(kMaxPublisherBytes, '~'),
                                  std::string(kMaxLocationBytes, '"')});
  const auto read = ParseCatalog(SerializeCatalog(catalog));
  ASSERT_TRUE(read.ok()) << read.status();
  Sort(catalog);
  EXPECT_TRUE(*read == catalog);
}

TEST(Catalog, AgreesWithTheAnchorSetAboutKinds) {
  for (const char* name : {"eu-west-1.dsa", "eu-west-1.rsa1024",
                           "eu-west-1.rsa2048", "aws.nitro-root-g1"}) {
    for (const AnchorKind kind :
         {AnchorKind::kIidDsa, AnchorKind::kIidRsa1024, AnchorKind::kIidRsa2048,
          AnchorKind::kNitroRoot}) {
      Catalog catalog;
      catalog.sequence = 1;
      catalog.anchors = {Anchor(
          kind == AnchorKind::kNitroRoot ? "" : "eu-west-1", kind, name)};
      EXPECT_EQ(CheckCatalog(catalog).ok(), ToAnchorSet(catalog, {}).ok())
          << name << " as " << verify::NameOf(kind);
    }
  }
}

}  // namespace
}  // namespace anchorage::anchors
