#include "tools/trustctl/catalog_step.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "anchors/baked/baked.h"

namespace anchorage::trustctl {
namespace {

using anchors::Catalog;
using verify::AnchorStatus;

Catalog Baked() {
  return *anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
}

Catalog Next() {
  Catalog next = Baked();
  ++next.sequence;
  return next;
}

nlohmann::ordered_json Json(const Catalog& before, const Catalog& after) {
  const auto reactivated = FindReactivated(before, after);
  return StepToJson(before, after, reactivated,
                    FindSuccessorProblems(before, after, reactivated));
}

TEST(CatalogStepTest, WhatIsWrittenIsRead) {
  for (const auto& anchor : Baked().anchors) {
    const anchors::ReactivatedKey key{anchor.slot, anchor.spki_sha256};
    const auto read = ParseReactivated({TextOf(key)});
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->front(), key);
  }
}

TEST(CatalogStepTest, RefusesWhatIsNoKey) {
  const std::string hash(64, 'a');
  const std::string good = "aws/eu-west-1/iid-rsa2048/" + hash;
  ASSERT_TRUE(ParseReactivated({good}).ok());
  for (const std::string& bad :
       {std::string("aws"), hash, "eu-west-1/iid-rsa2048/" + hash,
        "aws/eu-west-1/iid-rsa4096/" + hash, good + "/", good + "a",
        good.substr(0, good.size() - 1),
        "aws/eu-west-1/iid-rsa2048/" + std::string(64, 'A')}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseReactivated({bad}).status()))
        << bad;
  }
}

TEST(CatalogStepTest, NamesEachAnchorThatDiffers) {
  EXPECT_TRUE(Json(Baked(), Next())["anchors"].empty());
  Catalog after = Next();
  after.anchors[0].status = AnchorStatus::kRetired;
  after.anchors.push_back(after.anchors[1]);
  after.anchors.back().slot.region = "test-1";
  after.anchors.erase(after.anchors.begin() + 2);
  const auto json = Json(Baked(), after);
  ASSERT_EQ(json["anchors"].size(), 3u);
  std::map<std::string, nlohmann::ordered_json> by_change;
  for (const auto& one : json["anchors"]) by_change[one["change"]] = one;
  EXPECT_EQ(by_change["changed"]["spki_sha256"],
            Baked().anchors[0].spki_sha256);
  // And nothing that is the same.
  EXPECT_EQ(by_change["changed"]["before"],
            (nlohmann::ordered_json{{"status", "ACTIVE"}}));
  EXPECT_EQ(by_change["changed"]["after"],
            (nlohmann::ordered_json{{"status", "RETIRED"}}));
  EXPECT_EQ(by_change["removed"]["spki_sha256"],
            Baked().anchors[2].spki_sha256);
  EXPECT_EQ(by_change["added"]["slot"],
            verify::ToString(after.anchors.back().slot));
  EXPECT_EQ(json["legal"], false);
  ASSERT_EQ(json["problems"].size(), 1u);
  EXPECT_EQ(json["problems"][0]["reason"], "ANCHOR_LOST");
}

TEST(CatalogStepTest, NamesWhatIsTakenBackIntoUse) {
  Catalog before = Baked();
  before.anchors[0].status = AnchorStatus::kRetired;
  const auto json = Json(before, Next());
  EXPECT_EQ(json["legal"], true);
  ASSERT_EQ(json["reactivated"].size(), 1u);
  EXPECT_EQ(json["reactivated"][0]["spki_sha256"],
            before.anchors[0].spki_sha256);
}

}  // namespace
}  // namespace anchorage::trustctl
