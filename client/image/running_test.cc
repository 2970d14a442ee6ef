#include "client/image/running.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "client/image/inventory.h"

namespace anchorage::client {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(MappingsTest, ReadsWhatTheKernelSays) {
  const auto mappings = ParseMappings(
      "55d0c0a1e000-55d0c0a20000 r-xp 00002000 fe:00 247134      /usr/bin/a b\n"
      "7ffc8a5f4000-7ffc8a615000 rw-p 00000000 00:00 0           [stack]\n"
      "7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"
      "7f0000002000-7f0000003000 r-xs 00000000 00:01 9 /memfd:x (deleted)\n");
  ASSERT_TRUE(mappings.ok()) << mappings.status();
  ASSERT_EQ(mappings->size(), 4u);
  EXPECT_EQ((*mappings)[0].range, "55d0c0a1e000-55d0c0a20000");
  EXPECT_TRUE((*mappings)[0].is_code);
  EXPECT_EQ((*mappings)[0].inode, 247134u);
  EXPECT_EQ((*mappings)[0].path, "/usr/bin/a b");
  EXPECT_FALSE((*mappings)[1].is_code);
  EXPECT_TRUE((*mappings)[2].is_code);
  EXPECT_EQ((*mappings)[2].path, "");
  EXPECT_EQ((*mappings)[3].path, "/memfd:x (deleted)");
}

TEST(MappingsTest, RefusesWhatIsNotInTheForm) {
  for (const std::string_view text :
       {"\n", "a-b r-x 0 fe:00 1 /a", "ab r-xp 0 fe:00 1 /a",
        "a-b r-xp 0 fe00 1 /a", "a-b r-xp 0 fe:00 x /a", "a-b r-xp 0 fe:00",
        "a-b r-xp 0 fe:00 99999999999999999999 /a"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseMappings(text).status())) << text;
  }
}

// A folder with a copy of a program that sleeps, and its manifest. The program
// is looked at as the only one of the machine that lies in that folder.
class RunningTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to look at processes";
    char name[] = "/tmp/anchorage-running-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    root_ = name;
    fs::copy_file("/bin/sleep", root_ + "/sleep");
    auto listed = ListImage(root_, {}, {.as_seen = true});
    ASSERT_TRUE(listed.ok()) << listed.status();
    manifest_.entries = std::move(listed->found);
  }
  void TearDown() override {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    if (!root_.empty()) fs::remove_all(root_);
  }

  // Starts the program, after `prepare` in the new process.
  void Start(const std::function<void()>& prepare = [] {}) {
    int ready[2];
    ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    child_ = ::fork();
    if (child_ == 0) {
      prepare();
      ::execl((root_ + "/sleep").c_str(), "sleep", "600", nullptr);
      ::_exit(1);
    }
    ::close(ready[1]);
    char byte;
    // Closed by exec(2).
    while (::read(ready[0], &byte, 1) < 0 && errno == EINTR) {
    }
    ::close(ready[0]);
  }

  // What is found of the child and of files in the folder.
  std::vector<std::string> Found() {
    const auto running = ExamineRunning(root_, manifest_);
    EXPECT_TRUE(running.ok()) << running.status();
    if (!running.ok()) return {};
    EXPECT_GT(running->processes, 1u);
    std::vector<std::string> lines;
    const std::string who = "process " + std::to_string(child_) + " ";
    for (const auto& d : running->differences) {
      const bool here = d.name.find('/') == std::string::npos ||
                        d.name.find(root_) != std::string::npos ||
                        d.name.find("memfd:ours") != std::string::npos;
      if (here && d.detail.find(who) != std::string::npos) {
        lines.push_back(std::string(NameOf(d.reason)) + " " + d.name);
      }
    }
    return lines;
  }

  std::string root_;
  verify::ImageManifest manifest_;
  pid_t child_ = 0;
};

TEST_F(RunningTest, AnEntryIsNoDifference) {
  Start();
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(RunningTest, WhatIsNoEntry) {
  Start();
  manifest_.entries.clear();
  EXPECT_THAT(Found(), ElementsAre("UNLISTED_RUNNING sleep"));
}

TEST_F(RunningTest, WhatHasOtherContents) {
  Start();
  manifest_.entries[0].sha256[0] ^= 1;
  EXPECT_THAT(Found(), ElementsAre("CONTENT sleep"));
}

TEST_F(RunningTest, WhatWasDeleted) {
  Start();
  fs::remove(root_ + "/sleep");
  EXPECT_THAT(Found(), ElementsAre("REPLACED_RUNNING sleep"));
}

TEST_F(RunningTest, WhatWasReplacedByTheSame) {
  Start();
  fs::copy_file(root_ + "/sleep", root_ + "/new");
  fs::rename(root_ + "/new", root_ + "/sleep");
  EXPECT_THAT(Found(), ElementsAre("REPLACED_RUNNING sleep"));
}

TEST_F(RunningTest, WhatWasRenamed) {
  Start();
  fs::rename(root_ + "/sleep", root_ + "/other");
  EXPECT_THAT(Found(), ElementsAre("UNLISTED_RUNNING other"));
}

TEST_F(RunningTest, WhatIsInMemoryOnly) {
  child_ = ::fork();
  if (child_ == 0) {
    const int memory = ::memfd_create("ours", 0);
    const int from = ::open((root_ + "/sleep").c_str(), O_RDONLY);
    char buffer[65536];
    for (ssize_t n; (n = ::read(from, buffer, sizeof(buffer))) > 0;) {
      if (::write(memory, buffer, static_cast<std::size_t>(n)) != n) ::_exit(1);
    }
    ::close(from);
    ::execl(("/proc/self/fd/" + std::to_string(memory)).c_str(), "sleep", "600",
            nullptr);
    ::_exit(1);
  }
  std::vector<std::string> found;
  for (int i = 0; i < 1'000 && found.empty(); ++i) {
    ::usleep(10'000);
    found = Found();
  }
  EXPECT_THAT(found, ElementsAre("UNLISTED_RUNNING /memfd:ours (deleted)"));
}

TEST_F(RunningTest, AMappingBesideTheProgram) {
  fs::copy_file(root_ + "/sleep", root_ + "/plugin");
  child_ = ::fork();
  if (child_ == 0) {
    const int file = ::open((root_ + "/plugin").c_str(), O_RDONLY);
    ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    ::pause();
    ::_exit(0);
  }
  std::vector<std::string> found;
  for (int i = 0; i < 1'000 && found.empty(); ++i) {
    ::usleep(10'000);
    found = Found();
  }
  EXPECT_THAT(found, ElementsAre("UNLISTED_RUNNING plugin"));
}

TEST_F(RunningTest, AProcessWhoseFirstThreadHasEnded) {
  fs::copy_file(root_ + "/sleep", root_ + "/plugin");
  child_ = ::fork();
  if (child_ == 0) {
    const int file = ::open((root_ + "/plugin").c_str(), O_RDONLY);
    ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    std::thread([] { ::pause(); }).detach();
    ::syscall(SYS_exit, 0);
  }
  const std::string stat = "/proc/" + std::to_string(child_) + "/stat";
  bool is_zombie = false;
  for (int i = 0; i < 1'000 && !is_zombie; ++i) {
    ::usleep(10'000);
    std::string line;
    std::getline(std::ifstream(stat) >> std::ws, line);
    is_zombie = line.find(") Z ") != std::string::npos;
  }
  ASSERT_TRUE(is_zombie);
  EXPECT_THAT(Found(), ElementsAre("UNLISTED_RUNNING plugin"));
}

}  // namespace
}  // namespace anchorage::client
