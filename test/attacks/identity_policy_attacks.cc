// Genuine documents that are stale, replayed, for another, or refused by the
// policy; and policies that must not exist.

#include <string>
#include <utility>

#include "test/attacks/identity_case.h"

namespace anchorage::test {
namespace {

using verify::AnchorKind;
using verify::IdentityForm;
using verify::IdentityPolicy;
using verify::Reason;
using verify::ReplayMode;
using Builder = IdentityPolicy::Builder;
using Names = std::vector<std::string>;

constexpr char kWhy[] = "not what the row is about";
constexpr char kCode[] = "d3b4kh7x1vk0a6nwqw8kvmkq4";

std::function<void(IdentityCase&)> Expect(std::function<void(Builder&)> say) {
  return [say](IdentityCase& c) {
    c.UsePolicy([say](Builder& policy) {
      say(policy);
      policy.IgnoreTheRest(kWhy);
    });
  };
}

// The document has these product codes (JSON), and one of `want` is expected.
std::function<void(IdentityCase&)> AnyCode(std::string json, Names want) {
  return [=](IdentityCase& c) {
    c.fields.Set("marketplaceProductCodes", json);
    Expect([want](Builder& p) { p.ExpectAnyProductCode(want); })(c);
  };
}

std::string Json(const Names& codes) {
  std::string json = "[";
  for (const std::string& code : codes) {
    json += (json.size() > 1 ? ", \"" : " \"") + code + "\"";
  }
  return json + " ]";
}

// A maximum age of an hour, and a document of `pending`.
std::function<void(IdentityCase&)> Aged(absl::Duration age) {
  return [age](IdentityCase& c) {
    c.fields.SetText("pendingTime",
                     absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", c.now - age,
                                      absl::UTCTimeZone()));
    Expect([](Builder& p) { p.ExpectMaxAge(absl::Hours(1)); })(c);
  };
}

void SetPending(IdentityCase& c, std::string_view time) {
  c.fields.SetText("pendingTime", time);
}

std::vector<IdentityAttack> ProductCodeAttacks() {
  using Case = IdentityCase;
  const auto refused = [](std::string id, std::string what, auto change) {
    return IdentityAttack{std::move(id), By::kOwner, std::move(what), change,
                          Reason::kProductCodeNotAllowed};
  };
  const std::string code = kCode;
  return {
      {"i20c", By::kNobody, "the product code", AnyCode(Json({code}), {code}),
       kAccepted},
      {"i20d", By::kNobody, "one of two of two",
       AnyCode(Json({"other", code}), {"another", code}), kAccepted},
      refused("i20e", "product codes that are null", AnyCode("null", {code})),
      refused("i20f", "no product codes",
              [=](Case& c) {
                AnyCode("null", {code})(c);
                c.fields.Remove("marketplaceProductCodes");
              }),
      refused("i20g", "an empty list of product codes", AnyCode("[]", {code})),
      refused("i20h", "the code in billingProducts only",
              [=](Case& c) {
                AnyCode("null", {code})(c);
                c.fields.Set("billingProducts", Json({code}));
              }),
      refused("i20i", "a code that begins like it",
              AnyCode(Json({code + "x"}), {code})),
      refused("i20j", "a code that it begins like",
              AnyCode(Json({code.substr(0, 20)}), {code})),
      refused("i20k", "the code in capitals",
              AnyCode(Json({"D3B4KH7X1VK0A6NWQW8KVMKQ4"}), {code})),
      refused("i20l", "two codes in one",
              AnyCode(Json({code + "," + code}), {code})),
      refused("i20m", "one of two, where all are expected",
              [=](Case& c) {
                c.fields.Set("marketplaceProductCodes", Json({code}));
                Expect([=](Builder& p) {
                  p.ExpectAllProductCodes({code, "other"});
                })(c);
              }),
      refused("i20n", "one more than exactly those that are expected",
              [=](Case& c) {
                c.fields.Set("marketplaceProductCodes", Json({code, "other"}));
                Expect([=](Builder& p) {
                  p.ExpectExactlyProductCodes({code});
                })(c);
              }),
      {"i20o", By::kOwner, "a billing product that is not expected",
       Expect([](Builder& p) { p.ExpectAnyBillingProduct({"bp-1"}); }),
       Reason::kBillingProductNotAllowed},
  };
}

std::vector<IdentityAttack> ConditionAttacks() {
  using Case = IdentityCase;
  const auto refused = [](std::string id, std::string what, Reason reason,
                          std::function<void(Builder&)> say) {
    return IdentityAttack{std::move(id), By::kOwner, std::move(what),
                          Expect(say), reason};
  };
  const auto at_least_rsa2048 = [](Builder& p) {
    p.ExpectMinimumKind(AnchorKind::kIidRsa2048);
  };
  return {
      {"i06a", By::kOwner, "RSA-1024 where RSA-2048 is the least",
       [=](Case& c) {
         c.form = IdentityForm::kSignature;
         Expect(at_least_rsa2048)(c);
       },
       Reason::kKindNotAllowed},
      {"i06b", By::kOwner, "DSA where RSA-2048 is the least",
       [=](Case& c) {
         c.form = IdentityForm::kPkcs7;
         Expect(at_least_rsa2048)(c);
       },
       Reason::kKindNotAllowed},
      {"i06c", By::kNobody, "RSA-2048 where it is the least",
       Expect(at_least_rsa2048), kAccepted},
      {"i21d", By::kNobody, "the account with its leading zero",
       Expect([](Builder& p) { p.ExpectAccounts({"012345678901"}); }),
       kAccepted},
      refused("x91", "another account", Reason::kAccountNotAllowed,
              [](Builder& p) { p.ExpectAccounts({"112345678901"}); }),
      refused("x92", "another region", Reason::kRegionNotAllowed,
              [](Builder& p) { p.ExpectRegions({"us-east"}); }),
      refused("x93", "another partition", Reason::kPartitionNotAllowed,
              [](Builder& p) { p.ExpectPartitions({"aws-cn"}); }),
      refused("x94", "another instance", Reason::kInstanceNotAllowed,
              [](Builder& p) { p.ExpectInstances({"i-1"}); }),
      refused("x95", "another image", Reason::kImageNotAllowed,
              [](Builder& p) { p.ExpectImages({"ami-1"}); }),
      refused("x96", "another instance type", Reason::kInstanceTypeNotAllowed,
              [](Builder& p) { p.ExpectInstanceTypes({"t3.micro"}); }),
      refused("x97", "another architecture", Reason::kArchitectureNotAllowed,
              [](Builder& p) { p.ExpectArchitectures({"arm64"}); }),
      {"x98", By::kNobody, "a policy that leaves something unsaid",
       [](Case& c) {
         c.UsePolicy([](Builder& p) { p.ExpectRegions({"us-east-1"}); });
       },
       Reason::kPolicyIncomplete},
      {"x99", By::kNobody, "a policy that expects one of no accounts",
       Expect([](Builder& p) { p.ExpectAccounts({}); }), Reason::kPolicyEmpty},
      {"x100", By::kNobody, "a policy that expects nothing",
       Expect([](Builder&) {}), Reason::kPolicyEmpty},
  };
}

std::vector<IdentityAttack> TimeAttacks() {
  using Case = IdentityCase;
  return {
      {"i12h", By::kOwner, "an hour and a second old",
       Aged(absl::Hours(1) + absl::Seconds(1)), Reason::kTooOld},
      {"i12i", By::kNobody, "an hour old", Aged(absl::Hours(1)), kAccepted},
      {"i12j", By::kSigner, "launched in two minutes", Aged(-absl::Minutes(2)),
       Reason::kFromTheFuture},
      {"i12k", By::kSigner, "launched in 9999, to whom age matters",
       [](Case& c) {
         Aged(absl::ZeroDuration())(c);
         SetPending(c, "9999-12-31T23:59:59Z");
       },
       Reason::kFromTheFuture},
      {"i14a", By::kOwner, "a document from before the last start",
       [](Case& c) {
         c.replay = ReplayMode::kNewestPendingTime;
         c.before = {[](Case&) {}};
         SetPending(c, "2026-09-20T11:40:00Z");
       },
       Reason::kPendingTimeRegressed},
      {"i14b", By::kNobody, "a newer document of the same instance",
       [](Case& c) {
         c.replay = ReplayMode::kNewestPendingTime;
         c.before = {[](Case&) {}};
         SetPending(c, "2026-09-20T11:55:00Z");
       },
       kAccepted},
      {"i15a", By::kOwner, "a document that is used twice",
       [](Case& c) {
         c.replay = ReplayMode::kSingleUse;
         c.before = {[](Case&) {}};
       },
       Reason::kReplayed},
      {"i15b", By::kOwner, "the same under another of its signatures",
       [](Case& c) {
         c.replay = ReplayMode::kSingleUse;
         c.before = {[](Case& first) { first.form = IdentityForm::kPkcs7; }};
       },
       Reason::kReplayed},
      {"i15c", By::kOwner, "an instance that another sender was bound to",
       [](Case& c) {
         c.replay = ReplayMode::kFirstUseBinds;
         c.before = {[](Case& first) { first.binding = "his"; }};
       },
       Reason::kReplayed},
      {"i15d", By::kNobody, "an instance that shows its document again",
       [](Case& c) {
         c.replay = ReplayMode::kFirstUseBinds;
         c.before = {[](Case&) {}};
       },
       kAccepted},
      {"i15e", By::kNobody, "nothing to bind the instance to",
       [](Case& c) {
         c.replay = ReplayMode::kFirstUseBinds;
         c.binding = "";
       },
       Reason::kPolicyEmpty},
      {"i15f", By::kAnyone, "a ledger that is full",
       [](Case& c) {
         c.replay = ReplayMode::kSingleUse;
         c.ledger_entries = 0;
       },
       Reason::kLedgerUnavailable},
  };
}

}  // namespace

std::vector<IdentityAttack> IdentityPolicyAttacks() {
  return Join<IdentityCase>(
      {ProductCodeAttacks(), ConditionAttacks(), TimeAttacks()});
}

}  // namespace anchorage::test
