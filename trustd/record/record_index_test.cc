#include "trustd/record/record_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/base/proto_time.h"
#include "proto/anchorage/v1/ledger.pb.h"

namespace anchorage::trustd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class RecordIndexTest : public ::testing::Test {
 protected:
  v1::LedgerRecord& Add() {
    v1::LedgerRecord& record = records_.emplace_back();
    anchors::SetTime(kNow + absl::Hours(records_.size()),
                     *record.mutable_time());
    return record;
  }
  void AddDetection(std::uint64_t id, const std::string& region) {
    v1::Rotation& rotation = *Add().mutable_detection();
    rotation.set_id(id);
    rotation.mutable_slot()->set_partition("aws");
    rotation.mutable_slot()->set_region(region);
    rotation.mutable_slot()->set_kind(v1::ANCHOR_KIND_IID_DSA);
  }
  void AddDecision(std::uint64_t id, const std::string& by) {
    v1::DecisionFact& fact = *Add().mutable_decision();
    fact.set_rotation_id(id);
    fact.mutable_decision()->set_by(by);
    fact.mutable_decision()->set_why("Because");
  }

  std::vector<std::uint64_t> Find(const RecordFilter& filter) {
    const auto has_all = index_.ReadOn(records_.size(), records_.size());
    EXPECT_TRUE(has_all.ok() && *has_all);
    return index_.Find(filter, {}).indexes;
  }

  std::vector<v1::LedgerRecord> records_;
  std::uint64_t damaged_ = 1'000;
  RecordIndex index_{[this](std::uint64_t i) -> absl::StatusOr<std::string> {
    if (i == damaged_) return absl::DataLossError("damaged");
    return records_[i].SerializeAsString();
  }};
};

TEST_F(RecordIndexTest, AFilterLetsThroughWhatItNames) {
  AddDetection(1, "eu-west-1");
  AddDetection(2, "us-east-1");
  AddDecision(1, "alice");
  AddDecision(2, "bob");
  Add().mutable_publication()->add_rotation_ids(1);
  records_.back().mutable_publication()->add_rotation_ids(2);
  EXPECT_THAT(Find({}), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(Find({.facts = {"DECISION"}}), ElementsAre(2, 3));
  EXPECT_THAT(Find({.facts = {"DECISION", "PUBLICATION"}}),
              ElementsAre(2, 3, 4));
  EXPECT_THAT(
      Find({.from = kNow + absl::Hours(2), .until = kNow + absl::Hours(4)}),
      ElementsAre(1, 2));
  EXPECT_THAT(Find({.person = "alice"}), ElementsAre(2));
  EXPECT_THAT(Find({.rotation_id = 2}), ElementsAre(1, 3, 4));
  v1::Slot slot;
  slot.set_region("eu-west-1");
  EXPECT_THAT(Find({.slot = slot}), ElementsAre(0, 2, 4));
  EXPECT_THAT(Find({.facts = {"DECISION"}, .slot = slot}), ElementsAre(2));
  EXPECT_THAT(Find({.text = " bob  BECAUSE "}), ElementsAre(3));
}

// A name that no record has lets nothing through, and never everything.
TEST_F(RecordIndexTest, WhatNoRecordHasFindsNothing) {
  AddDetection(1, "eu-west-1");
  AddDecision(1, "alice");
  EXPECT_THAT(Find({.facts = {"PIN"}}), IsEmpty());
  EXPECT_THAT(Find({.person = "bob"}), IsEmpty());
  EXPECT_THAT(Find({.rotation_id = 2}), IsEmpty());
  EXPECT_THAT(Find({.text = "bob"}), IsEmpty());
  v1::Slot slot;
  slot.set_region("us-east-1");
  EXPECT_THAT(Find({.slot = slot}), IsEmpty());
  records_.clear();
  RecordIndex empty([](std::uint64_t) { return std::string(); });
  EXPECT_THAT(empty.Find({.slot = slot}, {}).indexes, IsEmpty());
}

TEST_F(RecordIndexTest, GivesBackWhatTheRecordSays) {
  AddDetection(1, "eu-west-1");
  AddDecision(1, "alice");
  Find({});
  RecordWords words;
  for (std::uint64_t i = 0; i < records_.size(); ++i) {
    EXPECT_EQ(index_.Text(i).SerializeAsString(),
              words.Read(records_[i]).SerializeAsString());
  }
}

TEST_F(RecordIndexTest, SearchesAPartFromEitherEnd) {
  for (int i = 0; i < 10; ++i) AddDecision(1, i % 2 == 0 ? "alice" : "bob");
  Find({});
  const RecordFilter filter{.person = "alice"};
  auto found = index_.Find(filter, {.first = 1, .end = 9, .most_found = 2});
  EXPECT_THAT(found.indexes, ElementsAre(2, 4));
  EXPECT_EQ(found.next, 5u);
  found = index_.Find(filter, {.first = 1, .end = 9, .most_examined = 3});
  EXPECT_THAT(found.indexes, ElementsAre(2));
  EXPECT_EQ(found.next, 4u);
  found = index_.Find(
      filter, {.first = 1, .end = 9, .backwards = true, .most_found = 2});
  EXPECT_THAT(found.indexes, ElementsAre(8, 6));
  EXPECT_EQ(found.next, 6u);
  found = index_.Find(
      filter, {.first = 1, .end = 9, .backwards = true, .most_examined = 1});
  EXPECT_EQ(found.next, 8u);
  found = index_.Find(filter, {.first = 20, .end = 30});
  EXPECT_THAT(found.indexes, IsEmpty());
}

TEST_F(RecordIndexTest, ReadsOnAndKeepsWhatItHasReadBeforeAFailure) {
  for (int i = 0; i < 200; ++i) AddDecision(1, "alice");
  EXPECT_FALSE(*index_.ReadOn(200, 70));
  EXPECT_EQ(index_.size(), 70u);
  damaged_ = 150;
  EXPECT_TRUE(absl::IsDataLoss(index_.ReadOn(200, 200).status()));
  EXPECT_EQ(index_.size(), 150u);
  damaged_ = 1'000;
  EXPECT_TRUE(*index_.ReadOn(200, 200));
  EXPECT_EQ(index_.size(), 200u);
}

TEST_F(RecordIndexTest, ARecordOfALaterVersionHasItsPlace) {
  RecordIndex index([](std::uint64_t) { return std::string("\xff"); });
  ASSERT_TRUE(index.ReadOn(1, 1).ok());
  EXPECT_EQ(index.Text(0).fact(), "UNKNOWN");
}

}  // namespace
}  // namespace anchorage::trustd
