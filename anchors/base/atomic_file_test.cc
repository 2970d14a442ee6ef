#include "anchors/base/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <filesystem>
#include <optional>
#include <string>

namespace anchorage::anchors {
namespace {

class AtomicFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    ASSERT_TRUE(MakeFolder(folder_).ok());
    path_ = folder_ + "/file";
  }

  std::string folder_;
  std::string path_;
};

TEST_F(AtomicFileTest, ReadsBackWhatWasWritten) {
  const std::string bytes("a\0b\xff", 4);
  ASSERT_TRUE(WriteFileAtomically(path_, bytes).ok());
  ASSERT_TRUE(WriteFileAtomically(path_, bytes + "2").ok());
  EXPECT_EQ(ReadFile(path_, 100).value(), bytes + "2");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".tmp"));
}

TEST_F(AtomicFileTest, DoesNotWriteThroughALinkLeftAtTheTemporaryName) {
  const std::string victim = folder_ + "/victim";
  ASSERT_TRUE(WriteFileAtomically(victim, "precious").ok());
  std::filesystem::create_symlink(victim, path_ + ".tmp");
  ASSERT_TRUE(WriteFileAtomically(path_, "new").ok());
  EXPECT_EQ(ReadFile(victim, 100).value(), "precious");
  EXPECT_EQ(ReadFile(path_, 100).value(), "new");
}

TEST_F(AtomicFileTest, RefusesALongerFileThanItsLimit) {
  ASSERT_TRUE(WriteFileAtomically(path_, "12345").ok());
  EXPECT_TRUE(ReadFile(path_, 5).ok());
  EXPECT_EQ(ReadFile(path_, 4).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(AtomicFileTest, TellsAbsentFromUnreadable) {
  EXPECT_EQ(ReadFile(path_, 5).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadFile(folder_, 5).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(WriteFileAtomically(folder_ + "/none/file", "x").code(),
            absl::StatusCode::kNotFound);
}

// A limit on the size of files fails a write half way, as a full disk does.
TEST_F(AtomicFileTest, AWriteThatFailsHalfWayLeavesTheOldFileAndNothingElse) {
  ASSERT_TRUE(WriteFileAtomically(path_, "old").ok());
  struct rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small = {1000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status status =
      WriteFileAtomically(path_, std::string(5000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(ReadFile(path_, 10).value(), "old");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".tmp"));
}

TEST_F(AtomicFileTest, PrivateFilesAreForTheirOwnerAlone) {
  ASSERT_TRUE(WriteFileAtomically(path_, "key", FileAccess::kPrivate).ok());
  struct stat status;
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(ReadPrivateFile(path_, 10).value(), "key");
  ASSERT_EQ(::chmod(path_.c_str(), 0640), 0);
  EXPECT_EQ(ReadPrivateFile(path_, 10).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(AtomicFileTest, TheUmaskDecidesButForFilesThatEverybodyReads) {
  const mode_t before = ::umask(077);
  const bool written =
      WriteFileAtomically(path_, "", FileAccess::kEverybody).ok() &&
      WriteFileAtomically(path_ + "2", "", FileAccess::kPublic).ok();
  ::umask(before);
  ASSERT_TRUE(written);
  struct stat status;
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644u);
  ASSERT_EQ(::stat((path_ + "2").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(AtomicFileTest, OneOwnerAFolder) {
  auto first = FolderLock::Take(folder_);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(FolderLock::Take(folder_).status().code(),
            absl::StatusCode::kAborted);
  { const FolderLock gone = *std::move(first); }
  EXPECT_TRUE(FolderLock::Take(folder_).ok());
}

TEST_F(AtomicFileTest, MakesParentsAndRefusesAFileInTheWay) {
  EXPECT_TRUE(MakeFolder(folder_ + "/a/b/c").ok());
  EXPECT_TRUE(MakeFolder(folder_ + "/a/b/c").ok());
  ASSERT_TRUE(WriteFileAtomically(path_, "x").ok());
  EXPECT_FALSE(MakeFolder(path_).ok());
  EXPECT_FALSE(MakeFolder(path_ + "/below").ok());
}

// A worker that was forked and lives on held its parent's folder.
TEST_F(AtomicFileTest, AForkedChildDoesNotHoldTheFolder) {
  std::optional<FolderLock> lock = *FolderLock::Take(folder_);
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  EXPECT_EQ(FolderLock::Take(folder_).status().code(),
            absl::StatusCode::kAborted)
      << "the parent holds it still";
  lock.reset();
  absl::Status taken;
  // The child lets it go once it runs.
  for (int i = 0; i < 1000; ++i) {
    taken = FolderLock::Take(folder_).status();
    if (taken.ok()) break;
    ::usleep(10'000);
  }
  EXPECT_TRUE(taken.ok()) << taken;
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST_F(AtomicFileTest, ALimitOnTheSizeOfFilesIsAnError) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_DFL);
    const rlimit limit{100, 100};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const bool failed = absl::IsResourceExhausted(
        WriteFileAtomically(path_, std::string(101, 'x')));
    sigset_t pending;
    ::sigpending(&pending);
    ::_exit(failed && ::sigismember(&pending, SIGXFSZ) == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

// A host may have closed its standard streams, and still write to them.
TEST_F(AtomicFileTest, NoStandardStreamIsTaken) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (int fd = 0; fd < 3; ++fd) ::close(fd);
    const auto lock = FolderLock::Take(folder_);
    const bool good = lock.ok() && WriteFileAtomically(path_, "x").ok();
    bool taken = false;
    for (int fd = 0; fd < 3; ++fd) taken |= ::fcntl(fd, F_GETFD) >= 0;
    ::_exit(good && !taken ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// Each level of it cost memory and stack.
TEST_F(AtomicFileTest, APathOfAnyLengthIsRefusedOrMade) {
  std::string deep = folder_;
  while (deep.size() + 2 < PATH_MAX) deep += "/d";
  EXPECT_TRUE(MakeFolder(deep).ok());
  std::string longest = "/";
  while (longest.size() < 16 * 1024 * 1024) longest += "d/";
  const absl::Status s = MakeFolder(longest);
  EXPECT_FALSE(s.ok());
  EXPECT_LT(s.message().size(), 1000u);
}

}  // namespace
}  // namespace anchorage::anchors
