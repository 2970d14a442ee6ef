#include "verify/image/oms.h"

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "test/support/fake_producer.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"
#include "verify/image/bundle.h"
#include "verify/image/comparison.h"
#include "verify/image/image_error.h"
#include "verify/image/statement.h"

namespace anchorage::verify {
namespace {

std::string ReadVector(const std::string& name) {
  std::ifstream file("test/vectors/oms/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

TrustedProducer Signer() {
  return {.name = "Model Signing",
          .certificates_der = {
              *DecodePem(ReadVector("signer.pem"), "CERTIFICATE")}};
}

absl::Time At() {
  return absl::FromCivil(absl::CivilDay(2026, 11, 30), absl::UTCTimeZone());
}

absl::StatusOr<VerifiedManifest> Verify(const std::string& name,
                                        std::optional<absl::Time> at = At()) {
  const TrustedProducer signer = Signer();
  return VerifyBundle(ReadVector(name), {&signer, 1}, at);
}

ManifestEntry Found(const std::string& name) {
  const Digest digest = Hash(HashAlgorithm::kSha256, ReadVector(name));
  ManifestEntry entry{.name = name, .mode = 0600, .uid = 1000};
  std::copy_n(digest.bytes.begin(), entry.sha256.size(), entry.sha256.begin());
  return entry;
}

TEST(ModelSigning, VerifiesThreeVersionsAndTheirFiles) {
  for (const char* name : {"v0.2.0.json", "v1.0.1.json", "v1.1.0.json"}) {
    const auto verified = Verify(name);
    ASSERT_TRUE(verified.ok()) << name << verified.status();
    EXPECT_TRUE(verified->manifest().content_only);
    const std::vector<ManifestEntry> found = {Found("signme-1"),
                                              Found("signme-2")};
    EXPECT_TRUE(Compare(verified->manifest(), found, {}).matches()) << name;

    std::vector<ManifestEntry> more = found;
    more.push_back({.name = "unlisted"});
    EXPECT_EQ(Compare(verified->manifest(), more, {}).total, 1u) << name;
    std::vector<ManifestEntry> renamed = found;
    std::swap(renamed[0].name, renamed[1].name);
    EXPECT_EQ(Compare(verified->manifest(), renamed, {}).total, 2u) << name;
  }
}

TEST(ModelSigning, WhatIsLeftOutIsSigned) {
  const auto verified = Verify("v1.1.0.json");
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_TRUE(IsExcluded(verified->manifest().exclusions, ".git/config"));
  EXPECT_TRUE(IsExcluded(verified->manifest().exclusions, "model.sig"));
  EXPECT_FALSE(IsExcluded(verified->manifest().exclusions, "signme-1"));
}

TEST(ModelSigning, ReadsTheSpecificationsVectors) {
  const auto valid = Verify("spec-valid-certificate.json");
  ASSERT_TRUE(valid.ok()) << valid.status();
  EXPECT_EQ(valid->manifest().entries.size(), 2u);
  // Valid, but not signed under a certificate of a producer.
  for (const char* name : {"spec-valid-key.json", "spec-valid-sigstore.json"}) {
    EXPECT_EQ(ImageReasonOf(Verify(name).status()),
              ImageReason::kBundleWithoutChain)
        << name;
  }
  EXPECT_EQ(ImageReasonOf(Verify("spec-invalid-empty.json").status()),
            ImageReason::kBundleMalformed);
  EXPECT_EQ(
      ImageReasonOf(Verify("spec-invalid-missing-envelope.json").status()),
      ImageReason::kBundleWithoutChain);
  EXPECT_EQ(ImageReasonOf(
                Verify("spec-invalid-payload-wrong-predicate.json").status()),
            ImageReason::kBundleWithoutChain);
}

TEST(ModelSigning, SaysNoTimeOfItsOwn) {
  EXPECT_EQ(ImageReasonOf(Verify("v1.1.0.json", std::nullopt).status()),
            ImageReason::kTimeUnknown);
}

TEST(ModelSigning, IsOfNoProduct) {
  const auto verified = Verify("v1.1.0.json");
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(ImageReasonOf(
                CheckExpectations(verified->manifest(), {.product = "ledger"})),
            ImageReason::kProductMismatch);
  EXPECT_FALSE(SerializePredicate(verified->manifest()).ok());
}

TEST(ModelSigning, TheOldEncodingIsNoneForManifestsOfOurs) {
  // Signed as version 0.2 did: refused, because a manifest of ours is DSSE.
  const test::FakeProducer producer;
  const TrustedProducer pinned = producer.Pinned();
  BundleContents contents =
      producer.Contents(*WriteStatement(test::SmallManifest()));
  const std::string text = absl::StrCat(
      "DSSEV1 28 application/vnd.in-toto+json ", contents.payload.size(), " b'",
      absl::StrReplaceAll(contents.payload, {{"\\", "\\\\"}}), "'");
  contents.signature = producer.leaf.key->Sign(
      test::Hash::kSha256, test::HashOf(test::Hash::kSha256, text));
  const auto signer = VerifyProducerChain(contents.chain_der, {&pinned, 1});
  ASSERT_TRUE(signer.ok()) << signer.status();
  ASSERT_TRUE(
      VerifyModelEnvelopeV0(*signer, contents.payload, contents.signature)
          .ok());
  EXPECT_EQ(ImageReasonOf(
                VerifyBundle(WriteBundle(contents), {&pinned, 1}, std::nullopt)
                    .status()),
            ImageReason::kSignatureMismatch);
}

std::string PayloadOf(const std::string& name) {
  return ReadBundle(ReadVector(name))->payload;
}

TEST(ModelSigning, RefusesEachBreach) {
  struct Case {
    const char* vector;
    const char* from;
    const char* to;
    ImageReason reason;
  };
  constexpr ImageReason kMalformed = ImageReason::kManifestMalformed;
  const Case cases[] = {
      {"v1.1.0.json", "\"method\": \"files\"", "\"method\": \"shards\"",
       kMalformed},
      {"v1.1.0.json", "\"hash_type\": \"sha256\"", "\"hash_type\": \"blake2b\"",
       kMalformed},
      {"v1.1.0.json", "\"allow_symlinks\": false", "\"allow_symlinks\": true",
       kMalformed},
      {"v1.1.0.json", "\"allow_symlinks\": false,", "", kMalformed},
      {"v1.1.0.json",
       "\"method\":", "\"shard_size\": 1, \"method\":", kMalformed},
      {"v1.1.0.json", "\"ignore-me\"", "\"../ignore-me\"", kMalformed},
      {"v1.1.0.json", "\"name\": \"signme-1\"", "\"name\": \"/signme-1\"",
       kMalformed},
      {"v1.1.0.json", "\"name\": \"signme-1\"", "\"name\": \"signme-2\"",
       kMalformed},
      {"v1.1.0.json", "\"algorithm\": \"sha256\"", "\"algorithm\": \"md5\"",
       kMalformed},
      {"v1.1.0.json", "\"digest\": \"f631", "\"digest\": \"f632",
       ImageReason::kSubjectDigest},
      {"v1.1.0.json", "\"sha256\": \"61d4", "\"sha256\": \"61d5",
       ImageReason::kSubjectDigest},
      {"v1.1.0.json", "signature/v1.0", "signature/v2.0",
       ImageReason::kPredicateUnknown},
      {"v0.2.0.json", "file-sha256", "file-sha256-1000", kMalformed},
      {"v0.2.0.json", "\"name\": \"signme-1\"", "\"name\": \"signme-2\"",
       kMalformed},
      {"v0.2.0.json", "\"sha256\": \"f631", "\"sha256\": \"f6", kMalformed},
  };
  for (const Case& c : cases) {
    std::string payload = PayloadOf(c.vector);
    const std::size_t at = payload.find(c.from);
    ASSERT_NE(at, payload.npos) << c.from;
    payload.replace(at, std::string_view(c.from).size(), c.to);
    EXPECT_EQ(ImageReasonOf(ReadStatement(payload).status()), c.reason)
        << c.from << " -> " << c.to << ": " << ReadStatement(payload).status();
  }
}

}  // namespace
}  // namespace anchorage::verify
