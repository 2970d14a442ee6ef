#include "trustd/sources/upstream_source.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "anchors/tuf/tuf_error.h"
#include "test/support/fake_downloader.h"
#include "test/support/repository_simulator.h"
#include "trustd/sources/source_failure.h"

namespace anchorage::trustd {
namespace {

namespace fs = std::filesystem;
namespace tuf = anchors::tuf;
using tuf::TufReason;
using verify::AnchorKind;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr char kMetadata[] = "https://upstream.example/tuf/";
constexpr char kTargets[] = "https://upstream.example/tuf/targets/";

std::string CatalogJson(std::uint64_t sequence) {
  auto catalog =
      *anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
  catalog.sequence = sequence;
  return anchors::SerializeCatalog(catalog);
}

class UpstreamSourceTest : public ::testing::Test {
 protected:
  UpstreamSourceTest() {
    fs::remove_all(folder_);
    root_ = repository_.published("root", 1);
    Publish(CatalogJson(1));
    Start();
  }

  void Publish(const std::string& catalog) {
    repository_.AddTarget("targets", std::string(anchors::kCatalogTargetPath),
                          catalog);
    repository_.Publish({"targets", "snapshot", "timestamp"});
    Upload();
  }

  void Upload() {
    for (const auto& [name, bytes] : repository_.metadata) {
      web_->Serve(kMetadata + name, bytes);
    }
    for (const auto& [name, bytes] : repository_.files) {
      web_->Serve(kTargets + name, bytes);
    }
  }

  // A source as after a start of trustd.
  void Start() {
    auto source = UpstreamSource::Create(
        {.name = "upstream",
         .scope = {{"aws", "aws-us-gov", "aws-cn", "aws-eusc"},
                   {AnchorKind::kIidDsa, AnchorKind::kIidRsa1024,
                    AnchorKind::kIidRsa2048, AnchorKind::kNitroRoot}},
         .times = {}},
        {.metadata_url = kMetadata,
         .targets_url = kTargets,
         .root_json = root_,
         .folder = folder_},
        {.url = "", .max_bytes = 0, .timeout = absl::Seconds(30)}, web_);
    ASSERT_TRUE(source.ok()) << source.status();
    source_ = *std::move(source);
  }

  const std::string folder_ =
      ::testing::TempDir() + "/" +
      ::testing::UnitTest::GetInstance()->current_test_info()->name();
  tuf::RepositorySimulator repository_{kNow};
  std::string root_;
  std::shared_ptr<FakeWeb> web_ = std::make_shared<FakeWeb>();
  std::unique_ptr<UpstreamSource> source_;
};

TEST_F(UpstreamSourceTest, ObservesWhatItsRootVouchesFor) {
  const auto answer = source_->Poll(kNow);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_TRUE(answer->observation.has_value());
  EXPECT_TRUE(answer->setbacks.empty());
  EXPECT_TRUE(answer->observation->problems.empty());
  // 39 regions, three of which have no dsa certificate, and two roots.
  EXPECT_EQ(answer->observation->certificates.size(), 39u * 3 - 3 + 2);
  EXPECT_EQ(answer->observation->location,
            std::string(kTargets) + "catalog/v1/anchors.json");
}

TEST_F(UpstreamSourceTest, SaysNothingNewWhileTheCatalogIsTheSame) {
  EXPECT_TRUE(source_->Poll(kNow)->observation.has_value());
  repository_.Publish({"timestamp"});
  Upload();
  web_->requests.clear();
  EXPECT_FALSE(source_->Poll(kNow)->observation.has_value());
  for (const Request& request : web_->requests) {
    EXPECT_FALSE(request.url.starts_with(kTargets)) << request.url;
  }
  Publish(CatalogJson(2));
  EXPECT_TRUE(source_->Poll(kNow)->observation.has_value());
  source_->Forget();
  EXPECT_TRUE(source_->Poll(kNow)->observation.has_value());
}

TEST_F(UpstreamSourceTest, RefusesARollbackAlsoAfterARestart) {
  const auto old_files = repository_.metadata;
  Publish(CatalogJson(2));
  EXPECT_TRUE(source_->Poll(kNow).ok());
  for (const auto& [name, bytes] : old_files) {
    web_->Serve(kMetadata + name, bytes);
  }
  for (int start = 0; start < 2; ++start) {
    const absl::Status status = source_->Poll(kNow).status();
    EXPECT_EQ(SourceFailureOf(status), SourceFailure::kUpstreamRejected);
    EXPECT_EQ(tuf::TufReasonOf(status), TufReason::kTimestampRollback);
    Start();
  }
}

TEST_F(UpstreamSourceTest, RefusesACatalogThatWentBack) {
  Publish(CatalogJson(7));
  EXPECT_TRUE(source_->Poll(kNow).ok());
  Publish(CatalogJson(6));
  EXPECT_EQ(SourceFailureOf(source_->Poll(kNow).status()),
            SourceFailure::kUpstreamRejected);
}

TEST_F(UpstreamSourceTest, RefusesWhatSomebodyElseSigned) {
  repository_.signers["timestamp"] = {repository_.NewKey()};
  repository_.Publish({"timestamp"});
  Upload();
  const absl::Status status = source_->Poll(kNow).status();
  EXPECT_EQ(SourceFailureOf(status), SourceFailure::kUpstreamRejected);
  EXPECT_EQ(tuf::TufReasonOf(status), TufReason::kThresholdNotMet);
}

TEST_F(UpstreamSourceTest, RefusesACatalogThatWasChangedOnTheWay) {
  std::string changed = CatalogJson(1);
  changed[changed.size() / 2] ^= 1;
  for (const auto& [name, bytes] : repository_.files) {
    web_->Serve(kTargets + name, changed);
  }
  EXPECT_EQ(tuf::TufReasonOf(source_->Poll(kNow).status()),
            TufReason::kTargetHashMismatch);
}

TEST_F(UpstreamSourceTest, RefusesACatalogThatIsNone) {
  Publish("{}");
  EXPECT_EQ(SourceFailureOf(source_->Poll(kNow).status()),
            SourceFailure::kUpstreamRejected);
}

TEST_F(UpstreamSourceTest, RefusesWhatHasExpired) {
  const absl::Status status =
      source_->Poll(kNow + absl::Hours(24 * 31)).status();
  EXPECT_EQ(SourceFailureOf(status), SourceFailure::kUpstreamRejected);
  EXPECT_EQ(tuf::TufReasonOf(status), TufReason::kRootExpired);
}

TEST_F(UpstreamSourceTest, FollowsNewRoots) {
  EXPECT_TRUE(source_->Poll(kNow).ok());
  repository_.RotateKeys("targets");
  repository_.Publish({"root"});
  Publish(CatalogJson(2));
  const auto answer = source_->Poll(kNow);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->observation.has_value());
}

TEST_F(UpstreamSourceTest, SaysWhatTheConnectionFailedOf) {
  web_->Fail(std::string(kMetadata) + "timestamp.json",
             SourceFailure::kTlsFailed);
  const absl::Status status = source_->Poll(kNow).status();
  EXPECT_EQ(SourceFailureOf(status), SourceFailure::kTlsFailed);
  EXPECT_EQ(tuf::TufReasonOf(status), TufReason::kFetchFailed);
  web_->Serve(std::string(kMetadata) + "timestamp.json",
              std::string(1 << 22, ' '));
  EXPECT_EQ(SourceFailureOf(source_->Poll(kNow).status()),
            SourceFailure::kTooLarge);
}

TEST_F(UpstreamSourceTest, HasOneTimeForAllFiles) {
  EXPECT_TRUE(source_->Poll(kNow).ok());
  // Each took a second.
  EXPECT_EQ(web_->requests.front().timeout, absl::Seconds(30));
  EXPECT_LT(web_->requests.back().timeout, absl::Seconds(28));
}

TEST_F(UpstreamSourceTest, FailsWhereItCannotRememberWhatItSaw) {
  std::ofstream(folder_) << "a file where the folder should be";
  EXPECT_EQ(SourceFailureOf(source_->Poll(kNow).status()),
            SourceFailure::kPathUnreadable);
}

TEST_F(UpstreamSourceTest, StartsFromNoRootThatAnybodyCanSignFor) {
  for (const std::string& root :
       {std::string("{}"), anchors::DefaultBakedBundle().root}) {
    EXPECT_FALSE(UpstreamSource::Create({},
                                        {.metadata_url = kMetadata,
                                         .targets_url = kTargets,
                                         .root_json = root,
                                         .folder = folder_},
                                        {.url = "", .max_bytes = 0}, web_)
                     .ok());
  }
}

}  // namespace
}  // namespace anchorage::trustd
