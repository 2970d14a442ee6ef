// Memory that runs out in the middle of any call into verify/: the answer is
// a refusal with a reason, never an exception, and never an acceptance that
// the whole call would not have given.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/fake_nitro.h"
#include "test/support/failing_new.h"
#include "verify/anchor_set.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/identity/identity_verifier.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

using verify::Reason;

constexpr int kMostAllocations = 100'000;

// Calls with the first, the second, ... allocation failing until none fails.
// `call` gives what the whole call answers, or the refusal for want of memory.
void ExpectARefusalWhereverMemoryRunsOut(
    const std::function<absl::Status()>& call) {
  const absl::Status whole = call();
  for (const anchors::FailAllocation::Then then :
       {anchors::FailAllocation::Then::kRecovers,
        anchors::FailAllocation::Then::kStaysFull}) {
    for (int n = 0; n < kMostAllocations; ++n) {
      std::optional<absl::Status> status;
      bool failed = false;
      try {
        const anchors::FailAllocation failing(n, then);
        status = call();
        failed = failing.has_failed();
      } catch (const std::exception& error) {
        FAIL() << "allocation " << n << " let an exception out";
      }
      if (!failed) {
        EXPECT_EQ(*status, whole);
        break;
      }
      const bool same = status->ok() == whole.ok() &&
                        verify::ReasonOf(*status) == verify::ReasonOf(whole);
      // What fails inside may be answered inside: a hint is left out.
      EXPECT_TRUE(same ||
                  verify::ReasonOf(*status) == Reason::kResourcesExhausted)
          << "allocation " << n << ": " << *status;
    }
  }
}

class MemoryTest : public ::testing::Test {
 protected:
  std::shared_ptr<const verify::AnchorSet> Anchors() const {
    std::vector<verify::AnchorRecord> records = aws_.Anchors();
    records.push_back(FakeNitro().RootAnchor());
    return *verify::AnchorSet::Create(records, {});
  }

  const FakeIdentity aws_;
  const std::shared_ptr<const verify::AnchorSet> anchors_ = Anchors();
  const std::string document_ = aws_.Document("eu-west-1").Text();
};

TEST_F(MemoryTest, AnchorSet) {
  const std::vector<verify::AnchorRecord> records = aws_.Anchors();
  ExpectARefusalWhereverMemoryRunsOut([&] {
    // The argument is the caller's own copy.
    std::vector<verify::AnchorRecord> copy;
    try {
      copy = records;
    } catch (const std::exception&) {
      return verify::ResourcesExhausted();
    }
    return verify::AnchorSet::Create(std::move(copy), {}).status();
  });
}

TEST_F(MemoryTest, IdentityPolicy) {
  const std::vector<std::string> accounts = {"012345678901"};
  const std::string why = "a reason that is too long to be kept in place";
  ExpectARefusalWhereverMemoryRunsOut([&] {
    std::vector<std::string> copy;
    try {
      copy = accounts;
    } catch (const std::exception&) {
      return verify::ResourcesExhausted();
    }
    verify::IdentityPolicy::Builder builder;
    builder.ExpectAccounts(std::move(copy))
        .ExpectMinimumKind(verify::AnchorKind::kIidRsa1024)
        .ExpectMaxAge(absl::Hours(1))
        .IgnoreRegions(why)
        .IgnoreTheRest(why);
    return builder.Build().status();
  });
  ExpectARefusalWhereverMemoryRunsOut(
      [&] { return verify::IdentityPolicy::AuthenticityOnly(why).status(); });
}

TEST_F(MemoryTest, DecodedSignature) {
  const std::string text = Base64(std::string(128, 'x'), 64);
  for (const std::string& input : {text, "<html>" + text, "{" + text}) {
    ExpectARefusalWhereverMemoryRunsOut([&] {
      return verify::DecodeIdentitySignature(verify::IdentityForm::kSignature,
                                             input)
          .status();
    });
  }
}

TEST_F(MemoryTest, VerifiedIdentity) {
  const auto policy = verify::IdentityPolicy::AuthenticityOnly("a test");
  const std::string pkcs7 = Encode(
      aws_.Genuine("eu-west-1", verify::AnchorKind::kIidRsa2048, document_));
  const std::string signature = aws_.Signature("eu-west-1", document_);
  const std::string longer = document_ + "\n";
  const verify::IdentityEvidence all[] = {
      {std::nullopt, verify::IdentityForm::kRsa2048, pkcs7},
      {document_, verify::IdentityForm::kSignature, signature},
      {longer, verify::IdentityForm::kSignature, signature},
      {std::nullopt, verify::IdentityForm::kPkcs7, pkcs7},
      {longer, verify::IdentityForm::kRsa2048, pkcs7}};
  for (const verify::IdentityEvidence& evidence : all) {
    for (const bool traced : {false, true}) {
      ExpectARefusalWhereverMemoryRunsOut([&] {
        verify::Trace trace;
        verify::InMemoryReplayLedger ledger(10);
        const verify::ReplayCheck replay{&ledger,
                                         verify::ReplayMode::kSingleUse, ""};
        return verify::VerifyIdentity(evidence, *anchors_, *policy, FakeNow(),
                                      &replay, traced ? &trace : nullptr)
            .status();
      });
      ExpectARefusalWhereverMemoryRunsOut([&] {
        return verify::VerifyRecordedIdentity(evidence, *anchors_, *policy,
                                              FakeNow())
            .status();
      });
    }
  }
}

// A ledger lives on after a use that there was no memory for.
TEST_F(MemoryTest, ReplayLedgerStaysWhole) {
  constexpr int kKeys = 100;
  const verify::ReplayFacts facts = {
      .pending_time = FakeNow(), .binding = "", .at = FakeNow()};
  verify::InMemoryReplayLedger ledger(kKeys);
  const auto admit = [&](const std::string& key) {
    return verify::ReasonOf(
        ledger.Admit(key, facts, verify::ReplayMode::kSingleUse).status());
  };
  for (int i = 0; i < kKeys; ++i) {
    const std::string key =
        "a key that is not kept in place " + std::to_string(i);
    std::optional<Reason> reason = Reason::kResourcesExhausted;
    for (int n = 0; reason.has_value() && n < kMostAllocations; ++n) {
      ASSERT_EQ(reason, Reason::kResourcesExhausted);
      const anchors::FailAllocation failing(
          n, anchors::FailAllocation::Then::kStaysFull);
      reason = admit(key);
    }
    ASSERT_EQ(reason, std::nullopt);
  }
  EXPECT_EQ(ledger.size(), static_cast<std::size_t>(kKeys));
  for (int i = 0; i < kKeys; ++i) {
    EXPECT_EQ(admit("a key that is not kept in place " + std::to_string(i)),
              Reason::kReplayed);
  }
}

TEST_F(MemoryTest, VerifiedAttestation) {
  const auto policy =
      verify::EnclavePolicy::Builder().AuthenticityOnly("a test").Build();
  NitroSpec spec = FakeNitro().Genuine(NitroType::kEnclave, FakeNow());
  const std::string good = Encode(spec);
  spec.cose.trailing = "x";
  const std::string bad = Encode(spec);
  for (const std::string& document : {good, bad}) {
    for (const bool traced : {false, true}) {
      ExpectARefusalWhereverMemoryRunsOut([&] {
        verify::Trace trace;
        return verify::VerifyEnclave(document, *anchors_, *policy, FakeNow(),
                                     nullptr, traced ? &trace : nullptr)
            .status();
      });
    }
  }
}

TEST_F(MemoryTest, PcrSet) {
  const std::map<int, std::string> good = {{0, std::string(96, 'a')},
                                           {1, std::string(96, 'b')}};
  const std::map<int, std::string> bad = {{0, std::string(95, 'a')}};
  for (const auto& values : {good, bad}) {
    ExpectARefusalWhereverMemoryRunsOut(
        [&] { return verify::PcrSet::FromHex(values).status(); });
  }
}

TEST_F(MemoryTest, AttestationPolicy) {
  const std::string bytes(48, 'x');
  const std::string why = "a reason that is too long to be kept in place";
  ExpectARefusalWhereverMemoryRunsOut([&] {
    verify::EnclavePolicy::Builder builder;
    builder.ExpectNonce(bytes)
        .ExpectUserData(bytes)
        .ExpectPublicKey(bytes)
        .ExpectPartition(why)
        .ExpectRelease(why, nullptr)
        .IgnoreModule(why)
        .IgnoreTheRest(why);
    return builder.Build().status();
  });
}

}  // namespace
}  // namespace anchorage::test
