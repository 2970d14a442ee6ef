#include "verify/image/bundle.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "test/support/fake_producer.h"
#include "verify/crypto/public_key.h"
#include "verify/image/comparison.h"
#include "verify/image/image_error.h"
#include "verify/image/statement.h"

namespace anchorage::verify {
namespace {

using test::FakeProducer;
using test::KeyType;
using test::SmallManifest;

absl::Time Day(int year, int month, int day) {
  return absl::FromCivil(absl::CivilDay(year, month, day), absl::UTCTimeZone());
}

absl::StatusOr<VerifiedManifest> Verify(
    std::string text, std::optional<absl::Time> received = std::nullopt) {
  const TrustedProducer pinned = FakeProducer().Pinned();
  return VerifyBundle(std::move(text), {&pinned, 1}, received);
}

std::string PayloadOf(const ImageManifest& manifest) {
  return *WriteStatement(manifest);
}

TEST(Bundle, VerifiesBothCurves) {
  for (const KeyType type : {KeyType::kP256, KeyType::kP384}) {
    const FakeProducer producer(type);
    const TrustedProducer pinned = producer.Pinned();
    const auto verified = VerifyBundle(producer.Sign(SmallManifest()),
                                       {&pinned, 1}, std::nullopt);
    ASSERT_TRUE(verified.ok()) << verified.status();
    EXPECT_EQ(verified->manifest(), SmallManifest());
    EXPECT_EQ(verified->signer().producer, "Example");
    EXPECT_EQ(verified->judged_at(), SmallManifest().time);
    EXPECT_EQ(absl::BytesToHexString(absl::string_view(
                  reinterpret_cast<const char*>(verified->digest().data()),
                  verified->digest().size())),
              Sha256Hex(*SerializePredicate(SmallManifest())));
  }
}

TEST(Bundle, TheSubjectIsTheDigestOfThePredicateAsItStands) {
  const std::string predicate = *SerializePredicate(SmallManifest());
  EXPECT_EQ(
      PayloadOf(SmallManifest()),
      absl::StrCat(
          R"({"_type":"https://in-toto.io/Statement/v1","predicate":)",
          predicate,
          R"(,"predicateType":"https://anchorage.dev/image-manifest/v1",)",
          R"("subject":[{"digest":{"sha256":")", Sha256Hex(predicate),
          R"("},"name":"ledger@2026.11.30"}]})"));
}

// Long enough for its memory to be given back while it is read.
TEST(Bundle, IsReadHoweverLongItIs) {
  ImageManifest manifest = SmallManifest();
  ManifestEntry entry = manifest.entries[3];
  for (int i = 0; i < 20'000; ++i) {
    entry.name = absl::StrCat("usr/lib/long/", 100'000 + i);
    manifest.entries.push_back(entry);
  }
  std::sort(manifest.entries.begin(), manifest.entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  const std::string text = FakeProducer().Sign(manifest);
  ASSERT_GT(text.size(), 5u << 20);
  const auto verified = Verify(text);
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->manifest(), manifest);
  // Padding and blanks, where one piece of the payload ends.
  const std::size_t end = text.find("\"payload\":\"") + 11 + (1 << 20);
  std::string padded = text;
  padded.replace(end - 4, 4, "AAA=");
  EXPECT_EQ(ImageReasonOf(Verify(padded).status()),
            ImageReason::kBundleMalformed);
  std::string spaced = text;
  spaced.insert(end - 2, " ");
  EXPECT_TRUE(Verify(spaced).ok());
}

struct TextCase {
  const char* from;
  const char* to;
  ImageReason reason;
};

// What stands around the signed text.
TEST(Bundle, RefusesEachBreachOfItsForm) {
  const std::string good = FakeProducer().Sign(SmallManifest());
  ASSERT_TRUE(Verify(good).ok());
  constexpr ImageReason kMalformed = ImageReason::kBundleMalformed;
  const TextCase cases[] = {
      {"{\"mediaType\"", "[\"mediaType\"", kMalformed},
      {"{\"mediaType\"", "{\"mediaType\":\"x\",\"mediaType\"", kMalformed},
      {"v0.3+json", "v0.4+json", kMalformed},
      {"mediaType", "mediatype", kMalformed},
      {"x509CertificateChain", "x509Chain", ImageReason::kBundleWithoutChain},
      {"\"x509CertificateChain\":",
       "\"publicKey\":{},\"x509CertificateChain\":",
       ImageReason::kBundleWithoutChain},
      {"\"x509CertificateChain\":",
       "\"certificate\":{},\"x509CertificateChain\":",
       ImageReason::kBundleWithoutChain},
      {"\"rawBytes\":\"MI", "\"rawBytes\":\"M_", kMalformed},
      {"\"rawBytes\":\"MI", "\"rawBytes\":\"MJ",
       ImageReason::kCertificateMalformed},
      {"\"rawBytes\":\"", "\"rawBytes\":\"\\u0041", kMalformed},
      {"\"rawBytes\"", "\"rawbytes\"", kMalformed},
      {"vnd.in-toto+json", "vnd.in-toto+jsom", kMalformed},
      {"\"payload\"", "\"Payload\"", kMalformed},
      {"\"payload\":\"ey", "\"payload\":\"fy", ImageReason::kSignatureMismatch},
      {"\"payload\":\"ey", "\"payload\":[],\"x\":\"ey", kMalformed},
      {"\"sig\":", "\"signature\":", kMalformed},
      {"\"signatures\":[", "\"signatures\":[{\"sig\":\"AA==\"},", kMalformed},
      {"\"sig\":\"ME", "\"sig\":\"MA", ImageReason::kSignatureMalformed},
      {"\"}]}}\n", "\"}]}} x", kMalformed},
      {"\"}]}}\n", "\"}]}", kMalformed},
  };
  for (const TextCase& c : cases) {
    std::string text = good;
    const std::size_t at = text.find(c.from);
    ASSERT_NE(at, text.npos) << c.from;
    text.replace(at, std::string_view(c.from).size(), c.to);
    EXPECT_EQ(ImageReasonOf(Verify(text).status()), c.reason)
        << c.from << " -> " << c.to << ": " << Verify(text).status();
  }
}

TEST(Bundle, PassesOverWhatItDoesNotKnow) {
  std::string text = FakeProducer().Sign(SmallManifest());
  absl::StrReplaceAll({{"\"tlogEntries\":[]", "\"tlogEntries\":[{\"a\":null}]"},
                       {"\"sig\":", "\"keyid\":null,\"sig\":"}},
                      &text);
  EXPECT_TRUE(Verify(text).ok()) << Verify(text).status();
}

// What is signed, validly.
TEST(Bundle, RefusesEachBreachOfTheStatement) {
  constexpr ImageReason kMalformed = ImageReason::kStatementMalformed;
  const TextCase cases[] = {
      {"Statement/v1", "Statement/v0.1", kMalformed},
      {"\"_type\"", "\"type\"", kMalformed},
      {"\"predicateType\"",
       "\"predicateType\":\"https://example.com/\",\"predicateType\"",
       kMalformed},
      {"{\"_type\"", "{\"note\":1,\"_type\"", kMalformed},
      {"anchorage.dev/image-manifest/v1", "anchorage.dev/image-manifest/v2",
       ImageReason::kPredicateUnknown},
      {"\"subject\":[{", "\"subject\":[{\"x\":1},{", kMalformed},
      {"\"subject\":[{", "\"subject\":[{\"uri\":\"x\",", kMalformed},
      {"{\"sha256\":", "{\"sha512\":", kMalformed},
      {"ledger@2026.11.30", "ledger@2026.11.31", kMalformed},
      {"\"product\":\"ledger\"", "\"product\":\"ledges\"",
       ImageReason::kSubjectDigest},
      {"\"predicate\":{", "\"predicate\": {", ImageReason::kMaxValue},
      {"\"predicate\":{\"entries\"", "\"predicate\":{ \"entries\"",
       ImageReason::kSubjectDigest},
  };
  const std::string good = PayloadOf(SmallManifest());
  for (const TextCase& c : cases) {
    std::string payload = good;
    const std::size_t at = payload.find(c.from);
    ASSERT_NE(at, payload.npos) << c.from;
    payload.replace(at, std::string_view(c.from).size(), c.to);
    const auto verified = Verify(FakeProducer().SignPayload(payload));
    if (c.reason == ImageReason::kMaxValue) {
      // White space around the predicate is no part of it.
      EXPECT_TRUE(verified.ok()) << verified.status();
    } else {
      EXPECT_EQ(ImageReasonOf(verified.status()), c.reason)
          << c.from << " -> " << c.to << ": " << verified.status();
    }
  }
}

TEST(Bundle, RefusesASignedManifestAgainstItsRules) {
  std::string predicate = *SerializePredicate(SmallManifest());
  absl::StrReplaceAll({{"\"mode\":\"4755\"", "\"mode\":\"04755\""}},
                      &predicate);
  const std::string payload = absl::StrCat(
      R"({"_type":"https://in-toto.io/Statement/v1","predicate":)", predicate,
      R"(,"predicateType":"https://anchorage.dev/image-manifest/v1",)",
      R"("subject":[{"digest":{"sha256":")", Sha256Hex(predicate),
      R"("},"name":"ledger@2026.11.30"}]})");
  EXPECT_EQ(ImageReasonOf(Verify(FakeProducer().SignPayload(payload)).status()),
            ImageReason::kManifestNotCanonical);
}

TEST(Bundle, AnyChangedByteOfThePayloadIsFound) {
  const FakeProducer producer;
  const TrustedProducer pinned = producer.Pinned();
  const BundleContents good = producer.Contents(PayloadOf(SmallManifest()));
  for (std::size_t i = 0; i < good.payload.size(); i += 7) {
    BundleContents changed = good;
    changed.payload[i] = static_cast<char>(changed.payload[i] ^ 1);
    EXPECT_EQ(ImageReasonOf(
                  VerifyBundle(WriteBundle(changed), {&pinned, 1}, std::nullopt)
                      .status()),
              ImageReason::kSignatureMismatch);
  }
}

TEST(Bundle, IsJudgedWhenItWasReceived) {
  // The certificates are valid from June 2026 to May 2027.
  const std::string text = FakeProducer().Sign(SmallManifest());
  EXPECT_TRUE(Verify(text, Day(2027, 5, 1)).ok());
  EXPECT_EQ(ImageReasonOf(Verify(text, Day(2027, 7, 1)).status()),
            ImageReason::kCertificateExpired);
  EXPECT_EQ(ImageReasonOf(Verify(text, Day(2026, 5, 1)).status()),
            ImageReason::kCertificateNotYetValid);
}

TEST(Bundle, SaysTimesInUtcAsTheManualHasThem) {
  const std::string text = FakeProducer().Sign(SmallManifest());
  for (const absl::Time received : {Day(2027, 7, 1), Day(2026, 5, 1)}) {
    const absl::Status refused = Verify(text, received).status();
    EXPECT_TRUE(absl::StrContains(
        refused.message(), absl::FormatTime("judged at %Y-%m-%dT00:00:00Z",
                                            received, absl::UTCTimeZone())))
        << refused;
  }
}

TEST(Bundle, IsJudgedAtItsOwnTimeOffline) {
  ImageManifest manifest = SmallManifest();
  manifest.time = Day(2025, 11, 30);
  EXPECT_EQ(ImageReasonOf(Verify(FakeProducer().Sign(manifest)).status()),
            ImageReason::kCertificateNotYetValid);
  manifest.time = Day(2027, 11, 30);
  EXPECT_EQ(ImageReasonOf(Verify(FakeProducer().Sign(manifest)).status()),
            ImageReason::kCertificateExpired);
}

TEST(Bundle, ValidlySignedIsNotEnough) {
  const auto verified = Verify(FakeProducer().Sign(SmallManifest()));
  ASSERT_TRUE(verified.ok()) << verified.status();
  const ImageManifest& manifest = verified->manifest();
  const ImageVersion same = *ImageVersion::Parse("2026.11.30");
  EXPECT_TRUE(
      CheckExpectations(manifest, {.product = "ledger", .least_version = same})
          .ok());
  EXPECT_TRUE(CheckExpectations(manifest, {.product = "ledger"}).ok());
  // Of another product.
  EXPECT_EQ(ImageReasonOf(CheckExpectations(manifest, {.product = "broker"})),
            ImageReason::kProductMismatch);
  EXPECT_EQ(ImageReasonOf(CheckExpectations(manifest, {.product = ""})),
            ImageReason::kProductMismatch);
  // Of before.
  EXPECT_EQ(
      ImageReasonOf(CheckExpectations(
          manifest, {.product = "ledger",
                     .least_version = *ImageVersion::Parse("2026.11.30.1")})),
      ImageReason::kVersionTooOld);
}

// Each would take memory before any signature is looked at.
TEST(Bundle, BoundsTheValuesThatItDoesNotKnow) {
  std::string members, elements;
  for (int i = 0; i < 4096; ++i) {
    absl::StrAppend(&members, "\"", i, "\":0,");
    absl::StrAppend(&elements, i == 0 ? "" : ",", "0");
  }
  const std::string good = FakeProducer().Sign(SmallManifest());
  for (const std::string& more :
       {members, absl::StrCat("\"x\":[", elements, "],"),
        absl::StrCat("\"x\":{", members, "\"y\":0},")}) {
    for (const char* where : {"\"mediaType\":", "\"payload\":", "\"sig\":"}) {
      const std::string text =
          absl::StrReplaceAll(good, {{where, absl::StrCat(more, where)}});
      EXPECT_EQ(Verify(text).status().message(),
                "BUNDLE_MALFORMED: JSON of more than 4096 values");
    }
  }
}

TEST(Bundle, TooLargeIsRefusedUnread) {
  EXPECT_EQ(
      ImageReasonOf(
          ReadBundle(std::string_view("{", kMaxBundleBytes + 1)).status()),
      ImageReason::kManifestTooLarge);
}

}  // namespace
}  // namespace anchorage::verify
