#include "verify/reason.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "verify/printable.h"

namespace anchorage::verify {
namespace {

// google.rpc.ErrorInfo's limit, which the names keep to.
constexpr std::size_t kMaxNameLength = 63;

// The names that dashboards, logs and other people's code rely on. A name may
// be added here; none may ever be taken away.
constexpr std::string_view kPromisedNames[] = {
    "INPUT_TOO_LARGE",
    "ENCODING_MALFORMED",
    "TRAILING_BYTES",
    "PKCS7_MALFORMED",
    "SIGNER_COUNT",
    "CONTENT_MISSING",
    "SIGNED_ATTRIBUTES_REQUIRED",
    "SIGNED_ATTRIBUTE_MISSING",
    "DUPLICATE_ATTRIBUTE",
    "CONTENT_TYPE_MISMATCH",
    "ALGORITHM_MISMATCH",
    "DIGEST_NOT_ALLOWED",
    "SIGNATURE_MALFORMED",
    "DOCUMENT_MALFORMED",
    "DUPLICATE_KEY",
    "FIELD_MISSING",
    "FIELD_INVALID",
    "FIELD_UNKNOWN",
    "CBOR_MALFORMED",
    "COSE_TAG",
    "COSE_MALFORMED",
    "COSE_ALGORITHM",
    "UNPROTECTED_NOT_EMPTY",
    "DIGEST_UNSUPPORTED",
    "AMBIGUOUS_DOCUMENT_TYPE",
    "WRONG_DOCUMENT_TYPE",
    "CERTIFICATE_MALFORMED",
    "CHAIN_LENGTH",
    "REGION_UNKNOWN",
    "CONTENT_MISMATCH",
    "DIGEST_MISMATCH",
    "SIGNATURE_MISMATCH",
    "REGION_MISMATCH",
    "ROOT_NOT_PINNED",
    "PARTITION_MISMATCH",
    "CHAIN_ORDER",
    "CHAIN_SIGNATURE",
    "CERTIFICATE_ALGORITHM",
    "UNKNOWN_CRITICAL_EXTENSION",
    "ISSUER_NOT_CA",
    "ISSUER_KEY_USAGE",
    "PATH_LENGTH",
    "LEAF_IS_CA",
    "LEAF_KEY_USAGE",
    "LEAF_NAME",
    "ANCHOR_NOT_ACTIVE",
    "ANCHOR_REVOKED",
    "ISSUER_EXPIRED",
    "ISSUER_NOT_YET_VALID",
    "LEAF_EXPIRED",
    "LEAF_NOT_YET_VALID",
    "CLOCK_SUSPECT",
    "TIMESTAMP_OUTSIDE_LEAF",
    "TOO_OLD",
    "FROM_THE_FUTURE",
    "PENDING_TIME_REGRESSED",
    "REPLAYED",
    "NONCE_MISSING",
    "NONCE_MISMATCH",
    "USER_DATA_MISMATCH",
    "PUBLIC_KEY_MISMATCH",
    "POLICY_INCOMPLETE",
    "POLICY_EMPTY",
    "POLICY_UNSAFE",
    "KIND_NOT_ALLOWED",
    "ACCOUNT_NOT_ALLOWED",
    "REGION_NOT_ALLOWED",
    "PARTITION_NOT_ALLOWED",
    "INSTANCE_NOT_ALLOWED",
    "IMAGE_NOT_ALLOWED",
    "INSTANCE_TYPE_NOT_ALLOWED",
    "ARCHITECTURE_NOT_ALLOWED",
    "PRODUCT_CODE_NOT_ALLOWED",
    "BILLING_PRODUCT_NOT_ALLOWED",
    "MODULE_NOT_ALLOWED",
    "DEBUG_ENCLAVE",
    "PCR_MISMATCH",
    "BOOT_EXTENDED",
    "RELEASE_UNKNOWN",
    "RELEASE_REVOKED",
    "NO_USABLE_ANCHORS",
    "ANCHORS_EXPIRED",
    "CRYPTO_UNAVAILABLE",
    "CRYPTO_PROVIDER_MISSING",
    "LEDGER_UNAVAILABLE",
    "RESOURCES_EXHAUSTED",
};

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsUpperOrDigit(char c) { return IsUpper(c) || (c >= '0' && c <= '9'); }

// [A-Z][A-Z0-9_]+[A-Z0-9]
bool HasReasonForm(std::string_view name) {
  return name.size() >= 3 && IsUpper(name.front()) &&
         IsUpperOrDigit(name.back()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return IsUpperOrDigit(c) || c == '_'; });
}

absl::StatusCode CodeOf(Family family) {
  switch (family) {
    case Family::kUnreadable:
      return absl::StatusCode::kInvalidArgument;
    case Family::kNotFromAws:
      return absl::StatusCode::kUnauthenticated;
    case Family::kStaleOrForAnother:
      return absl::StatusCode::kFailedPrecondition;
    case Family::kRefusedByPolicy:
      return absl::StatusCode::kPermissionDenied;
    case Family::kUndecided:
      return absl::StatusCode::kUnavailable;
  }
  return absl::StatusCode::kUnknown;
}

// The payloads of a status, as another program would find them.
std::vector<std::pair<std::string, std::string>> Payloads(
    const absl::Status& status) {
  std::vector<std::pair<std::string, std::string>> all;
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    all.emplace_back(std::string(url), std::string(payload));
  });
  return all;
}

TEST(Reason, ListIsWholeAndInOrder) {
  const auto all = AllReasons();
  ASSERT_EQ(all.size(), static_cast<std::size_t>(Reason::kMaxValue) + 1);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(all[i]), i);
  }
}

TEST(Reason, NamesAreUnique) {
  absl::flat_hash_set<std::string> seen;
  for (const Reason reason : AllReasons()) {
    EXPECT_TRUE(seen.insert(std::string(NameOf(reason))).second)
        << NameOf(reason);
  }
}

TEST(Reason, NamesHaveTheFormOfAnErrorInfoReason) {
  for (const Reason reason : AllReasons()) {
    EXPECT_TRUE(HasReasonForm(NameOf(reason))) << NameOf(reason);
    EXPECT_LE(NameOf(reason).size(), kMaxNameLength) << NameOf(reason);
  }
}

TEST(Reason, PromisedNamesAreStillThere) {
  for (const std::string_view name : kPromisedNames) {
    EXPECT_TRUE(ReasonNamed(name).has_value()) << name;
  }
}

TEST(Reason, EveryNameIsPromised) {
  for (const Reason reason : AllReasons()) {
    EXPECT_NE(std::find(std::begin(kPromisedNames), std::end(kPromisedNames),
                        NameOf(reason)),
              std::end(kPromisedNames))
        << NameOf(reason) << " is new: add it to kPromisedNames";
  }
}

TEST(Reason, IsFoundByItsName) {
  for (const Reason reason : AllReasons()) {
    EXPECT_EQ(ReasonNamed(NameOf(reason)), reason) << NameOf(reason);
  }
}

TEST(Reason, IsNotFoundByAnotherName) {
  for (const std::string_view name :
       {"", "signature_mismatch", "SIGNATURE_MISMATCH ", "SIGNATURE_MISMATC",
        "SIGNATURE_MISMATCHES", "REASON_OF_A_LATER_VERSION"}) {
    EXPECT_EQ(ReasonNamed(name), std::nullopt) << name;
  }
  EXPECT_EQ(ReasonNamed(std::string_view("TOO_OLD\0", 8)), std::nullopt);
}

TEST(Reason, DescriptionsAreDistinctSentencesWithoutFullStop) {
  absl::flat_hash_set<std::string> seen;
  for (const Reason reason : AllReasons()) {
    const std::string_view description = DescriptionOf(reason);
    ASSERT_FALSE(description.empty()) << NameOf(reason);
    EXPECT_NE(description.back(), '.') << NameOf(reason);
    EXPECT_TRUE(seen.insert(std::string(description)).second) << NameOf(reason);
  }
}

TEST(Reason, SaysWhyItIsThereForEveryReason) {
  for (const Reason reason : AllReasons()) {
    const std::string_view why = WhyOf(reason);
    ASSERT_FALSE(why.empty()) << NameOf(reason);
    EXPECT_NE(why.back(), '.') << NameOf(reason);
    EXPECT_NE(why, DescriptionOf(reason)) << NameOf(reason);
    EXPECT_EQ(why, Printable(why)) << NameOf(reason);
  }
}

TEST(Reason, FamiliesFollowTheOrderOfTheQuestions) {
  const auto all = AllReasons();
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](Reason a, Reason b) {
    return FamilyOf(a) < FamilyOf(b);
  }));
}

// With the order above, the first and the last of each fix all of them.
TEST(Reason, FamiliesBeginAndEndWhereTheHeaderSays) {
  EXPECT_EQ(FamilyOf(Reason::kInputTooLarge), Family::kUnreadable);
  EXPECT_EQ(FamilyOf(Reason::kChainLength), Family::kUnreadable);
  EXPECT_EQ(FamilyOf(Reason::kRegionUnknown), Family::kNotFromAws);
  EXPECT_EQ(FamilyOf(Reason::kLeafName), Family::kNotFromAws);
  EXPECT_EQ(FamilyOf(Reason::kAnchorNotActive), Family::kStaleOrForAnother);
  EXPECT_EQ(FamilyOf(Reason::kPublicKeyMismatch), Family::kStaleOrForAnother);
  EXPECT_EQ(FamilyOf(Reason::kPolicyIncomplete), Family::kRefusedByPolicy);
  EXPECT_EQ(FamilyOf(Reason::kReleaseRevoked), Family::kRefusedByPolicy);
  EXPECT_EQ(FamilyOf(Reason::kNoUsableAnchors), Family::kUndecided);
  EXPECT_EQ(FamilyOf(Reason::kResourcesExhausted), Family::kUndecided);
}

// trustctl exits with 2 for the first family and 6 for the last.
TEST(Reason, FamiliesAreNumberedFromZero) {
  EXPECT_EQ(static_cast<int>(Family::kUnreadable), 0);
  EXPECT_EQ(static_cast<int>(Family::kNotFromAws), 1);
  EXPECT_EQ(static_cast<int>(Family::kStaleOrForAnother), 2);
  EXPECT_EQ(static_cast<int>(Family::kRefusedByPolicy), 3);
  EXPECT_EQ(static_cast<int>(Family::kUndecided), 4);
}

TEST(Reject, CarriesItsReasonForEveryReason) {
  for (const Reason reason : AllReasons()) {
    const absl::Status status = Reject(reason, "why");
    EXPECT_FALSE(status.ok()) << NameOf(reason);
    EXPECT_EQ(ReasonOf(status), reason) << NameOf(reason);
    EXPECT_EQ(status.code(), CodeOf(FamilyOf(reason))) << NameOf(reason);
    EXPECT_EQ(status.message(), "why") << NameOf(reason);
  }
}

TEST(Reject, SaysTheDescriptionWhereThereIsNoDetail) {
  const absl::Status status = Reject(Reason::kTooOld, "");
  EXPECT_EQ(std::string(status.message()), DescriptionOf(Reason::kTooOld));
}

// What a peer can put into any sentence: see ../shared's esc.json.
constexpr std::string_view kHostileTexts[] = {
    "\x1b]0;owned\x07\x1b[2J\x1b[1;1H\nACCEPTED  account 1\n",
    "\r\nACCEPTED  account 1",
    "\u2028ACCEPTED  account 1\u0085ACCEPTED",
    "\u009b2J\x9b"
    "2J\x7f",
    "\u202e1 tnuocca  DETPECCA\u2066\u200b\ufeff",
    "\xff\xc0\xaf\xed\xa0\x80",
    std::string_view("\0ACCEPTED", 9),
};

TEST(Reject, SaysNothingThatATerminalObeysForAnyReason) {
  for (const Reason reason : AllReasons()) {
    for (const std::string_view text : kHostileTexts) {
      const absl::Status status = Reject(reason, text);
      EXPECT_EQ(ReasonOf(status), reason) << NameOf(reason);
      const std::string message(status.message());
      EXPECT_EQ(message.find('\n'), std::string::npos) << NameOf(reason);
      EXPECT_EQ(message.find('\x1b'), std::string::npos) << NameOf(reason);
      EXPECT_EQ(message, Printable(text)) << NameOf(reason);
      // A sentence that is made into another is not escaped again.
      EXPECT_EQ(Reject(reason, message).message(), message) << NameOf(reason);
    }
  }
}

TEST(Reject, CutsASentenceThatAPeerMadeLong) {
  const absl::Status status =
      Reject(Reason::kDuplicateKey, std::string(100'000, '\x1b'));
  EXPECT_LE(status.message().size(), kMaxSentenceBytes);
}

TEST(WithHint, ChangesNothingButTheSentence) {
  for (const Reason reason : AllReasons()) {
    const absl::Status refusal = Reject(reason, "why", 2);
    const absl::Status hinted = WithHint(refusal, "try\nthis");
    EXPECT_EQ(ReasonOf(hinted), reason) << NameOf(reason);
    EXPECT_EQ(hinted.code(), refusal.code()) << NameOf(reason);
    EXPECT_EQ(CertificateIndexOf(hinted), 2) << NameOf(reason);
    EXPECT_EQ(hinted.message(), "why (try\\nthis)") << NameOf(reason);
    EXPECT_EQ(WithHint(refusal, ""), refusal) << NameOf(reason);
  }
  EXPECT_TRUE(WithHint(absl::OkStatus(), "try this").ok());
}

TEST(IsUndecided, IsTheLastFamily) {
  for (const Reason reason : AllReasons()) {
    EXPECT_EQ(IsUndecided(Reject(reason, "why")),
              FamilyOf(reason) == Family::kUndecided)
        << NameOf(reason);
  }
  EXPECT_FALSE(IsUndecided(absl::OkStatus()));
  EXPECT_FALSE(IsUndecided(absl::UnavailableError("why")));
}

TEST(ResourcesExhausted, IsARefusal) {
  EXPECT_EQ(ReasonOf(ResourcesExhausted()), Reason::kResourcesExhausted);
}

TEST(Reject, ReasonDoesNotDependOnTheText) {
  EXPECT_EQ(ReasonOf(Reject(Reason::kTooOld, "REPLAYED")), Reason::kTooOld);
}

TEST(Reject, CarriesTheCertificateThatFailed) {
  for (const int index : {0, 1, 4, std::numeric_limits<int>::max()}) {
    const absl::Status status = Reject(Reason::kChainSignature, "why", index);
    EXPECT_EQ(CertificateIndexOf(status), index);
    EXPECT_EQ(ReasonOf(status), Reason::kChainSignature);
  }
}

TEST(Reject, NamesNoCertificateUnlessTold) {
  EXPECT_EQ(CertificateIndexOf(Reject(Reason::kChainLength, "why")), -1);
  EXPECT_EQ(CertificateIndexOf(Reject(Reason::kChainLength, "why", -1)), -1);
  EXPECT_EQ(CertificateIndexOf(Reject(Reason::kChainLength, "why", -7)), -1);
  EXPECT_EQ(Payloads(Reject(Reason::kChainLength, "why")).size(), 1u);
}

TEST(Reject, SurvivesBeingPassedOn) {
  const absl::StatusOr<int> result = Reject(Reason::kLeafExpired, "why", 0);
  const absl::StatusOr<std::string> outer = result.status();
  EXPECT_EQ(ReasonOf(outer.status()), Reason::kLeafExpired);
  EXPECT_EQ(CertificateIndexOf(outer.status()), 0);
}

TEST(ReasonOf, IsNothingForWhatRejectDidNotMake) {
  EXPECT_EQ(ReasonOf(absl::OkStatus()), std::nullopt);
  EXPECT_EQ(CertificateIndexOf(absl::OkStatus()), -1);
  // Neither code nor text makes a reason.
  const absl::Status foreign = absl::UnauthenticatedError("SIGNATURE_MISMATCH");
  EXPECT_EQ(ReasonOf(foreign), std::nullopt);
  EXPECT_EQ(CertificateIndexOf(foreign), -1);
}

TEST(ReasonOf, IsNothingForAPayloadOfAnotherType) {
  absl::Status status = absl::UnauthenticatedError("why");
  status.SetPayload("type.googleapis.com/google.rpc.ErrorInfo",
                    absl::Cord("SIGNATURE_MISMATCH"));
  EXPECT_EQ(ReasonOf(status), std::nullopt);
}

TEST(ReasonOf, IsNothingForANameThatWeDoNotKnow) {
  absl::Status status = Reject(Reason::kSignatureMismatch, "why");
  const auto payloads = Payloads(status);
  ASSERT_EQ(payloads.size(), 1u);
  EXPECT_EQ(payloads[0].second, "SIGNATURE_MISMATCH");
  status.SetPayload(payloads[0].first, absl::Cord("REASON_OF_LATER"));
  EXPECT_EQ(ReasonOf(status), std::nullopt);
}

TEST(CertificateIndexOf, IsNoneForWhatIsNoNumber) {
  absl::Status status = Reject(Reason::kChainSignature, "why", 3);
  for (const auto& [url, payload] : Payloads(status)) {
    if (payload == "3") status.SetPayload(url, absl::Cord("3x"));
  }
  EXPECT_EQ(CertificateIndexOf(status), -1);
}

}  // namespace
}  // namespace anchorage::verify
