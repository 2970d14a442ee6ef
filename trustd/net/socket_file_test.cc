#include "trustd/net/socket_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "anchors/base/atomic_file.h"

namespace anchorage::trustd {
namespace {

class SocketFileTest : public ::testing::Test {
 protected:
  // A test's own folder is too long for the path of a socket.
  SocketFileTest() {
    char folder[] = "/tmp/socket-XXXXXX";
    EXPECT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  ~SocketFileTest() override { std::filesystem::remove_all(folder_); }

  absl::StatusOr<std::unique_ptr<SocketFile>> Listen() {
    return SocketFile::Listen(path(), "");
  }
  std::string path() const { return folder_ + "/s"; }

  bool CanConnect() {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof(address.sun_path) - 1);
    const bool can = ::connect(socket, reinterpret_cast<sockaddr*>(&address),
                               sizeof(address)) == 0;
    ::close(socket);
    return can;
  }

  // A socket whose program has ended.
  void LeaveSocket() {
    auto file = Listen();
    ASSERT_TRUE(file.ok()) << file.status();
    // Its own end finds another name.
    std::filesystem::rename(path(), path() + "2");
    file->reset();
    std::filesystem::rename(path() + "2", path());
  }

  std::string folder_;
};

TEST_F(SocketFileTest, IsForItsUserAndGroupAlone) {
  const auto file = Listen();
  ASSERT_TRUE(file.ok()) << file.status();
  struct stat found {};
  ASSERT_EQ(::lstat(path().c_str(), &found), 0);
  EXPECT_TRUE(S_ISSOCK(found.st_mode));
  EXPECT_EQ(found.st_mode & 07777, 0660U);
  EXPECT_EQ(found.st_gid, ::getegid());
  EXPECT_TRUE(CanConnect());
}

TEST_F(SocketFileTest, HasItsModeWhateverTheUmask) {
  const mode_t before = ::umask(0777);
  const auto file = Listen();
  ::umask(before);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(
      static_cast<unsigned>(std::filesystem::status(path()).permissions()),
      0660U);
}

TEST_F(SocketFileTest, IsRemovedAtItsEnd) {
  auto file = Listen();
  ASSERT_TRUE(file.ok()) << file.status();
  file->reset();
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(SocketFileTest, LeavesWhatWasPutInItsPlace) {
  auto file = Listen();
  ASSERT_TRUE(file.ok()) << file.status();
  std::filesystem::remove(path());
  ASSERT_TRUE(anchors::WriteFileAtomically(path(), "mine").ok());
  file->reset();
  EXPECT_EQ(*anchors::ReadFile(path(), 16), "mine");
}

TEST_F(SocketFileTest, ReplacesOneThatWasLeftBehind) {
  LeaveSocket();
  ASSERT_FALSE(CanConnect());
  const auto file = Listen();
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(CanConnect());
}

TEST_F(SocketFileTest, TakesNoneOnWhichSomebodyListens) {
  const auto first = Listen();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(absl::IsAlreadyExists(Listen().status()));
  EXPECT_TRUE(CanConnect());
}

TEST_F(SocketFileTest, LeavesEveryOtherFile) {
  ASSERT_TRUE(anchors::WriteFileAtomically(path(), "mine").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(Listen().status()));
  EXPECT_EQ(*anchors::ReadFile(path(), 16), "mine");
  std::filesystem::remove(path());
  std::filesystem::create_directory(path());
  EXPECT_TRUE(absl::IsAlreadyExists(Listen().status()));
  std::filesystem::remove(path());
  // Nor does it follow a link.
  std::filesystem::create_symlink(folder_ + "/elsewhere", path());
  EXPECT_TRUE(absl::IsAlreadyExists(Listen().status()));
  EXPECT_TRUE(std::filesystem::is_symlink(path()));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/elsewhere"));
}

TEST_F(SocketFileTest, LeavesTheSocketOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  LeaveSocket();
  ASSERT_EQ(::lchown(path().c_str(), 12345, static_cast<gid_t>(-1)), 0);
  EXPECT_TRUE(absl::IsAlreadyExists(Listen().status()));
  EXPECT_TRUE(std::filesystem::exists(path()));
}

TEST_F(SocketFileTest, IsInNoFolderInWhichOthersCouldReplaceIt) {
  using std::filesystem::perms;
  for (const perms others : {perms::others_write, perms::group_write}) {
    std::filesystem::permissions(folder_, perms::owner_all | others);
    EXPECT_TRUE(absl::IsFailedPrecondition(Listen().status()));
  }
  std::filesystem::permissions(
      folder_, perms::owner_all | perms::others_write | perms::sticky_bit);
  EXPECT_TRUE(Listen().ok());
}

TEST_F(SocketFileTest, IsBelowNoFolderThatOthersCouldReplace) {
  using std::filesystem::perms;
  const std::string outer = folder_ + "/outer";
  const std::string inner = outer + "/inner";
  std::filesystem::create_directories(inner);
  std::filesystem::permissions(inner, perms::owner_all);
  const auto check = [](const std::string& folder) {
    return CheckSocketFolder(folder + "/s", ::geteuid());
  };
  std::filesystem::permissions(outer, perms::owner_all | perms::others_write);
  EXPECT_TRUE(absl::IsFailedPrecondition(check(inner)));
  EXPECT_TRUE(absl::IsFailedPrecondition(
      SocketFile::Listen(inner + "/s", "").status()));
  // Neither by way of a link to there, nor by one that is there.
  std::filesystem::create_directory_symlink(inner, folder_ + "/link");
  EXPECT_TRUE(absl::IsFailedPrecondition(check(folder_ + "/link")));
  std::filesystem::create_directory(folder_ + "/good");
  std::filesystem::create_directory_symlink(folder_ + "/good", outer + "/link");
  EXPECT_TRUE(absl::IsFailedPrecondition(check(outer + "/link")));
  std::filesystem::permissions(
      outer, perms::owner_all | perms::others_write | perms::sticky_bit);
  EXPECT_TRUE(check(inner).ok());
  EXPECT_TRUE(check(outer + "/link").ok());
  EXPECT_TRUE(check(folder_ + "/link").ok());
}

TEST_F(SocketFileTest, IsBelowNoFolderOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  const std::string inner = folder_ + "/outer/inner";
  std::filesystem::create_directories(inner);
  ASSERT_EQ(
      ::chown((folder_ + "/outer").c_str(), 12345, static_cast<gid_t>(-1)), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckSocketFolder(inner + "/s", 0)));
  EXPECT_TRUE(CheckSocketFolder(inner + "/s", 12345).ok());
}

TEST_F(SocketFileTest, SaysWhatIsWrongWithItsPlaceOrGroup) {
  EXPECT_TRUE(
      absl::IsNotFound(SocketFile::Listen(path(), "no-such-group").status()));
  EXPECT_TRUE(
      absl::IsNotFound(SocketFile::Listen(folder_ + "/none/s", "").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      SocketFile::Listen(folder_ + "/" + std::string(107, 'a'), "").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(SocketFile::Listen("", "").status()));
}

}  // namespace
}  // namespace anchorage::trustd
