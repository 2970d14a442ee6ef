// What AWS really signed is accepted when it should be, and refused for the
// right reason when it should not.

#include "test/attestation/real_documents.h"

#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "verify/anchor_set.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

using verify::AnchorSet;
using verify::AttestationType;
using verify::AttestedFacts;
using verify::ChainCache;
using verify::EnclavePolicy;
using verify::NitroTpmPolicy;
using verify::Reason;
using verify::ReasonOf;
using verify::RecordedTime;

constexpr char kWhy[] = "a test of authenticity";
constexpr absl::Duration kSecond = absl::Seconds(1);

EnclavePolicy AnyEnclave(bool allow_debug, bool strict = false) {
  EnclavePolicy::Builder builder;
  builder.AuthenticityOnly(kWhy);
  if (strict) builder.Strict();
  if (allow_debug) builder.AllowDebug(kWhy);
  return *builder.Build();
}

NitroTpmPolicy AnyNitroTpm(bool strict = false) {
  NitroTpmPolicy::Builder builder;
  builder.AuthenticityOnly(kWhy);
  if (strict) builder.Strict();
  return *builder.Build();
}

template <typename Verified>
absl::StatusOr<AttestedFacts> FactsOf(
    const absl::StatusOr<Verified>& verified) {
  if (!verified.ok()) return verified.status();
  return verified->facts();
}

absl::StatusOr<AttestedFacts> Recorded(std::string_view bytes,
                                       AttestationType type,
                                       const AnchorSet& anchors,
                                       RecordedTime at, bool allow_debug = true,
                                       ChainCache* cache = nullptr) {
  if (type == AttestationType::kEnclave) {
    return FactsOf(VerifyRecordedEnclave(bytes, anchors,
                                         AnyEnclave(allow_debug), at, cache));
  }
  return FactsOf(
      VerifyRecordedNitroTpm(bytes, anchors, AnyNitroTpm(), at, cache));
}

absl::StatusOr<AttestedFacts> Live(const RealDocument& document,
                                   const AnchorSet& anchors, absl::Time now) {
  if (document.type == AttestationType::kEnclave) {
    return FactsOf(
        VerifyEnclave(document.bytes, anchors, AnyEnclave(true), now));
  }
  return FactsOf(VerifyNitroTpm(document.bytes, anchors, AnyNitroTpm(), now));
}

// By the strict profile, at the document's own time.
absl::StatusOr<AttestedFacts> Strictly(std::string_view bytes,
                                       AttestationType type,
                                       const AnchorSet& anchors) {
  const RecordedTime at = RecordedTime::kAtDocumentTime;
  if (type == AttestationType::kEnclave) {
    return FactsOf(
        VerifyRecordedEnclave(bytes, anchors, AnyEnclave(true, true), at));
  }
  return FactsOf(VerifyRecordedNitroTpm(bytes, anchors, AnyNitroTpm(true), at));
}

AttestationType Other(AttestationType type) {
  return type == AttestationType::kEnclave ? AttestationType::kNitroTpm
                                           : AttestationType::kEnclave;
}

// What a chain with these dates is worth at a time; nullopt if it is valid.
std::optional<Reason> ExpectedAt(const RealDocument& document, absl::Time at) {
  for (std::size_t i = 0; i < document.chain.size(); ++i) {
    const bool leaf = i + 1 == document.chain.size();
    if (at > document.chain[i].not_after) {
      return leaf ? Reason::kLeafExpired : Reason::kIssuerExpired;
    }
    if (at < document.chain[i].not_before) {
      return leaf ? Reason::kLeafNotYetValid : Reason::kIssuerNotYetValid;
    }
  }
  return std::nullopt;
}

// The time during which the whole chain is valid.
RealValidity Window(const RealDocument& document) {
  RealValidity window = document.chain.front();
  for (const RealValidity& validity : document.chain) {
    window.not_before = std::max(window.not_before, validity.not_before);
    window.not_after = std::min(window.not_after, validity.not_after);
  }
  return window;
}

void ExpectRecorded(const RealDocument& document, const AnchorSet& anchors,
                    absl::Time at) {
  EXPECT_EQ(ReasonOf(Recorded(document.bytes, document.type, anchors,
                              RecordedTime::At(at))
                         .status()),
            ExpectedAt(document, at))
      << document.path << " at " << at;
}

void ExpectGenuine(const RealDocument& document, const AnchorSet& anchors) {
  ASSERT_EQ(document.chain.size(), 5u) << document.path;
  const absl::StatusOr<AttestedFacts> facts = Recorded(
      document.bytes, document.type, anchors, RecordedTime::kAtDocumentTime);
  ASSERT_TRUE(facts.ok()) << document.path << " " << facts.status();
  EXPECT_EQ(facts->module_id, document.module_id);
  EXPECT_EQ(facts->region, document.region);
  EXPECT_EQ(facts->timestamp, document.made_at);
  EXPECT_EQ(facts->partition, "aws");
  EXPECT_EQ(facts->instance_id,
            document.module_id.substr(0, document.module_id.find('-', 2)));
  EXPECT_TRUE(facts->unknown_keys.empty());
  EXPECT_TRUE(facts->notes.empty()) << document.path;
  EXPECT_TRUE(Strictly(document.bytes, document.type, anchors).ok())
      << document.path;
  EXPECT_EQ(facts->leaf_not_before, document.chain.back().not_before);
  EXPECT_EQ(facts->leaf_not_after, document.chain.back().not_after);
}

// One second before, at, and one second after both ends of the window.
void ExpectWindow(const RealDocument& document, const AnchorSet& anchors) {
  const RealValidity window = Window(document);
  ASSERT_EQ(ExpectedAt(document, window.not_before), std::nullopt);
  ASSERT_NE(ExpectedAt(document, window.not_before - kSecond), std::nullopt);
  ASSERT_NE(ExpectedAt(document, window.not_after + kSecond), std::nullopt);
  ExpectRecorded(document, anchors, window.not_before - kSecond);
  ExpectRecorded(document, anchors, window.not_before);
  ExpectRecorded(document, anchors, window.not_after);
  ExpectRecorded(document, anchors, window.not_after + kSecond);
}

void ExpectWrongTypeRefused(const RealDocument& document,
                            const AnchorSet& anchors) {
  EXPECT_EQ(ReasonOf(Recorded(document.bytes, Other(document.type), anchors,
                              RecordedTime::kAtDocumentTime)
                         .status()),
            Reason::kWrongDocumentType)
      << document.path;
}

void ExpectDebugRefused(const RealDocument& document,
                        const AnchorSet& anchors) {
  const std::optional<Reason> expected =
      document.debug ? std::optional(Reason::kDebugEnclave) : std::nullopt;
  EXPECT_EQ(ReasonOf(Recorded(document.bytes, document.type, anchors,
                              RecordedTime::kAtDocumentTime, false)
                         .status()),
            expected)
      << document.path;
}

void ExpectFreshOnlyWhenNew(const RealDocument& document,
                            const AnchorSet& anchors) {
  EXPECT_TRUE(Live(document, anchors, document.made_at + kSecond).ok())
      << document.path;
  const absl::Time late = document.made_at + verify::kDefaultMaxAge + kSecond;
  EXPECT_EQ(ReasonOf(Live(document, anchors, late).status()),
            ExpectedAt(document, late).value_or(Reason::kTooOld))
      << document.path;
}

// With a cache that has seen everything before, every answer is the same.
void ExpectCacheChangesNothing(const RealDocument& document,
                               const AnchorSet& anchors, ChainCache& cache) {
  const RealValidity window = Window(document);
  for (const absl::Time at : {window.not_before, window.not_before - kSecond,
                              window.not_after, window.not_after + kSecond}) {
    EXPECT_EQ(ReasonOf(Recorded(document.bytes, document.type, anchors,
                                RecordedTime::At(at), true, &cache)
                           .status()),
              ExpectedAt(document, at))
        << document.path;
  }
}

void ExpectEverything(const RealDocument& document, const AnchorSet& anchors,
                      ChainCache& cache) {
  ExpectGenuine(document, anchors);
  ExpectWindow(document, anchors);
  ExpectWrongTypeRefused(document, anchors);
  ExpectDebugRefused(document, anchors);
  ExpectFreshOnlyWhenNew(document, anchors);
  ExpectCacheChangesNothing(document, anchors, cache);
}

// Why each published document that must fail does.
const std::map<std::string, Reason>& NegativeReasons() {
  static const auto* const kReasons = new std::map<std::string, Reason>{
      {"negative/eternis-invalid-attestation.cbor", Reason::kSignatureMismatch},
      {"negative/marlin-custom-mock-eliza.cbor", Reason::kRootNotPinned},
      {"negative/oyster-custom-mock.cbor", Reason::kRootNotPinned},
      // The unprotected header is null.
      {"negative/blocky-selfsigned-mock.cbor", Reason::kCoseMalformed},
  };
  return *kReasons;
}

TEST(CarriedDocuments, GiveTheExpectedVerdictAtEveryTime) {
  const auto anchors = RealNitroRoots();
  ChainCache cache;
  const std::vector<RealDocument> documents = CarriedDocuments();
  ASSERT_EQ(documents.size(), 2u);
  for (const RealDocument& document : documents) {
    ExpectEverything(document, *anchors, cache);
  }
}

TEST(ReportedDocuments, GiveTheExpectedVerdictAtEveryTime) {
  const auto anchors = RealNitroRoots();
  ChainCache cache;
  const std::vector<RealDocument> documents = ReportedDocuments();
  ASSERT_EQ(documents.size(), 6u);
  for (const RealDocument& document : documents) {
    ExpectEverything(document, *anchors, cache);
  }
}

TEST(ReportedDocuments, HaveWhatWasNewAboutThem) {
  const auto anchors = RealNitroRoots();
  const std::vector<RealDocument> documents = ReportedDocuments();
  const auto facts_of = [&](const RealDocument& document) {
    return *Recorded(document.bytes, document.type, *anchors,
                     RecordedTime::kAtDocumentTime);
  };
  // A public key that is there and empty.
  const AttestedFacts empty_key = facts_of(documents.front());
  ASSERT_TRUE(empty_key.public_key.has_value());
  EXPECT_EQ(*empty_key.public_key, "");
  // All the PCRs that there can be.
  const AttestedFacts all_pcrs = facts_of(documents.back());
  EXPECT_EQ(all_pcrs.pcrs.size(), verify::kPcrCount);
  EXPECT_NE(all_pcrs.pcrs.at(17), std::string(48, '\0'));
}

TEST(ReportedDocuments, AnEmptyPublicKeyIsNone) {
  const auto anchors = RealNitroRoots();
  const RealDocument document = ReportedDocuments().front();
  const auto decide = [&](EnclavePolicy::Builder builder) {
    const auto policy = builder.IgnoreTheRest(kWhy).AllowDebug(kWhy).Build();
    return ReasonOf(VerifyRecordedEnclave(document.bytes, *anchors, *policy,
                                          RecordedTime::kAtDocumentTime)
                        .status());
  };
  EnclavePolicy::Builder present;
  EXPECT_EQ(decide(present.ExpectPublicKeyPresent()),
            Reason::kPublicKeyMismatch);
  EnclavePolicy::Builder other;
  EXPECT_EQ(decide(other.ExpectPublicKey("k")), Reason::kPublicKeyMismatch);
  EnclavePolicy::Builder typed;
  EXPECT_EQ(decide(typed.ExpectPublicKeyOfType({verify::KeyType::kRsa})),
            Reason::kPublicKeyMismatch);
  EnclavePolicy::Builder empty;
  EXPECT_EQ(decide(empty.ExpectPublicKey("")), std::nullopt);
}

TEST(CarriedDocuments, AttestWhatTheySay) {
  const auto anchors = RealNitroRoots();
  const RealDocument tpm = CarriedDocuments()[1];
  const absl::StatusOr<AttestedFacts> facts =
      Recorded(tpm.bytes, tpm.type, *anchors, RecordedTime::kAtDocumentTime);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->pcrs.size(), 24u);
  EXPECT_EQ(facts->pcrs.at(12), std::string(48, '\0'));
  EXPECT_EQ(facts->pcrs.at(17), std::string(48, '\xff'));
  EXPECT_EQ(absl::BytesToHexString(facts->pcrs.at(4)).substr(0, 12),
            "3c428daf639a");
  ASSERT_TRUE(facts->public_key.has_value());
  EXPECT_EQ(facts->public_key->size(), 91u);
  EXPECT_EQ(facts->user_data, std::nullopt);
  EXPECT_EQ(facts->nonce,
            "be4c5b7d743ff7808cf107a64a8de6d907823adccef58c366d3d4cc6a2b2f767");
}

TEST(CarriedDocuments, AreNotFromAFakeRoot) {
  const auto anchors = AnchorSet::Create({}, {});
  for (const RealDocument& document : CarriedDocuments()) {
    EXPECT_EQ(ReasonOf(Recorded(document.bytes, document.type, **anchors,
                                RecordedTime::kAtDocumentTime)
                           .status()),
              Reason::kNoUsableAnchors);
  }
}

TEST(SharedDocuments, GiveTheExpectedVerdictAtEveryTime) {
  const auto documents = SharedDocuments();
  if (!documents.has_value()) GTEST_SKIP() << "there are no shared vectors";
  const auto anchors = RealNitroRoots();
  ChainCache cache;
  int enclaves = 0;
  int nitro_tpms = 0;
  for (const RealDocument& document : *documents) {
    if (!document.genuine) continue;
    ++(document.type == AttestationType::kEnclave ? enclaves : nitro_tpms);
    ExpectEverything(document, *anchors, cache);
  }
  EXPECT_GT(enclaves, 0);
  EXPECT_GT(nitro_tpms, 0);
  std::printf("genuine: %d enclave and %d NitroTPM documents\n", enclaves,
              nitro_tpms);
}

TEST(SharedDocuments, NegativeOnesAreRefusedForTheirReason) {
  const auto documents = SharedDocuments();
  if (!documents.has_value()) GTEST_SKIP() << "there are no shared vectors";
  const auto anchors = RealNitroRoots();
  std::size_t negative = 0;
  for (const RealDocument& document : *documents) {
    if (document.genuine) continue;
    ++negative;
    const auto expected = NegativeReasons().find(document.path);
    ASSERT_NE(expected, NegativeReasons().end()) << document.path;
    EXPECT_EQ(ReasonOf(Recorded(document.bytes, document.type, *anchors,
                                RecordedTime::At(document.made_at))
                           .status()),
              expected->second)
        << document.path;
  }
  EXPECT_EQ(negative, NegativeReasons().size());
  std::printf("negative: %zu documents\n", negative);
}

// Mock servers make documents that are sound but for the root and the names.
// For whoever pins their root they are authentic, without a region, and with
// notes that say so; the strict profile refuses them.
TEST(SharedDocuments, MocksUnderTheirOwnRootHaveNoRegion) {
  if (!SharedDocuments().has_value()) {
    GTEST_SKIP() << "there are no shared vectors";
  }
  for (const std::string name :
       {"negative/oyster-custom-mock", "negative/marlin-custom-mock-eliza"}) {
    const auto anchors = RootsOf(SharedFile(name + ".root.der"));
    const std::string document = SharedFile(name + ".cbor");
    const auto facts = Recorded(document, AttestationType::kEnclave, *anchors,
                                RecordedTime::kAtDocumentTime);
    ASSERT_TRUE(facts.ok()) << name << facts.status();
    EXPECT_EQ(facts->region, std::nullopt);
    ASSERT_FALSE(facts->notes.empty());
    EXPECT_EQ(facts->notes[0].kind, verify::Note::Kind::kLeafNameUnknown);
    EXPECT_EQ(
        ReasonOf(
            Strictly(document, AttestationType::kEnclave, *anchors).status()),
        Reason::kLeafName)
        << name;
  }
}

}  // namespace
}  // namespace anchorage::test
