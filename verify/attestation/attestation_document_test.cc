#include "verify/attestation/attestation_document.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "test/fake_aws/cbor_writer.h"
#include "test/fake_aws/fake_nitro.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using test::CborBytes;
using test::CborMember;
using test::CborText;
using test::CborUint;
using test::FakeNitro;
using test::FindMember;
using test::NitroSpec;
using test::NitroType;
using test::OptionalField;
using test::Payload;
using Members = std::vector<CborMember>;

NitroSpec Good(NitroType type = NitroType::kEnclave) {
  return FakeNitro().Genuine(type);
}

std::optional<Reason> Decide(const NitroSpec& spec) {
  return ReasonOf(DecodeAttestationDocument(Payload(spec)).status());
}

// A genuine document with one member's value replaced.
NitroSpec With(std::string_view key, std::string value) {
  NitroSpec spec = Good();
  spec.document.edit_members = [=](Members& members) {
    FindMember(members, key)->second = value;
  };
  return spec;
}

// A genuine document with its list of members changed.
NitroSpec Edited(std::function<void(Members&)> edit) {
  NitroSpec spec = Good();
  spec.document.edit_members = std::move(edit);
  return spec;
}

TEST(AttestationDocument, ReadsAnEnclave) {
  NitroSpec spec = Good();
  spec.document.public_key = OptionalField::Bytes("key");
  spec.document.user_data = OptionalField::Bytes("");
  spec.document.nonce = OptionalField::Null();
  const std::string payload = Payload(spec);
  const auto document = DecodeAttestationDocument(payload);
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->type, AttestationType::kEnclave);
  EXPECT_EQ(document->module_id, FakeNitro::ModuleId(NitroType::kEnclave));
  EXPECT_EQ(absl::ToUnixMillis(document->timestamp), spec.document.timestamp);
  const std::vector<std::string> certificates = Certificates(spec);
  EXPECT_EQ(document->certificate, certificates.back());
  ASSERT_EQ(document->cabundle.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(document->cabundle[i], certificates[i]);
  }
  EXPECT_EQ(document->public_key, "key");
  EXPECT_EQ(document->user_data, "");
  EXPECT_EQ(document->nonce, std::nullopt);
  EXPECT_TRUE(document->unknown_keys.empty());
  for (const auto& [index, value] : *spec.document.pcrs) {
    EXPECT_EQ(document->pcrs[index], value);
  }
  EXPECT_TRUE(document->pcrs[16].empty());
}

TEST(AttestationDocument, ReadsANitroTpm) {
  const NitroSpec spec = Good(NitroType::kTpm);
  const std::string payload = Payload(spec);
  const auto document = DecodeAttestationDocument(payload);
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->type, AttestationType::kNitroTpm);
  EXPECT_EQ(document->pcrs[17], std::string(48, '\xff'));
}

TEST(AttestationDocument, ReadsDefiniteAndIndefiniteMaps) {
  for (const bool indefinite : {false, true}) {
    NitroSpec spec = Good();
    spec.document.indefinite_map = indefinite;
    EXPECT_EQ(Decide(spec), std::nullopt) << indefinite;
  }
}

TEST(AttestationDocument, ReadsKeysInAnyOrder) {
  EXPECT_EQ(Decide(Edited([](Members& members) {
              std::reverse(members.begin(), members.end());
            })),
            std::nullopt);
}

TEST(AttestationDocument, ReadsASparseBankInAnyOrder) {
  NitroSpec spec = Good();
  const std::string value(48, 'v');
  spec.document.pcrs = {{31, value}, {8, value}, {0, value}};
  EXPECT_EQ(Decide(spec), std::nullopt);
}

TEST(AttestationDocument, TakesNullForAbsentAndKeepsEmpty) {
  for (const auto& [field, expected] :
       std::vector<std::pair<OptionalField, std::optional<std::string>>>{
           {OptionalField::Absent(), std::nullopt},
           {OptionalField::Null(), std::nullopt},
           {OptionalField::Bytes(""), ""},
           {OptionalField::Bytes(std::string(1024, 'x')),
            std::string(1024, 'x')}}) {
    NitroSpec spec = Good();
    spec.document.public_key = field;
    spec.document.user_data = field;
    spec.document.nonce = field;
    const std::string payload = Payload(spec);
    const auto document = DecodeAttestationDocument(payload);
    ASSERT_TRUE(document.ok()) << document.status();
    EXPECT_EQ(document->public_key, expected);
    EXPECT_EQ(document->user_data, expected);
    EXPECT_EQ(document->nonce, expected);
  }
}

TEST(AttestationDocument, ListsKeysThatItDoesNotKnow) {
  const std::string payload = Payload(Edited([](Members& members) {
    members.emplace_back(CborText("zeta"), CborText("1"));
    members.emplace_back(CborText("pcrs2"), test::CborMap({}));
  }));
  const auto document = DecodeAttestationDocument(payload);
  ASSERT_TRUE(document.ok()) << document.status();
  ASSERT_EQ(document->unknown_keys.size(), 2u);
  EXPECT_EQ(document->unknown_keys[0], "zeta");
  EXPECT_EQ(document->unknown_keys[1], "pcrs2");
  EXPECT_EQ(document->unknown_key_count, 2u);
}

TEST(AttestationDocument, ListsSixteenOfThemAndCountsAll) {
  const std::string payload = Payload(Edited([](Members& members) {
    for (int i = 0; i < 20; ++i) {
      members.emplace_back(CborText("new" + std::to_string(i)), CborUint(1));
    }
  }));
  const auto document = DecodeAttestationDocument(payload);
  ASSERT_TRUE(document.ok()) << document.status();
  ASSERT_EQ(document->unknown_keys.size(), kMaxUnknownKeys);
  EXPECT_EQ(document->unknown_keys.back(), "new15");
  EXPECT_EQ(document->unknown_key_count, 20u);
}

TEST(AttestationDocument, ReadsPcrsOfEverySizeThatAwsAllows) {
  NitroSpec spec = Good();
  spec.document.pcrs = {{0, std::string(32, 'a')},
                        {1, std::string(48, 'b')},
                        {2, std::string(64, 'c')}};
  const std::string payload = Payload(spec);
  const auto document = DecodeAttestationDocument(payload);
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->pcrs[0], std::string(32, 'a'));
  EXPECT_EQ(document->pcrs[2], std::string(64, 'c'));
}

TEST(AttestationDocument, ReadsThirtyTwoPcrs) {
  NitroSpec spec = Good();
  spec.document.pcrs->clear();
  for (std::uint64_t i = 0; i < kPcrCount; ++i) {
    spec.document.pcrs->emplace_back(i, std::string(48, 'p'));
  }
  EXPECT_EQ(Decide(spec), std::nullopt);
}

struct Breakage {
  std::string name;
  std::function<NitroSpec()> make;
  Reason expected;
};

class OneBreakage : public ::testing::TestWithParam<Breakage> {};

TEST_P(OneBreakage, IsRejectedForExactlyThatReason) {
  EXPECT_EQ(Decide(GetParam().make()), GetParam().expected);
}

Breakage Without(const std::string& key) {
  return {"Without_" + key,
          [=] {
            return Edited(
                [=](Members& members) { test::RemoveMember(members, key); });
          },
          Reason::kFieldMissing};
}

Breakage Value(const std::string& name, const std::string& key,
               const std::string& value, Reason expected) {
  return {name, [=] { return With(key, value); }, expected};
}

Breakage Twice(const std::string& key) {
  return {"Twice_" + key,
          [=] {
            return Edited([=](Members& members) {
              members.push_back(*FindMember(members, key));
            });
          },
          Reason::kDuplicateKey};
}

Breakage InPayload(const std::string& name,
                   std::function<std::string(std::string)> edit,
                   Reason expected) {
  return {name,
          [=] {
            NitroSpec spec = Good();
            spec.document.edit_payload = edit;
            return spec;
          },
          expected};
}

// A bank with one odd entry.
Breakage Bank(const std::string& name, const std::string& index,
              const std::string& value, Reason expected) {
  return Value(name, "pcrs",
               test::CborMap({{CborUint(0), CborBytes(std::string(48, '\0'))},
                              {index, value}}),
               expected);
}

// A genuine document with one field more, which names measurements.
Breakage WithMore(const std::string& name, const std::string& key) {
  return {
      name,
      [=] {
        return Edited([=](Members& members) {
          members.emplace_back(
              CborText(key),
              test::CborMap({{CborUint(0), CborBytes(std::string(48, 'p'))}}));
        });
      },
      Reason::kAmbiguousDocumentType};
}

std::string Pcr(std::size_t size = kPcrBytes) {
  return CborBytes(std::string(size, 'p'));
}

INSTANTIATE_TEST_SUITE_P(
    Fields, OneBreakage,
    ::testing::Values(
        Without("module_id"), Without("digest"), Without("timestamp"),
        Without("pcrs"), Without("certificate"), Without("cabundle"),
        Twice("module_id"), Twice("pcrs"), Twice("nonce"),
        Value("EmptyModule", "module_id", CborText(""), Reason::kFieldInvalid),
        Value("LongModule", "module_id", CborText(std::string(257, 'm')),
              Reason::kFieldInvalid),
        Value("ModuleInBytes", "module_id", CborBytes("i-1"),
              Reason::kFieldInvalid),
        Value("ModuleNotUtf8", "module_id", CborText("\xff"),
              Reason::kCborMalformed),
        Value("Sha256", "digest", CborText("SHA256"),
              Reason::kDigestUnsupported),
        Value("DigestLowerCase", "digest", CborText("sha384"),
              Reason::kDigestUnsupported),
        Value("DigestNumber", "digest", CborUint(384), Reason::kFieldInvalid),
        Value("TimeZero", "timestamp", CborUint(0), Reason::kFieldInvalid),
        Value("TimeNegative", "timestamp", test::CborInt(-1),
              Reason::kFieldInvalid),
        Value("TimeTooLarge", "timestamp", CborUint(253402300800000),
              Reason::kFieldInvalid),
        Value("TimeLargest", "timestamp", CborUint(~0ull),
              Reason::kFieldInvalid),
        Value("TimeText", "timestamp", CborText("1"), Reason::kFieldInvalid),
        Value("TimeBignum", "timestamp", test::CborTag(2) + CborBytes("\x01"),
              Reason::kCborMalformed),
        Value("TimeFloat", "timestamp", "\xfb\x41\xd0\x01\x02\x03\x04\x05\x06",
              Reason::kCborMalformed),
        Value("TimeWide", "timestamp", test::CborWideHead(0, 1, 8),
              Reason::kCborMalformed)),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Pcrs, OneBreakage,
    ::testing::Values(
        Value("Empty", "pcrs", test::CborMap({}), Reason::kFieldInvalid),
        Value("EmptyIndefinite", "pcrs", test::CborIndefiniteMap({}),
              Reason::kFieldInvalid),
        Value("Null", "pcrs", test::CborNull(), Reason::kFieldInvalid),
        Value("List", "pcrs", test::CborArray({Pcr()}), Reason::kFieldInvalid),
        Bank("Index32", CborUint(32), Pcr(), Reason::kFieldInvalid),
        Bank("IndexText", CborText("1"), Pcr(), Reason::kFieldInvalid),
        Bank("IndexNegative", test::CborInt(-1), Pcr(), Reason::kFieldInvalid),
        Bank("IndexWide", test::CborWideHead(0, 1, 1), Pcr(),
             Reason::kCborMalformed),
        Bank("IndexTwice", CborUint(0), Pcr(), Reason::kDuplicateKey),
        Bank("Length47", CborUint(1), Pcr(47), Reason::kFieldInvalid),
        Bank("Length49", CborUint(1), Pcr(49), Reason::kFieldInvalid),
        Bank("Length0", CborUint(1), Pcr(0), Reason::kFieldInvalid),
        Bank("Length31", CborUint(1), Pcr(31), Reason::kFieldInvalid),
        Bank("Length65", CborUint(1), Pcr(65), Reason::kFieldInvalid),
        Bank("ValueText", CborUint(1), CborText(std::string(48, 'p')),
             Reason::kFieldInvalid),
        Breakage{"BothKinds",
                 [] {
                   NitroSpec spec = Good();
                   spec.document.nitrotpm_pcrs = spec.document.pcrs;
                   return spec;
                 },
                 Reason::kAmbiguousDocumentType},
        WithMore("AThirdKind", "enclave2_pcrs"),
        WithMore("CaseVariantBeside", "PCRS"),
        WithMore("CaseVariantOfTheOther", "NitroTPM_PCRs"),
        Breakage{"CaseVariant",
                 [] {
                   return Edited([](Members& members) {
                     FindMember(members, "pcrs")->first = CborText("PCRS");
                   });
                 },
                 Reason::kFieldMissing}),
    [](const auto& info) { return info.param.name; });

std::string Bundle(std::size_t count, std::size_t size = 10) {
  return test::CborArray(
      std::vector<std::string>(count, CborBytes(std::string(size, 'c'))));
}

INSTANTIATE_TEST_SUITE_P(
    Bytes, OneBreakage,
    ::testing::Values(
        Value("EmptyLeaf", "certificate", CborBytes(""), Reason::kFieldInvalid),
        Value("LongLeaf", "certificate", CborBytes(std::string(1025, 'c')),
              Reason::kFieldInvalid),
        Value("NullLeaf", "certificate", test::CborNull(),
              Reason::kFieldInvalid),
        Value("EmptyBundle", "cabundle", Bundle(0), Reason::kChainLength),
        Value("EmptyIndefiniteBundle", "cabundle",
              test::CborIndefiniteArray({}), Reason::kChainLength),
        Value("LongBundle", "cabundle", Bundle(8), Reason::kChainLength),
        Value("HugeBundle", "cabundle", Bundle(400), Reason::kChainLength),
        Value("NullBundle", "cabundle", test::CborNull(),
              Reason::kFieldInvalid),
        Value("EmptyAuthority", "cabundle", Bundle(4, 0),
              Reason::kFieldInvalid),
        Value("LongAuthority", "cabundle", Bundle(4, 1025),
              Reason::kFieldInvalid),
        Value("LongPublicKey", "public_key", CborBytes(std::string(1025, 'k')),
              Reason::kFieldInvalid),
        Value("LongUserData", "user_data", CborBytes(std::string(4096, 'u')),
              Reason::kFieldInvalid),
        Value("LongNonce", "nonce", CborBytes(std::string(1025, 'n')),
              Reason::kFieldInvalid),
        Value("NonceText", "nonce", CborText("n"), Reason::kFieldInvalid),
        Value("NonceUndefined", "nonce", "\xf7", Reason::kFieldInvalid),
        Value("NonceFalse", "nonce", "\xf4", Reason::kFieldInvalid),
        Value("NonceInChunks", "nonce", test::CborIndefiniteBytes("n"),
              Reason::kCborMalformed)),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Map, OneBreakage,
    ::testing::Values(
        InPayload(
            "Trailing", [](std::string payload) { return payload + '\0'; },
            Reason::kTrailingBytes),
        InPayload(
            "Nothing", [](std::string) { return ""; }, Reason::kCborMalformed),
        InPayload(
            "NotAMap", [](std::string) { return "\x80"; },
            Reason::kCborMalformed),
        InPayload(
            "Tagged",
            [](std::string payload) { return test::CborTag(55799) + payload; },
            Reason::kCborMalformed),
        InPayload(
            "NoBreak",
            [](std::string payload) {
              return payload.substr(0, payload.size() - 1);
            },
            Reason::kCborMalformed),
        Breakage{"NumberAsKey",
                 [] {
                   return Edited([](Members& members) {
                     members.emplace_back(CborUint(1), CborUint(1));
                   });
                 },
                 Reason::kFieldInvalid},
        Breakage{"KeyInChunks",
                 [] {
                   return Edited([](Members& members) {
                     members.emplace_back(test::CborIndefiniteText("k"),
                                          CborUint(1));
                   });
                 },
                 Reason::kCborMalformed},
        Breakage{"DuplicateUnknown",
                 [] {
                   return Edited([](Members& members) {
                     members.emplace_back(CborText("x"), CborUint(1));
                     members.emplace_back(CborText("x"), CborUint(1));
                   });
                 },
                 Reason::kDuplicateKey},
        Breakage{"TagInUnknown",
                 [] {
                   return Edited([](Members& members) {
                     members.emplace_back(CborText("x"),
                                          test::CborTag(1) + CborUint(1));
                   });
                 },
                 Reason::kCborMalformed},
        Breakage{"DuplicateInUnknown",
                 [] {
                   return Edited([](Members& members) {
                     members.emplace_back(
                         CborText("x"),
                         test::CborMap({{"\x01", "\x01"}, {"\x01", "\x02"}}));
                   });
                 },
                 Reason::kDuplicateKey},
        Breakage{"ManyUnknown",
                 [] {
                   return Edited([](Members& members) {
                     for (int i = 0; i < 60; ++i) {
                       members.emplace_back(CborText(std::to_string(i)),
                                            CborUint(1));
                     }
                   });
                 },
                 Reason::kCborMalformed}),
    [](const auto& info) { return info.param.name; });

TEST(AttestationDocument, CutOffAnywhereIsMalformed) {
  for (const bool indefinite : {false, true}) {
    NitroSpec spec = Good();
    spec.document.indefinite_map = indefinite;
    const std::string payload = Payload(spec);
    for (std::size_t size = 0; size < payload.size(); ++size) {
      EXPECT_EQ(
          ReasonOf(DecodeAttestationDocument(payload.substr(0, size)).status()),
          Reason::kCborMalformed)
          << size;
    }
  }
}

TEST(AttestationType, HasAName) {
  EXPECT_EQ(NameOf(AttestationType::kEnclave), "enclave");
  EXPECT_EQ(NameOf(AttestationType::kNitroTpm), "nitrotpm");
}

}  // namespace
}  // namespace anchorage::verify
