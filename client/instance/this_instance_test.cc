#include "client/instance/this_instance.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "anchors/baked/baked.h"
#include "client/http_transport.h"
#include "client/instance/instance_error.h"
#include "test/fake_imds/fake_imds.h"
#include "verify/reason.h"

namespace anchorage::client {
namespace {

using test::FakeImds;
using test::FakeImdsOptions;
using test::ImdsPages;
using test::PagesIn;
using verify::IdentityForm;
using verify::IdentityPolicy;
using verify::Reason;

constexpr char kFolder[] = "dynamic/instance-identity/";
// Real ones: of us-west-2 with /rsa2048, and of ap-southeast-2 with /rsa2048 and
// /signature.
constexpr char kOregon[] = "test/vectors/real/iid/usw2-2021-teleport-1";
constexpr char kSydney[] = "test/vectors/real/iid/apse2-2026-ts-verify";

class ThisInstanceTest : public testing::Test {
 protected:
  ThisInstanceTest() {
    TrustClientOptions options;
    options.clock = [this] { return now_; };
    client_ = *TrustClient::CreateWith(std::move(options), &OpenHttpTransport);
  }

  absl::StatusOr<verify::VerifiedIdentity> Verify(
      const FakeImds& imds, const IdentityPolicy& policy,
      const verify::ReplayCheck* replay = nullptr) {
    used_ = {};
    trace_ = verify::Trace(verify::Trace::Records::kAll);
    return VerifyThisInstance(*client_, policy,
                              {.imds = {.endpoints = {imds.url()}},
                               .replay = replay,
                               .trace = &trace_,
                               .used = &used_});
  }

  static IdentityPolicy Any() {
    return *IdentityPolicy::AuthenticityOnly("any instance will do");
  }
  static IdentityPolicy Of(const std::string& account) {
    return *IdentityPolicy::Builder()
                .ExpectAccounts({account})
                .IgnoreTheRest("the account alone counts")
                .Build();
  }
  static IdentityPolicy AtLeast(verify::AnchorKind kind) {
    return *IdentityPolicy::Builder()
                .ExpectMinimumKind(kind)
                .IgnoreTheRest("the kind alone counts")
                .Build();
  }

  const absl::Time now_ = anchors::NewBakedBundle().as_of;
  std::unique_ptr<TrustClient> client_;
  verify::Trace trace_;
  AnchorsUsed used_;
};

TEST_F(ThisInstanceTest, VerifiesWhatImdsGives) {
  const FakeImds imds({.pages = PagesIn(kOregon)});
  const auto machine = Verify(imds, Of("278576220453"));
  ASSERT_TRUE(machine.ok()) << machine.status();
  EXPECT_EQ(machine->document().instance_id, "i-078517ca8a70a1dde");
  EXPECT_EQ(machine->form(), IdentityForm::kRsa2048);
  EXPECT_EQ(used_.provenance.origin, verify::Origin::kBakedIn);
  EXPECT_FALSE(trace_.entries().empty());
}

TEST_F(ThisInstanceTest, TakesTheStrongestFormThatIsThere) {
  ImdsPages pages = PagesIn(kSydney);
  const FakeImds both({.pages = pages});
  EXPECT_EQ(Verify(both, Any())->form(), IdentityForm::kRsa2048);
  pages.erase(std::string(kFolder) + "rsa2048");
  const FakeImds weak({.pages = pages});
  EXPECT_EQ(Verify(weak, Any())->form(), IdentityForm::kSignature);
}

TEST_F(ThisInstanceTest, AsksForNoFormThatThePolicyRefuses) {
  using verify::AnchorKind;
  EXPECT_EQ(FormsAllowedBy(Any()),
            (std::vector<IdentityForm>{IdentityForm::kRsa2048,
                                       IdentityForm::kSignature,
                                       IdentityForm::kPkcs7}));
  EXPECT_EQ(FormsAllowedBy(AtLeast(AnchorKind::kIidRsa1024)),
            (std::vector<IdentityForm>{IdentityForm::kRsa2048,
                                       IdentityForm::kSignature}));
  EXPECT_EQ(FormsAllowedBy(AtLeast(AnchorKind::kIidRsa2048)),
            (std::vector<IdentityForm>{IdentityForm::kRsa2048}));
  ImdsPages pages = PagesIn(kSydney);
  pages.erase(std::string(kFolder) + "rsa2048");
  const FakeImds weak({.pages = pages});
  EXPECT_EQ(
      InstanceReasonOf(Verify(weak, AtLeast(AnchorKind::kIidRsa2048)).status()),
      InstanceReason::kIdentityFormNotServed);
  EXPECT_TRUE(trace_.entries().empty());
}

// Else whoever can break the strong one chooses which is believed.
TEST_F(ThisInstanceTest, TriesNoWeakerFormAfterOneThatIsRefused) {
  ImdsPages pages = PagesIn(kSydney);
  pages[std::string(kFolder) + "rsa2048"] =
      PagesIn(kOregon)[std::string(kFolder) + "rsa2048"].substr(0, 400);
  const FakeImds imds({.pages = pages});
  EXPECT_TRUE(verify::ReasonOf(Verify(imds, Any()).status()).has_value());
  EXPECT_EQ(imds.requests().size(), 2u);
}

// Its signature is good: only what the policy says of the instance tells.
TEST_F(ThisInstanceTest, KnowsAnotherInstanceByThePolicyAlone) {
  const FakeImds another({.pages = PagesIn(kSydney)});
  EXPECT_TRUE(Verify(another, Any()).ok());
  EXPECT_EQ(verify::ReasonOf(Verify(another, Of("278576220453")).status()),
            Reason::kAccountNotAllowed);
  const auto region = IdentityPolicy::Builder()
                          .ExpectRegions({"us-west-2"})
                          .IgnoreTheRest("the region alone counts")
                          .Build();
  EXPECT_EQ(verify::ReasonOf(Verify(another, *region).status()),
            Reason::kRegionNotAllowed);
}

// It changes when an instance is stopped and started, and with nothing else: one
// that runs for longer than the policy's age fails from then on.
TEST_F(ThisInstanceTest, ReadsPendingTimeAnewAtEachCall) {
  const auto young = IdentityPolicy::Builder()
                         .ExpectMaxAge(now_ - absl::FromUnixSeconds(1767225600))
                         .IgnoreTheRest("the age alone counts")
                         .Build();
  FakeImdsOptions options{.pages = PagesIn(kOregon)};
  bool started_again = false;
  options.before = [&](const std::string&, ImdsPages& pages) {
    if (started_again) pages = PagesIn(kSydney);
  };
  const FakeImds imds(std::move(options));
  EXPECT_EQ(verify::ReasonOf(Verify(imds, *young).status()), Reason::kTooOld);
  started_again = true;
  EXPECT_TRUE(Verify(imds, *young).ok());
}

TEST_F(ThisInstanceTest, AsksALedger) {
  const FakeImds imds({.pages = PagesIn(kOregon)});
  verify::InMemoryReplayLedger ledger(10);
  verify::ReplayCheck once;
  once.ledger = &ledger;
  EXPECT_TRUE(Verify(imds, Any(), &once).ok());
  EXPECT_FALSE(Verify(imds, Any(), &once).ok());
}

TEST_F(ThisInstanceTest, SaysWhyThereIsNothingToVerify) {
  const FakeImds off({.fault = test::ImdsFault::kOff});
  EXPECT_EQ(InstanceReasonOf(Verify(off, Any()).status()),
            InstanceReason::kImdsDisabled);
  const FakeImds html({.fault = test::ImdsFault::kHtml, .fault_at = "rsa2048"});
  EXPECT_EQ(verify::ReasonOf(Verify(html, Any()).status()),
            Reason::kEncodingMalformed);
  ASSERT_EQ(client_->counters().size(), 1u);
  EXPECT_EQ(client_->counters()[0].reason, Reason::kEncodingMalformed);
}

}  // namespace
}  // namespace anchorage::client
