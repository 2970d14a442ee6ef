#include "verify/attestation/attestation_verifier.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/fake_aws/cbor_writer.h"
#include "test/fake_aws/fake_nitro.h"
#include "test/fake_aws/keys.h"
#include "test/fake_aws/x509_writer.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using test::FakeNitro;
using test::kInstance;
using test::kLeaf;
using test::NitroSpec;
using test::NitroType;
using test::OptionalField;
using test::TestKey;

constexpr char kWhy[] = "a test";
constexpr absl::Duration kSecond = absl::Seconds(1);

// When the document was made.
absl::Time MadeAt() {
  return absl::FromCivil(absl::CivilSecond(2026, 9, 20, 12, 0, 0),
                         absl::UTCTimeZone());
}

// Everything one call depends on. A test starts from Good(), breaks one part.
struct Case {
  NitroSpec spec = FakeNitro().Genuine(NitroType::kEnclave, MadeAt());
  AnchorProvenance provenance;
  EnclavePolicy::Builder policy;
  absl::Time now = MadeAt() + kSecond;
  std::optional<RecordedTime> recorded;
  Trace* trace = nullptr;
};

PcrSet GenuinePcrs(NitroType type, std::vector<int> indices) {
  std::map<int, std::string> values;
  const test::PcrBank bank = test::GenuinePcrs(type);
  for (const int i : indices) values[i] = bank[static_cast<size_t>(i)].second;
  return *PcrSet::FromBytes(values);
}

PcrSet OtherPcrs(int index) {
  return *PcrSet::FromBytes({{index, std::string(kPcrBytes, 'x')}});
}

Case Good() {
  Case c;
  c.spec.document.public_key = OptionalField::Bytes(
      TestKey::Derived(test::KeyType::kP256, "key").spki_der());
  c.spec.document.user_data = OptionalField::Bytes("data");
  c.spec.document.nonce = OptionalField::Bytes("nonce");
  return c;
}

std::shared_ptr<const AnchorSet> Anchors(const AnchorProvenance& provenance) {
  return *AnchorSet::Create({FakeNitro().RootAnchor()}, provenance);
}

absl::StatusOr<VerifiedEnclave> Decide(Case c) {
  c.policy.AuthenticityOnly(kWhy);
  const auto policy = c.policy.Build();
  if (!policy.ok()) return policy.status();
  const auto anchors = Anchors(c.provenance);
  const std::string document = Encode(c.spec);
  if (c.recorded.has_value()) {
    return VerifyRecordedEnclave(document, *anchors, *policy, *c.recorded,
                                 nullptr, c.trace);
  }
  return VerifyEnclave(document, *anchors, *policy, c.now, nullptr, c.trace);
}

absl::StatusOr<VerifiedNitroTpm> DecideTpm(const NitroSpec& spec,
                                           NitroTpmPolicy::Builder builder) {
  const auto policy = builder.AuthenticityOnly(kWhy).Build();
  if (!policy.ok()) return policy.status();
  return VerifyNitroTpm(Encode(spec), *Anchors({}), *policy,
                        MadeAt() + kSecond);
}

TEST(VerifyEnclave, GivesWhatAwsAttests) {
  Case c = Good();
  c.provenance = {.origin = Origin::kCache,
                  .sequence = 7,
                  .as_of = MadeAt() - absl::Hours(1),
                  .fresh_until = MadeAt() + absl::Hours(1)};
  c.spec.document.edit_members = [](std::vector<test::CborMember>& members) {
    members.emplace_back(test::CborText("new"), test::CborUint(1));
  };
  const auto enclave = Decide(c);
  ASSERT_TRUE(enclave.ok()) << enclave.status();
  EXPECT_EQ(enclave->type(), AttestationType::kEnclave);
  EXPECT_EQ(enclave->module_id(), "i-0fd25f30661854f2b-enc01790c5d9eab829d");
  EXPECT_EQ(enclave->instance_id(), "i-0fd25f30661854f2b");
  EXPECT_EQ(enclave->region(), "us-east-1");
  EXPECT_EQ(enclave->partition(), "aws");
  EXPECT_EQ(enclave->timestamp(), MadeAt());
  EXPECT_EQ(enclave->pcrs().size(), 16u);
  EXPECT_EQ(enclave->pcrs().at(0),
            test::GenuinePcrs(NitroType::kEnclave)[0].second);
  EXPECT_EQ(enclave->user_data(), "data");
  EXPECT_EQ(enclave->nonce(), "nonce");
  const AttestedFacts& facts = enclave->facts();
  EXPECT_EQ(facts.leaf_not_before, MadeAt() - absl::Minutes(5));
  EXPECT_EQ(facts.leaf_not_after,
            MadeAt() - absl::Minutes(5) + absl::Seconds(10803));
  EXPECT_EQ(facts.unknown_keys, std::vector<std::string>{"new"});
  EXPECT_EQ(facts.notes,
            std::vector<Note>(
                {{Note::Kind::kFieldsUnknown,
                  "the document has fields that are not known: \"new\""}}));
  EXPECT_EQ(facts.anchor_spki_sha256,
            Sha256Hex(FakeNitro().root_key().spki_der()));
  EXPECT_EQ(facts.provenance, c.provenance);
}

TEST(VerifyNitroTpm, GivesWhatAwsAttests) {
  const auto tpm =
      DecideTpm(FakeNitro().Genuine(NitroType::kTpm, MadeAt()), {});
  ASSERT_TRUE(tpm.ok()) << tpm.status();
  EXPECT_EQ(tpm->type(), AttestationType::kNitroTpm);
  EXPECT_EQ(tpm->module_id(), "i-0fd25f30661854f2b-tpm0000000000000000");
  EXPECT_EQ(tpm->pcrs().size(), 24u);
  EXPECT_EQ(tpm->nonce(), std::nullopt);
}

TEST(Verified, IsNobodyElsesToMake) {
  EXPECT_FALSE((std::is_constructible_v<VerifiedEnclave, AttestedFacts>));
  EXPECT_FALSE((std::is_constructible_v<VerifiedNitroTpm, AttestedFacts>));
  EXPECT_FALSE((std::is_default_constructible_v<VerifiedEnclave>));
  EXPECT_FALSE((std::is_convertible_v<VerifiedNitroTpm, VerifiedEnclave>));
}

TEST(VerifyEnclave, RefusesANitroTpm) {
  Case c = Good();
  c.spec = FakeNitro().Genuine(NitroType::kTpm, MadeAt());
  EXPECT_EQ(ReasonOf(Decide(c).status()), Reason::kWrongDocumentType);
}

TEST(VerifyNitroTpm, RefusesAnEnclave) {
  EXPECT_EQ(ReasonOf(DecideTpm(Good().spec, {}).status()),
            Reason::kWrongDocumentType);
}

// Gives the leaf another name, in whatever form.
void NameLeaf(Case& c, std::string_view name) {
  c.spec.chain[kLeaf].subject = test::AmazonName(name);
}

constexpr char kOddName[] = "module/i-0fd25f30661854f2b\n\x1b[2J";

TEST(VerifyEnclave, HasNoRegionWhereTheLeafsNameIsInNoKnownForm) {
  Case c = Good();
  NameLeaf(c, kOddName);
  Trace trace;
  c.trace = &trace;
  const auto enclave = Decide(c);
  ASSERT_TRUE(enclave.ok()) << enclave.status();
  EXPECT_EQ(enclave->region(), std::nullopt);
  EXPECT_EQ(enclave->instance_id(), "i-0fd25f30661854f2b");
  ASSERT_EQ(enclave->facts().notes.size(), 1u);
  const Note& note = enclave->facts().notes[0];
  EXPECT_EQ(note.kind, Note::Kind::kLeafNameUnknown);
  EXPECT_EQ(note.detail,
            R"(the leaf's name "module/i-0fd25f30661854f2b\n\x1b[2J" is in no )"
            "form that is known: no region");
  EXPECT_EQ(trace.entries().back().detail, "none is known, ignored: a test");
}

TEST(VerifyEnclave, HasNoInstanceWhereTheModuleIdIsInNoKnownForm) {
  Case c = Good();
  c.spec.document.module_id = "m-1";
  NameLeaf(c, "m-1.us-east-1.aws");
  const auto enclave = Decide(c);
  ASSERT_TRUE(enclave.ok()) << enclave.status();
  EXPECT_EQ(enclave->region(), "us-east-1");
  EXPECT_EQ(enclave->instance_id(), std::nullopt);
  ASSERT_EQ(enclave->facts().notes.size(), 1u);
  EXPECT_EQ(enclave->facts().notes[0].kind, Note::Kind::kModuleIdUnknown);
}

TEST(VerifyEnclave, NotesAnAuthorityWhoseNameIsInNoKnownForm) {
  Case c = Good();
  c.spec.chain[kInstance].subject = c.spec.chain[kLeaf].issuer =
      test::AmazonName("authority");
  const auto enclave = Decide(c);
  ASSERT_TRUE(enclave.ok()) << enclave.status();
  EXPECT_EQ(enclave->region(), "us-east-1");
  ASSERT_EQ(enclave->facts().notes.size(), 1u);
  EXPECT_EQ(enclave->facts().notes[0].kind, Note::Kind::kAuthorityNameUnknown);
  EXPECT_EQ(
      enclave->facts().notes[0].detail,
      "the name \"authority\" of an authority is in no form that is known");
}

TEST(VerifyEnclave, NotesSixteenFieldsAndSaysHowManyThereAre) {
  Case c = Good();
  c.spec.document.edit_members = [](std::vector<test::CborMember>& members) {
    for (int i = 0; i < 20; ++i) {
      members.emplace_back(test::CborText(std::string(i + 65, '\x07')),
                           test::CborUint(1));
    }
  };
  const auto enclave = Decide(c);
  ASSERT_TRUE(enclave.ok()) << enclave.status();
  EXPECT_EQ(enclave->facts().unknown_keys.size(), kMaxUnknownKeys);
  ASSERT_EQ(enclave->facts().notes.size(), 1u);
  const std::string& detail = enclave->facts().notes[0].detail;
  EXPECT_TRUE(detail.ends_with("\\x07...\", of 20")) << detail;
  EXPECT_EQ(detail.find('\x07'), detail.npos);
  EXPECT_LT(detail.size(), 5000u);
}

TEST(Note, HasAName) {
  EXPECT_EQ(NameOf(Note::Kind::kLeafNameUnknown), "LEAF_NAME_UNKNOWN");
  EXPECT_EQ(NameOf(Note::Kind::kAuthorityNameUnknown),
            "AUTHORITY_NAME_UNKNOWN");
  EXPECT_EQ(NameOf(Note::Kind::kModuleIdUnknown), "MODULE_ID_UNKNOWN");
  EXPECT_EQ(NameOf(Note::Kind::kFieldsUnknown), "FIELDS_UNKNOWN");
}

// Whatever expects a region or an instance must not take none for any.
TEST(VerifyEnclave, TakesNoRegionForNone) {
  for (const std::string_view region : {"us-east-1", kOddName}) {
    Case c = Good();
    NameLeaf(c, kOddName);
    c.policy.ExpectRegions({std::string(region)});
    EXPECT_EQ(ReasonOf(Decide(c).status()), Reason::kRegionNotAllowed);
  }
  Case c = Good();
  c.spec.document.module_id = "m-1";
  NameLeaf(c, "m-1.us-east-1.aws");
  c.policy.ExpectInstances({"m-1"});
  EXPECT_EQ(ReasonOf(Decide(c).status()), Reason::kInstanceNotAllowed);
}

TEST(VerifyEnclave, AcceptsAPartitionOfItsOwn) {
  const FakeNitro govcloud("aws-us-gov", "us-gov-west-1");
  const NitroSpec spec = govcloud.Genuine(NitroType::kEnclave, MadeAt());
  const auto anchors =
      *AnchorSet::Create({FakeNitro().RootAnchor(), govcloud.RootAnchor()}, {});
  const auto decide = [&](EnclavePolicy::Builder builder) {
    return VerifyEnclave(Encode(spec), *anchors,
                         *builder.AuthenticityOnly(kWhy).Build(),
                         MadeAt() + kSecond);
  };
  EnclavePolicy::Builder of_govcloud;
  of_govcloud.ExpectPartition("aws-us-gov").Strict();
  const auto enclave = decide(of_govcloud);
  ASSERT_TRUE(enclave.ok()) << enclave.status();
  EXPECT_EQ(enclave->partition(), "aws-us-gov");
  EXPECT_EQ(enclave->region(), "us-gov-west-1");
  EXPECT_EQ(ReasonOf(decide({}).status()), Reason::kPartitionMismatch);
}

struct Breakage {
  std::string name;
  std::function<void(Case&)> apply;
  Reason expected;
  int index = -1;
};

class OneBreakage : public ::testing::TestWithParam<Breakage> {};

TEST_P(OneBreakage, IsRejectedForExactlyThatReason) {
  Case c = Good();
  GetParam().apply(c);
  const absl::Status status = Decide(c).status();
  EXPECT_EQ(ReasonOf(status), GetParam().expected) << status;
  EXPECT_EQ(CertificateIndexOf(status), GetParam().index);
}

std::string NameOfCase(const ::testing::TestParamInfo<Breakage>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Document, OneBreakage,
    ::testing::Values(
        Breakage{"TooLarge",
                 [](Case& c) {
                   c.spec.cose.trailing =
                       std::string(kMaxAttestationDocumentBytes, '\0');
                 },
                 Reason::kInputTooLarge},
        Breakage{"UnknownFieldInStrictProfile",
                 [](Case& c) {
                   c.policy.RefuseUnknownFields();
                   c.spec.document.edit_members =
                       [](std::vector<test::CborMember>& members) {
                         members.emplace_back(test::CborText("new"),
                                              test::CborUint(1));
                       };
                 },
                 Reason::kFieldUnknown},
        Breakage{"OtherPartition",
                 [](Case& c) { c.policy.ExpectPartition("aws-cn"); },
                 Reason::kPartitionMismatch},
        Breakage{"FlippedSignature",
                 [](Case& c) {
                   c.spec.cose.edit_signature = [](std::string s) {
                     s[50] ^= 1;
                     return s;
                   };
                 },
                 Reason::kSignatureMismatch},
        Breakage{"SignedByTheInstance",
                 [](Case& c) { c.spec.cose.key = c.spec.chain[kInstance].key; },
                 Reason::kSignatureMismatch},
        Breakage{"ExternalData",
                 [](Case& c) { c.spec.cose.external_aad = "x"; },
                 Reason::kSignatureMismatch},
        Breakage{"OtherContext",
                 [](Case& c) { c.spec.cose.context = "Signature"; },
                 Reason::kSignatureMismatch},
        Breakage{"LeafOfAnotherModule",
                 [](Case& c) { c.spec.document.module_id += "0"; },
                 Reason::kLeafName, 0},
        Breakage{"LeafOfAnotherPartition",
                 [](Case& c) {
                   NameLeaf(c, c.spec.document.module_id +
                                   ".us-gov-west-1.aws-us-gov");
                 },
                 Reason::kLeafName, 0},
        Breakage{"RegionOfAnotherPartition",
                 [](Case& c) {
                   NameLeaf(c, c.spec.document.module_id + ".cn-north-1.aws");
                 },
                 Reason::kLeafName, 0},
        Breakage{"UnknownNameInStrictProfile",
                 [](Case& c) {
                   c.policy.Strict();
                   NameLeaf(c, kOddName);
                 },
                 Reason::kLeafName, 0},
        Breakage{"UnknownAuthorityInStrictProfile",
                 [](Case& c) {
                   c.policy.Strict();
                   c.spec.chain[kInstance].subject =
                       c.spec.chain[kLeaf].issuer =
                           test::AmazonName("authority");
                 },
                 Reason::kLeafName, 1},
        Breakage{"UnknownModuleInStrictProfile",
                 [](Case& c) {
                   c.policy.Strict();
                   c.spec.document.module_id = "m-1";
                   NameLeaf(c, "m-1.us-east-1.aws");
                 },
                 Reason::kFieldInvalid},
        Breakage{"UnknownFieldInStrict",
                 [](Case& c) {
                   c.policy.Strict();
                   c.spec.document.edit_members =
                       [](std::vector<test::CborMember>& members) {
                         members.emplace_back(test::CborText("new"),
                                              test::CborUint(1));
                       };
                 },
                 Reason::kFieldUnknown},
        Breakage{"InstanceOfAnotherRegion",
                 [](Case& c) {
                   std::string& subject = c.spec.chain[kInstance].subject;
                   subject[subject.find("us-east-1") + 8] = '2';
                   c.spec.chain[kLeaf].issuer = subject;
                 },
                 Reason::kLeafName, 1},
        Breakage{"InstanceOfAnotherId",
                 [](Case& c) {
                   std::string& subject = c.spec.chain[kInstance].subject;
                   subject[subject.find("i-0fd2") + 2] = '1';
                   c.spec.chain[kLeaf].issuer = subject;
                 },
                 Reason::kLeafName, 1}),
    NameOfCase);

INSTANTIATE_TEST_SUITE_P(
    Time, OneBreakage,
    ::testing::Values(
        Breakage{"ClockBeforeTheAnchors",
                 [](Case& c) {
                   c.provenance.as_of =
                       c.now + kClockSuspectAfter + absl::Milliseconds(1);
                 },
                 Reason::kClockSuspect},
        Breakage{"ClockBeforeTheAnchorsAndTheLeaf",
                 [](Case& c) {
                   c.now -= absl::Hours(1);
                   c.provenance.as_of = MadeAt();
                 },
                 Reason::kClockSuspect},
        Breakage{"ClockBeforeTheLeaf", [](Case& c) { c.now -= absl::Hours(1); },
                 Reason::kLeafNotYetValid, 0},
        Breakage{"TooOld",
                 [](Case& c) {
                   c.now = MadeAt() + kDefaultMaxAge + absl::Milliseconds(1);
                 },
                 Reason::kTooOld},
        Breakage{"TooOldForThePolicy",
                 [](Case& c) {
                   c.policy.WithMaxAge(kSecond);
                   c.now = MadeAt() + 2 * kSecond;
                 },
                 Reason::kTooOld},
        Breakage{"ExpiredAndTooOld",
                 [](Case& c) { c.now = MadeAt() + absl::Hours(3); },
                 Reason::kLeafExpired, 0},
        Breakage{"FromTheFuture",
                 [](Case& c) {
                   c.now =
                       MadeAt() - kDefaultClockLeeway - absl::Milliseconds(1);
                 },
                 Reason::kFromTheFuture},
        Breakage{"FromTheFutureWithoutLeeway",
                 [](Case& c) {
                   c.policy.WithClockLeeway(absl::ZeroDuration());
                   c.now = MadeAt() - absl::Milliseconds(1);
                 },
                 Reason::kFromTheFuture},
        Breakage{"MadeBeforeItsLeaf",
                 [](Case& c) {
                   c.policy.WithMaxAge(absl::Hours(1));
                   c.spec.document.timestamp =
                       absl::ToUnixMillis(MadeAt() - absl::Minutes(5)) - 1;
                 },
                 Reason::kTimestampOutsideLeaf},
        Breakage{"MadeAfterItsLeaf",
                 [](Case& c) {
                   c.spec.document.timestamp =
                       absl::ToUnixMillis(MadeAt() + absl::Hours(3));
                 },
                 Reason::kTimestampOutsideLeaf}),
    NameOfCase);

void SetPcrs(Case& c, std::vector<std::size_t> indices, char value) {
  for (const std::size_t i : indices) {
    (*c.spec.document.pcrs)[i].second = std::string(kPcrBytes, value);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Expectations, OneBreakage,
    ::testing::Values(
        Breakage{"NonceAbsent",
                 [](Case& c) {
                   c.policy.ExpectNonce("nonce");
                   c.spec.document.nonce = OptionalField::Absent();
                 },
                 Reason::kNonceMissing},
        Breakage{"NonceNull",
                 [](Case& c) {
                   c.policy.ExpectNonce("nonce");
                   c.spec.document.nonce = OptionalField::Null();
                 },
                 Reason::kNonceMissing},
        Breakage{"NonceEmpty",
                 [](Case& c) {
                   c.policy.ExpectNonce("nonce");
                   c.spec.document.nonce = OptionalField::Bytes("");
                 },
                 Reason::kNonceMismatch},
        Breakage{"NonceLonger", [](Case& c) { c.policy.ExpectNonce("nonc"); },
                 Reason::kNonceMismatch},
        Breakage{"UserDataAbsent",
                 [](Case& c) {
                   c.policy.ExpectUserData("");
                   c.spec.document.user_data = OptionalField::Null();
                 },
                 Reason::kUserDataMismatch},
        Breakage{"UserDataOther", [](Case& c) { c.policy.ExpectUserData(""); },
                 Reason::kUserDataMismatch},
        Breakage{"PublicKeyAbsent",
                 [](Case& c) {
                   c.policy.ExpectPublicKeyPresent();
                   c.spec.document.public_key = OptionalField::Absent();
                 },
                 Reason::kPublicKeyMismatch},
        Breakage{"PublicKeyOther",
                 [](Case& c) { c.policy.ExpectPublicKey("other"); },
                 Reason::kPublicKeyMismatch},
        Breakage{
            "PublicKeyOfAnotherType",
            [](Case& c) {
              c.policy.ExpectPublicKeyOfType({KeyType::kRsa, KeyType::kEcP384});
            },
            Reason::kPublicKeyMismatch},
        Breakage{"PublicKeyNoSpki",
                 [](Case& c) {
                   c.policy.ExpectPublicKeyOfType({KeyType::kEcP256});
                   c.spec.document.public_key = OptionalField::Bytes("key");
                 },
                 Reason::kPublicKeyMismatch},
        Breakage{"Debug",
                 [](Case& c) {
                   SetPcrs(c, {0, 1, 2}, '\0');
                 },
                 Reason::kDebugEnclave},
        Breakage{"DebugWithoutPcr2",
                 [](Case& c) {
                   SetPcrs(c, {0, 1}, '\0');
                   c.spec.document.pcrs->erase(c.spec.document.pcrs->begin() +
                                               2);
                 },
                 Reason::kDebugEnclave},
        Breakage{"PcrOther", [](Case& c) { c.policy.ExpectPcrs(OtherPcrs(0)); },
                 Reason::kPcrMismatch},
        Breakage{"PcrAbsent",
                 [](Case& c) {
                   auto pcrs = GenuinePcrs(NitroType::kEnclave, {0}).values();
                   pcrs[16] = std::string(kPcrBytes, 'x');
                   c.policy.ExpectPcrs(*PcrSet::FromBytes(std::move(pcrs)));
                 },
                 Reason::kPcrMismatch},
        Breakage{"PcrsOfNoRelease",
                 [](Case& c) {
                   c.policy.ExpectPcrsAnyOf({OtherPcrs(0), OtherPcrs(2)});
                 },
                 Reason::kPcrMismatch},
        Breakage{
            "ModuleOther",
            [](Case& c) { c.policy.ExpectModules({"i-0fd25f30661854f2b"}); },
            Reason::kModuleNotAllowed},
        Breakage{"InstanceOther",
                 [](Case& c) {
                   c.policy.ExpectInstances(
                       {FakeNitro::ModuleId(NitroType::kEnclave)});
                 },
                 Reason::kInstanceNotAllowed},
        Breakage{"RegionOther",
                 [](Case& c) { c.policy.ExpectRegions({"us-east-2"}); },
                 Reason::kRegionNotAllowed}),
    NameOfCase);

TEST(VerifyEnclave, AcceptsWhatThePolicyExpects) {
  Case c = Good();
  c.policy
      .ExpectPcrsAnyOf(
          {OtherPcrs(0), GenuinePcrs(NitroType::kEnclave, {0, 1, 2, 8})})
      .ExpectNonce("nonce")
      .ExpectUserData("data")
      .ExpectPublicKeyOfType({KeyType::kEcP384, KeyType::kEcP256})
      .ExpectInstances({"i-1", "i-0fd25f30661854f2b"})
      .ExpectRegions({"us-east-2", "us-east-1"})
      .ExpectPartition("aws");
  const auto enclave = Decide(c);
  EXPECT_TRUE(enclave.ok()) << enclave.status();
}

TEST(VerifyEnclave, TellsTheReleaseThatItIs) {
  const auto releases = std::make_shared<const ReleaseSet>(std::vector<Release>{
      {.product = "signer", .name = "2.2.0", .pcrs = OtherPcrs(0)},
      {.product = "signer",
       .name = "2.3.0",
       .pcrs = GenuinePcrs(NitroType::kEnclave, {0, 1, 2})}});
  Case c = Good();
  Trace trace;
  c.trace = &trace;
  c.policy.ExpectRelease("signer", releases);
  const auto enclave = Decide(c);
  ASSERT_TRUE(enclave.ok()) << enclave.status();
  EXPECT_EQ(enclave->facts().release_name, "2.3.0");
  EXPECT_EQ(Decide(Good())->facts().release_name, "");
}

TEST(VerifyEnclave, JudgesTheReleaseAtTheTimeOfTheVerification) {
  const auto releases = std::make_shared<const ReleaseSet>(
      std::vector<Release>{{.product = "signer",
                            .name = "2.3.0",
                            .pcrs = GenuinePcrs(NitroType::kEnclave, {0}),
                            .valid_from = MadeAt() + kSecond}});
  Case recorded = Good();
  recorded.policy.ExpectRelease("signer", releases);
  recorded.recorded = RecordedTime::At(MadeAt() + kSecond);
  EXPECT_TRUE(Decide(recorded).ok()) << Decide(recorded).status();
  recorded.recorded = RecordedTime::kAtDocumentTime;
  EXPECT_EQ(ReasonOf(Decide(recorded).status()), Reason::kReleaseUnknown);
}

TEST(VerifyNitroTpm, AcceptsWhatThePolicyExpects) {
  const auto tpm = DecideTpm(FakeNitro().Genuine(NitroType::kTpm, MadeAt()),
                             std::move(NitroTpmPolicy::Builder().ExpectPcrs(
                                 GenuinePcrs(NitroType::kTpm, {4, 7, 12}))));
  EXPECT_TRUE(tpm.ok()) << tpm.status();
}

// An instance whose first PCRs are zero is no debug enclave.
TEST(VerifyNitroTpm, KnowsNoDebugMode) {
  NitroSpec spec = FakeNitro().Genuine(NitroType::kTpm, MadeAt());
  for (std::size_t i = 0; i < 3; ++i) {
    (*spec.document.nitrotpm_pcrs)[i].second = std::string(kPcrBytes, '\0');
  }
  EXPECT_TRUE(DecideTpm(spec, {}).ok());
}

TEST(Debug, IsAcceptedWhereThePolicyAllowsIt) {
  Case c = Good();
  SetPcrs(c, {0, 1, 2}, '\0');
  c.policy.AllowDebug(kWhy);
  EXPECT_TRUE(Decide(c).ok());
}

TEST(Debug, IsAllThreePcrsZero) {
  for (const std::size_t measured : {0, 1, 2}) {
    Case c = Good();
    SetPcrs(c, {0, 1, 2}, '\0');
    SetPcrs(c, {measured}, 'm');
    EXPECT_TRUE(Decide(c).ok()) << measured;
  }
}

TEST(Signature, WithNMinusSIsAccepted) {
  Case c = Good();
  c.spec.cose.edit_signature = [&](std::string signature) {
    return signature.substr(0, 48) +
           test::Subtract(c.spec.chain[kLeaf].key->modulus(),
                          signature.substr(48), 48);
  };
  EXPECT_TRUE(Decide(c).ok());
}

TEST(Time, OfTheBoundsIsAccepted) {
  Case c = Good();
  c.now = MadeAt() + kDefaultMaxAge;
  EXPECT_TRUE(Decide(c).ok());
  c.now = MadeAt() - kDefaultClockLeeway;
  EXPECT_TRUE(Decide(c).ok());
  c.now = MadeAt();
  c.provenance.as_of = MadeAt() + kClockSuspectAfter;
  EXPECT_TRUE(Decide(c).ok());
}

// The clock is ten minutes behind a leaf of five minutes ago.
TEST(Time, WithinTheLeewayIsAccepted) {
  Case c = Good();
  c.policy.WithClockLeeway(absl::Minutes(10));
  c.now = MadeAt() - absl::Minutes(10);
  EXPECT_TRUE(Decide(c).ok());
  c.now -= kSecond;
  EXPECT_EQ(ReasonOf(Decide(c).status()), Reason::kFromTheFuture);
}

TEST(Recorded, HasNoClock) {
  Case c = Good();
  c.provenance.as_of = MadeAt() + absl::Hours(1000);
  c.recorded = RecordedTime::kAtDocumentTime;
  EXPECT_TRUE(Decide(c).ok());
  c.recorded = RecordedTime::At(MadeAt() + absl::Hours(2));  // an old document
  EXPECT_TRUE(Decide(c).ok());
}

TEST(Recorded, HasNoLeeway) {
  Case c = Good();
  c.policy.WithClockLeeway(kMaxClockLeeway);
  const absl::Time begin = MadeAt() - absl::Minutes(5);
  c.recorded = RecordedTime::At(begin);
  EXPECT_TRUE(Decide(c).ok());
  c.recorded = RecordedTime::At(begin - absl::Milliseconds(1));
  EXPECT_EQ(ReasonOf(Decide(c).status()), Reason::kLeafNotYetValid);
}

TEST(Recorded, AtTheDocumentsTimeIsProvedByTheSignature) {
  Case c = Good();
  c.recorded = RecordedTime::kAtDocumentTime;
  c.spec.cose.edit_message = [&](std::string message) {
    // Another time within the leaf's validity.
    const std::string written =
        test::CborUint(static_cast<std::uint64_t>(c.spec.document.timestamp));
    message[message.find(written) + written.size() - 1] ^= 1;
    return message;
  };
  EXPECT_EQ(ReasonOf(Decide(c).status()), Reason::kSignatureMismatch);
}

TEST(Recorded, KeepsThePolicy) {
  Case c = Good();
  c.recorded = RecordedTime::kAtDocumentTime;
  c.policy.ExpectNonce("other");
  EXPECT_EQ(ReasonOf(Decide(c).status()), Reason::kNonceMismatch);
}

// What is not looked at says so, and why: "ok" alone would be read as checked.
TEST(Trace, SaysWhatThePolicyIgnoresAndWhy) {
  const auto detail_of = [](const Trace& trace, std::string_view check) {
    for (const Trace::Entry& entry : trace.entries()) {
      if (entry.check == check) return entry.detail;
    }
    return std::string("no such check");
  };
  for (const char* check : {"nonce", "user_data", "public_key", "measurements",
                            "module", "region"}) {
    Trace trace;
    Case c = Good();
    c.trace = &trace;
    ASSERT_TRUE(Decide(c).ok());
    EXPECT_THAT(detail_of(trace, check),
                ::testing::EndsWith(std::string("ignored: ") + kWhy))
        << check;
  }

  Trace trace;
  Case c = Good();
  c.trace = &trace;
  c.policy.ExpectNonce("nonce").AllowDebug("no secrets");
  c.spec.document.nonce = OptionalField::Bytes("nonce");
  ASSERT_TRUE(Decide(c).ok());
  EXPECT_EQ(detail_of(trace, "nonce"), "as the policy says");
  EXPECT_EQ(detail_of(trace, "debug"), "ignored: no secrets");
}

// After the first failure nothing else is reached; before it all has passed.
TEST(Trace, TellsEveryCheckInOrder) {
  Trace passed;
  Case c = Good();
  c.trace = &passed;
  ASSERT_TRUE(Decide(c).ok());
  ASSERT_EQ(passed.entries().size(), 16u);
  EXPECT_EQ(passed.entries().front().check, "form");
  EXPECT_EQ(passed.entries().back().check, "region");
  for (const Trace::Entry& entry : passed.entries()) {
    EXPECT_EQ(entry.outcome, Trace::Outcome::kPassed) << entry.check;
    EXPECT_FALSE(entry.detail.empty()) << entry.check;
  }

  Trace failed;
  c.trace = &failed;
  c.now = MadeAt() + absl::Hours(1);
  ASSERT_FALSE(Decide(c).ok());
  ASSERT_EQ(failed.entries().size(), 16u);
  bool reached = true;
  for (const Trace::Entry& entry : failed.entries()) {
    if (entry.check == "freshness") {
      EXPECT_EQ(entry.outcome, Trace::Outcome::kFailed);
      reached = false;
      continue;
    }
    EXPECT_EQ(entry.outcome,
              reached ? Trace::Outcome::kPassed : Trace::Outcome::kNotReached)
        << entry.check;
  }
  EXPECT_FALSE(reached);
}

std::string TextOf(const Case& c) {
  return std::string(Decide(c).status().message());
}

TEST(VerifyEnclave, SaysThatANonceIsItsHex) {
  Case c = Good();
  c.spec.document.nonce = OptionalField::Bytes("6e6f6e6365");
  c.policy.ExpectNonce("nonce");
  EXPECT_EQ(ReasonOf(Decide(c).status()), Reason::kNonceMismatch);
  EXPECT_NE(TextOf(c).find("hex"), std::string::npos) << TextOf(c);
}

TEST(VerifyEnclave, SaysByHowMuchItsClockMayBeBehind) {
  Case c = Good();
  c.now = MadeAt() - absl::Seconds(42);
  EXPECT_FALSE(Decide(c).ok());
  EXPECT_NE(TextOf(c).find("behind, by 42s"), std::string::npos) << TextOf(c);
  c.provenance.as_of = c.now + absl::Hours(2);
  EXPECT_EQ(ReasonOf(Decide(c).status()), Reason::kClockSuspect);
  EXPECT_NE(TextOf(c).find("behind, by 2h"), std::string::npos) << TextOf(c);
}

}  // namespace
}  // namespace anchorage::verify
