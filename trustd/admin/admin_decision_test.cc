// What comes of decisions, pins and evidence that arrive over real TLS.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "anchors/catalog.h"
#include "proto/anchorage/v1/anchor_service.pb.h"
#include "test/support/admin_calls.h"
#include "trustd/admin/admin_server.h"

namespace anchorage::trustd {
namespace {

using ::testing::ElementsAre;

class AdminDecisionTest : public AdminServerTest {};

TEST_F(AdminDecisionTest, PublishesWhatIsApprovedUnderTheNameThatTlsProved) {
  const std::uint64_t before = sequence();
  const Channel alice = world_.ConnectAs("approver-alice");
  v1::GetRotationRequest get;
  get.set_id(1);
  v1::GetRotationResponse got;
  ASSERT_TRUE(Call<Audit>(alice, &Audit::Stub::GetRotation, get, got).ok());
  EXPECT_EQ(got.rotation().rotation_class(), v1::ROTATION_CLASS_RE_KEY);
  EXPECT_EQ(got.rotation().state(), v1::ROTATION_STATE_DETECTED);
  EXPECT_NE(got.rotation().observed(0).der(), "");

  v1::DecideRotationRequest request =
      Decision(world_, v1::Decision::KIND_APPROVE);
  request.set_change_id(got.rotation().change_id());
  v1::DecideRotationResponse response;
  const grpc::Status status =
      Call<Admin>(alice, &Admin::Stub::DecideRotation, request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.rotation().state(), v1::ROTATION_STATE_PUBLISHED);
  ASSERT_EQ(response.rotation().decisions_size(), 1);
  EXPECT_EQ(response.rotation().decisions(0).by(), "approver-alice");
  EXPECT_EQ(response.rotation().decisions(0).why(), "I called AWS");
  EXPECT_EQ(sequence(), before + 1);
  EXPECT_EQ(response.rotation().published_sequence(), before + 1);

  EXPECT_EQ(ReasonOf(Try<Admin>(alice, &Admin::Stub::DecideRotation, request)),
            "NOT_DECIDABLE");
  v1::SubmitEvidenceResponse proof;
  ASSERT_TRUE(
      Submit(world_.ConnectAs("instance-ines"), world_.Evidence(), proof).ok());
  EXPECT_EQ(proof.outcome(), v1::SubmitEvidenceResponse::OUTCOME_PINNED);
}

TEST_F(AdminDecisionTest, CountsOnePersonOnce) {
  world_.mirror_options.core.rotations.approvals = 2;
  world_.Start();
  const std::uint64_t before = sequence();
  const Channel alice = world_.ConnectAs("approver-alice");
  const auto approve = Decision(world_, v1::Decision::KIND_APPROVE);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(Try<Admin>(alice, &Admin::Stub::DecideRotation, approve).ok());
    // Another certificate of the same person is the same person.
    ASSERT_TRUE(Try<Admin>(world_.ConnectAs("approver-alice"),
                           &Admin::Stub::DecideRotation, approve)
                    .ok());
  }
  EXPECT_EQ(sequence(), before);
  ASSERT_TRUE(Try<Admin>(world_.ConnectAs("approver-adam"),
                         &Admin::Stub::DecideRotation, approve)
                  .ok());
  EXPECT_EQ(sequence(), before + 1);
}

TEST_F(AdminDecisionTest, RejectsForGood) {
  const std::uint64_t before = sequence();
  const Channel alice = world_.ConnectAs("approver-alice");
  v1::DecideRotationRequest request =
      Decision(world_, v1::Decision::KIND_REJECT, "AWS knows nothing of it");
  request.clear_change_id();
  ASSERT_TRUE(Try<Admin>(alice, &Admin::Stub::DecideRotation, request).ok());
  EXPECT_EQ(world_.mirror().FindRotation(1)->state(),
            v1::ROTATION_STATE_REJECTED);
  EXPECT_EQ(ReasonOf(Try<Admin>(alice, &Admin::Stub::DecideRotation,
                                Decision(world_, v1::Decision::KIND_APPROVE))),
            "NOT_DECIDABLE");
  EXPECT_EQ(sequence(), before);
}

TEST_F(AdminDecisionTest, RefusesADecisionThatIsNotWhole) {
  const Channel alice = world_.ConnectAs("approver-alice");
  const auto reason = [&](const v1::DecideRotationRequest& request) {
    return ReasonOf(Try<Admin>(alice, &Admin::Stub::DecideRotation, request));
  };
  const auto good = Decision(world_, v1::Decision::KIND_APPROVE);
  const std::uint64_t before = records();
  auto request = good;
  request.set_id(99);
  EXPECT_EQ(reason(request), "ROTATION_NOT_FOUND");
  request = good;
  request.clear_kind();
  EXPECT_EQ(reason(request), "REQUEST_INVALID");
  request = good;
  request.clear_change_id();
  EXPECT_EQ(reason(request), "REQUEST_INVALID");
  request = good;
  request.clear_effect_sha256();
  EXPECT_EQ(reason(request), "REQUEST_INVALID");
  request = good;
  request.set_change_id(kAnySpki);
  EXPECT_EQ(reason(request), "ROTATION_CHANGED");
  request = good;
  request.set_effect_sha256(kAnySpki);
  EXPECT_EQ(reason(request), "ROTATION_CHANGED");
  request = good;
  request.clear_why();
  EXPECT_EQ(reason(request), "REQUEST_INVALID");
  request.set_why(std::string(kMaxWhyBytes + 1, 'w'));
  EXPECT_EQ(reason(request), "REQUEST_INVALID");
  EXPECT_EQ(records(), before);
}

TEST_F(AdminDecisionTest, SaysWhenADecisionCannotBeWritten) {
  world_.store().FailWith(absl::ResourceExhaustedError("the disk is full"));
  const std::uint64_t before = sequence();
  const Channel alice = world_.ConnectAs("approver-alice");
  EXPECT_EQ(ReasonOf(Try<Admin>(alice, &Admin::Stub::DecideRotation,
                                Decision(world_, v1::Decision::KIND_APPROVE))),
            "STORE_UNAVAILABLE");
  EXPECT_EQ(sequence(), before);
  EXPECT_TRUE(Try<Audit>(alice, &Audit::Stub::ListRotations, {}).ok());
}

TEST_F(AdminDecisionTest, SaysThatTheRecordIsDamagedAndDecidesNothing) {
  world_.store().Damage("ledger/record/0000000000000001");
  world_.Start();
  const Channel olga = world_.ConnectAs("operator-olga");
  v1::GetLedgerHeadResponse head;
  ASSERT_TRUE(Call<Audit>(olga, &Audit::Stub::GetLedgerHead, {}, head).ok());
  EXPECT_FALSE(head.healthy());
  EXPECT_NE(head.damage(), "");
  v1::PinAnchorRequest pin;
  pin.set_action(v1::PinFact::ACTION_REVOKE);
  pin.mutable_slot()->set_partition("aws");
  pin.mutable_slot()->set_region("us-east-1");
  pin.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  pin.set_spki_sha256(kAnySpki);
  pin.set_why("stolen");
  EXPECT_EQ(ReasonOf(Try<Admin>(olga, &Admin::Stub::PinAnchor, pin)),
            "LEDGER_DAMAGED");
}

TEST_F(AdminDecisionTest, AddsAndRevokesAnAnchor) {
  const Channel olga = world_.ConnectAs("operator-olga");
  const auto rotation = world_.mirror().FindRotation(1);
  v1::PinAnchorRequest request;
  request.set_action(v1::PinFact::ACTION_ADD);
  *request.mutable_slot() = rotation->slot();
  for (const auto& seen : rotation->observed()) {
    if (!seen.pinned()) request.set_certificate(seen.der());
  }
  request.set_why("AWS sent it");
  v1::PinAnchorResponse response;
  const std::uint64_t before = sequence();
  grpc::Status status =
      Call<Admin>(olga, &Admin::Stub::PinAnchor, request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.sequence(), before + 1);
  EXPECT_EQ(response.rotation_id(), 2u);
  EXPECT_EQ(ReasonOf(Try<Admin>(olga, &Admin::Stub::PinAnchor, request)),
            "NOT_APPLICABLE");

  request.set_action(v1::PinFact::ACTION_REVOKE);
  request.clear_certificate();
  request.set_spki_sha256(response.spki_sha256());
  status = Call<Admin>(olga, &Admin::Stub::PinAnchor, request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.sequence(), before + 2);
  v1::SubmitEvidenceResponse proof;
  EXPECT_EQ(ReasonOf(Submit(world_.ConnectAs("instance-ines"),
                            world_.Evidence(), proof)),
            "ANCHOR_REVOKED");
}

// The wrong key, retired, was so for good.
TEST_F(AdminDecisionTest, ReactivatesARetiredKeyOnceEnoughApprove) {
  world_.mirror_options.core.rotations.approvals = 2;
  world_.Start();
  const Channel olga = world_.ConnectAs("operator-olga");
  v1::PinAnchorRequest request;
  request.set_action(v1::PinFact::ACTION_RETIRE);
  *request.mutable_slot() = world_.mirror().FindRotation(1)->slot();
  request.set_spki_sha256(
      world_.mirror().FindRotation(1)->pinned_spki_sha256(0));
  request.set_why("a slip");
  EXPECT_EQ(ReasonOf(Try<Admin>(olga, &Admin::Stub::PinAnchor, request)),
            "NOT_APPLICABLE")
      << "the last key of its slot";
  request.set_last_key(true);
  ASSERT_TRUE(Try<Admin>(olga, &Admin::Stub::PinAnchor, request).ok())
      << "nobody waits in the safe direction";
  const auto status_of = [&] {
    for (const auto& anchor : world_.hub().Current()->catalog.anchors) {
      if (anchor.spki_sha256 == request.spki_sha256()) return anchor.status;
    }
    return verify::AnchorStatus::kRevoked;
  };
  ASSERT_EQ(status_of(), verify::AnchorStatus::kRetired);

  request.set_action(v1::PinFact::ACTION_REACTIVATE);
  request.clear_last_key();
  v1::PinAnchorResponse response;
  ASSERT_TRUE(
      Call<Admin>(olga, &Admin::Stub::PinAnchor, request, response).ok());
  EXPECT_EQ(response.sequence(), 0u);
  EXPECT_EQ(ReasonOf(Try<Admin>(olga, &Admin::Stub::PinAnchor, request)),
            "NOT_APPLICABLE")
      << "one person counts once";
  EXPECT_EQ(status_of(), verify::AnchorStatus::kRetired);
  v1::DecideRotationRequest approve;
  const auto rotation = world_.mirror().FindRotation(response.rotation_id());
  approve.set_id(rotation->id());
  approve.set_kind(v1::Decision::KIND_APPROVE);
  approve.set_change_id(rotation->change_id());
  approve.set_effect_sha256(rotation->effect_sha256());
  approve.set_why("it was");
  ASSERT_TRUE(Try<Admin>(world_.ConnectAs("approver-adam"),
                         &Admin::Stub::DecideRotation, approve)
                  .ok());
  EXPECT_EQ(status_of(), verify::AnchorStatus::kActive);
}

TEST_F(AdminDecisionTest, RetiresAnAnchorAtGivenTimes) {
  const Channel olga = world_.ConnectAs("operator-olga");
  v1::PinAnchorRequest request;
  request.set_action(v1::PinFact::ACTION_RETIRE);
  *request.mutable_slot() = world_.mirror().FindRotation(1)->slot();
  request.set_spki_sha256(
      world_.mirror().FindRotation(1)->pinned_spki_sha256(0));
  request.set_why("AWS has re-keyed");
  request.mutable_valid_until()->set_seconds(2'000'000'000);
  request.mutable_accept_until()->set_seconds(1'900'000'000);
  EXPECT_EQ(ReasonOf(Try<Admin>(olga, &Admin::Stub::PinAnchor, request)),
            "REQUEST_INVALID");
  request.mutable_accept_until()->set_seconds(2'100'000'000);
  request.mutable_accept_until()->set_nanos(1);
  EXPECT_EQ(ReasonOf(Try<Admin>(olga, &Admin::Stub::PinAnchor, request)),
            "REQUEST_INVALID");
  request.mutable_accept_until()->set_nanos(0);
  v1::PinAnchorResponse response;
  const grpc::Status status =
      Call<Admin>(olga, &Admin::Stub::PinAnchor, request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const auto set = *anchors::ToAnchorSet(world_.hub().Current()->catalog, {});
  for (const verify::Anchor& anchor : set->anchors()) {
    if (anchor.spki_sha256() != request.spki_sha256()) continue;
    EXPECT_EQ(anchor.status(), verify::AnchorStatus::kRetiring);
    EXPECT_EQ(anchor.valid_until(), absl::FromUnixSeconds(2'000'000'000));
    EXPECT_EQ(anchor.accept_until(), absl::FromUnixSeconds(2'100'000'000));
  }
  // Only a retirement has such times.
  request.set_action(v1::PinFact::ACTION_REVOKE);
  EXPECT_EQ(ReasonOf(Try<Admin>(olga, &Admin::Stub::PinAnchor, request)),
            "REQUEST_INVALID");
}

TEST_F(AdminDecisionTest, RefusesAPinThatIsNotWhole) {
  const Channel olga = world_.ConnectAs("operator-olga");
  const auto reason = [&](const v1::PinAnchorRequest& request) {
    return ReasonOf(Try<Admin>(olga, &Admin::Stub::PinAnchor, request));
  };
  const std::uint64_t before = records();
  v1::PinAnchorRequest good;
  good.set_action(v1::PinFact::ACTION_REVOKE);
  *good.mutable_slot() = world_.mirror().FindRotation(1)->slot();
  good.set_spki_sha256(kAnySpki);
  good.set_why("stolen");
  EXPECT_EQ(reason(good), "ANCHOR_NOT_FOUND");
  auto request = good;
  request.clear_action();
  EXPECT_EQ(reason(request), "REQUEST_INVALID");
  request = good;
  request.set_spki_sha256("0A" + std::string(62, '0'));
  EXPECT_EQ(reason(request), "REQUEST_INVALID");
  request = good;
  request.set_certificate("certificate");
  EXPECT_EQ(reason(request), "REQUEST_INVALID");
  request = good;
  request.mutable_slot()->clear_kind();
  EXPECT_EQ(reason(request), "REQUEST_INVALID");
  request = good;
  request.clear_why();
  EXPECT_EQ(reason(request), "REQUEST_INVALID");
  request = good;
  request.set_action(v1::PinFact::ACTION_ADD);
  request.clear_spki_sha256();
  request.set_certificate("no certificate");
  EXPECT_EQ(reason(request), "CERTIFICATE_MALFORMED");
  request.set_certificate(std::string(8 * 1024 + 1, 'c'));
  EXPECT_EQ(reason(request), "INPUT_TOO_LARGE");
  EXPECT_EQ(records(), before);
}

TEST_F(AdminDecisionTest, HasSourcesLookedAt) {
  const Channel olga = world_.ConnectAs("operator-olga");
  v1::PollNowRequest request;
  request.set_source("aws-docs");
  EXPECT_TRUE(Try<Admin>(olga, &Admin::Stub::PollNow, request).ok());
  EXPECT_TRUE(Try<Admin>(olga, &Admin::Stub::PollNow, {}).ok());
  EXPECT_THAT(world_.polled(), ElementsAre("aws-docs", ""));
  request.set_source("nowhere");
  EXPECT_EQ(ReasonOf(Try<Admin>(olga, &Admin::Stub::PollNow, request)),
            "SOURCE_NOT_FOUND");
}

TEST_F(AdminDecisionTest, TakesProofOfAKeyThatAwsShows) {
  v1::SubmitEvidenceResponse response;
  const grpc::Status status =
      Submit(world_.ConnectAs("instance-ines"), world_.Evidence(), response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.outcome(), v1::SubmitEvidenceResponse::OUTCOME_CANDIDATE);
  EXPECT_EQ(response.rotation_id(), 1u);
  EXPECT_EQ(response.slot().region(), "us-east-1");
  EXPECT_NE(response.spki_sha256(), "");
  EXPECT_NE(response.signer_serial(), "");
  const auto rotation = world_.mirror().FindRotation(1);
  ASSERT_EQ(rotation->live_proofs_size(), 1);
  EXPECT_EQ(rotation->live_proofs(0).submitter(), "instance-ines");
}

TEST_F(AdminDecisionTest, RaisesARotationForASignerThatNobodyKnows) {
  AdminWorld quiet;
  quiet.Start();
  quiet.SignWithAnotherKey();
  v1::SubmitEvidenceResponse response;
  const grpc::Status status =
      Submit(quiet.ConnectAs("instance-ines"), quiet.Evidence(), response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.outcome(),
            v1::SubmitEvidenceResponse::OUTCOME_UNKNOWN_SIGNER);
  EXPECT_EQ(response.spki_sha256(), "");
  const auto rotation = quiet.mirror().FindRotation(response.rotation_id());
  ASSERT_TRUE(rotation.has_value());
  EXPECT_EQ(rotation->rotation_class(), v1::ROTATION_CLASS_UNKNOWN_SIGNER);
}

TEST_F(AdminDecisionTest, SaysWhyEvidenceCannotBeRead) {
  const Channel ines = world_.ConnectAs("instance-ines");
  const std::uint64_t before = records();
  v1::SubmitEvidenceResponse response;
  EXPECT_EQ(ReasonOf(Submit(ines, {}, response)), "FIELD_MISSING");
  v1::Evidence evidence;
  evidence.set_rsa2048("not base64!");
  EXPECT_EQ(ReasonOf(Submit(ines, evidence, response)), "ENCODING_MALFORMED");
  evidence.set_rsa2048(std::string(140'000, 'A'));
  EXPECT_EQ(ReasonOf(Submit(ines, evidence, response)), "INPUT_TOO_LARGE");
  EXPECT_EQ(records(), before);
}

TEST_F(AdminDecisionTest, LimitsWhatOneNameSubmits) {
  const Channel ines = world_.ConnectAs("instance-ines");
  v1::SubmitEvidenceResponse response;
  const v1::Evidence evidence = world_.Evidence();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Submit(ines, evidence, response).ok());
  }
  // Another connection is not another name.
  EXPECT_EQ(
      ReasonOf(Submit(world_.ConnectAs("instance-ines"), evidence, response)),
      "TOO_MANY_REQUESTS");
  EXPECT_TRUE(
      Submit(world_.ConnectAs("operator-olga"), evidence, response).ok());
  world_.Advance(absl::Seconds(6));
  EXPECT_TRUE(Submit(ines, evidence, response).ok());
}

TEST_F(AdminDecisionTest, RefusesALargeRequestBeforeItReadsIt) {
  v1::Evidence evidence;
  evidence.set_rsa2048(std::string(kMaxAdminRequestBytes, 'A'));
  v1::SubmitEvidenceResponse response;
  EXPECT_EQ(Submit(world_.ConnectAs("instance-ines"), evidence, response)
                .error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(AdminDecisionTest, AStoreIsAcceptedInPieces) {
  v1::GetUpdateResponse bundle;
  bundle.add_roots("a root");
  bundle.set_catalog(std::string(300'000, 'c'));
  bundle.set_timestamp("the timestamp");
  const std::string bytes = bundle.SerializeAsString();
  std::vector<v1::AcceptStoreRequest> pieces(3);
  pieces[0].set_why("disk 3 died");
  for (int i = 0; i < 3; ++i) {
    pieces[i].set_bundle_piece(bytes.substr(i * 131'072, 131'072));
  }
  v1::AcceptStoreResponse response;
  const Channel olga = world_.ConnectAs("operator-olga");
  const grpc::Status status = TryAccept(olga, pieces, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.sequence(), 7u);
  EXPECT_EQ(response.timestamp_version(), 9u);
  const std::vector<AdminWorld::Asked> accepted = world_.accepted();
  ASSERT_EQ(accepted.size(), 1u);
  EXPECT_EQ(accepted[0].by, "operator-olga");
  EXPECT_EQ(accepted[0].why, "disk 3 died");
  ASSERT_TRUE(accepted[0].bundle.has_value());
  EXPECT_EQ(accepted[0].bundle->catalog(), bundle.catalog());
  EXPECT_EQ(accepted[0].bundle->roots.size(), 1u);
}

TEST_F(AdminDecisionTest, AnAcceptanceHasAReasonAndSaysWhetherThereIsABundle) {
  const Channel olga = world_.ConnectAs("operator-olga");
  v1::AcceptStoreResponse response;
  v1::AcceptStoreRequest request;
  request.set_no_bundle(true);
  EXPECT_EQ(ReasonOf(TryAccept(olga, {request}, response)), "REQUEST_INVALID");
  request.set_why(std::string(1001, 'w'));
  EXPECT_EQ(ReasonOf(TryAccept(olga, {request}, response)), "REQUEST_INVALID");
  request.set_why("disk 3 died");
  request.set_bundle_piece("x");
  EXPECT_EQ(ReasonOf(TryAccept(olga, {request}, response)), "REQUEST_INVALID");
  request.clear_bundle_piece();
  request.set_no_bundle(false);
  EXPECT_EQ(ReasonOf(TryAccept(olga, {request}, response)), "REQUEST_INVALID");
  EXPECT_EQ(ReasonOf(TryAccept(olga, {}, response)), "REQUEST_INVALID");
  request.set_bundle_piece("\xff\xff");
  EXPECT_EQ(ReasonOf(TryAccept(olga, {request}, response)), "BUNDLE_REFUSED");
  // More than any bundle has: it is not kept.
  std::vector<v1::AcceptStoreRequest> pieces(130);
  pieces[0].set_why("disk 3 died");
  for (auto& piece : pieces) piece.set_bundle_piece(std::string(131'072, 'x'));
  EXPECT_EQ(ReasonOf(TryAccept(olga, pieces, response)), "REQUEST_INVALID");
  EXPECT_TRUE(world_.accepted().empty());
}

}  // namespace
}  // namespace anchorage::trustd
