#include "tools/trustctl/repository_export.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "anchors/base/atomic_file.h"
#include "anchors/tuf/tuf_error.h"
#include "test/support/repository_simulator.h"

namespace anchorage::trustctl {
namespace {

namespace fs = std::filesystem;
namespace tuf = anchors::tuf;
using tuf::TufReason;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class RepositoryExport : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    server_.AddTarget("targets", "catalog/v1/anchors.json", "catalog 1");
    server_.Publish({"targets", "snapshot", "timestamp"});
  }

  absl::StatusOr<RepositoryCopy> Fetch(std::int64_t trusted = 1) {
    return FetchRepository(server_, server_.published("root", trusted), kNow);
  }

  absl::StatusOr<RepositoryWritten> Export() {
    auto copy = Fetch();
    if (!copy.ok()) return copy.status();
    return WriteRepository(*copy, folder_);
  }

  // Replaces the catalog.
  void PublishCatalog(const std::string& bytes) {
    server_.AddTarget("targets", "catalog/v1/anchors.json", bytes);
    server_.Publish({"targets", "snapshot", "timestamp"});
  }

  // Every file below tuf/, by name.
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const auto& entry :
         fs::recursive_directory_iterator(folder_ + "/tuf")) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      files[fs::relative(entry.path(), folder_ + "/tuf").string()] =
          std::string(std::istreambuf_iterator<char>(in), {});
    }
    return files;
  }

  void Overwrite(const std::string& file, const std::string& bytes) {
    std::ofstream(folder_ + "/tuf/" + file, std::ios::binary) << bytes;
  }

  tuf::RepositorySimulator server_{kNow};
  std::string folder_;
};

// Reads the folder as a client behind a static server would.
class FolderFetcher final : public tuf::Fetcher {
 public:
  explicit FolderFetcher(std::string folder) : folder_(std::move(folder)) {}
  absl::StatusOr<std::string> FetchMetadata(std::string_view name,
                                            std::size_t max_bytes) override {
    return anchors::ReadFile(folder_ + "/tuf/" + std::string(name), max_bytes);
  }
  absl::StatusOr<std::string> FetchTarget(std::string_view name,
                                          std::size_t max_bytes) override {
    return anchors::ReadFile(folder_ + "/tuf/targets/" + std::string(name),
                             max_bytes);
  }

 private:
  const std::string folder_;
};

TEST_F(RepositoryExport, WritesWhatAClientReads) {
  const auto written = Export();
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_EQ(written->written, 5);
  FolderFetcher fetcher(folder_);
  tuf::MemoryStore store;
  auto updater = tuf::Updater::Create(server_.published("root", 1), kNow,
                                      &fetcher, &store);
  ASSERT_TRUE(updater.ok());
  ASSERT_TRUE(updater->Refresh().ok());
  const auto target = updater->FindTarget("catalog/v1/anchors.json");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(updater->DownloadTarget("catalog/v1/anchors.json", *target).value(),
            "catalog 1");
}

TEST_F(RepositoryExport, AgainChangesNothing) {
  ASSERT_TRUE(Export().ok());
  const auto before = Files();
  const auto again = Export();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->written, 0);
  EXPECT_EQ(again->unchanged, 5);
  EXPECT_EQ(Files(), before);
}

TEST_F(RepositoryExport, ANewPublicationIsAddedAndTheOldOneStays) {
  ASSERT_TRUE(Export().ok());
  const auto before = Files();
  PublishCatalog("catalog 2");
  const auto again = Export();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->written, 4);
  auto after = Files();
  EXPECT_EQ(after["timestamp.json"],
            server_.metadata.find("timestamp.json")->second);
  for (const auto& [name, bytes] : before) {
    if (name != "timestamp.json") {
      EXPECT_EQ(after[name], bytes) << name;
    }
  }
}

TEST_F(RepositoryExport, HasAllRootsFromTheFirstWhateverIsTrusted) {
  server_.AddKey("root", server_.NewKey());
  server_.Publish({"root"});
  server_.RotateKeys("timestamp");
  server_.Publish({"root", "timestamp"});
  for (std::int64_t trusted = 1; trusted <= 3; ++trusted) {
    const auto copy = Fetch(trusted);
    ASSERT_TRUE(copy.ok()) << copy.status();
    ASSERT_EQ(copy->files.roots.size(), 3u);
    for (std::int64_t version = 1; version <= 3; ++version) {
      EXPECT_EQ(copy->files.roots[static_cast<std::size_t>(version) - 1],
                server_.published("root", version));
    }
  }
}

TEST_F(RepositoryExport, OlderRootsMustLeadToTheTrustedOne) {
  server_.AddKey("root", server_.NewKey());
  server_.Publish({"root"});
  EXPECT_TRUE(Fetch(2).ok());
  tuf::RepositorySimulator other(kNow);
  for (int i = 0; i < 10; ++i) other.NewKey();
  other.RotateKeys("root");
  other.PublishAgain({"root"});
  server_.metadata["1.root.json"] = other.published("root", 1);
  EXPECT_EQ(tuf::TufReasonOf(Fetch(2).status()), TufReason::kThresholdNotMet);
}

TEST_F(RepositoryExport, TakesNothingThatDoesNotVerify) {
  for (auto& [name, bytes] : server_.files) bytes.back() ^= 1;
  EXPECT_EQ(tuf::TufReasonOf(Export().status()),
            TufReason::kTargetHashMismatch);
  EXPECT_FALSE(fs::exists(folder_));
}

TEST_F(RepositoryExport, NeverGoesBack) {
  const auto old = Fetch();
  ASSERT_TRUE(old.ok());
  PublishCatalog("catalog 2");
  ASSERT_TRUE(Export().ok());
  const auto before = Files();
  EXPECT_EQ(WriteRepository(*old, folder_).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Files(), before);
}

TEST_F(RepositoryExport, AnotherRepositoryIsRefusedBeforeAnythingIsWritten) {
  ASSERT_TRUE(Export().ok());
  const auto before = Files();
  tuf::RepositorySimulator other(kNow);
  other.AddTarget("targets", "catalog/v1/anchors.json", "another");
  other.Publish({"targets", "snapshot", "timestamp"});
  other.Publish({"timestamp"});
  const auto copy = FetchRepository(other, other.published("root", 1), kNow);
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(WriteRepository(*copy, folder_).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Files(), before);
}

TEST_F(RepositoryExport, FilesThatWereChangedByHandAreNotOverwritten) {
  for (const char* name : {"1.root.json", "2.targets.json", "timestamp.json"}) {
    fs::remove_all(folder_);
    ASSERT_TRUE(Export().ok());
    Overwrite(name, "by hand");
    EXPECT_EQ(Export().status().code(), absl::StatusCode::kFailedPrecondition)
        << name;
    EXPECT_EQ(Files()[name], "by hand");
    Overwrite(name, std::string(100'000, 'x'));
    EXPECT_EQ(Export().status().code(), absl::StatusCode::kFailedPrecondition)
        << name;
  }
}

TEST_F(RepositoryExport, TheTimestampIsTheLast) {
  ASSERT_TRUE(Export().ok());
  const auto before = Files();
  PublishCatalog("catalog 2");
  // A folder in the place of the snapshot: the write fails half way.
  fs::create_directory(folder_ + "/tuf/3.snapshot.json.tmp");
  EXPECT_FALSE(Export().ok());
  EXPECT_EQ(Files()["timestamp.json"], before.at("timestamp.json"));
  fs::remove(folder_ + "/tuf/3.snapshot.json.tmp");
  EXPECT_TRUE(Export().ok()) << "the next one goes on";
}

TEST_F(RepositoryExport, TwoAtATimeAreOneTooMany) {
  ASSERT_TRUE(Export().ok());
  const auto lock = anchors::FolderLock::Take(folder_);
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(Export().status().code(), absl::StatusCode::kAborted);
}

TEST_F(RepositoryExport, DelegatedRolesAreRefused) {
  tuf::DelegationSpec delegation;
  delegation.name = "other";
  delegation.paths = {{"a/*"}};
  server_.AddDelegation("targets", delegation);
  server_.Publish({"other", "targets", "snapshot", "timestamp"});
  EXPECT_EQ(Export().status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace anchorage::trustctl
