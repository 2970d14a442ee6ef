#include "trustd/serve/http/static_site.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

namespace anchorage::trustd {
namespace {

// Version `version` of everything; its bytes say so.
std::shared_ptr<const Publication> Good(std::uint64_t version) {
  auto publication = std::make_shared<Publication>();
  publication->files.roots = {"root 1"};
  publication->files.timestamp = absl::StrCat("timestamp ", version);
  publication->files.snapshot = absl::StrCat("snapshot ", version);
  publication->files.targets = absl::StrCat("targets ", version);
  publication->files.SetTarget(anchors::kCatalogTargetPath, "catalog");
  publication->timestamp_version = version;
  publication->snapshot_version = version;
  publication->targets_version = version;
  return publication;
}

class StaticSiteTest : public ::testing::Test {
 protected:
  std::string BytesOf(const std::string& path) {
    const auto file = site_.Find(path);
    return file.has_value() ? std::string(file->bytes) : "(not there)";
  }

  PublicationHub hub_;
  StaticSite site_{hub_};
};

TEST_F(StaticSiteTest, HasNothingBeforeTheFirstPublication) {
  EXPECT_EQ(BytesOf("/tuf/timestamp.json"), "(not there)");
}

TEST_F(StaticSiteTest, HasTheFilesOfThePublication) {
  hub_.Publish(Good(3));
  EXPECT_EQ(BytesOf("/tuf/1.root.json"), "root 1");
  EXPECT_EQ(BytesOf("/tuf/timestamp.json"), "timestamp 3");
  EXPECT_EQ(BytesOf("/tuf/3.snapshot.json"), "snapshot 3");
  EXPECT_EQ(BytesOf("/tuf/3.targets.json"), "targets 3");
  // sha256("catalog")
  EXPECT_EQ(BytesOf("/tuf/targets/catalog/v1/"
                    "652f55016243bf1b9f1bbea46d5749ef892dbe394e46de9d66ab1aacf0"
                    "b4af57.anchors.json"),
            "catalog");
}

TEST_F(StaticSiteTest, HasReleasesOnlyWhereTheyArePublished) {
  const std::string path =
      "/tuf/targets/releases/v1/"
      "7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730."
      "releases.json";  // sha256("bar\n")
  hub_.Publish(Good(1));
  EXPECT_EQ(BytesOf(path), "(not there)");
  auto with = std::make_shared<Publication>(*Good(2));
  with->files.SetTarget(anchors::kReleasesTargetPath, "bar\n");
  hub_.Publish(with);
  EXPECT_EQ(BytesOf(path), "bar\n");
  EXPECT_EQ(site_.Find(path)->media_type, "application/json");
  EXPECT_EQ(site_.Find("/tuf/timestamp.json")->media_type, "application/json");
}

TEST_F(StaticSiteTest, WhatATimestampNamesStaysAfterTheNext) {
  for (std::uint64_t version = 1; version <= 3; ++version) {
    hub_.Publish(Good(version));
    EXPECT_EQ(BytesOf("/tuf/timestamp.json"),
              absl::StrCat("timestamp ", version));
  }
  EXPECT_EQ(BytesOf("/tuf/1.snapshot.json"), "snapshot 1");
  EXPECT_EQ(BytesOf("/tuf/2.targets.json"), "targets 2");
}

TEST_F(StaticSiteTest, KeepsOnlySoMany) {
  constexpr std::uint64_t kLast = StaticSite::kKeptPublications + 2;
  for (std::uint64_t version = 1; version <= kLast; ++version) {
    hub_.Publish(Good(version));
    BytesOf("/tuf/timestamp.json");
  }
  EXPECT_EQ(BytesOf("/tuf/1.snapshot.json"), "(not there)");
  EXPECT_EQ(BytesOf("/tuf/2.snapshot.json"), "snapshot 2");
}

TEST_F(StaticSiteTest, PublicationsThatNobodyLookedAtPushNothingOut) {
  hub_.Publish(Good(1));
  BytesOf("/tuf/timestamp.json");
  for (std::uint64_t version = 2; version < 50; ++version) {
    hub_.Publish(Good(version));
  }
  EXPECT_EQ(BytesOf("/tuf/1.snapshot.json"), "snapshot 1");
  EXPECT_EQ(BytesOf("/tuf/timestamp.json"), "timestamp 49");
}

TEST_F(StaticSiteTest, ATagIsOfTheBytes) {
  hub_.Publish(Good(1));
  const std::string tag = site_.Find("/tuf/timestamp.json")->etag;
  EXPECT_EQ(tag.size(), 66u);
  hub_.Publish(Good(2));
  EXPECT_NE(site_.Find("/tuf/timestamp.json")->etag, tag);
  EXPECT_EQ(site_.Find("/tuf/1.root.json")->etag,
            StaticSite(hub_).Find("/tuf/1.root.json")->etag);
}

}  // namespace
}  // namespace anchorage::trustd
