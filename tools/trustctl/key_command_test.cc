#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "anchors/base/atomic_file.h"
#include "test/support/run_command.h"
#include "tools/trustctl/commands.h"

namespace anchorage::trustctl {
namespace {

class Key : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove(path_);
    std::filesystem::remove(path_ + ".pub");
  }

  Ran Generate(const std::vector<std::string>& more = {}) {
    std::vector<std::string> line = {
        "key", "generate", "--out", path_, "--unencrypted", "-o", "json"};
    line.insert(line.end(), more.begin(), more.end());
    return RunCommand(AddKey, line);
  }

  const std::string path_ = ::testing::TempDir() + "/key.pem";
};

TEST_F(Key, IsTheSameInBothFiles) {
  for (const char* type : {"ed25519", "p256"}) {
    SetUp();
    const Ran made = Generate({"--type", type});
    ASSERT_EQ(made.code, kAccepted) << made.err;
    const auto id = nlohmann::json::parse(made.out)["keyid"];
    for (const std::string& file : {path_, path_ + ".pub"}) {
      const Ran shown =
          RunCommand(AddKey, {"key", "show", "--key", file, "-o", "json"});
      ASSERT_EQ(shown.code, kAccepted) << shown.err;
      EXPECT_EQ(nlohmann::json::parse(shown.out)["keyid"], id) << file;
    }
  }
}

// Neither half: the other would be lost.
TEST_F(Key, IsNeverWrittenOver) {
  for (const std::string& file : {path_, path_ + ".pub"}) {
    SetUp();
    ASSERT_TRUE(anchors::WriteFileAtomically(file, "mine").ok());
    EXPECT_EQ(Generate().code, kUsage) << file;
    EXPECT_EQ(*anchors::ReadFile(file, 16), "mine");
  }
}

TEST_F(Key, IsReadableByItsOwnerAlone) {
  ASSERT_EQ(Generate().code, kAccepted);
  EXPECT_EQ(
      std::filesystem::status(path_).permissions(),
      std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace
}  // namespace anchorage::trustctl
