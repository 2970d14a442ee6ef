#include "client/verdict_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "anchors/tuf/tuf_error.h"
#include "verify/reason.h"

namespace anchorage::client {
namespace {

using nlohmann::ordered_json;
using verify::Reason;

const AnchorsUsed kUsed = {
    {.origin = verify::Origin::kServer,
     .sequence = 18446744073709551615u,
     .as_of = absl::FromUnixSeconds(1'700'000'000),
     .fresh_until = absl::FromUnixSeconds(1'700'003'600)},
    verify::Freshness::kFresh};

verify::AttestedFacts Facts() {
  verify::AttestedFacts facts;
  facts.module_id = "i-1\"\\\n\x01\x7f\xc3\xa9";
  facts.region = "eu-west-1";
  facts.partition = "aws";
  facts.timestamp = absl::FromUnixSeconds(1'700'000'000);
  facts.pcrs = {{0, "\xab\xcd"}, {10, ""}};
  facts.nonce = "";
  facts.unknown_keys = {"a", "b"};
  facts.notes = {{verify::Note::Kind::kFieldsUnknown, "two"}};
  return facts;
}

// What nlohmann-json, a writer that everybody reads, would write.
std::string Rewritten(const std::string& text) {
  return ordered_json::parse(text).dump(2);
}

TEST(VerdictJson, SaysWhatIsProved) {
  verify::Trace trace;
  trace.Pass("form", "\"tagged\"");
  const std::string text =
      VerdictJson(Facts(), verify::AttestationType::kEnclave, kUsed, trace);
  EXPECT_EQ(text, Rewritten(text));
  const auto json = ordered_json::parse(text);
  EXPECT_EQ(json["verdict"], "ACCEPTED");
  EXPECT_EQ(json["check"], "");
  const auto& facts = json["attestation"];
  EXPECT_EQ(facts["type"], "enclave");
  EXPECT_EQ(facts["module_id"], Facts().module_id);
  EXPECT_EQ(facts["instance_id"], nullptr);
  EXPECT_EQ(facts["nonce"], "");
  EXPECT_EQ(facts["user_data"], nullptr);
  EXPECT_EQ(facts["release"], nullptr);
  EXPECT_EQ(facts["pcrs"], ordered_json({{"PCR0", "abcd"}, {"PCR10", ""}}));
  EXPECT_EQ(json["notes"][0]["note"], "FIELDS_UNKNOWN");
  EXPECT_EQ(json["anchor"]["slot"], "aws//nitro-root");
  EXPECT_EQ(json["anchors"]["sequence"], 18446744073709551615u);
  EXPECT_EQ(json["anchors"]["fresh_until"], "2023-11-14T23:13:20Z");
  EXPECT_EQ(json["trace"][0]["outcome"], "ok");
}

TEST(VerdictJson, SaysWhyItRefuses) {
  verify::Trace trace;
  const absl::Status why = verify::Reject(Reason::kLeafExpired, "too late", 2);
  trace.Fail("chain", why);
  trace.NotReached("nonce");
  const std::string text = RefusalJson("attestation", why, kUsed, trace);
  EXPECT_EQ(text, Rewritten(text));
  const auto json = ordered_json::parse(text);
  EXPECT_EQ(json["verdict"], "REJECTED");
  EXPECT_EQ(json["reason"], "LEAF_EXPIRED");
  EXPECT_EQ(json["check"], "chain");
  EXPECT_EQ(json["detail"], "too late");
  EXPECT_EQ(json["certificate_index"], 2);
  EXPECT_EQ(json["attestation"], nullptr);
  EXPECT_EQ(json["anchor"], nullptr);
  EXPECT_EQ(json["trace"][1]["outcome"], "--");
}

TEST(VerdictJson, WhatCouldNotBeDecidedIsUndecided) {
  for (const absl::Status& why :
       {verify::Reject(Reason::kLedgerUnavailable, "x"),
        absl::ResourceExhaustedError("x")}) {
    const auto json =
        ordered_json::parse(RefusalJson("identity", why, kUsed, {}));
    EXPECT_EQ(json["verdict"], "UNDECIDED");
    EXPECT_FALSE(json.contains("certificate_index"));
  }
}

TEST(VerdictJson, ABuiltInSetIsNotFreshUntilAnyTime) {
  AnchorsUsed used = kUsed;
  used.freshness = verify::Freshness::kBakedIn;
  const auto json = ordered_json::parse(
      RefusalJson("identity", verify::Reject(Reason::kReplayed, ""), used, {}));
  EXPECT_FALSE(json["anchors"].contains("fresh_until"));
}

TEST(VerdictJson, BytesThatAreNoTextAreReplaced) {
  verify::AttestedFacts facts = Facts();
  facts.module_id =
      "a\xff"
      "b";
  const auto json = ordered_json::parse(
      VerdictJson(facts, verify::AttestationType::kNitroTpm, kUsed, {}));
  EXPECT_EQ(json["attestation"]["module_id"],
            "a\xef\xbf\xbd"
            "b");
}

TEST(StateJson, HasEveryCounterAndTheLastErrors) {
  TrustClientState state;
  state.provenance = kUsed.provenance;
  state.freshness = verify::Freshness::kStale;
  state.anchors = 130;
  state.rejected = 3;
  state.last_refresh = anchors::tuf::RejectUpdate(
      anchors::tuf::TufReason::kFetchFailed, "nobody there");
  state.servers = std::make_shared<const std::vector<TrustServerState>>(
      std::vector<TrustServerState>{
          {.name = "a:1", .last = state.last_refresh},
          {.name = "b:1", .last = {}, .answered_last = true}});
  const std::string text = StateJson(state);
  EXPECT_EQ(text, Rewritten(text));
  const auto json = ordered_json::parse(text);
  EXPECT_EQ(json["servers"][0]["last_error"]["reason"], "FETCH_FAILED");
  EXPECT_EQ(json["servers"][1]["name"], "b:1");
  EXPECT_EQ(json["servers"][1]["answered_last"], true);
  EXPECT_EQ(json["servers"][1]["last_error"], nullptr);
  EXPECT_EQ(json["freshness"], "STALE");
  EXPECT_EQ(json["anchors"], 130);
  EXPECT_EQ(json["rejected"], 3);
  EXPECT_EQ(json["last_refresh_error"]["reason"], "FETCH_FAILED");
  EXPECT_EQ(json["cache_error"], nullptr);
}

}  // namespace
}  // namespace anchorage::client
