#include "client/disk_cache_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "anchors/base/atomic_file.h"

namespace anchorage::client {
namespace {

namespace fs = std::filesystem;

constexpr char kRoot[] = "root_history/2.root.json";
constexpr std::size_t kLimit = 1000;

class DiskCacheFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "/" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(path_);
    folder_ = OpenDiskCacheFolder(path_ + "/a/b");
  }

  std::string Path(const std::string& name = "") const {
    return path_ + "/a/b/" + name;
  }
  mode_t ModeOf(const std::string& path) const {
    struct stat status;
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777;
  }
  absl::Status Write(const std::string& name, const std::string& bytes) {
    const auto writer = folder_->BeginWrite();
    return writer.ok() ? (*writer)->Write(name, bytes) : writer.status();
  }
  absl::StatusCode ReadCode(const std::string& name) {
    return folder_->Read(name, kLimit).status().code();
  }

  std::string path_;
  std::unique_ptr<CacheFolder> folder_;
};

TEST_F(DiskCacheFolderTest, ReadsWhatWasWrittenAndMakesTheFolderForEverybody) {
  const mode_t before = ::umask(077);
  EXPECT_EQ(ReadCode("a.json"), absl::StatusCode::kNotFound);
  EXPECT_EQ(folder_->Stamp("a.json"), "");
  EXPECT_TRUE(Write("a.json", "one").ok());
  EXPECT_TRUE(Write(kRoot, "two").ok());
  ::umask(before);
  EXPECT_EQ(folder_->Read("a.json", kLimit).value_or(""), "one");
  EXPECT_EQ(folder_->Read(kRoot, kLimit).value_or(""), "two");
  EXPECT_EQ(ModeOf(path_), 0755u);
  EXPECT_EQ(ModeOf(Path()), 0755u);
  EXPECT_EQ(ModeOf(Path("root_history")), 0755u);
  EXPECT_EQ(ModeOf(Path("a.json")), 0644u);
  EXPECT_EQ(ModeOf(Path("lock")), 0600u) << "who cannot write holds no lock";
}

TEST_F(DiskCacheFolderTest, AStampChangesWithTheFile) {
  ASSERT_TRUE(Write("a.json", "one").ok());
  std::string last = folder_->Stamp("a.json");
  EXPECT_NE(last, "");
  EXPECT_EQ(folder_->Stamp("a.json"), last);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Write("a.json", "one").ok());
    EXPECT_NE(folder_->Stamp("a.json"), last);
    last = folder_->Stamp("a.json");
  }
}

TEST_F(DiskCacheFolderTest, ListsAndRemoves) {
  EXPECT_TRUE(folder_->ListRoots().value().empty());
  ASSERT_TRUE(Write(kRoot, "two").ok());
  const std::vector<std::string> names = folder_->ListRoots().value();
  EXPECT_EQ(std::count(names.begin(), names.end(), "2.root.json"), 1);
  const auto writer = folder_->BeginWrite();
  ASSERT_TRUE(writer.ok());
  EXPECT_TRUE((*writer)->Remove(kRoot).ok());
  EXPECT_TRUE((*writer)->Remove(kRoot).ok());
  EXPECT_TRUE((*writer)->Remove("none").ok());
  EXPECT_EQ(ReadCode(kRoot), absl::StatusCode::kNotFound);
}

TEST_F(DiskCacheFolderTest, OneWriterAtATime) {
  auto writer = folder_->BeginWrite();
  ASSERT_TRUE(writer.ok());
  const auto other = OpenDiskCacheFolder(Path());
  EXPECT_EQ(other->BeginWrite().status().code(), absl::StatusCode::kAborted);
  writer->reset();
  EXPECT_TRUE(other->BeginWrite().ok());
}

// A program of before keeps it as long as it runs.
TEST_F(DiskCacheFolderTest, TheLockIsThatOfOlderPrograms) {
  ASSERT_TRUE(Write("a.json", "one").ok());
  {
    const auto old = anchors::FolderLock::Take(Path());
    ASSERT_TRUE(old.ok());
    EXPECT_EQ(Write("a.json", "two").code(), absl::StatusCode::kAborted);
  }
  EXPECT_TRUE(Write("a.json", "two").ok());
}

TEST_F(DiskCacheFolderTest, AFolderThatOthersCanWriteIsRefusedWithTheCure) {
  ASSERT_TRUE(Write("a.json", "one").ok());
  for (const mode_t mode : {0775, 0757, 0777, 01777, 02775}) {
    ASSERT_EQ(::chmod(Path().c_str(), mode), 0);
    const absl::Status read = folder_->Read("a.json", kLimit).status();
    EXPECT_EQ(read.code(), absl::StatusCode::kFailedPrecondition) << read;
    EXPECT_NE(read.message().find("chmod go-w " + path_ + "/a/b)"),
              std::string::npos)
        << read;
    EXPECT_EQ(Write("a.json", "two").code(),
              absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(folder_->Stamp("a.json"), "");
  }
  ASSERT_EQ(::chmod(Path().c_str(), 0755), 0);
  EXPECT_EQ(folder_->Read("a.json", kLimit).value_or(""), "one");
}

TEST_F(DiskCacheFolderTest, AFileOrRootsThatOthersCanWriteAreRefused) {
  ASSERT_TRUE(Write("a.json", "one").ok());
  ASSERT_TRUE(Write(kRoot, "two").ok());
  ASSERT_EQ(::chmod(Path("a.json").c_str(), 0664), 0);
  ASSERT_EQ(::chmod(Path("root_history").c_str(), 0777), 0);
  EXPECT_EQ(ReadCode("a.json"), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReadCode(kRoot), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Write(kRoot, "x").code(), absl::StatusCode::kFailedPrecondition);
  // A file is replaced by one that others cannot write.
  EXPECT_TRUE(Write("a.json", "one").ok());
  EXPECT_EQ(folder_->Read("a.json", kLimit).value_or(""), "one");
}

TEST_F(DiskCacheFolderTest, AFolderOfSomebodyElseIsOnlyShown) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  ASSERT_TRUE(Write("a.json", "one").ok());
  ASSERT_EQ(::chown(Path().c_str(), 4711, 4711), 0);
  EXPECT_EQ(ReadCode("a.json"), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Write("a.json", "two").code(),
            absl::StatusCode::kFailedPrecondition);
  const auto shown = OpenDiskCacheFolder(Path(), FolderOwner::kAny);
  EXPECT_EQ(shown->Read("a.json", kLimit).value_or(""), "one");
}

// Under another user, who may only read.
TEST_F(DiskCacheFolderTest, AReaderNeedsNoRightToWrite) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  // Not below the test's own folder, which others may not enter.
  char made[] = "/tmp/anchorage-cache-XXXXXX";
  ASSERT_NE(::mkdtemp(made), nullptr);
  ASSERT_EQ(::chmod(made, 0755), 0);
  const std::string path = std::string(made) + "/cache";
  {
    const auto root = OpenDiskCacheFolder(path);
    const auto writer = root->BeginWrite();
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE((*writer)->Write("a.json", "one").ok());
    ASSERT_TRUE((*writer)->Write(kRoot, "two").ok());
  }
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgid(4711) != 0 || ::setuid(4711) != 0) ::_exit(1);
    const auto reader = OpenDiskCacheFolder(path);
    if (reader->Read("a.json", kLimit).value_or("") != "one") ::_exit(2);
    if (reader->Read(kRoot, kLimit).value_or("") != "two") ::_exit(3);
    if (reader->Stamp("a.json").empty()) ::_exit(4);
    if (!absl::IsPermissionDenied(reader->BeginWrite().status())) ::_exit(5);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  fs::remove_all(made);
}

// What others left in place of a file is neither read, written through nor
// waited for.
TEST_F(DiskCacheFolderTest, LinksPipesFoldersAndGiantsAreRefused) {
  ASSERT_TRUE(Write("good", "one").ok());
  fs::create_symlink(Path("good"), Path("link"));
  fs::create_symlink("nowhere", Path("dangling"));
  ASSERT_EQ(::mkfifo(Path("pipe").c_str(), 0644), 0);
  fs::create_directory(Path("folder"));
  std::ofstream(Path("giant")) << "x";
  ASSERT_EQ(::truncate(Path("giant").c_str(), off_t{1} << 30), 0);
  for (const char* name : {"link", "dangling", "pipe", "folder"}) {
    EXPECT_EQ(ReadCode(name), absl::StatusCode::kFailedPrecondition) << name;
  }
  EXPECT_EQ(ReadCode("giant"), absl::StatusCode::kOutOfRange);
  for (const char* name : {"link", "dangling", "pipe", "giant"}) {
    EXPECT_TRUE(Write(name, "two").ok()) << name;
    EXPECT_EQ(folder_->Read(name, kLimit).value_or(""), "two") << name;
  }
  EXPECT_FALSE(Write("folder", "two").ok());
  EXPECT_EQ(folder_->Read("good", kLimit).value_or(""), "one");
  EXPECT_FALSE(fs::exists(Path("nowhere")));
}

TEST_F(DiskCacheFolderTest, AFolderOfRootsThatIsALinkIsNotFollowed) {
  ASSERT_TRUE(Write("good", "one").ok());
  fs::create_directory(path_ + "/elsewhere");
  fs::create_symlink(path_ + "/elsewhere", Path("root_history"));
  EXPECT_FALSE(Write(kRoot, "two").ok());
  EXPECT_FALSE(folder_->Read(kRoot, kLimit).ok());
  EXPECT_FALSE(folder_->ListRoots().ok());
  EXPECT_TRUE(fs::is_empty(path_ + "/elsewhere"));
}

TEST_F(DiskCacheFolderTest, ALinkToTheFolderCountsAsItsMakers) {
  ASSERT_TRUE(Write("good", "one").ok());
  fs::create_symlink(Path(), path_ + "/link");
  const auto linked = OpenDiskCacheFolder(path_ + "/link");
  EXPECT_EQ(linked->Read("good", kLimit).value_or(""), "one");
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a link away";
  ASSERT_EQ(::lchown((path_ + "/link").c_str(), 4711, 4711), 0);
  EXPECT_EQ(linked->Read("good", kLimit).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(DiskCacheFolderTest, ALockThatIsAPipeHoldsNobodyUp) {
  ASSERT_TRUE(Write("good", "one").ok());
  fs::remove(Path("lock"));
  ASSERT_EQ(::mkfifo(Path("lock").c_str(), 0600), 0);
  EXPECT_TRUE(Write("good", "two").ok());
}

TEST_F(DiskCacheFolderTest, ThousandsOfRootsAreListedAndNotForEver) {
  ASSERT_TRUE(Write(kRoot, "two").ok());
  for (int i = 0; i < 5000; ++i) {
    std::ofstream(Path("root_history/") + std::to_string(i));
  }
  EXPECT_GE(folder_->ListRoots().value().size(), 5000u);
}

// A limit on the size of files fails a write half way, as a full disk does.
TEST_F(DiskCacheFolderTest, AFullDiskLeavesWhatWasThere) {
  ASSERT_TRUE(Write("a.json", "one").ok());
  struct rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small = {1000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status full = Write("a.json", std::string(5000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted) << full;
  EXPECT_EQ(folder_->Read("a.json", kLimit).value_or(""), "one");
  EXPECT_FALSE(fs::exists(Path("a.json.tmp")));
}

TEST_F(DiskCacheFolderTest, AFolderThatIsRemovedIsMadeAgain) {
  ASSERT_TRUE(Write("a.json", "one").ok());
  fs::remove_all(path_);
  EXPECT_EQ(ReadCode("a.json"), absl::StatusCode::kNotFound);
  EXPECT_TRUE(Write("a.json", "two").ok());
  EXPECT_EQ(folder_->Read("a.json", kLimit).value_or(""), "two");
}

}  // namespace
}  // namespace anchorage::client
