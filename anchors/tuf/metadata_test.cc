// Reading: one good file of each kind, and each thing that can be wrong in it.

#include "anchors/tuf/metadata.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "anchors/tuf/tuf_error.h"
#include "test/support/repository_simulator.h"
#include "test/support/tuf_test_matchers.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/json.h"

namespace anchorage::anchors::tuf {
namespace {

constexpr char kKey[] =
    R"({"keytype":"ed25519","keyval":{"public":"aa"},"scheme":"ed25519"})";

std::string KeyIdOf(std::string_view key) { return verify::Sha256Hex(key); }

// Good() of each kind, as text.
std::string GoodRoot() {
  const std::string role =
      absl::StrCat(R"({"keyids":[")", KeyIdOf(kKey), R"("],"threshold":1})");
  return absl::StrCat(
      R"({"signatures":[{"keyid":"k1","sig":"00"},{"keyid":"k2","sig":""}],)",
      R"("signed":{"_type":"root","spec_version":"1.0.31","version":7,)",
      R"("expires":"2030-01-02T03:04:05Z","consistent_snapshot":true,)",
      R"("keys":{")", KeyIdOf(kKey), R"(":)", kKey, R"(},"roles":{"root":)",
      role, R"(,"timestamp":)", role, R"(,"snapshot":)", role, R"(,"targets":)",
      role, R"(}}})");
}

std::string GoodTimestamp() {
  return R"({"signatures":[],"signed":{"_type":"timestamp",)"
         R"("spec_version":"1.0","version":1,)"
         R"("expires":"2030-01-02T03:04:05Z",)"
         R"("meta":{"snapshot.json":{"version":3,"length":10,)"
         R"("hashes":{"sha512":"ab","sha256":"cd"}}}}})";
}

std::string GoodSnapshot() {
  return R"({"signatures":[],"signed":{"_type":"snapshot",)"
         R"("spec_version":"1.0.31","version":1,)"
         R"("expires":"2030-01-02T03:04:05Z",)"
         R"("meta":{"targets.json":{"version":3},"a/b.json":{"version":1}}}})";
}

std::string GoodTargets() {
  return absl::StrCat(
      R"({"signatures":[],"signed":{"_type":"targets",)",
      R"("spec_version":"1.0.31","version":1,)",
      R"("expires":"2030-01-02T03:04:05Z","targets":{)",
      R"("f":{"length":5,"hashes":{"sha256":"ab"},"custom":{"x":[1, 2]}}},)",
      R"("delegations":{"keys":{")", KeyIdOf(kKey), R"(":)", kKey,
      R"(},"roles":[{"name":"d","keyids":[],"threshold":2,)",
      R"("paths":["p/*"],"terminating":true},)",
      R"({"name":"e","keyids":[],"threshold":1,)",
      R"("path_hash_prefixes":["0a"],"terminating":false}]}}})");
}

TEST(MetadataTest, ReadsARoot) {
  const auto root = ParseRoot(GoodRoot());
  ASSERT_THAT(root, IsOk());
  EXPECT_EQ(root->envelope.bytes, GoodRoot());
  EXPECT_EQ(root->envelope.version, 7);
  EXPECT_EQ(root->envelope.expires,
            absl::FromCivil(absl::CivilSecond(2030, 1, 2, 3, 4, 5),
                            absl::UTCTimeZone()));
  EXPECT_EQ(root->envelope.signatures.size(), 2u);
  EXPECT_TRUE(root->consistent_snapshot);
  EXPECT_EQ(root->keys.size(), 1u);
  EXPECT_EQ(root->targets.keyids, std::vector<std::string>{KeyIdOf(kKey)});
}

TEST(MetadataTest, ReadsATimestamp) {
  const auto timestamp = ParseTimestamp(GoodTimestamp());
  ASSERT_THAT(timestamp, IsOk());
  EXPECT_EQ(timestamp->snapshot.version, 3);
  EXPECT_EQ(timestamp->snapshot.length, 10);
  ASSERT_EQ(timestamp->snapshot.hashes.size(), 2u);
  EXPECT_EQ(timestamp->snapshot.hashes[0].algorithm, "sha512");
}

TEST(MetadataTest, ReadsASnapshot) {
  const auto snapshot = ParseSnapshot(GoodSnapshot());
  ASSERT_THAT(snapshot, IsOk());
  ASSERT_NE(snapshot->Find("a/b"), nullptr);
  EXPECT_EQ(snapshot->Find("targets")->version, 3);
  EXPECT_EQ(snapshot->Find("b"), nullptr);
}

TEST(MetadataTest, ReadsTargets) {
  const auto targets = ParseTargets(GoodTargets());
  ASSERT_THAT(targets, IsOk());
  EXPECT_EQ(targets->targets.at("f").length, 5);
  EXPECT_EQ(targets->targets.at("f").custom_json, R"({"x":[1,2]})");
  ASSERT_TRUE(targets->delegations.has_value());
  const Delegation* d = targets->delegations->Find("d");
  ASSERT_NE(d, nullptr);
  EXPECT_TRUE(d->terminating);
  EXPECT_EQ(d->role.threshold, 2);
  EXPECT_TRUE(d->Covers("p/x"));
  EXPECT_FALSE(d->Covers("p/x/y"));
  EXPECT_EQ(targets->delegations->Find("x"), nullptr);
}

TEST(MetadataTest, ReadsTheSignedMemberInCanonicalForm) {
  const auto timestamp = ParseTimestamp(
      R"({"signed":{"version":1,"meta":{"snapshot.json":{"version":1}},)"
      R"( "_type":"timestamp", "expires" : "2030-01-02T03:04:05Z",)"
      R"("z":"\u000a","spec_version":"1.0.31"}, "signatures":[]})");
  ASSERT_THAT(timestamp, IsOk());
  EXPECT_EQ(timestamp->envelope.signed_bytes,
            "{\"_type\":\"timestamp\",\"expires\":\"2030-01-02T03:04:05Z\","
            "\"meta\":{\"snapshot.json\":{\"version\":1}},"
            "\"spec_version\":\"1.0.31\",\"version\":1,\"z\":\"\n\"}");
}

struct Breakage {
  std::string name;
  std::string from;
  std::string to;
  TufReason reason;
};

std::string NameOfBreakage(const ::testing::TestParamInfo<Breakage>& info) {
  return info.param.name;
}

std::string Break(const std::string& good, const Breakage& breakage) {
  EXPECT_NE(good.find(breakage.from), std::string::npos) << breakage.from;
  return absl::StrReplaceAll(good, {{breakage.from, breakage.to}});
}

class RootBreakageTest : public ::testing::TestWithParam<Breakage> {};

TEST_P(RootBreakageTest, IsRejectedForExactlyThatReason) {
  EXPECT_THAT(ParseRoot(Break(GoodRoot(), GetParam())),
              RejectedFor(GetParam().reason));
}

constexpr TufReason kMalformed = TufReason::kMetadataMalformed;

INSTANTIATE_TEST_SUITE_P(
    Envelope, RootBreakageTest,
    ::testing::Values(
        Breakage{"NoSigned", "\"signed\"", "\"unsigned\"", kMalformed},
        Breakage{"NoSignatures", "\"signatures\"", "\"autographs\"",
                 kMalformed},
        Breakage{"SignatureWithoutSig", R"("sig":"00")", R"("gis":"00")",
                 kMalformed},
        Breakage{"SigIsNoString", R"("sig":"00")", R"("sig":0)", kMalformed},
        Breakage{"TrailingBytes", R"(}}})", R"(}}}x)", kMalformed},
        Breakage{"ByteOrderMark", R"({"signatures")",
                 "\xef\xbb\xbf{\"signatures\"", kMalformed},
        Breakage{"TwiceTheSameMember", R"("version":7)",
                 R"("version":7,"version":7)", TufReason::kDuplicateMember},
        Breakage{"TwiceTheSameMemberEscaped", R"("version":7)",
                 R"("version":7,"v\u0065rsion":7)",
                 TufReason::kDuplicateMember},
        Breakage{"AFraction", R"("version":7)", R"("version":7,"x":1.0)",
                 TufReason::kNumberNotCanonical},
        Breakage{"AnExponent", R"("version":7)", R"("version":7,"x":1e2)",
                 TufReason::kNumberNotCanonical},
        Breakage{"TwoSignaturesOfOneKeyId", R"("k2")", R"("k1")",
                 TufReason::kDuplicateSignatureKeyId},
        Breakage{"NoType", "\"_type\"", "\"type\"", kMalformed},
        Breakage{"OtherType", R"("_type":"root")", R"("_type":"targets")",
                 TufReason::kWrongType},
        Breakage{"NoSpecVersion", "\"spec_version\"", "\"spec\"", kMalformed},
        Breakage{"NoVersion", R"("version":7)", R"("revision":7)", kMalformed},
        Breakage{"VersionZero", R"("version":7)", R"("version":0)", kMalformed},
        Breakage{"NegativeVersion", R"("version":7)", R"("version":-7)",
                 kMalformed},
        Breakage{"VersionIsAString", R"("version":7)", R"("version":"7")",
                 kMalformed},
        Breakage{"NoExpires", "\"expires\"", "\"expired\"", kMalformed}),
    NameOfBreakage);

INSTANTIATE_TEST_SUITE_P(
    SpecVersion, RootBreakageTest,
    ::testing::Values(
        Breakage{"Two", "1.0.31", "2.0.0", TufReason::kSpecVersionUnsupported},
        Breakage{"One", "1.0.31", "1", TufReason::kSpecVersionUnsupported},
        Breakage{"Ten", "1.0.31", "10.0", TufReason::kSpecVersionUnsupported},
        Breakage{"FourParts", "1.0.31", "1.0.31.1",
                 TufReason::kSpecVersionUnsupported},
        Breakage{"EmptyPart", "1.0.31", "1.0.",
                 TufReason::kSpecVersionUnsupported},
        Breakage{"Letters", "1.0.31", "1.x",
                 TufReason::kSpecVersionUnsupported}),
    NameOfBreakage);

INSTANTIATE_TEST_SUITE_P(
    Expires, RootBreakageTest,
    ::testing::Values(
        Breakage{"Offset", "03:04:05Z", "03:04:05+00:00",
                 TufReason::kExpiresMalformed},
        Breakage{"Fraction", "03:04:05Z", "03:04:05.0Z",
                 TufReason::kExpiresMalformed},
        Breakage{"NoZone", "03:04:05Z", "03:04:05",
                 TufReason::kExpiresMalformed},
        Breakage{"LowerCase", "03:04:05Z", "03:04:05z",
                 TufReason::kExpiresMalformed},
        Breakage{"NoSuchDay", "2030-01-02", "2030-02-29",
                 TufReason::kExpiresMalformed},
        Breakage{"NoSuchMonth", "2030-01-02", "2030-13-02",
                 TufReason::kExpiresMalformed},
        Breakage{"NoSuchHour", "T03:", "T24:", TufReason::kExpiresMalformed},
        Breakage{"LeapSecond", "03:04:05Z", "03:04:60Z",
                 TufReason::kExpiresMalformed},
        Breakage{"Space", "02T03", "02 03", TufReason::kExpiresMalformed},
        Breakage{"Sign", "2030-01", "+030-01", TufReason::kExpiresMalformed}),
    NameOfBreakage);

INSTANTIATE_TEST_SUITE_P(
    Root, RootBreakageTest,
    ::testing::Values(
        Breakage{"ConsistentSnapshotIsNoBool", "\"consistent_snapshot\":true",
                 "\"consistent_snapshot\":1", kMalformed},
        Breakage{"NoKeys", "\"keys\"", "\"locks\"", kMalformed},
        Breakage{"NoRoles", "\"roles\"", "\"rolls\"", kMalformed},
        Breakage{"NoSnapshotRole", "\"snapshot\"", "\"mirrors\"",
                 TufReason::kRootRolesInvalid},
        Breakage{"AnUnknownRole", "\"roles\":{",
                 "\"roles\":{\"x\":{\"keyids\":[],\"threshold\":1},",
                 TufReason::kRootRolesInvalid},
        Breakage{"KeyIdOfAnotherKey", "\"public\":\"aa\"", "\"public\":\"ab\"",
                 TufReason::kKeyIdMismatch},
        Breakage{"KeyWithoutScheme", ",\"scheme\":\"ed25519\"", "", kMalformed},
        Breakage{"KeyWithoutKeyval", "\"keyval\"", "\"value\"", kMalformed},
        Breakage{"ThresholdZero", "\"threshold\":1", "\"threshold\":0",
                 TufReason::kThresholdInvalid},
        Breakage{"ThresholdNegative", "\"threshold\":1", "\"threshold\":-1",
                 TufReason::kThresholdInvalid},
        Breakage{"ThresholdIsAString", "\"threshold\":1", "\"threshold\":\"1\"",
                 kMalformed},
        Breakage{"NoThreshold", ",\"threshold\":1", "", kMalformed},
        Breakage{"NoKeyIds", "\"keyids\"", "\"ids\"", kMalformed},
        Breakage{"KeyIdIsNoString", "\"keyids\":[", "\"keyids\":[1,",
                 kMalformed},
        Breakage{"KeyIdTwice", "\"keyids\":[",
                 "\"keyids\":[\"" + KeyIdOf(kKey) + "\",",
                 TufReason::kDuplicateRoleKeyId}),
    NameOfBreakage);

TEST(MetadataTest, AcceptsTheMirrorsRoleOfTheSpecification) {
  EXPECT_THAT(ParseRoot(absl::StrReplaceAll(
                  GoodRoot(), {{"\"roles\":{",
                                "\"roles\":{\"mirrors\":{\"keyids\":[],"
                                "\"threshold\":1},"}})),
              IsOk());
}

TEST(MetadataTest, TakesAnAbsentConsistentSnapshotAsFalse) {
  const auto root = ParseRoot(
      absl::StrReplaceAll(GoodRoot(), {{"\"consistent_snapshot\":true,", ""}}));
  ASSERT_THAT(root, IsOk());
  EXPECT_FALSE(root->consistent_snapshot);
}

class TimestampBreakageTest : public ::testing::TestWithParam<Breakage> {};

TEST_P(TimestampBreakageTest, IsRejectedForExactlyThatReason) {
  EXPECT_THAT(ParseTimestamp(Break(GoodTimestamp(), GetParam())),
              RejectedFor(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    Timestamp, TimestampBreakageTest,
    ::testing::Values(
        Breakage{"NoMeta", "\"meta\"", "\"data\"", kMalformed},
        Breakage{"NoSnapshot", "\"snapshot.json\"", "\"targets.json\"",
                 kMalformed},
        Breakage{"MoreThanTheSnapshot", "\"meta\":{",
                 "\"meta\":{\"root.json\":{\"version\":1},", kMalformed},
        Breakage{"EntryWithoutVersion", "\"version\":3", "\"v\":3", kMalformed},
        Breakage{"EntryVersionZero", "\"version\":3", "\"version\":0",
                 kMalformed},
        Breakage{"LengthIsAString", "\"length\":10", "\"length\":\"10\"",
                 kMalformed},
        Breakage{"LengthNegative", "\"length\":10", "\"length\":-10",
                 kMalformed},
        Breakage{"HashesIsAnArray", R"({"sha512":"ab","sha256":"cd"})",
                 R"(["ab"])", kMalformed},
        Breakage{"HashesIsEmpty", R"({"sha512":"ab","sha256":"cd"})", "{}",
                 kMalformed},
        Breakage{"HashIsNotHex", R"("ab")", R"("../x")", kMalformed},
        Breakage{"HashIsEmpty", R"("ab")", R"("")", kMalformed}),
    NameOfBreakage);

class TargetsBreakageTest : public ::testing::TestWithParam<Breakage> {};

TEST_P(TargetsBreakageTest, IsRejectedForExactlyThatReason) {
  EXPECT_THAT(ParseTargets(Break(GoodTargets(), GetParam())),
              RejectedFor(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    Targets, TargetsBreakageTest,
    ::testing::Values(
        Breakage{"NoTargets", "\"targets\":{", "\"aims\":{", kMalformed},
        Breakage{"TargetWithoutLength", "\"length\":5", "\"size\":5",
                 kMalformed},
        Breakage{"TargetLengthNegative", "\"length\":5", "\"length\":-5",
                 kMalformed},
        Breakage{"TargetWithoutHashes", "\"hashes\"", "\"sums\"", kMalformed},
        Breakage{"TargetWithNoHash", R"({"sha256":"ab"})", "{}", kMalformed},
        Breakage{"DelegationsIsAnArray", R"("delegations":{)",
                 R"("delegations":[],"x":{)", kMalformed},
        Breakage{"DelegationsWithoutRoles", R"("roles":[)", R"("rolls":[)",
                 kMalformed},
        Breakage{"RoleWithoutName", R"("name":"d")", R"("nom":"d")",
                 kMalformed},
        Breakage{"RoleWithEmptyName", R"("name":"d")", R"("name":"")",
                 TufReason::kDelegationInvalid},
        Breakage{"RoleWithATopLevelName", R"("name":"d")",
                 R"("name":"snapshot")", TufReason::kDelegationInvalid},
        Breakage{"TwoRolesOfOneName", R"("name":"e")", R"("name":"d")",
                 TufReason::kDelegationInvalid},
        Breakage{"NeitherPathsNorPrefixes", R"("paths")", R"("ways")",
                 TufReason::kDelegationInvalid},
        Breakage{"PathsAndPrefixes", R"("paths")",
                 R"("path_hash_prefixes":[],"paths")",
                 TufReason::kDelegationInvalid},
        Breakage{"PathIsNoString", R"(["p/*"])", R"([1])", kMalformed},
        Breakage{"PathsIsNoArray", R"(["p/*"])", R"("p/*")", kMalformed},
        Breakage{"NoTerminating", R"("terminating":true)", R"("x":true)",
                 kMalformed},
        Breakage{"DelegationThresholdZero", R"("threshold":2)",
                 R"("threshold":0)", TufReason::kThresholdInvalid},
        Breakage{"DelegationKeyIdMismatch", R"("public":"aa")",
                 R"("public":"ab")", TufReason::kKeyIdMismatch}),
    NameOfBreakage);

// b11: nothing is read of what is too long or too deep.

TEST(MetadataTest, RefusesWhatIsLongerThanTheLimitOfItsRole) {
  const auto pad = [](std::string text, std::size_t size) {
    text.resize(size, ' ');
    return text;
  };
  EXPECT_THAT(ParseRoot(pad(GoodRoot(), kMaxRootBytes)), IsOk());
  EXPECT_THAT(ParseRoot(pad(GoodRoot(), kMaxRootBytes + 1)),
              RejectedFor(TufReason::kMetadataTooLarge));
  EXPECT_THAT(ParseTimestamp(pad(GoodTimestamp(), kMaxTimestampBytes + 1)),
              RejectedFor(TufReason::kMetadataTooLarge));
  EXPECT_THAT(ParseSnapshot(pad(GoodSnapshot(), kMaxSnapshotBytes + 1)),
              RejectedFor(TufReason::kMetadataTooLarge));
  EXPECT_THAT(ParseTargets(pad(GoodTargets(), kMaxTargetsBytes + 1)),
              RejectedFor(TufReason::kMetadataTooLarge));
}

TEST(MetadataTest, RefusesDeepNesting) {
  const auto nested = [](int depth) {
    return absl::StrReplaceAll(
        GoodRoot(),
        {{"\"version\":7", "\"version\":7,\"x\":" + std::string(depth, '[') +
                               std::string(depth, ']')}});
  };
  EXPECT_THAT(ParseRoot(nested(kMaxMetadataDepth - 2)), IsOk());
  EXPECT_THAT(ParseRoot(nested(kMaxMetadataDepth - 1)),
              RejectedFor(TufReason::kMetadataMalformed));
  EXPECT_THAT(ParseRoot(nested(100'000)),
              RejectedFor(TufReason::kMetadataMalformed));
}

// --- Signatures ------------------------------------------------------------

class VerifySignaturesTest : public ::testing::Test {
 protected:
  VerifySignaturesTest() {
    for (int i = 0; i < 3; ++i) Allow(TestKey(i)->public_key());
    role_.threshold = 2;
    envelope_.signed_bytes = "message";
  }

  void Allow(const TufKey& key) {
    role_.keyids.push_back(key.keyid());
    keys_.emplace(key.keyid(), key);
  }

  void Sign(int n) {
    const KeyPtr key = TestKey(n);
    SignAs(key->public_key().keyid(), *key);
  }

  void SignAs(const std::string& keyid, const SigningKey& key) {
    envelope_.signatures.push_back(
        {keyid, absl::BytesToHexString(*key.Sign(envelope_.signed_bytes))});
  }

  absl::Status Verify() { return VerifySignatures(envelope_, role_, keys_); }

  Envelope envelope_;
  RoleKeys role_;
  KeyMap keys_;
};

TEST_F(VerifySignaturesTest, AcceptsTheThreshold) {
  Sign(2);
  Sign(0);
  EXPECT_THAT(Verify(), IsOk());
}

TEST_F(VerifySignaturesTest, RefusesOneLess) {
  Sign(0);
  EXPECT_THAT(Verify(), RejectedFor(TufReason::kThresholdNotMet));
}

TEST_F(VerifySignaturesTest, RefusesNone) {
  EXPECT_THAT(Verify(), RejectedFor(TufReason::kThresholdNotMet));
}

TEST_F(VerifySignaturesTest, CountsASignatureOnceThoughListedTwice) {
  // b01. The reader refuses this already.
  Sign(0);
  Sign(0);
  EXPECT_THAT(Verify(), RejectedFor(TufReason::kThresholdNotMet));
}

TEST_F(VerifySignaturesTest, CountsAKeyOnceThoughItHasTwoIds) {
  // b02: the same public key in two objects that differ elsewhere.
  const KeyPtr key = TestKey(0);
  const auto json = verify::ParseJson(
      absl::StrReplaceAll(key->public_key().json(),
                          {{"\"scheme\"", "\"x\":1,\"scheme\""}}),
      {.max_bytes = 4096});
  const auto twin = TufKey::Parse(*json);
  ASSERT_THAT(twin, IsOk());
  ASSERT_NE(twin->keyid(), key->public_key().keyid());
  Allow(*twin);
  Sign(0);
  SignAs(twin->keyid(), *key);
  EXPECT_THAT(Verify(), RejectedFor(TufReason::kThresholdNotMet));
  Sign(1);
  EXPECT_THAT(Verify(), IsOk());
}

TEST_F(VerifySignaturesTest, CountsAKeyOnceThoughItsHexIsOfTwoCases) {
  const KeyPtr key = TestKey(0);
  const std::string raw = key->public_key().identity().substr(8);
  const auto twin = TufKey::Make(
      "ed25519", "ed25519", absl::AsciiStrToUpper(absl::BytesToHexString(raw)));
  ASSERT_THAT(twin, IsOk());
  ASSERT_NE(twin->keyid(), key->public_key().keyid());
  Allow(*twin);
  Sign(0);
  SignAs(twin->keyid(), *key);
  EXPECT_THAT(Verify(), RejectedFor(TufReason::kThresholdNotMet));
}

TEST_F(VerifySignaturesTest, IgnoresSignaturesThatAreEmptyOrWrong) {
  Sign(0);
  Sign(1);
  Sign(2);
  for (const char* sig : {"", "00", "zz", "0"}) {
    envelope_.signatures[0].sig_hex = sig;
    EXPECT_THAT(Verify(), IsOk()) << sig;
  }
  envelope_.signatures[1].sig_hex[0] ^= 1;
  EXPECT_THAT(Verify(), RejectedFor(TufReason::kThresholdNotMet));
}

TEST_F(VerifySignaturesTest, IgnoresKeysThatTheRoleDoesNotName) {
  keys_.emplace(TestKey(7)->public_key().keyid(), TestKey(7)->public_key());
  Sign(0);
  Sign(7);
  EXPECT_THAT(Verify(), RejectedFor(TufReason::kThresholdNotMet));
}

TEST_F(VerifySignaturesTest, IgnoresIdsWithoutAKey) {
  role_.keyids.push_back(TestKey(7)->public_key().keyid());
  Sign(0);
  Sign(7);
  EXPECT_THAT(Verify(), RejectedFor(TufReason::kThresholdNotMet));
}

TEST_F(VerifySignaturesTest, IgnoresASignatureUnderTheIdOfAnotherKey) {
  Sign(0);
  SignAs(TestKey(1)->public_key().keyid(), *TestKey(0));
  EXPECT_THAT(Verify(), RejectedFor(TufReason::kThresholdNotMet));
}

TEST_F(VerifySignaturesTest, CannotMeetAThresholdAboveTheNumberOfKeys) {
  role_.threshold = 4;
  for (int i = 0; i < 3; ++i) Sign(i);
  EXPECT_THAT(Verify(), RejectedFor(TufReason::kThresholdNotMet));
}

TEST_F(VerifySignaturesTest, RefusesSignaturesOverOtherBytes) {
  Sign(0);
  Sign(1);
  envelope_.signed_bytes += " ";
  EXPECT_THAT(Verify(), RejectedFor(TufReason::kThresholdNotMet));
}

// 5 MB that would be a tree of hundreds.
TEST(MetadataLimitsTest, RefusesMoreValuesThanAnyRepositoryHas) {
  std::string many = "{\"signatures\":[";
  while (many.size() < kMaxTargetsBytes - 16) many += "[],";
  many += "[]]}";
  EXPECT_THAT(ParseTargets(many).status(),
              RejectedFor(TufReason::kMetadataTooLarge));
}

}  // namespace
}  // namespace anchorage::anchors::tuf
