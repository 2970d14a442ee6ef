#include "anchors/publishing/repository_writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "anchors/tuf/trusted_set.h"
#include "anchors/tuf/tuf_error.h"
#include "test/support/repository_simulator.h"
#include "test/support/tuf_test_matchers.h"
#include "verify/encoding/json.h"

namespace anchorage::anchors::tuf {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
const absl::Time kLater = kNow + absl::Hours(24);

RoleSpec Role(std::initializer_list<int> keys, std::int64_t threshold) {
  RoleSpec role;
  for (const int n : keys) role.keys.push_back(TestKey(n)->public_key());
  role.threshold = threshold;
  return role;
}

RootSpec GoodRoot() {
  RootSpec spec;
  spec.expires = kLater;
  spec.root = Role({0, 1, 2}, 2);
  spec.targets = Role({0, 1, 2}, 2);
  spec.snapshot = Role({3}, 1);
  spec.timestamp = Role({3}, 1);
  return spec;
}

TargetsSpec GoodTargets() {
  TargetsSpec spec;
  spec.expires = kLater;
  spec.targets["f"] = DescribeTarget("bytes");
  spec.targets["f"].custom_json = R"({"a":"b"})";
  DelegationSpec delegation;
  delegation.name = "d";
  delegation.role = Role({4}, 1);
  delegation.paths = {{"x/*"}};
  spec.delegations.push_back(delegation);
  return spec;
}

TEST(RepositoryWriterTest, WritesARootThatEveryClientReads) {
  const auto file = WriteRoot(GoodRoot());
  ASSERT_THAT(file, IsOk());
  const auto root = ParseRoot(*file);
  ASSERT_THAT(root, IsOk());
  EXPECT_EQ(root->envelope.spec_version, "1.0.31");
  EXPECT_EQ(root->envelope.version, 1);
  EXPECT_EQ(root->envelope.expires, kLater);
  EXPECT_TRUE(root->envelope.signatures.empty());
  EXPECT_TRUE(root->consistent_snapshot);
  EXPECT_EQ(root->keys.size(), 4u);
  EXPECT_EQ(root->root.threshold, 2);
  EXPECT_EQ(file->find_first_of(" \n"), std::string::npos);
}

TEST(RepositoryWriterTest, WritesWhatIsAlreadyCanonicalWhereKeysAreHex) {
  const auto root = ParseRoot(*WriteRoot(GoodRoot()));
  ASSERT_THAT(root, IsOk());
  EXPECT_NE(root->envelope.bytes.find(root->envelope.signed_bytes),
            std::string::npos);
}

TEST(RepositoryWriterTest, WritesTargetsAndDelegations) {
  const auto targets = ParseTargets(*WriteTargets(GoodTargets()));
  ASSERT_THAT(targets, IsOk());
  EXPECT_EQ(targets->targets.at("f").length, 5);
  EXPECT_EQ(targets->targets.at("f").custom_json, R"({"a":"b"})");
  ASSERT_TRUE(targets->delegations.has_value());
  EXPECT_TRUE(targets->delegations->Find("d")->Covers("x/y"));
}

TEST(RepositoryWriterTest, CollectsSignaturesUntilTheThresholdIsMet) {
  const auto proposed = WriteRoot(GoodRoot());
  ASSERT_THAT(proposed, IsOk());
  const auto one = AddSignature(*proposed, *TestKey(0));
  ASSERT_THAT(one, IsOk());
  EXPECT_THAT(TrustedSet::FromRoot(*one, kNow),
              RejectedFor(TufReason::kRootNotSelfSigned));
  const auto two = AddSignature(*one, *TestKey(2));
  ASSERT_THAT(two, IsOk());
  EXPECT_THAT(TrustedSet::FromRoot(*two, kNow), IsOk());
}

TEST(RepositoryWriterTest, ReplacesAnEarlierSignatureOfTheSameKey) {
  const KeyPtr first = TestKey(0);
  const KeyPtr second = TestKey(1);
  const auto both =
      SignNew(*WriteRoot(GoodRoot()), {first.get(), second.get()});
  ASSERT_THAT(both, IsOk());
  EXPECT_EQ(*AddSignature(*both, *first), *both);
  EXPECT_EQ(ParseRoot(*both)->envelope.signatures.size(), 2u);
}

TEST(RepositoryWriterTest, ChangesNoByteOfWhatIsSigned) {
  // As another tool may have written it, with a signature still to come.
  const std::string body =
      "{ \"version\":1,\t\"_type\" : \"timestamp\", \"x\":\"}\\\"{\\\\\",\n"
      "\"expires\":\"2099-01-01T00:00:00Z\",\"spec_version\":\"1.0.31\",\n"
      "\"meta\" : {\"snapshot.json\":{\"version\":1}} }";
  const std::string file =
      absl::StrCat(" {\n\"y\":[\"signed\",{\"signed\":1}], \"signed\" : ", body,
                   " ,\"signatures\": [ {\"keyid\":\"k\",\"sig\":\"\"} ] }\n");
  const auto added = AddSignature(file, *TestKey(0));
  ASSERT_THAT(added, IsOk());
  EXPECT_NE(added->find(body), std::string::npos);
  const auto before = ParseTimestamp(file);
  const auto after = ParseTimestamp(*added);
  ASSERT_THAT(before, IsOk());
  ASSERT_THAT(after, IsOk());
  EXPECT_EQ(after->envelope.signed_bytes, before->envelope.signed_bytes);
  ASSERT_EQ(after->envelope.signatures.size(), 2u);
  EXPECT_EQ(after->envelope.signatures[0].sig_hex, "");
  EXPECT_THAT(
      VerifySignatures(
          after->envelope, {{TestKey(0)->public_key().keyid()}, 1},
          {{TestKey(0)->public_key().keyid(), TestKey(0)->public_key()}}),
      IsOk());
}

TEST(RepositoryWriterTest, SignsNothingThatItCannotRead) {
  EXPECT_THAT(AddSignature("{}", *TestKey(0)),
              RejectedFor(TufReason::kMetadataMalformed));
  EXPECT_THAT(AddSignature(absl::StrReplaceAll(*WriteRoot(GoodRoot()),
                                               {{"\"root\"", "\"rout\""}}),
                           *TestKey(0)),
              RejectedFor(TufReason::kWrongType));
  EXPECT_THAT(AddSignature(
                  absl::StrReplaceAll(*WriteRoot(GoodRoot()),
                                      {{"\"threshold\":2", "\"threshold\":0"}}),
                  *TestKey(0)),
              RejectedFor(TufReason::kThresholdInvalid));
  EXPECT_THAT(
      AddSignature(absl::StrReplaceAll(*WriteRoot(GoodRoot()),
                                       {{"\"signed\"", "\"s\\u0069gned\""}}),
                   *TestKey(0)),
      RejectedFor(TufReason::kMetadataMalformed));
}

TEST(RepositoryWriterTest, WritesARootThatFollowsAnother) {
  const KeyPtr a = TestKey(0);
  const KeyPtr b = TestKey(1);
  const auto first = SignNew(*WriteRoot(GoodRoot()), {a.get(), b.get()});
  auto set = TrustedSet::FromRoot(*first, kNow);
  ASSERT_THAT(set, IsOk());
  const RootSpec next = NextRootSpec(set->root(), kLater);
  const auto second = SignNew(*WriteRoot(next), {a.get(), b.get()});
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(set->UpdateRoot(*second), IsOk());
  EXPECT_EQ(set->root().keys.size(), 4u);
}

TEST(RepositoryWriterTest, WritesTargetsThatFollowOthers) {
  const auto first = ParseTargets(*WriteTargets(GoodTargets()));
  ASSERT_THAT(first, IsOk());
  TargetsSpec expected = GoodTargets();
  expected.version = 2;
  EXPECT_EQ(*WriteTargets(NextTargetsSpec(*first, kLater)),
            *WriteTargets(expected));
}

TEST(RepositoryWriterTest, KeepsUnknownMembersOfKeys) {
  const auto key = TufKey::Parse(
      *verify::ParseJson(absl::StrReplaceAll(TestKey(0)->public_key().json(),
                                             {{"{\"keytype\"",
                                               "{\"x-owner\":\"@a\","
                                               "\"keytype\""}}),
                         {.max_bytes = 4096}));
  ASSERT_THAT(key, IsOk());
  RootSpec spec = GoodRoot();
  spec.root.keys[0] = *key;
  const auto root = ParseRoot(*WriteRoot(spec));
  ASSERT_THAT(root, IsOk());
  EXPECT_TRUE(root->keys.contains(key->keyid()));
}

struct Breakage {
  std::string name;
  void (*apply)(RootSpec& root, TargetsSpec& targets);
};

class NotPublishableTest : public ::testing::TestWithParam<Breakage> {};

TEST_P(NotPublishableTest, IsRefused) {
  RootSpec root = GoodRoot();
  TargetsSpec targets = GoodTargets();
  ASSERT_TRUE(WriteRoot(root).ok() && WriteTargets(targets).ok());
  GetParam().apply(root, targets);
  const auto root_file = WriteRoot(root);
  const auto targets_file = WriteTargets(targets);
  EXPECT_THAT(root_file.ok() ? targets_file : root_file,
              RejectedFor(TufReason::kNotPublishable));
}

INSTANTIATE_TEST_SUITE_P(
    RepositoryWriter, NotPublishableTest,
    ::testing::Values(
        Breakage{"VersionZero",
                 [](RootSpec& root, TargetsSpec&) { root.version = 0; }},
        Breakage{
            "VersionBeyondJavaScript",
            [](RootSpec& root, TargetsSpec&) { root.version = 1LL << 53; }},
        Breakage{"NeverExpires",
                 [](RootSpec& root, TargetsSpec&) {
                   root.expires = absl::InfiniteFuture();
                 }},
        Breakage{"ThresholdZero",
                 [](RootSpec& root, TargetsSpec&) { root.root.threshold = 0; }},
        Breakage{
            "ThresholdAboveKeys",
            [](RootSpec& root, TargetsSpec&) { root.timestamp.threshold = 2; }},
        Breakage{"NoKeys", [](RootSpec& root,
                              TargetsSpec&) { root.snapshot.keys.clear(); }},
        Breakage{"TheSameKeyTwice",
                 [](RootSpec& root, TargetsSpec&) {
                   root.root.keys.push_back(root.root.keys[0]);
                 }},
        Breakage{"AKeyOfAnUnknownType",
                 [](RootSpec& root, TargetsSpec&) {
                   root.root.keys.push_back(
                       *TufKey::Make("ml-dsa-44", "ml-dsa-44", "00"));
                 }},
        Breakage{"ATargetNameBeyondAscii",
                 [](RootSpec&, TargetsSpec& targets) {
                   targets.targets["\xc3\xa9"] = DescribeTarget("");
                 }},
        Breakage{"AHashOtherThanSha256",
                 [](RootSpec&, TargetsSpec& targets) {
                   targets.targets["f"].hashes.push_back({"sha512", "00"});
                 }},
        Breakage{"ATargetWithoutHash",
                 [](RootSpec&, TargetsSpec& targets) {
                   targets.targets["f"].hashes.clear();
                 }},
        Breakage{"CustomIsNoJson",
                 [](RootSpec&, TargetsSpec& targets) {
                   targets.targets["f"].custom_json = "{";
                 }},
        Breakage{"ADelegationWithATopLevelName",
                 [](RootSpec&, TargetsSpec& targets) {
                   targets.delegations[0].name = "root";
                 }},
        Breakage{"ADelegationWithoutPaths",
                 [](RootSpec&, TargetsSpec& targets) {
                   targets.delegations[0].paths.reset();
                 }}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace anchorage::anchors::tuf
