#include "tools/trustctl/exports/export_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "anchors/baked/baked.h"
#include "client/bundle.h"

namespace anchorage::trustctl {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;
using Outcome = ExportFeed::Outcome;

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

std::shared_ptr<const verify::AnchorSet> Baked() {
  static const auto* const set = new std::shared_ptr<const verify::AnchorSet>(
      client::OpenBaked(anchors::DefaultBakedBundle())->anchors);
  return *set;
}

// Another catalog: what the files say of themselves differs.
std::shared_ptr<const verify::AnchorSet> Next() {
  verify::AnchorProvenance provenance = Baked()->provenance();
  ++provenance.sequence;
  return Baked()->WithProvenance(provenance);
}

class ExportFeedTest : public ::testing::Test {
 protected:
  ExportFeedTest() : folder_(fs::path(::testing::TempDir()) / Name()) {
    fs::remove_all(folder_);
  }

  static std::string Name() {
    return ::testing::UnitTest::GetInstance()->current_test_info()->name();
  }

  ExportFeedOptions Options(std::vector<std::string> command = {}) const {
    return {.folder = (folder_ / "feed").string(),
            .format = FindExportFormat("vault"),
            .filter = {.kinds = FindExportFormat("vault")->kinds},
            .command = std::move(command)};
  }

  fs::path Current() const { return folder_ / "feed" / "current"; }
  int Exports() const {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(folder_ / "feed")) {
      count += entry.path().filename().string().starts_with("export-");
    }
    return count;
  }
  // What the command has written, a character a run.
  std::vector<std::string> Counter(const std::string& status) const {
    return {
        "/bin/sh", "-c",
        "printf x >> '" + (folder_ / "runs").string() + "'; exit " + status};
  }
  std::uintmax_t Runs() const {
    std::error_code error;
    const auto size = fs::file_size(folder_ / "runs", error);
    return error ? 0 : size;
  }

  const fs::path folder_;
};

TEST_F(ExportFeedTest, WritesOnceAndThenNothing) {
  auto feed = ExportFeed::Open(Options(Counter("0")));
  ASSERT_TRUE(feed.ok()) << feed.status();
  EXPECT_EQ(*(*feed)->Update(*Baked(), kNow), Outcome::kReplaced);
  const auto inode = [&] {
    struct stat found {};
    EXPECT_EQ(lstat(Current().c_str(), &found), 0);
    return found.st_ino;
  };
  const auto before = inode();
  EXPECT_EQ(*(*feed)->Update(*Baked(), kNow), Outcome::kUnchanged);
  EXPECT_EQ(inode(), before);
  EXPECT_EQ(Runs(), 1U);
  EXPECT_TRUE(fs::exists(Current() / "ABOUT.txt"));
}

// Products run as other users, whatever umask the feed has.
TEST_F(ExportFeedTest, EverybodyMayRead) {
  const mode_t mask = umask(0077);
  auto feed = ExportFeed::Open(Options());
  ASSERT_TRUE((*feed)->Update(*Baked(), kNow).ok());
  umask(mask);
  struct stat found {};
  ASSERT_EQ(stat(Current().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0755U);
  ASSERT_EQ(stat((Current() / "ABOUT.txt").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0644U);
}

TEST_F(ExportFeedTest, KeepsTheExportBefore) {
  auto feed = ExportFeed::Open(Options(Counter("0")));
  ASSERT_TRUE((*feed)->Update(*Baked(), kNow).ok());
  const fs::path first = fs::read_symlink(Current());
  EXPECT_EQ(*(*feed)->Update(*Next(), kNow), Outcome::kReplaced);
  EXPECT_NE(fs::read_symlink(Current()), first);
  EXPECT_TRUE(fs::exists(folder_ / "feed" / first));
  verify::AnchorProvenance third = Next()->provenance();
  ++third.sequence;
  ASSERT_TRUE((*feed)->Update(*Baked()->WithProvenance(third), kNow).ok());
  EXPECT_FALSE(fs::exists(folder_ / "feed" / first));
  EXPECT_EQ(Exports(), 2);
  EXPECT_EQ(Runs(), 3U);
}

TEST_F(ExportFeedTest, MendsWhatSomebodyDamaged) {
  auto feed = ExportFeed::Open(Options());
  ASSERT_TRUE((*feed)->Update(*Baked(), kNow).ok());
  std::ofstream(Current() / "ABOUT.txt") << "nothing";
  EXPECT_EQ(*(*feed)->Update(*Baked(), kNow), Outcome::kReplaced);
  EXPECT_EQ(*(*feed)->Update(*Baked(), kNow), Outcome::kUnchanged);
}

TEST_F(ExportFeedTest, AStartGoesOnFromWhatIsThere) {
  {
    auto feed = ExportFeed::Open(Options());
    ASSERT_TRUE((*feed)->Update(*Baked(), kNow).ok());
  }
  auto feed = ExportFeed::Open(Options());
  EXPECT_EQ(*(*feed)->Update(*Baked(), kNow), Outcome::kUnchanged);
}

// A command that failed, or was cut off with the feed.
TEST_F(ExportFeedTest, AStartRunsWhatHasNotSucceeded) {
  {
    auto feed = ExportFeed::Open(Options(Counter("3")));
    EXPECT_FALSE((*feed)->Update(*Baked(), kNow).ok());
  }
  for (int start = 0; start < 2; ++start) {
    auto feed = ExportFeed::Open(Options(Counter("0")));
    EXPECT_EQ(*(*feed)->Update(*Baked(), kNow), Outcome::kUnchanged);
    EXPECT_EQ(Runs(), 2U);
  }
}

TEST_F(ExportFeedTest, NeverGoesBack) {
  {
    auto feed = ExportFeed::Open(Options(Counter("0")));
    ASSERT_TRUE((*feed)->Update(*Next(), kNow).ok());
  }
  const fs::path before = fs::read_symlink(Current());
  auto feed = ExportFeed::Open(Options(Counter("0")));
  EXPECT_EQ((*feed)->Update(*Baked(), kNow).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(fs::read_symlink(Current()), before);
  EXPECT_EQ(Runs(), 1U);
}

TEST_F(ExportFeedTest, RemovesNothingOfOthers) {
  auto feed = ExportFeed::Open(Options());
  ASSERT_TRUE((*feed)->Update(*Baked(), kNow).ok());
  fs::create_directories(folder_ / "feed" / "export-of-my-thesis");
  std::ofstream(folder_ / "feed" / "export-notes.txt") << "notes";
  ASSERT_TRUE((*feed)->Update(*Next(), kNow).ok());
  EXPECT_TRUE(fs::exists(folder_ / "feed" / "export-of-my-thesis"));
  EXPECT_TRUE(fs::exists(folder_ / "feed" / "export-notes.txt"));
}

TEST_F(ExportFeedTest, TakesNoFolderThatIsNotItsOwn) {
  fs::create_directories(folder_ / "feed");
  fs::permissions(folder_ / "feed", fs::perms::all);
  std::ofstream(folder_ / "feed" / "notes") << "notes";
  EXPECT_EQ(ExportFeed::Open(Options()).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(fs::status(folder_ / "feed").permissions(), fs::perms::all);
}

TEST_F(ExportFeedTest, ACommandThatFailsIsRunAgain) {
  auto feed = ExportFeed::Open(Options(Counter("3")));
  EXPECT_THAT(std::string((*feed)->Update(*Baked(), kNow).status().message()),
              HasSubstr("ended with 3"));
  EXPECT_EQ((*feed)->state().command_status, 3);
  EXPECT_FALSE((*feed)->Update(*Baked(), kNow).ok());
  EXPECT_EQ(Runs(), 2U);
  EXPECT_EQ((*feed)->state().command_failures, 2U);
  EXPECT_TRUE(fs::exists(Current() / "ABOUT.txt"));
}

TEST_F(ExportFeedTest, ACommandThatIsNotThereFails) {
  auto feed = ExportFeed::Open(Options({"/no/such/program"}));
  EXPECT_FALSE((*feed)->Update(*Baked(), kNow).ok());
  EXPECT_EQ((*feed)->state().command_status, 127);
}

TEST_F(ExportFeedTest, OneFeedHasAFolder) {
  auto feed = ExportFeed::Open(Options());
  ASSERT_TRUE(feed.ok());
  EXPECT_EQ(ExportFeed::Open(Options()).status().code(),
            absl::StatusCode::kAborted);
}

TEST_F(ExportFeedTest, NothingLeftLeavesTheFolderAsItWas) {
  auto feed = ExportFeed::Open(Options());
  ASSERT_TRUE((*feed)->Update(*Baked(), kNow).ok());
  const fs::path before = fs::read_symlink(Current());
  const auto none = *verify::AnchorSet::Create({}, {.sequence = 9});
  EXPECT_FALSE((*feed)->Update(*none, kNow).ok());
  EXPECT_EQ(fs::read_symlink(Current()), before);
  EXPECT_EQ((*feed)->state().failures, 1U);
  EXPECT_EQ((*feed)->state().sequence, Baked()->provenance().sequence);
}

TEST_F(ExportFeedTest, MetricsSayWhichFeedAndWhatCommandDid) {
  ExportFeedState state;
  state.sequence = 7;
  EXPECT_THAT(ExportMetrics("vault", state, false),
              ::testing::Not(HasSubstr("command_exit_status")));
  state.command_status = 3;
  const std::string text = ExportMetrics("vault", state, true);
  EXPECT_THAT(text, HasSubstr("anchorage_export_sequence{feed=\"vault\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("command_exit_status{feed=\"vault\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("anchorage_export_expired{feed=\"vault\"} 1\n"));
}

}  // namespace
}  // namespace anchorage::trustctl
