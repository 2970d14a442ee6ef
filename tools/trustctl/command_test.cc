#include "tools/trustctl/command.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "anchors/base/atomic_file.h"

namespace anchorage::trustctl {
namespace {

namespace fs = std::filesystem;

class WriteOutputTest : public ::testing::Test {
 protected:
  WriteOutputTest() : folder_(fs::path(::testing::TempDir()) / "write_output") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  std::string At(const char* name) const { return (folder_ / name).string(); }
  std::string Read(const char* name) const {
    return anchors::ReadFile(At(name), 100).value_or("");
  }

  const fs::path folder_;
};

TEST_F(WriteOutputTest, ReplacesAFile) {
  ASSERT_TRUE(WriteOutput(At("file"), "one").ok());
  ASSERT_TRUE(WriteOutput(At("file"), "two").ok());
  EXPECT_EQ(Read("file"), "two");
}

TEST_F(WriteOutputTest, KeepsALink) {
  std::ofstream(At("target")) << "old";
  fs::create_symlink("target", At("link"));
  ASSERT_TRUE(WriteOutput(At("link"), "new").ok());
  EXPECT_TRUE(fs::is_symlink(At("link")));
  EXPECT_EQ(Read("target"), "new");
}

TEST_F(WriteOutputTest, WritesToAPipe) {
  ASSERT_EQ(mkfifo(At("pipe").c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] {
    std::ifstream in(At("pipe"));
    got.assign(std::istreambuf_iterator<char>(in), {});
  });
  EXPECT_TRUE(WriteOutput(At("pipe"), "through").ok());
  reader.join();
  EXPECT_EQ(got, "through");
  EXPECT_EQ(fs::status(At("pipe")).type(), fs::file_type::fifo);
}

TEST_F(WriteOutputTest, ADeviceStaysOne) {
  EXPECT_TRUE(WriteOutput("/dev/null", "gone").ok());
  EXPECT_EQ(fs::status("/dev/null").type(), fs::file_type::character);
  EXPECT_FALSE(WriteOutput("/dev/full", "too much").ok());
  EXPECT_EQ(fs::status("/dev/full").type(), fs::file_type::character);
}

TEST_F(WriteOutputTest, AFolderIsNone) {
  EXPECT_FALSE(WriteOutput(folder_.string(), "x").ok());
}

}  // namespace
}  // namespace anchorage::trustctl
