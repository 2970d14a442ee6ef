#include "trustd/admin/audit_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/base/proto_time.h"
#include "proto/anchorage/v1/errors.pb.h"
#include "test/support/fake_store.h"
#include "trustd/record/ledger.h"

namespace anchorage::trustd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

std::string ReasonOf(const grpc::Status& status) {
  v1::Status details;
  v1::ErrorInfo info;
  if (!details.ParseFromString(status.error_details()) ||
      details.details_size() != 1 ||
      !info.ParseFromString(details.details(0).value())) {
    return "";
  }
  return info.reason();
}

// --- rotations ---------------------------------------------------------------

class RotationsTest : public ::testing::Test {
 protected:
  v1::Rotation& Add() {
    v1::Rotation& rotation = rotations_.emplace_back();
    rotation.set_id(rotations_.size());
    rotation.set_rotation_class(v1::ROTATION_CLASS_RE_KEY);
    rotation.set_state(v1::ROTATION_STATE_DETECTED);
    rotation.mutable_slot()->set_partition("aws");
    rotation.mutable_slot()->set_region("eu-west-1");
    rotation.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
    anchors::SetTime(kNow + absl::Hours(rotations_.size()),
                     *rotation.mutable_detected_time());
    return rotation;
  }

  grpc::Status Ask(const v1::ListRotationsRequest& request) {
    response_.Clear();
    return AnswerRotations(
        [this](const auto& wanted) {
          std::vector<v1::Rotation> found;
          std::copy_if(rotations_.begin(), rotations_.end(),
                       std::back_inserter(found), wanted);
          return found;
        },
        request, response_);
  }

  std::vector<int> Ids() const {
    std::vector<int> ids;
    for (const auto& rotation : response_.rotations()) {
      ids.push_back(static_cast<int>(rotation.id()));
    }
    return ids;
  }

  std::vector<int> IdsFor(const v1::ListRotationsRequest& request) {
    const grpc::Status status = Ask(request);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return Ids();
  }

  std::vector<v1::Rotation> rotations_;
  v1::ListRotationsRequest request_;
  v1::ListRotationsResponse response_;
};

TEST_F(RotationsTest, AreTheNewestFirst) {
  for (int i = 0; i < 3; ++i) Add();
  EXPECT_THAT(IdsFor(request_), ElementsAre(3, 2, 1));
  EXPECT_EQ(response_.total_size(), 3);
  EXPECT_EQ(response_.next_page_token(), "");
}

TEST_F(RotationsTest, AreNoneAtFirst) {
  EXPECT_THAT(IdsFor(request_), IsEmpty());
  EXPECT_EQ(response_.next_page_token(), "");
}

TEST_F(RotationsTest, PassEachFilterOrDoNot) {
  Add();
  Add().mutable_slot()->set_partition("aws-cn");
  Add().mutable_slot()->set_region("eu-west-2");
  Add().mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_DSA);
  Add().set_rotation_class(v1::ROTATION_CLASS_RE_ISSUE);
  Add().set_state(v1::ROTATION_STATE_REJECTED);

  v1::ListRotationsRequest request;
  request.set_partition("aws-cn");
  EXPECT_THAT(IdsFor(request), ElementsAre(2));
  request.Clear();
  request.set_region("eu-west-2");
  EXPECT_THAT(IdsFor(request), ElementsAre(3));
  request.Clear();
  request.set_kind(v1::ANCHOR_KIND_IID_DSA);
  EXPECT_THAT(IdsFor(request), ElementsAre(4));
  request.Clear();
  request.add_classes(v1::ROTATION_CLASS_RE_ISSUE);
  EXPECT_THAT(IdsFor(request), ElementsAre(5));
  request.Clear();
  request.add_states(v1::ROTATION_STATE_REJECTED);
  EXPECT_THAT(IdsFor(request), ElementsAre(6));
  request.add_states(v1::ROTATION_STATE_DETECTED);
  EXPECT_THAT(IdsFor(request), ElementsAre(6, 5, 4, 3, 2, 1));
  request.set_region("eu-west-2");
  EXPECT_THAT(IdsFor(request), ElementsAre(3));
}

TEST_F(RotationsTest, AreWithinAWindowThatHasItsBeginningAndNotItsEnd) {
  for (int i = 0; i < 4; ++i) Add();
  anchors::SetTime(kNow + absl::Hours(2), *request_.mutable_from_time());
  EXPECT_THAT(IdsFor(request_), ElementsAre(4, 3, 2));
  anchors::SetTime(kNow + absl::Hours(4), *request_.mutable_until_time());
  EXPECT_THAT(IdsFor(request_), ElementsAre(3, 2));
}

TEST_F(RotationsTest, ComeInPagesThatNewOnesDoNotShift) {
  for (int i = 0; i < 5; ++i) Add();
  request_.set_page_size(2);
  EXPECT_THAT(IdsFor(request_), ElementsAre(5, 4));
  Add();
  request_.set_page_token(response_.next_page_token());
  EXPECT_THAT(IdsFor(request_), ElementsAre(3, 2));
  EXPECT_EQ(response_.total_size(), 6);
  Add();
  request_.set_page_token(response_.next_page_token());
  EXPECT_THAT(IdsFor(request_), ElementsAre(1));
  EXPECT_EQ(response_.next_page_token(), "");
}

TEST_F(RotationsTest, ComeInPagesThatAChangeOfStateDoesNotShift) {
  for (int i = 0; i < 5; ++i) Add();
  request_.add_states(v1::ROTATION_STATE_DETECTED);
  request_.set_page_size(2);
  EXPECT_THAT(IdsFor(request_), ElementsAre(5, 4));
  rotations_[4].set_state(v1::ROTATION_STATE_REJECTED);
  rotations_[3].set_state(v1::ROTATION_STATE_REJECTED);
  request_.set_page_token(response_.next_page_token());
  EXPECT_THAT(IdsFor(request_), ElementsAre(3, 2));
}

TEST_F(RotationsTest, HaveTokensForOneFilterOnly) {
  for (int i = 0; i < 3; ++i) Add();
  request_.set_page_size(1);
  ASSERT_TRUE(Ask(request_).ok());
  request_.set_page_token(response_.next_page_token());
  request_.set_page_size(2);  // another size is no other filter
  EXPECT_TRUE(Ask(request_).ok());
  request_.set_region("eu-west-1");
  EXPECT_EQ(ReasonOf(Ask(request_)), "PAGE_TOKEN_INVALID");
  request_.clear_region();
  request_.mutable_page_token()->append("x");
  EXPECT_EQ(ReasonOf(Ask(request_)), "PAGE_TOKEN_INVALID");
}

TEST_F(RotationsTest, AreRefusedOutsideTheLimitsOfARequest) {
  for (const int size : {-1, 201}) {
    request_.set_page_size(size);
    EXPECT_EQ(ReasonOf(Ask(request_)), "REQUEST_INVALID");
  }
  request_.Clear();
  request_.set_region(std::string(65, 'a'));
  EXPECT_EQ(ReasonOf(Ask(request_)), "REQUEST_INVALID");
  request_.Clear();
  for (int i = 0; i < 17; ++i) {
    request_.add_states(v1::ROTATION_STATE_DETECTED);
  }
  EXPECT_EQ(ReasonOf(Ask(request_)), "REQUEST_INVALID");
}

TEST_F(RotationsTest, AreListedWithoutCertificatesAndEvidence) {
  v1::Rotation& rotation = Add();
  rotation.add_observed()->set_der("der");
  rotation.mutable_observed(0)->set_sha256("hash");
  rotation.add_live_proofs()->mutable_evidence()->set_document("document");
  ASSERT_TRUE(Ask(request_).ok());
  const v1::Rotation& listed = response_.rotations(0);
  EXPECT_EQ(listed.observed(0).der(), "");
  EXPECT_EQ(listed.observed(0).sha256(), "hash");
  ASSERT_EQ(listed.live_proofs_size(), 1);
  EXPECT_FALSE(listed.live_proofs(0).has_evidence());
}

TEST_F(RotationsTest, ThatAreLargeMakeAShorterPage) {
  for (int i = 0; i < 5; ++i) Add().set_diff(std::string(1024 * 1024, 'd'));
  EXPECT_THAT(IdsFor(request_), ElementsAre(5, 4));
  request_.set_page_token(response_.next_page_token());
  EXPECT_THAT(IdsFor(request_), ElementsAre(3, 2));
  request_.set_page_token(response_.next_page_token());
  EXPECT_THAT(IdsFor(request_), ElementsAre(1));
  EXPECT_EQ(response_.next_page_token(), "");
}

// --- records -----------------------------------------------------------------

v1::LedgerRecord Record(int hour) {
  v1::LedgerRecord record;
  anchors::SetTime(kNow + absl::Hours(hour), *record.mutable_time());
  return record;
}

v1::LedgerRecord Source(int hour) {
  v1::LedgerRecord record = Record(hour);
  record.mutable_source()->set_source("aws-docs");
  return record;
}

v1::LedgerRecord Pin(int hour) {
  v1::LedgerRecord record = Record(hour);
  record.mutable_pin()->set_by("alice");
  return record;
}

class RecordsTest : public ::testing::Test {
 protected:
  RecordsTest() : ledger_(*Ledger::Open(store_, [](auto, const auto&) {})) {}

  void Append(const v1::LedgerRecord& record) {
    ASSERT_TRUE(ledger_->Append({record}).ok());
  }

  grpc::Status Ask(const v1::ListRecordsRequest& request) {
    response_.Clear();
    return AnswerRecords(
        ledger_->head().size,
        [this](std::uint64_t index) { return ledger_->ReadBytes(index); },
        index_, request, response_);
  }

  std::vector<int> IndicesFor(const v1::ListRecordsRequest& request) {
    const grpc::Status status = Ask(request);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::vector<int> indices;
    for (const auto& stored : response_.records()) {
      indices.push_back(static_cast<int>(stored.index()));
    }
    return indices;
  }

  FakeStore store_;
  std::unique_ptr<Ledger> ledger_;
  RecordIndex index_{
      [this](std::uint64_t index) { return ledger_->ReadBytes(index); }};
  v1::ListRecordsRequest request_;
  v1::ListRecordsResponse response_;
};

TEST_F(RecordsTest, AreTheLeavesOfTheTree) {
  anchors::MerkleFrontier tree;
  for (int i = 0; i < 7; ++i) Append(Source(i));
  ASSERT_TRUE(Ask(request_).ok());
  for (const auto& stored : response_.records()) {
    tree.Append(anchors::LeafHash(stored.record()));
  }
  EXPECT_EQ(tree.Root(), ledger_->head().root);
}

TEST_F(RecordsTest, BeginWhereTheRequestSays) {
  for (int i = 0; i < 4; ++i) Append(Source(i));
  request_.set_first_index(2);
  EXPECT_THAT(IndicesFor(request_), ElementsAre(2, 3));
  request_.set_first_index(4);
  EXPECT_THAT(IndicesFor(request_), IsEmpty());
  EXPECT_EQ(response_.next_page_token(), "");
}

TEST_F(RecordsTest, ComeInPages) {
  for (int i = 0; i < 5; ++i) Append(Source(i));
  request_.set_page_size(2);
  EXPECT_THAT(IndicesFor(request_), ElementsAre(0, 1));
  request_.set_page_token(response_.next_page_token());
  EXPECT_THAT(IndicesFor(request_), ElementsAre(2, 3));
  Append(Source(5));
  request_.set_page_token(response_.next_page_token());
  EXPECT_THAT(IndicesFor(request_), ElementsAre(4, 5));
  EXPECT_EQ(response_.next_page_token(), "");
}

TEST_F(RecordsTest, PassEachFilterOrDoNot) {
  for (int i = 0; i < 6; ++i) Append(i % 2 == 0 ? Source(i) : Pin(i));
  request_.add_facts(v1::FACT_KIND_PIN);
  EXPECT_THAT(IndicesFor(request_), ElementsAre(1, 3, 5));
  anchors::SetTime(kNow + absl::Hours(3), *request_.mutable_from_time());
  EXPECT_THAT(IndicesFor(request_), ElementsAre(3, 5));
  anchors::SetTime(kNow + absl::Hours(5), *request_.mutable_until_time());
  EXPECT_THAT(IndicesFor(request_), ElementsAre(3));
  request_.add_facts(v1::FACT_KIND_SOURCE);
  EXPECT_THAT(IndicesFor(request_), ElementsAre(3, 4));
}

TEST_F(RecordsTest, OfEveryKindCanBeAskedFor) {
  Append(Record(0));
  v1::LedgerRecord record;
  record.mutable_observation();
  Append(record);
  record.mutable_source();
  Append(record);
  record.mutable_detection();
  Append(record);
  record.mutable_stance();
  Append(record);
  record.mutable_proof();
  Append(record);
  record.mutable_decision();
  Append(record);
  record.mutable_state();
  Append(record);
  record.mutable_publication();
  Append(record);
  record.mutable_pin();
  Append(record);
  record.mutable_store();
  Append(record);
  record.mutable_approvals_void();
  Append(record);
  record.mutable_alert_acknowledged();
  Append(record);
  record.mutable_manifest();
  Append(record);
  for (int kind = v1::FactKind_MIN + 1; kind <= v1::FactKind_MAX; ++kind) {
    request_.Clear();
    request_.add_facts(static_cast<v1::FactKind>(kind));
    EXPECT_THAT(IndicesFor(request_), ElementsAre(kind));
  }
}

TEST_F(RecordsTest, ThatAreRareDoNotKeepAThread) {
  for (std::uint64_t i = 0; i <= kMaxRecordsScanned; ++i) Append(Source(0));
  Append(Pin(0));
  request_.add_facts(v1::FACT_KIND_PIN);
  EXPECT_THAT(IndicesFor(request_), IsEmpty());
  ASSERT_NE(response_.next_page_token(), "");
  request_.set_page_token(response_.next_page_token());
  EXPECT_THAT(IndicesFor(request_), ElementsAre(kMaxRecordsScanned + 1));
  EXPECT_EQ(response_.next_page_token(), "");
}

TEST_F(RecordsTest, ComeInWords) {
  Append(Pin(0));
  request_.set_as_text(true);
  ASSERT_THAT(IndicesFor(request_), ElementsAre(0));
  EXPECT_EQ(response_.records(0).text().fact(), "PIN");
  EXPECT_NE(response_.records(0).text().words(), "");
  EXPECT_EQ(response_.records(0).record(), "");
}

TEST_F(RecordsTest, OfOnePersonSlotRotationOrTextCanBeAskedFor) {
  v1::LedgerRecord detection;
  detection.mutable_detection()->set_id(7);
  v1::Slot& slot = *detection.mutable_detection()->mutable_slot();
  slot.set_partition("aws");
  slot.set_region("eu-west-1");
  slot.set_kind(v1::ANCHOR_KIND_IID_DSA);
  Append(detection);
  v1::LedgerRecord decision;
  decision.mutable_decision()->set_rotation_id(7);
  decision.mutable_decision()->mutable_decision()->set_by("alice");
  decision.mutable_decision()->mutable_decision()->set_why("AWS says so");
  Append(decision);
  Append(Source(2));
  request_.set_rotation_id(7);
  EXPECT_THAT(IndicesFor(request_), ElementsAre(0, 1));
  request_.set_person("alice");
  EXPECT_THAT(IndicesFor(request_), ElementsAre(1));
  request_.set_person("alic");
  EXPECT_THAT(IndicesFor(request_), IsEmpty());
  request_.Clear();
  request_.mutable_slot()->set_region("eu-west-1");
  EXPECT_THAT(IndicesFor(request_), ElementsAre(0, 1));
  request_.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_RSA2048);
  EXPECT_THAT(IndicesFor(request_), IsEmpty());
  request_.Clear();
  request_.set_text("aws SAYS");
  EXPECT_THAT(IndicesFor(request_), ElementsAre(1));
  request_.set_text("aws denies");
  EXPECT_THAT(IndicesFor(request_), IsEmpty());
}

TEST_F(RecordsTest, CanBeginWithTheNewest) {
  for (int i = 0; i < 6; ++i) Append(i % 2 == 0 ? Source(i) : Pin(i));
  request_.set_newest_first(true);
  request_.set_first_index(1);
  for (const bool as_text : {false, true}) {
    request_.clear_page_token();
    request_.clear_page_size();
    request_.set_as_text(as_text);
    EXPECT_THAT(IndicesFor(request_), ElementsAre(5, 4, 3, 2, 1));
    EXPECT_EQ(response_.next_page_token(), "");
    request_.set_page_size(3);
    EXPECT_THAT(IndicesFor(request_), ElementsAre(5, 4, 3));
    request_.set_page_token(response_.next_page_token());
    EXPECT_THAT(IndicesFor(request_), ElementsAre(2, 1));
  }
  request_.Clear();
  request_.set_newest_first(true);
  request_.add_facts(v1::FACT_KIND_PIN);
  EXPECT_THAT(IndicesFor(request_), ElementsAre(5, 3, 1));
}

TEST_F(RecordsTest, ThatAreNewestWaitUntilTheIndexIsRead) {
  for (std::uint64_t i = 0; i <= kMaxRecordsScanned; ++i) Append(Source(0));
  request_.set_newest_first(true);
  request_.set_as_text(true);
  request_.set_page_size(1);
  EXPECT_THAT(IndicesFor(request_), IsEmpty());
  request_.set_page_token(response_.next_page_token());
  EXPECT_THAT(IndicesFor(request_), ElementsAre(kMaxRecordsScanned));
}

TEST_F(RecordsTest, ThatAreSearchedBeforeADamagedOneCanBeHad) {
  for (int i = 0; i < 4; ++i) Append(Source(i));
  store_.values["ledger/record/0000000000000002"].back() ^= 1;
  request_.add_facts(v1::FACT_KIND_SOURCE);
  EXPECT_THAT(IndicesFor(request_), ElementsAre(0, 1));
  request_.set_page_token(response_.next_page_token());
  EXPECT_EQ(ReasonOf(Ask(request_)), "LEDGER_DAMAGED");
}

TEST_F(RecordsTest, HaveTokensForOneFilterOnly) {
  for (int i = 0; i < 3; ++i) Append(Source(i));
  request_.set_page_size(1);
  ASSERT_TRUE(Ask(request_).ok());
  request_.set_page_token(response_.next_page_token());
  request_.add_facts(v1::FACT_KIND_PIN);
  EXPECT_EQ(ReasonOf(Ask(request_)), "PAGE_TOKEN_INVALID");
}

TEST_F(RecordsTest, AreRefusedOutsideTheLimitsOfARequest) {
  for (const int size : {-1, 1001, std::numeric_limits<int>::min(),
                         std::numeric_limits<int>::max()}) {
    request_.set_page_size(size);
    EXPECT_EQ(ReasonOf(Ask(request_)), "REQUEST_INVALID");
  }
  request_.Clear();
  request_.set_person(std::string(257, 'a'));
  EXPECT_EQ(ReasonOf(Ask(request_)), "REQUEST_INVALID");
  request_.Clear();
  request_.set_text(std::string(257, 'a'));
  EXPECT_EQ(ReasonOf(Ask(request_)), "REQUEST_INVALID");
  request_.Clear();
  request_.mutable_slot()->set_region(std::string(65, 'a'));
  EXPECT_EQ(ReasonOf(Ask(request_)), "REQUEST_INVALID");
}

TEST_F(RecordsTest, BeforeADamagedOneCanBeHad) {
  for (int i = 0; i < 4; ++i) Append(Source(i));
  store_.values["ledger/record/0000000000000002"].back() ^= 1;
  EXPECT_THAT(IndicesFor(request_), ElementsAre(0, 1));
  request_.set_page_token(response_.next_page_token());
  EXPECT_EQ(ReasonOf(Ask(request_)), "LEDGER_DAMAGED");
  request_.clear_page_token();
  request_.set_first_index(3);
  EXPECT_THAT(IndicesFor(request_), ElementsAre(3));
}

TEST_F(RecordsTest, ThatAreLargeMakeAShorterPage) {
  for (int i = 0; i < 3; ++i) {
    v1::LedgerRecord record = Source(i);
    record.mutable_source()->set_detail(std::string(1'000'000, 'd'));
    Append(record);
  }
  EXPECT_EQ(IndicesFor(request_).size(), 3u);
  Append(Source(3));
  EXPECT_EQ(IndicesFor(request_).size(), 3u);
  EXPECT_LT(response_.ByteSizeLong(), 4u * 1024 * 1024);
}

}  // namespace
}  // namespace anchorage::trustd
